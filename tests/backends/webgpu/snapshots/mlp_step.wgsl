fn opaque(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | zero()); }

struct ExpParts { n: i32, less: f32 }

fn exp_parts(x: f32, rest: f32) -> ExpParts {
  let n = round(x * 1.442695f);
  let rough = opaque(x - n * 0.6933594f);
  let r = fma(n, 0.00021219444f, rough) + rest;
  let curve = fma(fma(fma(fma(0.0013838836f, r, 0.008367057f), r, 0.041667745f), r, 0.16666539f), r, 0.49999997f);
  return ExpParts(i32(n), fma(curve, r * r, r));
}

fn scaled(x: f32, n: i32) -> f32 {
  let first = n >> 1u;
  return x * bitcast<f32>((first + 127) << 23u) * bitcast<f32>((n - first + 127) << 23u);
}

fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }

fn exp_of_sum(x: f32, rest: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let parts = exp_parts(clamp(x, -104.0f, 89.0f), rest);
  return scaled(1.0f + parts.less, parts.n);
}

fn exp_of(x: f32) -> f32 { return exp_of_sum(x, 0.0f); }

fn magnitude(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }

fn negated(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }

fn decay(x: f32) -> f32 { return exp_of(negated(magnitude(x))); }

fn with_sign(x: f32, sign: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
}

fn tanh_of_decay(x: f32, decay: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = magnitude(x);
  let square = x * x;
  let near = fma(fma(fma(fma(fma(-0.0062453654f, square, 0.02105135f), square, -0.053847548f), square, 0.13332544f), square, -0.33333316f), square * size, size);
  return with_sign(select((1.0f - decay) / (1.0f + decay), near, size < 0.55f), x);
}

struct Wide { hi: f32, lo: f32, e: i32 }

fn sum_parts(x: f32, y: f32) -> vec2<f32> {
  let sum = opaque(x + y);
  let part = opaque(sum - x);
  return vec2<f32>(sum, opaque(x - opaque(sum - part)) + opaque(y - part));
}

fn is_sum_known(state: vec2<f32>) -> bool {
  let size = bitcast<u32>(state.x + state.y) & 0x7fffffffu;
  return size >= 0x10000000u && size < 0x7e000000u;
}

fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }

fn power_of_two(e: i32) -> f32 { return bitcast<f32>((e + 127) << 23u); }

fn wide_normal(high: f32, low: f32, e: i32) -> Wide {
  let hi = opaque(high + low);
  let lo = low - opaque(hi - high);
  if ((bitcast<u32>(hi) & 0x7fffffffu) == 0u || !is_finite(hi)) { return Wide(hi, 0.0f, 0); }
  let k = i32((bitcast<u32>(hi) >> 23u) & 0xffu) - 127;
  let scale = power_of_two(-k);
  return Wide(hi * scale, lo * scale, e + k);
}

fn wide_sum(state: vec2<f32>) -> Wide {
  let sum = sum_parts(state.x, state.y);
  return wide_normal(sum.x, sum.y, 0);
}

fn wide(x: f32) -> Wide {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  if (size == 0u || !is_finite(x)) { return Wide(x, 0.0f, 0); }
  if (size >= 0x00800000u) {
    return Wide(bitcast<f32>((bits & 0x807fffffu) | 0x3f800000u), 0.0f, i32(size >> 23u) - 127);
  }
  let shift = countLeadingZeros(size) - 8u;
  let fraction = (size << shift) & 0x007fffffu;
  return Wide(bitcast<f32>((bits & 0x80000000u) | fraction | 0x3f800000u), 0.0f, -126 - i32(shift));
}

fn nan() -> f32 { return bitcast<f32>(0x7fc00000u | zero()); }

fn wide_add(x: Wide, y: Wide) -> Wide {
  if (!is_finite(x.hi) || !is_finite(y.hi)) {
    if (is_nan(x.hi) || is_nan(y.hi)) { return Wide(nan(), 0.0f, 0); }
    if (is_finite(x.hi)) { return y; }
    let differs = ((bitcast<u32>(x.hi) ^ bitcast<u32>(y.hi)) >> 31u) == 1u;
    if (!is_finite(y.hi) && differs) { return Wide(nan(), 0.0f, 0); }
    return x;
  }
  let xZero = (bitcast<u32>(x.hi) & 0x7fffffffu) == 0u;
  let yZero = (bitcast<u32>(y.hi) & 0x7fffffffu) == 0u;
  if (xZero && yZero) {
    return Wide(bitcast<f32>(bitcast<u32>(x.hi) & bitcast<u32>(y.hi)), 0.0f, 0);
  }
  if (yZero) { return x; }
  if (xZero) { return y; }
  var a = x;
  var b = y;
  if (b.e > a.e) {
    a = y;
    b = x;
  }
  let distance = a.e - b.e;
  if (distance > 60) { return a; }
  let scale = power_of_two(-distance);
  let sum = sum_parts(a.hi, b.hi * scale);
  let rest = sum_parts(a.lo, b.lo * scale);
  let first = opaque(sum.y + rest.x);
  let hi = opaque(sum.x + first);
  let lo = (first - opaque(hi - sum.x)) + rest.y;
  return wide_normal(hi, lo, a.e);
}

fn infinity() -> f32 { return bitcast<f32>(0x7f800000u | zero()); }

fn narrow(x: Wide) -> f32 {
  let bits = bitcast<u32>(x.hi);
  if ((bits & 0x7fffffffu) == 0u || !is_finite(x.hi)) { return x.hi; }
  if (x.e > 127) { return with_sign(infinity(), x.hi); }
  if (x.e >= -126) {
    return bitcast<f32>((bits & 0x807fffffu) | (u32(x.e + 127) << 23u));
  }
  if (x.e < -150) { return with_sign(0.0f, x.hi); }
  // Rounded once more to a multiple of the least number; what was rounded away decides ties.
  let n = u32(-126 - x.e);
  let whole = (bits & 0x007fffffu) | 0x00800000u;
  let rest = whole & ((1u << n) - 1u);
  let half = 1u << (n - 1u);
  let kept = whole >> n;
  let isTie = rest == half;
  let isMore = rest > half || (isTie && (x.lo * x.hi > 0.0f || (x.lo == 0.0f && (kept & 1u) == 1u)));
  return bitcast<f32>((bits & 0x80000000u) | (kept + select(0u, 1u, isMore)));
}

fn sum_with(state: vec2<f32>, x: f32) -> vec2<f32> {
  let sum = sum_parts(state.x, x);
  return vec2<f32>(sum.x, state.y + sum.y);
}

fn maximum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  let a = bitcast<i32>(x);
  let b = bitcast<i32>(y);
  return select(y, x, select(a, a ^ 0x7fffffff, a < 0) > select(b, b ^ 0x7fffffff, b < 0));
}

// Pass 0, workgroups 1x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
var<workgroup> tileA: array<f32, 1024>;
var<workgroup> tileB: array<f32, 512>;
fn left(t: u32, i: u32, p: u32) -> f32 {
return f32(b0[bases[0].x + (0u + ((i) * 2u) + (p))]);
}
fn right(t: u32, p: u32, j: u32) -> f32 {
return f32(b1[bases[0].y + (0u + ((j) * 2u) + (p))]);
}

@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let number = ((group.z * groups.y + group.y) * groups.x + group.x);
if (number >= 1u) { return; }
let column = (number % 1u) * 32u;
let row = ((number / 1u) % 1u) * 64u;
let t = (number / 1u) % 1u;
let s = number / 1u;
let y = local / 16u;
let x = local % 16u;
let end = min((s + 1u) * 2u, 2u);
var sum0_0 = f32(0);
var sum0_1 = f32(0);
var sum1_0 = f32(0);
var sum1_1 = f32(0);
var sum2_0 = f32(0);
var sum2_1 = f32(0);
var sum3_0 = f32(0);
var sum3_1 = f32(0);
for (var start = s * 2u; start < end; start += 16u) {
  for (var q = local; q < 1024u; q += 256u) {
    let f = q / 16u;
    let d = q % 16u;
    var value = f32(0);
    if (row + f < 64u && start + d < end) {
      value = left(t, row + f, start + d);
    }
    tileA[d * 64u + f] = value;
  }
  for (var q = local; q < 512u; q += 256u) {
    let f = q / 16u;
    let d = q % 16u;
    var value = f32(0);
    if (column + f < 32u && start + d < end) {
      value = right(t, start + d, column + f);
    }
    tileB[d * 32u + f] = value;
  }
  workgroupBarrier();
  for (var d = 0u; d < 16u; d++) {
    let a0 = tileA[d * 64u + y + 0u];
    let a1 = tileA[d * 64u + y + 16u];
    let a2 = tileA[d * 64u + y + 32u];
    let a3 = tileA[d * 64u + y + 48u];
    let c0 = tileB[d * 32u + x + 0u];
    let c1 = tileB[d * 32u + x + 16u];
    sum0_0 += a0 * c0;
    sum0_1 += a0 * c1;
    sum1_0 += a1 * c0;
    sum1_1 += a1 * c1;
    sum2_0 += a2 * c0;
    sum2_1 += a2 * c1;
    sum3_0 += a3 * c0;
    sum3_1 += a3 * c1;
  }
  workgroupBarrier();
}
{
  let i = row + y + 0u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum0_0; }
}
{
  let i = row + y + 0u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum0_1; }
}
{
  let i = row + y + 16u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum1_0; }
}
{
  let i = row + y + 16u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum1_1; }
}
{
  let i = row + y + 32u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum2_0; }
}
{
  let i = row + y + 32u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum2_1; }
}
{
  let i = row + y + 48u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum3_0; }
}
{
  let i = row + y + 48u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum3_1; }
}

}

// Pass 1, workgroups 32x1x1; with opaque ExpParts exp_parts scaled is_nan exp_of_sum exp_of magnitude negated decay with_sign tanh_of_decay
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 2048u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let c0 = i32(round >> 5u);
  let c1 = i32((round) & 31u);
  let v0 = b0[base0 + u32(c0 * 32 + c1)];
  let v1 = b1[base1 + u32(c1)];
  let v2 = (v0 + v1);
  let v3 = (v2 + v2);
  let v4 = decay(v3);
  let v5 = tanh_of_decay(v2, v4);
  b2[base2 + u32(c0 * 32 + c1)] = v5;
}

// Pass 2, workgroups 8x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
fn left(t: u32, i: u32, p: u32) -> f32 {
return f32(b0[bases[0].x + (0u + ((i) * 32u) + (p))]);
}
fn right(t: u32, p: u32, j: u32) -> f32 {
return f32(b1[bases[0].y + (0u + 0u + (p))]);
}

var<workgroup> states: array<f32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let o = ((group.z * groups.y + group.y) * groups.x + group.x) * 8u + local / 32u;
let slice = local % 32u;
var state = f32(0);
if (o < 64u) {
let j = (o % 64u) % 1u;
let i = ((o % 64u) / 1u) % 64u;
let t = (o % 64u) / 64u;
let s = o / 64u;
let first = s * 32u;
let end = min(first + 32u, 32u);
for (var p = first + slice; p < end; p += 32u) {
state += left(t, i, p) * right(t, p, j);
}
}
states[local] = state;
for (var d = 16u; d > 0u; d /= 2u) {
  workgroupBarrier();
  if (slice < d) {
    let other = states[local + d * 1u];
    state = state + other;
    states[local] = state;
  }
}
if (slice == 0u && o < 64u) {
let j = (o % 64u) % 1u;
let i = ((o % 64u) / 1u) % 64u;
let t = (o % 64u) / 64u;
let s = o / 64u;
b2[bases[0].z + ((t * 64u + i) * 1u + j)] = state;
}
}

// Pass 3, workgroups 1x1x1; with opaque Wide sum_parts is_sum_known is_finite power_of_two wide_normal wide_sum wide is_nan nan wide_add with_sign infinity narrow sum_with
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<storage, read_write> b4: array<f32>;
@group(0) @binding(5) var<storage, read_write> b5: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].z; }
fn product_parts(x: f32, y: f32) -> vec2<f32> {
  let a = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let b = bitcast<f32>(bitcast<u32>(y) & 0xfffff000u);
  let c = x - a;
  let d = y - b;
  let product = opaque(x * y);
  let first = opaque(opaque(a * b) - product);
  let second = opaque(opaque(first + opaque(a * d)) + opaque(c * b));
  return vec2<f32>(product, second + opaque(c * d));
}
fn sum_with_product(state: vec2<f32>, x: f32, y: f32) -> vec2<f32> {
  let product = product_parts(x, y);
  let sum = sum_parts(state.x, product.x);
  return vec2<f32>(sum.x, state.y + (sum.y + product.y));
}
fn sum_of_sums(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let sum = sum_parts(a.x, b.x);
  return vec2<f32>(sum.x, (a.y + b.y) + sum.y);
}
fn wide_mul(x: Wide, y: Wide) -> Wide {
  let sign = bitcast<f32>((bitcast<u32>(x.hi) ^ bitcast<u32>(y.hi)) & 0x80000000u);
  let xZero = (bitcast<u32>(x.hi) & 0x7fffffffu) == 0u;
  let yZero = (bitcast<u32>(y.hi) & 0x7fffffffu) == 0u;
  if (!is_finite(x.hi) || !is_finite(y.hi)) {
    if (is_nan(x.hi) || is_nan(y.hi) || xZero || yZero) { return Wide(nan(), 0.0f, 0); }
    return Wide(bitcast<f32>(bitcast<u32>(sign) | 0x7f800000u), 0.0f, 0);
  }
  if (xZero || yZero) { return Wide(sign, 0.0f, 0); }
  let product = product_parts(x.hi, y.hi);
  let low = product.y + (x.hi * y.lo + x.lo * y.hi);
  return wide_normal(product.x, low, x.e + y.e);
}
var<workgroup> parts_vec2f32_0: array<vec2<f32>, 64>;
var<workgroup> go: u32;
var<workgroup> parts_Wide_0: array<Wide, 64>;
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = (group.z * groups.y + group.y) * groups.x + group.x;
  if (round >= 1u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let base4 = bases[1].x;
  let base5 = bases[1].y;
  {
    let v1 = b1[base1 + 0u];
    let v5 = 0.03125f;
    for (var k = local; k < 64u; k += 64u) {
      let r0 = i32(k);
      let v0 = b0[base0 + u32(r0)];
      let v2 = (v0 + v1);
      let v3 = b2[base2 + u32(r0)];
      let v4 = (v2 - opaque(v3));
      let v6 = (v5 * v4);
      b0[base0 + u32(r0)] = v4;
      b3[base3 + u32(r0)] = v6;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let v2 = Wide(1f, 0f, 6);
    var s1 = vec2<f32>(bitcast<f32>(zero()));
    for (var k = local; k < 64u; k += 64u) {
      let r0 = i32(k);
      let v0 = b0[base0 + u32(r0)];
      s1 = sum_with_product(s1, v0, v0);
    }
    parts_vec2f32_0[local] = s1;
    for (var width = 32u; width > 0u; width = width >> 1u) {
      workgroupBarrier();
      if (local < width) {
        parts_vec2f32_0[local] = sum_of_sums(parts_vec2f32_0[local], parts_vec2f32_0[local + width]);
      }
    }
    workgroupBarrier();
    s1 = parts_vec2f32_0[0];
    var v1 = wide_sum(s1);
    if (local == 0u) { go = select(0u, 1u, !is_sum_known(s1)); }
    let go0 = workgroupUniformLoad(&go);
    if (go0 != 0u) {
      var s1 = Wide(0f, 0.0f, 0);
      for (var k = local; k < 64u; k += 64u) {
        let r0 = i32(k);
        let v0 = b0[base0 + u32(r0)];
        s1 = wide_add(s1, wide_mul(wide(v0), wide(v0)));
      }
      parts_Wide_0[local] = s1;
      for (var width = 32u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if (local < width) {
          parts_Wide_0[local] = wide_add(parts_Wide_0[local], parts_Wide_0[local + width]);
        }
      }
      workgroupBarrier();
      s1 = parts_Wide_0[0];
      v1 = s1;
    }
    if (local == 0u) {
      let v3 = wide_mul(v1, Wide(1f, 0f, -6));
      let v4 = narrow(v3);
      b4[base4 + 0u] = v4;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    var s1 = vec2<f32>(bitcast<f32>(zero()));
    for (var k = local; k < 64u; k += 64u) {
      let r0 = i32(k);
      let v0 = b3[base3 + u32(r0)];
      s1 = sum_with(s1, v0);
    }
    parts_vec2f32_0[local] = s1;
    for (var width = 32u; width > 0u; width = width >> 1u) {
      workgroupBarrier();
      if (local < width) {
        parts_vec2f32_0[local] = sum_of_sums(parts_vec2f32_0[local], parts_vec2f32_0[local + width]);
      }
    }
    workgroupBarrier();
    s1 = parts_vec2f32_0[0];
    var v1 = wide_sum(s1);
    if (local == 0u) { go = select(0u, 1u, !is_sum_known(s1)); }
    let go1 = workgroupUniformLoad(&go);
    if (go1 != 0u) {
      var s1 = Wide(0f, 0.0f, 0);
      for (var k = local; k < 64u; k += 64u) {
        let r0 = i32(k);
        let v0 = b3[base3 + u32(r0)];
        s1 = wide_add(s1, wide(v0));
      }
      parts_Wide_0[local] = s1;
      for (var width = 32u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if (local < width) {
          parts_Wide_0[local] = wide_add(parts_Wide_0[local], parts_Wide_0[local + width]);
        }
      }
      workgroupBarrier();
      s1 = parts_Wide_0[0];
      v1 = s1;
    }
    if (local == 0u) {
      let v2 = narrow(v1);
      b5[base5 + 0u] = v2;
    }
  }
}

// Pass 4, workgroups 1x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
var<workgroup> tileA: array<f32, 1024>;
var<workgroup> tileB: array<f32, 512>;
fn left(t: u32, i: u32, p: u32) -> f32 {
return f32(b0[bases[0].x + (0u + (i) + 0u)]);
}
fn right(t: u32, p: u32, j: u32) -> f32 {
return f32(b1[bases[0].y + (0u + (j) + 0u)]);
}

@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let number = ((group.z * groups.y + group.y) * groups.x + group.x);
if (number >= 1u) { return; }
let column = (number % 1u) * 32u;
let row = ((number / 1u) % 1u) * 64u;
let t = (number / 1u) % 1u;
let s = number / 1u;
let y = local / 16u;
let x = local % 16u;
let end = min((s + 1u) * 1u, 1u);
var sum0_0 = f32(0);
var sum0_1 = f32(0);
var sum1_0 = f32(0);
var sum1_1 = f32(0);
var sum2_0 = f32(0);
var sum2_1 = f32(0);
var sum3_0 = f32(0);
var sum3_1 = f32(0);
for (var start = s * 1u; start < end; start += 16u) {
  for (var q = local; q < 1024u; q += 256u) {
    let f = q % 64u;
    let d = q / 64u;
    var value = f32(0);
    if (row + f < 64u && start + d < end) {
      value = left(t, row + f, start + d);
    }
    tileA[d * 64u + f] = value;
  }
  for (var q = local; q < 512u; q += 256u) {
    let f = q % 32u;
    let d = q / 32u;
    var value = f32(0);
    if (column + f < 32u && start + d < end) {
      value = right(t, start + d, column + f);
    }
    tileB[d * 32u + f] = value;
  }
  workgroupBarrier();
  for (var d = 0u; d < 16u; d++) {
    let a0 = tileA[d * 64u + y + 0u];
    let a1 = tileA[d * 64u + y + 16u];
    let a2 = tileA[d * 64u + y + 32u];
    let a3 = tileA[d * 64u + y + 48u];
    let c0 = tileB[d * 32u + x + 0u];
    let c1 = tileB[d * 32u + x + 16u];
    sum0_0 += a0 * c0;
    sum0_1 += a0 * c1;
    sum1_0 += a1 * c0;
    sum1_1 += a1 * c1;
    sum2_0 += a2 * c0;
    sum2_1 += a2 * c1;
    sum3_0 += a3 * c0;
    sum3_1 += a3 * c1;
  }
  workgroupBarrier();
}
{
  let i = row + y + 0u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum0_0; }
}
{
  let i = row + y + 0u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum0_1; }
}
{
  let i = row + y + 16u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum1_0; }
}
{
  let i = row + y + 16u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum1_1; }
}
{
  let i = row + y + 32u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum2_0; }
}
{
  let i = row + y + 32u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum2_1; }
}
{
  let i = row + y + 48u;
  let j = column + x + 0u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum3_0; }
}
{
  let i = row + y + 48u;
  let j = column + x + 16u;
  if (i < 64u && j < 32u) { b2[bases[0].z + ((t * 64u + i) * 32u + j)] = sum3_1; }
}

}

// Pass 5, workgroups 2x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
fn left(t: u32, i: u32, p: u32) -> f32 {
return f32(b0[bases[0].x + (0u + 0u + (p))]);
}
fn right(t: u32, p: u32, j: u32) -> f32 {
return f32(b1[bases[0].y + (0u + (j) + ((p) * 32u))]);
}

var<workgroup> states: array<f32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let o = ((group.z * groups.y + group.y) * groups.x + group.x) * 16u + local % 16u;
let slice = local / 16u;
var state = f32(0);
if (o < 32u) {
let j = (o % 32u) % 32u;
let i = ((o % 32u) / 32u) % 1u;
let t = (o % 32u) / 32u;
let s = o / 32u;
let first = s * 64u;
let end = min(first + 64u, 64u);
for (var p = first + slice; p < end; p += 16u) {
state += left(t, i, p) * right(t, p, j);
}
}
states[local] = state;
for (var d = 8u; d > 0u; d /= 2u) {
  workgroupBarrier();
  if (slice < d) {
    let other = states[local + d * 16u];
    state = state + other;
    states[local] = state;
  }
}
if (slice == 0u && o < 32u) {
let j = (o % 32u) % 32u;
let i = ((o % 32u) / 32u) % 1u;
let t = (o % 32u) / 32u;
let s = o / 32u;
b2[bases[0].z + ((t * 1u + i) * 32u + j)] = state;
}
}

// Pass 6, workgroups 32x1x1; with opaque ExpParts exp_parts scaled is_nan exp_of_sum exp_of magnitude negated decay with_sign tanh_of_decay
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
fn tanh_slope(x: f32) -> f32 {
  let power = decay(x);
  let secant = (power + power) / fma(power, power, 1.0f);
  return secant * secant;
}
fn tanh_slope_of_decay(x: f32, value: f32, decay: f32) -> f32 {
  if (decay < 7.888609e-31f) { return tanh_slope(x); }
  let over = magnitude(value) + 1.0f;
  return over * over * decay;
}
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 2048u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let c0 = i32(round >> 5u);
  let c1 = i32((round) & 31u);
  let v0 = b0[base0 + u32(c0 * 32 + c1)];
  let v1 = b1[base1 + u32(c0 * 32 + c1)];
  let v2 = b2[base2 + u32(c1)];
  let v3 = (v1 + v2);
  let v4 = (v3 + v3);
  let v5 = decay(v4);
  let v6 = tanh_of_decay(v3, v5);
  let v7 = tanh_slope_of_decay(v3, v6, v5);
  let v8 = (v0 * v7);
  b0[base0 + u32(c0 * 32 + c1)] = v8;
}

// Pass 7, workgroups 1x1x1; with opaque sum_parts sum_with is_sum_known Wide is_finite power_of_two wide_normal wide_sum wide is_nan nan wide_add with_sign infinity narrow
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].z; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 32u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let c0 = i32(round);
  var s1 = vec2<f32>(bitcast<f32>(zero()));
  for (var k = 0; k < 64; k += 4) {
    {
      let r1 = k;
      let v0 = b0[base0 + u32(c0 + r1 * 32)];
      s1 = sum_with(s1, v0);
    }
    {
      let r1 = k + 1;
      let v0 = b0[base0 + u32(c0 + r1 * 32)];
      s1 = sum_with(s1, v0);
    }
    {
      let r1 = k + 2;
      let v0 = b0[base0 + u32(c0 + r1 * 32)];
      s1 = sum_with(s1, v0);
    }
    {
      let r1 = k + 3;
      let v0 = b0[base0 + u32(c0 + r1 * 32)];
      s1 = sum_with(s1, v0);
    }
  }
  var v1 = wide_sum(s1);
  if (!is_sum_known(s1)) {
    var s1 = Wide(0f, 0.0f, 0);
    for (var r1 = 0; r1 < 64; r1++) {
      let v0 = b0[base0 + u32(c0 + r1 * 32)];
      s1 = wide_add(s1, wide(v0));
    }
    v1 = s1;
  }
  let v2 = narrow(v1);
  b1[base1 + u32(c0)] = v2;
}

// Pass 8, workgroups 4x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
fn left(t: u32, i: u32, p: u32) -> f32 {
return f32(b0[bases[0].x + (0u + (i) + ((p) * 32u))]);
}
fn right(t: u32, p: u32, j: u32) -> f32 {
return f32(b1[bases[0].y + (0u + (j) + ((p) * 2u))]);
}

var<workgroup> states: array<f32, 256>;
@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let o = ((group.z * groups.y + group.y) * groups.x + group.x) * 16u + local % 16u;
let slice = local / 16u;
var state = f32(0);
if (o < 64u) {
let j = (o % 64u) % 2u;
let i = ((o % 64u) / 2u) % 32u;
let t = (o % 64u) / 64u;
let s = o / 64u;
let first = s * 64u;
let end = min(first + 64u, 64u);
for (var p = first + slice; p < end; p += 16u) {
state += left(t, i, p) * right(t, p, j);
}
}
states[local] = state;
for (var d = 8u; d > 0u; d /= 2u) {
  workgroupBarrier();
  if (slice < d) {
    let other = states[local + d * 16u];
    state = state + other;
    states[local] = state;
  }
}
if (slice == 0u && o < 64u) {
let j = (o % 64u) % 2u;
let i = ((o % 64u) / 2u) % 32u;
let t = (o % 64u) / 64u;
let s = o / 64u;
b2[bases[0].z + ((t * 32u + i) * 2u + j)] = state;
}
}

// Pass 9, workgroups 1x1x1, 1x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].x; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 32u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let c0 = i32(round);
  let v0 = b0[base0 + u32(c0)];
  let v1 = 0.9f;
  let v2 = (v0 * v1);
  let v3 = b1[base1 + u32(c0)];
  let v4 = 0.1f;
  let v5 = (v3 * v4);
  let v6 = (v2 + v5);
  let v7 = b2[base2 + u32(c0)];
  let v8 = 0.999f;
  let v9 = (v7 * v8);
  let v10 = (v3 * v3);
  let v11 = 0.001f;
  let v12 = (v10 * v11);
  let v13 = (v9 + v12);
  b1[base1 + u32(c0)] = v6;
  b3[base3 + u32(c0)] = v13;
}

// Pass 10, workgroups 1x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].x; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 64u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let c0 = i32(round);
  let v0 = b0[base0 + u32(c0)];
  let v1 = 0.9f;
  let v2 = (v0 * v1);
  let v3 = b1[base1 + u32(c0)];
  let v4 = 0.1f;
  let v5 = (v3 * v4);
  let v6 = (v2 + v5);
  let v7 = b2[base2 + u32(c0)];
  let v8 = 0.999f;
  let v9 = (v7 * v8);
  let v10 = (v3 * v3);
  let v11 = 0.001f;
  let v12 = (v10 * v11);
  let v13 = (v9 + v12);
  b1[base1 + u32(c0)] = v6;
  b3[base3 + u32(c0)] = v13;
}

// Pass 11, workgroups 1x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].x; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 1u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let v0 = b0[base0 + 0u];
  let v1 = 0.9f;
  let v2 = (v0 * v1);
  let v3 = b1[base1 + 0u];
  let v4 = 0.1f;
  let v5 = (v3 * v4);
  let v6 = (v2 + v5);
  let v7 = b2[base2 + 0u];
  let v8 = 0.999f;
  let v9 = (v7 * v8);
  let v10 = (v3 * v3);
  let v11 = 0.001f;
  let v12 = (v10 * v11);
  let v13 = (v9 + v12);
  b1[base1 + 0u] = v6;
  b3[base3 + 0u] = v13;
}

// Pass 12, workgroups 1x1x1, 1x1x1; with is_nan maximum
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<storage, read_write> b4: array<f32>;
@group(0) @binding(5) var<storage, read_write> b5: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].z; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 32u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let base4 = bases[1].x;
  let base5 = bases[1].y;
  let c0 = i32(round);
  let v0 = b0[base0 + u32(c0)];
  let v1 = b1[base1 + u32(c0)];
  let v2 = b2[base2 + u32(c0)];
  let v3 = 1.1754944e-38f;
  let v4 = maximum(v2, v3);
  let v5 = sqrt(v4);
  let v6 = b3[base3 + 0u];
  let v7 = (v5 * v6);
  let v8 = b4[base4 + 0u];
  let v9 = (v7 + v8);
  let v10 = (v1 / v9);
  let v11 = -0.01f;
  let v12 = (v10 * v11);
  let v13 = (v0 + v12);
  b5[base5 + u32(c0)] = v13;
}

// Pass 13, workgroups 1x1x1; with is_nan maximum
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<storage, read_write> b4: array<f32>;
@group(0) @binding(5) var<storage, read_write> b5: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].z; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 64u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let base4 = bases[1].x;
  let base5 = bases[1].y;
  let c0 = i32(round);
  let v0 = b0[base0 + u32(c0)];
  let v1 = b1[base1 + u32(c0)];
  let v2 = b2[base2 + u32(c0)];
  let v3 = 1.1754944e-38f;
  let v4 = maximum(v2, v3);
  let v5 = sqrt(v4);
  let v6 = b3[base3 + 0u];
  let v7 = (v5 * v6);
  let v8 = b4[base4 + 0u];
  let v9 = (v7 + v8);
  let v10 = (v1 / v9);
  let v11 = -0.01f;
  let v12 = (v10 * v11);
  let v13 = (v0 + v12);
  b5[base5 + u32(c0)] = v13;
}

// Pass 14, workgroups 1x1x1; with is_nan maximum
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<storage, read_write> b4: array<f32>;
@group(0) @binding(5) var<storage, read_write> b5: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].z; }
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 1u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  let base4 = bases[1].x;
  let base5 = bases[1].y;
  let v0 = b0[base0 + 0u];
  let v1 = b1[base1 + 0u];
  let v2 = b2[base2 + 0u];
  let v3 = 1.1754944e-38f;
  let v4 = maximum(v2, v3);
  let v5 = sqrt(v4);
  let v6 = b3[base3 + 0u];
  let v7 = (v5 * v6);
  let v8 = b4[base4 + 0u];
  let v9 = (v7 + v8);
  let v10 = (v1 / v9);
  let v11 = -0.01f;
  let v12 = (v10 * v11);
  let v13 = (v0 + v12);
  b5[base5 + 0u] = v13;
}

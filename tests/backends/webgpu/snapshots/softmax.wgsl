// Pass 0, workgroups 16x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].x; }
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn key_for_max(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits ^ ((bits >> 31u) & 0x7fffffff), 0x7fc00000, is_nan(x));
}
fn of_key(key: i32) -> f32 {
  return bitcast<f32>(key ^ ((key >> 31u) & 0x7fffffff));
}
fn maximum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  let a = bitcast<i32>(x);
  let b = bitcast<i32>(y);
  return select(y, x, select(a, a ^ 0x7fffffff, a < 0) > select(b, b ^ 0x7fffffff, b < 0));
}
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
fn exp_of_sum(x: f32, rest: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let parts = exp_parts(clamp(x, -104.0f, 89.0f), rest);
  return scaled(1.0f + parts.less, parts.n);
}
fn exp_of(x: f32) -> f32 { return exp_of_sum(x, 0.0f); }
fn sum_parts(x: f32, y: f32) -> vec2<f32> {
  let sum = opaque(x + y);
  let part = opaque(sum - x);
  return vec2<f32>(sum, opaque(x - opaque(sum - part)) + opaque(y - part));
}
fn sum_with(state: vec2<f32>, x: f32) -> vec2<f32> {
  let sum = sum_parts(state.x, x);
  return vec2<f32>(sum.x, state.y + sum.y);
}
fn sum_of_sums(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  let sum = sum_parts(a.x, b.x);
  return vec2<f32>(sum.x, (a.y + b.y) + sum.y);
}
fn is_sum_known(state: vec2<f32>) -> bool {
  let size = bitcast<u32>(state.x + state.y) & 0x7fffffffu;
  return size >= 0x10000000u && size < 0x7e000000u;
}
struct Wide { hi: f32, lo: f32, e: i32 }
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
fn with_sign(x: f32, sign: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
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
var<workgroup> parts_i32_0: array<i32, 64>;
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
  if (round >= 16u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let base3 = bases[0].w;
  {
    let c0 = i32(round);
    let v2 = bitcast<f32>(0xff7fffffu);
    var s1 = i32(-2139095041);
    for (var k = local; k < 100u; k += 64u) {
      let r1 = i32(k);
      let v0 = b0[base0 + u32(c0 * 100 + r1)];
      s1 = max(s1, key_for_max(v0));
    }
    parts_i32_0[local] = s1;
    for (var width = 32u; width > 0u; width = width >> 1u) {
      workgroupBarrier();
      if (local < width) {
        parts_i32_0[local] = max(parts_i32_0[local], parts_i32_0[local + width]);
      }
    }
    workgroupBarrier();
    s1 = parts_i32_0[0];
    let v1 = of_key(s1);
    if (local == 0u) {
      let v3 = maximum(v1, v2);
      b1[base1 + u32(c0)] = v3;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let c0 = i32(round);
    let v1 = b1[base1 + u32(c0)];
    for (var k = local; k < 100u; k += 64u) {
      let r1 = i32(k);
      let v0 = b0[base0 + u32(c0 * 100 + r1)];
      let v2 = (v0 - v1);
      let v3 = exp_of(v2);
      b2[base2 + u32(c0 * 100 + r1)] = v3;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let c0 = i32(round);
    var s1 = vec2<f32>(bitcast<f32>(zero()));
    for (var k = local; k < 100u; k += 64u) {
      let r1 = i32(k);
      let v0 = b2[base2 + u32(c0 * 100 + r1)];
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
    let go0 = workgroupUniformLoad(&go);
    if (go0 != 0u) {
      var s1 = Wide(0f, 0.0f, 0);
      for (var k = local; k < 100u; k += 64u) {
        let r1 = i32(k);
        let v0 = b2[base2 + u32(c0 * 100 + r1)];
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
      b3[base3 + u32(c0)] = v2;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let c0 = i32(round);
    let v1 = b3[base3 + u32(c0)];
    for (var k = local; k < 100u; k += 64u) {
      let r1 = i32(k);
      let v0 = b2[base2 + u32(c0 * 100 + r1)];
      let v2 = (v0 / v1);
      b2[base2 + u32(c0 * 100 + r1)] = v2;
    }
  }
}

// Pass 0, workgroups 16x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(0) @binding(4) var<storage, read_write> b4: array<f32>;
@group(0) @binding(5) var<storage, read_write> b5: array<f32>;
@group(0) @binding(6) var<storage, read_write> b6: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].w; }
struct Wide { hi: f32, lo: f32, e: i32 }
fn opaque(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) | zero()); }
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
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
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
fn negated(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }
fn wide_neg(x: Wide) -> Wide { return Wide(negated(x.hi), negated(x.lo), x.e); }
fn wide_sub(x: Wide, y: Wide) -> Wide { return wide_add(x, wide_neg(y)); }
fn sum_with_product(state: vec2<f32>, x: f32, y: f32) -> vec2<f32> {
  let product = product_parts(x, y);
  let sum = sum_parts(state.x, product.x);
  return vec2<f32>(sum.x, state.y + (sum.y + product.y));
}
fn wide_sqrt(x: Wide) -> Wide {
  if ((bitcast<u32>(x.hi) & 0x7fffffffu) == 0u || is_nan(x.hi)) { return x; }
  if ((bitcast<u32>(x.hi) >> 31u) == 1u) { return Wide(nan(), 0.0f, 0); }
  if (!is_finite(x.hi)) { return x; }
  let isOdd = (x.e & 1) == 1;
  let size = sqrt(select(x.hi, 2.0f * x.hi, isOdd));
  let root = wide_normal(size, 0.0f, (x.e - select(0, 1, isOdd)) / 2);
  let rest = wide_sub(x, wide_mul(root, root));
  return wide_add(root, wide_normal(rest.hi / (2.0f * root.hi), 0.0f, rest.e - root.e));
}
fn order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits, -(bits & 0x7fffffff), bits < 0);
}
fn equal(x: f32, y: f32) -> bool { return !is_nan(x) && !is_nan(y) && order(x) == order(y); }
fn less(x: f32, y: f32) -> bool {
  return !is_nan(x) && !is_nan(y) && order(x) < order(y);
}
fn magnitude(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }
fn minimum(x: f32, y: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (is_nan(y)) { return y; }
  let a = bitcast<i32>(x);
  let b = bitcast<i32>(y);
  return select(y, x, select(a, a ^ 0x7fffffff, a < 0) < select(b, b ^ 0x7fffffff, b < 0));
}
var<workgroup> parts_vec2f32_0: array<vec2<f32>, 32>;
var<workgroup> go: u32;
var<workgroup> parts_Wide_0: array<Wide, 32>;
@compute @workgroup_size(32, 1, 1)
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
  let base4 = bases[1].x;
  let base5 = bases[1].y;
  let base6 = bases[1].z;
  {
    let c0 = i32(round);
    let v2 = Wide(1.5f, 0f, 5);
    let v4 = 0.5f;
    let v6 = Wide(1f, 0f, -1);
    let v15 = Wide(1.5f, 0f, 5);
    let v17 = Wide(1f, 0f, 2);
    let v19 = Wide(1.31072f, 3.3111572e-8f, -17);
    var s1 = vec2<f32>(bitcast<f32>(zero()));
    for (var k = local; k < 48u; k += 32u) {
      let r1 = i32(k);
      let v0 = b0[base0 + u32(c0 * 48 + r1)];
      s1 = sum_with(s1, v0);
    }
    parts_vec2f32_0[local] = s1;
    for (var width = 16u; width > 0u; width = width >> 1u) {
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
      for (var k = local; k < 48u; k += 32u) {
        let r1 = i32(k);
        let v0 = b0[base0 + u32(c0 * 48 + r1)];
        s1 = wide_add(s1, wide(v0));
      }
      parts_Wide_0[local] = s1;
      for (var width = 16u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if (local < width) {
          parts_Wide_0[local] = wide_add(parts_Wide_0[local], parts_Wide_0[local + width]);
        }
      }
      workgroupBarrier();
      s1 = parts_Wide_0[0];
      v1 = s1;
    }
    let v3 = wide_mul(v1, Wide(1.3333334f, -3.973643e-8f, -6));
    let v7 = wide_mul(v3, v6);
    let v8 = narrow(v7);
    let v9 = wide(v8);
    let v10 = wide_sub(v7, v9);
    let v11 = narrow(v10);
    let v23 = wide_mul(v1, Wide(1.3333334f, -3.973643e-8f, -6));
    let v24 = narrow(v23);
    var s14 = vec2<f32>(bitcast<f32>(zero()));
    for (var k = local; k < 48u; k += 32u) {
      let r1 = i32(k);
      let v0 = b0[base0 + u32(c0 * 48 + r1)];
      let v5 = (v0 * v4);
      let v12 = (v5 - opaque(v8));
      let v13 = (v12 - opaque(v11));
      s14 = sum_with_product(s14, v13, v13);
    }
    workgroupBarrier();
    parts_vec2f32_0[local] = s14;
    for (var width = 16u; width > 0u; width = width >> 1u) {
      workgroupBarrier();
      if (local < width) {
        parts_vec2f32_0[local] = sum_of_sums(parts_vec2f32_0[local], parts_vec2f32_0[local + width]);
      }
    }
    workgroupBarrier();
    s14 = parts_vec2f32_0[0];
    var v14 = wide_sum(s14);
    if (local == 0u) { go = select(0u, 1u, !is_sum_known(s14)); }
    let go1 = workgroupUniformLoad(&go);
    if (go1 != 0u) {
      var s14 = Wide(0f, 0.0f, 0);
      for (var k = local; k < 48u; k += 32u) {
        let r1 = i32(k);
        let v0 = b0[base0 + u32(c0 * 48 + r1)];
        let v5 = (v0 * v4);
        let v12 = (v5 - opaque(v8));
        let v13 = (v12 - opaque(v11));
        s14 = wide_add(s14, wide_mul(wide(v13), wide(v13)));
      }
      parts_Wide_0[local] = s14;
      for (var width = 16u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if (local < width) {
          parts_Wide_0[local] = wide_add(parts_Wide_0[local], parts_Wide_0[local + width]);
        }
      }
      workgroupBarrier();
      s14 = parts_Wide_0[0];
      v14 = s14;
    }
    if (local == 0u) {
      let v16 = wide_mul(v14, Wide(1.3333334f, -3.973643e-8f, -6));
      let v18 = wide_mul(v16, v17);
      let v20 = wide_add(v18, v19);
      let v21 = wide_sqrt(v20);
      let v22 = narrow(v21);
      b1[base1 + u32(c0)] = v22;
      b2[base2 + u32(c0)] = v24;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let c0 = i32(round);
    let v0 = b1[base1 + u32(c0)];
    let v1 = bitcast<f32>(zero());
    let v2 = equal(v0, v1);
    let v3 = (!v2);
    let v4 = 1.26217745e-29f;
    let v5 = less(v0, v4);
    let v6 = (v3 && v5);
    let v7 = b2[base2 + u32(c0)];
    let v8 = magnitude(v7);
    let v9 = 2147483600f;
    let v10 = less(v8, v9);
    let v11 = (v6 && v10);
    let v12 = 7.9228163e+28f;
    let v13 = 0.25f;
    let v14 = select(v13, v12, v11);
    let v15 = (v7 * v14);
    let v16 = (v0 * v14);
    let v17 = (1.0f / v16);
    let v18 = bitcast<f32>(0x7f7fffffu);
    let v19 = minimum(v17, v18);
    let v20 = select(v19, v1, v2);
    for (var k = local; k < 1u; k += 32u) {
      b1[base1 + u32(c0)] = v14;
      b3[base3 + u32(c0)] = v15;
      b4[base4 + u32(c0)] = v20;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let c0 = i32(round);
    let v1 = b2[base2 + u32(c0)];
    let v4 = Wide(1.5f, 0f, 5);
    let v7 = b1[base1 + u32(c0)];
    var s3 = vec2<f32>(bitcast<f32>(zero()));
    for (var k = local; k < 48u; k += 32u) {
      let r1 = i32(k);
      let v0 = b0[base0 + u32(c0 * 48 + r1)];
      let v2 = (v0 - v1);
      s3 = sum_with(s3, v2);
    }
    parts_vec2f32_0[local] = s3;
    for (var width = 16u; width > 0u; width = width >> 1u) {
      workgroupBarrier();
      if (local < width) {
        parts_vec2f32_0[local] = sum_of_sums(parts_vec2f32_0[local], parts_vec2f32_0[local + width]);
      }
    }
    workgroupBarrier();
    s3 = parts_vec2f32_0[0];
    var v3 = wide_sum(s3);
    if (local == 0u) { go = select(0u, 1u, !is_sum_known(s3)); }
    let go2 = workgroupUniformLoad(&go);
    if (go2 != 0u) {
      var s3 = Wide(0f, 0.0f, 0);
      for (var k = local; k < 48u; k += 32u) {
        let r1 = i32(k);
        let v0 = b0[base0 + u32(c0 * 48 + r1)];
        let v2 = (v0 - v1);
        s3 = wide_add(s3, wide(v2));
      }
      parts_Wide_0[local] = s3;
      for (var width = 16u; width > 0u; width = width >> 1u) {
        workgroupBarrier();
        if (local < width) {
          parts_Wide_0[local] = wide_add(parts_Wide_0[local], parts_Wide_0[local + width]);
        }
      }
      workgroupBarrier();
      s3 = parts_Wide_0[0];
      v3 = s3;
    }
    if (local == 0u) {
      let v5 = wide_mul(v3, Wide(1.3333334f, -3.973643e-8f, -6));
      let v6 = narrow(v5);
      let v8 = (v6 * v7);
      b5[base5 + u32(c0)] = v8;
    }
  }
  workgroupBarrier();
  storageBarrier();
  {
    let c0 = i32(round);
    let v1 = b1[base1 + u32(c0)];
    let v3 = b3[base3 + u32(c0)];
    let v5 = b5[base5 + u32(c0)];
    let v7 = b4[base4 + u32(c0)];
    let v9 = bitcast<f32>(zero());
    for (var k = local; k < 48u; k += 32u) {
      let r1 = i32(k);
      let v0 = b0[base0 + u32(c0 * 48 + r1)];
      let v2 = (v0 * v1);
      let v4 = (v2 - opaque(v3));
      let v6 = (v4 - opaque(v5));
      let v8 = (v6 * v7);
      let v10 = (v8 + v9);
      b6[base6 + u32(c0 * 48 + r1)] = v10;
    }
  }
}

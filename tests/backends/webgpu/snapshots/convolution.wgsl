// Pass 0, workgroups 8x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].w; }
var<workgroup> tileA: array<f32, 256>;
var<workgroup> tileB: array<f32, 1024>;
fn left(t: u32, i: u32, p: u32) -> f32 {
return f32(b0[bases[0].x + ((t * 16u + i) * 72u + p)]);
}
fn right(t: u32, p: u32, j: u32) -> f32 {
let image = j / 256u;
let window = j % 256u;
let channel = p / 9u;
let tap = p % 9u;
let w0 = (window / 16u);
let w1 = ((window) % 16u);
let q0 = (tap / 3u);
let q1 = ((tap) % 3u);
let a0 = i32(w0 * 1u + q0 * 1u) - 1;
if (a0 < 0 || a0 >= 16) { return bitcast<f32>(zero()); }
let a1 = i32(w1 * 1u + q1 * 1u) - 1;
if (a1 < 0 || a1 >= 16) { return bitcast<f32>(zero()); }
let source = u32(a0) * 16u + u32(a1) * 1u;
return f32(b1[bases[0].y + (((image * 1u + t) * 8u + channel) * 256u + source)]);
}

@compute @workgroup_size(256, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let number = ((group.z * groups.y + group.y) * groups.x + group.x);
if (number >= 8u) { return; }
let column = (number % 8u) * 64u;
let row = ((number / 8u) % 1u) * 16u;
let t = (number / 8u) % 1u;
let s = number / 8u;
let y = local / 16u;
let x = local % 16u;
let end = min((s + 1u) * 72u, 72u);
var sum0_0 = f32(0);
var sum0_1 = f32(0);
var sum0_2 = f32(0);
var sum0_3 = f32(0);
for (var start = s * 72u; start < end; start += 16u) {
  for (var q = local; q < 256u; q += 256u) {
    let f = q / 16u;
    let d = q % 16u;
    var value = f32(0);
    if (row + f < 16u && start + d < end) {
      value = left(t, row + f, start + d);
    }
    tileA[d * 16u + f] = value;
  }
  for (var q = local; q < 1024u; q += 256u) {
    let f = q % 64u;
    let d = q / 64u;
    var value = f32(0);
    if (column + f < 512u && start + d < end) {
      value = right(t, start + d, column + f);
    }
    tileB[d * 64u + f] = value;
  }
  workgroupBarrier();
  for (var d = 0u; d < 16u; d++) {
    let a0 = tileA[d * 16u + y + 0u];
    let c0 = tileB[d * 64u + x + 0u];
    let c1 = tileB[d * 64u + x + 16u];
    let c2 = tileB[d * 64u + x + 32u];
    let c3 = tileB[d * 64u + x + 48u];
    sum0_0 += a0 * c0;
    sum0_1 += a0 * c1;
    sum0_2 += a0 * c2;
    sum0_3 += a0 * c3;
  }
  workgroupBarrier();
}
{
  let i = row + y + 0u;
  let j = column + x + 0u;
  if (i < 16u && j < 512u) { b2[bases[0].z + ((((j / 256u) * 1u + t) * 16u + i) * 256u + j % 256u)] = sum0_0; }
}
{
  let i = row + y + 0u;
  let j = column + x + 16u;
  if (i < 16u && j < 512u) { b2[bases[0].z + ((((j / 256u) * 1u + t) * 16u + i) * 256u + j % 256u)] = sum0_1; }
}
{
  let i = row + y + 0u;
  let j = column + x + 32u;
  if (i < 16u && j < 512u) { b2[bases[0].z + ((((j / 256u) * 1u + t) * 16u + i) * 256u + j % 256u)] = sum0_2; }
}
{
  let i = row + y + 0u;
  let j = column + x + 48u;
  if (i < 16u && j < 512u) { b2[bases[0].z + ((((j / 256u) * 1u + t) * 16u + i) * 256u + j % 256u)] = sum0_3; }
}

}

// Pass 1, workgroups 128x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 1>;
fn zero() -> u32 { return bases[0].z; }
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  return select(bits, -(bits & 0x7fffffff), bits < 0);
}
fn less_equal(x: f32, y: f32) -> bool {
  return !is_nan(x) && !is_nan(y) && order(x) <= order(y);
}
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let round = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + local;
  if (round >= 8192u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let c0 = i32(round >> 12u);
  let c1 = i32((round >> 8u) & 15u);
  let c2 = i32((round) & 255u);
  let v0 = b0[base0 + u32(c0 * 4096 + c1 * 256 + c2)];
  let v1 = b1[base1 + u32(c1)];
  let v2 = (v0 + v1);
  let v3 = bitcast<f32>(zero());
  let v4 = less_equal(v2, v3);
  let v5 = select(v2, v3, v4);
  b0[base0 + u32(c0 * 4096 + c1 * 256 + c2)] = v5;
}

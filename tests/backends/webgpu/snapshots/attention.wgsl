// Pass 0, workgroups 8x1x1
@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
@group(0) @binding(1) var<storage, read_write> b1: array<f32>;
@group(0) @binding(2) var<storage, read_write> b2: array<f32>;
@group(0) @binding(3) var<storage, read_write> b3: array<f32>;
@group(1) @binding(0) var<uniform> bases: array<vec4<u32>, 2>;
fn zero() -> u32 { return bases[1].x; }
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
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }
fn nan() -> f32 { return bitcast<f32>(0x7fc00000u | zero()); }
var<workgroup> tile0: array<f32, 512>;
var<workgroup> tile1: array<f32, 512>;
@compute @workgroup_size(64, 1, 1)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
let number = ((group.z * groups.y + group.y) * groups.x + group.x);
if (number >= 8u) { return; }
let u = number / 1u;
let start = (number % 1u) * 64u;
let base = start + local * 1u;
let first = 0u;
let end = min(base + 1u, 64u);
let groupFirst = 0u;
let groupEnd = min(start + 64u, 64u);
var own0: array<f32, 16>;
var s: array<f32, 4>;
var sum: array<f32, 16>;
var m: array<f32, 1>;
var l: array<f32, 1>;
var mean: array<f32, 1>;
for (var r = 0u; r < 1u; r++) { m[r] = bitcast<f32>(0xff7fffffu); }
for (var copy = 0u; copy < 1u; copy++) {
let t = (u) + 0u;
let o_query = bases[0].x + ((t) * 1024u);
let o_key = bases[0].y + ((t) * 1024u);
let o_value = bases[0].z + ((t) * 1024u);
for (var e = 0u; e < 16u; e++) { own0[e] = b0[o_query + min(base + 0u, 63u) * 16u + e] * 0.25f; }
for (var tile = groupFirst; tile < groupEnd; tile += 32u) {
workgroupBarrier();
for (var q = local; q < 512u; q += 64u) {
let at = min(tile + q / 16u, 63u);
tile0[q] = b1[o_key + at * 16u + q % 16u];
}
for (var q = local; q < 512u; q += 64u) {
let at = min(tile + q / 16u, 63u);
tile1[q] = b2[o_value + at * 16u + q % 16u];
}
workgroupBarrier();
for (var n = max(tile, first); n < min(tile + 32u, end); n += 4u) {
let at0 = min(n + 0u, 63u);
let at1 = min(n + 1u, 63u);
let at2 = min(n + 2u, 63u);
let at3 = min(n + 3u, 63u);
{
var z0_0 = 0.0f;
var z0_1 = 0.0f;
var z0_2 = 0.0f;
var z0_3 = 0.0f;
for (var e = 0u; e < 16u; e++) {
let y0 = tile0[(at0 - tile) * 16u + e];
let y1 = tile0[(at1 - tile) * 16u + e];
let y2 = tile0[(at2 - tile) * 16u + e];
let y3 = tile0[(at3 - tile) * 16u + e];
let x0 = own0[e];
z0_0 += x0 * y0;
z0_1 += x0 * y1;
z0_2 += x0 * y2;
z0_3 += x0 * y3;
}
s[0] = z0_0;
s[1] = z0_1;
s[2] = z0_2;
s[3] = z0_3;
}
for (var r = 0u; r < 1u; r++) {
let row = min(base + r, 63u);
var counts = 0u;
var top = m[r];
for (var c = 0u; c < 4u; c++) {
let at = min(n + c, 63u);
var x = s[r * 4u + c];
if ((n + c < end) & (at <= row)) {
counts |= 1u << c;
top = max(top, x);
}
s[r * 4u + c] = x;
}
if (top > m[r]) {
let f = exp_of(m[r] - top);
l[r] *= f;
for (var e = 0u; e < 16u; e++) {
let i = r * 16u + e;
sum[i] *= f;
}
m[r] = top;
}
for (var c = 0u; c < 4u; c++) {
let at = min(n + c, 63u);
let x = s[r * 4u + c];
var f = 0.0f;
if ((counts & (1u << c)) != 0u) {
f = exp_of(x - m[r]);
l[r] += f;
}
s[r * 4u + c] = f;
}
}
let f0_0 = s[0];
let f0_1 = s[1];
let f0_2 = s[2];
let f0_3 = s[3];
for (var e = 0u; e < 16u; e++) {
let y0 = tile1[(at0 - tile) * 16u + e];
let y1 = tile1[(at1 - tile) * 16u + e];
let y2 = tile1[(at2 - tile) * 16u + e];
let y3 = tile1[(at3 - tile) * 16u + e];
sum[0u + e] += f0_0 * y0 + f0_1 * y1 + f0_2 * y2 + f0_3 * y3;
}
}
}
}
for (var r = 0u; r < 1u; r++) {
let row = base + r;
if (row < 64u) {
for (var e = 0u; e < 16u; e++) {
let i = r * 16u + e;
sum[i] /= max(l[r], 0.5f);
}
}
}
var again = false;
for (var r = 0u; r < 1u; r++) {
let row = base + r;
if (row < 64u) {
for (var e = 0u; e < 16u; e++) {
let i = r * 16u + e;
again = again | ((is_finite(l[r]) & is_finite(m[r])) & !is_finite(sum[i]));
}
}
}
if (again) {
var counted: array<u32, 1>;
for (var e = 0u; e < 16u; e++) { sum[e] = 0.0f; }
for (var copy = 0u; copy < 1u; copy++) {
let t = (u) + 0u;
let o_query = bases[0].x + ((t) * 1024u);
let o_key = bases[0].y + ((t) * 1024u);
let o_value = bases[0].z + ((t) * 1024u);
for (var e = 0u; e < 16u; e++) { own0[e] = b0[o_query + min(base + 0u, 63u) * 16u + e] * 0.25f; }
for (var n = first; n < end; n += 1u) {
let at0 = min(n + 0u, 63u);
{
var z0_0 = 0.0f;
for (var e = 0u; e < 16u; e++) {
let y0 = b1[o_key + at0 * 16u + e];
let x0 = own0[e];
z0_0 += x0 * y0;
}
s[0] = z0_0;
}
for (var r = 0u; r < 1u; r++) {
let row = min(base + r, 63u);
var counts = 0u;
for (var c = 0u; c < 1u; c++) {
let at = min(n + c, 63u);
var x = s[r * 4u + c];
if ((n + c < end) & (at <= row)) {
counts |= 1u << c;
}
s[r * 4u + c] = x;
}
for (var c = 0u; c < 1u; c++) {
let at = min(n + c, 63u);
let x = s[r * 4u + c];
var f = 0.0f;
if ((counts & (1u << c)) != 0u) {
f = exp_of(x - m[r]) / max(l[r], 0.5f);
}
s[r * 4u + c] = f;
}
counted[r] = counts;
}
let f0_0 = s[0];
for (var e = 0u; e < 16u; e++) {
let y0 = b2[o_value + at0 * 16u + e];
sum[0u + e] += select(0.0f, select(y0, f0_0 * y0, is_finite(y0)), counted[0] != 0u);
}
}
}
}
for (var r = 0u; r < 1u; r++) {
let row = base + r;
if (row < 64u) {
for (var e = 0u; e < 16u; e++) {
let i = r * 16u + e;
b3[bases[0].w + (u * 64u + row) * 16u + e] = select(nan(), sum[i], (is_finite(l[r]) & is_finite(m[r])));
}
}
}
}

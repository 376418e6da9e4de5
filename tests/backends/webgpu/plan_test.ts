/**
 * What programs become for WebGPU devices, as text: this needs no device.
 *
 * @module
 */
import {
  concatenate,
  cond,
  foriLoop,
  grad,
  makeProgram,
  mean,
  nn,
  scan,
  set,
  stack,
  tensor,
  whileLoop,
  zeros,
} from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { dispatchesOf, type Repeat, type Until } from "../../../src/backends/webgpu/commands.ts";
import { isFused, planProgram } from "../../../src/backends/webgpu/plan.ts";
import type { Limits } from "../../../src/backends/webgpu/wgsl/kernel.ts";
import { writeNest } from "../../../src/backends/webgpu/wgsl/nest.ts";
import { float } from "../../../src/backends/webgpu/wgsl/source.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { polygamma } from "../../../src/primitives/transcendental.ts";
import { assert, assertEquals } from "../../support/std.ts";

const limits: Limits = {
  invocations: 256,
  workgroupBytes: 16384,
  bindings: 8,
  hasHalf: false,
  hasSubgroups: false,
  isProcessor: false,
};

function planOf(f: (...args: Tensor[]) => Tensor, ...args: Tensor[]) {
  const plan = planProgram(optimize(makeProgram(f)(...args)), limits);
  return { ...plan, steps: dispatchesOf(plan.commands) };
}

Deno.test("functions with much code are there once", () => {
  const own = { ...limits, isProcessor: true };
  const program = makeProgram((x: Tensor) => polygamma(x, 2))(zeros([4096]));
  const [{ code }] = dispatchesOf(planProgram(optimize(program), own).commands);
  // Their definition, and a call.
  for (const name of ["polygamma_of", "polygamma_size", "scaled_zeta"]) {
    assertEquals(code.split(`${name}(`).length - 1, 2, name);
  }
});

Deno.test("elementwise work is one pass", () => {
  const { steps, arena } = planOf((x, y) => x.mul(2).add(y), tensor([1, 2, 3]), tensor([4, 5, 6]));
  assertEquals(arena, []);
  assertEquals(steps.map(({ views, workgroups }) => ({ count: views.length, workgroups })), [
    { count: 3, workgroups: [1, 1, 1] },
  ]);
  assertEquals(
    steps[0].code,
    `@group(0) @binding(0) var<storage, read_write> b0: array<f32>;
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
  if (round >= 3u) { return; }
  let base0 = bases[0].x;
  let base1 = bases[0].y;
  let base2 = bases[0].z;
  let c0 = i32(round);
  let v0 = b0[base0 + u32(c0)];
  let v1 = 2f;
  let v2 = (v0 * v1);
  let v3 = b1[base1 + u32(c0)];
  let v4 = (v2 + v3);
  b2[base2 + u32(c0)] = v4;
}
`,
  );
});

Deno.test("a long row is a workgroup's, and what follows its sum is in the same pass", () => {
  const x = tensor(new Float32Array(2000)).reshape([2, 1000]);
  const { steps } = planOf((x) => mean(x, 1).exp(), x);
  assertEquals(steps.map(({ workgroups }) => workgroups), [[2, 1, 1]]);
  assert(steps[0].code.includes("var<workgroup> parts_vec2f32_0: array<vec2<f32>, 64>;"));
});

Deno.test("where a driver computes on the processor, rows are invocations' alone", () => {
  const x = tensor(new Float32Array(64000)).reshape([64, 1000]);
  const f = (x: Tensor) => mean(x, 1).exp();
  const program = optimize(makeProgram(f)(x));
  const { commands } = planProgram(program, { ...limits, isProcessor: true });
  const [{ workgroups, code }] = dispatchesOf(commands);
  assertEquals(workgroups, [1, 1, 1]);
  assert(!code.includes("workgroupBarrier"));
});

Deno.test("no pass binds more buffers than a device allows", () => {
  const xs = Array.from({ length: 12 }, (_, i) => tensor([i, 1, 2]));
  const products = (...xs: Tensor[]) =>
    xs.map((x, i) => x.mul(xs[(i + 5) % 12]).sin()).reduce((sum, x) => sum.add(x));
  const joined = (...xs: Tensor[]) => concatenate(xs).exp().sum();
  const sums = (...xs: Tensor[]) => stack(xs.map((x) => x.mul(xs[0]).sum()));
  for (const f of [products, joined, sums]) {
    const { steps } = planOf(f, ...xs);
    for (const { views } of steps) assert(views.length <= limits.bindings);
  }
});

Deno.test("a place in front of a buffer is behind every end", () => {
  const at = { offset: -1, strides: [0] };
  const load = { kind: "load", dtype: "float32", from: { ...at, buffer: 0 } } as const;
  const pass = writeNest({
    lengths: [1],
    reduced: 0,
    buffers: ["float32", "float32"],
    nodes: [{ ...load, guards: [{ ...at, below: 1 }] }],
    stores: [{ node: 0, to: { offset: 0, strides: [0], buffer: 1 } }],
  }, limits)!;
  assert(pass.code.includes("if (4294967295u < 1u) { v0 = b0[base0 + 4294967295u]; }"));
});

Deno.test("values between passes have aligned places in one memory", () => {
  const f = (x: Tensor) => x.matmul(x).exp().matmul(x).sin().matmul(x);
  const { places, bytes, arena: [arena] } = planOf(f, tensor(new Float32Array(64)).reshape([8, 8]));
  const inArena = places.flatMap((place, i) =>
    place?.kind === "arena" ? [{ at: place.offset, end: place.offset + bytes[i] }] : []
  );
  assert(inArena.length >= 2);
  for (const { at, end } of inArena) {
    assert(at % 256 === 0 && end <= arena, `${at} to ${end} of ${arena}`);
  }
});

Deno.test("floats are written so that compilers read them back", () => {
  for (const value of [0.1, 2e-38, 16777217, Math.PI, -2.5e10]) {
    assertEquals(Math.fround(Number(float(value).slice(0, -1))), Math.fround(value));
  }
  assertEquals(float(-0), "bitcast<f32>(0x80000000u)");
  assertEquals(float(NaN), "bitcast<f32>(0x7fc00000u | zero())");
  assertEquals(float(2 ** -149), "bitcast<f32>(0x1u)");
  assertEquals(float(3.4028234663852886e38), "bitcast<f32>(0x7f7fffffu)");
});

Deno.test("a loop that changes rows of what it carries writes these rows alone", () => {
  const f = (x: Tensor) => foriLoop(0, 100, (i, x) => set(x, [i], i.astype("float32")), x.mul(2));
  const { commands } = planOf(f, zeros([100, 64]));
  const loops = commands.filter((one): one is Repeat => one.kind === "repeat");
  assertEquals(loops.map(({ length }) => length), [100]);
  for (const { workgroups } of dispatchesOf(loops)) assertEquals(workgroups, [1, 1, 1]);
  // In front of the loop, the value that it begins with is made where the result is to be.
  assertEquals(dispatchesOf(commands).filter(({ workgroups: [x] }) => x > 1).length, 1);
});

Deno.test("elements of sequences are parts of them, from the last one in reverse", () => {
  const f = (xs: Tensor) => scan((h, x) => [h.mul(x).sin(), h], xs.at(0), xs, { reverse: true })[1];
  const { commands } = planOf(f, zeros([5, 3]));
  const [{ body }] = commands.filter((one): one is Repeat => one.kind === "repeat");
  const elements = dispatchesOf(body).flatMap(({ views }) =>
    views.filter((view) => view.kind === "element")
  );
  assert(elements.length >= 2);
  for (const { first, step } of elements) assertEquals([first, step], [12, -3]);
});

Deno.test("a loop with maxSteps is known to end", () => {
  const loop = (x: Tensor, options?: object) =>
    whileLoop((x: Tensor) => x.sum().less(9), (x: Tensor) => x.mul(2), x, options);
  const mostOf = (f: (x: Tensor) => Tensor) =>
    planOf(f, zeros([3])).commands.filter((one): one is Until => one.kind === "until")
      .map(({ most }) => most);
  assertEquals(mostOf((x) => loop(x, { maxSteps: 18 })), [18]);
  assertEquals(mostOf((x) => loop(x)), [null]);
});

Deno.test("every pass of a branch has its count in the table", () => {
  const square = (x: Tensor) =>
    cond(x.sum().greater(0), (x) => x.matmul(x), (x) => x.matmul(x.T), x);
  const { commands, counts } = planOf(square, zeros([4, 4]));
  const entries = dispatchesOf(commands).flatMap(({ entry }) => entry === null ? [] : [entry]);
  assert(entries.length >= 2);
  assertEquals(entries.toSorted((a, b) => a - b), counts.map((_, i) => i));
});

Deno.test("results take the memory of donated arguments", () => {
  const donate = (f: (...args: Tensor[]) => Tensor, ...args: Tensor[]) => {
    const program = optimize(makeProgram(f)(...args));
    const { changed, places, memories } = planProgram(program, limits, {
      isDonated: args.map((_, i) => i === 0),
    });
    return [[...changed], places[[...memories.values()][0]]!.kind];
  };
  const [x, y] = [zeros([64, 4]), zeros([64, 4])];
  const taken = [[0], "argument"];
  assertEquals(donate((x, y) => x.sub(y.mul(0.1)), x, y), taken);
  assertEquals(donate((x) => set(x, [3], 1), x), taken);
  assertEquals(donate((x) => foriLoop(0, 9, (i, x) => set(x, [i], 1), x), x), taken);
  // Others read what they must not find changed.
  assertEquals(donate((x) => x.T.add(1).reshape([64, 4]), x)[0], []);
  assertEquals(donate((_x, y) => y.sum(0), x, y)[0], []);
});

Deno.test("a working memory that is too large for a buffer is in several", () => {
  const f = (x: Tensor) => x.matmul(x).exp().matmul(x).sin().matmul(x);
  const program = optimize(makeProgram(f)(zeros([32, 32])));
  const whole = planProgram(program, limits);
  const { arena, places, bytes } = planProgram(program, limits, { mostBytes: 6000 });
  assertEquals([whole.arena.length, arena.length > 1], [1, true]);
  for (const part of arena) assert(part <= 6000, `${part} bytes`);
  places.forEach((place, i) => {
    if (place?.kind !== "arena") return;
    assert(place.offset + bytes[i] <= arena[place.part]);
  });
});

Deno.test("elementwise work by the same loops is one pass, which stores what is read elsewhere", () => {
  const step = (h: Tensor, x: Tensor): [Tensor, Tensor[]] => {
    const next = h.mul(0.5).add(x).tanh();
    return [next, [next, next.square(), h]];
  };
  const { commands } = planOf((xs) => scan(step, xs.at(0), xs)[1][1], zeros([5, 3]));
  const [{ body }] = commands.filter((one): one is Repeat => one.kind === "repeat");
  assertEquals(body.length, 1);
  // A product needs the exponential itself, and nothing needs the sine.
  const f = (x: Tensor) => x.exp().matmul(x).add(x.exp().sin().add(1));
  const { steps, arena } = planOf(f, zeros([4, 4]));
  assertEquals(steps.length, 3);
  assertEquals(arena.length, 1);
});

Deno.test("attention needs memory in proportion to its operands, for gradients too", () => {
  const planned = (f: (q: Tensor, k: Tensor, v: Tensor) => unknown, length: number) => {
    const x = zeros([2, length, 64]).add(0);
    const program = optimize(makeProgram(f)(x, x, x), (one) => isFused(one, limits));
    const { commands, arena } = planProgram(program, limits);
    return { passes: commands.length, words: arena.reduce((sum, bytes) => sum + bytes / 4, 0) };
  };
  for (const isCausal of [false, true]) {
    const f = (q: Tensor, k: Tensor, v: Tensor) =>
      nn.scaledDotProductAttention(q, k, v, { isCausal });
    assertEquals(planned(f, 4096), { passes: 1, words: 0 });
    const loss = grad((q: Tensor, k: Tensor, v: Tensor) => f(q, k, v).square().sum(), {
      argnums: [0, 1, 2],
    });
    // The output and its cotangent, and three numbers for each row.
    const { words } = planned(loss, 4096);
    assert(words <= 2 * 4096 * (2 * 64 + 3), String(words));
    assert(words <= 2 * planned(loss, 2048).words, String(words));
  }
});

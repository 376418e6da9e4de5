import { checkpoint, customVjp, makeProgram, scan, tensor, where, zeros } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { canonical } from "../../src/control/canonical.ts";
import { Program } from "../../src/core/program.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/std.ts";

const x = zeros([3]);

/** Asserts that two functions of `x` have different programs, and that each has an equal one when traced again. */
function assertApart(f: (x: Tensor) => unknown, g: (x: Tensor) => unknown): void {
  const [first, second, third] = [f, g, f].map((h) => canonical(makeProgram(h)(x)));
  assert(first !== second);
  assertStrictEquals(first, third);
}

Deno.test("equal programs are one, and others are not", () => {
  assertApart((x) => x.sin(), (x) => x.cos());
  assertApart((x) => x.sum(), (x) => x.sum(0, { keepdims: true }));
  assertApart((x) => x.mul(2), (x) => x.mul(3));
  assertApart((x) => [x, x], (x) => [x]);
  assertApart((x) => [x.sin(), x.cos()], (x) => [x.cos(), x.sin()]);
  assertApart(() => tensor(1), () => tensor(1, { dtype: "int32" }));
  assertApart(() => zeros([2]), () => zeros([3]));
});

Deno.test("constants differ by their sign and their bits", () => {
  assertApart((x) => x.div(0), (x) => x.div(-0));
  assertApart((x) => x.add(NaN), (x) => x.add(Infinity));
  assertApart((x) => x.add(Infinity), (x) => x.add(-Infinity));
  assertApart((x) => where(x.isnan(), 1e-30, x), (x) => where(x.isnan(), 1e-31, x));
});

Deno.test("tensors of different elements are themselves", () => {
  const [a, b] = [tensor([1, 2, 3]), tensor([1, 2, 3])];
  assertApart((x) => x.add(a), (x) => x.add(b));
});

Deno.test("functions among parameters are themselves", () => {
  const [p, q] = [(name: string) => name === "sin", (name: string) => name === "cos"];
  const wrapped = (policy: (name: string) => boolean) => (x: Tensor) =>
    checkpoint((x: Tensor) => x.sin(), { policy })(x);
  // The checkpointed program itself is traced again, and compared by identity.
  const programs = [p, q].map((policy) => canonical(makeProgram(wrapped(policy))(x)));
  assert(programs[0] !== programs[1]);
});

Deno.test("a scan that is called again, with other tensors in it, finds its body", () => {
  const bodyOf = (w: Tensor): Program => {
    const program = makeProgram((xs: Tensor) =>
      scan((h, x) => [h.mul(w).add(x).sum().mul(w), null], w, xs)[0]
    )(zeros([5, 2]));
    return (program.equations.at(-1)!.params as { body: Program }).body;
  };
  assertStrictEquals(bodyOf(tensor([1, 2])), bodyOf(tensor([3, 4])));
});

Deno.test("programs that were used long ago make room", () => {
  const program = canonical(makeProgram((x: Tensor) => x.add(0.125))(x));
  for (let i = 0; i < 300; i++) canonical(makeProgram((x: Tensor) => x.add(i + 0.5))(x));
  const again = makeProgram((x: Tensor) => x.add(0.125))(x);
  assertStrictEquals(canonical(again), again);
  assertEquals(String(again), String(program));
});

Deno.test("what is made anew in each call is not kept, and what it closes over neither", () => {
  const identity = customVjp((x: Tensor) => x, (x: Tensor) => [x, null], (_, g) => [g]);
  // Each call has its own rule.
  const program = makeProgram((x: Tensor) => identity(x))(x);
  // If it had been kept when it was first seen, it would replace other programs with the same parameters.
  const other = new Program(program.binders, program.equations, program.results);
  assertStrictEquals(canonical(program), program);
  assertStrictEquals(canonical(other), other);
  assertStrictEquals(canonical(program), other);
});

Deno.test("programs that hold kept programs are kept", () => {
  const f = (x: Tensor) => scan((c, y) => [c.add(y.mul(0.375)), null], 0, x)[0];
  const [first, second] = [f, f].map((f) => canonical(makeProgram(f)(x)));
  assertStrictEquals(first, second);
});

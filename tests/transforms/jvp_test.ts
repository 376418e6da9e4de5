import {
  ArgumentError,
  cos,
  DtypeError,
  jvp,
  mul,
  ShapeError,
  sin,
  tensor,
  TreeError,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertStrictEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

Deno.test("jvp gives the value and the derivative along a direction", () => {
  const [y, dy] = jvp((x) => sin(x), [f64([0.5, 1])], [f64([1, -2])]);
  assertTensorsClose(y, sin(f64([0.5, 1])));
  assertTensorsClose(dy, cos(f64([0.5, 1])).mul(f64([1, -2])));
});

Deno.test("tangents of several arguments add up", () => {
  const [, dy] = jvp((x, y) => x.mul(y), [f64(3), f64(5)], [f64(7), f64(11)]);
  assertEquals(dy.item(), 3 * 11 + 5 * 7);
  const [, partial] = jvp((x, y) => x.mul(y), [f64(3), f64(5)], [null, f64(11)]);
  assertEquals(partial.item(), 33);
});

Deno.test("trees go in and come out, null standing for a zero tangent", () => {
  const f = (p: { w: Tensor; rest: [Tensor, null] }) => ({
    product: p.w.mul(p.rest[0]),
    untouched: p.rest,
    constant: tensor(1),
  });
  const [out, tangent] = jvp(f, [{ w: f64([2, 3]), rest: [f64([5, 7]), null] }], [{
    w: [1, 0],
    rest: [null, null],
  }]);
  assertEquals(out.product.toArray(), [10, 21]);
  assertEquals(tangent.product.toArray(), [5, 0]);
  assertEquals(tangent.untouched[0].toArray(), [0, 0]);
  assertStrictEquals(tangent.untouched[1], null);
  assertEquals(tangent.constant.toArray(), 0);
});

Deno.test("tangents given as JavaScript values take the dtype of their primal", () => {
  const [, dy] = jvp((x) => x.mul(2), [f64([1, 2])], [[3, 4]]);
  assertEquals([dy.dtype, dy.toArray()], ["float64", [6, 8]]);
  const [, typed] = jvp((x) => x.mul(2), [f64([1, 2])], [Float32Array.of(3, 4)]);
  assertEquals([typed.dtype, typed.toArray()], ["float64", [6, 8]]);
  const [y, single] = jvp((x) => x.mul(2), [1], [3]);
  assertEquals([y.dtype, single.dtype, single.item()], ["float32", "float32", 6]);
});

Deno.test("integer and bool leaves have no tangent", () => {
  const [out, tangent] = jvp(
    (x: Tensor, n: Tensor) => [x.mul(n), n, x.greater(0)],
    [f64([1, 2]), tensor([3, 4], { dtype: "int32" })],
    [f64([1, 1]), null],
  );
  assertEquals(out[0].toArray(), [3, 8]);
  assertEquals(tangent[0].toArray(), [3, 4]);
  assertEquals([tangent[1], tangent[2]] as unknown[], [null, null]);
});

Deno.test("tangents that do not fit their primals are refused with the path", () => {
  const what = "Cannot apply jvp to these tangents";
  const at = (primals: unknown[], tangents: unknown) => () =>
    // deno-lint-ignore no-explicit-any
    jvp((x: any) => x, primals as any, tangents);
  assertRefused(
    at([f64([1, 2])], [f64([1, 2, 3])]),
    ShapeError,
    `${what}: expected float64[2] at [0], got float64[3]`,
  );
  assertRefused(
    at([f64([1, 2])], [tensor([1, 2])]),
    DtypeError,
    `${what}: expected float64[2] at [0], got float32[2]; convert with astype`,
  );
  assertRefused(
    at([{ a: [f64(1)] }], [{ a: [f64(1), f64(2)] }]),
    TreeError,
    `${what}: expected an array of 1 at [0].a, got an array of 2`,
  );
  assertRefused(
    at([{ a: f64(1) }], [{ b: f64(1) }]),
    TreeError,
    `${what}: [0].a is missing`,
  );
  assertRefused(
    at([f64(1)], []),
    TreeError,
    `${what}: expected an array of 1 at the root, got an array of 0`,
  );
  assertRefused(
    at([f64(1)], [undefined]),
    TreeError,
    `${what}: expected float64[] at [0], got undefined`,
  );
  assertRefused(
    at([tensor(1, { dtype: "int32" })], [tensor(1, { dtype: "int32" })]),
    ArgumentError,
    `${what}: int32[] at [0] has no tangent; pass null, or convert the primal with astype`,
  );
  assertRefused(
    at([f64(1)], f64(1)),
    ArgumentError,
    "Cannot apply jvp: tangents must be a list with one entry per argument of the function",
  );
  assertRefused(
    at(f64(1) as unknown as unknown[], [f64(1)]),
    ArgumentError,
    "Cannot apply jvp: primals must be a list with one entry per argument of the function",
  );
  assertRefused(
    at([f64([1, 2])], [[1, [2]]]),
    ShapeError,
    `${what}, at [0]: the nested array is ragged: expected a number at [1], got an array of 1`,
  );
});

Deno.test("results and primals that are no trees of tensors are refused", () => {
  assertRefused(
    () => jvp(() => "text" as never, [], []),
    TreeError,
    'Cannot return this value from jvp: expected a tensor or number at the root, got "text"',
  );
  assertRefused(
    () => jvp((x: Tensor) => x, ["text" as never], [null]),
    TreeError,
    'Cannot take a jvp at these primals: expected a tensor or number at [0], got "text"',
  );
  assertRefused(
    // deno-lint-ignore require-await
    () => jvp(async (x: Tensor) => x, [1], [1]),
    ArgumentError,
    "Cannot apply jvp to an async function: expected its result, got a Promise; " +
      "await what it needs before the call and pass that as an argument",
  );
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  assertRefused(
    () => jvp(() => cyclic, [], []),
    TreeError,
    "Cannot flatten a tree that contains itself, at [0]",
  );
});

Deno.test("jvp of jvp is the second derivative along two directions", () => {
  const cube = (x: Tensor) => mul(x, mul(x, x));
  const first = (x: Tensor) => jvp(cube, [x], [1])[1];
  const [y, dy] = jvp(first, [f64(2)], [f64(1)]);
  assertEquals([y.item(), dy.item()], [12, 12]);
});

Deno.test("a function may return its arguments, constants and nothing", () => {
  const [same, tangent] = jvp((x) => x, [f64(3)], [f64(5)]);
  assertEquals([same.item(), tangent.item()], [3, 5]);
  const [out, none] = jvp((_x: Tensor) => [], [f64(3)], [f64(5)]);
  assertEquals([out, none], [[], []]);
});

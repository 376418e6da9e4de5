import {
  ArgumentError,
  concatenate,
  DtypeError,
  exp,
  linearize,
  linearTranspose,
  makeProgram,
  matmul,
  neg,
  ShapeError,
  sin,
  square,
  stopGradient,
  tensor,
  TensorType,
  TreeError,
  vjp,
  where,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals, assertStrictEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });

Deno.test("a pullback gives one cotangent per primal, and may be called again", () => {
  const [y, pullback] = vjp((a, b) => a.mul(b), f64([2, 3]), f64([5, 7]));
  assertEquals(y.toArray(), [10, 21]);
  const [da, db] = pullback(f64([1, 10]));
  assertEquals([da.toArray(), db.toArray()], [[5, 70], [2, 30]]);
  assertEquals(pullback(f64([0, 1])).map((ct) => ct.toArray()), [[0, 7], [0, 3]]);
});

Deno.test("cotangents are trees like the output, null standing for zero", () => {
  const f = (x: Tensor) => ({ double: x.mul(2), list: [x.square(), null] });
  const [out, pullback] = vjp(f, f64([1, 2]));
  assertEquals(out.double.toArray(), [2, 4]);
  assertEquals(pullback({ double: [1, 1], list: [[1, 1], null] })[0].toArray(), [4, 6]);
  assertEquals(pullback({ double: null, list: [[1, 1], null] })[0].toArray(), [2, 4]);
  assertEquals(pullback({ double: null, list: [null, null] })[0].toArray(), [0, 0]);
});

Deno.test("integer primals have cotangent null", () => {
  const f = (x: Tensor, n: Tensor) => [x.mul(n), n.add(1)];
  const [out, pullback] = vjp(f, f64([1, 2]), tensor([3, 4], { dtype: "int32" }));
  assertEquals(out.map((y) => y.toArray()), [[3, 8], [4, 5]]);
  const [dx, dn] = pullback([[1, 1], null]);
  assertEquals(dx.toArray(), [3, 4]);
  assertStrictEquals(dn as unknown, null);
});

Deno.test("cotangents that do not fit the output are refused with the path", () => {
  const what = "Cannot pull back this cotangent";
  const [, one] = vjp((x) => x.mul(2), f64([1, 2]));
  assertRefused(
    () => one(f64([1, 2, 3])),
    ShapeError,
    `${what}: expected float64[2] at the root, got float64[3]`,
  );
  assertRefused(
    () => one(tensor([1, 2])),
    DtypeError,
    `${what}: expected float64[2] at the root, got float32[2]; convert with astype`,
  );
  assertRefused(
    () => one(1),
    ShapeError,
    `${what}: expected float64[2] at the root, got float64[]`,
  );
  assertRefused(
    () => one(undefined),
    TreeError,
    `${what}: expected float64[2] at the root, got undefined`,
  );
  assertRefused(
    () => one({ y: 1 }),
    ArgumentError,
    `${what}, at the root: expected a tensor, number, boolean, nested array or typed array, ` +
      "got object",
  );
  const [, tree] = vjp((x: Tensor) => ({ a: x, n: x.astype("int32") }), f64([1]));
  assertRefused(() => tree({ a: [1] }), TreeError, `${what}: .n is missing`);
  assertRefused(
    () => tree({ a: [1], n: [1] }),
    ArgumentError,
    `${what}: int32[1] at .n has no cotangent; pass null`,
  );
  assertRefused(
    () => tree([1]),
    TreeError,
    `${what}: expected an object with keys a, n at the root, got an array of 1`,
  );
});

Deno.test("a data-dependent loop is differentiated along the path that it took", () => {
  const f = (x: Tensor) => {
    let y = x.mul(2);
    while (Number(y.square().sum().sqrt().item()) < 1000) y = y.mul(2);
    return y;
  };
  const [y, pullback] = vjp(f, f64([0.3, 0.4]));
  const factor = 2 ** 11;
  assertTensorsClose(y, f64([0.3 * factor, 0.4 * factor]));
  assertTensorsClose(pullback(f64([0.1, 1]))[0], f64([0.1 * factor, factor]));
});

Deno.test("linearize gives the value, and a linear pushforward", () => {
  const f = (x: Tensor, y: Tensor) => ({ p: sin(x).mul(y), n: y.astype("int32") });
  const [out, push] = linearize(f, f64([0.5, 1]), f64([2, 3]));
  assertTensorsClose(out.p, sin(f64([0.5, 1])).mul(f64([2, 3])));
  const first = push(f64([1, 0]), f64([0, 1]));
  const second = push(f64([2, 1]), null);
  const both = push(f64([3, 1]), f64([0, 1]));
  assertTensorsClose(both.p, first.p.add(second.p));
  assertStrictEquals(both.n as unknown, null);
});

Deno.test("a pushforward and a pullback repeat no work on primals", () => {
  const heavy = (x: Tensor) => exp(sin(x)).mul(x).sum();
  const types = new TensorType("float64", [3]);
  const primal = f64([1, 2, 3]);
  const [, push] = linearize(heavy, primal);
  const [, pullback] = vjp(heavy, primal);
  const names = (program: ReturnType<ReturnType<typeof makeProgram>>) =>
    program.equations.map(({ primitive }) => primitive.name);
  // Nothing but what depends on the tangent: no sine, cosine or exponential.
  assertEquals(names(makeProgram((t: Tensor) => push(t))(types)), [
    "mul",
    "mul",
    "mul",
    "mul",
    "add",
    "reduceSum",
  ]);
  assertEquals(names(makeProgram((ct: Tensor) => pullback(ct))(f64(1))), [
    "broadcast",
    "mul",
    "mul",
    "mul",
    "mul",
    "add",
  ]);
});

Deno.test("linearTranspose gives the adjoint of a linear function", () => {
  const a = f64([[1, 2], [3, 4], [5, 6]]);
  const f = (x: Tensor, y: Tensor) => [matmul(a, x), neg(y).add(x)];
  const [dx, dy] = linearTranspose(f, f64([0, 0]), f64([0, 0]))([[1, 10, 100], [7, 8]]);
  assertEquals(dx.toArray(), [531 + 7, 642 + 8]);
  assertEquals(dy.toArray(), [-7, -8]);
  const unused = (x: Tensor, _y: Tensor) => x;
  const [, zero] = linearTranspose(unused, f64([1]), f64([1, 2]))([1]);
  assertEquals(zero.toArray(), [0, 0]);
});

Deno.test("linearTranspose refuses what is not linear", () => {
  const at = (f: (x: Tensor) => Tensor) => () => linearTranspose(f, f64([1, 2]))(f64([1, 1]));
  const refusal = (call: string) =>
    `Cannot transpose ${call}: the function is not linear in its arguments`;
  assertRefused(at((x) => sin(x)), ArgumentError, refusal("sin of float64[2]"));
  assertRefused(at((x) => square(x)), ArgumentError, refusal("square of float64[2]"));
  assertRefused(at((x) => x.mul(x)), ArgumentError, refusal("mul of float64[2] and float64[2]"));
  assertRefused(at((x) => x.add(1)), ArgumentError, refusal("add of float64[2] and float64[2]"));
  assertRefused(
    at((x) => f64([1, 2]).div(x)),
    ArgumentError,
    refusal("div of float64[2] and float64[2]"),
  );
  assertRefused(
    at((x) => stopGradient(x)),
    ArgumentError,
    refusal("stopGradient of float64[2]"),
  );
  assertRefused(
    at((x) => where(x.less(0), x, x.mul(2))),
    ArgumentError,
    refusal("select of bool[2] and float64[2] and float64[2]"),
  );
  assertRefused(
    at((x) => concatenate([x.at([0, 1]), f64([1])], 0)),
    ArgumentError,
    refusal("concatenate of float64[1] and float64[1]"),
  );
  assertRefused(
    at((x) => x.astype("int32").astype("float64")),
    ArgumentError,
    refusal("convert of int32[2]"),
  );
  assertRefused(
    at(() => f64([1, 2])),
    ArgumentError,
    "Cannot transpose a function that returns the constant float64[2] at the root: " +
      "the function is not linear in its arguments",
  );
});

Deno.test("linear functions with constants in them are transposed", () => {
  const at = (f: (x: Tensor) => Tensor) => linearTranspose(f, f64([1, 2]))(f64([1, 10]))[0];
  assertEquals(at((x) => x.mul(f64([3, 4]))).toArray(), [3, 40]);
  assertEquals(at((x) => x.div(f64([2, 4]))).toArray(), [0.5, 2.5]);
  assertEquals(at((x) => where(tensor([true, false]), x, x.mul(2))).toArray(), [1, 20]);
  assertEquals(at((x) => x.add(0)).toArray(), [1, 10]);
  assertEquals(at((x) => where(tensor([true, false]), x, 0)).toArray(), [1, 0]);
  assertEquals(at((x) => x.at(tensor([1, 1], { dtype: "int32" }))).toArray(), [0, 11]);
  assertEquals(at(() => f64([0, 0])).toArray(), [0, 0]);
});

Deno.test("examples of linearTranspose must be floating-point", () => {
  assertRefused(
    () => linearTranspose((x) => x, tensor([1], { dtype: "int32" })),
    DtypeError,
    "Cannot transpose at these examples: int32[1] at [0] is not floating-point; " +
      "convert it with astype",
  );
});

Deno.test("an async function has no vjp, linearization or transpose", () => {
  // deno-lint-ignore no-explicit-any require-await
  const f = (async (x: Tensor) => x) as any;
  const message = (name: string) =>
    `Cannot apply ${name} to an async function: expected its result, got a Promise; ` +
    "await what it needs before the call and pass that as an argument";
  assertRefused(() => vjp(f, f64(1)), ArgumentError, message("vjp"));
  assertRefused(() => linearize(f, f64(1)), ArgumentError, message("linearize"));
  assertRefused(() => linearTranspose(f, f64(1)), ArgumentError, message("linearTranspose"));
});

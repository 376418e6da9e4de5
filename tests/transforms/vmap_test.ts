import {
  ArgumentError,
  AxisError,
  grad,
  jvp,
  matmul,
  ShapeError,
  stack,
  tensor,
  TreeError,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });
const batch = f64([[1, 2, 3], [4, 5, 6]]);

Deno.test("vmap applies a function to each example along the first axis", () => {
  assertEquals(vmap((x) => x.sum())(batch).toArray(), [6, 15]);
  assertEquals(vmap((x) => x.mul(2))(batch).toArray(), [[2, 4, 6], [8, 10, 12]]);
});

Deno.test("vmap maps the second axis when told to, and negative axes from the back", () => {
  assertEquals(vmap((x) => x.sum(), 1)(batch).toArray(), [5, 7, 9]);
  assertEquals(vmap((x) => x.sum(), -1)(batch).toArray(), [5, 7, 9]);
  assertEquals(vmap((x) => x.sum(), [-2])(batch).toArray(), [6, 15]);
});

Deno.test("inside, a value has the shape of one example", () => {
  const shapes: (readonly number[])[] = [];
  vmap((x, y) => {
    shapes.push(x.shape, y.shape, x.mul(y).shape);
    return x;
  }, [0, 1])(batch, zeros([3, 2]));
  assertEquals(shapes, [[3], [3], [3]]);
});

Deno.test("an argument that is not mapped is shared by all examples", () => {
  const dot = (x: Tensor, y: Tensor) => x.mul(y).sum();
  assertEquals(vmap(dot, [0, null])(batch, f64([1, 0, 2])).toArray(), [7, 16]);
  assertEquals(vmap(dot, [null, 0])(f64([1, 0, 2]), batch).toArray(), [7, 16]);
  assertEquals(vmap(dot, [0, 0])(batch, batch).toArray(), [14, 77]);
});

Deno.test("values that the function closes over are shared by all examples", () => {
  const weights = f64([1, 0, 2]);
  assertEquals(vmap((x) => x.mul(weights).sum())(batch).toArray(), [7, 16]);
});

Deno.test("outAxes places the batch in the result", () => {
  assertEquals(vmap((x) => x.mul(2), 0, 1)(batch).toArray(), [[2, 8], [4, 10], [6, 12]]);
  assertEquals(vmap((x) => x.mul(2), 0, -1)(batch).shape, [3, 2]);
  assertEquals(vmap((x) => x.mul(2), 0, -2)(batch).shape, [2, 3]);
  const [kept, moved] = vmap((x: Tensor) => [x, x.mul(2)] as const, 0, [0, 1])(batch);
  assertEquals([kept.shape, moved.shape], [[2, 3], [3, 2]]);
});

Deno.test("a result that is the same for all examples is repeated, or shared with null", () => {
  const constant = f64([7, 8]);
  assertEquals(vmap((_x: Tensor) => constant)(batch).toArray(), [[7, 8], [7, 8]]);
  const [sum, shared] = vmap((x: Tensor) => [x.sum(), constant] as const, 0, [0, null])(batch);
  assertEquals([sum.toArray(), shared.toArray()], [[6, 15], [7, 8]]);
  assertRefused(
    () => vmap((x: Tensor) => ({ a: [x] }), 0, { a: [null] })(batch),
    ArgumentError,
    "Cannot vmap with outAxes null for float64[3] at .a[0]: it differs between examples; " +
      "give the axis where they should be stacked",
  );
});

Deno.test("inAxes may be a prefix of the arguments' tree", () => {
  const f = (p: { w: Tensor; layers: Tensor[] }, x: Tensor) =>
    p.w.mul(x).sum().add(p.layers[0]).add(p.layers[1]);
  const p = { w: f64([1, 0, 2]), layers: [f64([10, 20]), f64([100, 200])] };
  const expected = [117, 236];
  assertEquals(vmap(f, [{ w: null, layers: 0 }, 0])(p, batch).toArray(), expected);
  assertEquals(vmap(f, [{ w: null, layers: [0, 0] }, 0])(p, batch).toArray(), expected);
  const shared = { w: p.w, layers: [f64(1), f64([100, 200])] };
  assertEquals(vmap(f, [{ w: null, layers: [null, 0] }, 0])(shared, batch).toArray(), [108, 217]);
  const none = { w: p.w, layers: [f64(1), f64(2)] };
  assertEquals(vmap(f, [null, 0])(none, batch).toArray(), [10, 19]);
});

Deno.test("null subtrees stay null", () => {
  const f = (p: { a: Tensor; b: null }) => ({ sum: p.a.sum(), b: p.b });
  const out = vmap(f)({ a: batch, b: null });
  assertEquals([out.sum.toArray(), out.b], [[6, 15], null]);
});

Deno.test("a batch of one and a batch of none", () => {
  assertEquals(vmap((x) => x.sum())(f64([[1, 2]])).toArray(), [3]);
  const none = vmap((x) => x.mul(2).sum())(zeros([0, 3]));
  assertEquals([none.shape, none.toArray()], [[0], []]);
  assertEquals(vmap((x) => x.mul(2), 0, 1)(zeros([0, 3])).shape, [3, 0]);
});

Deno.test("axisSize tells how many examples there are when no argument is mapped", () => {
  assertEquals(vmap((x) => x.mul(2), null, 0, { axisSize: 3 })(f64(1)).toArray(), [2, 2, 2]);
  assertEquals(vmap(() => f64(5), 0, 0, { axisSize: 2 })().toArray(), [5, 5]);
  assertRefused(
    () => vmap((x) => x, null)(f64(1)),
    ArgumentError,
    "Cannot vmap when no argument is mapped: give at least one axis in inAxes, or axisSize",
  );
  assertRefused(
    () => vmap((x) => x, null, 0, { axisSize: -1 })(f64(1)),
    ArgumentError,
    "Cannot vmap with axisSize -1: expected a non-negative integer",
  );
  assertRefused(
    () => vmap((x) => x, null, 0, { axisSize: NaN })(f64(1)),
    ArgumentError,
    "Cannot vmap with axisSize NaN: expected a non-negative integer",
  );
});

Deno.test("mapped axes of different lengths are refused with both places", () => {
  assertRefused(
    () => vmap((x, y) => x.add(y))(zeros([2, 3]), zeros([4, 3])),
    ShapeError,
    "Cannot vmap over axes of different lengths: axis 0 of float32[2,3] at argument 0 has " +
      "length 2, axis 0 of float32[4,3] at argument 1 has length 4",
  );
  assertRefused(
    () => vmap((p: { w: Tensor[] }) => p.w[0], 0)({ w: [zeros([2]), zeros([5])] }),
    ShapeError,
    "Cannot vmap over axes of different lengths: axis 0 of float32[2] at argument 0.w[0] has " +
      "length 2, axis 0 of float32[5] at argument 0.w[1] has length 5",
  );
  assertRefused(
    () => vmap((x) => x, 0, 0, { axisSize: 3 })(zeros([2])),
    ShapeError,
    "Cannot vmap over axes of different lengths: axisSize has length 3, " +
      "axis 0 of float32[2] at argument 0 has length 2",
  );
});

Deno.test("axes that do not exist are refused with the argument's path", () => {
  assertRefused(
    () => vmap((x) => x, 2)(batch),
    AxisError,
    "Cannot vmap over float64[2,3] at argument 0: axis 2 is out of range, expected -2 to 1",
  );
  assertRefused(
    () => vmap((x) => x)(f64(1)),
    AxisError,
    "Cannot vmap over float64[] at argument 0: axis 0 is out of range, a scalar has no axes",
  );
  assertRefused(
    () => vmap((p: { a: Tensor }) => p.a, 0.5)({ a: batch }),
    AxisError,
    "Cannot vmap over float64[2,3] at argument 0.a: expected an integer axis, got 0.5",
  );
  assertRefused(
    () => vmap((x) => x, NaN)(batch),
    AxisError,
    "Cannot vmap over float64[2,3] at argument 0: expected an integer axis, got NaN",
  );
  assertRefused(
    () => vmap((x) => x.sum(), 0, 1)(batch),
    AxisError,
    "Cannot put the mapped axis of float64[] at the root: axis 1 is out of range, " +
      "expected -1 to 0",
  );
});

Deno.test("inAxes and outAxes that do not fit the trees are refused with the path", () => {
  const what = "Cannot vmap with these inAxes";
  assertRefused(
    () => vmap((x, y) => x.add(y), [0])(batch, batch),
    TreeError,
    `${what}: expected an array of 2 at the root, got an array of 1`,
  );
  assertRefused(
    () => vmap((p: { a: Tensor }) => p.a, [{ b: 0 }])({ a: batch }),
    TreeError,
    `${what}: [0].a is missing`,
  );
  assertRefused(
    () => vmap((x) => x, [[0]])(batch),
    TreeError,
    `${what}: [0] at [0] does not fit a leaf`,
  );
  assertRefused(
    () => vmap((x) => x, ["0" as unknown as number])(batch),
    TreeError,
    `${what}: "0" at [0] does not fit a leaf`,
  );
  assertRefused(
    () => vmap((x) => x, 0, [0, 0])(batch),
    TreeError,
    "Cannot vmap with these outAxes: [0, 0] at the root does not fit a leaf",
  );
});

Deno.test("errors inside speak of one example", () => {
  const error = assertRefused(
    () => vmap((x, y) => matmul(x, y))(zeros([5, 2, 3]), zeros([5, 4, 3])),
    ShapeError,
    "Cannot multiply float32[2,3] by float32[4,3]: inner axes must be equal, " +
      "current sizes are 3 and 4",
  );
  assertEquals(error.name, "ShapeError");
});

Deno.test("vmap nests, each level over its own axis", () => {
  const table = vmap(vmap((x, y) => x.mul(y), [null, 0]), [0, null]);
  assertEquals(table(f64([1, 2]), f64([3, 4, 5])).toArray(), [[3, 4, 5], [6, 8, 10]]);
  const cube = f64([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
  const sums = vmap(vmap((x) => x.sum(), 1), 0);
  assertEquals(sums(cube).toArray(), [[4, 6], [12, 14]]);
  assertEquals(vmap(vmap((x) => x.sum()), 2)(cube).toArray(), [[4, 12], [6, 14]]);
  assertEquals(vmap(vmap(vmap((x) => x.mul(2))))(cube).toArray(), cube.mul(2).toArray());
});

Deno.test("per-example gradients and Jacobian-vector products", () => {
  const loss = (w: Tensor, x: Tensor) => w.mul(x).sum().square();
  const w = f64([1, 1, 1]);
  const each = vmap(grad(loss), [null, 0])(w, batch);
  const loop = stack([grad(loss)(w, batch.at(0)), grad(loss)(w, batch.at(1))], 0);
  assertTensorsClose(each, loop);
  const [, tangents] = jvp(vmap((x) => x.square().sum()), [batch], [batch]);
  assertEquals(tangents.toArray(), [28, 154]);
  const directions = vmap((v: Tensor) => jvp((x) => x.square().sum(), [f64([1, 2, 3])], [v])[1]);
  assertEquals(directions(batch).toArray(), [28, 64]);
});

Deno.test("what is not mapped reaches the function as it is", () => {
  const f = (x: Tensor, { mode, by }: { mode: string; by: number }) =>
    mode === "double" ? x.mul(by) : x;
  const g = vmap(f, [0, null]);
  assertEquals(g(f64([0.1, 2]), { mode: "double", by: 0.1 }).toArray(), [0.1 * 0.1, 0.2]);
  assertEquals(g(f64([3]).astype("int32"), { mode: "double", by: 2 }).dtype, "int32");
  const apply = vmap((x: Tensor, h: (x: Tensor) => Tensor) => h(x), [0, null]);
  assertEquals(apply(f64([1, 2]), (x) => x.square()).toArray(), [1, 4]);
});

Deno.test("numbers cannot be mapped, but can be shared", () => {
  assertEquals(vmap((x: Tensor, k: number) => x.mul(k), [0, null])(f64([1, 2]), 3).toArray(), [
    3,
    6,
  ]);
  assertEquals(vmap((x) => x.mul(2))(Float64Array.of(1, 2)).toArray(), [2, 4]);
  assertRefused(
    () => vmap((x) => x)(3 as never),
    AxisError,
    "Cannot vmap over float32[] at argument 0: axis 0 is out of range, a scalar has no axes",
  );
  assertRefused(
    () => vmap((x: unknown) => x)("text" as never),
    TreeError,
    'Cannot vmap over this argument: expected a tensor or number at [0], got "text"',
  );
});

Deno.test("an async function is refused", () => {
  assertRefused(
    // deno-lint-ignore require-await
    () => vmap(async (x: Tensor) => x.mul(2))(batch),
    ArgumentError,
    "Cannot apply vmap to an async function: expected its result, got a Promise; " +
      "await what it needs before the call and pass that as an argument",
  );
});

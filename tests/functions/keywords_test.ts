/**
 * Options that PyTorch's functions of the same names have, with PyTorch's values.
 *
 * @module
 */
import {
  argmax,
  argsort,
  ArgumentError,
  AxisError,
  cumprod,
  cumsum,
  diag,
  diagonal,
  div,
  finfo,
  flip,
  grad,
  iinfo,
  jit,
  logsumexp,
  max,
  mean,
  nn,
  norm,
  pad,
  random,
  round,
  ShapeError,
  sort,
  squeeze,
  stack,
  sum,
  tensor,
  topK,
  variance,
  vmap,
} from "../../mod.ts";
import type { Dtype, Tensor } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const I = Infinity;
const f64 = (x: unknown) => tensor(x as number[], { dtype: "float64" });
const of = (x: unknown, dtype: Dtype) => tensor(x as number[], { dtype });

Deno.test("div rounds quotients down or towards zero", () => {
  // x, y, floor, trunc: torch.div(x, y, rounding_mode=...) in float64
  const cases = [
    [7, 2, 3, 3],
    [-7, 2, -4, -3],
    [7, -2, -4, -3],
    [1, 0, I, I],
    [-1, 0, -I, -I],
    [0, 0, NaN, NaN],
    [I, 2, NaN, I],
    [3, I, 0, 0],
    [-3, I, -1, -0],
    [3, -I, -1, -0],
    [0.3, 0.1, 2, 2],
    [1, 0.1, 9, 10],
    [1e300, 1e-300, I, I],
    [-0, 2, -0, -0],
    [0, -2, -0, -0],
    [NaN, 1, NaN, NaN],
  ];
  const [x, y, floor, trunc] = [0, 1, 2, 3].map((i) => cases.map((row) => row[i]));
  for (const run of [div, jit(div, { staticArgnums: 2 })] as (typeof div)[]) {
    assertEquals([...run(f64(x), f64(y), { roundingMode: "floor" }).data()], floor);
    assertEquals([...run(f64(x), f64(y), { roundingMode: "trunc" }).data()], trunc);
  }
  assertEquals(grad((x: Tensor) => x.div(2, { roundingMode: "floor" }))(f64(7.5)).item(), 0);
});

Deno.test("floors of quotients of the largest floats are in range", () => {
  const f = (x: Tensor, y: Tensor) => div(x, y, { roundingMode: "floor" });
  for (const dtype of ["float16", "bfloat16", "float32", "float64"] as const) {
    const { max } = finfo(dtype);
    const x = of([-max, max, -max, -max, max], dtype);
    const y = of([max * 0.75, -max * 0.75, max, I, -I], dtype);
    for (const run of [f, jit(f), vmap(f)]) {
      assertEquals(run(x, y).toArray(), [-2, -2, -1, -1, -1], dtype);
    }
  }
  assertEquals(f(of([-65504], "float16"), of([2048, 127], "float16")).toArray(), [-32, -516]);
});

Deno.test("rounded quotients of integers are integers", () => {
  const [x, y] = [[7, -7, 2147483647, -2147483648, 5, 0], [2, 2, -1, 3, 0, 0]];
  for (const run of [div, jit(div, { staticArgnums: 2 })] as (typeof div)[]) {
    const down = run(of(x, "int32"), of(y, "int32"), { roundingMode: "floor" });
    assertEquals([down.dtype, down.toArray()], [
      "int32",
      [3, -4, -2147483647, -715827883, 2147483647, 0],
    ]);
    const up = run(of(x, "int32"), of(y, "int32"), { roundingMode: "trunc" });
    assertEquals(up.toArray(), [3, -3, -2147483647, -715827882, 2147483647, 0]);
  }
  const large = of([4294967295, 4294967294], "uint32").div(of([2, 4294967295], "uint32"), {
    roundingMode: "floor",
  });
  assertEquals([large.dtype, large.toArray()], ["uint32", [2147483647, 0]]);
  assertEquals(of([7], "int32").div(2, { roundingMode: "floor" }).dtype, "int32");
  assertRefused(
    () => div(1, 2, { roundingMode: "ceil" as never }),
    ArgumentError,
    'Cannot divide: expected a roundingMode "floor" or "trunc", got "ceil"',
  );
});

/** Quotients of integers as typed arrays hold them: modulo the number of their values. */
const WRAPPED = {
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const;

Deno.test("the rounded quotient of the least integer and -1 wraps, and no other is out of range", () => {
  for (const [dtype, Held] of Object.entries(WRAPPED)) {
    const { min: low, max: high } = iinfo(dtype as Dtype);
    const ends = [low, low + 1, -2, -1, 1, 2, 3, high - 1, high].filter((end) => end >= low);
    const x = of(ends.map((end) => [end]), dtype as Dtype);
    const divisors = ends.filter((end) => end !== 0);
    const y = of(divisors, dtype as Dtype);
    for (const [roundingMode, rounded] of [["floor", Math.floor], ["trunc", Math.trunc]] as const) {
      const expected = Held.from(ends.flatMap((a) => divisors.map((b) => rounded(a / b))));
      const f = (x: Tensor, y: Tensor) => div(x, y, { roundingMode });
      assertEquals(f(x, y).data(), expected);
      assertEquals(jit(f)(x, y).data(), expected);
      assertEquals(vmap(f)(x, stack(ends.map(() => y))).data(), expected);
    }
  }
});

Deno.test("round keeps as many decimals as it is told", () => {
  const x = f64([3.14159, -2.5, 1234.5678, I, NaN, 1e300, 0.125, 0.375]);
  const two = round(x, { decimals: 2 });
  assertEquals(two.toArray(), [3.14, -2.5, 1234.57, I, NaN, 1e300, 0.12, 0.38]);
  assertEquals(jit((x: Tensor) => x.round({ decimals: 2 }))(x).toArray(), two.toArray());
  assertEquals(round(f64([1250, -1350, I, 49]), { decimals: -2 }).toArray(), [1200, -1400, I, 0]);
  assertEquals(round(tensor([2.675]), { decimals: 2 }).item(), Math.fround(2.68));
  assertEquals(round(tensor([1.5, 3e38]), { decimals: 39 }).toArray(), [1.5, Math.fround(3e38)]);
  assertEquals(round(tensor([1.5, 3e38]), { decimals: -40 }).toArray(), [0, 0]);
  assertEquals(round(of([1250, 1350], "int32"), { decimals: -2 }).toArray(), [1200, 1400]);
  assertEquals(round(of([12], "int32"), { decimals: 3 }).dtype, "int32");
  assertEquals(grad((x: Tensor) => x.round({ decimals: 1 }))(f64(0.55)).item(), 0);
  assertRefused(
    () => round(x, { decimals: 0.5 }),
    ArgumentError,
    "Cannot round: expected an integer number of decimals, got 0.5",
  );
});

Deno.test("negative padding takes elements away", () => {
  const x = f64([[1, 2, 3], [4, 5, 6]]);
  assertEquals(pad(x, [[0, 0], [-1, 0]]).toArray(), [[2, 3], [5, 6]]);
  assertEquals(pad(x, [[-1, 1], [1, -2]], { value: 9 }).toArray(), [[9, 4], [9, 9]]);
  assertEquals(pad(f64([1, 2, 3, 4]), [-1, 2], { mode: "reflect" }).toArray(), [2, 3, 4, 3, 2]);
  assertEquals(pad(f64([1, 2]), [-1, -1]).shape, [0]);
  assertEquals(pad(f64([1, 2]), [-2, 1]).toArray(), [0]);
  checkGrads((x: Tensor) => pad(x, [[-1, 1], [2, -1]]).square().sum(), [x]);
  assertRefused(
    () => pad(f64([1, 2]), [-2, -1]),
    ShapeError,
    "Cannot pad float64[2] by [-2, -1] along axis 0: it has only 2 elements to take away",
  );
});

Deno.test("axes 0 and -1 of a scalar name its one element", () => {
  const x = f64(2);
  for (const axis of [0, -1]) {
    for (const f of [sum, mean, max, logsumexp, cumsum, cumprod, sort, flip, squeeze]) {
      const result = (f as (x: Tensor, axis: number) => Tensor)(x, axis);
      assertEquals([result.shape, result.item()], [[], 2]);
    }
    assertEquals(sum(x, axis, { keepdims: true }).shape, []);
    assertEquals(norm(f64(-2), axis).item(), 2);
    assertEquals(variance(x, axis).item(), 0);
    assertEquals([argmax(x, axis).item(), argsort(x, axis).item()], [0, 0]);
    assertEquals(topK(x, 1, axis).map((part) => [part.shape, part.item()]), [[[], 2], [[], 0]]);
    assertEquals(nn.softmax(x, axis).item(), 1);
    assertEquals(nn.logSoftmax(x, axis).item(), 0);
    assertEquals(grad((x: Tensor) => x.square().sum(axis))(x).item(), 4);
    assertEquals(vmap((x: Tensor) => sort(x, axis).mul(2))(f64([3, 1])).toArray(), [6, 2]);
  }
  assertRefused(
    () => sum(x, 1),
    AxisError,
    "Cannot sum float64[]: axis 1 is out of range, a scalar has no axes",
  );
});

Deno.test("normalisations have a shift without a scale, or a scale without a shift", () => {
  const x = f64([[1, 2, 3, 6], [2, 2, 4, 0]]);
  for (
    const make of [
      (options: { weight?: boolean; bias?: boolean }) => nn.layerNorm(4, options),
      (options: { weight?: boolean; bias?: boolean }) => nn.groupNorm(2, 4, options),
      (options: { weight?: boolean; bias?: boolean }) => nn.batchNorm(4, options),
    ]
  ) {
    const key = random.key(0);
    const [shift, state] = make({ weight: false }).init(key);
    assertEquals(Object.keys(shift), ["bias"]);
    assertEquals(Object.keys(make({ bias: false }).init(key)[0]), ["weight"]);
    assertEquals(Object.keys(make({ bias: false, weight: false }).init(key)[0]), []);
    const layer = make({ weight: false });
    const bias = f64([1, 10, 100, 1000]);
    const context = { train: true };
    const [plain] = layer.apply({}, state as never, x, context);
    const [shifted] = layer.apply({ bias }, state as never, x, context);
    assertTensorsClose(shifted, plain.add(bias));
    const [scaled] = layer.apply({ weight: bias }, state as never, x, context);
    assertTensorsClose(scaled, plain.mul(bias));
  }
  assertRefused(
    () => nn.layerNorm(4, { weight: 1 as never }),
    ArgumentError,
    "Cannot make a layerNorm layer with weight 1: expected true or false",
  );
});

Deno.test("diagonal takes diagonals of any two axes", () => {
  const x = f64(Array.from({ length: 24 }, (_, i) => i)).reshape([2, 3, 4]);
  // numpy.diagonal(x), (x, 1, 1, 2), (x, -1, 2, 1), (x, 0, 2, 0), (x, 5)
  assertEquals(diagonal(x).toArray(), [[0, 16], [1, 17], [2, 18], [3, 19]]);
  assertEquals(x.diagonal({ offset: 1, axis1: 1, axis2: 2 }).toArray(), [[1, 6, 11], [13, 18, 23]]);
  assertEquals(diagonal(x, { offset: -1, axis1: 2, axis2: 1 }).toArray(), [
    [1, 6, 11],
    [13, 18, 23],
  ]);
  assertEquals(diagonal(x, { axis1: 2, axis2: 0 }).toArray(), [[0, 13], [4, 17], [8, 21]]);
  assertEquals(diagonal(x, { offset: 5 }).shape, [4, 0]);
  assertEquals(diagonal(f64([[1, 2], [3, 4]])).toArray(), diag([[1, 2], [3, 4]]).toArray());
  checkGrads((x: Tensor) => diagonal(x, { offset: 1, axis1: -1, axis2: 0 }).square().sum(), [x]);
  assertTensorsClose(
    vmap((x: Tensor) => diagonal(x, { offset: 1 }))(x),
    diagonal(x, { offset: 1, axis1: 1, axis2: 2 }),
  );
  assertRefused(
    () => diagonal(x, { axis1: 1 }),
    AxisError,
    "Cannot take the diagonals of float64[2,3,4]: axis 1 is named twice in [1, 1]",
  );
  assertRefused(
    () => diag(x),
    ShapeError,
    "Cannot take the diagonal of float64[2,3,4]: expected a vector or a matrix; " +
      "use diagonal for more axes",
  );
});

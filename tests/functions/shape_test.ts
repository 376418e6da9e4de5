import fc from "fast-check";
import { assertEquals, assertStrictEquals } from "../support/std.ts";
import { assertRefused } from "../support/errors.ts";
import { ArgumentError, AxisError, DtypeError, ShapeError } from "../../src/base/errors.ts";
import { showType } from "../../src/base/shape.ts";
import type { PadOptions, PadWidths } from "../../src/core/methods.ts";
import type { Tensor, TensorLike } from "../../src/core/tensor.ts";
import {
  arange,
  broadcastTo,
  concatenate,
  diag,
  expandDims,
  flip,
  moveaxis,
  oneHot,
  ones,
  pad,
  repeat,
  reshape,
  roll,
  split,
  squeeze,
  stack,
  swapaxes,
  tensor,
  tile,
  transpose,
  tril,
  triu,
  zeros,
} from "../../src/functions/mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, makeProgram, vmap } from "../../src/transforms/mod.ts";

const int32 = (values: TensorLike) => tensor(values, { dtype: "int32" });
const counted = (shape: readonly number[]) =>
  arange(shape.reduce((product, length) => product * length, 1)).reshape(shape);

Deno.test("reshape keeps the elements in row-major order, -1 standing for what is left", () => {
  assertTensorsClose(reshape(arange(6), [3, 2]), [[0, 1], [2, 3], [4, 5]]);
  assertEquals(reshape(zeros([2, 3, 4]), [-1, 4]).shape, [6, 4]);
  assertEquals(reshape(zeros([6]), [2, -1, 3]).shape, [2, 1, 3]);
  assertEquals(reshape(5, [-1]).shape, [1]);
  assertEquals(reshape([7], []).shape, []);
  assertEquals(reshape(zeros([0, 3]), [-1, 3]).shape, [0, 3]);
  assertEquals(reshape(zeros([0, 3]), [5, 0]).shape, [5, 0]);
  const x = zeros([2, 3]);
  assertStrictEquals(reshape(x, [2, 3]), x);
});

Deno.test("reshape refuses sizes that differ and lengths that are none", () => {
  const cases: readonly (readonly [Tensor, unknown, string])[] = [
    [zeros([6]), [4], "Cannot reshape float32[6] to [4]: the sizes are 6 and 4"],
    [
      zeros([6]),
      [4, -1],
      "Cannot reshape float32[6] to [4,-1]: its size 6 is not a multiple of 4",
    ],
    [zeros([6]), [-1, -1], "Cannot reshape float32[6] to [-1,-1]: only one length may be -1"],
    [
      zeros([0, 3]),
      [0, -1],
      "Cannot reshape float32[0,3] to [0,-1]: -1 could be any length, since another is 0; " +
      "write it out",
    ],
    [zeros([6]), [0, -1], "Cannot reshape float32[6] to [0,-1]: the sizes are 6 and 0"],
    [
      zeros([6]),
      [-2, 3],
      "Cannot reshape float32[6]: axis 0 must be a non-negative integer, got -2",
    ],
    [
      zeros([6]),
      [2, NaN],
      "Cannot reshape float32[6]: axis 1 must be a non-negative integer, got NaN",
    ],
    [
      zeros([6]),
      null as unknown as number[],
      "Cannot reshape float32[6]: expected a shape such as [2, 3], got null",
    ],
    [
      zeros([6]),
      [2 ** 20, 2 ** 20],
      "Cannot reshape float32[6]: shape [1048576,1048576] has 1099511627776 elements, " +
      "at most 2147483647 fit",
    ],
  ];
  for (const [x, shape, message] of cases) {
    assertRefused(() => reshape(x, shape as number[]), ShapeError, message);
  }
});

Deno.test("transpose reverses the axes, or puts them in the given order", () => {
  const x = counted([2, 3, 4]);
  assertEquals(transpose(x).shape, [4, 3, 2]);
  assertEquals(transpose(x, [1, -1, 0]).shape, [3, 4, 2]);
  assertTensorsClose(transpose(x, [1, -1, 0]).at(2, 3, 1), x.at(1, 2, 3));
  assertEquals(x.transpose(1, -1, 0).shape, [3, 4, 2]);
  assertEquals(x.permute(1, -1, 0).shape, [3, 4, 2]);
  assertEquals(x.T.shape, [4, 3, 2]);
  assertEquals(x.mT.shape, [2, 4, 3]);
  assertEquals(x.reshape(4, -1).shape, [4, 6]);
  assertEquals(transpose(5).shape, []);
  assertRefused(
    () => transpose(x, [0, 1]),
    AxisError,
    "Cannot transpose float32[2,3,4] by [0,1]: expected each of its 3 axes once",
  );
  assertRefused(
    () => transpose(x, [0, 1, -2]),
    AxisError,
    "Cannot transpose float32[2,3,4]: axis 1 is named twice in [0, 1, -2]",
  );
  assertRefused(
    () => transpose(x, "1" as unknown as number[]),
    AxisError,
    'Cannot transpose float32[2,3,4]: expected a list of axes, got "1"',
  );
});

Deno.test("swapaxes and moveaxis put axes in other places", () => {
  const x = counted([2, 3, 4, 5]);
  assertEquals(swapaxes(x, 0, -1).shape, [5, 3, 4, 2]);
  assertEquals(moveaxis(x, 0, 2).shape, [3, 4, 2, 5]);
  assertEquals(moveaxis(x, [3, 0], [0, -1]).shape, [5, 3, 4, 2]);
  assertEquals(moveaxis(x, [0, 1], [1, 0]).shape, [3, 2, 4, 5]);
  assertTensorsClose(moveaxis(x, 0, 2).at(2, 3, 1, 4), x.at(1, 2, 3, 4));
  assertRefused(
    () => moveaxis(x, [0, 1], 1),
    AxisError,
    "Cannot move axes of float32[2,3,4,5]: " +
      "expected as many destinations as sources, got 1 and 2",
  );
  assertRefused(
    () => swapaxes(x, 0, 4),
    AxisError,
    "Cannot swap axes of float32[2,3,4,5]: axis 4 is out of range, expected -4 to 3",
  );
});

Deno.test("squeeze and expandDims remove and add axes of length one", () => {
  assertEquals(squeeze(zeros([1, 2, 1])).shape, [2]);
  assertEquals(squeeze(zeros([1, 2, 1]), -1).shape, [1, 2]);
  assertEquals(squeeze(zeros([1, 2, 1]), [0, 2]).shape, [2]);
  assertEquals(expandDims(zeros([2, 3]), 0).shape, [1, 2, 3]);
  assertEquals(expandDims(zeros([2, 3]), [0, -1]).shape, [1, 2, 3, 1]);
  assertEquals(expandDims(5, 0).shape, [1]);
  assertRefused(
    () => squeeze(zeros([1, 2]), 1),
    ShapeError,
    "Cannot squeeze float32[1,2]: axis 1 has length 2, expected 1",
  );
  assertRefused(
    () => expandDims(zeros([2]), [0, -3]),
    AxisError,
    "Cannot add axes to float32[2]: axis 0 is named twice in [0, -3]",
  );
  assertRefused(
    () => expandDims(zeros([2]), 2),
    AxisError,
    "Cannot add axes to float32[2]: axis 2 is out of range, expected -2 to 1",
  );
});

Deno.test("broadcastTo stretches by NumPy's rule", () => {
  assertTensorsClose(broadcastTo([[1], [2]], [2, 2, 2]), [[[1, 1], [2, 2]], [[1, 1], [2, 2]]]);
  assertEquals(broadcastTo(zeros([1, 3]), [0, 3]).shape, [0, 3]);
  assertRefused(
    () => broadcastTo(zeros([3]), [3, 2]),
    ShapeError,
    "Cannot broadcast float32[3] to [3,2]: axis 0 has length 3, expected 1 or 2",
  );
  assertRefused(
    () => broadcastTo(zeros([3]), [1]),
    ShapeError,
    "Cannot broadcast float32[3] to [1]: axis 0 has length 3, expected 1",
  );
  assertRefused(
    () => broadcastTo(zeros([2, 2]), [2]),
    ShapeError,
    "Cannot broadcast float32[2,2] to [2]: it has 2 axes, more than 1",
  );
});

Deno.test("concatenate and stack promote the dtypes of all entries", () => {
  assertTensorsClose(concatenate([[[1], [2]], [[3, 4], [5, 6]]], 1), [[1, 3, 4], [2, 5, 6]]);
  assertTensorsClose(stack([[1, 2], [3, 4]], -1), [[1, 3], [2, 4]]);
  assertTensorsClose(stack([1, 2, true]), [1, 2, 1]);
  assertEquals(showType(concatenate([int32([1]), tensor([true]), [2]])), "int32[3]");
  assertEquals(showType(stack([int32(1), 2])), "int32[2]");
  assertEquals(showType(stack([int32([1]), zeros([1], { dtype: "float64" })])), "float64[2,1]");
  assertEquals(concatenate([zeros([0]), zeros([2])]).shape, [2]);
});

Deno.test("concatenate and stack refuse what does not fit together", () => {
  const cases: readonly (readonly [() => unknown, typeof ShapeError, string])[] = [
    [
      () => concatenate([]),
      ShapeError,
      "Cannot concatenate an empty list: expected at least one tensor",
    ],
    [() => stack([]), ShapeError, "Cannot stack an empty list: expected at least one tensor"],
    [
      () => concatenate([1, 2]),
      ShapeError,
      "Cannot concatenate float32[]: a scalar has no axes; use stack",
    ],
    [
      () => concatenate([zeros([2, 3]), zeros([2, 4])]),
      ShapeError,
      "Cannot concatenate float32[2,3] and float32[2,4] along axis 0: axis 1 has lengths 3 and 4",
    ],
    [
      () => concatenate([zeros([2, 3]), zeros([2])], -1),
      ShapeError,
      "Cannot concatenate float32[2,3] and float32[2] along axis 1: they have 2 and 1 axes",
    ],
    [
      () => stack([zeros([2]), zeros([3])]),
      ShapeError,
      "Cannot stack float32[2] and float32[3]: shapes must be equal",
    ],
  ];
  for (const [run, type, message] of cases) assertRefused(run, type, message);
  assertRefused(
    () => concatenate(zeros([2]) as unknown as Tensor[]),
    ArgumentError,
    "Cannot concatenate: expected a list of tensors, got float32[2]",
  );
  assertRefused(
    () => stack([zeros([2])], 2),
    AxisError,
    "Cannot stack float32[2]: axis 2 is out of range, expected -2 to 1",
  );
});

Deno.test("split cuts into equal parts, or at positions", () => {
  const parts = (x: TensorLike, cuts: number | number[], axis?: number) =>
    split(x, cuts, axis).map((part) => part.toArray());
  assertEquals(parts([1, 2, 3, 4], 2), [[1, 2], [3, 4]]);
  assertEquals(parts([1, 2, 3, 4, 5], [1, 3]), [[1], [2, 3], [4, 5]]);
  assertEquals(parts([1, 2, 3, 4, 5], [3, 1, -1, 9]), [[1, 2, 3], [], [2, 3, 4], [5], []]);
  assertEquals(parts([[1, 2], [3, 4]], 2, 1), [[[1], [3]], [[2], [4]]]);
  assertEquals(parts([1, 2], []), [[1, 2]]);
  assertRefused(
    () => split([1, 2, 3], 2),
    ShapeError,
    "Cannot split float32[3] along axis 0 into 2 equal parts: its length is 3; " +
      "give positions instead",
  );
  assertRefused(
    () => split([1, 2, 3], 0),
    ShapeError,
    "Cannot split float32[3] along axis 0 into 0 equal parts: its length is 3; " +
      "give positions instead",
  );
  assertRefused(
    () => split([], 2 ** 31),
    ShapeError,
    "Cannot split float32[0] along axis 0 into 2147483648 equal parts: its length is 0; " +
      "give positions instead",
  );
  assertEquals(split([], 3).length, 3);
  assertRefused(
    () => split([1, 2, 3], [0.5]),
    ArgumentError,
    "Cannot split float32[3] along axis 0: expected an integer position, got 0.5",
  );
});

Deno.test("flip reverses and roll shifts", () => {
  const x = counted([2, 3]);
  assertTensorsClose(flip(x), [[5, 4, 3], [2, 1, 0]]);
  assertTensorsClose(flip(x, 0), [[3, 4, 5], [0, 1, 2]]);
  assertTensorsClose(roll(x, 1), [[5, 0, 1], [2, 3, 4]]);
  assertTensorsClose(roll(x, -1, 1), [[1, 2, 0], [4, 5, 3]]);
  assertTensorsClose(roll(x, [1, -4], [0, 1]), [[4, 5, 3], [1, 2, 0]]);
  assertTensorsClose(roll(x, [1, 1], 1), roll(x, 2, 1));
  assertTensorsClose(roll(x, 1, [0, 1]), roll(x, [1, 1], [0, 1]));
  assertTensorsClose(roll(zeros([0]), 3), zeros([0]));
  assertRefused(
    () => roll(x, 0.5),
    ArgumentError,
    "Cannot roll float32[2,3]: expected an integer shift, got 0.5",
  );
  assertRefused(
    () => roll(x, [1, 2, 3], [0, 1]),
    ArgumentError,
    "Cannot roll float32[2,3]: expected one shift or one for each axis, got 3 shifts and 2 axes",
  );
});

Deno.test("pad frames a tensor in each of NumPy's modes", () => {
  const x = [1, 2, 3];
  const padded = (mode: Required<PadOptions>["mode"]) => pad(x, [4, 5], { mode }).toArray();
  assertEquals(padded("constant"), [0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0]);
  assertEquals(padded("edge"), [1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3]);
  assertEquals(padded("reflect"), [1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]);
  assertEquals(padded("symmetric"), [3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1, 2]);
  assertEquals(padded("wrap"), [3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2]);
  assertEquals(pad([7], 2, { mode: "reflect" }).toArray(), [7, 7, 7, 7, 7]);
  assertTensorsClose(pad([[1]], [[0, 1], [2, 0]], { value: 9 }), [[9, 9, 1], [9, 9, 9]]);
  assertTensorsClose(pad([[1]], [0, 1]), [[1, 0], [0, 0]]);
  assertTensorsClose(pad([[1]], [[1, 0]]), [[0, 0], [0, 1]]);
  assertTensorsClose(pad([NaN], 1, { value: Infinity }), [Infinity, NaN, Infinity]);
  assertEquals(showType(pad(int32([1]), 1, { value: 5 })), "int32[3]");
  assertEquals(pad(tensor([true]), [1, 0]).toArray(), [false, true]);
  assertEquals(pad(zeros([0, 2]), [[0, 0], [1, 1]], { mode: "edge" }).shape, [0, 4]);
});

Deno.test("pad extends periodically as far as it is told to, on either side", () => {
  const place = (mode: string, n: number, i: number): number => {
    if (mode === "edge" || n === 1) return Math.min(Math.max(i, 0), n - 1);
    const period = mode === "wrap" ? n : mode === "symmetric" ? 2 * n : 2 * n - 2;
    const at = ((i % period) + period) % period;
    return at < n ? at : period - at - (mode === "symmetric" ? 1 : 0);
  };
  fc.assert(
    fc.property(
      fc.constantFrom("edge", "reflect", "symmetric", "wrap"),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(20),
      fc.nat(20),
      (mode, n, before, after) => {
        const x = arange(n);
        const expected = Array.from(
          { length: before + n + after },
          (_, i) => place(mode, n, i - before),
        );
        const options = { mode } as PadOptions;
        assertEquals(pad(x, [before, after], options).toArray(), expected);
        const column = pad(x.reshape([1, n, 1]), [[0, 0], [before, after], [0, 0]], options);
        assertEquals(column.reshape([-1]).toArray(), expected);
      },
    ),
    { seed: 1 },
  );
});

Deno.test("pad refuses widths and modes that are none", () => {
  const x = zeros([2, 3]);
  const cases: readonly (readonly [unknown, unknown, string])[] = [
    [
      0.5,
      {},
      "Cannot pad float32[2,3]: expected widths such as [[before, after], ...], got 0.5",
    ],
    [[1, 2, 3], {}, "Cannot pad float32[2,3]: expected [before, after], got [1, 2, 3]"],
    [
      1,
      { mode: "mean" },
      "Cannot pad float32[2,3]: expected a mode out of " +
      'constant, edge, reflect, symmetric, wrap, got "mean"',
    ],
    [
      1,
      "edge",
      'Cannot pad float32[2,3]: expected options such as { mode }, got "edge"',
    ],
  ];
  for (const [widths, options, message] of cases) {
    assertRefused(() => pad(x, widths as PadWidths, options as PadOptions), ArgumentError, message);
  }
  assertRefused(
    () => pad(x, [[1, 1], [1, 1], [1, 1]]),
    ShapeError,
    "Cannot pad float32[2,3]: expected 2 pairs of widths, one per axis, got 3",
  );
  assertRefused(
    () => pad(zeros([0]), 1, { mode: "wrap" }),
    ShapeError,
    "Cannot pad float32[0] in mode wrap: axis 0 has no elements to repeat",
  );
  assertRefused(
    () => pad(int32([1]), 1, { value: 0.5 }),
    DtypeError,
    "Cannot pad int32[1]: 0.5 is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
  assertRefused(
    () => pad(x, 2 ** 20),
    ShapeError,
    "Cannot pad float32[2,3]: shape [2097154,2097155] has 4398056996870 elements, " +
      "at most 2147483647 fit",
  );
});

Deno.test("tile repeats the whole, repeat each element", () => {
  assertTensorsClose(tile([[1, 2]], [2, 2]), [[1, 2, 1, 2], [1, 2, 1, 2]]);
  assertTensorsClose(tile([[1], [2]], 2), [[1, 1], [2, 2]]);
  assertEquals(tile(zeros([3]), [2, 0, 1]).shape, [2, 0, 3]);
  assertTensorsClose(repeat([[1, 2], [3, 4]], 2), [1, 1, 2, 2, 3, 3, 4, 4]);
  assertTensorsClose(repeat([[1, 2], [3, 4]], 2, 0), [[1, 2], [1, 2], [3, 4], [3, 4]]);
  assertTensorsClose(repeat([[1, 2]], 2, -1), [[1, 1, 2, 2]]);
  assertEquals(repeat([1, 2], 0).shape, [0]);
  assertRefused(
    () => tile([1], -1),
    ArgumentError,
    "Cannot tile float32[1]: expected a number of repetitions, got -1",
  );
  assertRefused(
    () => repeat([1], 1.5),
    ArgumentError,
    "Cannot repeat float32[1]: expected a number of repetitions, got 1.5",
  );
  assertRefused(
    () => tile([1, 2], 2 ** 31),
    ShapeError,
    "Cannot tile float32[2]: shape [4294967296] has 4294967296 elements, at most 2147483647 fit",
  );
});

Deno.test("tril and triu keep triangles of the last two axes", () => {
  const x = counted([2, 3]);
  assertTensorsClose(tril(x), [[0, 0, 0], [3, 4, 0]]);
  assertTensorsClose(tril(x, 1), [[0, 1, 0], [3, 4, 5]]);
  assertTensorsClose(triu(x), [[0, 1, 2], [0, 4, 5]]);
  assertTensorsClose(triu(x, -1), x);
  for (const far of [2 ** 40, -(2 ** 40)]) {
    assertTensorsClose(tril(x, far).add(triu(x, far + 1)), x);
  }
  assertTensorsClose(tril(stack([x, x]), -1).at(1), [[0, 0, 0], [3, 0, 0]]);
  assertEquals(tril([[true, true]]).toArray(), [[true, false]]);
  assertTensorsClose(triu([[NaN, 1], [NaN, 1]], 1), [[0, 1], [0, 0]]);
  assertRefused(
    () => tril([1, 2]),
    ShapeError,
    "Cannot take the lower triangle of float32[2]: expected at least two axes",
  );
  assertRefused(
    () => triu(x, 0.5),
    ArgumentError,
    "Cannot take the upper triangle of float32[2,3]: expected an integer diagonal, got 0.5",
  );
});

Deno.test("diag makes matrices of vectors and vectors of matrices", () => {
  assertTensorsClose(diag([1, 2], 1), [[0, 1, 0], [0, 0, 2], [0, 0, 0]]);
  assertTensorsClose(diag([1, 2], -1), [[0, 0, 0], [1, 0, 0], [0, 2, 0]]);
  const x = counted([2, 3]);
  assertTensorsClose(diag(x), [0, 4]);
  assertTensorsClose(diag(x, 1), [1, 5]);
  assertTensorsClose(diag(x, -1), [3]);
  assertEquals(diag(x, 3).shape, [0]);
  assertEquals(diag(x, -7).shape, [0]);
  assertEquals(diag(zeros([0]), 2).shape, [2, 2]);
  assertRefused(
    () => diag(zeros([1, 1, 1])),
    ShapeError,
    "Cannot take the diagonal of float32[1,1,1]: expected a vector or a matrix; " +
      "use diagonal for more axes",
  );
  assertRefused(
    () => diag([1], 2 ** 17),
    ShapeError,
    "Cannot put float32[1] on diagonal 131072: " +
      "shape [131073,131073] has 17180131329 elements, at most 2147483647 fit",
  );
});

Deno.test("oneHot is one at the index, and nowhere for an index out of range", () => {
  assertTensorsClose(oneHot([[2], [0]], 3), [[[0, 0, 1]], [[1, 0, 0]]]);
  assertTensorsClose(oneHot([-1, 3], 3), zeros([2, 3]));
  assertTensorsClose(oneHot(1, 2), [0, 1]);
  assertEquals(showType(oneHot(new Uint32Array([1]), 2, { dtype: "bool" })), "bool[1,2]");
  assertEquals(oneHot(new Uint32Array([0xffffffff, 1]), 2).toArray(), [[0, 0], [0, 1]]);
  assertEquals(oneHot(int32([]), 4).shape, [0, 4]);
  assertRefused(
    () => oneHot(zeros([2]), 3),
    DtypeError,
    "Cannot encode as one-hot with float32[2] as indices: expected an integer dtype; " +
      'convert with astype("int32")',
  );
  assertRefused(
    () => oneHot([0.5], 3),
    DtypeError,
    "Cannot encode as one-hot: 0.5 at [0] is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
  assertRefused(
    () => oneHot([1], -3),
    ArgumentError,
    "Cannot encode int32[1] as one-hot: expected a number of classes, got -3",
  );
});

const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  reshape: (x) => reshape(x, [3, -1]),
  transpose: (x) => transpose(x),
  swapaxes: (x) => swapaxes(x, 0, 1),
  moveaxis: (x) => moveaxis(x, 1, 0),
  squeeze: (x) => squeeze(expandDims(x, [0, 2]), 0),
  broadcastTo: (x) => broadcastTo(expandDims(x, 1), [2, 2, 3]),
  concatenate: (x) => concatenate([x, ones([1, 3]), x], 0),
  stack: (x) => stack([x, zeros([2, 3]), x], 2),
  split: (x) => split(x, [1], 1)[1],
  flip: (x) => flip(x, 1),
  roll: (x) => roll(x, [1, 2], [0, 1]),
  "pad constant": (x) => pad(x, 1, { value: 3 }),
  "pad edge": (x) => pad(x, [[1, 2], [0, 3]], { mode: "edge" }),
  "pad reflect": (x) => pad(x, [[1, 2], [5, 3]], { mode: "reflect" }),
  "pad symmetric": (x) => pad(x, [[1, 2], [0, 7]], { mode: "symmetric" }),
  "pad wrap": (x) => pad(x, [[5, 2], [0, 3]], { mode: "wrap" }),
  tile: (x) => tile(x, [2, 1, 2]),
  repeat: (x) => repeat(x, 2, 1),
  tril: (x) => tril(x),
  triu: (x) => triu(x, 1),
  "diag of a matrix": (x) => diag(x, 1),
  "diag of a vector": (x) => diag(reshape(x, [-1]), -2),
};

for (const [name, f] of Object.entries(functions)) {
  Deno.test(`${name} is differentiable, and vmap of it equals a loop`, () => {
    const x = tensor([[0.5, -1.25, 2], [3.5, 0.25, -4]], { dtype: "float64" });
    checkGrads((x: Tensor) => f(x).square(), [x]);
    const xs = stack([x, x.mul(2), x.sub(1)]);
    const loop = [0, 1, 2].map((i) => f(xs.at(i)));
    assertTensorsClose(vmap(f)(xs), stack(loop));
    assertTensorsClose(vmap(f, 2)(moveaxis(xs, 0, 2)), stack(loop));
    assertEquals(
      f(x.astype("int32")).dtype,
      name === "stack" || name === "concatenate" ? "float32" : "int32",
    );
  });
}

Deno.test("padding with a value has derivative zero in the frame and none is NaN", () => {
  const g = grad((x: Tensor) => pad(x, 1, { value: Infinity }).at([1, -1]).sum())(ones([2]));
  assertTensorsClose(g, [1, 1]);
});

Deno.test("what changes nothing records nothing", () => {
  const f = (x: Tensor) =>
    roll(flip(pad(tile(transpose(reshape(x, [2, 3]), [0, 1]), 1), 0), []), 6);
  assertEquals(makeProgram(f)(zeros([2, 3])).equations.length, 0);
});

import type { Dtype } from "../../src/base/dtype.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { fromJavaScript } from "../../src/core/convert.ts";
import { formatTensor } from "../../src/core/format.ts";
import { splat } from "../../src/core/tensor.ts";
import { assertEquals } from "../support/std.ts";

// The expected texts are those of PyTorch 2.13, but for the names of dtypes and bools, the lines that
// dtypes take, `shape=`, and that infinities, NaN and -0 count in the width of a column.

function show(values: unknown, dtype: Dtype = "float32"): string {
  return String(fromJavaScript(values, dtype, "Cannot make a tensor"));
}

/** 0, 1, 2, … in the given shape. */
function showCounting(shape: readonly number[], dtype: Dtype = "float32"): string {
  return formatTensor(Array.from({ length: sizeOf(shape) }, (_, i) => i), { dtype, shape });
}

Deno.test("a scalar prints without brackets", () => {
  assertEquals(show(1.5), "tensor(1.5000)");
  assertEquals(show(2), "tensor(2.)");
  assertEquals(show(-3, "int32"), "tensor(-3, dtype=int32)");
  assertEquals(show(true, "bool"), "tensor(true)");
});

Deno.test("whole floats print with a point, others with four decimals", () => {
  assertEquals(show([1, 2, -3]), "tensor([ 1.,  2., -3.])");
  assertEquals(show([1, 2.5, -3]), "tensor([ 1.0000,  2.5000, -3.0000])");
  assertEquals(show([0, 0]), "tensor([0., 0.])");
  assertEquals(show([-0, 1]), "tensor([-0.,  1.])");
});

Deno.test("every dtype but float32 and bool is named", () => {
  assertEquals(show([1.5], "float64"), "tensor([1.5000], dtype=float64)");
  assertEquals(show([1, -20], "int32"), "tensor([  1, -20], dtype=int32)");
  assertEquals(show([1, 4294967295], "uint32"), "tensor([         1, 4294967295], dtype=uint32)");
  assertEquals(show([true, false], "bool"), "tensor([ true, false])");
});

Deno.test("rows of a matrix stand below each other", () => {
  assertEquals(
    show([[1, 2], [3, 4]]),
    `tensor([[1., 2.],
        [3., 4.]])`,
  );
  assertEquals(
    show([[1, -20], [300, 4]], "int32"),
    `tensor([[  1, -20],
        [300,   4]], dtype=int32)`,
  );
});

Deno.test("matrices of a tensor are set apart by empty lines", () => {
  assertEquals(
    showCounting([2, 2, 3]),
    `tensor([[[ 0.,  1.,  2.],
         [ 3.,  4.,  5.]],

        [[ 6.,  7.,  8.],
         [ 9., 10., 11.]]])`,
  );
  assertEquals(
    showCounting([2, 2, 1, 2], "int32"),
    `tensor([[[[0, 1]],

         [[2, 3]]],


        [[[4, 5]],

         [[6, 7]]]], dtype=int32)`,
  );
});

Deno.test("numbers far apart, huge or tiny print with exponents", () => {
  assertEquals(show([1, 1000]), "tensor([   1., 1000.])");
  assertEquals(show([1, 1001]), "tensor([1.0000e+00, 1.0010e+03])");
  assertEquals(show([0.5, -600]), "tensor([ 5.0000e-01, -6.0000e+02])");
  assertEquals(show(1e8), "tensor(100000000.)");
  assertEquals(show(1e9), "tensor(1.0000e+09)");
  assertEquals(show(0.00025), "tensor(0.0003)");
  assertEquals(show(0.00005, "float64"), "tensor(5.0000e-05, dtype=float64)");
  assertEquals(show([1e-300, 0], "float64"), "tensor([1.0000e-300,  0.0000e+00], dtype=float64)");
});

Deno.test("ties round to even", () => {
  assertEquals(
    show([0.03125, 0.09375, -0.03125, 0.15625]),
    "tensor([ 0.0312,  0.0938, -0.0312,  0.1562])",
  );
  assertEquals(
    show([1000050000, 1000150000, 1], "float64"),
    "tensor([1.0000e+09, 1.0002e+09, 1.0000e+00], dtype=float64)",
  );
});

Deno.test("infinities and NaN do not change how the other numbers print", () => {
  assertEquals(show([NaN, Infinity, -Infinity]), "tensor([ nan,  inf, -inf])");
  assertEquals(show([100, -Infinity]), "tensor([100., -inf])");
  assertEquals(show([1.5, NaN]), "tensor([1.5000,    nan])");
  assertEquals(show(NaN), "tensor(nan)");
});

Deno.test("a long row is broken before column 80", () => {
  assertEquals(
    showCounting([30], "int32"),
    `tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29], dtype=int32)`,
  );
  assertEquals(
    show([Array(9).fill(0.5), Array(9).fill(1.5)]),
    `tensor([[0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000],
        [1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000]])`,
  );
  assertEquals(
    show([Array(10).fill(0.5), Array(10).fill(1.5)]),
    `tensor([[0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000,
         0.5000],
        [1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000,
         1.5000]])`,
  );
});

Deno.test("the dtype takes a line of its own where the last one is full", () => {
  assertEquals(
    show(Array(9).fill(0.25), "float64"),
    `tensor([0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500, 0.2500],
       dtype=float64)`,
  );
});

Deno.test("more than a thousand elements are elided to three at each end", () => {
  assertEquals(showCounting([1001]), "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])");
  assertEquals(
    showCounting([40, 30], "int32"),
    `tensor([[   0,    1,    2,  ...,   27,   28,   29],
        [  30,   31,   32,  ...,   57,   58,   59],
        [  60,   61,   62,  ...,   87,   88,   89],
        ...,
        [1110, 1111, 1112,  ..., 1137, 1138, 1139],
        [1140, 1141, 1142,  ..., 1167, 1168, 1169],
        [1170, 1171, 1172,  ..., 1197, 1198, 1199]], dtype=int32)`,
  );
  assertEquals(
    showCounting([2, 600], "int32"),
    `tensor([[   0,    1,    2,  ...,  597,  598,  599],
        [ 600,  601,  602,  ..., 1197, 1198, 1199]], dtype=int32)`,
  );
});

Deno.test("elided matrices of a tensor keep their empty lines", () => {
  assertEquals(
    showCounting([7, 1, 200], "int32"),
    `tensor([[[   0,    1,    2,  ...,  197,  198,  199]],

        [[ 200,  201,  202,  ...,  397,  398,  399]],

        [[ 400,  401,  402,  ...,  597,  598,  599]],

        ...,

        [[ 800,  801,  802,  ...,  997,  998,  999]],

        [[1000, 1001, 1002,  ..., 1197, 1198, 1199]],

        [[1200, 1201, 1202,  ..., 1397, 1398, 1399]]], dtype=int32)`,
  );
});

Deno.test("only the elements that are shown are read, and set the style", () => {
  const read: number[] = [];
  const elements = new Proxy({ length: 2000 } as ArrayLike<number>, {
    get(target, key) {
      if (key === "length") return target.length;
      read.push(Number(key));
      return Number(key) === 1000 ? 1e30 : 1;
    },
  });
  const text = formatTensor(elements, { dtype: "float32", shape: [2000] });
  assertEquals(text, "tensor([1., 1., 1.,  ..., 1., 1., 1.])");
  assertEquals(read, [0, 1, 2, 1997, 1998, 1999]);
});

Deno.test("a constant of any size prints without being stored", () => {
  assertEquals(
    String(splat(0.5, "float32", [2 ** 20, 2 ** 10])),
    `tensor([[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        ...,
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
        [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000]])`,
  );
});

Deno.test("tensors of very many short axes show fewer elements at the ends", () => {
  assertEquals(
    String(splat(1, "int32", Array(20).fill(2))),
    `tensor([...],
       shape=[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
       dtype=int32)`,
  );
  const shown = String(splat(1, "float32", Array(7).fill(9)));
  assertEquals(shown.match(/1\./g)?.length, 2 ** 7);
});

Deno.test("tensors without elements print their shape", () => {
  assertEquals(show([]), "tensor([])");
  assertEquals(show([], "int32"), "tensor([], dtype=int32)");
  assertEquals(String(splat(0, "float32", [0, 3])), "tensor([], shape=[0, 3])");
  assertEquals(String(splat(0, "bool", [2, 0])), "tensor([], shape=[2, 0], dtype=bool)");
});

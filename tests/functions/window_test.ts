import fixture from "../fixtures/windows.json" with { type: "json" };
import { assertEquals } from "../support/std.ts";
import { assertRefused } from "../support/errors.ts";
import { ArgumentError, DtypeError, ShapeError } from "../../src/base/errors.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import {
  arange,
  avgPool,
  conv,
  convTranspose,
  maxPool,
  ones,
  stack,
  tensor,
  zeros,
} from "../../src/functions/mod.ts";
import type {
  AvgPoolOptions,
  ConvOptions,
  ConvTransposeOptions,
  MaxPoolOptions,
  PerAxis,
} from "../../src/functions/mod.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { jit } from "../../src/jit.ts";
import { grad, vjp, vmap } from "../../src/transforms/mod.ts";
import { numbers } from "./fixture.ts";
import type { Written } from "./fixture.ts";

// PyTorch's values and gradients; `windows.py` beside the file says what is in it.

interface ConvCase {
  readonly options: ConvOptions & ConvTransposeOptions;
  readonly x: Written;
  readonly w: Written;
  readonly y: Written;
  readonly cotangent: Written;
  readonly dx: Written;
  readonly dw: Written;
}

interface PoolCase {
  readonly window: PerAxis;
  readonly options: MaxPoolOptions & AvgPoolOptions;
  readonly x: Written;
  readonly y: Written;
  readonly cotangent: Written;
  readonly dx: Written;
}

const sections = fixture as unknown as {
  readonly conv: readonly ConvCase[];
  readonly convTranspose: readonly ConvCase[];
  readonly maxPool: readonly PoolCase[];
  readonly avgPool: readonly PoolCase[];
};

const read = (written: Written, dtype: Dtype) => tensor(numbers(written), { dtype });
const exact = { rtol: 0, atol: 0 };

/** The convolutions of quarters are exact in both dtypes; means are rounded. */
function checkConv(f: typeof conv | typeof convTranspose, cases: readonly ConvCase[]): void {
  for (const dtype of ["float64", "float32"] as const) {
    for (const { options, x, w, y, cotangent, dx, dw } of cases) {
      const message = `${dtype} ${JSON.stringify(options)}`;
      const [out, pullback] = vjp(
        (x: Tensor, w: Tensor) => f(x, w, options),
        read(x, dtype),
        read(w, dtype),
      );
      assertTensorsClose(out, read(y, dtype), { ...exact, message });
      const expected = [read(dx, dtype), read(dw, dtype)];
      assertTensorsClose(pullback(read(cotangent, dtype)), expected, { ...exact, message });
    }
  }
}

function checkPool(
  f: (x: Tensor, window: PerAxis, options: PoolCase["options"]) => Tensor,
  cases: readonly PoolCase[],
  tolerance: { readonly rtol?: number; readonly atol?: number },
): void {
  for (const dtype of ["float64", "float32"] as const) {
    for (const { window, options, x, y, cotangent, dx } of cases) {
      const message = `${dtype} ${JSON.stringify({ window, options })}`;
      const [out, pullback] = vjp((x: Tensor) => f(x, window, options), read(x, dtype));
      assertTensorsClose(out, read(y, dtype), { ...tolerance, message });
      const [pulled] = pullback(read(cotangent, dtype));
      assertTensorsClose(pulled, read(dx, dtype), { ...tolerance, message });
    }
  }
}

/** Independent numbers: no two of them are equal, and none is another's neighbour. */
function numbersLike(shape: readonly number[], seed = 1): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Float64Array.from({ length: size }, (_, i) => Math.sin(seed + 12.9898 * i) * 4);
  return tensor(values).reshape(shape);
}

Deno.test("conv has PyTorch's values and gradients", () => checkConv(conv, sections.conv));

Deno.test("convTranspose has PyTorch's values and gradients", () =>
  checkConv(convTranspose, sections.convTranspose));

Deno.test("maxPool has PyTorch's values and gradients", () =>
  checkPool(maxPool, sections.maxPool, exact));

Deno.test("avgPool has PyTorch's values and gradients", () =>
  checkPool(avgPool, sections.avgPool, {}));

Deno.test('padding "same" gives one window for every stride positions', () => {
  for (const [length, window, stride, dilation] of [[7, 3, 2, 1], [8, 2, 3, 2], [5, 1, 2, 1]]) {
    const x = numbersLike([1, 1, length]);
    const w = numbersLike([1, 1, window], 2);
    const y = conv(x, w, { padding: "same", stride, dilation });
    assertEquals(y.shape, [1, 1, Math.ceil(length / stride)]);
    const total = Math.max(
      (y.shape[2] - 1) * stride + dilation * (window - 1) + 1 - length,
      0,
    );
    const padding = [[Math.floor(total / 2), Math.ceil(total / 2)]] as const;
    assertTensorsClose(y, conv(x, w, { padding, stride, dilation }), exact);
  }
});

Deno.test('poolings take "same" padding and pairs', () => {
  const x = tensor([[[1, 5, 2, 4, 3]]]);
  assertTensorsClose(maxPool(x, 2, { padding: "same", stride: 1 }), [[[5, 5, 4, 4, 3]]]);
  assertTensorsClose(maxPool(x, 2, { padding: [[1, 0]] }), [[[1, 5, 4]]]);
  assertTensorsClose(maxPool(x, 2, { padding: "valid" }), [[[5, 4]]]);
  assertTensorsClose(
    avgPool(x, 2, { padding: "same", stride: 1, countIncludePad: false }),
    [[[3, 3.5, 3, 3.5, 3]]],
  );
});

Deno.test("the derivatives of convolutions are right to second order", () => {
  const x = numbersLike([2, 4, 5, 4]);
  checkGrads(
    (x: Tensor, w: Tensor) =>
      conv(x, w, { stride: [2, 1], padding: [[1, 0], [0, 2]], dilation: [1, 2], groups: 2 }),
    [x, numbersLike([2, 2, 3, 2], 2)],
  );
  checkGrads(
    (x: Tensor, w: Tensor) =>
      convTranspose(x, w, { stride: 2, padding: 1, outputPadding: [1, 0], groups: 2 }),
    [x, numbersLike([4, 1, 3, 2], 2)],
  );
});

Deno.test("the derivatives of poolings are right to second order", () => {
  const x = numbersLike([2, 2, 5, 4]);
  checkGrads((x: Tensor) => maxPool(x, [3, 2], { stride: 2, padding: [1, 0] }), [x]);
  checkGrads((x: Tensor) => avgPool(x, 2, { stride: 1, padding: 1, countIncludePad: false }), [x]);
});

Deno.test("vmap over images, over filters and over both equals a loop", () => {
  const xs = numbersLike([3, 2, 4, 6]);
  const ws = numbersLike([3, 2, 2, 3], 2);
  const f = (x: Tensor, w: Tensor) => conv(x, w, { groups: 2, padding: 1 });
  const wide = ws.reshape([3, 4, 1, 3]);
  const loop = (f: (i: number) => Tensor) => stack([0, 1, 2].map(f));
  const images = xs.reshape([3, 1, 2, 4, 6]).at(null, null, null, 0);
  assertTensorsClose(
    vmap(f, [0, null])(images, wide.at(0)),
    loop((i) => f(images.at(i), wide.at(0))),
  );
  assertTensorsClose(
    vmap(f, [null, 0])(images.at(0), wide),
    loop((i) => f(images.at(0), wide.at(i))),
  );
  assertTensorsClose(vmap(f)(images, wide), loop((i) => f(images.at(i), wide.at(i))));
  for (const pool of [maxPool, avgPool]) {
    const g = grad((x: Tensor) => pool(x, 2).square().sum());
    assertTensorsClose(vmap(g)(images), loop((i) => g(images.at(i))));
  }
});

Deno.test("integers are convolved as integers, bools as int32", () => {
  const x = tensor([[[1, 2, 3]]], { dtype: "int32" });
  assertEquals(showType(conv(x, tensor([[[true, true]]]))), "int32[1,1,2]");
  assertTensorsClose(conv(x, [[[1, -1]]]), tensor([[[-1, -1]]], { dtype: "int32" }));
  assertEquals(showType(conv(tensor([[[true]]]), tensor([[[true]]]))), "int32[1,1,1]");
  assertEquals(showType(conv(x, zeros([1, 1, 1], { dtype: "float64" }))), "float64[1,1,3]");
  assertTensorsClose(maxPool(x, 3), tensor([[[3]]], { dtype: "int32" }));
  assertTensorsClose(avgPool(x, 2), tensor([[[1.5]]]));
});

Deno.test("depthwise convolutions of as many images times channels are compiled apart", () => {
  for (const sizes of [[[4, 1], [2, 2], [1, 4]], [[3, 4], [6, 2]], [[2, 5], [5, 2]]]) {
    const waves = (...shape: number[]): Tensor =>
      arange(shape.reduce((a, b) => a * b)).astype("float64").sin().reshape(shape);
    const pairs = sizes.map(([images, channels]) =>
      [waves(images, channels, 9, 7), waves(channels, 1, 3, 2)] as const
    );
    const run = (...all: readonly Tensor[]): Tensor[] =>
      pairs.flatMap((_, i) => {
        const f = (x: Tensor, w: Tensor) => conv(x, w, { groups: w.shape[0] });
        const [y, pullback] = vjp(f, all[2 * i], all[2 * i + 1]);
        return [y, ...pullback(y.square()) as Tensor[]];
      });
    const flat = pairs.flat();
    assertTensorsClose(jit(run)(...flat), run(...flat));
  }
});

Deno.test("batches and groups of no images and no channels are empty results", () => {
  assertEquals(conv(zeros([0, 2, 5]), zeros([3, 2, 2])).shape, [0, 3, 4]);
  assertTensorsClose(conv(zeros([1, 0, 3]), zeros([2, 0, 2])), zeros([1, 2, 2]));
  assertEquals(maxPool(zeros([2, 0, 4]), 2).shape, [2, 0, 2]);
  assertEquals(avgPool(zeros([0, 3, 4]), 2).shape, [0, 3, 2]);
});

Deno.test("maxPool sends NaN on, and a tie to the first", () => {
  assertTensorsClose(maxPool([[[1, NaN, 3, 2]]], 2), [[[NaN, 3]]]);
  assertTensorsClose(grad((x: Tensor) => maxPool(x, 3).sum())(ones([1, 1, 3])), [[[1, 0, 0]]]);
});

Deno.test("convolutions refuse operands that do not fit", () => {
  const x = zeros([1, 4, 8]);
  assertRefused(
    () => conv(zeros([4, 8]), zeros([2, 4, 3])),
    ShapeError,
    "Cannot convolve float32[4,8] by float32[2,4,3]: the input must be " +
      "[batch, channels, ...spatial]; give a single image a batch axis with expandDims(x, 0)",
  );
  assertRefused(
    () => conv(x, zeros([2, 3, 3])),
    ShapeError,
    "Cannot convolve float32[1,4,8] by float32[2,3,3]: " +
      "the input has 4 channels, the filters take 3",
  );
  assertRefused(
    () => conv(x, zeros([2, 4, 3]), { groups: 2 }),
    ShapeError,
    "Cannot convolve float32[1,4,8] by float32[2,4,3]: " +
      "the input has 4 channels, the filters take 4 in each of 2 groups",
  );
  assertRefused(
    () => conv(x, zeros([3, 2, 3]), { groups: 2 }),
    ShapeError,
    "Cannot convolve float32[1,4,8] by float32[3,2,3]: 3 filters do not divide into 2 groups",
  );
  assertRefused(
    () => conv(x, zeros([2, 4, 3, 3])),
    ShapeError,
    "Cannot convolve float32[1,4,8] by float32[2,4,3,3]: the input must be " +
      "[batch, channels, ...spatial]; give a single image a batch axis with expandDims(x, 0)",
  );
  assertRefused(
    () => conv(zeros([1, 4]), zeros([2, 4])),
    ShapeError,
    "Cannot convolve float32[1,4] by float32[2,4]: " +
      "expected as many axes of both, and at least 3, got 2 and 2",
  );
  assertRefused(
    () => conv(x, zeros([2, 4, 5]), { dilation: 2, padding: [[0, 0]] }),
    ShapeError,
    "Cannot convolve float32[1,4,8] by float32[2,4,5]: " +
      "the window spans 9 positions of axis 2, which has 8 with padding",
  );
  assertRefused(
    () => conv(x, zeros([2, 4, 0])),
    ShapeError,
    "Cannot convolve float32[1,4,8] by float32[2,4,0]: the window has length 0 along axis 2",
  );
  assertRefused(
    () => convTranspose(x, zeros([3, 4, 3])),
    ShapeError,
    "Cannot convolve float32[1,4,8] by the transpose of float32[3,4,3]: " +
      "the input has 4 channels, the filters take 3",
  );
  assertRefused(
    () => convTranspose(zeros([1, 4, 1]), zeros([4, 1, 2]), { padding: 1 }),
    ShapeError,
    "Cannot convolve float32[1,4,1] by the transpose of float32[4,1,2]: " +
      "axis 2 of the result would have length 0",
  );
});

Deno.test("options of convolutions must be in range", () => {
  const run = (options: unknown) =>
    conv(zeros([1, 1, 8]), zeros([1, 1, 3]), options as ConvOptions);
  const what = "Cannot convolve float32[1,1,8] by float32[1,1,3]";
  const cases: readonly (readonly [unknown, string])[] = [
    [{ stride: 0 }, "stride must be at least 1, got 0"],
    [{ stride: 1.5 }, "expected a stride of integers, got 1.5"],
    [{ stride: [1, 1] }, "expected one stride per spatial axis, 1 in all, got 2"],
    [{ dilation: NaN }, "expected a dilation of integers, got NaN"],
    [{ padding: -1 }, "padding must be at least 0, got -1"],
    [{ padding: "full" }, 'expected a padding in numbers, "same" or "valid", got "full"'],
    [{ padding: [[1]] }, "expected a padding [before, after], got [1]"],
    [{ padding: [[1, 0], [1, 0]] }, "expected one padding per spatial axis, 1 in all, got 2"],
    [{ padding: [[1, null]] }, "expected a padding of integers, got null"],
    [{ groups: 0 }, "expected at least one group, got 0"],
    [{ groups: "2" }, 'expected a number of groups, got "2"'],
    [
      { strides: 1 },
      'there is no option "strides", the options are ' +
      "stride, padding, dilation, groups, paddingMode",
    ],
  ];
  for (const [options, message] of cases) {
    assertRefused(() => run(options), ArgumentError, `${what}: ${message}`);
  }
  assertRefused(
    () => convTranspose(zeros([1, 1, 8]), zeros([1, 1, 3]), { outputPadding: 1 }),
    ArgumentError,
    "Cannot convolve float32[1,1,8] by the transpose of float32[1,1,3]: " +
      "outputPadding 1 must be less than the stride 1 or the dilation 1",
  );
  assertRefused(
    () => convTranspose(zeros([1, 1, 8]), zeros([1, 1, 3]), { padding: "same" as unknown as 0 }),
    ArgumentError,
    "Cannot convolve float32[1,1,8] by the transpose of float32[1,1,3]: " +
      'expected a padding in numbers, got "same"',
  );
});

Deno.test("poolings refuse what has no windows", () => {
  assertRefused(
    () => maxPool(zeros([3, 4]), 2),
    ShapeError,
    "Cannot pool float32[3,4]: the input must be [batch, channels, ...spatial]; " +
      "give a single image a batch axis with expandDims(x, 0)",
  );
  assertRefused(
    () => maxPool(zeros([1, 1, 2]), 3),
    ShapeError,
    "Cannot pool float32[1,1,2]: the window spans 3 positions of axis 2, which has 2 with padding",
  );
  assertRefused(
    () => maxPool(zeros([1, 1, 4]), 2, { padding: 2 }),
    ShapeError,
    "Cannot pool float32[1,1,4]: window 0 along axis 2 lies entirely in padding",
  );
  assertRefused(
    () => avgPool(zeros([1, 1, 4]), 2, { padding: [[0, 3]], countIncludePad: false }),
    ShapeError,
    "Cannot pool float32[1,1,4]: window 2 along axis 2 lies entirely in padding",
  );
  assertRefused(
    () => maxPool(zeros([1, 1, 3]), 2, { padding: 1, dilation: 4 }),
    ShapeError,
    "Cannot pool float32[1,1,3]: window 0 along axis 2 lies entirely in padding",
  );
  assertRefused(
    () => maxPool(zeros([1, 1, 4]), 0),
    ArgumentError,
    "Cannot pool float32[1,1,4]: window must be at least 1, got 0",
  );
  assertRefused(
    () => maxPool(tensor([[[true]]]), 1),
    DtypeError,
    "Cannot pool bool[1,1,1]: expected numbers; convert with astype",
  );
  assertRefused(
    () => avgPool(zeros([1, 1, 4]), 2, { countIncludePad: 1 as unknown as boolean }),
    ArgumentError,
    "Cannot pool float32[1,1,4]: expected countIncludePad true or false, got 1",
  );
});

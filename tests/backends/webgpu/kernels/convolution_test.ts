import type { Dtype } from "../../../../src/base/dtype.ts";
import {
  argmaxWindowPrimitive,
  convolveFilterPrimitive,
  convolveInputPrimitive,
  convolvePrimitive,
  type ConvParams,
} from "../../../../src/primitives/window.ts";
import { dense } from "../../../../src/core/tensor.ts";
import { assertSame, fill, gpuTest, tensorOf } from "./support.ts";

interface Case {
  readonly images: number;
  readonly ins: number;
  readonly outs: number;
  readonly params: ConvParams;
}

/** A convolution of square or longer images. */
function conv(
  images: number,
  groups: number,
  [ins, outs]: readonly [number, number],
  input: readonly number[],
  kernel: readonly number[],
  [stride, dilation, pad]: readonly [number, number, number] = [1, 1, 0],
): Case {
  const output = input.map((length, axis) =>
    Math.max(0, Math.floor((length + 2 * pad - (kernel[axis] - 1) * dilation - 1) / stride) + 1)
  );
  const each = (n: number) => input.map(() => n);
  const params = {
    groups,
    input,
    kernel,
    output,
    stride: each(stride),
    dilation: each(dilation),
    padLow: each(pad),
  };
  return { images, ins, outs, params };
}

const cases: readonly Case[] = [
  conv(2, 1, [3, 8], [9, 7], [3, 3], [1, 1, 1]),
  conv(2, 2, [4, 5], [10, 8], [3, 2], [2, 1, 1]),
  conv(1, 1, [20, 24], [8, 8], [3, 3], [1, 2, 2]),
  conv(3, 6, [1, 1], [7, 9], [3, 3], [1, 1, 1]),
  conv(2, 1, [5, 6], [6, 6], [1, 1]),
  conv(2, 3, [2, 2], [20], [4], [3, 2, -1]),
  conv(1, 1, [2, 3], [4, 5, 6], [2, 3, 2], [2, 1, 1]),
  conv(2, 1, [3, 4], [], []),
  conv(2, 1, [2, 3], [2, 2], [3, 3]),
  conv(0, 1, [2, 3], [4, 4], [3, 3]),
];

async function check(dtype: Dtype, { images, ins, outs, params }: Case): Promise<void> {
  const { groups, input, kernel, output } = params;
  const x = fill(dtype, [images, groups * ins, ...input], 1);
  const w = fill(dtype, [groups * outs, ins, ...kernel], 2);
  const y = fill(dtype, [images, groups * outs, ...output], 3);
  const tolerance = () => dtype === "float32" ? 2 ** -15 : 0;
  await assertSame(convolvePrimitive, [x, w], params, tolerance);
  await assertSame(convolveInputPrimitive, [y, w], params, tolerance);
  await assertSame(convolveFilterPrimitive, [x, y], params, tolerance);
}

gpuTest("convolutions on a device and their adjoints equal the evaluator's", async () => {
  for (const one of cases) await check("float32", one);
});

gpuTest("convolutions of integers on a device wrap as the evaluator's do", async () => {
  await check("int32", cases[1]);
  await check("uint32", cases[3]);
});

gpuTest("the largest elements of windows on a device are the evaluator's", async () => {
  for (const { params } of cases) {
    const x = fill("float32", [3, ...params.input], 4);
    await assertSame(argmaxWindowPrimitive, [x], params);
  }
  const { params } = cases[0];
  const values = [NaN, 1, 1, -Infinity, -0, 0, 3e-45, -3e-45, Infinity];
  const special = Array.from({ length: 63 }, (_, i) => values[(i * i) % 9]);
  await assertSame(argmaxWindowPrimitive, [tensorOf("float32", [1, 9, 7], special)], params);
  await assertSame(argmaxWindowPrimitive, [fill("int32", [2, 9, 7], 5)], params);
  await assertSame(argmaxWindowPrimitive, [fill("uint32", [2, 9, 7], 5)], params);
});

gpuTest(
  "padding times an infinite weight is NaN, also of weights that meet padding alone",
  async () => {
    for (const [input, kernel] of [[[1], [3]], [[1, 2], [3, 1]], [[2, 1], [3, 3]]]) {
      const { params } = conv(1, 1, [1, 1], input, kernel, [1, 1, 1]);
      const x = fill("float32", [1, 1, ...input], 1);
      const w = fill("float32", [1, 1, ...kernel], 2);
      const odd = tensorOf("float32", w.shape, [...dense(w)].with(0, -Infinity));
      await assertSame(convolvePrimitive, [x, odd], params);
    }
  },
);

gpuTest(
  "convolutions on a device have NaN and infinities where the evaluator's have them",
  async () => {
    for (const value of [NaN, Infinity]) {
      for (const one of [cases[0], cases[1], cases[3]]) {
        const { images, ins, outs, params: { groups, input, output, kernel } } = one;
        // One element of each is not finite.
        const odd = (shape: readonly number[], seed: number) => {
          const x = fill("float32", shape, seed);
          return tensorOf("float32", shape, [...dense(x)].with(0, value));
        };
        const x = odd([images, groups * ins, ...input], 1);
        const w = odd([groups * outs, ins, ...kernel], 2);
        const y = odd([images, groups * outs, ...output], 3);
        const tolerance = () => 2 ** -15;
        await assertSame(convolvePrimitive, [x, w], one.params, tolerance);
        await assertSame(convolveInputPrimitive, [y, w], one.params, tolerance);
        await assertSame(convolveFilterPrimitive, [x, y], one.params, tolerance);
      }
    }
  },
);

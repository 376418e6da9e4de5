/**
 * How fast are the kernels of convolutions and of both their gradients, each alone and on one thread?
 *
 *     deno bench bench/convolution_bench.ts
 *     deno bench bench/convolution_bench.ts -- wide    # with V8's two flags: wider tiles
 *
 * The shapes are ResNet-18's, with one and 16 images of 64x64 and one of 224x224. Rates are printed
 * after the table of times: GFLOP/s of the plain sums, so that Winograd's convolutions may exceed the
 * machine's peak. The baselines are the evaluator's loops, for one small image.
 */
import { makeBuilder } from "../src/backends/wasm/kernels/builder.ts";
import {
  type ConvolutionParams,
  emitConvolve,
  emitConvolveFilter,
  emitConvolveInput,
} from "../src/backends/wasm/kernels/convolution/mod.ts";
import type { Buffer } from "../src/backends/wasm/kernels/kernel.ts";
import * as evaluator from "../src/numeric/convolution.ts";
import { benchRate } from "./support/figures.ts";
import { floats, loadStages } from "./support/stages.ts";

const wide = Deno.args.includes("wide");
const tile = { rows: 6, vectors: wide ? 4 : 2, depth: 64 };

/** Channels in and out, the images' width, and the kernel's with its stride and padding. */
const layers = [
  [3, 64, 64, 7, 2, 3],
  [64, 64, 16, 3, 1, 1],
  [64, 128, 16, 3, 2, 1],
  [64, 128, 16, 1, 2, 0],
  [128, 128, 8, 3, 1, 1],
  [128, 256, 8, 3, 2, 1],
  [128, 256, 8, 1, 2, 0],
  [256, 256, 4, 3, 1, 1],
  [256, 512, 4, 3, 2, 1],
  [256, 512, 4, 1, 2, 0],
  [512, 512, 2, 3, 1, 1],
] as const;

const networks = [
  { name: "1x3x64x64", batch: 1, scale: 1 },
  { name: "16x3x64x64", batch: 16, scale: 1 },
  { name: "1x3x224x224", batch: 1, scale: 3.5 },
] as const;

/** The three directions: their kernel, the evaluator's loops, and their operands. */
const directions = [
  { name: "forward", emit: emitConvolve, evaluate: evaluator.convolve, roles: ["x", "w", "y"] },
  {
    name: "gradient of the input",
    emit: emitConvolveInput,
    evaluate: evaluator.convolveInput,
    roles: ["y", "w", "x"],
  },
  {
    name: "gradient of the filters",
    emit: emitConvolveFilter,
    evaluate: evaluator.convolveFilter,
    roles: ["x", "y", "w"],
  },
] as const;

function lengthOf({ shape }: Buffer): number {
  return shape.reduce((all, length) => all * length, 1);
}

/** A kernel in a memory of its own: a function that runs all its chunks. */
function load(
  emit: typeof emitConvolve,
  operands: readonly Buffer[],
  params: ConvolutionParams,
): () => void {
  const builder = makeBuilder({ tile, shared: false, maximumPages: 65536 });
  const { stages, workspaces } = emit(builder, operands.slice(0, 2), params, operands[2]);
  return loadStages(builder, stages, operands.map(lengthOf), workspaces);
}

for (const { name: network, batch, scale } of networks) {
  for (const [inputs, outputs, side, kernel, stride, pad] of layers) {
    const width = side * scale;
    const output = Math.floor((width + 2 * pad - kernel) / stride) + 1;
    const twice = (length: number) => [length, length];
    const params: ConvolutionParams = {
      stride: twice(stride),
      dilation: twice(1),
      padLow: twice(pad),
      input: twice(width),
      kernel: twice(kernel),
      output: twice(output),
      groups: 1,
    };
    const shapes = {
      x: [batch, inputs, width, width],
      w: [outputs, inputs, kernel, kernel],
      y: [batch, outputs, output, output],
    };
    const work = 2 * batch * inputs * outputs * (output * kernel) ** 2;
    const group = `${network}, ${kernel}x${kernel} by ${stride}, ${inputs} to ${outputs}, ${width}`;
    for (const { name, emit, evaluate, roles } of directions) {
      const operands = roles.map((role): Buffer => ({ dtype: "float32", shape: shapes[role] }));
      const run = load(emit, operands, params);
      benchRate({ group, name, work, unit: "FLOP", n: 30 }, run);
      if (batch > 1 || scale > 1 || name !== "forward") continue;
      const size = { ...params, batch, inPerGroup: inputs, outPerGroup: outputs };
      const [a, b, c] = operands.map((operand) => floats(lengthOf(operand)));
      const baseline = { group, name: "forward, evaluator", baseline: true };
      benchRate({ ...baseline, work, unit: "FLOP", n: 5 }, () => evaluate(c, a, b, size));
    }
  }
}

/**
 * Which convolution algorithm is faster, and how long do its stages take? One thread.
 *
 *     deno bench bench/convolution_ways_bench.ts
 *
 * - way: Winograd's convolution and direct sums, each forced, on sizes around the threshold of
 * `kernels/convolution/winograd/mod.ts`
 * - stage: the stages around the sums, each alone: the compiler estimates the time of a stage by its
 * number of elements, given in the name, to divide it into chunks (`frame.ts`, `patches.ts`, `few.ts`,
 * and "convolve" of `direct.ts`, whose elements are products)
 */
import { makeBuilder } from "../src/backends/wasm/kernels/builder.ts";
import { emitDirect } from "../src/backends/wasm/kernels/convolution/direct.ts";
import { planFewInput } from "../src/backends/wasm/kernels/convolution/few.ts";
import { planConvolve } from "../src/backends/wasm/kernels/convolution/framed.ts";
import type { Plan } from "../src/backends/wasm/kernels/convolution/plan.ts";
import { readSize } from "../src/backends/wasm/kernels/convolution/size.ts";
import type { ConvolutionSize } from "../src/backends/wasm/kernels/convolution/size.ts";
import { copyWindows } from "../src/backends/wasm/kernels/convolution/windows.ts";
import {
  isFaster,
  planWinograd,
  winogradConvolve,
} from "../src/backends/wasm/kernels/convolution/winograd/mod.ts";
import type { Builder } from "../src/backends/wasm/kernels/kernel.ts";
import { chooseTile } from "../src/backends/wasm/kernels/product/probe.ts";
import { loadStages } from "./support/stages.ts";

/** A convolution of square images with a square kernel that preserves their width. */
interface Shape {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly width: number;
  readonly kernel: number;
}

function sizeOf({ batch, inputs, outputs, width, kernel }: Shape): ConvolutionSize {
  const twice = (length: number) => [length, length];
  return readSize({
    stride: twice(1),
    dilation: twice(1),
    padLow: twice((kernel - 1) / 2),
    input: twice(width),
    kernel: twice(kernel),
    output: twice(width),
    groups: 1,
  }, {
    x: { dtype: "float32", shape: [batch, inputs, width, width] },
    w: { dtype: "float32", shape: [outputs, inputs, kernel, kernel] },
  }, "float32");
}

function newBuilder(): Builder {
  return makeBuilder({ tile: chooseTile(), shared: false, maximumPages: 65536 });
}

/** A function that runs the stages of a plan, or those of one name. */
function load(
  { batch, inputs, outputs, width, kernel }: Shape,
  plan: (builder: Builder) => Plan | undefined,
  name?: string,
): () => void {
  const builder = newBuilder();
  const { stages, workspaces } = plan(builder)!;
  const chosen = stages.filter((stage) => name === undefined || stage.name === name);
  if (chosen.length === 0) throw new Error(`No ${name} among ${stages.map(({ name }) => name)}`);
  const pixels = width * width;
  const lengths = [batch * inputs * pixels, outputs * inputs * kernel * kernel];
  return loadStages(builder, chosen, [...lengths, batch * outputs * pixels], workspaces);
}

for (
  const [batch, channels, width] of [
    [1, 32, 8],
    [1, 32, 16],
    [1, 64, 8],
    [1, 64, 16],
    [1, 128, 8],
    [1, 256, 4],
    [1, 512, 8],
    [8, 64, 8],
    [16, 512, 2],
  ]
) {
  const shape = { batch, inputs: channels, outputs: channels, width, kernel: 3 };
  const size = sizeOf(shape);
  const winograd = winogradConvolve(size)!;
  const is = isFaster(newBuilder(), winograd) ? "Winograd's" : "sums";
  const group = `way: ${batch} of ${channels}x${width}x${width}, ${is} chosen`;
  const sums = load(shape, (builder) => planConvolve(builder, size));
  const fast = load(shape, (builder) => builder.once(planWinograd, winograd));
  Deno.bench("sums", { group, baseline: true }, sums);
  Deno.bench("Winograd's", { group }, fast);
}

function benchStage(
  name: string,
  shape: Shape,
  elements: number,
  plan: (builder: Builder, size: ConvolutionSize) => Plan | undefined,
): void {
  const run = load(shape, (builder) => plan(builder, sizeOf(shape)), name);
  Deno.bench(`${name}, ${elements} elements`, { group: `stage: ${name}` }, run);
}

for (const width of [16, 64]) {
  const shape = { batch: 4, inputs: 32, outputs: 32, width, kernel: 3 };
  const framed = 4 * 32 * ((width + 2) ** 2 + width ** 2);
  benchStage("frame", shape, framed, planConvolve);
}
for (const width of [4, 16]) {
  const shape = { batch: 1, inputs: 64, outputs: 64, width, kernel: 3 };
  benchStage("patches", shape, 64 * 9 * width ** 2, copyWindows);
}
for (const inputs of [64, 256]) {
  const shape = { batch: 1, inputs, outputs: 64, width: 4, kernel: 3 };
  benchStage(
    "fold",
    shape,
    inputs * 9 * 16,
    (builder, size) => builder.once(planFewInput, { size, place: 3 }),
  );
}
for (const width of [8, 32]) {
  const shape = { batch: 1, inputs: 4, outputs: 4, width, kernel: 3 };
  const stage = { result: "y", operands: [0, 1, 2] } as const;
  benchStage("convolve", shape, 16 * 9 * width ** 2, (builder, size) => ({
    stages: [builder.once(emitDirect, { size, ...stage })],
    workspaces: [],
  }));
}

/**
 * Runs kernels alone on buffers of a device, and holds them to the rules that all kernels follow: nothing
 * outside of the results is written, and nothing depends on what stood in the results, in scratch buffers
 * or around the operands.
 *
 * @module
 */
import { allocate, type Elements, isFloat } from "../../../../src/base/dtype.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import { evaluate } from "../../../../src/core/evaluation.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import { Concrete, dense } from "../../../../src/core/tensor.ts";
import type { Type } from "../../../../src/core/tensor.ts";
import type { Kernel, Limits, Operand } from "../../../../src/backends/webgpu/wgsl/kernel.ts";
import { basesBytes, heldType } from "../../../../src/backends/webgpu/wgsl/module.ts";
import { kernelFor } from "../../../../src/backends/webgpu/wgsl/table.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { gpuTest, isExpected } from "../support.ts";

export { gpuTest };

const adapter = isExpected ? await navigator.gpu.requestAdapter() : null;
const device = await adapter?.requestDevice();

/** What every device can do. */
export const LIMITS: Limits = {
  invocations: 256,
  workgroupBytes: 16384,
  bindings: 8,
  hasHalf: false,
  hasSubgroups: false,
  isProcessor: false,
};

/** Words before each operand and behind it that belong to others; a base is their number in front. */
const AROUND = 64;

/** Bits that stand where nothing may be read from: a NaN, and a number of integers. */
const POISONS = [0x7fc0dead, 0x40a5a5a5];

type Words = Uint32Array<ArrayBuffer>;

/** The words that hold elements on a device. */
export function wordsOf({ dtype }: Operand, elements: Elements): Words {
  const words = new Uint32Array(elements.length);
  const held = heldType(dtype);
  const view = held === "f32" ? new Float32Array(words.buffer) : words;
  view.set(elements);
  return words;
}

/** The elements that words hold. */
export function elementsOf({ dtype }: Operand, words: Words): Elements {
  const held = heldType(dtype);
  if (held === "f32") return new Float32Array(words.buffer);
  return held === "i32" ? new Int32Array(words.buffer) : words;
}

const pipelines = new Map<string, GPUComputePipeline>();

async function pipelineOf(gpu: GPUDevice, code: string, bindings: number) {
  const known = pipelines.get(code);
  if (known !== undefined) return known;
  gpu.pushErrorScope("validation");
  const buffers = Array.from({ length: bindings }, (_, binding) => ({
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: { type: "storage" as const },
  }));
  const uniform = { type: "uniform" as const, hasDynamicOffset: true };
  const bindGroupLayouts = [
    gpu.createBindGroupLayout({ entries: buffers }),
    gpu.createBindGroupLayout({
      entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: uniform }],
    }),
  ];
  const made = gpu.createComputePipeline({
    layout: gpu.createPipelineLayout({ bindGroupLayouts }),
    compute: { module: gpu.createShaderModule({ code }), entryPoint: "main" },
  });
  const error = await gpu.popErrorScope();
  if (error !== null) throw new Error(`${error.message}\n${code}`);
  pipelines.set(code, made);
  return made;
}

/** Runs a kernel once among these words of rubbish; gives the words of its outputs and of its flag. */
async function runOnce(
  kernel: Kernel,
  inputs: readonly Words[],
  outputs: readonly number[],
  poison: number,
): Promise<{ results: Words[]; flag: number }> {
  const gpu = device!;
  const sizes = [
    ...inputs.map(({ length }) => length),
    ...outputs,
    ...kernel.scratch.map((bytes) => bytes / 4),
  ];
  const before = sizes.map((size, i) => {
    const words = new Uint32Array(size + 2 * AROUND).fill(poison);
    if (i < inputs.length) words.set(inputs[i], AROUND);
    if (i === inputs.length && kernel.isChange) words.set(inputs[0], AROUND);
    if (i === kernel.flag) words[AROUND] = 0;
    return words;
  });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = before.map((words) => {
    const buffer = gpu.createBuffer({ size: words.byteLength, usage });
    gpu.queue.writeBuffer(buffer, 0, words);
    return buffer;
  });
  const most = Math.max(1, ...kernel.passes.map(({ operands }) => operands.length));
  const bases = gpu.createBuffer({
    size: basesBytes(most),
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const encoders = [];
  for (const { code, operands, workgroups } of kernel.passes) {
    assertEquals(new Set(operands).size, operands.length, "an operand is bound twice");
    assert(workgroups.every((count) => count > 0 && count <= 65535), "too many workgroups");
    const pipeline = await pipelineOf(gpu, code, operands.length);
    encoders.push({ pipeline, operands, workgroups });
  }
  gpu.pushErrorScope("validation");
  // One submission for each pass, since all of them have the bases in one buffer.
  for (const { pipeline, operands, workgroups } of encoders) {
    const words = new Uint32Array(basesBytes(operands.length) / 4).fill(AROUND);
    words[operands.length] = 0;
    gpu.queue.writeBuffer(bases, 0, words);
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = operands.map((operand, binding) => ({
      binding,
      resource: { buffer: buffers[operand] },
    }));
    pass.setBindGroup(
      0,
      gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
    );
    const resource = { buffer: bases, size: basesBytes(operands.length) };
    const layout = pipeline.getBindGroupLayout(1);
    const group = gpu.createBindGroup({ layout, entries: [{ binding: 0, resource }] });
    pass.setBindGroup(1, group, [0]);
    pass.dispatchWorkgroups(...workgroups);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  }
  const error = await gpu.popErrorScope();
  if (error !== null) throw new Error(error.message);
  // One buffer to be read, since each takes as long as all.
  const target = gpu.createBuffer({
    size: before.reduce((sum, { byteLength }) => sum + byteLength, 0),
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = gpu.createCommandEncoder();
  let end = 0;
  const ranges = buffers.map((buffer, i) => {
    const begin = end;
    end += before[i].byteLength;
    encoder.copyBufferToBuffer(buffer, 0, target, begin, before[i].byteLength);
    return [begin, end] as const;
  });
  gpu.queue.submit([encoder.finish()]);
  await target.mapAsync(GPUMapMode.READ);
  const mapped = target.getMappedRange().slice(0);
  const after = ranges.map((range) => new Uint32Array(mapped.slice(...range)));
  for (const buffer of [...buffers, bases, target]) buffer.destroy();
  after.forEach((words, i) => {
    const own = i < inputs.length ? 0 : sizes[i];
    words.forEach((word, at) => {
      const isOwn = at >= AROUND && at < AROUND + own;
      assert(isOwn || word === before[i][at], `wrote word ${at - AROUND} of operand ${i}`);
    });
  });
  const wordsAt = (i: number): Words => after[i].slice(AROUND, AROUND + sizes[i]);
  return {
    results: outputs.map((_, i) => wordsAt(inputs.length + i)),
    flag: kernel.flag === undefined ? 0 : wordsAt(kernel.flag)[0],
  };
}

/** The words of a kernel's outputs, which do not depend on rubbish, and of its flag. */
export async function runKernel(
  kernel: Kernel,
  inputs: readonly Words[],
  outputs: readonly number[],
): Promise<{ results: Words[]; flag: number }> {
  const first = await runOnce(kernel, inputs, outputs, POISONS[0]);
  assertEquals(await runOnce(kernel, inputs, outputs, POISONS[1]), first, "depends on rubbish");
  return first;
}

/** Both results of a primitive: the kernel's and the evaluator's. */
export async function runBoth<P>(
  primitive: Primitive<P>,
  inputs: readonly Concrete[],
  params: P,
  isProcessor: boolean = false,
): Promise<{ actual: Elements[]; expected: Elements[]; flag: number; types: readonly Type[] }> {
  const types = primitive.type(inputs, params);
  const kernel = kernelFor(primitive.name, inputs, params, types, { ...LIMITS, isProcessor });
  assert(kernel !== null, `no kernel for ${primitive.name}`);
  const { results, flag } = await runKernel(
    kernel,
    inputs.map((input) => wordsOf(input, dense(input))),
    types.map(({ shape }) => sizeOf(shape)),
  );
  return {
    actual: results.map((words, i) => elementsOf(types[i], words)),
    expected: flag !== 0 ? [] : evaluate(primitive, inputs, params, types).map(dense),
    flag,
    types,
  };
}

/** Fails unless kernels give the evaluator's bits, or numbers as near as `tolerance` says. */
export async function assertSame<P>(
  primitive: Primitive<P>,
  inputs: readonly Concrete[],
  params: P,
  tolerance?: (expected: number) => number,
): Promise<void> {
  await assertSameOn(false, primitive, inputs, params, tolerance);
  const types = primitive.type(inputs, params);
  const [here, there] = [false, true].map((isProcessor) =>
    kernelFor(primitive.name, inputs, params, types, { ...LIMITS, isProcessor })!.passes
      .map(({ code }) => code).join()
  );
  if (here !== there) await assertSameOn(true, primitive, inputs, params, tolerance);
}

async function assertSameOn<P>(
  isProcessor: boolean,
  primitive: Primitive<P>,
  inputs: readonly Concrete[],
  params: P,
  tolerance?: (expected: number) => number,
): Promise<void> {
  const { actual, expected, flag, types } = await runBoth(primitive, inputs, params, isProcessor);
  const what = `${primitive.name} of ${
    inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`)
  } with ${JSON.stringify(params)}`;
  assertEquals(flag, 0, `the flag of ${what}`);
  for (const output of types.keys()) {
    assertEquals(actual[output].length, expected[output].length);
    for (let i = 0; i < actual[output].length; i++) {
      const [a, b] = [actual[output][i], expected[output][i]];
      const isSame = Object.is(a, b) ||
        (tolerance !== undefined && Math.abs(a - b) <= tolerance(b));
      assert(isSame, `result ${output} has ${a} instead of ${b} at ${i}: ${what}`);
    }
  }
}

/** Numbers that depend on the seed alone, equally spread over [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tensor of numbers between -1 and 1, or of all integers of its dtype. */
export function fill(dtype: Type["dtype"], shape: readonly number[], seed: number): Concrete {
  const next = randomNumbers(seed);
  const values = Array.from({ length: sizeOf(shape) }, () => {
    if (isFloat(dtype)) return 2 * next() - 1;
    return dtype === "bool" ? Math.floor(2 * next()) : Math.floor(2 ** 32 * next());
  });
  return tensorOf(dtype, shape, values);
}

/** A tensor of these numbers, integers modulo the range of its dtype. */
export function tensorOf(
  dtype: Type["dtype"],
  shape: readonly number[],
  values: readonly number[],
): Concrete {
  const elements = allocate(dtype, values.length);
  elements.set(values);
  return new Concrete(dtype, shape, elements);
}

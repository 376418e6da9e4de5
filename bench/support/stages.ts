/**
 * Stages of kernels in a memory of their own.
 *
 * @module
 */
import { makeScratch, PAGE } from "../../src/backends/wasm/kernels/builder.ts";
import { type Builder, SCRATCH_BYTES, SLACK } from "../../src/backends/wasm/kernels/kernel.ts";
import type { Stage } from "../../src/backends/wasm/kernels/kernel.ts";

/** Numbers between -0.5 and 0.5. */
export function floats(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (i * 7919 % 1009) / 1009 - 0.5);
}

/**
 * A function that runs all chunks of stages on operands and workspaces: operands have the given numbers of
 * floats, and the last one is the result; workspaces have the given numbers of bytes.
 */
export function loadStages(
  builder: Builder,
  stages: readonly Stage[],
  lengths: readonly number[],
  workspaces: readonly number[],
): () => void {
  stages.forEach(({ run }, i) => builder.module.export(`${i}`, run));
  let end = 64;
  const places = [...lengths.map((length) => 4 * length), ...workspaces].map((bytes) => {
    const at = end;
    end = Math.ceil((end + bytes + SLACK) / 64) * 64;
    return at;
  });
  const pages = Math.ceil((end + SCRATCH_BYTES) / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
  const scratch = makeScratch(end);
  lengths.slice(0, -1).forEach((length, i) => {
    new Float32Array(memory.buffer, places[i], length).set(floats(length));
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.module.build()), {
    host: { memory, scratch },
  });
  const calls = stages.map(({ operands, chunks }, i) => ({
    run: exports[i] as (...operands: number[]) => void,
    addresses: operands.map((operand) => places[operand]),
    chunks,
  }));
  return () => {
    for (const { run, addresses, chunks } of calls) {
      for (let chunk = 0; chunk < chunks; chunk++) run(...addresses, chunk);
    }
  };
}

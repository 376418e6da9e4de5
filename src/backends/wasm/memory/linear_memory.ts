/**
 * The single linear memory that compiled programs work on, and views of it.
 *
 * @module
 */
import { allocateStored, byteSize, storedView } from "../../../base/dtype.ts";
import type { Dtype, Elements } from "../../../base/dtype.ts";
import { memoryError } from "../../../base/errors.ts";
import { engine } from "../engine.ts";
import { PAGE } from "../kernels/builder.ts";
import { RESERVED_BYTES, scratchBytes } from "../threads/threads.ts";

/** The maximum size of a memory: every address, including the end, is below 2^32. */
export const MAX_MEMORY = 65535 * PAGE;

/** The smallest maximum that is tried if address space is short. */
const LEAST_MAXIMUM = 256 * PAGE + scratchBytes();

/** The minimum growth of a memory, so that it does not grow too often. */
const GROWTH = 256 * PAGE;

/** The first address of buffers: the memory before it belongs to the threads. */
export const FIRST_ADDRESS: number = RESERVED_BYTES + scratchBytes();

let memory: WebAssembly.Memory | undefined;
/** The maximum size of the memory. */
let maximum = MAX_MEMORY;
/** Views of the whole memory by dtype, created when needed. */
let views: Partial<Record<Dtype, Elements>> = {};

/** The memory; it is created by the first call. */
export function linearMemory(): WebAssembly.Memory {
  return memory ??= makeMemory();
}

/**
 * A shared memory reserves address space up to its maximum immediately, so a smaller maximum is tried if
 * that fails.
 */
function makeMemory(): WebAssembly.Memory {
  const initial = Math.ceil(FIRST_ADDRESS / PAGE);
  const shared = engine().sharedMemory;
  for (;;) {
    try {
      return new WebAssembly.Memory({ initial, maximum: maximum / PAGE, shared });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      maximum = Math.floor(maximum / 2 / PAGE) * PAGE;
      if (maximum < LEAST_MAXIMUM) {
        throw memoryError(
          `Cannot make a linear memory: there is no address space for ${LEAST_MAXIMUM} bytes`,
        );
      }
    }
  }
}

/** The size of the memory in bytes. */
export function memorySize(): number {
  return linearMemory().buffer.byteLength;
}

/** The maximum size of the memory in bytes. */
export function largestSize(): number {
  linearMemory();
  return maximum;
}

/**
 * Grows the memory to at least `bytes` bytes, and up to `limit` to save later calls.
 *
 * @returns Whether it could grow.
 */
export function growTo(bytes: number, limit: number): boolean {
  const size = memorySize();
  if (bytes <= size) return true;
  const most = Math.min(limit, maximum);
  if (bytes > most) return false;
  for (const wanted of [Math.max(bytes, size + GROWTH), bytes]) {
    const pages = Math.ceil((Math.min(wanted, most) - size) / PAGE);
    try {
      linearMemory().grow(pages);
      views = {};
      return true;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return false;
}

/** A view of the whole memory for `dtype`; invalid after the memory grows. */
export function wholeMemory(dtype: Dtype): Elements {
  return views[dtype] ??= storedView(dtype, linearMemory().buffer);
}

/** `length` elements from `address`, a multiple of their size; must not be kept. */
export function viewOf(dtype: Dtype, address: number, length: number): Elements {
  const start = address / byteSize(dtype);
  return wholeMemory(dtype).subarray(start, start + length);
}

/** Up to this many elements, a loop copies faster than a view. */
const FEW = 32;

/** A copy on the heap of `length` elements from `address`. */
export function sliceOf(dtype: Dtype, address: number, length: number): Elements {
  const start = address / byteSize(dtype);
  const elements = allocateStored(dtype, length);
  const memory = wholeMemory(dtype);
  if (length < FEW) { for (let i = 0; i < length; i++) elements[i] = memory[start + i]; }
  else elements.set(memory.subarray(start, start + length));
  return elements;
}

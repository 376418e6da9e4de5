/**
 * The one linear memory that compiled programs work on, and views of it.
 *
 * @module
 */
import { allocateStored, byteSize, storedView } from "../../../base/dtype.ts";
import type { Dtype, Elements } from "../../../base/dtype.ts";
import { memoryError } from "../../../base/errors.ts";
import { engine } from "../engine.ts";
import { PAGE } from "../kernels/builder.ts";
import { RESERVED_BYTES, scratchBytes } from "../threads/threads.ts";

/** The most that a memory grows to: every address, and the end too, is below 2^32. */
export const MAX_MEMORY = 65535 * PAGE;

/** The least maximum that is tried where no address space is left. */
const LEAST_MAXIMUM = 256 * PAGE + scratchBytes();

/** A memory grows by no less, so that it does not grow too often. */
const GROWTH = 256 * PAGE;

/** Where buffers begin: what lies before belongs to the threads. */
export const FIRST_ADDRESS: number = RESERVED_BYTES + scratchBytes();

let memory: WebAssembly.Memory | undefined;
/** What the memory can grow to. */
let maximum = MAX_MEMORY;
/** The whole memory by dtypes, as far as it was asked for. */
let views: Partial<Record<Dtype, Elements>> = {};

/** The memory; it is made at the first call. */
export function linearMemory(): WebAssembly.Memory {
  return memory ??= makeMemory();
}

/** A shared memory takes the addresses up to its maximum at once: fewer where there are not so many. */
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

/** The size in bytes that the memory cannot exceed. */
export function largestSize(): number {
  linearMemory();
  return maximum;
}

/**
 * Makes the memory at least `bytes` large, and larger up to `limit` to save later calls.
 *
 * @returns whether it could.
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

/** The whole memory as what holds elements of `dtype`; outdated as soon as it grows. */
export function wholeMemory(dtype: Dtype): Elements {
  return views[dtype] ??= storedView(dtype, linearMemory().buffer);
}

/** `length` elements from `address` on, which is a multiple of their size; not to be kept. */
export function viewOf(dtype: Dtype, address: number, length: number): Elements {
  const start = address / byteSize(dtype);
  return wholeMemory(dtype).subarray(start, start + length);
}

/** So few elements are copied in a loop faster than by a view of them. */
const FEW = 32;

/** `length` elements from `address` on, copied to the heap. */
export function sliceOf(dtype: Dtype, address: number, length: number): Elements {
  const start = address / byteSize(dtype);
  const elements = allocateStored(dtype, length);
  const memory = wholeMemory(dtype);
  if (length < FEW) { for (let i = 0; i < length; i++) elements[i] = memory[start + i]; }
  else elements.set(memory.subarray(start, start + length));
  return elements;
}

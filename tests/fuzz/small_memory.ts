/**
 * Simulates a machine with little memory: typed arrays beyond a limit cannot be allocated, just as V8
 * refuses those beyond the real limit. A test thus detects every attempt at a giant allocation, at once
 * and without harm.
 *
 * @module
 */

/** The typed arrays that the library and its users allocate. */
const NAMES = [
  "Float32Array",
  "Float64Array",
  "Int8Array",
  "Int16Array",
  "Int32Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Uint16Array",
  "Uint32Array",
  "BigInt64Array",
  "BigUint64Array",
] as const;

type Constructor = new (...args: unknown[]) => object;

/** The attempted allocations of a run. */
export interface Memory {
  /** The largest number of elements of one allocation since this was last set to 0. */
  largest: number;
}

/** Runs `f` with typed arrays limited to `limit` elements. */
export function withSmallMemory<T>(limit: number, f: (memory: Memory) => T): T {
  const memory: Memory = { largest: 0 };
  const globals = globalThis as unknown as Record<string, Constructor>;
  const real = NAMES.map((name) => globals[name]);
  NAMES.forEach((name, i) => {
    globals[name] = new Proxy(real[i], {
      construct(target, args, newTarget): object {
        const [length] = args;
        if (typeof length === "number") {
          memory.largest = Math.max(memory.largest, length);
          if (length > limit) throw new RangeError("Array buffer allocation failed");
        }
        return Reflect.construct(target, args, newTarget === globals[name] ? target : newTarget);
      },
    });
  });
  try {
    return f(memory);
  } finally {
    NAMES.forEach((name, i) => globals[name] = real[i]);
  }
}

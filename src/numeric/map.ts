/**
 * Loops over the elements of typed arrays of any type. An array of length one is broadcast.
 *
 * V8 optimises a loop well only for a single type of array. Long loops are therefore done block by
 * block in double-precision scratch memory: conversions are the runtime's own bulk copies, and the
 * loop itself accesses only `Float64Array`. 32-bit integers are exact as doubles.
 *
 * @module
 */
import type { Elements } from "../base/dtype.ts";

/** Elements per block: small enough for the first-level cache. */
const BLOCK = 1024;

/** Below this length a plain loop is faster. */
const SHORT = 64;

const scratch: readonly Float64Array[] = [0, 1, 2].map(() => new Float64Array(BLOCK));

/** Elements `start` to `end` of `array` in double precision, in scratch buffer `slot`. */
function load(array: Elements, start: number, end: number, slot: number): Float64Array {
  const block = scratch[slot];
  if (array.length === 1) {
    if (start === 0) block.fill(array[0]);
  } else {
    block.set(array.subarray(start, end));
  }
  return block;
}

/** Writes the first elements of `block` to indices `start` to `end` of `out`. */
function store(out: Elements, block: Float64Array, start: number, end: number): void {
  out.set(end - start === BLOCK ? block : block.subarray(0, end - start), start);
}

/** `out[i] = f(a[i])`. */
export function mapOne(out: Elements, a: Elements, f: (x: number) => number): void {
  const { length } = out;
  if (length < SHORT) {
    const step = a.length === 1 ? 0 : 1;
    for (let i = 0; i < length; i++) out[i] = f(a[i * step]);
    return;
  }
  const z = scratch[2];
  for (let start = 0; start < length; start += BLOCK) {
    const end = Math.min(start + BLOCK, length);
    const x = load(a, start, end, 0);
    for (let i = 0; i < end - start; i++) z[i] = f(x[i]);
    store(out, z, start, end);
  }
}

/** A loop over blocks: `z[i]` from `x[i]` and `y[i]`, for the first `n`. */
export type BlockLoop = (z: Float64Array, x: Float64Array, y: Float64Array, n: number) => void;

/** `out[i] = f(a[i], b[i])`; `loop`, if given, does the same for a block. */
export function mapTwo(
  out: Elements,
  a: Elements,
  b: Elements,
  f: (x: number, y: number) => number,
  loop?: BlockLoop,
): void {
  const { length } = out;
  if (length < SHORT) {
    const stepA = a.length === 1 ? 0 : 1;
    const stepB = b.length === 1 ? 0 : 1;
    for (let i = 0; i < length; i++) out[i] = f(a[i * stepA], b[i * stepB]);
    return;
  }
  const z = scratch[2];
  for (let start = 0; start < length; start += BLOCK) {
    const end = Math.min(start + BLOCK, length);
    const x = load(a, start, end, 0);
    const y = load(b, start, end, 1);
    if (loop !== undefined) loop(z, x, y, end - start);
    else for (let i = 0; i < end - start; i++) z[i] = f(x[i], y[i]);
    store(out, z, start, end);
  }
}

/** `out[i] = c[i] ? a[i] : b[i]`. */
export function mapSelect(out: Elements, c: Elements, a: Elements, b: Elements): void {
  const { length } = out;
  const stepC = c.length === 1 ? 0 : 1;
  if (length < SHORT) {
    const stepA = a.length === 1 ? 0 : 1;
    const stepB = b.length === 1 ? 0 : 1;
    for (let i = 0; i < length; i++) out[i] = c[i * stepC] !== 0 ? a[i * stepA] : b[i * stepB];
    return;
  }
  const z = scratch[2];
  for (let start = 0; start < length; start += BLOCK) {
    const end = Math.min(start + BLOCK, length);
    const x = load(a, start, end, 0);
    const y = load(b, start, end, 1);
    for (let i = 0; i < end - start; i++) z[i] = c[(start + i) * stepC] !== 0 ? x[i] : y[i];
    store(out, z, start, end);
  }
}

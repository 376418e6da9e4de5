/**
 * The Threefry-2x32 block function with 20 rounds: J. K. Salmon, M. A. Moraes, R. O. Dror and
 * D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011), section 4.2.
 *
 * A pair of key words and a pair of counter words give a pair of random words. Different counters
 * under one key give statistically independent draws, so no state is carried from one to the next.
 *
 * @module
 */

/** Skein's constant, which keeps an all-zero key from giving an all-zero key schedule. */
export const PARITY: number = 0x1BD11BDA;

/** The rotations of eight successive rounds; the ninth uses the first again. */
export const ROTATIONS: readonly number[] = [13, 15, 26, 6, 17, 29, 16, 24];

/** The number of rounds. */
export const ROUNDS: number = 20;

/** The two words for the key `(k0, k1)` and the counter `(x0, x1)`, all of them uint32. */
export function threefry2x32(k0: number, k1: number, x0: number, x1: number): [number, number] {
  const keys = [k0, k1, k0 ^ k1 ^ PARITY];
  let a = (x0 + k0) | 0;
  let b = (x1 + k1) | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const rotation = ROTATIONS[round % 8];
    a = (a + b) | 0;
    b = ((b << rotation) | (b >>> (32 - rotation))) ^ a;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      a = (a + keys[injection % 3]) | 0;
      b = (b + keys[(injection + 1) % 3] + injection) | 0;
    }
  }
  return [a >>> 0, b >>> 0];
}

/**
 * {@linkcode threefry2x32} for every element: the words for the key `(k0[i], k1[i])` and the
 * counter `(x0[i], x1[i])` go to `out0[i]` and `out1[i]`. An input of length 1 is the same for
 * every element. An output may be one of the inputs that have its length.
 *
 * Throws a `RangeError` if the outputs differ in length, or an input is neither of length 1 nor of
 * that length.
 */
export function threefry2x32Into(
  out0: Uint32Array,
  out1: Uint32Array,
  k0: Uint32Array,
  k1: Uint32Array,
  x0: Uint32Array,
  x1: Uint32Array,
): void {
  const size = out0.length;
  if (out1.length !== size) {
    throw new RangeError(
      `Cannot run Threefry: the outputs must have equal lengths, got ${size} and ${out1.length}`,
    );
  }
  // An index masked by zero stays at the only element.
  const k0Mask = indexMask(k0, size, "k0");
  const k1Mask = indexMask(k1, size, "k1");
  const x0Mask = indexMask(x0, size, "x0");
  const x1Mask = indexMask(x1, size, "x1");
  for (let i = 0; i < size; i++) {
    // The rounds of threefry2x32, written out so that the rotations are constants.
    const key0 = k0[i & k0Mask] | 0;
    const key1 = k1[i & k1Mask] | 0;
    const key2 = key0 ^ key1 ^ PARITY;
    let a = (x0[i & x0Mask] + key0) | 0;
    let b = (x1[i & x1Mask] + key1) | 0;

    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + key1) | 0;
    b = (b + key2 + 1) | 0;

    a = (a + b) | 0;
    b = ((b << 17) | (b >>> 15)) ^ a;
    a = (a + b) | 0;
    b = ((b << 29) | (b >>> 3)) ^ a;
    a = (a + b) | 0;
    b = ((b << 16) | (b >>> 16)) ^ a;
    a = (a + b) | 0;
    b = ((b << 24) | (b >>> 8)) ^ a;
    a = (a + key2) | 0;
    b = (b + key0 + 2) | 0;

    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + key0) | 0;
    b = (b + key1 + 3) | 0;

    a = (a + b) | 0;
    b = ((b << 17) | (b >>> 15)) ^ a;
    a = (a + b) | 0;
    b = ((b << 29) | (b >>> 3)) ^ a;
    a = (a + b) | 0;
    b = ((b << 16) | (b >>> 16)) ^ a;
    a = (a + b) | 0;
    b = ((b << 24) | (b >>> 8)) ^ a;
    a = (a + key1) | 0;
    b = (b + key2 + 4) | 0;

    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    out0[i] = a + key2;
    out1[i] = b + key0 + 5;
  }
}

function indexMask(values: Uint32Array, size: number, name: string): number {
  if (values.length === 1) return 0;
  if (values.length === size) return -1;
  throw new RangeError(
    `Cannot run Threefry: ${name} must have length 1 or ${size}, got ${values.length}`,
  );
}

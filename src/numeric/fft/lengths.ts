/**
 * Lengths of Fourier transforms, and their factors.
 *
 * @module
 */

/**
 * The largest prime that is a radix. For larger ones, a convolution takes fewer operations; for
 * smaller ones, it would only be less accurate.
 */
export const LARGEST_RADIX = 199;

/** The radices before the sixteens, by the number of remaining twos. */
const FIRST: readonly (readonly number[])[] = [[], [4, 8], [4], [8]];

/**
 * The radices whose product is `n`: a four, an eight or both, followed by as many sixteens as
 * possible; then odd primes, and a two if there is exactly one; `null` if a prime is too large.
 */
export function radicesOf(n: number): readonly number[] | null {
  let rest = n;
  let twos = 0;
  for (; rest % 2 === 0; rest /= 2) twos++;
  const radices = FIRST[twos % 4].filter(() => twos > 1);
  const sixteens = (twos - Math.log2(radices.reduce((product, radix) => product * radix, 1))) / 4;
  for (let i = 1; i <= sixteens; i++) radices.push(16);
  for (let radix = 3; radix <= LARGEST_RADIX && rest > 1; radix += 2) {
    for (; rest % radix === 0; rest /= radix) radices.push(radix);
  }
  if (twos === 1) radices.push(2);
  return rest > 1 ? null : radices;
}

/**
 * The shortest length of at least `n` that is a power of two, or 3, 5, 7, 9 or 15 times a power of
 * two of at least 16.
 */
export function smoothFrom(n: number): number {
  let shortest = 2 ** Math.ceil(Math.log2(n));
  for (const odd of [3, 5, 7, 9, 15]) {
    const length = odd * 2 ** Math.max(4, Math.ceil(Math.log2(n / odd)));
    if (length >= n) shortest = Math.min(shortest, length);
  }
  return shortest;
}

/** `k²` modulo `2n` for each `k` below `n`. */
export function squaresModulo(n: number): Float64Array {
  const squares = new Float64Array(n);
  for (let k = 1; k < n; k++) squares[k] = (squares[k - 1] + 2 * k - 1) % (2 * n);
  return squares;
}

/**
 * Lengths of Fourier transforms, and what they are made of.
 *
 * @module
 */

/**
 * The largest prime that is a radix. For those above, the way by a convolution takes fewer operations;
 * below, it would only be less accurate.
 */
export const LARGEST_RADIX = 199;

/**
 * The radices whose product is `n`: fours, the first and the last where there are two of them, eights, odd
 * primes, and a two if there is no other way; `null` if a prime is too large.
 */
export function radicesOf(n: number): readonly number[] | null {
  let rest = n;
  let twos = 0;
  for (; rest % 2 === 0; rest /= 2) twos++;
  // Two fours take the place of an eight and a two.
  const fours = twos === 1 ? 0 : (3 - twos % 3) % 3;
  const eights = Math.floor((twos - 2 * fours) / 3);
  const radices = [...fours > 0 ? [4] : [], ...new Array<number>(eights).fill(8)];
  for (let radix = 3; radix <= LARGEST_RADIX && rest > 1; radix += 2) {
    for (; rest % radix === 0; rest /= radix) radices.push(radix);
  }
  if (twos === 1) radices.push(2);
  if (fours === 2) radices.push(4);
  return rest > 1 ? null : radices;
}

/** The shortest length from `n` on that is a power of two, or 3, 5, 7, 9 or 15 times one from 16 on. */
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

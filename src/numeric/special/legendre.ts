/**
 * Associated Legendre functions of doubles, as used by spherical harmonics.
 *
 * @module
 */

/** The maximum degree; higher ones take too long. */
const HIGHEST = 100000;

/**
 * The spherical harmonic of degree `n` and order `m` at the polar angle θ and azimuth 0, with the
 * Condon-Shortley phase: 0 if `|m| > n`, NaN if either is not an integer or `n` is negative or
 * above 10^5.
 */
export function sphericalLegendre(n: number, m: number, theta: number): number {
  if (!Number.isInteger(n) || !Number.isInteger(m) || n < 0 || n > HIGHEST) return NaN;
  const order = Math.abs(m);
  if (order > n) return 0;
  const [x, y] = [Math.cos(theta), Math.sin(theta)];
  let value = Math.sqrt((2 * order + 1) / (4 * Math.PI));
  for (let k = 1; k <= order; k++) value *= -Math.sqrt((2 * k - 1) / (2 * k)) * y;
  // By degrees (Holmes and Featherstone, 2002, eq. 11), with normalised functions.
  let before = 0;
  for (let k = order + 1; k <= n; k++) {
    const first = Math.sqrt((2 * k + 1) * (2 * k - 1) / ((k - order) * (k + order)));
    const second = k === order + 1 ? 0 : Math.sqrt(
      (2 * k + 1) * (k + order - 1) * (k - order - 1) / ((k - order) * (k + order) * (2 * k - 3)),
    );
    [before, value] = [value, first * x * value - second * before];
  }
  return m < 0 && order % 2 === 1 ? -value : value;
}

/**
 * Roots of unity, to the last bit but one.
 *
 * @module
 */

/** π/2 as a double, and its rounding error. */
const QUARTER = 1.5707963267948966;
const QUARTER_REST = 6.123233995736766e-17;

/** Splits a double into two of half its digits (T. J. Dekker, 1971). */
const SPLITTER = 134217729;

/** The rounding error of a product. */
function restOfProduct(x: number, y: number, product: number): number {
  const [a, b] = [x * SPLITTER, y * SPLITTER];
  const [xHigh, yHigh] = [a - (a - x), b - (b - y)];
  const [xLow, yLow] = [x - xHigh, y - yHigh];
  return xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
}

/**
 * The cosine and the sine of `2π k / n`, `k` from 0 to `n - 1`. The quadrant is determined by
 * integer arithmetic, and the rest, at most π/4, is an angle in double-double precision.
 */
export function rootOfUnity(k: number, n: number): readonly [cos: number, sin: number] {
  const quarter = Math.round(4 * k / n);
  const part = 4 * k - quarter * n;
  if (Math.abs(2 * part) === n) {
    return turned(Math.SQRT1_2, Math.sign(part) * Math.SQRT1_2, quarter);
  }
  const product = QUARTER * part;
  const angle = product / n;
  const back = angle * n;
  const left = product - back - restOfProduct(angle, n, back);
  const rest = (left + restOfProduct(QUARTER, part, product) + QUARTER_REST * part) / n;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return turned(c - rest * s, s + rest * c, quarter);
}

/** A point of the circle, rotated by quarter turns. */
function turned(cos: number, sin: number, quarters: number): readonly [cos: number, sin: number] {
  switch (quarters % 4) {
    case 0:
      return [cos, sin];
    case 1:
      return [-sin, cos];
    case 2:
      return [-cos, -sin];
    default:
      return [sin, -cos];
  }
}

/** Complex numbers, with separate real and imaginary parts. */
export interface Pair {
  /** The real parts. */
  readonly re: Float64Array;
  /** The imaginary parts. */
  readonly im: Float64Array;
}

/** `e^(-2πi k / n)` for each `k`. */
export function rootsOfUnity(n: number): Pair {
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; 2 * k <= n; k++) {
    const [cos, sin] = rootOfUnity(k, n);
    re[k] = cos;
    im[k] = -sin;
    if (k > 0) {
      re[n - k] = cos;
      im[n - k] = sin;
    }
  }
  return { re, im };
}

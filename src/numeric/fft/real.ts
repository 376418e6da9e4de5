/**
 * Fourier transforms from and to real numbers: those of even length as transforms of half of it.
 *
 * Source: J. W. Cooley, P. A. W. Lewis and P. D. Welch, "The fast Fourier transform algorithm:
 * programming considerations in the calculation of sine, cosine and Laplace transforms", 1970.
 *
 * @module
 */
import { type Pair, rootOfUnity } from "./roots.ts";
import { transform, transformBack } from "./transform.ts";

/** The number of complex numbers that determine the transform of `n` real ones. */
export function halfLength(n: number): number {
  return Math.floor(n / 2) + 1;
}

function pairOf(length: number): Pair {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

/** The transform of real `x`, without the part given by symmetry, into `y`. */
export function transformReal(x: Float64Array, y: Pair): void {
  const n = x.length;
  const half = n / 2;
  if (n % 2 === 1) {
    const whole = { re: x.slice(), im: new Float64Array(n) };
    transform(whole);
    y.re.set(whole.re.subarray(0, y.re.length));
    y.im.set(whole.im.subarray(0, y.im.length));
    return;
  }
  const z = pairOf(half);
  for (let j = 0; j < half; j++) {
    z.re[j] = x[2 * j];
    z.im[j] = x[2 * j + 1];
  }
  transform(z);
  for (let k = 0; k <= half; k++) {
    const [here, there] = [k % half, (half - k) % half];
    const [a, b, c, d] = [z.re[here], z.im[here], z.re[there], z.im[there]];
    const [cos, sin] = rootOfUnity(k, n);
    // The transforms of the elements with even and with odd indices.
    const [evenRe, evenIm] = [(a + c) / 2, (b - d) / 2];
    const [oddRe, oddIm] = [(b + d) / 2, (c - a) / 2];
    y.re[k] = evenRe + oddRe * cos + oddIm * sin;
    y.im[k] = evenIm + oddIm * cos - oddRe * sin;
  }
}

/** The transpose of the transform above: `x[j] = Σ Re(y[k] e^(2πi jk / n))`, into `x`. */
export function transformToReal(y: Pair, x: Float64Array): void {
  const n = x.length;
  const half = n / 2;
  if (n % 2 === 1) {
    // The remaining elements are zero, so the real part of the transform is the sum.
    const whole = pairOf(n);
    whole.re.set(y.re);
    whole.im.set(y.im);
    transformBack(whole);
    x.set(whole.re);
    return;
  }
  const z = pairOf(half);
  for (let k = 0; k < half; k++) {
    const isFirst = k === 0;
    const weight = isFirst ? 1 : 0.5;
    const [a, c] = [y.re[k], y.re[half - k]];
    const [b, d] = isFirst ? [0, 0] : [y.im[k], y.im[half - k]];
    const [cos, sin] = rootOfUnity(k, n);
    const [oddRe, oddIm] = [weight * (a - c), weight * (b + d)];
    const [turnedRe, turnedIm] = [oddRe * cos - oddIm * sin, oddRe * sin + oddIm * cos];
    z.re[k] = weight * (a + c) - turnedIm;
    z.im[k] = weight * (b - d) + turnedRe;
  }
  transformBack(z);
  for (let j = 0; j < half; j++) {
    x[2 * j] = z.re[j];
    x[2 * j + 1] = z.im[j];
  }
}

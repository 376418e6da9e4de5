/**
 * Discrete Fourier transforms of any length, in double precision.
 *
 * Lengths without large prime factors use stages that leave the results in order: T. G. Stockham,
 * "High-speed convolution and correlation", 1966, as in P. N. Swarztrauber, "FFT algorithms for
 * vector computers", 1984. All others become convolutions: L. I. Bluestein, "A linear filtering
 * approach to the computation of the discrete Fourier transform", 1970.
 *
 * @module
 */
import { Recent } from "../../base/recent.ts";
import { range } from "../../base/shape.ts";
import { LARGEST_RADIX, radicesOf, smoothFrom, squaresModulo } from "./lengths.ts";
import { type Pair, rootOfUnity, rootsOfUnity } from "./roots.ts";

/** The precomputed data of a length. */
interface Plan {
  /** The roots of unity, or the chirp `e^(-πi k² / n)`. */
  readonly roots: Pair;
  /** The radices of the stages. */
  readonly radices: readonly number[];
  /** For lengths without radices: the transform of the chirp's inverse, divided by its length. */
  readonly filter: Pair | null;
}

/** The plans of lengths; the capacity is a number of roots. */
const plans = new Recent<number, Plan>(
  2 ** 22,
  ({ roots, filter }) => roots.re.length + (filter?.re.length ?? 0),
);

function makePlan(n: number): Plan {
  const radices = radicesOf(n);
  if (radices !== null) return { roots: rootsOfUnity(n), radices, filter: null };
  const { chirp, filter } = chirpOf(n);
  return { roots: chirp, radices: [], filter };
}

/**
 * The chirp of a length, and the filter that replaces its stages: the transform, divided by its
 * length, of the chirp's inverse in both directions.
 */
export function chirpOf(n: number): { readonly chirp: Pair; readonly filter: Pair } {
  const length = smoothFrom(2 * n - 1);
  const chirp = { re: new Float64Array(n), im: new Float64Array(n) };
  const filter = { re: new Float64Array(length), im: new Float64Array(length) };
  squaresModulo(n).forEach((square, k) => {
    const [cos, sin] = rootOfUnity(square, 2 * n);
    chirp.re[k] = cos;
    chirp.im[k] = -sin;
    for (const place of [k, (length - k) % length]) {
      filter.re[place] = cos / length;
      filter.im[place] = sin / length;
    }
  });
  transform(filter);
  return { chirp, filter };
}

/** Transforms in place: `y[k] = Σ x[j] e^(-2πi jk / n)`. */
export function transform(x: Pair): void {
  const n = x.re.length;
  if (n < 2) return;
  const plan = plans.get(n, () => makePlan(n));
  if (plan.filter === null) runStages(x, plan);
  else runChirp(x, plan.roots, plan.filter);
}

/** The same with the other sign: `y[k] = Σ x[j] e^(+2πi jk / n)`. */
export function transformBack({ re, im }: Pair): void {
  transform({ re: im, im: re });
}

/** The product of each number of `x` with that of `y`, which replaces the former. */
function multiply(x: Pair, y: Pair, length: number): void {
  for (let k = 0; k < length; k++) {
    const [a, b, c, d] = [x.re[k], x.im[k], y.re[k], y.im[k]];
    x.re[k] = a * c - b * d;
    x.im[k] = a * d + b * c;
  }
}

function runChirp(x: Pair, chirp: Pair, filter: Pair): void {
  const n = x.re.length;
  const length = filter.re.length;
  const long = { re: new Float64Array(length), im: new Float64Array(length) };
  long.re.set(x.re);
  long.im.set(x.im);
  multiply(long, chirp, n);
  transform(long);
  multiply(long, filter, length);
  transformBack(long);
  x.re.set(long.re.subarray(0, n));
  x.im.set(long.im.subarray(0, n));
  multiply(x, chirp, n);
}

function runStages(x: Pair, { roots, radices }: Plan): void {
  const n = x.re.length;
  let from = x;
  let to: Pair = { re: new Float64Array(n), im: new Float64Array(n) };
  let before = 1;
  for (const radix of radices) {
    runStage(from, to, { radix, before, rest: n / before / radix, roots });
    [from, to] = [to, from];
    before *= radix;
  }
  if (from === x) return;
  x.re.set(from.re);
  x.im.set(from.im);
}

interface Stage {
  readonly radix: number;
  /** The product of the radices before this stage. */
  readonly before: number;
  /** The product of the radices after it. */
  readonly rest: number;
  /** The roots of the whole length. */
  readonly roots: Pair;
}

/**
 * Transforms of a stage's radix: from `[radix, rest, before]` to `[rest, radix, before]`,
 * multiplied by the roots.
 */
function runStage(from: Pair, to: Pair, { radix, before, rest, roots }: Stage): void {
  const step = rest * before;
  const n = radix * step;
  const small = rootsOfRadix(radix);
  const order = orderOf(radix);
  const [re, im] = [new Float64Array(radix), new Float64Array(radix)];
  for (let p = 0; p < rest; p++) {
    for (let q = 0; q < before; q++) {
      const place = p * before + q;
      for (let k = 0; k < radix; k++) {
        const source = place + order[k] * step;
        re[k] = from.re[source];
        im[k] = from.im[source];
      }
      butterfly(re, im, small);
      const target = p * radix * before + q;
      to.re[target] = re[0];
      to.im[target] = im[0];
      for (let k = 1; k < radix; k++) {
        const turn = (p * k * before) % n;
        if (turn === 0) {
          to.re[target + k * before] = re[k];
          to.im[target + k * before] = im[k];
          continue;
        }
        const [c, s] = [roots.re[turn], roots.im[turn]];
        to.re[target + k * before] = re[k] * c - im[k] * s;
        to.im[target + k * before] = re[k] * s + im[k] * c;
      }
    }
  }
}

const known = new Map<number, Pair>();

/** The roots of unity of a radix; there are few radices. */
function rootsOfRadix(radix: number): Pair {
  let roots = known.get(radix);
  if (roots === undefined) known.set(radix, roots = rootsOfUnity(radix));
  return roots;
}

/** The order in which a stage reads its elements: bit-reversed for powers of two. */
function orderOf(radix: number): readonly number[] {
  if (radix % 2 === 1) return range(radix);
  if (radix === 2) return [0, 1];
  const half = orderOf(radix / 2);
  return [...half.map((k) => 2 * k), ...half.map((k) => 2 * k + 1)];
}

/** A transform of a radix in place. For powers of two, the elements are in bit-reversed order. */
function butterfly(re: Float64Array, im: Float64Array, roots: Pair): void {
  if (re.length % 2 === 0) even(re, im, roots);
  else odd(re, im, roots);
}

function even(re: Float64Array, im: Float64Array, roots: Pair): void {
  const radix = re.length;
  for (let half = 1; half < radix; half *= 2) {
    for (let first = 0; first < radix; first += 2 * half) {
      for (let k = 0; k < half; k++) {
        const [a, b] = [first + k, first + k + half];
        let [x, y] = [re[b], im[b]];
        // The product of an infinite number and a part that is zero would be NaN.
        if (2 * k === half) [x, y] = [y, -x];
        else if (k > 0) {
          const turn = k * radix / (2 * half);
          const [c, s] = [roots.re[turn], roots.im[turn]];
          [x, y] = [x * c - y * s, x * s + y * c];
        }
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

const sums = { re: new Float64Array(LARGEST_RADIX), im: new Float64Array(LARGEST_RADIX) };

/** Sums and differences of opposite elements halve the number of multiplications. */
function odd(re: Float64Array, im: Float64Array, roots: Pair): void {
  const radix = re.length;
  const half = (radix - 1) / 2;
  let [totalRe, totalIm] = [re[0], im[0]];
  for (let j = 1; j <= half; j++) {
    const [a, b, c, d] = [re[j], re[radix - j], im[j], im[radix - j]];
    sums.re[j] = a + b;
    sums.im[j] = c + d;
    sums.re[radix - j] = a - b;
    sums.im[radix - j] = c - d;
    totalRe += a + b;
    totalIm += c + d;
  }
  const [firstRe, firstIm] = [re[0], im[0]];
  for (let k = 1; k <= half; k++) {
    let [x, y, u, v] = [firstRe, firstIm, 0, 0];
    for (let j = 1; j <= half; j++) {
      const turn = (j * k) % radix;
      const [c, s] = [roots.re[turn], roots.im[turn]];
      x += sums.re[j] * c;
      y += sums.im[j] * c;
      u += sums.im[radix - j] * s;
      v += sums.re[radix - j] * s;
    }
    re[k] = x - u;
    im[k] = y + v;
    re[radix - k] = x + u;
    im[radix - k] = y - v;
  }
  re[0] = totalRe;
  im[0] = totalIm;
}

/**
 * Discrete Fourier transforms in twice the digits of doubles, for tests: the reference that errors of
 * doubles are measured by.
 *
 * Source: T. J. Dekker, "A floating-point technique for extending the available precision", 1971.
 *
 * @module
 */
import type { Pair } from "../../src/numeric/fft/roots.ts";
import { squaresModulo } from "../../src/numeric/fft/lengths.ts";

/** Multiples of 2^-23 between -1 and 1, from a hash of their places: those of `fixtures/fft.py`. */
export function numbers(count: number, seed: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let x = (i + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    return (x >>> 8) / 2 ** 23 - 1;
  });
}

/** Complex numbers whose parts are sums of two doubles. */
export interface Exact extends Pair {
  /** What the real parts leave out. */
  readonly reRest: Float64Array;
  /** What the imaginary parts leave out. */
  readonly imRest: Float64Array;
}

/** A number as a sum of two doubles. */
type Double = readonly [high: number, low: number];

/** What the last sum or product left out: the loops below have no room for lists. */
let rest = 0;

function plus(a: number, x: number, b: number, y: number): number {
  const s = a + b;
  const t = s - a;
  const low = (a - (s - t)) + (b - t) + x + y;
  const high = s + low;
  rest = low - (high - s);
  return high;
}

function product(a: number, x: number, b: number, y: number): number {
  const p = a * b;
  const [s, t] = [a * 134217729, b * 134217729];
  const aHigh = s - (s - a);
  const bHigh = t - (t - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  const low = aLow * bLow - (p - aHigh * bHigh - aLow * bHigh - aHigh * bLow) + a * y + x * b;
  const high = p + low;
  rest = low - (high - p);
  return high;
}

function add([a, x]: Double, [b, y]: Double): Double {
  const high = plus(a, x, b, y);
  return [high, rest];
}

function neg([a, x]: Double): Double {
  return [-a, -x];
}

function mul([a, x]: Double, [b, y]: Double): Double {
  const high = product(a, x, b, y);
  return [high, rest];
}

function divide(x: Double, n: number): Double {
  const q = x[0] / n;
  const [left] = add(x, neg(mul([q, 0], [n, 0])));
  return add([q, 0], [left / n, 0]);
}

const HALF_PI: Double = [1.5707963267948966, 6.123233995736766e-17];

/** `e^(-2πi k / n)`. */
function exactRoot(k: number, n: number): readonly [re: Double, im: Double] {
  const quarter = Math.round(4 * k / n);
  const angle = divide(mul(HALF_PI, [4 * k - quarter * n, 0]), n);
  const square = neg(mul(angle, angle));
  const series = (first: Double, from: number): Double => {
    let [term, total] = [first, first];
    for (let i = from; i < 30; i += 2) {
      term = divide(mul(term, square), i * (i + 1));
      total = add(total, term);
    }
    return total;
  };
  const [c, s] = [series([1, 0], 1), series(angle, 2)];
  switch (quarter % 4) {
    case 0:
      return [c, neg(s)];
    case 1:
      return [neg(s), neg(c)];
    case 2:
      return [neg(c), s];
    default:
      return [s, c];
  }
}

function zeros(n: number): Exact {
  const [re, im, reRest, imRest] = [0, 0, 0, 0].map(() => new Float64Array(n));
  return { re, im, reRest, imRest };
}

function get(x: Exact, i: number): [re: Double, im: Double] {
  return [[x.re[i], x.reRest[i]], [x.im[i], x.imRest[i]]];
}

function put(x: Exact, i: number, re: Double, im: Double): void {
  [x.re[i], x.reRest[i]] = re;
  [x.im[i], x.imRest[i]] = im;
}

function times([a, b]: readonly [Double, Double], [c, d]: readonly [Double, Double]) {
  return [add(mul(a, c), neg(mul(b, d))), add(mul(a, d), mul(b, c))] as const;
}

/** Multiplies each number by that of `y`. */
function multiply(x: Exact, y: Exact, n: number): void {
  for (let i = 0; i < n; i++) put(x, i, ...times(get(x, i), get(y, i)));
}

const roots = new Map<number, Exact>();

function rootsOf(n: number): Exact {
  let known = roots.get(n);
  if (known !== undefined) return known;
  roots.set(n, known = zeros(n / 2));
  for (let k = 0; k < n / 2; k++) put(known, k, ...exactRoot(k, n));
  return known;
}

/** A power of two, in place: decimation in frequency, then the order of reversed bits. */
function powerOfTwo(x: Exact): void {
  const n = x.re.length;
  if (n < 2) return;
  const turns = rootsOf(n);
  for (let half = n / 2; half >= 1; half /= 2) {
    for (let first = 0; first < n; first += 2 * half) {
      for (let k = 0; k < half; k++) {
        const a = first + k;
        const b = a + half;
        const turn = k * (n / (2 * half));
        const re = plus(x.re[a], x.reRest[a], -x.re[b], -x.reRest[b]);
        const reRest = rest;
        const im = plus(x.im[a], x.imRest[a], -x.im[b], -x.imRest[b]);
        const imRest = rest;
        x.re[a] = plus(x.re[a], x.reRest[a], x.re[b], x.reRest[b]);
        x.reRest[a] = rest;
        x.im[a] = plus(x.im[a], x.imRest[a], x.im[b], x.imRest[b]);
        x.imRest[a] = rest;
        const [c, s] = [turns.re[turn], turns.im[turn]];
        const [cRest, sRest] = [turns.reRest[turn], turns.imRest[turn]];
        const rc = product(re, reRest, c, cRest);
        const rcRest = rest;
        const is = product(im, imRest, s, sRest);
        x.re[b] = plus(rc, rcRest, -is, -rest);
        x.reRest[b] = rest;
        const rs = product(re, reRest, s, sRest);
        const rsRest = rest;
        const ic = product(im, imRest, c, cRest);
        x.im[b] = plus(rs, rsRest, ic, rest);
        x.imRest[b] = rest;
      }
    }
  }
  const bits = Math.log2(n);
  for (let i = 0; i < n; i++) {
    let j = 0;
    for (let bit = 0; bit < bits; bit++) j |= ((i >> bit) & 1) << (bits - 1 - bit);
    if (j <= i) continue;
    const [here, there] = [get(x, i), get(x, j)];
    put(x, i, ...there);
    put(x, j, ...here);
  }
}

/** Exchanges real and imaginary parts, which changes the sign of the exponent. */
function swapped({ re, im, reRest, imRest }: Exact): Exact {
  return { re: im, im: re, reRest: imRest, imRest: reRest };
}

/** The transform of `x`, to some 30 digits: lengths that are no powers of two by Bluestein's convolution. */
export function exactTransform(x: Pair): Exact {
  const n = x.re.length;
  const length = 2 ** Math.ceil(Math.log2(n));
  const isPower = length === n;
  const long = zeros(isPower ? n : 2 * length);
  long.re.set(x.re);
  long.im.set(x.im);
  if (isPower) {
    powerOfTwo(long);
    return long;
  }
  const size = 2 * length;
  const [chirp, filter] = [zeros(n), zeros(size)];
  squaresModulo(n).forEach((square, k) => {
    const [re, im] = exactRoot(square, 2 * n);
    put(chirp, k, re, im);
    for (const place of [k, (size - k) % size]) put(filter, place, re, neg(im));
  });
  multiply(long, chirp, n);
  powerOfTwo(long);
  powerOfTwo(filter);
  multiply(long, filter, size);
  powerOfTwo(swapped(long));
  const out = zeros(n);
  for (let k = 0; k < n; k++) {
    const [re, im] = get(long, k);
    const scale = ([a, b]: Double): Double => [a / size, b / size];
    put(out, k, ...times([scale(re), scale(im)], get(chirp, k)));
  }
  return out;
}

/** The transform of the real parts of what `x` is the transform of. */
export function ofRealParts(x: Exact): Exact {
  const n = x.re.length;
  const out = zeros(n);
  for (let k = 0; k < n; k++) {
    const [[a, b], [c, d]] = [get(x, k), get(x, (n - k) % n)];
    put(out, k, mul(add(a, c), [0.5, 0]), mul(add(b, neg(d)), [0.5, 0]));
  }
  return out;
}

/** What results of one kind differ by. */
export class ErrorSum {
  #error = 0;
  #size = 0;

  /** Counts `x`, which may be the first part of `exact` alone. */
  add(x: Pair, exact: Pair & Partial<Exact>): void {
    for (let i = 0; i < x.re.length; i++) {
      const re = x.re[i] - exact.re[i] - (exact.reRest?.[i] ?? 0);
      const im = x.im[i] - exact.im[i] - (exact.imRest?.[i] ?? 0);
      this.#error += re * re + im * im;
      this.#size += exact.re[i] ** 2 + exact.im[i] ** 2;
    }
  }

  /** The root of the mean square error over that of what is exact. */
  get relative(): number {
    return Math.sqrt(this.#error / this.#size);
  }
}

/** The same for one result. */
export function relativeError(x: Pair, exact: Pair & Partial<Exact>): number {
  const sum = new ErrorSum();
  sum.add(x, exact);
  return sum.relative;
}

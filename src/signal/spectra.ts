/**
 * Spectra of signals by the transforms of overlapping segments, by SciPy's definitions.
 *
 * Source: P. D. Welch, "The use of the fast Fourier transform for the estimation of power spectra", 1967.
 *
 * @module
 */
import { describeValue, isComplex, partDtype, wideDtype } from "../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkAxis, range, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { tabulate } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkCount, cut, fit, lastOf, surround, weigh } from "../fft/arguments.ts";
import { fftfreq, rfftfreq } from "../fft/frequencies.ts";
import { fft, ifft, irfft, rfft } from "../fft/transforms.ts";
import { checkInteger } from "../functions/arguments.ts";
import { sub } from "../functions/arithmetic.ts";
import { broadcastTogether, floatOperand } from "../functions/broadcasting.ts";
import { complex, conj, imag, real } from "../functions/complex.ts";
import { tensor } from "../functions/creation.ts";
import { sort } from "../functions/ordering.ts";
import { pad } from "../functions/padding.ts";
import { mean } from "../functions/reduction.ts";
import { add, mul, scale } from "../primitives/arithmetic.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import { convert, moveAxis, reshape } from "../primitives/structure.ts";
import { withoutTrend } from "./trend.ts";
import { periodicWindow, type WindowName } from "./windows.ts";

/**
 * Options of segments.
 *
 * @category Signals
 */
export interface SegmentOptions {
  /** Samples per unit of time. Default 1. */
  readonly fs?: number;
  /** The window, periodic if it is one by name, or its `nperseg` numbers. Default `"hanning"`. */
  readonly window?: WindowName | readonly number[];
  /** The length of a segment. Default 256, or that of the signal where it is shorter. */
  readonly nperseg?: number;
  /** How much of it the next one shares. Default half. */
  readonly noverlap?: number;
  /** The length of transforms, with zeros behind segments. Default `nperseg`. */
  readonly nfft?: number;
  /** The axis of the signal; negative ones count from the last. Default -1. */
  readonly axis?: number;
  /**
   * Amplitudes of spectra (`"spectrum"`), or densities per unit of frequency (`"density"`). Default
   * `"spectrum"` for `stft` and `istft`, `"density"` for `welch` and `csd`.
   */
  readonly scaling?: "spectrum" | "density";
  /**
   * Whether frequencies are those from zero on alone, which for real signals determine the others, and densities
   * are those of both signs together. Default `true` for real signals and `false` for complex ones, which
   * need all of them.
   */
  readonly onesided?: boolean;
  /**
   * What is taken away from each segment: its mean (`"constant"`), the line that is nearest (`"linear"`), or
   * nothing. Default `false` for `stft`, `"constant"` for `welch`, `csd` and `periodogram`.
   */
  readonly detrend?: "constant" | "linear" | false;
}

/**
 * The values around a signal.
 *
 * @category Signals
 */
export type BoundaryOption = boolean | "zeros" | "constant" | "even" | "odd";

/**
 * Options of `stft`.
 *
 * @category Signals
 */
export interface StftOptions extends SegmentOptions {
  /**
   * What surrounds the signal, so that its ends are in the middle of segments: zeros (`true` or `"zeros"`), the
   * last number (`"constant"`), the signal mirrored about it (`"even"`), or through it (`"odd"`); or nothing
   * (`false`). Default `true`.
   */
  readonly boundary?: BoundaryOption;
  /** Whether zeros behind it make the last segment whole. Default `true`. */
  readonly padded?: boolean;
}

/**
 * Options of `istft`.
 *
 * @category Signals
 */
export interface IstftOptions extends Omit<SegmentOptions, "axis" | "detrend"> {
  /** What surrounded the signal; it only matters whether something did. Default `true`. */
  readonly boundary?: BoundaryOption;
  /** Whether frequencies are those from zero on alone, and signals real. Default `true`. */
  readonly onesided?: boolean;
}

/**
 * Options of `welch` and `csd`.
 *
 * @category Signals
 */
export interface WelchOptions extends SegmentOptions {
  /** What is given of the densities of segments: their mean, or their median, without its bias. Default `"mean"`. */
  readonly average?: "mean" | "median";
}

/**
 * Options of `periodogram`.
 *
 * @category Signals
 */
export interface PeriodogramOptions extends Omit<SegmentOptions, "nperseg" | "noverlap"> {
  /** The window, as long as the signal; periodic if it is one by name. Default ones. */
  readonly window?: WindowName | readonly number[];
}

/**
 * A spectrum for each segment.
 *
 * @category Signals
 */
export interface Segments {
  /** The frequencies, `[floor(nfft / 2) + 1]`, or all `[nfft]` in the order of `fftfreq`. */
  readonly frequencies: Tensor;
  /** The times of the middles of segments. */
  readonly times: Tensor;
  /** The transforms, complex: in place of the signal's axis frequencies, behind all axes segments. */
  readonly values: Tensor;
}

/**
 * A spectrum.
 *
 * @category Signals
 */
export interface Spectrum {
  /** The frequencies, `[floor(nfft / 2) + 1]`, or all `[nfft]` in the order of `fftfreq`. */
  readonly frequencies: Tensor;
  /** The densities or powers: frequencies in place of the signal's axis. */
  readonly values: Tensor;
}

const NAMES = [
  "fs",
  "window",
  "nperseg",
  "noverlap",
  "nfft",
  "axis",
  "scaling",
  "onesided",
  "detrend",
] as const;

/** How a signal is divided. */
interface Division {
  readonly fs: number;
  readonly window: Float64Array;
  readonly nperseg: number;
  readonly step: number;
  readonly nfft: number;
  readonly scaling: "spectrum" | "density";
  readonly detrend: "constant" | "linear" | false;
}

function readDivision(
  what: string,
  length: number,
  { fs = 1, window = "hanning", nperseg, noverlap, nfft, scaling, detrend = false }: Partial<
    SegmentOptions
  >,
): Division {
  if (typeof fs !== "number" || !(fs > 0 && fs < Infinity)) {
    throw argumentError(`${what}: fs must be a positive number, got ${describeValue(fs)}`);
  }
  const fallback = typeof window === "string" ? Math.min(256, length) : window.length;
  const size = nperseg === undefined ? fallback : checkCount(nperseg, what, "nperseg");
  if (size < 1) throw shapeError(`${what}: expected signals with elements`);
  if (size > length) {
    throw argumentError(
      `${what}: nperseg must be at most the signal's length ${length}, got ${size}`,
    );
  }
  const shared = noverlap ?? Math.floor(size / 2);
  if (checkInteger(shared, what, "an integer noverlap") < 0 || shared >= size) {
    throw argumentError(`${what}: noverlap must be from 0 to ${size - 1}, got ${shared}`);
  }
  const long = nfft === undefined ? size : checkCount(nfft, what, "nfft");
  if (long < size) {
    throw argumentError(`${what}: nfft must be at least nperseg, ${size}, got ${long}`);
  }
  if (scaling !== "spectrum" && scaling !== "density") {
    throw argumentError(
      `${what}: scaling must be "spectrum" or "density", got ${describeValue(scaling)}`,
    );
  }
  if (detrend !== false && detrend !== "constant" && detrend !== "linear") {
    throw argumentError(
      `${what}: detrend must be "constant", "linear" or false, got ${describeValue(detrend)}`,
    );
  }
  const values = typeof window === "string"
    ? periodicWindow(window, size, what)
    : Float64Array.from(window);
  if (values.length !== size) {
    throw argumentError(`${what}: the window must have ${size} numbers, got ${values.length}`);
  }
  return { fs, window: values, nperseg: size, step: size - shared, nfft: long, scaling, detrend };
}

/** What squares of amplitudes are multiplied by. */
function powerOf({ fs, window, scaling }: Division): number {
  const sum = window.reduce((total, value) => total + value, 0);
  const squares = window.reduce((total, value) => total + value * value, 0);
  return scaling === "spectrum" ? 1 / sum ** 2 : 1 / (fs * squares);
}

/** Signals along the last axis; half floats are computed in float32. */
function readSignal(x: Tensor, axis: number): Tensor {
  const value = floatOperand(x);
  return moveAxis(convert(value, wideDtype(value.dtype)), axis, x.ndim - 1);
}

/** Whether spectra are one-sided. */
function readSides(what: string, onesided: unknown, signals: readonly Tensor[]): boolean {
  const areComplex = signals.some(({ dtype }) => isComplex(dtype));
  const isOnesided = checkFlag(onesided ?? !areComplex, what, "onesided");
  if (!isOnesided || !areComplex) return isOnesided;
  throw dtypeError(`${what}: onesided is for real signals; leave it out, or take real and imag`);
}

/** Transforms of windowed segments, and their frequencies. */
function spectraOf(
  segments: Tensor,
  { fs, window, nfft, detrend }: Division,
  isOnesided: boolean,
): { readonly frequencies: Tensor; readonly values: Tensor } {
  const level = detrend === false ? segments : withoutTrend(segments, detrend);
  const transform = isOnesided ? rfft : fft;
  const values = transform(weigh(level, window), { n: nfft });
  const dtype = partDtype(values.dtype) as "float32";
  const frequencies = (isOnesided ? rfftfreq : fftfreq)(nfft, { d: 1 / fs, dtype });
  return { frequencies, values };
}

const BOUNDARIES = ["zeros", "constant", "even", "odd"] as const;

/** What surrounds a signal, or `null`. */
function readBoundary(what: string, boundary: unknown): typeof BOUNDARIES[number] | null {
  if (boundary === false) return null;
  const kind = boundary === true ? "zeros" : BOUNDARIES.find((one) => one === boundary);
  if (kind !== undefined) return kind;
  throw argumentError(
    `${what}: boundary must be a boolean, ${BOUNDARIES.map((one) => `"${one}"`).join(", ")}, got ${
      describeValue(boundary)
    }`,
  );
}

/** A signal with so many numbers more at both ends. */
function extended(x: Tensor, count: number, kind: typeof BOUNDARIES[number]): Tensor {
  if (count === 0) return x;
  if (kind === "zeros") return surround(x, count, count);
  const last = x.ndim - 1;
  const widths = x.shape.map((_, axis): [number, number] =>
    axis === last ? [count, count] : [0, 0]
  );
  const edges = pad(x, widths, { mode: "edge" });
  if (kind === "constant") return edges;
  const mirrored = pad(x, widths, { mode: "reflect" });
  if (kind === "even") return mirrored;
  const length = lastOf(x);
  const odd = sub(scale(edges, 2), mirrored);
  return concatenate([cut(odd, 0, count), x, cut(odd, count + length, 2 * count + length)], last);
}

/** The segments of rows, `[..., count, nperseg]`. */
function segmentsOf(x: Tensor, { nperseg, step }: Division): Tensor {
  const count = Math.floor((lastOf(x) - nperseg) / step) + 1;
  const pieces = Math.ceil(nperseg / step);
  const long = fit(x, (count + pieces - 1) * step);
  const shape = [...x.shape.slice(0, -1), count, step];
  const parts = range(pieces).map((i) => reshape(cut(long, i * step, (i + count) * step), shape));
  return cut(concatenate(parts, x.ndim), 0, nperseg);
}

/** Rows of which these are the segments, the overlapping parts added. */
function addSegments(x: Tensor, { nperseg, step }: Division): Tensor {
  const count = x.shape[x.ndim - 2];
  const pieces = Math.ceil(nperseg / step);
  const long = fit(x, pieces * step);
  const shape = [...x.shape.slice(0, -2), count * step];
  const parts = range(pieces).map((i) =>
    surround(
      reshape(cut(long, i * step, (i + 1) * step), shape),
      i * step,
      (pieces - 1 - i) * step,
    )
  );
  return cut(parts.reduce((sum, part) => add(sum, part)), 0, (count - 1) * step + nperseg);
}

/**
 * The short-time Fourier transform of signals: the transforms of overlapping, windowed segments.
 *
 * @category Signals
 * @param x Any shape but a scalar.
 * @param options The segments, the window, the scaling and the ends.
 * @returns The frequencies, the times, and the transforms: frequencies in place of the signal's axis, and
 * one more axis of segments behind all others.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when `x` is complex and `onesided` is `true`.
 * @throws {ShapeError} when the signal is empty.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Segments of four samples
 * ```ts
 * import { istft, stft } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const { values } = stft([1, 2, 3, 4, 5, 6, 7, 8], { nperseg: 4 });
 * assertTensorsClose(istft(values, { nperseg: 4 }), [1, 2, 3, 4, 5, 6, 7, 8], { atol: 1e-5 });
 * ```
 */
export function stft(x: TensorLike, options?: StftOptions): Segments {
  const what = "Cannot transform segments of";
  const value = toTensor(x, what);
  const shown = `${what} ${showType(value)}`;
  const { boundary = true, padded = true, axis = -1, scaling = "spectrum", onesided, ...rest } =
    readOptions(shown, options, [...NAMES, "boundary", "padded"]);
  checkFlag(padded, shown, "padded");
  const place = checkAxis(axis, value.ndim, shown);
  const division = readDivision(shown, value.shape[place], { ...rest, scaling });
  const isOnesided = readSides(shown, onesided, [value]);
  const { fs, nperseg, step } = division;
  const kind = readBoundary(shown, boundary);
  const rows = readSignal(value, place);
  const inner = kind === null ? rows : extended(rows, Math.floor(nperseg / 2), kind);
  const left = padded ? (((nperseg - lastOf(inner)) % step) + step) % step : 0;
  const segments = segmentsOf(surround(inner, 0, left), division);
  const { frequencies, values } = spectraOf(segments, division, isOnesided);
  const count = segments.shape[segments.ndim - 2];
  const times = range(count).map((i) => (i * step + (kind === null ? nperseg / 2 : 0)) / fs);
  const scaled = scale(values, Math.sqrt(powerOf(division)));
  return {
    frequencies,
    times: tensor(times, { dtype: partDtype(values.dtype) as "float32" }),
    values: moveAxis(scaled, values.ndim - 1, place),
  };
}

/**
 * The signals that `stft` has transformed, from transforms that need not be of any signal: that with the
 * least squares of differences (D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier
 * transform", 1984).
 *
 * @category Signals
 * @param values `[..., frequencies, segments]`, complex.
 * @param options What `stft` was given.
 * @returns The signals, along the last axis: complex if `onesided` is `false`.
 * @throws {ShapeError} when there are fewer than two axes, or no segments.
 * @throws {ArgumentError} when an option is out of its range, or windows leave places where all are zero.
 *
 * @example There and back
 * ```ts
 * import { istft, stft } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const options = { nperseg: 4, window: "hamming" } as const;
 * assertTensorsClose(istft(stft([3, 1, 4, 1], options).values, options), [3, 1, 4, 1], { atol: 1e-5 });
 * ```
 */
export function istft(values: TensorLike, options?: IstftOptions): Tensor {
  const what = "Cannot add up segments of";
  const given = toTensor(values, what);
  const shown = `${what} ${showType(given)}`;
  const { boundary = true, scaling = "spectrum", onesided = true, ...rest } = readOptions(
    shown,
    options,
    [
      "onesided",
      "fs",
      "window",
      "nperseg",
      "noverlap",
      "nfft",
      "scaling",
      "boundary",
    ],
  );
  const kind = readBoundary(shown, boundary);
  checkFlag(onesided, shown, "onesided");
  if (given.ndim < 2 || given.shape.slice(-2).includes(0)) {
    throw shapeError(`${shown}: expected axes of frequencies and segments`);
  }
  const count = given.shape[given.ndim - 1];
  const rows = given.shape[given.ndim - 2];
  const whole = onesided ? 2 * (rows - 1) : rows;
  const nperseg = rest.nperseg ?? rest.nfft ?? whole;
  const isOdd = onesided && nperseg === whole + 1;
  const nfft = rest.nfft ?? (isOdd ? nperseg : Math.max(whole, 1));
  const division = readDivision(shown, nperseg, { ...rest, nperseg, nfft, scaling });
  const { window } = division;
  const spectra = moveAxis(given, given.ndim - 2, given.ndim - 1);
  const back = onesided ? irfft : ifft;
  const segments = cut(back(spectra, { n: nfft }), 0, nperseg);
  const squares = Float64Array.from(window, (value) => value * value);
  const weights = overlapped(squares, count, division);
  const ends = kind === null ? 0 : Math.floor(nperseg / 2);
  const sum = addSegments(weigh(segments, window), division);
  const inner = cut(sum, ends, lastOf(sum) - ends);
  const divisors = weights.subarray(ends, weights.length - ends);
  if (divisors.some((divisor) => divisor <= 1e-10)) {
    throw argumentError(`${shown}: windows are zero at some places; let them overlap more`);
  }
  const amplitude = Math.sqrt(powerOf(division));
  return weigh(inner, divisors.map((divisor) => 1 / (divisor * amplitude)));
}

/** Numbers added up at each step. */
function overlapped(x: Float64Array, count: number, { step }: Division): Float64Array {
  const sums = new Float64Array((count - 1) * step + x.length);
  for (let i = 0; i < count; i++) x.forEach((value, j) => sums[i * step + j] += value);
  return sums;
}

/**
 * The cross spectral density of two signals, by Welch's method: the mean, or the median, over segments of
 * `conj(X) Y`.
 *
 * @category Signals
 * @param x Any shape but a scalar.
 * @param y Broadcast together with `x`.
 * @param options The segments, the window, the scaling and the average.
 * @returns The frequencies, and the complex densities: of real signals, both signs of a frequency together.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when a signal is complex and `onesided` is `true`.
 * @throws {ShapeError} when the signals do not broadcast, or are empty.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Of a signal with itself it is its own
 * ```ts
 * import { real } from "@jacobi/jacobi";
 * import { csd, welch } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [1, -1, 2, -2, 3, -3];
 * assertTensorsClose(real(csd(x, x).values), welch(x).values);
 * ```
 */
export function csd(x: TensorLike, y: TensorLike, options?: WelchOptions): Spectrum {
  const what = "Cannot compare spectra of";
  const [a, b] = broadcastTogether(what, x, y);
  return densities(`${what} ${showType(a)}`, [a, b], options);
}

function densities(
  what: string,
  [x, y]: readonly [Tensor, Tensor],
  options: WelchOptions | undefined,
): Spectrum {
  const {
    axis = -1,
    scaling = "density",
    detrend = "constant",
    onesided,
    average = "mean",
    ...rest
  } = readOptions(what, options, [...NAMES, "average"]);
  if (average !== "mean" && average !== "median") {
    throw argumentError(
      `${what}: average must be "mean" or "median", got ${describeValue(average)}`,
    );
  }
  const place = checkAxis(axis, x.ndim, what);
  const division = readDivision(what, x.shape[place], { ...rest, scaling, detrend });
  const isOnesided = readSides(what, onesided, [x, y]);
  const signals = x === y ? [x] : [x, y];
  const spectra = signals.map((signal) =>
    spectraOf(segmentsOf(readSignal(signal, place), division), division, isOnesided)
  );
  const [{ frequencies, values: first }, { values: second }] = [spectra[0], spectra.at(-1)!];
  const products = mul(conj(first), second);
  const power = powerOf(division);
  const weights = Float64Array.from(
    { length: lastOf(products) },
    (_, k) => (!isOnesided || k === 0 || 2 * k === division.nfft ? 1 : 2) * power,
  );
  const weighed = weigh(products, weights);
  const values = average === "mean" ? mean(weighed, -2) : medianOf(weighed);
  return { frequencies, values: moveAxis(values, values.ndim - 1, place) };
}

/** The median over segments of both parts, divided by its bias. */
function medianOf(x: Tensor): Tensor {
  const count = x.shape[x.ndim - 2];
  // The bias for a mean of exponentially distributed numbers: B. Allen et al., "FINDCHIRP", 2012.
  const bias = range(Math.floor((count - 1) / 2)).reduce(
    (sum, i) => sum + 1 / (2 * i + 3) - 1 / (2 * i + 2),
    1,
  );
  const half = Math.floor(count / 2);
  const [re, im] = [real(x), imag(x)].map((part) => {
    const sorted = sort(part, -2);
    const middle = sliceAxis(sorted, x.ndim - 2, half - (count % 2 === 0 ? 1 : 0), half + 1);
    return scale(mean(middle, -2), 1 / bias);
  });
  return complex(re, im);
}

/**
 * The spectral density of signals, by Welch's method: the mean, or the median, over segments of the squares of
 * amplitudes.
 *
 * @category Signals
 * @param x Any shape but a scalar.
 * @param options The segments, the window, the scaling and the average.
 * @returns The frequencies, and the densities: of real signals, both signs of a frequency together.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when `x` is complex and `onesided` is `true`.
 * @throws {ShapeError} when the signal is empty.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Where a wave is
 * ```ts
 * import { argmax } from "@jacobi/jacobi";
 * import { welch } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const wave = Array.from({ length: 64 }, (_, i) => Math.sin(Math.PI * i / 4));
 * const { frequencies, values } = welch(wave, { nperseg: 16 });
 * assertTensorsClose(frequencies.data()[argmax(values).item()], 0.125);
 * ```
 */
export function welch(x: TensorLike, options?: WelchOptions): Spectrum {
  const what = "Cannot compute densities of";
  const value = toTensor(x, what);
  const { frequencies, values } = densities(`${what} ${showType(value)}`, [value, value], options);
  return { frequencies, values: real(values) };
}

/**
 * The spectral density of signals, by the transform of all of each: the squares of amplitudes.
 *
 * @category Signals
 * @param x Any shape but a scalar.
 * @param options The window, the length of transforms and the scaling.
 * @returns The frequencies, and the densities: of real signals, both signs of a frequency together.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when `x` is complex and `onesided` is `true`.
 * @throws {ShapeError} when the signal is empty.
 * @throws {ArgumentError} when an option is out of its range.
 *
 * @example Its sum, times the distance of frequencies, is the mean of squares
 * ```ts
 * import { periodogram } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const { values } = periodogram([1, -2, 3, -2]);
 * assertTensorsClose(values.sum().div(4), 4.5);
 * ```
 */
export function periodogram(x: TensorLike, options?: PeriodogramOptions): Spectrum {
  const what = "Cannot compute densities of";
  const value = toTensor(x, what);
  const shown = `${what} ${showType(value)}`;
  const { window, ...rest } = readOptions(shown, options, [
    "fs",
    "window",
    "nfft",
    "axis",
    "scaling",
    "onesided",
    "detrend",
  ]);
  const nperseg = value.shape[checkAxis(rest.axis ?? -1, value.ndim, shown)];
  const own = {
    ...rest,
    nperseg,
    noverlap: 0,
    window: window ?? Array.from(tabulate(nperseg, () => 1)),
  };
  const { frequencies, values } = densities(shown, [value, value], own);
  return { frequencies, values: real(values) };
}

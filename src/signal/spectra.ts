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
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkCount, cut, fit, lastOf, surround, weigh } from "../fft/arguments.ts";
import { rfftfreq } from "../fft/frequencies.ts";
import { irfft, rfft } from "../fft/transforms.ts";
import { checkInteger } from "../functions/arguments.ts";
import { sub } from "../functions/arithmetic.ts";
import { broadcastTogether, floatOperand } from "../functions/broadcasting.ts";
import { conj, real } from "../functions/complex.ts";
import { tensor } from "../functions/creation.ts";
import { mean } from "../functions/reduction.ts";
import { add, mul, scale } from "../primitives/arithmetic.ts";
import { concatenate } from "../primitives/slicing.ts";
import { convert, moveAxis, reshape } from "../primitives/structure.ts";
import { type WindowName, windowValues } from "./windows.ts";

/** Options of segments. */
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
}

/** Options of `stft`. */
export interface StftOptions extends SegmentOptions {
  /** Whether zeros surround the signal, so that its ends are in the middle of segments. Default `true`. */
  readonly boundary?: boolean;
  /** Whether zeros behind it make the last segment whole. Default `true`. */
  readonly padded?: boolean;
}

/** Options of `istft`. */
export interface IstftOptions extends Omit<SegmentOptions, "axis"> {
  /** Whether zeros surrounded the signal. Default `true`. */
  readonly boundary?: boolean;
}

/** A spectrum for each segment. */
export interface Segments {
  /** The frequencies, `[floor(nfft / 2) + 1]`. */
  readonly frequencies: Tensor;
  /** The times of the middles of segments. */
  readonly times: Tensor;
  /** The transforms, complex: in the place of the signal's axis frequencies, behind all axes segments. */
  readonly values: Tensor;
}

/** A spectrum. */
export interface Spectrum {
  /** The frequencies, `[floor(nfft / 2) + 1]`. */
  readonly frequencies: Tensor;
  /** The densities or powers: frequencies in the place of the signal's axis. */
  readonly values: Tensor;
}

const NAMES = ["fs", "window", "nperseg", "noverlap", "nfft", "axis", "scaling"] as const;

/** How a signal is divided. */
interface Division {
  readonly fs: number;
  readonly window: Float64Array;
  readonly nperseg: number;
  readonly step: number;
  readonly nfft: number;
  readonly scaling: "spectrum" | "density";
}

function readDivision(
  what: string,
  length: number,
  { fs = 1, window = "hanning", nperseg, noverlap, nfft, scaling }: Partial<SegmentOptions>,
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
  const values = typeof window === "string"
    ? windowValues(window, size + 1, what).subarray(0, size)
    : Float64Array.from(window);
  if (values.length !== size) {
    throw argumentError(`${what}: the window must have ${size} numbers, got ${values.length}`);
  }
  return { fs, window: values, nperseg: size, step: size - shared, nfft: long, scaling };
}

/** What squares of amplitudes are multiplied by. */
function powerOf({ fs, window, scaling }: Division): number {
  const sum = window.reduce((total, value) => total + value, 0);
  const squares = window.reduce((total, value) => total + value * value, 0);
  return scaling === "spectrum" ? 1 / sum ** 2 : 1 / (fs * squares);
}

/** Real signals along the last axis; half floats are computed in float32. */
function readSignal(what: string, x: Tensor, axis: number): Tensor {
  if (isComplex(x.dtype)) {
    throw dtypeError(`${what}: expected real signals; take real(x) and imag(x) by themselves`);
  }
  const value = floatOperand(x);
  return moveAxis(convert(value, wideDtype(value.dtype)), axis, x.ndim - 1);
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
 * The short-time Fourier transform of real signals: the transforms of overlapping, windowed segments.
 *
 * @param x Any shape but a scalar, real.
 * @param options The segments, the window, the scaling and the ends.
 * @returns The frequencies, the times, and the transforms: frequencies in the place of the signal's axis, and
 * one more axis of segments behind all others.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when `x` is complex.
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
  const { boundary = true, padded = true, axis = -1, scaling = "spectrum", ...rest } = readOptions(
    shown,
    options,
    [...NAMES, "boundary", "padded"],
  );
  checkFlag(boundary, shown, "boundary");
  checkFlag(padded, shown, "padded");
  const place = checkAxis(axis, value.ndim, shown);
  const division = readDivision(shown, value.shape[place], { ...rest, scaling });
  const { fs, window, nperseg, step, nfft } = division;
  const ends = boundary ? Math.floor(nperseg / 2) : 0;
  const inner = surround(readSignal(shown, value, place), ends, ends);
  const left = padded ? (((nperseg - lastOf(inner)) % step) + step) % step : 0;
  const segments = weigh(segmentsOf(surround(inner, 0, left), division), window);
  const amplitude = Math.sqrt(powerOf(division));
  const values = scale(rfft(segments, { n: nfft }), amplitude);
  const count = segments.shape[segments.ndim - 2];
  const dtype = partDtype(values.dtype) as "float32";
  const times = range(count).map((i) =>
    (nperseg / 2 + i * step - (boundary ? nperseg / 2 : 0)) / fs
  );
  return {
    frequencies: rfftfreq(nfft, { d: 1 / fs, dtype }),
    times: tensor(times, { dtype }),
    values: moveAxis(values, values.ndim - 1, place),
  };
}

/**
 * The signals that `stft` has transformed, from transforms that need not be of any signal: that with the
 * least squares of differences (D. Griffin and J. Lim, "Signal estimation from modified short-time Fourier
 * transform", 1984).
 *
 * @param values `[..., frequencies, segments]`, complex.
 * @param options What `stft` was given.
 * @returns The signals, along the last axis.
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
  const { boundary = true, scaling = "spectrum", ...rest } = readOptions(shown, options, [
    "fs",
    "window",
    "nperseg",
    "noverlap",
    "nfft",
    "scaling",
    "boundary",
  ]);
  checkFlag(boundary, shown, "boundary");
  if (given.ndim < 2 || given.shape.slice(-2).includes(0)) {
    throw shapeError(`${shown}: expected axes of frequencies and segments`);
  }
  const whole = 2 * (given.shape[given.ndim - 2] - 1);
  const nperseg = rest.nperseg ?? rest.nfft ?? whole;
  const nfft = rest.nfft ?? (nperseg === whole + 1 ? nperseg : Math.max(whole, 1));
  const division = readDivision(shown, nperseg, { ...rest, nperseg, nfft, scaling });
  const { window } = division;
  const spectra = moveAxis(given, given.ndim - 2, given.ndim - 1);
  const segments = cut(irfft(spectra, { n: nfft }), 0, nperseg);
  const count = segments.shape[segments.ndim - 2];
  const squares = Float64Array.from(window, (value) => value * value);
  const weights = overlapped(squares, count, division);
  const ends = boundary ? Math.floor(nperseg / 2) : 0;
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
 * The cross spectral density of two real signals, by Welch's method: the mean over segments, without their
 * means, of `conj(X) Y`.
 *
 * @param x Any shape but a scalar, real.
 * @param y Real; broadcast together with `x`.
 * @param options The segments, the window and the scaling.
 * @returns The frequencies, and the complex densities: both signs of a frequency together.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when a signal is complex.
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
export function csd(x: TensorLike, y: TensorLike, options?: SegmentOptions): Spectrum {
  const what = "Cannot compare spectra of";
  const [a, b] = broadcastTogether(what, x, y);
  const shown = `${what} ${showType(a)}`;
  const { axis = -1, scaling = "density", ...rest } = readOptions(shown, options, NAMES);
  const place = checkAxis(axis, a.ndim, shown);
  const division = readDivision(shown, a.shape[place], { ...rest, scaling });
  const { fs, window, nfft } = division;
  const [first, second] = [a, b].map((signal) => {
    const segments = segmentsOf(readSignal(shown, signal, place), division);
    const centred = sub(segments, mean(segments, -1, { keepdims: true }));
    return rfft(weigh(centred, window), { n: nfft });
  });
  const products = mul(conj(first), second);
  const power = powerOf(division);
  const weights = Float64Array.from(
    { length: lastOf(products) },
    (_, k) => (k === 0 || 2 * k === nfft ? 1 : 2) * power,
  );
  const values = mean(weigh(products, weights), -2);
  const dtype = partDtype(values.dtype) as "float32";
  return {
    frequencies: rfftfreq(nfft, { d: 1 / fs, dtype }),
    values: moveAxis(values, values.ndim - 1, place),
  };
}

/**
 * The spectral density of real signals, by Welch's method: the mean over segments, without their means, of
 * the squares of amplitudes.
 *
 * @param x Any shape but a scalar, real.
 * @param options The segments, the window and the scaling.
 * @returns The frequencies, and the densities: both signs of a frequency together.
 * @throws {AxisError} when the axis is out of range.
 * @throws {DtypeError} when `x` is complex.
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
export function welch(x: TensorLike, options?: SegmentOptions): Spectrum {
  const { frequencies, values } = csd(x, x, options);
  return { frequencies, values: real(values) };
}

/**
 * Images of other sizes.
 *
 * @module
 */
import { describeValue, isComplex } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { checkShape, range, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { withinMemory } from "../core/tensor.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { checkLength, listAxes } from "../functions/arguments.ts";
import { broadcastTo, floatOperand } from "../functions/broadcasting.ts";
import { isNameIn } from "./names.ts";
import {
  abs,
  add,
  arange,
  astype,
  div,
  expandDims,
  greater,
  greaterEqual,
  index,
  less,
  lessEqual,
  logicalAnd,
  maximum,
  minimum,
  moveaxis,
  mul,
  pad,
  reshape,
  sinc,
  stack,
  sub,
  sum,
  take,
  tensor,
  tensordot,
  where,
} from "../functions/mod.ts";
import { slice } from "../primitives/slicing.ts";

/** How each element along an axis of the result is made: places in the argument, and their weights. */
interface Taps {
  /** How many elements the result has. */
  readonly length: number;
  /** The places, `[length]` for each tap; those outside stand for the outermost elements. */
  readonly places: readonly Int32Array<ArrayBuffer>[];
  /** The weights, as many; `null` where an element is copied. */
  readonly weights: readonly Float64Array<ArrayBuffer>[] | null;
}

/** A function of the distance from the place that an element is made for, and where it ends. */
interface Kernel {
  readonly radius: number;
  readonly at: (distance: number) => number;
}

/** Keys' cubic kernel ("Cubic convolution interpolation for digital image processing", 1981). */
function cubic(a: number): Kernel {
  return {
    radius: 2,
    at: (x) =>
      x < 1
        ? ((a + 2) * x - (a + 3)) * x * x + 1
        : x < 2
        ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        : 0,
  };
}

/** Lanczos' windowed sine. */
function lanczos(radius: number): Kernel {
  return {
    radius,
    at(x) {
      if (x > radius) return 0;
      if (x <= 1e-3) return 1;
      const angle = Math.PI * x;
      return radius * Math.sin(angle) * Math.sin(angle / radius) / (angle * angle);
    },
  };
}

const triangle: Kernel = { radius: 1, at: (x) => Math.max(0, 1 - x) };
const keys = cubic(-0.5);
const steep = cubic(-0.75);

/** More taps than these are a product with a matrix. */
const MOST_TAPS = 8;

/** Taps from the weight of each place, of which there are at most `count` from a first one on. */
function gatherTaps(
  length: number,
  count: number,
  firstOf: (i: number) => number,
  weightOf: (i: number, place: number) => number,
): Taps {
  return withinMemory({ dtype: "float64", shape: [length] }, () => {
    const places = range(count).map(() => new Int32Array(length));
    const weights = range(count).map(() => new Float64Array(length));
    for (let i = 0; i < length; i++) {
      const first = firstOf(i);
      for (let k = 0; k < count; k++) {
        places[k][i] = first + k;
        weights[k][i] = weightOf(i, first + k);
      }
    }
    return { length, places, weights };
  });
}

/** Taps whose weights add up to 1; where there is nothing to add up, to 0. */
function normalized(taps: Taps): Taps {
  const { length, weights } = taps;
  if (weights === null) return taps;
  for (let i = 0; i < length; i++) {
    const sum = weights.reduce((total, own) => total + own[i], 0);
    for (const own of weights) own[i] = Math.abs(sum) > 1e-4 ? own[i] / sum : 0;
  }
  return taps;
}

/** Copies of the elements at these places. */
function copies(length: number, placeOf: (i: number) => number): Taps {
  return withinMemory({ dtype: "int32", shape: [length] }, () => {
    const places = new Int32Array(length);
    for (let i = 0; i < length; i++) places[i] = placeOf(i);
    return { length, places: [places], weights: null };
  });
}

/** More strided copies than these are gathers. */
const MOST_PHASES = 16;

/**
 * Elements at the places of each tap. Where places come again every few elements, some of the axis further
 * on, as with twice the length, they are strided copies of the axis, which compiled loops read in place.
 */
function tapped(x: Tensor, axis: number, { length, places }: Taps): Tensor[] {
  const size = x.shape[axis];
  const rounds = gcd(length, size);
  const [count, step] = [length / rounds, size / rounds];
  const isRegular = rounds > 1 && count > 0 && count * places.length <= MOST_PHASES &&
    places.every((list) => list.every((at, i) => i < count || at === list[i - count] + step));
  if (!isRegular) {
    return places.map((list) => {
      return take(x, tensor(list.map((at) => Math.min(Math.max(at, 0), size - 1))), axis);
    });
  }
  const first = places.map((list) => list.slice(0, count));
  const before = Math.max(0, ...first.flatMap((list) => -Math.min(...list)));
  const last = Math.max(...first.flatMap((list) => Math.max(...list))) + step * (rounds - 1);
  const widths = x.shape.map((_, i) =>
    i === axis ? [before, Math.max(0, last - size + 1)] : [0, 0]
  );
  const wide = pad(x, widths as [number, number][], { mode: "edge" });
  const shape = x.shape.with(axis, length);
  return first.map((list) => {
    const phases = Array.from(list, (at) => {
      const start = x.shape.map((_, i) => i === axis ? before + at : 0);
      const stop = wide.shape.with(axis, before + at + step * (rounds - 1) + 1);
      return slice(wide, start, stop, x.shape.map((_, i) => i === axis ? step : 1));
    });
    return count === 1 ? phases[0] : reshape(stack(phases, axis + 1), shape);
  });
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** `x` with some axes made by taps. Those that get shorter come first, and rows are copied last. */
function resampledAlong(x: Tensor, axes: readonly (readonly [axis: number, taps: Taps])[]): Tensor {
  const growth = ([axis, { length }]: readonly [number, Taps]) => length / x.shape[axis];
  return axes.toSorted((a, b) => growth(a) - growth(b) || b[0] - a[0])
    .reduce((y, [axis, taps]) => resampled(y, axis, taps), x);
}

/** `x` with an axis made by these taps. */
function resampled(x: Tensor, axis: number, taps: Taps): Tensor {
  const { length, places, weights } = taps;
  if (weights === null) return tapped(x, axis, taps)[0];
  const size = x.shape[axis];
  if (places.length > MOST_TAPS) {
    const own = withinMemory({ dtype: "float64", shape: [length, size] }, () => {
      const matrix = new Float64Array(length * size);
      places.forEach((list, k) =>
        list.forEach((at, i) => {
          matrix[i * size + Math.min(Math.max(at, 0), size - 1)] += weights[k][i];
        })
      );
      return reshape(tensor(matrix, { dtype: "float64" }), [length, size]);
    });
    return moveaxis(tensordot(x, astype(own, x.dtype), [[axis], [1]]), -1, axis);
  }
  const shape = x.shape.map((_, i) => i === axis ? length : 1);
  return tapped(x, axis, taps).map((y, k) => {
    const own = astype(tensor(weights[k], { dtype: "float64" }), x.dtype);
    return mul(y, reshape(own, shape));
  }).reduce(add);
}

/**
 * Ways to make a new size.
 *
 * @category Images
 */
export type ResizeMethod =
  | "nearest"
  | "linear"
  | "cubic"
  | "cubic-pytorch"
  | "lanczos3"
  | "lanczos5"
  | "area";

const KERNELS: Readonly<Record<Exclude<ResizeMethod, "nearest" | "area">, Kernel>> = {
  linear: triangle,
  cubic: keys,
  "cubic-pytorch": steep,
  lanczos3: lanczos(3),
  lanczos5: lanczos(5),
};

/** JAX's taps: the element `i` of the result stands at `(i + 1/2 - shift) step - 1/2`. */
function scaledTaps(
  size: number,
  length: number,
  step: number,
  shift: number,
  method: ResizeMethod,
  antialias: boolean,
): Taps {
  const at = (i: number) => (i + 0.5 - shift) * step - 0.5;
  if (method === "area") {
    const edge = (i: number) => (i - shift) * step;
    return normalized(gatherTaps(
      length,
      Math.min(Math.ceil(step) + 1, size),
      (i) => Math.max(Math.floor(edge(i)), 0),
      (i, place) =>
        place < 0 || place >= size
          ? 0
          : Math.max(0, Math.min(edge(i) + step, place + 1) - Math.max(edge(i), place)),
    ));
  }
  const isClamped = method === "cubic-pytorch" && !antialias;
  const kernel = method === "cubic-pytorch" && antialias ? keys : KERNELS[method as "linear"];
  const stretch = antialias ? Math.max(step, 1) : 1;
  const reach = kernel.radius * stretch;
  const most = Math.ceil(2 * reach) + 1;
  // Of few elements all are looked at.
  const least = most > size ? 0 : -Infinity;
  return normalized(gatherTaps(
    length,
    isClamped ? 4 : Math.min(most, size),
    (i) => isClamped ? Math.floor(at(i)) - 1 : Math.max(Math.ceil(at(i) - reach), least),
    (i, place) => {
      const isInside = isClamped ||
        (place >= 0 && place < size && at(i) >= -0.5 && at(i) <= size - 0.5);
      return isInside ? kernel.at(Math.abs(place - at(i)) / stretch) : 0;
    },
  ));
}

/** The same kernels of tensors, for steps that are. */
const smoothKernels: Readonly<Record<keyof typeof KERNELS, (distance: Tensor) => Tensor>> = {
  linear: (x) => maximum(sub(1, x), 0),
  cubic: smoothCubic,
  "cubic-pytorch": smoothCubic,
  lanczos3: (x) => smoothLanczos(x, 3),
  lanczos5: (x) => smoothLanczos(x, 5),
};

function smoothCubic(x: Tensor): Tensor {
  const near = add(mul(mul(sub(mul(x, 1.5), 2.5), x), x), 1);
  const far = add(mul(sub(mul(add(mul(x, -0.5), 2.5), x), 4), x), 2);
  return where(less(x, 1), near, where(less(x, 2), far, 0));
}

function smoothLanczos(x: Tensor, radius: number): Tensor {
  const value = mul(sinc(x), sinc(div(x, radius)));
  return where(less(x, radius), value, 0);
}

/** The weights `[length, size]` of {@linkcode scaledTaps} by a step and a shift that are scalars. */
function scaledWeights(
  size: number,
  length: number,
  step: Tensor,
  shift: Tensor,
  method: Exclude<ResizeMethod, "nearest">,
  antialias: boolean,
): Tensor {
  const [rows, columns] = [length, size].map((count) => arange(count, { dtype: "float64" }));
  const at = expandDims(sub(mul(sub(add(rows, 0.5), shift), step), 0.5), -1);
  let weights: Tensor;
  if (method === "area") {
    const edge = expandDims(mul(sub(rows, shift), step), -1);
    const stop = minimum(add(edge, step), add(columns, 1));
    weights = maximum(sub(stop, maximum(edge, columns)), 0);
  } else {
    const stretch = antialias ? maximum(step, 1) : 1;
    const own = smoothKernels[method](div(abs(sub(columns, at)), stretch));
    const isInside = logicalAnd(greaterEqual(at, -0.5), lessEqual(at, size - 0.5));
    weights = where(isInside, own, 0);
  }
  const total = sum(weights, -1, { keepdims: true });
  const isSome = greater(abs(total), 1e-4);
  return where(isSome, div(weights, where(isSome, total, 1)), 0);
}

/**
 * Options of `resize` and `scaleAndTranslate`.
 *
 * @category Images
 */
export interface ResizeOptions {
  /**
   * `"linear"` by default, `"nearest"`, `"cubic"` (Keys' kernel), `"cubic-pytorch"`, `"lanczos3"`,
   * `"lanczos5"` or `"area"`, the mean over what a new element covers.
   */
  readonly method?: ResizeMethod;
  /** Whether kernels grow with the step where an axis gets shorter. Default `true`. */
  readonly antialias?: boolean;
}

function readMethod(
  what: string,
  options: ResizeOptions | undefined,
): { method: ResizeMethod; antialias: boolean } {
  const { method = "linear", antialias = true } = readOptions(what, options, [
    "method",
    "antialias",
  ]);
  checkFlag(antialias, what, "antialias");
  if (method !== "nearest" && method !== "area" && !isNameIn(KERNELS, method)) {
    const names = ["nearest", ...Object.keys(KERNELS), "area"].map((name) => `"${name}"`);
    throw argumentError(
      `${what}: method must be one of ${names.join(", ")}, got ${describeValue(method)}`,
    );
  }
  return { method, antialias };
}

/** The argument of a function that gives it another shape, which has as many axes. */
function readShapes(what: string, x: TensorLike, shape: Shape): [Tensor, Shape, string] {
  const value = floatOperand(toTensor(x, what));
  const lengths = checkShape(shape, `${what} ${showType(value)}`);
  const shown = `${what} ${showType(value)} to ${showShape(lengths)}`;
  if (lengths.length !== value.ndim) throw shapeError(`${shown}: expected as many axes`);
  if (value.size === 0 && !lengths.includes(0)) throw shapeError(`${shown}: there are no elements`);
  return [value, lengths, shown];
}

/**
 * `x` in another size, as `jax.image.resize` gives it: the middles of elements are what is looked at, and
 * axes that keep their length stay as they are.
 *
 * @category Images
 * @param x Any shape; integers and bools become floats.
 * @param shape The new shape, of as many axes.
 * @param options `method`: `"linear"` by default; `antialias`: whether what gets smaller is smoothed, `true`
 * by default. It has no meaning for `"nearest"` and `"area"`.
 * @returns A tensor of that shape.
 * @throws {ShapeError} when the shape has another number of axes.
 * @throws {ArgumentError} when there is no such method.
 *
 * @example Twice as wide
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(image.resize([[0, 4]], [1, 4]), [[0, 1, 3, 4]]);
 * assertTensorsClose(image.resize([[0, 4, 2, 2]], [1, 2], { method: "area" }), [[2, 2]]);
 * ```
 */
export function resize(x: TensorLike, shape: Shape, options?: ResizeOptions): Tensor {
  const what = "Cannot resize";
  const { method, antialias } = readMethod(what, options);
  const [value, lengths] = readShapes(what, x, shape);
  const axes = lengths.flatMap((length, axis): [number, Taps][] => {
    const size = value.shape[axis];
    if (length === size) return [];
    const step = size / length;
    const taps = method === "nearest"
      ? copies(length, (i) => Math.floor((i + 0.5) * step))
      : scaledTaps(size, length, step, 0, method, antialias);
    return [[axis, taps]];
  });
  return resampledAlong(value, axes);
}

/**
 * `x` scaled and moved along some axes, as `jax.image.scale_and_translate` gives it: what stands at `p`
 * comes to `p * scale + translation`, where the first element reaches from 0 to 1. Zeros come from
 * outside.
 *
 * @category Images
 * @param x Any shape; integers and bools become floats.
 * @param shape The new shape, of as many axes, which differs along `axes` only.
 * @param axes The axis, or axes.
 * @param scale A positive factor for each of them, `[axes]`, or one for all. Where it or `translation` is a
 * tensor, derivatives flow to both, and the result is a product with a matrix of weights for each axis.
 * @param translation How far each moves, in elements of the result, `[axes]`, or one number for all.
 * @param options `method`: any but `"nearest"`, `"linear"` by default; `antialias`: `true` by default.
 * @returns A tensor of that shape.
 * @throws {ShapeError} when the shape has another number of axes, or differs along other ones.
 * @throws {AxisError} when an axis is out of range or named twice.
 * @throws {ArgumentError} when numbers are missing or of no use, or there is no such method.
 *
 * @example By half an element to the right
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = image.scaleAndTranslate([2, 4, 6], [3], 0, 1, 0.5);
 * assertTensorsClose(x, [2, 3, 5]);
 * ```
 */
export function scaleAndTranslate(
  x: TensorLike,
  shape: Shape,
  axes: number | readonly number[],
  scale: number | readonly number[] | Tensor,
  translation: number | readonly number[] | Tensor,
  options?: ResizeOptions,
): Tensor {
  const what = "Cannot scale and translate";
  const { method, antialias } = readMethod(what, options);
  const [value, lengths, shown] = readShapes(what, x, shape);
  const own = listAxes(axes, value.ndim, shown);
  if (method === "nearest") throw argumentError(`${shown}: method "nearest" is not for this`);
  const changed = lengths.findIndex((length, i) => length !== value.shape[i] && !own.includes(i));
  if (changed >= 0) throw shapeError(`${shown}: axis ${changed} is not among the axes`);
  if (scale instanceof Tensor || translation instanceof Tensor) {
    if (method === "cubic-pytorch" && !antialias) {
      throw argumentError(`${shown}: method "cubic-pytorch" without antialias expects numbers`);
    }
    const [scales, moves] = [[scale, "scale"], [translation, "translation"]].map(([given, name]) =>
      tensorPerAxis(given as TensorLike, own.length, shown, name as string)
    );
    return own.reduce((y, axis, k) => {
      const [size, length] = [value.shape[axis], lengths[axis]];
      if (size === 0) return y;
      const step = div(1, index(scales, k));
      const weights = scaledWeights(size, length, step, index(moves, k), method, antialias);
      return moveaxis(tensordot(y, astype(weights, y.dtype), [[axis], [1]]), -1, axis);
    }, value);
  }
  const scales = perAxis(scale, own.length, shown, "scale");
  const moves = perAxis(translation, own.length, shown, "translation");
  const areNumbers = [...scales, ...moves].every(Number.isFinite) && scales.every((one) => one > 0);
  if (!areNumbers) {
    throw argumentError(
      `${shown}: expected positive scales and finite translations, ` +
        `got ${describeValue(scale)} and ${describeValue(translation)}`,
    );
  }
  const made = own.flatMap((axis, k): [number, Taps][] => {
    const size = value.shape[axis];
    if (size === 0) return [];
    return [[axis, scaledTaps(size, lengths[axis], 1 / scales[k], moves[k], method, antialias)]];
  });
  return resampledAlong(value, made);
}

/**
 * Modes of `interpolate`.
 *
 * @category Images
 */
export type InterpolateMode =
  | "nearest"
  | "nearest-exact"
  | "linear"
  | "bilinear"
  | "bicubic"
  | "trilinear"
  | "area";

/** How many axes of space each mode is for; `null` for any. */
const MODES: Readonly<Record<InterpolateMode, number | null>> = {
  nearest: null,
  "nearest-exact": null,
  linear: 1,
  bilinear: 2,
  bicubic: 2,
  trilinear: 3,
  area: null,
};

/**
 * Options of `interpolate`.
 *
 * @category Images
 */
export interface InterpolateOptions {
  /** The new lengths of the axes of space, or one for all. */
  readonly size?: number | readonly number[];
  /** What they are multiplied by instead, or one factor for all. */
  readonly scaleFactor?: number | readonly number[];
  /** Default `"nearest"`. */
  readonly mode?: InterpolateMode;
  /** Whether the middles of the outermost elements stay where they are. Default `false`. */
  readonly alignCorners?: boolean;
  /** Whether kernels grow where an axis gets shorter; for `"bilinear"` and `"bicubic"`. Default `false`. */
  readonly antialias?: boolean;
}

/** PyTorch's taps along an axis; `factor` is what the length was multiplied by, if it was given. */
function torchTaps(
  size: number,
  length: number,
  factor: number | null,
  mode: InterpolateMode,
  alignCorners: boolean,
  antialias: boolean,
): Taps {
  const step = factor === null ? size / length : 1 / factor;
  const scale = !alignCorners ? step : length > 1 ? (size - 1) / (length - 1) : 0;
  if (mode === "nearest") return copies(length, (i) => Math.floor(i * step));
  if (mode === "nearest-exact") return copies(length, (i) => Math.floor((i + 0.5) * step));
  if (mode === "area") {
    const start = (i: number) => Math.floor(i * size / length);
    const stop = (i: number) => Math.ceil((i + 1) * size / length);
    return gatherTaps(length, Math.ceil(size / length) + 1, start, (i, place) => {
      return place < stop(i) ? 1 / (stop(i) - start(i)) : 0;
    });
  }
  if (antialias) {
    const kernel = mode === "bicubic" ? keys : triangle;
    const stretch = Math.max(scale, 1);
    const reach = kernel.radius * stretch;
    const middle = (i: number) => scale * (i + 0.5);
    return normalized(gatherTaps(
      length,
      Math.min(Math.ceil(2 * reach) + 1, size),
      (i) => Math.max(Math.trunc(middle(i) - reach + 0.5), 0),
      (i, place) => {
        const stop = Math.min(Math.trunc(middle(i) + reach + 0.5), size);
        return place < stop ? kernel.at(Math.abs(place + 0.5 - middle(i)) / stretch) : 0;
      },
    ));
  }
  const isLinear = mode !== "bicubic";
  const at = (i: number) => {
    const place = alignCorners ? i * scale : (i + 0.5) * scale - 0.5;
    return isLinear ? Math.max(place, 0) : place;
  };
  const kernel = isLinear ? triangle : steep;
  return gatherTaps(
    length,
    2 * kernel.radius,
    (i) => Math.floor(at(i)) - kernel.radius + 1,
    (i, place) => kernel.at(Math.abs(place - at(i))),
  );
}

/** One double for each axis, as a vector. */
function tensorPerAxis(value: TensorLike, count: number, what: string, name: string): Tensor {
  const given = floatOperand(toTensor(value, what));
  const fits = given.ndim === 0 || (given.ndim === 1 && given.shape[0] === count);
  if (!fits || isComplex(given.dtype)) {
    throw shapeError(
      `${what}: expected ${count} real numbers as ${name}, or one, got ${showType(given)}`,
    );
  }
  return broadcastTo(astype(given, "float64"), [count]);
}

/** One number for each axis of space. */
function perAxis(value: unknown, count: number, what: string, name: string): number[] {
  const list = Array.isArray(value) ? Array.from(value) : Array(count).fill(value);
  if (list.length === count) return list;
  throw argumentError(`${what}: expected ${count} numbers as ${name}, got ${list.length}`);
}

/**
 * Images in another size, as `torch.nn.functional.interpolate` gives them.
 *
 * @category Images
 * @param x `[batch, channels, ...space]` with one to three axes of space; integers and bools become floats.
 * @param options `size` or `scaleFactor`: the new lengths, or what they are multiplied by, rounded down;
 * `mode`: `"nearest"` by default, `"nearest-exact"`, `"linear"`, `"bilinear"`, `"bicubic"`,
 * `"trilinear"`, `"area"`; `alignCorners` for modes with `linear` or `cubic` in their name; `antialias` for
 * `"bilinear"` and `"bicubic"`.
 * @returns `[batch, channels, ...lengths]`
 * @throws {ShapeError} when `x` has no axes of space or too many, or no elements.
 * @throws {ArgumentError} when an option is not valid, or not for this mode.
 *
 * @example Twice as large
 * ```ts
 * import { image } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = [[[0, 4]]];
 * assertTensorsClose(image.interpolate(x, { scaleFactor: 2 }), [[[0, 0, 4, 4]]]);
 * const linear = image.interpolate(x, { size: 3, mode: "linear", alignCorners: true });
 * assertTensorsClose(linear, [[[0, 2, 4]]]);
 * ```
 */
export function interpolate(x: TensorLike, options?: InterpolateOptions): Tensor {
  const what = "Cannot interpolate";
  const value = floatOperand(toTensor(x, what));
  const shown = `${what} ${showType(value)}`;
  const { size, scaleFactor, mode = "nearest", alignCorners = false, antialias = false } =
    readOptions(
      what,
      options,
      ["size", "scaleFactor", "mode", "alignCorners", "antialias"],
    );
  const space = value.ndim - 2;
  if (space < 1 || space > 3) {
    throw shapeError(
      `${shown}: expected [batch, channels, ...space] with one to three axes of space`,
    );
  }
  if (!isNameIn(MODES, mode)) {
    const names = Object.keys(MODES).map((name) => `"${name}"`).join(", ");
    throw argumentError(`${shown}: mode must be one of ${names}, got ${describeValue(mode)}`);
  }
  if (MODES[mode] !== null && MODES[mode] !== space) {
    throw argumentError(
      `${shown}: mode "${mode}" is for ${MODES[mode]} axes of space, not ${space}`,
    );
  }
  checkFlag(alignCorners, what, "alignCorners");
  checkFlag(antialias, what, "antialias");
  if (alignCorners && MODES[mode] === null) {
    throw argumentError(`${shown}: mode "${mode}" has no alignCorners`);
  }
  if (antialias && MODES[mode] !== 2) {
    throw argumentError(`${shown}: antialias is for modes "bilinear" and "bicubic" only`);
  }
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw argumentError(`${shown}: expected either size or scaleFactor`);
  }
  const factors = size !== undefined ? null : perAxis(scaleFactor, space, shown, "scaleFactor");
  if (factors?.some((one) => !(Number.isFinite(one) && one > 0))) {
    throw argumentError(`${shown}: factors must be positive, got ${describeValue(scaleFactor)}`);
  }
  const lengths = factors !== null
    ? factors.map((factor, i) => Math.floor(value.shape[i + 2] * factor))
    : perAxis(size, space, shown, "size").map((one) => checkLength(one, shown, "a length as size"));
  const all = [...value.shape.slice(0, 2), ...lengths];
  const [, checked] = readShapes(what, value, all);
  const axes = lengths.flatMap((_length, k): [number, Taps][] => {
    const factor = factors === null ? null : factors[k];
    const own = value.shape[k + 2];
    if (own === 0) return [];
    return [[k + 2, torchTaps(own, checked[k + 2], factor, mode, alignCorners, antialias)]];
  });
  return resampledAlong(value, axes);
}

/**
 * Counting elements in bins.
 *
 * @module
 */
import { describeValue, isFloat, sumDtype } from "../base/dtype.ts";
import { argumentError, indexError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { MAX_NDIM, range, sameShape, showType, sizeOf } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  div,
  floor,
  maximum,
  minimum,
  mul,
  offset,
  scale,
  sub,
} from "../primitives/arithmetic.ts";
import { and, equal, less, lessEqual, or, select } from "../primitives/comparison.ts";
import { gather, scatterAdd } from "../primitives/indexing.ts";
import { reduceMax, reduceMin } from "../primitives/reduction.ts";
import { insertionPlaces } from "../primitives/searching.ts";
import { concatenate, sliceAxis } from "../primitives/slicing.ts";
import {
  broadcast,
  constantLike,
  convert,
  iota,
  reduceSum,
  reshape,
} from "../primitives/structure.ts";
import { checkLength, toIndices } from "./arguments.ts";
import { floatOperand, promoteTogether } from "./broadcasting.ts";
import { countedFromFront } from "./index_tensors.ts";
import { realOperand } from "./operands.ts";
import { stack } from "./joining.ts";

/**
 * Options of `bincount`.
 *
 * @category Statistics
 */
export interface BincountOptions {
  /** The weight of each entry, in the shape of the entries; 1 by default. */
  readonly weights?: TensorLike;
  /** The least length of the result; 0 by default. */
  readonly minlength?: number;
  /** The length of the result; needed where the entries are traced. Entries beyond it are left out. */
  readonly length?: number;
}

/**
 * How often each integer from 0 on occurs.
 *
 * @category Statistics
 * @param x Integers that are not negative, `[n]`.
 * @param options `weights`: what each entry adds, `[n]`; `minlength`: the least length of the result;
 * `length`: its length, needed where `x` is traced, and beyond which entries are left out.
 * @returns `[length]`, by default one more than the largest entry; `int32`, or the dtype of the weights.
 * @throws {ShapeError} when `x` has not one axis, or the weights another shape.
 * @throws {IndexError} when an entry is known and negative.
 * @throws {TraceError} when `x` is traced and not known, and there is no `length`.
 *
 * @example Counts and sums
 * ```ts
 * import { bincount } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(bincount([0, 2, 2]), [1, 0, 2]);
 * assertTensorsClose(bincount([0, 2, 2], { weights: [1, 2, 3] }), [1, 0, 5]);
 * ```
 */
export function bincount(x: TensorLike, options?: BincountOptions): Tensor {
  const what = "Cannot count";
  const entries = toIndices(x, what);
  const { weights, minlength = 0, length } = readOptions(what, options, [
    "weights",
    "minlength",
    "length",
  ]);
  if (entries.ndim !== 1) throw shapeError(`${what} ${showType(entries)}: expected one axis`);
  const least = checkLength(minlength, what, "a minlength");
  const advice =
    "its largest entry is not known yet; give the length of the result as the option length";
  const known = length === undefined ? entries.concrete("count", advice) : entries;
  let count = length === undefined ? 0 : checkLength(length, what, "a length");
  if (known instanceof Concrete) {
    for (const entry of known.elements) {
      if (entry < 0) {
        throw indexError(`${what} ${showType(entries)} with the entry ${entry}: it is negative`);
      }
      if (length === undefined && entry >= count) count = entry + 1;
    }
  }
  if (length === undefined) count = Math.max(count, least);
  const amounts = weights === undefined
    ? splat(1, "int32", entries.shape)
    : toTensor(weights, what);
  if (!sameShape(amounts.shape, entries.shape)) {
    throw shapeError(
      `${what} ${showType(entries)} with weights ${showType(amounts)}: the shapes differ`,
    );
  }
  return sumsByPlace(convert(amounts, sumDtype(amounts.dtype)), wide(entries), count);
}

/** Entries as int32; those that it cannot hold are larger than any length. */
function wide(entries: Tensor): Tensor {
  return entries.dtype === "uint32" ? countedFromFront(entries, 0) : convert(entries, "int32");
}

/** The sums of `amounts` `[n, ...]` at `places` `[n]` from 0 to `count`; others are left out. */
export function sumsByPlace(amounts: Tensor, places: Tensor, count: number): Tensor {
  const outside = constantLike(places, count);
  const isOutside = or(less(places, constantLike(places, 0)), less(outside, places));
  const sums = scatterAdd(amounts, select(isOutside, outside, places), count + 1);
  return sliceAxis(sums, 0, 0, count);
}

/**
 * The bin of each element: the number of edges before it.
 *
 * @category Statistics
 * @param x Any shape.
 * @param bins The edges `[n]`, in ascending or in descending order.
 * @param options `right`: whether an element that equals an edge lies before it, `false` by default.
 * @returns `int32`, the shape of `x`: numbers from 0 to n.
 * @throws {ShapeError} when `bins` has not one axis.
 *
 * @example Three bins
 * ```ts
 * import { digitize } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(digitize([0.5, 1, 7], [1, 5]), [0, 1, 2]);
 * ```
 */
export function digitize(x: TensorLike, bins: TensorLike, options?: DigitizeOptions): Tensor {
  const what = "Cannot digitize";
  const { right = false } = readOptions(what, options, ["right"]);
  checkFlag(right, what, "right");
  const [value, edges] = promoteTogether(what, [x, bins], true).map((part) =>
    realOperand("digitize", part)
  );
  if (edges.ndim !== 1) throw shapeError(`${what} by ${showType(edges)}: expected one axis`);
  const rising = insertionPlaces(edges, value, right ? "left" : "right");
  if (edges.size < 2) return rising;
  const order = sub(constantLike(iota(edges.size), edges.size - 1), iota(edges.size));
  const falling = insertionPlaces(gather(edges, order), value, right ? "left" : "right");
  const end = (i: number) => broadcast(reshape(sliceAxis(edges, 0, i, i + 1), []), value.shape, []);
  const isFalling = less(end(edges.size - 1), end(0));
  return select(isFalling, sub(constantLike(falling, edges.size), falling), rising);
}

/**
 * Options of `digitize`.
 *
 * @category Statistics
 */
export interface DigitizeOptions {
  /** Whether an element that equals an edge lies before it. Default `false`. */
  readonly right?: boolean;
}

/**
 * Options of `histogramBinEdges`.
 *
 * @category Statistics
 */
export interface BinEdgesOptions {
  /** From where to where the bins go; by default from the least to the largest element. */
  readonly range?: readonly [low: number, high: number];
}

/**
 * Options of `histogram`.
 *
 * @category Statistics
 */
export interface HistogramOptions extends BinEdgesOptions {
  /** The weight of each element, in the shape of `x`; 1 by default. */
  readonly weights?: TensorLike;
  /** Whether the result is a density, whose integral is 1. Default `false`. */
  readonly density?: boolean;
}

/**
 * The edges of the bins of a histogram.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param bins How many bins of equal width, 10 by default, or their edges `[bins + 1]`.
 * @param options `range`: from where to where, by default from the least to the largest element; half a
 * unit is added on both sides where these are equal, and without elements it is from 0 to 1.
 * @returns `[bins + 1]`, a float dtype.
 * @throws {ArgumentError} when `bins` is no count but 0, edges that are known do not ascend, or the range is
 * not two increasing numbers.
 *
 * @example Four bins
 * ```ts
 * import { histogramBinEdges } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(histogramBinEdges([1, 5, 3], 4), [1, 2, 3, 4, 5]);
 * ```
 */
export function histogramBinEdges(
  x: TensorLike,
  bins?: number | TensorLike,
  options?: BinEdgesOptions,
): Tensor {
  const what = "Cannot make bins";
  const { range } = readOptions(what, options, ["range"]);
  return binsOf(readSample(x, what), bins ?? 10, range, what).edges;
}

/** The elements of a histogram as one axis of floats. */
function readSample(x: TensorLike, what: string): Tensor {
  const value = floatOperand(realOperand("histogram", toTensor(x, what)));
  return reshape(value, [value.size]);
}

/** The edges of bins; how many there are of equal width, and from where to where. */
interface Bins {
  readonly edges: Tensor;
  readonly count: number;
  /** `null` where the edges were given. */
  readonly bounds: readonly [low: Tensor, high: Tensor] | null;
}

function binsOf(
  x: Tensor,
  bins: number | TensorLike,
  bounds: readonly [number, number] | undefined,
  what: string,
): Bins {
  if (typeof bins !== "number") {
    const edges = realOperand("histogram", toTensor(bins, what));
    if (edges.ndim !== 1 || edges.size < 2) {
      throw shapeError(`${what} by ${showType(edges)}: expected the edges of one bin or more`);
    }
    if (edges instanceof Concrete) {
      const list = edges.elements;
      const place = list.findIndex((edge, i) => i > 0 && !(edge >= list[i - 1]));
      if (place > 0) {
        throw argumentError(
          `${what} by ${showType(edges)}: expected edges in ascending order, ` +
            `got ${list[place - 1]} before ${list[place]}`,
        );
      }
    }
    return { edges: floatOperand(edges), count: edges.size - 1, bounds: null };
  }
  const count = checkLength(bins, what, "a number of bins");
  if (count === 0) throw argumentError(`${what}: expected one bin or more`);
  if (bounds !== undefined) {
    const fits = Array.isArray(bounds) && bounds.length === 2 &&
      bounds.every((bound) => Number.isFinite(bound)) && bounds[0] <= bounds[1];
    if (!fits) {
      throw argumentError(
        `${what}: expected a range [low, high] of increasing numbers, got ${describeValue(bounds)}`,
      );
    }
  }
  const known = bounds ?? (x.size === 0 ? [0, 1] as const : null);
  const given = known === null
    ? [reduceMin(x, [0]), reduceMax(x, [0])]
    : known.map((bound) => splat(bound, x.dtype, []));
  const [low, high] = given;
  const isPoint = convert(equal(low, high), x.dtype);
  const [from, to] = [sub(low, scale(isPoint, 0.5)), add(high, scale(isPoint, 0.5))];
  const whole = (part: Tensor) => broadcast(convert(part, "float64"), [count], []);
  const step = div(sub(whole(to), whole(from)), splat(count, "float64", [count]));
  const inner = add(whole(from), mul(step, convert(iota(count), "float64")));
  const edges = concatenate([convert(inner, x.dtype), reshape(to, [1])], 0);
  return { edges, count, bounds: [from, to] };
}

/** The bin of each element; `count` for those in none. */
function placesIn({ edges, count, bounds }: Bins, x: Tensor): Tensor {
  const whole = (edge: Tensor) => broadcast(edge, x.shape, []);
  const list = edges.dtype === x.dtype ? edges : convert(edges, x.dtype);
  const end = (i: number) => whole(reshape(sliceAxis(list, 0, i, i + 1), []));
  const [first, last] = [end(0), end(count)];
  const isInside = and(lessEqual(first, x), lessEqual(x, last));
  const none = splat(count, "int32", x.shape);
  const held = (place: Tensor) =>
    maximum(minimum(place, constantLike(place, count - 1)), constantLike(place, 0));
  if (bounds === null) {
    return select(isInside, held(offset(insertionPlaces(list, x, "right"), -1)), none);
  }
  // The bin found by division may be off by one: the edges decide.
  const width = sub(last, first);
  const guess = floor(scale(div(sub(x, first), width), count));
  const place = held(convert(select(isInside, guess, constantLike(guess, 0)), "int32"));
  const isLow = less(x, gather(list, place));
  const isHigh = and(
    lessEqual(gather(list, offset(place, 1)), x),
    less(place, constantLike(place, count - 1)),
  );
  const moved = add(place, sub(convert(isHigh, "int32"), convert(isLow, "int32")));
  return select(isInside, held(moved), none);
}

/**
 * How many elements lie in each bin. All bins but the last are open at their upper edge.
 *
 * @category Statistics
 * @param x Any shape, of real numbers.
 * @param bins How many bins of equal width, 10 by default, or their edges `[bins + 1]` in ascending
 * order.
 * @param options `range`: from where to where, by default from the least to the largest element;
 * `weights`: the weight of each element; `density`: whether the result is a density, whose integral is 1.
 * @returns The histogram `[bins]`, of `int32`, or a float dtype with weights or density; and the edges
 * `[bins + 1]`. Derivatives flow to the weights.
 * @throws {ArgumentError} when `bins` is no count but 0, edges that are known do not ascend, or the range is
 * not two increasing numbers.
 * @throws {ShapeError} when the weights have another shape than `x`.
 *
 * @example Two bins
 * ```ts
 * import { histogram } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [counts, edges] = histogram([1, 2, 1, 4], 2, { range: [0, 4] });
 * assertTensorsClose(counts, [2, 2]);
 * assertTensorsClose(edges, [0, 2, 4]);
 * ```
 */
export function histogram(
  x: TensorLike,
  bins?: number | TensorLike,
  options?: HistogramOptions,
): [histogram: Tensor, edges: Tensor] {
  const what = "Cannot make a histogram";
  const read = readOptions(what, options, ["range", "weights", "density"]);
  const { range, ...rest } = read;
  const sample = readSample(x, what);
  const own = binsOf(sample, bins ?? 10, range, what);
  const shape = toTensor(x, what).shape;
  const counts = countIn([own], [sample], shape, rest, what);
  return [counts, own.edges];
}

/** Counts, or sums of weights, in the bins of all axes. */
function countIn(
  bins: readonly Bins[],
  samples: readonly Tensor[],
  shape: readonly number[],
  { weights, density = false }: Pick<HistogramOptions, "weights" | "density">,
  what: string,
): Tensor {
  checkFlag(density, what, "density");
  const [sample] = samples;
  const given = weights === undefined ? splat(1, "int32", shape) : toTensor(weights, what);
  if (!sameShape(given.shape, shape)) {
    throw shapeError(`${what} with weights ${showType(given)}: expected the shape [${shape}]`);
  }
  const amounts = convert(reshape(given, [given.size]), sumDtype(given.dtype));
  const lengths = bins.map(({ count }) => count);
  const total = sizeOf(lengths);
  let flat: Tensor = splat(0, "int32", sample.shape);
  let isOutside: Tensor = splat(0, "bool", sample.shape);
  bins.forEach((own, axis) => {
    const place = placesIn(own, samples[axis]);
    isOutside = or(isOutside, equal(place, constantLike(place, own.count)));
    flat = add(scale(flat, own.count), place);
  });
  const places = select(isOutside, constantLike(flat, total), flat);
  const counts = reshape(sumsByPlace(amounts, places, total), lengths);
  if (!density) return counts;
  const numbers = isFloat(counts.dtype) ? counts : convert(counts, sample.dtype);
  const all = reduceSum(numbers, lengths.map((_, axis) => axis));
  const share = div(numbers, broadcast(all, lengths, []));
  return bins.reduce((result, { edges, count }, axis) => {
    const widths = sub(sliceAxis(edges, 0, 1, count + 1), sliceAxis(edges, 0, 0, count));
    return div(result, broadcast(convert(widths, result.dtype), lengths, [axis]));
  }, share);
}

/**
 * Options of `histogram2d` and `histogramdd`.
 *
 * @category Statistics
 */
export interface HistogramsOptions {
  /** From where to where the bins of each axis go; `null` or left out: from the least to the largest element. */
  readonly range?: readonly (readonly [low: number, high: number] | null)[];
  /** The weight of each element, `[n]`; 1 by default. */
  readonly weights?: TensorLike;
  /** Whether the result is a density, whose integral is 1. Default `false`. */
  readonly density?: boolean;
}

/**
 * How many bins each axis has, or their edges: one for all axes, or a list of one for each.
 *
 * @category Statistics
 */
export type BinsPerAxis = number | readonly (number | TensorLike)[];

/**
 * How many points lie in each cell of a grid.
 *
 * @category Statistics
 * @param sample The points, `[n, axes]`.
 * @param bins How many bins of equal width each axis has, 10 by default; a list has a number or the edges
 * for each axis.
 * @param options `range`: from where to where for each axis; `weights`: the weight of each point, `[n]`;
 * `density`: whether the result is a density, whose integral is 1.
 * @returns The histogram, one axis of bins for each axis of the points, and the list of edges.
 * @throws {ShapeError} when the points have not two axes, or the weights another shape.
 * @throws {ArgumentError} when bins or ranges do not fit.
 *
 * @example Points in a square
 * ```ts
 * import { histogramdd } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [counts] = histogramdd([[0, 0], [1, 3], [3, 3]], 2);
 * assertTensorsClose(counts, [[1, 1], [0, 1]]);
 * ```
 */
export function histogramdd(
  sample: TensorLike,
  bins?: BinsPerAxis,
  options?: HistogramsOptions,
): [histogram: Tensor, edges: Tensor[]] {
  const what = "Cannot make a histogram";
  const points = floatOperand(realOperand("histogram", toTensor(sample, what)));
  if (points.ndim !== 2) {
    throw shapeError(`${what} of ${showType(points)}: expected points [n, axes]`);
  }
  const [count, axes] = points.shape;
  // The result has one axis for each.
  if (axes > MAX_NDIM) {
    throw shapeError(`${what} of ${showType(points)}: at most ${MAX_NDIM} axes fit`);
  }
  const read = readOptions(what, options, ["range", "weights", "density"]);
  const { range: ranges, ...rest } = read;
  const each = bins === undefined || typeof bins === "number" || !Array.isArray(bins)
    ? range(axes).map(() => (bins ?? 10) as number | TensorLike)
    : bins as readonly (number | TensorLike)[];
  const isListed = ranges === undefined || Array.isArray(ranges) && ranges.length === axes;
  if (each.length !== axes || !isListed) {
    throw argumentError(
      `${what} of ${showType(points)}: expected bins and a range for each of ${axes} axes`,
    );
  }
  const samples = range(axes).map((axis) => reshape(sliceAxis(points, 1, axis, axis + 1), [count]));
  const own = samples.map((x, axis) => binsOf(x, each[axis], ranges?.[axis] ?? undefined, what));
  if (axes === 0) throw shapeError(`${what} of ${showType(points)}: there is no axis`);
  const counts = countIn(own, samples, [count], rest, what);
  return [counts, own.map(({ edges }) => edges)];
}

/**
 * How many points of the plane lie in each cell of a grid.
 *
 * @category Statistics
 * @param x The first coordinates, `[n]`.
 * @param y The second coordinates, `[n]`.
 * @param bins How many bins of equal width each axis has, 10 by default; a list has a number or the edges
 * for each of the two.
 * @param options `range`: from where to where for both axes; `weights`: the weight of each point, `[n]`;
 * `density`: whether the result is a density, whose integral is 1.
 * @returns The histogram `[bins of x, bins of y]`, and the edges of both.
 * @throws {ShapeError} when the coordinates are not vectors of one length.
 * @throws {ArgumentError} when bins or ranges do not fit.
 *
 * @example Four cells
 * ```ts
 * import { histogram2d } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [counts] = histogram2d([0, 1, 3], [0, 3, 3], 2);
 * assertTensorsClose(counts, [[1, 1], [0, 1]]);
 * ```
 */
export function histogram2d(
  x: TensorLike,
  y: TensorLike,
  bins?: BinsPerAxis,
  options?: HistogramsOptions,
): [histogram: Tensor, xEdges: Tensor, yEdges: Tensor] {
  const what = "Cannot make a histogram";
  const both = promoteTogether(what, [x, y]);
  const [first, second] = both;
  if (first.ndim !== 1 || !sameShape(first.shape, second.shape)) {
    throw shapeError(
      `${what} of ${showType(first)} and ${showType(second)}: expected vectors of one length`,
    );
  }
  const [counts, edges] = histogramdd(stack(both, 1), bins, options);
  return [counts, edges[0], edges[1]];
}

/**
 * Elements added around tensors, after NumPy.
 *
 * @module
 */
import { describeValue, partDtype } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkNdim, checkShape, range, showType } from "../base/shape.ts";
import { isComplexNumber } from "../core/complex.ts";
import { fromJavaScript, tensorFrom, toTensor } from "../core/convert.ts";
import type { ComplexNumber, PadOptions, PadWidths } from "../core/methods.ts";
import { Concrete, splat } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { select } from "../primitives/comparison.ts";
import * as slicing from "../primitives/slicing.ts";
import { checkInteger } from "./arguments.ts";
import { broadcastTo as stretch } from "./broadcasting.ts";

/** The values that `pad` takes as its mode. */
const PAD_MODES = ["constant", "edge", "reflect", "symmetric", "wrap"] as const;

/**
 * Elements added around a tensor.
 *
 * @category Shapes
 * @param x Any shape.
 * @param widths How many places to add: one `[before, after]` per axis, or one pair, or one number
 * for all axes. A negative one removes elements, before anything is added.
 * @param options The mode, as NumPy's: `"constant"` fills with `value` (default 0), `"edge"` repeats
 * the outermost element, `"reflect"` mirrors about it, `"symmetric"` mirrors about the edge itself,
 * and `"wrap"` continues from the other end. Mirrors and wraps repeat as often as needed.
 * @returns `x` in its frame, which is differentiable in every mode.
 * @throws {ArgumentError} when a width is not an integer, or the mode is unknown.
 * @throws {ShapeError} when the widths do not fit the axes, more elements are taken away than there
 * are, or an empty axis has nothing to repeat.
 *
 * @example A frame of zeros, and a mirror
 * ```ts
 * import { pad } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(pad([1, 2, 3], [1, 2]), [0, 1, 2, 3, 0, 0]);
 * assertTensorsClose(pad([1, 2, 3], [1, 2], { mode: "reflect" }), [2, 1, 2, 3, 2, 1]);
 * ```
 */
export function pad(x: TensorLike, widths: PadWidths, options?: PadOptions): Tensor {
  const input = toTensor(x, "Cannot pad");
  const what = `Cannot pad ${showType(input)}`;
  const { mode = "constant", value = 0 } = readOptions(what, options, ["mode", "value"]);
  if (!PAD_MODES.includes(mode)) {
    throw argumentError(
      `${what}: expected a mode out of ${PAD_MODES.join(", ")}, got ${describeValue(mode)}`,
    );
  }
  const amounts = widthPairs(widths, input.ndim, what);
  const cropped = crop(input, amounts, what);
  const pairs = amounts.map(([before, after]): Pair => [Math.max(before, 0), Math.max(after, 0)]);
  checkShape(cropped.shape.map((length, i) => pairs[i][0] + length + pairs[i][1]), what);
  if (mode === "constant") return padConstant(cropped, pairs, value, what);
  return pairs.reduce((result, pair, axis) => extend(result, axis, pair, mode, what), cropped);
}

/** `x` without the elements that negative widths take away. */
function crop(x: Tensor, pairs: readonly Pair[], what: string): Tensor {
  return pairs.reduce((result, [before, after], axis) => {
    const [start, stop] = [Math.max(-before, 0), x.shape[axis] + Math.min(after, 0)];
    if (start > Math.max(stop, 0) || stop < 0) {
      throw shapeError(
        `${what} by [${before}, ${after}] along axis ${axis}: ` +
          `it has only ${x.shape[axis]} elements to take away`,
      );
    }
    return start === 0 && stop === x.shape[axis]
      ? result
      : slicing.sliceAxis(result, axis, start, stop);
  }, x);
}

type Pair = readonly [before: number, after: number];

/** One pair of widths per axis. */
function widthPairs(widths: PadWidths, ndim: number, what: string): Pair[] {
  const readWidth = (width: unknown): number =>
    checkInteger(width, what, "widths such as [[before, after], ...]");
  if (!Array.isArray(widths)) {
    const width = readWidth(widths);
    return range(ndim).map(() => [width, width]);
  }
  checkNdim(widths, what);
  const entries: readonly unknown[] = Array.from<unknown>(widths);
  const lists = entries.every(Array.isArray) ? entries : [entries];
  const pairs = lists.map((pair): Pair => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw argumentError(`${what}: expected [before, after], got ${describeValue(pair)}`);
    }
    return [readWidth(pair[0]), readWidth(pair[1])];
  });
  if (pairs.length === ndim) return pairs;
  if (pairs.length === 1) return range(ndim).map(() => pairs[0]);
  throw shapeError(`${what}: expected ${ndim} pairs of widths, one per axis, got ${pairs.length}`);
}

function padConstant(
  x: Tensor,
  pairs: readonly Pair[],
  value: number | ComplexNumber,
  what: string,
): Tensor {
  const low = pairs.map(([before]) => before);
  const high = pairs.map(([, after]) => after);
  const interior = pairs.map(() => 0);
  const fill = isComplexNumber(value)
    ? tensorFrom(value, x.dtype, what)
    : fromJavaScript(value, partDtype(x.dtype), what);
  if (fill.ndim !== 0) throw argumentError(`${what}: expected a number as value`);
  const padded = slicing.pad(x, low, high, interior);
  if (padded === x || fill instanceof Concrete && Object.is(fill.elements[0], 0)) return padded;
  const inside = slicing.pad(splat(1, "bool", x.shape), low, high, interior);
  return select(inside, padded, stretch(fill, padded.shape));
}

/** `x` with more elements on both sides of one axis, taken from those that it has. */
function extend(
  x: Tensor,
  axis: number,
  [before, after]: Pair,
  mode: "edge" | "reflect" | "symmetric" | "wrap",
  what: string,
): Tensor {
  if (before === 0 && after === 0) return x;
  const period = x.shape[axis];
  if (period === 0) {
    throw shapeError(`${what} in mode ${mode}: axis ${axis} has no elements to repeat`);
  }
  const part = (source: Tensor, start: number, stop: number) =>
    slicing.sliceAxis(source, axis, start, stop);
  const mirrored = (source: Tensor, start: number, stop: number) =>
    slicing.flip(part(source, start, stop), [axis]);
  if (mode === "edge" || period === 1) {
    const repeated = (position: number, count: number) =>
      stretch(
        part(x, position, position + 1),
        x.shape.map((length, i) => i === axis ? count : length),
      );
    const sides = [repeated(0, before), x, repeated(period - 1, after)];
    return slicing.concatenate(sides, axis);
  }
  let result = x;
  let [low, high] = [before, after];
  const edge = mode === "reflect" ? 1 : 0;
  // Each round adds nearly as much as there is, so that even wide frames take few rounds. It adds whole
  // periods to a side that needs another round, which keeps that end at a mirror.
  while (low > 0 || high > 0) {
    const length = result.shape[axis];
    const most = length - edge - (length - edge) % (period - edge);
    const [left, right] = [Math.min(low, most), Math.min(high, most)];
    const sides = mode === "wrap"
      ? [part(result, most - left, most), part(result, length - most, length - most + right)]
      : [
        mirrored(result, edge, edge + left),
        mirrored(result, length - edge - right, length - edge),
      ];
    result = slicing.concatenate([sides[0], result, sides[1]], axis);
    low -= left;
    high -= right;
  }
  return result;
}

/**
 * Borders of zeros.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { pad } from "../functions/mod.ts";
import { checkCount, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

/**
 * Zeros around the last axes.
 *
 * @category Layers
 * @param widths How many zeros before and after, for each of the last axes, the first of them first:
 * `[[before, after], ...]`; or one number for both sides of all axes but the first two.
 * @returns A layer on `[batch, channels, ...spatial]`; with a list on at least as many axes as it has.
 * @throws {ArgumentError} when a width is not a non-negative integer.
 * @throws {ShapeError} when the input has fewer axes.
 *
 * @example A column before and two after
 * ```ts
 * import { nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y] = nn.zeroPad([[1, 2]]).apply({}, {}, tensor([[[5]]]));
 * assertTensorsClose(y, [[[0, 5, 0, 0]]]);
 * ```
 */
export function zeroPad(
  widths: number | readonly (readonly [before: number, after: number])[],
): Layer<Empty, Empty> {
  const isNumber = typeof widths === "number";
  if (isNumber) checkCount(widths, "widths", "zeroPad", true);
  else {
    const fits = Array.isArray(widths) &&
      widths.every((pair) => Array.isArray(pair) && pair.length === 2);
    if (!fits) {
      throw argumentError(
        `Cannot make a zeroPad layer with widths ${describeValue(widths)}: ` +
          `expected a number or [[before, after], ...]`,
      );
    }
    for (const width of widths.flat()) checkCount(width, "widths", "zeroPad", true);
  }
  return stateless({ name: "zeroPad", args: [widths] }, (x) => {
    const input = toTensor(x, "Cannot apply zeroPad");
    const own: (readonly [number, number])[] = isNumber
      ? input.shape.slice(2).map(() => [widths, widths])
      : [...widths];
    if (input.ndim < own.length) {
      throw shapeError(
        `Cannot apply zeroPad to ${showType(input)}: expected at least ${own.length} axes`,
      );
    }
    const before = input.shape.slice(0, input.ndim - own.length).map((): [
      number,
      number,
    ] => [0, 0]);
    return pad(input, [...before, ...own]);
  });
}

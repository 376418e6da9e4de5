/**
 * Transforms of real numbers along several axes, and back.
 *
 * @module
 */
import { range } from "../base/shape.ts";
import { tabulate } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { fourier, fourierOfReal, realOfFourier } from "../primitives/fourier.ts";
import { moveAxis } from "../primitives/structure.ts";
import { lastOf, weigh } from "./arguments.ts";

/** Real and imaginary parts. */
export type Parts = readonly [re: Tensor, im: Tensor];

/** Transforms of the `count` axes before the last one. */
function others([re, im]: Parts, count: number, inverse: boolean): Parts {
  const last = re.ndim - 1;
  return range(last - count, last).reduce<Parts>((parts, axis) => {
    const [a, b] = parts.map((part) => moveAxis(part, axis, last));
    const [c, d] = fourier(a, b, { inverse });
    return [moveAxis(c, last, axis), moveAxis(d, last, axis)];
  }, [re, im]);
}

/** The transform along the last `count` axes: of the last one, what symmetry does not give. */
export function transformAxes(x: Tensor, count: number): Parts {
  return others(fourierOfReal(x), count - 1, false);
}

/** The inverse, for a last axis of `length`. */
export function invertAxes(parts: Parts, count: number, length: number): Tensor {
  const [re, im] = others(parts, count - 1, true);
  const size = re.shape.slice(-count, -1).reduce((product, n) => product * n, length);
  const weights = tabulate(lastOf(re), (k) => (k === 0 || 2 * k === length ? 1 : 2) / size);
  return realOfFourier(weigh(re, weights), weigh(im, weights), { length });
}

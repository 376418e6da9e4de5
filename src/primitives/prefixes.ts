/**
 * Prefixes of sequences under any associative operation.
 *
 * @module
 */
import { insertAt } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { concatenate, slice, sliceAxis } from "./slicing.ts";
import { reshape } from "./structure.ts";

/** Every second element along an axis. */
function everySecond(x: Tensor, axis: number, start: number, stop: number): Tensor {
  const begin = x.shape.map((_, i) => i === axis ? Math.min(start, stop) : 0);
  const end = x.shape.map((length, i) => i === axis ? stop : length);
  return slice(x, begin, end, x.shape.map((_, i) => i === axis ? 2 : 1));
}

/** Two sequences interleaved; the first is as long as the second, or longer by one. */
function interleave(even: Tensor, odd: Tensor, axis: number): Tensor {
  const count = odd.shape[axis];
  const opened = (x: Tensor) => reshape(x, insertAt(x.shape, axis + 1, 1));
  const pairs = concatenate([opened(sliceAxis(even, axis, 0, count)), opened(odd)], axis + 1);
  const joined = reshape(pairs, even.shape.map((length, i) => i === axis ? 2 * count : length));
  if (even.shape[axis] === count) return joined;
  return concatenate([joined, sliceAxis(even, axis, count, count + 1)], axis);
}

/**
 * All prefixes of sequences under an associative operation: it combines neighbours, scans half as many
 * elements, and computes the elements in between. The work grows with the length, the number of steps
 * with its logarithm.
 *
 * Source: Blelloch, "Prefix sums and their applications" (1990).
 */
export function prefixesOf(
  operation: (left: readonly Tensor[], right: readonly Tensor[]) => readonly Tensor[],
  xs: readonly Tensor[],
  axes: readonly number[],
): readonly Tensor[] {
  const length = xs[0].shape[axes[0]];
  if (length < 2) return xs;
  const whole = length - length % 2;
  const pairs = operation(
    xs.map((x, i) => everySecond(x, axes[i], 0, whole)),
    xs.map((x, i) => everySecond(x, axes[i], 1, whole)),
  );
  const odd = prefixesOf(operation, pairs, axes);
  const before = odd.map((x, i) => sliceAxis(x, axes[i], 0, Math.ceil(length / 2) - 1));
  const between = before[0].shape[axes[0]] === 0 ? before : operation(
    before,
    xs.map((x, i) => everySecond(x, axes[i], 2, length)),
  );
  return xs.map((x, i) => {
    const even = concatenate([sliceAxis(x, axes[i], 0, 1), between[i]], axes[i]);
    return interleave(even, odd[i], axes[i]);
  });
}

/**
 * Choices by several conditions.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { broadcastTo, commonShape, promoteTogether } from "./broadcasting.ts";
import { where } from "./comparison.ts";
import { checkList } from "./joining.ts";

/**
 * Elements chosen by the first of several conditions that is true, from the choice that goes with it.
 *
 * @category Comparison and logic
 * @param conditions Tensors that broadcast; elements that are not zero count as true.
 * @param choices As many tensors, which broadcast with the conditions.
 * @param value The value where no condition is true: a tensor that broadcasts with the others. Default
 * 0.
 * @returns The common dtype of the choices and `value`, in the shape that all broadcast to.
 * @throws {ArgumentError} when the lists are empty or differ in length.
 * @throws {ShapeError} when the shapes do not broadcast.
 *
 * @example Below, above, and between
 * ```ts
 * import { neg, select, square, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([-2, 0.5, 3]);
 * assertTensorsClose(select([x.less(0), x.greater(1)], [neg(x), square(x)]), [2, 0, 9]);
 * ```
 */
export function select(
  conditions: readonly TensorLike[],
  choices: readonly TensorLike[],
  value?: TensorLike,
): Tensor {
  const what = "Cannot select";
  const tests = checkList(conditions, what);
  const given = checkList(choices, what);
  if (tests.length !== given.length) {
    throw argumentError(
      `${what}: expected as many choices as conditions, got ${given.length} and ${tests.length}`,
    );
  }
  const [rest, ...own] = promoteTogether(what, [value === undefined ? 0 : value, ...given]);
  const masks = tests.map((test) => where(test, true, false));
  const shape = commonShape(what, [...masks, ...own, rest]);
  return own.reduceRight<Tensor>(
    (other, choice, i) => where(masks[i], choice, other),
    broadcastTo(rest, shape),
  );
}

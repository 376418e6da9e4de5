/**
 * What the arguments of metrics have in common.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { toIndices } from "../functions/arguments.ts";
import { argmax, reshape } from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";

/** Classes as int32 or wider; booleans are the classes 0 and 1. */
function toClasses(x: TensorLike, what: string): Tensor {
  const given = toTensor(x, what);
  // Numbers alone are float32; as classes they are integers.
  const indices = given.dtype === "bool" ? given : toIndices(x, what);
  return convert(indices, indices.dtype === "uint32" ? "uint32" : "int32");
}

/** Predicted classes and labels of one shape; where predictions have one axis more, it holds scores. */
export function readClasses(
  predicted: TensorLike,
  labels: TensorLike,
  what: string,
): [predicted: Tensor, labels: Tensor] {
  const expected = toClasses(labels, what);
  const given = toTensor(predicted, what);
  const hasScores = given.ndim === expected.ndim + 1 && given.shape.at(-1)! > 0;
  if (!sameShape(hasScores ? given.shape.slice(0, -1) : given.shape, expected.shape)) {
    throw shapeError(
      `${what} of ${showType(given)} with labels ${showType(expected)}: expected classes of the ` +
        `labels' shape, or scores with one more axis`,
    );
  }
  return [hasScores ? argmax(given, -1) : toClasses(predicted, what), expected];
}

/** Scores of the dtype that they have, and whether each example is positive, both flat. */
export function readBinary(
  scores: TensorLike,
  labels: TensorLike,
  what: string,
): [scores: Tensor, isPositive: Tensor] {
  const given = toTensor(scores, what);
  const expected = toClasses(labels, what);
  if (!isFloat(given.dtype)) {
    throw dtypeError(`${what} of ${showType(given)}: expected scores of a floating-point dtype`);
  }
  if (!sameShape(given.shape, expected.shape)) {
    throw shapeError(
      `${what} of ${showType(given)} with labels ${
        showType(expected)
      }: expected one score for each label`,
    );
  }
  return [reshape(given, [given.size]), convert(reshape(expected, [expected.size]), "bool")];
}

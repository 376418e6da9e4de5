/**
 * Connectionist temporal classification.
 *
 * @module
 */
import { argumentError, dtypeError, shapeError } from "../base/errors.ts";
import { describeValue, isInteger } from "../base/dtype.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { scan } from "../control/mod.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  arange,
  div,
  equal,
  expandDims,
  full,
  less,
  logaddexp,
  logicalAnd,
  maximum,
  mul,
  neg,
  notEqual,
  pad,
  reshape,
  stack,
  takeAlongAxis,
  where,
} from "../functions/mod.ts";
import { checkReduction, lossDtype, reduce, REDUCTIONS, wideFloats } from "./loss_options.ts";
import type { LossOptions } from "./loss_options.ts";

/** Used instead of minus infinity, whose differences would be NaN; no sum of logarithms comes near it. */
const NEVER = -1e30;

function readIntegers(what: string, name: string, value: TensorLike): Tensor {
  const read = toTensor(value, `${what} with these ${name}`);
  if (isInteger(read.dtype)) return read;
  throw dtypeError(
    `${what} with ${name} ${showType(read)}: expected integers; convert with astype`,
  );
}

/**
 * Options of `ctcLoss`.
 *
 * @category Losses
 */
export interface CtcLossOptions extends LossOptions {
  /** The class of the blank. Default 0. */
  readonly blank?: number;
  /** Whether targets that are too long for their input cost 0 and not infinity. Default `false`. */
  readonly zeroInfinity?: boolean;
}

/**
 * Connectionist temporal classification (Graves et al., 2006): the negative log-likelihood of sequences of classes that
 * are read off longer sequences of probabilities, whatever their alignment.
 *
 * The sum over alignments is one loop in log space. Losses are divided by the lengths of their targets before the mean is
 * taken, as in PyTorch. PyTorch's derivative by `logProbs` takes them to come from `logSoftmax`; this one is that of the
 * function, and the same by what goes into `logSoftmax`.
 *
 * @category Losses
 * @param logProbs `[time, batch, classes]`: logarithms of probabilities, as returned by `logSoftmax`.
 * @param targets `[batch, length]`: classes, integers; entries after a target's length do not count.
 * @param inputLengths `[batch]`: how many steps of each input count, integers.
 * @param targetLengths `[batch]`: how many classes each target has, integers.
 * @param options The reduction, the blank class, what impossible targets cost.
 * @returns A scalar, or one number for each with reduction `"none"`; a floating-point dtype.
 * @throws {ShapeError} when the shapes do not fit.
 * @throws {DtypeError} when targets or lengths are no integers.
 * @throws {ArgumentError} when an option or the reduction is unknown or makes no sense.
 *
 * @example Two steps, one class
 * ```ts
 * import { log, nn, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const logProbs = log(tensor([[[0.4, 0.6]], [[0.3, 0.7]]]));
 * const [targets, one, two] = [[[1]], [1], [2]].map((x) => tensor(x, { dtype: "int32" }));
 * const loss = nn.ctcLoss(logProbs, targets, two, one);
 * assertTensorsClose(loss, -Math.log(0.6 * 0.3 + 0.4 * 0.7 + 0.6 * 0.7));
 * ```
 */
export function ctcLoss(
  logProbs: TensorLike,
  targets: TensorLike,
  inputLengths: TensorLike,
  targetLengths: TensorLike,
  options?: CtcLossOptions,
): Tensor {
  const what = "Cannot compute ctcLoss";
  const { reduction = "mean", blank = 0, zeroInfinity = false } = readOptions(what, options, [
    "reduction",
    "blank",
    "zeroInfinity",
  ]);
  checkReduction(what, reduction, REDUCTIONS);
  checkFlag(zeroInfinity, what, "zeroInfinity");
  const p = wideFloats(toTensor(logProbs, what));
  const labels = readIntegers(what, "targets", targets);
  const steps = readIntegers(what, "inputLengths", inputLengths);
  const counts = readIntegers(what, "targetLengths", targetLengths);
  const [, batch, classes] = p.shape;
  const fits = p.ndim === 3 && labels.ndim === 2 && labels.shape[0] === batch &&
    String(steps.shape) === String([batch]) && String(counts.shape) === String([batch]);
  if (!fits) {
    throw shapeError(
      `${what} of ${showType(p)} against ${showType(labels)}, of lengths ${showType(steps)} and ` +
        `${
          showType(counts)
        }: expected [time, batch, classes], [batch, length], [batch] and [batch]`,
    );
  }
  if (!(Number.isInteger(blank) && blank >= 0 && blank < classes)) {
    throw argumentError(
      `${what} with blank ${describeValue(blank)}: expected a class from 0 to ${classes - 1}`,
    );
  }
  const length = labels.shape[1];
  const isLabel = less(arange(length, { dtype: "int32" }), expandDims(counts, -1));
  const own = where(isLabel, labels, blank);
  const blanks = full([batch, length], blank, { dtype: own.dtype });
  // Blank, first class, blank, second class, ..., blank.
  const path = pad(reshape(stack([blanks, own], -1), [batch, 2 * length]), [[0, 0], [0, 1]], {
    value: blank,
  });
  const states = 2 * length + 1;
  /** The states one or two places before. */
  const before = (x: Tensor, places: number, value: number): Tensor =>
    pad(x, [[0, 0], [places, 0]], { value }).at(null, [0, states]);
  const isAnother = notEqual(path, before(path, 2, blank));
  const mayLeap = logicalAnd(notEqual(path, blank), isAnother);
  const places = arange(states, { dtype: "int32" });
  const never = full([batch, states], NEVER, { dtype: p.dtype });
  // Before the first step a blank of no length is all there is, so that the first two states follow.
  const start = where(equal(places, 0), 0, never);
  const [alpha] = scan(
    (alpha: Tensor, [scores, time]: readonly [Tensor, Tensor]) => {
      const leap = where(mayLeap, before(alpha, 2, NEVER), NEVER);
      const ways = logaddexp(logaddexp(alpha, before(alpha, 1, NEVER)), leap);
      const next = add(ways, maximum(takeAlongAxis(scores, path, 1), NEVER));
      return [where(expandDims(less(time, steps), -1), maximum(next, NEVER), alpha), null] as const;
    },
    start,
    [p, arange(p.shape[0], { dtype: "int32" })] as const,
  );
  const at = (index: Tensor): Tensor => takeAlongAxis(alpha, expandDims(index, -1), 1).at(null, 0);
  const end = mul(counts, 2);
  const final = where(
    equal(counts, 0),
    at(end),
    logaddexp(at(end), at(maximum(end.sub(1), 0))),
  );
  const isPossible = notEqual(maximum(final, NEVER / 2), NEVER / 2);
  const losses = where(isPossible, neg(final), zeroInfinity ? 0 : Infinity);
  if (reduction !== "mean") return reduce(losses, reduction, lossDtype(what, [logProbs]));
  const shares = div(losses, maximum(counts, 1).astype(losses.dtype));
  return reduce(shares, reduction, lossDtype(what, [logProbs]));
}

/**
 * Log-probabilities of very many classes.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, concatenate } from "../functions/mod.ts";
import { sliceAxis } from "../primitives/slicing.ts";
import { split } from "../random/mod.ts";
import { logSoftmax } from "./activations.ts";
import { checkCount, checkInput, checkNumber } from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";
import { linear } from "./linear.ts";
import type { LinearParams } from "./linear.ts";

/**
 * Parameters of `adaptiveLogSoftmax`.
 *
 * @category Losses
 */
export interface AdaptiveLogSoftmaxParams {
  /** From the features to the first classes and the clusters. */
  readonly head: LinearParams;
  /** For each cluster, from the features to fewer ones, and from those to its classes. */
  readonly tail: readonly (readonly [LinearParams, LinearParams])[];
}

/**
 * Options of `adaptiveLogSoftmax`.
 *
 * @category Losses
 */
export interface AdaptiveLogSoftmaxOptions extends ParameterOptions {
  /** By how much the features of each cluster, one at least, are fewer than those of the one before. Default 4. */
  readonly divValue?: number;
  /** Whether the head has a bias. Default `false`. */
  readonly headBias?: boolean;
}

/**
 * Adaptive softmax (Grave et al., "Efficient softmax approximation for GPUs", 2016): the first classes, which are
 * frequent, are in a head together with one entry for each cluster of rare ones, and clusters see fewer features.
 * It is PyTorch's `AdaptiveLogSoftmaxWithLoss`; `nllLoss` of the result is its loss.
 *
 * @category Losses
 * @param inFeatures The number of features.
 * @param classes The number of classes, ordered by frequency.
 * @param cutoffs Where clusters begin: ascending integers from 1 to `classes - 1`.
 * @param options How fast features decrease, the bias of the head, dtypes.
 * @returns A layer from `[..., inFeatures]` to log-probabilities `[..., classes]`.
 * @throws {ArgumentError} when a size is not a positive integer, or the cutoffs do not ascend within the
 * classes.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example Probabilities of ten classes
 * ```ts
 * import { exp, nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.adaptiveLogSoftmax(8, 10, [2, 5]);
 * const [params, state] = layer.init(random.key(0));
 * const [y] = layer.apply(params, state, random.normal(random.key(1), [3, 8]));
 * assertTensorsClose(exp(y).sum(-1), [1, 1, 1]);
 * ```
 */
export function adaptiveLogSoftmax(
  inFeatures: number,
  classes: number,
  cutoffs: readonly number[],
  options?: AdaptiveLogSoftmaxOptions,
): Layer<AdaptiveLogSoftmaxParams, Empty> {
  const name = "adaptiveLogSoftmax";
  const what = `Cannot make an ${name} layer`;
  checkCount(inFeatures, "inFeatures", name);
  checkCount(classes, "classes", name);
  const fits = Array.isArray(cutoffs) && cutoffs.length > 0 &&
    cutoffs.every((cutoff, i) =>
      Number.isSafeInteger(cutoff) && cutoff > (cutoffs[i - 1] ?? 0) && cutoff < classes
    );
  if (!fits) {
    throw argumentError(
      `${what} with cutoffs ${describeValue(cutoffs)}: ` +
        `expected ascending integers from 1 to ${classes - 1}`,
    );
  }
  const read = readOptions(what, options, ["divValue", "headBias", "dtype", "computeDtype"]);
  const { divValue = 4, headBias: bias = false, ...dtypes } = read;
  checkNumber(divValue, "divValue", name, 1);
  const [first, ...rest] = [...cutoffs, classes];
  const head = linear(inFeatures, first + rest.length, { ...dtypes, bias });
  const plain = { ...dtypes, bias: false };
  const tail = rest.map((end, i) => {
    const features = Math.max(1, Math.floor(inFeatures / divValue ** (i + 1)));
    return [
      linear(inFeatures, features, plain),
      linear(features, end - cutoffs[i], plain),
    ] as const;
  });
  const settings = { inFeatures, classes, cutoffs, divValue, headBias: bias };
  return described({ name, settings }, {
    init(key) {
      const [own, ...keys] = split(key, 1 + 2 * tail.length);
      return [{
        head: head.init(own)[0],
        tail: tail.map(([narrow, wide], i) =>
          [narrow.init(keys[2 * i])[0], wide.init(keys[2 * i + 1])[0]] as const
        ),
      }, {}];
    },
    apply(params, state, x) {
      const input = checkInput(x, name, 1, -1, inFeatures);
      const among = logSoftmax(head.apply(params.head, {}, input)[0], -1);
      const part = (from: number, to: number): Tensor => sliceAxis(among, among.ndim - 1, from, to);
      const clusters = tail.map(([narrow, wide], i) => {
        const [few] = narrow.apply(params.tail[i][0], {}, input);
        const within = logSoftmax(wide.apply(params.tail[i][1], {}, few)[0], -1);
        return add(within, part(first + i, first + i + 1));
      });
      return [concatenate([part(0, first), ...clusters], -1), state];
    },
  });
}

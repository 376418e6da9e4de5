/**
 * A rectifier with learned slopes.
 *
 * @module
 */
import { defaultFloat } from "../base/dtype.ts";
import { readOptions } from "../base/options.ts";
import { toTensor } from "../core/convert.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { full, mul, reshape, where } from "../functions/mod.ts";
import { floatOperand } from "../functions/broadcasting.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import { checkCount, checkInput, checkNumber, checkParameterDtype, readLeaf } from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";

/**
 * Parameters of `prelu`.
 *
 * @category Activations
 */
export interface PreluParams {
  /** `[numParameters]`: the slopes below zero. */
  readonly weight: Tensor;
}

/**
 * Options of `prelu`.
 *
 * @category Activations
 */
export interface PreluOptions extends ParameterOptions {
  /** How many slopes: 1 for all elements, or one for each channel on the second axis. Default 1. */
  readonly numParameters?: number;
  /** The slopes at first. Default 0.25. */
  readonly init?: number;
}

/**
 * A rectifier with learned slopes (He et al., 2015): `x` above zero, `weight * x` elsewhere.
 *
 * @category Activations
 * @param options How many slopes, their first value, dtype.
 * @returns A layer on any shape; with several slopes on `[batch, numParameters, ...]`.
 * @throws {ArgumentError} when `numParameters` is not a positive integer, or `init` no number.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example A quarter below zero
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.prelu();
 * const [y] = layer.apply(...layer.init(random.key(0)), tensor([-4, 2]));
 * assertTensorsClose(y, [-1, 2]);
 * ```
 */
export function prelu(options?: PreluOptions): Layer<PreluParams, Empty> {
  const read = readOptions("Cannot make a prelu layer", options, [
    "numParameters",
    "init",
    "dtype",
    "computeDtype",
  ]);
  const { numParameters = 1, init = 0.25 } = read;
  checkCount(numParameters, "numParameters", "prelu");
  checkNumber(init, "init", "prelu");
  const dtype = checkParameterDtype(read.dtype ?? defaultFloat(), "prelu");
  return inComputeDtype(
    read,
    described({ name: "prelu", settings: { numParameters, init } }, {
      init: () => [{ weight: full([numParameters], init, { dtype }) }, {}],
      apply(params, state, x) {
        const weight = readLeaf(params, "params", "weight", "prelu");
        const given = numParameters === 1
          ? toTensor(x, "Cannot apply prelu")
          : checkInput(x, "prelu", 2, 1, numParameters);
        const input = floatOperand(given);
        const slopes = numParameters === 1
          ? reshape(weight, [])
          : reshape(weight, [numParameters, ...input.shape.slice(2).map(() => 1)]);
        return [where(input.greater(0), input, mul(input, slopes)), state];
      },
    }),
  );
}

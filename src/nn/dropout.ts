/**
 * Dropout.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { toTensor } from "../core/convert.ts";
import { div, where, zerosLike } from "../functions/mod.ts";
import { bernoulli } from "../random/mod.ts";
import { checkNumber, readContext, stateless } from "./layer.ts";
import type { Empty, Layer } from "./layer.ts";

/**
 * Dropout (Srivastava et al., 2014): in training each element is zeroed with probability `rate`, and
 * the others divided by `1 - rate`; otherwise nothing happens.
 *
 * @param rate The probability of being zeroed, from 0 to 1. Default 0.5.
 * @returns A layer on any shape, which needs a `key` in its context in training.
 * @throws {ArgumentError} when `rate` is no probability, or the key is missing in training.
 *
 * @example Nothing happens outside training
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.dropout(0.5);
 * assertTensorsClose(layer.apply({}, {}, tensor([1, 2]))[0], [1, 2]);
 * const [y] = layer.apply({}, {}, tensor([1, 1]), { train: true, key: random.key(0) });
 * for (const value of y.data()) if (value !== 0 && value !== 2) throw new Error(String(y));
 * ```
 */
export function dropout(rate?: number): Layer<Empty, Empty> {
  if (rate === undefined) rate = 0.5;
  checkNumber(rate, "rate", "dropout", 0, 1);
  return stateless({ name: "dropout", settings: { rate } }, (x, context) => {
    const { train = false, key } = readContext(context, "dropout");
    const input = toTensor(x, "Cannot apply dropout");
    if (!train || rate === 0) return input;
    if (key === undefined) {
      throw argumentError(
        "Cannot apply dropout in training without a key: pass { train: true, key: random.key(seed) }",
      );
    }
    if (rate === 1) return zerosLike(input);
    const kept = bernoulli(key, 1 - rate, input.shape);
    return where(kept, div(input, 1 - rate), 0);
  });
}

/**
 * Scaled dot-product attention.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { broadcastShapes, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { checkpoint, scan } from "../control/mod.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { floatOperand, promoteTogether } from "../functions/broadcasting.ts";
import {
  add,
  arange,
  expandDims,
  lessEqual,
  moveaxis,
  pad,
  reshape,
  take,
  zeros,
} from "../functions/mod.ts";
import { split as splitKey } from "../random/mod.ts";
import { joinMasks, readMask } from "./attention_formula.ts";
import type { AttentionMasks } from "./attention_formula.ts";
import { attend, attendWithWeights } from "./attention_primitive.ts";
import { dropout } from "./dropout.ts";

/**
 * Options of {@linkcode scaledDotProductAttention}.
 *
 * @category Attention
 */
export interface ScaledDotProductAttentionOptions {
  /**
   * Broadcasts to `[..., L, S]`. bool: **true means that the position takes part**, as in PyTorch's
   * function of this name and the opposite of `multiHeadAttention`. Floating-point: added to the
   * scores.
   */
  readonly attnMask?: TensorLike | null;
  /** Whether position `i` attends to positions up to `i` only. Default `false`. */
  readonly isCausal?: boolean;
  /** The factor of the products of queries and keys. Default `1 / sqrt(E)`. */
  readonly scale?: number;
  /** The probability with which each weight is zeroed. Default 0. */
  readonly dropout?: number;
  /** The random key for `dropout`. */
  readonly dropoutKey?: Tensor;
  /**
   * The number of queries processed together. Only the scores of these queries are held in memory, forward
   * and backward, so that memory grows linearly with the length of the sequences; the backward pass
   * computes scores once more. The scores of as many queries as keys have features take no more room than
   * the keys themselves. Not needed in compiled code on WebGPU, which stores no scores of attention without
   * `dropout`, unless a bias is differentiated. Default: all queries.
   */
  readonly blockSize?: number;
}

const WHAT = "Cannot apply scaledDotProductAttention";

/** The shape of the scores `[..., L, S]`; throws when the operands do not fit each other. */
function checkOperands(query: Tensor, key: Tensor, value: Tensor): Shape {
  const fail = (reason: string): Error =>
    shapeError(
      `${WHAT} to query ${showType(query)}, key ${showType(key)} and value ${showType(value)}: ` +
        reason,
    );
  if (query.ndim < 2 || key.ndim < 2 || value.ndim < 2) {
    throw fail("expected [..., L, E], [..., S, E] and [..., S, V]");
  }
  if (query.shape.at(-1) !== key.shape.at(-1)) {
    throw fail(
      `query and key must have equally long last axes, ` +
        `current lengths are ${query.shape.at(-1)} and ${key.shape.at(-1)}`,
    );
  }
  if (key.shape.at(-2) !== value.shape.at(-2)) {
    throw fail(
      `key and value must have the same length on axis -2, ` +
        `current lengths are ${key.shape.at(-2)} and ${value.shape.at(-2)}`,
    );
  }
  const leading = [query, key, value].map(({ shape }) => shape.slice(0, -2));
  const both = broadcastShapes(leading[0], leading[1]);
  if (both === null || broadcastShapes(both, leading[2]) === null) {
    throw fail(
      `leading axes must broadcast, current ones are ${leading.map(showShape).join(", ")}`,
    );
  }
  return [...both, query.shape.at(-2)!, key.shape.at(-2)!];
}

/**
 * Attention (Vaswani et al., "Attention is all you need", 2017):
 * `softmax(queries @ keys.T * scale + mask) @ values`, as PyTorch's function of this name.
 *
 * In a bool mask **true means that a position takes part**: that is the meaning of PyTorch's
 * `scaled_dot_product_attention` and of JAX, and the opposite of `multiHeadAttention`, whose masks
 * exclude positions. A query that may attend to nothing gives zeros, with zero derivatives. Keys and
 * values that a query does not attend to may be anything, also infinite or NaN. Of half floats, scores and
 * weights are computed in float32, and the output is rounded once.
 *
 * @category Attention
 * @param queries `[..., L, E]`.
 * @param keys `[..., S, E]`.
 * @param values `[..., S, V]`.
 * @param options The mask, whether attention is causal, scale, dropout. A causal mask and a mask
 * combine.
 * @returns `[..., L, V]`, leading axes broadcast.
 * @throws {ShapeError} when the operands, or the mask and the scores, do not fit each other.
 * @throws {DtypeError} when the mask is neither bool nor floating-point.
 * @throws {ArgumentError} when `dropout` is not a probability, or lacks its key.
 *
 * @example Looking at one of two positions
 * ```ts
 * import { nn } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const output = nn.scaledDotProductAttention([[1, 0]], [[1, 0], [1, 0]], [[2], [4]]);
 * assertTensorsClose(output, [[3]]);
 * const first = nn.scaledDotProductAttention([[1, 0]], [[1, 0], [1, 0]], [[2], [4]], {
 *   attnMask: [[true, false]],
 * });
 * assertTensorsClose(first, [[2]]);
 * ```
 */
export function scaledDotProductAttention(
  queries: TensorLike,
  keys: TensorLike,
  values: TensorLike,
  options?: ScaledDotProductAttentionOptions,
): Tensor {
  const read = readOptions(WHAT, options, [
    "attnMask",
    "isCausal",
    "scale",
    "dropout",
    "dropoutKey",
    "blockSize",
  ]);
  const { attnMask = null, isCausal = false, dropout: rate = 0, dropoutKey } = read;
  checkFlag(isCausal, WHAT, "isCausal");
  const [q, k, v] = promoteTogether(WHAT, [queries, keys, values]).map(floatOperand);
  const shape = checkOperands(q, k, v);
  const { scale = 1 / Math.sqrt(Math.max(q.shape.at(-1)!, 1)) } = read;
  if (typeof scale !== "number") {
    throw argumentError(`${WHAT} with scale ${describeValue(scale)}: expected a number`);
  }
  if (!(typeof rate === "number" && rate >= 0 && rate <= 1)) {
    throw argumentError(
      `${WHAT} with dropout ${describeValue(rate)}: expected a number from 0 to 1`,
    );
  }
  if (rate > 0 && dropoutKey === undefined) {
    throw argumentError(
      `${WHAT} with dropout without a key: pass { dropoutKey: random.key(seed) }`,
    );
  }
  const { blockSize = Infinity } = read;
  if (blockSize !== Infinity && !(Number.isSafeInteger(blockSize) && blockSize > 0)) {
    throw argumentError(
      `${WHAT} with blockSize ${describeValue(blockSize)}: expected a positive integer`,
    );
  }
  let masks: AttentionMasks = {};
  if (attnMask !== null) {
    const mask = readMask(attnMask, "attnMask", WHAT);
    checkBroadcast("Cannot broadcast attnMask", mask, shape);
    masks = mask.dtype === "bool" ? { allowed: mask } : { bias: mask };
  }
  const drop = (weights: Tensor, key: Tensor | undefined): Tensor =>
    rate === 0 ? weights : dropout(rate).apply({}, {}, weights, { train: true, key: key! })[0];
  if (blockSize < shape.at(-2)!) {
    return attendInBlocks(q, k, v, { scale, masks, isCausal, blockSize, drop, dropoutKey });
  }
  masks = { ...masks, isCausal };
  if (rate === 0) return attend(q, k, v, scale, masks);
  return attendWithWeights(q, k, v, scale, masks, (weights) => drop(weights, dropoutKey))[0];
}

/** How `attendInBlocks` goes about it. */
interface BlockSettings {
  readonly scale: number;
  readonly masks: AttentionMasks;
  readonly isCausal: boolean;
  readonly blockSize: number;
  readonly drop: (weights: Tensor, key: Tensor | undefined) => Tensor;
  readonly dropoutKey: Tensor | undefined;
}

/**
 * The same as `attend`, for some queries after the others, each step of which is computed again in the
 * backward pass (Rabe and Staats, "Self-attention does not need O(n²) memory", 2021).
 */
function attendInBlocks(q: Tensor, k: Tensor, v: Tensor, settings: BlockSettings): Tensor {
  const { scale, masks, isCausal, blockSize, drop, dropoutKey } = settings;
  const [queries, keys] = [q.shape.at(-2)!, k.shape.at(-2)!];
  const count = Math.ceil(queries / blockSize);
  const toBlocks = (x: Tensor): Tensor => {
    const { ndim } = x;
    const missing = count * blockSize - queries;
    const widths = x.shape.map((_, i): [number, number] => [0, i === ndim - 2 ? missing : 0]);
    const whole = missing === 0 ? x : pad(x, widths);
    const shape = [...x.shape.slice(0, -2), count, blockSize, x.shape[ndim - 1]];
    return moveaxis(reshape(whole, shape), -3, 0);
  };
  const isByQuery = (mask: Tensor): boolean => mask.ndim >= 2 && mask.shape.at(-2) !== 1;
  const entries = Object.entries(masks) as [keyof AttentionMasks, Tensor][];
  const byQuery = entries.filter(([, mask]) => isByQuery(mask));
  const positions = arange(keys, { dtype: "int32" });
  const rows = expandDims(arange(blockSize, { dtype: "int32" }), -1);
  const step = checkpoint(
    (block: Tensor, start: Tensor, own: AttentionMasks, key: Tensor | null) => {
      let all: AttentionMasks = { ...masks, ...own };
      if (isCausal) all = joinMasks({ allowed: lessEqual(positions, add(rows, start)) }, all);
      return attendWithWeights(block, k, v, scale, all, (w) => drop(w, key ?? undefined))[0];
    },
  );
  const [, outputs] = scan(
    (start: Tensor, [block, own, key]: readonly [Tensor, AttentionMasks, Tensor | null]) =>
      [add(start, blockSize), step(block, start, own, key)] as const,
    zeros([], { dtype: "int32" }),
    [
      toBlocks(q),
      Object.fromEntries(byQuery.map(([name, mask]) => [name, toBlocks(mask)])) as AttentionMasks,
      dropoutKey === undefined ? null : splitKey(dropoutKey, [count]),
    ] as const,
  );
  const whole = moveaxis(outputs, 0, -3);
  const shape = [...whole.shape.slice(0, -3), count * blockSize, v.shape.at(-1)!];
  return take(reshape(whole, shape), arange(queries, { dtype: "int32" }), -2);
}

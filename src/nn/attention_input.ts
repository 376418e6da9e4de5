/**
 * The inputs of attention layers, and their masks.
 *
 * @module
 */
import { shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import { checkBroadcast } from "../functions/arguments.ts";
import { broadcastTo } from "../functions/broadcasting.ts";
import { expandDims, logicalNot, pad, reshape, swapaxes } from "../functions/mod.ts";
import { causalMask, joinMasks, readMask } from "./attention_formula.ts";
import type { AttentionMasks } from "./attention_formula.ts";

/**
 * The input of `multiHeadAttention` if it is not one sequence that attends to itself.
 *
 * @category Attention
 */
export interface AttentionInput {
  /** `[L, B, E]`, `[B, L, E]` with `batchFirst`, or `[L, E]`. */
  readonly query: Tensor;
  /** `[S, B, kdim]`, `[B, S, kdim]` with `batchFirst`, or `[S, kdim]`. Default: the query. */
  readonly key?: Tensor;
  /** `[S, B, vdim]`, `[B, S, vdim]` with `batchFirst`, or `[S, vdim]`. Default: the key. */
  readonly value?: Tensor;
  /**
   * Broadcasts to `[B, heads, L, S]` (`[heads, L, S]` without a batch); PyTorch's
   * `[B * heads, L, S]` is taken too. bool: **true means that the position is left out**.
   * Floating-point: added to the scores.
   */
  readonly attnMask?: Tensor | null;
  /**
   * `[B, S]`, or `[S]` without a batch. bool: **true means that the key is left out**.
   * Floating-point: added to the scores.
   */
  readonly keyPaddingMask?: Tensor | null;
}

/** The settings of a layer that its input must fit. */
export interface AttentionSizes {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly batchFirst: boolean;
  readonly isCausal: boolean;
}

/** The operands as `[B, length, features]`, and the masks. */
export interface AttentionOperands {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly masks: AttentionMasks;
  /** Whether the input had a batch. */
  readonly isBatched: boolean;
}

/** Begins every message. */
export const WHAT = "Cannot apply multiHeadAttention";

/** Whether `x` is an object of operands rather than a tensor or array. */
function isRecord(x: unknown): x is AttentionInput {
  return typeof x === "object" && x !== null && !(x instanceof Tensor) && !Array.isArray(x) &&
    !ArrayBuffer.isView(x);
}

/** The layer's input, checked and brought into one form. */
export function readOperands(
  sizes: AttentionSizes,
  x: Tensor | AttentionInput,
): AttentionOperands {
  const record: Partial<AttentionInput> = isRecord(x)
    ? readOptions(WHAT, x, ["query", "key", "value", "attnMask", "keyPaddingMask"])
    : { query: x };
  const query = toTensor(record.query!, WHAT);
  const key = record.key === undefined ? query : toTensor(record.key, WHAT);
  const value = record.value === undefined ? key : toTensor(record.value, WHAT);
  const isBatched = query.ndim === 3;
  checkOperand(sizes, "query", query, query.ndim, sizes.embedDim);
  checkOperand(sizes, "key", key, query.ndim, sizes.kdim);
  checkOperand(sizes, "value", value, query.ndim, sizes.vdim);
  const arrange = (operand: Tensor): Tensor => {
    if (!isBatched) return expandDims(operand, 0);
    return sizes.batchFirst ? operand : swapaxes(operand, 0, 1);
  };
  // Equal operands stay one tensor, so that they share a projection.
  const q = arrange(query);
  const k = key === query ? q : arrange(key);
  const v = value === key ? k : value === query ? q : arrange(value);
  const [batch, queries] = q.shape;
  const [, keys] = k.shape;
  if (k.shape[0] !== batch || v.shape[0] !== batch || v.shape[1] !== keys) {
    throw shapeError(
      `${WHAT} to query ${showType(query)}, key ${showType(key)} and value ${showType(value)}: ` +
        `all must have one batch size, key and value one length`,
    );
  }
  let masks: AttentionMasks = { isCausal: sizes.isCausal };
  if (record.attnMask != null) {
    const mask = readMask(record.attnMask, "attnMask", WHAT);
    const scores = [batch, sizes.numHeads, queries, keys];
    masks = joinMasks(masks, excluding(arrangeMask(mask, scores, isBatched)));
  }
  if (record.keyPaddingMask != null) {
    const mask = readMask(record.keyPaddingMask, "keyPaddingMask", WHAT);
    const expected = isBatched ? [batch, keys] : [keys];
    if (!sameShape(mask.shape, expected)) {
      throw shapeError(
        `${WHAT} with keyPaddingMask ${showType(mask)}: expected shape ${showShape(expected)}, ` +
          `one entry for each key`,
      );
    }
    masks = joinMasks(masks, excluding(reshape(mask, [batch, 1, 1, keys])));
  }
  return { query: q, key: k, value: v, masks, isBatched };
}

/** Throws unless an operand has as many axes as the query, and `width` features. */
function checkOperand(
  { batchFirst }: AttentionSizes,
  name: "query" | "key" | "value",
  operand: Tensor,
  ndim: number,
  width: number,
): void {
  const fits = (ndim === 2 || ndim === 3) && operand.ndim === ndim;
  if (fits && operand.shape[ndim - 1] === width) return;
  const length = name === "query" ? "L" : "S";
  const batched = batchFirst ? `[B, ${length}, ${width}]` : `[${length}, B, ${width}]`;
  const single = `[${length}, ${width}]`;
  const expected = ndim === 2 ? single : ndim === 3 ? batched : `${batched} or ${single}`;
  throw shapeError(`${WHAT} to ${name} ${showType(operand)}: expected ${expected}`);
}

/** A mask of this layer, in which true leaves out. */
function excluding(mask: Tensor): AttentionMasks {
  return mask.dtype === "bool" ? { allowed: logicalNot(mask) } : { bias: mask };
}

/** `attnMask` in a shape that broadcasts to `[B, heads, L, S]`. */
function arrangeMask(mask: Tensor, scores: Shape, isBatched: boolean): Tensor {
  const [batch, heads, queries, keys] = scores;
  if (isBatched && sameShape(mask.shape, [batch * heads, queries, keys])) {
    return reshape(mask, scores);
  }
  checkBroadcast("Cannot broadcast attnMask", mask, isBatched ? scores : scores.slice(1));
  return mask;
}

/** Masks for `added` further keys, which every query attends to. */
export function widenMasks(
  masks: AttentionMasks,
  queries: number,
  keys: number,
  added: number,
): AttentionMasks {
  const causal = masks.isCausal === true ? { allowed: causalMask(queries, keys) } : {};
  const { allowed, bias } = joinMasks(causal, { ...masks, isCausal: false });
  const widen = (mask: Tensor, value: number): Tensor => {
    const own = mask.ndim === 0 ? [1] : mask.shape;
    const wide = broadcastTo(mask, [...own.slice(0, -1), keys]);
    const widths = wide.shape.map((_, axis): [number, number] => [
      0,
      axis === wide.ndim - 1 ? added : 0,
    ]);
    return pad(wide, widths, { value });
  };
  return {
    ...(allowed === undefined ? {} : { allowed: widen(allowed, 1) }),
    ...(bias === undefined ? {} : { bias: widen(bias, 0) }),
  };
}

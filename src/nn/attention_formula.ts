/**
 * Attention as a composition of products and a softmax, with masks.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { dtypeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { cond, customJvp } from "../control/mod.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import {
  add,
  any,
  arange,
  astype,
  broadcastTo,
  equal,
  expandDims,
  greater,
  isfinite,
  isnan,
  lessEqual,
  logicalAnd,
  matmul,
  mul,
  notEqual,
  swapaxes,
  where,
} from "../functions/mod.ts";
import { allFinite, isKnownFinite } from "../primitives/reduction.ts";
import { maskedSoftmax } from "./activations.ts";

/** The positions that may be attended to, and the bias added to their scores; both broadcast. */
export interface AttentionMasks {
  /** bool: true where attention is allowed. */
  readonly allowed?: Tensor;
  /** Floating-point: added to the scores. */
  readonly bias?: Tensor;
  /** Whether position `i` attends to positions up to `i` only. */
  readonly isCausal?: boolean;
}

/** Two masks as one: allowed by both, and both added. */
export function joinMasks(first: AttentionMasks, second: AttentionMasks): AttentionMasks {
  const allowed = first.allowed !== undefined && second.allowed !== undefined
    ? logicalAnd(first.allowed, second.allowed)
    : first.allowed ?? second.allowed;
  const bias = first.bias !== undefined && second.bias !== undefined
    ? add(first.bias, second.bias)
    : first.bias ?? second.bias;
  return {
    ...(allowed === undefined ? {} : { allowed }),
    ...(bias === undefined ? {} : { bias }),
    isCausal: first.isCausal === true || second.isCausal === true,
  };
}

/** The mask of `isCausal`: position `i` attends to positions up to `i`. */
export function causalMask(queries: number, keys: number): Tensor {
  const positions = (length: number): Tensor => arange(length, { dtype: "int32" });
  return lessEqual(positions(keys), expandDims(positions(queries), -1));
}

/** `mask`, called `name`, as a tensor of bools or floating-point numbers. */
export function readMask(mask: TensorLike, name: string, what: string): Tensor {
  const read = toTensor(mask, `${what} with this ${name}`);
  if (read.dtype === "bool" || isFloat(read.dtype)) return read;
  throw dtypeError(
    `${what} with ${name} ${showType(read)}: expected bool, or a floating-point dtype whose ` +
      `values are added to the scores; convert with astype("bool")`,
  );
}

/** Where attention is allowed, also by the bias: minus infinity forbids it. */
function allowedBy(
  { allowed, bias, isCausal = false }: AttentionMasks,
  queries: number,
  keys: number,
): Tensor | undefined {
  const all = [
    ...(isCausal ? [causalMask(queries, keys)] : []),
    ...(allowed === undefined ? [] : [allowed]),
    ...(bias === undefined ? [] : [notEqual(bias, -Infinity)]),
  ];
  return all.length === 0 ? undefined : all.reduce((one, other) => logicalAnd(one, other));
}

/** Whether any query attends to a key, `[..., S, 1]`; undefined if every key is known to be attended to. */
export function seenKeys(
  masks: AttentionMasks,
  queries: number,
  keys: number,
): Tensor | undefined {
  const isCausal = masks.isCausal === true && (keys > queries || masks.allowed !== undefined);
  const allowed = allowedBy({ ...masks, isCausal }, queries, keys);
  if (allowed === undefined) return undefined;
  const missing = Math.max(0, 2 - allowed.ndim);
  const matrices = missing === 0 ? allowed : expandDims(allowed, missing === 1 ? 0 : [0, 1]);
  const seen = swapaxes(any(matrices, -2, { keepdims: true }), -1, -2);
  return seen instanceof Concrete && seen.elements.every((flag) => flag === 1) ? undefined : seen;
}

/** Keys or values with zeros in place of those that no query attends to. */
export function withoutUnseen(x: Tensor, seen: Tensor | undefined): Tensor {
  return seen === undefined ? x : where(seen, x, 0);
}

/** Elements that are finite, and zeros in place of the others. */
function finitePart(x: Tensor): Tensor {
  return where(isfinite(x), x, 0);
}

/** Queries times keys. */
function plainScores(query: Tensor, key: Tensor): Tensor {
  return matmul(query, swapaxes(key, -1, -2));
}

/** The same, with derivatives by finite factors: zeros from a mask would meet the others. */
const maskedScores: (query: Tensor, key: Tensor) => Tensor = customJvp(
  plainScores,
  ([query, key], [dq, dk]) => [
    maskedScores(query, key),
    add(plainScores(dq, finitePart(key)), plainScores(finitePart(query), dk)),
  ],
);

/** The sum of values that are infinite or NaN, and allowed, for each query: by products, as for weights. */
function infinitePart(value: Tensor, allowed: Tensor): Tensor {
  const shape = [...allowed.shape.slice(0, -2), allowed.shape.at(-2) ?? 1, value.shape.at(-2)!];
  const places = astype(broadcastTo(allowed, shape), value.dtype);
  const isAmong = (test: Tensor): Tensor => greater(matmul(places, astype(test, value.dtype)), 0);
  const above = where(isAmong(equal(value, Infinity)), Infinity, 0);
  const below = where(isAmong(equal(value, -Infinity)), -Infinity, 0);
  return where(isAmong(isnan(value)), NaN, add(above, below));
}

/** Weights times values; values that are infinite or NaN count only where they are allowed. */
const maskedOutput: (weights: Tensor, value: Tensor, allowed: Tensor) => Tensor = customJvp(
  (weights: Tensor, value: Tensor, allowed: Tensor) => {
    const output = matmul(weights, finitePart(value));
    return cond(
      allFinite(value),
      (output) => output,
      (output, value, allowed) => add(output, infinitePart(value, allowed)),
      output,
      value,
      allowed,
    );
  },
  ([weights, value, allowed], [dw, dv]) => [
    maskedOutput(weights, value, allowed),
    add(matmul(dw, finitePart(value)), matmul(weights, dv)),
  ],
);

/**
 * Attention (Vaswani et al., "Attention is all you need", 2017, equation 1). Keys and values that a
 * query does not attend to may be anything. One that attends to NaN, or has an infinite score, gives NaN
 * without a derivative, if there is a mask.
 *
 * @param query `[..., L, E]`, of float32 or float64, as are `key` and `value`.
 * @param key `[..., S, E]`.
 * @param value `[..., S, V]`.
 * @param drop A function applied to the weights before they are used.
 * @returns The output `[..., L, V]` and the weights `[..., L, S]`.
 */
export function attentionFormula(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  scale: number,
  masks: AttentionMasks,
  drop: (weights: Tensor) => Tensor = (weights) => weights,
): [output: Tensor, weights: Tensor] {
  const scaled = mul(query, scale);
  const allowed = allowedBy(masks, query.shape.at(-2)!, key.shape.at(-2)!);
  const isPlain = allowed === undefined || [scaled, key, value].every(isKnownFinite);
  let scores = isPlain ? plainScores(scaled, key) : maskedScores(scaled, key);
  if (masks.bias !== undefined) scores = add(scores, astype(masks.bias, scores.dtype));
  if (allowed !== undefined) scores = where(allowed, scores, -Infinity);
  const softmax = maskedSoftmax(scores, scores.ndim - 1, allowed !== undefined);
  const weights = drop(softmax.weights);
  const output = isPlain ? matmul(weights, value) : maskedOutput(weights, value, allowed);
  const { rest } = softmax;
  return rest === null ? [output, weights] : [add(output, rest), add(weights, rest)];
}

/**
 * The multi-head attention layer.
 *
 * @module
 */
import { defaultFloat } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  add,
  any,
  broadcastTo,
  concatenate,
  matmul,
  mean,
  reshape,
  split,
  squeeze,
  swapaxes,
  transpose,
  zeros,
} from "../functions/mod.ts";
import { split as splitKey } from "../random/mod.ts";
import { seenKeys, withoutUnseen } from "./attention_formula.ts";
import { readOperands, WHAT, widenMasks } from "./attention_input.ts";
import type { AttentionInput, AttentionOperands } from "./attention_input.ts";
import { attend, attendWithWeights } from "./attention_primitive.ts";
import { dropout } from "./dropout.ts";
import { defaultWeight, xavierNormal, xavierUniform } from "./initializers.ts";
import { inComputeDtype } from "./compute_dtype.ts";
import {
  checkBoolean,
  checkCount,
  checkNumber,
  checkParameterDtype,
  readContext,
  readLeaf,
} from "./layer.ts";
import type { Context, Empty, Layer, ParameterOptions } from "./layer.ts";
import type { LinearParams } from "./linear.ts";

/**
 * Parameters of `multiHeadAttention`, `E` being `embedDim`.
 *
 * @category Attention
 */
export interface MultiHeadAttentionParams {
  /** `[3 E, E]`: the projections of query, key and value, one below the other. */
  readonly in_proj_weight?: Tensor;
  /** `[E, E]`; in place of `in_proj_weight` when `kdim` or `vdim` is not `E`. */
  readonly q_proj_weight?: Tensor;
  /** `[E, kdim]`; in place of `in_proj_weight` when `kdim` or `vdim` is not `E`. */
  readonly k_proj_weight?: Tensor;
  /** `[E, vdim]`; in place of `in_proj_weight` when `kdim` or `vdim` is not `E`. */
  readonly v_proj_weight?: Tensor;
  /** `[3 E]`; absent with `bias: false`. */
  readonly in_proj_bias?: Tensor;
  /** `[1, 1, E]`: a key in addition to those of the input; with `addBiasKv` only. */
  readonly bias_k?: Tensor;
  /** `[1, 1, E]`: the value of that key; with `addBiasKv` only. */
  readonly bias_v?: Tensor;
  /** The projection of the joined heads: `[E, E]` and, unless `bias: false`, `[E]`. */
  readonly out_proj: LinearParams;
}

/**
 * Options of `multiHeadAttention`, in PyTorch's names.
 *
 * @category Attention
 */
export interface MultiHeadAttentionOptions extends ParameterOptions {
  /** The probability with which each attention weight is zeroed in training. Default 0. */
  readonly dropout?: number;
  /** Whether the projections have biases. Default `true`. */
  readonly bias?: boolean;
  /** Whether a learned key and value are added to those of the input. Default `false`. */
  readonly addBiasKv?: boolean;
  /** Whether a key and a value of zeros are added to those of the input. Default `false`. */
  readonly addZeroAttn?: boolean;
  /** The number of features of the keys. Default `embedDim`. */
  readonly kdim?: number;
  /** The number of features of the values. Default `embedDim`. */
  readonly vdim?: number;
  /** Whether inputs are `[B, L, E]` instead of `[L, B, E]`. Default `false`, as in PyTorch. */
  readonly batchFirst?: boolean;
  /** Whether position `i` attends to positions up to `i` only. Default `false`. */
  readonly isCausal?: boolean;
  /** Whether the output is `[output, weights]`. Default `false`, unlike PyTorch's. */
  readonly needWeights?: boolean;
  /** Whether the weights are the mean over all heads. Default `true`. */
  readonly averageAttnWeights?: boolean;
}

/** The checked settings of a layer. */
type Settings = Required<Omit<MultiHeadAttentionOptions, "computeDtype">> & {
  readonly embedDim: number;
  readonly numHeads: number;
};

function readSettings(
  embedDim: number,
  numHeads: number,
  options: MultiHeadAttentionOptions | undefined,
): Settings {
  const layer = "multiHeadAttention";
  checkCount(embedDim, "embedDim", layer);
  checkCount(numHeads, "numHeads", layer);
  if (embedDim % numHeads !== 0) {
    throw argumentError(
      `Cannot make a ${layer} layer with numHeads ${numHeads}: it must divide embedDim ${embedDim}`,
    );
  }
  const read = readOptions(`Cannot make a ${layer} layer`, options, [
    "dropout",
    "bias",
    "addBiasKv",
    "addZeroAttn",
    "kdim",
    "vdim",
    "batchFirst",
    "isCausal",
    "needWeights",
    "averageAttnWeights",
    "dtype",
    "computeDtype",
  ]);
  const flag = (name: keyof MultiHeadAttentionOptions, standard: boolean): boolean =>
    checkBoolean(read[name] ?? standard, name, layer);
  return {
    embedDim,
    numHeads,
    dropout: checkNumber(read.dropout ?? 0, "dropout", layer, 0, 1),
    kdim: checkCount(read.kdim ?? embedDim, "kdim", layer),
    vdim: checkCount(read.vdim ?? embedDim, "vdim", layer),
    bias: flag("bias", true),
    addBiasKv: flag("addBiasKv", false),
    addZeroAttn: flag("addZeroAttn", false),
    batchFirst: flag("batchFirst", false),
    isCausal: flag("isCausal", false),
    needWeights: flag("needWeights", false),
    averageAttnWeights: flag("averageAttnWeights", true),
    dtype: checkParameterDtype(read.dtype ?? defaultFloat(), layer),
  };
}

/** The weights of the three input projections, by name: one matrix where they are equally wide. */
function inputWeights({ embedDim, kdim, vdim }: Settings): [name: string, shape: Shape][] {
  if (kdim === embedDim && vdim === embedDim) return [["in_proj_weight", [3 * embedDim, embedDim]]];
  return [
    ["q_proj_weight", [embedDim, embedDim]],
    ["k_proj_weight", [embedDim, kdim]],
    ["v_proj_weight", [embedDim, vdim]],
  ];
}

/** Fresh parameters, initialised as PyTorch's. */
function initialize(settings: Settings, key: Tensor): MultiHeadAttentionParams {
  const { embedDim, bias, addBiasKv, dtype } = settings;
  const [outKey, keyKey, valueKey, ...inputKeys] = splitKey(key, 6);
  const vector = xavierNormal();
  return {
    ...Object.fromEntries(
      inputWeights(settings).map(([name, shape], i) => [
        name,
        xavierUniform()(inputKeys[i], shape, dtype),
      ]),
    ),
    ...(bias ? { in_proj_bias: zeros([3 * embedDim], { dtype }) } : {}),
    ...(addBiasKv
      ? {
        bias_k: vector(keyKey, [1, 1, embedDim], dtype),
        bias_v: vector(valueKey, [1, 1, embedDim], dtype),
      }
      : {}),
    out_proj: {
      weight: defaultWeight(outKey, [embedDim, embedDim], dtype),
      ...(bias ? { bias: zeros([embedDim], { dtype }) } : {}),
    },
  };
}

/** A parameter of the layer, of this shape. */
function readParameter(params: unknown, name: string, shape: Shape): Tensor {
  const leaf = readLeaf(params, "params", name, "multiHeadAttention");
  if (sameShape(leaf.shape, shape)) return leaf;
  throw shapeError(`${WHAT} with ${name} ${showType(leaf)}: expected shape ${showShape(shape)}`);
}

/** `x @ weight.T + bias`. */
function linear(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const product = matmul(x, transpose(weight));
  return bias === undefined ? product : add(product, bias);
}

/** Query, key and value projected to `[B, length, E]`; equal inputs share one product. */
function project(
  settings: Settings,
  params: MultiHeadAttentionParams,
  inputs: readonly [query: Tensor, key: Tensor, value: Tensor],
): [query: Tensor, key: Tensor, value: Tensor] {
  const { embedDim } = settings;
  const bias = settings.bias ? readParameter(params, "in_proj_bias", [3 * embedDim]) : undefined;
  const weights = inputWeights(settings).map(([name, shape]) => readParameter(params, name, shape));
  const [query, key, value] = inputs;
  const isPacked = weights.length === 1;
  if (isPacked && query === key && key === value) {
    return split(linear(query, weights[0], bias), 3, -1) as [Tensor, Tensor, Tensor];
  }
  const biases = bias === undefined ? [] : split(bias, 3, 0);
  if (isPacked && key === value) {
    const [weight, weightOfBoth] = split(weights[0], [embedDim], 0);
    const biasOfBoth = bias === undefined ? undefined : concatenate(biases.slice(1));
    const [k, v] = split(linear(key, weightOfBoth, biasOfBoth), 2, -1);
    return [linear(query, weight, biases[0]), k, v];
  }
  const three = isPacked ? split(weights[0], 3, 0) : weights;
  return [
    linear(query, three[0], biases[0]),
    linear(key, three[1], biases[1]),
    linear(value, three[2], biases[2]),
  ];
}

/** `x`, `[B, S, E]`, with one more row in each batch. */
function appendRow(x: Tensor, row: Tensor): Tensor {
  const [batch, , features] = x.shape;
  return concatenate([x, broadcastTo(row, [batch, 1, features])], 1);
}

/** The inputs with zeros in place of keys and values that no query of any head attends to. */
function withoutPadding(
  { query, key, value, masks }: AttentionOperands,
): [query: Tensor, key: Tensor, value: Tensor] {
  // A query is also projected for its own output.
  if (query === key && query === value) return [query, key, value];
  const byHead = seenKeys(masks, query.shape[1], key.shape[1]);
  const seen = byHead !== undefined && byHead.ndim > 2 ? any(byHead, -3) : byHead;
  const clean = (x: Tensor): Tensor => x === query ? x : withoutUnseen(x, seen);
  const k = clean(key);
  return [query, k, value === key ? k : clean(value)];
}

/**
 * The output, laid out as asked, and the weights of every head, `[B, heads, L, S]`, if they are needed.
 */
function run(
  settings: Settings,
  params: MultiHeadAttentionParams,
  x: Tensor | AttentionInput,
  context: Context,
): [output: Tensor, weights: Tensor | undefined, isBatched: boolean] {
  const { embedDim, numHeads } = settings;
  const operands = readOperands(settings, x);
  const { isBatched } = operands;
  let { masks } = operands;
  let [query, key, value] = project(settings, params, withoutPadding(operands));
  const [batch, queries] = query.shape;
  const [, keys] = key.shape;
  if (settings.addBiasKv) {
    key = appendRow(key, readParameter(params, "bias_k", [1, 1, embedDim]));
    value = appendRow(value, readParameter(params, "bias_v", [1, 1, embedDim]));
  }
  if (settings.addZeroAttn) {
    const row = zeros([1, 1, embedDim], { dtype: key.dtype });
    key = appendRow(key, row);
    value = appendRow(value, row);
  }
  const added = key.shape[1] - keys;
  if (added > 0) masks = widenMasks(masks, queries, keys, added);
  const width = embedDim / numHeads;
  const heads = (part: Tensor): Tensor =>
    swapaxes(reshape(part, [batch, part.shape[1], numHeads, width]), 1, 2);
  const [q, k, v] = [query, key, value].map(heads);
  const scale = 1 / Math.sqrt(width);
  const hasWeights = settings.needWeights || settings.dropout > 0 && context.train === true;
  const drop = (weights: Tensor): Tensor =>
    dropout(settings.dropout).apply({}, {}, weights, context)[0];
  const [attended, weights] = hasWeights
    ? attendWithWeights(q, k, v, scale, masks, drop)
    : [attend(q, k, v, scale, masks)];
  const joined = reshape(swapaxes(attended, 1, 2), [batch, queries, embedDim]);
  const outParams = (params as { readonly out_proj?: unknown }).out_proj;
  const output = linear(
    joined,
    readParameter(outParams, "weight", [embedDim, embedDim]),
    settings.bias ? readParameter(outParams, "bias", [embedDim]) : undefined,
  );
  if (!isBatched) return [squeeze(output, 0), weights, isBatched];
  return [settings.batchFirst ? output : swapaxes(output, 0, 1), weights, isBatched];
}

/**
 * Multi-head attention (Vaswani et al., "Attention is all you need", 2017), with PyTorch's parameters
 * and options.
 *
 * The input is one sequence, which attends to itself, or an object of `query`, `key`, `value` and
 * masks. As in PyTorch's layer, **true in a bool mask means that a position is left out**: the
 * opposite of `scaledDotProductAttention` and of JAX. A query that may look at nothing gives zeros
 * before the output projection, whether or not weights are asked for; PyTorch gives NaN in the one
 * case and zeros in the other.
 *
 * Keys and values that a query does not attend to, such as padding, may be anything, also infinite or
 * NaN. A query that attends to a key with NaN, or has an infinite score, gives NaN; if there is a mask,
 * without a derivative.
 *
 * @category Attention
 * @param embedDim The number of features `E` of the queries and of the output.
 * @param numHeads How many heads share them; must divide `embedDim`.
 * @param options Biases, features of keys and values, layout, dropout, causality, weights, dtype.
 * @returns A layer from `[L, B, E]`, `[B, L, E]` with `batchFirst`, or `[L, E]` to the same shape. With
 * `needWeights` its output is `[output, weights]`, the weights being `[B, L, S]`, or
 * `[B, heads, L, S]` with `averageAttnWeights: false`, without `B` for an input without a batch.
 * @throws {ArgumentError} when a size is not a positive integer, or the heads do not divide `embedDim`.
 * @throws {ShapeError} when inputs or masks do not fit.
 * @throws {DtypeError} when a mask is neither bool nor floating-point.
 *
 * @example Self-attention, and attention to another sequence with padding
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 *
 * const layer = nn.multiHeadAttention(8, 2, { batchFirst: true });
 * const [params, state] = layer.init(random.key(0));
 * const x = random.normal(random.key(1), [3, 5, 8]);
 * const [y] = layer.apply(params, state, x);
 * if (String(y.shape) !== "3,5,8") throw new Error(String(y.shape));
 *
 * const [z] = layer.apply(params, state, {
 *   query: x,
 *   key: random.normal(random.key(2), [3, 2, 8]),
 *   keyPaddingMask: tensor([[false, false], [false, true], [false, true]]),
 * });
 * if (String(z.shape) !== "3,5,8") throw new Error(String(z.shape));
 * ```
 */
export function multiHeadAttention(
  embedDim: number,
  numHeads: number,
  options: MultiHeadAttentionOptions & { readonly needWeights: true },
): Layer<
  MultiHeadAttentionParams,
  Empty,
  Tensor | AttentionInput,
  [output: Tensor, weights: Tensor]
>;
/** Multi-head attention without its weights. */
export function multiHeadAttention(
  embedDim: number,
  numHeads: number,
  options?: MultiHeadAttentionOptions & { readonly needWeights?: false },
): Layer<MultiHeadAttentionParams, Empty, Tensor | AttentionInput>;
/** The same with options that are known when the program runs. */
export function multiHeadAttention(
  embedDim: number,
  numHeads: number,
  options: MultiHeadAttentionOptions,
): Layer<
  MultiHeadAttentionParams,
  Empty,
  Tensor | AttentionInput,
  Tensor | [output: Tensor, weights: Tensor]
>;
export function multiHeadAttention(
  embedDim: number,
  numHeads: number,
  options?: MultiHeadAttentionOptions,
): Layer<
  MultiHeadAttentionParams,
  Empty,
  Tensor | AttentionInput,
  // deno-lint-ignore no-explicit-any
  any
> {
  const settings = readSettings(embedDim, numHeads, options);
  // deno-lint-ignore no-explicit-any
  return inComputeDtype<MultiHeadAttentionParams, Empty, Tensor | AttentionInput, any>(
    options ?? {},
    described({
      name: "multiHeadAttention",
      args: [embedDim, numHeads],
      settings: options ?? {},
    }, {
      init: (key) => [initialize(settings, key), {}],
      apply(params, state, x, given) {
        const context = readContext(given, "multiHeadAttention");
        const [output, weights, isBatched] = run(settings, params, x, context);
        if (!settings.needWeights || weights === undefined) return [output, state];
        const shown = settings.averageAttnWeights ? mean(weights, 1) : weights;
        return [[output, isBatched ? shown : squeeze(shown, 0)], state];
      },
    }),
  );
}

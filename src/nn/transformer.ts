/**
 * Transformer layers.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add } from "../functions/mod.ts";
import { relu } from "./activations.ts";
import { multiHeadAttention } from "./attention.ts";
import type { MultiHeadAttentionParams } from "./attention.ts";
import { dropout } from "./dropout.ts";
import { checkBoolean } from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";
import { linear } from "./linear.ts";
import type { LinearParams } from "./linear.ts";
import { module } from "./module.ts";
import type { SeveralInputs } from "./module.ts";
import { layerNorm } from "./normalization.ts";
import type { AffineParams } from "./normalization.ts";

/**
 * Options of `transformerEncoderLayer` and `transformerDecoderLayer`, in PyTorch's names.
 *
 * @category Attention
 */
export interface TransformerOptions extends ParameterOptions {
  /** The width of the network between the two linear layers. Default 2048. */
  readonly dimFeedforward?: number;
  /** The probability of being zeroed in training: of weights, of hidden units, of results. Default 0.1. */
  readonly dropout?: number;
  /** The function between the two linear layers. Default `relu`. */
  readonly activation?: (x: Tensor) => Tensor;
  /** Added to the variance by normalisations. Default 1e-5. */
  readonly layerNormEps?: number;
  /** Whether inputs are `[B, L, E]` instead of `[L, B, E]`. Default `false`, as in PyTorch. */
  readonly batchFirst?: boolean;
  /** Whether the inputs of sublayers are normalised instead of their outputs. Default `false`. */
  readonly normFirst?: boolean;
  /** Whether linear layers, projections and normalisations have biases. Default `true`. */
  readonly bias?: boolean;
  /** Whether position `i` of the input, or of the target, attends to positions up to `i` only. Default `false`. */
  readonly isCausal?: boolean;
}

/**
 * Parameters of `transformerEncoderLayer`.
 *
 * @category Attention
 */
export interface TransformerEncoderLayerParams {
  /** Attention of the input to itself. */
  readonly self_attn: MultiHeadAttentionParams;
  /** The first layer of the network. */
  readonly linear1: LinearParams;
  /** The second layer of the network. */
  readonly linear2: LinearParams;
  /** The normalisation of the attention. */
  readonly norm1: AffineParams;
  /** The normalisation of the network. */
  readonly norm2: AffineParams;
  /** Dropout of hidden units has none. */
  readonly dropout: Empty;
  /** Dropout of the attention has none. */
  readonly dropout1: Empty;
  /** Dropout of the network has none. */
  readonly dropout2: Empty;
}

/**
 * The state of `transformerEncoderLayer`: there is none in any part.
 *
 * @category Attention
 */
export type TransformerEncoderLayerState = {
  readonly [Part in keyof TransformerEncoderLayerParams]: Empty;
};

/**
 * The state of `transformerDecoderLayer`: there is none in any part.
 *
 * @category Attention
 */
export type TransformerDecoderLayerState = {
  readonly [Part in keyof TransformerDecoderLayerParams]: Empty;
};

/**
 * The masks of an encoder layer, as in `multiHeadAttention`: **true leaves out**.
 *
 * @category Attention
 */
export interface TransformerEncoderMasks {
  /** Broadcasts to `[B, heads, L, L]`; also `[B * heads, L, L]`. Floating-point masks are added. */
  readonly attnMask?: Tensor | null;
  /** `[B, L]`: the positions that are padding. */
  readonly keyPaddingMask?: Tensor | null;
}

/**
 * Parameters of `transformerDecoderLayer`.
 *
 * @category Attention
 */
export interface TransformerDecoderLayerParams extends TransformerEncoderLayerParams {
  /** Attention to the memory. */
  readonly multihead_attn: MultiHeadAttentionParams;
  /** The normalisation of the network; `norm2` is that of the attention to the memory. */
  readonly norm3: AffineParams;
  /** Dropout of the network has none. */
  readonly dropout3: Empty;
}

/**
 * The masks of a decoder layer, as in `multiHeadAttention`: **true leaves out**.
 *
 * @category Attention
 */
export interface TransformerDecoderMasks {
  /** Of the target: broadcasts to `[B, heads, T, T]`. */
  readonly targetMask?: Tensor | null;
  /** Of the memory: broadcasts to `[B, heads, T, S]`. */
  readonly memoryMask?: Tensor | null;
  /** `[B, T]`: the positions of the target that are padding. */
  readonly targetKeyPaddingMask?: Tensor | null;
  /** `[B, S]`: the positions of the memory that are padding. */
  readonly memoryKeyPaddingMask?: Tensor | null;
}

const OPTIONS = [
  "dimFeedforward",
  "dropout",
  "activation",
  "layerNormEps",
  "batchFirst",
  "normFirst",
  "bias",
  "isCausal",
  "dtype",
  "computeDtype",
] as const;

/** The parts that both layers have, checked. */
function readParts(
  name: string,
  dModel: number,
  numHeads: number,
  options: TransformerOptions | undefined,
) {
  const {
    dimFeedforward = 2048,
    dropout: rate = 0.1,
    activation = relu,
    layerNormEps = 1e-5,
    batchFirst = false,
    normFirst = false,
    bias = true,
    isCausal = false,
    ...types
  } = readOptions(`Cannot make a ${name} layer`, options, OPTIONS);
  checkBoolean(normFirst, "normFirst", name);
  if (typeof activation !== "function") {
    throw argumentError(
      `Cannot make a ${name} layer with activation ${describeValue(activation)}: ` +
        `expected a function such as nn.relu`,
    );
  }
  const norm = () => layerNorm(dModel, { eps: layerNormEps, bias, ...types });
  const drop = dropout(rate);
  const attention = { dropout: rate, bias, batchFirst, ...types };
  return {
    normFirst,
    activation,
    norm,
    drop,
    cross: () => multiHeadAttention(dModel, numHeads, attention),
    parts: {
      self_attn: multiHeadAttention(dModel, numHeads, { ...attention, isCausal }),
      linear1: linear(dModel, dimFeedforward, { bias, ...types }),
      dropout: drop,
      linear2: linear(dimFeedforward, dModel, { bias, ...types }),
      norm1: norm(),
      norm2: norm(),
      dropout1: drop,
      dropout2: drop,
    },
  };
}

/** A sublayer with a residual connection, normalised before or after. */
function beside(
  x: Tensor,
  sublayer: (x: Tensor) => Tensor,
  norm: (x: Tensor) => Tensor,
  normFirst: boolean,
): Tensor {
  return normFirst ? add(x, sublayer(norm(x))) : norm(add(x, sublayer(x)));
}

/**
 * A layer of a transformer's encoder (Vaswani et al., "Attention is all you need", 2017), equal to PyTorch's
 * of this name: attention of the input to itself, and a network of two linear layers, each with a residual
 * connection and normalised.
 *
 * @category Attention
 * @param dModel The number of features `E`.
 * @param numHeads How many heads share them; must divide `dModel`.
 * @param options Widths, dropout, activation, layout, normalisation, causality, dtype.
 * @returns A layer of `[x]` or `[x, masks]`, `x` being `[L, B, E]`, `[B, L, E]` with `batchFirst`, or
 * `[L, E]`, to the same shape; its parameters have PyTorch's keys. `nn.stack` repeats it.
 * @throws {ArgumentError} when a size is not a positive integer, or the heads do not divide `dModel`.
 * @throws {ShapeError} when inputs or masks do not fit.
 *
 * @example Two layers with padding
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 *
 * const layer = nn.transformerEncoderLayer(8, 2, { dimFeedforward: 16, batchFirst: true });
 * const encoder = nn.stack(layer, 2);
 * const [params, state] = encoder.init(random.key(0));
 * const x = random.normal(random.key(1), [2, 3, 8]);
 * const keyPaddingMask = tensor([[false, false, true], [false, false, false]]);
 * const [y] = encoder.apply(params, state, [x, { keyPaddingMask }]);
 * if (String(y.shape) !== "2,3,8") throw new Error(String(y.shape));
 * ```
 */
export function transformerEncoderLayer(
  dModel: number,
  numHeads: number,
  options?: TransformerOptions,
):
  & Layer<
    TransformerEncoderLayerParams,
    TransformerEncoderLayerState,
    [x: Tensor, masks?: TransformerEncoderMasks | null]
  >
  & SeveralInputs {
  const name = "transformerEncoderLayer";
  const { parts, normFirst, activation } = readParts(name, dModel, numHeads, options);
  const layer = module(parts, (p, x: Tensor, masks?: TransformerEncoderMasks | null) => {
    const attend = (x: Tensor): Tensor => {
      const { attnMask = null, keyPaddingMask = null } = masks ?? {};
      return p.dropout1(p.self_attn({ query: x, attnMask, keyPaddingMask }));
    };
    const network = (x: Tensor): Tensor =>
      p.dropout2(p.linear2(p.dropout(activation(p.linear1(x)))));
    return beside(beside(x, attend, p.norm1, normFirst), network, p.norm2, normFirst);
  });
  return described({ ...layer.description, name }, layer);
}

/**
 * A layer of a transformer's decoder (Vaswani et al., "Attention is all you need", 2017), equal to PyTorch's
 * of this name: attention of the target to itself, attention to the memory, and a network of two linear
 * layers, each with a residual connection and normalised.
 *
 * @category Attention
 * @param dModel The number of features `E`.
 * @param numHeads How many heads share them; must divide `dModel`.
 * @param options Widths, dropout, activation, layout, normalisation, causality of the target, dtype.
 * @returns A layer of `[target, memory]` or `[target, memory, masks]`, the target being `[T, B, E]`,
 * `[B, T, E]` with `batchFirst`, or `[T, E]`, to the same shape; its parameters have PyTorch's keys.
 * @throws {ArgumentError} when a size is not a positive integer, or the heads do not divide `dModel`.
 * @throws {ShapeError} when inputs or masks do not fit.
 *
 * @example A target of two positions, a memory of three
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const layer = nn.transformerDecoderLayer(8, 2, { dimFeedforward: 16, isCausal: true });
 * const [params, state] = layer.init(random.key(0));
 * const target = random.normal(random.key(1), [2, 5, 8]);
 * const memory = random.normal(random.key(2), [3, 5, 8]);
 * const [y] = layer.apply(params, state, [target, memory]);
 * if (String(y.shape) !== "2,5,8") throw new Error(String(y.shape));
 * ```
 */
export function transformerDecoderLayer(
  dModel: number,
  numHeads: number,
  options?: TransformerOptions,
):
  & Layer<
    TransformerDecoderLayerParams,
    TransformerDecoderLayerState,
    [target: Tensor, memory: Tensor, masks?: TransformerDecoderMasks | null]
  >
  & SeveralInputs {
  const name = "transformerDecoderLayer";
  const { parts, normFirst, activation, norm, drop, cross } = readParts(
    name,
    dModel,
    numHeads,
    options,
  );
  const all = { ...parts, multihead_attn: cross(), norm3: norm(), dropout3: drop };
  const layer = module(
    all,
    (p, target: Tensor, memory: Tensor, masks?: TransformerDecoderMasks | null) => {
      const attend = (x: Tensor): Tensor => {
        const { targetMask = null, targetKeyPaddingMask = null } = masks ?? {};
        const own = { attnMask: targetMask, keyPaddingMask: targetKeyPaddingMask };
        return p.dropout1(p.self_attn({ query: x, ...own }));
      };
      const remember = (x: Tensor): Tensor => {
        const { memoryMask = null, memoryKeyPaddingMask = null } = masks ?? {};
        const own = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask };
        return p.dropout2(p.multihead_attn({ query: x, key: memory, ...own }));
      };
      const network = (x: Tensor): Tensor =>
        p.dropout3(p.linear2(p.dropout(activation(p.linear1(x)))));
      const first = beside(target, attend, p.norm1, normFirst);
      const second = beside(first, remember, p.norm2, normFirst);
      return beside(second, network, p.norm3, normFirst);
    },
  );
  return described({ ...layer.description, name }, layer);
}

/**
 * Attention whose heads share keys and values, with a cache of them.
 *
 * @module
 */
import { defaultFloat, describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { described } from "../core/description.ts";
import { toTensor } from "../core/convert.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import {
  add,
  arange,
  dynamicUpdateSlice,
  expandDims,
  less,
  lessEqual,
  logicalAnd,
  reshape,
  swapaxes,
  where,
  zeros,
} from "../functions/mod.ts";
import {
  checkBoolean,
  checkCount,
  checkInput,
  checkNumber,
  checkParameterDtype,
  readContext,
  readLeaf,
} from "./layer.ts";
import type { Empty, Layer, ParameterOptions } from "./layer.ts";
import { linear } from "./linear.ts";
import type { LinearParams } from "./linear.ts";
import { init } from "./module.ts";
import type { SeveralInputs } from "./module.ts";
import { rotaryEmbedding } from "./positions.ts";
import type { RotaryOptions } from "./positions.ts";
import { scaledDotProductAttention } from "./scaled_dot_product_attention.ts";

/**
 * Parameters of `groupedQueryAttention`, in the names of LLaMA's.
 *
 * @category Attention
 */
export interface GroupedQueryAttentionParams {
  /** `[numHeads * headDim, embedDim]`: queries. */
  readonly q_proj: LinearParams;
  /** `[numKeyValueHeads * headDim, embedDim]`: keys. */
  readonly k_proj: LinearParams;
  /** `[numKeyValueHeads * headDim, embedDim]`: values. */
  readonly v_proj: LinearParams;
  /** `[embedDim, numHeads * headDim]`: the joined heads. */
  readonly o_proj: LinearParams;
}

/**
 * The state of `groupedQueryAttention` with a cache: the previous keys and values.
 *
 * @category Attention
 */
export interface KeyValueCache {
  /** `[batch, numKeyValueHeads, length, headDim]`: the keys so far, then zeros. */
  readonly keys: Tensor;
  /** `[batch, numKeyValueHeads, length, headDim]`: the values so far, then zeros. */
  readonly values: Tensor;
  /** int32 scalar: how many there are. */
  readonly position: Tensor;
}

/**
 * Options of `groupedQueryAttention`.
 *
 * @category Attention
 */
export interface GroupedQueryAttentionOptions extends ParameterOptions {
  /** The number of features of each head. Default `embedDim / numHeads`. */
  readonly headDim?: number;
  /** Whether the projections have biases. Default `false`. */
  readonly bias?: boolean;
  /** Whether position `i` attends to positions up to `i` only. Default `true`. */
  readonly isCausal?: boolean;
  /** Whether queries and keys are turned by `rotaryEmbedding`, or its options. Default `false`. */
  readonly rotary?: boolean | Omit<RotaryOptions, "positions">;
  /** The sizes of a cache that the state keeps, so that each call continues after the last. Default: none. */
  readonly cache?: { readonly batch: number; readonly length: number };
  /** The number of queries processed together, as in `scaledDotProductAttention`, without a cache. */
  readonly blockSize?: number;
}

const NAME = "groupedQueryAttention";

/**
 * Attention whose query heads share keys and values in groups (Ainslie et al., "GQA", 2023); with one head of
 * keys and values it is multi-query attention.
 *
 * With `cache` the layer's state holds keys and values, and each call continues after the last: give it a
 * prompt, then one token after the other. Parameters are the same with and without. Positions beyond the
 * cache are an error, or NaN if the position is not known yet, in compiled code.
 *
 * @category Attention
 * @param embedDim The number of features `E`.
 * @param numHeads How many heads of queries.
 * @param numKeyValueHeads How many heads of keys and values; must divide `numHeads`.
 * @param options Width of heads, biases, causality, rotary positions, cache, blocks, dtype.
 * @returns A layer of `[x]` or `[x, attnMask]`, `x` being `[B, L, E]`, to `[B, L, E]`. The mask broadcasts to
 * `[B, 1, 1, L, S]`, with true where attention is allowed, or is added, as of `scaledDotProductAttention`.
 * @throws {ArgumentError} when a size is not a positive integer, or the heads do not divide each other.
 * @throws {ShapeError} when the input does not fit, also into the cache.
 *
 * @example One token after the other
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.groupedQueryAttention(8, 4, 2, { rotary: true });
 * const decoder = nn.groupedQueryAttention(8, 4, 2, {
 *   rotary: true,
 *   cache: { batch: 1, length: 3 },
 * });
 * const [params] = layer.init(random.key(0));
 * const x = random.normal(random.key(1), [1, 3, 8]);
 * const [whole] = layer.apply(params, {}, [x]);
 * let [, state] = decoder.init(random.key(0));
 * for (let i = 0; i < 3; i++) {
 *   const [y, next] = decoder.apply(params, state, [x.at(null, [i, i + 1])]);
 *   assertTensorsClose(y.at(0, 0), whole.at(0, i), { atol: 1e-5 });
 *   state = next;
 * }
 * ```
 */
export function groupedQueryAttention(
  embedDim: number,
  numHeads: number,
  numKeyValueHeads: number,
  options?: GroupedQueryAttentionOptions,
):
  & Layer<
    GroupedQueryAttentionParams,
    KeyValueCache | Empty,
    [x: Tensor, attnMask?: Tensor | null]
  >
  & SeveralInputs {
  checkCount(embedDim, "embedDim", NAME);
  checkCount(numHeads, "numHeads", NAME);
  checkCount(numKeyValueHeads, "numKeyValueHeads", NAME);
  if (numHeads % numKeyValueHeads !== 0) {
    throw argumentError(
      `Cannot make a ${NAME} layer with numKeyValueHeads ${numKeyValueHeads}: ` +
        `it must divide numHeads ${numHeads}`,
    );
  }
  const read = readOptions(`Cannot make a ${NAME} layer`, options, [
    "headDim",
    "bias",
    "isCausal",
    "rotary",
    "cache",
    "blockSize",
    "dtype",
    "computeDtype",
  ]);
  const {
    headDim = embedDim / numHeads,
    bias = false,
    isCausal = true,
    rotary = false,
    cache,
    blockSize,
    ...types
  } = read;
  checkCount(headDim, "headDim", NAME);
  checkBoolean(isCausal, "isCausal", NAME);
  if (blockSize !== undefined) checkCount(blockSize, "blockSize", NAME);
  if (cache !== undefined) {
    const sizes = readOptions(`Cannot make a ${NAME} layer with this cache`, cache, [
      "batch",
      "length",
    ]);
    checkCount(sizes.batch, "cache.batch", NAME);
    checkCount(sizes.length, "cache.length", NAME);
  }
  const turning = rotary === true ? {} : rotary;
  if (turning !== false) checkNumber(turning.base ?? 1, "rotary.base", NAME, 0);
  const dtype = checkParameterDtype(types.computeDtype ?? types.dtype ?? defaultFloat(), NAME);
  const make = (from: number, to: number) => linear(from, to, { bias, ...types });
  const parts = {
    q_proj: make(embedDim, numHeads * headDim),
    k_proj: make(embedDim, numKeyValueHeads * headDim),
    v_proj: make(embedDim, numKeyValueHeads * headDim),
    o_proj: make(numHeads * headDim, embedDim),
  };
  const groups = numHeads / numKeyValueHeads;
  return Object.assign(
    described(
      {
        name: NAME,
        args: [embedDim, numHeads, numKeyValueHeads],
        settings: read,
      },
      {
        init(key) {
          const [params] = init(parts, key);
          if (cache === undefined) return [params, {}];
          const shape = [cache.batch, numKeyValueHeads, cache.length, headDim];
          const empty = zeros(shape, { dtype });
          return [params, { keys: empty, values: empty, position: zeros([], { dtype: "int32" }) }];
        },
        apply(params, state, inputs, given) {
          readContext(given, NAME);
          if (!Array.isArray(inputs)) {
            throw argumentError(
              `Cannot apply ${NAME} to ${
                describeValue(inputs)
              }: expected a list of the input and, ` +
                `if there is one, a mask`,
            );
          }
          const x = checkInput(inputs[0], NAME, 3, -1, embedDim);
          if (x.ndim !== 3) {
            throw shapeError(
              `Cannot apply ${NAME} to ${showType(x)}: expected [B, L, ${embedDim}]`,
            );
          }
          const [batch, length] = x.shape;
          const project = (name: keyof typeof parts, input: Tensor): Tensor =>
            parts[name].apply(Object(params)[name], {}, input)[0];
          const heads = (name: keyof typeof parts): Tensor =>
            swapaxes(reshape(project(name, x), [batch, length, -1, headDim]), 1, 2);
          const start = cache === undefined
            ? undefined
            : readLeaf(state, "state", "position", NAME);
          const places = arange(length, { dtype: "int32" });
          const positions = start === undefined ? places : add(places, start);
          const turn = (part: Tensor): Tensor =>
            turning === false ? part : rotaryEmbedding(part, { ...turning, positions });
          const query = reshape(turn(heads("q_proj")), [
            batch,
            numKeyValueHeads,
            groups,
            length,
            headDim,
          ]);
          let [keys, values] = [turn(heads("k_proj")), heads("v_proj")];
          let next: KeyValueCache | Empty = state;
          let attnMask = inputs[1] == null ? null : toTensor(inputs[1], `Cannot apply ${NAME}`);
          if (cache !== undefined && start !== undefined) {
            const end = start instanceof Concrete ? start.item() + length : length;
            if (batch !== cache.batch || end > cache.length) {
              throw shapeError(
                `Cannot apply ${NAME} to ${showType(x)} from position ${
                  end - length
                } on: its cache has ` +
                  `batch size ${cache.batch} and length ${cache.length}`,
              );
            }
            const write = (name: "keys" | "values", part: Tensor): Tensor =>
              dynamicUpdateSlice(readLeaf(state, "state", name, NAME), part, [0, 0, start, 0]);
            keys = write("keys", keys);
            values = write("values", values);
            const position = add(start, length);
            next = { keys, values, position };
            const all = arange(cache.length, { dtype: "int32" });
            // Positions that have not been written yet are masked.
            const seen = isCausal
              ? lessEqual(all, expandDims(positions, -1))
              : less(all, expandDims(add(positions.mul(0), position), -1));
            if (attnMask === null) attnMask = seen;
            else if (attnMask.dtype === "bool") attnMask = logicalAnd(attnMask, seen);
            else attnMask = where(seen, attnMask, -Infinity);
          }
          const attended = scaledDotProductAttention(
            query,
            expandDims(keys, 2),
            expandDims(values, 2),
            {
              attnMask,
              isCausal: isCausal && cache === undefined,
              ...(blockSize === undefined || cache !== undefined ? {} : { blockSize }),
            },
          );
          const joined = reshape(
            swapaxes(reshape(attended, [batch, numHeads, length, headDim]), 1, 2),
            [batch, length, numHeads * headDim],
          );
          const y = project("o_proj", joined);
          if (cache === undefined || start === undefined || start instanceof Concrete) {
            return [
              y,
              next,
            ];
          }
          return [where(lessEqual(add(start, length), cache.length), y, NaN), next];
        },
      } satisfies Layer<
        GroupedQueryAttentionParams,
        KeyValueCache | Empty,
        [x: Tensor, attnMask?: Tensor | null]
      >,
    ),
    { severalInputs: true } as const,
  );
}

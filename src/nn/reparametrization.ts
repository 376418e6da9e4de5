/**
 * Layers whose weights are made of other parameters.
 *
 * @module
 */
import { argumentError, shapeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkAxis, showType } from "../base/shape.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import * as core from "../core/tree.ts";
import {
  add,
  div,
  matmul,
  maximum,
  moveaxis,
  mul,
  norm,
  reshape,
  sum,
  zeros,
} from "../functions/mod.ts";
import { normal, split } from "../random/mod.ts";
import { noGrad } from "../transforms/mod.ts";
import { kaimingUniform } from "./initializers.ts";
import { checkCount, checkNumber, readContext, readLeaf } from "./layer.ts";
import type { AnyLayer, Layer } from "./layer.ts";
import { isLayer } from "./module.ts";
import { describeValue } from "../base/dtype.ts";

/**
 * Parameters with a weight.
 *
 * @category Layers
 */
export interface Weighted {
  /** The weight. */
  readonly weight: Tensor;
}

/**
 * Parameters of `spectralNorm`, in PyTorch's names.
 *
 * @category Layers
 */
export type SpectralNormParams<Params> = Omit<Params, "weight"> & {
  readonly parametrizations: { readonly weight: { readonly original: Tensor } };
};

/**
 * The state of `spectralNorm`, in PyTorch's names: the singular vectors so far.
 *
 * @category Layers
 */
export interface SpectralNormState {
  /** The vectors `[rows]` and `[columns]` of the weight as a matrix. */
  readonly parametrizations: {
    readonly weight: readonly [{ readonly _u: Tensor; readonly _v: Tensor }];
  };
}

/**
 * Options of `spectralNorm`.
 *
 * @category Layers
 */
export interface SpectralNormOptions {
  /** How many power iterations a call in training makes. Default 1. */
  readonly powerIterations?: number;
  /** The least norm that vectors are divided by. Default 1e-12. */
  readonly eps?: number;
  /** The weight's axis that counts the outputs. Default 0. */
  readonly axis?: number;
}

/** The layer, checked to be one. */
function checkLayer(layer: unknown, wrapper: string): void {
  if (isLayer(layer)) return;
  throw argumentError(`Cannot apply ${wrapper} to ${describeValue(layer)}: expected a layer`);
}

/** A weight as a matrix whose rows are along `axis`. */
function asMatrix(weight: Tensor, axis: number, wrapper: string): Tensor {
  if (weight.ndim < 2) {
    throw shapeError(
      `Cannot apply ${wrapper} to a weight ${showType(weight)}: expected at least two axes`,
    );
  }
  const rows = checkAxis(axis, weight.ndim, `Cannot apply ${wrapper}`);
  return reshape(moveaxis(weight, rows, 0), [weight.shape[rows], -1]);
}

function unit(x: Tensor, eps: number): Tensor {
  return div(x, maximum(norm(x), eps));
}

/** Left and right singular vectors after some power iterations. */
function iterate(matrix: Tensor, v: Tensor, times: number, eps: number): [u: Tensor, v: Tensor] {
  let u = unit(matmul(matrix, v), eps);
  for (let i = 0; i < times; i++) {
    if (i > 0) u = unit(matmul(matrix, v), eps);
    v = unit(matmul(u, matrix), eps);
  }
  return [u, v];
}

/**
 * A layer whose weight is divided by its largest singular value (Miyato et al., "Spectral normalization for
 * generative adversarial networks", 2018), which power iterations in training find; PyTorch's
 * `parametrizations.spectral_norm`, with its keys.
 *
 * @category Layers
 * @param layer A layer with a parameter `weight` of two or more axes.
 * @param options Power iterations, the least norm, the axis of outputs.
 * @returns A layer like `layer`, with the weight in `parametrizations.weight.original` and the vectors in
 * its state. They carry no derivatives.
 * @throws {ArgumentError} when `layer` is not a layer, or an option makes no sense.
 * @throws {ShapeError} when the weight has fewer than two axes.
 *
 * @example The largest singular value becomes 1
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.spectralNorm(nn.linear(2, 2, { bias: false }), { powerIterations: 50 });
 * const [params, state] = layer.init(random.key(0));
 * const own = { ...params, parametrizations: { weight: { original: tensor([[4, 0], [0, 2]]) } } };
 * const [y] = layer.apply(own, state, tensor([1, 1]), { train: true });
 * assertTensorsClose(y, [1, 0.5]);
 * ```
 */
export function spectralNorm<Params extends Weighted, State, Input, Output>(
  layer: Layer<Params, State, Input, Output>,
  options?: SpectralNormOptions,
): Layer<SpectralNormParams<Params>, State & SpectralNormState, Input, Output>;
/** The same, for whatever layer. */
export function spectralNorm(layer: AnyLayer, options?: SpectralNormOptions): AnyLayer {
  const name = "spectralNorm";
  checkLayer(layer, name);
  const { powerIterations = 1, eps = 1e-12, axis = 0 } = readOptions(
    `Cannot apply ${name}`,
    options,
    ["powerIterations", "eps", "axis"],
  );
  checkCount(powerIterations, "powerIterations", name);
  checkNumber(eps, "eps", name, 0);
  checkNumber(axis, "axis", name);
  return described(
    {
      name,
      settings: { powerIterations, eps, axis },
      parts: { layer },
    },
    {
      init(key) {
        const [layerKey, vectorKey] = split(key);
        const [params, state] = layer.init(layerKey);
        const original = readLeaf(params, "params", "weight", name);
        const matrix = asMatrix(original, axis, name);
        const start = unit(normal(vectorKey, [matrix.shape[1]], { dtype: original.dtype }), eps);
        const [_u, _v] = iterate(matrix, start, 15, eps);
        const { weight: _, ...rest } = params;
        return [
          { ...rest, parametrizations: { weight: { original } } },
          { ...state, parametrizations: { weight: [{ _u, _v }] } },
        ];
      },
      apply(params, state, x, context) {
        const { train = false } = readContext(context, name);
        const { parametrizations, ...rest } = Object(params);
        const original = readLeaf(parametrizations?.weight, "params", "original", name);
        const { parametrizations: vectors, ...own } = Object(state);
        let u = readLeaf(vectors?.weight?.[0], "state", "_u", name);
        let v = readLeaf(vectors?.weight?.[0], "state", "_v", name);
        const matrix = asMatrix(original, axis, name);
        if (train) {
          [u, v] = noGrad(() => iterate(matrix, v, powerIterations, eps))();
        }
        const largest = sum(mul(u, matmul(matrix, v)));
        const weight = div(original, largest);
        const [y, next] = layer.apply({ ...rest, weight }, own, x, context);
        return [y, { ...next, parametrizations: { weight: [{ _u: u, _v: v }] } }];
      },
    } satisfies AnyLayer,
  );
}

/**
 * Parameters of `weightNorm`, in PyTorch's names: lengths, and what has the directions.
 *
 * @category Layers
 */
export type WeightNormParams<Params> = Omit<Params, "weight"> & {
  readonly parametrizations: {
    readonly weight: { readonly original0: Tensor; readonly original1: Tensor };
  };
};

/**
 * Options of `weightNorm`.
 *
 * @category Layers
 */
export interface WeightNormOptions {
  /** The weight's axis along which each part has a length of its own; `null` for one. Default 0. */
  readonly axis?: number | null;
}

/** The lengths of the parts of a weight along `axis`, with axes of length 1. */
function lengthsOf(weight: Tensor, axis: number | null): Tensor {
  const rows = axis === null ? null : checkAxis(axis, weight.ndim, "Cannot apply weightNorm");
  const others = weight.shape.map((_, i) => i).filter((i) => i !== rows);
  // norm takes at most two axes: the squares of several are added.
  return sum(weight.square(), others, { keepdims: true }).sqrt();
}

/**
 * A layer whose weight is made of lengths and directions (Salimans and Kingma, "Weight normalization", 2016):
 * `weight = original0 * original1 / |original1|`; PyTorch's `parametrizations.weight_norm`, with its keys.
 *
 * @category Layers
 * @param layer A layer with a parameter `weight`.
 * @param options The axis along which each part has a length of its own.
 * @returns A layer like `layer`, with lengths `[out, 1, ...]` and directions like the weight, in
 * `parametrizations.weight`.
 * @throws {ArgumentError} when `layer` is not a layer.
 * @throws {AxisError} when the weight has no such axis.
 *
 * @example Fresh weights are those of the layer
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.weightNorm(nn.linear(2, 1, { bias: false }));
 * const original0 = tensor([[10]]);
 * const params = { parametrizations: { weight: { original0, original1: tensor([[3, 4]]) } } };
 * assertTensorsClose(layer.apply(params, {}, tensor([1, 1]))[0], [14]);
 * ```
 */
export function weightNorm<Params extends Weighted, State, Input, Output>(
  layer: Layer<Params, State, Input, Output>,
  options?: WeightNormOptions,
): Layer<WeightNormParams<Params>, State, Input, Output>;
/** The same, for whatever layer. */
export function weightNorm(layer: AnyLayer, options?: WeightNormOptions): AnyLayer {
  const name = "weightNorm";
  checkLayer(layer, name);
  const { axis = 0 } = readOptions(`Cannot apply ${name}`, options, ["axis"]);
  if (axis !== null) checkNumber(axis, "axis", name);
  return described(
    { name, settings: { axis }, parts: { layer } },
    {
      init(key) {
        const [{ weight: _, ...rest }, state] = layer.init(key);
        const original1 = readLeaf({ weight: _ }, "params", "weight", name);
        const original0 = lengthsOf(original1, axis);
        return [{ ...rest, parametrizations: { weight: { original0, original1 } } }, state];
      },
      apply(params, state, x, context) {
        const { parametrizations, ...rest } = Object(params);
        const lengths = readLeaf(parametrizations?.weight, "params", "original0", name);
        const directions = readLeaf(parametrizations?.weight, "params", "original1", name);
        const weight = mul(directions, div(lengths, lengthsOf(directions, axis)));
        return layer.apply({ ...rest, weight }, state, x, context);
      },
    } satisfies AnyLayer,
  );
}

/**
 * Two factors of the change of a weight.
 *
 * @category Layers
 */
export interface LoraFactors {
  /** `[rank, in]`: drawn as PyTorch draws weights of linear layers. */
  readonly a: Tensor;
  /** `[out, rank]`: zero at first. */
  readonly b: Tensor;
}

/**
 * A tree of changes: factors where a weight is changed, `null` elsewhere.
 *
 * @category Layers
 */
export type LoraTree =
  | LoraFactors
  | null
  | readonly LoraTree[]
  | { readonly [name: string]: LoraTree };

/**
 * Parameters of `lora`.
 *
 * @category Layers
 */
export interface LoraParams<Params> {
  /** The layer's own. */
  readonly base: Params;
  /** The factors of the changes. */
  readonly lora: LoraTree;
}

/**
 * Options of `lora`.
 *
 * @category Layers
 */
export interface LoraOptions {
  /** The rank of the changes. */
  readonly rank: number;
  /** Changes are multiplied by `alpha / rank`. Default: the rank. */
  readonly alpha?: number;
  /** Which parameters are changed, by their paths with dots. Default: those of two or more axes. */
  readonly isChosen?: (path: string, leaf: Tensor) => boolean;
}

/**
 * A layer whose weights are changed by products of small matrices (Hu et al., "LoRA: low-rank adaptation of
 * large language models", 2021): `weight + alpha / rank * b @ a`, the weight as a matrix
 * `[out, everything else]`. Training the factors alone leaves the weights unchanged:
 * `tree.partition(params, (path) => path.startsWith("lora."))`.
 *
 * @category Layers
 * @param layer A layer, or a whole model.
 * @param options The rank, the factor of changes, and which parameters are changed.
 * @returns A layer like `layer`, with parameters `{ base, lora }`; `base` may come from a checkpoint.
 * @throws {ArgumentError} when `layer` is not a layer, the rank no positive integer, or nothing is chosen.
 *
 * @example Only the factors are trained
 * ```ts
 * import { grad, nn, ones, random, tree } from "@jacobi/jacobi";
 *
 * const model = nn.lora(nn.sequential(nn.linear(8, 8), nn.relu, nn.linear(8, 2)), { rank: 2 });
 * const [params, state] = model.init(random.key(0));
 * const [factors, frozen] = tree.partition(params, (path) => path.startsWith("lora."));
 * const loss = (chosen: typeof factors) =>
 *   model.apply(tree.merge(chosen, frozen), state, ones([3, 8]))[0].square().sum();
 * const slopes = grad(loss)(factors);
 * const paths = tree.paths(slopes).join(" ");
 * if (paths !== "lora.0.weight.a lora.0.weight.b lora.2.weight.a lora.2.weight.b") {
 *   throw new Error(paths);
 * }
 * ```
 */
export function lora<Params, State, Input, Output>(
  layer: Layer<Params, State, Input, Output>,
  options: LoraOptions,
): Layer<LoraParams<Params>, State, Input, Output> {
  const name = "lora";
  checkLayer(layer, name);
  const read = readOptions(`Cannot apply ${name}`, options, ["rank", "alpha", "isChosen"]);
  const rank = checkCount(read.rank, "rank", name);
  const { alpha = rank, isChosen = (_path, leaf) => leaf.ndim >= 2 } = read;
  checkNumber(alpha, "alpha", name);
  if (typeof isChosen !== "function") {
    throw argumentError(
      `Cannot apply ${name} with isChosen ${describeValue(isChosen)}: expected a function`,
    );
  }
  return described({ name, settings: { rank, alpha }, parts: { layer } }, {
    init(key) {
      const [layerKey, factorKey] = split(key);
      const [base, state] = layer.init(layerKey);
      const { leaves, structure } = core.flatten<Tensor>(base);
      const paths = core.leafPaths(structure).map(core.dottedPath);
      const chosen = leaves.map((leaf, i) => leaf.ndim > 0 && isChosen(paths[i], leaf));
      if (!chosen.includes(true)) {
        throw argumentError(
          `Cannot apply ${name}: no parameter is chosen, there are ${paths.join(", ") || "none"}`,
        );
      }
      const keys = split(factorKey, leaves.length);
      const draw = kaimingUniform({ gain: Math.sqrt(1 / 3) });
      const factors = leaves.map(({ dtype, shape, size }, i) =>
        chosen[i]
          ? {
            a: draw(keys[i], [rank, size / Math.max(shape[0], 1)], dtype),
            b: zeros([shape[0], rank], { dtype }),
          }
          : null
      );
      return [{ base, lora: core.unflatten(structure, factors) as LoraTree }, state];
    },
    apply({ base, lora }, state, x, context) {
      const { leaves, structure } = core.flatten<Tensor>(base);
      const factors = core.flattenUpTo(
        structure,
        lora,
        `Cannot apply ${name} with these parameters`,
      );
      const changed = leaves.map((leaf, i) => {
        if (factors[i] === null) return leaf;
        const change = matmul(
          readLeaf(factors[i], "params", "b", name),
          readLeaf(factors[i], "params", "a", name),
        );
        return add(leaf, mul(reshape(change, leaf.shape), alpha / rank));
      });
      return layer.apply(core.unflatten(structure, changed) as Params, state, x, context);
    },
  });
}

/**
 * Layers that compute in another dtype than that of their parameters.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { described } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import { flatten, unflatten } from "../core/tree.ts";
import { convert } from "../primitives/structure.ts";
import { checkParameterDtype } from "./layer.ts";
import type { Layer, ParameterOptions } from "./layer.ts";

/** A tree with its floating-point tensors in `dtype`; equal tensors stay equal. */
function floatsIn(tree: unknown, dtype: Dtype): unknown {
  if (tree instanceof Tensor) return isFloat(tree.dtype) ? convert(tree, dtype) : tree;
  const { leaves, structure } = flatten(tree);
  const converted = new Map(leaves.map((leaf) => [leaf, leaf]));
  for (const leaf of converted.keys()) {
    if (leaf instanceof Tensor && isFloat(leaf.dtype)) converted.set(leaf, convert(leaf, dtype));
  }
  return unflatten(structure, leaves.map((leaf) => converted.get(leaf)));
}

/**
 * The layer with input, output and by default parameters in the dtype of its option
 * `computeDtype`; the layer itself without one. Gradients have the parameters' dtypes.
 *
 * @param parameters Whether parameters are converted, too.
 */
export function inComputeDtype<Params, State, Input, Output>(
  { computeDtype }: ParameterOptions,
  layer: Layer<Params, State, Input, Output>,
  parameters = true,
): Layer<Params, State, Input, Output> {
  if (computeDtype === undefined) return layer;
  const { name, ...description } = layer.description!;
  const dtype = checkParameterDtype(computeDtype, name, "computeDtype");
  const settings = { ...description.settings, computeDtype };
  return described({ ...description, name, settings }, {
    init: (key) => layer.init(key),
    apply(params, state, x, context) {
      const own = parameters ? floatsIn(params, dtype) as Params : params;
      const [y, next] = layer.apply(own, state, floatsIn(x, dtype) as Input, context);
      return [floatsIn(y, dtype) as Output, next];
    },
  });
}

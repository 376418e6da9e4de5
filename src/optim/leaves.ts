/**
 * Between the trees that users pass to optimisers and the leaves that their equations are about.
 *
 * @module
 */
import { describeValue, isFloat, wideDtype } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { dtypeError, treeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { splat, Tensor } from "../core/tensor.ts";
import { flattenUpTo, leafPaths, showKey, showPath, unflatten } from "../core/tree.ts";
import type { Tree } from "../core/tree.ts";
import type { TensorsOf } from "../core/tree_types.ts";
import { copy } from "../functions/mod.ts";
import { convert } from "../primitives/structure.ts";
import { flattenLike, flattenTensors } from "../transforms/flatten_function.ts";
import type { FlatTree } from "../transforms/flatten_function.ts";

/** The leaves of a tree of parameters. */
export function openParams(params: unknown): FlatTree {
  const what = "Cannot optimise these parameters";
  if (params !== undefined) return flattenTensors(params, what);
  throw treeError(`${what}: got none; pass them to init, and to update as the third argument`);
}

/**
 * One gradient or update per parameter, `null` for none. `what` begins messages: "Cannot update
 * with these gradients".
 */
export function openUpdates(updates: unknown, params: FlatTree, what: string): (Tensor | null)[] {
  const { leaves, structure } = params;
  const opened = flattenLike(structure, leaves, updates, what);
  const wrong = opened.findIndex((update, i) => update !== null && !isFloat(leaves[i].dtype));
  if (wrong < 0) return opened;
  throw dtypeError(
    `${what}: ${showType(leaves[wrong])} at ${showPath(leafPaths(structure)[wrong])} ` +
      `is not floating-point and takes none; pass null there`,
  );
}

/** One gradient per parameter, `null` for none. */
export function openGrads(grads: unknown, params: FlatTree): (Tensor | null)[] {
  return openUpdates(grads, params, "Cannot update with these gradients");
}

/** A tree like the parameters; `null` for leaves that stay unchanged. */
export function closeUpdates<Params>(
  params: FlatTree,
  updates: readonly (Tensor | null)[],
): TensorsOf<Params> {
  return unflatten(params.structure, updates) as TensorsOf<Params>;
}

/** The shape of the stored state of a parameter; `null` for nothing. */
export type ShapeOf = (parameter: Tensor) => readonly number[] | null;

/** The state of a parameter before the first update, by default of the parameter's shape. */
function fill(value: number, parameter: Tensor, shapeOf: ShapeOf | undefined): Tensor | null {
  if (!isFloat(parameter.dtype)) return null;
  const shape = shapeOf === undefined ? parameter.shape : shapeOf(parameter);
  return shape && splat(value, parameter.dtype, shape);
}

/**
 * A tree like the parameters with `value` everywhere, in the shapes of `shapeOf` or else the parameters'
 * own, and `null` at leaves that have no gradient.
 */
export function fillLike(params: unknown, value: number, shapeOf?: ShapeOf): Tree<Tensor> {
  const { leaves, structure } = openParams(params);
  return unflatten(structure, leaves.map((x) => fill(value, x, shapeOf))) as Tree<Tensor>;
}

/** Copies of the parameters that have a gradient: parameters and state may both be donated. */
export function copyOf(params: unknown): Tree<Tensor> {
  const { leaves, structure } = openParams(params);
  return unflatten(structure, leaves.map((x) => isFloat(x.dtype) ? copy(x) : null)) as Tree<Tensor>;
}

/** Throws unless `state` is an object with these keys. */
export function checkState(state: unknown, keys: readonly string[]): void {
  const isObject = typeof state === "object" && state !== null && !Array.isArray(state);
  if (isObject && keys.every((key) => Object.hasOwn(state, key))) return;
  throw treeError(
    `Cannot update with this state: expected an object with keys ${keys.join(", ")}, got ${
      isObject
        ? `keys ${Object.keys(state).map(showKey).join(", ") || "(none)"}`
        : describeValue(state)
    }; pass what init or the last update gave`,
  );
}

/** One tensor of state per parameter, `null` where nothing is remembered. */
export function openState(
  tree: unknown,
  params: FlatTree,
  key: string,
  shapeOf?: ShapeOf,
): (Tensor | null)[] {
  const what = `Cannot update with the ${key} of this state`;
  const { leaves, structure } = params;
  const types = leaves.map((leaf) => fill(0, leaf, shapeOf));
  const show = (part: unknown) => part instanceof Tensor ? showType(part) : describeValue(part);
  const parts = flattenUpTo(structure, tree, what, true);
  const wrong = parts.findIndex((part, i) => (part === null) !== (types[i] === null));
  if (wrong < 0) {
    const typed = { leaves: types.map((type, i) => type ?? leaves[i]), structure };
    return openUpdates(unflatten(structure, parts), typed, what);
  }
  throw treeError(
    `${what}: expected ${show(types[wrong])} at ${showPath(leafPaths(structure)[wrong])}, got ${
      show(parts[wrong])
    }; call init again when other parameters are to be optimised`,
  );
}

/** The results of the equations of one leaf: its update, and its state for the next one. */
export type LeafResult<Key extends string> =
  & { readonly update: Tensor }
  & { readonly [K in Key]: Tensor | undefined };

/**
 * Applies an optimiser's equations to each leaf that has a gradient, and returns the updates and the
 * new state. Half floats are converted to float32, and results are rounded: decay rates and small constants
 * would be lost in half precision. `state` names the trees of the state, each like the parameters except for
 * the shapes that `shapes` has for it; keys that it lacks are not stored. Leaves without a gradient keep their
 * state and get no update.
 */
export function updateLeaves<Params, Key extends string>(
  grads: unknown,
  params: Params,
  state: { readonly [K in Key]?: unknown },
  equations: (
    gradient: Tensor,
    state: { readonly [K in Key]: Tensor },
    parameter: Tensor,
  ) => LeafResult<Key>,
  shapes: { readonly [K in Key]?: ShapeOf } = {},
): [updates: TensorsOf<Params>, state: { readonly [K in Key]: Tree<Tensor> }] {
  const opened = openParams(params);
  const keys = Object.keys(state) as Key[];
  const old = keys.map((key) => openState(state[key], opened, key, shapes[key]));
  const updates: (Tensor | null)[] = [];
  const fresh: (Tensor | null)[][] = keys.map(() => []);
  openGrads(grads, opened).forEach((gradient, i) => {
    if (gradient === null) {
      updates.push(null);
      keys.forEach((_, k) => fresh[k].push(old[k][i]));
      return;
    }
    const { dtype } = gradient;
    const wide = (x: Tensor): Tensor => convert(x, wideDtype(dtype));
    const own = Object.fromEntries(keys.map((key, k) => [key, old[k][i] && wide(old[k][i]!)]));
    const result = equations(
      wide(gradient),
      own as unknown as { [K in Key]: Tensor },
      wide(opened.leaves[i]),
    );
    updates.push(convert(result.update, dtype));
    keys.forEach((key, k) => fresh[k].push(result[key] ? convert(result[key], dtype) : null));
  });
  const next = keys.map((key, k) => [key, unflatten(opened.structure, fresh[k])]);
  return [closeUpdates<Params>(opened, updates), Object.fromEntries(next)];
}

/**
 * A scalar for tensors of any floating-point dtype: a number adopts the dtype of the other operand
 * automatically, a tensor is converted, once per dtype.
 */
export function scalarFor(value: number | Tensor): (x: Tensor) => number | Tensor {
  if (!(value instanceof Tensor)) return () => value;
  const converted = new Map<Dtype, Tensor>();
  return ({ dtype }) => {
    let scalar = converted.get(dtype);
    if (scalar === undefined) {
      scalar = value.dtype === dtype ? value : value.astype(dtype);
      converted.set(dtype, scalar);
    }
    return scalar;
  };
}

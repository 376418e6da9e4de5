/**
 * Between trees and PyTorch's state dictionaries.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { treeError } from "../base/errors.ts";
import { checkFlag, readOptions } from "../base/options.ts";
import { showShape, showType } from "../base/shape.ts";
import { isComplexTensor } from "../core/complex.ts";
import { leafToTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { dottedPath, flatten, leafPaths, showKey, unflatten } from "../core/tree.ts";
import { astype } from "../functions/mod.ts";

/**
 * Tensors by PyTorch's names, such as `layer1.0.conv1.weight`.
 *
 * @category Models
 */
export type StateDict = { readonly [key: string]: Tensor };

/** A tree's leaves by their dotted paths. */
function entriesOf(tree: unknown): [string, Tensor][] {
  const { leaves, structure } = flatten(tree, isComplexTensor);
  return leafPaths(structure).map((path, i) => [
    dottedPath(path),
    leafToTensor(leaves[i], path, "Cannot make a state dictionary"),
  ]);
}

/**
 * Parameters and state as one flat dictionary, in which tree paths joined by dots are PyTorch's keys.
 *
 * @category Models
 * @param params The parameters.
 * @param state The state. Default: none.
 * @returns A fresh object; its keys are sorted.
 * @throws {TreeError} when a leaf is not a tensor, or the two trees share a path.
 *
 * @example Keys as in PyTorch
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const [params, state] = nn.sequential(nn.linear(2, 3), nn.batchNorm(3)).init(random.key(0));
 * const keys = Object.keys(nn.toStateDict(params, state));
 * if (!keys.includes("0.weight") || !keys.includes("1.running_mean")) throw new Error(`${keys}`);
 * ```
 */
export function toStateDict(params: unknown, state?: unknown): StateDict {
  if (state === undefined) state = {};
  const entries = [...entriesOf(params), ...entriesOf(state)].sort(([a], [b]) =>
    a < b ? -1 : a > b ? 1 : 0
  );
  const twice = entries.find(([key], i) => i > 0 && entries[i - 1][0] === key);
  if (twice !== undefined) {
    throw treeError(`Cannot make a state dictionary: ${twice[0]} is in both params and state`);
  }
  return Object.fromEntries(entries);
}

/**
 * Options of `fromStateDict`.
 *
 * @category Models
 */
export interface FromStateDictOptions {
  /**
   * Whether every key must be there and no other; otherwise missing keys keep the template's values
   * and others are ignored. Default `true`.
   */
  readonly strict?: boolean;
}

/**
 * Trees like `params` and `state` with the values of a dictionary, such as a PyTorch checkpoint.
 * Values take the dtypes of the template.
 *
 * @category Models
 * @param dict Tensors by PyTorch's names.
 * @param params Parameters that show the structure, shapes and dtypes.
 * @param state State that does. Default: none.
 * @param options Whether to insist on the same keys.
 * @returns `[params, state]`; nothing of the arguments is changed.
 * @throws {TreeError} that lists missing, unexpected and misshapen keys at once.
 *
 * @example There and back
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.linear(2, 3);
 * const [params, state] = layer.init(random.key(0));
 * const [other] = layer.init(random.key(1));
 * const [loaded] = nn.fromStateDict(nn.toStateDict(params, state), other, state);
 * assertTensorsClose(loaded, params);
 * ```
 */
export function fromStateDict<Params, State = Record<never, never>>(
  dict: { readonly [key: string]: unknown },
  params: Params,
  state?: State,
  options?: FromStateDictOptions,
): [params: Params, state: State] {
  if (state === undefined) state = {} as State;
  const what = "Cannot load a state dictionary";
  const { strict = true } = readOptions(what, options, ["strict"]);
  checkFlag(strict, what, "strict");
  if (typeof dict !== "object" || dict === null) {
    throw treeError(`${what}: expected an object of tensors, got ${describeValue(dict)}`);
  }
  const given = new Map(Object.entries(dict));
  const missing: string[] = [];
  const misshapen: string[] = [];
  const expected = new Set<string>();
  const fill = (tree: unknown): unknown => {
    const { leaves, structure } = flatten(tree, isComplexTensor);
    const filled = leafPaths(structure).map((path, i) => {
      const key = dottedPath(path);
      const template = leafToTensor(leaves[i], path, what);
      expected.add(key);
      if (!given.has(key)) {
        missing.push(key);
        return template;
      }
      const value = leafToTensor(given.get(key), [key], what);
      if (showShape(value.shape) !== showShape(template.shape)) {
        misshapen.push(`${showKey(key)} (expected ${showType(template)}, got ${showType(value)})`);
        return template;
      }
      return value.dtype === template.dtype ? value : astype(value, template.dtype);
    });
    return unflatten(structure, filled);
  };
  const result: [unknown, unknown] = [fill(params), fill(state)];
  const unexpected = [...given.keys()].filter((key) => !expected.has(key));
  const list = (keys: readonly string[]) => keys.map(showKey).join(", ");
  const problems = [
    ...(strict && missing.length > 0 ? [`missing keys: ${list(missing)}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected keys: ${list(unexpected)}`] : []),
    ...(misshapen.length > 0 ? [`misshapen keys: ${misshapen.join(", ")}`] : []),
  ];
  if (problems.length > 0) {
    throw treeError(`${what}; ${problems.join("; ")}`);
  }
  return result as [Params, State];
}

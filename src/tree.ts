/**
 * Trees: nestings of arrays, plain objects and `null` with leaves at the ends. Parameters, gradients
 * and optimiser states are trees of tensors, and every transform takes and gives trees.
 *
 * A leaf is anything that is not itself a node: tensors, numbers, strings, functions, and instances
 * of classes that nobody has registered. `null` is a node without children. Object keys are visited
 * in sorted order. A path is written with dots: `layers.0.weight`.
 *
 * @example Halving every parameter
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = { layers: [{ weight: tensor([2, 4]), bias: tensor(6) }] };
 * const halved = tree.map((x) => x.div(2), params);
 * assertTensorsClose(halved.layers[0].weight, [1, 2]);
 * assertTensorsClose(halved.layers[0].bias, 3);
 * ```
 *
 * A function of parameters of any kind has a type parameter for them, without a constraint: the transforms,
 * `tree.map` and `optim.applyUpdates` give it back. (`P extends Tree<Tensor>` would leave out interfaces.)
 *
 * @example A training step for any model
 * ```ts
 * import { grad, optim, tensor, tree } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * function fit<P>(loss: (params: P) => Tensor, params: P): P {
 *   const updates = tree.map((g) => g.mul(-0.5), grad(loss)(params));
 *   return optim.applyUpdates(params, updates);
 * }
 * const { w } = fit((p: { w: Tensor }) => p.w.square().sum(), { w: tensor([1, 2]) });
 * assertTensorsClose(w, [0, 0]);
 * ```
 *
 * @module
 */
import { describeValue } from "./base/dtype.ts";
import { argumentError, treeError } from "./base/errors.ts";
import { isComplexTensor } from "./core/complex.ts";
import { Tensor } from "./core/tensor.ts";
import type { TypedArray } from "./core/methods.ts";
import * as core from "./core/tree.ts";
import type { Structure, Tree } from "./core/tree.ts";
import type { AnyArgs } from "./core/tree_types.ts";

export { fromTransfer, toTransfer } from "./core/transfer.ts";
export type { Transfer } from "./core/transfer.ts";
export type { CustomClass, CustomNode, Structure, Tree } from "./core/tree.ts";

/**
 * What is a leaf for the types: class instances other than tensors count as nodes there.
 *
 * @category Trees
 */
export type Atom =
  | Tensor
  | TypedArray
  | number
  | bigint
  | boolean
  | string
  | symbol
  | undefined
  | ((...args: never[]) => unknown);

/**
 * The type of a tree's leaves, found at most eight levels deep in types that contain themselves.
 *
 * @category Trees
 */
export type LeafOf<T, Depth extends readonly 0[] = []> = unknown extends T ? T
  : Depth["length"] extends 8 ? never
  : T extends Atom ? T
  : T extends null ? never
  : T extends readonly (infer Part)[] ? LeafOf<Part, [...Depth, 0]>
  : LeafOf<Required<T>[keyof T], [...Depth, 0]>;

// Types such as `Tree<Tensor>`, which contain lists of themselves, would be unfolded without an end:
// they are told by lists of them being assignable to them, and stay what they are.

/**
 * Whether anything fits `T`, as it does `any`, `unknown` and the empty object type.
 *
 * @category Trees
 */
export type IsOpen<T> = [symbol] extends [T] ? true : false;

/**
 * The type of a tree with other leaves.
 *
 * @category Trees
 */
export type WithLeaves<T, Leaf> = IsOpen<T> extends true ? T
  : [T[]] extends [T] ? [Leaf] extends [T] ? T : Tree<Leaf>
  : T extends Atom ? Leaf
  : T extends null ? null
  // What is left out of an object is no leaf.
  : {
    [K in keyof T]: WithLeaves<[T[K]] extends [undefined] ? T[K] : Exclude<T[K], undefined>, Leaf>;
  };

/**
 * The type of a tree that may have `null` in place of any leaf.
 *
 * @category Trees
 */
export type WithHoles<T> = IsOpen<T> extends true ? T
  : [T[]] extends [T] ? T | null
  : T extends Atom | null ? T | null
  : { [K in keyof T]: WithHoles<T[K]> };

/**
 * The type of a tree all of whose holes are filled.
 *
 * @category Trees
 */
export type WithoutHoles<T> = IsOpen<T> extends true ? T
  : [T[]] extends [T] ? T
  : [T] extends [null] ? null
  : T extends Atom ? T
  : T extends null ? never
  : { [K in keyof T]: WithoutHoles<T[K]> };

/**
 * The type of a tree merged from two, each of which may have holes.
 *
 * @category Trees
 */
export type MergedPair<A, B> = [A] extends [null] ? WithoutHoles<B>
  : [B] extends [null | A] ? WithoutHoles<A>
  : [A] extends [null | B] ? WithoutHoles<B>
  : [NonNullable<A>] extends [Atom] ? NonNullable<A>
  : { [K in keyof A]: K extends keyof B ? MergedPair<A[K], B[K]> : WithoutHoles<A[K]> };

/**
 * The type of the tree that `merge` makes of a list of trees.
 *
 * @category Trees
 */
export type Merged<Trees extends readonly unknown[]> = Trees extends
  readonly [infer A, infer B, ...infer Rest] ? Merged<[MergedPair<A, B>, ...Rest]>
  : Trees extends readonly [infer A] ? WithoutHoles<A>
  : WithoutHoles<Trees[number]>;

/**
 * The leaves of each of a list of trees.
 *
 * @category Trees
 */
export type LeavesOfEach<Trees extends readonly unknown[]> = {
  [K in keyof Trees]: LeafOf<Trees[K]>;
};

/** What a mapped function gets at each leaf. */
type Parts<T, Rest extends readonly unknown[]> = [LeafOf<T>, ...LeavesOfEach<Rest>];

/**
 * `T` where its leaves are not all tensors, `never` for trees of tensors and for open types.
 *
 * @category Trees
 */
export type WithOtherLeaves<T> = IsOpen<T> extends true ? T
  : [LeafOf<T>] extends [Tensor] ? never
  : T;

/**
 * A tree taken apart.
 *
 * @category Trees
 */
export interface FlatTree<Leaf> {
  /** The leaves in visiting order. */
  readonly leaves: Leaf[];
  /** Everything else. */
  readonly structure: Structure;
}

/**
 * How instances of a registered class are taken apart and put together.
 *
 * @category Trees
 */
export interface NodeRules<Instance, Data> {
  /**
   * The children of an instance, and what else is needed to rebuild it. Two such data are compared by
   * value as far as they are plain (primitives, arrays, records, typed arrays, maps, sets, dates); a
   * function or an instance of a class equals itself only.
   */
  readonly flatten: (instance: Instance) => readonly [children: readonly unknown[], data: Data];
  /** An instance from its children and data. */
  readonly unflatten: (children: readonly unknown[], data: Data) => Instance;
}

/**
 * Applies a function to every leaf.
 *
 * @category Trees
 * @param f Gets a leaf of the first tree, and the parts of the other trees at the same place.
 * @param tree Any tree.
 * @param rest Trees of the same structure, which may go on where the first has a leaf.
 * @returns A tree like the first, with the results at its leaves.
 * @throws {TreeError} when a tree has another structure; the message names the first difference.
 *
 * @example A step of gradient descent
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = { weight: tensor([1, 2]), bias: tensor(3) };
 * const grads = { weight: tensor([10, 20]), bias: tensor(30) };
 * const next = tree.map((p, g) => p.sub(g.mul(0.1)), params, grads);
 * assertTensorsClose(next.weight, [0, 0]);
 * assertTensorsClose(next.bias, 0);
 * ```
 */
export function map<T, Rest extends readonly unknown[], Leaf>(
  f: (leaf: NoInfer<LeafOf<T>>, ...rest: LeavesOfEach<Rest>) => Leaf,
  tree: T & WithOtherLeaves<T>,
  ...rest: Rest
): WithLeaves<T, Leaf>;
/** The same for trees of tensors of one type, which may be a type parameter. */
export function map<T, Leaf>(
  f: (leaf: Tensor, ...rest: Tensor[]) => Leaf,
  tree: T,
  ...rest: readonly NoInfer<T>[]
): Leaf extends Tensor ? T : WithLeaves<T, Leaf>;
/** The same for trees of tensors with others beside it. */
export function map<T, Rest extends readonly unknown[], Leaf>(
  f: (leaf: NoInfer<LeafOf<T>>, ...rest: LeavesOfEach<Rest>) => Leaf,
  tree: T,
  ...rest: Rest
): WithLeaves<T, Leaf>;
export function map<T, Rest extends readonly unknown[], Leaf>(
  f: (leaf: NoInfer<LeafOf<T>>, ...rest: LeavesOfEach<Rest>) => Leaf,
  tree: T,
  ...rest: Rest
): WithLeaves<T, Leaf> {
  checkFunction(f, "map");
  return mapLeaves<Parts<T, Rest>>((_path, parts) => f(...parts), tree, rest) as WithLeaves<
    T,
    Leaf
  >;
}

/**
 * Applies a function to every leaf and its path.
 *
 * @category Trees
 * @param f Gets the path with dots, a leaf of the first tree, and the parts of the other trees at the
 * same place.
 * @param tree Any tree.
 * @param rest Trees of the same structure, which may go on where the first has a leaf.
 * @returns A tree like the first, with the results at its leaves.
 * @throws {TreeError} when a tree has another structure; the message names the first difference.
 *
 * @example Biases set to zero
 * ```ts
 * import { tensor, tree, zerosLike } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = { layers: [{ weight: tensor(1), bias: tensor(2) }] };
 * const cleared = tree.mapWithPath(
 *   (path, x) => path.endsWith(".bias") ? zerosLike(x) : x,
 *   params,
 * );
 * assertTensorsClose(cleared.layers[0].weight, 1);
 * assertTensorsClose(cleared.layers[0].bias, 0);
 * ```
 */
export function mapWithPath<T, Rest extends readonly unknown[], Leaf>(
  f: (path: string, leaf: NoInfer<LeafOf<T>>, ...rest: LeavesOfEach<Rest>) => Leaf,
  tree: T & WithOtherLeaves<T>,
  ...rest: Rest
): WithLeaves<T, Leaf>;
/** The same for trees of tensors of one type, which may be a type parameter. */
export function mapWithPath<T, Leaf>(
  f: (path: string, leaf: Tensor, ...rest: Tensor[]) => Leaf,
  tree: T,
  ...rest: readonly NoInfer<T>[]
): Leaf extends Tensor ? T : WithLeaves<T, Leaf>;
/** The same for trees of tensors with others beside it. */
export function mapWithPath<T, Rest extends readonly unknown[], Leaf>(
  f: (path: string, leaf: NoInfer<LeafOf<T>>, ...rest: LeavesOfEach<Rest>) => Leaf,
  tree: T,
  ...rest: Rest
): WithLeaves<T, Leaf>;
export function mapWithPath<T, Rest extends readonly unknown[], Leaf>(
  f: (path: string, leaf: NoInfer<LeafOf<T>>, ...rest: LeavesOfEach<Rest>) => Leaf,
  tree: T,
  ...rest: Rest
): WithLeaves<T, Leaf> {
  checkFunction(f, "mapWithPath");
  return mapLeaves<Parts<T, Rest>>((path, parts) => f(path(), ...parts), tree, rest) as WithLeaves<
    T,
    Leaf
  >;
}

/** A tree like `tree` with `f` of the parts of all trees at each leaf. */
function mapLeaves<Values extends readonly unknown[]>(
  f: (path: () => string, parts: Values) => unknown,
  tree: unknown,
  rest: readonly unknown[],
): unknown {
  const { leaves, structure } = core.flatten(tree, isComplexTensor);
  const others = rest.map((other) => core.flattenUpTo(structure, other, "Cannot map these trees"));
  let paths: string[] | undefined;
  const results = leaves.map((leaf, i) => {
    const path = () => (paths ??= dottedPaths(structure))[i];
    return f(path, [leaf, ...others.map((parts) => parts[i])] as unknown as Values);
  });
  return core.unflatten(structure, results);
}

function dottedPaths(structure: Structure): string[] {
  return core.leafPaths(structure).map(core.dottedPath);
}

function checkFunction(f: unknown, name: string): void {
  if (typeof f === "function") return;
  throw argumentError(
    `Cannot apply tree.${name}: expected a function first, got ${describeValue(f)}`,
  );
}

/**
 * The leaves of a tree.
 *
 * @category Trees
 * @param tree Any tree.
 * @returns Its leaves: depth first, object keys sorted.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example Leaves in order
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tree.leaves({ b: [2, 3], a: 1, c: null }), [1, 2, 3]);
 * ```
 */
export function leaves<T>(tree: T): LeafOf<T>[] {
  return core.flatten<LeafOf<T>>(tree, isComplexTensor).leaves;
}

/**
 * The paths of a tree's leaves.
 *
 * @category Trees
 * @param tree Any tree.
 * @returns One path with dots per leaf, in the order of `leaves`.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example Paths in order
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 *
 * const paths = tree.paths({ layers: [{ weight: 1 }, { weight: 2 }] });
 * if (paths.join() !== "layers.0.weight,layers.1.weight") throw new Error(paths.join());
 * ```
 */
export function paths(tree: unknown): string[] {
  return dottedPaths(structure(tree));
}

/**
 * A tree without its leaves.
 *
 * @category Trees
 * @param tree Any tree.
 * @returns Its structure, which {@linkcode unflatten} fills again.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example Whether two trees are alike
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 *
 * const { kind } = tree.structure([1, { a: 2 }]);
 * if (kind !== "array") throw new Error(kind);
 * ```
 */
export function structure(tree: unknown): Structure {
  return core.flatten(tree, isComplexTensor).structure;
}

/**
 * Takes a tree apart.
 *
 * @category Trees
 * @param tree Any tree.
 * @returns Its leaves, and its structure.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example There and back
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const { leaves, structure } = tree.flatten({ a: 1, b: [2] });
 * assertTensorsClose(leaves, [1, 2]);
 * const tenfold = tree.unflatten(structure, leaves.map((x) => 10 * x)) as { a: number };
 * assertTensorsClose(tenfold.a, 10);
 * ```
 */
export function flatten<T>(tree: T): FlatTree<LeafOf<T>> {
  return core.flatten<LeafOf<T>>(tree, isComplexTensor);
}

/**
 * Puts a tree together.
 *
 * @category Trees
 * @param structure What {@linkcode flatten} or {@linkcode structure} gave.
 * @param leaves As many leaves as the structure has.
 * @returns The tree.
 * @throws {TreeError} when there are more or fewer leaves, or `structure` is none.
 *
 * @example Other leaves
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const filled = tree.unflatten(tree.structure([0, [0]]), [1, 2]) as [number, [number]];
 * assertTensorsClose(filled[1], [2]);
 * ```
 */
export function unflatten(structure: Structure, leaves: readonly unknown[]): unknown {
  if (!core.isStructure(structure)) {
    throw treeError(
      `Cannot fill ${describeValue(structure)}: expected what tree.flatten or tree.structure gave`,
    );
  }
  if (!Array.isArray(leaves)) {
    throw treeError(`Cannot fill a tree with ${describeValue(leaves)}: expected a list of leaves`);
  }
  return core.unflatten(structure, leaves);
}

/**
 * Combines all leaves, from the first to the last.
 *
 * @category Trees
 * @param f Gets what has been combined so far, and the next leaf.
 * @param tree Any tree.
 * @param initial What to begin with.
 * @returns What the last call gave; `initial` for a tree without leaves.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example The sum of squares of all parameters
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = { weight: tensor([1, 2]), bias: tensor(3) };
 * const total = tree.reduce((sum, x) => sum.add(x.square().sum()), params, tensor(0));
 * assertTensorsClose(total, 14);
 * ```
 */
export function reduce<T, Result>(
  f: (accumulated: Result, leaf: NoInfer<LeafOf<T>>) => Result,
  tree: T,
  initial: Result,
): Result {
  checkFunction(f, "reduce");
  return leaves(tree).reduce<Result>((accumulated, leaf) => f(accumulated, leaf), initial);
}

/**
 * A tree of trees turned inside out: as trees of one structure in a tree of another, so the other way
 * round.
 *
 * @category Trees
 * @param outer The structure of `tree` down to where the inner trees begin.
 * @param inner The structure that each of the inner trees has.
 * @param tree A tree of structure `outer` with trees of structure `inner` at its leaves.
 * @returns A tree of structure `inner` with trees of structure `outer` at its leaves.
 * @throws {TreeError} when `tree` has another structure, or a structure is none.
 *
 * @example From a list of points to a point of lists
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const points = [{ x: 1, y: 2 }, { x: 3, y: 4 }];
 * const [outer, inner] = [tree.structure([0, 0]), tree.structure(points[0])];
 * const lists = tree.transpose(outer, inner, points) as { x: number[] };
 * assertTensorsClose(lists.x, [1, 3]);
 * ```
 */
export function transpose(outer: Structure, inner: Structure, tree: unknown): unknown {
  const what = "Cannot transpose this tree";
  for (const given of [outer, inner]) {
    if (core.isStructure(given)) continue;
    throw treeError(
      `${what} with ${describeValue(given)}: expected what tree.flatten or tree.structure gave`,
    );
  }
  core.flatten(tree, isComplexTensor);
  const rows = core.flattenUpTo(outer, tree, what)
    .map((part) => core.flattenUpTo(inner, part, what));
  const columns = Array.from(
    { length: core.leafCount(inner) },
    (_, i) => core.unflatten(outer, rows.map((row) => row[i])),
  );
  return core.unflatten(inner, columns);
}

/**
 * A tree in which each leaf of a prefix is repeated for all leaves of the subtree at its position.
 *
 * @category Trees
 * @param prefix A tree like `full` that may end earlier.
 * @param full A tree.
 * @returns A tree of the structure of `full`.
 * @throws {TreeError} when `prefix` is no prefix of `full`.
 *
 * @example One rate for each layer
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 *
 * const rates = tree.broadcast([0.1, 0.2], [{ weight: 1, bias: 2 }, [3]]);
 * if (JSON.stringify(rates) !== '[{"weight":0.1,"bias":0.1},[0.2]]') {
 *   throw new Error(JSON.stringify(rates));
 * }
 * ```
 */
export function broadcast(prefix: unknown, full: unknown): unknown {
  const { leaves, structure } = core.flatten(prefix, isComplexTensor);
  core.flatten(full, isComplexTensor);
  const parts = core.flattenUpTo(structure, full, "Cannot broadcast this tree");
  const filled = parts.map((part, i) => {
    const inner = core.flatten(part, isComplexTensor);
    return core.unflatten(inner.structure, inner.leaves.map(() => leaves[i]));
  });
  return core.unflatten(structure, filled);
}

/**
 * Whether all leaves are true, as JavaScript takes them; tensors are no such values.
 *
 * @category Trees
 * @param tree A tree of booleans or other JavaScript values.
 * @returns Whether all are true; so for a tree without leaves.
 * @throws {TreeError} when a leaf is a tensor, or the tree contains itself.
 *
 * @example Whether all shapes are equal
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 *
 * const [a, b] = [{ x: tensor([1]) }, { x: tensor([2]) }];
 * if (!tree.all(tree.map((x, y) => x.size === y.size, a, b))) throw new Error("they differ");
 * ```
 */
export function all(tree: unknown): boolean {
  const leaf = leaves(tree).find((leaf) => leaf instanceof Tensor || isComplexTensor(leaf));
  if (leaf !== undefined) {
    throw treeError("Cannot tell whether tensors are true: take their values by item or toArray");
  }
  return leaves(tree).every(Boolean);
}

/**
 * Divides a tree in two: every leaf goes to one of the parts, and leaves `null` in the other. What is
 * differentiated by the chosen part alone computes nothing for the rest, which is how parameters are
 * frozen.
 *
 * @category Trees
 * @param tree Any tree.
 * @param isChosen Gets each leaf's path with dots, and the leaf.
 * @returns The chosen leaves in the tree's structure, and all others; {@linkcode merge} puts them
 * together again.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example Only the head is trained
 * ```ts
 * import { grad, tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = { body: tensor(2), head: tensor(3) };
 * const loss = (p: typeof params) => p.body.mul(p.head).square();
 * const [head, frozen] = tree.partition(params, (path) => path === "head");
 * const grads = grad((chosen: typeof head) => loss(tree.merge(chosen, frozen)))(head);
 * assertTensorsClose(grads.head, 24);
 * ```
 */
export function partition<T>(
  tree: T,
  isChosen: (path: string, leaf: NoInfer<LeafOf<T>>) => boolean,
): [chosen: WithHoles<T>, rest: WithHoles<T>] {
  checkFunction(isChosen, "partition");
  const { leaves, structure } = core.flatten<LeafOf<T>>(tree, isComplexTensor);
  const paths = dottedPaths(structure);
  const choices = leaves.map((leaf, i) => Boolean(isChosen(paths[i], leaf)));
  const part = (choice: boolean) =>
    core.unflatten(
      structure,
      leaves.map((leaf, i) => choices[i] === choice ? leaf : null),
    ) as WithHoles<T>;
  return [part(true), part(false)];
}

/**
 * Fills the holes of trees with what the others have there: the inverse of {@linkcode partition}.
 *
 * @category Trees
 * @param trees One or more trees of one structure, any of which may have `null` in place of a leaf or of a
 * whole subtree.
 * @returns The tree with the values of all. Where every tree has `null`, so does the result: that is
 * how a `null` of the tree that was divided comes back.
 * @throws {TreeError} when two trees have a value in one place, or structures differ; the message
 * names the path.
 *
 * @example Two halves
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const whole = tree.merge({ a: 1, b: null }, { a: null, b: [2, 3] });
 * assertTensorsClose(whole.a, 1);
 * assertTensorsClose(whole.b, [2, 3]);
 * ```
 */
export function merge<Trees extends readonly unknown[]>(...trees: Trees): Merged<Trees> {
  if (trees.length === 0) throw argumentError("Cannot merge no trees: expected at least one");
  // Finds trees that contain themselves, which the walk below would not leave.
  for (const tree of trees) core.flatten(tree, isComplexTensor);
  return mergeParts(trees, []) as Merged<Trees>;
}

function mergeParts(trees: readonly unknown[], path: readonly (string | number)[]): unknown {
  const parts = trees.filter((part) => part !== null);
  if (parts.length === 0) return null;
  if (parts.length === 1) return parts[0];
  // One level only: whatever is below counts as leaves.
  const opened = parts.map((part) =>
    core.flatten(part, (value) => value !== part || isComplexTensor(value))
  );
  const [{ structure }] = opened;
  if (opened.some((node) => node.structure.kind === "leaf")) {
    const place = core.showPath(path);
    throw treeError(`Cannot merge trees: more than one has a value at ${place}`);
  }
  for (const node of opened) {
    const difference = core.firstDifference(structure, node.structure, path);
    if (difference !== null) throw treeError(`Cannot merge trees: ${difference}`);
  }
  const children = opened[0].leaves.map((_, i) => {
    const key = structure.kind === "object" ? structure.keys[i] : i;
    return mergeParts(opened.map((node) => node.leaves[i]), [...path, key]);
  });
  return core.unflatten(structure, children);
}

/**
 * Lets instances of a class be nodes of trees, for all functions of trees and all transforms.
 *
 * @category Trees
 * @param type The class. Instances of classes that extend it are not registered with it.
 * @param rules How an instance is taken apart into children, which are trees themselves, and data
 * that is equal for equal structures; and how it is put together again. The children's paths are
 * their positions.
 * @throws {TreeError} when `type` is not a class.
 * @throws {ArgumentError} when a rule is missing.
 *
 * @example A point as a tree
 * ```ts
 * import { tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * class Point {
 *   readonly x: number;
 *   readonly y: number;
 *
 *   constructor(x: number, y: number) {
 *     this.x = x;
 *     this.y = y;
 *   }
 * }
 * tree.register(Point, {
 *   flatten: ({ x, y }) => [[x, y], null],
 *   unflatten: ([x, y]) => new Point(x as number, y as number),
 * });
 * assertTensorsClose(tree.leaves([new Point(1, 2), 3]) as number[], [1, 2, 3]);
 * ```
 */
export function register<Instance, Data>(
  type: abstract new (...args: AnyArgs) => Instance,
  rules: NodeRules<Instance, Data>,
): void {
  const { flatten, unflatten } = rules ?? {};
  checkRule(flatten, "flatten");
  checkRule(unflatten, "unflatten");
  core.registerNode({
    type,
    flatten: (value) => {
      const flat: unknown = flatten(value as Instance);
      if (Array.isArray(flat) && flat.length === 2 && Array.isArray(flat[0])) {
        return [flat[0], flat[1]];
      }
      throw treeError(
        `Cannot flatten a ${type.name}: its rule must give [children, data], ` +
          `got ${describeValue(flat)}`,
      );
    },
    unflatten: (children, data) => unflatten(children, data as Data),
  });
}

function checkRule(rule: unknown, name: string): void {
  if (typeof rule === "function") return;
  throw argumentError(
    `Cannot register a class: expected a function ${name}, got ${describeValue(rule)}`,
  );
}

/**
 * The number of parameters in a tree.
 *
 * @category Trees
 * @param tree Any tree.
 * @returns The elements of all tensors and typed arrays, numbers and booleans counting as one each;
 * other leaves do not count.
 * @throws {TreeError} when the tree contains itself.
 *
 * @example A linear layer
 * ```ts
 * import { tree, zeros } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tree.parameterCount({ weight: zeros([10, 20]), bias: zeros([10]) }), 210);
 * ```
 */
export function parameterCount(tree: unknown): number {
  return core.flatten(tree, isComplexTensor).leaves.reduce<number>(
    (sum, leaf) => sum + elementCount(leaf),
    0,
  );
}

function elementCount(leaf: unknown): number {
  if (leaf instanceof Tensor) return leaf.size;
  if (ArrayBuffer.isView(leaf)) return "length" in leaf ? leaf.length as number : 0;
  return typeof leaf === "number" || typeof leaf === "boolean" ? 1 : 0;
}

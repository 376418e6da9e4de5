/**
 * Trees: nestings of arrays, plain objects and `null` with leaves at the ends. A tree can be flattened
 * into a list of leaves and a structure, and reassembled.
 *
 * @module
 */
import { encode, sameData, Snapshot } from "../base/data.ts";
import { treeError } from "../base/errors.ts";
import { describeValue } from "../base/dtype.ts";

/**
 * Any nesting of arrays, plain objects and `null` with leaves of type `Leaf`.
 *
 * @category Types of functions and trees
 */
export type Tree<Leaf> =
  | Leaf
  | null
  | readonly Tree<Leaf>[]
  | { readonly [key: string]: Tree<Leaf> };

/**
 * The shape of a tree without its leaves.
 *
 * @category Trees
 */
export type Structure =
  | { readonly kind: "leaf" }
  | { readonly kind: "null" }
  | { readonly kind: "array"; readonly children: readonly Structure[] }
  | {
    readonly kind: "object";
    /** Sorted: this is the order in which children are visited. */
    readonly keys: readonly string[];
    readonly children: readonly Structure[];
    /** The keys in their original order in the object, for reassembling it. */
    readonly order: readonly string[];
  }
  | {
    readonly kind: "custom";
    readonly node: CustomNode;
    /** Static data, compared by value if it is plain, and by identity otherwise. */
    readonly data: unknown;
    readonly children: readonly Structure[];
  };

/**
 * How instances of a registered class are flattened and reassembled.
 *
 * @category Trees
 */
export interface CustomNode {
  /** The class. */
  readonly type: CustomClass;
  /** The name of an instance in messages; by default the name of the class. */
  readonly title?: string;
  /** The names of the children in paths; by default their positions. */
  readonly keys?: readonly string[];
  /** The children of an instance, and data that must be equal for equal structures. */
  readonly flatten: (value: unknown) => readonly [children: readonly unknown[], data: unknown];
  /** Creates an instance from its children and data. */
  readonly unflatten: (children: readonly unknown[], data: unknown) => unknown;
  /** The children of a value that may replace an instance, `null` for other values. */
  readonly adapt?: (value: unknown) => readonly unknown[] | null;
}

/**
 * A class, abstract or not.
 *
 * @category Trees
 */
// deno-lint-ignore no-explicit-any
export type CustomClass = abstract new (...args: any[]) => unknown;

const customNodes = new Map<unknown, CustomNode>();

const LEAF: Structure = Object.freeze({ kind: "leaf" });
const NULL: Structure = Object.freeze({ kind: "null" });

/** Registers a class whose instances are nodes of trees; the public form is `tree.register`. */
export function registerNode(node: CustomNode): void {
  // An arrow function is not a class: it has no prototype by which to recognise its instances.
  if (typeof node.type !== "function" || typeof node.type.prototype !== "object") {
    throw treeError(`Cannot register ${describeValue(node.type)} as a tree node: expected a class`);
  }
  customNodes.set(node.type.prototype, node);
}

/** The registrations for classes of a name. */
export function nodesNamed(name: string): CustomNode[] {
  return [...customNodes.values()].filter(({ type }) => type.name === name);
}

/** A tree's leaves in visiting order, with its structure. */
export interface Flattened<Leaf = unknown> {
  /** The leaves, depth first, object keys sorted. */
  readonly leaves: Leaf[];
  /** The structure: all other parts of the tree. */
  readonly structure: Structure;
}

/** The maximum depth of a tree; a deeper one is assumed to be infinite. */
export const MAX_DEPTH = 1000;

/** The maximum number of entries of an array in a tree: a sparse array may claim more than fit in memory. */
const MAX_LENGTH = 2 ** 24;

/** A node expanded by one level. */
interface Opened {
  /** Its structure, with a leaf in place of each child. */
  readonly shell: Exclude<Structure, { kind: "leaf" } | { kind: "null" }>;
  /** The path entry of each child. */
  readonly keys: readonly (string | number)[];
  /** The children, in visiting order. */
  readonly parts: readonly unknown[];
}

/** Expands an array, a plain object or an instance of a registered class; `null` for a leaf. */
function openNode(value: unknown): Opened | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) {
    if (value.length > MAX_LENGTH) {
      throw treeError(
        `Cannot flatten a tree with an array of ${value.length}: at most ${MAX_LENGTH} fit; ` +
          `hold numbers in tensors`,
      );
    }
    const parts = Array.from(value);
    const children = parts.map(() => LEAF);
    return { shell: { kind: "array", children }, keys: [...parts.keys()], parts };
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    const symbol = Object.getOwnPropertySymbols(value).find((key) =>
      Object.prototype.propertyIsEnumerable.call(value, key)
    );
    if (symbol !== undefined) {
      throw treeError(`Cannot flatten an object with the key ${String(symbol)}: use string keys`);
    }
    const order = Object.keys(value);
    const keys = [...order].sort();
    const parts = keys.map((key) => (value as Record<string, unknown>)[key]);
    return { shell: { kind: "object", keys, order, children: keys.map(() => LEAF) }, keys, parts };
  }
  const node = customNodes.get(prototype);
  if (node === undefined) return null;
  const [parts, data] = node.flatten(value);
  const children = parts.map(() => LEAF);
  const keys = node.keys ?? [...parts.keys()];
  return { shell: { kind: "custom", node, data, children }, keys, parts };
}

/** Flattens a tree. `isLeaf` stops at a node that would otherwise be expanded. */
export function flatten<Leaf = unknown>(
  tree: unknown,
  isLeaf?: (value: unknown) => boolean,
): Flattened<Leaf> {
  const leaves: unknown[] = [];
  const ancestors: unknown[] = [];
  const path: (string | number)[] = [];
  const visit = (value: unknown): Structure => {
    if (isLeaf?.(value)) return leaves.push(value), LEAF;
    if (value === null) return NULL;
    const opened = openNode(value);
    if (opened === null) return leaves.push(value), LEAF;
    if (ancestors.includes(value) || ancestors.length >= MAX_DEPTH) {
      const fault = ancestors.includes(value)
        ? "contains itself"
        : `is deeper than ${MAX_DEPTH} levels`;
      throw treeError(`Cannot flatten a tree that ${fault}, at ${showPath(path.slice(0, 12))}`);
    }
    ancestors.push(value);
    const children = opened.parts.map((part, i) => {
      path.push(opened.keys[i]);
      const child = visit(part);
      path.pop();
      return child;
    });
    ancestors.pop();
    return { ...opened.shell, children };
  };
  const structure = visit(tree);
  return { leaves: leaves as Leaf[], structure };
}

/** Reassembles a tree from its structure and one leaf for each leaf of the structure. */
export function unflatten(structure: Structure, leaves: readonly unknown[]): unknown {
  const count = leafCount(structure);
  if (count !== leaves.length) {
    throw treeError(`Cannot fill a tree of ${count} leaves with ${leaves.length} values`);
  }
  let next = 0;
  const build = (node: Structure): unknown => {
    switch (node.kind) {
      case "leaf":
        return leaves[next++];
      case "null":
        return null;
      case "array":
        return node.children.map(build);
      case "object": {
        const parts = new Map(node.keys.map((key, i) => [key, build(node.children[i])]));
        return Object.fromEntries(node.order.map((key) => [key, parts.get(key)]));
      }
      case "custom":
        return node.node.unflatten(node.children.map(build), node.data);
    }
  };
  return build(structure);
}

/** Whether `value` is the structure of a tree, up to the given depth. */
export function isStructure(value: unknown, depth: number = MAX_DEPTH): value is Structure {
  if (typeof value !== "object" || value === null || depth < 0) return false;
  const { kind, children, keys, order, node } = value as Record<string, unknown>;
  if (kind === "leaf" || kind === "null") return true;
  const isNode = kind === "array" ||
    (kind === "object" && areKeys(keys) && areKeys(order)) ||
    (kind === "custom" && [...customNodes.values()].includes(node as CustomNode));
  return isNode && Array.isArray(children) && children.length <= MAX_LENGTH &&
    Array.from(children).every(isPart);

  function areKeys(list: unknown): boolean {
    return Array.isArray(list) && Array.isArray(children) && list.length === children.length &&
      list.every((key) => typeof key === "string");
  }

  function isPart(child: unknown): boolean {
    return isStructure(child, depth - 1);
  }
}

/** The number of leaves of a tree of this structure. */
export function leafCount(structure: Structure): number {
  switch (structure.kind) {
    case "leaf":
      return 1;
    case "null":
      return 0;
    default:
      return structure.children.reduce((sum, child) => sum + leafCount(child), 0);
  }
}

/** The path of every leaf, in visiting order: keys and positions from the root. */
export function leafPaths(structure: Structure): (string | number)[][] {
  const paths: (string | number)[][] = [];
  const visit = (node: Structure, path: (string | number)[]): void => {
    if (node.kind === "leaf") paths.push(path);
    else if (node.kind !== "null") {
      const keys = node.kind === "custom"
        ? node.node.keys
        : node.kind === "object"
        ? node.keys
        : null;
      node.children.forEach((child, i) => visit(child, [...path, keys?.[i] ?? i]));
    }
  };
  visit(structure, []);
  return paths;
}

/** A key in lists in messages: in quotes, unless it consists of words joined by dots. */
export function showKey(key: string): string {
  return /^[\w$-]+(\.[\w$-]+)*$/.test(key) ? key : JSON.stringify(key);
}

/** A path in messages: `.layers[0].weight`, or `the root`. */
export function showPath(path: readonly (string | number)[]): string {
  if (path.length === 0) return "the root";
  return path.map((key) =>
    typeof key === "number"
      ? `[${key}]`
      : /^[A-Za-z_$][\w$]*$/.test(key)
      ? `.${key}`
      : `[${JSON.stringify(key)}]`
  ).join("");
}

/** A path in state dictionaries and `tree.partition`: `layers.0.weight`. */
export function dottedPath(path: readonly (string | number)[]): string {
  return path.join(".");
}

/**
 * The parts of `tree` at the positions of the leaves of `structure`; each part may be any value. If
 * `isPartial`, `null` may replace any subtree, and is then each of its parts. The error for a tree of
 * another structure names the path of the first difference.
 */
export function flattenUpTo(
  structure: Structure,
  tree: unknown,
  what: string,
  isPartial = false,
): unknown[] {
  const parts: unknown[] = [];
  const visit = (node: Structure, part: unknown, path: readonly (string | number)[]): void => {
    if (node.kind === "leaf") {
      parts.push(part);
      return;
    }
    if (isPartial && part === null) {
      for (let i = leafCount(node); i > 0; i--) parts.push(null);
      return;
    }
    const opened = openNode(part);
    const isOwn = node.kind === "custom" && opened?.shell.kind === "custom" &&
      opened.shell.node === node.node;
    const adapted = node.kind === "custom" && !isOwn ? node.node.adapt?.(part) ?? null : null;
    if (adapted !== null) {
      parts.push(...adapted);
      return;
    }
    const actual = part === null ? NULL : opened?.shell ?? LEAF;
    const difference = nodeDifference(node, actual, path);
    if (difference !== null) throw treeError(`${what}: ${difference}`);
    if (node.kind === "null" || opened === null) return;
    node.children.forEach((child, i) => visit(child, opened.parts[i], [...path, opened.keys[i]]));
  };
  visit(structure, tree, []);
  return parts;
}

/** Whether two structures are equal. */
export function sameStructure(a: Structure, b: Structure): boolean {
  return a === b || firstDifference(a, b) === null;
}

/**
 * The path of the first difference between two structures, with its description, or `null` if there is
 * none.
 */
export function firstDifference(
  expected: Structure,
  actual: Structure,
  path: readonly (string | number)[] = [],
): string | null {
  const here = nodeDifference(expected, actual, path);
  if (here !== null || !("children" in expected) || !("children" in actual)) return here;
  for (let i = 0; i < expected.children.length; i++) {
    const key = expected.kind === "object" ? expected.keys[i] : i;
    const found = firstDifference(expected.children[i], actual.children[i], [...path, key]);
    if (found !== null) return found;
  }
  return null;
}

/** The difference between two structures at their roots, ignoring their children. */
function nodeDifference(
  expected: Structure,
  actual: Structure,
  path: readonly (string | number)[],
): string | null {
  const differ = (): string =>
    `expected ${describeStructure(expected)} at ${showPath(path)}, ` +
    `got ${describeStructure(actual)}`;
  if (expected.kind !== actual.kind) return differ();
  if (expected.kind === "leaf" || expected.kind === "null") return null;
  const other = actual as typeof expected;
  if (expected.kind === "object") {
    const [mine, theirs] = [expected.keys, (other as typeof expected).keys];
    // Both lists are sorted: at the first difference, one of them has a key that the other lacks.
    let at = 0;
    while (at < mine.length && mine[at] === theirs[at]) at++;
    const [key, foreign] = [mine[at], theirs[at]];
    if (key !== undefined && (foreign === undefined || key < foreign)) {
      return `${showPath([...path, key])} is missing`;
    }
    if (foreign !== undefined) return `${showPath([...path, foreign])} is not expected`;
  }
  if (expected.kind === "custom") {
    const their = other as typeof expected;
    if (their.node !== expected.node) return differ();
    if (!sameData(their.data, expected.data)) {
      return `expected ${describeStructure(expected)} with ${showData(expected.data)} at ${
        showPath(path)
      }, got one with ${showData(their.data)}`;
    }
  }
  return expected.children.length === other.children.length ? null : differ();
}

/** Static data in messages. */
function showData(data: unknown): string {
  return encode(data, describeValue);
}

/**
 * An independent copy of a structure: its static data stays unchanged, even if the objects that it was
 * read from are modified.
 */
export function ownStructure(structure: Structure): Structure {
  if (!("children" in structure)) return structure;
  const children = structure.children.map(ownStructure);
  if (structure.kind === "custom") {
    const data = new Snapshot(structure.data).copy();
    return { ...structure, data, children };
  }
  return children.every((child, i) => child === structure.children[i])
    ? structure
    : { ...structure, children };
}

function describeStructure(structure: Structure): string {
  switch (structure.kind) {
    case "leaf":
      return "a leaf";
    case "null":
      return "null";
    case "array":
      return `an array of ${structure.children.length}`;
    case "object":
      return `an object with keys ${structure.keys.map(showKey).join(", ") || "(none)"}`;
    case "custom":
      return `a ${structure.node.title ?? structure.node.type.name}`;
  }
}

/** Throws, naming the path of the first difference, unless the structures are equal. */
export function checkSameStructure(expected: Structure, actual: Structure, what: string): void {
  if (expected === actual) return;
  const difference = firstDifference(expected, actual);
  if (difference !== null) throw treeError(`${what}: ${difference}`);
}

/**
 * One value per leaf of `structure` from a prefix of it: a leaf of the prefix applies to the whole
 * subtree in its position. `isLeaf` recognises the prefix's leaves.
 */
export function broadcastPrefix<Value>(
  prefix: unknown,
  structure: Structure,
  isLeaf: (value: unknown) => value is Value,
  what: string,
): Value[] {
  const values: Value[] = [];
  const visit = (part: unknown, node: Structure, path: readonly (string | number)[]): void => {
    if (isLeaf(part)) {
      for (let i = leafCount(node); i > 0; i--) values.push(part);
      return;
    }
    const opened = openNode(part);
    if (node.kind === "null" && (part === null || part === undefined)) return;
    if (opened === null || node.kind === "leaf" || node.kind === "null") {
      throw treeError(
        `${what}: ${describeValue(part)} at ${showPath(path)} does not fit ${
          describeStructure(node)
        }`,
      );
    }
    const difference = nodeDifference(node, opened.shell, path);
    if (difference !== null) throw treeError(`${what}: ${difference}`);
    node.children.forEach((child, i) => visit(opened.parts[i], child, [...path, opened.keys[i]]));
  };
  visit(prefix, structure, []);
  return values;
}

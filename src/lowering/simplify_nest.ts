/**
 * Nests in the form from which code is written: without loops of one round, with neighbouring loops
 * joined if they act as one, and without unused nodes.
 *
 * @module
 */
import type { Affine, LoopNode, Nest } from "./nest.ts";
import { writeOver } from "./quotients.ts";
import { type Add, pairOf } from "./slopes.ts";

/** The product of numbers. */
export function product(values: readonly number[]): number {
  return values.reduce((result, value) => result * value, 1);
}

/** A node with each affine map in it replaced. */
function mapAffine(node: LoopNode, map: <A extends Affine>(affine: A) => A): LoopNode {
  switch (node.kind) {
    case "load":
      return node.guards === undefined
        ? { ...node, from: map(node.from) }
        : { ...node, from: map(node.from), guards: node.guards.map(map) };
    case "index":
      return { ...node, of: map(node.of) };
    default:
      return node;
  }
}

/** A node with the numbers of its inputs replaced. */
export function mapInputs(node: LoopNode, map: (input: number) => number): LoopNode {
  switch (node.kind) {
    case "map":
      return { ...node, inputs: node.inputs.map(map) };
    case "reduce":
      return {
        ...node,
        input: map(node.input),
        ...(node.times === undefined ? {} : { times: map(node.times) }),
        ...(node.when === undefined ? {} : { when: map(node.when) }),
      };
    default:
      return node;
  }
}

/** The nodes that a node depends on. */
export function inputsOf(node: LoopNode): readonly number[] {
  if (node.kind === "map") return node.inputs;
  if (node.kind !== "reduce") return [];
  return node.when === undefined ? reducedBy(node) : [...reducedBy(node), node.when];
}

/** The nodes whose values a reduction combines. */
export function reducedBy({ input, times }: LoopNode & { kind: "reduce" }): readonly number[] {
  return times === undefined ? [input] : [input, times];
}

/** The affine maps of a node. */
export function affinesOf(node: LoopNode): readonly Affine[] {
  switch (node.kind) {
    case "load":
      return [node.from, ...node.guards ?? []];
    case "index":
      return [node.of];
    default:
      return [];
  }
}

/** A nest with all of its affine maps replaced; the results of `map` must match the new loops. */
export function mapAffines(nest: Nest, map: <A extends Affine>(affine: A) => A): Nest {
  return {
    ...nest,
    nodes: nest.nodes.map((node) => mapAffine(node, map)),
    stores: nest.stores.map(({ node, to }) => ({ node, to: map(to) })),
  };
}

/** The result of a reduction over no rounds; bools are 0 and 1. */
export function identityOf({ dtype, operation }: LoopNode & { kind: "reduce" }): number {
  if (operation === "sum") return 0;
  if (operation === "prod") return 1;
  const isMax = operation === "max";
  switch (dtype) {
    case "bool":
      return isMax ? 0 : 1;
    case "int32":
      return isMax ? -0x80000000 : 0x7fffffff;
    case "uint32":
      return isMax ? 0 : 0xffffffff;
    default:
      return isMax ? -Infinity : Infinity;
  }
}

/** Reductions over loops without rounds become constants. */
function withoutEmptyReductions(nest: Nest): Nest {
  const kept = nest.lengths.length - nest.reduced;
  if (nest.lengths.slice(kept).every((length) => length > 0)) return nest;
  const nodes = nest.nodes.map((node): LoopNode =>
    node.kind === "reduce" ? { kind: "constant", dtype: node.dtype, value: identityOf(node) } : node
  );
  return withoutLoops({ ...nest, nodes, reduced: 0 }, (_, i) => i < kept);
}

/** Without reductions there is nothing to compute in the reduced loops. */
function withoutUnusedLoops(nest: Nest): Nest {
  if (nest.nodes.some(({ kind }) => kind === "reduce")) return nest;
  const kept = nest.lengths.length - nest.reduced;
  return { ...withoutLoops(nest, (_, i) => i < kept), reduced: 0 };
}

/** Reductions over no loops are their operands. */
function withoutIdleReductions(nest: Nest): Nest {
  if (nest.reduced > 0) return nest;
  return rewritten(nest, (node, add, original) => {
    if (node.kind !== "reduce" || original.kind !== "reduce") return add(node);
    const { dtype } = node;
    const map = (operation: string, ...inputs: readonly number[]): number =>
      add({ kind: "map", dtype, operation, inputs });
    const isWide = nest.nodes[original.input].dtype !== dtype;
    const values = reducedBy(node).map((value) => isWide ? map("convert", value) : value);
    return values.length === 1 ? map("stopGradient", values[0]) : map("mul", ...values);
  });
}

/** Only the loops for which `keeps` holds; the counters of the others are 0. */
function withoutLoops(nest: Nest, keeps: (length: number, loop: number) => boolean): Nest {
  const kept = nest.lengths.map(keeps);
  if (!kept.includes(false)) return nest;
  const firstReduced = nest.lengths.length - nest.reduced;
  const mapped = mapAffines(nest, (affine) => ({
    ...affine,
    strides: affine.strides.filter((_, i) => kept[i]),
  }));
  return {
    ...mapped,
    lengths: nest.lengths.filter((_, i) => kept[i]),
    reduced: kept.filter((keep, i) => keep && i >= firstReduced).length,
  };
}

/** Joins neighbouring loops that every access treats as one. */
function joined(nest: Nest): Nest {
  const { lengths, reduced } = nest;
  const affines = [...nest.nodes.flatMap(affinesOf), ...nest.stores.map(({ to }) => to)];
  const firstReduced = lengths.length - reduced;
  // Whether each loop and the one around it act as a single loop.
  const continues = lengths.map((length, i) =>
    i > 0 && i !== firstReduced &&
    affines.every(({ strides }) => strides[i - 1] === strides[i] * length)
  );
  if (!continues.includes(true)) return nest;
  const last = lengths.map((_, i) => continues[i + 1] !== true);
  const joinedLengths: number[] = [];
  lengths.forEach((length, i) => {
    if (continues[i]) joinedLengths.push(joinedLengths.pop()! * length);
    else joinedLengths.push(length);
  });
  const mapped = mapAffines(nest, (affine) => ({
    ...affine,
    strides: affine.strides.filter((_, i) => last[i]),
  }));
  return {
    ...mapped,
    lengths: joinedLengths,
    reduced: last.filter((isLast, i) => isLast && i >= firstReduced).length,
  };
}

/** Only the nodes that are stored, and those they depend on. */
function withoutDeadNodes(nest: Nest): Nest {
  const needed = nest.nodes.map(() => false);
  for (const { node } of nest.stores) needed[node] = true;
  for (let i = nest.nodes.length - 1; i >= 0; i--) {
    if (needed[i]) { for (const input of inputsOf(nest.nodes[i])) needed[input] = true; }
  }
  const places: number[] = [];
  const nodes: LoopNode[] = [];
  nest.nodes.forEach((node, i) => {
    places.push(nodes.length);
    if (needed[i]) nodes.push(mapInputs(node, (input) => places[input]));
  });
  const stores = nest.stores.map(({ node, to }) => ({ node: places[node], to }));
  return { ...nest, nodes, stores };
}

/** Adds a node, and returns its number. */
type AddNode = (node: LoopNode) => number;

/** A nest whose nodes, with their inputs' new numbers, are replaced; `write` returns the new number. */
function rewritten(
  nest: Nest,
  write: (node: LoopNode, add: AddNode, original: LoopNode) => number,
): Nest {
  const places: number[] = [];
  const nodes: LoopNode[] = [];
  const add: AddNode = (node) => nodes.push(node) - 1;
  for (const original of nest.nodes) {
    places.push(write(mapInputs(original, (input) => places[input]), add, original));
  }
  const stores = nest.stores.map(({ node, to }) => ({ node: places[node], to }));
  return { ...nest, nodes, stores };
}

/** Sums and products of float32 are computed in double precision. */
function withWideReductions(nest: Nest): Nest {
  return rewritten(nest, (node, add) => {
    if (node.kind !== "reduce" || node.dtype !== "float32") return add(node);
    const { operation } = node;
    if (operation !== "sum" && operation !== "prod") return add(node);
    const wide = add({ ...node, dtype: "float64" });
    return add({ kind: "map", operation: "convert", dtype: "float32", inputs: [wide] });
  });
}

/**
 * Functions and their derivatives are computed from a common subexpression, once in a nest with both. A
 * nest with one of them does the same: the bits do not depend on what else is in the nest.
 */
function withJoinedSlopes(nest: Nest): Nest {
  const keyOf = (operation: string, x: number) => `${operation} ${x}`;
  const made = new Map<string, number>();
  return rewritten(nest, (node, add, original) => {
    if (node.kind !== "map" || original.kind !== "map") return add(node);
    const { dtype, operation, inputs: [x] } = node;
    const pair = pairOf(dtype, operation);
    if (pair === undefined) return add(node);
    const { value, slope, write } = pair;
    const keys = [value, slope].map((operation) => keyOf(operation, original.inputs[0]));
    if (!made.has(keys[0])) {
      const addMap: Add = (operation, ...inputs) => add({ kind: "map", dtype, operation, inputs });
      write(addMap, x).forEach((place, i) => made.set(keys[i], place));
    }
    return made.get(keyOf(operation, original.inputs[0]))!;
  });
}

/** Quotients by roots as products with a value computed once from each root. */
function withProducts(nest: Nest): Nest {
  return rewritten(nest, (node, add) => {
    if (node.kind !== "map" || node.operation !== "over") return add(node);
    const { dtype, inputs: [x, root] } = node;
    const zero = add({ kind: "constant", dtype, value: 0 });
    return writeOver(
      (own, operation, ...inputs) => add({ kind: "map", dtype: own ?? dtype, operation, inputs }),
      x,
      root,
      zero,
    );
  });
}

/** The nest in the form from which code is written. */
export function simplify(nest: Nest): Nest {
  const needed = withoutUnusedLoops(withoutDeadNodes(withoutEmptyReductions(nest)));
  const full = withoutIdleReductions(withoutLoops(needed, (length) => length !== 1));
  return withoutDeadNodes(withJoinedSlopes(withProducts(withWideReductions(joined(full)))));
}

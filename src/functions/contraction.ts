/**
 * Sums of products: matrix, dot, outer and tensor products, and einsum, all by one strict contraction
 * of two tensors.
 *
 * The general functions name axes by labels. Axes of length one that represent a longer axis are
 * removed instead of being repeated, so that nothing is broadcast in memory.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { broadcastShapes, range, showShape, showType, withoutAxes } from "../base/shape.ts";
import { Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { mul } from "../primitives/arithmetic.ts";
import { contract } from "../primitives/contraction.ts";
import { slice } from "../primitives/slicing.ts";
import { convert, reduceSum, reshape, transpose } from "../primitives/structure.ts";
import { checkInteger, countAxes, listAxes } from "./arguments.ts";
import { applyBinary, promoteTogether } from "./broadcasting.ts";

/** The operands in a common dtype that can be multiplied and summed: bools become int32. */
function readOperands(what: string, operands: readonly TensorLike[]): readonly Tensor[] {
  if (areReady(operands)) return operands;
  return promoteTogether(what, operands).map((x) => x.dtype === "bool" ? convert(x, "int32") : x);
}

/** Whether the operands are tensors of one dtype of numbers already, the usual case. */
function areReady(operands: readonly TensorLike[]): operands is readonly Tensor[] {
  const [first] = operands;
  return first instanceof Tensor && first.dtype !== "bool" &&
    operands.every((x) => x instanceof Tensor && x.dtype === first.dtype);
}

/** A tensor whose axes are named: equal labels on two tensors are axes that are multiplied. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/**
 * The product of two tensors summed over the labels that both have and `kept` does not. Every label
 * that only one of them has must be in `kept`, and lengths must agree.
 */
function multiply(a: Labelled, b: Labelled, kept: ReadonlySet<string>): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => kept.has(label));
  const summed = shared.filter((label) => !kept.has(label));
  const free = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label)));
  const labels = [...batch, ...free[0], ...free[1]];
  if (labels.length === batch.length && summed.length === 0) {
    return { x: mul(arrange(a, labels), arrange(b, labels)), labels };
  }
  const axesOf = (names: readonly string[]) =>
    [a, b].map(({ labels }) => names.map((name) => labels.indexOf(name)));
  const [summedA, summedB] = axesOf(summed);
  const [batchA, batchB] = axesOf(batch);
  return {
    x: contract(a.x, b.x, { contract: [summedA, summedB], batch: [batchA, batchB] }),
    labels,
  };
}

/** `x` with its axes in the order of `labels`, which are its own. */
function arrange({ x, labels }: Labelled, order: readonly string[]): Tensor {
  return transpose(x, order.map((label) => labels.indexOf(label)));
}

/** `x` without the axes of length one whose label has another length elsewhere. */
function dropStretched({ x, labels }: Labelled, lengths: ReadonlyMap<string, number>): Labelled {
  const dropped = range(x.ndim).filter((axis) =>
    x.shape[axis] === 1 && (lengths.get(labels[axis]) ?? 1) !== 1
  );
  if (dropped.length === 0) return { x, labels };
  return {
    x: reshape(x, withoutAxes(x.shape, dropped)),
    labels: labels.filter((_, axis) => !dropped.includes(axis)),
  };
}

/**
 * The matrix product, by NumPy's rules.
 *
 * @category Products
 * @param x `[..., m, k]`, or a vector `[k]`.
 * @param other `[..., k, n]`, or a vector `[k]`.
 * @returns `[..., m, n]`, leading axes broadcast; without `m` or `n` where the operand is a vector.
 * Integers are summed modulo 2^32, bools as int32.
 * @throws {ShapeError} when an operand is a scalar, inner axes differ, or leading axes do not
 * broadcast.
 *
 * @example A matrix by a vector
 * ```ts
 * import { matmul } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(matmul([[1, 2], [3, 4]], [1, 10]), [21, 43]);
 * ```
 */
export function matmul(x: TensorLike, other: TensorLike): Tensor {
  const [a, b] = readOperands("Cannot multiply", [x, other]);
  if (a.ndim === 0 || b.ndim === 0) {
    throw shapeError(
      `Cannot multiply ${showType(a)} by ${showType(b)}: ` +
        `a matrix product needs axes on both sides; use mul for scalars`,
    );
  }
  const inner = innerAxes(a, b);
  if (b.ndim <= 2) return contract(a, b, { contract: inner, batch: [[], []] });
  const shapes = [a, b].map((operand) => operand.shape.slice(0, -2));
  const batch = broadcastShapes(shapes[0], shapes[1]);
  if (batch === null) {
    throw shapeError(
      `Cannot multiply ${showType(a)} by ${showType(b)}: leading axes must broadcast, ` +
        `current ones are ${showShape(shapes[0])} and ${showShape(shapes[1])}`,
    );
  }
  const names = batch.map((_, i) => `batch ${i}`);
  const rows = a.ndim > 1 ? ["row"] : [];
  const lengths = new Map(names.map((name, i) => [name, batch[i]]));
  const label = (operand: Tensor, shape: readonly number[], own: readonly string[]): Labelled => {
    const leading = names.slice(names.length - shape.length);
    return dropStretched({ x: operand, labels: [...leading, ...own] }, lengths);
  };
  const order = [...names, ...rows, "column"];
  const product = multiply(
    label(a, shapes[0], [...rows, "inner"]),
    label(b, shapes[1], ["inner", "column"]),
    new Set(order),
  );
  return arrange(product, order);
}

/** The last axis of `x` and the last but one of `y`, which must be equally long. */
function innerAxes(x: Tensor, y: Tensor): [x: number[], y: number[]] {
  const [last, inner] = [x.ndim - 1, Math.max(y.ndim - 2, 0)];
  if (x.shape[last] !== y.shape[inner]) {
    throw shapeError(
      `Cannot multiply ${showType(x)} by ${showType(y)}: inner axes must be equal, ` +
        `current sizes are ${x.shape[last]} and ${y.shape[inner]}`,
    );
  }
  return [[last], [inner]];
}

/**
 * The sum of products over the last axis of one tensor and the last but one of the other, as NumPy's
 * `dot`; leading axes are not matched but combined.
 *
 * @category Products
 * @param x `[..., k]`, or a scalar.
 * @param other `[..., k, n]`, a vector `[k]`, or a scalar.
 * @returns The leading axes of `x`, then those of `other` without `k`; the elementwise product when
 * either is a scalar.
 * @throws {ShapeError} when the summed axes differ.
 *
 * @example Two vectors
 * ```ts
 * import { dot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(dot([1, 2, 3], [4, 5, 6]), 32);
 * ```
 */
export function dot(x: TensorLike, other: TensorLike): Tensor {
  const [a, b] = readOperands("Cannot multiply", [x, other]);
  if (a.ndim === 0 || b.ndim === 0) return applyBinary("Cannot multiply", mul, a, b);
  return contract(a, b, { contract: innerAxes(a, b), batch: [[], []] });
}

/**
 * Every product of an element of one tensor with one of the other.
 *
 * @category Products
 * @param x Any shape; it is flattened.
 * @param other Any shape; it is flattened.
 * @returns `[size of x, size of other]`
 *
 * @example A multiplication table
 * ```ts
 * import { outer } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(outer([1, 2], [3, 4]), [[3, 4], [6, 8]]);
 * ```
 */
export function outer(x: TensorLike, other: TensorLike): Tensor {
  const [a, b] = readOperands("Cannot multiply", [x, other]).map((operand) =>
    reshape(operand, [operand.size])
  );
  return contract(a, b, { contract: [[], []], batch: [[], []] });
}

/**
 * The sum of products over chosen axes.
 *
 * @category Products
 * @param x Any shape with these axes.
 * @param other Any shape with these axes.
 * @param axes The number of last axes of `x` to contract with the first axes of `other`; or a pair of axes or of
 * lists of axes, those of `x` and the corresponding ones of `other`. Default 2.
 * @returns The remaining axes of `x`, then those of `other`.
 * @throws {ShapeError} when the axes differ in length or in number.
 * @throws {AxisError} when an axis is out of range or named twice.
 *
 * @example The sum over first axes
 * ```ts
 * import { tensordot } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tensordot([[1, 2], [3, 4]], [1, 10], [0, 0]), [31, 42]);
 * ```
 */
export function tensordot(
  x: TensorLike,
  other: TensorLike,
  axes?: number | readonly [number | readonly number[], number | readonly number[]],
): Tensor {
  if (axes === undefined) axes = 2;
  const [a, b] = readOperands("Cannot multiply", [x, other]);
  const what = `Cannot multiply ${showType(a)} by ${showType(b)}`;
  const [axesA, axesB] = summedAxes(a, b, axes, what);
  if (axesA.length !== axesB.length) {
    throw shapeError(
      `${what}: expected as many axes of one as of the other, ` +
        `got ${showShape(axesA)} and ${showShape(axesB)}`,
    );
  }
  axesA.forEach((axis, i) => {
    const lengths = [a.shape[axis], b.shape[axesB[i]]];
    if (lengths[0] !== lengths[1]) {
      throw shapeError(
        `${what}: axis ${axis} and axis ${axesB[i]} must be equal, ` +
          `current sizes are ${lengths[0]} and ${lengths[1]}`,
      );
    }
  });
  return contract(a, b, { contract: [axesA, axesB], batch: [[], []] });
}

/** The axes of each tensor that `axes` names. */
function summedAxes(a: Tensor, b: Tensor, axes: unknown, what: string): [a: number[], b: number[]] {
  if (Array.isArray(axes)) {
    if (axes.length !== 2) {
      throw argumentError(`${what}: expected a pair of axes, got ${describeValue(axes)}`);
    }
    return [listAxes(axes[0], a.ndim, what), listAxes(axes[1], b.ndim, what)];
  }
  const count = checkInteger(axes, what, "a number of axes or a pair of axes");
  if (count < 0 || count > a.ndim || count > b.ndim) {
    const most = Math.min(a.ndim, b.ndim);
    throw shapeError(`${what} over ${count} axes: expected 0 to ${most}`);
  }
  return [range(a.ndim - count, a.ndim), range(count)];
}

/**
 * Einstein's sums: products of tensors summed over the labels that the result does not have.
 *
 * @category Products
 * @param spec Labels of the axes of each operand, and of the result: `"ij,jk->ik"`. A label is a
 * letter; spaces do not count. `"..."` means any number of axes, aligned at the last and
 * broadcast. A label that occurs twice in one operand takes the diagonal. Without `->`, the result has
 * the broadcast axes and then, in alphabetical order, the labels that occur only once.
 * @param operands One tensor for each part of the spec. Axes of one label have one length, or 1.
 * @returns The sum of products, computed by pairs in an order that keeps intermediate results small.
 * @throws {ArgumentError} when the spec is malformed.
 * @throws {ShapeError} when an operand does not fit its part of the spec.
 *
 * @example A matrix product, a trace and a batch of outer products
 * ```ts
 * import { einsum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const a = [[1, 2], [3, 4]];
 * assertTensorsClose(einsum("ij,jk->ik", a, a), [[7, 10], [15, 22]]);
 * assertTensorsClose(einsum("ii", a), 5);
 * assertTensorsClose(einsum("bi,bj->bij", a, a).at(0), [[1, 2], [2, 4]]);
 * ```
 */
export function einsum(spec: string, ...operands: readonly TensorLike[]): Tensor {
  const { inputs, output, what } = parseSpec(spec);
  if (inputs.length !== operands.length) {
    throw argumentError(`${what}: expected ${inputs.length} operands, got ${operands.length}`);
  }
  const tensors = readOperands(what, operands);
  const labelled = tensors.map((x, i) => labelAxes(x, inputs[i], i, what));
  const lengths = labelLengths(labelled, what);
  const order = outputLabels(inputs, output, labelled, what);
  const terms = labelled.map((term) => dropStretched(takeDiagonals(term), lengths));
  return arrange(multiplyAll(terms, order), order);
}

/** A spec taken apart: for each operand its subscripts, with "..." as one of them. */
interface Spec {
  readonly inputs: readonly (readonly string[])[];
  /** `null` when there is no `->`. */
  readonly output: readonly string[] | null;
  /** Begins messages. */
  readonly what: string;
}

function parseSpec(spec: unknown): Spec {
  if (typeof spec !== "string") {
    throw argumentError(
      `Cannot evaluate einsum: expected a spec such as "ij,jk->ik", got ${describeValue(spec)}`,
    );
  }
  const what = `Cannot evaluate einsum ${describeValue(spec)}`;
  const sides = spec.replace(/\s/g, "").split("->");
  if (sides.length > 2) throw argumentError(`${what}: "->" may occur only once`);
  const inputs = sides[0].split(",").map((term) => parseTerm(term, what));
  const output = sides.length === 1 ? null : parseTerm(sides[1], what);
  if (output === null) return { inputs, output, what };
  output.forEach((label, i) => {
    const shown = describeValue(label);
    if (output.indexOf(label) < i) {
      throw argumentError(`${what}: the result names ${shown} more than once`);
    }
    if (label !== "..." && !inputs.some((labels) => labels.includes(label))) {
      throw argumentError(`${what}: the result names ${shown}, which no operand has`);
    }
  });
  return { inputs, output, what };
}

function parseTerm(term: string, what: string): string[] {
  const labels: string[] = term.match(/\.\.\.|[^]/gu) ?? [];
  const wrong = labels.find((label) => !/^(\.\.\.|[A-Za-z])$/.test(label));
  if (wrong === ".") throw argumentError(`${what}: dots may occur only as "..."`);
  if (wrong !== undefined) {
    throw argumentError(`${what}: labels must be letters, got ${describeValue(wrong)}`);
  }
  if (labels.indexOf("...") !== labels.lastIndexOf("...")) {
    throw argumentError(`${what}: "..." may occur only once in ${describeValue(term)}`);
  }
  return labels;
}

/** The label of a broadcast axis, counted from the last of them. */
function dotLabel(fromEnd: number): string {
  return `...${fromEnd}`;
}

/** `x` with one label per axis. */
function labelAxes(x: Tensor, term: readonly string[], place: number, what: string): Labelled {
  const hasDots = term.includes("...");
  const named = term.length - (hasDots ? 1 : 0);
  const dots = x.ndim - named;
  if (dots < 0 || (dots > 0 && !hasDots)) {
    throw shapeError(
      `${what}: operand ${place} is ${showType(x)}, but "${term.join("")}" names ` +
        `${hasDots ? "at least " : ""}${countAxes(named)}`,
    );
  }
  const expanded = range(dots).map((i) => dotLabel(dots - 1 - i));
  return { x, labels: term.flatMap((label) => label === "..." ? expanded : [label]) };
}

/** The length of every label: the one that is not 1, if there is one. */
function labelLengths(operands: readonly Labelled[], what: string): Map<string, number> {
  const lengths = new Map<string, number>();
  const check = (label: string, first: number, second: number) => {
    if (first === second) return;
    const named = label.startsWith("...") ? `a broadcast axis` : `label ${describeValue(label)}`;
    throw shapeError(`${what}: ${named} has lengths ${first} and ${second}`);
  };
  for (const { x, labels } of operands) {
    labels.forEach((label, axis) => {
      const length = x.shape[axis];
      check(label, x.shape[labels.indexOf(label)], length);
      const before = lengths.get(label) ?? 1;
      if (length !== 1 && before !== 1) check(label, before, length);
      lengths.set(label, before === 1 ? length : before);
    });
  }
  return lengths;
}

/** The labels of the result, in order. */
function outputLabels(
  inputs: Spec["inputs"],
  output: Spec["output"],
  operands: readonly Labelled[],
  what: string,
): string[] {
  const all = operands.flatMap(({ labels }) => labels);
  const dots = new Set(all.filter((label) => label.startsWith("..."))).size;
  const broadcast = range(dots).map((i) => dotLabel(dots - 1 - i));
  if (output === null) {
    const letters = inputs.flat().filter((label) => label !== "...");
    const single = letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label));
    return [...broadcast, ...single.sort()];
  }
  if (dots > 0 && !output.includes("...")) {
    throw argumentError(`${what}: the result must name "...", as an operand has broadcast axes`);
  }
  return output.flatMap((label) => label === "..." ? broadcast : [label]);
}

/** Axes of the same label made one: their diagonal. */
function takeDiagonals({ x, labels }: Labelled): Labelled {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
  if (second < 0) return { x, labels };
  const first = labels.indexOf(labels[second]);
  const rest = withoutAxes(range(x.ndim), [first, second]);
  const length = x.shape[first];
  const lengths = rest.map((axis) => x.shape[axis]);
  const square = reshape(transpose(x, [first, second, ...rest]), [length * length, ...lengths]);
  const diagonal = slice(
    square,
    square.shape.map(() => 0),
    square.shape,
    square.shape.map((_, axis) => axis === 0 ? length + 1 : 1),
  );
  return takeDiagonals({
    x: diagonal,
    labels: [labels[first], ...rest.map((axis) => labels[axis])],
  });
}

/** The product of all operands, summed over the labels that are not in `order`. */
function multiplyAll(operands: readonly Labelled[], order: readonly string[]): Labelled {
  // A label that occurs in one operand only is summed before anything is multiplied by it.
  const terms = operands.map((term, i): Labelled => {
    const others = new Set([...order, ...labelsOf(operands.filter((_, k) => k !== i))]);
    const summed = range(term.x.ndim).filter((axis) => !others.has(term.labels[axis]));
    return {
      x: reduceSum(term.x, summed),
      labels: term.labels.filter((label) => others.has(label)),
    };
  });
  while (terms.length > 1) {
    const [i, k] = choosePair(terms, order);
    const [first, second] = [terms[i], terms[k]];
    terms.splice(k, 1);
    terms.splice(i, 1);
    terms.push(multiply(first, second, new Set([...order, ...labelsOf(terms)])));
  }
  return terms[0];
}

function labelsOf(terms: readonly Labelled[]): string[] {
  return terms.flatMap(({ labels }) => labels);
}

/**
 * Which two operands to multiply next: those whose product takes up the least compared with the two
 * themselves, and of equal ones those that take the fewest multiplications. This is the greedy choice
 * of D. Smith and J. Gray, "opt_einsum", JOSS 2018.
 */
function choosePair(terms: readonly Labelled[], order: readonly string[]): [number, number] {
  let best: [number, number] = [0, 1];
  if (terms.length === 2) return best;
  let [least, fewest] = [Infinity, Infinity];
  for (let i = 0; i < terms.length; i++) {
    for (let k = i + 1; k < terms.length; k++) {
      const kept = new Set([...order, ...labelsOf(terms.filter((_, t) => t !== i && t !== k))]);
      const lengths = new Map<string, number>();
      for (const { x, labels } of [terms[i], terms[k]]) {
        labels.forEach((label, axis) => lengths.set(label, x.shape[axis]));
      }
      let size = 1;
      let work = 1;
      for (const [label, length] of lengths) {
        work *= length;
        if (kept.has(label)) size *= length;
      }
      const growth = size - terms[i].x.size - terms[k].x.size;
      if (growth < least || (growth === least && work < fewest)) {
        [least, fewest, best] = [growth, work, [i, k]];
      }
    }
  }
  return best;
}

/**
 * The assertion that values are numerically equal.
 *
 * @module
 */
import { describeValue, epsilonOf, isFloat, partDtype } from "../base/dtype.ts";
import type { Dtype, RealDtype } from "../base/dtype.ts";
import { argumentError, treeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { sameShape, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { ComplexTensor, isComplexNumber } from "../core/complex.ts";
import { tensorFrom, toTensor } from "../core/convert.ts";
import { dense, Tensor } from "../core/tensor.ts";
import type { TensorLike } from "../core/tensor.ts";
import { firstDifference, flatten, leafPaths, showPath } from "../core/tree.ts";
import "../functions/install.ts";
import { failure } from "./assertion_error.ts";
import { describeDifference, readTolerance } from "./closeness.ts";
import type { Values } from "./closeness.ts";

/**
 * Options of {@linkcode assertTensorsClose}.
 *
 * @category Testing
 */
export interface ClosenessOptions {
  /** How far numbers may be apart, relative to the expected one. The default follows the dtype. */
  readonly rtol?: number;
  /** How far numbers may be apart in absolute terms. The default follows the dtype. */
  readonly atol?: number;
  /** What the error's message begins with. */
  readonly message?: string;
}

const WHAT = "Cannot compare";

/** How deep trees may be nested; deeper ones are taken to be endless. */
const MAX_DEPTH = 1000;

type Path = readonly (string | number)[];

/**
 * Asserts that two tensors, or two trees of tensors, are equal within tolerances:
 * `|actual - expected| <= atol + rtol * |expected|` for every element. NaN equals NaN, and an
 * infinity equals itself alone. Differences and sizes of complex numbers are absolute values.
 *
 * Structures and shapes must be equal. On either side a number, a nested array or a typed array may
 * stand for a tensor; dtypes are compared only where tensors stand on both sides.
 *
 * @category Testing
 * @param actual What was computed: a tensor, anything that a tensor is made from, or a tree of these.
 * @param expected What it should be.
 * @param options `rtol` and `atol`, and a `message` to begin with. Left out, they are 1e-5 and 1e-6
 * where a `float32` takes part, 1e-9 and 1e-12 for `float64` and for JavaScript numbers among
 * themselves, and 0 for integers and bools.
 * @throws {AssertionError} when they differ. It names the place in the tree and the index of the
 * first element that is not close, both values, how many there are, and the worst of them.
 *
 * @example Tensors and trees
 * ```ts
 * import { tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(tensor([1, 2]).mul(3), [3, 6]);
 * assertTensorsClose({ w: tensor([1, 2]), b: 0.5 }, { w: [1, 2], b: 0.5 + 1e-13 });
 * assertTensorsClose(tensor(0.1), 0.11, { atol: 0.02 });
 * ```
 */
export function assertTensorsClose(
  actual: unknown,
  expected: unknown,
  options?: ClosenessOptions,
): void {
  const known = readOptions(WHAT, options, ["rtol", "atol", "message"]);
  readTolerance(WHAT, known, "float32");
  if (known.message !== undefined && typeof known.message !== "string") {
    throw argumentError(
      `${WHAT}: message must be a string, got ${describeValue(known.message)}`,
    );
  }
  const difference = compare(actual, expected, [], known);
  if (difference === null) return;
  const prefix = known.message === undefined ? "" : `${known.message}: `;
  throw failure(`${prefix}${difference}`, assertTensorsClose);
}

/** How two trees first differ, or `null`. */
function compare(
  actual: unknown,
  expected: unknown,
  path: Path,
  options: ClosenessOptions,
): string | null {
  if (path.length > MAX_DEPTH) {
    throw treeError(`${WHAT} a tree that is deeper than ${MAX_DEPTH} levels; is it cyclic?`);
  }
  if (isTensorLike(actual) && isTensorLike(expected)) {
    return compareTensors(actual, expected, path, options);
  }
  const [given, wanted] = [open(actual), open(expected)];
  const difference = firstDifference(wanted.structure, given.structure, path);
  if (difference !== null) return `Trees differ: ${difference}`;
  if (wanted.structure.kind === "leaf") {
    if (Object.is(actual, expected)) return null;
    return `Trees differ${at(path)}: expected ${describe(expected)}, got ${describe(actual)}`;
  }
  const keys = leafPaths(wanted.structure);
  for (let i = 0; i < keys.length; i++) {
    const found = compare(given.leaves[i], wanted.leaves[i], [...path, ...keys[i]], options);
    if (found !== null) return found;
  }
  return null;
}

/** One level of a tree: its children are the leaves. What stands for a tensor is a leaf itself. */
function open(value: unknown): ReturnType<typeof flatten> {
  if (value instanceof Tensor) return { leaves: [value], structure: { kind: "leaf" } };
  return flatten(value, (part) => part !== value);
}

function at(path: Path): string {
  return path.length === 0 ? "" : ` at ${showPath(path)}`;
}

function describe(value: unknown): string {
  return value instanceof Tensor ? showType(value) : describeValue(value);
}

/** Whether `value` can be compared as one tensor. */
function isTensorLike(value: unknown): value is TensorLike {
  return value instanceof Tensor || typeof value === "number" || typeof value === "boolean" ||
    isComplexNumber(value) ||
    (ArrayBuffer.isView(value) && !(value instanceof DataView)) || numericShape(value) !== null;
}

/** The shape of arrays of numbers nested to one depth, or `null` for anything else. */
function numericShape(value: unknown, depth = 0): Shape | null {
  if (typeof value === "number" || typeof value === "boolean" || isComplexNumber(value)) return [];
  if (!Array.isArray(value) || depth > 64) return null;
  let inner: Shape | null = value.length === 0 ? [] : null;
  for (let i = 0; i < value.length; i++) {
    const shape = numericShape(value[i], depth + 1);
    if (shape === null || (i > 0 && !sameShape(shape, inner!))) return null;
    inner = shape;
  }
  return [value.length, ...inner!];
}

/** One side of a comparison. */
interface Side extends Values {
  readonly shape: Shape;
  /** `null` for JavaScript numbers, which are compared in double precision. */
  readonly dtype: Dtype | null;
  /** How it is named when shapes or dtypes differ. */
  readonly name: string;
}

function readSide(value: TensorLike): Side {
  if (value instanceof Tensor || ArrayBuffer.isView(value)) {
    const x = toTensor(value, WHAT);
    if (x instanceof ComplexTensor) return readComplex(x, x.dtype, showType(x));
    const show = x.dtype === "bool" ? (element: number) => String(element !== 0) : showNumber;
    const elements = dense(x.concrete("compare"));
    return { shape: x.shape, dtype: x.dtype, show, elements, name: showType(x) };
  }
  const isComplex = tensorFrom(value, undefined, WHAT) instanceof ComplexTensor;
  const read = tensorFrom(value, isComplex ? "complex128" : "float64", WHAT);
  const name = read.ndim === 0 ? "a number" : `shape ${showShape(read.shape)}`;
  if (read instanceof ComplexTensor) return readComplex(read, null, name);
  const { elements } = read.concrete("compare");
  return { shape: read.shape, dtype: null, show: showNumber, elements, name };
}

function readComplex({ re, im, shape }: ComplexTensor, dtype: Dtype | null, name: string): Side {
  const [elements, imaginary] = [re, im].map((part) => dense(part.concrete("compare")));
  return { shape, dtype, show: showNumber, elements, imaginary, name };
}

function showNumber(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}

function compareTensors(
  actual: TensorLike,
  expected: TensorLike,
  path: Path,
  options: ClosenessOptions,
): string | null {
  const [given, wanted] = [readSide(actual), readSide(expected)];
  const mustAgree = actual instanceof Tensor && expected instanceof Tensor;
  if (!sameShape(given.shape, wanted.shape) || (mustAgree && given.dtype !== wanted.dtype)) {
    return `Tensors differ${at(path)}: expected ${wanted.name}, got ${given.name}`;
  }
  const tolerance = readTolerance(WHAT, options, coarser(given.dtype, wanted.dtype));
  const difference = describeDifference(given, wanted, given.shape, tolerance);
  return difference === null ? null : `Tensors differ${at(path)}: ${difference}`;
}

/** The dtype whose tolerance counts: the one with the fewest digits, or that of the only tensor. */
function coarser(a: Dtype | null, b: Dtype | null): RealDtype {
  const [first, second] = [a ?? b ?? "float64", b ?? a ?? "float64"].map(partDtype);
  if (!isFloat(first) || !isFloat(second)) return isFloat(first) ? first : second;
  return epsilonOf(first) > epsilonOf(second) ? first : second;
}

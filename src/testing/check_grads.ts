/**
 * The test that derivatives are right.
 *
 * @module
 */
import { describeValue, isFloat } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { showType } from "../base/shape.ts";
import { fromJavaScript, leafToTensor } from "../core/convert.ts";
import { Concrete, dense } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { flatten, leafPaths, showPath, unflatten } from "../core/tree.ts";
import "../functions/install.ts";
import { threefry2x32 } from "../numeric/threefry.ts";
import { convert } from "../primitives/structure.ts";
import type { AnyArgs, AnyFunction, LooseArgs } from "../core/tree_types.ts";
import { checkFunction, checkSynchronous, flattenTensors } from "../transforms/flatten_function.ts";
import { jvp } from "../transforms/jvp.ts";
import { vjp } from "../transforms/linearize.ts";
import { failure } from "./assertion_error.ts";
import { describeDifference } from "./closeness.ts";
import type { Tolerance } from "./closeness.ts";

/**
 * How a derivative is computed: by `jvp`, or by `vjp`.
 *
 * @category Testing
 */
export type DifferentiationMode = "forward" | "reverse";

/**
 * Options of {@linkcode checkGrads}.
 *
 * @category Testing
 */
export interface CheckGradsOptions {
  /** How many derivatives to check: 2 also checks the derivative of the derivative. Default 2. */
  readonly order?: number;
  /** Which modes to check, in every combination. Default `["forward", "reverse"]`. */
  readonly modes?: readonly DifferentiationMode[];
  /** The step of central differences. Default 1e-5. */
  readonly eps?: number;
  /** How far numbers may be apart, relative to the expected one. Default 1e-6. */
  readonly rtol?: number;
  /** How far numbers may be apart in absolute terms. Default 1e-6. */
  readonly atol?: number;
}

const WHAT = "Cannot check gradients";

/** More derivatives than this take more time than anybody has. */
const MAX_ORDER = 10;

/** A function of floating-point tensors with floating-point results, and names for both. */
interface Subject {
  readonly f: (...xs: Tensor[]) => readonly Tensor[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What stays the same throughout a check. */
interface Check {
  readonly modes: readonly DifferentiationMode[];
  readonly eps: number;
  readonly tolerance: Tolerance;
  /** A new direction: a constant tensor of independent numbers from -1 to 1. */
  readonly direction: (type: Type) => Concrete;
}

/**
 * Asserts that the derivatives of a function are right at a point. Each floating-point argument is
 * moved along a random direction (the same in every run): forward mode is compared with central
 * differences, and reverse mode with forward mode by the inner product
 * `<cotangent, jvp(direction)> = <vjp(cotangent), direction>`. Without forward mode, reverse mode is
 * compared with central differences. The derivatives are then functions to be checked in turn, up to
 * the order asked for.
 *
 * Everything is computed in `float64`: floating-point arguments are converted first. The point must
 * keep a distance of `eps` from kinks and from the ends of the function's domain.
 *
 * @category Testing
 * @param f A pure function of trees of tensors that gives a tree of tensors.
 * @param args Where: the list of its arguments. Integer and bool leaves are held fixed.
 * @param options `order`, `modes`, `eps`, `rtol` and `atol`.
 * @throws {AssertionError} when a derivative is wrong. It names the leaf of the arguments, that of
 * the result, the order and the modes.
 * @throws {DtypeError} when a result is of dtype `float32`, which is too coarse for differences.
 *
 * @example A function of two arguments
 * ```ts
 * import { checkGrads } from "@jacobi/jacobi/testing";
 * import { tensor } from "@jacobi/jacobi";
 *
 * checkGrads((x, y) => x.mul(y.sin()).sum(), [tensor([1, 2]), tensor([3, 4])]);
 * ```
 */
export function checkGrads<Args extends AnyArgs = Tensor[]>(
  f: (...args: Args) => unknown,
  args: NoInfer<LooseArgs<Args>>,
  options?: CheckGradsOptions,
): void;
/** The same for a function that another transform makes in place: `checkGrads(jit(f), …)`. */
export function checkGrads<Args extends AnyArgs>(
  f: (...args: Args) => unknown,
  args: NoInfer<LooseArgs<Args>>,
  options?: CheckGradsOptions,
): void;
export function checkGrads(
  f: AnyFunction,
  args: readonly unknown[],
  options?: CheckGradsOptions,
): void {
  checkFunction(f, "checkGrads");
  if (!Array.isArray(args)) {
    throw argumentError(
      `${WHAT}: expected a list with one entry per argument, got ${describeValue(args)}`,
    );
  }
  const { order, check } = readCheck(options);
  const { subject, point } = flatSubject(f, args);
  const fault = findFault(subject, point, order, [], check);
  if (fault !== null) throw failure(fault, checkGrads);
}

function readCheck(options: CheckGradsOptions | undefined): { order: number; check: Check } {
  const known = readOptions(WHAT, options, ["order", "modes", "eps", "rtol", "atol"]);
  const { order = 2, modes = ["forward", "reverse"], eps = 1e-5, rtol = 1e-6, atol = 1e-6 } = known;
  if (!Number.isInteger(order) || order < 1) {
    throw argumentError(`${WHAT}: order must be a positive integer, got ${describeValue(order)}`);
  }
  if (order > MAX_ORDER) {
    throw argumentError(
      `${WHAT}: order must be at most ${MAX_ORDER}, since each one doubles the work, got ${order}`,
    );
  }
  const areModes = Array.isArray(modes) && modes.length > 0 && modes.length <= 2 &&
    Array.from(modes).every((mode) => mode === "forward" || mode === "reverse");
  if (!areModes) {
    throw argumentError(
      `${WHAT}: modes must be a list of "forward" and "reverse", got ${describeValue(modes)}`,
    );
  }
  for (const [name, value] of [["eps", eps], ["rtol", rtol], ["atol", atol]] as const) {
    if (!Number.isFinite(value) || value < 0 || (name === "eps" && value === 0)) {
      throw argumentError(
        `${WHAT}: ${name} must be a positive number, got ${describeValue(value)}`,
      );
    }
  }
  return { order, check: { modes, eps, tolerance: { rtol, atol }, direction: directions() } };
}

/** A source of directions that gives the same ones in every check. */
function directions(): (type: Type) => Concrete {
  let draw = 0;
  return (type) => {
    const elements = new Float64Array(type.shape.reduce((size, length) => size * length, 1));
    draw++;
    for (let i = 0; i < elements.length; i++) {
      elements[i] = threefry2x32(0, draw, 0, i)[0] / 2 ** 31 - 1;
    }
    return new Concrete("float64", type.shape, elements);
  };
}

/** `f` as a function of the floating-point leaves of `args`, and these in double precision. */
function flatSubject(
  f: AnyFunction,
  args: readonly unknown[],
): { subject: Subject; point: Tensor[] } {
  const { leaves, structure } = flatten(args);
  const paths = leafPaths(structure);
  const tensors = leaves.map((leaf, i) => {
    if (typeof leaf === "number") return fromJavaScript(leaf, "float64", WHAT);
    const x = leafToTensor(leaf, paths[i], WHAT);
    return isFloat(x.dtype) ? convert(x, "float64") : x;
  });
  const active = tensors.map((x) => isFloat(x.dtype));
  if (!active.includes(true)) {
    throw argumentError(`${WHAT}: none of the arguments has a floating-point leaf`);
  }
  const run = (xs: readonly Tensor[]): ReturnType<typeof flattenTensors> => {
    let next = 0;
    const filled = tensors.map((x, i) => active[i] ? xs[next++] : x);
    const output = f(...unflatten(structure, filled) as unknown[]);
    checkSynchronous(output, "checkGrads");
    const flat = flattenTensors(
      output,
      "Cannot check the gradients of a function that returns this",
    );
    for (const x of flat.leaves) {
      if (x.dtype !== "float32") continue;
      throw dtypeError(
        `${WHAT} of a function that returns ${showType(x)} for float64 arguments: ` +
          `expected float64; remove the conversion to float32`,
      );
    }
    return flat;
  };
  const point = tensors.filter((_, i) => active[i]);
  const outcome = run(point);
  const names = (list: (string | number)[][], chosen: readonly boolean[], root: string) =>
    list.filter((_, i) => chosen[i]).map((path) =>
      path.length === 0 ? root : root + showPath(path)
    );
  return {
    point,
    subject: {
      f: (...xs) => run(xs).leaves.filter((x) => isFloat(x.dtype)),
      inputs: names(paths, active, "args"),
      outputs: names(
        leafPaths(outcome.structure),
        outcome.leaves.map((x) => isFloat(x.dtype)),
        "result",
      ),
    },
  };
}

/** What is wrong with the derivatives of `subject` at `point` up to an order, or `null`. */
function findFault(
  subject: Subject,
  point: readonly Tensor[],
  order: number,
  inner: readonly DifferentiationMode[],
  check: Check,
): string | null {
  for (const mode of check.modes) {
    const find = mode === "forward" ? findForwardFault : findReverseFault;
    const found = find(subject, point, [mode, ...inner], check);
    if (found !== null) return found;
  }
  if (order === 1) return null;
  for (const mode of check.modes) {
    const differentiate = mode === "forward" ? forwardDerivative : reverseDerivative;
    const derivative = differentiate(subject, point, check);
    const found = findFault(derivative, point, order - 1, [mode, ...inner], check);
    if (found !== null) return found;
  }
  return null;
}

/** The fault's message up to what differs. */
function fault(output: string, input: string, chain: readonly DifferentiationMode[]): string {
  return `The derivative of ${output} by ${input} is wrong ` +
    `(order ${chain.length}, ${chain.join(" over ")}): `;
}

/** The results' derivatives along a direction of one argument. */
function alongOne(
  { f }: Subject,
  point: readonly Tensor[],
  place: number,
  direction: Tensor,
): readonly Tensor[] {
  const tangents = point.map((_, i) => i === place ? direction : null);
  return jvp<Tensor[], readonly Tensor[]>(f, [...point], tangents)[1];
}

/** The same by central differences. */
function differenceAlongOne(
  { f }: Subject,
  point: readonly Tensor[],
  place: number,
  direction: Tensor,
  eps: number,
): readonly Tensor[] {
  const moved = (by: number) =>
    f(...point.map((x, i) => i === place ? x.add(direction.mul(by)) : x));
  const [after, before] = [moved(eps), moved(-eps)];
  return after.map((y, i) => y.sub(before[i]).div(2 * eps));
}

function findForwardFault(
  subject: Subject,
  point: readonly Tensor[],
  chain: readonly DifferentiationMode[],
  check: Check,
): string | null {
  for (let i = 0; i < point.length; i++) {
    const direction = check.direction(point[i]);
    const actual = alongOne(subject, point, i, direction);
    const expected = differenceAlongOne(subject, point, i, direction, check.eps);
    for (let k = 0; k < actual.length; k++) {
      const difference = differ(actual[k], expected[k], check.tolerance);
      if (difference === null) continue;
      return fault(subject.outputs[k], subject.inputs[i], chain) +
        `against central differences, ${difference}`;
    }
  }
  return null;
}

function findReverseFault(
  subject: Subject,
  point: readonly Tensor[],
  chain: readonly DifferentiationMode[],
  check: Check,
): string | null {
  const [results, pullback] = vjp<Tensor[], readonly Tensor[]>(subject.f, ...point);
  const cotangents = results.map(check.direction);
  const directions = point.map(check.direction);
  const isForwardKnown = check.modes.includes("forward");
  const other = isForwardKnown ? "forward mode" : "central differences";
  // One result at a time, so that the message can name it.
  for (let k = 0; k < results.length; k++) {
    const pulled = pullback(results.map((_, i) => i === k ? cotangents[k] : null)) as Tensor[];
    for (let i = 0; i < point.length; i++) {
      const pushed = isForwardKnown
        ? alongOne(subject, point, i, directions[i])
        : differenceAlongOne(subject, point, i, directions[i], check.eps);
      const actual = pulled[i].mul(directions[i]).sum();
      const expected = pushed[k].mul(cotangents[k]).sum();
      const difference = differ(actual, expected, check.tolerance);
      if (difference === null) continue;
      return fault(subject.outputs[k], subject.inputs[i], chain) +
        `against ${other}, by inner products, ${difference}`;
    }
  }
  return null;
}

/** How two tensors differ, or `null`. NaN is close to nothing: it is no derivative. */
function differ(actual: Tensor, expected: Tensor, tolerance: Tolerance): string | null {
  const [given, wanted] = [actual, expected].map((x) => ({
    elements: dense(x.concrete("check the gradients of")),
    show: String,
  }));
  return describeDifference(given, wanted, actual.shape, { ...tolerance, refusesNan: true });
}

/** The function that gives the results' tangents along one direction. */
function forwardDerivative(subject: Subject, point: readonly Tensor[], check: Check): Subject {
  const tangents = point.map(check.direction);
  return {
    f: (...xs) => jvp<Tensor[], readonly Tensor[]>(subject.f, xs, tangents)[1],
    inputs: subject.inputs,
    outputs: subject.outputs.map((name) => `the tangent of ${name}`),
  };
}

/** The function that gives the arguments' cotangents for one cotangent of the results. */
function reverseDerivative(subject: Subject, point: readonly Tensor[], check: Check): Subject {
  const cotangents = subject.f(...point).map(check.direction);
  return {
    f: (...xs) => vjp<Tensor[], readonly Tensor[]>(subject.f, ...xs)[1](cotangents) as Tensor[],
    inputs: subject.inputs,
    outputs: subject.inputs.map((name) => `the gradient by ${name}`),
  };
}

/**
 * Forward mode: every value carries its tangent. For each of the four kinds of derivative there is a
 * rule for the tangents of a primitive.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { showPath } from "../core/tree.ts";
import { showType } from "../base/shape.ts";
import { enterDerivative, restoreOrigin } from "../core/origin.ts";
import type { Placement } from "../core/sharding.ts";
import type { Primitive } from "../core/primitive.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Concrete } from "../core/tensor.ts";
import {
  bind,
  currentTrace,
  runTransform,
  runUnder,
  Trace,
  Tracer,
  WeakScalar,
} from "../core/trace.ts";
import { leafPaths, unflatten } from "../core/tree.ts";
import type {
  AnyArgs,
  AnyFunction,
  Differentiable,
  LooseArgs,
  TensorsOf,
} from "../core/tree_types.ts";
import { isZero } from "../core/zeros.ts";
import { add } from "../primitives/arithmetic.ts";
import {
  checkFunction,
  flattenFunction,
  flattenInputs,
  flattenLike,
  flattenResults,
  primalOf,
} from "./flatten_function.ts";

/** A value with a tangent that is not known to be zero. */
export class JvpTracer extends Tracer {
  /** The value. */
  readonly primal: Tensor;
  /** Its derivative along the direction of the trace. */
  readonly tangent: Tensor;

  /** A pair of trace `trace`. */
  constructor(trace: JvpTrace, primal: Tensor, tangent: Tensor) {
    super(trace, primal);
    this.primal = primal;
    this.tangent = tangent;
  }

  /** Whether it is zero and remains so. */
  override get isZero(): boolean {
    return isZero(this.primal) && isZero(this.tangent);
  }

  /** The concrete primal: control flow may depend on known values. */
  override concrete(purpose: string, advice?: string): Concrete {
    return this.primal.concrete(purpose, advice);
  }

  /** The placement of the primal. */
  override get placement(): Placement | null {
    return this.primal.placement;
  }

  /** The primal as text. */
  override toString(): string {
    return this.primal.toString();
  }
}

/** Carries tangents through operations; primals and tangents are computed by the parent trace. */
export class JvpTrace extends Trace {
  readonly #parent: Trace;
  /** Whether tangents are computed immediately, rather than recorded to be transposed. */
  readonly #isForward: boolean;

  /** A forward-mode trace over `parent`. */
  constructor(transform: string, parent: Trace, isForward: boolean) {
    super(transform);
    this.#parent = parent;
    this.#isForward = isForward;
  }

  /** `value` without its tangent in this trace. */
  primalOf(value: Tensor): Tensor {
    return value instanceof JvpTracer && value.trace === this ? value.primal : value;
  }

  /** The tangent of `value` in this trace, `null` for zero. */
  tangentOf(value: Tensor): Tensor | null {
    return value instanceof JvpTracer && value.trace === this ? value.tangent : null;
  }

  /** `primal` with `tangent`. */
  lift(primal: Tensor, tangent: Tensor | null): Tensor {
    return tangent === null ? primal : new JvpTracer(this, primal, tangent);
  }

  /** An argument of the function, with a `tangent`; a number remains a number. */
  input(argument: Tensor, tangent: Tensor | null): Tensor {
    const lifted = this.lift(primalOf(argument), tangent);
    return argument instanceof WeakScalar ? argument.within(this, lifted) : lifted;
  }

  override process<P>(
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
  ): readonly Tensor[] {
    const primals: Tensor[] = new Array(args.length);
    const tangents: (Tensor | null)[] = new Array(args.length);
    let moves = false;
    for (let i = 0; i < args.length; i++) {
      primals[i] = this.primalOf(args[i]);
      tangents[i] = this.tangentOf(args[i]);
      moves ||= tangents[i] !== null;
    }
    const rule = primitive.derivative;
    if (moves && rule.kind === "program") {
      return runUnder(this.#parent, () => {
        if (this.#isForward && rule.jvp !== undefined) {
          const pairs = rule.jvp(primals, tangents, params);
          return pairs.map(([value, tangent]) => this.lift(value, tangent));
        }
        const isActive = tangents.map((tangent) => tangent !== null);
        const { results, push } = rule.linearize(primals, isActive, params);
        const outer = enterDerivative(this.#isForward ? "tangent" : "backward", primitive);
        let out: readonly (Tensor | null)[];
        try {
          out = push(tangents);
        } finally {
          restoreOrigin(outer);
        }
        return results.map((result, i) => this.lift(result, out[i]));
      });
    }
    const results = this.#parent.process(primitive, primals, params);
    if (!moves || primitive.derivative.kind === "zero" || !results.some((r) => isFloat(r.dtype))) {
      return results;
    }
    const outer = enterDerivative(this.#isForward ? "tangent" : "backward", primitive);
    let out: readonly (Tensor | null)[];
    try {
      out = runUnder(this.#parent, () => push(primitive, primals, tangents, results, params));
    } finally {
      restoreOrigin(outer);
    }
    return results.map((result, i) => isFloat(result.dtype) ? this.lift(result, out[i]) : result);
  }
}

/** The tangents of a primitive's results; at least one argument has a tangent. */
function push<P>(
  primitive: Primitive<P>,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  results: readonly Tensor[],
  params: P,
): readonly (Tensor | null)[] {
  const rule = primitive.derivative;
  switch (rule.kind) {
    case "zero":
    case "program": // Handled above: its results have their tangents.
      return results.map(() => null);
    case "linear": {
      const isSparse = tangents.some((t, i) => t === null && isFloat(primals[i].dtype));
      if (isSparse && rule.sparse !== undefined) return [rule.sparse(tangents, primals, params)];
      const filled = primals.map((primal, i) =>
        tangents[i] ?? (isFloat(primal.dtype) ? zerosOf(primal) : primal)
      );
      return bind(primitive, filled, params);
    }
    case "bilinear": {
      const [dx, dy] = tangents;
      const first = dx === null ? null : bind(primitive, [dx, primals[1]], params)[0];
      const second = dy === null ? null : bind(primitive, [primals[0], dy], params)[0];
      return [sum(first, second)];
    }
    case "smooth": {
      const totals: (Tensor | null)[] = results.map(() => null);
      tangents.forEach((tangent, i) => {
        const term = rule.tangents[i];
        if (tangent === null || term === null) return;
        const terms = term(tangent, primals, results, params);
        if (terms instanceof Tensor) totals[0] = sum(totals[0], terms);
        else terms.forEach((part, k) => totals[k] = sum(totals[k], part));
      });
      return totals;
    }
  }
}

/** The sum of two tangents, where `null` is zero. */
export function sum(x: Tensor | null, y: Tensor | null): Tensor | null {
  return x === null ? y : y === null ? x : add(x, y);
}

/**
 * The value of a function and its derivative along a direction (forward mode).
 *
 * @category Transforms
 * @param f A pure function of trees of tensors.
 * @param primals The point: the list of `f`'s arguments.
 * @param tangents The direction: a list like `primals`, each leaf of its primal's shape and dtype; for
 * a number, a number or a floating-point scalar. `null` means zero, also for a whole subtree, and is
 * the only tangent of an integer or bool leaf.
 * @returns The output of `f`, and the derivative of each floating-point leaf of it (`null` at
 * integer and bool leaves).
 * @throws {TreeError} when `tangents` is not a tree like `primals`.
 * @throws {ShapeError} or {DtypeError} when a tangent's type is not that of its primal.
 *
 * @example The derivative of the sine
 * ```ts
 * import { cos, jvp, sin } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const [y, dy] = jvp(sin, [0.5], [1]);
 * assertTensorsClose(y, sin(0.5));
 * assertTensorsClose(dy, cos(0.5));
 * ```
 */
export function jvp<Args extends AnyArgs = Tensor[], Out extends Differentiable = Tensor>(
  f: (...args: Args) => Out,
  primals: NoInfer<LooseArgs<Args>>,
  tangents: unknown,
): [TensorsOf<Out>, TensorsOf<Out>];
/** The same for a function that another transform creates inline: `jvp(jit(f), …)`. */
export function jvp<Args extends AnyArgs, Out extends Differentiable>(
  f: (...args: Args) => Out,
  primals: NoInfer<LooseArgs<Args>>,
  tangents: unknown,
): [TensorsOf<Out>, TensorsOf<Out>];
export function jvp(
  f: AnyFunction,
  primals: readonly unknown[],
  tangents: unknown,
): [unknown, unknown] {
  checkFunction(f, "jvp");
  checkList(primals, "jvp", "primals");
  checkList(tangents, "jvp", "tangents");
  const { leaves, structure } = flattenInputs(primals, "Cannot take a jvp at these primals");
  const directions = flattenTangents(structure, leaves, tangents, "jvp");
  const flat = flattenFunction(f, structure, "jvp", flattenResults);
  const trace = new JvpTrace("jvp", currentTrace(), true);
  const results = runTransform(
    trace,
    () => flat.call(leaves.map((leaf, i) => trace.input(leaf, directions[i]))),
  );
  const out = results.map((result) => trace.primalOf(result));
  const outTangents = results.map((result, i) =>
    isFloat(result.dtype) ? trace.tangentOf(result) ?? zerosOf(out[i]) : null
  );
  return [
    unflatten(flat.resultStructure(), out),
    unflatten(flat.resultStructure(), outTangents),
  ];
}

/** A flat function in forward mode: each result with its tangent, `null` for zero. */
export function jvpFlat(
  f: (args: readonly Tensor[]) => readonly Tensor[],
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
): (readonly [value: Tensor, tangent: Tensor | null])[] {
  const trace = new JvpTrace("jvp", currentTrace(), true);
  const results = runTransform(
    trace,
    () => f(primals.map((primal, i) => trace.lift(primal, tangents[i]))),
  );
  return results.map((result) => [trace.primalOf(result), trace.tangentOf(result)]);
}

/** The number of arguments of a call for which JavaScript's stack is certain to have space. */
const MAX_ARGUMENTS = 2 ** 14;

/** Throws unless `value` is a list that can be the arguments of a call. */
export function checkList(value: unknown, transform: string, name: string): void {
  if (!Array.isArray(value)) {
    throw argumentError(
      `Cannot apply ${transform}: ${name} must be a list with one entry per argument of the function`,
    );
  }
  if (value.length > MAX_ARGUMENTS) {
    throw argumentError(
      `Cannot apply ${transform}: ${name} has ${value.length} entries, ` +
        `a function takes at most ${MAX_ARGUMENTS} arguments; put them into one list`,
    );
  }
}

/** Tangents for these primals: `null` for zero, and for every integer and bool leaf. */
export function flattenTangents(
  structure: Parameters<typeof leafPaths>[0],
  primals: readonly Tensor[],
  tangents: unknown,
  transform: string,
): (Tensor | null)[] {
  const what = `Cannot apply ${transform} to these tangents`;
  const flat = flattenLike(structure, primals, tangents, what);
  return flat.map((tangent, i) => {
    if (tangent === null || isFloat(primals[i].dtype)) return tangent;
    throw argumentError(
      `${what}: ${showType(primals[i])} at ${showPath(leafPaths(structure)[i])} has no tangent; ` +
        `pass null, or convert the primal with astype`,
    );
  });
}

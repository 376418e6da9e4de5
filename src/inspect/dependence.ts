/**
 * Dependence of a function's results on its inputs, derived from its program.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { RecordingTrace, typeOf, Variable } from "../core/program.ts";
import type { Equation, Program } from "../core/program.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, runUnder } from "../core/trace.ts";
import { dottedPath, flatten, leafPaths, unflatten } from "../core/tree.ts";
import type { AnyFunction, IsAny } from "../core/tree_types.ts";
import { checkFunction } from "../transforms/flatten_function.ts";
import { jvpFlat } from "../transforms/jvp.ts";
import { stageFor } from "../transforms/stage.ts";

/**
 * A tree like `T` with a value of another type in place of each tensor.
 *
 * @category Inspection
 */
export type NamesOf<T> = IsAny<T> extends true ? T
  : [T] extends [Tensor | number | boolean] ? string[]
  : T extends null | undefined | string | AnyFunction ? T
  : { [K in keyof T]: NamesOf<T[K]> };

/**
 * The inputs that the results of a function depend on.
 *
 * @category Inspection
 */
export interface Dependence<Out> {
  /**
   * For each result the inputs with respect to which it has a derivative, which may still be zero at a
   * point.
   */
  readonly differentiable: Out;
  /** For each result the inputs on which it depends at all, including through a comparison or an index. */
  readonly all: Out;
}

/** The inputs that affect a value, by their positions. */
interface Reach {
  readonly differentiable: ReadonlySet<number>;
  readonly all: ReadonlySet<number>;
}

const NOWHERE: Reach = { differentiable: new Set(), all: new Set() };

/** Which results of an equation depend on one of its inputs: differentiably, and at all. */
interface Use {
  readonly differentiable: readonly boolean[];
  readonly all: readonly boolean[];
}

/**
 * The inputs that each result of a function depends on. They are derived from the program of the
 * function, not from numbers: a derivative that happens to be zero at a point counts, one that is zero
 * everywhere (through `stopGradient`, `noGrad`, a rounding or a comparison) does not.
 *
 * @category Inspection
 * @param f A pure function of trees of tensors. It is traced, as by `jit`: branches on values need
 * `cond` or `where`.
 * @returns A function of the same arguments that returns two trees like the output of `f`, with a list
 * of names in place of each tensor: the inputs with respect to which it has a derivative, and those
 * that it depends on at all. A name is the position of an argument, followed by the path within it:
 * `"0.layer1.weight"`.
 * @throws {ArgumentError} when `f` is not a function.
 *
 * @example Frozen weights
 * ```ts
 * import { inspect, stopGradient, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const f = (p: { w: Tensor; frozen: Tensor }, x: Tensor) => ({
 *   y: p.w.mul(x).add(stopGradient(p.frozen)),
 *   isLarge: x.greater(1),
 * });
 * const params = { w: tensor(1), frozen: tensor(2) };
 * const { differentiable, all } = inspect.dependence(f)(params, tensor(3));
 * deepStrictEqual(differentiable, { y: ["0.w", "1"], isLarge: [] });
 * deepStrictEqual(all, { y: ["0.frozen", "0.w", "1"], isLarge: ["1"] });
 * ```
 */
export function dependence<Args extends readonly unknown[], Out>(
  f: (...args: Args) => Out,
): (...args: NoInfer<Args>) => Dependence<NamesOf<Out>> {
  checkFunction(f, "dependence");
  return (...args) => {
    const { program, structure } = stageFor("dependence", f as AnyFunction, args);
    const names = leafPaths(flatten(args).structure).map(dottedPath);
    const reached = reachOf(program);
    const treeOf = (kind: keyof Reach) =>
      unflatten(
        structure,
        reached.map((reach) => [...reach[kind]].sort((a, b) => a - b).map((i) => names[i])),
      ) as NamesOf<Out>;
    return { differentiable: treeOf("differentiable"), all: treeOf("all") };
  };
}

/** The inputs of a program that affect each of its results. */
function reachOf({ binders, equations, results }: Program): Reach[] {
  const known = new Map<Variable, Reach>();
  binders.forEach((binder, i) => {
    const self = new Set([i]);
    const hasDerivative = isFloat(binder.type.dtype);
    known.set(binder, { differentiable: hasDerivative ? self : new Set(), all: self });
  });
  const reachOfAtom = (atom: Tensor | Variable): Reach =>
    atom instanceof Variable ? known.get(atom) ?? NOWHERE : NOWHERE;
  for (const equation of equations) {
    const inputs = equation.inputs.map(reachOfAtom);
    const uses = inputs.map(({ all }, k) => all.size === 0 ? null : useOf(equation, k));
    equation.outputs.forEach((output, i) => {
      const differentiable = new Set<number>();
      const all = new Set<number>();
      inputs.forEach((reach, k) => {
        if (uses[k]?.all[i]) { for (const input of reach.all) all.add(input); }
        if (!uses[k]?.differentiable[i]) return;
        for (const input of reach.differentiable) differentiable.add(input);
      });
      known.set(output, { differentiable, all });
    });
  }
  return results.map(reachOfAtom);
}

/** How the results of an equation depend on its input number `k`. */
function useOf(equation: Equation, k: number): Use {
  const { primitive, inputs, outputs } = equation;
  const rule = primitive.derivative;
  const isFloatInput = isFloat(typeOf(inputs[k]).dtype);
  const isSmooth = rule.kind === "linear" || rule.kind === "bilinear" ||
    (rule.kind === "smooth" && rule.tangents[k] !== null);
  const all = outputs.map(() => true);
  if (rule.kind !== "program") {
    const hasDerivative = isFloatInput && isSmooth;
    return { differentiable: outputs.map(({ type }) => hasDerivative && isFloat(type.dtype)), all };
  }
  return {
    differentiable: isFloatInput ? differentiableUse(equation, k) : outputs.map(() => false),
    all: primitive.isCall
      ? reachOf((equation.params as { readonly program: Program }).program)
        .map((reach) => reach.all.has(k))
      : mappedUse(equation, k),
  };
}

/** For a primitive that holds programs: the results that change when one argument does. */
function differentiableUse({ primitive, inputs, params }: Equation, k: number): boolean[] {
  return recorded((newValue) => {
    const primals = inputs.map((atom) => newValue(typeOf(atom)));
    const tangents = primals.map((primal, i) => i === k ? newValue(primal) : null);
    return jvpFlat((args) => bind(primitive, args, params), primals, tangents)
      .map(([, tangent]) => tangent !== null);
  });
}

/** For a primitive that holds programs: the results that are mapped when one argument is. */
function mappedUse({ primitive, inputs, params }: Equation, k: number): boolean[] {
  return recorded((newValue) => {
    const args = inputs.map((atom, i) => {
      const { dtype, shape } = typeOf(atom);
      return newValue({ dtype, shape: i === k ? [2, ...shape] : shape });
    });
    const axes = inputs.map((_, i) => i === k ? 0 : null);
    return primitive.batch(args, axes, 2, params).map(([, axis]) => axis !== null);
  });
}

/** Runs `f` on values that are only recorded. */
function recorded<T>(f: (newValue: RecordingTrace["newBinder"]) => T): T {
  const trace = new RecordingTrace("dependence", null);
  try {
    return runUnder(trace, () => f((type) => trace.newBinder(type)));
  } finally {
    trace.alive = false;
  }
}

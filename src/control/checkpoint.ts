/**
 * Memory savings in exchange for time: functions whose intermediate values are recomputed in the
 * backward pass.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { inlinePlainCalls } from "../passes/inline_calls.ts";
import type { Primitive } from "../core/primitive.ts";
import {
  dependentResultsOf,
  evaluateProgram,
  Program,
  typeOf,
  withoutDeadEquations,
  withoutEffects,
  zeroResultsOf,
} from "../core/program.ts";
import type { Atom, Equation, Variable } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Concrete } from "../core/tensor.ts";
import { bind, currentTrace, isEvaluating, runEvaluated, WeakScalar } from "../core/trace.ts";
import { flatten, unflatten } from "../core/tree.ts";
import type { AnyArgs, TensorsOf } from "../core/tree_types.ts";
import { barrier } from "../primitives/barrier.ts";
import { checkFunction, noteReturned, primalOf } from "../transforms/flatten_function.ts";
import { stage } from "../transforms/stage.ts";
import { canonical } from "./canonical.ts";
import { openProgram } from "./stage_body.ts";
import {
  batchProgram,
  keyOfFlags,
  linearizeProgram,
  memoize,
  placed,
  pullThrough,
  pushProgram,
  record,
} from "./programs.ts";

/**
 * The values that `checkpoint` keeps for the backward pass in addition to the arguments: `"nothing"`;
 * `"products"`, the results of matrix products and convolutions, which are the most expensive to
 * recompute; `"everything"`, as without `checkpoint`; or a function that decides for each operation, by
 * its name in programs (`"exp"`, `"contract"`, `"convolve"`).
 *
 * @category Transforms
 */
export type CheckpointPolicy =
  | "nothing"
  | "products"
  | "everything"
  | ((operation: string) => boolean);

/**
 * Options of `checkpoint`.
 *
 * @category Transforms
 */
export interface CheckpointOptions {
  /** The values to keep; by default `"nothing"`. */
  readonly policy?: CheckpointPolicy;
}

/** Parameters of `checkpoint`. */
interface CheckpointParams {
  readonly program: Program;
  readonly policy: CheckpointPolicy;
}

const PRODUCTS = ["contract", "convolve", "convolveInput", "convolveFilter", "attention"];

/** Whether a policy keeps the results of an operation. */
function keeps(policy: CheckpointPolicy, operation: string): boolean {
  if (typeof policy === "function") return policy(operation);
  return policy === "everything" || (policy === "products" && PRODUCTS.includes(operation));
}

/** A program split for a derivative that keeps few values. */
export interface Split {
  /** From the arguments to the results, followed by the kept values. */
  readonly forward: Program;
  /**
   * From the required arguments, the kept values, and the tangents of active arguments, to the tangents
   * of moving results.
   */
  readonly linear: Program;
  /** The required arguments. */
  readonly needed: readonly number[];
  readonly moves: readonly boolean[];
}

const splits = memoize<Split>();
const policyNumbers = new WeakMap<object, number>();
let nextPolicy = 0;

/** A key that distinguishes policies. */
function nameOfPolicy(policy: CheckpointPolicy): string {
  if (typeof policy === "string") return policy;
  let number = policyNumbers.get(policy);
  if (number === undefined) policyNumbers.set(policy, number = nextPolicy++);
  return String(number);
}

/** The program split for tangents of active arguments, with the values that `policy` keeps. */
export function split(
  program: Program,
  policy: CheckpointPolicy,
  isActive: readonly boolean[],
): Split {
  return splits(program, `${nameOfPolicy(policy)}/${keyOfFlags(isActive)}`, () => {
    // Calls are entered, so that the policy also applies to the operations of functions under jit.
    const parts = linearizeProgram(inlinePlainCalls(program), isActive);
    const { binders, equations, results } = parts.forward;
    const count = program.results.length;
    const residuals = results.slice(count);
    const isKept = new Set<Variable>();
    for (const { primitive, outputs } of equations) {
      if (keeps(policy, primitive.name)) outputs.forEach((variable) => isKept.add(variable));
    }
    const again = equations.filter(({ outputs }) => !outputs.every((one) => isKept.has(one)));
    const pruned = withoutDeadEquations(withoutEffects(new Program([], again, residuals)));
    const read = new Set<Atom>([
      ...residuals,
      ...pruned.equations.flatMap(({ inputs }) => inputs),
    ]);
    const kept = [...isKept].filter((variable) => read.has(variable));
    const needed = binders.flatMap((variable, i) => read.has(variable) ? [i] : []);
    const tangents = parts.linear.binders.slice(residuals.length);
    const linear = compose(
      new Program([...needed.map((i) => binders[i]), ...kept], pruned.equations, residuals),
      parts.linear,
      tangents,
    );
    return {
      forward: new Program(binders, equations, [...results.slice(0, count), ...kept]),
      linear,
      needed,
      moves: parts.moves,
    };
  });
}

/**
 * `second` after `first`, whose results are the first arguments of `second`; `others` are its remaining
 * arguments.
 */
function compose(first: Program, second: Program, others: readonly Variable[]): Program {
  const given = first.results;
  const names = new Map<Atom, Atom>();
  given.forEach((atom, i) => names.set(second.binders[i], atom));
  const read = (atom: Atom): Atom => names.get(atom) ?? atom;
  const equations: Equation[] = second.equations.map((equation) => ({
    ...equation,
    inputs: equation.inputs.map(read),
  }));
  return new Program(
    [...first.binders, ...others],
    [...first.equations, ...equations],
    second.results.map(read),
  );
}

const guarded = memoize<Program>();

/**
 * The program with a barrier: its work starts after all of its arguments except the last `totals` are
 * available, and is not shared with earlier work.
 */
function guard(program: Program, totals: number): Program {
  return guarded(program, String(totals), () =>
    record(
      program.binders.map(({ type }) => type),
      (args) => {
        const count = args.length - totals;
        return evaluateProgram(program, [...barrier(args.slice(0, count)), ...args.slice(count)]);
      },
    ));
}

/** Runs the program of its parameters, and keeps few of its values for derivatives. */
export const checkpointPrimitive: Primitive<CheckpointParams> = {
  name: "checkpoint",
  isTotal: true,
  isCall: true,
  type: (_args, { program }) => program.results.map(typeOf),
  evaluate: (args, { program }) => runEvaluated(() => evaluateProgram(program, args)) as Concrete[],
  batch(args, axes, size, { program, policy }, axisName) {
    const batched = batchProgram(program, axes, size, axisName);
    const results = bind(checkpointPrimitive, args, { program: batched.program, policy });
    return results.map((result, i) => [result, batched.axes[i]] as const);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, { program, policy }) {
      const { forward, linear, needed, moves } = split(program, policy, isActive);
      // Kept together, so that a derivative of this derivative keeps as few values.
      const all = bind(checkpointPrimitive, primals, { program: forward, policy });
      const count = program.results.length;
      const known = [...needed.map((i) => primals[i]), ...all.slice(count)];
      return {
        results: all.slice(0, count),
        push(tangents) {
          if (!moves.includes(true)) return moves.map(() => null);
          const active = primals.flatMap((primal, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(primal)] : []
          );
          const pushed = bind(checkpointPrimitive, [...known, ...active], {
            program: linear,
            policy,
          });
          return placed(moves, pushed);
        },
      };
    },
    jvp(primals, tangents, { program, policy }) {
      const isActive = tangents.map((tangent) => tangent !== null);
      const pushed = pushProgram(program, isActive);
      const args = [...primals, ...tangents.filter((tangent) => tangent !== null)];
      const all = bind(checkpointPrimitive, args, { program: pushed.program, policy });
      let next = pushed.moves.length;
      return pushed.moves.map((moving, i) => [all[i], moving ? all[next++] : null]);
    },
    dependentResults: (isGiven, { program }) => dependentResultsOf(program, isGiven),
    zeroResults: (isZero, { program }) => zeroResultsOf(program, isZero),
    transpose: (cotangents, args, { program, policy }, isLinear, totals) =>
      pullThrough(
        [program],
        cotangents,
        args,
        isLinear,
        totals,
        ([transposed], values, begun) =>
          bind(checkpointPrimitive, values, { program: guard(transposed, begun), policy }),
      ),
  },
};

/**
 * A function with the same results that needs less memory in reverse mode: its intermediate values are
 * recomputed in the backward pass. A chain of n equal parts, in checkpointed groups of about the square
 * root of n, needs memory for about twice that root instead of n, at the cost of one more forward pass.
 *
 * The kept values are the arguments that the derivative needs, and those that `policy` adds. Values
 * that the function closes over are kept as well.
 *
 * Source: Griewank and Walther, "Algorithm 799: revolve" (2000); Chen, Xu, Zhang and Guestrin,
 * "Training deep nets with sublinear memory cost" (2016).
 *
 * @category Transforms
 * @param f A pure function of trees of tensors; arguments that are not tensors are passed unchanged.
 * @param options The values to keep.
 * @returns A function with the same values and derivatives.
 * @throws {ArgumentError} when the policy is not valid.
 *
 * @example The same gradient
 * ```ts
 * import { checkpoint, grad, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const block = (x: Tensor) => x.sin().mul(x.exp());
 * const deep = (x: Tensor) => checkpoint(block)(checkpoint(block)(x)).sum();
 * const x = tensor([0.1, 0.2]);
 * assertTensorsClose(grad(deep)(x), grad((x: Tensor) => block(block(x)).sum())(x));
 * ```
 */
export function checkpoint<Args extends AnyArgs, Out>(
  f: (...args: Args) => Out,
  options?: CheckpointOptions,
): (...args: Args) => TensorsOf<Out> {
  checkFunction(f, "checkpoint");
  const what = "Cannot apply checkpoint";
  const { policy = "nothing" } = readOptions(what, options, ["policy"]);
  const names: readonly unknown[] = ["nothing", "products", "everything"];
  if (typeof policy !== "function" && !names.includes(policy)) {
    throw argumentError(
      `${what} with the policy ${describeValue(policy)}: ` +
        `expected "nothing", "products", "everything" or a function of an operation's name`,
    );
  }
  return (...args) => {
    const { leaves, structure } = flatten(args);
    const inputs = leaves.filter((leaf) => leaf instanceof Tensor);
    // One list instead of one argument each, since the number of arguments of a call is limited.
    const onList = (tensors: readonly Tensor[]): unknown => {
      let next = 0;
      const filled = leaves.map((leaf) => {
        if (!(leaf instanceof Tensor)) return leaf;
        const input = tensors[next++];
        return leaf instanceof WeakScalar ? leaf.within(currentTrace(), input) : input;
      });
      return f(...unflatten(structure, filled) as Args);
    };
    const list = {
      kind: "array",
      children: inputs.map(() => ({ kind: "leaf" } as const)),
    } as const;
    const staged = stage(
      "checkpoint",
      onList,
      { kind: "array", children: [list] },
      inputs.map(primalOf),
    );
    const { program: open, captured } = openProgram(staged.program);
    const program = canonical(open);
    const values = [...captured, ...inputs.map(primalOf)];
    const results = isEvaluating()
      ? evaluateProgram(program, values)
      : bind(checkpointPrimitive, values, { program, policy });
    return unflatten(staged.structure, noteReturned(results, staged.values)) as TensorsOf<Out>;
  };
}

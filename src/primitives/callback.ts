/**
 * An operation whose results are computed by a user's function, outside of programs.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { range, sameShape } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { type Concrete, zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind, runEvaluated } from "../core/trace.ts";
import { exampleOf } from "./debug.ts";
import type { Level } from "./debug.ts";
import { concatenate } from "./slicing.ts";
import { broadcast, moveAxis, reshape } from "./structure.ts";

/**
 * How a callback computes the results of a batch; see `pureCallback`.
 *
 * @category Custom rules
 */
export type VmapMethod = "sequential" | "expandDims" | "broadcastAll";

/** Parameters of `pureCallback`. */
export interface PureCallbackParams {
  /** Computes results of these types, for one example or for all at once. */
  readonly callback: (values: readonly Concrete[], types: readonly Type[]) => readonly Concrete[];
  readonly method: VmapMethod;
  /** The types of the results of one example. */
  readonly types: readonly Type[];
  /** The axes over which it is mapped, the outermost first. */
  readonly levels: readonly Level[];
}

function typesOf({ types, levels }: PureCallbackParams): Type[] {
  const sizes = levels.map(({ size }) => size);
  return types.map(({ dtype, shape }) => ({ dtype, shape: [...sizes, ...shape] }));
}

function resultsFor(args: readonly Concrete[], params: PureCallbackParams): readonly Tensor[] {
  const [level, ...levels] = params.levels;
  if (level === undefined || params.method !== "sequential") {
    return params.callback(args.map((arg, k) => inBatch(arg, k, params)), typesOf(params));
  }
  const inner = { ...params, levels };
  const { size, isMapped } = level;
  const rows = range(size).map((i) =>
    resultsFor(args.map((arg, k) => isMapped[k] ? exampleOf(arg, i) : arg), inner)
  );
  return typesOf(inner).map((type, k) =>
    size === 0
      ? zerosOf({ ...type, shape: [0, ...type.shape] })
      : concatenate(rows.map((row) => reshape(row[k], [1, ...type.shape])), 0)
  );
}

/** An argument with an axis for each level, of length 1 or broadcast where it is not mapped. */
function inBatch(arg: Concrete, k: number, { levels, method }: PureCallbackParams): Concrete {
  const mapped = levels.map(({ isMapped }) => isMapped[k]);
  const shape = arg.shape.slice(mapped.filter(Boolean).length);
  const places = range(levels.length + shape.length).filter((i) => mapped[i] ?? true);
  const sizes = levels.map(({ size }, i) => method === "broadcastAll" || mapped[i] ? size : 1);
  const full = [...sizes, ...shape];
  return (sameShape(arg.shape, full) ? arg : broadcast(arg, full, places)) as Concrete;
}

function refuse(): never {
  throw argumentError(
    "Cannot differentiate pureCallback: it has no derivative; " +
      "give it a derivative with customJvp or customVjp, or take stopGradient of its arguments",
  );
}

/** Computes its results by a function: for a batch, once for each example, or at once. */
export const pureCallbackPrimitive: Primitive<PureCallbackParams> = {
  name: "pureCallback",
  narrow: "own",
  type: (_args, params) => typesOf(params),
  evaluate: (args, params) => runEvaluated(() => resultsFor(args, params)) as readonly Concrete[],
  batch(args, axes, size, params) {
    const moved = args.map((arg, i) => {
      const axis = axes[i];
      return axis === null || axis === 0 ? arg : moveAxis(arg, axis, 0);
    });
    const level = { size, isMapped: axes.map((axis) => axis !== null) };
    const levels = [level, ...params.levels];
    return bind(pureCallbackPrimitive, moved, { ...params, levels }).map((result) => [result, 0]);
  },
  derivative: {
    kind: "program",
    linearize(primals, _isActive, params) {
      if (params.types.some(({ dtype }) => isFloat(dtype))) refuse();
      return {
        results: bind(pureCallbackPrimitive, primals, params),
        push: () => params.types.map(() => null),
      };
    },
    dependentResults: (isGiven, { types }) => types.map(() => isGiven.includes(true)),
    zeroResults: (_isZero, { types }) => types.map(() => false),
    transpose: refuse,
  },
};

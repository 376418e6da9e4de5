/**
 * An operation without results that passes values to a function while a program runs.
 *
 * @module
 */
import { range, removeAt, sizeOf } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { Concrete } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bind, runEvaluated } from "../core/trace.ts";
import { moveAxis } from "./structure.ts";

/** An axis over which the operation is mapped: the function is called once for each example. */
export interface Level {
  /** The number of examples. */
  readonly size: number;
  /** Which arguments differ between examples: along their first axis. */
  readonly isMapped: readonly boolean[];
}

/** Parameters of `debugCallback`. */
export interface DebugCallbackParams {
  /** The function that is called with the values. */
  readonly callback: (values: readonly Concrete[]) => void;
  /** The axes over which it is mapped, the outermost first; omitted if there are none. */
  readonly levels?: readonly Level[];
}

/** Example `i` of a batch. */
export function exampleOf(batch: Concrete, i: number): Concrete {
  const shape = removeAt(batch.shape, 0);
  const size = sizeOf(shape);
  const elements = batch.peek((all) =>
    all.length === 1 && size !== 0 ? all.slice() : all.slice(i * size, (i + 1) * size)
  );
  return new Concrete(batch.dtype, shape, elements);
}

function callFor(
  callback: DebugCallbackParams["callback"],
  args: readonly Concrete[],
  levels: readonly Level[],
): void {
  if (levels.length === 0) return callback(args);
  const [{ size, isMapped }, ...inner] = levels;
  for (const i of range(size)) {
    callFor(callback, args.map((arg, k) => isMapped[k] ? exampleOf(arg, i) : arg), inner);
  }
}

/**
 * Calls a function with its arguments, and returns nothing. The arguments are values, never tangents:
 * its derivative is zero.
 */
export const debugCallbackPrimitive: Primitive<DebugCallbackParams> = {
  name: "debugCallback",
  narrow: "own",
  type: () => [],
  evaluate(args, { callback, levels = [] }) {
    runEvaluated(() => callFor(callback, args, levels));
    return [];
  },
  batch(args, axes, size, { callback, levels = [] }) {
    const moved = args.map((arg, i) => {
      const axis = axes[i];
      return axis === null || axis === 0 ? arg : moveAxis(arg, axis, 0);
    });
    const level = { size, isMapped: axes.map((axis) => axis !== null) };
    bind(debugCallbackPrimitive, moved, { callback, levels: [level, ...levels] });
    return [];
  },
  derivative: { kind: "zero" },
  isEffectful: true,
};

/** Calls `callback` with the values of `args` when they are available. */
export function debugCall(
  callback: DebugCallbackParams["callback"],
  args: readonly Tensor[],
): void {
  bind(debugCallbackPrimitive, args, { callback });
}

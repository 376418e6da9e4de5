/**
 * Vectorisation: a function of one example becomes a function of a batch. Every primitive has a
 * batching rule, which propagates the mapped axis.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkAxisName, readOptions } from "../base/options.ts";
import { checkAxis, removeAt, showType } from "../base/shape.ts";
import { mentionsAxis, nameOfAxis, newAxis, runWithin } from "../core/axes.ts";
import type { Device } from "../core/device.ts";
import { removeAxis, Sharding } from "../core/sharding.ts";
import type { Placement } from "../core/sharding.ts";
import type { BatchAxis, Batched, Primitive } from "../core/primitive.ts";
import { leafToTensor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import type { TypedArray } from "../core/methods.ts";
import { currentTrace, runTransform, runUnder, Trace, Tracer } from "../core/trace.ts";
import { broadcastPrefix, flatten, leafPaths, showPath, unflatten } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { AnyArgs, TensorsOf } from "../core/tree_types.ts";
import { isZero } from "../core/zeros.ts";
import { alignBatch } from "../primitives/structure.ts";
import { checkFunction, flattenFunction, noteReturned } from "./flatten_function.ts";

/** A value of one example that represents a whole batch. */
export class BatchTracer extends Tracer {
  /** The batch. */
  readonly value: Tensor;
  /** Its mapped axis. */
  readonly axis: number;

  /** The examples of `value` along `axis`. */
  constructor(trace: BatchTrace, value: Tensor, axis: number) {
    super(trace, { dtype: value.dtype, shape: Object.freeze(removeAt(value.shape, axis)) });
    this.value = value;
    this.axis = axis;
  }

  /** The placement of the batch. */
  override get device(): Device {
    return this.value.device;
  }

  /** The sharding of each example. */
  override get sharding(): Sharding | null {
    const { sharding } = this.value;
    return sharding === null ? null : removeAxis(sharding, this.axis);
  }

  override get placement(): Placement | null {
    const { placement } = this.value;
    return placement instanceof Sharding ? removeAxis(placement, this.axis) : placement;
  }

  /** Whether every example is zero. */
  override get isZero(): boolean {
    return isZero(this.value);
  }
}

/** Applies each primitive's batching rule. */
export class BatchTrace extends Trace {
  readonly #parent: Trace;
  /** The length of the mapped axis. */
  readonly size: number;
  /** The id by which collectives find the mapped axis. */
  readonly axisName: string | undefined;

  /** A vectorising trace over `parent`. */
  constructor(parent: Trace, size: number, axisName: string | undefined) {
    super("vmap");
    this.#parent = parent;
    this.size = size;
    this.axisName = axisName;
  }

  /** `value` in this trace: a batch with its mapped axis, or one value for all. */
  open(value: Tensor): readonly [Tensor, BatchAxis] {
    return value instanceof BatchTracer && value.trace === this
      ? [value.value, value.axis]
      : [value, null];
  }

  /** One example of `value`. */
  close(value: Tensor, axis: BatchAxis): Tensor {
    return axis === null ? value : new BatchTracer(this, value, axis);
  }

  override process<P>(
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
  ): readonly Tensor[] {
    const values: Tensor[] = new Array(args.length);
    const axes: BatchAxis[] = new Array(args.length);
    let isMapped = false;
    for (let i = 0; i < args.length; i++) {
      [values[i], axes[i]] = this.open(args[i]);
      isMapped ||= axes[i] !== null;
    }
    const { axisName } = this;
    // Collectives over the mapped axis also apply to values that are not mapped.
    if (!isMapped && (axisName === undefined || !mentionsAxis(primitive, params, axisName))) {
      return this.#parent.process(primitive, args, params);
    }
    // The type rule receives one example, so that errors are reported in the user's shapes.
    primitive.type(args, params);
    const results = runUnder(
      this.#parent,
      () => primitive.batch(values, axes, this.size, params, axisName),
    );
    return results.map(([value, axis]) => this.close(value, axis));
  }
}

/**
 * Options of `vmap`.
 *
 * @category Transforms
 */
export interface VmapOptions {
  /**
   * A name for the mapped axis, for collectives inside the function, such as `psum`. It must not end in
   * an apostrophe. If nested axes have the same name, collectives use the innermost.
   */
  readonly axisName?: string;
  /** The length of the mapped axis: required only when no argument is mapped. */
  readonly axisSize?: number;
}

/**
 * Axes to map: one number for all leaves, `null` for none, or a tree prefix of these.
 *
 * @category Transforms
 */
export type Axes = number | null | readonly Axes[] | { readonly [key: string]: Axes };

/**
 * The parameters of a batched function: a batch may also be a typed array.
 *
 * @category Transforms
 */
export type BatchArgs<Args extends readonly unknown[]> = {
  [K in keyof Args]: Args[K] | ([Args[K]] extends [Tensor] ? TypedArray : never);
};

/**
 * A function that applies `f` to every example of a batch.
 *
 * @category Transforms
 * @param f A pure function of trees of tensors, written for one example.
 * @param inAxes The position of each argument's batch axis: one number for all arguments, or a list
 * with one entry per argument: a number, `null` for an argument that all examples share, or a tree
 * prefix of the argument with these at its leaves. Negative numbers count from the last axis. Arguments
 * that are not mapped are passed to `f` unchanged, and may be any values. Default 0.
 * @param outAxes The position of the result's batch axis: a number, or a tree prefix of the result;
 * `null` for a result that does not depend on the example. Default 0.
 * @param options A name for the axis, and its length when no argument is mapped.
 * @returns The batched function.
 * @throws {ShapeError} when mapped axes have different lengths.
 * @throws {AxisError} when a mapped axis is out of range.
 *
 * @example Per-example gradients
 * ```ts
 * import { grad, tensor, vmap } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const loss = (w: Tensor, x: Tensor) => w.mul(x).sum().square();
 * const perExample = vmap(grad(loss), [null, 0]);
 * const g = perExample(tensor([1, 1]), tensor([[1, 2], [3, 4]]));
 * assertTensorsClose(g, tensor([[6, 12], [42, 56]]));
 * ```
 */
export function vmap<Args extends AnyArgs = Tensor[], Out = Tensor>(
  f: (...args: Args) => Out,
  inAxes?: Axes,
  outAxes?: Axes,
  options?: VmapOptions,
): (...args: BatchArgs<Args>) => TensorsOf<Out> {
  if (inAxes === undefined) inAxes = 0;
  if (outAxes === undefined) outAxes = 0;
  checkFunction(f, "vmap");
  const what = "Cannot apply vmap";
  const { axisName, axisSize } = readOptions(what, options, ["axisName", "axisSize"]);
  if (axisName !== undefined) checkAxisName(axisName, what);
  return (...args) => {
    const { leaves, structure } = flatten(args);
    const inputAxes = prefixAxes(inAxes, structure, "Cannot vmap with these inAxes");
    const pathOf = (i: number) => leafPaths(structure)[i];
    const mapped = leaves.map((leaf, i): Mapped | null => {
      const axis = inputAxes[i];
      if (axis === null) return null;
      const value = leaf instanceof Tensor
        ? leaf
        : leafToTensor(leaf, pathOf(i), "Cannot vmap over this argument");
      const place = () => `${showType(value)} at ${describePath(pathOf(i))}`;
      const isPlain = Number.isInteger(axis) && axis >= 0 && axis < value.ndim;
      return {
        value,
        place,
        axis: isPlain ? axis : checkAxis(axis, value.ndim, `Cannot vmap over ${place()}`),
      };
    });
    const size = batchSize(mapped, axisSize);
    const axis = axisName === undefined ? null : newAxis(axisName, size);
    const trace = new BatchTrace(currentTrace(), size, axis?.id);
    const flat = flattenFunction(f, structure, "vmap");
    // Arguments that are not mapped are passed to the function unchanged, and may be any values.
    const examples = leaves.map((leaf, i) =>
      mapped[i] === null ? leaf : trace.close(mapped[i].value, mapped[i].axis)
    );
    const run = () => runTransform(trace, () => flat.call(examples));
    const results = axis === null ? run() : runWithin([axis], run);
    const outStructure = flat.resultStructure();
    const targets = prefixAxes(outAxes, outStructure, "Cannot vmap with these outAxes");
    const outputs = results.map((result, i) => {
      const [value, axis] = trace.open(result);
      const target = targets[i];
      if (target === 0) return alignBatch(value, axis, 0, size);
      const place = showPath(leafPaths(outStructure)[i]);
      if (target !== null) {
        const what = `Cannot put the mapped axis of ${showType(result)} at ${place}`;
        return alignBatch(value, axis, checkAxis(target, result.ndim + 1, what), size);
      }
      if (axis === null) return value;
      throw argumentError(
        `Cannot vmap with outAxes null for ${showType(result)} at ${place}: ` +
          `it differs between examples; give the axis where they should be stacked`,
      );
    });
    return unflatten(outStructure, noteReturned(outputs, flat.resultValues())) as TensorsOf<Out>;
  };
}

/** One axis per leaf, from a tree prefix. */
function prefixAxes(axes: Axes, structure: Structure, what: string): (number | null)[] {
  const isAxis = (value: unknown): value is number | null =>
    value === null || typeof value === "number";
  return broadcastPrefix(axes, structure, isAxis, what);
}

function describePath(path: readonly (string | number)[]): string {
  const [argument, ...rest] = path;
  return `argument ${argument}${rest.length === 0 ? "" : showPath(rest)}`;
}

/** A leaf of the arguments that is mapped. */
interface Mapped {
  readonly value: Tensor;
  readonly axis: number;
  /** Its type and path, for messages. */
  readonly place: () => string;
}

/** The common length of all mapped axes. */
function batchSize(mapped: readonly (Mapped | null)[], axisSize: number | undefined): number {
  if (axisSize !== undefined && (!Number.isInteger(axisSize) || axisSize < 0)) {
    throw argumentError(
      `Cannot vmap with axisSize ${describeValue(axisSize)}: expected a non-negative integer`,
    );
  }
  let size = axisSize;
  let from: Mapped | null = null;
  for (const leaf of mapped) {
    if (leaf === null) continue;
    const length = leaf.value.shape[leaf.axis];
    if (size === undefined) [size, from] = [length, leaf];
    else if (size !== length) {
      const name = (place: Mapped | null) =>
        place === null ? "axisSize" : `axis ${place.axis} of ${place.place()}`;
      throw shapeError(
        `Cannot vmap over axes of different lengths: ${name(from)} has length ${size}, ` +
          `${name(leaf)} has length ${length}`,
      );
    }
  }
  if (size !== undefined) return size;
  throw argumentError(
    "Cannot vmap when no argument is mapped: give at least one axis in inAxes, or axisSize",
  );
}

/**
 * Vectorises a flat function; each result is returned with its mapped axis. `axisName` is the id of an
 * axis that the function's programs mention, or that was in scope where the function was defined.
 */
export function batchFlat(
  f: (args: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  axes: readonly BatchAxis[],
  size: number,
  axisName?: string,
): Batched[] {
  const trace = new BatchTrace(currentTrace(), size, axisName);
  const run = () =>
    runTransform(trace, () => f(inputs.map((input, i) => trace.close(input, axes[i]))));
  const results = axisName === undefined
    ? run()
    : runWithin([{ name: nameOfAxis(axisName), id: axisName, size }], run);
  return results.map((result) => trace.open(result));
}

/** Vectorises a flat function over the first axis of each input, for use by other transforms. */
export function vmapFlat(
  f: (args: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  size: number,
): Tensor[] {
  const batched = batchFlat(f, inputs, inputs.map(() => 0), size);
  return batched.map(([value, axis]) => alignBatch(value, axis, 0, size));
}

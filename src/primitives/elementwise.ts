/**
 * The builder of elementwise primitives: all other rules are derived from one function of numbers.
 *
 * @module
 */
import { categoryOf } from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { mapOne, mapTwo } from "../numeric/map.ts";
import type { BlockLoop } from "../numeric/map.ts";
import type { Derivative, Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { alignBatch } from "./structure.ts";

/** The dtypes that an elementwise primitive accepts. */
export type Accepts = "any" | "number" | "float" | "integer" | "discrete" | "bool";

/** Whether `dtype` is among those in `accepts`. */
export function accepted(accepts: Accepts, dtype: Dtype): boolean {
  const category = categoryOf(dtype);
  return accepts === "any" || accepts === category ||
    (accepts === "number" && category !== "bool") ||
    (accepts === "discrete" && category !== "float");
}

/** The definition of an elementwise primitive of one or two arguments. */
interface ElementwiseRecord<F> {
  /** The name under which it is printed. */
  readonly name: string;
  /** The dtypes that it accepts; both arguments have the same one. */
  readonly accepts: Accepts;
  /** The result's dtype, if it differs from that of the arguments. */
  readonly result?: Dtype;
  /** The function of one element, in double precision. */
  readonly apply: F;
  /** The function of 32-bit integers, if it is not `apply` rounded into range. */
  readonly applyInteger?: F;
  /** `apply` over a block, for functions that benefit from a loop of their own. */
  readonly loop?: BlockLoop;
  /** Its derivative. */
  readonly derivative: Derivative<null>;
}

function elementwiseType(
  { name, accepts, result }: ElementwiseRecord<unknown>,
  args: readonly Type[],
): Type[] {
  const [first, second] = args;
  for (const arg of args) {
    if (!accepted(accepts, arg.dtype)) {
      throw dtypeError(`Cannot apply ${name} to ${showType(arg)}: expected ${dtypeNames[accepts]}`);
    }
  }
  if (second !== undefined && second.dtype !== first.dtype) {
    throw dtypeError(
      `Cannot apply ${name} to ${showType(first)} and ${showType(second)}: dtypes must be equal`,
    );
  }
  if (second !== undefined && !sameShape(first.shape, second.shape)) {
    throw shapeError(
      `Cannot apply ${name} to ${showType(first)} and ${showType(second)}: shapes must be equal`,
    );
  }
  return [{ dtype: result ?? first.dtype, shape: first.shape }];
}

const dtypeNames: Record<Accepts, string> = {
  any: "any dtype",
  number: "a floating-point or integer dtype",
  float: "a floating-point dtype; convert with astype",
  integer: "an integer dtype",
  discrete: "an integer dtype or bool",
  bool: "bool",
};

/** A primitive that applies a function to each element. */
export function unary(record: ElementwiseRecord<(x: number) => number>): Primitive<null> {
  const primitive: Primitive<null> = {
    name: record.name,
    isTotal: true,
    type: (args) => elementwiseType(record, args),
    evaluate([x], _params, [type]) {
      const f = categoryOf(x.dtype) === "float"
        ? record.apply
        : record.applyInteger ?? record.apply;
      const source = x.elements;
      const out = allocateFor({ dtype: type.dtype, shape: [source.length] });
      mapOne(out, source, f);
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch: (args, [axis]) => bind(primitive, args, null).map((result) => [result, axis]),
    derivative: record.derivative,
  };
  return primitive;
}

/** A primitive that applies a function to each pair of elements. */
export function binary(
  record: ElementwiseRecord<(x: number, y: number) => number>,
): Primitive<null> {
  const primitive: Primitive<null> = {
    name: record.name,
    isTotal: true,
    type: (args) => elementwiseType(record, args),
    evaluate([x, y], _params, [type]) {
      const f = categoryOf(x.dtype) === "float"
        ? record.apply
        : record.applyInteger ?? record.apply;
      const [a, b] = [x.elements, y.elements];
      const out = allocateFor({ dtype: type.dtype, shape: [storedLength([a, b])] });
      mapTwo(out, a, b, f, f === record.apply ? record.loop : undefined);
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch: (args, axes, size) => batchElementwise(primitive, args, axes, size, null),
    derivative: record.derivative,
  };
  return primitive;
}

/**
 * The definition of a primitive of floats that is computed element by element, with any number of
 * arguments.
 */
interface MappedRecord<P> {
  /** The name under which it is printed. */
  readonly name: string;
  /** The number of arguments. */
  readonly arity: number;
  /** The number of first arguments that are integers. Default 0. */
  readonly integers?: number;
  /** The function of one element of each argument, in double precision. */
  readonly apply: (params: P) => (...xs: number[]) => number;
  /** Its derivative. */
  readonly derivative: Derivative<P>;
}

/** A primitive that applies a function of doubles, selected by its parameters, to elements. */
export function mapped<P>(
  { name, arity, integers = 0, apply, derivative }: MappedRecord<P>,
): Primitive<P> {
  const primitive: Primitive<P> = {
    name,
    isTotal: true,
    type(args) {
      const what = `Cannot apply ${name} to ${args.map(showType).join(" and ")}`;
      const last = args[arity - 1];
      const areFit = args.length === arity &&
        args.every(({ dtype }, i) =>
          i < integers ? dtype === "int32" : dtype === last.dtype && accepted("float", dtype)
        );
      if (!areFit) {
        const before = integers > 0 ? `${integers} of int32 and ` : "";
        throw dtypeError(
          `${what}: expected ${before}${arity - integers} of one floating-point dtype`,
        );
      }
      if (args.some(({ shape }) => !sameShape(shape, last.shape))) {
        throw shapeError(`${what}: shapes must be equal`);
      }
      return [{ dtype: last.dtype, shape: last.shape }];
    },
    evaluate(args, params, [type]) {
      const f = apply(params);
      const xs = args.map(({ elements }) => elements);
      const out = allocateFor({ dtype: type.dtype, shape: [storedLength(xs)] });
      const [a, b, c, d] = xs;
      const [i, j, k, l] = xs.map(({ length }) => length === 1 ? 0 : 1);
      if (arity === 1) mapOne(out, a, f);
      else if (arity === 2) mapTwo(out, a, b, f);
      else if (arity === 3) out.forEach((_, n) => out[n] = f(a[n * i], b[n * j], c[n * k]));
      else out.forEach((_, n) => out[n] = f(a[n * i], b[n * j], c[n * k], d[n * l]));
      return [new Concrete(type.dtype, type.shape, out)];
    },
    batch: (args, axes, size, params) => batchElementwise(primitive, args, axes, size, params),
    derivative,
  };
  return primitive;
}

/** The number of elements that an elementwise result of these arguments stores: one if all are splats. */
export function storedLength(args: readonly Elements[]): number {
  let length = 1;
  for (const elements of args) if (elements.length !== 1) length = elements.length;
  return length;
}

/** The batching rule of every primitive whose arguments and results all have the same shape. */
export function batchElementwise<P>(
  primitive: Primitive<P>,
  args: readonly Tensor[],
  axes: readonly (number | null)[],
  size: number,
  params: P,
): (readonly [Tensor, number])[] {
  const target = axes.find((axis) => axis !== null)!;
  const aligned = args.map((arg, i) => alignBatch(arg, axes[i], target, size));
  return bind(primitive, aligned, params).map((result) => [result, target] as const);
}

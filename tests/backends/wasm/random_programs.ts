/**
 * Random well-typed programs over all primitives. They are made of choices from a list of numbers,
 * so that fast-check can shrink them, and are evaluated as they grow: each value is known, with a
 * bound on how far rounding may carry another way to compute it.
 *
 * @module
 */
import {
  DTYPES,
  epsilonOf,
  isFloat,
  isInteger,
  rangeOf,
  wideDtype,
} from "../../../src/base/dtype.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import { range, sizeOf, withoutAxes } from "../../../src/base/shape.ts";
import type { Shape } from "../../../src/base/shape.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { cpu } from "../../../src/core/device.ts";
import { evaluate } from "../../../src/core/evaluation.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import { type Atom, type Program, Variable } from "../../../src/core/program.ts";
import { type Concrete, dense, splat } from "../../../src/core/tensor.ts";
import { scanPrimitive } from "../../../src/control/scan_primitive.ts";
import { switchPrimitive } from "../../../src/control/switch_primitive.ts";
import { whilePrimitive } from "../../../src/control/while_primitive.ts";
import type { SpecialName } from "../../../src/primitives/special_names.ts";
import { analyticNames } from "../../../src/primitives/analytic.ts";
import "../../../src/primitives/complex.ts";
import { primitives } from "../../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../../src/primitives/mod.ts";
import { fromValues, makeRandom, wild } from "../../laws/values.ts";
import { assert } from "../../support/std.ts";
import { ProgramWriter } from "./support.ts";

/** A program with arguments, and what is known of its results. */
export interface Sample {
  /** The program. */
  readonly program: Program;
  /** Its arguments. */
  readonly args: readonly Concrete[];
  /** How far each result may lie off, in any element; 0 where it must be equal. */
  readonly errors: readonly number[];
}

/** A value of the growing program. */
interface Value {
  readonly atom: Atom;
  readonly concrete: Concrete;
  /** How far other ways to compute it may lie off. */
  readonly error: number;
  /** The largest magnitude; infinite where an element is not finite. */
  readonly largest: number;
  /** The least of the magnitudes. */
  readonly least: number;
}

/** No value has more elements, if nothing else is said. */
const MOST_ELEMENTS = 6000;

/** No contraction or convolution multiplies more often. */
const MOST_PRODUCTS = 200_000;

/** No float that takes part in sums and functions is larger. */
const LARGEST = 1e4;

/** Choices, one after the other, and again from the first on when the list has ended. */
class Choices {
  #next = 0;
  readonly list: readonly number[];

  constructor(list: readonly number[]) {
    this.list = list;
  }

  get isOver(): boolean {
    return this.#next >= this.list.length;
  }

  /** An integer from 0 to `below - 1`. */
  below(below: number): number {
    return below <= 0 ? 0 : (this.list[this.#next++ % this.list.length] ?? 0) % below;
  }

  /** An integer from `low` to `high`. */
  from(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** One of a list. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 1;
  }
}

function unitOf(dtype: Dtype): number {
  return isFloat(dtype) ? epsilonOf(dtype) / 2 : 0;
}

function magnitudes({ concrete }: { concrete: Concrete }): { largest: number; least: number } {
  let [largest, least] = [0, Infinity];
  for (const element of concrete.elements) {
    const magnitude = Math.abs(element);
    // NaN counts as infinite.
    if (!(magnitude <= largest)) largest = Number.isNaN(magnitude) ? Infinity : magnitude;
    if (magnitude < least) least = magnitude;
  }
  return { largest, least };
}

/** Lengths of axes, small ones and such as do not fill vectors or chunks foremost. */
const LENGTHS = [
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  9,
  12,
  16,
  17,
  31,
  33,
  64,
  65,
  100,
  257,
  1000,
  4096,
  4099,
  16389,
  20000,
  0,
];

/** Grows one program. */
class Grower {
  readonly choices: Choices;
  readonly writer = new ProgramWriter();
  readonly args: Concrete[] = [];
  readonly values: Value[] = [];
  readonly onlyDoubles: boolean;
  readonly mostElements: number;
  readonly extremes: boolean;

  /** With `onlyDoubles`, all floats are float64. */
  constructor(
    list: readonly number[],
    { onlyDoubles = false, elements = MOST_ELEMENTS, extremes = true }: GrowOptions,
  ) {
    this.onlyDoubles = onlyDoubles;
    this.mostElements = elements;
    this.extremes = extremes;
    this.choices = new Choices(list);
  }

  dtype(dtypes: readonly Dtype[]): Dtype {
    const dtype = this.choices.of(dtypes);
    return this.onlyDoubles && isFloat(dtype) ? "float64" : dtype;
  }

  /** Whether a shape is not too large, empty axes left out of account. */
  isModest(shape: Shape): boolean {
    return shape.length <= 7 && sizeOf(shape.map((length) => length || 1)) <= this.mostElements;
  }

  shape(): Shape {
    const ndim = this.choices.below(5);
    const shape: number[] = [];
    for (let axis = 0; axis < ndim; axis++) {
      const length = this.choices.of(LENGTHS);
      shape.push(this.isModest([...shape, length]) ? length : 1);
    }
    return shape;
  }

  /** A new value that depends on nothing: an argument, or a constant. */
  leaf(dtype: Dtype, shape: Shape, limits?: readonly [low: number, high: number]): Value {
    const { choices } = this;
    const random = makeRandom(choices.below(1 << 16));
    const size = sizeOf(shape);
    const kind = choices.below(8);
    const isWild = choices.once(8) && (this.extremes || !isFloat(dtype));
    const make = (count: number): number[] =>
      limits !== undefined
        ? Array.from(
          { length: count },
          () => limits[0] + Math.floor(random() * (limits[1] - limits[0] + 1)),
        )
        : isWild
        ? wild(dtype)(random, count)
        : Array.from(
          { length: count },
          () => isFloat(dtype) && kind < 5 ? 4 * random() - 2 : Math.floor(9 * random()) - 4,
        );
    const isSplat = choices.once(6) && size > 0;
    const concrete = isSplat
      ? splat(fromValues(make(1), dtype, [1]).elements[0], dtype, shape)
      : fromValues(make(size), dtype, shape);
    if (choices.below(3) === 0) return this.note(concrete, concrete, 0);
    this.args.push(concrete);
    return this.note(this.writer.binder(concrete), concrete, 0);
  }

  note(atom: Atom, concrete: Concrete, error: number): Value {
    const value = { atom, concrete, error, ...magnitudes({ concrete }) };
    this.values.push(value);
    return value;
  }

  /** One of the values, the latest foremost, or a new one. */
  pick(fits: (value: Value) => boolean, make: () => Value): Value {
    const found = this.values.filter(fits);
    const back = this.choices.below(6);
    const place = found.length - 1 - (back < 4 ? back : this.choices.below(found.length));
    return back === 5 && this.choices.once(2) ? make() : found[place] ?? make();
  }

  /** A value of one of these dtypes; `isExact` if only rounding-free ones will do. */
  any(dtypes: readonly Dtype[], isExact: boolean = false): Value {
    return this.pick(
      (value) => dtypes.includes(value.concrete.dtype) && (!isExact || value.error === 0),
      () => this.leaf(this.dtype(dtypes), this.shape()),
    );
  }

  /** Another value of the same dtype and shape. */
  like({ concrete: { dtype, shape } }: Value, isExact: boolean = false): Value {
    return this.matching(dtype, shape, isExact);
  }

  matching(dtype: Dtype, shape: Shape, isExact: boolean = false): Value {
    return this.pick(
      ({ concrete, error }) =>
        concrete.dtype === dtype && concrete.shape.join() === shape.join() &&
        (!isExact || error === 0),
      () => this.leaf(dtype, shape),
    );
  }

  /**
   * Applies a primitive. `error` bounds the results' errors by their largest elements; a result
   * that is too large, not finite or too inaccurate is not kept, unless `isWild`.
   */
  apply(
    name: PrimitiveName,
    inputs: readonly Value[],
    params: unknown,
    error: (largest: number) => number,
    isWild: boolean = false,
  ): void {
    this.applyPrimitive(primitives[name] as Primitive<unknown>, inputs, params, error, isWild);
  }

  applyPrimitive(
    primitive: Primitive<unknown>,
    inputs: readonly Value[],
    params: unknown,
    error: (largest: number) => number,
    isWild: boolean = false,
  ): void {
    const operands = inputs.map(({ concrete }) => concrete);
    if (!isWild && inputs.some(({ largest }) => largest === Infinity)) return;
    const types = primitive.type(operands, params);
    if (!types.every(({ shape }) => this.isModest(shape))) return;
    const results = evaluate(primitive, operands, params, types);
    const errors = results.map((concrete) => {
      if (!isFloat(concrete.dtype)) return 0;
      const { largest } = magnitudes({ concrete });
      const bound = error(largest);
      const isTame = largest <= LARGEST && bound <= 1e-2 * (1 + largest);
      return isTame ? bound : isWild && bound === 0 ? 0 : NaN;
    });
    if (errors.some(Number.isNaN)) return;
    const atoms = this.writer.apply(primitive, inputs.map(({ atom }) => atom), params);
    atoms.forEach((atom, i) => this.note(atom, results[i], errors[i]));
  }

  /** The program with some of the values as results. */
  finish(): Sample {
    const { choices, values } = this;
    const results = [values[values.length - 1]];
    for (let more = choices.below(4); more > 0; more--) results.push(choices.of(values));
    // What nothing reads would not be computed at all.
    const read = new Set(this.writer.equations.flatMap(({ inputs }) => inputs));
    const unread = values.filter(({ atom }) => atom instanceof Variable && !read.has(atom));
    results.push(...unread.filter(() => choices.below(3) > 0));
    return {
      program: this.writer.finish(results.map(({ atom }) => atom)),
      args: this.args,
      errors: results.map(({ error }) => error),
    };
  }
}

/**
 * Grows a program within another one: it takes the values that it is given, has constants, and gives
 * exact results for exact arguments, whatever these are in other rounds.
 */
class BodyGrower extends Grower {
  override readonly choices: Choices;

  constructor(around: Grower) {
    super([], {
      onlyDoubles: around.onlyDoubles,
      elements: Math.min(around.mostElements, 4 * MOST_ELEMENTS),
      extremes: around.extremes,
    });
    this.choices = around.choices;
  }

  parameter(concrete: Concrete): void {
    this.note(this.writer.binder(concrete), concrete, 0);
  }

  override leaf(
    dtype: Dtype,
    shape: Shape,
    limits?: readonly [low: number, high: number],
  ): Value {
    const value = super.leaf(dtype, shape, limits);
    const isArgument = this.args.pop() !== undefined;
    if (!isArgument) return value;
    this.writer.binders.pop();
    this.values.pop();
    return this.note(value.concrete, value.concrete, 0);
  }

  override applyPrimitive(
    primitive: Primitive<unknown>,
    inputs: readonly Value[],
    params: unknown,
    error: (largest: number) => number,
    isWild: boolean = false,
  ): void {
    if (error(1) === 0 && error(LARGEST) === 0) {
      super.applyPrimitive(primitive, inputs, params, error, isWild);
    }
  }

  /** Adds some equations; `depth` says within how many programs this one is. */
  grow(depth: number): void {
    const count = this.choices.from(0, 8);
    for (let i = 0; i < count; i++) {
      const isNested = depth < 2 && this.choices.below(8) === 1;
      const [, operation] = this.choices.of(bodyOperations);
      if (isNested) this.choices.of(nesting)(this, depth + 1);
      else operation(this);
    }
  }

  /** The program with these values as results. */
  program(results: readonly Value[]): Program {
    return this.writer.finish(results.map(({ atom }) => atom));
  }
}

const NUMBERS = DTYPES.filter((dtype) => dtype !== "bool");
const FLOATS = DTYPES.filter(isFloat);

/** The dtypes of the parts of complex numbers. */
const PARTS: readonly Dtype[] = ["float32", "float64"];
const INTEGERS = DTYPES.filter(isInteger);

type Operation = (grower: Grower) => void;

/** The error of a sum of `count` terms, each `largest` at most, in any order. */
function sumError(dtype: Dtype, count: number, largest: number, error: number): number {
  // Never 0, since a sum that is 0 may have either sign.
  const least = isFloat(dtype) ? Number.MIN_VALUE : 0;
  return least + count * (error + (4 + count / 2) * unitOf(dtype) * (largest + error));
}

/** Rounded as IEEE 754 says, so that equal operands give equal results: `slope` for others. */
function exactUnary(
  name: PrimitiveName,
  dtypes: readonly Dtype[],
  slope: (x: Value) => number,
): Operation {
  return (grower) => {
    const x = grower.any(dtypes);
    const unit = unitOf(x.concrete.dtype);
    const error = (largest: number) => x.error === 0 ? 0 : slope(x) * x.error + unit * largest;
    grower.apply(name, [x], null, error, true);
  };
}

function exactBinary(
  name: PrimitiveName,
  dtypes: readonly Dtype[],
  slope: (x: Value, y: Value) => number,
): Operation {
  return (grower) => {
    const x = grower.any(dtypes);
    const y = grower.like(x);
    const unit = unitOf(x.concrete.dtype);
    const error = (largest: number) =>
      x.error + y.error === 0 ? 0 : slope(x, y) * (x.error + y.error) + unit * largest;
    grower.apply(name, grower.choices.once(2) ? [x, y] : [y, x], null, error, true);
  };
}

/** Steps or poles: takes exact operands only, and gives exact results. */
function jumping(name: PrimitiveName, dtypes: readonly Dtype[], count: number): Operation {
  return (grower) => {
    const x = grower.any(dtypes, true);
    const inputs = [x, ...range(count - 1).map(() => grower.like(x, true))];
    grower.apply(name, inputs, null, () => 0, true);
  };
}

/** A function whose slope is at most `slope`, given its largest result. */
function gentle(name: PrimitiveName, count: number, slope: (largest: number) => number): Operation {
  return (grower) => {
    const x = grower.any(FLOATS);
    const inputs = [x, ...range(count - 1).map(() => grower.like(x))];
    const unit = unitOf(x.concrete.dtype);
    const carried = inputs.reduce((sum, { error }) => sum + error, 0);
    grower.apply(
      name,
      inputs,
      null,
      (largest) => slope(largest) * carried + 16 * unit * (1 + largest),
    );
  };
}

/** A function with poles or steep places: takes exact operands only. */
function steep(
  name: PrimitiveName,
  dtypes: readonly Dtype[],
  count: number,
  params: (grower: Grower) => unknown = () => null,
): Operation {
  return (grower) => {
    const x = grower.any(dtypes, true);
    const inputs = [x, ...range(count - 1).map(() => grower.like(x, true))];
    const unit = unitOf(x.concrete.dtype);
    grower.apply(name, inputs, params(grower), (largest) => 32 * unit * (1 + largest));
  };
}

/** The same elements elsewhere: the errors stay what they are. */
function moving(
  name: PrimitiveName,
  fits: (x: Value) => boolean,
  params: (grower: Grower, shape: Shape, x: Value) => unknown,
): Operation {
  return (grower) => {
    const x = grower.pick(fits, () => grower.leaf(grower.dtype(DTYPES), grower.shape()));
    if (!fits(x)) return;
    grower.apply(name, [x], params(grower, x.concrete.shape, x), () => x.error, true);
  };
}

function hasAxes({ concrete }: Value): boolean {
  return concrete.ndim > 0;
}

/** Some of the axes, in order. */
function someAxes({ choices }: Grower, shape: Shape): number[] {
  const first = choices.below(shape.length);
  return range(shape.length).filter((axis) => axis === first || choices.once(3));
}

/** Another shape of the same size. */
function otherShape({ choices }: Grower, shape: Shape): Shape {
  const size = sizeOf(shape);
  if (size === 0) return [...shape, 1].toReversed();
  switch (choices.below(4)) {
    case 0:
      return [size];
    case 1: {
      // Two neighbours become one.
      if (shape.length < 2) return [1, ...shape];
      const at = choices.below(shape.length - 1);
      return [...shape.slice(0, at), shape[at] * shape[at + 1], ...shape.slice(at + 2)];
    }
    case 2: {
      // One becomes two.
      const at = choices.below(shape.length);
      const length = shape[at] ?? 1;
      const divisors = [1, 2, 3, 4, 5, 8].filter((d) => length % d === 0);
      const divisor = choices.of(divisors);
      return [...shape.slice(0, at), divisor, length / divisor, ...shape.slice(at + 1)];
    }
    default: {
      const divisors = [1, 2, 3, 4, 5, 7, 8, 16, 33].filter((d) => size % d === 0);
      const divisor = choices.of(divisors);
      return choices.once(2) ? [divisor, size / divisor] : [size / divisor, divisor];
    }
  }
}

function reduction(name: PrimitiveName, dtypes: readonly Dtype[]): Operation {
  return (grower) => {
    const isOrder = name === "reduceMax" || name === "reduceMin";
    const x = grower.pick(
      (value) => dtypes.includes(value.concrete.dtype) && value.concrete.ndim > 0,
      () => grower.leaf(grower.dtype(dtypes), [...grower.shape(), 3]),
    );
    const { dtype, shape } = x.concrete;
    const axes = someAxes(grower, shape);
    const count = sizeOf(axes.map((axis) => shape[axis]));
    if (isOrder && count === 0) return;
    if (isOrder) {
      // Of zeros of either sign, it may be any.
      const sign = isFloat(dtype) && x.least === 0 ? Number.MIN_VALUE : 0;
      return grower.apply(name, [x], { axes }, () => x.error + sign, true);
    }
    if (name === "reduceProd") {
      if (x.error > 0 || (isFloat(dtype) && count * Math.log(Math.max(x.largest, 1)) > 60)) return;
      const unit = unitOf(dtype);
      return grower.apply(name, [x], { axes }, (largest) => 2 * count * unit * (1e-30 + largest));
    }
    grower.apply(name, [x], { axes }, () => sumError(dtype, count, x.largest, x.error));
  };
}

/** A mean, or a mean of squares or its root: of exact operands, since a root is steep at 0. */
function moment(name: "reduceMean" | "reduceSquares" | "reduceRoot"): Operation {
  return (grower) => {
    const { choices } = grower;
    const x = grower.pick(
      ({ concrete, error }) => isFloat(concrete.dtype) && concrete.ndim > 0 && error === 0,
      () => grower.leaf(grower.dtype(FLOATS), [...grower.shape(), 3]),
    );
    const { dtype, shape } = x.concrete;
    const axes = someAxes(grower, shape);
    const count = sizeOf(axes.map((axis) => shape[axis]));
    if (count === 0) return;
    if (name === "reduceMean") {
      const error = sumError(dtype, count, x.largest, 0) / count;
      return grower.apply(name, [x], { axes }, () => error + Number.MIN_VALUE);
    }
    const divisor = choices.once(2) ? 1 : count;
    const params = name === "reduceSquares"
      ? { axes, divisor }
      : { axes, divisor, eps: choices.of([0, 1e-5, 1]) };
    // Squares are not negative: errors are relative.
    const unit = unitOf(dtype);
    grower.apply(name, [x], params, (largest) => Number.MIN_VALUE + (count + 8) * unit * largest);
  };
}

/** What deviations from a mean, and cosines, are computed of: exact operands, and the axes. */
function exactRows(grower: Grower): { x: Value; axes: readonly number[]; count: number } | null {
  const x = grower.pick(
    ({ concrete, error }) => isFloat(concrete.dtype) && concrete.ndim > 0 && error === 0,
    () => grower.leaf(grower.dtype(FLOATS), [...grower.shape(), 3]),
  );
  const axes = someAxes(grower, x.concrete.shape);
  const count = sizeOf(axes.map((axis) => x.concrete.shape[axis]));
  return count === 0 ? null : { x, axes, count };
}

/** The variance, or the deviation. Where it is small beside the mean, rounding that is left counts. */
function spread(grower: Grower): void {
  const rows = exactRows(grower);
  if (rows === null) return;
  const { x, axes, count } = rows;
  const { choices } = grower;
  const isRoot = choices.once(2);
  const params = {
    axes,
    divisor: choices.once(2) ? 1 : count,
    eps: isRoot ? choices.of([0, 1e-5]) : 0,
    isRoot,
  };
  const scale = isRoot ? x.largest : x.largest ** 2;
  const unit = unitOf(x.concrete.dtype);
  grower.apply(
    "reduceSpread",
    [x],
    params,
    (largest) => Number.MIN_VALUE + 4 * count * (count + 8) * unit * (largest + scale),
  );
}

/** Deviations by roots that are 0, or 1 and more. */
function standardize(grower: Grower): void {
  const rows = exactRows(grower);
  if (rows === null) return;
  const { x, axes, count } = rows;
  const { dtype, shape } = x.concrete;
  const root = grower.leaf(dtype, withoutAxes(shape, axes), [0, 4]);
  const error = (largest: number) => (count + 8) * unitOf(dtype) * (largest + x.largest);
  grower.apply("standardize", [x, root], { axes }, error);
}

/** Softmax in one of its forms: an error of a logarithm is one of the shifted elements. */
function softmax(grower: Grower): void {
  const rows = exactRows(grower);
  if (rows === null) return;
  const { x, axes, count } = rows;
  const form = grower.choices.of(["plain", "masked", "logarithm"]);
  const error = (largest: number) => (count + 8) * unitOf(x.concrete.dtype) * (1 + largest);
  grower.apply("softmax", [x], { axes, form }, error);
}

function cosine(grower: Grower): void {
  const rows = exactRows(grower);
  if (rows === null) return;
  const { x, axes, count } = rows;
  const params = { axes, eps: grower.choices.of([0, 1e-8, 1]) };
  const error = () => (count + 8) * unitOf(x.concrete.dtype);
  grower.apply("reduceCosine", [x, grower.like(x, true)], params, error);
}

/** Quotients by roots that are 0, or 1 and more. */
function over(grower: Grower): void {
  const x = grower.any(FLOATS);
  const { dtype, shape } = x.concrete;
  const root = grower.leaf(dtype, shape, [0, 4]);
  grower.apply("over", [x, root], null, (largest) => 4 * unitOf(dtype) * largest + x.error);
}

function alongAxis(
  name: PrimitiveName,
  dtypes: readonly Dtype[],
  params: (grower: Grower) => Record<string, unknown>,
): Operation {
  return (grower) => {
    const x = grower.pick(
      ({ concrete, error }) => dtypes.includes(concrete.dtype) && concrete.ndim > 0 && error === 0,
      () => grower.leaf(grower.dtype(dtypes), [...grower.shape(), grower.choices.from(1, 9)]),
    );
    const { dtype, shape } = x.concrete;
    const axis = grower.choices.below(shape.length);
    const length = shape[axis];
    const isArg = name === "argmax" || name === "argmin";
    if (isArg && length === 0) return;
    const own = params(grower);
    if (name === "cumsum" || name === "cumprod") {
      if (name === "cumprod" && isFloat(dtype) && length * Math.log(Math.max(x.largest, 1)) > 60) {
        return;
      }
      const unit = unitOf(dtype);
      return grower.apply(
        name,
        [x],
        { axis, ...own },
        (largest) =>
          name === "cumsum"
            ? sumError(dtype, length, x.largest, 0)
            : 2 * length * unit * (1e-30 + largest),
      );
    }
    grower.apply(name, [x], { axis, ...own }, () => 0, true);
  };
}

function contraction(grower: Grower): void {
  const { choices } = grower;
  const x = grower.any(NUMBERS);
  const { dtype, shape } = x.concrete;
  // Each axis of x is contracted, shared, or free; y has its contracted and shared ones in any order.
  const roles = shape.map(() => choices.below(3));
  const contracted = range(shape.length).filter((axis) => roles[axis] === 0);
  const shared = range(shape.length).filter((axis) => roles[axis] === 1);
  const own: { length: number; pair: number }[] = [...contracted, ...shared]
    .map((axis) => ({ length: shape[axis], pair: axis }));
  for (let free = choices.below(3); free > 0; free--) {
    own.splice(choices.below(own.length + 1), 0, {
      length: choices.of([1, 2, 3, 5, 8, 17, 33]),
      pair: -1,
    });
  }
  for (let i = own.length - 1; i > 0; i--) {
    const j = choices.below(i + 1);
    [own[i], own[j]] = [own[j], own[i]];
  }
  const sizeY = sizeOf(own.map(({ length }) => length));
  const free = sizeOf(own.filter(({ pair }) => pair < 0).map(({ length }) => length));
  if (sizeY > grower.mostElements || sizeOf(shape) * free > MOST_PRODUCTS) return;
  const y = grower.matching(dtype, own.map(({ length }) => length));
  const find = (axes: readonly number[]) =>
    axes.map((axis) => own.findIndex(({ pair }) => pair === axis));
  const params = {
    contract: [contracted, find(contracted)],
    batch: [shared, find(shared)],
  };
  const count = sizeOf(contracted.map((axis) => shape[axis]));
  const carried = x.error * y.largest + y.error * x.largest;
  grower.apply(
    "contract",
    [x, y],
    params,
    () => sumError(dtype, count, x.largest * y.largest, carried),
  );
}

function windowParams({ choices }: Grower, spatial: number) {
  const axes = range(spatial);
  const input = axes.map(() => choices.from(1, 12));
  const kernel = axes.map(() => choices.from(1, 3));
  const stride = axes.map(() => choices.from(1, 2));
  const dilation = axes.map(() => choices.once(3) ? 2 : 1);
  const padLow = axes.map(() => choices.from(0, 2) - (choices.once(8) ? 1 : 0));
  const padHigh = axes.map(() => choices.from(0, 2));
  const output = axes.map((i) => {
    const room = input[i] + padLow[i] + padHigh[i] - (kernel[i] - 1) * dilation[i] - 1;
    return room < 0 ? 0 : Math.floor(room / stride[i]) + 1;
  });
  return { stride, dilation, padLow, input, kernel, output };
}

function convolution(name: "convolve" | "convolveInput" | "convolveFilter"): Operation {
  return (grower) => {
    const { choices } = grower;
    const params = windowParams(grower, choices.below(4));
    const groups = choices.of([1, 1, 1, 2, 3]);
    const batch = choices.from(1, 3);
    const [inner, outer] = [choices.from(1, 5), choices.from(1, 9)];
    const { input, kernel, output } = params;
    const x = [batch, groups * inner, ...input];
    const w = [groups * outer, inner, ...kernel];
    const y = [batch, groups * outer, ...output];
    const products = sizeOf(y) * inner * sizeOf(kernel);
    if (products > MOST_PRODUCTS) return;
    const dtype = grower.dtype(NUMBERS);
    const [first, second] =
      { convolve: [x, w], convolveInput: [y, w], convolveFilter: [x, y] }[name];
    const [a, b] = [grower.matching(dtype, first), grower.matching(dtype, second)];
    const count = {
      convolve: inner * sizeOf(kernel),
      convolveInput: outer * sizeOf(kernel),
      convolveFilter: batch * sizeOf(output),
    }[name];
    const carried = a.error * b.largest + b.error * a.largest;
    // Winograd's transforms add and subtract before and after they multiply.
    grower.apply(
      name,
      [a, b],
      { ...params, groups },
      () => 16 * sumError(dtype, count, a.largest * b.largest, carried),
    );
  };
}

/** An integer of the program taken to the nearest one from 0 to `last`, whatever it is in other rounds. */
function clamped(grower: Grower, shape: Shape, last: number): Value {
  const any = grower.matching("int32", shape);
  const [low, high] = [0, last].map((value) => {
    const limit = splat(value, "int32", shape);
    return grower.note(limit, limit, 0);
  });
  grower.apply("maximum", [any, low], null, () => 0, true);
  grower.apply("minimum", [grower.values[grower.values.length - 1], high], null, () => 0, true);
  return grower.values[grower.values.length - 1];
}

function indices(grower: Grower, shape: Shape, below: number): Value {
  if (grower instanceof BodyGrower) return clamped(grower, shape, below - 1);
  const isIndex = ({ concrete }: Value) =>
    isInteger(concrete.dtype) && concrete.shape.join() === shape.join() &&
    concrete.elements.every((element) => element >= 0 && element < below);
  // Of dtypes that hold them all.
  const dtypes = INTEGERS.filter((dtype) => rangeOf(dtype)[1] >= below - 1);
  return grower.pick(
    isIndex,
    () => grower.leaf(grower.choices.of(dtypes), shape, [0, below - 1]),
  );
}

function gathering(grower: Grower): void {
  const { choices } = grower;
  const x = grower.pick(hasAxes, () => grower.leaf(grower.dtype(DTYPES), [...grower.shape(), 4]));
  const { shape } = x.concrete;
  const axis = choices.below(Math.min(shape.length, 4));
  if (shape[axis] === 0) return;
  const outer = range(axis).filter(() => choices.below(2) === 0);
  const more = range(choices.below(3)).map(() => choices.of([1, 2, 3, 7, 20]));
  if (sizeOf(shape) / shape[axis] * sizeOf(more) > grower.mostElements) return;
  const at = indices(grower, [...withoutAxes(shape.slice(0, axis), outer), ...more], shape[axis]);
  const params = { batch: axis - outer.length, outer };
  grower.apply("gather", [x, at], params, () => x.error, true);
}

function scattering(grower: Grower): void {
  const { choices } = grower;
  const x = grower.any(NUMBERS);
  const { dtype, shape } = x.concrete;
  const ndim = choices.from(0, shape.length);
  const lead = choices.below(Math.min(ndim, 3) + 1);
  const outer = range(lead).filter(() => choices.below(2) === 0);
  const size = choices.of([1, 2, 5, 16, 40]);
  const at = indices(grower, withoutAxes(shape.slice(0, ndim), outer), size);
  const count = sizeOf(shape.slice(lead, ndim));
  grower.apply(
    "scatterAdd",
    [x, at],
    { batch: lead - outer.length, outer, size },
    () => sumError(dtype, count, x.largest, x.error),
  );
}

function findingLast(grower: Grower): void {
  const { choices } = grower;
  const shape = grower.any(DTYPES).concrete.shape;
  const size = choices.of([1, 2, 5, 16, 40]);
  const at = indices(grower, shape, size);
  const batch = choices.below(Math.min(shape.length, 2) + 1);
  grower.apply("lastOf", [at], { batch, size }, () => 0, true);
}

/** Rows of a value replaced or added to. */
function changingRows(
  name: "scatterSet" | "scatterOnto" | "scatterMax" | "scatterMin",
): Operation {
  return (grower) => {
    const { choices } = grower;
    const dtypes: readonly Dtype[] = name === "scatterSet" ? DTYPES : NUMBERS;
    const fits = (value: Value) => hasAxes(value) && dtypes.includes(value.concrete.dtype);
    const x = grower.pick(fits, () => grower.leaf(grower.dtype(dtypes), [...grower.shape(), 4]));
    const { dtype, shape } = x.concrete;
    const batch = choices.below(Math.min(shape.length, 3));
    if (shape[batch] === 0) return;
    const more = range(choices.below(3)).map(() => choices.of([1, 1, 2, 3, 7]));
    const places = [...shape.slice(0, batch), ...more];
    const rows = [...places, ...shape.slice(batch + 1)];
    if (!grower.isModest(rows)) return;
    const at = indices(grower, places, shape[batch]);
    const updates = grower.matching(dtype, rows);
    const count = sizeOf(more) + 1;
    const isExact = name !== "scatterOnto" || x.error + updates.error === 0;
    const largest = Math.max(x.largest, updates.largest);
    const error = Math.max(x.error, updates.error);
    grower.apply(
      name,
      [x, updates, at],
      { batch },
      () => name !== "scatterOnto" ? error : isExact ? 0 : sumError(dtype, count, largest, error),
      true,
    );
  };
}

/** The start of a block on each axis: some are known, the others are values. */
function blockStarts(grower: Grower, shape: Shape, sizes: Shape) {
  const starts: Value[] = [];
  const start = shape.map((length, axis) => {
    const last = length - sizes[axis];
    if (grower.choices.once(2)) return grower.choices.from(0, last);
    starts.push(
      grower instanceof BodyGrower ? clamped(grower, [], last) : grower.pick(
        ({ concrete }) =>
          concrete.dtype === "int32" && concrete.ndim === 0 && concrete.elements[0] >= 0 &&
          concrete.elements[0] <= last,
        () => grower.leaf("int32", [], [0, last]),
      ),
    );
    return null;
  });
  return { start, starts };
}

function blockSizes({ choices }: Grower, shape: Shape): number[] {
  return shape.map((length) => Math.min(length, choices.of([1, 1, 2, 5, length, length])));
}

function takingBlock(grower: Grower): void {
  const x = grower.any(DTYPES);
  const { shape } = x.concrete;
  const sizes = blockSizes(grower, shape);
  const { start, starts } = blockStarts(grower, shape, sizes);
  grower.apply("dynamicSlice", [x, ...starts], { start, sizes }, () => x.error, true);
}

function changingBlock(name: "updateSlice" | "addSlice"): Operation {
  return (grower) => {
    const x = grower.any(name === "updateSlice" ? DTYPES : NUMBERS);
    const { dtype, shape } = x.concrete;
    const sizes = blockSizes(grower, shape);
    const update = grower.matching(dtype, sizes);
    const { start, starts } = blockStarts(grower, shape, sizes);
    const isExact = x.error + update.error === 0;
    grower.apply(
      name,
      [x, update, ...starts],
      { start },
      (largest) =>
        name === "updateSlice"
          ? Math.max(x.error, update.error)
          : isExact
          ? 0
          : x.error + update.error + unitOf(dtype) * largest,
      true,
    );
  };
}

function converting(grower: Grower): void {
  const dtype = grower.dtype(DTYPES);
  const x = grower.any(DTYPES, !isFloat(dtype));
  const isSame = x.error === 0;
  grower.apply(
    "convert",
    [x],
    { dtype },
    (largest) => isSame ? 0 : x.error + unitOf(dtype) * largest,
    true,
  );
}

function selecting(grower: Grower): void {
  const x = grower.any(DTYPES);
  const y = grower.like(x);
  const condition = grower.matching("bool", x.concrete.shape);
  grower.apply("select", [condition, x, y], null, () => Math.max(x.error, y.error), true);
}

function joining(grower: Grower): void {
  const { choices } = grower;
  const x = grower.pick(hasAxes, () => grower.leaf(grower.dtype(DTYPES), [...grower.shape(), 4]));
  const { dtype, shape } = x.concrete;
  const axis = choices.below(shape.length);
  const isOther = ({ concrete }: Value) =>
    concrete.dtype === dtype && concrete.ndim === shape.length &&
    concrete.shape.every((length, i) => i === axis || length === shape[i]);
  const parts = [x];
  for (let more = choices.below(3); more > 0; more--) {
    parts.push(
      grower.pick(isOther, () =>
        grower.leaf(
          dtype,
          shape.map((length, i) => i === axis ? choices.from(0, 4) : length),
        )),
    );
  }
  if (choices.once(2)) parts.reverse();
  const error = Math.max(...parts.map((part) => part.error));
  grower.apply("concatenate", parts, { axis }, () => error, true);
}

/**
 * A value cut in two, and its parts put together in the other order, or each into its frame of zeros
 * and added: a roll, forward and backward.
 */
function rolling(grower: Grower): void {
  const { choices } = grower;
  const x = grower.pick(hasAxes, () => grower.leaf(grower.dtype(NUMBERS), [...grower.shape(), 4]));
  const { dtype, shape } = x.concrete;
  const axis = choices.below(shape.length);
  const cut = choices.from(0, shape[axis]);
  const none = shape.map(() => 0);
  const step = shape.map(() => 1);
  const made = (name: PrimitiveName, inputs: readonly Value[], params: unknown): Value[] => {
    const before = grower.values.length;
    grower.apply(name, inputs, params, () => x.error, true);
    return grower.values.slice(before);
  };
  const parts = [[cut, shape[axis]], [0, cut]].flatMap(([start, stop]) =>
    made("slice", [x], { start: none.with(axis, start), stop: shape.with(axis, stop), step })
  );
  // Values that are too wild are not kept.
  if (parts.length < 2) return;
  if (dtype === "bool" || choices.once(2)) {
    made("concatenate", parts, { axis });
    return;
  }
  const framed = parts.flatMap((part, i) => {
    const rest = shape[axis] - part.concrete.shape[axis];
    const [low, high] = [none.with(axis, i === 0 ? 0 : rest), none.with(axis, i === 0 ? rest : 0)];
    return made("pad", [part], { low, high, interior: none });
  });
  if (framed.length === 2) grower.apply("add", framed, null, () => 2 * x.error);
}

function padding(grower: Grower, shape: Shape) {
  const { choices } = grower;
  const interior = shape.map(() => choices.once(5) ? choices.from(1, 2) : 0);
  const spread = shape.map((length, i) => length === 0 ? 0 : (length - 1) * (interior[i] + 1) + 1);
  const low = spread.map((length) => Math.max(choices.from(-2, 3), -length));
  const high = spread.map((length, i) => Math.max(choices.from(-2, 3), -length - low[i]));
  return { low, high, interior };
}

function slicing({ choices }: Grower, shape: Shape) {
  const start = shape.map((length) => choices.once(2) ? choices.from(0, Math.min(length, 3)) : 0);
  const stop = shape.map((length, i) => Math.max(start[i], length - choices.of([0, 0, 0, 1, 2])));
  const step = shape.map(() => choices.of([1, 1, 1, 2, 3]));
  return { start, stop, step };
}

function broadcasting({ choices }: Grower, shape: Shape) {
  const whole: number[] = [];
  const axes: number[] = [];
  for (let i = 0; i <= shape.length; i++) {
    if (choices.once(3)) whole.push(choices.of([1, 2, 3, 5, 8, 16, 40, 0]));
    if (i === shape.length) break;
    axes.push(whole.length);
    whole.push(shape[i]);
  }
  return { shape: whole, axes };
}

/**
 * What is left to the evaluator, so that there is nothing to compare, or factorises: see their kernels;
 * and what is the identity outside of meshes.
 */
type Host =
  | "bitcast"
  | "withSharding"
  | "triangularSolve"
  | "cholesky"
  | "lu"
  | "luSolve"
  | "qr"
  | "complement"
  | "eigh"
  | "svd"
  | "pseudoInverse"
  | "complexLu"
  | "complexComplement"
  | "complexEigh"
  | "complexSvd"
  | "eig"
  | "schur"
  | "complexSchur"
  | "randomGamma"
  | "randomGammaSlope"
  | SpecialName;

const operations: Readonly<Record<Exclude<PrimitiveName, Host>, Operation>> = {
  reshape: moving("reshape", () => true, (grower, shape) => ({ shape: otherShape(grower, shape) })),
  transpose: moving("transpose", hasAxes, ({ choices }, shape) => {
    const permutation = range(shape.length);
    for (let i = permutation.length - 1; i > 0; i--) {
      const j = choices.below(i + 1);
      [permutation[i], permutation[j]] = [permutation[j], permutation[i]];
    }
    return { permutation };
  }),
  broadcast: moving("broadcast", () => true, broadcasting),
  slice: moving("slice", hasAxes, slicing),
  flip: moving("flip", hasAxes, (grower, shape) => ({ axes: someAxes(grower, shape) })),
  pad: moving("pad", hasAxes, padding),
  concatenate: joining,
  stopGradient: moving("stopGradient", () => true, () => null),
  move: moving("move", () => true, () => ({ to: cpu, from: null })),
  iota: counting,
  convert: converting,
  select: selecting,

  equal: jumping("equal", DTYPES, 2),
  less: jumping("less", DTYPES, 2),
  lessEqual: jumping("lessEqual", DTYPES, 2),
  isNan: jumping("isNan", FLOATS, 1),
  not: jumping("not", ["bool"], 1),
  and: jumping("and", [...INTEGERS, "bool"], 2),
  or: jumping("or", [...INTEGERS, "bool"], 2),
  xor: jumping("xor", [...INTEGERS, "bool"], 2),
  shiftLeft: jumping("shiftLeft", INTEGERS, 2),
  shiftRight: jumping("shiftRight", INTEGERS, 2),
  gcd: jumping("gcd", INTEGERS, 2),

  add: exactBinary("add", NUMBERS, () => 1),
  sub: exactBinary("sub", NUMBERS, () => 1),
  mul: exactBinary("mul", NUMBERS, (x, y) => Math.max(x.largest, y.largest)),
  neg: exactUnary("neg", NUMBERS, () => 1),
  abs: exactUnary("abs", NUMBERS, () => 1),
  square: exactUnary("square", NUMBERS, (x) => 2 * x.largest),
  maximum: exactBinary("maximum", DTYPES, () => 1),
  minimum: exactBinary("minimum", DTYPES, () => 1),
  div: jumping("div", FLOATS, 2),
  reciprocal: jumping("reciprocal", FLOATS, 1),
  sqrt: jumping("sqrt", FLOATS, 1),
  rsqrt: steep("rsqrt", FLOATS, 1),
  sign: jumping("sign", NUMBERS, 1),
  floor: jumping("floor", NUMBERS, 1),
  ceil: jumping("ceil", NUMBERS, 1),
  round: jumping("round", NUMBERS, 1),
  trunc: jumping("trunc", NUMBERS, 1),
  binade: jumping("binade", FLOATS, 1),
  mod: jumping("mod", NUMBERS, 2),

  exp: gentle("exp", 1, (largest) => largest),
  expm1: gentle("expm1", 1, (largest) => largest + 1),
  sin: gentle("sin", 1, () => 1),
  cos: gentle("cos", 1, () => 1),
  tanh: gentle("tanh", 1, () => 1),
  tanhSlope: gentle("tanhSlope", 1, () => 1),
  sigmoidBell: gentle("sigmoidBell", 1, () => 1),
  atan: gentle("atan", 1, () => 1),
  asinh: gentle("asinh", 1, () => 1),
  sinh: gentle("sinh", 1, (largest) => largest + 1),
  cosh: gentle("cosh", 1, (largest) => largest + 1),
  sigmoid: gentle("sigmoid", 1, () => 1),
  gaussian: gentle("gaussian", 1, () => 1),
  erf: gentle("erf", 1, () => 1.2),
  erfc: gentle("erfc", 1, () => 1.2),
  logaddexp: gentle("logaddexp", 2, () => 1),
  log: steep("log", FLOATS, 1),
  log1p: steep("log1p", FLOATS, 1),
  log2: steep("log2", FLOATS, 1),
  log10: steep("log10", FLOATS, 1),
  cbrt: steep("cbrt", FLOATS, 1),
  tan: steep("tan", FLOATS, 1),
  asin: steep("asin", FLOATS, 1),
  acos: steep("acos", FLOATS, 1),
  atan2: steep("atan2", FLOATS, 2),
  acosh: steep("acosh", FLOATS, 1),
  atanh: steep("atanh", FLOATS, 1),
  erfinv: steep("erfinv", FLOATS, 1),
  lgamma: steep("lgamma", FLOATS, 1),
  polygamma: steep("polygamma", FLOATS, 1, ({ choices }) => ({ order: choices.below(3) })),
  pow: steep("pow", NUMBERS, 2),
  hypot: steep("hypot", FLOATS, 2),
  analytic: steep("analytic", PARTS, 2, ({ choices }) => ({
    name: choices.of(analyticNames.filter((name) => name !== "pow")),
  })),
  analyticPair: steep("analyticPair", PARTS, 4, () => ({ name: "pow" })),

  reduceSum: reduction("reduceSum", NUMBERS),
  reduceMax: reduction("reduceMax", DTYPES),
  reduceMin: reduction("reduceMin", DTYPES),
  reduceProd: reduction("reduceProd", NUMBERS),
  reduceNorm: (grower) => {
    const rows = exactRows(grower);
    if (rows === null) return;
    const { x, axes, count } = rows;
    const params = { axes, ord: grower.choices.of([3, 0.5, -1.5]) };
    const unit = unitOf(x.concrete.dtype);
    const error = (largest: number) => Number.MIN_VALUE + 8 * (count + 8) * unit * largest;
    grower.apply("reduceNorm", [x], params, error);
  },
  allFinite: (grower) => {
    grower.apply("allFinite", [grower.any(FLOATS, true)], null, () => 0, true);
  },
  reduceMean: moment("reduceMean"),
  reduceSquares: moment("reduceSquares"),
  reduceRoot: moment("reduceRoot"),
  reduceSpread: spread,
  reduceCosine: cosine,
  standardize,
  softmax,
  over,
  barrier: (grower) => {
    const values = [grower.any(DTYPES, true), grower.any(DTYPES, true)];
    grower.apply("barrier", values, null, () => 0, true);
  },
  argmax: alongAxis("argmax", DTYPES, () => ({})),
  argmin: alongAxis("argmin", DTYPES, () => ({})),
  cumsum: alongAxis("cumsum", NUMBERS, ({ choices }) => ({ reverse: choices.once(2) })),
  cumprod: alongAxis("cumprod", NUMBERS, () => ({})),
  insertionPlaces: (grower) => {
    const { choices } = grower;
    const wanted = grower.any(DTYPES, true);
    const { dtype, shape } = wanted.concrete;
    const batch = choices.below(Math.min(shape.length, 2) + 1);
    const list = grower.matching(
      dtype,
      [...shape.slice(0, batch), choices.of([0, 1, 2, 5, 16])],
      true,
    );
    const params = { batch, side: choices.of(["left", "right"]) };
    grower.apply("insertionPlaces", [list, wanted], params, () => 0, true);
  },
  runningExtreme: (grower) => {
    const x = grower.pick(
      ({ concrete, error }) => concrete.ndim > 0 && error === 0,
      () => grower.leaf(grower.dtype(DTYPES), [...grower.shape(), grower.choices.from(1, 9)]),
    );
    grower.apply("runningExtreme", [x], { isMax: grower.choices.once(2) }, () => 0, true);
  },
  argsort: alongAxis("argsort", DTYPES, ({ choices }) => ({ descending: choices.once(2) })),

  contract: contraction,
  convolve: convolution("convolve"),
  convolveInput: convolution("convolveInput"),
  convolveFilter: convolution("convolveFilter"),
  argmaxWindow: (grower) => {
    const params = windowParams(grower, grower.choices.from(1, 2));
    const dtype = grower.dtype(NUMBERS);
    const x = grower.matching(dtype, [grower.choices.from(1, 4), ...params.input], true);
    grower.apply("argmaxWindow", [x], params, () => 0, true);
  },

  checkIndices: (grower) => {
    const indices = grower.leaf("int32", [...grower.shape(), 3], [0, 1]);
    grower.apply("checkIndices", [indices], { length: 4, axis: 0, what: "Cannot index" }, () => 0);
  },
  gather: gathering,
  scatterAdd: scattering,
  lastOf: findingLast,
  scatterSet: changingRows("scatterSet"),
  scatterOnto: changingRows("scatterOnto"),
  scatterMax: changingRows("scatterMax"),
  scatterMin: changingRows("scatterMin"),
  dynamicSlice: takingBlock,
  updateSlice: changingBlock("updateSlice"),
  addSlice: changingBlock("addSlice"),
  fourier: transform("fourier"),
  fourierOfReal: transform("fourierOfReal"),
  realOfFourier: transform("realOfFourier"),
  threefry2x32: (grower) => {
    const first = grower.any(["uint32"]);
    const words = [first, ...range(3).map(() => grower.like(first))];
    grower.apply("threefry2x32", words, null, () => 0, true);
  },
};

/** Transforms of the last axis. */
function transform(name: "fourier" | "fourierOfReal" | "realOfFourier"): Operation {
  return (grower) => {
    const { choices } = grower;
    const x = grower.any(FLOATS);
    const { dtype, shape } = x.concrete;
    if (shape.length === 0 || shape[shape.length - 1] === 0) return;
    const parts = name === "fourierOfReal" ? [x] : [x, grower.like(x)];
    const last = shape[shape.length - 1];
    const n = name === "realOfFourier" ? Math.max(1, 2 * last - choices.from(1, 2)) : last;
    const params = {
      fourier: { inverse: choices.once(2) },
      fourierOfReal: null,
      realOfFourier: { length: n },
    };
    const largest = Math.max(...parts.map((part) => part.largest));
    const carried = parts.reduce((sum, part) => sum + part.error, 0);
    const rounding = 16 * (Math.log2(n) + 1) * unitOf(dtype) * largest + 1e-37;
    grower.apply(name, parts, params[name], () => n * (carried + rounding));
  };
}

/** Counting: the length is no parameter of a value. */
function counting(grower: Grower): void {
  const { choices } = grower;
  const params = { length: choices.of(LENGTHS), dtype: wideDtype(grower.dtype(NUMBERS)) };
  grower.apply("iota", [], params, () => 0);
}

/** What reads and writes at indices: many names, which together are as frequent as a few others. */
const INDEXING: readonly string[] = [
  "gather",
  "scatterAdd",
  "scatterOnto",
  "scatterMax",
  "scatterMin",
  "scatterSet",
  "lastOf",
  "dynamicSlice",
  "updateSlice",
  "addSlice",
];

type Named = readonly [name: string, operation: Operation];

const entries: readonly Named[] = Object.entries(operations);

/** One of the operations with indices for which `isIncluded`. */
function indexing(isIncluded: (name: string) => boolean): Named {
  const own = entries.filter(([name]) => INDEXING.includes(name) && isIncluded(name));
  return ["indexing", (grower) => grower.choices.of(own)[1](grower)];
}

const all: readonly Named[] = [
  ...entries.filter(([name]) => !INDEXING.includes(name)),
  ["roll", rolling],
  ...range(3).map(() => indexing(() => true)),
];

/** What bodies are made of: what gives exact results for any values. */
const bodyOperations: readonly Named[] = [
  ["roll", rolling],
  ...entries.filter(([name]) =>
    ![...INDEXING, "contract", "reduceProd", "cumprod"].includes(name) &&
    !name.startsWith("convolve")
  ),
  ...range(6).map(() => indexing((name) => name !== "scatterAdd")),
];

/** Adds something that holds programs, within so many others. */
type Nesting = (grower: Grower, depth: number) => void;

/** Exact values of the program, for a program within it. */
function exactValues(grower: Grower, most: number): Value[] {
  return range(grower.choices.from(0, most)).map(() => grower.any(DTYPES, true));
}

function scanning(grower: Grower, depth: number): void {
  const { choices } = grower;
  const length = choices.of([0, 1, 2, 3, 4, 5, 8, 9]);
  const consts = exactValues(grower, 2);
  const carry = exactValues(grower, 3);
  const xs = range(choices.from(0, 2)).map(() => {
    const shape = choices.of([[], [3], [2, 5], [64], [9, 33], [2000]]);
    return grower.matching(grower.dtype(DTYPES), [length, ...shape], true);
  });
  const body = new BodyGrower(grower);
  for (const { concrete } of [...consts, ...carry]) body.parameter(concrete);
  for (const { concrete: { dtype, shape } } of xs) {
    const size = sizeOf(shape.slice(1));
    body.parameter(
      fromValues(Array.from({ length: size }, (_, i) => i % 5), dtype, shape.slice(1)),
    );
  }
  body.grow(depth);
  const next = carry.map((value) => body.like(value, true));
  const ys = range(choices.from(0, 3)).map(() => body.any(DTYPES, true));
  const params = {
    body: body.program([...next, ...ys]),
    length,
    reverse: choices.once(2),
    consts: consts.length,
    carry: carry.length,
  };
  const primitive = scanPrimitive as unknown as Primitive<unknown>;
  grower.applyPrimitive(primitive, [...consts, ...carry, ...xs], params, () => 0, true);
}

function switching(grower: Grower, depth: number): void {
  const { choices } = grower;
  const operands = exactValues(grower, 3);
  const index = grower.leaf("int32", [], [-1, 3]);
  const growers = range(choices.from(1, 3)).map(() => {
    const branch = new BodyGrower(grower);
    for (const { concrete } of operands) branch.parameter(concrete);
    branch.grow(depth);
    return branch;
  });
  const first = range(choices.from(1, 3)).map(() => growers[0].any(DTYPES, true));
  const branches = growers.map((branch, i) =>
    branch.program(i === 0 ? first : first.map((value) => branch.like(value, true)))
  );
  const primitive = switchPrimitive as unknown as Primitive<unknown>;
  grower.applyPrimitive(primitive, [index, ...operands], { branches }, () => 0, true);
}

function looping(grower: Grower, depth: number): void {
  // No derivative is taken in reverse of a loop whose number of steps is not known.
  if (grower.onlyDoubles) return;
  const count = grower.leaf("int32", [], [0, 6]);
  const zero = grower.leaf("int32", [], [0, 1]);
  const consts = exactValues(grower, 2);
  const carry = exactValues(grower, 3);
  const condition = new ProgramWriter();
  const [end, at] = [count, zero].map(({ concrete }) => condition.binder(concrete));
  for (const { concrete } of carry) condition.binder(concrete);
  const goes = condition.apply(primitives.less, [at, end], null);
  const body = new BodyGrower(grower);
  for (const { concrete } of consts) body.parameter(concrete);
  const counter = body.writer.binder(zero.concrete);
  for (const { concrete } of carry) body.parameter(concrete);
  body.grow(depth);
  const next = carry.map((value) => body.like(value, true));
  const one = splat(1, "int32", []);
  const [step] = body.writer.apply(primitives.add, [counter, one], null);
  const params = {
    condition: condition.finish(goes),
    body: body.writer.finish([step, ...next.map(({ atom }) => atom)]),
    conditionConsts: 1,
    bodyConsts: consts.length,
  };
  const primitive = whilePrimitive as unknown as Primitive<unknown>;
  const inputs = [count, ...consts, zero, ...carry];
  grower.applyPrimitive(primitive, inputs, params, () => 0, true);
}

const nesting: readonly Nesting[] = [scanning, scanning, switching, looping];

/** What most programs are made of comes more often. */
const usual = all.filter(([name]) =>
  ["reshape", "transpose", "broadcast", "slice", "flip", "pad", "concatenate", "add", "mul", "sub"]
    .includes(name) || ["reduceSum", "reduceMax", "contract", "select", "convert"].includes(name)
);

/** How programs are grown. */
export interface GrowOptions {
  /** The most equations. */
  readonly equations?: number;
  /** Whether all floats are float64. */
  readonly onlyDoubles?: boolean;
  /** Whether there are loops and switches. */
  readonly loops?: boolean;
  /** The most elements of a value; from 16384 on, some are that large. */
  readonly elements?: number;
  /** Whether there are floats of all magnitudes, infinities and NaN; left out, there are. */
  readonly extremes?: boolean;
}

/** The program that a list of choices makes. */
export function growProgram(
  list: readonly number[],
  options: GrowOptions = {},
): Sample {
  const { equations = 30, loops = true } = options;
  const grower = new Grower(list, options);
  const { choices } = grower;
  grower.leaf(grower.dtype(DTYPES), grower.shape());
  while (!choices.isOver && grower.writer.equations.length < equations) {
    if (loops && choices.below(8) === 1) {
      choices.of(nesting)(grower, 0);
      continue;
    }
    const [, operation] = choices.of(choices.below(2) === 0 ? usual : all);
    operation(grower);
  }
  return grower.finish();
}

/** Whether a number is as good as another one, give or take `error`. */
export function agrees(actual: number, expected: number, error: number): boolean {
  return Object.is(actual, expected) || Math.abs(actual - expected) <= error && error > 0;
}

/** Fails unless the results are what the evaluator gives; these bounds allow for rounding. */
export function checkResults(
  results: readonly Concrete[],
  { program, args, errors }: Sample,
): void {
  makeRunner(program)(args).forEach((expected, i) => {
    const [a, b] = [dense(results[i]), dense(expected)];
    const wrong = b.findIndex((value, k) => !agrees(a[k], value, errors[i]));
    assert(
      wrong < 0,
      `result ${i} at ${wrong}: ${a[wrong]}, not ${b[wrong]}, by ${errors[i]}\n${program}`,
    );
  });
}

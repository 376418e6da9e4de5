/**
 * The operations of StableHLO as functions of values, for use in rules.
 *
 * @module
 */
import { range, sameShape, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { NamedAxis } from "../core/axes.ts";
import type { Mesh, Sharding } from "../core/sharding.ts";
import { quote, showSharding } from "./sharding.ts";
import { isFloatKind, list, showTensor, Writer } from "./writer.ts";
import type { Kind, Value, ValueType } from "./writer.ts";

/** A value, or a number that takes the type of the other operand. */
export type Operand = Value | number;

/** How two values are compared. */
export type Direction = "EQ" | "NE" | "LT" | "LE" | "GT" | "GE";

/** The padding of a value: one entry per axis in each list. */
export interface Padding {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

function comparisonOf(dtype: Kind): string {
  if (isFloatKind(dtype)) return "FLOAT";
  return dtype === "int32" || dtype === "int64" ? "SIGNED" : "UNSIGNED";
}

/** A writer with the operations of the dialect. */
export class Builder extends Writer {
  /** The mesh over which the program is divided, if there is one. */
  readonly mesh: Mesh | null;
  /** The axes of the mesh in lines for each of its positions; `null` in lines for all positions together. */
  places: readonly NamedAxis[] | null = null;
  #channels = 0;
  readonly #sources = new WeakMap<Value, Value>();

  constructor(mesh: Mesh | null = null) {
    super();
    this.mesh = mesh;
  }

  /** The same value, divided over the mesh; shardings over other meshes are ignored here. */
  constrain(x: Value, sharding: Sharding): Value {
    if (sharding.mesh !== this.mesh || this.places !== null) return x;
    const shown = showSharding(sharding, x.shape.length);
    return this.assign(x, `sdy.sharding_constraint ${x.name} ${shown} : ${showTensor(x)}`);
  }

  /** The same value, not divided along some axes, and divided along the others as XLA chooses. */
  whole(x: Value, axes: readonly number[]): Value {
    if (this.mesh === null || this.places !== null || axes.length === 0) return x;
    const shown = x.shape.map((_, axis) => axes.includes(axis) ? "{}" : "{?}");
    const sharding = `<@mesh, [${shown.join(", ")}]>`;
    return this.assign(x, `sdy.sharding_constraint ${x.name} ${sharding} : ${showTensor(x)}`);
  }

  /** A unique number for messages between devices. */
  nextChannel(): number {
    return ++this.#channels;
  }

  /** Lines that run at every position of the mesh, on parts; returns whole values. */
  inPlaces(
    args: readonly Value[],
    ins: readonly Sharding[],
    outs: readonly Sharding[],
    parts: readonly ValueType[],
    types: readonly ValueType[],
    axes: readonly NamedAxis[],
    write: (args: readonly Value[]) => readonly Value[],
  ): readonly Value[] {
    const list = (values: readonly ValueType[], shardings: readonly Sharding[]) => {
      const shown = values.map(({ shape }, i) => showSharding(shardings[i], shape.length));
      return `#sdy.sharding_per_value<[${shown.join(", ")}]>`;
    };
    const attributes = `in_shardings = ${list(args, ins)}, out_shardings = ${list(types, outs)}, ` +
      `manual_axes = #sdy<manual_axes{${axes.map(({ name }) => quote(name)).join(", ")}}>`;
    const region = {
      types: parts,
      isIsolated: true,
      terminator: "sdy.return",
      write: (args: readonly Value[]) => {
        this.places = axes;
        try {
          return write(args);
        } finally {
          this.places = null;
        }
      },
    };
    return this.generic("sdy.manual_computation", args, attributes, types, [region]);
  }

  /** An elementwise operation of the dialect whose result has the type of its arguments. */
  elementwise(operation: string, ...args: readonly Operand[]): Value {
    const like = args.find((arg) => typeof arg !== "number") as Value;
    return this.same(
      operation,
      args.map((arg) => typeof arg === "number" ? this.splat(arg, like) : arg),
    );
  }

  /** An operation of the CHLO dialect. */
  chlo(operation: string, ...args: readonly Value[]): Value {
    const types = args.map(showTensor).join(", ");
    const operands = args.map(({ name }) => name).join(", ");
    return this.assign(
      args[0],
      `chlo.${operation} ${operands} : ${types} -> ${showTensor(args[0])}`,
    );
  }

  add(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.add", x, y);
  }

  sub(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.subtract", x, y);
  }

  mul(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.multiply", x, y);
  }

  div(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.divide", x, y);
  }

  neg(x: Value): Value {
    return this.elementwise("stablehlo.negate", x);
  }

  abs(x: Value): Value {
    return this.elementwise("stablehlo.abs", x);
  }

  exp(x: Value): Value {
    return this.elementwise("stablehlo.exponential", x);
  }

  log(x: Value): Value {
    return this.elementwise("stablehlo.log", x);
  }

  max(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.maximum", x, y);
  }

  min(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.minimum", x, y);
  }

  and(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.and", x, y);
  }

  or(x: Operand, y: Operand): Value {
    return this.elementwise("stablehlo.or", x, y);
  }

  not(x: Value): Value {
    return this.elementwise("stablehlo.not", x);
  }

  compare(direction: Direction, x: Value, y: Operand): Value {
    const other = typeof y === "number" ? this.splat(y, x) : y;
    const attributes = `${direction}, ${x.name}, ${other.name}, ${comparisonOf(x.dtype)}`;
    const type: ValueType = { dtype: "bool", shape: x.shape };
    return this.assign(
      type,
      `stablehlo.compare ${attributes} : ` +
        `(${showTensor(x)}, ${showTensor(other)}) -> ${showTensor(type)}`,
    );
  }

  isNan(x: Value): Value {
    return this.compare("NE", x, x);
  }

  select(condition: Value, x: Operand, y: Operand): Value {
    const like = (typeof x === "number" ? y : x) as Value;
    const [first, second] = [x, y].map((one) =>
      typeof one === "number" ? this.splat(one, like) : one
    );
    return this.assign(
      first,
      `stablehlo.select ${condition.name}, ${first.name}, ${second.name} : ` +
        `${showTensor(condition)}, ${showTensor(first)}`,
    );
  }

  convert(x: Value, dtype: Kind): Value {
    if (x.dtype === dtype) return x;
    const converted = this.short("stablehlo.convert", [x], "", { dtype, shape: x.shape });
    this.#sources.set(converted, x);
    return converted;
  }

  /** The value from which a value was converted; `undefined` if it was not. */
  sourceOf(x: Value): Value | undefined {
    return this.#sources.get(x);
  }

  /** The same bits as another type; `shape` differs if the width does. */
  bitcast(x: Value, dtype: Kind, shape: Shape = x.shape): Value {
    return this.short("stablehlo.bitcast_convert", [x], "", { dtype, shape });
  }

  reshape(x: Value, shape: Shape): Value {
    if (sameShape(x.shape, shape)) return x;
    return this.short("stablehlo.reshape", [x], "", { dtype: x.dtype, shape });
  }

  transpose(x: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, i) => axis === i)) return x;
    const shape = permutation.map((axis) => x.shape[axis]);
    return this.short("stablehlo.transpose", [x], `dims = ${list(permutation)}`, {
      dtype: x.dtype,
      shape,
    });
  }

  /** 0, 1, 2, … along an axis. */
  iota(type: ValueType, axis: number): Value {
    return this.assign(type, `stablehlo.iota dim = ${axis} : ${showTensor(type)}`);
  }

  concatenate(parts: readonly Value[], axis: number): Value {
    if (parts.length === 1) return parts[0];
    const length = parts.reduce((sum, { shape }) => sum + shape[axis], 0);
    const shape = parts[0].shape.map((n, i) => i === axis ? length : n);
    return this.short("stablehlo.concatenate", parts, `dim = ${axis}`, {
      dtype: parts[0].dtype,
      shape,
    });
  }

  slice(
    x: Value,
    start: readonly number[],
    stop: readonly number[],
    step: readonly number[] = start.map(() => 1),
  ): Value {
    const shape = start.map((from, i) => Math.ceil((stop[i] - from) / step[i]));
    const shown = start.map((from, i) => `${from}:${stop[i]}${step[i] === 1 ? "" : `:${step[i]}`}`);
    return this.short("stablehlo.slice", [x], ` ${list(shown)}`, { dtype: x.dtype, shape });
  }

  pad(x: Value, value: Value, { low, high, interior }: Padding): Value {
    const shape = x.shape.map((length, i) =>
      low[i] + high[i] + length + Math.max(length - 1, 0) * interior[i]
    );
    return this.short(
      "stablehlo.pad",
      [x, value],
      `low = ${list(low)}, high = ${list(high)}, interior = ${list(interior)}`,
      { dtype: x.dtype, shape },
    );
  }

  reverse(x: Value, axes: readonly number[]): Value {
    return this.assign(x, `stablehlo.reverse ${x.name}, dims = ${list(axes)} : ${showTensor(x)}`);
  }

  /** The block of these sizes at the scalar start positions. */
  dynamicSlice(x: Value, starts: readonly Value[], sizes: readonly number[]): Value {
    if (x.shape.length === 0) return x;
    return this.short("stablehlo.dynamic_slice", [x, ...starts], `sizes = ${list(sizes)}`, {
      dtype: x.dtype,
      shape: sizes,
    });
  }

  /** `x` with a block at the scalar start positions replaced. */
  updateSlice(x: Value, block: Value, starts: readonly Value[]): Value {
    if (x.shape.length === 0) return block;
    return this.short("stablehlo.dynamic_update_slice", [x, block, ...starts], "", x);
  }

  /** Values combined along axes, by operations on scalars. */
  reduce(
    values: readonly Value[],
    initial: readonly Value[],
    axes: readonly number[],
    combine: (x: readonly Value[], y: readonly Value[]) => readonly Value[],
  ): readonly Value[] {
    if (axes.length === 0) return values;
    const types = values.map(({ dtype, shape }) => ({ dtype, shape: withoutAxes(shape, axes) }));
    return this.generic(
      "stablehlo.reduce",
      [...values, ...initial],
      `dimensions = array<i64: ${axes.join(", ")}>`,
      types,
      [combiner(values, combine)],
    );
  }

  /** Values combined along axes by one of the operations on two values of one type. */
  reduceBy(operation: string, x: Value, initial: number, axes: readonly number[]): Value {
    const scalar = this.scalar(initial, x.dtype);
    return this.reduce([x], [scalar], axes, ([a], [b]) => [this.same(operation, [a, b])])[0];
  }

  sum(x: Value, axes: readonly number[]): Value {
    return this.reduceBy("stablehlo.add", x, 0, axes);
  }

  /** Whether all of the flags are true, as a scalar. */
  all(flags: Value): Value {
    return this.reduceBy("stablehlo.and", flags, 1, range(flags.shape.length));
  }

  /** Whether any of the flags is true, as a scalar. */
  any(flags: Value): Value {
    return this.reduceBy("stablehlo.or", flags, 0, range(flags.shape.length));
  }

  /** One value for each row, repeated along the axes that were reduced. */
  spread(rows: Value, shape: Shape, axes: readonly number[]): Value {
    if (rows.shape.length === shape.length) return rows;
    return this.broadcast(
      rows,
      { dtype: rows.dtype, shape },
      withoutAxes(range(shape.length), axes),
    );
  }

  /** One of two lists of values, of which only the selected one is computed. */
  choose(
    condition: Value,
    types: readonly ValueType[],
    yes: () => readonly Value[],
    no: () => readonly Value[],
  ): readonly Value[] {
    return this.generic("stablehlo.if", [condition], "", types, [
      { types: [], write: yes },
      { types: [], write: no },
    ]);
  }

  /** A loop over values that continues while `condition` is true. */
  while(
    initial: readonly Value[],
    condition: (values: readonly Value[]) => Value,
    body: (values: readonly Value[]) => readonly Value[],
  ): readonly Value[] {
    return this.generic("stablehlo.while", initial, "", initial, [
      { types: initial, write: (values) => [condition(values)] },
      { types: initial, write: body },
    ]);
  }

  /** A loop of a known number of steps; `body` receives the number of the step, int32. */
  repeat(
    count: number,
    initial: readonly Value[],
    body: (i: Value, values: readonly Value[]) => readonly Value[],
  ): readonly Value[] {
    const [, ...results] = this.while(
      [this.scalar(0, "int32"), ...initial],
      ([i]) => this.compare("LT", i, count),
      ([i, ...values]) => {
        const next = body(i, values);
        return [this.add(i, 1), ...next];
      },
    );
    return results;
  }
}

/** A region that combines two scalars of each value. */
export function combiner(
  values: readonly ValueType[],
  combine: (x: readonly Value[], y: readonly Value[]) => readonly Value[],
) {
  const scalars = values.map(({ dtype }): ValueType => ({ dtype, shape: [] }));
  return {
    types: [...scalars, ...scalars],
    isIsolated: true,
    write: (args: readonly Value[]) =>
      combine(args.slice(0, values.length), args.slice(values.length)),
  };
}

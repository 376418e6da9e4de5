/**
 * Text of the StableHLO dialect of MLIR, value by value: types, literals, and a writer that assigns
 * names. Version and syntax: https://openxla.org/stablehlo/spec.
 *
 * @module
 */
import { isFloat, isHalf } from "../base/dtype.ts";
import type { Dtype, Elements, RealDtype } from "../base/dtype.ts";
import { encodeHalves } from "../base/half.ts";
import type { Shape } from "../base/shape.ts";
import type { Type } from "../core/tensor.ts";

/** An element type that values in the text may have; the library's dtypes, and others. */
export type Kind = RealDtype | "uint64" | "int64" | "complex64" | "complex128";

/** Whether values are real floats. */
export function isFloatKind(kind: Kind): boolean {
  return kind !== "int64" && kind !== "uint64" && isFloat(kind);
}

/** The type of a value in the text. */
export interface ValueType {
  /** The type of its elements. */
  readonly dtype: Kind;
  /** Its lengths. */
  readonly shape: Shape;
}

/** A value that has a name in the text. */
export interface Value extends ValueType {
  /** The name. */
  readonly name: string;
}

const names: Readonly<Record<Kind, string>> = {
  float32: "f32",
  float64: "f64",
  float16: "f16",
  bfloat16: "bf16",
  int8: "i8",
  uint8: "ui8",
  int16: "i16",
  uint16: "ui16",
  int32: "i32",
  uint32: "ui32",
  int64: "i64",
  uint64: "ui64",
  bool: "i1",
  complex64: "complex<f32>",
  complex128: "complex<f64>",
};

/** A type as text: `tensor<2x3xf32>`. */
export function showTensor({ dtype, shape }: ValueType): string {
  return `tensor<${[...shape, names[dtype]].join("x")}>`;
}

/** A list as text: `[0, 1]`. */
export function list(items: readonly (number | bigint | string)[]): string {
  return `[${items.join(", ")}]`;
}

/** A list of 64-bit integers as an attribute. */
export function array(items: readonly number[]): string {
  return items.length === 0 ? "array<i64>" : `array<i64: ${items.join(", ")}>`;
}

const bits = new DataView(new ArrayBuffer(8));

/** A number as text, exactly. */
export function literal(value: number | bigint, dtype: Kind): string {
  if (dtype === "bool") return value === 0 ? "false" : "true";
  if (typeof value === "bigint" || !isFloatKind(dtype)) return String(value);
  if (Number.isFinite(value)) {
    const text = Object.is(value, -0) ? "-0" : String(value);
    // Literals of floats always have a point.
    const [mantissa, exponent] = text.split("e");
    const pointed = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
    return exponent === undefined ? pointed : `${pointed}e${exponent}`;
  }
  if (dtype === "float16" || dtype === "bfloat16") {
    return `0x${encodeHalves([value], dtype)[0].toString(16).toUpperCase().padStart(4, "0")}`;
  }
  if (dtype === "float32") {
    bits.setFloat32(0, value);
    return `0x${bits.getUint32(0).toString(16).toUpperCase().padStart(8, "0")}`;
  }
  bits.setFloat64(0, value);
  return `0x${bits.getBigUint64(0).toString(16).toUpperCase().padStart(16, "0")}`;
}

/** Elements as nested lists of literals. */
function nested(elements: Elements, { dtype, shape }: ValueType): string {
  let next = 0;
  const part = (axis: number): string =>
    axis === shape.length
      ? literal(elements[next++], dtype)
      : `[${Array.from({ length: shape[axis] }, () => part(axis + 1)).join(", ")}]`;
  return part(0);
}

/** From this number of elements on, they are written as bytes. */
const LONG = 256;

/** Elements as bytes, little-endian. */
function hexOf(numbers: Elements, dtype: Dtype): string {
  const elements = isHalf(dtype) ? encodeHalves(numbers, dtype) : numbers;
  const size = elements.BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(elements.byteLength));
  const write = elements instanceof Float32Array
    ? view.setFloat32
    : elements instanceof Float64Array
    ? view.setFloat64
    : size === 4
    ? view.setInt32
    : size === 2
    ? view.setInt16
    : view.setInt8;
  elements.forEach((value, i) => write.call(view, i * size, value, true));
  const bytes = new Uint8Array(view.buffer);
  return `"0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
}

/** The values of a region by keys: later lines of it, and of nested regions, may use them again. */
class Scope {
  readonly constants = new Map<string, Value>();
  readonly outer: Scope | null;

  constructor(outer: Scope | null) {
    this.outer = outer;
  }

  find(key: string): Value | undefined {
    return this.constants.get(key) ?? this.outer?.find(key);
  }
}

/** Writes one function, line by line. */
export class Writer {
  #lines: string[] = [];
  #indent = "    ";
  #count = 0;
  #scope = new Scope(null);
  /** For values that repeat others along new axes, the repeated value. */
  readonly repeats = new Map<string, { readonly of: Value; readonly axes: readonly number[] }>();

  /** Values that are not NaN, or may be replaced by any number where they are. */
  readonly sound = new Set<string>();

  /** The lines so far. */
  get text(): string {
    return this.#lines.join("\n");
  }

  /** Adds a line. */
  line(text: string): void {
    this.#lines.push(this.#indent + text);
  }

  /** A unique name. */
  fresh(): string {
    return `%${this.#count++}`;
  }

  /** A value with a name of its own. */
  declare(type: ValueType): Value {
    return { name: this.fresh(), dtype: type.dtype, shape: type.shape };
  }

  /** `%n = text`. */
  assign(type: ValueType, text: string): Value {
    const value = this.declare(type);
    this.line(`${value.name} = ${text}`);
    return value;
  }

  /** An operation whose arguments and result have the same type, in its short form. */
  same(operation: string, args: readonly Value[], type: ValueType = args[0]): Value {
    const operands = args.map(({ name }) => name).join(", ");
    return this.assign(type, `${operation} ${operands} : ${showTensor(type)}`);
  }

  /** An operation in its short form, with attributes between its arguments and its type. */
  short(
    operation: string,
    args: readonly Value[],
    attributes: string,
    type: ValueType,
  ): Value {
    const operands = args.map(({ name }) => name).join(", ");
    const separator = attributes === "" || attributes.startsWith(" ") ? "" : ", ";
    return this.assign(
      type,
      `${operation} ${operands}${separator}${attributes} : ${signature(args, [type])}`,
    );
  }

  /** An operation in its generic form, with regions that receive values of `inner` types. */
  generic(
    operation: string,
    args: readonly Value[],
    attributes: string,
    types: readonly ValueType[],
    regions: readonly Region[] = [],
  ): readonly Value[] {
    const operands = args.map(({ name }) => name).join(", ");
    const results = types.map((type, i) => ({ ...type, name: `#${i}` }));
    const head = types.length === 0 ? "" : `${this.fresh()}`;
    const count = types.length > 1 ? `:${types.length}` : "";
    const assigned = types.length === 0 ? "" : `${head}${count} = `;
    const shownAttributes = attributes === "" ? "" : ` {${attributes}}`;
    const shownTypes = ` : ${signature(args, types)}`;
    if (regions.length === 0) {
      this.line(`${assigned}"${operation}"(${operands})${shownAttributes}${shownTypes}`);
    } else {
      this.line(`${assigned}"${operation}"(${operands}) ({`);
      regions.forEach((region, i) => {
        this.#region(region);
        this.line(i + 1 < regions.length ? "}, {" : `})${shownAttributes}${shownTypes}`);
      });
    }
    return results.map((type, i) => ({
      ...type,
      name: types.length > 1 ? `${head}#${i}` : head,
    }));
  }

  /** The lines of a region. */
  #region({ types, write, isIsolated, terminator = "stablehlo.return" }: Region): void {
    const scope = this.#scope;
    const indent = this.#indent;
    this.#scope = new Scope(isIsolated === true ? null : scope);
    this.#indent = `${indent}  `;
    const args = types.map((type) => this.declare(type));
    if (args.length > 0) {
      const shown = args.map((arg) => `${arg.name}: ${showTensor(arg)}`);
      this.#lines.push(`${indent}^bb0(${shown.join(", ")}):`);
    }
    const results = write(args);
    const shown = results.length === 0
      ? ""
      : ` ${results.map(({ name }) => name).join(", ")} : ${results.map(showTensor).join(", ")}`;
    this.line(`${terminator}${shown}`);
    this.#scope = scope;
    this.#indent = indent;
  }

  /** Returns the result of `make`, which is called once for each key in every scope. */
  #once(key: string, make: () => Value): Value {
    let value = this.#scope.find(key);
    if (value === undefined) this.#scope.constants.set(key, value = make());
    return value;
  }

  /** A number as a scalar. */
  scalar(value: number | bigint, dtype: Kind): Value {
    const type = { dtype, shape: [] };
    const text = literal(value, dtype);
    return this.#once(
      `${dtype} ${text}`,
      () => this.assign(type, `stablehlo.constant dense<${text}> : ${showTensor(type)}`),
    );
  }

  /** A number everywhere. */
  splat(value: number | bigint, type: ValueType): Value {
    const scalar = this.scalar(value, type.dtype);
    const result = type.shape.length === 0 ? scalar : this.#once(
      `${scalar.name} ${showTensor(type)}`,
      () => this.broadcast(scalar, type, []),
    );
    if (!Number.isNaN(value)) this.sound.add(result.name);
    return result;
  }

  /** Elements as part of the text. */
  constant(elements: Elements, type: Type): Value {
    if (elements.length === 1) return this.splat(elements[0], type);
    const isLong = elements.length > LONG && type.dtype !== "bool";
    const text = elements.length === 0
      ? ""
      : isLong
      ? hexOf(elements, type.dtype)
      : nested(elements, type);
    return this.assign(type, `stablehlo.constant dense<${text}> : ${showTensor(type)}`);
  }

  /** Repetition along new axes. */
  broadcast(x: Value, type: ValueType, axes: readonly number[]): Value {
    const result = this.short("stablehlo.broadcast_in_dim", [x], `dims = ${list(axes)}`, {
      dtype: x.dtype,
      shape: type.shape,
    });
    this.repeats.set(result.name, { of: x, axes });
    return result;
  }
}

/** Lines within an operation, with results of their own. */
export interface Region {
  /** The types of its arguments. */
  readonly types: readonly ValueType[];
  /** Writes the lines and returns the results. */
  readonly write: (args: readonly Value[]) => readonly Value[];
  /** Whether it may use only its arguments. */
  readonly isIsolated?: boolean;
  /** The operation that returns results: by default `stablehlo.return`. */
  readonly terminator?: string;
}

function signature(args: readonly ValueType[], results: readonly ValueType[]): string {
  const shown = results.map(showTensor);
  const after = shown.length === 1 ? shown[0] : `(${shown.join(", ")})`;
  return `(${args.map(showTensor).join(", ")}) -> ${after}`;
}

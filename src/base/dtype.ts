/**
 * The element types of tensors, their promotion, and the typed arrays that hold them.
 *
 * @module
 */
import { dtypeError } from "./errors.ts";

/** The element type of a tensor. */
export type Dtype = "float32" | "float64" | "int32" | "uint32" | "bool";

/** A typed array that holds a tensor's elements; `bool` is held as bytes of 0 and 1. */
export type Elements = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** The same typed array over memory of its own, which nothing else shares. */
export type Unshared<Values extends Elements> = Values extends Float32Array
  ? Float32Array<ArrayBuffer>
  : Values extends Float64Array ? Float64Array<ArrayBuffer>
  : Values extends Int32Array ? Int32Array<ArrayBuffer>
  : Values extends Uint32Array ? Uint32Array<ArrayBuffer>
  : Uint8Array<ArrayBuffer>;

/** Every dtype, narrowest category first. */
export const DTYPES: readonly Dtype[] = ["bool", "int32", "uint32", "float32", "float64"];

/** The floating-point dtypes, one of which numbers take when nothing else decides. */
export type FloatDtype = "float32" | "float64";

let floatDtype: FloatDtype = "float32";

/** The dtype of a JavaScript number that meets no tensor, and of what is made without one. */
export function defaultFloat(): FloatDtype {
  return floatDtype;
}

/** Chooses what `defaultFloat` gives from now on. */
export function setDefaultFloat(dtype: FloatDtype): void {
  floatDtype = dtype;
}

/** A dtype's category: promotion goes to the higher category first. */
export type Category = "bool" | "integer" | "float";

/** The category of `dtype`. */
export function categoryOf(dtype: Dtype): Category {
  switch (dtype) {
    case "bool":
      return "bool";
    case "int32":
    case "uint32":
      return "integer";
    case "float32":
    case "float64":
      return "float";
  }
}

/** Whether `dtype` is a floating-point type, the only kind that has derivatives. */
export function isFloat(dtype: Dtype): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** The largest finite number of each floating-point type. */
export const LARGEST_FINITE = {
  float32: (2 - 2 ** -23) * 2 ** 127,
  float64: Number.MAX_VALUE,
} as const;

/** Whether `dtype` is a signed or unsigned integer type. */
export function isInteger(dtype: Dtype): boolean {
  return dtype === "int32" || dtype === "uint32";
}

/** Bytes per element of `dtype`. */
export function byteSize(dtype: Dtype): number {
  return dtype === "float64" ? 8 : dtype === "bool" ? 1 : 4;
}

/** A zero-filled array of `length` elements of `dtype`. */
export function allocate(dtype: Dtype, length: number): Elements {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "uint32":
      return new Uint32Array(length);
    case "bool":
      return new Uint8Array(length);
  }
}

/**
 * The dtype that two dtypes meet in: the higher category, and within one category the wider type.
 * `int32` and `uint32` do not meet, as in PyTorch: neither holds the other's values.
 *
 * @param what Begins the message when they do not meet: "Cannot add".
 */
export function promoteDtypes(a: Dtype, b: Dtype, what = "Cannot promote"): Dtype {
  if (a === b) return a;
  const categoryA = categoryOf(a);
  const categoryB = categoryOf(b);
  if (categoryA !== categoryB) {
    return categoryA === "float" || categoryB === "bool" ? a : b;
  }
  if (categoryA === "float") return "float64";
  throw dtypeError(`${what} ${a} and ${b}: no integer dtype holds both; convert one with astype`);
}

/**
 * The dtype that the JavaScript value `scalar` takes when it meets a tensor of type `dtype`: that
 * very dtype, unless its category is too low to hold the value.
 *
 * @param what Begins the message when an integer does not fit an integer dtype: "Cannot add".
 */
export function scalarDtype(
  scalar: number | boolean,
  dtype: Dtype,
  what = "Cannot promote",
): Dtype {
  if (typeof scalar === "boolean" || isFloat(dtype)) return dtype;
  if (!Number.isInteger(scalar)) return defaultFloat();
  const integer = dtype === "bool" ? "int32" : dtype;
  const [low, high] = integer === "int32" ? [-0x80000000, 0x7fffffff] : [0, 0xffffffff];
  if (scalar >= low && scalar <= high) return integer;
  throw dtypeError(
    `${what} ${dtype} and ${scalar}: ${integer} holds integers from ${low} to ${high}; ` +
      `convert the tensor with astype`,
  );
}

/**
 * In words, what of a JavaScript number decides the dtype in which it meets tensors: `scalarDtype`
 * does the same, or refuses alike, for all numbers of one kind.
 */
export function numberKind(value: number): string {
  if (!Number.isInteger(value)) return "not an integer";
  if (value < -0x80000000 || value > 0xffffffff) return "an integer beyond 32 bits";
  if (value < 0) return "an integer from -2147483648 to -1";
  return value <= 0x7fffffff
    ? "an integer from 0 to 2147483647"
    : "an integer from 2147483648 to 4294967295";
}

/** Throws unless `value` names a dtype. */
export function checkDtype(value: unknown): asserts value is Dtype {
  if (!DTYPES.includes(value as Dtype)) {
    throw dtypeError(
      `Cannot use ${describeValue(value)} as a dtype: expected one of ${DTYPES.join(", ")}`,
    );
  }
}

/** Where a value holds its own printed form for messages, with what to do instead of passing it. */
export const DESCRIPTION: unique symbol = Symbol("description");

/** Where a tensor says which copy of the library made it; all copies know the name. */
export const COPY: unique symbol = Symbol.for("@jacobi/jacobi.copy");

/** Stands for this copy of the library. */
export const THIS_COPY: object = {};

/** Whether a value is a tensor that another copy of the library has made. */
export function isForeignTensor(value: unknown): boolean {
  const copy = (value as { readonly [COPY]?: unknown } | null | undefined)?.[COPY];
  return copy !== undefined && copy !== THIS_COPY;
}

/** A short printed form of any value, for messages. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  }
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return value.toString();
  if (Array.isArray(value)) {
    if (value.length > 8) return `array of ${value.length}`;
    return `[${value.map((x) => (Array.isArray(x) ? "[…]" : describeValue(x))).join(", ")}]`;
  }
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (value !== null && typeof value === "object") {
    if (DESCRIPTION in value) return String(value[DESCRIPTION]);
    const { dtype, shape } = value as { dtype?: unknown; shape?: unknown };
    if (Array.isArray(shape) && DTYPES.includes(dtype as Dtype)) {
      return `${dtype}[${shape}]${isForeignTensor(value) ? " of another copy of Jacobi" : ""}`;
    }
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return name === undefined || name === "Object" ? "object" : name;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

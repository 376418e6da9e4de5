/**
 * The element types of tensors, their promotion, and the typed arrays that hold them.
 *
 * @module
 */
import { dtypeError, internalError } from "./errors.ts";

/**
 * The element type of a tensor whose elements are in one typed array.
 *
 * @category Tensors
 */
export type RealDtype =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64";

/**
 * The element type of a complex tensor, which is a pair of tensors of floats.
 *
 * @category Tensors
 */
export type ComplexDtype = "complex64" | "complex128";

/**
 * The element type of a tensor.
 *
 * @category Tensors
 */
export type Dtype = RealDtype | ComplexDtype;

/** A floating-point dtype of 16 bits. */
export type HalfDtype = "float16" | "bfloat16";

/**
 * A typed array that holds a tensor's elements; `bool` is held as bytes of 0 and 1, and half floats as
 * their 16 bits.
 *
 * @category Tensors
 */
export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/**
 * The same typed array with memory that is not shared.
 *
 * @category Tensors
 */
export type Unshared<Values extends Elements> = Values extends Float32Array
  ? Float32Array<ArrayBuffer>
  : Values extends Float64Array ? Float64Array<ArrayBuffer>
  : Values extends Int8Array ? Int8Array<ArrayBuffer>
  : Values extends Int16Array ? Int16Array<ArrayBuffer>
  : Values extends Uint16Array ? Uint16Array<ArrayBuffer>
  : Values extends Int32Array ? Int32Array<ArrayBuffer>
  : Values extends Uint32Array ? Uint32Array<ArrayBuffer>
  : Uint8Array<ArrayBuffer>;

/** A dtype's category: the higher category takes precedence in promotion. */
export type Category = "bool" | "integer" | "float" | "complex";

/** The properties of a dtype. */
interface Facts {
  readonly category: Category;
  /** Bytes of an element in a tensor. */
  readonly bytes: number;
  /** Creates the array for the elements of a tensor: zeros, or a view of a buffer, by default all of it. */
  readonly hold: (content: number | ArrayBufferLike, start?: number, length?: number) => Elements;
  /** The dtype for computations; the results are rounded, or reduced modulo its range. */
  readonly wide: Dtype;
  /** The smallest and the largest finite number. */
  readonly range: readonly [number, number];
  /** For floats: the number of bits of the significand, and the exponent of the smallest normal number. */
  readonly fraction: number;
  readonly leastExponent: number;
}

function discrete(
  category: Category,
  bytes: number,
  hold: Facts["hold"],
  wide: Dtype,
  low: number,
): Facts {
  const high = category === "bool" ? 1 : low + 2 ** (8 * bytes) - 1;
  return { category, bytes, hold, wide, range: [low, high], fraction: 0, leastExponent: 0 };
}

function floating(
  bytes: number,
  hold: Facts["hold"],
  wide: Dtype,
  fraction: number,
  leastExponent: number,
): Facts {
  const high = (2 - 2 ** -fraction) * 2 ** (1 - leastExponent);
  return { category: "float", bytes, hold, wide, range: [-high, high], fraction, leastExponent };
}

/** Pairs of floats, which have no array of their own. */
function pairs(part: Facts, wide: Dtype): Facts {
  const hold = () => {
    throw internalError(`${wide} has no elements of its own`);
  };
  return { ...part, category: "complex", bytes: 2 * part.bytes, hold, wide };
}

// Separate functions, since the engine compiles each for one class of arrays.
type Content = ArrayBufferLike;
const HOLD = {
  int8: (x, start, length) => new Int8Array(x as Content, start, length),
  uint8: (x, start, length) => new Uint8Array(x as Content, start, length),
  int16: (x, start, length) => new Int16Array(x as Content, start, length),
  uint16: (x, start, length) => new Uint16Array(x as Content, start, length),
  int32: (x, start, length) => new Int32Array(x as Content, start, length),
  uint32: (x, start, length) => new Uint32Array(x as Content, start, length),
  float32: (x, start, length) => new Float32Array(x as Content, start, length),
  float64: (x, start, length) => new Float64Array(x as Content, start, length),
} satisfies Record<string, Facts["hold"]>;

/** The same for dtypes with elements of their own. */
const REAL: Readonly<Record<RealDtype, Facts>> = {
  bool: discrete("bool", 1, HOLD.uint8, "bool", 0),
  int8: discrete("integer", 1, HOLD.int8, "int32", -(2 ** 7)),
  uint8: discrete("integer", 1, HOLD.uint8, "int32", 0),
  int16: discrete("integer", 2, HOLD.int16, "int32", -(2 ** 15)),
  uint16: discrete("integer", 2, HOLD.uint16, "int32", 0),
  int32: discrete("integer", 4, HOLD.int32, "int32", -(2 ** 31)),
  uint32: discrete("integer", 4, HOLD.uint32, "uint32", 0),
  float16: floating(2, HOLD.uint16, "float32", 10, -14),
  bfloat16: floating(2, HOLD.uint16, "float32", 7, -126),
  float32: floating(4, HOLD.float32, "float32", 23, -126),
  float64: floating(8, HOLD.float64, "float64", 52, -1022),
};

/** The properties of each dtype, narrowest category first. */
const FACTS: Readonly<Record<Dtype, Facts>> = {
  ...REAL,
  complex64: pairs(REAL.float32, "complex64"),
  complex128: pairs(REAL.float64, "complex128"),
};

/** Every dtype of tensors with elements of their own, narrowest category first. */
export const DTYPES = Object.keys(REAL) as readonly RealDtype[];

/** Every dtype, narrowest category first. */
export const ALL_DTYPES = Object.keys(FACTS) as readonly Dtype[];

/**
 * The floating-point dtypes, one of which is the default for numbers.
 *
 * @category Tensors
 */
export type FloatDtype = "float32" | "float64";

let floatDtype: FloatDtype = "float32";

/** The properties of `dtype`; throws if it is not a dtype. */
function factsOf(dtype: Dtype): Facts {
  const facts = FACTS[dtype];
  if (facts === undefined) checkDtype(dtype);
  return facts;
}

/**
 * The default dtype of a JavaScript number that is not combined with a tensor, and of tensors created
 * without one.
 */
export function defaultFloat(): FloatDtype {
  return floatDtype;
}

/** Sets the value returned by `defaultFloat`. */
export function setDefaultFloat(dtype: FloatDtype): void {
  floatDtype = dtype;
}

/** The category of `dtype`. */
export function categoryOf(dtype: Dtype): Category {
  return factsOf(dtype).category;
}

/** Whether `dtype` is a floating-point type, the only kind that has derivatives. */
export function isFloat(dtype: Dtype): boolean {
  return factsOf(dtype).category === "float";
}

/** Whether `dtype` is a complex type. */
export function isComplex(dtype: Dtype): dtype is ComplexDtype {
  return dtype === "complex64" || dtype === "complex128";
}

/** Whether `dtype` is a floating-point or complex type. */
export function isInexact(dtype: Dtype): boolean {
  return isFloat(dtype) || isComplex(dtype);
}

/** The dtype of the parts of a complex dtype; every other dtype itself. */
export function partDtype(dtype: Dtype): RealDtype {
  return dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;
}

/** The complex dtype whose parts can hold numbers of this dtype; integers are treated as float32. */
export function complexDtype(part: Dtype): ComplexDtype {
  return part === "float64" || part === "complex128" ? "complex128" : "complex64";
}

/** Whether `dtype` is a floating-point type of 16 bits. */
export function isHalf(dtype: Dtype): dtype is HalfDtype {
  return dtype === "float16" || dtype === "bfloat16";
}

/** Whether `dtype` is a signed or unsigned integer type. */
export function isInteger(dtype: Dtype): boolean {
  return factsOf(dtype).category === "integer";
}

/** The dtype for computations with `dtype`: itself, unless it is narrower than 32 bits. */
export function wideDtype(dtype: Dtype): Dtype {
  return factsOf(dtype).wide;
}

/** Whether computations with `dtype` use a wider one. */
export function isNarrow(dtype: Dtype): boolean {
  return factsOf(dtype).wide !== dtype;
}

/** The dtype of sums and products of many elements, as in JAX: integers have at least 32 bits. */
export function sumDtype(dtype: Dtype): Dtype {
  const { category, range: [low] } = factsOf(dtype);
  if (isInexact(dtype) || dtype === "uint32") return dtype;
  return category === "integer" && low === 0 ? "uint32" : "int32";
}

/** The smallest and the largest finite number of `dtype`. */
export function rangeOf(dtype: Dtype): readonly [low: number, high: number] {
  return factsOf(dtype).range;
}

/** The largest finite number of a floating-point dtype. */
export function largestFinite(dtype: Dtype): number {
  return factsOf(dtype).range[1];
}

/** The smallest normal number of a floating-point dtype. */
export function leastNormal(dtype: Dtype): number {
  return 2 ** factsOf(dtype).leastExponent;
}

/** The number of bits of the significand of a floating-point dtype. */
export function fractionBits(dtype: Dtype): number {
  return factsOf(dtype).fraction;
}

/** The difference between 1 and the next larger number of a floating-point dtype. */
export function epsilonOf(dtype: Dtype): number {
  return 2 ** -factsOf(dtype).fraction;
}

/** Bytes per element of `dtype`. */
export function byteSize(dtype: Dtype): number {
  return factsOf(dtype).bytes;
}

/** A buffer as an array of stored elements of `dtype`. */
export function storedView(dtype: Dtype, buffer: ArrayBufferLike): Elements {
  return factsOf(dtype).hold(buffer);
}

/** Arrays up to this number of bytes share a buffer with others of their size. */
const SMALL = 4096;

/**
 * The number of arrays that share a buffer, within these limits of its bytes: all of it is retained as
 * long as one of them is in use.
 */
const SHARERS = 16;
const FEWEST = 1024;
const MOST = 8192;

/**
 * For each power of two, the buffer with space for arrays of that many bytes, and the position of the
 * next array in it.
 */
const rooms: { buffer: ArrayBuffer; next: number }[] = [];

/**
 * A zero-filled array that stores `length` elements of `dtype`. Allocating a buffer for a small array
 * takes longer than the rest of an operation, so small arrays share one: 0.3 us against 0.05 on two
 * busy cores with Deno 2.9.6 (group "small arrays" of `deno bench bench/thresholds_bench.ts`).
 */
export function allocateStored(dtype: Dtype, length: number): Elements {
  const { bytes, hold } = factsOf(dtype);
  const size = bytes * length;
  if (!(size > 0 && size <= SMALL)) return hold(length);
  // At least 8, so that an array of any dtype may begin after it.
  const power = Math.max(3, 32 - Math.clz32(size - 1));
  let room = rooms[power];
  if (room === undefined || room.next === room.buffer.byteLength) {
    room = { buffer: new ArrayBuffer(Math.min(Math.max(SHARERS << power, FEWEST), MOST)), next: 0 };
    rooms[power] = room;
  }
  const start = room.next;
  room.next += 1 << power;
  return hold(room.buffer, start, length);
}

/**
 * A zero-filled array of numbers that become elements of `dtype`; those of half floats are rounded,
 * once, by the tensor that is made from them.
 */
export function allocate(dtype: Dtype, length: number): Elements {
  return isHalf(dtype) ? new Float64Array(length) : allocateStored(dtype, length);
}

/**
 * The promoted dtype of two dtypes, by the table of JAX: the higher category, and within one category
 * the narrowest type that holds the values of both. `uint32` has no common dtype with signed integers:
 * there is no integer dtype of more than 32 bits.
 *
 * @param what The start of the message when they have no common dtype: "Cannot add".
 */
export function promoteDtypes(a: Dtype, b: Dtype, what = "Cannot promote"): Dtype {
  if (a === b) return a;
  if (isComplex(a) || isComplex(b)) {
    return complexDtype([a, b].map(partDtype).includes("float64") ? "float64" : "float32");
  }
  const [first, second] = [factsOf(a), factsOf(b)];
  if (first.category !== second.category) {
    return first.category === "float" || second.category === "bool" ? a : b;
  }
  const low = Math.min(first.range[0], second.range[0]);
  const high = Math.max(first.range[1], second.range[1]);
  const fraction = Math.max(first.fraction, second.fraction);
  const common = DTYPES.find((dtype) => {
    const { category, range, fraction: own } = factsOf(dtype);
    return category === first.category && range[0] <= low && range[1] >= high && own >= fraction;
  });
  if (common !== undefined) return common;
  throw dtypeError(`${what} ${a} and ${b}: no integer dtype holds both; convert one with astype`);
}

/**
 * The dtype that the JavaScript value `scalar` takes when it is combined with a tensor of type `dtype`:
 * that dtype, unless its category is too low to hold the value.
 *
 * @param what The start of the message when an integer does not fit an integer dtype: "Cannot add".
 */
export function scalarDtype(
  scalar: number | boolean,
  dtype: Dtype,
  what = "Cannot promote",
): Dtype {
  if (typeof scalar === "boolean" || isInexact(dtype)) return partDtype(dtype);
  if (!Number.isInteger(scalar)) return defaultFloat();
  const integer = dtype === "bool" ? "int32" : dtype;
  const [low, high] = rangeOf(integer);
  if (scalar >= low && scalar <= high) return integer;
  throw dtypeError(
    `${what} ${dtype} and ${scalar}: ${integer} holds integers from ${low} to ${high}; ` +
      `convert the tensor with astype`,
  );
}

/** The bounds of the ranges of integer dtypes: those of 32 bits, and all. */
const BOUNDS_32 = [-(2 ** 31), 0, 2 ** 31, 2 ** 32];
const BOUNDS = [
  -(2 ** 31),
  -(2 ** 15),
  -(2 ** 7),
  0,
  2 ** 7,
  2 ** 8,
  2 ** 15,
  2 ** 16,
  2 ** 31,
  2 ** 32,
];

/**
 * A text for the kind of a JavaScript number, which determines its dtype in combination with tensors:
 * `scalarDtype` gives the same result, or the same error, for all numbers of one kind.
 *
 * @param isNarrow Whether it is also combined with integers of less than 32 bits.
 */
export function numberKind(value: number, isNarrow: boolean): string {
  if (!Number.isInteger(value)) return "not an integer";
  const bounds = isNarrow ? BOUNDS : BOUNDS_32;
  const next = bounds.findIndex((bound) => value < bound);
  if (next <= 0) return "an integer beyond 32 bits";
  return `an integer from ${bounds[next - 1]} to ${bounds[next] - 1}`;
}

/** Throws unless `value` is the name of a dtype. */
export function checkDtype(value: unknown): asserts value is Dtype {
  if (!ALL_DTYPES.includes(value as Dtype)) {
    throw dtypeError(
      `Cannot use ${describeValue(value)} as a dtype: expected one of ${ALL_DTYPES.join(", ")}`,
    );
  }
}

/** The property with the printed form of a value for messages, with what to do instead of passing it. */
export const DESCRIPTION: unique symbol = Symbol("description");

/**
 * The property with which a tensor identifies the copy of the library that made it; it has the same
 * name in all copies.
 */
export const COPY: unique symbol = Symbol.for("@jacobi/jacobi.copy");

/** Identifies this copy of the library. */
export const THIS_COPY: object = {};

/** Whether a value is a tensor made by another copy of the library. */
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
    if (Array.isArray(shape) && ALL_DTYPES.includes(dtype as Dtype)) {
      return `${dtype}[${shape}]${isForeignTensor(value) ? " of another copy of Jacobi" : ""}`;
    }
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return name === undefined || name === "Object" ? "object" : name;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

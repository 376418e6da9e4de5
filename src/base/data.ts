/**
 * Comparison of data by value. The plain parts of data are primitives, arrays, records, maps, sets,
 * dates and typed arrays. Everything else, such as functions, instances of classes and objects that are
 * keys of maps, is compared by identity.
 *
 * All differences that a function could observe count: between `NaN` and `null`, `-0` and `0`,
 * `undefined` and missing properties, and different orders of the same keys.
 *
 * @module
 */

/** The kinds of plain data. */
export type Kind = "primitive" | "array" | "record" | "typed array" | "map" | "set" | "date";

type TypedArray = ArrayBufferView & ArrayLike<number | bigint>;

/** The maximum depth of data; deeper data, which may contain itself, is compared by identity. */
const MAX_DEPTH = 100;

/** The prototypes of typed arrays; subclasses have other prototypes. */
const typedPrototypes: ReadonlySet<unknown> = new Set(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    (globalThis as { Float16Array?: { readonly prototype: unknown } }).Float16Array,
  ].flatMap((type) => type === undefined ? [] : [type.prototype]),
);

/**
 * The kind of plain data that a value is, regardless of its parts; `null` for a value with an identity
 * only.
 */
function kindOf(value: unknown): Kind | null {
  if (typeof value === "function") return null;
  if (typeof value !== "object" || value === null) return "primitive";
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return "record";
  if (prototype === Array.prototype) return Array.isArray(value) ? "array" : null;
  if (typedPrototypes.has(prototype)) return "typed array";
  if (prototype === Map.prototype) return "map";
  if (prototype === Set.prototype) return "set";
  return prototype === Date.prototype ? "date" : null;
}

/**
 * The same, but a record with hidden properties and an array with named properties are compared by
 * identity.
 */
function strictKindOf(value: unknown): Kind | null {
  const kind = kindOf(value);
  if (kind === "record") {
    return Reflect.ownKeys(value as object).length === Object.keys(value as object).length
      ? kind
      : null;
  }
  if (kind !== "array") return kind;
  const array = value as readonly unknown[];
  if (Object.getOwnPropertySymbols(array).length > 0) return null;
  // Names follow all positions.
  const last = Object.keys(array).at(-1);
  return last === undefined || String(Number(last) >>> 0) === last ? kind : null;
}

const identities = new WeakMap<WeakKey, number>();
let nextIdentity = 0;

/** A text that identifies an object or a symbol uniquely for its lifetime. */
export function identityOf(value: WeakKey): string {
  if (typeof value === "symbol" && Symbol.keyFor(value) !== undefined) return String(value);
  let identity = identities.get(value);
  if (identity === undefined) identities.set(value, identity = nextIdentity++);
  return `#${identity}`;
}

/**
 * A text that is equal for two values only if they are the same data. Plain JSON has the form of JSON.
 *
 * @param value Any value. Hidden properties of records and named properties of arrays are ignored.
 * @param other The text for a value that is compared by identity.
 */
export function encode(value: unknown, other: (value: WeakKey) => string = identityOf): string {
  return write(value, other, 0);
}

function write(value: unknown, other: (value: WeakKey) => string, depth: number): string {
  switch (typeof value) {
    case "number":
      return showNumber(value);
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
    case "symbol":
      return other(value);
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  const kind = depth < MAX_DEPTH ? kindOf(value) : null;
  const part = (one: unknown) => write(one, other, depth + 1);
  switch (kind) {
    case "array":
      return `[${Array.from(value as unknown[], (one, i) => i in value ? part(one) : "empty")}]`;
    case "record": {
      const entries = Object.entries(value).map(([key, one]) =>
        `${JSON.stringify(key)}:${part(one)}`
      );
      return `${Object.getPrototypeOf(value) === null ? "null" : ""}{${entries}}`;
    }
    case "typed array":
      return `${value.constructor.name}[${Array.from(value as TypedArray, part)}]`;
    case "map": {
      const entries = Array.from(
        value as Map<unknown, unknown>,
        ([key, one]) => `${writeKey(key, other)}:${part(one)}`,
      );
      return `Map{${entries}}`;
    }
    case "set":
      return `Set{${Array.from(value as Set<unknown>, (key) => writeKey(key, other))}}`;
    case "date":
      return `Date(${Number(value)})`;
    default:
      return other(value);
  }
}

/** Maps look up objects by identity. */
function writeKey(key: unknown, other: (value: WeakKey) => string): string {
  return typeof key === "object" && key !== null ? other(key) : write(key, other, 0);
}

/** A number in a unique form. */
export function showNumber(value: number | bigint): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The first difference between two values. */
export interface DataDifference {
  /** The path to it: keys of records and positions in arrays. */
  readonly path: (string | number)[];
  /** The value in the first one. */
  readonly before: unknown;
  /** The value in the other one. */
  readonly now: unknown;
}

/** Whether two values are the same data. */
export function sameData(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || firstDataDifference(a, b) === null;
}

/** The first difference between two values as data, or `null` if there is none. */
export function firstDataDifference(
  before: unknown,
  now: unknown,
  depth: number = 0,
): DataDifference | null {
  if (Object.is(before, now)) return null;
  const here = { path: [], before, now };
  if (typeof before !== "object" || typeof now !== "object" || depth >= MAX_DEPTH) return here;
  const kind = strictKindOf(before);
  if (kind === null || kind === "primitive" || strictKindOf(now) !== kind) return here;
  if (Object.getPrototypeOf(before) !== Object.getPrototypeOf(now)) return here;
  const inside = (key: string | number, a: unknown, b: unknown): DataDifference | null => {
    const found = firstDataDifference(a, b, depth + 1);
    found?.path.unshift(key);
    return found;
  };
  switch (kind) {
    case "array": {
      const [a, b] = [before as unknown[], now as unknown[]];
      if (a.length !== b.length) return here;
      for (let i = 0; i < a.length; i++) {
        if (i in a !== i in b) return here;
        const found = Object.is(a[i], b[i]) ? null : inside(i, a[i], b[i]);
        if (found !== null) return found;
      }
      return null;
    }
    case "record": {
      const [a, b] = [before as Record<string, unknown>, now as Record<string, unknown>];
      const [keys, others] = [Object.keys(a), Object.keys(b)];
      if (keys.length !== others.length || keys.some((key, i) => key !== others[i])) return here;
      for (const key of keys) {
        const found = inside(key, a[key], b[key]);
        if (found !== null) return found;
      }
      return null;
    }
    case "typed array": {
      const [a, b] = [before as TypedArray, now as TypedArray];
      if (a.length !== b.length) return here;
      for (let i = 0; i < a.length; i++) {
        if (!Object.is(a[i], b[i])) return { path: [i], before: a[i], now: b[i] };
      }
      return null;
    }
    case "map": {
      const [a, b] = [[...before as Map<unknown, unknown>], [...now as Map<unknown, unknown>]];
      if (a.length !== b.length || a.some(([key], i) => !Object.is(key, b[i][0]))) return here;
      return a.every(([, value], i) => sameAt(depth, value, b[i][1])) ? null : here;
    }
    case "set": {
      const [a, b] = [[...before as Set<unknown>], [...now as Set<unknown>]];
      return a.length === b.length && a.every((key, i) => Object.is(key, b[i])) ? null : here;
    }
    case "date":
      return Object.is(Number(before), Number(now)) ? null : here;
  }
}

function sameAt(depth: number, a: unknown, b: unknown): boolean {
  return firstDataDifference(a, b, depth + 1) === null;
}

/** Indicates that data is too large or too deep to be compared by value. */
class TooMuch extends Error {}

/** The number of elements of a typed array that count as one value, since they are compared faster. */
const ELEMENTS_AS_ONE = 16;

/** A snapshot of data, for comparison with later data, unaffected by later changes. */
export class Snapshot {
  readonly #value: unknown;
  readonly #isCopy: boolean;

  /**
   * @param value Any value.
   * @param limit The number of values from which data is compared by identity; a typed array counts as
   * a sixteenth of its length.
   */
  constructor(value: unknown, limit: number = Infinity) {
    try {
      let left = limit;
      this.#value = copy(value, (count) => {
        left -= count;
        if (left < 0) throw new TooMuch();
      }, 0);
      this.#isCopy = true;
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      this.#value = value;
      this.#isCopy = false;
    }
  }

  /** Whether a value is the same data as the snapshot. */
  matches(now: unknown): boolean {
    return this.#isCopy ? sameData(this.#value, now) : Object.is(this.#value, now);
  }

  /** The first difference of a value that does not match. */
  difference(now: unknown): DataDifference {
    const found = this.#isCopy ? firstDataDifference(this.#value, now) : null;
    return found ?? { path: [], before: this.#value, now };
  }

  /** A copy of the data, in objects of its own. */
  copy(): unknown {
    return this.#isCopy ? copy(this.#value, () => {}, 0) : this.#value;
  }
}

/** A copy of the data; values that are compared by identity are not copied. */
function copy(value: unknown, count: (values: number) => void, depth: number): unknown {
  const kind = strictKindOf(value);
  if (kind === null || kind === "primitive") return value;
  if (depth >= MAX_DEPTH) throw new TooMuch();
  const part = (one: unknown): unknown => {
    count(1);
    return copy(one, count, depth + 1);
  };
  switch (kind) {
    case "array": {
      const array = value as readonly unknown[];
      count(array.length);
      const copied = new Array<unknown>(array.length);
      // Holes are preserved.
      array.forEach((one, i) => copied[i] = copy(one, count, depth + 1));
      return copied;
    }
    case "record": {
      const copied = Object.create(Object.getPrototypeOf(value));
      for (const [key, one] of Object.entries(value as object)) {
        Object.defineProperty(copied, key, {
          value: part(one),
          writable: true,
          enumerable: true,
          configurable: true,
        });
      }
      return copied;
    }
    case "typed array": {
      const array = value as TypedArray & { slice(): TypedArray };
      count(array.length / ELEMENTS_AS_ONE);
      return array.slice();
    }
    case "map":
      return new Map(Array.from(value as Map<unknown, unknown>, ([key, one]) => [key, part(one)]));
    case "set":
      count((value as Set<unknown>).size);
      return new Set(value as Set<unknown>);
    case "date":
      return new Date(value as Date);
  }
}

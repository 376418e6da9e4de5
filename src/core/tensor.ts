/**
 * The only value type: an immutable n-dimensional array. Concrete tensors hold elements; tracers (see
 * `trace.ts`) represent values in a transform. Both are `Tensor`s.
 *
 * @module
 */
import { argumentError, shapeError } from "../base/errors.ts";
import {
  allocate,
  allocateStored,
  byteSize,
  COPY,
  isHalf,
  partDtype,
  THIS_COPY,
} from "../base/dtype.ts";
import type { Dtype, Elements, Unshared } from "../base/dtype.ts";
import { decodeHalves, encodeHalves } from "../base/half.ts";
import {
  checkNdim,
  checkSize,
  MAX_BYTES,
  MAX_SIZE,
  sameShape,
  showType,
  sizeOf,
} from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { defaultDevice, Device } from "./device.ts";
import { Sharding } from "./sharding.ts";
import type { Placement } from "./sharding.ts";
import { formatHidden, formatTensor } from "./format.ts";
import { Storage } from "./storage.ts";
import type {
  ComplexNumber,
  IndexOf,
  LikeOf,
  MethodTable,
  NestedArray,
  TensorMethods,
} from "./methods.ts";

/**
 * The dtype and the shape of a value, which are known before it is computed.
 *
 * @category Tensors
 */
export interface Type {
  /** The element type. */
  readonly dtype: Dtype;
  /** The length of each axis, outermost first. */
  readonly shape: Shape;
}

/**
 * The values that public functions accept where a tensor is expected.
 *
 * @category Tensors
 */
export type TensorLike = LikeOf<Tensor>;

/**
 * One entry of an index: an integer, `slice(start, stop, step)`, `[start, stop]` for a slice of step
 * one (a third entry, the step, is allowed only together with a `null`, since three numbers could be a
 * list of indices), `null` for the whole axis, `"..."` for all axes not named, `newAxis`, a tensor (or
 * typed array) of integers, or a mask.
 *
 * @category Tensors
 */
export type Index = IndexOf<Tensor>;

/** The maximum number of entries of nested arrays: JavaScript's own cannot hold many more. */
const MAX_ENTRIES = 2 ** 27;

/**
 * A value that makes `structuredClone` and `postMessage` fail, and appears in their message: they would
 * copy a tensor without its elements. A symbol gives the clearest error.
 */
const UNCLONEABLE = Symbol("a tensor; use tree.toTransfer instead");

/** Advice for reading the placement of a traced tensor. */
const WHEN_PLACED = "it is known when it runs; see that of the arguments or of the results";

/**
 * The methods that correspond to free functions.
 *
 * @category Tensors
 */
export interface Tensor extends TensorMethods<Tensor> {}

/**
 * An immutable n-dimensional array, or a tracer that represents one.
 *
 * Tensors come from `tensor`, `zeros` and the other creation functions, and from operations; there is
 * no public constructor. Operations do not change tensors, they return new ones.
 *
 * @example Methods and free functions are the same
 * ```ts
 * import { mul, sub, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([1, 2, 3]);
 * assertTensorsClose(x.mul(2).sub(1), sub(mul(x, 2), 1));
 * ```
 */
export abstract class Tensor implements Type {
  /** The element type. */
  readonly dtype: Dtype;
  /** The length of each axis, outermost first; frozen. */
  readonly shape: Shape;
  /** A property that prevents structured clones. @internal */
  readonly uncloneable: symbol = UNCLONEABLE;

  /** For internal use: tensors are created by the library. */
  protected constructor(dtype: Dtype, shape: Shape) {
    checkNdim(shape, "Cannot make a tensor");
    this.dtype = dtype;
    this.shape = Object.isFrozen(shape) ? shape : Object.freeze([...shape]);
  }

  /**
   * The concrete tensor of this value, for `purpose` ("read the elements of"). If there is none, the
   * error message ends with `advice`, by default how to choose between values.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   * @internal
   */
  abstract concrete(purpose: string, advice?: string): Concrete;

  /**
   * The device of its elements; for a tensor that was not placed on a device, the device that runs work
   * on it.
   *
   * @throws {TraceError} when the value is traced and its placement is not known.
   * @throws {ArgumentError} when it is divided over the devices of a mesh.
   */
  get device(): Device {
    const placement = this.concrete("tell the device of", WHEN_PLACED).placement ?? defaultDevice();
    if (placement instanceof Device) return placement;
    throw argumentError(
      `Cannot tell the device of ${showType(this)}: it is on all devices of ${placement.mesh}; ` +
        `see its sharding`,
    );
  }

  /**
   * How it is divided over the devices of a mesh; `null` for a tensor on one device.
   *
   * @throws {TraceError} when the value is traced and its placement is not known.
   */
  get sharding(): Sharding | null {
    const { placement } = this.concrete("tell the sharding of", WHEN_PLACED);
    return placement instanceof Sharding ? placement : null;
  }

  /**
   * The placement that it was given, or that follows from its operands; `null` if there is none, or if
   * it is not known.
   *
   * @internal
   */
  get placement(): Placement | null {
    return null;
  }

  /** The number of axes. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The tensor with its axes reversed: the transpose of a matrix. */
  get T(): Tensor {
    return this.transpose();
  }

  /**
   * The tensor with its last two axes exchanged: every matrix of a batch transposed.
   *
   * @throws {AxisError} when there are fewer than two axes.
   */
  get mT(): Tensor {
    return this.swapaxes(-2, -1);
  }

  /**
   * The only element, as a JavaScript value: a number, a boolean for dtype `bool`, or `{ re, im }` for a
   * complex dtype.
   *
   * TypeScript cannot infer the dtype, and assumes a number by default: write `x.item<boolean>()` for a
   * boolean.
   *
   * @throws {ShapeError} unless the tensor has exactly one element.
   * @throws {TraceError} when the value is traced and has no concrete value.
   */
  item<Value extends number | boolean | ComplexNumber = number>(): Value {
    if (this.size !== 1) {
      throw shapeError(
        `Cannot take the item of ${showType(this)}: expected exactly one element, ` +
          `got ${this.size}; use toArray or data for more`,
      );
    }
    const value = this.concrete("read the item of").peek((elements) => elements[0]);
    return (this.dtype === "bool" ? value !== 0 : value) as Value;
  }

  /**
   * The elements as nested arrays, or as one JavaScript value for a scalar; a fresh copy.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   * @throws {ShapeError} when there are more elements than arrays can hold; use `data` instead.
   */
  toArray(): NestedArray | number | boolean | ComplexNumber {
    const value = this.concrete("read the elements of");
    // If the tensor has no elements, the axes before the empty one are arrays, too.
    const entries = this.shape.map((_, axis) => sizeOf(this.shape.slice(0, axis + 1)));
    if (entries.some((count) => count > MAX_ENTRIES)) {
      throw shapeError(
        `Cannot make nested arrays of ${showType(this)}: at most ${MAX_ENTRIES} entries fit; ` +
          `read its data instead`,
      );
    }
    return isSplat(value)
      ? this.#nest(dense(value))
      : value.peek((elements) => this.#nest(elements));
  }

  /** All `elements` of this tensor as nested arrays. */
  #nest(elements: Elements): NestedArray | number | boolean {
    const isBool = this.dtype === "bool";
    const shape = this.shape;
    let next = 0;
    const build = (axis: number): NestedArray | number | boolean => {
      if (axis === shape.length) {
        const value = elements[next++];
        return isBool ? value !== 0 : value;
      }
      const list: (number | boolean | NestedArray)[] = [];
      for (let i = 0; i < shape[axis]; i++) list.push(build(axis + 1));
      return list;
    };
    return build(0);
  }

  /**
   * The elements in row-major order, as a fresh typed array: of the class that corresponds to the dtype,
   * `Uint8Array` of 0 and 1 for `bool`, `Uint16Array` of bits for `bfloat16`, and for `float16` a
   * `Float16Array` if the engine supports it, else `Uint16Array` of bits. For a complex dtype real and
   * imaginary parts alternate. `fromBuffer` is the inverse.
   *
   * TypeScript cannot infer the dtype: specify the class of the array if necessary, with
   * `x.data<Float32Array>()` or by the type of the variable.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   *
   * @example The typed array of a float32 tensor
   * ```ts
   * import { tensor } from "@jacobi/jacobi";
   * import { strictEqual } from "node:assert/strict";
   *
   * const values: Float32Array = tensor([1, 2]).data();
   * strictEqual(values[1], 2);
   * const body = new Response(tensor([1, 2]).data());
   * strictEqual((await body.arrayBuffer()).byteLength, 8);
   * ```
   */
  data<Values extends Elements = Unshared<Elements>>(): Values & Unshared<Values> {
    const value = this.concrete("read the data of");
    const data = isSplat(value)
      ? unshared(denseStored(value))
      : value.peekStored((stored) => stored.slice());
    return (value.dtype === "float16" ? asFloat16(data) : data) as Values & Unshared<Values>;
  }

  /**
   * The same as `data`, as a promise, for runtimes in which reading cannot block until a device is done.
   *
   * @throws {TraceError} when the value is traced and has no concrete value.
   *
   * @example Without blocking
   * ```ts
   * import { tensor } from "@jacobi/jacobi";
   * import { strictEqual } from "node:assert/strict";
   *
   * const values: Float32Array = await tensor([1, 2]).read();
   * strictEqual(values[1], 2);
   * ```
   */
  read<Values extends Elements = Unshared<Elements>>(): Promise<Values & Unshared<Values>> {
    return this.concrete("read the data of").arrive().then(() => this.data<Values>());
  }

  /** The value for `JSON.stringify`: nested arrays, as returned by `toArray`. */
  toJSON(): NestedArray | number | boolean | ComplexNumber {
    return this.toArray();
  }

  /**
   * The entries along the first axis, for `[...x]`, `for (const row of x)` and `const [a, b] = x`.
   *
   * @throws {ShapeError} for a scalar, which has no axis to iterate over.
   */
  *[Symbol.iterator](): Generator<Tensor, void, undefined> {
    if (this.ndim === 0) {
      throw shapeError(`Cannot iterate over ${showType(this)}: a scalar has no axes`);
    }
    for (let i = 0; i < this.shape[0]; i++) yield this.at(i);
  }

  /** The tensor as text: its elements, elided when there are many. */
  toString(): string {
    const known = this.concrete("print");
    const hidden = known.storage.resident?.hidden ?? null;
    return hidden === null
      ? known.peek((elements) => formatTensor(elements, this))
      : formatHidden(hidden, this);
  }

  /**
   * JavaScript calls this for `x > 3`, `+x` and `` `${x}` ``. A one-element tensor compares as its
   * value; arithmetic operators throw, since their result would not be a tensor.
   *
   * @throws {ArgumentError} for `+` and `==`, which do not specify a preferred type.
   * @throws {ShapeError} unless the tensor has exactly one element.
   */
  [Symbol.toPrimitive](hint: string): string | number {
    if (hint === "string") return this.toString();
    if (hint === "number") return Number(this.item());
    throw argumentError(
      `Cannot use ${showType(this)} with + or ==: use add or equal, or String(x) to print it`,
    );
  }

  /** The text that `console.log` shows. */
  protected shown(): string {
    return this.toString();
  }

  /** The copy of the library that it belongs to. */
  get [COPY](): object {
    return THIS_COPY;
  }

  /** The text that `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.shown();
  }

  /** The text that `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.shown();
  }
}

/** Elements without other references, in a buffer of their own. */
function unshared(elements: Elements): Elements {
  return elements.byteLength === elements.buffer.byteLength ? elements : elements.slice();
}

/** The engine's class of float16 arrays, if it has one. */
const Float16 = (globalThis as unknown as {
  readonly Float16Array?: new (memory: ArrayBufferLike) => Elements;
}).Float16Array;

/** Bits of float16 as numbers if the engine supports float16 arrays. */
function asFloat16(bits: Elements): Elements {
  return Float16 === undefined ? bits : new Float16(bits.buffer);
}

/** A free function, with any arguments after the tensor. */
type Free = (x: Tensor, ...rest: unknown[]) => unknown;

/** The methods that take a variable number of arguments. */
const VARIADIC = ["at", "reshape", "transpose", "permute"];

/** Installs the methods of `Tensor`; called once, by the module that defines the free functions. */
export function installMethods(table: MethodTable<Tensor>): void {
  for (const [name, f] of Object.entries(table as unknown as Record<string, Free>)) {
    // Most methods have at most three arguments. These are named parameters, which makes calls faster.
    const value = VARIADIC.includes(name)
      ? function (this: Tensor, ...rest: unknown[]): unknown {
        return f(this, ...rest);
      }
      : function (this: Tensor, a: unknown, b: unknown, c: unknown): unknown {
        return f(this, a, b, c);
      };
    Object.defineProperty(value, "name", { value: name });
    Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
  }
}

/**
 * A tensor with its elements. They are in row-major order; a tensor whose elements are all equal may
 * hold just one (a splat), so that constants of any shape need no memory.
 *
 * The elements are on the heap or elsewhere (see `storage.ts`). This is transparent: `elements` returns
 * them in either case, and `peek` does so without moving them.
 *
 * @category Tensors
 */
export class Concrete extends Tensor {
  // At most one of these is set: elements that no other tensor shares need no storage of their own.
  #stored: Elements | null;
  #storage: Storage | null;
  #donatedAs = "";
  #placement: Placement | null = null;

  /**
   * Wraps elements without a copy: the caller transfers ownership. A storage may be another tensor's.
   * Half floats are passed as their bits, a `Uint16Array`, or as numbers, which are rounded.
   */
  constructor(dtype: Dtype, shape: Shape, held: Elements | Storage) {
    super(dtype, shape);
    const isStorage = held instanceof Storage;
    const isNumbers = isHalf(dtype) && !isStorage && !(held instanceof Uint16Array);
    this.#stored = isStorage ? null : isNumbers ? encodeHalves(held, dtype) : held;
    this.#storage = isStorage ? held : null;
    if (isStorage) held.sharers++;
    Object.freeze(this);
  }

  /** The placement that it was given, or that follows from its operands; `null` if there is none. */
  override get placement(): Placement | null {
    return this.#placement;
  }

  /**
   * Sets the placement: a device, a mesh, or none. To be called only by the creator of the tensor.
   *
   * @internal
   */
  place(placement: Placement | null): void {
    this.#placement = placement;
  }

  /**
   * The elements as numbers on the heap, row-major; of length one for a splat. Never written to. Those
   * of half floats are a copy.
   */
  get elements(): Elements {
    return isHalf(this.dtype) ? decodeHalves(this.stored, this.dtype) : this.stored;
  }

  /** The elements as they are stored, on the heap: the elements themselves, or the bits of half floats. */
  get stored(): Elements {
    return this.#stored ?? this.#kept().elements;
  }

  /** The number of stored elements: all of them, or one for a splat. */
  get held(): number {
    return (this.#stored ?? this.#kept()).length;
  }

  /**
   * Calls `f` with the value of `elements`, in its current location. `f` must neither keep nor change
   * it, nor read another tensor meanwhile: that may recompute elements that were dropped, and memory
   * may then grow and move.
   */
  peek<T>(f: (elements: Elements) => T): T {
    const { dtype } = this;
    return this.peekStored((stored) => f(isHalf(dtype) ? decodeHalves(stored, dtype) : stored));
  }

  /** Calls `f` with the value of `stored`, in its current location, under the conditions of `peek`. */
  peekStored<T>(f: (stored: Elements) => T): T {
    return this.#stored === null ? this.#kept().peek(f) : f(this.#stored);
  }

  /**
   * A promise for the work that computes the elements.
   *
   * @internal
   */
  ready(): Promise<void> {
    return this.#stored === null ? this.#kept().ready() : Promise.resolve();
  }

  /**
   * A promise for elements that can be read without waiting.
   *
   * @internal
   */
  arrive(): Promise<void> {
    return this.#stored === null ? this.#kept().arrive() : Promise.resolve();
  }

  /**
   * The storage of the elements, for another tensor of the same elements in another shape.
   *
   * @internal
   */
  get storage(): Storage {
    if (this.#stored !== null) {
      this.#storage = new Storage(this.#stored);
      this.#storage.sharers++;
      this.#stored = null;
    }
    return this.#kept();
  }

  /**
   * Makes this tensor unusable, because its memory was donated as `name`, an argument of a call. Tensors that
   * share its elements are values of their own and stay as they are.
   *
   * @returns its storage if no other tensor shares it: the caller may reuse it freely.
   * @internal
   */
  giveUp(name: string): Storage | null {
    if (this.#donatedAs !== "") return null;
    const storage = this.storage;
    this.#storage = null;
    this.#donatedAs = name;
    return --storage.sharers === 0 ? storage : null;
  }

  /** Also for a donated tensor, which has no elements. */
  protected override shown(): string {
    return this.isDonated ? showDonated(this) : this.toString();
  }

  /** Whether its memory was donated. @internal */
  get isDonated(): boolean {
    return this.#donatedAs !== "";
  }

  /** The storage, unless the tensor was donated. */
  #kept(): Storage {
    if (this.#storage !== null) return this.#storage;
    throw argumentError(
      `Cannot use ${showType(this)}: it was donated as ${this.#donatedAs}; ` +
        `use what that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)`,
    );
  }

  /** This tensor. */
  override concrete(_purpose: string): Concrete {
    return this;
  }
}

/** The text that `console.log` shows for a donated tensor. */
export function showDonated(type: Type): string {
  return `tensor(<donated>, ${showType(type)})`;
}

/**
 * Memory for the elements of a tensor, as returned by `allocate`; throws a clear error if there is not
 * enough.
 */
export function allocateFor(type: Type): Elements {
  return allocateWith(allocate, type);
}

/** The double that `f` returns for each position; throws a clear error if there is not enough memory. */
export function tabulate(length: number, f: (i: number) => number): Float64Array {
  const out = allocateFor({ dtype: "float64", shape: [length] }) as Float64Array;
  for (let i = 0; i < length; i++) out[i] = f(i);
  return out;
}

/**
 * Memory for the stored elements of a tensor, as returned by `allocateStored`; throws a clear error if
 * there is not enough.
 */
export function allocateStoredFor(type: Type): Elements {
  return allocateWith(allocateStored, type);
}

function allocateWith(allocator: typeof allocate, { dtype, shape }: Type): Elements {
  const size = sizeOf(shape);
  if (size > MAX_SIZE) checkSize(shape, `Cannot allocate ${showType({ dtype, shape })}`);
  const bytes = size * byteSize(dtype);
  if (bytes > MAX_BYTES) {
    throw shapeError(
      `Cannot allocate ${showType({ dtype, shape })}: its ${bytes} bytes are more than the ` +
        `${MAX_BYTES} that one tensor may take`,
    );
  }
  try {
    return allocator(dtype, size);
  } catch {
    throw shapeError(
      `Cannot allocate ${showType({ dtype, shape })}: its ${bytes} bytes do not fit in memory`,
    );
  }
}

/** Runs `f`, which allocates memory for itself; throws a clear error if there is not enough. */
export function withinMemory<T>(type: Type, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw shapeError(
      `Cannot compute ${showType(type)}: the intermediate results do not fit in memory`,
    );
  }
}

/** All elements of `x` in row-major order; not a copy unless `x` is a splat. Never write to it. */
export function dense(x: Concrete): Elements {
  return isSplat(x) ? allocateFor(x).fill(x.elements[0]) : x.elements;
}

/** The stored elements of `x` in row-major order; not a copy unless `x` is a splat. */
export function denseStored(x: Concrete): Elements {
  return isSplat(x) ? allocateStoredFor(x).fill(x.stored[0]) : x.stored;
}

/** Whether `x` holds one element that represents all of them. */
export function isSplat(x: Concrete): boolean {
  return x.held === 1 && x.size !== 1;
}

/**
 * A concrete tensor of `shape` with `value` everywhere, held as one element. For a complex dtype its
 * dtype is that of the parts: operations accept real operands together with complex ones.
 */
export function splat(value: number, dtype: Dtype, shape: Shape): Concrete {
  const own = partDtype(dtype);
  const elements = allocate(own, 1);
  elements[0] = value;
  return new Concrete(own, shape, sizeOf(shape) === 0 ? allocate(own, 0) : elements);
}

/** A concrete tensor like `type`, zero everywhere. */
export function zerosOf(type: Type): Concrete {
  return splat(0, type.dtype, type.shape);
}

/** Whether two types are equal. */
export function sameType(a: Type, b: Type): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/**
 * Tensors in the memory of a WebGPU device. Every element is a word of 32 bits there. Buffers belong to a
 * storage as its resident, and are reused after the storage was collected. In a synchronous loop, where
 * garbage collection has no effect, the least recently used buffers move to the heap.
 *
 * @module
 */
import { allocateStored, type Dtype, type Elements, isHalf } from "../../base/dtype.ts";
import { webGpuError } from "../../base/errors.ts";
import { encodeHalves } from "../../base/half.ts";
import { showType, sizeOf } from "../../base/shape.ts";
import { type Resident, Storage } from "../../core/storage.ts";
import { Concrete, isSplat } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import type { Check } from "../checks.ts";
import { collectGarbage } from "../garbage.ts";
import { type GpuBuffer, USAGE } from "./api.ts";
import { Flags } from "./flags.ts";
import { type Part, readLater, readNow } from "./reading.ts";
import type { Session } from "./session.ts";
import { noting } from "./waiting.ts";
import { heldType, wordBytes } from "./wgsl/module.ts";

/**
 * The number of bytes of tensors before they move out, unless `memoryLimit` is set: devices do not report
 * the size of their memory.
 */
const LIMIT = 2 ** 31;

/** The maximum share of the limit for buffers that wait to be reused. */
const POOLED = 1 / 4;

/**
 * The share of the limit from which dead tensors are searched for where nothing can move out. The search is
 * repeated whenever new tensors have taken this share again.
 */
const AWARE = 1 / 2;
const NEW = 1 / 8;

/** The minimum size of a buffer in bytes. */
const LEAST = 256;

/** The rounded size of a buffer in bytes: one of eight sizes for each power of two. */
function roomFor(bytes: number): number {
  if (bytes <= LEAST) return LEAST;
  const step = Math.max(LEAST, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

/** Elements as words of the device. */
function toWords(x: Concrete): Elements {
  const { elements } = x;
  const { size } = x;
  const held = heldType(x.dtype);
  const words = held === "f32"
    ? new Float32Array(size)
    : held === "i32"
    ? new Int32Array(size)
    : new Uint32Array(size);
  if (isSplat(x)) return words.fill(elements[0]);
  words.set(elements);
  return words;
}

/** Words of the device as elements of a tensor. */
function fromWords(bytes: ArrayBuffer, dtype: Dtype, length: number): Elements {
  const held = heldType(dtype);
  const words = held === "f32"
    ? new Float32Array(bytes, 0, length)
    : held === "i32"
    ? new Int32Array(bytes, 0, length)
    : new Uint32Array(bytes, 0, length);
  if (isHalf(dtype)) return encodeHalves(words, dtype);
  const elements = allocateStored(dtype, length);
  elements.set(words);
  return elements;
}

/** Elements in the memory of a device, or moved back to the heap. */
export class DeviceArray implements Resident {
  readonly dtype: Dtype;
  readonly length: number;
  readonly #memory: DeviceMemory;
  #buffer: GpuBuffer | null;
  #host: Elements | null = null;
  /** Checks that must pass before the elements are valid. */
  #checks: readonly Check[];

  constructor(
    memory: DeviceMemory,
    buffer: GpuBuffer,
    dtype: Dtype,
    length: number,
    checks: readonly Check[],
  ) {
    this.#memory = memory;
    this.#buffer = buffer;
    this.dtype = dtype;
    this.length = length;
    this.#checks = checks;
  }

  /** The memory that it belongs to. */
  get memory(): DeviceMemory {
    return this.#memory;
  }

  /** The buffer, unless the elements have moved out. */
  get buffer(): GpuBuffer | null {
    return this.#buffer;
  }

  /** The size of its buffer in bytes. */
  get bytes(): number {
    return roomFor(wordBytes(this.length));
  }

  /** Whether the elements are also on the heap. */
  get isOnHeap(): boolean {
    return this.#host !== null;
  }

  /** The checks whose result is not known yet. */
  get checks(): readonly Check[] {
    return this.#checks = this.#checks.filter((check) => !check.isDone);
  }

  get #doing(): string {
    return `Cannot read ${showType({ dtype: this.dtype, shape: [this.length] })}`;
  }

  /** Its bytes in the buffer. */
  get #part(): Part {
    return { buffer: this.#buffer!, start: 0, size: wordBytes(this.length) };
  }

  elements(): Elements {
    // One read also fetches the flags of the checks.
    const boards = this.#host === null && this.#memory.session.readsAtOnce
      ? this.#memory.flags.boardsOf(this.#checks)
      : [];
    if (boards.length > 0) {
      const parts = [this.#part, ...boards.map(({ part }) => part!)];
      const [own, ...words] = readNow(this.#memory.session, parts, this.#doing);
      boards.forEach((board, i) => board.learn(parts[i + 1], words[i]));
      this.#host = fromWords(own, this.dtype, this.length);
    }
    for (const check of this.#checks) check.verify();
    this.#checks = [];
    return this.#read();
  }

  #read(): Elements {
    if (this.#host !== null) return this.#host;
    const [bytes] = readNow(this.#memory.session, [this.#part], this.#doing);
    return this.#host = fromWords(bytes, this.dtype, this.length);
  }

  peek<T>(f: (elements: Elements) => T): T {
    return f(this.elements());
  }

  /** The reason why the elements cannot be read synchronously; `null` if they can. */
  get hidden(): string | null {
    if (this.#host !== null) return null;
    const { session } = this.#memory;
    if (session.isClosed) return "on a closed device";
    if (session.isLost) return "on a lost device";
    return session.readsAtOnce ? null : "on a device: await x.read()";
  }

  async ready(): Promise<void> {
    if (this.#host !== null) return;
    const { session } = this.#memory;
    session.use(this.#doing);
    await noting(() => session.device.queue.onSubmittedWorkDone());
  }

  async arrive(): Promise<void> {
    const { session } = this.#memory;
    const checks = this.#checks.map((check) => check.arrive());
    if (this.#host === null && this.#buffer !== null) {
      const [bytes] = await readLater(session, [this.#part], this.#doing);
      this.#host ??= fromWords(bytes, this.dtype, this.length);
    }
    await Promise.all(checks);
    this.elements();
  }

  /** Copies the elements to the heap; checks are verified when they are read. */
  moveOut(): void {
    this.#read();
  }

  /** Releases the buffer. */
  release(): GpuBuffer | null {
    const buffer = this.#buffer;
    this.#buffer = null;
    return buffer;
  }
}

/** The memory of a device that is used by tensors and programs. */
export class DeviceMemory {
  readonly session: Session;
  /** The flags of runs. */
  readonly flags: Flags;
  /** Above this number of bytes, arrays move out. */
  limit = LIMIT;
  #held = 0;
  #peak = 0;
  #free = 0;
  /** The bytes of tensors created since the last search for dead ones. */
  #new = 0;
  readonly #pool = new Map<number, GpuBuffer[]>();
  /** All arrays with buffers, least recently used first. */
  readonly #arrays = new Set<DeviceArray>();
  /** Copies of tensors that are stored elsewhere, by dtype. */
  readonly #copies = new WeakMap<Storage, Map<Dtype, DeviceArray>>();
  readonly #registry: FinalizationRegistry<DeviceArray>;

  constructor(session: Session) {
    this.session = session;
    this.flags = new Flags(session);
    this.#registry = new FinalizationRegistry((array) => this.#forget(array));
  }

  /** Bytes used by arrays and programs, without buffers that wait to be reused. */
  get held(): number {
    return this.#held;
  }

  /** The largest value of `held` so far. */
  get peak(): number {
    return this.#peak;
  }

  /** The number of arrays with buffers. */
  get count(): number {
    return this.#arrays.size;
  }

  /** A buffer with at least this many bytes and undefined content; `kept` arrays do not move out for it. */
  take(bytes: number, kept: ReadonlySet<DeviceArray>): GpuBuffer {
    const room = roomFor(bytes);
    this.#makeRoom(room, kept);
    this.#held += room;
    this.#peak = Math.max(this.#peak, this.#held);
    const pooled = this.#pool.get(room)?.pop();
    if (pooled !== undefined) {
      this.#free -= room;
      return pooled;
    }
    const { device } = this.session;
    if (room > device.limits.maxBufferSize) {
      throw webGpuError(
        `Cannot allocate ${room} bytes: a buffer of the device has ${device.limits.maxBufferSize} at most`,
      );
    }
    return this.session.newBuffer(room, USAGE.storage | USAGE.copySrc | USAGE.copyDst);
  }

  /** Returns a buffer from `take`; submitted work may still read it. */
  give(buffer: GpuBuffer, bytes: number): void {
    const room = roomFor(bytes);
    this.#held -= room;
    if (this.session.isClosed) return;
    if (this.#free + room > this.limit * POOLED) return buffer.destroy();
    this.#free += room;
    const pooled = this.#pool.get(room);
    if (pooled === undefined) this.#pool.set(room, [buffer]);
    else pooled.push(buffer);
  }

  /** A tensor whose elements are in a buffer from `take`. */
  adopt(buffer: GpuBuffer, { dtype, shape }: Type, checks: readonly Check[]): Concrete {
    const array = new DeviceArray(this, buffer, dtype, sizeOf(shape), checks);
    const storage = new Storage(array, array.length);
    this.#add(array, storage);
    return new Concrete(dtype, shape, storage);
  }

  #add(array: DeviceArray, storage: Storage): void {
    this.#new += array.bytes;
    this.#arrays.add(array);
    this.#registry.register(storage, array, array);
  }

  /** The array with a tensor's elements; uploaded if necessary. */
  arrayOf(x: Concrete, kept: ReadonlySet<DeviceArray>): DeviceArray {
    const { storage, dtype } = x;
    const { resident } = storage;
    let array = resident instanceof DeviceArray && resident.memory === this &&
        resident.dtype === dtype
      ? resident
      : this.#copies.get(storage)?.get(dtype);
    if (array === undefined || array.buffer === null) {
      const words = toWords(x);
      const buffer = this.take(words.byteLength, kept);
      if (words.length > 0) this.session.device.queue.writeBuffer(buffer, 0, words);
      array = new DeviceArray(this, buffer, dtype, x.size, []);
      let copies = this.#copies.get(storage);
      if (copies === undefined) this.#copies.set(storage, copies = new Map());
      copies.set(dtype, array);
      this.#add(array, storage);
    } else {
      this.#arrays.delete(array);
      this.#arrays.add(array);
    }
    return array;
  }

  /** Frees the device memory of a storage that has no other users. */
  free(storage: Storage): void {
    const { resident } = storage;
    if (resident instanceof DeviceArray && resident.memory === this) this.#forget(resident);
    for (const copy of this.#copies.get(storage)?.values() ?? []) this.#forget(copy);
  }

  /** Frees the device memory of a storage if its elements are also on the heap. */
  freeDevice(storage: Storage): void {
    const { resident } = storage;
    if (!(resident instanceof DeviceArray) || resident.isOnHeap) this.free(storage);
  }

  /** Takes an array's buffer, for a new tensor made by `adopt`. */
  release(array: DeviceArray): GpuBuffer {
    this.#arrays.delete(array);
    this.#registry.unregister(array);
    return array.release()!;
  }

  /** Frees an array's buffer. */
  #forget(array: DeviceArray): void {
    if (!this.#arrays.delete(array)) return;
    // Otherwise the registry would keep it, and the elements that have moved out, until the event loop turns.
    this.#registry.unregister(array);
    const buffer = array.release();
    if (buffer !== null) this.give(buffer, wordBytes(array.length));
  }

  /**
   * Moves arrays out until this many more bytes fit. If arrays cannot be read synchronously, only those
   * whose elements are also on the heap are freed.
   *
   * @throws {WebGpuError} if the freed memory is not enough.
   */
  #makeRoom(bytes: number, kept: ReadonlySet<DeviceArray>): void {
    const { readsAtOnce } = this.session;
    const isFull = () => this.#held + bytes > this.limit;
    // Dead arrays are freed between turns of the event loop, if the collector finds them: it must run in time
    // if nothing can move out.
    if (readsAtOnce) {
      if (isFull()) collectGarbage();
    } else if (isFull() || (this.#held > this.limit * AWARE && this.#new > this.limit * NEW)) {
      this.#new = 0;
      collectGarbage(true);
    }
    if (!isFull()) return;
    for (const array of [...this.#arrays]) {
      if (kept.has(array) || !(readsAtOnce || array.isOnHeap)) continue;
      array.moveOut();
      this.#forget(array);
      if (!isFull()) return;
    }
    if (readsAtOnce) return;
    throw webGpuError(
      `Cannot allocate ${bytes} bytes on the device: ${this.#held} of ${this.limit} are taken, and tensors that ` +
        "nobody uses are found only between turns of the event loop; await something in loops " +
        "(`await x.read()`), donate arguments (`donateArgnums`), or raise `memoryLimit` (`configure`)",
    );
  }
}

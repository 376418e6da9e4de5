/**
 * Tensors in the memory of a WebGPU device. Every element is a word of 32 bits there. Buffers belong to a
 * storage as its resident, and are used again once the collector has found it dead; in a synchronous
 * loop, where it never does, those that were used longest ago move out to the heap.
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

/** Bytes that tensors take before they move out, unless `memoryLimit` says otherwise: devices do not tell what they have. */
const LIMIT = 2 ** 31;

/** The share of the limit that buffers which wait to be used again take. */
const POOLED = 1 / 4;

/**
 * Where nothing can move out, dead tensors are looked for from this share of the limit on, whenever new ones have
 * taken another one.
 */
const AWARE = 1 / 2;
const NEW = 1 / 8;

/** The least bytes of a buffer. */
const LEAST = 256;

/** The bytes of a buffer for so many: one of eight sizes for each power of two. */
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

/** Words of the device as a tensor holds them. */
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

/** Elements in the memory of a device, or back on the heap. */
export class DeviceArray implements Resident {
  readonly dtype: Dtype;
  readonly length: number;
  readonly #memory: DeviceMemory;
  #buffer: GpuBuffer | null;
  #host: Elements | null = null;
  /** What must be found to be in order before the elements mean anything. */
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

  /** How many bytes its buffer has. */
  get bytes(): number {
    return roomFor(wordBytes(this.length));
  }

  /** Whether the elements are on the heap, too. */
  get isOnHeap(): boolean {
    return this.#host !== null;
  }

  /** The checks that are still open. */
  get checks(): readonly Check[] {
    return this.#checks = this.#checks.filter((check) => !check.isDone);
  }

  get #doing(): string {
    return `Cannot read ${showType({ dtype: this.dtype, shape: [this.length] })}`;
  }

  /** Its bytes. */
  get #part(): Part {
    return { buffer: this.#buffer!, start: 0, size: wordBytes(this.length) };
  }

  elements(): Elements {
    // One read tells of the checks, too.
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

  /** Why they cannot be read at once; `null` where they can. */
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

  /** Copies the elements to the heap; whether they mean anything is for readers to find. */
  moveOut(): void {
    this.#read();
  }

  /** Lets go of the buffer. */
  release(): GpuBuffer | null {
    const buffer = this.#buffer;
    this.#buffer = null;
    return buffer;
  }
}

/** What tensors and programs take of the memory of a device. */
export class DeviceMemory {
  readonly session: Session;
  /** What runs have found out. */
  readonly flags: Flags;
  /** From this many bytes on, arrays move out. */
  limit = LIMIT;
  #held = 0;
  #peak = 0;
  #free = 0;
  /** The bytes of tensors that came since dead ones were looked for. */
  #new = 0;
  readonly #pool = new Map<number, GpuBuffer[]>();
  /** All arrays with buffers, the one that was used longest ago first. */
  readonly #arrays = new Set<DeviceArray>();
  /** Copies of what lives elsewhere, by dtype. */
  readonly #copies = new WeakMap<Storage, Map<Dtype, DeviceArray>>();
  readonly #registry: FinalizationRegistry<DeviceArray>;

  constructor(session: Session) {
    this.session = session;
    this.flags = new Flags(session);
    this.#registry = new FinalizationRegistry((array) => this.#forget(array));
  }

  /** Bytes that arrays and programs take, without buffers that wait to be used again. */
  get held(): number {
    return this.#held;
  }

  /** The most that they ever took. */
  get peak(): number {
    return this.#peak;
  }

  /** How many arrays have buffers. */
  get count(): number {
    return this.#arrays.size;
  }

  /** A buffer of so many bytes at least, with anything in it; `kept` do not move out for it. */
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

  /** Gives back what `take` gave; work that was submitted still reads it. */
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

  /** A tensor of what lies in a buffer that `take` gave. */
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

  /** The array with a tensor's elements; brought there if it is not yet. */
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

  /** Frees what a storage that nobody else uses has here. */
  free(storage: Storage): void {
    const { resident } = storage;
    if (resident instanceof DeviceArray && resident.memory === this) this.#forget(resident);
    for (const copy of this.#copies.get(storage)?.values() ?? []) this.#forget(copy);
  }

  /** Frees what a storage has here as far as its elements are on the heap, too. */
  freeDevice(storage: Storage): void {
    const { resident } = storage;
    if (!(resident instanceof DeviceArray) || resident.isOnHeap) this.free(storage);
  }

  /** Takes an array's buffer from it, for a tensor that `adopt` makes of it. */
  release(array: DeviceArray): GpuBuffer {
    this.#arrays.delete(array);
    this.#registry.unregister(array);
    return array.release()!;
  }

  /** Frees an array's buffer. */
  #forget(array: DeviceArray): void {
    if (!this.#arrays.delete(array)) return;
    // The registry would keep it, and what has moved out with it, until the event loop turns.
    this.#registry.unregister(array);
    const buffer = array.release();
    if (buffer !== null) this.give(buffer, wordBytes(array.length));
  }

  /**
   * Moves arrays out until so many bytes more fit. Where arrays cannot be read at once, those go whose elements are
   * on the heap, too.
   *
   * @throws {WebGpuError} when that is not enough there.
   */
  #makeRoom(bytes: number, kept: ReadonlySet<DeviceArray>): void {
    const { readsAtOnce } = this.session;
    const isFull = () => this.#held + bytes > this.limit;
    // Dead arrays are freed between turns of the event loop, if they are found: in time, where nothing moves out.
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

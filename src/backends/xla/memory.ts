/**
 * Tensors in the memory of devices. A buffer belongs to a storage as its resident, and is freed with it
 * by the collector; in a synchronous loop, where the collector frees nothing, those that were used
 * longest ago move out to the heap.
 *
 * @module
 */
import { allocate } from "../../base/dtype.ts";
import type { Elements } from "../../base/dtype.ts";
import { XlaError } from "../../base/errors.ts";
import { sameShape, sizeOf } from "../../base/shape.ts";
import { Concrete, dense, isSplat } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import { type Resident, Storage } from "../../core/storage.ts";
import type { Check } from "./checks.ts";
import type { ProgramCache } from "./program_cache.ts";
import type { Buffer, Client, ClientDevice } from "./pjrt/mod.ts";
import { Pressure } from "./pressure.ts";

/** The share of a device's memory that tensors take before they move out. */
const SHARE = 0.85;

/** Bytes that they take where a device does not tell how much it has. */
const UNKNOWN = 2 ** 31;

/** Elements in the memory of a device, or back on the heap. */
export class DeviceArray implements Resident {
  readonly type: Type;
  readonly #memory: DeviceMemory;
  #buffer: Buffer | null;
  #host: Elements | null = null;
  /** What must be found to be in order before the elements mean anything. */
  #checks: readonly Check[];

  constructor(memory: DeviceMemory, buffer: Buffer, checks: readonly Check[]) {
    this.type = { dtype: buffer.dtype, shape: buffer.shape };
    this.#memory = memory;
    this.#buffer = buffer;
    this.#checks = checks;
  }

  /** The memory that it belongs to. */
  get memory(): DeviceMemory {
    return this.#memory;
  }

  /** The buffer, unless it has moved out. */
  get buffer(): Buffer | null {
    return this.#buffer;
  }

  /** The checks that are still open. */
  get checks(): readonly Check[] {
    return this.#checks = this.#checks.filter((check) => !check.isDone);
  }

  elements(): Elements {
    for (const check of this.#checks) check.verify();
    this.#checks = [];
    return this.#read();
  }

  #read(): Elements {
    if (this.#host === null) {
      const { dtype } = this.type;
      const host = allocate(dtype, sizeOf(this.type.shape));
      this.#buffer!.read(host);
      this.#host = host;
    }
    return this.#host;
  }

  peek<T>(f: (elements: Elements) => T): T {
    return f(this.elements());
  }

  async ready(): Promise<void> {
    await this.#buffer?.ready();
  }

  async arrive(): Promise<void> {
    await this.ready();
    this.elements();
  }

  /** Moves the elements to the heap and frees the buffer; whether they mean anything is for readers to find. */
  moveOut(): void {
    this.#read();
    this.#buffer!.delete();
    this.#buffer = null;
  }

  /** Gives the buffer to a computation that uses it up. */
  take(): void {
    this.#memory.forget(this);
    this.#buffer = null;
  }
}

/** What tensors take of one device's memory. */
export class DeviceMemory {
  readonly client: Client;
  readonly device: ClientDevice;
  /** From this many bytes on, arrays move out. */
  limit: number;
  #held = 0;
  #peak = 0;
  readonly #pressure = new Pressure();
  /** All arrays with buffers, the one that was used longest ago first. */
  readonly #arrays = new Map<DeviceArray, number>();
  /** Copies of what lives elsewhere, or has another shape there, by their shapes. */
  readonly #copies = new WeakMap<Storage, Map<string, DeviceArray>>();
  readonly #registry: FinalizationRegistry<DeviceArray>;
  readonly #reshape: (buffer: Buffer, type: Type) => Buffer;
  /** Where compiled programs are kept for other processes, if they are. */
  readonly cache: ProgramCache | null;

  constructor(
    client: Client,
    device: ClientDevice,
    cache: ProgramCache | null,
    reshape: (buffer: Buffer, type: Type) => Buffer,
  ) {
    this.client = client;
    this.device = device;
    this.cache = cache;
    this.#reshape = reshape;
    const stats = device.memoryStats();
    this.limit = stats?.bytesLimit === undefined ? UNKNOWN : Math.floor(stats.bytesLimit * SHARE);
    this.#registry = new FinalizationRegistry((array) => {
      this.#pressure.release();
      this.free(array);
    });
  }

  /** Bytes that arrays take. */
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

  /** A tensor of a buffer's elements. */
  adopt(buffer: Buffer, type: Type, checks: readonly Check[] = []): Concrete {
    const array = this.#add(buffer, checks);
    const storage = new Storage(array, sizeOf(type.shape));
    this.#registry.register(storage, array, array);
    return new Concrete(type.dtype, type.shape, storage);
  }

  /** The array with a tensor's elements in its shape, brought here if it is not yet. */
  arrayOf(x: Concrete): DeviceArray {
    const { storage } = x;
    const { resident } = storage;
    const own = resident instanceof DeviceArray && resident.memory === this ? resident : null;
    if (own !== null && own.buffer !== null && sameShape(own.type.shape, x.shape)) {
      this.#use(own);
      return own;
    }
    let copies = this.#copies.get(storage);
    if (copies === undefined) this.#copies.set(storage, copies = new Map());
    const key = String(x.shape);
    const known = copies.get(key);
    if (known !== undefined && known.buffer !== null) {
      this.#use(known);
      return known;
    }
    const array = own !== null && own.buffer !== null
      ? this.#add(this.#reshape(own.buffer, x), own.checks)
      : this.#add(this.#upload(x), []);
    copies.set(key, array);
    this.#registry.register(storage, array, array);
    return array;
  }

  #upload(x: Concrete): Buffer {
    const { dtype, shape, storage } = x;
    const isMoving = storage.resident !== null && !(storage.resident instanceof DeviceArray);
    // What another backend may move is copied first: an upload reads later.
    const elements = isSplat(x) || !isMoving ? dense(x) : x.peek((elements) => elements.slice());
    return this.client.upload(elements, dtype, shape, this.device);
  }

  #add(buffer: Buffer, checks: readonly Check[]): DeviceArray {
    const array = new DeviceArray(this, buffer, checks);
    this.#arrays.set(array, buffer.bytes);
    this.#held += buffer.bytes;
    this.#pressure.add(buffer.bytes);
    this.#peak = Math.max(this.#peak, this.#held);
    return array;
  }

  #use(array: DeviceArray): void {
    const bytes = this.#arrays.get(array)!;
    this.#arrays.delete(array);
    this.#arrays.set(array, bytes);
  }

  /** Stops counting an array. */
  forget(array: DeviceArray): void {
    const bytes = this.#arrays.get(array);
    if (bytes === undefined) return;
    this.#arrays.delete(array);
    this.#registry.unregister(array);
    this.#held -= bytes;
  }

  /** Frees an array's buffer. */
  free(array: DeviceArray): void {
    if (!this.#arrays.has(array)) return;
    const { buffer } = array;
    array.take();
    buffer?.delete();
  }

  /** Moves arrays out until so many bytes more fit within the limit; `kept` stay. */
  makeRoom(bytes: number, kept: readonly DeviceArray[]): void {
    if (this.#held + bytes <= this.limit) return;
    for (const array of [...this.#arrays.keys()]) {
      if (this.#held + bytes <= this.limit) return;
      if (kept.includes(array)) continue;
      const own = this.#arrays.get(array)!;
      array.moveOut();
      this.#arrays.delete(array);
      this.#held -= own;
    }
  }

  /** Runs `start`; if there is not enough memory, once more after everything else has moved out. */
  withRoom<T>(bytes: number, kept: readonly DeviceArray[], start: () => T): T {
    this.makeRoom(bytes, kept);
    try {
      return start();
    } catch (error) {
      if (!(error instanceof XlaError) || error.code !== "RESOURCE_EXHAUSTED") throw error;
      this.makeRoom(Infinity, kept);
      return start();
    }
  }
}

/**
 * Tensors in the memory of devices: one buffer on each device of a mesh; a single device is a mesh of one.
 * Buffers belong to a storage as its resident, and are freed with it by the garbage collector. In a
 * synchronous loop, where the collector frees nothing, the least recently used buffers move to the heap.
 *
 * @module
 */
import { allocateStored } from "../../base/dtype.ts";
import type { Elements } from "../../base/dtype.ts";
import { XlaError } from "../../base/errors.ts";
import { sameShape, showType, sizeOf } from "../../base/shape.ts";
import type { Device } from "../../core/device.ts";
import { partsOf, shardShape } from "../../core/sharding.ts";
import type { Mesh, Sharding } from "../../core/sharding.ts";
import { Concrete, denseStored, isSplat } from "../../core/tensor.ts";
import type { Type } from "../../core/tensor.ts";
import { type Resident, Storage } from "../../core/storage.ts";
import type { Check } from "../checks.ts";
import { cutPart, pasteParts } from "./parts.ts";
import type { ProgramCache } from "./program_cache.ts";
import type { Buffer, Client, ClientDevice } from "./pjrt/mod.ts";
import { Pressure } from "./pressure.ts";

/** The share of a device's memory that tensors may take before they move out. */
const SHARE = 0.85;

/** The limit in bytes if a device does not report its memory size. */
const UNKNOWN = 2 ** 31;

/** Elements in the memory of devices, or moved back to the heap. */
export class DeviceArray implements Resident {
  /** The type of the whole tensor. */
  readonly type: Type;
  /** Its sharding over its devices. */
  readonly sharding: Sharding;
  readonly #memory: ClientMemory;
  #buffers: readonly Buffer[] | null;
  #host: Elements | null = null;
  /** Checks that must pass before the elements are valid. */
  #checks: readonly Check[];

  constructor(
    memory: ClientMemory,
    buffers: readonly Buffer[],
    type: Type,
    sharding: Sharding,
    checks: readonly Check[],
  ) {
    this.type = { dtype: type.dtype, shape: type.shape };
    this.sharding = sharding;
    this.#memory = memory;
    this.#buffers = buffers;
    this.#checks = checks;
  }

  /** The memory that it belongs to. */
  get memory(): ClientMemory {
    return this.#memory;
  }

  /** The buffer on each device of its mesh, unless the elements have moved out. */
  get buffers(): readonly Buffer[] | null {
    return this.#buffers;
  }

  /** The checks whose result is not known yet. */
  get checks(): readonly Check[] {
    return this.#checks = this.#checks.filter((check) => !check.isDone);
  }

  elements(): Elements {
    for (const check of this.#checks) check.verify();
    this.#checks = [];
    return this.#read();
  }

  #read(): Elements {
    if (this.#host !== null) return this.#host;
    const { dtype, shape } = this.type;
    this.#memory.client.session.use(`Cannot read ${showType(this.type)}`);
    const host = allocateStored(dtype, sizeOf(shape));
    const [first] = this.#buffers!;
    // Copies of a part are equal: the first one is read.
    if (first.bytes === host.byteLength) first.read(host);
    else pasteParts(host, this.type, this.sharding, this.#buffers!);
    return this.#host = host;
  }

  peek<T>(f: (elements: Elements) => T): T {
    return f(this.elements());
  }

  async ready(): Promise<void> {
    await Promise.all(this.#buffers?.map((buffer) => buffer.ready()) ?? []);
    // Yields even if the result was already computed: garbage is freed between turns of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async arrive(): Promise<void> {
    await this.ready();
    this.elements();
  }

  /** Moves the elements to the heap and frees the buffers; checks are verified when they are read. */
  moveOut(): void {
    this.#read();
    this.#buffers?.forEach((buffer) => buffer.delete());
    this.#buffers = null;
  }

  /** Passes the buffers to a computation that consumes them. */
  take(): void {
    this.#memory.forget(this, this.#buffers!);
    this.#buffers = null;
  }
}

/** The use of one device's memory by arrays. */
class Room {
  /** Above this number of bytes, arrays move out. */
  limit: number;
  held = 0;
  peak = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(bytes: number): void {
    this.held += bytes;
    this.peak = Math.max(this.peak, this.held);
  }
}

/**
 * The room of each device. Devices that do not report a memory size, such as CPUs, share that of the
 * machine.
 */
function roomsOf(devices: Iterable<ClientDevice>): ReadonlyMap<ClientDevice, Room> {
  const shared = new Room(UNKNOWN);
  return new Map(
    [...devices].map((device) => {
      const limit = device.memoryStats()?.bytesLimit;
      return [device, limit === undefined ? shared : new Room(Math.floor(limit * SHARE))];
    }),
  );
}

/** Computes the elements of an array in another shape, or with another sharding over the same mesh. */
export type Rearrange = (array: DeviceArray, type: Type, sharding: Sharding) => readonly Buffer[];

/** The target of programs: all devices of a mesh; a single device is a mesh of one. */
export interface Site {
  readonly memory: ClientMemory;
  readonly mesh: Mesh;
  /** The client's devices, in the order of the mesh. */
  readonly devices: readonly ClientDevice[];
  /**
   * Whether the mesh was created by the user, so that programs are divided over it and results have
   * shardings.
   */
  readonly isDivided: boolean;
}

/** The use of the memory of one client's devices by tensors. */
export class ClientMemory {
  readonly client: Client;
  /** The cache of compiled programs for other processes, if there is one. */
  readonly cache: ProgramCache | null;
  readonly #devices: ReadonlyMap<Device, ClientDevice>;
  readonly #rooms: ReadonlyMap<ClientDevice, Room>;
  readonly #pressure = new Pressure();
  /** All arrays with buffers, least recently used first. */
  readonly #arrays = new Set<DeviceArray>();
  /** Copies of tensors that are stored elsewhere, or in another shape or sharding, by shape and sharding. */
  readonly #copies = new WeakMap<Storage, Map<string, DeviceArray>>();
  readonly #registry: FinalizationRegistry<DeviceArray>;
  readonly #rearrange: Rearrange;

  constructor(
    client: Client,
    devices: ReadonlyMap<Device, ClientDevice>,
    cache: ProgramCache | null,
    rearrange: Rearrange,
  ) {
    this.client = client;
    this.cache = cache;
    this.#devices = devices;
    this.#rooms = roomsOf(devices.values());
    this.#rearrange = rearrange;
    this.#registry = new FinalizationRegistry((array) => {
      this.#pressure.release();
      this.free(array);
    });
  }

  /** The client's devices in a mesh. */
  devicesOf(mesh: Mesh): readonly ClientDevice[] {
    return mesh.devices!.map((device) => this.#devices.get(device)!);
  }

  /** Bytes used by arrays. */
  get held(): number {
    return this.#total(({ held }) => held);
  }

  /** The sum of the largest values of `held` for each memory. */
  get peak(): number {
    return this.#total(({ peak }) => peak);
  }

  /** The number of bytes above which arrays move out, over all memories. */
  get limit(): number {
    return this.#total(({ limit }) => limit);
  }

  /** Sets the limit of each memory. */
  set limit(bytes: number) {
    for (const room of this.#rooms.values()) room.limit = bytes;
  }

  /** The number of arrays with buffers. */
  get count(): number {
    return this.#arrays.size;
  }

  #total(read: (room: Room) => number): number {
    return [...new Set(this.#rooms.values())].reduce((sum, room) => sum + read(room), 0);
  }

  /** A tensor whose elements are in buffers, one for each device of the sharding's mesh. */
  adopt(
    buffers: readonly Buffer[],
    type: Type,
    sharding: Sharding,
    checks: readonly Check[] = [],
  ): Concrete {
    const array = this.#add(buffers, type, sharding, checks);
    const storage = new Storage(array, sizeOf(type.shape));
    this.#registry.register(storage, array, array);
    return new Concrete(type.dtype, type.shape, storage);
  }

  /** The array with a tensor's elements in its shape, with the given sharding; uploaded if necessary. */
  arrayOf(x: Concrete, sharding: Sharding): DeviceArray {
    const { storage } = x;
    const { resident } = storage;
    const own = resident instanceof DeviceArray && resident.memory === this &&
        resident.buffers !== null
      ? resident
      : null;
    if (own !== null && own.sharding === sharding && sameShape(own.type.shape, x.shape)) {
      this.#use(own);
      return own;
    }
    let copies = this.#copies.get(storage);
    if (copies === undefined) this.#copies.set(storage, copies = new Map());
    const key = `${sharding.id} ${x.shape}`;
    const known = copies.get(key);
    if (known !== undefined && known.buffers !== null) {
      this.#use(known);
      return known;
    }
    const array = own !== null && own.sharding.mesh === sharding.mesh
      ? this.#add(this.#rearrange(own, x, sharding), x, sharding, own.checks)
      : this.#add(this.#upload(x, sharding), x, sharding, []);
    copies.set(key, array);
    this.#registry.register(storage, array, array);
    return array;
  }

  #upload(x: Concrete, sharding: Sharding): readonly Buffer[] {
    const { dtype, shape, storage } = x;
    const devices = this.devicesOf(sharding.mesh);
    const own = shardShape(sharding, shape, "Cannot divide");
    const size = sizeOf(own);
    if (isSplat(x)) {
      const part = allocateStored(dtype, size).fill(x.stored[0]);
      return devices.map((device) => this.client.upload(part, dtype, own, device));
    }
    const isMoving = storage.resident !== null && !(storage.resident instanceof DeviceArray);
    // Elements that another backend may move are copied first: an upload reads them later.
    const elements = isMoving ? x.peekStored((stored) => stored.slice()) : denseStored(x);
    const parts = new Map<string, Elements>();
    return partsOf(sharding, shape.length).map((at, i) => {
      const key = String(at);
      let part = parts.get(key);
      if (part === undefined) parts.set(key, part = cutPart(elements, shape, own, at));
      return this.client.upload(part, dtype, own, devices[i]);
    });
  }

  #add(
    buffers: readonly Buffer[],
    type: Type,
    sharding: Sharding,
    checks: readonly Check[],
  ): DeviceArray {
    const array = new DeviceArray(this, buffers, type, sharding, checks);
    this.#arrays.add(array);
    for (const { device, bytes } of buffers) {
      this.#rooms.get(device)!.add(bytes);
      this.#pressure.add(bytes);
    }
    return array;
  }

  #use(array: DeviceArray): void {
    this.#arrays.delete(array);
    this.#arrays.add(array);
  }

  /** Removes an array that had buffers from the accounting. */
  forget(array: DeviceArray, buffers: readonly Buffer[]): void {
    if (!this.#arrays.delete(array)) return;
    // Otherwise the registry would keep it, and the elements that have moved out, until the event loop turns.
    this.#registry.unregister(array);
    for (const { device, bytes } of buffers) this.#rooms.get(device)!.held -= bytes;
  }

  /** Frees an array's buffers. */
  free(array: DeviceArray): void {
    if (!this.#arrays.has(array)) return;
    const { buffers } = array;
    array.take();
    buffers!.forEach((buffer) => buffer.delete());
  }

  /** Moves arrays out until this many more bytes fit on each device; `kept` arrays stay. */
  makeRoom(devices: readonly ClientDevice[], bytes: number, kept: readonly DeviceArray[]): void {
    const rooms = devices.map((device) => this.#rooms.get(device)!);
    const wanted = new Map(rooms.map((room) => [room, 0]));
    for (const room of rooms) wanted.set(room, wanted.get(room)! + bytes);
    const isFull = (device: ClientDevice) => {
      const room = this.#rooms.get(device)!;
      return room.held + (wanted.get(room) ?? -Infinity) > room.limit;
    };
    if (!devices.some(isFull)) return;
    for (const array of [...this.#arrays]) {
      if (!devices.some(isFull)) return;
      const { buffers } = array;
      if (kept.includes(array) || !buffers!.some(({ device }) => isFull(device))) continue;
      array.moveOut();
      this.forget(array, buffers!);
    }
  }

  /** Runs `start`; if memory is not sufficient, runs it again after all other arrays have moved out. */
  withRoom<T>(
    devices: readonly ClientDevice[],
    bytes: number,
    kept: readonly DeviceArray[],
    start: () => T,
  ): T {
    this.makeRoom(devices, bytes, kept);
    try {
      return start();
    } catch (error) {
      if (!(error instanceof XlaError) || error.code !== "RESOURCE_EXHAUSTED") throw error;
      this.makeRoom(devices, Infinity, kept);
      return start();
    }
  }
}

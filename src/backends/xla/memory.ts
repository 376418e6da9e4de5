/**
 * Tensors in the memory of devices: one buffer on each device of a mesh, and a device alone is a mesh of
 * one. Buffers belong to a storage as its resident, and are freed with it by the collector; in a
 * synchronous loop, where the collector frees nothing, those that were used longest ago move out to
 * the heap.
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

/** The share of a device's memory that tensors take before they move out. */
const SHARE = 0.85;

/** Bytes that they take where a device does not tell how much it has. */
const UNKNOWN = 2 ** 31;

/** Elements in the memory of devices, or back on the heap. */
export class DeviceArray implements Resident {
  /** The type of the whole. */
  readonly type: Type;
  /** How it is divided over its devices. */
  readonly sharding: Sharding;
  readonly #memory: ClientMemory;
  #buffers: readonly Buffer[] | null;
  #host: Elements | null = null;
  /** What must be found to be in order before the elements mean anything. */
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

  /** The buffer on each device of its mesh, unless they have moved out. */
  get buffers(): readonly Buffer[] | null {
    return this.#buffers;
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
    if (this.#host !== null) return this.#host;
    const { dtype, shape } = this.type;
    this.#memory.client.session.use(`Cannot read ${showType(this.type)}`);
    const host = allocateStored(dtype, sizeOf(shape));
    const [first] = this.#buffers!;
    // Copies of a part are equal: the first is read.
    if (first.bytes === host.byteLength) first.read(host);
    else pasteParts(host, this.type, this.sharding, this.#buffers!);
    return this.#host = host;
  }

  peek<T>(f: (elements: Elements) => T): T {
    return f(this.elements());
  }

  async ready(): Promise<void> {
    await Promise.all(this.#buffers?.map((buffer) => buffer.ready()) ?? []);
    // What was computed already is no reason to wait, and the collector's finds are freed between turns.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async arrive(): Promise<void> {
    await this.ready();
    this.elements();
  }

  /** Moves the elements to the heap and frees the buffers; whether they mean anything is for readers to find. */
  moveOut(): void {
    this.#read();
    this.#buffers?.forEach((buffer) => buffer.delete());
    this.#buffers = null;
  }

  /** Gives the buffers to a computation that uses them up. */
  take(): void {
    this.#memory.forget(this, this.#buffers!);
    this.#buffers = null;
  }
}

/** What arrays take of one memory. */
class Room {
  /** From this many bytes on, arrays move out. */
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

/** The room of each device. Those that do not tell how much memory they have, as CPUs, share the machine's. */
function roomsOf(devices: Iterable<ClientDevice>): ReadonlyMap<ClientDevice, Room> {
  const shared = new Room(UNKNOWN);
  return new Map(
    [...devices].map((device) => {
      const limit = device.memoryStats()?.bytesLimit;
      return [device, limit === undefined ? shared : new Room(Math.floor(limit * SHARE))];
    }),
  );
}

/** Computes the elements of an array in another shape, or divided in another way over the same mesh. */
export type Rearrange = (array: DeviceArray, type: Type, sharding: Sharding) => readonly Buffer[];

/** Where programs run: on all devices of a mesh; a device alone is a mesh of one. */
export interface Site {
  readonly memory: ClientMemory;
  readonly mesh: Mesh;
  /** The client's devices, in the order of the mesh. */
  readonly devices: readonly ClientDevice[];
  /** Whether the mesh is one of the user's, which programs are divided over and results know. */
  readonly isDivided: boolean;
}

/** What tensors take of the memory of one client's devices. */
export class ClientMemory {
  readonly client: Client;
  /** Where compiled programs are kept for other processes, if they are. */
  readonly cache: ProgramCache | null;
  readonly #devices: ReadonlyMap<Device, ClientDevice>;
  readonly #rooms: ReadonlyMap<ClientDevice, Room>;
  readonly #pressure = new Pressure();
  /** All arrays with buffers, the one that was used longest ago first. */
  readonly #arrays = new Set<DeviceArray>();
  /** Copies of what lives elsewhere, or in another shape, or is divided otherwise, by how they are. */
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

  /** Bytes that arrays take. */
  get held(): number {
    return this.#total(({ held }) => held);
  }

  /** The most that they ever took, of each memory. */
  get peak(): number {
    return this.#total(({ peak }) => peak);
  }

  /** From how many bytes on arrays move out, over all memories. */
  get limit(): number {
    return this.#total(({ limit }) => limit);
  }

  /** Sets the limit of each memory. */
  set limit(bytes: number) {
    for (const room of this.#rooms.values()) room.limit = bytes;
  }

  /** How many arrays have buffers. */
  get count(): number {
    return this.#arrays.size;
  }

  #total(read: (room: Room) => number): number {
    return [...new Set(this.#rooms.values())].reduce((sum, room) => sum + read(room), 0);
  }

  /** A tensor of what lies in buffers, one for each device of the sharding's mesh. */
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

  /** The array with a tensor's elements in its shape, divided as said; brought there if it is not yet. */
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
    // What another backend may move is copied first: an upload reads later.
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

  /** Stops counting an array that has had buffers. */
  forget(array: DeviceArray, buffers: readonly Buffer[]): void {
    if (!this.#arrays.delete(array)) return;
    // The registry would keep it, and what has moved out with it, until the event loop turns.
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

  /** Moves arrays out until so many bytes more fit on each device; `kept` stay. */
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

  /** Runs `start`; if there is not enough memory, once more after everything else has moved out. */
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

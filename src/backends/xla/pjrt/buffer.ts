/**
 * Arrays in the memory of a device.
 *
 * @module
 */
import {
  allocateStored,
  byteSize,
  describeValue,
  type Dtype,
  type Elements,
} from "../../../base/dtype.ts";
import { argumentError, dtypeError, shapeError } from "../../../base/errors.ts";
import type { ClientDevice } from "./device.ts";
import { addressesAt, addressOf, allocateBytes, copyFrom } from "./host.ts";
import { Block } from "./layout.ts";
import { Handle, type Session } from "./session.ts";
import { LAYOUT_TYPES, MEMORY_LAYOUT, TILED } from "./structs.ts";

/** The type of a buffer. */
export interface BufferType {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** A type as shown in messages: `float32[2,3]`. */
export function showType({ dtype, shape }: BufferType): string {
  return `${dtype}[${shape}]`;
}

/** The number of elements of a shape. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Throws unless `elements` is the typed array of a type.
 *
 * @param what The beginning of the message: "Cannot upload float32[2,3]".
 */
export function checkElements(
  elements: unknown,
  type: BufferType,
  what: string,
): asserts elements is Elements {
  const kind = allocateStored(type.dtype, 0).constructor;
  if (!(elements instanceof kind)) {
    throw dtypeError(`${what}: expected a ${kind.name}, got ${describeValue(elements)}`);
  }
  const expected = countElements(type.shape);
  const { length } = elements as Elements;
  if (length !== expected) {
    throw shapeError(`${what}: expected ${expected} elements, got ${length}`);
  }
}

const rowMajor = new Map<number, { readonly address: bigint; readonly kept: unknown }>();

/** The layout for PJRT in which the last axis is contiguous; `0n` if all layouts are equal. */
function rowMajorLayout(rank: number): bigint {
  if (rank < 2) return 0n;
  let found = rowMajor.get(rank);
  if (found === undefined) {
    const order = allocateBytes(8 * rank);
    new BigInt64Array(order.buffer).set(
      Array.from({ length: rank }, (_, i) => BigInt(rank - 1 - i)),
    );
    const block = new Block(MEMORY_LAYOUT);
    block.set("tiled_struct_size", TILED.size);
    block.set("minor_to_major", addressOf(order));
    block.set("minor_to_major_size", rank);
    block.set("type", LAYOUT_TYPES.tiled);
    found = { address: addressOf(block.bytes), kept: [order, block] };
    rowMajor.set(rank, found);
  }
  return found.address;
}

/** An array in the memory of a device. Its elements may still be being computed: reading waits. */
export class Buffer implements BufferType {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly device: ClientDevice;
  readonly #handle: Handle;
  #isDonated = false;

  constructor(address: bigint, type: BufferType, device: ClientDevice) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.device = device;
    this.#handle = new Handle(device.session, address, "Buffer_Destroy", this);
  }

  /** The size of its elements on the host in bytes. */
  get bytes(): number {
    return byteSize(this.dtype) * countElements(this.shape);
  }

  /** Whether its memory was freed: it was deleted or donated, or its client was closed. */
  get isDeleted(): boolean {
    return this.#handle.address === 0n;
  }

  /** The client's state, which identifies the client of a buffer. */
  get session(): Session {
    return this.#handle.session;
  }

  /** The address of the buffer; `0n` if it was deleted. */
  get address(): bigint {
    return this.#handle.address;
  }

  /** The address of the buffer; throws if it was deleted. */
  use(what: string): bigint {
    const { address, session } = this.#handle;
    if (address !== 0n) return address;
    session.use(`${what} ${showType(this)}`);
    const fate = this.#isDonated ? "donated to a computation" : "deleted";
    throw argumentError(`${what} ${showType(this)}: the buffer was ${fate}`);
  }

  /** Its size on the device in bytes. */
  bytesOnDevice(): number {
    const buffer = this.use("Cannot measure");
    return this.session.api.call("Buffer_OnDeviceSizeInBytes", { buffer }, "Cannot measure")
      .get("on_device_size_in_bytes");
  }

  /** Waits until it is computed; throws if that failed. */
  await(): void {
    const what = `Cannot wait for ${showType(this)}`;
    const event = this.#readyEvent(what);
    this.#finish(event, what);
  }

  /** Resolves when it is computed; rejects if that failed. */
  async ready(): Promise<void> {
    const { api } = this.session;
    const what = `Cannot wait for ${showType(this)}`;
    const event = this.#readyEvent(what);
    try {
      if (!api.call("Event_IsReady", { event }, what).get("is_ready")) await api.wait(event, what);
    } catch (error) {
      api.call("Event_Destroy", { event }, what);
      throw error;
    }
    this.#finish(event, what);
  }

  /** Waits until it is computed, and copies its elements in row-major order. */
  read(into: Elements): void {
    const src = this.use("Cannot read");
    const what = `Cannot read ${showType(this)}`;
    checkElements(into, this, what);
    if (into.byteLength === 0) return this.await();
    const { api } = this.session;
    this.session.releaseTransfers();
    if (this.#isInRowsOnHost(src, what)) {
      // A transfer would be passed to another thread, which takes longer than copying a small array.
      this.await();
      copyFrom(api.call("Buffer_UnsafePointer", { buffer: src }, what).get("buffer_pointer"), into);
      return;
    }
    const event = api.call(
      "Buffer_ToHostBuffer",
      {
        src,
        host_layout: rowMajorLayout(this.shape.length),
        dst: addressOf(into),
        dst_size: into.byteLength,
      },
      what,
      into,
    ).get("event");
    this.#finish(event, what);
  }

  /** The same without blocking while it is computed. `into` is written in one step at the end. */
  async readAsync(into: Elements): Promise<void> {
    checkElements(into, this, `Cannot read ${showType(this)}`);
    await this.ready();
    this.read(into);
  }

  /** Copies it to another device of its client. */
  copyTo(device: ClientDevice): Buffer {
    const buffer = this.use("Cannot copy");
    const what = `Cannot copy ${showType(this)} to another device`;
    checkDevice(device, this.session, what);
    const dst_device = device.address;
    const copy = this.session.api.call("Buffer_CopyToDevice", { buffer, dst_device }, what);
    return new Buffer(copy.get("dst_buffer"), this, device);
  }

  /** Frees its memory as soon as no started operation uses it. Calling it again has no effect. */
  delete(): void {
    this.#handle.destroy();
  }

  /** Marks it as consumed by a computation. */
  donate(): void {
    this.#isDonated = true;
    this.#handle.destroy();
  }

  /** Marks it as consumed, if a failed computation has consumed it. */
  donateIfConsumed(): void {
    const buffer = this.address;
    if (buffer === 0n) return;
    const what = "Cannot tell what became of a donated buffer";
    if (this.session.api.call("Buffer_IsDeleted", { buffer }, what).get("is_deleted")) {
      this.donate();
    }
  }

  /** Whether its elements are in the host's memory in row-major order. */
  #isInRowsOnHost(buffer: bigint, what: string): boolean {
    const { api } = this.session;
    this.device.isOnHost ??= api.call("Buffer_IsOnCpu", { buffer }, what).get("is_on_cpu");
    const rank = this.shape.length;
    if (!this.device.isOnHost || rank < 2) return this.device.isOnHost;
    const layout = api.call("Buffer_GetMemoryLayout", { buffer }, what);
    if (layout.get("layout_type") !== LAYOUT_TYPES.tiled) return false;
    const order = addressesAt(layout.get("layout_minor_to_major"), rank);
    return layout.get("layout_num_tiles") === 0 &&
      order.every((axis, i) => Number(axis) === rank - 1 - i);
  }

  #readyEvent(what: string): bigint {
    const buffer = this.use("Cannot wait for");
    return this.session.api.call("Buffer_ReadyEvent", { buffer }, what).get("event");
  }

  /** Waits for an event, and frees it. */
  #finish(event: bigint, what: string): void {
    const { api } = this.session;
    try {
      api.call("Event_Await", { event }, what);
    } finally {
      api.call("Event_Destroy", { event }, what);
    }
  }
}

/** Throws unless `device` belongs to a client and this process can use it. */
export function checkDevice(
  device: unknown,
  session: Session,
  what: string,
): asserts device is ClientDevice {
  const found = device as ClientDevice | null | undefined;
  if (found?.session === undefined) {
    throw argumentError(`${what}: expected a device of the client, got ${describeValue(device)}`);
  }
  if (found.session !== session) {
    throw argumentError(`${what}: device ${found.id} belongs to another client`);
  }
  if (!found.isAddressable) {
    throw argumentError(
      `${what}: device ${found.id} belongs to process ${found.processIndex}, which is not this one`,
    );
  }
}

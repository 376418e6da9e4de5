/**
 * The devices of a client.
 *
 * @module
 */
import { XlaError } from "../../../base/errors.ts";
import { textAt } from "./host.ts";
import { type Attributes, readNamedValues } from "./named_values.ts";
import type { Session } from "./session.ts";
import type { ARGUMENTS } from "./structs.ts";

/** Memory statistics of a device, in bytes and counts; unknown values are missing. */
export interface MemoryStats {
  readonly bytesInUse: number;
  readonly peakBytesInUse?: number;
  readonly allocations?: number;
  readonly largestAllocation?: number;
  readonly bytesLimit?: number;
  readonly bytesReserved?: number;
  readonly peakBytesReserved?: number;
  readonly bytesReservableLimit?: number;
  readonly largestFreeBlock?: number;
  readonly poolBytes?: number;
  readonly peakPoolBytes?: number;
}

const STATISTICS = {
  peak_bytes_in_use: "peakBytesInUse",
  num_allocs: "allocations",
  largest_alloc_size: "largestAllocation",
  bytes_limit: "bytesLimit",
  bytes_reserved: "bytesReserved",
  peak_bytes_reserved: "peakBytesReserved",
  bytes_reservable_limit: "bytesReservableLimit",
  largest_free_block_bytes: "largestFreeBlock",
  pool_bytes: "poolBytes",
  peak_pool_bytes: "peakPoolBytes",
} as const satisfies Partial<
  Record<keyof typeof ARGUMENTS.Device_MemoryStats, keyof MemoryStats>
>;

/** A device of a client. */
export class ClientDevice {
  /** Its number, unique among the devices of the client on all hosts. */
  readonly id: number;
  /** The kind of device: "cpu", or the name of a product. */
  readonly kind: string;
  /** A longer text that describes it. */
  readonly description: string;
  /** The number of the process that can use it; 0 if there is only one. */
  readonly processIndex: number;
  /** Whether this process can use it. */
  readonly isAddressable: boolean;
  /** Its number on this host; -1 if it has none. */
  readonly localId: number;
  /** Other attributes reported by the plugin, such as coordinates. */
  readonly attributes: Attributes;
  readonly session: Session;
  /** The address of the device, valid as long as its client. */
  readonly address: bigint;
  /** The client, which is not closed by the garbage collector as long as its devices are in use. */
  readonly client: object;

  constructor(session: Session, address: bigint, client: object) {
    this.session = session;
    this.address = address;
    this.client = client;
    const { api } = session;
    const what = "Cannot describe a device";
    const device = { device: address };
    const device_description = api.call("Device_GetDescription", device, what)
      .get("device_description");
    const input = { device_description };
    this.id = api.call("DeviceDescription_Id", input, what).get("id");
    this.processIndex = api.call("DeviceDescription_ProcessIndex", input, what)
      .get("process_index");
    const kind = api.call("DeviceDescription_Kind", input, what);
    this.kind = textAt(kind.get("device_kind"), kind.get("device_kind_size"));
    const text = api.call("DeviceDescription_DebugString", input, what);
    this.description = textAt(text.get("debug_string"), text.get("debug_string_size"));
    const attributes = api.call("DeviceDescription_Attributes", input, what);
    this.attributes = readNamedValues(
      attributes.get("attributes"),
      attributes.get("num_attributes"),
    );
    this.isAddressable = api.call("Device_IsAddressable", device, what).get("is_addressable");
    this.localId = this.isAddressable
      ? api.call("Device_LocalHardwareId", device, what).get("local_hardware_id")
      : -1;
  }

  /** Whether its memory is that of the host, as for CPUs; `null` until a buffer on it has determined this. */
  isOnHost: boolean | null = null;

  /** The current memory statistics, or `null` if the device does not report any. */
  memoryStats(): MemoryStats | null {
    const what = `Cannot ask device ${this.id} for its memory`;
    this.session.use(what);
    if (!this.session.api.has("Device_MemoryStats")) return null;
    try {
      const block = this.session.api.call("Device_MemoryStats", { device: this.address }, what);
      const found: { -readonly [K in keyof MemoryStats]: number } = {
        bytesInUse: block.get("bytes_in_use"),
      };
      for (const [field, name] of Object.entries(STATISTICS)) {
        const key = field as keyof typeof STATISTICS;
        if (block.get(`${key}_is_set`)) found[name] = block.get(key);
      }
      return found;
    } catch (error) {
      if (error instanceof XlaError && error.code === "UNIMPLEMENTED") return null;
      throw error;
    }
  }
}

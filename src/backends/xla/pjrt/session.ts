/**
 * The state of an open client that is shared by its devices, buffers and executables, and the objects that
 * must be freed.
 *
 * @module
 */
import { argumentError } from "../../../base/errors.ts";
import type { Api } from "./api.ts";

/** The functions that free what a client has made. */
export type Destroyer = "Buffer_Destroy" | "Executable_Destroy" | "LoadedExecutable_Destroy";

/** An object of the plugin, which is freed once: explicitly, by the garbage collector, or with its client. */
export class Handle {
  readonly session: Session;
  readonly #destroyer: Destroyer;
  #address: bigint;

  /** @param owner When this object is collected, the handle is freed. */
  constructor(session: Session, address: bigint, destroyer: Destroyer, owner: object) {
    this.session = session;
    this.#address = address;
    this.#destroyer = destroyer;
    session.adopt(this);
    collected.register(owner, this);
  }

  /** The address of the object; `0n` if it was freed. */
  get address(): bigint {
    return this.#address;
  }

  /** Frees the object, unless it was freed before. */
  destroy(): void {
    const address = this.#address;
    if (address === 0n) return;
    this.#address = 0n;
    this.session.forget(this);
    const inputs = this.#destroyer === "Buffer_Destroy"
      ? { buffer: address }
      : { executable: address };
    this.session.api.call(this.#destroyer, inputs as never, "Cannot free memory");
  }
}

/** Frees unreachable objects of open clients. */
const collected = new FinalizationRegistry<Handle | Session>((one) => {
  try {
    one instanceof Handle ? one.destroy() : one.close();
  } catch {
    // The error cannot be reported: the plugin keeps objects that it could not free.
  }
});

/** The open clients. */
const open = new Set<Session>();

/**
 * Closes all open clients before the process ends: otherwise the threads of a running client would use freed
 * resources.
 */
function closeAll(): void {
  for (const session of open) session.close();
}

/** Our memory that the plugin is still reading. */
interface Transfer {
  readonly event: bigint;
  readonly data: ArrayBufferView;
}

/** The state of a client. */
export class Session {
  readonly api: Api;
  /** The maker of compiled programs: the platform and the plugin's versions. */
  maker = "";
  /** The platform's name: "cpu", "cuda", "tpu". */
  platform = "";
  /** Objects that must be freed before the client. */
  readonly #live = new Set<Handle>();
  #address: bigint;
  #transfers: Transfer[] = [];
  #launches = 0;
  readonly #support: { close(): void } | undefined;

  /**
   * @param owner When this object is collected, the client is closed.
   * @param support The functions that the plugin calls for the client; they are closed when the client is
   * freed.
   */
  constructor(api: Api, address: bigint, owner: object, support?: { close(): void }) {
    this.api = api;
    this.#address = address;
    this.#support = support;
    collected.register(owner, this);
    if (open.size === 0) globalThis.addEventListener("unload", closeAll);
    open.add(this);
  }

  /** Whether the client was closed. */
  get isClosed(): boolean {
    return this.#address === 0n;
  }

  /**
   * The address of the client.
   *
   * @param what The beginning of the message if it is closed: "Cannot compile the program".
   */
  use(what: string): bigint {
    if (this.#address === 0n) throw argumentError(`${what}: the XLA client is closed`);
    return this.#address;
  }

  /** The number of objects of the client that are not freed yet. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** Registers an object that must be freed before the client. */
  adopt(handle: Handle): void {
    this.#live.add(handle);
  }

  /** Unregisters an object that was freed. */
  forget(handle: Handle): void {
    this.#live.delete(handle);
  }

  /** A number for the next run of a program. */
  nextLaunch(): number {
    return this.#launches = (this.#launches + 1) & 0x7fffffff;
  }

  /** Keeps memory reachable until an event signals that the plugin has read it. */
  keepUntil(event: bigint, data: ArrayBufferView): void {
    this.#transfers.push({ event, data });
  }

  /** Releases memory that the plugin has read. */
  releaseTransfers(): void {
    if (this.#transfers.length === 0) return;
    const what = "Cannot upload elements";
    this.#transfers = this.#transfers.filter(({ event }) => {
      if (!this.api.call("Event_IsReady", { event }, what).get("is_ready")) return true;
      this.api.call("Event_Destroy", { event }, what);
      return false;
    });
  }

  /** Frees all objects of the client, then the client itself. */
  close(): void {
    const address = this.#address;
    if (address === 0n) return;
    this.#address = 0n;
    open.delete(this);
    if (open.size === 0) globalThis.removeEventListener("unload", closeAll);
    const what = "Cannot close the XLA client";
    for (const { event } of this.#transfers) {
      // A failed transfer is also finished; its buffer has the error.
      try {
        this.api.call("Event_Await", { event }, what);
      } catch { /* As above. */ }
      this.api.call("Event_Destroy", { event }, what);
    }
    this.#transfers = [];
    for (const handle of [...this.#live]) handle.destroy();
    this.api.call("Client_Destroy", { client: address }, what);
    this.#support?.close();
  }
}

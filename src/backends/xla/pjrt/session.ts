/**
 * An open client as its devices, buffers and executables share it, and what of it has to be freed.
 *
 * @module
 */
import { argumentError } from "../../../base/errors.ts";
import type { Api } from "./api.ts";

/** The functions that free what a client has made. */
export type Destroyer = "Buffer_Destroy" | "Executable_Destroy" | "LoadedExecutable_Destroy";

/** An object of the plugin, which is freed once: on demand, by the collector, or with its client. */
export class Handle {
  readonly session: Session;
  readonly #destroyer: Destroyer;
  #address: bigint;

  /** @param owner The object with which it is freed when the collector takes that. */
  constructor(session: Session, address: bigint, destroyer: Destroyer, owner: object) {
    this.session = session;
    this.#address = address;
    this.#destroyer = destroyer;
    session.adopt(this);
    collected.register(owner, this);
  }

  /** Where the object is; `0n` when it was freed. */
  get address(): bigint {
    return this.#address;
  }

  /** Frees the object, unless that was done. */
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

/** Frees what nothing refers to any more, of clients that are open. */
const collected = new FinalizationRegistry<Handle | Session>((one) => {
  try {
    one instanceof Handle ? one.destroy() : one.close();
  } catch {
    // There is nobody to tell: the plugin keeps what it could not free.
  }
});

/** The clients that are open. */
const open = new Set<Session>();

/**
 * Closes what is open before the process ends: the threads of a client that works would meet the end of
 * all that they use.
 */
function closeAll(): void {
  for (const session of open) session.close();
}

/** Memory of ours that the plugin still reads. */
interface Transfer {
  readonly event: bigint;
  readonly data: ArrayBufferView;
}

/** The state of a client. */
export class Session {
  readonly api: Api;
  /** What makes compiled programs: the platform and the plugin's versions. */
  maker = "";
  /** The platform's name: "cpu", "cuda", "tpu". */
  platform = "";
  /** What has to be freed before the client is. */
  readonly #live = new Set<Handle>();
  #address: bigint;
  #transfers: Transfer[] = [];
  #launches = 0;
  readonly #support: { close(): void } | undefined;

  /**
   * @param owner The object with which the client is closed when the collector takes that.
   * @param support What the plugin calls for the client; it is closed when the client is freed.
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
   * Where the client is.
   *
   * @param what Begins the message when it is closed: "Cannot compile the program".
   */
  use(what: string): bigint {
    if (this.#address === 0n) throw argumentError(`${what}: the XLA client is closed`);
    return this.#address;
  }

  /** How many objects of the client are not freed yet. */
  get liveCount(): number {
    return this.#live.size;
  }

  /** Notes what has to be freed before the client is. */
  adopt(handle: Handle): void {
    this.#live.add(handle);
  }

  /** Forgets what was freed. */
  forget(handle: Handle): void {
    this.#live.delete(handle);
  }

  /** A number for the next run of a program. */
  nextLaunch(): number {
    return this.#launches = (this.#launches + 1) & 0x7fffffff;
  }

  /** Keeps memory reachable until an event says that the plugin has read it. */
  keepUntil(event: bigint, data: ArrayBufferView): void {
    this.#transfers.push({ event, data });
  }

  /** Lets go of memory that the plugin has read. */
  releaseTransfers(): void {
    if (this.#transfers.length === 0) return;
    const what = "Cannot upload elements";
    this.#transfers = this.#transfers.filter(({ event }) => {
      if (!this.api.call("Event_IsReady", { event }, what).get("is_ready")) return true;
      this.api.call("Event_Destroy", { event }, what);
      return false;
    });
  }

  /** Frees all that the client has made, then the client itself. */
  close(): void {
    const address = this.#address;
    if (address === 0n) return;
    this.#address = 0n;
    open.delete(this);
    if (open.size === 0) globalThis.removeEventListener("unload", closeAll);
    const what = "Cannot close the XLA client";
    for (const { event } of this.#transfers) {
      // A failed transfer is as finished as one that succeeded; its buffer has the error.
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

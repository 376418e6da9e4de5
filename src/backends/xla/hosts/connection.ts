/**
 * Messages over TCP, each preceded by its length: four bytes, little-endian. All uses of Deno's network API
 * are in this module.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError } from "../../../base/errors.ts";

/** The longest message, in bytes. */
export const LONGEST = 2 ** 26;

/** The address of a store. */
export interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** One end of a connection. */
export class Connection {
  readonly #socket: Deno.TcpConn;
  #sent: Promise<void> = Promise.resolve();

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Sends a message after the earlier ones. */
  send(message: Uint8Array): Promise<void> {
    const framed = new Uint8Array(4 + message.length);
    new DataView(framed.buffer).setUint32(0, message.length, true);
    framed.set(message, 4);
    return this.#sent = this.#sent.then(async () => {
      for (let at = 0; at < framed.length;) at += await this.#socket.write(framed.subarray(at));
    });
  }

  /**
   * The next message, or `null` if the other end has closed the connection.
   *
   * @param longest The maximum length; longer messages, and connections that end within one, are errors.
   */
  async receive(longest: number = LONGEST): Promise<Uint8Array<ArrayBuffer> | null> {
    const head = new Uint8Array(4);
    if (!await this.#fill(head, true)) return null;
    const size = new DataView(head.buffer).getUint32(0, true);
    if (size > longest) throw new RangeError(`a message of ${size} bytes, of at most ${longest}`);
    const message = new Uint8Array(size);
    await this.#fill(message, false);
    return message;
  }

  /** Closes the connection. Calling it again has no effect. */
  close(): void {
    // Notifies the other end immediately. Closing alone waits for the pending read, and so for a turn of the
    // event loop, which may be late.
    this.#socket.closeWrite().catch(() => {});
    try {
      this.#socket.close();
    } catch { /* It is closed. */ }
  }

  /** Reads all of `into`; returns false if the connection ends before that and `mayEnd` is set. */
  async #fill(into: Uint8Array, mayEnd: boolean): Promise<boolean> {
    for (let at = 0; at < into.length;) {
      const count = await this.#socket.read(into.subarray(at));
      if (count !== null) at += count;
      else if (mayEnd && at === 0) return false;
      else throw new RangeError("a message that is cut short");
    }
    return true;
  }
}

/** Opens a connection. */
export async function dial({ hostname, port }: Endpoint): Promise<Connection> {
  const socket = await Deno.connect({ hostname, port });
  socket.setNoDelay();
  return new Connection(socket);
}

/**
 * Accepts connections forever.
 *
 * @param serve Called with each connection.
 * @returns The port, chosen by the system if 0 was given.
 */
export function listen(endpoint: Endpoint, serve: (connection: Connection) => void): number {
  const listener = Deno.listen({ ...endpoint });
  (async () => {
    for await (const socket of listener) {
      socket.setNoDelay();
      serve(new Connection(socket));
    }
  })();
  return listener.addr.port;
}

/** An address as text: "127.0.0.1:8476", "[::1]:8476". */
export function showEndpoint({ hostname, port }: Endpoint): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Parses an address. */
export function parseEndpoint(address: unknown, what: string): Endpoint {
  const [, inBrackets, plain, digits] = typeof address === "string"
    ? address.match(/^(?:\[([\da-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/) ?? []
    : [];
  const hostname = inBrackets ?? plain;
  const port = Number(digits);
  if (hostname !== undefined && port > 0 && port < 65536) return { hostname, port };
  throw argumentError(
    `${what}: expected the address of a store such as "10.0.0.1:8476", got ${
      describeValue(address)
    }`,
  );
}

/**
 * A cache of compiled programs in files, so that later processes need not compile them again.
 *
 * @module
 */
import { describeValue } from "../../base/dtype.ts";
import { argumentError } from "../../base/errors.ts";

/** The beginning of files: the format. */
const HEAD = "jacobi xla program 1\n";

const encoder = new TextEncoder();

/** A 64-bit hash of bytes by the method of Fowler, Noll and Vo (FNV-1a). */
function hashOf(bytes: Uint8Array, start: bigint): string {
  let [high, low] = [Number(start >> 32n), Number(start & 0xffffffffn)];
  for (let i = 0; i < bytes.length; i++) {
    low = (low ^ bytes[i]) >>> 0;
    // The prime is 2^40 + 435.
    const product = low * 435;
    const carry = Math.floor(product / 2 ** 32);
    high = (Math.imul(high, 435) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return [high, low].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** The programs of one directory. */
export class ProgramCache {
  readonly #directory: string;

  /** Creates the directory if it does not exist. */
  constructor(directory: unknown) {
    const what = "Cannot keep compiled programs";
    if (typeof directory !== "string" || directory === "") {
      throw argumentError(
        `${what}: cacheDirectory must be the name of a directory, got ${describeValue(directory)}`,
      );
    }
    this.#directory = directory;
    try {
      Deno.mkdirSync(directory, { recursive: true });
      Deno.readDirSync(directory);
    } catch (error) {
      throw argumentError(
        `${what} in ${JSON.stringify(directory)}: ${(error as Error).message}; give a directory ` +
          `that --allow-read and --allow-write include`,
      );
    }
  }

  /** The content stored for a key, or `null`. */
  read(key: string): Uint8Array<ArrayBuffer> | null {
    const head = encoder.encode(HEAD + key);
    try {
      const bytes = Deno.readFileSync(this.#pathOf(head));
      // Detects damaged files and different keys with the same file name.
      const size = new DataView(bytes.buffer).getUint32(0, true);
      const start = 8 + head.length;
      const isSame = head.every((byte, i) => bytes[8 + i] === byte);
      return isSame && bytes.length === start + size ? bytes.slice(start) : null;
    } catch {
      return null;
    }
  }

  /** Stores content for a key. If writing fails, the program is compiled again the next time. */
  write(key: string, content: Uint8Array): void {
    const head = encoder.encode(HEAD + key);
    const bytes = new Uint8Array(8 + head.length + content.length);
    new DataView(bytes.buffer).setUint32(0, content.length, true);
    bytes.set(head, 8);
    bytes.set(content, 8 + head.length);
    const path = this.#pathOf(head);
    // The file appears atomically to other processes.
    const draft = `${path}.${crypto.randomUUID()}`;
    try {
      Deno.writeFileSync(draft, bytes);
      Deno.renameSync(draft, path);
    } catch {
      // The directory is full, or was removed.
    }
  }

  #pathOf(head: Uint8Array): string {
    const hashes = [0xcbf29ce484222325n, 0x84222325cbf29ce4n].map((start) => hashOf(head, start));
    return `${this.#directory}/${hashes.join("")}.xla`;
  }
}

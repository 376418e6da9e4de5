/**
 * Common parts of the readers: their input bytes, and the limit on the unpacked size of a file.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { hintFor } from "../core/convert.ts";

/**
 * The contents of a file.
 *
 * @category Files
 */
export type Bytes = Uint8Array | ArrayBuffer;

/** `bytes` as a view of them, without a copy. */
export function viewBytes(bytes: unknown, what: string): Uint8Array {
  const isShared = typeof SharedArrayBuffer === "function" && bytes instanceof SharedArrayBuffer;
  if (bytes instanceof Uint8Array || bytes instanceof ArrayBuffer || isShared) {
    try {
      return bytes instanceof Uint8Array
        ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        : new Uint8Array(bytes as ArrayBuffer);
    } catch {
      throw argumentError(
        `${what}: the bytes were transferred elsewhere and can no longer be read`,
      );
    }
  }
  const hint = typeof bytes === "string" || bytes instanceof URL
    ? "; read the file first, with Deno.readFileSync"
    : hintFor(bytes);
  throw argumentError(
    `${what}: expected a Uint8Array or an ArrayBuffer, got ${describeValue(bytes)}${hint}`,
  );
}

/** A view of `bytes` for reading numbers. */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An unsigned integer of 64 bits at `offset`, or NaN when it is too large to be a size. */
export function readSize(view: DataView, offset: number): number {
  const size = Number(view.getBigUint64(offset, true));
  return Number.isSafeInteger(size) ? size : NaN;
}

/** Room for a file of `length` bytes. */
export function allocateFile(length: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch {
    throw argumentError(`${what}: its ${length} bytes do not fit in memory`);
  }
}

/** The unpacked size that is allowed for any file, in bytes. */
const FREE_BYTES = 2 ** 28;

/** How many times its own size a file may unfold to, beyond that: int8 read as float64 takes eight. */
const TIMES = 16;

/**
 * The remaining unpacked size of a file. Files may refer to the same bytes any number of times, or compress
 * data to nearly nothing: a small file could otherwise exhaust the memory.
 */
export class Budget {
  readonly #what: string;
  readonly #limit: number;
  #spent = 0;

  /** A budget for a file of `size` bytes. */
  constructor(size: number, what: string) {
    this.#what = what;
    this.#limit = FREE_BYTES + TIMES * size;
  }

  /** Throws, before the caller allocates them, when `bytes` more are too many. */
  spend(bytes: number): void {
    this.#spent += bytes;
    if (this.#spent > this.#limit) {
      throw argumentError(
        `${this.#what}: it unfolds to more than ${this.#limit} bytes, the most for a file of its ` +
          `size; save it without compression and without expanded or repeated tensors`,
      );
    }
  }
}

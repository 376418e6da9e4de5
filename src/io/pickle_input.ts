/**
 * The bytes of a pickle, read in order: numbers, texts and lines, never past the end.
 *
 * @module
 */
import { dataView } from "./bytes.ts";

/** Python's own limit for integers in decimal, in digits. */
const MAX_DIGITS = 4300;

/** The longest integer in binary, in bytes: as long as the longest in decimal. */
const MAX_INTEGER_BYTES = 1786;

/** The longest text, in bytes: engines hold little more in one string. */
const MAX_TEXT = 2 ** 28;

/** Makes the error for a fault, which is described in words. */
export type Fail = (fault: string) => Error;

/** A place in the bytes of a pickle. */
export class PickleInput {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: Fail;
  #at: number;

  /** Reads `bytes` from position `at` on. */
  constructor(bytes: Uint8Array, at: number, fail: Fail) {
    this.#bytes = bytes;
    this.#view = dataView(bytes);
    this.#fail = fail;
    this.#at = at;
  }

  /** The position of the next byte. */
  get position(): number {
    return this.#at;
  }

  /** Passes `count` bytes and gives the position of the first. */
  #pass(count: number): number {
    const at = this.#at;
    if (!(count <= this.#bytes.length - at)) {
      throw this.#fail("its pickle ends too early; the file may be cut short");
    }
    this.#at = at + count;
    return at;
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes; the last only when it can be a size. */
  unsigned(width: 1 | 2 | 4 | 8): number {
    const at = this.#pass(width);
    if (width === 1) return this.#bytes[at];
    if (width === 2) return this.#view.getUint16(at, true);
    if (width === 4) return this.#view.getUint32(at, true);
    return Number(this.#view.getBigUint64(at, true));
  }

  /** A signed integer of 4 bytes. */
  signed(): number {
    return this.#view.getInt32(this.#pass(4), true);
  }

  /** A float64, most significant byte first. */
  float(): number {
    return this.#view.getFloat64(this.#pass(8), false);
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    const at = this.#pass(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** A text of `count` bytes in UTF-8; surrogates, which Python allows, become U+FFFD. */
  text(count: number): string {
    if (count > MAX_TEXT) throw this.#fail(`its pickle has a text of ${count} bytes`);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes(count));
  }

  /** A text up to the end of its line. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#fail("its pickle ends too early; the file may be cut short");
    const text = this.text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  /** An integer of `count` bytes in two's complement, least significant byte first. */
  long(count: number): number | bigint {
    if (!(count >= 0 && count <= MAX_INTEGER_BYTES)) {
      throw this.#fail(`its pickle has an integer of ${count} bytes`);
    }
    let value = 0n;
    const bytes = this.bytes(count);
    for (let i = count - 1; i >= 0; i--) value = value << 8n | BigInt(bytes[i]);
    return narrow(BigInt.asIntN(8 * count, value));
  }

  /** An integer in decimal on a line of its own, optionally followed by an L. */
  decimal(): number | bigint {
    const text = this.line().replace(/L$/, "");
    if (!/^[+-]?\d+$/.test(text) || text.length > MAX_DIGITS) {
      throw this.#fail("its pickle has an integer that is none");
    }
    return narrow(BigInt(text.replace(/^\+/, "")));
  }
}

/** A JavaScript number where it holds the integer. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

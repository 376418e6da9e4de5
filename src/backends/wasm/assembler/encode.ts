/**
 * The encodings of WebAssembly's binary format (https://webassembly.github.io/spec/core/binary/):
 * LEB128 integers, little-endian floats, names, and the buffer that they are appended to.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** An integer of 0 to 2^32 - 1 as unsigned LEB128. */
export function unsigned(value: number): number[] {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw internalError(`Cannot encode ${value}: an unsigned integer of 32 bits is needed`);
  }
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
  return bytes;
}

/** A 32-bit integer, signed or unsigned (-2^31 to 2^32 - 1), as signed LEB128. */
export function signed32(value: number): number[] {
  if (!Number.isInteger(value) || value < -0x80000000 || value > 0xffffffff) {
    throw internalError(`Cannot encode ${value}: an integer of 32 bits is needed`);
  }
  const bytes: number[] = [];
  for (value |= 0; value < -64 || value > 63; value >>= 7) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value & 0x7f);
  return bytes;
}

/** A 64-bit integer, signed or unsigned (-2^63 to 2^64 - 1), as signed LEB128. */
export function signed64(value: bigint): number[] {
  if (value < -(1n << 63n) || value >= 1n << 64n) {
    throw internalError(`Cannot encode ${value}: an integer of 64 bits is needed`);
  }
  const bytes: number[] = [];
  for (value = BigInt.asIntN(64, value); value < -64n || value > 63n; value >>= 7n) {
    bytes.push(Number(value & 0x7fn) | 0x80);
  }
  bytes.push(Number(value & 0x7fn));
  return bytes;
}

/** The four bytes of a float, lowest first. */
export function float32(value: number): number[] {
  // All NaNs are encoded with the same bits.
  if (Number.isNaN(value)) scratch.setUint32(0, 0x7fc00000, true);
  else scratch.setFloat32(0, value, true);
  return scratchBytes(4);
}

/** The eight bytes of a double, lowest first. */
export function float64(value: number): number[] {
  if (Number.isNaN(value)) scratch.setBigUint64(0, 0x7ff8000000000000n, true);
  else scratch.setFloat64(0, value, true);
  return scratchBytes(8);
}

function scratchBytes(length: number): number[] {
  return Array.from({ length }, (_, i) => scratch.getUint8(i));
}

/** A string as its length in bytes and its UTF-8. */
export function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...unsigned(bytes.length), ...bytes];
}

/** A growing byte buffer; appending takes linear time in total. */
export class Bytes {
  #buffer = new Uint8Array(64);
  #length = 0;

  /** The number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  /** Appends a few bytes. */
  append(bytes: readonly number[]): void {
    this.#reserve(bytes.length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < bytes.length; i++) buffer[at++] = bytes[i];
    this.#length = at;
  }

  /** Appends a block of bytes. */
  appendBlock(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The bytes so far, as a view that is valid until the next append. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of the bytes. */
  toUint8Array(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }
}

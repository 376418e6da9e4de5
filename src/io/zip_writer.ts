/**
 * Zip files without compression (PKWARE's APPNOTE 6.3; section numbers below are its own), with the
 * fields that Python's `zipfile` writes for `numpy.savez`.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { allocateFile } from "./bytes.ts";
import { crc32 } from "../base/crc32.ts";

/** A file to be stored. */
export interface StoredEntry {
  /** Its path. */
  readonly name: string;
  /** Its contents. */
  readonly data: Uint8Array;
}

/** The largest size and place that fields of 32 bits hold in Python's files. */
const MAX_NARROW = 2 ** 31 - 1;

const MAX_COUNT = 0xffff;
const MAX_NAME = 0xffff;

/** The version of the format that supports fields of 64 bits. */
const VERSION = 45;

/** The first of January 1980, the earliest date, so that equal contents make equal files. */
const DATE = 0x21;

/** Read and written by the owner alone. */
const ATTRIBUTES = 0o600 << 16;

/** Says that a name is UTF-8. */
const UTF8 = 0x800;

/** Integers with their widths in bytes, and bytes. */
type Field = readonly [value: number, width: number] | Uint8Array;

/**
 * A zip file of these entries, in this order.
 *
 * @param maxNarrow Sizes and places above it are written in fields of 64 bits.
 */
export function writeZip(
  entries: readonly StoredEntry[],
  what: string,
  maxNarrow: number = MAX_NARROW,
): Uint8Array<ArrayBuffer> {
  const narrow = (value: number): Field => [value > maxNarrow ? 0xffffffff : value, 4];
  const body: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let start = 0;
  for (const { name, data } of entries) {
    const path = encodeName(name, what);
    const size = data.length;
    const flags = path.length === name.length ? 0 : UTF8;
    const checksum = crc32(data);
    const common: Field[] = [[VERSION, 2], [flags, 2], [0, 2], [0, 2], [DATE, 2], [checksum, 4]];
    // The local header (4.3.7) has its sizes in 64 bits always (4.5.3).
    const local = pack([
      ...[[0x04034b50, 4], ...common, [0xffffffff, 4], [0xffffffff, 4]] as Field[],
      ...[[path.length, 2], [20, 2], path, [1, 2], [16, 2], [size, 8], [size, 8]] as Field[],
    ]);
    const wide: Field[] = [
      ...(size > maxNarrow ? [[size, 8], [size, 8]] as Field[] : []),
      ...(start > maxNarrow ? [[start, 8]] as Field[] : []),
    ];
    const extra: Field[] = wide.length === 0 ? [] : [[1, 2], [8 * wide.length, 2], ...wide];
    const extraLength = wide.length === 0 ? 0 : 4 + 8 * wide.length;
    // Its header in the directory (4.3.12), made on Unix, without a comment.
    directory.push(pack([
      ...[[0x02014b50, 4], [VERSION, 1], [3, 1], ...common] as Field[],
      ...[narrow(size), narrow(size), [path.length, 2], [extraLength, 2], [0, 2]] as Field[],
      ...[[0, 2], [0, 2], [ATTRIBUTES, 4], narrow(start), path, ...extra] as Field[],
    ]));
    body.push(local, data);
    start += local.length + size;
  }
  const count = entries.length;
  const length = total(directory);
  const isWide = count > MAX_COUNT || start > maxNarrow || length > maxNarrow;
  // The end of the directory in 64 bits (4.3.14), where it is (4.3.15), and its end (4.3.16).
  const wideEnd: Field[] = isWide
    ? [
      ...[[0x06064b50, 4], [44, 8], [VERSION, 2], [VERSION, 2], [0, 4], [0, 4]] as Field[],
      ...[[count, 8], [count, 8], [length, 8], [start, 8]] as Field[],
      ...[[0x07064b50, 4], [0, 4], [start + length, 8], [1, 4]] as Field[],
    ]
    : [];
  const shownCount: Field = [Math.min(count, MAX_COUNT), 2];
  const end = pack([
    ...wideEnd,
    ...[[0x06054b50, 4], [0, 4], shownCount, shownCount] as Field[],
    ...[[Math.min(length, 0xffffffff), 4], [Math.min(start, 0xffffffff), 4], [0, 2]] as Field[],
  ]);
  const parts = [...body, ...directory, end];
  const file = allocateFile(total(parts), what);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function total(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Fields one after another, least significant bytes first. */
function pack(fields: readonly Field[]): Uint8Array {
  const bytes = fields.flatMap((field) =>
    field instanceof Uint8Array
      ? [...field]
      : Array.from({ length: field[1] }, (_, i) => Math.floor(field[0] / 2 ** (8 * i)) & 0xff)
  );
  return Uint8Array.from(bytes);
}

function encodeName(name: string, what: string): Uint8Array {
  const path = new TextEncoder().encode(name);
  if (name.isWellFormed() && !name.includes("\0") && path.length <= MAX_NAME) return path;
  throw argumentError(
    `${what}: expected a name of valid Unicode without zeros, of at most ${MAX_NAME} bytes, got ` +
      describeValue(name),
  );
}

/**
 * Zip files, found by their central directory at the end (PKWARE's APPNOTE 6.3; section numbers below
 * are its own). Entries are given as views of the file unless they are compressed.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { dataView, readSize } from "./bytes.ts";
import type { Budget } from "./bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { inflate } from "./inflate.ts";

/** One entry of the directory. */
export interface ZipEntry {
  /** Its path. */
  readonly name: string;
  /** How it is compressed: 0 is stored, 8 deflated. */
  readonly method: number;
  /** The checksum of its contents. */
  readonly crc: number;
  /** Its size in the file. */
  readonly packed: number;
  /** The size of its contents. */
  readonly size: number;
  /** Where its data begins. */
  readonly start: number;
}

const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const LOCATOR_SIZE = 20;
const WIDE_END_SIZE = 56;
const HEADER_SIZE = 46;
const LOCAL_SIZE = 30;

/** A zip file's entries by name, in the order of the directory. */
export function readZipDirectory(file: Uint8Array, what: string): Map<string, ZipEntry> {
  const view = dataView(file);
  const fail = (fault: string) => argumentError(`${what}: ${fault}`);
  const { start, length, count, limit } = findDirectory(view, fail);
  if (!(start + length <= limit) || !(count * HEADER_SIZE <= length)) {
    throw fail("its zip directory lies outside of the file");
  }
  const directory = new Map<string, ZipEntry>();
  let at = start;
  for (let i = 0; i < count; i++) {
    const broken = () => fail(`entry ${i} of its zip directory is broken`);
    if (at + HEADER_SIZE > start + length || view.getUint32(at, true) !== 0x02014b50) {
      throw broken();
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true)
    );
    const extra = at + HEADER_SIZE + nameLength;
    const next = extra + extraLength + commentLength;
    if (next > start + length) throw broken();
    const nameBytes = file.subarray(at + HEADER_SIZE, extra);
    const name = new TextDecoder().decode(nameBytes);
    if (view.getUint16(at + 8, true) & 1) throw fail(`entry ${describeValue(name)} is encrypted`);
    const sizes = readSizes(view, at, extra, extra + extraLength);
    if (sizes === null) throw broken();
    const entry = {
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: sizes.packed,
      size: sizes.size,
      start: dataStart(file, view, sizes.local, nameBytes),
    };
    if (!(entry.start + entry.packed <= limit)) {
      throw fail(`entry ${describeValue(name)} lies outside of the file`);
    }
    if (entry.method !== 0 && entry.method !== 8) {
      throw fail(
        `entry ${describeValue(name)} is compressed by method ${entry.method}, expected 0 ` +
          `(stored) or 8 (deflated)`,
      );
    }
    if (entry.method === 0 && entry.packed !== entry.size) {
      throw fail(`entry ${describeValue(name)} is stored, but its two sizes differ`);
    }
    if (directory.has(name)) throw fail(`it has two entries ${describeValue(name)}`);
    directory.set(name, entry);
    at = next;
  }
  return directory;
}

/** The position of the directory (sections 4.3.14 to 4.3.16), which is not validated. */
function findDirectory(
  view: DataView,
  fail: (fault: string) => Error,
): { start: number; length: number; count: number; limit: number } {
  const last = view.byteLength - END_SIZE;
  let end = last;
  const isEnd = (at: number) =>
    view.getUint32(at, true) === 0x06054b50 && view.getUint16(at + 20, true) === last - at;
  while (end >= 0 && end >= last - MAX_COMMENT && !isEnd(end)) end--;
  if (end < 0 || end < last - MAX_COMMENT) {
    throw fail("it has no zip directory at its end; the file may be cut short");
  }
  const locator = end - LOCATOR_SIZE;
  if (locator >= 0 && view.getUint32(locator, true) === 0x07064b50) {
    const wide = readSize(view, locator + 8);
    if (!(wide + WIDE_END_SIZE <= locator) || view.getUint32(wide, true) !== 0x06064b50) {
      throw fail("the end of its zip directory is broken");
    }
    const [count, length, start] = [32, 40, 48].map((field) => readSize(view, wide + field));
    return { start, length, count, limit: wide };
  }
  return {
    start: view.getUint32(end + 16, true),
    length: view.getUint32(end + 12, true),
    count: view.getUint16(end + 10, true),
    limit: end,
  };
}

/** An entry's sizes and position, which are in an extra field if they are large (section 4.5.3). */
function readSizes(
  view: DataView,
  header: number,
  extra: number,
  extraEnd: number,
): { packed: number; size: number; local: number } | null {
  const narrow = [24, 20, 42].map((field) => view.getUint32(header + field, true));
  let wide = extraEnd;
  let wideEnd = extraEnd;
  for (let at = extra; at + 4 <= extraEnd;) {
    const next = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      [wide, wideEnd] = [at + 4, next];
      break;
    }
    at = next;
  }
  if (wideEnd > extraEnd) return null;
  const sizes: number[] = [];
  for (const value of narrow) {
    if (value !== 0xffffffff) {
      sizes.push(value);
      continue;
    }
    if (wide + 8 > wideEnd) return null;
    sizes.push(readSize(view, wide));
    wide += 8;
  }
  const [size, packed, local] = sizes;
  return { packed, size, local };
}

/** Where an entry's data begins, after its local header (section 4.3.7); NaN when that is broken. */
function dataStart(file: Uint8Array, view: DataView, local: number, name: Uint8Array): number {
  if (!(local + LOCAL_SIZE <= file.length) || view.getUint32(local, true) !== 0x04034b50) {
    return NaN;
  }
  const start = local + LOCAL_SIZE + view.getUint16(local + 26, true);
  const same = file.subarray(local + LOCAL_SIZE, start);
  if (same.length !== name.length || same.some((byte, i) => byte !== name[i])) return NaN;
  return start + view.getUint16(local + 28, true);
}

/**
 * The contents of an entry, checked by their checksum: a view of the file when they are stored.
 *
 * @param zeroIsNone Whether a checksum of zero says that there is none.
 */
export function readZipEntry(
  file: Uint8Array,
  entry: ZipEntry,
  budget: Budget,
  what: string,
  zeroIsNone: boolean = false,
): Uint8Array {
  const fail = (fault: string) =>
    argumentError(`${what}: entry ${describeValue(entry.name)} cannot be used, ${fault}`);
  const packed = file.subarray(entry.start, entry.start + entry.packed);
  let contents = packed;
  // Also of stored entries: they may overlap, and each would have to be read for its checksum.
  budget.spend(entry.packed);
  if (entry.method === 8) {
    budget.spend(entry.size);
    contents = inflate(packed, entry.size, fail);
  }
  if (zeroIsNone && entry.crc === 0) return contents;
  if (crc32(contents) !== entry.crc) throw fail("its checksum is wrong; the file is damaged");
  return contents;
}

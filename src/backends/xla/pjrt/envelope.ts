/**
 * The file format of compiled programs. XLA trusts the machine code that it loads, so serialised programs
 * get a header that detects damaged files and files made by another plugin.
 *
 * @module
 */

/** The first bytes; the last one is the version of this format. */
const MAGIC = [0x4a, 0x50, 0x4a, 0x52, 0x54, 0x00, 0x00, 0x01];

/** The number of bytes before the label: magic bytes, checksum, and length of the label. */
const HEAD = MAGIC.length + 8;

/** FNV-1a (Fowler, Noll and Vo), byte by byte: every change of a single byte is detected. */
function checksum(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i], 0x01000193);
  return sum >>> 0;
}

/**
 * Adds a header to contents.
 *
 * @param label The program that made them.
 */
export function wrap(contents: Uint8Array, label: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(label);
  const all = new Uint8Array(HEAD + text.length + contents.length);
  all.set(MAGIC);
  all.set(text, HEAD);
  all.set(contents, HEAD + text.length);
  const view = new DataView(all.buffer);
  view.setUint32(MAGIC.length + 4, text.length, true);
  view.setUint32(MAGIC.length, checksum(all.subarray(MAGIC.length + 4)), true);
  return all;
}

/**
 * Removes the header from contents.
 *
 * @param label The expected maker.
 * @param fail Creates the error from a description of the fault.
 */
export function unwrap(
  all: Uint8Array,
  label: string,
  fail: (fault: string) => Error,
): Uint8Array {
  if (all.length < HEAD || !MAGIC.every((byte, i) => all[i] === byte)) {
    throw fail("the bytes are not those of a compiled program");
  }
  const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  if (view.getUint32(MAGIC.length, true) !== checksum(all.subarray(MAGIC.length + 4))) {
    throw fail("the bytes are damaged or cut short");
  }
  const end = HEAD + view.getUint32(MAGIC.length + 4, true);
  const found = new TextDecoder().decode(all.subarray(HEAD, end));
  if (found !== label) throw fail(`it was made by ${found}, and this is ${label}`);
  return all.subarray(end);
}

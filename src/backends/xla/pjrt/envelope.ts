/**
 * Compiled programs as they are kept in files. XLA trusts the machine code that it loads, so what it
 * gave is put behind a header, which tells a damaged file and one that another plugin has made.
 *
 * @module
 */

/** The first bytes, the last of which is the version of this format. */
const MAGIC = [0x4a, 0x50, 0x4a, 0x52, 0x54, 0x00, 0x00, 0x01];

/** Bytes before the label: the first ones, the checksum, and the label's length. */
const HEAD = MAGIC.length + 8;

/** FNV-1a (Fowler, Noll and Vo), a byte at a time: no change of one byte leaves it as it was. */
function checksum(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i], 0x01000193);
  return sum >>> 0;
}

/**
 * Puts contents behind a header.
 *
 * @param label What made them.
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
 * The contents behind a header.
 *
 * @param label What must have made them.
 * @param fail Makes the error for a fault, which it is told in words.
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

/**
 * The checksum of zip files and of PNG images: CRC-32 of the reversed polynomial 0xedb88320 (ISO 3309).
 *
 * @module
 */

/** The number of bytes that one step of the loop processes. */
const STRIDE = 8;

let tables: Int32Array | undefined;

/**
 * Table `k`, entry `byte`: the effect of a byte on the checksum when `k` bytes follow it. Eight bytes
 * then need eight independent lookups (Kounavis and Berry, "A Systematic Approach to Building High
 * Performance Software-based CRC Generators", 2005).
 */
function makeTables(): Int32Array {
  const made = new Int32Array(STRIDE * 256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ ((sum & 1) * 0xedb88320);
    made[byte] = sum;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256];
    made[i] = (before >>> 8) ^ made[before & 0xff];
  }
  return made;
}

/** The CRC-32 of `bytes`, unsigned. */
export function crc32(bytes: Uint8Array): number {
  const t = tables ??= makeTables();
  const steps = bytes.length - bytes.length % STRIDE;
  let sum = -1;
  let i = 0;
  for (; i < steps; i += STRIDE) {
    sum ^= bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
    sum = t[0x700 + (sum & 0xff)] ^ t[0x600 + (sum >>> 8 & 0xff)] ^
      t[0x500 + (sum >>> 16 & 0xff)] ^ t[0x400 + (sum >>> 24)] ^
      t[0x300 + bytes[i + 4]] ^ t[0x200 + bytes[i + 5]] ^ t[0x100 + bytes[i + 6]] ^
      t[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) sum = (sum >>> 8) ^ t[(sum ^ bytes[i]) & 0xff];
  return ~sum >>> 0;
}

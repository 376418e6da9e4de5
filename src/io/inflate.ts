/**
 * Decompression of the DEFLATE format (RFC 1951). Section numbers below are the RFC's.
 *
 * @module
 */

/** Where a decoder has a table of this many bits, a lookup tells the symbol and its own length. */
type Decoder = { readonly bits: number; readonly table: Uint16Array };

/** The longest code (section 3.2.7). */
const MAX_BITS = 15;

/** The most bytes that a byte of compressed data can become: 258 for two bits. */
export const MAX_RATIO = 1032;

/** The order of the lengths of the code of code lengths (section 3.2.7). */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The first length of symbols 257 to 285, and how many more bits follow (section 3.2.5). */
const [LENGTHS, LENGTH_EXTRAS] = steps(3, 4, 28);
LENGTHS.push(258);
LENGTH_EXTRAS.push(0);

/** The first distance of symbols 0 to 29, and how many more bits follow (section 3.2.5). */
const [DISTANCES, DISTANCE_EXTRAS] = steps(1, 2, 30);

/** Values from `first` on, `group` at a time having the same extra bits (twice as many the first). */
function steps(first: number, group: number, count: number): [values: number[], extras: number[]] {
  const values: number[] = [];
  const extras: number[] = [];
  for (let i = 0, value = first; i < count; i++) {
    const extra = Math.max(0, Math.floor(i / group) - 1);
    values.push(value);
    extras.push(extra);
    value += 2 ** extra;
  }
  return [values, extras];
}

/** The decoder of the canonical code with these lengths, or `null` when there is none (3.2.2). */
function makeDecoder(lengths: Uint8Array): Decoder | null {
  const counts = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  let bits = MAX_BITS;
  while (bits > 1 && counts[bits] === 0) bits--;
  const next = new Uint32Array(MAX_BITS + 2);
  for (let length = 1; length <= bits; length++) {
    next[length + 1] = (next[length] + counts[length]) << 1;
    // More codes of this length than there are.
    if (next[length] + counts[length] > 1 << length) return null;
  }
  const table = new Uint16Array(1 << bits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    // Codes are packed from their most significant bit on (3.1.1), all else from the least.
    let reversed = 0;
    for (let i = 0, code = next[length]++; i < length; i++, code >>= 1) {
      reversed = reversed << 1 | code & 1;
    }
    for (let i = reversed; i < table.length; i += 1 << length) table[i] = symbol << 4 | length;
  });
  return { bits, table };
}

let fixed: readonly [Decoder, Decoder] | undefined;

/** The decoders of blocks without tables of their own (section 3.2.6). */
function fixedDecoders(): readonly [Decoder, Decoder] {
  const lengths = Uint8Array.from(
    { length: 288 },
    (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8,
  );
  return fixed ??= [makeDecoder(lengths)!, makeDecoder(new Uint8Array(30).fill(5))!];
}

/** Compressed bytes on their way to being decompressed. */
class Inflater {
  readonly #source: Uint8Array;
  readonly #size: number;
  readonly #fail: (fault: string) => Error;
  #next = 0;
  #held = 0;
  #count = 0;
  #out: Uint8Array<ArrayBuffer>;
  #end = 0;

  constructor(source: Uint8Array, size: number, fail: (fault: string) => Error) {
    this.#source = source;
    this.#size = size;
    this.#fail = fail;
    // The announced size is not allocated before that much data exists.
    this.#out = this.#allocate(Math.min(size, 4 * source.length + 2 ** 16));
  }

  run(): Uint8Array<ArrayBuffer> {
    let isLast = false;
    while (!isLast) {
      isLast = this.#take(1) === 1;
      const type = this.#take(2);
      if (type === 0) this.#copyStored();
      else if (type === 1) this.#decodeBlock(...fixedDecoders());
      else if (type === 2) this.#decodeBlock(...this.#readDecoders());
      else throw this.#broken();
    }
    if (this.#end !== this.#size) {
      throw this.#fail(`it holds ${this.#end} bytes instead of ${this.#size}`);
    }
    return this.#out;
  }

  #allocate(length: number): Uint8Array<ArrayBuffer> {
    try {
      return new Uint8Array(length);
    } catch {
      throw this.#fail(`its ${length} bytes do not fit in memory`);
    }
  }

  #broken(): Error {
    return this.#fail("its compressed data is broken");
  }

  /** Buffers as many bits as available, at least 24 unless the source ends. */
  #refill(): void {
    while (this.#count <= 24 && this.#next < this.#source.length) {
      this.#held |= this.#source[this.#next++] << this.#count;
      this.#count += 8;
    }
  }

  #drop(bits: number): void {
    this.#count -= bits;
    if (this.#count < 0) throw this.#broken();
    this.#held >>>= bits;
  }

  /** The next `bits` bits, at most 13. */
  #take(bits: number): number {
    if (this.#count < bits) this.#refill();
    const value = this.#held & ((1 << bits) - 1);
    this.#drop(bits);
    return value;
  }

  #decode({ bits, table }: Decoder): number {
    if (this.#count < bits) this.#refill();
    const found = table[this.#held & ((1 << bits) - 1)];
    if (found === 0) throw this.#broken();
    this.#drop(found & 15);
    return found >> 4;
  }

  /** Makes room for `count` bytes more. */
  #reserve(count: number): void {
    const needed = this.#end + count;
    if (needed > this.#size) throw this.#fail(`it holds more than ${this.#size} bytes`);
    if (needed <= this.#out.length) return;
    const larger = this.#allocate(Math.min(this.#size, Math.max(needed, 2 * this.#out.length)));
    larger.set(this.#out);
    this.#out = larger;
  }

  /** A block that is not compressed (section 3.2.4). */
  #copyStored(): void {
    // The rest of a byte is passed over, and whole bytes that are held go back.
    this.#drop(this.#count % 8);
    this.#next -= this.#count / 8;
    this.#count = this.#held = 0;
    const [a, b, c, d] = this.#source.subarray(this.#next, this.#next + 4);
    const length = a | b << 8;
    this.#next += 4;
    const isWhole = d !== undefined && length === (~(c | d << 8) & 0xffff) &&
      this.#next + length <= this.#source.length;
    if (!isWhole) throw this.#broken();
    this.#reserve(length);
    this.#out.set(this.#source.subarray(this.#next, this.#next + length), this.#end);
    this.#next += length;
    this.#end += length;
  }

  /** The tables before a block of dynamic codes (section 3.2.7). */
  #readDecoders(): [Decoder, Decoder] {
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const given = this.#take(4) + 4;
    const short = new Uint8Array(19);
    for (let i = 0; i < given; i++) short[LENGTH_ORDER[i]] = this.#take(3);
    const decoder = makeDecoder(short);
    if (decoder === null || literals > 286) throw this.#broken();
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length;) {
      const symbol = this.#decode(decoder);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      const isRepeat = symbol === 16;
      const times = isRepeat || symbol === 17
        ? 3 + this.#take(isRepeat ? 2 : 3)
        : 11 + this.#take(7);
      if (i + times > lengths.length || (isRepeat && i === 0)) throw this.#broken();
      lengths.fill(isRepeat ? lengths[i - 1] : 0, i, i + times);
      i += times;
    }
    const literal = makeDecoder(lengths.subarray(0, literals));
    const distance = makeDecoder(lengths.subarray(literals));
    if (literal === null || distance === null) throw this.#broken();
    return [literal, distance];
  }

  /** The symbols of a compressed block (section 3.2.3). */
  #decodeBlock(literals: Decoder, distances: Decoder): void {
    while (true) {
      const symbol = this.#decode(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        if (this.#end === this.#out.length) this.#reserve(1);
        this.#out[this.#end++] = symbol;
        continue;
      }
      if (symbol > 285) throw this.#broken();
      const length = LENGTHS[symbol - 257] + this.#take(LENGTH_EXTRAS[symbol - 257]);
      const place = this.#decode(distances);
      if (place > 29) throw this.#broken();
      const distance = DISTANCES[place] + this.#take(DISTANCE_EXTRAS[place]);
      if (distance > this.#end) throw this.#broken();
      this.#reserve(length);
      // Byte by byte: the source of the copy may overlap its destination.
      const out = this.#out;
      for (let from = this.#end - distance, stop = from + length; from < stop; from++) {
        out[this.#end++] = out[from];
      }
    }
  }
}

/**
 * The `size` bytes that `source` was compressed from.
 *
 * @param fail Makes the error for a fault, which is described in words.
 */
export function inflate(
  source: Uint8Array,
  size: number,
  fail: (fault: string) => Error,
): Uint8Array<ArrayBuffer> {
  if (size > MAX_RATIO * source.length) {
    throw fail(`its ${source.length} compressed bytes cannot hold the ${size} announced`);
  }
  return new Inflater(source, size, fail).run();
}

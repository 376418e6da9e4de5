/**
 * Files made by hand: zips, pickles and safetensors with whatever is to be wrong in them.
 *
 * @module
 */

/** Part of a file: a byte, a string in UTF-8, or bytes. */
export type Part = number | string | Uint8Array;

/** Parts joined. */
export function join(...parts: Part[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const arrays = parts.map((part) =>
    typeof part === "number"
      ? Uint8Array.of(part)
      : typeof part === "string"
      ? encoder.encode(part)
      : part
  );
  const joined = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

/** An unsigned integer of so many bytes, least significant first. */
export function uint(value: number | bigint, width: number): Uint8Array {
  return Uint8Array.from(
    { length: width },
    (_, i) => Number(BigInt(value) >> BigInt(8 * i) & 255n),
  );
}

/** One entry of a zip file, and what it claims to be. */
export interface EntryOptions {
  readonly name: string;
  readonly data: Uint8Array;
  /** The checksum that is stated. Default: 0, which a checkpoint may have. */
  readonly crc?: number;
  readonly method?: number;
  readonly flags?: number;
  /** The size of the contents that is stated. Default: that of the data. */
  readonly size?: number;
  readonly packed?: number;
}

/** Options of `zip`. */
export interface ZipOptions {
  /** Whether sizes and places are in fields of 64 bits. */
  readonly wide?: boolean;
  /** Whether local headers leave sizes to a descriptor after the data. */
  readonly descriptors?: boolean;
  readonly comment?: string;
}

/** A zip file of these entries. */
export function zip(
  entries: readonly EntryOptions[],
  options: ZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const { wide = false, descriptors = false, comment = "" } = options;
  let body = new Uint8Array(0);
  let directory = new Uint8Array(0);
  for (const { name, data, crc = 0, method = 0, flags = 0, ...stated } of entries) {
    const { size = data.length, packed = data.length } = stated;
    const start = body.length;
    const nameBytes = new TextEncoder().encode(name);
    const sums = descriptors ? [0, 0, 0] : [crc, packed, size];
    const bits = flags | (descriptors ? 8 : 0);
    body = join(
      body,
      ...["PK", 3, 4, uint(45, 2), uint(bits, 2), uint(method, 2), uint(0, 4)],
      ...sums.map((value) => uint(value, 4)),
      ...[uint(nameBytes.length, 2), uint(0, 2), nameBytes, data],
      descriptors ? join("PK", 7, 8, uint(crc, 4), uint(packed, 4), uint(size, 4)) : "",
    );
    const wideField = join(uint(1, 2), uint(24, 2), uint(size, 8), uint(packed, 8), uint(start, 8));
    // Another field before it, which is to be passed over.
    const extra = wide ? join(uint(0x7777, 2), uint(3, 2), "abc", wideField) : join();
    const narrow = (value: number) => uint(wide ? 0xffffffff : value, 4);
    directory = join(
      directory,
      ...["PK", 1, 2, uint(45, 2), uint(45, 2), uint(bits, 2), uint(method, 2), uint(0, 4)],
      ...[uint(crc, 4), narrow(packed), narrow(size), uint(nameBytes.length, 2)],
      ...[uint(extra.length, 2), uint(0, 2), uint(0, 2), uint(0, 2), uint(0, 4), narrow(start)],
      ...[nameBytes, extra],
    );
  }
  const [at, length, count] = [body.length, directory.length, entries.length];
  const wideEnd = join(
    ...["PK", 6, 6, uint(44, 8), uint(45, 2), uint(45, 2), uint(0, 4), uint(0, 4)],
    ...[uint(count, 8), uint(count, 8), uint(length, 8), uint(at, 8)],
    ...["PK", 6, 7, uint(0, 4), uint(at + length, 8), uint(1, 4)],
  );
  return join(
    body,
    directory,
    wide ? wideEnd : "",
    ...["PK", 5, 6, uint(0, 4), uint(wide ? 0xffff : count, 2), uint(wide ? 0xffff : count, 2)],
    ...[uint(wide ? 0xffffffff : length, 4), uint(wide ? 0xffffffff : at, 4)],
    ...[uint(comment.length, 2), comment],
  );
}

/** A checkpoint of this pickle and storages. */
export function checkpoint(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  options: ZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(storages).map(([key, data]) => ({ name: `a/data/${key}`, data }));
  return zip([{ name: "a/data.pkl", data: pickle }, ...entries], options);
}

/** Instructions that push a tuple of what these push. */
export function tuple(...parts: readonly Uint8Array[]): Uint8Array {
  return join("(", ...parts, "t");
}

/** The instruction that pushes a number of up to eight bytes. */
export function int(value: number | bigint): Uint8Array {
  return join(0x8a, 9, uint(value, 9));
}

/** The instruction that pushes a string. */
export function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  return join("X", uint(bytes.length, 4), bytes);
}

/** Instructions that push the storage `0` of so many elements of float32. */
export function storage(held: number | bigint): Uint8Array {
  const type = join("ctorch\nFloatStorage\n");
  return join(tuple(text("storage"), type, text("0"), text("cpu"), int(held)), "Q");
}

/** Instructions that push a tensor of float32 in the storage `0` of so many elements. */
export function floats(
  held: number | bigint,
  offset: number | bigint,
  shape: readonly (number | bigint)[],
  strides: readonly (number | bigint)[],
): Uint8Array {
  return join(
    "ctorch._utils\n_rebuild_tensor_v2\n",
    tuple(
      storage(held),
      int(offset),
      tuple(...shape.map(int)),
      tuple(...strides.map(int)),
      join(0x89),
      join("N"),
    ),
    "R",
  );
}

/** A safetensors file with this header. */
export function safetensors(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const bytes = typeof header === "string" ? new TextEncoder().encode(header) : header;
  return join(uint(bytes.length, 8), bytes, data);
}

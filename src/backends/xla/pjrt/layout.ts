/**
 * The layout of C structs, computed from a description: names and types in the order of declaration.
 *
 * @module
 */
import { allocateBytes, type Pointer, pointerTo } from "./host.ts";

/**
 * The type of a field. Addresses are bigints; `size_t` and `int64_t` are numbers, since their values never
 * come near 2^53. A `word` is a union of eight bytes.
 */
export type Kind = "pointer" | "size" | "int64" | "int32" | "bool" | "word";

/** A field that the caller sets, or that the called function sets (`out`). */
export type Field = Kind | `${Kind} out`;

/** Fields by their names, in the order of declaration. */
export type Fields = Readonly<Record<string, Field>>;

/** The value of a field. */
export type ValueOf<F extends Field> = F extends "pointer" | "pointer out" | "word" | "word out"
  ? bigint
  : F extends "bool" | "bool out" ? boolean
  : number;

/** The names of the fields that the caller sets. */
export type InputName<F extends Fields> = {
  [K in keyof F]: F[K] extends `${string} out` ? never : K;
}[keyof F];

/** The values that the caller of a function sets: all of its arguments. */
export type Inputs<F extends Fields> = { readonly [K in InputName<F>]: ValueOf<F[K]> };

const SIZES: Readonly<Record<Kind, number>> = {
  pointer: 8,
  size: 8,
  int64: 8,
  int32: 4,
  bool: 1,
  word: 8,
};

/** The location of a field. */
export interface Place {
  readonly offset: number;
  readonly kind: Kind;
}

/** The layout of a struct. */
export class Layout<F extends Fields = Fields> {
  readonly name: string;
  readonly places: ReadonlyMap<string, Place>;
  /** The number of bytes up to the end of the last field, which PJRT defines as a struct's size. */
  readonly size: number;

  /**
   * @param name The struct's name, for messages.
   * @param fields Its fields after the two that all structs of PJRT begin with.
   */
  constructor(name: string, fields: F) {
    this.name = name;
    const places = new Map<string, Place>();
    let end = 0;
    const all = { struct_size: "size", extension_start: "pointer", ...fields };
    for (const [field, type] of Object.entries(all)) {
      const kind = type.replace(/ out$/, "") as Kind;
      // On all machines that Deno supports, the alignment of a type is its size.
      const offset = Math.ceil(end / SIZES[kind]) * SIZES[kind];
      places.set(field, { offset, kind });
      end = offset + SIZES[kind];
    }
    this.places = places;
    this.size = end;
  }

  /** The location of a field. */
  place(name: keyof F & string): Place {
    return this.places.get(name)!;
  }
}

/** A struct in memory with a stable address. */
export class Block<F extends Fields = Fields> {
  readonly layout: Layout<F>;
  readonly pointer: Pointer;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  /** @param bytes Foreign memory that contains the struct; if omitted, new memory is allocated. */
  constructor(layout: Layout<F>, bytes?: Uint8Array<ArrayBuffer>) {
    this.layout = layout;
    this.bytes = bytes ?? allocateBytes(layout.size);
    this.pointer = pointerTo(this.bytes);
    this.#view = new DataView(this.bytes.buffer);
    if (bytes === undefined) this.#view.setBigUint64(0, BigInt(layout.size), true);
  }

  /** Writes a field. */
  set<K extends keyof F & string>(name: K, value: ValueOf<F[K]>): void {
    this.#write(this.layout.place(name), value);
  }

  /** Reads a field. */
  get<K extends keyof F & string>(name: K): ValueOf<F[K]> {
    return readField(this.#view, this.layout.place(name)) as ValueOf<F[K]>;
  }

  /** Writes all fields that the caller sets. */
  fill(inputs: Inputs<F>): void {
    for (const name in inputs) {
      this.#write(this.layout.place(name as keyof F & string), inputs[name as InputName<F>]);
    }
  }

  #write({ offset, kind }: Place, value: bigint | number | boolean): void {
    switch (kind) {
      case "pointer":
      case "word":
        return this.#view.setBigUint64(offset, value as bigint, true);
      case "size":
      case "int64":
        return this.#view.setBigInt64(offset, BigInt(value), true);
      case "int32":
        return this.#view.setInt32(offset, value as number, true);
      case "bool":
        return this.#view.setUint8(offset, Number(value));
    }
  }
}

/** Reads a field of a struct at a view's first byte. */
export function readField(view: DataView, { offset, kind }: Place): bigint | number | boolean {
  switch (kind) {
    case "pointer":
    case "word":
      return view.getBigUint64(offset, true);
    case "size":
    case "int64":
      return Number(view.getBigInt64(offset, true));
    case "int32":
      return view.getInt32(offset, true);
    case "bool":
      return view.getUint8(offset) !== 0;
  }
}

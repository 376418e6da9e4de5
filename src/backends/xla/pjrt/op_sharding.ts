/**
 * How XLA has divided the results of a program, read from the optimised program. The field numbers are those
 * of `xla/service/hlo.proto` and `xla/xla_data.proto` of OpenXLA.
 *
 * @module
 */

/**
 * The division of an array: the number of parts along each axis, and the assignment of parts to partitions.
 */
export interface Tiling {
  /** The number of parts along each axis; empty if the array is replicated. */
  readonly parts: readonly number[];
  /** For each partition the number of its part, in row-major order. */
  readonly partOf: readonly number[];
}

/** The fields of a message: numbers, or bytes for longer values. */
function* fieldsOf(message: Uint8Array): Generator<readonly [number, number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (!(byte >= 128)) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) {
      yield [field, varint()];
      continue;
    }
    const size = wire === 2 ? varint() : wire === 1 ? 8 : 4;
    yield [field, message.subarray(at, at += size)];
  }
}

/** The fields of a message that are messages or text. */
function partsOf(message: Uint8Array, field: number): readonly Uint8Array[] {
  return [...fieldsOf(message)].flatMap(([number, value]) =>
    number === field && typeof value !== "number" ? [value] : []
  );
}

/** A field with several numbers, packed or not. */
function numbersOf(message: Uint8Array, field: number): readonly number[] {
  return [...fieldsOf(message)].flatMap(([number, value]) => {
    if (number !== field) return [];
    if (typeof value === "number") return [value];
    const packed: number[] = [];
    let [next, scale] = [0, 1];
    for (const byte of value) {
      next += (byte & 127) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      packed.push(next);
      [next, scale] = [0, 1];
    }
    return packed;
  });
}

/** The kinds of `OpSharding`. */
const KINDS = { replicated: 0, maximal: 1, tuple: 2, other: 3 } as const;

/** Reads one `OpSharding` of an array; `null` if its kind is not supported. */
function readTiling(sharding: Uint8Array, partitions: number): Tiling | null {
  const [kind = KINDS.replicated] = numbersOf(sharding, 1);
  const whole = { parts: [], partOf: Array.from({ length: partitions }, () => 0) };
  if (kind === KINDS.replicated) return whole;
  const dimensions = numbersOf(sharding, 3);
  if (kind !== KINDS.other || dimensions.length === 0) return null;
  // The last dimensions may enumerate copies; kinds other than replicas never occur here.
  const subgroups = numbersOf(sharding, 8);
  if (subgroups.some((subgroup) => subgroup !== KINDS.replicated)) return null;
  const copies = numbersOf(sharding, 6)[0] === 1 ? 1 : subgroups.length;
  const listed = numbersOf(sharding, 4);
  const devices = listed.length > 0
    ? listed
    : transposedIota(numbersOf(sharding, 9), numbersOf(sharding, 10));
  const parts = dimensions.slice(0, dimensions.length - copies);
  const same = dimensions.slice(parts.length).reduce((product, length) => product * length, 1);
  if (devices.length !== partitions) return null;
  const partOf = new Array<number>(partitions);
  devices.forEach((device, i) => partOf[device] = Math.floor(i / same));
  return { parts, partOf };
}

/** The numbers from 0 in an array of these lengths, with permuted axes. */
function transposedIota(lengths: readonly number[], order: readonly number[]): readonly number[] {
  const strides = lengths.map((_, axis) =>
    lengths.slice(axis + 1).reduce((product, length) => product * length, 1)
  );
  let found = [0];
  for (const axis of order) {
    found = found.flatMap((start) =>
      Array.from({ length: lengths[axis] }, (_, i) => start + i * strides[axis])
    );
  }
  return found;
}

/**
 * The division of each result; `null` if its kind is not supported.
 *
 * @param program A serialised `HloModuleProtoWithConfig`.
 */
export function resultTilings(
  program: Uint8Array,
  results: number,
  partitions: number,
): readonly (Tiling | null)[] {
  const [module] = partsOf(program, 1);
  const [sharding] = module === undefined ? [] : partsOf(module, 12);
  if (sharding === undefined) return Array.from({ length: results }, () => null);
  const each = numbersOf(sharding, 1)[0] === KINDS.tuple ? partsOf(sharding, 5) : [sharding];
  return Array.from(
    { length: results },
    (_, i) => each[i] === undefined ? null : readTiling(each[i], partitions),
  );
}

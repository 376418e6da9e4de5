/**
 * Code that copies a row to another location, or combines it with the contents of that location.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect, Expression, Local } from "../../assembler/expression.ts";
import {
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  i64,
  select,
  v128,
} from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import { advance, type Pointer, VECTOR, type Vector } from "../addresses.ts";

/** Rows from this length on are copied with the bulk memory instruction. */
const LONG_ROW = 1024;

/** The maximum number of vectors of a row that are written out without a loop. */
const UNROLLED = 8;

/** One step over memory: reads at an address plus an offset. */
type Load = (address: Pointer, offset: number) => Expression<"i32" | "i64" | "v128">;

function load(bytes: number): Load {
  return (address, offset) => {
    const place = { offset, align: 1 };
    switch (bytes) {
      case VECTOR:
        return v128.load(address, place);
      case 8:
        return i64.load(address, place);
      case 4:
        return i32.load(address, place);
      case 2:
        return i32.load16U(address, place);
      default:
        return i32.load8U(address, place);
    }
  };
}

function store(
  bytes: number,
  address: Pointer,
  value: Expression<"i32" | "i64" | "v128">,
  offset: number,
): Effect {
  const place = { offset, align: 1 };
  if (value.type === "v128") return v128.store(address, value as Expression<"v128">, place);
  if (value.type === "i64") return i64.store(address, value as Expression<"i64">, place);
  const word = value as Expression<"i32">;
  if (bytes === 4) return i32.store(address, word, place);
  return bytes === 2 ? i32.store16(address, word, place) : i32.store8(address, word, place);
}

/** The pieces that cover a number of bytes; the last of several vectors may overlap the one before. */
function piecesOf(bytes: number): { readonly bytes: number; readonly offset: number }[] {
  if (bytes >= VECTOR) {
    const count = Math.ceil(bytes / VECTOR);
    return Array.from({ length: count }, (_, i) => ({
      bytes: VECTOR,
      offset: Math.min(i * VECTOR, bytes - VECTOR),
    }));
  }
  const pieces = [];
  for (let size = 8, offset = 0; size >= 1; size /= 2) {
    if ((bytes & size) === 0) continue;
    pieces.push({ bytes: size, offset });
    offset += size;
  }
  return pieces;
}

/** Writes code that copies a number of bytes, with all reads of a round before its writes. */
export function copyRow(
  builder: Builder,
  code: Code,
  to: Pointer,
  from: Pointer,
  bytes: number,
): void {
  if (bytes >= LONG_ROW) {
    code.do(builder.memory.copy(to, from, i32.const(bytes)));
    return;
  }
  const target = code.let(to);
  const source = code.let(from);
  function copyPieces(bytes: number): void {
    const pieces = piecesOf(bytes);
    const values = pieces.map((piece) => code.let(load(piece.bytes)(source, piece.offset)));
    pieces.forEach(({ bytes, offset }, i) => code.do(store(bytes, target, values[i], offset)));
  }
  const round = 4 * VECTOR;
  if (bytes <= UNROLLED * VECTOR) copyPieces(bytes);
  else {
    // At least one vector is left for the end, so that it may overlap.
    const rounds = Math.floor((bytes - VECTOR) / round);
    const end = code.let(advance(source, rounds * round));
    code.loop((again) => {
      copyPieces(round);
      code.set(target, advance(target, round));
      code.set(source, advance(source, round));
      code.branchIf(again, i32.ltU(source, end));
    });
    copyPieces(bytes - rounds * round);
  }
}

/**
 * Approximate nanoseconds for a row regardless of its length, and bytes of it per nanosecond, on
 * one core of an AMD EPYC (Zen 3) with Deno 2.9.6. The group "time: gather" of
 * `deno bench bench/thresholds_bench.ts` measures them again.
 */
const ROW = { self: 1.5, bytes: 16 };

/** The approximate time of one row in nanoseconds. */
export function rowTime(bytes: number): number {
  return ROW.self + bytes / ROW.bytes;
}

/** How an update changes the contents of its slot. A float is NaN if either of the two is. */
export type Combined = "add" | "max" | "min";

/** Writes code that combines a row of updates with its slot. */
export function combineRow(
  code: Code,
  combined: Combined,
  sums: Dtype,
  dtype: Dtype,
  slot: Pointer,
  row: Local<"i32">,
  width: number,
): void {
  if (width === 0) return;
  const target = code.let(slot);
  const lanes = VECTOR / byteSize(sums);
  const element = byteSize(dtype);
  const sumBytes = byteSize(sums);
  const widens = sums !== dtype;

  const combineLanes = lanesOf(combined, sums);

  function combineVectors(source: Pointer, count: number): void {
    const offsets = Array.from({ length: count }, (_, i) => i);
    const values = offsets.map((i) => {
      const place = { offset: i * lanes * element, align: 4 };
      const update = widens
        ? f64x2.promoteLowF32x4(v128.load64Zero(source, place))
        : v128.load(source, place);
      const sum = v128.load(target, { offset: i * VECTOR, align: 4 });
      return code.let(combineLanes(sum, update));
    });
    offsets.forEach((i) =>
      code.do(v128.store(target, values[i], { offset: i * VECTOR, align: 4 }))
    );
  }

  const vectors = Math.floor(width / lanes);
  const rest = width % lanes;
  if (vectors <= UNROLLED) {
    if (vectors > 0) combineVectors(row, vectors);
    for (let i = width - rest; i < width; i++) {
      code.do(combineElement(combined, sums, dtype, target, row, i * sumBytes, i * element));
    }
    return;
  }
  const source = code.let(row);
  const rounds = Math.floor(vectors / 4);
  const end = code.let(advance(source, rounds * 4 * lanes * element));
  code.loop((again) => {
    combineVectors(source, 4);
    code.set(target, advance(target, 4 * VECTOR));
    code.set(source, advance(source, 4 * lanes * element));
    code.branchIf(again, i32.ltU(source, end));
  });
  if (vectors % 4 > 0) combineVectors(source, vectors % 4);
  for (let i = 0; i < rest; i++) {
    const done = (vectors % 4) * lanes + i;
    code.do(combineElement(combined, sums, dtype, target, source, done * sumBytes, done * element));
  }
}

/** The operation that combines vectors. */
function lanesOf(combined: Combined, dtype: Dtype): (x: Vector, y: Vector) => Vector {
  if (dtype === "float32") return f32x4[combined];
  if (dtype === "float64") return f64x2[combined];
  if (combined === "add") return i32x4.add;
  return i32x4[`${combined}${dtype === "uint32" ? "U" : "S"}`];
}

/** Combines one update with one element. */
function combineElement(
  combined: Combined,
  sums: Dtype,
  dtype: Dtype,
  target: Pointer,
  source: Pointer,
  sumOffset: number,
  offset: number,
): Effect {
  const at = { offset: sumOffset };
  if (sums === "float64") {
    const update = dtype === "float64"
      ? f64.load(source, { offset })
      : f64.promoteF32(f32.load(source, { offset }));
    return f64.store(target, f64[combined](f64.load(target, at), update), at);
  }
  if (sums === "float32") {
    const old = f32.load(target, at);
    return f32.store(target, f32[combined](old, f32.load(source, { offset })), at);
  }
  const [old, update] = [i32.load(target, at), i32.load(source, { offset })];
  if (combined === "add") return i32.store(target, i32.add(old, update), at);
  const isLarger = dtype === "uint32" ? i32.gtU(old, update) : i32.gtS(old, update);
  const [first, second] = combined === "max" ? [old, update] : [update, old];
  return i32.store(target, select(isLarger, first, second), at);
}

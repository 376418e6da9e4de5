/**
 * Code that copies one row to another place, or adds it to what is there.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect, Expression, Local } from "../../assembler/expression.ts";
import { f32, f64, f64x2, i32, i64, v128 } from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import { advance, type Pointer, VECTOR } from "../addresses.ts";
import { addLanes } from "../panels.ts";

/** Rows from this length on are copied by the machine's own routine. */
const LONG_ROW = 1024;

/** The most vectors of a row that are written out without a loop. */
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

/** The pieces that cover so many bytes; the last of several vectors may overlap the one before. */
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

/** Writes code that copies so many bytes, all reads of a round before its writes. */
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
    // At least one vector is left to the end, so that it may overlap.
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
 * Nanoseconds that a row takes for itself, and bytes of it in a nanosecond, about, on one core of an AMD
 * EPYC (Zen 3) with Deno 2.9.6. The group "time: gather" of `deno bench bench/thresholds_bench.ts`
 * measures them again.
 */
const ROW = { self: 1.5, bytes: 16 };

/** About how many nanoseconds one row takes. */
export function rowTime(bytes: number): number {
  return ROW.self + bytes / ROW.bytes;
}

/** Writes code that adds a row of updates to its slot. */
export function addRow(
  code: Code,
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

  function addVectors(source: Pointer, count: number): void {
    const offsets = Array.from({ length: count }, (_, i) => i);
    const values = offsets.map((i) => {
      const place = { offset: i * lanes * element, align: 4 };
      const update = widens
        ? f64x2.promoteLowF32x4(v128.load64Zero(source, place))
        : v128.load(source, place);
      const sum = v128.load(target, { offset: i * VECTOR, align: 4 });
      return code.let(addLanes(sums, sum, update));
    });
    offsets.forEach((i) =>
      code.do(v128.store(target, values[i], { offset: i * VECTOR, align: 4 }))
    );
  }

  const vectors = Math.floor(width / lanes);
  const rest = width % lanes;
  if (vectors <= UNROLLED) {
    if (vectors > 0) addVectors(row, vectors);
    for (let i = width - rest; i < width; i++) {
      code.do(addElement(sums, dtype, target, row, i * sumBytes, i * element));
    }
    return;
  }
  const source = code.let(row);
  const rounds = Math.floor(vectors / 4);
  const end = code.let(advance(source, rounds * 4 * lanes * element));
  code.loop((again) => {
    addVectors(source, 4);
    code.set(target, advance(target, 4 * VECTOR));
    code.set(source, advance(source, 4 * lanes * element));
    code.branchIf(again, i32.ltU(source, end));
  });
  if (vectors % 4 > 0) addVectors(source, vectors % 4);
  for (let i = 0; i < rest; i++) {
    const done = (vectors % 4) * lanes + i;
    code.do(addElement(sums, dtype, target, source, done * sumBytes, done * element));
  }
}

/** Adds one update to one sum. */
function addElement(
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
    return f64.store(target, f64.add(f64.load(target, at), update), at);
  }
  if (sums === "float32") {
    return f32.store(target, f32.add(f32.load(target, at), f32.load(source, { offset })), at);
  }
  return i32.store(target, i32.add(i32.load(target, at), i32.load(source, { offset })), at);
}

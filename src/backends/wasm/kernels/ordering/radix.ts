/**
 * A stable sort of long lines by the digits of their keys, the lowest first (H. H. Seward, 1954; parts
 * and their tables as in M. Zagha and G. E. Blelloch, "Radix sort for vector multiprocessors", 1991).
 *
 * The bits in which no two keys of a line differ are found first. Digits begin at the lowest of the
 * other bits, so small integers, and numbers with few significant bits, need few passes. Each pass
 * counts the digits of each part of a line, and then moves records: those of a part go after all
 * records with smaller digits, and after those with the same digit in earlier parts. The first pass
 * reads the elements, the last one writes only indices.
 *
 * @module
 */
import { byteSize } from "../../../../base/dtype.ts";
import type { Dtype } from "../../../../base/dtype.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { i32, i32x4, i64, select, v128 } from "../../assembler/operations.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import type { Builder, Kernel, Stage } from "../kernel.ts";
import {
  INDEX,
  indexOffset,
  type Lines,
  lineStarts,
  readLongKey,
  readShortKey,
  recordBytes,
} from "./lines.ts";

/** Bits of a digit: with 8, keys of 32 bits need one more pass, and no pass is a quarter shorter. */
const DIGIT = 11;

/** The number of digits, and the bytes of a table with one word for each. */
const DIGITS = 2 ** DIGIT;
const TABLE = DIGITS * INDEX;

/**
 * The minimum number of elements of a part, and the approximate number of parts that keeps some
 * threads busy.
 */
const PART = 2 ** 14;
const PARTS = 16;

/** Lines in parts. */
interface Parts {
  readonly lines: Lines;
  /** The number of parts of a line. */
  readonly count: number;
  /** The length of each but the last one. */
  readonly length: number;
}

function partsOf(lines: Lines): Parts {
  const most = Math.min(PARTS / Math.min(lines.count, PARTS), lines.length / PART);
  const length = Math.ceil(lines.length / Math.max(1, Math.floor(most)));
  return { lines, count: Math.ceil(lines.length / length), length };
}

/** The maximum number of passes for the keys of a dtype. */
function passesOf(dtype: Dtype): number {
  return Math.ceil((dtype === "bool" ? 1 : 8 * byteSize(dtype)) / DIGIT);
}

/** Sorts each line by digits. */
export function sortByDigits(
  builder: Builder,
  lines: Lines,
): Pick<Kernel, "stages" | "workspaces"> {
  const parts = partsOf(lines);
  const passes = passesOf(lines.dtype);
  const chunks = lines.count * parts.count;
  const [bits, tables, records] = [2, 3, 4];
  const stages: Stage[] = [{
    name: "argsort bits",
    run: builder.once(emitBits, parts),
    operands: [0, bits],
    chunks,
  }];
  for (let pass = 0; pass < passes; pass++) {
    const from = pass === 0 ? 0 : records + (pass - 1) % 2;
    const to = pass === passes - 1 ? [] : [records + pass % 2];
    stages.push({
      name: "argsort count",
      run: builder.once(emitCount, { parts, pass }),
      operands: [bits, tables, from],
      chunks,
    }, {
      name: "argsort move",
      run: builder.once(emitMove, { parts, pass, isLast: to.length === 0 }),
      operands: [bits, tables, from, 1, ...to],
      chunks,
    });
  }
  const bytes = lines.count * lines.length * recordBytes(lines.dtype);
  return {
    stages,
    workspaces: [
      chunks * 2 * keyBytes(lines.dtype),
      chunks * TABLE,
      ...Array.from({ length: Math.min(passes - 1, 2) }, () => bytes),
    ],
  };
}

/** Bytes of a key in a record. */
function keyBytes(dtype: Dtype): number {
  return recordBytes(dtype) / 2;
}

/** A key, or some bits of one. */
type Key = Expression<"i32"> | Expression<"i64">;

/** Operations on keys of a dtype. */
function keysOf({ dtype, descending }: Lines) {
  const long = dtype === "float64";
  const ofLong = (key: Key) => key as Expression<"i64">;
  const ofShort = (key: Key) => key as Expression<"i32">;
  return {
    /** The key of the element at an address. */
    read: (code: Code, at: Pointer): Key =>
      dtype === "float64"
        ? readLongKey(code, descending, at)
        : readShortKey(code, dtype, descending, at),
    /** A key in memory. */
    load: (at: Pointer, offset = 0): Key =>
      long ? i64.load(at, { offset }) : i32.load(at, { offset }),
    store: (at: Pointer, key: Key, offset = 0) =>
      long ? i64.store(at, ofLong(key), { offset }) : i32.store(at, ofShort(key), { offset }),
    constant: (value: number): Key => long ? i64.const(BigInt(value)) : i32.const(value),
    and: (x: Key, y: Key): Key =>
      long ? i64.and(ofLong(x), ofLong(y)) : i32.and(ofShort(x), ofShort(y)),
    or: (x: Key, y: Key): Key =>
      long ? i64.or(ofLong(x), ofLong(y)) : i32.or(ofShort(x), ofShort(y)),
    xor: (x: Key, y: Key): Key =>
      long ? i64.xor(ofLong(x), ofLong(y)) : i32.xor(ofShort(x), ofShort(y)),
    /** The number of the lowest bit that is set. */
    lowest: (x: Key): Expression<"i32"> =>
      long ? i32.wrapI64(i64.ctz(ofLong(x))) : i32.ctz(ofShort(x)),
    isZero: (x: Key): Expression<"i32"> => long ? i64.eqz(ofLong(x)) : i32.eqz(ofShort(x)),
    /** Bits without those of the digit that begins at `shift`. */
    without: (x: Key, shift: Expression<"i32">): Key =>
      long
        ? i64.and(
          ofLong(x),
          i64.xor(i64.shl(i64.const(BigInt(DIGITS - 1)), i64.extendI32U(shift)), i64.const(-1)),
        )
        : i32.and(
          ofShort(x),
          i32.xor(i32.shl(i32.const(DIGITS - 1), shift), i32.const(-1)),
        ),
    /** The address in scratch memory of the word for the digit that begins at `shift`. */
    word: (key: Key, shift: Expression<"i32">): Expression<"i32"> => {
      const low = long
        ? i32.wrapI64(i64.shrU(ofLong(key), i64.extendI32U(shift)))
        : i32.shrU(ofShort(key), shift);
      return i32.shl(i32.and(low, i32.const(DIGITS - 1)), i32.const(2));
    },
  };
}

/** A part of a line: its number among those of the line, its first element, and its end. */
interface Place {
  readonly line: Local<"i32">;
  readonly part: Local<"i32">;
  readonly first: Local<"i32">;
  readonly end: Local<"i32">;
}

function placeOf(code: Code, { lines, count, length }: Parts, chunk: Pointer): Place {
  const line = code.let(i32.divU(chunk, i32.const(count)));
  const part = code.let(i32.remU(chunk, i32.const(count)));
  const first = code.let(times(part, length));
  return {
    line,
    part,
    first,
    end: code.let(smaller(advance(first, length), i32.const(lines.length))),
  };
}

/** The address of the first record, or element, of a part, and the bytes to the next one. */
function source(
  code: Code,
  { lines }: Parts,
  pass: number,
  { line, first }: Place,
  from: Pointer,
): { readonly at: Local<"i32">; readonly step: number } {
  if (pass > 0) {
    const step = recordBytes(lines.dtype);
    return {
      at: code.let(i32.add(from, times(i32.add(times(line, lines.length), first), step))),
      step,
    };
  }
  const step = byteSize(lines.dtype) * lines.stride;
  const start = lineStarts(code, lines, from, from, line).from;
  return { at: code.let(i32.add(start, times(first, step))), step };
}

/**
 * Writes the bits that all keys of a part have, and those that any has: a function of `x`, the bits
 * and a chunk.
 */
function emitBits(builder: Builder, parts: Parts): FunctionReference {
  const { lines } = parts;
  return builder.module.function("bits", ["i32", "i32", "i32"], "none", (code, x, bits, chunk) => {
    const keys = keysOf(lines);
    const place = placeOf(code, parts, chunk);
    const { at, step } = source(code, parts, 0, place, x);
    const all = code.let(keys.constant(-1) as Expression<"i32">);
    const any = code.let(keys.constant(0) as Expression<"i32">);
    code.for({ from: place.first, below: place.end }, () => {
      const key = code.let(keys.read(code, at) as Expression<"i32">);
      code.set(all, keys.and(all, key) as Expression<"i32">);
      code.set(any, keys.or(any, key) as Expression<"i32">);
      code.set(at, advance(at, step));
    });
    const bytes = keyBytes(lines.dtype);
    const to = code.let(i32.add(bits, times(chunk, 2 * bytes)));
    code.do(keys.store(to, all), keys.store(to, any, bytes));
  });
}

/**
 * The first bit of the digit of a pass, -1 if there is none, with bit `LAST` set if it is the last
 * digit: a function of the address of the bits of a line's parts.
 */
function emitShift(
  builder: Builder,
  { parts: { lines, count }, pass }: { readonly parts: Parts; readonly pass: number },
): FunctionReference<readonly ["i32"], "i32"> {
  return builder.module.function("shift", ["i32"], "i32", (code, at) => {
    const keys = keysOf(lines);
    const bytes = keyBytes(lines.dtype);
    const all = code.let(keys.constant(-1) as Expression<"i32">);
    const any = code.let(keys.constant(0) as Expression<"i32">);
    code.for(
      { from: at, below: i32.add(at, i32.const(count * 2 * bytes)), step: 2 * bytes },
      (at) => {
        code.set(all, keys.and(all, keys.load(at)) as Expression<"i32">);
        code.set(any, keys.or(any, keys.load(at, bytes)) as Expression<"i32">);
      },
    );
    const left = code.let(keys.xor(all, any) as Expression<"i32">);
    for (let before = 0; before < pass; before++) {
      code.set(left, keys.without(left, keys.lowest(left)) as Expression<"i32">);
    }
    if (pass > 0) code.if(keys.isZero(left), () => code.return(i32.const(-1)));
    // Without any bit, all digits from the lowest bit on are the same.
    const shift = code.let(select(keys.isZero(left), i32.const(0), keys.lowest(left)));
    const isLast = keys.isZero(keys.without(left, shift));
    return i32.or(shift, i32.shl(isLast, i32.const(LAST)));
  });
}

/** The bit that marks a digit as the last one. */
const LAST = 8;

/** Counts the digits of a part: a function of the bits, the tables, the source, and a chunk. */
function emitCount(
  builder: Builder,
  { parts, pass }: { readonly parts: Parts; readonly pass: number },
): FunctionReference {
  const { lines } = parts;
  const shiftOf = builder.once(emitShift, { parts, pass });
  return builder.module.function(
    "count",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, bits, tables, from, chunk) => {
      const keys = keysOf(lines);
      const { scratch: memory } = builder;
      const place = placeOf(code, parts, chunk);
      const found = code.let(shiftOf.call(lineBits(parts, bits, place.line)));
      code.if(i32.ltS(found, i32.const(0)), () => code.return());
      const shift = code.let(i32.and(found, i32.const(2 ** LAST - 1)));
      code.do(memory.fill(i32.const(0), i32.const(0), i32.const(TABLE)));
      const { at, step } = source(code, parts, pass, place, from);
      code.for({ from: place.first, below: place.end }, () => {
        const key = pass === 0 ? keys.read(code, at) : keys.load(at, keyOffset(lines.dtype));
        const word = code.let(keys.word(key, shift));
        code.do(i32.store(word, advance(i32.load(word, { memory }), 1), { memory }));
        code.set(at, advance(at, step));
      });
      const table = i32.add(tables, times(chunk, TABLE));
      code.do(builder.memory.copy(table, i32.const(0), i32.const(TABLE), memory));
    },
  );
}

/** The offset of the key in a record. */
function keyOffset(dtype: Dtype): number {
  return dtype === "float64" ? 0 : 4;
}

function lineBits({ lines, count }: Parts, bits: Pointer, line: Pointer): Pointer {
  return i32.add(bits, times(line, count * 2 * keyBytes(lines.dtype)));
}

/**
 * Moves the records of a part to their positions: a function of the bits, the tables, the source,
 * the indices, the target records (unless there can be no further pass), and a chunk.
 */
function emitMove(
  builder: Builder,
  { parts, pass, isLast }: {
    readonly parts: Parts;
    readonly pass: number;
    readonly isLast: boolean;
  },
): FunctionReference {
  const { lines } = parts;
  const { dtype, length, stride } = lines;
  const shiftOf = builder.once(emitShift, { parts, pass });
  const prepare = builder.once(emitPlaces, parts);
  const record = recordBytes(dtype);
  const operands = isLast ? 5 : 6;
  return builder.module.function(
    "move",
    Array.from({ length: operands }, () => "i32" as const),
    "none",
    (code, bits, tables, from, out, ...more) => {
      const keys = keysOf(lines);
      const { scratch: memory } = builder;
      const place = placeOf(code, parts, more[more.length - 1]);
      const found = code.let(shiftOf.call(lineBits(parts, bits, place.line)));
      code.if(i32.ltS(found, i32.const(0)), () => code.return());
      const shift = code.let(i32.and(found, i32.const(2 ** LAST - 1)));
      const { at, step } = source(code, parts, pass, place, from);
      const table = i32.add(tables, times(place.line, parts.count * TABLE));
      const index = code.let(place.first);

      function move(to: Pointer, unit: number, isLast: boolean): void {
        code.do(prepare.call(table, place.part, to, i32.const(unit)));
        code.for({ from: index, below: place.end }, (index) => {
          const key = code.let(
            (pass === 0 ? keys.read(code, at) : keys.load(at, keyOffset(dtype))) as Expression<
              "i32"
            >,
          );
          const word = code.let(keys.word(key, shift));
          const to = code.let(i32.load(word, { memory }));
          code.do(i32.store(word, advance(to, unit), { memory }));
          if (isLast) {
            const own = pass === 0 ? index : i32.load(at, { offset: indexOffset(dtype) });
            code.do(i32.store(to, own));
          } else if (pass > 0) {
            if (record === 16) code.do(v128.store(to, v128.load(at), { align: 8 }));
            else code.do(i64.store(to, i64.load(at)));
          } else {
            code.do(keys.store(to, key, keyOffset(dtype)));
            code.do(i32.store(to, index, { offset: indexOffset(dtype) }));
          }
          code.set(at, advance(at, step));
        });
      }

      const indices = lineStarts(code, lines, out, out, place.line).to;
      if (isLast) return move(indices, stride * INDEX, true);
      const records = i32.add(more[0], times(place.line, length * record));
      code.if(
        i32.shrU(found, i32.const(LAST)),
        () => move(indices, stride * INDEX, true),
        () => move(records, record, false),
      );
    },
  );
}

/**
 * Writes to scratch memory the address of the first record with each digit: a function of the
 * tables of a line's parts, the part's number, the address of the line's records, and the bytes of
 * one.
 */
function emitPlaces(
  builder: Builder,
  { count }: Parts,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  return builder.module.function(
    "places",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, tables, part, next, unit) => {
      const { scratch: memory } = builder;
      const own = code.let(i32.add(tables, times(part, TABLE)));
      const end = code.let(i32.add(tables, i32.const(count * TABLE)));
      code.for({ below: TABLE, step: VECTOR }, (to) => {
        const before = code.let(i32x4.const(0));
        const total = code.let(i32x4.const(0));
        code.for({ from: i32.add(tables, to), below: end, step: TABLE }, (at) => {
          code.if(i32.ltU(at, own), () => code.set(before, i32x4.add(before, v128.load(at))));
          code.set(total, i32x4.add(total, v128.load(at)));
        });
        for (let lane = 0; lane < 4; lane++) {
          const first = i32.add(next, i32.mul(i32x4.extractLane(before, lane), unit));
          code.do(i32.store(to, first, { memory, offset: lane * INDEX }));
          code.set(next, i32.add(next, i32.mul(i32x4.extractLane(total, lane), unit)));
        }
      });
    },
  );
}

/**
 * The kernel of argsort: a stable merge sort of records, each a key and the element's index.
 *
 * Keys are unsigned integers in the order of the elements, with NaN as the largest; a descending sort
 * inverts them. Short keys share 64 bits with their index, so that no two records are equal. Records
 * are put into runs of a few by sorting networks (K. E. Batcher, "Sorting networks and their
 * applications", 1968), and runs of equal length are merged from both ends at once, without a test
 * for either's end: neither can be used up before half of the result is there. All that happens in
 * scratch memory. Lines too long for it, or too few to keep several threads busy, are sorted in
 * blocks, which are then merged in pieces of equal length, whose beginnings are found by bisection
 * (S. Odeh, O. Green, Z. Mwassi, O. Shmueli and Y. Birk, "Merge Path", 2012).
 *
 * @module
 */
import { byteSize, type Dtype, wideDtype } from "../../../base/dtype.ts";
import { sizeOf } from "../../../base/shape.ts";
import type { ArgsortParams } from "../../../primitives/ordering.ts";
import type { Code } from "../assembler/code.ts";
import type { Expression, Local } from "../assembler/expression.ts";
import type { Memory } from "../assembler/memory.ts";
import type { FunctionReference } from "../assembler/module.ts";
import { f32, f64, i32, i64, select, v128 } from "../assembler/operations.ts";
import { advance, type Pointer, smaller, times } from "./addresses.ts";
import { type Buffer, type Builder, type Kernel, SCRATCH_BYTES, type Stage } from "./kernel.ts";
import { loadElement } from "./lanes.ts";
import { chunkEnd, partition } from "./partition.ts";

/** Bytes of an index in the result. */
const INDEX = 4;

/** The longest run that a network sorts. */
const NETWORK = 8;

/** About how many records a block of a long line has. */
const BLOCK = 8192;

/** Lines no longer than this are never divided. */
const SHORT_LINE = 2 * BLOCK;

/** So many lines keep all threads busy. */
const MANY_LINES = 8;

type Key = Expression<"i64">;

/** Lines of elements to sort. */
interface Lines {
  readonly dtype: Dtype;
  readonly descending: boolean;
  /** The number of lines. */
  readonly count: number;
  /** The length of each. */
  readonly length: number;
  /** Elements from one of a line to its next, which is the number of lines side by side. */
  readonly stride: number;
}

/** Bytes of a record: a long key stands beside its index. */
function recordBytes(dtype: Dtype): number {
  return dtype === "float64" ? 16 : 8;
}

/** Where in a record the index stands. */
function indexOffset(dtype: Dtype): number {
  return dtype === "float64" ? 8 : 0;
}

/** The kernel of `argsort`: `x` to indices. */
export function emitArgsort(
  builder: Builder,
  [x]: readonly Buffer[],
  { axis, descending }: ArgsortParams,
  output: Buffer,
): Kernel {
  const { dtype, shape } = x;
  const length = shape[axis];
  const stride = sizeOf(shape.slice(axis + 1));
  const count = sizeOf(shape.slice(0, axis)) * stride;
  const lines: Lines = { dtype, descending, count, length, stride };
  const operations = Math.ceil(count * length * Math.log2(length + 1));
  const bytes = sizeOf(shape) * byteSize(dtype) + sizeOf(output.shape) * INDEX;
  if (count * length === 0) return { stages: [], workspaces: [], operations: 0, bytes: 0 };
  const most = SCRATCH_BYTES / 2 / recordBytes(dtype);
  const isWhole = length <= SHORT_LINE || (count >= MANY_LINES && padded(length).total <= most);
  const work = isWhole ? builder.once(sortWhole, lines) : builder.once(sortBlocks, lines);
  return { ...work, operations, bytes };
}

/** What a kernel is made of, besides its estimates. */
type Work = Pick<Kernel, "stages" | "workspaces">;

/** A number of records that is a power of two times a short run. */
interface Padded {
  readonly total: number;
  /** The length of the runs that are sorted by networks. */
  readonly run: number;
}

/** The fewest records, at least `length`, that can be merged from runs of equal length. */
function padded(length: number): Padded {
  let runs = 1;
  while (Math.ceil(length / runs) > NETWORK) runs *= 2;
  const run = Math.ceil(length / runs);
  return { total: run * runs, run };
}

/**
 * Nanoseconds that an element of a line takes for itself, and for each time that the line doubles, on
 * one core of an AMD EPYC (Zen 3) with Deno 2.9.6. The group "time: argsort" of
 * `deno bench bench/thresholds_bench.ts` measures it again.
 */
const ELEMENT_TIME = { self: 8, doubling: 1.5 };

/** The time that sorting a line takes, in nanoseconds. */
function sortTime(length: number): number {
  return length * (ELEMENT_TIME.self + ELEMENT_TIME.doubling * Math.log2(length + 1));
}

/** The addresses of a line's first element and of its first index. */
function lineStarts(
  code: Code,
  { dtype, length, stride }: Lines,
  x: Pointer,
  out: Pointer,
  line: Local<"i32">,
): { readonly from: Local<"i32">; readonly to: Local<"i32"> } {
  const start = code.let(
    stride === 1 ? times(line, length) : i32.add(
      times(i32.divU(line, i32.const(stride)), length * stride),
      i32.remU(line, i32.const(stride)),
    ),
  );
  return {
    from: code.let(i32.add(x, times(start, byteSize(dtype)))),
    to: code.let(i32.add(out, times(start, INDEX))),
  };
}

/** Sorts each line in scratch memory. */
function sortWhole(builder: Builder, lines: Lines): Work {
  const { dtype, length, stride } = lines;
  const record = recordBytes(dtype);
  const parts = partition(lines.count, sortTime(length));
  const sort = builder.once(emitBlock, { lines, most: length });
  const write = builder.once(emitWriteIndices, lines);
  const run = builder.module.function(
    "argsort",
    ["i32", "i32", "i32"],
    "none",
    (code, ...operands) => {
      const [x, out, chunk] = operands;
      const first = times(chunk, parts.perChunk);
      const end = code.let(chunkEnd(parts, chunk));
      code.for({ from: first, below: end }, (line) => {
        const { from, to } = lineStarts(code, lines, x, out, line);
        const sorted = code.let(sort.call(from, i32.const(0), i32.const(length)));
        const last = i32.add(sorted, i32.const(length * record));
        code.do(write.call(sorted, last, to));
      });
    },
  );
  const rows = stride === 1 ? { count: parts.count, perChunk: parts.perChunk } : undefined;
  const stage: Stage = { name: "argsort", run, operands: [0, 1], chunks: parts.chunks, rows };
  return { stages: [stage], workspaces: [] };
}

/** Sorts blocks of each line in scratch memory, then merges them in workspaces. */
function sortBlocks(builder: Builder, lines: Lines): Work {
  const { dtype, count, length } = lines;
  const record = recordBytes(dtype);
  const { total: block } = padded(BLOCK);
  const blocks = Math.ceil(length / block);
  const sortOne = builder.once(emitBlock, { lines, most: block });
  const sort = builder.module.function(
    "sort",
    ["i32", "i32", "i32"],
    "none",
    (code, ...operands) => {
      const [x, records, chunk] = operands;
      const line = code.let(i32.divU(chunk, i32.const(blocks)));
      const start = code.let(times(i32.remU(chunk, i32.const(blocks)), block));
      const { from } = lineStarts(code, lines, x, x, line);
      const size = code.let(smaller(i32.const(block), i32.sub(i32.const(length), start)));
      const sorted = sortOne.call(from, start, size);
      const to = times(i32.add(times(line, length), start), record);
      const bytes = times(size, record);
      code.do(builder.memory.copy(i32.add(records, to), sorted, bytes, builder.scratch));
    },
  );
  const stages: Stage[] = [{
    name: "argsort blocks",
    run: sort,
    operands: [0, 2],
    chunks: count * blocks,
  }];
  let from = 2;
  for (let run = block; run < length; run *= 2) {
    const isLast = 2 * run >= length;
    const to = isLast ? 1 : 5 - from;
    stages.push({
      name: "argsort merge",
      run: builder.once(emitMergePiece, { lines, run, piece: 2 * block, isLast }),
      operands: [from, to],
      chunks: count * Math.ceil(length / (2 * block)),
    });
    from = to;
  }
  const bytes = count * length * record;
  return { stages, workspaces: stages.length > 2 ? [bytes, bytes] : [bytes] };
}

/** Writes the indices of records from one address in scratch memory to another. */
function emitWriteIndices(builder: Builder, { dtype, stride }: Lines): FunctionReference<
  readonly ["i32", "i32", "i32"],
  "none"
> {
  return builder.module.function(
    "indices",
    ["i32", "i32", "i32"],
    "none",
    (code, from, end, to) => {
      const place = { memory: builder.scratch, offset: indexOffset(dtype) };
      code.for({ from, below: end, step: recordBytes(dtype) }, (from) => {
        code.do(i32.store(to, i32.load(from, place)));
        code.set(to, advance(to, stride * INDEX));
      });
    },
  );
}

/** A sort of a part of a line: leaves where in scratch memory the sorted records begin. */
type SortBlock = FunctionReference<readonly ["i32", "i32", "i32"], "i32">;

/**
 * Sorts at most `most` elements: a function of the line's address, the first element's index and the
 * number of elements.
 */
function emitBlock(
  builder: Builder,
  { lines, most }: { readonly lines: Lines; readonly most: number },
): SortBlock {
  const { dtype } = lines;
  const record = recordBytes(dtype);
  const { total, run } = padded(most);
  const bytes = total * record;
  const read = builder.once(emitReadRecords, lines);
  const network = builder.once(emitNetwork, { dtype, run });
  const merge = builder.once(emitMergeRuns, dtype);
  return builder.module.function("block", ["i32", "i32", "i32"], "i32", (code, ...operands) => {
    const [line, start, size] = operands;
    const filled = code.let(times(size, record));
    code.do(read.call(line, start, filled));
    const { scratch } = builder;
    const missing = i32.sub(i32.const(bytes), filled);
    code.do(scratch.fill(filled, i32.const(0xff), missing));
    code.do(network.call(i32.const(0), i32.const(bytes)));
    let from = 0;
    for (let half = run * record; half < bytes; half *= 2) {
      const to = SCRATCH_BYTES / 2 - from;
      const shift = i32.const(to - from);
      code.for({ from, below: from + bytes, step: 2 * half }, (at) => {
        code.do(merge.call(at, i32.add(at, shift), i32.const(half)));
      });
      from = to;
    }
    return i32.const(from);
  });
}

/**
 * Writes records to the beginning of scratch memory: a function of the line's address, the first
 * element's index and the bytes of the records.
 */
function emitReadRecords(builder: Builder, lines: Lines): FunctionReference<
  readonly ["i32", "i32", "i32"],
  "none"
> {
  const { dtype, descending, stride } = lines;
  return builder.module.function(
    "records",
    ["i32", "i32", "i32"],
    "none",
    (code, line, start, end) => {
      const step = stride * byteSize(dtype);
      const from = code.let(i32.add(line, times(start, step)));
      const { scratch: memory } = builder;
      code.for({ below: end, step: recordBytes(dtype) }, (to) => {
        const index = i64.extendI32U(start);
        const key = readKey(code, dtype, descending, from);
        if (recordBytes(dtype) === 16) {
          code.do(i64.store(to, key, { memory }));
          code.do(i64.store(to, index, { memory, offset: 8 }));
        } else code.do(i64.store(to, i64.or(i64.shl(key, i64.const(32)), index), { memory }));
        code.set(start, advance(start, 1));
        code.set(from, advance(from, step));
      });
    },
  );
}

/** The key of the element at an address, in as many of the lowest bits as its dtype has. */
function readKey(code: Code, dtype: Dtype, descending: boolean, at: Pointer): Key {
  if (dtype === "float64") {
    // Adding zero makes the negative zero the positive one, which it is equal to.
    const value = code.let(f64.add(f64.load(at), f64.const(0)));
    const bits = code.let(i64.reinterpretF64(value));
    const flips = i64.or(i64.shrS(bits, i64.const(63)), i64.const(-(2n ** 63n)));
    const key = select(f64.eq(value, value), i64.xor(bits, flips), i64.const(-1));
    return descending ? i64.xor(key, i64.const(-1)) : key;
  }
  const key = readShortKey(code, dtype, at);
  return i64.extendI32U(descending ? i32.xor(key, i32.const(-1)) : key);
}

function readShortKey(
  code: Code,
  dtype: Exclude<Dtype, "float64">,
  at: Pointer,
): Expression<"i32"> {
  const sign = i32.const(-(2 ** 31));
  const element = loadElement(code, dtype, at);
  switch (wideDtype(dtype)) {
    case "float32": {
      const value = code.let(f32.add(element as Expression<"f32">, f32.const(0)));
      const bits = code.let(i32.reinterpretF32(value));
      const flips = i32.or(i32.shrS(bits, i32.const(31)), sign);
      return select(f32.eq(value, value), i32.xor(bits, flips), i32.const(-1));
    }
    case "int32":
      return i32.xor(element as Expression<"i32">, sign);
    default:
      return element as Expression<"i32">;
  }
}

/** Pairs of places that, ordered one after the other, sort so many records: Batcher's merge exchange. */
function networkOf(length: number): [lower: number, upper: number][] {
  const pairs: [number, number][] = [];
  let top = 1;
  while (top * 2 < length) top *= 2;
  // D. E. Knuth, "The Art of Computer Programming", volume 3, algorithm 5.2.2 M.
  for (let p = top; p >= 1; p = Math.floor(p / 2)) {
    let q = top;
    let r = 0;
    let d = p;
    for (;;) {
      for (let i = 0; i < length - d; i++) if ((i & p) === r) pairs.push([i, i + d]);
      if (q === p) break;
      d = q - p;
      q /= 2;
      r = p;
    }
  }
  return length < 2 ? [] : pairs;
}

/** Sorts each run of so many records in scratch memory from one address to another. */
function emitNetwork(
  builder: Builder,
  { dtype, run }: { readonly dtype: Dtype; readonly run: number },
): FunctionReference<
  readonly ["i32", "i32"],
  "none"
> {
  const record = recordBytes(dtype);
  return builder.module.function("network", ["i32", "i32"], "none", (code, from, end) => {
    const { scratch: memory } = builder;
    const isLong = record === 16;
    code.for({ from, below: end, step: run * record }, (at) => {
      const places = Array.from({ length: run }, (_, i) => ({ memory, offset: i * record }));
      const keys = places.map((place) => code.let(i64.load(at, place)));
      const indices = !isLong
        ? []
        : places.map(({ offset }) => code.let(i64.load(at, { memory, offset: offset + 8 })));
      function exchange(values: readonly Local<"i64">[], i: number, j: number, swap: Pointer) {
        const lower = code.let(select(swap, values[j], values[i]));
        code.set(values[j], select(swap, values[i], values[j]));
        code.set(values[i], lower);
      }
      for (const [i, j] of networkOf(run)) {
        const isAbove = i64.ltU(keys[j], keys[i]);
        const swap = code.let(
          isLong
            ? i32.or(
              isAbove,
              i32.and(i64.eq(keys[j], keys[i]), i64.ltU(indices[j], indices[i])),
            )
            : isAbove,
        );
        exchange(keys, i, j, swap);
        if (isLong) exchange(indices, i, j, swap);
      }
      places.forEach((place, i) => code.do(i64.store(at, keys[i], place)));
      indices.forEach((index, i) => {
        code.do(i64.store(at, index, { memory, offset: i * record + 8 }));
      });
    });
  });
}

/** Writes code that copies a record. */
function moveRecord(
  code: Code,
  dtype: Dtype,
  to: Pointer,
  from: Pointer,
  memory: Memory,
): void {
  const place = { memory, align: 8 };
  if (recordBytes(dtype) === 16) code.do(v128.store(to, v128.load(from, place), place));
  else code.do(i64.store(to, i64.load(from, place), place));
}

/**
 * Merges two runs of equal length in scratch memory: a function of the first one's address, which the
 * second one follows, the result's address, and the bytes of each run.
 */
function emitMergeRuns(builder: Builder, dtype: Dtype): FunctionReference<
  readonly ["i32", "i32", "i32"],
  "none"
> {
  const record = recordBytes(dtype);
  return builder.module.function(
    "merge",
    ["i32", "i32", "i32"],
    "none",
    (code, first, to, bytes) => {
      const { scratch: memory } = builder;
      const second = code.let(i32.add(first, bytes));
      const lastFirst = code.let(advance(second, -record));
      const lastSecond = code.let(i32.add(lastFirst, bytes));
      const shift = code.let(i32.sub(bytes, i32.const(record)));
      const end = code.let(i32.add(to, bytes));
      const back = code.let(i32.add(end, shift));
      const key = (at: Pointer) => i64.load(at, { memory });
      code.loop((again) => {
        const fromSecond = code.let(i64.ltU(key(second), key(first)));
        const fromFirst = code.let(i64.ltU(key(lastSecond), key(lastFirst)));
        moveRecord(code, dtype, to, select(fromSecond, second, first), memory);
        moveRecord(code, dtype, back, select(fromFirst, lastFirst, lastSecond), memory);
        const step = code.let(times(fromSecond, record));
        code.set(second, i32.add(second, step));
        code.set(first, i32.sub(advance(first, record), step));
        const stepBack = code.let(times(fromFirst, record));
        code.set(lastFirst, i32.sub(lastFirst, stepBack));
        code.set(lastSecond, i32.add(advance(lastSecond, -record), stepBack));
        code.set(back, advance(back, -record));
        code.set(to, advance(to, record));
        code.branchIf(again, i32.ltU(to, end));
      });
    },
  );
}

/**
 * Merges pairs of runs of lines' records, `piece` records of the result at a time: a function of the
 * records, the result, and the piece's number. The last merge writes the indices alone.
 */
function emitMergePiece(
  builder: Builder,
  { lines, run, piece, isLast }: {
    readonly lines: Lines;
    readonly run: number;
    readonly piece: number;
    readonly isLast: boolean;
  },
): FunctionReference<readonly ["i32", "i32", "i32"], "none"> {
  const { dtype, length, stride } = lines;
  const record = recordBytes(dtype);
  const pieces = Math.ceil(length / piece);
  const bisect = builder.once(emitBisect, dtype);
  const merge = builder.once(emitMerge, { dtype, stride: isLast ? stride : null });
  return builder.module.function("merge", ["i32", "i32", "i32"], "none", (code, ...operands) => {
    const [records, out, chunk] = operands;
    const line = code.let(i32.divU(chunk, i32.const(pieces)));
    const start = code.let(times(i32.remU(chunk, i32.const(pieces)), piece));
    const pair = code.let(i32.sub(start, i32.remU(start, i32.const(2 * run))));
    const left = code.let(i32.sub(i32.const(length), pair));
    const lengthA = code.let(smaller(left, i32.const(run)));
    const lengthB = code.let(i32.sub(smaller(left, i32.const(2 * run)), lengthA));
    const a = code.let(
      i32.add(records, times(i32.add(times(line, length), pair), record)),
    );
    const b = code.let(i32.add(a, times(lengthA, record)));
    const before = code.let(i32.sub(start, pair));
    const whole = i32.add(lengthA, lengthB);
    const after = code.let(smaller(advance(before, piece), whole));
    const fromA = code.let(bisect.call(a, b, lengthA, lengthB, before));
    const toA = code.let(bisect.call(a, b, lengthA, lengthB, after));
    const place = (base: Pointer, index: Pointer) => i32.add(base, times(index, record));
    const { to } = lineStarts(code, lines, records, out, line);
    code.do(
      merge.call(
        place(a, fromA),
        place(a, toA),
        place(b, i32.sub(before, fromA)),
        place(b, i32.sub(after, toA)),
        isLast
          ? i32.add(to, times(start, stride * INDEX))
          : place(out, i32.add(times(line, length), start)),
      ),
    );
  });
}

/**
 * How many of the first records of a merge come from the first run: a function of the addresses of
 * both runs, their lengths, and the number of records of the result.
 */
function emitBisect(builder: Builder, dtype: Dtype): FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32"],
  "i32"
> {
  const record = recordBytes(dtype);
  return builder.module.function(
    "bisect",
    ["i32", "i32", "i32", "i32", "i32"],
    "i32",
    (code, a, b, lengthA, lengthB, total) => {
      const high = code.let(smaller(total, lengthA));
      const low = code.let(
        select(i32.gtU(total, lengthB), i32.sub(total, lengthB), i32.const(0)),
      );
      code.block((exit) => {
        code.loop((again) => {
          code.branchIf(exit, i32.geU(low, high));
          const middle = code.let(i32.shrU(i32.add(low, high), i32.const(1)));
          const other = advance(i32.sub(total, middle), -1);
          const keyA = i64.load(i32.add(a, times(middle, record)));
          const keyB = i64.load(i32.add(b, times(other, record)));
          code.if(
            i64.leU(keyA, keyB),
            () => code.set(low, advance(middle, 1)),
            () => code.set(high, middle),
          );
          code.branch(again);
        });
      });
      return low;
    },
  );
}

/**
 * Merges two sorted lists: a function of where each begins and ends and of the result's address. With
 * a stride, only indices are written, so many elements apart.
 */
function emitMerge(
  builder: Builder,
  { dtype, stride }: { readonly dtype: Dtype; readonly stride: number | null },
): FunctionReference<
  readonly ["i32", "i32", "i32", "i32", "i32"],
  "none"
> {
  const record = recordBytes(dtype);
  return builder.module.function(
    "lists",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (code, a, endA, b, endB, to) => {
      function write(from: Pointer): void {
        if (stride === null) moveRecord(code, dtype, to, from, builder.memory);
        else code.do(i32.store(to, i32.load(from, { offset: indexOffset(dtype) })));
        code.set(to, advance(to, stride === null ? record : stride * INDEX));
      }
      const bothLeft = i32.and(i32.ltU(a, endA), i32.ltU(b, endB));
      code.if(bothLeft, () => {
        code.loop((again) => {
          const fromB = code.let(i64.ltU(i64.load(b), i64.load(a)));
          write(select(fromB, b, a));
          const step = code.let(times(fromB, record));
          code.set(b, i32.add(b, step));
          code.set(a, i32.sub(advance(a, record), step));
          code.branchIf(again, bothLeft);
        });
      });
      code.for({ from: a, below: endA, step: record }, write);
      code.for({ from: b, below: endB, step: record }, write);
    },
  );
}

/**
 * Kernels that read and write at positions held by integer buffers: gather, scatterAdd, scatterOnto,
 * scatterSet, lastOf.
 *
 * An index outside its axis traps: nothing is read or written for it. Who runs the program turns the
 * trap into the message that the evaluator gives.
 *
 * @module
 */
import { byteSize, type Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type {
  GatherParams,
  ScatterAddParams,
  ScatterParams,
} from "../../../../primitives/indexing.ts";
import type { Code } from "../../assembler/code.ts";
import type { Effect, Expression, Local } from "../../assembler/expression.ts";
import { f32, f64, f64x2, i32, i32x4, i64, v128 } from "../../assembler/operations.ts";
import type { Buffer, Builder, Kernel, Stage } from "../kernel.ts";
import { advance, type Pointer, smaller, times, VECTOR } from "../addresses.ts";
import { addLanes } from "../panels.ts";
import { chunkEnd, type Partition, partition } from "../partition.ts";

/** Bytes of an index. */
const INDEX = 4;

/** Rows from this length on are copied by the machine's own routine. */
const LONG_ROW = 1024;

/** The most vectors of a row that are written out without a loop. */
const UNROLLED = 8;

/** Rows that belong to slots: row `m` of a batch to slot `indices[m]` of the same batch. */
interface Walk {
  /** How many batches there are. */
  readonly batches: number;
  /** The axes of the batches, outermost first; none where each has indices of its own. */
  readonly lead: readonly LeadAxis[];
  /** Rows in each batch. */
  readonly rows: number;
  /** Slots in each batch. */
  readonly slots: number;
  /** From one slot to the next. */
  readonly slotBytes: number;
  /** From one row to the next. */
  readonly rowBytes: number;
  /** The dtype of the indices. */
  readonly dtype: Dtype;
}

/** Neighbouring axes of the batches that either all have indices of their own, or none has. */
interface LeadAxis {
  /** The number of batches along it. */
  readonly length: number;
  /** How many batches of indices further the next ones stand; 0 where they are the same. */
  readonly stride: number;
}

function leadAxes(lead: readonly number[], outer: readonly number[]): LeadAxis[] {
  if (outer.length === 0) return [];
  const axes: LeadAxis[] = [];
  let stride = 1;
  for (let axis = lead.length - 1; axis >= 0; axis--) {
    const isOuter = outer.includes(axis);
    const inner = axes[0];
    if (inner !== undefined && (inner.stride === 0) === isOuter) {
      axes[0] = { ...inner, length: inner.length * lead[axis] };
    } else axes.unshift({ length: lead[axis], stride: isOuter ? 0 : stride });
    if (!isOuter) stride *= lead[axis];
  }
  return axes;
}

/** The number of the batch of indices that belongs to a batch. */
function indexBatch(code: Code, lead: readonly LeadAxis[], batch: Expression<"i32">): Pointer {
  if (lead.length === 0) return batch;
  let rest = batch;
  let sum: Expression<"i32"> = i32.const(0);
  for (let i = lead.length - 1; i >= 0; i--) {
    const { length, stride } = lead[i];
    const whole = code.let(rest);
    if (i > 0) rest = i32.divU(whole, i32.const(length));
    if (stride === 0) continue;
    sum = i32.add(sum, times(i === 0 ? whole : i32.remU(whole, i32.const(length)), stride));
  }
  return sum;
}

function walkOf(
  batchShape: readonly number[],
  indices: Buffer,
  { batch, outer = [] }: GatherParams,
  slots: number,
  rowBytes: number,
): Walk {
  return {
    batches: sizeOf(batchShape),
    lead: leadAxes(batchShape, outer),
    rows: sizeOf(indices.shape.slice(batch)),
    slots,
    slotBytes: rowBytes,
    rowBytes,
    dtype: indices.dtype,
  };
}

/** The number from which on indices, read as unsigned, are outside; `null` if all are inside. */
function firstOutside({ slots, dtype }: Walk): number | null {
  const end = Math.min(slots, dtype === "int32" ? 2 ** 31 : 2 ** 32);
  return end === 2 ** 32 ? null : end;
}

/** Where a part of a walk begins and ends. */
interface Part {
  /** The address of the first batch's first slot. */
  readonly slots: Pointer;
  /** The address of the first index of all. */
  readonly indices: Pointer;
  /** The address of the first row of all. */
  readonly rows: Pointer;
  /** The number of the part's first row among those of all batches. */
  readonly first: Expression<"i32">;
  /** The number behind its last row; greater than `first`. */
  readonly end: Expression<"i32">;
}

/** What is done with a row, given the addresses of its slot and of itself. */
type Visit = (slot: Pointer, row: Local<"i32">) => void;

/** What is done with four rows of four bytes, given the addresses of their slots. */
type VisitFour = (slots: Local<"v128">, row: Local<"i32">) => void;

/** Writes code that visits the rows of a part in order. */
function eachRow(code: Code, walk: Walk, part: Part, visit: Visit, visitFour?: VisitFour): void {
  const { batches, lead, rows, slots, slotBytes, rowBytes } = walk;
  if (lead.length > 0) return eachRowOfShared(code, walk, part, visit, visitFour);
  const limit = firstOutside(walk);
  const first = code.let(part.first);
  const at = code.let(i32.add(part.indices, times(first, INDEX)));
  const end = code.let(i32.add(part.indices, times(part.end, INDEX)));
  const row = code.let(i32.add(part.rows, times(first, rowBytes)));
  const base = code.let(part.slots);
  const batchBytes = slots * slotBytes;

  function visitOne(at: Local<"i32">): void {
    const index = code.let(i32.load(at));
    if (limit !== null) code.if(i32.geU(index, i32.const(limit)), () => code.unreachable());
    visit(i32.add(base, times(index, slotBytes)), row);
    if (rowBytes > 0) code.set(row, advance(row, rowBytes));
  }

  function visitUpTo(stop: Pointer): void {
    if (visitFour !== undefined && rows >= 8) {
      const bases = code.let(i32x4.splat(base));
      const limits = limit === null ? null : code.let(i32x4.const(limit));
      const fours = i32.and(i32.sub(stop, at), i32.const(-4 * INDEX));
      const stopFours = code.let(i32.add(at, fours));
      code.for({ from: at, below: stopFours, step: 4 * INDEX }, (at) => {
        const indices = code.let(v128.load(at, { align: INDEX }));
        if (limits !== null) {
          code.if(v128.anyTrue(i32x4.geU(indices, limits)), () => code.unreachable());
        }
        const offsets = slotBytes === 4
          ? i32x4.shl(indices, i32.const(2))
          : i32x4.mul(indices, i32x4.const(slotBytes));
        visitFour(code.let(i32x4.add(bases, offsets)), row);
        code.set(row, advance(row, 4 * rowBytes));
      });
      code.set(at, stopFours);
    }
    code.for({ from: at, below: stop, step: INDEX }, visitOne);
  }

  if (batches === 1) visitUpTo(end);
  else if (rows === 1) {
    code.set(base, i32.add(base, times(first, batchBytes)));
    code.for({ from: at, below: end, step: INDEX }, (at) => {
      visitOne(at);
      code.set(base, advance(base, batchBytes));
    });
  } else {
    const batch = code.let(i32.divU(first, i32.const(rows)));
    code.set(base, i32.add(base, times(batch, batchBytes)));
    const next = times(advance(batch, 1), rows * INDEX);
    const batchEnd = code.let(i32.add(part.indices, next));
    code.loop((again) => {
      const stop = code.let(smaller(batchEnd, end));
      visitUpTo(stop);
      code.set(at, stop);
      code.set(base, advance(base, batchBytes));
      code.set(batchEnd, advance(batchEnd, rows * INDEX));
      code.branchIf(again, i32.ltU(at, end));
    });
  }
}

/** The rows of a part in order where several batches have the same indices. */
function eachRowOfShared(
  code: Code,
  walk: Walk,
  part: Part,
  visit: Visit,
  visitFour?: VisitFour,
): void {
  const { rows, lead, slots, slotBytes, rowBytes } = walk;
  const [first, end] = [code.let(part.first), code.let(part.end)];
  const [slotsStart, indices] = [code.let(part.slots), code.let(part.indices)];
  const rowsStart = code.let(part.rows);
  const batch = code.let(i32.divU(first, i32.const(rows)));
  code.loop((again) => {
    const begin = code.let(times(batch, rows));
    const last = code.let(smaller(advance(begin, rows), end));
    const own = code.let(indexBatch(code, lead, batch));
    eachRow(
      code,
      { ...walk, batches: 1, lead: [] },
      {
        slots: i32.add(slotsStart, times(batch, slots * slotBytes)),
        indices: i32.add(indices, times(own, rows * INDEX)),
        rows: i32.add(rowsStart, times(begin, rowBytes)),
        first: i32.sub(first, begin),
        end: i32.sub(last, begin),
      },
      visit,
      visitFour,
    );
    code.set(first, last);
    code.set(batch, advance(batch, 1));
    code.branchIf(again, i32.ltU(first, end));
  });
}

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

/** A guess of the nanoseconds that one row takes. */
function rowTime(bytes: number): number {
  return 1.5 + bytes / 16;
}

/** The kernel of `gather`: `x` and `indices` to rows of `x`. */
export function emitGather(
  builder: Builder,
  [x, indices]: readonly Buffer[],
  params: GatherParams,
  output: Buffer,
): Kernel {
  const element = byteSize(x.dtype);
  const at = params.batch + (params.outer?.length ?? 0);
  const width = sizeOf(x.shape.slice(at + 1));
  const rowBytes = width * element;
  const walk = walkOf(x.shape.slice(0, at), indices, params, x.shape[at], rowBytes);
  const parts = partition(walk.batches * walk.rows, rowTime(rowBytes));
  const run = builder.module.function(
    "gather",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, x, indices, out, chunk) => {
      const part: Part = {
        slots: x,
        indices,
        rows: out,
        first: times(chunk, parts.perChunk),
        end: chunkEnd(parts, chunk),
      };
      const copyFour: VisitFour = (slots, row) => {
        const lane = (i: number) => i32x4.extractLane(slots, i);
        let four = v128.load32Zero(lane(0));
        for (const i of [1, 2, 3]) four = v128.load32Lane(lane(i), four, i);
        code.do(v128.store(row, four, { align: 4 }));
      };
      eachRow(
        code,
        walk,
        part,
        (slot, row) => copyRow(builder, code, row, slot, rowBytes),
        rowBytes === 4 ? copyFour : undefined,
      );
    },
  );
  const rows = { count: parts.count, perChunk: parts.perChunk };
  const stage: Stage = { name: "gather", run, operands: [0, 1, 2], chunks: parts.chunks, rows };
  return {
    stages: parts.chunks === 0 ? [] : [stage],
    workspaces: [],
    operations: 0,
    bytes: 2 * sizeOf(output.shape) * element + sizeOf(indices.shape) * INDEX,
  };
}

/** Slots that are hit this often on average are summed up in a workspace, in double precision. */
const OFTEN = 16;

/** How many sums of their own chunks may have when they share slots. */
const COPIES = 8;

/** The kernel of `scatterAdd`: `updates` and `indices` to sums. */
export function emitScatterAdd(
  builder: Builder,
  [updates, indices]: readonly Buffer[],
  params: ScatterAddParams,
  output: Buffer,
): Kernel {
  const { dtype } = updates;
  const { size } = params;
  const at = params.batch + (params.outer?.length ?? 0);
  const width = sizeOf(output.shape.slice(at + 1));
  const rowBytes = width * byteSize(dtype);
  const walk = walkOf(updates.shape.slice(0, at), indices, params, size, rowBytes);
  const often = walk.rows >= OFTEN * size && size > 0 && width > 0;
  const stages = often
    ? builder.once(scatterToCopies, { dtype, width, walk })
    : builder.once(scatterDirectly, { dtype, width, walk });
  const count = sizeOf(updates.shape);
  return {
    ...stages,
    operations: count,
    bytes: (count * 3 + sizeOf(output.shape)) * byteSize(dtype) + sizeOf(indices.shape) * INDEX,
  };
}

/** What a kernel is made of, besides its estimates. */
type Work = Pick<Kernel, "stages" | "workspaces">;

/** Adds updates to the result itself: chunks own batches, or columns of few batches' rows. */
function scatterDirectly(
  builder: Builder,
  { dtype, width, walk }: { readonly dtype: Dtype; readonly width: number; readonly walk: Walk },
): Work {
  const { batches, rows, slots, slotBytes } = walk;
  const element = byteSize(dtype);
  const time = slots * slotBytes / 16 * 0.5 + rows * (1 + rowTime(walk.rowBytes));
  const parts = partition(batches, time);
  const wanted = partition(width, batches * time / Math.max(1, width)).chunks;
  const columns = parts.chunks >= 8 ? 1 : columnParts(width, element, wanted);
  if (columns > 1) {
    const own = width / columns;
    const run = builder.module.function(
      "scatterAdd",
      ["i32", "i32", "i32", "i32"],
      "none",
      (code, updates, indices, out, chunk) => {
        const start = code.let(times(chunk, own * element));
        eachRow(code, walk, {
          slots: i32.add(out, start),
          indices,
          rows: i32.add(updates, start),
          first: i32.const(0),
          end: i32.const(batches * rows),
        }, (slot, row) => addRow(code, dtype, dtype, slot, row, own));
      },
    );
    const clear = builder.once(clearStage, { bytes: batches * slots * slotBytes, operand: 2 });
    const stage: Stage = { name: "scatterAdd", run, operands: [0, 1, 2], chunks: columns };
    return { stages: rows === 0 ? clear : [...clear, stage], workspaces: [] };
  }
  const batchBytes = slots * slotBytes;
  const run = builder.module.function(
    "scatterAdd",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, updates, indices, out, chunk) => {
      const first = code.let(times(chunk, parts.perChunk));
      const end = code.let(chunkEnd(parts, chunk));
      const start = i32.add(out, times(first, batchBytes));
      const length = times(i32.sub(end, first), batchBytes);
      code.do(builder.memory.fill(start, i32.const(0), length));
      if (rows === 0) return;
      eachRow(code, walk, {
        slots: out,
        indices,
        rows: updates,
        first: times(first, rows),
        end: times(end, rows),
      }, (slot, row) => addRow(code, dtype, dtype, slot, row, width));
    },
  );
  const stage: Stage = {
    name: "scatterAdd",
    run,
    operands: [0, 1, 2],
    chunks: parts.chunks,
    rows: { count: parts.count, perChunk: parts.perChunk },
  };
  return { stages: parts.chunks === 0 ? [] : [stage], workspaces: [] };
}

/** Into how many equal parts of whole vectors to divide so many columns; at most `wanted`. */
function columnParts(width: number, element: number, wanted: number): number {
  for (
    let parts = Math.min(wanted, Math.floor(width * element / (4 * VECTOR)));
    parts > 1;
    parts--
  ) {
    if ((width * element) % (parts * VECTOR) === 0) return parts;
  }
  return 1;
}

/** A stage that sets bytes of a buffer to zero. */
function clearStage(
  builder: Builder,
  { bytes, operand }: { readonly bytes: number; readonly operand: number },
): Stage[] {
  const unit = 4096;
  const parts = partition(Math.ceil(bytes / unit), unit / 10);
  if (parts.chunks === 0) return [];
  const run = builder.module.function("clear", ["i32", "i32"], "none", (code, out, chunk) => {
    const start = code.let(times(chunk, parts.perChunk * unit));
    const length = smaller(i32.const(parts.perChunk * unit), i32.sub(i32.const(bytes), start));
    code.do(builder.memory.fill(i32.add(out, start), i32.const(0), length));
  });
  return [{ name: "clear", run, operands: [operand], chunks: parts.chunks }];
}

/**
 * Adds updates to sums in a workspace, of which chunks that share slots have one each, then adds up
 * these: the slots are few against the updates.
 */
function scatterToCopies(
  builder: Builder,
  { dtype, width, walk }: { readonly dtype: Dtype; readonly width: number; readonly walk: Walk },
): Work {
  const { batches, rows, slots } = walk;
  const sumDtype: Dtype = dtype === "float32" ? "float64" : dtype;
  const sumBytes = byteSize(sumDtype);
  const sums = { ...walk, slotBytes: width * sumBytes };
  const batchBytes = slots * sums.slotBytes;
  const total = batches * slots * width;
  const time = rows * (1 + rowTime(walk.rowBytes));
  const byBatch = batches >= COPIES;
  const parts = byBatch
    ? partition(batches, time)
    : partition(batches * rows, time / Math.max(1, rows));
  // Sums of rows that several chunks share need a copy for each of them.
  const affordable = Math.min(COPIES, Math.floor(rows / (slots * OFTEN / 2)));
  const shared = byBatch ? parts : atMost(parts, affordable);
  const copies = byBatch ? 1 : shared.chunks;
  const copyBytes = Math.ceil(batches * batchBytes / 64) * 64;
  const run = builder.module.function(
    "scatterAdd",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, updates, indices, out, chunk) => {
      const first = code.let(times(chunk, shared.perChunk));
      const end = code.let(chunkEnd(shared, chunk));
      const copy = code.let(byBatch ? out : i32.add(out, times(chunk, copyBytes)));
      const start = byBatch ? i32.add(copy, times(first, batchBytes)) : copy;
      const length = byBatch
        ? times(i32.sub(end, first), batchBytes)
        : i32.const(batches * batchBytes);
      code.do(builder.memory.fill(start, i32.const(0), length));
      const perUnit = byBatch ? rows : 1;
      eachRow(code, sums, {
        slots: copy,
        indices,
        rows: updates,
        first: times(first, perUnit),
        end: times(end, perUnit),
      }, (slot, row) => addRow(code, sumDtype, dtype, slot, row, width));
    },
  );
  const stages: Stage[] = [{
    name: "scatterAdd",
    run,
    operands: [0, 1, 3],
    chunks: shared.chunks,
  }];
  const finals = partition(total, copies);
  const finish = builder.module.function(
    "finish",
    ["i32", "i32", "i32"],
    "none",
    (code, out, sums, chunk) => {
      const first = code.let(times(chunk, finals.perChunk));
      const from = code.let(i32.add(sums, times(first, sumBytes)));
      const to = code.let(i32.add(out, times(first, byteSize(dtype))));
      const end = i32.add(sums, times(chunkEnd(finals, chunk), sumBytes));
      const stop = code.let(end);
      code.for({ from, below: stop, step: sumBytes }, (from) => {
        code.do(storeSum(dtype, to, from, copies, copyBytes));
        code.set(to, advance(to, byteSize(dtype)));
      });
    },
  );
  stages.push({ name: "scatterAdd", run: finish, operands: [2, 3], chunks: finals.chunks });
  return { stages: parts.chunks === 0 ? [] : stages, workspaces: [copies * copyBytes] };
}

/** The same units in at most so many chunks. */
function atMost(parts: Partition, chunks: number): Partition {
  const perChunk = Math.max(parts.perChunk, Math.ceil(parts.count / chunks));
  return { count: parts.count, perChunk, chunks: Math.ceil(parts.count / perChunk) };
}

/** Stores the sum of the copies of one element. */
function storeSum(
  dtype: Dtype,
  to: Pointer,
  from: Pointer,
  copies: number,
  copyBytes: number,
): Effect {
  // An address so far away cannot be an offset of an access.
  const place = (i: number) => advance(from, i * copyBytes);
  if (dtype === "float32" || dtype === "float64") {
    let sum = f64.load(from);
    for (let i = 1; i < copies; i++) sum = f64.add(sum, f64.load(place(i)));
    return dtype === "float64" ? f64.store(to, sum) : f32.store(to, f32.demoteF64(sum));
  }
  let sum = i32.load(from);
  for (let i = 1; i < copies; i++) sum = i32.add(sum, i32.load(place(i)));
  return i32.store(to, sum);
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

/** The kernel of `scatterSet`, and of `scatterOnto`, which may write over their first operand. */
function emitRows(
  name: "scatterSet" | "scatterOnto",
): (builder: Builder, inputs: readonly Buffer[], params: GatherParams) => Kernel {
  return (builder, [x, updates, indices], params) => {
    const { dtype } = x;
    const at = params.batch + (params.outer?.length ?? 0);
    const width = sizeOf(x.shape.slice(at + 1));
    const rowBytes = width * byteSize(dtype);
    const walk = walkOf(x.shape.slice(0, at), indices, params, x.shape[at], rowBytes);
    const { batches, rows, slots } = walk;
    const parts = partition(batches, rows * rowTime(rowBytes));
    const batchBytes = slots * rowBytes;
    const run = builder.module.function(
      name,
      ["i32", "i32", "i32", "i32", "i32"],
      "none",
      (code, x, updates, indices, out, chunk) => {
        const first = code.let(times(chunk, parts.perChunk));
        const end = code.let(chunkEnd(parts, chunk));
        const start = times(first, batchBytes);
        const length = times(i32.sub(end, first), batchBytes);
        code.if(i32.ne(x, out), () => {
          code.do(builder.memory.copy(i32.add(out, start), i32.add(x, start), length));
        });
        if (rows === 0) return;
        eachRow(code, walk, {
          slots: out,
          indices,
          rows: updates,
          first: times(first, rows),
          end: times(end, rows),
        }, (slot, row) => {
          if (name === "scatterOnto") addRow(code, dtype, dtype, slot, row, width);
          else copyRow(builder, code, slot, row, rowBytes);
        });
      },
    );
    const stage: Stage = {
      name,
      run,
      operands: [0, 1, 2, 3],
      chunks: parts.chunks,
      rows: { count: parts.count, perChunk: parts.perChunk },
    };
    return {
      stages: parts.chunks === 0 ? [] : [stage],
      workspaces: [],
      operations: name === "scatterOnto" ? sizeOf(updates.shape) : 0,
      // In place, that is all; elsewhere, the copy of the whole comes on top.
      bytes: 3 * sizeOf(updates.shape) * byteSize(dtype) + sizeOf(indices.shape) * INDEX,
      inPlace: [[0, 3]],
    };
  };
}

export const emitScatterSet = emitRows("scatterSet");

export const emitScatterOnto = emitRows("scatterOnto");

/** The kernel of `lastOf`: which indices are the last to point to their slot. */
export function emitLastOf(
  builder: Builder,
  [indices]: readonly Buffer[],
  { batch, size }: ScatterParams,
): Kernel {
  const lead = indices.shape.slice(0, batch);
  const batches = sizeOf(lead);
  const walk: Walk = {
    ...walkOf(lead, indices, { batch }, size, 1),
    slotBytes: INDEX,
    batches: 1,
  };
  const { rows } = walk;
  const count = sizeOf(indices.shape);
  const run = builder.module.function(
    "lastOf",
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, indices, out, slots, _chunk) => {
      // Each slot holds the last position that was written to it; the others are never read.
      const eachPosition = (batch: Local<"i32">, visit: Visit): void =>
        eachRow(code, walk, {
          slots,
          indices: i32.add(indices, times(batch, rows * INDEX)),
          rows: i32.add(out, times(batch, rows)),
          first: i32.const(0),
          end: i32.const(rows),
        }, visit);
      code.for({ below: batches }, (batch) => {
        eachPosition(batch, (slot, row) => code.do(i32.store(slot, row)));
        eachPosition(batch, (slot, row) => {
          code.do(i32.store8(row, i32.eq(i32.load(slot), row)));
        });
      });
    },
  );
  const stage: Stage = { name: "lastOf", run, operands: [0, 1, 2], chunks: 1 };
  return {
    stages: count === 0 ? [] : [stage],
    workspaces: [size * INDEX],
    operations: 0,
    bytes: 4 * count * INDEX,
  };
}

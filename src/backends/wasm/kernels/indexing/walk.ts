/**
 * Loops over rows and the slots that their indices select.
 *
 * An index outside its axis traps: nothing is read or written for it. The caller that runs the
 * program converts the trap into the error message of the evaluator.
 *
 * @module
 */
import type { Dtype } from "../../../../base/dtype.ts";
import { sizeOf } from "../../../../base/shape.ts";
import type { GatherParams } from "../../../../primitives/indexing.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { i32, i32x4, v128 } from "../../assembler/operations.ts";
import type { Buffer } from "../kernel.ts";
import { advance, type Pointer, smaller, times } from "../addresses.ts";

/** Bytes of an index. */
export const INDEX = 4;

/** Rows that belong to slots: row `m` of a batch to slot `indices[m]` of the same batch. */
export interface Walk {
  /** The number of batches. */
  readonly batches: number;
  /** The axes of the batches, outermost first; empty if each batch has separate indices. */
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

/** Merged neighbouring axes of the batches: each of them has separate indices, or none has. */
interface LeadAxis {
  /** The number of batches along it. */
  readonly length: number;
  /** The distance to the indices of the next batch, in batches of indices; 0 if they are the same. */
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

export function walkOf(
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

/** The limit from which indices, read as unsigned, are out of range; `null` if all are in range. */
function firstOutside({ slots, dtype }: Walk): number | null {
  const end = Math.min(slots, dtype === "int32" ? 2 ** 31 : 2 ** 32);
  return end === 2 ** 32 ? null : end;
}

/** The start and end of a part of a loop. */
export interface Part {
  /** The address of the first batch's first slot. */
  readonly slots: Pointer;
  /** The address of the first index of all. */
  readonly indices: Pointer;
  /** The address of the first row of all. */
  readonly rows: Pointer;
  /** The number of the part's first row among those of all batches. */
  readonly first: Expression<"i32">;
  /** The number after its last row; greater than `first`. */
  readonly end: Expression<"i32">;
}

/** The work on a row, given the addresses of its slot and of the row. */
export type Visit = (slot: Pointer, row: Local<"i32">) => void;

/** The work on four rows of four bytes, given the addresses of their slots. */
export type VisitFour = (slots: Local<"v128">, row: Local<"i32">) => void;

/** Writes code that visits the rows of a part in order. */
export function eachRow(
  code: Code,
  walk: Walk,
  part: Part,
  visit: Visit,
  visitFour?: VisitFour,
): void {
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

/** The rows of a part in order, if several batches have the same indices. */
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

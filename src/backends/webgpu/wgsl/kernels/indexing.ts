/**
 * Reading and writing at positions given by integer tensors. Floats are added in the order of the updates,
 * regardless of the execution order: positions are sorted, and each result finds its own updates.
 *
 * @module
 */
import { lengthAlong, range, sizeOf, stridesOf } from "../../../../base/shape.ts";
import type {
  GatherParams,
  ScatterAddParams,
  ScatterParams,
} from "../../../../primitives/indexing.ts";
import type { Kernel, Operand, Pass } from "../kernel.ts";
import { heldType } from "../module.ts";
import { sumsOf } from "./accumulation.ts";
import { keyFunction, wordFunction } from "./keys.ts";
import { at, type Bound, each, place, zeros } from "./passes.ts";
import { reduceSlices } from "./slices.ts";
import { sortLines } from "./sorting.ts";

/** The layout of the rows of a tensor, and the positions that select them. */
interface Rows {
  /** The number of rows for each index of the leading axes, and the number of elements of a row. */
  readonly rows: number;
  readonly width: number;
  /** The length of the axis that positions index. */
  readonly slots: number;
  /** The number of indices of the leading axes, and of those shared with the positions. */
  readonly leads: number;
  readonly shared: number;
  /** The index among the shared leading axes for an index among all, as an expression. */
  readonly line: (lead: string) => string;
}

/** The rows of `x`, whose leading axes come before the axis that positions index. */
function rowsOf(
  lead: readonly number[],
  slots: number,
  width: number,
  indices: Operand,
  { batch, outer = [] }: GatherParams,
): Rows {
  const own = range(lead.length).filter((axis) => !outer.includes(axis));
  const strides = lead.map(() => 0);
  stridesOf(own.map((axis) => lead[axis])).forEach((stride, i) => strides[own[i]] = stride);
  return {
    rows: sizeOf(indices.shape.slice(batch)),
    width,
    slots,
    leads: sizeOf(lead),
    shared: lengthAlong(lead, own),
    line: (value) => place(value, lead, strides),
  };
}

/** The pass that sets a flag if positions are out of range; none if the flag is not needed. */
function checkPasses({ rows, slots, leads, shared }: Rows, indices: number, flag: number): Pass[] {
  const count = leads === 0 ? 0 : shared * rows;
  if (count === 0) return [];
  return [reduceSlices({
    bound: [[indices, "u32"], [flag, "u32"]],
    outputs: 1,
    length: count,
    along: true,
    type: "u32",
    empty: "0u",
    step: `if (${at(0, "p")} >= ${slots}u) { state = 1u; }`,
    combine: (a, b) => `${a} | ${b}`,
    store: `if (state != 0u) { ${at(1, "o")} = 1u; }`,
  })];
}

/** The rows of an operand that positions index. */
function rowsOfOperand(x: Operand, indices: Operand, params: GatherParams): Rows {
  const axis = params.batch + (params.outer ?? []).length;
  const width = sizeOf(x.shape.slice(axis + 1));
  return rowsOf(x.shape.slice(0, axis), x.shape[axis], width, indices, params);
}

/** The kernel of `gather`. */
export function emitGather(
  [x, indices]: readonly Operand[],
  params: GatherParams,
  [output]: readonly Operand[],
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  const { width, rows, slots } = places;
  const size = sizeOf(output.shape);
  const passes = checkPasses(places, 1, 3);
  if (size > 0 && slots > 0) {
    const body = `let lead = i / ${rows * width}u;
let slot = ${at(1, `${places.line("lead")} * ${rows}u + (i / ${width}u) % ${rows}u`)};
if (slot < ${slots}u) {
${at(2, "i")} = ${at(0, `(lead * ${slots}u + slot) * ${width}u + i % ${width}u`)};
} else { ${at(2, "i")} = 0u; }`;
    passes.push(each([[0, "u32"], [1, "u32"], [2, "u32"]], size, body));
  } else if (size > 0) passes.push(zeros([2, "u32"], size));
  return { passes, scratch: [4], operations: size, flag: 3 };
}

/** Up to this number of positions, each result searches all of them. */
const FEW = 32;

/**
 * The operands of a kernel that adds rows, by their numbers, and whether sums are added to existing
 * elements.
 */
interface Adding {
  readonly updates: number;
  readonly indices: number;
  readonly output: number;
  readonly isOnto: boolean;
}

/** The kernel of `scatterAdd`. */
export function emitScatterAdd(
  [updates, indices]: readonly Operand[],
  params: ScatterAddParams,
  [output]: readonly Operand[],
): Kernel {
  const axis = params.batch + (params.outer ?? []).length;
  const width = sizeOf(output.shape.slice(axis + 1));
  const lead = updates.shape.slice(0, axis);
  const places = rowsOf(lead, params.size, width, indices, params);
  return addRows(places, { updates: 0, indices: 1, output: 2, isOnto: false }, output);
}

/** The kernel of `scatterOnto`. */
export function emitScatterOnto(
  [x, _updates, indices]: readonly Operand[],
  params: GatherParams,
  [output]: readonly Operand[],
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  const operands = { updates: 1, indices: 2, output: 3, isOnto: true };
  return { ...addRows(places, operands, output), isChange: true };
}

/** A kernel that adds rows of updates at the given positions. */
function addRows(places: Rows, operands: Adding, output: Operand): Kernel {
  const { rows, width, slots, leads, shared } = places;
  const flag = operands.output + 1;
  const size = sizeOf(output.shape);
  const operations = leads * rows * width;
  const checks = checkPasses(places, operands.indices, flag);
  if (size === 0 || operands.isOnto && operations === 0) {
    return { passes: checks, scratch: [4], operations, flag };
  }
  // A few changes are made row by row, many slot by slot.
  const byRow = operands.isOnto && rows < slots;
  if (rows <= FEW) {
    const index = (p: string) => at(1, `line * ${rows}u + ${p}`);
    const add = addPass(places, operands, output, [operands.indices, "u32"], byRow, {
      length: rows,
      row: "p",
      isOwn: `${index("p")} == slot`,
      bounds: byRow
        ? `let slot = ${index("row")};
var first = row;
for (var p = 0u; p < row; p++) { if (${index("p")} == slot) { first = ${rows}u; } }
let end = ${rows}u;`
        : `let first = 0u;\nlet end = ${rows}u;`,
    });
    return { passes: [...checks, add], scratch: [4], operations, flag };
  }
  const [order, begins, scratch] = [flag + 1, flag + 2, flag + 3];
  // Positions in the order of the slots, and the start of each slot among them.
  const sorted = sortLines({
    lines: shared,
    length: rows,
    source: [operands.indices, "u32"],
    key: at(0, `line * ${rows}u + position`),
    targets: [[order, "u32"], [begins, "u32"]],
    store: (first) =>
      `${at(first, `line * ${rows}u + position`)} = origin;
${at(first + 1, `line * ${rows}u + position`)} = key;`,
  }, scratch);
  const [first, end] = ["slot", "slot + 1u"].map((slot) => `lower(line, ${slot})`);
  const key = (p: string) => at(3, `line * ${rows}u + ${p}`);
  const add = addPass(places, operands, output, [order, "u32"], byRow, {
    length: Math.ceil(rows / Math.max(slots, 1)),
    row: at(1, `line * ${rows}u + p`),
    more: [[begins, "u32"]],
    bounds: byRow
      ? `let slot = ${key("row")};
let first = row;
var end = row;
if (row == 0u || ${key("row - 1u")} != slot) { end = ${end}; }`
      : `let first = ${first};
let end = ${end};`,
    shared: (number) =>
      `fn lower(line: u32, slot: u32) -> u32 {
  var low = 0u;
  var high = ${rows}u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (${
        at(number, `line * ${rows}u + middle`)
      } < slot) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}`,
  });
  const bytes = 4 * shared * rows;
  return {
    passes: [...checks, ...sorted.passes, add],
    scratch: [4, bytes, bytes, ...sorted.scratch],
    operations,
    flag,
  };
}

/** How a result finds its updates. */
interface Search {
  /** Their approximate number. */
  readonly length: number;
  /** The row of the update at position `p`, as an expression. */
  readonly row: string;
  /** Whether the update belongs to the result; if omitted, all do. */
  readonly isOwn?: string;
  /** Additional operands to bind, and functions that are given the number of the first one. */
  readonly more?: readonly Bound[];
  readonly shared?: (number: number) => string;
  /** Statements that declare `first` and `end` and, where results are indexed by rows, `slot`. */
  readonly bounds: string;
}

/**
 * The pass that adds up the updates of each slot; with `byRow`, the first row that indexes a slot does this.
 */
function addPass(
  { rows, width, slots, leads, line }: Rows,
  { updates, output: result, isOnto }: Adding,
  output: Operand,
  positions: Bound,
  byRow: boolean,
  { length, row, isOwn, more = [], shared, bounds }: Search,
): Pass {
  const held = heldType(output.dtype);
  // Sums that are added to existing elements start with -0, which changes nothing.
  const sums = sumsOf(held, isOnto);
  const count = byRow ? rows : slots;
  const where = `let ${byRow ? "row" : "slot"} = (o / ${width}u) % ${count}u;
let lead = o / ${width * count}u;
let line = ${line("lead")};`;
  const update = at(0, `(lead * ${rows}u + ${row}) * ${width}u + o % ${width}u`);
  const add = (x: string): string => `state = ${sums.combine("state", sums.of(x))};`;
  const step = add(update);
  const place = byRow ? at(2, `(lead * ${slots}u + slot) * ${width}u + o % ${width}u`) : at(2, "o");
  const store = `${isOnto ? add(place) : ""}
${place} = ${sums.value("state")};`;
  return reduceSlices({
    bound: [[updates, held], positions, [result, held], ...more],
    outputs: byRow ? leads * rows * width : sizeOf(output.shape),
    length,
    along: false,
    type: sums.type,
    empty: sums.empty,
    bounds: `${where}
${bounds}`,
    step: isOwn === undefined ? step : `if (${isOwn}) { ${step} }`,
    combine: sums.combine,
    store: byRow
      ? `${where}
${bounds}
if (first < end && slot < ${slots}u) {
${store}
}`
      : store,
    shared: shared?.(3) ?? "",
    functions: sums.functions,
  });
}

/** The row with number `i / width` among all rows of an operand, and its slot, as statements. */
function rowOf({ rows, width, line }: Rows, indices: number): string {
  return `let lead = i / ${rows * width}u;
let row = (i / ${width}u) % ${rows}u;
let line = ${line("lead")};
let slot = ${at(indices, `line * ${rows}u + row`)};`;
}

/**
 * Passes that write for each slot the number after the last row that indexes it, if there is one; with
 * `isWhole`, 0 if there is none.
 */
function lastPasses(
  { rows, slots, shared }: Rows,
  indices: number,
  last: number,
  isWhole: boolean,
): Pass[] {
  if (shared * slots === 0 || rows === 0) return [];
  const own = at(1, `(i / ${rows}u) * ${slots}u + slot`);
  const eachRow = (statement: string): Pass =>
    each(
      [[indices, "u32"], [last, "atomic<u32>"]],
      shared * rows,
      `let slot = ${at(0, "i")};
if (slot < ${slots}u) {
${statement}
}`,
    );
  return [
    isWhole ? zeros([last, "u32"], shared * slots) : eachRow(`atomicStore(&${own}, 0u);`),
    eachRow(`atomicMax(&${own}, i % ${rows}u + 1u);`),
  ];
}

/** The kernel of `scatterSet`. */
export function emitScatterSet(
  [x, updates, indices]: readonly Operand[],
  params: GatherParams,
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  const { width, slots, shared } = places;
  const count = sizeOf(updates.shape);
  const [flag, last] = [4, 5];
  const passes = checkPasses(places, 2, flag);
  if (count > 0 && slots > 0) {
    const body = `${rowOf(places, 1)}
if (slot < ${slots}u) {
if (${at(3, `line * ${slots}u + slot`)} == row + 1u) {
${at(2, `(lead * ${slots}u + slot) * ${width}u + i % ${width}u`)} = ${at(0, "i")};
}
}`;
    const bound: Bound[] = [[1, "u32"], [2, "u32"], [3, "u32"], [last, "u32"]];
    passes.push(...lastPasses(places, 2, last, false), each(bound, count, body));
  }
  const scratch = [4, 4 * Math.max(1, shared * slots)];
  return { passes, scratch, operations: count, flag, isChange: true };
}

/** The kernel of `scatterMax`. */
export function emitScatterMax(
  inputs: readonly Operand[],
  params: GatherParams,
  outputs: readonly Operand[],
): Kernel {
  return emitExtremes(inputs, params, outputs, "ascending");
}

/** The kernel of `scatterMin`. */
export function emitScatterMin(
  inputs: readonly Operand[],
  params: GatherParams,
  outputs: readonly Operand[],
): Kernel {
  return emitExtremes(inputs, params, outputs, "smallest");
}

/** Extremes of rows and of their updates: the largest key, independent of the order. */
function emitExtremes(
  [x, updates, indices]: readonly Operand[],
  params: GatherParams,
  [output]: readonly Operand[],
  order: "ascending" | "smallest",
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  const { width, slots, shared } = places;
  const count = sizeOf(updates.shape);
  const [flag, last] = [4, 5];
  const passes = checkPasses(places, 2, flag);
  const held = heldType(output.dtype);
  const scratch = [4, 4 * Math.max(1, shared * slots)];
  if (count > 0 && slots > 0) {
    const place = `(lead * ${slots}u + slot) * ${width}u + i % ${width}u`;
    // The last row that indexes a slot converts its elements to keys, and back to numbers at the end.
    const turn = (name: string, shared: string): Pass =>
      each(
        [[2, "u32"], [3, "u32"], [last, "u32"]],
        count,
        `${rowOf(places, 0)}
if (slot < ${slots}u) {
if (${at(2, `line * ${slots}u + slot`)} == row + 1u) {
${
          at(1, place)
        } = ${name}(${at(1, place)});
}
}`,
        { shared },
      );
    const keys = keyFunction(held, order, "ordered");
    const most = `${rowOf(places, 1)}
if (slot < ${slots}u) { atomicMax(&${at(2, place)}, key_of(${at(0, "i")})); }`;
    passes.push(
      ...lastPasses(places, 2, last, false),
      turn("key_of", keys),
      each([[1, "u32"], [2, "u32"], [3, "atomic<u32>"]], count, most, { shared: keys }),
      turn("word_of", wordFunction(held, order)),
    );
  }
  return { passes, scratch, operations: count, flag, isChange: true };
}

/** The kernel of `lastOf`. */
export function emitLastOf(
  [indices]: readonly Operand[],
  { batch, size: slots }: ScatterParams,
  [output]: readonly Operand[],
): Kernel {
  const places = rowsOf(indices.shape.slice(0, batch), slots, 1, indices, { batch });
  const { rows, shared } = places;
  const size = sizeOf(output.shape);
  const [flag, last] = [2, 3];
  const passes = checkPasses(places, 0, flag);
  if (size > 0 && slots > 0) {
    const body = `let slot = ${at(0, "i")};
var isLast = false;
if (slot < ${slots}u) {
isLast = ${at(2, `(i / ${rows}u) * ${slots}u + slot`)} == i % ${rows}u + 1u;
}
${at(1, "i")} = select(0u, 1u, isLast);`;
    passes.push(
      ...lastPasses(places, 0, last, true),
      each([[0, "u32"], [1, "u32"], [last, "u32"]], size, body),
    );
  } else if (size > 0) passes.push(zeros([1, "u32"], size));
  const scratch = [4, 4 * Math.max(1, shared * slots)];
  return { passes, scratch, operations: size, flag };
}

/**
 * Reading and writing at positions that tensors of integers give. Floats are added in the order of the
 * updates, whatever runs first: positions are sorted, and each result finds its own updates.
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

/** Where rows of a tensor are, and which positions say so. */
interface Rows {
  /** How many there are for each place of the leading axes, and the elements of one. */
  readonly rows: number;
  readonly width: number;
  /** The length of the axis that positions point into. */
  readonly slots: number;
  /** Places of the leading axes, and of those that the positions have. */
  readonly leads: number;
  readonly shared: number;
  /** The number of a place among these, made of that among all: an expression. */
  readonly line: (lead: string) => string;
}

/** The rows of `x`, whose leading axes come before the one that positions point into. */
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

/** The pass that sets a flag where positions lie outside; none where nobody asks for them. */
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

/** The rows of an operand that positions point into. */
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

/** So few positions are looked through by each result. */
const FEW = 32;

/** The operands of a kernel that adds rows, by their numbers. */
interface Adding {
  readonly updates: number;
  readonly indices: number;
  readonly output: number;
  /** What the sums are added to. */
  readonly to: number | null;
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
  return addRows(places, { updates: 0, indices: 1, output: 2, to: null }, output);
}

/** The kernel of `scatterOnto`. */
export function emitScatterOnto(
  [x, _updates, indices]: readonly Operand[],
  params: GatherParams,
  [output]: readonly Operand[],
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  return addRows(places, { updates: 1, indices: 2, output: 3, to: 0 }, output);
}

/** A kernel that adds rows of updates where positions say. */
function addRows(places: Rows, operands: Adding, output: Operand): Kernel {
  const { rows, width, slots, leads, shared } = places;
  const flag = operands.output + 1;
  const size = sizeOf(output.shape);
  const operations = leads * rows * width;
  const checks = checkPasses(places, operands.indices, flag);
  if (size === 0) return { passes: checks, scratch: [4], operations, flag };
  if (rows <= FEW) {
    const add = addPass(places, operands, output, [operands.indices, "u32"], {
      length: rows,
      row: "p",
      isOwn: `${at(1, `line * ${rows}u + p`)} == slot`,
    });
    return { passes: [...checks, add], scratch: [4], operations, flag };
  }
  const [order, begins, scratch] = [flag + 1, flag + 2, flag + 3];
  // Positions in the order of the slots, and where those of each slot begin among them.
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
  const add = addPass(places, operands, output, [order, "u32"], {
    length: Math.ceil(rows / Math.max(slots, 1)),
    row: at(1, `line * ${rows}u + p`),
    more: [[begins, "u32"]],
    bounds: `let first = ${first};
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
  /** How many there are of them, or so. */
  readonly length: number;
  /** The row of the update at position `p`: an expression. */
  readonly row: string;
  /** Whether it is one of its own; left out, all are. */
  readonly isOwn?: string;
  /** What else is bound, and functions that get the number of the first of these. */
  readonly more?: readonly Bound[];
  readonly shared?: (number: number) => string;
  /** Statements that declare `first` and `end`. */
  readonly bounds?: string;
}

/** The pass that adds up the updates of each result. */
function addPass(
  { rows, width, slots, line }: Rows,
  { updates, output: result, to }: Adding,
  output: Operand,
  positions: Bound,
  { length, row, isOwn, more = [], shared, bounds }: Search,
): Pass {
  const held = heldType(output.dtype);
  // Sums that are added to what is there begin with -0, which changes nothing.
  const sums = sumsOf(held, to !== null);
  const first = 3 + more.length;
  const where = `let slot = (o / ${width}u) % ${slots}u;
let lead = o / ${width * slots}u;
let line = ${line("lead")};`;
  const update = at(0, `(lead * ${rows}u + ${row}) * ${width}u + o % ${width}u`);
  const add = (x: string): string => `state = ${sums.combine("state", sums.of(x))};`;
  const step = add(update);
  const start = to === null ? "" : add(at(first, "o"));
  return reduceSlices({
    bound: [
      [updates, held],
      positions,
      [result, held],
      ...more,
      ...(to === null ? [] : [[to, held] as Bound]),
    ],
    outputs: sizeOf(output.shape),
    length,
    along: false,
    type: sums.type,
    empty: sums.empty,
    bounds: `${where}
${bounds ?? `let first = 0u;\nlet end = ${rows}u;`}`,
    step: isOwn === undefined ? step : `if (${isOwn}) { ${step} }`,
    combine: sums.combine,
    store: `${start}
${at(2, "o")} = ${sums.value("state")};`,
    shared: shared?.(3) ?? "",
    functions: sums.functions,
  });
}

/** Passes that write the number behind the last row that points to each slot, and 0 where none does. */
function lastPasses({ rows, slots, shared }: Rows, indices: number, last: number): Pass[] {
  if (shared * slots === 0 || rows === 0) return [];
  const body = `let slot = ${at(0, "i")};
if (slot < ${slots}u) {
atomicMax(&${at(1, `(i / ${rows}u) * ${slots}u + slot`)}, i % ${rows}u + 1u);
}`;
  return [
    zeros([last, "u32"], shared * slots),
    each([[indices, "u32"], [last, "atomic<u32>"]], shared * rows, body),
  ];
}

/** The kernel of `scatterSet`. */
export function emitScatterSet(
  [x, _updates, indices]: readonly Operand[],
  params: GatherParams,
  [output]: readonly Operand[],
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  const { width, rows, slots, shared } = places;
  const size = sizeOf(output.shape);
  const [flag, last] = [4, 5];
  const passes = checkPasses(places, 2, flag);
  if (size > 0 && rows === 0) {
    passes.push(each([[0, "u32"], [3, "u32"]], size, `${at(1, "i")} = ${at(0, "i")};`));
  } else if (size > 0) {
    const body = `let lead = i / ${slots * width}u;
let last = ${at(3, `${places.line("lead")} * ${slots}u + (i / ${width}u) % ${slots}u`)};
if (last == 0u) { ${at(2, "i")} = ${at(0, "i")}; }
else { ${at(2, "i")} = ${at(1, `(lead * ${rows}u + last - 1u) * ${width}u + i % ${width}u`)}; }`;
    const bound: Bound[] = [[0, "u32"], [1, "u32"], [3, "u32"], [last, "u32"]];
    passes.push(...lastPasses(places, 2, last), each(bound, size, body));
  }
  const scratch = [4, 4 * Math.max(1, shared * slots)];
  return { passes, scratch, operations: size, flag };
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

/** Extremes of rows and of their updates: the largest key, whatever the order. */
function emitExtremes(
  [x, updates, indices]: readonly Operand[],
  params: GatherParams,
  [output]: readonly Operand[],
  order: "ascending" | "smallest",
): Kernel {
  const places = rowsOfOperand(x, indices, params);
  const { width, rows, slots } = places;
  const [size, count] = [output, updates].map(({ shape }) => sizeOf(shape));
  const flag = 4;
  const passes = checkPasses(places, 2, flag);
  const held = heldType(output.dtype);
  const keys = { shared: keyFunction(held, order, "ordered") };
  if (size > 0) {
    const body = `${at(1, "i")} = key_of(${at(0, "i")});`;
    passes.push(each([[0, "u32"], [3, "u32"]], size, body, keys));
  }
  if (size > 0 && count > 0) {
    const body = `let lead = i / ${rows * width}u;
let slot = ${at(1, `${places.line("lead")} * ${rows}u + (i / ${width}u) % ${rows}u`)};
if (slot < ${slots}u) {
atomicMax(&${at(2, `(lead * ${slots}u + slot) * ${width}u + i % ${width}u`)}, key_of(${
      at(0, "i")
    }));
}`;
    passes.push(each([[1, "u32"], [2, "u32"], [3, "atomic<u32>"]], count, body, keys));
  }
  if (size > 0) {
    const body = `${at(0, "i")} = word_of(${at(0, "i")});`;
    passes.push(each([[3, "u32"]], size, body, { shared: wordFunction(held, order) }));
  }
  return { passes, scratch: [4], operations: size + count, flag };
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
      ...lastPasses(places, 0, last),
      each([[0, "u32"], [1, "u32"], [last, "u32"]], size, body),
    );
  } else if (size > 0) passes.push(zeros([1, "u32"], size));
  const scratch = [4, 4 * Math.max(1, shared * slots)];
  return { passes, scratch, operations: size, flag };
}

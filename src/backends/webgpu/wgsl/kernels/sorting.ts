/**
 * Sorts lines of keys, together with the original position of each key, by a bitonic network: blocks in
 * workgroup memory, and steps between blocks in separate passes. Equal keys keep their order.
 *
 * Source: K. E. Batcher, "Sorting networks and their applications", 1968.
 *
 * @module
 */
import { sizeOf } from "../../../../base/shape.ts";
import type { ArgsortParams } from "../../../../primitives/ordering.ts";
import type { Kernel, Operand, Pass } from "../kernel.ts";
import { heldType } from "../module.ts";
import { keyFunction } from "./keys.ts";
import { at, type Bound, each, GROUP, pass, SIZE } from "./passes.ts";

/** The number of elements in workgroup memory at a time: two words each, in 16 KiB. */
const BLOCK = 2048;

/** Lines to sort. */
export interface Lines {
  readonly lines: number;
  readonly length: number;
  /** The operand from which the keys are read. */
  readonly source: Bound;
  /**
   * An expression for the key at position `position` of line `line`; the pass binds the source as operand 0.
   */
  readonly key: string;
  /** Declarations for it. */
  readonly shared?: string;
  /** The operands that the last pass writes. */
  readonly targets: readonly Bound[];
  /**
   * Statements that write the element sorted to position `position` of line `line`: `key` and `origin`, its
   * original position. The pass binds the first target as number `first`.
   */
  readonly store: (first: number) => string;
}

/** The least power of two not below `length`. */
function powerAbove(length: number): number {
  return 2 ** Math.ceil(Math.log2(length));
}

/** The passes, which use two scratch buffers numbered from `scratch`, and the sizes of these. */
export function sortLines(sorted: Lines, scratch: number): Pick<Kernel, "passes" | "scratch"> {
  const { lines, length } = sorted;
  const padded = powerAbove(length);
  const block = Math.min(BLOCK, Math.max(2, padded * powerAbove(lines)));
  const kept: readonly Bound[] = [[scratch, "u32"], [scratch + 1, "u32"]];
  const stage = { ...sorted, padded, block, kept };
  const first = { ...stage, reads: true, first: 2, last: Math.min(block, padded) };
  if (padded <= block) return { passes: [blockPass({ ...first, writes: true })], scratch: [] };
  const passes = [blockPass({ ...first, writes: false })];
  for (let size = 2 * block; size <= padded; size *= 2) {
    for (let step = size / 2; step >= block; step /= 2) passes.push(stepPass(stage, size, step));
    passes.push(
      blockPass({ ...stage, reads: false, first: size, last: size, writes: size === padded }),
    );
  }
  const bytes = 4 * lines * padded;
  return { passes, scratch: [bytes, bytes] };
}

interface Stage extends Lines {
  /** The length of lines in scratch buffers. */
  readonly padded: number;
  readonly block: number;
  readonly kept: readonly Bound[];
}

/** Whether one element comes after another. */
const BEHIND = `fn behind(a: u32, i: u32, b: u32, j: u32) -> bool {
  return a > b || (a == b && i > j);
}`;

/** Merges of sizes from `first` to `last` within blocks. */
function blockPass(
  { lines, length, source, key, shared, targets, store, padded, block, kept, ...stage }: Stage & {
    readonly reads: boolean;
    readonly writes: boolean;
    readonly first: number;
    readonly last: number;
  },
): Pass {
  const { reads, writes, first, last } = stage;
  const bound = [...(reads ? [source] : kept), ...(writes ? targets : reads ? kept : [])];
  const own = reads ? 1 : 0;
  const load = reads
    ? `let line = e / ${padded}u;
let position = e % ${padded}u;
// What fills up lines stays behind everything.
keys[q] = 0xffffffffu;
origins[q] = 0xffffffffu;
if (line < ${lines}u && position < ${length}u) {
keys[q] = ${key};
origins[q] = position;
}`
    : `keys[q] = ${at(0, "e")};
origins[q] = ${at(1, "e")};`;
  const save = writes
    ? `let line = e / ${padded}u;
let position = e % ${padded}u;
if (line < ${lines}u && position < ${length}u) {
let key = keys[q];
let origin = origins[q];
${store(reads ? 1 : 2)}
}`
    : `${at(own, "e")} = keys[q];
${at(own + 1, "e")} = origins[q];`;
  const total = lines * padded;
  const body = `let start = ${GROUP} * ${block}u;
if (start >= ${total}u) { return; }
for (var q = local; q < ${block}u; q += ${SIZE}u) {
let e = start + q;
${load}
}
workgroupBarrier();
for (var size = ${first}u; size <= ${last}u; size *= 2u) {
for (var step = min(size, ${block}u) / 2u; step > 0u; step /= 2u) {
for (var q = local; q < ${block / 2}u; q += ${SIZE}u) {
let i = 2u * step * (q / step) + q % step;
let j = i + step;
let isUp = (((start + i) % ${padded}u) & size) == 0u;
if (behind(keys[i], origins[i], keys[j], origins[j]) == isUp) {
let key = keys[i];
keys[i] = keys[j];
keys[j] = key;
let origin = origins[i];
origins[i] = origins[j];
origins[j] = origin;
}
}
workgroupBarrier();
}
}
for (var q = local; q < ${block}u; q += ${SIZE}u) {
let e = start + q;
${save}
}`;
  return pass(bound, Math.ceil(total / block), {
    body,
    shared: `var<workgroup> keys: array<u32, ${block}>;
var<workgroup> origins: array<u32, ${block}>;
${BEHIND}
${shared ?? ""}`,
  });
}

/** One step of a merge between blocks. */
function stepPass({ lines, padded, kept }: Stage, size: number, step: number): Pass {
  const body = `let a = ${2 * step}u * (i / ${step}u) + i % ${step}u;
let b = a + ${step}u;
let isUp = ((a % ${padded}u) & ${size}u) == 0u;
let keyA = ${at(0, "a")};
let keyB = ${at(0, "b")};
let originA = ${at(1, "a")};
let originB = ${at(1, "b")};
if (behind(keyA, originA, keyB, originB) == isUp) {
${at(0, "a")} = keyB;
${at(0, "b")} = keyA;
${at(1, "a")} = originB;
${at(1, "b")} = originA;
}`;
  return each(kept, lines * padded / 2, body, { shared: BEHIND });
}

/** The kernel of `argsort`. */
export function emitArgsort(
  [x]: readonly Operand[],
  { axis, descending }: ArgsortParams,
  [output]: readonly Operand[],
): Kernel {
  const length = x.shape[axis];
  const behind = sizeOf(x.shape.slice(axis + 1));
  const size = sizeOf(output.shape);
  const operations = Math.ceil(size * Math.log2(Math.max(length, 1)));
  if (size === 0) return { passes: [], scratch: [], operations };
  const element = `((line / ${behind}u) * ${length}u + position) * ${behind}u + line % ${behind}u`;
  const sorted = sortLines({
    lines: size / length,
    length,
    source: [0, "u32"],
    key: `key_of(${at(0, element)})`,
    shared: keyFunction(heldType(x.dtype), descending ? "descending" : "ascending"),
    targets: [[1, "i32"]],
    store: (first) => `${at(first, element)} = i32(origin);`,
  }, 2);
  return { ...sorted, operations };
}

/**
 * Reductions: each result is computed from the elements of a line. The line is cut into slices, one for each
 * of several invocations of a workgroup, whose states are combined as a tree in a fixed order.
 *
 * @module
 */
import type { Pass } from "../kernel.ts";
import type { ModuleParts } from "../module.ts";
import { type Bound, GROUP, pass, SIZE } from "./passes.ts";

/** The results of a reduction, and their computation. */
export interface Slices {
  /** The bound operands. */
  readonly bound: readonly Bound[];
  /** The number of results. */
  readonly outputs: number;
  /** The length of all lines, or the maximum if `bounds` is given. */
  readonly length: number;
  /** Whether elements adjacent in a line are adjacent in memory. */
  readonly along: boolean;
  /** The type of states, and the initial state. */
  readonly type: string;
  readonly empty: string;
  /**
   * Statements that declare `first` and `end`, the range of positions of the line of result `o`; if omitted,
   * 0 and the length.
   */
  readonly bounds?: string;
  /** Statements that add position `p` of the line of result `o` to `state`. */
  readonly step: string;
  /** The combination of two states, as an expression. */
  readonly combine: (a: string, b: string) => string;
  /** Statements that store `state` as result `o`. */
  readonly store: string;
  /** Declarations, and functions that are called. */
  readonly shared?: string;
  readonly functions?: ModuleParts["functions"];
}

/** The number of invocations that keep a device busy, and the maximum number of elements per invocation. */
const ENOUGH = 2 ** 16;
const LONG = 1024;

/** The number of slices of a line: a power of two. */
function slicesOf(outputs: number, length: number, along: boolean): number {
  let slices = 1;
  const isShort = () => slices === SIZE || slices * 8 > length;
  while (!isShort() && (outputs * slices < ENOUGH || length > slices * LONG)) slices *= 2;
  while (along && slices < 32 && slices * 2 <= length) slices *= 2;
  return slices;
}

/** The pass that computes all results. */
export function reduceSlices(
  { bound, outputs, length, along, type, empty, bounds, step, combine, store, shared, functions }:
    Slices,
): Pass {
  const slices = slicesOf(outputs, length, along);
  const lines = SIZE / slices;
  const [slice, line, distance] = along
    ? [`local % ${slices}u`, `local / ${slices}u`, 1]
    : [`local / ${lines}u`, `local % ${lines}u`, lines];
  const tree = slices === 1 ? "" : `
states[local] = state;
for (var d = ${slices / 2}u; d > 0u; d /= 2u) {
  workgroupBarrier();
  if (slice < d) {
    let other = states[local + d * ${distance}u];
    state = ${combine("state", "other")};
    states[local] = state;
  }
}`;
  const body = `let o = ${GROUP} * ${lines}u + ${line};
let slice = ${slice};
var state = ${empty};
if (o < ${outputs}u) {
${bounds ?? `let first = 0u;\nlet end = ${length}u;`}
for (var p = first + slice; p < end; p += ${slices}u) {
${step}
}
}${tree}
if (slice == 0u && o < ${outputs}u) {
${store}
}`;
  const states = slices === 1 ? "" : `var<workgroup> states: array<${type}, ${SIZE}>;`;
  return pass(bound, Math.ceil(outputs / lines), {
    body,
    shared: [shared ?? "", states].filter((text) => text !== "").join("\n"),
    ...(functions === undefined ? {} : { functions }),
  });
}

/**
 * Running sums, products and extremes. A workgroup processes a line, one chunk at a time: each invocation
 * processes adjacent elements, and the total of all elements before them is found by a tree. A few long
 * lines are cut into segments, whose totals are computed first.
 *
 * Source: W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986.
 *
 * @module
 */
import { sizeOf } from "../../../../base/shape.ts";
import type { AxisParams, CumsumParams } from "../../../../primitives/reduction.ts";
import type { RunningExtremeParams } from "../../../../primitives/searching.ts";
import type { Kernel, Operand, Pass } from "../kernel.ts";
import { type Held, heldType } from "../module.ts";
import { type Accumulation, lastExtremeOf, productsOf, sumsOf } from "./accumulation.ts";
import { at, type Bound, each, GROUP, pass, SIZE } from "./passes.ts";
import { reduceSlices } from "./slices.ts";

/** Lines up to this length are processed by one invocation. */
const SHORT = 32;

/** The number of adjacent elements per invocation. */
const OWN = 4;

/**
 * The minimum length of a segment of a line, the maximum number of segments, and the number of lines from
 * which they are not cut.
 */
const SEGMENT = 4096;
const MOST_SEGMENTS = 256;
const ENOUGH = 64;

/** The kernel of `cumsum`. */
export function emitCumsum(
  [x]: readonly Operand[],
  { axis, reverse }: CumsumParams,
  _outputs: readonly Operand[],
): Kernel {
  const held = heldType(x.dtype);
  return emitRunning(x, axis, reverse, sumsOf(held), [held, held]);
}

/** The kernel of `cumprod`. */
export function emitCumprod(
  [x]: readonly Operand[],
  { axis }: AxisParams,
  _outputs: readonly Operand[],
): Kernel {
  const held = heldType(x.dtype);
  return emitRunning(x, axis, false, productsOf(held), [held, held]);
}

/** The kernel of `runningExtreme`. */
export function emitRunningExtreme(
  [x]: readonly Operand[],
  { isMax }: RunningExtremeParams,
  _outputs: readonly Operand[],
): Kernel {
  const extreme = lastExtremeOf(heldType(x.dtype), isMax ? "ascending" : "smallest");
  return emitRunning(x, x.shape.length - 1, false, extreme, ["u32", "i32"]);
}

/** `words` are the types of the words of the argument and of the result. */
function emitRunning(
  x: Operand,
  axis: number,
  reverse: boolean,
  running: Accumulation,
  words: readonly [Held, Held],
): Kernel {
  const size = sizeOf(x.shape);
  if (size === 0) return { passes: [], scratch: [], operations: size };
  const length = x.shape[axis];
  const behind = sizeOf(x.shape.slice(axis + 1));
  const lines = size / length;
  /** The index of element `position` of line `line`. */
  const element = (line: string, position: string): string => {
    const own = reverse ? `(${length - 1}u - ${position})` : position;
    return `((${line} / ${behind}u) * ${length}u + ${own}) * ${behind}u + ${line} % ${behind}u`;
  };
  const { type, empty, parts, of, combine, value, functions, shared = "" } = running;
  const bound = [[0, words[0]], [1, words[1]]] as const;
  if (length <= SHORT || (behind > 1 && lines * SHORT >= size && lines >= SIZE * ENOUGH)) {
    const body = `var state = ${empty};
for (var p = 0u; p < ${length}u; p++) {
let e = ${element("i", "p")};
state = ${combine("state", of(at(0, "e"), "p"))};
${at(1, "e")} = ${value("state")};
}`;
    const passes = [each(bound, lines, body, { functions, shared })];
    return { passes, scratch: [], operations: size };
  }
  const isCut = lines < ENOUGH && length >= 2 * SEGMENT;
  const segment = isCut ? Math.max(SEGMENT, Math.ceil(length / MOST_SEGMENTS)) : length;
  const segments = Math.ceil(length / segment);
  const scan = scanPass(running, bound, { lines, length, segment, segments, element });
  if (!isCut) return { passes: [scan], scratch: [], operations: size };
  const totals: Pass = reduceSlices({
    bound: [bound[0], [2, "u32"]],
    outputs: lines * segments,
    length: segment,
    along: behind === 1,
    type,
    empty,
    bounds: `let first = (o % ${segments}u) * ${segment}u;
let end = min(first + ${segment}u, ${length}u);
let line = o / ${segments}u;`,
    step: `state = ${combine("state", of(at(0, element("line", "p")), "p"))};`,
    combine,
    store: storeState(running, 1, "o"),
    shared,
    functions,
  });
  return {
    passes: [totals, scan],
    scratch: [4 * parts.length * lines * segments],
    operations: 2 * size,
  };
}

/** Statements that store `state` as words, and an expression for a stored state. */
function storeState({ parts }: Accumulation, k: number, index: string): string {
  return parts.map(([name], i) =>
    `${at(k, `${parts.length}u * (${index}) + ${i}u`)} = bitcast<u32>(state${name});`
  ).join("\n");
}

function loadState({ type, parts }: Accumulation, k: number, index: string): string {
  const words = parts.map(([, held], i) =>
    `bitcast<${held}>(${at(k, `${parts.length}u * (${index}) + ${i}u`)})`
  );
  return `${type}(${words.join(", ")})`;
}

/** The division of lines into segments, and the positions of their elements. */
interface Cut {
  readonly lines: number;
  readonly length: number;
  readonly segment: number;
  readonly segments: number;
  readonly element: (line: string, position: string) => string;
}

/** One workgroup for each segment of each line. */
function scanPass(
  running: Accumulation,
  bound: readonly Bound[],
  { lines, length, segment, segments, element }: Cut,
): Pass {
  const { type, empty, of, combine, value, functions, shared = "" } = running;
  const before = segments === 1 ? "" : `for (var s = 0u; s < segment; s++) {
carry = ${combine("carry", loadState(running, 2, `line * ${segments}u + s`))};
}`;
  const body = `let number = ${GROUP};
if (number >= ${lines * segments}u) { return; }
let line = number / ${segments}u;
let segment = number % ${segments}u;
let end = min((segment + 1u) * ${segment}u, ${length}u);
var carry = ${empty};
${before}
for (var start = segment * ${segment}u; start < end; start += ${SIZE * OWN}u) {
let first = start + local * ${OWN}u;
let last = min(first + ${OWN}u, end);
var state = ${empty};
for (var p = first; p < last; p++) { state = ${
    combine("state", of(at(0, element("line", "p")), "p"))
  }; }
states[local] = state;
for (var d = 1u; d < ${SIZE}u; d *= 2u) {
workgroupBarrier();
let other = states[max(local, d) - d];
workgroupBarrier();
if (local >= d) { state = ${combine("other", "state")}; }
states[local] = state;
}
workgroupBarrier();
state = carry;
if (local > 0u) {
let other = states[local - 1u];
state = ${combine("carry", "other")};
}
let total = states[${SIZE - 1}u];
carry = ${combine("carry", "total")};
for (var p = first; p < last; p++) {
let e = ${element("line", "p")};
state = ${combine("state", of(at(0, "e"), "p"))};
${at(1, "e")} = ${value("state")};
}
workgroupBarrier();
}`;
  return pass(
    [...bound, ...(segments === 1 ? [] : [[2, "u32"] as const])],
    lines * segments,
    {
      body,
      shared: `${shared}\nvar<workgroup> states: array<${type}, ${SIZE}>;`,
      functions,
    },
  );
}

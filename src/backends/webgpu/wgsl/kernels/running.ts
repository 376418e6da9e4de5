/**
 * Running sums and products. A workgroup passes along a line, a chunk at a time: each invocation runs
 * through neighbours, and what comes before these is found in a tree. Few long lines are cut into segments,
 * whose totals come first. Sums have the digits of two float32, and products an exponent of their own, which
 * nothing overflows.
 *
 * Source: W. D. Hillis and G. L. Steele, "Data parallel algorithms", 1986.
 *
 * @module
 */
import { sizeOf } from "../../../../base/shape.ts";
import type { AxisParams, CumsumParams } from "../../../../primitives/reduction.ts";
import type { Kernel, Operand, Pass } from "../kernel.ts";
import { type Held, heldType } from "../module.ts";
import { sumsOf } from "./pair_sums.ts";
import { at, each, GROUP, pass, SIZE } from "./passes.ts";
import { reduceSlices } from "./slices.ts";

/** What is combined along lines. */
interface Running {
  readonly type: string;
  /** A state of nothing. */
  readonly empty: string;
  /** The state of one element, and two as one, in their order: expressions. */
  readonly of: (x: string) => string;
  readonly combine: (a: string, b: string) => string;
  /** The number that it is. */
  readonly value: (state: string) => string;
  readonly shared: string;
}

/** Lines up to this length are run through by one invocation. */
const SHORT = 32;

/** Neighbours that one invocation runs through. */
const OWN = 4;

/** The shortest segment of a line, the most of them, and lines that are enough without cutting them. */
const SEGMENT = 4096;
const MOST_SEGMENTS = 256;
const ENOUGH = 64;

/** The kernel of `cumsum`. */
export function emitCumsum(
  [x]: readonly Operand[],
  { axis, reverse }: CumsumParams,
  _outputs: readonly Operand[],
): Kernel {
  const { plus, ...sums } = sumsOf(heldType(x.dtype));
  return emitRunning(x, axis, reverse, { ...sums, of: (one) => plus(sums.empty, one) });
}

/** The kernel of `cumprod`. */
export function emitCumprod(
  [x]: readonly Operand[],
  { axis }: AxisParams,
  _outputs: readonly Operand[],
): Kernel {
  return emitRunning(x, axis, false, productsOf(heldType(x.dtype)));
}

/** Products: of floats a number around 1, and the exponent of a power of two. */
function productsOf(held: Held): Running {
  if (held !== "f32") {
    return {
      type: held,
      empty: `${held}(1)`,
      of: (x) => x,
      combine: (a, b) => `${a} * ${b}`,
      value: (state) => state,
      shared: "",
    };
  }
  return {
    type: "Scaled",
    empty: "Scaled(1.0, 0)",
    of: (x) => `scaled(${x}, 0)`,
    combine: (a, b) => `multiply(${a}, ${b})`,
    value: (state) => `number_of(${state})`,
    shared: SCALED,
  };
}

const SCALED = `struct Scaled { fraction: f32, exponent: i32 }
fn scaled(x: f32, exponent: i32) -> Scaled {
  let word = bitcast<u32>(x);
  let size = word & 0x7fffffffu;
  if (size == 0u || size >= 0x7f800000u) { return Scaled(x, 0); }
  if (size < 0x00800000u) {
    // A number below all normal ones: its fraction is an integer.
    let shift = countLeadingZeros(size) - 8u;
    let fraction = (word & 0x80000000u) | 0x3f800000u | ((size << shift) & 0x7fffffu);
    return Scaled(bitcast<f32>(fraction), exponent - 126 - i32(shift));
  }
  let fraction = (word & 0x807fffffu) | 0x3f800000u;
  return Scaled(bitcast<f32>(fraction), exponent + i32(size >> 23u) - 127);
}
fn multiply(a: Scaled, b: Scaled) -> Scaled {
  return scaled(a.fraction * b.fraction, a.exponent + b.exponent);
}
fn number_of(x: Scaled) -> f32 {
  let word = bitcast<u32>(x.fraction);
  let size = word & 0x7fffffffu;
  if (size == 0u || size >= 0x7f800000u) { return x.fraction; }
  let sign = word & 0x80000000u;
  if (x.exponent > 127) { return bitcast<f32>(sign | 0x7f800000u); }
  if (x.exponent >= -126) {
    return bitcast<f32>(sign | (u32(x.exponent + 127) << 23u) | (size & 0x7fffffu));
  }
  // Below all normal numbers: bits go, to the nearest, and of two to the even one.
  let gone = -126 - x.exponent;
  if (gone > 24) { return bitcast<f32>(sign); }
  let fraction = (size & 0x7fffffu) | 0x800000u;
  let kept = fraction >> u32(gone);
  let rest = fraction & ((1u << u32(gone)) - 1u);
  let half = 1u << u32(gone - 1);
  let up = select(0u, 1u, rest > half || (rest == half && (kept & 1u) == 1u));
  return bitcast<f32>(sign | (kept + up));
}`;

function emitRunning(x: Operand, axis: number, reverse: boolean, running: Running): Kernel {
  const size = sizeOf(x.shape);
  if (size === 0) return { passes: [], scratch: [], operations: size };
  const held = heldType(x.dtype);
  const length = x.shape[axis];
  const behind = sizeOf(x.shape.slice(axis + 1));
  const lines = size / length;
  /** Where place `position` of line `line` stands. */
  const element = (line: string, position: string): string => {
    const own = reverse ? `(${length - 1}u - ${position})` : position;
    return `((${line} / ${behind}u) * ${length}u + ${own}) * ${behind}u + ${line} % ${behind}u`;
  };
  const { type, empty, of, combine, value, shared } = running;
  if (length <= SHORT || (behind > 1 && lines * SHORT >= size && lines >= SIZE * ENOUGH)) {
    const body = `var state = ${empty};
for (var p = 0u; p < ${length}u; p++) {
let e = ${element("i", "p")};
state = ${combine("state", of(at(0, "e")))};
${at(1, "e")} = ${value("state")};
}`;
    const passes = [each([[0, held], [1, held]], lines, body, { shared })];
    return { passes, scratch: [], operations: size };
  }
  const isCut = lines < ENOUGH && length >= 2 * SEGMENT;
  const segment = isCut ? Math.max(SEGMENT, Math.ceil(length / MOST_SEGMENTS)) : length;
  const segments = Math.ceil(length / segment);
  const words = type === held ? 1 : 2;
  const scan = scanPass(running, held, { lines, length, segment, segments, element });
  if (!isCut) return { passes: [scan], scratch: [], operations: size };
  const totals: Pass = reduceSlices({
    bound: [[0, held], [2, "u32"]],
    outputs: lines * segments,
    length: segment,
    along: behind === 1,
    type,
    empty,
    bounds: `let first = (o % ${segments}u) * ${segment}u;
let end = min(first + ${segment}u, ${length}u);
let line = o / ${segments}u;`,
    step: `state = ${combine("state", of(at(0, element("line", "p"))))};`,
    combine,
    store: storeState(running, held, 1, "o"),
    shared,
  });
  return { passes: [totals, scan], scratch: [4 * words * lines * segments], operations: 2 * size };
}

/** Statements that store `state` as words, and an expression of a state that was stored. */
function storeState({ type }: Running, held: Held, k: number, index: string): string {
  if (type === held) return `${at(k, index)} = bitcast<u32>(state);`;
  const [first, second] = type === "Scaled" ? ["fraction", "exponent"] : ["x", "y"];
  return `${at(k, `2u * (${index})`)} = bitcast<u32>(state.${first});
${at(k, `2u * (${index}) + 1u`)} = bitcast<u32>(state.${second});`;
}

function loadState({ type }: Running, held: Held, k: number, index: string): string {
  if (type === held) return `bitcast<${held}>(${at(k, index)})`;
  const second = type === "Scaled" ? "i32" : "f32";
  const [a, b] = [`2u * (${index})`, `2u * (${index}) + 1u`];
  return `${type}(bitcast<f32>(${at(k, a)}), bitcast<${second}>(${at(k, b)}))`;
}

/** How lines are cut, and where their elements stand. */
interface Cut {
  readonly lines: number;
  readonly length: number;
  readonly segment: number;
  readonly segments: number;
  readonly element: (line: string, position: string) => string;
}

/** A workgroup for each segment of each line. */
function scanPass(
  running: Running,
  held: Held,
  { lines, length, segment, segments, element }: Cut,
): Pass {
  const { type, empty, of, combine, value, shared } = running;
  const before = segments === 1 ? "" : `for (var s = 0u; s < segment; s++) {
carry = ${combine("carry", loadState(running, held, 2, `line * ${segments}u + s`))};
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
for (var p = first; p < last; p++) { state = ${combine("state", of(at(0, element("line", "p"))))}; }
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
state = ${combine("state", of(at(0, "e")))};
${at(1, "e")} = ${value("state")};
}
workgroupBarrier();
}`;
  return pass(
    [[0, held], [1, held], ...(segments === 1 ? [] : [[2, "u32"] as const])],
    lines * segments,
    {
      body,
      shared: `${shared}
var<workgroup> states: array<${type}, ${SIZE}>;`,
    },
  );
}

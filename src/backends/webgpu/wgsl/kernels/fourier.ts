/**
 * Discrete Fourier transforms whose length is a power of two: all steps in workgroup memory, or, of long
 * ones, in two passes, over columns and rows of a matrix. Others are left to the evaluator.
 *
 * Sources: J. W. Cooley and J. W. Tukey, "An algorithm for the machine calculation of complex Fourier
 * series", 1965; D. H. Bailey, "FFTs in external or hierarchical memory", 1990.
 *
 * @module
 */
import { sizeOf } from "../../../../base/shape.ts";
import type { FourierParams, RealParams } from "../../../../primitives/fourier.ts";
import type { Kernel, Operand, Pass } from "../kernel.ts";
import { at, type Bound, GROUP, pass, SIZE } from "./passes.ts";

/** Complex numbers that fit into workgroup memory, and how many a workgroup has at least. */
const MOST = 2048;
const FEWEST = 512;

/** Rows to be transformed. */
interface Rows {
  readonly count: number;
  readonly length: number;
  readonly inverse: boolean;
  /** What the first pass binds, and an expression of number `index` of row `row`. */
  readonly sources: readonly Bound[];
  readonly read: (row: string, index: string) => string;
  /** What the last pass binds, and statements that store the numbers of the result. */
  readonly targets: readonly Bound[];
  readonly write: (first: number, row: string, index: string) => string;
}

/** `e^(2πi turns / 2^32)`: a quarter turn, and Taylor's series for what is left, an eighth at most. */
const ROOT = `fn root(turns: u32) -> vec2<f32> {
  let quarter = (turns + 0x20000000u) >> 30u;
  let angle = f32(bitcast<i32>(turns - (quarter << 30u))) * ${
  (2 * Math.PI / 2 ** 32).toExponential()
};
  let x = angle * angle;
  let s = angle + angle * x * (-1.0 / 6.0 + x * (1.0 / 120.0 + x * (-1.0 / 5040.0 + x / 362880.0)));
  let c = 1.0 + x * (-0.5 + x * (1.0 / 24.0 + x * (-1.0 / 720.0 + x / 40320.0)));
  let even = select(vec2<f32>(c, s), vec2<f32>(-s, c), (quarter & 1u) == 1u);
  return select(even, -even, (quarter & 2u) == 2u);
}
fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
  return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}`;

/** One pass over lines that fit into workgroup memory: `read` and `write` know `line`, `index` and `value`. */
function linesPass(
  bound: readonly Bound[],
  lines: number,
  length: number,
  inverse: boolean,
  read: string,
  write: string,
): Pass {
  const block = Math.max(length, Math.min(FEWEST, MOST));
  const bits = Math.log2(length);
  const reversed = bits === 0 ? "index" : `(reverseBits(index) >> ${32 - bits}u)`;
  const element = `let line = ${GROUP} * ${block / length}u + q / ${length}u;
let index = q % ${length}u;`;
  const groups = Math.ceil(lines * length / block);
  const body = `for (var q = local; q < ${block}u; q += ${SIZE}u) {
${element}
var value = vec2<f32>(0.0, 0.0);
if (line < ${lines}u) { value = ${read}; }
numbers[q - index + ${reversed}] = value;
}
workgroupBarrier();
for (var half = 1u; half < ${length}u; half *= 2u) {
for (var q = local; q < ${block / 2}u; q += ${SIZE}u) {
let k = q % half;
let a = 2u * half * (q / half) + k;
let b = a + half;
let turned = times(numbers[b], root(${inverse ? "" : "0u - "}k * (0x80000000u / half)));
let first = numbers[a];
numbers[a] = first + turned;
numbers[b] = first - turned;
}
workgroupBarrier();
}
for (var q = local; q < ${block}u; q += ${SIZE}u) {
${element}
let value = numbers[q];
if (line < ${lines}u) {
${write}
}
}`;
  const shared = `var<workgroup> numbers: array<vec2<f32>, ${block}>;\n${ROOT}`;
  return pass(bound, groups, { body, shared });
}

/** A kernel that has a scratch buffer with this number; `null` where the length is no power of two. */
function emitRows(
  { count, length, inverse, sources, read, targets, write }: Rows,
  scratch: number,
): Kernel | null {
  if (!Number.isInteger(Math.log2(length)) || length > MOST ** 2) return null;
  const operations = 5 * count * length * Math.log2(length);
  if (count === 0) return { passes: [], scratch: [], operations };
  if (length <= MOST) {
    const bound = [...sources, ...targets];
    const [from, to] = [read("line", "index"), write(sources.length, "line", "index")];
    return {
      passes: [linesPass(bound, count, length, inverse, from, to)],
      scratch: [],
      operations,
    };
  }
  const down = 2 ** Math.floor(Math.log2(length) / 2);
  const across = length / down;
  const kept: Bound = [scratch, "f32"];
  const [row, column] = [`line / ${across}u`, `line % ${across}u`];
  const place = `2u * ((${row} * ${down}u + index) * ${across}u + ${column})`;
  const turns = `index * (${column}) * ${2 ** 32 / length}u`;
  const keep = `let kept = times(value, root(${inverse ? "" : "0u - "}${turns}));
${at(sources.length, place)} = kept.x;
${at(sources.length, `${place} + 1u`)} = kept.y;`;
  const columns = linesPass(
    [...sources, kept],
    count * across,
    down,
    inverse,
    read(`(${row})`, `(index * ${across}u + ${column})`),
    keep,
  );
  const number = `2u * (line * ${across}u + index)`;
  const rows = linesPass(
    [kept, ...targets],
    count * down,
    across,
    inverse,
    `vec2<f32>(${at(0, number)}, ${at(0, `${number} + 1u`)})`,
    write(1, `(line / ${down}u)`, `(line % ${down}u + ${down}u * index)`),
  );
  return { passes: [columns, rows], scratch: [8 * count * length], operations };
}

/** Both parts of a number of `count` in a row, of two operands, the first of which is number `first`. */
function partsOf(first: number, count: number, row: string, index: string): [string, string] {
  const place = `${row} * ${count}u + ${index}`;
  return [at(first, place), at(first + 1, place)];
}

function lengthOf({ shape }: Operand): number {
  return shape[shape.length - 1];
}

/** The kernel of `fourier`. */
export function emitFourier(
  [re]: readonly Operand[],
  { inverse }: FourierParams,
  _outputs: readonly Operand[],
): Kernel | null {
  const length = lengthOf(re);
  return emitRows({
    count: sizeOf(re.shape.slice(0, -1)),
    length,
    inverse,
    sources: [[0, "f32"], [1, "f32"]],
    read: (row, index) => `vec2<f32>(${partsOf(0, length, row, index).join(", ")})`,
    targets: [[2, "f32"], [3, "f32"]],
    write: (first, row, index) => {
      const [x, y] = partsOf(first, length, row, index);
      return `${x} = value.x;\n${y} = value.y;`;
    },
  }, 4);
}

/** The kernel of `fourierOfReal`. */
export function emitFourierOfReal(
  [x]: readonly Operand[],
  _params: null,
  [output]: readonly Operand[],
): Kernel | null {
  const [length, half] = [x, output].map(lengthOf);
  return emitRows({
    count: sizeOf(x.shape.slice(0, -1)),
    length,
    inverse: false,
    sources: [[0, "f32"]],
    read: (row, index) => `vec2<f32>(${at(0, `${row} * ${length}u + ${index}`)}, 0.0)`,
    targets: [[1, "f32"], [2, "f32"]],
    write: (first, row, index) => {
      const [re, im] = partsOf(first, half, row, index);
      return `if (${index} < ${half}u) {\n${re} = value.x;\n${im} = value.y;\n}`;
    },
  }, 3);
}

/** The kernel of `realOfFourier`. */
export function emitRealOfFourier(
  [re]: readonly Operand[],
  { length }: RealParams,
  _outputs: readonly Operand[],
): Kernel | null {
  const half = lengthOf(re);
  return emitRows({
    count: sizeOf(re.shape.slice(0, -1)),
    length,
    inverse: true,
    sources: [[0, "f32"], [1, "f32"]],
    // What is read beyond the last number is not used.
    read: (row, index) => {
      const parts = partsOf(0, half, row, `min(${index}, ${half - 1}u)`);
      return `select(vec2<f32>(0.0, 0.0), vec2<f32>(${parts.join(", ")}), ${index} < ${half}u)`;
    },
    targets: [[2, "f32"]],
    write: (first, row, index) => `${at(first, `${row} * ${length}u + ${index}`)} = value.x;`,
  }, 3);
}

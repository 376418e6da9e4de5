/**
 * Discrete Fourier transforms. Transforms whose length is a power of two are computed in workgroup memory;
 * long ones need two passes, over the columns and rows of a matrix. Transforms of other lengths are
 * convolutions, which are computed by such transforms. Very long ones are left to the evaluator.
 *
 * Sources: J. W. Cooley and J. W. Tukey, "An algorithm for the machine calculation of complex Fourier
 * series", 1965; D. H. Bailey, "FFTs in external or hierarchical memory", 1990; L. I. Bluestein, "A linear
 * filtering approach to the computation of the discrete Fourier transform", 1970.
 *
 * @module
 */
import { sizeOf } from "../../../../base/shape.ts";
import type { FourierParams, RealParams } from "../../../../primitives/fourier.ts";
import type { Kernel, Operand, Pass } from "../kernel.ts";
import { at, type Bound, GROUP, pass, SIZE } from "./passes.ts";

/** The maximum number of complex numbers in workgroup memory, and the minimum number per workgroup. */
const MOST = 2048;
const FEWEST = 512;

/** The longest transform that is used for other lengths: squares of the indices have 32 bits. */
const LONGEST = 2 ** 17;

/** Rows to transform. */
interface Rows {
  readonly count: number;
  readonly length: number;
  readonly inverse: boolean;
  /** The operands of the first pass, and an expression for number `index` of row `row`. */
  readonly sources: readonly Bound[];
  readonly read: (row: string, index: string) => string;
  /**
   * The operands of the last pass, bound from `first` on, and statements that store a number of the result.
   */
  readonly targets: readonly Bound[];
  readonly write: (first: number, row: string, index: string, value: string) => string;
  /** Functions that these call. */
  readonly shared?: string;
}

/**
 * `e^(2πi turns / 2^32)`: by quarter turns, and a Taylor series for the rest, at most an eighth of a turn.
 */
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

/** Lines that fit into workgroup memory. */
interface Lines {
  readonly bound: readonly Bound[];
  readonly count: number;
  readonly length: number;
  readonly inverse: boolean;
  /** An expression and statements that can use `line` and `index`; the latter also `value`. */
  readonly read: string;
  readonly write: string;
  readonly shared: string;
}

/** One pass over lines. */
function linesPass({ bound, count, length, inverse, read, write, shared }: Lines): Pass {
  const block = Math.max(length, FEWEST);
  const bits = Math.log2(length);
  const reversed = bits === 0 ? "index" : `(reverseBits(index) >> ${32 - bits}u)`;
  const element = `let line = ${GROUP} * ${block / length}u + q / ${length}u;
let index = q % ${length}u;`;
  const body = `for (var q = local; q < ${block}u; q += ${SIZE}u) {
${element}
var value = vec2<f32>(0.0, 0.0);
if (line < ${count}u) { value = ${read}; }
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
if (line < ${count}u) {
${write}
}
}`;
  return pass(bound, Math.ceil(count * length / block), {
    body,
    shared: `var<workgroup> numbers: array<vec2<f32>, ${block}>;\n${ROOT}\n${shared}`,
  });
}

function isPower(length: number): boolean {
  return Number.isInteger(Math.log2(length));
}

/**
 * Passes over rows whose length is a power of two; long rows need room for the same number of elements in
 * `scratch`.
 */
function passesOf(
  { count, length, inverse, sources, read, targets, write, shared = "" }: Rows,
  scratch: number,
): Pass[] {
  const common = { inverse, shared };
  if (length <= MOST) {
    return [linesPass({
      ...common,
      bound: [...sources, ...targets],
      count,
      length,
      read: read("line", "index"),
      write: write(sources.length, "line", "index", "value"),
    })];
  }
  const down = 2 ** Math.floor(Math.log2(length) / 2);
  const across = length / down;
  const kept: Bound = [scratch, "f32"];
  const [row, column] = [`(line / ${across}u)`, `(line % ${across}u)`];
  const turns = `index * ${column} * ${2 ** 32 / length}u`;
  const columns = linesPass({
    ...common,
    bound: [...sources, kept],
    count: count * across,
    length: down,
    read: read(row, `(index * ${across}u + ${column})`),
    write: `let kept = times(value, root(${inverse ? "" : "0u - "}${turns}));
${store(sources.length, `(${row} * ${down}u + index) * ${across}u + ${column}`, "kept")}`,
  });
  const rows = linesPass({
    ...common,
    bound: [kept, ...targets],
    count: count * down,
    length: across,
    read: load(0, `line * ${across}u + index`),
    write: write(1, `(line / ${down}u)`, `(line % ${down}u + ${down}u * index)`, "value"),
  });
  return [columns, rows];
}

/** Numbers as pairs of words, the format of scratch buffers. */
function load(k: number, place: string): string {
  return `vec2<f32>(${at(k, `2u * (${place})`)}, ${at(k, `2u * (${place}) + 1u`)})`;
}

function store(k: number, place: string, value: string): string {
  return `${at(k, `2u * (${place})`)} = ${value}.x;
${at(k, `2u * (${place}) + 1u`)} = ${value}.y;`;
}

/** A kernel whose scratch buffers are numbered from `scratch`; `null` if the rows are too long. */
function emitRows(rows: Rows, scratch: number): Kernel | null {
  const { count, length } = rows;
  const isWhole = isPower(length);
  const padded = isWhole ? length : 2 ** Math.ceil(Math.log2(2 * length - 1));
  if (padded > (isWhole ? MOST ** 2 : LONGEST)) return null;
  const operations = (isWhole ? 5 : 10) * count * padded * Math.log2(padded);
  if (count === 0) return { passes: [], scratch: [], operations };
  const bytes = 8 * count * padded;
  if (!isWhole) {
    const passes = convolutionPasses(rows, padded, scratch);
    const kept = padded <= MOST ? [] : [bytes];
    return { passes, scratch: [8 * padded, bytes, ...kept], operations };
  }
  return { passes: passesOf(rows, scratch), scratch: padded <= MOST ? [] : [bytes], operations };
}

/**
 * Passes over rows of any length `n`: the convolution of `x[j] w(j)` with `1 / w(k - j)`, where `w(j)` is
 * `e^(∓πi j^2 / n)`. Scratch buffers hold the transform of the latter, its product with the transform of the
 * rows, and the intermediate values of long transforms.
 */
function convolutionPasses(rows: Rows, padded: number, scratch: number): Pass[] {
  const { count, length, inverse, sources, read, targets, write } = rows;
  const [filter, product, kept] = [scratch, scratch + 1, scratch + 2];
  const [own, opposite] = inverse ? ["", "0u - "] : ["0u - ", ""];
  // The square of j over 2n, as a fraction of a turn: its digits by three divisions.
  const shared = `fn turns_of(j: u32) -> u32 {
  let rest = (j * j) % ${2 * length}u;
  let high = (rest << 15u) / ${2 * length}u;
  let second = (rest << 15u) % ${2 * length}u;
  let middle = (second << 15u) / ${2 * length}u;
  let third = (second << 15u) % ${2 * length}u;
  return (high << 17u) | (middle << 2u) | ((third << 2u) / ${2 * length}u);
}
fn chirp(index: u32) -> vec2<f32> {
  let j = min(index, ${padded}u - index);
  return select(vec2<f32>(0.0, 0.0), root(${opposite}turns_of(j)), j < ${length}u);
}`;
  const none = "vec2<f32>(0.0, 0.0)";
  const turn = (index: string): string => `root(${own}turns_of(${index}))`;
  const common = { length: padded, shared };
  return [
    ...passesOf({
      ...common,
      count: 1,
      inverse: false,
      sources: [],
      read: (_, index) => `chirp(${index})`,
      targets: [[filter, "f32"]],
      write: (first, _, index, value) => store(first, index, value),
    }, kept),
    ...passesOf({
      ...common,
      count,
      inverse: false,
      sources,
      read: (row, index) => {
        const last = `min(${index}, ${length - 1}u)`;
        const own = `times(${read(row, last)}, ${turn(last)})`;
        return `select(${none}, ${own}, ${index} < ${length}u)`;
      },
      targets: [[filter, "f32"], [product, "f32"]],
      write: (first, row, index, value) =>
        `let factor = ${load(first, index)};
let filtered = times(${value}, factor);
${store(first + 1, `${row} * ${padded}u + ${index}`, "filtered")}`,
    }, kept),
    ...passesOf({
      ...common,
      count,
      inverse: true,
      sources: [[product, "f32"]],
      read: (row, index) => load(0, `${row} * ${padded}u + ${index}`),
      targets,
      write: (first, row, index, value) =>
        `if (${index} < ${length}u) {
let result = times(${value}, ${turn(index)}) * ${1 / padded};
${write(first, row, index, "result")}
}`,
    }, kept),
  ];
}

/**
 * Both parts of the complex number `index` in a row of `count`, read from two operands that begin with
 * number `first`.
 */
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
    write: (first, row, index, value) => {
      const [x, y] = partsOf(first, length, row, index);
      return `${x} = ${value}.x;\n${y} = ${value}.y;`;
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
    write: (first, row, index, value) => {
      const [re, im] = partsOf(first, half, row, index);
      return `if (${index} < ${half}u) {\n${re} = ${value}.x;\n${im} = ${value}.y;\n}`;
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
    // Reads after the last number are not used.
    read: (row, index) => {
      const parts = partsOf(0, half, row, `min(${index}, ${half - 1}u)`);
      return `select(vec2<f32>(0.0, 0.0), vec2<f32>(${parts.join(", ")}), ${index} < ${half}u)`;
    },
    targets: [[2, "f32"]],
    write: (first, row, index, value) =>
      `${at(first, `${row} * ${length}u + ${index}`)} = ${value}.x;`,
  }, 3);
}

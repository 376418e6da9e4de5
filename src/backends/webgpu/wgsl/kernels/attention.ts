/**
 * Attention without the matrix of scores. An invocation holds a row of queries and walks along the keys in
 * blocks, with the maximum and the sum of exponentials so far (Milakov and Gimelshein, "Online normalizer
 * calculation for softmax", 2018; Dao et al., "FlashAttention", 2022). Cotangents compute the scores again.
 *
 * Rows that are not finite are computed a second time from their final maximum and sum, by the formulas of
 * the composition, so that overflow, infinities and NaN give the same as there.
 *
 * @module
 */
import { range, sizeOf, stridesOf } from "../../../../base/shape.ts";
import type { Shape } from "../../../../base/shape.ts";
import type { AttentionParams, AttentionPart } from "../../../../passes/control.ts";
import type { Kernel, Limits, Operand, Pass } from "../kernel.ts";
import { baseOf, heldType } from "../module.ts";
import { float } from "../source.ts";
import { type Bound, GROUP, pass, place } from "./passes.ts";

/** Invocations of a workgroup. */
const SIZE = 64;

/** The maximum number of features, since rows are in variables of an invocation. */
const WIDEST = 256;

/** The maximum number of rows in workgroup memory. */
const MOST_TILE = 32;

/** The numbers about a row of queries: its maximum, the inverse of its sum, and the mean of its cotangents. */
const ROW = 3;

/** With fewer queries, scores need little memory, and there are too few rows for a device. */
const FEWEST = 8;

/** The maximum of a row is at least this, so that differences from it are numbers. */
const LOWEST = float(-3.4028234663852886e38);

/** The operands and sizes. */
interface Attention {
  readonly params: AttentionParams;
  readonly limits: Limits;
  /** The type and the number of each operand; of an argument and a result with one name, the argument's. */
  readonly operands: ReadonlyMap<AttentionPart, Operand>;
  readonly numbers: ReadonlyMap<AttentionPart, number>;
  /** The leading axes of the output. */
  readonly leading: Shape;
  readonly queries: number;
  readonly keys: number;
  /** Features of queries and keys, and of values and outputs. */
  readonly features: number;
  readonly width: number;
  /** Whether there are masks: what is not finite then counts only where it is attended to. */
  readonly isMasked: boolean;
}

/** The sizes of attention, or `null` if the kernels do not support them. */
function readAttention(
  args: readonly Operand[],
  params: AttentionParams,
  results: readonly Operand[],
  limits: Limits,
): Attention | null {
  const types = [...args, ...results];
  const operands = new Map<AttentionPart, Operand>();
  const numbers = new Map<AttentionPart, number>();
  [...params.args, ...params.results].forEach((part, i) => {
    if (operands.has(part)) return;
    operands.set(part, types[i]);
    numbers.set(part, i);
  });
  const [query, key, output] = (["query", "key", "output"] as const).map((part) =>
    operands.get(part)
  );
  if (query === undefined || key === undefined || output === undefined) return null;
  const [queries, width] = output.shape.slice(-2);
  const [keys, features] = key.shape.slice(-2);
  const isEmpty = keys === 0 || features === 0 || sizeOf(output.shape) === 0;
  if (isEmpty || queries < FEWEST || Math.max(features, width) > WIDEST) return null;
  return {
    params,
    limits,
    operands,
    numbers,
    leading: output.shape.slice(0, -2),
    queries,
    keys,
    features,
    width,
    isMasked: params.isCausal || operands.has("allowed") || operands.has("bias"),
  };
}

/** The strides of an operand's axes along the output's leading axes; 0 where it has one element. */
function leadingStrides({ leading }: Attention, { shape }: Operand): Shape {
  const strides = stridesOf(shape);
  const missing = leading.length + 2 - shape.length;
  return leading.map((_, axis) =>
    axis < missing || shape[axis - missing] === 1 ? 0 : strides[axis - missing]
  );
}

/** Rows of an operand. */
interface Rows {
  readonly part: AttentionPart;
  readonly width: number;
}

/** Reads an element of the other rows: of operand `k`, for position `c` of a block. */
type Read = (k: number, c: number, e: string) => string;

/**
 * A pass in which each invocation has a few rows of one side and walks along the rows of the other side, by
 * which it adds up products. Statements are for row `row`, with number `r` in the invocation.
 */
interface RowPass {
  /** Whether invocations have rows of queries and cotangents of outputs, rather than of keys and values. */
  readonly isByQuery: boolean;
  /** The number of products of rows for each position: scores, and cotangents of weights. */
  readonly products: 1 | 2;
  /** Which of the other rows are added up, times factors; `null` if none are. */
  readonly summed: 0 | 1 | null;
  /** The operand whose leading axes the result has; sums are over all other ones. */
  readonly like: AttentionPart;
  /** Statements between the scores of a block and its factors; `top` is the largest score that counts. */
  readonly raise?: string;
  /** Statements that declare the factor `f` of score `x`, for cotangent `d`, if the position counts. */
  readonly factor: string;
  /** Statements after the first walk. */
  readonly leave?: string;
  /** When to walk again, and the factors then. */
  readonly isAgain?: string;
  readonly factorAgain?: string;
  /** The operand to store to, and statements for matrix `u`. */
  readonly output: number;
  readonly store: (at: (index: string) => string) => string;
  /** The operand with numbers about rows of queries, if it is read. */
  readonly statistics?: number;
}

/** Writes a pass. */
function writePass(attention: Attention, spec: RowPass): Pass {
  const { params, operands, numbers, leading, queries, keys, isMasked, limits } = attention;
  const { isByQuery, products, summed } = spec;
  const { isCausal } = params;
  const bound: Bound[] = [];
  const bind = (operand: number, word: Bound[1] = "f32"): number => {
    const known = bound.findIndex(([number]) => number === operand);
    return known >= 0 ? known : bound.push([operand, word]) - 1;
  };
  const typeOf = (part: AttentionPart): Operand => operands.get(part)!;
  const bindPart = (part: AttentionPart): number =>
    bind(numbers.get(part)!, heldType(typeOf(part).dtype));
  const { features, width } = attention;
  const sides: readonly (readonly Rows[])[] = [
    [{ part: "query", width: features }, { part: "output", width }],
    [{ part: "key", width: features }, { part: "value", width }],
  ];
  const own = sides[isByQuery ? 0 : 1].slice(0, products);
  const others = sides[isByQuery ? 1 : 0].slice(0, Math.max(products, (summed ?? 0) + 1));
  const [length, along] = isByQuery ? [queries, keys] : [keys, queries];
  const masks = (["allowed", "bias"] as const).filter((part) => operands.has(part));
  const element = ({ part, width }: Rows, index: string, e: string): string =>
    `b${bindPart(part)}[o_${part} + ${index} * ${width}u + ${e}]`;
  const finite = (x: string): string => `select(0.0f, ${x}, is_finite(${x}))`;
  // Drivers on the CPU need blocks of rows, since they read each operand from memory.
  const [height, block, size] = limits.isProcessor ? [4, 8, 8] : [1, 4, SIZE];
  const rows = range(height);

  // On GPUs, an invocation keeps its row in variables.
  const ownElement = (k: number, r: number): string => {
    const x = element(own[k], `min(base + ${r}u, ${length - 1}u)`, "e");
    if (k === 0) return `${x} * ${float(params.scale)}`;
    return isByQuery || !isMasked ? x : finite(x);
  };
  const load = limits.isProcessor
    ? []
    : own.map(({ width }, k) =>
      `for (var e = 0u; e < ${width}u; e++) { own${k}[e] = ${ownElement(k, 0)}; }`
    );

  /** Statements that add a bias to score `x`, and the test whether the position counts. */
  const judge = (): readonly [lines: string, test: string] => {
    const [i, j] = isByQuery ? ["row", "at"] : ["at", "row"];
    const tests = ["(n + c < end)", ...(isCausal ? [`(${j} <= ${i})`] : [])];
    let lines = "";
    for (const part of masks) {
      const { shape } = typeOf(part);
      const [down, across] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
      const terms = [
        `o_${part}`,
        ...(down === 1 ? [] : [`${i} * ${across}u`]),
        ...(across === 1 ? [] : [j]),
      ];
      const mask = `b${bindPart(part)}[${terms.join(" + ")}]`;
      if (part === "allowed") tests.push(`(${mask} != 0u)`);
      else {
        lines = `let g = ${mask};\nx += g;`;
        tests.push("(bitcast<u32>(g) != 0xff800000u)");
      }
    }
    return [lines, tests.join(" & ")];
  };

  /** Statements that declare the numbers about a row of queries. */
  const given = (): string => {
    if (spec.statistics === undefined) return "";
    const k = bind(spec.statistics);
    const names = ["peak", "inverse", "average"];
    const row = `o_rows + ${isByQuery ? "row" : "at"} * ${ROW}u`;
    return names.map((name, i) => `let ${name} = b${k}[${row} + ${i}u];`).join("\n");
  };

  const blockOf = (count: number, read: Read, isAgain: boolean): string => {
    const all = range(count);
    const pairs = (of: (r: number, c: number) => string): readonly string[] =>
      rows.flatMap((r) => all.map((c) => of(r, c)));
    const mends = isAgain && isMasked;
    const dots = own.map(({ width }, k) => {
      const name = ["s", "ds"][k];
      return [
        "{",
        ...pairs((r, c) => `var z${r}_${c} = 0.0f;`),
        `for (var e = 0u; e < ${width}u; e++) {`,
        ...all.map((c) => {
          const x = read(k, c, "e");
          return `let y${c} = ${mends && k === 1 && isByQuery ? finite(x) : x};`;
        }),
        ...rows.flatMap((r) => [
          `let x${r} = ${limits.isProcessor ? ownElement(k, r) : `own${k}[e]`};`,
          ...all.map((c) => `z${r}_${c} += x${r} * y${c};`),
        ]),
        "}",
        ...pairs((r, c) => `${name}[${r * block + c}] = z${r}_${c};`),
        "}",
      ].join("\n");
    });
    const [biased, test] = judge();
    const factors = `for (var r = 0u; r < ${height}u; r++) {
let row = min(base + r, ${length - 1}u);
var counts = 0u;
${spec.raise === undefined || isAgain ? "" : "var top = m[r];"}
for (var c = 0u; c < ${count}u; c++) {
let at = min(n + c, ${along - 1}u);
var x = s[r * ${block}u + c];
${biased}
if (${test}) {
counts |= 1u << c;
${spec.raise === undefined || isAgain ? "" : "top = max(top, x);"}
}
s[r * ${block}u + c] = x;
}
${isAgain ? "" : spec.raise ?? ""}
for (var c = 0u; c < ${count}u; c++) {
let at = min(n + c, ${along - 1}u);
let x = s[r * ${block}u + c];
${products === 2 ? `let d = ds[r * ${block}u + c];` : ""}
${given()}
var f = 0.0f;
if ((counts & (1u << c)) != 0u) {
${isAgain ? spec.factorAgain! : spec.factor}
}
s[r * ${block}u + c] = f;
}
${mends ? "counted[r] = counts;" : ""}
}`;
    // In outputs, what is not finite counts where it is attended to; cotangents are those of finite parts.
    const term = (r: number): string => {
      if (!mends) return all.map((c) => `f${r}_${c} * y${c}`).join(" + ");
      const value = spec.statistics === undefined ? "y0" : "0.0f";
      return `select(0.0f, select(${value}, f${r}_0 * y0, is_finite(y0)), counted[${r}] != 0u)`;
    };
    const sums = summed === null ? [] : [
      ...pairs((r, c) => `let f${r}_${c} = s[${r * block + c}];`),
      `for (var e = 0u; e < ${others[summed].width}u; e++) {`,
      ...all.map((c) => `let y${c} = ${read(summed, c, "e")};`),
      ...rows.map((r) => `sum[${r * others[summed].width}u + e] += ${term(r)};`),
      "}",
    ];
    return [
      ...all.map((c) => `let at${c} = min(n + ${c}u, ${along - 1}u);`),
      ...dots,
      factors,
      ...sums,
    ].join("\n");
  };
  const direct = (count: number, isAgain: boolean): string =>
    `for (var n = first; n < end; n += ${count}u) {
${blockOf(count, (k, c, e) => element(others[k], `at${c}`, e), isAgain)}
}`;
  // Tiles of the other rows pass through workgroup memory.
  const words = others.reduce((sum, { width }) => sum + width, 0);
  const most = Math.floor(limits.workgroupBytes / 4 / words / block) * block;
  const tile = limits.isProcessor ? 0 : Math.min(MOST_TILE, most);
  const tiled = (): string =>
    `for (var tile = groupFirst; tile < groupEnd; tile += ${tile}u) {
workgroupBarrier();
${
      others.map((rows, k) =>
        `for (var q = local; q < ${tile * rows.width}u; q += ${size}u) {
let at = min(tile + q / ${rows.width}u, ${along - 1}u);
tile${k}[q] = ${element(rows, "at", `q % ${rows.width}u`)};
}`
      ).join("\n")
    }
workgroupBarrier();
for (var n = max(tile, first); n < min(tile + ${tile}u, end); n += ${block}u) {
${blockOf(block, (k, c, e) => `tile${k}[(at${c} - tile) * ${others[k].width}u + ${e}]`, false)}
}
}`;

  // The result has matrices `u`; each is the sum over copies, which together are the matrices `t`.
  const ownStrides = leadingStrides(attention, typeOf(spec.like));
  const isKept = (axis: number): boolean => ownStrides[axis] !== 0 || leading[axis] === 1;
  const matricesAlong = (name: string, axes: readonly number[]): readonly [number, string] => {
    const lengths = axes.map((axis) => leading[axis]);
    const strides = axes.map((axis) => stridesOf(leading)[axis]);
    return [sizeOf(lengths), place(name, lengths, strides)];
  };
  const axes = range(leading.length);
  const [matrices, fromMatrix] = matricesAlong("u", axes.filter(isKept));
  const [copies, fromCopy] = matricesAlong("copy", axes.filter((axis) => !isKept(axis)));
  const parts = [...[...own, ...others].map(({ part }) => part), ...masks];
  const offsets = [...new Set(parts)].map((part) => {
    const start = place("t", leading, leadingStrides(attention, typeOf(part)));
    return `let o_${part} = ${baseOf(bindPart(part))} + ${start};`;
  });
  const statistics = spec.statistics === undefined ? [] : [
    `let o_rows = ${baseOf(bind(spec.statistics))} + t * ${ROW * queries}u;`,
  ];
  const walk = (isAgain: boolean): string =>
    `for (var copy = 0u; copy < ${copies}u; copy++) {
let t = ${fromMatrix} + ${fromCopy};
${[...offsets, ...statistics, ...load].join("\n")}
${isAgain ? direct(1, true) : tile === 0 ? direct(block, false) : tiled()}
}`;
  const tall = size * height;
  const groups = Math.ceil(length / tall);
  const k = bind(spec.output);
  const at = (index: string): string => `b${k}[${baseOf(k)} + ${index}]`;
  const eachRow = (body: string): string =>
    `for (var r = 0u; r < ${height}u; r++) {\nlet row = base + r;\nif (row < ${length}u) {\n${body}\n}\n}`;
  const room = summed === null ? 0 : height * others[summed].width;
  const lines = [
    `let number = ${GROUP};`,
    `if (number >= ${matrices * groups}u) { return; }`,
    `let u = number / ${groups}u;`,
    `let start = (number % ${groups}u) * ${tall}u;`,
    `let base = start + local * ${height}u;`,
    ...(tile === 0 ? [`if (base >= ${length}u) { return; }`] : []),
    ...(isByQuery
      ? [
        "let first = 0u;",
        `let end = ${isCausal ? `min(base + ${height}u, ${along}u)` : `${along}u`};`,
      ]
      : [
        `let first = ${isCausal ? `base / ${block}u * ${block}u` : "0u"};`,
        `let end = ${along}u;`,
      ]),
    ...(tile === 0 ? [] : [
      `let groupFirst = ${isCausal && !isByQuery ? "start" : "0u"};`,
      `let groupEnd = ${isCausal && isByQuery ? `min(start + ${tall}u, ${along}u)` : `${along}u`};`,
      ...own.map(({ width }, k) => `var own${k}: array<f32, ${width}>;`),
    ]),
    ...own.map((_, k) => `var ${["s", "ds"][k]}: array<f32, ${height * block}>;`),
    ...(summed === null ? [] : [`var sum: array<f32, ${room}>;`]),
    ...(spec.statistics !== undefined ? [] : [
      `var m: array<f32, ${height}>;`,
      `var l: array<f32, ${height}>;`,
      `var mean: array<f32, ${height}>;`,
      `for (var r = 0u; r < ${height}u; r++) { m[r] = ${LOWEST}; }`,
    ]),
    walk(false),
    ...(spec.leave === undefined ? [] : [eachRow(spec.leave)]),
  ];
  // Without masks, cotangents from given statistics would be the same again.
  if (spec.isAgain !== undefined && (isMasked || spec.statistics === undefined)) {
    lines.push(
      "var again = false;",
      eachRow(spec.isAgain),
      "if (again) {",
      ...(isMasked ? [`var counted: array<u32, ${height}>;`] : []),
      summed === null
        ? `for (var r = 0u; r < ${height}u; r++) { mean[r] = 0.0f; }`
        : `for (var e = 0u; e < ${room}u; e++) { sum[e] = 0.0f; }`,
      walk(true),
      "}",
    );
  }
  lines.push(eachRow(spec.store(at)));
  const shared = tile === 0 ? {} : {
    shared: others.map(({ width }, k) => `var<workgroup> tile${k}: array<f32, ${tile * width}>;`)
      .join("\n"),
  };
  return pass(bound, matrices * groups, {
    body: lines.join("\n").replaceAll(/\n+/g, "\n"),
    functions: ["exp_of", "is_finite", "nan"],
    ...shared,
  }, size);
}

/** A loop over the elements `sum[i]` of row `r`. */
function eachSum(width: number, body: string): string {
  return `for (var e = 0u; e < ${width}u; e++) {\nlet i = r * ${width}u + e;\n${body}\n}`;
}

/** Scales what has been added up to a larger maximum; `scale` are the statements for other sums. */
function raise(scale: string): string {
  return `if (top > m[r]) {
let f = exp_of(m[r] - top);
l[r] *= f;
${scale}
m[r] = top;
}`;
}

/** A sum of exponentials is at least 1, or 0 without any position. */
const DIVISOR = "max(l[r], 0.5f)";

/** Whether no score of a row was NaN or infinity. */
const IS_SOUND = "(is_finite(l[r]) & is_finite(m[r]))";

/** The kernel of `attention`. */
export function emitAttention(
  args: readonly Operand[],
  params: AttentionParams,
  results: readonly Operand[],
  limits: Limits,
): Kernel | null {
  const attention = readAttention(args, params, results, limits);
  if (attention === null) return null;
  const { queries, keys, features, width, leading } = attention;
  const own = writePass(attention, {
    isByQuery: true,
    products: 1,
    summed: 1,
    like: "output",
    raise: raise(eachSum(width, "sum[i] *= f;")),
    factor: "f = exp_of(x - m[r]);\nl[r] += f;",
    leave: eachSum(width, `sum[i] /= ${DIVISOR};`),
    isAgain: eachSum(width, `again = again | (${IS_SOUND} & !is_finite(sum[i]));`),
    factorAgain: `f = exp_of(x - m[r]) / ${DIVISOR};`,
    output: args.length,
    store: (at) =>
      eachSum(
        width,
        `${at(`(u * ${queries}u + row) * ${width}u + e`)} = select(nan(), sum[i], ${IS_SOUND});`,
      ),
  });
  const operations = 2 * sizeOf(leading) * queries * keys * (features + width);
  return { passes: [own], scratch: [], operations };
}

/** The kernel of `attentionPull`; the cotangent of a bias is left to the composition. */
export function emitAttentionPull(
  args: readonly Operand[],
  params: AttentionParams,
  results: readonly Operand[],
  limits: Limits,
): Kernel | null {
  const attention = readAttention(args, params, results, limits);
  if (attention === null || params.results.includes("bias")) return null;
  const { queries, keys, features, width, leading, isMasked } = attention;
  const statistics = args.length + results.length;
  // Weights alone decide about the cotangent of the values.
  const hasMean = params.results.some((part) => part !== "value");
  const about = writePass(attention, {
    isByQuery: true,
    products: hasMean ? 2 : 1,
    summed: null,
    like: "output",
    raise: raise(hasMean ? "mean[r] *= f;" : ""),
    factor: `f = exp_of(x - m[r]);\nl[r] += f;${hasMean ? "\nmean[r] += f * d;" : ""}`,
    leave: `mean[r] /= ${DIVISOR};`,
    ...(hasMean
      ? {
        isAgain: `again = again | (${IS_SOUND} & !is_finite(mean[r]));`,
        factorAgain: `f = exp_of(x - m[r]) / ${DIVISOR};\nmean[r] += f * d;`,
      }
      : {}),
    output: statistics,
    // With masks, a row with NaN or an infinite score has no derivative.
    store: (at) => {
      const place = `(u * ${queries}u + row) * ${ROW}u`;
      return `${at(place)} = m[r];
${at(`${place} + 1u`)} = select(${isMasked ? "0.0f" : "nan()"}, 1.0f / ${DIVISOR}, ${IS_SOUND});
${at(`${place} + 2u`)} = mean[r];`;
    },
  });
  const weight = "exp_of(x - peak) * inverse";
  const whereSound = (factor: string): string =>
    `if (bitcast<u32>(inverse) != 0u) { f = ${factor}; }`;
  const pulled = params.results.map((part, i) => {
    const isValue = part === "value";
    const factor = whereSound(isValue ? weight : `${weight} * (d - average)`);
    const [length, own] = [part === "query" ? queries : keys, isValue ? width : features];
    const scaled = isValue ? "sum[i]" : `sum[i] * ${float(params.scale)}`;
    return writePass(attention, {
      isByQuery: part === "query",
      products: isValue ? 1 : 2,
      summed: isValue ? 1 : 0,
      like: part,
      factor,
      ...(isValue ? {} : {
        isAgain: eachSum(own, "again = again | !is_finite(sum[i]);"),
        factorAgain: factor,
      }),
      output: args.length + i,
      store: (at) => eachSum(own, `${at(`(u * ${length}u + row) * ${own}u + e`)} = ${scaled};`),
      statistics,
    });
  });
  const scores = sizeOf(leading) * queries * keys;
  const operations = 2 * scores * params.results.reduce(
    (sum, part) => sum + features + width + (part === "value" ? 0 : features),
    features + (hasMean ? width : 0),
  );
  const words = ROW * sizeOf(leading) * queries;
  return { passes: [about, ...pulled], scratch: [4 * words], operations };
}

import { InternalError } from "../../../../src/base/errors.ts";
import type { Expression, ValueType } from "../../../../src/backends/wasm/assembler/expression.ts";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import {
  f32,
  f32x4,
  f64,
  f64x2,
  i16x8,
  i32,
  i32x4,
  i64,
  i64x2,
  i8x16,
  v128,
} from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals, assertThrows } from "../../../support/std.ts";
import { instantiate, type Scalar } from "./instantiate.ts";

// Every instruction on vectors against JavaScript's typed arrays, which wrap integers and round
// floats as the lanes do. The tables are typed by the names in `operations.ts`.

/** The readings of 16 bytes. */
const views = {
  s8: Int8Array,
  u8: Uint8Array,
  s16: Int16Array,
  u16: Uint16Array,
  s32: Int32Array,
  u32: Uint32Array,
  s64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
};

type View = keyof typeof views;

/** The lanes of a vector: numbers, or bigints of 64 bits. */
// deno-lint-ignore no-explicit-any -- as the view says
type Lanes = any[];

interface Row {
  readonly operands: readonly ValueType[];
  /** How the operands are read and the result is; `i32` for a number instead of a vector. */
  readonly reads: View;
  readonly writes: View | "i32";
  /** Small whole numbers instead of any bits: where rounding is left open, it does not matter. */
  readonly tame?: boolean;
  readonly meaning: (...operands: Lanes[]) => Lanes | number;
}

const vectors = (count: number): "v128"[] => Array<"v128">(count).fill("v128");

/** Lane by lane. */
// deno-lint-ignore no-explicit-any -- as the view says
function map(reads: View, meaning: (...lanes: any[]) => Scalar | boolean, writes = reads): Row {
  return {
    operands: vectors(meaning.length),
    reads,
    writes,
    meaning: (...xs) => xs[0].map((_, i) => meaning(...xs.map((x) => x[i]))),
  };
}

/** Lane by lane on small whole numbers. */
// deno-lint-ignore no-explicit-any -- as the view says
function tame(reads: View, meaning: (...lanes: any[]) => Scalar, writes = reads): Row {
  return { ...map(reads, meaning, writes), tame: true };
}

/** A mask of lanes: all ones where the comparison holds. */
// deno-lint-ignore no-explicit-any -- as the view says
function compare(reads: View, meaning: (x: any, y: any) => boolean): Row {
  const bits = reads.slice(1);
  const writes = `s${bits}` as View;
  const [yes, no] = bits === "64" ? [-1n, 0n] : [-1, 0];
  return map(reads, (x, y) => meaning(x, y) ? yes : no, writes);
}

/** Whole vectors, read as lanes. */
function whole(
  reads: View,
  writes: View | "i32",
  meaning: (...operands: Lanes[]) => Lanes | number,
): Row {
  return { operands: vectors(meaning.length), reads, writes, meaning };
}

/** A shift of all lanes by one number, given as the third vector's first lane of 32 bits. */
// deno-lint-ignore no-explicit-any -- as the view says
function shift(reads: View, meaning: (x: any, by: any) => Scalar): Row {
  const width = Number(reads.slice(1));
  return {
    operands: ["v128", "i32"],
    reads,
    writes: reads,
    meaning: (x, [by]) => {
      const amount = by & (width - 1);
      return x.map((lane) => meaning(lane, width === 64 ? BigInt(amount) : amount));
    },
  };
}

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const allTrue = (reads: View): Row => whole(reads, "i32", (x) => Number(x.every(Boolean)));

function bitmask(reads: View): Row {
  return whole(reads, "i32", (x) => x.reduce((sum, lane, i) => sum | (Number(lane < 0) << i), 0));
}

/** The low or the high half of the lanes. */
function half<T>(lanes: T[], which: "low" | "high"): T[] {
  return which === "low" ? lanes.slice(0, lanes.length / 2) : lanes.slice(lanes.length / 2);
}

const wide = { s8: "s16", u8: "u16", s16: "s32", u16: "u32", s32: "s64", u32: "u64" } as const;
type Narrow = keyof typeof wide;

/** A number as a lane of a view. */
const lane = (view: View, x: Scalar): Scalar => /[su]64/.test(view) ? BigInt(x) : x;

function extend(reads: Narrow, which: "low" | "high"): Row {
  return whole(reads, wide[reads], (x) => half(x, which).map((value) => lane(wide[reads], value)));
}

function extmul(reads: Narrow, which: "low" | "high"): Row {
  return whole(
    reads,
    wide[reads],
    (x, y) =>
      half(x, which).map((value, i) => {
        const product = BigInt(value) * BigInt(half(y, which)[i]);
        return wide[reads].endsWith("64") ? product : Number(product);
      }),
  );
}

function extadd(reads: Narrow): Row {
  return whole(
    reads,
    wide[reads],
    (x) => half(x, "low").map((_, i) => x[2 * i] + x[2 * i + 1]),
  );
}

function narrow(reads: View, writes: View, low: number, high: number): Row {
  return whole(reads, writes, (x, y) => [...x, ...y].map((value) => clamp(value, low, high)));
}

function nearest(x: number): number {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const low = Math.floor(x);
  const whole = x - low === 0.5 ? low + Math.abs(low % 2) : Math.round(x);
  return whole === 0 && (x < 0 || Object.is(x, -0)) ? -0 : whole;
}

function saturate(low: number, high: number): (x: number) => number {
  return (x) => Number.isNaN(x) ? 0 : clamp(Math.trunc(x), low, high);
}

const saturateSigned = saturate(-(2 ** 31), 2 ** 31 - 1);
const saturateUnsigned = saturate(0, 2 ** 32 - 1);
const ones = (x: number): number => x.toString(2).replaceAll("0", "").length;
// deno-lint-ignore no-explicit-any -- numbers or bigints
type Any = any;

function comparisons(signed: View, unsigned: View): Record<
  "eq" | "ne" | "ltS" | "ltU" | "gtS" | "gtU" | "leS" | "leU" | "geS" | "geU",
  Row
> {
  return {
    eq: compare(signed, (x, y) => x === y),
    ne: compare(signed, (x, y) => x !== y),
    ltS: compare(signed, (x, y) => x < y),
    ltU: compare(unsigned, (x, y) => x < y),
    gtS: compare(signed, (x, y) => x > y),
    gtU: compare(unsigned, (x, y) => x > y),
    leS: compare(signed, (x, y) => x <= y),
    leU: compare(unsigned, (x, y) => x <= y),
    geS: compare(signed, (x, y) => x >= y),
    geU: compare(unsigned, (x, y) => x >= y),
  };
}

function integers(signed: View, unsigned: View): Record<
  "abs" | "neg" | "allTrue" | "bitmask" | "shl" | "shrS" | "shrU" | "add" | "sub",
  Row
> {
  return {
    abs: map(signed, (x) => x < 0 ? -x : x),
    neg: map(signed, (x) => -x),
    allTrue: allTrue(signed),
    bitmask: bitmask(signed),
    shl: shift(signed, (x, by) => x << by),
    shrS: shift(signed, (x, by) => x >> by),
    shrU: shift(unsigned, (x, by) => typeof x === "bigint" ? x >> by : x >>> by),
    add: map(signed, (x, y) => x + y),
    sub: map(signed, (x, y) => x - y),
  };
}

function extremes(signed: View, unsigned: View): Record<"minS" | "minU" | "maxS" | "maxU", Row> {
  return {
    minS: map(signed, (x, y) => Math.min(x, y)),
    minU: map(unsigned, (x, y) => Math.min(x, y)),
    maxS: map(signed, (x, y) => Math.max(x, y)),
    maxU: map(unsigned, (x, y) => Math.max(x, y)),
  };
}

function saturating(
  signed: View,
  unsigned: View,
): Record<"addSatS" | "addSatU" | "subSatS" | "subSatU" | "avgrU", Row> {
  const top = 2 ** Number(signed.slice(1));
  return {
    addSatS: map(signed, (x, y) => clamp(x + y, -top / 2, top / 2 - 1)),
    addSatU: map(unsigned, (x, y) => clamp(x + y, 0, top - 1)),
    subSatS: map(signed, (x, y) => clamp(x - y, -top / 2, top / 2 - 1)),
    subSatU: map(unsigned, (x, y) => clamp(x - y, 0, top - 1)),
    avgrU: map(unsigned, (x, y) => (x + y + 1) >> 1),
  };
}

/** Lanes of the first where the mask's bits are one: masks of whole lanes only. */
function laneselect(view: View): Row {
  return {
    ...whole(view, view, (x, y, mask) => x.map((value, i) => isOdd(mask[i]) ? value : y[i])),
    reads: view,
  };
}

const isOdd = (x: Scalar): boolean => BigInt(x) % 2n !== 0n;

type FloatNames = keyof typeof f32x4 & keyof typeof f64x2;

function floats(view: "f32" | "f64"): Record<Exclude<FloatNames, Elsewhere>, Row> {
  return {
    eq: compare(view, (x, y) => x === y),
    ne: compare(view, (x, y) => x !== y),
    lt: compare(view, (x, y) => x < y),
    gt: compare(view, (x, y) => x > y),
    le: compare(view, (x, y) => x <= y),
    ge: compare(view, (x, y) => x >= y),
    abs: map(view, (x) => Math.abs(x)),
    neg: map(view, (x) => -x),
    sqrt: map(view, (x) => Math.sqrt(x)),
    ceil: map(view, (x) => Math.ceil(x)),
    floor: map(view, (x) => Math.floor(x)),
    trunc: map(view, (x) => Math.trunc(x)),
    nearest: map(view, (x) => nearest(x)),
    add: map(view, (x, y) => x + y),
    sub: map(view, (x, y) => x - y),
    mul: map(view, (x, y) => x * y),
    div: map(view, (x, y) => x / y),
    min: map(view, (x, y) => Math.min(x, y)),
    max: map(view, (x, y) => Math.max(x, y)),
    pmin: map(view, (x, y) => y < x ? y : x),
    pmax: map(view, (x, y) => x < y ? y : x),
    relaxedMin: tame(view, (x, y) => Math.min(x, y)),
    relaxedMax: tame(view, (x, y) => Math.max(x, y)),
    relaxedMadd: tame(view, (x, y, z) => x * y + z),
    relaxedNmadd: tame(view, (x, y, z) => -(x * y) + z),
  };
}

type Elsewhere =
  | "const"
  | "splat"
  | "shuffle"
  | `extractLane${string}`
  | "replaceLane"
  | `load${string}`
  | `store${string}`;

type Rows<N> = Readonly<Record<Exclude<keyof N, Elsewhere>, Row>>;

const v128Rows: Rows<typeof v128> = {
  not: map("s32", (x) => ~x),
  and: map("s32", (x, y) => x & y),
  andnot: map("s32", (x, y) => x & ~y),
  or: map("s32", (x, y) => x | y),
  xor: map("s32", (x, y) => x ^ y),
  bitselect: map("s32", (x, y, mask) => (x & mask) | (y & ~mask)),
  anyTrue: whole("s32", "i32", (x) => Number(x.some(Boolean))),
};

const i8x16Rows: Rows<typeof i8x16> = {
  ...comparisons("s8", "u8"),
  ...integers("s8", "u8"),
  ...extremes("s8", "u8"),
  ...saturating("s8", "u8"),
  popcnt: map("u8", (x) => ones(x)),
  swizzle: whole("u8", "u8", (x, at) => at.map((i) => x[i] ?? 0)),
  relaxedSwizzle: { ...whole("u8", "u8", (x, at) => at.map((i) => x[i])), tame: true },
  relaxedLaneselect: { ...laneselect("s8"), tame: true },
  narrowI16x8S: narrow("s16", "s8", -128, 127),
  narrowI16x8U: narrow("s16", "u8", 0, 255),
};

const i16x8Rows: Rows<typeof i16x8> = {
  ...comparisons("s16", "u16"),
  ...integers("s16", "u16"),
  ...extremes("s16", "u16"),
  ...saturating("s16", "u16"),
  mul: map("s16", (x, y) => Math.imul(x, y)),
  q15mulrSatS: map("s16", (x, y) => clamp((x * y + 0x4000) >> 15, -0x8000, 0x7fff)),
  extaddPairwiseI8x16S: extadd("s8"),
  extaddPairwiseI8x16U: extadd("u8"),
  extendLowI8x16S: extend("s8", "low"),
  extendHighI8x16S: extend("s8", "high"),
  extendLowI8x16U: extend("u8", "low"),
  extendHighI8x16U: extend("u8", "high"),
  extmulLowI8x16S: extmul("s8", "low"),
  extmulHighI8x16S: extmul("s8", "high"),
  extmulLowI8x16U: extmul("u8", "low"),
  extmulHighI8x16U: extmul("u8", "high"),
  narrowI32x4S: narrow("s32", "s16", -0x8000, 0x7fff),
  narrowI32x4U: narrow("s32", "u16", 0, 0xffff),
  relaxedLaneselect: { ...laneselect("s16"), tame: true },
};

const i32x4Rows: Rows<typeof i32x4> = {
  ...comparisons("s32", "u32"),
  ...integers("s32", "u32"),
  ...extremes("s32", "u32"),
  mul: map("s32", (x, y) => Math.imul(x, y)),
  dotI16x8S: whole(
    "s16",
    "s32",
    (x, y) => half(x, "low").map((_, i) => x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1]),
  ),
  extaddPairwiseI16x8S: extadd("s16"),
  extaddPairwiseI16x8U: extadd("u16"),
  extendLowI16x8S: extend("s16", "low"),
  extendHighI16x8S: extend("s16", "high"),
  extendLowI16x8U: extend("u16", "low"),
  extendHighI16x8U: extend("u16", "high"),
  extmulLowI16x8S: extmul("s16", "low"),
  extmulHighI16x8S: extmul("s16", "high"),
  extmulLowI16x8U: extmul("u16", "low"),
  extmulHighI16x8U: extmul("u16", "high"),
  truncSatF32x4S: map("f32", (x) => saturateSigned(x), "s32"),
  truncSatF32x4U: map("f32", (x) => saturateUnsigned(x), "u32"),
  truncSatF64x2SZero: whole("f64", "s32", (x) => [...x.map(saturateSigned), 0, 0]),
  truncSatF64x2UZero: whole("f64", "u32", (x) => [...x.map(saturateUnsigned), 0, 0]),
  relaxedTruncF32x4S: tame("f32", (x) => Math.trunc(x), "s32"),
  relaxedTruncF32x4U: tame("f32", (x) => Math.trunc(x), "u32"),
  relaxedTruncF64x2SZero: { ...whole("f64", "s32", (x) => [...x, 0, 0]), tame: true },
  relaxedTruncF64x2UZero: { ...whole("f64", "u32", (x) => [...x, 0, 0]), tame: true },
  relaxedLaneselect: { ...laneselect("s32"), tame: true },
};

const { ltU: _ltU, gtU: _gtU, leU: _leU, geU: _geU, ...signed64 } = comparisons("s64", "u64");

const i64x2Rows: Rows<typeof i64x2> = {
  ...signed64,
  ...integers("s64", "u64"),
  mul: map("s64", (x, y) => x * y),
  extendLowI32x4S: extend("s32", "low"),
  extendHighI32x4S: extend("s32", "high"),
  extendLowI32x4U: extend("u32", "low"),
  extendHighI32x4U: extend("u32", "high"),
  extmulLowI32x4S: extmul("s32", "low"),
  extmulHighI32x4S: extmul("s32", "high"),
  extmulLowI32x4U: extmul("u32", "low"),
  extmulHighI32x4U: extmul("u32", "high"),
  relaxedLaneselect: { ...laneselect("s64"), tame: true },
};

const f32x4Rows: Rows<typeof f32x4> = {
  ...floats("f32"),
  demoteF64x2Zero: whole("f64", "f32", (x) => [...x, 0, 0]),
  convertI32x4S: map("s32", (x) => x, "f32"),
  convertI32x4U: map("u32", (x) => x, "f32"),
};

const f64x2Rows: Rows<typeof f64x2> = {
  ...floats("f64"),
  promoteLowF32x4: whole("f32", "f64", (x) => half(x, "low")),
  convertLowI32x4S: whole("s32", "f64", (x) => half(x, "low")),
  convertLowI32x4U: whole("u32", "f64", (x) => half(x, "low")),
};

let seed = 7;

/** A number of 32 random bits; the same ones in every run. */
function random32(): number {
  seed = (seed + 0x9e3779b9) | 0;
  let x = seed;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

const special = [
  0,
  -0,
  0.5,
  -0.5,
  1.5,
  2.5,
  -3.5,
  1,
  -1,
  3e9,
  -3e9,
  1e30,
  NaN,
  Infinity,
  -Infinity,
];

/** Fills lanes with what is worth trying. */
function fill(lanes: Lanes, view: View, tame: boolean, mask: boolean): void {
  for (let i = 0; i < lanes.length; i++) {
    if (mask) lanes[i] = lane(view, random32() % 2 === 0 ? 0 : -1);
    else if (tame) lanes[i] = lane(view, 1 + random32() % 15);
    else if (view.startsWith("f")) {
      lanes[i] = random32() % 3 === 0
        ? special[random32() % special.length]
        : (random32() - 2 ** 31) / 2 ** 24;
    } else {
      const bits = (BigInt(random32()) << 32n) | BigInt(random32());
      const value = [0n, -1n, 1n << 63n, bits, bits, bits, bits, bits][random32() % 8];
      const width = Number(view.slice(1));
      const top = value >> BigInt(64 - width);
      lanes[i] = width === 64 ? top : Number(top);
    }
  }
}

/** The lanes at an address, to be read and written. */
function lanesOf(memory: WebAssembly.Memory, view: View, at: number): Lanes {
  const buffer = memory.buffer as ArrayBuffer;
  return new views[view](buffer, at, 128 / Number(view.slice(1))) as unknown as Lanes;
}

function checkRows(
  namespace: Readonly<Record<string, unknown>>,
  rows: Readonly<Record<string, Row>>,
): void {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1 });
  const at = (i: number): Expression<"i32"> => i32.const(16 * i);
  for (const [name, { operands, writes }] of Object.entries(rows)) {
    const build = namespace[name] as (...operands: Expression[]) => Expression<ValueType>;
    const load = (type: ValueType, i: number): Expression =>
      type === "v128" ? v128.load(at(i)) : i32.load(at(i));
    const added = module.function(name, [], "none", (code) => {
      const value = build(...operands.map(load)) as Expression<"i32"> & Expression<"v128">;
      code.do(writes === "i32" ? i32.store(at(3), value) : v128.store(at(3), value));
    });
    module.export(name, added);
  }
  const memory = new WebAssembly.Memory({ initial: 1 });
  const find = instantiate(module, { host: { memory } });
  for (const [name, { operands, reads, writes, tame = false, meaning }] of Object.entries(rows)) {
    const call = find(name);
    for (let round = 0; round < 100; round++) {
      const inputs = operands.map((type, i): Lanes => {
        const view: View = type === "i32" ? "s32" : reads;
        const lanes = lanesOf(memory, view, 16 * i);
        fill(lanes, view, tame, name === "relaxedLaneselect" && i === 2);
        return [...lanes];
      });
      call();
      const result = meaning(...inputs);
      const View = writes === "i32" ? Int32Array : views[writes];
      const expected = Array.isArray(result)
        ? [...new View(result as number[] & bigint[])]
        : [result];
      const actual = [...lanesOf(memory, writes === "i32" ? "s32" : writes, 48)]
        .slice(0, expected.length);
      if (!expected.every((value, i) => Object.is(value, actual[i]))) {
        assertEquals(actual, expected, `${name} of ${inputs.map((x) => `[${x}]`).join(" and ")}`);
      }
    }
  }
}

Deno.test("every instruction on v128 equals JavaScript", () => checkRows(v128, v128Rows));
Deno.test("every instruction on i8x16 equals JavaScript", () => checkRows(i8x16, i8x16Rows));
Deno.test("every instruction on i16x8 equals JavaScript", () => checkRows(i16x8, i16x8Rows));
Deno.test("every instruction on i32x4 equals JavaScript", () => checkRows(i32x4, i32x4Rows));
Deno.test("every instruction on i64x2 equals JavaScript", () => checkRows(i64x2, i64x2Rows));
Deno.test("every instruction on f32x4 equals JavaScript", () => checkRows(f32x4, f32x4Rows));
Deno.test("every instruction on f64x2 equals JavaScript", () => checkRows(f64x2, f64x2Rows));

/** Runs code that leaves a vector, and gives its lanes. */
function evaluate(view: View, vector: Expression<"v128">): Lanes {
  const module = new Module();
  module.importMemory("host", "memory", { minimum: 1 });
  const run = module.function("run", [], "none", (code) => {
    code.do(v128.store(i32.const(0), vector));
  });
  module.export("run", run);
  const memory = new WebAssembly.Memory({ initial: 1 });
  instantiate(module, { host: { memory } })("run")();
  return [...lanesOf(memory, view, 0)];
}

Deno.test("constants fill the lanes, one value fills them all", () => {
  const bytes = Array.from({ length: 16 }, (_, i) => i * 16);
  assertEquals(evaluate("u8", v128.const(bytes)), bytes);
  assertEquals(
    evaluate("s8", i8x16.const(...bytes.map((x) => x - 128))),
    bytes.map((x) => x - 128),
  );
  assertEquals(evaluate("s16", i16x8.const(-2, 1, 2, 3, 4, 5, 6, 700)), [
    -2,
    1,
    2,
    3,
    4,
    5,
    6,
    700,
  ]);
  assertEquals(evaluate("u32", i32x4.const(-1)), Array(4).fill(2 ** 32 - 1));
  assertEquals(evaluate("s64", i64x2.const(-1, 1n << 62n)), [-1n, 1n << 62n]);
  assertEquals(evaluate("f32", f32x4.const(0.5, -0, Infinity, 1e-45)), [
    0.5,
    -0,
    Infinity,
    Math.fround(1e-45),
  ]);
  assertEquals(evaluate("f64", f64x2.const(0.1)), [0.1, 0.1]);
});

Deno.test("splats, and lanes put in and taken out", () => {
  assertEquals(evaluate("s8", i8x16.splat(i32.const(-3))), Array(16).fill(-3));
  assertEquals(evaluate("s16", i16x8.splat(i32.const(300))), Array(8).fill(300));
  assertEquals(evaluate("s32", i32x4.splat(i32.const(-3))), Array(4).fill(-3));
  assertEquals(evaluate("s64", i64x2.splat(i64.const(1n << 40n))), [1n << 40n, 1n << 40n]);
  assertEquals(evaluate("f32", f32x4.splat(f32.const(0.25))), Array(4).fill(0.25));
  assertEquals(evaluate("f64", f64x2.splat(f64.const(0.1))), [0.1, 0.1]);

  const bytes = i8x16.const(...Array.from({ length: 16 }, (_, i) => i - 8));
  assertEquals(evaluate("s8", i8x16.replaceLane(bytes, 15, i32.const(-100)))[15], -100);
  assertEquals(evaluate("s16", i16x8.replaceLane(bytes, 7, i32.const(-100)))[7], -100);
  assertEquals(evaluate("s32", i32x4.replaceLane(bytes, 3, i32.const(-100)))[3], -100);
  assertEquals(evaluate("s64", i64x2.replaceLane(bytes, 1, i64.const(-100)))[1], -100n);
  assertEquals(evaluate("f32", f32x4.replaceLane(bytes, 3, f32.const(-0.5)))[3], -0.5);
  assertEquals(evaluate("f64", f64x2.replaceLane(bytes, 1, f64.const(-0.5)))[1], -0.5);

  const doubles = f64x2.const(1.5, -2.5);
  const halves = i16x8.const(1, -2, 3, 4, 5, 6, 7, 8);
  assertEquals(evaluate("s32", i32x4.splat(i8x16.extractLaneS(bytes, 0)))[0], -8);
  assertEquals(evaluate("s32", i32x4.splat(i8x16.extractLaneU(bytes, 0)))[0], 248);
  assertEquals(evaluate("s32", i32x4.splat(i16x8.extractLaneS(halves, 1)))[0], -2);
  assertEquals(evaluate("s32", i32x4.splat(i16x8.extractLaneU(halves, 1)))[0], 65534);
  assertEquals(evaluate("s32", i32x4.splat(i32x4.extractLane(i32x4.const(1, 2, 3, 4), 2)))[0], 3);
  assertEquals(evaluate("s64", i64x2.splat(i64x2.extractLane(i64x2.const(1, 2), 1)))[0], 2n);
  assertEquals(evaluate("f32", f32x4.splat(f32x4.extractLane(f32x4.const(1, 2, 3, 4), 3)))[0], 4);
  assertEquals(evaluate("f64", f64x2.splat(f64x2.extractLane(doubles, 1)))[0], -2.5);
});

Deno.test("a shuffle picks lanes of two vectors", () => {
  const x = i8x16.const(...Array.from({ length: 16 }, (_, i) => i));
  const y = i8x16.const(...Array.from({ length: 16 }, (_, i) => 100 + i));
  const lanes = [31, 0, 16, 15, 1, 1, 2, 30, 4, 5, 6, 7, 20, 21, 22, 23];
  assertEquals(
    evaluate("u8", i8x16.shuffle(x, y, lanes)),
    lanes.map((i) => i < 16 ? i : 84 + i),
  );
});

Deno.test("lanes that do not exist are faults", () => {
  const suffix = " (this is a fault in Jacobi; please report it)";
  const x = f32x4.const(0);
  assertThrows(
    () => f32x4.extractLane(x, 4),
    InternalError,
    `Cannot use lane 4: lanes are 0 to 3${suffix}`,
  );
  assertThrows(
    () => f32x4.const(1, 2),
    InternalError,
    `Cannot fill a vector from 2 lanes: 1 or 4 are needed${suffix}`,
  );
  assertThrows(
    () => i8x16.shuffle(x, x, [0]),
    InternalError,
    `Cannot shuffle into 1 lanes: 16 are needed${suffix}`,
  );
});

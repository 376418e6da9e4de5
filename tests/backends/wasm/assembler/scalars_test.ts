import type { Expression, ValueType } from "../../../../src/backends/wasm/assembler/expression.ts";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import { f32, f64, i32, i64, select } from "../../../../src/backends/wasm/assembler/operations.ts";
import { assertEquals } from "../../../support/std.ts";
import { instantiate, type Scalar } from "./instantiate.ts";

// Every instruction on scalars that has neither immediates nor a memory, against JavaScript. The
// tables are typed by the names in `operations.ts`: an instruction without a row does not compile.

/** Operand types, result type, and the meaning; `undefined` for a trap. */
type Row = readonly [
  parameters: readonly ValueType[],
  result: ValueType,
  // deno-lint-ignore no-explicit-any -- numbers or bigints, as the parameters say
  meaning: (...args: any[]) => Scalar | boolean | undefined,
];

type Elsewhere = "const" | `${string}oad${string}` | `store${string}` | `atomic${string}`;

type Rows<N> = Readonly<Record<Exclude<keyof N, Elsewhere>, Row>>;

const signed = (x: bigint): bigint => BigInt.asIntN(64, x);
const natural = (x: bigint): bigint => BigInt.asUintN(64, x);

/** The bits of a float as an integer, and back. */
function bits<T extends Scalar>(
  value: Scalar,
  from: "Float32" | "Float64" | "Int32" | "BigInt64",
  to: "Float32" | "Float64" | "Int32" | "BigInt64",
): T {
  const view = new DataView(new ArrayBuffer(8));
  const [write, read] = [`set${from}`, `get${to}`] as const;
  (view[write] as (at: number, value: Scalar) => void).call(view, 0, value);
  return (view[read] as (at: number) => Scalar).call(view, 0) as T;
}

/** Toward zero, or `undefined` outside the range. */
function truncate(x: number, low: number, high: number): number | undefined {
  const whole = Math.trunc(x);
  return whole >= low && whole < high ? whole : undefined;
}

function saturate(x: number, low: bigint, high: bigint): bigint {
  if (Number.isNaN(x)) return 0n;
  if (x <= Number(low)) return low;
  return x >= Number(high) ? high : BigInt(Math.trunc(x));
}

function truncate64(x: number, low: number, high: number): bigint | undefined {
  const whole = truncate(x, low, high);
  return whole === undefined ? undefined : BigInt(whole);
}

/** Rounds half to even. */
function nearest(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const low = Math.floor(x);
  const rest = x - low;
  const even = low % 2 === 0 ? low : low + 1;
  const whole = rest === 0.5 ? even : Math.round(x);
  return whole === 0 && (x < 0 || Object.is(x, -0)) ? -0 : whole;
}

function copysign(x: number, y: number): number {
  return Math.abs(x) * (y < 0 || Object.is(y, -0) ? -1 : 1);
}

function trailingZeros(x: bigint, width: number): number {
  let count = 0;
  while (count < width && ((x >> BigInt(count)) & 1n) === 0n) count++;
  return count;
}

const ones = (x: bigint): number => x.toString(2).replaceAll("0", "").length;
const rotate = (x: number, n: number): number => (x << (n & 31)) | (x >>> (-n & 31));

function rotate64(x: bigint, n: bigint): bigint {
  const by = n & 63n;
  return (natural(x) << by) | (natural(x) >> (64n - by));
}

const ii: readonly ValueType[] = ["i32", "i32"];
const ll: readonly ValueType[] = ["i64", "i64"];

const i32Rows: Rows<typeof i32> = {
  eqz: [["i32"], "i32", (x) => x === 0],
  clz: [["i32"], "i32", (x) => Math.clz32(x)],
  ctz: [["i32"], "i32", (x) => trailingZeros(BigInt(x), 32)],
  popcnt: [["i32"], "i32", (x) => ones(BigInt(x >>> 0))],
  extend8S: [["i32"], "i32", (x) => (x << 24) >> 24],
  extend16S: [["i32"], "i32", (x) => (x << 16) >> 16],
  eq: [ii, "i32", (x, y) => x === y],
  ne: [ii, "i32", (x, y) => x !== y],
  ltS: [ii, "i32", (x, y) => x < y],
  ltU: [ii, "i32", (x, y) => x >>> 0 < y >>> 0],
  gtS: [ii, "i32", (x, y) => x > y],
  gtU: [ii, "i32", (x, y) => x >>> 0 > y >>> 0],
  leS: [ii, "i32", (x, y) => x <= y],
  leU: [ii, "i32", (x, y) => x >>> 0 <= y >>> 0],
  geS: [ii, "i32", (x, y) => x >= y],
  geU: [ii, "i32", (x, y) => x >>> 0 >= y >>> 0],
  add: [ii, "i32", (x, y) => x + y],
  sub: [ii, "i32", (x, y) => x - y],
  mul: [ii, "i32", (x, y) => Math.imul(x, y)],
  divS: [ii, "i32", (x, y) => y === 0 || x / y === 2 ** 31 ? undefined : x / y],
  divU: [ii, "i32", (x, y) => y === 0 ? undefined : (x >>> 0) / (y >>> 0)],
  remS: [ii, "i32", (x, y) => y === 0 ? undefined : x % y],
  remU: [ii, "i32", (x, y) => y === 0 ? undefined : (x >>> 0) % (y >>> 0)],
  and: [ii, "i32", (x, y) => x & y],
  or: [ii, "i32", (x, y) => x | y],
  xor: [ii, "i32", (x, y) => x ^ y],
  shl: [ii, "i32", (x, y) => x << y],
  shrS: [ii, "i32", (x, y) => x >> y],
  shrU: [ii, "i32", (x, y) => x >>> y],
  rotl: [ii, "i32", rotate],
  rotr: [ii, "i32", (x, y) => rotate(x, -y)],
  wrapI64: [["i64"], "i32", (x) => Number(BigInt.asIntN(32, x))],
  truncF32S: [["f32"], "i32", (x) => truncate(x, -(2 ** 31), 2 ** 31)],
  truncF32U: [["f32"], "i32", (x) => truncate(x, 0, 2 ** 32)],
  truncF64S: [["f64"], "i32", (x) => truncate(x, -(2 ** 31), 2 ** 31)],
  truncF64U: [["f64"], "i32", (x) => truncate(x, 0, 2 ** 32)],
  truncSatF32S: [["f32"], "i32", (x) => Number(saturate(x, -(1n << 31n), (1n << 31n) - 1n))],
  truncSatF32U: [["f32"], "i32", (x) => Number(saturate(x, 0n, (1n << 32n) - 1n))],
  truncSatF64S: [["f64"], "i32", (x) => Number(saturate(x, -(1n << 31n), (1n << 31n) - 1n))],
  truncSatF64U: [["f64"], "i32", (x) => Number(saturate(x, 0n, (1n << 32n) - 1n))],
  reinterpretF32: [["f32"], "i32", (x) => bits(x, "Float32", "Int32")],
};

const i64Rows: Rows<typeof i64> = {
  eqz: [["i64"], "i32", (x) => x === 0n],
  eq: [ll, "i32", (x, y) => x === y],
  ne: [ll, "i32", (x, y) => x !== y],
  ltS: [ll, "i32", (x, y) => x < y],
  ltU: [ll, "i32", (x, y) => natural(x) < natural(y)],
  gtS: [ll, "i32", (x, y) => x > y],
  gtU: [ll, "i32", (x, y) => natural(x) > natural(y)],
  leS: [ll, "i32", (x, y) => x <= y],
  leU: [ll, "i32", (x, y) => natural(x) <= natural(y)],
  geS: [ll, "i32", (x, y) => x >= y],
  geU: [ll, "i32", (x, y) => natural(x) >= natural(y)],
  clz: [["i64"], "i64", (x) => BigInt(64 - (x === 0n ? 0 : natural(x).toString(2).length))],
  ctz: [["i64"], "i64", (x) => BigInt(trailingZeros(x, 64))],
  popcnt: [["i64"], "i64", (x) => BigInt(ones(natural(x)))],
  extend8S: [["i64"], "i64", (x) => BigInt.asIntN(8, x)],
  extend16S: [["i64"], "i64", (x) => BigInt.asIntN(16, x)],
  extend32S: [["i64"], "i64", (x) => BigInt.asIntN(32, x)],
  add: [ll, "i64", (x, y) => x + y],
  sub: [ll, "i64", (x, y) => x - y],
  mul: [ll, "i64", (x, y) => x * y],
  divS: [ll, "i64", (x: bigint, y: bigint) => y === 0n || x / y === 1n << 63n ? undefined : x / y],
  divU: [ll, "i64", (x, y) => y === 0n ? undefined : natural(x) / natural(y)],
  remS: [ll, "i64", (x, y) => y === 0n ? undefined : x % y],
  remU: [ll, "i64", (x, y) => y === 0n ? undefined : natural(x) % natural(y)],
  and: [ll, "i64", (x, y) => x & y],
  or: [ll, "i64", (x, y) => x | y],
  xor: [ll, "i64", (x, y) => x ^ y],
  shl: [ll, "i64", (x, y) => x << (y & 63n)],
  shrS: [ll, "i64", (x, y) => x >> (y & 63n)],
  shrU: [ll, "i64", (x, y) => natural(x) >> (y & 63n)],
  rotl: [ll, "i64", rotate64],
  rotr: [ll, "i64", (x: bigint, y: bigint) => rotate64(x, -y)],
  extendI32S: [["i32"], "i64", (x) => BigInt(x)],
  extendI32U: [["i32"], "i64", (x) => BigInt(x >>> 0)],
  truncF32S: [["f32"], "i64", (x) => truncate64(x, -(2 ** 63), 2 ** 63)],
  truncF32U: [["f32"], "i64", (x) => truncate64(x, 0, 2 ** 64)],
  truncF64S: [["f64"], "i64", (x) => truncate64(x, -(2 ** 63), 2 ** 63)],
  truncF64U: [["f64"], "i64", (x) => truncate64(x, 0, 2 ** 64)],
  truncSatF32S: [["f32"], "i64", (x) => saturate(x, -(1n << 63n), (1n << 63n) - 1n)],
  truncSatF32U: [["f32"], "i64", (x) => saturate(x, 0n, (1n << 64n) - 1n)],
  truncSatF64S: [["f64"], "i64", (x) => saturate(x, -(1n << 63n), (1n << 63n) - 1n)],
  truncSatF64U: [["f64"], "i64", (x) => saturate(x, 0n, (1n << 64n) - 1n)],
  reinterpretF64: [["f64"], "i64", (x) => bits(x, "Float64", "BigInt64")],
};

type FloatNames = Exclude<keyof typeof f32 & keyof typeof f64, Elsewhere>;

/** What floats and doubles have in common; results are rounded to the type afterwards. */
function floatRows(type: "f32" | "f64"): Readonly<Record<FloatNames, Row>> {
  const two: readonly ValueType[] = [type, type];
  const round = type === "f32" ? Math.fround : (x: number) => x;
  return {
    eq: [two, "i32", (x, y) => x === y],
    ne: [two, "i32", (x, y) => x !== y],
    lt: [two, "i32", (x, y) => x < y],
    gt: [two, "i32", (x, y) => x > y],
    le: [two, "i32", (x, y) => x <= y],
    ge: [two, "i32", (x, y) => x >= y],
    abs: [[type], type, Math.abs],
    neg: [[type], type, (x) => -x],
    ceil: [[type], type, Math.ceil],
    floor: [[type], type, Math.floor],
    trunc: [[type], type, Math.trunc],
    nearest: [[type], type, nearest],
    sqrt: [[type], type, (x) => round(Math.sqrt(x))],
    add: [two, type, (x, y) => round(x + y)],
    sub: [two, type, (x, y) => round(x - y)],
    mul: [two, type, (x, y) => round(x * y)],
    div: [two, type, (x, y) => round(x / y)],
    min: [two, type, Math.min],
    max: [two, type, Math.max],
    copysign: [two, type, copysign],
    convertI32S: [["i32"], type, round],
    convertI32U: [["i32"], type, (x) => round(x >>> 0)],
    convertI64S: [["i64"], type, (x) => roundInteger(x, type)],
    convertI64U: [["i64"], type, (x) => roundInteger(natural(x), type)],
  };
}

/** The nearest float, ties to even, without a double rounding on the way. */
function roundInteger(x: bigint, type: "f32" | "f64"): number {
  if (type === "f64") return Number(x);
  const size = x < 0n ? -x : x;
  const surplus = BigInt(Math.max(0, size.toString(2).length - 24));
  const low = (size >> surplus) << surplus;
  const rest = (size - low) * 2n;
  const unit = 1n << surplus;
  const up = rest > unit || (rest === unit && ((low >> surplus) & 1n) === 1n);
  const rounded = surplus === 0n ? size : up ? low + unit : low;
  return Number(x < 0n ? -rounded : rounded);
}

const f32Rows: Rows<typeof f32> = {
  ...floatRows("f32"),
  reinterpretI32: [["i32"], "f32", (x) => bits(x, "Int32", "Float32")],
  demoteF64: [["f64"], "f32", Math.fround],
};

const f64Rows: Rows<typeof f64> = {
  ...floatRows("f64"),
  reinterpretI64: [["i64"], "f64", (x) => bits(x, "BigInt64", "Float64")],
  promoteF32: [["f32"], "f64", (x) => x],
};

let seed = 1;

/** A number of 32 random bits; the same ones in every run. */
function random32(): number {
  seed = (seed + 0x9e3779b9) | 0;
  let x = seed;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

const random64 = (): bigint => signed((BigInt(random32()) << 32n) | BigInt(random32() >>> 0));
const specialFloats = [
  0,
  -0,
  0.5,
  -0.5,
  1.5,
  2.5,
  -1,
  3e9,
  -3e9,
  1e19,
  1e-40,
  NaN,
  Infinity,
  -Infinity,
];

const samples: Readonly<Record<Exclude<ValueType, "v128">, readonly Scalar[]>> = {
  i32: [0, 1, -1, 31, 0x7fffffff, -0x80000000, ...Array.from({ length: 24 }, random32)],
  i64: [0n, 1n, -1n, 63n, (1n << 63n) - 1n, -(1n << 63n), ...Array.from({ length: 24 }, random64)],
  f32: [...specialFloats, ...Array.from({ length: 16 }, () => random32() / 2 ** 22)]
    .map(Math.fround),
  f64: [...specialFloats, ...Array.from({ length: 16 }, () => random32() / 2 ** 22)],
};

/** The value as the type's reading in JavaScript: signed integers, a single NaN. */
function canonical(value: Scalar | boolean | undefined, type: ValueType): Scalar | undefined {
  if (value === undefined) return undefined;
  if (type === "i32") return Number(value) | 0;
  return type === "i64" ? signed(BigInt(value)) : Number(value);
}

function checkRows(
  namespace: Readonly<Record<string, unknown>>,
  rows: Readonly<Record<string, Row>>,
): void {
  const module = new Module();
  for (const [name, [parameters, result]] of Object.entries(rows)) {
    const build = namespace[name] as (...operands: Expression[]) => Expression<ValueType>;
    module.export(name, module.function(name, parameters, result, (_, ...x) => build(...x)));
  }
  const find = instantiate(module);
  for (const [name, [parameters, result, meaning]] of Object.entries(rows)) {
    const call = find(name);
    const [xs, ys] = parameters.map((type) => type === "v128" ? [] : samples[type]);
    for (const x of xs) {
      for (const y of ys ?? [0]) {
        const args = parameters.length === 1 ? [x] : [x, y];
        let actual: Scalar | undefined;
        try {
          actual = call(...args);
        } catch (error) {
          if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        }
        const expected = canonical(meaning(...args), result);
        if (!Object.is(actual, expected)) assertEquals(actual, expected, `${name}(${args})`);
      }
    }
  }
}

Deno.test("every instruction on i32 equals JavaScript, traps included", () => {
  checkRows(i32, i32Rows);
});

Deno.test("every instruction on i64 equals JavaScript, traps included", () => {
  checkRows(i64, i64Rows);
});

Deno.test("every instruction on f32 equals JavaScript", () => checkRows(f32, f32Rows));

Deno.test("every instruction on f64 equals JavaScript", () => checkRows(f64, f64Rows));

Deno.test("constants keep every bit", () => {
  const constants = { i32: i32.const, i64: i64.const, f32: f32.const, f64: f64.const } as const;
  const module = new Module();
  for (const type of ["i32", "i64", "f32", "f64"] as const) {
    samples[type].forEach((value, i) => {
      const make = constants[type] as (value: Scalar) => Expression<typeof type>;
      const name = `${type}:${i}`;
      module.export(name, module.function(name, [], type, () => make(value)));
    });
  }
  const find = instantiate(module);
  for (const type of ["i32", "i64", "f32", "f64"] as const) {
    samples[type].forEach((value, i) => {
      const actual = find(`${type}:${i}`)();
      if (!Object.is(actual, value)) assertEquals(actual, value);
    });
  }
});

Deno.test("select takes the first value where the condition holds", () => {
  const module = new Module();
  const choose = module.function("choose", ["i32", "f64", "f64"], "f64", (_, c, x, y) => {
    return select(c, x, y);
  });
  module.export("choose", choose);
  const call = instantiate(module)("choose");
  assertEquals([call(1, 2, 3), call(0, 2, 3), call(-8, 2, 3)], [2, 3, 2]);
});

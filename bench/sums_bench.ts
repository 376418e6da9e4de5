/**
 * Loops that add up float32 in cache: the cost of exact sums in double precision for several forms of
 * the loop.
 *
 * Run it with `deno bench bench/sums_bench.ts`.
 *
 * @module
 */
import type { Code } from "../src/backends/wasm/assembler/code.ts";
import type { Expression, Local } from "../src/backends/wasm/assembler/expression.ts";
import { Module } from "../src/backends/wasm/assembler/module.ts";
import { f32x4, f64, f64x2, i32, i8x16, v128 } from "../src/backends/wasm/assembler/operations.ts";

/** Elements: they fit into the L2 cache. */
const COUNT = 65536;

/** Vectors that are added in a round. */
const ROUND = 8;

type Vector = Expression<"v128">;

/** The inputs of a round. */
interface Reads {
  /** Vector `k`. */
  readonly all: (k: number) => Vector;
  /** Ones, which are written before the loop. */
  readonly one: Local<"v128">;
  /** The first half of vector `k`, or the second. */
  readonly half: (k: number, isSecond: boolean) => Vector;
}

/** A method of summation: the body of a round, given accumulators. */
interface Way {
  readonly accumulators: number;
  /** Accumulators that are float32; the others are double. */
  readonly single?: number;
  readonly round: (code: Code, sums: readonly Local<"v128">[], reads: Reads) => void;
}

function upper(vector: Vector): Vector {
  return i8x16.shuffle(vector, vector, Array.from({ length: 16 }, (_, i) => (i + 8) % 16));
}

/** Adds the two halves of each vector to accumulators of their own. */
function inDoubles(
  pairs: number,
  add: (sum: Local<"v128">, x: Vector, one: Local<"v128">) => Vector,
  isByHalves = false,
): Way {
  return {
    accumulators: 2 * pairs,
    round(code, sums, { all, half, one }) {
      for (let k = 0; k < ROUND; k++) {
        const vector = isByHalves ? null : code.let(all(k));
        [0, 1].forEach((side) => {
          const sum = sums[2 * (k % pairs) + side];
          const part = vector === null ? half(k, side === 1) : side === 0 ? vector : upper(vector);
          code.set(sum, add(sum, f64x2.promoteLowF32x4(part), one));
        });
      }
    },
  };
}

const added = (sum: Local<"v128">, x: Vector) => f64x2.add(sum, x);
const multiplied = (sum: Local<"v128">, x: Vector, one: Local<"v128">) =>
  f64x2.relaxedMadd(x, one, sum);

const ways: Readonly<Record<string, Way>> = {
  "in float32": {
    accumulators: 8,
    single: 8,
    round(code, sums, { all }) {
      sums.forEach((sum, k) => code.set(sum, f32x4.add(sum, all(k))));
    },
  },
  "in doubles, added": inDoubles(4, added),
  "in doubles, by multiply-adds": inDoubles(4, multiplied),
  "in doubles, by multiply-adds, half as many sums": inDoubles(2, multiplied),
  "in doubles, added, by loads of 64 bits": inDoubles(4, added, true),
  "in doubles, by multiply-adds, by loads of 64 bits": inDoubles(4, multiplied, true),
  "pairs in float32 with what rounding takes from them, then in doubles": {
    accumulators: 12,
    single: 4,
    round(code, sums, { all }) {
      for (let k = 0; k < ROUND; k += 2) {
        const [x, y] = [code.let(all(k)), code.let(all(k + 1))];
        const sum = code.let(f32x4.add(x, y));
        const own = code.let(f32x4.sub(sum, x));
        const left = f32x4.add(f32x4.sub(x, f32x4.sub(sum, own)), f32x4.sub(y, own));
        code.set(sums[k / 2], f32x4.add(sums[k / 2], left));
        [sum, upper(sum)].forEach((part, side) => {
          const total = sums[4 + k + side];
          code.set(total, f64x2.add(total, f64x2.promoteLowF32x4(part)));
        });
      }
    },
  },
};

const module = new Module();
const memory = module.importMemory("host", "memory", { minimum: COUNT * 4 / 65536 });
for (const [name, { accumulators, single = 0, round }] of Object.entries(ways)) {
  const sum = module.function(name, ["i32"], "f64", (code, at) => {
    const sums = Array.from({ length: accumulators }, () => code.local("v128"));
    const one = code.let(f64x2.const(1));
    code.for({ below: COUNT / 4 / ROUND }, () => {
      round(code, sums, {
        one,
        all: (k) => v128.load(at, { memory, offset: 16 * k, align: 4 }),
        half: (k, isSecond) =>
          v128.load64Zero(at, { memory, offset: 16 * k + (isSecond ? 8 : 0), align: 4 }),
      });
      code.set(at, i32.add(at, i32.const(16 * ROUND)));
    });
    const doubles = sums.flatMap((sum, i) =>
      i < single ? [sum, upper(sum)].map((part) => f64x2.promoteLowF32x4(part)) : [sum]
    );
    const total = code.let(doubles.reduce<Vector>((x, y) => f64x2.add(x, y), f64x2.const(0)));
    return f64.add(f64x2.extractLane(total, 0), f64x2.extractLane(total, 1));
  });
  module.export(name, sum);
}

const shared = new WebAssembly.Memory({ initial: COUNT * 4 / 65536 });
new Float32Array(shared.buffer).forEach((_, i, all) => all[i] = Math.sin(i));
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
  host: { memory: shared },
});
for (const name of Object.keys(ways)) {
  const sum = exports[name] as (at: number) => number;
  Deno.bench(`65,536 elements ${name}`, { group: "sums", baseline: name === "in float32" }, () => {
    sum(0);
  });
}

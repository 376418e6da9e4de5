/**
 * The kernels that a compiler to WebAssembly would emit, in isolation.
 *
 * @module
 */
import type { Code } from "../../src/backends/wasm/assembler/code.ts";
import type { Expression } from "../../src/backends/wasm/assembler/expression.ts";
import type { Memory } from "../../src/backends/wasm/assembler/memory.ts";
import type { FunctionReference, Module } from "../../src/backends/wasm/assembler/module.ts";
import { f32, f32x4, i32, i32x4, v128 } from "../../src/backends/wasm/assembler/operations.ts";

/** Bytes of a float, and of a vector of four. */
const FLOAT = 4;
const VECTOR = 16;

type Vector = Expression<"v128">;
type Pointer = Expression<"i32">;

/** A function of pointers, without a result. */
export type Kernel = FunctionReference<readonly "i32"[], "none">;

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

function add(pointer: Pointer, bytes: number): Pointer {
  return i32.add(pointer, i32.const(bytes));
}

/** x * y + z, with one rounding or two, depending on the machine. */
function multiplyAdd(x: Vector, y: Vector, z: Vector, fused: boolean): Vector {
  return fused ? f32x4.relaxedMadd(x, y, z) : f32x4.add(f32x4.mul(x, y), z);
}

/**
 * Independent chains of z = z * x + y, loaded at the beginning and stored at the end: the throughput of the
 * arithmetic units on registers alone. A function of the number of rounds and a pointer.
 */
export function emitPeak(module: Module, chains: number, fused: boolean): Kernel {
  return module.function(`peak ${chains}`, ["i32", "i32"], "none", (code, rounds, p) => {
    const place = (i: number) => ({ offset: i * VECTOR });
    const x = code.let(v128.load32Splat(p));
    const y = code.let(v128.load32Splat(p, { offset: FLOAT }));
    const z = range(chains).map((i) => code.let(v128.load(p, place(i))));
    code.for({ below: rounds }, () => {
      for (const chain of z) code.set(chain, multiplyAdd(chain, x, y, fused));
    });
    z.forEach((chain, i) => code.do(v128.store(p, chain, place(i))));
  });
}

/** The tile of a product that stays in registers, and how it reads A. */
export interface Tile {
  readonly rows: number;
  /** Columns, in vectors of four. */
  readonly vectors: number;
  /** The length of the sums that one call of the kernel adds up. */
  readonly depth: number;
  /** Unrolled steps of the sum; `depth` for all. */
  readonly unroll: number;
  /** The memory that holds the rows of A from address 0, if they have constant addresses. */
  readonly scratch?: Memory;
  readonly fused: boolean;
}

/**
 * C[rows, :] += A[rows, depth] B[depth, :], with B packed in panels whose width is that of the
 * tile: a function of A, the first panel, the end of the last one, and C. With a scratch memory, A is
 * stored there, row after row; without one, packed, column after column.
 */
export function emitPanels(module: Module, tile: Tile, strideC: number): Kernel {
  const { rows, vectors, depth, unroll, scratch, fused } = tile;
  const panel = depth * vectors * VECTOR;
  return module.function(
    `panels ${rows}x${4 * vectors}`,
    ["i32", "i32", "i32", "i32"],
    "none",
    (code, a, begin, end, c) => {
      const sums = range(rows).map(() => range(vectors).map(() => code.local("v128")));
      const place = (row: number, vector: number) => ({
        offset: row * strideC + vector * VECTOR,
      });

      function step(k: number, pa: Pointer, pb: Pointer): void {
        const b = range(vectors).map((v) =>
          code.let(v128.load(pb, { offset: (k * vectors + v) * VECTOR }))
        );
        for (const row of range(rows)) {
          const value = code.let(
            scratch === undefined
              ? v128.load32Splat(pa, { offset: (k * rows + row) * FLOAT })
              : v128.load32Splat(i32.const(0), {
                offset: (row * depth + k) * FLOAT,
                memory: scratch,
              }),
          );
          for (const v of range(vectors)) {
            code.set(sums[row][v], multiplyAdd(value, b[v], sums[row][v], fused));
          }
        }
      }

      code.for({ from: begin, below: end, step: panel }, (b) => {
        sums.forEach((row, i) => row.forEach((sum, v) => code.set(sum, v128.load(c, place(i, v)))));
        if (unroll === depth) range(depth).forEach((k) => step(k, a, b));
        else {
          const pa = code.let(a);
          const pb = code.let(b);
          code.for({ below: depth, step: unroll }, () => {
            range(unroll).forEach((k) => step(k, pa, pb));
            code.set(pa, add(pa, unroll * rows * FLOAT));
            code.set(pb, add(pb, unroll * vectors * VECTOR));
          });
        }
        sums.forEach((row, i) => row.forEach((sum, v) => code.do(v128.store(c, sum, place(i, v)))));
        code.set(c, add(c, vectors * VECTOR));
      });
    },
  );
}

/** Copies rows of A to the scratch memory, where they have constant addresses. */
function emitRows(module: Module, tile: Tile, strideA: number): Kernel {
  const { rows, depth, scratch } = tile;
  return module.function(`rows ${rows}`, ["i32"], "none", (code, a) => {
    for (const row of range(rows)) {
      for (let k = 0; k < depth; k += 4) {
        const value = v128.load(a, { offset: row * strideA + k * FLOAT });
        const offset = (row * depth + k) * FLOAT;
        code.do(v128.store(i32.const(0), value, { offset, memory: scratch }));
      }
    }
  });
}

/** Copies `depth` rows of B into panels: a function of B and of the start and end of the panels. */
function emitPack(module: Module, { vectors, depth }: Tile, strideB: number): Kernel {
  return module.function("pack", ["i32", "i32", "i32"], "none", (code, b, begin, end) => {
    const panel = depth * vectors * VECTOR;
    code.for({ from: begin, below: end, step: panel }, (to) => {
      const from = code.let(b);
      code.for({ from: to, below: add(to, panel), step: 4 * vectors * VECTOR }, (p) => {
        for (const k of range(4)) {
          for (const v of range(vectors)) {
            const value = v128.load(from, { offset: v * VECTOR });
            code.do(v128.store(p, value, { offset: (k * vectors + v) * VECTOR }));
          }
          code.set(from, add(from, strideB));
        }
      });
      code.set(b, add(b, vectors * VECTOR));
    });
  });
}

/** Square matrices of floats: C = A B, a function of A, B, C and space for packed panels of B. */
export function emitProduct(
  module: Module,
  memory: Memory,
  scratch: Memory,
  size: number,
  shape: { readonly rows: number; readonly vectors: number; readonly depth: number },
): Kernel {
  const stride = size * FLOAT;
  const tile: Tile = { ...shape, unroll: shape.depth, scratch, fused: true };
  const rest: Tile = { ...tile, rows: size % tile.rows };
  const pack = emitPack(module, tile, stride);
  const parts = [tile, rest].filter(({ rows }) => rows > 0).map((part) => ({
    rows: part.rows,
    load: emitRows(module, part, stride),
    multiply: emitPanels(module, part, stride),
  }));
  const whole = size - rest.rows;
  return module.function(`product ${size}`, ["i32", "i32", "i32", "i32"], "none", (
    code,
    a,
    b,
    c,
    panels,
  ) => {
    const end = code.let(add(panels, tile.depth * stride));
    code.do(memory.fill(c, i32.const(0), i32.const(size * stride)));
    function block(part: typeof parts[number], rowOfA: Pointer, rowOfC: Pointer): void {
      code.do(part.load.call(rowOfA), part.multiply.call(i32.const(0), panels, end, rowOfC));
    }
    code.for({ below: size, step: tile.depth }, () => {
      code.do(pack.call(b, panels, end));
      const pa = code.let(a);
      const pc = code.let(c);
      code.for({ below: whole, step: tile.rows }, () => {
        block(parts[0], pa, pc);
        code.set(pa, add(pa, tile.rows * stride));
        code.set(pc, add(pc, tile.rows * stride));
      });
      if (parts[1] !== undefined) block(parts[1], pa, pc);
      code.set(a, add(a, tile.depth * FLOAT));
      code.set(b, add(b, tile.depth * stride));
    });
  });
}

/** y = f(x) for vectors from one pointer to another: a function of x, its end, and y. */
export function emitMap(
  module: Module,
  name: string,
  unroll: number,
  prepare: (code: Code) => (x: Vector, y: Vector) => Vector,
): Kernel {
  return module.function(name, ["i32", "i32", "i32"], "none", (code, x, end, y) => {
    const map = prepare(code);
    code.for({ from: x, below: end, step: unroll * VECTOR }, (p) => {
      // All loads, then all stores: V8 joins two vectors into one of 256 bits only if there is no store
      // between their loads.
      const place = (i: number) => ({ offset: i * VECTOR });
      const loaded = range(unroll).map((i) => code.let(v128.load(p, place(i))));
      const values = loaded.map((value, i) => code.let(map(value, v128.load(y, place(i)))));
      values.forEach((value, i) => code.do(v128.store(y, value, place(i))));
      code.set(y, add(y, unroll * VECTOR));
    });
  });
}

/** The sum of the floats between two pointers, by several running sums. */
export function emitSum(module: Module, chains: number): FunctionReference {
  return module.function(`sum ${chains}`, ["i32", "i32"], "f32", (code, x, end) => {
    const sums = range(chains).map(() => code.local("v128"));
    code.for({ from: x, below: end, step: chains * VECTOR }, (p) => {
      sums.forEach((sum, i) => {
        code.set(sum, f32x4.add(sum, v128.load(p, { offset: i * VECTOR })));
      });
    });
    const total = code.let(sums.reduce<Vector>((sum, part) => f32x4.add(sum, part), sums[0]));
    return range(4)
      .map((lane) => f32x4.extractLane(total, lane))
      .reduce((sum, part) => f32.add(sum, part));
  });
}

const LOG2_E = Math.LOG2E;
// ln 2 in two parts: the product of the first with a whole number of 9 bits is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = Math.LN2 - LN2_HIGH;
// Adding and subtracting it rounds to a whole number, which its lowest bits then hold.
const ROUNDER = 1.5 * 2 ** 23;
// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, lowest power first: minimax for the relative error of
// e^r, which is 3.1e-9, by Remez's exchange.
const COEFFICIENTS = [
  0.499999934478,
  0.166665206317,
  0.0416683880453,
  0.00836871687973,
  0.00138145986467,
];

/**
 * e^x: x = n ln 2 + r, e^x = 2^n e^r, with 2^n in two factors so that results below the smallest
 * normal float round once and those past the largest are infinite.
 */
export function prepareExp(code: Code, hoist: boolean): (x: Vector) => Vector {
  const keep = (value: Vector): Vector => hoist ? code.let(value) : value;
  const [low, high] = [-104, 89].map((x) => keep(f32x4.const(x)));
  const [log2e, rounder] = [LOG2_E, ROUNDER].map((x) => keep(f32x4.const(x)));
  const [ln2High, ln2Low] = [LN2_HIGH, LN2_LOW].map((x) => keep(f32x4.const(x)));
  const coefficients = COEFFICIENTS.map((x) => keep(f32x4.const(x)));
  const one = keep(f32x4.const(1));
  return (x) => {
    // Both return their first operand unless the second lies beyond it, so NaN propagates.
    const bounded = code.let(f32x4.pmin(f32x4.pmax(x, low), high));
    const shifted = code.let(f32x4.relaxedMadd(bounded, log2e, rounder));
    const n = code.let(f32x4.sub(shifted, rounder));
    const rough = f32x4.relaxedNmadd(n, ln2High, bounded);
    const r = code.let(f32x4.relaxedNmadd(n, ln2Low, rough));
    const q = coefficients.toReversed().reduce((sum, c) => f32x4.relaxedMadd(sum, r, c));
    const tail = f32x4.relaxedMadd(q, f32x4.mul(r, r), r);
    const p = f32x4.add(tail, one);
    // The lowest bits of `shifted` count in ones, and those of `rounder` are zero.
    const whole = code.let(i32x4.sub(shifted, rounder));
    const first = code.let(i32x4.shrS(whole, i32.const(1)));
    const second = i32x4.sub(whole, first);
    // The bits of 1 are the exponent's bias.
    const power = (exponent: Vector) => i32x4.add(i32x4.shl(exponent, i32.const(23)), one);
    return f32x4.mul(f32x4.mul(p, power(first)), power(second));
  };
}

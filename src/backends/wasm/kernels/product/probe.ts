/**
 * Determines which tile of matrix products suits the engine.
 *
 * V8 can join neighbouring vectors of 128 bits into one of 256, twice as fast, but only when it was
 * started with flags for that (`--experimental-wasm-revectorize`) and without the bounds checks
 * that prevent it (`--no-wasm-bounds-checks`). A program cannot query these flags, so they are
 * detected by a measurement: two loops do the same arithmetic, one on vectors that are adjacent in
 * memory, which can be joined, and one on vectors that are apart, which cannot. If the first is
 * clearly faster, vectors are joined.
 *
 * New functions first run as slower baseline code, where both loops take the same time, until V8
 * has recompiled them in the background; both are in one function, so this happens to both at once.
 * Only batches of runs that are much faster than the first one count, and two in a row must agree.
 * If that does not happen in time, the result is the tile for 128 bits, which is the best one
 * without the flags and works with them.
 *
 * @module
 */
import { range } from "../../../../base/shape.ts";
import { Module } from "../../assembler/module.ts";
import { f32x4, i32, v128 } from "../../assembler/operations.ts";
import { VECTOR } from "../addresses.ts";
import type { Tile } from "../kernel.ts";

/** Fills the registers with 12 sums of 128 bits. */
const NARROW: Tile = { rows: 6, vectors: 2, depth: 32 };

/** Fills the registers with 12 sums of 256 bits. */
const WIDE: Tile = { rows: 6, vectors: 4, depth: 32 };

// Estimates. `deno bench bench/product_bench.ts`, with and without the flags of V8 that join
// vectors, measures the speed of both tiles.

/** Milliseconds after which the measurement ends, regardless of its results. */
const LIMIT = 50;

/** Sums in a round: if joined, they are still enough to keep the arithmetic units busy. */
const SUMS = 16;

/** Rounds of a loop in one run: some microseconds. */
const ROUNDS = 500;

/** Runs of each loop in a batch, the fastest of which counts. */
const BATCH = 8;

/** The minimum speed of the first loop relative to the second; joined vectors double it. */
const CLEARLY = 1.5;

/** The minimum speed of both loops in optimised code, relative to the first batch. */
const OPTIMISED = 2;

let chosen: Tile | undefined;

/** The fastest tile on this machine; measured at the first call, which takes some milliseconds. */
export function chooseTile(): Tile {
  chosen ??= joinsVectors() ? WIDE : NARROW;
  return chosen;
}

function joinsVectors(): boolean {
  try {
    const run = compileLoops();
    const deadline = performance.now() + LIMIT;
    // The very first run waits for the baseline code.
    measure(run);
    const baseline = Math.min(...measure(run));
    let last: boolean | undefined;
    while (performance.now() < deadline) {
      const [together, apart] = measure(run);
      if (Math.max(together, apart) * OPTIMISED > baseline) continue;
      const joined = apart > CLEARLY * together;
      if (joined === last) return joined;
      last = joined;
    }
  } catch {
    // If such code does not even compile, the kernels will report it.
  }
  return false;
}

/** The shortest time of each loop in a batch of alternating runs. */
function measure(run: (apart: number) => void): [together: number, apart: number] {
  const shortest: [number, number] = [Infinity, Infinity];
  for (let i = 0; i < BATCH; i++) {
    for (const apart of [0, 1] as const) {
      const begin = performance.now();
      run(apart);
      shortest[apart] = Math.min(shortest[apart], performance.now() - begin);
    }
  }
  return shortest;
}

/** Multiplications and additions in registers that start and end in memory. */
function compileLoops(): (apart: number) => void {
  const module = new Module();
  module.memory({ minimum: 1 });
  const loops = module.function(
    "loops",
    ["i32", "i32", "i32"],
    "none",
    (code, apart, rounds, p) => {
      function loop(distance: number): void {
        const places = range(SUMS).map((i) => ({ offset: i * distance }));
        const sums = places.map((place) => code.let(v128.load(p, place)));
        // The loads are free in optimised code, and make baseline code measurably slower.
        code.for({ below: rounds }, () => {
          sums.forEach((sum, i) => {
            const factor = v128.load32Splat(i32.const(0), { offset: (i >> 1) * 4 });
            code.set(sum, f32x4.relaxedMadd(factor, factor, sum));
          });
        });
        sums.forEach((sum, i) => code.do(v128.store(p, sum, places[i])));
      }
      code.if(apart, () => loop(3 * VECTOR), () => loop(VECTOR));
    },
  );
  module.export("loops", loops);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  const run = exports.loops as (apart: number, rounds: number, p: number) => void;
  return (apart) => run(apart, ROUNDS, 0);
}

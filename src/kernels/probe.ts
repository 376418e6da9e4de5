/**
 * Finds out which tile of matrix products suits the engine.
 *
 * V8 can join neighbouring vectors of 128 bits into one of 256, twice as fast, but only when it was
 * started with flags for that (`--experimental-wasm-revectorize`) and without the checks of addresses
 * that stand in the way (`--no-wasm-bounds-checks`). Nothing tells a program which flags there are, so
 * this measures: two loops do the same arithmetic on vectors that stand side by side in memory, which
 * can be joined, and on vectors that stand apart, which cannot. If the first is clearly faster, vectors
 * are joined.
 *
 * New functions first run as slower baseline code, where both loops take the same time, until V8 has
 * compiled them anew in the background. The measurement therefore goes on until the difference shows,
 * or both loops have become much faster than at first without one, or the time is up. Whatever disturbs
 * it can only hide the difference, not make one in the fastest of many runs: in doubt the answer is the
 * tile for 128 bits, which is right without the flags and works with them.
 *
 * @module
 */
import { range } from "../base/shape.ts";
import { Module } from "../wasm/module.ts";
import { f32x4, v128 } from "../wasm/operations.ts";
import { VECTOR } from "./addresses.ts";
import type { Tile } from "./kernel.ts";

/** Fills the registers with 12 sums of 128 bits. */
const NARROW: Tile = { rows: 6, vectors: 2, depth: 32 };

/** Fills the registers with 12 sums of 256 bits. */
const WIDE: Tile = { rows: 6, vectors: 4, depth: 32 };

/** Milliseconds after which the measurement ends. */
const LIMIT = 12;

/** Sums in a round: joined, they are still enough to keep the arithmetic units busy. */
const SUMS = 16;

/** Rounds of a loop in one run: some microseconds. */
const ROUNDS = 2000;

/** How many times as fast the first loop must be; joined vectors make it twice as fast. */
const CLEARLY = 1.5;

/** How many times as fast as at first a loop is in optimised code, at least. */
const OPTIMISED = 2;

/** Runs in optimised code that are enough to see no difference. */
const ENOUGH = 20;

let chosen: Tile | undefined;

/** The tile that runs best here; measured at the first call, which takes some milliseconds. */
export function chooseTile(): Tile {
  chosen ??= joinsVectors() ? WIDE : NARROW;
  return chosen;
}

function joinsVectors(): boolean {
  try {
    const [together, apart] = compileLoops();
    const deadline = performance.now() + LIMIT;
    const first = [time(together), time(apart)];
    const best = [...first];
    let optimised = 0;
    while (optimised < ENOUGH && performance.now() < deadline) {
      [together, apart].forEach((run, i) => best[i] = Math.min(best[i], time(run)));
      if (best[1] > CLEARLY * best[0] && best[1] * OPTIMISED < first[1]) return true;
      if (best.every((shortest, i) => shortest * OPTIMISED < first[i])) optimised++;
    }
  } catch {
    // Where such code does not even compile, the kernels will say so.
  }
  return false;
}

function time(run: () => void): number {
  const begin = performance.now();
  run();
  return performance.now() - begin;
}

/** Multiplications and additions in registers that start and end in memory. */
function compileLoops(): [together: () => void, apart: () => void] {
  const module = new Module();
  module.memory({ minimum: 1 });
  for (const [name, distance] of [["together", VECTOR], ["apart", 3 * VECTOR]] as const) {
    const loop = module.function(name, ["i32", "i32"], "none", (code, rounds, p) => {
      const places = range(SUMS).map((i) => ({ offset: i * distance }));
      const sums = places.map((place) => code.let(v128.load(p, place)));
      const factor = code.let(v128.load32Splat(p));
      code.for({ below: rounds }, () => {
        for (const sum of sums) code.set(sum, f32x4.relaxedMadd(sum, factor, factor));
      });
      sums.forEach((sum, i) => code.do(v128.store(p, sum, places[i])));
    });
    module.export(name, loop);
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  const find = (name: string) => {
    const loop = exports[name] as (rounds: number, p: number) => void;
    return () => loop(ROUNDS, 0);
  };
  return [find("together"), find("apart")];
}

/**
 * Calls every public function with arbitrary arguments. Another seed, or more calls of each function:
 * `deno test tests/fuzz_test.ts -- --seed=7 --runs=1000`.
 *
 * @module
 */
import fc from "fast-check";
import { Draw } from "./fuzz/draw.ts";
import { discoverOptions, explore, nested } from "./fuzz/explore.ts";
import type { Tally } from "./fuzz/explore.ts";
import { withSmallMemory } from "./fuzz/small_memory.ts";
import { targets } from "./fuzz/surface.ts";
import { fail } from "./support/std.ts";

/** A whole number given as `--name=7`. */
function flag(name: string, fallback: number): number {
  const given = Deno.args.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? fallback : Number(given.slice(name.length + 3));
}

const seed = flag("seed", 1);
const numRuns = flag("runs", 40);

/** The elements of the largest array that can be allocated: arguments here are small. */
const MEMORY = 2 ** 16;

const only = Deno.args.find((arg) => arg.startsWith("--only="))?.slice(7);

Deno.test("every public function ends in a result or in one of the library's errors", () => {
  const problems: string[] = [];
  const tallies = new Map<string, Tally>();
  withSmallMemory(MEMORY, () => {
    for (const target of targets) {
      if (only !== undefined && target.name !== only) continue;
      const options = discoverOptions(target);
      const tally = { results: 0, errors: 0 };
      tallies.set(target.name, tally);
      const start = performance.now();
      const property = fc.property(fc.gen(), (generate) => {
        const t0 = performance.now();
        explore(target, options, new Draw(generate), tally);
        const t1 = performance.now() - t0;
        if (t1 > 300) console.log("SLOW", target.name, t1);
      });
      const details = fc.check(property, { seed, numRuns, endOnFailure: true });
      if (details.failed) {
        problems.push(
          String((details.errorInstance as Error).message).split("\n").slice(0, 8).join("\n"),
        );
      }
      const time = performance.now() - start;
      if (Deno.args.includes("--stats")) {
        console.log(target.name, options.join(), tally, Math.round(time));
      }
    }
  });
  if (Deno.args.includes("--nested")) {
    for (const [n, t] of nested) if (t.results < 0.2 * t.errors) console.log("nested", n, t);
  }
  if (problems.length > 0) fail(problems.length + "\n" + problems.join("\n\n"));
});

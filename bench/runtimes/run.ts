/**
 * How fast the npm package is in each runtime, next to Deno: loading it, a product of matrices of
 * 512x512, and a training step of an MLP (784-512-256-10, batch 128), on one thread. Runtimes take
 * turns; each figure is the shortest of all turns. The first argument is the number of turns,
 * further ones are words in the names of the runtimes that are wanted:
 * `deno run -A bench/runtimes/run.ts 3 "node 24"`.
 *
 * @module
 */
import { build } from "../../.ci/npm.ts";
import { installRuntimes, onCommandLine, prepare } from "../../.ci/runtimes.ts";
import type { Measured } from "./program.ts";

const turns = Number(Deno.args[0] ?? 3);
await build();
await prepare("bench/runtimes/program.ts", "bench");
const [, ...words] = Deno.args;
const others = await installRuntimes();
const runtimes = [
  onCommandLine("deno", Deno.execPath(), ["run", "-A", "--quiet", "--node-modules-dir=manual"]),
  ...others.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word))),
];
const all = new Map<string, Measured[]>(runtimes.map(({ name }) => [name, []]));
for (let turn = 0; turn < turns; turn++) {
  for (const runtime of turn % 2 === 0 ? runtimes : runtimes.toReversed()) {
    all.get(runtime.name)!.push(await runtime.run("bench") as Measured);
  }
}
const figures = ["load", "product", "step"] as const;
const best = (name: string) =>
  figures.map((figure) => Math.min(...all.get(name)!.map((measured) => measured[figure])));
const base = best("deno");
console.log("runtime | load, ms | matmul 512, ms (times Deno's) | MLP step, ms (times Deno's)");
for (const { name } of runtimes) {
  const [load, product, step] = best(name);
  const shown = [product, step].map((time, i) =>
    `${time.toPrecision(3)} (${(time / base[i + 1]).toFixed(2)})`
  );
  console.log([name, load.toFixed(0), ...shown].join(" | "));
  console.log(`  ${JSON.stringify(all.get(name)![0].engine)}`);
}

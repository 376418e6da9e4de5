/**
 * The speed of the npm package in each runtime, compared with Deno: loading it, a product of matrices of
 * 512x512, and a training step of an MLP (784-512-256-10, batch 128), on one thread. Runtimes take
 * turns; the script prints the median of the medians of all turns, and the shortest time of all. The first
 * argument is the number of turns, further ones are words in the names of the runtimes to measure:
 * `deno run -A bench/runtimes/run.ts 3 "node 24"`.
 *
 * @module
 */
import { build } from "../../.ci/npm.ts";
import { installRuntimes, onCommandLine, prepare } from "../../.ci/runtimes.ts";
import { median } from "../compare/statistics.ts";
import type { Measured, Times } from "./program.ts";

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

/** The median of all turns' medians and the shortest time of all, for each figure of a runtime. */
function summary(name: string): Times[] {
  return figures.map((figure) => {
    const times = all.get(name)!.map((measured) => measured[figure]);
    return {
      median: median(times.map((time) => time.median)),
      least: Math.min(...times.map(({ least }) => least)),
    };
  });
}

const base = summary("deno");
const titles = ["load", "matmul 512", "MLP step"];
console.log(
  `runtime | ${titles.map((title) => `${title}: median, least (times Deno's)`).join(" | ")}`,
);
for (const { name } of runtimes) {
  const shown = summary(name).map(({ median: middle, least }, i) => {
    const times = [middle, least].map((time) => time.toPrecision(3));
    const ratios = [middle / base[i].median, least / base[i].least].map((x) => x.toFixed(2));
    return `${times.join(", ")} ms (${ratios.join(", ")})`;
  });
  console.log([name, ...shown].join(" | "));
  console.log(`  ${JSON.stringify(all.get(name)![0].engine)}`);
}

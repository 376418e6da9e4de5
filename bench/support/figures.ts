/**
 * Benchmarks with a known amount of work: they also print rates, after the table of times.
 *
 * @module
 */

interface Figure {
  readonly name: string;
  readonly work: number;
  readonly unit: string;
  readonly seconds: number[];
}

const figures: Figure[] = [];

/** The name and the amount of work of a benchmark. */
export interface Work {
  readonly group: string;
  readonly name: string;
  /** Operations or bytes in one run. */
  readonly work: number;
  readonly unit: "FLOP" | "B" | "call";
  /** Runs measured. */
  readonly n: number;
  readonly baseline?: boolean;
}

/** Registers a benchmark; its rate is printed when all are done. */
export function benchRate(
  { group, name, work, unit, n, baseline = false }: Work,
  run: () => void,
): void {
  const seconds: number[] = [];
  figures.push({ name: `${group}: ${name}`, work, unit, seconds });
  // The engine recompiles hot code: the warm-up gives it time to finish.
  Deno.bench(name, { group, baseline, n, warmup: n }, () => {
    const begin = performance.now();
    run();
    seconds.push((performance.now() - begin) / 1000);
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

globalThis.addEventListener("unload", () => {
  const width = Math.max(...figures.map(({ name }) => name.length));
  console.log(`\n${"rates".padEnd(width)}    median      best  first run`);
  for (const { name, work, unit, seconds } of figures) {
    if (seconds.length === 0) continue;
    // Runs of the warm-up, partly on slower code, are left out.
    const steady = seconds.slice(seconds.length >> 1);
    const rate = (time: number) => (work / time / 1e9).toFixed(unit === "call" ? 4 : 1).padStart(9);
    const first = `${(seconds[0] * 1000).toFixed(2)} ms`;
    const label = name.padEnd(width);
    console.log(
      `${label} ${rate(median(steady))} ${rate(Math.min(...steady))}  G${unit}/s  ${first}`,
    );
  }
});

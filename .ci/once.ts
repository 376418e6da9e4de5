/**
 * Preloaded before a benchmark file by `deno run --preload`: calls each benchmark once instead of
 * measuring it. The gate only checks that it still runs; `deno bench` measures.
 *
 * @module
 */

interface Benchmark {
  readonly name: string;
  readonly run: (context: Deno.BenchContext) => void | Promise<void>;
  readonly ignore: boolean;
}

const benchmarks: Benchmark[] = [];

// The forms of `Deno.bench`: (options), (run), (name, run), (options, run), (name, options, run).
function register(...args: unknown[]): void {
  const run = args.find((arg) => typeof arg === "function") as Benchmark["run"] | undefined;
  const options = args.find((arg) => typeof arg === "object" && arg !== null) ?? {};
  const { name, fn, ignore } = options as Partial<Deno.BenchDefinition>;
  const chosen = run ?? fn;
  if (chosen === undefined) throw new TypeError("Cannot register a benchmark without a function");
  const title = args.find((arg) => typeof arg === "string") ?? name ?? chosen.name;
  benchmarks.push({ name: String(title), run: chosen, ignore: ignore ?? false });
}

async function runAll(): Promise<void> {
  for (const { name, run, ignore } of benchmarks) {
    if (ignore) {
      console.log(`${name} ... ignored`);
      continue;
    }
    const begin = performance.now();
    await run({ name, origin: Deno.mainModule, start() {}, end() {} });
    console.log(`${name} ... ran once in ${(performance.now() - begin).toFixed(1)} ms`);
  }
}

Object.assign(register, {
  ignore: (...args: unknown[]) => register({ ignore: true }, ...args),
  only: register,
});
Object.defineProperty(Deno, "bench", { value: register });
globalThis.addEventListener("load", () => {
  runAll().catch((error) => {
    console.error(error);
    Deno.exit(1);
  });
});

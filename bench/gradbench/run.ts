/**
 * Runs the evals of a checkout of the GradBench suite (https://github.com/gradbench/gradbench) with tools, and
 * prints which answers were valid, and their times.
 *
 *     deno run -A bench/gradbench/run.ts --suite ../gradbench
 *     deno run -A bench/gradbench/run.ts --suite ../gradbench --only gmm,lstm --tools jacobi,jax --full
 *
 * The suite's evals and tools need Python with `numpy scipy pydantic dataclasses-json`, `jax` and `torch`, and
 * a C++ compiler with nlohmann's `json.hpp` in the suite's `cpp`, for the reference values. Times are medians of a
 * function's runs without the first, which compiles it. Each row is for the largest input that
 * all tools have computed.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { readLines } from "./lines.ts";

/** Inputs for the evals that take some minutes in total; `--full` uses the suite's own. */
const SIZES: Readonly<Record<string, readonly string[]>> = {
  hello: [],
  det: ["-l", "5", "7", "9"],
  gmm: ["-d", "2", "10", "32", "-k", "5", "25"],
  ba: ["--min", "1", "--max", "1"],
  ht: ["--min", "1", "--max", "4", "--model", "small"],
  kmeans: ["-k", "10", "100", "-n", "1000", "10000", "-d", "8"],
  llsq: ["-n", "16", "1024", "16392"],
  lse: ["-n", "2500", "80000", "1280000"],
  lstm: ["-l", "2", "4", "-c", "1024"],
  ode: ["-n", "1000", "10000", "-s", "10", "100"],
  particle: [],
  saddle: [],
};

/** The least number of runs of a function. */
const RUNS = ["--min-runs", "2", "--min-seconds", "0.2"];

/** The timeout of an eval, in seconds. */
const LIMIT = 120;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    suite: { type: "string" },
    only: { type: "string" },
    tools: { type: "string", default: "jacobi,jax,pytorch,manual" },
    full: { type: "boolean", default: false },
  },
});
if (values.suite === undefined) {
  console.error("Name a checkout of the suite: --suite ../gradbench");
  Deno.exit(1);
}
const suite = Deno.realPathSync(values.suite);
const names = values.only?.split(",") ?? Object.keys(SIZES);
const tools = values.tools.split(",");

const python = `${suite}/python/gradbench`;
const commands: Readonly<Record<string, readonly string[]>> = {
  jacobi: [
    Deno.execPath(),
    "run",
    "--no-check",
    new URL("tool.ts", import.meta.url).pathname,
    "--threads",
    "1",
  ],
  // The suite's tool for JAX measures the time to start the work: this one waits for the result.
  jax: ["python3", new URL("blocking_jax.py", import.meta.url).pathname, suite],
  pytorch: ["python3", `${python}/gradbench/tools/pytorch/run.py`],
  tensorflow: ["python3", `${python}/gradbench/tools/tensorflow/run.py`],
  manual: ["python3", `${python}/gradbench/cpp.py`, "manual"],
};

/** A process that answers lines with lines. */
class Peer {
  readonly process: Deno.ChildProcess;
  readonly lines: AsyncGenerator<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor([program, ...args]: readonly string[]) {
    this.process = new Deno.Command(program, {
      args: [...args],
      cwd: suite,
      env: {
        PYTHONPATH: python,
        OMP_NUM_THREADS: "1",
        JAX_PLATFORMS: "cpu",
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.lines = readLines(this.process.stdout);
    this.#writer = this.process.stdin.getWriter();
  }

  /** The next line; `null` at the end. */
  async read(): Promise<string | null> {
    const { value, done } = await this.lines.next();
    return done ? null : value;
  }

  async write(line: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }

  kill(): void {
    try {
      this.process.kill("SIGKILL");
    } catch {
      // The process has ended.
    }
  }
}

/** The outcome of a tool for one input of a function. */
interface Outcome {
  readonly input: string;
  readonly name: string;
  isValid: boolean;
  /** Milliseconds of a run; NaN if there was none. */
  readonly time: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

interface Response {
  readonly success?: boolean;
  readonly error?: string;
  readonly timings?: readonly { readonly nanoseconds: number }[];
}

/** Connects an eval and a tool; returns `null` if the tool does not have the eval. */
async function session(name: string, tool: string): Promise<readonly Outcome[] | null> {
  const sizes = values.full ? [] : SIZES[name];
  const runs = name === "hello" ? [] : RUNS;
  const judge = new Peer([
    "python3",
    `${python}/gradbench/evals/${name}/run.py`,
    ...sizes,
    ...runs,
  ]);
  const subject = new Peer(commands[tool]);
  const outcomes = new Map<number, Outcome>();
  const limit = setTimeout(() => {
    console.error(`${tool} on ${name}: not done after ${LIMIT} seconds`);
    [judge, subject].forEach((peer) => peer.kill());
  }, 1000 * LIMIT);
  let isKnown = false;
  try {
    for (let line = await judge.read(); line !== null; line = await judge.read()) {
      const message = JSON.parse(line);
      if (message.kind === "analysis") {
        const outcome = outcomes.get(message.of);
        if (outcome !== undefined) outcome.isValid = message.valid;
        if (!message.valid) console.error(`${tool} on ${name}: ${message.error}`.slice(0, 500));
      }
      await subject.write(line);
      const answer = await subject.read();
      if (answer === null) break;
      await judge.write(answer);
      const response: Response = JSON.parse(answer);
      if (message.kind === "define") isKnown = response.success === true;
      if (message.kind !== "evaluate") continue;
      if (!response.success) {
        console.error(`${tool} on ${name}: ${response.error ?? "no success"}`.slice(0, 1000));
      }
      const all = (response.timings ?? []).map(({ nanoseconds }) => nanoseconds / 1e6);
      outcomes.set(message.id, {
        input: message.description ?? "",
        name: message.function,
        isValid: false,
        time: median(all.length > 1 ? all.slice(1) : all),
      });
    }
  } finally {
    clearTimeout(limit);
    [judge, subject].forEach((peer) => peer.kill());
  }
  return isKnown ? [...outcomes.values()] : null;
}

/** The reference values come from the suite's programs in C++. */
function buildReference(name: string): void {
  if (["hello", "particle", "saddle"].includes(name)) return;
  const { success, stderr } = new Deno.Command("make", {
    args: ["-C", `${suite}/tools/manual`, `bin/${name}`],
    stdout: "null",
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function show(outcomes: readonly Outcome[] | null, name: string, input: string): string {
  const found = outcomes?.find((one) => one.name === name && one.input === input);
  if (found === undefined) return "";
  if (!found.isValid) return "wrong";
  return Number.isNaN(found.time) ? "valid" : found.time.toPrecision(3);
}

console.log(`${new Date().toISOString().slice(0, 10)}, one thread, milliseconds\n`);
console.log(`| eval | function | input | ${tools.join(" | ")} |`);
console.log(`|---|---|---|${tools.map(() => "--:").join("|")}|`);
const counts = tools.map(() => ({ valid: 0, all: 0 }));
for (const name of names) {
  buildReference(name);
  const all: (readonly Outcome[] | null)[] = [];
  for (const tool of tools) all.push(await session(name, tool));
  all.forEach((outcomes, i) => {
    counts[i].all += outcomes?.length ?? 0;
    counts[i].valid += outcomes?.filter(({ isValid }) => isValid).length ?? 0;
  });
  const functions = new Set(all.flatMap((outcomes) => outcomes?.map(({ name }) => name) ?? []));
  for (const one of functions) {
    const own = all.map((outcomes) => outcomes?.filter(({ name }) => name === one) ?? []);
    // The largest input that every tool with this eval has completed.
    const known = own.filter((outcomes) => outcomes.length > 0);
    const last = Math.min(...known.map((outcomes) => outcomes.length)) - 1;
    const input = known[0][last].input;
    const cells = all.map((outcomes) => show(outcomes, one, input));
    console.log(`| ${name} | ${one} | ${input} | ${cells.join(" | ")} |`);
  }
}
console.log("\nValid answers, over all inputs:");
tools.forEach((tool, i) => console.log(`- ${tool}: ${counts[i].valid} of ${counts[i].all}`));

/**
 * The gate: `deno task ok` runs every step, `deno task ok lint check` only the named ones. Tests, engines,
 * doctests, examples, the gallery and benchmarks run in parallel, one per processor, the longest first. It
 * prints each step's output and time, a table, and finally `N passed, N failed`, where each test counts as
 * one and so does each step that is not a test run.
 *
 * @module
 */
import { sideBySide } from "./tools.ts";

interface Step {
  readonly group: string;
  readonly name: string;
  readonly args: readonly string[];
  /** Its environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the step's tests are counted individually. */
  readonly tests?: boolean;
  /** The approximate duration in seconds. */
  readonly seconds?: number;
}

interface Outcome {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** The end of a failed step's output; for a test run, its errors. */
  readonly errors: string;
}

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
}

const root = new URL("../", import.meta.url);
const manifest: Manifest = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));

function exists(path: string): boolean {
  try {
    Deno.statSync(new URL(path, root));
    return true;
  } catch {
    return false;
  }
}

/** The files of a folder and its subfolders whose names match, sorted; empty if the folder does not exist. */
function filesIn(folder: string, pattern: RegExp): string[] {
  if (!exists(folder)) return [];
  return [...Deno.readDirSync(new URL(`${folder}/`, root))]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, isDirectory }) => {
      if (isDirectory) return filesIn(`${folder}/${name}`, pattern);
      return pattern.test(name) ? [`${folder}/${name}`] : [];
    });
}

function whereThereAre(paths: readonly string[]): string[] {
  return paths.filter(exists);
}

function each(group: string, files: readonly string[], args: readonly string[]): Step[] {
  return files.map((file) => ({ group, name: file, args: [...args, file] }));
}

/** Durations of the longest test files in seconds, on two cores of an AMD EPYC; all others take at most 8. */
const SECONDS: Readonly<Record<string, number>> = {
  "tests/laws_test.ts": 150,
  "tests/backends/xla/laws_test.ts": 150,
  "tests/fuzz_test.ts": 35,
  "tests/control/shard_map_laws_test.ts": 30,
  "tests/functions/complex_laws_test.ts": 30,
  "tests/compositions_test.ts": 25,
  "tests/functions/collectives_laws_test.ts": 20,
  "tests/backends/wasm/fuzz_test.ts": 20,
  "tests/control/bounded_loop_test.ts": 15,
  "tests/backends/wasm/kernels/float32_math_test.ts": 13,
  "tests/numeric/fft_test.ts": 12,
  "tests/backends/wasm/plan_memory_test.ts": 12,
  "tests/backends/wasm/kernels/convolution_test.ts": 11,
  "tests/backends/wasm/kernels/product_test.ts": 10,
  "tests/backends/wasm/fourier_test.ts": 10,
  "tests/backends/wasm/kernels/linalg_test.ts": 10,
  "tests/backends/wasm/memory/recompute_test.ts": 10,
  "tests/control/call_test.ts": 10,
  "tests/functions/range_test.ts": 10,
};

/** Test files in `count` steps of about the same length: each file, the longest first, goes to the shortest step. */
function dealt(
  group: string,
  files: readonly string[],
  count: number,
  args: (files: readonly string[]) => readonly string[],
  secondsOf: (file: string) => number,
  env: Step["env"] = {},
): Step[] {
  const hands = Array.from({ length: count }, () => ({ files: [] as string[], seconds: 0 }));
  for (const file of files.toSorted((a, b) => secondsOf(b) - secondsOf(a))) {
    const hand = hands.reduce((least, one) => one.seconds < least.seconds ? one : least);
    hand.files.push(file);
    hand.seconds += secondsOf(file);
  }
  return hands.map(({ files, seconds }, i) => ({
    group,
    name: `${group} ${i + 1} of ${count}`,
    args: args(files),
    env,
    tests: true,
    seconds,
  }));
}

function allSteps(): Step[] {
  const sources = whereThereAre([
    ...["mod.ts", "src", "tests", "bench", "examples", ".ci", "docs/gallery"],
  ]);
  const documented = [
    ...whereThereAre(["mod.ts", "README.md"]),
    ...filesIn("src", /\.ts$/),
    ...filesIn("docs", /\.md$/),
  ];
  const tests = filesIn("tests", /(^|[._])test\.ts$/);
  const ofXla = tests.filter((path) => path.startsWith("tests/backends/xla/"));
  const ofWebGpu = tests.filter((path) => path.startsWith("tests/backends/webgpu/"));
  const run = ["test", "--no-check", "--no-prompt"];
  // Nothing is left out, unlike in a plain `deno test`: see tests/support/part.ts.
  const whole = ["--", "--whole"];
  const layers = ["test", "--no-check", "--allow-read=.", "tests/layers_test.ts"];
  const endings = ["test", "--no-check", "--no-prompt", "--allow-read=.", "--allow-run"];
  const engines = "tests/backends/wasm/engines";
  // Without SIMD nothing is compiled.
  const kernelsFor = (engine: string) =>
    engine.endsWith("/no_simd.ts") ? [] : ["tests/backends/wasm/kernels"];
  // An example is a file directly in the folder; the files in its subfolders belong to examples.
  const examples = filesIn("examples", /\.ts$/).filter((path) => path.split("/").length === 2);
  const gallery = filesIn("docs/gallery", /^(?!show|programs).*\.ts$/);
  const benches = filesIn("bench", /_bench\.ts$/);
  return [
    { group: "fmt", name: "fmt", args: ["fmt", "--check"] },
    { group: "lint", name: "lint", args: ["lint"] },
    { group: "check", name: "check", args: ["check", ...sources] },
    // The settings of a project that imports the clone and has options of its own.
    {
      group: "check",
      name: "check by default",
      args: ["check", "--no-config", ...Object.values(manifest.exports)],
    },
    { group: "doc", name: "doc", args: ["doc", "--lint", ...Object.values(manifest.exports)] },
    { group: "doc", name: "coming from", args: ["run", "-A", ".ci/coming_from.ts", "--check"] },
    { group: "doc", name: "where it runs", args: ["run", "-A", ".ci/where_it_runs.ts", "--check"] },
    {
      group: "doc",
      name: "list of the gallery",
      args: ["run", "--allow-read=.", ".ci/gallery.ts"],
    },
    { group: "doc", name: "api", args: ["run", "-A", ".ci/api.ts"] },
    { group: "doc", name: "pictures", args: ["run", "-A", ".ci/pictures.ts", "--check"] },
    { group: "layers", name: "layers", args: layers },
    ...dealt("test", tests, 9, (files) => [...run, ...files, ...whole], (file) =>
      // Without permissions, benchmarks of other devices are ignored.
      [...ofXla, ...ofWebGpu].includes(file) ? 1 : SECONDS[file] ?? 1.5),
    {
      group: "endings",
      name: "endings",
      args: [...endings, "tests/backends/wasm/threads/endings_test.ts"],
      tests: true,
    },
    {
      group: "endings",
      name: "checkpoints in a folder",
      args: [...run, "--allow-read", "--allow-write", "tests/train/folder_test.ts"],
      tests: true,
    },
    {
      group: "plugin",
      name: "xla plugin",
      args: ["run", "-A", "src/backends/xla/install.ts", "cpu"],
    },
    ...dealt(
      "xla",
      ofXla,
      4,
      (files) => [...run, "-A", ...files, ...whole],
      (file) => SECONDS[file] ?? 15,
    ),
    {
      group: "xla",
      name: "sharded transformer",
      args: ["run", "--no-prompt", "-A", "examples/sharded_transformer.ts", "--devices"],
    },
    {
      group: "xla",
      name: "shard map",
      args: ["run", "--no-prompt", "-A", "examples/shard_map.ts", "--devices"],
    },
    { group: "xla", name: "jax", args: ["run", "-A", ".ci/jax.ts"] },
    {
      group: "xla",
      name: "bench/gpu.ts on the CPU",
      args: ["run", "-A", "bench/gpu.ts", "--device", "cpu", "--small"],
    },
    { group: "adapter", name: "webgpu adapter", args: ["run", "-A", ".ci/webgpu.ts"] },
    ...dealt(
      "webgpu",
      ofWebGpu,
      2,
      (files) => [...run, "-A", ...files, ...whole],
      (file) => SECONDS[file] ?? 15,
      { JACOBI_WEBGPU: "1" },
    ),
    {
      group: "webgpu",
      name: "webgpu in Chromium",
      args: ["run", "-A", ".ci/webgpu_page.ts"],
      seconds: 60,
    },
    ...filesIn(engines, /^(?!suite).*\.ts$/).map((engine) => ({
      group: "engines",
      name: engine,
      args: [
        ...["test", "--no-check", "--no-prompt", `--preload=${engine}`],
        ...[`${engines}/suite.ts`, ...kernelsFor(engine), ...whole],
      ],
      tests: true,
      seconds: 140,
    })),
    {
      group: "doctest",
      name: "doctest",
      args: ["run", "-A", ".ci/doctest.ts", ...documented],
      tests: true,
      seconds: 50,
    },
    {
      group: "notebooks",
      name: "notebooks",
      args: ["run", "-A", ".ci/notebooks.ts"],
      seconds: 60,
    },
    { group: "npm", name: "npm", args: ["run", "-A", ".ci/npm.ts"] },
    { group: "site", name: "site", args: ["run", "-A", ".ci/site.ts"] },
    { group: "site", name: "site in Chromium", args: ["run", "-A", ".ci/site_check.ts"] },
    { group: "install", name: "install", args: ["run", "-A", ".ci/install.ts"], seconds: 120 },
    {
      group: "playground",
      name: "playground in Chromium",
      args: ["run", "-A", ".ci/playground_page.ts"],
      tests: true,
    },
    { group: "runtimes", name: "runtimes", args: ["run", "-A", ".ci/runtimes.ts"] },
    ...each("examples", examples, ["run", "--no-prompt"]),
    ...each("gallery", gallery, ["run", "--no-prompt"]),
    ...each("bench", benches, ["run", "--no-prompt", "--preload=.ci/once.ts"]),
    { group: "publish", name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
  ];
}

/** The groups whose steps run in order before all others. */
const before = ["fmt", "lint", "check", "doc", "layers", "endings", "plugin", "adapter"];

/** The groups whose steps are independent. */
const independent = [
  ...["test", "xla", "webgpu", "engines", "doctest", "notebooks", "install"],
  ...["examples", "gallery", "bench"],
];

/** The groups whose steps run in order after all others: some use all processors. */
const after = ["npm", "runtimes", "playground", "site", "publish"];

const groups = [...before, ...independent, ...after];

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

/** Runs a Deno command; its output is passed to `show` as it arrives, and returned. */
async function runDeno(
  args: readonly string[],
  env: Step["env"],
  show: (text: string) => void,
): Promise<{ success: boolean; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    // Escape codes for colours would separate the numbers of the test summary.
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  async function follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      show(text);
      output += text;
    }
  }
  const [{ success }] = await Promise.all([
    child.status,
    follow(child.stdout),
    follow(child.stderr),
  ]);
  if (output !== "" && !output.endsWith("\n")) show("\n");
  return { success, output };
}

/** The counts of the last test summary; `undefined` if the run ended before printing one. */
function readCounts(output: string): { passed: number; failed: number } | undefined {
  const summary = /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/gm;
  const last = [...output.matchAll(summary)].at(-1);
  return last && { passed: Number(last[1]), failed: Number(last[2]) };
}

/** The part of a failed step's output that is printed again. */
function endOf(output: string): string {
  const lines = output.slice(Math.max(output.lastIndexOf("\n ERRORS "), 0)).trim().split("\n");
  const shown = lines.length > 100 ? [...lines.slice(0, 60), "...", ...lines.slice(-40)] : lines;
  return shown.join("\n");
}

/** Runs one step and passes its output to `show`. */
async function runStep(step: Step, show: (text: string) => void): Promise<Outcome> {
  const shown = step.args.slice(0, 12).join(" ");
  show(`\n==== ${step.name}: deno ${shown}${step.args.length > 12 ? " ..." : ""}\n`);
  const start = performance.now();
  const { success, output } = await runDeno(step.args, step.env, show);
  const seconds = (performance.now() - start) / 1000;
  const counts = step.tests ? readCounts(output) : undefined;
  const outcome = {
    name: step.name,
    passed: counts ? counts.passed : Number(success && !step.tests),
    // A run can fail without a failed test: a type error, an error while loading, a leak.
    failed: Math.max(counts ? counts.failed : 0, Number(!success)),
    seconds,
    errors: success ? "" : endOf(output),
  };
  show(`---- ${step.name}: ${outcome.failed > 0 ? "FAILED" : "ok"} in ${seconds.toFixed(1)} s\n`);
  return outcome;
}

/** Runs steps in parallel, the longest first; the output of each is shown at its end. */
function runIndependent(steps: readonly Step[]): Promise<Outcome[]> {
  const longestFirst = steps.toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0));
  return sideBySide(longestFirst, async (step) => {
    let output = "";
    const outcome = await runStep(step, (text) => output += text);
    write(output);
    return outcome;
  });
}

async function runInOrder(steps: readonly Step[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const step of steps) outcomes.push(await runStep(step, write));
  return outcomes;
}

function printTable(outcomes: readonly Outcome[], empty: readonly string[]): void {
  const width = Math.max(6, ...outcomes.map(({ name }) => name.length));
  write(`\n${"step".padEnd(width)}  passed  failed   seconds\n`);
  for (const { name, passed, failed, seconds } of outcomes) {
    const columns = [
      name.padEnd(width),
      String(passed).padStart(6),
      String(failed).padStart(6),
      seconds.toFixed(1).padStart(8),
    ];
    write(`${columns.join("  ")}${failed > 0 ? "  FAILED" : ""}\n`);
  }
  for (const group of empty) write(`${group.padEnd(width)}       0       0  none to run\n`);
}

async function main(): Promise<number> {
  const unknown = Deno.args.filter((name) => !groups.includes(name));
  if (unknown.length > 0) {
    write(`Cannot run ${unknown.join(", ")}: the steps are ${groups.join(", ")}\n`);
    write("0 passed, 1 failed\n");
    return 1;
  }
  const chosen = Deno.args.length > 0 ? Deno.args : groups;
  const steps = allSteps().filter(({ group }) => chosen.includes(group));
  const stepsOf = (names: readonly string[]): Step[] =>
    names.flatMap((name) => steps.filter(({ group }) => group === name));
  const outcomes = [
    ...await runInOrder(stepsOf(before)),
    ...await runIndependent(stepsOf(independent)),
    ...await runInOrder(stepsOf(after)),
  ];
  printTable(outcomes, chosen.filter((name) => !steps.some(({ group }) => group === name)));
  // Printed again, because the whole output is too long to search if only its end is kept.
  for (const { name, errors } of outcomes) if (errors !== "") write(`\n==== ${name}\n${errors}\n`);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  write(`\n${passed} passed, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

try {
  Deno.exit(await main());
} catch (error) {
  write(`${error instanceof Error ? error.stack : error}\n0 passed, 1 failed\n`);
  Deno.exit(1);
}

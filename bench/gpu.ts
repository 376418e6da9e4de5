/**
 * How fast is Jacobi on an NVIDIA GPU, compared with JAX and PyTorch?
 *
 *     deno run -A bench/gpu.ts
 *
 * It needs a GPU with NVIDIA's driver, XLA's plugin for CUDA (installed by
 * `deno run -A src/backends/xla/install.ts cuda13`, or named by `JACOBI_PJRT_PLUGIN`), and a Python with JAX
 * for CUDA and PyTorch; if one of the two is missing, the other is measured. Each contender is a process of
 * its own. They run in turn, round by round; a sample ends when its results are computed. float32 products
 * are in full precision for all: TF32 is off. The script fails if Jacobi does.
 *
 * Options:
 * - `--device gpu|cpu`: `cpu` runs the same works on the plugin for CPUs
 * - `--small`: tiny sizes, to check that everything runs
 * - `--rounds N`, `--seconds N`: the number of rounds, and the seconds of each measurement
 * - `--limit N`: the timeout of an answer in seconds; 600 by default
 * - `--python PATH`: the Python to use; `python3` by default
 *
 * @module
 */
import { parseArgs } from "node:util";
import { cpus } from "node:os";
import { DTYPES } from "../src/base/dtype.ts";
import type { Contender } from "./compare/contenders.ts";
import type { Options } from "./compare/options.ts";
import { Process } from "./compare/process.ts";
import { formatRatio, formatTable, formatTime } from "./compare/report.ts";
import { median } from "./compare/statistics.ts";
import type { Task } from "./compare/works.ts";

type Device = "gpu" | "cpu";

const OWN = "Jacobi, XLA";

/** The contenders on a device. */
function contendersOn(device: Device): Contender[] {
  const isGpu = device === "gpu";
  return [
    { name: OWN, file: "jacobi.ts", environment: { JACOBI_ON: isGpu ? "gpu" : "xla" } },
    {
      name: "JAX",
      file: "jax_peer.py",
      environment: {
        JAX_PLATFORMS: isGpu ? "cuda" : "cpu",
        // All processes exist at the same time.
        XLA_PYTHON_CLIENT_PREALLOCATE: "false",
      },
    },
    {
      name: "PyTorch",
      file: "torch_peer.py",
      environment: { BENCH_DEVICE: isGpu ? "cuda" : "cpu" },
    },
  ].map((contender) => ({ ...contender, compiles: contender.name !== "PyTorch" }));
}

/** The works, in the dtypes that Jacobi has. The transformer has 111 million parameters. */
function worksOf(small: boolean): readonly [name: string, task: Task][] {
  const size = small ? 128 : 8192;
  const [images, pixels] = small ? [2, 32] : [32, 224];
  const transformer = small
    ? { layers: 2, width: 32, heads: 2, batch: 2, length: 16, tokens: 64 }
    : { layers: 12, width: 768, heads: 12, batch: 8, length: 512, tokens: 16384 };
  const { layers, width, batch, length } = transformer;
  const dtypes = (["float32", "bfloat16"] as const).filter((dtype) =>
    (DTYPES as readonly string[]).includes(dtype)
  );
  return [
    ...dtypes.map((dtype): [string, Task] => [
      `matmul ${size}, ${dtype}`,
      { kind: "matmul", size, dtype },
    ]),
    [`ResNet-18 training step, ${images}x3x${pixels}x${pixels}`, {
      kind: "resnetStep",
      batch: images,
      size: pixels,
    }],
    [`transformer training step, ${layers} layers of ${width}, ${batch}x${length}`, {
      kind: "transformerStep",
      ...transformer,
    }],
  ];
}

/** Reports why nothing can be measured, and exits. */
function fail(reason: string): never {
  console.error(reason);
  Deno.exit(1);
}

function readArguments(): {
  readonly device: Device;
  readonly small: boolean;
  readonly options: Options;
} {
  const text = { type: "string" } as const;
  let values;
  try {
    ({ values } = parseArgs({
      args: Deno.args,
      options: {
        device: text,
        small: { type: "boolean" },
        rounds: text,
        seconds: text,
        limit: text,
        python: text,
      },
    }));
  } catch (error) {
    fail((error as Error).message);
  }
  const { device = "gpu", small = false, python = "python3" } = values;
  if (device !== "gpu" && device !== "cpu") {
    fail(`Expected gpu or cpu after --device, got ${device}`);
  }
  const number = (name: "rounds" | "seconds" | "limit", otherwise: number) => {
    const value = Number(values[name] ?? otherwise);
    return value > 0 ? value : fail(`Expected a positive number after --${name}`);
  };
  const options: Options = {
    quick: small,
    json: false,
    only: [],
    contenders: [],
    threads: [navigator.hardwareConcurrency],
    rounds: number("rounds", small ? 1 : 5),
    seconds: number("seconds", small ? 0.1 : 2),
    limit: number("limit", 600),
    python,
  };
  return { device, small, options };
}

/** The hardware, in words. */
function describeDevice(device: Device): string {
  const processor = cpus()[0]?.model ?? "an unknown processor";
  if (device === "cpu") return processor;
  try {
    const { success, stdout } = new Deno.Command("nvidia-smi", {
      args: ["--query-gpu=name,driver_version", "--format=csv,noheader"],
    }).outputSync();
    const [first = ""] = new TextDecoder().decode(stdout).split("\n");
    if (success && first !== "") return `${first.trim().replace(", ", ", driver ")}, ${processor}`;
  } catch { /* The tool is not there. */ }
  return `a GPU that nvidia-smi does not tell of, ${processor}`;
}

const { device, small, options } = readArguments();
const notes: string[] = [];
const versions: Record<string, string> = {};

/** Starts a contender; returns `null`, with a note, if it cannot run. */
async function start(contender: Contender): Promise<Process | null> {
  let reason;
  try {
    const process = new Process(contender, options.threads[0], options);
    const hello = await process.hello();
    if ("versions" in hello) {
      Object.assign(versions, hello.versions);
      return process;
    }
    await process.stop();
    reason = "unavailable" in hello ? hello.unavailable : hello.fails;
  } catch (error) {
    reason = `${options.python} cannot be run (${(error as Error).message}), name one by --python`;
  }
  if (contender.name === OWN) {
    fail(
      `Cannot measure Jacobi: ${reason}\nIt needs ${
        device === "gpu" ? "a GPU of NVIDIA's, its driver, and the plugin for CUDA" : "a plugin"
      }; deno run -A src/backends/xla/install.ts ${
        device === "gpu" ? "cuda13" : "cpu"
      } installs one. Without a GPU, --device cpu --small shows that the rest works.`,
    );
  }
  notes.push(`${contender.name} is missing: ${reason}`);
  return null;
}

const processes: Process[] = [];
for (const contender of contendersOn(device)) {
  const process = await start(contender);
  if (process !== null) processes.push(process);
}

/** The medians of a work, one for each contender that has it. */
async function measure(name: string, task: Task): Promise<(number | undefined)[]> {
  const { seconds, limit } = options;
  const work = { name, group: name, task };
  const times: number[][] = processes.map(() => []);
  const missing = processes.map(() => false);
  for (let round = 0; round < options.rounds; round++) {
    for (const [i, process] of processes.entries()) {
      if (missing[i]) continue;
      const answer = await process.measure({ work, seconds, longest: limit });
      if ("median_ms" in answer) times[i].push(answer.median_ms);
      else {
        missing[i] = true;
        notes.push(`${process.contender.name}, ${name}: ${answer.missing}`);
      }
    }
  }
  return times.map((all) => all.length === 0 ? undefined : median(all));
}

const [own, ...peers] = processes.map(({ contender }) => contender.name);
const rows: string[][] = [];
let failed = false;
for (const [name, task] of worksOf(small)) {
  const [first, ...others] = await measure(name, task);
  failed ||= first === undefined;
  const ratios = others.map((time) =>
    first === undefined || time === undefined ? "-" : formatRatio(first / time)
  );
  rows.push([name, ...[first, ...others].map(formatTime), ...ratios]);
}
for (const process of processes) await process.stop();

console.log([
  `Measured on ${new Date().toISOString().slice(0, 10)}, ${describeDevice(device)}.`,
  `Versions: ${
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")
  }.`,
  `Command: \`deno run -A bench/gpu.ts${Deno.args.map((arg) => ` ${arg}`).join("")}\`.`,
  "",
  `Medians in milliseconds of ${options.rounds} round(s). Ratios are Jacobi's time over that of the peer: ` +
  "below 1, Jacobi is faster.",
  "",
  formatTable(["work", own, ...peers, ...peers.map((peer) => `over ${peer}`)], rows),
  "",
  ...notes.map((note) => `- ${note}`),
].join("\n"));
if (failed) Deno.exit(1);

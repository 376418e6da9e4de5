/**
 * Finds results that can be recomputed as fast as they are copied.
 *
 * @module
 */
import { bytesOf, sizeOf } from "../../../base/shape.ts";
import type { Buffer, Lowered } from "../../../lowering/tasks.ts";
import type { MemoryPlan } from "./plan_memory.ts";
import { isHeavy } from "../../../passes/kinds.ts";
import type { Schedule } from "./steps.ts";

/**
 * The maximum work per byte of the result, counted in bytes moved and in operations. Copying a result out of
 * the linear memory moves two bytes per byte, into memory that the system provides page by page, which takes
 * several times as long. Up to this limit, running the program takes about as long as that.
 */
const MOST_WORK = 12;

/**
 * Primitives whose kernels do their operations as fast as loops do: `deno bench
 * bench/large_results_bench.ts` compares them with a copy of their results.
 */
const QUICK: ReadonlySet<string> = new Set([
  ...["fourier", "fourierOfReal", "realOfFourier"],
  ...["contract", "cumsum", "cumprod", "bitcast"],
  ...["gather", "dynamicSlice", "updateSlice", "addSlice", "scatterSet", "scatterOnto"],
]);

/** The cost of a function that is expensive per element, in operations. */
const HEAVY_OPERATIONS = 6;

/**
 * The buffers of large results that may be dropped and recomputed: the program must consist of loops and
 * quick kernels and do little work for each result. Empty for all other programs.
 */
export function findRecomputable(
  lowered: Lowered,
  { summaries, steps }: Schedule,
  { outputs }: MemoryPlan,
  isDonated: readonly boolean[],
): ReadonlySet<number> {
  const large = outputs.filter(({ offset }) => offset === null);
  const none: ReadonlySet<number> = new Set();
  if (large.length === 0 || isDonated.includes(true)) return none;
  const { buffers, results, tasks } = lowered;
  // Arguments and constants that are returned unchanged are not computed.
  const isMade = results.every((one) => "buffer" in one && buffers[one.buffer].source === null);
  // Steps of the evaluator are not fast.
  if (!isMade || steps.some((step) => "task" in step)) return none;
  let work = 0;
  for (const { operations, bytes } of summaries) work += operations + bytes;
  for (const task of tasks) {
    if (task.kind === "kernel" && QUICK.has(task.equation.primitive.name)) continue;
    if (task.kind !== "nest") return none;
    const { nodes, lengths } = task.nest;
    const heavy = nodes.filter((node) => node.kind === "map" && isHeavy(node.operation)).length;
    work += heavy * HEAVY_OPERATIONS * sizeOf(lengths);
  }
  const total = (all: readonly Buffer[]) => all.reduce((sum, one) => sum + bytesOf(one), 0);
  const own = large.map(({ buffer }) => buffer);
  const most = MOST_WORK * total(own.map((buffer) => buffers[buffer]));
  // Arguments stay in memory as long as results may be recomputed from them, even if few of their elements
  // are read.
  const isKeeping = total(buffers.filter(({ source }) => source !== null)) > most;
  return work <= most && !isKeeping ? new Set(own) : none;
}

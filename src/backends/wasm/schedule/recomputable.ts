/**
 * Which results are computed again as quickly as they are copied.
 *
 * @module
 */
import { byteSize } from "../../../base/dtype.ts";
import { sizeOf } from "../../../base/shape.ts";
import type { Lowered } from "../../../lowering/tasks.ts";
import type { MemoryPlan } from "./plan_memory.ts";
import { isHeavy } from "../../../passes/kinds.ts";
import type { Schedule } from "./steps.ts";

/**
 * The most work for each byte of the result, counted in bytes moved and in operations. Copying a
 * result out of the linear memory moves two, to memory that the system hands out page by page, which
 * takes several times as long; up to this limit a program takes about as long as that.
 */
const MOST_WORK = 12;

/** What a function counts for that takes long for each element, in operations. */
const HEAVY_OPERATIONS = 6;

/**
 * The buffer of the one large result of a program of loops that does so little for it that it may be
 * dropped and computed again, or `null` for programs that are not of this kind.
 */
export function findRecomputable(
  lowered: Lowered,
  { summaries }: Schedule,
  { outputs }: MemoryPlan,
  isDonated: readonly boolean[],
): number | null {
  const large = outputs.filter(({ offset }) => offset === null);
  if (large.length !== 1 || isDonated.includes(true)) return null;
  const { buffers, results, tasks } = lowered;
  // Arguments and constants that are passed on are not computed.
  const isMade = results.every((one) => "buffer" in one && buffers[one.buffer].source === null);
  if (!isMade) return null;
  let work = 0;
  for (const { operations, bytes } of summaries) work += operations + bytes;
  for (const task of tasks) {
    if (task.kind !== "nest") return null;
    const { nodes, lengths } = task.nest;
    const heavy = nodes.filter((node) => node.kind === "map" && isHeavy(node.operation)).length;
    work += heavy * HEAVY_OPERATIONS * sizeOf(lengths);
  }
  const [{ buffer }] = large;
  const { dtype, shape } = buffers[buffer];
  return work <= MOST_WORK * byteSize(dtype) * sizeOf(shape) ? buffer : null;
}

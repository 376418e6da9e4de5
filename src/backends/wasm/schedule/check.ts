/**
 * The specification of steps, as a check that tests run on all schedules: the invariants that code
 * generation, memory planning and threads rely on. It does not verify that chunks may run in any order:
 * tests run them in several orders.
 *
 * @module
 */
import { demand, isCount } from "../../../lowering/check.ts";
import type { Lowered } from "../../../lowering/tasks.ts";
import { chunksOf } from "../kernels/kernel.ts";
import type { Order } from "../kernels/kernel.ts";
import type { HostStep, Schedule, Step } from "./steps.ts";

function checkParts(parts: readonly (number | Order)[], place: string): void {
  for (const part of parts) {
    if (typeof part === "number") demand(isCount(part), place, `a part of ${part} chunks`);
    else {
      demand(isCount(part.rounds), place, `${part.rounds} rounds`);
      checkParts(part.parts, place);
    }
  }
}

/** Throws if a schedule violates the specification in `Schedule`. */
export function checkSchedule({ steps, areas }: Schedule, { buffers }: Lowered): void {
  demand(areas.length >= buffers.length, "areas", `${areas.length} for ${buffers.length} buffers`);
  demand(areas.every(isCount), "areas", `of ${areas} bytes`);
  const isArea = (area: number): boolean => isCount(area) && area < areas.length;

  function checkStep({ calls, chunks, rows, order, open }: Step, place: string): void {
    demand(calls.length > 0, place, "nothing is called");
    demand(isCount(chunks), place, `${chunks} chunks`);
    if (rows !== null) {
      const { count, perChunk } = rows;
      demand(
        perChunk >= 1 && chunks === Math.ceil(count / perChunk),
        place,
        `${chunks} chunks of rows`,
      );
    }
    if (order !== null) {
      checkParts(order.parts, place);
      demand(chunksOf(order) === chunks, place, `${chunks} chunks of ${chunksOf(order)} in order`);
    }
    if (open !== null) {
      checkParts([...open.order.asked, ...open.order.done], place);
      demand(isArea(open.counter) && areas[open.counter] === 0, place, "the counter has memory");
      demand(order === null && rows === null, place, "both open and in order");
    }
    for (const call of calls) {
      const own = `${place}, ${call.name}`;
      demand(call.slots.every(isArea), own, `areas ${call.slots} of ${areas.length}`);
      demand(
        call.rows.every((area) => call.slots.includes(area)),
        own,
        "writes what it does not take",
      );
      demand(call.inPlace.flat().every(isArea), own, "areas that are not there");
    }
  }

  function checkHost({ task }: HostStep, place: string): void {
    demand([...task.inputs, ...task.outputs].every(isArea), place, "areas that are not there");
  }

  steps.forEach((step, i) =>
    "task" in step ? checkHost(step, `step ${i} (host)`) : checkStep(step, `step ${i}`)
  );
}

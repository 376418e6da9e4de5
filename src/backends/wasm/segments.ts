/**
 * The segments of a scheduled program, which run one after another, and what a profile shows of them.
 *
 * @module
 */
import { typeOf } from "../../core/program.ts";
import type { Part, SpanInfo } from "../../core/timeline.ts";
import type { KernelSummary } from "../backend.ts";
import { totalBytes } from "../spans.ts";
import type { Timed } from "./kernels/timers.ts";
import type { HostStep, Schedule, Step } from "./schedule/steps.ts";

/** Steps that run in one call, or a step of the evaluator between two such calls. */
export type Segment = Step[] | HostStep;

/** Splits the steps at those of the evaluator, and before each kernel if kernels are timed. */
export function divide({ steps }: Schedule, isTimed: boolean): Segment[] {
  const segments: Segment[] = [];
  for (const step of steps) {
    const last = segments.at(-1);
    if ("task" in step) segments.push(step);
    else if (Array.isArray(last) && (!isTimed || step.goesOn)) last.push(step);
    else segments.push([step]);
  }
  return segments;
}

/** Information about a segment before it runs. */
export function infoOf(segment: Segment, summaries: readonly KernelSummary[]): SpanInfo {
  if (!Array.isArray(segment)) {
    const { primitive, inputs, outputs } = segment.task.equation;
    const types = [...inputs.map(typeOf), ...outputs.map(({ type }) => type)];
    return { kind: "evaluator", name: primitive.name, bytes: totalBytes(types) };
  }
  const tasks = segment.flatMap(({ tasks }) => tasks);
  const name = tasks.map(({ name }) => name).join(" ");
  // The work of a loop is that of its parts.
  if (tasks.some((task) => insideOf(task, summaries).length > 0)) return { kind: "kernel", name };
  return {
    kind: "kernel",
    name,
    operations: tasks.reduce((sum, { operations }) => sum + operations, 0),
    bytes: tasks.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The summaries of the kernels in a loop or a switch: those that follow it and are deeper. */
function insideOf(
  summary: KernelSummary,
  summaries: readonly KernelSummary[],
): readonly KernelSummary[] {
  const first = summaries.indexOf(summary) + 1;
  const end = summaries.findIndex(({ depth }, i) => i >= first && depth <= summary.depth);
  return summaries.slice(first, end < 0 ? summaries.length : end);
}

/** The kernels that ran in the loops of a segment, by their timers. */
export function partsOf(
  segment: readonly Step[],
  summaries: readonly KernelSummary[],
  readTimer: (timer: number) => Timed,
): readonly Part[] {
  const partsIn = (summary: KernelSummary): readonly Part[] =>
    insideOf(summary, summaries).flatMap((one) => {
      if (one.depth !== summary.depth + 1) return [];
      const stages = one.timers!.map(({ timer }) => readTimer(timer));
      const runs = stages.length === 0 ? 0 : stages[0].runs / one.timers![0].chunks;
      if (runs === 0) return [];
      const duration = stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      const parts = partsIn(one);
      const { name, operations, bytes } = one;
      const work = parts.length > 0 ? {} : { operations: operations * runs, bytes: bytes * runs };
      return [{ kind: "kernel" as const, name, ...work, runs, duration, parts }];
    });
  return segment.flatMap(({ tasks }) => tasks.flatMap(partsIn));
}

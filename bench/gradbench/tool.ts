/**
 * A tool for the GradBench suite (https://github.com/gradbench/gradbench): reads messages as lines of JSON
 * and answers each with a line, as the suite's protocol specifies.
 *
 *     deno run bench/gradbench/tool.ts [--threads 1]
 *
 * @module
 */
import { configure } from "@jacobi/jacobi";
import { evals } from "./evals/mod.ts";
import type { Prepared } from "./evals/eval.ts";
import { readLines } from "./lines.ts";

interface Input {
  readonly min_runs?: number;
  readonly min_seconds?: number;
}

interface Message {
  readonly id: number;
  readonly kind: string;
  readonly module?: string;
  readonly function?: string;
  readonly input?: unknown;
}

/** Runs a function as often as the input requires; returns the result and the time of each run. */
function evaluate({ run, report }: Prepared, { min_runs = 1, min_seconds = 0 }: Input) {
  const timings: { readonly name: string; readonly nanoseconds: number }[] = [];
  for (let seconds = 0; timings.length < min_runs || seconds < min_seconds;) {
    const start = performance.now();
    run();
    const milliseconds = performance.now() - start;
    seconds += milliseconds / 1000;
    timings.push({ name: "evaluate", nanoseconds: Math.round(1e6 * milliseconds) });
  }
  return { success: true, output: report(), timings };
}

function answer({ kind, module = "", function: name = "", input }: Message): object {
  if (kind === "start") return { tool: "jacobi" };
  if (kind === "define") return { success: module in evals };
  if (kind !== "evaluate") return {};
  try {
    const runs: Input = typeof input === "object" && input !== null ? input : {};
    return evaluate(evals[module][name](input as never), runs);
  } catch (error) {
    return { success: false, error: error instanceof Error ? error.stack : String(error) };
  }
}

if (Deno.args[0] === "--threads") configure({ threads: Number(Deno.args[1]) });
configure({ warnings: false });

for await (const line of readLines(Deno.stdin.readable)) {
  const message: Message = JSON.parse(line);
  console.log(JSON.stringify({ id: message.id, ...answer(message) }));
}

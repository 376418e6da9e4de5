/**
 * The time spent in a function.
 *
 * @module
 */
import { record } from "../core/timeline.ts";
import type { Span, SpanKind } from "../core/timeline.ts";
import type { AnyArgs } from "../core/tree_types.ts";
import { checkFunction, checkSynchronous } from "../transforms/flatten_function.ts";
import { table } from "./table.ts";

export type { Span, SpanInfo, SpanKind } from "../core/timeline.ts";

/**
 * The time of one kernel, operation or step of the runtime, over all of its runs with operands of one
 * size.
 *
 * @category Inspection
 */
export interface ProfileRow {
  /** The kind of work. */
  readonly kind: SpanKind;
  /** The operations of the kernel, the primitive, or the function. */
  readonly name: string;
  /** The number of runs. */
  readonly runs: number;
  /** Milliseconds, excluding those of other rows. */
  readonly milliseconds: number;
  /** The fraction of the time of all rows, from 0 to 1. */
  readonly share: number;
  /** The approximate number of arithmetic operations; 0 if it is not known. */
  readonly operations: number;
  /** The approximate number of bytes read and written; 0 if it is not known. */
  readonly bytes: number;
}

/**
 * The measurements of `profile`.
 *
 * @category Inspection
 */
export interface Profile<Out> {
  /** The result of the function. */
  readonly result: Out;
  /** The duration of the call in milliseconds. */
  readonly milliseconds: number;
  /**
   * The rows, the longest time first. The difference to `milliseconds` is the time of other JavaScript
   * code.
   */
  readonly rows: readonly ProfileRow[];
  /** All recorded spans, in the order in which they ended. */
  readonly spans: readonly Span[];
  /**
   * The spans as JSON in the trace event format of Chromium, for https://ui.perfetto.dev and
   * `chrome://tracing`.
   */
  toTrace(): string;
  /** A table of the rows, with hints about avoidable costs. */
  toString(): string;
}

/** The maximum number of rows in a table. */
const SHOWN = 40;

/** The maximum length of a name in a table. */
const LONGEST = 60;

/**
 * Runs a function once and measures its time: for each kernel of the compiled functions that it calls,
 * each operation outside of them, each operation that the evaluator computes within a compiled
 * function, and for tracing, compiling, and copies out of the backend's memory.
 *
 * Each kernel of a compiled function runs separately, so that the whole takes somewhat longer than
 * without a profile, and the function is compiled once more for it. Call it twice to profile a call
 * without tracing and compilation.
 *
 * A kernel in a loop has one span with the number of its runs and their total time, placed at the start
 * of the loop; of many runs, a part is measured. If threads share the loop, its time is divided in
 * proportion to the times of its kernels on all threads.
 *
 * On WebGPU each pass has a row, with times by the device's clock (`timestamp-query`), or, without that
 * feature, from the submission of the pass to its end. On XLA a compiled function is one row, whose
 * time ends when its results are available. If it is not possible to wait for results, as on the main
 * thread of a browser with WebGPU, a compiled function is one row, too, and its time ends when the work
 * has been submitted.
 *
 * @category Inspection
 * @param f The function, which may call jitted functions or be one; not async.
 * @returns A function of the same arguments that runs `f` and returns the profile.
 * @throws {ArgumentError} when `f` is not a function, or returns a promise.
 *
 * @example A jitted function
 * ```ts
 * import { inspect, jit, matmul, ones } from "@jacobi/jacobi";
 *
 * const profiled = inspect.profile(jit((x) => matmul(x, x).exp().sum()));
 * profiled(ones([256, 256])); // also traced and compiled
 * const { rows, result } = profiled(ones([256, 256]));
 * if (!rows.some(({ name }) => name.includes("contract"))) throw new Error(String(rows));
 * if (rows.some(({ kind }) => kind === "trace")) throw new Error();
 * if (result.shape.length !== 0) throw new Error();
 * ```
 */
export function profile<Args extends AnyArgs, Out>(
  f: (...args: Args) => Out,
): (...args: Args) => Profile<Out> {
  checkFunction(f, "profile");
  return (...args) => {
    const start = performance.now();
    const { result, spans } = record(() => {
      const result = f(...args);
      checkSynchronous(result, "profile");
      return result;
    });
    const milliseconds = performance.now() - start;
    const rows = rowsOf(spans);
    return {
      result,
      milliseconds,
      rows,
      spans,
      toTrace: () => traceOf(spans),
      toString: () => textOf(rows, milliseconds),
    };
  };
}

function rowsOf(spans: readonly Span[]): readonly ProfileRow[] {
  const groups = new Map<string, Span[]>();
  for (const span of spans) {
    const { kind, name, runs = 1, operations = 0, bytes = 0 } = span;
    const key = `${kind} ${name} ${operations / runs} ${bytes / runs}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [span]);
    else group.push(span);
  }
  const total = sum(spans, ({ own }) => own);
  return [...groups.values()].map((group): ProfileRow => {
    const [{ kind, name }] = group;
    const milliseconds = sum(group, ({ own }) => own);
    return {
      kind,
      name,
      runs: sum(group, ({ runs = 1 }) => runs),
      milliseconds,
      share: total === 0 ? 0 : milliseconds / total,
      operations: sum(group, ({ operations = 0 }) => operations),
      bytes: sum(group, ({ bytes = 0 }) => bytes),
    };
  }).sort((a, b) => b.milliseconds - a.milliseconds);
}

function sum<T>(values: readonly T[], f: (value: T) => number): number {
  return values.reduce((total, value) => total + f(value), 0);
}

function textOf(rows: readonly ProfileRow[], milliseconds: number): string {
  const shown = rows.slice(0, SHOWN);
  const lines = shown.map(({ kind, name, runs, milliseconds, share, operations, bytes }) => [
    `${kind}: ${name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name}`,
    String(runs),
    milliseconds.toFixed(3),
    `${(100 * share).toFixed(1)}%`,
    operations === 0 ? "" : perSecond(operations, milliseconds),
    bytes === 0 ? "" : perSecond(bytes, milliseconds),
  ]);
  const parts = [
    table([["", "runs", "ms", "share", "Gop/s", "GB/s"], ...lines]),
    ...(rows.length > SHOWN ? [`and ${rows.length - SHOWN} shorter rows`] : []),
    `${milliseconds.toFixed(3)} ms in all`,
    ...adviceOn(rows),
  ];
  return parts.join("\n");
}

/** Billions per second. */
function perSecond(count: number, milliseconds: number): string {
  return milliseconds === 0 ? "" : (count / milliseconds / 1e6).toFixed(2);
}

/** Hints about avoidable costs. */
function adviceOn(rows: readonly ProfileRow[]): readonly string[] {
  const of = (kind: SpanKind) => rows.filter((row) => row.kind === kind);
  const evaluated = of("evaluator");
  const copied = sum(of("copy"), ({ bytes }) => bytes);
  const traced = sum(of("trace"), ({ runs }) => runs);
  return [
    ...(evaluated.length === 0 ? [] : [
      `Computed by the evaluator within compiled functions, without a kernel: ${
        [...new Set(evaluated.map(({ name }) => name))].join(", ")
      }.`,
    ]),
    ...(copied < 2 ** 24 ? [] : [
      `${
        (copied / 1e6).toFixed(0)
      } MB were copied out of linear memory to make room or to be read: in a ` +
      `loop, donate arguments that are replaced (donateArgnums), or await something now and then so that ` +
      `dropped tensors are collected.`,
    ]),
    ...(traced < 2 ? [] : [
      `${traced} programs were traced: "explain" of a jitted function says why a call is traced again.`,
    ]),
  ];
}

/** Spans as complete events, in microseconds. */
function traceOf(spans: readonly Span[]): string {
  const first = Math.min(...spans.map(({ start }) => start));
  const traceEvents = spans.map(({ kind, name, runs, start, duration, operations, bytes }) => ({
    name,
    cat: kind,
    ph: "X",
    ts: 1000 * (start - first),
    dur: 1000 * duration,
    pid: 1,
    tid: 1,
    args: { kind, runs, operations, bytes },
  }));
  return JSON.stringify({ displayTimeUnit: "ms", traceEvents });
}

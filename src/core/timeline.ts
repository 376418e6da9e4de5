/**
 * The timeline of a profile: nested spans of time, each for one piece of work.
 *
 * @module
 */

/**
 * The purpose of a span of time: tracing a function, compiling a program, running one, one of its
 * kernels, an operation in it that the evaluator computes, an operation outside of compiled functions,
 * or copies of tensors that leave a backend's memory.
 *
 * @category Inspection
 */
export type SpanKind =
  | "trace"
  | "compile"
  | "program"
  | "kernel"
  | "evaluator"
  | "operation"
  | "copy";

/**
 * Information about a span when it begins.
 *
 * @category Inspection
 */
export interface SpanInfo {
  /** Its purpose. */
  readonly kind: SpanKind;
  /** The function, the operations or the primitive. */
  readonly name: string;
  /** The number of arithmetic operations, if it is known. */
  readonly operations?: number;
  /** The number of bytes that are read and written, if it is known. */
  readonly bytes?: number;
}

/**
 * A span of time.
 *
 * @category Inspection
 */
export interface Span extends SpanInfo {
  /** The start: milliseconds of `performance.now()`. */
  readonly start: number;
  /** The duration in milliseconds. */
  readonly duration: number;
  /** The part of the duration that is in no nested span. */
  readonly own: number;
}

/** A recording in progress. */
interface Recording {
  /** The spans that have ended, in the order in which they ended. */
  readonly spans: Span[];
  /** For each open span, the total duration of its nested spans in milliseconds. */
  readonly inner: number[];
}

let recording: Recording | null = null;

/** Whether spans are being recorded. */
export function isRecording(): boolean {
  return recording !== null;
}

/** Runs `f`, and records its duration if a recording is in progress. */
export function span<T>(info: SpanInfo, f: () => T): T {
  const current = recording;
  if (current === null) return f();
  const { spans, inner } = current;
  inner.push(0);
  const start = performance.now();
  try {
    return f();
  } finally {
    const duration = performance.now() - start;
    const own = duration - inner.pop()!;
    if (inner.length > 0) inner[inner.length - 1] += duration;
    spans.push({ ...info, start, duration, own });
  }
}

/**
 * Runs `f` while spans are recorded. If another recording is in progress, these spans are not part of
 * it.
 */
export function record<T>(f: () => T): { readonly result: T; readonly spans: readonly Span[] } {
  const before = recording;
  const own: Recording = { spans: [], inner: [] };
  recording = own;
  try {
    return { result: f(), spans: own.spans };
  } finally {
    recording = before;
  }
}

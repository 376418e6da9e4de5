/**
 * What is done and when, while a profile is made: spans of time that lie within each other.
 *
 * @module
 */

/**
 * What a span of time goes to: tracing a function, compiling a program, running one, one of its kernels,
 * an operation of its that the evaluator computes, an operation outside of compiled functions, or copies
 * of tensors that leave a backend's memory.
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
 * What is known of a span when it begins.
 *
 * @category Inspection
 */
export interface SpanInfo {
  /** What it is spent on. */
  readonly kind: SpanKind;
  /** The function, the operations or the primitive. */
  readonly name: string;
  /** Arithmetic operations, where they are known. */
  readonly operations?: number;
  /** Bytes that are read and written, where they are known. */
  readonly bytes?: number;
}

/**
 * A span of time.
 *
 * @category Inspection
 */
export interface Span extends SpanInfo {
  /** When it began: milliseconds of `performance.now()`. */
  readonly start: number;
  /** How long it took, in milliseconds. */
  readonly duration: number;
  /** The part of it that lies within no other span. */
  readonly own: number;
}

/** A recording in progress. */
interface Recording {
  /** The spans that have ended, in the order of their ends. */
  readonly spans: Span[];
  /** For each span that is open, the milliseconds of the spans in it. */
  readonly inner: number[];
}

let recording: Recording | null = null;

/** Whether spans are being recorded. */
export function isRecording(): boolean {
  return recording !== null;
}

/** Runs `f`, and records how long it takes if anything is being recorded. */
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
 * Runs `f` while spans are recorded, within another recording if there is one, which then goes without
 * them.
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

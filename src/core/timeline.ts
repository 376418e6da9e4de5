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
  /** The number of runs that it is the total of, if there may be several, as in loops. */
  readonly runs?: number;
  /** The start: milliseconds of `performance.now()`. */
  readonly start: number;
  /** The duration in milliseconds. */
  readonly duration: number;
  /** The part of the duration that is in no nested span. */
  readonly own: number;
}

/** A part of a span that was measured in another way than by `span`. */
export interface Part extends SpanInfo {
  /** The number of its runs. */
  readonly runs: number;
  /** Their total duration in milliseconds, including that of parts. */
  readonly duration: number;
  /** Its parts. */
  readonly parts: readonly Part[];
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
 * Records parts of the innermost open span, one after another from `start` on, as far as they are known. If
 * they add up to more than the time since then, as times of several threads do, all are reduced in
 * proportion.
 */
export function spanParts(parts: readonly Part[], start: number): void {
  if (recording === null) return;
  const { spans, inner } = recording;
  const place = (parts: readonly Part[], start: number, most: number): number => {
    const sum = parts.reduce((sum, { duration }) => sum + duration, 0);
    const scale = sum > most ? most / sum : 1;
    let end = start;
    for (const { parts: own, ...part } of parts) {
      const duration = scale * part.duration;
      const within = place(own, end, duration);
      spans.push({ ...part, start: end, duration, own: duration - within });
      end += duration;
    }
    return end - start;
  };
  const taken = place(parts, start, performance.now() - start);
  if (inner.length > 0) inner[inner.length - 1] += taken;
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

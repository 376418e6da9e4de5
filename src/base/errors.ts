/**
 * The library's errors. Messages are in sentence case and active voice, without a final period, and
 * state what was given, what was expected and what to do.
 *
 * @module
 */

/**
 * The folder of the library's sources, given the address of this module: stack frames inside it belong
 * to the library, not to the user. `null` in a bundle, where the library's code has no location of its
 * own.
 */
export function sourceFolder(module: string | undefined): string | null {
  return module?.match(/^(.*\/)base\/errors\.[jt]s$/)?.[1] ?? null;
}

const LIBRARY = sourceFolder(import.meta.url);

/** The library's folder in the form used by stack frames: its address, or its path in Bun. */
const FOLDERS = LIBRARY === null
  ? []
  : [LIBRARY, decodeURIComponent(LIBRARY.replace(/^file:\/\//, ""))];

/** V8's limit on the number of frames of a stack. Other engines have none. */
const engine: ErrorConstructor & { stackTraceLimit?: number | undefined } = Error;

/** The number of frames to search for the user's line. */
const SEARCHED_FRAMES = 100;

/** Whether the engine writes stacks as V8 does; determined when the first error is made. */
let isLikeV8: boolean | undefined;

/** The lines of a stack that name locations. */
function framesOf(stack: string): string[] {
  return stack.split("\n").filter((line) => /^\s+at /.test(line));
}

/**
 * Makes an error whose stack begins at the first frame outside the library, so that the first line is
 * the user's own. The error is created without frames, and the relevant ones are added: runtimes print
 * the frames that an error was created with, even if its `stack` is changed later. The frames are
 * searched for when `stack` is read, since that is the slowest step.
 */
function atUserLine<E extends Error>(message: string, made: (message: string) => E): E {
  const make = () => made(withoutLooseEnd(message));
  const limit = engine.stackTraceLimit;
  try {
    engine.stackTraceLimit = SEARCHED_FRAMES;
    const place = new Error();
    isLikeV8 ??= framesOf(place.stack ?? "").length > 0;
    // The stacks of other engines are not changed.
    if (LIBRARY === null || !isLikeV8) return make();
    engine.stackTraceLimit = 0;
    const error = make();
    const title = `${error.name}: ${error.message}`;
    let stack: unknown;
    Object.defineProperty(error, "stack", {
      configurable: true,
      get: () => stack ??= [title, ...userFrames(place.stack ?? "").map(named)].join("\n"),
      set: (other) => stack = other,
    });
    return error;
  } finally {
    engine.stackTraceLimit = limit;
  }
}

/** The frames of a stack from the user's first one on; all frames if there is none. */
function userFrames(stack: string): string[] {
  const frames = framesOf(stack);
  return frames.slice(Math.max(0, frames.findIndex(isUserFrame)));
}

/** Removes the "of" from "Cannot take the sum of: expected" if there is no name after it. */
function withoutLooseEnd(message: string): string {
  return message.replace(
    /^(Cannot [^:[{("`']*?) (of|by|to|for|from|in|between|with|and): /,
    "$1: ",
  );
}

/** A frame with a placeholder name if it has none: Bun omits unnamed frames of a modified stack. */
function named(frame: string): string {
  if (!("Bun" in globalThis)) return frame;
  return frame.replace(/^(\s+at (?:async )?)([^()]+:\d+:\d+)$/, "$1<anonymous> ($2)");
}

/**
 * The user's line that is running: the first location on the stack outside the library, if there is
 * one. Frames after that of a function named in `until` are ignored.
 */
export function userLocation(until: readonly string[] = []): string | null {
  const limit = engine.stackTraceLimit;
  try {
    engine.stackTraceLimit = SEARCHED_FRAMES;
    const frame = (new Error().stack ?? "").split("\n").slice(1).find((line) =>
      isUserFrame(line) || until.some((name) => line.includes(`at ${name} (`))
    );
    if (frame === undefined || !isUserFrame(frame)) return null;
    return frame.match(/([^\s(]+:\d+:\d+)\)?$/)?.[1] ?? null;
  } finally {
    engine.stackTraceLimit = limit;
  }
}

/** Whether a frame names a location outside the library; the runtime's own frames name no file. */
function isUserFrame(line: string): boolean {
  const isPlace = /:\d+:\d+\)?$/.test(line) && !/[ (]native:\d+:\d+\)?$/.test(line);
  return isPlace && LIBRARY !== null && !FOLDERS.some((folder) => line.includes(folder));
}

/**
 * Shapes that do not fit an operation, or are not shapes at all.
 *
 * See docs/errors.md#shapeerror.
 *
 * @category Errors
 */
export class ShapeError extends TypeError {
  /** The class's name, as printed before the message. */
  override name = "ShapeError";
}

/**
 * A dtype that an operation does not accept.
 *
 * See docs/errors.md#dtypeerror.
 *
 * @category Errors
 */
export class DtypeError extends TypeError {
  /** The class's name, as printed before the message. */
  override name = "DtypeError";
}

/**
 * Trees whose structures differ, or values that are not trees.
 *
 * See docs/errors.md#treeerror.
 *
 * @category Errors
 */
export class TreeError extends TypeError {
  /** The class's name, as printed before the message. */
  override name = "TreeError";
}

/**
 * An axis or a number of axes outside a tensor's range.
 *
 * See docs/errors.md#axiserror.
 *
 * @category Errors
 */
export class AxisError extends RangeError {
  /** The class's name, as printed before the message. */
  override name = "AxisError";
}

/**
 * An index outside the range of its axis.
 *
 * See docs/errors.md#indexerror.
 *
 * @category Errors
 */
export class IndexError extends RangeError {
  /** The class's name, as printed before the message. */
  override name = "IndexError";
}

/**
 * An argument whose shape and dtype are valid, but whose value is not.
 *
 * See docs/errors.md#argumenterror.
 *
 * @category Errors
 */
export class ArgumentError extends TypeError {
  /** The class's name, as printed before the message. */
  override name = "ArgumentError";
}

/**
 * A traced value used where a concrete one is needed, or outside the transform that created it.
 *
 * See docs/errors.md#traceerror.
 *
 * @category Errors
 */
export class TraceError extends TypeError {
  /** The class's name, as printed before the message. */
  override name = "TraceError";
}

/**
 * Work that needs more memory than is available or allowed.
 *
 * See docs/errors.md#memoryerror.
 *
 * @category Errors
 */
export class MemoryError extends RangeError {
  /** The class's name, as printed before the message. */
  override name = "MemoryError";
}

/**
 * A NaN or an infinity, if `configure` makes these an error.
 *
 * See docs/errors.md#nonfiniteerror.
 *
 * @category Errors
 */
export class NonFiniteError extends RangeError {
  /** The class's name, as printed before the message. */
  override name = "NonFiniteError";
}

/** An error that XLA reports: a program that it cannot compile, or work that failed. */
export class XlaError extends Error {
  /** The class's name, as printed before the message. */
  override name = "XlaError";
  /** XLA's name for the kind of error, such as `INVALID_ARGUMENT` or `RESOURCE_EXHAUSTED`. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** An error of a WebGPU device: one that cannot be opened, was lost, or rejected work. */
export class WebGpuError extends Error {
  /** The class's name, as printed before the message. */
  override name = "WebGpuError";
}

/** An internal error of the library, which is never caused by the user. */
export class InternalError extends Error {
  /** The class's name, as printed before the message. */
  override name = "InternalError";
}

/** An error for shapes that do not fit; the stack begins at the user's line. */
export function shapeError(message: string): ShapeError {
  return atUserLine(message, (message) => new ShapeError(message));
}

/** An error for a dtype that does not fit; the stack begins at the user's line. */
export function dtypeError(message: string): DtypeError {
  return atUserLine(message, (message) => new DtypeError(message));
}

/** An error for trees that do not match; the stack begins at the user's line. */
export function treeError(message: string): TreeError {
  return atUserLine(message, (message) => new TreeError(message));
}

/** An error for an axis out of range; the stack begins at the user's line. */
export function axisError(message: string): AxisError {
  return atUserLine(message, (message) => new AxisError(message));
}

/** An error for an index out of range; the stack begins at the user's line. */
export function indexError(message: string): IndexError {
  return atUserLine(message, (message) => new IndexError(message));
}

/** An error for a bad argument value; the stack begins at the user's line. */
export function argumentError(message: string): ArgumentError {
  return atUserLine(message, (message) => new ArgumentError(message));
}

/** An error for a misused traced value; the stack begins at the user's line. */
export function traceError(message: string): TraceError {
  return atUserLine(message, (message) => new TraceError(message));
}

/** An error for insufficient memory; the stack begins at the user's line. */
export function memoryError(message: string): MemoryError {
  return atUserLine(message, (message) => new MemoryError(message));
}

/** An error for a NaN or an infinity; the stack begins at the user's line. */
export function nonFiniteError(message: string): NonFiniteError {
  return atUserLine(message, (message) => new NonFiniteError(message));
}

/** An error that XLA reports, of the kind `code`; the stack begins at the user's line. */
export function xlaError(message: string, code: string): XlaError {
  return atUserLine(message, (message) => new XlaError(message, code));
}

/** An error of a WebGPU device; the stack begins at the user's line. */
export function webGpuError(message: string): WebGpuError {
  return atUserLine(message, (message) => new WebGpuError(message));
}

/** An error for a state that should be impossible. */
export function internalError(message: string): InternalError {
  return new InternalError(`${message} (this is a fault in Jacobi; please report it)`);
}

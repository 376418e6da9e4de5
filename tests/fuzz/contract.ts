/**
 * The contract of every call, whatever its arguments: it returns a result or throws one of the
 * library's own errors, it changes no argument, and it leaves no partial state behind.
 *
 * @module
 */
import { ArgumentError, Tensor, TensorType, testing } from "../../mod.ts";
import { MAX_NDIM, MAX_SIZE, sizeOf } from "../../src/base/shape.ts";
import { ALL_DTYPES, allocateStored } from "../../src/base/dtype.ts";
import type { Elements } from "../../src/base/dtype.ts";
import { checkProgram } from "../../src/core/check.ts";
import { Program } from "../../src/core/program.ts";
import { ComplexTensor } from "../../src/core/complex.ts";
import { Concrete } from "../../src/core/tensor.ts";
import { currentTrace } from "../../src/core/trace.ts";
import { ownErrors } from "./surface.ts";

/** An error thrown by a user's function in fuzzed calls: it must be passed on unchanged. */
export class UserError extends Error {}

/** Traced values that the users' functions have leaked from their transforms. */
export const escaped: Set<Tensor> = new Set();

/** A violation of the contract. */
export class Violation extends Error {}

/** The outcome of a call: a result, or a permitted error. */
export type Outcome =
  | { readonly kind: "result"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown };

const evaluation = currentTrace();
const { stackTraceLimit } = Error;

/** Calls `f` on `args` and throws a `Violation` unless it keeps to the contract. */
export function callChecked(f: (args: readonly unknown[]) => unknown, args: unknown[]): Outcome {
  const before = remember(args);
  let outcome: Outcome;
  try {
    outcome = { kind: "result", value: f(args) };
  } catch (error) {
    outcome = { kind: "error", error };
  }
  if (currentTrace() !== evaluation) {
    throw new Violation(`it left the trace of ${currentTrace().transform} behind`);
  }
  if (Error.stackTraceLimit !== stackTraceLimit) throw new Violation("it left a deep stack behind");
  checkUnchanged(before);
  if (outcome.kind === "error") checkError(outcome.error);
  else if (outcome.value instanceof Promise) outcome.value.catch(checkError);
  else checkResult(outcome.value, before);
  return outcome;
}

/** The elements of a tensor, unless it was donated: donation is the only way to use up an argument. */
function elementsOf(x: Concrete): Elements | null {
  try {
    return x.stored;
  } catch (error) {
    if (error instanceof ArgumentError && error.message.includes(": it was donated as")) {
      return null;
    }
    throw error;
  }
}

/** An object among the arguments, and its original contents. */
interface Memory {
  readonly object: object;
  readonly keys: readonly PropertyKey[];
  readonly values: readonly unknown[];
  /** The bytes of a typed array. */
  readonly bytes: Uint8Array | null;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The memory of tensors among the arguments, which results may reuse when they are donated. */
const tensorMemory = new WeakSet<object>();

/** Every object reachable from the arguments, once. */
function remember(args: readonly unknown[]): Memory[] {
  const memories = new Map<object, Memory>();
  const pending: unknown[] = [...args];
  while (pending.length > 0) {
    const object = pending.pop();
    if (typeof object !== "object" || object === null || memories.has(object)) continue;
    if (ArrayBuffer.isView(object)) {
      memories.set(object, { object, keys: [], values: [], bytes: bytesOf(object).slice() });
      continue;
    }
    const keys = Reflect.ownKeys(object);
    const values = keys.map((key) => Object.getOwnPropertyDescriptor(object, key)!.value);
    memories.set(object, { object, keys, values, bytes: null });
    pending.push(...values);
    if (object instanceof Concrete) {
      const elements = elementsOf(object);
      if (elements !== null) tensorMemory.add(elements.buffer);
      pending.push(elements);
    }
  }
  return [...memories.values()];
}

function checkUnchanged(memories: readonly Memory[]): void {
  for (const { object, keys, values, bytes } of memories) {
    if (bytes !== null) {
      const now = bytesOf(object as ArrayBufferView);
      if (now.length !== bytes.length || now.some((byte, i) => byte !== bytes[i])) {
        throw new Violation("it changed the elements of an argument");
      }
      continue;
    }
    const now = Reflect.ownKeys(object);
    const isSame = now.length === keys.length && now.every((key, i) =>
      key === keys[i] &&
      Object.is(Object.getOwnPropertyDescriptor(object, key)!.value, values[i])
    );
    if (!isSame) throw new Violation("it changed an argument");
  }
}

function checkError(error: unknown): void {
  if (error instanceof UserError || error instanceof Violation) return;
  if (!(error instanceof Error) || !ownErrors.some((type) => error instanceof type)) {
    const shown = error instanceof Error ? error.stack : String(error);
    throw new Violation(`it ended in an error that is not the library's:\n${shown}`);
  }
  const { message } = error;
  // An assertion's message may begin with text of the user.
  const isSentence = error instanceof testing.AssertionError ||
    /^[A-Z]/.test(message) && !message.endsWith(".");
  if (!isSentence || /\[object |undefined is|is not (a function|iterable)/.test(message)) {
    throw new Violation(`its error says:\n${message}\n${error.stack}`);
  }
}

/** Throws unless all tensors and programs in a result are well-formed. */
function checkResult(result: unknown, args: readonly Memory[]): void {
  const objects = args.map(({ object }) => object);
  const isOwn = (object: object) => ArrayBuffer.isView(object) && tensorMemory.has(object.buffer);
  const foreign = new Set<object>(
    objects.flatMap((object) =>
      ArrayBuffer.isView(object) && !isOwn(object) ? [object.buffer] : []
    ),
  );
  const seen = new Set<object>(objects.filter((object) => !isOwn(object)));
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Tensor) return checkTensor(value, foreign);
    if (value instanceof Program) return checkProgram(value);
    if (value instanceof TensorType) return checkType(value);
    if (ArrayBuffer.isView(value)) {
      if (isOwn(value)) throw new Violation("it gave away the elements of a tensor");
      return;
    }
    for (const key of Reflect.ownKeys(value)) {
      visit(Object.getOwnPropertyDescriptor(value, key)!.value);
    }
  };
  visit(result);
}

function checkType({ dtype, shape }: TensorType | Tensor): void {
  if (!ALL_DTYPES.includes(dtype)) throw new Violation(`a result is of dtype ${String(dtype)}`);
  const isShape = Array.isArray(shape) && Object.isFrozen(shape) && shape.length <= MAX_NDIM &&
    shape.every((length) => Number.isInteger(length) && length >= 0 && !Object.is(length, -0)) &&
    sizeOf(shape) <= MAX_SIZE;
  if (!isShape) throw new Violation(`a result has the shape ${Deno.inspect(shape)}`);
}

function checkTensor(x: Tensor, foreign: ReadonlySet<object>): void {
  checkType(x);
  if (escaped.has(x)) return;
  if (x instanceof ComplexTensor) {
    for (const part of [x.re, x.im]) checkTensor(part, foreign);
    return;
  }
  if (!(x instanceof Concrete)) throw new Violation(`a result is a traced value: ${x}`);
  const { dtype, size } = x;
  const elements = elementsOf(x);
  if (elements === null) return;
  if (foreign.has(elements.buffer)) throw new Violation("a result shares a typed array's memory");
  if (elements.constructor !== allocateStored(dtype, 0).constructor) {
    throw new Violation(`a result of dtype ${dtype} is held in a ${elements.constructor.name}`);
  }
  if (elements.length !== size && (elements.length !== 1 || size === 0)) {
    throw new Violation(`a result of ${size} elements holds ${elements.length}`);
  }
  if (dtype === "bool" && elements.some((element) => element > 1)) {
    throw new Violation("a result of dtype bool has elements other than 0 and 1");
  }
}

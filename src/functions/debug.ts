/**
 * Looking at values while functions run, also where they are traced and compiled.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { leafToTensor } from "../core/convert.ts";
import { enterScope, restoreOrigin } from "../core/origin.ts";
import { showNumber } from "../core/print.ts";
import { Tensor } from "../core/tensor.ts";
import type { Concrete } from "../core/tensor.ts";
import { flatten, leafPaths, unflatten } from "../core/tree.ts";
import type { EachNoInfer, ResultArgs } from "../core/tree_types.ts";
import { debugCall } from "../primitives/debug.ts";

/** The values among arguments, and how arguments are made of others like them. */
export interface ReadValues {
  /** The values, as tensors. */
  readonly tensors: readonly Tensor[];
  /** The arguments with these values; anything that is neither number nor tensor is unchanged. */
  readonly fill: (values: readonly Tensor[]) => unknown;
}

/** Finds the values in trees. */
export function readValues(args: readonly unknown[], what: string): ReadValues {
  const { leaves, structure } = flatten(args);
  const paths = leafPaths(structure);
  const tensors: Tensor[] = [];
  // The source of each leaf's value: anything that is not a number or tensor reaches the callback unchanged.
  const places = leaves.map((leaf, i) => {
    const isValue = leaf instanceof Tensor || typeof leaf === "number" ||
      typeof leaf === "boolean" || (ArrayBuffer.isView(leaf) && !(leaf instanceof DataView));
    return isValue ? tensors.push(leafToTensor(leaf, paths[i], what)) - 1 : null;
  });
  const fill = (values: readonly Tensor[]): unknown =>
    unflatten(
      structure,
      leaves.map((leaf, i) => {
        const place = places[i];
        return place === null ? leaf : values[place];
      }),
    );
  return { tensors, fill };
}

/** Calls `callback` with the values of `args`, when they are there. */
function callWith(
  callback: (...values: never[]) => unknown,
  args: readonly unknown[],
  what: string,
): void {
  const { tensors, fill } = readValues(args, what);
  function show(values: readonly Concrete[]): void {
    callback(...fill(values) as never[]);
  }
  Object.defineProperty(show, "name", { value: callback.name });
  debugCall(show, tensors);
}

/**
 * Calls a function with values while a program runs: eagerly at once, in a compiled function each time
 * that it runs, in order with the other callbacks. It is never left out, though nothing depends on it.
 *
 * Under `vmap` it is called once for each example, when an argument differs between them; under
 * `grad`, `vjp` and `jvp` once, in the forward pass, with values and not with their tangents; in a
 * loop once in each step. If examples choose different branches, or leave a loop at different times,
 * it is called for the active ones, one example after the other. Recomputation (by
 * `checkpoint`, or in a loop that is run again for its tangents) does not call it a second time.
 *
 * @category Debugging
 * @param callback The function to call. Numbers and typed arrays in the arguments reach it as tensors, and
 * every tensor is concrete; other values (text, functions) are passed unchanged. Its result is
 * ignored; an error thrown by it reaches the caller of the function that was running.
 * @param args Trees of values.
 * @throws {ArgumentError} when `callback` is not a function.
 *
 * @example Values within a compiled function
 * ```ts
 * import { debugCallback, jit, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 *
 * const seen: number[] = [];
 * const f = jit((x: Tensor) => {
 *   const y = x.square();
 *   debugCallback((total) => seen.push(total.item()), y.sum());
 *   return y;
 * });
 * f(tensor([1, 2]));
 * f(tensor([3, 4]));
 * if (String(seen) !== "5,25") throw new Error(String(seen));
 * ```
 */
export function debugCallback<Args extends unknown[]>(
  callback: (...values: EachNoInfer<ResultArgs<Args>>) => unknown,
  ...args: Args
): void {
  if (typeof callback !== "function") {
    throw argumentError(
      `Cannot call back ${describeValue(callback)}: expected a function of the values`,
    );
  }
  callWith(callback as (...values: never[]) => unknown, args, "Cannot call back with these values");
}

/**
 * A function whose operations carry a name: programs show it after their equations, and reports of
 * NaN (`inspect.findNaN`, `configure({ debugNaNs: true })`) include it. Scopes within each other are joined:
 * `attention/scores`. Derivatives of operations have their scopes.
 *
 * @category Debugging
 * @param name The name.
 * @param f Any function that is not async.
 * @returns A function that computes what `f` does.
 * @throws {ArgumentError} when `name` is no text or empty, or `f` no function.
 *
 * @example Names in a program
 * ```ts
 * import { makeProgram, namedScope, sin } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 *
 * const wave = namedScope("wave", (x: Tensor) => sin(x));
 * const text = String(makeProgram((x: Tensor) => wave(x).mul(2))(1));
 * if (!text.includes("sin(a) // wave")) throw new Error(text);
 * ```
 */
export function namedScope<Args extends readonly unknown[], Out>(
  name: string,
  f: (...args: Args) => Out,
): (...args: Args) => Out {
  const what = "Cannot name a scope";
  if (typeof name !== "string" || name === "" || name.includes("\n")) {
    throw argumentError(`${what} ${describeValue(name)}: expected a line of text`);
  }
  if (typeof f !== "function") {
    throw argumentError(`${what} "${name}" for ${describeValue(f)}: expected a function`);
  }
  return (...args) => {
    const before = enterScope(name);
    try {
      return f(...args);
    } finally {
      restoreOrigin(before);
    }
  };
}

/**
 * Prints values while a program runs, by `console.log`: `debugCallback` says when, and how often.
 *
 * @category Debugging
 * @param format Text in which `{}` means the next value, `{0}` the first, and `{name}`
 * an entry of the only value, an object. `{{` and `}}` mean braces. Text without places is a
 * label, which the values follow.
 * @param values Trees of values. Scalars print as numbers, other tensors as `String` prints them.
 * @throws {ArgumentError} when `format` is no text, or its places are not those of the values.
 *
 * @example A loss within a compiled function
 * ```ts
 * import { debugPrint, jit, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 *
 * const f = jit((x: Tensor) => {
 *   const loss = x.square().sum();
 *   debugPrint("loss = {loss}, x = {x}", { loss, x });
 *   return loss;
 * });
 *
 * const lines: unknown[] = [];
 * const { log } = console;
 * console.log = (line) => lines.push(line);
 * f(tensor([1, 2]));
 * console.log = log;
 * if (lines[0] !== "loss = 5, x = tensor([1., 2.])") throw new Error(String(lines));
 * ```
 */
export function debugPrint(format: string, ...values: unknown[]): void {
  if (typeof format !== "string") {
    throw argumentError(
      `Cannot print by the format ${describeValue(format)}: expected text such as "x = {}"`,
    );
  }
  const parts = readFormat(format, values);
  function print(...shown: unknown[]): void {
    console.log(parts.map((part) => typeof part === "string" ? part : show(part(shown))).join(""));
  }
  callWith(print, values, `Cannot print by the format ${JSON.stringify(format)}`);
}

/** Text, or a value's place among the values. */
type Part = string | ((values: readonly unknown[]) => unknown);

/** The parts of a format, checked against the values. */
function readFormat(format: string, values: readonly unknown[]): Part[] {
  const what = `Cannot print by the format ${JSON.stringify(format)}`;
  const parts: Part[] = [];
  const used = new Set<number>();
  let next = 0;
  let end = 0;
  const take = (index: number): Part => {
    used.add(index);
    return (all) => all[index];
  };
  for (const match of format.matchAll(/\{\{|\}\}|\{([^{}]*)\}/g)) {
    parts.push(format.slice(end, match.index));
    end = match.index + match[0].length;
    const name = match[1]?.trim();
    if (name === undefined) parts.push(match[0][0]);
    else if (name === "") parts.push(take(next++));
    else if (/^\d+$/.test(name)) parts.push(take(Number(name)));
    else {
      const [only] = values;
      if (values.length !== 1 || !isRecord(only) || !Object.hasOwn(only, name)) {
        throw argumentError(
          `${what}: there is no value ${JSON.stringify(name)}; ` +
            `give one object with an entry for each name`,
        );
      }
      used.add(0);
      parts.push(([record]) => (record as Record<string, unknown>)[name]);
    }
  }
  parts.push(format.slice(end));
  if (used.size === 0) return [...parts, ...values.flatMap((_, i): Part[] => [" ", take(i)])];
  const places = Math.max(...used) + 1;
  if (places !== values.length || used.size !== places) {
    const missing = values.findIndex((_, i) => !used.has(i));
    throw argumentError(
      missing >= 0
        ? `${what}: it has no place for value ${missing} of ${values.length}`
        : `${what}: expected at least ${places} value${places === 1 ? "" : "s"} for its places, ` +
          `got ${values.length}`,
    );
  }
  return parts;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A tree as text: scalars as numbers. */
function show(value: unknown): string {
  if (value instanceof Tensor) {
    if (value.ndim > 0) return String(value);
    const item = value.item<number | boolean>();
    return typeof item === "boolean" ? String(item) : showNumber(item, value.dtype);
  }
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, part]) => `${key}: ${show(part)}`);
    return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
  }
  return typeof value === "function" || typeof value === "object" && value !== null
    ? describeValue(value)
    : String(value);
}

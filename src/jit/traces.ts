/**
 * Warnings about functions that are traced repeatedly.
 *
 * @module
 */
import { userLocation } from "../base/errors.ts";
import { warn } from "../base/warnings.ts";

/** The number of traces of one jitted function that causes a warning. */
const MOST_TRACES = 16;

/** The number of first traces of functions with one source, from one line, that causes a warning. */
const MOST_FUNCTIONS = 64;

/** The maximum number of lines kept; the least recently recorded one is removed first. */
const MOST_LINES = 1024;

/** The number of characters of a function's source that identify it. */
const MOST_SOURCE = 1024;

/** The number of first traces of functions, by the line of the call and their source. */
const firstTraces = new Map<string, number>();

/**
 * Records that a call has traced a function, and warns once when this has happened often: to the same
 * jitted function, or, if `jit` creates a new one each time, to functions of the same source on the
 * same line.
 *
 * @param f The function that was traced.
 * @param name Its name in messages.
 * @param count The number of times that the jitted function was traced.
 * @param reason The reason why it was traced again.
 */
export function noteTrace(
  f: (...args: never[]) => unknown,
  name: string,
  count: number,
  reason: () => string,
): void {
  if (count === MOST_TRACES) warnOf(name, count, `The last call was traced because ${reason()}`);
  if (count !== 1) return;
  const key = `${userLocation()} ${String(f).slice(0, MOST_SOURCE)}`;
  const functions = (firstTraces.get(key) ?? 0) + 1;
  firstTraces.delete(key);
  firstTraces.set(key, functions);
  if (firstTraces.size > MOST_LINES) firstTraces.delete(firstTraces.keys().next().value!);
  if (functions !== MOST_FUNCTIONS) return;
  warnOf(
    name,
    functions,
    "jit is applied again for each call: apply it once, outside of the loop, and keep the function",
  );
}

function warnOf(name: string, count: number, reason: string): void {
  const location = userLocation();
  warn(
    `jit has traced ${name} ${count} times${location === null ? "" : ` at ${location}`}. ` +
      `${reason}. Each trace takes much longer than a call; see explain. ` +
      "configure({ warnings: false }) turns warnings off.",
  );
}

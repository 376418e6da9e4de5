/**
 * Validation of option objects: a positional argument instead of one, or a misspelt name, is an error
 * instead of being ignored.
 *
 * @module
 */
import { describeValue } from "./dtype.ts";
import { argumentError } from "./errors.ts";

/**
 * `options`, or an empty object if omitted, checked to be an object with these names only.
 *
 * @param what The start of the message: "Cannot sum".
 */
export function readOptions<Options extends object>(
  what: string,
  options: Options | undefined,
  names: readonly (keyof Options & string)[],
): Partial<Options> {
  if (options === undefined) return {};
  const prototype = typeof options === "object" && options !== null
    ? Object.getPrototypeOf(options)
    : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw argumentError(
      `${what}: expected options such as { ${names[0]} }, got ${describeValue(options)}`,
    );
  }
  const unknown = Object.keys(options).find((name) => !(names as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw argumentError(
      `${what}: there is no option ${describeValue(unknown)}, the options are ${names.join(", ")}`,
    );
  }
  return options;
}

/** `value`, the option `name`, checked to be true or false. */
export function checkFlag(value: unknown, what: string, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw argumentError(`${what}: ${name} must be true or false, got ${describeValue(value)}`);
}

/** `value`, checked to be a positive integer; `what` is the start of the message. */
export function checkCount(value: unknown, what: string, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw argumentError(
    `${what}: expected a positive integer as ${name}, got ${describeValue(value)}`,
  );
}

/**
 * Throws when `name` is not a valid name of an axis; `what` is the start of the message: "Cannot apply
 * vmap".
 */
export function checkAxisName(name: unknown, what: string): void {
  if (typeof name === "string" && !name.endsWith("'")) return;
  throw argumentError(
    `${what}: the name of an axis must be a string that does not end in an apostrophe, ` +
      `got ${describeValue(name)}`,
  );
}

/**
 * Option objects, read with care: a positional argument in their place, or a misspelt name, is an
 * error instead of being ignored.
 *
 * @module
 */
import { describeValue } from "./dtype.ts";
import { argumentError } from "./errors.ts";

/**
 * `options`, or none when left out, checked to be an object with no other names than these.
 *
 * @param what Begins the message: "Cannot sum".
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

/** `value`, the option `name`, when it is true or false. */
export function checkFlag(value: unknown, what: string, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw argumentError(`${what}: ${name} must be true or false, got ${describeValue(value)}`);
}

/** Throws when `name` cannot be that of an axis; `what` begins the message: "Cannot apply vmap". */
export function checkAxisName(name: unknown, what: string): void {
  if (typeof name === "string" && !name.endsWith("'")) return;
  throw argumentError(
    `${what}: the name of an axis must be a string that does not end in an apostrophe, ` +
      `got ${describeValue(name)}`,
  );
}

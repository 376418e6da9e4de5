/**
 * Option objects, read with care: a positional argument in their place, or a misspelt name, is an
 * error instead of being ignored.
 *
 * @module
 */
import { checkDtype, describeValue } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import type { DtypeOptions } from "../core/methods.ts";

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

/** The dtype that `options` names, or `fallback`. */
export function readDtype(
  what: string,
  options: DtypeOptions | undefined,
  fallback: Dtype,
): Dtype {
  const { dtype = fallback } = readOptions(what, options, ["dtype"]);
  checkDtype(dtype);
  return dtype;
}

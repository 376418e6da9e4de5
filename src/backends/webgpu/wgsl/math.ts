/**
 * Functions in WGSL for operations that the language leaves to drivers, written so that all drivers agree.
 * Drivers may evaluate `x != x` to false and `max(NaN, 1)` to 1, so NaN is detected by its bits.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { exactFunctions } from "./exact.ts";
import type { Sources } from "./source.ts";
import { specialFunctions } from "./special.ts";
import { transcendentalFunctions } from "./transcendental.ts";
import { wideFunctions } from "./wide.ts";

/** The declarations by name. */
const sources: Sources = {
  ...exactFunctions,
  ...wideFunctions,
  ...transcendentalFunctions,
  ...specialFunctions,
};

/** The code of functions, each once and after its dependencies. */
export function functionsOf(names: Iterable<string>): readonly string[] {
  const written = new Map<string, string>();
  const write = (name: string): void => {
    if (written.has(name)) return;
    if (!Object.hasOwn(sources, name)) throw internalError(`There is no function ${name} in WGSL`);
    const { code, calls = [] } = sources[name];
    calls.forEach(write);
    written.set(name, code);
  };
  for (const name of names) write(name);
  return [...written.values()];
}

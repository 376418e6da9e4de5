/**
 * Shardings in the text, in the form of the Shardy dialect of MLIR: https://openxla.org/shardy.
 *
 * @module
 */
import type { Mesh, Sharding } from "../core/sharding.ts";

/**
 * The name of an axis in quotes. XLA writes names into attributes and reads them again with different
 * escape rules from MLIR's: characters other than those of words are written as bytes, `.20` for a
 * space.
 */
export function quote(name: string): string {
  const shown = Array.from(new TextEncoder().encode(name), (byte) => {
    const character = String.fromCharCode(byte);
    return /\w/.test(character)
      ? character
      : `.${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  });
  return `"${shown.join("")}"`;
}

/** The line of a module that names its mesh. */
export function showMesh({ axes }: Mesh): string {
  const shown = Object.entries(axes).map(([name, length]) => `${quote(name)}=${length}`);
  return `sdy.mesh @mesh = <[${shown.join(", ")}]>`;
}

/** How a value of `ndim` axes is divided: `<@mesh, [{"data"}, {}]>`. */
export function showSharding({ spec }: Sharding, ndim: number): string {
  const shown = Array.from(
    { length: ndim },
    (_, axis) => `{${(spec[axis] ?? []).map(quote).join(", ")}}`,
  );
  return `<@mesh, [${shown.join(", ")}]>`;
}

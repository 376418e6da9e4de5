/**
 * Converts the tilings that XLA has chosen for results to shardings of a mesh.
 *
 * @module
 */
import type { Shape } from "../../base/shape.ts";
import { partsAlong, partsOf } from "../../core/sharding.ts";
import type { Mesh, Sharding } from "../../core/sharding.ts";
import type { Tiling } from "./pjrt/mod.ts";

/**
 * The sharding of `mesh` that divides a shape as a tiling does; `null` if there is none, or if the parts are
 * not equal. Axes of the mesh of length one divide nothing, and are omitted.
 */
export function shardingOf(mesh: Mesh, { parts, partOf }: Tiling, shape: Shape): Sharding | null {
  if (parts.some((count, axis) => shape[axis] % count !== 0)) return null;
  /** The part along an axis of the tensor that is at a position of the mesh. */
  const at = (place: number, axis: number): number => {
    const inner = parts.slice(axis + 1).reduce((product, count) => product * count, 1);
    return Math.floor(partOf[place] / inner) % parts[axis];
  };
  const names = Object.keys(mesh.axes);
  const lengths = Object.values(mesh.axes);
  const spec = parts.map((_, axis) =>
    names.map((name, i) => {
      const neighbour = lengths.slice(i + 1).reduce((product, length) => product * length, 1);
      return { name, step: lengths[i] > 1 ? at(neighbour, axis) - at(0, axis) : 0 };
    })
      .filter(({ step }) => step > 0)
      .sort((a, b) => b.step - a.step)
      .map(({ name }) => name)
  );
  const found = mesh.sharding(spec);
  const isSame = parts.every((count, axis) => partsAlong(found, axis) === count) &&
    partsOf(found, parts.length).every((place, i) =>
      place.every((part, axis) => part === at(i, axis))
    );
  return isSame ? found : null;
}

/**
 * Text pictures of how tensors are divided over meshes.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkShape, showShape, showType } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { partsAlong, partsOf, Sharding, shardShape } from "../core/sharding.ts";
import type { Mesh } from "../core/sharding.ts";
import { Tensor } from "../core/tensor.ts";

/** A position of a mesh: its device, or its number. */
function placesOf({ devices, size }: Mesh): readonly string[] {
  return devices?.map(String) ?? Array.from({ length: size }, (_, place) => String(place));
}

/** Devices of one kind by their numbers: `xla-cpu:0,2`. */
function join(names: readonly string[]): string {
  const kinds = names.map((name) => name.slice(0, name.lastIndexOf(":") + 1));
  const [kind] = kinds;
  if (kinds.some((other) => other !== kind)) return names.join(", ");
  return kind + names.map((name) => name.slice(kind.length)).join(",");
}

/** Cells of equal width, with lines between them. */
function grid(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.flat().map((cell) => cell.length));
  const line = (left: string, middle: string, right: string): string =>
    left + rows[0].map(() => "─".repeat(width + 2)).join(middle) + right;
  const shown = rows.map((row) => `│${row.map((cell) => ` ${cell.padEnd(width)} `).join("│")}│`);
  return [
    line("┌", "┬", "┐"),
    shown.join(`\n${line("├", "┼", "┤")}\n`),
    line("└", "┴", "┘"),
  ].join("\n");
}

/**
 * The location of the parts of a tensor: pictures of its last two split axes, for each part along the
 * others.
 */
function draw(sharding: Sharding, shape: Shape): string {
  const places = placesOf(sharding.mesh);
  const parts = partsOf(sharding, shape.length);
  const split = shape.flatMap((_, axis) => partsAlong(sharding, axis) > 1 ? [axis] : []);
  // A tensor of two axes is shown completely; of others only the split axes.
  const axes = shape.length <= 2 ? shape.map((_, axis) => axis) : split;
  const [down, across] = axes.length < 2 ? [undefined, axes[0]] : axes.slice(-2);
  const outer = axes.slice(0, -2);
  const count = (axis: number | undefined): number[] =>
    Array.from({ length: axis === undefined ? 1 : partsAlong(sharding, axis) }, (_, i) => i);
  const pictureAt = (fixed: readonly number[]): string =>
    grid(
      count(down).map((row) =>
        count(across).map((column) =>
          join(places.filter((_, place) =>
            outer.every((axis, i) => parts[place][axis] === fixed[i]) &&
            (down === undefined || parts[place][down] === row) &&
            (across === undefined || parts[place][across] === column)
          ))
        )
      ),
    );
  const names = [down === undefined ? [] : `axis ${down} down`, `axis ${across} across`].flat();
  const note = shape.length > 2 && across !== undefined ? [names.join(", ")] : [];
  let all: readonly (readonly number[])[] = [[]];
  for (const axis of outer) all = all.flatMap((at) => count(axis).map((part) => [...at, part]));
  const pictures = all.flatMap((fixed) => [
    ...outer.length === 0
      ? []
      : [outer.map((axis, i) => `part ${fixed[i]} along axis ${axis}`).join(", ")],
    pictureAt(fixed),
  ]);
  return [...note, ...pictures].join("\n");
}

/**
 * A picture of the parts of a tensor and their devices: a box for each part, with the devices that hold
 * it, the first axis downwards and the second to the right. For tensors with more axes only the split
 * axes are shown, and for three or more of these, one picture for each part along the first ones.
 * Positions of a mesh without devices have numbers.
 *
 * @category Inspection
 * @param x A tensor, or a sharding.
 * @param shape The shape of a tensor that is divided by the sharding.
 * @returns The type or shape and that of each part, then the picture.
 * @throws {ArgumentError} when `x` is neither, or a sharding is given without a shape.
 * @throws {ShapeError} when the shape cannot be divided in this way.
 * @throws {TraceError} when a tensor is traced and its placement is not known.
 *
 * @example Four positions, of which pairs have the same rows
 * ```ts
 * import { inspect, mesh, shard } from "@jacobi/jacobi";
 *
 * const machines = mesh({ data: 2, model: 2 });
 * const picture = inspect.showSharding(shard(machines, "data"), [8, 4]);
 * const expected = `[8,4] in parts [4,4]
 * ┌─────┐
 * │ 0,1 │
 * ├─────┤
 * │ 2,3 │
 * └─────┘`;
 * if (picture !== expected) throw new Error(picture);
 * ```
 */
export function showSharding(x: Tensor | Sharding, shape?: readonly number[]): string {
  const what = "Cannot show a sharding";
  if (x instanceof Sharding) {
    if (shape === undefined) throw argumentError(`${what} without a shape: give one`);
    checkShape(shape, what);
    const part = shardShape(x, shape, "Cannot divide");
    return `${showShape(shape)} in parts ${showShape(part)}\n${draw(x, shape)}`;
  }
  if (!(x instanceof Tensor)) {
    throw argumentError(`${what}: expected a tensor or a sharding, got ${describeValue(x)}`);
  }
  const { sharding } = x;
  if (sharding === null) return `${showType(x)}\n${grid([[String(x.device)]])}`;
  const part = shardShape(sharding, x.shape, "Cannot divide");
  return `${showType(x)} in parts ${showShape(part)}\n${draw(sharding, x.shape)}`;
}

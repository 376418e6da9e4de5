/**
 * A reference implementation of `shardMap`: arguments are cut into parts, `vmap` is applied over each axis of
 * the mesh, and results are put together.
 *
 * @module
 */
import { vmap } from "../../mod.ts";
import type { Mesh, Sharding, Tensor } from "../../mod.ts";
import type { Flat } from "../laws/laws.ts";

/** For each axis of a tensor, the names of the mesh axes that divide it, then `null` for the remaining axis. */
function axesOf({ spec }: Sharding, ndim: number): (string | null)[] {
  return Array.from({ length: ndim }, (_, axis) => [...(spec[axis] ?? []), null]).flat();
}

/** `f`, on lists of tensors, mapped over all axes of a mesh, the outermost first. */
export function nestedVmap(
  mesh: Mesh,
  f: (...args: [Tensor, Tensor, Tensor]) => readonly Tensor[],
  ins: readonly Sharding[],
  outs: readonly Sharding[],
): Flat {
  return (args) => {
    const apart = args.map((x, i) => {
      const { spec } = ins[i];
      const shape = x.shape.flatMap((length, axis) => {
        const parts = (spec[axis] ?? []).map((name) => mesh.axes[name]);
        return [...parts, length / parts.reduce((a, b) => a * b, 1)];
      });
      return { x: x.reshape(shape), order: axesOf(ins[i], x.ndim) };
    });
    let ndims: number[] = [];
    // The outermost axis is removed first, so positions are counted without the axes before it.
    const names = Object.keys(mesh.axes);
    const without = (order: (string | null)[], gone: readonly string[]) =>
      order.filter((one) => one === null || !gone.includes(one));
    const level = (depth: number): (...xs: Tensor[]) => readonly Tensor[] => {
      const name = names[depth];
      if (name === undefined) {
        return (...xs) => {
          const results = f(...xs as [Tensor, Tensor, Tensor]);
          ndims = results.map(({ ndim }) => ndim);
          return results;
        };
      }
      const gone = names.slice(0, depth);
      const placeIn = (order: (string | null)[]) => {
        const place = without(order, gone).indexOf(name);
        return place < 0 ? null : place;
      };
      return (...xs) => {
        const inner = level(depth + 1);
        const inAxes = apart.map(({ order }) => placeIn(order));
        const options = { axisName: name, axisSize: mesh.axes[name] };
        const outAxes = outs.map((one, i) => placeIn(axesOf(one, ndims[i] ?? one.spec.length)));
        return vmap(
          (...xs: Tensor[]) => [...inner(...xs)],
          inAxes,
          outAxes,
          options,
        )(...xs) as unknown as Tensor[];
      };
    };
    const joined = level(0)(...apart.map(({ x }) => x));
    return joined.map((y, i) => {
      const order = axesOf(outs[i], ndims[i]);
      const shape: number[] = [];
      let length = 1;
      order.forEach((one, axis) => {
        length *= y.shape[axis];
        if (one !== null) return;
        shape.push(length);
        length = 1;
      });
      return y.reshape(shape);
    });
  };
}

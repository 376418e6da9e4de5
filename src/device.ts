/**
 * Devices: which there are, and moving tensors to them.
 *
 * @module
 */
import { describeValue } from "./base/dtype.ts";
import { argumentError } from "./base/errors.ts";
import { backendOf, openDevices } from "./backends/devices.ts";
import "./backends/run.ts";
import { Device } from "./core/device.ts";
import { Mesh, Sharding } from "./core/sharding.ts";
import type { Placement } from "./core/sharding.ts";
import { Concrete, Tensor } from "./core/tensor.ts";
import { bindOne } from "./core/trace.ts";
import { broadcastPrefix, flatten, leafPaths, unflatten } from "./core/tree.ts";
import type { TensorsOf } from "./core/tree_types.ts";
import { leafToTensor } from "./core/convert.ts";
import { move, withShardingPrimitive } from "./primitives/move.ts";

/**
 * Every device that is open. The processor is always there, and the first.
 *
 * @category Devices
 * @returns A fresh list.
 *
 * @example The processor
 * ```ts
 * import { devices, tensor } from "@jacobi/jacobi";
 *
 * const [cpu] = devices();
 * if (tensor([1, 2]).device !== cpu) throw new Error(String(cpu));
 * ```
 */
export function devices(): Device[] {
  return [...openDevices()];
}

/** Throws unless a value is a device that is open. */
export function checkDevice(value: unknown, what: string): asserts value is Device {
  if (value instanceof Device && openDevices().includes(value)) return;
  throw argumentError(
    `${what}: expected an open device (${openDevices().join(", ")}), got ${
      value instanceof Device ? value : describeValue(value)
    }`,
  );
}

/**
 * Places for the tensors of a tree: one for all, or a tree of them that the tree begins with.
 *
 * @category Devices
 */
export type Placements =
  | Device
  | Sharding
  | readonly Placements[]
  | { readonly [key: string]: Placements };

/**
 * The same tensors on a device, or divided over the devices of a mesh. Work on them goes there, alone and
 * in compiled functions; tensors and numbers that were never placed go along, and tensors of two devices
 * or two meshes in one operation are an error.
 *
 * Over a mesh every operation and every compiled function is divided by XLA, with the same results
 * as on one device, up to the order of sums. Tensors of one mesh may be divided in different ways.
 *
 * It is an operation like any other: the tangent of a value moves along with it, its cotangent moves back
 * to where the value was, and `vmap` moves the batch, whose mapped axis is not divided. A compiled function
 * runs on one device, or one mesh, as a whole: moving a value within one says where it runs, which must be where its arguments are.
 *
 * @category Devices
 * @param tree A tree of tensors and numbers.
 * @param to One of `devices()`, or a sharding that `shard` gives; or a tree of them, whose leaves apply to
 * all tensors below.
 * @returns The tree with its tensors there.
 * @throws {ArgumentError} when `to` is not an open device, or a mesh of it has no devices or such that
 * cannot work
 *   together.
 * @throws {ShapeError} when a tensor cannot be divided so into equal parts.
 * @throws {TreeError} when a tree of places does not fit.
 *
 * @example Results are where the arguments are
 * ```ts
 * import { devices, tensor, toDevice } from "@jacobi/jacobi";
 *
 * const [cpu] = devices();
 * const params = toDevice({ w: tensor([1, 2]), b: 0.5 }, cpu);
 * if (params.w.add(params.b).device !== cpu) throw new Error();
 * ```
 */
export function toDevice<T>(tree: T, to: Placements): TensorsOf<T> {
  const what = "Cannot move to a device";
  return moveLeaves(tree, to, what, (x, placement) => {
    if (placement instanceof Sharding) backendOf(placement.mesh);
    else checkDevice(placement, what);
    return move(x, placement);
  });
}

/**
 * The same tensors, with a sharding that compiled functions follow: XLA divides the computations before and
 * after accordingly. Without it, XLA decides by the shardings of arguments. For tensors with elements it is
 * `toDevice`.
 *
 * It is an operation like any other: tangents and cotangents are divided in the same way, and `vmap` keeps
 * the mapped axis whole. Over a mesh without devices values stay where they are.
 *
 * @category Devices
 * @param tree A tree of tensors and numbers.
 * @param sharding A sharding that `shard` gives, or a tree of them, whose leaves apply to all tensors
 * below.
 * @returns The tree, with the same values.
 * @throws {ArgumentError} when `sharding` is none, or the devices of its mesh cannot work together.
 * @throws {ShapeError} when a tensor cannot be divided so into equal parts.
 * @throws {TreeError} when a tree of shardings does not fit.
 *
 * @example Activations by their rows
 * ```ts
 * import { jit, matmul, mesh, ones, shard, withSharding } from "@jacobi/jacobi";
 *
 * const rows = shard(mesh({ data: 2 }), "data");
 * const f = jit((x, w) => withSharding(matmul(x, w), rows).sum());
 * if (f(ones([4, 3]), ones([3, 2])).item() !== 24) throw new Error();
 * ```
 */
export function withSharding<T>(tree: T, sharding: Placements): TensorsOf<T> {
  const what = "Cannot say how a tensor is divided";
  return moveLeaves(tree, sharding, what, (x, placement) => {
    if (!(placement instanceof Sharding)) {
      const shown = placement instanceof Device ? String(placement) : describeValue(placement);
      throw argumentError(`${what}: expected a sharding, got ${shown}`);
    }
    if (placement.mesh.devices !== null) backendOf(placement.mesh);
    return x instanceof Concrete && x.placement === placement
      ? x
      : bindOne(withShardingPrimitive, [x], { sharding: placement });
  });
}

/** Whether a value stands for itself: places, and whatever else is none. */
function isNoTree(value: unknown): value is Placement {
  return typeof value !== "object" || value === null || value instanceof Device ||
    value instanceof Sharding || value instanceof Mesh;
}

function moveLeaves<T>(
  tree: T,
  to: Placements,
  what: string,
  f: (x: Tensor, placement: Placement) => Tensor,
): TensorsOf<T> {
  const { leaves, structure } = flatten(tree);
  const placements = broadcastPrefix(to, structure, isNoTree, what);
  for (const place of placements as readonly unknown[]) {
    if (!(place instanceof Mesh)) continue;
    throw argumentError(
      `${what}: expected a sharding, got ${place}; say with shard(mesh, ...) how tensors are divided`,
    );
  }
  const moved = leaves.map((leaf, i) =>
    f(leafToTensor(leaf, leafPaths(structure)[i], what), placements[i])
  );
  return unflatten(structure, moved) as TensorsOf<T>;
}

/**
 * Waits for the work behind tensors. Reading waits by itself; use this to measure time, and in runtimes in
 * which reading cannot block. On devices of XLA the event loop runs meanwhile, so that unused tensors are
 * freed.
 *
 * @category Devices
 * @param tree A tree of tensors; other leaves are ready.
 * @returns A promise of the tree itself.
 * @throws {TraceError} when a tensor is traced and has no concrete value.
 *
 * @example Measuring a compiled function
 * ```ts
 * import { jit, ready, tensor } from "@jacobi/jacobi";
 *
 * const f = jit((x) => x.mul(2).sum());
 * const start = performance.now();
 * await ready(f(tensor([1, 2])));
 * console.log(`${performance.now() - start} ms`);
 * ```
 */
export function ready<T>(tree: T): Promise<T> {
  const tensors = flatten(tree).leaves.filter((leaf) => leaf instanceof Tensor);
  return waitFor(tree, tensors.map((x) => x.concrete("wait for")));
}

/** One after the other: each wait may take a thread. */
async function waitFor<T>(tree: T, tensors: readonly Concrete[]): Promise<T> {
  for (const x of tensors) await x.ready();
  return tree;
}

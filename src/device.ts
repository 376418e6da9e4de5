/**
 * Devices: which there are, and moving tensors to them.
 *
 * @module
 */
import { describeValue } from "./base/dtype.ts";
import { argumentError } from "./base/errors.ts";
import { openDevices } from "./backends/devices.ts";
import "./backends/run.ts";
import { Device } from "./core/device.ts";
import { Tensor } from "./core/tensor.ts";
import type { Concrete } from "./core/tensor.ts";
import { flatten, leafPaths, unflatten } from "./core/tree.ts";
import type { TensorsOf } from "./core/tree_types.ts";
import { leafToTensor } from "./core/convert.ts";
import { move } from "./primitives/move.ts";

/**
 * Every device that is open. The processor is always there, and the first.
 *
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
 * The same tensors on a device. Work on them goes there, alone and in compiled functions; tensors and
 * numbers that were never placed go along, and tensors of two devices in one operation are an error.
 *
 * It is an operation like any other: the tangent of a value moves along with it, its cotangent moves back
 * to where the value was, and `vmap` moves the batch. A compiled function runs on one device as a
 * whole: moving a value within one says where it runs, which must be where its arguments are.
 *
 * @param tree A tree of tensors and numbers.
 * @param device One of `devices()`.
 * @returns The tree with its tensors on the device.
 * @throws {ArgumentError} when `device` is no open device.
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
export function toDevice<T>(tree: T, device: Device): TensorsOf<T> {
  const what = "Cannot move to a device";
  checkDevice(device, what);
  const { leaves, structure } = flatten(tree);
  const moved = leaves.map((leaf, i) =>
    move(leafToTensor(leaf, leafPaths(structure)[i], what), device)
  );
  return unflatten(structure, moved) as TensorsOf<T>;
}

/**
 * Waits for the work behind tensors. Nothing has to wait for it, since reading does so by itself; it is
 * for measuring time, and for runtimes in which reading cannot wait.
 *
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

/**
 * Meshes of devices, and sharding of tensors over them.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, shapeError } from "../base/errors.ts";
import { checkAxisName } from "../base/options.ts";
import { showShape } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { Device } from "./device.ts";

/**
 * Devices arranged along named axes. Created by `mesh`; equal meshes are one object.
 *
 * @category Devices
 * @example Four parts by two
 * ```ts
 * import { mesh } from "@jacobi/jacobi";
 *
 * const { axes, size } = mesh({ data: 4, model: 2 });
 * if (axes.data !== 4 || size !== 8) throw new Error();
 * ```
 */
export class Mesh {
  /** The length of each axis by its name, the outermost first. */
  readonly axes: Readonly<Record<string, number>>;
  /** The devices in row-major order; `null` for a mesh without devices. */
  readonly devices: readonly Device[] | null;
  /** The number of positions: the product of the lengths of its axes. */
  readonly size: number;
  /** The shardings of this mesh by their text. */
  readonly #shardings = new Map<string, Sharding>();

  /** For internal use: meshes are created by the library. */
  constructor(axes: Readonly<Record<string, number>>, devices: readonly Device[] | null) {
    this.axes = Object.freeze({ ...axes });
    this.devices = devices === null ? null : Object.freeze([...devices]);
    this.size = Object.values(axes).reduce((product, length) => product * length, 1);
    Object.freeze(this);
  }

  /**
   * The sharding over this mesh with these names of mesh axes for each axis of a tensor.
   *
   * @internal
   */
  sharding(spec: readonly (readonly string[])[]): Sharding {
    const length = spec.findLastIndex((names) => names.length > 0) + 1;
    const key = JSON.stringify(spec.slice(0, length));
    let known = this.#shardings.get(key);
    if (known === undefined) {
      this.#shardings.set(key, known = new Sharding(this, spec.slice(0, length)));
    }
    return known;
  }

  /** The axes, and the devices if there are any: `mesh(data: 2, model: 2 on xla-cpu:0, …)`. */
  toString(): string {
    const axes = Object.entries(this.axes).map(([name, length]) => `${name}: ${length}`).join(", ");
    return `mesh(${axes}${this.devices === null ? "" : ` on ${this.devices.join(", ")}`})`;
  }

  /** The text that `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** The text that `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** The number of shardings created so far. */
let shardings = 0;

/**
 * How a tensor is divided over a mesh. Created by `shard`; equal shardings are one object.
 *
 * @category Devices
 * @example The part at each position
 * ```ts
 * import { mesh, shard } from "@jacobi/jacobi";
 *
 * const rows = shard(mesh({ data: 4 }), "data", null);
 * if (String(rows.spec) !== "data") throw new Error(String(rows));
 * ```
 */
export class Sharding {
  /** The mesh. */
  readonly mesh: Mesh;
  /**
   * A unique number.
   *
   * @internal
   */
  readonly id: number = ++shardings;
  /**
   * For each axis of a tensor the axes of the mesh that it is divided over, outermost first. The list
   * is empty for axes that are not divided; the same holds for axes beyond the end of `spec`.
   */
  readonly spec: readonly (readonly string[])[];

  /** For internal use: shardings are created by the library. */
  constructor(mesh: Mesh, spec: readonly (readonly string[])[]) {
    this.mesh = mesh;
    this.spec = Object.freeze(spec.map((names) => Object.freeze([...names])));
    Object.freeze(this);
  }

  /** The mesh's axes by the tensor's: `shard(mesh(data: 4), data, null)`. */
  toString(): string {
    return `shard(${[this.mesh, ...this.spec.map(showEntry)].join(", ")})`;
  }

  /** The text that `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** The text that `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * The placement of a tensor: on a device, or over a mesh.
 *
 * @category Devices
 */
export type Placement = Device | Sharding;

/** Where programs run: on a device, or on all devices of a mesh. */
export type Place = Device | Mesh;

/** The device or mesh on which programs on a tensor run. */
export function placeOf(placement: Placement): Place {
  return placement instanceof Sharding ? placement.mesh : placement;
}

/**
 * How a tensor with this placement is divided over a mesh; a tensor that is not on the mesh yet is not
 * divided.
 */
export function shardingIn(mesh: Mesh, placement: Placement | null): Sharding {
  return placement instanceof Sharding && placement.mesh === mesh ? placement : mesh.sharding([]);
}

/** The same sharding for tensors with an additional, undivided axis at `axis`. */
export function insertAxis({ mesh, spec }: Sharding, axis: number): Sharding {
  return axis < spec.length ? mesh.sharding(spec.toSpliced(axis, 0, [])) : mesh.sharding(spec);
}

/** The same sharding for tensors without one of the axes. */
export function removeAxis({ mesh, spec }: Sharding, axis: number): Sharding {
  return mesh.sharding(spec.toSpliced(axis, 1));
}

/**
 * The axes of a mesh over which one axis of a tensor is divided: a name, several, or `null` for none.
 *
 * @category Devices
 */
export type ShardingEntry = string | readonly string[] | null;

function showEntry(names: readonly string[]): string {
  if (names.length === 0) return "null";
  return names.length === 1 ? names[0] : `[${names.join(", ")}]`;
}

/** Meshes by their axes and devices: equal meshes are one object. */
const meshes = new Map<string, Mesh>();

/**
 * Devices arranged along named axes, over which `shard` divides tensors.
 *
 * @category Devices
 * @param axes The length of each axis by its name, the outermost first: `{ data: 4, model: 2 }`.
 * @param devices One device for each position, in row-major order. Without them the mesh has names and
 * lengths only: functions that are mapped over it (`shardMap`) run on one device, with the same
 * results.
 * @returns The mesh. Calls with equal axes and devices return the same object.
 * @throws {ArgumentError} when a name or a length is invalid, or `devices` does not have one distinct
 * device for each position.
 *
 * @example Axes without devices
 * ```ts
 * import { mesh } from "@jacobi/jacobi";
 *
 * if (mesh({ data: 2 }) !== mesh({ data: 2 })) throw new Error();
 * ```
 */
export function mesh(
  axes: Readonly<Record<string, number>>,
  devices?: readonly Device[],
): Mesh {
  const what = "Cannot make a mesh";
  if (typeof axes !== "object" || axes === null || Array.isArray(axes)) {
    throw argumentError(
      `${what}: expected lengths by names such as { data: 4 }, got ${describeValue(axes)}`,
    );
  }
  const entries = Object.entries(axes);
  if (entries.length === 0) throw argumentError(`${what} without axes: name at least one`);
  for (const [name, length] of entries) {
    checkAxisName(name, what);
    // JavaScript orders such keys differently.
    if (/^\d+$/.test(name)) throw argumentError(`${what} with an axis called ${name}: use a word`);
    if (Number.isInteger(length) && length > 0) continue;
    throw argumentError(
      `${what}: expected a positive integer as the length of ${describeValue(name)}, ` +
        `got ${describeValue(length)}`,
    );
  }
  const size = entries.reduce((product, [, length]) => product * length, 1);
  if (devices !== undefined) checkDevices(devices, size, what);
  const key = JSON.stringify([entries, devices?.map(String)]);
  let known = meshes.get(key);
  // Device names are unique even after a device is closed.
  if (known === undefined) meshes.set(key, known = new Mesh(axes, devices ?? null));
  return known;
}

function checkDevices(devices: readonly Device[], size: number, what: string): void {
  if (!Array.isArray(devices) || !devices.every((device) => device instanceof Device)) {
    throw argumentError(`${what}: expected a list of devices, got ${describeValue(devices)}`);
  }
  if (devices.length !== size || new Set(devices).size !== size) {
    throw argumentError(
      `${what}: expected ${size} different devices, one for each place, got ` +
        (devices.length === 0 ? "none" : devices.join(", ")),
    );
  }
}

/**
 * How a tensor is divided over a mesh: for each of its axes the axes of the mesh that it is split over.
 * Along axes of the mesh that are not named, the parts are replicated.
 *
 * @category Devices
 * @param mesh A mesh created by `mesh`.
 * @param spec For each axis of the tensor the name of an axis of the mesh, several names (the outermost
 * first), or `null` where it is not split; axes beyond the list are not split either.
 * @returns The sharding. Calls with equal arguments return the same object.
 * @throws {ArgumentError} when the mesh has no axis of a name, or a name is repeated.
 *
 * @example Rows over one axis, all elements over another
 * ```ts
 * import { mesh, shard } from "@jacobi/jacobi";
 *
 * const machines = mesh({ data: 2, model: 2 });
 * const rows = shard(machines, "data");
 * const whole = shard(machines);
 * const both = shard(machines, ["data", "model"], null);
 * if (rows === whole || both.spec[0].length !== 2) throw new Error();
 * ```
 */
export function shard(mesh: Mesh, ...spec: readonly ShardingEntry[]): Sharding {
  const what = "Cannot make a sharding";
  if (!(mesh instanceof Mesh)) {
    throw argumentError(`${what}: expected a mesh, got ${describeValue(mesh)}`);
  }
  return mesh.sharding(readSpec(mesh, spec, what));
}

/** The axes of a mesh for each axis of a tensor; `what` is the start of error messages. */
export function readSpec(
  mesh: Mesh,
  spec: readonly ShardingEntry[],
  what: string,
): readonly (readonly string[])[] {
  const seen = new Set<string>();
  return spec.map((entry) => {
    const names: readonly unknown[] = entry === null ? [] : Array.isArray(entry) ? entry : [entry];
    for (const name of names) {
      if (typeof name !== "string" || !Object.hasOwn(mesh.axes, name)) {
        throw argumentError(
          `${what} with ${describeValue(name)}: the axes of the mesh are ` +
            `${Object.keys(mesh.axes).join(", ")}, or null where an axis is not split`,
        );
      }
      if (seen.has(name)) {
        throw argumentError(
          `${what}: the axis ${describeValue(name)} of the mesh is used twice; it can split one ` +
            `axis of a tensor`,
        );
      }
      seen.add(name);
    }
    return names as readonly string[];
  });
}

/** The number of parts into which a sharding splits an axis of a tensor. */
export function partsAlong({ mesh, spec }: Sharding, axis: number): number {
  return (spec[axis] ?? []).reduce((product, name) => product * mesh.axes[name], 1);
}

/**
 * The shape of each part of a tensor; `what` is the start of error messages.
 *
 * @throws {ShapeError} when the tensor has too few axes, or one is not divisible into its parts.
 */
export function shardShape(sharding: Sharding, shape: Shape, what: string): Shape {
  if (sharding.spec.length > shape.length) {
    throw shapeError(
      `${what} ${showShape(shape)} by ${sharding}: it has too few axes, expected ` +
        `${sharding.spec.length} or more`,
    );
  }
  return shape.map((length, axis) => {
    const parts = partsAlong(sharding, axis);
    if (length % parts === 0) return length / parts;
    throw shapeError(
      `${what} ${showShape(shape)} by ${sharding}: axis ${axis} of length ${length} is not ` +
        `divisible into ${parts} equal parts`,
    );
  });
}

/** For each position of the mesh, in order, the index of its part along each axis of a tensor. */
export function partsOf({ mesh, spec }: Sharding, ndim: number): readonly (readonly number[])[] {
  const lengths = Object.entries(mesh.axes);
  return Array.from({ length: mesh.size }, (_, place) => {
    const at = new Map<string, number>();
    let rest = place;
    for (const [name, length] of lengths.toReversed()) {
      at.set(name, rest % length);
      rest = Math.floor(rest / length);
    }
    return Array.from(
      { length: ndim },
      (_, axis) =>
        (spec[axis] ?? []).reduce((part, name) => part * mesh.axes[name] + at.get(name)!, 0),
    );
  });
}

/**
 * Meshes of devices, and how tensors are divided over them.
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
 * Devices arranged along named axes. Made by `mesh`; equal meshes are one object.
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
  /** The devices, with the last axis the fastest; `null` for a mesh of axes alone. */
  readonly devices: readonly Device[] | null;
  /** How many positions it has: the product of its axes' lengths. */
  readonly size: number;
  /** Its shardings by their text. */
  readonly #shardings = new Map<string, Sharding>();

  /** Made by the library only. */
  constructor(axes: Readonly<Record<string, number>>, devices: readonly Device[] | null) {
    this.axes = Object.freeze({ ...axes });
    this.devices = devices === null ? null : Object.freeze([...devices]);
    this.size = Object.values(axes).reduce((product, length) => product * length, 1);
    Object.freeze(this);
  }

  /**
   * The sharding of this mesh with these axes' names for each axis of a tensor.
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

  /** Its axes, and its devices if it has any: `mesh(data: 2, model: 2 on xla-cpu:0, …)`. */
  toString(): string {
    const axes = Object.entries(this.axes).map(([name, length]) => `${name}: ${length}`).join(", ");
    return `mesh(${axes}${this.devices === null ? "" : ` on ${this.devices.join(", ")}`})`;
  }

  /** What `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** What `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** How many shardings there are. */
let shardings = 0;

/**
 * How a tensor is divided over a mesh. Made by `shard`; equal shardings are one object.
 *
 * @category Devices
 * @example What lies in each place
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
   * Which one it is: no other has its number.
   *
   * @internal
   */
  readonly id: number = ++shardings;
  /**
   * For each axis of a tensor the axes of the mesh that it is divided over, outermost first; none for
   * axes that are whole everywhere, as axes beyond the list are.
   */
  readonly spec: readonly (readonly string[])[];

  /** Made by the library only. */
  constructor(mesh: Mesh, spec: readonly (readonly string[])[]) {
    this.mesh = mesh;
    this.spec = Object.freeze(spec.map((names) => Object.freeze([...names])));
    Object.freeze(this);
  }

  /** The mesh's axes by the tensor's: `shard(mesh(data: 4), data, null)`. */
  toString(): string {
    return `shard(${[this.mesh, ...this.spec.map(showEntry)].join(", ")})`;
  }

  /** What `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** What `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * Where a tensor was placed: on a device, or over a mesh.
 *
 * @category Devices
 */
export type Placement = Device | Sharding;

/** Where programs run: on a device, or on all devices of a mesh. */
export type Place = Device | Mesh;

/** Where programs on a tensor run. */
export function placeOf(placement: Placement): Place {
  return placement instanceof Sharding ? placement.mesh : placement;
}

/** How a tensor that was placed so is divided over a mesh: what is not on it yet is whole everywhere. */
export function shardingIn(mesh: Mesh, placement: Placement | null): Sharding {
  return placement instanceof Sharding && placement.mesh === mesh ? placement : mesh.sharding([]);
}

/** The same sharding for tensors with an axis more at `axis`, which is whole everywhere. */
export function insertAxis({ mesh, spec }: Sharding, axis: number): Sharding {
  return axis < spec.length ? mesh.sharding(spec.toSpliced(axis, 0, [])) : mesh.sharding(spec);
}

/** The same sharding for tensors without an axis. */
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

/** Meshes by their axes and devices: equal ones are one object. */
const meshes = new Map<string, Mesh>();

/**
 * Devices arranged along named axes, over which `shard` divides tensors.
 *
 * @category Devices
 * @param axes The length of each axis by its name, the outermost first: `{ data: 4, model: 2 }`.
 * @param devices As many as there are positions, with the last axis the fastest. Without them the mesh has
 * names and lengths only: functions that are mapped over it (`shardMap`) run on one device, with the same
 * results.
 * @returns The mesh. Calls with equal axes and devices give the same object.
 * @throws {ArgumentError} when a name or a length is invalid, or the devices are not as many different ones
 * as there are positions.
 *
 * @example Axes without machines
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
    // JavaScript lists such keys in an order of its own.
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
  // A device that was closed may have given its name to no other: names are not used twice.
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
 * Over axes of the mesh that are not named, every position has the same part.
 *
 * @category Devices
 * @param mesh What `mesh` gave.
 * @param spec For each axis of the tensor the name of an axis of the mesh, several names (the outermost
 * first), or `null` where it is not split; axes beyond the list are not split either.
 * @returns The sharding. Calls with equal arguments give the same object.
 * @throws {ArgumentError} when the mesh has no axis of a name, or a name stands twice.
 *
 * @example Rows over one axis, everything over another
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

/** The axes of a mesh for each axis of a tensor; `what` begins messages. */
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

/** Into how many parts a sharding splits an axis of a tensor. */
export function partsAlong({ mesh, spec }: Sharding, axis: number): number {
  return (spec[axis] ?? []).reduce((product, name) => product * mesh.axes[name], 1);
}

/**
 * The shape of each part of a tensor; `what` begins messages.
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

/** For each place of the mesh, in order, which part along each axis of a tensor lies there. */
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

/**
 * The open devices and the choice between them: work runs on the device or the mesh of its operands, or on
 * the one that the program names; tensors without a placement are moved there.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { cpu, defaultDevice, setDefaultDevice } from "../core/device.ts";
import type { Device } from "../core/device.ts";
import { evaluate as evaluatePrimitive } from "../core/evaluation.ts";
import type { Primitive } from "../core/primitive.ts";
import { programsIn } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Mesh, placeOf, Sharding } from "../core/sharding.ts";
import type { Place, Placement } from "../core/sharding.ts";
import { Concrete } from "../core/tensor.ts";
import { isRecording } from "../core/timeline.ts";
import type { Type } from "../core/tensor.ts";
import { installDispatcher } from "../core/trace.ts";
import type { Backend } from "./backend.ts";
import { spanOfResults, totalBytes } from "./spans.ts";

const open = new Map<Device, Backend>();

/** Opens a device, or sets the backend of an open one; eager operations use it, too. */
export function openDevice(device: Device, backend: Backend): void {
  open.set(device, backend);
  installDispatcher(evaluate);
}

/** Closes a device; if unplaced work went to it, that work goes to the CPU again. */
export function closeDevice(device: Device): void {
  if (defaultDevice() === device) setDefaultDevice(cpu);
  open.delete(device);
}

/** All open devices. */
export function openDevices(): readonly Device[] {
  return [...open.keys()];
}

/** Whether a device is open. */
export function isOpen(device: Device): boolean {
  return open.has(device);
}

/** The backend of a device, or of all devices of a mesh. */
export function backendOf(place: Place): Backend {
  if (place instanceof Mesh) return backendOfMesh(place);
  const backend = open.get(place);
  if (backend === undefined) throw argumentError(`Cannot use ${place}: it is not open`);
  return backend;
}

function backendOfMesh(mesh: Mesh): Backend {
  if (mesh.devices === null) {
    throw argumentError(
      `Cannot use ${mesh}: it has no devices; make it with mesh(axes, devices)`,
    );
  }
  const [first, ...others] = mesh.devices.map((device) => {
    if (isOpen(device)) return backendOf(device);
    throw argumentError(`Cannot use ${mesh}: ${device} is not open`);
  });
  if (first.hasMeshes === true && others.every((other) => other === first)) return first;
  throw argumentError(
    `Cannot use ${mesh}: expected devices that one call of openXla has given`,
  );
}

/**
 * A result in `place`; copied into a separate tensor unless it `isFresh`, that is, not referenced elsewhere.
 */
export function settle(result: Concrete, place: Place | null, isFresh: boolean): Concrete {
  const { placement } = result;
  if (placement === place || placement instanceof Sharding && placement.mesh === place) {
    return result;
  }
  // A result that was not computed on the mesh is replicated.
  return placed(result, place instanceof Mesh ? place.sharding([]) : place, isFresh);
}

function placed(x: Concrete, placement: Placement | null, isFresh: boolean): Concrete {
  const own = isFresh ? x : new Concrete(x.dtype, x.shape, x.storage);
  own.place(placement);
  return own;
}

/**
 * A tensor of the same elements with another placement; without a placement, elements move to the default
 * device.
 */
function moveTo(x: Concrete, placement: Placement | null): Concrete {
  if (x.placement === placement) return x;
  const target = placement ?? defaultDevice();
  const backend = backendOf(placeOf(target));
  const own = placed(x, placement, false);
  backend.put(own, target);
  return own;
}

/** Whether two placements cannot be combined in one operation. */
function areApart(a: Placement, b: Placement): boolean {
  return a !== b && placeOf(a) !== placeOf(b);
}

/** A description of what two tensors must share to be combined in one operation. */
export function onePlace(a: Place, b: Place): string {
  return a instanceof Mesh || b instanceof Mesh ? "one mesh" : "one device";
}

/**
 * The common placement of the tensors; `null` if none was placed. `doing` describes the failed operation in
 * the error for tensors of two places.
 */
export function commonPlace(args: readonly Concrete[], doing: () => string): Place | null {
  let common: Placement | null = null;
  for (let i = 0; i < args.length; i++) {
    const own = args[i].placement;
    if (own === null || own === common) continue;
    if (common !== null && areApart(own, common)) throw placeError(args, doing());
    common = own;
  }
  return common === null ? null : placeOf(common);
}

function placeError(args: readonly Concrete[], doing: string): Error {
  const each = args.filter(({ placement }) => placement !== null);
  const show = (x: Concrete) => `${showType(x)} on ${placeOf(x.placement!)}`;
  const [first] = each;
  const other = each.find(({ placement }) => areApart(placement!, first.placement!))!;
  return argumentError(
    `Cannot ${doing} ${show(first)} and ${show(other)}: expected ` +
      `${onePlace(placeOf(first.placement!), placeOf(other.placement!))}; ` +
      `move one of them with toDevice`,
  );
}

const targets = new WeakMap<Program, Place | null>();

/**
 * The place that a program moves values to; `null` if it moves none.
 *
 * @throws {ArgumentError} if there is more than one.
 */
export function targetOf(program: Program): Place | null {
  let target = targets.get(program);
  if (target === undefined) {
    const each = program.equations.map(({ primitive, params }) => {
      const own = primitive.target?.(params) ?? null;
      return own === null ? targetWithin(params) : placeOf(own);
    });
    targets.set(program, target = onlyTarget(each));
  }
  return target;
}

/** The same for programs in parameters. */
function targetWithin(params: unknown): Place | null {
  return onlyTarget(programsIn(params).map(targetOf));
}

function onlyTarget(places: readonly (Place | null)[]): Place | null {
  const [first = null, other] = new Set(places.filter((place) => place !== null));
  if (first === null || other === undefined) return first;
  throw argumentError(
    `Cannot run a program that moves values to ${first} and to ${other}: a program runs on ` +
      `${onePlace(first, other)}; make a compiled function of each part and move what is between ` +
      `them`,
  );
}

/** Throws if a program that runs in `place` moves values to another place. */
export function checkTarget(target: Place | null, place: Place | null, name: string): void {
  if (target === null || place === null || target === place) return;
  throw argumentError(
    `Cannot run ${name} on ${place}: it moves values to ${target}, and a program runs on ` +
      `${onePlace(target, place)}; move its arguments there, or move the values before or after ` +
      `the call`,
  );
}

/** The common place of an operation's arguments and of the programs in it; `null` if nothing was placed. */
export function placementOf<P>(
  primitive: Primitive<P>,
  args: readonly Concrete[],
  params: P,
): Place | null {
  const place = commonPlace(args, () => `apply ${primitive.name} to`);
  if (primitive.derivative.kind !== "program") return place;
  const target = targetWithin(params);
  checkTarget(target, place, primitive.name);
  return place ?? target;
}

/** Computes one operation in the place of its operands, if that place has its own implementation. */
function evaluate(
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
): readonly Concrete[] {
  // Results stay where the called program leaves them, or where the arguments are.
  if (primitive.isCall === true || primitive.name === "barrier") {
    return primitive.evaluate(args, params, types);
  }
  if (primitive.target !== undefined) {
    const target = primitive.target(params);
    return [target === undefined ? args[0] : moveTo(args[0], target)];
  }
  const place = placementOf(primitive, args, params);
  const where = place ?? defaultDevice();
  const compute = (): readonly Concrete[] =>
    backendOf(where).evaluate(where, primitive, args, params, types) ??
      evaluatePrimitive(primitive, args, params, types);
  const results = isRecording()
    ? spanOfResults(
      { kind: "operation", name: primitive.name, bytes: totalBytes(args) + totalBytes(types) },
      compute,
    )
    : compute();
  if (place === null) return results;
  // Programs may return their own constants.
  const isPlain = primitive.derivative.kind !== "program";
  return results.map((one) => settle(one, place, isPlain && !args.includes(one)));
}

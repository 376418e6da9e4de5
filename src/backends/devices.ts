/**
 * The devices that are open, and which of them work goes to: where its operands are, or where the
 * program says; what was never placed goes along.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { cpu, defaultDevice, setDefaultDevice } from "../core/device.ts";
import type { Device } from "../core/device.ts";
import type { Primitive } from "../core/primitive.ts";
import { programsIn } from "../core/program.ts";
import type { Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { installDispatcher } from "../core/trace.ts";
import type { Backend } from "./backend.ts";

const open = new Map<Device, Backend>();

/** Opens a device, or gives an open one another backend; eager operations go through it, too. */
export function openDevice(device: Device, backend: Backend): void {
  open.set(device, backend);
  installDispatcher(evaluate);
}

/** Takes a device out of use; work that was not placed goes to the processor again, if it went there. */
export function closeDevice(device: Device): void {
  if (defaultDevice() === device) setDefaultDevice(cpu);
  open.delete(device);
}

/** Every device that is open. */
export function openDevices(): readonly Device[] {
  return [...open.keys()];
}

/** Whether a device is open. */
export function isOpen(device: Device): boolean {
  return open.has(device);
}

/** The backend of a device. */
export function backendOf(device: Device): Backend {
  const backend = open.get(device);
  if (backend === undefined) throw argumentError(`Cannot use ${device}: it is not open`);
  return backend;
}

/** A result on `device`; a tensor of its own unless it `isFresh`, in the hands of nobody else. */
export function settle(result: Concrete, device: Device | null, isFresh: boolean): Concrete {
  if (result.placement === device) return result;
  const { dtype, shape } = result;
  const own = isFresh ? result : new Concrete(dtype, shape, result.storage);
  own.place(device);
  return own;
}

/** A tensor of the same elements on a device, or on none: then they are where work goes by default. */
function moveTo(x: Concrete, device: Device | null): Concrete {
  const own = settle(x, device, false);
  if (own !== x) {
    const target = device ?? defaultDevice();
    backendOf(target).put(own, target);
  }
  return own;
}

/**
 * The device on which some of the tensors were placed; `null` if none was. `doing` says in the error
 * what cannot be done with tensors of two devices.
 */
export function commonDevice(args: readonly Concrete[], doing: () => string): Device | null {
  let device: Device | null = null;
  for (let i = 0; i < args.length; i++) {
    const own = args[i].placement;
    if (own === null || own === device) continue;
    if (device !== null) throw deviceError(args, doing());
    device = own;
  }
  return device;
}

function deviceError(args: readonly Concrete[], doing: string): Error {
  const placed = args.filter(({ placement }) => placement !== null);
  const [first] = placed;
  const other = placed.find(({ placement }) => placement !== first.placement)!;
  return argumentError(
    `Cannot ${doing} ${showType(first)} on ${first.placement} and ${showType(other)} on ` +
      `${other.placement}: expected one device; move one of them with toDevice`,
  );
}

const targets = new WeakMap<Program, Device | null>();

/**
 * The device that a program moves values to; `null` if it moves none.
 *
 * @throws {ArgumentError} when there are two.
 */
export function targetOf(program: Program): Device | null {
  let target = targets.get(program);
  if (target === undefined) {
    const each = program.equations.map(({ primitive, params }) =>
      primitive.target?.(params) ?? targetWithin(params)
    );
    targets.set(program, target = onlyTarget(each));
  }
  return target;
}

/** The same for the programs among parameters. */
function targetWithin(params: unknown): Device | null {
  return onlyTarget(programsIn(params).map(targetOf));
}

function onlyTarget(devices: readonly (Device | null)[]): Device | null {
  const [first = null, other] = new Set(devices.filter((device) => device !== null));
  if (other === undefined) return first;
  throw argumentError(
    `Cannot run a program that moves values to ${first} and to ${other}: a program runs on one device; ` +
      `make a compiled function of each part and move what is between them`,
  );
}

/** Throws where a program that runs on `device` moves values to another one. */
export function checkTarget(target: Device | null, device: Device | null, name: string): void {
  if (target === null || device === null || target === device) return;
  throw argumentError(
    `Cannot run ${name} on ${device}: it moves values to ${target}, and a program runs on one ` +
      `device; move its arguments there, or move the values before or after the call`,
  );
}

/** The device that an operation's arguments, and the programs in it, agree on; `null` if nothing was placed. */
export function placementOf<P>(
  primitive: Primitive<P>,
  args: readonly Concrete[],
  params: P,
): Device | null {
  const device = commonDevice(args, () => `apply ${primitive.name} to`);
  if (primitive.derivative.kind !== "program") return device;
  const target = targetWithin(params);
  checkTarget(target, device, primitive.name);
  return device ?? target;
}

/** Computes one operation: on the device of its operands, where that has a way of its own. */
function evaluate(
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
): readonly Concrete[] {
  if (primitive.target !== undefined) return [moveTo(args[0], primitive.target(params))];
  // Results are where the called program leaves them, or where the arguments are.
  if (primitive.isCall === true || primitive.name === "barrier") {
    return primitive.evaluate(args, params, types);
  }
  const device = placementOf(primitive, args, params);
  const place = device ?? defaultDevice();
  const results = backendOf(place).evaluate(place, primitive, args, params, types) ??
    primitive.evaluate(args, params, types);
  if (device === null) return results;
  // Programs may hand on constants of their own.
  const isPlain = primitive.derivative.kind !== "program";
  return results.map((one) => settle(one, device, isPlain && !args.includes(one)));
}

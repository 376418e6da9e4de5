/**
 * Devices: processors that store the elements of tensors and run programs.
 *
 * @module
 */

/**
 * A processor with its memory. Devices are created by the library; `devices` lists those that are open.
 *
 * @category Devices
 * @example The default device
 * ```ts
 * import { devices } from "@jacobi/jacobi";
 *
 * const [cpu] = devices();
 * if (String(cpu) !== "cpu:0") throw new Error(String(cpu));
 * ```
 */
export class Device {
  /** The kind of device, such as `"cpu"`. */
  readonly kind: string;
  /** Its index among the devices of its kind, counted from 0. */
  readonly id: number;

  /** For internal use: devices are created by the library. */
  constructor(kind: string, id: number) {
    this.kind = kind;
    this.id = id;
    Object.freeze(this);
  }

  /** The kind and the number, such as `cpu:0`. */
  toString(): string {
    return `${this.kind}:${this.id}`;
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

/** The processor that JavaScript runs on. */
export const cpu: Device = new Device("cpu", 0);

let chosen: Device = cpu;

/** The default device: it runs work on tensors that were not placed on a device. */
export function defaultDevice(): Device {
  return chosen;
}

/** Sets the default device. */
export function setDefaultDevice(device: Device): void {
  chosen = device;
}

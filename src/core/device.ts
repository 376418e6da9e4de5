/**
 * Devices: where the elements of tensors are kept and programs run.
 *
 * @module
 */

/**
 * A processor with its memory. The library makes devices; `devices` lists those that are open.
 *
 * @category Devices
 * @example The processor that programs run on unless told otherwise
 * ```ts
 * import { devices } from "@jacobi/jacobi";
 *
 * const [cpu] = devices();
 * if (String(cpu) !== "cpu:0") throw new Error(String(cpu));
 * ```
 */
export class Device {
  /** What it is: `"cpu"`. */
  readonly kind: string;
  /** Which of its kind it is, counted from 0. */
  readonly id: number;

  /** Made by the library only. */
  constructor(kind: string, id: number) {
    this.kind = kind;
    this.id = id;
    Object.freeze(this);
  }

  /** The kind and the number, such as `cpu:0`. */
  toString(): string {
    return `${this.kind}:${this.id}`;
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

/** The processor that JavaScript runs on. */
export const cpu: Device = new Device("cpu", 0);

let chosen: Device = cpu;

/** Where work runs whose tensors were not placed on a device. */
export function defaultDevice(): Device {
  return chosen;
}

/** Chooses where such work goes. */
export function setDefaultDevice(device: Device): void {
  chosen = device;
}

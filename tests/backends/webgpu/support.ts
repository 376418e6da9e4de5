/**
 * The device that tests of WebGPU run on. They take long on an adapter of software, so that they are left
 * out unless the variable `JACOBI_WEBGPU` is set, as `deno task webgpu` does; then there must be one.
 *
 * @module
 */
import { openWebGpu } from "../../../src/backends/webgpu/mod.ts";
import type { Device } from "../../../src/core/device.ts";

const VARIABLE = "JACOBI_WEBGPU";

/** Whether there must be a device. */
export const isExpected: boolean =
  Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state === "granted" &&
  Deno.env.get(VARIABLE) === "1";

const opened = isExpected ? await openWebGpu() : [];

/** The device. */
export function device(): Device {
  return opened[0];
}

/** A test that needs a device. */
export function gpuTest(name: string, run: () => void | Promise<void>): void {
  Deno.test({ name, ignore: !isExpected, fn: run });
}

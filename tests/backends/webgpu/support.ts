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

/** Bits that stand in new memory of a device: a NaN. */
const POISON = 0x7fc0dead;

/** A device whose new buffers hold NaN, so that a result tells of whatever is read before it is written. */
export async function openPoisoned(): Promise<Device> {
  const adapter = await navigator.gpu.requestAdapter();
  const gpu = await adapter!.requestDevice();
  const createBuffer = gpu.createBuffer.bind(gpu);
  gpu.createBuffer = (descriptor) => {
    if ((descriptor.usage & GPUBufferUsage.STORAGE) === 0) return createBuffer(descriptor);
    const buffer = createBuffer({ ...descriptor, mappedAtCreation: true });
    new Uint32Array(buffer.getMappedRange()).fill(POISON);
    buffer.unmap();
    return buffer;
  };
  const [poisoned] = await openWebGpu({ device: gpu });
  return poisoned;
}

/** A test that needs a device. */
export function gpuTest(name: string, run: () => void | Promise<void>): void {
  Deno.test({ name, ignore: !isExpected, fn: run });
}

/**
 * Reading buffers: at once where the runtime can, and by a promise everywhere.
 *
 * @module
 */
import { webGpuError } from "../../base/errors.ts";
import { type GpuBuffer, isDeno, MAP_READ } from "./api.ts";
import type { Session } from "./session.ts";

/** Copies the beginning of a buffer to one that can be mapped. */
function stage(session: Session, buffer: GpuBuffer, size: number, doing: string): GpuBuffer {
  const { device } = session;
  // In Deno a buffer can be read at once after it was mapped before.
  const staging = session.newStaging(size, doing);
  const commands = device.createCommandEncoder();
  commands.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([commands.finish()]);
  return staging;
}

function take(staging: GpuBuffer): ArrayBuffer {
  const bytes = staging.getMappedRange().slice(0);
  staging.unmap();
  staging.destroy();
  return bytes;
}

/** Whether buffers can be read without a promise: in Deno `mapAsync` itself waits for the device. */
export const readsAtOnce: boolean = isDeno();

/**
 * The first `size` bytes of a buffer, a multiple of 4. `doing` begins the message of errors.
 *
 * @throws {WebGpuError} where the runtime cannot wait for the device.
 */
export function readNow(
  session: Session,
  buffer: GpuBuffer,
  size: number,
  doing: string,
): ArrayBuffer {
  session.use(doing);
  if (!readsAtOnce) {
    throw webGpuError(
      `${doing}: this runtime cannot wait for a WebGPU device; read with \`await x.read()\` first`,
    );
  }
  const staging = stage(session, buffer, size, doing);
  staging.mapAsync(MAP_READ).catch(() => {});
  return take(staging);
}

/** The same as a promise. */
export async function readLater(
  session: Session,
  buffer: GpuBuffer,
  size: number,
  doing: string,
): Promise<ArrayBuffer> {
  session.use(doing);
  const staging = stage(session, buffer, size, doing);
  try {
    await staging.mapAsync(MAP_READ);
  } catch (error) {
    session.use(doing);
    throw webGpuError(`${doing}: ${(error as Error).message}`);
  }
  return take(staging);
}

/**
 * Reading buffers: at once where the runtime can, and by a promise everywhere.
 *
 * @module
 */
import { webGpuError } from "../../base/errors.ts";
import { type GpuBuffer, isDeno, MAP_READ } from "./api.ts";
import { lostOrFull, type Session, type Staging } from "./session.ts";

/** Bytes of a buffer: from `start` on, `size` of them, both multiples of 4. */
export interface Part {
  readonly buffer: GpuBuffer;
  readonly start: number;
  readonly size: number;
}

/** Copies parts to a buffer that can be mapped, one behind the other. */
function stage(session: Session, parts: readonly Part[], doing: string): Staging {
  const { device } = session;
  const staging = session.takeStaging(parts.reduce((sum, { size }) => sum + size, 0), doing);
  const commands = device.createCommandEncoder();
  let end = 0;
  for (const { buffer, start, size } of parts) {
    commands.copyBufferToBuffer(buffer, start, staging.buffer, end, size);
    end += size;
  }
  device.queue.submit([commands.finish()]);
  return staging;
}

/** The bytes of each part. */
function take(session: Session, staging: Staging, parts: readonly Part[]): readonly ArrayBuffer[] {
  const mapped = staging.buffer.getMappedRange();
  let end = 0;
  const bytes = parts.map(({ size }) => mapped.slice(end, end += size));
  staging.buffer.unmap();
  session.giveStaging(staging);
  return bytes;
}

/** Whether buffers can be read without a promise: in Deno `mapAsync` itself waits for the device. */
export const readsAtOnce: boolean = isDeno();

/**
 * The bytes of parts of buffers. `doing` begins the message of errors.
 *
 * @throws {WebGpuError} where the runtime cannot wait for the device.
 */
export function readNow(
  session: Session,
  parts: readonly Part[],
  doing: string,
): readonly ArrayBuffer[] {
  session.use(doing);
  if (!readsAtOnce) {
    throw webGpuError(
      `${doing}: this runtime cannot wait for a WebGPU device; read with \`await x.read()\` first`,
    );
  }
  const staging = stage(session, parts, doing);
  // In Deno a buffer can be read at once, if it was mapped before.
  staging.buffer.mapAsync(MAP_READ).catch(() => {});
  try {
    return take(session, staging, parts);
  } catch (error) {
    // A device that was lost says so between turns of the event loop only.
    throw webGpuError(`${doing}: ${lostOrFull}: ${(error as Error).message}`);
  }
}

/** The same as a promise. */
export async function readLater(
  session: Session,
  parts: readonly Part[],
  doing: string,
): Promise<readonly ArrayBuffer[]> {
  session.use(doing);
  const staging = stage(session, parts, doing);
  try {
    await staging.buffer.mapAsync(MAP_READ);
  } catch (error) {
    session.use(doing);
    throw webGpuError(`${doing}: ${(error as Error).message}`);
  }
  return take(session, staging, parts);
}

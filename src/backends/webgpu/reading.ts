/**
 * Reading buffers: synchronously where the runtime can, and through a promise everywhere.
 *
 * @module
 */
import { webGpuError } from "../../base/errors.ts";
import { type GpuBuffer, MAP_READ } from "./api.ts";
import type { CanvasReader } from "./canvas.ts";
import { mapNow, noting } from "./waiting.ts";
import { lostOrFull, type Session, type Staging } from "./session.ts";

/** `size` bytes of a buffer from `start`, both multiples of 4. */
export interface Part {
  readonly buffer: GpuBuffer;
  readonly start: number;
  readonly size: number;
}

/** The advice in errors where reading must wait for a turn of the event loop. */
const CANNOT_WAIT =
  "this runtime cannot wait for a WebGPU device; read with `await x.read()` first, and do what the device " +
  "cannot do on the processor, with `toDevice(x, devices()[0])`";

/** Copies parts to a mappable buffer, one after another. */
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

/**
 * The bytes of parts of buffers. `doing` is the beginning of error messages.
 *
 * @throws {WebGpuError} if the runtime cannot wait for the device.
 */
export function readNow(
  session: Session,
  parts: readonly Part[],
  doing: string,
): readonly ArrayBuffer[] {
  session.use(doing);
  if (!session.readsAtOnce) throw webGpuError(`${doing}: ${CANNOT_WAIT}`);
  if (session.canvas !== null) return drawNow(session.canvas, parts, doing);
  const staging = stage(session, parts, doing);
  if (!mapNow(staging.buffer)) {
    staging.buffer.destroy();
    throw webGpuError(`${doing}: ${CANNOT_WAIT}`);
  }
  try {
    return take(session, staging, parts);
  } catch (error) {
    // The loss of a device is only reported between turns of the event loop.
    throw webGpuError(`${doing}: ${lostOrFull}: ${(error as Error).message}`);
  }
}

/** The same through a canvas. */
function drawNow(
  canvas: CanvasReader,
  parts: readonly Part[],
  doing: string,
): readonly ArrayBuffer[] {
  try {
    return parts.map((part) => canvas.read(part.buffer, part.start, part.size));
  } catch (error) {
    throw webGpuError(`${doing}: ${lostOrFull}: ${(error as Error).message}`);
  }
}

/** The same through a promise. */
export async function readLater(
  session: Session,
  parts: readonly Part[],
  doing: string,
): Promise<readonly ArrayBuffer[]> {
  session.use(doing);
  const staging = stage(session, parts, doing);
  try {
    await noting(() => staging.buffer.mapAsync(MAP_READ));
  } catch (error) {
    session.use(doing);
    throw webGpuError(`${doing}: ${(error as Error).message}`);
  }
  return take(session, staging, parts);
}

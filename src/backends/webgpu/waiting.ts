/**
 * Waits for a device without a promise, where the runtime allows it.
 *
 * @module
 */
import { type GpuBuffer, isDeno, MAP_READ } from "./api.ts";

type Task = (...args: readonly unknown[]) => unknown;

const runtime = globalThis as { setImmediate?: Task };

/** The function that polls the devices of the npm package `webgpu` in the next turn of the event loop. */
let due: Task | null = null;

/**
 * Runs a function that starts or ends work of a device. In Node, the package `webgpu` polls its devices in a
 * task that it passes to `setImmediate`. Tasks of work that starts here are recorded, so that `mapNow` can
 * run them earlier.
 */
export function noting<T>(run: () => T): T {
  const { setImmediate } = runtime;
  if (setImmediate === undefined || isDeno()) return run();
  runtime.setImmediate = (task, ...args) => {
    due = task as Task;
    return setImmediate(() => {
      if (due !== task) return;
      due = null;
      noting(() => (task as Task)(...args));
    });
  };
  try {
    return run();
  } finally {
    runtime.setImmediate = setImmediate;
  }
}

/**
 * Maps a buffer that has been mapped and unmapped before, and waits for it.
 *
 * @returns Whether the runtime can wait.
 */
export function mapNow(buffer: GpuBuffer): boolean {
  // In Deno, `mapAsync` itself waits.
  if (!isDeno() && (runtime.setImmediate === undefined || buffer.mapState === undefined)) {
    return false;
  }
  noting(() => buffer.mapAsync(MAP_READ)).catch(() => {});
  if (isDeno()) return true;
  while (buffer.mapState === "pending") {
    if (due === null) return false;
    const task = due;
    due = null;
    noting(task);
  }
  return true;
}

/** The next turn of the event loop, if the runtime has tasks for it. */
export function nextTurn(): Promise<void> {
  const { setImmediate } = runtime;
  return new Promise((resolve) => setImmediate === undefined ? resolve() : setImmediate(resolve));
}

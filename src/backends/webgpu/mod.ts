/**
 * WebGPU: programs on GPUs, in browsers and in Deno. A program is lowered to loop nests and kernels as for
 * WebAssembly. Each of these is written in WGSL (`wgsl/`), and one submission runs all of them on tensors
 * that stay on the device (`memory.ts`). Operations in float64 and operations without a kernel are left to
 * the evaluator.
 *
 * @module
 */
import { describeValue } from "../../base/dtype.ts";
import { argumentError } from "../../base/errors.ts";
import { readOptions } from "../../base/options.ts";
import { Device } from "../../core/device.ts";
import type { Equation } from "../../core/program.ts";
import { type Concrete, isSplat } from "../../core/tensor.ts";
import { expandComposites } from "../../passes/expand_composites.ts";
import { widen } from "../../passes/widen.ts";
import type { Backend } from "../backend.ts";
import { closeDevice, openDevice } from "../devices.ts";
import { EagerOperations } from "../eager.ts";
import type { GpuDevice } from "./api.ts";
import { compile, DeviceProgram } from "./executable.ts";
import { meansInFloats } from "./means.ts";
import { DeviceMemory } from "./memory.ts";
import { isFused, isOnDevice } from "./plan.ts";
import { requestDevice, Session } from "./session.ts";

/**
 * Options of `openWebGpu`.
 *
 * @category WebGPU
 */
export interface WebGpuOptions {
  /** The preferred adapter if there are several: the power-saving or the fast one. */
  readonly powerPreference?: "low-power" | "high-performance";
  /**
   * Limits that the device must support, such as `{ maxBufferSize: 2 ** 30 }`; by default those of the
   * adapter.
   */
  readonly limits?: Readonly<Record<string, number>>;
  /** A `GPUDevice` that another library has opened; it stays open when Jacobi closes it. */
  readonly device?: object;
  /**
   * Whether results are read synchronously through a canvas in workers of browsers, where there is no other
   * way; by default, if the driver does not run on the CPU. Headless Chromium on SwiftShader loses the device
   * unless its flags include `--enable-features=Vulkan --use-vulkan=swiftshader --use-angle=swiftshader`.
   */
  readonly canvas?: boolean;
}

/** A backend for one device. */
class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly session: Session;
  readonly #memory: DeviceMemory;
  readonly #eager: EagerOperations;

  constructor(session: Session) {
    const memory = new DeviceMemory(session);
    this.session = session;
    this.#memory = memory;
    this.#eager = new EagerOperations({
      isGiven: isSplat,
      compile(program) {
        const optimized = meansInFloats(expandComposites(widen(program)));
        const { limits, device } = session;
        const most = device.limits.maxStorageBufferBindingSize;
        if (!optimized.equations.every((one) => isOnDevice(one, limits, most))) return null;
        const numbers = program.equations[0].inputs.length - program.binders.length;
        const compiled = new DeviceProgram(optimized, memory, { numbers });
        return { run: (args, given) => compiled.run(args, given), drop() {} };
      },
    });
  }

  compile: Backend["compile"] = (program, { isDonated }) =>
    compile(program, this.#memory, isDonated);

  isKept = (equation: Equation): boolean => isFused(equation, this.session.limits);

  evaluate: Backend["evaluate"] = (_place, primitive, args, params, types) =>
    this.#eager.evaluate(primitive, args, params, types);

  put(x: Concrete): void {
    if (x.dtype !== "float64") this.#memory.arrayOf(x, new Set());
  }

  threads(): number {
    return 1;
  }

  memoryUsage: Backend["memoryUsage"] = () => {
    const { held, peak, limit, count } = this.#memory;
    return { held, peak, limit, residents: count, droppable: 0, window: 0 };
  };

  configure: Backend["configure"] = ({ memoryLimit }) => {
    if (memoryLimit !== undefined) this.#memory.limit = memoryLimit;
  };
}

const sessions = new Map<Device, Session>();

/** The number of devices opened so far: device numbers are never reused. */
let count = 0;

/**
 * Opens a WebGPU device. Tensors are moved there with `toDevice`, and operations on them run there.
 * Operations on float64 are computed by the evaluator on the CPU.
 *
 * Elements take four bytes each on the device, whatever their dtype. Subnormal numbers may be treated as 0,
 * and quotients and roots of float32 may be off by 2.5 units in the last place, as WGSL allows.
 *
 * In Deno, in Node with the npm package `webgpu`, and in workers of browsers, results can be read
 * synchronously. Pages of browsers need `await x.read()`. There, a program is an error if the evaluator
 * needs results of the device. At the memory limit (`configure({ memoryLimit })`, 2 GiB) tensors move to the heap if they can be
 * read synchronously. In pages, unused tensors are found between turns of the event loop; loops that
 * never await reach the limit, which is an error.
 *
 * `scan`, `foriLoop`, `cond` and `switchCase` run on the device without waiting for it. `whileLoop` waits
 * from time to time to test whether it continues. Where the runtime cannot wait, it needs `maxSteps`, and
 * all of these steps are submitted; those after the end do nothing.
 *
 * Donated arguments provide their memory for results. When tensors take more than `memoryLimit` of
 * `configure`, the least recently used ones move to the heap. A program that needs more memory on its own
 * still runs.
 *
 * @category WebGPU
 * @param options The choice of an adapter, or a device that is already open.
 * @returns A list of one device.
 * @throws {ArgumentError} if an option is unknown or of the wrong kind.
 * @throws {WebGpuError} if there is no adapter, or if it does not support the limits.
 *
 * @example Work runs where the tensors are
 * ```ts ignore
 * import { jit, sum, tensor, toDevice } from "@jacobi/jacobi";
 * import { openWebGpu } from "@jacobi/jacobi/webgpu";
 *
 * const [gpu] = await openWebGpu();
 * const x = toDevice(tensor([1, 2, 3]), gpu);
 * console.log(await jit(sum)(x).read());
 * ```
 */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<Device[]> {
  const { powerPreference, limits, device, canvas } = readOptions(
    "Cannot open WebGPU",
    options,
    ["powerPreference", "limits", "device", "canvas"],
  );
  if (device !== undefined && typeof (device as Partial<GpuDevice>)?.createBuffer !== "function") {
    throw argumentError(
      `Cannot open WebGPU: expected a GPUDevice as device, got ${describeValue(device)}`,
    );
  }
  const preferences: readonly unknown[] = [undefined, "low-power", "high-performance"];
  if (!preferences.includes(powerPreference)) {
    throw argumentError(
      'Cannot open WebGPU: expected "low-power" or "high-performance" as powerPreference, got ' +
        describeValue(powerPreference),
    );
  }
  if (limits !== undefined) checkLimits(limits);
  if (canvas !== undefined && typeof canvas !== "boolean") {
    throw argumentError(
      `Cannot open WebGPU: expected true or false as canvas, got ${describeValue(canvas)}`,
    );
  }
  const opened = device as GpuDevice | undefined ??
    await requestDevice(powerPreference, limits ?? {});
  const session = new Session(opened, device === undefined);
  await session.open(canvas);
  const own = new Device("webgpu", count++);
  sessions.set(own, session);
  openDevice(own, new WebGpuBackend(session));
  return [own];
}

function checkLimits(limits: unknown): void {
  if (typeof limits !== "object" || limits === null || Array.isArray(limits)) {
    throw argumentError(
      "Cannot open WebGPU: expected an object of numbers as limits, such as " +
        `{ maxBufferSize: 2 ** 30 }, got ${describeValue(limits)}`,
    );
  }
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw argumentError(
      `Cannot open WebGPU: expected a non-negative integer as limits.${name}, ` +
        `got ${describeValue(value)}`,
    );
  }
}

/**
 * Closes devices from `openWebGpu`. Tensors that are still there cannot be used any more.
 *
 * @category WebGPU
 * @param devices Devices from `openWebGpu`.
 * @throws {ArgumentError} if one of them was not opened by `openWebGpu`, or was closed.
 *
 * @example Freeing a device's memory
 * ```ts ignore
 * import { closeWebGpu, openWebGpu } from "@jacobi/jacobi/webgpu";
 *
 * closeWebGpu(await openWebGpu());
 * ```
 */
export function closeWebGpu(devices: readonly Device[]): void {
  if (!Array.isArray(devices)) {
    throw argumentError(
      `Cannot close WebGPU: expected a list of devices, got ${
        (devices as unknown) instanceof Device ? devices : describeValue(devices)
      }`,
    );
  }
  const closing = (devices as readonly Device[]).map((device) => {
    const session = sessions.get(device);
    if (session !== undefined) return [device, session] as const;
    throw argumentError(`Cannot close ${device}: it is no open device of WebGPU's`);
  });
  for (const [device, session] of closing) {
    sessions.delete(device);
    closeDevice(device);
    session.close();
  }
}

/**
 * Settings of the runtime.
 *
 * @module
 */
import { describeValue, setDefaultFloat } from "./base/dtype.ts";
import type { FloatDtype } from "./base/dtype.ts";
import { argumentError, nonFiniteError } from "./base/errors.ts";
import { checkFlag, readOptions } from "./base/options.ts";
import { configureWarnings } from "./base/warnings.ts";
import { cpu, setDefaultDevice } from "./core/device.ts";
import type { Device } from "./core/device.ts";
import { checkDevice } from "./device.ts";
import { inspectFinite } from "./core/non_finite.ts";
import { installInspector } from "./core/origin.ts";
import { backendOf } from "./backends/devices.ts";

/**
 * Options of `configure`; what is left out stays as it is.
 *
 * @category Programs
 */
export interface ConfigureOptions {
  /**
   * How many threads run compiled programs, the main thread included: 1 to 256. Left alone, there
   * are as many as the machine has cores, and 8 at most. With 1, no worker is ever started. Results
   * are the same, bit for bit, for any number.
   */
  readonly threads?: number;
  /**
   * The most bytes that tensors and compiled programs take in linear memory: 64 KiB to 4 GiB less 64 KiB.
   * Beyond it, tensors that are not in use move to the ordinary heap; a program that needs more at once
   * fails with a clear error. Left alone, tensors move out from 256 MiB on, or from up to 1 GiB where what
   * has moved out is used again, and a program may use up to 4 GiB. Linear memory never shrinks: set it
   * before the first compiled program runs.
   */
  readonly memoryLimit?: number;
  /**
   * The dtype of numbers and nested arrays that meet no tensor, and of everything that is made
   * without a dtype: creation functions, random numbers, fresh parameters. `"float64"` makes a
   * program compute in double precision throughout, as PyTorch's `set_default_dtype` does. Typed
   * arrays and files keep their own dtypes. Default `"float32"`.
   */
  readonly defaultFloat?: FloatDtype;
  /** Where work runs whose tensors were not placed on a device. The processor by default. */
  readonly device?: Device;
  /**
   * Whether an operation that makes NaN out of operands without NaN is an error that says which it is, in
   * which pass, and the line in your code. Every operation then runs by itself, nothing is compiled, and
   * everything takes longer. `inspect.findNaN` does the same for one function.
   */
  readonly debugNaNs?: boolean;
  /** The same for infinities. */
  readonly debugInfinities?: boolean;
  /** Whether warnings are printed by `console.warn`, such as that of `jit` for too many traces. Default `true`. */
  readonly warnings?: boolean;
}

const FLOAT_DTYPES: readonly FloatDtype[] = ["float32", "float64"];

/** What is being looked for. */
const debugged = { nans: false, infinities: false };

/** Has operations that make NaN or infinities end in an error, or no longer. */
function configureDebugging(): void {
  const isOn = debugged.nans || debugged.infinities;
  installInspector(
    isOn
      ? inspectFinite({ ...debugged }, ({ kind, message }) => {
        const option = kind === "NaN" ? "debugNaNs" : "debugInfinities";
        throw nonFiniteError(
          `Cannot continue: ${message}; its operands had none ` +
            `(configure({ ${option}: false }) turns this check off)`,
        );
      })
      : null,
  );
}

/**
 * Chooses how programs run, from the next run on.
 *
 * @category Programs
 * @param options Threads, memory, and what counts as an error.
 * @throws {ArgumentError} when an option is unknown or out of range.
 *
 * @example An error where NaN begins
 * ```ts
 * import { configure, NonFiniteError, tensor } from "@jacobi/jacobi";
 *
 * configure({ debugNaNs: true });
 * let message = "";
 * try {
 *   tensor([1, -1]).sqrt();
 * } catch (error) {
 *   if (error instanceof NonFiniteError) message = error.message;
 * }
 * configure({ debugNaNs: false });
 * if (!message.startsWith("Cannot continue: sqrt of float32[2] made NaN")) throw new Error(message);
 * ```
 *
 * @example Double precision
 * ```ts
 * import { configure, tensor } from "@jacobi/jacobi";
 * import { strictEqual } from "node:assert/strict";
 *
 * configure({ defaultFloat: "float64" });
 * const x = tensor(0.1);
 * configure({ defaultFloat: "float32" });
 * strictEqual(x.dtype, "float64");
 * strictEqual(x.item(), 0.1);
 * ```
 *
 * @example On one thread
 * ```ts
 * import { configure, jit, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * configure({ threads: 1 });
 * assertTensorsClose(jit((x) => x.mul(2))(tensor([1, 2])), [2, 4]);
 * ```
 */
export function configure(options: ConfigureOptions): void {
  const what = "Cannot configure";
  const {
    threads,
    memoryLimit,
    defaultFloat,
    device,
    debugNaNs,
    debugInfinities,
    warnings,
  } = readOptions(
    what,
    options,
    [
      "threads",
      "memoryLimit",
      "defaultFloat",
      "device",
      "debugNaNs",
      "debugInfinities",
      "warnings",
    ],
  );
  if (defaultFloat !== undefined && !FLOAT_DTYPES.includes(defaultFloat)) {
    throw argumentError(
      `${what} defaultFloat as ${describeValue(defaultFloat)}: expected "float32" or "float64"`,
    );
  }
  if (debugNaNs !== undefined) checkFlag(debugNaNs, what, "debugNaNs");
  if (debugInfinities !== undefined) checkFlag(debugInfinities, what, "debugInfinities");
  if (warnings !== undefined) checkFlag(warnings, what, "warnings");
  if (device !== undefined) checkDevice(device, what);
  if (warnings !== undefined) configureWarnings(warnings);
  if (defaultFloat !== undefined) setDefaultFloat(defaultFloat);
  if (device !== undefined) setDefaultDevice(device);
  backendOf(cpu).configure({
    ...(threads === undefined ? {} : { threads }),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
  });
  if (debugNaNs === undefined && debugInfinities === undefined) return;
  debugged.nans = debugNaNs ?? debugged.nans;
  debugged.infinities = debugInfinities ?? debugged.infinities;
  configureDebugging();
}

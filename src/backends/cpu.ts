/**
 * Opens the CPU with the WebAssembly backend if the engine supports vectors; otherwise the evaluator is
 * used. Importing this module enables compiled programs, and large eager operations run on compiled kernels.
 *
 * @module
 */
import { cpu } from "../core/device.ts";
import { openDevice } from "./devices.ts";
import { engine } from "./wasm/engine.ts";
import { wasm } from "./wasm/mod.ts";

if (engine().simd) openDevice(cpu, wasm);

export { engine };
export type { EngineFeatures } from "./wasm/engine.ts";

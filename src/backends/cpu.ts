/**
 * Opens the processor for WebAssembly, where the engine has vectors; all else stays the evaluator's. Whoever
 * imports this has code written for programs, and large eager operations run on its kernels.
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

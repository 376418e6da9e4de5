// The least that code is written for: one memory, one thread, no relaxed vector instructions. Loaded with
// `--preload`, before any test.
import { chooseEngine } from "../../../../src/backends/wasm/engine.ts";

chooseEngine({ severalMemories: false, relaxedSimd: false, sharedMemory: false });

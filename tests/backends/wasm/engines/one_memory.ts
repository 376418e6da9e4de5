// Modules with one memory: loaded with `--preload`, before any test.
import { chooseEngine } from "../../../../src/backends/wasm/assembler/engine.ts";

chooseEngine({ severalMemories: false });

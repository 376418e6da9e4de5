// Modules with one memory: loaded with `--preload`, before any test.
import { chooseEngine } from "../../../../src/backends/wasm/engine.ts";

chooseEngine({ severalMemories: false });

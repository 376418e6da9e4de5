// No relaxed vector instructions: loaded with `--preload`, before any test.
import { chooseEngine } from "../../../../src/backends/wasm/engine.ts";

chooseEngine({ relaxedSimd: false });

// No relaxed vector instructions: loaded with `--preload`, before any test.
import { chooseEngine } from "../../../../src/backends/wasm/assembler/engine.ts";

chooseEngine({ relaxedSimd: false });

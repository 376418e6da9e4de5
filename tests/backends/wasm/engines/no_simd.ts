// No vectors, so that nothing is compiled: loaded with `--preload`, before any test.
import { chooseEngine } from "../../../../src/backends/wasm/engine.ts";

chooseEngine({ simd: false });

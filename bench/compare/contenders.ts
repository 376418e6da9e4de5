/**
 * The contenders of the comparison.
 *
 * @module
 */

/** A library in one of its configurations. */
export interface Contender {
  /** The name of its column. */
  readonly name: string;
  /** The command of its process. */
  readonly file: string;
  /** Its environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether its first calls compile. */
  readonly compiles: boolean;
  /** The groups of works that it supports; all by default. */
  readonly groups?: readonly string[];
}

/** The flags of the second column. */
export const FLAGS = "--no-wasm-bounds-checks,--experimental-wasm-revectorize";
/** The columns of Jacobi. */
export const JACOBI: string = "Jacobi";
export const WITH_FLAGS: string = "Jacobi, flags";
export const ON_XLA: string = "Jacobi, XLA";

/** All contenders, in the order of the columns. */
export const contenders: readonly Contender[] = [
  { name: JACOBI, file: "jacobi.ts", environment: {}, compiles: true },
  {
    name: WITH_FLAGS,
    file: "jacobi.ts",
    environment: { DENO_V8_FLAGS: FLAGS },
    compiles: true,
  },
  { name: ON_XLA, file: "jacobi.ts", environment: { JACOBI_ON: "xla" }, compiles: true },
  { name: "jax-js", file: "jax_js.ts", environment: {}, compiles: true },
  { name: "TensorFlow.js", file: "tfjs.ts", environment: {}, compiles: false },
  { name: "PyTorch", file: "torch_peer.py", environment: {}, compiles: false },
  { name: "JAX", file: "jax_peer.py", environment: {}, compiles: true },
  { name: "NumPy", file: "numpy_peer.py", environment: {}, compiles: false, groups: ["fft"] },
  {
    name: "fft.js",
    file: "fft_packages.ts",
    environment: { FFT_PACKAGE: "npm:fft.js@4.0.4" },
    compiles: false,
    groups: ["fft"],
  },
  {
    name: "pffft",
    file: "fft_packages.ts",
    environment: { FFT_PACKAGE: "npm:@echogarden/pffft-wasm@0.4.2" },
    compiles: false,
    groups: ["fft"],
  },
];

/**
 * Runs operations on vectors of doubles, and tells how far their results are off.
 *
 * @module
 */
import { float64Operations } from "../../../../src/backends/wasm/kernels/math/float64/mod.ts";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import { v128 } from "../../../../src/backends/wasm/assembler/operations.ts";

const PAGE = 65536;
const VECTOR = 16;

/** The results of an operation on lists of doubles of one length, whatever the lanes stand for. */
export function applyOperation(
  name: string,
  inputs: readonly Float64Array[],
  params: unknown = null,
): Float64Array<ArrayBuffer> {
  const { length } = inputs[0];
  const bytes = Math.ceil(length / 2) * VECTOR;
  const module = new Module();
  const memory = module.memory({ minimum: Math.ceil((inputs.length + 1) * bytes / PAGE) + 1 });
  module.export("memory", memory);
  const run = module.function("run", ["i32"], "none", (code, end) => {
    const map = float64Operations[name](code, params);
    code.for({ below: end, step: VECTOR }, (at) => {
      const loaded = inputs.map((_, i) => code.let(v128.load(at, { offset: i * bytes })));
      const result = code.let(map(...loaded));
      code.do(v128.store(at, result, { offset: inputs.length * bytes }));
    });
  });
  module.export("run", run);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  const { buffer } = exports.memory as WebAssembly.Memory;
  inputs.forEach((input, i) => new Float64Array(buffer, i * bytes, length).set(input));
  (exports.run as (end: number) => void)(bytes);
  return new Float64Array(buffer, inputs.length * bytes, length).slice();
}

const bits = new BigInt64Array(1);
const double = new Float64Array(bits.buffer);

/** The number of a double among all doubles in order of size; both zeros are 0. */
function rank(x: number): bigint {
  double[0] = x;
  return bits[0] < 0n ? -(bits[0] & 0x7fffffffffffffffn) : bits[0];
}

/** How many doubles one number is away from another: 0 for NaN from NaN, Infinity from others. */
export function distance(x: number, y: number): number {
  if (Number.isNaN(x) && Number.isNaN(y)) return 0;
  if (Number.isNaN(x) || Number.isNaN(y)) return Infinity;
  if (x === 0 && y === 0) return Object.is(x, y) ? 0 : Infinity;
  if (!Number.isFinite(x) || !Number.isFinite(y)) return x === y ? 0 : Infinity;
  const apart = rank(x) - rank(y);
  return Number(apart < 0n ? -apart : apart);
}

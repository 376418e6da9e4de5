/**
 * Runs elementwise vector operations over arrays, and measures how far they are off.
 *
 * @module
 */
import type { Dtype, Elements } from "../../../../src/base/dtype.ts";
import { Concrete, type Type } from "../../../../src/core/tensor.ts";
import type { Operation, Vector } from "../../../../src/backends/wasm/kernels/math/operation.ts";
import * as arithmetic from "../../../../src/primitives/arithmetic.ts";
import * as comparison from "../../../../src/primitives/comparison.ts";
import * as transcendental from "../../../../src/primitives/transcendental.ts";
import type { Code } from "../../../../src/backends/wasm/assembler/code.ts";
import { Expression } from "../../../../src/backends/wasm/assembler/expression.ts";
import { Module } from "../../../../src/backends/wasm/assembler/module.ts";
import { engine } from "../../../../src/backends/wasm/engine.ts";
import { f32x4, f64x2, v128 } from "../../../../src/backends/wasm/assembler/operations.ts";

/** Elements that a compiled operation takes at once. */
export const BLOCK = 2 ** 14;
const BLOCK_BYTES = 4 * BLOCK;
const VECTOR = 16;

/** An operation that runs over blocks in memory. */
export interface Compiled {
  /** The bytes of each operand. */
  readonly inputs: readonly Uint32Array[];
  /** The bytes of the result. */
  readonly output: Uint32Array;
  /** Computes the block. */
  readonly run: () => void;
}

interface Options {
  /** The number of operands; left out, 1. */
  readonly arity?: number;
  /** The primitive's parameters. */
  readonly params?: unknown;
  /** Whether multiply-adds are written as two instructions, which round twice on any machine. */
  readonly unfused?: boolean;
}

type Ternary = (x: Vector, y: Vector, z: Vector) => Vector;

const zero = f32x4.const(0);
const bytesOf = (instruction: Ternary): string => instruction(zero, zero, zero).bytes.join();

/** What stands for each relaxed instruction, by its bytes, where the engine has any. */
const rounding = new Map<string, Ternary>(
  engine().relaxedSimd
    ? [
      [bytesOf(f32x4.relaxedMadd), (x, y, z) => f32x4.add(f32x4.mul(x, y), z)],
      [bytesOf(f32x4.relaxedNmadd), (x, y, z) => f32x4.sub(z, f32x4.mul(x, y))],
      [bytesOf(f64x2.relaxedMadd), (x, y, z) => f64x2.add(f64x2.mul(x, y), z)],
      [bytesOf(f64x2.relaxedNmadd), (x, y, z) => f64x2.sub(z, f64x2.mul(x, y))],
    ]
    : [],
);

function withoutFused(expression: Expression): Expression {
  const operands = expression.operands.map(withoutFused);
  const replacement = rounding.get(expression.bytes.join());
  if (replacement !== undefined) return replacement(...operands as [Vector, Vector, Vector]);
  if (expression.operands.length === 0) return expression;
  return new Expression(expression.type, expression.bytes, operands, expression.owner);
}

/** Makes the code write every relaxed multiply-add as a product and a sum. */
function forbidFused(code: Code): void {
  const { set, if: when } = code;
  code.set = (target, value) => set.call(code, target, withoutFused(value) as never);
  code.if = (condition, body, otherwise) =>
    when.call(code, withoutFused(condition) as never, body, otherwise);
}

/** Compiles an operation on lanes of 32 bits. */
export function compile(operation: Operation, options: Options = {}): Compiled {
  const { arity = 1, params = null, unfused = false } = options;
  const module = new Module();
  const pages = Math.ceil((arity + 1) * BLOCK_BYTES / 2 ** 16);
  const memory = module.memory({ minimum: pages });
  module.export("memory", memory);
  const run = module.function("run", [], "none", (code) => {
    if (unfused) forbidFused(code);
    const map = operation(code, params);
    // Two vectors at a time, as fused loops have them: V8 may join them into one of 256 bits.
    code.for({ below: BLOCK_BYTES, step: 2 * VECTOR }, (p) => {
      const offsets = [0, VECTOR];
      const operands = offsets.map((offset) =>
        Array.from(
          { length: arity },
          (_, i) => code.let(v128.load(p, { offset: i * BLOCK_BYTES + offset })),
        )
      );
      const values = operands.map((inputs) => code.let(map(...inputs)));
      values.forEach((value, i) =>
        code.do(v128.store(p, value, { offset: arity * BLOCK_BYTES + offsets[i] }))
      );
    });
  });
  module.export("run", run);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()));
  const { buffer } = exports.memory as WebAssembly.Memory;
  const block = (i: number) => new Uint32Array(buffer, i * BLOCK_BYTES, BLOCK);
  return {
    inputs: Array.from({ length: arity }, (_, i) => block(i)),
    output: block(arity),
    run: exports.run as () => void,
  };
}

/** A primitive with parameters of whatever type it takes. */
export interface AnyPrimitive {
  /** Its name. */
  readonly name: string;
  /** The types of its results. */
  type(args: readonly Type[], params: unknown): readonly Type[];
  /** Its meaning. */
  evaluate(
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[];
}

const primitives = new Map<string, AnyPrimitive>(
  [arithmetic, comparison, transcendental]
    .flatMap((module) => Object.entries<unknown>(module))
    .filter(([name]) => name.endsWith("Primitive"))
    .map(([, value]) => value as AnyPrimitive)
    .map((primitive) => [primitive.name, primitive]),
);

/** The elementwise primitive of a name. */
export function primitiveNamed(name: string): AnyPrimitive {
  const primitive = primitives.get(name);
  if (primitive === undefined) throw new TypeError(`No primitive is called ${name}`);
  return primitive;
}

/** What a primitive gives, elementwise. */
export function evaluate(
  primitive: AnyPrimitive,
  dtype: Dtype,
  inputs: readonly Elements[],
  params: unknown = null,
): Elements {
  const args = inputs.map((elements) => new Concrete(dtype, [elements.length], elements));
  const types = primitive.type(args, params);
  return primitive.evaluate(args, params, types)[0].elements;
}

/** Words of 32 bits as the floats that they are. */
export function asFloats({ buffer, byteOffset, length }: Uint32Array): Float32Array {
  return new Float32Array(buffer, byteOffset, length);
}

function inputsAt(blocks: readonly Elements[], i: number): number[] {
  return blocks.map((block) => block[i]);
}

/** Well spread bits. */
export function hash(i: number): number {
  const x = Math.imul(i ^ (i >>> 16), 0x45d9f3b);
  const y = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  return (y ^ (y >>> 13)) >>> 0;
}

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** The distance between float32 numbers around a double. */
export function spacing(x: number): number {
  double[0] = x;
  const exponent = ((doubleWords[1] >>> 20) & 0x7ff) - 1023;
  return 2 ** Math.max(Math.min(exponent, 127) - 23, -149);
}

/**
 * How far a float is from the exact value, in units of the float's last place there; infinite where
 * one is NaN and the other is not, and where a zero has the wrong sign.
 */
export function ulps(actual: number, exact: number): number {
  if (Number.isNaN(actual) || Number.isNaN(exact)) {
    return Number.isNaN(actual) && Number.isNaN(exact) ? 0 : Infinity;
  }
  const rounded = Math.fround(exact);
  if (actual === 0 && rounded === 0 && !Object.is(actual, rounded)) return Infinity;
  if (actual === rounded && !Number.isFinite(actual)) return 0;
  return Math.abs(actual - exact) / spacing(exact);
}

/** The largest error found, and where. */
export interface Worst {
  /** In units of the last place, or as the caller measures. */
  readonly error: number;
  /** The operands. */
  readonly inputs: readonly number[];
  /** What the operation gave. */
  readonly actual: number;
  /** What it is compared with. */
  readonly exact: number;
}

/** Operands by the bits that they have at each of `length` places. */
export interface Points {
  /** The number of places. */
  readonly length: number;
  /** The bits there. */
  readonly bits: (i: number, operand: number) => number;
}

/** How far a result is from the exact one. */
export type Distance = (actual: number, exact: number) => number;

/**
 * Compares an operation on floats with what a primitive gives for the same operands in double
 * precision.
 */
export function worstError(
  { inputs, output, run }: Compiled,
  primitive: AnyPrimitive,
  points: Points,
  params: unknown = null,
  distance: Distance = ulps,
): Worst {
  const floats = inputs.map(asFloats);
  const results = asFloats(output);
  let worst: Worst = { error: -1, inputs: [], actual: 0, exact: 0 };
  for (let from = 0; from < points.length; from += BLOCK) {
    const length = Math.min(BLOCK, points.length - from);
    inputs.forEach((block, operand) => {
      for (let i = 0; i < length; i++) block[i] = points.bits(from + i, operand);
    });
    run();
    const exact = evaluate(
      primitive,
      "float64",
      floats.map((block) => Float64Array.from(block)),
      params,
    );
    for (let i = 0; i < length; i++) {
      const error = distance(results[i], exact[i]);
      if (error > worst.error) {
        worst = { error, inputs: inputsAt(floats, i), actual: results[i], exact: exact[i] };
      }
    }
  }
  return worst;
}

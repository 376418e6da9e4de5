/**
 * Holds kernels of primitives to the primitives' reference meaning.
 *
 * @module
 */
import { allocate } from "../../../../src/base/dtype.ts";
import type { Dtype, Elements } from "../../../../src/base/dtype.ts";
import { sizeOf } from "../../../../src/base/shape.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import { evaluate } from "../../../../src/core/evaluation.ts";
import { Concrete, dense, denseStored } from "../../../../src/core/tensor.ts";
import type { Buffer, Builder, Kernel } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { runKernel } from "./support.ts";

/** What writes the kernel of a primitive. */
export type Emit<P> = (
  builder: Builder,
  inputs: readonly Buffer[],
  params: P,
  output: Buffer,
) => Kernel;

/** A stream of numbers, equally spread over [0, 1), that is the same in every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tensor whose elements are what `next` gives. */
export function fillTensor(dtype: Dtype, shape: readonly number[], next: () => number): Concrete {
  const elements = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < elements.length; i++) elements[i] = next();
  return new Concrete(dtype, shape, elements);
}

/** Both results of a primitive: the kernel's and the evaluator's. */
export function runBoth<P>(
  emit: Emit<P>,
  primitive: Primitive<P>,
  inputs: readonly Concrete[],
  params: P,
): { readonly actual: Elements; readonly expected: Elements } {
  const types = primitive.type(inputs, params);
  const [expected] = evaluate(primitive, inputs, params, types);
  const [{ dtype, shape }] = types;
  const [actual] = runKernel(
    (builder) => emit(builder, inputs, params, types[0]),
    inputs.map(denseStored),
    [{ dtype, length: sizeOf(shape) }],
  );
  return { actual, expected: dense(expected) };
}

/** Fails unless the kernel gives exactly what the evaluator does. */
export function assertSame<P>(
  emit: Emit<P>,
  primitive: Primitive<P>,
  inputs: readonly Concrete[],
  params: P,
): void {
  const { actual, expected } = runBoth(emit, primitive, inputs, params);
  assertEquals(actual, expected, `${primitive.name} of ${inputs} with ${JSON.stringify(params)}`);
}

/** Fails unless each number lies as close to the evaluator's as its tolerance says. */
export function assertNear(
  actual: Elements,
  expected: Elements,
  tolerance: (i: number) => number,
): void {
  assertEquals(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const isNear = Object.is(actual[i], expected[i]) ||
      Math.abs(actual[i] - expected[i]) <= tolerance(i);
    assert(isNear, `element ${i} is ${actual[i]} instead of ${expected[i]}`);
  }
}

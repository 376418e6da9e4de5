/**
 * Comparisons of lists of tensors, whose failures show both sides.
 *
 * @module
 */
import { epsilonOf, isFloat } from "../../src/base/dtype.ts";
import { showType } from "../../src/base/shape.ts";
import { dense, sameType } from "../../src/core/tensor.ts";
import type { Tensor, Type } from "../../src/core/tensor.ts";
import { numbersOf } from "./values.ts";

/** Fails with `message` and both sides. */
function failWith(message: string, actual: unknown, expected: unknown): never {
  throw new Error(`${message}\n  actual:   ${actual}\n  expected: ${expected}`);
}

/** Fails unless the types are equal. */
export function assertTypes(actual: readonly Type[], expected: readonly Type[], law: string): void {
  const equal = actual.length === expected.length &&
    actual.every((type, i) => sameType(type, expected[i]));
  if (!equal) {
    failWith(`${law}: types differ`, actual.map(showType), expected.map(showType));
  }
}

/** The elements of a tensor, copied into a new array or not. */
function elementsOf(x: Tensor): ArrayLike<number> {
  return dense(x.concrete("read it"));
}

/** Whether each element equals the other one, bit for bit, or differs from it by at most `bound`. */
function agree(a: ArrayLike<number>, b: ArrayLike<number>, bound: number = NaN): boolean {
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i]) && !(Math.abs(a[i] - b[i]) <= bound)) return false;
  }
  return true;
}

/** The size of the largest finite element, 0 if there is none. */
function largestOf(elements: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < elements.length; i++) {
    const size = Math.abs(elements[i]);
    if (size > largest && size < Infinity) largest = size;
  }
  return largest;
}

/** Fails unless both lists hold the same types and the same bits (any NaN equals any other). */
export function assertIdentical(
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  law: string,
): void {
  assertTypes(actual, expected, law);
  actual.forEach((x, i) => {
    const [a, b] = [elementsOf(x), elementsOf(expected[i])];
    if (!agree(a, b)) failWith(`${law}: bits differ`, a, b);
  });
}

/**
 * Fails unless both lists hold the same types and each element differs by at most
 * `tolerance * (1 + |largest expected element|)`, or the largest one of `beside`; integers and bools must
 * be equal.
 */
export function assertNear(
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  tolerance: number,
  law: string,
  beside: readonly Tensor[] = [],
): void {
  assertTypes(actual, expected, law);
  actual.forEach((x, i) => {
    const [a, b] = [elementsOf(x), elementsOf(expected[i])];
    const largest = Math.max(largestOf(b), ...beside.map((y) => largestOf(elementsOf(y))));
    const bound = isFloat(x.dtype) ? tolerance * (1 + largest) : 0;
    if (!agree(a, b, bound)) failWith(`${law}: values differ by more than ${bound}`, a, b);
  });
}

/**
 * Fails unless both lists hold the same types, have NaN and infinities at the same positions, and all
 * other elements have small relative errors, or absolute errors in the range of subnormal numbers.
 */
export function assertSameKind(
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  law: string,
): void {
  assertTypes(actual, expected, law);
  actual.forEach((x, i) => {
    const [a, b] = [numbersOf(x), numbersOf(expected[i])];
    const isSame = (x: number, y: number): boolean =>
      Object.is(x, y) || Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(y), 1e-300);
    if (!a.every((value, k) => isSame(value, b[k]))) failWith(`${law}: values differ`, a, b);
  });
}

/**
 * Fails unless both lists hold the same types and each element differs by at most `units` in the
 * last place of the largest expected element, of one, or of the largest element of `beside`; integers and
 * bools must be equal.
 */
export function assertRounded(
  actual: readonly Tensor[],
  expected: readonly Tensor[],
  units: number,
  law: string,
  beside: readonly Tensor[] = [],
): void {
  assertTypes(actual, expected, law);
  actual.forEach((x, i) => {
    const unit = isFloat(x.dtype) ? epsilonOf(x.dtype) / 2 : 0;
    assertNear([x], [expected[i]], units * unit, `${law}, result ${i}`, beside);
  });
}

/** Fails unless two sums agree to `tolerance` times the size of their terms. */
export function assertSums(
  actual: { product: number; scale: number },
  expected: { product: number; scale: number },
  tolerance: number,
  law: string,
): void {
  const bound = tolerance * (1e-3 + Math.max(actual.scale, expected.scale));
  if (!(Math.abs(actual.product - expected.product) <= bound)) {
    failWith(
      `${law}: inner products differ by more than ${bound}`,
      actual.product,
      expected.product,
    );
  }
}

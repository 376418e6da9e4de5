/**
 * Quotients by roots as products, with the bits of `over`.
 *
 * @module
 */

/**
 * Adds an operation, whose result is a float like the root unless `bool` is given, and returns its
 * number.
 */
export type AddOperation = (
  dtype: "bool" | null,
  operation: string,
  ...inputs: readonly number[]
) => number;

/** Adds the nodes that compute `over` of two values, given the node of zero. */
export function writeOver(add: AddOperation, x: number, root: number, zero: number): number {
  const isZero = add("bool", "equal", root, zero);
  const shrink = add(
    null,
    "select",
    isZero,
    zero,
    add(null, "reciprocal", add(null, "binade", root)),
  );
  const inverse = add(
    null,
    "select",
    isZero,
    zero,
    add(null, "reciprocal", add(null, "mul", root, shrink)),
  );
  return add(null, "mul", add(null, "mul", x, shrink), inverse);
}

/**
 * Comparisons, tests, logic and selection: equal, less, lessEqual, isNan, and, or, xor, not, select.
 *
 * @module
 */
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { mapSelect } from "../numeric/map.ts";
import type { Primitive } from "../core/primitive.ts";
import { allocateFor, Concrete, zerosOf } from "../core/tensor.ts";
import type { Tensor } from "../core/tensor.ts";
import { bindOne } from "../core/trace.ts";
import { batchElementwise, binary, storedLength, unary } from "./elementwise.ts";

const zero = { kind: "zero" } as const;

/** Whether elements are equal; NaN equals nothing. */
export const equalPrimitive: Primitive<null> = binary({
  name: "equal",
  accepts: "any",
  result: "bool",
  apply: (x, y) => x === y ? 1 : 0,
  derivative: zero,
});

/** Strict elementwise equality. */
export function equal(x: Tensor, y: Tensor): Tensor {
  return bindOne(equalPrimitive, [x, y], null);
}

/** Whether elements of the first argument are less. */
export const lessPrimitive: Primitive<null> = binary({
  name: "less",
  accepts: "any",
  result: "bool",
  apply: (x, y) => x < y ? 1 : 0,
  derivative: zero,
});

/** Strict elementwise x < y. */
export function less(x: Tensor, y: Tensor): Tensor {
  return bindOne(lessPrimitive, [x, y], null);
}

/** Whether elements of the first argument are less or equal. */
export const lessEqualPrimitive: Primitive<null> = binary({
  name: "lessEqual",
  accepts: "any",
  result: "bool",
  apply: (x, y) => x <= y ? 1 : 0,
  derivative: zero,
});

/** Strict elementwise x <= y. */
export function lessEqual(x: Tensor, y: Tensor): Tensor {
  return bindOne(lessEqualPrimitive, [x, y], null);
}

/** Whether elements are NaN. */
export const isNanPrimitive: Primitive<null> = unary({
  name: "isNan",
  accepts: "float",
  result: "bool",
  apply: (x) => Number.isNaN(x) ? 1 : 0,
  derivative: zero,
});

/** Elementwise test for NaN. */
export function isNan(x: Tensor): Tensor {
  return bindOne(isNanPrimitive, [x], null);
}

/** Negation of bools. */
export const notPrimitive: Primitive<null> = unary({
  name: "not",
  accepts: "bool",
  apply: (x) => 1 - x,
  derivative: zero,
});

/** Elementwise negation of a bool tensor. */
export function not(x: Tensor): Tensor {
  return bindOne(notPrimitive, [x], null);
}

/** Conjunction: of bools, or of the bits of integers. */
export const andPrimitive: Primitive<null> = binary({
  name: "and",
  accepts: "discrete",
  apply: (x, y) => x & y,
  derivative: zero,
});

/** Strict elementwise and. */
export function and(x: Tensor, y: Tensor): Tensor {
  return bindOne(andPrimitive, [x, y], null);
}

/** Disjunction: of bools, or of the bits of integers. */
export const orPrimitive: Primitive<null> = binary({
  name: "or",
  accepts: "discrete",
  apply: (x, y) => x | y,
  derivative: zero,
});

/** Strict elementwise or. */
export function or(x: Tensor, y: Tensor): Tensor {
  return bindOne(orPrimitive, [x, y], null);
}

/** Exclusive or: of bools, or of the bits of integers. */
export const xorPrimitive: Primitive<null> = binary({
  name: "xor",
  accepts: "discrete",
  apply: (x, y) => x ^ y,
  derivative: zero,
});

/** Strict elementwise exclusive or. */
export function xor(x: Tensor, y: Tensor): Tensor {
  return bindOne(xorPrimitive, [x, y], null);
}

/** Elements of the second argument where the first (bool) is true, of the third elsewhere. */
export const selectPrimitive: Primitive<null> = {
  name: "select",
  isTotal: true,
  narrow: "moved",
  type([condition, x, y]) {
    const shown = [condition, x, y].map(showType).join(", ");
    if (condition.dtype !== "bool" || x.dtype !== y.dtype) {
      throw dtypeError(`Cannot select from ${shown}: expected bool and two equal dtypes`);
    }
    if (!sameShape(condition.shape, x.shape) || !sameShape(x.shape, y.shape)) {
      throw shapeError(`Cannot select from ${shown}: shapes must be equal`);
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate(args, _params, [type]) {
    const [c, a, b] = args.map((arg) => arg.elements);
    const length = storedLength([c, a, b]);
    const out = allocateFor({ dtype: type.dtype, shape: [length] });
    mapSelect(out, c, a, b);
    return [new Concrete(type.dtype, type.shape, out)];
  },
  batch: (args, axes, size) => batchElementwise(selectPrimitive, args, axes, size, null),
  derivative: {
    kind: "linear",
    transpose([ct], [condition], _params, [, forX, forY]) {
      const known = condition as Tensor;
      return [
        null,
        forX ? select(known, ct, zerosOf(ct)) : null,
        forY ? select(known, zerosOf(ct), ct) : null,
      ];
    },
  },
};

/** Strict selection: all three of the same shape. */
export function select(condition: Tensor, x: Tensor, y: Tensor): Tensor {
  return bindOne(selectPrimitive, [condition, x, y], null);
}

/**
 * Hessenberg and Schur forms of square matrices, on the last two axes; the other axes are a batch.
 *
 * @module
 */
import { isFloat, isHalf } from "../base/dtype.ts";
import { dtypeError, shapeError } from "../base/errors.ts";
import { sameShape, showType } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import type { Primitive } from "../core/primitive.ts";
import { withinMemory } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind } from "../core/trace.ts";
import { complexForm, realForm } from "../numeric/linalg/schur.ts";
import type { Form } from "../numeric/linalg/schur.ts";
import {
  batchLeading,
  checkSquare,
  doublesFor,
  fromDoubles,
  inDoubles,
  matrixSize,
} from "./matrices.ts";

/** Parameters of `schur`. */
export interface SchurParams {
  /** The form: triangular (with blocks of two if it must be real), or with one more diagonal. */
  readonly form: Form;
}

/**
 * The form `t` of real matrices `a` `[..., n, n]` and the orthogonal matrices `q` with `a = q t qᵀ`.
 * There is no derivative: the elements below the diagonal are 0 by choice, and which zeros are possible
 * depends on the eigenvalues.
 */
export const schurPrimitive: Primitive<SchurParams> = {
  name: "schur",
  type([a]) {
    checkSquare(a, "Cannot decompose");
    const type = { dtype: a.dtype, shape: a.shape };
    return [type, type];
  },
  evaluate: ([a], { form }, [type]) =>
    withinMemory(type, () => {
      const { count, rows: n } = matrixSize(a);
      const [t, q] = [inDoubles(a), doublesFor(type)];
      for (let i = 0; i < count; i++) {
        const [start, end] = [i * n * n, (i + 1) * n * n];
        realForm(t.subarray(start, end), q.subarray(start, end), n, form);
      }
      return [fromDoubles(t, type), fromDoubles(q, type)];
    }),
  batch: (args, axes, size, params) => batchLeading(schurPrimitive, args, axes, size, params),
  derivative: { kind: "zero" },
};

/** Throws unless the arguments are both parts of square matrices. */
function checkParts([re, im]: readonly Type[]): void {
  const shown = `Cannot decompose ${showType(re)} and ${showType(im)}`;
  if (!isFloat(re.dtype) || isHalf(re.dtype) || re.dtype !== im.dtype) {
    throw dtypeError(`${shown}: expected both parts of complex matrices`);
  }
  if (!sameShape(re.shape, im.shape)) throw shapeError(`${shown}: shapes must be equal`);
  checkSquare(re, "Cannot decompose");
}

/** The same for complex matrices, by their parts: those of `t`, and those of the unitary `q`. */
export const complexSchurPrimitive: Primitive<SchurParams> = {
  name: "complexSchur",
  type(args) {
    checkParts(args);
    const type = { dtype: args[0].dtype, shape: args[0].shape };
    return [type, type, type, type];
  },
  evaluate: ([re, im], { form }, types) =>
    withinMemory(types[0], () => {
      const { count, rows: n } = matrixSize(re);
      const out = [inDoubles(re), inDoubles(im), doublesFor(types[2]), doublesFor(types[3])];
      for (let i = 0; i < count; i++) {
        const [x, y, u, v] = out.map((part) => part.subarray(i * n * n, (i + 1) * n * n));
        complexForm({ re: x, im: y }, { re: u, im: v }, n, form);
      }
      return out.map((part, i) => fromDoubles(part, types[i]));
    }),
  batch: (args, axes, size, params) =>
    batchLeading(complexSchurPrimitive, args, axes, size, params),
  derivative: { kind: "zero" },
};

/** The form of real or complex matrices, and the orthogonal or unitary matrices of the transformation. */
export function schur(a: Tensor, form: Form): [t: Tensor, q: Tensor] {
  if (!(a instanceof ComplexTensor)) {
    const [t, q] = bind(schurPrimitive, [a], { form });
    return [t, q];
  }
  const [x, y, u, v] = bind(complexSchurPrimitive, [a.re, a.im], { form });
  return [new ComplexTensor(x, y), new ComplexTensor(u, v)];
}

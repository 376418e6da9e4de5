/**
 * The reference implementation of primitives for all dtypes. Primitives compute with 32 bits or more:
 * operands of narrower dtypes are widened, and the results are rounded, or reduced modulo the range of
 * their integer dtype. Each operation is therefore rounded once, and sums within it keep full
 * precision.
 *
 * @module
 */
import { allocateStored, isHalf, isNarrow, wideDtype } from "../base/dtype.ts";
import type { Primitive } from "./primitive.ts";
import { Concrete } from "./tensor.ts";
import type { Type } from "./tensor.ts";

/** Computes a primitive; `types` is the value returned by its `type`. */
export function evaluate<P>(
  primitive: Primitive<P>,
  args: readonly Concrete[],
  params: P,
  types: readonly Type[],
): readonly Concrete[] {
  if (!hasNarrow(args) && !hasNarrow(types) || computesNarrow(primitive)) {
    return primitive.evaluate(args, params, types);
  }
  const isMoved = primitive.narrow === "moved";
  const results = primitive.evaluate(
    args.map(isMoved ? asBits : widen),
    params,
    types.map((type) => ({ ...type, dtype: (isMoved ? bitsDtype : wideDtype)(type.dtype) })),
  );
  return results.map((result, i) => {
    const { dtype } = types[i];
    if (result.dtype === dtype) return result;
    if (isMoved) return new Concrete(dtype, result.shape, result.storage);
    return new Concrete(dtype, result.shape, isHalf(dtype) ? result.elements : wrap(result, dtype));
  });
}

/** Whether any of these values has a narrow dtype. */
export function hasNarrow(types: readonly Type[]): boolean {
  for (let i = 0; i < types.length; i++) if (isNarrow(types[i].dtype)) return true;
  return false;
}

/** Whether a primitive takes operands of narrow dtypes unconverted. */
export function computesNarrow({ narrow, derivative }: Primitive<never>): boolean {
  return narrow === "own" || derivative.kind === "program";
}

/** The dtype that represents half floats in operations that only move elements. */
function bitsDtype(dtype: Type["dtype"]): Type["dtype"] {
  return isHalf(dtype) ? "uint16" : dtype;
}

function asBits(x: Concrete): Concrete {
  return isHalf(x.dtype) ? new Concrete("uint16", x.shape, x.storage) : x;
}

function widen(x: Concrete): Concrete {
  if (!isNarrow(x.dtype)) return x;
  const { elements } = x;
  return new Concrete(
    wideDtype(x.dtype),
    x.shape,
    isHalf(x.dtype) ? elements : new Int32Array(elements),
  );
}

function wrap(x: Concrete, dtype: Type["dtype"]) {
  const out = allocateStored(dtype, x.held);
  out.set(x.elements);
  return out;
}

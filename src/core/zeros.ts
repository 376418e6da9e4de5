/**
 * Structural zeros: values that are zero by construction, for all values of their inputs. A function is
 * linear only if the constants added to it are structural zeros.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { sameShape } from "../base/shape.ts";
import { evaluate } from "./evaluation.ts";
import type { Primitive } from "./primitive.ts";
import { Concrete, zerosOf } from "./tensor.ts";
import type { Tensor, Type } from "./tensor.ts";
import { Tracer } from "./trace.ts";

/**
 * Whether `value` is zero everywhere, decided without its value if it is traced. NaN counts as zero:
 * known values are zero times infinity there, or carry no information.
 */
export function isZero(value: Tensor): boolean {
  if (value instanceof Tracer) return value.isZero;
  return value instanceof Concrete &&
    value.peek((elements) => elements.every((element) => element === 0 || element !== element));
}

/** Which results of an operation are zero where these arguments are. */
export function zeroResults<P>(
  primitive: Primitive<P>,
  args: readonly Type[],
  isZero: readonly boolean[],
  params: P,
): readonly boolean[] {
  const rule = primitive.derivative;
  if (rule.kind === "program") return rule.zeroResults(isZero, params);
  return primitive.type(args, params).map(() => {
    switch (rule.kind) {
      case "zero":
        return rule.isIdentity === true && isZero.every(Boolean);
      case "linear": {
        // Integers are indices if there are floats, and are the moved elements if there are none.
        const floats = isZero.filter((_, i) => isFloat(args[i].dtype));
        const moved = floats.length > 0 ? floats : isZero;
        return moved.length > 0 && moved.every(Boolean);
      }
      case "bilinear":
        return isZero.includes(true);
      case "smooth":
        return isZero.some((zero, i) => zero && (rule.transpose?.[i] ?? null) !== null) ||
          (isZero.every(Boolean) && isZeroOfZeros(primitive, args, params));
    }
  });
}

/** Whether an elementwise operation maps zeros to zero, as the sine does and the cosine does not. */
function isZeroOfZeros<P>(primitive: Primitive<P>, args: readonly Type[], params: P): boolean {
  const types = primitive.type(args, params);
  const isElementwise = [...args, ...types].every(({ shape }) => sameShape(shape, args[0].shape));
  return isElementwise && evaluate(primitive, args.map(zerosOf), params, types).every(isZero);
}

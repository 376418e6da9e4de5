/**
 * Symbolic zeros: missing tangents and cotangents as values for users' rules. The results of linear
 * operations on them are missing again, so that nothing is computed or recorded for them.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import type { Primitive } from "../core/primitive.ts";
import { isEffectful } from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Concrete, Tensor, Type } from "../core/tensor.ts";
import { currentTrace, runTransform, runUnder, Trace, Tracer } from "../core/trace.ts";
import { zeroResults } from "../core/zeros.ts";

/** A symbolic zero. */
class SymbolicZero extends Tracer {
  override get isZero(): boolean {
    return true;
  }

  /** Zeros: control flow may depend on known values. */
  override concrete(_purpose: string): Concrete {
    return zerosOf(this);
  }

  /** The zeros as text. */
  override toString(): string {
    return zerosOf(this).toString();
  }
}

/** Applies operations to zeros without computing anything; its parent applies all other operations. */
class ZeroTrace extends Trace {
  readonly #parent: Trace;

  constructor(transform: string, parent: Trace) {
    super(transform);
    this.#parent = parent;
  }

  /** A zero of this type. */
  zero(type: Type): Tensor {
    return new SymbolicZero(this, type);
  }

  /** Whether `value` is a zero of this trace. */
  owns(value: Tensor): boolean {
    return value instanceof SymbolicZero && value.trace === this;
  }

  override process<P>(
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
  ): readonly Tensor[] {
    const isZero = args.map((arg) => this.owns(arg));
    if (!isZero.includes(true)) return this.#parent.process(primitive, args, params);
    const found = zeroResults(primitive, args, isZero, params);
    const acts = isEffectful({ primitive: primitive as Primitive, params });
    if (!acts && !found.includes(false)) {
      return primitive.type(args, params).map((type) => this.zero(type));
    }
    const filled = args.map((arg, i) => isZero[i] ? zerosOf(arg) : arg);
    const { derivative } = primitive;
    const moving = args.map((arg, i) => isZero[i] || !isFloat(arg.dtype) ? null : arg);
    const isSparse = moving.some((arg) => arg !== null);
    if (isSparse && derivative.kind === "linear" && derivative.sparse !== undefined) {
      primitive.type(args, params);
      const { sparse } = derivative;
      return runUnder(this.#parent, () => [sparse(moving, filled, params)]);
    }
    const results = this.#parent.process(primitive, filled, params);
    return results.map((result, i) => found[i] ? this.zero(result) : result);
  }
}

/**
 * Runs a user's rule on values of these types. A missing floating-point value (`null`) is a zero for
 * the rule, and a result that is a zero is missing again.
 */
export function withSymbolicZeros(
  transform: string,
  types: readonly Type[],
  values: readonly (Tensor | null)[],
  rule: (values: readonly (Tensor | null)[]) => readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const isMissing = values.map((value, i) => value === null && isFloat(types[i].dtype));
  if (!isMissing.includes(true)) return rule(values);
  const trace = new ZeroTrace(transform, currentTrace());
  return runTransform(trace, () => {
    const results = rule(values.map((value, i) => isMissing[i] ? trace.zero(types[i]) : value));
    return results.map((result) => result === null || trace.owns(result) ? null : result);
  });
}

/**
 * Traces: what happens when an operation is applied. One trace is current at any time; a transform
 * runs the user's function under its own, which refers to the one that was current before as its
 * parent. A tracer belongs to exactly one trace, and every other trace treats it as a constant, so
 * that no two transforms can confuse their perturbations.
 *
 * The arrangement without levels follows the "stackless" core that JAX adopted in 2024.
 *
 * @module
 */
import { traceError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Primitive } from "./primitive.ts";
import { Concrete, Tensor } from "./tensor.ts";
import type { Type } from "./tensor.ts";

/** An interpretation of operations. */
export abstract class Trace {
  /** What users know this trace as: "vmap", "grad". */
  readonly transform: string;
  /** False once the transform has returned: its tracers have no meaning any more. */
  alive = true;

  /** A trace that works for `transform`. */
  constructor(transform: string) {
    this.transform = transform;
  }

  /** Applies `primitive`, under this interpretation. */
  abstract process<P>(
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
  ): readonly Tensor[];
}

/** A value that a trace follows. */
export abstract class Tracer extends Tensor {
  /** The trace that it belongs to. */
  readonly trace: Trace;

  /** A tracer of `trace` for a value of `type`. */
  constructor(trace: Trace, type: Type) {
    super(type.dtype, type.shape);
    this.trace = trace;
  }

  /** Always throws, in tracers without a concrete value. */
  override concrete(purpose: string): Concrete {
    throw traceError(
      `Cannot ${purpose} ${showType(this)} while ${this.trace.transform} traces it: ` +
        `its value is not known yet; choose between values with where, ` +
        `and between computations with cond or whileLoop`,
    );
  }

  /**
   * Strings print the tracer; JavaScript's operators are refused, since what they give would have
   * no derivative and no batch.
   */
  override [Symbol.toPrimitive](hint: string): string | number {
    if (hint === "string") return this.toString();
    throw traceError(
      `Cannot use a JavaScript operator on ${
        showType(this)
      } while ${this.trace.transform} traces ` +
        `it: use add, mul, less and the like, or x.item() to branch on a value that is known`,
    );
  }

  /** The type and the transform, since there may be no elements to show. */
  override toString(): string {
    return `Traced(${showType(this)}, ${this.trace.transform})`;
  }
}

/** Another way to compute a primitive than its reference meaning, or `null` where that is best. */
export type Accelerator = (
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
) => readonly Concrete[] | null;

let accelerator: Accelerator | null = null;

/** Chooses what is asked before a primitive is evaluated; a compiler installs itself here. */
export function installAccelerator(chosen: Accelerator | null): void {
  accelerator = chosen;
}

/** The trace at the bottom: it computes, with each primitive's reference meaning or a faster way. */
class EvaluationTrace extends Trace {
  override process<P>(primitive: Primitive<P>, args: readonly Tensor[], params: P) {
    for (let i = 0; i < args.length; i++) {
      if (!(args[i] instanceof Concrete)) throw escapedError(args[i], primitive.name);
    }
    const values = args as readonly Concrete[];
    const types = primitive.type(values, params);
    const results = accelerator?.(primitive as Primitive, values, params, types) ?? null;
    return results ?? primitive.evaluate(values, params, types);
  }
}

/** The error for a tracer that is used after its transform has returned. */
export function escapedError(value: Tensor, use: string): Error {
  const transform = value instanceof Tracer ? value.trace.transform : "a transform";
  return traceError(
    `Cannot use ${showType(value)} in ${use}: it was traced by ${transform}, which has ended; ` +
      `return values from the function instead of storing them outside it`,
  );
}

/** Throws when `value` belongs to a transform that has ended. */
export function checkAlive(value: Tensor, use: string): void {
  if (value instanceof Tracer && !value.trace.alive) throw escapedError(value, use);
}

const evaluation = new EvaluationTrace("evaluation");

let current: Trace = evaluation;

/** Whether operations are computed at once, outside of every transform. */
export function isEvaluating(): boolean {
  return current === evaluation;
}

/** The trace that operations go to now. */
export function currentTrace(): Trace {
  return current;
}

/** Runs `f` with `trace` as the current one. */
export function runUnder<T>(trace: Trace, f: () => T): T {
  const outer = current;
  current = trace;
  try {
    return f();
  } finally {
    current = outer;
  }
}

/** Runs the body of a transform under `trace`, whose tracers lose their meaning when it ends. */
export function runTransform<T>(trace: Trace, f: () => T): T {
  try {
    return runUnder(trace, f);
  } finally {
    trace.alive = false;
  }
}

/** Applies `primitive` to `args` under the current trace. */
export function bind<P>(
  primitive: Primitive<P>,
  args: readonly Tensor[],
  params: P,
): readonly Tensor[] {
  return current.process(primitive, args, params);
}

/** Applies a primitive with one result. */
export function bindOne<P>(primitive: Primitive<P>, args: readonly Tensor[], params: P): Tensor {
  return current.process(primitive, args, params)[0];
}

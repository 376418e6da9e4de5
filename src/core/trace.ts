/**
 * Traces: interpretations of operations. One trace is current at any time. A transform runs the user's
 * function under its own trace, which refers to the previously current one as its parent. A tracer
 * belongs to exactly one trace, and every other trace treats it as a constant, so that different
 * transforms cannot confuse their perturbations.
 *
 * The design without levels follows the "stackless" core that JAX adopted in 2024.
 *
 * @module
 */
import { defaultFloat, DESCRIPTION, isNarrow } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { traceError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import { bindComplex, ComplexTensor } from "./complex.ts";
import type { ComplexNumber } from "./methods.ts";
import { currentInspector } from "./origin.ts";
import { evaluate } from "./evaluation.ts";
import type { Primitive } from "./primitive.ts";
import { Concrete, splat, Tensor } from "./tensor.ts";
import type { Type } from "./tensor.ts";

/** An interpretation of operations. */
export abstract class Trace {
  /** The public name of the transform: "vmap", "grad". */
  readonly transform: string;
  /** False once the transform has returned: its tracers are invalid from then on. */
  alive = true;

  /** A trace for `transform`. */
  constructor(transform: string) {
    this.transform = transform;
  }

  /** Applies `primitive` under this interpretation. */
  abstract process<P>(
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
  ): readonly Tensor[];
}

/** Advice for decisions that depend on a traced value. */
const CHOOSE = "choose between values with where, and between computations with cond or whileLoop";

/** A value that is traced. */
export abstract class Tracer extends Tensor {
  /** The trace that it belongs to. */
  readonly trace: Trace;

  /** A tracer of `trace` for a value of `type`. */
  constructor(trace: Trace, type: Type) {
    super(type.dtype, type.shape);
    this.trace = trace;
  }

  /** Whether it is zero for all values of its inputs. */
  get isZero(): boolean {
    return false;
  }

  /** Always throws for tracers without a concrete value. */
  override concrete(
    purpose: string,
    advice: string = `its value is not known yet; ${CHOOSE}`,
  ): Concrete {
    throw traceError(
      `Cannot ${purpose} ${showType(this)} while ${this.trace.transform} traces it: ${advice}`,
    );
  }

  /**
   * Conversion to a string prints the tracer; JavaScript's operators throw, since their result would
   * have no derivative and no batch axis.
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

  /** The type and the transform, since there may be no elements to print. */
  override toString(): string {
    return `Traced(${showType(this)}, ${this.trace.transform})`;
  }
}

/**
 * A JavaScript number among the arguments of a traced function. Its type is that of a float32 scalar,
 * which it becomes when used alone, but it is held in double precision and takes the dtype of the
 * tensor it is combined with, as an untraced number would. The converted value is an ordinary tensor:
 * no operation's result is weak.
 *
 * Functions that support numbers convert it with `as`; `bind` converts it to the default floating-point
 * dtype.
 */
export class WeakScalar extends Tracer {
  /** The number as a float64 scalar. */
  readonly wide: Tensor;
  /** The number itself, or its tracer in an enclosing transform. */
  readonly #source: number | WeakScalar;
  #isWide = false;
  #isRead = false;
  #isReadNarrow = false;

  /** The number `source` in `trace`, which traces it as `wide`. */
  constructor(trace: Trace, wide: Tensor, source: number | WeakScalar) {
    super(trace, { dtype: defaultFloat(), shape: wide.shape });
    this.wide = wide;
    this.#source = source;
  }

  /** The same number in `trace`, which traces it as `wide`. */
  within(trace: Trace, wide: Tensor): WeakScalar {
    return new WeakScalar(trace, wide, this);
  }

  /**
   * The number as a tensor of `dtype`: rounded, truncated and clamped as by `astype`. `use` describes
   * the purpose, for the error message if the transform of the number has ended.
   */
  as(dtype: Dtype, use = "convert"): Tensor {
    checkAlive(this, use);
    if (dtype === "float64") this.markWide();
    return this.wide.dtype === dtype ? this.wide : this.wide.astype(dtype);
  }

  /** Whether it was used as float64 anywhere: its derivative then has that dtype too. */
  get isWide(): boolean {
    return this.#isWide;
  }

  /** Records that it was used as float64. */
  markWide(): void {
    this.#isWide = true;
    if (typeof this.#source !== "number") this.#source.markWide();
  }

  /** Whether tracing depended on the kind of the number, through `peekNumber`. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** Whether it did so in combination with integers of less than 32 bits. */
  get isReadNarrow(): boolean {
    return this.#isReadNarrow;
  }

  /**
   * The number in this call, for decisions that are the same for all numbers of its kind (`numberKind`)
   * in combination with integers of `dtype`: the traced program is valid for all of them.
   */
  peekNumber(dtype: Dtype = "int32"): number {
    this.#isRead = true;
    if (isNarrow(dtype)) this.#isReadNarrow = true;
    return typeof this.#source === "number" ? this.#source : this.#source.peekNumber(dtype);
  }

  /** The outermost transform for which the value is unknown, or `null` if it is known. */
  #blocker(): string | null {
    try {
      this.wide.concrete("read");
      return null;
    } catch {
      const outer = typeof this.#source === "number" ? null : this.#source.#blocker();
      return outer ?? this.trace.transform;
    }
  }

  /** The concrete number in the default floating-point dtype, if it is known. */
  override concrete(
    purpose: string,
    advice: string = `its value is not known yet; name its argument in staticArgnums, or ${CHOOSE}`,
  ): Concrete {
    const blocker = this.#blocker();
    if (blocker === null) {
      const [value] = this.wide.concrete(purpose).elements;
      return splat(value, defaultFloat(), []);
    }
    throw traceError(`Cannot ${purpose} a number that ${blocker} traces: ${advice}`);
  }

  /** The number itself, if it is known. */
  override item<Value extends number | boolean | ComplexNumber = number>(): Value {
    return (this.#blocker() === null ? this.wide : this.concrete("read the item of"))
      .item<Value>();
  }

  /** Conversion to text and operators throw while the number is not known: it may be used as a key. */
  override [Symbol.toPrimitive](hint: string): string | number {
    const blocker = this.#blocker();
    if (blocker === null) return super[Symbol.toPrimitive](hint);
    const use = hint === "string" ? "as text or as a key" : "with a JavaScript operator";
    const advice = hint === "string" ? "" : "use add, mul, less and the like, or ";
    throw traceError(
      `Cannot use a number that ${blocker} traces ${use}: its value is not known yet; ` +
        `${advice}name its argument in staticArgnums`,
    );
  }

  /** The number as text, if it is known. */
  override toString(): string {
    return this.#blocker() === null ? String(this.item()) : super.toString();
  }

  /** The text in messages where only a plain number is valid. */
  get [DESCRIPTION](): string {
    const blocker = this.#blocker();
    return blocker === null
      ? `a number traced by ${this.trace.transform} (read it with item)`
      : `a number traced by ${blocker} (name its argument in staticArgnums)`;
  }
}

/** A device-aware implementation of primitives. */
export type Dispatcher = (
  primitive: Primitive,
  args: readonly Concrete[],
  params: unknown,
  types: readonly Type[],
) => readonly Concrete[];

let dispatcher: Dispatcher | null = null;

/**
 * Sets the function that computes operations, in place of the reference implementation; installed by
 * devices.
 */
export function installDispatcher(chosen: Dispatcher | null): void {
  dispatcher = chosen;
}

/** The bottom trace: it computes each primitive with its reference implementation or a faster one. */
class EvaluationTrace extends Trace {
  override process<P>(primitive: Primitive<P>, args: readonly Tensor[], params: P) {
    for (let i = 0; i < args.length; i++) {
      if (!(args[i] instanceof Concrete)) throw escapedError(args[i], primitive.name);
    }
    const values = args as readonly Concrete[];
    const types = primitive.type(values, params);
    const results = dispatcher === null
      ? evaluate(primitive, values, params, types)
      : dispatcher(primitive as Primitive, values, params, types);
    currentInspector()?.(primitive as Primitive, values, results);
    return results;
  }
}

/** The error for a tracer that is used after its transform has returned, or outside of it. */
export function escapedError(value: Tensor, use: string): Error {
  const transform = value instanceof Tracer ? value.trace.transform : "a transform";
  if (value instanceof Tracer && value.trace.alive) {
    return traceError(
      `Cannot use ${showType(value)} in ${use}: it is traced by ${transform}, outside of what ` +
        `runs here; pass it as an argument instead of closing over it`,
    );
  }
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

/** Whether operations are computed immediately, outside of every transform. */
export function isEvaluating(): boolean {
  return current === evaluation;
}

/** The current trace, which processes operations. */
export function currentTrace(): Trace {
  return current;
}

/** Runs `f` with `trace` as the current trace. */
export function runUnder<T>(trace: Trace, f: () => T): T {
  const outer = current;
  current = trace;
  try {
    return f();
  } finally {
    current = outer;
  }
}

/** Runs `f` outside of every transform, so that its operations are computed immediately. */
export function runEvaluated<T>(f: () => T): T {
  return runUnder(evaluation, f);
}

/** Runs the body of a transform under `trace`, whose tracers become invalid when it ends. */
export function runTransform<T>(trace: Trace, f: () => T): T {
  try {
    return runUnder(trace, f);
  } finally {
    trace.alive = false;
  }
}

/** `args`, with scalars of the default dtype in place of numbers that were not combined with a tensor. */
function strengthen(args: readonly Tensor[], use: string): readonly Tensor[] {
  for (let i = 0; i < args.length; i++) {
    if (args[i] instanceof WeakScalar) {
      return args.map((arg) => arg instanceof WeakScalar ? arg.as(defaultFloat(), use) : arg);
    }
  }
  return args;
}

/**
 * Applies `primitive` to `args` under the current trace; complex arguments are split into their parts
 * first.
 */
export function bind<P>(
  primitive: Primitive<P>,
  args: readonly Tensor[],
  params: P,
): readonly Tensor[] {
  const given = strengthen(args, primitive.name);
  for (let i = 0; i < given.length; i++) {
    if (given[i] instanceof ComplexTensor) {
      return bindComplex(primitive as Primitive, given, params);
    }
  }
  return current.process(primitive, given, params);
}

/** Applies a primitive with one result. */
export function bindOne<P>(primitive: Primitive<P>, args: readonly Tensor[], params: P): Tensor {
  return bind(primitive, args, params)[0];
}

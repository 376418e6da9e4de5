/**
 * Programs, which JAX calls jaxprs. A program consists of binders, equations and results, and every
 * variable is typed. Programs are the only representation between tracing and every backend.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import { currentOrigin, enterEquation, noteOrigin, restoreOrigin } from "./origin.ts";
import type { Origin } from "./origin.ts";
import type { Primitive } from "./primitive.ts";
import { zerosOf } from "./tensor.ts";
import type { Tensor, Type } from "./tensor.ts";
import { bind, checkAlive, Trace, Tracer } from "./trace.ts";
import { printProgram } from "./print.ts";
import { isZero, zeroResults } from "./zeros.ts";

/**
 * A typed variable, bound once, by a program's binders or by one equation.
 *
 * @category Inspection
 */
export class Variable {
  /** The type of its value. */
  readonly type: Type;

  /** A fresh variable. */
  constructor(type: Type) {
    this.type = { dtype: type.dtype, shape: type.shape };
  }
}

/**
 * An input of an equation: a variable, or a constant captured by the program.
 *
 * @category Inspection
 */
export type Atom = Variable | Tensor;

/** The type of an atom. */
export function typeOf(atom: Atom): Type {
  return atom instanceof Variable ? atom.type : atom;
}

/**
 * `outputs = primitive(inputs, params)`.
 *
 * @category Inspection
 */
export interface Equation {
  /** The operation. */
  readonly primitive: Primitive;
  /** Its arguments. */
  readonly inputs: readonly Atom[];
  /** Its static parameters. */
  readonly params: unknown;
  /** The variables that it binds. */
  readonly outputs: readonly Variable[];
  /** Its origin; forward if it is not given. */
  readonly origin?: Origin;
}

/**
 * A traced function on flat lists of tensors. `String(program)` prints it:
 *
 * ```text
 * program(a: float32[3]) {
 *   b: float32[3] = sin(a)
 *   c: float32[3] = mul(b, 2)
 *   return (c)
 * }
 * ```
 *
 * @category Programs
 */
export class Program {
  /** The parameters. */
  readonly binders: readonly Variable[];
  /** The operations, each after the operations it depends on. */
  readonly equations: readonly Equation[];
  /** The results. */
  readonly results: readonly Atom[];

  /** Creates a program; `checkProgram` checks whether it is well-formed. */
  constructor(
    binders: readonly Variable[],
    equations: readonly Equation[],
    results: readonly Atom[],
  ) {
    this.binders = Object.freeze([...binders]);
    this.equations = Object.freeze([...equations]);
    this.results = Object.freeze([...results]);
    Object.freeze(this);
  }

  /** The program as text. */
  toString(): string {
    return printProgram(this);
  }

  /** The text that `console.log` shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** The text that `console.log` shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/** A value that represents a variable of a program being recorded. */
export class ProgramTracer extends Tracer {
  /** The variable. */
  readonly variable: Variable;

  /** A tracer for `variable`. */
  constructor(trace: RecordingTrace, variable: Variable) {
    super(trace, variable.type);
    this.variable = variable;
  }

  /** Whether the equations recorded so far make it zero. */
  override get isZero(): boolean {
    return (this.trace as RecordingTrace).isZero(this.variable);
  }
}

/**
 * Records operations as equations. Without a parent it records all of them (staging). With a parent it
 * records those that depend on its own binders, and passes the others to the parent, which performs
 * them immediately (partial evaluation).
 */
export class RecordingTrace extends Trace {
  readonly #parent: Trace | null;
  readonly #equations: Equation[] = [];
  readonly #binders: Variable[] = [];
  readonly #zeros: Set<Variable> = new Set();
  /** The number of equations that have been searched for zeros. */
  #searched = 0;

  /** A trace with an empty program. */
  constructor(transform: string, parent: Trace | null) {
    super(transform);
    this.#parent = parent;
  }

  /** A new parameter of the program, as a value, which may be declared to be zero. */
  newBinder(type: Type, isZero = false): ProgramTracer {
    const variable = new Variable(type);
    this.#binders.push(variable);
    if (isZero) this.#zeros.add(variable);
    return new ProgramTracer(this, variable);
  }

  override process<P>(primitive: Primitive<P>, args: readonly Tensor[], params: P) {
    const parent = this.#parent;
    if (parent !== null) {
      if (!args.some((arg) => this.owns(arg))) return parent.process(primitive, args, params);
      const { derivative } = primitive;
      if (derivative.kind === "program") {
        const isOwn = args.map((arg) => this.owns(arg));
        const depends = derivative.dependentResults(isOwn, params);
        const known = derivative.dependentResults(isOwn.map((own) => !own), params);
        const isMixed = depends.some((one, i) => !one && known[i]);
        if (isMixed) return this.#divide(parent, primitive, args, params, depends);
      }
    }
    return this.#record(primitive, args, params);
  }

  /** Lets the parent compute the results that do not depend on this trace's values. */
  #divide<P>(
    parent: Trace,
    primitive: Primitive<P>,
    args: readonly Tensor[],
    params: P,
    depends: readonly boolean[],
  ): readonly Tensor[] {
    const filled = args.map((arg) => this.owns(arg) ? zerosOf(arg) : arg);
    const known = parent.process(primitive, filled, params);
    // Side effects have already happened at this point.
    const acts = isEffectful({ primitive: primitive as Primitive, params });
    const recorded = this.#record(primitive, args, acts ? silence(params) as P : params);
    return recorded.map((value, i) => depends[i] ? value : known[i]);
  }

  #record<P>(primitive: Primitive<P>, args: readonly Tensor[], params: P): readonly Tensor[] {
    const outputs = primitive.type(args, params).map((type) => new Variable(type));
    const inputs = args.map((arg) => this.toAtom(arg, primitive.name));
    this.#equations.push({
      primitive: primitive as Primitive,
      inputs,
      params,
      outputs,
      origin: noteOrigin(),
    });
    return outputs.map((variable) => new ProgramTracer(this, variable));
  }

  /** Whether a variable is zero for all arguments of the program. */
  isZero(variable: Variable): boolean {
    const equations = this.#equations.slice(this.#searched);
    this.#searched = this.#equations.length;
    findZeros(equations, this.#zeros);
    return this.#zeros.has(variable);
  }

  /** Whether `value` is a tracer of this trace. */
  owns(value: Tensor): value is ProgramTracer {
    return value instanceof ProgramTracer && value.trace === this;
  }

  /** `value` as an atom: its variable, or itself as a constant. */
  toAtom(value: Tensor, use: string): Atom {
    if (this.owns(value)) return value.variable;
    checkAlive(value, use);
    return value;
  }

  /** The program recorded so far, with these results and without equations that they do not need. */
  finish(results: readonly Tensor[]): Program {
    const atoms = results.map((value) => this.toAtom(value, "a result"));
    return withoutDeadEquations(new Program(this.#binders, this.#equations, atoms));
  }
}

/** The programs among an equation's parameters, alone or in lists. */
export function programsIn(params: unknown): readonly Program[] {
  if (typeof params !== "object" || params === null) return [];
  return Object.values(params).flatMap((value) =>
    value instanceof Program
      ? [value]
      : Array.isArray(value)
      ? value.filter((one) => one instanceof Program)
      : []
  );
}

const effects = new WeakMap<Program, boolean>();

/** Whether a program has side effects, in its own equations or in nested programs. */
export function hasEffects(program: Program): boolean {
  let found = effects.get(program);
  if (found === undefined) effects.set(program, found = program.equations.some(isEffectful));
  return found;
}

/**
 * Whether an equation has side effects. If so, it is kept even if its results are not used, and is
 * neither merged with other equations nor reordered.
 */
export function isEffectful(
  { primitive, params }: Pick<Equation, "primitive" | "params">,
): boolean {
  return primitive.isEffectful === true ||
    (primitive.derivative.kind === "program" && programsIn(params).some(hasEffects));
}

const silenced = new WeakMap<Program, Program>();

/** The program without side effects, for work that is repeated. */
export function withoutEffects(program: Program): Program {
  if (!hasEffects(program)) return program;
  let silent = silenced.get(program);
  if (silent === undefined) {
    const equations = program.equations
      .filter(({ primitive }) => primitive.isEffectful !== true)
      .map((equation) =>
        isEffectful(equation) ? { ...equation, params: silence(equation.params) } : equation
      );
    silent = new Program(program.binders, equations, program.results);
    silenced.set(program, silent);
  }
  return silent;
}

/** Parameters with side effects removed from their programs. */
function silence(params: unknown): unknown {
  const silenceOne = (value: unknown): unknown =>
    value instanceof Program
      ? withoutEffects(value)
      : Array.isArray(value)
      ? value.map(silenceOne)
      : value;
  return remake(
    params as object,
    Object.entries(params as object).map(([key, value]) => [key, silenceOne(value)]),
  );
}

/** Parameters of the same kind with other entries. */
export function remake(
  params: object,
  entries: readonly (readonly [name: string, value: unknown])[],
): object {
  return Object.assign(Object.create(Object.getPrototypeOf(params)), Object.fromEntries(entries));
}

/** The program without the equations that its results do not depend on, except those with side effects. */
export function withoutDeadEquations(program: Program): Program {
  const live = new Set<Atom>(program.results);
  const kept: Equation[] = [];
  for (let i = program.equations.length - 1; i >= 0; i--) {
    const equation = program.equations[i];
    const isNeeded = equation.outputs.some((variable) => live.has(variable));
    if (!isNeeded && !isEffectful(equation)) continue;
    for (const input of equation.inputs) live.add(input);
    kept.push(equation);
  }
  if (kept.length === program.equations.length) return program;
  return new Program(program.binders, kept.reverse(), program.results);
}

const dependences = new WeakMap<Program, Map<string, readonly boolean[]>>();

/** Which results of a program depend on any of these arguments. */
export function dependentResultsOf(
  program: Program,
  isGiven: readonly boolean[],
): readonly boolean[] {
  let known = dependences.get(program);
  if (known === undefined) dependences.set(program, known = new Map());
  const key = isGiven.map(Number).join("");
  let depends = known.get(key);
  if (depends === undefined) known.set(key, depends = findDependence(program, isGiven));
  return depends;
}

function findDependence(
  { binders, equations, results }: Program,
  isGiven: readonly boolean[],
): readonly boolean[] {
  const dependent = new Set<Atom>(binders.filter((_, i) => isGiven[i]));
  for (const { primitive, inputs, params, outputs } of equations) {
    const flags = inputs.map((atom) => dependent.has(atom));
    if (!flags.includes(true)) continue;
    const rule = primitive.derivative;
    const found = rule.kind === "program" ? rule.dependentResults(flags, params) : null;
    outputs.forEach((variable, i) => found?.[i] !== false && dependent.add(variable));
  }
  return results.map((atom) => dependent.has(atom));
}

/** Adds to `zeros` the variables that are zero where those in it are. */
function findZeros(equations: readonly Equation[], zeros: Set<Variable>): void {
  for (const { primitive, inputs, params, outputs } of equations) {
    const flags = inputs.map((atom) => isZeroAtom(atom, zeros));
    const isPlain = primitive.derivative.kind !== "program";
    if (isPlain && !flags.includes(true)) continue;
    const found = zeroResults(primitive, inputs.map(typeOf), flags, params);
    outputs.forEach((variable, i) => found[i] && zeros.add(variable));
  }
}

function isZeroAtom(atom: Atom, zeros: ReadonlySet<Variable>): boolean {
  return atom instanceof Variable ? zeros.has(atom) : isZero(atom);
}

/**
 * Which results of a program are zero where these arguments are, whatever the values of the other
 * arguments.
 */
export function zeroResultsOf(
  { binders, equations, results }: Program,
  isZero: readonly boolean[],
): readonly boolean[] {
  const zeros = new Set(binders.filter((_, i) => isZero[i]));
  findZeros(equations, zeros);
  return results.map((atom) => isZeroAtom(atom, zeros));
}

/** Applies a program to values, under the current trace. */
export function evaluateProgram(program: Program, args: readonly Tensor[]): Tensor[] {
  if (args.length !== program.binders.length) {
    throw internalError(`A program of ${program.binders.length} binders got ${args.length} values`);
  }
  const values = new Map<Variable, Tensor>();
  program.binders.forEach((variable, i) => values.set(variable, args[i]));
  const read = (atom: Atom): Tensor => atom instanceof Variable ? values.get(atom)! : atom;
  const outer = currentOrigin();
  try {
    for (const { primitive, inputs, params, outputs, origin } of program.equations) {
      enterEquation(origin, outer);
      const results = bind(primitive, inputs.map(read), params);
      outputs.forEach((variable, i) => values.set(variable, results[i]));
    }
  } finally {
    restoreOrigin(outer);
  }
  return program.results.map(read);
}

/** A program without captured tracers. */
export interface Closed {
  /** The program; its first binders replace the captured tensors. */
  readonly program: Program;
  /** The captured tensors, in the order of their binders. */
  readonly captured: readonly Tensor[];
}

/**
 * The program with binders in place of captured tracers, so that it can outlive their traces; or in
 * place of all captured tensors for which `isCaptured` holds.
 */
export function closeProgram(
  program: Program,
  isCaptured: (value: Tensor) => boolean = (value) => value instanceof Tracer,
): Closed {
  const captured = new Map<Tensor, Variable>();
  const close = (atom: Atom): Atom => {
    if (atom instanceof Variable || !isCaptured(atom)) return atom;
    let variable = captured.get(atom);
    if (variable === undefined) captured.set(atom, variable = new Variable(atom));
    return variable;
  };
  const equations = program.equations.map((equation) => ({
    ...equation,
    inputs: equation.inputs.map(close),
  }));
  const results = program.results.map(close);
  return {
    program: new Program([...captured.values(), ...program.binders], equations, results),
    captured: [...captured.keys()],
  };
}

/**
 * Programs derived from programs: batched, linearised and transposed, each computed once in the
 * lifetime of the program. Also shared code of the primitives that hold programs.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { ArgumentError, argumentError } from "../base/errors.ts";
import { insertAt, range, showType } from "../base/shape.ts";
import { ancestorOf } from "../passes/heirs.ts";
import { runForward } from "../core/origin.ts";
import type { BatchAxis, Totals } from "../core/primitive.ts";
import {
  closeProgram,
  evaluateProgram,
  Program,
  RecordingTrace,
  typeOf,
  Variable,
} from "../core/program.ts";
import type { Atom } from "../core/program.ts";
import { Tensor, zerosOf } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { currentTrace, escapedError, runUnder, Tracer } from "../core/trace.ts";
import { isZero } from "../core/zeros.ts";
import { alignBatch } from "../primitives/structure.ts";
import { jvpFlat } from "../transforms/jvp.ts";
import { linearizeFlat } from "../transforms/linearize.ts";
import { isOffset, transposeProgram } from "../transforms/transpose.ts";
import { batchFlat } from "../transforms/vmap.ts";

/**
 * Runs `f` on one tracer per type, and records all operations; `f` returns the results. Tracers for
 * which `isZero` holds are declared to be zero.
 */
export function record(
  types: readonly Type[],
  f: (args: readonly Tensor[]) => readonly Tensor[],
  isZero: readonly boolean[] = [],
): Program {
  const trace = new RecordingTrace("jit", null);
  try {
    const args = types.map((type, i) => trace.newBinder(type, isZero[i]));
    const program = trace.finish(runForward(() => runUnder(trace, () => f(args))));
    checkClosed(program);
    return program;
  } finally {
    trace.alive = false;
  }
}

/** Throws if a program contains a tracer: a user's derivative rule has closed over one. */
function checkClosed({ equations, results }: Program): void {
  const check = (atoms: readonly Atom[], use: string): void => {
    for (const atom of atoms) if (atom instanceof Tracer) throw escapedError(atom, use);
  };
  for (const { inputs, primitive } of equations) check(inputs, primitive.name);
  check(results, "the result of a derivative rule");
}

/** A cache of values derived from each program, by a key. */
export function memoize<Value>(): (program: Program, key: string, make: () => Value) => Value {
  const memory = new WeakMap<Program, Map<string, Value>>();
  return (program, key, make) => {
    let values = memory.get(program);
    if (values === undefined) memory.set(program, values = new Map());
    let value = values.get(key);
    if (value === undefined) values.set(key, value = make());
    return value;
  };
}

const numbers = new WeakMap<Program, number>();
let nextNumber = 0;

/** A text that identifies lists of programs, for keys. */
export function nameOf(programs: readonly Program[]): string {
  return programs.map((program) => {
    let number = numbers.get(program);
    if (number === undefined) numbers.set(program, number = nextNumber++);
    return number;
  }).join(",");
}

/** Extends a list of flags until `step` adds none. */
export function fixpoint(
  start: readonly boolean[],
  step: (flags: readonly boolean[]) => readonly boolean[],
): readonly boolean[] {
  let flags = start;
  while (true) {
    const found = step(flags);
    const next = flags.map((flag, i) => flag || found[i]);
    if (next.every((flag, i) => flag === flags[i])) return flags;
    flags = next;
  }
}

/** For each position whether it is true in any of the lists. */
export function anyOf(lists: readonly (readonly boolean[])[]): readonly boolean[] {
  return lists[0].map((_, i) => lists.some((list) => list[i]));
}

/** Lists of flags as a part of a key. */
export function keyOfFlags(...lists: readonly (readonly boolean[])[]): string {
  return lists.map((list) => list.map(Number).join("")).join("/");
}

/** Values at the positions that have one, in order, and `null` at all others. */
export function placed(has: readonly boolean[], values: readonly Tensor[]): (Tensor | null)[] {
  let next = 0;
  return has.map((one) => one ? values[next++] : null);
}

/** The cotangents of all arguments, from those of the linear ones for which `receives` holds. */
export function placedCotangents(
  isLinear: readonly boolean[],
  receives: readonly boolean[],
  values: readonly Tensor[],
): (Tensor | null)[] {
  let place = 0;
  return placed(isLinear.map((linear) => linear && receives[place++]), values);
}

/** One flag for each result of a program: those that are given, and false. */
function flagsOf({ results }: Program, given: readonly boolean[]): readonly boolean[] {
  return results.map((_, i) => given[i] ?? false);
}

/** A program batched over given axes. */
export interface BatchedProgram {
  /** The program on batches. */
  readonly program: Program;
  /** The position of the mapped axis of each result, `null` for results that all examples share. */
  readonly axes: readonly BatchAxis[];
}

const batchedPrograms = memoize<BatchedProgram>();

/**
 * The program with an additional axis, which collectives find as `axisName`. Results for which
 * `isForced` holds are mapped along axis 0 in any case.
 */
export function batchProgram(
  program: Program,
  axes: readonly BatchAxis[],
  size: number,
  axisName: string | undefined,
  isForced: readonly boolean[] = [],
): BatchedProgram {
  const forced = flagsOf(program, isForced);
  const name = axisName === undefined ? "" : JSON.stringify(axisName);
  const key = `${axes.map(String)}/${size}/${keyOfFlags(forced)}/${name}`;
  return batchedPrograms(program, key, () => {
    const types = program.binders.map(({ type: { dtype, shape } }, i) => {
      const axis = axes[i];
      return { dtype, shape: axis === null ? shape : insertAt(shape, axis, size) };
    });
    let outAxes: readonly BatchAxis[] = [];
    const batched = record(types, (args) => {
      const results = batchFlat((xs) => evaluateProgram(program, xs), args, axes, size, axisName);
      outAxes = results.map(([, axis], i) => isForced[i] ? 0 : axis);
      return results.map(([value, axis], i) =>
        isForced[i] ? alignBatch(value, axis, 0, size) : value
      );
    });
    return { program: batched, axes: outAxes };
  });
}

/** A program split into work on primals and work on tangents. */
export interface LinearizedProgram {
  /** From the arguments to the results, followed by the residuals. */
  readonly forward: Program;
  /** From the residuals and the tangents of active arguments to the tangents of moving results. */
  readonly linear: Program;
  /** Which results have tangents. */
  readonly moves: readonly boolean[];
}

const linearizedPrograms = memoize<LinearizedProgram>();

/**
 * The program linearised in its active arguments. Results for which `isForced` holds have tangents in
 * any case, constant zeros if necessary.
 */
export function linearizeProgram(
  program: Program,
  isActive: readonly boolean[],
  isForced: readonly boolean[] = [],
): LinearizedProgram {
  const forced = flagsOf(program, isForced);
  const key = keyOfFlags(isActive, forced);
  return linearizedPrograms(program, key, () => {
    let linear: Program = program;
    let moves: readonly boolean[] = [];
    const forward = record(program.binders.map(({ type }) => type), (args) => {
      const active = args.filter((_, i) => isActive[i]);
      const { results, program: open } = linearizeFlat("jit", active, (inputs) => {
        let next = 0;
        return evaluateProgram(program, args.map((arg, i) => isActive[i] ? inputs[next++] : arg));
      });
      // The tangent of a result that does not move is a constant zero, and is omitted.
      let next = 0;
      const moving: Atom[] = [];
      moves = results.map(({ dtype }, i) => {
        if (!isFloat(dtype)) return false;
        const atom = open.results[next++];
        const isMoving = atom instanceof Variable || forced[i];
        if (isMoving) moving.push(atom);
        return isMoving;
      });
      const closed = closeProgram(new Program(open.binders, open.equations, moving));
      linear = closed.program;
      return [...results, ...closed.captured];
    });
    return { forward, linear, moves };
  });
}

/** A program that computes results and their tangents together. */
export interface PushedProgram {
  /** From the arguments and the tangents of the active ones to the results and moving tangents. */
  readonly program: Program;
  /** Which results have tangents. */
  readonly moves: readonly boolean[];
}

const pushedPrograms = memoize<PushedProgram>();

/** The program in forward mode. Results for which `isForced` holds have tangents in any case. */
export function pushProgram(
  program: Program,
  isActive: readonly boolean[],
  isForced: readonly boolean[] = [],
): PushedProgram {
  const forced = flagsOf(program, isForced);
  const key = keyOfFlags(isActive, forced);
  return pushedPrograms(program, key, () => {
    const types = program.binders.map(({ type }) => type);
    const active = types.filter((_, i) => isActive[i]);
    let moves: readonly boolean[] = [];
    const pushed = record([...types, ...active], (args) => {
      let next = types.length;
      const tangents = isActive.map((isMoving) => isMoving ? args[next++] : null);
      const primals = args.slice(0, types.length);
      const pairs = jvpFlat((xs) => evaluateProgram(program, xs), primals, tangents);
      moves = pairs.map(([value, tangent], i) =>
        isFloat(value.dtype) && (tangent !== null || forced[i])
      );
      return [
        ...pairs.map(([value]) => value),
        ...pairs.flatMap(([value, tangent], i) => moves[i] ? [tangent ?? zerosOf(value)] : []),
      ];
    });
    return { program: pushed, moves };
  });
}

/** The transpose of a program in its linear arguments. */
export interface TransposedProgram {
  /**
   * From the known arguments, the cotangents that are not zero and the totals to add to, to the
   * cotangents of the linear arguments.
   */
  readonly program: Program;
  /** Which linear arguments get a cotangent. */
  readonly receives: readonly boolean[];
}

const transposedPrograms = memoize<TransposedProgram>();

/** Additional options of `transposeOpen`. */
interface TransposeOptions {
  /** One entry per linear argument: whether it receives a cotangent in any case. */
  readonly isForced?: readonly boolean[];
  /** One entry per argument: whether it is known to be zero. */
  readonly isZero?: readonly boolean[];
  /**
   * One entry per linear argument: whether its cotangent is added to an additional argument, so that a
   * cotangent with few non-zero elements does not require a tensor of zeros.
   */
  readonly isAdded?: readonly boolean[];
}

/**
 * Transposes a function in its linear arguments. `transpose` receives the flags of zero arguments only
 * if it fails without them: zeros that are not needed as offsets are rare.
 */
export function knowingZeros<T>(
  args: readonly Type[],
  isLinear: readonly boolean[],
  transpose: (isZero: readonly boolean[]) => T,
): T {
  try {
    return transpose([]);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    const zeros = args.map((arg, i) => !isLinear[i] && arg instanceof Tensor && isZero(arg));
    if (!zeros.includes(true)) throw error;
    return transpose(zeros);
  }
}

/**
 * The cotangents of the arguments of an equation that runs one of `programs`, pulled back by one of the
 * transposed programs. If these add to few elements, or one of them adds nothing, they receive the
 * current total and return it updated: `run` is given the number of last arguments that are such
 * totals.
 */
export function pullThrough(
  programs: readonly Program[],
  cotangents: readonly (Tensor | null)[],
  args: readonly Type[],
  isLinear: readonly boolean[],
  totals: Totals,
  run: (
    programs: readonly Program[],
    args: readonly Tensor[],
    begun: number,
  ) => readonly Tensor[],
): readonly (Tensor | null)[] {
  const hasCotangent = cotangents.map((cotangent) => cotangent !== null);
  const places = range(args.length).filter((i) => isLinear[i]);
  const hasTotal = places.map((i) => totals.has(i));
  const transposed = knowingZeros(args, isLinear, (isZero) => {
    const all = (isForced: readonly boolean[], isAdded: readonly boolean[]) =>
      programs.map((one) =>
        transposeOpen(one, isLinear, hasCotangent, { isForced, isZero, isAdded })
      );
    const bare = all([], []);
    const receives = anyOf(bare.map((one) => one.receives));
    const isOffered = receives.map((has, i) => has && hasTotal[i]);
    const isAdded = isOffered.includes(true)
      ? addsWithin(bare, all(receives, isOffered), isOffered)
      : [];
    const isSame = bare.every((one) => one.receives.every((has, i) => has === receives[i]));
    const chosen = isSame && !isAdded.includes(true) ? bare : all(receives, isAdded);
    return { receives, isAdded, programs: chosen.map((one) => one.program) };
  });
  const known = args.filter((_, i) => !isLinear[i]) as Tensor[];
  const given = cotangents.filter((cotangent) => cotangent !== null);
  const begun = places.filter((_, i) => transposed.isAdded[i]).map((i) => totals.take(i)!);
  const pulled = run(transposed.programs, [...known, ...given, ...begun], begun.length);
  return placedCotangents(isLinear, transposed.receives, pulled);
}

/**
 * Which of the totals that are offered to transposed programs should be updated within them: `bare` are
 * these programs without totals, and `offered` with them as their last arguments.
 */
function addsWithin(
  bare: readonly TransposedProgram[],
  offered: readonly TransposedProgram[],
  isOffered: readonly boolean[],
): readonly boolean[] {
  const count = isOffered.filter(Boolean).length;
  let total = 0;
  let result = 0;
  return isOffered.map((isOne, i) => {
    const own = bare.some(({ receives }) => receives[i]) ? result++ : -1;
    if (!isOne) return false;
    const place = total++;
    return bare.some(({ receives }) => !receives[i]) ||
      offered.some(({ program }) =>
        ancestorOf(program, program.results[own]) === program.binders.length - count + place
      );
  });
}

/** Transposes a program in its linear arguments. */
export function transposeOpen(
  program: Program,
  isLinear: readonly boolean[],
  hasCotangent: readonly boolean[],
  { isForced = [], isZero = [], isAdded = [] }: TransposeOptions = {},
): TransposedProgram {
  const key = keyOfFlags(isLinear, hasCotangent, isForced, isZero, isAdded);
  return transposedPrograms(program, key, () => {
    const types = program.binders.map(({ type }) => type);
    const known = types.filter((_, i) => !isLinear[i]);
    const given = program.results.filter((_, i) => hasCotangent[i]).map(typeOf);
    const begun = types.filter((_, i) => isLinear[i]).filter((_, i) => isAdded[i]);
    let receives: readonly boolean[] = [];
    const isKnownZero = isZero.filter((_, i) => !isLinear[i]);
    const transposed = record([...known, ...given, ...begun], (args) => {
      // Work on known values alone is recorded here; the tape contains the linear equations.
      const tape = new RecordingTrace("jit", currentTrace());
      let next = 0;
      const inputs = types.map((type, i) => isLinear[i] ? tape.newBinder(type) : args[next++]);
      const linear = tape.finish(runUnder(tape, () => evaluateProgram(program, inputs)));
      tape.alive = false;
      linear.results.forEach((atom, i) => {
        if (atom instanceof Variable || !hasCotangent[i] || !isOffset(atom)) return;
        throw argumentError(
          `Cannot transpose a function that returns the constant ${showType(atom)}: ` +
            `the function is not linear in its arguments`,
        );
      });
      const cotangents = hasCotangent.map((has) => has ? args[next++] : null);
      let place = 0;
      const start = inputs.flatMap((_, i) =>
        isLinear[i] ? [isAdded[place++] ? args[next++] : null] : []
      );
      const pulled = transposeProgram(linear, cotangents, start).map((cotangent, i) =>
        cotangent === null && isForced[i] ? zerosOf(linear.binders[i].type) : cotangent
      );
      receives = pulled.map((cotangent) => cotangent !== null);
      return pulled.filter((cotangent) => cotangent !== null);
    }, isKnownZero);
    return { program: transposed, receives };
  });
}

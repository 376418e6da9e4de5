/**
 * The reference implementation of control flow: programs run step by step by the evaluator.
 *
 * @module
 */
import { placementOf } from "../backends/devices.ts";
import { executableOf, runProgram } from "../backends/run.ts";
import { defaultDevice } from "../core/device.ts";
import { isInspecting } from "../core/origin.ts";
import type { Primitive } from "../core/primitive.ts";
import { evaluateProgram, Program, Variable } from "../core/program.ts";
import { allocateFor, Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import { runEvaluated } from "../core/trace.ts";
import { MemoryError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import { nameOf } from "./programs.ts";

// Measured on one core of an AMD EPYC (Zen 3) with Deno 2.9.6, and to be measured again by the groups
// "loop" of `deno bench bench/thresholds_bench.ts`.

/**
 * The amount of work, over all steps, from which compiling a program pays off: in equations of few
 * elements.
 */
const COMPILED_FROM = 5_000;

/** The number of elements that doubles the time of an operation compared with a single element. */
const ELEMENTS = 500;

const works = new WeakMap<Program, number>();

/** The amount of work of one run of a program. */
function workOf(program: Program): number {
  let work = works.get(program);
  if (work === undefined) {
    work = program.equations.reduce(
      (sum, { outputs }) =>
        outputs.reduce((own, { type }) => own + sizeOf(type.shape) / ELEMENTS, sum + 1),
      0,
    );
    works.set(program, work);
  }
  return work;
}

/** Whether about `steps` runs of a program are worth compiling. */
export function isWorthCompiling(program: Program, steps: number): boolean {
  return steps * workOf(program) >= COMPILED_FROM;
}

/** A program as a function of concrete values, for about `steps` runs. */
function runnerFor(
  program: Program,
  steps: number,
): (args: readonly Concrete[]) => readonly Concrete[] {
  if (isWorthCompiling(program, steps) && !isInspecting()) {
    return (args) => runProgram(program, args);
  }
  return (args) => runEvaluated(() => evaluateProgram(program, args)) as Concrete[];
}

/** Loops as separate programs, by their bodies and their other parameters. */
const wholes = new WeakMap<Program, Map<string, Program | null>>();

/** Compiled loops that are running: if they fail, they run again step by step. */
const running = new Set<Program>();

/**
 * Runs a loop of about `steps` steps as one compiled program, if that pays off; returns `null` if it
 * does not, or if the compiler does not support the loop. `key` distinguishes loops with the same body.
 */
function runWhole<P>(
  primitive: Primitive<P>,
  args: readonly Concrete[],
  params: P,
  body: Program,
  key: string,
  steps: number,
): readonly Concrete[] | null {
  if (!isWorthCompiling(body, steps) || isInspecting()) return null;
  let programs = wholes.get(body);
  if (programs === undefined) wholes.set(body, programs = new Map());
  const place = placementOf(primitive, args, params) ?? defaultDevice();
  const own = `${place}/${key}`;
  let program = programs.get(own);
  if (program === undefined) {
    const binders = args.map((arg) => new Variable(arg));
    const outputs = primitive.type(args, params).map((type) => new Variable(type));
    const equation = { primitive: primitive as Primitive, inputs: binders, params, outputs };
    program = new Program(binders, [equation], outputs);
    if (!executableOf(program, args, place).isWhole) program = null;
    programs.set(own, program);
  }
  if (program === null || running.has(program)) return null;
  running.add(program);
  try {
    return runProgram(program, args);
  } catch (error) {
    // A program that does not fit into linear memory as a whole may fit step by step.
    if (error instanceof MemoryError) return null;
    throw error;
  } finally {
    running.delete(program);
  }
}

/** Element `i` of a sequence. */
function elementAt(sequence: Concrete, i: number): Concrete {
  const shape = sequence.shape.slice(1);
  const size = sizeOf(shape);
  const elements = sequence.held === 1
    ? sequence.stored
    : sequence.stored.slice(i * size, (i + 1) * size);
  return new Concrete(sequence.dtype, shape, size === 0 ? elements.slice(0, 0) : elements);
}

/** Runs a scan step by step, or compiled if that pays off. */
export function evaluateScan<
  P extends {
    readonly body: Program;
    readonly length: number;
    readonly reverse: boolean;
    readonly consts: number;
    readonly carry: number;
  },
>(
  primitive: Primitive<P>,
  args: readonly Concrete[],
  params: P,
  types: readonly Type[],
): readonly Concrete[] {
  const { body, length, reverse } = params;
  const key = `${length}/${reverse}/${params.consts}/${params.carry}`;
  const whole = runWhole(primitive, args, params, body, key, length);
  if (whole !== null) return whole;
  const consts = args.slice(0, params.consts);
  let carry: readonly Concrete[] = args.slice(params.consts, params.consts + params.carry);
  const xs = args.slice(params.consts + params.carry);
  const ys = types.slice(params.carry).map(allocateFor);
  const sizes = ys.map((elements) => elements.length / length);
  const run = runnerFor(body, length);
  for (let step = 0; step < length; step++) {
    const i = reverse ? length - 1 - step : step;
    const results = run([...consts, ...carry, ...xs.map((x) => elementAt(x, i))]);
    carry = results.slice(0, params.carry);
    ys.forEach((elements, k) => {
      const [from, to] = [i * sizes[k], (i + 1) * sizes[k]];
      results[params.carry + k].peek((written) => {
        if (written.length === to - from) elements.set(written, from);
        else elements.fill(written[0], from, to);
      });
    });
  }
  return [
    ...carry,
    ...ys.map((elements, k) => {
      const { dtype, shape } = types[params.carry + k];
      return new Concrete(dtype, shape, elements);
    }),
  ];
}

/** Runs a loop until its condition fails, compiled once that pays off. */
export function evaluateWhile<
  P extends {
    readonly condition: Program;
    readonly body: Program;
    readonly conditionConsts: number;
    readonly bodyConsts: number;
  },
>(
  primitive: Primitive<P>,
  args: readonly Concrete[],
  params: P,
): readonly Concrete[] {
  const { condition, body, conditionConsts, bodyConsts } = params;
  const own = args.slice(0, conditionConsts);
  const consts = args.slice(conditionConsts, conditionConsts + bodyConsts);
  let carry: readonly Concrete[] = args.slice(conditionConsts + bodyConsts);
  let goes = runnerFor(condition, 1);
  let run = runnerFor(body, 1);
  const work = workOf(condition) + workOf(body);
  for (let step = 1; goes([...own, ...carry])[0].item<boolean>(); step++) {
    carry = run([...consts, ...carry]);
    // The number of steps is not known: a loop that has run for long is assumed to continue.
    if (step * work >= COMPILED_FROM && (step - 1) * work < COMPILED_FROM) {
      const key = `${nameOf([condition])}/${conditionConsts}/${bodyConsts}`;
      const rest = [...own, ...consts, ...carry];
      const whole = runWhole(primitive, rest, params, body, key, COMPILED_FROM);
      if (whole !== null) return whole;
      goes = runnerFor(condition, COMPILED_FROM);
      run = runnerFor(body, COMPILED_FROM);
    }
  }
  return carry;
}

/** Runs one of several programs: the nearest one where the index is out of range. */
export function evaluateSwitch(
  [index, ...operands]: readonly Concrete[],
  { branches }: { readonly branches: readonly Program[] },
): readonly Concrete[] {
  const place = Math.min(Math.max(index.item(), 0), branches.length - 1);
  return runnerFor(branches[place], 1)(operands);
}

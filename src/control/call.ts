/**
 * The primitive that runs a program as one operation. It is differentiated, batched and transposed by
 * doing so to its program, once for each program.
 *
 * @module
 */
import { isFloat } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { insertAt, showType } from "../base/shape.ts";
import { foldConstants } from "../compile/fold_constants.ts";
import { compile } from "../compile/pipeline.ts";
import type { BatchAxis, Primitive } from "../core/primitive.ts";
import {
  closeProgram,
  evaluateProgram,
  Program,
  RecordingTrace,
  typeOf,
  Variable,
} from "../core/program.ts";
import { zerosOf } from "../core/tensor.ts";
import type { Tensor, Type } from "../core/tensor.ts";
import { bind, currentTrace, runUnder } from "../core/trace.ts";
import { linearizeFlat } from "../transforms/linearize.ts";
import { isOffset, transposeProgram } from "../transforms/transpose.ts";
import { batchFlat } from "../transforms/vmap.ts";

/** Parameters of `call`. */
export interface CallParams {
  /** The program, without captured tracers. */
  readonly program: Program;
}

/** Runs `f` on one tracer per type, recording all of it; `f` gives the results. */
function record(
  types: readonly Type[],
  f: (args: readonly Tensor[]) => readonly Tensor[],
): Program {
  const trace = new RecordingTrace("jit", null);
  try {
    const args = types.map((type) => trace.newBinder(type));
    return trace.finish(runUnder(trace, () => f(args)));
  } finally {
    trace.alive = false;
  }
}

/** Remembers what was derived from each program, by a key. */
function memoize<Value>(): (program: Program, key: string, make: () => Value) => Value {
  const memory = new WeakMap<Program, Map<string, Value>>();
  return (program, key, make) => {
    let values = memory.get(program);
    if (values === undefined) memory.set(program, values = new Map());
    let value = values.get(key);
    if (value === undefined) values.set(key, value = make());
    return value;
  };
}

/** A program batched over given axes. */
interface BatchedProgram {
  readonly program: Program;
  readonly axes: readonly BatchAxis[];
}

const batchedPrograms = memoize<BatchedProgram>();

function batchProgram(program: Program, axes: readonly BatchAxis[], size: number): BatchedProgram {
  return batchedPrograms(program, `${axes.map(String)}/${size}`, () => {
    const types = program.binders.map(({ type: { dtype, shape } }, i) => {
      const axis = axes[i];
      return { dtype, shape: axis === null ? shape : insertAt(shape, axis, size) };
    });
    let outAxes: readonly BatchAxis[] = [];
    const batched = record(types, (args) => {
      const results = batchFlat((xs) => evaluateProgram(program, xs), args, axes, size);
      outAxes = results.map(([, axis]) => axis);
      return results.map(([value]) => value);
    });
    return { program: batched, axes: outAxes };
  });
}

/** A program divided into work on primals and work on tangents. */
interface LinearizedProgram {
  /** From the arguments to the results, followed by the residuals. */
  readonly forward: Program;
  /** From the residuals and the tangents of active arguments to the tangents of moving results. */
  readonly linear: Program;
  /** Which results have tangents. */
  readonly moves: readonly boolean[];
}

const linearizedPrograms = memoize<LinearizedProgram>();

function linearizeProgram(program: Program, isActive: readonly boolean[]): LinearizedProgram {
  return linearizedPrograms(program, isActive.map(Number).join(""), () => {
    let linear: Program = program;
    let moves: readonly boolean[] = [];
    const forward = record(program.binders.map(({ type }) => type), (args) => {
      const active = args.filter((_, i) => isActive[i]);
      const { results, program: open } = linearizeFlat("jit", active, (inputs) => {
        let next = 0;
        return evaluateProgram(program, args.map((arg, i) => isActive[i] ? inputs[next++] : arg));
      });
      // The tangent of a result that does not move is a constant zero, and is left out.
      let next = 0;
      moves = results.map(({ dtype }) =>
        isFloat(dtype) && open.results[next++] instanceof Variable
      );
      const moving = open.results.filter((atom) => atom instanceof Variable);
      const closed = closeProgram(new Program(open.binders, open.equations, moving));
      linear = closed.program;
      return [...results, ...closed.captured];
    });
    return { forward, linear, moves };
  });
}

/** The transpose of a program in its linear arguments. */
interface TransposedProgram {
  /** From the known arguments and the cotangents that are not zero to those that come back. */
  readonly program: Program;
  /** Which linear arguments get a cotangent. */
  readonly receives: readonly boolean[];
}

const transposedPrograms = memoize<TransposedProgram>();

function transposeCall(
  program: Program,
  isLinear: readonly boolean[],
  hasCotangent: readonly boolean[],
): TransposedProgram {
  const key = `${isLinear.map(Number).join("")}/${hasCotangent.map(Number).join("")}`;
  return transposedPrograms(program, key, () => {
    const types = program.binders.map(({ type }) => type);
    const known = types.filter((_, i) => !isLinear[i]);
    const given = program.results.filter((_, i) => hasCotangent[i]).map(typeOf);
    let receives: readonly boolean[] = [];
    const transposed = record([...known, ...given], (args) => {
      // Work on known values alone is recorded here; the tape holds what is linear.
      const tape = new RecordingTrace("jit", currentTrace());
      let next = 0;
      const inputs = types.map((type, i) => isLinear[i] ? tape.newBinder(type) : args[next++]);
      // Folded, so that zeros made of zeros are seen to be zeros.
      const folded = foldConstants(program);
      const linear = tape.finish(runUnder(tape, () => evaluateProgram(folded, inputs)));
      tape.alive = false;
      linear.results.forEach((atom, i) => {
        if (atom instanceof Variable || !hasCotangent[i] || !isOffset(atom)) return;
        throw argumentError(
          `Cannot transpose a function that returns the constant ${showType(atom)}: ` +
            `the function is not linear in its arguments`,
        );
      });
      const cotangents = hasCotangent.map((has) => has ? args[next++] : null);
      const pulled = transposeProgram(linear, cotangents);
      receives = pulled.map((cotangent) => cotangent !== null);
      return pulled.filter((cotangent) => cotangent !== null);
    });
    return { program: transposed, receives };
  });
}

/** Runs the program of its parameters. */
export const callPrimitive: Primitive<CallParams> = {
  name: "call",
  type: (_args, { program }) => program.results.map(typeOf),
  evaluate: (args, { program }) => compile(program)(args),
  batch(args, axes, size, { program }) {
    const batched = batchProgram(program, axes, size);
    const results = bind(callPrimitive, args, { program: batched.program });
    return results.map((result, i) => [result, batched.axes[i]] as const);
  },
  derivative: {
    kind: "program",
    linearize(primals, isActive, { program }) {
      const { forward, linear, moves } = linearizeProgram(program, isActive);
      const all = bind(callPrimitive, primals, { program: forward });
      const count = program.results.length;
      const residuals = all.slice(count);
      return {
        results: all.slice(0, count),
        push(tangents) {
          if (!moves.includes(true)) return moves.map(() => null);
          const active = primals.flatMap((primal, i) =>
            isActive[i] ? [tangents[i] ?? zerosOf(primal)] : []
          );
          const pushed = bind(callPrimitive, [...residuals, ...active], { program: linear });
          let next = 0;
          return moves.map((moving) => moving ? pushed[next++] : null);
        },
      };
    },
    transpose(cotangents, args, { program }, isLinear) {
      const hasCotangent = cotangents.map((cotangent) => cotangent !== null);
      const { program: transposed, receives } = transposeCall(program, isLinear, hasCotangent);
      const known = args.filter((_, i) => !isLinear[i]) as Tensor[];
      const given = cotangents.filter((cotangent) => cotangent !== null);
      const pulled = bind(callPrimitive, [...known, ...given], { program: transposed });
      let [next, place] = [0, 0];
      return isLinear.map((linear) => linear && receives[place++] ? pulled[next++] : null);
    },
  },
};

/** Runs a program as one operation. */
export function call(program: Program, args: readonly Tensor[]): readonly Tensor[] {
  return bind(callPrimitive, args, { program });
}

/**
 * Compilation of functions.
 *
 * @module
 */
import { Snapshot } from "./base/data.ts";
import { complexDtype, describeValue, numberKind } from "./base/dtype.ts";
import { argumentError } from "./base/errors.ts";
import { readOptions } from "./base/options.ts";
import { showType } from "./base/shape.ts";
import "./backends/cpu.ts";
import { executableOf, prepareProgram, runProgram } from "./backends/run.ts";
import { call } from "./control/call.ts";
import { imaginaryLeaves } from "./core/complex.ts";
import type { Device } from "./core/device.ts";
import { isInspecting } from "./core/origin.ts";
import { closeProgram } from "./core/program.ts";
import type { Program } from "./core/program.ts";
import { Concrete, type Tensor, zerosOf } from "./core/tensor.ts";
import { ownStructure, showPath, unflatten } from "./core/tree.ts";
import type { Structure } from "./core/tree.ts";
import { span } from "./core/timeline.ts";
import type { AnyArgs, TensorsOf } from "./core/tree_types.ts";
import { currentTrace, isEvaluating, WeakScalar } from "./core/trace.ts";
import { checkDevice } from "./device.ts";
import { checkDisjoint, placesIn, readArgnums } from "./jit/argnums.ts";
import { difference, isNumberInput, readCall } from "./jit/signature.ts";
import type { Call, KnownSignature } from "./jit/signature.ts";
import { noteTrace } from "./jit/traces.ts";
import { optimize } from "./passes/mod.ts";
import { move } from "./primitives/move.ts";
import { toStableHlo } from "./stablehlo/mod.ts";
import {
  checkFunction,
  flattenFunction,
  noteReturned,
  primalOf,
} from "./transforms/flatten_function.ts";
import { stage } from "./transforms/stage.ts";

/**
 * Options of `jit`.
 *
 * @category Programs
 */
export interface JitOptions {
  /**
   * Positions of arguments that are part of the program instead of its inputs; negative ones count
   * from the end of a call's arguments. Each new value is traced by itself. Plain data (primitives,
   * arrays, records, typed arrays, maps, sets, dates) is compared by value, as it was when it was
   * traced; functions, instances of classes, and data of more than 4096 values (a typed array counts
   * as a sixteenth of its length) are compared by identity.
   */
  readonly staticArgnums?: number | readonly number[];
  /**
   * Positions of arguments whose memory may be used for results: a training step that donates its
   * parameters updates them in place. The tensors of a donated argument cannot be used afterwards,
   * also when the call ends in an error that depends on values, as an index out of range does.
   * Within another transform nothing is donated.
   *
   * It is the tensor object that is used up. What has nothing to do (`astype` of the same dtype, a
   * reshape to the same shape) gives its argument back, not a copy. What is to be kept beyond the
   * call is kept with `copy`: `best = tree.map(copy, params)`.
   */
  readonly donateArgnums?: number | readonly number[];
  /** Where the function runs: its arguments are moved there. Left out, it runs where they are. */
  readonly device?: Device;
}

/**
 * A compiled function.
 *
 * @category Programs
 */
export interface Jitted<Args extends readonly unknown[], Out> {
  /** Runs the program for these arguments, which is traced at the first call of its kind. */
  (...args: Args): TensorsOf<Out>;
  /**
   * Why a call with these arguments would be traced again, in a sentence for each program that is
   * kept; "Cached" when it would not.
   */
  explain(...args: Args): string;
  /**
   * What a call with these arguments would run, without running it.
   *
   * @example The cost of a product
   * ```ts
   * import { jit, matmul, ones } from "@jacobi/jacobi";
   *
   * const lowered = jit(matmul).lower(ones([64, 64]), ones([64, 64]));
   * if (lowered.flops < 2 * 64 ** 3) throw new Error(lowered.text());
   * ```
   */
  lower(...args: Args): LoweredFunction;
  /**
   * Traces and compiles for such arguments, without running: the first call is then as fast as all others.
   * On a WebGPU device all shaders are compiled side by side while the event loop goes on. Arguments are not
   * used up, donated ones neither.
   *
   * @throws {WebGpuError} where the device refuses a shader, or is lost.
   *
   * @example Before the first call
   * ```ts
   * import { jit, matmul, ones } from "@jacobi/jacobi";
   *
   * const product = jit(matmul);
   * const x = ones([64, 64]);
   * await product.compile(x, x);
   * if (product.explain(x, x) !== "Cached") throw new Error();
   * ```
   */
  compile(...args: Args): Promise<void>;
}

/**
 * What a compiled function would run. Figures are estimates, of one run.
 *
 * @category Programs
 */
export interface LoweredFunction {
  /** The program as it was traced. */
  readonly program: Program;
  /**
   * What runs, as text: what the device does, in order; the program after all passes; or that as
   * StableHLO, as `inspect.toStableHlo` gives it.
   *
   * @throws {ArgumentError} for another language, or where the program has no form in it.
   */
  text(language?: "device" | "program" | "stablehlo"): string;
  /** Arithmetic operations. */
  readonly flops: number;
  /** Bytes that are read and written. */
  readonly bytes: number;
  /** Bytes of memory that it works in, besides large arguments and results. */
  readonly workspace: number;
  /** Bytes of its code. */
  readonly code: number;
}

/** A program with its signature. */
interface Entry extends KnownSignature {
  readonly program: Program;
  readonly outStructure: Structure;
  /** Whether the results' structure holds data, of which each call gets a copy. */
  readonly hasData: boolean;
  /** Which results were JavaScript values, in words. */
  readonly values: readonly (string | undefined)[];
  /** What messages call each input that is donated; `null` for all others. */
  readonly names: readonly (string | null)[];
}

/** A call, and the program for it. */
interface Prepared {
  readonly entry: Entry;
  /** What the program takes before the inputs: values of an enclosing transform. */
  readonly captured: readonly Tensor[];
  readonly inputs: readonly Tensor[];
  readonly paths: Call["paths"];
}

/** Values of a static argument beyond which it is compared by identity. */
const MAX_STATIC = 4096;

/** How many programs a function keeps; the one that was used longest ago makes room. */
const MAX_PROGRAMS = 64;

/**
 * The same function, traced once for each kind of arguments and then run as one program: without
 * tracing, differentiating or batching again, with what is constant computed once, and equal things
 * computed together. It composes with every transform, inside and outside.
 *
 * Programs are kept by the arguments' tree structure, dtypes and shapes, and by the values of static
 * arguments; by the default floating-point dtype; and, within named axes of `vmap`, by their names
 * and lengths.
 *
 * JavaScript numbers among the arguments are inputs of the program, so that a learning rate may change from
 * call to call. They mean what they mean without `jit`: a number takes the dtype of the tensor that it
 * meets, float64 with all of its digits, and is float32 alone; where it meets integers, a number that is
 * none is traced by itself. What needs the value of a number while tracing (an axis, a shape, an index, a
 * JavaScript operator) is an error: name its argument in `staticArgnums`. Booleans are parts of the
 * program, traced by themselves, so that functions can branch on them.
 *
 * A function that calls have traced sixteen times brings a warning on the console, once, with the reason.
 *
 * The function must be pure: what it does besides computing happens while it is traced, and not
 * again. Values are not known while tracing, so it cannot branch on them.
 *
 * @category Programs
 * @param f A pure function of trees of tensors.
 * @param options Which arguments are static.
 * @returns The compiled function, with methods that explain, lower and compile it.
 * @throws {TraceError} when `f` reads the value of a traced tensor.
 *
 * @example A gradient, differentiated once
 * ```ts
 * import { grad, jit, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * let traced = 0;
 * const gradient = jit(grad((x) => {
 *   traced++;
 *   return x.pow(3).sum();
 * }));
 * assertTensorsClose(gradient(tensor([1, 2])), [3, 12]);
 * assertTensorsClose(gradient(tensor([3, 4])), [27, 48]);
 * if (traced !== 1) throw new Error(String(traced));
 * ```
 *
 * @example A learning rate that changes, and an exponent that is part of the program
 * ```ts
 * import { jit, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const step = jit((w: Tensor, g: Tensor, rate: number) => w.sub(g.mul(rate)));
 * const [w, g] = [tensor([1, 2]), tensor([10, 20])];
 * assertTensorsClose(step(w, g, 0.1), [0, 0]);
 * assertTensorsClose(step(w, g, 0.05), [0.5, 1]);
 * if (step.explain(w, g, 0.025) !== "Cached") throw new Error("Traced again");
 *
 * const total = jit((x: Tensor, axis: number) => x.sum(axis), { staticArgnums: 1 });
 * assertTensorsClose(total(tensor([[1, 2], [3, 4]]), 0), [4, 6]);
 * ```
 */
export function jit<Args extends AnyArgs = Tensor[], Out = Tensor>(
  f: (...args: Args) => Out,
  options?: JitOptions,
): Jitted<Args, Out> {
  checkFunction(f, "jit");
  const { staticArgnums = [], donateArgnums = [], device } = readOptions(
    "Cannot apply jit",
    options,
    ["staticArgnums", "donateArgnums", "device"],
  );
  if (device !== undefined) checkDevice(device, "Cannot apply jit");
  const staticPlaces = readArgnums(staticArgnums, "staticArgnums");
  const donatedPlaces = readArgnums(donateArgnums, "donateArgnums");
  checkDisjoint(staticPlaces, donatedPlaces);
  const entries: Entry[] = [];
  const setting: Setting = { name: f.name || "an anonymous function", calls: 0, traces: 0, device };

  /** The program for a call, traced if there is none yet; a trace that was asked for is no reason to warn. */
  function prepare(args: Args, isQuiet = false): Prepared {
    const statics = placesIn(staticPlaces, args, f, "staticArgnums");
    const { signature, inputs, paths } = readCall(args, statics);
    const place = entries.findIndex((entry) => difference(entry, signature, paths) === null);
    if (place >= 0) {
      const [entry] = entries.splice(place, 1);
      entries.unshift(entry);
      entry.leaves.forEach((leaf, i) => {
        if (isNumberInput(leaf) && leaf.isWide) (signature.leaves[i] as WeakScalar).markWide();
      });
      return { entry, captured: [], inputs, paths };
    }
    const donated = placesIn(donatedPlaces, args, f, "donateArgnums");
    checkDisjoint(statics, donated);
    // As they are now, before the function can change them.
    const structure = ownStructure(signature.structure);
    const known = signature.statics.map((value) => new Snapshot(value, MAX_STATIC));
    const { staged, numbers } = span(
      { kind: "trace", name: setting.name },
      () => trace(f, args, statics, signature),
    );
    const { program, captured } = closeProgram(staged.program);
    // Types instead of tensors, so that no argument is kept alive.
    const leaves = signature.leaves.map((leaf, i) => {
      const number = numbers[i];
      if (number !== undefined) {
        const { isRead, isReadNarrow: isNarrow } = number;
        const kind = isRead ? numberKind(number.peekNumber(), isNarrow) : null;
        return { kind, isNarrow, isWide: number.isWide };
      }
      return typeof leaf === "object" ? { dtype: leaf.dtype, shape: leaf.shape } : leaf;
    });
    const names = nameDonations(signature, paths(), donated);
    const outStructure = ownStructure(staged.structure);
    const entry: Entry = {
      ...signature,
      structure,
      leaves,
      statics: known,
      program,
      outStructure,
      hasData: outStructure !== staged.structure,
      values: staged.values,
      names,
    };
    // A program that holds values of an enclosing transform is good for this call only.
    if (!isQuiet) {
      const last = entries[0];
      const reason = (): string =>
        captured.length > 0
          ? "it captures values of an enclosing transform: pass them as arguments"
          : difference(last, signature, paths)!;
      noteTrace(f, setting.name, ++setting.traces, reason);
    }
    if (captured.length === 0) {
      entries.unshift(entry);
      entries.length = Math.min(entries.length, MAX_PROGRAMS);
    }
    return { entry, captured, inputs, paths };
  }

  function jitted(...args: Args): TensorsOf<Out> {
    if (isInspecting()) {
      return runAsWritten(f, args, placesIn(staticPlaces, args, f, "staticArgnums")) as TensorsOf<
        Out
      >;
    }
    setting.calls++;
    const prepared = prepare(args);
    return finish(prepared.entry, run(prepared, setting)) as TensorsOf<Out>;
  }

  function lower(...args: Args): LoweredFunction {
    const { entry, captured, inputs } = prepare(args, true);
    const known = [...captured, ...inputs].map((x) => x instanceof Concrete ? x : zerosOf(x));
    const { program } = entry;
    const { kernels, workspace, code, text } = executableOf(program, known, device).describe();
    const outer = kernels.filter(({ depth }) => depth === 0);
    return {
      program,
      text(language = "device") {
        if (language === "device") return text;
        if (language === "program") return String(optimize(program));
        if (language === "stablehlo") return toStableHlo(program);
        throw argumentError(
          `Cannot write a lowered function as ${describeValue(language)}: the languages are ` +
            `"device", "program" and "stablehlo"`,
        );
      },
      flops: outer.reduce((sum, { operations }) => sum + operations, 0),
      bytes: outer.reduce((sum, { bytes }) => sum + bytes, 0),
      workspace,
      code,
    };
  }

  async function compile(...args: Args): Promise<void> {
    const { entry: { program, names }, captured, inputs } = prepare(args, true);
    const known = [...captured, ...inputs].map((x) => x instanceof Concrete ? x : zerosOf(x));
    await prepareProgram(program, known, names, device);
  }

  function explain(...args: Args): string {
    const statics = placesIn(staticPlaces, args, f, "staticArgnums");
    const { signature, paths } = readCall(args, statics);
    const reasons = entries.map((entry) => difference(entry, signature, paths));
    if (reasons.includes(null)) return "Cached";
    if (reasons.length === 0) return "Traced: no program is kept yet";
    return reasons.map((reason, i) => `Traced: program ${i} does not fit: ${reason}`).join(
      "\n",
    );
  }

  return Object.assign(jitted, { explain, lower, compile });
}

/** The results of a call, put together. */
function finish(
  { outStructure, hasData, values }: Entry,
  results: readonly Tensor[],
): unknown {
  const noted = noteReturned(results, values);
  return unflatten(hasData ? ownStructure(outStructure) : outStructure, noted);
}

/** Runs `f` itself, so that each operation happens where the user wrote it. */
function runAsWritten(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  statics: readonly number[],
): unknown {
  const { structure, leaves } = readCall(args, statics).signature;
  const withStatics = (...full: unknown[]): unknown => {
    for (const i of statics) if (i < args.length) full[i] = args[i];
    return f(...full as never[]);
  };
  const flat = flattenFunction(withStatics, structure, "jit");
  const results = flat.call(leaves);
  return unflatten(flat.resultStructure(), noteReturned(results, flat.resultValues()));
}

/** A jitted function as its calls see it. */
interface Setting {
  /** What messages call it. */
  readonly name: string;
  /** How often it was called. */
  calls: number;
  /** How often a call traced it. */
  traces: number;
  /** Where it runs, if it was told. */
  readonly device: Device | undefined;
}

/** Runs a program; with the memory of donated inputs where nothing traces it. */
function run(
  { entry: { program, names, leaves }, captured, inputs, paths }: Prepared,
  { name, calls, device }: Setting,
): readonly Tensor[] {
  const given = captured.length === 0 ? inputs : [...captured, ...inputs];
  const args = device === undefined ? given : given.map((x) => move(x, device));
  const isTraced = !isEvaluating() || !args.every((arg) => arg instanceof Concrete);
  if (isTraced) return call(program, args);
  const pathOf = (i: number): string => {
    const places = leaves.flatMap((leaf, place) => typeof leaf === "boolean" ? [] : [place]);
    return `args${showPath(paths()[places[i]])}`;
  };
  const donated = names.every((name) => name === null)
    ? undefined
    : names.map((argument) => argument === null ? null : `${argument} of ${name} (call ${calls})`);
  // Of what was moved, the argument itself is given up, too.
  donated?.forEach((as, i) => as !== null && args[i] !== given[i] && giveUp(given[i], as));
  return runProgram(program, args, donated, { name, pathOf });
}

function giveUp(x: Tensor, as: string): void {
  if (x instanceof Concrete) x.giveUp(as);
}

/** What messages call the donated inputs among the leaves: parts of complex tensors, by those. */
function nameDonations(
  { leaves, structure }: Call["signature"],
  paths: ReturnType<Call["paths"]>,
  donated: readonly number[],
): (string | null)[] {
  const isImaginary = imaginaryLeaves(structure);
  return leaves.flatMap((leaf, i) => {
    if (typeof leaf !== "object") return [];
    if (leaf instanceof WeakScalar || !donated.includes(paths[i][0] as number)) return [null];
    const path = showPath(paths[i]);
    if (isImaginary === null || !(isImaginary[i] || isImaginary[i + 1])) return [`args${path}`];
    const type = showType({ dtype: complexDtype(leaf.dtype), shape: leaf.shape });
    const part = isImaginary[i] ? "imaginary" : "real";
    return [`the ${part} parts of ${type}, args${showPath(paths[i].slice(0, -1))}`];
  });
}

/** A function's program, and the leaves that are numbers as they were traced. */
interface Traced {
  readonly staged: ReturnType<typeof stage>;
  readonly numbers: readonly (WeakScalar | undefined)[];
}

/** Traces `f`: tensors and numbers become inputs of the program, what is static parts of it. */
function trace(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  statics: readonly number[],
  { structure, leaves }: Call["signature"],
): Traced {
  const numbers: (WeakScalar | undefined)[] = [];
  const types = leaves.filter((leaf) => typeof leaf === "object").map(primalOf);
  // One list instead of one argument each: a call has room for so many only.
  const withNumbers = (tensors: readonly Tensor[]): unknown => {
    let next = 0;
    const filled = leaves.map((leaf, i) => {
      if (typeof leaf !== "object") return leaf;
      const input = tensors[next++];
      if (!(leaf instanceof WeakScalar)) return input;
      return numbers[i] = leaf.within(currentTrace(), input);
    });
    const full = unflatten(structure, filled) as unknown[];
    for (const i of statics) if (i < args.length) full[i] = args[i];
    return f(...full as never[]);
  };
  const list: Structure = { kind: "array", children: types.map(() => ({ kind: "leaf" })) };
  const staged = stage("jit", withNumbers, { kind: "array", children: [list] }, types);
  return { staged, numbers };
}

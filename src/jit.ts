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
   * Positions of arguments that are part of the program instead of its inputs; negative positions count
   * from the end of a call's arguments. Each new value is traced separately. Plain data (primitives,
   * arrays, records, typed arrays, maps, sets, dates) is compared by its value at the time of tracing;
   * functions, instances of classes, and data of more than 4096 values (a typed array counts as a
   * sixteenth of its length) are compared by identity.
   */
  readonly staticArgnums?: number | readonly number[];
  /**
   * Positions of arguments whose memory may be used for results: a training step that donates its
   * parameters updates them in place. The tensors of a donated argument cannot be used afterwards, even
   * if the call ends in an error that depends on values, such as an index out of range. Within another
   * transform nothing is donated.
   *
   * The tensor object is invalidated. An operation without effect (`astype` of the same dtype, a
   * reshape to the same shape) returns its argument, not a copy. To keep a value beyond the call, use
   * `copy`: `best = tree.map(copy, params)`.
   */
  readonly donateArgnums?: number | readonly number[];
  /**
   * The device or mesh on which the function runs: its arguments are moved there. By default, it runs
   * where they are.
   */
  readonly device?: Device;
}

/**
 * A compiled function.
 *
 * @category Programs
 */
export interface Jitted<Args extends readonly unknown[], Out> {
  /** Runs the program for these arguments, which is traced at the first call for arguments of its kind. */
  (...args: Args): TensorsOf<Out>;
  /**
   * The reason why a call with these arguments would be traced again, in one sentence for each cached
   * program; "Cached" when it would not.
   */
  explain(...args: Args): string;
  /**
   * The program that a call with these arguments would run, without running it.
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
   * Traces and compiles for arguments like these, without running: the first call is then as fast as
   * later ones. On a WebGPU device all shaders are compiled in parallel without blocking the event
   * loop. Arguments are not invalidated, not even donated ones.
   *
   * @throws {WebGpuError} when the device rejects a shader, or is lost.
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
 * The program that a compiled function would run. Figures are estimates for one run.
 *
 * @category Programs
 */
export interface LoweredFunction {
  /** The program as it was traced. */
  readonly program: Program;
  /**
   * The compiled program as text: the tasks of the device, in order; the program after all passes; or
   * that program as StableHLO, as returned by `inspect.toStableHlo`.
   *
   * @throws {ArgumentError} for another language, or when the program cannot be expressed in it.
   */
  text(language?: "device" | "program" | "stablehlo"): string;
  /** The number of arithmetic operations. */
  readonly flops: number;
  /** The number of bytes that are read and written. */
  readonly bytes: number;
  /** Bytes of working memory, excluding large arguments and results. */
  readonly workspace: number;
  /** Bytes of its code. */
  readonly code: number;
}

/** A program with its signature. */
interface Entry extends KnownSignature {
  readonly program: Program;
  readonly outStructure: Structure;
  /** Whether the results' structure contains data, which is copied for each call. */
  readonly hasData: boolean;
  /** Which results were JavaScript values, with descriptions. */
  readonly values: readonly (string | undefined)[];
  /** The name in messages of each input that is donated; `null` for all others. */
  readonly names: readonly (string | null)[];
}

/** A call, and the program for it. */
interface Prepared {
  readonly entry: Entry;
  /** Program arguments before the inputs: values of an enclosing transform. */
  readonly captured: readonly Tensor[];
  readonly inputs: readonly Tensor[];
  readonly paths: Call["paths"];
}

/** The number of values of a static argument beyond which it is compared by identity. */
const MAX_STATIC = 4096;

/** The maximum number of programs kept for a function; the least recently used one is removed first. */
const MAX_PROGRAMS = 64;

/**
 * The same function, traced once for each kind of arguments and then run as one program: tracing,
 * differentiation and batching are not repeated, constant expressions are computed once, and equal
 * expressions are shared. It composes with every transform, inside and outside.
 *
 * Programs are cached by the arguments' tree structure, dtypes and shapes, and by the values of static
 * arguments; by the default floating-point dtype; and, within named axes of `vmap`, by their names and
 * lengths.
 *
 * JavaScript numbers among the arguments are inputs of the program, so that a learning rate may change
 * from call to call. They have the same meaning as without `jit`: a number takes the dtype of the
 * tensor it is combined with, with full precision for float64, and is float32 when used alone; where it
 * is combined with integers, a number that is not an integer is traced separately. Code that needs the
 * value of a number while tracing (an axis, a shape, an index, a JavaScript operator) is an error: name
 * its argument in `staticArgnums`. Booleans are part of the program, and each value is traced
 * separately, so that functions can branch on them.
 *
 * A function that is traced sixteen times prints a warning on the console, once, with the reason.
 *
 * The function must be pure: its side effects happen while it is traced, and are not repeated. Values
 * are not known while tracing, so it cannot branch on them.
 *
 * @category Programs
 * @param f A pure function of trees of tensors.
 * @param options Static and donated arguments, and the device.
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

  /**
   * The program for a call, traced if there is none yet; explicitly requested traces do not cause a
   * warning.
   */
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
    // Copied now, before the function can change them.
    const structure = ownStructure(signature.structure);
    const known = signature.statics.map((value) => new Snapshot(value, MAX_STATIC));
    const { staged, numbers } = span(
      { kind: "trace", name: setting.name },
      () => trace(f, args, statics, signature),
    );
    const { program, captured } = closeProgram(staged.program);
    // Types instead of tensors, so that no argument is retained.
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
    // A program that contains values of an enclosing transform is valid for this call only.
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

/** The results of a call, reassembled. */
function finish(
  { outStructure, hasData, values }: Entry,
  results: readonly Tensor[],
): unknown {
  const noted = noteReturned(results, values);
  return unflatten(hasData ? ownStructure(outStructure) : outStructure, noted);
}

/** Runs `f` itself, so that each operation runs at the line where the user wrote it. */
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

/** The state of a jitted function that its calls share. */
interface Setting {
  /** The name in messages. */
  readonly name: string;
  /** The number of calls. */
  calls: number;
  /** The number of calls that traced it. */
  traces: number;
  /** The device or mesh on which it runs, if it was given. */
  readonly device: Device | undefined;
}

/** Runs a program; with the memory of donated inputs if the call is not traced. */
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
  // If an argument was moved, the original is donated, too.
  donated?.forEach((as, i) => as !== null && args[i] !== given[i] && giveUp(given[i], as));
  return runProgram(program, args, donated, { name, pathOf });
}

function giveUp(x: Tensor, as: string): void {
  if (x instanceof Concrete) x.giveUp(as);
}

/**
 * The names in messages of the donated inputs among the leaves; parts of complex tensors have the names
 * of these tensors.
 */
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

/** A function's program, and the leaves that are numbers, as they were traced. */
interface Traced {
  readonly staged: ReturnType<typeof stage>;
  readonly numbers: readonly (WeakScalar | undefined)[];
}

/** Traces `f`: tensors and numbers become inputs of the program, static arguments become part of it. */
function trace(
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  statics: readonly number[],
  { structure, leaves }: Call["signature"],
): Traced {
  const numbers: (WeakScalar | undefined)[] = [];
  const types = leaves.filter((leaf) => typeof leaf === "object").map(primalOf);
  // One list instead of one argument each, since the number of arguments of a call is limited.
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

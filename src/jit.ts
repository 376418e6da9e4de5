/**
 * Compilation of functions.
 *
 * @module
 */
import { encode, Snapshot } from "./base/data.ts";
import { defaultFloat, describeValue, numberKind } from "./base/dtype.ts";
import type { FloatDtype } from "./base/dtype.ts";
import { argumentError } from "./base/errors.ts";
import { readOptions } from "./base/options.ts";
import { sameShape, showType } from "./base/shape.ts";
import "./backends/cpu.ts";
import { deviceOf, executableOf, runProgram } from "./backends/run.ts";
import { call } from "./control/call.ts";
import { axesInScope, sameScope, showScope } from "./core/axes.ts";
import type { NamedAxis } from "./core/axes.ts";
import { leafToInput } from "./core/convert.ts";
import type { Device } from "./core/device.ts";
import { isInspecting } from "./core/origin.ts";
import { closeProgram } from "./core/program.ts";
import type { Program } from "./core/program.ts";
import { Concrete, Tensor } from "./core/tensor.ts";
import type { Type } from "./core/tensor.ts";
import { firstDifference, flatten, leafPaths, ownStructure } from "./core/tree.ts";
import { showPath, unflatten } from "./core/tree.ts";
import type { Structure } from "./core/tree.ts";
import type { AnyArgs, TensorsOf } from "./core/tree_types.ts";
import { currentTrace, isEvaluating, WeakScalar } from "./core/trace.ts";
import { checkDevice } from "./device.ts";
import { move } from "./primitives/move.ts";
import {
  checkFunction,
  flattenFunction,
  noteReturned,
  primalOf,
} from "./transforms/flatten_function.ts";
import { stage } from "./transforms/stage.ts";

/** Options of `jit`. */
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

/** A compiled function. */
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
   * const { flops, text } = jit(matmul).lower(ones([64, 64]), ones([64, 64]));
   * if (flops < 2 * 64 ** 3) throw new Error(text);
   * ```
   */
  lower(...args: Args): LoweredFunction;
}

/** What a compiled function would run. Figures are estimates, of one run. */
export interface LoweredFunction {
  /** The program as it was traced. */
  readonly program: Program;
  /** What the device does, in order. */
  readonly text: string;
  /** Arithmetic operations. */
  readonly flops: number;
  /** Bytes that are read and written. */
  readonly bytes: number;
  /** Bytes of memory that it works in, besides large arguments and results. */
  readonly workspace: number;
  /** Bytes of its code. */
  readonly code: number;
}

/** What decides whether a program fits a call. */
interface Signature<Leaf, Static> {
  /** The arguments' structure, static ones left out. */
  readonly structure: Structure;
  readonly leaves: readonly Leaf[];
  readonly statics: readonly Static[];
  /** The named axes in scope, which the program may work across. */
  readonly axes: readonly NamedAxis[];
  /** The default floating-point dtype while the function was traced. */
  readonly floats: FloatDtype;
}

/** An input of a program that is a JavaScript number in calls. */
interface NumberInput {
  /** What kind of number it must be, where tracing depended on it; `null` for any. */
  readonly kind: string | null;
  /** Whether the program uses it as float64. */
  readonly isWide: boolean;
}

/** A program with its signature: types of tensors, places of numbers, and booleans as they are. */
interface Entry extends Signature<Type | NumberInput | boolean, Snapshot> {
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
 * JavaScript numbers among the arguments are inputs of the program, so that a learning rate may change
 * from call to call. They mean what they mean without `jit`: a number takes the dtype of the tensor
 * that it meets, float64 with all of its digits, and is float32 alone; where it meets integers, a
 * number that is none is traced by itself. What needs to know a number while tracing (an axis, a
 * shape, an index, a JavaScript operator) is an error: name its argument in `staticArgnums`.
 * Booleans are parts of the program, traced by themselves, so that functions can branch on them.
 *
 * The function must be pure: what it does besides computing happens while it is traced, and not
 * again. Values are not known while tracing, so it cannot branch on them.
 *
 * @param f A pure function of trees of tensors.
 * @param options Which arguments are static.
 * @returns The compiled function, with a method `explain` that says why a call is traced again.
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
  const setting: Setting = { name: f.name || "an anonymous function", calls: 0, device };

  /** The program for a call, traced if there is none yet. */
  function prepare(args: Args): Prepared {
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
    const { staged, numbers } = trace(f, args, statics, signature);
    const { program, captured } = closeProgram(staged.program);
    // Types instead of tensors, so that no argument is kept alive.
    const leaves = signature.leaves.map((leaf, i) => {
      const number = numbers[i];
      if (number !== undefined) {
        const kind = number.isRead ? numberKind(number.peekNumber()) : null;
        return { kind, isWide: number.isWide };
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
    const { entry, captured, inputs } = prepare(args);
    const known = [...captured, ...inputs].filter((x) => x instanceof Concrete);
    const { kernels, workspace, code, text } = executableOf(
      entry.program,
      device ?? deviceOf(entry.program, known),
    ).describe();
    const outer = kernels.filter(({ depth }) => depth === 0);
    return {
      program: entry.program,
      text,
      flops: outer.reduce((sum, { operations }) => sum + operations, 0),
      bytes: outer.reduce((sum, { bytes }) => sum + bytes, 0),
      workspace,
      code,
    };
  }

  function explain(...args: Args): string {
    const statics = placesIn(staticPlaces, args, f, "staticArgnums");
    const { signature, paths } = readCall(args, statics);
    const reasons = entries.map((entry) => difference(entry, signature, paths));
    if (reasons.includes(null)) return "Cached";
    if (reasons.length === 0) return "Traced: no program is kept yet";
    return reasons.map((reason, i) => `Traced, for program ${i} does not fit: ${reason}`).join(
      "\n",
    );
  }

  return Object.assign(jitted, { explain, lower });
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

/** What messages call the donated inputs among the leaves. */
function nameDonations(
  { leaves }: Call["signature"],
  paths: ReturnType<Call["paths"]>,
  donated: readonly number[],
): (string | null)[] {
  return leaves.flatMap((leaf, i) => {
    if (typeof leaf !== "object") return [];
    if (leaf instanceof WeakScalar) return [null];
    return [donated.includes(paths[i][0] as number) ? `args${showPath(paths[i])}` : null];
  });
}

function readArgnums(argnums: number | readonly number[], option: string): readonly number[] {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  const misfit = () =>
    argumentError(
      `Cannot apply jit with ${option} ${describeValue(argnums)}: ` +
        `expected positions of arguments, counted from 0, or from the end if negative`,
    );
  if (!Array.isArray(list)) throw misfit();
  return Array.from(list, (n) => {
    if (Number.isSafeInteger(n)) return n;
    throw misfit();
  });
}

function checkDisjoint(statics: readonly number[], donated: readonly number[]): void {
  const both = statics.find((position) => donated.includes(position));
  if (both === undefined) return;
  throw argumentError(
    `Cannot apply jit with argument ${both} both static and donated: ` +
      `static arguments are part of the program and have no memory to give`,
  );
}

/** The positions that an option names in a call with these arguments, counted from the front. */
function placesIn(
  places: readonly number[],
  { length }: readonly unknown[],
  f: (...args: never[]) => unknown,
  option: string,
): readonly number[] {
  if (places.every((place) => place >= 0 && place < length)) return places;
  return places.map((place) => {
    // An argument that the function has by default, or among the rest, may be left out.
    const isThere = place < length || place < f.length || takesMore(f);
    if (place < -length || !isThere) {
      throw argumentError(
        `Cannot call a jitted function whose ${option} names argument ${place}: ` +
          `expected the position of one of its arguments, ${length} of which are given`,
      );
    }
    return place < 0 ? place + length : place;
  });
}

/** Whether a function may take more arguments than its length says, by its text. */
function takesMore(f: (...args: never[]) => unknown): boolean {
  const text = String(f);
  const isArrow = !/^(async\s+)?function\b/.test(text) && text.includes("=>");
  const parameters = isArrow ? text.slice(0, text.indexOf("=>")) : text.split(/\)\s*\{/)[0];
  return /=|\.\.\.|\[native code\]/.test(parameters) || /\barguments\b/.test(text);
}

/** A call's signature, and the tensors that the program takes. */
interface Call {
  readonly signature: Signature<Tensor | boolean, unknown>;
  readonly inputs: Tensor[];
  /** The path of each leaf. */
  readonly paths: () => readonly (readonly (string | number)[])[];
}

function readCall(args: readonly unknown[], statics: readonly number[]): Call {
  const dynamic = args.map((arg, i) => statics.includes(i) ? null : arg);
  const { leaves, structure } = flatten(dynamic);
  let known: (string | number)[][] | undefined;
  const paths = () => known ??= leafPaths(structure);
  const read = leaves.map((leaf, i) =>
    leaf instanceof Tensor || typeof leaf === "boolean" ? leaf : leafToInput(
      leaf,
      typeof leaf === "number" ? [] : paths()[i],
      "Cannot call a jitted function with these arguments (staticArgnums names those of other kinds)",
    )
  );
  const inputs = read.filter((leaf) => leaf instanceof Tensor).map(primalOf);
  return {
    signature: {
      structure,
      leaves: read,
      statics: statics.map((i) => args[i]),
      axes: axesInScope(),
      floats: defaultFloat(),
    },
    inputs,
    paths,
  };
}

/** Why a program does not fit a call, or `null` when it does. */
function difference(
  entry: Entry,
  { structure, leaves, statics, axes, floats }: Call["signature"],
  paths: Call["paths"],
): string | null {
  const wrong = statics.findIndex((value, i) => !entry.statics[i].matches(value));
  if (wrong >= 0) return staticDifference(entry.statics[wrong], statics[wrong]);
  if (entry.floats !== floats) {
    return `the default dtype was ${entry.floats}, and is ${floats}`;
  }
  if (!sameScope(entry.axes, axes)) {
    return `the named axes in scope were ${showScope(entry.axes)}, and are ${showScope(axes)}`;
  }
  const found = firstDifference(entry.structure, structure) ??
    orderDifference(entry.structure, structure, []);
  if (found !== null) return found;
  for (let i = 0; i < leaves.length; i++) {
    const [before, now] = [entry.leaves[i], leaves[i]];
    if (!fits(before, now)) {
      return `${showPath(paths()[i])} was ${showInput(before)}, and is ${showLeaf(now, before)}`;
    }
  }
  return null;
}

/** How a static argument differs from what it was. */
function staticDifference(snapshot: Snapshot, value: unknown): string {
  const { path, before, now } = snapshot.difference(value);
  const place = path.length === 0 ? "" : ` at ${showPath(path)}`;
  const [was, is] = [before, now].map((one) => shorten(encode(one, describeValue)));
  return was !== is
    ? `a static argument${place} was ${was}, and is ${is}`
    : `a static argument${place} is another object than before; functions, instances of classes ` +
      `and large data are compared by identity`;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Whether a program for `before` can be run with `now`. */
function fits(before: Entry["leaves"][number], now: Tensor | boolean): boolean {
  if (typeof before === "boolean" || typeof now === "boolean") return before === now;
  if (isNumberInput(before)) {
    return now instanceof WeakScalar &&
      (before.kind === null || before.kind === numberKind(now.peekNumber()));
  }
  return !(now instanceof WeakScalar) && before.dtype === now.dtype &&
    sameShape(before.shape, now.shape);
}

function isNumberInput(leaf: Entry["leaves"][number]): leaf is NumberInput {
  return typeof leaf === "object" && "kind" in leaf;
}

/** Where two equal structures list an object's keys in different orders: functions can tell. */
function orderDifference(
  before: Structure,
  now: Structure,
  path: readonly (string | number)[],
): string | null {
  if (!("children" in before) || !("children" in now)) return null;
  if (before.kind === "object" && now.kind === "object") {
    const [first, second] = [before.order, now.order];
    if (first.some((key, i) => key !== second[i])) {
      return `the keys at ${showPath(path)} were ${first.join(", ")}, and are ${second.join(", ")}`;
    }
  }
  for (let i = 0; i < before.children.length; i++) {
    const key = before.kind === "object" ? before.keys[i] : i;
    const found = orderDifference(before.children[i], now.children[i], [...path, key]);
    if (found !== null) return found;
  }
  return null;
}

function showInput(leaf: Entry["leaves"][number]): string {
  if (typeof leaf === "boolean") return String(leaf);
  if (!isNumberInput(leaf)) return showType(leaf);
  return leaf.kind === null ? "a number" : `${leaf.kind}, beside integers`;
}

function showLeaf(leaf: Tensor | boolean, before: Entry["leaves"][number]): string {
  if (typeof leaf === "boolean") return String(leaf);
  if (!(leaf instanceof WeakScalar)) return showType(leaf);
  const isKind = isNumberInput(before) && before.kind !== null;
  return isKind ? numberKind(leaf.peekNumber()) : "a number";
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

/**
 * Runs programs: a program is optimised and compiled by the backend of its arguments' place. The compiled
 * program is cached for the lifetime of the program.
 *
 * @module
 */
import { argumentError, indexError, InternalError } from "../base/errors.ts";
import { cpu, defaultDevice } from "../core/device.ts";
import type { Device } from "../core/device.ts";
import { withoutEffects } from "../core/program.ts";
import type { Atom, Program } from "../core/program.ts";
import { Mesh, placeOf, shardingIn } from "../core/sharding.ts";
import type { Place, Sharding } from "../core/sharding.ts";
import type { Concrete } from "../core/tensor.ts";
import { isRecording, span } from "../core/timeline.ts";
import { constantsOf, placesOf, someEquation } from "../passes/control.ts";
import { hasIndices } from "../passes/kinds.ts";
import { optimize } from "../passes/mod.ts";
import type { Backend, Donations, Executable } from "./backend.ts";
import {
  backendOf,
  checkTarget,
  commonPlace,
  isOpen,
  onePlace,
  openDevice,
  settle,
  targetOf,
} from "./devices.ts";
import { spanOfResults } from "./spans.ts";
import { evaluator, makeRunner } from "./evaluator.ts";

// The evaluator is the default on the CPU; another backend may have been opened before.
if (!isOpen(cpu)) openDevice(cpu, evaluator);

/** The compiled forms of a program. */
interface Entry {
  /** The original program, which the evaluator runs to produce error messages. */
  readonly program: Program;
  readonly optimized: Program;
  /** The compiled programs for each place, by the shardings of arguments and the donated ones. */
  readonly versions: Map<Place, Map<string, Executable>>;
  /** The most recent version for a device without donated arguments, with that device. */
  plain: readonly [Device, Executable] | null;
  /** The tensors captured by it. */
  readonly constants: ReadonlySet<Concrete>;
  /** The placement of these tensors, if any was placed. */
  readonly placement: Place | null;
  /** The place that it moves values to, if any. */
  readonly target: Place | null;
  /** For each argument, the sharding used by its first reader that has one. */
  readonly wanted: readonly (Sharding | null)[];
}

const entries = new WeakMap<Program, Entry>();

function entryOf(program: Program): Entry {
  let entry = entries.get(program);
  if (entry === undefined) {
    const target = targetOf(program);
    const optimized = optimize(program);
    const constants = new Set(constantsOf(optimized));
    const placement = commonPlace([...constants], () => "compile a function that captures");
    const wanted = wantedOf(optimized);
    const versions: Entry["versions"] = new Map();
    entry = { program, optimized, versions, plain: null, constants, placement, target, wanted };
    entries.set(program, entry);
  }
  return entry;
}

function wantedOf({ binders, equations }: Program): readonly (Sharding | null)[] {
  const found = new Map<Atom, Sharding>();
  for (const equation of equations) {
    const { ins } = placesOf(equation) ?? { ins: [] };
    ins.forEach((sharding, i) => {
      const atom = equation.inputs[i];
      if (!found.has(atom)) found.set(atom, sharding);
    });
  }
  return binders.map((binder) => found.get(binder) ?? null);
}

/** The optimised program for a backend, with the calls that it has kernels for. */
function optimizedFor({ program, optimized }: Entry, { isKept }: Backend): Program {
  return isKept !== undefined && someEquation(program, isKept)
    ? optimize(program, isKept)
    : optimized;
}

function versionOf(
  entry: Entry,
  place: Place,
  args: readonly Concrete[],
  names: Donations,
  isTimed = false,
): Executable {
  const { optimized, versions, wanted } = entry;
  let own = versions.get(place);
  if (own === undefined) versions.set(place, own = new Map());
  const isDonated = optimized.binders.map((_, i) => (names[i] ?? null) !== null);
  const shardings = place instanceof Mesh
    ? optimized.binders.map((_, i) => shardingIn(place, args[i]?.placement ?? wanted[i]))
    : [];
  const key = `${isDonated.map(Number).join("")} ${shardings.map(({ id }) => id)} ${isTimed}`;
  let version = own.get(key);
  if (version === undefined) {
    const backend = backendOf(place);
    const compiled = optimizedFor(entry, backend);
    version = span(
      { kind: "compile", name: `${compiled.equations.length} operations` },
      () => backend.compile(compiled, { place, shardings, isDonated, isTimed }),
    );
    own.set(key, version);
  }
  return version;
}

/** A compiled function and its arguments, for error messages. */
export interface Caller {
  /** Its name. */
  readonly name: string;
  /** The source of an argument of the program. */
  pathOf(argument: number): string;
}

/** The common place of arguments and program; `null` if nothing was placed. */
function placementOf(
  { placement, target }: Entry,
  args: readonly Concrete[],
  caller: Caller | undefined,
): Place | null {
  const name = caller?.name ?? "a compiled function";
  const placed = caller === undefined
    ? commonPlace(args, () => `run ${name} with`)
    : namedPlace(args, caller);
  const place = placed ?? target ?? placement;
  checkTarget(target, place, name);
  if (placement !== null && placement !== place) {
    throw argumentError(
      `Cannot run ${name} on ${place}: it has captured a tensor that is on ${placement}; ` +
        `pass that one as an argument, or move it with toDevice`,
    );
  }
  return place;
}

/** The common place of named arguments. */
function namedPlace(args: readonly Concrete[], { name, pathOf }: Caller): Place | null {
  const places = args.map(({ placement }) => placement === null ? null : placeOf(placement));
  const first = places.findIndex((place) => place !== null);
  if (first < 0) return null;
  const place = places[first]!;
  const other = places.findIndex((one) => one !== null && one !== place);
  if (other < 0) return place;
  const show = (i: number): string => `${pathOf(i)} is on ${places[i]}`;
  throw argumentError(
    `Cannot run ${name}: expected all arguments on ${onePlace(place, places[other]!)}, ` +
      `${show(first)} and ${show(other)}; move one of them with toDevice`,
  );
}

/**
 * The place in which a program runs on these arguments.
 *
 * @throws {ArgumentError} if arguments, tensors in the program and moves within it disagree.
 */
export function placeFor(program: Program, args: readonly Concrete[], caller?: Caller): Place {
  return placementOf(entryOf(program), args, caller) ?? defaultDevice();
}

/** The program compiled for these arguments; cached for the lifetime of the program. */
export function executableOf(
  program: Program,
  args: readonly Concrete[] = [],
  place: Place = placeFor(program, args),
): Executable {
  return versionOf(entryOf(program), place, args, []);
}

/** Compiles a program for these arguments, as far as that is possible without blocking the event loop. */
export async function prepareProgram(
  program: Program,
  args: readonly Concrete[],
  names: Donations,
  place: Place = placeFor(program, args),
): Promise<void> {
  await versionOf(entryOf(program), place, args, names).prepare?.();
}

/**
 * Runs a program in the place of its arguments. `names` are the names of donated arguments.
 *
 * @throws {ArgumentError} if arguments, tensors in the program and moves within it are in different places.
 */
export function runProgram(
  program: Program,
  args: readonly Concrete[],
  names?: Donations,
  caller?: Caller,
): readonly Concrete[] {
  const entry = entryOf(program);
  const placed = placementOf(entry, args, caller);
  const place = placed ?? defaultDevice();
  const results = isRecording()
    ? spanOfResults(
      { kind: "program", name: caller?.name ?? "a compiled function" },
      () => execute(entry, place, args, names),
    )
    : execute(entry, place, args, names);
  if (placed === null) return results;
  return results.map((result) =>
    settle(result, placed, !args.includes(result) && !entry.constants.has(result))
  );
}

function execute(
  entry: Entry,
  place: Place,
  args: readonly Concrete[],
  names: Donations | undefined,
): readonly Concrete[] {
  try {
    if (names !== undefined || place instanceof Mesh || isRecording()) {
      return versionOf(entry, place, args, names ?? [], isRecording()).run(args, names);
    }
    if (entry.plain === null || entry.plain[0] !== place) {
      entry.plain = [place, versionOf(entry, place, [], [])];
    }
    return entry.plain[1].run(args);
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    throw explain(error, entry, args, names);
  }
}

/**
 * Kernels abort where the evaluator throws an error: the evaluator runs the program again for the message,
 * if the arguments are still available.
 */
function explain(
  error: Error,
  { program, optimized }: Entry,
  args: readonly Concrete[],
  names: Donations | undefined,
): unknown {
  if (!someEquation(optimized, ({ primitive }) => hasIndices(primitive.name))) return error;
  if (names?.some((name) => name !== null)) {
    return indexError(
      "Cannot finish a jitted function: an index lies outside of its axis, and the arguments " +
        "that were donated are lost; run it without donateArgnums to see which",
    );
  }
  try {
    makeRunner(withoutEffects(program))(args);
  } catch (reason) {
    return reason;
  }
  return error;
}

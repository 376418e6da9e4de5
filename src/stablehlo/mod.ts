/**
 * Programs as StableHLO text. `table.ts` has a rule for each primitive, in families; `control.ts`
 * writes loops and branches; `writer.ts` and `builder.ts` are the basis for rules.
 *
 * @module
 */
import { argumentError, internalError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import type { Program } from "../core/program.ts";
import { typeOf } from "../core/program.ts";
import { type Mesh, Sharding } from "../core/sharding.ts";
import { type Concrete, isSplat } from "../core/tensor.ts";
import { constantsOf, placesOf, someEquation } from "../passes/control.ts";
import { optimize } from "../passes/mod.ts";
import type { MoveParams, WithShardingParams } from "../primitives/move.ts";
import { Builder } from "./builder.ts";
import { lackingIn, mayFail, writeProgram } from "./control.ts";
import { showMesh, showSharding } from "./sharding.ts";
import { showTensor } from "./writer.ts";
import type { Value } from "./writer.ts";

export { lackingIn } from "./control.ts";

/** Options of `writeModule`. */
export interface ModuleOptions {
  /** Which arguments are donated. */
  readonly isDonated?: readonly boolean[];
  /** Whether large constants, and those on the mesh, become arguments after the others, instead of text. */
  readonly hoists?: boolean;
  /** The mesh over which it is divided. */
  readonly mesh?: Mesh | null;
  /** How arguments and constants are divided over it. */
  readonly shardingOf?: (argument: number | Concrete) => Sharding;
  /** How results are divided, unless XLA chooses. */
  readonly results?: readonly (Sharding | null)[];
}

/** A program as text. */
export interface Module {
  /** A module with one public function, `main`. */
  readonly text: string;
  /** The constants that are its last arguments. */
  readonly constants: readonly Concrete[];
  /** Whether its last result is a flag that it has no results: an index was out of range. */
  readonly mayFail: boolean;
}

/** Constants of more elements than this become arguments. */
const LARGE = 256;

/** Whether a tensor was divided over a mesh, which constants in the text are not. */
function isDivided({ placement }: Concrete, mesh: Mesh): boolean {
  return placement instanceof Sharding && placement.mesh === mesh;
}

/** Writes a program whose primitives all have rules. */
export function writeModule(program: Program, options: ModuleOptions = {}): Module {
  const { mesh = null, shardingOf } = options;
  const isArgument = (x: Concrete): boolean =>
    !isSplat(x) && (sizeOf(x.shape) > LARGE || mesh !== null && isDivided(x, mesh));
  const constants = options.hoists === true
    ? [...new Set(constantsOf(program))].filter(isArgument)
    : [];
  const b = new Builder(mesh);
  const parameters = [...program.binders.map(typeOf), ...constants].map((type, i): Value => ({
    dtype: type.dtype,
    shape: type.shape,
    name: `%arg${i}`,
  }));
  const hoisted = new Map(constants.map((x, i) => [x, parameters[program.binders.length + i]]));
  const { results, flag } = writeProgram(
    b,
    program,
    parameters.slice(0, program.binders.length),
    hoisted,
  );
  const fails = mayFail(program);
  if (fails !== (flag !== null)) throw internalError("A program that may fail has no flag");
  const all = flag === null ? results : [...results, flag];
  b.line(all.length === 0 ? "return" : `return ${names(all)} : ${all.map(showTensor).join(", ")}`);
  const shown = parameters.map((parameter, i) => {
    const argument = i < program.binders.length ? i : constants[i - program.binders.length];
    const attributes = [
      ...divided(parameter, mesh === null ? null : shardingOf?.(argument) ?? null),
      ...options.isDonated?.[i] === true ? ["jax.buffer_donor = true"] : [],
    ];
    return `${parameter.name}: ${showAnnotated(parameter, attributes)}`;
  });
  const types = all.map((result, i) =>
    showAnnotated(result, divided(result, options.results?.[i] ?? null))
  );
  const text = [
    "module @jacobi {",
    ...mesh === null ? [] : [`  ${showMesh(mesh)}`],
    `  func.func public @main(${shown.join(", ")}) -> (${types.join(", ")}) {`,
    b.text,
    "  }",
    "}",
    "",
  ].join("\n");
  return { text, constants, mayFail: fails };
}

/** The attribute for the sharding of an argument or a result. */
function divided({ shape }: Value, sharding: Sharding | null): readonly string[] {
  if (sharding === null) return [];
  return [`sdy.sharding = #sdy.sharding${showSharding(sharding, shape.length)}`];
}

/** The type of an argument or a result, with its attributes. */
function showAnnotated(value: Value, attributes: readonly string[]): string {
  const shown = showTensor(value);
  return attributes.length === 0 ? shown : `${shown} {${attributes.join(", ")}}`;
}

function names(values: readonly Value[]): string {
  return values.map(({ name }) => name).join(", ");
}

/** The mesh over which values of a program are divided; `null` if there is none. */
function meshOf(program: Program): Mesh | null {
  let mesh: Mesh | null = null;
  someEquation(program, (equation) => {
    const { primitive: { name }, params } = equation;
    mesh ??= placesOf(equation)?.mesh ?? null;
    const placement = name === "move"
      ? (params as MoveParams).to
      : name === "withSharding"
      ? (params as WithShardingParams).sharding
      : null;
    if (placement instanceof Sharding) ({ mesh } = placement);
    return mesh !== null;
  });
  return mesh;
}

/** A program as text, after all passes; throws if it has an operation without a rule. */
export function toStableHlo(program: Program): string {
  const optimized = optimize(program);
  let missing: string | null = null;
  for (const equation of optimized.equations) missing ??= lackingIn(equation);
  if (missing !== null) {
    throw argumentError(
      `Cannot write the program as StableHLO: ${missing} has no form there; compute it ` +
        `before or after the program`,
    );
  }
  return writeModule(optimized, { mesh: meshOf(optimized) }).text;
}

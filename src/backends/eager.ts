/**
 * Single operations outside compiled functions, each kind compiled once.
 *
 * @module
 */
import { encode } from "../base/data.ts";
import { showType } from "../base/shape.ts";
import type { Primitive } from "../core/primitive.ts";
import { Program, Variable } from "../core/program.ts";
import type { Concrete, Type } from "../core/tensor.ts";
import { Given } from "../passes/forms.ts";

/** The maximum number of cached kinds of operations; the least recently used one is removed. */
const MOST_KINDS = 1024;

/** Operations that return the elements of their argument unchanged, wherever they are stored. */
const identities: ReadonlySet<string> = new Set(["reshape", "stopGradient", "barrier"]);

/** A compiled operation. */
export interface EagerOperation {
  /** Runs it. */
  run(args: readonly Concrete[], numbers: readonly Concrete[]): readonly Concrete[];
  /** Releases its resources. */
  drop(): void;
}

/** How a backend compiles single operations. */
export interface EagerWays {
  /** Compiles a program of one equation; `null` if the evaluator must compute it. */
  compile(program: Program, args: readonly Concrete[]): EagerOperation | null;
  /** Which arguments are numbers that are passed to the program at each run (`Given`); none if omitted. */
  isGiven?(x: Concrete): boolean;
  /** A key for everything that the code depends on apart from types. */
  keyOf?(args: readonly Concrete[]): string;
  /** Whether a reshaped tensor may need another memory layout. */
  readonly movesReshaped?: boolean;
}

/** The compiled operations of one device or one mesh. */
export class EagerOperations {
  readonly #ways: EagerWays;
  readonly #kinds = new Map<string, EagerOperation | null>();

  constructor(ways: EagerWays) {
    this.#ways = ways;
  }

  /** Computes an operation, or returns `null` to leave it to the evaluator. */
  evaluate(
    primitive: Primitive,
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[] | null {
    const { name } = primitive;
    const ways = this.#ways;
    const isIdentity = identities.has(name) && !(ways.movesReshaped && name === "reshape");
    if (primitive.derivative.kind === "program" || isIdentity) return null;
    if (types.length === 0) return null;
    const isGiven = args.map((arg) => ways.isGiven?.(arg) ?? false);
    const distinct = [...new Set(args.filter((_, i) => !isGiven[i]))];
    const shown = args.map((arg, i) =>
      `${showType(arg)}${isGiven[i] ? "=" : `@${distinct.indexOf(arg)}`}`
    );
    const key = `${name}|${encode(params)}|${shown}|${ways.keyOf?.(args) ?? ""}`;
    let compiled = this.#kinds.get(key);
    if (compiled === undefined) {
      let next = 0;
      const binders = distinct.map((arg) => new Variable(arg));
      const inputs = args.map((arg, i) =>
        isGiven[i] ? new Given(arg, next++) : binders[distinct.indexOf(arg)]
      );
      const outputs = types.map((type) => new Variable(type));
      const program = new Program(binders, [{ primitive, inputs, params, outputs }], outputs);
      compiled = ways.compile(program, distinct);
      if (this.#kinds.size >= MOST_KINDS) {
        const [oldest, dropped] = this.#kinds.entries().next().value!;
        this.#kinds.delete(oldest);
        dropped?.drop();
      }
    } else this.#kinds.delete(key);
    this.#kinds.set(key, compiled);
    return compiled?.run(distinct, args.filter((_, i) => isGiven[i])) ?? null;
  }
}

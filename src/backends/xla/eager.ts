/**
 * Single operations outside of compiled functions, each compiled once for every kind.
 *
 * @module
 */
import { encode } from "../../base/data.ts";
import { showType } from "../../base/shape.ts";
import type { Primitive } from "../../core/primitive.ts";
import { Program, Variable } from "../../core/program.ts";
import type { Concrete, Type } from "../../core/tensor.ts";
import { optimize } from "../../passes/mod.ts";
import { compileWhole } from "./executable.ts";
import type { DeviceProgram } from "./executable.ts";
import type { DeviceMemory } from "./memory.ts";
import { isOnDevice } from "./segments.ts";

/** How many kinds of operations are kept; the one that was used longest ago makes room. */
const MOST_KINDS = 1024;

/** Operations that give the elements of their argument, wherever they are. */
const identities: ReadonlySet<string> = new Set(["reshape", "stopGradient", "barrier"]);

/** The operations of one device. */
export class EagerOperations {
  readonly #memory: DeviceMemory;
  readonly #kinds = new Map<string, DeviceProgram>();

  constructor(memory: DeviceMemory) {
    this.#memory = memory;
  }

  /** Computes an operation on the device, or gives `null` where the evaluator is to do it. */
  evaluate(
    primitive: Primitive,
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[] | null {
    const { name } = primitive;
    if (primitive.derivative.kind === "program" || identities.has(name)) return null;
    if (types.length === 0) return null;
    const key = `${name}|${encode(params)}|${args.map(showType)}`;
    let compiled = this.#kinds.get(key);
    if (compiled === undefined) {
      const binders = args.map((arg) => new Variable(arg));
      const outputs = types.map((type) => new Variable(type));
      const program = optimize(
        new Program(binders, [{ primitive, inputs: binders, params, outputs }], outputs),
      );
      if (!program.equations.every(isOnDevice)) return null;
      compiled = compileWhole(program, this.#memory);
      if (this.#kinds.size >= MOST_KINDS) {
        const [oldest, dropped] = this.#kinds.entries().next().value!;
        this.#kinds.delete(oldest);
        dropped.loaded.delete();
      }
    } else this.#kinds.delete(key);
    this.#kinds.set(key, compiled);
    return compiled.run(args);
  }
}

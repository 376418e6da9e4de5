/**
 * Single operations outside of compiled functions, each compiled once for every kind.
 *
 * @module
 */
import { encode } from "../../base/data.ts";
import { showType } from "../../base/shape.ts";
import type { Primitive } from "../../core/primitive.ts";
import { Program, Variable } from "../../core/program.ts";
import { shardingIn } from "../../core/sharding.ts";
import type { Concrete, Type } from "../../core/tensor.ts";
import { optimize } from "../../passes/mod.ts";
import { compileWhole } from "./executable.ts";
import type { DeviceProgram } from "./executable.ts";
import type { Site } from "./memory.ts";
import { isOnDevice } from "./segments.ts";

/** How many kinds of operations are kept; the one that was used longest ago makes room. */
const MOST_KINDS = 1024;

/** Operations that give the elements of their argument, wherever they are. */
const identities: ReadonlySet<string> = new Set(["reshape", "stopGradient", "barrier"]);

/** The operations of one device, or of one mesh. */
export class EagerOperations {
  readonly #site: Site;
  readonly #kinds = new Map<string, DeviceProgram>();

  constructor(site: Site) {
    this.#site = site;
  }

  /** Computes an operation there, or gives `null` where the evaluator is to do it. */
  evaluate(
    primitive: Primitive,
    args: readonly Concrete[],
    params: unknown,
    types: readonly Type[],
  ): readonly Concrete[] | null {
    const { name } = primitive;
    const { mesh, isDivided } = this.#site;
    // The same elements in another shape may be divided in another way.
    const isIdentity = identities.has(name) && !(isDivided && name === "reshape");
    if (primitive.derivative.kind === "program" || isIdentity) return null;
    if (types.length === 0) return null;
    const shardings = args.map(({ placement }) => shardingIn(mesh, placement));
    const ids = isDivided ? shardings.map(({ id }) => id) : "";
    const key = `${name}|${encode(params)}|${args.map(showType)}|${ids}`;
    let compiled = this.#kinds.get(key);
    if (compiled === undefined) {
      const binders = args.map((arg) => new Variable(arg));
      const outputs = types.map((type) => new Variable(type));
      const program = optimize(
        new Program(binders, [{ primitive, inputs: binders, params, outputs }], outputs),
      );
      if (!program.equations.every(isOnDevice)) return null;
      compiled = compileWhole(program, this.#site, { shardings });
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

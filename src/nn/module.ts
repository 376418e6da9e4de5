/**
 * Layers of several parts, wired by a function.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, treeError } from "../base/errors.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { Tracer } from "../core/trace.ts";
import { flatten } from "../core/tree.ts";
import type { AnyFunction } from "../core/tree_types.ts";
import { foldIn, split } from "../random/mod.ts";
import { readContext, WATCH } from "./layer.ts";
import type { AnyLayer, Layer, ParamsOf, StateOf, WatchedContext } from "./layer.ts";

/**
 * The parts of a model: layers and functions in lists and records, nested in any way. Properties that are
 * `undefined` in a record are ignored.
 *
 * @category Models
 */
export type Parts =
  | AnyLayer
  | AnyFunction
  | readonly Parts[]
  | { readonly [name: string]: Parts | undefined };

/**
 * Marks a layer of several inputs, which its `apply` takes as a list.
 *
 * @category Models
 */
export interface SeveralInputs {
  /** Always `true`. */
  readonly severalInputs: true;
}

/**
 * A layer as a function of its inputs.
 *
 * @category Models
 */
export interface Part<Params, Inputs extends readonly unknown[], Output> {
  /** The layer's output; its new state is kept for the next call, and each call has its own random key. */
  (...inputs: Inputs): Output;
  /** The layer's parameters, for sharing them with other parts. */
  readonly params: Params;
}

/**
 * A tree of layers as a tree of functions; functions stay as they are.
 *
 * @category Models
 */
export type PartsOf<P> = P extends
  & SeveralInputs
  & Layer<infer Params, infer _State, infer Inputs extends readonly unknown[], infer Output>
  ? Part<Params, Inputs, Output>
  : P extends Layer<infer Params, infer _State, infer Input, infer Output>
    ? Part<Params, [x: Input], Output>
  : P extends AnyFunction ? P
  : { readonly [K in keyof P]: PartsOf<P[K]> };

/**
 * The layer of these parts: of one input, or of several, which `apply` takes as a list.
 *
 * @category Models
 */
export type Module<P, Inputs extends readonly unknown[], Output> = Inputs extends
  readonly [infer Input] ? Layer<ParamsOf<P>, StateOf<P>, Input, Output>
  : Layer<ParamsOf<P>, StateOf<P>, Inputs, Output> & SeveralInputs;

/** Whether something is a layer. */
export function isLayer(part: unknown): part is AnyLayer {
  const { init, apply } = Object(part) as Partial<AnyLayer>;
  return typeof init === "function" && typeof apply === "function";
}

/** The parts of one level by their names. */
function partEntries(parts: object): [name: string, part: unknown][] {
  return Object.entries(parts).filter(([, part]) => part !== undefined || Array.isArray(parts));
}

/** A part in its printed form: lists, records and functions have names, too. */
function shownPart(part: unknown): unknown {
  if (isLayer(part)) return part;
  if (typeof part === "function") {
    return { description: { name: part.name || "function", args: [] } };
  }
  return { description: { name: Array.isArray(part) ? "list" : "record", parts: shown(part) } };
}

/** The parts of a module in their printed form. */
function shown(parts: unknown): object {
  if (typeof parts === "function" || isLayer(parts)) return { part: shownPart(parts) };
  const entries = partEntries(parts as object);
  return Object.fromEntries(entries.map(([name, part]) => [name, shownPart(part)]));
}

/** `f` of each layer and function and its path, in a tree of the same form. */
function mapParts(
  parts: unknown,
  f: (part: AnyLayer | AnyFunction, path: readonly string[]) => unknown,
  path: readonly string[] = [],
): unknown {
  if (typeof parts === "function" || isLayer(parts)) return f(parts as AnyLayer, path);
  const prototype = Object(parts) === parts ? Object.getPrototypeOf(parts) : undefined;
  if (!Array.isArray(parts) && prototype !== Object.prototype && prototype !== null) {
    const place = path.length === 0 ? "" : ` at ${path.join(".")}`;
    throw argumentError(
      `Cannot put ${describeValue(parts)} into a module${place}: expected a layer, a function, ` +
        `or a list or record of them`,
    );
  }
  const entries = partEntries(parts as object).map(([name, part]) =>
    [name, mapParts(part, f, [...path, name])] as const
  );
  return Array.isArray(parts) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** Throws unless these are parts. */
function checkParts(parts: unknown): void {
  // Finds lists and records that contain themselves, which would be mapped without an end.
  flatten(parts, (node) => typeof node === "function" || isLayer(node));
  mapParts(parts, () => null);
}

/** The subtree at `path` of the params or the state of a module. */
function pick(tree: unknown, path: readonly string[], kind: "params" | "state"): unknown {
  const part = path.reduce<unknown>(
    (node, name) => (node as Record<string, unknown> | null | undefined)?.[name],
    tree,
  );
  if (part !== undefined) return part;
  throw treeError(
    `Cannot apply a module: its ${kind} has nothing at ${path.join(".")}; ` +
      `use the params and state that its init gave`,
  );
}

/**
 * Fresh parameters and state of several layers.
 *
 * @category Models
 * @param parts Layers and functions, in lists and records.
 * @param key A random key, which is split among them.
 * @returns `[params, state]`, trees of the form of `parts`; functions have `{}` in both.
 * @throws {ArgumentError} when a part is neither a layer nor a function.
 *
 * @example An encoder and a decoder
 * ```ts
 * import { nn, random } from "@jacobi/jacobi";
 *
 * const parts = { encoder: nn.linear(4, 2), decoders: [nn.linear(2, 4), nn.linear(2, 3)] };
 * const [params] = nn.init(parts, random.key(0));
 * const shape = String(params.decoders[1].weight.shape);
 * if (shape !== "3,2") throw new Error(shape);
 * ```
 */
export function init<const P extends Parts>(
  parts: P,
  key: Tensor,
): [params: ParamsOf<P>, state: StateOf<P>] {
  checkParts(parts);
  return initParts(parts, key) as [ParamsOf<P>, StateOf<P>];
}

function initParts(parts: Parts, key: Tensor): [params: unknown, state: unknown] {
  if (isLayer(parts)) return parts.init(key);
  let count = 0;
  mapParts(parts, () => count++);
  const keys = count === 0 ? [] : split(key, count);
  const made: [unknown, unknown][] = [];
  mapParts(parts, (part) => {
    made.push(typeof part === "function" ? [{}, {}] : part.init(keys[made.length]));
  });
  return [fillParts(parts, made.map(([own]) => own)), fillParts(parts, made.map(([, own]) => own))];
}

/** One value for each part, in a tree of their form. */
function fillParts(parts: Parts, values: readonly unknown[]): unknown {
  let next = 0;
  return mapParts(parts, () => values[next++]);
}

/** The parts as functions that use these trees, and the state after the calls so far. */
function openParts(
  parts: Parts,
  params: unknown,
  state: unknown,
  context: WatchedContext,
): { readonly functions: unknown; readonly state: () => unknown } {
  const states: unknown[] = [];
  let calls = 0;
  const functions = mapParts(parts, (part, path) => {
    const place = states.push(pick(state, path, "state")) - 1;
    const own = pick(params, path, "params");
    if (typeof part === "function") return part;
    const { key, [WATCH]: watch } = context;
    const call = (...inputs: unknown[]): unknown => {
      const inner: WatchedContext = {
        ...context,
        ...(key === undefined ? {} : { key: foldIn(key, calls++) }),
        ...(watch === undefined ? {} : { [WATCH]: watch.within(path) }),
      };
      const x = "severalInputs" in part ? inputs : inputs[0];
      const before = states[place];
      const [y, next] = part.apply(own, before, x, inner);
      inner[WATCH]?.see(part, own, before, x, y);
      states[place] = next;
      return y;
    };
    return Object.assign(call, { params: own });
  });
  return {
    functions,
    state: () => {
      for (const leaf of flatten(states).leaves) {
        if (!(leaf instanceof Tracer) || leaf.trace.alive) continue;
        throw argumentError(
          `Cannot keep the state of a part that was called within ${leaf.trace.transform}, which has ` +
            `returned: call the part outside, repeat layers by nn.stack, or carry params and state ` +
            `through the loop with the layer's apply`,
        );
      }
      return fillParts(parts, states);
    },
  };
}

/**
 * A layer made of parts, wired by a function in which each part is a function of its inputs. State and
 * random keys go from call to call by themselves, also in parts that are modules.
 *
 * A part may run any number of times, or never: each time with the same parameters and another random
 * key, and with its latest state. `part.params` are its parameters, so that others can
 * share them. Functions stay as they are. In a `scan` within `forward` a part is called once, for all steps:
 * parts without state and keys only; equal layers in sequence are a {@linkcode stack}. Parts get `train` and `key`
 * from the context of the module; code that needs these itself is a part too, a custom layer.
 *
 * @category Models
 * @param parts Layers and functions, in lists and records, nested in any way. Parameters and state
 * have the same form, so that tree paths are PyTorch's keys: `conv1.weight`, `layers.0.bias`.
 * @param forward Computes the output from the parts and the inputs. Inputs have no default
 * values: `(parts, x: Tensor, mask?: Tensor) => ...`. If the function has a name, it is also the printed
 * name of the module.
 * @returns A layer. With one input it is `apply(params, state, x)`; with more, or none, `apply` takes
 * them as a list: `apply(params, state, [x, mask])`. As a part it is a function of its inputs again.
 * @throws {ArgumentError} when a part is neither a layer nor a function.
 * @throws {TreeError} when applied to parameters of another model.
 *
 * The layer's `apply` throws an `ArgumentError` when a part with state was called within a loop.
 *
 * @example A language model with tied weights
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 *
 * const block = nn.module(
 *   { norm: nn.layerNorm(8), up: nn.linear(8, 16), down: nn.linear(16, 8), drop: nn.dropout(0.1) },
 *   ({ norm, up, down, drop }, x: Tensor, scale: Tensor) =>
 *     x.add(drop(down(nn.gelu(up(norm(x))))).mul(scale)),
 * );
 * const model = nn.module(
 *   { tokens: nn.embedding(5, 8), blocks: [block, block] },
 *   ({ tokens, blocks }, x: Tensor, scale: Tensor) => {
 *     const hidden = blocks.reduce((y, block) => block(y, scale), tokens(x));
 *     return hidden.matmul(tokens.params.weight.transpose());
 *   },
 * );
 * const [params, state] = model.init(random.key(0));
 * const x = tensor([1, 4], { dtype: "int32" });
 * const context = { train: true, key: random.key(1) };
 * const [logits] = model.apply(params, state, [x, tensor(0.5)], context);
 * if (String(logits.shape) !== "2,5") throw new Error(String(logits.shape));
 * ```
 */
export function module<
  const P extends Parts,
  Inputs extends readonly unknown[] = [x: Tensor],
  Output = Tensor,
>(
  parts: P,
  forward: (parts: PartsOf<P>, ...inputs: Inputs) => Output,
): Module<P, NoInfer<Inputs>, NoInfer<Output>>;
export function module(
  parts: Parts,
  forward: (parts: unknown, ...inputs: unknown[]) => unknown,
): AnyLayer {
  if (typeof forward !== "function") {
    throw argumentError(
      `Cannot make a module that is wired by ${
        describeValue(forward)
      }: expected a function of the ` +
        `parts and the inputs`,
    );
  }
  checkParts(parts);
  const several = forward.length !== 2;
  const layer: AnyLayer = {
    init: (key) => initParts(parts, key),
    apply(params, state, x, given) {
      const context = readContext(given, "a module");
      if (several && !Array.isArray(x)) {
        throw argumentError(
          `Cannot apply a module of several inputs to ${describeValue(x)}: expected a list of them`,
        );
      }
      const opened = openParts(parts, params, state, context);
      const y = forward(opened.functions, ...(several ? x : [x]));
      return [y, opened.state()];
    },
    ...(several ? { severalInputs: true } : {}),
  };
  return described({ name: forward.name || "module", parts: shown(parts) }, layer);
}

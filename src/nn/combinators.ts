/**
 * Layers made of layers.
 *
 * @module
 */
import { argumentError, treeError } from "../base/errors.ts";
import { describeValue } from "../base/dtype.ts";
import { checkAxis, sizeOf } from "../base/shape.ts";
import { described } from "../core/description.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, reshape } from "../functions/mod.ts";
import { foldIn, split } from "../random/mod.ts";
import { readContext, stateless } from "./layer.ts";
import type { Empty, Layer, ParamsOf, StateOf } from "./layer.ts";

/** What `sequential` and `residual` take: a layer, or a function of one tensor. */
export type LayerLike =
  // deno-lint-ignore no-explicit-any
  | Layer<any, any>
  | ((x: Tensor) => Tensor);

/** The parameters of a list or record of layers. */
export type ParamsOfAll<Layers> = { -readonly [K in keyof Layers]: ParamsOf<Layers[K]> };

/** The states of a list or record of layers. */
export type StatesOfAll<Layers> = { -readonly [K in keyof Layers]: StateOf<Layers[K]> };

// deno-lint-ignore no-explicit-any
type AnyLayer = Layer<any, any>;

function asLayer(part: LayerLike, name: string, combinator: string): AnyLayer {
  // A second argument, such as an activation's options, is not for the context.
  if (typeof part === "function") {
    return stateless({ name: part.name || "function", args: [] }, (x) => part(x));
  }
  if (typeof part?.init === "function" && typeof part.apply === "function") return part;
  throw argumentError(
    `Cannot put ${describeValue(part)} into ${combinator} at ${name}: ` +
      `expected a layer or a function`,
  );
}

/** Applies the part called `name` to `x`; its new state is kept. */
export type Run<Name> = (name: Name, x: Tensor) => Tensor;

/**
 * A layer made of named parts, wired by a function: the general form of `sequential` and `residual`.
 *
 * @param parts Layers or functions of one tensor, in a record or a list. Parameters and state have
 * the same form, so that tree paths name the parts: `conv1.weight`, `0.weight`.
 * @param forward Computes the output from the input with `run(name, x)`, which applies a part. A part
 * may run any number of times, or never; random keys differ from call to call.
 * @returns The composed layer.
 * @throws {ArgumentError} when a part is neither a layer nor a function.
 * @throws {TreeError} when applied to parameters of another model.
 *
 * @example A gate
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const gated = nn.compose(
 *   { value: nn.linear(4, 2), gate: nn.linear(4, 2) },
 *   (run, x) => run("value", x).mul(nn.sigmoid(run("gate", x))),
 * );
 * const [params, state] = gated.init(random.key(0));
 * const [y] = gated.apply(params, state, ones([3, 4]));
 * if (String(y.shape) !== "3,2") throw new Error(String(y.shape));
 * ```
 */
export function compose<
  const Parts extends readonly LayerLike[] | { readonly [name: string]: LayerLike },
>(
  parts: Parts,
  forward: (run: Run<Extract<keyof Parts, string> | number>, x: Tensor) => Tensor,
): Layer<ParamsOfAll<Parts>, StatesOfAll<Parts>> {
  if (typeof parts !== "object" || parts === null || typeof forward !== "function") {
    throw argumentError(
      "Cannot compose a layer: expected a record or list of layers, and a function that wires them",
    );
  }
  const isList = Array.isArray(parts);
  const names = Object.keys(parts);
  const layers = new Map(
    Object.entries(parts).map(([name, part]) => [name, asLayer(part, name, "a composed layer")]),
  );
  const collect = (values: readonly unknown[]): unknown =>
    isList ? [...values] : Object.fromEntries(names.map((name, i) => [name, values[i]]));
  const pick = (tree: unknown, name: string, kind: string): unknown => {
    const part = (tree as Record<string, unknown> | null | undefined)?.[name];
    if (part !== undefined) return part;
    throw treeError(
      `Cannot apply a composed layer: its ${kind} has nothing at ${name}; ` +
        `use the params and state that its init gave`,
    );
  };
  const layer: AnyLayer = described(
    { name: "compose", parts: Object.fromEntries(layers) },
    {
      init(key) {
        const keys = names.length === 0 ? [] : split(key, names.length);
        const made = names.map((name, i) => layers.get(name)!.init(keys[i]));
        return [collect(made.map(([params]) => params)), collect(made.map(([, state]) => state))];
      },
      apply(params, state, x, given) {
        const context = readContext(given, "a composed layer");
        const states = new Map(names.map((name) => [name, pick(state, name, "state")]));
        let calls = 0;
        const run = (name: string | number, input: Tensor): Tensor => {
          const part = layers.get(String(name));
          if (part === undefined) {
            throw argumentError(
              `Cannot run ${describeValue(name)}: the parts are ${names.join(", ") || "none"}`,
            );
          }
          const { key } = context;
          const inner = key === undefined ? context : { ...context, key: foldIn(key, calls++) };
          const own = pick(params, String(name), "params");
          const [y, next] = part.apply(own, states.get(String(name)), input, inner);
          states.set(String(name), next);
          return y;
        };
        const y = forward(run, x);
        return [y, collect([...states.values()])];
      },
    } satisfies AnyLayer,
  );
  return layer;
}

/**
 * Layers one after another.
 *
 * @param layers Layers or functions of one tensor, as arguments; or one record of them, which names
 * them. Parameters and state have the same form: an array, whose tree paths are PyTorch's `0.weight`,
 * or a record.
 * @returns The composed layer.
 * @throws {ArgumentError} when a part is neither a layer nor a function.
 * @throws {TreeError} when applied to parameters of another model.
 *
 * @example A small network
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const model = nn.sequential(nn.linear(4, 8), nn.relu, nn.linear(8, 2));
 * const [params, state] = model.init(random.key(0));
 * const [y] = model.apply(params, state, ones([5, 4]));
 * if (String(y.shape) !== "5,2") throw new Error(String(y.shape));
 * ```
 */
export function sequential<const Layers extends readonly LayerLike[]>(
  ...layers: Layers
): Layer<ParamsOfAll<Layers>, StatesOfAll<Layers>>;
/** Named layers one after another. */
export function sequential<const Layers extends { readonly [name: string]: LayerLike }>(
  layers: Layers,
): Layer<ParamsOfAll<Layers>, StatesOfAll<Layers>>;
export function sequential(...args: unknown[]): AnyLayer {
  const [first] = args;
  const isRecord = args.length === 1 && typeof first === "object" && first !== null &&
    typeof (first as AnyLayer).apply !== "function";
  const parts = (isRecord ? first : args) as { readonly [name: string]: LayerLike };
  const names = Object.keys(parts);
  const layer = compose(parts, (run, x) => names.reduce((y, name) => run(name, y), x));
  return renamed("sequential", layer);
}

/** A composed layer under the name of the function that made it. */
function renamed(name: string, layer: AnyLayer): AnyLayer {
  return described({ ...layer.description, name }, layer);
}

function identity(x: Tensor): Tensor {
  return x;
}

/** The parameters, or the state, of `residual`. */
export interface ResidualTree<Body, Shortcut> {
  /** Those of the body. */
  readonly body: Body;
  /** Those of the shortcut. */
  readonly shortcut: Shortcut;
}

/**
 * A residual connection (He et al., 2015): `body(x) + shortcut(x)`.
 *
 * @param body The layer whose output is added.
 * @param shortcut What it is added to. Default: the input itself.
 * @returns The composed layer, with parameters `{ body, shortcut }`.
 * @throws {ArgumentError} when a part is neither a layer nor a function.
 * @throws {ShapeError} when the two outputs do not broadcast.
 *
 * @example Twice the input
 * ```ts
 * import { nn, random, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.residual((x) => x);
 * const [params, state] = layer.init(random.key(0));
 * assertTensorsClose(layer.apply(params, state, tensor([1, 2]))[0], [2, 4]);
 * ```
 */
export function residual<
  Body extends LayerLike,
  Shortcut extends LayerLike = (x: Tensor) => Tensor,
>(
  body: Body,
  shortcut?: Shortcut,
): Layer<
  ResidualTree<ParamsOf<Body>, ParamsOf<Shortcut>>,
  ResidualTree<StateOf<Body>, StateOf<Shortcut>>
> {
  const parts: { readonly [name: string]: LayerLike } = {
    body,
    shortcut: shortcut ?? identity,
  };
  const layer: AnyLayer = compose(parts, (run, x) => add(run("body", x), run("shortcut", x)));
  return renamed("residual", layer);
}

/**
 * Axes joined into one.
 *
 * @param startAxis The first axis to join. Default 1, which keeps the batch.
 * @param endAxis The last axis to join. Default -1.
 * @returns A layer.
 * @throws {AxisError} when an axis is out of range.
 *
 * @example From images to vectors
 * ```ts
 * import { nn, ones } from "@jacobi/jacobi";
 *
 * const [y] = nn.flatten().apply({}, {}, ones([2, 3, 4, 4]));
 * if (String(y.shape) !== "2,48") throw new Error(String(y.shape));
 * ```
 */
export function flatten(startAxis?: number, endAxis?: number): Layer<Empty, Empty> {
  if (startAxis === undefined) startAxis = 1;
  if (endAxis === undefined) endAxis = -1;
  return stateless({ name: "flatten", settings: { startAxis, endAxis } }, (x) => {
    const input = toTensor(x, "Cannot apply flatten");
    const start = checkAxis(startAxis, input.ndim, "Cannot apply flatten");
    const end = checkAxis(endAxis, input.ndim, "Cannot apply flatten");
    if (start > end) {
      throw argumentError(`Cannot apply flatten from axis ${start} to axis ${end}: swap them`);
    }
    const { shape } = input;
    const joined = sizeOf(shape.slice(start, end + 1));
    return reshape(input, [...shape.slice(0, start), joined, ...shape.slice(end + 1)]);
  });
}

/**
 * Layers made of layers.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkAxis, sizeOf } from "../base/shape.ts";
import { scan } from "../control/mod.ts";
import { described } from "../core/description.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { add, reshape } from "../functions/mod.ts";
import { split } from "../random/mod.ts";
import { vmap } from "../transforms/mod.ts";
import * as tree from "../tree.ts";
import { checkCount, readContext, stateless, WATCH } from "./layer.ts";
import type {
  AnyLayer,
  Context,
  Empty,
  Layer,
  ParamsOf,
  StateOf,
  WatchedContext,
} from "./layer.ts";
import { isLayer, module } from "./module.ts";

/**
 * A part of `sequential` and `residual`: a layer, or a function of one tensor.
 *
 * @category Models
 */
// deno-lint-ignore no-explicit-any
export type LayerLike = Layer<any, any> | ((x: Tensor) => Tensor);

/**
 * Layers one after another.
 *
 * @category Models
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
): Layer<ParamsOf<Layers>, StateOf<Layers>>;
/** Named layers one after another. */
export function sequential<const Layers extends { readonly [name: string]: LayerLike }>(
  layers: Layers,
): Layer<ParamsOf<Layers>, StateOf<Layers>>;
export function sequential(...args: unknown[]): AnyLayer {
  const [first] = args;
  const isRecord = args.length === 1 && typeof first === "object" && first !== null &&
    typeof (first as AnyLayer).apply !== "function";
  const parts = (isRecord ? first : args) as { readonly [name: string]: LayerLike };
  checkAll(parts, "sequential");
  return named(
    "sequential",
    module(parts, (parts, x) => Object.values(parts).reduce((y, part) => part(y), x)),
  );
}

/** Throws unless each part is a layer or a function. */
function checkAll(parts: { readonly [name: string]: LayerLike }, combinator: string): void {
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part === "function" || isLayer(part)) continue;
    throw argumentError(
      `Cannot put ${describeValue(part)} into ${combinator} at ${name}: ` +
        `expected a layer or a function`,
    );
  }
}

/** A module under the name of the function that made it. */
function named<L extends AnyLayer>(name: string, layer: L): L {
  return described({ ...layer.description, name }, layer);
}

function identity(x: Tensor): Tensor {
  return x;
}

/**
 * The parameters, or the state, of `residual`.
 *
 * @category Models
 */
export interface ResidualTree<Body, Shortcut> {
  /** Those of the body. */
  readonly body: Body;
  /** Those of the shortcut. */
  readonly shortcut: Shortcut;
}

/**
 * A residual connection (He et al., 2015): `body(x) + shortcut(x)`.
 *
 * @category Models
 * @param body The layer whose output is added.
 * @param shortcut The layer on the shortcut. Default: the identity.
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
  const parts: { readonly [name: string]: LayerLike } = { body, shortcut: shortcut ?? identity };
  checkAll(parts, "residual");
  const layer: AnyLayer = module(parts, ({ body, shortcut }, x) => add(body(x), shortcut(x)));
  return named("residual", layer);
}

/** The most layers of a stack, whose description lists them. */
const MOST_LAYERS = 2 ** 20;

/**
 * Equal layers one after another, as one loop: traced and compiled once, however many there are. Each has
 * its own parameters and state, all of which are stacked along a new first axis, and its own random key.
 *
 * Parameters of separate layers are stacked by `tree.map((...leaves) => stack(leaves), ...list)`.
 *
 * @category Models
 * @param layer A layer whose output is of the type of its input; of several inputs, of the first, and
 * all layers get the same others.
 * @param count How many there are.
 * @returns A layer with parameters and state like those of `layer`, whose leaves are `[count, ...]`.
 * @throws {ArgumentError} when `layer` is not a layer, or `count` no integer from 1 to 2^20.
 * @throws {ShapeError} or {DtypeError} when the output is not of the type of the input.
 *
 * @example Three layers with one weight of three matrices
 * ```ts
 * import { nn, ones, random } from "@jacobi/jacobi";
 *
 * const model = nn.stack(nn.sequential(nn.linear(4, 4), nn.tanh), 3);
 * const [params, state] = model.init(random.key(0));
 * if (String(params[0].weight.shape) !== "3,4,4") throw new Error(String(params[0].weight));
 * const [y] = model.apply(params, state, ones([2, 4]));
 * if (String(y.shape) !== "2,4") throw new Error(String(y.shape));
 * ```
 */
export function stack<L extends AnyLayer>(layer: L, count: number): L;
/** The same, for whatever layer. */
export function stack(layer: AnyLayer, count: number): AnyLayer {
  if (!isLayer(layer)) {
    throw argumentError(`Cannot stack ${describeValue(layer)}: expected a layer`);
  }
  if (checkCount(count, "count", "stack") > MOST_LAYERS) {
    throw argumentError(`Cannot stack ${count} layers: expected at most ${MOST_LAYERS}`);
  }
  const several = "severalInputs" in layer;
  const parts = new Array<AnyLayer>(count).fill(layer);
  return described(
    { name: "stack", parts },
    {
      init: (key) => vmap(layer.init, 0, 0, { axisSize: count })(split(key, [count])),
      apply(params, state, x, given) {
        const context: WatchedContext = readContext(given, "stack");
        const [first, ...rest] = several ? x : [x];
        const input = (x: unknown) => several ? [x, ...rest] : x;
        const watcher = context[WATCH]?.within([`0-${count - 1}`]);
        if (watcher !== undefined) {
          const [own, before] = tree.map((leaf: Tensor) => leaf.at(0), [params, state]);
          const [y] = layer.apply(own, before, input(first), { [WATCH]: watcher } as Context);
          watcher.see(layer, own, before, input(first), y);
        }
        const { train, key } = context;
        const keys = key === undefined ? null : split(key, [count]);
        return scan(
          (x: unknown, [params, state, key]: readonly [unknown, unknown, Tensor | null]) =>
            layer.apply(params, state, input(x), {
              ...(train === undefined ? {} : { train }),
              ...(key === null ? {} : { key }),
            }),
          first,
          [params, state, keys],
          { length: count },
        );
      },
      ...(several ? { severalInputs: true } : {}),
    } satisfies AnyLayer,
  );
}

/**
 * Axes joined into one.
 *
 * @category Models
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

/**
 * The parts of a model, as a table.
 *
 * @module
 */
import { byteSize, describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { showType, sizeOf } from "../base/shape.ts";
import { isComplexTensor } from "../core/complex.ts";
import { descriptionOf } from "../core/description.ts";
import { Tensor } from "../core/tensor.ts";
import { TensorType } from "../core/tensor_type.ts";
import { flatten } from "../core/tree.ts";
import { countFlops } from "../inspect/mod.ts";
import { key } from "../random/mod.ts";
import { evalShape, makeProgram } from "../transforms/mod.ts";
import { WATCH } from "./layer.ts";
import type { AnyLayer, WatchedContext, Watcher } from "./layer.ts";
import { isLayer } from "./module.ts";

const HEAD = ["name", "layer", "output", "parameters", "bytes", "operations"];

/** How many columns hold text; the others are numbers. */
const TEXTS = 3;

/** The types of a tree's leaves; other leaves are left out. */
function typesOf(tree: unknown): TensorType[] {
  return flatten(tree, isComplexTensor).leaves.filter((leaf) =>
    leaf instanceof Tensor || leaf instanceof TensorType
  ) as TensorType[];
}

function elements(tree: unknown): number {
  return typesOf(tree).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function bytes(tree: unknown): number {
  return typesOf(tree).reduce((sum, { dtype, shape }) => sum + byteSize(dtype) * sizeOf(shape), 0);
}

/** The types in a tree as text: `float32[2,3]`, several between parentheses. */
function showTypes(tree: unknown): string {
  const types = typesOf(tree).map(showType);
  return types.length === 1 ? types[0] : `(${types.join(", ")})`;
}

/** The rows of a table, each before those of its parts. */
class Rows implements Watcher {
  readonly rows: string[][];
  readonly seen: Set<string>;
  readonly path: readonly string[];
  readonly row: string[] = [];

  constructor(parent: Rows | null, path: readonly string[]) {
    this.rows = parent?.rows ?? [];
    this.seen = parent?.seen ?? new Set();
    this.path = path;
    this.rows.push(this.row);
  }

  within(path: readonly string[]): Rows {
    return new Rows(this, [...this.path, ...path]);
  }

  see(part: AnyLayer, params: unknown, state: unknown, x: unknown, y: unknown): void {
    const name = this.path.join(".");
    const isAgain = this.seen.has(name);
    this.seen.add(name);
    const program = makeProgram((...args: [unknown, unknown, unknown]) => part.apply(...args));
    this.row.push(
      name,
      descriptionOf(part).name,
      showTypes(y),
      isAgain ? "again" : String(elements(params)),
      isAgain ? "" : String(bytes(params)),
      String(countFlops(program(params, state, x))),
    );
  }
}

/**
 * A table of a model and its parts, from the outside in: their names as in tree paths, what kind of layer
 * each is, the type of its output, the number and the bytes of its parameters, and how many floating-point
 * operations one call takes without training, as `inspect.countFlops` counts. Nothing is computed.
 *
 * A part that runs again has a row for each call. Layers in a `stack` have one row, for one of them.
 *
 * @category Models
 * @param model A layer.
 * @param input The type of its input, or an example: a tensor, a `TensorType`, or a tree of them.
 * @returns The table as text, with the bytes of parameters and state below.
 * @throws {ArgumentError} when `model` is not a layer.
 * @throws {ShapeError} when the input does not fit.
 *
 * @example A small network
 * ```ts
 * import { nn, TensorType } from "@jacobi/jacobi";
 *
 * const model = nn.sequential(nn.linear(4, 8), nn.relu, nn.linear(8, 2));
 * const table = nn.summary(model, new TensorType("float32", [5, 4]));
 * const [head, whole, first] = table.split("\n").map((line) => line.trim().split(/ +/).join(" "));
 * if (head !== "name layer output parameters bytes operations") throw new Error(table);
 * if (whole !== "sequential float32[5,2] 58 232 570") throw new Error(table);
 * if (first !== "0 linear float32[5,8] 40 160 360") throw new Error(table);
 * ```
 */
export function summary(model: AnyLayer, input: unknown): string {
  if (!isLayer(model)) {
    throw argumentError(`Cannot summarize ${describeValue(model)}: expected a layer`);
  }
  const [params, state] = evalShape(model.init)(key(0)) as [unknown, unknown];
  const rows = new Rows(null, []);
  evalShape((params: unknown, state: unknown, x: unknown) => {
    const context: WatchedContext = { [WATCH]: rows };
    const [y] = model.apply(params, state, x, context);
    rows.see(model, params, state, x, y);
    return y;
  })(params, state, input);
  const lines = [HEAD, ...rows.rows];
  const widths = HEAD.map((_, i) => Math.max(...lines.map((row) => row[i].length)));
  const show = (row: string[]): string =>
    row.map((cell, i) => i < TEXTS ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join("  ");
  return [
    ...lines.map(show),
    `parameters: ${bytes(params)} bytes, state: ${bytes(state)} bytes`,
  ].join("\n");
}

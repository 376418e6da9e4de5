/**
 * Whole trees as files: tensors in the safetensors format, everything else as JSON in its metadata.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError, treeError } from "../base/errors.ts";
import { sameShape } from "../base/shape.ts";
import { ComplexTensor } from "../core/complex.ts";
import { hintFor } from "../core/convert.ts";
import { Tensor } from "../core/tensor.ts";
import { flatten, MAX_DEPTH, showPath } from "../core/tree.ts";
import type { Structure } from "../core/tree.ts";
import type { Bytes } from "./bytes.ts";
import { readContents, writeContents } from "./safetensors.ts";

/** Identifies files of trees, with the version of their format. */
const FORMAT = "jacobi.tree.1";

/** A node in the JSON: a JSON value if possible, otherwise an object with its kind. */
type Node = null | boolean | number | string | readonly Node[] | {
  readonly kind: string;
  /** The children of an object, in its order. */
  readonly entries?: { readonly [key: string]: Node };
};

type Path = readonly (string | number)[];

/** Values that JSON lacks, by their kind. */
const CONSTANTS: ReadonlyMap<unknown, unknown> = new Map<string, unknown>([
  ["-0", -0],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["undefined", undefined],
]);

/** The name of a tensor in the file: `layers.0.weight`, unique for each path. */
function nameOf(path: Path): string {
  if (path.length === 0) return "value";
  return path.map((key) =>
    typeof key === "number" || /^(?!__metadata__$)[\w$-]+$/.test(key) ? key : JSON.stringify(key)
  ).join(".");
}

/**
 * Writes a tree as one file, such as the whole state of a training: parameters, state of the optimiser,
 * random key, and count of steps. {@linkcode loadTree} gives it back bit for bit.
 *
 * The file is a safetensors file, whose tensors have their paths as names (`params.0.weight`), so that
 * other programs read them, too; the structure is JSON in its metadata. Complex tensors are two
 * tensors, `re` and `im`. A tensor that occurs several times is written once for each.
 *
 * @category Files
 * @param tree Arrays, plain objects, `null` and `undefined`, tensors of any dtype (random keys are some),
 * numbers, strings and booleans.
 * @returns The file's contents, for `Deno.writeFileSync("checkpoint.safetensors", …)`.
 * @throws {TreeError} when a leaf is anything else; the message names its path.
 * @throws {TraceError} when a tensor is traced and has no concrete value.
 *
 * @example Training that is interrupted, and goes on as if it had not been
 * ```ts
 * import { grad, io, optim, random, square, sub, sum } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const optimizer = optim.adam(0.1);
 * const gradient = grad((w) => sum(square(sub(w, [1, 2]))));
 * const w = random.normal(random.key(0), [2]);
 * const start = { w, memory: optimizer.init(w), key: random.key(1), step: 0 };
 *
 * function train({ w, memory, key, step }: typeof start): typeof start {
 *   const [updates, next] = optimizer.update(gradient(w), memory, w);
 *   return { w: optim.applyUpdates(w, updates), memory: next, key, step: step + 1 };
 * }
 *
 * const checkpoint = io.saveTree(train(start));
 * // Deno.writeFileSync("checkpoint.safetensors", checkpoint); and, when the program starts again:
 * const resumed = io.loadTree<typeof start>(checkpoint);
 * assertTensorsClose(train(resumed).w, train(train(start)).w, { rtol: 0, atol: 0 });
 * ```
 */
export function saveTree(tree: unknown): Uint8Array<ArrayBuffer> {
  const what = "Cannot save a tree";
  const { leaves, structure } = flatten(tree);
  const tensors: [string, Tensor][] = [];
  let next = 0;

  function saveLeaf(leaf: unknown, path: Path): Node {
    if (leaf instanceof Tensor) {
      tensors.push([nameOf(path), leaf]);
      return { kind: "tensor" };
    }
    if (typeof leaf === "boolean" || typeof leaf === "string") return leaf;
    if (Number.isFinite(leaf) && !Object.is(leaf, -0)) return leaf as number;
    const constant = [...CONSTANTS].find(([, value]) => Object.is(value, leaf));
    if (constant !== undefined) return { kind: constant[0] as string };
    const hint = ArrayBuffer.isView(leaf) ? "; make it a tensor" : hintFor(leaf);
    throw treeError(
      `${what}: expected a tensor, number, string or boolean at ${showPath(path)}, ` +
        `got ${describeValue(leaf)}${hint}`,
    );
  }

  function save(node: Structure, path: Path): Node {
    switch (node.kind) {
      case "null":
        return null;
      case "leaf":
        return saveLeaf(leaves[next++], path);
      case "array":
        return node.children.map((child, i) => save(child, [...path, i]));
      case "object": {
        const saved = new Map(
          node.keys.map((key, i) => [key, save(node.children[i], [...path, key])]),
        );
        const entries = Object.fromEntries(node.order.map((key) => [key, saved.get(key)!]));
        return { kind: "object", entries };
      }
      case "custom": {
        if (node.node.type === ComplexTensor) {
          node.children.forEach((child, i) => save(child, [...path, node.node.keys![i]]));
          return { kind: "complex" };
        }
        throw treeError(
          `${what}: expected an array or a plain object at ${showPath(path)}, got an instance of ` +
            `${node.node.type.name}; files name no classes: save what it holds in a plain object`,
        );
      }
    }
  }

  const saved = JSON.stringify(save(structure, []));
  return writeContents(Object.fromEntries(tensors), { format: FORMAT, structure: saved }, what);
}

/**
 * Reads a tree that {@linkcode saveTree} wrote. Files are checked in full, and name nothing that could
 * be run.
 *
 * @category Files
 * @param bytes The file's contents, such as `Deno.readFileSync("checkpoint.safetensors")`.
 * @returns The tree as it was saved: the same structure, order of keys, dtypes and bits. Its type is
 * the caller's claim; nothing checks it.
 * @throws {ArgumentError} when the bytes are no such file; other safetensors files are for
 * {@linkcode readSafetensors}.
 * @throws {ShapeError} when a shape is none that a tensor may have.
 * @throws {DtypeError} when a dtype is none that can be read.
 *
 * @example Written and read
 * ```ts
 * import { io, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const state = { params: [tensor([1, 2]), null], name: "first", step: 7 };
 * const { params, step } = io.loadTree<typeof state>(io.saveTree(state));
 * assertTensorsClose(params[0]!, [1, 2]);
 * if (step !== 7) throw new Error(String(step));
 * ```
 */
export function loadTree<T = unknown>(bytes: Bytes): T {
  const what = "Cannot read a tree";
  const { tensors, metadata } = readContents(bytes, what);
  const fail = (fault: string) => argumentError(`${what}: ${fault}`);
  if (metadata.get("format") !== FORMAT) {
    throw fail("the file was not written by saveTree; use readSafetensors for its tensors");
  }
  const left = new Map(Object.entries(tensors));

  function take(path: Path): Tensor {
    const name = nameOf(path);
    const found = left.get(name);
    if (found === undefined) throw fail(`it has no tensor for ${showPath(path.slice(0, 12))}`);
    left.delete(name);
    return found;
  }

  function takeComplex(path: Path): Tensor {
    const [re, im] = [take([...path, "re"]), take([...path, "im"])];
    const isDtype = re.dtype === "float32" || re.dtype === "float64";
    if (isDtype && im.dtype === re.dtype && sameShape(re.shape, im.shape)) {
      return new ComplexTensor(re, im);
    }
    throw fail(`the parts at ${showPath(path.slice(0, 12))} make no complex tensor`);
  }

  function load(node: Node, path: Path): unknown {
    if (path.length > MAX_DEPTH) throw fail(`its tree is deeper than ${MAX_DEPTH} levels`);
    if (node === null || typeof node !== "object") return node;
    if (isArray(node)) return node.map((child, i) => load(child, [...path, i]));
    const { kind, entries } = node;
    if (kind === "tensor") return take(path);
    if (kind === "complex") return takeComplex(path);
    if (CONSTANTS.has(kind)) return CONSTANTS.get(kind);
    if (
      kind !== "object" || typeof entries !== "object" || entries === null || Array.isArray(entries)
    ) {
      throw fail(`its structure is broken at ${showPath(path.slice(0, 12))}`);
    }
    return Object.fromEntries(
      Object.entries(entries).map(([key, child]) => [key, load(child, [...path, key])]),
    );
  }

  const tree = load(parse(metadata.get("structure"), fail), []);
  for (const name of left.keys()) {
    throw fail(`tensor ${describeValue(name)} has no place in its tree`);
  }
  return tree as T;
}

function isArray(node: Node): node is readonly Node[] {
  return Array.isArray(node);
}

function parse(text: string | undefined, fail: (fault: string) => Error): Node {
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw fail("its structure is not JSON");
  }
}

/**
 * Trees as messages between threads. Structured clones support arrays and typed arrays, but not
 * tensors. A tree is converted to a description of its structure and a list of values, with elements in
 * typed arrays whose memory can be transferred.
 *
 * @module
 */
import { allocateStored, describeValue, DTYPES, isComplex } from "../base/dtype.ts";
import type { Dtype, Elements } from "../base/dtype.ts";
import { argumentError, treeError } from "../base/errors.ts";
import { MAX_NDIM, sizeOf } from "../base/shape.ts";
import { hintFor } from "./convert.ts";
import { Concrete, Tensor } from "./tensor.ts";
import {
  flatten,
  isStructure,
  leafCount,
  leafPaths,
  MAX_DEPTH,
  nodesNamed,
  showPath,
  unflatten,
} from "./tree.ts";
import type { CustomNode, Structure } from "./tree.ts";

/**
 * A message from one thread to another.
 *
 * @category Trees
 */
export interface Transfer {
  /** The first argument of `postMessage`: plain data, which is the input of `fromTransfer`. */
  readonly message: object;
  /** The second argument: the memory that is transferred instead of copied. */
  readonly transfer: ArrayBuffer[];
}

/** Identifies messages among other data, with the version of their format. */
const FORMAT = "jacobi.tree.1";

/** A tensor in a message: all of its elements, or one that represents all of them. */
interface SentTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly elements: Elements;
}

interface Message {
  readonly format: typeof FORMAT;
  /** A `Structure` whose classes are identified by their names. */
  readonly structure: unknown;
  /** Each tensor of the tree once. */
  readonly tensors: readonly SentTensor[];
  /** The leaves: indices of tensors, and other values in lists of one. */
  readonly leaves: readonly (number | readonly [unknown])[];
}

/**
 * A tree of tensors as a message to another thread. `structuredClone` and `postMessage` refuse
 * tensors themselves.
 *
 * The message has copies of the elements, whose memory is transferred with it; the tree is not changed.
 * A tensor that occurs in several places arrives as one. Other leaves may be numbers, strings,
 * booleans, bigints, `undefined` and typed arrays. Instances of classes that are registered with
 * `register` are sent under the names of their classes, which must be registered in the other thread,
 * too.
 *
 * @category Trees
 * @param tree Any tree of tensors and other values.
 * @returns The arguments of `postMessage`: `worker.postMessage(message, transfer)`.
 * @throws {TreeError} when a leaf cannot be sent; the message names its path.
 * @throws {TraceError} when a tensor is traced.
 *
 * @example Parameters for another thread, and back
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const params = { weight: tensor([[1, 2]]), rate: 0.1 };
 * const { message, transfer } = tree.toTransfer(params);
 * // worker.postMessage(message, transfer) does the same on the way to the other thread.
 * const received = structuredClone(message, { transfer });
 * assertTensorsClose(tree.fromTransfer<typeof params>(received).weight, [[1, 2]]);
 * ```
 */
export function toTransfer(tree: unknown): Transfer {
  const { leaves, structure } = flatten(tree);
  const paths = leafPaths(structure);
  const numbers = new Map<Tensor, number>();
  const tensors: SentTensor[] = [];
  const sent = leaves.map((leaf, i): Message["leaves"][number] => {
    if (!(leaf instanceof Tensor)) {
      checkLeaf(leaf, paths[i]);
      return [leaf];
    }
    let number = numbers.get(leaf);
    if (number === undefined) {
      number = tensors.length;
      numbers.set(leaf, number);
      const elements = leaf.concrete("send").peekStored((held) => held.slice());
      tensors.push({ dtype: leaf.dtype, shape: [...leaf.shape], elements });
    }
    return number;
  });
  const message: Message = {
    format: FORMAT,
    structure: sendStructure(structure, []),
    tensors,
    leaves: sent,
  };
  return { message, transfer: tensors.map(({ elements }) => elements.buffer as ArrayBuffer) };
}

function checkLeaf(leaf: unknown, path: readonly (string | number)[]): void {
  if (typeof leaf === "function" || typeof leaf === "symbol") {
    throw cannotSend(leaf, path, "");
  }
  if (typeof leaf === "object" && leaf !== null && !ArrayBuffer.isView(leaf)) {
    throw cannotSend(leaf, path, hintFor(leaf) || "; tree.register makes a class a node of trees");
  }
}

function cannotSend(leaf: unknown, path: readonly (string | number)[], hint: string): Error {
  return treeError(
    `Cannot send a tree: expected a tensor, a primitive value or a typed array at ${
      showPath(path)
    }, got ${describeValue(leaf)}${hint}`,
  );
}

function sendStructure(structure: Structure, path: readonly (string | number)[]): unknown {
  if (!("children" in structure)) return structure;
  const children = structure.children.map((child, i) =>
    sendStructure(child, [...path, structure.kind === "object" ? structure.keys[i] : i])
  );
  if (structure.kind !== "custom") return { ...structure, children };
  const { type } = nodeNamed(structure.node.type.name, "Cannot send a tree", path);
  return {
    kind: "custom",
    node: type.name,
    data: sendData(structure.data, type.name, path),
    children,
  };
}

/** The only class with this name. */
function nodeNamed(name: unknown, what: string, path: readonly (string | number)[]): CustomNode {
  const nodes = typeof name === "string" ? nodesNamed(name) : [];
  if (nodes.length === 1) return nodes[0];
  const fault = nodes.length === 0
    ? "no class of this name is registered; call tree.register in this thread, too"
    : `${nodes.length} registered classes have this name; rename all but one`;
  throw treeError(`${what} with a ${String(name)} at ${showPath(path)}: ${fault}`);
}

function sendData(data: unknown, name: string, path: readonly (string | number)[]): unknown {
  try {
    return structuredClone(data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw treeError(
      `Cannot send a tree with a ${name} at ${showPath(path)}: its data cannot be cloned ` +
        `(${reason}); the data of a registered class must be plain`,
    );
  }
}

/**
 * The tree in a message of {@linkcode toTransfer}, with tensors of its own, which do not share memory
 * with the message.
 *
 * @category Trees
 * @param message The data posted by the other thread: `event.data`.
 * @returns A tree equal to the one that was sent.
 * @throws {ArgumentError} when `message` is not such a message.
 * @throws {TreeError} when a class in it is not registered here.
 *
 * @example A worker that adds up the tensors it receives
 * ```ts
 * import { tensor, tree } from "@jacobi/jacobi";
 * import type { Tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * function answer(event: { readonly data: unknown }): Tensor {
 *   const [a, b] = tree.fromTransfer<[Tensor, Tensor]>(event.data);
 *   return a.add(b);
 * }
 * const { message } = tree.toTransfer([tensor([1, 2]), tensor(3)]);
 * assertTensorsClose(answer({ data: message }), [4, 5]);
 * ```
 */
export function fromTransfer<T = unknown>(message: unknown): T {
  const parts = (message ?? {}) as Partial<Message>;
  const structure = parts.format === FORMAT ? receiveStructure(parts.structure, []) : null;
  const { tensors, leaves } = parts;
  const isWhole = isStructure(structure) &&
    Array.isArray(tensors) && tensors.every(isSentTensor) &&
    Array.isArray(leaves) && leaves.length === leafCount(structure) &&
    leaves.every((leaf) => Array.isArray(leaf) ? leaf.length === 1 : leaf in tensors);
  if (!isWhole) {
    throw argumentError(
      `Cannot read a message: expected what tree.toTransfer gave, of the same version of the ` +
        `library, got ${describeValue(message)}`,
    );
  }
  const received = tensors.map(({ dtype, shape, elements }) =>
    new Concrete(dtype, [...shape], elements.slice())
  );
  return unflatten(
    structure,
    leaves.map((leaf) => typeof leaf === "number" ? received[leaf] : leaf[0]),
  ) as T;
}

/** The structure in a message with the classes of this thread; other values are returned unchanged. */
function receiveStructure(sent: unknown, path: readonly (string | number)[]): unknown {
  const { kind, node, keys, children } = (sent ?? {}) as Record<string, unknown>;
  if (!Array.isArray(children) || path.length > MAX_DEPTH) return sent;
  const received = children.map((child, i) =>
    receiveStructure(child, [...path, Array.isArray(keys) ? keys[i] : i])
  );
  const own = { ...sent as object, children: received };
  return kind === "custom" ? { ...own, node: nodeNamed(node, "Cannot read a message", path) } : own;
}

function isSentTensor(value: unknown): value is SentTensor {
  const { dtype, shape, elements } = (value ?? {}) as Partial<SentTensor>;
  if (dtype === undefined || isComplex(dtype) || !DTYPES.includes(dtype) || !Array.isArray(shape)) {
    return false;
  }
  const isShape = shape.length <= MAX_NDIM && shape.every((n) => Number.isInteger(n) && n >= 0);
  return isShape && elements instanceof allocateStored(dtype, 0).constructor &&
    [1, sizeOf(shape)].includes((elements as Elements).length);
}

/**
 * A checkpoint's contents as JavaScript values: plain objects, arrays, and tensors read from storages.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkShape } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { showPath } from "../core/tree.ts";
import type { Budget } from "./bytes.ts";
import { storedBytes } from "./elements.ts";
import type { Targets } from "./elements.ts";
import { gatherTensor } from "./gather.ts";
import { PickledDict, PickledList, PickledTuple } from "./pickle.ts";
import { nameOf, StoredStorage, StoredTensor, textOfName } from "./torch_values.ts";

/** How deep a checkpoint may be nested. */
const MAX_DEPTH = 200;

/** How many values a checkpoint may unfold to, where its lists hold others several times. */
const MAX_VALUES = 2 ** 22;

/** How many items or bytes a key of a dictionary may have, and how deep its tuples may be nested. */
const MAX_KEY = 64;
const MAX_KEY_DEPTH = 4;

/** The information needed to read storages. */
export interface StorageReader {
  /** Begins messages: "Cannot read this checkpoint". */
  readonly what: string;
  /** The dtypes to which elements are converted. */
  readonly targets: Targets;
  /** The remaining unpacked size of the file. */
  readonly budget: Budget;
  /** The bytes of the storage, checked to be there. */
  read(storage: StoredStorage): Uint8Array;
}

/** Information about a part that occurs in several places. */
interface Resolved {
  readonly value: unknown;
  /** How many values it unfolds to. */
  readonly count: number;
}

/** `root` with tensors in place of their descriptions. */
export function resolveContents(root: unknown, reader: StorageReader): unknown {
  const done = new Map<unknown, Resolved>();
  const open = new Set<unknown>();
  const tensors = new Map<string, Tensor>();
  const path: (string | number)[] = [];
  const fail = (fault: string) => argumentError(`${reader.what}: ${fault} at ${showPlace(path)}`);

  function resolve(part: unknown): Resolved {
    if (typeof part !== "object" || part === null) return { value: part, count: 1 };
    const known = done.get(part);
    if (known !== undefined) return known;
    if (open.has(part)) throw fail("it has a collection that contains itself");
    if (open.size > MAX_DEPTH) throw fail(`it is nested deeper than ${MAX_DEPTH} levels`);
    open.add(part);
    const resolved = resolveNew(part);
    open.delete(part);
    if (resolved.count > MAX_VALUES) throw fail(`it unfolds to more than ${MAX_VALUES} values`);
    done.set(part, resolved);
    return resolved;
  }

  function resolveNew(part: object): Resolved {
    if (part instanceof StoredTensor) return { value: tensorOf(part), count: 1 };
    if (part instanceof StoredStorage && part.kind !== null) {
      const whole = new StoredTensor(part, part.kind, 0, [part.length], [1]);
      return { value: tensorOf(whole), count: 1 };
    }
    if (part instanceof Uint8Array) return { value: part, count: 1 };
    const text = textOfName(part);
    if (text !== undefined) return { value: text, count: 1 };
    if (part instanceof PickledDict) return resolveDict(part);
    if (part instanceof PickledList || part instanceof PickledTuple) return resolveList(part.items);
    throw fail(`it has ${nameOf(part) ?? "bytes of no type"} as a value`);
  }

  function resolveList(items: readonly unknown[]): Resolved {
    let count = 1;
    const value = items.map((item, i) => {
      path.push(i);
      const resolved = resolve(item);
      path.pop();
      count += resolved.count;
      return resolved.value;
    });
    return { value, count };
  }

  function resolveDict({ entries }: PickledDict): Resolved {
    let count = 1;
    const parts = new Map<string, unknown>();
    for (const [key, item] of entries) {
      const name = typeof key === "string" ? key : pythonText(key, 0);
      if (parts.has(name)) throw fail(`it has two keys that read as ${describeValue(name)}`);
      path.push(name);
      const resolved = resolve(item);
      path.pop();
      count += resolved.count;
      parts.set(name, resolved.value);
    }
    // Defines own properties, whatever their names.
    return { value: Object.fromEntries(parts), count };
  }

  /** How Python writes a key that is not a string: `(0, 'a')`, `None`, `True`, `1`. */
  function pythonText(key: unknown, depth: number): string {
    if (typeof key === "string") return `'${key.replace(/['\\]/g, "\\$&")}'`;
    if (typeof key === "number" || typeof key === "bigint") return String(key);
    if (typeof key === "boolean") return key ? "True" : "False";
    if (key === null) return "None";
    const text = textOfName(key);
    if (text !== undefined) return text;
    if (key instanceof Uint8Array && key.length <= MAX_KEY) {
      const shown = Array.from(
        key,
        (byte) =>
          byte >= 0x20 && byte < 0x7f
            ? String.fromCharCode(byte)
            : `\\x${byte.toString(16).padStart(2, "0")}`,
      );
      return `b'${shown.join("")}'`;
    }
    if (key instanceof PickledTuple && key.items.length <= MAX_KEY && depth < MAX_KEY_DEPTH) {
      const items = key.items.map((item) => pythonText(item, depth + 1));
      return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`;
    }
    throw fail("it has a dictionary with a key that is no string, number or short tuple of them");
  }

  /** Tensors that are the same view of the same storage are one. */
  function tensorOf({ storage, kind, offset, shape, strides }: StoredTensor): Tensor {
    const place = [storage.key, kind, storage.offset, offset, "", ...shape, "", ...strides];
    // Anything else in these places is refused below, without being written out.
    const isPlain = place.every((item) => typeof item === "number" || typeof item === "string");
    const id = isPlain ? JSON.stringify(place) : "";
    const known = tensors.get(id);
    if (known !== undefined) return known;
    const label = `${reader.what}: the tensor at ${showPlace(path)}`;
    if (!isPlain) {
      throw argumentError(`${label} has a shape, strides or offset that are no numbers`);
    }
    const checked = checkShape(shape, label);
    const type = { label, kind, shape: checked, targets: reader.targets, bigEndian: false };
    const bytes = reader.read(storage);
    const skipped = storage.offset * (storage.kind === null ? 1 : storedBytes(storage.kind));
    const view = { offset: offset as number, strides: strides as readonly number[] };
    const tensor = gatherTensor(type, bytes.subarray(skipped), view, reader.budget);
    tensors.set(id, tensor);
    return tensor;
  }

  return resolve(root).value;
}

/** A path in a message, which may be long and have keys of any length. */
function showPlace(path: readonly (string | number)[]): string {
  return showPath(
    path.slice(0, 12).map((key) =>
      typeof key === "string" && key.length > 80 ? `${key.slice(0, 80)}…` : key
    ),
  );
}

/** How many bytes a storage has, from its beginning in the file. */
export function storageBytes({ kind, length, offset }: StoredStorage): number {
  return (offset + length) * (kind === null ? 1 : storedBytes(kind));
}

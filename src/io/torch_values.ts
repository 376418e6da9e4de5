/**
 * The parts of a checkpoint's pickle, before anything is read from its storages; and the short
 * list of names that it may use.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { dataView } from "./bytes.ts";
import { makeTensor, readTargets, storedBytes } from "./elements.ts";
import type { StoredKind } from "./elements.ts";
import { NUMPY_KINDS } from "./npy_header.ts";
import { PickledDict, PickledList, PickledTuple } from "./pickle.ts";
import type { PickleHost } from "./pickle.ts";
import type { Fail } from "./pickle_input.ts";

/** Elements that tensors are views of. */
export class StoredStorage {
  readonly key: string;
  readonly kind: StoredKind | null;
  readonly length: number;
  readonly offset: number;

  /**
   * Describes a storage.
   *
   * @param key Its name in the file.
   * @param kind The type of its elements, or `null` for bytes of no type.
   * @param length How many elements it has.
   * @param offset Where it begins in the storage of that name, in elements.
   */
  constructor(key: string, kind: StoredKind | null, length: number, offset: number = 0) {
    this.key = key;
    this.kind = kind;
    this.length = length;
    this.offset = offset;
  }
}

/** A tensor that is still in the file. */
export class StoredTensor {
  readonly storage: StoredStorage;
  readonly kind: StoredKind;
  readonly offset: unknown;
  readonly shape: readonly unknown[];
  readonly strides: readonly unknown[];

  /** Describes a view of a storage; nothing of it is checked. */
  constructor(
    storage: StoredStorage,
    kind: StoredKind,
    offset: unknown,
    shape: readonly unknown[],
    strides: readonly unknown[],
  ) {
    this.storage = storage;
    this.kind = kind;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A name that pickles may use. */
class Named {
  readonly name: string;
  /** The result of a call, or `undefined` when the arguments do not fit. */
  readonly call: ((args: readonly unknown[]) => unknown) | null;
  /** Of a class of storages: the type of its elements; `null` for bytes. */
  readonly storageKind: StoredKind | null | undefined;
  /** For a supported dtype: its kind. */
  readonly kind: StoredKind | undefined;
  /** Its text when it is used as a value. */
  readonly text: string | undefined;

  constructor(
    name: string,
    call: ((args: readonly unknown[]) => unknown) | null,
    storageKind?: StoredKind | null,
    kind?: StoredKind,
    text: string | undefined = kind,
  ) {
    this.name = name;
    this.call = call;
    this.storageKind = storageKind;
    this.kind = kind;
    this.text = text;
  }
}

const table = new Map<string, Named>();

function add(
  name: string,
  call: Named["call"] = null,
  ...rest: [(StoredKind | null)?, StoredKind?, string?]
) {
  table.set(name, new Named(name, call, ...rest));
}

const storageKinds: Readonly<Record<string, StoredKind>> = {
  Double: "float64",
  Float: "float32",
  Half: "float16",
  BFloat16: "bfloat16",
  Long: "int64",
  Int: "int32",
  Short: "int16",
  Char: "int8",
  Byte: "uint8",
  Bool: "bool",
  ComplexFloat: "complex64",
  ComplexDouble: "complex128",
};

for (const [name, kind] of Object.entries(storageKinds)) {
  add(`torch.${name}Storage`, null, kind);
  add(`torch.cuda.${name}Storage`, null, kind);
}
add("torch.storage.UntypedStorage", null, null);
add("torch.UntypedStorage", null, null);

const dtypes: readonly StoredKind[] = [
  "float64",
  "float32",
  "float16",
  "bfloat16",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint64",
  "uint32",
  "uint16",
  "uint8",
  "bool",
  "complex64",
  "complex128",
];
for (const kind of dtypes) add(`torch.${kind}`, null, undefined, kind);

// As values in settings they are plain data; tensors of these dtypes are refused.
const otherDtypes = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
  ...["1x8", "2x4", "4x2", "8", "16"].map((bits) => `bits${bits}`),
  "complex32",
  "float8_e4m3fn",
  "float8_e4m3fnuz",
  "float8_e5m2",
  "float8_e5m2fnuz",
  "float8_e8m0fnu",
  "float4_e2m1fn_x2",
  "qint8",
  "qint32",
  "quint8",
  "quint4x2",
  "quint2x4",
];
const quantisations = [
  "per_tensor_affine",
  "per_tensor_symmetric",
  "per_channel_affine",
  "per_channel_symmetric",
  "per_channel_affine_float_qparams",
];
for (const text of [...otherDtypes, ...quantisations]) {
  add(`torch.${text}`, null, undefined, undefined, text);
}

for (const builtins of ["builtins", "__builtin__"]) {
  for (const name of ["set", "frozenset", "list"]) {
    add(`${builtins}.${name}`, ([items, ...rest]) => {
      if (rest.length > 0) return undefined;
      if (items === undefined) return new PickledList([]);
      return isSequence(items) ? new PickledList([...items.items]) : undefined;
    });
  }
  // Protocols up to 2 use the names of `int` and `str` in Python 2.
  for (const name of ["int", "long", "float", "bool", "str", "unicode"]) {
    add(`${builtins}.${name}`);
  }
  add(`${builtins}.dict`, makeDict);
  add(`${builtins}.tuple`, ([items = new PickledTuple([]), ...rest]) => {
    return isSequence(items) && rest.length === 0 ? new PickledTuple(items.items) : undefined;
  });
  add(`${builtins}.complex`, makeComplex);
  add(`${builtins}.bytes`, makeBytes);
  add(`${builtins}.bytearray`, makeBytes);
}
add("collections.OrderedDict", makeDict);
add("collections.Counter", makeDict);
add("collections.defaultdict", ([factory, ...rest]) => {
  const isFactory = factory === undefined || factory === null || factory instanceof Named;
  return isFactory ? makeDict(rest) : undefined;
});
// Bytes, in protocols that have no instruction for them.
add("_codecs.encode", makeBytes);
add("torch.Size", ([items, ...rest]) => {
  const isSize = isSequence(items) && rest.length === 0;
  return isSize ? new PickledTuple(items.items) : undefined;
});
add("torch.device", ([type, index]) => {
  if (typeof type !== "string") return undefined;
  return typeof index === "number" ? `${type}:${index}` : type;
});
add("torch.serialization._get_layout", ([name]) => {
  return name === "torch.strided" ? "strided" : undefined;
});
add("torch.Tensor");
add("torch.nn.parameter.Parameter", ([data]) => data instanceof StoredTensor ? data : undefined);
add("torch._utils._rebuild_tensor", rebuildTensor);
add(
  "torch._utils._rebuild_tensor_v2",
  (args) => isPlain(args[6]) ? rebuildTensor(args) : undefined,
);
add("torch._utils._rebuild_tensor_v3", (args) => {
  const [dtype, metadata] = args.slice(6);
  const kind = dtype instanceof Named ? dtype.kind : undefined;
  return isPlain(metadata) && kind !== undefined ? rebuildTensor(args, kind) : undefined;
});
for (const name of ["_rebuild_parameter", "_rebuild_parameter_with_state"]) {
  add(`torch._utils.${name}`, ([data]) => data instanceof StoredTensor ? data : undefined);
}
// A tensor with attributes of its own, which are passed over.
add("torch._tensor._rebuild_from_type_v2", ([rebuild, type, args]) => {
  const isTensor = type instanceof Named &&
    (type.name === "torch.Tensor" || type.name === "torch.nn.parameter.Parameter");
  if (!isTensor || !(rebuild instanceof Named) || !(args instanceof PickledTuple)) return undefined;
  const built = rebuild.call?.(args.items);
  return built instanceof StoredTensor ? built : undefined;
});

// Numbers that NumPy computed, such as the best accuracy of a training run. Their dtype is given its
// order of bytes as a state.
const NUMPY_DTYPE = "numpy.dtype";
add(NUMPY_DTYPE, ([name]) => {
  const kind = typeof name === "string" ? NUMPY_KINDS.get(name) : undefined;
  return kind === undefined ? undefined : new Named(NUMPY_DTYPE, null, undefined, kind);
});
for (const core of ["core", "_core"]) add(`numpy.${core}.multiarray.scalar`, makeNumber);

/** The meanings of some of the refused names. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/^torch\._utils\._rebuild_(qtensor)|^torch\.(cuda\.)?Q\w+Storage$|^torch\.q/, "quantised"],
  [/^torch\._utils\._rebuild_sparse/, "sparse"],
  [/^torch\.(cuda\.)?ComplexHalfStorage$|^torch\.complex/, "half-precision complex"],
  [/^torch\.float8|^torch\.float4|^torch\.bits/, "8-bit floating-point"],
  [/^torch\._utils\._rebuild_(meta|wrapper|nested)/, "wrapped or empty"],
];

function meaningOf(name: string): string | undefined {
  return meanings.find(([pattern]) => pattern.test(name))?.[1];
}

/** The fault of a name that denotes unsupported tensors. */
function unsupported(name: string): string {
  return `it names ${showName(name)}, and ${meaningOf(name)} tensors are not supported; ` +
    `convert them before saving`;
}

function isSequence(value: unknown): value is PickledList | PickledTuple {
  return value instanceof PickledList || value instanceof PickledTuple;
}

/** Whether a tensor's metadata is empty: it could request negated elements, for example. */
function isPlain(metadata: unknown): boolean {
  return metadata === undefined || metadata === null ||
    (metadata instanceof PickledDict && metadata.entries.size === 0);
}

/** Nothing, other bytes, or a text in Latin-1, which protocols without bytes write instead. */
function makeBytes([content, encoding]: readonly unknown[]): unknown {
  if (content === undefined) return new Uint8Array();
  if (content instanceof Uint8Array && encoding === undefined) return content;
  if (typeof content !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) {
    return undefined;
  }
  const bytes = new Uint8Array(content.length);
  for (let i = 0; i < content.length; i++) {
    if (content.charCodeAt(i) > 0xff) return undefined;
    bytes[i] = content.charCodeAt(i);
  }
  return bytes;
}

/** A complex number, as an object of its parts. */
function makeComplex([real = 0, imag = 0, ...rest]: readonly unknown[]): unknown {
  const isPair = typeof real === "number" && typeof imag === "number" && rest.length === 0;
  if (!isPair) return undefined;
  const parts = new PickledDict();
  parts.entries.set("real", real);
  parts.entries.set("imag", imag);
  return parts;
}

/** A dictionary of nothing, of another's entries, or of a list of pairs. */
function makeDict([pairs, ...rest]: readonly unknown[]): unknown {
  const dict = new PickledDict();
  if (rest.length > 0) return undefined;
  if (pairs === undefined) return dict;
  if (pairs instanceof PickledDict) {
    for (const [key, value] of pairs.entries) dict.entries.set(key, value);
    return dict;
  }
  if (!isSequence(pairs)) return undefined;
  for (const pair of pairs.items) {
    if (!isSequence(pair) || pair.items.length !== 2) return undefined;
    dict.entries.set(pair.items[0], pair.items[1]);
  }
  return dict;
}

/** A number from its dtype and its bytes, the least significant first. */
function makeNumber([dtype, bytes]: readonly unknown[]): unknown {
  const kind = dtype instanceof Named ? dtype.kind : undefined;
  if (kind === undefined || !(bytes instanceof Uint8Array)) return undefined;
  if (bytes.length !== storedBytes(kind)) return undefined;
  if (kind === "int64" || kind === "uint64") {
    const view = dataView(bytes);
    const value = kind === "int64" ? view.getBigInt64(0, true) : view.getBigUint64(0, true);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  const targets = readTargets(undefined, "");
  const type = { label: "", kind, shape: [], targets, bigEndian: false };
  return makeTensor(type, bytes).item<number | boolean>();
}

function rebuildTensor(args: readonly unknown[], dtype?: StoredKind): unknown {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof StoredStorage) || !isSequence(shape) || !isSequence(strides)) {
    return undefined;
  }
  const kind = dtype ?? storage.kind;
  return kind === null
    ? undefined
    : new StoredTensor(storage, kind, offset, shape.items, strides.items);
}

/** How much a call has to go through. */
function sizeOfArgument(value: unknown): number {
  if (isSequence(value)) return value.items.length;
  if (value instanceof PickledDict) return value.entries.size;
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 1;
}

/**
 * The host of the pickles of a checkpoint of `size` bytes; storages are noted in `storages` as they
 * are named.
 */
export function torchHost(size: number, storages: StoredStorage[], fail: Fail): PickleHost {
  // Arguments may be remembered, and go through calls again and again.
  let work = 4 * size;
  return {
    fail,
    global(module, name) {
      const full = `${module}.${name}`;
      const known = table.get(full);
      if (known !== undefined) return known;
      throw fail(
        meaningOf(full) === undefined
          ? `it names ${
            showName(full)
          }, and only tensors, numbers, strings and collections of them ` +
            `are read; save a state_dict instead`
          : unsupported(full),
      );
    },
    call(callable, args) {
      work = args.reduce((rest: number, arg) => rest - sizeOfArgument(arg), work);
      if (work < 0) throw fail("its pickle uses the same data too often");
      const name = callable instanceof Named ? callable.name : undefined;
      const result = callable instanceof Named ? callable.call?.(args) : undefined;
      if (result !== undefined) return result;
      const other = args.find((arg) => arg instanceof Named && meaningOf(arg.name) !== undefined);
      if (other instanceof Named) throw fail(unsupported(other.name));
      throw fail(
        name === undefined
          ? "its pickle calls what is no function"
          : `it calls ${name} with arguments that are not supported`,
      );
    },
    acceptsState(value, state) {
      // A state dictionary notes the versions of its modules. A parameter of PyTorch before 0.4 says
      // whether it requires gradients, whether it is volatile, and what hooks it has.
      if (value instanceof PickledDict) return state instanceof PickledDict;
      if (value instanceof Named && value.name === NUMPY_DTYPE) {
        const order = state instanceof PickledTuple ? state.items[1] : undefined;
        return order === "<" || order === "|" || order === "=";
      }
      return value instanceof StoredTensor && state instanceof PickledTuple &&
        state.items.length === 3;
    },
    load(id) {
      const [tag, type, key, _place, length, view] = id instanceof PickledTuple ? id.items : [];
      const kind = type instanceof Named ? type.storageKind : undefined;
      const isKey = typeof key === "string" || typeof key === "number";
      if (tag !== "storage" || kind === undefined || !isKey || !isCount(length)) {
        throw fail("it refers to what is no storage");
      }
      const storage = new StoredStorage(String(key), kind, length);
      storages.push(storage);
      if (view === undefined || view === null) return storage;
      // In files of the legacy format a storage may be part of another.
      const [, offset, size] = view instanceof PickledTuple ? view.items : [];
      if (!isCount(offset) || !isCount(size) || offset + size > length) {
        throw fail("it refers to what is no part of a storage");
      }
      return new StoredStorage(String(key), kind, size, offset);
    },
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

/** A name in a message, which may be anything. */
function showName(name: string): string {
  return /^[\w.<>]{1,200}$/.test(name) ? name : describeValue(name);
}

/** The text of a name without a call when it is used as a value: a dtype, as `float32`. */
export function textOfName(value: unknown): string | undefined {
  return value instanceof Named ? value.text : undefined;
}

/** The name that `value` is, when it is one. */
export function nameOf(value: unknown): string | undefined {
  return value instanceof Named ? value.name : undefined;
}

/**
 * The safetensors format: a JSON header of names, dtypes, shapes and places, then all elements.
 * https://github.com/huggingface/safetensors#format
 *
 * @module
 */
import { byteSize, describeValue } from "../base/dtype.ts";
import type { Dtype } from "../base/dtype.ts";
import { argumentError, dtypeError } from "../base/errors.ts";
import { readOptions } from "../base/options.ts";
import { checkShape, sizeOf } from "../base/shape.ts";
import { leafToTensor } from "../core/convert.ts";
import type { Tensor } from "../core/tensor.ts";
import { allocateFile, Budget, dataView, readSize, viewBytes } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { bytesOf, makeTensor, readTargets, storedBytes, tensorBytes, written } from "./elements.ts";
import type { ReadOptions, StoredKind, Written } from "./elements.ts";
import { parseJson } from "./json.ts";
import type { Json } from "./json.ts";

/**
 * Tensors by their names: what `nn.fromStateDict` takes and `nn.toStateDict` gives.
 *
 * @category Files
 */
export type TensorDict = { readonly [name: string]: Tensor };

/**
 * Options of `writeSafetensors`.
 *
 * @category Files
 */
export interface WriteSafetensorsOptions {
  /** Strings by their names, kept in the file's header. Default: none. */
  readonly metadata?: { readonly [name: string]: string };
}

/** The longest header that the format allows, in bytes. */
const MAX_HEADER = 100_000_000;

/** The key of the header that names no tensor. */
const METADATA = "__metadata__";

/** How the format names what can be read. */
const KINDS: ReadonlyMap<string, StoredKind> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
  ["C64", "complex64"],
]);

/** How the format names the dtypes of tensors, in the order of its files: such that all are aligned. */
const NAMES: Readonly<Partial<Record<Dtype, string>>> = {
  complex64: "C64",
  float64: "F64",
  float32: "F32",
  uint32: "U32",
  int32: "I32",
  bfloat16: "BF16",
  float16: "F16",
  uint16: "U16",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

const ORDER = Object.keys(NAMES);

/** One tensor as the header describes it. */
interface Described {
  readonly name: string;
  readonly kind: StoredKind;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the tensors of a safetensors file.
 *
 * Tensors have the dtypes of the file, unless the option `convert` says otherwise; integers of 64 bits
 * become what the option `int64` says. The header is checked in full before any element is read, and
 * nothing of the bytes is kept.
 *
 * @category Files
 * @param bytes The file's contents, such as `Deno.readFileSync("model.safetensors")`.
 * @param options The conversions of 64-bit integers and other dtypes.
 * @returns A fresh object, its names in the order of the header; `nn.fromStateDict` takes it.
 * {@linkcode readSafetensorsMetadata} gives the rest of the header.
 * @throws {ArgumentError} when the bytes are not a valid file of this format.
 * @throws {ShapeError} when a shape is none that a tensor may have.
 * @throws {DtypeError} when a dtype is none that can be read, or a 64-bit integer does not fit.
 *
 * @example Written and read
 * ```ts
 * import { io, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const bytes = io.writeSafetensors({ "fc.weight": tensor([[1, 2], [3, 4]]) });
 * assertTensorsClose(io.readSafetensors(bytes)["fc.weight"], [[1, 2], [3, 4]]);
 * ```
 */
export function readSafetensors(bytes: Bytes, options?: ReadOptions): TensorDict {
  return readContents(bytes, "Cannot read safetensors", options).tensors;
}

/** All that a file of this format holds; `what` begins messages. */
export function readContents(
  bytes: Bytes,
  what: string,
  options?: ReadOptions,
): { tensors: TensorDict; metadata: ReadonlyMap<string, string> } {
  const targets = readTargets(options, what);
  const file = viewBytes(bytes, what);
  const { header, metadata, data } = readHeader(file, what);
  const described = [...header].filter(([name]) => name !== METADATA).map(([name, entry]) =>
    describe(name, entry, what)
  );
  checkPlaces(described, data.length, what);
  const budget = new Budget(file.length, what);
  const tensors = Object.fromEntries(described.map(({ name, kind, shape, start, end }) => {
    const type = { label: labelOf(name, what), kind, shape, targets, bigEndian: false };
    budget.spend(tensorBytes(type));
    return [name, makeTensor(type, data.subarray(start, end))];
  }));
  return { tensors, metadata };
}

/**
 * Reads the strings in the header of a safetensors file, such as `{ format: "pt" }`.
 *
 * @category Files
 * @param bytes The file's contents.
 * @returns A fresh object of strings by their names; an empty one when the file has none.
 * @throws {ArgumentError} when the header is not a valid one.
 *
 * @example Written and read
 * ```ts
 * import { io, zeros } from "@jacobi/jacobi";
 *
 * const bytes = io.writeSafetensors({ w: zeros([2]) }, { metadata: { format: "pt" } });
 * const { format } = io.readSafetensorsMetadata(bytes);
 * if (format !== "pt") throw new Error(format);
 * ```
 */
export function readSafetensorsMetadata(bytes: Bytes): { readonly [name: string]: string } {
  const what = "Cannot read safetensors";
  return Object.fromEntries(readHeader(viewBytes(bytes, what), what).metadata);
}

/** The header, its metadata checked, and the elements. */
function readHeader(
  file: Uint8Array,
  what: string,
): { header: Map<string, Json>; metadata: ReadonlyMap<string, string>; data: Uint8Array } {
  const fail = (fault: string) => argumentError(`${what}: ${fault}`);
  if (file.length < 8) {
    throw fail(`expected at least 8 bytes, got ${file.length}; the file may be cut short`);
  }
  const length = readSize(dataView(file), 0);
  if (!(length <= MAX_HEADER)) {
    throw fail(
      `its first bytes announce a header longer than the ${MAX_HEADER} bytes allowed; it may be ` +
        `a file of another format`,
    );
  }
  if (length > file.length - 8) {
    throw fail(
      `its header of ${length} bytes does not fit in the ${file.length - 8} that follow; the ` +
        `file may be cut short`,
    );
  }
  const header = parseJson(decodeText(file.subarray(8, 8 + length), fail), fail);
  if (!(header instanceof Map) || file[8] !== 0x7b) throw fail("its header is not a JSON object");
  const metadata = header.has(METADATA) ? header.get(METADATA) : new Map<string, Json>();
  if (!isStrings(metadata)) {
    throw fail(`its ${METADATA} is not an object of strings`);
  }
  return { header, metadata, data: file.subarray(8 + length) };
}

function isStrings(value: Json | undefined): value is Map<string, string> {
  return value instanceof Map && [...value.values()].every((text) => typeof text === "string");
}

function decodeText(bytes: Uint8Array, fail: (fault: string) => Error): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("its header is not UTF-8 text");
  }
}

function labelOf(name: string, what: string): string {
  return `${what}: tensor ${describeValue(name)}`;
}

/** The header's description of one tensor, checked except against its neighbours. */
function describe(name: string, entry: Json, what: string): Described {
  const label = labelOf(name, what);
  const field = (key: string) => entry instanceof Map ? entry.get(key) : undefined;
  const [dtype, offsets] = [field("dtype"), field("data_offsets")];
  if (typeof dtype !== "string" || !Array.isArray(offsets) || !Array.isArray(field("shape"))) {
    throw argumentError(`${label} must have dtype, shape and data_offsets`);
  }
  const kind = KINDS.get(dtype);
  if (kind === undefined) {
    throw dtypeError(
      `${label} has dtype ${describeValue(dtype)}, expected one of ` +
        `${[...KINDS.keys()].join(", ")}; convert it before saving`,
    );
  }
  const shape = checkShape(field("shape"), label);
  const [start, end] = offsets;
  const isOffset = (n: Json) => Number.isSafeInteger(n) && n as number >= 0;
  if (offsets.length !== 2 || !offsets.every(isOffset)) {
    throw argumentError(`${label} must have two offsets that are non-negative integers`);
  }
  const expected = sizeOf(shape) * storedBytes(kind);
  const actual = Number(end) - Number(start);
  if (actual !== expected) {
    throw argumentError(
      `${label} of dtype ${dtype} and shape [${shape}] takes ${expected} bytes, its offsets ` +
        `${start} and ${end} span ${actual}`,
    );
  }
  return { name, kind, shape, start: Number(start), end: Number(end) };
}

/** Throws unless the tensors fill the data, each byte belonging to one. */
function checkPlaces(described: readonly Described[], length: number, what: string): void {
  const sorted = [...described].sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const { name, ...place } of sorted) {
    if (place.end > length) {
      throw argumentError(
        `${labelOf(name, what)} ends at byte ${place.end} of ${length}; the file may be cut short`,
      );
    }
    if (place.start !== end) {
      const fault = place.start < end
        ? "overlaps the one before it"
        : "leaves a hole after the one before it";
      throw argumentError(
        `${labelOf(name, what)} ${fault}: it starts at byte ${place.start}, expected ${end}`,
      );
    }
    end = place.end;
  }
  if (end !== length) {
    throw argumentError(`${what}: ${length - end} bytes belong to no tensor`);
  }
}

/**
 * Writes tensors as a safetensors file: the bytes that the Python package writes too, where names are
 * within Unicode's basic plane and there is at most one string of metadata (it keeps no order among
 * several; here they are sorted).
 *
 * @category Files
 * @param tensors Tensors by their names, such as `nn.toStateDict` gives.
 * @param options Strings to store with the tensors.
 * @returns The file's contents, for `Deno.writeFileSync("model.safetensors", …)`.
 * @throws {ArgumentError} when `tensors` is not an object, or a name or string cannot be written.
 * @throws {TreeError} when a value is not a tensor.
 * @throws {TraceError} when a tensor is traced and has no concrete value.
 *
 * @example A model's parameters
 * ```ts
 * import { io, nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const layer = nn.linear(2, 3);
 * const [params, state] = layer.init(random.key(0));
 * const bytes = io.writeSafetensors(nn.toStateDict(params, state));
 * const [loaded] = nn.fromStateDict(io.readSafetensors(bytes), params, state);
 * assertTensorsClose(loaded, params);
 * ```
 */
export function writeSafetensors(
  tensors: TensorDict,
  options?: WriteSafetensorsOptions,
): Uint8Array<ArrayBuffer> {
  const what = "Cannot write safetensors";
  const { metadata = {} } = readOptions(what, options, ["metadata"]);
  return writeContents(tensors, metadata, what);
}

/** A file of tensors and strings; `what` begins messages. */
export function writeContents(
  tensors: TensorDict,
  metadata: { readonly [name: string]: string },
  what: string,
): Uint8Array<ArrayBuffer> {
  const entries = entriesOf(tensors, what).map(([name, value]): [string, Written] => {
    checkName(name, what);
    const x = leafToTensor(value, [name], what);
    if (NAMES[x.dtype] !== undefined) return [name, written(x)];
    throw dtypeError(
      `${labelOf(name, what)} is of dtype ${x.dtype}, which the format lacks; convert with astype`,
    );
  });
  entries.sort(([a, x], [b, y]) =>
    ORDER.indexOf(x.dtype) - ORDER.indexOf(y.dtype) || (a < b ? -1 : 1)
  );
  const fields: string[] = [];
  const texts = entriesOf(metadata, what);
  if (texts.length > 0) {
    const parts = texts.sort(([a], [b]) => a < b ? -1 : 1).map(([name, text]) => {
      if (typeof text !== "string" || !text.isWellFormed() || !name.isWellFormed()) {
        throw argumentError(
          `${what}: metadata must be strings of valid Unicode, got ${describeValue(text)} at ` +
            `${describeValue(name)}`,
        );
      }
      return `${JSON.stringify(name)}:${JSON.stringify(text)}`;
    });
    fields.push(`"${METADATA}":{${parts.join(",")}}`);
  }
  let end = 0;
  const starts = entries.map(([name, { dtype, shape }]) => {
    const start = end;
    end += sizeOf(shape) * byteSize(dtype);
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${NAMES[dtype]}","shape":[${shape}],` +
        `"data_offsets":[${start},${end}]}`,
    );
    return start;
  });
  const text = new TextEncoder().encode(`{${fields.join(",")}}`);
  // Blanks after the header align the elements.
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER) {
    throw argumentError(`${what}: the header of ${length} bytes is longer than ${MAX_HEADER}`);
  }
  const file = allocateFile(8 + length + end, what);
  dataView(file).setBigUint64(0, BigInt(length), true);
  file.fill(0x20, 8, 8 + length).set(text, 8);
  entries.forEach(([, value], i) => file.set(bytesOf(value), 8 + length + starts[i]));
  return file;
}

/** The entries of an object that the caller gave. */
export function entriesOf(object: unknown, what: string): [string, unknown][] {
  if (typeof object === "object" && object !== null) {
    const prototype = Object.getPrototypeOf(object);
    if (prototype === Object.prototype || prototype === null) return Object.entries(object);
  }
  throw argumentError(`${what}: expected an object with names, got ${describeValue(object)}`);
}

function checkName(name: string, what: string): void {
  if (name === METADATA) {
    throw argumentError(`${what}: ${METADATA} names no tensor; pass it as the option metadata`);
  }
  if (!name.isWellFormed()) {
    throw argumentError(`${what}: the name ${JSON.stringify(name)} is not valid Unicode`);
  }
}

/**
 * NumPy's files of one array, and its archives of several.
 *
 * @module
 */
import { describeValue } from "../base/dtype.ts";
import { argumentError } from "../base/errors.ts";
import { checkShape, sizeOf, stridesOf } from "../base/shape.ts";
import { toTensor } from "../core/convert.ts";
import type { Tensor, TensorLike } from "../core/tensor.ts";
import { allocateFile, Budget, dataView, viewBytes } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { bytesOf, readTargets, storedBytes, written } from "./elements.ts";
import type { ReadOptions, Targets } from "./elements.ts";
import { gatherTensor } from "./gather.ts";
import { formatNpyHeader, parseNpyHeader } from "./npy_header.ts";
import { entriesOf } from "./safetensors.ts";
import type { TensorDict } from "./safetensors.ts";
import { readZipDirectory, readZipEntry } from "./zip.ts";
import { writeZip } from "./zip_writer.ts";

/** How a file begins: `\x93NUMPY`. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** The longest header that is read, in bytes: NumPy's own limit. */
const MAX_HEADER = 10_000;

/**
 * Reads an array that `numpy.save` wrote, of any version of the format and any order of axes and
 * bytes.
 *
 * Tensors have the array's dtype, unless the option `convert` says otherwise; integers of 64 bits,
 * NumPy's default, become what the option `int64` says. Raw data of two bytes (`V2`) is bfloat16, which
 * `ml_dtypes` writes so.
 *
 * @category Files
 * @param bytes The file's contents, such as `Deno.readFileSync("x.npy")`.
 * @param options The conversions of 64-bit integers and other dtypes.
 * @returns A tensor of the array's shape.
 * @throws {ArgumentError} when the bytes are not a valid file of this format.
 * @throws {ShapeError} when the shape is none that a tensor may have.
 * @throws {DtypeError} when the dtype is none that can be read (objects, which would have to be run,
 * are among them), or a 64-bit integer does not fit.
 *
 * @example Written and read
 * ```ts
 * import { io } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(io.readNpy(io.writeNpy([[1, 2], [3, 4]])), [[1, 2], [3, 4]]);
 * ```
 */
export function readNpy(bytes: Bytes, options?: ReadOptions): Tensor {
  const what = "Cannot read npy";
  const targets = readTargets(options, what);
  const file = viewBytes(bytes, what);
  return readArray(file, what, targets, new Budget(file.length, what));
}

/**
 * Reads the arrays that `numpy.savez` or `numpy.savez_compressed` wrote.
 *
 * @category Files
 * @param bytes The file's contents, such as `Deno.readFileSync("data.npz")`.
 * @param options The conversions of 64-bit integers and other dtypes.
 * @returns Tensors by the names of the arrays, as {@linkcode readNpy} reads them.
 * @throws {ArgumentError} when the bytes are not a valid file of this format, or it unfolds to far
 * more than its own size.
 * @throws {ShapeError} when a shape is none that a tensor may have.
 * @throws {DtypeError} when a dtype is none that can be read, or a 64-bit integer does not fit.
 *
 * @example An archive of one array
 * ```ts
 * import { io } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * // numpy.savez_compressed(file, x=numpy.arange(3, dtype="float32"))
 * const bytes = Uint8Array.fromBase64(
 *   "UEsDBC0AAAAIAAAAIQC2jIZT//////////8FABQAeC5ucHkBABAAjAAAAAAAAABLAAAAAAAAAJvs" +
 *     "F+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6" +
 *     "mjoKtQoUAC4GMGiwBxIOAFBLAQItAy0AAAAIAAAAIQC2jIZTSwAAAIwAAAAFAAAAAAAAAAAAAACA" +
 *     "AQAAAAB4Lm5weVBLBQYAAAAAAQABADMAAACCAAAAAAA=",
 * );
 * assertTensorsClose(io.readNpz(bytes).x, [0, 1, 2]);
 * ```
 */
export function readNpz(bytes: Bytes, options?: ReadOptions): TensorDict {
  const what = "Cannot read npz";
  const targets = readTargets(options, what);
  const file = viewBytes(bytes, what);
  const budget = new Budget(file.length, what);
  const entries = [...readZipDirectory(file, what).values()].map((entry): [string, Tensor] => {
    if (!entry.name.endsWith(".npy")) {
      throw argumentError(`${what}: entry ${describeValue(entry.name)} is no array`);
    }
    const name = entry.name.slice(0, -".npy".length);
    const label = `${what}: array ${describeValue(name)}`;
    return [name, readArray(readZipEntry(file, entry, budget, what), label, targets, budget)];
  });
  return Object.fromEntries(entries);
}

/** Reads one array; `label` begins messages. */
function readArray(file: Uint8Array, label: string, targets: Targets, budget: Budget): Tensor {
  const fail = (fault: string) => argumentError(`${label}: ${fault}`);
  if (!MAGIC.every((byte, i) => file[i] === byte)) {
    throw fail(
      file[0] === 0x50 && file[1] === 0x4b
        ? "it is a zip file; use readNpz"
        : "it does not begin as NumPy's files do",
    );
  }
  if (file.length < 10) throw fail("it ends within its header; the file may be cut short");
  const version = file[6];
  const isNarrow = version === 1;
  const start = isNarrow ? 10 : 12;
  if (!(version >= 1 && version <= 3) || file[7] !== 0) {
    throw fail(`it is of version ${version}.${file[7]}, expected 1.0, 2.0 or 3.0`);
  }
  if (file.length < start) throw fail("it ends within its header; the file may be cut short");
  const view = dataView(file);
  const length = isNarrow ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) {
    throw fail(`its header of ${length} bytes is longer than the ${MAX_HEADER} that are read`);
  }
  if (start + length > file.length) {
    throw fail("it ends within its header; the file may be cut short");
  }
  const text = new TextDecoder().decode(file.subarray(start, start + length));
  const { kind, bigEndian, fortranOrder, shape: stated } = parseNpyHeader(text, label);
  const shape = checkShape(stated, label);
  const data = file.subarray(start + length);
  const expected = sizeOf(shape) * storedBytes(kind);
  if (data.length !== expected) {
    const hint = data.length < expected ? "; the file may be cut short" : "";
    throw fail(`shape [${shape}] takes ${expected} bytes, ${data.length} follow${hint}`);
  }
  const strides = fortranOrder ? stridesOf([...shape].reverse()).reverse() : stridesOf(shape);
  return gatherTensor(
    { label, kind, shape, targets, bigEndian },
    data,
    { offset: 0, strides },
    budget,
  );
}

/**
 * Writes a tensor as `numpy.load` reads it: the very bytes that `numpy.save` writes. NumPy has no
 * bfloat16, and reads it as raw data: `numpy.load(file).view(ml_dtypes.bfloat16)`.
 *
 * @category Files
 * @param x Any shape and dtype.
 * @returns The file's contents, for `Deno.writeFileSync("x.npy", …)`.
 * @throws {TraceError} when the tensor is traced and has no concrete value.
 *
 * @example How a file begins
 * ```ts
 * import { io } from "@jacobi/jacobi";
 *
 * const text = new TextDecoder("latin1").decode(io.writeNpy([1, 2]).subarray(1, 6));
 * if (text !== "NUMPY") throw new Error(text);
 * ```
 */
export function writeNpy(x: TensorLike): Uint8Array<ArrayBuffer> {
  return formatArray(x, "Cannot write npy");
}

/** The file of one array; `label` begins messages. */
function formatArray(x: TensorLike, label: string): Uint8Array<ArrayBuffer> {
  const value = written(toTensor(x, label));
  // The length of the header fits two bytes: a tensor has at most 64 axes.
  const header = new TextEncoder().encode(formatNpyHeader(value.dtype, value.shape, 10));
  const data = bytesOf(value);
  const file = allocateFile(10 + header.length + data.length, label);
  file.set([...MAGIC, 1, 0]);
  dataView(file).setUint16(8, header.length, true);
  file.set(header, 10);
  file.set(data, 10 + header.length);
  return file;
}

/**
 * Writes tensors as `numpy.load` reads them by their names: the very bytes that `numpy.savez` writes,
 * without compression.
 *
 * @category Files
 * @param tensors Tensors, numbers or arrays by their names; any shapes and dtypes, as in
 * {@linkcode writeNpy}.
 * @returns The file's contents, for `Deno.writeFileSync("data.npz", …)`.
 * @throws {ArgumentError} when `tensors` is not an object, or a name cannot be written.
 * @throws {TraceError} when a tensor is traced and has no concrete value.
 *
 * @example Written and read
 * ```ts
 * import { io } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const bytes = io.writeNpz({ x: [[1, 2], [3, 4]], y: [0, 1] });
 * assertTensorsClose(io.readNpz(bytes).x, [[1, 2], [3, 4]]);
 * ```
 */
export function writeNpz(
  tensors: { readonly [name: string]: TensorLike },
): Uint8Array<ArrayBuffer> {
  const what = "Cannot write npz";
  const entries = entriesOf(tensors, what).map(([name, x]) => ({
    name: `${name}.npy`,
    data: formatArray(x as TensorLike, `${what}: array ${describeValue(name)}`),
  }));
  return writeZip(entries, what);
}

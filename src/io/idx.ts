/**
 * IDX, the format of the MNIST files: a type, lengths of axes, then all elements, most significant
 * bytes first. http://yann.lecun.com/exdb/mnist/
 *
 * @module
 */
import { argumentError, dtypeError } from "../base/errors.ts";
import { checkShape, sizeOf } from "../base/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { Budget, dataView, viewBytes } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { makeTensor, readTargets, storedBytes, tensorBytes } from "./elements.ts";
import type { ReadOptions, StoredKind } from "./elements.ts";

/** The kinds of elements by the third byte of a file. */
const KINDS: ReadonlyMap<number, StoredKind> = new Map([
  [0x08, "uint8"],
  [0x09, "int8"],
  [0x0b, "int16"],
  [0x0c, "int32"],
  [0x0d, "float32"],
  [0x0e, "float64"],
]);

/**
 * Reads a file in the format of MNIST, Fashion-MNIST, KMNIST and EMNIST. Images are
 * `uint8[count, rows, columns]`, labels `uint8[count]`.
 *
 * The files are mostly distributed compressed, as `*.gz`; unpack them first:
 * `await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).bytes()`.
 *
 * @category Files
 * @param bytes The file's contents, unpacked.
 * @param options Conversions of dtypes, such as `{ convert: { uint8: "float32" } }`.
 * @returns A tensor of the file's shape; its dtype is uint8, int8, int16, int32, float32 or float64.
 * @throws {ArgumentError} when the bytes are not a valid file of this format.
 * @throws {ShapeError} when the shape is none that a tensor may have.
 * @throws {DtypeError} when the type of the elements is none of the format's.
 *
 * @example Two labels
 * ```ts
 * import { io } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const labels = io.readIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 4));
 * assertTensorsClose(labels, new Uint8Array([5, 4]));
 * ```
 */
export function readIdx(bytes: Bytes, options?: ReadOptions): Tensor {
  const what = "Cannot read idx";
  const targets = readTargets(options, what);
  const file = viewBytes(bytes, what);
  const fail = (fault: string) => argumentError(`${what}: ${fault}`);
  if (file[0] === 0x1f && file[1] === 0x8b) {
    throw fail('it is compressed; unpack it first with new DecompressionStream("gzip")');
  }
  if (file.length < 4) {
    throw fail(`expected at least 4 bytes, got ${file.length}; the file may be cut short`);
  }
  const [first, second, code, ndim] = file;
  if (first !== 0 || second !== 0) {
    throw fail(`expected two zeros at its beginning, got ${first} and ${second}`);
  }
  const kind = KINDS.get(code);
  if (kind === undefined) {
    throw dtypeError(
      `${what}: expected elements of type ${[...KINDS.keys()].join(", ")}, got type ${code}`,
    );
  }
  const start = 4 + 4 * ndim;
  if (file.length < start) {
    throw fail(`it ends within the lengths of its ${ndim} axes; the file may be cut short`);
  }
  const view = dataView(file);
  const lengths = Array.from({ length: ndim }, (_, axis) => view.getUint32(4 + 4 * axis));
  const shape = checkShape(lengths, what);
  const data = file.subarray(start);
  const expected = sizeOf(shape) * storedBytes(kind);
  if (data.length !== expected) {
    const hint = data.length < expected ? "; the file may be cut short" : "";
    throw fail(`shape [${shape}] takes ${expected} bytes, ${data.length} follow${hint}`);
  }
  const type = { label: what, kind, shape, targets, bigEndian: true };
  new Budget(file.length, what).spend(tensorBytes(type));
  return makeTensor(type, data);
}

/**
 * Checkpoints that PyTorch wrote.
 *
 * @module
 */
import { argumentError } from "../base/errors.ts";
import type { Tensor } from "../core/tensor.ts";
import { viewBytes } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { readTargets } from "./elements.ts";
import type { ReadOptions } from "./elements.ts";
import type { TensorDict } from "./safetensors.ts";
import { readLegacyCheckpoint, readZipCheckpoint } from "./torch_files.ts";

/**
 * The contents of a checkpoint.
 *
 * @category Files
 */
export type TorchValue =
  | Tensor
  | number
  | bigint
  | boolean
  | string
  | null
  | Uint8Array
  | readonly TorchValue[]
  | { readonly [key: string]: TorchValue };

/**
 * Reads what `torch.save` wrote, in the zip format of today or the legacy format of PyTorch up to 1.5.
 *
 * Nothing that the file names is run. Checkpoints are pickles, which are programs; the ones that
 * build tensors, numbers, strings, dictionaries, lists and tuples of them are followed by a machine
 * that can do nothing else, and any other name is refused. So a `state_dict` is read, also together with the
 * state of an optimiser, and a pickled `nn.Module` is not.
 *
 * Dictionaries become plain objects; keys that are no strings are written as Python writes them (`1`,
 * `None`, `(0, 'a')`). Lists, tuples and sets become arrays; `None` becomes `null`; integers beyond
 * 2^53 become bigints, complex numbers `{ real, imag }`, and bytes a `Uint8Array`; `torch.Size`
 * becomes an array, a dtype, layout or device its name, a number of NumPy a number.
 *
 * Tensors have the dtypes of the file, unless the option `convert` says otherwise; integers of 64 bits
 * become what the option `int64` says. Views of one storage are tensors of their own; equal ones are
 * one tensor.
 *
 * TypeScript cannot see the contents of a file, and assumes a state dictionary by default:
 * `readTorch<{ model: io.TensorDict; epoch: number }>(bytes)`.
 *
 * @category Files
 * @param bytes The file's contents, such as `Deno.readFileSync("resnet18.pth")`.
 * @param options The conversions of 64-bit integers and other dtypes.
 * @returns The saved object, made of fresh values; `nn.fromStateDict` takes a state dictionary.
 * @throws {ArgumentError} when the bytes are no valid checkpoint, name anything that is not known, or
 * hold quantised or sparse tensors or big-endian data.
 * @throws {ShapeError} when a shape is none that a tensor may have.
 * @throws {DtypeError} when a 64-bit integer does not fit.
 *
 * @example A saved dictionary
 * ```ts
 * import { io } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * // torch.save({"w": torch.tensor([1.5, -2.0])}, file, _use_new_zipfile_serialization=False)
 * const bytes = Uint8Array.fromBase64(
 *   "gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAA" +
 *     "AGxpdHRsZV9lbmRpYW5xAohYCgAAAHR5cGVfc2l6ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAA" +
 *     "aW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAFgBAAAAd3EBY3RvcmNoLl91dGlscwpfcmVidWls" +
 *     "ZF90ZW5zb3JfdjIKcQIoKFgHAAAAc3RvcmFnZXEDY3RvcmNoCkZsb2F0U3RvcmFnZQpxBFgOAAAA" +
 *     "OTQyNDQyMjU4OTUxMjBxBVgDAAAAY3B1cQZLAk50cQdRSwBLAoVxCEsBhXEJiWNjb2xsZWN0aW9u" +
 *     "cwpPcmRlcmVkRGljdApxCilScQt0cQxScQ1zLoACXXEAWA4AAAA5NDI0NDIyNTg5NTEyMHEBYS4C" +
 *     "AAAAAAAAAAAAwD8AAADA",
 * );
 * const { w } = io.readTorch(bytes);
 * assertTensorsClose(w, [1.5, -2]);
 * ```
 */
export function readTorch<Contents = TensorDict>(bytes: Bytes, options?: ReadOptions): Contents {
  const what = "Cannot read this checkpoint";
  const targets = readTargets(options, what);
  const file = viewBytes(bytes, what);
  const source = {
    file,
    what,
    targets,
    fail: (fault: string) => argumentError(`${what}: ${fault}`),
  };
  if (startsWith(file, [0x50, 0x4b, 0x03, 0x04])) return readZipCheckpoint(source) as Contents;
  if (file[0] === 0x80) return readLegacyCheckpoint(source) as Contents;
  throw source.fail(describeFormat(file));
}

function startsWith(file: Uint8Array, signature: readonly number[], at: number = 0): boolean {
  return signature.every((byte, i) => file[at + i] === byte);
}

/** Other possible formats of the file. */
function describeFormat(file: Uint8Array): string {
  if (file.length === 0) return "it is empty";
  if (startsWith(file, [0x75, 0x73, 0x74, 0x61, 0x72], 257)) {
    return "it is a tar file, the format of PyTorch before 0.2; load and save it with a newer PyTorch";
  }
  if (startsWith(file, [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59])) {
    return "it is a file of NumPy; use readNpy";
  }
  if (startsWith(file, [0x7b], 8)) return "it looks like safetensors; use readSafetensors";
  return "it is neither a zip file nor a legacy checkpoint of PyTorch";
}

/**
 * Reading and writing files of tensors: safetensors, PyTorch's checkpoints, NumPy's arrays, MNIST's
 * files, and whole trees as checkpoints.
 *
 * All functions are pure, from bytes to tensors and back; none touches a file. Bytes come from
 * `Deno.readFileSync(path)`, `await (await fetch(url)).bytes()` or anywhere else, and the tensors
 * are copies. Files are checked in full: a broken or hostile one is refused with an
 * error that gives the reason, and nothing that a file names is ever run.
 *
 * @example A model's parameters as a file, and back
 * ```ts
 * import { io, nn, random } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const model = nn.sequential(nn.linear(2, 8), nn.batchNorm(8));
 * const [params, state] = model.init(random.key(0));
 * const bytes = io.writeSafetensors(nn.toStateDict(params, state));
 * const [loaded] = nn.fromStateDict(io.readSafetensors(bytes), params, state);
 * assertTensorsClose(loaded, params);
 * ```
 *
 * @module
 */
export type { Bytes } from "./bytes.ts";
export type { ReadOptions } from "./elements.ts";
export { readIdx } from "./idx.ts";
export { readNpy, readNpz, writeNpy, writeNpz } from "./npy.ts";
export { readSafetensors, readSafetensorsMetadata, writeSafetensors } from "./safetensors.ts";
export type { TensorDict, WriteSafetensorsOptions } from "./safetensors.ts";
export { readTorch } from "./torch.ts";
export type { TorchValue } from "./torch.ts";
export { loadTree, saveTree } from "./tree.ts";

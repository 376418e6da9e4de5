/**
 * Batches of examples for training: from tensors, lists, streams and files, shuffled anew in each epoch from
 * a key, changed by pure functions, and continued from any place.
 *
 * @example Batches for two epochs
 * ```ts
 * import { arange, data, random } from "@jacobi/jacobi";
 *
 * const set = { x: arange(20).reshape([10, 2]), y: arange(10) };
 * const [training, validation] = data.split(random.key(0), set, [8, 2]);
 * const batches = data.batches(training, { batchSize: 4, key: random.key(1) });
 * let count = 0;
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   for await (const { x, y } of batches.epoch(epoch)) count += x.shape[0] + y.shape[0];
 * }
 * if (count !== 32 || validation.y.size !== 2) throw new Error(String(count));
 * ```
 *
 * @module
 */
export { augment, batches, map, prefetch } from "./batches.ts";
export type { Batches, BatchesOptions, Position, Positioned } from "./batches.ts";
export { normalize, randomCrop, randomFlip } from "./images.ts";
export type { NormalizeOptions, RandomCropOptions, RandomFlipOptions } from "./images.ts";
export { examples, files } from "./source.ts";
export type { Chunk, Contents, Plan, Source } from "./source.ts";
export { split } from "./split.ts";

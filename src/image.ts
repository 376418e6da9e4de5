/**
 * Images: resizing, sampling, patches. Images are `[batch, channels, height, width]` where nothing else is
 * said.
 *
 * @example An image turned by a quarter, and back in its first size
 * ```ts
 * import { image, tensor } from "@jacobi/jacobi";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * const x = tensor([[[[1, 2], [3, 4]]]]);
 * const grid = image.affineGrid([[[0, 1, 0], [-1, 0, 0]]], x.shape);
 * assertTensorsClose(image.gridSample(x, grid), [[[[3, 1], [4, 2]]]]);
 * assertTensorsClose(image.interpolate(image.interpolate(x, { size: 4 }), { size: 2 }), x);
 * ```
 *
 * @module
 */
export { channelShuffle, fold, pixelShuffle, pixelUnshuffle, unfold } from "./image/patches.ts";
export type { PatchOptions } from "./image/patches.ts";
export { interpolate, resize, scaleAndTranslate } from "./image/resizing.ts";
export type {
  InterpolateMode,
  InterpolateOptions,
  ResizeMethod,
  ResizeOptions,
} from "./image/resizing.ts";
export { affineGrid, gridSample, mapCoordinates } from "./image/sampling.ts";
export type {
  AffineGridOptions,
  GridSampleOptions,
  MapCoordinatesOptions,
  MapMode,
} from "./image/sampling.ts";

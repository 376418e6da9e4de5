/**
 * Fourier transforms of complex and real tensors, cosine transforms, frequencies and their order.
 *
 * Transforms are of any length: by stages of its prime factors, or, where one is larger than 199, as a
 * convolution. float64 is computed in double precision, float32 in single precision where it is compiled.
 *
 * @example A signal is the sum of its cosines
 * ```ts
 * import { dct, idct } from "@jacobi/jacobi/fft";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(idct(dct([1, 4, 9], { type: 3 }), { type: 3 }), [1, 4, 9]);
 * ```
 *
 * @module
 */
export type { Norm } from "./fft/arguments.ts";
export { dct, idct } from "./fft/cosine.ts";
export type { CosineOptions } from "./fft/cosine.ts";
export { fftfreq, fftshift, ifftshift, rfftfreq } from "./fft/frequencies.ts";
export {
  fft,
  fft2,
  fftn,
  hfft,
  ifft,
  ifft2,
  ifftn,
  ihfft,
  irfft,
  irfft2,
  irfftn,
  rfft,
  rfft2,
  rfftn,
} from "./fft/transforms.ts";
export type { TransformOptions, TransformsOptions } from "./fft/transforms.ts";
export type { FrequencyOptions, ShiftOptions } from "./fft/frequencies.ts";

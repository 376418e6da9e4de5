/**
 * Signals: convolutions, correlations, spectra and windows.
 *
 * @example A smoothed signal
 * ```ts
 * import { convolve, hanning } from "@jacobi/jacobi/signal";
 * import { assertTensorsClose } from "@jacobi/jacobi/testing";
 *
 * assertTensorsClose(convolve([0, 4, 0], hanning(5), { mode: "same" }), [2, 4, 2]);
 * ```
 *
 * @module
 */
export { convolve, correlate, fftConvolve } from "./signal/convolution.ts";
export type {
  ConvolutionMode,
  ConvolutionOptions,
  FftConvolutionOptions,
} from "./signal/convolution.ts";
export { convolve2d, correlate2d } from "./signal/images.ts";
export type { ImageConvolutionOptions } from "./signal/images.ts";
export { csd, istft, periodogram, stft, welch } from "./signal/spectra.ts";
export type {
  BoundaryOption,
  IstftOptions,
  PeriodogramOptions,
  SegmentOptions,
  Segments,
  Spectrum,
  StftOptions,
  WelchOptions,
} from "./signal/spectra.ts";
export { detrend } from "./signal/trend.ts";
export type { DetrendOptions } from "./signal/trend.ts";
export { bartlett, blackman, hamming, hanning, kaiser } from "./signal/windows.ts";
export type { WindowName, WindowOptions } from "./signal/windows.ts";

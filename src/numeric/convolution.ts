/**
 * Convolutions over any number of spatial dimensions, their two adjoints, and the search for the
 * largest element of every window.
 *
 * A convolution is written as a matrix product: the windows of the input become the columns of a
 * matrix with one row per channel and tap of the kernel, which the filters multiply from the left
 * (K. Chellapilla, S. Puri and P. Simard, "High Performance Convolutional Neural Networks for Document
 * Processing", 2006). The gradient with respect to the input multiplies by the transposed filters and
 * adds every column back to its window; the gradient with respect to the filters multiplies the
 * output's cotangent by the transposed windows.
 *
 * Windows are unfolded a block of columns at a time, so that scratch memory stays bounded; small
 * images share a block, so filters are not read again for each of them. Kernels of one tap, without
 * strides or padding, multiply the input itself.
 *
 * Floating-point sums are formed in double precision and rounded once, on the store; integers wrap
 * modulo 2³².
 *
 * @module
 */
import { accumulateMatmul, matmul, type Numbers } from "./matmul.ts";

/**
 * The extents of a convolution `y = x * w`, which {@linkcode convolve} defines.
 *
 * The lists have one entry per spatial dimension, and may be empty: the convolution is then the matrix
 * product of `x` with the filters.
 */
export interface ConvSize {
  /** The number of images. */
  readonly batch: number;
  /** The number of groups into which channels are divided; each group is convolved separately. */
  readonly groups: number;
  /** Channels of `x` in each group. */
  readonly inPerGroup: number;
  /** Channels of `y` in each group. */
  readonly outPerGroup: number;
  /** Spatial extents of `x`. */
  readonly input: readonly number[];
  /** Spatial extents of the kernel. */
  readonly kernel: readonly number[];
  /** Spatial extents of `y`. */
  readonly output: readonly number[];
  /** Positions of `x` between one window and the next; at least one. */
  readonly stride: readonly number[];
  /** Positions of `x` between one tap of the kernel and the next; at least one. */
  readonly dilation: readonly number[];
  /**
   * Zeros before the first position of `x`; negative padding crops. The padding after the last
   * position is implied by `output`.
   */
  readonly padLow: readonly number[];
}

/** The extents of a search through windows, as in {@linkcode ConvSize}. */
export interface WindowSize {
  /** The number of arrays, each of which is searched separately. */
  readonly outer: number;
  /** Spatial extents of `x`. */
  readonly input: readonly number[];
  /** Spatial extents of the window. */
  readonly kernel: readonly number[];
  /** Spatial extents of the result: the number of windows. */
  readonly output: readonly number[];
  /** Positions of `x` between one window and the next; at least one. */
  readonly stride: readonly number[];
  /** Positions of `x` between one element of a window and the next; at least one. */
  readonly dilation: readonly number[];
  /** Positions by which the first window begins before `x`; negative if it begins inside. */
  readonly padLow: readonly number[];
}

/**
 * Writes the convolution (in the sense of machine learning: the kernel is not reversed)
 * `y[n, o, p] = Σ x[n, i, p * stride - padLow + q * dilation] w[o, i, q]`, summed over the channels `i`
 * of the group that `o` belongs to and over the taps `q` of the kernel. Positions outside `x` read as
 * zero.
 *
 * @param y The result, `[batch, groups * outPerGroup, ...output]`; its former contents are overwritten.
 * @param x The images, `[batch, groups * inPerGroup, ...input]`.
 * @param w The filters, `[groups * outPerGroup, inPerGroup, ...kernel]`.
 * @param size The extents; any of them may be zero.
 */
export function convolve(y: Numbers, x: Numbers, w: Numbers, size: ConvSize): void {
  const plan = planOf(size);
  y.fill(0);
  if (plan.empty) return;
  const { outPerGroup: m } = size, k = plan.rows;
  for (const part of partsOf(plan)) {
    const images = plan.direct ? null : readImages(x, plan, part);
    const filters = w.subarray(part.group * m * k, (part.group + 1) * m * k);
    for (let start = 0; start < part.columns; start += plan.width) {
      const n = Math.min(plan.width, part.columns - start);
      const columns = images === null ? imageOf(x, plan, part) : unfold(images, plan, start, n);
      const outputs = plan.whole ? outputsOf(y, plan, part) : scratch(y, OUTPUTS, m * n);
      matmul(outputs, filters, columns, { ...ONE, m, n, k });
      if (!plan.whole) exchange(y, outputs, plan, part, start, n, true);
    }
  }
}

/**
 * Writes the gradient of a convolution with respect to its input: the adjoint of
 * {@linkcode convolve} as a map from `x` to `y`, for which
 * `⟨convolve(x, w), y⟩ = ⟨x, convolveInput(y, w)⟩`.
 *
 * @param x The result, `[batch, groups * inPerGroup, ...input]`; its former contents are overwritten.
 * @param y The cotangent of the convolution, `[batch, groups * outPerGroup, ...output]`.
 * @param w The filters, `[groups * outPerGroup, inPerGroup, ...kernel]`.
 * @param size The extents of the convolution; any of them may be zero.
 */
export function convolveInput(x: Numbers, y: Numbers, w: Numbers, size: ConvSize): void {
  const plan = planOf(size);
  x.fill(0);
  if (plan.empty) return;
  const { outPerGroup: k } = size, m = plan.rows;
  for (const part of partsOf(plan)) {
    const images = plan.direct ? null : sumImages(x, plan, part);
    const filters = w.subarray(part.group * k * m, (part.group + 1) * k * m);
    for (let start = 0; start < part.columns; start += plan.width) {
      const n = Math.min(plan.width, part.columns - start);
      const outputs = gatherOutputs(y, plan, part, start, n);
      const columns = images === null ? imageOf(x, plan, part) : scratch(x, COLUMNS, m * n);
      matmul(columns, filters, outputs, { ...ONE, m, n, k, transposeA: true });
      if (images !== null) fold(images, columns, plan, start, n);
    }
    if (images !== null) writeImages(x, images, plan, part);
  }
}

/**
 * Writes the gradient of a convolution with respect to its filters: the adjoint of
 * {@linkcode convolve} as a map from `w` to `y`, for which
 * `⟨convolve(x, w), y⟩ = ⟨w, convolveFilter(x, y)⟩`.
 *
 * @param w The result, `[groups * outPerGroup, inPerGroup, ...kernel]`; its former contents are
 * overwritten.
 * @param x The images, `[batch, groups * inPerGroup, ...input]`.
 * @param y The cotangent of the convolution, `[batch, groups * outPerGroup, ...output]`.
 * @param size The extents of the convolution; any of them may be zero.
 */
export function convolveFilter(w: Numbers, x: Numbers, y: Numbers, size: ConvSize): void {
  const plan = planOf(size);
  w.fill(0);
  if (plan.empty) return;
  const { outPerGroup: m } = size, n = plan.rows;
  // Sums that several blocks add to are not held in single precision: they are rounded once, at the
  // end.
  const rounded = w instanceof Float32Array && plan.blocks > 1;
  const sums = rounded ? new Float64Array(w.length) : w;
  for (const part of partsOf(plan)) {
    const images = plan.direct ? null : readImages(x, plan, part);
    const filters = sums.subarray(part.group * m * n, (part.group + 1) * m * n);
    for (let start = 0; start < part.columns; start += plan.width) {
      const k = Math.min(plan.width, part.columns - start);
      const outputs = gatherOutputs(y, plan, part, start, k);
      const columns = images === null ? imageOf(x, plan, part) : unfold(images, plan, start, k);
      accumulateMatmul(filters, outputs, columns, { ...ONE, m, n, k, transposeB: true });
    }
  }
  if (rounded) w.set(sums);
}

/**
 * Writes the position of the largest element of every window: its flat index among the spatial
 * positions of `x`, or -1 for a window without any position inside `x`. Padding is never the
 * largest. Among equal elements the first is selected; NaN counts as larger than every number, and
 * the first NaN is selected.
 *
 * @param out The result, `[outer, ...output]`.
 * @param x The arrays to search, `[outer, ...input]`.
 * @param size The extents; any of them may be zero.
 */
export function argmaxWindow(out: Int32Array, x: Numbers, size: WindowSize): void {
  const { inputs, positions, starts, lines, length, lineTaps, taps, lineStride } = windowsOf(size);
  const plane = new Float64Array(inputs);
  for (let outer = 0, z = 0; outer < size.outer; outer++) {
    plane.set(x.subarray(outer * inputs, (outer + 1) * inputs));
    out.fill(-1, z, z + positions);
    for (let line = 0; line < lines; line++) {
      for (let t = 0; t < length; t++, z++) {
        let best = -1, most = 0;
        for (let u = 0; u < lineTaps; u++) {
          const start = starts[line * lineTaps + u]!;
          if (start < 0) continue;
          for (const { shift, from, to } of taps) {
            if (t < from || t >= to) continue;
            const at = start + t * lineStride + shift;
            const value = plane[at]!;
            if (best < 0 || value > most || (value !== value && most === most)) {
              best = at;
              most = value;
            }
          }
        }
        out[z] = best;
      }
    }
  }
}

/** A matrix product without a batch and without transposed operands. */
const ONE = { batch: 1, transposeA: false, transposeB: false };

/** The positions of the windows in one array of the spatial extents `input`. */
interface Windows {
  /** The number of positions in `input`. */
  readonly inputs: number;
  /** The number of windows. */
  readonly positions: number;
  /** Lines of windows: the product of all `output` extents but the last. */
  readonly lines: number;
  /** Windows on each line: the last `output` extent. */
  readonly length: number;
  /** Lines of each window: the product of all `kernel` extents but the last. */
  readonly lineTaps: number;
  /** `[lines, lineTaps]`: the first position of the line of `input` that is read, or -1 for padding. */
  readonly starts: Int32Array;
  /** The reads of each element of a window's line; one per index into the last `kernel` extent. */
  readonly taps: readonly Tap[];
  /** Positions between one window of a line and the next. */
  readonly lineStride: number;
}

/** One element of a line of every window: window `t` reads position `t * lineStride + shift`. */
interface Tap {
  readonly shift: number;
  /** The first window whose element lies inside the input. */
  readonly from: number;
  /** One past the last window whose element lies inside the input, at least `from`. */
  readonly to: number;
}

type Spatial = Omit<WindowSize, "outer">;

function windowsOf(size: Spatial): Windows {
  if (size.output.length === 0) return windowsOf(POINT);
  const last = size.output.length - 1;
  let starts = Int32Array.of(0), lines = 1, lineTaps = 1;
  for (let axis = 0; axis < last; axis++) {
    const extent = size.input[axis]!, windows = size.output[axis]!, taps = size.kernel[axis]!;
    const next = new Int32Array(lines * windows * lineTaps * taps);
    let z = 0;
    for (let line = 0; line < lines; line++) {
      for (let p = 0; p < windows; p++) {
        for (let u = 0; u < lineTaps; u++) {
          const start = starts[line * lineTaps + u]!;
          for (let q = 0; q < taps; q++) {
            const at = p * size.stride[axis]! - size.padLow[axis]! + q * size.dilation[axis]!;
            next[z++] = start < 0 || at < 0 || at >= extent ? -1 : start * extent + at;
          }
        }
      }
    }
    starts = next;
    lines *= windows;
    lineTaps *= taps;
  }
  const extent = size.input[last]!, length = size.output[last]!, lineStride = size.stride[last]!;
  for (let i = 0; i < starts.length; i++) if (starts[i]! > 0) starts[i]! *= extent;
  const taps = Array.from({ length: size.kernel[last]! }, (_, q) => {
    const shift = q * size.dilation[last]! - size.padLow[last]!;
    const from = Math.min(length, Math.max(0, Math.ceil(-shift / lineStride)));
    const to = Math.min(length, Math.floor((extent - 1 - shift) / lineStride) + 1);
    return { shift, from, to: Math.max(from, to) };
  });
  const inputs = product(size.input);
  return { inputs, positions: lines * length, lines, length, lineTaps, starts, taps, lineStride };
}

/** No spatial dimensions: one window over one position. */
const POINT: Spatial = {
  input: [1],
  kernel: [1],
  output: [1],
  stride: [1],
  dilation: [1],
  padLow: [0],
};

function product(extents: readonly number[]): number {
  return extents.reduce((all, extent) => all * extent, 1);
}

/** The division of a convolution into matrix products. */
interface Plan extends Windows {
  readonly size: ConvSize;
  /** Whether no product has any terms: the result is zero, or has no elements. */
  readonly empty: boolean;
  /** Rows of the unfolded windows: channels of a group times taps of the kernel. */
  readonly rows: number;
  /** The number of images that share a block of columns. */
  readonly images: number;
  /** Columns of a block, one for each window of its images. */
  readonly width: number;
  /** Blocks that add to each group's filters. */
  readonly blocks: number;
  /** Whether every block consists of all the windows of one image. */
  readonly whole: boolean;
  /** Whether the unfolded windows are the image itself. */
  readonly direct: boolean;
}

/** Doubles of scratch that are kept for the next call, and the size of a block of columns. */
const KEPT = 1 << 18;

/** The number of columns that is enough for an efficient product; smaller images share a block. */
const ENOUGH = 64;

function planOf(size: ConvSize): Plan {
  const windows = windowsOf(size);
  const { inputs, positions, lineTaps, taps } = windows;
  const rows = size.inPerGroup * lineTaps * taps.length;
  const empty = size.batch * size.groups * size.outPerGroup * rows * positions * inputs === 0;
  const pointwise = lineTaps * taps.length === 1 &&
    size.output.every((extent, axis) =>
      extent === size.input[axis] && size.stride[axis] === 1 && size.padLow[axis] === 0
    );
  const most = pointwise
    ? Math.max(positions, ENOUGH)
    : Math.max(32, Math.floor(KEPT / Math.max(rows, 1)));
  const shared = Math.min(size.batch, Math.floor(Math.min(most, ENOUGH) / Math.max(positions, 1)));
  const images = Math.max(1, shared);
  const width = Math.min(images * positions, most);
  const whole = images === 1 && width === positions;
  const blocks = Math.ceil(size.batch / images) * Math.ceil(images * positions / width);
  const direct = pointwise && whole;
  return { ...windows, size, empty, rows, images, width, blocks, whole, direct };
}

/** Some images of one group. */
interface Part {
  readonly group: number;
  /** The first image. */
  readonly image: number;
  readonly images: number;
  /** The windows of these images. */
  readonly columns: number;
}

function* partsOf({ size, images: most, positions }: Plan): Generator<Part> {
  for (let group = 0; group < size.groups; group++) {
    for (let image = 0; image < size.batch; image += most) {
      const images = Math.min(most, size.batch - image);
      yield { group, image, images, columns: images * positions };
    }
  }
}

/** Channels of a part's images: image `i` begins at `data[offset + i * stride]`. */
interface Images {
  readonly data: Numbers;
  readonly offset: number;
  readonly stride: number;
}

/** The part's channels inside `x`. */
function imagesOf(x: Numbers, { size, inputs }: Plan, { group, image }: Part): Images {
  const stride = size.groups * size.inPerGroup * inputs;
  return { data: x, offset: image * stride + group * size.inPerGroup * inputs, stride };
}

/** The channels of the only image of a part. */
function imageOf(x: Numbers, plan: Plan, part: Part): Numbers {
  const { offset } = imagesOf(x, plan, part);
  return x.subarray(offset, offset + plan.size.inPerGroup * plan.inputs);
}

/** The outputs of the only image of a part, `[outPerGroup, positions]`. */
function outputsOf(y: Numbers, { size, positions }: Plan, { group, image }: Part): Numbers {
  const length = size.outPerGroup * positions;
  const offset = (image * size.groups + group) * length;
  return y.subarray(offset, offset + length);
}

/** The part's channels as doubles; integers stay as they are. */
function readImages(x: Numbers, plan: Plan, part: Part): Images {
  const { data, offset, stride } = imagesOf(x, plan, part);
  if (!(data instanceof Float32Array)) return { data, offset, stride };
  const length = plan.size.inPerGroup * plan.inputs;
  const copy = scratch(x, IMAGES, part.images * length);
  for (let i = 0; i < part.images; i++) {
    const start = offset + i * stride;
    copy.set(data.subarray(start, start + length), i * length);
  }
  return { data: copy, offset: 0, stride: length };
}

/** Zeroed channels that hold exact sums: those of `x` itself, or doubles if `x` holds floats. */
function sumImages(x: Numbers, plan: Plan, part: Part): Images {
  if (!(x instanceof Float32Array)) return imagesOf(x, plan, part);
  const stride = plan.size.inPerGroup * plan.inputs;
  const data = scratch(x, IMAGES, part.images * stride).fill(0, 0, part.images * stride);
  return { data, offset: 0, stride };
}

/** Rounds the sums of {@linkcode sumImages} to the part's channels in `x`. */
function writeImages(x: Numbers, sums: Images, plan: Plan, part: Part): void {
  if (sums.data === x) return;
  const { offset, stride } = imagesOf(x, plan, part);
  for (let i = 0; i < part.images; i++) {
    x.set(sums.data.subarray(i * sums.stride, (i + 1) * sums.stride), offset + i * stride);
  }
}

/** The part's outputs, `[outPerGroup, n]`, for `n` columns from `start`. */
function gatherOutputs(y: Numbers, plan: Plan, part: Part, start: number, n: number): Numbers {
  if (plan.whole) return outputsOf(y, plan, part);
  const outputs = scratch(y, OUTPUTS, plan.size.outPerGroup * n);
  exchange(y, outputs, plan, part, start, n, false);
  return outputs;
}

/** Copies between `outputs`, `[outPerGroup, n]`, and the columns from `start` of the part's `y`. */
function exchange(
  y: Numbers,
  outputs: Numbers,
  { size, positions }: Plan,
  { group, image }: Part,
  start: number,
  n: number,
  write: boolean,
): void {
  const { groups, outPerGroup } = size;
  for (let column = 0; column < n;) {
    const index = Math.floor((start + column) / positions);
    const position = start + column - index * positions;
    const run = Math.min(n - column, positions - position);
    const channel = ((image + index) * groups + group) * outPerGroup;
    for (let o = 0; o < outPerGroup; o++) {
      const there = (channel + o) * positions + position, here = o * n + column;
      if (write) { for (let t = 0; t < run; t++) y[there + t] = outputs[here + t]!; }
      else for (let t = 0; t < run; t++) outputs[here + t] = y[there + t]!;
    }
    column += run;
  }
}

/** The windows of some images, `[rows, n]`, for `n` columns from `start`. */
function unfold(images: Images, plan: Plan, start: number, n: number): Numbers {
  const { size, inputs, lines, length, lineTaps, starts, taps, lineStride } = plan;
  const columns = scratch(images.data, COLUMNS, plan.rows * n);
  const x = images.data;
  const firstLine = Math.floor(start / length), firstWindow = start - firstLine * length;
  const firstImage = Math.floor(firstLine / lines);
  let z = 0;
  for (let channel = 0; channel < size.inPerGroup; channel++) {
    for (let u = 0; u < lineTaps; u++) {
      for (const { shift, from, to } of taps) {
        let base = images.offset + firstImage * images.stride + channel * inputs;
        let line = firstLine - firstImage * lines;
        let t = firstWindow;
        for (const end = z + n; z < end; t = 0) {
          const stop = Math.min(length, t + end - z);
          const at = starts[line * lineTaps + u]!;
          const low = at < 0 ? stop : Math.min(Math.max(from, t), stop);
          const high = Math.min(Math.max(to, low), stop);
          for (; t < low; t++) columns[z++] = 0;
          let s = base + at + t * lineStride + shift;
          for (; t < high; t++, s = s + lineStride | 0, z = z + 1 | 0) columns[z] = x[s]!;
          for (; t < stop; t++) columns[z++] = 0;
          if (++line === lines) line = 0, base += images.stride;
        }
      }
    }
  }
  return columns;
}

/** The adjoint of {@linkcode unfold}: adds every column to its window. */
function fold(images: Images, columns: Numbers, plan: Plan, start: number, n: number): void {
  const { size, inputs, lines, length, lineTaps, starts, taps, lineStride } = plan;
  const x = images.data;
  const firstLine = Math.floor(start / length), firstWindow = start - firstLine * length;
  const firstImage = Math.floor(firstLine / lines);
  let z = 0;
  for (let channel = 0; channel < size.inPerGroup; channel++) {
    for (let u = 0; u < lineTaps; u++) {
      for (const { shift, from, to } of taps) {
        let base = images.offset + firstImage * images.stride + channel * inputs;
        let line = firstLine - firstImage * lines;
        let t = firstWindow;
        for (const end = z + n; z < end; t = 0) {
          const stop = Math.min(length, t + end - z);
          const at = starts[line * lineTaps + u]!;
          const low = at < 0 ? stop : Math.min(Math.max(from, t), stop);
          const high = Math.min(Math.max(to, low), stop);
          z += low - t;
          t = low;
          let s = base + at + t * lineStride + shift;
          for (; t < high; t++, s = s + lineStride | 0, z = z + 1 | 0) x[s] = x[s]! + columns[z]!;
          z += stop - t;
          if (++line === lines) line = 0, base += images.stride;
        }
      }
    }
  }
}

const COLUMNS = 0, OUTPUTS = 1, IMAGES = 2;

const kept = [new Float64Array(0), new Float64Array(0), new Float64Array(0)];

/**
 * At least `length` elements of unspecified contents, in which sums of elements like those of `like`
 * are exact: doubles or 32-bit integers. Valid until the next call for the same purpose.
 */
function scratch(like: Numbers, purpose: number, length: number): Float64Array | Int32Array {
  if (like instanceof Int32Array || like instanceof Uint32Array) return new Int32Array(length);
  if (length > KEPT) return new Float64Array(length);
  if (kept[purpose]!.length < length) kept[purpose] = new Float64Array(length);
  return kept[purpose]!;
}

/**
 * Synchronous reading in workers of browsers: `mapAsync` needs a turn of the event loop, but a canvas does not.
 * Words are copied to the pixels of a WebGPU canvas, which is drawn on a 2D canvas. TensorFlow.js and jax-js
 * read in the same way.
 *
 * @module
 */
import { COPY_DST_TEXTURE, type GpuBuffer, type GpuDevice, type GpuTexture, USAGE } from "./api.ts";

/** The parts of `GPUCanvasContext` that are used. */
interface GpuContext {
  configure(configuration: object): void;
  getCurrentTexture(): GpuTexture;
}

/** The parts of a 2D context that are used. */
interface Drawing {
  globalCompositeOperation: string;
  drawImage(canvas: Canvas, x: number, y: number): void;
  getImageData(
    x: number,
    y: number,
    width: number,
    height: number,
  ): { readonly data: { readonly buffer: ArrayBuffer } };
}

/** The parts of `OffscreenCanvas` that are used. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: "webgpu"): GpuContext | null;
  getContext(kind: "2d", options: object): Drawing | null;
}

/** A WebGPU canvas and its context. */
interface Source {
  readonly canvas: Canvas;
  readonly context: GpuContext;
}

/** The minimum width in pixels: rows of copied buffers are multiples of 256 bytes. */
const LEAST_WIDTH = 64;

/** The maximum width and height of a copy in pixels; every device supports textures of twice this width. */
const MOST_WIDTH = 4096;

/** Whether this is a worker of a browser with canvases. */
export function hasCanvases(): boolean {
  return "OffscreenCanvas" in globalThis && "WorkerGlobalScope" in globalThis;
}

function newCanvas(): Canvas {
  const { OffscreenCanvas } = globalThis as unknown as {
    readonly OffscreenCanvas: new (width: number, height: number) => Canvas;
  };
  return new OffscreenCanvas(LEAST_WIDTH, 2);
}

/** A reader for a device; `null` if the runtime has none that is exact. */
export function exactReader(device: GpuDevice): CanvasReader | null {
  try {
    const reader = new CanvasReader(device);
    return reader.isExact() ? reader : null;
  } catch {
    return null;
  }
}

/** Reads buffers of a device through canvases. */
export class CanvasReader {
  readonly #device: GpuDevice;
  /** Its colors are exact: they are not multiplied by the alpha channel. */
  readonly #opaque: Source;
  /** Its alpha channel is exact. */
  readonly #translucent: Source;
  readonly #canvas: Canvas;
  readonly #drawing: Drawing;
  readonly #mark: GpuBuffer;
  #marks = 0;

  /** @throws {Error} if the runtime lacks a kind of canvas. */
  constructor(device: GpuDevice) {
    this.#device = device;
    this.#opaque = this.#source("opaque");
    this.#translucent = this.#source("premultiplied");
    this.#canvas = newCanvas();
    const drawing = this.#canvas.getContext("2d", { willReadFrequently: true });
    if (drawing === null) throw new Error("there is no 2D canvas");
    this.#drawing = drawing;
    this.#mark = device.createBuffer({ size: 4, usage: USAGE.copySrc | USAGE.copyDst });
  }

  #source(alphaMode: "opaque" | "premultiplied"): Source {
    const canvas = newCanvas();
    const context = canvas.getContext("webgpu");
    if (context === null) throw new Error("there is no WebGPU canvas");
    const usage = COPY_DST_TEXTURE;
    context.configure({ device: this.#device, format: "rgba8unorm", alphaMode, usage });
    return { canvas, context };
  }

  /**
   * `bytes` bytes of a buffer from `start`, both multiples of 4.
   *
   * @throws {Error} if the device cannot be used any more.
   */
  read(buffer: GpuBuffer, start: number, bytes: number): ArrayBuffer {
    const pixels = bytes / 4;
    const square = 2 ** Math.ceil(Math.log2(Math.sqrt(pixels)));
    const width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, square));
    const words = new Uint32Array(pixels);
    for (let done = 0; done < pixels; done += width * MOST_WIDTH) {
      const block = words.subarray(done, done + width * MOST_WIDTH);
      this.#readBlock(buffer, block, start + 4 * done, width);
    }
    return words.buffer;
  }

  /** Reads words from byte `start` on, as rows of pixels. One more row has a mark, which shows that the copy ran. */
  #readBlock(buffer: GpuBuffer, words: Uint32Array, start: number, width: number): void {
    const { queue } = this.#device;
    const full = Math.floor(words.length / width);
    const rest = words.length % width;
    const height = full + Math.sign(rest);
    const mark = ++this.#marks;
    queue.writeBuffer(this.#mark, 0, new Uint32Array([mark]));
    const commands = this.#device.createCommandEncoder();
    const bytesPerRow = 4 * width;
    for (const { canvas, context } of [this.#opaque, this.#translucent]) {
      canvas.width = width;
      canvas.height = height + 1;
      const texture = context.getCurrentTexture();
      const copy = (from: GpuBuffer, offset: number, y: number, columns: number, rows: number) => {
        const source = { buffer: from, offset, bytesPerRow };
        commands.copyBufferToTexture(source, { texture, origin: [0, y] }, [columns, rows]);
      };
      if (full > 0) copy(buffer, start, 0, width, full);
      if (rest > 0) copy(buffer, start + 4 * full * width, full, rest, 1);
      copy(this.#mark, 0, height, 1, 1);
    }
    queue.submit([commands.finish()]);
    const alphas = this.#draw(this.#translucent.canvas);
    const colors = this.#draw(this.#opaque.canvas);
    const last = width * height;
    const wordOf = (i: number) => ((colors[i] & 0xffffff) | (alphas[i] & 0xff000000)) >>> 0;
    if (wordOf(last) !== mark) throw new Error("the copy to a canvas did not run");
    for (let i = 0; i < words.length; i++) words[i] = wordOf(i);
  }

  /** The pixels of a canvas. */
  #draw(source: Canvas): Uint32Array {
    const { width, height } = source;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#drawing.globalCompositeOperation = "copy";
    this.#drawing.drawImage(source, 0, 0);
    return new Uint32Array(this.#drawing.getImageData(0, 0, width, height).data.buffer);
  }

  /**
   * Whether what is read is exact: browsers may add noise to canvases against fingerprinting, or lack the
   * copy. All values of all four bytes are read, twice, with different positions.
   */
  isExact(): boolean {
    const size = 1 << 16;
    const buffer = this.#device.createBuffer({ size, usage: USAGE.copySrc | USAGE.copyDst });
    try {
      return [0x9e3779b1, 0x85ebca6b].every((factor) => {
        const words = new Uint32Array(size / 4).map((_, i) => Math.imul(i + 1, factor));
        this.#device.queue.writeBuffer(buffer, 0, words);
        const read = new Uint32Array(this.read(buffer, 0, size));
        return words.every((word, i) => word === read[i]);
      });
    } finally {
      buffer.destroy();
    }
  }
}

/**
 * Images as PNG files.
 *
 * Source: Portable Network Graphics (PNG) Specification, third edition, https://www.w3.org/TR/png-3/
 *
 * @module
 */
import { crc32 } from "../base/crc32.ts";

/** Pixels in rows from the top left, `channels` bytes each: gray, RGB, or RGBA. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** RGB for each of the 256 values of a pixel with one channel, in place of gray. */
  readonly palette?: Uint8Array<ArrayBuffer>;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Colour types by the number of channels, and that of a palette. */
const COLOUR_TYPES = { 1: 0, 3: 2, 4: 6 };
const WITH_PALETTE = 3;

/** The zlib format, which PNG requires. */
async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A chunk of the file: length, name, contents and checksum of the last two. */
function chunk(name: string, contents: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(contents.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, contents.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(contents, 8);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(4, -4)));
  return bytes;
}

/** The pixels, each as a square of `scale` by `scale`; every row begins with its filter, none. */
function scanlines({ width, height, channels, bytes }: Pixels, scale: number) {
  const stride = 1 + width * scale * channels;
  const lines = new Uint8Array(stride * height * scale);
  for (let row = 0; row < height; row++) {
    const start = row * scale * stride;
    let to = start + 1;
    for (let column = 0; column < width; column++) {
      const from = (row * width + column) * channels;
      for (let copy = 0; copy < scale; copy++) {
        for (let channel = 0; channel < channels; channel++) lines[to++] = bytes[from + channel];
      }
    }
    for (let copy = 1; copy < scale; copy++) {
      lines.copyWithin(start + copy * stride, start, start + stride);
    }
  }
  return lines;
}

/** A PNG file of an image, each of its pixels as a square of `scale` by `scale` pixels. */
export async function encodePng(pixels: Pixels, scale: number): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, channels, palette } = pixels;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width * scale);
  view.setUint32(4, height * scale);
  // Eight bits for each channel; compression, filters and interlacing use their only or first method.
  header.set([8, palette === undefined ? COLOUR_TYPES[channels] : WITH_PALETTE], 8);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    ...(palette === undefined ? [] : [chunk("PLTE", palette)]),
    chunk("IDAT", await deflate(scanlines(pixels, scale))),
    chunk("IEND", new Uint8Array(0)),
  ];
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** Bytes in base 64. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  // The number of arguments of a call is limited.
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return btoa(text);
}

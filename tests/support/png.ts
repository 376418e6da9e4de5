/** The contents of a PNG file. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  /** Gray, RGB or RGBA; palettes are resolved. */
  pixelAt(row: number, column: number): number[];
}

/** Reads the files that `inspect` writes: PNG files of 8 bits without filters. */
export async function decodePng(file: Uint8Array<ArrayBuffer>): Promise<Decoded> {
  const view = new DataView(file.buffer, file.byteOffset);
  const chunks = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 8; at < file.length;) {
    const length = view.getUint32(at);
    const name = new TextDecoder().decode(file.subarray(at + 4, at + 8));
    chunks.set(name, file.slice(at + 8, at + 8 + length));
    at += length + 12;
  }
  const header = new DataView(chunks.get("IHDR")!.buffer);
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const channels = { 0: 1, 2: 3, 3: 1, 6: 4 }[header.getUint8(9)]!;
  const stream = new Blob([chunks.get("IDAT")!]).stream();
  const inflated = stream.pipeThrough(new DecompressionStream("deflate"));
  const lines = new Uint8Array(await new Response(inflated).arrayBuffer());
  const palette = chunks.get("PLTE");
  return {
    width,
    height,
    pixelAt(row, column) {
      const at = row * (1 + width * channels) + 1 + column * channels;
      const values = [...lines.subarray(at, at + channels)];
      return palette ? [...palette.subarray(values[0] * 3, values[0] * 3 + 3)] : values;
    },
  };
}

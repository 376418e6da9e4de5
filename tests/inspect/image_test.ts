import { grad, inspect, jit, ones, tensor, zeros } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { ArgumentError, ShapeError, TraceError } from "../../mod.ts";
import { crc32 } from "../../src/base/crc32.ts";
import { decodePng } from "../support/png.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

/** The pixels of a picture, row by row. */
async function pixelsOf(x: Parameters<typeof inspect.image>[0], options = {}): Promise<unknown> {
  const picture = inspect.image(x, { scale: 1, ...options });
  const { width, height, pixelAt } = await decodePng(await picture.png());
  assertEquals([picture.width, picture.height], [width, height]);
  return Array.from(
    { length: height },
    (_, row) => Array.from({ length: width }, (_, column) => pixelAt(row, column)),
  );
}

Deno.test("a matrix of floats is a gray image, black at 0 and white at 1", async () => {
  assertEquals(await pixelsOf([[0, 0.5, 1], [-3, 2, 0.25]]), [
    [[0], [128], [255]],
    [[0], [255], [64]],
  ]);
  assertEquals(await pixelsOf(ones([1, 2])), [[[255], [255]]]);
});

Deno.test("bytes and booleans are shown as they are, other integers by a range", async () => {
  assertEquals(await pixelsOf(tensor([[0, 7, 255]], { dtype: "uint8" })), [
    [[0], [7], [255]],
  ]);
  assertEquals(await pixelsOf([[true, false]]), [[[255], [0]]]);
  const x = tensor([[-10, 0, 10]], { dtype: "int32" });
  assertEquals(await pixelsOf(x, { range: [-10, 10] }), [[[0], [128], [255]]]);
  assertEquals(await pixelsOf(x, { range: "auto" }), [[[0], [128], [255]]]);
  assertEquals(await pixelsOf([[5, 5]], { range: "auto" }), [[[128], [128]]]);
  assertEquals(await pixelsOf([[1e20, 1e20]], { range: "auto" }), [[[128], [128]]]);
});

Deno.test("the last axis may be channels", async () => {
  assertEquals(await pixelsOf([[[0.2], [0.4]]]), [[[51], [102]]]);
  assertEquals(await pixelsOf([[[1, 0, 0], [0, 0, 1]]]), [[[255, 0, 0], [0, 0, 255]]]);
  assertEquals(await pixelsOf([[[3, 0, 1, 0.2]]], { range: [1, 3] }), [[[255, 0, 0, 51]]]);
});

Deno.test("pixels that are not finite are magenta", async () => {
  const magenta = [255, 0, 255];
  assertEquals(await pixelsOf([[NaN, 1], [0, -Infinity]]), [
    [magenta, [255, 255, 255]],
    [[0, 0, 0], magenta],
  ]);
  assertEquals(await pixelsOf([[[0, NaN, 0], [0, 1, 0]]]), [[magenta, [0, 255, 0]]]);
  assertEquals(await pixelsOf([[NaN, 2, 4]], { range: "auto" }), [
    [magenta, [0, 0, 0], [255, 255, 255]],
  ]);
  assertEquals(await pixelsOf([[[0, 0, NaN, 1]]]), [[[...magenta, 255]]]);
});

Deno.test("several images stand in rows with gaps between them", async () => {
  const images = tensor([[[0, 0]], [[1, 1]], [[0.2, 0.4]]]);
  const white = [255];
  assertEquals(await pixelsOf(images, { columns: 2 }), [
    [[0], [0], white, white, white],
    [white, white, white, white, white],
    [[51], [102], white, white, white],
  ]);
  const picture = inspect.image(zeros([25, 8, 8]));
  assertEquals([picture.width, picture.height], [8 * 89, 8 * 26]);
  assertEquals(String(picture), "Picture(float32[25,8,8] as 712 by 208 pixels)");
});

Deno.test("each pixel is a square of scale by scale", async () => {
  const rows = await pixelsOf([[0, 1]], { scale: 2 });
  assertEquals(rows, [[[0], [0], [255], [255]], [[0], [0], [255], [255]]]);
});

Deno.test("a picture is a PNG file, a URL, and what notebooks show", async () => {
  const picture = inspect.image([[0, 1]]);
  const file = await picture.png();
  assertEquals([...file.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(file.buffer);
  assertEquals(view.getUint32(29), crc32(file.subarray(12, 29)));
  const base64 = btoa(String.fromCharCode(...file));
  assertEquals(await picture.dataUrl(), `data:image/png;base64,${base64}`);
  const display = (picture as unknown as Record<symbol, () => Promise<unknown>>)[
    Symbol.for("Jupyter.display")
  ];
  assertEquals(await display(), { "text/plain": String(picture), "image/png": base64 });
});

Deno.test("values of grad are shown, and tracers without a value refused", async () => {
  const shown: inspect.Picture[] = [];
  grad((x: Tensor) => (shown.push(inspect.image(x, { scale: 1 })), x.sum()))(ones([1, 2]));
  const { pixelAt } = await decodePng(await shown[0].png());
  assertEquals(pixelAt(0, 1), [255]);
  assertThrows(
    () => jit((x: Tensor) => (inspect.image(x), x))(ones([2, 2])),
    TraceError,
    "Cannot show an image of",
  );
});

Deno.test("other shapes, integers without a range and bad options are refused", () => {
  const shapes =
    "Cannot show an image: expected [height, width], [height, width, channels] or [count, height, width, " +
    "channels] with 1, 3 or 4 channels and at least one pixel, got ";
  for (const shape of [[], [3], [0, 3], [2, 3, 4, 5], [1, 1, 1, 1, 1], [2, 2, 2, 0]]) {
    assertThrows(
      () => inspect.image(zeros(shape)),
      ShapeError,
      `${shapes}float32[${shape.join(",")}]`,
    );
  }
  const refuse = (message: string, x: Tensor, options?: unknown) =>
    assertThrows(
      () => inspect.image(x, options as inspect.ImageOptions),
      ArgumentError,
      `Cannot show an image: ${message}`,
    );
  const x = zeros([2, 2]);
  refuse(
    "expected floats from 0 to 1, uint8 or bool, got int32[2,2]; give a range",
    zeros([2, 2], { dtype: "int32" }),
  );
  for (const range of [[0], [1, 1], [2, 1], [0, NaN], "all", 3]) {
    refuse('range must be "auto" or two numbers, the smaller one first, got ', x, { range });
  }
  refuse("scale must be a whole number from 1 on, got 0.5", x, { scale: 0.5 });
  refuse("columns must be a whole number from 1 on, got 0", x, { columns: 0 });
  refuse('there is no option "zoom", the options are range, scale, columns', x, { zoom: 2 });
  assertThrows(
    () => inspect.image(zeros([5000, 5000])),
    ShapeError,
    "Cannot show an image: float32[5000,5000] makes 5000 by 5000 pixels, more than 16777216; " +
      "take fewer images, a smaller scale, or image.resize",
  );
});

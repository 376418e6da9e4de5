import { arange, grad, jit, makeProgram, ones, sin, tensor, vmap, zeros } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { displayTensor } from "../../src/inspect/display.ts";
import { decodePng } from "../support/png.ts";
import type { Decoded } from "../support/png.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/std.ts";

const DISPLAY = Symbol.for("Jupyter.display");

/** What a notebook shows of a value. */
async function shown(value: unknown): Promise<Record<string, string>> {
  return await (value as { [DISPLAY](): Promise<Record<string, string>> })[DISPLAY]();
}

/** The cells of a table, row by row. */
function cellsOf(html: string): string[][] {
  return html.match(/<tr>.*?<\/tr>/g)!.map((row) =>
    [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell)
  );
}

Deno.test("a matrix is a table with its type", async () => {
  const bundle = await shown(tensor([[1, 2.5], [-3, NaN]]));
  assertEquals(Object.keys(bundle), ["text/plain", "text/html"]);
  assertEquals(bundle["text/plain"], String(tensor([[1, 2.5], [-3, NaN]])));
  assertStringIncludes(bundle["text/html"], "float32[2,2]");
  assertEquals(cellsOf(bundle["text/html"]), [
    ["", "0", "1"],
    ["0", "1.0000", "2.5000"],
    ["1", "-3.0000", "nan"],
  ]);
});

Deno.test("a vector is a table of one row", async () => {
  const bundle = await shown(tensor([true, false]));
  assertStringIncludes(bundle["text/html"], "bool[2]");
  assertEquals(cellsOf(bundle["text/html"]), [["0", "1"], ["true", "false"]]);
});

Deno.test("a long vector shows its ends", async () => {
  const { "text/html": html } = await shown(ones([1000]).mul(2));
  const [heads, cells] = cellsOf(html);
  const first = ["0", "1", "2", "3", "4", "..."];
  assertEquals(heads, [...first, "995", "996", "997", "998", "999"]);
  assertEquals(cells, ["2.", "2.", "2.", "2.", "2.", "...", "2.", "2.", "2.", "2.", "2."]);
});

/** The image in HTML, decoded. */
function imageIn(html: string): Promise<Decoded> {
  const [, base64] = html.match(/src="data:image\/png;base64,([^"]*)"/)!;
  return decodePng(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}

Deno.test("a large matrix is a heat map with its range, and with what is not finite", async () => {
  const values = Float32Array.from({ length: 600 }, (_, i) => i - 300);
  values.set([NaN, Infinity, -Infinity]);
  const { "text/html": html, "text/plain": text } = await shown(tensor(values).reshape(20, 30));
  assertStringIncludes(html, "float32[20,30], -297 to 299, 1 nan, 2 infinite");
  assertStringIncludes(html, `<pre>${text}</pre>`);
  const { width, height, pixelAt } = await imageIn(html);
  assertEquals([width, height], [30 * 12, 20 * 12]);
  const cell = (row: number, column: number) => pixelAt(row * 12 + 5, column * 12 + 5);
  assertEquals([cell(0, 0), cell(0, 1), cell(0, 2)], [[255, 0, 255], [0, 255, 0], [0, 255, 255]]);
  // Zero is white between blue and red, which is 299.
  assertEquals([cell(10, 0), cell(19, 29)], [[247, 247, 247], [178, 24, 43]]);
});

Deno.test("numbers of one sign go from dark to light", async () => {
  const { "text/html": html } = await shown(arange(1, 31).reshape(1, 30));
  const { pixelAt } = await imageIn(html);
  assertEquals([pixelAt(0, 0), pixelAt(0, 359)], [[68, 1, 84], [253, 231, 37]]);
  assertStringIncludes((await shown(ones([30, 30])))["text/html"], "float32[30,30], 1 to 1");
  const none = (await shown(ones([30, 30]).mul(NaN)))["text/html"];
  assertStringIncludes(none, "float32[30,30], 900 nan<");
});

Deno.test("a heat map has every so manyth row and column of a huge matrix", async () => {
  const { "text/html": html } = await shown(zeros([100_000, 10_000]).add(3));
  assertStringIncludes(html, "3 to 3, 128 rows and 128 columns of it shown");
  assert(html.length < 10_000);
  const rows = arange(1280).reshape(1280, 1).mul(ones([1, 2]));
  assertStringIncludes((await shown(rows))["text/html"], "5 to 1275, 128 rows and 2 columns");
});

Deno.test("many elements in more axes have a summary", async () => {
  const { "text/html": html } = await shown(arange(1000).reshape(10, 10, 10));
  assertStringIncludes(html, "float32[10,10,10], 0 to 999</div><pre>");
});

Deno.test("other tensors are text", async () => {
  for (const x of [tensor(3), ones([2, 2, 2]), ones([0, 3]), tensor([])]) {
    const { "text/html": html } = await shown(x);
    assertStringIncludes(html, `<pre>${String(x)}</pre>`);
  }
});

Deno.test("tracers and donated tensors have text alone", async () => {
  let traced: unknown;
  vmap((x: Tensor) => (traced = displayTensor(x), x))(tensor([1]));
  assertEquals(traced, { "text/plain": "Traced(float32[], vmap)" });
  grad((x: Tensor) => (traced = displayTensor(x), x))(tensor(1));
  assertEquals(traced, { "text/plain": "tensor(1.)" });
  const x = tensor([1, 2]);
  jit((v: Tensor) => v.add(1), { donateArgnums: 0 })(x);
  assertEquals(await shown(x), { "text/plain": "tensor(<donated>, float32[2])" });
});

Deno.test("programs have text, and a picture where Graphviz is there", async () => {
  const program = makeProgram(sin)(1);
  const { "text/plain": text, "image/svg+xml": svg = "<svg></svg>" } = await shown(program);
  assertEquals(text, String(program));
  assert(svg.startsWith("<svg"));
  const large = makeProgram((x: Tensor) => {
    for (let i = 0; i < 151; i++) x = x.sin();
    return x;
  })(1);
  assertEquals(Object.keys(await shown(large)), ["text/plain"]);
});

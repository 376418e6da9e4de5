import { grad, jit, makeProgram, ones, sin, tensor, vmap } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { displayTensor } from "../../src/inspect/display.ts";
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

Deno.test("a large table shows its ends, whatever it holds", async () => {
  const { "text/html": html } = await shown(ones([1000, 30]).mul(2));
  const cells = cellsOf(html);
  const numbers = ["0", "1", "2", "3", "4", "..."];
  assertEquals(cells[0], ["", ...numbers, "25", "26", "27", "28", "29"]);
  assertEquals(cells.map(([first]) => first), [
    "",
    ...numbers,
    "995",
    "996",
    "997",
    "998",
    "999",
  ]);
  assertEquals(cells[6], new Array(12).fill("..."));
  assertEquals(cells[7][11], "2.");
  assert(html.length < 10_000);
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

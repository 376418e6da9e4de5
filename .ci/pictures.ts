/**
 * The pictures of programs in the documentation, drawn by `inspect.toSvg`: written to
 * `docs/pictures`, or compared with the files there by `--check`.
 *
 * @module
 */
import { grad, inspect, jit, jvp, makeProgram, scan, tensor, vmap } from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { pathOf, root } from "./tools.ts";

const f = (x: Tensor) => x.sin().mul(x).sum();
const x = tensor([1, 2, 3]);

const programs = {
  forward: makeProgram(f)(x),
  tangent: makeProgram((x: Tensor, dx: Tensor) => jvp(f, [x], [dx]))(x, x),
  gradient: makeProgram(grad(f))(x),
  batch: makeProgram(vmap(grad(f)))(tensor([[1, 2, 3], [4, 5, 6]])),
  loop: makeProgram(jit((x: Tensor) => scan((sum, x) => [sum.add(x), null], tensor(0), x)[0]))(x),
};

/** The labels in a picture: their positions depend on the version of Graphviz. */
function labelsOf(svg: string): string {
  return Array.from(svg.matchAll(/>([^<]*)<\/text>/g), ([, label]) => label).sort().join("\n");
}

const changed: string[] = [];
for (const [name, program] of Object.entries(programs)) {
  const file = new URL(`docs/pictures/${name}.svg`, root);
  const svg = (await inspect.toSvg(program)).replaceAll(/<!--.*?-->\n/g, "");
  if (!Deno.args.includes("--check")) Deno.writeTextFileSync(file, svg);
  else if (labelsOf(Deno.readTextFileSync(file)) !== labelsOf(svg)) changed.push(pathOf(file));
}
if (changed.length > 0) {
  console.error(`Not up to date: ${changed.join(", ")}; run deno run -A .ci/pictures.ts`);
  Deno.exit(1);
}

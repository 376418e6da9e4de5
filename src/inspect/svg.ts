/**
 * Programs as images.
 *
 * @module
 */
import { ArgumentError } from "../base/errors.ts";
import type { Program } from "../core/program.ts";
import { toDot } from "./dot.ts";
import type { DotOptions } from "./dot.ts";

/** The part of Graphviz that is used. */
interface Graphviz {
  renderString(dot: string, options: { readonly format: string }): string;
}

/**
 * Graphviz as WebAssembly, by Michael Daines. The name is concatenated, so that the package is
 * downloaded only when this function is called: names in an `import` are fetched when a program starts.
 */
const PACKAGE = ["@viz-js", "viz"].join("/");

/** The module to import, and how to install it. */
const [SPECIFIER, ADVICE] = findAdvice();

/** Deno downloads the package when it is imported; in other runtimes the user installs it. */
function findAdvice(): readonly [specifier: string, advice: string] {
  if ("Deno" in globalThis) {
    return [
      `npm:${PACKAGE}@^3`,
      "run this once with a network, which keeps the package, or add it with deno add",
    ];
  }
  const advice = "process" in globalThis
    ? `install it, for example with npm install ${PACKAGE}`
    : `give its address in the page's import map, as bundlers leave it out`;
  return [PACKAGE, advice];
}

let loaded: Promise<Graphviz> | undefined;

async function load(): Promise<Graphviz> {
  try {
    const { instance } = await import(SPECIFIER);
    return await instance();
  } catch (error) {
    loaded = undefined;
    const [reason] = String(error instanceof Error ? error.message : error).split("\n");
    throw new ArgumentError(
      `Cannot load Graphviz (${SPECIFIER}): ${reason}; ` +
        `${ADVICE}; toDot needs no package, and other tools draw what it gives`,
      { cause: error },
    );
  }
}

/**
 * A graph in another format of Graphviz: `"svg"`, or `"canon"` for a check without a layout.
 *
 * @throws {ArgumentError} when Graphviz cannot be loaded, or cannot lay out the graph.
 */
export async function renderDot(dot: string, format: string): Promise<string> {
  const graphviz = await (loaded ??= load());
  try {
    return graphviz.renderString(dot, { format });
  } catch (error) {
    // After a failure the module may be in any state.
    loaded = undefined;
    throw new ArgumentError(
      `Cannot draw this program: Graphviz fails with ${JSON.stringify(String(error))}; ` +
        `draw less of it with depth, or the text that toDot gives with another tool`,
      { cause: error },
    );
  }
}

/**
 * A program as an image in SVG: the graph of `toDot`, laid out by Graphviz. The layout takes seconds
 * for programs of a thousand operations; `depth` and `types` make it smaller.
 *
 * Graphviz is the npm package `@viz-js/viz`, which is loaded at the first call, and needs no
 * permission.
 *
 * @category Inspection
 * @param program A program from `makeProgram`.
 * @param options As for `toDot`.
 * @returns The text of the image: an `svg` element.
 * @throws {ArgumentError} when `program` is not a program, or Graphviz cannot be loaded or fails.
 *
 * @example An image of a gradient
 * ```ts
 * import { grad, inspect, makeProgram, sin } from "@jacobi/jacobi";
 *
 * const program = makeProgram(grad((x) => sin(x)))(1);
 * // Where Graphviz cannot be loaded, the text of the graph is what there is.
 * const image = await inspect.toSvg(program).catch(() => inspect.toDot(program));
 * if (!image.startsWith("<svg") && !image.startsWith("digraph")) throw new Error(image);
 * ```
 */
export async function toSvg(program: Program, options?: DotOptions): Promise<string> {
  const svg = await renderDot(toDot(program, options), "svg");
  // Without the XML declaration, so that it may be embedded in another document.
  return svg.slice(svg.indexOf("<svg"));
}

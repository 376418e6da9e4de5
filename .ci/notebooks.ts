/**
 * Executes the notebooks with Deno's kernel. Each must run without an error, print the outputs of the committed
 * file, and print the tensors that PyTorch prints in the same cells (`tests/fixtures/notebooks.json`).
 * Numbers may differ in the last printed digit. Times are not compared, nor the output of cells with the tag
 * `varies`: results of long computations, whose rounding depends on the machine.
 *
 *     deno task notebooks [NAME...]           execute and compare
 *     deno task notebooks --write [NAME...]   write the new outputs into the files
 *
 * @module
 */
import fixtures from "../tests/fixtures/notebooks.json" with { type: "json" };
import { execute, pathOf, root, sideBySide, succeed } from "./tools.ts";

/** The Python packages, in exact versions. */
const PACKAGES = ["jupyter-client==8.10.0", "nbformat==5.11.1"];

interface Output {
  readonly output_type: string;
  readonly name?: string;
  readonly text?: string | readonly string[];
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
  readonly ename?: string;
  readonly evalue?: string;
}

interface Cell {
  readonly cell_type: string;
  readonly id: string;
  readonly source: string | readonly string[];
  readonly metadata: { readonly tags?: readonly string[] };
  readonly outputs?: readonly Output[];
}

interface Notebook {
  readonly cells: readonly Cell[];
}

/** Tensors that PyTorch prints, by notebook and cell. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = fixtures;

const folder = new URL("notebooks/", root);
const tools = new URL("dist/tools/notebooks/", root);

/** A Python with these packages. */
async function pythonWithPackages(): Promise<string> {
  const test = ["-c", "import jupyter_client, nbformat"];
  const { success } = await execute("python3", test).catch(() => ({ success: false }));
  if (success) return "python3";
  const environment = new URL("python/", tools);
  const python = pathOf(new URL("bin/python3", environment));
  const isThere = await execute(python, test).catch(() => ({ success: false }));
  if (!isThere.success) {
    await succeed("python3", ["-m", "venv", pathOf(environment)]);
    await succeed(python, ["-m", "pip", "install", "--quiet", ...PACKAGES]);
  }
  return python;
}

/** Describes the kernel to Jupyter: this Deno, without changing the user's own kernels. */
function describeKernel(): void {
  const kernel = new URL("jupyter/kernels/deno/", tools);
  Deno.mkdirSync(kernel, { recursive: true });
  const argv = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];
  const description = { argv, display_name: "Deno", language: "typescript" };
  Deno.writeTextFileSync(new URL("kernel.json", kernel), JSON.stringify(description));
}

function join(text: string | readonly string[] = ""): string {
  return typeof text === "string" ? text : text.join("");
}

/** The printed output of a cell, as text. */
function textOf({ outputs = [] }: Cell): string {
  return outputs.map(({ output_type, text, data, ename, evalue }) => {
    if (output_type === "stream") return join(text);
    if (output_type === "error") return `${ename}: ${evalue}\n`;
    return `${join(data?.["text/plain"])}\n`;
  }).join("");
}

const NUMBER = /-?\d+(?:\.\d*)?(?:e[+-]?\d+)?/g;

/** Whether texts are equal except for times and the last digits of numbers. */
function isSame(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) =>
    text.trim().replaceAll(/-?[\d.]+ (ms|s)\b/g, "TIME").replaceAll(/\s+/g, " ")
  );
  const [numbers, others] = [first, second].map((text) => (text.match(NUMBER) ?? []).map(Number));
  const [words, otherWords] = [first, second].map((text) => text.replaceAll(NUMBER, "#"));
  return words === otherWords && numbers.every((number, i) => {
    const difference = Math.abs(number - others[i]);
    return difference <= 1.5e-4 || difference <= 2e-3 * Math.abs(others[i]);
  });
}

/** The printed tensors in a text. */
function tensorsIn(text: string): string[] {
  return [...text.matchAll(/tensor\([^()]*\)/g)].map(([printed]) => printed);
}

/** The differences of outputs from the committed ones and from PyTorch's. */
function problemsOf(name: string, committed: Notebook, executed: Notebook): string[] {
  const problems: string[] = [];
  executed.cells.forEach((cell, i) => {
    if (cell.cell_type !== "code") return;
    const [text, before] = [textOf(cell), textOf(committed.cells[i])];
    if (cell.outputs?.some(({ output_type }) => output_type === "error")) {
      problems.push(`cell ${cell.id} fails: ${text}`);
    } else if (!cell.metadata.tags?.includes("varies") && !isSame(text, before)) {
      problems.push(`cell ${cell.id} prints\n${text}\nin place of\n${before}`);
    }
  });
  for (const [id, tensors] of Object.entries(expected[name] ?? {})) {
    const cell = executed.cells.find((cell) => cell.id === id);
    const printed = tensorsIn(cell === undefined ? "" : textOf(cell));
    const isTorch = printed.length === tensors.length &&
      printed.every((text, i) => isSame(text, tensors[i]));
    if (!isTorch) {
      problems.push(`cell ${id} prints\n${printed.join("\n")}\nPyTorch\n${tensors.join("\n")}`);
    }
  }
  return problems;
}

/** Type-checks the code cells of notebooks, each notebook as one module. */
async function check(names: readonly string[]): Promise<void> {
  const files = names.map((name) => {
    const { cells } = read(name);
    const code = cells.filter(({ cell_type }) => cell_type === "code");
    // The module is in another folder than the notebook.
    const text = code.map(({ id, source }) => `// Cell ${id}\n${join(source)}\n`).join("\n")
      .replaceAll('from "./support/', `from "${new URL("support/", folder)}`);
    const file = new URL(`code/${name}.ts`, tools);
    Deno.mkdirSync(new URL("./", file), { recursive: true });
    Deno.writeTextFileSync(file, text);
    return pathOf(file);
  });
  await succeed(Deno.execPath(), ["check", ...files]);
}

function read(name: string): Notebook {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.ipynb`, folder)));
}

async function main(args: readonly string[]): Promise<number> {
  const isWriting = args.includes("--write");
  const all = [...Deno.readDirSync(folder)].flatMap(({ name }) =>
    name.endsWith(".ipynb") ? [name.slice(0, -".ipynb".length)] : []
  ).sort();
  const chosen = args.filter((name) => name !== "--write");
  const names = chosen.length > 0 ? chosen : all;
  await check(names);
  describeKernel();
  Deno.mkdirSync(new URL("executed/", tools), { recursive: true });
  const python = await pythonWithPackages();
  const env = { JUPYTER_PATH: pathOf(new URL("jupyter/", tools)), NO_COLOR: "1" };
  const failures = await sideBySide(names, async (name) => {
    const start = performance.now();
    const path = pathOf(new URL(`${name}.ipynb`, folder));
    const result = new URL(`executed/${name}.ipynb`, tools);
    const driver = pathOf(new URL(".ci/notebooks.py", root));
    await succeed(python, [driver, path, pathOf(result)], { env });
    const text = Deno.readTextFileSync(result);
    const executed: Notebook = JSON.parse(text);
    const problems = problemsOf(name, isWriting ? executed : read(name), executed);
    if (isWriting) {
      Deno.writeTextFileSync(path, text);
      await succeed(Deno.execPath(), ["fmt", "--quiet", path]);
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${name}: ${problems.length === 0 ? "ok" : "FAILED"} in ${seconds} s`);
    for (const problem of problems) console.log(problem);
    return problems.length;
  });
  return failures.reduce((sum, count) => sum + count, 0);
}

if (import.meta.main) Deno.exit(await main(Deno.args) > 0 ? 1 : 0);

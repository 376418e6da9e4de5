/**
 * The playground, built into `dist/playground` or the given folder: a static page for editing and
 * running programs. `deno run -A .ci/playground.ts` builds it and prints its sizes; `--serve` serves it.
 *
 * @module
 */
import { serve } from "./chromium.ts";
import { readGallery } from "./gallery.ts";
import { build as buildPackage, entries, packageName, target as packageFolder } from "./npm.ts";
import { bundle, compile, install, pathOf, root } from "./tools.ts";

/** The default folder of the playground. */
export const target: URL = new URL("dist/playground/", root);

const packages = {
  "@codemirror/autocomplete": "6.20.4",
  "@codemirror/commands": "6.11.1",
  "@codemirror/lang-javascript": "6.2.5",
  "@codemirror/language": "6.13.1",
  "@codemirror/lint": "6.9.8",
  "@codemirror/search": "6.7.2",
  "@codemirror/state": "6.7.6",
  "@codemirror/view": "6.43.15",
  "@lezer/highlight": "1.2.5",
  "@observablehq/plot": "0.6.17",
  "@types/d3": "7.4.3",
  "@typescript/vfs": "1.6.6",
  "@viz-js/viz": "3.31.0",
  "ts-blank-space": "0.9.0",
  "typescript": "5.9.3",
};

/** The TypeScript libraries that programs see. */
const libraries = ["es2023", "webworker"];

/** The files of a folder and its subfolders, as paths in it. */
function filesIn(folder: URL, prefix = ""): string[] {
  return [...Deno.readDirSync(new URL(prefix, folder))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(folder, `${prefix}${name}/`) : [`${prefix}${name}`]
  ).sort();
}

function emptyFolder(folder: URL): void {
  Deno.mkdirSync(folder, { recursive: true });
  Deno.removeSync(folder, { recursive: true });
  Deno.mkdirSync(folder);
}

function copyFolder(from: URL, to: URL, ending = ""): void {
  for (const path of filesIn(from).filter((path) => path.endsWith(ending))) {
    const file = new URL(path, to);
    Deno.mkdirSync(new URL("./", file), { recursive: true });
    Deno.copyFileSync(new URL(path, from), file);
  }
}

/** Adds a copy of the package, from which Graphviz can be bundled, to the other packages. */
function copyPackage(modules: URL): void {
  const folder = new URL(`${packageName}/`, modules);
  emptyFolder(folder);
  copyFolder(packageFolder, folder);
  const file = new URL("src/inspect/svg.js", folder);
  const text = Deno.readTextFileSync(file);
  const replaced = text.replace(/import\(\w+\(SPECIFIER\)\)/, 'import("@viz-js/viz")');
  if (replaced === text) throw new Error("svg.js imports Graphviz in another way than expected");
  Deno.writeTextFileSync(file, replaced);
}

/** A TypeScript library and those that it refers to, by path in a virtual file system. */
function addLibrary(name: string, modules: URL, files: Map<string, string>): void {
  const path = `/lib.${name}.d.ts`;
  if (files.has(path)) return;
  const text = Deno.readTextFileSync(new URL(`typescript/lib${path}`, modules));
  files.set(path, text);
  for (const [, other] of text.matchAll(/^\/\/\/ <reference lib="(.*)" \/>/gm)) {
    addLibrary(other, modules, files);
  }
}

/** All files that TypeScript reads in the page, by path there. */
function typesFor(modules: URL): Readonly<Record<string, string>> {
  const files = new Map<string, string>();
  for (const name of libraries) addLibrary(name, modules, files);
  const isNeeded = (path: string) => path.endsWith(".d.ts") || path === "package.json";
  for (const path of filesIn(packageFolder).filter(isNeeded)) {
    const text = Deno.readTextFileSync(new URL(path, packageFolder));
    files.set(`/node_modules/${packageName}/${path}`, text);
  }
  const show = new URL("docs/gallery/show.ts", root);
  files.set("/show.ts", Deno.readTextFileSync(show));
  return Object.fromEntries(files);
}

/** The file name of an entry of the package. */
const moduleOf = (entry: string) => entry.slice(2).replaceAll("/", "_") || "jacobi";

async function versionOf(folder: URL, files: readonly string[]): Promise<string> {
  const hashes = await Promise.all(
    files.map((path) => crypto.subtle.digest("SHA-256", Deno.readFileSync(new URL(path, folder)))),
  );
  const whole = await crypto.subtle.digest("SHA-256", await new Blob(hashes).arrayBuffer());
  return new Uint8Array(whole).toHex().slice(0, 12);
}

/**
 * Builds the playground into a folder, which is emptied first.
 *
 * @param folder The folder, a URL that ends with a slash.
 */
export async function buildPlayground(folder: URL = target): Promise<void> {
  await buildPackage();
  const modules = await install("playground", packages);
  const work = new URL("../", modules);
  copyPackage(modules);
  const sources = new URL("docs/", work);
  emptyFolder(sources);
  copyFolder(new URL("docs/playground/", root), new URL("playground/", sources), ".ts");
  copyFolder(new URL("docs/gallery/", root), new URL("gallery/", sources), ".ts");
  const config = new URL("playground.json", work);
  const page = filesIn(new URL("playground/", sources));
  Deno.writeTextFileSync(
    config,
    JSON.stringify({
      compilerOptions: {
        ...{ target: "esnext", module: "esnext", moduleResolution: "bundler", noEmit: true },
        ...{ strict: true, exactOptionalPropertyTypes: true, erasableSyntaxOnly: true },
        ...{ verbatimModuleSyntax: true, allowImportingTsExtensions: true, skipLibCheck: true },
        lib: ["esnext", "dom", "dom.iterable", "webworker"],
        types: [],
      },
      files: page.map((path) => pathOf(new URL(`playground/${path}`, sources))),
    }),
  );
  await compile(config);

  emptyFolder(folder);
  const source = (path: string) => pathOf(new URL(path, sources));
  const shared = ["--minify", "--platform=browser", `--outdir=${pathOf(folder)}`];
  await bundle(
    ...[...shared, "--splitting", "--chunk-names=chunks/[name]-[hash]"],
    `main=${source("playground/main.ts")}`,
    `run=${source("playground/run_worker.ts")}`,
    `modules/show=${source("gallery/show.ts")}`,
    ...entries.map(([name, path]) => {
      const file = new URL(`${packageName}/${path.replace(/\.ts$/, ".js")}`, modules);
      return `modules/${moduleOf(name)}=${pathOf(file)}`;
    }),
  );
  // Node's modules are only imported in Node.
  const node = ["--external:path", "--external:fs"];
  const names = `--define:ENTRIES=${JSON.stringify(entries.map(([name]) => name))}`;
  await bundle(...shared, ...node, names, `language=${source("playground/language_worker.ts")}`);
  await bundle(...shared, `main=${pathOf(new URL("docs/playground/style.css", root))}`);
  const write = (path: string, value: unknown) =>
    Deno.writeTextFileSync(new URL(path, folder), JSON.stringify(value));
  write("types.json", typesFor(modules));
  write("gallery.json", readGallery());
  Deno.copyFileSync(new URL("docs/playground/index.html", root), new URL("index.html", folder));
  Deno.copyFileSync(new URL("docs/public/logo.svg", root), new URL("logo.svg", folder));
  const files = filesIn(folder);
  await bundle(
    ...shared,
    `--define:FILES=${JSON.stringify(["./", ...files])}`,
    `--define:VERSION=${JSON.stringify(await versionOf(folder, files))}`,
    `service_worker=${source("playground/service_worker.ts")}`,
  );
}

async function compressed(file: URL): Promise<number> {
  const bytes = new Blob([Deno.readFileSync(file)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return (await new Response(bytes).arrayBuffer()).byteLength;
}

/** The sizes of the largest files, as a table. */
async function printSizes(folder: URL): Promise<void> {
  const sizes = await Promise.all(
    filesIn(folder).map(async (path) => {
      const file = new URL(path, folder);
      return { path, bytes: Deno.statSync(file).size, gzip: await compressed(file) };
    }),
  );
  const line = (name: string, bytes: number, gzip: number) =>
    console.log(
      `${name.padEnd(34)} ${(bytes / 1000).toFixed(0).padStart(7)} kB ` +
        `${(gzip / 1000).toFixed(0).padStart(7)} kB compressed`,
    );
  const sum = (key: "bytes" | "gzip") => sizes.reduce((total, one) => total + one[key], 0);
  for (const { path, bytes, gzip } of sizes.toSorted((a, b) => b.gzip - a.gzip).slice(0, 12)) {
    line(path, bytes, gzip);
  }
  line(`all ${sizes.length} files`, sum("bytes"), sum("gzip"));
}

if (import.meta.main) {
  await buildPlayground();
  await printSizes(target);
  if (Deno.args.includes("--serve")) {
    const { addr } = serve(target, false, 8000);
    console.log(`http://${addr.hostname}:${addr.port}/`);
  }
}

/**
 * The npm package, in `dist/npm`: `deno task npm` builds it, checks that it can be imported under the
 * strictest options of TypeScript, and prints its size in a bundle.
 *
 * @module
 */
import { bundle, compile, pathOf, root } from "./tools.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
}

const manifest: Manifest = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root)));

/** The entry points for other runtimes: XLA is called through Deno's foreign function interface. */
export const entries: readonly (readonly [string, string])[] = Object.entries(manifest.exports)
  .filter(([name]) => !name.startsWith("./xla"));

/** The name of the package. */
export const packageName: string = manifest.name;

/** The folder of the package. */
export const target: URL = new URL("dist/npm/", root);

/** The limit on the size of a bundle of `{ grad, tensor }` in bytes, minified and compressed. */
const MOST_BYTES = 70_000;

/** TypeScript's strictest options for imports. */
const strictest = {
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
};

function writeJson(file: URL, value: unknown): void {
  Deno.writeTextFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

function* filesIn(folder: URL, ending: string): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesIn(new URL(`${name}/`, folder), ending);
    else if (name.endsWith(ending)) yield new URL(name, folder);
  }
}

/** A path within the package, in the form of its `package.json`. */
function inPackage(file: URL): string {
  return `./${file.href.slice(target.href.length)}`;
}

/** Declarations name the sources from which they were made; in the package these are JavaScript. */
function renameImports(): void {
  for (const file of filesIn(target, ".d.ts")) {
    const text = Deno.readTextFileSync(file);
    Deno.writeTextFileSync(
      file,
      text.replace(/^((?:import|export|\}).* from "\.[^"]*)\.ts";$/gm, '$1.js";')
        .replace(/^(import "\.[^"]*)\.ts";$/gm, '$1.js";')
        .replace(/(import\("\.[^"]*)\.ts"\)/g, '$1.js")'),
    );
  }
}

/**
 * The modules that must run although nothing of them is used: those that are imported for their side
 * effects alone, and the one that users import, whose names come from modules that import these.
 */
function modulesWithEffects(): string[] {
  const found = new Set(["./mod.js"]);
  for (const file of filesIn(target, ".js")) {
    for (const [, path] of Deno.readTextFileSync(file).matchAll(/^import "(\.[^"]*)";$/gm)) {
      found.add(inPackage(new URL(path, file)));
    }
  }
  return [...found].sort();
}

function packageJson(): unknown {
  const exports = entries.map(([name, path]) => {
    const file = path.replace(/\.ts$/, "");
    return [name, { types: `${file}.d.ts`, default: `${file}.js` }];
  });
  return {
    name: manifest.name,
    version: manifest.version,
    description: "Purely functional automatic differentiation: grad, vjp, jvp, vmap and jit",
    license: manifest.license,
    type: "module",
    exports: { ...Object.fromEntries(exports), "./package.json": "./package.json" },
    sideEffects: modulesWithEffects(),
    engines: { node: ">=20" },
    peerDependencies: { "@viz-js/viz": "^3", "cli-progress": "^3" },
    peerDependenciesMeta: {
      "@viz-js/viz": { optional: true },
      "cli-progress": { optional: true },
    },
  };
}

/** Builds the package into `dist/npm`. */
export async function build(): Promise<void> {
  Deno.mkdirSync(target, { recursive: true });
  Deno.removeSync(target, { recursive: true });
  Deno.mkdirSync(target);
  const config = new URL("dist/tools/build.json", root);
  Deno.mkdirSync(new URL("./", config), { recursive: true });
  writeJson(config, {
    compilerOptions: {
      target: "es2023",
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["esnext", "dom"],
      types: [],
      rootDir: pathOf(root),
      outDir: pathOf(target),
      declaration: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      erasableSyntaxOnly: true,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
    files: entries.map(([, path]) => pathOf(new URL(path, root))),
  });
  await compile(config);
  renameImports();
  for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) {
    Deno.copyFileSync(new URL(name, root), new URL(name, target));
  }
  writeJson(new URL("package.json", target), packageJson());
}

/** Makes a folder a project with the package installed. */
export function installedIn(folder: URL): void {
  const [owner, name] = manifest.name.split("/");
  const scope = new URL(`node_modules/${owner}/`, folder);
  Deno.mkdirSync(scope, { recursive: true });
  try {
    Deno.symlinkSync(pathOf(target), new URL(name, scope));
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  writeJson(new URL("package.json", folder), { private: true, type: "module" });
}

/** A project in `dist/NAME` with the package installed. */
function makeProject(name: string): URL {
  const folder = new URL(`dist/${name}/`, root);
  installedIn(folder);
  return folder;
}

/** The program of test projects: every export, and inferred types. */
function sampleProgram(from: (entry: string) => string): string {
  const imports = entries.map(([name], i) =>
    `import * as entry${i} from "${from(name.slice(1))}";`
  );
  return [
    ...imports,
    `import { grad, jit, nn, optim, random, tensor, tree, valueAndGrad } from "${from("")}";`,
    `import type { Tensor } from "${from("")}";`,
    "const layer = nn.sequential(nn.linear(2, 3), nn.linear(3, 1));",
    "const [params, state] = layer.init(random.key(0));",
    "const optimizer = optim.adam(0.1);",
    "const loss = (weights: typeof params, x: Tensor): Tensor =>",
    "  layer.apply(weights, state, x)[0].square().mean();",
    "const step = jit((weights: typeof params, slots: ReturnType<typeof optimizer.init>, x: Tensor) => {",
    "  const [value, grads] = valueAndGrad(loss)(weights, x);",
    "  const [updates, next] = optimizer.update(grads, slots, weights);",
    "  return { value, weights: optim.applyUpdates(weights, updates), next };",
    "});",
    "const { value } = step(params, optimizer.init(params), tensor([[1, 2]]));",
    "export const found: number = value.item() as number;",
    "export const slope: Tensor = grad((x) => x.pow(3).sum())(tensor([1, 2, 3]));",
    "export const doubled: { readonly a: Tensor } = tree.map((x) => x.mul(2), { a: tensor(1) });",
    `export const used: readonly object[] = [${imports.map((_, i) => `entry${i}`).join(", ")}];`,
    "",
  ].join("\n");
}

async function checkProject(
  folder: URL,
  name: string,
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const config = new URL(`${name}.json`, folder);
  writeJson(config, { compilerOptions: { ...strictest, ...options }, files: ["main.ts"] });
  await compile(config);
}

/** Type-checks projects that import the package, and one that imports the clone by path. */
export async function checkTypes(): Promise<void> {
  const folder = makeProject("importing");
  Deno.writeTextFileSync(
    new URL("main.ts", folder),
    sampleProgram((entry) => `${manifest.name}${entry}`),
  );
  const isolated = { isolatedDeclarations: true, declaration: true, types: [] };
  await checkProject(folder, "bundler", {
    ...isolated,
    target: "es2022",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["es2023", "dom"],
  });
  await checkProject(folder, "nodenext", {
    ...isolated,
    target: "es2022",
    module: "nodenext",
    lib: ["es2023"],
  });
  const clone = makeProject("by-path");
  Deno.writeTextFileSync(
    new URL("main.ts", clone),
    sampleProgram((entry) => `../../${manifest.exports[`.${entry}`].slice(2)}`),
  );
  await checkProject(clone, "clone", {
    noUncheckedIndexedAccess: false,
    allowImportingTsExtensions: true,
    target: "es2023",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext", "dom"],
    types: [],
  });
}

/** The size of a bundle that uses the given names of the library, minified and compressed. */
export async function sizeOf(names: string): Promise<number> {
  const folder = makeProject("bundled");
  const source = new URL("main.js", folder);
  const result = new URL("bundle.js", folder);
  Deno.writeTextFileSync(
    source,
    `import { ${names} } from "${manifest.name}";\nconsole.log(${names});\n`,
  );
  await bundle(
    pathOf(source),
    "--minify",
    `--outfile=${pathOf(result)}`,
    `--metafile=${pathOf(new URL("bundle.json", folder))}`,
  );
  const compressed = new Blob([Deno.readFileSync(result)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return (await new Response(compressed).arrayBuffer()).byteLength;
}

async function main(): Promise<void> {
  await build();
  console.log(`Built ${pathOf(target)}`);
  await checkTypes();
  console.log("Imported with TypeScript's strictest options: no errors");
  for (const names of ["grad, tensor", "grad, jit, tensor"]) {
    console.log(`{ ${names} } in a bundle: ${(await sizeOf(names) / 1000).toFixed(1)} kB`);
  }
  const size = await sizeOf("grad, tensor");
  if (size > MOST_BYTES) {
    throw new Error(`{ grad, tensor } in a bundle has ${size} bytes, expected ${MOST_BYTES}`);
  }
}

if (import.meta.main) await main();

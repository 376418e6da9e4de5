import manifest from "../deno.json" with { type: "json" };
// Modules that are already loaded can be imported as text without a permission: loading the whole
// library here is what lets a plain `deno test` read its sources.
import "../mod.ts";
import { assertEquals } from "./support/std.ts";

// The rules of the architecture: a file imports only from lower floors or from its own folder, where
// the folder's list, if there is one, only allows files that are earlier in it.

/**
 * Folders and files from the lowest floor up. Those on the same floor do not import each other. A file belongs
 * to the innermost entry that contains it.
 */
const floors: readonly (readonly string[])[] = [
  ["src/base"],
  ["src/backends/xla/pjrt"],
  ["src/numeric"],
  ["src/core"],
  ["src/tree.ts"],
  ["src/primitives"],
  ["src/functions", "src/transforms", "src/passes"],
  ["src/lowering", "src/stablehlo", "src/tree"],
  ["src/backends"],
  ["src/backends/wasm/engine.ts"],
  ["src/backends/wasm/assembler"],
  ["src/backends/wasm/kernels"],
  ["src/backends/wasm/kernels/math"],
  ["src/backends/wasm/kernels/indexing"],
  ["src/backends/wasm/kernels/nest"],
  [
    "src/backends/wasm/kernels/ordering",
    "src/backends/wasm/kernels/product",
    "src/backends/wasm/kernels/reduction",
  ],
  [
    "src/backends/wasm/kernels/convolution",
    "src/backends/wasm/kernels/linalg",
    "src/backends/wasm/kernels/fourier",
  ],
  ["src/backends/wasm/kernels/table.ts"],
  ["src/backends/wasm/schedule"],
  ["src/backends/wasm/threads"],
  ["src/backends/wasm/memory"],
  ["src/backends/wasm"],
  ["src/backends/cpu.ts"],
  ["src/backends/xla/hosts"],
  ["src/backends/webgpu/wgsl"],
  ["src/backends/webgpu/wgsl/kernels"],
  ["src/backends/webgpu/wgsl/table.ts"],
  ["src/backends/xla", "src/backends/webgpu"],
  ["src/control", "src/fft", "src/special", "src/device.ts"],
  ["src/linalg", "src/random"],
  ["src/jit", "src/signal", "src/inspect"],
  ["src/control", "src/fft", "src/random", "src/special", "src/device.ts"],
  ["src/linalg"],
  [
    "src/image",
    "src/integrate",
    "src/interpolate",
    "src/jit",
    "src/optimize",
    "src/signal",
    "src/inspect",
  ],
  [
    "src/jit.ts",
    "src/configure.ts",
    "src/nn",
    "src/optim",
    "src/io",
    "src/linalg.ts",
    "src/fft.ts",
    "src/signal.ts",
    "src/special.ts",
    "src/image.ts",
    "src/integrate.ts",
    "src/interpolate.ts",
    "src/optimize.ts",
  ],
  ["src/data", "src/metrics", "src/models", "src/testing", "src/backends/xla/install.ts"],
  ["src/train"],
  ["mod.ts"],
];

/** The order within a folder, for types too. */
const orders: Readonly<Record<string, readonly string[]>> = {
  "src/base": [
    "errors",
    "data",
    "crc32",
    "dtype",
    "half",
    "options",
    "shape",
    "recent",
    "warnings",
  ],
  "src/core": [
    "format",
    "device",
    "sharding",
    "slices",
    "methods",
    "storage",
    "tensor",
    "print",
    "tensor_type",
    "description",
    "tree",
    "tree_types",
    "primitive",
    "evaluation",
    "complex",
    "origin",
    "timeline",
    "non_finite",
    "trace",
    "convert",
    "transfer",
    "zeros",
    "program",
    "axes",
    "check",
  ],
  "src/backends": [
    "garbage",
    "backend",
    "spans",
    "devices",
    "evaluator",
    "run",
    "checks",
    "segments",
    "eager",
  ],
  "src/backends/wasm/assembler": [
    "encode",
    "expression",
    "memory",
    "families",
    "scalars",
    "vectors",
    "operations",
    "code",
    "module",
  ],
  "src/backends/wasm/schedule": [
    "steps",
    "check",
    "plan_memory",
    "region",
    "loop",
    "scan",
    "while",
    "switch",
    "control",
    "schedule",
    "recomputable",
    "emit_steps",
  ],
  "src/backends/wasm/memory": ["linear_memory", "ranges", "recipes", "blocks", "memory"],
  "src/backends/wasm/threads": ["worker", "workers", "threads"],
  "src/backends/wasm": ["machines", "fourier", "segments", "executable", "eager", "mod"],
  "src/backends/xla/pjrt": [
    "host",
    "layout",
    "structs",
    "api",
    "named_values",
    "compile_options",
    "element_types",
    "envelope",
    "op_sharding",
    "session",
    "device",
    "buffer",
    "executable",
    "client",
    "plugin",
    "mod",
  ],
  "src/backends/xla/hosts": [
    "connection",
    "store",
    "threads",
    "server",
    "callbacks",
    "join",
  ],
  "src/stablehlo": [
    "writer",
    "sharding",
    "builder",
    "rule",
    "elementwise",
    "transcendental",
    "structure",
    "reductions",
    "products",
    "indexing",
    "ordering",
    "linalg",
    "matrices",
    "elimination",
    "orthogonal",
    "jacobi",
    "fourier",
    "random_gamma",
    "gamma_slope",
    "collectives",
    "table",
    "control",
    "mod",
  ],
  "src/backends/webgpu/wgsl": [
    "kernel",
    "source",
    "exact",
    "wide",
    "transcendental",
    "special",
    "math",
    "module",
    "gates",
    "operations",
    "nest",
  ],
  "src/backends/webgpu": [
    "api",
    "waiting",
    "canvas",
    "session",
    "reading",
    "flags",
    "memory",
    "means",
    "commands",
    "timing",
    "rows",
    "planner",
    "control",
    "plan",
    "recorder",
    "executable",
    "mod",
  ],
  "src/backends/webgpu/wgsl/kernels": [
    "passes",
    "keys",
    "slices",
    "walks",
    "matrices",
    "mending",
    "direct",
    "product",
    "contract",
    "convolution",
    "extremes",
    "sorting",
    "accumulation",
    "running",
    "indexing",
    "slicing",
    "bitcast",
    "random_bits",
    "fourier",
    "attention",
  ],
  "src/backends/xla": [
    "program_cache",
    "pressure",
    "parts",
    "memory",
    "tilings",
    "executable",
    "mod",
  ],
  "src/lowering": [
    "arrange",
    "nest",
    "quotients",
    "slopes",
    "simplify_nest",
    "guards",
    "coordinates",
    "target",
    "rules",
    "equation_rules",
    "straight_code",
    "straight_reductions",
    "straight_groups",
    "straight_writer",
    "tasks",
    "print",
    "check",
    "readers_first",
    "join_reductions",
    "join_loops",
    "kept_values",
    "nest_writer",
    "lower",
  ],
  "src/passes": [
    "control",
    "kinds",
    "heirs",
    "rewrite",
    "lift_constants",
    "forms",
    "inline_calls",
    "widen",
    "expand_composites",
    "spread_updates",
    "fold_constants",
    "simplify",
    "absorb_transposes",
    "bind_constants",
    "prune_loops",
    "hoist_invariants",
    "share_equations",
    "mod",
  ],
  "src/primitives": [
    "structure",
    "barrier",
    "move",
    "elementwise",
    "comparison",
    "arithmetic",
    "indexing",
    "positions",
    "dynamic_slicing",
    "slicing",
    "prefixes",
    "searching",
    "moment_formulas",
    "moments",
    "transcendental",
    "analytic",
    "reduction",
    "softmax",
    "norms",
    "contraction",
    "window",
    "ordering",
    "random_bits",
    "collective",
    "debug",
    "callback",
    "matrices",
    "triangular",
    "matrix_rules",
    "lu",
    "orthogonal",
    "complex_matrices",
    "schur",
    "fourier",
    "random_gamma",
    "special_names",
    "special_gamma",
    "special_bessel",
    "special_integrals",
    "special_normal",
    "special_series",
    "special_analytic",
    "special_formulas",
    "mod",
    "complex",
  ],
  "src/io": [
    "bytes",
    "elements",
    "gather",
    "scanner",
    "json",
    "safetensors",
    "tree",
    "idx",
    "inflate",
    "zip",
    "zip_writer",
    "npy_header",
    "npy",
    "pickle_input",
    "pickle",
    "torch_values",
    "torch_resolve",
    "torch_files",
    "torch",
    "mod",
  ],
  "src/data": ["source", "batches", "images", "split", "mod"],
  "src/metrics": ["arguments", "classification", "ranking", "regression", "running", "mod"],
  "src/train": ["step", "sums", "evaluation", "checkpoints", "progress", "loop", "mod"],
  "src/transforms": [
    "flatten_function",
    "stage",
    "symbolic_zeros",
    "jvp",
    "transpose",
    "linearize",
    "grad",
    "no_grad",
    "vmap",
    "jacobian",
    "mod",
  ],
};

/** The files that may use the runtime, and the part of it that they use: `Deno`, or a `node:` module. */
const hostUses: Readonly<Record<string, readonly string[]>> = {
  "src/backends/xla/install.ts": ["Deno"],
  "src/backends/xla/hosts/connection.ts": ["Deno"],
  "src/backends/xla/pjrt/host.ts": ["Deno"],
  "src/backends/xla/program_cache.ts": ["Deno"],
  // Notebooks.
  "src/train/progress.ts": ["Deno"],
};

interface Rules {
  readonly floors: readonly (readonly string[])[];
  readonly orders: Readonly<Record<string, readonly string[]>>;
  readonly hostUses: Readonly<Record<string, readonly string[]>>;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** Sources by path relative to the root of the repository, such as `src/base/shape.ts`. */
type Sources = ReadonlyMap<string, string>;

const tokens = new RegExp(
  [
    String.raw`\/\*[\s\S]*?\*\/`,
    String.raw`\/\/[^\n]*`,
    String.raw`"(?:\\.|[^"\\\n])*"`,
    String.raw`'(?:\\.|[^'\\\n])*'`,
    "`(?:\\\\.|[^`\\\\])*`",
    // A pattern can only occur where a value may begin; elsewhere a slash is a division.
    String.raw`(?<=[=(,:!&|?;[{]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/`,
  ].join("|"),
  "g",
);

/** The code without its comments, patterns, templates, and strings that cannot name a module. */
function onlyCode(source: string): string {
  return source.replace(tokens, (token) => {
    if (token.startsWith("/")) return " ";
    return /^`|[\s()]/.test(token) ? '""' : token;
  });
}

function readImports(source: string): Import[] {
  const code = onlyCode(source);
  const clause = String.raw`(?:[\w$*,\s]|\{[^}]*\})`;
  const from = new RegExp(
    String
      .raw`^\s*(?:import|export)\b(\s+type\b(?!\s+from\b))?${clause}*?\bfrom\s*["']([^"']+)["']`,
    "gm",
  );
  const bare = /^\s*import\s*["']([^"']+)["']/gm;
  const called = /\bimport\(\s*["']([^"']+)["']/g;
  return [
    ...[...code.matchAll(from)].map(([, type, specifier]) => ({
      specifier: specifier ?? "",
      typeOnly: type !== undefined,
    })),
    ...[...code.matchAll(bare), ...code.matchAll(called)].map(([, specifier]) => ({
      specifier: specifier ?? "",
      typeOnly: false,
    })),
  ];
}

function usesDeno(source: string): boolean {
  return /(?<![\w$."'`])Deno\s*[.?[]|\bglobalThis\.Deno\b/.test(onlyCode(source));
}

function resolvePath(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Every violation of the rules, one sentence each, in the order of the paths. */
function findBreaches(sources: Sources, rules: Rules): string[] {
  const breaches: string[] = [];
  const edges = new Map<string, string[]>();

  const parts = rules.floors.flat().sort((a, b) => b.length - a.length);

  /** The innermost entry of the floors that a path belongs to. */
  function partOf(path: string): string {
    return parts.find((part) => path === part || path.startsWith(`${part}/`)) ?? path;
  }

  function floorOf(path: string): number {
    return rules.floors.findIndex((parts) => parts.includes(partOf(path)));
  }

  function placeOf(path: string): number | undefined {
    const order = rules.orders[partOf(path)];
    return order?.indexOf(path.slice(partOf(path).length + 1).replace(/\.ts$/, ""));
  }

  function checkFile(path: string, source: string): void {
    if (floorOf(path) < 0) breaches.push(`${path} stands on no floor`);
    if (placeOf(path) === -1) breaches.push(`${path} is missing in the order of ${partOf(path)}`);
    const allowed = rules.hostUses[path] ?? [];
    if (usesDeno(source) && !allowed.includes("Deno")) breaches.push(`${path} uses Deno`);
    const targets: string[] = [];
    for (const { specifier } of readImports(source)) {
      if (!specifier.startsWith(".")) {
        if (!allowed.includes(specifier)) breaches.push(`${path} imports ${specifier}`);
        continue;
      }
      const target = resolvePath(path, specifier);
      targets.push(target);
      checkEdge(path, target);
    }
    edges.set(path, targets);
  }

  function checkEdge(path: string, target: string): void {
    const [above, below] = [floorOf(path), floorOf(target)];
    if (partOf(path) !== partOf(target)) {
      if (below < 0) breaches.push(`${path} imports ${target}, which stands on no floor`);
      else if (below > above) breaches.push(`${path} imports ${target} from a higher floor`);
      else if (below === above) breaches.push(`${path} imports ${target} from its own floor`);
      return;
    }
    const [place, targetPlace] = [placeOf(path), placeOf(target)];
    if (place === undefined || targetPlace === undefined || place < 0) return;
    if (targetPlace >= place) {
      breaches.push(`${path} imports ${target}, which does not stand before it`);
    }
  }

  function findCycles(): void {
    const finished = new Set<string>();
    function visit(path: string, trail: readonly string[]): void {
      const start = trail.indexOf(path);
      if (start >= 0) {
        breaches.push(`${[...trail.slice(start), path].join(" imports ")}`);
        return;
      }
      if (finished.has(path)) return;
      for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
      finished.add(path);
    }
    for (const path of edges.keys()) visit(path, []);
  }

  for (const [path, source] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    checkFile(path, source);
  }
  findCycles();
  return breaches;
}

async function readText(path: string): Promise<string | undefined> {
  const { href } = new URL(`../${path}`, import.meta.url);
  try {
    const { default: text } = await import(href, { with: { type: "text" } });
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The imports of the entry points, as far as they can be read: types alone are not loaded. */
async function readLoadedSources(): Promise<Sources> {
  const sources = new Map<string, string>();
  const queue = Object.values(manifest.exports).map((path) => resolvePath("deno.json", path));
  const seen = new Set(queue);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const source = await readText(path);
    if (source === undefined) continue;
    sources.set(path, source);
    for (const { specifier } of readImports(source)) {
      if (!specifier.startsWith(".")) continue;
      const target = resolvePath(path, specifier);
      if (!seen.has(target)) queue.push(target);
      seen.add(target);
    }
  }
  return sources;
}

async function readAllSources(): Promise<Sources> {
  const root = new URL("../", import.meta.url);
  const sources = new Map([["mod.ts", await Deno.readTextFile(new URL("mod.ts", root))]]);
  async function readFolder(folder: string): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, root))) {
      const path = `${folder}/${name}`;
      if (isDirectory) await readFolder(path);
      else if (path.endsWith(".ts")) {
        sources.set(path, await Deno.readTextFile(new URL(path, root)));
      }
    }
  }
  await readFolder("src");
  return sources;
}

const rules: Rules = { floors, orders, hostUses };
const root = new URL("../", import.meta.url);
const readable = (await Deno.permissions.query({ name: "read", path: root })).state === "granted";
const loaded = await readText("mod.ts") !== undefined;

Deno.test({
  name: loaded
    ? "every loaded source file keeps to its floor"
    : "every loaded source file keeps to its floor (this Deno cannot read it: deno task layers)",
  ignore: !loaded,
  fn: async () => assertEquals(findBreaches(await readLoadedSources(), rules), []),
});

Deno.test({
  name: readable
    ? "every source file keeps to its floor, loaded or not"
    : "every source file keeps to its floor, loaded or not (needs --allow-read: deno task layers)",
  ignore: !readable,
  fn: async () => assertEquals(findBreaches(await readAllSources(), rules), []),
});

/** Imports of one backend's files from outside the backends. */
function findNamedBackends(sources: Sources): string[] {
  return [...sources].flatMap(([path, source]) =>
    readImports(source).map(({ specifier }) => resolvePath(path, specifier))
      .filter((target) => /^src\/backends\/\w+\//.test(target) && !path.startsWith("src/backends/"))
      .map((target) => `${path} imports ${target}`)
  );
}

Deno.test({
  name: loaded
    ? "nothing above the backends knows which there are"
    : "nothing above the backends knows which there are (this Deno cannot read it: deno task layers)",
  ignore: !loaded,
  fn: async () => {
    assertEquals(findNamedBackends(await readLoadedSources()), []);
    const one = new Map([["src/jit.ts", `import { wasm } from "./backends/wasm/mod.ts";`]]);
    assertEquals(findNamedBackends(one), ["src/jit.ts imports src/backends/wasm/mod.ts"]);
  },
});

/**
 * Violations by kernels, whose code is cached by its parameters alone: state in variables of
 * modules, or anything but a function of a module as an argument of `Builder.once`.
 */
function findImpureKernels(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, source] of sources) {
    if (!/^src\/backends\/wasm\/(kernels|assembler)\//.test(path)) continue;
    for (const [, name] of source.matchAll(/^(?:export )?(?:let|var) (\w+)/gm)) {
      // The tile is measured once, and a property of each builder.
      if (path !== "src/backends/wasm/kernels/product/probe.ts") {
        found.push(`${path} keeps ${name}`);
      }
    }
    for (const [, name] of source.matchAll(/\bonce\(\s*([^,)]*)/g)) {
      const isKnown = /^\w+$/.test(name) &&
        new RegExp(`^(export )?function ${name}\\b|^import [^;]*\\b${name}\\b`, "m").test(source);
      // The table's emitters are functions of other modules.
      if (!isKnown && path !== "src/backends/wasm/kernels/table.ts") {
        found.push(`${path} writes ${name} once`);
      }
    }
  }
  return found.sort();
}

Deno.test({
  name: readable
    ? "kernels keep no state, and what is written once is a function of its module"
    : "kernels keep no state, and what is written once is a function of its module " +
      "(needs --allow-read: deno task layers)",
  ignore: !readable,
  fn: async () => assertEquals(findImpureKernels(await readAllSources()), []),
});

Deno.test("state of a kernel's module and closures that are written once are found", () => {
  const source = "let count = 0;\n" +
    "function emitOne(builder: Builder): One {\n  const emitTwo = () => count;\n" +
    "  builder.once(emitTwo);\n  builder.once(() => 1, {});\n  return builder.once(emitOne, { a });\n}";
  assertEquals(findImpureKernels(new Map([["src/backends/wasm/kernels/one.ts", source]])), [
    "src/backends/wasm/kernels/one.ts keeps count",
    "src/backends/wasm/kernels/one.ts writes ( once",
    "src/backends/wasm/kernels/one.ts writes emitTwo once",
  ]);
});

const exampleRules: Rules = {
  floors: [["src/low", "src/side"], ["src/high"], ["src/top.ts"], ["mod.ts"]],
  orders: { "src/low": ["first", "second"] },
  hostUses: { "src/high/host.ts": ["Deno", "node:worker_threads"] },
};

function breachesOf(sources: Record<string, string>): string[] {
  return findBreaches(new Map(Object.entries(sources)), exampleRules);
}

Deno.test("imports of lower floors and of earlier files are allowed", () => {
  assertEquals(
    breachesOf({
      "src/low/first.ts": "export const one = 1;",
      "src/low/second.ts": `import { one } from "./first.ts";`,
      "src/high/any.ts": `export * from "../low/second.ts";`,
      "src/high/mod.ts": `export * as any from "./any.ts";\nimport "../side/x.ts";`,
      "src/side/x.ts": "",
      "src/top.ts": `export { one } from "./low/first.ts";`,
      "mod.ts": `export * from "./src/top.ts";\nexport * from "./src/high/mod.ts";`,
    }),
    [],
  );
});

Deno.test("an import of a higher floor is a breach, for types too", () => {
  assertEquals(
    breachesOf({
      "src/low/first.ts": `import type { A } from "../high/any.ts";`,
      "src/high/any.ts": `import {\n  a,\n  b,\n} from "../top.ts";`,
      "src/top.ts": `const later = () => import("../mod.ts");`,
      "mod.ts": "",
    }),
    [
      "src/high/any.ts imports src/top.ts from a higher floor",
      "src/low/first.ts imports src/high/any.ts from a higher floor",
      "src/top.ts imports mod.ts from a higher floor",
    ],
  );
});

Deno.test("folders on the same floor do not import each other", () => {
  assertEquals(
    breachesOf({ "src/side/x.ts": `export type { A } from "../low/first.ts";` }),
    ["src/side/x.ts imports src/low/first.ts from its own floor"],
  );
});

Deno.test("a file that stands on no floor is a breach, and so is its import", () => {
  assertEquals(
    breachesOf({
      "src/new/x.ts": "",
      "mod.ts": `import * as x from "./src/new/x.ts";`,
    }),
    [
      "mod.ts imports src/new/x.ts, which stands on no floor",
      "src/new/x.ts stands on no floor",
    ],
  );
});

Deno.test("within a listed folder the list decides, for types too", () => {
  assertEquals(
    breachesOf({
      "src/low/first.ts":
        `import { two } from "./second.ts";\nimport type { Two } from "./second.ts";`,
      "src/low/second.ts": "",
      "src/low/third.ts": "",
    }),
    [
      "src/low/first.ts imports src/low/second.ts, which does not stand before it",
      "src/low/first.ts imports src/low/second.ts, which does not stand before it",
      "src/low/third.ts is missing in the order of src/low",
    ],
  );
});

Deno.test("a cycle is a breach, for types too", () => {
  assertEquals(
    breachesOf({
      "src/high/a.ts": `import { b } from "./b.ts";`,
      "src/high/b.ts": `import { c } from "./deep/c.ts";`,
      "src/high/deep/c.ts": `import { a } from "../a.ts";`,
    }),
    ["src/high/a.ts imports src/high/b.ts imports src/high/deep/c.ts imports src/high/a.ts"],
  );
  assertEquals(
    breachesOf({
      "src/high/a.ts": `import { b } from "./b.ts";`,
      "src/high/b.ts": `import type { A } from "./a.ts";`,
    }),
    ["src/high/a.ts imports src/high/b.ts imports src/high/a.ts"],
  );
});

Deno.test("packages, node modules and Deno are breaches where they are not listed", () => {
  const source = `import { Worker } from "node:worker_threads";\nDeno.cwd();`;
  assertEquals(
    breachesOf({ "src/high/host.ts": source, "src/high/other.ts": source }),
    ["src/high/other.ts uses Deno", "src/high/other.ts imports node:worker_threads"],
  );
  assertEquals(
    breachesOf({ "src/high/other.ts": `import { grad } from "@jacobi/jacobi";` }),
    ["src/high/other.ts imports @jacobi/jacobi"],
  );
});

Deno.test("comments, strings, templates and patterns are not imports", () => {
  assertEquals(
    readImports(`
/**
 * import { a } from "./a.ts";
 */
// import { b } from "./b.ts";
const text = "import('./c.ts') // ";
const pattern = /["'] \\/\\//;
const template = \`
import { d } from "d"; /* \`;
import { real } from "./real.ts"; // from "./e.ts"
export function from(value: string): string {
  return value;
}
`),
    [{ specifier: "./real.ts", typeOnly: false }],
  );
  assertEquals(usesDeno(`/** Deno.cwd() */ const key = Symbol.for("Deno.customInspect");`), false);
  assertEquals(usesDeno("globalThis.Deno?.cwd()"), true);
  assertEquals(usesDeno("const cwd = Deno.cwd();"), true);
});

Deno.test("every form of import is read", () => {
  assertEquals(
    readImports(`
import a from "./a.ts";
import a, { b } from "./b.ts";
import * as c from "./c.ts";
import {
  type d,
  e as f,
} from "./d.ts";
import "./e.ts";
import type { F } from "./f.ts";
import type from "./g.ts";
export * from "./h.ts";
export * as i from "./i.ts";
export { j } from "./j.ts";
export type { K } from "./k.ts";
export type * from "./l.ts";
import data from "./m.json" with { type: "json" };
const n = await import("./n.ts");
`).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier)),
    [
      "./a.ts",
      "./b.ts",
      "./c.ts",
      "./d.ts",
      "type ./f.ts",
      "./g.ts",
      "./h.ts",
      "./i.ts",
      "./j.ts",
      "type ./k.ts",
      "type ./l.ts",
      "./m.json",
      "./e.ts",
      "./n.ts",
    ],
  );
});

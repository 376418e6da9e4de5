/**
 * The library in every runtime: the smoke program on the npm package, the laws of compiled code on the
 * sources, and the ways in which processes end, in Node, Bun and Chromium. `deno task runtimes` runs
 * all, `deno task runtimes bun` those whose names hold a word. A runtime that cannot be installed is a failure.
 *
 * @module
 */
import { type Ending, endings } from "../tests/runtimes/endings.ts";
import { build, installedIn, packageName } from "./npm.ts";
import { bundle, execute, install, pathOf, root, sideBySide, succeed } from "./tools.ts";

/** What ran somewhere, and what failed. */
interface Report {
  readonly passed: number;
  readonly failures: readonly string[];
}

/** A place where programs run. */
export interface Runtime {
  readonly name: string;
  /**
   * Runs a program that was prepared, which exports `run`, a function of the milliseconds that loading
   * it took; gives what `run` resolves to.
   */
  run(program: string): Promise<unknown>;
  /** Runs a program as a process of its own, which must end as told; throws if it does not. */
  end?(ending: Ending): Promise<void>;
}

/** How long a process may take that computes for a moment, in milliseconds. */
const PATIENCE = 120_000;

/** The first part of the names of a runtime's files. */
function prefixOf(name: string): string {
  return name.replace(/\W+/g, "_");
}

const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** The programs of runtimes, as npm packages without install scripts. */
const packages = {
  node20: `npm:node-linux-${cpu}@20.20.2`,
  node22: `npm:node-linux-${cpu}@22.23.3`,
  node24: `npm:node-linux-${cpu}@24.21.0`,
  bun: `npm:@oven/bun-linux-${cpu === "x64" ? "x64-baseline" : "aarch64"}@1.4.5`,
  "playwright-core": "1.65.1",
};

/** Where the bundles are. */
const folder = new URL("dist/runtimes/", root);

/** Before what a program prints for the one who started it. */
const MARK = "result: ";

function readResult(output: string): unknown {
  const line = output.split("\n").findLast((text) => text.startsWith(MARK));
  if (line === undefined) throw new Error(`No result; the output was:\n${output}`);
  return JSON.parse(line.slice(MARK.length));
}

/** Code that loads a module, runs it, and calls what comes of it `result`. */
function runModule(path: string): string {
  return `const begin = performance.now();
    const { run } = await import("${path}");
    const result = await run(performance.now() - begin);`;
}

/** A runtime that takes the path of a script behind its own arguments. */
export function onCommandLine(
  name: string,
  runtime: string,
  args: readonly string[] = [],
): Runtime {
  return {
    name,
    async run(program) {
      const script = new URL(`${prefixOf(name)}.js`, folder);
      Deno.writeTextFileSync(
        script,
        `${runModule(`./${program}.js`)}
         console.log(${JSON.stringify(MARK)} + JSON.stringify(result));
         globalThis.process?.exit(0);`,
      );
      const { output } = await execute(runtime, [...args, pathOf(script)], { cwd: folder });
      return readResult(output);
    },
    async end(ending) {
      const script = new URL(`${prefixOf(name)}_ending.js`, folder);
      Deno.writeTextFileSync(script, ending.source);
      const { code, output } = await execute(runtime, [...args, pathOf(script)], {
        cwd: folder,
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (code === ending.code && output.includes(ending.output)) return;
      throw new Error(
        `It ended with ${code}, expected ${ending.code} and ${JSON.stringify(ending.output)} in ` +
          `what it prints:\n${output}`,
      );
    },
  };
}

/** Debian's Chromium, which is installed if it is not there. */
async function findChromium(): Promise<string> {
  const find = () => execute("sh", ["-c", "command -v chromium || command -v chromium-browser"]);
  let found = await find();
  if (!found.success) {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await succeed("apt-get", ["update"], { env });
    await succeed("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { env });
    found = await find();
  }
  if (!found.success) throw new Error("Chromium is missing and could not be installed");
  return found.output.trim();
}

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

/** Serves the bundles, in isolation if asked for: only then has a page shared memory. */
function serve(isIsolated: boolean): Deno.HttpServer<Deno.NetAddr> {
  const headers: Record<string, string> = isIsolated
    ? {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    }
    : {};
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const type = types[pathname.slice(pathname.lastIndexOf("."))];
    if (type === undefined) return new Response(null, { status: 404 });
    const bytes = await Deno.readFile(new URL(`.${pathname}`, folder));
    return new Response(bytes, { headers: { ...headers, "Content-Type": type } });
  });
}

/** Chromium driven by Playwright, which runs in Node. */
function inChromium(
  chromium: string,
  node: string,
  tools: URL,
  isIsolated: boolean,
  isWorker: boolean,
): Runtime {
  const isolation = isIsolated ? "isolated" : "not isolated";
  const name = `chromium, ${isWorker ? "worker" : "page"}, ${isolation}`;
  const prefix = prefixOf(name);
  return {
    name,
    async run(program) {
      const module = `${program}.browser.js`;
      Deno.writeTextFileSync(
        new URL(`${prefix}_worker.js`, folder),
        `${runModule(`./${module}`)} postMessage(result);`,
      );
      const start = isWorker
        ? `const worker = new Worker("/${prefix}_worker.js", { type: "module" });
           const result = await new Promise((resolve, reject) => {
             worker.onmessage = ({ data }) => resolve(data);
             worker.onerror = ({ message }) => reject(new Error(message));
           });`
        : runModule(`./${module}`);
      Deno.writeTextFileSync(
        new URL(`${prefix}.html`, folder),
        `<!doctype html><script type="module">
           try { ${start}
             if (crossOriginIsolated !== ${isIsolated}) throw new Error("isolation is not as told");
             globalThis.outcome = { result };
           } catch (error) { globalThis.outcome = { error: String(error?.stack ?? error) }; }
         </script>`,
      );
      const server = serve(isIsolated);
      try {
        const driver = new URL(`${prefix}_driver.js`, folder);
        const entry = new URL("playwright-core/index.mjs", tools).href;
        Deno.writeTextFileSync(
          driver,
          `import { chromium } from ${JSON.stringify(entry)};
           const browser = await chromium.launch({
             executablePath: ${JSON.stringify(chromium)},
             args: ["--no-sandbox"],
           });
           try {
             const page = await browser.newPage();
             await page.goto("http://127.0.0.1:${server.addr.port}/${prefix}.html");
             const handle = await page.waitForFunction(() => globalThis.outcome, null, {
               timeout: 600_000,
             });
             const { result, error } = await handle.jsonValue();
             if (error !== undefined) throw new Error(error);
             console.log(${JSON.stringify(MARK)} + JSON.stringify(result));
           } finally {
             await browser.close();
           }`,
        );
        const { output } = await execute(node, [pathOf(driver)], { cwd: folder });
        return readResult(output);
      } finally {
        await server.shutdown();
      }
    },
  };
}

/** Every runtime, installed where need be. */
export async function installRuntimes(): Promise<Runtime[]> {
  const tools = await install("runtimes", packages);
  const node = (version: number) => pathOf(new URL(`node${version}/bin/node`, tools));
  const chromium = await findChromium();
  return [
    ...[20, 22, 24].map((version) => onCommandLine(`node ${version}`, node(version))),
    onCommandLine("bun", pathOf(new URL("bun/bin/bun", tools))),
    ...[true, false].flatMap((isIsolated) =>
      [false, true].map((isWorker) => inChromium(chromium, node(24), tools, isIsolated, isWorker))
    ),
  ];
}

/**
 * Bundles a program for all runtimes. It imports the npm package where the runtime can find packages,
 * and holds it for browsers.
 */
export async function prepare(source: string, name: string): Promise<void> {
  Deno.mkdirSync(folder, { recursive: true });
  installedIn(folder);
  // So that Deno, too, takes the package from there.
  Deno.writeTextFileSync(new URL("deno.json", folder), '{ "nodeModulesDir": "manual" }');
  const args = [
    pathOf(new URL(source, root)),
    "--alias:@std/assert=./tests/support/fallback_assert.ts",
    "--alias:@std/testing/mock=./tests/support/fallback_testing.ts",
    "--alias:@std/testing/types=./tests/support/fallback_testing.ts",
    `--external:${packageName}`,
  ];
  const module = new URL(`${name}.js`, folder);
  await bundle(...args, `--outfile=${pathOf(module)}`);
  // Beside the package, esbuild finds it.
  await bundle(pathOf(module), `--outfile=${pathOf(new URL(`${name}.browser.js`, folder))}`);
}

/** What passed and what failed in a runtime, the ways in which processes end included. */
async function check(runtime: Runtime): Promise<Report> {
  const report = await runtime.run("tests").catch((error) => ({
    passed: 0,
    failures: [String(error)],
  })) as Report;
  if (runtime.end === undefined) return report;
  const failures = [...report.failures];
  for (const [name, ending] of Object.entries(endings)) {
    await runtime.end(ending).catch((error) => {
      failures.push(`a process that ${name}: ${error.message}`);
    });
  }
  const failed = failures.length - report.failures.length;
  return { passed: report.passed + Object.keys(endings).length - failed, failures };
}

async function main(): Promise<void> {
  await build();
  await prepare("tests/runtimes/run.ts", "tests");
  const chosen = (await installRuntimes()).filter(({ name }) =>
    Deno.args.length === 0 || Deno.args.some((word) => name.includes(word))
  );
  const reports = await sideBySide(chosen, async (runtime) => {
    const start = performance.now();
    const report = await check(runtime);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const { passed, failures } = report;
    console.log(
      `${runtime.name}: ${passed} passed, ${failures.length} failed, in ${seconds} seconds`,
    );
    for (const failure of failures) console.log(failure.replace(/^/gm, "  "));
    return report;
  });
  const isBroken = reports.some(({ failures }) => failures.length > 0);
  if (isBroken || chosen.length === 0) Deno.exit(1);
}

if (import.meta.main) await main();

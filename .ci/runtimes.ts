/**
 * The library in every runtime: the smoke program on the npm package, the laws of compiled code on the
 * sources, and the ways in which processes end, in Node, Bun and Chromium. `deno task runtimes` runs
 * all, `deno task runtimes bun` those whose names contain a word. A runtime that cannot be installed is a failure.
 *
 * @module
 */
import { type Ending, endings } from "../tests/runtimes/endings.ts";
import { installChromium, runModule, runPage, type Visit, writePage } from "./chromium.ts";
import { build, installedIn, packageName } from "./npm.ts";
import {
  bundle,
  execute,
  install,
  pathOf,
  root,
  sideBySide,
  withoutStandardLibrary,
} from "./tools.ts";

/** The results of a runtime. */
interface Report {
  readonly passed: number;
  readonly failures: readonly string[];
}

/** A runtime. */
export interface Runtime {
  readonly name: string;
  /**
   * Runs a prepared program, which exports `run`, a function of the milliseconds that loading
   * it took; returns what `run` resolves to.
   */
  run(program: string): Promise<unknown>;
  /** Runs a program as a process of its own; throws if it does not end as expected. */
  end?(ending: Ending): Promise<void>;
}

/** The timeout of a process with a short computation, in milliseconds. */
const PATIENCE = 120_000;

/** The first part of the names of a runtime's files. */
function prefixOf(name: string): string {
  return name.replace(/\W+/g, "_");
}

const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** The executables of runtimes, as npm packages without install scripts. */
const packages = {
  node20: `npm:node-linux-${cpu}@20.20.2`,
  node22: `npm:node-linux-${cpu}@22.23.3`,
  node24: `npm:node-linux-${cpu}@24.21.0`,
  bun: `npm:@oven/bun-linux-${cpu === "x64" ? "x64-baseline" : "aarch64"}@1.4.5`,
};

/** The folder of the bundles. */
const folder = new URL("dist/runtimes/", root);

/** The prefix of a program's output line that holds its result. */
const MARK = "result: ";

function readResult(output: string): unknown {
  const line = output.split("\n").findLast((text) => text.startsWith(MARK));
  if (line === undefined) throw new Error(`No result; the output was:\n${output}`);
  return JSON.parse(line.slice(MARK.length));
}

/** A runtime that takes the path of a script after its own arguments. */
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

/** Chromium, which runs programs in a page or in a worker. */
function inChromium(
  visit: (visit: Visit) => Promise<unknown>,
  isIsolated: boolean,
  isWorker: boolean,
): Runtime {
  const isolation = isIsolated ? "isolated" : "not isolated";
  const name = `chromium, ${isWorker ? "worker" : "page"}, ${isolation}`;
  return {
    name,
    run(program) {
      const path = writePage(
        folder,
        `${prefixOf(name)}_${program}`,
        `${program}.browser.js`,
        isWorker,
      );
      return runPage(visit, { folder, path, isIsolated });
    },
  };
}

/** The folder of the executables of runtimes, which are installed if needed. */
export function installPrograms(): Promise<URL> {
  return install("runtimes", packages);
}

/** Every runtime, installed if needed. */
export async function installRuntimes(): Promise<Runtime[]> {
  const tools = await installPrograms();
  const node = (version: number) => pathOf(new URL(`node${version}/bin/node`, tools));
  const visit = await installChromium();
  return [
    ...[20, 22, 24].map((version) => onCommandLine(`node ${version}`, node(version))),
    onCommandLine("bun", pathOf(new URL("bun/bin/bun", tools))),
    ...[true, false].flatMap((isIsolated) =>
      [false, true].map((isWorker) => inChromium(visit, isIsolated, isWorker))
    ),
  ];
}

/**
 * Bundles a program for all runtimes. Runtimes that find packages import the npm package; for browsers
 * it is bundled.
 */
export async function prepare(source: string, name: string): Promise<void> {
  Deno.mkdirSync(folder, { recursive: true });
  installedIn(folder);
  // This makes Deno, too, take the package from there.
  Deno.writeTextFileSync(new URL("deno.json", folder), '{ "nodeModulesDir": "manual" }');
  const args = [
    pathOf(new URL(source, root)),
    ...withoutStandardLibrary,
    `--external:${packageName}`,
  ];
  const module = new URL(`${name}.js`, folder);
  await bundle(...args, `--outfile=${pathOf(module)}`);
  // esbuild finds the package in the same folder.
  await bundle(pathOf(module), `--outfile=${pathOf(new URL(`${name}.browser.js`, folder))}`);
}

/** The passed and failed tests of a runtime, including the ways in which processes end. */
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

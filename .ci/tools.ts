/**
 * Tools from npm packages, in exact versions, installed by Deno into a folder of their own below
 * `dist/`, which is not under version control.
 *
 * @module
 */

/** The root of the repository. */
export const root = new URL("../", import.meta.url);

/** A path for programs that do not take URLs. */
export function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** The result of a program. */
export interface Finished {
  readonly success: boolean;
  readonly code: number;
  readonly output: string;
}

/** Runs a program to its end; `output` is everything it printed, including errors. */
export async function execute(
  program: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): Promise<Finished> {
  const command = new Deno.Command(program, {
    cwd: root,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
  });
  const { success, code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { success, code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Runs a program that must succeed, and returns its output. */
export async function succeed(
  program: string,
  args: readonly string[],
  options?: Deno.CommandOptions,
): Promise<string> {
  const { success, output } = await execute(program, args, options);
  if (success) return output;
  const shown = output.split("\n").slice(0, 40).join("\n");
  throw new Error(`${[program, ...args].join(" ")} failed:\n${shown}`);
}

/**
 * Runs a function on each item, with one item per processor at a time.
 *
 * @returns The results, in the order of the items.
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  async function runNext(): Promise<void> {
    for (const [i, item] of rest) results[i] = await run(item);
  }
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, runNext));
  return results;
}

function readOrNull(file: URL): string | null {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Installs packages if they are missing.
 *
 * @param set The name of their folder.
 * @param packages Their versions, by their names in `node_modules`.
 * @returns The folder that contains them.
 */
export async function install(
  set: string,
  packages: Readonly<Record<string, string>>,
): Promise<URL> {
  const folder = new URL(`dist/tools/${set}/`, root);
  const manifest = new URL("package.json", folder);
  const done = new URL("installed.json", folder);
  const text = JSON.stringify({ private: true, type: "module", dependencies: packages }, null, 2);
  if (readOrNull(done) !== text) {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(manifest, text);
    const args = ["install", "--quiet", "--no-lock", "--node-modules-dir=auto"];
    await succeed(Deno.execPath(), args, { cwd: folder });
    Deno.writeTextFileSync(done, text);
  }
  return new URL("node_modules/", folder);
}

function runPackage(command: string, args: readonly string[]): Promise<string> {
  const options = ["run", "--quiet", "-A", "--no-lock", "--no-config"];
  return succeed(Deno.execPath(), [...options, `npm:${command}`, ...args]);
}

/** Compiles with TypeScript's own compiler. Type errors are failures. */
export function compile(config: URL): Promise<string> {
  return runPackage("typescript@7.0.2/tsc", ["-p", pathOf(config)]);
}

/** Bundles with esbuild; the arguments are its command-line options. */
export function bundle(...args: readonly string[]): Promise<string> {
  return runPackage("esbuild@0.28.2", [
    "--bundle",
    "--format=esm",
    "--log-level=warning",
    ...args,
  ]);
}

/** Options that replace packages from JSR, which esbuild does not find. */
export const withoutStandardLibrary: readonly string[] = [
  "--alias:@std/assert=./tests/support/fallback_assert.ts",
  "--alias:@std/testing/mock=./tests/support/fallback_testing.ts",
  "--alias:@std/testing/types=./tests/support/fallback_testing.ts",
];

/**
 * Tests the ways of installing that the README shows: projects in temporary folders run its programs with its
 * `deno.json` files and commands, and with nothing else of the clone.
 *
 * @module
 */
import { build, target } from "./npm.ts";
import { installPrograms } from "./runtimes.ts";
import { pathOf, root, succeed } from "./tools.ts";

const readme = Deno.readTextFileSync(new URL("README.md", root));

/** The code blocks of one language. */
function blocks(language: string): string[] {
  const fence = new RegExp("^```" + language + "\\n(.*?)^```$", "gms");
  return Array.from(readme.matchAll(fence), ([, text]) => text);
}

const programs = blocks("ts");
const [fromClone, fromTag] = blocks("json");

/** The first line that the README's first program prints. */
const EXPECTED = "tensor([ 3., 12., 27.])";

/** A folder with the README's programs, as `main0.ts` and so on. */
function makeProject(config: string): URL {
  const folder = new URL(`file://${Deno.makeTempDirSync({ prefix: "jacobi_install_" })}/`);
  if (config !== "") Deno.writeTextFileSync(new URL("deno.json", folder), config);
  programs.forEach((text, i) => Deno.writeTextFileSync(new URL(`main${i}.ts`, folder), text));
  return folder;
}

/** Type-checks and runs the programs of a project. */
async function runPrograms(folder: URL, args: readonly string[]): Promise<void> {
  for (const i of programs.keys()) {
    const run = ["run", "--check", "--no-prompt", "--no-lock", ...args, `main${i}.ts`];
    const output = await succeed(Deno.execPath(), run, { cwd: folder, env: { NO_COLOR: "1" } });
    if (i === 0 && !output.includes(EXPECTED)) throw new Error(`Unexpected output:\n${output}`);
  }
}

/** The clone is linked from a neighbouring project; nothing may be downloaded. */
async function tryClone(): Promise<void> {
  const folder = makeProject(fromClone.replace('"../jacobi"', JSON.stringify(pathOf(root))));
  await runPrograms(folder, ["--cached-only"]);
  Deno.removeSync(folder, { recursive: true });
}

/** The clone is served as raw files, as hosts of repositories serve the files of a tag. */
async function tryTag(): Promise<void> {
  const server = Deno.serve({ port: 0, onListen() {} }, async ({ url }) => {
    const path = new URL(url).pathname.replace("/OWNER/jacobi/v0.1.0/", "./");
    const file = await Deno.readTextFile(new URL(path, root)).catch(() => null);
    return new Response(file ?? "", {
      status: file === null ? 404 : 200,
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  });
  const host = `localhost:${server.addr.port}`;
  const folder = makeProject(
    fromTag.replaceAll("https://raw.githubusercontent.com", `http://${host}`),
  );
  await runPrograms(folder, [`--allow-import=${host}`]);
  Deno.removeSync(folder, { recursive: true });
  await server.shutdown();
}

/** The tarball made by npm is installed by npm, type-checked by Deno, and run by Node. */
async function tryTarball(): Promise<void> {
  await build();
  const npm = ["run", "-A", "--quiet", "--no-lock", "--no-config", "npm:npm@11"];
  const folder = makeProject("");
  await succeed(Deno.execPath(), [...npm, "pack", pathOf(target), "--silent"], { cwd: folder });
  Deno.writeTextFileSync(new URL("package.json", folder), '{ "type": "module" }');
  const tarball = blocks("sh").join("\n").match(/[^/\s]+\.tgz/)?.[0] ?? "";
  await succeed(Deno.execPath(), [...npm, "install", `./${tarball}`], { cwd: folder });
  await runPrograms(folder, ["--node-modules-dir=manual"]);
  const node = pathOf(new URL("node24/bin/node", await installPrograms()));
  for (const i of programs.keys()) await succeed(node, [`main${i}.ts`], { cwd: folder });
  Deno.removeSync(folder, { recursive: true });
}

for (const way of [tryClone, tryTag, tryTarball]) {
  await way();
  console.log(`${way.name}: ok`);
}

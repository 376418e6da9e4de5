/**
 * Runs the examples in doc comments and in pages, as `deno test --doc` does, but all of those that it is given
 * in one process: there each example takes as long as the library takes to load.
 *
 *     deno run -A .ci/doctest.ts src/jit.ts README.md
 *
 * Each example is a module of its own below `dist/doctest`. They are type-checked together and then
 * imported, one test each, without any permission.
 *
 * @module
 */
const root = new URL("../", import.meta.url);

/** An example: its code, and the line of its file in which it begins. */
interface Example {
  readonly code: string;
  readonly line: number;
  readonly extension: "ts" | "js";
}

/** Text with everything blank that stands outside of doc comments, and without their margins. */
function docComments(source: string): string {
  let isInside = false;
  return source.split("\n").map((line) => {
    if (!isInside) {
      isInside = /^\s*\/\*\*/.test(line) && !line.includes("*/");
      return "";
    }
    if (line.includes("*/")) {
      isInside = false;
      return "";
    }
    return line.replace(/^\s*\* ?/, "");
  }).join("\n");
}

/** The examples of a page that are to be run: fenced blocks of TypeScript without `ignore`. */
function examplesOf(page: string): Example[] {
  const found: Example[] = [];
  let open: (Omit<Example, "code"> & { readonly isRun: boolean; readonly code: string[] }) | null =
    null;
  page.split("\n").forEach((text, i) => {
    const fence = text.match(/^\s*```(.*)$/);
    if (fence === null) open?.code.push(text);
    else if (open === null) {
      const [language, ...words] = fence[1].trim().split(/[\s,]+/);
      const isRun = ["ts", "js"].includes(language) && !words.includes("ignore");
      open = { line: i + 2, extension: language === "js" ? "js" : "ts", isRun, code: [] };
    } else {
      const { code, isRun, ...rest } = open;
      if (isRun) found.push({ ...rest, code: code.join("\n") });
      open = null;
    }
  });
  return found;
}

async function deno(args: readonly string[]): Promise<void> {
  const { success, code } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd: root })
    .spawn().status;
  if (!success) Deno.exit(code);
}

const folder = new URL(`dist/doctest/${Deno.pid}/`, root);
await Deno.mkdir(folder, { recursive: true });
try {
  const modules: string[] = [];
  const tests: string[] = [];
  for (const file of Deno.args) {
    const source = await Deno.readTextFile(new URL(file, root));
    const page = file.endsWith(".md") ? source : docComments(source);
    for (const { code, line, extension } of examplesOf(page)) {
      const name = `${file.replaceAll(/[^a-z0-9]/gi, "_")}_${line}.${extension}`;
      await Deno.writeTextFile(new URL(name, folder), `${code}\nexport {};\n`);
      modules.push(new URL(name, folder).pathname);
      tests.push(
        `Deno.test(${JSON.stringify(`${file}:${line}`)}, async () => {\n` +
          `  await import("./${name}");\n});\n`,
      );
    }
  }
  const entry = new URL("examples_test.ts", folder);
  await Deno.writeTextFile(entry, tests.join("\n"));
  await deno(["check", ...modules]);
  await deno(["test", "--no-check", "--no-prompt", entry.pathname]);
} finally {
  await Deno.remove(folder, { recursive: true });
}

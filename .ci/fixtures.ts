/**
 * The comparisons with other libraries, as a table for the site: extracted from the scripts that write the
 * files of `tests/fixtures`, and from the tests that read these files.
 *
 * @module
 */
import { root } from "./tools.ts";

const folder = new URL("tests/fixtures/", root);

/** Libraries whose values are compared, by their import names in Python. */
const libraries: Readonly<Record<string, string>> = {
  torch: "PyTorch",
  jax: "JAX",
  optax: "optax",
  numpy: "NumPy",
  scipy: "SciPy",
  sklearn: "scikit-learn",
  mpmath: "mpmath",
  safetensors: "safetensors",
  onnx: "ONNX",
};

/** Test files: their texts, by path in the repository. */
function* testsIn(path: string): Generator<[path: string, text: string]> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(path, root))) {
    if (isDirectory) yield* testsIn(`${path}${name}/`);
    else if (name.endsWith(".ts")) {
      yield [path + name, Deno.readTextFileSync(new URL(path + name, root))];
    }
  }
}

/** A row for each script whose file is read by a test. */
export function tableOfFixtures(): string {
  const tests = [...testsIn("tests/")];
  const scripts = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".py")).sort();
  const rows = scripts.flatMap((name) => {
    const text = Deno.readTextFileSync(new URL(name, folder));
    const [, doc = ""] = text.match(/^"""([\s\S]*?)"""/) ?? [];
    const [sentence] = doc.trim().replaceAll(/\s+/g, " ").split(/(?<=[^.]\.) |: (?:run|python3?) /);
    const used = Object.keys(libraries).filter((library) =>
      new RegExp(`^\\s*(?:import|from) ${library}\\b`, "m").test(text)
    );
    const file = name.replace(/\.py$/, ".json");
    // Some scripts write files of other names, which they mention.
    const written = [file, ...[...text.matchAll(/> (\w+\.json)/g)].map(([, other]) => other)];
    const readers = tests.filter(([, text]) => written.some((file) => text.includes(`/${file}"`)));
    if (readers.length === 0 || used.length === 0) return [];
    return [
      `| ${sentence.replace(/\.$/, "")} | ${
        used.map((name) => libraries[name]).join(", ")
      } | \`${name}\` | ` +
      `${readers.map(([path]) => `\`${path.replace("tests/", "")}\``).join(" ")} |`,
    ];
  });
  return `| what | libraries | script | tests |\n| --- | --- | --- | --- |\n${rows.join("\n")}`;
}

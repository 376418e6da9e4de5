/**
 * Runs `examples/export_to_jax.ts`, and what it wrote in JAX on four devices: in the Python that is there,
 * if that has JAX, or in an environment below `dist/`, into which it is installed.
 *
 * @module
 */
import { execute, pathOf, root, succeed } from "./tools.ts";

/** The packages of Python, in exact versions. */
const PACKAGES = ["jax==0.10.2"];

/** A Python that has JAX. */
async function pythonWithJax(): Promise<string> {
  const { success } = await execute("python3", ["-c", "import jax.export"]).catch(() => ({
    success: false,
  }));
  if (success) return "python3";
  const folder = new URL("dist/tools/python/", root);
  await succeed("python3", ["-m", "venv", pathOf(folder)]);
  const python = pathOf(new URL("bin/python3", folder));
  await succeed(python, ["-m", "pip", "install", "--quiet", ...PACKAGES]);
  return python;
}

if (import.meta.main) {
  const python = await pythonWithJax();
  const example = ["run", "--no-prompt", pathOf(new URL("examples/export_to_jax.ts", root))];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: example,
    cwd: root,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  console.log(decoder.decode(stderr).trim());
  const file = pathOf(new URL("dist/step.json", root));
  Deno.mkdirSync(new URL("dist/", root), { recursive: true });
  Deno.writeFileSync(file, stdout);
  console.log(await succeed(python, [pathOf(new URL("examples/run_in_jax.py", root)), file]));
}

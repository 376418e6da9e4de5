/**
 * Runs `examples/export_to_jax.ts`, then its output in JAX on four devices: with the installed Python
 * if that has JAX, otherwise in an environment below `dist/`, into which JAX is installed.
 *
 * @module
 */
import { execute, pathOf, root, succeed } from "./tools.ts";

/** The Python packages, in exact versions. */
const PACKAGES = ["jax==0.10.2"];

/** A Python with JAX. */
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

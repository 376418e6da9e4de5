/**
 * Ensures that there is a WebGPU adapter: if there is none, installs Debian's driver that runs shaders on
 * the processor.
 *
 * @module
 */

const PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"];

async function run(command: string, ...args: readonly string[]): Promise<boolean> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    return (await new Deno.Command(command, { args: [...args], env }).spawn().status).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (Deno.args[0] === "--look") Deno.exit(await navigator.gpu.requestAdapter() === null ? 1 : 0);

// A newly installed driver is only found by a new process.
const look = () => run(Deno.execPath(), "run", "-A", import.meta.filename!, "--look");
if (!await look()) {
  const isRoot = Deno.uid() === 0;
  const apt = (...args: readonly string[]) =>
    isRoot ? run("apt-get", ...args) : run("sudo", "-n", "apt-get", ...args);
  await apt("update");
  await apt("install", "-y", "--no-install-recommends", ...PACKAGES);
  if (!await look()) {
    console.error(`There is no WebGPU adapter, and ${PACKAGES.join(" ")} could not be installed`);
    Deno.exit(1);
  }
}
console.log("There is a WebGPU adapter");

/**
 * WebGPU in Chromium, which is installed where it is missing, on Chromium's own adapter in software: the
 * laws and programs of `tests/runtimes/webgpu.ts` in a page and in a worker, and the example
 * that trains in a page.
 *
 * @module
 */
import { installChromium, runPage, webGpuFlags, writePage } from "./chromium.ts";
import { bundle, pathOf, root, succeed, withoutStandardLibrary } from "./tools.ts";
import type { Report } from "../tests/runtimes/report.ts";

/** The least that must have run: what has no kernel is left out. */
const LEAST = 100;

const folder = new URL("dist/webgpu/", root);
Deno.mkdirSync(folder, { recursive: true });
const visit = await installChromium();
const flags = webGpuFlags;

async function checkLaws(isWorker: boolean): Promise<string> {
  const path = writePage(folder, isWorker ? "worker" : "page", "laws.js", isWorker);
  const { passed, failures } = await runPage(visit, { folder, path, flags }) as Report;
  if (failures.length > 0) throw new Error(failures.join("\n"));
  if (passed < LEAST) throw new Error(`Only ${passed} samples ran, expected ${LEAST}`);
  return `${passed} passed`;
}

/** The example trains: on the GPU, or in WebAssembly where Chromium has no adapter. */
async function checkExample(isOnGpu: boolean): Promise<string> {
  const { device, losses } = await visit({
    folder,
    path: `index.html?steps=${isOnGpu ? 60 : 200}`,
    outcome: "globalThis.outcome",
    flags: isOnGpu ? flags : ["--disable-features=WebGPU", "--disable-gpu"],
    screenshot: Deno.args[0],
  }) as { readonly device: string; readonly losses: readonly number[] };
  const [first, last] = [losses[0], losses.at(-1)!];
  const told = `on ${device} the loss went from ${first} to ${last}`;
  if (!device.startsWith(isOnGpu ? "webgpu" : "cpu") || !(last < 0.7 * first)) {
    throw new Error(`The example has not trained: ${told}`);
  }
  return told;
}

await succeed(Deno.execPath(), ["run", "-A", "examples/web/build.ts", pathOf(folder)]);
await bundle(
  pathOf(new URL("tests/runtimes/webgpu.ts", root)),
  ...withoutStandardLibrary,
  `--outfile=${pathOf(new URL("laws.js", folder))}`,
);
const checks: readonly (readonly [string, () => Promise<string>])[] = [
  ["laws in a page", () => checkLaws(false)],
  ["laws in a worker", () => checkLaws(true)],
  ["the example in WebAssembly", () => checkExample(false)],
  ["the example on the GPU", () => checkExample(true)],
];
for (const [name, check] of checks) {
  const start = performance.now();
  const told = await check();
  console.log(`${name}: ${told}, in ${((performance.now() - start) / 1000).toFixed(1)} seconds`);
}

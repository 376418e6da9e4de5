/**
 * WebGPU in Chromium, which is installed if it is missing, on Chromium's own adapter in software, and in
 * Node by the npm package `webgpu` on the same adapter: the laws and programs of
 * `tests/runtimes/webgpu.ts` in a page, in workers and in Node, and the example that trains in a page.
 *
 * @module
 */
import { installChromium, runPage, webGpuCanvasFlags, webGpuFlags, writePage } from "./chromium.ts";
import { bundle, install, pathOf, root, succeed, withoutStandardLibrary } from "./tools.ts";
import type { Report } from "../tests/runtimes/report.ts";

/** The minimum number of tests that must have run: cases without a kernel are left out. */
const LEAST = 100;

const folder = new URL("dist/webgpu/", root);
Deno.mkdirSync(folder, { recursive: true });
const visit = await installChromium();
const flags = webGpuFlags;

/** The laws in a worker that reads at once, through a canvas. */
async function checkReading(): Promise<string> {
  Deno.writeTextFileSync(
    new URL("reading.js", folder),
    'import * as laws from "./laws.js";\nexport const run = () => laws.run(true);\n',
  );
  const path = writePage(folder, "reading_worker", "reading.js", true);
  return judge(await runPage(visit, { folder, path, flags: webGpuCanvasFlags }) as Report);
}

async function checkLaws(isWorker: boolean): Promise<string> {
  const path = writePage(folder, isWorker ? "worker" : "page", "laws.js", isWorker);
  return judge(await runPage(visit, { folder, path, flags }) as Report);
}

function judge({ passed, failures }: Report): string {
  if (failures.length > 0) throw new Error(failures.join("\n"));
  if (passed < LEAST) throw new Error(`Only ${passed} samples ran, expected ${LEAST}`);
  return `${passed} passed`;
}

/** The prefix of Node's output line that holds its result. */
const MARK = "result: ";

/** The laws in Node, where results are read synchronously. */
async function checkNode(): Promise<string> {
  const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const tools = await install("dawn", { node: `npm:node-linux-${cpu}@24.21.0`, webgpu: "0.6.2" });
  const script = new URL("node.mjs", folder);
  Deno.writeTextFileSync(
    script,
    `import { create, globals } from ${JSON.stringify(new URL("webgpu/index.js", tools).href)};
     import { run } from "./laws.js";
     Object.assign(globalThis, globals);
     Object.defineProperty(navigator, "gpu", { value: create([]) });
     console.log(${JSON.stringify(MARK)} + JSON.stringify(await run(true)));`,
  );
  const env = { VK_ICD_FILENAMES: "/usr/lib/chromium/vk_swiftshader_icd.json" };
  const output = await succeed(pathOf(new URL("node/bin/node", tools)), [pathOf(script)], { env });
  const line = output.split("\n").find((text) => text.startsWith(MARK));
  if (line === undefined) throw new Error(output);
  return judge(JSON.parse(line.slice(MARK.length)));
}

/** The training example: on the GPU, or in WebAssembly if Chromium has no adapter. */
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
  ["laws in a worker that reads at once", checkReading],
  ["laws in Node", checkNode],
  ["the example in WebAssembly", () => checkExample(false)],
  ["the example on the GPU", () => checkExample(true)],
];
for (const [name, check] of checks) {
  const start = performance.now();
  const told = await check();
  console.log(`${name}: ${told}, in ${((performance.now() - start) / 1000).toFixed(1)} seconds`);
}

/**
 * The playground in Chromium: builds it, runs every program of the gallery in it, and uses the editor.
 * Screenshots are written to `dist/screenshots`.
 *
 * @module
 */
import { installDriver, serve, webGpuCanvasFlags } from "./chromium.ts";
import { buildPlayground, target } from "./playground.ts";
import type { Outcome, Task } from "./playground_driver.ts";
import { pathOf, root } from "./tools.ts";

await buildPlayground();
const drive = await installDriver();
const screenshots = new URL("dist/screenshots/", root);
Deno.mkdirSync(screenshots, { recursive: true });
const server = serve(target, false);
const driver = new URL("playground_driver.ts", import.meta.url);
const address = `http://127.0.0.1:${server.addr.port}/`;
const outcomes: Outcome[] = [];
for (const part of ["page", "gpu"] as const) {
  const task: Task = { address, screenshots: pathOf(screenshots), part };
  outcomes.push(...await drive(driver, task, part === "gpu" ? webGpuCanvasFlags : []) as Outcome[]);
}
await server.shutdown();
for (const { name, error, seconds } of outcomes) {
  console.log(`${name} ... ${error === "" ? "ok" : `FAILED\n${error}`} (${seconds.toFixed(1)} s)`);
}
const failed = outcomes.filter(({ error }) => error !== "").length;
const passed = outcomes.length - failed;
// In the format of `deno test`.
console.log(`\n${failed === 0 ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed`);
if (failed > 0) Deno.exit(1);

/**
 * Debian's Chromium, driven by Playwright, which runs in Node.
 *
 * @module
 */
import { execute, install, pathOf, root, succeed } from "./tools.ts";

const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** Flags for WebGPU on Chromium's own adapter, which runs shaders on the processor. */
export const webGpuFlags: readonly string[] = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

/**
 * The same with canvases: without these flags, the first texture of a WebGPU canvas ends Chromium's GPU
 * process.
 */
export const webGpuCanvasFlags: readonly string[] = [
  ...webGpuFlags,
  "--enable-features=Vulkan",
  "--use-vulkan=swiftshader",
  "--use-angle=swiftshader",
];

/** A page to open, and the condition and options for it. */
export interface Visit {
  /** Where its files are. */
  readonly folder: URL;
  /** Its path in that folder, with a query if needed. */
  readonly path: string;
  /** A JavaScript expression that is truthy, with a JSON value, as soon as the page is done. */
  readonly outcome: string;
  /** Whether it is served cross-origin isolated, which shared memory requires. */
  readonly isIsolated?: boolean;
  /** Flags of Chromium. */
  readonly flags?: readonly string[];
  /** The timeout in seconds; 600 by default. */
  readonly seconds?: number;
  /** The file for a screenshot at the end. */
  readonly screenshot?: string | undefined;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ttf": "font/ttf",
  ".webmanifest": "application/manifest+json",
};

/** The prefix of the driver's output line that holds its result. */
const MARK = "result: ";

/** Serves the files of a folder, isolated or not, on the given port or any free one. */
export function serve(
  folder: URL,
  isIsolated: boolean,
  port = 0,
): Deno.HttpServer<Deno.NetAddr> {
  const headers: Record<string, string> = isIsolated
    ? {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    }
    : {};
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const pathname = decodeURIComponent(new URL(request.url).pathname).replace(
      /\/$/,
      "/index.html",
    );
    const type = types[pathname.slice(pathname.lastIndexOf("."))];
    if (type === undefined) return new Response(null, { status: 404 });
    try {
      const bytes = await Deno.readFile(new URL(`.${pathname}`, folder));
      return new Response(bytes, { headers: { ...headers, "Content-Type": type } });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}

async function findChromium(): Promise<string> {
  const find = () => execute("sh", ["-c", "command -v chromium || command -v chromium-browser"]);
  let found = await find();
  if (!found.success) {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await succeed("apt-get", ["update"], { env });
    await succeed("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], { env });
    found = await find();
  }
  if (!found.success) throw new Error("Chromium is missing and could not be installed");
  return found.output.trim();
}

/**
 * Installs Chromium and its driver if they are missing.
 *
 * @returns A function that runs a module in Node, calls its default export with a browser and an argument in
 * JSON, and returns what that resolves to.
 */
export async function installDriver(): Promise<
  (module: URL, argument: unknown, flags?: readonly string[]) => Promise<unknown>
> {
  const tools = await install("chromium", {
    node: `npm:node-linux-${cpu}@24.21.0`,
    "playwright-core": "1.65.1",
  });
  const executablePath = await findChromium();
  return async function drive(module, argument, flags = []) {
    const options = { executablePath, args: ["--no-sandbox", ...flags] };
    const source = `
      import { chromium } from ${JSON.stringify(new URL("playwright-core/index.mjs", tools).href)};
      import run from ${JSON.stringify(module.href)};
      const browser = await chromium.launch(${JSON.stringify(options)});
      try {
        const result = await run(browser, ${JSON.stringify(argument)});
        console.log(${JSON.stringify(MARK)} + JSON.stringify(result));
      } finally {
        await browser.close();
      }`;
    const driver = Deno.makeTempFileSync({ suffix: ".mjs" });
    try {
      Deno.writeTextFileSync(driver, source);
      const node = pathOf(new URL("node/bin/node", tools));
      const { output } = await execute(node, [driver], { cwd: root });
      const line = output.split("\n").findLast((text) => text.startsWith(MARK));
      if (line === undefined) throw new Error(`No outcome; the output was:\n${output}`);
      return JSON.parse(line.slice(MARK.length));
    } finally {
      Deno.removeSync(driver);
    }
  };
}

/**
 * Installs Chromium and its driver if they are missing.
 *
 * @returns A function that opens a page and returns its outcome.
 */
export async function installChromium(): Promise<(visit: Visit) => Promise<unknown>> {
  const drive = await installDriver();
  const module = new URL("visit.js", import.meta.url);
  return async function visit({ folder, path, isIsolated = false, flags = [], ...rest }: Visit) {
    const server = serve(folder, isIsolated);
    try {
      const address = `http://127.0.0.1:${server.addr.port}/${path}`;
      return await drive(module, { address, ...rest }, flags);
    } finally {
      await server.shutdown();
    }
  };
}

/** Code that loads a module, runs it, and assigns the outcome to `result`. */
export function runModule(path: string): string {
  return `const begin = performance.now();
    const { run } = await import("${path}");
    const result = await run(performance.now() - begin);`;
}

/**
 * Writes a page that runs a module of its folder, in the page itself or in a worker.
 *
 * @returns Its path.
 */
export function writePage(folder: URL, name: string, module: string, isWorker: boolean): string {
  const worker = `${name}_worker.js`;
  if (isWorker) {
    const source = `${runModule(`./${module}`)} postMessage(result);`;
    Deno.writeTextFileSync(new URL(worker, folder), source);
  }
  const start = isWorker
    ? `const worker = new Worker("/${worker}", { type: "module" });
       const result = await new Promise((resolve, reject) => {
         worker.onmessage = ({ data }) => resolve(data);
         worker.onerror = ({ message }) => reject(new Error(message));
       });`
    : runModule(`./${module}`);
  const path = `${name}.html`;
  Deno.writeTextFileSync(
    new URL(path, folder),
    `<!doctype html><script type="module">
       try { ${start}
         globalThis.outcome = { result, crossOriginIsolated };
       } catch (error) { globalThis.outcome = { error: String(error?.stack ?? error) }; }
     </script>`,
  );
  return path;
}

/** Opens a page of `writePage`, and returns what its module's `run` resolves to. */
export async function runPage(
  visit: (visit: Visit) => Promise<unknown>,
  page: Omit<Visit, "outcome">,
): Promise<unknown> {
  const outcome = await visit({ ...page, outcome: "globalThis.outcome" });
  const { result, crossOriginIsolated, error } = outcome as Readonly<Record<string, unknown>>;
  if (error !== undefined) throw new Error(String(error));
  if (crossOriginIsolated !== (page.isIsolated ?? false)) {
    throw new Error("isolation is not as told");
  }
  return result;
}

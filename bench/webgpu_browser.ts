/**
 * Jacobi, jax-js and TensorFlow.js on WebGPU in one page of headless Chromium, in turn, on the software
 * adapter: sizes are small. Each call ends when its first result has been read. The script prints medians
 * in milliseconds, and the ratio of Jacobi's to the better of the other two.
 *
 *     deno run -A bench/webgpu_browser.ts [--rounds=2] [--seconds=1] [--only=WORD] [--gpu]
 *
 * With `--gpu`, Chromium's usual adapter is used.
 *
 * @module
 */
import { installChromium, runPage, webGpuFlags, writePage } from "../.ci/chromium.ts";
import { bundle, install, pathOf, root } from "../.ci/tools.ts";
import { JAX_JS, TFJS } from "./compare/packages.ts";
import { median } from "./compare/statistics.ts";
import type { Work } from "./compare/works.ts";
import type { Results } from "./webgpu_browser/page.ts";

const folder = new URL("dist/webgpu_browser/", root);
Deno.mkdirSync(folder, { recursive: true });

function option(name: string, otherwise: string): string {
  return Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise;
}

const images = { batch: 2, inputs: 16, size: 16 };
const filters = { outputs: 16, kernel: 3, stride: 1, padding: 1 };
const all: readonly Omit<Work, "group">[] = [
  { name: "sin(x) of one number", task: { kind: "dispatch" } },
  { name: "matmul 128", task: { kind: "matmul", size: 128 } },
  { name: "matmul 256", task: { kind: "matmul", size: 256 } },
  { name: "conv 3x3, 2x16x16x16", task: { kind: "conv", ...images, ...filters, gradients: false } },
  {
    name: "the same with gradients",
    task: { kind: "conv", ...images, ...filters, gradients: true },
  },
  { name: "softmax of 512x256", task: { kind: "softmax", rows: 512, columns: 256 } },
  { name: "layer norm of 512x256", task: { kind: "layerNorm", rows: 512, columns: 256 } },
  {
    name: "attention, 2x4x64x16",
    task: { kind: "attention", batch: 2, heads: 4, length: 64, width: 16 },
  },
  {
    name: "MLP 64-128-64-10 step, batch 32",
    task: { kind: "mlpStep", sizes: [64, 128, 64, 10], batch: 32 },
  },
  {
    name: "transformer step, 4 layers of 64, 2 texts of 32",
    task: {
      kind: "transformerStep",
      layers: 4,
      heads: 4,
      width: 64,
      tokens: 64,
      batch: 2,
      length: 32,
    },
  },
  { name: "ResNet-18 step, 1x3x64x64", task: { kind: "resnetStep", batch: 1, size: 64 } },
];
const only = option("only", "");
const works = all.filter(({ name }) => name.includes(only))
  .map((work): Work => ({ ...work, group: "" }));

/** Bundles the page's imports; `packages` are found by the page's import map. */
async function bundleAll(): Promise<Readonly<Record<string, string>>> {
  const packages = await install("webgpu_browser", {
    "@jax-js/jax": JAX_JS,
    "@tensorflow/tfjs": TFJS,
    "@tensorflow/tfjs-backend-webgpu": TFJS,
  });
  const tf = new URL("../tf.js", packages);
  Deno.writeTextFileSync(
    tf,
    'import "@tensorflow/tfjs-backend-webgpu";\nexport * from "@tensorflow/tfjs";\n',
  );
  const jax = new URL("../jax.js", packages);
  Deno.writeTextFileSync(jax, 'export * from "@jax-js/jax";\n');
  const own = (path: string) => new URL(path, import.meta.url);
  const sources: readonly (readonly [string, URL])[] = [
    ["page", own("webgpu_browser/page.ts")],
    ["jacobi", own("compare/jacobi.ts")],
    ["jax_js", own("compare/jax_js.ts")],
    ["tfjs", own("compare/tfjs.ts")],
    ["jax", jax],
    ["tf", tf],
  ];
  for (const [name, source] of sources) {
    await bundle(
      pathOf(source),
      "--alias:@jacobi/jacobi=./mod.ts",
      "--external:*/xla/mod.ts",
      `--outfile=${pathOf(new URL(`${name}.js`, folder))}`,
    );
  }
  return {
    [`npm:@jax-js/jax@${JAX_JS}`]: "/jax.js",
    [`npm:@tensorflow/tfjs@${TFJS}`]: "/tf.js",
    [`npm:@tensorflow/tfjs-backend-webgpu@${TFJS}`]: "/tf.js",
  };
}

const imports = await bundleAll();
const contenders = [
  ["Jacobi", "./jacobi.js"],
  ["jax-js", "./jax_js.js"],
  ["TensorFlow.js", "./tfjs.js"],
] as const;
Deno.writeTextFileSync(
  new URL("settings.js", folder),
  JSON.stringify({
    contenders,
    works,
    rounds: Number(option("rounds", "2")),
    seconds: Number(option("seconds", "1")),
  }),
);
const path = writePage(folder, "bench", "page.js", false);
const html = new URL(path, folder);
const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
Deno.writeTextFileSync(
  html,
  Deno.readTextFileSync(html).replace("<!doctype html>", `<!doctype html>${map}`),
);
const visit = await installChromium();
const flags = Deno.args.includes("--gpu") ? ["--enable-unsafe-webgpu"] : webGpuFlags;
const { adapter, measured } = await runPage(visit, { folder, path, flags }) as Results;

console.log(`Chromium on ${adapter}, ${new Date().toISOString().slice(0, 10)}`);
console.log(`| | ${contenders.map(([name]) => name).join(" | ")} | ratio |`);
console.log(`|---|${"---|".repeat(contenders.length + 1)}`);
for (const { name } of works) {
  const times = contenders.map(([contender]) => {
    const answers = measured.filter((one) => one.contender === contender)
      .flatMap(({ answer }) => answer.work === name ? [answer] : []);
    for (const answer of answers.slice(0, 1)) {
      if ("missing" in answer) console.error(`${contender}, ${name}: ${answer.missing}`);
    }
    return median(answers.flatMap((answer) => "missing" in answer ? [] : [answer.median_ms]));
  });
  const ratio = times[0] / Math.min(...times.slice(1).filter((time) => !Number.isNaN(time)));
  const shown = times.map((time) => Number.isNaN(time) ? "-" : time.toPrecision(3));
  const compared = ratio > 0 ? ratio.toFixed(2) : "-";
  console.log(`| ${name} | ${shown.join(" | ")} | ${compared} |`);
}

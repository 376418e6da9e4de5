/**
 * Uses the playground in Chromium; `playground_page.ts` starts it in Node.
 *
 * @module
 */
import { deflateRawSync } from "node:zlib";

/** The address of the playground, the folder for pictures, and the tests to run. */
export interface Task {
  readonly address: string;
  readonly screenshots: string;
  /** The tests of the page, or those that need a GPU. */
  readonly part: "page" | "gpu";
}

/** The outcome of a test: an error, or an empty text. */
export interface Outcome {
  readonly name: string;
  readonly error: string;
  readonly seconds: number;
}

/** The part of Playwright's page API that is used. */
interface Page {
  goto(address: string): Promise<unknown>;
  click(selector: string, options?: { readonly timeout?: number }): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  hover(selector: string): Promise<void>;
  press(selector: string, key: string): Promise<void>;
  reload(): Promise<unknown>;
  screenshot(options: { readonly path: string }): Promise<unknown>;
  selectOption(selector: string, value: string): Promise<unknown>;
  setViewportSize(size: { readonly width: number; readonly height: number }): Promise<void>;
  innerText(selector: string): Promise<string>;
  waitForSelector(selector: string, options?: { readonly timeout?: number }): Promise<unknown>;
  waitForFunction(text: string, arg?: null, options?: { timeout?: number }): Promise<unknown>;
  evaluate<T>(text: string): Promise<T>;
  waitForTimeout(milliseconds: number): Promise<void>;
  url(): string;
  close(): Promise<void>;
  on(event: string, listener: (value: { text(): string; type(): string }) => void): void;
  readonly mouse: { move(x: number, y: number): Promise<void> };
  readonly keyboard: {
    press(key: string): Promise<void>;
    type(text: string, options?: { readonly delay: number }): Promise<void>;
  };
  readonly context: () => { setOffline(isOffline: boolean): Promise<void> };
}

/** The programs of the gallery that take few seconds on a software adapter. */
const ON_WEBGPU = [
  "jvp_and_vjp",
  "hessian",
  "vmap",
  "per_sample_gradients",
  "scan",
  "control_flow",
  "custom_rule",
  "webgpu",
  "linear_regression",
  "logistic_regression",
  "pca",
];

let address = "";
let screenshots = "";
const outcomes: Outcome[] = [];
/** Errors on the consoles of pages. */
const complaints: string[] = [];

async function test(name: string, run: () => Promise<void>): Promise<void> {
  const start = performance.now();
  const error = await run().then(() => "", (error) => String(error?.message ?? error));
  outcomes.push({ name, error, seconds: (performance.now() - start) / 1000 });
}

function expect(holds: boolean, claim: string): void {
  if (!holds) throw new Error(claim);
}

const linkTo = (code: string) => `${address}#code=${deflateRawSync(code).toString("base64url")}`;

interface Browser {
  newContext(options: object): Promise<{ newPage(): Promise<Page> }>;
}

async function isReady(page: Page): Promise<void> {
  await page.waitForFunction(
    "document.body?.dataset.ready === 'true' && crossOriginIsolated",
    null,
    { timeout: 60_000 },
  );
}

async function newPage(browser: Browser, options: object = {}): Promise<Page> {
  const viewport = { width: 1440, height: 900 };
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  await isReady(page);
  return page;
}

async function open(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.waitForFunction("document.querySelector('#output .empty') !== null");
}

/** Runs the program in the editor, and returns its output and the status line. */
async function run(page: Page, timeout = 60_000): Promise<{ output: string; status: string }> {
  await page.click("#run");
  await page.waitForFunction(
    "['done', 'failed', 'stopped'].includes(document.body.dataset.outcome)",
    null,
    { timeout },
  );
  return { output: await page.innerText("#output"), status: await page.innerText("#status") };
}

async function runCode(page: Page, code: string): Promise<{ output: string; status: string }> {
  await open(page, linkTo(code));
  return await run(page);
}

/** The names of the gallery's programs. */
function galleryOf(page: Page): Promise<readonly string[]> {
  return page.evaluate(
    "[...document.querySelectorAll('#programs a')].map((link) => link.dataset.name)",
  );
}

/** Runs a program of the gallery on a backend, and looks at its output. */
async function runProgram(page: Page, name: string, backend = "wasm"): Promise<void> {
  await open(page, `${address}#example=${name}`);
  await page.selectOption("#backend", backend);
  const { output, status } = await run(page, 120_000);
  expect(status.startsWith("Done"), `${status}: ${output}`);
  expect(status.includes("on WebGPU") === (backend === "webgpu"), status);
  expect(output.includes("✓"), "nothing was checked");
  await page.waitForTimeout(100);
  const isWhole = await page.evaluate<boolean>(
    "document.querySelector('#output').scrollWidth <= document.querySelector('#output').clientWidth",
  );
  expect(isWhole, "the output is wider than its place");
  const suffix = backend === "wasm" ? "" : `-${backend}`;
  await page.screenshot({ path: `${screenshots}/gallery-${name}${suffix}.png` });
}

async function usePage(browser: Browser): Promise<void> {
  const page = await newPage(browser);

  await test("small tensors print as tables, large matrices as heat maps", async () => {
    const { output, status } = await runCode(
      page,
      `import { arange, eye } from "@jacobi/jacobi";
     console.log("small", arange(6).reshape(2, 3));
     console.log(eye(20));
     console.log({ a: [1, "b"], c: arange(2) });`,
    );
    expect(status.startsWith("Done"), `${status}: ${output}`);
    expect(status.includes("threads"), `threads run: ${status}`);
    const cells = await page.evaluate<string>(
      "[...document.querySelectorAll('#output td')].map((cell) => cell.textContent).join()",
    );
    expect(cells === "0,1,2,3,4,5", `the table holds ${cells}`);
    expect(output.includes("float32[20,20]"), output);
    expect(output.includes('{ a: [ 1, "b" ], c: tensor(['), output);
    const width = await page.evaluate<number>("document.querySelector('#output canvas').width");
    expect(width === 20, `the heat map has ${width} columns`);
  });

  await test("completion shows the names of the library", async () => {
    await open(page, linkTo('import * as jacobi from "@jacobi/jacobi";\n'));
    await page.click(".cm-content");
    await page.keyboard.press("Control+End");
    await page.keyboard.type("jacobi.val", { delay: 30 });
    await page.waitForSelector(".cm-tooltip-autocomplete");
    await page.waitForFunction(
      "document.querySelector('.cm-tooltip-autocomplete').innerText.includes('valueAndGrad')",
      null,
      { timeout: 20_000 },
    );
    await page.waitForFunction(
      "(document.querySelector('.cm-completionInfo')?.innerText ?? '').includes('valueAndGrad')",
      null,
      { timeout: 20_000 },
    );
    await page.screenshot({ path: `${screenshots}/playground-completion.png` });
    await page.keyboard.press("Enter");
    const text = await page.innerText(".cm-content");
    expect(text.includes("jacobi.valueAndGrad"), text);
  });

  await test("completion adds a missing import", async () => {
    await open(
      page,
      linkTo('import { tensor } from "@jacobi/jacobi";\nconst x = tensor([1, 2]);\n'),
    );
    await page.click(".cm-content");
    await page.keyboard.press("Control+End");
    await page.keyboard.type("valueAndG", { delay: 30 });
    await page.waitForFunction(
      "(document.querySelector('.cm-tooltip-autocomplete')?.innerText ?? '').includes('valueAndGrad')",
      null,
      { timeout: 20_000 },
    );
    await page.waitForTimeout(150);
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      "/import \\{.*valueAndGrad.*\\} from/.test(document.querySelector('.cm-content').innerText)",
      null,
      { timeout: 10_000 },
    );
  });

  await test("a type error is underlined, and says why", async () => {
    await open(
      page,
      linkTo('import { tensor } from "@jacobi/jacobi";\nconst x: string = tensor([1]);\n'),
    );
    await page.waitForSelector(".cm-lintRange-error", { timeout: 30_000 });
    await page.hover(".cm-lintRange-error");
    await page.waitForSelector(".cm-tooltip-lint");
    const text = await page.innerText(".cm-tooltip-lint");
    expect(text.includes("is not assignable to type 'string'"), text);
  });

  await test("hovering a name shows its type", async () => {
    await open(page, linkTo('import { grad } from "@jacobi/jacobi";\nconst f = grad;\n'));
    const [x, y] = await page.evaluate<[number, number]>(`(() => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelectorAll(".cm-line")[1]);
    const { right, top, height } = range.getBoundingClientRect();
    return [right - 20, top + height / 2];
  })()`);
    await page.mouse.move(x, y);
    await page.mouse.move(x + 2, y);
    await page.waitForSelector(".cm-tooltip-hover .about", { timeout: 20_000 });
    const text = await page.innerText(".cm-tooltip-hover .about");
    expect(text.includes("function grad"), text);
  });

  await test("a program of the gallery has no mistakes", async () => {
    await open(page, `${address}#example=moons`);
    const mistakes = await page.evaluate<number>(
      "new Promise((resolve) => setTimeout(() => " +
        "resolve(document.querySelectorAll('.cm-lintRange-error').length), 4000))",
    );
    expect(mistakes === 0, `${mistakes} mistakes are underlined`);
  });

  await test("an error names its line", async () => {
    const { output, status } = await runCode(
      page,
      `import { tensor } from "@jacobi/jacobi";
import type { Tensor } from "@jacobi/jacobi";

const f = (x: Tensor): Tensor => x.reshape(7);
f(tensor([1, 2]));`,
    );
    expect(status.startsWith("Failed"), status);
    expect(output.includes("ShapeError") && /at line 4\s*at line 5/.test(output), output);
    await page.screenshot({ path: `${screenshots}/playground-error.png` });
  });

  await test("a syntax error is reported", async () => {
    const { output } = await runCode(page, "const x = ;\n");
    expect(output.includes("Expression expected") && output.includes("line 1"), output);
  });

  await test("an unknown module is an error", async () => {
    const { output } = await runCode(page, 'import { x } from "numpy";\nconsole.log(x);\n');
    expect(output.includes('Cannot import "numpy"'), output);
  });

  await test("TypeScript that is not erasable is an error", async () => {
    const { output } = await runCode(page, "\nenum A {\n  B,\n}\n");
    expect(output.includes("erasable syntax only") && output.includes("line 2"), output);
  });

  await test("a missing subpath and a module that cannot be loaded are errors", async () => {
    const subpath = await runCode(page, 'import "@jacobi/jacobi/nope";\n');
    expect(subpath.output.includes('Cannot import "@jacobi/jacobi/nope"'), subpath.output);
    const dead = await runCode(page, 'import "data:text/html,none";\n');
    expect(dead.output.includes("Cannot load a module"), dead.output);
  });

  await test("long output is truncated", async () => {
    const { output } = await runCode(
      page,
      'console.log("x".repeat(1e6));\nfor (let i = 0; i < 100_000; i++) console.log("line", i);\n',
    );
    expect(output.includes("… 980000 more characters"), output.slice(0, 100));
    expect(output.includes("truncated after 2000 entries"), output.slice(-100));
    expect(!output.includes("line 2000"), output.slice(-100));
  });

  await test("what cannot be printed or drawn is reported", async () => {
    const { output, status } = await runCode(
      page,
      `import { plot, table } from "./show.ts";
     console.log({ get bad() { throw new Error("mine"); } });
     await plot({ empty: [], none: [NaN] }, { logY: true });
     await table([{ a: 1 }, { b: 2 }]);
     console.log("end");`,
    );
    expect(status.startsWith("Done") && output.includes("end"), `${status}: ${output}`);
    expect(output.includes("[cannot be printed: Error: mine]"), output);
    const { output: refused } = await runCode(
      page,
      `import { zeros } from "@jacobi/jacobi";
     import { image } from "./show.ts";
     await image(zeros([0, 3]));`,
    );
    expect(refused.includes("Cannot show an image"), refused);
  });

  await test("Stop ends the timers of a program that is done", async () => {
    await runCode(page, "let n = 0;\nsetInterval(() => console.log(n++), 20);\n");
    await page.click("#stop:not([disabled])");
    const before = await page.innerText("#output");
    await page.waitForTimeout(200);
    expect(await page.innerText("#output") === before, "the timers go on");
  });

  await test("an edited program survives reloading", async () => {
    await open(page, `${address}#example=vmap`);
    await page.click(".cm-content");
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("// kept ");
    await page.waitForFunction("location.hash.startsWith('#code=')");
    await page.reload();
    await isReady(page);
    const text = await page.innerText(".cm-content");
    expect(text.startsWith("// kept "), text);
  });

  await test("the keyboard leaves the editor", async () => {
    await page.click(".cm-content");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    const focused = await page.evaluate<string>("document.activeElement.id");
    expect(focused === "output", `the focus is on ${focused}`);
  });

  await test("Stop ends an infinite loop", async () => {
    await open(page, linkTo('console.log("before");\nwhile (true);\n'));
    await page.click("#run");
    await page.waitForFunction("document.querySelector('#output').innerText.includes('before')");
    // The page shows how to stop a long-running program.
    await page.waitForFunction(
      "document.querySelector('#output').innerText.includes('10 seconds')",
    );
    await page.click("#stop:not([disabled])");
    await page.waitForFunction("document.body.dataset.outcome === 'stopped'");
    const { output } = await runCode(page, 'console.log("again");');
    expect(output.includes("again"), output);
  });

  await test("a shared link opens the same program", async () => {
    const code = 'console.log("shared ü ∇");\n';
    await open(page, linkTo(code));
    await page.click("#share");
    await page.waitForFunction("location.hash.startsWith('#code=')");
    const other = await newPage(browser);
    await open(other, page.url());
    const text = await other.innerText(".cm-content");
    expect(text.includes("shared ü ∇"), text);
    const { output } = await run(other);
    expect(output.includes("shared ü ∇"), output);
    await other.close();
  });

  await test("going back after opening a gallery program restores the edited program", async () => {
    await open(page, `${address}#example=gradient`);
    await page.click(".cm-content");
    await page.keyboard.press("Control+End");
    await page.keyboard.type("// mine");
    await page.click("#programs a[data-name=vmap]");
    await page.waitForFunction("document.querySelector('#title').innerText.includes('vmap')");
    await page.evaluate("history.back()");
    await page.waitForFunction(
      "document.querySelector('.cm-content').innerText.includes('// mine')",
    );
  });

  await test("pictures and the output of timers are shown", async () => {
    const { status } = await runCode(
      page,
      `import { inspect, zeros } from "@jacobi/jacobi";
     console.log(inspect.image(zeros([4, 4, 3])));
     setTimeout(() => console.log("later"), 500);`,
    );
    expect(status.startsWith("Done"), status);
    await page.waitForFunction("document.querySelector('#output').innerText.includes('later')");
    await page.waitForSelector("#output img.picture");
  });

  await test("Ctrl+Enter runs the program", async () => {
    await open(page, linkTo('console.log(1 + 1, "by keys");\n'));
    await page.click(".cm-content");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction("document.querySelector('#output').innerText.includes('2 by keys')");
  });

  await test("the gallery can be searched", async () => {
    await page.fill("#search", "diffusion");
    const found = await page.innerText("#programs");
    expect(found.includes("Diffusion model"), found);
    expect(!found.includes("transformer"), found);
    await page.fill("#search", "");
    await page.click("#programs a[data-name=gradient]");
    await page.waitForFunction(
      "document.querySelector('#title').innerText.includes('Derivatives')",
    );
  });

  await test("it works offline", async () => {
    const other = await newPage(browser);
    await other.waitForFunction("document.body.dataset.kept === 'true'", null, { timeout: 60_000 });
    await other.context().setOffline(true);
    await other.reload();
    await isReady(other);
    const { output, status } = await runCode(
      other,
      `import { grad, inspect, makeProgram } from "@jacobi/jacobi";
     import { graph } from "./show.ts";
     await graph(makeProgram(grad((x) => x.sin()))(1), "offline");`,
    );
    expect(status.startsWith("Done") && output.includes("offline"), `${status} ${output}`);
    await other.close();
  });

  // Every program of the gallery, in two pages in parallel.
  const queue = (await galleryOf(page)).values();
  const spoiled = complaints.length;
  async function runPrograms(): Promise<void> {
    const page = await newPage(browser);
    for (const name of queue) await test(`gallery: ${name}`, () => runProgram(page, name));
    await page.close();
  }
  await Promise.all([runPrograms(), runPrograms()]);

  await test("pictures in dark colours and on a phone", async () => {
    const dark = await newPage(browser, { colorScheme: "dark" });
    await open(dark, `${address}#example=moons`);
    await run(dark);
    await dark.waitForTimeout(300);
    await dark.screenshot({ path: `${screenshots}/playground-dark.png` });
    await dark.close();
    const phone = await newPage(browser, {
      viewport: { width: 390, height: 800 },
      deviceScaleFactor: 2,
      hasTouch: true,
      isMobile: true,
    });
    await open(phone, `${address}#example=linear_regression`);
    await run(phone);
    await phone.waitForTimeout(300);
    await phone.screenshot({ path: `${screenshots}/playground-phone.png` });
    const isNarrow = await phone.evaluate<boolean>("document.body.scrollWidth <= innerWidth");
    expect(isNarrow, "the page scrolls sideways on a phone");
    await phone.click("#menu");
    await phone.waitForTimeout(400);
    await phone.screenshot({ path: `${screenshots}/playground-phone-gallery.png` });
    await phone.click("#programs a[data-name=vmap]");
    await phone.waitForFunction("!document.body.classList.contains('open')");
    await phone.close();
  });

  await test("no errors on the console", () => {
    // An error in a program is not one of the page's.
    expect(complaints.length === spoiled && spoiled === 0, complaints.join("\n"));
    return Promise.resolve();
  });
}

async function useGpu(browser: Browser): Promise<void> {
  await test("a program runs on WebGPU", async () => {
    const page = await newPage(browser);
    await page.selectOption("#backend", "webgpu");
    const { output, status } = await runCode(
      page,
      `import { grad, jit, tensor } from "@jacobi/jacobi";
     const slope = jit(grad((x) => x.pow(3).sum()))(tensor([1, 2, 3]));
     console.log(slope);
     console.log((await slope.read()).join("|"));`,
    );
    expect(status.includes("on WebGPU"), `${status}: ${output}`);
    expect(output.includes("3|12|27"), output);
    const cells = await page.evaluate<string>(
      "[...document.querySelectorAll('#output td')].map((cell) => cell.textContent).join()",
    );
    expect(cells === "3,12,27", `the table holds ${cells}: ${output}`);
  });
  const page = await newPage(browser);
  for (const name of ON_WEBGPU) {
    await test(`gallery on WebGPU: ${name}`, () => runProgram(page, name, "webgpu"));
  }
}

/** Runs a part of the tests. */
export default async function runPart(browser: Browser, task: Task): Promise<readonly Outcome[]> {
  ({ address, screenshots } = task);
  if (task.part === "gpu") address += "?canvas";
  await (task.part === "page" ? usePage(browser) : useGpu(browser));
  return outcomes;
}

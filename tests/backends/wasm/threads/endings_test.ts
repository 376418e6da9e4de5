/**
 * Whatever ends, its threads end too: workers that are terminated, that fail and that exit, and whole
 * processes. A Worker may load the library only with leave to read, and a process needs leave to run:
 * `deno task endings` gives both.
 *
 * @module
 */
import { RESERVED_BYTES } from "../../../../src/backends/wasm/threads/threads.ts";
import { assert, assertEquals } from "../../../support/std.ts";

/** The word that idle threads sleep on. */
const GATE = 256;

/** What a worker runs: it sends its memory, computes on three threads, then ends. */
function scriptOf(end: string): string {
  const library = new URL("../../../../mod.ts", import.meta.url);
  const memory = new URL("../../../../src/backends/wasm/memory/linear_memory.ts", import.meta.url);
  return `
    import { configure, debugCallback, jit, random, scan } from ${JSON.stringify(library)};
    import { linearMemory } from ${JSON.stringify(memory)};
    configure({ threads: 3 });
    const x = random.normal(random.key(0), [128, 128]).div(11);
    const step = (carry) => [carry.matmul(x).tanh(), null];
    const run = (length, see) => jit((x) => {
      const [y] = scan(step, x, null, { length });
      if (see) debugCallback(see, y);
      return y.sum();
    })(x).item();
    for (let i = 0; i < 3; i++) run(50 + i);
    self.onmessage = async () => { ${end} };
    self.postMessage(linearMemory().buffer);
  `;
}

/** How many threads are asleep on a memory; each wakes and goes to sleep again. */
function sleepers(memory: SharedArrayBuffer): number {
  return Atomics.notify(new Int32Array(memory, 0, RESERVED_BYTES / 4), GATE);
}

const root = new URL("../../../../", import.meta.url);
const mayRead = (await Deno.permissions.query({ name: "read", path: root })).state === "granted";
const mayRun =
  (await Deno.permissions.query({ name: "run", command: Deno.execPath() })).state === "granted";

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Comes back once `isTrue` has held so many times in a row; fails after long. */
async function eventually(isTrue: () => boolean, times: number, what: string): Promise<void> {
  for (let tries = 0, row = 0; tries < 1000; tries++) {
    row = isTrue() ? row + 1 : 0;
    if (row === times) return;
    await pause(20);
  }
  throw new Error(`It never came to pass: ${what}`);
}

/** A worker that has computed on its threads, and its memory. */
async function startWorker(end: string): Promise<{ worker: Worker; memory: SharedArrayBuffer }> {
  const source = new Blob([scriptOf(end)], { type: "text/javascript" });
  const url = URL.createObjectURL(source);
  const worker = new Worker(url, { type: "module" });
  const memory = await new Promise<SharedArrayBuffer>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.onmessage = null;
  worker.onerror = null;
  URL.revokeObjectURL(url);
  await eventually(() => sleepers(memory) > 0, 1, "threads wait for work");
  return { worker, memory };
}

const endings: Readonly<Record<string, { end: string; isTerminated: boolean }>> = {
  "a Worker that is terminated while it rests": { end: "", isTerminated: true },
  "a Worker that is terminated in the middle of a call": {
    end:
      'self.postMessage("called"); for (;;) { run(3000); await new Promise((r) => setTimeout(r)); }',
    isTerminated: true,
  },
  "a Worker with an uncaught error in a callback": {
    end: 'self.postMessage("called"); run(9, () => { throw new Error("over"); });',
    isTerminated: false,
  },
  "a Worker that exits in a callback": {
    end: 'self.postMessage("called"); run(9, () => Deno.exit(0));',
    isTerminated: false,
  },
};

for (const [name, { end, isTerminated }] of Object.entries(endings)) {
  Deno.test({
    name: `no thread outlives ${name}`,
    ignore: !mayRead,
    fn: async () => {
      const { worker, memory } = await startWorker(end);
      worker.onerror = (event) => event.preventDefault();
      if (end !== "") {
        const called = new Promise((resolve) => worker.onmessage = resolve);
        worker.postMessage("end");
        await called;
      }
      if (isTerminated) worker.terminate();
      // A thread that was awake would be asleep, and counted, at some time.
      await eventually(() => sleepers(memory) === 0, 30, "no thread is left");
      worker.terminate();
    },
  });
}

Deno.test({
  name: "several Workers compute side by side, and the threads of each end with it",
  ignore: !mayRead,
  fn: async () => {
    const all = await Promise.all([0, 1].map(() => startWorker("")));
    assertEquals(new Set(all.map(({ memory }) => memory)).size, 2);
    all[0].worker.terminate();
    await eventually(() => sleepers(all[0].memory) === 0, 30, "no thread of the first is left");
    await eventually(() => sleepers(all[1].memory) > 0, 1, "those of the second are");
    assert(sleepers(all[0].memory) === 0);
    all[1].worker.terminate();
    await eventually(() => sleepers(all[1].memory) === 0, 30, "no thread of the second is left");
  },
});

/** How long a process may take that computes for a moment, in milliseconds. */
const PATIENCE = 60_000;

/** What a process writes, and its exit code; null if it had to be killed. */
async function runProcess(source: string): Promise<{ code: number | null; errors: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "--allow-read=.", "-"],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  });
  const child = command.spawn();
  let isKilled = false;
  const timer = setTimeout(() => {
    isKilled = true;
    child.kill("SIGKILL");
  }, PATIENCE);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { code, stderr } = await child.output();
  clearTimeout(timer);
  return { code: isKilled ? null : code, errors: new TextDecoder().decode(stderr) };
}

/** A program that computes on three threads, then ends as `end` says. */
function processOf(end: string): string {
  const library = new URL("../../../../mod.ts", import.meta.url);
  return `
    import { configure, debugCallback, jit, random, scan } from ${JSON.stringify(library)};
    configure({ threads: 3 });
    const x = random.normal(random.key(0), [128, 128]).div(11);
    const run = (see) => jit((x) => {
      const [y] = scan((carry) => [carry.matmul(x).tanh(), null], x, null, { length: 50 });
      if (see) debugCallback(see, y);
      return y.sum();
    })(x).item();
    for (let i = 0; i < 3; i++) run();
    const script = ${JSON.stringify(scriptOf("for (;;) run(3000);"))};
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const startWorker = () => new Promise((resolve) => {
      const worker = new Worker(url, { type: "module" });
      worker.onmessage = () => resolve(worker);
    });
    ${end}
  `;
}

const processes: Readonly<Record<string, { end: string; code: number; error: string }>> = {
  "that has come to its end": { end: "", code: 0, error: "" },
  "that exits": { end: "Deno.exit(3);", code: 3, error: "" },
  "that exits in a callback": { end: "run(() => Deno.exit(4));", code: 4, error: "" },
  "with an uncaught error in a callback": {
    end: 'run(() => { throw new Error("over"); });',
    code: 1,
    error: "Error: over",
  },
  "that exits while Workers compute": {
    end: `
      const workers = await Promise.all([startWorker(), startWorker()]);
      for (const worker of workers) worker.postMessage("end");
      run();
      Deno.exit(5);`,
    code: 5,
    error: "",
  },
};

for (const [name, { end, code, error }] of Object.entries(processes)) {
  Deno.test({
    name: `threads do not keep a process ${name}`,
    ignore: !mayRead || !mayRun,
    fn: async () => {
      const outcome = await runProcess(processOf(end));
      assertEquals(outcome.code, code, outcome.errors);
      assert(outcome.errors.includes(error), outcome.errors);
    },
  });
}

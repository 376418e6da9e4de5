/**
 * Programs that compute on threads and then end in some way, as text: whatever ends, its threads end
 * too, and nothing keeps a process alive. For runtimes with `node:worker_threads`.
 *
 * @module
 */

/** How a process should end. */
export interface Ending {
  /** The program, a module. */
  readonly source: string;
  /** The exit code of the process. */
  readonly code: number;
  /** What the process prints, or a part of it. */
  readonly output: string;
}

/** Computes on three threads. */
const computing = `
import { configure, debugCallback, jit, random, scan } from "@jacobi/jacobi";
configure({ threads: 3 });
const x = random.normal(random.key(0), [128, 128]).div(11);
const run = (length, see) => jit((x) => {
  const [y] = scan((carry) => [carry.matmul(x).tanh(), null], x, null, { length });
  if (see) debugCallback(see, y);
  return y.sum();
})(x).item();
for (let i = 0; i < 3; i++) run(50 + i);
`;

/** A program that starts workers which compute on threads of their own and then do as \`inside\` says. */
function withWorkers(inside: string, end: string): string {
  return `
import { Worker, isMainThread, parentPort } from "node:worker_threads";
${computing}
const start = () => new Promise((resolve, reject) => {
  const worker = new Worker(new URL(import.meta.url));
  const ended = new Promise((resolve) => {
    let message;
    worker.on("error", (error) => message = error.message);
    worker.on("exit", (code) => resolve(message ?? code));
  });
  worker.on("message", () => resolve({ worker, ended }));
});
if (isMainThread) { ${end} } else { parentPort.postMessage("ready"); ${inside} }
`;
}

/** Each program by what it does. */
export const endings: Readonly<Record<string, Ending>> = {
  "comes to its end": {
    source: `${computing} console.log("done");`,
    code: 0,
    output: "done",
  },
  "exits": { source: `${computing} process.exit(3);`, code: 3, output: "" },
  "exits in a callback": {
    source: `${computing} run(9, () => process.exit(4));`,
    code: 4,
    output: "",
  },
  "fails in a callback": {
    source: `${computing} run(9, () => { throw new Error("over"); });`,
    code: 1,
    output: ": over",
  },
  "fails for a wrong shape": {
    source: `import { tensor } from "@jacobi/jacobi";
tensor([1, 2]).add(tensor([1, 2, 3])).exp();`,
    code: 1,
    output: "ending.js:2:",
  },
  "leaves a rejection unhandled": {
    source: `${computing} Promise.reject(new TypeError("nobody cares"));`,
    code: 1,
    output: "nobody cares",
  },
  "survives errors that it catches": {
    source: `${computing}
      for (let i = 0; i < 20; i++) {
        try { run(9, () => { throw new Error("over"); }); } catch { run(9 + i); }
      }
      console.log("still here", Number.isFinite(run(9)));`,
    code: 0,
    output: "still here true",
  },
  "compiles hundreds of programs": {
    source: `${computing}
      import { ones } from "@jacobi/jacobi";
      let sum = 0;
      for (let n = 1; n <= 400; n++) sum += jit((x) => x.mul(2).sum())(ones([n])).item();
      console.log("sum", sum);`,
    code: 0,
    output: "sum 160400",
  },
  "waits for workers that come to their end": {
    source: withWorkers(
      "run(20);",
      `const workers = await Promise.all([start(), start(), start()]);
       run(20);
       console.log("codes", ...await Promise.all(workers.map(({ ended }) => ended)));`,
    ),
    code: 0,
    output: "codes 0 0 0",
  },
  "terminates workers that compute": {
    source: withWorkers(
      "for (;;) { run(3000); await new Promise((resolve) => setTimeout(resolve)); }",
      `const workers = await Promise.all([start(), start()]);
       for (const { worker } of workers) await worker.terminate();
       console.log("terminated");`,
    ),
    code: 0,
    output: "terminated",
  },
  "hears of a worker's error": {
    source: withWorkers(
      `run(9, () => { throw new Error("over"); });`,
      `const { ended } = await start(); console.log("heard", await ended);`,
    ),
    code: 0,
    output: "heard over",
  },
  "exits while workers compute": {
    source: withWorkers(
      "for (;;) run(3000);",
      "await Promise.all([start(), start()]); run(20); process.exit(5);",
    ),
    code: 5,
    output: "",
  },
};

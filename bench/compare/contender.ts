/**
 * Code shared by contenders in TypeScript: reading requests, measuring, answering.
 *
 * @module
 */
import type { Answer, Hello, Request } from "./protocol.ts";
import { median } from "./statistics.ts";
import type { Task } from "./works.ts";

/** Does a work once, to the end. */
export interface Call {
  (): unknown;
  /** A number that tells results apart; computing it is not measured. */
  readonly check?: (() => number | Promise<number>) | undefined;
}

/** The shortest time of a single sample, in milliseconds: shorter calls are repeated. */
const SAMPLE = 1;

/** Thrown by the preparation of a work that a contender cannot do. */
export class Missing extends Error {}

/** The time of one call in milliseconds, from a sample of several. */
async function sample(call: Call, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const result = call();
    if (result instanceof Promise) await result;
  }
  return (performance.now() - start) / repeats;
}

/** Times of single calls, measured for a number of seconds after a warm-up of the same length. */
async function measure(call: Call, seconds: number, last: number): Promise<number[]> {
  // A call that takes longer than the whole measurement is not repeated for warm-up.
  if (last > 1000 * seconds) return [await sample(call, 1)];
  const warm = performance.now() + 500 * seconds;
  let time = last;
  do time = Math.min(time, await sample(call, 1)); while (performance.now() < warm);
  const repeats = Math.max(1, Math.ceil(SAMPLE / Math.max(time, 1e-5)));
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end || times.length < 3) times.push(await sample(call, repeats));
  return times;
}

type Prepare = (task: Task) => Call | Promise<Call>;

/** A page in which contenders run, instead of processes of their own. */
export interface Page {
  /** The variables of their environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** Receives the first message of a contender, and the function that answers requests. */
  enter(hello: Hello, answer: (request: Request) => Promise<Answer>): void;
}

const page = (globalThis as { benchPage?: Page }).benchPage;

/** Whether contenders run in a page, where calls must read their results. */
export const isPage: boolean = page !== undefined;

/** An environment variable. */
export function variable(name: string): string | undefined {
  return page === undefined ? Deno.env.get(name) : page.variables[name];
}

/** A function that answers requests. */
function answering(prepare: Prepare): (request: Request) => Promise<Answer> {
  let current: { readonly name: string; readonly call: Call; last: number } | undefined;

  async function answer({ work, seconds, longest = 30 }: Request): Promise<Answer> {
    let first: number | undefined;
    let result: unknown;
    if (current?.name !== work.name) {
      current = undefined;
      const call = await prepare(work.task);
      const start = performance.now();
      result = await call();
      first = performance.now() - start;
      if (call.check !== undefined) result = await call.check();
      current = { name: work.name, call, last: first };
      // The first call shows whether a work is far too long to be repeated.
      if (first > 1000 * longest) {
        return { work: work.name, median_ms: first, first_ms: first, samples: 1 };
      }
      current.last = await sample(call, 1);
    }
    const times = await measure(current.call, seconds, current.last);
    return {
      work: work.name,
      median_ms: median(times),
      samples: times.length,
      ...first === undefined ? {} : { first_ms: first },
      ...typeof result === "number" ? { result } : {},
    };
  }

  return (request) =>
    answer(request).catch((error: unknown) => ({
      work: request.work.name,
      missing: `${error instanceof Error ? error.message : error}`.split("\n")[0],
    }));
}

/** Answers requests until there are no more. */
export async function serve(hello: Hello, prepare: Prepare): Promise<void> {
  const answer = answering(prepare);
  if (page !== undefined) return page.enter(hello, answer);
  const encoder = new TextEncoder();
  function say(line: Hello | Answer): void {
    Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(line)}\n`));
  }
  say(hello);
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) say(await answer(JSON.parse(line)));
  }
  Deno.exit(0);
}

/** The number of threads that `run.ts` asks for, the only argument of a contender. */
export function threadsWanted(): number {
  return isPage ? 1 : Math.max(1, Number(Deno.args[0] ?? 1));
}

/** Random floats between -1 and 1, the same in every run. */
export function randomFloats(length: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    // Numerical Recipes' linear congruential generator; its upper bits serve well enough.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A number from 0 to 1 for each position of the list numbered `seed`: the same in every language. */
export function noise(length: number, seed: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => {
    const x = 43758.5453 * Math.sin(12.9898 * (i + 1) + 78.233 * seed);
    return x - Math.floor(x);
  });
}

/** The sum of lists of numbers with weights from -1 to 1, the `noise` of `seed`. */
export function weightedSum(parts: readonly ArrayLike<number>[], seed: number): number {
  const weights = noise(parts.reduce((sum, { length }) => sum + length, 0), seed);
  let [sum, place] = [0, 0];
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) sum += part[i] * (2 * weights[place++] - 1);
  }
  return sum;
}

/** Labels from 0 to `classes - 1`, the same in every run. */
export function randomLabels(length: number, classes: number): Int32Array {
  return Int32Array.from(randomFloats(length, 7), (x) => Math.floor((x + 1) / 2 * classes));
}

/**
 * Pages of measurements beside a library of Python, in a process that is asked for one call at a time, which
 * adds some 0.1 ms.
 *
 * @module
 */
import { jit, ready } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

/** What is measured, by name. */
export type Works = Readonly<Record<string, () => unknown>>;

/** A compiled function of some arguments, done when its results are there. */
export function bound(
  f: (...args: Tensor[]) => unknown,
  ...args: readonly Tensor[]
): () => unknown {
  const compiled = jit(f as (...args: Tensor[]) => Tensor);
  return () => ready(compiled(...args));
}

/** A group for each work; `program` makes the dictionary `works` of functions by the same names in Python. */
export async function compare(works: Works, peer: string, program: string): Promise<void> {
  const ask = await start(program);
  for (const [group, run] of Object.entries(works)) {
    Deno.bench("jacobi", { group, baseline: true }, async () => {
      await run();
    });
    if (ask !== null) Deno.bench(peer, { group }, async () => await ask(group));
  }
}

const ANSWERS = `
import sys
print("ready", flush=True)
for line in sys.stdin:
    works[line.strip()]()
    print("done", flush=True)
`;

/** Asks Python for one call of a work; `null` where it cannot be run. */
async function start(program: string): Promise<((work: string) => Promise<void>) | null> {
  const options = { name: "run", command: "python3" } as const;
  if ((await Deno.permissions.query(options)).state !== "granted") return null;
  try {
    const child = new Deno.Command("python3", {
      args: ["-c", program + ANSWERS],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const output = child.stdout.getReader();
    const input = child.stdin.getWriter();
    const answer = async (): Promise<boolean> => {
      for (;;) {
        const { done, value } = await output.read();
        if (done) return false;
        if (value.includes(10)) return true;
      }
    };
    if (!await answer()) return null;
    const encoder = new TextEncoder();
    return async (work) => {
      await input.write(encoder.encode(`${work}\n`));
      await answer();
    };
  } catch {
    return null;
  }
}

/**
 * Benchmarks compared with a Python library, in a process that receives one call at a time, which
 * adds some 0.1 ms.
 *
 * @module
 */
import { jit, ready } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";

/** The works, by name. */
export type Works = Readonly<Record<string, () => unknown>>;

/** A compiled function of some arguments; a call ends when its results are computed. */
export function bound(
  f: (...args: Tensor[]) => unknown,
  ...args: readonly Tensor[]
): () => unknown {
  const compiled = jit(f as (...args: Tensor[]) => Tensor);
  return () => ready(compiled(...args));
}

/** A group for each work; `program` defines the Python dictionary `works` of functions with the same names. */
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

/** Makes one call of a work in Python; returns `null` if it cannot run. */
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

/**
 * The smoke program and the law table, as one function for any runtime.
 *
 * @module
 */
import type { Primitive } from "../../src/core/primitive.ts";
import { tensor } from "../../src/functions/mod.ts";
import { primitives } from "../../src/primitives/mod.ts";
import type { PrimitiveName } from "../../src/primitives/mod.ts";
import { engine } from "../../src/backends/wasm/engine.ts";
import { meet } from "../backends/wasm/threads/meet.ts";
import { checkRow } from "../laws/laws.ts";
import type { Row } from "../laws/laws.ts";
import { table } from "../laws/table.ts";

/** What ran, and what failed. */
export interface Report {
  readonly passed: number;
  /** A text for each part that failed. */
  readonly failures: readonly string[];
}

type Parts = Readonly<Record<string, (foreign?: unknown) => void | Promise<void>>>;

/** Runs everything; `parts` are those of the smoke program. */
export async function report(parts: Parts): Promise<Report> {
  let passed = 0;
  const failures: string[] = [];
  const attempt = async (name: string, run: () => void | Promise<void>) => {
    try {
      await run();
      passed++;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.stack ?? error.message : error}`);
    }
  };
  // The smoke program has a copy of the library of its own.
  const foreign = tensor([1, 2]);
  for (const [name, part] of Object.entries(parts)) await attempt(name, () => part(foreign));
  await attempt("threads run at the same time where memory is shared", async () => {
    const wanted = engine().sharedMemory ? 3 : 1;
    const { met } = await meet(wanted);
    if (met !== wanted) throw new Error(`${met} of ${wanted} threads met`);
  });
  for (const name of Object.keys(primitives) as PrimitiveName[]) {
    await attempt(
      `laws of ${name}`,
      () =>
        checkRow(name, primitives[name] as Primitive<unknown>, table[name] as Row<unknown>, true),
    );
  }
  return { passed, failures };
}

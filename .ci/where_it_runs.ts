/**
 * The backends that compute each primitive: written to `docs/where_it_runs.md` by
 * `deno run -A .ci/where_it_runs.ts`, or compared with it by `--check`. The answers come from the tables of
 * the backends, for the programs of the law table after the passes of each backend; no device is needed.
 *
 * @module
 */
import { makeProgram } from "../mod.ts";
import { kernelNames, target as wasm } from "../src/backends/wasm/kernels/table.ts";
import { meansInFloats } from "../src/backends/webgpu/means.ts";
import { isOnDevice } from "../src/backends/webgpu/plan.ts";
import type { Limits } from "../src/backends/webgpu/wgsl/kernel.ts";
import type { Equation, Program } from "../src/core/program.ts";
import { effectiveRule } from "../src/lowering/equation_rules.ts";
import { asControl } from "../src/passes/control.ts";
import { optimize } from "../src/passes/mod.ts";
import { type PrimitiveName, primitives } from "../src/primitives/mod.ts";
import { lackingIn } from "../src/stablehlo/mod.ts";
import { samplesOf } from "../tests/backends/agreement.ts";

/** The capabilities that every WebGPU device has. */
const limits: Limits = {
  invocations: 256,
  workgroupBytes: 16384,
  bindings: 8,
  hasHalf: false,
  hasSubgroups: false,
  isProcessor: false,
};

/** Whether a backend computes a whole program. */
type Computes = (program: Program) => boolean;

function isCompiled(equation: Equation): boolean {
  const { name } = equation.primitive;
  return asControl(equation) !== null || name === "barrier" || kernelNames.includes(name) ||
    effectiveRule(equation, wasm).kind !== "kernel";
}

const backends: Readonly<Record<string, Computes>> = {
  WebAssembly: ({ equations }) => equations.every(isCompiled),
  WebGPU: (program) =>
    meansInFloats(program).equations.every((one) => isOnDevice(one, limits, 2 ** 27)),
  XLA: ({ equations }) => equations.every((one) => lackingIn(one) === null),
};

const backendNames = Object.keys(backends);

/** The programs of a primitive's cases, in float32 if there is such a case, otherwise without float64. */
function programsOf(name: PrimitiveName): readonly Program[] {
  const samples = [...samplesOf(name, "float32")].filter(({ law }) => !law.endsWith("tangents"));
  const ofDtype = (dtype: string) => samples.filter(({ law }) => law.includes(` of ${dtype}, `));
  const own = ofDtype("float32");
  const some = own.length > 0
    ? own
    : samples.filter(({ law }) => !/ of (float64|complex)/.test(law));
  return some.map(({ f, args }) => optimize(makeProgram((...xs) => f(xs))(...args)));
}

type Answer = "yes" | "in part" | "no";

function answerOf(programs: readonly Program[], computes: Computes): Answer {
  const whole = programs.filter(computes);
  if (whole.length === programs.length) return "yes";
  return whole.length === 0 ? "no" : "in part";
}

function listOf(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(" ");
}

/** The page. */
export function page(): string {
  const rows = (Object.keys(primitives) as PrimitiveName[]).map((name) => {
    const programs = programsOf(name);
    const answers = backendNames.map((backend) => answerOf(programs, backends[backend]));
    return { name, answers };
  });
  const allOf = (answer: Answer) =>
    rows.filter(({ answers }) => answers.every((one) => one === answer)).map(({ name }) => name);
  const [everywhere, nowhere] = [allOf("yes"), allOf("no")];
  const others = rows.filter(({ name }) => !everywhere.includes(name) && !nowhere.includes(name));
  return `---
title: Where it runs
order: 20
---

# Where it runs

Functions are made of primitives, and a primitive is computed by a backend or left to the evaluator, the
reference implementation in TypeScript. A program may mix both: the evaluator computes its part between the
parts of a device, which costs a transfer. \`inspect.kernels\` shows what a program of yours becomes.

The lists are for float32, or integers and \`bool\` where a primitive takes no floats. WebAssembly and XLA
compute float64 in the same way. WebGPU has no float64: there, operations on it are the evaluator's. Complex
numbers are pairs of real ones. Loops and branches (\`scan\`, \`whileLoop\`, \`cond\` and what is made of them)
run on every backend, unless something in them is the evaluator's.

<!-- Written by .ci/where_it_runs.ts. -->

## Everywhere

${listOf(everywhere)}

## On some backends

| primitive | ${backendNames.join(" | ")} |
| --- | ${backendNames.map(() => "---").join(" | ")} |
${
    others.map(({ name, answers }) =>
      `| \`${name}\` | ${
        answers.map((answer) => answer === "no" ? "evaluator" : answer).join(" | ")
      } |`
    ).join("\n")
  }

## By the evaluator alone

${listOf(nowhere)}
`;
}

if (import.meta.main) {
  const path = new URL("../docs/where_it_runs.md", import.meta.url);
  if (!Deno.args.includes("--check")) Deno.writeTextFileSync(path, page());
  else if (Deno.readTextFileSync(path) !== page()) {
    console.error("docs/where_it_runs.md is not up to date: run deno run -A .ci/where_it_runs.ts");
    Deno.exit(1);
  }
}

/**
 * The page of `../webgpu_browser.ts`: runs all contenders in turn.
 *
 * @module
 */
import type { Page } from "../compare/contender.ts";
import type { Answer, Hello, Request } from "../compare/protocol.ts";
import type { Work } from "../compare/works.ts";

/** A contender's answer to one request. */
export interface Measured {
  readonly contender: string;
  readonly answer: Answer;
}

/** The measurements. */
export interface Results {
  readonly adapter: string;
  readonly measured: readonly Measured[];
}

interface Settings {
  readonly contenders: readonly (readonly [name: string, module: string])[];
  readonly works: readonly Work[];
  readonly rounds: number;
  readonly seconds: number;
}

interface Adapter {
  readonly info: Readonly<Record<"vendor" | "architecture" | "description", string>>;
}

/** Measures everything. */
export async function run(): Promise<Results> {
  const { contenders, works, rounds, seconds }: Settings = await (await fetch("settings.js"))
    .json();
  const answers = new Map<string, (request: Request) => Promise<Answer>>();
  const measured: Measured[] = [];
  for (const [name, module] of contenders) {
    const page: Page = {
      variables: { JACOBI_ON: "webgpu", JAX_JS_ON: "webgpu", TFJS_ON: "webgpu" },
      enter(hello: Hello, answer) {
        if ("unavailable" in hello) throw new Error(hello.unavailable);
        answers.set(name, answer);
      },
    };
    Object.assign(globalThis, { benchPage: page });
    await import(module);
  }
  for (const work of works) {
    for (let round = 0; round < rounds; round++) {
      for (const [contender, answer] of answers) {
        measured.push({ contender, answer: await answer({ work, seconds }) });
      }
    }
    console.log(work.name);
  }
  const { gpu } = navigator as unknown as { gpu: { requestAdapter(): Promise<Adapter> } };
  const { vendor, architecture, description } = (await gpu.requestAdapter()).info;
  return { adapter: [vendor, architecture, description].filter(Boolean).join(", "), measured };
}

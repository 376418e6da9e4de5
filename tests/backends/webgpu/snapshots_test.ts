/**
 * The WGSL of programs that the documentation shows, so that a change of what is written is seen. This needs no
 * device. The files are written again by
 *
 *     deno test -A tests/backends/webgpu/snapshots_test.ts -- --update
 *
 * @module
 */
import { conv, makeProgram, nn, optim, random, valueAndGrad, zeros } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { divide } from "../../../src/backends/segments.ts";
import { dispatchesOf } from "../../../src/backends/webgpu/commands.ts";
import { meansInFloats } from "../../../src/backends/webgpu/means.ts";
import { isFused, isOnDevice, planProgram } from "../../../src/backends/webgpu/plan.ts";
import type { Limits } from "../../../src/backends/webgpu/wgsl/kernel.ts";
import type { Program } from "../../../src/core/program.ts";
import { formOf } from "../../../src/passes/forms.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { assertEquals } from "../../support/std.ts";
import attention from "./snapshots/attention.wgsl" with { type: "text" };
import convolution from "./snapshots/convolution.wgsl" with { type: "text" };
import layerNorm from "./snapshots/layer_norm.wgsl" with { type: "text" };
import mlpStep from "./snapshots/mlp_step.wgsl" with { type: "text" };
import softmax from "./snapshots/softmax.wgsl" with { type: "text" };

/** What every device can do. */
const limits: Limits = {
  invocations: 256,
  workgroupBytes: 16384,
  bindings: 8,
  hasHalf: false,
  hasSubgroups: false,
  isProcessor: false,
};

const MOST_BYTES = 2 ** 27;

/** The declarations of a module, each from its first line to the next one's. */
function declarationsOf(code: string): readonly string[] {
  return code.trimEnd().split(/\n(?=fn |struct |var<|@compute|@group)/);
}

/** A name that other declarations know this one by; none for what belongs to one pass. */
function nameOf(declaration: string): string | undefined {
  return declaration.match(/^(?:fn|struct) (\w+)/)?.[1];
}

/** The passes of a program, equal ones once, behind the functions that several of them share. */
function textOf(program: Program): string {
  const segments = divide(
    meansInFloats(optimize(program, (equation) => isFused(equation, limits))),
    (equation) => isOnDevice(equation, limits, MOST_BYTES),
  );
  const passes = segments.filter((segment) => segment.isOnDevice).flatMap(({ program }) => {
    const { commands } = planProgram(formOf(program).open([]), limits);
    return dispatchesOf(commands).map(({ code, workgroups }) => ({ code, workgroups }));
  });
  const texts = new Map<string, Set<string>>();
  const uses = new Map<string, number>();
  const codes = [...new Set(passes.map(({ code }) => code))].map(declarationsOf);
  for (const declaration of codes.flat()) {
    const name = nameOf(declaration);
    if (name === undefined) continue;
    texts.set(name, (texts.get(name) ?? new Set()).add(declaration));
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  const isShared = (declaration: string): boolean => {
    const name = nameOf(declaration);
    return name !== undefined && texts.get(name)!.size === 1 && uses.get(name)! > 1;
  };
  const shared = new Set(codes.flat().filter(isShared));
  const shown = codes.map((declarations, i) => {
    const used = declarations.filter(isShared).map(nameOf);
    const times = passes.filter(({ code }) => declarationsOf(code).join() === declarations.join());
    return [
      `// Pass ${i}, workgroups ${times.map(({ workgroups }) => workgroups.join("x")).join(", ")}` +
      (used.length > 0 ? `; with ${used.join(" ")}` : ""),
      ...declarations.filter((one) => !isShared(one)),
    ].join("\n");
  });
  return [...shared, ...shown].join("\n\n") + "\n";
}

const of = (shape: readonly number[]): Tensor => zeros(shape).add(0);

/** A step of training as the README has it. */
function stepOfTraining(): Program {
  const model = nn.sequential(nn.linear(2, 32), nn.tanh, nn.linear(32, 1));
  const [params, state] = model.init(random.key(0));
  const optimizer = optim.adam(1e-2);
  const memory = optimizer.init(params);
  const step = (p: typeof params, m: typeof memory, x: Tensor, y: Tensor) => {
    const loss = (p: typeof params) => nn.mseLoss(model.apply(p, state, x)[0], y);
    const [value, gradient] = valueAndGrad(loss)(p);
    const [updates, next] = optimizer.update(gradient, m, p);
    return [optim.applyUpdates(p, updates), next, value];
  };
  return makeProgram(step as never)(
    ...[params, memory, of([64, 2]), of([64, 1])] as never[],
  );
}

function normalized(x: Tensor): Tensor {
  const norm = nn.layerNorm(48);
  const [params, state] = norm.init(random.key(0));
  return norm.apply(params, state, x)[0];
}

const cases: readonly (readonly [name: string, known: string, make: () => Program])[] = [
  ["mlp_step", mlpStep, stepOfTraining],
  ["softmax", softmax, () => makeProgram((x: Tensor) => nn.softmax(x))(of([16, 100]))],
  ["layer_norm", layerNorm, () => makeProgram(normalized)(of([16, 48]))],
  [
    "attention",
    attention,
    () =>
      makeProgram((q: Tensor, k: Tensor, v: Tensor) =>
        nn.scaledDotProductAttention(q, k, v, { isCausal: true })
      )(of([2, 4, 64, 16]), of([2, 4, 64, 16]), of([2, 4, 64, 16])),
  ],
  [
    "convolution",
    convolution,
    () =>
      makeProgram((x: Tensor, w: Tensor, b: Tensor) =>
        nn.relu(conv(x, w, { padding: 1 }).add(b.reshape([-1, 1, 1])))
      )(of([2, 8, 16, 16]), of([16, 8, 3, 3]), of([16])),
  ],
];

for (const [name, known, make] of cases) {
  Deno.test(`the shaders of ${name} are those of its snapshot`, () => {
    const text = textOf(make());
    if (Deno.args.includes("--update")) {
      Deno.writeTextFileSync(new URL(`snapshots/${name}.wgsl`, import.meta.url), text);
    } else {
      assertEquals(text, known, "Shaders have changed; see the head of this file");
    }
  });
}

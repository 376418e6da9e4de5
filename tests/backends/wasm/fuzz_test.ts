/**
 * Random programs over all primitives, compiled and evaluated: the results are equal to rounding, and
 * the bits the same for every order of the chunks, every number of threads and every donation.
 *
 * A longer run: raise `LONGER`. A failure prints the list of choices of which `growProgram` makes the
 * program.
 *
 * @module
 */
import fc from "fast-check";
import { configure, grad, makeProgram, sin } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { isFloat } from "../../../src/base/dtype.ts";
import { assemble, type CompiledProgram } from "../../../src/backends/wasm/executable.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { checkProgram } from "../../../src/core/check.ts";
import { evaluateProgram } from "../../../src/core/program.ts";
import type { Program } from "../../../src/core/program.ts";
import { Concrete, dense } from "../../../src/core/tensor.ts";
import { assertIdentical } from "../../laws/assertions.ts";
import { makeRandom } from "../../laws/values.ts";
import { assert, assertEquals } from "../../support/std.ts";
import {
  agrees,
  checkResults,
  type GrowOptions,
  growProgram,
  type Sample,
} from "./random_programs.ts";
import "./kernels/written_twice.ts";
import { runProgram } from "./support.ts";
import { partOf } from "../../support/part.ts";

const SEED = 20_240_501;

/** How many times as many programs are tried. */
const LONGER = 1;

/** Whether a program that fails is made smaller, which may take minutes. */
const SHRINKS = false;

/** Runs a law on random programs, with a number to draw other choices from. */
function holds(
  programs: number,
  options: GrowOptions,
  law: (sample: Sample, seed: number) => void,
): void {
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 40, maxLength: 500, size: "max" });
  fc.assert(
    fc.property(lists, fc.nat({ max: 1000 }), (list, seed) => {
      law(growProgram(list, options), seed);
    }),
    { seed: SEED, numRuns: partOf(programs) * LONGER, endOnFailure: !SHRINKS },
  );
}

function copyOf({ dtype, shape, elements }: Concrete): Concrete {
  return new Concrete(dtype, shape, elements.slice());
}

Deno.test(`random programs: any order of chunks, any donation, any plan (seed ${SEED})`, () => {
  let [chunks, followers, taken] = [0, 0, 0];
  holds(650, {}, (sample, seed) => {
    const { program, args } = sample;
    checkProgram(program);
    const random = makeRandom(seed);
    const optimized = optimize(program);
    const before = args.map(copyOf);
    const results = runProgram(optimized, args, {
      isDonated: args.map(() => random() < 0.5),
      chunkTime: [50_000, 500, 50][seed % 3],
      large: random() < 0.5 ? 64 : 4096,
    }, ({ schedule, plan }) => {
      for (const step of schedule.steps) {
        if ("task" in step) continue;
        chunks = Math.max(chunks, step.chunks);
        if (step.chunks > 1) followers += step.calls.length - 1;
      }
      taken += plan.outputs.filter(({ argument }) => argument !== null).length;
    });
    checkResults(results, sample);
    assertIdentical(args, before, "the arguments");
  });
  // These programs do reach what they are for.
  assert(
    chunks > 8 && followers > partOf(20) && taken > partOf(20),
    `${[chunks, followers, taken]}`,
  );
});

Deno.test(`random programs: the same bits for any number of threads (seed ${SEED})`, () => {
  try {
    holds(100, { elements: 40_000 }, (sample, seed) => {
      const { program, args } = sample;
      const random = makeRandom(seed);
      const optimized = optimize(program);
      const before = args.map(copyOf);
      const compiled = assemble(optimized, args.map(() => false), { chunkTime: 200 });
      const expected = runWith(1, compiled, args);
      checkResults(expected, sample);
      for (const threads of [2, 3, 2, 1]) {
        assertIdentical(runWith(threads, compiled, args), expected, `${threads} threads`);
      }
      assertIdentical(args, before, "the arguments");
      const isDonated = args.map(() => random() < 0.5);
      const donating = assemble(optimized, isDonated, { chunkTime: 200 });
      const copies = args.map(copyOf);
      const names = isDonated.map((is, i) => is ? `argument ${i}` : null);
      assertIdentical(donating.run(copies, names), expected, "donated");
      assertIdentical(
        copies.filter((_, i) => !isDonated[i]),
        before.filter((_, i) => !isDonated[i]),
        "what was not donated",
      );
    });
  } finally {
    configure({ threads: 2 });
  }
});

function runWith(
  threads: number,
  compiled: CompiledProgram,
  args: readonly Concrete[],
): readonly Concrete[] {
  configure({ threads });
  return compiled.run(args);
}

/** The gradient of the sum of all floats that a program gives, by all floats that it takes. */
function gradientOf(program: Program, args: readonly Concrete[]): Program | null {
  const argnums = args.flatMap(({ dtype }, i) => isFloat(dtype) ? [i] : []);
  if (!program.results.some((atom) => isFloat("type" in atom ? atom.type.dtype : atom.dtype))) {
    return null;
  }
  if (argnums.length === 0) return null;
  const total = (...values: Tensor[]): Tensor =>
    evaluateProgram(program, values)
      .filter(({ dtype }) => isFloat(dtype))
      .map((result) => sin(result).sum())
      .reduce((sum, term) => sum.add(term));
  return makeProgram(grad(total, { argnums }))(...args);
}

Deno.test(`random programs: gradients (seed ${SEED})`, () => {
  let count = 0;
  holds(250, { onlyDoubles: true }, ({ program, args }, seed) => {
    const gradient = gradientOf(program, args);
    if (gradient === null) return;
    const expected = makeRunner(gradient)(args);
    // Where a derivative grows large, so does what rounding makes of it.
    const isTame = expected.every((x) => dense(x).every((element) => Math.abs(element) < 1e4));
    if (!isTame) return;
    count++;
    const results = runProgram(optimize(gradient), args, { chunkTime: [50_000, 200][seed % 2] });
    expected.forEach((x, i) => {
      const [a, b] = [dense(results[i]), dense(x)];
      const wrong = b.findIndex((value, k) => !agrees(a[k], value, 1e-6));
      assert(wrong < 0, `gradient ${i} at ${wrong}: ${a[wrong]}, not ${b[wrong]}\n${gradient}`);
    });
  });
  assert(count > partOf(80), `${count} gradients`);
});

Deno.test("the fuzzer knows a wrong result", () => {
  assertEquals(agrees(1, 1, 0), true);
  assertEquals(agrees(1 + 1e-12, 1, 0), false);
  assertEquals(agrees(1 + 1e-12, 1, 1e-11), true);
  assertEquals([agrees(-0, 0, 0), agrees(NaN, NaN, 0), agrees(NaN, 1, 1)], [false, true, false]);
});

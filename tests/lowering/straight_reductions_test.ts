/**
 * Reductions by formulas of few elements, in steps of compiled loops: they are straight code with the
 * evaluator's bits, or but for the rounding of sums of float64 so, also where sums or products of some
 * elements leave the range.
 */
import { foriLoop, jit, map, mean, nn, norm, prod, stack, std, tensor } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertIdentical } from "../laws/assertions.ts";
import { assert } from "../support/std.ts";

const reductions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  prod: (x) => prod(x, 1),
  mean: (x) => mean(x, 1),
  norm: (x) => norm(x, 1),
  std: (x) => std(x, 1),
  cosine: (x) => nn.cosineSimilarity(x, x.mul(2).add(1)),
};

/** Rows of elements that are of one size, far apart, or not finite. */
function rowsOf(length: number, large: number): number[][] {
  const modest = Array.from({ length }, (_, i) => (0.7 + (i * 7919 % 101) / 101) * (-1) ** i);
  const last = length - 1;
  return [
    modest,
    modest.map((value) => value * large),
    modest.map((value) => value / large),
    modest.map((value, i) => i % 4 < 2 ? value * large : value / large),
    modest.map((value, i) => i % 4 < 2 ? value / large : value * large),
    modest.with(last, 0),
    modest.with(last, -0),
    modest.with(last, Infinity),
    modest.with(last, NaN),
  ];
}

for (const [name, reduce] of Object.entries(reductions)) {
  Deno.test(`${name} of few elements in a loop is what the evaluator computes`, () => {
    for (const [dtype, large] of [["float32", 1e30], ["float64", 1e200]] as const) {
      for (const length of [1, 3, 7]) {
        const x = tensor(rowsOf(length, large), { dtype });
        const steps = (xs: Tensor) => map((x) => reduce(x), xs);
        const expected = stack([reduce(x), reduce(x.neg())]);
        const actual = jit(steps)(stack([x, x.neg()]));
        if (dtype === "float32" || name === "prod") {
          assertIdentical([actual], [expected], `${dtype}, ${length}`);
        } else assertTensorsClose(actual, expected, { rtol: 4e-15, atol: 0 });
      }
    }
  });
}

Deno.test("reductions of few elements take far less code than nests", () => {
  const codeOf = (length: number): number => {
    const step = (x: Tensor) => foriLoop(0, 9, (_i, x) => x.mul(prod(x)).sub(mean(x)), x);
    return jit(step).lower(tensor(rowsOf(length, 1)[0])).code;
  };
  const [few, many] = [codeOf(4), codeOf(16)];
  assert(4 * few < many, `${few} and ${many} bytes`);
});

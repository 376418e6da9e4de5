import fc from "fast-check";
import { einsum, grad, makeProgram, matmul, random, TensorType } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { absorbTransposes } from "../../src/passes/absorb_transposes.ts";
import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram } from "../../src/core/program.ts";
import { assertIdentical } from "../laws/assertions.ts";
import { assertEquals } from "../support/std.ts";

/** The names of the operations that are left. */
function namesAfter(f: (...args: Tensor[]) => Tensor, ...types: TensorType[]): string[] {
  const program = absorbTransposes(makeProgram(f)(...types));
  checkProgram(program);
  return program.equations.map(({ primitive }) => primitive.name);
}

const a = new TensorType("float32", [3, 4]);
const b = new TensorType("float32", [3, 5]);

Deno.test("a transposed argument of a contraction is read where it is", () => {
  assertEquals(namesAfter((x, y) => matmul(x.transpose(), y), a, b), ["contract"]);
  assertEquals(namesAfter((x, y) => matmul(y.transpose(), x), a, b), ["contract"]);
});

Deno.test("a transposed result is that of the arguments exchanged", () => {
  const f = (x: Tensor, y: Tensor) => matmul(x.transpose(), y).transpose();
  assertEquals(namesAfter(f, a, b), ["contract"]);
  const weight = new TensorType("float32", [5, 4]);
  const gradient = (x: Tensor, w: Tensor) =>
    grad((w: Tensor) => matmul(x, w.transpose()).square().sum())(w);
  assertEquals(namesAfter(gradient, a, weight).includes("transpose"), false);
});

Deno.test("a result that is needed in both orders is computed once", () => {
  const f = (x: Tensor, y: Tensor) => {
    const product = matmul(x.transpose(), y);
    return matmul(product, product.transpose());
  };
  assertEquals(namesAfter(f, a, b), ["contract", "contract"]);
  const g = (x: Tensor) => {
    const product = matmul(x, x.transpose());
    return product.add(product.transpose());
  };
  assertEquals(namesAfter(g, a), ["contract", "transpose", "add"]);
});

Deno.test("axes that change their order stay transposed, and every bit is kept", () => {
  const letters = ["a", "b", "c", "d", "e"];
  const lengths: Record<string, number> = { a: 2, b: 3, c: 4, d: 2, e: 3 };
  const list = fc.shuffledSubarray(letters, { minLength: 1, maxLength: 4 });
  const shuffled = fc.tuple(list, list, fc.nat(), fc.nat());
  fc.assert(
    fc.property(shuffled, ([x, y, order, drop]) => {
      const all = [...new Set([...x, ...y])].filter((_, i) => (drop >> i) % 2 === 0);
      const out = all.toSorted((p, q) =>
        ((order >> letters.indexOf(p)) & 7) - ((order >> letters.indexOf(q)) & 7)
      );
      const spec = `${x.join("")},${y.join("")}->${out.join("")}`;
      const args = [x, y].map((axes, i) =>
        random.normal(random.key(i), axes.map((axis) => lengths[axis]), { dtype: "float64" })
      );
      const program = makeProgram((p, q) => einsum(spec, p, q))(...args);
      const after = absorbTransposes(program);
      checkProgram(after);
      assertIdentical(evaluateProgram(after, args), evaluateProgram(program, args), spec);
    }),
    { seed: 5, numRuns: 300 },
  );
});

import { configure, grad, jit, ones, tensor } from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { assert, assertEquals } from "./support/std.ts";

/** The warnings that `f` prints. */
function warningsOf(f: () => void): string[] {
  const found: string[] = [];
  const before = console.warn;
  console.warn = (message: string) => found.push(message);
  try {
    f();
  } finally {
    console.warn = before;
  }
  return found;
}

Deno.test("a function that is traced again for each shape brings one warning, with the reason", () => {
  const f = jit(function total(x: Tensor) {
    return x.sum();
  });
  const warnings = warningsOf(() => {
    for (let n = 1; n < 60; n++) f(ones([n]));
  });
  assertEquals(warnings.length, 1);
  assert(
    warnings[0].startsWith("Jacobi: jit has traced total 16 times at ") &&
      warnings[0].includes("jit_warnings_test.ts:") &&
      warnings[0].includes(
        "The last call was traced because [0] was float32[15], now float32[16]",
      ),
    warnings[0],
  );
});

Deno.test("so does a jitted function that is made anew for each call", () => {
  const [warning, ...others] = warningsOf(() => {
    for (let i = 0; i < 200; i++) jit(grad((x: Tensor) => x.sin()))(tensor(i));
  });
  assertEquals(others, []);
  assert(warning.includes("apply it once, outside of the loop"), warning);
});

Deno.test("and one that captures what an enclosing transform traces", () => {
  const [warning, ...others] = warningsOf(() => {
    let x: Tensor;
    const f = jit((y: Tensor) => y.mul(x));
    for (let i = 0; i < 40; i++) {
      grad((traced: Tensor) => {
        x = traced;
        return f(tensor(2));
      })(tensor(i));
    }
  });
  assertEquals(others, []);
  assert(warning.includes("captures values of an enclosing transform"), warning);
});

Deno.test("calls that fit a program, lines with few traces, and lower bring none", () => {
  const f = jit((x: Tensor, rate: number) => x.mul(rate));
  const fs = [jit((x: Tensor) => x.exp()), jit((x: Tensor) => x.sin())];
  const warnings = warningsOf(() => {
    for (let i = 0; i < 100; i++) f(tensor([1, 2]), i / 7);
    for (let n = 1; n < 15; n++) for (const g of fs) g(ones([n]));
    for (let n = 1; n < 40; n++) f.lower(ones([n]), 1);
  });
  assertEquals(warnings, []);
});

Deno.test("configure turns warnings off and on", () => {
  configure({ warnings: false });
  try {
    const f = jit((x: Tensor) => x.cos());
    assertEquals(
      warningsOf(() => {
        for (let n = 1; n < 40; n++) f(ones([n]));
      }),
      [],
    );
  } finally {
    configure({ warnings: true });
  }
});

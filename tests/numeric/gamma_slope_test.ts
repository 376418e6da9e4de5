import fixture from "../fixtures/gamma_slopes.json" with { type: "json" };
import { gammaSlope } from "../../src/numeric/gamma_slope.ts";
import { assert, assertEquals } from "../support/std.ts";

Deno.test("the first slope is exact over eighteen decades of concentrations", () => {
  for (const [a, y, want] of fixture.slopes) {
    const got = gammaSlope(1, a, y);
    assert(Math.abs(got - want) <= 1e-14 * want, `R1(${a}, ${y}) is ${want}, not ${got}`);
  }
});

Deno.test("the second and third slopes are exact to the terms that they are sums of", () => {
  for (const [a, y, first, ...wanted] of fixture.slopes) {
    wanted.forEach((want, i) => {
      const order = i + 2;
      const got = gammaSlope(order, a, y);
      // The first slope times powers of the standard deviation of logarithms, or of 1 / a.
      const terms = first * Math.max(Math.sqrt(1 / a), 1 / a, Math.abs(y)) ** (order - 1);
      const bound = 1e-12 * Math.max(terms, Math.abs(want));
      assert(Math.abs(got - want) <= bound, `R${order}(${a}, ${y}) is ${want}, not ${got}`);
    });
  }
});

Deno.test("the first slope is near PyTorch's approximation", () => {
  for (const [a, x, want] of fixture.torch) {
    const got = x * gammaSlope(1, a, Math.log(x));
    assert(Math.abs(got - want) <= 2e-3 * want, `the slope of ${x} at ${a} is ${want}, not ${got}`);
  }
});

Deno.test("at a concentration of 1 the first slope has a series of its own", () => {
  // x R1 is the sum over k of x^k / k! (H_k - γ - log x), the H_k being harmonic numbers: the derivative
  // of x^a exp(-x) Σ x^k / Γ(a + k + 1) by a, over exp(-x).
  for (const x of [1e-6, 0.01, 0.3, 1, 2]) {
    let [sum, term, harmonic] = [0, 1, 0];
    for (let k = 1; k < 60; k++) {
      term *= x / k;
      harmonic += 1 / k;
      sum += term * (harmonic - 0.5772156649015329 - Math.log(x));
    }
    const got = x * gammaSlope(1, 1, Math.log(x));
    assert(Math.abs(got - sum) < 1e-13 * got, `${x}: ${got} is not ${sum}`);
  }
});

Deno.test("slopes at the ends of their range", () => {
  assertEquals([gammaSlope(1, 2, -Infinity), gammaSlope(2, 2, -Infinity)], [Infinity, -Infinity]);
  assertEquals([gammaSlope(1, 2, Infinity), gammaSlope(1, 2, 800)], [0, 0]);
  for (const a of [0, -1, NaN, Infinity]) assertEquals(gammaSlope(1, a, 0), NaN);
  assertEquals(gammaSlope(1, 1, NaN), NaN);
  assert(gammaSlope(1, 5e-324, -1) > 1e300);
  assert(Number.isFinite(gammaSlope(1, 1e-300, -1e5)));
  assert(Math.abs(1e300 * gammaSlope(1, 1e300, Math.log(1e300)) - 1) < 1e-9);
});

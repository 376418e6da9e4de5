import {
  complex,
  grad,
  imag,
  index,
  inspect,
  jit,
  jvp,
  makeProgram,
  onesLike,
  real,
  special,
  tensor,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import fixture from "../fixtures/special_functions.json" with { type: "json" };
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

type Row = readonly [args: readonly number[], value: number, slopes: readonly (number | null)[]];
type Of = (...args: Tensor[]) => Tensor;

const table = fixture.rows as unknown as Readonly<Record<string, readonly Row[]>>;

/** Of complex numbers: the argument, the value and the derivative, each as two parts. */
const numbers = fixture.complex as unknown as Readonly<
  Record<string, readonly (readonly [z: Parts, value: Parts, slope: Parts])[]>
>;

type Parts = readonly [re: number, im: number];

/** Functions of the table that are no functions of the namespace by the same name. */
const others: Readonly<Record<string, Of>> = {
  si: (x) => special.sici(x)[0],
  ci: (x) => special.sici(x)[1],
  fresnelS: (x) => special.fresnel(x)[0],
  fresnelC: (x) => special.fresnel(x)[1],
  polygamma: (x) => special.polygamma(2, x),
  multigammaln: (a) => special.multigammaln(a, 3),
  sphHarmY: (n, m, theta) => real(special.sphHarmY(n, m, theta, 0)),
  besselJ0: (x) => index(special.besselJn(x, 0), 0),
  besselJ1: (x) => index(special.besselJn(x, 1), 1),
  besselJ2: (x) => index(special.besselJn(x, 2), 2),
};

const doubles = (values: readonly number[]): Tensor => tensor(Float64Array.from(values));

/** What errors are relative to at zeros: the amplitude of what oscillates, or 1 for logarithms. */
const scales: Readonly<Record<string, (x: number) => number>> = {
  ci: (x) => Math.min(1, 1 / x),
  besselJ0: (x) => Math.min(1, x ** -0.5),
  besselJ1: (x) => Math.min(1, x ** -0.5),
  besselJ2: (x) => Math.min(1, x ** -0.5),
  fresnelS: () => 1,
  fresnelC: () => 1,
  si: (x) => Math.min(1, 1 / x),
  betaln: () => 1,
  multigammaln: () => 1,
  dawsn: (x) => 1 / (1 + x * x),
  sphHarmY: () => 10,
};

/** Largest relative errors of values and of slopes. */
const VALUES = 1e-12;
const SLOPES = 1e-11;

/** The arguments of all rows, one vector each; the first ones of integers where the function wants that. */
function columns(name: string, rows: readonly Row[]): Tensor[] {
  const integers = { expn: 1, sphHarmY: 2 }[name] ?? 0;
  return rows[0][0].map((_, i) => {
    const values = rows.map(([args]) => args[i]);
    return i < integers ? tensor(Int32Array.from(values)) : tensor(Float64Array.from(values));
  });
}

for (const [name, rows] of Object.entries(table)) {
  const f = others[name] ?? (special as unknown as Record<string, Of>)[name];

  Deno.test(`${name} has twelve digits, and its derivatives eleven, compiled or not`, () => {
    const args = columns(name, rows);
    const integers = args.filter(({ dtype }) => dtype === "int32").length;
    const scaleOf = (args: readonly number[]) =>
      scales[name]?.(Math.abs(args[args.length - 1])) ?? 0;
    for (const run of [f, jit(f), vmap(f)]) {
      run(...args).data().forEach((value, i) => {
        const [at, want] = rows[i];
        const bound = VALUES * Math.max(Math.abs(want), scaleOf(at));
        assert(Math.abs(value - want) <= bound, `${name}(${at}) is ${want}, not ${value}`);
      });
    }
    for (let k = integers; k < args.length; k++) {
      const slopes = vmap(grad(f, { argnums: k }))(...args);
      const compiled = jit(vmap(grad(f, { argnums: k })))(...args).data();
      slopes.data().forEach((value, i) => {
        const [at, , wanted] = rows[i];
        const want = wanted[k - integers];
        if (want === null) return;
        const bound = SLOPES * Math.max(Math.abs(want), scaleOf(at));
        assert(
          Math.abs(value - want) <= bound && Math.abs(compiled[i] - want) <= bound,
          `slope ${k} of ${name}(${at}) is ${want}, not ${value} or ${compiled[i]}`,
        );
      });
    }
  });
}

Deno.test("results have the dtype in which the arguments meet, and are rounded once", () => {
  const half = tensor([2.5], { dtype: "float16" });
  assertEquals(special.gamma(half).dtype, "float16");
  assertEquals(special.gamma(3).dtype, "float32");
  assertEquals(special.gamma(tensor(new Int32Array([7]))).toArray(), [720]);
  assertEquals(special.beta(tensor(Float64Array.of(2)), 1).dtype, "float64");
  const narrow = special.gammainc(30, [10, 40]).data();
  const wide = special.gammainc(30, tensor(Float64Array.of(10, 40))).data();
  narrow.forEach((value, i) => assertEquals(value, Math.fround(wide[i])));
});

Deno.test("ends, poles and what lies outside", () => {
  const at = (f: (x: Tensor) => Tensor, ...points: number[]) =>
    Array.from(f(tensor(Float64Array.from(points))).data());
  const i = Infinity;
  assertEquals(at(special.gamma, 0, -0, -1, i, -i, NaN), [i, -i, NaN, i, NaN, NaN]);
  assertEquals(at(special.gammasgn, 0, -0, -0.5, -1.5, -2), [1, -1, -1, 1, NaN]);
  assertEquals(at(special.factorial, 0, 20, -1), [1, 2432902008176640000, 0]);
  assertEquals(at((x) => special.gammainc(2, x), 0, i, -1), [0, 1, NaN]);
  assertEquals(at((x) => special.gammaincc(2, x), 0, i, -1), [1, 0, NaN]);
  assertEquals(at((x) => special.betainc(2, 3, x), 0, 1, 2), [0, 1, NaN]);
  assertEquals(at(special.ndtri, 0, 0.5, 1, 2), [-i, -0, i, NaN]);
  assertEquals(at(special.logit, 0, 0.5, 1, 2), [-i, 0, i, NaN]);
  assertEquals(at(special.entr, 0, 1, -1), [0, -0, -i]);
  assertEquals(at(special.expi, 0, -i, i), [-i, -0, i]);
  assertEquals(at(special.exp1, 0, i, -1), [i, 0, NaN]);
  assertEquals(at((x) => special.sici(x)[1], 0, -1, i), [-i, NaN, 0]);
  assertEquals(at((x) => special.zeta(x, 1), 1, 0.5, i), [i, NaN, 1]);
  assertEquals(
    at((x) => special.hyp2f1(1, 1, 3, x), 1, 2),
    [2, NaN].map((v) => Number.isNaN(v) ? v : at((x) => special.hyp2f1(1, 1, 3, x), 1)[0]),
  );
  assertEquals(at((x) => special.relEntr(x, 0), 0, 1), [0, i]);
  assertEquals(at((x) => special.klDiv(x, 2), 0, -1), [2, i]);
  assertEquals(at((x) => special.i0(x), 0, 1e4, NaN), [1, i, NaN]);
  assertEquals(at((x) => special.i0e(x), 0, i), [1, 0]);
  assertEquals(at((x) => special.boxcox(x, 0), 0, 1), [-i, 0]);
});

Deno.test("derivatives at points where formulas have 0 times infinity", () => {
  const at = (f: (x: Tensor) => Tensor, x: number) =>
    Number(grad(f)(tensor(x, { dtype: "float64" })));
  assertEquals(at((x) => special.gammainc(1, x), 0), 1);
  assertEquals(at((a) => special.gammainc(a, 0), 2), 0);
  assertEquals(at((a) => special.betainc(a, 2, 0), 2), 0);
  assertEquals(at((x) => special.betainc(1, 2, x), 0), 2);
  assertEquals(at(special.i0, 0), 0);
  assertEquals(at((x) => grad(special.i0)(x), 0), 0.5);
  assertEquals(at((x) => special.sici(x)[0], 0), 1);
  assertEquals(at(special.spence, 1), -1);
  assertEquals(at((x) => special.xlogy(x, 0), 0), 0);
  assertEquals(at((x) => special.boxcox(2, x), 0), Math.LN2 ** 2 / 2);
  assert(Math.abs(at((x) => grad(special.spence)(x), 1) - 0.5) < 1e-15);
});

Deno.test("integrals of densities hold to the symmetries of the functions", () => {
  const a = tensor(Float64Array.of(0.3, 2, 50, 1e4));
  const x = tensor(Float64Array.of(0.2, 0.4, 0.5, 0.502));
  const left = special.betainc(a, a, x).data();
  const right = special.betainc(a, a, x.neg().add(1)).data();
  left.forEach((value, i) => assert(Math.abs(value + right[i] - 1) < 1e-13));
  const sum = special.gammainc(a, a).add(special.gammaincc(a, a)).data();
  sum.forEach((value) => assert(Math.abs(value - 1) < 1e-15));
});

Deno.test("spherical harmonics turn with their azimuth", () => {
  const y = special.sphHarmY(3, 2, tensor(Float64Array.of(0.7)), 0.4);
  const flat = Number(real(special.sphHarmY(3, 2, tensor(Float64Array.of(0.7)), 0)).item());
  assertEquals([y.dtype, y.shape], ["complex128", [1]]);
  assert(Math.abs(Number(real(y).item()) - flat * Math.cos(0.8)) < 1e-15);
  assert(Math.abs(Number(imag(y).item()) - flat * Math.sin(0.8)) < 1e-15);
});

Deno.test("Bernoulli numbers are exact to the last digits", () => {
  special.bernoulli(39, { dtype: "float64" }).data().forEach((value, n) => {
    const want = fixture.bernoulli[n];
    assert(Math.abs(value - want) <= 1e-14 * Math.abs(want), `B${n} is ${want}, not ${value}`);
  });
});

Deno.test("messages name what was given", () => {
  assertThrows(
    () => special.expn(1.5, 2),
    TypeError,
    "Cannot take expn: n is float32[]; expected integers, convert with astype",
  );
  assertThrows(
    () => special.besselJn(1, -1),
    TypeError,
    "Cannot take Bessel functions: v must be an integer from 0 to 999, got -1",
  );
  assertThrows(
    () => special.polygamma(-1, 1),
    TypeError,
    "Cannot take polygamma: n must be an integer from 0 to 10^6, got -1",
  );
  assertThrows(
    () => special.polygamma(2 ** 31, 1),
    TypeError,
    "Cannot take polygamma: n must be an integer from 0 to 10^6, got 2147483648",
  );
  assertThrows(
    () => special.beta([1, 2], [1, 2, 3]),
    TypeError,
    "Cannot take beta of float32[2] and float32[3]: shapes must broadcast, axis -1 has lengths 2 and 3",
  );
});

Deno.test("functions of complex numbers have twelve digits, and their derivatives eleven", () => {
  for (const [name, rows] of Object.entries(numbers)) {
    const f = (special as unknown as Record<string, Of>)[name];
    const column = (k: number) =>
      complex(...[0, 1].map((i) => doubles(rows.map((row) => row[k][i]))) as [Tensor, Tensor]);
    const z = column(0);
    const slope = (z: Tensor) => jvp(f, [z], [onesLike(z)])[1];
    for (const [g, k, bound] of [[f, 1, VALUES], [slope, 2, SLOPES]] as const) {
      const want = column(k);
      for (const run of [g, jit(g), vmap(g)]) {
        const error = run(z).sub(want).abs().div(want.abs()).data();
        error.forEach((error, i) =>
          assert(error <= bound, `${name}(${rows[i][0]}) ${k}: ${error}`)
        );
      }
    }
  }
});

Deno.test("both parts of wofz have their own digits above the real axis", () => {
  const rows = numbers.wofz.filter(([[, y]]) => y > 0);
  const z = complex(doubles(rows.map(([[x]]) => x)), doubles(rows.map(([[, y]]) => y)));
  const value = special.wofz(z);
  [real(value), imag(value)].forEach((part, i) =>
    part.data().forEach((value, k) => {
      const want = rows[k][1][i];
      assert(
        Math.abs(value - want) <= VALUES * Math.abs(want),
        `${rows[k][0]}: ${value}, not ${want}`,
      );
    })
  );
});

Deno.test("loggamma is approached from both sides of its cut", () => {
  const z = (y: number) => complex(doubles([-0.5, -2.5]), doubles([y, y]));
  const [above, below] = [0, -0].map((y) => imag(special.loggamma(z(y))).toArray());
  assertEquals(above, [-Math.PI, -3 * Math.PI]);
  assertEquals(below, [Math.PI, 3 * Math.PI]);
  assertEquals(Number.isNaN(special.loggamma(-0.5).item()), true);
  assertEquals(special.wofz(complex([Infinity], [1])).toArray(), [{ re: 0, im: 0 }]);
  assertEquals(special.wofz(1).dtype, "complex64");
});

Deno.test("special functions of arguments out of the ordinary have all digits", () => {
  const tiny = doubles([0, -1e-300, 1e-20, 1e-8]);
  for (const f of [special.i1e, jit(special.i1e)]) {
    assertTensorsClose(f(tiny).div(tiny.mul(0.5)).at([1, 4]), doubles([1, 1, 1 - 1e-8]), {
      rtol: 1e-15,
    });
    assertEquals(vmap(grad(f))(tiny).at([0, 3]).toArray(), [0.5, 0.5, 0.5]);
  }
  const large = doubles([1e155, 1.7e308]);
  assertEquals(special.i0e(large).data().every((y) => y > 0), true);
  assertTensorsClose(vmap(grad(special.erfcx))(large), doubles([-1e-310 / Math.sqrt(Math.PI), 0]));
  const far = special.wofz(complex(doubles([1e300, 1e200]), doubles([1e10, 1e154])));
  assertTensorsClose(
    imag(far).mul(doubles([1e300, 1e200])).mul(Math.sqrt(Math.PI)),
    doubles([1, 1]),
  );
  assertEquals(imag(special.wofz(complex(doubles([1e-20]), doubles([-27])))).item() < 1e299, true);
  assertEquals(special.gamma(complex([1000], [0])).toArray(), [{ re: Infinity, im: 0 }]);
  assertEquals(special.gamma(complex([0, 1], [Infinity, Infinity])).abs().toArray(), [0, 0]);
});

Deno.test("formulas of compiled programs have the evaluator's digits, and its ends", () => {
  const line = (count: number, at: (i: number) => number) =>
    doubles(Array.from({ length: count }, (_, i) => at(i)));
  const ends = doubles([0, -0, 0.5, 1, -1, 2, Infinity, -Infinity, NaN, 5e-324, 1e300]);
  const functions: readonly (readonly [f: Of, ...Tensor[]])[] = [
    [
      special.ndtri,
      line(300, (i) => 10 ** -i),
      line(200, (i) => i / 200),
      line(16, (i) => 1 - 10 ** -i),
    ],
    [special.erfcx, line(400, (i) => i / 20 - 8)],
    [special.i0e, line(300, (i) => i / 20), line(100, (i) => 10 ** (i / 10))],
    [special.i1e, line(300, (i) => i / 20), line(100, (i) => 10 ** (i / 10))],
  ];
  for (const [f, ...points] of functions) {
    for (const x of [...points, ends]) {
      assertEquals(inspect.kernels(makeProgram(f)(x)).kernels.length > 0, true);
      const [values, wanted] = [jit(f)(x).data(), f(x).data()];
      wanted.forEach((want, i) => {
        const isClose = Object.is(values[i], want) ||
          Math.abs(values[i] - want) <= 1e-13 * Math.abs(want);
        assert(
          isClose || values[i] === want,
          `${f.name}(${x.data()[i]}): ${values[i]}, not ${want}`,
        );
      });
    }
  }
});

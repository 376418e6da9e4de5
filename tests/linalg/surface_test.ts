import fixture from "../fixtures/linalg_surface.json" with { type: "json" };
import {
  ArgumentError,
  complex,
  conj,
  eye,
  grad,
  imag,
  jit,
  linalg,
  matmul,
  real as re,
  tensor,
} from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkBatch, checkFirstOrder } from "../laws/laws.ts";
import { fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import { isComplexTensor } from "../../src/core/complex.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

// SciPy's and NumPy's values; `linalg_surface.py` beside the file says what is in it.

type Written = number | NestedArray | { readonly re: NestedArray; readonly im: NestedArray };

interface FixtureCase {
  readonly name: string;
  readonly args: readonly Written[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly results: readonly Written[];
}

const cases = fixture.cases as unknown as readonly FixtureCase[];

function read(value: Written): Tensor {
  const part = (x: NestedArray) => tensor(x, { dtype: "float64" });
  if (typeof value === "object" && "re" in value) return complex(part(value.re), part(value.im));
  return part(value as NestedArray);
}

// deno-lint-ignore no-explicit-any
const functions = linalg as unknown as Record<string, (...args: any[]) => Tensor | Tensor[]>;

/** Functions that are not called with their arguments as they stand in the fixture. */
const ways: Readonly<Record<string, (typeof functions)[string]>> = {
  vectorNorm: (x, options) => linalg.vectorNorm(x, null, options),
  luSolve: (a, b, options) => linalg.luSolve(linalg.luFactor(a), b, options),
  choSolve: (a, b, options) => linalg.choSolve(linalg.choFactor(a, options), b, options),
};

/** Functions of numbers, which make matrices. */
const making = new Set("dft hadamard helmert hilbert invhilbert invpascal pascal".split(" "));

/** What is determined only up to rounding is compared with a tolerance, relative to the largest. */
function check(actual: Tensor, written: Written, rtol: number, atol: number): void {
  const expected = read(written);
  const size = linalg.vectorNorm(expected, null, { ord: Infinity }).item() as number;
  const isWidened = isComplexTensor(actual) && !isComplexTensor(expected);
  assertTensorsClose(
    actual,
    isWidened
      ? complex(expected, 0)
      : actual.dtype === "int32"
      ? expected.astype("int32")
      : expected,
    { rtol: 0, atol: rtol * size + atol },
  );
}

for (const name of new Set(cases.map((one) => one.name))) {
  Deno.test(`${name} is SciPy's`, () => {
    for (const { name: own, args, options, results } of cases) {
      if (own !== name) continue;
      const f = ways[name] ?? functions[name];
      const hasOptions = Object.keys(options).length > 0;
      const rest = hasOptions
        ? [making.has(name) ? { dtype: "float64", ...options } : options]
        : making.has(name)
        ? [{ dtype: "float64" }]
        : [];
      const tensors = args.filter((x) => typeof x !== "number").map(read);
      const numbers = args.filter((x) => typeof x === "number");
      const run = (...xs: Tensor[]) => f(...xs, ...numbers, ...rest);
      // deno-lint-ignore no-explicit-any
      for (const g of tensors.length > 0 ? [run, jit(run as any) as typeof run] : [run]) {
        const actual = [g(...tensors)].flat();
        results.forEach((expected, i) => check(actual[i], expected, 1e-12, 1e-13));
      }
    }
  });
}

// The derivative by itself is a linear system with derivatives of exponentials: its second order, which
// `sqrtm` is held to, takes long to trace.
Deno.test("logm obeys the laws of derivatives and batches", () => {
  const random = makeRandom(seedOf("logm"));
  const make = () => [fromValues(real(random, 8), "float64", [2, 2, 2])];
  const f = ([a]: readonly Tensor[]) => {
    const value = linalg.logm(a.mul(0.2).add([[1, 0], [0, 1]]));
    return [re(value), imag(value)];
  };
  checkFirstOrder(f, make(), random, "logm");
  checkBatch(f, make, random, 1e-12, "logm");
});

function asComplex(x: Tensor): Tensor {
  return isComplexTensor(x) ? x : complex(x, 0);
}

const refused = "Cannot differentiate schur: its zeros are a choice that has no derivative; " +
  "use eig, expm, logm, sqrtm or solveSylvester, which have one, or stopGradient";

Deno.test("Schur forms are what they should be, and have no derivative", () => {
  for (const n of [1, 2, 3, 6, 25]) {
    const random = makeRandom(seedOf(`schur ${n}`));
    const parts = [0, 1].map(() => fromValues(real(random, n * n), "float64", [n, n]));
    for (const a of [parts[0], complex(parts[0], parts[1])]) {
      const whole = asComplex(a);
      const complexForm = linalg.schur(a, { output: "complex" });
      for (
        const [t, z, below] of [
          [...linalg.schur(a), 1],
          [...complexForm, 0],
          [...linalg.hessenberg(a), 1],
          [...linalg.rsf2csf(...linalg.schur(a)), 0],
        ] as [Tensor, Tensor, number][]
      ) {
        const adjoint = conj(z).transpose();
        const close = { rtol: 0, atol: 1e-13 * n };
        assertTensorsClose(asComplex(matmul(matmul(z, t), adjoint)), whole, close);
        assertTensorsClose(
          asComplex(matmul(z, adjoint)),
          asComplex(eye(n, { dtype: "float64" })),
          close,
        );
        assertEquals(linalg.norm(t.tril(-below - 1)).item(), 0);
      }
      // Pairs of complex eigenvalues are blocks with an equal diagonal, without neighbours.
      const t = linalg.schur(parts[0])[0].toArray() as number[][];
      for (let i = 1; i < n; i++) {
        if (t[i][i - 1] === 0) continue;
        assertEquals(t[i][i], t[i - 1][i - 1]);
        assert(t[i][i - 1] * t[i - 1][i] < 0);
        assert(i + 1 === n || t[i + 1][i] === 0);
      }
    }
  }
  assertRefused(
    () => grad((a: Tensor) => linalg.schur(a)[0].sum())(tensor([[1, 2], [3, 4]])),
    ArgumentError,
    refused,
  );
});

Deno.test("roots of larger matrices are made of those of their parts", () => {
  const random = makeRandom(seedOf("sqrtm"));
  for (const n of [17, 40]) {
    const a = fromValues(real(random, n * n), "float64", [n, n]).add(eye(n).mul(2));
    for (const f of [linalg.sqrtm, jit(linalg.sqrtm)]) {
      const x = f(a);
      assertTensorsClose(matmul(x, x), asComplex(a), { rtol: 0, atol: 1e-11 });
    }
    const l = linalg.logm(a);
    assertTensorsClose(linalg.expm(l), asComplex(a), { rtol: 0, atol: 1e-10 });
  }
});

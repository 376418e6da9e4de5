import fixture from "../fixtures/linalg_surface.json" with { type: "json" };
import { complex, jit, linalg, tensor } from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { isComplexTensor } from "../../src/core/complex.ts";

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

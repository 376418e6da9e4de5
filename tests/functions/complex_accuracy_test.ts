/**
 * How far complex functions are from mpmath's values, in units of the last place.
 *
 * @module
 */
import * as jacobi from "../../mod.ts";
import { complex, finfo, imag, jit, real } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import special from "../fixtures/complex.json" with { type: "json" };
import fixture from "../fixtures/complex_accuracy.json" with { type: "json" };
import { assert } from "../support/std.ts";

type Parts = readonly (readonly (number | null)[])[];

/**
 * The largest errors: of each part in complex64, in its own last place, and of the whole number in
 * complex128, in the last place of its absolute value.
 */
const BOUNDS: Readonly<Record<string, readonly [single: number, double: number]>> = {
  tan: [0.51, 2.2],
  tanh: [0.51, 2.2],
  sigmoid: [0.51, 2],
  // As that of NumPy, it grows with the logarithm of the power, here -260.
  pow: [0.51, 90],
  // Some of these round more than once in complex64.
  log2: [1.3, 1.2],
  rsqrt: [2.2, 1.5],
  sign: [1.2, 1],
  square: [2, 1.5],
};

/** Those of all others. */
const USUAL = [0.51, 1.5] as const;

const functions = jacobi as unknown as Readonly<Record<string, (...args: Tensor[]) => Tensor>>;
type Kind = "single" | "double";
const values = { ...fixture.values, ...fixture.pairs } as unknown as Readonly<
  Record<string, Readonly<Record<Kind, Parts>>>
>;

/** The arguments of a function. */
function argumentsOf(name: string, kind: Kind): Tensor[] {
  const of = (points: readonly (readonly number[])[]) => {
    const [re, im] = points.map((part) => Float64Array.from(part));
    return complex(re, im).astype(kind === "single" ? "complex64" : "complex128");
  };
  const points = fixture.points[kind];
  if (name in fixture.values) return [of(points)];
  const first = points.map((part) => part.slice(0, 32));
  return [of(first), of(first.map((part) => part.toReversed()))];
}

/** What a number of float32 and the next one differ by. */
function unitOf(x: number): number {
  return Math.max(2 ** (Math.floor(Math.log2(Math.abs(x))) - 23), 2 ** -149);
}

/** The largest error of a function, and where it is. */
function errorOf(f: (...args: Tensor[]) => Tensor, name: string, kind: Kind): [number, string] {
  const args = argumentsOf(name, kind);
  const out = f(...args);
  const [x, y] = [real(out), imag(out)].map((part) => part.data());
  const largest = kind === "single" ? finfo("float32").max : Infinity;
  let [most, place] = [0, ""];
  values[name][kind][0].forEach((_, i) => {
    // What is beyond the range is null.
    const [a, b] = [0, 1].map((part) => values[name][kind][part][i] ?? Infinity);
    if (Math.max(Math.abs(a), Math.abs(b)) >= largest) return;
    const error = kind === "single"
      ? Math.max(Math.abs(x[i] - a) / unitOf(a), Math.abs(y[i] - b) / unitOf(b))
      : Math.hypot(x[i] - a, y[i] - b) / Math.max(Math.hypot(a, b), 2 ** -970) / 2 ** -52;
    if (error <= most) return;
    most = error;
    place = `${args.map((arg) => arg.at(i))}: ${x[i]} + ${y[i]} i, not ${a} + ${b} i`;
  });
  return [most, place];
}

for (const name of Object.keys(values)) {
  Deno.test(`${name} of complex numbers is within its bounds, compiled too`, () => {
    for (const f of [functions[name], jit(functions[name])]) {
      (["single", "double"] as const).forEach((kind, k) => {
        const [error, place] = errorOf(f, name, kind);
        const bound = (BOUNDS[name] ?? USUAL)[k];
        assert(error <= bound, `${name} in ${kind} precision is off by ${error} at ${place}`);
      });
    }
  });
}

Deno.test("at zeros, infinities and NaN complex64 has what complex128 has, rounded", () => {
  const read = (part: readonly (number | string)[]) =>
    Float64Array.from(
      part,
      (x) => x === "nan" ? NaN : Number(String(x).replace("inf", "Infinity")),
    );
  const [re, im] = special.z.map(read);
  const z = complex(re, im).astype("complex64");
  for (const name of Object.keys(fixture.values)) {
    const f = functions[name];
    const double = f(z.astype("complex128"));
    for (const single of [f(z), jit(f)(z)]) {
      for (const part of [real, imag]) {
        const expected = part(double).astype("float32").data();
        part(single).data().forEach((x, i) => {
          const place = `${name}(${z.at(i)}) is ${x}, not ${expected[i]}`;
          const isNear = Math.abs(x - expected[i]) <= 4 * unitOf(expected[i]);
          assert(Object.is(x, expected[i]) || x !== 0 && isNear, place);
        });
      }
    }
  }
});

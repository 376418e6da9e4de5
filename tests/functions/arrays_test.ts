import cases from "../fixtures/arrays.json" with { type: "json" };
import * as jacobi from "../../mod.ts";
import { jit, stack, Tensor, tensor, tree, vmap } from "../../mod.ts";
import type { Dtype } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { assertEquals } from "../support/std.ts";

// NumPy's values, of the functions as they are, compiled, and mapped over a batch, and derivatives
// against differences; `arrays.py` beside the file says what is in it.

interface Written {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

const words: Readonly<Record<string, number>> = { inf: Infinity, "-inf": -Infinity, nan: NaN };

function read({ dtype, shape, data }: Written): Tensor {
  const numbers = data.map((x) => typeof x === "string" ? words[x] : x);
  return tensor(numbers.map(Number), { dtype }).reshape(shape);
}

/** An argument, whose tensors are written ones. */
function argument(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(argument);
  if (typeof x !== "object" || x === null) return typeof x === "string" ? words[x] ?? x : x;
  if ("dtype" in x && "data" in x) return read(x as Written);
  return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, argument(value)]));
}

type Call = (...tensors: Tensor[]) => Tensor[];

/** A function of the tensors among the arguments, with those as they are written. */
function callOf(name: string, args: unknown): [call: Call, tensors: Tensor[]] {
  const { leaves, structure } = tree.flatten(args) as {
    leaves: unknown[];
    structure: ReturnType<typeof tree.structure>;
  };
  const f = name.split(".").reduce<unknown>(
    (owner, part) => (owner as Record<string, unknown>)[part],
    jacobi,
  ) as (...args: unknown[]) => Tensor | Tensor[];
  const call = (...tensors: Tensor[]): Tensor[] => {
    const left = [...tensors];
    const filled = leaves.map((leaf) => leaf instanceof Tensor ? left.shift() : leaf);
    const result = f(...tree.unflatten(structure, filled) as unknown[]);
    return Array.isArray(result) ? result : [result];
  };
  return [call, leaves.filter((leaf) => leaf instanceof Tensor)];
}

/** Functions that compute, within so much of NumPy's values; all others give the same numbers. */
const rounded: Readonly<Record<string, number>> = {
  cbrt: 1e-15,
  exp2: 1e-15,
  log10: 1e-15,
  hypot: 1e-15,
  floatPower: 1e-14,
  logaddexp2: 1e-14,
  deg2rad: 1e-15,
  rad2deg: 1e-15,
  sinc: 1e-14,
  unwrap: 1e-14,
  lerp: 1e-14,
  addcmul: 1e-14,
  addcdiv: 1e-14,
  logspace: 1e-14,
  geomspace: 1e-14,
  inner: 1e-14,
  vdot: 1e-14,
  vecdot: 1e-14,
  matvec: 1e-14,
  vecmat: 1e-14,
  kron: 1e-14,
  cross: 1e-14,
  multiDot: 1e-14,
  cdist: 1e-14,
};

function assertClose(actual: readonly Tensor[], expected: readonly Tensor[], name: string): void {
  assertEquals(actual.map(({ shape }) => shape), expected.map(({ shape }) => shape), name);
  actual.forEach((x, i) => {
    const rtol = rounded[name] ?? 0;
    const atol = name === "sinc" ? 1e-16 : rtol && 2e-15;
    assertTensorsClose(x, expected[i], { rtol, atol, message: name });
  });
}

const named = Map.groupBy(cases as readonly { readonly name: string }[], ({ name }) => name);

for (const [name, list] of named) {
  const own = list as unknown as { args: unknown; results: Written[]; grads?: boolean }[];
  Deno.test(`${name} has NumPy's values, compiled and mapped too`, () => {
    for (const { args, results } of own) {
      const [call, tensors] = callOf(name, argument(args));
      const expected = results.map(read);
      assertClose(call(...tensors), expected, name);
      if (tensors.length === 0) continue;
      assertClose(jit(call)(...tensors) as Tensor[], expected, name);
      const twice = tensors.map((x) => stack([x, x], x.ndim));
      const mapped = vmap(call, tensors.map(({ ndim }) => ndim) as never)(...twice) as Tensor[];
      assertClose(mapped.map((x) => x.at(1)), expected, name);
    }
  });

  const smooth = own.filter(({ grads }) => grads);
  if (smooth.length === 0) continue;
  Deno.test(`${name} has the derivatives of its values`, () => {
    for (const { args } of smooth) {
      const [call, tensors] = callOf(name, argument(args));
      checkGrads(call as never, tensors as never, { order: 2 });
    }
  });
}

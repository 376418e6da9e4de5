/**
 * All methods for a derivative: for tests that a rule is used, however transforms are nested.
 *
 * @module
 */
import {
  checkpoint,
  cond,
  foriLoop,
  grad,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  map,
  scan,
  tensor,
  vjp,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";

/** A function of a scalar. */
export type Scalar = (x: Tensor) => Tensor;

/** A method for the derivative of a function of a scalar. */
export interface Way {
  /** The nested transforms. */
  readonly name: string;
  /** The modes that are involved. */
  readonly mode: "forward" | "reverse" | "both";
  /** The derivative. */
  readonly derive: (f: Scalar) => Scalar;
}

const twice = (x: Tensor): Tensor => x.mul(tensor([1, 1], { dtype: "float64" }));
const forward = (f: Scalar): Scalar => (x) => jvp(f, [x], [1])[1] as Tensor;
const first = (f: (xs: Tensor) => Tensor): Scalar => (x) => f(x.expandDims(0)).at(0);

/** Transforms around the function itself that preserve its values. */
const wrappers: readonly (readonly [string, (f: Scalar) => Scalar, isForwardOnly?: boolean])[] = [
  ["the function", (f) => f],
  ["jit", (f) => jit(f)],
  ["jit of jit", (f) => jit(jit(f))],
  ["vmap", (f) => first(vmap(f))],
  ["vmap of vmap", (f) => (x) => vmap(vmap(f))(x.reshape([1, 1])).at(0, 0)],
  ["vmap of jit", (f) => first(vmap(jit(f)))],
  ["jit of vmap", (f) => jit(first(vmap(f)))],
  ["vmap of what is not mapped", (f) => (x) => vmap((_y: Tensor) => f(x))(twice(x)).at(0)],
  [
    "the mean of a vmap",
    (f) => (x) => vmap((y: Tensor) => f(x).mul(y))(tensor([0.5, 1.5], { dtype: "float64" })).mean(),
  ],
  ["map", (f) => first((xs) => map(f, xs) as Tensor)],
  [
    "scan",
    (f) => (x) =>
      scan(
        (carry: Tensor, y: Tensor): [Tensor, Tensor] => [carry.add(y), f(y)],
        x,
        x.expandDims(0),
      )[1]
        .at(0),
  ],
  [
    "scan's carry",
    (f) => (x) =>
      scan((carry: Tensor, _: Tensor): [Tensor, null] => [f(carry), null], x, tensor([0]))[0],
  ],
  ["cond", (f) => (x) => cond(x.greater(0), f, (y: Tensor) => y, x)],
  ["checkpoint", (f) => checkpoint(f)],
  ["foriLoop", (f) => (x) => foriLoop(0, 1, (_i, y: Tensor) => f(y), x)],
  ["whileLoop", (f) => (x) =>
    whileLoop(
      ([i]: [Tensor, Tensor]) => i.less(1),
      ([i, y]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), f(y)],
      [tensor(0, { dtype: "int32" }), x] as [Tensor, Tensor],
    )[1], true],
  ["whileLoop with a bound", (f) => (x) =>
    whileLoop(
      ([i]: [Tensor, Tensor]) => i.less(1),
      ([i, y]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), f(y)],
      [tensor(0, { dtype: "int32" }), x] as [Tensor, Tensor],
      { maxSteps: 2 },
    )[1]],
];

/** The transforms that take the derivative. */
const derivatives: readonly Way[] = [
  { name: "grad", mode: "reverse", derive: (f) => grad(f) as Scalar },
  { name: "vjp", mode: "reverse", derive: (f) => (x) => vjp(f, x)[1](1)[0] as Tensor },
  { name: "jacrev", mode: "reverse", derive: (f) => jacrev(f) as unknown as Scalar },
  { name: "jit of grad", mode: "reverse", derive: (f) => jit(grad(f)) as Scalar },
  { name: "vmap of grad", mode: "reverse", derive: (f) => first(vmap(grad(f) as Scalar)) },
  {
    name: "jit of vmap of grad",
    mode: "reverse",
    derive: (f) => jit(first(vmap(grad(f) as Scalar))),
  },
  { name: "jvp", mode: "forward", derive: forward },
  { name: "jacfwd", mode: "forward", derive: (f) => jacfwd(f) as unknown as Scalar },
  { name: "linearize", mode: "forward", derive: (f) => (x) => linearize(f, x)[1](1) as Tensor },
  { name: "jit of jvp", mode: "forward", derive: (f) => jit(forward(f)) },
  { name: "vmap of jvp", mode: "forward", derive: (f) => first(vmap(forward(f))) },
  {
    name: "grad of jvp, by the tangent",
    mode: "both",
    derive: (f) => (x) => grad((t: Tensor) => jvp(f, [x], [t])[1] as Tensor)(x) as Tensor,
  },
  {
    name: "grad of a pushforward",
    mode: "both",
    derive: (f) => (x) => grad((t: Tensor) => linearize(f, x)[1](t) as Tensor)(x) as Tensor,
  },
];

/** Compares the result of `derive` with `expected`, in float64; failures name the method. */
export function checkWay(name: string, derive: () => Tensor, expected: number): void {
  try {
    const wanted = tensor(expected, { dtype: "float64" });
    assertTensorsClose(derive(), wanted, { rtol: 1e-12 });
  } catch (error) {
    throw new Error(`By ${name}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** All methods for the first derivative. */
export const ways: readonly Way[] = derivatives.flatMap(({ name, mode, derive }) =>
  wrappers.filter(([, , isForwardOnly]) => mode === "forward" || !isForwardOnly).map((
    [inner, wrap],
  ) => ({
    name: `${name} of ${inner}`,
    mode,
    derive: (f: Scalar) => derive(wrap(f)),
  }))
);

/**
 * Random programs under random nestings of derivatives, vectorisation, compilation, branches, loops,
 * checkpoints and derivative rules of their own, compared with nested dual numbers. Another seed, and
 * more programs: `deno test tests/control/nestings_test.ts -- --seed=7 --runs=10000`.
 *
 * @module
 */
import fc from "fast-check";
import {
  broadcastTo,
  checkpoint,
  cond,
  customJvp,
  customVjp,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  scan,
  stack,
  switchCase,
  tensor,
  vjp,
  vmap,
  where,
  whileLoop,
  zerosLike,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import * as dual from "../fuzz/dual.ts";
import type { Num } from "../fuzz/dual.ts";
import { fail } from "../support/std.ts";
import { partOf } from "../support/part.ts";

/** The value of `--name=number`. */
function flag(name: string, otherwise: number): number {
  const given = Deno.args.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
}

const seed = flag("seed", 1);
const numRuns = flag("runs", partOf(150));

/** A function of two scalars, in terms of the library. */
type Pair = (x: Tensor, y: Tensor) => Tensor;

/** The same function, in terms of the library and of dual numbers. */
interface Both {
  readonly pair: Pair;
  readonly plain: (x: Num, y: Num) => Num;
  /** The number of derivatives taken. */
  readonly order: number;
  /** Whether it contains a loop that has no reverse mode. */
  readonly isForward: boolean;
}

/** Maps a function, and a number that chooses between variants, to another function. */
type Wrap = (f: Both, pick: number) => Both;

const wide = (value: number | number[]): Tensor => tensor(value, { dtype: "float64" });
const count = (value: number): Tensor => tensor(value, { dtype: "int32" });
const [one, minus, half] = [1, -1, 0.5];

/** The same values, computed differently by the library. */
function around(wrap: (f: Pair, pick: number) => Pair): Wrap {
  return (f, pick) => ({ ...f, pair: wrap(f.pair, pick) });
}

/** Other values. */
function other(
  pair: (f: Pair, pick: number) => Pair,
  plain: (f: Both["plain"], pick: number) => Both["plain"],
): Wrap {
  return (f, pick) => ({ ...f, pair: pair(f.pair, pick), plain: plain(f.plain, pick) });
}

/** The derivative along a direction that `pick` chooses: along both arguments, or one. */
function derived(derive: (f: Pair, pick: number) => Pair, isReverse: boolean): Wrap {
  return (f, pick) =>
    f.order >= 3 || (isReverse && f.isForward) ? f : {
      ...f,
      order: f.order + 1,
      pair: derive(f.pair, pick),
      plain: (x, y) =>
        dual.derivative(
          f.plain as (...args: Num[]) => Num,
          [x, y],
          pick % 2 === 0 ? [1, 0] : [0, 1],
        ),
    };
}

/** Directions along the argument that `pick` chooses; the other tangent is zero, in one of several forms. */
function directions(x: Tensor, y: Tensor, pick: number): (Tensor | number | null)[] {
  const [moving, still] = pick % 2 === 0 ? [x, y] : [y, x];
  const none = [null, zerosLike(still), still.mul(0), moving.mul(0)][pick % 4];
  const unit = zerosLike(moving).add(1);
  return pick % 2 === 0 ? [unit, none] : [none, unit];
}

/** A number from x and y that is positive for about half of the programs. */
const choice = (x: Tensor, y: Tensor, pick: number): Tensor =>
  x.mul(pick % 3 - 1).add(y.mul(0.5)).greater(0);
const choiceOf = (x: Num, y: Num, pick: number): boolean =>
  dual.real(x) * (pick % 3 - 1) + dual.real(y) * 0.5 > 0;

const otherwise: Pair = (x, y) => x.mul(0.3).sub(y.sin());
const otherwiseOf = (x: Num, y: Num): Num =>
  dual.add(dual.mul(0.3, x), dual.mul(minus, dual.sin(y)));

/** The terms of tangents that rules add up. */
const slopes = (f: Pair, x: Tensor, y: Tensor): [Tensor, Tensor] =>
  [0, 1].map((argnums) => jacfwd(f, { argnums })(x, y) as Tensor) as [Tensor, Tensor];

const wraps: Readonly<Record<string, Wrap>> = {
  jit: around((f) => jit(f)),
  checkpoint: around((f, pick) =>
    checkpoint(f, { policy: pick % 2 === 0 ? "nothing" : "products" })
  ),
  vmap: around((f, pick) => (x, y) => {
    const [inAxes, args] = [
      [[0, null], [x.expandDims(0), y]],
      [[null, 0], [x, y.expandDims(0)]],
      [[0, 0], [x.expandDims(0), y.expandDims(0)]],
      [[null, null], [x, y]],
    ][pick % 4] as [(number | null)[], [Tensor, Tensor]];
    return vmap(f, inAxes, 0, { axisSize: 1 })(...args).at(0);
  }),
  batch: other(
    (f, pick) => (x, y) =>
      pick % 2 === 0
        ? vmap(f, [0, null])(stack([x, x.mul(0.5)]), y).sum()
        : vmap((z: Tensor) => f(x.mul(z), y))(wide([1, 0.5])).sum(),
    (f) => (x, y) => dual.add(f(x, y), f(dual.mul(half, x), y)),
  ),
  cond: other(
    (f, pick) => (x, y) =>
      pick % 2 === 0
        ? cond(choice(x, y, pick), f, otherwise, x, y)
        : cond(choice(x, y, pick), (z: Tensor) => f(z, y), (z: Tensor) => otherwise(z, y), x),
    (f, pick) => (x, y) => choiceOf(x, y, pick) ? f(x, y) : otherwiseOf(x, y),
  ),
  switchCase: other(
    (f, pick) => (x, y) =>
      switchCase(
        where(choice(x, y, pick), 1, pick % 2 * 2).astype("int32"),
        [(x: Tensor) => x, f, otherwise],
        x,
        y,
      ),
    (f, pick) => (x, y) => choiceOf(x, y, pick) ? f(x, y) : pick % 2 === 0 ? x : otherwiseOf(x, y),
  ),
  scan: other(
    (f, pick) => (x, y) =>
      pick % 2 === 0
        ? scan(
          (c: Tensor, z: Tensor): [Tensor, Tensor] => [f(c, z), c.mul(z)],
          x,
          stack([y, y.mul(0.5)]),
        )[0]
        : scan(
          ([c, i]: [Tensor, Tensor], _): [[Tensor, Tensor], Tensor] => [
            [f(c, y.mul(i)), i.mul(0.5)],
            c,
          ],
          [x, wide(1)] as [Tensor, Tensor],
          null,
          { length: 2 },
        )[0][0],
    (f) => (x, y) => f(f(x, y), dual.mul(half, y)),
  ),
  foriLoop: other(
    (f) => (x, y) => foriLoop(0, 2, (_, z: Tensor) => f(z, y), x),
    (f) => (x, y) => f(f(x, y), y),
  ),
  whileLoop: (f, pick) =>
    f.order >= 3 ? f : {
      ...f,
      isForward: true,
      pair: (x, y) =>
        whileLoop(
          ([i]: [Tensor, Tensor]) => i.less(1 + pick % 2),
          ([i, z]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), f.pair(z, y)],
          [count(0), x] as [Tensor, Tensor],
        )[1],
      plain: pick % 2 === 0 ? f.plain : (x, y) => f.plain(f.plain(x, y), y),
    },
  swap: other((f) => (x, y) => f(y, x), (f) => (x, y) => f(y, x)),
  same: other((f) => (x) => f(x, x), (f) => (x) => f(x, x)),
  fixed: other((f) => (x, y) => f(x, wide(0.4)).mul(y), (f) => (x, y) => dual.mul(f(x, 0.4), y)),
  inner: other(
    (f) => (x, y) => f(x.mul(y), y.sin()).mul(x),
    (f) => (x, y) => dual.mul(f(dual.mul(x, y), dual.sin(y)), x),
  ),
  sum: other(
    (f) => (x, y) => f(x, y).add(f(y, x.mul(0.5))).tanh(),
    (f) => (x, y) => dual.tanh(dual.add(f(x, y), f(y, dual.mul(half, x)))),
  ),
  customJvp: (f, pick) =>
    f.order >= 3 ? f : around((f) =>
      customJvp(f, ([x, y], [dx, dy]) => {
        if (pick % 4 === 0) return jvp(f, [x, y], [dx, dy]);
        if (pick % 4 === 1) return [f(x, y), linearize(f, x, y)[1](dx, dy)];
        const [a, b] = slopes(f, x, y);
        const tangent = a.mul(dx).add(b.mul(dy));
        return [
          f(x, y),
          pick % 4 === 2
            ? tangent
            : tangent.add(broadcastTo(zerosLike(x), [2]).mul(y).sum()).sub(y.mul(0)),
        ];
      })
    )(f, pick),
  customVjp: (f, pick) =>
    f.isForward ? f : around((f) => {
      const withMore = customVjp(
        (x: Tensor, y: Tensor, n: Tensor) => [f(x, y), y.mul(x), n.add(1)],
        (x, y, n) => [[f(x, y), y.mul(x), n.add(1)], [x, y]],
        ([x, y], [ct, more]) => {
          const [dx, dy] = vjp(f, x, y)[1](ct);
          const own = [dx.add(y.mul(more)), dy.add(x.mul(more))];
          return [...pick % 2 === 0 ? own : own.map((part) => part.add(zerosLike(x).mul(y))), null];
        },
      );
      if (pick % 3 > 0) return (x, y) => withMore(x, y, count(2))[0];
      return customVjp(
        f,
        (x, y) => [f(x, y), [x, y]],
        ([x, y], ct) => vjp(f, x, y)[1](ct),
      );
    })(f, pick),
  grad: derived((f, pick) => grad(f, { argnums: pick % 2 }), true),
  jvp: derived((f, pick) => (x, y) => jvp(f, [x, y], directions(x, y, pick))[1], false),
  vjp: derived((f, pick) => (x, y) => {
    const both = (x: Tensor, y: Tensor) => [f(x, y), [y.mul(x)], count(1)];
    return vjp(both, x, y)[1]([1, pick % 3 === 0 ? null : [y.mul(0)], null])[pick % 2];
  }, true),
  linearize: derived((f, pick) => (x, y) => {
    if (pick % 3 > 0) return linearize(f, x, y)[1](...directions(x, y, pick));
    return pick % 2 === 0
      ? linearize((x: Tensor) => f(x, y), x)[1](1)
      : linearize((y: Tensor) => f(x, y), y)[1](1);
  }, false),
  jacfwd: derived(
    (f, pick) => (x, y) => jacfwd(f, { argnums: pick % 2 })(x, y) as Tensor,
    false,
  ),
  jacrev: derived((f, pick) => (x, y) => jacrev(f, { argnums: pick % 2 })(x, y) as Tensor, true),
  hessian: (f, pick) => {
    if (f.order >= 2 || f.isForward) return f;
    const direction = pick % 2 === 0 ? [1, 0] : [0, 1];
    const slope = (...args: Num[]) =>
      dual.derivative(f.plain as (...args: Num[]) => Num, args, direction);
    return {
      ...f,
      order: f.order + 2,
      pair: (x, y) => hessian(f.pair, { argnums: pick % 2 })(x, y) as Tensor,
      plain: (x, y) => dual.derivative(slope, [x, y], direction),
    };
  },
};

/** One operation of a program: its name, and the indices of its operands. */
interface Step {
  readonly operation: string;
  readonly first: number;
  readonly second: number;
}

type Operation = readonly [
  pair: (x: Tensor, y: Tensor) => Tensor,
  plain: (x: Num, y: Num) => Num,
];

const operations: Readonly<Record<string, Operation>> = {
  add: [(x, y) => x.add(y), dual.add],
  multiply: [(x, y) => x.mul(y), dual.mul],
  divide: [
    (x, y) => x.div(y.square().add(1)),
    (x, y) => dual.mul(x, dual.reciprocal(dual.add(one, dual.mul(y, y)))),
  ],
  sin: [(x) => x.sin(), dual.sin],
  cos: [(x) => x.cos(), dual.cos],
  tanh: [(x) => x.tanh(), dual.tanh],
  half: [(x) => x.mul(0.5), (x) => dual.mul(half, x)],
};

/** A program as a function. */
function build(steps: readonly Step[]): Both {
  const run = <T>(inputs: readonly T[], apply: (name: string, x: T, y: T) => T): T => {
    const values = [...inputs];
    for (const { operation, first, second } of steps) {
      const [x, y] = [first, second].map((place) =>
        values[values.length - 1 - place % values.length]
      );
      values.push(apply(operation, x, y));
    }
    return values[values.length - 1];
  };
  return {
    pair: (x, y) => run([x, y], (name, x, y) => operations[name][0](x, y)).tanh(),
    plain: (x, y) => dual.tanh(run<Num>([x, y], (name, x, y) => operations[name][1](x, y))),
    order: 0,
    isForward: false,
  };
}

const steps = fc.array(
  fc.record({
    operation: fc.constantFrom(...Object.keys(operations)),
    first: fc.nat({ max: 2 }),
    second: fc.nat({ max: 4 }),
  }),
  { minLength: 1, maxLength: 4, size: "max" },
);

const chains = fc.array(
  fc.tuple(fc.constantFrom(...Object.keys(wraps)), fc.nat({ max: 11 })),
  { minLength: 2, maxLength: 6, size: "max" },
);

const numbers = fc.tuple(
  ...[-0.02, 0.03].map((shift) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: -15, max: 15 }).map((n) => n / 10 + shift) },
      { weight: 1, arbitrary: fc.constantFrom(0, -0, 5e-324, -1e-310, 1e-200) },
    )
  ),
);

Deno.test(`random nestings of everything give the derivatives of the program (seed ${seed})`, () => {
  const law = fc.property(steps, chains, numbers, (steps, chain, [x, y]) => {
    const f = chain.reduce((f, [name, pick]) => wraps[name](f, pick), build(steps));
    const expected = dual.real(f.plain(x, y));
    const got = f.pair(wide(x), wide(y)).item();
    const distance = Math.abs(got - expected);
    if (distance <= 1e-9 * Math.max(1, Math.abs(expected))) return;
    fail(`${got}, expected ${expected}`);
  });
  fc.assert(law, { seed, numRuns });
});

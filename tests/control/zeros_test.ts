/**
 * Tangents and cotangents that are zero: missing ones, and those that rules compute.
 *
 * @module
 */
import "../support/quiet.ts";
import {
  ArgumentError,
  broadcastTo,
  checkpoint,
  concatenate,
  cond,
  customJvp,
  customVjp,
  debugCallback,
  dynamicSlice,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  makeProgram,
  ones,
  scan,
  stack,
  switchCase,
  tensor,
  vjp,
  vmap,
  where,
  whileLoop,
  zeros,
  zerosLike,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { customLinearSolve, customRoot } from "../../src/linalg.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

/** A function of two scalars. */
type Pair = (a: Tensor, b: Tensor) => Tensor;

const wide = (value: number | number[]): Tensor => tensor(value, { dtype: "float64" });
const count = (value: number): Tensor => tensor(value, { dtype: "int32" });
const first = (x: Tensor): Tensor => x.expandDims(0);

const plain: Pair = (a, b) => a.mul(b).add(a.sin());

/** The derivatives of `plain` with respect to one argument each. */
const alongA: (a: Tensor, b: Tensor, da: Tensor) => Tensor = (a, b, da) => da.mul(b.add(a.cos()));
const alongB = (a: Tensor, _b: Tensor, db: Tensor): Tensor => a.mul(db);

/** Transforms around a function of two scalars that preserve its values. */
const contexts: Readonly<Record<string, (f: Pair) => Pair>> = {
  itself: (f) => f,
  jit: (f) => jit(f),
  vmap: (f) => (a, b) => vmap(f)(first(a), first(b)).at(0),
  "vmap of one": (f) => (a, b) => vmap(f, [null, 0])(a, first(b)).at(0),
  "vmap of the other, twice": (f) => (a, b) =>
    vmap(vmap(f, [0, null]), [0, null])(a.reshape([1, 1]), b).at(0, 0),
  "vmap of jit": (f) => (a, b) => vmap(jit(f), [0, null])(first(a), b).at(0),
  checkpoint: (f) => checkpoint(f),
  "checkpoint of vmap": (f) =>
    checkpoint((a: Tensor, b: Tensor) => vmap(f, [null, 0])(a, first(b)).at(0)),
  cond: (f) => (a, b) => cond(a.greater(-9), f, (a: Tensor, b: Tensor) => a.sub(b), a, b),
  scan: (f) => (a, b) =>
    scan((c: Tensor, x: Tensor): [Tensor, Tensor] => [c.add(1), f(x, b)], b, first(a))[1].at(0),
  "scan's carry": (f) => (a, b) =>
    scan((c: Tensor, _: Tensor): [Tensor, null] => [f(c, b), null], a, wide([0]))[0],
  foriLoop: (f) => (a, b) => foriLoop(0, 1, (_, y: Tensor) => f(y, b), a),
};

/** Contexts for forward mode alone. */
const loops: typeof contexts = {
  whileLoop: (f) => (a, b) =>
    whileLoop(
      ([i]: [Tensor, Tensor]) => i.less(1),
      ([i, y]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), f(y, b)],
      [count(0), a] as [Tensor, Tensor],
    )[1],
};

const pushed = (f: Pair, tangents: (Tensor | null)[]): Pair => (a, b) =>
  jvp(f, [a, b], tangents)[1];

/** Derivatives in forward mode, with some tangents zero. */
const forward: Readonly<Record<string, (f: Pair) => Pair>> = {
  "jvp by the first": (f) => pushed(f, [wide(2), null]),
  "jvp by the second": (f) => pushed(f, [null, wide(2)]),
  "jit of jvp": (f) => jit(pushed(f, [null, wide(2)])),
  "vmap of jvp": (f) => (a, b) => vmap(pushed(f, [null, wide(2)]), [0, null])(first(a), b).at(0),
  "jacfwd by the first": (f) => (a, b) => jacfwd(f)(a, b) as Tensor,
  "jacfwd by the second": (f) => (a, b) => jacfwd(f, { argnums: 1 })(a, b) as Tensor,
  linearize: (f) => (a, b) => linearize((b: Tensor) => f(a, b), b)[1](2),
  "jvp of jvp": (f) => pushed(pushed(f, [wide(1), null]), [null, wide(2)]),
  "jvp of jvp, by the first": (f) => pushed(pushed(f, [wide(1), null]), [wide(2), null]),
};

/** Derivatives that involve reverse mode. */
const reverse: Readonly<Record<string, (f: Pair) => Pair>> = {
  "grad by the first": (f) => grad(f),
  "grad by the second": (f) => grad(f, { argnums: 1 }),
  "jit of grad": (f) => jit(grad(f)),
  "jit of grad by the second": (f) => jit(grad(f, { argnums: 1 })),
  "vmap of grad": (f) => (a, b) => vmap(grad(f), [0, null])(first(a), b).at(0),
  "jit of vmap of grad": (f) =>
    jit((a, b) => vmap(grad(f, { argnums: 1 }), [null, 0])(a, first(b)).at(0)),
  jacrev: (f) => (a, b) => jacrev(f, { argnums: 1 })(a, b) as Tensor,
  hessian: (f) => (a, b) => hessian(f)(a, b) as Tensor,
  "jit of hessian": (f) => jit((a: Tensor, b: Tensor) => hessian(f)(a, b) as Tensor),
  "grad of grad": (f) => grad(grad(f)),
  "mixed grad of grad": (f) => grad(grad(f), { argnums: 1 }),
  "grad of jvp": (f) => grad(pushed(f, [null, wide(2)])),
  "grad of a pushforward": (f) => (a, b) =>
    grad((t: Tensor) => linearize((b: Tensor) => f(a, b), b)[1](t) as Tensor)(b),
  "jit of grad of a pushforward": (f) =>
    jit((a, b) => grad((t: Tensor) => linearize(f, a, b)[1](t, null) as Tensor)(b)),
  "jvp of grad": (f) => pushed(grad(f), [null, wide(2)]),
};

/**
 * Compares derivatives of `f` in contexts with those of `g`: for every `stride`th of all pairs, with a
 * different choice for each `turn`.
 */
function checkAlike(f: Pair, g: Pair, turn = 0, stride = 1): void {
  const [a, b] = [wide(0.7), wide(-1.3)];
  const check = (derivatives: typeof forward, wrappers: typeof contexts) => {
    Object.entries(derivatives).forEach(([name, derive], i) => {
      const expected = derive(g)(a, b);
      Object.entries(wrappers).forEach(([context, wrap], k) => {
        if ((i + k + turn) % stride !== 0) return;
        try {
          assertTensorsClose(derive(wrap(f))(a, b), expected, { rtol: 1e-12 });
        } catch (error) {
          const message = error instanceof Error ? error.message : error;
          throw new Error(`${name} of ${context}: ${message}`, { cause: error });
        }
      });
    });
  };
  check({ ...forward, ...reverse }, contexts);
  check(forward, loops);
}

const sum = jit((x: Tensor, y: Tensor, scale: Tensor) => x.add(y.mul(scale)));

/** Rules of `plain` that compute with zeros: the zeros of missing tangents, or their own. */
const tangents: Readonly<
  Record<string, (a: Tensor, b: Tensor, da: Tensor, db: Tensor) => Tensor>
> = {
  "a sum of products": (a, b, da, db) => alongA(a, b, da).add(alongB(a, b, db)),
  "a difference": (a, b, da, db) => alongA(a, b, da).sub(alongB(a.neg(), b, db)),
  "a quotient": (a, b, da, db) => alongA(a, b, da).add(db.div(a.reciprocal())),
  "a matrix product": (a, b, da, db) => stack([da, db]).matmul(stack([b.add(a.cos()), a])),
  "the last of a list": (a, b, da, db) =>
    concatenate([stack([db, alongA(a, b, da)]), first(alongB(a, b, db))]).at([1, 3]).sum(),
  "a choice": (a, b, da, db) =>
    where(a.greater(-9), alongA(a, b, da), db).add(where(a.less(-9), da, alongB(a, b, db))),
  "zeros that the rule makes": (a, b, da, db) =>
    alongA(a, b, da).add(alongB(a, b, db)).add(zerosLike(a).mul(b)).sub(b.mul(0)),
  "zeros of another shape and dtype": (a, b, da, db) =>
    alongA(a, b, da).add(alongB(a, b, db))
      .add(broadcastTo(zeros([], { dtype: "float32" }), [3]).astype("float64").mul(b).sum()),
  "functions that are zero at zero": (a, b, da, db) => {
    const zero = zerosLike(a).abs().add(b.mul(0).sin()).add(zerosLike(b).sqrt().square());
    return alongA(a, b, da).add(alongB(a, b, db)).add(zero.maximum(zerosLike(a)));
  },
  "a function under jit": (a, b, da, db) => sum(alongA(a, b, da), db, a),
  "zeros to a function under jit": (a, b, da, db) => sum(sum(alongA(a, b, da), db, a), b.mul(0), a),
  "checkpoint": (a, b, da, db) =>
    checkpoint((x: Tensor, y: Tensor) => x.add(y.mul(a)))(alongA(a, b, da), db),
  "a branch": (a, b, da, db) =>
    cond(
      a.greater(-9),
      (x: Tensor, y: Tensor, z: Tensor) => x.add(y.mul(a)).add(z.mul(a)),
      (x: Tensor, y: Tensor, _: Tensor) => x.sub(y),
      alongA(a, b, da),
      db,
      zerosLike(b),
    ),
  "a loop": (a, b, da, db) =>
    foriLoop(
      0,
      2,
      (_, [x, y, z]: [Tensor, Tensor, Tensor]): [Tensor, Tensor, Tensor] => [
        x.add(y.mul(a).mul(0.5)).add(z),
        y,
        z.mul(a),
      ],
      [alongA(a, b, da), db, b.mul(0)] as [Tensor, Tensor, Tensor],
    )[0],
  "a loop with a bound": (a, b, da, db) =>
    whileLoop(
      ([i]) => i.less(2),
      ([i, x, y]) => [i.add(1), x.add(y.mul(a)).add(alongB(a, b, db).mul(0.5)), y.mul(a)],
      [count(0), alongA(a, b, da), b.mul(0)],
      { maxSteps: 5 },
    )[1],
  "a loop with a bound, from zero": (a, b, da, db) =>
    whileLoop(
      ([i]) => i.less(2),
      ([i, x]) => [
        i.add(1),
        x.add(alongA(a, b, da).mul(0.5)).add(alongB(a, b, db).mul(0.5)),
      ],
      [count(0), zerosLike(a)],
      { maxSteps: 5 },
    )[1],
  "a sequence": (a, b, da, db) =>
    scan(
      (x: Tensor, [y, z]: [Tensor, Tensor]): [Tensor, Tensor] => [x.add(y), x.add(z.mul(a))],
      alongA(a, b, da),
      [stack([alongB(a, b, db), zerosLike(db)]), zeros([2], { dtype: "float64" })] as [
        Tensor,
        Tensor,
      ],
    )[1].at(1),
  "a loop of unknown length, over zeros": (a, b, da, db) =>
    alongA(a, b, da).add(alongB(a, b, db)).add(
      whileLoop(
        ([i]: [Tensor, Tensor]) => i.less(2),
        ([i, z]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), z.mul(0.5)],
        [count(0), zerosLike(b)] as [Tensor, Tensor],
      )[1],
    ),
  "vmap": (a, b, da, db) =>
    vmap((x: Tensor, y: Tensor) => x.add(y.mul(a)), [0, null])(first(alongA(a, b, da)), db).at(0),
  "a function with a rule": (a, b, da, db) =>
    product(b, da).add(product(da, a.cos())).add(product(a, db)),
  "jvp": (a, b, da, db) => jvp(plain, [a, b], [da, db])[1],
  "linearize": (a, b, da, db) => linearize(plain, a, b)[1](da, db),
};

/** A product with its own rules. */
const product: Pair = customJvp(
  (a: Tensor, b: Tensor) => a.mul(b),
  ([a, b], [da, db]) => [product(a, b), product(a, db).add(product(da, b))],
);

Deno.test("an argument that does not move has a tangent of zero, at every nesting", () => {
  checkAlike(product, (a, b) => a.mul(b), 0, 2);
});

Object.entries(tangents).forEach(([name, tangent], turn) => {
  Deno.test(`customJvp takes zeros for zeros: ${name}`, () => {
    const f: Pair = customJvp(
      (a: Tensor, b: Tensor) => plain(a, b),
      ([a, b], [da, db]) => [plain(a, b), tangent(a, b, da, db)],
    );
    checkAlike(f, plain, turn, 13);
  });
});

/** Backward rules of `plain` and of a sine, which compute with zeros. */
const cotangents: Readonly<
  Record<string, (a: Tensor, b: Tensor, ct: Tensor, other: Tensor) => (Tensor | null)[]>
> = {
  "the cotangent of a result that nobody uses": (a, b, ct, other) => [
    ct.mul(b.add(a.cos())),
    ct.mul(a).add(other.mul(b.cos())),
  ],
  "vjp of the function": (a, b, ct, other) =>
    vjp((a: Tensor, b: Tensor) => [plain(a, b), b.sin()], a, b)[1]([ct, other]),
  "zeros that the rule makes": (a, b, ct, other) => [
    ct.mul(b.add(a.cos())).add(zerosLike(ct).mul(b)).add(b.mul(0)),
    ct.mul(a).sub(broadcastTo(b.mul(0), [2]).mul(a).sum()).add(other.mul(b.cos())),
  ],
  "zeros to a function under jit": (a, b, ct, other) => [
    sum(ct.mul(b.add(a.cos())), b.mul(0), a),
    sum(ct.mul(a), other, b.cos()),
  ],
  "a branch": (a, b, ct, other) =>
    cond(
      a.greater(-9),
      (
        x: Tensor,
        y: Tensor,
        z: Tensor,
      ) => [x.mul(b.add(a.cos())), x.mul(a).add(y.mul(b.cos())).add(z.mul(a))],
      (x: Tensor, y: Tensor, _: Tensor) => [x, y],
      ct,
      other,
      zerosLike(b),
    ),
  "a loop": (a, b, ct, other) =>
    scan(
      ([x, y]: [Tensor, Tensor], z: Tensor): [[Tensor, Tensor], null] => [
        [x.mul(b.add(a.cos())), y.add(x.mul(a)).add(other.mul(b.cos())).add(z.mul(a))],
        null,
      ],
      [ct, zerosLike(ct)] as [Tensor, Tensor],
      zeros([1], { dtype: "float64" }),
    )[0],
};

Object.entries(cotangents).forEach(([name, pull], turn) => {
  Deno.test(`customVjp takes zeros for zeros: ${name}`, () => {
    const f = customVjp(
      (a: Tensor, b: Tensor) => [plain(a, b), b.sin(), count(3)],
      (a, b) => [[plain(a, b), b.sin(), count(3)], [a, b]],
      ([a, b], [ct, other, none]) => {
        assertEquals(none, null);
        return pull(a, b, ct, other);
      },
    );
    checkAlike((a, b) => f(a, b)[0], plain, turn, 11);
    checkAlike((a, b) => f(a, b)[1], (a, b) => a.mul(0).add(b.sin()), turn, 13);
  });
});

Deno.test("what does not move costs a rule nothing", () => {
  const derivative = (f: Pair) => String(makeProgram(grad(f))(wide(0.7), wide(2)));
  const f: Pair = customJvp(
    (a: Tensor, b: Tensor) => a.mul(b),
    ([a, b], [da, db]) => [a.mul(b), a.mul(db).add(da.mul(b))],
  );
  assertEquals(derivative(f), derivative((a, b) => a.mul(b)));
  assertEquals(
    String(makeProgram((a: Tensor, b: Tensor) => jvp(f, [a, b], [null, 1])[1])(1, 2)),
    String(
      makeProgram((a: Tensor, b: Tensor) => jvp((a, b) => a.mul(b), [a, b], [null, 1])[1])(1, 2),
    ),
  );
});

Deno.test("zero times infinity reaches no derivative by an argument that does not move", () => {
  const [a, b] = [wide(Infinity), wide(2)];
  const made: Pair = customJvp(
    (a: Tensor, b: Tensor) => a.mul(b),
    ([a, b], [da]) => [a.mul(b), a.mul(zerosLike(b)).add(da.mul(b))],
  );
  for (const wrap of Object.values(contexts)) {
    assertTensorsClose(grad(wrap(product))(a, b), b);
    assertTensorsClose(jit(grad(wrap(product)))(a, b), b);
    assertTensorsClose(jvp(wrap(product), [a, b], [1, null])[1], b);
    assertTensorsClose(grad(wrap(made))(a, b), b);
    assertTensorsClose(jit(grad(wrap(made)))(a, b), b);
  }
});

Deno.test("a rule may read a tangent that is missing, and decide by it", () => {
  const seen: unknown[] = [];
  const f: Pair = customJvp(
    (a: Tensor, b: Tensor) => a.mul(b),
    ([a, b], [da, db]) => {
      seen.push([String(db), db.item(), db.equal(0).item(), db.add(1).item()]);
      return [a.mul(b), db.item() === 0 ? da.mul(b) : da.mul(b).add(a.mul(db))];
    },
  );
  assertTensorsClose(grad(f)(wide(3), wide(2)), wide(2));
  assertTensorsClose(jvp(f, [wide(3), wide(2)], [wide(1), null])[1], wide(2));
  const expected = ["tensor(0., dtype=float64)", 0, true, 1];
  assertEquals(seen, [expected, expected]);
});

Deno.test("a rule whose tangent is computed as zero has none", () => {
  const f = customJvp(
    (a: Tensor, b: Tensor) => [a.mul(b), b],
    ([a, b], [da, db]) => [[a.mul(b), b], [da.mul(b), db.mul(a).add(zerosLike(b))]],
  );
  const byFirst = (a: Tensor) => f(a, wide(2))[1].add(a);
  for (const g of [byFirst, jit(byFirst), checkpoint(byFirst)]) {
    assertTensorsClose(grad(g)(wide(3)), wide(1));
    assertTensorsClose(jit(grad(g))(wide(3)), wide(1));
    assertTensorsClose(vmap(grad(g))(wide([3])), wide([1]));
    assertTensorsClose(jacfwd(g)(wide(3)) as Tensor, wide(1));
  }
});

Deno.test("an offset is refused however it is traced, also where a zero is near", () => {
  const rule = (offset: (b: Tensor) => Tensor): Pair =>
    customJvp(
      (a: Tensor, b: Tensor) => a.mul(b),
      ([a, b], [da, db]) => [a.mul(b), da.mul(b).add(a.mul(db)).add(offset(b))],
    );
  const message = "Cannot transpose add of float64[] and float64[]: " +
    "the function is not linear in its arguments";
  const offsets = [
    (b: Tensor) => b,
    (b: Tensor) => b.mul(0).add(b),
    (b: Tensor) => b.mul(0).exp(),
    (b: Tensor) => sum(b, b.mul(0), b),
    (b: Tensor) => cond(b.less(0), (b: Tensor) => b.mul(0), (b: Tensor) => b, b),
    (b: Tensor) => foriLoop(0, 2, (_, z: Tensor) => z.add(b), zerosLike(b)),
  ];
  for (const offset of offsets) {
    for (const g of [rule(offset), jit(rule(offset)), checkpoint(rule(offset))]) {
      assertRefused(() => grad(g)(wide(3), wide(2)), ArgumentError, message);
      assertRefused(() => jit(grad(g))(wide(3), wide(2)), ArgumentError, message);
      assertThrowsLinear(() => vmap(grad(g), [0, null])(wide([3]), wide(2)));
      assertThrowsLinear(() =>
        grad((a: Tensor) => vmap(g, [0, null])(a, wide(2)).sum())(wide([3]))
      );
    }
  }
  const [x, y] = [wide(3), wide(2)];
  assertRefused(
    () => jit((y: Tensor) => linearTranspose((x: Tensor) => x.add(y), x)(x))(y),
    ArgumentError,
    message,
  );
  assertRefused(
    () => linearTranspose((x: Tensor) => x.add(1), x)(x),
    ArgumentError,
    message,
  );
  assertRefused(
    () => linearTranspose((x: Tensor) => sum(x, y, y), x)(x),
    ArgumentError,
    message,
  );
  const shifted = (y: Tensor) => linearTranspose((x: Tensor) => sum(x, y.mul(0), y), x)(x)[0];
  for (const f of [shifted, jit(shifted), vmap(shifted, null, 0, { axisSize: 1 })]) {
    assertTensorsClose(f(y).reshape([]), x);
  }
});

function assertThrowsLinear(f: () => unknown): void {
  try {
    f();
  } catch (error) {
    assert(error instanceof ArgumentError, String(error));
    assert(error.message.endsWith("the function is not linear in its arguments"), error.message);
    return;
  }
  throw new Error("It was not refused");
}

Deno.test("customRoot: an equation that does not move", () => {
  // x² = a, y³ = b.
  const roots = (a: Tensor, b: Tensor) =>
    customRoot(
      ([x, y]: [Tensor, Tensor]) => [x.square().sub(a), y.pow(3).sub(b)] as [Tensor, Tensor],
      [wide(1), wide(1)] as [Tensor, Tensor],
      (f, guess) =>
        foriLoop(0, 40, (_, [x, y]: [Tensor, Tensor]): [Tensor, Tensor] => {
          const [u, v] = f([x, y]);
          return [x.sub(u.div(x.mul(2))), y.sub(v.div(y.square().mul(3)))];
        }, guess),
      (g, [u, v]) => {
        // The system is diagonal.
        const [p, q] = g([wide(1), wide(1)] as [Tensor, Tensor]);
        return [u.div(p), v.div(q)] as [Tensor, Tensor];
      },
    );
  const f: Pair = (a, b) => {
    const [x, y] = roots(a.add(2), b.add(4));
    return x.mul(y);
  };
  checkAlike(f, (a, b) => a.add(2).sqrt().mul(b.add(4).pow(1 / 3)), 0, 4);
});

Deno.test("customLinearSolve: an equation that does not move", () => {
  type Two = [Tensor, Tensor];
  const solve = (d: Tensor, b: Tensor, isSymmetric: boolean): Two =>
    customLinearSolve(
      ([x, y]: Two): Two => [x.mul(d), y.mul(2)],
      [b, wide(3)] as Two,
      (matvec, [u, v]) => {
        const [p, q] = matvec([wide(1), wide(1)]);
        return [u.div(p), v.div(q)] as Two;
      },
      isSymmetric ? { symmetric: true } : {
        transposeSolve: (vecmat, [u, v]) => {
          const [p, q] = vecmat([wide(1), wide(1)]);
          return [u.div(p), v.div(q)] as Two;
        },
      },
    );
  for (const isSymmetric of [true, false]) {
    const f: Pair = (a, b) => {
      const [x, y] = solve(a, b, isSymmetric);
      return x.mul(y).add(y);
    };
    checkAlike(f, (a, b) => b.div(a).mul(1.5).add(1.5), 0, 3);
  }
});

Deno.test("null stands for a subtree of tangents and cotangents", () => {
  interface Params {
    readonly w: readonly [Tensor, { readonly n: Tensor; readonly v: Tensor }];
    readonly b: Tensor;
  }
  const p: Params = { w: [wide(2), { n: count(1), v: wide(5) }], b: wide(3) };
  const f = ({ w: [u, { v }], b }: Params) => ({ y: [u.mul(v), [v.mul(b), u]], z: b });
  const [, pullback] = vjp(f, p);
  const [first] = pullback({ y: [wide(1), null], z: wide(2) });
  assertTensorsClose([first.w[0], first.w[1].v, first.b], [wide(5), wide(2), wide(2)]);
  assertEquals(first.w[1].n, null);
  const [none] = pullback({ y: null, z: null });
  assertTensorsClose([none.w[0], none.w[1].v, none.b], [wide(0), wide(0), wide(0)]);
  assertTensorsClose(pullback(null)[0].b, wide(0));
  const tangent = { w: [wide(1), null], b: wide(1) };
  for (const out of [jvp(f, [p], [tangent])[1], linearize(f, p)[1](tangent)]) {
    assertTensorsClose([out.y[0], (out.y as unknown as [Tensor, [Tensor, Tensor]])[1][0], out.z], [
      wide(5),
      wide(5),
      wide(1),
    ]);
  }
  const g = ({ u, v }: { u: Tensor; v: Tensor[] }) => [u.mul(2), [v[0].mul(3)]];
  const [ct] = linearTranspose(g, { u: wide(0), v: [wide(0)] })([wide(1), null]);
  assertTensorsClose([ct.u, ct.v[0]], [wide(2), wide(0)]);
  const h = customJvp(f, ([p], [dp]) => [f(p), { y: null, z: dp.b.mul(7) }]);
  assertTensorsClose(grad((b: Tensor) => h({ ...p, b }).z)(wide(1)), wide(7));
  const k = customVjp(f, (p: Params) => [f(p), null], (_, { z }) => [{ w: null, b: z.mul(9) }]);
  assertTensorsClose(
    grad((p: { b: Tensor }) => k({ w: [wide(2), { n: count(1), v: wide(5) }], ...p }).z)({
      b: wide(1),
    }).b,
    wide(9),
  );
});

Deno.test("rules may push and pull through loops, calls, branches and checkpoints", () => {
  const values: Pair = (x, y) => x.sin().mul(y.add(x));
  for (const [name, wrap] of Object.entries(contexts)) {
    const f = wrap(values);
    const pushing: Pair = customJvp(f, ([x, y], [dx, dy]) => jvp(f, [x, y], [dx, dy]));
    const pulling: Pair = customVjp(
      f,
      (x: Tensor, y: Tensor) => [f(x, y), [x, y]],
      ([x, y], ct) => vjp(f, x, y)[1](ct),
    );
    checkAlike(pushing, values, name.length, 13);
    checkAlike(pulling, values, name.length, 13);
  }
  const looped: Pair = (x, y) =>
    whileLoop(
      ([i]: [Tensor, Tensor]) => i.less(1),
      ([i, z]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), values(z, y)],
      [count(0), x] as [Tensor, Tensor],
    )[1];
  const known: Pair = customJvp(
    looped,
    ([x, y], [dx, dy]) => [known(x, y), jvp(values, [x, y], [dx, dy])[1]],
  );
  checkAlike(known, values, 0, 7);
});

Deno.test("what a rule does with primals acts once, also beside tangents", () => {
  const seen: number[] = [];
  const f = (x: Tensor): Tensor =>
    foriLoop(0, 2, (_, z: Tensor) => {
      debugCallback((z: Tensor) => void seen.push(z.item()), z);
      return z.mul(2);
    }, x);
  const g = customJvp(f, ([x], [dx]) => jvp(f, [x], [dx]));
  assertTensorsClose(grad(g)(wide(3)), wide(4));
  assertEquals(seen, [3, 6]);
});

Deno.test("a cotangent goes to an argument that a switch has in several places", () => {
  const total = (x: Tensor, i: Tensor): Tensor => {
    const y = switchCase(
      i,
      [
        (a: Tensor, _b: Tensor) => a,
        (_a: Tensor, b: Tensor) => dynamicSlice(b, [i.mul(0)], [1]).mul(ones([3])),
      ],
      x,
      x,
    );
    return y.mul(2).sum().add(x.square().sum());
  };
  const x = tensor([1, 2, 3]);
  assertTensorsClose(grad(total)(x, tensor(0, { dtype: "int32" })), [4, 6, 8]);
  assertTensorsClose(grad(total)(x, tensor(1, { dtype: "int32" })), [8, 4, 6]);
});

import {
  ArgumentError,
  DtypeError,
  eye,
  grad,
  hessian,
  jacfwd,
  jit,
  jvp,
  linalg,
  matmul,
  onesLike,
  scan,
  ShapeError,
  stopGradient,
  tensor,
  TraceError,
  TreeError,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { checkLaws } from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { between, fromValues, makeRandom } from "../laws/values.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const { customLinearSolve, customRoot } = linalg;

type Map = (x: Tensor) => Tensor;

const wide = (value: number | number[] | number[][]): Tensor => tensor(value, { dtype: "float64" });

/** Newton's method for a function, applied to each element separately. */
function newtonStep(f: Map, x: Tensor): Tensor {
  const [y, slope] = jvp(f, [x], [onesLike(x)]) as [Tensor, Tensor];
  return x.sub(y.div(slope));
}

function newton(f: Map, guess: Tensor): Tensor {
  return whileLoop((x) => f(x).abs().max().greater(1e-13), (x) => newtonStep(f, x), guess);
}

function newtonInPlainLoop(f: Map, guess: Tensor): Tensor {
  let x = guess;
  while (f(x).abs().max().item() > 1e-13) x = newtonStep(f, x);
  return x;
}

const divide = (g: Map, y: Tensor): Tensor => y.div(g(onesLike(y)));

interface Search {
  readonly x: Tensor;
  readonly residual: Tensor;
  readonly direction: Tensor;
  readonly square: Tensor;
}

function begin(b: Tensor): Search {
  return { x: b.mul(0), residual: b, direction: b, square: b.square().sum() };
}

function advance(product: Map, { x, residual, direction, square }: Search): Search {
  const image = product(direction);
  const length = square.div(direction.mul(image).sum());
  const rest = residual.sub(image.mul(length));
  const next = rest.square().sum();
  return {
    x: x.add(direction.mul(length)),
    residual: rest,
    direction: rest.add(direction.mul(next.div(square))),
    square: next,
  };
}

/** Conjugate gradients, for symmetric positive definite matrices (Hestenes and Stiefel, 1952). */
function conjugateGradients(product: Map, b: Tensor): Tensor {
  return whileLoop(
    ({ square }: Search) => square.greater(1e-26),
    (search: Search) => advance(product, search),
    begin(b),
  ).x;
}

function conjugateGradientsInPlainLoop(product: Map, b: Tensor): Tensor {
  let search = begin(b);
  while (search.square.item() > 1e-26) search = advance(product, search);
  return search.x;
}

function checkAll(f: Flat, make: Maker, law: string, seed: number): void {
  checkLaws(f, make, makeRandom(seed), 1e-10, law);
}

const positive = between(0.5, 2);
const makeWith = (...shapes: number[][]): Maker => (source) =>
  shapes.map((shape) =>
    fromValues(positive(source, shape.reduce((n, size) => n * size, 1)), "float64", shape)
  );

/** The real root of x³ + p x = q. */
const cubic = (solve: typeof newton) => (p: Tensor, q: Tensor): Tensor =>
  customRoot((x: Tensor) => x.pow(3).add(p.mul(x)).sub(q), q, solve, divide);

Deno.test("customRoot with Newton's method obeys every law", () => {
  checkAll(([p, q]) => [cubic(newton)(p, q)], makeWith([3], [3]), "customRoot", 31);
});

Deno.test("customRoot of a coupled system obeys every law", () => {
  const f: Flat = ([a, b]) => {
    const matrix = a.add(eye(2, { dtype: "float64" }).mul(4));
    const image: Map = (x) => matmul(matrix, x).add(x.square().mul(0.1)).sub(b);
    return [
      customRoot(image, b.div(5), (f, guess) =>
        whileLoop(
          (x) => f(x).abs().max().greater(1e-13),
          (x) => x.sub(linalg.solve(jacfwd(f)(x) as Tensor, f(x))),
          guess,
        ), (g, y) => linalg.solve(jacfwd(g)(y) as Tensor, y)),
    ];
  };
  checkAll(f, makeWith([2, 2], [2]), "customRoot of a system", 32);
});

const spd = (a: Tensor): Tensor =>
  matmul(a, a.transpose()).add(eye(a.shape[0], { dtype: "float64" }).mul(3));

Deno.test("customLinearSolve with conjugate gradients obeys every law", () => {
  const f: Flat = ([a, b]) => [
    customLinearSolve((x: Tensor) => matmul(spd(a), x), b, conjugateGradients, {
      symmetric: true,
    }),
  ];
  checkAll(f, makeWith([3, 3], [3]), "customLinearSolve", 33);
});

Deno.test("customLinearSolve by solvers that close over the matrix obeys every law", () => {
  const f: Flat = ([a, b]) => {
    const matrix = a.add(eye(2, { dtype: "float64" }).mul(3));
    return [
      customLinearSolve(
        (x: Tensor) => matmul(matrix, x),
        b,
        (_, b) => linalg.solve(matrix, b),
        { transposeSolve: (_, b) => linalg.solve(matrix.transpose(), b) },
      ),
    ];
  };
  checkAll(f, makeWith([2, 2], [2]), "customLinearSolve with transposeSolve", 34);
});

Deno.test("a root by customLinearSolve within tangentSolve obeys every law", () => {
  const f: Flat = ([a, b]) => {
    const gradient: Map = (x) => matmul(spd(a), x).add(x.pow(3)).sub(b);
    return [
      customRoot(
        gradient,
        b.mul(0),
        (f, guess) =>
          whileLoop(
            (x) => f(x).abs().max().greater(1e-12),
            (x) => x.sub(conjugateGradients((v) => jvp(f, [x], [v])[1] as Tensor, f(x))),
            guess,
          ),
        (g, y) => customLinearSolve(g, y, conjugateGradients, { symmetric: true }),
      ),
    ];
  };
  checkAll(f, makeWith([2, 2], [2]), "an inner optimisation", 35);
});

Deno.test("Newton's method in a plain loop: derivatives of any order, by the root alone", () => {
  const root: Map = (a) =>
    customRoot((x: Tensor) => x.pow(3).sub(a), wide(1), newtonInPlainLoop, divide);
  const eight = wide(8);
  assertTensorsClose(root(eight), wide(2), { rtol: 1e-12 });
  assertTensorsClose(grad(root)(eight), wide(1 / 12), { rtol: 1e-12 });
  assertTensorsClose(jvp(root, [eight], [wide(1)])[1], wide(1 / 12), { rtol: 1e-12 });
  assertTensorsClose(grad(grad(root))(eight), wide(-2 / 9 * 8 ** (-5 / 3)), { rtol: 1e-12 });
  assertTensorsClose(grad(grad(grad(root)))(eight), wide(10 / 27 * 8 ** (-8 / 3)), {
    rtol: 1e-12,
  });
  assertTensorsClose(jvp(grad(root), [eight], [wide(1)])[1], wide(-2 / 9 * 8 ** (-5 / 3)), {
    rtol: 1e-12,
  });
  assertTensorsClose(jit(() => root(eight))(), wide(2), { rtol: 1e-12 });
  const message =
    "Cannot read the item of float64[] while customRoot traces it: its value is not " +
    "known yet; choose between values with where, and between computations with cond or whileLoop";
  assertRefused(() => jit(root)(eight), TraceError, message);
  assertRefused(() => vmap(root)(wide([1, 8])), TraceError, message);
});

Deno.test("conjugate gradients in a plain loop: derivatives in both modes and of both orders", () => {
  const [a, b] = [wide([[1, 2], [0.5, 1]]), wide([1, 2])];
  const energy = (solve: typeof conjugateGradients) => (a: Tensor, b: Tensor): Tensor =>
    customLinearSolve((x: Tensor) => matmul(spd(a), x), b, solve, { symmetric: true }).mul(b).sum();
  const plain = energy(conjugateGradientsInPlainLoop);
  const loop = energy(conjugateGradients);
  assertTensorsClose(plain(a, b), loop(a, b), { rtol: 1e-12 });
  assertTensorsClose(grad(plain)(a, b), grad(loop)(a, b), { rtol: 1e-10 });
  const along = (f: typeof plain) => jvp(f, [a, b], [a, b])[1];
  assertTensorsClose(along(plain), along(loop), { rtol: 1e-10 });
  const curved = (f: typeof plain) =>
    grad((x: Tensor) => (grad(f)(x, b) as Tensor).square().sum())(a);
  assertTensorsClose(curved(plain), curved(loop), { rtol: 1e-10 });
  assertTensorsClose(jit(grad(loop))(a, b), grad(loop)(a, b), { rtol: 1e-10 });
  assertRefused(
    () => jit(plain)(a, b),
    TraceError,
    "Cannot read the item of float64[] while customLinearSolve traces it: its value is not known " +
      "yet; choose between values with where, and between computations with cond or whileLoop",
  );
});

Deno.test("the steps of a solver are not differentiated, and run once for each system", () => {
  let solves = 0;
  const counting = (product: Map, b: Tensor): Tensor => {
    solves++;
    return stopGradient(conjugateGradientsInPlainLoop(product, stopGradient(b)));
  };
  const [a, b] = [wide([[1, 2], [0.5, 1]]), wide([1, 2])];
  const f = (solve: typeof counting) => (a: Tensor) =>
    customLinearSolve((x: Tensor) => matmul(spd(a), x), b, solve, { symmetric: true }).sum();
  f(counting)(a);
  assertEquals(solves, 1);
  const gradient = grad(f(counting))(a);
  // The first of these is from the attempt to trace it.
  assertEquals(solves, 1 + 3);
  assertTensorsClose(gradient, grad(f(conjugateGradients))(a), { rtol: 1e-10 });
});

Deno.test("derivatives do not depend on the steps to a root: unrolled ones agree in the limit", () => {
  const implicit: Map = (a) =>
    customRoot((x: Tensor) => x.pow(3).sub(a), onesLike(a), newton, divide);
  const unrolled: Map = (a) => {
    let x = onesLike(a);
    for (let i = 0; i < 12; i++) x = newtonStep((x) => x.pow(3).sub(a), x);
    return x;
  };
  const a = wide([0.5, 2, 8]);
  const total = (f: Map) => (a: Tensor) => f(a).sum();
  assertTensorsClose(grad(total(implicit))(a), grad(total(unrolled))(a), { rtol: 1e-10 });
  assertTensorsClose(hessian(total(implicit))(a), hessian(total(unrolled))(a), {
    rtol: 1e-8,
    atol: 1e-10,
  });
});

Deno.test("roots and solutions of trees", () => {
  interface Point {
    readonly u: Tensor;
    readonly v: readonly [Tensor];
  }
  // u + v = s and u - v = d, elementwise.
  const product = ({ u, v: [v] }: Point): Point => ({ u: u.add(v), v: [u.sub(v)] });
  const halve = (_: unknown, { u: s, v: [d] }: Point): Point => ({
    u: s.add(d).div(2),
    v: [s.sub(d).div(2)],
  });
  const solved = (s: Tensor, d: Tensor) =>
    customLinearSolve(product, { u: s, v: [d] } as Point, halve, { transposeSolve: halve });
  const rooted = (s: Tensor, d: Tensor) =>
    customRoot(
      (x: Point) => {
        const { u, v: [v] } = product(x);
        return { u: u.sub(s), v: [v.sub(d)] } as Point;
      },
      { u: s, v: [s] } as Point,
      () => halve(null, { u: s, v: [d] }),
      halve,
    );
  const [s, d] = [wide([5, 7]), wide([1, 2])];
  for (const f of [solved, rooted]) {
    const { u, v: [v] } = f(s, d);
    assertTensorsClose(u, wide([3, 4.5]));
    assertTensorsClose(v, wide([2, 2.5]));
    const g = grad((s: Tensor, d: Tensor) => f(s, d).u.mul(f(s, d).v[0]).sum(), {
      argnums: [0, 1],
    });
    const expected = [s.div(2), d.div(-2)];
    assertTensorsClose(g(s, d), expected);
    assertTensorsClose(jit(g)(s, d), expected);
  }
});

Deno.test("roots within scan and under every nesting of jit and grad", () => {
  const root: Map = (a) => customRoot((x: Tensor) => x.square().sub(a), wide(1), newton, divide);
  const sum = (a: Tensor) =>
    scan((total: Tensor, x: Tensor): [Tensor, null] => [total.add(root(x)), null], wide(0), a)[0];
  const a = wide([1, 4, 9]);
  const expected = wide([1 / 2, 1 / 4, 1 / 6]);
  assertTensorsClose(sum(a), wide(6), { rtol: 1e-12 });
  assertTensorsClose(grad(sum)(a), expected, { rtol: 1e-12 });
  assertTensorsClose(jit(grad(jit(sum)))(a), expected, { rtol: 1e-12 });
  assertTensorsClose(vmap(grad(root) as Map)(a), expected, { rtol: 1e-12 });
  const second = wide([-1 / 4, -1 / 32, -1 / 108]);
  assertTensorsClose(jit(vmap(grad(jit(grad(root) as Map)) as Map))(a), second, { rtol: 1e-12 });
  assertTensorsClose(jvp(grad(sum), [a], [wide([1, 1, 1])])[1], second, { rtol: 1e-12 });
});

Deno.test("a number as the first guess takes the dtype that the function gives it", () => {
  const root = (a: Tensor) => customRoot((x: Tensor) => x.square().sub(a), 1, newton, divide);
  const narrow = (a: Tensor) =>
    customRoot(
      (x: Tensor) => x.square().sub(a),
      1,
      (f, x) => newtonStep(f, newtonStep(f, newtonStep(f, newtonStep(f, x)))),
      divide,
    );
  assertEquals(root(wide(4)).dtype, "float64");
  assertEquals((grad(root)(wide(4)) as Tensor).dtype, "float64");
  assertEquals(narrow(tensor(2)).dtype, "float32");
  assertTensorsClose(grad(narrow)(tensor(4)), 0.25);
});

Deno.test("a solver's own values from outside have no derivative, and may be traced", () => {
  const f = (a: Tensor, guess: Tensor) =>
    customLinearSolve(
      (x: Tensor) => x.mul(a),
      wide(6),
      (_, b) => b.div(a).add(guess.mul(0)),
      { symmetric: true },
    );
  const g = grad(f, { argnums: [0, 1] });
  const expected = [wide(-1.5), wide(0)];
  assertTensorsClose(g(wide(2), wide(1)), expected);
  assertTensorsClose(jit(g)(wide(2), wide(1)), expected);
  const root = (a: Tensor, tolerance: Tensor) =>
    customRoot(
      (x: Tensor) => x.square().sub(a),
      wide(1),
      (f, guess) => whileLoop((x) => f(x).abs().greater(tolerance), (x) => newtonStep(f, x), guess),
      divide,
    );
  const h = grad(root, { argnums: [0, 1] });
  assertTensorsClose(h(wide(4), wide(1e-13)), [wide(0.25), wide(0)]);
  assertTensorsClose(jit(h)(wide(4), wide(1e-13)), [wide(0.25), wide(0)]);
  const batch = vmap(root, [null, 0])(wide(4), wide([1e-13, 10]));
  assertTensorsClose(batch, wide([2, 1]));
});

Deno.test("reverse mode without a way to solve the transposed system is refused, forward is not", () => {
  const f = (a: Tensor) => customLinearSolve((x: Tensor) => x.mul(a), wide(6), (_, b) => b.div(a));
  assertTensorsClose(jvp(f, [wide(2)], [wide(1)])[1], wide(-1.5));
  const message = "Cannot differentiate customLinearSolve in reverse mode without a way to solve " +
    "the transposed system: pass transposeSolve, or symmetric: true where the matrix is";
  assertRefused(() => grad(f)(wide(2)), ArgumentError, message);
  assertRefused(() => jit(grad(f))(wide(2)), ArgumentError, message);
});

Deno.test("programs hold a solve as one equation", () => {
  let traced = 0;
  const f = jit((a: Tensor, b: Tensor) => {
    traced++;
    return customLinearSolve((x: Tensor) => matmul(a, x), b, (_, b) => linalg.solve(a, b), {
      symmetric: true,
    });
  });
  const [a, b] = [wide([[2, 1], [1, 2]]), wide([3, 3])];
  assertTensorsClose(f(a, b), wide([1, 1]));
  assertTensorsClose(f(a.mul(3), b.mul(3)), wide([1, 1]));
  assertEquals(traced, 1);
});

Deno.test("customRoot says what does not fit", () => {
  // deno-lint-ignore no-explicit-any
  const unchecked = customRoot as any;
  const [f, guess] = [(x: Tensor) => x.sub(1), tensor([1, 2])];
  const solve = (_: Map, x: Tensor) => x;
  const refuse = (args: unknown[], type: typeof TreeError, message: string) =>
    assertRefused(() => unchecked(...args), type, message);
  refuse(
    [1, guess, solve, divide],
    ArgumentError,
    "Cannot apply customRoot to 1: expected a function",
  );
  refuse(
    [f, guess, null, divide],
    ArgumentError,
    "Cannot apply customRoot: solve must be a function, got null",
  );
  refuse(
    [f, guess, solve],
    ArgumentError,
    "Cannot apply customRoot: tangentSolve must be a function, got undefined",
  );
  refuse(
    [f, tensor([1, 2], { dtype: "int32" }), solve, divide],
    DtypeError,
    "Cannot apply customRoot from this guess: int32[2] at the root is not floating-point; " +
      "convert it with astype",
  );
  refuse(
    [(x: Tensor) => x.sum(), guess, solve, divide],
    ShapeError,
    "Cannot apply customRoot to this function: it must be like the guess; " +
      "expected float32[2], got float32[]",
  );
  refuse(
    [(x: Tensor) => [x], guess, solve, divide],
    TreeError,
    "Cannot apply customRoot to this function: it must be like the guess; " +
      "expected a leaf at the root, got an array of 1",
  );
  refuse(
    [f, guess, () => tensor(1), divide],
    ShapeError,
    "Cannot use what customRoot's solve returned: it must be like the guess; " +
      "expected float32[2], got float32[]",
  );
  assertRefused(
    () =>
      grad((a: Tensor) =>
        customRoot((x: Tensor) => x.sub(a), guess, () => a, () => wide([1, 2])).sum()
      )(guess),
    DtypeError,
    "Cannot use what customRoot's tangentSolve returned: it must be like the guess; " +
      "expected float32[2], got float64[2]; convert with astype",
  );
  refuse(
    [f, guess, (f: Map) => f(tensor(1)), divide],
    ShapeError,
    "Cannot call customRoot's function with this argument: expected float32[2] at the root, " +
      "got float32[]",
  );
});

Deno.test("customLinearSolve says what does not fit", () => {
  // deno-lint-ignore no-explicit-any
  const unchecked = customLinearSolve as any;
  const [f, b] = [(x: Tensor) => x.mul(2), tensor([1, 2])];
  const solve = (_: Map, x: Tensor) => x.div(2);
  const refuse = (args: unknown[], type: typeof TreeError, message: string) =>
    assertRefused(() => unchecked(...args), type, message);
  refuse(
    [b, b, solve],
    ArgumentError,
    "Cannot apply customLinearSolve to float32[2]: expected a function; " +
      "pass the function itself, not its result",
  );
  refuse(
    [f, b],
    ArgumentError,
    "Cannot apply customLinearSolve: solve must be a function, got undefined",
  );
  refuse(
    [f, b, solve, { transposeSolve: 1 }],
    ArgumentError,
    "Cannot apply customLinearSolve: transposeSolve must be a function, got 1",
  );
  refuse(
    [f, b, solve, { symmetric: 1 }],
    ArgumentError,
    "Cannot apply customLinearSolve: symmetric must be true or false, got 1",
  );
  refuse(
    [f, b, solve, { symetric: true }],
    ArgumentError,
    'Cannot apply customLinearSolve: there is no option "symetric", ' +
      "the options are transposeSolve, symmetric",
  );
  refuse(
    [f, tensor([true]), solve],
    DtypeError,
    "Cannot apply customLinearSolve to this right-hand side: bool[1] at the root is not " +
      "floating-point; convert it with astype",
  );
  refuse(
    [(x: Tensor) => x.sum(), b, solve],
    ShapeError,
    "Cannot apply customLinearSolve to this matvec: it must be like the right-hand side; " +
      "expected float32[2], got float32[]",
  );
  refuse(
    [f, b, () => [b]],
    TreeError,
    "Cannot use what customLinearSolve's solve returned: it must be like the right-hand side; " +
      "expected a leaf at the root, got an array of 1",
  );
});

Deno.test("matvec must be linear", () => {
  const f = (a: Tensor) =>
    customLinearSolve(
      (x: Tensor) => x.mul(x).mul(a),
      wide(4),
      (_, b) => b.div(a).sqrt(),
      { transposeSolve: (vecmat, b) => vecmat(b) },
    );
  let thrown: unknown;
  try {
    grad(f)(wide(1));
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof ArgumentError);
  assertEquals(
    thrown.message,
    "Cannot transpose mul of float64[] and float64[]: the function is not linear in its arguments",
  );
});

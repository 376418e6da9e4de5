import {
  checkpoint,
  cond,
  debugCallback,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  makeProgram,
  scan,
  stack,
  tensor,
  vjp,
  vmap,
  whileLoop,
} from "../../mod.ts";
import type { NestedArray, Tensor } from "../../mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { installInspector } from "../../src/core/origin.ts";
import { programsIn } from "../../src/core/program.ts";
import type { Program } from "../../src/core/program.ts";
import { assertNear } from "../laws/assertions.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

// A whileLoop with a bound has the values of the plain loop, and its derivatives in every mode.

const f64 = (values: NestedArray | number) => tensor(values, { dtype: "float64" });

type OfTwo = (w: Tensor, x: Tensor) => Tensor;

/** Both policies for saved values. */
const ways = [false, true] as const;

/** Grows until it is large: `x` determines the number of steps. */
function growth(maxSteps: number, checkpoint: boolean): OfTwo {
  return (w, x) =>
    whileLoop((y) => y.less(30), (y) => y.mul(w).add(y.cos()).add(0.5), x, {
      maxSteps,
      checkpoint,
    });
}

/** The same with a JavaScript loop. */
function plainGrowth(maxSteps: number): OfTwo {
  return (w, x) => {
    let y = x;
    for (let k = 0; k < maxSteps && y.item() < 30; k++) y = y.mul(w).add(y.cos()).add(0.5);
    return y;
  };
}

/** Derivatives in all modes, up to the second order. */
const derivatives: Readonly<Record<string, (f: OfTwo) => OfTwo>> = {
  value: (f) => f,
  grad: (f) => grad(f) as OfTwo,
  "grad by the start": (f) => grad(f, { argnums: 1 }) as OfTwo,
  vjp: (f) => (w, x) => (vjp(f, w, x)[1](f64(2)) as Tensor[])[1],
  jacrev: (f) => jacrev(f) as unknown as OfTwo,
  jvp: (f) => (w, x) => jvp(f, [w, x], [f64(1), f64(0.5)])[1] as Tensor,
  linearize: (f) => (w, x) => linearize(f, w, x)[1](1, 0.5) as Tensor,
  hessian: (f) => hessian(f) as unknown as OfTwo,
  "grad of grad": (f) => grad(grad(f) as OfTwo) as OfTwo,
  "grad of a tangent": (f) => grad((w: Tensor, x: Tensor) => jvp(f, [w, x], [f64(1), f64(1)])[1]),
  "forward twice": (f) => jacfwd(jacfwd(f) as unknown as OfTwo) as unknown as OfTwo,
};

Deno.test("a bounded loop has the values and derivatives of the plain loop", () => {
  const w = f64(1.3);
  for (const maxSteps of [0, 1, 5, 17, 300]) {
    const plain = plainGrowth(maxSteps);
    for (const checkpointed of ways) {
      const f = growth(maxSteps, checkpointed);
      for (const [name, derive] of Object.entries(derivatives)) {
        for (const x of [f64(1.1), f64(29), f64(31)]) {
          const law = `${name}, at most ${maxSteps}, checkpoint ${checkpointed}`;
          assertNear([derive(f)(w, x)], [derive(plain)(w, x)], 1e-11, law);
        }
      }
    }
  }
});

Deno.test("compiled bounded loops have the derivatives of the evaluator", () => {
  const [w, x] = [f64(1.3), f64(1.1)];
  for (const [maxSteps, checkpointed] of [[5, false], [40, false], [300, true]] as const) {
    const f = growth(maxSteps, checkpointed);
    for (const name of ["value", "grad", "grad by the start", "hessian", "grad of a tangent"]) {
      const derive = derivatives[name];
      const law = `${name}, at most ${maxSteps}, compiled`;
      assertNear([jit(derive(f))(w, x)], [derive(plainGrowth(maxSteps))(w, x)], 1e-11, law);
      assertNear([derive(jit(f))(w, x)], [derive(plainGrowth(maxSteps))(w, x)], 1e-11, law);
    }
  }
});

Deno.test("examples of a bounded loop take steps of their own", () => {
  const [w, xs] = [f64(1.3), f64([1.1, 29, 31, 5])];
  const each = (f: OfTwo) => stack([0, 1, 2, 3].map((k) => f(w, xs.at(k))));
  for (const checkpointed of ways) {
    const f = growth(20, checkpointed);
    const plain = plainGrowth(20);
    for (const name of ["value", "grad", "jvp", "hessian", "grad of grad"]) {
      const derive = derivatives[name];
      const law = `${name}, checkpoint ${checkpointed}`;
      const expected = each(derive(plain));
      assertNear([vmap(derive(f), [null, 0])(w, xs)], [expected], 1e-11, law);
      if (name !== "grad" && name !== "hessian") continue;
      assertNear([jit(vmap(derive(f), [null, 0]))(w, xs)], [expected], 1e-11, `${law}, compiled`);
      const through = derive((w, xs) => vmap(f, [null, 0])(w, xs).sum());
      assertNear([through(w, xs)], [expected.sum()], 1e-11, `${law}, through the map`);
      assertNear([jit(through)(w, xs)], [expected.sum()], 1e-11, `${law}, through, compiled`);
    }
  }
});

Deno.test("a bounded loop equals the scan that goes on only while it should", () => {
  const w = f64([[0.5, 0.2], [-0.3, 1.4]]);
  const x = f64([0.3, 0.4]);
  const table = f64([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
  type State = [Tensor, Tensor];
  const goes = ([, y]: State) => y.square().sum().less(9);
  const step = (w: Tensor) => ([i, y]: State): State => [
    i.add(1),
    w.matmul(y).add(table.at(i)).mul(1.2),
  ];
  const start = (x: Tensor): State => [tensor(0, { dtype: "int32" }), x];
  const looped = (checkpoint: boolean) => (w: Tensor, x: Tensor) =>
    whileLoop(goes, step(w), start(x), { maxSteps: 6, checkpoint })[1].sin().sum();
  const scanned = (w: Tensor, x: Tensor) =>
    scan(
      (state: State) => [cond(goes(state), step(w), (state: State) => state, state) as State, null],
      start(x),
      null,
      { length: 6 },
    )[0][1].sin().sum();
  const slopes = (f: OfTwo) => grad(f, { argnums: [0, 1] })(w, x) as unknown as Tensor[];
  for (const checkpointed of ways) {
    assertNear(slopes(looped(checkpointed)), slopes(scanned), 1e-13, "gradients");
    assertNear(slopes(jit(looped(checkpointed))), slopes(scanned), 1e-13, "compiled");
    const nested = checkpoint(looped(checkpointed));
    assertNear(slopes(nested), slopes(scanned), 1e-13, "within checkpoint");
  }
});

Deno.test("a bounded loop stops after its last step, and says so by its condition", () => {
  const goes = (x: Tensor) => x.less(100);
  const f = (x: Tensor) => whileLoop(goes, (x: Tensor) => x.mul(2), x, { maxSteps: 3 });
  for (const g of [f, jit(f)]) {
    assertEquals(g(f64(1)).item(), 8);
    assertEquals(goes(g(f64(1))).item<boolean>(), true);
    assertEquals(goes(g(f64(40))).item<boolean>(), false);
  }
});

Deno.test("a bounded loop that is linear in what it carries can be transposed", () => {
  const w = f64([[0.5, 0.2], [-0.3, 1.4]]);
  type State = [Tensor, Tensor];
  for (const checkpointed of ways) {
    const f = (x: Tensor) =>
      whileLoop(
        ([i]: State) => i.less(3),
        ([i, y]: State): State => [i.add(1), w.matmul(y)],
        [tensor(0, { dtype: "int32" }), x] as State,
        { maxSteps: 20, checkpoint: checkpointed },
      )[1];
    const expected = w.transpose().matmul(w.transpose().matmul(w.transpose().matmul(f64([1, 10]))));
    assertNear(linearTranspose(f, f64([0, 0]))(f64([1, 10])), [expected], 1e-13, "transposed");
  }
  for (const step of [(y: Tensor) => y.add(1), (y: Tensor) => y.square()]) {
    const f = (x: Tensor) =>
      whileLoop(
        ([i]: State) => i.less(3),
        ([i, y]: State): State => [i.add(1), step(y)],
        [tensor(0, { dtype: "int32" }), x] as State,
        { maxSteps: 4 },
      )[1];
    assertThrows(() => linearTranspose(f, f64(0))(1), Error, "the function is not linear");
  }
  assertThrows(() => linearTranspose((x: Tensor) => growth(3, false)(f64(1), x), f64(0))(1), Error);
});

Deno.test("a bounded loop acts once in each step", () => {
  for (const checkpointed of ways) {
    const seen: number[] = [];
    const f = (x: Tensor) =>
      whileLoop(
        (y: Tensor) => y.less(30),
        (y: Tensor) => {
          debugCallback((y: Tensor) => seen.push(y.item()), y);
          return y.mul(2);
        },
        x,
        { maxSteps: 40, checkpoint: checkpointed },
      );
    for (const g of [f, jit(f), grad(f), jit(grad(f))] as ((x: Tensor) => Tensor)[]) {
      seen.length = 0;
      g(f64(4));
      assertEquals(seen, [4, 8, 16]);
    }
    for (const g of [vmap(f), vmap(grad(f)), jit(vmap(f))] as ((x: Tensor) => Tensor)[]) {
      seen.length = 0;
      g(f64([20, 9, 50]));
      assertEquals(seen.toSorted((a, b) => a - b), [9, 18, 20]);
    }
  }
});

/** The number of times that an operation runs. */
function countRuns(name: string, f: () => unknown): number {
  let count = 0;
  const before = installInspector((primitive) => {
    if (primitive.name === name) count++;
  });
  try {
    f();
  } finally {
    installInspector(before);
  }
  return count;
}

Deno.test("the work of a bounded loop is that of the steps that it takes", () => {
  for (const maxSteps of [20, 5000]) {
    const runs = ways.map((checkpointed) => {
      const f = growth(maxSteps, checkpointed);
      return countRuns("sin", () => (grad(f) as OfTwo)(f64(1.6), f64(9)));
    });
    // Three steps: the slope of each cosine is computed once, or again at every level of the tree.
    const levels = Math.ceil(Math.log(maxSteps) / Math.log(16));
    assertEquals(runs[0], 3);
    assert(runs[1] <= 3 * levels, `${runs[1]} runs`);
  }
});

Deno.test("a loop with a high bound has the derivatives of the plain loop, and runs steps twice", () => {
  const [w, xs] = [f64(1.3), f64([1.1, 29, 31])];
  const plain = plainGrowth(100);
  const each = (f: OfTwo) => stack([0, 1, 2].map((k) => f(w, xs.at(k))));
  for (const maxSteps of [2 ** 16 + 1, 2 ** 20]) {
    const f = growth(maxSteps, false);
    for (const name of ["grad", "linearize", "hessian"]) {
      const derive = derivatives[name];
      const expected = each(derive(plain));
      const law = `${name}, at most ${maxSteps}`;
      assertNear([each(derive(f))], [expected], 1e-11, law);
      if (name === "hessian") continue;
      assertNear([jit(derive(f))(w, xs.at(0))], [expected.at(0)], 1e-11, `${law}, compiled`);
      assertNear([vmap(derive(f), [null, 0])(w, xs)], [expected], 1e-11, `${law}, mapped`);
    }
    const runs = countRuns("sin", () => (grad(f) as OfTwo)(f64(1.6), f64(9)));
    assert(runs <= 6, `${runs} runs`);
  }
});

Deno.test("second derivatives of a loop with the highest bound have room", () => {
  const [w, x] = [f64(1.3), f64(1.1)];
  const [f, plain] = [growth(2 ** 31 - 1, false), plainGrowth(100)];
  for (const name of ["hessian", "grad of grad", "grad of a tangent", "forward twice"]) {
    const derive = derivatives[name];
    assertNear([derive(f)(w, x)], [derive(plain)(w, x)], 1e-11, name);
  }
  const third = (f: OfTwo) => grad(grad(grad(f) as OfTwo) as OfTwo)(w, x) as Tensor;
  assertNear([third(f)], [third(plain)], 1e-11, "third derivative");
  const derive = derivatives.hessian;
  assertNear([jit(derive(f))(w, x)], [derive(plain)(w, x)], 1e-11, "hessian, compiled");
});

/** The number of elements that a program and its nested programs write. */
function elementsOf({ equations }: Program): number {
  return equations.reduce(
    (sum, { outputs, params }) =>
      outputs.reduce((own, { type }) => own + sizeOf(type.shape), sum) +
      programsIn(params).reduce((inner, program) => inner + elementsOf(program), 0),
    0,
  );
}

Deno.test("what a checkpointed loop keeps grows with the logarithm of its steps", () => {
  const x = f64(Array.from({ length: 100 }, (_, i) => i / 10));
  const kept = (maxSteps: number, checkpoint: boolean) => {
    const f = (x: Tensor) =>
      whileLoop((y) => y.sum().less(1e6), (y) => y.mul(1.1).add(y.cos()), x, {
        maxSteps,
        checkpoint,
      }).sum();
    return elementsOf(makeProgram(grad(f))(x));
  };
  const [first, second, third] = [256, 4096, 65536].map((maxSteps) => kept(maxSteps, true));
  assert(third - second < 2 * (second - first), `${first}, ${second}, ${third}`);
  assert(third < 65536, `${third} elements`);
  assert(kept(4096, false) > 4096 * 100);
  // Space for steps that are not taken is bounded, too.
  const [high, highest] = [kept(2 ** 20, false), kept(2 ** 31 - 1, false)];
  assert(high < kept(2 ** 16, false), `${high} elements`);
  assert(highest < 3 * high, `${high}, ${highest} elements`);
});

Deno.test("bounds that are none are refused", () => {
  const loop = (options: object) => whileLoop((x) => x.less(3), (x) => x.add(1), f64(0), options);
  for (const [maxSteps, shown] of [[-1, "-1"], [1.5, "1.5"], [2 ** 31, "2147483648"]] as const) {
    assertThrows(
      () => loop({ maxSteps }),
      Error,
      `Cannot loop with maxSteps ${shown}: expected a non-negative integer below 2^31`,
    );
  }
  assertThrows(
    () => loop({ checkpoint: true }),
    Error,
    "Cannot loop with checkpoint and without maxSteps: give the most steps",
  );
  assertThrows(
    () => loop({ maxSteps: 3, checkpoint: 1 }),
    Error,
    "Cannot loop: checkpoint must be true or false, got 1",
  );
});

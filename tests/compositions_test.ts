/**
 * Random compositions: small programs put together by fast-check, under every transform and under
 * transforms of transforms. A failure prints the shrunk program with its seed.
 *
 * @module
 */
import fc from "fast-check";
import {
  asinh,
  associativeScan,
  atan,
  checkpoint,
  concatenate,
  cond,
  cos,
  cov,
  cummax,
  cumprod,
  cumsum,
  diff,
  erf,
  exp,
  flip,
  foriLoop,
  grad,
  gradient,
  image,
  interp,
  jit,
  jvp,
  kron,
  linearize,
  log1p,
  logsumexp,
  makeProgram,
  map,
  matmul,
  median,
  partition,
  polyval,
  quantile,
  roll,
  scan,
  searchsorted,
  sigmoid,
  sin,
  sort,
  sqrt,
  stack,
  tanh,
  tensor,
  trapezoid,
  tril,
  vjp,
  vmap,
  where,
} from "../mod.ts";
import type { Dtype, Tensor } from "../mod.ts";
import { checkProgram } from "../src/core/check.ts";
import { evaluateProgram } from "../src/core/program.ts";
import { assertIdentical, assertNear, assertRounded, assertSameKind } from "./laws/assertions.ts";
import {
  checkFirstOrder,
  checkPasses,
  checkSecondOrder,
  checkStaged,
  jitted,
} from "./laws/laws.ts";
import type { Flat } from "./laws/laws.ts";
import { between, fromValues, makeRandom, real } from "./laws/values.ts";
import { assertEquals } from "./support/std.ts";
import { partOf } from "./support/part.ts";

/** The seed of fast-check: the same programs in every run. */
const SEED = 20_240_501;

/** One step of a program: an operation, and the indices of its operands among the values so far. */
interface Step {
  readonly operation: string;
  readonly first: number;
  readonly second: number;
}

type Operation = (x: Tensor, y: Tensor) => Tensor;

/** Scales values that may grow back to moderate size, so that differences stay accurate. */
function tamed(x: Tensor): Tensor {
  return x.size > 24 ? tanh(x.mean(0)) : tanh(x);
}

/** `x` with at least two axes. */
function matrix(x: Tensor): Tensor {
  return x.ndim === 2 ? x : x.reshape([x.shape[0] ?? 1, -1]);
}

/** Whether elementwise functions accept these two together. */
function fit(x: Tensor, y: Tensor): boolean {
  const n = Math.min(x.ndim, y.ndim);
  for (let i = 1; i <= n; i++) {
    const [a, b] = [x.shape[x.ndim - i], y.shape[y.ndim - i]];
    if (a !== b && a !== 1 && b !== 1) return false;
  }
  return true;
}

/** An elementwise operation on any two: the second is summed if its shape does not fit. */
function pairwise(f: Operation): Operation {
  return (x, y) => tamed(f(x, fit(x, y) ? y : y.sum()));
}

/** Operations with derivatives everywhere. */
const smooth: Record<string, Operation> = {
  sin: (x) => sin(x),
  cosine: (x) => cos(x.mul(0.7)),
  atan: (x) => atan(x),
  asinh: (x) => asinh(x),
  erf: (x) => erf(x),
  sigmoid: (x) => sigmoid(x),
  exponential: (x) => exp(sin(x)),
  logarithm: (x) => log1p(x.square()),
  root: (x) => sqrt(x.square().add(1)).sub(1),
  half: (x) => x.mul(0.5),
  negative: (x) => x.neg(),
  add: pairwise((x, y) => x.add(y)),
  subtract: pairwise((x, y) => x.sub(y)),
  multiply: pairwise((x, y) => x.mul(y)),
  divide: pairwise((x, y) => x.div(y.square().add(1))),
  power: pairwise((x, y) => x.square().add(0.5).pow(y.mul(0.3))),
  angle: pairwise((x, y) => y.atan2(x.square().add(0.5))),
  logAdd: pairwise((x, y) => x.logaddexp(y)),
  product: (x, y) => {
    const [a, b] = [matrix(x), matrix(y)];
    return tamed(a.shape[1] === b.shape[0] ? matmul(a, b) : matmul(a, a.transpose()));
  },
  outer: (x, y) => tamed(x.sum().mul(y)),
  transpose: (x) => x.transpose(),
  flat: (x) => x.reshape([-1]),
  reverse: (x) => x.ndim === 0 ? x : flip(x, 0),
  twice: (x) => x.size > 12 ? x : concatenate([x.reshape([-1]), x.reshape([-1]).mul(0.3)], 0),
  first: (x) => x.ndim === 0 ? x : x.at([0, 1]),
  pick: (x) => x.ndim === 0 ? x : x.at(tensor([0, 0], { dtype: "int32" })),
  replace: (x, y) => x.ndim === 0 ? x : x.set([0], tanh(y.sum())),
  pad: (x) => x.ndim === 0 || x.size > 12 ? x : x.reshape([-1]).pad([[1, 1]]),
  sumLast: (x) => x.ndim === 0 ? x : tamed(x.sum(-1)),
  mean: (x) => x.ndim === 0 ? x : x.mean(0, { keepdims: true }),
  running: (x) => x.ndim === 0 ? x : tamed(cumsum(x, 0)),
  softMaximum: (x) => x.ndim === 0 ? x : logsumexp(x, -1),
  spread: (x) => x.ndim === 0 ? x : x.variance(-1),
  multiplyAll: (x) => x.ndim === 0 ? x : tanh(x.mul(0.5).prod(-1)),
  scanned: (x, y) =>
    x.ndim === 0 ? x : scan(
      (h, row) => {
        const next = tanh(h.mul(0.5).add(row.mean()));
        return [next, sin(row.mul(h))];
      },
      y.mean(),
      x,
      { reverse: y.ndim === 1 },
    )[1],
  recurrence: (x, y) =>
    x.ndim === 0 ? x : scan((h, row) => [tanh(h.add(row.sum())).mul(0.7), null], y, x)[0],
  looped: (x, y) => foriLoop(0, 3, (i, z) => tanh(z.mul(y.mean()).add(i)), x),
  mapped: (x, y) => x.ndim === 0 ? x : map((row) => row.mul(y.mean()).sin(), x),
  prefixes: (x) =>
    x.ndim === 0 ? x : associativeScan((a, b) => a.add(b).add(a.mul(b).mul(0.1)), x.mul(0.3)),
  differences: (x) => x.ndim === 0 || x.shape.includes(1) ? x : tamed(diff(x, 1, 0)),
  slopes: (x) => x.ndim === 0 || x.shape[0] < 2 ? x : tamed(gradient(x, 0)),
  area: (x) => x.ndim === 0 ? x : tamed(trapezoid(x)),
  rolled: (x) => x.ndim === 0 ? x : roll(x, 1, 0),
  polynomial: pairwise((x, y) => polyval([0.3, -0.5, 0.2], x).add(y)),
  kronecker: (x, y) => x.size * y.size > 24 ? x : tamed(kron(x, y)),
  covariances: (x) => x.ndim === 0 || matrix(x).shape[1] < 2 ? x : tamed(cov(matrix(x))),
  runningProducts: (x) => x.ndim === 0 ? x : tamed(cumprod(x.mul(0.5).add(1), 0)),
  lower: (x) => x.ndim === 0 ? x : tril(matrix(x)),
  resized: (x) => x.ndim === 0 ? x : image.resize(x, x.shape.with(-1, 3)),
  again: (x, y) => checkpoint((x: Tensor) => tanh(sin(x).mul(y.mean()).add(exp(sin(x)))))(x),
};

/** Operations with kinks or jumps, where differences are meaningless. */
const kinked: Record<string, Operation> = {
  largest: (x) => x.ndim === 0 ? x : x.max(-1),
  larger: pairwise((x, y) => x.maximum(y)),
  choice: pairwise((x, y) => where(x.greater(y), x, y.mul(2))),
  sorted: (x) => x.ndim === 0 ? x : sort(x, -1),
  absolute: (x) => x.abs(),
  middle: (x) => x.ndim === 0 ? x : median(x, -1),
  shares: (x) => x.ndim === 0 ? x : quantile(x, [0.2, 0.7], 0),
  highest: (x) => x.ndim === 0 ? x : cummax(x, 0),
  between: (x) => {
    const [points, values] = [[-1, 0, 0.5, 2], [0.25, -0.5, 0.75, 1]];
    return interp(x, tensor(points, { dtype: x.dtype }), tensor(values, { dtype: x.dtype }));
  },
  parted: (x) => x.ndim === 0 ? x : partition(x, 0, -1),
  places: pairwise((x, y) => x.add(searchsorted([-0.5, 0, 0.5], y).astype(x.dtype).mul(0.1))),
};

/** Runs a program on its inputs; returns the last value, and a scalar that depends on all of them. */
function run(
  steps: readonly Step[],
  operations: Record<string, Operation>,
  inputs: readonly Tensor[],
): { last: Tensor; total: Tensor } {
  const values = [...inputs];
  for (const { operation, first, second } of steps) {
    const [x, y] = [first, second].map((place) =>
      values[values.length - 1 - place % values.length]
    );
    values.push(operations[operation](x, y));
  }
  const total = values.map((value) => value.mean()).reduce((sum, mean) => sum.add(mean));
  return { last: values[values.length - 1], total };
}

/** Programs of up to `length` steps. */
function programs(operations: Record<string, Operation>, length: number): fc.Arbitrary<Step[]> {
  const step = fc.record({
    operation: fc.constantFrom(...Object.keys(operations)),
    // Mostly the latest values, so that programs become deep.
    first: fc.nat({ max: 2 }),
    second: fc.nat({ max: 5 }),
  });
  return fc.array(step, { minLength: 1, maxLength: length, size: "max" });
}

/** The arguments of every program: a matrix, a vector and a scalar. */
function inputsFrom(seed: number): Tensor[] {
  const random = makeRandom(seed);
  return [[2, 3], [3], []].map((shape) => fromValues(real(random, 6), "float64", shape));
}

function holds<T extends [unknown, ...unknown[]]>(
  numRuns: number,
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  law: (...values: T) => void,
): void {
  fc.assert(fc.property<T>(...arbitraries, law), { seed: SEED, numRuns: partOf(numRuns) });
}

const all = { ...smooth, ...kinked };
const seeds = fc.nat({ max: 1000 });
const atSeed = `seed ${SEED}`;

Deno.test(`random programs obey the derivative laws, to second order (${atSeed})`, () => {
  holds(60, [programs(smooth, 8), seeds], (steps, seed) => {
    const f: Flat = (inputs) => {
      const { last, total } = run(steps, smooth, inputs);
      return [last, total];
    };
    const inputs = inputsFrom(seed);
    checkFirstOrder(f, inputs, makeRandom(seed + 1), "first order");
    checkSecondOrder(f, inputs, makeRandom(seed + 2), "second order");
  });
});

Deno.test(`random programs and their gradients are vectorised as loops (${atSeed})`, () => {
  const axes = fc.array(fc.constantFrom(null, 0, -1), { minLength: 3, maxLength: 3 })
    .filter((list) => list.some((axis) => axis !== null));
  holds(80, [programs(all, 8), axes, seeds], (steps, inAxes, seed) => {
    const value = (x: Tensor, y: Tensor, z: Tensor) => run(steps, all, [x, y, z]).last;
    const total = (x: Tensor, y: Tensor, z: Tensor) => run(steps, all, [x, y, z]).total;
    const gradients = grad(total, { argnums: [0, 1, 2] });
    const examples = [0, 1, 2].map((i) =>
      inputsFrom(seed + i).map((input, k) => inAxes[k] === null ? inputsFrom(seed)[k] : input)
    ) as [Tensor, Tensor, Tensor][];
    const batched = inAxes.map((axis, k) =>
      axis === null ? examples[0][k] : stack(examples.map((args) => args[k]), axis)
    ) as [Tensor, Tensor, Tensor];
    const values = vmap(value, inAxes)(...batched);
    assertNear([values], [stack(examples.map((args) => value(...args)), 0)], 1e-13, "vmap");
    const pulled = vmap(gradients, inAxes)(...batched);
    const looped = examples.map((args) => gradients(...args));
    const expected = pulled.map((_, k) => stack(looped.map((parts) => parts[k]), 0));
    assertNear(pulled, expected, 1e-12, "vmap of grad");
  });
});

Deno.test(`random programs and their derivatives are staged bit for bit (${atSeed})`, () => {
  holds(80, [programs(all, 10), seeds], (steps, seed) => {
    const f: Flat = (inputs) => {
      const { last, total } = run(steps, all, inputs);
      return [last, total];
    };
    const total = (...inputs: Tensor[]) => run(steps, all, inputs).total;
    const gradient: Flat = (inputs) => [grad(total)(...inputs as [Tensor, ...Tensor[]])];
    const second: Flat = (inputs) =>
      jvp((...xs: Tensor[]) => [...gradient(xs)], [...inputs], [...inputs])[1];
    const inputs = inputsFrom(seed);
    checkStaged(f, inputs, "value");
    checkStaged(gradient, inputs, "gradient");
    checkStaged(second, inputs, "Hessian-vector product");
  });
});

Deno.test(`random programs and their derivatives are compiled bit for bit (${atSeed})`, () => {
  holds(80, [programs(all, 10), seeds], (steps, seed) => {
    const f: Flat = (inputs) => {
      const { last, total } = run(steps, all, inputs);
      return [last, total];
    };
    const total = (...inputs: Tensor[]) => run(steps, all, inputs).total;
    const compiled = jit(total);
    const derivatives = (g: typeof total): Flat[] => {
      const gradient = grad(g);
      const second = jvp as unknown as (f: unknown, x: unknown, v: unknown) => [Tensor, Tensor];
      return [
        (inputs) => [gradient(...inputs as [Tensor, ...Tensor[]])],
        (inputs) => [second(gradient, inputs, inputs)[1]],
      ];
    };
    const inputs = inputsFrom(seed);
    for (const g of [f, ...derivatives(total)]) {
      const whole = jitted(g);
      assertRounded(whole(inputs), g(inputs), 2 ** 12, "jit");
      assertRounded(whole(inputs), g(inputs), 2 ** 12, "jit, kept");
      checkPasses(makeProgram((...xs: Tensor[]) => g(xs))(...inputs), inputs, "passes");
    }
    // Sums of cotangents may have another order.
    const eager = derivatives(total);
    derivatives(compiled).forEach((g, i) => {
      assertNear(g(inputs), eager[i](inputs), 1e-12, `derivative ${i} of jit`);
      checkPasses(makeProgram((...xs: Tensor[]) => g(xs))(...inputs), inputs, "passes, called");
    });
  });
});

Deno.test(`random programs of half floats have one meaning, and their gradients (${atSeed})`, () => {
  const halves = fc.constantFrom<Dtype>("float16", "bfloat16");
  holds(40, [programs(all, 8), seeds, halves], (steps, seed, dtype) => {
    const f: Flat = (inputs) => {
      const { last, total } = run(steps, all, inputs);
      return [last, total];
    };
    const gradient: Flat = (inputs) => [
      grad((...xs: Tensor[]) => run(steps, all, xs).total)(...inputs as [Tensor, ...Tensor[]]),
    ];
    const inputs = inputsFrom(seed).map((x) => x.astype(dtype));
    for (const [g, what] of [[f, "value"], [gradient, "gradient"]] as const) {
      checkStaged(g, inputs, what);
      checkPasses(makeProgram((...xs: Tensor[]) => g(xs))(...inputs), inputs, `${what}, passes`);
      const results = jitted(g)(inputs);
      const expected = g(inputs);
      assertEquals(results.map((y) => y.dtype), expected.map(() => dtype), what);
      // Where exponentials and similar functions round differently, so may values computed from them.
      assertRounded(results, expected, 16, `${what}, compiled`);
    }
  });
});

/** All except those that take sines of numbers of any size, where the last digit of a huge one matters. */
const steady = Object.fromEntries(
  Object.entries(all).filter(([name]) =>
    !["sin", "cosine", "exponential", "scanned", "mapped", "again", "branched"].includes(name)
  ),
);

/** Numbers at the ends of the range, infinities and NaN. */
const EXTREMES = [
  ...[0, -0, 1, -1.5, Infinity, -Infinity, NaN],
  ...[5e-324, -3e-310, 2 ** -1022, 1e-200, -1e-160, 1e160, -1e200, 1.7e308],
];

/** Arguments like those of `inputsFrom`, with some extreme elements. */
function extremeInputsFrom(seed: number): Tensor[] {
  const random = makeRandom(seed + 1);
  return inputsFrom(seed).map((x) => {
    const values = Array.from(
      x.data(),
      (value) => random() < 0.5 ? EXTREMES[Math.floor(random() * EXTREMES.length)] : value,
    );
    return fromValues(values, "float64", x.shape);
  });
}

Deno.test(`random programs of extreme numbers have one meaning (${atSeed})`, () => {
  holds(80, [programs(steady, 6), seeds], (steps, seed) => {
    const f: Flat = (inputs) => {
      const { last, total } = run(steps, steady, inputs);
      return [last, total];
    };
    const gradient: Flat = (inputs) => [
      grad((...xs: Tensor[]) => run(steps, steady, xs).total)(...inputs as [Tensor, ...Tensor[]]),
    ];
    const inputs = extremeInputsFrom(seed);
    for (const [g, what] of [[f, "value"], [gradient, "gradient"]] as const) {
      checkStaged(g, inputs, what);
      const expected = g(inputs);
      assertSameKind(jitted(g)(inputs), expected, `${what}, compiled`);
      const other = inputsFrom(seed);
      const pairs = inputs.map((x, i) => stack([other[i], x]));
      const mapped = vmap((...xs: Tensor[]) => [...g(xs)])(...pairs as [Tensor, ...Tensor[]]);
      assertSameKind(mapped.map((x) => x.at(1)), expected, `${what}, mapped`);
    }
  });
});

/** A function from matrices of one shape to matrices of the same shape. */
type Endo = (x: Tensor) => Tensor;

const random = makeRandom(7);
const SHAPE = [2, 2];
const direction = fromValues(between(-1, 1)(random, 4), "float64", SHAPE);
const weights = fromValues(between(-1, 1)(random, 4), "float64", SHAPE);

/** The gradient by forward mode alone, one element at a time. */
function gradientByColumns(f: Endo): Endo {
  return (x) => {
    const columns = [0, 1, 2, 3].map((k) => {
      const unit = fromValues([0, 1, 2, 3].map((i) => i === k ? 1 : 0), "float64", SHAPE);
      return jvp(f, [x], [unit])[1].mul(weights).sum();
    });
    return stack(columns, 0).reshape(SHAPE);
  };
}

/** The derivative along a fixed direction. */
function push(f: Endo): Endo {
  return (x) => jvp(f, [x], [direction])[1];
}

/** Transforms of such functions, each with a simpler method for the same result. */
const transforms: Record<string, { transform: (f: Endo) => Endo; plainly: (f: Endo) => Endo }> = {
  grad: {
    transform: (f) => (x) => grad((z) => f(z).mul(weights).sum())(x),
    plainly: gradientByColumns,
  },
  vjp: { transform: (f) => (x) => vjp(f, x)[1](weights)[0], plainly: gradientByColumns },
  jvp: { transform: push, plainly: push },
  linearize: { transform: (f) => (x) => linearize(f, x)[1](direction), plainly: push },
  vmap: {
    transform: (f) => (x) => vmap(f, 1, -1)(stack([x, x.mul(0.5)], 1)).sum(-1),
    plainly: (f) => (x) => f(x).add(f(x.mul(0.5))),
  },
  vmapOfPairs: {
    transform: (f) => (x) => vmap(vmap((y: Tensor) => f(x.mul(y)), 0), 1)(x).sum([0, 1]),
    plainly: (f) => (x) =>
      [[0, 0], [0, 1], [1, 0], [1, 1]].map(([i, j]) => f(x.mul(x.at(i, j))))
        .reduce((sum, part) => sum.add(part)),
  },
  jit: { transform: (f) => jit(f), plainly: (f) => f },
  checkpoint: { transform: (f) => checkpoint(f), plainly: (f) => f },
  foriLoop: {
    transform: (f) => (x) => foriLoop(0, 2, (_, y) => f(y), x),
    plainly: (f) => (x) => f(f(x)),
  },
  map: {
    transform: (f) => (x) => map(f, stack([x, x.mul(0.5)])).sum(0),
    plainly: (f) => (x) => f(x).add(f(x.mul(0.5))),
  },
  cond: {
    transform: (f) => (x) => cond(x.at(0, 0).less(9), f, (x) => x.neg(), x),
    plainly: (f) => f,
  },
  makeProgram: {
    transform: (f) => (x) => {
      const program = makeProgram(f)(x);
      checkProgram(program);
      return evaluateProgram(program, [x])[0];
    },
    plainly: (f) => f,
  },
};

Deno.test(`transforms nest to depth three in any order (${atSeed})`, () => {
  const names = fc.array(fc.constantFrom(...Object.keys(transforms)), {
    minLength: 3,
    maxLength: 3,
  });
  holds(70, [programs(smooth, 4), names, seeds], (steps, chain, seed) => {
    const base: Endo = (x) => {
      const { last, total } = run(steps, smooth, [x, x.at(0), x.at(1, 1)]);
      return sin(x.add(total)).add(last.mean());
    };
    const x = fromValues(between(-1, 1)(makeRandom(seed), 4), "float64", SHAPE);
    const nested = chain.reduce((f, name) => transforms[name].transform(f), base);
    const plain = chain.reduce((f, name) => transforms[name].plainly(f), base);
    assertNear([nested(x)], [plain(x)], 1e-9, chain.toReversed().join(" of "));
    assertRounded([jit(nested)(x)], [nested(x)], 2 ** 12, "compiled");
    const program = makeProgram(nested)(x);
    checkPasses(program, [x], "passes");
    assertIdentical(evaluateProgram(program, [x]), [nested(x)], "staged");
  });
});

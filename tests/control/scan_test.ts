import {
  ArgumentError,
  associativeScan,
  AxisError,
  cond,
  DtypeError,
  evalShape,
  foriLoop,
  grad,
  hessian,
  inspect,
  jit,
  jvp,
  makeProgram,
  map,
  matmul,
  random,
  scan,
  ShapeError,
  stack,
  switchCase,
  tensor,
  TraceError,
  TreeError,
  valueAndGrad,
  vmap,
  whileLoop,
  zeros,
} from "../../mod.ts";
import type { Program, Tensor } from "../../mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { typeOf } from "../../src/core/program.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const float64 = { dtype: "float64" } as const;
const int32 = { dtype: "int32" } as const;

/** The equations of a program with this name. */
function equationsOf(program: Program, name: string) {
  return program.equations.filter(({ primitive }) => primitive.name === name);
}

Deno.test("a scan is one equation, and its gradient two, however many steps", () => {
  const f = (xs: Tensor) => scan((h, x) => [h.mul(x).sin(), h], 1, xs)[0];
  for (const length of [3, 10_000]) {
    const xs = random.uniform(random.key(1), [length]);
    assertEquals(equationsOf(makeProgram(f)(xs), "scan").length, 1);
    const program = makeProgram(grad(f))(xs);
    assertEquals(equationsOf(program, "scan").length, 2);
    assert(program.equations.length < 10, String(program.equations.length));
  }
});

Deno.test("a scan of 10,000 steps and its gradient run, eager and compiled", () => {
  // y[i] = a y[i - 1] + 1 tends to 1 / (1 - a), whose derivative is 1 / (1 - a)^2.
  const f = (a: Tensor) => foriLoop(0, 10_000, (_, y) => y.mul(a).add(1), 0);
  const a = tensor(0.75, float64);
  for (const g of [f, jit(f)]) assertTensorsClose(g(a), tensor(4, float64));
  for (const g of [grad(f), jit(grad(f)), grad(jit(f))]) {
    assertTensorsClose(g(a), tensor(16, float64));
  }
});

Deno.test("the backward pass keeps of each step only what it needs", () => {
  const kept = (program: Program, results: number) =>
    equationsOf(program, "scan")[0].outputs.slice(results).map(({ type }) => type.shape);
  const [w, h, xs] = [zeros([4, 4]), zeros([4]), zeros([7, 4])];
  const step = (w: Tensor, h: Tensor, x: Tensor) => matmul(h, w).add(x);
  // Linear in the carry and the sequence: only the weights are needed, and they are constant.
  const linear = (h: Tensor, xs: Tensor) => scan((h, x) => [step(w, h, x), null], h, xs)[0].sum();
  assertEquals(kept(makeProgram(valueAndGrad(linear, { argnums: [0, 1] }))(h, xs), 1), []);
  // The gradient of the weights needs every carry, and nothing else.
  const weights = (w: Tensor) => scan((h, x) => [step(w, h, x), null], h, xs)[0].sum();
  assertEquals(kept(makeProgram(valueAndGrad(weights))(w), 1), [[7, 4]]);
  // Values computed from constants alone are computed, and kept, once.
  const constant = (h: Tensor) =>
    scan((h, _) => [h.mul(w.exp().sum()), null], h, null, { length: 7 })[0].sum();
  assertEquals(kept(makeProgram(valueAndGrad(constant))(h), 1), []);
  // A sequence that is needed is not stored again.
  const products = (h: Tensor) => scan((h, x) => [h.mul(x), null], h, xs)[0].sum();
  assertEquals(kept(makeProgram(valueAndGrad(products))(h), 1), []);
});

Deno.test("frozen constants of a scan cost no backward work", () => {
  const xs = zeros([5, 3]);
  const f = (w: Tensor, h: Tensor) => scan((h, x) => [matmul(h, w).add(x), null], h, xs)[0].sum();
  const products = (program: Program) =>
    equationsOf(program, "contract").length +
    equationsOf(program, "scan").flatMap(({ params }) =>
      equationsOf((params as { body: Program }).body, "contract")
    ).length;
  const args = [zeros([3, 3]), zeros([3])];
  assertEquals(products(makeProgram(valueAndGrad(f, { argnums: 1 }))(...args)), 2);
  assertEquals(products(makeProgram(valueAndGrad(f, { argnums: [0, 1] }))(...args)), 3);
});

Deno.test("the gradient of weights is one product of sequences", () => {
  const [xs, w] = [random.normal(random.key(1), [6, 3]), random.normal(random.key(2), [3, 3])];
  const f = (w: Tensor) => scan((h, x) => [matmul(h, w).add(x).tanh(), null], zeros([3]), xs)[0];
  const program = makeProgram(grad((w: Tensor) => f(w).sum()))(w);
  // Three axes each: all steps are computed at once, and no sum is carried.
  assertEquals(equationsOf(program, "contract").length, 1);
  assertEquals(equationsOf(program, "scan")[1].outputs.map(({ type }) => type.shape), [[3], [
    6,
    3,
  ]]);
  const plain = (w: Tensor) => {
    let h = zeros([3]);
    for (const x of xs) h = matmul(h, w).add(x).tanh();
    return h.sum();
  };
  assertTensorsClose(grad((w: Tensor) => f(w).sum())(w), grad(plain)(w), { rtol: 1e-5 });
  // A sum that would take more memory than the weights is accumulated step by step.
  const wide = random.normal(random.key(3), [6, 50, 3]);
  const g = (w: Tensor) =>
    scan((h, x) => [matmul(h, w).add(x).tanh(), null], zeros([50, 3]), wide)[0].sum();
  assertEquals(equationsOf(makeProgram(grad(g))(w), "contract").length, 0);
});

Deno.test("forward mode carries tangents along and keeps nothing", () => {
  const f = (h: Tensor) => scan((h, x) => [h.mul(x).sin(), null], h, zeros([9]))[0];
  const program = makeProgram((h: Tensor) => jvp(f, [h], [h]))(tensor(1));
  assertEquals(program.equations.map(({ primitive }) => primitive.name), ["scan"]);
  const bytes = program.equations[0].outputs.reduce((sum, { type }) => sum + sizeOf(type.shape), 0);
  assertEquals(bytes, 2);
});

Deno.test("numbers that are carried take the dtype of the step", () => {
  const [total, all] = scan((t, x) => [t.add(x), t], 0, tensor([1, 2], float64));
  assertEquals([total.dtype, all.dtype], ["float64", "float64"]);
  const count = scan((n, _) => [n.add(tensor(1, int32)), null], 0, null, { length: 4 })[0];
  assertEquals([count.dtype, count.item()], ["int32", 4]);
  const { a, b } = scan(
    ({ a, b }, x) => [{ a: b.add(a), b: b.mul(x) }, null],
    { a: 0, b: 1 },
    tensor([2, 3], float64),
  )[0];
  assertEquals([a.dtype, b.dtype, a.item(), b.item()], ["float64", "float64", 3, 6]);
  const wide = jit((x: Tensor, start: number) => scan((t, x) => [t.add(x), null], start, x)[0]);
  assertEquals(wide(tensor([1], float64), 0.1).item(), 1.1);
});

Deno.test("sequences and results are trees", () => {
  const [carry, ys] = scan(
    ({ h }, { x, pair: [p, q] }) => [{ h: h.add(x) }, { y: [h, p.mul(q)] as const, none: null }],
    { h: tensor(0) },
    { x: tensor([1, 2]), pair: [tensor([1, 2]), tensor([3, 4])] as const },
  );
  assertTensorsClose(carry.h, 3);
  assertTensorsClose(ys.y[0], [0, 1]);
  assertTensorsClose(ys.y[1], [3, 8]);
  assertEquals(ys.none, null);
  const shapes = evalShape((x: Tensor) => scan((h, x) => [h.add(x), [x, h]], 0, x))(zeros([5]));
  assertEquals(String(shapes), "float32[],float32[5],float32[5]");
});

Deno.test("what a step closes over moves with enclosing transforms", () => {
  const f = (w: Tensor) => scan((h, x) => [h.mul(w).add(x), null], 0, tensor([1, 2, 3]))[0];
  assertTensorsClose(grad(f)(tensor(2)), 2 + 2 * 2);
  assertTensorsClose(vmap(f)(tensor([1, 2])), [6, 11]);
  assertTensorsClose(jit(vmap(grad(f)))(tensor([1, 2])), [4, 6]);
});

Deno.test("the programs of a scan print readably", () => {
  const program = makeProgram((xs: Tensor) => scan((h, x) => [h.add(x), h], 0, xs)[1])(zeros([3]));
  assertEquals(
    String(program),
    [
      "program(a: float32[3]) {",
      "  b: float32[], c: float32[3] = scan(0, a) { body: program(a: float32[], b: float32[]) {",
      "    c: float32[] = add(a, b)",
      "    return (c, a)",
      "  }, length: 3, reverse: false, consts: 0, carry: 1 }",
      "  return (c)",
      "}",
    ].join("\n"),
  );
});

Deno.test("a scan says what is wrong with its carry", () => {
  const xs = zeros([3]);
  assertRefused(
    () => scan((h: Any, x: Any) => [h.add(x).reshape([1]), x], tensor(0), xs),
    ShapeError,
    "Cannot scan: the carry is float32[] before a step and float32[1] after it; " +
      "a step must keep its shape",
  );
  assertRefused(
    () => scan(({ h }: Any, x: Any) => [{ h: h.astype("float64") }, x], { h: tensor(0) }, xs),
    DtypeError,
    "Cannot scan: the carry at .h is float32[] before a step and float64[] after it; " +
      "convert with astype",
  );
  assertRefused(
    () => scan((h: Any, x: Any) => [[h, x], x], tensor(0) as Any, xs),
    TreeError,
    "Cannot scan: a step must return a carry like the one it gets; " +
      "expected a leaf at the root, got an array of 2",
  );
  assertRefused(
    () => scan((h: Any) => h, tensor(0), xs),
    TreeError,
    "Cannot scan: expected the function to return a pair [carry, y], got float32[]",
  );
  assertRefused(
    () => scan((h: Any, x: Any) => [h, x], "start" as Any, xs),
    TreeError,
    'Cannot scan from this carry: expected a tensor or number at the root, got "start"',
  );
});

Deno.test("a scan says what is wrong with its sequences", () => {
  const step = (h: Any, _: Any): Any => [h, null];
  assertRefused(
    () => scan(step, 0, tensor(1)),
    ShapeError,
    "Cannot scan over float32[]: a sequence has at least one axis; make lists of numbers tensors",
  );
  assertRefused(
    () => scan(step, 0, [1, 2]),
    ShapeError,
    "Cannot scan over float32[] at [0]: a sequence has at least one axis; " +
      "make lists of numbers tensors",
  );
  assertRefused(
    () => scan(step, 0, { a: zeros([2]), b: zeros([3, 1]) }),
    ShapeError,
    "Cannot scan over sequences of different lengths: float32[2] at .a has 2 steps, " +
      "float32[3,1] at .b has 3",
  );
  assertRefused(
    () => scan(step, 0, zeros([2]), { length: 3 }),
    ShapeError,
    "Cannot scan over sequences of different lengths: the option length has 3 steps, " +
      "float32[2] has 2",
  );
  assertRefused(
    () => scan(step, 0, null),
    ArgumentError,
    "Cannot scan without sequences: give the number of steps as length",
  );
  assertRefused(
    () => scan(step, 0, null, { length: 1.5 }),
    ArgumentError,
    "Cannot scan with length 1.5: expected a non-negative integer below 2^31",
  );
  assertRefused(
    () => scan(step, 0, zeros([2]), { reversed: true } as Any),
    ArgumentError,
    'Cannot scan: there is no option "reversed", the options are length, reverse',
  );
  assertRefused(
    () => map((x) => x, []),
    ArgumentError,
    "Cannot map without sequences: the tree has no tensors",
  );
});

Deno.test("a step that branches on a value is told what to use", () => {
  assertRefused(
    () => scan((h, x) => [x.item() > 0 ? h : x, null], tensor(0), zeros([2])),
    TraceError,
    "Cannot read the item of float32[] while scan traces it: its value is not known yet; " +
      "choose between values with where, and between computations with cond or whileLoop",
  );
});

Deno.test("a tracer that a step lets out is reported", () => {
  let out: Tensor | undefined;
  scan((h, x) => [out = h.add(x), null], 0, zeros([2]));
  assertRefused(
    () => out!.add(1),
    TraceError,
    "Cannot use float32[] in add: it was traced by scan, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
});

Deno.test("loops of unknown length go forward, batched and compiled", () => {
  // The number of Newton steps depends on the argument.
  const root = (x: Tensor) =>
    whileLoop(
      ([y, n]) => y.square().sub(x).abs().greater(1e-10).logicalAnd(n.less(50)),
      ([y, n]) => [y.add(x.div(y)).div(2), n.add(1)],
      [x, 0],
    );
  const xs = tensor([3, 2, 1e6], float64);
  const steps = [root(xs.at(0)), root(xs.at(1)), root(xs.at(2))].map(([, n]) => n.item());
  assertEquals(new Set(steps).size, 3, String(steps));
  for (const f of [root, jit(root)]) {
    const [ys, ns] = vmap(f)(xs);
    assertTensorsClose(ys, xs.sqrt());
    assertEquals([...ns.data()], steps);
    assertTensorsClose(jvp((x: Tensor) => f(x)[0], [xs.at(1)], [1])[1], 0.5 / Math.SQRT2, {
      rtol: 1e-9,
    });
    const slopes = vmap((x: Tensor) => jvp((x: Tensor) => f(x)[0], [x], [1])[1])(xs);
    assertTensorsClose(slopes, xs.sqrt().reciprocal().div(2), { rtol: 1e-9 });
  }
});

Deno.test("a batched loop whose length examples share is not masked", () => {
  const power = (x: Tensor, n: Tensor) => foriLoop(0, n, (_, y) => y.mul(x), 1);
  const program = makeProgram(vmap(power, [0, null]))(zeros([3]), tensor(4, int32));
  const [{ params }] = equationsOf(program, "while");
  assertEquals(equationsOf((params as { body: Program }).body, "select").length, 0);
  assertTensorsClose(
    vmap(power)(tensor([2, 3, 4]), tensor([3, 0, 1], int32)),
    [8, 1, 4],
  );
});

Deno.test("reverse mode through a loop of unknown length is refused with the way out", () => {
  const f = (x: Tensor) => whileLoop((y) => y.less(10), (y) => y.mul(x), x);
  const message =
    "Cannot differentiate a loop of unknown length in reverse mode (whileLoop, or foriLoop with " +
    "bounds that are tensors): the number of steps, and so the memory for the backward pass, is not " +
    "known; give whileLoop a bound with maxSteps, use scan, or foriLoop with bounds that are " +
    "numbers, or differentiate in forward mode with jvp or jacfwd";
  assertRefused(() => grad(f)(tensor(2)), ArgumentError, message);
  const batched = grad((x: Tensor) => vmap(f)(x).sum());
  assertRefused(() => batched(tensor([2, 3])), ArgumentError, message);
  assertRefused(() => grad(jit(f))(tensor(2)), ArgumentError, message);
  assertRefused(() => jit(grad(f))(tensor(2)), ArgumentError, message);
  assertTensorsClose(
    grad((x: Tensor) => whileLoop((n) => n.less(10), (n) => n.add(1), 0).mul(x))(tensor(2)),
    10,
  );
});

Deno.test("loops say what is wrong", () => {
  const one = tensor(1);
  assertRefused(
    () => whileLoop((x) => x, (x) => x, one),
    DtypeError,
    "Cannot loop on float32[]: the condition must be bool; compare it with notEqual",
  );
  assertRefused(
    () => whileLoop((x) => x.greater(0), (x) => x, zeros([2])),
    ShapeError,
    "Cannot loop on bool[2]: the condition must be one value; reduce it with all or any",
  );
  assertRefused(
    () => whileLoop((x) => [x, x] as Any, (x) => x, one),
    ShapeError,
    "Cannot loop: the condition must return one bool scalar, got a tree of 2 leaves",
  );
  assertRefused(
    () => whileLoop((x) => x.less(1), (x) => stack([x, x]), one),
    ShapeError,
    "Cannot loop: the carry is float32[] before a step and float32[2] after it; " +
      "a step must keep its shape",
  );
  assertRefused(
    () => foriLoop(0, 2.5, (_, x) => x, one),
    ArgumentError,
    "Cannot loop with the upper bound 2.5: expected an integer of 32 bits",
  );
  assertRefused(
    () => foriLoop(tensor(1), 3, (_, x) => x, one),
    DtypeError,
    "Cannot loop with the lower bound float32[]: expected an integer; convert with astype",
  );
  assertRefused(
    () => foriLoop(0, zeros([2], int32), (_, x) => x, one),
    ShapeError,
    "Cannot loop with the upper bound int32[2]: expected one integer",
  );
});

Deno.test("a loop from a bound to a lower one gives what it starts from", () => {
  assertEquals(foriLoop(3, 1, (_, x) => x.add(1), 5).item(), 5);
  assertEquals(foriLoop(tensor(3, int32), 1, (_, x) => x.add(1), 5).item(), 5);
  assertEquals(foriLoop(-2, 1, (i, x) => x.add(i), 0).item(), -3);
});

Deno.test("only the chosen branch runs", () => {
  // The other branch would stop at an index out of range.
  const pick = (i: Tensor) => cond(i.less(3), (i) => tensor([1, 2, 3]).at(i), () => tensor(0), i);
  assertEquals(pick(tensor(1, int32)).item(), 2);
  assertEquals(pick(tensor(7, int32)).item(), 0);
  assertEquals(jit(pick)(tensor(7, int32)).item(), 0);
});

Deno.test("branches say what is wrong", () => {
  const x = zeros([2]);
  assertRefused(
    () => cond(x.greater(0), () => x, () => x),
    ShapeError,
    "Cannot use cond on bool[2]: the condition must be one value; " +
      "reduce it with all or any, or choose elementwise with where",
  );
  assertRefused(
    () => cond(tensor(1), () => x, () => x),
    DtypeError,
    "Cannot use cond on float32[]: the condition must be bool; compare it with notEqual",
  );
  assertRefused(
    () => cond(true, () => x, () => x.sum()),
    ShapeError,
    "Cannot use cond: onFalse gives float32[] and onTrue gives float32[2]; the shapes must be equal",
  );
  assertRefused(
    () => cond(true, () => ({ a: x }), () => ({ a: x.astype("float64") })),
    DtypeError,
    "Cannot use cond: onFalse gives float64[2] and onTrue gives float32[2] at .a; " +
      "convert with astype",
  );
  assertRefused(
    () => cond(true, (): Any => [x, x], (): Any => x),
    TreeError,
    "Cannot use cond: the results of onFalse and onTrue must have one structure; " +
      "expected a leaf at the root, got an array of 2",
  );
  assertRefused(
    () => switchCase(0, []),
    ArgumentError,
    "Cannot use switchCase with the branches []: expected a list of functions",
  );
  assertRefused(
    () => switchCase(0.5, [() => x]),
    DtypeError,
    "Cannot use switchCase with the index float32[]: expected an integer; convert with astype",
  );
  assertRefused(
    () => switchCase(zeros([1], int32), [() => x]),
    ShapeError,
    "Cannot use switchCase with the index int32[1]: expected one integer",
  );
});

Deno.test("an index out of range chooses the nearest branch", () => {
  const f = (i: Tensor | number) => switchCase(i, [() => 10, () => 11, () => 12]);
  for (const [i, expected] of [[-5, 10], [0, 10], [1, 11], [2, 12], [3, 12], [1e12, 12]]) {
    assertEquals(f(i).item(), expected);
    if (Math.abs(i) > 100) continue;
    assertEquals(f(tensor(i, int32)).item(), expected);
    assertEquals(jit(f as (i: Tensor) => Tensor)(tensor(i, int32)).item(), expected);
  }
  const all = vmap(f as (i: Tensor) => Tensor)(tensor([-5, 0, 1, 2, 3], int32));
  assertTensorsClose(all, [10, 10, 11, 12, 12]);
});

Deno.test("an associative scan takes a logarithmic number of steps", () => {
  const sums = (x: Tensor) => associativeScan((a, b) => a.add(b), x);
  const count = (n: number) => inspect.countOperations(makeProgram(sums)(zeros([n]))).add ?? 0;
  assertEquals([2, 4, 16, 1024].map(count), [1, 3, 7, 19]);
  for (let n = 0; n < 20; n++) {
    const x = random.uniform(random.key(n), [n], float64);
    assertTensorsClose(sums(x), x.cumsum(0));
    const reversed = associativeScan((a, b) => a.add(b), x, { reverse: true });
    assertTensorsClose(reversed, x.flip(0).cumsum(0).flip(0));
  }
});

Deno.test("an associative scan says what is wrong", () => {
  const add = (a: Any, b: Any): Any => a.add(b);
  assertRefused(
    () => associativeScan(add, zeros([2]), { axis: 1 }),
    AxisError,
    "Cannot scan over float32[2]: axis 1 is out of range, expected -1 to 0",
  );
  assertRefused(
    () => associativeScan((a, b) => [a[0], b[0]], [zeros([2]), zeros([3])]),
    ShapeError,
    "Cannot scan over sequences of different lengths: float32[2] has 2 elements along axis 0, " +
      "float32[3] has 3 along axis 0",
  );
  assertRefused(
    () => associativeScan((a, _) => a.sum(), zeros([2])),
    ShapeError,
    "Cannot scan: the operation gives float32[] for float32[1]; it must keep shapes and dtypes",
  );
});

Deno.test("results of control flow may be what came in", () => {
  const x = tensor([1, 2]);
  assertTensorsClose(scan((h, _) => [h, h], x, null, { length: 2 })[1], [[1, 2], [1, 2]]);
  assertTensorsClose(cond(true, (x) => x, (x) => x.neg(), x), x);
  assertTensorsClose(whileLoop((_) => false, (x) => x, x), x);
  const constant = scan((h, _) => [h, tensor([5, 6])], x, null, { length: 2 })[1];
  assertTensorsClose(constant, [[5, 6], [5, 6]]);
  assertEquals(typeOf(constant).shape, [2, 2]);
});

Deno.test("numbers among the operands of branches keep their digits and take any dtype", () => {
  const x = tensor([1, 2], { dtype: "float64" });
  const transforms: readonly ((f: (n: Tensor) => Tensor) => Any)[] = [(f) => f, jit];
  for (const transform of transforms) {
    const scaled = transform((n: Tensor) => cond(true, (n) => x.mul(n), (n) => x.add(n), n));
    assertEquals(scaled(0.1).toArray(), x.mul(0.1).toArray());
    const total = transform((n: Tensor) =>
      cond(true, (n) => x.mul(n).exp().sum(), () => x.sum(), n)
    );
    const plain = (n: Tensor) => x.mul(n).exp().sum();
    assertEquals(grad(total)(0.1).dtype, "float64");
    assertEquals(grad(total)(0.1).item(), grad(plain)(0.1).item());
    assertEquals(hessian(total)(0.1).item(), hessian(plain)(0.1).item());
    const count = tensor(2, { dtype: "int32" });
    const counted = transform((n: Tensor) => switchCase(1, [() => count, (n) => count.add(n)], n));
    assertEquals(counted(3).dtype, "int32");
    assertEquals(
      transform((n: Tensor) => cond(true, (n) => n, (n) => n.mul(2), n))(3).dtype,
      "float32",
    );
  }
});

Deno.test("an unsigned index beyond int32 chooses the last branch", () => {
  const index = tensor(4e9, { dtype: "uint32" });
  const f = (i: Tensor) => switchCase(i, [() => 0, () => 1, () => 2]);
  assertEquals([f(index), jit(f)(index)].map((result) => result.item()), [2, 2]);
});

Deno.test("what a loop of unknown length passes on unchanged has derivatives of every kind", () => {
  const f = (x: Tensor) => {
    const [, kept] = whileLoop(([i]) => i.less(3), ([i, kept]) => [i.add(1), kept], [0, x]);
    return kept.square();
  };
  for (const g of [f, jit(f)]) {
    assertTensorsClose(grad(g)(tensor(3)), 6);
    assertTensorsClose(grad(grad(g))(tensor(3)), 2);
    assertTensorsClose(jvp(g, [tensor(3)], [tensor(1)])[1], 6);
    assertTensorsClose(vmap(grad(g))(tensor([1, 2])), [2, 4]);
  }
});

Deno.test("bounds may be unsigned, also beyond what int32 holds", () => {
  const uint32 = { dtype: "uint32" } as const;
  const sum = (upper: Tensor) => foriLoop(tensor(1, uint32), upper, (i, x) => x.add(i), 0);
  assertEquals(sum(tensor(4, uint32)).item(), 6);
  const none = foriLoop(tensor(4e9, uint32), tensor(4.1e9, uint32), (_, x) => x.add(1), 0);
  assertEquals(none.item(), 0);
});

import {
  ArgumentError,
  cond,
  configure,
  cumsum,
  debugCallback,
  foriLoop,
  inspect,
  jit,
  matmul,
  nn,
  ones,
  random,
  scan,
  sort,
  special,
  tensor,
  tree,
  valueAndGrad,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

/** Checks that spans lie within each other or apart. */
function checkNesting(spans: readonly inspect.Span[]): void {
  for (const a of spans) {
    assert(a.own >= -1e-6 && a.own <= a.duration + 1e-6);
    for (const b of spans) {
      const [first, second] = a.start <= b.start ? [a, b] : [b, a];
      const end = first.start + first.duration;
      assert(second.start >= end - 1e-6 || second.start + second.duration <= end + 1e-6);
    }
  }
}

const model = nn.sequential(nn.linear(64, 128), nn.layerNorm(128), nn.relu, nn.linear(128, 10));
const [params, state] = model.init(random.key(0));
const x = random.normal(random.key(1), [512, 64]);

const gradients = jit((p: typeof params, x: Tensor) =>
  valueAndGrad((p: typeof params) => nn.mseLoss(model.apply(p, state, x)[0], ones([512, 10])))(p)
);

Deno.test("a profiled function gives the same bits, with each of its kernels", () => {
  const expected = tree.leaves(gradients(params, x));
  for (const threads of [1, 2]) {
    configure({ threads });
    const { result, rows, spans } = inspect.profile(gradients)(params, x);
    assertEquals(
      tree.leaves(result).map((leaf) => leaf.data()),
      expected.map((leaf) => leaf.data()),
    );
    const kernels = rows.filter(({ kind }) => kind === "kernel");
    const products = kernels.filter(({ name }) => name.includes("contract"));
    // Two layers forward, their two filters, and one way back.
    const flops = 2 * 512 * 64 * 128 * 2 + 2 * 512 * 128 * 10 * 3;
    const found = products.reduce((sum, { operations }) => sum + operations, 0);
    assert(found >= flops && found < 2 * flops, String(found));
    assert(kernels.every(({ bytes }) => bytes > 0));
    assertEquals(spans.filter(({ kind }) => kind === "program").length, 1);
  }
});

Deno.test("times of rows add up to no more than the call took", () => {
  const f = inspect.profile((x: Tensor) => {
    const y = matmul(x, x).exp();
    return jit((y: Tensor) =>
      scan((c: Tensor, _: null) => [matmul(c, y), null], y, null, { length: 3 })[0]
    )(y);
  });
  const { rows, milliseconds, spans } = f(ones([64, 64]).mul(0.01));
  const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  assert(total > 0 && total <= milliseconds, `${total} of ${milliseconds}`);
  const shares = rows.reduce((sum, { share }) => sum + share, 0);
  assert(Math.abs(shares - 1) < 1e-9);
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of ["operation", "trace", "compile", "program", "kernel"] as const) {
    assert(kinds.has(kind), kind);
  }
  checkNesting(spans);
});

/** The numbers of runs of the kernels of a profile, by name. */
function runsOf({ rows }: inspect.Profile<unknown>): Record<string, number> {
  return Object.fromEntries(
    rows.filter(({ kind }) => kind === "kernel").map(({ name, runs }) => [name, runs]),
  );
}

Deno.test("kernels in a loop have rows with the number of their runs", () => {
  for (const [size, length] of [[8, 1000], [256, 3]]) {
    const w = random.normal(random.key(0), [size, size]).mul(0.05);
    const f = jit((x: Tensor) =>
      scan((c: Tensor, _: null) => [matmul(c, w).tanh(), c.sum()], x, null, { length })
    );
    const expected = tree.leaves(f(w)).map((leaf) => leaf.data());
    for (const threads of [1, 2]) {
      configure({ threads });
      const profile = inspect.profile(f)(w);
      assertEquals(tree.leaves(profile.result).map((leaf) => leaf.data()), expected);
      const product = profile.rows.find(({ name }) => name === "contract")!;
      assertEquals(product.runs, length, String(profile));
      const flops = 2 * length * size ** 3;
      assert(product.operations >= flops / 2 && product.operations <= 2 * flops);
      const loop = profile.rows.find(({ name }) => name === `scan of ${length}`)!;
      assertEquals([loop.runs, loop.operations], [1, 0]);
      const whole = profile.spans.find(({ name }) => name === loop.name)!;
      assert(
        product.milliseconds > 0 && product.milliseconds <= whole.duration,
        `${product.milliseconds} of ${whole.duration}`,
      );
      checkNesting(profile.spans);
    }
  }
});

Deno.test("runs are counted in loops in loops, branches and conditions", () => {
  const f = jit((x: Tensor) =>
    foriLoop(
      0,
      6,
      (i, x) => {
        const y = whileLoop(
          ({ n }: { n: Tensor; x: Tensor }) => n.less(5),
          ({ n, x }) => ({ n: n.add(1), x: sort(x).flip() }),
          { n: tensor(0, { dtype: "int32" }), x },
        ).x;
        return cond(i.less(2), (y) => matmul(y, y), (y) => cumsum(y, 0), y);
      },
      x,
    )
  );
  const profile = inspect.profile(f)(ones([40, 40]));
  const runs = runsOf(profile);
  assertEquals(runs["while"], 6, String(profile));
  assertEquals(runs["argsort"], 30);
  assertEquals(runs["switch of 2"], 6);
  assertEquals(runs["contract"], 2);
  assertEquals(runs["cumsum"], 4);
});

Deno.test("what the evaluator computes within a program is told, and traces that come again", () => {
  const step = jit((x: Tensor) => special.zeta(x.mul(2), 1).sum());
  const profiled = inspect.profile((x: Tensor) => step(x).add(step(x.reshape([2, -1]))));
  const profile = profiled(ones([8]));
  const evaluated = profile.rows.filter(({ kind }) => kind === "evaluator");
  assert(evaluated.some(({ name }) => name === "zeta"), String(profile));
  assert(String(profile).includes("Computed by the evaluator within compiled functions"));
  assert(String(profile).includes("2 programs were traced"));
  const again = profiled(ones([8]));
  assert(again.rows.every(({ kind }) => kind !== "trace" && kind !== "compile"));
});

Deno.test("the trace file has one event for each span", () => {
  const { spans, toTrace } = inspect.profile(gradients)(params, x);
  const { traceEvents } = JSON.parse(toTrace());
  assertEquals(traceEvents.length, spans.length);
  for (const { ph, ts, dur, name, cat } of traceEvents) {
    assertEquals(ph, "X");
    assert(ts >= 0 && dur >= 0 && name.length > 0 && cat.length > 0);
  }
});

Deno.test("donated arguments are given up under a profile, and results stay where they are", () => {
  const add = jit((a: Tensor, b: Tensor) => a.add(b), { donateArgnums: 0 });
  const a = random.uniform(random.key(0), [100_000]);
  const first = a.at(0).item();
  const { result } = inspect.profile(add)(a, ones([100_000]));
  assertEquals(result.at(0).item(), Math.fround(first + 1));
  assertThrows(() => a.at(0));
});

Deno.test("an error ends a recording", () => {
  const failing = inspect.profile(() => {
    throw new RangeError("mine");
  });
  assertThrows(failing, RangeError, "mine");
  const { spans } = inspect.profile(() => tensor([1]).add(1))();
  assertEquals(spans.map(({ name }) => name), ["add"]);
});

Deno.test("profiles within callbacks and within profiles are recordings of their own", () => {
  let inner = "";
  const f = jit((x: Tensor) => {
    debugCallback(() => inner = inspect.profile(() => tensor([1]).mul(2))().rows[0].name, x);
    return x.add(1);
  });
  const { spans } = inspect.profile(f)(tensor([1]));
  assertEquals(inner, "mul");
  assert(spans.every(({ name }) => name !== "mul"));
});

Deno.test("what is no function, or is async, cannot be profiled", () => {
  assertThrows(() => inspect.profile(1 as never), ArgumentError, "Cannot apply profile");
  assertThrows(() => inspect.profile(async () => await 1)(), ArgumentError, "async function");
});

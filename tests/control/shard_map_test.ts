import {
  abs,
  arange,
  ArgumentError,
  axisIndex,
  complex,
  debugCallback,
  fft,
  grad,
  hessian,
  inspect,
  jit,
  linearize,
  makeProgram,
  matmul,
  mesh,
  noGrad,
  optim,
  pmean,
  psum,
  random,
  ShapeError,
  shard,
  shardMap,
  stopGradient,
  tensor,
  TraceError,
  TreeError,
  valueAndGrad,
  vjp,
  vmap,
  zeros,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });
const MESH = mesh({ data: 2, model: 2 });
const WHOLE = shard(MESH);
const ROWS = shard(MESH, "data");
const BLOCKS = shard(MESH, "data", "model");
const x = arange(16).reshape([4, 4]);

Deno.test("each place gets its part, and parts are put together", () => {
  const seen: string[] = [];
  const f = shardMap((x: Tensor, y: Tensor) => {
    seen.push(`${x.shape} ${y.shape}`);
    return [x, y.sum()];
  }, { inSpecs: [BLOCKS, null], outSpecs: [shard(MESH, "model", "data"), WHOLE] });
  const [parts, sum] = f(x, arange(3)) as [Tensor, Tensor];
  assertEquals(seen, ["2,2 3"]);
  // The blocks are exchanged: the one on the right moves below.
  assertEquals(parts.toArray(), [[0, 1, 8, 9], [4, 5, 12, 13], [2, 3, 10, 11], [6, 7, 14, 15]]);
  assertEquals(sum.toArray(), 3);
});

Deno.test("shardings are for all, for each argument, or trees like them", () => {
  const f = (p: { w: Tensor; b: Tensor }, x: Tensor) => ({ y: x.mul(p.w).add(p.b), n: p.b });
  const p = { w: arange(4), b: tensor(1) };
  const expected = x.mul(p.w).add(1).toArray();
  for (
    const inSpecs of [
      [{ w: null, b: null }, ROWS],
      [null, ROWS],
      [{ w: shard(MESH, "model"), b: WHOLE }, BLOCKS],
      [WHOLE, shard(MESH, ["model", "data"])],
    ]
  ) {
    const y = inSpecs[1]!;
    const { y: out, n } = shardMap(f, { inSpecs, outSpecs: { y, n: WHOLE } })(p, x);
    assertEquals([out.toArray(), n.item()], [expected, 1]);
  }
  const all = shardMap((a: Tensor, b: [Tensor, Tensor]) => [a, b], {
    inSpecs: ROWS,
    outSpecs: ROWS,
  });
  const [a, [b, c]] = all(x, [x, arange(4)]) as [Tensor, [Tensor, Tensor]];
  assertEquals(
    [a, b, c].map((one) => one.toArray()),
    [x, x, arange(4)].map((one) => one.toArray()),
  );
});

Deno.test("what is whole everywhere need be no tensor", () => {
  const f = shardMap((x: Tensor, name: string, n: number, k: Tensor) => {
    return x.mul(n).add(k).add(name.length);
  }, { inSpecs: [ROWS, null, null, WHOLE], outSpecs: ROWS });
  assertEquals(f(x, "four", 2, 1 as unknown as Tensor).toArray(), x.mul(2).add(5).toArray());
});

Deno.test("what f closes over is whole in every place, and has derivatives", () => {
  const [w, v] = [f64([2, 3]), f64([1, 2, 3, 4])];
  const rows = shard(mesh({ i: 2 }), "i");
  const loss = (w: Tensor, v: Tensor) =>
    shardMap((v: Tensor) => psum(v.mul(w).square().sum(), "i"), { inSpecs: rows, outSpecs: null })(
      v,
    );
  const plain = (w: Tensor, v: Tensor) => v.reshape([2, 2]).mul(w).square().sum();
  for (const f of [loss, jit(loss) as typeof loss]) {
    assertEquals(f(w, v).item(), plain(w, v).item());
    assertTensorsClose(grad(f, { argnums: [0, 1] })(w, v), grad(plain, { argnums: [0, 1] })(w, v));
    assertTensorsClose(hessian((w: Tensor) => f(w, v))(w), hessian((w: Tensor) => plain(w, v))(w));
  }
});

Deno.test("a training step on parts of a batch is that of the whole", () => {
  const key = random.key(3);
  const [w, xs, ys] = [random.normal(key, [3]), random.normal(key, [8, 3]), zeros([8])];
  const { init, update } = optim.adam(0.1);
  const loss = (w: Tensor, x: Tensor, y: Tensor) => matmul(x, w).sub(y).square().mean();
  const data = mesh({ data: 4 });
  const step = (
    gradient: (w: Tensor, x: Tensor, y: Tensor) => Tensor,
  ) =>
  (w: Tensor, state: ReturnType<typeof init>, x: Tensor, y: Tensor) => {
    const [updates, next] = update(gradient(w, x, y), state, w);
    return [optim.applyUpdates(w, updates), next] as const;
  };
  const whole = step(grad(loss));
  const rows = shard(data, "data");
  const parts = shardMap(step((w, x, y) => pmean(grad(loss)(w, x, y), "data")), {
    inSpecs: [null, null, rows, rows],
    outSpecs: null,
  });
  // The mean over the places, differentiated from outside.
  const outside = step(
    grad(shardMap((w: Tensor, x: Tensor, y: Tensor) => pmean(loss(w, x, y), "data"), {
      inSpecs: [null, rows, rows],
      outSpecs: null,
    })),
  );
  for (const one of [parts, jit(parts), outside, jit(outside)] as (typeof whole)[]) {
    let [a, b] = [w, w];
    let [s, t] = [init(w), init(w)];
    for (let i = 0; i < 3; i++) {
      [a, s] = whole(a, s, xs, ys);
      [b, t] = one(b, t, xs, ys);
      assertTensorsClose(b, a, { rtol: 1e-5, atol: 1e-6 });
    }
  }
});

Deno.test("a result that places share must be the same for all of them", () => {
  const refuse = (f: (x: Tensor) => unknown, outSpecs: typeof ROWS | null, message: string) => {
    const g = shardMap(f, { inSpecs: BLOCKS, outSpecs });
    for (const form of [g, jit(g as (x: Tensor) => Tensor), (x: Tensor) => makeProgram(g)(x)]) {
      assertRefused(() => (form as typeof g)(x), ArgumentError, message);
    }
  };
  const advice = "name the axis in its spec, or make it the same for all with psum or pmean";
  refuse(
    (x) => ({ loss: x.sum() }),
    null,
    `Cannot shardMap to float32[] at .loss by shard(mesh(data: 2, model: 2)): it differs between ` +
      `places along the axis "model" of the mesh; ${advice}`,
  );
  refuse(
    (x) => [psum(x, "model"), x],
    ROWS,
    `Cannot shardMap to float32[2,2] at [1] by shard(mesh(data: 2, model: 2), data): it differs ` +
      `between places along the axis "model" of the mesh; ${advice}`,
  );
  refuse(
    () => axisIndex("data"),
    null,
    `Cannot shardMap to int32[] at the root by shard(mesh(data: 2, model: 2)): it differs between ` +
      `places along the axis "data" of the mesh; ${advice}`,
  );
});

Deno.test("transforms around, and what they ask for within", () => {
  const f = shardMap((x: Tensor) => psum(x.square(), "model"), { inSpecs: BLOCKS, outSpecs: ROWS });
  assertEquals(grad((x) => noGrad(f)(x).sum())(x).toArray(), zeros([4, 4]).toArray());
  const g = shardMap((x: Tensor) => psum(stopGradient(x).mul(x), "model"), {
    inSpecs: BLOCKS,
    outSpecs: ROWS,
  });
  assertEquals(grad((x) => g(x).sum())(x).toArray(), x.toArray());
  const [out, push] = linearize(f, x);
  const [again, pull] = vjp(f, x);
  assertEquals(out.toArray(), again.toArray());
  assertEquals(push(x).toArray(), out.mul(2).toArray());
  assertEquals(pull(out)[0].shape, [4, 4]);
  // Work that does not depend on the differentiated arguments is done once.
  const h = shardMap((x: Tensor, y: Tensor) => [y.exp(), psum(x.mul(y), "model")], {
    inSpecs: [BLOCKS, BLOCKS],
    outSpecs: [BLOCKS, ROWS],
  });
  const loss = (x: Tensor, y: Tensor) => h(x, y).map((one) => one.sum()).reduce((a, b) => a.add(b));
  const program = makeProgram(valueAndGrad(loss))(x, x);
  assertEquals(String(program).match(/exp\(/g)?.length ?? 0, 1);
});

Deno.test("axes of the mesh hide others of their names, also where these come later", () => {
  const rows = shard(mesh({ i: 2 }), "i");
  const f = shardMap((x: Tensor) => psum(x, "i"), { inSpecs: rows, outSpecs: null });
  const pairs = f64([[1, 2], [3, 5]]);
  for (const g of [f, jit(f)]) {
    assertEquals(vmap((x: Tensor) => g(x).sum(), 0, 0, { axisName: "i" })(pairs).toArray(), [3, 8]);
    const both = (x: Tensor) => g(x).sum().add(psum(x.sum(), "i"));
    assertEquals(vmap(both, 0, 0, { axisName: "i" })(pairs).toArray(), [14, 19]);
  }
  // Inside, the axes of an outer vmap are available under their own names.
  const outer = (x: Tensor) =>
    shardMap((v: Tensor) => psum(psum(v, "i"), "k"), { inSpecs: rows, outSpecs: null })(x).sum();
  assertEquals(vmap(outer, 0, 0, { axisName: "k" })(pairs).toArray(), [11, 11]);
  assertRefused(
    () => psum(1, "i"),
    ArgumentError,
    'Cannot psum over the axis "i": no named axis is in scope; name the axis with vmap\'s option axisName' +
      ", or run the function by shardMap over a mesh",
  );
});

Deno.test("programs show what runs in each place", () => {
  const f = shardMap((x: Tensor) => psum(x, "data"), {
    inSpecs: BLOCKS,
    outSpecs: shard(MESH, null, "model"),
  });
  const program = makeProgram(f)(x);
  assertEquals(
    String(program),
    `program(a: float32[4,4]) {
  b: float32[2,4] = shardMap(a) { mesh: (data: 2, model: 2), ins: [(data, model)], outs: [(null, model)], local: program(a: float32[2,2]) {
    b: float32[2,2] = psum(a) { axisName: data, axisSize: 2 }
    return (b)
  } }
  return (b)
}`,
  );
  assertEquals(inspect.countOperations(program), { shardMap: 1 });
  assertEquals(inspect.countFlops(program), 16);
  const text = inspect.toStableHlo(program);
  assertEquals(text.includes("stablehlo.reduce"), true);
});

Deno.test("equal functions are traced to one program, and compiled once", () => {
  const run = (w: number) => {
    const f = shardMap((x: Tensor) => psum(x.mul(tensor([w, w + 1])), "model"), {
      inSpecs: BLOCKS,
      outSpecs: ROWS,
    });
    return makeProgram(f)(x).equations[0].params;
  };
  assertEquals(run(1) === run(1), true);
});

Deno.test("what acts besides computing does so in every place", async () => {
  const seen: number[] = [];
  const f = shardMap((x: Tensor) => {
    debugCallback((value: Tensor) => void seen.push(value.item()), x.sum());
    return x;
  }, { inSpecs: BLOCKS, outSpecs: BLOCKS });
  const sums = [10, 18, 42, 50];
  f(x);
  await Promise.resolve();
  assertEquals(seen.splice(0).sort((a, b) => a - b), sums);
  jit(f)(x);
  await Promise.resolve();
  assertEquals(seen.splice(0).sort((a, b) => a - b), sums);
  grad((x: Tensor) => f(x).sum())(x);
  await Promise.resolve();
  assertEquals(seen.splice(0).sort((a, b) => a - b), sums);
});

Deno.test("a mesh of one place changes nothing", () => {
  const one = mesh({ data: 1, model: 1 });
  const f = shardMap((x: Tensor) => psum(x, ["data", "model"]).add(axisIndex("data")), {
    inSpecs: shard(one, "data", "model"),
    outSpecs: shard(one, "model", "data"),
  });
  assertEquals(f(x).toArray(), x.toArray());
  const none = shardMap(() => psum(tensor(1), "data"), { inSpecs: ROWS, outSpecs: WHOLE });
  assertEquals((none as () => Tensor)().toArray(), 2);
  const empty = shardMap((x: Tensor) => psum(x, "data"), { inSpecs: ROWS, outSpecs: WHOLE });
  assertEquals(empty(zeros([0, 3])).shape, [0, 3]);
});

// Mistakes.

Deno.test("a function, and shardings of one mesh, are needed", () => {
  const f = (x: Tensor) => x;
  const refuse = (options: unknown, message: string, g: unknown = f) =>
    assertRefused(() => shardMap(g as typeof f, options as never), ArgumentError, message);
  refuse({}, "Cannot apply shardMap to 1: expected a function", 1);
  const without = (name: string) =>
    `Cannot apply shardMap without ${name}: say how each is divided, null for not at all`;
  refuse(undefined, without("inSpecs"));
  refuse({ inSpecs: ROWS }, without("outSpecs"));
  refuse(
    { inSpecs: null, outSpecs: null },
    "Cannot apply shardMap without a mesh: give it, or a sharding over it",
  );
  refuse(
    { inSpecs: ROWS, outSpecs: null, mesh: mesh({ data: 2 }) },
    "Cannot apply shardMap over two meshes: mesh(data: 2) and mesh(data: 2, model: 2)",
  );
  refuse(
    { inSpecs: ROWS, outSpecs: "data" },
    'Cannot apply shardMap: expected shardings, such as shard(mesh, "data"), in outSpecs, got "data"',
  );
  refuse(
    { inSpecs: ROWS, outSpecs: null, mesh: "data" },
    'Cannot apply shardMap: expected a mesh, got "data"',
  );
  refuse(
    { inSpecs: ROWS, outSpecs: null, axisName: "data" },
    'Cannot apply shardMap: there is no option "axisName", the options are inSpecs, outSpecs, mesh',
  );
  const noted = shardMap(f, { inSpecs: null, outSpecs: null, mesh: MESH });
  assertEquals(noted(x).toArray(), x.toArray());
});

Deno.test("what does not fit its sharding is an error", () => {
  const f = shardMap((x: Tensor) => x, { inSpecs: [BLOCKS], outSpecs: BLOCKS });
  assertRefused(
    () => f(arange(4)),
    ShapeError,
    "Cannot shardMap over argument [0] of shape [4] by shard(mesh(data: 2, model: 2), data, model): " +
      "it has too few axes, expected 2 or more",
  );
  assertRefused(
    () => f(zeros([4, 3])),
    ShapeError,
    "Cannot shardMap over argument [0] of shape [4,3] by shard(mesh(data: 2, model: 2), data, model): " +
      "axis 1 of length 3 is not divisible into 2 equal parts",
  );
  assertRefused(
    () => f("x" as unknown as Tensor),
    TreeError,
    'Cannot shardMap over this argument: expected a tensor or number at [0], got "x"',
  );
  assertRefused(
    () => (f as (...xs: Tensor[]) => Tensor)(x, x),
    TreeError,
    "Cannot shardMap with these inSpecs: expected an array of 2 at the root, got an array of 1",
  );
  assertRefused(
    () => shardMap((x: Tensor) => x.sum(), { inSpecs: BLOCKS, outSpecs: ROWS })(x),
    ShapeError,
    "Cannot shardMap to float32[] at the root by shard(mesh(data: 2, model: 2), data): " +
      "it has too few axes",
  );
  assertRefused(
    () => shardMap((x: Tensor) => psum(x, "rows"), { inSpecs: BLOCKS, outSpecs: ROWS })(x),
    ArgumentError,
    'Cannot psum over the axis "rows": in scope are "data", "model"; name the axis with vmap\'s ' +
      "option axisName, or run the function by shardMap over a mesh",
  );
});

Deno.test("a function that decides by values cannot be traced", () => {
  const f = shardMap((x: Tensor) => x.sum().item() > 0 ? x : x.neg(), {
    inSpecs: BLOCKS,
    outSpecs: BLOCKS,
  });
  let error: unknown;
  try {
    f(x);
  } catch (reason) {
    error = reason;
  }
  assertEquals(error instanceof TraceError, true);
});

Deno.test("complex numbers are divided, transformed and summed over places", () => {
  const [re, im] = [0, 1].map((seed) =>
    random.normal(random.key(seed), [4, 6], { dtype: "float64" })
  );
  const z = complex(re, im);
  const f = shardMap((rows: Tensor) => {
    const there = fft.fft(rows);
    return [there, psum(there.sum(0), "data"), pmean(abs(there), "data").sum()];
  }, { inSpecs: ROWS, outSpecs: [ROWS, WHOLE, WHOLE] });
  const there = fft.fft(z);
  for (const run of [f, jit(f)]) {
    const [all, sum, size] = run(z) as [Tensor, Tensor, Tensor];
    assertTensorsClose(all, there);
    assertTensorsClose(sum, there.sum(0));
    assertTensorsClose(size, abs(there).sum().div(2));
  }
  const loss = (a: Tensor, b: Tensor) => abs((f(complex(a, b)) as Tensor[])[1]).sum();
  const plain = (a: Tensor, b: Tensor) => abs(fft.fft(complex(a, b)).sum(0)).sum();
  assertTensorsClose(grad(loss)(re, im), grad(plain)(re, im));
  const each = vmap((row: Tensor) => psum(fft.fft(row), "i"), 0, 0, { axisName: "i" })(z);
  assertTensorsClose(each, there.sum(0).broadcastTo([4, 6]));
});

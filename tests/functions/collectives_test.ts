import fixture from "../fixtures/collectives.json" with { type: "json" };
import {
  allGather,
  allToAll,
  arange,
  ArgumentError,
  AxisError,
  axisIndex,
  concatenate,
  cond,
  cos,
  customJvp,
  customVjp,
  exp,
  full,
  grad,
  hessian,
  inspect,
  jit,
  jvp,
  linearize,
  makeProgram,
  matmul,
  nn,
  noGrad,
  outer,
  pmax,
  pmean,
  pmin,
  ppermute,
  psum,
  psumScatter,
  random,
  rsqrt,
  scan,
  ShapeError,
  sin,
  stack,
  stopGradient,
  tensor,
  tile,
  TraceError,
  TreeError,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from "../../mod.ts";
import type { AxisNames, Dtype, Tensor } from "../../mod.ts";
import { foldConstants } from "../../src/passes/fold_constants.ts";
import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram } from "../../src/core/program.ts";
import type { Program } from "../../src/core/program.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assertEquals } from "../support/std.ts";

const f64 = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "float64" });
const int = (values: Parameters<typeof tensor>[0]) => tensor(values, { dtype: "int32" });

/** `f` over the examples of an axis called "i". */
// deno-lint-ignore no-explicit-any
const over = <Args extends any[], Out>(f: (...args: Args) => Out) =>
  vmap(f, 0, 0, { axisName: "i" });

// Values and derivatives beside JAX's.

const named: Record<string, (a: Tensor) => Tensor> = {
  batch_norm: (a) => {
    const centred = a.sub(pmean(a, "i"));
    return centred.mul(rsqrt(pmean(centred.square(), "i").add(1e-5)));
  },
  softmax: (a) => exp(a).div(psum(exp(a), "i")),
  attend: (a) => {
    const keys = allGather(sin(a), "i");
    return matmul(nn.softmax(matmul(keys, a)), keys);
  },
  around: (a) => ppermute(a.square(), "i", [[0, 2], [1, 0], [2, 3], [3, 1]]).mul(sin(a)),
  numbered: (a) => psum(a.mul(axisIndex("i")), "i").mul(a),
  scanned: (a) =>
    scan(
      (carry: Tensor, v: Tensor) => {
        const next = sin(carry.add(pmean(v.mul(carry), "i")));
        return [next, next.mul(v)];
      },
      axisIndex("i").astype("float64").add(0.5),
      a,
    )[1],
  chosen: (a) =>
    cond(pmean(a.at(0), "i").less(0), (v) => psum(v.square(), "i").mul(v), (v) => sin(v), a),
  scattered: (a) => {
    const rows = outer(sin(a), a);
    const whole = psumScatter(concatenate([rows, a.square().expandDims(0)], 0), "i");
    return whole.mul(psumScatter(tile(rows, [1, 4]), "i", { axis: 1, tiled: true }).sum(1));
  },
  exchanged: (a) => {
    const rows = concatenate([outer(sin(a), a), a.square().expandDims(0)], 0);
    const sent = allToAll(stopGradient(rows), "i", 0, 1);
    const tiles = allToAll(stack([rows, sent.transpose().mul(a)], 2), "i", 0, 1, { tiled: true });
    return matmul(sent, arange(4).astype("float64")).mul(
      tiles.at(0).sum(1).reshape([3, 4]).sum(1),
    );
  },
};

const nested: Record<string, (a: Tensor) => Tensor> = {
  over_both: (a) => exp(a).div(psum(exp(a), ["i", "j"])),
  over_each: (a) => pmean(a.square(), "j").mul(psum(a, "i")),
  place: (a) => a.mul(axisIndex(["i", "j"])).add(axisIndex("j")),
};

for (const { name, y, inside, outside } of fixture.cases) {
  Deno.test(`${name} over a named axis has JAX's values and derivatives`, () => {
    const [x, weights] = [f64(fixture.x), f64(fixture.weights)];
    for (const f of [named[name], jit(named[name])]) {
      const loss = (a: Tensor, w: Tensor) => f(a).mul(w).sum();
      const close = { rtol: 1e-12, atol: 1e-13 };
      assertTensorsClose(over(f)(x), f64(y), close);
      assertTensorsClose(over(grad(loss))(x, weights), f64(inside), close);
      assertTensorsClose(jit(over(grad(loss)))(x, weights), f64(inside), close);
      const total = (a: Tensor) => over(f)(a).mul(weights).sum();
      assertTensorsClose(grad(total)(x), f64(outside), close);
      assertTensorsClose(jit(grad(total))(x), f64(outside), close);
    }
  });
}

for (const { name, y, inside } of fixture.nested.cases) {
  Deno.test(`${name} within two named axes has JAX's values and derivatives`, () => {
    const x = f64(fixture.nested.x);
    const twice = (f: (a: Tensor) => Tensor) => over(vmap(f, 0, 0, { axisName: "j" }));
    for (const f of [nested[name], jit(nested[name])]) {
      assertTensorsClose(twice(f)(x), f64(y), { rtol: 1e-12 });
      assertTensorsClose(twice(grad(f))(x), f64(inside), { rtol: 1e-12 });
    }
  });
}

const meshed: Record<string, (a: Tensor) => Tensor> = {
  scatter_both: (a) => {
    const rows = sin(a.mul(arange(24))).reshape([12, 2]);
    const one = psumScatter(rows.at([0, 6]), ["i", "j"]).sum();
    const other = psumScatter(rows, ["j", "i"], { tiled: true }).at(1, 0);
    return one.mul(other).mul(axisIndex("j"));
  },
  exchange_both: (a) => {
    const rows = sin(a.mul(arange(36))).reshape([3, 6, 2]);
    const each = (x: Tensor) => x.mul(cos(arange(36).astype("float64")).reshape(x.shape)).sum();
    const parts = [0, 1, 2].map((axis) =>
      each(allToAll(stopGradient(rows), ["i", "j"], 1, axis)).mul(axis + 1)
    );
    const tiles = [0, 1, 2].map((axis) =>
      each(allToAll(rows, ["j", "i"], 1, axis, { tiled: true })).mul(axis + 0.5)
    );
    return [...parts, ...tiles].reduce((a, b) => a.add(b));
  },
};

for (const { name, y, outside } of fixture.mesh) {
  Deno.test(`${name} on a mesh has JAX's values and derivatives`, () => {
    const x = f64(fixture.nested.x);
    for (const f of [meshed[name], jit(meshed[name])]) {
      const mapped = over(vmap(f, 0, 0, { axisName: "j" }));
      assertTensorsClose(mapped(x), f64(y), { rtol: 1e-11 });
      assertTensorsClose(grad((x: Tensor) => mapped(x).sum())(x), f64(outside), { rtol: 1e-11 });
    }
  });
}

// What each gives.

const x = f64([1, 2, 4]);

Deno.test("a collective gives every example the same", () => {
  assertEquals(over((x) => psum(x, "i"))(x).toArray(), [7, 7, 7]);
  assertEquals(over((x) => pmean(x, "i"))(x).toArray(), [7 / 3, 7 / 3, 7 / 3]);
  assertEquals(over((x) => pmax(x, "i"))(x).toArray(), [4, 4, 4]);
  assertEquals(over((x) => pmin(x, "i"))(x).toArray(), [1, 1, 1]);
  assertEquals(over((x) => allGather(x, "i"))(x).toArray(), [[1, 2, 4], [1, 2, 4], [1, 2, 4]]);
  assertEquals(over((_x: Tensor) => axisIndex("i"))(x).toArray(), [0, 1, 2]);
});

Deno.test("what a collective gives is shared: it may leave vmap without an axis", () => {
  const shared = (f: (x: Tensor) => Tensor) => vmap(f, 0, null, { axisName: "i" })(x).toArray();
  assertEquals(shared((x) => psum(x, "i")), 7);
  assertEquals(shared((x) => allGather(x, "i")), [1, 2, 4]);
  assertEquals(shared(jit((x: Tensor) => pmax(x, "i"))), 4);
});

Deno.test("what all examples share takes part once for each of them", () => {
  const c = f64([10, 20]);
  const options = { axisName: "i", axisSize: 3 };
  const give = (f: () => Tensor) => vmap(f, 0, null, options)().toArray();
  assertEquals(give(() => psum(c, "i")), [30, 60]);
  assertEquals(give(() => pmean(c, "i")), [10, 20]);
  assertEquals(give(() => pmax(c, "i")), [10, 20]);
  assertEquals(give(() => allGather(c, "i")), [[10, 20], [10, 20], [10, 20]]);
  assertEquals(give(() => ppermute(c, "i", [[0, 1], [1, 2], [2, 0]])), [10, 20]);
  assertEquals(
    vmap(() => ppermute(c, "i", [[0, 1]]), 0, 0, options)().toArray(),
    [[0, 0], [10, 20], [0, 0]],
  );
  assertEquals(give(jit(() => psum(c, "i"))), [30, 60]);
});

Deno.test("a number is multiplied at once, so that the axis's length is known while tracing", () => {
  const seen: number[] = [];
  const count = (x: Tensor) => {
    seen.push(psum(1, "i").item(), psum(0.5, "i").item());
    return x;
  };
  over(count)(x);
  over(jit(count))(x);
  over(grad(count))(x);
  assertEquals(seen, [3, 1.5, 3, 1.5, 3, 1.5]);
});

Deno.test("collectives take trees, and give trees of the same structure", () => {
  const f = (x: Tensor) => psum({ a: x, b: [x.mul(2), 1] as const, none: null }, "i");
  const { a, b, none } = vmap(f, 0, null, { axisName: "i" })(x);
  assertEquals([a.toArray(), b[0].toArray(), b[1].toArray(), none], [7, 14, 3, null]);
});

Deno.test("integers stay integers, bools are counted, and means are floats", () => {
  const types = (x: Tensor) => [
    psum(x, "i"),
    pmean(x, "i"),
    pmax(x, "i"),
    pmin(x, "i"),
    allGather(x, "i"),
    ppermute(x, "i", [[0, 1]]),
  ];
  const dtypesOf = (x: Tensor) => over(types)(x).map(({ dtype }) => dtype);
  const same = (dtype: Dtype) => [dtype, dtype, dtype, dtype, dtype, dtype];
  assertEquals(dtypesOf(f64([1, 2])), same("float64"));
  assertEquals(dtypesOf(tensor([1, 2])), same("float32"));
  assertEquals(dtypesOf(int([1, 2])), same("int32").with(1, "float32"));
  assertEquals(dtypesOf(tensor([true, false])), same("bool").with(0, "int32").with(1, "float32"));
  const [sum, mean, most, least, all, moved] = over(types)(tensor([true, false]));
  assertEquals([sum, mean].map((x) => x.toArray()), [[1, 1], [0.5, 0.5]]);
  assertEquals(most.toArray(), [true, true]);
  assertEquals(least.toArray(), [false, false]);
  assertEquals(all.toArray(), [[true, false], [true, false]]);
  assertEquals(moved.toArray(), [false, true]);
  const large = tensor([2 ** 32 - 1, 3], { dtype: "uint32" });
  assertEquals(over((x) => pmin(x, "i"))(large).toArray(), [3, 3]);
  assertEquals(over((x) => psum(x, "i"))(large).toArray(), [2, 2]);
});

Deno.test("allGather lists examples along any axis, and joins them in tiles", () => {
  const x = f64([[1, 2], [3, 4], [5, 6]]);
  const gather = (axisName: AxisNames, options?: { axis?: number; tiled?: boolean }) =>
    vmap((x: Tensor) => allGather(x, axisName, options), 0, null, { axisName: "i" })(x).toArray();
  assertEquals(gather("i"), [[1, 2], [3, 4], [5, 6]]);
  assertEquals(gather("i", { axis: 1 }), [[1, 3, 5], [2, 4, 6]]);
  assertEquals(gather("i", { axis: -1 }), [[1, 3, 5], [2, 4, 6]]);
  assertEquals(gather("i", { tiled: true }), [1, 2, 3, 4, 5, 6]);
  assertEquals(gather(["i"], { axis: -1, tiled: true }), [1, 2, 3, 4, 5, 6]);
});

Deno.test("psumScatter gives each example its part of the sum, and allGather makes psum of it", () => {
  const x = f64([[1, 2, 3, 4], [10, 20, 30, 40]]);
  assertEquals(over((x) => psumScatter(x.reshape([2, 2]), "i"))(x).toArray(), [[11, 22], [33, 44]]);
  const last = over((x) => psumScatter(x.reshape([2, 2]), "i", { axis: -1 }));
  assertEquals(last(x).toArray(), [[11, 33], [22, 44]]);
  const tiles = (x: Tensor) => psumScatter(x, "i", { tiled: true });
  assertEquals(over(tiles)(x).toArray(), [[11, 22], [33, 44]]);
  const both = over((x) => [allGather(tiles(x), "i", { tiled: true }), psum(x, "i")]);
  const [gathered, sum] = both(x);
  assertEquals(gathered.toArray(), sum.toArray());
  assertEquals(over((x) => psumScatter(x.greater(3), "i"))(f64([[1, 5], [6, 7]])).toArray(), [
    1,
    2,
  ]);
});

Deno.test("allToAll exchanges rows and columns, and undoes itself", () => {
  const x = arange(12).reshape([2, 2, 3]);
  const turn = over((x) => allToAll(x, "i", 0, 0));
  assertEquals(turn(x).toArray(), x.transpose([1, 0, 2]).toArray());
  assertEquals(turn(turn(x)).toArray(), x.toArray());
  assertEquals(over((x) => allToAll(x, "i", 0, 1))(x).toArray(), x.transpose([1, 2, 0]).toArray());
  // What was divided along one axis is divided along another.
  const whole = arange(24).reshape([4, 6]);
  const rows = whole.reshape([2, 2, 6]);
  const columns = over((x) => allToAll(x, "i", 1, 0, { tiled: true }))(rows);
  assertEquals(columns.toArray(), whole.reshape([4, 2, 3]).transpose([1, 0, 2]).toArray());
  const back = over((x) => allToAll(x, "i", -2, -1, { tiled: true }))(columns);
  assertEquals(back.toArray(), rows.toArray());
});

Deno.test("over several axes, examples are counted with the last one the fastest", () => {
  const x = f64([[1, 2, 3], [4, 5, 6]]);
  const both = (f: (x: Tensor) => Tensor) =>
    over(vmap(f, 0, 0, { axisName: "j" }))(x).toArray() as unknown[][];
  assertEquals(both((x) => psum(x, ["i", "j"]))[1][2], 21);
  assertEquals(both((x) => pmean(x, ["j", "i"]))[1][2], 3.5);
  assertEquals(both((x) => pmax(x, ["j", "i"]))[0][0], 6);
  assertEquals(both((x) => pmin(x, ["j", "i"]))[1][2], 1);
  assertEquals(both((x) => allGather(x, ["i", "j"]))[0][1], [1, 2, 3, 4, 5, 6]);
  assertEquals(both((x) => allGather(x, ["j", "i"]))[0][1], [1, 4, 2, 5, 3, 6]);
  assertEquals(both(() => axisIndex(["i", "j"])), [[0, 1, 2], [3, 4, 5]]);
  assertEquals(both(() => axisIndex(["j", "i"])), [[0, 2, 4], [1, 3, 5]]);
});

Deno.test("pmean is in range where the sum is not", () => {
  const x = full([4], 1.7e308, { dtype: "float64" });
  const f = over((x) => pmean(x, "i"));
  for (const g of [f, jit(f)]) {
    assertEquals(g(x).toArray(), x.toArray());
    const slope = grad((x: Tensor) => (g(x) as Tensor).at(0))(x);
    assertEquals(slope.toArray(), [0.25, 0.25, 0.25, 0.25]);
  }
});

Deno.test("collectives over an axis of no examples give nothing to nobody", () => {
  const none = zeros([0, 2]);
  assertEquals(over((x) => psum(x, "i"))(none).shape, [0, 2]);
  assertEquals(vmap((x: Tensor) => psum(x, "i"), 0, null, { axisName: "i" })(none).toArray(), [
    0,
    0,
  ]);
  assertEquals(over((x) => allGather(x, "i"))(none).shape, [0, 0, 2]);
  assertEquals(over((x) => ppermute(x, "i", []))(none).shape, [0, 2]);
  assertEquals(over((_x: Tensor) => axisIndex("i"))(none).shape, [0]);
  assertRefused(
    () => over((x) => pmax(x, "i"))(none),
    ShapeError,
    'Cannot take the pmax of float32[2] over the axis "i": expected at least one example to ' +
      "choose from, current number is 0",
  );
});

Deno.test("extremes share the derivative evenly among ties, and take NaN for the extreme", () => {
  const ties = f64([3, 1, 3, 3]);
  const third = 1 / 3;
  // Inside, the cotangents of four examples come together.
  assertTensorsClose(over(grad((x) => pmax(x, "i")))(ties), f64([4, 0, 4, 4]).div(3));
  const total = (f: (x: Tensor) => Tensor) => vmap(f, 0, null, { axisName: "i" });
  assertTensorsClose(grad(total((x) => pmax(x, "i")))(ties), f64([third, 0, third, third]));
  assertTensorsClose(grad(total((x) => pmin(x, "i")))(ties), f64([0, 1, 0, 0]));
  assertEquals(over((x) => pmax(x, "i"))(f64([1, NaN])).toArray(), [NaN, NaN]);
  assertEquals(over((x) => pmin(x, "i"))(f64([1, NaN])).toArray(), [NaN, NaN]);
});

// Transforms inside of the axis.

Deno.test("the derivative of a sum over examples is that of all of them together", () => {
  const f = (x: Tensor) => psum(x.square(), "i");
  assertEquals(over(grad(f))(x).toArray(), [6, 12, 24]);
  assertEquals(over((x) => jvp(f, [x], [x])[1])(x).toArray(), [42, 42, 42]);
  assertEquals(over((x) => linearize(f, x)[1](x))(x).toArray(), [42, 42, 42]);
  assertEquals(over((x) => vjp(f, x)[1](1)[0])(x).toArray(), [6, 12, 24]);
  assertEquals(over(hessian(f))(x).toArray(), [6, 6, 6]);
  assertEquals(over(grad((x) => psum(noGrad(f)(x).mul(x), "i")))(x).toArray(), [63, 63, 63]);
});

Deno.test("each part of a batch takes the step of the whole", () => {
  const key = random.key(3);
  const [w, xs, ys] = [random.normal(key, [3]), random.normal(key, [4, 2, 3]), zeros([4, 2])];
  const loss = (w: Tensor, x: Tensor, y: Tensor) => matmul(x, w).sub(y).square().mean();
  const whole = grad(loss)(w, xs.reshape([8, 3]), ys.reshape([8]));
  const part = (w: Tensor, x: Tensor, y: Tensor) => pmean(grad(loss)(w, x, y), "parts");
  const parts = (f: typeof part) => vmap(f, [null, 0, 0], null, { axisName: "parts" });
  for (const step of [parts(part), parts(jit(part)), jit(parts(part)), jit(parts(jit(part)))]) {
    assertTensorsClose(step(w, xs, ys), whole, { rtol: 1e-5 });
  }
});

Deno.test("programs that mention the axis are batched though nothing mapped goes in", () => {
  const numbered = jit((c: Tensor) => c.add(axisIndex("i")));
  const counted = (c: Tensor) =>
    scan((carry: Tensor, _x: null) => [carry.add(axisIndex("i")), carry], c, null, {
      length: 3,
    })[0];
  const grown = (c: Tensor) => whileLoop((v) => v.less(10), (v) => v.add(axisIndex("i")).add(1), c);
  const branch = (c: Tensor) => cond(c.greater(0), (c) => c.mul(axisIndex("i")), (c) => c, c);
  const c = f64(5);
  for (
    const [f, expected] of [
      [numbered, [5, 6, 7]],
      [counted, [5, 8, 11]],
      [grown, [10, 11, 11]],
      [branch, [0, 5, 10]],
      [jit(counted), [5, 8, 11]],
      [jit(grown), [10, 11, 11]],
      [jit(branch), [0, 5, 10]],
    ] as const
  ) {
    const options = { axisName: "i", axisSize: 3 };
    assertEquals(vmap(() => f(c), 0, 0, options)().toArray(), expected);
    assertEquals(vmap(f, null, 0, options)(c).toArray(), expected);
    assertEquals(jit(vmap(f, null, 0, options))(c).toArray(), expected);
  }
});

Deno.test("in a loop, examples that are done take part with the values at which they stopped", () => {
  // 1, 2 and 4 grow by their sum until they reach 20: 7, 14, 28 after a step of 7, 9, 11 …
  const f = (x: Tensor) => whileLoop((v) => v.less(9), (v) => v.add(psum(v, "i")), x);
  // Sums are 7 (giving 8, 9, 11) and 28, for the first alone.
  assertEquals(over(f)(x).toArray(), [36, 9, 11]);
  assertEquals(over(jit(f))(x).toArray(), [36, 9, 11]);
  // Tangents go the same way: 1, 1, 1, then 4, 4, 4, then 16 for the first.
  const slope = over((x) => jvp(f, [x], [f64(1)])[1]);
  assertEquals(slope(x).toArray(), [16, 4, 4]);
  // While all go on, or none does, there is one loop.
  const together = (x: Tensor) => whileLoop((v) => psum(v, "i").less(50), (v) => v.mul(2), x);
  assertEquals(over(together)(x).toArray(), [8, 16, 32]);
});

Deno.test("a branch that each example chooses for itself holds no collective", () => {
  const message = 'Cannot use a collective over the axis "i" in a branch that each example ' +
    "chooses for itself: use it before cond or switchCase, or choose between results with where";
  const f = (x: Tensor) => cond(x.greater(1), (x) => psum(x, "i"), (x) => x, x);
  assertRefused(() => over(f)(x), ArgumentError, message);
  assertRefused(() => over(jit(f))(x), ArgumentError, message);
  assertRefused(() => over(grad(f))(x), ArgumentError, message);
  // The same with an axis in between, along which examples may differ, but these ones do as well.
  const apart = (x: Tensor, s: Tensor) =>
    vmap((t: Tensor) => cond(t.mul(x).greater(1), (t) => psum(t, "i"), (t) => t, t))(s);
  assertRefused(() => vmap(apart, [0, null], 0, { axisName: "i" })(x, x), ArgumentError, message);
  const alike = (x: Tensor, s: Tensor) =>
    vmap((t: Tensor) => cond(t.greater(1), (t) => psum(t.mul(x), "i"), (t) => t, t))(s);
  const run = vmap(alike, [0, null], 0, { axisName: "i" });
  assertEquals(run(x, x).toArray(), [[1, 14, 28], [1, 14, 28], [1, 14, 28]]);
  // An example's own number is no message from another.
  const own = (x: Tensor) => cond(x.greater(1), (x) => x.add(axisIndex("i")), (x) => x, x);
  assertEquals(over(own)(x).toArray(), [1, 3, 6]);
});

Deno.test("derivative rules may hold collectives, wherever the derivative is taken", () => {
  const reverse = customVjp(
    (x: Tensor) => x.mul(2),
    (x: Tensor): [Tensor, null] => [x.mul(2), null],
    (_: null, ct: Tensor) => [pmean(ct.mul(2), "i")],
  );
  const forward = customJvp(
    (x: Tensor) => x.mul(2),
    ([x]: [Tensor], [dx]: [Tensor]) => [x.mul(2), pmean(dx.mul(2), "i")],
  );
  const loss = (f: (x: Tensor) => Tensor) => (x: Tensor) => f(x).mul(axisIndex("i"));
  for (const f of [reverse, forward, jit(reverse), jit(forward)]) {
    assertEquals(over(grad(loss(f)))(x).toArray(), [2, 2, 2]);
    assertEquals(grad((x) => over(loss(f))(x).sum())(x).toArray(), [2, 2, 2]);
    assertEquals(jit(grad((x) => over(loss(f))(x).sum()))(x).toArray(), [2, 2, 2]);
    assertEquals(over((x) => jvp(loss(f), [x], [f64(3)])[1])(x).toArray(), [0, 6, 12]);
  }
});

Deno.test("over another axis, a collective does to each example what it does alone", () => {
  const values = random.normal(random.key(5), [3, 4, 2, 5]);
  const options = { axisName: "i" };
  const all: readonly ((x: Tensor) => Tensor)[] = [
    (x) => psum(x, "i"),
    (x) => pmax(x, "i"),
    (x) => pmin(x, "i"),
    (x) => ppermute(x, "i", [[0, 1], [2, 0]]),
    (x) => allGather(x, "i"),
    (x) => allGather(x, "i", { axis: 1 }),
    (x) => allGather(x, "i", { axis: 2 }),
    (x) => allGather(x, "i", { axis: 1, tiled: true }),
    (x) => psumScatter(allGather(x, "i", { axis: 1 }), "i", { axis: 1 }),
    (x) => psumScatter(allGather(x, "i", { tiled: true }), "i", { tiled: true }),
    (x) => allToAll(allGather(x, "i", { axis: 1 }), "i", 1, 0),
    (x) => allToAll(allGather(x, "i"), "i", 0, 2),
    (x) => allToAll(allGather(x, "i"), "i", 0, 1, { tiled: true }),
  ];
  // Examples of "i" are at the front; those of the inner axis wherever they are.
  for (const f of all) {
    for (const axis of [0, 1, 2]) {
      const inner = vmap(vmap(f, axis, axis), 0, 0, options)(values);
      for (let k = 0; k < values.shape[axis + 1]; k++) {
        const alone = vmap(f, 0, 0, options)(values.take(k, axis + 1));
        assertTensorsClose(inner.take(k, axis + 1), alone, { rtol: 0, atol: 0 });
        // The gradient of one is one example of the gradients of all.
        const loss = (x: Tensor) => {
          const y = f(x);
          return y.mul(sin(arange(y.size)).reshape(y.shape)).sum().square();
        };
        const gradients = vmap(vmap(grad(loss), axis, axis), 0, 0, options)(values);
        const gradient = vmap(grad(loss), 0, 0, options)(values.take(k, axis + 1));
        assertTensorsClose(gradients.take(k, axis + 1), gradient, { rtol: 1e-5, atol: 1e-5 });
      }
    }
  }
});

// Names.

Deno.test("of axes inside each other with one name, the innermost is meant", () => {
  const inner = vmap((x: Tensor) => psum(x, "i"), 0, 0, { axisName: "i" });
  assertEquals(over((x) => inner(x))(f64([[1, 2], [3, 4]])).toArray(), [[3, 3], [7, 7]]);
  const around = (x: Tensor) => inner(x).add(psum(x, "i"));
  assertEquals(over(around)(f64([[1, 2], [3, 4]])).toArray(), [[7, 9], [11, 13]]);
  assertEquals(over(jit(around))(f64([[1, 2], [3, 4]])).toArray(), [[7, 9], [11, 13]]);
});

Deno.test("a derivative means the axis of where it was taken, whatever is around it later", () => {
  const f = (x: Tensor) => {
    const [, push] = linearize((x: Tensor) => psum(x.square(), "i"), x);
    return vmap((dx: Tensor) => push(dx), 0, 0, { axisName: "i" })(f64([1, 10]));
  };
  assertEquals(over(f)(x).toArray(), [[14, 140], [14, 140], [14, 140]]);
});

Deno.test("any string names an axis, unless it ends in an apostrophe", () => {
  for (const axisName of ["", "a b", "'a", "__proto__", "constructor", "é"]) {
    const f = vmap((x: Tensor) => psum(x, axisName), 0, null, { axisName });
    assertEquals(f(x).toArray(), 7);
    assertEquals(jit(f)(x).toArray(), 7);
  }
  for (const [axisName, shown] of [["i'", `"i'"`], [1, "1"], [null, "null"], [["i"], '["i"]']]) {
    assertRefused(
      () => vmap((x: Tensor) => x, 0, 0, { axisName: axisName as string }),
      ArgumentError,
      "Cannot apply vmap: the name of an axis must be a string that does not end in an apostrophe, got " +
        shown,
    );
  }
});

Deno.test("a jitted function is traced again for other axes, and kept for the same", () => {
  let traced = 0;
  const f = jit((x: Tensor) => {
    traced++;
    return psum(x, "i");
  });
  assertEquals(over(f)(x).toArray(), [7, 7, 7]);
  assertEquals(over(f)(x.mul(2)).toArray(), [14, 14, 14]);
  assertEquals(traced, 1);
  assertEquals(over(f)(f64([1, 2])).toArray(), [3, 3]);
  assertEquals(traced, 2);
  const within = (x: Tensor) => vmap(f, 0, 0, { axisName: "i" })(x);
  assertEquals(over(within)(f64([[1, 2, 4]])).toArray(), [[7, 7, 7]]);
  assertEquals(traced, 3);
  assertEquals(over(f)(x).toArray(), [7, 7, 7]);
  assertEquals(traced, 3);
  const reasons: string[] = [];
  vmap(
    (x: Tensor) => {
      reasons.push(...f.explain(x).split("\n"));
      return x;
    },
    0,
    0,
    { axisName: "j" },
  )(f64([1, 2]));
  assertEquals(
    reasons[0],
    'Traced: program 0 does not fit: the named axes in scope were "i" of length 3, ' +
      'now "j" of length 2',
  );
  assertEquals(
    f.explain(x).split("\n")[2],
    'Traced: program 2 does not fit: the named axes in scope were "i" of length 2, now none',
  );
});

Deno.test("a function compiled outside may be used inside, and the other way around", () => {
  const f = jit(over((x) => x.sub(pmean(x, "i"))));
  assertTensorsClose(f(x), x.sub(x.mean()));
  assertTensorsClose(vmap(f)(f64([[1, 2], [3, 5]])), f64([[-0.5, 0.5], [-1, 1]]));
  assertTensorsClose(grad((x) => f(x).square().sum())(x), x.sub(x.mean()).mul(2));
});

Deno.test("programs say over which axis their collectives work", () => {
  let program: Program | undefined;
  over((x) => {
    program = makeProgram((y: Tensor) => psum(cos(y), "i"))(x);
    return x;
  })(x);
  checkProgram(program!);
  assertEquals(
    String(program),
    "program(a: float64[]) {\n" +
      "  b: float64[] = cos(a)\n" +
      "  c: float64[] = psum(b) { axisName: i, axisSize: 3 }\n" +
      "  return (c)\n" +
      "}",
  );
  assertEquals(inspect.countOperations(program!), { cos: 1, psum: 1 });
  assertRefused(
    () => evaluateProgram(program!, [x.at(0)]),
    TraceError,
    'Cannot compute psum over the axis "i": the vmap over it has ended; ' +
      "use what was made in its function there",
  );
  assertRefused(
    () => over((x) => evaluateProgram(program!, [x])[0])(f64([1, 2])),
    ArgumentError,
    'Cannot compute psum over the axis "i" of length 2: it was made for one of length 3',
  );
  assertEquals(String(makeProgram(over((x) => psum(x, "i")))(x)).includes("psum"), false);
});

Deno.test("constants are folded around collectives, not through them", () => {
  let program: Program | undefined;
  over((x) => {
    program = makeProgram((y: Tensor) => [
      y.add(axisIndex("i")),
      psum(tensor(2).mul(3), "i"),
      ppermute(zeros([2]), "i", [[0, 1]]),
    ])(x);
    return x;
  })(x);
  const folded = foldConstants(program!);
  checkProgram(folded);
  assertEquals(inspect.countOperations(folded), { axisIndex: 1, convert: 1, add: 1, psum: 1 });
  assertEquals(over((x) => evaluateProgram(folded, [x])[1])(x).toArray(), [18, 18, 18]);
});

// Mistakes.

Deno.test("a collective without its axis is an error that names what is in scope", () => {
  const advice =
    "name the axis with vmap's option axisName, or run the function by shardMap over a mesh";
  const none = `no named axis is in scope; ${advice}`;
  assertRefused(() => psum(x, "i"), ArgumentError, `Cannot psum over the axis "i": ${none}`);
  assertRefused(
    () => jit((x: Tensor) => pmean(x, "i"))(x),
    ArgumentError,
    `Cannot pmean over the axis "i": ${none}`,
  );
  assertRefused(
    () => makeProgram(() => axisIndex("i"))(),
    ArgumentError,
    `Cannot take the axisIndex over the axis "i": ${none}`,
  );
  assertRefused(
    () => vmap((x: Tensor) => pmax(x, "i"))(x),
    ArgumentError,
    `Cannot pmax over the axis "i": ${none}`,
  );
  const both = vmap((x: Tensor) => pmin(x, "k"), 0, 0, { axisName: "j" });
  assertRefused(
    () => over(both)(f64([[1]])),
    ArgumentError,
    `Cannot pmin over the axis "k": in scope are "i", "j"; ${advice}`,
  );
  // Nor is it there once vmap has returned, or has failed.
  assertRefused(() => psum(1, "i"), ArgumentError, `Cannot psum over the axis "i": ${none}`);
});

Deno.test("names that are none are errors", () => {
  const psumOver = (name: unknown) => () => over((x) => psum(x, name as string))(x);
  const expected = "expected the name of an axis, or a list of names";
  for (
    const [name, shown] of [[0, "0"], [undefined, "undefined"], [null, "null"], [{}, "object"]]
  ) {
    assertRefused(psumOver(name), ArgumentError, `Cannot psum over ${shown}: ${expected}`);
  }
  assertRefused(psumOver(["i", 1]), ArgumentError, `Cannot psum over 1: ${expected}`);
  assertRefused(
    psumOver(new Array(1)),
    ArgumentError,
    `Cannot psum over undefined: ${expected}`,
  );
  assertRefused(psumOver([]), ArgumentError, "Cannot psum over no axes: name at least one");
  assertRefused(
    psumOver(["i", "i"]),
    ArgumentError,
    'Cannot psum: the axis "i" is named twice',
  );
  assertRefused(
    () => over((x) => ppermute(x, ["i"] as unknown as string, []))(x),
    ArgumentError,
    `Cannot ppermute over ["i"]: ${expected}`,
  );
});

Deno.test("leaves that are no tensors are errors that name their place", () => {
  assertRefused(
    () => over((x) => psum({ a: [x, "b"] }, "i").a[0] as Tensor)(x),
    TreeError,
    'Cannot psum: expected a tensor or number at .a[1], got "b"',
  );
});

Deno.test("allGather's options are checked", () => {
  const gather = (options: unknown) => () =>
    over((x) => allGather(x, "i", options as { axis: number }))(x);
  assertRefused(
    gather({ axis: 1 }),
    AxisError,
    "Cannot allGather float64[]: axis 1 is out of range, expected -1 to 0",
  );
  assertRefused(
    gather({ axis: 0, tiled: true }),
    AxisError,
    "Cannot allGather float64[]: axis 0 is out of range, a scalar has no axes",
  );
  assertRefused(
    gather({ axis: 0.5 }),
    AxisError,
    "Cannot allGather float64[]: expected an integer axis, got 0.5",
  );
  assertRefused(
    gather({ tiled: 1 }),
    ArgumentError,
    "Cannot allGather: tiled must be true or false, got 1",
  );
  assertRefused(
    gather({ axes: 0 }),
    ArgumentError,
    'Cannot allGather: there is no option "axes", the options are axis, tiled',
  );
  assertRefused(
    gather(0),
    ArgumentError,
    "Cannot allGather: expected options such as { axis }, got 0",
  );
});

Deno.test("psumScatter and allToAll say which length the axis should have", () => {
  const refuse = (f: (x: Tensor) => Tensor, kind: typeof ShapeError, message: string) =>
    assertRefused(() => over(f)(zeros([3, 4, 6])), kind, message);
  const count = "the number of examples, as its length";
  refuse(
    (x) => psumScatter(x, "i"),
    ShapeError,
    `Cannot psumScatter float32[4,6] along axis 0: expected 3, ${count}`,
  );
  refuse(
    (x) => psumScatter(x, "i", { tiled: true }),
    ShapeError,
    `Cannot psumScatter float32[4,6] along axis 0: expected a multiple of 3, ${count}`,
  );
  refuse(
    (x) => allToAll(x, "i", -1, 0),
    ShapeError,
    `Cannot allToAll float32[4,6] along axis 1: expected 3, ${count}`,
  );
  refuse(
    (x) => allToAll(x, "i", 1, 2, { tiled: true }),
    AxisError,
    "Cannot allToAll float32[4,6]: axis 2 is out of range, expected -2 to 1",
  );
  refuse(
    (x) => allToAll(x, "i", undefined as unknown as number, 0),
    AxisError,
    "Cannot allToAll float32[4,6]: expected an integer axis, got undefined",
  );
  refuse(
    (x) => allToAll(x, "j", 0, 0),
    ArgumentError,
    'Cannot allToAll over the axis "j": in scope are "i"; name the axis with vmap\'s option axisName' +
      ", or run the function by shardMap over a mesh",
  );
  refuse(
    (x) => allToAll(x, "i", 1, 0, { axis: 1 } as unknown as { tiled: boolean }),
    ArgumentError,
    'Cannot allToAll: there is no option "axis", the options are tiled',
  );
});

Deno.test("a permutation sends from and to examples that there are, once each", () => {
  const send = (pairs: unknown) => () =>
    over((x) => ppermute(x, "i", pairs as [number, number][]))(x);
  const what = 'Cannot ppermute over the axis "i" of length 3';
  const expected = `${what}: expected pairs [source, destination] of integers from 0 to 2, got `;
  assertRefused(
    send(1),
    ArgumentError,
    `${what}: expected a list of pairs [source, destination], got 1`,
  );
  assertRefused(send([0, 1]), ArgumentError, `${expected}0`);
  assertRefused(send([[0, 1, 2]]), ArgumentError, `${expected}[0, 1, 2]`);
  assertRefused(send([[0, 3]]), ArgumentError, `${expected}[0, 3]`);
  assertRefused(send([[-1, 0]]), ArgumentError, `${expected}[-1, 0]`);
  assertRefused(send([[0, NaN]]), ArgumentError, `${expected}[0, NaN]`);
  assertRefused(send([new Array(2)]), ArgumentError, `${expected}[, ]`);
  assertRefused(send(new Array(1)), ArgumentError, `${expected}undefined`);
  assertRefused(send([[0, 1], [0, 2]]), ArgumentError, `${what}: 0 is a source twice`);
  assertRefused(send([[0, 1], [2, 1]]), ArgumentError, `${what}: 1 is a destination twice`);
  assertEquals(send([[-0, 1]])().toArray(), [0, 1, 0]);
});

/**
 * Functions in every place of a mesh of XLA's devices: they mean what they mean without any.
 *
 * @module
 */
import {
  allGather,
  allToAll,
  arange,
  axisIndex,
  debugCallback,
  devices as jacobiDevices,
  full,
  grad,
  IndexError,
  jit,
  jvp,
  makeProgram,
  matmul,
  mesh,
  onesLike,
  pmax,
  pmean,
  pmin,
  ppermute,
  psum,
  psumScatter,
  random,
  shard,
  shardMap,
  stack,
  tensor,
  toDevice,
  vjp,
  vmap,
  whileLoop,
  withSharding,
} from "../../../mod.ts";
import type { Concrete, Dtype, Mesh, Tensor } from "../../../mod.ts";
import { range } from "../../../src/base/shape.ts";
import { openXla } from "../../../src/backends/xla/mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { randomProgram } from "../../control/shard_map_programs.ts";
import { SHAPES, subjectsOver } from "../../control/shard_map_subjects.ts";
import { assertNear } from "../../laws/assertions.ts";
import { distinct, fromValues, makeRandom, seedOf } from "../../laws/values.ts";
import { assertEquals, assertStrictEquals, assertThrows } from "../../support/std.ts";
import { xlaTest } from "./support.ts";

let opened: ReturnType<typeof openXla> | null = null;

/** Eight devices, opened once. */
function eight(): ReturnType<typeof openXla> {
  return opened ??= openXla({ options: { cpu_device_count: 8 } });
}

const plain = mesh({ i: 2, j: 3 });

/** Six of them, in no order. */
function machines(): Mesh {
  return mesh({ i: 2, j: 3 }, [5, 0, 3, 7, 1, 2].map((i) => eight()[i]));
}

type Many = (...args: Tensor[]) => Tensor[];

/** A function with its derivatives and over a batch, each compiled. */
function waysOf(f: Many): readonly Many[] {
  const pull: Many = (...args) => {
    const [y, back] = vjp(f, ...args);
    return [...y, ...back(y.map((one) => one.sin()))];
  };
  const second: Many = (...args) => jvp(pull, args, args)[1] as Tensor[];
  const batched: Many = (...args) =>
    (vmap(f) as unknown as Many)(...args.map((x) => stack([x, x.mul(2)])));
  return [pull, second, batched].map((way) => jit(way) as unknown as Many);
}

for (const isExtreme of [false, true]) {
  for (const name of Object.keys(subjectsOver(plain, isExtreme))) {
    xlaTest(`${name} in every place of six devices`, () => {
      const random = makeRandom(seedOf(name));
      const args = SHAPES.map((shape): Tensor => {
        const size = shape.reduce<number>((a, b) => a * b, 1);
        return fromValues(distinct(random, size), "float64", [...shape]);
      });
      const [there, here] = [machines(), plain].map((own) => {
        const { f, ins, outs } = subjectsOver(own, isExtreme)[name];
        const list = (x: Tensor, y: Tensor, z: Tensor): Tensor[] => [f(x, y, z)].flat();
        const mapped = shardMap(list, { inSpecs: ins, outSpecs: outs }) as unknown as Many;
        return { ins, ways: waysOf(mapped) };
      });
      // Placed, placed otherwise, and not at all.
      const [first, ...others] = args.map((x, i) => toDevice(x, there.ins[i]));
      const given = [[first, ...others], [
        toDevice(args[0], shard(machines(), null, "j")),
        ...others,
      ], args];
      here.ways.forEach((way, k) => {
        const expected = way(...args);
        const actual = there.ways[k](...given[k]);
        assertEquals(actual.length, expected.length);
        actual.forEach((one, i) => {
          assertTensorsClose(one, expected[i], { rtol: 1e-9, atol: 1e-9 });
        });
      });
    });
  }
}

for (const [count, axes] of [[4, { i: 2, j: 2 }], [8, { i: 2, j: 4 }]] as const) {
  for (const seed of range(4)) {
    xlaTest(`a random function in every place of ${count} devices (seed ${seed})`, () => {
      const random = makeRandom(1000 + seed);
      const args = range(3).map((): Tensor => fromValues(distinct(random, 64), "float64", [8, 8]));
      const [actual, expected] = [mesh(axes, eight().slice(0, count)), mesh(axes)].map((own) => {
        const { f, ins, outs } = randomProgram(own, makeRandom(seed));
        const mapped = shardMap(f, { inSpecs: ins, outSpecs: outs }) as unknown as Many;
        const pull: Many = (...args) => {
          const [y, back] = vjp(mapped, ...args);
          return [...y, ...back(y.map((one) => onesLike(one)))];
        };
        return jit(pull as unknown as () => Tensor[])(...args as []);
      });
      assertNear(actual as Concrete[], expected as Concrete[], 1e-11, `seed ${seed}`);
    });
  }
}

xlaTest(
  "places exchange messages, in derivatives as well, and results are divided as specs say",
  () => {
    const own = machines();
    const both = shard(own, "i", "j");
    const f = shardMap((x: Tensor, w: Tensor) => psum(x.mul(w).square().sum(), ["i", "j"]), {
      inSpecs: [both, null],
      outSpecs: null,
    });
    const step = jit((x: Tensor, w: Tensor) => grad(f, { argnums: [0, 1] })(x, w));
    const [x, w] = [toDevice(arange(24).reshape([4, 6]), both), tensor([1, 2])];
    const [dx, dw] = step(x, w);
    assertStrictEquals(dx.sharding, both);
    assertStrictEquals(dw.sharding, shard(own));
    const text = step.lower(x, w).text("stablehlo");
    assertEquals(text.match(/all_reduce/g)?.length, 4);
    assertEquals(text.match(/sdy.manual_computation/g)?.length, 2);
    assertStrictEquals(f(x, w).sharding, shard(own));
    // Nothing is divided within a place.
    const g = shardMap((x: Tensor) => withSharding(x, shard(own, "i")).mul(2), {
      inSpecs: both,
      outSpecs: both,
    });
    assertStrictEquals(g(x).sharding, both);
    assertEquals(g(x).toArray(), x.mul(2).toArray());
  },
);

xlaTest("all dtypes are exchanged, and NaN is the extreme", () => {
  const own = mesh({ i: 4 }, eight().slice(4));
  const there = shard(own, "i");
  const here = shard(mesh({ i: 4 }), "i");
  const all = (x: Tensor) => [
    pmax(x, "i"),
    pmin(x, "i"),
    allGather(x, "i", { tiled: true }),
    ppermute(x, "i", [[0, 1], [3, 0]]),
    allToAll(allGather(x, "i"), "i", 0, 1).reshape([-1]),
    ...x.dtype === "bool" ? [] : [psum(x, "i"), psumScatter(allGather(x, "i"), "i")],
    ...x.dtype.includes("float") ? [pmean(x, "i")] : [],
  ];
  const values: readonly (readonly [Dtype, readonly number[]])[] = [
    ["float32", [3, -0.5, 1e30, -1e-30, NaN, 2, -Infinity, 0]],
    ["float64", [3, -0.5, 1e300, -1e-300, 1, NaN, 7, Infinity]],
    ["int32", [3, -7, 2 ** 31 - 1, -(2 ** 31), 0, 5, -1, 1]],
    ["uint32", [3, 7, 2 ** 32 - 1, 2 ** 31, 0, 5, 9, 1]],
    ["bool", [0, 1, 1, 1, 0, 0, 0, 1]],
    ["bfloat16", [3, -0.5, 1e30, 1, NaN, 2, -Infinity, 0]],
    ["int8", [3, -7, 127, -128, 0, 5, -1, 1]],
  ];
  for (const [dtype, numbers] of values) {
    const x = fromValues(numbers, dtype, [8]);
    const [actual, expected] = [there, here].map((spec) =>
      shardMap((x: Tensor) => all(x).map((y) => y.reshape([-1])), {
        inSpecs: spec,
        outSpecs: spec,
      })(x)
    );
    actual.forEach((one, i) => {
      assertEquals(one.dtype, expected[i].dtype);
      assertTensorsClose(one, expected[i], { rtol: 1e-6 });
    });
  }
  // The mean is in range where the sum is not.
  const large = full([4], 1.7e308, { dtype: "float64" });
  const mean = shardMap((x: Tensor) => pmean(x, "i"), { inSpecs: there, outSpecs: there });
  assertEquals(mean(large).toArray(), large.toArray());
});

xlaTest("arguments that are not placed are divided at once as they are needed", () => {
  const own = shard(mesh({ i: 8 }, eight()), "i");
  const f = jit(shardMap((x: Tensor, w: Tensor) => psum(x.mul(w), "i"), {
    inSpecs: [own, null],
    outSpecs: null,
  }));
  const [x, w] = [arange(16).reshape([16, 1]), tensor([2])];
  assertEquals(f(x, w).toArray(), [[112], [128]]);
  const text = f.lower(x, w).text();
  assertEquals(
    text.includes('%arg0: tensor<16x1xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"i"}, {}]>}'),
    true,
  );
  // Those that are placed stay where they are until then.
  const whole = toDevice(x, shard(mesh({ i: 8 }, eight())));
  assertEquals(f(whole, w).toArray(), [[112], [128]]);
});

xlaTest(
  "in a loop with messages, places that are done take part with the values at which they stopped",
  () => {
    const [there, here] = [mesh({ i: 4 }, eight().slice(2, 6)), mesh({ i: 4 })];
    const grown = (x: Tensor) => whileLoop((v) => v.max().less(9), (v) => v.add(psum(v, "i")), x);
    const counted = (x: Tensor) =>
      whileLoop(
        ([n]) => n.less(axisIndex("i").mul(2)),
        ([n, v]) => [n.add(1), ppermute(v, "i", [[0, 1], [1, 2], [2, 3], [3, 0]]).add(1)],
        [tensor(0), x] as const,
      )[1];
    // The condition exchanges values: all go on together.
    const together = (x: Tensor) =>
      whileLoop((v) => psum(v.sum(), "i").less(90), (v) => v.mul(2), x);
    const x = arange(8).astype("float64");
    for (const f of [grown, counted, together]) {
      const [actual, expected] = [there, here].map((own) =>
        jit(shardMap(f, { inSpecs: shard(own, "i"), outSpecs: shard(own, "i") }))(x).toArray()
      );
      assertEquals(actual, expected);
    }
  },
);

xlaTest("equal functions outside of jit run one program, compiled once", () => {
  const own = shard(mesh({ i: 4 }, eight().slice(0, 4)), "i");
  const make = (k: number) =>
    shardMap((x: Tensor) => psum(x.mul(tensor([k, k + 1])), "i"), { inSpecs: own, outSpecs: null });
  const programs = [1, 2].map((k) => {
    assertEquals(make(k)(arange(8)).toArray(), [12 * k, 16 * (k + 1)]);
    const [{ params }] = makeProgram(make(k))(arange(8)).equations;
    return (params as { readonly program: unknown }).program;
  });
  assertStrictEquals(programs[0], programs[1]);
});

xlaTest("an index outside of its axis is an error, in whatever place it is", () => {
  const own = shard(mesh({ i: 4 }, eight().slice(0, 4)), "i");
  const f = jit(shardMap((x: Tensor, i: Tensor) => psum(x.take(i), "i"), {
    inSpecs: own,
    outSpecs: own,
  }));
  const x = arange(8);
  assertEquals(f(x, tensor([0, 1, 1, 0], { dtype: "int32" })).toArray(), [14, 14, 14, 14]);
  assertThrows(() => f(x, tensor([0, 1, 2, 0], { dtype: "int32" })).toArray(), IndexError);
});

xlaTest("a function of what only the evaluator computes is evaluated", async () => {
  const own = shard(mesh({ i: 4 }, eight().slice(0, 4)), "i");
  const seen: number[] = [];
  const f = jit(shardMap((x: Tensor) => {
    debugCallback((value: Tensor) => void seen.push(value.item()), x.sum());
    return psum(x, "i");
  }, { inSpecs: own, outSpecs: null }));
  assertEquals(f(arange(4)).toArray(), [6]);
  await Promise.resolve();
  assertEquals(seen.sort(), [0, 1, 2, 3]);
});

xlaTest("a training step on parts of a batch, with donated state, is that of the whole", () => {
  const own = mesh({ data: 8 }, eight());
  const [rows, whole] = [shard(own, "data"), shard(own)];
  const loss = (w: Tensor, x: Tensor) => matmul(x, w).tanh().square().mean();
  const step = jit(
    shardMap((w: Tensor, x: Tensor) => w.sub(pmean(grad(loss)(w, x), "data").mul(0.5)), {
      inSpecs: [whole, rows],
      outSpecs: whole,
    }),
    { donateArgnums: 0 },
  );
  const x = random.normal(random.key(1), [16, 5]);
  const start = random.normal(random.key(0), [5, 3]);
  let [a, b] = [start, toDevice(start.mul(1), whole)];
  for (let i = 0; i < 20; i++) {
    a = a.sub(grad(loss)(a, x).mul(0.5));
    b = step(b, x);
  }
  assertTensorsClose(b, a, { rtol: 1e-4, atol: 1e-5 });
});

xlaTest("a mesh that cannot be used is an error", () => {
  const [cpu] = jacobiDevices();
  const own = mesh({ i: 2 }, [cpu, eight()[0]]);
  const f = (over: Mesh) =>
    shardMap((x: Tensor) => psum(x, "i"), { inSpecs: shard(over, "i"), outSpecs: null });
  assertThrows(
    () => f(own)(arange(4)),
    TypeError,
    `Cannot use ${own}: expected devices that one call of openXla has given`,
  );
  const there = mesh({ i: 2 }, eight().slice(0, 2));
  const elsewhere = toDevice(arange(4), shard(mesh({ i: 4 }, eight().slice(0, 4)), "i"));
  assertThrows(() => f(there)(elsewhere), TypeError, "move");
  const outer = shardMap((x: Tensor) => f(there)(x), { inSpecs: shard(there), outSpecs: null });
  assertEquals(outer(arange(4)).toArray(), [2, 4]);
});

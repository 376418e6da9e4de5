/**
 * Tensors divided over a mesh of XLA's devices, and functions of them.
 *
 * @module
 */
import {
  add,
  arange,
  argmax,
  complex,
  conv,
  debugCallback,
  eye,
  fft,
  full,
  grad,
  hessian,
  jit,
  linalg,
  matmul,
  mesh,
  nn,
  ones,
  psum,
  random,
  ready,
  scan,
  shard,
  shardMap,
  sin,
  sort,
  take,
  tensor,
  toDevice,
  tree,
  vjp,
  vmap,
  whileLoop,
  withSharding,
} from "../../../mod.ts";
import type { Mesh, Tensor } from "../../../mod.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { closeXla, openXla } from "../../../src/backends/xla/mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../../support/std.ts";
import { devices, xlaTest } from "./support.ts";

function machines(): Mesh {
  return mesh({ data: 2, model: 2 }, devices());
}

/** Numbers of a shape, on no device. */
function normal(shape: readonly number[], seed = 0): Tensor {
  return random.normal(random.key(seed), shape);
}

xlaTest("a tensor is divided, read, divided in another way, and moved to devices", () => {
  const own = machines();
  const x = normal([4, 6, 2]);
  const ways = [
    shard(own),
    shard(own, "data"),
    shard(own, null, "model"),
    shard(own, null, null, "data"),
    shard(own, "model", null, "data"),
    shard(own, ["data", "model"]),
    shard(own, ["model", "data"]),
  ];
  for (const from of ways) {
    const there = toDevice(x, from);
    assertStrictEquals(there.sharding, from);
    assertEquals(there.data(), x.data());
    for (const to of ways) {
      const again = toDevice(there, to);
      assertStrictEquals(again.sharding, to);
      assertEquals(sin(again).data(), sin(there).data());
      assertStrictEquals(sin(again).sharding, to);
    }
    const [first, second] = devices();
    assertStrictEquals(toDevice(there, second).device, second);
    assertEquals(toDevice(toDevice(there, first), from).data(), x.data());
  }
  const rotated = mesh({ all: 4 }, [2, 0, 3, 1].map((i) => devices()[i]));
  const there = toDevice(toDevice(x, shard(own, "data")), shard(rotated, "all"));
  assertEquals(there.data(), x.data());
  assertEquals(add(there, 0).data(), x.data());
});

xlaTest("splats, scalars, booleans and empty tensors are divided, too", () => {
  const own = machines();
  const rows = shard(own, "data");
  assertEquals(toDevice(ones([4, 3]), rows).mul(2).toArray(), ones([4, 3]).mul(2).toArray());
  assertEquals(toDevice(ones([0, 3]), rows).mul(2).shape, [0, 3]);
  assertEquals(toDevice(tensor([true, false]), rows).toArray(), [true, false]);
  assertEquals(toDevice(3, shard(own)).add(1).item(), 4);
});

xlaTest("a tree goes to a tree of shardings, whose leaves stand for all below", () => {
  const own = machines();
  const [rows, columns] = [shard(own, "data"), shard(own, null, "model")];
  const tree = { layers: [{ w: ones([2, 2]), b: ones([2]) }], scale: ones([2, 4]) };
  const there = toDevice(tree, { layers: rows, scale: columns });
  assertStrictEquals(there.layers[0].w.sharding, rows);
  assertStrictEquals(there.layers[0].b.sharding, rows);
  assertStrictEquals(there.scale.sharding, columns);
});

xlaTest("results are divided as XLA chooses, and know how", () => {
  const own = machines();
  const [x, w] = [normal([8, 6]), normal([6, 4], 1)];
  const [left, right] = [toDevice(x, shard(own, "data")), toDevice(w, shard(own, null, "model"))];
  const f = jit((x: Tensor, w: Tensor) => [matmul(x, w), x.exp(), x.sum(0), w.transpose()]);
  const results = f(left, right);
  const expected = [
    shard(own, "data", "model"),
    shard(own, "data"),
    shard(own),
    shard(own, "model"),
  ];
  results.forEach((result, i) => assertStrictEquals(result.sharding, expected[i]));
  assertTensorsClose(results, f(x, w));
  // What is summed over devices is whole everywhere.
  const inner = jit(matmul)(
    toDevice(x, shard(own, null, "model")),
    toDevice(w, shard(own, "model")),
  );
  assertStrictEquals(inner.sharding, shard(own));
  assertTensorsClose(inner, matmul(x, w));
});

xlaTest("eager operations run on the mesh, numbers and unplaced tensors going along", () => {
  const own = machines();
  const rows = shard(own, "data");
  const x = toDevice(normal([4, 4]), rows);
  assertStrictEquals(x.mul(2).add(ones([4])).sharding, rows);
  assertStrictEquals(x.reshape([2, 2, 4]).sharding, rows);
  assertEquals(x.reshape([16]).data(), x.data());
  assertEquals(x.at(1).data(), x.data().slice(4, 8));
  assertTensorsClose(grad((x: Tensor) => x.sin().sum())(x), x.cos());
  assertStrictEquals(grad((x: Tensor) => x.sin().sum())(x).sharding, rows);
});

xlaTest("captured tensors stay where they are", () => {
  const own = machines();
  const rows = shard(own, "data");
  for (const shape of [[4, 4], [32, 32]]) {
    const w = toDevice(normal(shape), rows);
    const f = jit((x: Tensor) => x.add(w));
    assertStrictEquals(f(ones(shape)).sharding, rows);
    assertEquals(f(ones(shape)).data(), w.add(1).data());
  }
});

xlaTest("withSharding decides how values are divided, and where a program runs", () => {
  const own = machines();
  const both = shard(own, ["data", "model"]);
  const f = jit((x: Tensor) => withSharding(x.mul(2), both).add(1));
  const x = normal([4, 3]);
  assertStrictEquals(f(x).sharding, both);
  assertStrictEquals(f(toDevice(x, shard(own, "data"))).sharding, both);
  assertEquals(f(x).data(), x.mul(2).add(1).data());
  assertStrictEquals(withSharding(x, both).sharding, both);
  // The batch stays whole, and cotangents are divided in the same way.
  const batch = ones([3, 4]);
  assertStrictEquals(
    vmap((x: Tensor) => withSharding(x, shard(own, "data")))(batch).sharding,
    shard(own, null, "data"),
  );
  const [, pull] = vjp((x: Tensor) => withSharding(x, both), x);
  assertStrictEquals(pull(ones([4, 3]))[0].sharding, both);
});

xlaTest("derivatives, loops and random numbers over a mesh are those of one device", () => {
  const own = machines();
  const [rows, columns] = [shard(own, "data"), shard(own, null, "model")];
  const places = [rows, columns, shard(own, ["data", "model"])];
  const functions: Readonly<Record<string, (x: Tensor, w: Tensor) => unknown>> = {
    gradients: grad((x: Tensor, w: Tensor) => matmul(x, w).tanh().square().sum(), {
      argnums: [0, 1],
    }),
    hessian: (x, w) => hessian((v: Tensor) => matmul(x, v).sin().sum())(w.at(null, 0)),
    examples: vmap((x: Tensor, w: Tensor) => matmul(x, w).exp(), [0, null]),
    scan: (x, w) => scan((c: Tensor, v: Tensor) => [matmul(c, w).tanh(), c.mul(v).sum()], x, w),
    loop: (x, w) => whileLoop((c: Tensor) => c.sum().less(100), (c) => c.add(w.square().sum()), x),
    sorted: (x, w) => [sort(x, 0), argmax(matmul(x, w), 1), x.cumsum(0)],
    random: (x) => random.normal(random.foldIn(random.key(3), 1), [8, 8]).mul(x),
    convolution: (x, w) => conv(x.reshape([2, 2, 4, 4]), w.reshape([4, 2, 2, 4]), { padding: 1 }),
    attention: (x, w) =>
      nn.scaledDotProductAttention(x, w.transpose(), x.add(1), { isCausal: true }),
    solution: (x, w) => {
      const a = matmul(x, x.transpose()).add(eye(8).mul(10));
      return [linalg.cholesky(a), linalg.solve(a, w), linalg.eigh(a)[0]];
    },
  };
  for (const [name, f] of Object.entries(functions)) {
    const [x, w] = [normal([8, 8]), normal([8, 8], 1)];
    const expected = f(x, w) as Tensor;
    const compiled = jit(f as (x: Tensor, w: Tensor) => Tensor);
    for (const [i, place] of places.entries()) {
      const args = toDevice([x, w], [place, places[(i + 1) % 3]]) as [Tensor, Tensor];
      assertTensorsClose(compiled(...args), expected, { rtol: 1e-4, atol: 1e-4 });
      if (i > 0) continue;
      assertTensorsClose(f(...args) as Tensor, expected, { rtol: 1e-4, atol: 1e-4 });
      assert(tree.leaves(f(...args)).every((y) => (y as Tensor).sharding?.mesh === own), name);
    }
  }
});

xlaTest("many runs on more devices than there are threads come to an end", () => {
  const opened = openXla({ options: { cpu_device_count: 8 } });
  const [square, line] = [mesh({ rows: 4, columns: 2 }, opened), mesh({ all: 8 }, opened)];
  const f = jit((x: Tensor, w: Tensor) => matmul(x, w).sin().add(1));
  const w = normal([8, 8], 1).mul(0.1);
  let [x, y] = [
    toDevice(normal([8, 8]), shard(square, null, "rows")),
    toDevice(normal([8, 8]), shard(line, null, "all")),
  ];
  const [first, second] = [
    toDevice(w, shard(square, "rows", "columns")),
    toDevice(w, shard(line, "all")),
  ];
  for (let i = 0; i < 200; i++) [x, y] = [f(x, first), f(y, second)];
  assertTensorsClose(toDevice(x, devices()[0]), toDevice(y, devices()[0]));
  closeXla(opened);
});

xlaTest(
  "what is left to the evaluator, and indices outside of an axis, are as on one device",
  () => {
    const own = machines();
    const x = toDevice(arange(8), shard(own, "data"));
    const seen: number[] = [];
    const f = jit((x: Tensor) => {
      const doubled = x.mul(2);
      debugCallback((y: Tensor) => seen.push(y.sum().item()), doubled);
      return doubled.add(1);
    });
    const result = f(x);
    assertEquals(seen, [56]);
    assertStrictEquals(result.sharding, shard(own, "data"));
    assertEquals(result.toArray(), [1, 3, 5, 7, 9, 11, 13, 15]);
    const pick = jit((x: Tensor, i: Tensor) => take(x, i, 0));
    assertEquals(pick(x, tensor([1, 7], { dtype: "int32" })).toArray(), [1, 7]);
    assertThrows(
      () => pick(x, tensor([1, 8], { dtype: "int32" })).add(1).toArray(),
      Error,
      "an index lay outside of its axis",
    );
  },
);

xlaTest("dead tensors over a mesh are freed in a loop that waits", async () => {
  const opened = openXla({ options: { cpu_device_count: 4 } });
  const own = mesh({ all: 4 }, opened);
  const next = jit((x: Tensor) => x.add(1));
  let x = toDevice(ones([1024, 512]), shard(own));
  for (let i = 0; i < 200; i++) await ready(x = next(x));
  const { peak } = backendOf(own).memoryUsage();
  assert(peak < 400 * 2 ** 20, `${peak}`);
  closeXla(opened);
});

xlaTest("names of axes are whatever they are", () => {
  const x = normal([4, 4]);
  for (const [one, other] of [['a"b\n', "ü %@"], ["a b", "a.20b"], ["\\22", "-"]]) {
    const own = mesh({ [one]: 2, [other]: 2 }, devices());
    const [rows, both] = [shard(own, other), shard(own, other, one)];
    const there = jit((x: Tensor) => withSharding(x.mul(2), both))(toDevice(x, rows));
    assertStrictEquals(there.sharding, both);
    assertEquals(there.data(), x.mul(2).data());
    const sum = shardMap((x: Tensor) => psum(x, one), { inSpecs: both, outSpecs: rows });
    assertTensorsClose(jit(sum)(x), x.reshape([4, 2, 2]).sum(1));
  }
});

xlaTest(
  "tensors over a mesh move out of the devices' memory when it is full, and come back",
  () => {
    const opened = openXla({ options: { cpu_device_count: 2 } });
    const own = mesh({ all: 2 }, opened);
    const backend = backendOf(own);
    // Devices of one processor share the limit; each tensor takes a quarter of it.
    backend.configure({ memoryLimit: 2 ** 18 });
    const all = Array.from(
      { length: 12 },
      (_, i) => toDevice(full([128, 128], i), shard(own, "all")).add(0.5),
    );
    assert(backend.memoryUsage().held <= 2 ** 18, `${backend.memoryUsage().held}`);
    assertEquals(backend.memoryUsage().limit, 2 ** 18);
    all.forEach((x, i) => assertEquals(x.mean().item(), i + 0.5));
    const whole = toDevice(ones([64, 64]), shard(own));
    assertEquals(whole.add(1).mean().item(), 2);
    closeXla(opened);
  },
);

xlaTest("compiled programs over meshes are kept in a directory, too", () => {
  const cacheDirectory = Deno.makeTempDirSync();
  try {
    const run = (): void => {
      const opened = openXla({ options: { cpu_device_count: 4 }, cacheDirectory });
      const own = mesh({ data: 2, model: 2 }, opened);
      const f = jit((x: Tensor) => [x.sin(), matmul(x, x.transpose())]);
      const x = toDevice(ones([4, 2]), shard(own, "data", "model"));
      const [y, z] = f(x);
      assertStrictEquals(y.sharding, x.sharding);
      assertEquals(z.toArray(), full([4, 4], 2).toArray());
      closeXla(opened);
    };
    run();
    const files = () =>
      [...Deno.readDirSync(cacheDirectory)].map(({ name }) =>
        [name, Deno.statSync(`${cacheDirectory}/${name}`).mtime] as const
      );
    const before = files();
    assert(before.length > 0);
    run();
    assertEquals(files(), before);
  } finally {
    Deno.removeSync(cacheDirectory, { recursive: true });
  }
});

xlaTest("a mesh has its own text, and a description", () => {
  const own = machines();
  const f = jit((x: Tensor) => x.sin());
  const x = toDevice(ones([4]), shard(own, ["data", "model"]));
  assertEquals(
    f.lower(x).text(),
    `module @jacobi {
  sdy.mesh @mesh = <["data"=2, "model"=2]>
  func.func public @main(%arg0: tensor<4xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"data", "model"}]>}) -> (tensor<4xf32>) {
    %0 = stablehlo.sine %arg0 : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}
`,
  );
});

xlaTest("a result that axes of the mesh cannot express is whole everywhere", () => {
  const own = mesh({ all: 4 }, devices());
  // Of two axes that are made of one, XLA may divide each by a part of the mesh's axis.
  const f = jit((x: Tensor) => x.mul(2).reshape([2, 2, 3]));
  const x = toDevice(normal([4, 3]), shard(own, "all"));
  const y = f(x);
  assertEquals(y.data(), x.mul(2).data());
  assertStrictEquals(y.sharding, shard(own));
});

xlaTest("tensors of two places in one operation are an error", () => {
  const own = machines();
  const other = mesh({ all: 4 }, devices());
  const [first] = devices();
  const x = toDevice(ones([4]), shard(own, "data"));
  assertThrows(
    () => x.add(toDevice(ones([4]), first)),
    Error,
    `Cannot apply add to float32[4] on ${own} and float32[4] on ${first}: expected one mesh; ` +
      "move one of them with toDevice",
  );
  assertThrows(
    () => jit(add)(x, toDevice(ones([4]), shard(other, "all"))),
    Error,
    `Cannot run add: expected all arguments on one mesh, args[0] is on ${own} and args[1] is on ` +
      `${other}; move one of them with toDevice`,
  );
  assertThrows(
    () => x.device,
    Error,
    `Cannot tell the device of float32[4]: it is on all devices of ${own}; see its sharding`,
  );
  assertThrows(
    () => toDevice(ones([3, 2]), shard(own, "data")),
    Error,
    `Cannot divide [3,2] by ${shard(own, "data")}: axis 0 of length 3 is not divisible into 2 ` +
      "equal parts",
  );
  const columns = shard(own, null, "data");
  assertThrows(
    () => jit((x: Tensor) => withSharding(x, columns))(x),
    Error,
    `Cannot divide [4] by ${columns}: it has too few axes, expected 2 or more`,
  );
});

xlaTest("meshes whose devices cannot work together are refused", () => {
  const nowhere = mesh({ data: 2 });
  assertThrows(
    () => toDevice(ones([2]), shard(nowhere, "data")),
    Error,
    `Cannot use ${nowhere}: it has no devices; make it with mesh(axes, devices)`,
  );
  const more = openXla({ options: { cpu_device_count: 2 } });
  const mixed = mesh({ data: 2 }, [devices()[0], more[0]]);
  assertThrows(
    () => toDevice(ones([2]), shard(mixed, "data")),
    Error,
    `Cannot use ${mixed}: expected devices that one call of openXla has given`,
  );
  const own = mesh({ data: 2 }, more);
  const x = toDevice(ones([2]), shard(own, "data"));
  const y = sin(x);
  assertEquals(x.add(1).toArray(), [2, 2]);
  closeXla(more);
  assertThrows(() => x.add(1), Error, `Cannot use ${own}: ${more[0]} is not open`);
  assertThrows(() => y.data(), Error, "Cannot read float32[2]: the XLA client is closed");
});

xlaTest("a training loop with donated parameters keeps them where they are", () => {
  const own = machines();
  const [x, y] = [normal([16, 8]), normal([16, 4], 1)];
  const start = { w: normal([8, 4], 2), b: ones([4]) };
  const loss = (p: typeof start, x: Tensor, y: Tensor): Tensor =>
    matmul(x, p.w).add(p.b).sub(y).square().mean();
  const step = (p: typeof start, x: Tensor, y: Tensor): typeof start => {
    const g = grad(loss)(p, x, y);
    return { w: p.w.sub(g.w.mul(0.1)), b: p.b.sub(g.b.mul(0.1)) };
  };
  const f = jit(step, { donateArgnums: [0] });
  const shardings = { w: shard(own, null, "model"), b: shard(own, "model") };
  let there = toDevice(start, shardings);
  let here = start;
  const [inputs, targets] = toDevice([x, y], shard(own, "data"));
  const before = backendOf(own).memoryUsage().residents;
  for (let i = 0; i < 20; i++) {
    const given = there;
    there = f(there, inputs, targets);
    here = step(here, x, y);
    assertThrows(() => given.w.data(), Error, "it was donated");
  }
  assertStrictEquals(there.w.sharding, shardings.w);
  assertStrictEquals(there.b.sharding, shardings.b);
  assertTensorsClose(there, here);
  assert(backendOf(own).memoryUsage().residents <= before + 2);
});

xlaTest("complex tensors are divided, transformed and summed over a mesh", () => {
  const own = machines();
  const rows = shard(own, "data");
  const z = complex(normal([4, 8]), normal([4, 8], 1));
  const there = toDevice(z, rows);
  const close = { rtol: 1e-5, atol: 1e-5 };
  const local = fft.fft(z);
  for (const axis of [0, 1]) {
    const transform = (x: Tensor) => fft.fft(x, { axis });
    assertTensorsClose(jit(transform)(there), transform(z), close);
  }
  assertTensorsClose(fft.irfft(fft.rfft(toDevice(normal([4, 8]), rows))), normal([4, 8]), close);
  const sum = shardMap((x: Tensor) => psum(fft.fft(x).sum(0), "data"), {
    inSpecs: rows,
    outSpecs: shard(own),
  });
  assertTensorsClose(jit(sum)(there) as Tensor, local.sum(0), close);
});

/**
 * Tensors divided over a mesh of XLA's devices, and functions of them.
 *
 * @module
 */
import {
  add,
  grad,
  jit,
  matmul,
  mesh,
  ones,
  random,
  shard,
  sin,
  tensor,
  toDevice,
  vjp,
  vmap,
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
    `Cannot divide: ${columns} splits 2 axes, and the shape is [4]`,
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
  assertEquals(x.add(1).toArray(), [2, 2]);
  closeXla(more);
  assertThrows(() => x.add(1), Error, `Cannot use ${own}: ${more[0]} is not open`);
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

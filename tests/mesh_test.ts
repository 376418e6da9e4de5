/**
 * Tensors over a mesh whose devices are evaluators: the shardings of values in every transform. The tests with
 * XLA are in `tests/backends/xla/`.
 *
 * @module
 */
import {
  ArgumentError,
  checkpoint,
  cond,
  devices,
  grad,
  jit,
  jvp,
  linearize,
  matmul,
  mesh,
  noGrad,
  ones,
  scan,
  ShapeError,
  shard,
  tensor,
  toDevice,
  tree,
  TreeError,
  vjp,
  vmap,
  withSharding,
} from "../mod.ts";
import type { Mesh, Sharding, Tensor } from "../mod.ts";
import { closeDevice, openDevice } from "../src/backends/devices.ts";
import { makeEvaluator } from "../src/backends/evaluator.ts";
import { Device } from "../src/core/device.ts";
import { assertTensorsClose } from "../src/testing/mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assertEquals, assertStrictEquals } from "./support/std.ts";

/** The shardings of compiled executables. */
const compiled: (readonly Sharding[])[] = [];

/** Devices of one backend, which delegates to the evaluator. */
function open(ids: readonly number[]): Device[] {
  const evaluator = makeEvaluator("test");
  const backend = {
    ...evaluator,
    hasMeshes: true,
    compile(...[program, options]: Parameters<typeof evaluator.compile>) {
      compiled.push(options.shardings);
      return evaluator.compile(program, options);
    },
  };
  return ids.map((id) => {
    const device = new Device("test", id);
    openDevice(device, backend);
    return device;
  });
}

const four = open([0, 1, 2, 3]);
const machines: Mesh = mesh({ data: 2, model: 2 }, four);
const [rows, columns, whole] = [
  shard(machines, "data"),
  shard(machines, null, "model"),
  shard(machines),
];
const nowhere = mesh({ data: 2, model: 2 });
const [cpu] = devices();

Deno.test("values of one mesh go together, however they are divided", () => {
  const x = toDevice(ones([2, 4]), rows);
  const y = toDevice(ones([2, 4]), columns);
  assertStrictEquals(x.sharding, rows);
  assertStrictEquals(toDevice(x, columns).sharding, columns);
  assertStrictEquals(toDevice(x, cpu).device, cpu);
  assertStrictEquals(toDevice(x, cpu).sharding, null);
  assertStrictEquals(x.add(y).sharding?.mesh, machines);
  assertStrictEquals(x.add(1).add(ones([4])).sharding?.mesh, machines);
  assertStrictEquals(jit((x: Tensor, y: Tensor) => x.mul(y))(x, y).sharding?.mesh, machines);
});

Deno.test("a function is compiled once for each way in which arguments are divided", () => {
  const f = jit((x: Tensor, y: Tensor) => x.mul(y));
  const run = (x: Tensor, y: Tensor): number => {
    const before = compiled.length;
    f(x, y);
    return compiled.length - before;
  };
  const [x, y, z] = [ones([2, 4]), ...toDevice([ones([2, 4]), ones([2, 4])], [rows, columns])];
  assertEquals(run(y, z), 1);
  assertEquals(compiled.at(-1), [rows, columns]);
  assertEquals(run(z, y), 1);
  assertEquals(compiled.at(-1), [columns, rows]);
  assertEquals(run(x, y), 1);
  assertEquals(compiled.at(-1), [whole, rows]);
  assertEquals([run(y, z), run(z, y), run(x, y), run(toDevice(x, whole), y)], [0, 0, 0, 0]);
});

Deno.test("tangents move along, cotangents move back, and the mapped axis stays whole", () => {
  const x = ones([2, 4]);
  const f = (x: Tensor): Tensor => toDevice(x, rows).sin();
  const [y, dy] = jvp(f, [x], [x]);
  assertStrictEquals(y.sharding?.mesh, machines);
  assertStrictEquals(dy.sharding?.mesh, machines);
  assertStrictEquals(grad((x: Tensor) => f(x).sum())(x).sharding, null);
  const there = toDevice(x, columns);
  assertStrictEquals(grad((x: Tensor) => f(x).sum())(there).sharding, columns);
  const batch = ones([3, 2, 4]);
  assertStrictEquals(
    vmap((x: Tensor) => toDevice(x, rows))(batch).sharding,
    shard(machines, null, "data"),
  );
  assertStrictEquals(
    vmap((x: Tensor) => toDevice(x, columns), 1, 1)(ones([2, 3, 4])).sharding,
    shard(machines, null, null, "model"),
  );
  // An example has the sharding of the batch, without the mapped axis.
  const divided = toDevice(batch, shard(machines, null, "data", "model"));
  vmap((x: Tensor) => {
    assertStrictEquals(x.sharding, shard(machines, "data", "model"));
    return x;
  })(divided);
  const pulled = vmap((x: Tensor) => vjp(f, x)[1](ones([2, 4]))[0])(divided);
  assertStrictEquals(pulled.sharding, shard(machines, null, "data", "model"));
});

Deno.test("withSharding is the identity of every transform, with devices and without", () => {
  const x = tensor([[1, 2, 3, 4], [5, 6, 7, 8]]);
  for (const sharding of [rows, columns, shard(nowhere, "data", "model")]) {
    const f = (x: Tensor): Tensor => withSharding(x, sharding).square();
    const g = (x: Tensor): Tensor => x.square();
    assertEquals(f(x).data(), g(x).data());
    assertEquals(jit(f)(x).data(), g(x).data());
    assertEquals(jvp(f, [x], [x])[1].data(), jvp(g, [x], [x])[1].data());
    assertEquals(linearize(f, x)[1](x).data(), jvp(g, [x], [x])[1].data());
    const slope = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => f(x).sum());
    assertEquals(slope(f)(x).data(), slope(g)(x).data());
    assertEquals(jit(slope(checkpoint(f)))(x).data(), slope(g)(x).data());
    assertEquals(
      slope((x) => slope(f)(x).sin())(x).data(),
      slope((x) => slope(g)(x).sin())(x).data(),
    );
    assertEquals(vmap(f)(ones([3, 2, 4])).data(), ones([3, 2, 4]).data());
    assertEquals(noGrad(f)(x).data(), g(x).data());
    const loop = (x: Tensor) =>
      scan((c: Tensor, row: Tensor) => [c.add(withSharding(row, whole)), c.sum()], x.at(0), x);
    if (sharding.mesh === machines) assertEquals(jit(loop)(x)[0].toArray(), [7, 10, 13, 16]);
    const branch = (x: Tensor) => cond(x.sum().greater(0), (x: Tensor) => f(x), (x) => x.neg(), x);
    assertEquals(jit(branch)(x).data(), g(x).data());
  }
  assertStrictEquals(withSharding(x, rows).sharding, rows);
  assertStrictEquals(withSharding(x, shard(nowhere, "data")), x);
});

Deno.test("trees go to trees of places", () => {
  const params = { layers: [{ w: ones([2, 2]), b: ones([2]) }], scale: 2 };
  const there = toDevice(params, { layers: rows, scale: cpu });
  assertStrictEquals(there.layers[0].b.sharding, rows);
  assertStrictEquals(there.scale.device, cpu);
  assertRefused(
    () => toDevice(params, { layers: [rows], scale: { x: whole } }),
    TreeError,
    "Cannot move to a device: object at .scale does not fit a leaf",
  );
  const constrained = withSharding(there.layers, [{ w: columns, b: whole }]);
  assertEquals(
    tree.leaves(constrained).map((x) => (x as Tensor).sharding),
    [whole, columns],
  );
});

Deno.test("what cannot be divided or where is refused", () => {
  const x = toDevice(ones([2]), rows);
  const other = mesh({ all: 4 }, four);
  assertRefused(
    () => x.add(toDevice(ones([2]), shard(other))),
    ArgumentError,
    `Cannot apply add to float32[2] on ${machines} and float32[2] on ${other}: expected one mesh; ` +
      "move one of them with toDevice",
  );
  assertRefused(
    () => jit((x: Tensor, y: Tensor) => matmul(x, y))(toDevice(ones([2]), cpu), x),
    ArgumentError,
    "Cannot run an anonymous function: expected all arguments on one mesh, args[0] is on cpu:0 and " +
      `args[1] is on ${machines}; move one of them with toDevice`,
  );
  assertRefused(
    () => jit((x: Tensor) => toDevice(x, cpu))(x),
    ArgumentError,
    `Cannot run an anonymous function on ${machines}: it moves values to cpu:0, and a program runs ` +
      "on one mesh; move its arguments there, or move the values before or after the call",
  );
  assertRefused(
    () => jit((x: Tensor) => withSharding(toDevice(x, shard(other, "all")), rows))(ones([4])),
    ArgumentError,
    `Cannot run a program that moves values to ${other} and to ${machines}: a program runs on one ` +
      "mesh; make a compiled function of each part and move what is between them",
  );
  assertRefused(
    () => x.device,
    ArgumentError,
    `Cannot tell the device of float32[2]: it is on all devices of ${machines}; see its sharding`,
  );
  assertRefused(
    () => toDevice(ones([3]), rows),
    ShapeError,
    `Cannot divide [3] by ${rows}: axis 0 of length 3 is not divisible into 2 equal parts`,
  );
  assertRefused(
    () => withSharding(ones([2]), columns),
    ShapeError,
    `Cannot divide [2] by ${columns}: it has too few axes, expected 2 or more`,
  );
  assertRefused(
    () => toDevice(x, machines as never),
    ArgumentError,
    `Cannot move to a device: expected a sharding, got ${machines}; say with shard(mesh, ...) how ` +
      "tensors are divided",
  );
  assertRefused(
    () => withSharding(x, cpu),
    ArgumentError,
    "Cannot say how a tensor is divided: expected a sharding, got cpu:0",
  );
  assertRefused(
    () => toDevice(x, shard(nowhere, "data")),
    ArgumentError,
    `Cannot use ${nowhere}: it has no devices; make it with mesh(axes, devices)`,
  );
  const mixed = mesh({ two: 2 }, [four[0], cpu]);
  assertRefused(
    () => toDevice(x, shard(mixed, "two")),
    ArgumentError,
    `Cannot use ${mixed}: expected devices that one call of openXla has given`,
  );
  const alone = mesh({ one: 1 }, [cpu]);
  assertRefused(
    () => withSharding(x, shard(alone, "one")),
    ArgumentError,
    `Cannot use ${alone}: expected devices that one call of openXla has given`,
  );
  const own = mesh({ two: 2 }, open([4, 5]));
  const y = toDevice(ones([2]), shard(own, "two"));
  closeDevice(own.devices![1]);
  assertRefused(() => y.add(1), ArgumentError, `Cannot use ${own}: test:5 is not open`);
});

Deno.test("results are those of one place", () => {
  const [x, w] = [tensor([[1, 2], [3, 4]]), tensor([[1, -1], [2, 1]])];
  const f = jit(grad((w: Tensor, x: Tensor) => matmul(x, w).tanh().sum()));
  assertTensorsClose(f(toDevice(w, columns), toDevice(x, rows)), f(w, x));
});

import {
  add,
  ArgumentError,
  checkpoint,
  cond,
  configure,
  customVjp,
  devices,
  foriLoop,
  grad,
  hessian,
  jit,
  jvp,
  matmul,
  ones,
  random,
  ready,
  scan,
  square,
  stack,
  tensor,
  toDevice,
  vmap,
  where,
  zeros,
} from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { Device } from "../src/core/device.ts";
import { openDevice } from "../src/backends/devices.ts";
import type { Backend } from "../src/backends/backend.ts";
import { makeEvaluator } from "../src/backends/evaluator.ts";
import { Storage } from "../src/core/storage.ts";
import { Concrete } from "../src/core/tensor.ts";
import { assertTensorsClose } from "../src/testing/mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "./support/std.ts";

/** A choice between two tensors. */
function chooseNegative(a: Tensor, b: Tensor): Tensor {
  return where(a.less(0), a, b);
}

/** The recorded requests to a test device. */
interface Log {
  compiled: number;
  runs: number;
  operations: string[];
  put: number;
}

/** A backend that is the evaluator under another name, and counts calls. */
function openTestDevice(id: number): { device: Device; log: Log } {
  const log: Log = { compiled: 0, runs: 0, operations: [], put: 0 };
  const evaluator = makeEvaluator("test");
  const backend: Backend = {
    ...evaluator,
    compile(program, options) {
      log.compiled++;
      const executable = evaluator.compile(program, options);
      return {
        ...executable,
        run(args, names) {
          log.runs++;
          return executable.run(args, names);
        },
      };
    },
    evaluate(_device, primitive) {
      log.operations.push(primitive.name);
      return null;
    },
    put() {
      log.put++;
    },
  };
  const device = new Device("test", id);
  openDevice(device, backend);
  return { device, log };
}

const { device: first, log } = openTestDevice(0);
const { device: second } = openTestDevice(1);
const [cpu] = devices();

/** The requests that `f` makes to the first device. */
function logOf(f: () => void): Log {
  Object.assign(log, { compiled: 0, runs: 0, operations: [], put: 0 });
  f();
  return { ...log };
}

Deno.test("devices lists the processor first, then what was opened", () => {
  assertEquals(devices().map(String), ["cpu:0", "test:0", "test:1"]);
  assertEquals([cpu.kind, cpu.id], ["cpu", 0]);
});

Deno.test("a tensor that was never placed is where work goes by default", () => {
  const x = tensor([1, 2]);
  assertStrictEquals(x.device, cpu);
  assertStrictEquals(jit((x: Tensor) => x.mul(2))(x).device, cpu);
  configure({ device: first });
  try {
    assertStrictEquals(x.device, first);
    const { operations, runs } = logOf(() => {
      x.sin();
      jit((x: Tensor) => x.mul(2))(x);
    });
    assert(operations.includes("sin"));
    assertEquals(runs, 1);
  } finally {
    configure({ device: cpu });
  }
  assertStrictEquals(x.device, cpu);
});

Deno.test("toDevice moves the tensors of a tree, once", () => {
  const tree = { w: tensor([1, 2]), rest: [3, null, ones([2])] as const };
  const { put } = logOf(() => {
    const moved = toDevice(tree, first);
    assertEquals(moved.w.device, first);
    assertEquals((moved.rest[0] as Tensor).device, first);
    assertTensorsClose(moved.w, [1, 2]);
    const again = toDevice(moved, first);
    assertStrictEquals(again.w, moved.w);
  });
  assertEquals(put, 3);
  assertStrictEquals(tree.w.device, cpu);
  assertStrictEquals(toDevice(toDevice(tree.w, first), cpu).device, cpu);
});

Deno.test("eager operations follow the data, numbers and unplaced tensors going along", () => {
  const x = toDevice(tensor([1, 2]), first);
  const { operations } = logOf(() => {
    const y = x.mul(2).add(tensor([1, 1])).sum();
    assertStrictEquals(y.device, first);
    assertTensorsClose(y, 8);
    for (const part of x.split(2)) assertStrictEquals(part.device, first);
    assertStrictEquals(x.reshape([2, 1]).device, first);
    assertStrictEquals(x.astype("float32").device, first);
    for (const one of toDevice(tensor([3, 1]), first).topK(1)) {
      assertStrictEquals(one.device, first);
    }
  });
  assert(operations.includes("mul") && operations.includes("reduceSum"));
});

Deno.test("compiled functions run where their arguments are, under every transform", () => {
  const f = (x: Tensor, w: Tensor) => matmul(x, w).tanh().sum();
  const x = toDevice(random.normal(random.key(0), [3, 4]), first);
  const w = random.normal(random.key(1), [4, 2]);
  const functions: ((x: Tensor, w: Tensor) => Tensor)[] = [
    jit(f),
    jit(grad(f)),
    grad(jit(f)),
    jit(vmap((x: Tensor, w: Tensor) => f(x.reshape([1, 4]), w), [0, null])),
    jit(vmap(grad((x: Tensor, w: Tensor) => f(x.reshape([1, 4]), w)), [0, null])),
    jit((x: Tensor, w: Tensor) =>
      scan((c: Tensor, row: Tensor) => [c.add(f(row.reshape([1, 4]), w)), c], zeros([]), x)[0]
    ),
    jit((x: Tensor, w: Tensor) =>
      cond(f(x, w).greater(0), (x: Tensor) => x.sin(), (x: Tensor) => x, x)
    ),
  ];
  for (const g of functions) {
    const expected = g(tensor(x.data()).reshape(x.shape), w);
    const { runs } = logOf(() => {
      const result = g(x, w);
      assertStrictEquals(result.device, first);
      assertTensorsClose(result, expected, { rtol: 1e-5, atol: 1e-6 });
    });
    assert(runs > 0, String(g));
  }
});

Deno.test("control flow outside of jit follows the data, too", () => {
  const x = toDevice(ones([4]), first);
  const looped = foriLoop(0, 20_000, (_, x) => x.mul(0.999).add(0.001), x);
  assertStrictEquals(looped.device, first);
  assertTensorsClose(looped, [1, 1, 1, 1], { rtol: 1e-4 });
  const chosen = cond(true, (x: Tensor) => tensor([7, 7, 7, 7]).add(x.mul(0)), (x: Tensor) => x, x);
  assertStrictEquals(chosen.device, first);
});

Deno.test("a constant that a function hands on is not moved with a result", () => {
  const constant = tensor([1, 2]);
  const f = jit((x: Tensor) => [x.add(1), constant, x]);
  const x = toDevice(tensor([3]), first);
  const [, given, same] = f(x);
  assertStrictEquals(given.device, first);
  assertStrictEquals(same.device, first);
  assertStrictEquals(constant.device, cpu);
  assertStrictEquals(f(tensor([3]))[1].device, cpu);
  const y = tensor([5]);
  const [handed] = jit((x: Tensor, y: Tensor) => [y, x])(x, y);
  assertStrictEquals(handed.device, first);
  assertStrictEquals(y.device, cpu);
});

Deno.test("jit runs on the device that it is given", () => {
  const f = jit((x: Tensor) => x.mul(2), { device: first });
  const { runs } = logOf(() => {
    assertStrictEquals(f(tensor([1])).device, first);
    assertStrictEquals(f(toDevice(tensor([1]), second)).device, first);
  });
  assertEquals(runs, 2);
});

Deno.test("a donated argument that is a result as it is can be used as the result", () => {
  const same = jit((w: Tensor, g: Tensor) => [w, g.neg()], { donateArgnums: [0, 1] });
  const w = toDevice(tensor([1, 2]), first);
  const [kept] = same(w, toDevice(tensor([3, 4]), first));
  assertTensorsClose(kept, [1, 2]);
  assertStrictEquals(kept.device, first);
  assertThrows(() => w.sum(), Error, "it was donated");
});

Deno.test("donated arguments are given up on their device", () => {
  const step = jit((w: Tensor, g: Tensor) => w.sub(g), { donateArgnums: 0 });
  const w = toDevice(tensor([3, 4]), first);
  const next = step(w, tensor([1, 1]));
  assertStrictEquals(next.device, first);
  assertTensorsClose(next, [2, 3]);
  assertRefused(
    () => w.add(1),
    ArgumentError,
    "Cannot use float32[2]: it was donated as args[0] of an anonymous function (call 1); use what " +
      "that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
});

Deno.test("tensors of two devices are an error that names both", () => {
  const x = toDevice(tensor([1, 2]), first);
  const y = toDevice(tensor([3, 4]), second);
  const messages = [
    () => add(x, y),
    () => jit((p: { a: Tensor }, y: Tensor) => p.a.add(y))({ a: x }, y),
    () => grad(jit((x: Tensor) => x.mul(y).sum()))(x),
    () => jit((x: Tensor) => x.mul(y).sum())(x),
  ].map((f) => {
    try {
      f();
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  });
  assertEquals(messages, [
    "Cannot apply add to float32[2] on test:0 and float32[2] on test:1: " +
    "expected one device; move one of them with toDevice",
    "Cannot run an anonymous function: expected all arguments on one device, " +
    "args[0].a is on test:0 and args[1] is on test:1; move one of them with toDevice",
    ...["a compiled function", "an anonymous function"].map((name) =>
      `Cannot run ${name} on test:0: it has captured a tensor that is ` +
      "on test:1; pass that one as an argument, or move it with toDevice"
    ),
  ]);
});

Deno.test("a tensor of one element is where it was placed, also where it is repeated", () => {
  const x = toDevice(tensor([1, 2]), first);
  for (const one of [tensor(3), tensor([3]), ones([1]), ones([])]) {
    for (
      const f of [add, chooseNegative, (a: Tensor, b: Tensor) => stack([a, b.broadcastTo([2])])]
    ) {
      assertThrows(() => f(x, toDevice(one, second)), ArgumentError, "expected one device");
      assertStrictEquals(f(x, one).device, first);
    }
    assertStrictEquals(toDevice(one, second).broadcastTo([2, 3]).device, second);
  }
});

Deno.test("only open devices are accepted", () => {
  const closed = new Device("test", 7);
  const expected = "expected an open device (cpu:0, test:0, test:1), got";
  assertRefused(
    () => toDevice(tensor(1), closed),
    ArgumentError,
    `Cannot move to a device: ${expected} test:7`,
  );
  assertRefused(
    () => configure({ device: closed }),
    ArgumentError,
    `Cannot configure: ${expected} test:7`,
  );
  assertRefused(
    () => jit((x) => x, { device: "cpu" as never }),
    ArgumentError,
    `Cannot apply jit: ${expected} "cpu"`,
  );
});

const cube = (x: Tensor) => x.mul(x).mul(x);

/** Whether a tensor is unplaced, and therefore follows other tensors. */
function isUnplaced(x: Tensor): boolean {
  return (x as Concrete).placement === null;
}

Deno.test("grad moves tangents along, and cotangents back to where the value was", () => {
  const f = (x: Tensor) => cube(toDevice(x.mul(2), first)).sum();
  const expected = [24, 96];
  const unplaced = grad(f)(tensor([1, 2]));
  assertTensorsClose(unplaced, expected);
  assert(isUnplaced(unplaced));
  for (const device of [cpu, first, second]) {
    const gradient = grad(f)(toDevice(tensor([1, 2]), device));
    assertStrictEquals(gradient.device, device);
    assertTensorsClose(gradient, expected);
  }
  // The moved value is used on both devices, each time with a partner that is placed there.
  const near = toDevice(tensor([3, 4]), second);
  const far = toDevice(tensor([5, 6]), first);
  const both = (x: Tensor) =>
    toDevice(x.mul(near), first).mul(far).sum().add(toDevice(x.sin().mul(near), first).sum());
  const x = toDevice(tensor([0, 0]), second);
  const gradient = grad(both)(x);
  assertStrictEquals(gradient.device, second);
  assertTensorsClose(gradient, [18, 28]);
});

Deno.test("forward mode, second derivatives and Hessians go across a move", () => {
  const f = (x: Tensor) => cube(toDevice(x, first)).sum();
  const x = toDevice(tensor([1, 2]), second);
  const [y, dy] = jvp(f, [x], [toDevice(tensor([1, 0]), second)]);
  assertStrictEquals(y.device, first);
  assertStrictEquals(dy.device, first);
  assertTensorsClose(y, 9);
  assertTensorsClose(dy, 3);
  const curved = grad((x: Tensor) => grad(f)(x).sum())(x);
  assertStrictEquals(curved.device, second);
  assertTensorsClose(curved, [6, 12]);
  const curvature = hessian(f)(x);
  assertTensorsClose(curvature, [[6, 0], [0, 12]]);
});

Deno.test("vmap moves the batch, and a tracer tells where its batch is", () => {
  const x = toDevice(tensor([[1, 2], [3, 4]]), second);
  const seen: Device[] = [];
  const y = vmap((row: Tensor) => {
    seen.push(row.device);
    const moved = toDevice(row, first);
    seen.push(moved.device);
    return moved.sum();
  })(x);
  assertEquals(seen, [second, first]);
  assertStrictEquals(y.device, first);
  assertTensorsClose(y, [3, 7]);
  const gradients = vmap(grad((row: Tensor) => cube(toDevice(row, first)).sum()))(x);
  assertStrictEquals(gradients.device, second);
  assertTensorsClose(gradients, [[3, 12], [27, 48]]);
});

Deno.test("a compiled function runs where it moves values to", () => {
  const moving: ((x: Tensor) => Tensor)[] = [
    (x) => cube(toDevice(x, first)).sum(),
    (x) => toDevice(cube(x).sum(), first),
    (x) => jit(cube, { device: first })(x).sum(),
    (x) =>
      cond(x.sum().greater(0), (x: Tensor) => toDevice(x, first), (x: Tensor) => x, cube(x)).sum(),
    (x) =>
      scan((c: Tensor, row: Tensor) => [toDevice(c, first).add(cube(row)), c], zeros([]), x)[0],
    (x) => foriLoop(0, 3, (_, c: Tensor) => toDevice(c, first).mul(1), cube(x)).sum(),
    (x) => checkpoint((x: Tensor) => cube(toDevice(x, first)))(x).sum(),
  ];
  for (const f of moving) {
    for (const x of [tensor([1, 2]), toDevice(tensor([1, 2]), first)]) {
      const { runs } = logOf(() => {
        const y = jit(f)(x);
        assertStrictEquals(y.device, first);
        assertTensorsClose(y, 9);
        const gradient = jit(grad(f))(x);
        assert(isUnplaced(x) || gradient.device === first);
        assertTensorsClose(gradient, [3, 12]);
        assertTensorsClose(grad(jit(f))(x), [3, 12]);
      });
      assert(runs >= 3, String(f));
      assertTensorsClose(f(x), 9);
      assertStrictEquals(f(x).device, first);
      assertTensorsClose(grad(f)(x), [3, 12]);
    }
  }
});

Deno.test("functions that are run step by step move values for real", () => {
  const near = toDevice(tensor([3, 4]), second);
  const far = toDevice(tensor([5, 6]), first);
  const across = (x: Tensor): Tensor => toDevice(x.mul(near), first).mul(far).sum();
  const pulled = customVjp(
    across,
    (x: Tensor) => [across(x), null],
    (_, ct: Tensor) => [toDevice(ct.mul(far), second).mul(near)],
  );
  for (const f of [checkpoint(across), pulled]) {
    const x = toDevice(tensor([1, 2]), second);
    assertStrictEquals(f(x).device, first);
    assertTensorsClose(f(x), 63);
    const gradient = grad(f)(x);
    assertStrictEquals(gradient.device, second);
    assertTensorsClose(gradient, [15, 24]);
    assertTensorsClose(vmap(grad(f))(toDevice(tensor([[1, 2]]), second)), [[15, 24]]);
  }
});

Deno.test("the device of jit acts within every other transform", () => {
  const f = jit(cube, { device: first });
  const { runs } = logOf(() => {
    const gradient = grad((x: Tensor) => f(x).sum())(tensor([1, 2]));
    assertTensorsClose(gradient, [3, 12]);
    assert(isUnplaced(gradient));
    const y = vmap(f)(toDevice(tensor([[1], [2]]), second));
    assertStrictEquals(y.device, first);
    assertTensorsClose(y, [[1], [8]]);
    const captured = vmap((x: Tensor) => jit(() => cube(x), { device: first })())(tensor([1, 2]));
    assertStrictEquals(captured.device, first);
    assertTensorsClose(captured, [1, 8]);
    const whole = jit((x: Tensor) => f(x.add(1)).sub(1))(tensor([0, 1]));
    assertStrictEquals(whole.device, first);
    assertTensorsClose(whole, [0, 7]);
    const numbers = grad((x: number) => jit((x: number) => square(x), { device: first })(x))(3);
    assertTensorsClose(numbers, 6);
  });
  assert(runs >= 5, String(runs));
  const { program } = jit((x: Tensor) => f(x)).lower(tensor([1, 2]));
  assertEquals(program.equations.map(({ primitive }) => primitive.name), ["move", "call"]);
});

Deno.test("a compiled function that moves values elsewhere than where it runs is an error", () => {
  const there = toDevice(tensor([1, 2]), second);
  const f = function f(x: Tensor): Tensor {
    return toDevice(x, first).mul(2);
  };
  const advice =
    "it moves values to test:0, and a program runs on one device; move its arguments " +
    "there, or move the values before or after the call";
  assertRefused(() => jit(f)(there), ArgumentError, `Cannot run f on test:1: ${advice}`);
  assertRefused(
    () => jit(f, { device: second })(tensor([1])),
    ArgumentError,
    `Cannot run f on test:1: ${advice}`,
  );
  assertRefused(
    () => grad(jit((x: Tensor) => f(x).sum()))(there),
    ArgumentError,
    `Cannot run a compiled function on test:1: ${advice}`,
  );
  for (const length of [3, 20_000]) {
    assertRefused(
      () => foriLoop(0, length, (_, x) => f(x), there),
      ArgumentError,
      `Cannot run scan on test:1: ${advice}`,
    );
  }
  const captured = () => jit((x: Tensor) => f(x).add(there))(tensor([1, 2]));
  assertRefused(
    captured,
    ArgumentError,
    "Cannot run an anonymous function on test:0: it has captured a tensor that is on test:1; " +
      "pass that one as an argument, or move it with toDevice",
  );
  assertRefused(
    () => jit((x: Tensor) => toDevice(f(x), second))(tensor([1])),
    ArgumentError,
    "Cannot run a program that moves values to test:0 and to test:1: a program runs on one device; " +
      "make a compiled function of each part and move what is between them",
  );
});

Deno.test("arguments that jit moves are given up as others are", () => {
  const step = jit((w: Tensor) => w.mul(2), { device: first, donateArgnums: 0 });
  const w = tensor([3, 4]);
  assertTensorsClose(step(w), [6, 8]);
  assertRefused(
    () => w.add(1),
    ArgumentError,
    "Cannot use float32[2]: it was donated as args[0] of an anonymous function (call 1); use what " +
      "that call returned, or keep a copy from before it: copy(x), tree.map(copy, params)",
  );
});

Deno.test("read brings elements before data is asked for them", async () => {
  let isThere = false;
  const elements = new Float32Array([1, 2]);
  const give = () => {
    if (!isThere) throw new Error("Cannot wait here");
    return elements;
  };
  const storage = new Storage({
    peek: (f) => f(give()),
    elements: give,
    arrive: () => Promise.resolve().then(() => void (isThere = true)),
  }, 2);
  const x = new Concrete("float32", [2], storage);
  assertThrows(() => x.data(), Error, "Cannot wait here");
  assertEquals([...await x.read<Float32Array>()], [1, 2]);
});

Deno.test("ready and read wait for what a device computes", async () => {
  const x = jit((x: Tensor) => x.mul(2))(toDevice(tensor([1, 2]), first));
  const tree = { x, n: 3 };
  assertStrictEquals(await ready(tree), tree);
  assertEquals([...await x.read<Float32Array>()], [2, 4]);
  assert((x as Concrete).placement === first);
});

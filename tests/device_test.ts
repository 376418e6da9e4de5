import {
  add,
  ArgumentError,
  cond,
  configure,
  devices,
  foriLoop,
  grad,
  jit,
  matmul,
  ones,
  random,
  ready,
  scan,
  tensor,
  toDevice,
  TraceError,
  vmap,
  zeros,
} from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { Device } from "../src/core/device.ts";
import { openDevice } from "../src/backends/backend.ts";
import type { Backend } from "../src/backends/backend.ts";
import { makeEvaluator } from "../src/backends/evaluator.ts";
import type { Concrete } from "../src/core/tensor.ts";
import { assertTensorsClose } from "../src/testing/mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "./support/std.ts";

/** What a test device has been asked to do. */
interface Log {
  compiled: number;
  runs: number;
  operations: string[];
  put: number;
}

/** A backend that is the evaluator under another name, and counts. */
function openTestDevice(id: number): { device: Device; log: Log } {
  const log: Log = { compiled: 0, runs: 0, operations: [], put: 0 };
  const evaluator = makeEvaluator("test");
  const backend: Backend = {
    ...evaluator,
    compile(program, isDonated) {
      log.compiled++;
      const executable = evaluator.compile(program, isDonated);
      return {
        ...executable,
        run(args, names) {
          log.runs++;
          return executable.run(args, names);
        },
      };
    },
    evaluate(primitive) {
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

/** What `f` makes the first device do. */
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
  assertEquals(
    messages[0],
    "Cannot apply add to float32[2] on test:0 and float32[2] on test:1: " +
      "expected one device; move one of them with toDevice",
  );
  assertEquals(
    messages[1],
    "Cannot run an anonymous function: expected all arguments on one device, " +
      "args[0].a is on test:0 and args[1] is on test:1; move one of them with toDevice",
  );
  for (const message of messages.slice(2)) {
    assertEquals(
      message,
      "Cannot run a compiled function on test:0: it has captured a tensor that is " +
        "on test:1; pass that one as an argument, or move it with toDevice",
    );
  }
});

Deno.test("only open devices are accepted, and traced values cannot be moved", () => {
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
  const move = (x: Tensor) => toDevice(x, cpu);
  for (
    const [name, f] of [["jit", jit(move)], ["grad", grad(move)], ["vmap", vmap(move)]] as const
  ) {
    assertRefused(
      () => f(name === "vmap" ? tensor([1]) : tensor(1)),
      TraceError,
      `Cannot move to cpu:0 float32[] while ${name} traces it: what is traced is where the arguments ` +
        "are; move those before the call",
    );
  }
});

Deno.test("ready and read wait for what a device computes", async () => {
  const x = jit((x: Tensor) => x.mul(2))(toDevice(tensor([1, 2]), first));
  const tree = { x, n: 3 };
  assertStrictEquals(await ready(tree), tree);
  assertEquals([...await x.read<Float32Array>()], [2, 4]);
  assert((x as Concrete).placement === first);
});

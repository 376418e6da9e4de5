/**
 * XLA as a device: where results are, donation, memory, errors, training.
 *
 * @module
 */
import {
  add,
  copy,
  debugCallback,
  devices as openDevices,
  grad,
  jit,
  linalg,
  matmul,
  nn,
  ones,
  optim,
  random,
  ready,
  scan,
  tensor,
  toDevice,
  tree,
  valueAndGrad,
  vmap,
  zeros,
} from "../../../mod.ts";
import type { Device, Tensor } from "../../../mod.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { closeXla, openXla } from "../../../src/backends/xla/mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { assert, assertEquals, assertThrows } from "../../support/std.ts";
import { devices, xlaTest } from "./support.ts";

function memory(device: Device) {
  return backendOf(device).memoryUsage();
}

xlaTest("devices are listed, and results are where the arguments are", () => {
  const [first, second] = devices();
  const { kind, id } = first;
  assertEquals(String(second), `${kind}:${id + 1}`);
  assert(openDevices().includes(first));
  const x = toDevice(tensor([1, 2, 3]), first);
  assertEquals(x.device, first);
  assertEquals(x.add(1).device, first);
  assertEquals(x.add(1).toArray(), [2, 3, 4]);
  const f = jit((x: Tensor) => x.mul(2).sum());
  assertEquals(f(x).device, first);
  assertEquals(f(x).item(), 12);
  assertEquals(jit((x: Tensor) => x.mul(2), { device: second })(x).device, second);
  assertThrows(
    () => add(x, toDevice(x, second)),
    Error,
    `Cannot apply add to float32[3] on ${first} and float32[3] on ${second}: expected one device; ` +
      `move one of them with toDevice`,
  );
});

xlaTest("a tensor moves between devices, whoever has its elements", async () => {
  const [first, second] = devices();
  const [cpu] = openDevices();
  const large = random.normal(random.key(0), [300, 300]);
  const there = toDevice(jit((x: Tensor) => x.mul(2))(large), first);
  const back = toDevice(toDevice(there, second).add(1), cpu);
  assertEquals(back.data(), large.mul(2).add(1).data());
  const reshaped = toDevice(large.reshape([100, 900]), first);
  assertEquals(jit((x: Tensor) => x.sum())(reshaped.reshape([-1])).device, first);
  assertEquals((await there.read()).length, 90_000);
  assertEquals(toDevice(zeros([2, 3]), first).add(1).toArray(), [[1, 1, 1], [1, 1, 1]]);
  assertEquals(toDevice(zeros([0, 3]), first).sum(0).toArray(), [0, 0, 0]);
  assertEquals(toDevice(tensor([true, false]), first).logicalNot().toArray(), [false, true]);
});

xlaTest("a step of training gives there what it gives here", () => {
  const [device] = devices();
  const model = nn.sequential(nn.linear(4, 8), nn.layerNorm(8), nn.linear(8, 3));
  const optimizer = optim.sgd(0.1, { momentum: 0.9 });
  const [params, state] = model.init(random.key(0));
  const step = jit((weights: typeof params, momentum: unknown, x: Tensor, y: Tensor) => {
    const loss = (weights: typeof params) => nn.crossEntropy(model.apply(weights, state, x)[0], y);
    const [value, grads] = valueAndGrad(loss)(weights);
    const [updates, next] = optimizer.update(grads, momentum as never, weights);
    return [optim.applyUpdates(weights, updates), next, value] as const;
  }, { donateArgnums: [0, 1] });
  const x = random.normal(random.key(1), [16, 4]);
  const y = random.randint(random.key(2), [16], 0, 3);
  const train = (place: Device): readonly number[] => {
    let [weights, momentum] = toDevice([tree.map(copy, params), optimizer.init(params)], place);
    const [inputs, labels] = toDevice([x, y], place);
    const losses: Tensor[] = [];
    for (let i = 0; i < 10; i++) {
      const [next, after, loss] = step(weights as typeof params, momentum, inputs, labels);
      [weights, momentum] = [next, after] as unknown as [typeof weights, typeof momentum];
      losses.push(loss);
    }
    return losses.map((loss) => loss.item());
  };
  const [here, there] = [train(openDevices()[0]), train(device)];
  there.forEach((loss, i) => assert(Math.abs(loss - here[i]) < 1e-5, `${loss} and ${here[i]}`));
});

xlaTest("a donated argument is used up", () => {
  const [device] = devices();
  const update = jit((x: Tensor) => x.add(1), { donateArgnums: [0] });
  const x = toDevice(ones([1000]), device).mul(1);
  const held = memory(device).held;
  const y = update(x);
  assert(memory(device).held <= held, "the result takes the argument's memory");
  assertEquals(y.at(0).item(), 2);
  assertThrows(() => x.sum(), Error, "Cannot use float32[1000]: it was donated");
});

xlaTest("factorisations are computed there, also in loops and for gradients", () => {
  const [device] = devices();
  const a = random.normal(random.key(3), [5, 5]);
  const f = (a: Tensor) => {
    const symmetric = matmul(a, a.transpose());
    const [values] = linalg.eigh(symmetric);
    return values.log().sum();
  };
  const there = toDevice(a, device);
  assertEquals(jit(f)(there).device, device);
  assertTensorsClose(jit(f)(there).item(), f(a).item(), { rtol: 1e-4 });
  assertTensorsClose(jit(grad(f))(there).data(), grad(f)(a).data(), { rtol: 1e-3, atol: 1e-3 });
  const looped = (a: Tensor) =>
    scan((s: Tensor, row: Tensor) => [s.add(f(a).mul(row.sum())), null], tensor(0), a)[0];
  assertTensorsClose(jit(looped)(there).item(), looped(a).item(), { rtol: 1e-3 });
});

xlaTest("what has no form there is left to the evaluator, between parts and in loops", () => {
  const [device] = devices();
  const seen: number[] = [];
  const f = (x: Tensor) => {
    const step = (s: Tensor, y: Tensor) => {
      const next = s.add(y.mul(2));
      debugCallback((value) => seen.push(value.item()), next);
      return [next, null] as const;
    };
    return scan(step, x.max(), x)[0].mul(3);
  };
  const y = jit(f)(toDevice(tensor([1, 2, 3]), device));
  assertEquals([y.item(), y.device], [45, device]);
  assertEquals(seen, [5, 9, 15]);
});

xlaTest("an index outside of its axis is an error for who reads what it led to", () => {
  const [device] = devices();
  const x = toDevice(tensor([1, 2, 3]), device);
  const pick = jit((x: Tensor, i: Tensor) => x.at(i));
  const index = (i: number) => tensor(i, { dtype: "int32" });
  assertEquals(pick(x, index(2)).item(), 3);
  const later = jit((y: Tensor) => y.mul(2).sum())(pick(x, index(3)));
  assertThrows(
    () => later.item(),
    RangeError,
    "Cannot read what was computed on a device: an index lay outside of its axis; run the function " +
      "on cpu:0 to see which",
  );
  const batched = jit(vmap((i: Tensor) => x.at(i)));
  assertThrows(() => batched(tensor([0, 5], { dtype: "int32" })).data(), RangeError);
});

xlaTest("memory is bounded in a synchronous loop, and nothing can be used after closing", () => {
  const [device] = openXla({ options: { cpu_device_count: 1 } });
  const backend = backendOf(device);
  backend.configure({ memoryLimit: 2 ** 24 });
  let x = toDevice(ones([512, 512]), device);
  const kept: Tensor[] = [];
  const next = jit((x: Tensor) => x.add(1));
  for (let i = 0; i < 100; i++) {
    x = next(x);
    if (i % 10 === 0) kept.push(x);
  }
  assert(backend.memoryUsage().peak <= 2 ** 24 + 2 ** 21, `${backend.memoryUsage().peak}`);
  kept.forEach((x, i) => assertEquals(x.at(0, 0).item(), 10 * i + 2));
  closeXla([device]);
  assert(!openDevices().includes(device));
  assertThrows(() => x.add(1), Error, `Cannot use ${device}: it is not open`);
  assertThrows(() => x.data(), Error, "Cannot read float32[512,512]: the XLA client is closed");
  for (const [devices, shown] of [[device, `${device}`], [undefined, "undefined"], [3, "3"]]) {
    assertThrows(
      () => closeXla(devices as never),
      TypeError,
      `Cannot close XLA: expected a list of devices, got ${shown}`,
    );
  }
});

xlaTest("dead results are freed in a loop that waits", async () => {
  const opened = openXla({ options: { cpu_device_count: 1 } });
  const next = jit((x: Tensor) => x.add(1));
  const x = toDevice(ones([2048, 1024]), opened[0]);
  for (let i = 0; i < 150; i++) await ready(next(x));
  const { peak } = memory(opened[0]);
  assert(peak < 400 * 2 ** 20, `${peak}`);
  closeXla(opened);
});

xlaTest("what has moved out is freed in a synchronous loop", () => {
  const [device] = openXla({ options: { cpu_device_count: 1 } });
  backendOf(device).configure({ memoryLimit: 2 ** 24 });
  const next = jit((x: Tensor) => x.add(1));
  let x = toDevice(ones([1024, 1024]), device);
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 500; i++) x = next(x);
  const taken = Deno.memoryUsage().rss - before;
  assert(taken < 1e9, `${taken} bytes of ${500 * 2 ** 22}`);
  assertEquals(x.at(0, 0).item(), 501);
  closeXla([device]);
});

xlaTest(
  "what moves out is never an argument of the same call, nor an error for somebody else",
  () => {
    const opened = openXla({ options: { cpu_device_count: 1 } });
    const [device] = opened;
    backendOf(device).configure({ memoryLimit: 2 ** 19 });
    const sum = jit((x: Tensor, y: Tensor) => x.add(y), { device });
    const [x, y] = [1, 2].map((value) => ones([512, 512]).mul(value));
    assertEquals(
      sum(tensor(x.data()).reshape([512, 512]), y.add(zeros([512, 512]))).at(0, 0).item(),
      3,
    );
    const index = toDevice(tensor([7], { dtype: "int32" }), device);
    const lost = jit((x: Tensor, i: Tensor) => x.at(i).add(0))(toDevice(ones([3]), device), index);
    for (let i = 0; i < 4; i++) toDevice(ones([512, 512]).mul(i), device);
    assertThrows(() => lost.data(), RangeError);
    closeXla(opened);
  },
);

xlaTest("a lowered function shows the text that it was compiled from", () => {
  const [device] = devices();
  const text = jit((x: Tensor) => x.sin()).lower(toDevice(ones([3]), device)).text();
  assert(text.includes("stablehlo.sine"), text);
});

xlaTest("options that do not fit are refused", () => {
  const wrong = { plugins: "" } as never;
  assertThrows(
    () => openXla(wrong),
    Error,
    'Cannot open XLA: there is no option "plugins", the options are plugin, options, ' +
      "cacheDirectory",
  );
  assertThrows(() => openXla({ plugin: "deno.json" }), Error, "deno.json");
});

xlaTest("compiled programs are kept in a directory, and damaged files are compiled again", () => {
  const cacheDirectory = Deno.makeTempDirSync();
  try {
    const run = (): number => {
      const opened = openXla({ options: { cpu_device_count: 1 }, cacheDirectory });
      const f = jit((x: Tensor) => x.sin().sum());
      const value = f(toDevice(tensor([1, 2]), opened[0])).item();
      closeXla(opened);
      return value;
    };
    const value = run();
    const files = () => [...Deno.readDirSync(cacheDirectory)].map(({ name }) => name).sort();
    const first = files();
    assert(first.length > 0 && first.every((name) => name.endsWith(".xla")), first.join());
    const times = () => first.map((name) => Deno.statSync(`${cacheDirectory}/${name}`).mtime);
    const before = times();
    assertEquals(run(), value);
    assertEquals(times(), before);
    for (const name of first) {
      const path = `${cacheDirectory}/${name}`;
      const bytes = Deno.readFileSync(path);
      Deno.writeFileSync(path, bytes.subarray(0, bytes.length - 100));
    }
    assertEquals(run(), value);
    assertEquals(files(), first);
  } finally {
    Deno.removeSync(cacheDirectory, { recursive: true });
  }
  assertThrows(
    () => openXla({ cacheDirectory: "deno.json/x" }),
    Error,
    'Cannot keep compiled programs in "deno.json/x"',
  );
});

/**
 * WebGPU as a device: where results are, donation, memory, reading, errors, training.
 *
 * @module
 */
import {
  add,
  cond,
  copy,
  debugCallback,
  devices as openDevices,
  grad,
  jit,
  makeProgram,
  matmul,
  nn,
  ones,
  optim,
  random,
  scan,
  tensor,
  toDevice,
  tree,
  valueAndGrad,
  whileLoop,
  zeros,
} from "../../../mod.ts";
import type { Device, Tensor } from "../../../mod.ts";
import { WebGpuError } from "../../../src/base/errors.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { closeWebGpu, openWebGpu } from "../../../src/backends/webgpu/mod.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../support/std.ts";
import { device, gpuTest, isExpected } from "./support.ts";

gpuTest("results are where the arguments are", () => {
  const x = toDevice(tensor([1, 2, 3]), device());
  assert(openDevices().includes(device()));
  assertEquals(x.add(1).device, device());
  assertEquals(x.add(1).toArray(), [2, 3, 4]);
  const f = jit((x: Tensor) => x.mul(2).sum());
  assertEquals([f(x).device, f(x).item()], [device(), 12]);
  assertEquals(jit((x: Tensor, y: Tensor) => matmul(x, y))(x, x).item(), 14);
  assertEquals(add(x, x).toArray(), [2, 4, 6]);
});

gpuTest("a tensor moves between devices, whoever has its elements", async () => {
  const [cpu] = openDevices();
  const large = random.normal(random.key(0), [300, 300]);
  const there = toDevice(jit((x: Tensor) => x.mul(2))(large), device());
  const back = toDevice(there.add(1), cpu);
  assertEquals(back.data(), large.mul(2).add(1).data());
  assertEquals((await there.mul(1).read()).length, 90_000);
  assertEquals(toDevice(zeros([2, 3]), device()).add(1).toArray(), [[1, 1, 1], [1, 1, 1]]);
  assertEquals(toDevice(zeros([0, 3]), device()).sum(0).toArray(), [0, 0, 0]);
  assertEquals(toDevice(tensor([true, false]), device()).logicalNot().toArray(), [false, true]);
  const halves = toDevice(tensor([1.5, -2, 65504], { dtype: "float16" }), device());
  assertEquals(halves.mul(1).toArray(), [1.5, -2, 65504]);
  const bytes = toDevice(tensor([200, 100], { dtype: "uint8" }), device());
  assertEquals(bytes.add(bytes).toArray(), [144, 200]);
});

gpuTest("what Adam computes of its count is done before all else, without the device", () => {
  const optimizer = optim.adam(0.1);
  const weights = tensor([1, 2, 3]);
  const step = (w: Tensor, memory: ReturnType<typeof optimizer.init>) => {
    const [updates, next] = optimizer.update(w.mul(2), memory, w);
    return [w.add(updates as Tensor), next] as const;
  };
  const memory = optimizer.init(weights);
  const program = optimize(makeProgram(step)(weights, memory));
  const args = tree.leaves([weights, memory]) as Concrete[];
  const options = { place: device(), shardings: [], isDonated: args.map(() => false) };
  const compiled = backendOf(device()).compile(program, options);
  assertEquals(compiled.describe().steps, 2);
  const [counts, others] = [true, false].map((isCount) =>
    compiled.run(args).filter(({ dtype }) => (dtype === "int32") === isCount)
  );
  assert(counts.length > 0 && counts.every(({ storage }) => storage.resident === null));
  assert(others.length > 0 && others.every(({ storage }) => storage.resident !== null));
});

gpuTest("normal numbers are drawn there, without the evaluator", () => {
  const draw = (key: Tensor) => random.normal(key, [1000]);
  const options = { place: device(), shardings: [], isDonated: [false] };
  const program = optimize(makeProgram(draw)(random.key(0)));
  assertEquals(backendOf(device()).compile(program, options).describe().steps, 1);
  const there = jit(draw)(toDevice(random.key(3), device()));
  assertTensorsClose(there, draw(random.key(3)), { rtol: 1e-6 });
});

gpuTest("normalizations and their gradients run there without the evaluator", () => {
  const [layer, batch] = [nn.layerNorm(24), nn.batchNorm(3)];
  const [layerParams, layerState] = layer.init(random.key(0));
  const [batchParams, batchState] = batch.init(random.key(0));
  const cases = [
    [(x: Tensor) => layer.apply(layerParams, layerState, x)[0], [8, 24]],
    [(x: Tensor) => batch.apply(batchParams, batchState, x, { train: true })[0], [4, 3, 5, 5]],
    // Within a loop, too.
    [
      (x: Tensor) =>
        scan(
          (c: Tensor, row: Tensor) =>
            [layer.apply(layerParams, layerState, c.add(row))[0], null] as const,
          x.at(0),
          x,
        )[0],
      [5, 24],
    ],
  ] as const;
  for (const [normalize, shape] of cases) {
    const f = (x: Tensor) =>
      valueAndGrad((x: Tensor) => normalize(x).mul(1.5).sin().sum())(x) as [Tensor, Tensor];
    // A mean far from 0 that float32 does not hold.
    const x = random.normal(random.key(1), shape).add(1000.3);
    const options = { place: device(), shardings: [], isDonated: [false] };
    const program = optimize(makeProgram(f)(x));
    assertEquals(backendOf(device()).compile(program, options).describe().steps, 1);
    const [there, slope] = jit(f)(toDevice(x, device()));
    const [here, expected] = jit(f)(x);
    assertTensorsClose(there, here, { rtol: 1e-5, atol: 1e-5 });
    assertTensorsClose(slope, expected, { rtol: 1e-4, atol: 1e-5 });
  }
});

gpuTest("float64 is left to the evaluator, between parts", () => {
  const x = toDevice(tensor([1, 2, 3]), device());
  const f = jit((x: Tensor) => x.mul(2).astype("float64").sin().astype("float32").add(1));
  assertEquals(f(x).device, device());
  assertEquals(f(x).toArray(), [2, 4, 6].map((v) => Math.fround(Math.fround(Math.sin(v)) + 1)));
});

gpuTest("a step of training gives there what it gives here", () => {
  const model = nn.sequential(nn.linear(4, 8), nn.layerNorm(8), nn.linear(8, 3));
  const optimizer = optim.adam(0.01);
  const [params, state] = model.init(random.key(0));
  const step = jit((weights: typeof params, moments: unknown, x: Tensor, y: Tensor) => {
    const loss = (weights: typeof params) => nn.crossEntropy(model.apply(weights, state, x)[0], y);
    const [value, grads] = valueAndGrad(loss)(weights);
    const [updates, next] = optimizer.update(grads, moments as never, weights);
    return [optim.applyUpdates(weights, updates), next, value] as const;
  }, { donateArgnums: [0, 1] });
  const x = random.normal(random.key(1), [16, 4]);
  const y = random.randint(random.key(2), [16], 0, 3);
  const train = (place: Device): readonly number[] => {
    let [weights, moments] = toDevice([tree.map(copy, params), optimizer.init(params)], place);
    const [inputs, labels] = toDevice([x, y], place);
    const losses: Tensor[] = [];
    for (let i = 0; i < 10; i++) {
      const [next, after, loss] = step(weights as typeof params, moments, inputs, labels);
      [weights, moments] = [next, after] as unknown as [typeof weights, typeof moments];
      losses.push(loss);
    }
    return losses.map((loss) => loss.item());
  };
  const [here, there] = [train(openDevices()[0]), train(device())];
  there.forEach((loss, i) => assert(Math.abs(loss - here[i]) < 1e-4, `${loss} and ${here[i]}`));
});

gpuTest("a step of Adam is one submission, which nobody waits for", () => {
  const optimizer = optim.adam(0.01);
  const step = jit((w: Tensor, moments: ReturnType<typeof optimizer.init>, x: Tensor) => {
    const grads = grad((w: Tensor) => matmul(x, w).square().mean())(w);
    const [updates, next] = optimizer.update(grads, moments, w);
    return [optim.applyUpdates(w, updates), next] as const;
  }, { donateArgnums: [0, 1] });
  const x = random.normal(random.key(0), [8, 4]);
  let [w, moments] = toDevice([ones([4]).mul(1), optimizer.init(ones([4]))] as const, device());
  const run = () => [w, moments] = step(w, moments, x) as unknown as [typeof w, typeof moments];
  const calls = { mapAsync: 0, submit: 0 };
  const { mapAsync } = GPUBuffer.prototype;
  const { submit } = GPUQueue.prototype;
  run();
  const { held } = backendOf(device()).memoryUsage();
  GPUBuffer.prototype.mapAsync = function (...args) {
    calls.mapAsync++;
    return mapAsync.apply(this, args);
  };
  GPUQueue.prototype.submit = function (...args) {
    calls.submit++;
    return submit.apply(this, args);
  };
  try {
    for (let i = 0; i < 50; i++) run();
  } finally {
    GPUBuffer.prototype.mapAsync = mapAsync;
    GPUQueue.prototype.submit = submit;
  }
  assertEquals(calls, { mapAsync: 0, submit: 50 });
  assertEquals(backendOf(device()).memoryUsage().held, held);
  const reference = openDevices()[0];
  let [v, others] = toDevice([ones([4]).mul(1), optimizer.init(ones([4]))] as const, reference);
  for (let i = 0; i < 51; i++) {
    [v, others] = step(v, others, x) as unknown as [typeof v, typeof others];
  }
  w.data().forEach((value, i) => assert(Math.abs(value - v.data()[i]) < 1e-5));
});

gpuTest("a donated argument is used up, and its memory is free", () => {
  const update = jit((x: Tensor) => x.add(1), { donateArgnums: [0] });
  let x = toDevice(ones([1000]), device()).mul(1);
  const { held } = backendOf(device()).memoryUsage();
  for (let i = 0; i < 10; i++) x = update(x);
  assertEquals(backendOf(device()).memoryUsage().held, held);
  const y = update(x);
  assertEquals(y.at(0).item(), 12);
  assertThrows(() => x.sum(), Error, "Cannot use float32[1000]: it was donated");
});

gpuTest("loops, branches and callbacks run in between", () => {
  const seen: number[] = [];
  const f = (x: Tensor) => {
    const step = (s: Tensor, y: Tensor) => {
      const next = s.add(y.mul(2));
      debugCallback((value) => seen.push(value.item()), next);
      return [next, null] as const;
    };
    return scan(step, x.max(), x)[0].mul(3);
  };
  const x = toDevice(tensor([1, 2, 3]), device());
  assertEquals(jit(f)(x).item(), 45);
  assertEquals(seen, [5, 9, 15]);
  const doubled = jit((x: Tensor) =>
    whileLoop((x: Tensor) => x.sum().less(100), (x: Tensor) => x.mul(2), x)
  );
  assertEquals(doubled(x).toArray(), [32, 64, 96]);
  const chosen = jit((x: Tensor) =>
    cond(x.sum().less(10), (x: Tensor) => x.add(1), (x: Tensor) => x.sub(1), x)
  );
  assertEquals(chosen(x).toArray(), [2, 3, 4]);
});

gpuTest("an index outside of its axis is an error for who reads what it led to", async () => {
  const x = toDevice(tensor([1, 2, 3]), device());
  const pick = jit((x: Tensor, i: Tensor) => x.at(i));
  const index = (i: number) => tensor(i, { dtype: "int32" });
  assertEquals(pick(x, index(2)).item(), 3);
  const message =
    "Cannot read what was computed on a device: an index lay outside of its axis; run " +
    "the function on cpu:0 to see which";
  const later = jit((y: Tensor) => y.mul(2).sum())(pick(x, index(3)));
  assertThrows(() => later.item(), RangeError, message);
  await assertRejects(() => pick(x, index(-4)).read(), RangeError, message);
});

gpuTest("what was compiled asynchronously is not compiled again at the first call", async () => {
  const f = jit((x: Tensor, y: Tensor) => matmul(x, y).add(3.25).cumsum(0), { donateArgnums: [0] });
  const [x, y] = [3, 4].map((i) => toDevice(ones([5, 5]).mul(i), device()));
  const { createComputePipeline, createComputePipelineAsync } = GPUDevice.prototype;
  const calls = { now: 0, later: 0 };
  GPUDevice.prototype.createComputePipeline = function (...args) {
    calls.now++;
    return createComputePipeline.apply(this, args);
  };
  GPUDevice.prototype.createComputePipelineAsync = function (...args) {
    calls.later++;
    return createComputePipelineAsync.apply(this, args);
  };
  try {
    await f.compile(x, y);
    const { later } = calls;
    assert(later >= 2);
    assertEquals(f(x, y).at(4).toArray(), [1, 2, 3, 4, 5].map(() => 5 * 63.25));
    assertThrows(() => x.sum(), Error, "it was donated");
    // That of `at` is another one.
    assert(calls.later === later && calls.now <= 1);
  } finally {
    Object.assign(GPUDevice.prototype, { createComputePipeline, createComputePipelineAsync });
  }
});

gpuTest("a thousand runs that may fail are told of by one read, each by itself", () => {
  const pick = jit((x: Tensor, y: Tensor, i: Tensor) => x.at(i).add(y));
  const x = toDevice(ones([3]), device());
  const [good, bad] = [2, 3].map((i) => toDevice(tensor(i, { dtype: "int32" }), device()));
  let sound = toDevice(zeros([]), device());
  let faulty = sound;
  const { mapAsync } = GPUBuffer.prototype;
  let reads = 0;
  GPUBuffer.prototype.mapAsync = function (...args) {
    reads++;
    return mapAsync.apply(this, args);
  };
  try {
    for (let i = 0; i < 1500; i++) {
      if (i % 2 === 0) sound = pick(x, sound, good);
      else faulty = pick(x, faulty, i === 101 ? bad : good);
    }
    assertEquals([sound.item(), reads], [750, 2]);
    assertThrows(() => faulty.item(), RangeError, "an index lay outside of its axis");
    assertEquals([pick(x, sound, good).item(), reads], [751, 3]);
    assertThrows(
      () => pick(x, faulty, good).item(),
      RangeError,
      "an index lay outside of its axis",
    );
  } finally {
    GPUBuffer.prototype.mapAsync = mapAsync;
  }
});

gpuTest(
  "memory is bounded in a synchronous loop, and nothing can be used after closing",
  async () => {
    const [own] = await openWebGpu();
    const backend = backendOf(own);
    backend.configure({ memoryLimit: 2 ** 22 });
    let x = toDevice(ones([128, 512]), own);
    const kept: Tensor[] = [];
    const next = jit((x: Tensor) => x.add(1));
    for (let i = 0; i < 2000; i++) {
      x = next(x);
      if (i % 200 === 0) kept.push(x);
    }
    assert(backend.memoryUsage().peak <= 2 ** 22, `${backend.memoryUsage().peak}`);
    kept.forEach((x, i) => assertEquals(x.at(0, 0).item(), 200 * i + 2));
    closeWebGpu([own]);
    assert(!openDevices().includes(own));
    assertThrows(() => x.add(1), Error, `Cannot use ${own}: it is not open`);
    assertThrows(() => x.data(), Error, "Cannot read float32[65536]: the device was closed");
    assertEquals(String(x), "tensor(<on a closed device>, shape=[128, 512])");
    for (const [devices, shown] of [[own, `${own}`], [undefined, "undefined"], [3, "3"]]) {
      assertThrows(
        () => closeWebGpu(devices as never),
        TypeError,
        `Cannot close WebGPU: expected a list of devices, got ${shown}`,
      );
    }
    assertThrows(
      () => closeWebGpu([own]),
      TypeError,
      `Cannot close ${own}: it is no open device of WebGPU's`,
    );
  },
);

gpuTest("elements are read at once in Deno, time and again", () => {
  const next = jit((x: Tensor) => x.add(1));
  let x = toDevice(tensor([0, 1]), device());
  for (let i = 1; i <= 200; i++) {
    x = next(x);
    assertEquals(x.toArray(), [i, i + 1]);
  }
});

gpuTest("a device that was lost says so", async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const lost = await adapter!.requestDevice();
  const [own] = await openWebGpu({ device: lost });
  const x = toDevice(tensor([1, 2]), own).add(1);
  assertEquals(x.toArray(), [2, 3]);
  const y = x.add(1);
  lost.destroy();
  // Before the event loop has turned, too.
  const early = "Cannot read float32[2]: the device is lost, or has no memory left";
  assertThrows(() => y.data(), WebGpuError, early);
  await assertRejects(() => y.read(), WebGpuError, "Cannot read float32[2]: the device is lost");
  await lost.lost;
  await new Promise((resolve) => setTimeout(resolve));
  assertThrows(() => y.add(1), WebGpuError, "the device is lost");
  assertThrows(() => y.data(), WebGpuError, "Cannot read float32[2]: the device is lost");
  assertEquals(String(y), "tensor(<on a lost device>, shape=[2])");
  closeWebGpu([own]);
});

Deno.test("options that do not fit are refused", async () => {
  await assertRejects(
    () => openWebGpu({ adapter: 1 } as never),
    TypeError,
    'Cannot open WebGPU: there is no option "adapter"',
  );
  for (const [device, shown] of [[3, "3"], [null, "null"], [{}, "object"]] as const) {
    await assertRejects(
      () => openWebGpu({ device } as never),
      TypeError,
      `Cannot open WebGPU: expected a GPUDevice as device, got ${shown}`,
    );
  }
  const refused: readonly (readonly [object, string])[] = [
    [
      { powerPreference: "fast" },
      'expected "low-power" or "high-performance" as powerPreference, got "fast"',
    ],
    [{ limits: 3 }, "expected an object of numbers as limits"],
    [{ limits: [1] }, "expected an object of numbers as limits"],
    [
      { limits: { maxBufferSize: NaN } },
      "expected a non-negative integer as limits.maxBufferSize, got NaN",
    ],
    [
      { limits: { maxBufferSize: -1 } },
      "expected a non-negative integer as limits.maxBufferSize, got -1",
    ],
    [
      { limits: { maxBufferSize: "a" } },
      'expected a non-negative integer as limits.maxBufferSize, got "a"',
    ],
  ];
  for (const [options, message] of refused) {
    await assertRejects(
      () => openWebGpu(options as never),
      TypeError,
      `Cannot open WebGPU: ${message}`,
    );
  }
  if (isExpected) {
    for (
      const [limits, message] of [
        [{ foo: 1 }, 'the adapter has no limit "foo"'],
        [{ maxBufferSize: 2 ** 50 }, "expected maxBufferSize up to "],
        [{ minStorageBufferOffsetAlignment: 1 }, "expected minStorageBufferOffsetAlignment from "],
      ] as const
    ) {
      await assertRejects(
        () => openWebGpu({ limits }),
        WebGpuError,
        `Cannot open WebGPU: ${message}`,
      );
    }
    return;
  }
  // Without an adapter the error says so; with one the device is closed again.
  try {
    closeWebGpu(await openWebGpu());
  } catch (error) {
    assert(error instanceof WebGpuError && error.message.startsWith("Cannot open WebGPU: "));
  }
});

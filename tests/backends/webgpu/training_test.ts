/**
 * Training on a device: memory over many steps, and a device that is lost in the middle.
 *
 * @module
 */
import { devices, jit, nn, optim, random, toDevice, tree, valueAndGrad } from "../../../mod.ts";
import type { Device, Tensor } from "../../../mod.ts";
import { WebGpuError } from "../../../src/base/errors.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { closeWebGpu, openWebGpu } from "../../../src/backends/webgpu/mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { assert, assertRejects, assertThrows } from "../../support/std.ts";
import { gpuTest } from "./support.ts";

const model = nn.sequential(nn.linear(4, 16), nn.relu, nn.linear(16, 3));
const optimizer = optim.adam(0.01);
const [params, state] = model.init(random.key(0));
const x = random.normal(random.key(1), [8, 4]);
const y = random.randint(random.key(2), [8], 0, 3);

type Memory = ReturnType<typeof optimizer.init>;
type Training = readonly [weights: typeof params, memory: Memory, loss: Tensor | null];

function step(weights: typeof params, memory: Memory, x: Tensor, y: Tensor): Training {
  const loss = (weights: typeof params) => nn.crossEntropy(model.apply(weights, state, x)[0], y);
  const [value, grads] = valueAndGrad(loss)(weights);
  const [updates, next] = optimizer.update(grads, memory, weights);
  return [optim.applyUpdates(weights, updates) as typeof params, next as Memory, value];
}

const kept = jit(step);
const donating = jit(step, { donateArgnums: [0, 1] });

/** Trains for so many steps without a turn of the event loop. */
function train(
  one: typeof kept,
  [weights, memory]: Training,
  place: Device,
  steps: number,
): Training {
  let now: Training = [weights, memory, null];
  const [inputs, labels] = toDevice([x, y], place);
  for (let i = 0; i < steps; i++) {
    now = one(now[0], now[1], inputs, labels) as unknown as Training;
  }
  return now;
}

function begin(place: Device): Training {
  return toDevice([tree.map((x: Tensor) => x.add(0), params), optimizer.init(params), null], place);
}

/** The bytes of buffers that are there, and the most there ever were. */
function watchBuffers(): { readonly most: () => number; readonly end: () => void } {
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  const sizes = new Map<GPUBuffer, number>();
  let [held, most] = [0, 0];
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    sizes.set(buffer, descriptor.size);
    most = Math.max(most, held += descriptor.size);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    held -= sizes.get(this) ?? 0;
    sizes.delete(this);
    destroy.call(this);
  };
  const end = () => {
    GPUDevice.prototype.createBuffer = createBuffer;
    GPUBuffer.prototype.destroy = destroy;
  };
  return { most: () => most, end };
}

gpuTest("ten thousand steps of training are done in bounded memory of the device", async () => {
  const limit = 2 ** 20;
  const buffers = watchBuffers();
  try {
    const [own] = await openWebGpu();
    backendOf(own).configure({ memoryLimit: limit });
    const trained = train(donating, begin(own), own, 9000);
    // Nothing is given up here, and nothing is found dead: what was used longest ago moves out.
    const [weights, , loss] = train(kept, trained, own, 1000);
    assert(buffers.most() <= 1.5 * limit, `${buffers.most()}`);
    assert(loss!.item() < 1e-3, `${loss!.item()}`);
    const { peak } = backendOf(own).memoryUsage();
    assert(peak <= limit, `${peak}`);
    for (const leaf of tree.leaves(weights)) assert(leaf.data().every(Number.isFinite));
    closeWebGpu([own]);
  } finally {
    buffers.end();
  }
});

gpuTest("training goes on elsewhere after a device was lost", async () => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  const [own] = await openWebGpu({ device });
  const [cpu] = devices();
  const before = train(kept, begin(own), own, 5);
  const saved = toDevice(before, cpu);
  // They leave the device when they are read.
  for (const leaf of tree.leaves(saved)) await leaf.read();
  const after = train(kept, before, own, 5);
  device.destroy();
  await device.lost;
  await new Promise((resolve) => setTimeout(resolve));
  assertThrows(() => train(kept, after, own, 1), WebGpuError, "the device is lost");
  assertThrows(() => after[2]!.item(), WebGpuError, "the device is lost");
  await assertRejects(() => after[2]!.read(), WebGpuError, "the device is lost");
  closeWebGpu([own]);
  const expected = train(kept, saved, cpu, 5)[2]!;
  const [other] = await openWebGpu();
  const [, , loss] = train(kept, toDevice(saved, other), other, 5);
  assertTensorsClose(loss!, expected, { rtol: 1e-4 });
  closeWebGpu([other]);
});

/**
 * A network that learns to separate the arms of a spiral, in a page: on the GPU if there is
 * WebGPU, in WebAssembly otherwise. `build.ts` bundles it.
 */
/// <reference lib="dom" />
import {
  devices,
  jit,
  models,
  nn,
  optim,
  random,
  tensor,
  toDevice,
  valueAndGrad,
} from "@jacobi/jacobi";
import type { Device, Tensor } from "@jacobi/jacobi";
import { openWebGpu } from "@jacobi/jacobi/webgpu";
import { drawLosses, drawMap, type Point } from "./drawing.ts";

const POINTS_OF_ARM = 100;
const ARMS = 3;
/** The number of steps; `?steps=200` in the address overrides it. */
const STEPS = 600;
/** The number of steps between updates of the map and the losses: reading waits for the GPU. */
const ROUND = 10;
/** Points of the map along each axis. */
const GRID = 48;

function find<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const query = new URLSearchParams(location.search);
const steps = Number(query.get("steps") ?? STEPS);

/** The device, and a sentence about it. `?on=cpu` in the address skips the GPU. */
async function choose(): Promise<readonly [Device, string]> {
  const [cpu] = devices();
  if (query.get("on") === "cpu") {
    return [cpu, "Training in WebAssembly, as the address says"];
  }
  try {
    const [gpu] = await openWebGpu();
    return [gpu, "Training on the GPU, by WebGPU"];
  } catch (error) {
    return [cpu, `Training in WebAssembly. ${(error as Error).message}`];
  }
}

/** Points on arms that wind around the centre, with a little noise. */
function spiral(): Point[] {
  return Array.from({ length: ARMS * POINTS_OF_ARM }, (_, i) => {
    const arm = i % ARMS;
    const along = Math.floor(i / ARMS) / POINTS_OF_ARM;
    const radius = 0.05 + 0.9 * along;
    const angle = 2 * Math.PI * arm / ARMS + 4 * along + 0.25 * (Math.random() - 0.5);
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle), arm };
  });
}

const model = models.mlp([2, 32, 32, ARMS], { activation: nn.tanh });
const optimizer = optim.adam(0.01);

/** Trains from scratch, and draws. */
async function train(device: Device): Promise<void> {
  const points = spiral();
  const places = toDevice(tensor(points.map(({ x, y }) => [x, y])), device);
  const arms = toDevice(tensor(points.map(({ arm }) => arm), { dtype: "int32" }), device);
  const axis = Array.from({ length: GRID }, (_, i) => (2 * i + 1) / GRID - 1);
  const grid = toDevice(tensor(axis.flatMap((y) => axis.map((x) => [x, y]))), device);

  const [initial, state] = model.init(random.key(Math.floor(Math.random() * 2 ** 31)));
  let params = toDevice(initial, device);
  let memory = toDevice(optimizer.init(initial), device);
  const step = jit((p: typeof params, m: typeof memory) => {
    const [loss, gradients] = valueAndGrad((p: typeof params): Tensor =>
      nn.crossEntropy(model.apply(p, state, places)[0], arms)
    )(p);
    const [updates, next] = optimizer.update(gradients, m, p);
    return [optim.applyUpdates(p, updates), next, loss] as const;
  }, { donateArgnums: [0, 1] });
  const chances = jit((p: typeof params) => nn.softmax(model.apply(p, state, grid)[0], -1));

  const losses: number[] = [];
  const start = performance.now();
  while (losses.length < steps) {
    const round: Tensor[] = [];
    for (let i = 0; i < ROUND; i++) {
      const [nextParams, nextMemory, loss] = step(params, memory);
      [params, memory] = [nextParams, nextMemory];
      round.push(loss);
    }
    // The GPU runs asynchronously: nothing waits for it before this.
    for (const loss of round) losses.push((await loss.read())[0]);
    drawMap(find("map"), await chances(params).read(), GRID, points);
    drawLosses(find("losses"), losses, steps);
    const seconds = (performance.now() - start) / 1000;
    find("progress").textContent = `step ${losses.length} of ${steps}, loss ${
      losses.at(-1)!.toFixed(4)
    }, ${(losses.length / seconds).toFixed(0)} steps per second`;
    await new Promise((resolve) => setTimeout(resolve));
  }
  // For scripts that inspect the page.
  Object.assign(globalThis, { outcome: { device: String(device), losses } });
}

const again = find<HTMLButtonElement>("again");
async function run(device: Device): Promise<void> {
  again.disabled = true;
  try {
    await train(device);
  } catch (error) {
    find("progress").textContent = `Training has failed. ${(error as Error).message}`;
    throw error;
  } finally {
    again.disabled = false;
  }
}

const [device, sentence] = await choose();
find("device").textContent = sentence;
again.addEventListener("click", () => void run(device));
await run(device);

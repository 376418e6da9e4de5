/**
 * Loops and switches on a device give what the evaluator gives, and nothing of them is left to it.
 *
 * @module
 */
import {
  cond,
  copy,
  devices as openDevices,
  foriLoop,
  jit,
  jvp,
  makeProgram,
  nn,
  optim,
  random,
  scan,
  set,
  split,
  stack,
  tensor,
  toDevice,
  tree,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
  zeros,
} from "../../../mod.ts";
import type { Device, Tensor } from "../../../mod.ts";
import { backendOf } from "../../../src/backends/devices.ts";
import { closeWebGpu, openWebGpu } from "../../../src/backends/webgpu/mod.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { assertTensorsClose } from "../../../src/testing/mod.ts";
import { isFloat } from "../../../src/base/dtype.ts";
import type { Concrete } from "../../../src/core/tensor.ts";
import { subjectsOf } from "../../control/subjects.ts";
import type { Flat } from "../../laws/laws.ts";
import { makeRandom } from "../../laws/values.ts";
import { assert, assertEquals } from "../../support/std.ts";
import { assertAgrees, resultsOf } from "../agreement.ts";
import { device, gpuTest, isExpected, openPoisoned } from "./support.ts";

const poisoned = isExpected ? await openPoisoned() : null;

/** Holds that the device computes all of a function, as the evaluator does. */
function checkWhole(f: Flat, args: readonly Concrete[], law: string): void {
  const { isWhole, actual, expected } = resultsOf(poisoned!, f, args);
  assert(isWhole, `${law}: a part is left to the evaluator`);
  assertAgrees(actual(), expected(), law);
}

/** The tangents of `f` along its arguments themselves. */
function pushed(f: Flat): Flat {
  return (xs) => {
    const tangents = xs.map((x) => isFloat(x.dtype) ? x : null);
    const [, out] = jvp((...ys: Tensor[]) => [...f(ys)], [...xs], tangents);
    return (out as (Tensor | null)[]).filter((one) => one !== null);
  };
}

/** What cotangents of `f`, its results themselves, amount to for its arguments. */
function pulled(f: Flat): Flat {
  return (xs) => {
    const moving = xs.filter((x) => isFloat(x.dtype));
    const all = (ys: readonly Tensor[]) => {
      let next = 0;
      return xs.map((x) => isFloat(x.dtype) ? ys[next++] : x);
    };
    const of = (...ys: Tensor[]) => f(all(ys)).filter(({ dtype }) => isFloat(dtype));
    const [values, pull] = vjp(of, ...moving);
    return pull(values as never) as unknown as Tensor[];
  };
}

for (const [name, { f, make }] of Object.entries(subjectsOf("float32"))) {
  gpuTest(`${name} runs on a device, with its derivatives and over batches`, () => {
    const random = makeRandom(name.length);
    const lists = [make(random), make(random), make(random)];
    const args = lists[0];
    checkWhole(f, args, name);
    checkWhole(pushed(f), args, `${name}: tangents`);
    checkWhole(pulled(f), args, `${name}: cotangents`);
    checkWhole(pushed(pulled(f)), args, `${name}: tangents of cotangents`);
    const batch = args.map((_, i) => stack(lists.map((list) => list[i])) as Concrete);
    const over = (g: Flat): Flat => (xs) =>
      vmap((...ys: Tensor[]) => [...g(ys)])(...xs) as Tensor[];
    checkWhole(over(f), batch, `${name}: vmap`);
    checkWhole(over(pulled(f)), batch, `${name}: vmap of cotangents`);
  });
}

gpuTest("a step of training of a recurrent network is the device's as a whole", () => {
  const parts = { memory: nn.gru(2, 6), readout: nn.linear(6, 1) };
  const [initial, state] = nn.init(parts, random.key(0));
  const network = nn.module(parts, ({ memory, readout }, x: Tensor) => {
    const [outputs, hidden] = memory(x);
    // It goes on with its own predictions.
    const [, values] = scan(
      ([hidden, value]: [Tensor, Tensor]) => {
        const [output, next] = memory([stack([value, value], -1).reshape([1, 3, 2]), hidden]);
        return [[next, readout(output.at(0)).reshape([3])], value];
      },
      [hidden, readout(outputs.at(-1)).reshape([3])] as [Tensor, Tensor],
      null,
      { length: 4 },
    );
    return values;
  });
  type Params = typeof initial;
  const optimizer = optim.sgd(0.1, { momentum: 0.9 });
  const train = (params: Params, memory: ReturnType<typeof optimizer.init>, x: Tensor) => {
    const loss = (params: Params) =>
      nn.mseLoss(network.apply(params, state, x)[0], split(x.sum(2), [4], 0)[0]);
    const [value, gradients] = valueAndGrad(loss)(params);
    const [updates, next] = optimizer.update(gradients, memory, params);
    return [optim.applyUpdates(params, updates), next, value] as const;
  };
  const x = random.normal(random.key(1), [5, 3, 2]);
  const program = optimize(makeProgram(train)(initial, optimizer.init(initial), x));
  const isDonated = program.binders.map((_, i) => i < program.binders.length - 1);
  const compiled = backendOf(device()).compile(program, {
    place: device(),
    shardings: [],
    isDonated,
  });
  assert(compiled.isWhole);
  const loops = compiled.describe().kernels.filter(({ name }) => name.startsWith("scan of"));
  assert(loops.length >= 4, `${loops.length} loops`);
  const step = jit(train, { donateArgnums: [0, 1] });
  const run = (place: Device) => {
    let [params, memory] = toDevice(
      [tree.map(copy, initial), optimizer.init(initial)] as const,
      place,
    ) as unknown as Parameters<typeof train>;
    const input = toDevice(x, place);
    for (let i = 0; i < 3; i++) {
      [params, memory] = step(params, memory, input) as unknown as [Params, typeof memory];
    }
    return params;
  };
  const [here, there] = [run(openDevices()[0]), run(device())].map(tree.leaves);
  here.forEach((leaf, i) => assertTensorsClose(there[i] as Tensor, leaf as Tensor));
});

gpuTest("nobody waits for a loop whose length is known, nor for a branch", () => {
  const f = jit((x: Tensor) => {
    const [h, ys] = scan((h, x) => [h.mul(0.5).add(x), h.sin()], x.at(0), x);
    const y = cond(h.sum().greater(0), (x) => x.matmul(x.T), (x) => x.matmul(x.T).exp(), x);
    return foriLoop(0, 7, (i, y) => y.mul(0.9).add(i), y.add(ys.sum()));
  });
  const x = random.normal(random.key(0), [6, 4]);
  const there = toDevice(x, device());
  f(there);
  const { mapAsync } = GPUBuffer.prototype;
  let reads = 0;
  GPUBuffer.prototype.mapAsync = function (...args) {
    reads++;
    return mapAsync.apply(this, args);
  };
  const y = f(there);
  GPUBuffer.prototype.mapAsync = mapAsync;
  assertEquals(reads, 0);
  assertTensorsClose(y, f(x));
});

gpuTest(
  "a loop of many rounds is several submissions, whose bases have room one after the other",
  () => {
    const f = (xs: Tensor) => scan((h, x) => [h.mul(0.5).add(x), h.add(x)], xs.at(0), xs);
    const xs = random.normal(random.key(0), [9000, 2]);
    const [there, here] = [jit(f)(toDevice(xs, device())), jit(f)(xs)];
    assertTensorsClose(there[0], here[0]);
    assertTensorsClose(there[1], here[1]);
  },
);

gpuTest("a branch may have nothing to do", () => {
  const once = (x: Tensor) => scan((y, _) => [y.cumsum(1), null], x, null, { length: 3 })[0];
  const f: Flat = ([i, x]) => [cond(i.greater(0), once, (x) => x.cumprod(1), x)];
  const i = tensor(1, { dtype: "int32" }) as Concrete;
  checkWhole(f, [i, zeros([0, 4]) as Concrete], "a switch on nothing");
});

gpuTest("a loop ends where it must, in whichever place its values are then", () => {
  for (const steps of [0, 1, 2, 3, 8, 63, 64, 65, 200]) {
    const f = jit((n: Tensor, x: Tensor) =>
      whileLoop(
        ([i]: [Tensor, Tensor]) => i.less(n),
        ([i, x]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), x.mul(2).mod(7)],
        [n.sub(steps), x] as [Tensor, Tensor],
      )
    );
    const n = tensor(1000, { dtype: "int32" });
    const x = tensor([1, 2, 5]);
    const [i, y] = f(toDevice(n, device()), toDevice(x, device()));
    const factor = [1, 2, 4][steps % 3];
    assertEquals(i.item(), 1000);
    assertEquals(y.toArray(), [1, 2, 5].map((v) => v * factor % 7));
  }
});

gpuTest("what is changed in place is nobody else's", () => {
  const x = toDevice(random.normal(random.key(0), [50, 3]), device());
  const before = x.data().slice();
  const changed = jit((x: Tensor) => {
    const y = set(x, [4], 1);
    const z = foriLoop(0, 20, (i, z) => set(z, [i], z.at(i).mul(2)), y);
    return [y.sum(0), z, set(z, [0], 3), z.add(y)];
  });
  const expected = changed(tensor(before.slice(), { dtype: "float32" }).reshape([50, 3]));
  changed(x).forEach((one, i) => assertTensorsClose(one, expected[i]));
  assertEquals(x.data(), before);
  // Given up, but twice the same, or with its elements elsewhere, too.
  const give = jit((x: Tensor, y: Tensor) => [set(x, [0], 1), y.mul(2)], { donateArgnums: [0, 1] });
  const y = toDevice(zeros([8, 2]).add(3), device());
  const z = y.reshape([2, 8]).reshape([8, 2]);
  const [u, v] = give(y, z);
  assertEquals(u.at(0).toArray(), [1, 1]);
  assertEquals(v.toArray(), zeros([8, 2]).add(6).toArray());
});

gpuTest("an argument that is given up and a result at once is the result's", () => {
  const same = jit((x: Tensor, y: Tensor) => [x, y.mul(2), x, y.reshape([2])], {
    donateArgnums: [0, 1],
  });
  for (const give of [(x: Tensor) => x, (x: Tensor) => toDevice(x.add(0), device())]) {
    let [x, y] = [give(tensor([1, 2])), give(tensor([[3, 4]]))];
    for (let i = 0; i < 3; i++) {
      const [u, doubled, v, w] = same(x, y);
      assertEquals([u, v, w].map((one) => one.toArray()), [[1, 2], [1, 2], [3, 4]]);
      assertEquals(doubled.toArray(), [[6, 8]]);
      [x, y] = [v, w.reshape([1, 2])];
    }
  }
});

gpuTest("a step whose arguments are donated needs no second memory for them", async () => {
  const [own] = await openWebGpu();
  const step = jit((w: Tensor, m: Tensor): [Tensor, Tensor] => {
    const next = m.mul(0.9).add(w.mul(0.1));
    return [w.sub(next), next];
  }, { donateArgnums: [0, 1] });
  const begin = jit((x: Tensor) => [x.add(zeros([256, 256])), x.mul(0.5).add(zeros([256, 256]))]);
  let [w, m] = begin(toDevice(tensor(1), own));
  for (let i = 0; i < 20; i++) [w, m] = step(w, m);
  const { peak } = backendOf(own).memoryUsage();
  assert(peak < 2.1 * 4 * 256 * 256, `${peak} bytes`);
  let [u, v] = [1, 0.5];
  for (let i = 0; i < 20; i++) [u, v] = [u - (0.9 * v + 0.1 * u), 0.9 * v + 0.1 * u];
  assert(Math.abs(w.at(7, 9).item() - u) < 1e-5);
  closeWebGpu([own]);
});

gpuTest(
  "programs run on a device of small buffers, and beyond the memory that tensors may take",
  async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const requiredLimits = { maxBufferSize: 2 ** 18, maxStorageBufferBindingSize: 2 ** 18 };
    const small = await adapter!.requestDevice({ requiredLimits });
    const [own] = await openWebGpu({ device: small });
    const f = (x: Tensor) => {
      const parts = [1, 2, 3, 4, 5, 6].map((k) => x.matmul(x.mul(k)).tanh());
      return parts.reduce((sum, one) => sum.matmul(one).mul(0.1));
    };
    const x = random.normal(random.key(0), [128, 128]);
    const program = optimize(makeProgram(f)(x));
    const options = { place: own, shardings: [], isDonated: [false] };
    const { workspace } = backendOf(own).compile(program, options).describe();
    assert(workspace > 2 ** 18, `${workspace} bytes`);
    const kept = toDevice(zeros([64, 64]).add(2), own);
    backendOf(own).configure({ memoryLimit: 2 ** 16 });
    const there = jit(f)(toDevice(x, own));
    assertTensorsClose(there, f(x), { rtol: 1e-4, atol: 1e-4 });
    assertEquals(kept.sum().item(), 64 * 64 * 2);
    closeWebGpu([own]);
  },
);

import { ArgumentError, grad, jit, optim, tensor, tree, zeros } from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals } from "../support/std.ts";

const optimizers: Readonly<Record<string, optim.Optimizer>> = {
  sgd: optim.sgd(0.1, { momentum: 0.9, weightDecay: 0.01 }),
  adam: optim.adam(0.05),
  adamw: optim.adamw(0.05, { amsgrad: true }),
  rmsprop: optim.rmsprop(0.01, { centered: true, momentum: 0.5 }),
  adagrad: optim.adagrad(0.5),
  novograd: optim.novograd(0.1, { weightDecay: 0.1 }),
  adafactor: optim.adafactor(0.1),
  adan: optim.adan(0.1),
  scheduleFree: optim.scheduleFree(optim.sgd(0.1), 0.1) as never,
  lbfgs: optim.chain(optim.scaleByLbfgs({ memory: 2 }), optim.sgd(0.1)) as never,
};

for (const [name, optimizer] of Object.entries(optimizers)) {
  Deno.test(`${name} of half floats keeps their dtypes, and computes as in float32`, () => {
    for (const dtype of ["bfloat16", "float16"] as const) {
      const params = { w: tensor([1, -2, 3]).astype(dtype), b: tensor([0.5]) };
      const state = optimizer.init(params);
      const grads = { w: tensor([0.5, 0.25, -1]).astype(dtype), b: tensor([2]) };
      const wide = tree.map((x: Tensor) => x.astype("float32"), params);
      const [updates, next] = optimizer.update(grads, state, params);
      const [wanted, wantedNext] = optimizer.update(
        tree.map((x: Tensor) => x.astype("float32"), grads),
        optimizer.init(wide),
        wide,
      );
      const dtypes = (x: unknown) => tree.map((leaf: Tensor) => leaf.dtype, x);
      assertEquals(dtypes(updates), dtypes(params));
      assertEquals(dtypes(next), dtypes(state));
      // Each transform of the chain rounds.
      const rtol = dtype === "bfloat16" ? 2 ** -6 : 2 ** -9;
      assertTensorsClose(updates.w.astype("float32"), wanted.w, { rtol });
      tree.leaves(next).forEach((leaf, i) =>
        assertTensorsClose(
          (leaf as Tensor).astype("float64"),
          (tree.leaves(wantedNext)[i] as Tensor).astype("float64"),
          { rtol },
        )
      );
      assertEquals(optim.applyUpdates(params, updates).w.dtype, dtype);
    }
  });
}

Deno.test("what is added to a root survives in float16, where it would be 0", () => {
  const still = zeros([1], { dtype: "float16" });
  for (const optimizer of [optim.rmsprop(1), optim.adam(1), optim.adagrad(1)]) {
    const [update] = optimizer.update(still, optimizer.init(still), still);
    assertEquals(Math.abs(Number(update)), 0);
  }
});

/** The scales of `torch.amp.GradScaler` for steps that are finite or not. */
function scalesOf(finite: readonly boolean[], interval: number): number[] {
  let [scale, steps] = [1024, 0];
  return finite.map((isFinite) => {
    steps = isFinite ? steps + 1 : 0;
    if (!isFinite) scale /= 2;
    else if (steps === interval) [scale, steps] = [scale * 2, 0];
    return scale;
  });
}

Deno.test("the loss scale grows after finite steps, and shrinks where a gradient is not", () => {
  const optimizer = optim.lossScale(optim.sgd(0.5, { momentum: 0.9 }), {
    initialScale: 1024,
    growthInterval: 3,
  });
  const finite = [true, true, true, false, true, true, false, false, true, true, true, true, true];
  const inner = optim.sgd(0.5, { momentum: 0.9 });
  for (const compiles of [false, true]) {
    const update = compiles
      ? jit((g: unknown, s: unknown, p: unknown) => optimizer.update(g, s as never, p))
      : optimizer.update;
    let params: { w: Tensor; n: null } = { w: tensor([4, -8]), n: null };
    let plain = params;
    let state = optimizer.init(params);
    let plainState = inner.init(params);
    const scales = finite.map((isFinite, i) => {
      const bad = i % 2 === 0 ? Infinity : NaN;
      const grads = { w: isFinite ? params.w.mul(state.scale) : tensor([bad, 1]), n: null };
      const [updates, next] = update(grads, state, params) as ReturnType<
        typeof optimizer.update<typeof params>
      >;
      if (isFinite) {
        const [own, ownNext] = inner.update({ w: plain.w, n: null }, plainState, plain);
        plain = optim.applyUpdates(plain, own) as typeof plain;
        plainState = ownNext;
      }
      params = optim.applyUpdates(params, updates) as typeof params;
      state = next;
      assertTensorsClose(params.w, plain.w);
      return state.scale.item();
    });
    assertEquals(scales, scalesOf(finite, 3));
    assertEquals(state.skippedSteps.item(), finite.filter((isFinite) => !isFinite).length);
  }
});

Deno.test("gradients of half floats are divided as float32", () => {
  const optimizer = optim.lossScale(optim.sgd(1), { initialScale: 2 ** 20 });
  const params = tensor([1]).astype("float16");
  const state = optimizer.init(params);
  const [updates] = optimizer.update(tensor([2 ** 10]).astype("float16"), state, params);
  assertEquals([updates.dtype, updates.toArray()], ["float16", [-(2 ** -10)]]);
});

Deno.test("a scaled float16 loss has gradients that underflow without", () => {
  const loss = (w: Tensor) => w.astype("float16").mul(1e-4).astype("float32").mul(1e-6).sum();
  const w = tensor([1, 2]);
  assertEquals(grad(loss)(w).toArray(), [0, 0]);
  const optimizer = optim.lossScale(optim.sgd(1));
  const state = optimizer.init(w);
  const scaled = grad((w: Tensor) => loss(w).mul(state.scale))(w);
  const [updates] = optimizer.update(scaled, state, w);
  assertTensorsClose(updates, tensor([-1e-10, -1e-10]), { rtol: 1e-2, atol: 0 });
});

Deno.test("the scale stays within float32", () => {
  const optimizer = optim.lossScale(optim.sgd(1), { initialScale: 2 ** 126, growthInterval: 1 });
  const params = tensor([1]);
  let state = optimizer.init(params);
  for (let i = 0; i < 4; i++) state = optimizer.update(tensor([0]), state, params)[1];
  assertEquals(state.scale.item(), 2 ** 127);
  for (let i = 0; i < 300; i++) state = optimizer.update(tensor([NaN]), state, params)[1];
  assert(state.scale.item() === 2 ** -126);
});

Deno.test("options of the loss scale are checked", () => {
  const refuse = (options: object, message: string) =>
    assertRefused(
      () => optim.lossScale(optim.sgd(1), options),
      ArgumentError,
      `Cannot scale losses${message}`,
    );
  refuse({ initialScale: 0 }, " with initialScale 0: expected a number from 2^-126 to 2^127");
  refuse({ growthFactor: 0.5 }, " with growthFactor 0.5: expected a number of at least 1");
  refuse({ backoffFactor: 2 }, " with backoffFactor 2: expected a number above 0 and at most 1");
  refuse({ growthInterval: 1.5 }, " with growthInterval 1.5: expected a positive integer");
  refuse(
    { scale: 3 },
    ': there is no option "scale", the options are initialScale, growthFactor, ' +
      "backoffFactor, growthInterval",
  );
  assertRefused(
    () => optim.lossScale({} as never),
    ArgumentError,
    "Cannot scale losses object: expected an optimiser with init and update",
  );
});

/**
 * Programs that differ in their constants only share a module, and modules make room for each other.
 *
 * @module
 */
import {
  arange,
  cond,
  grad,
  jit,
  matmul,
  ones,
  scan,
  tensor,
  vmap,
  where,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { machineUsage } from "../../src/backends/wasm/machines.ts";
import { assert, assertEquals } from "../support/std.ts";

/** How many modules `f` adds. */
function added(f: () => void): number {
  const before = machineUsage().modules;
  f();
  return machineUsage().modules - before;
}

const x = tensor(Float32Array.from({ length: 24 }, (_, i) => (i - 11) / 7)).reshape([4, 6]);
const wide = x.astype("float64");
const whole = tensor(Int32Array.from({ length: 24 }, (_, i) => i - 11)).reshape([4, 6]);

/** Functions that close over numbers and tensors made of `i`. */
const families: Readonly<Record<string, (i: number) => () => unknown>> = {
  "float32 numbers": (i) => jit(() => x.mul(i + 0.5).sin().add(-i)),
  "float64 numbers": (i) => jit(() => wide.mul(i + 0.1).div(i + 0.3).sum()),
  "integers and bools": (i) =>
    jit(() => where(tensor(i % 2 === 0).broadcastTo([4, 6]), whole.mul(i + 2), whole.sub(i + 7))),
  "NaN, infinities and signed zeros": (i) => {
    const value = [NaN, Infinity, -Infinity, -3, 7][i % 5];
    return jit(() => [x.mul(value), x.maximum(value), x.mul(0).add(i === 3 ? -0 : i)]);
  },
  "one number in two places": (i) => jit(() => x.mul(i + 2).add(i + 2).sub(i < 3 ? i + 2 : 9)),
  "captured tensors": (i) => {
    const weights = arange(36).mul(i + 1).div(29).reshape([6, 6]);
    return jit(() => [matmul(x, weights).tanh(), weights]);
  },
  "results that are numbers": (i) => jit(() => [ones([3]).mul(i + 2), x.add(i + 2)]),
  "numbers in loops": (i) =>
    jit(() =>
      scan(
        (carry: Tensor, row: Tensor) => [carry.mul(i + 0.5).add(row), carry.sum().add(i + 3)],
        ones([6]).mul(i + 4),
        x,
      )
    ),
  "numbers in conditions": (i) =>
    jit(() =>
      whileLoop((s) => s.sum().less(50 + i), (s) => s.add(x.abs().sum().add(i + 2)), ones([2]))
    ),
  "numbers in branches": (i) =>
    jit(() => cond(x.sum().less(i - 2), (y) => y.mul(i + 6), (y) => y.sub(i + 5), x)),
  gradients: (i) => jit(() => grad((x: Tensor) => x.mul(i + 0.5).sin().sum())(x)),
  "under vmap": (i) => jit(() => vmap((row: Tensor) => row.mul(i + 2.5).exp().sum())(x)),
};

/** All numbers of a tree of results. */
function numbersOf(results: unknown): number[] {
  if (Array.isArray(results)) return results.flatMap(numbersOf);
  return Array.from((results as Tensor).data(), Number);
}

for (const [name, make] of Object.entries(families)) {
  Deno.test(`programs share a module with other constants in it: ${name}`, () => {
    // Each one compiled by itself first: the second to come has numbers that differ.
    const alone = [0, 1, 2, 3, 4].map((i) => numbersOf(make(i)()));
    const functions = [0, 1, 2, 3, 4].map(make);
    const modules = added(() => functions.forEach((f) => void f()));
    assert(modules <= 0, `${modules} modules more`);
    for (const again of [0, 1]) {
      functions.forEach((f, i) => {
        assertEquals(numbersOf(f()), alone[i], `constants ${i}, call ${again}`);
      });
    }
    assert(new Set(alone.map(String)).size > 1);
  });
}

Deno.test("numbers that are given make the same bits as numbers in the code", () => {
  const scales = [0.1, 1 / 3, 1e-30, 7.7];
  const make = (scale: number, rest: number) =>
    jit((x: Tensor) => [x.mul(scale).exp().sum(0), x.div(scale).add(rest).sigmoid()]);
  for (const input of [x, wide]) {
    // Another sum at the end makes another form, whose first program has all numbers in its code.
    const inCode = scales.map((scale, i) => {
      const f = jit((x: Tensor) => {
        const results = make(scale, scale + 1)(x) as unknown as Tensor[];
        return [...results, ...Array.from({ length: i + 1 }, () => x.sum())];
      });
      return numbersOf((f(input) as unknown as Tensor[]).slice(0, 2));
    });
    scales.forEach((scale, i) => {
      assertEquals(numbersOf(make(scale, scale + 1)(input)), inCode[i]);
    });
  }
});

Deno.test("modules make room, and what had to go is compiled again when it is wanted", () => {
  const functions: ((x: Tensor) => Tensor)[] = [];
  const results: number[][] = [];
  const input = ones([3]);
  let most = 0;
  // One operation of three in each of six places: 729 forms.
  for (let i = 0; i < 300; i++) {
    const f = jit((x: Tensor) => {
      let y = x;
      for (let digit = 0, rest = i; digit < 6; digit++, rest = Math.floor(rest / 3)) {
        y = rest % 3 === 0 ? y.sin() : rest % 3 === 1 ? y.square() : y.tanh();
      }
      return y;
    });
    functions.push(f);
    results.push(numbersOf(f(input)));
    most = Math.max(most, machineUsage().modules);
  }
  assert(most <= 256, `${most} modules`);
  // The first ones are gone, in a loop that never lets anything be collected.
  for (const i of [0, 1, 2, 150, 299, 0]) assertEquals(numbersOf(functions[i](input)), results[i]);
  assert(machineUsage().modules <= 256);
});

Deno.test("one function of hundreds of shapes keeps modules for those that were used last", () => {
  const total = jit((x: Tensor) => x.mul(2).sum());
  const slope = jit(grad((x: Tensor) => x.square().sum()));
  for (let length = 1; length <= 150; length++) {
    assertEquals(total(ones([length])).item(), 2 * length);
    assertEquals(numbersOf(slope(ones([length]))), Array(length).fill(2));
  }
  assert(machineUsage().modules <= 256);
  assertEquals(total(ones([1])).item(), 2);
});

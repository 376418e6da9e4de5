import { concatenate, cumsum, exp, flip, matmul, sin, tanh } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import type { Schedule } from "../../../src/backends/wasm/schedule/steps.ts";
import { isLocal, prefixes } from "../../../src/lowering/tasks.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import type { Type } from "../../../src/core/tensor.ts";
import type { Access, Nest } from "../../../src/lowering/nest.ts";
import { pad } from "../../../src/primitives/slicing.ts";
import { assertRounded } from "../../laws/assertions.ts";
import { assert, assertEquals } from "../../support/std.ts";
import { float32, runProgram, traced } from "./support.ts";

/**
 * The steps of a function: for each, the number of its calls, negative where it is one chunk only.
 * It is run with its chunks in several orders, and held to what it means.
 */
function stepsOf(
  f: (...args: Tensor[]) => unknown,
  types: readonly Type[],
  chunkTime: number = 400,
): number[] {
  const { program, args } = traced(f, ...types);
  let made: Schedule | undefined;
  const results = runProgram(program, args, { chunkTime }, ({ schedule }) => made = schedule);
  assertRounded(results, makeRunner(program)(args), 64, "results");
  return made!.steps.map((step) => {
    assert("calls" in step, "a step of the evaluator");
    return step.chunks === 1 ? -step.calls.length : step.calls.length;
  });
}

/** Both a value and what is made of it, so that there are two nests. */
function also(f: (y: Tensor) => unknown): (x: Tensor) => unknown {
  return (x) => {
    const y = exp(x);
    return [y, f(y)];
  };
}

const shape = [float32(60, 50)];

Deno.test("what reads the rows that a chunk has written follows at once", () => {
  assertEquals(stepsOf(also((y) => y.mul(2)), shape), [2]);
  assertEquals(stepsOf(also((y) => y.sum(1)), shape), [2]);
  assertEquals(stepsOf(also((y) => y.reshape([60, 5, 10]).mul(2)), shape), [2]);
  assertEquals(stepsOf(also((y) => flip(y, 1)), shape), [2]);
  assertEquals(stepsOf(also((y) => y.at(null, [1, -1]).mul(2)), shape), [2]);
  // And what reads that, too.
  assertEquals(stepsOf(also((y) => y.sub(y.max(1, { keepdims: true }))), shape), [3]);
  const { length } = stepsOf((x) => {
    const z = x.sub(x.max(-1, { keepdims: true })).exp();
    return z.div(z.sum(-1, { keepdims: true }));
  }, shape);
  assertEquals(length, 1);
});

Deno.test("what reads other rows waits for all of them", () => {
  const waits: Record<string, (y: Tensor) => unknown> = {
    reversed: (y) => flip(y, 0).mul(2),
    shifted: (y) => y.at([1, null]).add(y.at([0, -1])),
    padded: (y) => y.pad([[1, 0], [0, 0]]).mul(2),
    cropped: (y) => pad(y, [-1, 0], [1, 0], [0, 0]).mul(2),
    transposed: (y) => y.transpose().mul(2),
    every: (y) => y.at([0, null, 2]).mul(2),
    first: (y) => y.add(y.at([0, 1])),
    "summed up": (y) => y.sum(0),
    "all of it": (y) => y.sum(),
    "less its mean": (y) => y.sub(y.mean(0)),
    "in other rows": (y) => y.reshape([50, 60]).transpose(),
    doubled: (y) => concatenate([y, y.mul(2)], 0),
  };
  for (const [name, f] of Object.entries(waits)) {
    const [first, ...others] = stepsOf(also(f), shape);
    assertEquals([name, first], [name, 1]);
    assert(others.length > 0, name);
  }
});

Deno.test("a square is not read by rows just because it has as many columns", () => {
  assertEquals(stepsOf(also((y) => y.transpose().mul(2)), [float32(60, 60)]).length, 2);
  assertEquals(stepsOf(also((y) => y.add(y.transpose())), [float32(60, 60)]).length, 2);
  assertEquals(stepsOf(also((y) => flip(y, [0, 1])), [float32(60, 60)]).length, 2);
});

Deno.test("nobody reads what others have yet to write", () => {
  // Zeros first, then elements in their places: the sum follows neither.
  const spread = (x: Tensor, k: Tensor) => k.maximum(pad(x.sum(1), [0], [0], [2]));
  stepsOf(spread, [float32(1000, 2), float32(2998)], 50);
  stepsOf((x, k) => k.add(pad(x.mul(2), [1], [-1], [1])), [float32(1500), float32(2999)], 50);
  // Parts of a whole, some of them empty.
  const parts = (x: Tensor, y: Tensor) => exp(concatenate([x.sum(1), y, sin(y)], 0));
  for (const length of [0, 1, 700]) stepsOf(parts, [float32(900, 3), float32(length)], 50);
  const whole = (x: Tensor, y: Tensor) => tanh(concatenate([exp(x), y], 0)).mul(2);
  stepsOf(whole, [float32(40, 30), float32(0, 30)], 50);
});

Deno.test("kernels are followed where they write by rows, and waited for where they do not", () => {
  const types = [float32(120, 90), float32(90, 110)];
  stepsOf((x, y) => matmul(x, y).mul(2).add(1), types);
  stepsOf((x, y) => flip(matmul(x, y), 0), types);
  stepsOf((x, y) => matmul(x, y).transpose().mul(2), types);
  stepsOf((x, y) => {
    const z = matmul(x, y);
    return [z.sub(z.max(1, { keepdims: true })), z.sum(0)];
  }, types);
  stepsOf((x) => cumsum(x, 1).mul(2), shape);
  stepsOf((x) => cumsum(x, 0).mul(2), shape);
  stepsOf((x) => cumsum(exp(x), 1).sum(1), shape);
});

Deno.test("long reductions are divided into pieces", () => {
  const [first, ...others] = stepsOf((x) => exp(x).sum(), [float32(300_000)], 400);
  assertEquals(first, 1);
  assert(others.length <= 1);
  assertEquals(stepsOf((x) => exp(x).sum(), [float32(300_000)], 1e9), [-1]);
});

Deno.test("what takes longer is divided into more chunks, alike for any number of rows", () => {
  for (const rows of [1, 2, 3, 63, 64, 65, 127, 1000, 4099]) {
    for (const columns of [1, 2, 3, 64, 65]) {
      if (rows * columns > 70_000) continue;
      stepsOf((x) => [sin(x), sin(x).sum(1), sin(x).mul(2)], [float32(rows, columns)], 100);
    }
  }
});

function nestOf(lengths: readonly number[], reduced: number = 0): Nest {
  return { lengths, reduced, buffers: [], nodes: [], stores: [] };
}

Deno.test("rows are products of the first loops that are not reduced", () => {
  assertEquals(prefixes(nestOf([3, 4, 5])), [1, 3, 12, 60]);
  assertEquals(prefixes(nestOf([3, 4, 5], 2)), [1, 3]);
  assertEquals(prefixes(nestOf([])), [1]);
});

Deno.test("an access is local to rows exactly if no round leaves its row", () => {
  for (const lengths of [[4, 3], [2, 2, 3], [4, 1, 3], [12], [2, 3, 2], [1, 4]]) {
    const nest = nestOf(lengths);
    for (const size of [4, 8, 12, 16, 24]) {
      for (const access of accesses(lengths)) {
        for (const rows of prefixes(nest)) {
          const expected = isTrulyLocal(lengths, access, rows, size);
          const claimed = isLocal(nest, access, rows, size);
          // It may be too careful, never careless.
          assert(!claimed || expected, JSON.stringify({ lengths, access, rows, size }));
        }
      }
    }
    // Nor is it careful beyond reason: what stands in order is local.
    const strides = lengths.map((_, i) => lengths.slice(i + 1).reduce((a, b) => a * b, 1));
    const own = { buffer: 0, offset: 0, strides };
    const size = lengths.reduce((a, b) => a * b, 1);
    for (const rows of prefixes(nest)) assert(isLocal(nest, own, rows, size));
  }
});

/** Many accesses with small strides. */
function accesses(lengths: readonly number[]): Access[] {
  const all: Access[] = [];
  const steps = [-3, -1, 0, 1, 2, 3, 4, 6];
  for (let code = 0; code < steps.length ** lengths.length; code++) {
    const strides = lengths.map((_, i) =>
      steps[Math.floor(code / steps.length ** i) % steps.length]
    );
    for (const offset of [0, 1, 2, 5, 11]) all.push({ buffer: 0, offset, strides });
  }
  return all;
}

/** The same by looking at every round. */
function isTrulyLocal(
  lengths: readonly number[],
  { offset, strides }: Access,
  rows: number,
  size: number,
): boolean {
  const rounds = lengths.reduce((a, b) => a * b, 1);
  if (size % rows !== 0) return false;
  const [row, perRow] = [size / rows, rounds / rows];
  for (let round = 0; round < rounds; round++) {
    let [at, rest] = [offset, round];
    for (let loop = lengths.length - 1; loop >= 0; loop--) {
      at += strides[loop] * (rest % lengths[loop]);
      rest = Math.floor(rest / lengths[loop]);
    }
    if (at < 0 || at >= size || Math.floor(at / row) !== Math.floor(round / perRow)) return false;
  }
  return true;
}

import { assemble } from "../../../src/backends/wasm/executable.ts";
import { optimize } from "../../../src/passes/mod.ts";
import {
  checkpoint,
  cond,
  foriLoop,
  grad,
  jit,
  scan,
  switchCase,
  vmap,
  whileLoop,
} from "../../../mod.ts";
import {
  gather,
  makeProgram,
  scatterAdd,
  slice,
  takeAlongAxis,
  tensor,
  zeros,
} from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { Concrete } from "../../../src/core/tensor.ts";
import { makeRunner } from "../../../src/backends/evaluator.ts";
import { fromValues, makeRandom, real } from "../../laws/values.ts";
import { assertIdentical } from "../../laws/assertions.ts";
import { assert } from "../../support/std.ts";

type Step = (i: Tensor, x: Tensor) => Tensor;

/** Elements of what loops carry here: a second place for it would show in the working memory. */
const SIZE = 60_000;

const ROUNDS = 9;

/** A loop over `step`, of a carried value that must stay where it is. */
function loop(step: Step): (x: Tensor) => Tensor {
  return (x) => foriLoop(1, ROUNDS, step, x);
}

function gradient(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => grad((x: Tensor) => f(x).square().sum())(x);
}

/** Holds a compiled function to the evaluator, and its working memory to less than some carried values. */
function checkInPlace(
  name: string,
  f: (x: Tensor) => Tensor,
  shape: readonly number[],
  places = 1,
): void {
  const random = makeRandom(3);
  const size = shape.reduce((product, length) => product * length, 1);
  const x = fromValues(real(random, size), "float64", shape);
  const program = optimize(makeProgram(f)(x));
  const compiled = assemble(program, [false]);
  const before = new Concrete("float64", shape, Float64Array.from(x.elements));
  assertIdentical(compiled.run([x]), makeRunner(program)([x]), name);
  assertIdentical([x], [before], `${name}: the argument`);
  assert(
    compiled.arena < places * size * 8,
    `${name}: takes ${compiled.arena} bytes of working memory`,
  );
}

const steps: Readonly<Record<string, Step>> = {
  "set": (i, x) => x.set([i], x.at(i.sub(1)).mul(0.5).add(1)),
  "set in a known place": (i, x) => x.set([5], x.at(i).mul(0.5)),
  "addAt": (i, x) => x.addAt([i], x.at(i.sub(1)).square()),
  "set twice": (i, x) => x.set([i], x.at(i.add(1))).set([i.add(9)], x.at(i).mul(2)),
  "an old element read behind the update": (i, x) => {
    const y = x.set([i], 3);
    return y.addAt([i.add(1)], x.at(i).mul(x.at(i.add(1))));
  },
  "set at a list": (i, x) => {
    const at = i.add(tensor([3, 0, 3], { dtype: "int32" }));
    return x.set([at], x.at(at).mul(tensor([1, 2, 3])));
  },
  "addAt at a list": (i, x) => {
    const at = i.mul(tensor([1, 2, 2], { dtype: "int32" }));
    return x.addAt([at], x.at(at).mul(tensor([1, 2, 3])));
  },
  "a window": (i, x) => x.dynamicUpdateSlice(x.dynamicSlice([i], [7]).flip().mul(0.5), [i.mul(2)]),
  "a slice of known places": (_i, x) => x.set([[3, 9]], x.at([4, 10]).square()),
  "handed on by a branch": (i, x) =>
    cond(i.less(4), (x: Tensor) => x, (x: Tensor) => x.set([i], x.at(0).mul(2)), x),
  "changed by each branch": (i, x) =>
    switchCase(i, [
      (x: Tensor) => x.addAt([i], 1),
      (x: Tensor) => x,
      (x: Tensor) => x.set([[2, 5]], x.at([3, 6])),
      (x: Tensor) => x.set([i], x.at(i).square()).set([i.add(1)], x.at(i)),
    ], x),
  "branches within branches": (i, x) =>
    cond(
      i.less(6),
      (x: Tensor) => cond(i.less(3), (x: Tensor) => x, (x: Tensor) => x.addAt([i], x.at(1)), x),
      (x: Tensor) => foriLoop(0, 3, (j, x) => x.set([j.add(i)], x.at(j).mul(0.5)), x),
      x,
    ),
  "a loop within the loop": (i, x) => foriLoop(0, 4, (j, x) => x.addAt([i.add(j)], x.at(j)), x),
  "while": (i, x) =>
    whileLoop(
      ([j]) => j.less(4),
      ([j, x]) => [j.add(1), x.set([j], x.at(i).add(1))] as [Tensor, Tensor],
      [tensor(0, { dtype: "int32" }), x] as [Tensor, Tensor],
    )[1],
};

for (const [name, step] of Object.entries(steps)) {
  Deno.test(`a carried value stays where it is: ${name}`, () => {
    checkInPlace(name, loop(step), [SIZE]);
    if (name !== "while") checkInPlace(`gradient of ${name}`, gradient(loop(step)), [SIZE]);
  });
}

Deno.test("rows and columns of a carried matrix are updated where it is", () => {
  const column: Step = (i, x) => x.set([null, i], x.at(null, i.sub(1)).mul(0.5));
  const entry: Step = (i, x) => x.set([i, i.add(1)], x.at(i.sub(1), i).square());
  const row: Step = (i, x) => x.addAt([i, [2, 5]], x.at(i.sub(1), [1, 4]));
  for (const [name, step] of Object.entries({ column, entry, row })) {
    checkInPlace(name, loop(step), [300, 200]);
    checkInPlace(`gradient by ${name}`, gradient(loop(step)), [300, 200]);
  }
});

/** A function of a matrix and a row of places that differ, as a loop with a step. */
function matrixLoop(step: Step): (x: Tensor, first: Tensor) => Tensor {
  return (x, first) => foriLoop(1, ROUNDS, (i, x) => step(i.add(first), x), x);
}

Deno.test("few places of a carried matrix are updated where it is, whatever their pattern", () => {
  const list = (i: Tensor) => i.add(tensor([3, 0, 3], { dtype: "int32" }));
  const steps: Readonly<Record<string, Step>> = {
    "a column": (i, x) => x.set([null, i], x.at(null, i.sub(1)).mul(0.5)),
    "added to a column": (i, x) => x.addAt([null, i], x.at(null, i.sub(1)).square()),
    "part of a column": (i, x) => x.set([[2, 8], i], x.at([3, 9], i.sub(1)).mul(0.5)),
    "steps along a column": (i, x) =>
      x.set([slice(0, 20, 3), i], x.at(slice(1, 21, 3), i.sub(1)).square()),
    "backwards": (i, x) => x.addAt([i, slice(8, 2, -2)], x.at(i.sub(1), [null, 3, 1])),
    "known places with gaps": (i, x) =>
      x.set([slice(1, 9, 4), slice(0, 20, 2)], x.at(i, slice(0, 20, 2))),
    "added to known places with gaps": (i, x) => x.addAt([slice(1, 9, 4), 5], x.at(i, 3).square()),
    "a list on the second axis": (i, x) => x.set([null, list(i)], x.at(null, list(i)).mul(0.5)),
    "a list in one row": (i, x) => x.set([5, list(i)], x.at(4, list(i)).mul(0.5)),
    "a list and a range": (i, x) => x.addAt([[1, 3], list(i)], x.at([2, 4], list(i)).mul(0.5)),
    "a list and steps": (i, x) =>
      x.set([list(i), slice(1, 9, 2)], x.at(list(i), slice(2, 10, 2)).mul(2)),
    "a block": (i, x) => x.dynamicUpdateSlice(x.dynamicSlice([i, 3], [2, 3]).mul(0.5), [i, i]),
    "along an axis": (i, x) =>
      x.set([i], takeAlongAxis(x, list(i).reshape([3, 1]), 0).sum(0).mul(0.1)),
    "gathered and scattered": (i, x) => {
      const places = i.add(tensor([[0, 1], [2, 0]], { dtype: "int32" }));
      return scatterAdd(x, places, gather(x, places, 1).square(), 0);
    },
  };
  const many = tensor([0, 4, 2], { dtype: "int32" });
  for (const [name, step] of Object.entries(steps)) {
    const one = (x: Tensor) => matrixLoop(step)(x, tensor(1, { dtype: "int32" }));
    const batch = (x: Tensor) => vmap(matrixLoop(step))(x, many);
    const sizes: readonly [string, (x: Tensor) => Tensor, readonly number[]][] = [
      [name, one, [50, 400]],
      [`${name}, in a batch`, batch, [3, 50, 400]],
    ];
    for (const [what, f, shape] of sizes) {
      checkInPlace(what, f, shape);
      checkInPlace(`gradient by ${what}`, gradient(f), shape);
    }
  }
});

Deno.test("examples that go different ways change their places where they are", () => {
  const swap = (i: Tensor, j: Tensor) => (x: Tensor) => x.set([i], x.at(j)).set([j], x.at(i));
  const steps: Readonly<Record<string, (i: Tensor, k: Tensor, x: Tensor) => Tensor>> = {
    "a branch": (i, k, x) =>
      cond(k.less(6), (x: Tensor) => x.set([k], x.at(i.sub(1)).mul(2)), (x: Tensor) => x, x),
    "several branches": (i, k, x) =>
      switchCase(k.mod(3), [
        (x: Tensor) => x.set([k], x.at(i)),
        (x: Tensor) => x,
        (x: Tensor) => x.addAt([i], x.at(0)),
      ], x),
    "an exchange": (i, k, x) => cond(x.at(k).greater(x.at(i)), swap(i, k.add(9)), (x) => x, x),
    "a branch of a branch": (i, k, x) =>
      cond(
        k.less(6),
        (x: Tensor) => cond(k.less(4), (x: Tensor) => x.set([k], x.at(i)), (x: Tensor) => x, x),
        (x: Tensor) => x,
        x,
      ),
    "a loop in a branch": (i, k, x) =>
      cond(
        k.less(6),
        (x: Tensor) => foriLoop(0, 3, (j, x) => x.set([j.add(k)], x.at(j.add(i))), x),
        (x: Tensor) => x,
        x,
      ),
    "a branch that reads": (i, k, x) =>
      x.set([i], cond(k.less(6), (x: Tensor) => x.at(k).square(), (x: Tensor) => x.at(0), x)),
  };
  const many = tensor([0, 4, 2], { dtype: "int32" });
  for (const [name, step] of Object.entries(steps)) {
    const f = (x: Tensor) =>
      vmap((x: Tensor, first: Tensor) =>
        foriLoop(1, ROUNDS, (i, x) => step(i, i.add(first), x), x)
      )(x, many);
    checkInPlace(name, f, [3, SIZE / 3]);
    checkInPlace(`gradient by ${name}`, gradient(f), [3, SIZE / 3]);
  }
  const lengths = (x: Tensor) =>
    vmap((x: Tensor, last: Tensor) =>
      whileLoop(
        ([j]) => j.less(last),
        ([j, x]) => [j.add(1), x.set([j], x.at(j.add(1)).mul(0.5))] as [Tensor, Tensor],
        [tensor(0, { dtype: "int32" }), x] as [Tensor, Tensor],
      )[1]
    )(x, many);
  checkInPlace("loops of different lengths", lengths, [3, SIZE / 3]);
});

Deno.test("what is read behind an update, and by a branch, is read before it", () => {
  const f = (x: Tensor) =>
    foriLoop(1, ROUNDS, (i, [x, s]) => {
      const read = (x: Tensor, s: Tensor) => x.at(i.sub(1)).mul(2).add(s);
      const next = cond(i.less(5), read, (_x: Tensor, s: Tensor) => s, x, s);
      return [x.set([i], s), next] as [Tensor, Tensor];
    }, [x, tensor(0.5, { dtype: "float64" })] as [Tensor, Tensor])[0];
  checkInPlace("f", f, [SIZE]);
  checkInPlace("gradient", gradient(f), [SIZE]);
});

Deno.test("each example of a batch has its own places", () => {
  const step: Step = (i, x) => x.set([i], x.at(i.sub(1)).mul(0.5).add(1));
  const many = (x: Tensor) =>
    vmap((x: Tensor, i: Tensor) => foriLoop(1, ROUNDS, (j, x) => step(i.add(j), x), x))(
      x,
      tensor([0, 4, 2], { dtype: "int32" }),
    );
  checkInPlace("batch", many, [3, SIZE / 3]);
});

Deno.test("the gradient of what a loop reads in places is added up where it is", () => {
  const sums = (x: Tensor): Tensor =>
    scan(
      (s, i: Tensor) => [s.add(x.at(i).square().mul(x.at(i.add(2)))), null],
      tensor(0, {
        dtype: "float64",
      }),
      tensor([4, 1, 4, 7], { dtype: "int32" }),
    )[0];
  checkInPlace("sum", (x) => grad(sums)(x), [SIZE]);
  const rows = (x: Tensor): Tensor =>
    foriLoop(0, 5, (i, s) => s.add(x.at(i).mul(x.at(3)).sum()), tensor(0, { dtype: "float64" }));
  checkInPlace("rows", (x) => grad(rows)(x), [300, 200]);
});

Deno.test("the gradient of what branches, loops and calls within a loop read is added up where it is", () => {
  type Read = (i: Tensor, s: Tensor, x: Tensor) => Tensor;
  const read: Read = (i, s, x) => s.add(x.at(i).square().mul(x.at(i.add(2))));
  const reads: Readonly<Record<string, Read>> = {
    "a branch": (i, s, x) => cond(i.less(4), (s: Tensor) => read(i, s, x), (s: Tensor) => s, s),
    "a branch that gets it": (i, s, x) =>
      cond(i.less(4), (s: Tensor) => s, (s: Tensor, x: Tensor) => read(i, s, x), s, x),
    "several branches": (i, s, x) =>
      switchCase(i.mod(3), [
        (s: Tensor) => read(i, s, x),
        (s: Tensor) => s.mul(x.at([3, 7]).sum()),
        (s: Tensor) => s,
      ], s),
    "a branch of a branch": (i, s, x) =>
      cond(
        i.less(6),
        (s: Tensor) => cond(i.less(3), (s: Tensor) => read(i, s, x), (s: Tensor) => s, s),
        (s: Tensor) => s.mul(x.at(5)),
        s,
      ),
    "a loop": (i, s, x) => foriLoop(0, 3, (j, s) => read(i.add(j), s, x), s),
    "a loop in a branch": (i, s, x) =>
      cond(
        i.less(4),
        (s: Tensor) => foriLoop(0, 3, (j, s) => read(i.add(j), s, x), s),
        (s: Tensor) => s,
        s,
      ),
    "a bounded loop": (i, s, x) =>
      whileLoop(
        ([j]) => j.less(i),
        ([j, s]) => [j.add(1), read(j, s, x)] as [Tensor, Tensor],
        [tensor(0, { dtype: "int32" }), s] as [Tensor, Tensor],
        { maxSteps: 20 },
      )[1],
    "a call": (i, s, x) => jit(read)(i, s, x),
    "a branch in a call": (i, s, x) =>
      jit((s: Tensor, x: Tensor) => cond(i.less(4), (s: Tensor) => read(i, s, x), (s) => s, s))(
        s,
        x,
      ),
    "a checkpoint": (i, s, x) => checkpoint(read)(i, s, x),
    "a branch of another shape": (i, s, x) => {
      const rows = x.reshape([300, 200]);
      const at = (s: Tensor) => s.add(rows.at(i, i.add(1)).square());
      return cond(i.less(4), at, (s: Tensor) => s, s);
    },
  };
  for (const [name, step] of Object.entries(reads)) {
    const sum = (x: Tensor) =>
      foriLoop(0, ROUNDS, (i, s) => step(i, s, x), tensor(1, { dtype: "float64" }));
    checkInPlace(name, (x) => grad(sum)(x), [SIZE]);
    const twice = (x: Tensor) => grad((x: Tensor) => grad(sum)(x).at(3))(x);
    // The tangent is one more sum that is carried.
    checkInPlace(`second derivative of ${name}`, twice, [SIZE], 2);
  }
});

Deno.test("what is still needed as it was is not overwritten", () => {
  const f = jit((x: Tensor) =>
    foriLoop(0, 5, (i, [x, seen]) => {
      const y = x.set([i], x.at(i.add(1)).mul(2));
      const at = y.at(i).astype("int32");
      return [y, seen.add(x.at(at)).add(x.sum())] as [Tensor, Tensor];
    }, [x, zeros([])] as [Tensor, Tensor])[1]
  );
  let [x, seen] = [[1, 2, 0.5, 1, 3, 2, 1, 0, 1], 0];
  for (let i = 0; i < 5; i++) {
    const y = x.with(i, x[i + 1] * 2);
    seen += x[Math.trunc(y[i])] + x.reduce((a, b) => a + b);
    x = y;
  }
  const result = f(tensor([1, 2, 0.5, 1, 3, 2, 1, 0, 1])).item();
  assert(Math.abs(result - seen) < 1e-4, `${result}, not ${seen}`);
});

import { target } from "../../src/backends/wasm/kernels/table.ts";
import fc from "fast-check";
import {
  arange,
  concatenate,
  cumsum,
  einsum,
  exp,
  flip,
  grad,
  less,
  makeProgram,
  matmul,
  mean,
  outer,
  roll,
  sin,
  split,
  std,
  take,
  tensor,
  vmap,
  where,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { allocateStored } from "../../src/base/dtype.ts";
import type { Dtype, Elements } from "../../src/base/dtype.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { formOf } from "../../src/passes/forms.ts";
import { checkLowered } from "../../src/lowering/check.ts";
import { lower } from "../../src/lowering/lower.ts";
import type { Lowered, Task } from "../../src/lowering/tasks.ts";
import { optimize } from "../../src/passes/mod.ts";
import { makeRunner } from "../../src/backends/evaluator.ts";
import { typeOf } from "../../src/core/program.ts";
import type { Program } from "../../src/core/program.ts";
import { evaluate } from "../../src/core/evaluation.ts";
import { Concrete, dense, denseStored, splat } from "../../src/core/tensor.ts";
import { primitives } from "../../src/primitives/mod.ts";
import { pad } from "../../src/primitives/slicing.ts";
import { interpret } from "../backends/wasm/kernels/nest_interpreter.ts";
import { assertIdentical } from "../laws/assertions.ts";
import { fromValues, makeRandom, real } from "../laws/values.ts";
import { assert, assertEquals } from "../support/std.ts";
import { checkResults, growProgram } from "../backends/wasm/random_programs.ts";
import { float32, ProgramWriter, runProgram, traced } from "../backends/wasm/support.ts";

const SEED = 20_240_501;

/** The results of tasks, nests being interpreted; what nobody has written yet is rubbish. */
function runTasks(lowered: Lowered, args: readonly Concrete[]): Concrete[] {
  checkLowered(lowered);
  const { buffers, tasks, results } = lowered;
  const contents = buffers.map(({ dtype, shape, source }): Elements => {
    if (source !== null) return denseStored(args[source]);
    return allocateStored(dtype, sizeOf(shape)).fill(dtype === "bool" ? 0xff : NaN);
  });
  for (const task of tasks) {
    if (task.kind === "nest") interpret(task.nest, task.buffers.map((buffer) => contents[buffer]));
    else if (task.kind === "hand") contents[task.to].set(contents[task.from]);
    else if (task.kind === "straight") throw new Error("only inner programs have straight code");
    else {
      const { equation: { primitive, inputs, params, outputs } } = task;
      const values = inputs.map((atom, i) => {
        const { dtype, shape } = typeOf(atom);
        const held = buffers[task.inputs[i]].dtype;
        const value = new Concrete(held, shape, contents[task.inputs[i]]);
        if (held === dtype) return value;
        const wide = allocateStored(dtype, value.size);
        wide.set(value.elements);
        return new Concrete(dtype, shape, wide);
      });
      const made = evaluate(primitive, values, params, outputs.map(({ type }) => type));
      made.forEach((value, i) => contents[task.outputs[i]].set(denseStored(value)));
    }
  }
  return results.map((result) => {
    if (result instanceof Concrete) return result;
    const { dtype, shape } = result.type;
    return new Concrete(dtype, shape, contents[result.buffer]);
  });
}

/** What a program is lowered to, once its tasks have been held to what it means. */
function lowered(program: Program): Lowered {
  const random = makeRandom(1);
  const args = program.binders.map(({ type: { dtype, shape } }) =>
    fromValues(real(random, sizeOf(shape)), dtype, shape)
  );
  const { open, tensors } = formOf(program);
  const result = lower(open([]), target);
  assertIdentical(runTasks(result, [...args, ...tensors]), makeRunner(program)(args), "lowered");
  return result;
}

/** The tasks of a function of float32 tensors, by name. */
function tasksOf(f: (...args: Tensor[]) => unknown, ...shapes: number[][]): string[] {
  const args = shapes.map((shape) => splat(0, "float32", shape));
  return lowered(optimize(makeProgram(f as (...args: Tensor[]) => Tensor)(...args)))
    .tasks.map(nameOf);
}

function nameOf(task: Task): string {
  if (task.kind === "hand" || task.kind === "straight") return task.kind;
  return task.kind === "nest" ? task.name : `kernel ${task.equation.primitive.name}`;
}

Deno.test("kernels that widen elements read narrow ones where they are", () => {
  const tasks = (f: (...args: Tensor[]) => Tensor, ...types: [Dtype, number[]][]) =>
    lowered(optimize(makeProgram(f)(...types.map(([dtype, shape]) => splat(0, dtype, shape)))))
      .tasks.map(nameOf);
  const [x, w]: [Dtype, number[]][] = [["bfloat16", [4, 6]], ["bfloat16", [5, 6]]];
  const product = ["kernel contract", "convert"];
  assertEquals(tasks((x, w) => matmul(x, w.transpose()), x, w), product);
  assertEquals(tasks((x, w) => matmul(x, w.reshape([6, 5])), x, w), product);
  assertEquals(
    tasks((x, w) => matmul(x, w.transpose()), ["int8", [4, 6]], ["int8", [5, 6]]),
    product,
  );
  assertEquals(
    tasks((x, w) => matmul(x.astype("float32"), w.astype("float32").transpose()), x, w),
    ["kernel contract"],
  );
  // What loops make for a kernel is kept as it is rounded.
  assertEquals(tasks((x, w) => matmul(exp(x), w.transpose()), x, w), [
    "convert exp",
    ...product,
  ]);
});

Deno.test("elementwise work in a row is one nest", () => {
  assertEquals(tasksOf((x) => sin(x).mul(2).add(x).abs(), [3, 4]), ["sin mul add abs"]);
  assertEquals(tasksOf((x, y) => x.mul(y).sub(y), [3, 4], [4]), ["mul sub"]);
});

Deno.test("moved elements are read from where they were", () => {
  assertEquals(tasksOf((x, y) => x.transpose().add(flip(y, 0)), [3, 4], [4, 3]), ["add"]);
  assertEquals(tasksOf((x) => exp(x.at([1, null, 2]).mul(2)), [9]), ["mul exp"]);
  assertEquals(tasksOf((x) => x.transpose(), [3, 4]), ["transpose"]);
  assertEquals(tasksOf((x) => flip(x, 0).transpose(), [3, 4]), ["transpose"]);
});

Deno.test("what several nests would compute again is kept if it is dear, repeated if it is cheap", () => {
  const twice = (y: Tensor) => [y.sum(0), y.sum(1)];
  assertEquals(tasksOf((x) => twice(exp(x)), [3, 4]), ["exp", "sum", "sum"]);
  assertEquals(tasksOf((x) => twice(x.mul(2)), [3, 4]), ["mul sum", "mul sum"]);
  // Cheap, but to be read from two places instead of one.
  assertEquals(tasksOf((x, y) => twice(x.add(y)), [3, 4], [3, 4]), ["add", "sum", "sum"]);
  // Cheap by itself, dear by what it is made of, which is kept in its place.
  assertEquals(tasksOf((x) => twice(exp(x).mul(2)), [3, 4]), ["exp mul", "sum", "sum"]);
});

Deno.test("reductions of the same elements by the same loops are one nest", () => {
  const both = (x: Tensor) => [x.sum(1), x.mul(x).sum(1)];
  assertEquals(tasksOf(both, [3, 4]), ["sum, mul sum"]);
  // The deviation and the mean, which the last nest reads.
  const normal = (x: Tensor) =>
    x.sub(mean(x, 1, { keepdims: true })).mul(std(x, 1, { keepdims: true }));
  assertEquals(tasksOf(normal, [3, 4]).length, 2);
  // What needs the other's result comes after it.
  const after = (x: Tensor) => x.sub(x.max(1, { keepdims: true })).sum(1);
  assertEquals(tasksOf(after, [3, 4]), ["max", "sub sum"]);
});

Deno.test("what is dear is not computed at several places of a nest", () => {
  const neighbours = (y: Tensor) => y.at([1, null]).add(y.at([0, -1]));
  assertEquals(tasksOf((x) => neighbours(exp(x)), [9]), ["exp", "add"]);
  assertEquals(tasksOf((x) => neighbours(x.mul(2)), [9]), ["mul add"]);
  assertEquals(tasksOf((x) => exp(neighbours(exp(neighbours(exp(x))))), [9]), [
    "exp",
    "add exp",
    "add exp",
  ]);
  assertEquals(tasksOf((x) => exp(x).add(exp(x).transpose()), [3, 3]), ["exp", "add"]);
  // The same place is computed once anyway.
  assertEquals(tasksOf((x) => exp(x).mul(exp(x).add(1)), [3, 3]), ["exp add mul"]);
});

Deno.test("a result that is used again is kept and read", () => {
  assertEquals(
    tasksOf((x) => {
      const y = exp(x);
      return [y, y.sum(0)];
    }, [3, 4]),
    ["exp", "sum"],
  );
});

Deno.test("reductions take in what comes before and what comes after them", () => {
  assertEquals(tasksOf((x) => x.mul(x).sum(1), [3, 4]), ["mul sum"]);
  assertEquals(tasksOf((x) => exp(x.sum(1)).mul(2), [3, 4]), ["sum exp mul"]);
  assertEquals(tasksOf((x, y) => x.sum(1).add(y.mul(2).sum(1)), [3, 4], [3, 4]), ["sum mul add"]);
  // A sum over other lengths has loops of its own.
  assertEquals(tasksOf((x, y) => x.sum(1).add(y.sum(1)), [3, 4], [3, 5]), ["sum", "sum add"]);
  // So has one that is repeated.
  assertEquals(tasksOf((x) => x.sub(x.max(1, { keepdims: true })), [3, 4]), ["max", "sub"]);
});

Deno.test("what is repeated is computed once", () => {
  assertEquals(tasksOf((x, y) => x.mul(exp(y)), [3, 4], [4]), ["exp", "mul"]);
  assertEquals(tasksOf((x, y) => x.mul(y.mul(2)), [3, 4], [4]), ["mul", "mul"]);
});

Deno.test("padding is read through, unless zeros go between elements", () => {
  assertEquals(tasksOf((x) => exp(x.pad([[1, 2], [0, 1]])).mul(2), [3, 4]), ["exp mul"]);
  assertEquals(tasksOf((x) => exp(x).pad([[1, 2], [0, 1]]), [3, 4]), ["exp", "pad"]);
  for (const [low, high] of [[[1, 0], [2, 3]], [[-1, 0], [0, -2]], [[-2, 4], [-1, -9]]]) {
    const spread = (x: Tensor) => pad(x, low, high, [1, 2]);
    assertEquals(tasksOf(spread, [3, 4]), ["zeros", "pad"]);
    assertEquals(tasksOf((x) => exp(spread(x)).mul(2), [3, 4]), ["zeros", "pad", "exp mul"]);
    // Cropped already in what is read, zeros and all.
    assertEquals(tasksOf((x) => exp(pad(x, low, high, [0, 0]).mul(2)), [4, 9]), ["mul exp"]);
  }
});

Deno.test("each part of a concatenation is written where it goes", () => {
  const part = (x: Tensor, y: Tensor) => concatenate([x, exp(y).mul(2), x], 1);
  assertEquals(tasksOf(part, [3, 4], [3, 2]), ["copy", "exp mul", "copy"]);
  assertEquals(tasksOf((x, y) => exp(part(x, y)), [3, 4], [3, 2]), [
    "copy",
    "exp mul",
    "copy",
    "exp",
  ]);
  // Parts that are kept anyway are copied.
  assertEquals(tasksOf((x) => concatenate([matmul(x, x), x], 0), [3, 3]), [
    "kernel contract",
    "copy",
    "copy",
  ]);
  assertEquals(
    tasksOf((x) => {
      const y = exp(x);
      return [y, concatenate([y, x], 0)];
    }, [3, 3]),
    ["exp", "copy", "copy"],
  );
  assertEquals(
    tasksOf((x) => concatenate([concatenate([x, x], 0), x.sum(0, { keepdims: true })], 0), [3, 3]),
    ["sum", "concatenate", "copy"],
  );
  assertEquals(tasksOf((x) => concatenate([pad(x, [1], [1], [1]), x], 0), [3]), [
    "zeros",
    "pad",
    "copy",
    "copy",
  ]);
});

Deno.test("rolled values are read where they stand, forward and backward", () => {
  const step = (x: Tensor) => roll(x, 1, 1).mul(x).sum();
  assertEquals(tasksOf(step, [4, 5]), ["concatenate mul sum"]);
  assertEquals(tasksOf(grad(step), [4, 5]).length, 1);
  const stencil = (x: Tensor) => {
    const around = [[1, 0], [-1, 0], [1, 1], [-1, 1]].map(([by, axis]) => roll(x, by, axis));
    return around.reduce((sum, part) => sum.add(part), x.mul(-4)).square().sum();
  };
  assertEquals(tasksOf(stencil, [6, 5]).length, 1);
  assertEquals(tasksOf(grad(stencil), [6, 5]).length, 2);

  // A value that is computed is computed once, then read.
  assertEquals(tasksOf((x) => roll(x.sin(), 2, 0).mul(x), [4, 5]), ["sin", "concatenate mul"]);
  assertEquals(tasksOf((x) => roll(x.sin(), 2, 0), [4, 5]), ["sin", "sin"]);
  // The same for what is split and put together, reversed, or cut off.
  const halves = (x: Tensor) => {
    const [first, second] = split(x, 2, 1);
    return concatenate([second, flip(first, 1)], 1).mul(x).sum();
  };
  assertEquals(tasksOf(halves, [3, 6]).length, 1);
  assertEquals(tasksOf(grad(halves), [3, 6]).length, 1);
  const differences = (x: Tensor) => x.at([1, null]).sub(x.at([0, -1])).square().sum();
  assertEquals(tasksOf(grad(differences), [5]), ["sub mul", "neg", "add"]);
});

Deno.test("a transposition of axes of length one moves nothing", () => {
  const column = (x: Tensor) => cumsum(x.reshape([3, 1, 4]).transpose([1, 0, 2]), 2);
  assertEquals(tasksOf(column, [3, 4]), ["kernel cumsum"]);
  assertEquals(tasksOf((x) => column(x).transpose([2, 1, 0]), [3, 4]), [
    "kernel cumsum",
    "transpose",
  ]);
});

Deno.test("mapped functions that index are lowered without transpositions", () => {
  /** The determinant by minors of the first row. */
  const minors = (x: Tensor): Tensor => {
    const n = x.shape[0];
    if (n === 1) return x.at(0, 0);
    const columns = arange(n, { dtype: "int32" });
    const rest = columns.at([null, -1]);
    return vmap((column: Tensor, first: Tensor) => {
      const others = where(less(rest, column), rest, rest.add(1));
      return first.mul(minors(take(x.at([1, null]), others, 1)));
    })(columns, x.at(0)).sum();
  };
  const moved = (f: (x: Tensor) => Tensor) =>
    tasksOf(f, [5, 5]).filter((name) => name === "copy" || name === "transpose");
  assertEquals(moved(minors), []);
  assertEquals(moved(grad(minors)), []);
});

Deno.test("a reshape is followed, through divided loops where it must be", () => {
  assertEquals(tasksOf((x) => exp(x).reshape([12]).mul(2), [3, 4]), ["exp mul"]);
  assertEquals(tasksOf((x) => exp(x).reshape([3, 4]).mul(2), [12]), ["exp mul"]);
  // The result's loop of 24 becomes two, so that the transpose can be followed.
  assertEquals(tasksOf((x) => exp(x).transpose().reshape([24]).mul(2), [4, 6]), ["exp mul"]);
  assertEquals(tasksOf((x) => exp(x).reshape([6, 4]).mul(2), [4, 6]), ["exp", "mul"]);
  assertEquals(tasksOf((x) => flip(x, 0).reshape([6, 4]).transpose(), [4, 6]), [
    "flip",
    "transpose",
  ]);
  assertEquals(tasksOf((x) => exp(flip(x.reshape([4, 6]), 0)), [24]), ["exp"]);
});

Deno.test("results that are arguments, constants or other results in another shape take no work", () => {
  const constant = tensor([1, 2, 3]);
  const f = (x: Tensor) => {
    const y = exp(x);
    return [
      x,
      x.reshape([4]),
      y,
      y.reshape([4, 1]),
      y,
      constant,
      constant.reshape([3, 1]),
      x.mul(0),
    ];
  };
  const { tasks, results, buffers } = lowered(optimize(makeProgram(f)(tensor([[1, 2], [3, 4]]))));
  assertEquals(tasks.map(nameOf), ["exp", "mul"]);
  const places = results.map((result) => result instanceof Concrete ? "constant" : result.buffer);
  assertEquals(places.slice(0, 2), [0, 0]);
  assertEquals(places[2], places[3]);
  assertEquals(places[2], places[4]);
  // Tensors that a function captured are further arguments.
  assertEquals(places.slice(5, 7), [1, 2]);
  assertEquals(buffers.length, 5);
});

Deno.test("a kernel's results that nothing reads get buffers, and no work of their own", () => {
  const writer = new ProgramWriter();
  const type = { dtype: "uint32", shape: [3] } as const;
  const words = [1, 2, 3, 4].map(() => writer.binder(type));
  const [, second] = writer.apply(primitives.threefry2x32, words, null);
  const { tasks } = lowered(writer.finish([second]));
  assertEquals(tasks.map(nameOf), ["kernel threefry2x32"]);
  assert(tasks[0].kind === "kernel");
  assertEquals(new Set([...tasks[0].inputs, ...tasks[0].outputs]).size, 6);
});

Deno.test("a splat is a number in loops, and filled out for a kernel", () => {
  const writer = new ProgramWriter();
  const x = writer.binder({ dtype: "float32", shape: [2, 2] });
  const twos = splat(2, "float32", [2, 2]);
  const [sum] = writer.apply(primitives.add, [x, twos], null);
  const pairs = { contract: [[1], [0]], batch: [[], []] };
  const [product] = writer.apply(primitives.contract, [sum, twos], pairs as never);
  const { tasks, buffers } = lowered(writer.finish([product]));
  assertEquals(tasks.map(nameOf), ["add", "copy", "kernel contract"]);
  assertEquals(buffers.map(({ source }) => source), [0, null, null, null]);
});

Deno.test("a chain of thousands becomes nests of bounded size", () => {
  const program = makeProgram((x) => {
    let y = x;
    for (let i = 0; i < 5000; i++) y = i % 2 === 0 ? sin(y) : y.mul(1.5);
    return y;
  })(tensor([0.5, 1]));
  const { tasks } = lowered(program);
  assert(tasks.length >= 5000 / 192 && tasks.length <= 5000 / 48, `${tasks.length} tasks`);
  const maps = tasks.flatMap((task) => task.kind === "nest" ? [task.nest] : [])
    .flatMap(({ nodes }) => nodes.filter(({ kind }) => kind === "map"));
  assertEquals(maps.length, 5000);
});

Deno.test("moves by the thousand are followed too", () => {
  const program = makeProgram((x) => {
    let y = x;
    for (let i = 0; i < 1500; i++) {
      y = i % 3 === 0 ? flip(y, 0) : i % 3 === 1 ? y.transpose() : y.reshape([3, 2]).transpose();
    }
    return y;
  })(tensor([[1, 2], [3, 4], [5, 6]]).transpose());
  assert(lowered(program).tasks.length <= 1500);
});

Deno.test("a wide program becomes nests of bounded size", () => {
  const program = makeProgram((x) => {
    // 600 values, all of them part of one sum.
    const terms = Array.from({ length: 600 }, (_, i) => sin(x.mul(i)));
    return terms.reduce((sum, term) => sum.add(term));
  })(tensor([0.5, 1]));
  const { tasks } = lowered(program);
  assert(tasks.length <= 64, `${tasks.length} tasks`);
  for (const task of tasks) assert(task.kind === "nest" && task.nest.nodes.length <= 800);
});

Deno.test("shifted sums of shifted sums stay small", () => {
  const program = makeProgram((x) => {
    let y = x;
    for (let i = 0; i < 40; i++) y = y.at([1, null]).add(y.at([0, -1]));
    return y;
  })(tensor(Array.from({ length: 64 }, (_, i) => i % 3)));
  const { tasks } = lowered(program);
  for (const task of tasks) assert(task.kind === "nest" && task.nest.nodes.length <= 400);
});

Deno.test("kernels read what is kept for them", () => {
  assertEquals(tasksOf((x) => cumsum(exp(x).transpose(), 0).mul(2), [3, 4]), [
    "transpose exp",
    "kernel cumsum",
    "mul",
  ]);
});

Deno.test(`random programs mean the same as tasks (seed ${SEED})`, () => {
  const lists = fc.array(fc.nat({ max: 65535 }), { minLength: 50, maxLength: 400, size: "max" });
  fc.assert(
    fc.property(lists, (list) => {
      const sample = growProgram(list);
      const { program, args } = sample;
      const { open, tensors } = formOf(optimize(program));
      checkResults(runTasks(lower(open([]), target), [...args, ...tensors]), sample);
    }),
    { seed: SEED, numRuns: 60, endOnFailure: true },
  );
});

Deno.test("a product of vectors is part of the nest that adds it up", () => {
  const { program, args } = traced(
    (sum, a, b, c) =>
      [sum.add(outer(a, b)), einsum("bi,bj->bij", c, c).mul(2)] as unknown as Tensor,
    float32(5, 7),
    float32(5),
    float32(7),
    float32(3, 4),
  );
  const { tasks } = lower(program, target);
  assertEquals(tasks.map((task) => task.kind), ["nest", "nest"]);
  const [sum, squares] = runProgram(program, args);
  const [expected, others] = makeRunner(program)(args);
  assertEquals(dense(sum), dense(expected));
  assertEquals(dense(squares), dense(others));
});

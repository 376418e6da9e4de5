import {
  grad,
  inspect,
  jit,
  jvp,
  makeProgram,
  models,
  nn,
  optim,
  random,
  stopGradient,
  tensor,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from "../../mod.ts";
import type { Program, Tensor } from "../../mod.ts";
import { call, callPrimitive } from "../../src/control/call.ts";
import { checkProgram } from "../../src/core/check.ts";
import { Program as ProgramClass } from "../../src/core/program.ts";
import { flatten } from "../../src/core/tree.ts";
import { assertNear, assertRounded } from "../laws/assertions.ts";
import {
  checkBatch,
  checkFirstOrder,
  checkJit,
  checkNestedBatch,
  checkPrograms,
  checkSecondOrder,
} from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { fromValues, integers, makeRandom, real } from "../laws/values.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/std.ts";

/** The programs called by `program`, and those that they call. */
function calledBy(program: Program): Program[] {
  return program.equations.flatMap(({ params }) =>
    Object.values(params ?? {}).flatMap((inner) =>
      inner instanceof ProgramClass ? [inner, ...calledBy(inner)] : []
    )
  );
}

/** The number of equations of each primitive, in a program and in those that it calls. */
function countsOf(program: Program): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const part of [program, ...calledBy(program)]) {
    for (const [name, count] of Object.entries(inspect.countOperations(part))) {
      counts[name] = (counts[name] ?? 0) + count;
    }
  }
  return counts;
}

const program = makeProgram((x: Tensor, y: Tensor, n: Tensor) => {
  const z = x.mul(y).sin();
  return [
    z.add(y.at(n)),
    n.add(1),
    x,
    stopGradient(z).mul(x),
    tensor([1, 2], { dtype: "float64" }),
  ];
})(
  tensor([1, 2, 3], { dtype: "float64" }),
  tensor([1, 2, 3], { dtype: "float64" }),
  tensor([0, 1, 2], { dtype: "int32" }),
);

/** A program without stop-gradients: its derivatives are those of its values. */
const smooth = makeProgram((x: Tensor, y: Tensor, n: Tensor) => {
  const z = x.mul(y).sin();
  return [z.add(y.at(n)), n.add(1), x, x.square().sum(), tensor([1, 2], { dtype: "float64" })];
})(
  tensor([1, 2, 3], { dtype: "float64" }),
  tensor([1, 2, 3], { dtype: "float64" }),
  tensor([0, 1, 2], { dtype: "int32" }),
);

const make: Maker = (source) => [
  fromValues(real(source, 3), "float64", [3]),
  fromValues(real(source, 3), "float64", [3]),
  fromValues(integers(0, 2)(source, 3), "int32", [3]),
];

Deno.test("call obeys the laws of primitives, integers and constants among its results", () => {
  const f: Flat = (args) => call(smooth, args);
  const random = makeRandom(3);
  for (let round = 0; round < 3; round++) {
    checkPrograms(f, make, random, "call");
    checkJit(f, make, random, "call");
    checkBatch(f, make, random, 1e-13, "call: vmap");
    checkNestedBatch(f, make, random, 1e-13, "call: vmap of vmap");
    checkFirstOrder(f, make(random), random, "call");
    checkSecondOrder(f, make(random), random, "call");
  }
});

Deno.test("call of a program with stops equals the program", () => {
  const f: Flat = (args) => call(program, args);
  const random = makeRandom(4);
  checkPrograms(f, make, random, "call");
  checkJit(f, make, random, "call");
});

Deno.test("the types of a call's results are those of its program's results", () => {
  const types = callPrimitive.type(program.binders.map(({ type }) => type), { program });
  assertEquals(types.map(({ dtype, shape }) => `${dtype}[${shape}]`), [
    "float64[3]",
    "int32[3]",
    "float64[3]",
    "float64[3]",
    "float64[2]",
  ]);
});

const x = tensor([0.3, -1.2, 2.5]);

Deno.test("the derivative of a call is two calls, of the primal and of the linear part", () => {
  const f = jit((a: Tensor) => a.sin().sum());
  assertEquals(
    String(makeProgram((a: Tensor) => jvp(f, [a], [a])[1])(x)),
    [
      "program(a: float32[3]) {",
      "  b: float32[], c: float32[3] = call(a) { program: program(a: float32[3]) {",
      "    b: float32[3] = sin(a)",
      "    c: float32[3] = cos(a)",
      "    d: float32[] = reduceSum(b) { axes: [0] }",
      "    return (d, c)",
      "  } }",
      "  d: float32[] = call(c, a) { program: program(a: float32[3], b: float32[3]) {",
      "    c: float32[3] = mul(b, a)",
      "    d: float32[] = reduceSum(c) { axes: [0] }",
      "    return (d)",
      "  } }",
      "  return (d)",
      "}",
    ].join("\n"),
  );
});

Deno.test("the gradient of a call is a call of the transposed linear part", () => {
  const f = jit((a: Tensor) => a.sin().sum());
  const gradient = makeProgram(grad(f))(x);
  checkProgram(gradient);
  assertEquals(
    String(gradient),
    [
      "program(a: float32[3]) {",
      "  b: float32[], c: float32[3] = call(a) { program: program(a: float32[3]) {",
      "    b: float32[3] = sin(a)",
      "    c: float32[3] = cos(a)",
      "    d: float32[] = reduceSum(b) { axes: [0] }",
      "    return (d, c)",
      "  } }",
      "  d: float32[3] = call(c, 1) { program: program(a: float32[3], b: float32[]) {",
      "    c: float32[3] = broadcast(b) { shape: [3], axes: [] }",
      "    d: float32[3] = mul(c, a)",
      "    return (d)",
      "  } }",
      "  return (d)",
      "}",
    ].join("\n"),
  );
});

Deno.test("a batched call is a call of the batched program", () => {
  const f = jit((a: Tensor, b: Tensor) => a.mul(b).sum());
  const batched = makeProgram((a: Tensor, b: Tensor) => vmap(f, [1, null])(a, b))(
    tensor([[1, 2], [3, 4], [5, 6]]),
    x,
  );
  checkProgram(batched);
  const counts = countsOf(batched);
  assertEquals([counts.call, counts.mul, counts.reduceSum], [1, 1, 1]);
  assertEquals(batched.equations[0].outputs[0].type.shape, [2]);
});

Deno.test("what is derived from a program is derived once", () => {
  const f = jit((a: Tensor) => a.sin().sum());
  for (
    const derive of [
      (a: Tensor) => grad(f)(a),
      (a: Tensor) => jvp(f, [a], [a])[1],
      (a: Tensor) => vmap(f)(a.reshape([3, 1])),
      (a: Tensor) => vmap(grad(f))(a.reshape([3, 1])),
    ]
  ) {
    const [first, second] = [1, 2].map(() => calledBy(makeProgram(derive)(x)));
    assert(first.length > 0);
    first.forEach((inner, i) => assertStrictEquals(second[i], inner));
  }
});

Deno.test("arguments without tangents take no part in the linear program", () => {
  const f = jit((a: Tensor, b: Tensor) => a.mul(b).sin().mul(b.exp()).sum());
  const byFirst = makeProgram(grad(f))(x, x);
  const byBoth = makeProgram(grad(f, { argnums: [0, 1] }))(x, x);
  const counts = [byFirst, byBoth].map((p) => countsOf(p).mul);
  assert(counts[0] < counts[1], `${counts}`);
  const plain = (a: Tensor, b: Tensor) => a.mul(b).sin().mul(b.exp()).sum();
  assertRounded([grad(f)(x, x)], [grad(plain)(x, x)], 64, "by the first");
});

Deno.test("results that do not move have no tangent and take no cotangent", () => {
  const f = jit((a: Tensor) => ({
    moving: a.sin(),
    steps: a.floor(),
    constant: tensor([1, 2]),
    count: a.argmax(),
  }));
  const [, pushed] = jvp(f, [x], [x]);
  assertEquals((pushed.steps as Tensor).toArray(), [0, 0, 0]);
  assertEquals((pushed.constant as Tensor).toArray(), [0, 0]);
  assertStrictEquals(pushed.count, null);
  const [, pullback] = vjp(f, x);
  const [back] = pullback({ moving: null, steps: x, constant: tensor([1, 1]), count: null });
  assertEquals((back as Tensor).toArray(), [0, 0, 0]);
});

// Whole models: with jit around or inside the gradient, the work is the same as without.

const model = models.resnet18({ classes: 10 });
const [params, state] = model.init(random.key(0));
const image = random.uniform(random.key(1), [1, 3, 64, 64]);
const target = tensor([3], { dtype: "int32" });
type Params = typeof params;

function lossOf(all: Params): Tensor {
  return nn.crossEntropy(model.apply(all, state, image, { train: true })[0] as Tensor, target);
}

function convolutions(program: Program): readonly number[] {
  const counts = countsOf(program);
  return ["convolve", "convolveInput", "convolveFilter"].map((name) => counts[name] ?? 0);
}

Deno.test("frozen parameters cost nothing, whether jit is around the gradient or inside", () => {
  for (
    const [isChosen, expected] of [
      [() => true, [20, 19, 20]],
      [(path: string) => path.startsWith("fc."), [20, 0, 0]],
      [(path: string) => path.startsWith("layer4.1."), [20, 1, 2]],
      [(path: string) => path === "layer4.0.conv2.weight", [20, 2, 1]],
    ] as const
  ) {
    const [chosen, frozen] = tree.partition(params, isChosen);
    const loss = (part: unknown, rest: unknown) => lossOf(tree.merge(part, rest) as Params);
    const outside = makeProgram(jit(grad(loss)))(chosen, frozen);
    const inside = makeProgram(grad(jit(loss)))(chosen, frozen);
    const closed = makeProgram(jit(grad((part: unknown) => loss(part, frozen))))(chosen);
    for (const program of [outside, inside, closed]) {
      checkProgram(program);
      assertEquals(convolutions(program), expected);
    }
  }
});

Deno.test("a training step of ResNet-18 equals the eager one", () => {
  const optimizer = optim.sgd(0.01, { momentum: 0.9 });
  const memory = optimizer.init(params);
  type Memory = typeof memory;
  type State = typeof state;
  const step = (p: Params, s: State, m: Memory, input: Tensor) => {
    const lossAndState = (q: Params): [Tensor, State] => {
      const [out, next] = model.apply(q, s, input, { train: true });
      return [nn.crossEntropy(out as Tensor, target), next as State];
    };
    const [value, gradients] = valueAndGrad(lossAndState, { hasAux: true })(p);
    const [updates, newMemory] = optimizer.update(gradients, m, p);
    return { params: optim.applyUpdates(p, updates), value, memory: newMemory };
  };
  const expected = step(params, state, memory, image);
  const actual = jit(step)(params, state, memory, image);
  assertEquals(tree.paths(actual), tree.paths(expected));
  assertNear(flatten<Tensor>(actual).leaves, flatten<Tensor>(expected).leaves, 1e-3, "step");
});

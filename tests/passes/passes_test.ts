import {
  concatenate,
  cumsum,
  full,
  grad,
  jit,
  makeProgram,
  mul,
  ones,
  pad,
  reshape,
  sin,
  stopGradient,
  tensor,
  TensorType,
  where,
  zeros,
} from "../../mod.ts";
import type { Dtype, Tensor } from "../../mod.ts";
import { foldConstants } from "../../src/passes/fold_constants.ts";
import { optimize, passes } from "../../src/passes/mod.ts";
import { shareEquations } from "../../src/passes/share_equations.ts";
import { simplify } from "../../src/passes/simplify.ts";
import { checkProgram } from "../../src/core/check.ts";
import { evaluateProgram, Program, withoutDeadEquations } from "../../src/core/program.ts";
import { neg, sub } from "../../src/primitives/arithmetic.ts";
import { cumsum as strictCumsum } from "../../src/primitives/reduction.ts";
import { select } from "../../src/primitives/comparison.ts";
import { splat } from "../../src/core/tensor.ts";
import { mul as strictMul } from "../../src/primitives/arithmetic.ts";
import { assertIdentical, assertRounded } from "../laws/assertions.ts";
import { checkPasses } from "../laws/laws.ts";
import { assert, assertEquals } from "../support/std.ts";

type Pass = (program: Program) => Program;

const [f32, f64] = (["float32", "float64"] as const).map((dtype) => (...shape: number[]) =>
  new TensorType(dtype, shape)
);

/** The program of `f`, which is well-formed and stays so. */
function programOf(f: (...args: Tensor[]) => unknown, ...types: TensorType[]): Program {
  const program = makeProgram(f)(...types);
  checkPasses(program, types, "program");
  return program;
}

/** The equations and results of a program, as text. */
function bodyOf(program: Program): string[] {
  return String(program).split("\n").slice(1, -1).map((line) => line.trim());
}

/** What a pass makes of a function, both as text. */
function assertPass(
  pass: Pass,
  f: (...args: Tensor[]) => unknown,
  types: readonly TensorType[],
  before: readonly string[],
  after: readonly string[],
): void {
  const program = programOf(f, ...types);
  assertEquals(bodyOf(program), before);
  assertEquals(bodyOf(pass(program)), after);
}

/** Values at which a wrong simplification shows. */
const strange = [0, -0, NaN, Infinity, -Infinity, 1, -1.5, 1e-40, 3e38];

/** A pass leaves every bit of the results. */
function assertExact(f: (x: Tensor) => Tensor, dtype: Dtype = "float32"): void {
  const x = tensor(dtype.startsWith("float") ? strange : [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)], {
    dtype,
  });
  const program = makeProgram(f)(x);
  let current = program;
  for (const { name, run } of passes) {
    current = run(current);
    checkProgram(current);
    assertIdentical(evaluateProgram(current, [x]), [f(x)], name);
  }
  assertRounded([jit(f)(x)], [f(x)], 64, "jit");
}

Deno.test("the passes are a list in a fixed order", () => {
  assertEquals(passes.map(({ name }) => name), [
    "inlineCalls",
    "widen",
    "expandComposites",
    "spreadUpdates",
    "foldConstants",
    "inlineBranches",
    "simplify",
    "absorbTransposes",
    "bindConstants",
    "optimizeBodies",
    "pruneLoops",
    "simplifyAgain",
    "hoistInvariants",
    "shareEquations",
    "removeDeadEquations",
  ]);
});

// Simplification

Deno.test("a product with one is its other factor", () => {
  const one = splat(1, "float32", [2]);
  assertPass(
    simplify,
    (x) => [strictMul(x, one), strictMul(one, x)],
    [f32(2)],
    ["b: float32[2] = mul(a, 1)", "c: float32[2] = mul(1, a)", "return (b, c)"],
    ["return (a, a)"],
  );
  for (const dtype of ["float32", "float64", "int32"] as const) {
    assertExact((x) => strictMul(x, splat(1, dtype, x.shape)), dtype);
  }
});

Deno.test("a product with zero, minus one or NaN stays", () => {
  for (const [value, shown] of [[0, "0"], [-1, "-1"], [NaN, "NaN"], [-0, "0"]] as const) {
    const body = [`b: float32[2] = mul(a, ${shown})`, "return (b)"];
    const constant = splat(value, "float32", [2]);
    assertPass(simplify, (x) => strictMul(x, constant), [f32(2)], body, body);
    assertExact((x) => strictMul(x, splat(value, "float32", x.shape)));
  }
});

Deno.test("a dense tensor of ones is a value like others", () => {
  const dense = tensor([1, 1]);
  const body = ["b: float32[2] = mul(a, constant float32[2])", "return (b)"];
  assertPass(simplify, (x) => mul(x, dense), [f32(2)], body, body);
});

Deno.test("a quotient by one is its dividend, one by x stays", () => {
  const one = splat(1, "float64", []);
  const body = ["c: float64[] = div(1, a)", "return (b, c)"];
  assertPass(
    simplify,
    (x) => [x.div(one), one.div(x)],
    [f64()],
    ["b: float64[] = div(a, 1)", ...body],
    ["b: float64[] = div(1, a)", "return (a, b)"],
  );
  assertExact((x) => x.div(ones(x.shape)));
});

Deno.test("a difference with zero is its first part; with minus zero, and from zero, it stays", () => {
  const [zero, minus] = [0, -0].map((value) => splat(value, "float32", []));
  assertPass(
    simplify,
    (x) => sub(x, zero),
    [f32()],
    ["b: float32[] = sub(a, 0)", "return (b)"],
    ["return (a)"],
  );
  // -0 - -0 is 0.
  assertEquals(bodyOf(simplify(makeProgram((x) => sub(x, minus))(1))).length, 2);
  assertEquals(bodyOf(simplify(makeProgram((x) => sub(zero, x))(1))).length, 2);
  for (const value of [0, -0]) {
    assertExact((x) => sub(x, splat(value, "float32", x.shape)));
    assertExact((x) => sub(splat(value, "float32", x.shape), x));
  }
  assertExact((x) => sub(x, splat(0, "int32", x.shape)), "int32");
});

Deno.test("a sum with zero stays, since -0 + 0 is 0", () => {
  const body = ["b: float32[2] = add(a, 0)", "return (b)"];
  assertPass(optimize, (x) => x.add(zeros([2])), [f32(2)], body, body);
  for (const value of [0, -0]) assertExact((x) => x.add(full(x.shape, value)));
});

Deno.test("two negations undo each other", () => {
  assertPass(
    optimize,
    (x) => [neg(neg(x)), neg(neg(neg(x))), neg(neg(neg(neg(x))))],
    [f32()],
    [
      "b: float32[] = neg(a)",
      "c: float32[] = neg(b)",
      "d: float32[] = neg(a)",
      "e: float32[] = neg(d)",
      "f: float32[] = neg(e)",
      "g: float32[] = neg(a)",
      "h: float32[] = neg(g)",
      "i: float32[] = neg(h)",
      "j: float32[] = neg(i)",
      "return (c, f, j)",
    ],
    ["b: float32[] = neg(a)", "return (a, b, a)"],
  );
  assertExact((x) => neg(neg(x)));
  assertExact((x) => neg(neg(x)), "int32");
});

Deno.test("a reshape back and a transpose back are undone, others stay", () => {
  assertPass(
    optimize,
    (x) => reshape(reshape(x, [6]), [2, 3]),
    [f32(2, 3)],
    [
      "b: float32[6] = reshape(a) { shape: [6] }",
      "c: float32[2,3] = reshape(b) { shape: [2, 3] }",
      "return (c)",
    ],
    ["return (a)"],
  );
  const other = [
    "b: float32[6] = reshape(a) { shape: [6] }",
    "c: float32[3,2] = reshape(b) { shape: [3, 2] }",
    "return (c)",
  ];
  assertPass(optimize, (x) => reshape(reshape(x, [6]), [3, 2]), [f32(2, 3)], other, other);
  assertPass(
    optimize,
    (x) => x.transpose([1, 2, 0]).transpose([2, 0, 1]),
    [f32(2, 3, 4)],
    [
      "b: float32[3,4,2] = transpose(a) { permutation: [1, 2, 0] }",
      "c: float32[2,3,4] = transpose(b) { permutation: [2, 0, 1] }",
      "return (c)",
    ],
    ["return (a)"],
  );
  const twice = [
    "b: float32[3,4,2] = transpose(a) { permutation: [1, 2, 0] }",
    "c: float32[4,2,3] = transpose(b) { permutation: [1, 2, 0] }",
    "return (c)",
  ];
  assertPass(
    optimize,
    (x) => x.transpose([1, 2, 0]).transpose([1, 2, 0]),
    [f32(2, 3, 4)],
    twice,
    twice,
  );
});

Deno.test("a choice by a constant is one of both, whatever the other holds", () => {
  const yes = splat(1, "bool", [2]);
  const no = splat(0, "bool", [2]);
  assertPass(
    optimize,
    (x, y) => [select(yes, x, y), select(no, x, y)],
    [f32(2), f32(2)],
    ["c: float32[2] = select(true, a, b)", "d: float32[2] = select(false, a, b)", "return (c, d)"],
    ["return (a, b)"],
  );
  const mixed = tensor([true, false]);
  const body = ["c: float32[2] = select(constant bool[2], a, b)", "return (c)"];
  assertPass(optimize, (x, y) => where(mixed, x, y), [f32(2), f32(2)], body, body);
});

Deno.test("stopGradient costs nothing when a program runs, and still ends derivatives", () => {
  const f = (x: Tensor) => x.mul(stopGradient(x));
  assertPass(
    optimize,
    f,
    [f32()],
    ["b: float32[] = stopGradient(a)", "c: float32[] = mul(a, b)", "return (c)"],
    ["b: float32[] = mul(a, a)", "return (b)"],
  );
  const compiled = jit(f);
  compiled(tensor(3));
  assertEquals(grad(compiled)(3).item(), 3);
});

// Sharing

Deno.test("equal equations are one, and so is what is made of them", () => {
  assertPass(
    optimize,
    (x) => sin(x).mul(2).add(sin(x).mul(2)),
    [f32()],
    [
      "b: float32[] = sin(a)",
      "c: float32[] = mul(b, 2)",
      "d: float32[] = sin(a)",
      "e: float32[] = mul(d, 2)",
      "f: float32[] = add(c, e)",
      "return (f)",
    ],
    [
      "b: float32[] = sin(a)",
      "c: float32[] = mul(b, 2)",
      "d: float32[] = add(c, c)",
      "return (d)",
    ],
  );
});

/** Sharing leaves a program as it is. */
function assertKept(f: (...args: Tensor[]) => unknown, ...types: TensorType[]): void {
  const program = programOf(f, ...types);
  assertEquals(String(shareEquations(program)), String(program));
}

Deno.test("equations of different parameters, constants or operands are not shared", () => {
  assertKept((x) => [x.sum(0), x.sum(1)], f32(2, 2));
  assertKept((x) => [x.astype("float64"), x.astype("int32")], f32());
  assertKept((x) => [cumsum(x, 0), strictCumsum(x, 0, true)], f32(3));
  assertKept((x) => [x.reshape([4]), x.reshape([4, 1])], f32(2, 2));
  assertKept((x, y) => [x.sub(y), y.sub(x)], f32(), f32());
  assertKept((x) => [x.mul(2), x.mul(3)], f32());
  // Equal elements, yet two tensors.
  const [a, b] = [tensor([1, 2]), tensor([1, 2])];
  assertKept((x) => [x.mul(a), x.mul(b)], f32(2));
});

Deno.test("0 and -0 are different constants, equal ones are the same", () => {
  const [zero, minus] = [0, -0].map((value) => splat(value, "float32", []));
  const program = makeProgram((x) => [x.div(zero), x.div(minus), x.div(splat(0, "float32", []))])(
    1,
  );
  const shared = shareEquations(program);
  assertEquals(shared.equations.length, 2);
  const [first, second, third] = evaluateProgram(shared, [tensor(1)]);
  assertEquals([first.item(), second.item(), third.item()], [Infinity, -Infinity, Infinity]);
});

Deno.test("constants of different dtypes and shapes are different", () => {
  const types = [["float32", []], ["float64", []], ["float32", [2]], ["float32", []]] as const;
  const sines = makeProgram(() => types.map(([dtype, shape]) => sin(splat(2, dtype, shape))))();
  assertEquals(bodyOf(shareEquations(sines)), [
    "a: float32[] = sin(2)",
    "b: float64[] = sin(2)",
    "c: float32[2] = sin(2)",
    "return (a, b, c, a)",
  ]);
  const program = makeProgram((x: Tensor) => [
    splat(1, "int32", []).add(x),
    splat(1, "float32", []).add(x.astype("float32")),
    splat(1, "int32", []).add(x),
  ])(tensor(1, { dtype: "int32" }));
  assertEquals(shareEquations(program).equations.map(({ primitive }) => primitive.name), [
    "add",
    "convert",
    "add",
  ]);
});

Deno.test("calls of one program are shared, calls of two programs are not", () => {
  const [first, second] = [jit((x: Tensor) => x.sin()), jit((x: Tensor) => x.sin())];
  const shared = (f: (x: Tensor) => unknown) =>
    shareEquations(programOf(f as (...args: Tensor[]) => unknown, f32())).equations.length;
  assertEquals(shared((x) => [first(x), first(x)]), 1);
  assertEquals(shared((x) => [first(x), second(x)]), 2);
});

// Folding

Deno.test("what depends on constants alone is computed once", () => {
  const c = tensor([1, 2]);
  assertPass(
    optimize,
    (x) => x.mul(c.sin().add(1).sum()),
    [f32()],
    [
      "b: float32[2] = sin(constant float32[2])",
      "c: float32[2] = add(b, 1)",
      "d: float32[] = reduceSum(c) { axes: [0] }",
      "e: float32[] = mul(a, d)",
      "return (e)",
    ],
    ["b: float32[] = mul(a, 3.7507684)", "return (b)"],
  );
});

Deno.test("folding gives the bits that running gives", () => {
  const values = tensor(strange);
  for (
    const f of [(a: Tensor) => a.sin().mul(3), (a: Tensor) => a.sub(a), (a: Tensor) => a.exp()]
  ) {
    const program = makeProgram(() => f(values))();
    const folded = foldConstants(program);
    assertEquals(folded.equations.length, 0);
    assertIdentical(evaluateProgram(folded, []), [f(values)], "folded");
  }
});

Deno.test("large results are computed at every run, unless one value says it all", () => {
  const small = splat(1, "float32", [2]);
  const left = (f: () => unknown) => foldConstants(makeProgram(f)()).equations.length;
  assertEquals(left(() => cumsum(splat(1, "float32", [4096]), 0)), 0);
  assertEquals(left(() => cumsum(splat(1, "float32", [4097]), 0)), 1);
  assertEquals(left(() => pad(small, [[2048, 2048]])), 1);
  assertEquals(
    left(() => concatenate([splat(1, "float32", [4000]), splat(2, "float32", [4000])])),
    1,
  );
  // 400 MB, were they written out.
  assertEquals(left(() => sin(splat(1, "float32", [1e8])).mul(2)), 0);
  assertEquals(left(() => ones([5000]).cumsum(0).sum()), 2);
});

Deno.test("a sum over a large constant is folded", () => {
  const large = tensor(Float32Array.from({ length: 5000 }, (_, i) => i));
  assertPass(
    optimize,
    (x) => x.add(large.sum()),
    [f32()],
    [
      "b: float32[] = reduceSum(constant float32[5000]) { axes: [0] }",
      "c: float32[] = add(a, b)",
      "return (c)",
    ],
    [`b: float32[] = add(a, ${large.sum().item()})`, "return (b)"],
  );
});

Deno.test("programs that are called are not run by folding", () => {
  const inner = jit((x: Tensor) => x.sin());
  const program = makeProgram(() => inner(tensor(1)))();
  assertEquals(foldConstants(program).equations.length, 1);
});

// Dead equations

Deno.test("equations that no result needs are removed, several deep", () => {
  const program = makeProgram((x) => [sin(x), mul(sin(x).exp(), 2)])(1);
  const half = new Program(program.binders, program.equations, program.results.slice(0, 1));
  assertEquals(half.equations.length, 4);
  assertEquals(bodyOf(withoutDeadEquations(half)), ["b: float32[] = sin(a)", "return (b)"]);
});

Deno.test("passes keep binders that nothing reads, and results that are inputs", () => {
  const program = programOf((_x, y) => [y, y, tensor(2)], f32(), f32(2));
  assertEquals(
    String(optimize(program)),
    ["program(a: float32[], b: float32[2]) {", "  return (b, b, 2)", "}"].join("\n"),
  );
});

Deno.test("passes leave the program that they are given", () => {
  const program = programOf((x) => sin(x).mul(1).add(sin(x)).sub(0), f32());
  const before = String(program);
  optimize(program);
  assertEquals(String(program), before);
  assert(Object.isFrozen(program.equations));
});

Deno.test("optimising twice changes no more", () => {
  const program = programOf(
    grad((x: Tensor) => sin(x).mul(sin(x)).mul(1).sum()) as (...args: Tensor[]) => unknown,
    f32(3),
  );
  const once = optimize(program);
  assertEquals(String(optimize(once)), String(once));
});

Deno.test("spreadUpdates makes updates elementwise that loops read, and leaves those in memory", () => {
  const namesOf = (f: (...args: Tensor[]) => unknown, ...types: TensorType[]): string[] =>
    optimize(programOf(f, ...types)).equations.map(({ primitive }) => primitive.name);
  assertEquals(namesOf((x) => x.set([[1, 3]], 5), f32(9)), ["updateSlice"]);
  assertEquals(namesOf((x) => x.neg().set([[1, 3]], 5), f32(9)), ["neg", "select"]);
  assertEquals(namesOf((x) => x.addAt([2], 5).neg(), f32(9)), ["add", "select", "neg"]);
  assertEquals(
    namesOf((x) => x.set([0], 5).addAt([[1, 3]], 1).at([2, 3]), f32(9)),
    ["updateSlice", "addSlice", "slice"],
  );
});

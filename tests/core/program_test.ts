import { InternalError, TraceError } from "../../src/base/errors.ts";
import { checkProgram } from "../../src/core/check.ts";
import type { Primitive } from "../../src/core/primitive.ts";
import {
  evaluateProgram,
  Program,
  RecordingTrace,
  Variable,
  withoutDeadEquations,
} from "../../src/core/program.ts";
import type { Atom, Equation } from "../../src/core/program.ts";
import { splat } from "../../src/core/tensor.ts";
import type { Tensor, Type } from "../../src/core/tensor.ts";
import { fromJavaScript } from "../../src/core/convert.ts";
import { runUnder } from "../../src/core/trace.ts";
import {
  add,
  addPrimitive,
  mul,
  neg,
  negPrimitive,
  scale,
} from "../../src/primitives/arithmetic.ts";
import { select } from "../../src/primitives/comparison.ts";
import { threefry2x32 } from "../../src/primitives/random_bits.ts";
import { concatenate } from "../../src/primitives/slicing.ts";
import { reduceSum, reshapePrimitive, transpose } from "../../src/primitives/structure.ts";
import { sin } from "../../src/primitives/transcendental.ts";
import { makeProgram } from "../../src/transforms/stage.ts";
import { TensorType } from "../../src/core/tensor_type.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

const vector: Type = { dtype: "float32", shape: [3] };

function make(values: unknown): Tensor {
  return fromJavaScript(values, undefined, "Cannot make a tensor");
}

function equation<P>(
  primitive: Primitive<P>,
  inputs: readonly Atom[],
  outputs: readonly Variable[],
  params: unknown = null,
): Equation {
  return { primitive: primitive as Primitive, inputs, params, outputs };
}

Deno.test("a program prints one equation a line, variables named in order", () => {
  const f = (x: Tensor, y: Tensor) => {
    const s = sin(x);
    return [scale(s, 2), reduceSum(mul(s, transpose(y, [1, 0])), [0])];
  };
  const program = makeProgram(f)(
    new TensorType("float32", [2, 3]),
    new TensorType("float32", [3, 2]),
  );
  assertEquals(
    String(program),
    `program(a: float32[2,3], b: float32[3,2]) {
  c: float32[2,3] = sin(a)
  d: float32[2,3] = mul(c, 2)
  e: float32[2,3] = transpose(b) { permutation: [1, 0] }
  f: float32[2,3] = mul(c, e)
  g: float32[3] = reduceSum(f) { axes: [0] }
  return (d, g)
}`,
  );
  assertEquals(Deno.inspect(program), String(program));
});

Deno.test("constants print as their value where one number says it all, as their type otherwise", () => {
  const dense = make([1, 2, 3]);
  const f = (x: Tensor) => {
    const shifted = add(add(x, splat(0.1, "float32", [3])), dense);
    const chosen = select(splat(1, "bool", [3]), shifted, splat(-Infinity, "float32", [3]));
    return [chosen, dense, splat(0.1, "float64", [3]), splat(7, "int32", [2])];
  };
  assertEquals(
    String(makeProgram(f)(new TensorType("float32", [3]))),
    `program(a: float32[3]) {
  b: float32[3] = add(a, 0.1)
  c: float32[3] = add(b, constant float32[3])
  d: float32[3] = select(true, c, -Infinity)
  return (d, constant float32[3], 0.1, 7)
}`,
  );
});

Deno.test("operations with several results and lists of arguments print them all", () => {
  const f = (k: Tensor) => {
    const [first, second] = threefry2x32(k, k, k, k);
    return concatenate([first, second], 0);
  };
  assertEquals(
    String(makeProgram(f)(new TensorType("uint32", [2]))),
    `program(a: uint32[2]) {
  b: uint32[2], c: uint32[2] = threefry2x32(a, a, a, a)
  d: uint32[4] = concatenate(b, c) { axis: 0 }
  return (d)
}`,
  );
});

Deno.test("empty programs and programs without arguments print", () => {
  assertEquals(
    String(makeProgram((x: Tensor) => x)(1)),
    "program(a: float32[]) {\n  return (a)\n}",
  );
  assertEquals(
    String(makeProgram(() => sin(make(1)))()),
    "program() {\n  a: float32[] = sin(1)\n  return (a)\n}",
  );
});

Deno.test("names go on after z", () => {
  const f = (x: Tensor) => {
    for (let i = 0; i < 27; i++) x = neg(x);
    return x;
  };
  const lines = String(makeProgram(f)(1)).split("\n");
  assertEquals(lines.slice(-4), [
    "  aa: float32[] = neg(z)",
    "  ab: float32[] = neg(aa)",
    "  return (ab)",
    "}",
  ]);
});

Deno.test("equations that no result depends on are left out", () => {
  const f = (x: Tensor) => {
    mul(sin(x), x);
    return neg(x);
  };
  assertEquals(
    String(makeProgram(f)(1)),
    "program(a: float32[]) {\n  b: float32[] = neg(a)\n  return (b)\n}",
  );
  const [a, b, c] = [new Variable(vector), new Variable(vector), new Variable(vector)];
  const live = new Program([a], [equation(negPrimitive, [a], [b])], [b]);
  assert(withoutDeadEquations(live) === live);
  const dead = new Program(
    [a],
    [equation(negPrimitive, [a], [b]), equation(negPrimitive, [b], [c])],
    [b],
  );
  assertEquals(withoutDeadEquations(dead).equations.length, 1);
});

Deno.test("a program is frozen and keeps no list of its caller", () => {
  const binders = [new Variable(vector)];
  const program = new Program(binders, [], binders);
  binders.push(new Variable(vector));
  assertEquals([program.binders.length, program.results.length], [1, 1]);
  assert(Object.isFrozen(program) && Object.isFrozen(program.equations));
  assertThrows(() => (program.binders as Variable[]).push(binders[0]), TypeError);
});

Deno.test("evaluating a program applies its equations to the arguments", () => {
  const f = (x: Tensor, y: Tensor) => [mul(x, y), add(x, y), x];
  const program = makeProgram(f)(1, 2);
  const results = evaluateProgram(program, [make(5), make(7)]);
  assertEquals(results.map((value) => value.item()), [35, 12, 5]);
  assertRefused(
    () => evaluateProgram(program, [make(1)]),
    InternalError,
    "A program of 2 binders got 1 values (this is a fault in Jacobi; please report it)",
  );
});

Deno.test("the checker accepts every program that is well-formed", () => {
  const [a, b, c] = [new Variable(vector), new Variable(vector), new Variable(vector)];
  checkProgram(new Program([], [], []));
  checkProgram(new Program([a], [], [a, a, make([1])]));
  checkProgram(
    new Program([a], [equation(negPrimitive, [a], [b]), equation(addPrimitive, [a, b], [c])], [c]),
  );
});

Deno.test("the checker refuses programs that are broken, and says where", () => {
  const [a, b, c] = [new Variable(vector), new Variable(vector), new Variable(vector)];
  const scalar = new Variable({ dtype: "float32", shape: [] });
  const broken: [Program, string][] = [
    [
      new Program([a], [], [b]),
      "A variable of type float32[3] is unbound in the results",
    ],
    [
      new Program([a], [equation(negPrimitive, [b], [c])], [c]),
      "A variable of type float32[3] is unbound in equation 0 (neg)",
    ],
    [
      new Program(
        [a],
        [equation(negPrimitive, [b], [c]), equation(negPrimitive, [a], [b])],
        [c],
      ),
      "A variable of type float32[3] is unbound in equation 0 (neg)",
    ],
    [new Program([a, a], [], [a]), "A variable is bound twice, last by the binders"],
    [
      new Program([a], [equation(negPrimitive, [a], [a])], [a]),
      "A variable is bound twice, last by equation 0 (neg)",
    ],
    [
      new Program(
        [a],
        [equation(negPrimitive, [a], [b]), equation(negPrimitive, [a], [b])],
        [b],
      ),
      "A variable is bound twice, last by equation 1 (neg)",
    ],
    [
      new Program([a], [equation(negPrimitive, [a], [scalar])], [scalar]),
      "equation 0 (neg) declares float32[] for a result of type float32[3]",
    ],
    [
      new Program([a], [equation(negPrimitive, [a], [b, c])], [b]),
      "equation 0 (neg) binds 2 variables for 1 results",
    ],
    [
      new Program([a], [equation(negPrimitive, [a], [])], [a]),
      "equation 0 (neg) binds 0 variables for 1 results",
    ],
  ];
  for (const [program, fault] of broken) {
    assertRefused(
      () => checkProgram(program),
      InternalError,
      `${fault} (this is a fault in Jacobi; please report it)`,
    );
  }
});

Deno.test("the checker applies each primitive's own type rule", () => {
  const [a, b] = [new Variable(vector), new Variable(vector)];
  const program = new Program([a], [
    equation(reshapePrimitive, [a], [b], { shape: [4] }),
  ], [b]);
  const error = assertThrows(() => checkProgram(program), Error);
  assertEquals(error.message, "Cannot reshape float32[3] to [4]: the sizes are 3 and 4");
});

Deno.test("the checker refuses constants that have outlived their transform", () => {
  const trace = new RecordingTrace("makeProgram", null);
  const escaped = trace.newBinder(vector);
  const [a, b] = [new Variable(vector), new Variable(vector)];
  const program = new Program([a], [equation(addPrimitive, [a, escaped], [b])], [b]);
  checkProgram(program);
  trace.alive = false;
  assertRefused(
    () => checkProgram(program),
    TraceError,
    "Cannot use float32[3] in equation 0 (add): it was traced by makeProgram, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
  assertRefused(
    () => checkProgram(new Program([], [], [escaped])),
    TraceError,
    "Cannot use float32[3] in the results: it was traced by makeProgram, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
});

Deno.test("a recording with a parent leaves to it what does not depend on its binders", () => {
  const parent = new RecordingTrace("makeProgram", null);
  const outer = parent.newBinder(vector);
  const inner = new RecordingTrace("linearize", parent);
  const binder = inner.newBinder(vector);
  const [known, mixed] = runUnder(inner, () => [sin(outer), mul(sin(outer), binder)]);
  assertEquals(inner.finish([mixed]).equations.length, 1);
  assertEquals(parent.finish([known]).equations.length, 1);
});

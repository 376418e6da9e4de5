import {
  add,
  addAt,
  arange,
  argmax,
  argmin,
  ArgumentError,
  astype,
  avgPool,
  AxisError,
  broadcastTo,
  concatenate,
  conv,
  convTranspose,
  cumsum,
  diag,
  DtypeError,
  einsum,
  evalShape,
  exp,
  expandDims,
  eye,
  full,
  gather,
  grad,
  index,
  IndexError,
  jacrev,
  jit,
  jvp,
  linspace,
  makeProgram,
  matmul,
  max,
  maxPool,
  mean,
  models,
  moveaxis,
  mul,
  neg,
  nn,
  noGrad,
  nonzero,
  norm,
  oneHot,
  ones,
  optim,
  outer,
  pad,
  prod,
  random,
  rankdata,
  repeat,
  reshape,
  roll,
  scatterAdd,
  set,
  ShapeError,
  sin,
  sort,
  split,
  square,
  squeeze,
  stack,
  stopGradient,
  sum,
  swapaxes,
  take,
  takeAlongAxis,
  tensor,
  TensorType,
  tile,
  topK,
  TraceError,
  transpose,
  tree,
  TreeError,
  unique,
  valueAndGrad,
  variance,
  vjp,
  vmap,
  where,
  zeros,
} from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { withSmallMemory } from "./fuzz/small_memory.ts";
import * as api from "../mod.ts";
import { assertTensorsClose } from "../src/testing/mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "./support/std.ts";

// Common mistakes of users, in representative functions: each call either works or throws an error that
// names the mistake. The fuzz test calls all other functions.

/** A value whose static type is deliberately wrong. */
// deno-lint-ignore no-explicit-any
const wrong = (value?: unknown): any => value;

const matrix = tensor([[1, 2, 3], [4, 5, 6]]);

/** A call, the class of its error, and the whole message. */
type Case = readonly [
  call: () => unknown,
  // deno-lint-ignore no-explicit-any
  type: abstract new (...args: any[]) => Error,
  message: string,
];

function refuseAll(cases: readonly Case[]): void {
  for (const [call, type, message] of cases) assertRefused(call, type, message);
}

/** An object that contains itself. */
function cyclic(): { a: number } {
  const inner: { a: number; b?: unknown } = { a: 1 };
  inner.b = { c: [inner] };
  return inner;
}

/** An array of holes that claims to be longer than memory is large. */
function holes(): never[] {
  const array: never[] = [];
  array.length = 2 ** 32 - 1;
  return array;
}

Deno.test("ragged nested arrays are refused at the place where they differ", () => {
  const ragged = (name: string, place: string) =>
    `Cannot ${name}: the nested array is ragged: ${place}`;
  refuseAll([
    [
      () => tensor([[1, 2], [3]]),
      ShapeError,
      ragged("make a tensor", "expected an array of 2 at [1], got an array of 1"),
    ],
    [
      () => tensor([[1], 2]),
      ShapeError,
      ragged("make a tensor", "expected an array of 1 at [1], got 2"),
    ],
    [
      () => tensor([1, [2]]),
      ShapeError,
      ragged("make a tensor", "expected a number at [1], got an array of 1"),
    ],
    [
      () => tensor([[[1, 2]], [[3], [4]]]),
      ShapeError,
      ragged("make a tensor", "expected an array of 1 at [1], got an array of 2"),
    ],
    [
      () => mul(1, [[[]], [1]]),
      ShapeError,
      ragged("multiply", "expected an array of 0 at [1][0], got 1"),
    ],
    [
      () => add(matrix, [[1, 2, 3], [4, 5]]),
      ShapeError,
      ragged("add", "expected an array of 3 at [1], got an array of 2"),
    ],
  ]);
});

Deno.test("nested arrays of anything but numbers and booleans are refused", () => {
  const expected = "Cannot make a tensor: expected a number or boolean at";
  refuseAll([
    [() => tensor(wrong([1, "2"])), ArgumentError, `${expected} [1], got "2"`],
    [() => tensor(wrong([[1, undefined]])), ArgumentError, `${expected} [0][1], got undefined`],
    // deno-lint-ignore no-sparse-arrays
    [() => tensor(wrong([1, , 3])), ArgumentError, `${expected} [1], got undefined`],
    [() => tensor(wrong([null])), ArgumentError, `${expected} [0], got null`],
    [
      () => tensor(wrong([1n])),
      ArgumentError,
      `${expected} [0], got 1n; use Number(x) to convert it`,
    ],
    [
      () => tensor(wrong([matrix])),
      ArgumentError,
      `${expected} [0], got a tensor; use stack to join tensors`,
    ],
  ]);
});

Deno.test("nested arrays without end are refused", () => {
  const endless: unknown[] = [];
  endless.push(endless);
  const later: unknown[] = [1];
  later.push(later);
  refuseAll([
    [
      () => tensor(wrong(endless)),
      ShapeError,
      "Cannot make a tensor: the array is nested deeper than 64 levels",
    ],
    [
      () => tensor(wrong(later)),
      ShapeError,
      "Cannot make a tensor: the nested array is ragged: expected a number at [1], " +
      "got an array of 2",
    ],
    [
      () => tensor(holes()),
      ShapeError,
      "Cannot make a tensor: shape [4294967295] has 4294967295 elements, at most 2147483647 fit",
    ],
  ]);
});

Deno.test("what is no tensor is refused, with advice for what is often passed by mistake", () => {
  const expected = "expected a tensor, number, boolean, nested array or typed array, got";
  refuseAll([
    [() => sum(wrong()), ArgumentError, `Cannot sum: ${expected} undefined`],
    [() => nn.relu(wrong("x")), ArgumentError, `Cannot apply relu: ${expected} "x"`],
    [() => add(1, wrong(null)), ArgumentError, `Cannot add: ${expected} null`],
    [() => matrix.add(wrong("1")), ArgumentError, `Cannot add: ${expected} "1"`],
    [() => matmul(matrix, wrong({})), ArgumentError, `Cannot multiply: ${expected} object`],
    [() => exp(wrong(new Map())), ArgumentError, `Cannot take the exponential: ${expected} Map`],
    [
      () => where(wrong(Symbol("s")), 1, 2),
      ArgumentError,
      `Cannot choose: ${expected} Symbol(s)`,
    ],
    [
      () => sin(wrong(Promise.resolve(1))),
      ArgumentError,
      `Cannot take the sine: ${expected} Promise; await it first`,
    ],
    [
      () => sin(wrong(1n)),
      ArgumentError,
      `Cannot take the sine: ${expected} 1n; use Number(x) to convert it`,
    ],
    [
      () => sin(wrong(() => 1)),
      ArgumentError,
      `Cannot take the sine: ${expected} function (anonymous); call it first`,
    ],
  ]);
});

Deno.test("options that are misspelt, of the wrong type or no options are refused", () => {
  refuseAll([
    [
      () => sum(matrix, 0, wrong({ keepDims: true })),
      ArgumentError,
      'Cannot sum: there is no option "keepDims", the options are keepdims',
    ],
    [
      () => sum(matrix, 0, wrong({ keepdims: "no" })),
      ArgumentError,
      'Cannot sum: keepdims must be true or false, got "no"',
    ],
    [
      () => sort(matrix, 0, wrong(true)),
      ArgumentError,
      "Cannot sort: expected options such as { descending }, got true",
    ],
    [
      () => grad(square, wrong({ argnum: 1 })),
      ArgumentError,
      'Cannot apply grad: there is no option "argnum", the options are argnums, hasAux, holomorphic',
    ],
    [
      () => grad(square, wrong(1)),
      ArgumentError,
      "Cannot apply grad: expected options such as { argnums }, got 1",
    ],
    [
      () => vmap(sin, 0, 0, wrong({ axisname: "i" })),
      ArgumentError,
      'Cannot apply vmap: there is no option "axisname", the options are axisName, axisSize',
    ],
    [
      () => jit(sin, wrong({ staticArgnums: [, 1] })),
      ArgumentError,
      "Cannot apply jit with staticArgnums [, 1]: expected positions of arguments, counted from 0, or from the end if negative",
    ],
    [
      () => nn.linear(2, 2, wrong({ biass: false })),
      ArgumentError,
      'Cannot make a linear layer: there is no option "biass", ' +
      "the options are bias, weightInit, biasInit, dtype, computeDtype",
    ],
    [
      () => nn.linear(2, 2, wrong({ weightInit: 1 })),
      ArgumentError,
      "Cannot make a linear layer with weightInit 1: " +
      "expected an initializer such as nn.initializers.zeros",
    ],
    [
      () => models.resnet18(wrong({ numClasses: 10 })),
      ArgumentError,
      'Cannot make a residual network: there is no option "numClasses", ' +
      "the options are classes, channels, dtype, computeDtype",
    ],
    [
      () => optim.sgd(0.1, wrong({ momentun: 0.9 })),
      ArgumentError,
      'Cannot make sgd: there is no option "momentun", ' +
      "the options are momentum, dampening, nesterov, weightDecay, maximize",
    ],
  ]);
});

Deno.test("dtypes that an operation does not take are refused", () => {
  refuseAll([
    [
      () => astype(matrix, wrong("float8")),
      DtypeError,
      'Cannot use "float8" as a dtype: expected one of bool, int8, uint8, int16, uint16, int32, ' +
      "uint32, float16, bfloat16, float32, float64, complex64, complex128",
    ],
    [
      () => tensor([1.5], { dtype: "int32" }),
      DtypeError,
      "Cannot make a tensor: 1.5 at [0] is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
    ],
    [
      () => neg([true]),
      DtypeError,
      "Cannot negate bool[1]: expected numbers; use logicalNot, or convert with astype",
    ],
    [
      () => take([1, 2], tensor([0])),
      DtypeError,
      "Cannot take from float32[2] with float32[1] as indices: expected an integer dtype; " +
      'convert with astype("int32")',
    ],
    [
      () => index(matrix, tensor(0.5)),
      DtypeError,
      "Cannot index float32[2,3] with float32[] on axis 0: expected an integer dtype; " +
      'convert with astype("int32")',
    ],
    [
      () => set(tensor([1, 2], { dtype: "int32" }), [0], tensor(0.5)),
      DtypeError,
      "Cannot set in int32[2]: float32[] does not fit int32; convert one of them with astype",
    ],
    [
      () => maxPool(tensor([[[true]]]), 1),
      DtypeError,
      "Cannot pool bool[1,1,1]: expected numbers; convert with astype",
    ],
    [
      () => nn.embedding(2, 2).apply({ weight: ones([2, 2]) }, {}, tensor([0])),
      DtypeError,
      "Cannot apply embedding to float32[1]: expected integers; convert with astype",
    ],
    [
      () => random.normal(random.key(0), [2], { dtype: "int32" }),
      DtypeError,
      'Cannot draw normal numbers of dtype "int32": expected a floating-point dtype',
    ],
    [
      () => grad(square)(tensor(1, { dtype: "int32" })),
      DtypeError,
      "Cannot take grad by argument 0: int32[] at the root is not floating-point; " +
      "convert it with astype",
    ],
    [
      () => grad((x) => x.astype("int32"))(1),
      DtypeError,
      "Cannot take grad of a function that returns int32[]: " +
      "expected a floating-point scalar; convert with astype",
    ],
  ]);
});

Deno.test("axes that are NaN, fractions or no numbers are refused", () => {
  refuseAll([
    [
      () => sum(matrix, NaN),
      AxisError,
      "Cannot sum float32[2,3]: expected an integer axis, got NaN",
    ],
    [
      () => sum(matrix, 0.5),
      AxisError,
      "Cannot sum float32[2,3]: expected an integer axis, got 0.5",
    ],
    [
      () => mean(matrix, wrong("0")),
      AxisError,
      'Cannot take the mean of float32[2,3]: expected an integer axis, got "0"',
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => max(matrix, wrong([0, , 1])),
      AxisError,
      "Cannot take the max of float32[2,3]: expected an integer axis, got undefined",
    ],
    [
      () => argmax(matrix, NaN),
      AxisError,
      "Cannot take the argmax of float32[2,3]: expected an integer axis, got NaN",
    ],
    [
      () => nn.softmax(matrix, NaN),
      AxisError,
      "Cannot apply softmax: expected an integer axis, got NaN",
    ],
    [
      () => concatenate([matrix, matrix], NaN),
      AxisError,
      "Cannot concatenate float32[2,3]: expected an integer axis, got NaN",
    ],
    [
      () => transpose(matrix, [0, NaN]),
      AxisError,
      "Cannot transpose float32[2,3]: expected an integer axis, got NaN",
    ],
    [
      () => sort(matrix, Infinity),
      AxisError,
      "Cannot sort float32[2,3]: expected an integer axis, got Infinity",
    ],
    [
      () => cumsum(matrix, wrong()),
      AxisError,
      "Cannot take running sums of float32[2,3]: expected an integer axis, got undefined",
    ],
    [
      () => vmap(sin, NaN)(matrix),
      AxisError,
      "Cannot vmap over float32[2,3] at argument 0: expected an integer axis, got NaN",
    ],
    [
      () => vmap(sin, 0, NaN)(matrix),
      AxisError,
      "Cannot put the mapped axis of float32[3] at the root: expected an integer axis, got NaN",
    ],
  ]);
});

Deno.test("axes out of range are refused with the range", () => {
  refuseAll([
    [
      () => sum(matrix, 2),
      AxisError,
      "Cannot sum float32[2,3]: axis 2 is out of range, expected -2 to 1",
    ],
    [
      () => variance(matrix, -3),
      AxisError,
      "Cannot take the variance of float32[2,3]: axis -3 is out of range, expected -2 to 1",
    ],
    [
      () => norm(1, 1),
      AxisError,
      "Cannot take the norm of float32[]: axis 1 is out of range, a scalar has no axes",
    ],
    [
      () => sum(matrix, [0, -2]),
      AxisError,
      "Cannot sum float32[2,3]: axis 0 is named twice in [0, -2]",
    ],
    [
      () => sum(matrix, new Array(100).fill(0).map((_, i) => i)),
      AxisError,
      "Cannot sum float32[2,3]: axis 2 is out of range, expected -2 to 1",
    ],
    [
      () => sum(matrix, holes()),
      AxisError,
      "Cannot sum float32[2,3]: expected an integer axis, got undefined",
    ],
    [
      () => expandDims(matrix, 3),
      AxisError,
      "Cannot add axes to float32[2,3]: axis 3 is out of range, expected -3 to 2",
    ],
    [
      () => swapaxes(matrix, 0, 2),
      AxisError,
      "Cannot swap axes of float32[2,3]: axis 2 is out of range, expected -2 to 1",
    ],
    [
      () => moveaxis(matrix, [0, 1], [0, 2]),
      AxisError,
      "Cannot move axes of float32[2,3]: axis 2 is out of range, expected -2 to 1",
    ],
    [
      () => squeeze(matrix, 0),
      ShapeError,
      "Cannot squeeze float32[2,3]: axis 0 has length 2, expected 1",
    ],
    [
      () => stack([matrix, matrix], 3),
      AxisError,
      "Cannot stack float32[2,3]: axis 3 is out of range, expected -3 to 2",
    ],
    [
      () => vmap(sin, 2)(matrix),
      AxisError,
      "Cannot vmap over float32[2,3] at argument 0: axis 2 is out of range, expected -2 to 1",
    ],
    [
      () => vmap(sin)(1),
      AxisError,
      "Cannot vmap over float32[] at argument 0: axis 0 is out of range, a scalar has no axes",
    ],
  ]);
});

Deno.test("indices out of range are refused with the range", () => {
  const far = tensor([0, 2], { dtype: "int32" });
  refuseAll([
    [
      () => index(matrix, 2),
      IndexError,
      "Cannot index float32[2,3] with 2 on axis 0: expected -2 to 1",
    ],
    [
      () => matrix.at(0, -4),
      IndexError,
      "Cannot index float32[2,3] with -4 on axis 1: expected -3 to 2",
    ],
    [
      () => index(matrix, 0, 0, 0),
      IndexError,
      "Cannot index float32[2,3] with 3 entries: it has 2 axes",
    ],
    [
      () => index(matrix, NaN),
      IndexError,
      "Cannot index float32[2,3] with NaN on axis 0: expected an integer",
    ],
    [
      () => index(zeros([0]), 0),
      IndexError,
      "Cannot index float32[0] with 0 on axis 0: the axis is empty",
    ],
    [
      () => set(matrix, [5], 0),
      IndexError,
      "Cannot index float32[2,3] with 5 on axis 0: expected -2 to 1",
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => set(matrix, wrong([, 0]), 1),
      IndexError,
      "Cannot index float32[2,3] with undefined on axis 0: " +
      'expected an integer, a slice, null, "...", newAxis or a tensor of integers or booleans',
    ],
    [
      () => addAt(matrix, [null, 3], 1),
      IndexError,
      "Cannot index float32[2,3] with 3 on axis 1: expected -3 to 2",
    ],
    [
      () => take(matrix, [0, 6]),
      IndexError,
      "Cannot take from float32[6] with 6 on axis 0: expected -6 to 5",
    ],
    [
      () => takeAlongAxis(matrix, [[0], [3]], 1),
      IndexError,
      "Cannot take from float32[2,3] with 3 on axis 1: expected -3 to 2",
    ],
    [
      () => gather(matrix, [[2, 0, 0]], 0),
      IndexError,
      "Cannot gather from float32[2,3] with 2 on axis 0: expected -2 to 1",
    ],
    [
      () => scatterAdd(matrix, [[2, 0, 0]], [[1, 1, 1]], 0),
      IndexError,
      "Cannot scatter to float32[2,3] with 2 on axis 0: expected -2 to 1",
    ],
    [
      () => topK(matrix, 4),
      ArgumentError,
      "Cannot take the top of float32[2,3]: k must be an integer from 0 to 3, " +
      "the length of axis 1, got 4",
    ],
    [
      () => nn.nllLoss([[0, 0]], tensor([2], { dtype: "int32" })),
      IndexError,
      "Cannot compute nllLoss: class index 2 at [0] is out of range for 2 classes; " +
      "ignoreIndex is -100",
    ],
    // If they are not known while the function is traced, they are checked when they are.
    [
      () => vmap((i: Tensor) => take([1, 2], i))(far),
      IndexError,
      "Cannot take from float32[2] with 2 on axis 0: expected -2 to 1",
    ],
    [
      () => jit((i: Tensor) => take([1, 2], i))(far),
      IndexError,
      "Cannot take from float32[2] with 2 on axis 0: expected -2 to 1",
    ],
  ]);
});

Deno.test("shapes with holes, fractions, negative lengths or other things in them are refused", () => {
  const axis = (name: string, place: number, got: string) =>
    `Cannot ${name}: axis ${place} must be a non-negative integer, got ${got}`;
  refuseAll([
    // deno-lint-ignore no-sparse-arrays
    [() => zeros(wrong([2, , 3])), ShapeError, axis("make zeros", 1, "a hole")],
    [() => zeros(holes()), ShapeError, axis("make zeros", 0, "a hole")],
    [() => ones([0.5]), ShapeError, axis("make ones", 0, "0.5")],
    [() => zeros(-1), ShapeError, axis("make zeros", 0, "-1")],
    [() => zeros(wrong(["2"])), ShapeError, axis("make zeros", 0, '"2"')],
    [() => full([NaN], 1), ShapeError, axis("fill a tensor", 0, "NaN")],
    [
      // deno-lint-ignore no-sparse-arrays
      () => reshape(matrix, wrong([2, , 3])),
      ShapeError,
      axis("reshape float32[2,3]", 1, "a hole"),
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => broadcastTo(matrix, wrong([3, , 3])),
      ShapeError,
      axis("broadcast float32[2,3]", 1, "a hole"),
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => random.normal(random.key(0), wrong([1, , 2])),
      ShapeError,
      axis("draw normal numbers", 1, "a hole"),
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => new TensorType("float32", wrong([1, , 2])),
      ShapeError,
      axis("make a tensor type", 1, "a hole"),
    ],
    [
      () => zeros(wrong()),
      ShapeError,
      "Cannot make zeros: expected a shape such as [2, 3], got undefined",
    ],
    [
      () => zeros(wrong({ length: 1 })),
      ShapeError,
      "Cannot make zeros: expected a shape such as [2, 3], got object",
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => pad(matrix, wrong([, [1, 1]])),
      ArgumentError,
      "Cannot pad float32[2,3]: expected widths such as [[before, after], ...], got undefined",
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => tile(matrix, wrong([2, , 1])),
      ArgumentError,
      "Cannot tile float32[2,3]: expected a number of repetitions, got undefined",
    ],
    [
      // deno-lint-ignore no-sparse-arrays
      () => conv(zeros([1, 1, 3]), zeros([1, 1, 2]), { stride: wrong([,]) }),
      ArgumentError,
      "Cannot convolve float32[1,1,3] by float32[1,1,2]: " +
      "expected a stride of integers, got undefined",
    ],
  ]);
  // A negative zero is a zero.
  assertEquals(Object.is(zeros([-0, 3]).shape[0], 0), true);
  assertEquals(Object.is(eye(-0, 2).shape[0], 0), true);
});

Deno.test("huge shapes are refused before anything is allocated", () => {
  const long = 2 ** 20;
  const most = "at most 2147483647 fit";
  const square = `shape [${long},${long}] has 1099511627776 elements, ${most}`;
  const cases: readonly Case[] = [
    [
      () => zeros([1e9, 1e9]),
      ShapeError,
      `Cannot make zeros: shape [1000000000,1000000000] has 1000000000000000000 elements, ${most}`,
    ],
    [
      () => zeros(new Array(100).fill(1)),
      ShapeError,
      "Cannot make zeros: expected at most 64 axes, got 100",
    ],
    [
      () => full([65536, 65536], 1),
      ShapeError,
      `Cannot fill a tensor: shape [65536,65536] has 4294967296 elements, ${most}`,
    ],
    [
      () => reshape(zeros([2]), [2 ** 31]),
      ShapeError,
      `Cannot reshape float32[2]: shape [2147483648] has 2147483648 elements, ${most}`,
    ],
    [
      () => broadcastTo(1, [2 ** 16, 2 ** 16]),
      ShapeError,
      `Cannot broadcast float32[]: shape [65536,65536] has 4294967296 elements, ${most}`,
    ],
    [
      () => tile(ones(2), 2 ** 31),
      ShapeError,
      `Cannot tile float32[2]: shape [4294967296] has 4294967296 elements, ${most}`,
    ],
    [
      () => repeat(ones(2), 2 ** 30),
      ShapeError,
      `Cannot repeat float32[2]: shape [2147483648] has 2147483648 elements, ${most}`,
    ],
    [
      () => pad(ones(2), 2 ** 31),
      ShapeError,
      `Cannot pad float32[2]: shape [4294967298] has 4294967298 elements, ${most}`,
    ],
    [() => add(zeros([long, 1]), zeros([long])), ShapeError, `Cannot add: ${square}`],
    [
      () => outer(zeros(long), zeros(long)),
      ShapeError,
      `Cannot contract float32[${long}] with float32[${long}]: ${square}`,
    ],
    [
      () => einsum("i,j->ij", zeros(long), zeros(long)),
      ShapeError,
      `Cannot contract float32[${long}] with float32[${long}]: ${square}`,
    ],
    [
      () => oneHot(zeros(long, { dtype: "int32" }), long),
      ShapeError,
      `Cannot encode int32[${long}] as one-hot: ${square}`,
    ],
    [() => eye(long), ShapeError, `Cannot make an identity matrix: ${square}`],
    [
      () => diag(zeros(long)),
      ShapeError,
      `Cannot put float32[${long}] on diagonal 0: ${square}`,
    ],
    [
      () => arange(1e12),
      ShapeError,
      `Cannot make a range: from 0 to 1000000000000 by 1 are 1000000000000 numbers, ${most}`,
    ],
    [
      () => unique([1, 2], { size: 2 ** 53 - 1 }),
      ShapeError,
      `Cannot find the different elements of float32[2]: shape [${2 ** 53 - 1}] has ` +
      `${2 ** 53 - 1} elements, ${most}`,
    ],
    [
      () => nonzero([1, 2], { size: 2 ** 31 }),
      ShapeError,
      `Cannot find the nonzero elements of float32[2]: shape [${2 ** 31}] has ${
        2 ** 31
      } elements, ${most}`,
    ],
    [
      () => nn.stack(nn.linear(2, 2), 2 ** 40),
      ArgumentError,
      "Cannot stack 1099511627776 layers: expected at most 1048576",
    ],
    [
      () => arange(2 ** 31 - 1),
      ShapeError,
      "Cannot allocate float64[2147483647]: its 17179869176 bytes are more than the 4294967296 " +
      "that one tensor may take",
    ],
    [
      () => linspace(0, 1, 2 ** 31),
      ShapeError,
      "Cannot make evenly spaced numbers: shape [2147483648] has 2147483648 elements, " + most,
    ],
    [
      () => random.uniform(random.key(0), [long, long]),
      ShapeError,
      `Cannot draw uniform numbers: ${square}`,
    ],
    [() => nn.linear(long, long), ShapeError, `Cannot compute fans: ${square}`],
    [
      () => jacrev(sin)(zeros(long)),
      ShapeError,
      `Cannot allocate float32[${long},${long}]: ${square}`,
    ],
    [
      () => vmap((x: Tensor) => add(x, zeros(long)))(zeros(long)),
      ShapeError,
      `Cannot broadcast float32[${long}]: ${square}`,
    ],
    [
      () => expandDims(zeros(new Array(64).fill(1)), 0),
      ShapeError,
      "Cannot make a tensor: expected at most 64 axes, got 65",
    ],
    [
      () => avgPool(ones([1, 1, 2]), 1, { padding: 2 ** 40 }),
      ShapeError,
      "Cannot pool float32[1,1,2]: shape [1,1,2199023255554] has 2199023255554 elements, " + most,
    ],
    [
      () => convTranspose(ones([1, 1, 2]), ones([1, 1, 2]), { stride: 2 ** 31 }),
      ShapeError,
      "Cannot convolve float32[1,1,2] by the transpose of float32[1,1,2]: " +
      `shape [1,1,2147483650] has 2147483650 elements, ${most}`,
    ],
    [
      () => maxPool(zeros([1, 1, 4]), 2, { padding: 2 ** 30 }),
      ShapeError,
      "Cannot pool float32[1,1,4]: window 0 along axis 2 lies entirely in padding",
    ],
    [
      () => nn.adaptiveAvgPool2d(2 ** 30).apply({}, {}, zeros([1, 1, 3, 3])),
      ShapeError,
      "Cannot pool float32[1,1,3,3] into 1073741824 regions: " +
      `shape [1,1,1073741824,3] has 3221225472 elements, ${most}`,
    ],
    [
      () => zeros([2 ** 30]).toArray(),
      ShapeError,
      "Cannot make nested arrays of float32[1073741824]: at most 134217728 entries fit; " +
      "read its data instead",
    ],
    [
      () => zeros([2 ** 30, 0]).toArray(),
      ShapeError,
      "Cannot make nested arrays of float32[1073741824,0]: at most 134217728 entries fit; " +
      "read its data instead",
    ],
    [
      () => split(zeros(2 ** 30), 2 ** 30),
      ShapeError,
      "Cannot split float32[1073741824] along axis 0 into 1073741824 parts: " +
      "at most 1048576 fit into a list",
    ],
  ];
  withSmallMemory(2 ** 31, (memory) => {
    for (const [call, type, message] of cases) {
      memory.largest = 0;
      assertRefused(call, type, message);
      assert(memory.largest <= 16, `${message}: ${memory.largest} elements were allocated`);
    }
  });
});

Deno.test("what does not fit in memory is refused", () => {
  withSmallMemory(1000, () => {
    refuseAll([
      [
        () => arange(1100),
        ShapeError,
        "Cannot allocate float32[1100]: its 4400 bytes do not fit in memory",
      ],
      [
        () => matmul(arange(100).reshape([100, 1]), arange(100).reshape([1, 100])),
        ShapeError,
        "Cannot allocate float32[100,100]: its 40000 bytes do not fit in memory",
      ],
      [
        () => grad((x: Tensor) => x.matmul(x.transpose()).sum())(arange(500).reshape([100, 5])),
        ShapeError,
        "Cannot allocate float32[100,100]: its 40000 bytes do not fit in memory",
      ],
    ]);
  });
});

Deno.test("constants of any shape cost nothing", () => {
  withSmallMemory(2 ** 31, (memory) => {
    const huge = zeros([2 ** 10, 2 ** 20]);
    const results: readonly [Tensor, number][] = [
      [huge.add(1).mul(3).sum(), 3 * 2 ** 30],
      [sum(mean(sin(huge), 0)), 0],
      // Rounded once, like a sum of exact terms.
      [sum(full([2 ** 30], 0.1, { dtype: "float64" })), 0.1 * 2 ** 30],
      [prod(ones([2 ** 30])), 1],
      [prod(full([2 ** 30], -1)), 1],
      [prod(full([2 ** 30 + 1], 0.5)), 0],
      [max(transpose(huge).reshape([-1])), 0],
      [index(broadcastTo(tensor(7), [2 ** 30]), -1), 7],
      [sum(vmap((x: Tensor) => x.sum())(ones([4, 2 ** 28]))), 2 ** 30],
      [sum(grad((x: Tensor) => x.mul(2).sum())(huge)), 2 ** 31],
    ];
    for (const [result, expected] of results) assertEquals(result.item(), expected);
    assert(memory.largest <= 16, `${memory.largest} elements were allocated`);
  });
});

Deno.test("trees that contain themselves are refused wherever trees are taken", () => {
  const message = "Cannot flatten a tree that contains itself, at .b.c[0]";
  const inList = "Cannot flatten a tree that contains itself, at [0].b.c[0]";
  const read = (p: { a: number }) => tensor(p.a);
  refuseAll([
    [() => tree.leaves(cyclic()), TreeError, message],
    [() => tree.map((x) => x, cyclic()), TreeError, message],
    [() => tree.merge(cyclic(), null), TreeError, message],
    [() => grad(wrong(read))(wrong(cyclic())), TreeError, message],
    [() => grad(wrong(cyclic))(1), TreeError, message],
    [() => grad((x) => [x, cyclic()], { hasAux: true })(1), TreeError, message],
    [() => vmap(wrong(read))(wrong(cyclic())), TreeError, inList],
    [() => jvp(wrong(read), [wrong(cyclic())], [cyclic()]), TreeError, inList],
    [() => vjp(wrong(read), wrong(cyclic())), TreeError, inList],
    [() => jit(wrong(read))(wrong(cyclic())), TreeError, inList],
    [() => makeProgram(read)(cyclic()), TreeError, inList],
    [() => stopGradient(cyclic()), TreeError, message],
    [() => noGrad(() => cyclic())(), TreeError, message],
    [() => nn.toStateDict(cyclic()), TreeError, message],
    [() => optim.adam(0.1).init(cyclic()), TreeError, message],
    [() => optim.applyUpdates(cyclic(), cyclic()), TreeError, message],
    [() => optim.globalNorm(cyclic()), TreeError, message],
    [
      () => tree.leaves(holes()),
      TreeError,
      "Cannot flatten a tree with an array of 4294967295: at most 16777216 fit; " +
      "hold numbers in tensors",
    ],
  ]);
});

Deno.test("trees that hold one part twice are no cycles", () => {
  const shared = { a: tensor(2) };
  const gradient = grad((p: { x: typeof shared; y: typeof shared }) => p.x.a.mul(p.y.a))({
    x: shared,
    y: shared,
  });
  assertEquals([gradient.x.a.item(), gradient.y.a.item()], [2, 2]);
});

Deno.test("tensors without elements go through functions that need none", () => {
  const none = zeros([0, 3]);
  const cases: readonly [actual: Tensor, shape: readonly number[], elements: readonly number[]][] =
    [
      [sum(none), [], [0]],
      [sum(none, 0), [3], [0, 0, 0]],
      [prod(none, 0), [3], [1, 1, 1]],
      [mean(none), [], [NaN]],
      [max(none, 1), [0], []],
      [norm(none), [], [0]],
      [sin(none), [0, 3], []],
      [add(none, 1), [0, 3], []],
      [add(none, ones([1, 3])), [0, 3], []],
      [matmul(zeros([2, 0]), none), [2, 3], [0, 0, 0, 0, 0, 0]],
      [matmul(none, zeros([3, 0])), [0, 0], []],
      [einsum("ij->j", none), [3], [0, 0, 0]],
      [concatenate([none, ones([1, 3])]), [1, 3], [1, 1, 1]],
      [stack([none, none]), [2, 0, 3], []],
      [sort(none, 0), [0, 3], []],
      [cumsum(none, 0), [0, 3], []],
      [nn.softmax(none), [0, 3], []],
      [nn.softmax(none, 0), [0, 3], []],
      [nn.sparsemax(none, 0), [0, 3], []],
      [rankdata([]), [0], []],
      [rankdata(none, 0), [0, 3], []],
      [transpose(none), [3, 0], []],
      [reshape(none, [3, 0, 7]), [3, 0, 7], []],
      [roll(none, 1), [0, 3], []],
      [index(none, null, 1), [0], []],
      [take(none, tensor([], { dtype: "int32" }), 0), [0, 3], []],
      [set(none, [null, 0], 5), [0, 3], []],
      [pad(none, 1), [2, 5], new Array(10).fill(0)],
      [where(none, 1, 2), [0, 3], []],
      [conv(zeros([0, 1, 3]), ones([1, 1, 2])), [0, 1, 2], []],
      [avgPool(zeros([0, 1, 4]), 2), [0, 1, 2], []],
      [random.normal(random.key(0), [0, 2]), [0, 2], []],
      [grad((x: Tensor) => x.square().sum())(none), [0, 3], []],
      [vmap((x: Tensor) => x.sum())(none), [0], []],
      [jit((x: Tensor) => x.add(1))(none), [0, 3], []],
    ];
  for (const [actual, shape, elements] of cases) {
    assertEquals([actual.shape, [...actual.data()]], [shape, elements]);
  }
  const nothing = "expected at least one element to choose from, current number is 0";
  refuseAll([
    [
      () => max(none),
      ShapeError,
      `Cannot take the max of float32[0,3] over axes [0,1]: ${nothing}`,
    ],
    [
      () => argmin(none, 0),
      ShapeError,
      `Cannot take the argmin of float32[0,3] over axis 0: ${nothing}`,
    ],
    [
      () => reshape(none, [-1, 0]),
      ShapeError,
      "Cannot reshape float32[0,3] to [-1,0]: -1 could be any length, since another is 0; " +
      "write it out",
    ],
    [
      () => random.categorical(random.key(0), zeros([0])),
      ShapeError,
      "Cannot draw categories from float32[0]: axis 0 has no categories",
    ],
  ]);
});

Deno.test("tensors without axes go through functions that need none", () => {
  const one = tensor(2);
  const cases: readonly [actual: Tensor, shape: readonly number[], elements: readonly number[]][] =
    [
      [sum(one), [], [2]],
      [max(one, []), [], [2]],
      [argmax(one), [], [0]],
      [norm(one), [], [2]],
      [transpose(one), [], [2]],
      [squeeze(one), [], [2]],
      [index(one), [], [2]],
      [index(one, "..."), [], [2]],
      [set(one, [], 5), [], [5]],
      [take(one, 0), [], [2]],
      [reshape(one, [1, 1]), [1, 1], [2]],
      [expandDims(one, 0), [1], [2]],
      [stack([one, one]), [2], [2, 2]],
      [tile(one, 2), [2], [2, 2]],
      [outer(one, one), [1, 1], [4]],
      [einsum(",->", one, one), [], [4]],
      [where(true, one, 3), [], [2]],
      [oneHot(1, 3), [3], [0, 1, 0]],
      [grad(square)(one), [], [4]],
      [jit(square)(one), [], [4]],
      [random.uniform(random.key(0), [], { minval: 2, maxval: 2 }), [], [2]],
    ];
  for (const [actual, shape, elements] of cases) {
    assertEquals([actual.shape, [...actual.data()]], [shape, elements]);
  }
  const none = "axis 0 is out of range, a scalar has no axes";
  refuseAll([
    [
      () => cumsum(one, 1),
      AxisError,
      "Cannot take running sums of float32[]: axis 1 is out of range, a scalar has no axes",
    ],
    [() => split(one, 1), AxisError, `Cannot split float32[]: ${none}`],
    [
      () => matmul(one, matrix),
      ShapeError,
      "Cannot multiply float32[] by float32[2,3]: a matrix product needs axes on both sides; " +
      "use mul for scalars",
    ],
    [
      () => concatenate([one, one]),
      ShapeError,
      "Cannot concatenate float32[]: a scalar has no axes; use stack",
    ],
  ]);
});

Deno.test("what a user's function throws comes through, and leaves nothing half done", () => {
  const thrown = new Error("mine");
  const fail = (_x?: Tensor): never => {
    throw thrown;
  };
  const calls: readonly (() => unknown)[] = [
    () => grad(fail)(1),
    () => valueAndGrad(fail)(1),
    () => vjp(fail, 1),
    () => jvp(fail, [1], [1]),
    () => vmap(fail)(tensor([1, 2])),
    () => jit(fail)(tensor(1)),
    () => makeProgram(fail)(1),
    () => evalShape(fail)(1),
    () => noGrad(fail)(),
    () => grad((x) => wrong(vmap((y: Tensor) => jit(fail)(y.mul(x)))(tensor([1, 2]))))(1),
    () => tree.map(fail, [tensor(1)]),
    () => nn.sequential(fail).apply([{}], [{}], matrix),
  ];
  for (const call of calls) {
    let caught: unknown;
    try {
      call();
    } catch (error) {
      caught = error;
    }
    assertStrictEquals(caught, thrown);
    // Plain evaluation continues: nothing is recorded, batched or differentiated any more.
    assertEquals(square(3).item(), 9);
  }
});

Deno.test("traced values that have left their transform are refused", () => {
  let escaped: Tensor = tensor(0);
  grad((x) => (escaped = x))(1);
  assertRefused(
    () => escaped.add(1),
    TraceError,
    "Cannot use float32[] in add: it was traced by grad, which has ended; " +
      "return values from the function instead of storing them outside it",
  );
});

Deno.test("no message breaks off before what it would name", () => {
  const places = { "": api, ...api } as unknown as Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >;
  const names = ["", "fft", "image", "linalg", "nn", "random", "signal", "special"];
  const broken = names.flatMap((place) =>
    Object.entries(places[place]).flatMap(([name, value]) => {
      if (typeof value !== "function" || /^[A-Z]/.test(name) || name === "devices") return [];
      try {
        value("a", "b", "c");
        return [];
      } catch (error) {
        const { message } = error as Error;
        return / (of|by|to|for|from|in|between|with|and): /.test(message) ? [message] : [];
      }
    })
  );
  assertEquals(broken, []);
});

Deno.test("searches and comparisons meet numbers that narrow integers cannot hold", () => {
  const lists = [[-1, 100, 300], [0, 2 ** 31, 2 ** 32 - 1], [-(2 ** 33), 5, 2 ** 33], [
    -0.5,
    1,
    9e9,
  ]];
  const calls: Readonly<Record<string, (x: Tensor, list: number[] | Tensor) => Tensor>> = {
    interp: (x, list) => api.interp(x, list, [0, 1, 3]),
    digitize: (x, list) => api.digitize(x, list),
    searchsorted: (x, list) => api.searchsorted(list, x),
    isin: (x, list) => api.isin(x, list),
    isclose: (x, list) => api.isclose(x, list),
    allclose: (x, list) => api.allclose(x, list),
  };
  for (const dtype of ["uint8", "int8", "uint16", "int32", "uint32"] as const) {
    const x = tensor([1, 100, 5], { dtype });
    for (const list of lists) {
      for (const [name, call] of Object.entries(calls)) {
        const exact = call(x.astype("float64"), tensor(list, { dtype: "float64" }));
        const message = `${name} of ${dtype} by [${list}]`;
        const wide = (x: Tensor) => x.dtype === "float32" ? x.astype("float64") : x;
        const tolerance = { rtol: 1e-6, message };
        assertTensorsClose(wide(call(x, list)), exact, tolerance);
        assertTensorsClose(wide(jit((x: Tensor) => call(x, list))(x)), exact, tolerance);
      }
    }
    assertTensorsClose(
      api.polyval([300, -1], x).astype("float64"),
      tensor([299, 29999, 1499], { dtype: "float64" }),
    );
  }
  assertRefused(
    () => add(tensor([1], { dtype: "uint8" }), 300),
    DtypeError,
    "Cannot add uint8 and 300: uint8 holds integers from 0 to 255; convert the tensor with astype",
  );
});

Deno.test("edges of bins that are known to fall are refused", () => {
  const falling = "expected edges in ascending order, got 3 before 2";
  refuseAll([
    [
      () => api.histogram([1, 2], [3, 2, 1]),
      ArgumentError,
      `Cannot make a histogram by float32[3]: ${falling}`,
    ],
    [
      () => api.histogramdd([[1, 2]], [2, [0, 3, 2]]),
      ArgumentError,
      `Cannot make a histogram by float32[3]: ${falling}`,
    ],
    [
      () => api.histogramBinEdges([1], [0, NaN, 1]),
      ArgumentError,
      "Cannot make bins by float32[3]: expected edges in ascending order, got 0 before NaN",
    ],
  ]);
  assertEquals(api.histogram([1, 2], [1, 1, 2])[0].toArray(), [0, 2]);
});

Deno.test("a complex number as an argument is told from a tree of two numbers", () => {
  const z = { re: 3, im: 4 };
  const message =
    "Cannot take the absolute value: expected a tensor, number, boolean, nested array " +
    "or typed array, got object; as an argument { re, im } is a tree of two tensors: " +
    "pass tensor({ re, im }), or join them with complex(re, im)";
  const absolute = (x: unknown) => api.abs(wrong(x));
  for (const call of [jit(absolute), grad(absolute as never)]) {
    assertRefused(() => wrong(call)(z), ArgumentError, message);
  }
  assertEquals(
    jit(({ re, im }: Record<string, Tensor>) => api.abs(api.complex(re, im)))(wrong(z)).item(),
    5,
  );
  assertEquals(jit(absolute)(tensor(z)).item(), 5);
});

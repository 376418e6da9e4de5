import * as jacobi from "../mod.ts";
import { assertRefused } from "./support/errors.ts";
import { assertEquals } from "./support/std.ts";

// What goes wrong most often, with the whole message that it gives.

const {
  AxisError,
  ArgumentError,
  DtypeError,
  IndexError,
  ShapeError,
  TreeError,
  arange,
  concatenate,
  conv,
  full,
  grad,
  index,
  matmul,
  max,
  mean,
  ones,
  reshape,
  sum,
  take,
  tensor,
  tree,
  vmap,
  zeros,
} = jacobi;

/** A value that the types forbid. */
// deno-lint-ignore no-explicit-any
function wrong(value: unknown): any {
  return value;
}

type Case = readonly [
  call: () => unknown,
  type: new (message: string) => Error,
  message: string,
];

function refuse(name: string, cases: readonly Case[]): void {
  Deno.test(name, () => {
    for (const [call, type, message] of cases) assertRefused(call, type, message);
  });
}

// deno-lint-ignore no-sparse-arrays
const holes = [1, , 3];
const cyclicList: unknown[] = [1];
cyclicList.push(cyclicList);
const cyclicTree: Record<string, unknown> = { a: 1 };
cyclicTree.b = cyclicTree;

refuse("ragged and foreign nested arrays are refused with the place", [
  [
    () => tensor([[1, 2], [3]]),
    ShapeError,
    "Cannot make a tensor: the nested array is ragged: expected an array of 2 at [1], " +
    "got an array of 1",
  ],
  [
    () => tensor([[1, 2], 3]),
    ShapeError,
    "Cannot make a tensor: the nested array is ragged: expected an array of 2 at [1], got 3",
  ],
  [
    () => tensor(wrong(holes)),
    ArgumentError,
    "Cannot make a tensor: expected a number or boolean at [1], got undefined",
  ],
  [
    () => tensor(wrong([1, "2"])),
    ArgumentError,
    'Cannot make a tensor: expected a number or boolean at [1], got "2"',
  ],
  [
    () => tensor(wrong(cyclicList)),
    ShapeError,
    "Cannot make a tensor: the nested array is ragged: expected a number at [1], " +
    "got an array of 2",
  ],
]);

refuse("wrong dtypes are refused", [
  [
    () => tensor([1.5], { dtype: "int32" }),
    DtypeError,
    "Cannot make a tensor: 1.5 at [0] is not an integer from -2147483648 to 2147483647, " +
    "as int32 needs; convert with astype or choose another dtype",
  ],
  [
    () => tensor([1], { dtype: wrong("float16") }),
    DtypeError,
    'Cannot use "float16" as a dtype: expected one of bool, int32, uint32, float32, float64',
  ],
]);

refuse("axes that are none, or out of range, are refused", [
  [
    () => sum(ones([2]), NaN),
    AxisError,
    "Cannot sum float32[2]: expected an integer axis, got NaN",
  ],
  [
    () => sum(ones([2]), 1),
    AxisError,
    "Cannot sum float32[2]: axis 1 is out of range, expected -1 to 0",
  ],
  [
    () => sum(ones([2, 3]), [0, 0]),
    AxisError,
    "Cannot sum float32[2,3]: axis 0 is named twice in [0, 0]",
  ],
]);

refuse("indices that are none, or out of range, are refused", [
  [
    () => index(ones([3]), 5),
    IndexError,
    "Cannot index float32[3] with 5 on axis 0: expected -3 to 2",
  ],
  [
    () => index(ones([3]), 0.5),
    IndexError,
    "Cannot index float32[3] with 0.5 on axis 0: expected an integer",
  ],
  [
    () => take(ones([3]), tensor([3], { dtype: "int32" })),
    IndexError,
    "Cannot take from float32[3] with 3 on axis 0: expected -3 to 2",
  ],
]);

refuse("shapes with holes, NaN, negative or huge lengths are refused before any allocation", [
  [
    // deno-lint-ignore no-sparse-arrays
    () => zeros(wrong([2, , 3])),
    ShapeError,
    "Cannot make zeros: axis 1 must be a non-negative integer, got a hole",
  ],
  [
    () => zeros([2, NaN]),
    ShapeError,
    "Cannot make zeros: axis 1 must be a non-negative integer, got NaN",
  ],
  [
    () => zeros([-1]),
    ShapeError,
    "Cannot make zeros: axis 0 must be a non-negative integer, got -1",
  ],
  [
    () => zeros([1e9, 1e9]),
    ShapeError,
    "Cannot make zeros: shape [1000000000,1000000000] has 1000000000000000000 elements, " +
    "at most 2147483647 fit",
  ],
  [
    () => zeros(new Array(100).fill(1)),
    ShapeError,
    "Cannot make zeros: expected at most 64 axes, got 100",
  ],
  [
    () => full([2 ** 31], 0),
    ShapeError,
    "Cannot fill a tensor: shape [2147483648] has 2147483648 elements, at most 2147483647 fit",
  ],
  [
    () => arange(2 ** 31 - 1),
    ShapeError,
    "Cannot allocate float64[2147483647]: its 17179869176 bytes are more than the 4294967296 that " +
    "one tensor may take",
  ],
  [
    () => reshape(ones([4]), [3, -1]),
    ShapeError,
    "Cannot reshape float32[4] to [3,-1]: its size 4 is not a multiple of 3",
  ],
]);

refuse("trees that contain themselves are refused with the place", [
  [
    () => grad((p: { a: jacobi.Tensor }) => p.a)(wrong(cyclicTree)),
    TreeError,
    "Cannot flatten a tree that contains itself, at .b",
  ],
  [
    () => tree.map((x: unknown) => x, cyclicTree),
    TreeError,
    "Cannot flatten a tree that contains itself, at .b",
  ],
]);

refuse("what is no tensor is refused, with a hint where there is one", [
  [
    () => sum(wrong(null)),
    ArgumentError,
    "Cannot sum: expected a tensor, number, boolean, nested array or typed array, got null",
  ],
  [
    () => jacobi.add(1, wrong(Promise.resolve(1))),
    ArgumentError,
    "Cannot add: expected a tensor, number, boolean, nested array or typed array, got Promise; " +
    "await it first",
  ],
  [
    () => jacobi.add(wrong(10n), 1),
    ArgumentError,
    "Cannot add: expected a tensor, number, boolean, nested array or typed array, got 10n; " +
    "use Number(x) to convert it",
  ],
]);

refuse("windows and lists that leave nothing to compute are refused", [
  [
    () => conv(ones([1, 1, 3]), ones([1, 1, 5])),
    ShapeError,
    "Cannot convolve float32[1,1,3] by float32[1,1,5]: the window spans 5 positions of axis 2, " +
    "which has 3 with padding",
  ],
  [
    () => concatenate([]),
    ShapeError,
    "Cannot concatenate an empty list: expected at least one tensor",
  ],
  [
    () => max(zeros([0])),
    ShapeError,
    "Cannot take the max of float32[0] over axis 0: expected at least one element to choose from, " +
    "current number is 0",
  ],
]);

Deno.test("zero-size and zero-rank tensors work wherever there is something to give", () => {
  assertEquals(sum(zeros([0, 3]), 0).toArray(), [0, 0, 0]);
  assertEquals(mean(zeros([0])).item(), NaN);
  assertEquals(matmul(zeros([2, 0]), zeros([0, 3])).toArray(), [[0, 0, 0], [0, 0, 0]]);
  assertEquals(grad((x) => x.sum())(zeros([0])).shape, [0]);
  assertEquals(vmap((x) => x.sum())(zeros([0, 3])).shape, [0]);
  assertEquals(sum(tensor(3)).item(), 3);
  assertEquals(grad((x) => x.square())(tensor(3)).item(), 6);
  assertEquals(reshape(tensor(3), [1, 1]).toArray(), [[3]]);
  assertEquals(index(tensor(3)).item(), 3);
});

Deno.test("everything works after an error", () => {
  for (let i = 0; i < 3; i++) {
    assertRefused(
      () => grad(vmap((x) => x.reshape([7])))(ones([2, 3])),
      ShapeError,
      "Cannot reshape float32[3] to [7]: the sizes are 3 and 7",
    );
    assertEquals(grad((x) => x.square().sum())(tensor([1, 2])).toArray(), [2, 4]);
  }
});

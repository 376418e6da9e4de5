import fc from "fast-check";
import { complex, ones, tensor } from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { grad, vmap } from "../../src/transforms/mod.ts";
import * as tree from "../../src/tree/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { ArgumentError, ShapeError, TreeError } from "../../src/base/errors.ts";
import { assertEquals, assertType } from "../support/std.ts";
import type { IsExact } from "../support/std.ts";

interface Params {
  readonly w: Tensor;
  readonly b: readonly Tensor[];
}

const dtype = "float64";
const x: Params = { w: tensor([[1, 2], [3, 4]], { dtype }), b: [tensor(5, { dtype })] };
const y: Params = { w: tensor([[0, -1], [2, 1]], { dtype }), b: [tensor(3, { dtype })] };
const exact = { rtol: 0, atol: 0 };

Deno.test("ravel and unravel are each other's inverse", () => {
  const [vector, unravel] = tree.ravel(x);
  assertTensorsClose(vector, tensor([5, 1, 2, 3, 4], { dtype }), exact);
  const back = unravel(vector);
  assertType<IsExact<typeof back, Params>>(true);
  assertTensorsClose(back, x, exact);
  const [mixed, apart] = tree.ravel({ n: 2, i: tensor([1, 2], { dtype: "int32" }), e: ones([0]) });
  assertEquals([mixed.dtype, mixed.shape], ["float32", [3]]);
  const parts = apart(mixed);
  assertEquals(parts.i.dtype, "int32");
  assertType<IsExact<typeof parts.n, Tensor>>(true);
  assertEquals(tree.ravel({ a: null, b: [] })[0].shape, [0]);
  assertEquals(tree.ravel({ a: null, b: [] })[1](ones([0])), { a: null, b: [] });
  assertRefused(
    () => unravel(ones([4])),
    ShapeError,
    "Cannot unravel a vector float32[4]: expected shape [5]",
  );
  const loss = (p: Params) => p.w.square().sum().add(p.b[0].pow(3));
  const slope = grad((v: Tensor) => loss(unravel(v)))(vector);
  assertTensorsClose(slope, tree.ravel(grad(loss)(x))[0], exact);
});

Deno.test("sums, norms and products of trees are those of their vectors", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 3,
      }),
      (lists) => {
        const a = lists.map((list) => tensor(list, { dtype }));
        const b = a.map((leaf) => leaf.sub(2));
        const [v, unravel] = tree.ravel(a);
        const [u] = tree.ravel(b);
        assertTensorsClose(tree.sum(a), v.sum());
        for (const ord of [1, 2, 3, Infinity]) {
          assertTensorsClose(tree.norm(a, { ord }), v.norm(null, { ord }));
        }
        assertTensorsClose(tree.dot(a, b), v.dot(u));
        assertTensorsClose(tree.axpy(0.5, a, b), unravel(v.mul(0.5).add(u)));
        assertTensorsClose(tree.zerosLike(a), unravel(v.mul(0)), exact);
      },
    ),
    { seed: 1 },
  );
  const z = [complex(tensor([1]), tensor([2]))];
  assertTensorsClose(tree.dot(z, z), complex(5, 0));
  assertEquals([tree.sum({}), tree.norm([]), tree.dot(null, null)].map(Number), [0, 0, 0]);
  assertEquals(tree.norm({ i: tensor([3, 4], { dtype: "int32" }) }).item(), 5);
});

Deno.test("vectors of trees are differentiable, compile and map over batches", () => {
  const f = (x: Params, y: Params) =>
    tree.norm(tree.axpy(tree.sum(x), x, y)).add(tree.dot(x, y)).mul(
      tree.ravel(y)[0].square().sum(),
    );
  checkGrads(f, [x, y], { order: 2 });
  assertTensorsClose(jit(f)(x, y), f(x, y));
  const two = tree.map(
    (leaf) => leaf.mul(tensor([1, 2], { dtype }).reshape([2, ...leaf.shape.map(() => 1)])),
    x,
  );
  const each = [1, 2].map((factor) => f(tree.map((leaf) => leaf.mul(factor), x), y).item());
  assertTensorsClose(vmap(f, [0, null])(two, y), tensor(each, { dtype }));
  assertTensorsClose(
    grad((z: Params) => tree.norm(z))(tree.zerosLike(x)),
    tree.zerosLike(x),
    exact,
  );
});

Deno.test("transpose turns trees inside out, broadcast fills them", () => {
  const points = [{ x: 1, y: [2] }, { x: 3, y: [4] }, { x: 5, y: [6] }];
  const [outer, inner] = [tree.structure([0, 0, 0]), tree.structure(points[0])];
  const lists = tree.transpose(outer, inner, points);
  assertEquals(lists, { x: [1, 3, 5], y: [[2, 4, 6]] });
  assertEquals(tree.transpose(inner, outer, lists), points);
  assertRefused(
    () => tree.transpose(outer, inner, points.slice(1)),
    TreeError,
    "Cannot transpose this tree: expected an array of 3 at the root, got an array of 2",
  );
  assertEquals(tree.broadcast({ a: 1, b: [2, null] }, { a: [0, { c: 0 }], b: [0, null] }), {
    a: [1, { c: 1 }],
    b: [2, null],
  });
  assertEquals(tree.all({ a: true, b: [1, "x"] }), true);
  assertEquals(tree.all([true, null, [false]]), false);
  assertEquals(tree.all([]), true);
  assertRefused(
    () => tree.all([ones([])]),
    TreeError,
    "Cannot tell whether tensors are true: take their values by item or toArray",
  );
});

Deno.test("trees that do not fit each other are refused", () => {
  assertRefused(
    () => tree.dot(x, { ...x, w: ones([2]) }),
    ShapeError,
    "Cannot multiply these trees: float64[2,2] and float32[2] at .w: expected equal shapes",
  );
  assertRefused(
    () => tree.axpy(ones([2]), x, y),
    ShapeError,
    "Cannot add trees with alpha float32[2]: expected a scalar",
  );
  assertRefused(
    () => tree.norm(x, { ord: 0 }),
    ArgumentError,
    "Cannot take the norm of a tree with ord 0: expected a number above 0, or infinity",
  );
  assertRefused(
    () => tree.sum({ a: "x" }),
    TreeError,
    'Cannot sum a tree: expected a tensor or number at .a, got "x"',
  );
});

import fc from "fast-check";
import { assert, assertEquals, assertStrictEquals, assertType } from "./support/std.ts";
import type { IsExact } from "./support/std.ts";
import { assertRefused } from "./support/errors.ts";
import { ArgumentError, TreeError } from "../src/base/errors.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { ones, tensor, zeros } from "../src/functions/mod.ts";
import { assertTensorsClose } from "../src/testing/mod.ts";
import { grad, makeProgram } from "../src/transforms/mod.ts";
import * as tree from "../src/tree.ts";
import type { Tree } from "../src/tree.ts";

Deno.test("map applies a function to every leaf and keeps the nodes", () => {
  const source = { b: [1, 2] as const, a: { c: 3 }, n: null };
  const mapped = tree.map((x) => String(10 * x), source);
  assertEquals(mapped, { b: ["10", "20"], a: { c: "30" }, n: null });
  assertType<
    IsExact<typeof mapped, { b: readonly [string, string]; a: { c: string }; n: null }>
  >(true);
  assertEquals(Object.keys(mapped), ["b", "a", "n"]);
  assertEquals(tree.map((x: number) => x + 1, 1), 2);
  assertEquals(source, { b: [1, 2], a: { c: 3 }, n: null });
});

Deno.test("map takes further trees, which may go on where the first has a leaf", () => {
  const sums = tree.map((x, y, z) => x + y + z, { a: 1, b: [2] }, { a: 10, b: [20] }, {
    b: [200],
    a: 100,
  });
  assertEquals(sums, { a: 111, b: [222] });
  const parts = tree.map((x, part: unknown) => [x, part] as const, [1, 2], [{ m: 3 }, null]);
  assertEquals(parts, [[1, { m: 3 }], [2, null]]);
});

Deno.test("map names the first place where trees differ", () => {
  assertRefused(
    () => tree.map((x) => x, { a: [1, 2] }, { a: [1] }),
    TreeError,
    "Cannot map these trees: expected an array of 2 at .a, got an array of 1",
  );
  assertRefused(
    () => tree.map((x) => x, { a: 1, b: 2 }, { a: 1 }),
    TreeError,
    "Cannot map these trees: .b is missing",
  );
  assertRefused(
    () => tree.map({ a: 1 } as unknown as () => 1, {}),
    ArgumentError,
    "Cannot apply tree.map: expected a function first, got object",
  );
});

Deno.test("mapWithPath gives paths with dots", () => {
  const named = tree.mapWithPath((path, x, y) => `${path}=${x}${y}`, { l: [{ w: 1 }], b: 2 }, {
    l: [{ w: "a" }],
    b: "b",
  });
  assertEquals(named, { l: [{ w: "l.0.w=1a" }], b: "b=2b" });
  assertEquals(tree.mapWithPath((path) => path, 5), "");
});

Deno.test("leaves, paths, structure and flatten visit keys in sorted order", () => {
  const value = { z: 1, a: [2, { y: 3, b: 4 }], n: null, e: {} };
  assertEquals(tree.leaves(value), [2, 4, 3, 1]);
  assertEquals(tree.paths(value), ["a.0", "a.1.b", "a.1.y", "z"]);
  const { leaves, structure } = tree.flatten(value);
  assertEquals(leaves, [2, 4, 3, 1]);
  assertEquals(tree.unflatten(structure, leaves), value);
  assertEquals(tree.unflatten(tree.structure([0, null]), ["x"]), ["x", null]);
  assertRefused(
    () => tree.unflatten(structure, [1]),
    TreeError,
    "Cannot fill a tree of 4 leaves with 1 values",
  );
  assertRefused(
    () => tree.unflatten({ kind: "array" } as never, []),
    TreeError,
    "Cannot fill object: expected what tree.flatten or tree.structure gave",
  );
});

Deno.test("tensors, functions, strings, dates and typed arrays are leaves", () => {
  const leaves = [ones([2]), () => 1, "s", new Date(0), new Float32Array(2), undefined];
  assertEquals(tree.leaves(leaves) as unknown[], leaves);
});

Deno.test("reduce combines from the first leaf to the last", () => {
  assertEquals(tree.reduce((text, x) => text + x, { b: "2", a: ["0", "1"] }, ">"), ">012");
  assertEquals(tree.reduce((sum, x: number) => sum + x, null, 7), 7);
});

Deno.test("partition leaves null in the place of the other part's leaves", () => {
  const params = { body: [{ w: 1, b: 2 }], head: { w: 3 }, none: null };
  const [chosen, rest] = tree.partition(params, (path, leaf) => path.endsWith("w") && leaf > 1);
  assertEquals(chosen, { body: [{ w: null, b: null }], head: { w: 3 }, none: null });
  assertEquals(rest, { body: [{ w: 1, b: 2 }], head: { w: null }, none: null });
  assertType<IsExact<typeof rest.head, { w: number | null }>>(true);
  const merged = tree.merge(chosen, rest);
  assertEquals(merged, params);
  assertType<IsExact<typeof merged, typeof params>>(true);
});

Deno.test("merge takes holes for leaves and for whole subtrees, of any number of trees", () => {
  const merged = tree.merge({ a: null, b: null, c: 3 }, { a: [1, 2], b: null, c: null }, {
    a: null,
    b: { x: 4 },
    c: null,
  });
  assertEquals(merged, { a: [1, 2], b: { x: 4 }, c: 3 });
  assertType<IsExact<typeof merged, { a: number[]; b: { x: number }; c: number }>>(true);
  const x = ones([2]);
  assertStrictEquals(tree.merge(x), x);
  assertEquals(tree.merge(null, null), null);
  assertEquals(tree.merge({}, {}), {});
});

Deno.test("merge names the path where two trees have a value, or differ", () => {
  assertRefused(
    () => tree.merge({ l: [{ w: 1 }] }, { l: [{ w: 2 }] }),
    TreeError,
    "Cannot merge trees: more than one has a value at .l[0].w",
  );
  assertRefused(
    () => tree.merge({ a: 1 }, { a: { b: 2 } }),
    TreeError,
    "Cannot merge trees: more than one has a value at .a",
  );
  assertRefused(
    () => tree.merge({ a: { b: 1, c: null } }, { a: { b: null } }),
    TreeError,
    "Cannot merge trees: .a.c is missing",
  );
  assertRefused(
    () => tree.merge({ a: [null] }, { a: [null, 1] }),
    TreeError,
    "Cannot merge trees: expected an array of 1 at .a, got an array of 2",
  );
  assertRefused(
    () => tree.merge(),
    ArgumentError,
    "Cannot merge no trees: expected at least one",
  );
});

Deno.test("merge puts back what partition divided, for any tree and any choice", () => {
  const { trees } = fc.letrec<{ trees: unknown; node: unknown }>((tie) => ({
    trees: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.constant(null), tie("node")),
    node: fc.oneof(
      fc.array(tie("trees"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c", "layer 1"), tie("trees"), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(trees, fc.func(fc.boolean()), (value, choose) => {
      const [chosen, rest] = tree.partition(value, (path) => choose(path));
      assertEquals(tree.merge(chosen, rest), value);
      assertEquals(tree.merge(rest, chosen), value);
      const count = tree.leaves(chosen).length + tree.leaves(rest).length;
      assertEquals(count, tree.leaves(value).length);
    }),
    { seed: 1 },
  );
});

Deno.test("a transform takes a partition, and computes nothing for the rest", () => {
  const params = { body: tensor([2, 3]), head: tensor([4, 5]) };
  const loss = (p: typeof params) => p.body.mul(p.head).sum();
  const [head, frozen] = tree.partition(params, (path) => path === "head");
  const gradient = grad((chosen: typeof head) => loss(tree.merge(chosen, frozen)));
  assertTensorsClose(gradient(head).head, [2, 3]);
  assertEquals(tree.leaves(gradient(head)).length, 1);
  const { equations } = makeProgram(gradient)(head);
  const whole = makeProgram(grad(loss))(params).equations;
  assert(equations.length < whole.length, `${equations.length} < ${whole.length}`);
});

Deno.test("a registered class is a node, for transforms too", () => {
  class Linear {
    readonly weight: Tensor;
    readonly bias: Tensor;
    readonly name: string;

    constructor(weight: Tensor, bias: Tensor, name: string) {
      this.weight = weight;
      this.bias = bias;
      this.name = name;
    }
  }
  tree.register(Linear, {
    flatten: ({ weight, bias, name }) => [[weight, bias], name],
    unflatten: ([weight, bias], name) => new Linear(weight as Tensor, bias as Tensor, name),
  });
  const layer = new Linear(tensor(2), tensor(3), "first");
  assertEquals(tree.paths({ layer }), ["layer.0", "layer.1"]);
  const gradient = grad((l: Linear) => l.weight.mul(l.bias))(layer) as unknown as Linear;
  assert(gradient instanceof Linear);
  assertEquals(gradient.name, "first");
  assertTensorsClose(gradient.weight, 3);
  assertRefused(
    () => tree.map((x) => x, [layer] as unknown, [new Linear(zeros([]), zeros([]), "other")]),
    TreeError,
    'Cannot map these trees: expected a Linear with "first" at [0], got one with "other"',
  );
});

Deno.test("register refuses what is no class and rules that are missing", () => {
  const rules = { flatten: () => [[], null] as const, unflatten: () => ({}) };
  assertRefused(
    () => tree.register("Linear" as unknown as typeof Date, rules as never),
    TreeError,
    'Cannot register "Linear" as a tree node: expected a class',
  );
  assertRefused(
    () => tree.register(class Point {}, { flatten: rules.flatten } as never),
    ArgumentError,
    "Cannot register a class: expected a function unflatten, got undefined",
  );
  class Bare {}
  tree.register(Bare, { flatten: () => [1] as never, unflatten: () => new Bare() });
  assertRefused(
    () => tree.leaves(new Bare()),
    TreeError,
    "Cannot flatten a Bare: its rule must give [children, data], got [1]",
  );
});

Deno.test("parameterCount counts elements", () => {
  const params = { w: zeros([10, 20]), b: [zeros([10]), 1, true], s: "x", a: new Float64Array(4) };
  assertEquals(tree.parameterCount(params), 216);
  assertEquals(tree.parameterCount(null), 0);
});

Deno.test("trees that contain themselves are refused", () => {
  const endless: { next?: unknown } = {};
  endless.next = endless;
  const message = "Cannot flatten a tree that contains itself, at .next";
  const uses = [
    () => tree.map((x) => x, endless as unknown),
    () => tree.leaves(endless as unknown),
    () => tree.paths(endless),
    () => tree.structure(endless),
    () => tree.partition(endless as unknown, () => true),
    () => tree.merge(endless as unknown, endless as unknown),
    () => tree.parameterCount(endless),
  ];
  for (const use of uses) assertRefused(use, TreeError, message);
});

Deno.test("types follow trees through, those that contain themselves included", () => {
  type Params = { layers: { weight: Tensor; bias?: Tensor }[]; rate: number };
  const params: Params = { layers: [{ weight: ones([1]) }], rate: 1 };
  const kinds = tree.map((x): string => typeof x, params);
  assertType<
    IsExact<typeof kinds, { layers: { weight: string; bias?: string }[]; rate: string }>
  >(true);
  const [chosen, rest] = tree.partition(params, (path, leaf) => path !== "" && leaf !== 0);
  const merged = tree.merge(chosen, rest);
  assertType<IsExact<typeof merged, Params>>(true);
  type Nested = { [key: string]: Nested | Tensor };
  const nested: Nested = tree.map((x) => x.add(1), { a: { b: ones([1]) } } as Nested);
  const whole: Tree<Tensor> = tree.merge(
    ...tree.partition([ones([1]), [ones([2])]] as Tree<Tensor>, (_path, x) => x.size > 1),
  );
  const sizes: Tree<number> = tree.map((x) => x.size, whole);
  assertEquals(sizes, [1, [2]]);
  assertTensorsClose(tree.leaves(nested)[0], [2]);
});

Deno.test("functions of leaves may say what they take, and trees keep their types", () => {
  const params = { w: tensor(1), layers: [tensor([2, 3])] };
  const doubled: typeof params = tree.map((leaf: Tensor) => leaf.mul(2), params);
  const summed: typeof params = tree.map((a: Tensor, b: Tensor) => a.add(b), params, doubled);
  const named = tree.mapWithPath((path: string, leaf: Tensor) => `${path}${leaf.shape}`, params);
  assertEquals(tree.reduce((n: number, leaf: Tensor) => n + leaf.sum().item(), summed, 0), 18);
  assertEquals(named, { w: "w", layers: ["layers.02"] });
  const [vectors] = tree.partition(params, (_path: string, leaf: Tensor) => leaf.ndim > 0);
  assertEquals(vectors.w, null);
});

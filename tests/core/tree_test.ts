import { TreeError } from "../../src/base/errors.ts";
import {
  broadcastPrefix,
  checkSameStructure,
  dottedPath,
  firstDifference,
  flatten,
  flattenUpTo,
  leafCount,
  leafPaths,
  registerNode,
  sameStructure,
  showPath,
  unflatten,
} from "../../src/core/tree.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertStrictEquals } from "../support/std.ts";

/** A class that takes part in trees, with a name as static data. */
class Pair {
  readonly left: unknown;
  readonly right: unknown;
  readonly name: string;

  constructor(left: unknown, right: unknown, name: string) {
    this.left = left;
    this.right = right;
    this.name = name;
  }
}
registerNode({
  type: Pair,
  flatten: (value) => {
    const { left, right, name } = value as Pair;
    return [[left, right], name];
  },
  unflatten: ([left, right], name) => new Pair(left, right, name as string),
});

/** A class that does not. */
class Opaque {}

function structureOf(tree: unknown) {
  return flatten(tree).structure;
}

Deno.test("leaves come depth first, object keys sorted", () => {
  const tree = { b: [1, [2, 3]], a: { z: 4, c: 5 }, _: null };
  assertEquals(flatten(tree).leaves, [5, 4, 1, 2, 3]);
  assertEquals(leafCount(structureOf(tree)), 5);
  assertEquals(leafPaths(structureOf(tree)).map(showPath), [
    ".a.c",
    ".a.z",
    ".b[0]",
    ".b[1][0]",
    ".b[1][1]",
  ]);
});

Deno.test("putting a tree together undoes taking it apart", () => {
  const opaque = new Opaque();
  const trees: unknown[] = [
    1,
    null,
    undefined,
    [],
    {},
    [[], {}, null],
    { a: [1, { b: 2 }], c: null },
    [undefined, "text", true, opaque, new Float32Array(1)],
    { __proto__: null, a: 1 },
    { ["__proto__"]: 1, constructor: 2 },
  ];
  for (const tree of trees) {
    const { leaves, structure } = flatten(tree);
    assertEquals(unflatten(structure, leaves), tree);
  }
});

Deno.test("keys are visited sorted and come back in the order that they had", () => {
  const { leaves, structure } = flatten({ weight: 1, bias: 2, "10": 3, "9": 4 });
  assertEquals(leaves, [3, 4, 2, 1]);
  const again = unflatten(structure, leaves) as Record<string, number>;
  assertEquals(Object.keys(again), ["9", "10", "weight", "bias"]);
  assert(sameStructure(structure, structureOf({ bias: 0, "9": 0, weight: 0, "10": 0 })));
});

Deno.test("a key named __proto__ is a key like any other", () => {
  const tree = JSON.parse('{"__proto__": {"polluted": 1}, "a": 2}');
  const { leaves, structure } = flatten(tree);
  const again = unflatten(structure, leaves) as Record<string, unknown>;
  assertEquals(Object.getPrototypeOf(again), Object.prototype);
  assertEquals(Object.keys(again), ["__proto__", "a"]);
  assertEquals(({} as Record<string, unknown>).polluted, undefined);
});

Deno.test("what is taken apart is not changed, and what is put together is fresh", () => {
  const tree = Object.freeze({ b: Object.freeze([1, 2]), a: 3 });
  const { leaves, structure } = flatten(tree);
  const again = unflatten(structure, leaves) as typeof tree;
  assert(again !== tree && again.b !== tree.b);
});

Deno.test("null has no leaf; undefined and unknown classes are leaves", () => {
  assertEquals(flatten([null, null]).leaves, []);
  assertEquals(flatten([undefined]).leaves, [undefined]);
  const opaque = new Opaque();
  const date = new Date(0);
  assertEquals(flatten({ opaque, date }).leaves, [date, opaque]);
});

Deno.test("holes are leaves too, so that none goes unseen", () => {
  // deno-lint-ignore no-sparse-arrays
  assertEquals(flatten([1, , 2]).leaves, [1, undefined, 2]);
});

Deno.test("a registered class is a node, with its static data kept and compared", () => {
  const tree = { pair: new Pair(1, [2, 3], "first") };
  const { leaves, structure } = flatten(tree);
  assertEquals(leaves, [1, 2, 3]);
  const doubled = unflatten(structure, [10, 20, 30]) as typeof tree;
  assert(doubled.pair instanceof Pair);
  assertEquals([doubled.pair.left, doubled.pair.right, doubled.pair.name], [10, [20, 30], "first"]);
  assertEquals(
    firstDifference(structure, structureOf({ pair: new Pair(1, [2, 3], "second") })),
    'expected a Pair with "first" at .pair, got one with "second"',
  );
  assertRefused(
    () => registerNode({ type: 3 as never, flatten: () => [[], 0], unflatten: () => 0 }),
    TreeError,
    "Cannot register 3 as a tree node: expected a class",
  );
});

Deno.test("a cyclic tree is refused with the place where it closes", () => {
  const object: Record<string, unknown> = { x: 1 };
  object.self = { inner: object };
  assertRefused(
    () => flatten(object),
    TreeError,
    "Cannot flatten a tree that contains itself, at .self.inner",
  );
  const array: unknown[] = [];
  array.push([array]);
  assertRefused(
    () => flatten(array),
    TreeError,
    "Cannot flatten a tree that contains itself, at [0][0]",
  );
  const shared = [1];
  assertEquals(flatten([shared, shared]).leaves, [1, 1]);
});

Deno.test("a tree deeper than any real one is refused", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 1001; i++) deep = [deep];
  assertRefused(
    () => flatten(deep),
    TreeError,
    `Cannot flatten a tree that is deeper than 1000 levels, at ${"[0]".repeat(12)}`,
  );
});

Deno.test("isLeaf stops at a node", () => {
  const { leaves, structure } = flatten<unknown>(
    [[1, 2], 3],
    (node) => Array.isArray(node) && node.length === 2 && node[0] === 1,
  );
  assertEquals(leaves, [[1, 2], 3]);
  assertEquals(leafCount(structure), 2);
});

Deno.test("the wrong number of leaves does not fill a tree", () => {
  assertRefused(
    () => unflatten(structureOf([1, [2]]), [1, 2, 3]),
    TreeError,
    "Cannot fill a tree of 2 leaves with 3 values",
  );
});

Deno.test("paths print as JavaScript would write them, and dotted", () => {
  assertEquals(showPath([]), "the root");
  assertEquals(showPath(["layers", 0, "weight"]), ".layers[0].weight");
  assertEquals(showPath([1, "a-b", "2"]), '[1]["a-b"]["2"]');
  assertEquals(dottedPath(["layers", 0, "weight"]), "layers.0.weight");
});

Deno.test("differences name the path of the first", () => {
  const cases: [unknown, unknown, string | null][] = [
    [[1, { a: 2 }], [3, { a: 4 }], null],
    [1, [1], "expected a leaf at the root, got an array of 1"],
    [[1, 2], [1, 2, 3], "expected an array of 2 at the root, got an array of 3"],
    [{ a: 1 }, [1], "expected an object with keys a at the root, got an array of 1"],
    [[1, [2, 3]], [1, [2, [3]]], "expected a leaf at [1][1], got an array of 1"],
    [{ a: 1, b: 2 }, { a: 1 }, ".b is missing"],
    [{ a: { b: 1 } }, { a: { b: 1, c: 2 } }, ".a.c is not expected"],
    [{ a: null }, { a: 1 }, "expected null at .a, got a leaf"],
    [{ a: 1 }, { a: null }, "expected a leaf at .a, got null"],
    [{}, { a: 1 }, ".a is not expected"],
    [[{}], [[]], "expected an object with keys (none) at [0], got an array of 0"],
    [new Pair(1, 2, "p"), [1, 2], "expected a Pair at the root, got an array of 2"],
  ];
  for (const [expected, actual, difference] of cases) {
    assertEquals(firstDifference(structureOf(expected), structureOf(actual)), difference);
    assertEquals(sameStructure(structureOf(expected), structureOf(actual)), difference === null);
  }
  assertRefused(
    () => checkSameStructure(structureOf({ a: 1 }), structureOf({ b: 1 }), "Cannot add trees"),
    TreeError,
    "Cannot add trees: .a is missing",
  );
});

Deno.test("a tree opened up to a structure gives what stands at its leaves", () => {
  const structure = structureOf({ a: 1, b: [2, 3], c: null });
  assertEquals(
    flattenUpTo(structure, { a: [1, 2], b: ["x", { y: 1 }], c: null }, "Cannot open"),
    [[1, 2], "x", { y: 1 }],
  );
  assertEquals(flattenUpTo(structure, { a: null, b: [null, 0], c: null }, "Cannot open"), [
    null,
    null,
    0,
  ]);
  const cases: [unknown, string][] = [
    [{ a: 1, b: [2], c: null }, "expected an array of 2 at .b, got an array of 1"],
    [{ a: 1, b: null, c: null }, "expected an array of 2 at .b, got null"],
    [{ a: 1, b: [2, 3] }, ".c is missing"],
    [{ a: 1, b: [2, 3], c: 4 }, "expected null at .c, got a leaf"],
    [[1], "expected an object with keys a, b, c at the root, got an array of 1"],
    [5, "expected an object with keys a, b, c at the root, got a leaf"],
    [undefined, "expected an object with keys a, b, c at the root, got a leaf"],
  ];
  for (const [tree, reason] of cases) {
    assertRefused(
      () => flattenUpTo(structure, tree, "Cannot open"),
      TreeError,
      `Cannot open: ${reason}`,
    );
  }
  const part = new Opaque();
  assertStrictEquals(flattenUpTo(structureOf(1), part, "Cannot open")[0], part);
});

Deno.test("a prefix stands for all leaves below its own", () => {
  const structure = structureOf([{ a: 1, b: [2, 3] }, 4, null]);
  const isNumber = (value: unknown) => typeof value === "number";
  const spread = (prefix: unknown) =>
    broadcastPrefix<number>(
      prefix,
      structure,
      isNumber as (value: unknown) => value is number,
      "Cannot map",
    );
  assertEquals(spread(7), [7, 7, 7, 7]);
  assertEquals(spread([1, 2, null]), [1, 1, 1, 2]);
  assertEquals(spread([{ a: 1, b: 2 }, 3, null]), [1, 2, 2, 3]);
  assertEquals(spread([{ a: 1, b: [2, 3] }, 4, 9]), [1, 2, 3, 4]);
  const cases: [unknown, string][] = [
    ["x", '"x" at the root does not fit an array of 3'],
    [[1, 2], "expected an array of 3 at the root, got an array of 2"],
    [[1, [2], null], "[2] at [1] does not fit a leaf"],
    [[{ a: 1 }, 2, null], "[0].b is missing"],
    [[{ a: 1, b: 1, c: 1 }, 2, null], "[0].c is not expected"],
    [[undefined, 2, null], "undefined at [0] does not fit an object with keys a, b"],
  ];
  for (const [prefix, reason] of cases) {
    assertRefused(
      () => spread(prefix),
      TreeError,
      `Cannot map: ${reason}`,
    );
  }
});

Deno.test("an object with symbol keys is refused, since no path could name them", () => {
  assertRefused(
    () => flatten({ a: 1, [Symbol.for("b")]: 2 }),
    TreeError,
    "Cannot flatten an object with the key Symbol(b): use string keys",
  );
});

import { encode, firstDataDifference, sameData, Snapshot } from "../../src/base/data.ts";
import { assert, assertEquals } from "../support/std.ts";

class Point {
  readonly x: number;

  constructor(x: number) {
    this.x = x;
  }
}

const point = new Point(1);
const key = { a: 1 };
function double(x: number): number {
  return 2 * x;
}

/** Makes values that all differ from each other, in new objects each time. */
function different(): readonly unknown[] {
  return [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    null,
    undefined,
    true,
    "",
    "0",
    "NaN",
    "null",
    0n,
    1n,
    Symbol.for("one"),
    Symbol.iterator,
    double,
    Math.sin,
    point,
    [],
    [0],
    [-0],
    [NaN],
    [null],
    [undefined],
    new Array(1),
    [[]],
    ["1,2"],
    ["1", "2"],
    [1, 2],
    [12],
    {},
    Object.create(null),
    { a: undefined },
    { a: null },
    { b: null },
    { a: 1, b: 2 },
    { b: 2, a: 1 },
    { a: { b: 2 } },
    { f: double },
    { f: Math.sin },
    { p: point },
    new Float32Array([0, 1]),
    new Float32Array([-0, 1]),
    new Float32Array([NaN, 1]),
    new Float64Array([0, 1]),
    new Uint8Array([0, 1]),
    new Uint8ClampedArray([0, 1]),
    new BigInt64Array([0n, 1n]),
    new Map(),
    new Map([["k", 2]]),
    new Map([["k", 3]]),
    new Map([["k", -0]]),
    new Map([[1, 2], [2, 1]]),
    new Map([[2, 1], [1, 2]]),
    new Map([[key, 1]]),
    new Set(),
    new Set(["k"]),
    new Set([key]),
    new Set(["k", 1]),
    new Date(1),
    new Date(2),
    new Date(NaN),
    "[]",
    "{}",
  ];
}

Deno.test("equal data is equal in other objects, and all else differs", () => {
  const [some, others] = [different(), different()];
  some.forEach((a, i) =>
    others.forEach((b, j) => {
      const what = `${i} ${encode(a)} and ${j} ${encode(b)}`;
      assertEquals(sameData(a, b), i === j, what);
      assertEquals(new Snapshot(a).matches(b), i === j, what);
      assertEquals(encode(a) === encode(b), i === j, what);
    })
  );
});

Deno.test("what is no plain data is compared by identity, anywhere in it", () => {
  const pairs: (readonly [unknown, unknown])[] = [
    [new Point(1), new Point(1)],
    [/a/, /a/],
    [() => 1, () => 1],
    [Symbol("a"), Symbol("a")],
    [new (class extends Float32Array {})(1), new (class extends Float32Array {})(1)],
    [new (class extends Map {})(), new (class extends Map {})()],
    [new Map([[{}, 1]]), new Map([[{}, 1]])],
    [new Set([[]]), new Set([[]])],
    [{ [Symbol.iterator]: 1 }, { [Symbol.iterator]: 1 }],
    [
      Object.defineProperty({}, "hidden", { value: 1 }),
      Object.defineProperty({}, "hidden", { value: 1 }),
    ],
    [Object.assign([1], { x: 1 }), Object.assign([1], { x: 1 })],
    [Object.assign([, 1], { x: 1 }), Object.assign([, 1], { x: 1 })],
    [Object.assign([1], { [Symbol.iterator]: 1 }), Object.assign([1], { [Symbol.iterator]: 1 })],
    [new WeakMap(), new WeakMap()],
    [new Error("a"), new Error("a")],
  ];
  for (const [a, b] of pairs) {
    for (const wrap of [(x: unknown) => x, (x: unknown) => [x], (x: unknown) => ({ x })]) {
      assert(sameData(wrap(a), wrap(a)));
      assert(!sameData(wrap(a), wrap(b)));
      assert(new Snapshot(wrap(a)).matches(wrap(a)));
      assert(!new Snapshot(wrap(a)).matches(wrap(b)));
    }
  }
});

Deno.test("a snapshot is what the data was, whatever becomes of it", () => {
  const changes: (readonly [unknown, (value: never) => void])[] = [
    [[1, 2], (list: number[]) => list[1] = 3],
    [[1, 2], (list: number[]) => list.push(3)],
    [{ a: { b: 1 } }, (record: { a: { b: number } }) => record.a.b = 2],
    [{ a: 1 }, (record: Record<string, number>) => record.b = 2],
    [new Float32Array(3), (list: Float32Array) => list[2] = -0],
    [new Map([["k", 2]]), (map: Map<string, number>) => map.set("k", 3)],
    [new Set([1]), (set: Set<number>) => set.add(2)],
    [new Date(1), (date: Date) => date.setTime(2)],
    [[new Map([["k", [1]]])], ([map]: Map<string, number[]>[]) => map.get("k")!.push(1)],
  ];
  for (const [value, change] of changes) {
    const before = encode(value);
    const snapshot = new Snapshot(value);
    assert(snapshot.matches(value), before);
    change(value as never);
    assert(!snapshot.matches(value), before);
    assertEquals(encode(snapshot.copy()), before);
  }
});

Deno.test("a copy of a snapshot is new each time, with the same functions and instances", () => {
  const snapshot = new Snapshot({ list: [1, , 3], f: double, p: point, __proto__: null });
  const [a, b] = [snapshot.copy(), snapshot.copy()] as { list: number[]; f: unknown; p: Point }[];
  assert(a !== b && a.list !== b.list && a.f === double && a.p === point);
  a.list[0] = 5;
  assertEquals(encode(b.list), "[1,empty,3]");
});

Deno.test("data beyond a limit, and data that contains itself, is compared by identity", () => {
  const list = [1, 2, 3, 4];
  assert(new Snapshot(list, 4).matches([1, 2, 3, 4]));
  assert(!new Snapshot(list, 3).matches([1, 2, 3, 4]));
  assert(new Snapshot(list, 3).matches(list));
  assert(new Snapshot(new Float64Array(64), 4).matches(new Float64Array(64)));
  assert(!new Snapshot(new Float64Array(65), 4).matches(new Float64Array(65)));
  const [one, other] = [0, 0].map(() => {
    const loop: unknown[] = [1];
    loop.push(loop);
    return loop;
  });
  assert(new Snapshot(one).matches(one) && !new Snapshot(one).matches(other));
  assert(sameData(one, one) && !sameData(one, other));
});

Deno.test("the first difference is found with the path to it", () => {
  const a = { sizes: [1, 2], options: { names: ["x", "y"] } };
  const b = { sizes: [1, 2], options: { names: ["x", "z"] } };
  assertEquals(firstDataDifference(a, b), {
    path: ["options", "names", 1],
    before: "y",
    now: "z",
  });
  assertEquals(firstDataDifference(a, structuredClone(a)), null);
  assertEquals(firstDataDifference(new Int8Array([1, 2]), new Int8Array([1, 3])), {
    path: [1],
    before: 2,
    now: 3,
  });
  assertEquals(firstDataDifference([1], [1, 2]), { path: [], before: [1], now: [1, 2] });
});

import { mesh, shard } from "../../mod.ts";
import { Device } from "../../src/core/device.ts";
import { partsAlong, partsOf, shardShape } from "../../src/core/sharding.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/std.ts";

const devices = Array.from({ length: 6 }, (_, i) => new Device("test", i));

Deno.test("equal meshes and equal shardings are one object", () => {
  assertStrictEquals(mesh({ a: 2, b: 3 }, devices), mesh({ a: 2, b: 3 }, devices));
  const [ab, ba] = [mesh({ a: 2, b: 3 }), mesh({ b: 3, a: 2 })];
  assert(ab !== ba);
  assert(ab !== mesh({ a: 2, b: 3 }, devices));
  assert(mesh({ a: 6 }, devices) !== mesh({ a: 6 }, devices.toReversed()));
  assertStrictEquals(shard(ab, "a", null), shard(ab, ["a"]));
  assertStrictEquals(shard(ab), shard(ab, null, null));
  assert(shard(ab, ["a", "b"]) !== shard(ab, ["b", "a"]));
});

Deno.test("each place has its part: the last axis of the mesh is the fastest", () => {
  const ab = mesh({ a: 2, b: 3 });
  assertEquals(partsOf(shard(ab, "a", "b"), 2), [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
  assertEquals(partsOf(shard(ab, ["b", "a"]), 1), [[0], [2], [4], [1], [3], [5]]);
  assertEquals(partsOf(shard(ab, null, "b"), 2), [[0, 0], [0, 1], [0, 2], [0, 0], [0, 1], [0, 2]]);
  assertEquals(partsAlong(shard(ab, ["a", "b"]), 0), 6);
  assertEquals(partsAlong(shard(ab), 5), 1);
  assertEquals(shardShape(shard(ab, null, ["a", "b"]), [5, 12, 1], "Cannot divide"), [5, 2, 1]);
});

Deno.test("what is no mesh, no sharding or no division is refused", () => {
  const ab = mesh({ a: 2, b: 3 });
  const refused: readonly [() => unknown, string][] = [
    [() => mesh({}), "Cannot make a mesh without axes: name at least one"],
    [
      () => mesh({ a: 0 }),
      'Cannot make a mesh: expected a positive integer as the length of "a", got 0',
    ],
    [() => mesh({ a: 1.5 }), "expected a positive integer"],
    [() => mesh({ "a'": 2 }), "must be a string that does not end in an apostrophe"],
    [() => mesh({ 1: 2 }), "Cannot make a mesh with an axis called 1: use a word"],
    [() => mesh(4 as never), "expected lengths by names such as { data: 4 }, got 4"],
    [() => mesh({ a: 2 }, devices), "expected 2 different devices, one for each place"],
    [() => mesh({ a: 2 }, [devices[0], devices[0]]), "expected 2 different devices"],
    [() => mesh({ a: 2 }, ["cpu:0"] as never), "expected a list of devices"],
    [() => shard("a" as never), 'expected a mesh, got "a"'],
    [() => shard(ab, "c"), "the axes of the mesh are a, b, or null where an axis is not split"],
    [() => shard(ab, undefined as never), "Cannot make a sharding with undefined"],
    [() => shard(ab, "a", ["b", "a"]), 'the axis "a" of the mesh is used twice'],
    [
      () => shardShape(shard(ab, null, "b"), [6], "Cannot place"),
      "it has too few axes, expected 2 or more",
    ],
    [
      () => shardShape(shard(ab, "b"), [4], "Cannot place"),
      "Cannot place [4] by shard(mesh(a: 2, b: 3), b): axis 0 of length 4 is not divisible " +
      "into 3 equal parts",
    ],
  ];
  for (const [f, message] of refused) assertThrows(f, Error, message);
});

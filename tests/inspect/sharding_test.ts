import { inspect, jit, mesh, shard, tensor, vmap } from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/std.ts";

const machines = mesh({ data: 2, model: 2 });

Deno.test("each part is a box with the places that have it", () => {
  assertEquals(
    inspect.showSharding(shard(machines, "data", "model"), [8, 4]),
    `[8,4] in parts [4,2]
┌───┬───┐
│ 0 │ 1 │
├───┼───┤
│ 2 │ 3 │
└───┴───┘`,
  );
  assertEquals(
    inspect.showSharding(shard(machines, null, "data"), [8, 4]),
    `[8,4] in parts [8,2]
┌─────┬─────┐
│ 0,1 │ 2,3 │
└─────┴─────┘`,
  );
  assertEquals(
    inspect.showSharding(shard(machines, ["model", "data"]), [4]),
    `[4] in parts [1]
┌───┬───┬───┬───┐
│ 0 │ 2 │ 1 │ 3 │
└───┴───┴───┴───┘`,
  );
  assertEquals(
    inspect.showSharding(shard(machines), []),
    `[] in parts []
┌─────────┐
│ 0,1,2,3 │
└─────────┘`,
  );
});

Deno.test("of tensors with more axes those are shown that are split", () => {
  assertEquals(
    inspect.showSharding(shard(machines, "model", null, "data"), [2, 3, 2]),
    `[2,3,2] in parts [1,3,1]
axis 0 down, axis 2 across
┌───┬───┐
│ 0 │ 2 │
├───┼───┤
│ 1 │ 3 │
└───┴───┘`,
  );
  const cube = mesh({ a: 2, b: 1, c: 2, d: 2 });
  assertEquals(
    inspect.showSharding(shard(cube, "c", "a", "b", "d"), [2, 2, 2, 2]),
    `[2,2,2,2] in parts [1,1,2,1]
axis 1 down, axis 3 across
part 0 along axis 0
┌───┬───┐
│ 0 │ 1 │
├───┼───┤
│ 4 │ 5 │
└───┴───┘
part 1 along axis 0
┌───┬───┐
│ 2 │ 3 │
├───┼───┤
│ 6 │ 7 │
└───┴───┘`,
  );
});

Deno.test("a tensor on one device is one box", () => {
  assertEquals(
    inspect.showSharding(tensor([[1, 2]])),
    `float32[1,2]
┌───────┐
│ cpu:0 │
└───────┘`,
  );
});

Deno.test("what cannot be shown is refused", () => {
  assertThrows(
    () => inspect.showSharding(shard(machines, "data")),
    Error,
    "Cannot show a sharding without a shape: give one",
  );
  assertThrows(
    () => inspect.showSharding(shard(machines, "data"), [3]),
    Error,
    `Cannot divide [3] by ${shard(machines, "data")}: axis 0 of length 3 is not divisible into ` +
      "2 equal parts",
  );
  assertThrows(
    () => inspect.showSharding(3 as never),
    Error,
    "Cannot show a sharding: expected a tensor or a sharding, got 3",
  );
  assertThrows(
    () => jit((x) => (inspect.showSharding(x), x))(tensor([1])),
    Error,
    "Cannot tell the sharding of",
  );
  vmap((x) => (inspect.showSharding(x), x))(tensor([1]));
});

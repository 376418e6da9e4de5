import { chooseTile } from "../../../../src/backends/wasm/kernels/product/probe.ts";
import { assert, assertStrictEquals } from "../../../support/std.ts";

Deno.test("a tile is chosen once", () => {
  const tile = chooseTile();
  assertStrictEquals(chooseTile(), tile);
  // 12 sums of one width or the other leave room for the factors in 16 registers.
  assert(tile.rows * tile.vectors === 12 || tile.rows * tile.vectors === 24);
});

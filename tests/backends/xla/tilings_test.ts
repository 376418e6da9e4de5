/**
 * How XLA says that results are divided, and what shardings of a mesh that is. No plugin is needed.
 *
 * @module
 */
import fc from "fast-check";
import { mesh, shard } from "../../../mod.ts";
import { resultTilings } from "../../../src/backends/xla/pjrt/op_sharding.ts";
import { shardingOf } from "../../../src/backends/xla/tilings.ts";
import { partsAlong, partsOf, shardShape } from "../../../src/core/sharding.ts";
import type { Sharding } from "../../../src/core/sharding.ts";
import { assertEquals, assertStrictEquals } from "../../support/std.ts";

/** A message with one field of bytes. */
function field(number: number, bytes: readonly number[]): number[] {
  return [number * 8 + 2, bytes.length, ...bytes];
}

/** A program whose results are divided so, and tell it in the field that XLA uses. */
function programOf(sharding: readonly number[]): Uint8Array {
  const name = [...new TextEncoder().encode("main")];
  return Uint8Array.from(field(1, [...field(1, name), ...field(12, sharding)]));
}

/** Shardings as XLA's plugin for CPUs wrote them, for a mesh of 2 by 2. */
const REPLICATED: readonly number[] = [];
const BOTH = [8, 3, 26, 2, 4, 1, 74, 2, 2, 2, 82, 2, 1, 0];
const FIRST = [8, 3, 26, 3, 2, 1, 2, 48, 1, 74, 1, 4, 82, 1, 0];
const SECOND = [8, 3, 26, 3, 1, 2, 2, 48, 1, 74, 2, 2, 2, 82, 2, 1, 0];
/** A list of devices instead of numbers in order, and the kinds of what is left over. */
const LISTED = [8, 3, 26, 3, 2, 1, 2, 34, 4, 0, 1, 2, 3, 66, 1, 0];
const MANUAL = [8, 4];

Deno.test("what XLA wrote is read", () => {
  const all = [BOTH, FIRST, REPLICATED, SECOND, LISTED, MANUAL];
  const program = programOf([8, 2, ...all.flatMap((one) => field(5, one))]);
  assertEquals(resultTilings(program, all.length, 4), [
    { parts: [4, 1], partOf: [0, 2, 1, 3] },
    { parts: [2, 1], partOf: [0, 0, 1, 1] },
    { parts: [], partOf: [0, 0, 0, 0] },
    { parts: [1, 2], partOf: [0, 1, 0, 1] },
    { parts: [2, 1], partOf: [0, 0, 1, 1] },
    null,
  ]);
  // The sharding of one result is no list.
  assertEquals(resultTilings(programOf(FIRST), 1, 4), [{ parts: [2, 1], partOf: [0, 0, 1, 1] }]);
  assertEquals(resultTilings(new Uint8Array(0), 2, 4), [null, null]);
});

Deno.test("tilings are shardings of the mesh", () => {
  const own = mesh({ data: 2, model: 2 });
  const of = (parts: readonly number[], partOf: readonly number[], shape = [8, 8]) =>
    shardingOf(own, { parts, partOf }, shape);
  assertStrictEquals(of([4, 1], [0, 2, 1, 3]), shard(own, ["model", "data"]));
  assertStrictEquals(of([2, 1], [0, 0, 1, 1]), shard(own, "data"));
  assertStrictEquals(of([1, 2], [0, 1, 0, 1]), shard(own, null, "model"));
  assertStrictEquals(of([], [0, 0, 0, 0], []), shard(own));
  assertStrictEquals(of([2, 2], [0, 1, 2, 3]), shard(own, "data", "model"));
  // Parts in an order that no axes have, parts of an axis, and parts that are not equal.
  assertStrictEquals(of([4, 1], [0, 1, 3, 2]), null);
  assertStrictEquals(of([2, 1], [0, 1, 1, 0]), null);
  assertStrictEquals(of([4, 1], [0, 1, 2, 3], [6, 8]), null);
  const line = mesh({ all: 4 });
  assertStrictEquals(shardingOf(line, { parts: [2, 2], partOf: [0, 1, 2, 3] }, [2, 2]), null);
  assertStrictEquals(shardingOf(line, { parts: [2], partOf: [0, 0, 1, 1] }, [2]), null);
});

Deno.test("every sharding is found from its tiles", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
  const axes = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(lengths, axes, fc.boolean(), (lengths, axes, isTurned) => {
      const names = ["a", "b", "c", "d"].slice(0, lengths.length);
      const own = mesh(Object.fromEntries(names.map((name, i) => [name, lengths[i]])));
      const spec: string[][] = [[], [], []];
      const order = isTurned ? names.toReversed() : names;
      order.forEach((name, i) => spec[axes[i]]?.push(name));
      const given = shard(own, ...spec);
      const parts = [0, 1, 2].map((axis) => partsAlong(given, axis));
      const partOf = partsOf(given, 3).map((at) =>
        at.reduce((index, part, axis) => index * parts[axis] + part, 0)
      );
      const shape = parts.map((count) => 2 * count);
      const found = shardingOf(own, { parts, partOf }, shape) as Sharding;
      assertEquals(partsOf(found, 3), partsOf(given, 3));
      assertEquals(shardShape(found, shape, ""), [2, 2, 2]);
      // Axes of length one divide nothing.
      const named = found.spec.flat();
      assertEquals(named.every((name) => own.axes[name] > 1), true);
    }),
    { seed: 1 },
  );
});

import { gatesOf } from "../../../../src/backends/wasm/kernels/nest/gates.ts";
import type { LoopNode, Nest } from "../../../../src/lowering/nest.ts";
import { assertEquals } from "../../../support/std.ts";

const float = "float64";
const load: LoopNode = { kind: "load", dtype: float, from: { buffer: 0, offset: 0, strides: [1] } };
const sumOf = (input: number, when?: number): LoopNode => ({
  kind: "reduce",
  dtype: float,
  operation: "sum",
  input,
  ...(when === undefined ? {} : { when }),
});
const map = (operation: string, ...inputs: readonly number[]): LoopNode => ({
  kind: "map",
  dtype: operation === "less" || operation === "not" ? "bool" : float,
  operation,
  inputs,
});

/** A nest of one reduced loop that stores its last node. */
function gates(...nodes: readonly LoopNode[]): readonly (number | undefined)[] {
  const stores = [{ node: nodes.length - 1, to: { buffer: 1, offset: 0, strides: [0] } }];
  const nest: Nest = { lengths: [8], reduced: 1, buffers: [float, float], nodes, stores };
  return gatesOf(nest);
}

Deno.test("what is read under one test alone is computed under it", () => {
  const found = gates(
    load,
    sumOf(0),
    map("less", 1, 1),
    map("neg", 1),
    map("mul", 0, 3),
    sumOf(4, 2),
    map("exp", 5),
    map("select", 2, 6, 1),
  );
  assertEquals(found.slice(1), [undefined, undefined, 2, 2, 2, 2, undefined]);
});

Deno.test("what comes before the test, or is read elsewhere, is computed in any case", () => {
  const before = gates(
    load,
    sumOf(0),
    map("neg", 1),
    map("less", 1, 1),
    map("mul", 0, 2),
    sumOf(4, 3),
    map("select", 3, 5, 1),
  );
  assertEquals(before[2], undefined);
  const elsewhere = gates(
    load,
    sumOf(0),
    map("less", 1, 1),
    map("neg", 1),
    map("mul", 0, 3),
    sumOf(4, 2),
    map("select", 2, 5, 3),
  );
  assertEquals(elsewhere[3], undefined);
});

Deno.test("the other arm of a choice is computed where the test does not hold", () => {
  const found = gates(
    load,
    sumOf(0),
    map("less", 1, 1),
    map("not", 2),
    sumOf(0, 3),
    map("sqrt", 4),
    map("select", 2, 1, 5),
  );
  assertEquals(found.slice(2), [undefined, undefined, 3, 3, undefined]);
});

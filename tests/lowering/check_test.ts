import { InternalError, internalError } from "../../src/base/errors.ts";
import { checkLowered, checkNest, checkStraight } from "../../src/lowering/check.ts";
import type { Guard, Nest } from "../../src/lowering/nest.ts";
import type { Straight } from "../../src/lowering/straight_code.ts";
import type { Lowered } from "../../src/lowering/tasks.ts";
import { assertRefused } from "../support/errors.ts";

function assertFault(f: () => void, message: string): void {
  assertRefused(f, InternalError, internalError(message).message);
}

/** Row sums of 3 by 4 elements. */
const sums: Nest = {
  lengths: [3, 4],
  reduced: 1,
  buffers: ["float32", "float32"],
  nodes: [
    { kind: "load", dtype: "float32", from: { buffer: 0, offset: 0, strides: [4, 1] } },
    { kind: "map", dtype: "float32", operation: "square", inputs: [0] },
    { kind: "reduce", dtype: "float32", operation: "sum", input: 1 },
    { kind: "map", dtype: "float32", operation: "sqrt", inputs: [2] },
  ],
  stores: [{ node: 3, to: { buffer: 1, offset: 0, strides: [1, 0] } }],
};
const sizes = [12, 3];

/** The nest with one node replaced. */
function withNode(i: number, node: Nest["nodes"][number]): Nest {
  return { ...sums, nodes: sums.nodes.with(i, node) };
}

/** The nest with other elements summed up. */
function load(offset: number, strides: readonly number[], guards: readonly Guard[] = []): Nest {
  return withNode(0, {
    kind: "load",
    dtype: "float32",
    from: { buffer: 0, offset, strides },
    guards,
  });
}

Deno.test("nests that keep to the specification pass", () => {
  checkNest(sums, sizes);
  checkNest({ ...sums, lengths: [3, 0] }, sizes);
  checkNest(load(-4, [4, 1], [{ offset: -1, strides: [1, 0], below: 2 }]), sizes);
  const inPlace: Nest = {
    lengths: [3],
    reduced: 0,
    buffers: ["float32"],
    nodes: [{ kind: "load", dtype: "float32", from: { buffer: 0, offset: 0, strides: [1] } }],
    stores: [{ node: 0, to: { buffer: 0, offset: 0, strides: [1] } }],
  };
  checkNest(inPlace, [3]);
});

const faultyNests: readonly (readonly [Nest, string])[] = [
  [{ ...sums, lengths: [3, -4] }, "nest: loops of lengths 3,-4"],
  [{ ...sums, reduced: 3 }, "nest: 3 loops are reduced"],
  [{ ...sums, reduced: 0 }, "nest: node 2 (reduce) has no loops"],
  [{ ...sums, buffers: ["float32"] }, "nest: 2 sizes for its buffers"],
  [{ ...sums, stores: [] }, "nest: nothing is stored"],
  [load(1, [4, 1]), "nest: node 0 (load) reaches from 1 to 12 of 12"],
  [load(0, [4]), "nest: node 0 (load) has 1 strides"],
  [load(0.5, [4, 1]), "nest: node 0 (load) is no integer"],
  [
    load(-4, [4, 1], [{ offset: 0, strides: [1, 0], below: 3 }]),
    "nest: node 0 (load) reaches -4 of 12",
  ],
  [
    withNode(0, {
      kind: "load",
      dtype: "float64",
      from: { buffer: 0, offset: 0, strides: [4, 1] },
    }),
    "nest: node 0 (load) is float64",
  ],
  [
    withNode(0, {
      kind: "load",
      dtype: "float32",
      from: { buffer: 2, offset: 0, strides: [4, 1] },
    }),
    "nest: node 0 (load) is of buffer 2",
  ],
  [
    withNode(1, { kind: "map", dtype: "float32", operation: "square", inputs: [1] }),
    "nest: node 1 (map) is made of 1",
  ],
  [
    withNode(3, { kind: "map", dtype: "float32", operation: "add", inputs: [2, 0] }),
    "nest: store 0 changes within reduced loops",
  ],
  [
    withNode(3, { kind: "reduce", dtype: "float32", operation: "sum", input: 1, when: 2 }),
    "nest: node 3 (reduce) asks float32",
  ],
  [
    withNode(2, { kind: "reduce", dtype: "float64", operation: "max", input: 1 }),
    "nest: node 2 (reduce) is float64, of float32",
  ],
  [
    withNode(2, { kind: "reduce", dtype: "float32", operation: "sum", input: 1, times: 1 }),
    "nest: node 2 (reduce) is no wide sum",
  ],
  [
    withNode(2, { kind: "reduce", dtype: "float64", operation: "prod", input: 1, times: 1 }),
    "nest: node 2 (reduce) is no wide sum",
  ],
  [
    withNode(2, { kind: "reduce", dtype: "float32", operation: "prod", input: 1, isGuarded: true }),
    "nest: node 2 (reduce) is no product of float64",
  ],
  [
    { ...sums, stores: [{ node: 0, to: { buffer: 1, offset: 0, strides: [1, 0] } }] },
    "nest: store 0 changes within reduced loops",
  ],
  [
    { ...sums, stores: [{ node: 3, to: { buffer: 1, offset: 0, strides: [0, 0] } }] },
    "nest: store 0 writes element 0 twice",
  ],
  [
    { ...sums, stores: [{ node: 3, to: { buffer: 1, offset: 1, strides: [1, 0] } }] },
    "nest: store 0 reaches from 1 to 3 of 3",
  ],
  [
    { ...sums, stores: [{ node: 3, to: { buffer: 0, offset: 0, strides: [1, 0] } }] },
    "nest: store 0 writes where another round reads",
  ],
  [
    { ...sums, buffers: ["float32", "int32"] },
    "nest: store 0 writes float32 to int32",
  ],
];

for (const [nest, message] of faultyNests) {
  Deno.test(`a fault is found: ${message}`, () => {
    assertFault(() => checkNest(nest, sizes), message);
  });
}

const straight: Straight = {
  buffers: ["float32", "int32"],
  values: [
    { kind: "load", dtype: "int32", from: { buffer: 1, offset: 0, terms: [] } },
    { kind: "index", input: 0, below: 4 },
    {
      kind: "load",
      dtype: "float32",
      from: { buffer: 0, offset: 1, terms: [{ index: 1, stride: 2 }] },
    },
  ],
  ops: [
    { kind: "value", value: 0 },
    { kind: "value", value: 1 },
    { kind: "value", value: 2 },
    { kind: "store", value: 2, to: { buffer: 0, offset: 0, terms: [] } },
  ],
};

Deno.test("straight code is held to its buffers and its order", () => {
  checkStraight(straight, [8, 1]);
  assertFault(() => checkStraight(straight, [7, 1]), "straight code: value 2 reaches from 1 to 7");
  assertFault(
    () => checkStraight({ ...straight, ops: straight.ops.toReversed() }, [8, 1]),
    "straight code: store 2 is not there yet",
  );
  assertFault(
    () => checkStraight({ ...straight, ops: straight.ops.toSpliced(1, 1) }, [8, 1]),
    "straight code: value 2 uses value 1 before it is there",
  );
});

const lowered: Lowered = {
  buffers: [
    { dtype: "float32", shape: [3, 4], source: 0 },
    { dtype: "float32", shape: [3], source: null },
    { dtype: "float32", shape: [3], source: null },
  ],
  tasks: [
    { kind: "nest", name: "sums", nest: sums, buffers: [0, 1] },
    { kind: "hand", from: 1, to: 2 },
  ],
  results: [{ buffer: 2, type: { dtype: "float32", shape: [3, 1] } }],
};

Deno.test("tasks are held to their buffers and their order", () => {
  checkLowered(lowered);
  const faulty: readonly (readonly [Partial<Lowered>, string])[] = [
    [{ tasks: lowered.tasks.toReversed() }, "task 0 (hand): buffer 1 is read before it is written"],
    [{ tasks: lowered.tasks.slice(0, 1) }, "result 0: is not written"],
    [
      { buffers: lowered.buffers.with(1, { dtype: "float32", shape: [3], source: 1 }) },
      "task 0 (nest): argument 1 is written",
    ],
    [
      { buffers: lowered.buffers.with(2, { dtype: "float32", shape: [4], source: null }) },
      "task 1 (hand): float32[3] is in a buffer of float32[4]",
    ],
    [
      {
        buffers: lowered.buffers.with(1, { dtype: "float32", shape: [3], source: null, alias: 2 }),
      },
      "buffer 1: has the memory of 2",
    ],
  ];
  for (const [change, message] of faulty) {
    assertFault(() => checkLowered({ ...lowered, ...change }), message);
  }
});

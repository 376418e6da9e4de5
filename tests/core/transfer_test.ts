import { ArgumentError, TreeError } from "../../src/base/errors.ts";
import { describeValue, DTYPES } from "../../src/base/dtype.ts";
import { grad, jit, nn, random, Tensor, tensor, tree, zeros } from "../../mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/std.ts";

/** What arrives at the other end of a channel. */
async function post(value: unknown): Promise<unknown> {
  const { port1, port2 } = new MessageChannel();
  try {
    const arrival = new Promise((resolve) => port2.onmessage = ({ data }) => resolve(data));
    const { message, transfer } = tree.toTransfer(value);
    port1.postMessage(message, transfer);
    assert(transfer.every((buffer) => buffer.byteLength === 0));
    return tree.fromTransfer(await arrival);
  } finally {
    port1.close();
    port2.close();
  }
}

class Scaled {
  readonly weight: unknown;
  readonly scale: unknown;

  constructor(weight: unknown, scale: unknown) {
    this.weight = weight;
    this.scale = scale;
  }
}
tree.register(Scaled, {
  flatten: ({ weight, scale }) => [[weight], scale],
  unflatten: ([weight], scale) => new Scaled(weight, scale),
});

const REFUSED = "Symbol(a tensor; use tree.toTransfer instead) could not be cloned.";

Deno.test("structured clones and messages refuse tensors, wherever they are in a value", () => {
  const x = tensor([1, 2, 3]);
  const computed = jit((a: Tensor) => a.mul(2))(x);
  const { port1, port2 } = new MessageChannel();
  for (const value of [x, computed, { a: [x] }, new Map([["x", x]]), random.key(0)]) {
    for (const send of [() => structuredClone(value), () => port1.postMessage(value)]) {
      const error = assertThrows(send, DOMException);
      assertEquals(error.name, "DataCloneError");
      assertEquals(error.message, REFUSED);
    }
  }
  port1.close();
  port2.close();
});

Deno.test("what refuses clones shows nowhere else", () => {
  const x = tensor([1, 2]);
  assertEquals(Deno.inspect(x), "tensor([1., 2.])");
  assertEquals(JSON.stringify({ x }), '{"x":[1,2]}');
  assertEquals(x, tensor([1, 2]));
  assert(Object.isFrozen(x));
});

Deno.test("a tree of every dtype arrives as it was sent, and stays what it is", async () => {
  const params = {
    layers: [{ weight: tensor([[1, 2], [3, 4]]), bias: tensor([0.5], { dtype: "float64" }) }, null],
    mask: tensor([true, false]),
    count: tensor([-1], { dtype: "int32" }),
    key: random.key(7),
    narrow: DTYPES.map((dtype) => tensor([0, 1, 100], { dtype })),
    empty: zeros([0, 3]),
    scalar: tensor(2),
    z: "text",
    a: [1, undefined, true, 3n, Uint8Array.of(1, 2)],
  };
  const received = await post(params);
  assertEquals(received, params);
  assertEquals(Object.keys(received as object), Object.keys(params));
  const elements = tree.map((leaf) => leaf instanceof Tensor ? [...leaf.data()] : leaf, params);
  assertEquals(
    tree.map((x: unknown) => x instanceof Tensor ? [...x.data()] : x, received),
    elements,
  );
});

Deno.test("a constant of any shape is sent as one element", async () => {
  const { transfer } = tree.toTransfer(zeros([1000, 1000]));
  assertEquals(transfer.map(({ byteLength }) => byteLength), [4]);
  const received = await post(zeros([2, 2])) as Tensor;
  assertEquals(received.toArray(), [[0, 0], [0, 0]]);
});

Deno.test("a tensor that stands in two places arrives as one", async () => {
  const shared = tensor([1, 2]);
  const [a, b] = await post([shared, shared]) as Tensor[];
  assertStrictEquals(a, b);
});

Deno.test("results of compiled functions are sent, and parameters that arrive are trained on", async () => {
  const layer = nn.linear(2, 1);
  const [params, state] = layer.init(random.key(0));
  const loss = (p: typeof params) => layer.apply(p, state, tensor([[1, 2]]))[0].square().sum();
  const step = jit(grad(loss));
  const there = await post(step(params)) as typeof params;
  assertEquals(there.weight.toArray(), step(params).weight.toArray());
  assertEquals(step(await post(params) as typeof params).weight.toArray(), there.weight.toArray());
});

Deno.test("a message can be read twice, and changing it changes no tensor", () => {
  const { message } = tree.toTransfer(tensor([1, 2]));
  const first = tree.fromTransfer<Tensor>(message);
  (message as { tensors: { elements: Float32Array }[] }).tensors[0].elements[0] = 9;
  assertEquals(first.toArray(), [1, 2]);
  assertEquals(tree.fromTransfer<Tensor>(message).toArray(), [9, 2]);
});

Deno.test("instances of registered classes are sent by the names of their classes", async () => {
  const sent = new Scaled(tensor([1, 2]), { by: 2, of: [1, 2] });
  const received = await post([sent]) as [Scaled];
  assert(received[0] instanceof Scaled);
  assertEquals(received[0].scale, sent.scale);
  assertEquals((received[0].weight as Tensor).toArray(), [1, 2]);
});

Deno.test("classes that are unknown or ambiguous, and data that cannot be cloned, are refused", () => {
  const { message } = tree.toTransfer({ a: new Scaled(tensor(1), null) });
  const renamed = JSON.parse(JSON.stringify(message).replace("Scaled", "Unknown"));
  assertRefused(
    () => tree.fromTransfer(renamed),
    TreeError,
    "Cannot read a message with a Unknown at .a: no class of this name is registered; " +
      "call tree.register in this thread, too",
  );
  assertRefused(
    () => tree.toTransfer({ a: new Scaled(tensor(1), Math.sin) }),
    TreeError,
    "Cannot send a tree with a Scaled at .a: its data cannot be cloned " +
      "(function sin() { [native code] } could not be cloned.); the data of a registered class must be plain",
  );
  const twins = [0, 1].map(() => class Twin {});
  for (const twin of twins) {
    tree.register(twin, { flatten: () => [[], null], unflatten: () => new twin() });
  }
  assertRefused(
    () => tree.toTransfer([new twins[0]()]),
    TreeError,
    "Cannot send a tree with a Twin at [0]: 2 registered classes have this name; " +
      "rename all but one",
  );
});

Deno.test("leaves that no message can hold are refused by their paths", () => {
  const expected = "Cannot send a tree: expected a tensor, a primitive value or a typed array at ";
  const register = "; tree.register makes a class a node of trees";
  for (
    const [value, rest] of [
      [{ f: Math.sin }, ".f, got function sin"],
      [[Symbol("s")], "[0], got Symbol(s)"],
      [{ a: new Date(0) }, `.a, got Date${register}`],
      [[Promise.resolve(1)], "[0], got Promise; await it first"],
    ] as const
  ) assertRefused(() => tree.toTransfer(value), TreeError, expected + rest);
});

Deno.test("what is no message is refused", () => {
  const { message } = tree.toTransfer([tensor([1, 2]), 3]);
  const cyclic: { kind: string; children: unknown[] } = { kind: "array", children: [] };
  cyclic.children.push(cyclic);
  for (
    const [value, shown] of [
      [undefined, "undefined"],
      [3, "3"],
      [[], "[]"],
      [{ ...message, format: "jacobi.tree.0" }, "object"],
      [{ ...message, tensors: [] }, "object"],
      [
        {
          ...message,
          tensors: [{ dtype: "float32", shape: [3], elements: Float32Array.of(1, 2) }],
        },
        "object",
      ],
      [
        { ...message, tensors: [{ dtype: "int32", shape: [2], elements: Float32Array.of(1, 2) }] },
        "object",
      ],
      [{ ...message, leaves: [0] }, "object"],
      [{ ...message, structure: cyclic }, "object"],
      [{ ...message, structure: null }, "object"],
    ] as const
  ) {
    assertRefused(
      () => tree.fromTransfer(value),
      ArgumentError,
      "Cannot read a message: expected what tree.toTransfer gave, of the same version of the " +
        `library, got ${shown}`,
    );
  }
});

Deno.test("a tensor of another copy of the library is named as such", () => {
  // All copies mark their tensors in this way, each with an object of its own.
  const mark = { [Symbol.for("@jacobi/jacobi.copy")]: {} };
  class Other {
    readonly dtype = "float32";
    readonly shape = [2];
  }
  Object.assign(Other.prototype, mark);
  const foreign = new Other() as unknown as Tensor;
  assertEquals(describeValue(foreign), "float32[2] of another copy of Jacobi");
  const rest = "float32[2] of another copy of Jacobi; " +
    "import the library from one place and in one version, or pass x.toArray()";
  assertRefused(
    () => tensor(1).add(foreign),
    ArgumentError,
    `Cannot add: expected a tensor, number, boolean, nested array or typed array, got ${rest}`,
  );
  assertRefused(
    () => jit((p: { x: Tensor }) => p.x)({ x: foreign }),
    TreeError,
    "Cannot call a jitted function with these arguments (staticArgnums names those of other " +
      `kinds): expected a tensor or number at [0].x, got ${rest}`,
  );
  assertEquals(describeValue(tensor([1, 2])), "float32[2]");
});

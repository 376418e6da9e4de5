import {
  arange,
  ArgumentError,
  data,
  random,
  ShapeError,
  tensor,
  tree,
  TreeError,
  vmap,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertRejects } from "../support/std.ts";

const key = random.key(0);

/** The elements of all batches. */
async function listOf(batches: AsyncIterable<Tensor>): Promise<number[][]> {
  const list: number[][] = [];
  for await (const batch of batches) list.push(Array.from(batch.data()));
  return list;
}

const sorted = (list: number[][]): number[] => list.flat().sort((a, b) => a - b);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The sources of the numbers from 0 to 9, all but the last of one file. */
const sources = (): Record<string, data.Source<Tensor> | Tensor> => ({
  tensor: arange(10),
  list: data.examples(upTo(10)),
  stream: data.examples(async function* () {
    yield* upTo(10);
  }),
  "iterable of epochs": data.examples(() => upTo(10)),
  "files of tensors": data.files([[0, 3], [3, 4], [4, 10]], ([start, stop]) => arange(start, stop)),
  "files of examples": data.files(
    [0, 4],
    (start) => Promise.resolve(data.examples(upTo(10).slice(start, start === 0 ? 4 : 10))),
  ),
});

Deno.test("every source gives each example once, in its order without a key", async () => {
  for (const [name, source] of Object.entries(sources())) {
    const options = { batchSize: 4 };
    const batches = data.batches(source as Tensor, options);
    assertEquals(await listOf(batches), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]], name);
    const full = data.batches(source as Tensor, { ...options, dropLast: true });
    assertEquals(await listOf(full.epoch(1)), [[0, 1, 2, 3], [4, 5, 6, 7]], name);
    if (batches.length !== null) assertEquals([batches.length, full.length], [3, 2], name);
  }
});

Deno.test("a key shuffles each epoch in another order, and always in the same one", async () => {
  for (const [name, source] of Object.entries(sources())) {
    const make = () => data.batches(source as Tensor, { batchSize: 4, key, shuffle: 5 });
    const batches = make();
    const first = await listOf(batches);
    assertEquals(sorted(first), upTo(10), name);
    assert(String(first) !== String(sorted(first)), name);
    assertEquals(await listOf(make()), first, name);
    assertEquals(await listOf(batches.epoch(0)), first, name);
    const second = await listOf(batches.epoch(1));
    assertEquals(sorted(second), upTo(10), name);
    assert(String(first) !== String(second), name);
  }
});

Deno.test("batches go on from every position, with augmentation and prefetching", async () => {
  const cases = Object.entries(sources()).map(([name, source]) => {
    const batches = data.batches(source as Tensor, { batchSize: 4, key, prefetch: 2 });
    const noisy = data.augment(
      batches,
      random.key(7),
      (key, x) => x.add(random.uniform(key, x.shape)),
    );
    return [name, data.prefetch(data.map(noisy, async (x) => await x.mul(2)), 1)] as const;
  });
  for (const [name, batches] of cases) {
    const places: data.Position[] = [{ epoch: 0, batch: 0 }];
    const whole: number[][] = [];
    for await (const { batch, position } of batches.from()) {
      whole.push(Array.from(batch.data()));
      places.push(position);
      if (whole.length === 7) break;
    }
    assertEquals(places.at(-1), { epoch: 2, batch: 1 });
    for (const [i, place] of places.slice(0, 7).entries()) {
      const saved = JSON.parse(JSON.stringify(place));
      const rest: number[][] = [];
      for await (const { batch } of batches.from(saved)) {
        if (rest.push(Array.from(batch.data())) === 7 - i) break;
      }
      assertEquals(rest, whole.slice(i), name);
    }
  }
});

Deno.test("trees keep their structure, rows and dtypes, and typed arrays become tensors", async () => {
  const source = {
    x: arange(12).reshape([6, 2]),
    rest: [new Int32Array([0, 1, 2, 3, 4, 5]), null],
  };
  const batches = data.batches(source, { batchSize: 4, key });
  for await (const { x, rest: [label, none] } of batches) {
    assertEquals([(label as Tensor).dtype, none], ["int32", null]);
    assertTensorsClose(x.at(null, 1).astype("int32"), (label as Tensor).mul(2).add(1));
  }
});

Deno.test("examples are stacked leaf by leaf", async () => {
  const list = [0, 1, 2].map((i) => ({ x: tensor([i, i]), y: i, z: new Uint8Array([i]) }));
  for await (const batch of data.batches(data.examples(list), { batchSize: 3 })) {
    assertTensorsClose(batch.x, [[0, 0], [1, 1], [2, 2]]);
    assertTensorsClose(batch.y, [0, 1, 2]);
    assertEquals([batch.z.dtype, batch.z.shape], ["uint8", [3, 1]]);
  }
  const unlike = data.batches(data.examples<unknown>([{ x: 1 }, { y: 1 }]), { batchSize: 2 });
  await assertRejects(
    () => listOf(unlike as AsyncIterable<Tensor>),
    TreeError,
    "Cannot stack examples",
  );
});

Deno.test("files are read when their turn comes, and few at a time", async () => {
  const read: number[] = [];
  const source = data.files(upTo(20), (i) => {
    read.push(i);
    return tensor([i, i]);
  });
  let seen = 0;
  for await (const _ of data.batches(source, { batchSize: 2, prefetch: 3 })) {
    if (++seen === 2) break;
  }
  assert(read.length <= 6, String(read));
  const shuffled = await listOf(data.batches(source, { batchSize: 4, key }));
  assertEquals(sorted(shuffled), upTo(20).flatMap((i) => [i, i]));
});

Deno.test("a buffer shuffles a stream, holding no more than its size", async () => {
  let [read, used] = [0, 0];
  const source = data.examples(async function* () {
    for (let i = 0; i < 200; i++, read++) yield i;
  });
  const order: number[] = [];
  for await (const batch of data.batches(source, { batchSize: 1, key, shuffle: 16 })) {
    order.push(batch.at(0).item());
    used++;
    assert(read - used <= 16, `${read} ${used}`);
  }
  assertEquals([...order].sort((a, b) => a - b), upTo(200));
  // An example cannot come earlier than the buffer allows.
  assert(order.every((example, place) => example <= place + 16));
});

Deno.test("prefetching makes batches while the last one is used, and stops when told to", async () => {
  const made: number[] = [];
  let isClosed = false;
  const source = data.examples(async function* () {
    try {
      for (let i = 0; i < 10; i++) {
        made.push(i);
        yield i;
      }
    } finally {
      isClosed = true;
    }
  });
  const iterator = data.batches(source, { batchSize: 1, prefetch: 3 }).epoch(0)
    [Symbol.asyncIterator]();
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(made.length, 4);
  await iterator.return?.();
  assert(isClosed);
  assertEquals(made.length, 4);
});

Deno.test("prefetching that is stopped waits for one batch at most", async () => {
  let begun = 0;
  let isClosed = false;
  const source = data.examples(async function* () {
    try {
      while (true) {
        begun++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield begun;
      }
    } finally {
      isClosed = true;
    }
  });
  for await (const _ of data.batches(source, { batchSize: 1, prefetch: 8 })) break;
  assert(isClosed);
  assertEquals(begun, 2);
});

Deno.test("errors of a source come when its batch does, and leave nothing behind", async () => {
  const source = data.files([0, 1, 2], (i) => {
    if (i === 1) throw new Error("no such file");
    return tensor([i]);
  });
  const seen: number[][] = [];
  await assertRejects(
    async () => {
      for await (const x of data.batches(source, { batchSize: 1, prefetch: 4 })) {
        seen.push(Array.from(x.data()));
      }
    },
    Error,
    "no such file",
  );
  assertEquals(seen, [[0]]);
});

Deno.test("a stream that can be read once says so in its second epoch", async () => {
  async function* once() {
    yield* upTo(2);
  }
  for (const stream of [once(), ReadableStream.from(once())]) {
    const batches = data.batches(data.examples(stream), { batchSize: 1 });
    assertEquals(await listOf(batches), [[0], [1]]);
    await assertRejects(
      () => listOf(batches.epoch(1)),
      ArgumentError,
      "Cannot read this stream of examples again for epoch 1: it was used up by epoch 0",
    );
  }
  const none = data.batches(data.examples([]), { batchSize: 1 });
  await assertRejects(
    async () => {
      for await (const _ of none.from()) throw new Error("a batch of nothing");
    },
    ArgumentError,
    "Cannot iterate over batches: epoch 0 has none",
  );
});

Deno.test("split divides rows without losing any", () => {
  const set = { x: arange(10), y: [arange(20).reshape([10, 2])] };
  for (const sizes of [[7, 3], [0.7, 0.3], [0.1, 0.2, 0.7], [0, 10], [1 / 3, 1 / 3, 1 / 3]]) {
    const parts = data.split(key, set, sizes);
    const x = parts.flatMap((part) => Array.from(part.x.data()));
    assertEquals([...x].sort((a, b) => a - b), upTo(10));
    for (const part of parts) assertTensorsClose(part.y[0].at(null, 0), part.x.mul(2));
  }
  assertEquals(data.split(key, set, [1 / 3, 2 / 3]).map(({ x }) => x.size), [4, 6]);
  assertRefused(
    () => data.split(key, set, [0.7, 0.2]),
    ArgumentError,
    "Cannot split data of 10 examples: expected sizes that add up to 10, or shares that add up to 1, " +
      "got [0.7, 0.2]",
  );
});

Deno.test("random flips and crops move whole images, each by itself", () => {
  const images = random.normal(key, [64, 2, 5, 4]);
  const flipped = data.randomFlip(key, images);
  const isFlipped = upTo(64).map((i) => {
    const [given, made] = [images.at(i), flipped.at(i)];
    const isSame = String(made.data()) === String(given.data());
    assertTensorsClose(made, isSame ? given : given.flip(-1));
    return !isSame;
  });
  const count = isFlipped.filter(Boolean).length;
  assert(count > 16 && count < 48, String(count));
  assertTensorsClose(data.randomFlip(key, images, { probability: 1, axis: 2 }), images.flip(2));

  // Each image says where each pixel is, counted from 1.
  const places = arange(1, 31).reshape([1, 1, 5, 6]).add(random.bits(key, [64, 1, 1, 1]).mul(0));
  const corners = new Set<string>();
  const cropped = data.randomCrop(key, places, [3, 4], { padding: 1 });
  assertEquals(cropped.shape, [64, 1, 3, 4]);
  for (const image of cropped) {
    const rows = image.at(0).toArray() as number[][];
    corners.add(String(rows[1].slice(0, 2)));
    // Neighbours stay neighbours.
    assert(rows[1][2] - rows[1][1] === 1, String(rows));
  }
  assert(corners.size > 10, String(corners.size));
  const last = data.randomCrop(key, places.reshape([64, 5, 6, 1]), [5, 2], { axes: [1, 2] });
  assertEquals(last.shape, [64, 5, 2, 1]);
  const both = (key: Tensor, x: Tensor): Tensor =>
    data.randomCrop(key, data.randomFlip(key, x), [2, 2]);
  const keys = random.split(key, [3]);
  assertTensorsClose(vmap(both, [0, null])(keys, images).at(1), both(keys.at(1), images));
});

Deno.test("normalize takes one mean and deviation for each channel", () => {
  const images = random.normal(key, [2, 3, 4, 5]);
  const [mean, deviation] = [tensor([1, 2, 3]), tensor([4, 5, 6])];
  const expected = images.at(null, 1).sub(2).div(5);
  assertTensorsClose(data.normalize(images, mean, deviation).at(null, 1), expected);
  const last = data.normalize(images.transpose([0, 2, 3, 1]), mean, deviation, { axis: -1 });
  assertTensorsClose(last.at("...", 1), expected);
  assertTensorsClose(data.normalize(new Uint8Array([2, 4]), 2, 2, { axis: 0 }), [0, 1]);
});

Deno.test("data says what does not fit", () => {
  const options = { batchSize: 2 };
  assertRefused(
    () => data.batches({ x: arange(3), y: arange(4) }, options),
    ShapeError,
    "Cannot make batches: the tensors at .x and .y have 3 and 4 examples; for a list or a stream of " +
      "examples, use data.examples",
  );
  assertRefused(
    () => data.batches([{ x: 1 }], options),
    ShapeError,
    "Cannot make batches: expected a tensor with an axis of examples at [0].x, got 1; for a list or a " +
      "stream of examples, use data.examples",
  );
  assertRefused(
    () => data.batches({}, options),
    ArgumentError,
    "Cannot make batches: expected tensors, got object; for a list or a stream of examples, use data.examples",
  );
  assertRefused(
    () => data.batches(arange(3), { batchSize: 0 }),
    ArgumentError,
    "Cannot make batches: expected an integer of at least 1 as batchSize, got 0",
  );
  assertRefused(
    () => data.batches(arange(3), { batchSize: 1, shuffle: true }),
    ArgumentError,
    "Cannot make batches: to shuffle takes a key; make one with random.key(seed)",
  );
  assertRefused(
    () => data.batches(arange(3), { batchSize: 1, shufle: true } as never),
    ArgumentError,
    'Cannot make batches: there is no option "shufle", the options are batchSize, key, shuffle, ' +
      "dropLast, prefetch",
  );
  assertRefused(
    () => data.examples(3 as never),
    ArgumentError,
    "Cannot read examples from 3: expected a list, an async iterable or a function that gives an iterable",
  );
  assertRefused(
    () => data.examples(new Array(2 ** 25)),
    ArgumentError,
    "Cannot read examples from a list of 33554432: at most 16777216 fit; hold numbers in tensors, or " +
      "give a function that opens a stream",
  );
  assertRefused(
    () => data.map([] as never, (x) => x),
    ArgumentError,
    "Cannot map []: expected batches, which data.batches makes",
  );
  assertRefused(
    () => data.batches(arange(3), options).from({ epoch: -1, batch: 0 }),
    ArgumentError,
    "Cannot iterate over batches: expected an integer of at least 0 as the number of the epoch, got -1",
  );
  assertRefused(
    () => data.randomFlip(key, arange(8).reshape([2, 4]), { axis: 0 }),
    ArgumentError,
    "Cannot flip images: axis 0 is that of the examples",
  );
  assertRefused(
    () => data.randomCrop(key, arange(8).reshape([2, 2, 2]), [3, 2]),
    ShapeError,
    "Cannot crop images float32[2,2,2] to [3,2]: the parts are larger than the images",
  );
});

Deno.test("batches infer their types", async () => {
  const batches = data.batches({ x: arange(4), label: [new Int32Array(4)] }, { batchSize: 2 });
  for await (const { x, label } of data.map(batches, (batch) => batch)) {
    const sum: Tensor = x.add(label[0]);
    assertEquals(sum.shape, [2]);
  }
  const pairs = data.split(key, { x: arange(4) }, [0.5, 0.5]);
  const [first, second]: [{ x: Tensor }, { x: Tensor }] = pairs;
  assertEquals(tree.map((x: Tensor) => x.size, [first, second]) as unknown, [{ x: 2 }, { x: 2 }]);
});

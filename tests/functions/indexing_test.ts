import fc from "fast-check";
import { assertEquals, assertStrictEquals } from "../support/std.ts";
import { assertRefused } from "../support/errors.ts";
import {
  ArgumentError,
  DtypeError,
  IndexError,
  ShapeError,
  TraceError,
} from "../../src/base/errors.ts";
import { broadcastShapes, showType, sizeOf, stridesOf } from "../../src/base/shape.ts";
import { scan } from "../../src/control/scan.ts";
import type { Index } from "../../src/core/tensor.ts";
import { newAxis, Slice, slice } from "../../src/core/slices.ts";
import { Tensor } from "../../src/core/tensor.ts";
import type { TensorLike } from "../../src/core/tensor.ts";
import {
  addAt,
  arange,
  argsort,
  dynamicSlice,
  dynamicUpdateSlice,
  gather,
  index,
  oneHot,
  ones,
  scatterAdd,
  set,
  sort,
  stack,
  take,
  takeAlongAxis,
  tensor,
  zeros,
} from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import * as slicing from "../../src/primitives/slicing.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import { grad, jvp, makeProgram, vmap } from "../../src/transforms/mod.ts";

const int32 = (values: TensorLike) => tensor(values, { dtype: "int32" });
const float64 = (values: TensorLike) => tensor(values, { dtype: "float64" });
const counted = (shape: readonly number[]) => arange(sizeOf(shape)).reshape(shape);
const shapeAt = (shape: readonly number[], ...indices: readonly Index[]) =>
  index(zeros(shape), ...indices).shape;
const primitivesOf = (f: (x: Tensor) => Tensor, x: Tensor) =>
  makeProgram(f)(x).equations.map(({ primitive }) => primitive.name);

Deno.test("integers take one position, and negative ones count from the end", () => {
  const x = counted([2, 3]);
  assertTensorsClose(index(x, 1), [3, 4, 5]);
  assertTensorsClose(index(x, 1, -1), 5);
  assertTensorsClose(index(x, null, -3), [0, 3]);
  assertTensorsClose(x.at(-1, 0), 3);
  assertStrictEquals(index(x), x);
  assertStrictEquals(index(x, null, "..."), x);
});

Deno.test("slices are clamped and stepped as Python's", () => {
  const x = arange(5);
  const cases: readonly (readonly [Index, number[]])[] = [
    [[1, 3], [1, 2]],
    [[null, null], [0, 1, 2, 3, 4]],
    [[-2, null], [3, 4]],
    [[null, -2], [0, 1, 2]],
    [[null, null, 2], [0, 2, 4]],
    [slice(1, 100, 3), [1, 4]],
    [[-100, 2], [0, 1]],
    [[null, null, -1], [4, 3, 2, 1, 0]],
    [slice(3, 0, -2), [3, 1]],
    [slice(100, -100, -3), [4, 1]],
    [[2, null, -1], [2, 1, 0]],
    [slice(3, 1), []],
    [[2, 2], []],
    [[0, 9], [0, 1, 2, 3, 4]],
    [slice(1, 3, -1), []],
    [slice(4, 5, 100), [4]],
  ];
  for (const [entry, expected] of cases) assertEquals(index(x, entry).toArray(), expected);
});

Deno.test("dots stand for the axes without an entry", () => {
  assertEquals(shapeAt([2, 3, 4, 5], "...", 0), [2, 3, 4]);
  assertEquals(shapeAt([2, 3, 4, 5], 0, "...", [0, 2]), [3, 4, 2]);
  assertEquals(shapeAt([2, 3], 0, "...", 0), []);
  assertEquals(shapeAt([2, 3], "..."), [2, 3]);
});

Deno.test("integer tensors are matched entry by entry", () => {
  const x = counted([3, 4]);
  assertTensorsClose(index(x, int32([2, -1, 0])), [[8, 9, 10, 11], [8, 9, 10, 11], [0, 1, 2, 3]]);
  assertTensorsClose(index(x, int32([0, 2]), int32([1, -1])), [1, 11]);
  assertTensorsClose(index(x, int32([[0], [2]]), new Uint8Array([1, 3])), [[1, 3], [9, 11]]);
  assertTensorsClose(index(x, int32(1), [1, 3]), [5, 6]);
  assertTensorsClose(index(x, new Uint32Array([2])), [[8, 9, 10, 11]]);
  assertEquals(shapeAt([3, 4], int32([])), [0, 4]);
});

Deno.test("the axes of index tensors go where NumPy puts them", () => {
  const i = int32([0, 1]);
  assertEquals(shapeAt([5, 3, 4], null, i), [5, 2, 4]);
  assertEquals(shapeAt([5, 6, 3, 4], null, i, i), [5, 2, 4]);
  assertEquals(shapeAt([5, 6, 3, 4], i, null, i), [2, 6, 4]);
  assertEquals(shapeAt([5, 6, 3, 4], null, 0, i), [5, 2, 4]);
  assertEquals(shapeAt([5, 6, 3, 4], 0, null, i), [2, 6, 4]);
  assertEquals(shapeAt([7, 2, 3], null, i, "...", i), [2, 7]);
  assertEquals(shapeAt([5, 3, 4], [1, 4], int32([[0, 1]]), [null, null, -2]), [3, 1, 2, 2]);
});

/** A part computed element by element, by the rule as NumPy's documentation words it. */
function reference(x: Tensor, entries: readonly Index[]) {
  const strides = stridesOf(x.shape);
  const dots = entries.indexOf("...");
  const missing = x.ndim - entries.length + (dots < 0 ? 0 : 1);
  const dotsAt = dots < 0 ? entries.length : dots;
  const all = [
    ...entries.slice(0, dotsAt),
    ...Array.from({ length: missing }, () => null),
    ...entries.slice(dots < 0 ? dotsAt : dotsAt + 1),
  ];
  const isAdvanced = (entry: Index | undefined) =>
    entry instanceof Tensor || typeof entry === "number";
  const tensors = all.filter((entry) => entry instanceof Tensor);
  const common = tensors.reduce<readonly number[]>((s, t) => broadcastShapes(s, t.shape)!, []);
  // Positions on each axis: a list for slices, a function of the tensors' place for the others.
  const lists = all.map((entry, axis) => {
    const length = x.shape[axis];
    if (entry === null) return Array.from({ length }, (_, i) => i);
    if (!(entry instanceof Slice)) return null;
    const { start, stop, step } = entry;
    const positions: number[] = [];
    const place = (bound: number) => bound < 0 ? bound + length : bound;
    for (let i = step > 0 ? 0 : length - 1; i >= 0 && i < length; i += Math.sign(step)) {
      const first = start === null ? (step > 0 ? 0 : length - 1) : place(start);
      const clamped = Math.min(
        Math.max(first, step > 0 ? 0 : -1),
        step > 0 ? length : length - 1,
      );
      const inside = step > 0
        ? i >= clamped && (stop === null || i < place(stop))
        : i <= clamped && (stop === null || i > place(stop));
      if (inside && (i - clamped) % step === 0) positions.push(i);
    }
    return positions;
  });
  const advanced = entries.map((entry, i) => isAdvanced(entry) ? i : -1).filter((i) => i >= 0);
  const areNeighbours = advanced.every((place, i) => place === advanced[0] + i);
  const slices = lists.map((list, axis) => ({ list, axis })).filter(({ list }) => list !== null);
  const firstAxis = all.findIndex(isAdvanced);
  const before = tensors.length > 0 && !areNeighbours
    ? 0
    : slices.filter(({ axis }) => firstAxis < 0 || axis < firstAxis).length;
  const shape = slices.map(({ list }) => list!.length);
  shape.splice(before, 0, ...common);
  const positions: number[] = [];
  const visit = (at: readonly number[]): void => {
    if (at.length < shape.length) {
      for (let i = 0; i < shape[at.length]; i++) visit([...at, i]);
      return;
    }
    const inTensor = at.slice(before, before + common.length);
    const inSlices = [...at.slice(0, before), ...at.slice(before + common.length)];
    let flat = 0;
    all.forEach((entry, axis) => {
      let position: number;
      const slice = slices.findIndex((s) => s.axis === axis);
      if (slice >= 0) position = slices[slice].list![inSlices[slice]];
      else if (typeof entry === "number") position = entry;
      else {
        const t = entry as Tensor;
        const own = inTensor.slice(common.length - t.ndim);
        const place = stridesOf(t.shape).reduce(
          (sum, stride, i) => sum + stride * (t.shape[i] === 1 ? 0 : own[i]),
          0,
        );
        position = t.data()[place];
      }
      flat += (position < 0 ? position + x.shape[axis] : position) * strides[axis];
    });
    positions.push(flat);
  };
  visit([]);
  return { shape, positions };
}

/** Indices of every kind that fit a shape, index tensors broadcasting together. */
const places = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 }),
  common: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 0, maxLength: 2 }),
}).chain(({ shape, common }) => {
  const bound = fc.option(fc.integer({ min: -6, max: 6 }));
  const entryOf = (length: number): fc.Arbitrary<Index> =>
    fc.oneof(
      fc.integer({ min: -length, max: length - 1 }),
      fc.constant(null),
      fc.tuple(bound, bound, fc.constantFrom(1, 2, 3, -1, -2, -3))
        .map(([start, stop, step]) => slice(start, stop, step)),
      fc.tuple(fc.nat(common.length), fc.infiniteStream(fc.nat())).map(([drop, numbers]) => {
        const own = common.slice(drop).map((n) => numbers.next().value! % 4 === 0 ? 1 : n);
        const values = Int32Array.from(
          { length: sizeOf(own) },
          () => numbers.next().value! % (2 * length) - length,
        );
        return tensor(values).reshape(own);
      }),
    );
  return fc.tuple(fc.tuple(...shape.map(entryOf)), fc.nat(shape.length), fc.nat(2 * shape.length))
    .map(([entries, kept, dots]) => {
      const list: Index[] = entries.slice(0, kept);
      if (dots <= list.length && kept === shape.length) list.splice(dots, 0, "...");
      return { shape, list };
    });
});

Deno.test("index, set and addAt agree with NumPy's rule element by element", () => {
  fc.assert(
    fc.property(places, ({ shape, list }) => {
      const x = counted(shape);
      const expected = reference(x, list);
      const part = index(x, ...list);
      assertEquals(part.shape, expected.shape);
      assertEquals([...part.data()], expected.positions);
      const values = counted(expected.shape).add(100);
      const replaced = [...x.data()];
      const summed = [...x.data()];
      expected.positions.forEach((at, i) => replaced[at] = 100 + i);
      expected.positions.forEach((at, i) => summed[at] += 100 + i);
      assertEquals([...set(x, list, values).data()], replaced);
      assertEquals([...addAt(x, list, values).data()], summed);
    }),
    { seed: 1, numRuns: 400 },
  );
});

Deno.test("set broadcasts and converts its values", () => {
  assertTensorsClose(set(zeros([2, 3]), [null, [0, 2]], 7), [[7, 7, 0], [7, 7, 0]]);
  assertTensorsClose(set(zeros([2, 2]), [], [[1], [2]]), [[1, 1], [2, 2]]);
  assertTensorsClose(set(zeros([4]), [[null, null, -2]], [1, 2]), [0, 2, 0, 1]);
  assertTensorsClose(set(zeros([3]), [int32([0, 1, 0])], [1, 2, 3]), [3, 2, 0]);
  assertTensorsClose(set(zeros([]), [], 5), 5);
  const typeOf = (x: Tensor, values: TensorLike) => showType(set(x, [0], values));
  assertEquals(typeOf(int32([1, 2]), 3), "int32[2]");
  assertEquals(typeOf(int32([[1, 2]]), [3, 4]), "int32[1,2]");
  assertEquals(typeOf(zeros([2]), float64(3)), "float32[2]");
  assertEquals(typeOf(zeros([2]), int32(3)), "float32[2]");
  assertEquals(typeOf(int32([1, 2]), true), "int32[2]");
  assertEquals(set(tensor([true, true]), [0], false).toArray(), [false, true]);
  assertEquals(set(float64([0]), [0], 0.1).toArray(), [0.1]);
  const x = ones([2]);
  assertTensorsClose(x.set([0], 5), [5, 1]);
  assertTensorsClose(x, [1, 1]);
  assertStrictEquals(set(x, [int32([])], 1), x);
});

Deno.test("of values set in one place the last stays, and of values added all", () => {
  const at = [int32([1, 1, -2]), int32([0, 0, 0])];
  assertTensorsClose(set(zeros([3, 2]), at, [1, 2, 3]), [[0, 0], [3, 0], [0, 0]]);
  assertTensorsClose(addAt(zeros([3, 2]), at, [1, 2, 3]), [[0, 0], [6, 0], [0, 0]]);
});

Deno.test("slices are said in one way, and what could be a list is refused", () => {
  assertEquals(String(slice(1, null, -2)), "slice(1, null, -2)");
  const wrong = slice as (...args: readonly unknown[]) => unknown;
  assertRefused(
    () => wrong(3),
    ArgumentError,
    "Cannot slice by one number: write slice(3, null) for what begins there, or slice(null, 3) " +
      "for what ends there",
  );
  assertRefused(
    () => wrong(0, "1", 0),
    ArgumentError,
    'Cannot slice by (0, "1", 0): expected integers or null as start and stop, and an integer that ' +
      "is not 0 as step",
  );
});

Deno.test("newAxis gives the part an axis, and changes go to where it points", () => {
  const x = counted([2, 3]);
  assertEquals(shapeAt([2, 3], newAxis, "...", newAxis), [1, 2, 3, 1]);
  assertEquals(shapeAt([2, 3], 1, newAxis), [1, 3]);
  assertEquals(shapeAt([5, 6, 3], int32([0, 1]), newAxis, int32([0, 1])), [2, 1, 3]);
  assertEquals(shapeAt([5, 6, 3], newAxis, int32([0, 1]), int32([0, 1])), [1, 2, 3]);
  assertTensorsClose(x.at(null, newAxis, [1, 3]), [[[1, 2]], [[4, 5]]]);
  assertTensorsClose(x.set([0, newAxis], [[7, 8, 9]]), [[7, 8, 9], [3, 4, 5]]);
  assertTensorsClose(x.addAt([newAxis, null, 0], [[10, 20]]), [[10, 1, 2], [23, 4, 5]]);
  checkGrads((x: Tensor) => x.at(newAxis, [0, 1]).square(), [float64([[1, 2], [3, 4]])]);
});

/** Where masks are true, as index tensors. */
const placesOf = (mask: Tensor): Tensor[] => {
  const flat = [...mask.data()].flatMap((truth, i) => truth ? [i] : []);
  const strides = stridesOf(mask.shape);
  return mask.shape.map((length, axis) =>
    int32(flat.map((i) => Math.floor(i / strides[axis]) % length))
  );
};

Deno.test("masks choose what their positions choose, in every place", () => {
  const masked = fc.record({
    lengths: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
    before: fc.array(fc.constantFrom("all", "first", "new", "half"), { maxLength: 2 }),
    behind: fc.array(fc.constantFrom("all", "first", "new", "half"), { maxLength: 2 }),
    truth: fc.infiniteStream(fc.boolean()),
  });
  const entryOf: Readonly<Record<string, Index>> = {
    all: null,
    first: 0,
    new: newAxis,
    half: [0, 1],
  };
  const lengthsOf = (kinds: readonly string[]) =>
    kinds.filter((kind) => kind !== "new").map(() => 2);
  fc.assert(
    fc.property(masked, ({ lengths, before, behind, truth }) => {
      const x = counted([...lengthsOf(before), ...lengths, ...lengthsOf(behind)]);
      const mask = tensor(Array.from({ length: sizeOf(lengths) }, () => truth.next().value!))
        .reshape(lengths);
      const around = (...middle: readonly Index[]) => [
        ...before.map((kind) => entryOf[kind]),
        ...middle,
        ...behind.map((kind) => entryOf[kind]),
      ];
      const [byMask, byPlaces] = [around(mask), around(...placesOf(mask))];
      const part = index(x, ...byPlaces);
      assertEquals(index(x, ...byMask).toArray(), part.toArray());
      const values = part.mul(2).add(100);
      assertEquals(set(x, byMask, values).toArray(), set(x, byPlaces, values).toArray());
      assertEquals(addAt(x, byMask, values).toArray(), addAt(x, byPlaces, values).toArray());
      // Values that are the same for all chosen entries: the mask may be traced.
      const count = Number(mask.sum().item());
      const axis = index(x, ...around(...lengths.map(() => int32([0])))).shape.findIndex((_, i) =>
        shapeAt(x.shape, ...around(...lengths.map(() => int32([0, 0]))))[i] === 2 &&
        shapeAt(x.shape, ...around(...lengths.map(() => int32([0, 0, 0]))))[i] === 3
      );
      const one = counted(part.shape.with(axis, 1)).add(50);
      for (const same of [tensor(7), one]) {
        for (const change of [set, addAt]) {
          const expected = count === 0 ? x : change(x, byPlaces, same);
          assertEquals(change(x, byMask, same).toArray(), expected.toArray());
          const traced = jit((x: Tensor, mask: Tensor, same: Tensor) =>
            change(x, around(mask), same)
          );
          assertEquals(traced(x, mask, same).toArray(), expected.toArray());
        }
      }
    }),
    { seed: 1, numRuns: 40 },
  );
});

Deno.test("masks that are traced choose where that needs no number", () => {
  const x = float64([1, -2, 3]);
  const relu = (x: Tensor) => x.set([x.less(0)], 0);
  assertTensorsClose(jit(relu)(x), [1, 0, 3]);
  assertTensorsClose(vmap(relu)(stack([x, x.neg()])), [[1, 0, 3], [0, 2, 0]]);
  checkGrads(relu, [x]);
  checkGrads((x: Tensor, v: Tensor) => x.addAt([x.less(0)], v).at(x.greater(0)), [x, float64(2)]);
  assertTensorsClose(grad((x: Tensor) => x.at(x.greater(0)).square().sum())(x), [2, 0, 6]);
  assertRefused(
    () => jit((x: Tensor) => x.at(x.less(0)))(x),
    TraceError,
    "Cannot index by the mask bool[3] while jit traces it: how many entries it chooses is not " +
      "known yet; use nonzero(mask, { size }), or where",
  );
  assertRefused(
    () => jit((x: Tensor) => x.set([x.less(0)], x))(x),
    TraceError,
    "Cannot index by the mask bool[3] while jit traces it: how many entries it chooses is not " +
      "known yet; use nonzero(mask, { size }), or where",
  );
});

Deno.test("places without tensors use no gather and no scatter", () => {
  const forbidden = ["gather", "scatterAdd", "scatterSet", "scatterOnto"];
  const f = (x: Tensor) =>
    addAt(set(x, [0, [null, null, 2]], x.at(1, [null, null, -2])), [null, 1], 3);
  const used = primitivesOf(f, zeros([2, 4]));
  assertEquals(used.filter((name) => forbidden.includes(name)), []);
});

Deno.test("an integer out of range is refused at once", () => {
  const cases: readonly (readonly [number[], readonly unknown[], string])[] = [
    [[3], [5], "Cannot index float32[3] with 5 on axis 0: expected -3 to 2"],
    [[2, 3], [null, -4], "Cannot index float32[2,3] with -4 on axis 1: expected -3 to 2"],
    [[0], [0], "Cannot index float32[0] with 0 on axis 0: the axis is empty"],
    [[2], [0, 1], "Cannot index float32[2] with 2 entries: it has 1 axis"],
    [[3], [0.5], "Cannot index float32[3] with 0.5 on axis 0: expected an integer"],
    [[3], [NaN], "Cannot index float32[3] with NaN on axis 0: expected an integer"],
    [
      [3],
      [true],
      "Cannot index float32[3] with true on axis 0: choose by a mask, a tensor of booleans",
    ],
    [
      [3],
      ["0"],
      'Cannot index float32[3] with "0" on axis 0: expected an integer, a slice, null, "...", ' +
      "newAxis or a tensor of integers or booleans",
    ],
    [
      [3],
      [[null, 2, 0]],
      "Cannot index float32[3] with [null, 2, 0] on axis 0: the step must not be 0",
    ],
    [
      [3],
      [[0.5, 2]],
      "Cannot index float32[3] with [0.5, 2] on axis 0: expected [start, stop] of integers and " +
      "null, or slice(start, stop, step); entries are chosen by a tensor or typed array of integers, " +
      "or by a tensor of bools",
    ],
    [
      [9],
      [[0, 4, 2]],
      "Cannot index float32[9] with [0, 4, 2] on axis 0: write slice(0, 4, 2) for a slice, and " +
      'tensor([0, 4, 2], { dtype: "int32" }) or an Int32Array for a list of entries',
    ],
    [
      [9],
      [null, [2, 1]],
      "Cannot index float32[9] with 2 entries: it has 1 axis",
    ],
    [
      [2, 9],
      [null, [2, 1]],
      "Cannot index float32[2,9] with [2, 1] on axis 1: write slice(2, 1) for a slice, and " +
      'tensor([2, 1], { dtype: "int32" }) or an Int32Array for a list of entries',
    ],
    [
      [3],
      [[1]],
      "Cannot index float32[3] with [1] on axis 0: write slice(1, null) for a slice, and " +
      'tensor([1], { dtype: "int32" }) or an Int32Array for a list of entries',
    ],
    [
      [3, 4],
      [newAxis, 0, tensor([[true]])],
      "Cannot index float32[3,4] with 2 entries for 3 axes: it has 2 axes",
    ],
    [[3], [int32([0, 7])], "Cannot index float32[3] with 7 on axis 0: expected -3 to 2"],
    [
      [2, 4],
      [int32([0]), new Int8Array([-5])],
      "Cannot index float32[2,4] with -5 on axis 1: expected -4 to 3",
    ],
  ];
  for (const [shape, entries, message] of cases) {
    assertRefused(() => index(zeros(shape), ...entries as Index[]), IndexError, message);
  }
  assertRefused(
    () => index(zeros([2]), "...", "..."),
    ArgumentError,
    'Cannot index float32[2]: "..." may occur only once',
  );
});

Deno.test("index tensors must be integers that broadcast together", () => {
  const x = zeros([3, 4]);
  assertRefused(
    () => index(x, null, tensor([true, false, true])),
    ShapeError,
    "Cannot index float32[3,4] by the mask bool[3] on axis 1: expected the shape [4]",
  );
  assertRefused(
    () => index(x, null, tensor([1, 2])),
    DtypeError,
    "Cannot index float32[3,4] with float32[2] on axis 1: expected an integer dtype; " +
      'convert with astype("int32")',
  );
  assertRefused(
    () => index(x, int32([0, 1]), int32([0, 1, 2])),
    ShapeError,
    "Cannot index float32[3,4] with indices int32[2] and int32[3]: " +
      "shapes must broadcast, axis -1 has lengths 2 and 3",
  );
});

Deno.test("traced index tensors out of range are refused by the evaluation", () => {
  const x = zeros([3, 4]);
  const one = vmap((i: Tensor) => index(x, i));
  assertRefused(
    () => one(int32([0, 3])),
    IndexError,
    "Cannot index float32[3,4] with 3 on axis 0: expected -3 to 2",
  );
  assertRefused(
    () => one(int32([0, -4])),
    IndexError,
    "Cannot index float32[3,4] with -4 on axis 0: expected -3 to 2",
  );
  // Row 0, column 5 would be row 1, column 1 among all elements.
  const two = vmap((i: Tensor, j: Tensor) => index(x, i, j));
  assertRefused(
    () => two(int32([0]), int32([5])),
    IndexError,
    "Cannot index float32[3,4] with 5 on axis 1: expected -4 to 3",
  );
  assertRefused(
    () => vmap((i: Tensor) => set(x, [i], 1))(new Uint32Array([0xffffffff])),
    IndexError,
    "Cannot index float32[3,4] with 4294967295 on axis 0: expected -3 to 2",
  );
  // Compiled code stops, and the evaluator says the same of the same entry; in loops, too.
  const three = zeros([2, 3, 4]);
  const lists = [int32([0, 1, 1]), int32([1, 2, 0]), int32([3, -5, 0])] as const;
  const batch = [int32([[0, 1, 1]]), int32([[1, 2, 0]]), int32([[3, -5, 0]])] as const;
  const wrong = "Cannot index float32[2,3,4] with -5 on axis 2: expected -4 to 3";
  const uses: ((x: Tensor, i: Tensor, j: Tensor, k: Tensor) => Tensor)[] = [
    (x, i, j, k) => index(x, i, j, k),
    (x, i, _j, k) => index(x, i, [0, 2], k),
    (x, i, _j, k) => index(x, i, null, k),
    (x, i, j, k) => set(x, [i, j, k], 1),
    (x, i, j, k) => addAt(x, [i, j, k], 1),
    (x, i, j, k) => grad((x: Tensor) => index(x, i, j, k).sum())(x),
    (x, i, j, k) => {
      const step = (sum: Tensor, [i, j, k]: readonly Tensor[]): [Tensor, Tensor] => {
        const next = sum.add(index(x, i, j, k));
        return [next, next];
      };
      return scan(step, tensor(0), [i, j, k] as const)[0];
    },
  ];
  for (const use of uses) {
    const compiled = jit(use);
    for (let i = 0; i < 2; i++) assertRefused(() => compiled(three, ...lists), IndexError, wrong);
    assertRefused(() => vmap(use, [null, 0, 0, 0])(three, ...batch), IndexError, wrong);
  }
});

Deno.test("traced index tensors count from the back, too", () => {
  const x = counted([3, 4]);
  const i = int32([0, -1, 2]);
  const j = int32([-1, 1, -4]);
  assertTensorsClose(vmap((i: Tensor) => index(x, i))(i), index(x, i));
  assertTensorsClose(
    vmap((i: Tensor, j: Tensor) => index(x, i, j))(i, j),
    index(x, i, j),
  );
  assertTensorsClose(vmap((i: Tensor) => take(x, i, 1))(j), take(x, j, 1).transpose());
});

Deno.test("set and addAt refuse values that do not fit", () => {
  const x = zeros([2, 3]);
  assertRefused(
    () => set(x, [0], [1, 2]),
    ShapeError,
    "Cannot set in float32[2,3]: cannot broadcast float32[2] to [3]: " +
      "axis 0 has length 2, expected 1 or 3",
  );
  assertRefused(
    () => set(int32([1]), [0], zeros([])),
    DtypeError,
    "Cannot set in int32[1]: float32[] does not fit int32; convert one of them with astype",
  );
  assertRefused(
    () => set(int32([1]), [0], 0.5),
    DtypeError,
    "Cannot set in int32[1]: 0.5 is not an integer from -2147483648 to 2147483647, " +
      "as int32 needs; convert with astype or choose another dtype",
  );
  assertRefused(
    () => set(x, 0 as unknown as Index[], 1),
    ArgumentError,
    "Cannot set in float32[2,3]: expected a list of indices such as [0, null], got 0",
  );
  assertRefused(
    () => addAt(tensor([true]), [0], true),
    DtypeError,
    "Cannot add in bool[1]: expected numbers; convert with astype",
  );
  assertRefused(
    () => set(x, [3], 1),
    IndexError,
    "Cannot index float32[2,3] with 3 on axis 0: expected -2 to 1",
  );
});

Deno.test("take puts the shape of the indices in the axis's place", () => {
  const x = counted([2, 3, 4]);
  assertTensorsClose(take([5, 6, 7], [2, 0]), [7, 5]);
  assertTensorsClose(take([[5, 6], [7, 8]], -1), 8);
  assertEquals(take(x, [[0, 1]], 1).shape, [2, 1, 2, 4]);
  assertTensorsClose(take(x, [[0, -1]], 1).at(1, 0, 1), x.at(1, 2));
  assertEquals(take(x, 1, -1).shape, [2, 3]);
  assertEquals(take(zeros([0, 3]), int32([]), 0).shape, [0, 3]);
  assertRefused(
    () => take(x, [3], 1),
    IndexError,
    "Cannot take from float32[2,3,4] with 3 on axis 1: expected -3 to 2",
  );
  assertRefused(
    () => take(x, zeros([1])),
    DtypeError,
    "Cannot take from float32[24] with float32[1] as indices: expected an integer dtype; " +
      'convert with astype("int32")',
  );
  assertRefused(
    () => take(x, [true]),
    DtypeError,
    "Cannot take from float32[24] with bool[1] as indices: expected an integer dtype; " +
      "choose by a mask with where",
  );
});

Deno.test("takeAlongAxis undoes what argsort found, and broadcasts the other axes", () => {
  const x = float64([[3, 1, 2], [0, 5, 4]]);
  for (const axis of [0, 1, -1]) {
    assertTensorsClose(takeAlongAxis(x, argsort(x, axis), axis), sort(x, axis));
  }
  assertTensorsClose(takeAlongAxis(x, [[0, -1]], 1), float64([[3, 2], [0, 4]]));
  assertTensorsClose(takeAlongAxis([[1, 2]], [[0], [1]], 1), [[1], [2]]);
  assertRefused(
    () => takeAlongAxis(x, [0], 1),
    ShapeError,
    "Cannot take from float64[2,3] at int32[1] along axis 1: expected as many axes, got 2 and 1",
  );
  assertRefused(
    () => takeAlongAxis(x, zeros([3, 1], { dtype: "int32" }), 1),
    ShapeError,
    "Cannot take from float64[2,3] at int32[3,1] along axis 1: all other axes must broadcast",
  );
});

Deno.test("gather takes at indices that may be shorter on other axes", () => {
  const x = counted([3, 4]);
  assertTensorsClose(gather(x, [[3, 0], [1, -1]], 1), [[3, 0], [5, 7]]);
  assertTensorsClose(gather(x, [[2, 1], [0, 0]]), [[8, 5], [0, 1]]);
  assertEquals(gather(x, zeros([0, 4], { dtype: "int32" }), 1).shape, [0, 4]);
  assertRefused(
    () => gather(x, zeros([4, 1], { dtype: "int32" }), 1),
    ShapeError,
    "Cannot gather from float32[3,4] at int32[4,1] along axis 1: " +
      "axis 0 of the indices has length 4, more than 3",
  );
  assertRefused(
    () => gather(x, [[4]], 1),
    IndexError,
    "Cannot gather from float32[3,4] with 4 on axis 1: expected -4 to 3",
  );
});

Deno.test("scatterAdd adds what gather would take", () => {
  const x = ones([3, 2]);
  const indices = int32([[0, 2], [0, 2]]);
  assertTensorsClose(scatterAdd(x, indices, [[1, 2], [3, 4]]), [[5, 1], [1, 1], [1, 7]]);
  assertTensorsClose(scatterAdd(x, indices, 1), [[3, 1], [1, 1], [1, 3]]);
  assertTensorsClose(scatterAdd(x, [[1], [0]], [[5, 9], [6, 9], [7, 9]], 1), [
    [1, 6],
    [7, 1],
    [1, 1],
  ]);
  assertEquals(showType(scatterAdd(int32([1]), [0], [true])), "int32[1]");
  assertRefused(
    () => scatterAdd(x, indices, [[1, 2]]),
    ShapeError,
    "Cannot scatter to float32[3,2] at int32[2,2] along axis 0 with updates float32[1,2]: " +
      "axis 0 of the updates has length 1, less than 2",
  );
  assertRefused(
    () => scatterAdd(x, indices, [1, 2]),
    ShapeError,
    "Cannot scatter to float32[3,2] at int32[2,2] along axis 0 with updates float32[2]: " +
      "expected as many axes, got 2 and 1",
  );
  assertRefused(
    () => scatterAdd(int32([1]), [0], zeros([1])),
    DtypeError,
    "Cannot scatter to int32[1]: float32[1] does not fit int32; convert one of them with astype",
  );
  assertRefused(
    () => scatterAdd(x, [[3, 0]], 1),
    IndexError,
    "Cannot scatter to float32[3,2] with 3 on axis 0: expected -3 to 2",
  );
});

const repeated = int32([[2, 0], [0, 2]]);
const functions: Readonly<Record<string, (x: Tensor, v: Tensor) => Tensor>> = {
  "index by slices": (x) => index(x, [null, null, -2], 1),
  "index by tensors": (x) => index(x, null, repeated),
  "index by two tensors": (x) => index(x, int32([0, 0, 2]), int32([1, 1, 0])),
  "set by slices": (x, v) => set(x, [[null, null, -2]], v.at([0, 2])),
  "set everywhere": (x, v) => set(x, [[null, null, -1]], v),
  "set by repeated tensors": (x, v) => set(x, [null, int32([1, 0, 1])], v),
  "set by two tensors": (x, v) => set(x, [int32([0, 0, 2]), int32([1, 1, 0])], v.at(0)),
  "set by tensors and slices": (x, v) => set(x, [[0, 2], int32([2, 2])], v.at([0, 2], [0, 2])),
  "addAt by slices": (x, v) => addAt(x, [[null, null, 2]], v.at([0, 2])),
  "addAt by repeated tensors": (x, v) => addAt(x, [repeated, 0], v.at([0, 2], [0, 2])),
  "index by scalars": (x) => index(x, int32(1), int32(-1)),
  "set by scalars": (x, v) => set(x, [int32(-1), [null, null, -1]], v.at(0)),
  "set by scalars and steps": (x, v) => set(x, [[null, null, 2], int32(1)], v.at(0, [0, 2])),
  "addAt by scalars": (x, v) => addAt(x, [int32(2), int32(1)], v.at(0, 0)),
  dynamicSlice: (x) => dynamicSlice(x, [int32(1), 0], [2, 2]),
  dynamicUpdateSlice: (x, v) => dynamicUpdateSlice(x, v.at([0, 2], [1, 2]), int32([1, 2])),
  take: (x) => take(x, repeated, 1),
  takeAlongAxis: (x) => takeAlongAxis(x, int32([[0, 0], [2, 1], [1, 1]]), 1),
  gather: (x) => gather(x, repeated),
  scatterAdd: (x, v) => scatterAdd(x, repeated, v, 1),
};

for (const [name, f] of Object.entries(functions)) {
  Deno.test(`${name} is differentiable in all arguments, and vmap of it equals a loop`, () => {
    const x = float64([[0.5, -1.25, 2], [3.5, 0.25, -4], [1, 2.5, -3]]);
    const v = float64([[1.5, -2, 0.75], [-0.5, 4, 1], [2, 0.125, 3]]);
    checkGrads((x: Tensor, v: Tensor) => f(x, v).square(), [x, v]);
    const [xs, vs] = [x, v].map((y) => stack([y, y.mul(2), y.sub(1)]));
    const loop = (g: (i: number) => Tensor) => stack([0, 1, 2].map(g));
    assertTensorsClose(vmap(f)(xs, vs), loop((i) => f(xs.at(i), vs.at(i))));
    assertTensorsClose(vmap(f, [0, null])(xs, v), loop((i) => f(xs.at(i), v)));
    assertTensorsClose(vmap(f, [null, 2])(x, vs.moveaxis(0, 2)), loop((i) => f(x, vs.at(i))));
  });
}

Deno.test("vmap over index tensors equals a loop for every function that takes them", () => {
  const x = float64([[0.5, -1.25, 2], [3.5, 0.25, -4], [1, 2.5, -3]]);
  const is = int32([[[0, -1], [1, 1]], [[2, 2], [-3, 0]]]);
  const uses: Readonly<Record<string, (i: Tensor) => Tensor>> = {
    index: (i) => index(x, null, i),
    two: (i) => index(x, i, int32([0, 1])),
    set: (i) => set(x, [i, 1], x.at([0, 2], [0, 2])),
    addAt: (i) => addAt(x, [i], 1),
    take: (i) => take(x, i, 1),
    takeAlongAxis: (i) => takeAlongAxis(x.at([0, 2]), i, 1),
    gather: (i) => gather(x, i, 1),
    scatterAdd: (i) => scatterAdd(x, i, x),
    indexByScalars: (i) => index(x, i.at(0, 0), [null, null, -1], "...").mul(x.at(i.at(1, 0), 1)),
    columns: (i) => index(x, [0, 2], i.at(0, 1)),
    setByScalars: (i) => set(x, [i.at(0, 0), i.at(0, 1)], 7),
    setColumn: (i) => set(x, [[null, null, -1], i.at(0, 1)], [1, 2, 3]),
    setStepped: (i) => set(x, [i.at(0, 1), [null, null, 2]], [1, 2]),
    addByScalars: (i) => addAt(x, [i.at(0, 0), [1, 3]], [1, 2]),
    dynamicSlice: (i) => dynamicSlice(x, i.at(0), [2, 2]),
    dynamicUpdateSlice: (i) => dynamicUpdateSlice(x, x.at([0, 2], [1, 3]), [i.at(0, 1), 1]),
  };
  for (const [message, f] of Object.entries(uses)) {
    assertTensorsClose(vmap(f)(is), stack([f(is.at(0)), f(is.at(1))]), { message });
  }
});

Deno.test("only the values that stay have a derivative", () => {
  const at = [int32([0, 0, 2])];
  const g = grad((v: Tensor) => set(zeros([3]), at, v).sum())(ones([3]));
  assertTensorsClose(g, [0, 1, 1]);
  const h = grad((x: Tensor) => set(x, at, 5).sum())(ones([3]));
  assertTensorsClose(h, [0, 1, 0]);
  const [, tangent] = jvp((x: Tensor) => x.at(int32([1, 1])), [ones([2])], [tensor([3, 4])]);
  assertTensorsClose(tangent, [4, 4]);
});

Deno.test("the derivatives of parts of a large tensor add up, of empty parts too", () => {
  const x = counted([2, 8, 256]).div(1000);
  const ranges = [[0, 2, 2], [1, 1, 1], [2, 2, 2], [0, 1, 5], [1, 2, 3]];
  for (const a of ranges) {
    for (const b of ranges) {
      const [start, stop, step] = [0, 1, 2].map((i) => [a[i], b[i], [3, 60, 2][i]]);
      const f = (x: Tensor) =>
        x.cos().sum().add(slicing.slice(x, start, stop, step).square().sum());
      const places = start.map((from, i): Index => slice(from, stop[i], step[i]));
      const expected = x.sin().neg().add(addAt(zeros(x.shape), places, x.mul(2).at(...places)));
      assertTensorsClose(grad(f)(x), expected, { rtol: 1e-5, atol: 1e-6 });
      assertTensorsClose(jit(grad(f))(x), expected, { rtol: 1e-5, atol: 1e-6 });
    }
  }
});

Deno.test("dynamicSlice and dynamicUpdateSlice move blocks to where they fit", () => {
  const x = tensor([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]);
  // The reference values are those of JAX's dynamic_slice and dynamic_update_slice.
  assertTensorsClose(dynamicSlice(x, [1, 2], [2, 2]), [[7, 8], [11, 12]]);
  assertTensorsClose(dynamicSlice(x, [2, 3], [2, 2]), [[7, 8], [11, 12]]);
  assertTensorsClose(dynamicSlice(x, [-1, -2], [1, 2]), [[11, 12]]);
  assertTensorsClose(dynamicSlice(x, [-9, 0], [1, 3]), [[1, 2, 3]]);
  assertEquals(dynamicSlice(x, [0, 1], [0, 2]).shape, [0, 2]);
  const at = int32([2, 1]);
  assertTensorsClose(dynamicSlice(x, at, [1, 2]), [[10, 11]]);
  assertTensorsClose(x.dynamicSlice([at.at(1), int32(9)], [1, 1]), [[8]]);
  assertTensorsClose(x.dynamicUpdateSlice([[0, 1]], [2, -1]), [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 10, 0, 1],
  ]);
  assertRefused(
    () => dynamicSlice(x, [0], [1, 1]),
    ShapeError,
    "Cannot slice float32[3,4] from [0]: expected a list of 2, one start per axis",
  );
  assertRefused(
    () => dynamicSlice(x, [0, 0], [4, 1]),
    ShapeError,
    "Cannot slice float32[3,4]: the size 4 on axis 0 must be an integer from 0 to 3",
  );
  assertRefused(
    () => dynamicSlice(x, [0.5, 0], [1, 1]),
    DtypeError,
    "Cannot slice float32[3,4] from 0.5 on axis 0: expected an integer",
  );
  assertRefused(
    () => dynamicSlice(x, int32([0]), [1, 1]),
    ShapeError,
    "Cannot slice float32[3,4] from int32[1]: expected one start per axis, [2]",
  );
  assertRefused(
    () => dynamicUpdateSlice(x, 7, at),
    ShapeError,
    "Cannot update float32[3,4] with float32[]: the block must have as many axes, none longer",
  );
});

Deno.test("positions of any integer dtype are those of int32, also on axes longer than it counts", () => {
  const uses: Record<string, (x: Tensor, at: Tensor) => Tensor> = {
    take: (x, at) => take(x, at),
    gather: (x, at) => gather(x, at),
    takeAlongAxis: (x, at) => takeAlongAxis(x, at, 0),
    scatterAdd: (x, at) => scatterAdd(x, at, [5, 7]),
    index: (x, at) => x.at(at),
    scalar: (x, at) => x.at(at.at(0)),
    set: (x, at) => set(x, [at], [5, 7]),
    setScalar: (x, at) => set(x, [at.at(0)], 5),
    addAt: (x, at) => addAt(x, [at], [5, 7]),
    dynamicSlice: (x, at) => dynamicSlice(x, [at.at(0)], [3]),
    startsInTensor: (x, at) => dynamicSlice(stack([x, x]), at, [1, 2]),
    dynamicUpdateSlice: (x, at) => dynamicUpdateSlice(x, [5, 7], [at.at(0)]),
    oneHot: (_, at) => oneHot(at, 300),
  };
  const x = arange(300);
  for (const dtype of ["int8", "uint8", "int16", "uint16", "uint32"] as const) {
    const entries = dtype.startsWith("u") ? [3, 100] : [-1, 100];
    const at = tensor(entries, { dtype });
    for (const [name, use] of Object.entries(uses)) {
      const expected = use(x, int32(entries));
      const message = `${name} of ${dtype}`;
      assertTensorsClose(use(x, at), expected, { message });
      assertTensorsClose(jit(use)(x, at), expected, { message });
      const rows = (row: Tensor) => stack([row, row]);
      assertTensorsClose(vmap(use)(rows(x), rows(at)), rows(expected), { message });
    }
  }
});

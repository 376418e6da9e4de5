import fc from "fast-check";
import { range, sizeOf, stridesOf } from "../../src/base/shape.ts";
import type { Shape } from "../../src/base/shape.ts";
import {
  combine,
  counter,
  type Division,
  padded,
  throughReshape,
} from "../../src/lowering/coordinates.ts";
import type { Affine } from "../../src/lowering/nest.ts";
import { at, forEachRound } from "../backends/wasm/kernels/nest_interpreter.ts";
import { assert, assertEquals } from "../support/std.ts";

const SEED = 20_240_501;

/** The number that an affine map gives, whatever number of loops it knows of. */
function evaluate(place: Affine, counters: readonly number[]): number {
  return at(padded(place, counters.length), counters);
}

/** Axes as loops, outermost first: one counter each, or several. */
function coordinatesOf(axes: readonly (readonly number[])[]): Affine[] {
  let next = 0;
  return axes.map((loops) =>
    combine(loops.map(() => counter(next++)), loops.map((_, i) => sizeOf(loops.slice(i + 1))))
  );
}

/** Where the elements of a reshape's result stand in row-major order, by `found` and truly. */
function checkPositions(
  found: readonly Affine[],
  coordinates: readonly Affine[],
  from: Shape,
  to: Shape,
  lengths: readonly number[],
): void {
  assertEquals(found.length, from.length);
  const [strides, own] = [stridesOf(to), stridesOf(from)];
  forEachRound(lengths, (_, counters) => {
    const flat = coordinates.reduce(
      (sum, place, i) => sum + strides[i] * evaluate(place, counters),
      0,
    );
    const places = found.map((place) => evaluate(place, counters));
    places.forEach((place, axis) => assert(place >= 0 && place < from[axis], `axis ${axis}`));
    assertEquals(places.reduce((sum, place, axis) => sum + own[axis] * place, 0), flat);
  });
}

/** A random division of a number into factors, in order. */
function divisions(size: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat({ max: 60 }), { maxLength: 5 }).map((choices) => {
    const factors: number[] = [];
    let rest = size;
    for (const choice of choices) {
      const divisors = range(rest + 1).filter((d) => d > 0 && rest % d === 0);
      const divisor = divisors[choice % divisors.length];
      factors.push(divisor);
      rest /= divisor;
    }
    return [...factors, rest];
  });
}

const sizes = fc.constantFrom(1, 2, 6, 12, 16, 24, 36, 60);

Deno.test("coordinates followed through a reshape are the true ones, for every counter", () => {
  let [followed, divided, neither] = [0, 0, 0];
  const cases = sizes.chain((size) => fc.record({ from: divisions(size), to: divisions(size) }));
  fc.assert(
    fc.property(cases, fc.infiniteStream(fc.nat({ max: 9 })), ({ from, to }, choices) => {
      // Each axis is one loop, or the loops of a division of it.
      let axes = to.map((length): number[] => {
        const divisors = range(length + 1).filter((d) => d > 0 && length % d === 0);
        const divisor = divisors[choices.next().value % divisors.length];
        return choices.next().value < 6 ? [length] : [divisor, length / divisor];
      });
      // What has to be divided is, as often as it takes.
      for (let round = 0;; round++) {
        assert(round < 10, "loops are divided again and again");
        const coordinates = coordinatesOf(axes);
        const lengths = axes.flat();
        const found = throughReshape(coordinates, from, to, lengths);
        if (found === null) return void neither++;
        if (!("loop" in found)) {
          followed++;
          return checkPositions(found, coordinates, from, to, lengths);
        }
        divided++;
        axes = divide(axes, found);
      }
    }),
    { seed: SEED, numRuns: 2000 },
  );
  assert(followed > 500 && divided > 100 && neither > 20, `${[followed, divided, neither]}`);
});

/** `axes` with a loop divided; fails unless the parts make up the whole. */
function divide(axes: readonly (readonly number[])[], { loop, lengths }: Division): number[][] {
  let next = 0;
  return axes.map((loops) =>
    loops.flatMap((length) => {
      if (next++ !== loop) return [length];
      assertEquals(sizeOf(lengths), length);
      assert(lengths.length > 1, "a loop is divided into itself");
      return lengths;
    })
  );
}

Deno.test("slices, steps and reversals before a reshape are followed or refused, never wrong", () => {
  let followed = 0;
  const cases = sizes.chain((size) => fc.record({ from: divisions(size), to: divisions(size) }));
  const cuts = fc.array(fc.record({ start: fc.nat(3), step: fc.integer({ min: -2, max: 3 }) }), {
    minLength: 6,
    maxLength: 6,
  });
  fc.assert(
    fc.property(cases, cuts, ({ from, to }, choices) => {
      // Each axis is counted from some place on in steps, forwards, backwards, or not at all.
      const loops = to.map((length, i) => {
        const { start, step } = choices[i];
        const first = Math.min(start, length - 1);
        const [offset, left] = step < 0
          ? [length - 1 - first, length - first]
          : [first, length - first];
        const rounds = step === 0 ? 2 : Math.ceil(left / Math.abs(step));
        return { offset, step, rounds };
      });
      const coordinates = loops.map(({ offset, step }, i) => combine([counter(i)], [step], offset));
      const lengths = loops.map(({ rounds }) => rounds);
      const found = throughReshape(coordinates, from, to, lengths);
      if (found === null || "loop" in found) return;
      followed++;
      checkPositions(found, coordinates, from, to, lengths);
    }),
    { seed: SEED, numRuns: 2000 },
  );
  assert(followed > 300, `${followed}`);
});

Deno.test("axes of length one come and go, and empty arrays have no places", () => {
  const place = counter(0);
  const one = { offset: 0, strides: [] };
  assertEquals(throughReshape([place], [1, 5, 1], [5], [5]), [one, place, one]);
  assertEquals(throughReshape([one, place, one], [5], [1, 5, 1], [5]), [
    combine([one, place, one], [5, 1, 1]),
  ]);
  assertEquals(throughReshape([], [1, 1], [], []), [one, one]);
  assertEquals(throughReshape([one], [], [1], []), []);
  assertEquals(throughReshape([place, counter(1)], [5, 0], [0, 7], [0, 7]), [one, one]);
});

Deno.test("the counter of a whole merged axis is what gets divided", () => {
  assertEquals(throughReshape([counter(0)], [2, 1, 3], [6], [6]), { loop: 0, lengths: [2, 3] });
  // Half of it, or another start, has no division that would do.
  assertEquals(throughReshape([counter(0)], [2, 3], [6], [5]), null);
  assertEquals(throughReshape([combine([counter(0)], [1], 1)], [2, 3], [6], [5]), null);
  assertEquals(throughReshape([combine([counter(0)], [-1], 5)], [2, 3], [6], [6]), null);
});

Deno.test("sums of counters forget what is multiplied by zero, and are filled up with zeros", () => {
  assertEquals(combine([counter(2), counter(0)], [3, 2], 1), { offset: 1, strides: [2, 0, 3] });
  assertEquals(combine([counter(2), counter(0)], [0, 2]), { offset: 0, strides: [2] });
  assertEquals(padded(counter(1), 4), { offset: 0, strides: [0, 1, 0, 0] });
  assertEquals(padded(counter(3), 2), { offset: 0, strides: [0, 0] });
});

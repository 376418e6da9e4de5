/**
 * What loop nests mean, computed plainly: each node for all rounds at once, by the primitives'
 * reference evaluation.
 *
 * @module
 */
import { allocate, type Dtype, type Elements, isHalf } from "../../../../src/base/dtype.ts";
import { decodeHalves, encodeHalves } from "../../../../src/base/half.ts";
import { Concrete } from "../../../../src/core/tensor.ts";
import type { Primitive } from "../../../../src/core/primitive.ts";
import type { Affine, Combination, LoopNode, Nest } from "../../../../src/lowering/nest.ts";
import * as arithmetic from "../../../../src/primitives/arithmetic.ts";
import * as comparison from "../../../../src/primitives/comparison.ts";
import { overPrimitive } from "../../../../src/primitives/moments.ts";
import { reduceMax, reduceMin, reduceProd } from "../../../../src/primitives/reduction.ts";
import {
  convertPrimitive,
  reduceSum,
  stopGradientPrimitive,
} from "../../../../src/primitives/structure.ts";
import * as transcendental from "../../../../src/primitives/transcendental.ts";
import type { Tensor } from "../../../../src/core/tensor.ts";

const primitives = new Map<string, Primitive<unknown>>();
for (const value of Object.values({ ...arithmetic, ...comparison, ...transcendental })) {
  if (typeof value === "object" && "evaluate" in value) {
    primitives.set(value.name, value as Primitive<unknown>);
  }
}
primitives.set("over", overPrimitive as Primitive<unknown>);
primitives.set("stopGradient", stopGradientPrimitive as Primitive<unknown>);

const reductions: Readonly<Record<Combination, (x: Tensor, axes: readonly number[]) => Tensor>> = {
  sum: reduceSum,
  prod: reduceProd,
  max: reduceMax,
  min: reduceMin,
};

/** Calls `visit` with the number of each round and its counters. */
export function forEachRound(
  lengths: readonly number[],
  visit: (round: number, counters: readonly number[]) => void,
): void {
  const rounds = lengths.reduce((count, length) => count * length, 1);
  const counters = lengths.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    visit(round, counters);
    for (let i = lengths.length - 1; i >= 0 && ++counters[i] === lengths[i]; i--) counters[i] = 0;
  }
}

/** The number that an affine map gives; loops without a counter have no say. */
export function at({ offset, strides }: Affine, counters: readonly number[]): number {
  return counters.reduce((sum, counter, i) => sum + strides[i] * counter, offset);
}

/** Bits of either. */
function join(x: Elements, y: Elements): Elements {
  const out = x.slice();
  const [bytes, more] = [out, y].map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  bytes.forEach((byte, i) => bytes[i] = byte | more[i]);
  return out;
}

/** What a buffer holds, as numbers. */
function numbersIn(buffer: Elements, dtype: Dtype): Elements {
  return isHalf(dtype) ? decodeHalves(buffer, dtype) : buffer;
}

/** Changes the buffers, which hold the bits of half floats, as a nest does. */
export function interpret(nest: Nest, buffers: readonly Elements[]): void {
  const { lengths, reduced } = nest;
  const rounds = lengths.reduce((count, length) => count * length, 1);
  const kept = lengths.length - reduced;
  const inner = lengths.slice(kept).reduce((count, length) => count * length, 1);
  const outer = lengths.slice(0, kept).reduce((count, length) => count * length, 1);
  const values: Elements[] = [];
  const loaded = buffers.map((buffer, i) => numbersIn(buffer, nest.buffers[i]));

  function compute(node: LoopNode): Elements {
    const out = allocate(node.dtype, rounds);
    switch (node.kind) {
      case "load":
        forEachRound(lengths, (round, counters) => {
          const isInside = (node.guards ?? []).every((guard) => {
            const number = at(guard, counters);
            return number >= 0 && number < guard.below;
          });
          if (isInside) out[round] = loaded[node.from.buffer][at(node.from, counters)];
        });
        return out;
      case "constant":
        return out.fill(node.value);
      case "given":
        throw new Error("Nests with numbers that are given are not interpreted");
      case "index":
        forEachRound(lengths, (round, counters) => out[round] = at(node.of, counters));
        return out;
      case "map": {
        if (rounds === 0) return out;
        const inputs = node.inputs.map((input) =>
          new Concrete(nest.nodes[input].dtype, [rounds], values[input])
        );
        const type = { dtype: node.dtype, shape: [rounds] };
        if (node.operation === "join") return join(values[node.inputs[0]], values[node.inputs[1]]);
        const [result] = node.operation === "convert"
          ? convertPrimitive.evaluate(inputs, { dtype: node.dtype }, [type])
          : primitives.get(node.operation)!.evaluate(inputs, node.params ?? null, [type]);
        return result.elements;
      }
      case "reduce": {
        const { input: place, times } = node;
        const elements = Float64Array.from(values[place]);
        if (times !== undefined) values[times].forEach((value, i) => elements[i] *= value);
        const input = nest.nodes[place].dtype === node.dtype && times === undefined
          ? new Concrete(node.dtype, [outer, inner], values[place])
          : new Concrete(node.dtype, [outer, inner], elements);
        const result = reductions[node.operation](input, [1]) as Concrete;
        forEachRound([outer, inner], (round, [i]) => out[round] = result.elements[i]);
        // Without rounds there are results all the same, one for each of the kept ones.
        return inner === 0 ? result.elements : out;
      }
    }
  }

  for (const node of nest.nodes) values.push(compute(node));
  const results = nest.stores.map(({ node, to }) => {
    const places: [place: number, value: number][] = [];
    forEachRound(lengths.slice(0, kept), (round, counters) => {
      places.push([at(to, counters), values[node][inner === 0 ? round : round * inner]]);
    });
    return { buffer: to.buffer, places };
  });
  for (const { buffer, places } of results) {
    const dtype = nest.buffers[buffer];
    for (const [place, value] of places) {
      buffers[buffer][place] = isHalf(dtype) ? encodeHalves([value], dtype)[0] : value;
    }
  }
}

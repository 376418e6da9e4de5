/**
 * Writes the code of a planned nest into a function: the loops and the nodes in them, each as far
 * out as possible.
 *
 * @module
 */
import { encode } from "../../../../base/data.ts";
import { byteSize } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import { f32x4, f64x2, i32, i8x16, select, v128 } from "../../assembler/operations.ts";
import type { Builder } from "../kernel.ts";
import type { LoopNode } from "../../../../lowering/nest.ts";
import type { Vector } from "../math/operation.ts";
import { Accumulator, addsDoubles, FOLDED_ROUNDS, upperHalf } from "./accumulate.ts";
import { inReduction, isLong, isRegular } from "./cost.ts";
import { Cursors, plus, scaled } from "./cursors.ts";
import { turningPoints } from "../../../../lowering/guards.ts";
import {
  constantVector,
  countingVector,
  givenVector,
  isPacked,
  type Lanes,
  packed,
  storeLane,
  storeVector,
} from "../lanes.ts";
import { activeIn, type Round, type Segment, shift, type Spot, writeLoad } from "./loads.ts";
import { type Applied, callOperation, prepareOperation } from "./operations.ts";
import { gatesOf } from "./gates.ts";
import { type Placement, placementsOf } from "./placement.ts";
import type { Plan } from "./plan.ts";
import { product, reducedBy } from "../../../../lowering/simplify_nest.ts";

/**
 * In nests of fewer rounds, long operations are calls: their run time does not matter, but the size
 * of their code does.
 */
const FEW_ROUNDS = 4096;

/** An operation that a nest contains more often than this is a call, too. */
const MOST_TIMES = 2;

type Reduction = LoopNode & { readonly kind: "reduce" };

/** A reduced loop, and the number of its rounds after which sums of doubles are folded. */
interface Folding {
  readonly loop: number;
  readonly every: number;
}

/** Writes one function. */
class Writer implements Spot {
  readonly code: Code;
  readonly plan: Plan;
  readonly cursors: Cursors;
  round: Round = { first: 0, vectors: 1, active: 1 };
  segment: Segment | undefined;
  readonly #builder: Builder;
  readonly #placements: readonly Placement[];
  readonly #gates: readonly (number | undefined)[];
  readonly #operations = new Map<number, (...inputs: readonly Vector[]) => Vector>();
  /** The value of each node: one local, or one for each vector of the round. */
  readonly #values: (readonly Local<"v128">[])[] = [];
  /** The number of rounds of the tile's loop that are done at once. */
  #tileRounds = 1;
  #accumulators: readonly Accumulator[] = [];
  /** The reductions that the loops are run for, and the nodes in the loops that these need. */
  #reductions: readonly Reduction[] = [];
  #isNeeded: readonly boolean[] = [];
  /** The point at which sums of doubles are folded. */
  #folding: Folding | undefined;

  constructor(builder: Builder, code: Code, plan: Plan, addresses: readonly Local<"i32">[]) {
    this.#builder = builder;
    this.code = code;
    this.plan = plan;
    this.cursors = new Cursors(code, plan.nest, addresses);
    this.#placements = placementsOf(plan);
    this.#gates = gatesOf(plan.nest);
    const prepared = new Map<string, (...inputs: readonly Vector[]) => Vector>();
    const { nodes, lengths } = plan.nest;
    const times = new Map<string, number>();
    for (const node of nodes) {
      if (node.kind === "map") times.set(node.operation, (times.get(node.operation) ?? 0) + 1);
    }
    nodes.forEach((node, i) => {
      if (node.kind !== "map") return;
      const from = node.inputs.map((input) => nodes[input].dtype);
      const { operation, params, dtype: to } = node;
      const applied: Applied = { operation, params, from, to, lanes: plan.lanes };
      const key = encode(applied);
      let write = prepared.get(key);
      if (write === undefined) {
        const isCalled = isLong(operation) &&
          (product(lengths) < FEW_ROUNDS || times.get(operation)! > MOST_TIMES);
        write = isCalled ? callOperation(builder, applied) : prepareOperation(code, applied);
        prepared.set(key, write);
      }
      this.#operations.set(i, write);
    });
  }

  /** Writes the work of one chunk. */
  write(chunk: Local<"i32">): void {
    const code = this.code;
    const { split, nest: { lengths } } = this.plan;
    this.#nodesAt(0);
    if (split.chunks === 1) {
      this.#loops(0);
      return;
    }
    const begin = code.let(scaled(chunk, split.perChunk));
    const sum = code.let(plus(begin, split.perChunk));
    const total = i32.const(split.count);
    const end = code.let(select(i32.ltU(sum, total), sum, total));
    const outer = split.loops.slice(0, -1);
    const last = split.loops[split.loops.length - 1];
    if (outer.length === 0) {
      this.#loops(0, { loop: last, from: begin, below: end });
      return;
    }
    // Each round does the rest of the last loop, or as much as is left of the chunk.
    const length = lengths[last];
    code.loop((again) => {
      const whole = code.let(i32.divU(begin, i32.const(length)));
      const from = code.let(i32.sub(begin, scaled(whole, length)));
      const left = code.let(i32.add(from, i32.sub(end, begin)));
      const below = code.let(select(i32.ltU(left, i32.const(length)), left, i32.const(length)));
      this.#outer(outer, whole, () => this.#loops(outer.length, { loop: last, from, below }));
      code.set(begin, i32.add(begin, i32.sub(below, from)));
      code.branchIf(again, i32.ltU(begin, end));
    });
  }

  /** Runs `body` in the round of the outer loops that has the given number. */
  #outer(loops: readonly number[], number: Local<"i32">, body: () => void): void {
    const code = this.code;
    if (loops.length === 0) return body();
    const [loop, ...rest] = loops;
    const inner = rest.reduce((count, i) => count * this.plan.nest.lengths[i], 1);
    const counter = inner === 1 ? number : code.let(i32.divU(number, i32.const(inner)));
    this.cursors.within(loop, counter, () => {
      this.#nodesAt(loop + 1);
      if (rest.length === 0) return body();
      this.#outer(rest, code.let(i32.sub(number, scaled(counter, inner))), body);
    });
  }

  /** Writes loop number `depth` and its contents. */
  #loops(depth: number, part?: Part): void {
    const { nest: { lengths }, kept, vector, tile } = this.plan;
    const isInnermost = depth === lengths.length;
    if (depth === kept && this.#accumulators.length === 0 && lengths.length > kept) {
      this.#reduce();
    } else if (isInnermost) this.#leaf();
    else if (depth === vector) this.#vectorLoop(depth, part);
    else if (depth === tile?.loop) this.#tileLoop(depth, tile.rounds, part);
    else this.#plainLoop(depth, part);
  }

  /** One round of a loop, its nodes first. */
  #inside(depth: number, part?: Part): void {
    this.#nodesAt(depth + 1);
    this.#loops(depth + 1, part);
  }

  #plainLoop(depth: number, part?: Part): void {
    const range = part?.loop === depth ? part : undefined;
    this.cursors.within(depth, range?.from ?? 0, (moved) => {
      const round = (): void => {
        this.#inside(depth, part);
        this.cursors.step(moved, depth, 1);
      };
      if (range === undefined) this.#repeat(this.plan.nest.lengths[depth], round, depth);
      else this.code.for(range, round);
    });
  }

  /** A loop of a number of rounds; sums are folded in it if it is that loop. */
  #repeat(rounds: number, round: () => void, depth: number): void {
    const { loop, every } = this.#folding ?? { loop: -1, every: 0 };
    if (depth !== loop || rounds <= every) {
      if (rounds === 1) round();
      else this.code.for({ below: rounds }, round);
      return;
    }
    this.code.for({ below: Math.floor(rounds / every) }, () => {
      this.#repeat(every, round, depth);
      for (const one of this.#accumulators) one.fold();
    });
    if (rounds % every > 0) this.#repeat(rounds % every, round, depth);
  }

  /** The point at which sums of doubles are folded, if there are enough rounds. */
  #foldingOf(reductions: readonly Reduction[]): Folding | undefined {
    const { nest: { nodes, lengths }, kept, vector, unroll, lanes } = this.plan;
    if (!reductions.some((node) => addsDoubles(node, nodes[node.input].dtype))) return undefined;
    let inner = 1;
    for (let loop = lengths.length - 1; loop >= kept; loop--) {
      const rounds = loop === vector ? Math.floor(lengths[loop] / (unroll * lanes)) : lengths[loop];
      if (inner * rounds > FOLDED_ROUNDS) return { loop, every: Math.ceil(FOLDED_ROUNDS / inner) };
      inner *= Math.max(1, rounds);
    }
    return undefined;
  }

  /** Runs `body` for a round of a number of vectors. */
  #inRound(round: Round, body: () => void): void {
    const before = this.round;
    this.round = round;
    body();
    this.round = before;
  }

  #vectorLoop(depth: number, part?: Part): void {
    const { nest, unroll, group, tile } = this.plan;
    const lanes = this.plan.lanes;
    const body = (size: number): void => {
      const vectors = tile === undefined ? Math.ceil(size / lanes) : this.#tileRounds;
      const rest = tile === undefined ? size - (vectors - 1) * lanes : size;
      const most = tile === undefined ? group : lanes;
      for (let first = 0; first < vectors; first += most) {
        const count = Math.min(most, vectors - first);
        const isLast = first + count === vectors;
        const active = isLast || tile !== undefined ? rest : lanes;
        this.#inRound({ first, vectors: count, active }, () => this.#inside(depth));
      }
      if (depth >= this.plan.kept) { for (const one of this.#accumulators) one.flush(); }
    };
    if (part?.loop === depth) {
      this.#cutLoop(depth, unroll * lanes, [lanes, 1], part, body);
      return;
    }
    // In each segment it is known which guards hold.
    const points = turningPoints(nest, depth);
    for (let i = 0; i + 1 < points.length; i++) {
      this.segment = { from: points[i], below: points[i + 1] };
      this.#blockLoop(depth, unroll * lanes, this.segment, body);
    }
    this.segment = undefined;
  }

  /** The loop around that of the vectors, in blocks of rounds that are done at once. */
  #tileLoop(depth: number, block: number, part?: Part): void {
    const body = (size: number): void => {
      this.#tileRounds = size;
      const round = { first: 0, vectors: size, active: this.plan.lanes };
      this.#inRound(round, () => this.#nodesAt(depth + 1));
      this.#loops(depth + 1, part);
    };
    if (part?.loop === depth) this.#cutLoop(depth, block, [this.plan.lanes, 1], part, body);
    else {
      const whole = { from: 0, below: this.plan.nest.lengths[depth] };
      this.#blockLoop(depth, block, whole, body);
    }
  }

  /** A segment of a loop in blocks of `block` rounds and a rest. */
  #blockLoop(
    depth: number,
    block: number,
    { from, below }: Segment,
    body: (size: number) => void,
  ): void {
    const full = Math.floor((below - from) / block);
    const rest = (below - from) % block;
    this.cursors.within(depth, from, (moved) => {
      if (full > 0) {
        this.#repeat(full, () => {
          body(block);
          if (full > 1 || rest > 0) this.cursors.step(moved, depth, block);
        }, depth);
      }
      if (rest > 0) body(rest);
    });
  }

  /** A chunk's part of a loop in blocks; if it may end anywhere, smaller blocks at its end. */
  #cutLoop(
    depth: number,
    block: number,
    smaller: readonly number[],
    { from, below }: Part,
    body: (size: number) => void,
  ): void {
    const { nest: { lengths }, split } = this.plan;
    const code = this.code;
    const length = lengths[depth];
    const rest = length % block;
    this.cursors.within(depth, from, (moved) => {
      const count = code.let(i32.sub(below, from));
      const blocks = (size: number): void =>
        code.for({ below: code.let(i32.divU(count, i32.const(size))) }, () => {
          body(size);
          this.cursors.step(moved, depth, size);
        });
      if (split.loops.length === 1 && split.perChunk % block === 0) {
        blocks(block);
        // Only the last chunk has a rest.
        if (rest > 0) code.if(i32.eq(below, i32.const(length)), () => body(rest));
        return;
      }
      for (const size of [block, ...smaller.filter((size) => size < block)]) {
        blocks(size);
        code.set(count, i32.remU(count, i32.const(size)));
      }
    });
  }

  /** Combines over the reduced loops, then continues with the results. */
  #reduce(): void {
    const { nest: { nodes, lengths }, kept, vector, unroll } = this.plan;
    const isHorizontal = vector >= kept;
    const most = Math.ceil(lengths[vector] / this.plan.lanes);
    const width = isHorizontal ? Math.min(unroll, most) : this.round.vectors;
    const run = (counts: (node: Reduction) => boolean): void => {
      const places = nodes.flatMap((node, i) => node.kind === "reduce" && counts(node) ? [i] : []);
      this.#reductions = places.map((i) => nodes[i] as Reduction);
      this.#isNeeded = inReduction(this.plan.nest, counts);
      this.#folding = this.#foldingOf(this.#reductions);
      const isFolded = this.#folding !== undefined;
      const shape = { width, isHorizontal, isAlone: places.length === 1, isFolded };
      const accumulators = this.#reductions.map((node) =>
        new Accumulator(this.code, node, nodes[node.input].dtype, this.plan.lanes, shape)
      );
      this.#accumulators = accumulators;
      for (const accumulator of accumulators) accumulator.start();
      this.#loops(kept);
      places.forEach((i, k) => this.#values[i] = accumulators[k].finish());
      this.#accumulators = [];
      this.#folding = undefined;
    };
    if (nodes.some((node) => node.kind === "reduce" && isRegular(node))) run(isRegular);
    const write = (i: number): void => {
      const node = nodes[i];
      if (node.kind === "reduce") run((one) => one === node);
      else this.#node(node, i);
    };
    const rest = range(nodes.length).filter((i) => {
      const node = nodes[i];
      return node.kind === "reduce" ? !isRegular(node) : this.#placements[i].isAfter;
    });
    while (rest.length > 0) {
      const gate = this.#gates[rest[0]];
      const next = rest.findIndex((i) => this.#gates[i] !== gate);
      const part = rest.splice(0, next < 0 ? rest.length : next);
      if (gate === undefined) part.forEach(write);
      else this.code.if(this.#isAnywhere(gate), () => part.forEach(write));
    }
    this.#stores();
  }

  /** Whether a test holds in any lane. */
  #isAnywhere(test: number): Expression<"i32"> {
    const flags = this.#values[test].map((flag): Vector => flag);
    return v128.anyTrue(flags.reduce((a, b) => v128.or(a, b)));
  }

  /** The work done in every round of all loops. */
  #leaf(): void {
    if (this.#accumulators.length === 0) {
      this.#stores();
      return;
    }
    const { first, vectors } = this.round;
    this.#reductions.forEach((node, k) => {
      for (let i = 0; i < vectors; i++) {
        const values = reducedBy(node).map((input) => this.#value(input, i));
        this.#accumulators[k].add(first + i, values, activeIn(this, i));
      }
    });
  }

  /** The nodes that are placed in exactly this many loops: loads first, so that they start early. */
  #nodesAt(depth: number): void {
    const { nodes } = this.plan.nest;
    for (const isLoad of [true, false]) {
      nodes.forEach((node, i) => {
        const placement = this.#placements[i];
        if (placement.depth !== depth || placement.isAfter) return;
        if (this.#accumulators.length > 0 && !this.#isNeeded[i]) return;
        if ((node.kind === "load") === isLoad) this.#node(node, i);
      });
    }
  }

  #value(node: number, vector: number): Local<"v128"> {
    const values = this.#values[node];
    if (values.length === 1) return values[0];
    const { tile } = this.plan;
    // Nodes outside of the loop of the vectors were computed for the whole tile.
    const isOutside = tile !== undefined && this.#placements[node].depth === tile.loop + 1;
    return values[isOutside ? this.round.first + vector : vector];
  }

  /** Computes a node. */
  #node(node: LoopNode, i: number): void {
    const code = this.code;
    const count = this.#placements[i].varies ? this.round.vectors : 1;
    const vectors = Array.from({ length: count }, (_, vector) => vector);
    switch (node.kind) {
      case "load":
        this.#values[i] = writeLoad(this, node, this.#placements[i].varies);
        break;
      case "constant":
        this.#values[i] = [code.let(constantVector(node.dtype, node.value, this.plan.lanes))];
        break;
      case "given": {
        const given = this.#builder.given(node.index, node.dtype);
        this.#values[i] = [code.let(givenVector(given, this.plan.lanes))];
        break;
      }
      case "index": {
        const { current, strides } = this.cursors.ofCount(node.of);
        const step = strides[this.plan.vector];
        this.#values[i] = vectors.map((vector) => {
          const first = plus(current, shift(this, strides, vector));
          return code.let(countingVector(code, node.dtype, first, step, this.plan.lanes));
        });
        break;
      }
      case "map": {
        const isPaired = this.#isPaired(i);
        if (node.operation === "convert" && this.#isPaired(node.inputs[0]) !== isPaired) {
          this.#values[i] = isPaired
            ? this.#widened(node.inputs[0])
            : this.#narrowed(this.#values[node.inputs[0]]);
          break;
        }
        const write = this.#operations.get(i)!;
        const isTwice = isPaired && this.#placements[i].varies;
        const parts = isTwice ? vectors.flatMap((k) => [2 * k, 2 * k + 1]) : vectors;
        this.#values[i] = parts.map((part) =>
          code.let(write(...node.inputs.map((input) => this.#value(input, part))))
        );
        break;
      }
      case "reduce":
        break;
    }
  }

  /** Whether doubles occur in a nest of 4 lanes: if they vary, each takes two vectors. */
  #isPaired(node: number): boolean {
    return this.plan.lanes === 4 && this.plan.nest.nodes[node].dtype === "float64";
  }

  /** Floats of 4 lanes as doubles. */
  #widened(node: number): readonly Local<"v128">[] {
    const values = this.#values[node];
    const halves = this.#placements[node].varies
      ? values.flatMap((value) => [value, upperHalf(value)])
      : values;
    return halves.map((half) => this.code.let(f64x2.promoteLowF32x4(half)));
  }

  /** Doubles as floats of 4 lanes. */
  #narrowed(values: readonly Local<"v128">[]): readonly Local<"v128">[] {
    const floats = values.map((value) => this.code.let(f32x4.demoteF64x2Zero(value)));
    const bytes = Array.from({ length: 16 }, (_, i) => i < 8 ? i : i + 8);
    const firsts = floats.length === 1 ? floats : floats.filter((_, i) => i % 2 === 0);
    return firsts.map((low, i) =>
      this.code.let(i8x16.shuffle(low, floats[2 * i + 1] ?? low, bytes))
    );
  }

  #stores(): void {
    const { nest: { stores, nodes }, kept, vector } = this.plan;
    const code = this.code;
    const isAlong = vector < kept;
    for (const { node, to } of stores) {
      const { dtype } = nodes[node];
      const { cursor: { current }, bytes } = this.cursors.ofAccess(to, false);
      const stride = to.strides[vector];
      const size = byteSize(dtype);
      // Along a reduced loop there is a single result, in all lanes.
      const parts = isAlong && this.#isPaired(node) ? 2 : 1;
      const lanes = this.plan.lanes / parts as Lanes;
      for (let k = 0; k < (isAlong ? this.round.vectors * parts : 1); k++) {
        const [i, first] = [Math.floor(k / parts), k % parts * lanes];
        const count = isAlong ? Math.min(activeIn(this, i) - first, lanes) : 1;
        const distance = isAlong ? shift(this, to.strides, i) + first * stride : 0;
        const start = bytes + size * distance;
        const value = this.#value(node, k);
        const ready = isPacked(dtype) ? code.let(packed(dtype, value, lanes)) : value;
        if (stride === 1 && count === lanes) {
          code.do(storeVector(dtype, current, start, ready, lanes));
        } else {
          for (let lane = 0; lane < count; lane++) {
            code.do(storeLane(dtype, current, start + lane * stride * size, ready, lane));
          }
        }
      }
    }
  }
}

/** A part of a loop, which a chunk does. */
interface Part {
  readonly loop: number;
  readonly from: Expression<"i32">;
  readonly below: Expression<"i32">;
}

/** Writes a function's body: the work of one chunk of a planned nest. */
export function writeNest(
  builder: Builder,
  code: Code,
  plan: Plan,
  addresses: readonly Local<"i32">[],
  chunk: Local<"i32">,
): void {
  new Writer(builder, code, plan, addresses).write(chunk);
}

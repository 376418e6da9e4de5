/**
 * The specification of nests, straight code and tasks, as a check that tests run on all lowered
 * programs: the guarantees for backends that write code.
 *
 * @module
 */
import { wideDtype } from "../base/dtype.ts";
import { internalError } from "../base/errors.ts";
import { sameShape, showType, sizeOf } from "../base/shape.ts";
import { typeOf } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import type { Access, Affine, Guard, LoopNode, Nest } from "./nest.ts";
import type { Straight } from "./straight_code.ts";
import { readsOf, writesOf } from "./tasks.ts";
import type { Lowered, Task } from "./tasks.ts";

/** The number of rounds up to which guarded accesses and injectivity are checked one by one. */
const MOST_ROUNDS = 20_000;

/** Throws, with the location, unless a condition holds. */
export function demand(condition: boolean, place: string, what: string): asserts condition {
  if (!condition) throw internalError(`${place}: ${what}`);
}

/** Whether a number is a valid count. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Calls `f` with the counters of every round. */
function forEachRound(lengths: readonly number[], f: (counters: readonly number[]) => void): void {
  const counters = lengths.map(() => 0);
  for (let left = sizeOf(lengths); left > 0; left--) {
    f(counters);
    for (let loop = lengths.length - 1; loop >= 0 && ++counters[loop] === lengths[loop]; loop--) {
      counters[loop] = 0;
    }
  }
}

function valueOf({ offset, strides }: Affine, counters: readonly number[]): number {
  return strides.reduce((sum, stride, loop) => sum + stride * counters[loop], offset);
}

/** The smallest and the largest value in all rounds. */
function rangeOf({ offset, strides }: Affine, lengths: readonly number[]): [number, number] {
  let [least, most] = [offset, offset];
  strides.forEach((stride, loop) => {
    const reach = stride * (lengths[loop] - 1);
    if (reach < 0) least += reach;
    else most += reach;
  });
  return [least, most];
}

/**
 * Throws unless a nest satisfies the specification of `Nest`; `sizes` are the numbers of elements of
 * its buffers.
 */
export function checkNest(nest: Nest, sizes: readonly number[], place = "nest"): void {
  const { lengths, reduced, buffers, nodes, stores } = nest;
  demand(lengths.every(isCount), place, `loops of lengths ${lengths}`);
  demand(isCount(reduced) && reduced <= lengths.length, place, `${reduced} loops are reduced`);
  demand(sizes.length === buffers.length, place, `${sizes.length} sizes for its buffers`);
  demand(stores.length > 0, place, "nothing is stored");
  const kept = lengths.length - reduced;
  const rounds = sizeOf(lengths);
  const isReduced = ({ strides }: Affine): boolean => strides.slice(kept).some((s) => s !== 0);

  function checkAffine(affine: Affine, what: string): void {
    const { offset, strides } = affine;
    demand(strides.length === lengths.length, place, `${what} has ${strides.length} strides`);
    demand([offset, ...strides].every(Number.isSafeInteger), place, `${what} is no integer`);
  }

  function checkAccess(access: Access, guards: readonly Guard[], what: string): void {
    checkAffine(access, what);
    demand(access.buffer in buffers, place, `${what} is of buffer ${access.buffer}`);
    if (rounds === 0) return;
    const size = sizes[access.buffer];
    const [least, most] = rangeOf(access, lengths);
    if (least >= 0 && most < size) return;
    demand(guards.length > 0, place, `${what} reaches from ${least} to ${most} of ${size}`);
    if (rounds > MOST_ROUNDS) return;
    forEachRound(lengths, (counters) => {
      const isOpen = guards.every((guard) => {
        const value = valueOf(guard, counters);
        return value >= 0 && value < guard.below;
      });
      const at = valueOf(access, counters);
      demand(!isOpen || (at >= 0 && at < size), place, `${what} reaches ${at} of ${size}`);
    });
  }

  function checkInjective(to: Access, what: string): void {
    const own = lengths.slice(0, kept);
    if (sizeOf(own) > MOST_ROUNDS) return;
    const seen = new Set<number>();
    const padded = lengths.slice(kept).map(() => 0);
    forEachRound(own, (counters) => {
      const at = valueOf(to, [...counters, ...padded]);
      demand(!seen.has(at), place, `${what} writes element ${at} twice`);
      seen.add(at);
    });
  }

  // For each node: whether it changes within the reduced loops, and whether it depends on a reduction.
  const inner: boolean[] = [];
  const behind: boolean[] = [];
  function checkNode(node: LoopNode, i: number): void {
    const what = `node ${i} (${node.kind})`;
    const earlier = (input: number): boolean => isCount(input) && input < i;
    inner[i] = behind[i] = false;
    switch (node.kind) {
      case "load": {
        const { from, guards = [] } = node;
        guards.forEach((guard) => checkAffine(guard, `a guard of ${what}`));
        checkAccess(from, guards, what);
        demand(buffers[from.buffer] === node.dtype, place, `${what} is ${node.dtype}`);
        inner[i] = [from, ...guards].some(isReduced);
        return;
      }
      case "index":
        checkAffine(node.of, what);
        inner[i] = isReduced(node.of);
        return;
      case "given":
        demand(isCount(node.index), place, `${what} is number ${node.index}`);
        return;
      case "constant":
        return;
      case "map":
        demand(node.inputs.every(earlier), place, `${what} is made of ${node.inputs}`);
        inner[i] = node.inputs.some((input) => inner[input]);
        behind[i] = node.inputs.some((input) => behind[input]);
        return;
      case "reduce": {
        const { input, when, times, operation, isCoarse, isGuarded } = node;
        demand(reduced > 0, place, `${what} has no loops`);
        for (const part of times === undefined ? [input] : [input, times]) {
          demand(earlier(part), place, `${what} is made of ${part}`);
          const { dtype } = nodes[part];
          const isWide = node.dtype === "float64" && dtype === "float32" &&
            (operation === "sum" || operation === "prod");
          demand(isWide || dtype === node.dtype, place, `${what} is ${node.dtype}, of ${dtype}`);
          const isSum = isWide && operation === "sum";
          demand(isSum || (times ?? isCoarse) === undefined, place, `${what} is no wide sum`);
        }
        const canLeave = operation === "prod" && node.dtype === "float64";
        demand(canLeave || isGuarded === undefined, place, `${what} is no product of float64`);
        if (when !== undefined) {
          demand(earlier(when) && behind[when], place, `${what} asks ${when}`);
          demand(nodes[when].dtype === "bool", place, `${what} asks ${nodes[when].dtype}`);
        }
        behind[i] = true;
      }
    }
  }

  nodes.forEach(checkNode);
  demand((reduced > 0) === nodes.some(({ kind }) => kind === "reduce"), place, "no reduction");
  stores.forEach(({ node, to }, i) => {
    const what = `store ${i}`;
    demand(isCount(node) && node < nodes.length, place, `${what} is of node ${node}`);
    checkAccess(to, [], what);
    demand(!isReduced(to) && !inner[node], place, `${what} changes within reduced loops`);
    const { dtype } = nodes[node];
    demand(buffers[to.buffer] === dtype, place, `${what} writes ${dtype} to ${buffers[to.buffer]}`);
    checkInjective(to, what);
    for (const other of nodes) {
      if (other.kind !== "load" || other.from.buffer !== to.buffer) continue;
      const { from } = other;
      const isSame = from.offset === to.offset && sameShape(from.strides, to.strides);
      demand(isSame, place, `${what} writes where another round reads`);
    }
  });
}

/**
 * Throws unless straight code satisfies the specification of `Straight`; `sizes` are its buffers'
 * numbers of elements.
 */
export function checkStraight(
  { buffers, values, ops }: Straight,
  sizes: readonly number[],
  place = "straight code",
): void {
  const made = new Set<number>();
  const checkSpot = (
    { buffer, offset, terms }: {
      buffer: number;
      offset: number;
      terms: readonly { index: number; stride: number }[];
    },
    what: string,
  ): void => {
    demand(buffer in buffers, place, `${what} is of buffer ${buffer}`);
    let [least, most] = [offset, offset];
    for (const { index, stride } of terms) {
      demand(made.has(index), place, `${what} uses value ${index} before it is there`);
      const value = values[index];
      demand(value.kind === "index", place, `${what} is placed by a ${value.kind}`);
      const reach = stride * (value.below - 1);
      if (reach < 0) least += reach;
      else most += reach;
    }
    demand(least >= 0 && most < sizes[buffer], place, `${what} reaches from ${least} to ${most}`);
  };
  for (const op of ops) {
    if (op.kind === "copy") {
      demand(
        op.from in buffers && op.to in buffers && isCount(op.bytes),
        place,
        "a copy of nothing",
      );
      continue;
    }
    const what = `${op.kind} ${op.value}`;
    demand(op.value in values, place, `there is no ${what}`);
    if (op.kind === "store") {
      demand(made.has(op.value), place, `${what} is not there yet`);
      checkSpot(op.to, what);
      continue;
    }
    const value = values[op.value];
    if (value.kind === "load") {
      checkSpot(value.from, what);
      demand(buffers[value.from.buffer] === value.dtype, place, `${what} is ${value.dtype}`);
    }
    const inputs = value.kind === "map"
      ? value.inputs
      : value.kind === "index"
      ? [value.input]
      : [];
    demand(inputs.every((input) => made.has(input)), place, `${what} is made of ${inputs}`);
    made.add(op.value);
  }
}

/** Throws unless a lowered program satisfies the specification of `Lowered`. */
export function checkLowered({ buffers, tasks, results }: Lowered): void {
  const sizes = buffers.map(({ shape }) => sizeOf(shape));
  const memoryOf = (buffer: number): number => buffers[buffer].alias ?? buffer;
  buffers.forEach(({ alias }, i) => {
    if (alias === undefined) return;
    demand(isCount(alias) && alias < i, `buffer ${i}`, `has the memory of ${alias}`);
    demand(buffers[alias].alias === undefined, `buffer ${i}`, "has the memory of an alias");
  });
  // The number of elements of each buffer.
  const filled = buffers.map(({ source }, i) => source === null ? 0 : sizes[i]);

  function checkTypes(own: readonly number[], types: readonly Type[], place: string): void {
    demand(own.length === types.length, place, `${own.length} buffers for ${types.length} values`);
    own.forEach((buffer, i) => {
      const [is, should] = [buffers[buffer], types[i]];
      const fits = is.dtype === should.dtype && sizes[buffer] === sizeOf(should.shape);
      demand(fits, place, `${showType(should)} is in a buffer of ${showType(is)}`);
    });
  }

  function checkTask(task: Task, i: number): void {
    const place = `task ${i} (${task.kind})`;
    const [reads, writes] = [readsOf(task), writesOf(task)];
    for (const buffer of [...reads, ...writes]) {
      demand(buffer in buffers, place, `there is no buffer ${buffer}`);
    }
    for (const buffer of reads) {
      const isThere = filled[buffer] >= sizes[buffer] && filled[memoryOf(buffer)] >= sizes[buffer];
      demand(isThere, place, `buffer ${buffer} is read before it is written`);
    }
    for (const buffer of writes) {
      demand(buffers[buffer].source === null, place, `argument ${buffer} is written`);
    }
    switch (task.kind) {
      case "nest": {
        const { nest } = task;
        checkTypes(
          task.buffers,
          nest.buffers.map((dtype, k) => ({ dtype, shape: [sizes[task.buffers[k]]] })),
          place,
        );
        checkNest(nest, task.buffers.map((buffer) => sizes[buffer]), place);
        const rounds = sizeOf(nest.lengths.slice(0, nest.lengths.length - nest.reduced));
        for (const buffer of writes) filled[buffer] += rounds;
        return;
      }
      case "straight": {
        const { straight } = task.code;
        checkStraight(straight, task.buffers.map((buffer) => sizes[buffer]), place);
        break;
      }
      case "hand":
        checkTypes([task.to], [buffers[task.from]], place);
        break;
      case "kernel":
        checkTypes(
          task.inputs,
          task.equation.inputs.map((input, k) => {
            const { dtype, shape } = typeOf(input);
            const held = buffers[task.inputs[k]].dtype;
            return { dtype: wideDtype(held) === dtype ? held : dtype, shape };
          }),
          place,
        );
        checkTypes(task.outputs, task.equation.outputs.map(typeOf), place);
    }
    for (const buffer of writes) filled[buffer] = sizes[buffer];
  }

  tasks.forEach(checkTask);
  results.forEach((result, i) => {
    if (result instanceof Concrete) return;
    const place = `result ${i}`;
    demand(result.buffer in buffers, place, `there is no buffer ${result.buffer}`);
    checkTypes([result.buffer], [result.type], place);
    demand(filled[result.buffer] >= sizes[result.buffer], place, "is not written");
  });
}

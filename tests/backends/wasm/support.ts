/**
 * Runs compiled programs in a memory of their own, chunk by chunk in any order, and holds them to
 * the rules: nothing but results and working memory is written, no order of the chunks and no
 * rubbish in the memory changes a bit, and no two areas that are needed at once overlap.
 *
 * @module
 */
import { target } from "../../../src/backends/wasm/kernels/table.ts";
import { makeProgram } from "../../../mod.ts";
import type { Tensor } from "../../../mod.ts";
import { allocateStored, byteSize } from "../../../src/base/dtype.ts";
import type { Elements } from "../../../src/base/dtype.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { formOf } from "../../../src/passes/forms.ts";
import { checkLowered } from "../../../src/lowering/check.ts";
import { lower } from "../../../src/lowering/lower.ts";
import type { Lowered } from "../../../src/lowering/tasks.ts";
import { optimize } from "../../../src/passes/mod.ts";
import { type MemoryPlan, planMemory } from "../../../src/backends/wasm/schedule/plan_memory.ts";
import { checkSchedule } from "../../../src/backends/wasm/schedule/check.ts";
import { expandTransforms } from "../../../src/backends/wasm/fourier.ts";
import { schedule } from "../../../src/backends/wasm/schedule/schedule.ts";
import type { Schedule, Step } from "../../../src/backends/wasm/schedule/steps.ts";
import type { Primitive } from "../../../src/core/primitive.ts";
import { type Atom, Program, typeOf, Variable } from "../../../src/core/program.ts";
import { evaluate } from "../../../src/core/evaluation.ts";
import { Concrete, denseStored } from "../../../src/core/tensor.ts";
import type { Type } from "../../../src/core/tensor.ts";
import { PAGE } from "../../../src/backends/wasm/kernels/builder.ts";
import {
  chunksOf,
  type OpenOrder,
  type Order,
  SLACK,
} from "../../../src/backends/wasm/kernels/kernel.ts";
import { testBuilder } from "./kernels/support.ts";
import { firstDifference, makeMemories } from "./memories.ts";
import { fromValues, makeRandom, real } from "../../laws/values.ts";
import { assert, assertEquals } from "../../support/std.ts";

/** Writes programs equation by equation. */
export class ProgramWriter {
  /** The parameters so far. */
  readonly binders: Variable[] = [];
  /** The equations so far. */
  readonly equations: Program["equations"][number][] = [];

  /** A new parameter. */
  binder(type: Type): Variable {
    const variable = new Variable(type);
    this.binders.push(variable);
    return variable;
  }

  /** Applies a primitive. */
  apply<P>(primitive: Primitive<P>, inputs: readonly Atom[], params: P): Variable[] {
    const types = primitive.type(inputs.map(typeOf), params);
    const outputs = types.map((type) => new Variable(type));
    this.equations.push({ primitive: primitive as Primitive, inputs, params, outputs });
    return outputs;
  }

  /** The program with these results. */
  finish(results: readonly Atom[]): Program {
    return new Program(this.binders, this.equations, results);
  }
}

/** How a program is compiled and run by `load`. */
export interface LoadOptions {
  /** Which arguments are given up; none, if left out. */
  readonly isDonated?: readonly boolean[];
  /** Nanoseconds of work in a chunk: small numbers divide small nests too. */
  readonly chunkTime?: number;
  /** From how many bytes on tensors have memory of their own. */
  readonly large?: number;
}

/** How one run is done. */
export interface RunOptions {
  /** The chunks of a step in the order in which they are done. */
  readonly order?: (chunks: number) => readonly number[];
  /** The byte that fills all memory before the run. */
  readonly poison?: number;
}

/** A compiled program with its plans. */
export interface Loaded {
  /** Its tasks. */
  readonly lowered: Lowered;
  /** Its steps. */
  readonly schedule: Schedule;
  /** Its memory. */
  readonly plan: MemoryPlan;
  /** Runs it on the main thread. */
  run(args: readonly Concrete[], options?: RunOptions): Concrete[];
}

/** The chunks from the last to the first. */
export function reversed(chunks: number): readonly number[] {
  return Array.from({ length: chunks }, (_, i) => chunks - 1 - i);
}

/** The chunks in an order that is neither theirs nor its reverse. */
export function shuffled(chunks: number): readonly number[] {
  const order = Array.from({ length: chunks }, (_, i) => i);
  let state = chunks;
  for (let i = chunks - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/** The numbers of the chunks of rounds, those of each part in a given order. */
function* roundsFrom(
  first: number,
  { rounds, parts }: Order,
  order: RunOptions["order"],
): Generator<number> {
  for (let round = 0; round < rounds; round++) {
    for (const part of parts) {
      if (typeof part === "number") {
        const numbers = order?.(part) ?? Array.from({ length: part }, (_, i) => i);
        for (const number of numbers) yield first + number;
        first += part;
      } else {
        yield* roundsFrom(first, part, order);
        first += chunksOf(part);
      }
    }
  }
}

/** The numbers of a step's chunks. */
function numbersOf(step: Step, order: RunOptions["order"]): Generator<number> {
  return roundsFrom(0, step.order ?? { rounds: 1, parts: [step.chunks] }, order);
}

/** The same for rounds that go on for as long as more of them are counted than have begun. */
function* openNumbers(
  { asked, done }: OpenOrder,
  order: RunOptions["order"],
  counts: () => number,
): Generator<number> {
  let first = 0;
  for (let round = 0;; round++) {
    const [before, rest] = [asked, done].map((parts) => ({ rounds: 1, parts }));
    yield* roundsFrom(first, before, order);
    first += chunksOf(before);
    if (counts() <= round) break;
    yield* roundsFrom(first, rest, order);
    first += chunksOf(rest);
  }
  yield first;
}

function bytesOf(elements: Elements): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

function sizeInBytes({ dtype, shape }: Type): number {
  return byteSize(dtype) * sizeOf(shape);
}

/** Room for some bytes and the slack behind them. */
function roomFor(bytes: number): number {
  return Math.ceil((bytes + SLACK) / 64) * 64;
}

/** Fails if areas that hold something during the same step overlap. */
export function checkPlan({ lowered, schedule: { steps, areas }, plan }: Loaded): void {
  // What one thread does in order need not be in memory all at once.
  const moments = steps.flatMap((step): (readonly number[])[] =>
    "task" in step
      ? [[...step.task.inputs, ...step.task.outputs]]
      : step.chunks > 1
      ? [step.calls.flatMap(({ slots }) => slots)]
      : step.calls.map(({ slots }) => slots)
  );
  const lives = areas.map(() => ({ first: Infinity, last: -1 }));
  moments.forEach((used, i) => {
    for (const area of used) {
      lives[area].first = Math.min(lives[area].first, i);
      lives[area].last = i;
    }
  });
  lowered.buffers.forEach(({ source }, area) => {
    if (source !== null && lives[area].last >= 0) lives[area].first = -1;
  });
  const results = new Set(lowered.results.flatMap((r) => "buffer" in r ? [r.buffer] : []));
  for (const area of results) {
    if (plan.places[area]?.kind !== "arena" || lowered.buffers[area].source !== null) continue;
    if (lives[area].last < 0) lives[area].first = 0;
    lives[area].last = moments.length;
  }
  const placed = plan.places.flatMap((place, area) =>
    place?.kind === "arena" ? [{ area, from: place.offset, to: place.offset + areas[area] }] : []
  );
  for (const one of placed) {
    assert(one.from % 64 === 0, `area ${one.area} is not aligned`);
    assert(roomFor(areas[one.area]) <= plan.arena - one.from, `area ${one.area} sticks out`);
    for (const other of placed) {
      if (one.area >= other.area) continue;
      const [a, b] = [lives[one.area], lives[other.area]];
      if (a.last < b.first || b.last < a.first) continue;
      // One may be written over another, element by element.
      if (one.from === other.from && (a.last === b.first || b.last === a.first)) continue;
      // Also an empty area is an address that is read from, up to the slack.
      assert(
        one.to + SLACK <= other.from || other.to + SLACK <= one.from,
        `areas ${one.area} and ${other.area} overlap`,
      );
    }
  }
}

/** Compiles a program as the library does, to be run by a test. */
export function load(
  program: Program,
  { isDonated = [], chunkTime, large = 64 }: LoadOptions = {},
): Loaded {
  const form = formOf(expandTransforms(program));
  const lowered = lower(form.open([]), target);
  checkLowered(lowered);
  const builder = testBuilder();
  const scheduled = schedule(lowered, builder, {
    isDonated,
    ...(chunkTime === undefined ? {} : { chunkTime, sharedFrom: 0 }),
  });
  checkSchedule(scheduled, lowered);
  const plan = planMemory(lowered, scheduled, { large, isDonated, reserved: 0 });
  scheduled.steps.forEach((step, i) => {
    if ("task" in step) return;
    step.calls.forEach(({ run }, j) => builder.module.export(`${i}.${j}`, run));
  });
  const module = new WebAssembly.Module(builder.module.build());
  const loaded = { lowered, schedule: scheduled, plan };

  function run(
    given: readonly Concrete[],
    { order, poison = 0xff }: RunOptions = {},
  ): Concrete[] {
    const args = [...given, ...form.tensors];
    // Blocks: the arena, then whatever has memory of its own.
    let end = 64;
    const take = (bytes: number): number => {
      const at = end;
      end += roomFor(bytes);
      return at;
    };
    const counter = take(4);
    const base = take(plan.arena);
    const owned = new Map<string, { at: number; elements: Elements | null }>();
    const addresses = plan.places.map((place, area): number => {
      if (place === null) return 0;
      if (place.kind === "arena") return base + place.offset;
      const [key, value] = place.kind === "argument"
        ? [`argument ${place.index}`, args[place.index]]
        : [`result ${place.index}`, null];
      let block = owned.get(key);
      if (block === undefined) {
        const at = take(value === null ? scheduled.areas[area] : sizeInBytes(value));
        owned.set(key, block = { at, elements: value && denseStored(value) });
      }
      return block.at;
    });
    const pages = Math.ceil(end / PAGE);
    const { host, content, scratch } = makeMemories(pages);
    scratch.fill(poison);
    content.fill(poison);
    for (const { at, elements } of owned.values()) {
      if (elements !== null) content.set(bytesOf(elements), at);
    }
    const before = content.slice();
    for (const { source, offset } of plan.uploads) {
      content.set(bytesOf(denseStored(args[source])), base + offset);
    }
    const read = (buffer: number, { dtype, shape }: Type): Concrete => {
      const at = addresses[buffer];
      const elements = allocateStored(dtype, sizeOf(shape));
      bytesOf(elements).set(content.subarray(at, at + elements.byteLength));
      return new Concrete(dtype, shape, elements);
    };

    const { exports } = new WebAssembly.Instance(module, { host });
    scheduled.steps.forEach((step, i) => {
      if ("task" in step) {
        const { equation: { primitive, inputs, outputs, params }, ...task } = step.task;
        const values = inputs.map((atom, k) => read(task.inputs[k], typeOf(atom)));
        const made = evaluate(primitive, values, params, outputs.map(({ type }) => type));
        made.forEach((value, k) =>
          content.set(bytesOf(denseStored(value)), addresses[task.outputs[k]])
        );
        return;
      }
      const { calls, open } = step;
      const counterAt = open === null ? [] : [counter];
      const counts = (): number => new DataView(content.buffer).getUint32(counter, true);
      if (open !== null) new DataView(content.buffer).setUint32(counter, 0, true);
      const chunks = open === null
        ? numbersOf(step, order)
        : openNumbers(open.order, order, counts);
      for (const chunk of chunks) {
        calls.forEach(({ slots }, j) => {
          const call = exports[`${i}.${j}`] as (...operands: number[]) => void;
          call(...slots.map((slot) => addresses[slot]), ...counterAt, chunk);
        });
      }
    });

    const results = lowered.results.map((result): Concrete => {
      if (result instanceof Concrete) return result;
      const { source } = lowered.buffers[result.buffer];
      if (source === null) return read(result.buffer, result.type);
      const { dtype, shape } = result.type;
      return new Concrete(
        dtype,
        shape,
        (typeof source === "number" ? args[source] : source).stored,
      );
    });
    // Only the arena, results and what was given up for results may have changed.
    const after = content.slice();
    after.set(before.subarray(base, base + plan.arena), base);
    after.set(before.subarray(counter, counter + 4), counter);
    for (const { buffer, argument, offset } of plan.outputs) {
      if (offset !== null) continue;
      if (argument !== null) assert(isDonated[argument], `argument ${argument} was not given up`);
      const at = addresses[buffer];
      after.set(before.subarray(at, at + scheduled.areas[buffer]), at);
    }
    const wrong = firstDifference(after, before);
    assert(wrong < 0, `byte ${wrong} was written, which belongs to none of the results`);
    return results;
  }
  return { ...loaded, run };
}

/**
 * The results of a program, which runs three times, with its chunks in order, reversed and shuffled,
 * among different rubbish: the bits must be the same. `look` sees the plans before.
 */
export function runProgram(
  program: Program,
  args: readonly Concrete[],
  options: LoadOptions = {},
  look?: (loaded: Loaded) => void,
): Concrete[] {
  const loaded = load(program, options);
  checkPlan(loaded);
  look?.(loaded);
  const results = loaded.run(args);
  for (const other of [{ order: reversed, poison: 0x7f }, { order: shuffled, poison: 0 }]) {
    loaded.run(args, other).forEach((result, i) => {
      assertEquals(
        bytesOf(denseStored(result)),
        bytesOf(denseStored(results[i])),
        `result ${i} depends on the order of the chunks or on rubbish`,
      );
    });
  }
  return results;
}

/** A function of tensors as a program, optimised, with random arguments of these types. */
export function traced(
  f: (...args: Tensor[]) => unknown,
  ...types: readonly Type[]
): { program: Program; args: Concrete[] } {
  const random = makeRandom(5);
  const args = types.map(({ dtype, shape }) =>
    fromValues(real(random, sizeOf(shape)), dtype, shape)
  );
  const program = optimize(makeProgram(f as (...args: Tensor[]) => Tensor)(...args));
  return { program, args };
}

/** A float32 type. */
export function float32(...shape: number[]): Type {
  return { dtype: "float32", shape };
}

/**
 * From equations to tasks on buffers: elementwise work, data movement and reductions are fused into
 * loop nests; everything else is a kernel of its own.
 *
 * A value is stored in a buffer if something other than loops reads it, if several nests would
 * otherwise have to recompute it, and if loops cannot be followed through it; all others exist within a
 * nest only.
 *
 * @module
 */
import { sizeOf, stridesOf } from "../base/shape.ts";
import type { Dtype } from "../base/dtype.ts";
import type { Shape } from "../base/shape.ts";
import { typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Access, Affine, LoopNode, Nest } from "./nest.ts";
import type { Target } from "./target.ts";
import type { ConcatenateParams, PadParams } from "../primitives/slicing.ts";
import { combine, counter, padded } from "./coordinates.ts";
import { Given } from "../passes/forms.ts";
import { joinLoops } from "./join_loops.ts";
import { joinReductions } from "./join_reductions.ts";
import { readersFirst } from "./readers_first.ts";
import type { Buffer, Lowered, Result, Task } from "./tasks.ts";
import { copyStraight, writeStraight } from "./straight_writer.ts";
import { groupStraight, isStraight, type StraightGroup } from "./straight_groups.ts";
import type { StraightCode } from "./straight_code.ts";
import { effectiveRule, operandsOf } from "./equation_rules.ts";
import { chooseKept } from "./kept_values.ts";
import { divideLoop, NestWriter, Obstacle } from "./nest_writer.ts";
import type { Surroundings } from "./nest_writer.ts";

/** Options of `lower`. */
export interface LowerOptions {
  /**
   * Whether it is a nested program: every result then has a buffer of its own, none is an argument or a
   * constant, and there are no buffers of constants.
   */
  readonly isInner?: boolean;
  /** For each result the number of the argument whose memory it may reuse. */
  readonly heirOf?: (result: number) => number | null;
}

/**
 * Divides the work of a program into tasks for a backend. The program has no constants except numbers:
 * see `formOf`.
 */
export function lower(program: Program, target: Target, options: LowerOptions = {}): Lowered {
  return new Lowering(program, target, { isInner: false, heirOf: () => null, ...options }).run();
}

class Lowering {
  readonly #program: Program;
  readonly #target: Target;
  readonly #producers = new Map<Variable, Equation>();
  readonly #buffers: Buffer[] = [];
  readonly #tasks: Task[] = [];
  /** The buffer of each value that has one. */
  readonly #places = new Map<Atom, number>();
  /** The values that get a buffer. */
  readonly #kept: Set<Variable>;
  readonly #isInner: boolean;
  readonly #heirOf: (result: number) => number | null;
  /** The equations that become straight code, and the groups of which they are part. */
  readonly #groups: ReadonlyMap<Equation, StraightGroup>;

  constructor(whole: Program, target: Target, { isInner, heirOf }: Required<LowerOptions>) {
    const { program, groups } = isInner && target.hasStraightCode
      ? groupStraight(whole, target)
      : { program: whole, groups: NONE };
    this.#target = target;
    this.#program = program;
    this.#groups = groups;
    this.#isInner = isInner;
    this.#heirOf = heirOf;
    for (const equation of program.equations) {
      for (const output of equation.outputs) this.#producers.set(output, equation);
    }
    program.binders.forEach((variable, i) => this.#places.set(variable, this.#buffer(variable, i)));
    this.#kept = chooseKept(program, this.#producers, groups, target);
  }

  run(): Lowered {
    const done = new Set<StraightGroup>();
    for (const equation of this.#program.equations) {
      const group = this.#groups.get(equation);
      if (group !== undefined) {
        if (!done.has(group)) this.#pushStraight(writeStraight(group));
        done.add(group);
      } else if (equation.outputs.some((output) => this.#kept.has(output))) {
        for (const output of equation.outputs) this.#place(output);
      } else if (equation.outputs.length === 0) {
        // Equations that run for their side effects.
        const inputs = equation.inputs.map((input) => this.#place(input));
        this.#tasks.push({ kind: "kernel", equation, inputs, outputs: [] });
      }
    }
    const taken = new Set<number>();
    const copies: { from: Atom; to: Variable }[] = [];
    const results = this.#program.results.map((atom, i): Result => {
      const source = this.#origin(atom);
      if (this.#isInner) {
        let buffer = source instanceof Variable ? this.#memoryOf(source) : -1;
        if (buffer < 0 || this.#buffers[buffer].source !== null || taken.has(buffer)) {
          buffer = this.#copy(source, this.#heirOf(i), copies);
        }
        taken.add(buffer);
        return { buffer, type: typeOf(atom) };
      }
      if (source instanceof Concrete) {
        const { dtype, shape } = typeOf(atom);
        return source === atom ? source : new Concrete(dtype, shape, source.storage);
      }
      return { buffer: this.#memoryOf(atom), type: typeOf(atom) };
    });
    if (copies.length > 0) this.#pushStraight(copyStraight(copies));
    const { mostBuffers, joinsLoops } = this.#target;
    const needed = new Set(results.map((result) => "buffer" in result ? result.buffer : -1));
    const reduced = joinReductions(this.#tasks, mostBuffers);
    const tasks = readersFirst(
      joinsLoops ? joinLoops(reduced, mostBuffers, (buffer) => needed.has(buffer)) : reduced,
      this.#buffers,
    );
    return { buffers: this.#buffers, tasks, results };
  }

  /** The equation that makes a value outside of straight code. */
  #producer(value: Variable): Equation | undefined {
    const equation = this.#producers.get(value);
    return equation === undefined || this.#groups.has(equation) ? undefined : equation;
  }

  #buffer(atom: Atom, source: Buffer["source"]): number {
    const { dtype, shape } = typeOf(atom);
    this.#buffers.push({ dtype, shape, source });
    return this.#buffers.length - 1;
  }

  /** The buffer that contains a value's elements, without waiting for other tasks. */
  #memoryOf(atom: Atom): number {
    const place = this.#place(atom);
    return this.#buffers[place].alias ?? place;
  }

  /**
   * A new buffer with the elements of a value. A value that may stay in place, since the result should
   * reuse the memory of the argument `heir`, is passed on, and small values are copied together.
   */
  #copy(atom: Atom, heir: number | null, copies: { from: Atom; to: Variable }[]): number {
    const { shape } = typeOf(atom);
    const place = this.#buffer(atom, null);
    const from = atom instanceof Variable ? this.#memoryOf(atom) : -1;
    if (this.#target.hasStraightCode && isStraight(atom)) {
      const to = new Variable(typeOf(atom));
      this.#places.set(to, place);
      copies.push({ from: atom, to });
    } else if (from >= 0 && this.#buffers[from].source === (heir ?? NaN)) {
      this.#tasks.push({ kind: "hand", from, to: place });
    } else {
      this.#write(shape, atom, place, false, (counters) => combine(counters, stridesOf(shape)));
    }
    return place;
  }

  /** The value with the same elements in the same order. */
  #origin(atom: Atom): Atom {
    while (atom instanceof Variable) {
      const producer = this.#producers.get(atom);
      if (producer === undefined || effectiveRule(producer, this.#target).kind !== "alias") break;
      atom = producer.inputs[0];
    }
    return atom;
  }

  /** The buffer of a value, which is computed now if necessary. */
  #place(atom: Atom): number {
    const known = this.#places.get(atom);
    if (known !== undefined) return known;
    const origin = this.#origin(atom);
    if (origin !== atom) {
      const place = this.#place(origin);
      this.#places.set(atom, place);
      return place;
    }
    if (!(atom instanceof Variable) || atom instanceof Given) return this.#placeConstant(atom);
    const equation = this.#producers.get(atom)!;
    const rule = effectiveRule(equation, this.#target);
    switch (rule.kind) {
      case "kernel": {
        this.#pushKernel(equation);
        return this.#places.get(atom)!;
      }
      case "pad":
        return this.#placePadded(atom, equation);
      case "concatenate":
        return this.#placeConcatenated(atom, equation);
      default: {
        const place = this.#buffer(atom, null);
        this.#write(atom.type.shape, atom, place, true, (counters) => {
          const strides = stridesOf(atom.type.shape);
          return combine(counters, strides);
        });
        this.#places.set(atom, place);
        return place;
      }
    }
  }

  #pushStraight(code: StraightCode): void {
    const buffers = code.atoms.map((atom, i) => {
      if (!code.writes.has(i)) return this.#place(atom);
      const place = this.#places.get(atom) ?? this.#buffer(atom, null);
      if (atom instanceof Variable) this.#places.set(atom, place);
      return place;
    });
    this.#tasks.push({ kind: "straight", code, buffers });
  }

  #pushKernel(equation: Equation): void {
    const isBarrier = equation.primitive.name === "barrier";
    const inputs = operandsOf(equation, (value) => this.#producer(value), this.#target)
      .map((operand) => this.#place(operand));
    const outputs = equation.outputs.map((output, i) => {
      const place = this.#buffer(output, null);
      const alias = isBarrier ? this.#memoryOf(equation.inputs[i]) : undefined;
      if (alias !== undefined) this.#buffers[place] = { ...this.#buffers[place], alias };
      this.#places.set(output, place);
      return place;
    });
    this.#tasks.push({ kind: "kernel", equation, inputs, outputs });
  }

  #placeConstant(atom: Atom): number {
    const place = this.#buffer(atom, null);
    this.#write([sizeOf(typeOf(atom).shape)], atom, place, true, ([counter]) => counter);
    this.#places.set(atom, place);
    return place;
  }

  #placePadded(atom: Variable, equation: Equation): number {
    const { shape } = atom.type;
    const { low, interior } = equation.params as PadParams;
    if (interior.every((zeros) => zeros === 0)) {
      const place = this.#buffer(atom, null);
      this.#write(shape, atom, place, true, (counters) => combine(counters, stridesOf(shape)));
      this.#places.set(atom, place);
      return place;
    }
    // Zeros everywhere, then the elements that are not cropped at their positions.
    const [input] = equation.inputs;
    const from = typeOf(input).shape;
    const step = interior.map((zeros) => zeros + 1);
    const first = from.map((_, i) => Math.max(0, Math.ceil(-low[i] / step[i])));
    const kept = from.map((length, i) =>
      Math.max(0, Math.min(length, Math.ceil((shape[i] - low[i]) / step[i])) - first[i])
    );
    const source = this.#place(input);
    const place = this.#buffer(atom, null);
    const zeros: LoopNode = { kind: "constant", dtype: atom.type.dtype, value: 0 };
    this.#pushNest([sizeOf(shape)], 0, [zeros], 0, place, counter(0), "zeros");
    const strides = stridesOf(shape);
    const load = combine(
      kept.map((_, i) => counter(i)),
      stridesOf(from),
      stridesOf(from).reduce((sum, stride, i) => sum + stride * first[i], 0),
    );
    const store = combine(
      kept.map((_, i) => counter(i)),
      strides.map((stride, i) => stride * step[i]),
      strides.reduce((sum, stride, i) => sum + stride * (low[i] + first[i] * step[i]), 0),
    );
    this.#pushCopy(kept, source, load, place, store, atom.type.dtype, "pad");
    this.#places.set(atom, place);
    return place;
  }

  #placeConcatenated(atom: Variable, equation: Equation): number {
    const { axis } = equation.params as ConcatenateParams;
    const place = this.#buffer(atom, null);
    const strides = stridesOf(atom.type.shape);
    let start = 0;
    for (const input of equation.inputs) {
      const { shape } = typeOf(input);
      const offset = start * strides[axis];
      this.#write(shape, input, place, false, (counters) => combine(counters, strides, offset));
      start += shape[axis];
    }
    this.#places.set(atom, place);
    return place;
  }

  #pushNest(
    lengths: readonly number[],
    reduced: number,
    nodes: readonly LoopNode[],
    node: number,
    place: number,
    to: Affine,
    name: string,
  ): void {
    const store = { node, to: { ...padded(to, lengths.length), buffer: 0 } };
    const buffers = [this.#buffers[place].dtype];
    const nest: Nest = { lengths, reduced, buffers, nodes, stores: [store] };
    this.#tasks.push({ kind: "nest", name, nest, buffers: [place] });
  }

  #pushCopy(
    lengths: readonly number[],
    source: number,
    load: Affine,
    place: number,
    store: Affine,
    dtype: Dtype,
    name: string,
  ): void {
    const from: Access = { ...padded(load, lengths.length), buffer: 0 };
    const to: Access = { ...padded(store, lengths.length), buffer: 1 };
    const nest: Nest = {
      lengths,
      reduced: 0,
      buffers: [dtype, dtype],
      nodes: [{ kind: "load", dtype, from }],
      stores: [{ node: 0, to }],
    };
    this.#tasks.push({ kind: "nest", name, nest, buffers: [source, place] });
  }

  /**
   * Adds the nest that writes a value to a buffer. `target` maps elements to positions in it, and
   * `isRoot` tells whether the buffer is the value's own: in a part of another's, the value may be a
   * copy. Obstacles to writing it are removed first.
   */
  #write(
    shape: Shape,
    atom: Atom,
    place: number,
    isRoot: boolean,
    target: (coordinates: readonly Affine[]) => Affine,
  ): void {
    // Each axis is one loop at first, and several once it has been split.
    let axes: readonly (readonly number[])[] = shape.map((length) => [length]);
    while (true) {
      try {
        const writer = new NestWriter(axes, this.#view());
        const node = writer.value(atom, writer.coordinates, isRoot);
        const task = writer.finish(node, target(writer.coordinates), place);
        this.#tasks.push(task);
        return;
      } catch (error) {
        if (!(error instanceof Obstacle)) throw error;
        const { action } = error;
        if ("keep" in action) {
          this.#kept.add(action.keep);
          this.#place(action.keep);
        } else axes = divideLoop(axes, action.divide, action.into);
      }
    }
  }

  #view(): Surroundings {
    return {
      producer: (variable) => this.#producers.get(variable),
      isKept: (variable) => this.#kept.has(variable) || this.#places.has(variable),
      place: (atom) => this.#place(atom),
      buffers: this.#buffers,
      target: this.#target,
    };
  }
}

/** No groups. */
const NONE: ReadonlyMap<Equation, StraightGroup> = new Map();

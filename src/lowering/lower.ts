/**
 * From equations to tasks on buffers: elementwise work, data movement and reductions are fused into
 * loop nests; everything else is a kernel of its own.
 *
 * A value is kept in a buffer where something other than loops reads it, where several nests would
 * otherwise have to compute it again, and where loops cannot be followed through; all others exist
 * within a nest only.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import { sizeOf, stridesOf } from "../base/shape.ts";
import type { Dtype } from "../base/dtype.ts";
import type { Shape } from "../base/shape.ts";
import { typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation, Program } from "../core/program.ts";
import { Concrete } from "../core/tensor.ts";
import type { Type } from "../core/tensor.ts";
import type { Access, Affine, Combination, Guard, LoopNode, Nest, Store } from "./nest.ts";
import type { Target } from "./target.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import { absPrimitive, mulPrimitive } from "../primitives/arithmetic.ts";
import { lessPrimitive } from "../primitives/comparison.ts";
import type { NestAlgebra, NestFormula } from "../primitives/moments.ts";
import type { ConcatenateParams, PadParams } from "../primitives/slicing.ts";
import type { TransposeParams } from "../primitives/structure.ts";
import { combine, counter, padded, throughReshape } from "./coordinates.ts";
import { Given } from "../passes/forms.ts";
import { joinReductions } from "./join_reductions.ts";
import { readersFirst } from "./readers_first.ts";
import type { Buffer, Lowered, NestTask, Result, Task } from "./tasks.ts";
import {
  copyStraight,
  groupStraight,
  isStraight,
  type StraightGroup,
  writeStraight,
} from "./straight.ts";
import type { StraightCode } from "./straight_code.ts";
import { reductionAxes, type Rule, ruleOf } from "./rules.ts";

/** Nests do not grow beyond this many nodes, which keeps their code small. */
const MOST_NODES = 192;

/** Nor beyond this many operations that wait for each other, which keeps the writer's stack small. */
const DEEPEST = 64;

/** A value is computed again in several nests if it takes no more operations than this. */
const CHEAP_OPERATIONS = 8;

/** Thrown out of a nest that cannot be written: what would have to change first. */
class Obstacle {
  readonly action:
    | { readonly keep: Variable }
    | { readonly divide: number; readonly into: readonly number[] };

  constructor(action: Obstacle["action"]) {
    this.action = action;
  }
}

/** Options of `lower`. */
export interface LowerOptions {
  /**
   * Whether it is a program within another one: every result then gets a buffer of its own, none is
   * an argument or a constant, and there are no buffers of constants.
   */
  readonly isInner?: boolean;
  /** The argument whose memory a result may take, by their numbers. */
  readonly heirOf?: (result: number) => number | null;
}

/**
 * Divides the work of a program into tasks for a backend. The program has no constants but numbers:
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
  /** The equations that become straight code, and what they do so with. */
  readonly #groups: ReadonlyMap<Equation, StraightGroup>;

  constructor(whole: Program, target: Target, { isInner, heirOf }: Required<LowerOptions>) {
    const { program, groups } = isInner
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
        // What is run for what it does beside computing.
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
    const tasks = readersFirst(joinReductions(this.#tasks), this.#buffers);
    return { buffers: this.#buffers, tasks, results };
  }

  #buffer(atom: Atom, source: Buffer["source"]): number {
    const { dtype, shape } = typeOf(atom);
    this.#buffers.push({ dtype, shape, source });
    return this.#buffers.length - 1;
  }

  /** The buffer that holds a value's elements, whatever it waits for. */
  #memoryOf(atom: Atom): number {
    const place = this.#place(atom);
    return this.#buffers[place].alias ?? place;
  }

  /**
   * A new buffer with the elements of a value: what may stay where it is, since the result is to have
   * the place of the argument `heir`, is handed on, and small values are copied together.
   */
  #copy(atom: Atom, heir: number | null, copies: { from: Atom; to: Variable }[]): number {
    const { shape } = typeOf(atom);
    const place = this.#buffer(atom, null);
    const from = atom instanceof Variable ? this.#memoryOf(atom) : -1;
    if (isStraight(atom)) {
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

  /** What holds the same elements in the same order. */
  #origin(atom: Atom): Atom {
    while (atom instanceof Variable) {
      const producer = this.#producers.get(atom);
      if (producer === undefined || effectiveRule(producer, this.#target).kind !== "alias") break;
      atom = producer.inputs[0];
    }
    return atom;
  }

  /** The buffer of a value, which is computed now if it has not been. */
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
    const inputs = equation.inputs.map((input) => this.#place(input));
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
    // Zeros everywhere, then the elements that are not cropped in their places.
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
   * Adds the nest that writes a value to a buffer, `target` saying where in it the elements go, and
   * `isRoot` whether the buffer is the value's own: part of another's, it may be a copy. What stands
   * in the way of writing it is done first.
   */
  #write(
    shape: Shape,
    atom: Atom,
    place: number,
    isRoot: boolean,
    target: (coordinates: readonly Affine[]) => Affine,
  ): void {
    // Each axis is one loop at first, and several once it has been divided.
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

/** The rule of an equation, given what can be emitted. */
function effectiveRule(
  { primitive, inputs, outputs, params }: Equation,
  target: Target,
): Rule {
  const isProduct = primitive.name === "contract" &&
    (params as ContractParams).contract[0].length === 0 &&
    target.writes("mul", outputs[0].type.dtype);
  if (isProduct) return { kind: "outer" };
  if (primitive.name === "transpose" && keepsOrder(params as TransposeParams, outputs[0].type)) {
    return { kind: "alias" };
  }
  const rule = ruleOf(primitive.name);
  if (rule.kind !== "map") return rule;
  // Selection, conversion and logic of bool depend on the dtype of their last operand.
  const { dtype } = inputs.length === 0 ? outputs[0].type : typeOf(inputs[inputs.length - 1]);
  return target.writes(primitive.name, dtype) ? rule : { kind: "kernel" };
}

/** The most parts of a concatenation that is read where its parts are. */
const MOST_PARTS = 4;

/** Whether each element of the result is one of the argument's, or zero, in much the same order. */
function isPart(equation: Equation, target: Target): boolean {
  const { primitive: { name }, params } = equation;
  if (name === "pad") return (params as PadParams).interior.every((zeros) => zeros === 0);
  if (name === "slice" || name === "flip") return true;
  return effectiveRule(equation, target).kind === "alias";
}

/** Whether a transposition only moves axes of length one, or nothing: the elements stay in order. */
function keepsOrder({ permutation }: TransposeParams, { shape }: Type): boolean {
  const moved = permutation.filter((_, i) => shape[i] !== 1);
  return moved.every((axis, i) => i === 0 || moved[i - 1] < axis);
}

/** `axes` with loop number `loop`, counted through all of them, divided. */
function divideLoop(
  axes: readonly (readonly number[])[],
  loop: number,
  into: readonly number[],
): readonly (readonly number[])[] {
  let first = 0;
  return axes.map((loops) => {
    const at = loop - first;
    first += loops.length;
    return at >= 0 && at < loops.length
      ? [...loops.slice(0, at), ...into, ...loops.slice(at + 1)]
      : loops;
  });
}

/** What the writer of a nest needs to know of the program around it. */
interface Surroundings {
  producer(variable: Variable): Equation | undefined;
  /** Whether a value has or gets a buffer. */
  isKept(variable: Variable): boolean;
  /** The buffer of a value. */
  place(atom: Atom): number;
  readonly buffers: readonly Buffer[];
  readonly target: Target;
}

/** Writes one nest. */
class NestWriter {
  /** Where the current element of the result stands. */
  readonly coordinates: readonly Affine[];
  readonly #around: Surroundings;
  readonly #lengths: number[];
  readonly #kept: number;
  #reduction: string | null = null;
  readonly #nodes: LoopNode[] = [];
  readonly #known = new Map<string, number>();
  readonly #ids = new Map<Atom, number>();
  /** The nest's number of each buffer. */
  readonly #buffers = new Map<number, number>();
  readonly #names = new Set<string>();
  /** The values in it that take long. */
  readonly #heavy = new Set<Atom>();

  constructor(axes: readonly (readonly number[])[], around: Surroundings) {
    this.#around = around;
    this.#lengths = axes.flat();
    this.#kept = this.#lengths.length;
    let next = 0;
    this.coordinates = axes.map((loops) => {
      const counters = loops.map(() => counter(next++));
      return combine(counters, loops.map((_, i) => sizeOf(loops.slice(i + 1))));
    });
  }

  /** The node that computes the element of `atom` at `coordinates`. */
  value(atom: Atom, coordinates: readonly Affine[], isRoot: boolean = false): number {
    const key = `${this.#idOf(atom)}:${
      coordinates.map(({ offset, strides }) => `${offset},${trimmed(strides)}`).join(";")
    }`;
    let node = this.#known.get(key);
    if (node === undefined) {
      node = this.#compute(atom, coordinates, isRoot);
      this.#known.set(key, node);
    }
    return node;
  }

  #idOf(atom: Atom): number {
    let id = this.#ids.get(atom);
    if (id === undefined) this.#ids.set(atom, id = this.#ids.size);
    return id;
  }

  #compute(atom: Atom, coordinates: readonly Affine[], isRoot: boolean): number {
    const { dtype } = typeOf(atom);
    if (atom instanceof Given) return this.#add({ kind: "given", dtype, index: atom.index });
    if (!(atom instanceof Variable)) {
      const { held, elements: [value] } = atom as Concrete;
      if (held !== 1) throw internalError("Cannot lower a program with a tensor in it");
      return this.#add({ kind: "constant", dtype, value });
    }
    if (!isRoot && this.#around.isKept(atom)) return this.#load(atom, coordinates);
    const equation = this.#around.producer(atom);
    if (equation === undefined) return this.#load(atom, coordinates);
    const rule = effectiveRule(equation, this.#around.target);
    const { inputs, params, primitive } = equation;
    switch (rule.kind) {
      case "map": {
        // At a second place of the same nest, it would be computed twice for each element.
        if (rule.isHeavy && !isRoot && this.#heavy.has(atom)) throw new Obstacle({ keep: atom });
        if (rule.isHeavy) this.#heavy.add(atom);
        const nodes = inputs.map((input) => this.value(input, coordinates));
        if (this.#nodes.length >= MOST_NODES) this.#giveUp(atom, isRoot, inputs);
        this.#names.add(primitive.name);
        const operation = primitive.name;
        return this.#add({ kind: "map", dtype, operation, inputs: nodes, params });
      }
      case "view": {
        const [input] = inputs;
        const { shape } = typeOf(input);
        // What is repeated is computed once, unless that is nothing.
        if (sizeOf(shape) < sizeOf(atom.type.shape)) this.#keepWork(input);
        if (isRoot) this.#names.add(primitive.name);
        return this.value(input, rule.source(coordinates, shape, params));
      }
      case "alias": {
        const [input] = inputs;
        const { shape } = typeOf(input);
        const found = throughReshape(coordinates, shape, atom.type.shape, this.#lengths);
        if (found !== null && !("loop" in found)) return this.value(input, found);
        if (input instanceof Variable && !this.#around.isKept(input)) {
          const isOwn = found !== null && found.loop < this.#kept;
          throw new Obstacle(
            isOwn ? { divide: found.loop, into: found.lengths } : { keep: input },
          );
        }
        return this.#load(atom, coordinates);
      }
      case "outer":
        return this.#outer(atom, equation, coordinates, isRoot);
      case "iota":
        return this.#add({ kind: "index", dtype, of: coordinates[0] });
      case "pad": {
        const [input] = inputs;
        const { low, interior } = params as PadParams;
        if (interior.some((zeros) => zeros > 0)) throw new Obstacle({ keep: atom });
        if (isRoot) this.#names.add("pad");
        return this.#padded(input, low, coordinates, []);
      }
      case "concatenate": {
        this.#names.add(primitive.name);
        return this.#joined(equation, coordinates, []);
      }
      case "reduce":
        return this.#reduce(atom, equation, coordinates, rule.operation, isRoot);
      default:
        throw new Obstacle({ keep: atom });
    }
  }

  /** The element of `atom`, which is behind padding or a part of a concatenation, or zero outside. */
  #guarded(atom: Atom, coordinates: readonly Affine[], guards: readonly Guard[]): number {
    const equation = atom instanceof Variable && !this.#around.isKept(atom)
      ? this.#around.producer(atom)
      : undefined;
    if (equation === undefined) return this.#load(atom, coordinates, guards);
    const rule = effectiveRule(equation, this.#around.target);
    const { inputs: [input], params } = equation;
    if (rule.kind === "concatenate") return this.#joined(equation, coordinates, guards);
    if (!isPart(equation, this.#around.target)) return this.#load(atom, coordinates, guards);
    const { shape } = typeOf(input);
    if (rule.kind === "pad") {
      return this.#padded(input, (params as PadParams).low, coordinates, guards);
    }
    if (rule.kind === "view") {
      return this.#guarded(input, rule.source(coordinates, shape, params), guards);
    }
    const found = throughReshape(coordinates, shape, typeOf(atom).shape, this.#lengths);
    if (found === null || "loop" in found) return this.#load(atom, coordinates, guards);
    return this.#guarded(input, found, guards);
  }

  #padded(
    input: Atom,
    low: readonly number[],
    coordinates: readonly Affine[],
    guards: readonly Guard[],
  ): number {
    const { shape } = typeOf(input);
    const source = coordinates.map((place, i) => combine([place], [1], -low[i]));
    const own = source.map((place, i) => ({ ...place, below: shape[i] }));
    return this.#guarded(input, source, [...guards, ...own.filter((one) => this.#mayFail(one))]);
  }

  /** An element of a concatenation: all of its parts but one are zero there. */
  #joined(
    { inputs, outputs, params }: Equation,
    coordinates: readonly Affine[],
    guards: readonly Guard[],
  ): number {
    const { axis } = params as ConcatenateParams;
    let start = 0;
    const nodes = inputs.map((input) => {
      const low = coordinates.map((_, i) => i === axis ? start : 0);
      start += typeOf(input).shape[axis];
      return this.#padded(input, low, coordinates, guards);
    });
    const { dtype } = outputs[0].type;
    return nodes.reduce((x, y) => {
      return this.#add({ kind: "map", dtype, operation: "join", inputs: [x, y] });
    });
  }

  /** A product of elements whose places are the batch axes, then the others of either argument. */
  #outer(
    atom: Variable,
    { inputs, params }: Equation,
    coordinates: readonly Affine[],
    isRoot: boolean,
  ): number {
    const { batch } = params as ContractParams;
    let next = batch[0].length;
    const nodes = inputs.map((input, side) => {
      const { shape } = typeOf(input);
      if (sizeOf(shape) < sizeOf(atom.type.shape)) this.#keepWork(input);
      const places = shape.map((_, axis) => {
        const shared = batch[side].indexOf(axis);
        return coordinates[shared >= 0 ? shared : next++];
      });
      return this.value(input, places);
    });
    if (this.#nodes.length >= MOST_NODES) this.#giveUp(atom, isRoot, inputs);
    this.#names.add("mul");
    return this.#add({ kind: "map", dtype: atom.type.dtype, operation: "mul", inputs: nodes });
  }

  /** Whether some round of the loops fails a guard. */
  #mayFail({ offset, strides, below }: Guard): boolean {
    let [least, most] = [offset, offset];
    for (let loop = 0; loop < strides.length; loop++) {
      const reach = strides[loop] * (this.#lengths[loop] - 1);
      if (reach < 0) least += reach;
      else most += reach;
    }
    return least < 0 || most >= below;
  }

  #reduce(
    atom: Variable,
    { inputs, params }: Equation,
    coordinates: readonly Affine[],
    operation: Combination | NestFormula<never>,
    isRoot: boolean,
  ): number {
    const { shape } = typeOf(inputs[0]);
    const { kept, reduced } = reductionAxes(shape, params);
    const lengths = reduced.map((axis) => shape[axis]);
    const shown = lengths.join();
    const size = sizeOf(this.#lengths.slice(0, this.#kept));
    const fits = this.#reduction === null ? true : this.#reduction === shown;
    if (!isRoot && (!fits || size !== sizeOf(atom.type.shape))) throw new Obstacle({ keep: atom });
    if (this.#reduction === null) {
      this.#reduction = shown;
      this.#lengths.push(...lengths);
    }
    const source: Affine[] = [];
    kept.forEach((axis, i) => source[axis] = coordinates[i]);
    reduced.forEach((axis, i) => source[axis] = counter(this.#kept + i));
    const values = inputs.map((input) => ({ node: this.value(input, source) }));
    const { dtype } = atom.type;
    if (typeof operation === "function") {
      return operation(this.#algebra, values, typeOf(inputs[0]), params as never).node;
    }
    this.#names.add(operation);
    return this.#add({ kind: "reduce", dtype, operation, input: values[0].node });
  }

  /** Where what is being written is needed: a test, or nothing for everywhere. */
  #when: number | undefined;

  /** A node combined over the reduced loops, as part of a formula. */
  #combined(operation: Combination, input: number): { readonly node: number } {
    const { dtype } = this.#nodes[input];
    const reduction = { kind: "reduce", dtype, operation, input } as const;
    const when = this.#when;
    return { node: this.#add(when === undefined ? reduction : { ...reduction, when }) };
  }

  /** A sum in double precision. */
  #sum(
    { node: input }: { readonly node: number },
    how: { readonly times?: number; readonly isCoarse?: true } = {},
  ): { readonly node: number } {
    this.#names.add("sum");
    const when = this.#when === undefined ? {} : { when: this.#when };
    const sum = { kind: "reduce", dtype: "float64", operation: "sum", input } as const;
    return { node: this.#add({ ...sum, ...how, ...when }) };
  }

  /** Formulas of nodes. */
  readonly #algebra: NestAlgebra<{ readonly node: number }> = {
    sum: (x, times) => {
      const isWide = this.#nodes[x.node].dtype === "float32";
      if (times === undefined) return this.#sum(x);
      return isWide
        ? this.#sum(x, { times: times.node })
        : this.#sum(this.#algebra.map(mulPrimitive, x, times));
    },
    coarseSum: (x) => this.#sum(x, { isCoarse: true }),
    convert: (x, dtype) =>
      this.#nodes[x.node].dtype === dtype ? x : {
        node: this.#add({ kind: "map", dtype, operation: "convert", inputs: [x.node] }),
      },
    prod: (x) => this.#combined("prod", x.node),
    map: (primitive, ...args) => {
      const known = args.findLast((arg) => typeof arg !== "number")!;
      const like = this.#nodes[known.node].dtype;
      const inputs = args.map((arg) =>
        typeof arg === "number"
          ? this.#add({ kind: "constant", dtype: like, value: arg })
          : arg.node
      );
      const types = inputs.map((input) => ({ dtype: this.#nodes[input].dtype, shape: [] }));
      const [{ dtype }] = primitive.type(types, null);
      this.#names.add(primitive.name);
      return { node: this.#add({ kind: "map", dtype, operation: primitive.name, inputs }) };
    },
    choose: (x, limit, yes, no) => {
      const { map } = this.#algebra;
      const test = map(lessPrimitive, map(absPrimitive, x), limit);
      const outer = this.#when;
      const bool = (operation: string, ...inputs: readonly number[]): number =>
        this.#add({ kind: "map", dtype: "bool", operation, inputs });
      const branch = (test: number, write: () => { readonly node: number }): number => {
        this.#when = outer === undefined ? test : bool("and", outer, test);
        const { node } = write();
        this.#when = outer;
        return node;
      };
      const inputs = [
        test.node,
        branch(test.node, yes),
        branch(bool("not", test.node), no),
      ];
      const { dtype } = this.#nodes[inputs[1]];
      return { node: this.#add({ kind: "map", dtype, operation: "select", inputs }) };
    },
  };

  /** Keeps a value that would be computed again and again. */
  #keepWork(atom: Atom): void {
    if (!(atom instanceof Variable) || this.#around.isKept(atom)) return;
    const equation = this.#around.producer(atom);
    if (equation === undefined) return;
    const rule = effectiveRule(equation, this.#around.target);
    if (rule.kind === "view" || rule.kind === "alias") this.#keepWork(equation.inputs[0]);
    else if (rule.kind !== "iota") throw new Obstacle({ keep: atom });
  }

  /** The nest is full: one of the values that it was about to take in gets a buffer. */
  #giveUp(atom: Variable, isRoot: boolean, inputs: readonly Atom[]): void {
    if (!isRoot) throw new Obstacle({ keep: atom });
    const input = inputs.find((one) =>
      one instanceof Variable && !(one instanceof Given) && !this.#around.isKept(one)
    );
    if (input instanceof Variable) throw new Obstacle({ keep: input });
  }

  #add(node: LoopNode): number {
    this.#nodes.push(node);
    return this.#nodes.length - 1;
  }

  #load(atom: Atom, coordinates: readonly Affine[], guards: readonly Guard[] = []): number {
    const { dtype, shape } = typeOf(atom);
    const buffer = this.#bufferOf(this.#around.place(atom));
    const from = { ...combine(coordinates, stridesOf(shape)), buffer };
    return this.#add(
      guards.length > 0 ? { kind: "load", dtype, from, guards } : { kind: "load", dtype, from },
    );
  }

  #bufferOf(place: number): number {
    let buffer = this.#buffers.get(place);
    if (buffer === undefined) this.#buffers.set(place, buffer = this.#buffers.size);
    return buffer;
  }

  /** The task that writes a node to a buffer. */
  finish(node: number, to: Affine, place: number): NestTask {
    const buffer = this.#bufferOf(place);
    const loops = this.#lengths.length;
    const reduced = loops - this.#kept;
    const store: Store = { node, to: { ...padded(to, loops), buffer } };
    const nodes = this.#nodes.map((one): LoopNode => {
      if (one.kind === "index") return { ...one, of: padded(one.of, loops) };
      if (one.kind !== "load") return one;
      const from = { ...padded(one.from, loops), buffer: one.from.buffer };
      if (one.guards === undefined) return { ...one, from };
      const guards = one.guards.map((guard) => ({ ...padded(guard, loops), below: guard.below }));
      return { ...one, from, guards };
    });
    const places = [...this.#buffers.keys()];
    const buffers = places.map((one) => this.#around.buffers[one].dtype);
    const names = [...this.#names];
    const name = names.length > 4
      ? `${names.slice(0, 3).join(" ")} and ${names.length - 3} more`
      : names.join(" ") || "copy";
    const nest: Nest = { lengths: this.#lengths, reduced, buffers, nodes, stores: [store] };
    return { kind: "nest", name, nest, buffers: places };
  }
}

function trimmed(strides: readonly number[]): string {
  let length = strides.length;
  while (length > 0 && !strides[length - 1]) length--;
  return strides.slice(0, length).map((stride) => stride ?? 0).join();
}

/** What computing a value within a nest takes. */
interface Cost {
  readonly operations: number;
  /** What it reads that is as large as itself. */
  readonly reads: ReadonlySet<Atom>;
}

/** The values that get buffers, so far as it can be told before nests are written. */
function chooseKept(
  program: Program,
  producers: ReadonlyMap<Variable, Equation>,
  groups: ReadonlyMap<Equation, StraightGroup>,
  target: Target,
): Set<Variable> {
  const kept = new Set<Variable>();
  const keep = (atom: Atom): void => {
    // Of a value that is only another's in another shape, that one is kept.
    while (atom instanceof Variable) {
      kept.add(atom);
      const producer = producers.get(atom);
      if (producer === undefined || effectiveRule(producer, target).kind !== "alias") return;
      atom = producer.inputs[0];
    }
  };
  program.results.forEach(keep);
  for (const { needs, gives } of new Set(groups.values())) [...needs, ...gives].forEach(keep);
  const equations = program.equations.filter((equation) => !groups.has(equation));
  for (const equation of equations) {
    const { kind } = effectiveRule(equation, target);
    if (kind === "kernel") [...equation.inputs, ...equation.outputs].forEach(keep);
  }
  keepWholes(program, producers, kept, keep, target);
  // Backwards: the nest that each value would be part of, if it is just one.
  const owners = new Map<Variable, Variable | null>();
  const several: Variable[] = [];
  for (const equation of equations.toReversed()) {
    const rule = effectiveRule(equation, target);
    const isFilled = rule.kind === "concatenate" && kept.has(equation.outputs[0]);
    if (rule.kind === "kernel" || isFilled) {
      // Each argument of a concatenation in memory is written by a nest of its own.
      if (isFilled) {
        equation.inputs.forEach((input) => meet(owners, input, equation.outputs[0]));
      }
      continue;
    }
    const [output] = equation.outputs;
    let owner: Variable | null = output;
    if (!kept.has(output)) {
      owner = owners.get(output) ?? null;
      if (rule.kind === "reduce") {
        const fits = owner !== null && sizeOf(owner.type.shape) === sizeOf(output.type.shape);
        if (!fits) {
          kept.add(output);
          owner = output;
        }
      } else if (owner === null) {
        several.push(output);
        kept.add(output);
        owner = output;
      }
    }
    for (const input of equation.inputs) {
      // What is repeated gets a nest of its own: a reduction that others need too is not done twice.
      const isRepeated = rule.kind === "view" && input instanceof Variable &&
        sizeOf(input.type.shape) < sizeOf(output.type.shape);
      meet(owners, input, isRepeated ? input : owner);
    }
  }
  // Forwards: what is cheap is computed again in each of several nests.
  const costs = new Map<Variable, Cost>();
  const depths = new Map<Atom, number>();
  const candidates = new Set(several);
  for (const equation of equations) {
    const rule = effectiveRule(equation, target);
    const [output] = equation.outputs;
    if (output === undefined || (kept.has(output) && !candidates.has(output))) continue;
    const depth = 1 + Math.max(0, ...equation.inputs.map((input) => depths.get(input) ?? 0));
    if (depth > DEEPEST) {
      keep(output);
      continue;
    }
    depths.set(output, depth);
    const cost = costOf(equation, rule, costs, kept);
    if (candidates.has(output)) {
      if (cost.operations > CHEAP_OPERATIONS || cost.reads.size > 1) continue;
      kept.delete(output);
    }
    costs.set(output, cost);
  }
  return kept;
}

/** What a value is cut out of or put into a frame of zeros, or itself. */
interface Whole {
  readonly base: Atom;
  /** Whether there is more between them than another shape. */
  readonly isPart: boolean;
}

/**
 * Decides what padding and concatenations read. They are followed to what their arguments are parts
 * of, where that is in memory anyway, or as much of it is read as there is: so a rolled value is read
 * from where it stands, in both directions of differentiation. Other arguments of padding are kept,
 * and so are other concatenations.
 */
function keepWholes(
  { equations }: Program,
  producers: ReadonlyMap<Variable, Equation>,
  kept: ReadonlySet<Variable>,
  keep: (atom: Atom) => void,
  target: Target,
): void {
  const wholeOf = (atom: Atom): Whole => {
    let part = false;
    while (atom instanceof Variable && !kept.has(atom)) {
      const producer = producers.get(atom);
      if (producer === undefined || !isPart(producer, target)) break;
      part ||= effectiveRule(producer, target).kind !== "alias";
      atom = producer.inputs[0];
    }
    return { base: atom, isPart: part };
  };
  const isInMemory = (atom: Atom): boolean =>
    !(atom instanceof Variable) || kept.has(atom) || !producers.has(atom);
  const read = new Map<Atom, number>();
  const readers = equations.filter((equation) => {
    const { kind } = effectiveRule(equation, target);
    return kind === "pad" || kind === "concatenate";
  });
  for (const { inputs } of readers) {
    for (const input of inputs) {
      const { base } = wholeOf(input);
      read.set(base, (read.get(base) ?? 0) + sizeOf(typeOf(input).shape));
    }
  }
  const isFollowed = ({ base }: Whole): boolean =>
    isInMemory(base) || read.get(base)! >= sizeOf(typeOf(base).shape);
  for (const equation of readers) {
    const { inputs, outputs: [output] } = equation;
    const wholes = inputs.map(wholeOf);
    if (effectiveRule(equation, target).kind === "pad") {
      keep(isPart(equation, target) && isFollowed(wholes[0]) ? wholes[0].base : inputs[0]);
      continue;
    }
    const isJoined = !kept.has(output) && inputs.length <= MOST_PARTS &&
      wholes.every((whole) => isFollowed(whole) && (whole.isPart || isInMemory(whole.base)));
    if (isJoined) wholes.forEach(({ base }) => keep(base));
    else keep(output);
  }
}

/** Notes that the nest of `owner` computes `atom`; `null` once there are several. */
function meet(
  owners: Map<Variable, Variable | null>,
  atom: Atom,
  owner: Variable | null,
): void {
  if (!(atom instanceof Variable)) return;
  const known = owners.get(atom);
  owners.set(atom, known === undefined || known === owner ? owner : null);
}

function costOf(
  { inputs, outputs: [output] }: Equation,
  rule: Rule,
  costs: ReadonlyMap<Variable, Cost>,
  kept: ReadonlySet<Variable>,
): Cost {
  const size = sizeOf(output.type.shape);
  if (rule.kind === "reduce") return { operations: Infinity, reads: new Set() };
  // What is repeated is computed once, and read back.
  if (rule.kind === "view" && inputs.every((input) => sizeOf(typeOf(input).shape) < size)) {
    return { operations: 0, reads: new Set() };
  }
  let operations = rule.kind === "outer" ? 1 : 0;
  if (rule.kind === "map") operations = rule.isHeavy ? Infinity : 1;
  const reads = new Set<Atom>();
  for (const input of inputs) {
    if (!(input instanceof Variable) || input instanceof Given) continue;
    const cost = kept.has(input) ? undefined : costs.get(input);
    if (cost === undefined) {
      if (sizeOf(input.type.shape) >= size) reads.add(input);
      continue;
    }
    operations += cost.operations;
    for (const read of cost.reads) if (sizeOf(typeOf(read).shape) >= size) reads.add(read);
  }
  return { operations, reads };
}

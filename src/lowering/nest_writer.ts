/**
 * Writes the nest that computes one value from values in memory, following loops through all operations
 * in between.
 *
 * @module
 */
import { internalError } from "../base/errors.ts";
import { sizeOf, stridesOf } from "../base/shape.ts";
import { typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import type { Concrete } from "../core/tensor.ts";
import type { Affine, Combination, Guard, LoopNode, Nest, Store } from "./nest.ts";
import type { Target } from "./target.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import { absPrimitive, mulPrimitive } from "../primitives/arithmetic.ts";
import { lessPrimitive } from "../primitives/comparison.ts";
import type { NestAlgebra, NestFormula } from "../primitives/moment_formulas.ts";
import type { ConcatenateParams, PadParams } from "../primitives/slicing.ts";
import { combine, counter, padded, throughReshape } from "./coordinates.ts";
import { Given } from "../passes/forms.ts";
import type { Buffer, NestTask } from "./tasks.ts";
import { reductionAxes } from "./rules.ts";
import { effectiveRule, isPart } from "./equation_rules.ts";

/** The maximum number of nodes of a nest, which keeps its code small. */
const MOST_NODES = 192;

/** Thrown if a nest cannot be written: the change that must be made first. */
export class Obstacle {
  readonly action:
    | { readonly keep: Variable }
    | { readonly divide: number; readonly into: readonly number[] };

  constructor(action: Obstacle["action"]) {
    this.action = action;
  }
}

/** `axes` with loop number `loop`, counted over all of them, split. */
export function divideLoop(
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

/** Information about the enclosing program for the writer of a nest. */
export interface Surroundings {
  producer(variable: Variable): Equation | undefined;
  /** Whether a value has or gets a buffer. */
  isKept(variable: Variable): boolean;
  /** The buffer of a value. */
  place(atom: Atom): number;
  readonly buffers: readonly Buffer[];
  readonly target: Target;
}

/** Writes one nest. */
export class NestWriter {
  /** The position of the current element in the result. */
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
  /** The expensive values in it. */
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
        // Read at a second position in the same nest, it would be computed twice for each element.
        if (rule.isHeavy && !isRoot && this.#heavy.has(atom)) throw new Obstacle({ keep: atom });
        if (rule.isHeavy) this.#heavy.add(atom);
        const nodes = inputs.map((input) => this.value(input, coordinates));
        if (this.#isFull) this.#giveUp(atom, isRoot, inputs);
        this.#names.add(primitive.name);
        const operation = primitive.name;
        return this.#add({ kind: "map", dtype, operation, inputs: nodes, params });
      }
      case "view": {
        const [input] = inputs;
        const { shape } = typeOf(input);
        // A repeated value is computed once, unless it costs nothing.
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
        return this.#joined(atom, equation, coordinates, []);
      }
      case "reduce":
        return this.#reduce(atom, equation, coordinates, rule.operation, isRoot);
      default:
        throw new Obstacle({ keep: atom });
    }
  }

  /** The element of `atom`, the argument of padding or a part of a concatenation, or zero outside of it. */
  #guarded(atom: Atom, coordinates: readonly Affine[], guards: readonly Guard[]): number {
    const equation = atom instanceof Variable && !this.#around.isKept(atom)
      ? this.#around.producer(atom)
      : undefined;
    if (equation === undefined) return this.#load(atom, coordinates, guards);
    const rule = effectiveRule(equation, this.#around.target);
    const { inputs: [input], params } = equation;
    if (rule.kind === "concatenate") {
      return this.#joined(atom as Variable, equation, coordinates, guards);
    }
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

  /** An element of a concatenation: all of its parts except one are zero there. */
  #joined(
    atom: Variable,
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
    if (this.#hasManyBuffers) throw new Obstacle({ keep: atom });
    const { dtype } = outputs[0].type;
    return nodes.reduce((x, y) => {
      return this.#add({ kind: "map", dtype, operation: "join", inputs: [x, y] });
    });
  }

  /** A product of elements whose coordinates are the batch axes, then the other axes of either argument. */
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
    if (this.#isFull) this.#giveUp(atom, isRoot, inputs);
    this.#names.add("mul");
    return this.#add({ kind: "map", dtype: atom.type.dtype, operation: "mul", inputs: nodes });
  }

  /** Whether a guard fails in any round of the loops. */
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
      const algebra = { ...this.#algebra, hasDoubles: this.#around.target.hasDoubles };
      return operation(algebra, values, typeOf(inputs[0]), params as never).node;
    }
    this.#names.add(operation);
    return this.#add({ kind: "reduce", dtype, operation, input: values[0].node });
  }

  /** The condition under which the current nodes are needed: a test, or nothing for everywhere. */
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
  readonly #algebra: Omit<NestAlgebra<{ readonly node: number }>, "hasDoubles"> = {
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
    min: (x) => this.#combined("min", x.node),
    guardedProd: (x) => {
      this.#names.add("prod");
      const guarded = { dtype: "float64", operation: "prod", isGuarded: true } as const;
      const when = this.#when === undefined ? {} : { when: this.#when };
      return { node: this.#add({ kind: "reduce", ...guarded, input: x.node, ...when }) };
    },
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

  /** Stores a value that would be recomputed repeatedly. */
  #keepWork(atom: Atom): void {
    if (!(atom instanceof Variable) || this.#around.isKept(atom)) return;
    const equation = this.#around.producer(atom);
    if (equation === undefined) return;
    const rule = effectiveRule(equation, this.#around.target);
    if (rule.kind === "view" || rule.kind === "alias") this.#keepWork(equation.inputs[0]);
    else if (rule.kind !== "iota") throw new Obstacle({ keep: atom });
  }

  /** Whether an additional buffer, that of the result, exceeds the limit. */
  get #hasManyBuffers(): boolean {
    return this.#buffers.size >= this.#around.target.mostBuffers;
  }

  get #isFull(): boolean {
    return this.#nodes.length >= MOST_NODES || this.#hasManyBuffers;
  }

  /** The nest is full: one of the values that it was about to include gets a buffer. */
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

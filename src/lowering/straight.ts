/**
 * Equations on few elements as straight code: which of a program's equations these are, an order in
 * which they stand together, and what becomes of them.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import { range, sizeOf, stridesOf, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { isEffectful, Program, typeOf, Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete, dense } from "../core/tensor.ts";
import type { Combination } from "./nest.ts";
import type { Spot, StraightOp, StraightValue } from "./straight_code.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { BlockStart, DynamicSliceParams } from "../primitives/dynamic_slicing.ts";
import type { GatherParams } from "../primitives/indexing.ts";
import type { SliceParams } from "../primitives/slicing.ts";
import { reductionRows, transposePrimitive } from "../primitives/structure.ts";
import type { ReduceParams } from "../primitives/structure.ts";
import { Given } from "../passes/forms.ts";
import type { StraightCode } from "./straight_code.ts";
import type { Target } from "./target.ts";
import { ruleOf } from "./rules.ts";
import { isUpdate } from "../passes/kinds.ts";

/** Values of more elements than this are computed in loops. */
const MOST_ELEMENTS = 16;

/** Sums of more terms than this, all together, are computed in loops. */
const MOST_TERMS = 64;

/** A program has no more straight operations than this, which keeps its code small. */
const MOST_OPERATIONS = 2048;

/** Equations that stand together and become one piece of straight code. */
export interface StraightGroup {
  readonly equations: readonly Equation[];
  /** The values that they read, and do not make. */
  readonly needs: readonly Atom[];
  /** The values that others, or the program's results, read. */
  readonly gives: readonly Variable[];
  /** What holds the same elements as a value in the same order. */
  originOf(atom: Atom): Atom;
}

/** A program whose equations on few elements stand together. */
export interface Grouped {
  readonly program: Program;
  /** The group of each equation that has one. */
  readonly groups: ReadonlyMap<Equation, StraightGroup>;
}

function sizeOfAtom(atom: Atom): number {
  return sizeOf(typeOf(atom).shape);
}

/** How many operations an equation is as straight code; `null` if it is none. */
function straightCost(
  { primitive, inputs, outputs, params }: Equation,
  target: Target,
): number | null {
  const [output] = outputs;
  if (outputs.length !== 1) return null;
  const { name } = primitive;
  const isSmall = (atom: Atom): boolean => sizeOfAtom(atom) <= MOST_ELEMENTS;
  if (isUpdate(name)) {
    const [x, update, ...indices] = inputs;
    if (isUniform(x)) return null;
    if (name.startsWith("scatter")) {
      const { batch, outer = [] } = params as GatherParams;
      if (batch > 0 || outer.length > 0) return null;
    }
    return isSmall(update) && indices.every(isSmall) && sizeOfAtom(output) > 0
      ? 2 * sizeOfAtom(update)
      : null;
  }
  if (!isSmall(output)) return null;
  const rule = ruleOf(name);
  switch (rule.kind) {
    case "map":
      return target.writes(name, typeOf(inputs[inputs.length - 1]).dtype)
        ? sizeOfAtom(output)
        : null;
    case "alias":
    case "iota":
      return 0;
    case "pad":
    case "concatenate":
      return inputs.every(isSmall) ? 0 : null;
    case "view":
      return name === "slice" || inputs.every(isSmall) ? 1 : null;
    case "reduce": {
      // Reductions by a formula have kernels of their own.
      if (typeof rule.operation !== "string") return null;
      const terms = sizeOfAtom(inputs[0]);
      return terms > 0 && terms <= MOST_TERMS ? terms : null;
    }
    case "kernel":
      break;
    default:
      return null;
  }
  if (isUniform(inputs[0]) && name !== "contract") return null;
  if (name === "dynamicSlice") return sizeOfAtom(output);
  if (name === "gather") {
    const { batch, outer = [] } = params as GatherParams;
    return batch === 0 && outer.length === 0 && isSmall(inputs[1]) ? sizeOfAtom(output) : null;
  }
  if (name !== "contract") return null;
  const terms = sizeOfAtom(output) * sharedSize(inputs[0], params as ContractParams);
  return inputs.every((input) => sizeOfAtom(input) <= MOST_TERMS) && terms <= MOST_TERMS
    ? 2 * terms
    : null;
}

/** How many products each element of a contraction sums up. */
function sharedSize(x: Atom, { contract: [axes] }: ContractParams): number {
  const { shape } = typeOf(x);
  return sizeOf(axes.map((axis) => shape[axis]));
}

/** What holds the same elements in the same order. */
function originOf(producers: ReadonlyMap<Atom, Equation>, atom: Atom): Atom {
  for (let maker = producers.get(atom); maker; maker = producers.get(atom)) {
    if (ruleOf(maker.primitive.name).kind !== "alias") break;
    atom = maker.inputs[0];
  }
  return atom;
}

function producersOf({ equations }: Program): Map<Atom, Equation> {
  const producers = new Map<Atom, Equation>();
  for (const equation of equations) {
    for (const output of equation.outputs) producers.set(output, equation);
  }
  return producers;
}

/** Brings equations on few elements together, readers of a value before those that change it. */
export function groupStraight(program: Program, target: Target): Grouped {
  const straight = new Set<Equation>();
  let left = MOST_OPERATIONS;
  for (const equation of program.equations) {
    const cost = straightCost(equation, target);
    if (cost === null || cost > left) continue;
    left -= cost;
    straight.add(equation);
  }
  const isWork = (equation: Equation): boolean =>
    straight.has(equation) && ruleOf(equation.primitive.name).kind !== "alias";
  if (![...straight].some(isWork)) return { program, groups: new Map() };
  const producers = producersOf(program);
  const before = precedence(program, producers);
  const ordered: Equation[] = [];
  const lists: Equation[][] = [];
  const waiting = new Set(program.equations);
  const takeReady = (isWanted: (equation: Equation) => boolean): Equation[] => {
    const taken: Equation[] = [];
    for (let count = -1; count !== taken.length;) {
      count = taken.length;
      for (const equation of waiting) {
        if (!isWanted(equation) || before.get(equation)!.some((one) => waiting.has(one))) continue;
        waiting.delete(equation);
        taken.push(equation);
      }
    }
    ordered.push(...taken);
    return taken;
  };
  while (waiting.size > 0) {
    const group = takeReady((equation) => straight.has(equation));
    if (group.some(isWork)) lists.push(group);
    takeReady((equation) => !straight.has(equation));
  }
  const grouped = new Program(program.binders, ordered, program.results);
  const groups = new Map<Equation, StraightGroup>();
  for (const list of lists) {
    const group = boundaryOf(grouped, producers, list);
    for (const equation of list) groups.set(equation, group);
  }
  return { program: grouped, groups };
}

/** What each equation must stand behind. */
function precedence(
  { equations }: Program,
  producers: ReadonlyMap<Atom, Equation>,
): ReadonlyMap<Equation, Equation[]> {
  const before = new Map<Equation, Equation[]>();
  const readers = new Map<Atom, Equation[]>();
  let lastEffect: Equation | null = null;
  for (const equation of equations) {
    const own = new Set<Equation>();
    for (const input of equation.inputs) {
      const maker = producers.get(input);
      if (maker !== undefined) own.add(maker);
      if (ruleOf(equation.primitive.name).kind === "alias") continue;
      const origin = originOf(producers, input);
      const list = readers.get(origin);
      if (list === undefined) readers.set(origin, [equation]);
      else list.push(equation);
    }
    if (isEffectful(equation)) {
      if (lastEffect !== null) own.add(lastEffect);
      lastEffect = equation;
    }
    before.set(equation, [...own]);
  }
  const needs = (equation: Equation, other: Equation): boolean => {
    const seen = new Set<Equation>();
    const queue = [equation];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === other) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...before.get(next)!);
    }
    return false;
  };
  for (const equation of equations) {
    if (!isUpdate(equation.primitive.name)) continue;
    const changed = originOf(producers, equation.inputs[0]);
    for (const reader of new Set(readers.get(changed))) {
      if (reader !== equation && !needs(reader, equation)) before.get(equation)!.push(reader);
    }
  }
  return before;
}

/** What a group reads of others, and others of it. */
function boundaryOf(
  { equations, results }: Program,
  producers: ReadonlyMap<Atom, Equation>,
  list: readonly Equation[],
): StraightGroup {
  const own = new Set(list);
  const isOwn = (atom: Atom): boolean => own.has(producers.get(atom)!);
  const needs = new Set<Atom>();
  for (const { inputs } of list) {
    for (const input of inputs) {
      const origin = originOf(producers, input);
      if (!isOwn(origin) && !isUniform(origin)) needs.add(origin);
    }
  }
  const gives = new Set<Variable>();
  const give = (atom: Atom): void => {
    const origin = originOf(producers, atom);
    if (origin instanceof Variable && isOwn(origin)) gives.add(origin);
  };
  for (const equation of equations) if (!own.has(equation)) equation.inputs.forEach(give);
  results.forEach(give);
  return {
    equations: list,
    needs: [...needs],
    gives: [...gives],
    originOf: (atom) => originOf(producers, atom),
  };
}

/** Whether a value is one number everywhere, known or given at each run. */
function isUniform(atom: Atom): atom is Concrete | Given {
  return atom instanceof Given || atom instanceof Concrete && (atom.held === 1 || atom.size === 0);
}

/** The value of each element of what is one number everywhere. */
function uniformValue(atom: Concrete | Given): StraightValue {
  const { dtype } = typeOf(atom);
  return atom instanceof Given
    ? { kind: "given", dtype, index: atom.index }
    : { kind: "constant", dtype, value: atom.elements[0] };
}

/** Writes the code of a group. */
export function writeStraight(group: StraightGroup): StraightCode {
  return new Writer(group).write();
}

/** Whether a value is small enough to be copied element by element. */
export function isStraight(atom: Atom): boolean {
  return sizeOfAtom(atom) <= MOST_ELEMENTS;
}

/**
 * Code that copies small values to buffers of their own, given as variables: all are read before any
 * is written, so that they may change places.
 */
export function copyStraight(
  copies: readonly { readonly from: Atom; readonly to: Variable }[],
): StraightCode {
  const atoms: Atom[] = [];
  const values: StraightValue[] = [];
  const [loads, stores]: StraightOp[][] = [[], []];
  const writes = new Set<number>();
  const places = new Map<Atom, number>();
  for (const { from, to } of copies) {
    const { dtype } = to.type;
    if (!isUniform(from) && !places.has(from)) places.set(from, atoms.push(from) - 1);
    const buffer = atoms.push(to) - 1;
    writes.add(buffer);
    range(sizeOfAtom(to)).forEach((offset) => {
      const spot = { offset, terms: [] };
      const value: StraightValue = isUniform(from)
        ? uniformValue(from)
        : { kind: "load", dtype, from: { buffer: places.get(from)!, ...spot } };
      const number = values.push(value) - 1;
      loads.push({ kind: "value", value: number });
      stores.push({ kind: "store", value: number, to: { buffer, ...spot } });
    });
  }
  const sources = [...places.values()];
  return {
    straight: {
      buffers: atoms.map((atom) => typeOf(atom).dtype),
      values,
      ops: [...loads, ...stores],
    },
    atoms,
    writes,
    inPlace: [...writes].flatMap((to) =>
      sources.filter((from) => bytesOf(atoms[from]) === bytesOf(atoms[to]))
        .map((from) => [from, to] as const)
    ),
  };
}

/** Elements by the numbers of their values plus one, as a tensor that movements can be applied to. */
function numbered(values: readonly number[], shape: Shape): Concrete {
  return new Concrete("int32", shape, Int32Array.from(values, (value) => value + 1));
}

class Writer {
  readonly #group: StraightGroup;
  readonly #values: StraightValue[] = [];
  readonly #buffers: Dtype[] = [];
  readonly #atoms: Atom[] = [];
  /** The buffer of each value that is in memory. */
  readonly #places = new Map<Atom, number>();
  /** The values of the elements of what is in locals. */
  readonly #elements = new Map<Atom, readonly number[]>();
  readonly #constants = new Map<string, number>();
  /** Loads of what others have made, which come first. */
  readonly #loads: StraightOp[] = [];
  readonly #ops: StraightOp[] = [];
  readonly #stores: StraightOp[] = [];
  readonly #writes = new Set<number>();
  readonly #updates: { readonly from: number; readonly to: number }[] = [];
  /** Which values must be in memory, since they are read at places that are not known. */
  readonly #inMemory = new Set<Atom>();
  /** The number of the last equation that reads each value. */
  readonly #lastUses = new Map<Atom, number>();

  constructor(group: StraightGroup) {
    this.#group = group;
    for (const { primitive: { name }, inputs } of group.equations) {
      if (isUpdate(name) || name === "dynamicSlice" || name === "gather") {
        this.#inMemory.add(this.#origin(inputs[0]));
      }
    }
    group.equations.forEach((equation, i) => {
      for (const input of equation.inputs) this.#lastUses.set(this.#origin(input), i);
    });
  }

  write(): StraightCode {
    const { equations, needs, gives } = this.#group;
    for (const atom of needs) this.#bufferOf(atom);
    equations.forEach((equation, i) => this.#equation(equation, i));
    for (const atom of gives) {
      // What is in memory already, as updates are, is there.
      if (!this.#places.has(atom)) this.#storeAll(atom, this.#stores);
    }
    const ops = this.#live([...this.#loads, ...this.#ops, ...this.#stores]);
    const straight = { buffers: this.#buffers, values: this.#values, ops };
    return {
      straight,
      atoms: this.#atoms,
      writes: this.#writes,
      inPlace: this.#pairs(ops),
    };
  }

  #origin(atom: Atom): Atom {
    return this.#group.originOf(atom);
  }

  #bufferOf(atom: Atom): number {
    let place = this.#places.get(atom);
    if (place === undefined) {
      place = this.#buffers.push(typeOf(atom).dtype) - 1;
      this.#atoms.push(atom);
      this.#places.set(atom, place);
    }
    return place;
  }

  #add(value: StraightValue, ops: StraightOp[] = this.#ops): number {
    const number = this.#values.push(value) - 1;
    ops.push({ kind: "value", value: number });
    return number;
  }

  #constant(dtype: Dtype, value: number): number {
    const key = `${dtype} ${Object.is(value, -0) ? "-0" : value}`;
    let number = this.#constants.get(key);
    if (number === undefined) {
      number = this.#add({ kind: "constant", dtype, value }, this.#loads);
      this.#constants.set(key, number);
    }
    return number;
  }

  #uniform(atom: Concrete | Given): number {
    const value = uniformValue(atom);
    return value.kind === "constant"
      ? this.#constant(value.dtype, value.value)
      : this.#add(value, this.#loads);
  }

  #map(dtype: Dtype, operation: string, inputs: readonly number[], params?: unknown): number {
    return this.#add(
      params === undefined
        ? { kind: "map", dtype, operation, inputs }
        : { kind: "map", dtype, operation, inputs, params },
    );
  }

  /** The values of an atom's elements. */
  #valuesOf(atom: Atom): readonly number[] {
    const known = this.#elements.get(atom);
    if (known !== undefined) return known;
    const origin = this.#origin(atom);
    const values = origin === atom ? this.#read(atom) : this.#valuesOf(origin);
    this.#elements.set(atom, values);
    return values;
  }

  /** The elements of what this group does not make. */
  #read(atom: Atom): readonly number[] {
    const { dtype } = typeOf(atom);
    if (isUniform(atom)) {
      return Array.from({ length: sizeOfAtom(atom) }, () => this.#uniform(atom));
    }
    const buffer = this.#bufferOf(atom);
    return range(sizeOfAtom(atom)).map((offset) =>
      this.#add({ kind: "load", dtype, from: { buffer, offset, terms: [] } }, this.#loads)
    );
  }

  #storeAll(atom: Atom, ops: StraightOp[]): void {
    const values = this.#valuesOf(atom);
    const buffer = this.#bufferOf(atom);
    this.#writes.add(buffer);
    values.forEach((value, offset) =>
      ops.push({ kind: "store", value, to: { buffer, offset, terms: [] } })
    );
  }

  #equation(equation: Equation, i: number): void {
    const { primitive: { name }, outputs: [output] } = equation;
    if (ruleOf(name).kind === "alias") return;
    if (isUpdate(name)) return this.#update(equation, i);
    this.#elements.set(output, this.#compute(equation));
    if (this.#inMemory.has(output)) this.#storeAll(output, this.#ops);
  }

  #compute({ primitive, inputs, outputs: [output], params }: Equation): readonly number[] {
    const { name } = primitive;
    const { dtype, shape } = output.type;
    const rule = ruleOf(name);
    switch (rule.kind) {
      case "map": {
        const own = inputs.map((input) => this.#valuesOf(input));
        return own[0].map((_, i) => this.#map(dtype, name, own.map((list) => list[i]), params));
      }
      case "iota":
        return range(shape[0]).map((value) => this.#constant(dtype, value));
      case "reduce":
        return this.#reduce(
          inputs[0],
          dtype,
          params as ReduceParams,
          rule.operation as Combination,
        );
      case "kernel":
        if (name === "contract") return this.#contract(inputs, dtype, params as ContractParams);
        return name === "gather"
          ? this.#gather(inputs, dtype)
          : this.#slice(inputs, dtype, params as DynamicSliceParams);
      default: {
        const [x] = inputs;
        if (name === "slice" && sizeOfAtom(x) > MOST_ELEMENTS) {
          return this.#sliceOfLarge(x, output, params as SliceParams);
        }
        const args = inputs.map((input) => numbered(this.#valuesOf(input), typeOf(input).shape));
        const [moved] = primitive.evaluate(args, params, [{ dtype: "int32", shape }]);
        return Array.from(
          dense(moved),
          (number) => number === 0 ? this.#constant(dtype, 0) : number - 1,
        );
      }
    }
  }

  #sliceOfLarge(x: Atom, { type }: Variable, { start, step }: SliceParams): readonly number[] {
    const strides = stridesOf(typeOf(x).shape);
    const first = strides.reduce((sum, stride, axis) => sum + stride * start[axis], 0);
    const steps = strides.map((stride, axis) => stride * step[axis]);
    const origin = this.#origin(x);
    const constant = isUniform(origin) ? this.#uniform(origin) : null;
    return offsetsOf(type.shape, steps).map((offset) =>
      constant ?? this.#loadAt(x, first + offset, [])
    );
  }

  /** An element of what is in memory, as it is now. */
  #loadAt(x: Atom, offset: number, terms: Spot["terms"]): number {
    const from = { buffer: this.#memoryOf(x), offset, terms };
    return this.#add({ kind: "load", dtype: typeOf(x).dtype, from });
  }

  /** The buffer that holds a value, which is written now if it is in locals. */
  #memoryOf(atom: Atom): number {
    const origin = this.#origin(atom);
    const known = this.#places.get(origin);
    if (known !== undefined) return known;
    this.#storeAll(origin, this.#ops);
    return this.#places.get(origin)!;
  }

  #index(input: number, below: number): number {
    return this.#add({ kind: "index", input, below });
  }

  /** Where a block begins: its distance from the first element, and the terms that are computed. */
  #start(
    shape: Shape,
    sizes: Shape,
    { start }: BlockStart,
    starts: readonly Atom[],
  ): Pick<Spot, "offset" | "terms"> {
    const strides = stridesOf(shape);
    let next = 0;
    let offset = 0;
    const terms: { index: number; stride: number }[] = [];
    start.forEach((first, axis) => {
      if (first !== null) offset += first * strides[axis];
      else {
        const [value] = this.#valuesOf(starts[next++]);
        const index = this.#index(value, shape[axis] - sizes[axis] + 1);
        terms.push({ index, stride: strides[axis] });
      }
    });
    return { offset, terms };
  }

  #slice(
    [x, ...starts]: readonly Atom[],
    _dtype: Dtype,
    params: DynamicSliceParams,
  ): readonly number[] {
    const { shape } = typeOf(x);
    const { offset, terms } = this.#start(shape, params.sizes, params, starts);
    return offsetsOf(params.sizes, stridesOf(shape)).map((further) =>
      this.#loadAt(x, offset + further, terms)
    );
  }

  #gather([x, indices]: readonly Atom[], _dtype: Dtype): readonly number[] {
    const [n, ...rest] = typeOf(x).shape;
    const width = sizeOf(rest);
    return this.#valuesOf(indices).flatMap((value) => {
      const terms = [{ index: this.#index(value, n), stride: width }];
      return range(width).map((offset) => this.#loadAt(x, offset, terms));
    });
  }

  /** Blocks, or rows, replaced or added to in memory; `i` is the equation's number. */
  #update({ primitive: { name }, inputs, outputs: [output], params }: Equation, i: number): void {
    const [x, update, ...others] = inputs;
    const { dtype, shape } = output.type;
    const values = this.#valuesOf(update);
    const spots: Omit<Spot, "buffer">[] = [];
    if (name.startsWith("scatter")) {
      const [n, ...rest] = shape;
      const width = sizeOf(rest);
      for (const value of this.#valuesOf(others[0])) {
        const terms = [{ index: this.#index(value, n), stride: width }];
        spots.push(...range(width).map((offset) => ({ offset, terms })));
      }
    } else {
      const sizes = typeOf(update).shape;
      const { offset, terms } = this.#start(shape, sizes, params as BlockStart, others);
      const further = offsetsOf(sizes, stridesOf(shape));
      spots.push(...further.map((more) => ({ offset: offset + more, terms })));
    }
    const adds = name === "addSlice" || name === "scatterOnto";
    const from = this.#memoryOf(x);
    const to = this.#takeOver(this.#origin(x), output, i) ?? this.#bufferOf(output);
    this.#writes.add(to);
    if (from !== to) {
      this.#updates.push({ from, to });
      this.#ops.push({ kind: "copy", from, to, bytes: bytesOf(output) });
    }
    spots.forEach((spot, i) => {
      const place = { buffer: to, ...spot };
      let value = values[i];
      if (adds) {
        value = this.#map(dtype, "add", [this.#add({ kind: "load", dtype, from: place }), value]);
      }
      this.#ops.push({ kind: "store", value, to: place });
    });
    // Read now, before the next one that may change it.
    const size = sizeOf(shape);
    if (size <= MOST_TERMS) {
      this.#elements.set(
        output,
        range(size).map((offset) => this.#loadAt(output, offset, [])),
      );
    }
  }

  /** The buffer of what this group has written and reads for the last time, now that of `output`. */
  #takeOver(x: Atom, output: Variable, i: number): number | null {
    const place = this.#places.get(x)!;
    const isOwn = this.#writes.has(place) && this.#lastUses.get(x) === i;
    if (!isOwn || this.#group.gives.includes(x as Variable)) return null;
    this.#places.set(output, place);
    this.#atoms[place] = output;
    return place;
  }

  #reduce(
    x: Atom,
    dtype: Dtype,
    { axes }: ReduceParams,
    operation: Combination,
  ): readonly number[] {
    const { shape } = typeOf(x);
    const count = sizeOf(axes.map((axis) => shape[axis]));
    const rows = Array.from(
      dense(reductionRows(numbered(this.#valuesOf(x), shape), axes)),
      (number) => number - 1,
    );
    return range(rows.length / count).map((i) => {
      const terms = rows.slice(i * count, (i + 1) * count);
      switch (operation) {
        case "sum":
          return this.#total(dtype, "add", 0, terms);
        case "prod":
          return this.#total(dtype, "mul", 1, terms);
        case "max":
        case "min":
          return terms.reduce((best, value) =>
            this.#better(dtype, operation === "max", best, value)
          );
      }
    });
  }

  /** Numbers added up, or multiplied, one after the other, in double precision. */
  #total(dtype: Dtype, operation: "add" | "mul", start: number, terms: readonly number[]): number {
    const wide = dtype === "float32" ? "float64" : dtype;
    const sum = terms.reduce(
      (sum, term) => this.#map(wide, operation, [sum, this.#converted(term, dtype, wide)]),
      this.#constant(wide, start),
    );
    return this.#converted(sum, wide, dtype);
  }

  #converted(value: number, from: Dtype, to: Dtype): number {
    return from === to ? value : this.#map(to, "convert", [value], { dtype: to });
  }

  /** The greater, or the lesser, of two numbers; the first of equal ones, NaN before all others. */
  #better(dtype: Dtype, isMax: boolean, best: number, value: number): number {
    if (dtype === "bool") return this.#map(dtype, isMax ? "or" : "and", [best, value]);
    let wins = this.#map("bool", "less", isMax ? [best, value] : [value, best]);
    if (dtype === "float32" || dtype === "float64") {
      wins = this.#map("bool", "or", [wins, this.#map("bool", "isNan", [value])]);
    }
    return this.#map(dtype, "select", [wins, value, best]);
  }

  #contract(
    inputs: readonly Atom[],
    dtype: Dtype,
    { contract, batch }: ContractParams,
  ): readonly number[] {
    const isOuter = contract[0].length === 0;
    const wide = dtype === "float32" && !isOuter ? "float64" : dtype;
    const [x, y] = inputs.map((input, side) => {
      const { shape } = typeOf(input);
      const free = withoutAxes(range(shape.length), [...contract[side], ...batch[side]]);
      const permutation = [...batch[side], ...free, ...contract[side]];
      const [moved] = transposePrimitive.evaluate(
        [numbered(this.#valuesOf(input), shape)],
        { permutation },
        [{ dtype: "int32", shape: permutation.map((axis) => shape[axis]) }],
      );
      const values = Array.from(dense(moved), (number) => this.#converted(number - 1, dtype, wide));
      return { values, free: sizeOf(free.map((axis) => shape[axis])) };
    });
    const k = sharedSize(inputs[0], { contract, batch });
    const batches = sizeOf(batch[0].map((axis) => typeOf(inputs[0]).shape[axis]));
    const results: number[] = [];
    for (let b = 0; b < batches; b++) {
      for (let i = 0; i < x.free; i++) {
        for (let j = 0; j < y.free; j++) {
          const [atX, atY] = [(b * x.free + i) * k, (b * y.free + j) * k];
          const products = range(k).map((p) =>
            this.#map(wide, "mul", [x.values[atX + p], y.values[atY + p]])
          );
          results.push(
            isOuter
              ? products[0]
              : this.#converted(this.#total(wide, "add", 0, products), wide, dtype),
          );
        }
      }
    }
    return results;
  }

  /** What counts: stores, copies, checks of indices, and what they are made of. */
  #live(ops: readonly StraightOp[]): StraightOp[] {
    const live = new Set<number>();
    const kept: StraightOp[] = [];
    for (const op of ops.toReversed()) {
      if (op.kind === "value") {
        const value = this.#values[op.value];
        if (value.kind !== "index" && !live.has(op.value)) continue;
        if (value.kind === "index") live.add(value.input);
        else if (value.kind === "map") value.inputs.forEach((input) => live.add(input));
      } else if (op.kind === "store") live.add(op.value);
      kept.push(op);
    }
    return kept.reverse();
  }

  /** What may be written over what is read: nothing of that is read later. */
  #pairs(ops: readonly StraightOp[]): (readonly [number, number])[] {
    const pairs: (readonly [number, number])[] = [];
    const updated = new Set(this.#updates.map(({ to }) => to));
    const changedAt = (to: number): number =>
      ops.findIndex((op) =>
        op.kind === "copy" ? op.to === to : op.kind === "store" && op.to.buffer === to
      );
    const lastRead = (from: number): number =>
      ops.findLastIndex((op) => {
        if (op.kind === "copy") return op.from === from;
        if (op.kind === "store") return false;
        const value = this.#values[op.value];
        return value.kind === "load" && value.from.buffer === from;
      });
    const sizes = this.#atoms.map(bytesOf);
    for (const to of this.#writes) {
      const first = changedAt(to);
      for (let from = 0; from < this.#buffers.length; from++) {
        if (from === to || sizes[from] !== sizes[to]) continue;
        // Another update's result is only its own successor's.
        const isSource = this.#updates.some((update) => update.from === from && update.to === to);
        if (updated.has(to) ? !isSource : this.#writes.has(from)) continue;
        if (lastRead(from) <= first) pairs.push([from, to]);
      }
    }
    return pairs;
  }
}

function bytesOf(atom: Atom): number {
  const { dtype } = typeOf(atom);
  return sizeOfAtom(atom) * (dtype === "float64" ? 8 : dtype === "bool" ? 1 : 4);
}

/** The distances of all elements of a shape, in order, given what a step on each axis adds. */
function offsetsOf(shape: Shape, strides: readonly number[]): number[] {
  return shape.reduce<number[]>(
    (offsets, length, axis) =>
      offsets.flatMap((offset) => range(length).map((i) => offset + i * strides[axis])),
    [0],
  );
}

/**
 * Writes straight code: for groups of equations on few elements, and for copies of small values.
 *
 * @module
 */
import type { Dtype } from "../base/dtype.ts";
import { bytesOf, range, sizeOf, stridesOf, withoutAxes } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import { typeOf, type Variable } from "../core/program.ts";
import type { Atom, Equation } from "../core/program.ts";
import { Concrete, dense } from "../core/tensor.ts";
import type { Spot, StraightOp, StraightValue } from "./straight_code.ts";
import type { ContractParams } from "../primitives/contraction.ts";
import type { BlockStart, DynamicSliceParams } from "../primitives/dynamic_slicing.ts";
import type { SliceParams } from "../primitives/slicing.ts";
import { reductionRows, transposePrimitive } from "../primitives/structure.ts";
import type { ReduceParams } from "../primitives/structure.ts";
import { Given } from "../passes/forms.ts";
import type { StraightCode } from "./straight_code.ts";
import { writeOver } from "./quotients.ts";
import { type Reduction, ruleOf } from "./rules.ts";
import { converted, type Emit, reduceTerms, total } from "./straight_reductions.ts";
import { isUpdate } from "../passes/kinds.ts";
import { isUniform, MOST_ELEMENTS, MOST_TERMS, sharedSize, sizeOfAtom } from "./straight_groups.ts";
import type { StraightGroup } from "./straight_groups.ts";

/** The value of each element of a number that is the same everywhere. */
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

/**
 * Code that copies small values to buffers of their own, given as variables: all are read before any is
 * written, so that they may be exchanged.
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
      sources.filter((from) => bytesOf(typeOf(atoms[from])) === bytesOf(typeOf(atoms[to])))
        .map((from) => [from, to] as const)
    ),
  };
}

/**
 * Elements represented by the numbers of their values plus one, as a tensor to which movements can be
 * applied.
 */
function numbered(values: readonly number[], shape: Shape): Concrete {
  return new Concrete("int32", shape, Int32Array.from(values, (value) => value + 1));
}

/** The operation by which updates that do not replace elements are combined with the previous elements. */
const combinations: ReadonlyMap<string, string> = new Map([
  ["addSlice", "add"],
  ["scatterOnto", "add"],
  ["scatterMax", "maximum"],
  ["scatterMin", "minimum"],
]);

class Writer {
  readonly #group: StraightGroup;
  readonly #values: StraightValue[] = [];
  readonly #buffers: Dtype[] = [];
  readonly #atoms: Atom[] = [];
  /** The buffer of each value that is in memory. */
  readonly #places = new Map<Atom, number>();
  /** The values of the elements of atoms in locals. */
  readonly #elements = new Map<Atom, readonly number[]>();
  readonly #constants = new Map<string, number>();
  /** Loads of values from other groups, which come first. */
  readonly #loads: StraightOp[] = [];
  readonly #ops: StraightOp[] = [];
  readonly #stores: StraightOp[] = [];
  readonly #writes = new Set<number>();
  readonly #updates: { readonly from: number; readonly to: number }[] = [];
  /** The values that must be in memory, since they are read at positions that are not known. */
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
      // Values that are in memory already, such as updates, remain there.
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

  /** The same for a primitive, by the primitive with which it is written. */
  #mapOf(dtype: Dtype, name: string, inputs: readonly number[], params: unknown): number {
    if (name !== "over") return this.#map(dtype, name, inputs, params);
    const [x, root] = inputs;
    return writeOver(
      (own, operation, ...inputs) => this.#map(own ?? dtype, operation, inputs),
      x,
      root,
      this.#constant(dtype, 0),
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

  /** The elements of values that this group does not compute. */
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
        return own[0].map((_, i) => this.#mapOf(dtype, name, own.map((list) => list[i]), params));
      }
      case "iota":
        return range(shape[0]).map((value) => this.#constant(dtype, value));
      case "reduce":
        return this.#reduce(name, rule.operation, inputs, params as ReduceParams);
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

  /** An element of a value in memory, in its current state. */
  #loadAt(x: Atom, offset: number, terms: Spot["terms"]): number {
    const from = { buffer: this.#memoryOf(x), offset, terms };
    return this.#add({ kind: "load", dtype: typeOf(x).dtype, from });
  }

  /** The buffer that contains a value, which is written now if it is in locals. */
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

  /** The position of a block: its distance from the first element, and the terms that are computed. */
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

  /** Replaces blocks, or rows, in memory or combines them with others; `i` is the equation's number. */
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
    const combine = combinations.get(name);
    const from = this.#memoryOf(x);
    const to = this.#takeOver(this.#origin(x), output, i) ?? this.#bufferOf(output);
    this.#writes.add(to);
    if (from !== to) {
      this.#updates.push({ from, to });
      this.#ops.push({ kind: "copy", from, to, bytes: bytesOf(typeOf(output)) });
    }
    spots.forEach((spot, i) => {
      const place = { buffer: to, ...spot };
      let value = values[i];
      if (combine !== undefined) {
        value = this.#map(dtype, combine, [this.#add({ kind: "load", dtype, from: place }), value]);
      }
      this.#ops.push({ kind: "store", value, to: place });
    });
    // Read now, before the next update that may change it.
    const size = sizeOf(shape);
    if (size <= MOST_TERMS) {
      this.#elements.set(
        output,
        range(size).map((offset) => this.#loadAt(output, offset, [])),
      );
    }
  }

  /** The buffer of a value that this group has written and reads for the last time, now that of `output`. */
  #takeOver(x: Atom, output: Variable, i: number): number | null {
    const place = this.#places.get(x)!;
    const isOwn = this.#writes.has(place) && this.#lastUses.get(x) === i;
    if (!isOwn || this.#group.gives.includes(x as Variable)) return null;
    this.#places.set(output, place);
    this.#atoms[place] = output;
    return place;
  }

  #reduce(
    name: string,
    operation: Reduction,
    inputs: readonly Atom[],
    params: ReduceParams,
  ): readonly number[] {
    const type = typeOf(inputs[0]);
    const count = sizeOf(params.axes.map((axis) => type.shape[axis]));
    const rows = inputs.map((input) =>
      Array.from(
        dense(reductionRows(numbered(this.#valuesOf(input), type.shape), params.axes)),
        (number) => number - 1,
      )
    );
    return range(rows[0].length / count).map((i) => {
      const terms = rows.map((row) => ({
        dtype: type.dtype,
        values: row.slice(i * count, (i + 1) * count),
      }));
      return reduceTerms(this.#emit, name, operation, terms, type, params);
    });
  }

  /** For reductions. */
  readonly #emit: Emit = {
    map: (...args) => this.#map(...args),
    constant: (dtype, value) => this.#constant(dtype, value),
  };

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
      const values = Array.from(
        dense(moved),
        (number) => converted(this.#emit, number - 1, dtype, wide),
      );
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
              : converted(this.#emit, total(this.#emit, wide, products), wide, dtype),
          );
        }
      }
    }
    return results;
  }

  /** The live code: stores, copies, checks of indices, and their operands. */
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

  /** Buffers that may be written in the memory of a buffer that is read: no element of it is read later. */
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
    const sizes = this.#atoms.map((atom) => bytesOf(typeOf(atom)));
    for (const to of this.#writes) {
      const first = changedAt(to);
      for (let from = 0; from < this.#buffers.length; from++) {
        if (from === to || sizes[from] !== sizes[to]) continue;
        // The result of another update belongs only to its successor.
        const isSource = this.#updates.some((update) => update.from === from && update.to === to);
        if (updated.has(to) ? !isSource : this.#writes.has(from)) continue;
        if (lastRead(from) <= first) pairs.push([from, to]);
      }
    }
    return pairs;
  }
}

/** The distances of all elements of a shape, in order, given the distance of a step on each axis. */
function offsetsOf(shape: Shape, strides: readonly number[]): number[] {
  return shape.reduce<number[]>(
    (offsets, length, axis) =>
      offsets.flatMap((offset) => range(length).map((i) => offset + i * strides[axis])),
    [0],
  );
}

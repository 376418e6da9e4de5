/**
 * Loop nests as passes. Each round of the loops that are not reduced is done by one invocation. If these
 * rounds are few and each combines many elements, it is done by one workgroup: each invocation combines a
 * part of the rounds, and the parts are combined pairwise. The choice depends only on the lengths and the
 * kind of device, and so do the bits.
 *
 * @module
 */
import { type Dtype, isFloat } from "../../../base/dtype.ts";
import { sizeOf } from "../../../base/shape.ts";
import { internalError } from "../../../base/errors.ts";
import type { Affine, LoopNode, Nest } from "../../../lowering/nest.ts";
import {
  affinesOf,
  identityOf,
  inputsOf,
  mapAffines,
  reducedBy,
  simplify,
} from "../../../lowering/simplify_nest.ts";
import type { Limits, Pass } from "./kernel.ts";
import { baseOf, given, heldType, invocation, moduleOf, spread, WORKGROUP } from "./module.ts";
import { Expressions, fromWord, isLong, toWord, valueType } from "./operations.ts";

type Reduction = LoopNode & { readonly kind: "reduce" };

/** Invocations of a workgroup; fewer where barriers are expensive. */
const GROUP = 64;
const GROUP_OF_PROCESSOR = 16;

/** The number of combined rounds from which a workgroup shares them. */
const SHARED_FROM = 128;

/** The number of rounds that are not combined from which single invocations keep a device busy. */
const ENOUGH = 2 ** 16;
const ENOUGH_FOR_PROCESSOR = 64;

/**
 * The maximum size in bytes of the states of a reduction that an invocation keeps in workgroup memory: an
 * `i32`, a `vec2<f32>` and a `Wide`.
 */
const STATE_BYTES = 24;

/** The number of unrolled rounds of the innermost loop, and the maximum number of nodes for unrolling. */
const COPIES = 4;
const FEW_NODES = 16;

/** The number of rounds from which an invocation computes several elements. */
const SEVERAL_FROM = 2 ** 18;
const SEVERAL_FROM_ON_PROCESSOR = 256;

/**
 * A nest as a pass on the buffers with its numbers; `null` if there is nothing to do. `numbers` is the
 * number of numbers passed to the program at each run.
 */
export function writeNest(nest: Nest, limits: Limits, numbers: number = 0): Pass | null {
  const { invocations, isProcessor } = limits;
  const simple = simplify(nest);
  const { lengths, reduced } = simple;
  const kept = sizeOf(lengths.slice(0, lengths.length - reduced));
  const rounds = sizeOf(lengths.slice(lengths.length - reduced));
  if (kept === 0) return null;
  const isShared = reduced > 0 && rounds >= SHARED_FROM &&
    kept < (isProcessor ? ENOUGH_FOR_PROCESSOR : ENOUGH);
  const write = (sharing: Sharing): Pass => {
    const first = lengths.length - (sharing.isSeveral === true ? 1 : reduced);
    return new NestWriter(new PassWriter(sharing), simple, first).write(numbers);
  };
  if (!isShared) {
    const last = lengths[lengths.length - 1];
    const isSeveral = reduced === 0 && last >= COPIES &&
      kept >= (isProcessor ? SEVERAL_FROM_ON_PROCESSOR : SEVERAL_FROM);
    return write({ size: Math.min(GROUP, invocations), isShared, isSeveral });
  }
  return write({ size: sharedSize(limits, [simple], rounds), isShared });
}

/** The invocations of a workgroup that shares this number of rounds of nests. */
function sharedSize(limits: Limits, nests: readonly Nest[], rounds: number): number {
  const { invocations, workgroupBytes, isProcessor } = limits;
  const reductions = Math.max(
    ...nests.map(({ nodes }) => nodes.filter(({ kind }) => kind === "reduce").length),
  );
  const most = Math.floor(workgroupBytes / (STATE_BYTES * reductions + 4));
  const wanted = isProcessor
    ? GROUP_OF_PROCESSOR
    : rounds >= 4096
    ? 256
    : rounds < GROUP
    ? 32
    : GROUP;
  return Math.min(invocations, 2 ** Math.floor(Math.log2(most)), wanted);
}

/**
 * Nests with the same buffers as one pass, which runs all of them for a row before the next row. The first
 * loops of each have `rows` rounds; the loops after these are all reduced, or none is. A row may use only
 * what earlier nests have stored for the same row. Rows are shared by a workgroup, except on processors.
 */
export function writeRows(
  nests: readonly Nest[],
  rows: number,
  limits: Limits,
  numbers: number = 0,
): Pass {
  const simple = nests.map((nest) => splitRows(simplify(nest), rows));
  const rounds = Math.max(...simple.map(({ nest }) => sizeOf(nest.lengths) / rows));
  const isShared = !limits.isProcessor;
  const size = isShared
    ? sharedSize(limits, simple.map(({ nest }) => nest), rounds)
    : Math.min(GROUP, limits.invocations);
  const pass = new PassWriter({ size, isShared });
  for (const { nest } of simple) pass.bind(nest);
  pass.begin(rows);
  simple.forEach(({ nest, first }, i) => {
    if (i > 0 && isShared) {
      pass.push("workgroupBarrier();", "storageBarrier();");
      pass.isRead = false;
    }
    pass.open("{");
    new NestWriter(pass, nest, first).row();
    pass.close();
  });
  return pass.end(simple[0].nest.buffers, rows, numbers);
}

/** A nest whose first loops, up to `first`, have `rows` rounds together: a loop may have to be split. */
function splitRows(nest: Nest, rows: number): { readonly nest: Nest; readonly first: number } {
  const { lengths } = nest;
  let before = 1;
  for (let loop = 0; loop < lengths.length; loop++) {
    if (before === rows) return { nest, first: loop };
    const after = before * lengths[loop];
    if (after > rows) {
      const outer = rows / before;
      const inner = lengths[loop] / outer;
      const split = (values: readonly number[], one: number, other: number): readonly number[] => [
        ...values.slice(0, loop),
        one,
        other,
        ...values.slice(loop + 1),
      ];
      const mapped = mapAffines(nest, (affine) => {
        const stride = affine.strides[loop];
        return { ...affine, strides: split(affine.strides, stride * inner, stride) };
      });
      return { nest: { ...mapped, lengths: split(lengths, outer, inner) }, first: loop + 1 };
    }
    before = after;
  }
  return { nest, first: lengths.length };
}

/** How the values of a reduction are combined: all members except types and names are expressions. */
interface Accumulator {
  readonly type: string;
  readonly empty: string;
  /** A state combined with the values of inputs; and the combination of two states. */
  readonly add: (state: string, values: readonly string[]) => string;
  readonly join: (a: string, b: string) => string;
  /** Whether a few values may be summed first. */
  readonly isCoarse: boolean;
  /** Whether its code is long. */
  readonly isLong?: boolean;
  /** The value of a state. */
  readonly value: (state: string) => string;
  /** Whether the value is determined by a state; otherwise it is computed again, as `Wide`. */
  readonly isKnown?: (state: string) => string;
}

/** How the invocations share the rounds of a nest. */
interface Sharing {
  /** The invocations of a workgroup. */
  readonly size: number;
  /** Whether a workgroup shares the inner loops; otherwise each invocation runs them. */
  readonly isShared: boolean;
  /** Whether an invocation computes several elements of the innermost loop. */
  readonly isSeveral?: boolean;
}

/** What the nests of a pass have in common. */
class PassWriter {
  readonly sharing: Sharing;
  readonly expressions: Expressions = new Expressions();
  readonly shared: Map<string, string> = new Map();
  /** The binding of each used buffer. */
  readonly bindings: Map<number, number> = new Map();
  /** Whether other invocations may still read workgroup memory. */
  isRead = false;
  readonly #lines: string[] = [];
  #indent = "";
  #names = 0;

  constructor(sharing: Sharing) {
    this.sharing = sharing;
  }

  push(...lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(`${this.#indent}${line}`);
  }

  open(line: string): void {
    this.push(line);
    this.#indent += "  ";
  }

  close(): void {
    this.#indent = this.#indent.slice(2);
    this.push("}");
  }

  newName(): string {
    return `go${this.#names++}`;
  }

  binding(buffer: number): number {
    let binding = this.bindings.get(buffer);
    if (binding === undefined) this.bindings.set(buffer, binding = this.bindings.size);
    return binding;
  }

  /** Binds the buffers of a nest. */
  bind({ nodes, stores }: Nest): void {
    for (const node of nodes) if (node.kind === "load") this.binding(node.from.buffer);
    for (const { to } of stores) this.binding(to.buffer);
  }

  /** Declares the number of the round, of `count` in total, and the bases. */
  begin(count: number): void {
    const { size, isShared } = this.sharing;
    this.push(
      `let round = ${isShared ? WORKGROUP : invocation(size)};`,
      `if (round >= ${count}u) { return; }`,
    );
    for (const k of this.bindings.values()) this.push(`let base${k} = ${baseOf(k)};`);
  }

  /** The pass, for these buffers and this number of rounds. */
  end(buffers: readonly Dtype[], count: number, numbers: number): Pass {
    const { size, isShared } = this.sharing;
    const operands = [...this.bindings.keys()];
    return {
      code: moduleOf({
        operands: operands.map((buffer) => heldType(buffers[buffer])),
        body: this.#lines.map((line) => `  ${line}`).join("\n"),
        workgroup: [size, 1, 1],
        shared: [...this.shared.values()].join("\n"),
        functions: this.expressions.functions,
        numbers,
      }),
      operands,
      workgroups: spread(isShared ? count : Math.ceil(count / size)),
    };
  }
}

/** Writes the code of one nest. */
class NestWriter {
  readonly #pass: PassWriter;
  readonly #nest: Nest;
  /** The first of the loops inside an invocation, or inside a workgroup. */
  readonly #first: number;
  /** Whether each node varies within the inner loops. */
  readonly #varies: readonly boolean[];
  /** How many times the reduced loops have run before each node is available. */
  readonly #levels: readonly number[];

  constructor(pass: PassWriter, nest: Nest, first: number) {
    this.#pass = pass;
    this.#nest = nest;
    this.#first = first;
    const varies: boolean[] = [];
    const levels: number[] = [];
    for (const node of nest.nodes) {
      const inputs = inputsOf(node);
      const own = Math.max(0, ...inputs.map((input) => levels[input]));
      varies.push(
        node.kind !== "reduce" && (inputs.some((input) => varies[input]) ||
          affinesOf(node).some((affine) => this.#isInner(affine))),
      );
      levels.push(node.kind === "reduce" ? own + 1 : own);
    }
    this.#varies = varies;
    this.#levels = levels;
  }

  /** A pass for the nest alone. */
  write(numbers: number): Pass {
    const pass = this.#pass;
    const { lengths, buffers } = this.#nest;
    const { isSeveral = false } = pass.sharing;
    pass.bind(this.#nest);
    const first = this.#first;
    const inner = lengths[first] ?? 1;
    const quarter = Math.ceil(inner / COPIES);
    const outer = [...lengths.slice(0, first), ...(isSeveral ? [quarter] : [])];
    const count = sizeOf(outer);
    pass.begin(count);
    this.#counters("c", 0, outer, "round");
    if (isSeveral) this.#several(first, inner, quarter);
    else this.#round();
    return pass.end(buffers, count, numbers);
  }

  /** The code of one row: a round of the outer loops. */
  row(): void {
    const { lengths, reduced } = this.#nest;
    const first = this.#first;
    this.#counters("c", 0, lengths.slice(0, first), "round");
    if (reduced > 0) this.#round();
    else this.#elements();
  }

  /** One round of the loops that are not reduced. */
  #round(): void {
    const { isShared } = this.#pass.sharing;
    const most = Math.max(0, ...this.#levels);
    for (let level = 0; level <= most; level++) {
      if (level > 0) this.#reduceAll(level);
      // Code after the last reduction is run by one invocation.
      if (isShared && level === most) this.#pass.open("if (local == 0u) {");
      this.#nest.nodes.forEach((node, i) => {
        if (this.#levels[i] === level && !this.#varies[i] && node.kind !== "reduce") {
          this.#node(i);
        }
      });
    }
    this.#stores();
    if (isShared) this.#pass.close();
  }

  /** All rounds of the inner loops, without reductions. */
  #elements(): void {
    const { lengths, nodes } = this.#nest;
    const first = this.#first;
    const inner = lengths.slice(first);
    const { size, isShared } = this.#pass.sharing;
    nodes.forEach((_, i) => {
      if (!this.#varies[i]) this.#node(i);
    });
    if (isShared) {
      this.#pass.open(`for (var k = local; k < ${sizeOf(inner)}u; k += ${size}u) {`);
      this.#counters("r", first, inner, "k");
    } else {
      inner.forEach((length, i) => {
        const r = `r${first + i}`;
        this.#pass.open(`for (var ${r} = 0; ${r} < ${length}; ${r}++) {`);
      });
    }
    nodes.forEach((_, i) => {
      if (this.#varies[i]) this.#node(i);
    });
    this.#stores();
    for (let i = 0; i < (isShared ? 1 : inner.length); i++) this.#pass.close();
  }

  /** Several elements of the innermost loop, at a distance of a quarter of its length. */
  #several(first: number, length: number, quarter: number): void {
    const { nodes } = this.#nest;
    nodes.forEach((_, i) => {
      if (!this.#varies[i]) this.#node(i);
    });
    const copy = (offset: string): void => {
      this.#pass.push(`let r${first} = c${first}${offset};`);
      if (length % COPIES !== 0) this.#pass.open(`if (r${first} < ${length}) {`);
      nodes.forEach((_, i) => {
        if (this.#varies[i]) this.#node(i);
      });
      this.#stores();
      if (length % COPIES !== 0) this.#pass.close();
    };
    if (this.#isShort(nodes)) {
      for (let i = 0; i < COPIES; i++) {
        this.#pass.open("{");
        copy(i === 0 ? "" : ` + ${i * quarter}`);
        this.#pass.close();
      }
    } else {
      this.#pass.open(`for (var k = 0; k < ${COPIES}; k++) {`);
      copy(` + k * ${quarter}`);
      this.#pass.close();
    }
  }

  #stores(): void {
    for (const { node, to } of this.#nest.stores) {
      const word = toWord(`v${node}`, this.#nest.nodes[node].dtype);
      this.#pass.push(`${this.#element(to)} = ${word};`);
    }
  }

  /** Whether the code of nodes is short enough to be repeated. */
  #isShort(nodes: readonly LoopNode[]): boolean {
    return nodes.length <= FEW_NODES &&
      !nodes.some((node) => node.kind === "map" && isLong(node.operation));
  }

  /** Declares the counters of loops from the number of a round; the first one has number `from`. */
  #counters(name: string, from: number, lengths: readonly number[], round: string): void {
    lengths.forEach((length, i) => {
      const inner = sizeOf(lengths.slice(i + 1));
      const quotient = inner === 1 ? round : dividedBy(round, inner);
      this.#pass.push(
        `let ${name}${from + i} = i32(${i === 0 ? quotient : restBy(quotient, length)});`,
      );
    });
  }

  #isInner({ strides }: Affine): boolean {
    return strides.slice(this.#first).some((stride) => stride !== 0);
  }

  #affine({ offset, strides }: Affine): string {
    const terms = strides.flatMap((stride, loop) => {
      if (stride === 0) return [];
      const counter = `${loop >= this.#first ? "r" : "c"}${loop}`;
      return [stride === 1 ? counter : `${counter} * ${stride}`];
    });
    if (offset !== 0 || terms.length === 0) terms.push(`${offset}i`);
    return terms.join(" + ");
  }

  /** The number as an index; a negative one becomes larger than every bound. */
  #index(affine: Affine): string {
    const isConstant = affine.strides.every((stride) => stride === 0);
    return isConstant ? `${affine.offset >>> 0}u` : `u32(${this.#affine(affine)})`;
  }

  #element(access: Affine & { readonly buffer: number }): string {
    const k = this.#pass.binding(access.buffer);
    return `b${k}[base${k} + ${this.#index(access)}]`;
  }

  /** Declares node `i`, whose inputs are already declared. */
  #node(i: number): void {
    const node = this.#nest.nodes[i];
    const { dtype } = node;
    const let_ = (value: string) => this.#pass.push(`let v${i} = ${value};`);
    switch (node.kind) {
      case "load": {
        const { from, guards = [] } = node;
        const value = fromWord(this.#element(from), dtype);
        if (guards.length === 0) return let_(value);
        const tests = guards.map((guard) => `${this.#index(guard)} < ${guard.below}u`);
        this.#pass.push(
          `var v${i} = ${this.#pass.expressions.constant(0, dtype)};`,
          `if (${tests.join(" && ")}) { v${i} = ${value}; }`,
        );
        return;
      }
      case "constant":
        return let_(this.#pass.expressions.constant(node.value, dtype));
      case "given":
        return let_(given(this.#pass.bindings.size, node.index, dtype));
      case "index":
        return let_(this.#pass.expressions.convert(`(${this.#affine(node.of)})`, "int32", dtype));
      case "map": {
        const { operation, inputs, params } = node;
        const from = inputs.map((input) => this.#nest.nodes[input].dtype);
        const args = inputs.map((input) => `v${input}`);
        const [one, other] = inputs.map((input) => this.#nest.nodes[input]);
        // Compilers cannot assume that elements of different buffers are equal.
        if (
          operation === "sub" && dtype === "float32" && one.kind === "load" &&
          other.kind === "load" && one.from.buffer !== other.from.buffer
        ) return let_(`(${args[0]} - ${args[1]})`);
        if (dtype === "float64") {
          const last = this.#nest.nodes[inputs[inputs.length - 1]];
          const by = last.kind === "constant" ? last.value : 0;
          // Products need far less code than quotients, and are equally accurate.
          if (by === 1 && (operation === "mul" || operation === "div")) return let_(args[0]);
          if (operation === "div" && Number.isFinite(1 / by)) {
            const times = this.#pass.expressions.constant(1 / by, dtype);
            return let_(this.#pass.expressions.apply("mul", [args[0], times], from, dtype, params));
          }
        }
        return let_(this.#pass.expressions.apply(operation, args, from, dtype, params));
      }
      case "reduce":
        throw internalError("A reduction is written by its loops");
    }
  }

  /** Writes the reductions of a level: those that are needed under the same test share the loops. */
  #reduceAll(level: number): void {
    const groups = new Map<number | undefined, number[]>();
    this.#nest.nodes.forEach((node, i) => {
      if (node.kind !== "reduce" || this.#levels[i] !== level) return;
      const group = groups.get(node.when);
      if (group === undefined) groups.set(node.when, [i]);
      else group.push(i);
    });
    for (const [when, group] of groups) {
      const own = group.map((i) => this.#nest.nodes[i] as Reduction);
      if (when === undefined) {
        const known = own.map((node) => this.#accumulator(node));
        this.#reduceGroup(group, known);
        const again = known.flatMap(({ isKnown }, k) =>
          isKnown ? [`!${isKnown(`s${group[k]}`)}`] : []
        );
        group.forEach((i, k) => {
          const value = known[k].value(`s${i}`);
          this.#pass.push(`${known[k].isKnown === undefined ? "let" : "var"} v${i} = ${value};`);
        });
        if (again.length > 0) {
          this.#onTest(
            again.join(" || "),
            () => this.#reduceExactly(group.filter((_, k) => known[k].isKnown !== undefined)),
          );
        }
      } else {
        own.forEach((node, k) => {
          this.#pass.push(
            `var v${group[k]} = ${this.#pass.expressions.constant(identityOf(node), node.dtype)};`,
          );
        });
        this.#onTest(`v${when}`, () => this.#reduceExactly(group));
      }
    }
  }

  /** Reduces into existing variables, with numbers of the type of the results. */
  #reduceExactly(group: readonly number[]): void {
    const exact = group.map((i) => this.#plain(this.#nest.nodes[i] as Reduction));
    this.#reduceGroup(group, exact);
    group.forEach((i) => this.#pass.push(`v${i} = s${i};`));
  }

  /** Writes code that runs if the test, which is the same for all invocations of a workgroup, is true. */
  #onTest(test: string, write: () => void): void {
    if (this.#pass.sharing.isShared) {
      const name = this.#pass.newName();
      this.#pass.shared.set("go", "var<workgroup> go: u32;");
      this.#pass.push(
        `if (local == 0u) { go = select(0u, 1u, ${test}); }`,
        `let ${name} = workgroupUniformLoad(&go);`,
      );
      this.#pass.isRead = false;
      this.#pass.open(`if (${name} != 0u) {`);
    } else this.#pass.open(`if (${test}) {`);
    write();
    this.#pass.close();
    if (this.#pass.sharing.isShared) this.#pass.isRead = true;
  }

  /** The states of reductions, `sI` for number I. */
  #reduceGroup(group: readonly number[], how: readonly Accumulator[]): void {
    const { lengths } = this.#nest;
    const first = this.#first;
    const rounds = sizeOf(lengths.slice(first));
    group.forEach((i, k) => this.#pass.push(`var s${i} = ${how[k].empty};`));
    const within = this.#within(group);
    const last = lengths.length - 1;
    const length = this.#pass.sharing.isShared
      ? Math.floor(rounds / this.#pass.sharing.size)
      : lengths[last];
    const isWhole = !this.#pass.sharing.isShared || rounds % this.#pass.sharing.size === 0;
    const isShort = how.every(({ isLong }) => !isLong) &&
      this.#isShort(within.map((i) => this.#nest.nodes[i]));
    const copies = isWhole && isShort
      ? [COPIES, 3, 2].find((copies) => length % copies === 0) ?? 1
      : 1;
    if (this.#pass.sharing.isShared) {
      this.#pass.open(
        `for (var k = local; k < ${rounds}u; k += ${this.#pass.sharing.size * copies}u) {`,
      );
      this.#copies(copies, group, how, within, (copy) => {
        const k = copy === 0 ? "k" : `(k + ${copy * this.#pass.sharing.size}u)`;
        this.#counters("r", first, lengths.slice(first), k);
      });
      this.#pass.close();
      this.#joinParts(group, how);
      return;
    }
    for (let loop = first; loop < last; loop++) {
      this.#pass.open(`for (var r${loop} = 0; r${loop} < ${lengths[loop]}; r${loop}++) {`);
    }
    if (copies === 1) {
      this.#pass.open(`for (var r${last} = 0; r${last} < ${length}; r${last}++) {`);
      this.#copies(1, group, how, within, () => {});
    } else {
      this.#pass.open(`for (var k = 0; k < ${length}; k += ${copies}) {`);
      this.#copies(copies, group, how, within, (copy) => {
        this.#pass.push(`let r${last} = k${copy === 0 ? "" : ` + ${copy}`};`);
      });
    }
    for (let loop = first; loop <= last; loop++) this.#pass.close();
  }

  /** Writes consecutive rounds; `declare` declares counters. */
  #copies(
    copies: number,
    group: readonly number[],
    how: readonly Accumulator[],
    within: readonly number[],
    declare: (copy: number) => void,
  ): void {
    const { nodes } = this.#nest;
    const isTogether = how.map(({ isCoarse }) => isCoarse && copies > 1);
    group.forEach((i, k) => {
      if (isTogether[k]) this.#pass.push(`var few${i}: f32;`);
    });
    for (let copy = 0; copy < copies; copy++) {
      if (copies > 1) this.#pass.open("{");
      declare(copy);
      for (const i of within) this.#node(i);
      group.forEach((i, k) => {
        const values = reducedBy(nodes[i] as Reduction).map((input) => `v${input}`);
        if (isTogether[k]) this.#pass.push(`few${i} ${copy === 0 ? "=" : "+="} ${values[0]};`);
        else this.#pass.push(`s${i} = ${how[k].add(`s${i}`, values)};`);
      });
      if (copies > 1) this.#pass.close();
    }
    group.forEach((i, k) => {
      if (isTogether[k]) this.#pass.push(`s${i} = ${how[k].add(`s${i}`, [`few${i}`])};`);
    });
  }

  /** The nodes that vary within the loops and that reductions need, in order. */
  #within(group: readonly number[]): readonly number[] {
    const needed = new Set<number>();
    const visit = (i: number): void => {
      if (!this.#varies[i] || needed.has(i)) return;
      needed.add(i);
      inputsOf(this.#nest.nodes[i]).forEach(visit);
    };
    for (const i of group) reducedBy(this.#nest.nodes[i] as Reduction).forEach(visit);
    return [...needed].sort((a, b) => a - b);
  }

  /** How a reduction is computed at first. */
  #accumulator(node: Reduction): Accumulator {
    const { dtype, operation, input, times, isCoarse } = node;
    const write = this.#pass.expressions;
    const isSum = operation === "sum" && isFloat(dtype);
    if (
      isSum && isFloat(this.#nest.nodes[input].dtype) && this.#nest.nodes[input].dtype !== "float64"
    ) {
      const isNarrow = dtype !== "float64";
      return {
        type: "vec2<f32>",
        empty: `vec2<f32>(${write.constant(0, "float32")})`,
        add: (state, values) =>
          write.call(times === undefined ? "sum_with" : "sum_with_product", state, ...values),
        join: (a, b) => write.call("sum_of_sums", a, b),
        isLong: times !== undefined,
        isCoarse: times === undefined && (isNarrow || isCoarse === true),
        value: (state) =>
          isNarrow
            ? write.convert(write.call("sum_rounded", state), "float32", dtype)
            : write.call("wide_sum", state),
        ...(isNarrow ? {} : { isKnown: (state: string) => write.call("is_sum_known", state) }),
      };
    }
    if ((operation === "max" || operation === "min") && valueType(dtype) === "f32") {
      const join = (a: string, b: string) => `${operation}(${a}, ${b})`;
      const key = operation === "max" ? "key_for_max" : "key_for_min";
      return {
        type: "i32",
        empty: `${operation === "max" ? "i32(-2139095041)" : "2139095040i"}`,
        add: (state, [value]) => join(state, write.call(key, value)),
        join,
        isCoarse: false,
        value: (state) => write.call("of_key", state),
      };
    }
    return this.#plain(node);
  }

  /** The operation itself. */
  #plain(node: Reduction): Accumulator {
    const { dtype, operation } = node;
    const write = this.#pass.expressions;
    const names = { sum: "add", prod: "mul", max: "maximum", min: "minimum" } as const;
    const join = (a: string, b: string) =>
      write.apply(names[operation], [a, b], [dtype, dtype], dtype, null);
    const types = reducedBy(node).map((input) => this.#nest.nodes[input].dtype);
    if (dtype === "float64") write.functions.add("Wide");
    return {
      type: valueType(dtype),
      empty: write.constant(identityOf(node), dtype),
      add(state, values) {
        const [x, times] = values.map((value, k) => write.convert(value, types[k], dtype));
        const value = times === undefined
          ? x
          : write.apply("mul", [x, times], [dtype, dtype], dtype, null);
        return join(state, value);
      },
      join,
      isLong: dtype === "float64",
      isCoarse: false,
      value: (state) => state,
    };
  }

  /** Combines the states of the workgroup's invocations pairwise. */
  #joinParts(group: readonly number[], how: readonly Accumulator[]): void {
    if (this.#pass.isRead) this.#pass.push("workgroupBarrier();");
    const counts = new Map<string, number>();
    const parts = how.map(({ type }) => {
      const count = counts.get(type) ?? 0;
      counts.set(type, count + 1);
      const name = `parts_${type.replace(/\W/g, "")}_${count}`;
      this.#pass.shared.set(
        name,
        `var<workgroup> ${name}: array<${type}, ${this.#pass.sharing.size}>;`,
      );
      return name;
    });
    group.forEach((i, k) => this.#pass.push(`${parts[k]}[local] = s${i};`));
    this.#pass.open(
      `for (var width = ${this.#pass.sharing.size / 2}u; width > 0u; width = width >> 1u) {`,
    );
    this.#pass.push("workgroupBarrier();");
    this.#pass.open("if (local < width) {");
    group.forEach((_, k) => {
      const joined = how[k].join(`${parts[k]}[local]`, `${parts[k]}[local + width]`);
      this.#pass.push(`${parts[k]}[local] = ${joined};`);
    });
    this.#pass.close();
    this.#pass.close();
    this.#pass.push("workgroupBarrier();");
    group.forEach((i, k) => this.#pass.push(`s${i} = ${parts[k]}[0];`));
    this.#pass.isRead = true;
  }
}

/** A quotient of integers; compilers of drivers on CPUs do not optimise powers of two. */
function dividedBy(x: string, by: number): string {
  const bits = Math.log2(by);
  return Number.isInteger(bits) ? `${x} >> ${bits}u` : `${x} / ${by}u`;
}

function restBy(x: string, by: number): string {
  return Number.isInteger(Math.log2(by)) ? `(${x}) & ${by - 1}u` : `(${x}) % ${by}u`;
}

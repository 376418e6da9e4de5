/**
 * Loop nests as passes. Each round of the loops that are not reduced is one invocation's, or, where there
 * is much to combine, one workgroup's: then each invocation combines a part of the rounds, and the parts
 * are combined pairwise. Which of the two depends on the lengths alone, and so do the bits.
 *
 * @module
 */
import type { Dtype } from "../../../base/dtype.ts";
import { sizeOf } from "../../../base/shape.ts";
import { internalError } from "../../../base/errors.ts";
import type { Affine, LoopNode, Nest } from "../../../lowering/nest.ts";
import {
  affinesOf,
  identityOf,
  inputsOf,
  reducedBy,
  simplify,
} from "../../../lowering/simplify_nest.ts";
import type { Limits, Pass } from "./kernel.ts";
import { element, given, heldType, invocation, moduleOf, spread } from "./module.ts";
import { Expressions, fromWord, toWord, valueType } from "./operations.ts";

type Reduction = LoopNode & { readonly kind: "reduce" };

/** Invocations of a workgroup. */
const GROUP = 64;

/** Combined rounds from which on a workgroup shares them. */
const SHARED_FROM = 128;

/** Bytes of a value, at most. */
const VALUE_BYTES = 12;

/**
 * A nest as a pass on the buffers of its own numbers; `null` where there is nothing to do. `numbers` says how
 * many the program is given at each run.
 */
export function writeNest(
  nest: Nest,
  { invocations, workgroupBytes }: Limits,
  numbers: number = 0,
): Pass | null {
  const simple = simplify(nest);
  const { lengths, reduced } = simple;
  const kept = sizeOf(lengths.slice(0, lengths.length - reduced));
  const rounds = sizeOf(lengths.slice(lengths.length - reduced));
  if (kept === 0) return null;
  const isShared = reduced > 0 && rounds >= SHARED_FROM;
  const most = Math.min(invocations, 2 ** Math.floor(Math.log2(workgroupBytes / VALUE_BYTES)));
  const size = isShared
    ? Math.min(most, rounds >= 4096 ? 256 : GROUP)
    : Math.min(GROUP, invocations);
  return new NestWriter(simple, kept, rounds, size, isShared).write(numbers);
}

class NestWriter {
  readonly #nest: Nest;
  readonly #kept: number;
  readonly #rounds: number;
  readonly #size: number;
  readonly #isShared: boolean;
  readonly #expressions = new Expressions();
  readonly #lines: string[] = [];
  readonly #shared = new Map<string, string>();
  /** Whether each node changes within the reduced loops. */
  readonly #varies: readonly boolean[];
  /** How many times the reduced loops have run before each node is there. */
  readonly #levels: readonly number[];
  /** The binding of each buffer that is used. */
  readonly #bindings = new Map<number, number>();

  constructor(nest: Nest, kept: number, rounds: number, size: number, isShared: boolean) {
    this.#nest = nest;
    this.#kept = kept;
    this.#rounds = rounds;
    this.#size = size;
    this.#isShared = isShared;
    const first = nest.lengths.length - nest.reduced;
    const varies: boolean[] = [];
    const levels: number[] = [];
    for (const node of nest.nodes) {
      const inputs = inputsOf(node);
      const own = Math.max(0, ...inputs.map((input) => levels[input]));
      varies.push(
        node.kind !== "reduce" && (inputs.some((input) => varies[input]) ||
          affinesOf(node).some(({ strides }) =>
            strides.slice(first).some((stride) => stride !== 0)
          )),
      );
      levels.push(node.kind === "reduce" ? own + 1 : own);
    }
    this.#varies = varies;
    this.#levels = levels;
  }

  write(numbers: number): Pass {
    const { nodes, stores, lengths, reduced, buffers } = this.#nest;
    for (const node of nodes) if (node.kind === "load") this.#binding(node.from.buffer);
    for (const { to } of stores) this.#binding(to.buffer);
    this.#push(
      this.#isShared
        ? "let round = (group.z * groups.y + group.y) * groups.x + group.x;"
        : `let round = ${invocation(this.#size)};`,
      `if (round >= ${this.#kept}u) { return; }`,
    );
    this.#counters("c", 0, lengths.slice(0, lengths.length - reduced), "round");
    const most = Math.max(0, ...this.#levels);
    const isGuarded = this.#isShared;
    for (let level = 0; level <= most; level++) {
      if (level > 0) this.#reduceAll(level);
      // What follows the last reduction is for one invocation.
      const isLast = isGuarded && level === most;
      if (isLast) this.#push("if (local == 0u) {");
      nodes.forEach((node, i) => {
        if (this.#levels[i] === level && !this.#varies[i] && node.kind !== "reduce") {
          this.#node(i, isLast ? "  " : "");
        }
      });
    }
    for (const { node, to } of stores) {
      const { dtype } = nodes[node];
      const place = element(this.#binding(to.buffer), this.#index(to));
      this.#push(`${isGuarded ? "  " : ""}${place} = ${toWord(`v${node}`, dtype)};`);
    }
    if (isGuarded) this.#push("}");
    const operands = [...this.#bindings.keys()];
    return {
      code: moduleOf({
        operands: operands.map((buffer) => heldType(buffers[buffer])),
        body: this.#lines.map((line) => `  ${line}`).join("\n"),
        workgroup: [this.#size, 1, 1],
        shared: [...this.#shared.values()].join("\n"),
        functions: this.#expressions.functions,
        numbers,
      }),
      operands,
      workgroups: spread(this.#isShared ? this.#kept : Math.ceil(this.#kept / this.#size)),
    };
  }

  #push(...lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  #binding(buffer: number): number {
    let binding = this.#bindings.get(buffer);
    if (binding === undefined) this.#bindings.set(buffer, binding = this.#bindings.size);
    return binding;
  }

  /** Declares the counters of loops from the number of a round; the first is number `from`. */
  #counters(
    name: string,
    from: number,
    lengths: readonly number[],
    round: string,
    indent = "",
  ): void {
    lengths.forEach((length, i) => {
      const inner = sizeOf(lengths.slice(i + 1));
      const quotient = inner === 1 ? round : `${round} / ${inner}u`;
      const value = i === 0 ? quotient : `(${quotient}) % ${length}u`;
      this.#push(`${indent}let ${name}${from + i} = i32(${value});`);
    });
  }

  #counter(loop: number): string {
    const isReduced = loop >= this.#nest.lengths.length - this.#nest.reduced;
    return `${isReduced ? "r" : "c"}${loop}`;
  }

  #affine({ offset, strides }: Affine): string {
    const terms = strides.flatMap((stride, loop) => {
      if (stride === 0) return [];
      return [stride === 1 ? this.#counter(loop) : `${this.#counter(loop)} * ${stride}`];
    });
    if (offset !== 0 || terms.length === 0) terms.push(`${offset}i`);
    return terms.join(" + ");
  }

  /** The number as an index; one below 0 is behind every end. */
  #index(affine: Affine): string {
    const isConstant = affine.strides.every((stride) => stride === 0);
    return isConstant ? `${affine.offset >>> 0}u` : `u32(${this.#affine(affine)})`;
  }

  /** Declares node `i`, whose inputs are declared. */
  #node(i: number, indent = ""): void {
    const node = this.#nest.nodes[i];
    const { dtype } = node;
    const let_ = (value: string) => this.#push(`${indent}let v${i} = ${value};`);
    switch (node.kind) {
      case "load": {
        const { from, guards = [] } = node;
        const value = fromWord(element(this.#binding(from.buffer), this.#index(from)), dtype);
        if (guards.length === 0) return let_(value);
        const tests = guards.map((guard) => `${this.#index(guard)} < ${guard.below}u`);
        this.#push(
          `${indent}var v${i} = ${this.#expressions.constant(0, dtype)};`,
          `${indent}if (${tests.join(" && ")}) { v${i} = ${value}; }`,
        );
        return;
      }
      case "constant":
        return let_(this.#expressions.constant(node.value, dtype));
      case "given":
        return let_(given(this.#bindings.size, node.index, dtype));
      case "index":
        return let_(this.#expressions.convert(`(${this.#affine(node.of)})`, "int32", dtype));
      case "map": {
        const { operation, inputs, params } = node;
        const from = inputs.map((input) => this.#nest.nodes[input].dtype);
        const args = inputs.map((input) => `v${input}`);
        return let_(this.#expressions.apply(operation, args, from, dtype, params));
      }
      case "reduce":
        throw internalError("A reduction is written by its loops");
    }
  }

  /** Writes the reductions of a level: those that are needed under one test share the loops. */
  #reduceAll(level: number): void {
    const groups = new Map<number | undefined, number[]>();
    this.#nest.nodes.forEach((node, i) => {
      if (node.kind !== "reduce" || this.#levels[i] !== level) return;
      const group = groups.get(node.when);
      if (group === undefined) groups.set(node.when, [i]);
      else group.push(i);
    });
    for (const [when, group] of groups) this.#reduceGroup(when, group);
  }

  #reduceGroup(when: number | undefined, group: readonly number[]): void {
    const { nodes, lengths, reduced } = this.#nest;
    const first = lengths.length - reduced;
    for (const i of group) {
      const node = nodes[i] as Reduction;
      const identity = this.#expressions.constant(identityOf(node), node.dtype);
      this.#push(`var v${i} = ${identity};`);
    }
    const end = when === undefined ? `${this.#rounds}u` : `select(0u, ${this.#rounds}u, v${when})`;
    const [from, step] = this.#isShared ? ["local", `${this.#size}u`] : ["0u", "1u"];
    this.#push(`for (var k = ${from}; k < ${end}; k += ${step}) {`);
    this.#counters("r", first, lengths.slice(first), "k", "  ");
    for (const i of this.#within(group)) this.#node(i, "  ");
    for (const i of group) {
      const node = nodes[i] as Reduction;
      const [x, times] = reducedBy(node).map((input) =>
        this.#expressions.convert(`v${input}`, nodes[input].dtype, node.dtype)
      );
      const value = times === undefined
        ? x
        : this.#expressions.apply("mul", [x, times], [node.dtype, node.dtype], node.dtype, null);
      this.#push(`  v${i} = ${this.#combined(node, `v${i}`, value)};`);
    }
    this.#push("}");
    if (this.#isShared) { for (const i of group) this.#joinParts(i); }
  }

  /** The nodes that change within the loops, as far as reductions need them, in order. */
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

  #combined({ dtype, operation }: Reduction, x: string, y: string): string {
    const names = { sum: "add", prod: "mul", max: "maximum", min: "minimum" } as const;
    return this.#expressions.apply(names[operation], [x, y], [dtype, dtype], dtype, null);
  }

  /** Combines what the invocations of the workgroup have, pairwise. */
  #joinParts(i: number): void {
    const node = this.#nest.nodes[i] as Reduction;
    const parts = this.#partsOf(node.dtype);
    this.#push(
      `${parts}[local] = v${i};`,
      "workgroupBarrier();",
      `for (var width = ${this.#size / 2}u; width > 0u; width = width >> 1u) {`,
      `  if (local < width) { ${parts}[local] = ${
        this.#combined(node, `${parts}[local]`, `${parts}[local + width]`)
      }; }`,
      "  workgroupBarrier();",
      "}",
      `v${i} = ${parts}[0];`,
      "workgroupBarrier();",
    );
  }

  #partsOf(dtype: Dtype): string {
    const type = valueType(dtype);
    if (type === "Wide") this.#expressions.functions.add("Wide");
    const name = `parts_${type.toLowerCase()}`;
    this.#shared.set(name, `var<workgroup> ${name}: array<${type}, ${this.#size}>;`);
    return name;
  }
}

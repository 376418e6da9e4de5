/**
 * The body of a function: statements, written in the order of the calls.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { Bytes, unsigned } from "./encode.ts";
import {
  checkOperands,
  type Effect,
  type Expression,
  Global,
  Local,
  typeCodes,
  type ValueType,
} from "./expression.ts";
import { i32 } from "./operations.ts";

const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const BRANCH = 0x0c;
const BRANCH_IF = 0x0d;
const BRANCH_TABLE = 0x0e;
const RETURN = 0x0f;
const DROP = 0x1a;

/** A branch target: the end of a block or the start of a loop, from within it. */
export class Label {
  /** Whether code is being written within its block. */
  open = true;
  readonly depth: number;
  readonly owner: Code;

  /** Made by `Code.block` and `Code.loop`. */
  constructor(depth: number, owner: Code) {
    this.depth = depth;
    this.owner = owner;
  }
}

/** A counted loop: `i = from; i < below; i += step`, compared as unsigned integers. */
export interface Count {
  /** The initial value; 0 by default. */
  readonly from?: Expression<"i32"> | number;
  /** The end: the body runs for values below it. It is evaluated again in every round. */
  readonly below: Expression<"i32"> | number;
  /** The increment of each round; 1 by default. `below + step` must stay under 2^32. */
  readonly step?: number;
}

/** The code of one function, with its local variables. */
export class Code {
  readonly #module: object;
  readonly #parameters: number;
  readonly #result: ValueType | "none";
  readonly #locals: ValueType[] = [];
  readonly #bytes = new Bytes();
  #depth = 0;
  #ended = false;

  /** Made by `Module.function`. */
  constructor(module: object, parameters: number, result: ValueType | "none") {
    this.#module = module;
    this.#parameters = parameters;
    this.#result = result;
  }

  #write(expression: Expression): void {
    const { operands, owner } = expression;
    for (let i = 0; i < operands.length; i++) this.#write(operands[i]);
    if (owner !== undefined && owner !== this && owner !== this.#module) {
      const thing = expression instanceof Local
        ? `local ${expression.index} of another function`
        : "a memory, a function or a global of another module";
      throw internalError(`Cannot use ${thing}`);
    }
    this.#bytes.append(expression.bytes);
  }

  /** Writes a statement: operands of the given types, then an instruction. */
  #statement(
    name: string,
    types: readonly ValueType[],
    operands: readonly Expression[],
    instruction: readonly number[],
  ): void {
    checkOperands(name, types, operands);
    if (this.#ended) throw internalError("Cannot add to a function that has ended");
    for (const operand of operands) this.#write(operand);
    this.#bytes.append(instruction);
  }

  /** A new local variable, initially zero. */
  local<T extends ValueType>(type: T): Local<T> {
    this.#locals.push(type);
    return new Local(type, this.#parameters + this.#locals.length - 1, this);
  }

  /** Computes a value once and keeps it in a local, for values that are used more than once. */
  let<T extends ValueType>(value: Expression<T>): Local<T> {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  /** Assigns to a variable. */
  set<T extends ValueType>(target: Local<T> | Global<T>, value: Expression<NoInfer<T>>): void {
    if (target instanceof Global && !target.mutable) {
      throw internalError(`Cannot assign to global ${target.index}: it is a constant`);
    }
    // Written through the variable's own instruction, which checks that it may be used here.
    if (target.owner !== this && target.owner !== this.#module) this.#write(target);
    const instruction = target instanceof Global ? 0x24 : 0x21;
    this.#statement("set", [target.type], [value], [instruction, ...unsigned(target.index)]);
  }

  /** Runs code for its effect: stores, fills, calls without a result. */
  do(...effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== "none") {
        throw internalError(`Cannot do what leaves ${effect.type} behind: drop it`);
      }
      if (this.#ended) throw internalError("Cannot add to a function that has ended");
      this.#write(effect);
    }
  }

  /** Runs code for its effect and drops its value. */
  drop(value: Expression<ValueType>): void {
    this.#statement("drop", [value.type], [value], [DROP]);
  }

  #nest(instruction: number, body: (label: Label) => void, condition?: Expression<"i32">): Label {
    const opening = [instruction, typeCodes.none];
    if (condition === undefined) this.#statement("block", [], [], opening);
    else this.#statement("if", ["i32"], [condition], opening);
    const label = new Label(++this.#depth, this);
    body(label);
    label.open = false;
    this.#depth--;
    return label;
  }

  /** Runs `body`; a branch to its label continues after the block. */
  block(body: (exit: Label) => void): void {
    this.#nest(BLOCK, body);
    this.#statement("end", [], [], [END]);
  }

  /** Runs `body` once; a branch to its label runs it again. */
  loop(body: (again: Label) => void): void {
    this.#nest(LOOP, body);
    this.#statement("end", [], [], [END]);
  }

  /** Runs `body` if the condition is not zero, `otherwise` if it is. */
  if(condition: Expression<"i32">, body: () => void, otherwise?: () => void): void {
    this.#nest(IF, body, condition);
    if (otherwise !== undefined) {
      this.#bytes.append([ELSE]);
      this.#depth++;
      otherwise();
      this.#depth--;
    }
    this.#statement("end", [], [], [END]);
  }

  /** Runs `body` for each value of a counter, which it must not change. */
  for({ from = 0, below, step = 1 }: Count, body: (i: Local<"i32">) => void): void {
    const i = this.local("i32");
    const end = typeof below === "number" ? i32.const(below) : below;
    this.set(i, typeof from === "number" ? i32.const(from) : from);
    const rounds = (): void =>
      this.loop((again) => {
        body(i);
        const next = i.tee(i32.add(i, i32.const(step)));
        this.branchIf(again, i32.ltU(next, end));
      });
    if (typeof from !== "number" || typeof below !== "number") this.if(i32.ltU(i, end), rounds);
    else if (from < below) rounds();
  }

  #distance(label: Label): number[] {
    if (label.owner !== this) throw internalError("Cannot branch to a label of another function");
    if (!label.open) throw internalError("Cannot branch to a label from outside its block");
    return unsigned(this.#depth - label.depth);
  }

  /** Branches to a label. */
  branch(label: Label): void {
    this.#statement("branch", [], [], [BRANCH, ...this.#distance(label)]);
  }

  /** Branches to a label if the condition is not zero. */
  branchIf(label: Label, condition: Expression<"i32">): void {
    this.#statement("branchIf", ["i32"], [condition], [BRANCH_IF, ...this.#distance(label)]);
  }

  /** Branches to the label selected by the index, or to the last one if the index is out of range. */
  branchTable(index: Expression<"i32">, labels: readonly Label[], otherwise: Label): void {
    const distances = [...labels, otherwise].flatMap((label) => this.#distance(label));
    const instruction = [BRANCH_TABLE, ...unsigned(labels.length), ...distances];
    this.#statement("branchTable", ["i32"], [index], instruction);
  }

  /** Ends the function, with its result if it has one. */
  return(value?: Expression<ValueType>): void {
    const types = this.#result === "none" ? [] : [this.#result];
    this.#statement("return", types, value === undefined ? [] : [value], [RETURN]);
  }

  /** Traps when reached. */
  unreachable(): void {
    this.#statement("unreachable", [], [], [0x00]);
  }

  /** Writes the end of the function, after which nothing can be added. */
  end(value?: Expression): void {
    const types = this.#result === "none" ? [] : [this.#result];
    this.#statement("end", types, value === undefined ? [] : [value], [END]);
    this.#ended = true;
  }

  /** Appends the function in the binary format: length, local variables, instructions. */
  appendTo(out: Bytes): void {
    const runs: [count: number, type: ValueType][] = [];
    for (const type of this.#locals) {
      const run = runs.at(-1);
      if (run?.[1] === type) run[0]++;
      else runs.push([1, type]);
    }
    const header = unsigned(runs.length);
    for (const [count, type] of runs) header.push(...unsigned(count), typeCodes[type]);
    out.append(unsigned(header.length + this.#bytes.length));
    out.append(header);
    out.appendBlock(this.#bytes.view());
  }
}

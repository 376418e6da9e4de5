/**
 * A WebAssembly module under construction: imports, functions, memories, globals, tables, data.
 *
 *     const module = new Module();
 *     const memory = module.importMemory("host", "memory", { minimum: 1 });
 *     const scale = module.function("scale", ["i32", "i32", "f32"], "none", (code, x, end, by) => {
 *       const factor = code.let(f32x4.splat(by));
 *       code.for({ from: x, below: end, step: 16 }, (p) => {
 *         code.do(v128.store(p, f32x4.mul(v128.load(p), factor)));
 *       });
 *     });
 *     module.export("scale", scale);
 *     new WebAssembly.Module(module.build());
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import { Code } from "./code.ts";
import { Bytes, name as encodeName, unsigned } from "./encode.ts";
import {
  checkOperands,
  Expression,
  type Expressions,
  Global,
  Local,
  type Result,
  typeCodes,
  type ValueType,
} from "./expression.ts";
import { encodeLimits, type Limits, Memory } from "./memory.ts";
import { i32 } from "./operations.ts";

const FUNCTION_REFERENCE = 0x70;

/** The kinds of imports and exports, by their code. */
const kinds = { function: 0, table: 1, memory: 2, global: 3 };

/** One local variable for each type in a list. */
type Locals<P extends readonly ValueType[]> = { readonly [K in keyof P]: Local<P[K]> };

/** Writes the body of a function: statements go through `code`, the result is the return value. */
export type Body<P extends readonly ValueType[], R extends Result> = (
  code: Code,
  ...parameters: Locals<P>
) => [R] extends [ValueType] ? Expression<R> : [R] extends ["none"] ? void : Expression | void;

/** The types of a function's parameters and result. */
export interface Signature<P extends readonly ValueType[], R extends Result> {
  readonly parameters: P;
  readonly result: R;
}

/** A function of a module, declared or defined. */
export class FunctionReference<
  P extends readonly ValueType[] = readonly ValueType[],
  R extends Result = Result,
> {
  #code: Code | undefined;
  readonly index: number;
  readonly name: string;
  readonly signature: Signature<P, R>;
  readonly owner: Module;

  /** Made by `Module.function` and `Module.importFunction`. */
  constructor(index: number, name: string, signature: Signature<P, R>, owner: Module) {
    this.index = index;
    this.name = name;
    this.signature = signature;
    this.owner = owner;
  }

  /** Writes a function that was declared without a body so that it could be called earlier. */
  define(body: Body<P, R>): void {
    if (this.#code !== undefined) throw internalError(`Cannot define ${this.name} twice`);
    const { parameters, result } = this.signature;
    const code = new Code(this.owner, parameters.length, result);
    this.#code = code;
    const locals = parameters.map((type, i) => new Local(type, i, code));
    const value = body(code, ...locals as unknown as Locals<P>);
    code.end(value instanceof Expression ? value : undefined);
  }

  /** The call as an expression. */
  call(...operands: Expressions<P>): Expression<R> {
    const { parameters, result } = this.signature;
    checkOperands(this.name, parameters, operands);
    return new Expression(result, [0x10, ...unsigned(this.index)], operands, this.owner);
  }

  /** Appends its code to a section. */
  appendTo(out: Bytes): void {
    if (this.#code === undefined) {
      throw internalError(`Cannot build a module: ${this.name} was declared and never defined`);
    }
    this.#code.appendTo(out);
  }
}

/** A list of functions that calls choose from by number. */
export class Table {
  readonly index: number;
  readonly functions: readonly FunctionReference[];
  readonly owner: Module;

  /** Made by `Module.table`. */
  constructor(index: number, functions: readonly FunctionReference[], owner: Module) {
    this.index = index;
    this.functions = functions;
    this.owner = owner;
  }

  /** Calls the function with the given number; traps if there is none or it has another signature. */
  call<const P extends readonly ValueType[], R extends Result>(
    { parameters, result }: Signature<P, R>,
    index: Expression<"i32">,
    ...operands: Expressions<P>
  ): Expression<R> {
    checkOperands("call", [...parameters, "i32"], [...operands, index]);
    const type = this.owner.typeIndex(parameters, result);
    const bytes = [0x11, ...unsigned(type), ...unsigned(this.index)];
    return new Expression(result, bytes, [...operands, index], this.owner);
  }
}

/** A list of entries as the binary format has it, preceded by their number. */
class Entries {
  readonly bytes = new Bytes();
  count = 0;

  add(...parts: readonly (readonly number[])[]): void {
    for (const part of parts) this.bytes.append(part);
    this.count++;
  }
}

/** A module and the methods that create its parts. */
export class Module {
  readonly #types = new Map<string, number>();
  readonly #typeEntries = new Entries();
  readonly #imports = new Entries();
  readonly #functions: FunctionReference[] = [];
  readonly #functionTypes = new Entries();
  readonly #tables: Table[] = [];
  readonly #memories = new Entries();
  readonly #globals = new Entries();
  readonly #exports = new Entries();
  readonly #data = new Entries();
  readonly #imported = { function: 0, memory: 0, global: 0 };

  /** The number of a signature in the module's list of them. */
  typeIndex(parameters: readonly ValueType[], result: Result): number {
    const key = `${parameters.join()}:${result}`;
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    const index = this.#types.size;
    this.#types.set(key, index);
    const results = result === "none" ? [] : [typeCodes[result]];
    const codes = parameters.map((type) => typeCodes[type]);
    const entry = [0x60, ...unsigned(codes.length), ...codes, results.length, ...results];
    this.#typeEntries.add(entry);
    return index;
  }

  /** Adds an import and returns its index among those of its kind. */
  #declareImport(
    kind: "function" | "memory" | "global",
    from: string,
    name: string,
    description: readonly number[],
    defined: number,
  ): number {
    if (defined > 0) {
      throw internalError(`Cannot import ${from}.${name}: a ${kind} has been defined already`);
    }
    this.#imports.add(encodeName(from), encodeName(name), [kinds[kind]], description);
    return this.#imported[kind]++;
  }

  /** Imports a function; imports come before definitions of the same kind. */
  importFunction<const P extends readonly ValueType[], R extends Result>(
    from: string,
    name: string,
    parameters: P,
    result: R,
  ): FunctionReference<P, R> {
    const type = unsigned(this.typeIndex(parameters, result));
    const index = this.#declareImport("function", from, name, type, this.#functions.length);
    return new FunctionReference(index, name, { parameters, result }, this);
  }

  /** Imports a memory; it may be larger than these limits. */
  importMemory(from: string, name: string, limits: Limits): Memory {
    const defined = this.#memories.count;
    return new Memory(
      this.#declareImport("memory", from, name, encodeLimits(limits), defined),
      this,
    );
  }

  /** Imports a global variable. */
  importGlobal<T extends ValueType>(
    from: string,
    name: string,
    type: T,
    mutable: boolean = false,
  ): Global<T> {
    const description = [typeCodes[type], mutable ? 1 : 0];
    const index = this.#declareImport("global", from, name, description, this.#globals.count);
    return new Global(type, index, mutable, this);
  }

  /**
   * Adds a function. Its name is for stack traces and profiles. Without a body it is only declared,
   * to be defined later.
   */
  function<const P extends readonly ValueType[], R extends Result>(
    name: string,
    parameters: P,
    result: R,
    body?: Body<P, NoInfer<R>>,
  ): FunctionReference<P, R> {
    const index = this.#imported.function + this.#functions.length;
    const reference = new FunctionReference(index, name, { parameters, result }, this);
    this.#functions.push(reference as unknown as FunctionReference);
    this.#functionTypes.add(unsigned(this.typeIndex(parameters, result)));
    if (body !== undefined) reference.define(body);
    return reference;
  }

  /** Adds a memory of the module's own. */
  memory(limits: Limits): Memory {
    const index = this.#imported.memory + this.#memories.count;
    this.#memories.add(encodeLimits(limits));
    return new Memory(index, this);
  }

  /** Adds a global variable, initialized with a constant. */
  global<T extends ValueType>(
    type: T,
    value: Expression<NoInfer<T>>,
    mutable: boolean = true,
  ): Global<T> {
    checkOperands("global", [type], [value]);
    if (value.operands.length > 0) {
      throw internalError(`Cannot start a global from ${type} code: a constant is needed`);
    }
    const index = this.#imported.global + this.#globals.count;
    this.#globals.add([typeCodes[type], mutable ? 1 : 0], value.bytes, [0x0b]);
    return new Global(type, index, mutable, this);
  }

  /** Adds a table of functions. */
  table(functions: readonly FunctionReference[]): Table {
    const table = new Table(this.#tables.length, [...functions], this);
    this.#tables.push(table);
    return table;
  }

  /** Adds bytes that are written into a memory whenever the module is instantiated. */
  data(memory: Memory, offset: number, bytes: Uint8Array): void {
    const place = memory.index === 0 ? [0] : [2, ...unsigned(memory.index)];
    this.#data.add(place, i32.const(offset).bytes, [0x0b], unsigned(bytes.length));
    this.#data.bytes.appendBlock(bytes);
  }

  /** Exports a part of the module under a name. */
  export(name: string, item: FunctionReference | Table | Memory | Global): void {
    const kind = item instanceof FunctionReference
      ? kinds.function
      : item instanceof Table
      ? kinds.table
      : item instanceof Memory
      ? kinds.memory
      : kinds.global;
    if (item.owner !== this) throw internalError(`Cannot export ${name} of another module`);
    this.#exports.add(encodeName(name), [kind], unsigned(item.index));
  }

  /** The module as bytes that `WebAssembly.Module` takes. */
  build(): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    function section(id: number, { bytes, count }: Entries): void {
      if (count === 0) return;
      const head = unsigned(count);
      out.append([id, ...unsigned(head.length + bytes.length)]);
      out.append(head);
      out.appendBlock(bytes.view());
    }
    const tables = new Entries();
    const elements = new Entries();
    for (const { index, functions } of this.#tables) {
      const size = unsigned(functions.length);
      tables.add([FUNCTION_REFERENCE, 1], size, size);
      elements.add([2, ...unsigned(index), ...i32.const(0).bytes, 0x0b, 0x00], size);
      for (const item of functions) elements.bytes.append(unsigned(item.index));
    }
    const codes = new Entries();
    for (const item of this.#functions) {
      item.appendTo(codes.bytes);
      codes.count++;
    }
    section(1, this.#typeEntries);
    section(2, this.#imports);
    section(3, this.#functionTypes);
    section(4, tables);
    section(5, this.#memories);
    section(6, this.#globals);
    section(7, this.#exports);
    section(9, elements);
    section(10, codes);
    section(11, this.#data);
    this.#appendNames(out);
    return out.toUint8Array();
  }

  /** The custom section that gives functions their names in stack traces. */
  #appendNames(out: Bytes): void {
    if (this.#functions.length === 0) return;
    const names = new Bytes();
    names.append(unsigned(this.#functions.length));
    for (const { index, name } of this.#functions) {
      names.append(unsigned(index));
      names.append(encodeName(name));
    }
    const head = [...encodeName("name"), 1, ...unsigned(names.length)];
    out.append([0, ...unsigned(head.length + names.length), ...head]);
    out.appendBlock(names.view());
  }
}

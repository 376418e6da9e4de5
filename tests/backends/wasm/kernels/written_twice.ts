/**
 * Has every kernel written twice in all tests that import this. Whenever `Builder.once` is asked for
 * something, its emitter writes once more, for the parameters of this very caller, and must write the
 * same bytes as are in the module. So no caller can get code that was written for other parameters,
 * and no emitter can depend on anything beside its parameters.
 *
 * What is written again does not become part of the module: its functions have the numbers of those
 * that are there, so that calls of them are the same bytes.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { encode } from "../../../../src/base/data.ts";
import { ModuleBuilder } from "../../../../src/backends/wasm/kernels/builder.ts";
import type { Builder } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { Bytes } from "../../../../src/backends/wasm/assembler/encode.ts";
import {
  type Body,
  FunctionReference,
  Module,
} from "../../../../src/backends/wasm/assembler/module.ts";
import type { Result, ValueType } from "../../../../src/backends/wasm/assembler/expression.ts";

type Emit = (builder: Builder, params: unknown) => unknown;

/** What was written for some parameters into a module. */
interface Written {
  /** The parameters as they were. */
  readonly params: unknown;
  /** What the emitter gave. */
  readonly given: unknown;
  /** The functions of its own. */
  readonly functions: readonly FunctionReference[];
  /** How often it has been asked for. */
  times: number;
}

/** After so many callers within a module nobody looks any more. */
const MOST_CALLERS = 3;

/** How often each kernel is looked at in modules to come, beside the first one. */
const MOST_MODULES = 1;

/** What each module holds. */
const modules = new WeakMap<Builder, Map<Emit, Map<string, Written>>>();

/** The parameters that each kernel was first written for, and in how many modules it was looked at. */
const seen = new Map<Emit, Map<string, { readonly params: unknown; modules: number }>>();

/** The functions that each emitter at work has added by itself to its module. */
const adding: { readonly module: Module; readonly functions: FunctionReference[] }[] = [];

function getOrMake<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}

const originals = {
  once: ModuleBuilder.prototype.once as (emit: Emit, params?: unknown) => unknown,
  function: Module.prototype.function as (...args: unknown[]) => FunctionReference,
};

Module.prototype.function = function (this: Module, ...args: unknown[]) {
  const added = originals.function.apply(this, args);
  const last = adding.at(-1);
  // What an emitter measures to choose by stands in a module of its own.
  if (last?.module === this) last.functions.push(added);
  return added;
} as typeof Module.prototype.function;

/** Whether an emitter is writing again. */
let isAgain = false;

ModuleBuilder.prototype.once = function (this: ModuleBuilder, emit: Emit, params?: unknown) {
  if (isAgain) return originals.once.call(this, emit, params);
  const key = encode(params);
  const made = getOrMake(getOrMake(modules, this, () => new Map()), emit, () => new Map());
  let known = made.get(key);
  if (known === undefined) {
    const functions: FunctionReference[] = [];
    adding.push({ module: this.module, functions });
    const given = originals.once.call(this, emit, params);
    adding.pop();
    if (encode(params) !== key) throw new Error(`${emit.name} has changed its parameters ${key}`);
    const all = getOrMake(seen, emit, () => new Map<string, never>());
    const first = getOrMake(all, key, () => ({ params: structuredClone(params), modules: 0 }));
    known = { params: first.params, given, functions, times: 0 };
    made.set(key, known);
    if (first.modules++ <= MOST_MODULES) compare(this, emit, structuredClone(params), known);
    return given;
  }
  const given = originals.once.call(this, emit, params);
  if (given !== known.given) throw new Error(`${emit.name} was written again for ${key}`);
  if (!isDeepStrictEqual(params, known.params)) {
    throw new Error(`${emit.name} has been asked for ${key} with other parameters before`);
  }
  if (known.times++ < MOST_CALLERS) compare(this, emit, params, known);
  return given;
} as typeof ModuleBuilder.prototype.once;

/** Fails unless an emitter writes what it has written. */
function compare(builder: ModuleBuilder, emit: Emit, params: unknown, known: Written): void {
  const before = known.functions.toSorted((a, b) => a.index - b.index);
  const again: FunctionReference[] = [];
  /** Writes a function in place of the next one of those that are there. */
  function write<const P extends readonly ValueType[], R extends Result>(
    name: string,
    parameters: P,
    result: R,
    body: Body<P, R>,
  ): FunctionReference {
    const index = before[again.length]?.index ?? -1;
    const reference = new FunctionReference(index, name, { parameters, result }, builder.module);
    again.push(reference as unknown as FunctionReference);
    reference.define(body);
    return reference as unknown as FunctionReference;
  }
  const { memory, scratch, tile } = builder;
  const writer = {
    module: Object.create(builder.module, { function: { value: write } }),
    memory,
    scratch,
    tile,
    given: builder.given.bind(builder),
    allGiven: builder.allGiven,
    once: builder.once.bind(builder),
  } as Builder;
  isAgain = true;
  let given: unknown;
  try {
    given = emit(writer, params);
  } finally {
    isAgain = false;
  }
  const isSame = again.length === before.length &&
    again.every((one, i) => show(one) === show(before[i])) &&
    encode(given, describe) === encode(known.given, describe);
  if (!isSame) throw new Error(`${emit.name} does not write the same again for ${encode(params)}`);
}

/** A function's name and code. */
function show(reference: FunctionReference): string {
  const bytes = new Bytes();
  reference.appendTo(bytes);
  return `${reference.name} ${encode(reference.signature)} ${bytes.toUint8Array()}`;
}

/** Functions by their numbers; what is made of closures writes into functions, which are compared. */
function describe(value: unknown): string {
  return value instanceof FunctionReference ? `function ${value.index}` : "a closure";
}

/** How many kernels and parts of kernels have been compared. */
export function countCompared(): number {
  return [...seen.values()].reduce((sum, { size }) => sum + size, 0);
}

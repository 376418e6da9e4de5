/**
 * Everything that a user can call, found by looking at what `mod.ts` exports: a new function is
 * fuzzed without being listed anywhere.
 *
 * @module
 */
import * as api from "../../mod.ts";

/** A public function, method, getter or constructor. */
export interface Target {
  /** What users call it: `nn.linear`, `Tensor.add`. */
  readonly name: string;
  /** The namespace or class that it belongs to. */
  readonly group: string;
  /** The names of its parameters, a method's receiver first; `...` begins the name of a rest. */
  readonly parameters: readonly string[];
  /** Calls it. */
  readonly call: (args: readonly unknown[]) => unknown;
}

// deno-lint-ignore no-explicit-any
type AnyFunction = (...args: any[]) => unknown;
type AnyClass = new (...args: readonly unknown[]) => object;

/** The group of what `mod.ts` exports itself. */
const TOP = "the top level";

/** What the first parameter of a method is called: its receiver. */
export const RECEIVER = "receiver of ";

/** The names of a function's parameters, from its source text. */
export function parametersOf(f: AnyFunction): string[] {
  const source = Function.prototype.toString.call(f).replace(/\/\/.*|\/\*[^]*?\*\//g, "");
  const alone = source.match(/^(?:async\s+)?([\w$]+)\s*=>/);
  if (alone !== null) return [alone[1]];
  const start = source.indexOf("(") + 1;
  const names: string[] = [];
  let depth = 0;
  let part = "";
  for (let i = start; i < source.length; i++) {
    const char = source[i];
    if (depth === 0 && (char === "," || char === ")")) {
      const name = part.match(/^\s*((?:\.\.\.)?[\w$]+)/);
      if (name !== null) names.push(name[1]);
      else if (part.trim() !== "") names.push("options");
      if (char === ")") break;
      part = "";
      continue;
    }
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    part += char;
  }
  return names;
}

function isClass(value: unknown): value is AnyClass {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** Whether `value` is a namespace: `nn`, `random`. */
function isNamespace(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === "Module";
}

/** The methods and getters of a class, each with its receiver as the first argument. */
function membersOf(type: AnyClass, name: string): Target[] {
  const prototype = type.prototype as Record<PropertyKey, unknown>;
  return Reflect.ownKeys(prototype).filter((key) => key !== "constructor").map((key) => {
    const { value, get } = Object.getOwnPropertyDescriptor(prototype, key)!;
    const member = (value ?? get) as AnyFunction;
    const parameters = value === undefined ? [] : parametersOf(member);
    return {
      name: `${name}.${String(key)}`,
      group: name,
      parameters: [RECEIVER + name, ...parameters],
      call: ([receiver, ...args]) => member.apply(receiver, args),
    };
  });
}

function targetsIn(exports: Readonly<Record<string, unknown>>, group: string): Target[] {
  return Object.entries(exports).flatMap(([key, value]): Target[] => {
    const name = group === TOP ? key : `${group}.${key}`;
    if (isNamespace(value)) return targetsIn(value, name);
    if (isClass(value)) {
      if (value.prototype instanceof Error) return [];
      const members = membersOf(value, name);
      // Tensors have no public constructor.
      if (value as unknown === api.Tensor) return members;
      const parameters = parametersOf(value.prototype.constructor as AnyFunction);
      const call = (args: readonly unknown[]) => new value(...args);
      return [{ name: `new ${name}`, group, parameters, call }, ...members];
    }
    if (typeof value !== "function") return [];
    const f = value as AnyFunction;
    return [{ name, group, parameters: parametersOf(f), call: (args) => f(...args) }];
  });
}

/** Every public function, method, getter and constructor. */
export const targets: readonly Target[] = targetsIn(api, TOP);

/** The library's own errors, as far as users can name them: all that a call may end in. */
export const ownErrors: readonly AnyClass[] = [api, api.testing].flatMap((exports) =>
  Object.values(exports).filter((value): value is AnyClass =>
    isClass(value) && value.prototype instanceof Error
  )
);

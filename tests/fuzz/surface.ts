/**
 * All functions that a user can call, found in the exports of `mod.ts`: a new function is
 * fuzzed without being listed anywhere.
 *
 * @module
 */
import * as api from "../../mod.ts";

/** A public function, method, getter or constructor. */
export interface Target {
  /** Its name for users: `nn.linear`, `Tensor.add`. */
  readonly name: string;
  /** The namespace or class that it belongs to. */
  readonly group: string;
  /** The names of its parameters, a method's receiver first; `...` precedes the name of a rest parameter. */
  readonly parameters: readonly string[];
  /** Calls it. */
  readonly call: (args: readonly unknown[]) => unknown;
}

// deno-lint-ignore no-explicit-any
type AnyFunction = (...args: any[]) => unknown;
type AnyClass = new (...args: readonly unknown[]) => object;

/** The bound on the number of steps of a loop, since fuzzed arguments may request any number. */
const MOST_STEPS = 9;

function fewSteps(steps: unknown): unknown {
  const isMany = typeof steps === "number" && steps > MOST_STEPS && steps <= 2 ** 31;
  return isMany ? steps % MOST_STEPS : steps;
}

/** A collective requires examples: three of them, which share the arguments. */
function withExamples(f: AnyFunction, args: readonly unknown[]): unknown {
  return api.vmap(() => f(...args), 0, 0, { axisName: "i", axisSize: 3 })();
}

/** A function with a rule is called with the rule. */
function withDerivative(f: AnyFunction, args: readonly unknown[]): unknown {
  const made = f(...args) as (...args: unknown[]) => api.Tensor;
  return (...args: unknown[]) => {
    const [out, pullback] = api.vjp(made, ...args);
    return pullback(out);
  };
}

/** Options with the mandatory ones added. */
function withRequired(options: unknown, required: object): unknown {
  const isRecord = Object.prototype.toString.call(options) === "[object Object]";
  return options === undefined || isRecord ? { ...required, ...options as object } : options;
}

/** Special calls of functions that might not terminate, or that need a context. */
const bounded: Readonly<Record<string, (f: AnyFunction, args: readonly unknown[]) => unknown>> = {
  whileLoop(f, [predicate, step, init, ...rest]) {
    if (typeof predicate !== "function" || typeof step !== "function") {
      return f(predicate, step, init, ...rest);
    }
    const result = f(
      // deno-lint-ignore no-explicit-any
      ([x, n]: any) => api.logicalAnd(api.less(n, 3), predicate(x)),
      // deno-lint-ignore no-explicit-any
      ([x, n]: any) => [step(x), api.add(n, 1)],
      [init, 0],
    );
    return (result as unknown[])[0];
  },
  customVmap: (f, args) => {
    const made = f(...args) as (...args: unknown[]) => unknown;
    return (...own: unknown[]) => api.vmap(made)(...own as api.Tensor[]);
  },
  customVjp: withDerivative,
  customJvp: withDerivative,
  foriLoop: (f, [lower, upper, ...rest]) => f(fewSteps(lower), fewSteps(upper), ...rest),
  ...Object.fromEntries(
    "psum pmean pmax pmin allGather ppermute allToAll psumScatter axisIndex".split(" ")
      .map((name) => [name, withExamples]),
  ),
  scan(f, [g, init, xs, options, ...rest]) {
    const length = (options as { length?: unknown } | undefined | null)?.length;
    const isMany = fewSteps(length) !== length && Object.keys(options as object).includes("length");
    const fewer = isMany ? { ...options as object, length: fewSteps(length) } : options;
    return f(g, init, xs, ...options === undefined ? [] : [fewer], ...rest);
  },
  configure(f, args) {
    try {
      return f(...args);
    } finally {
      // The other functions would run without their kernels.
      api.configure({ debugNaNs: false, debugInfinities: false });
    }
  },
  debugPrint(f, args) {
    const { log } = console;
    console.log = () => {};
    try {
      return f(...args);
    } finally {
      console.log = log;
    }
  },
  "train.loop": (f, [options, ...rest]) =>
    f(
      withRequired(options, {
        step: (state: unknown) => [state, {}],
        state: api.tensor(1),
        batches: api.data.batches(api.arange(2), { batchSize: 1 }),
        epochs: 1,
      }),
      ...rest,
    ),
  "train.step": (f, [options, ...rest]) =>
    f(
      withRequired(options, {
        loss: (x: api.Tensor) => api.sum(x),
        optimizer: api.optim.sgd(0.1),
      }),
      ...rest,
    ),
  // Its result is asynchronous.
  "train.evaluation": (f, args) => {
    const evaluate = f(...args) as (state: unknown) => Promise<unknown>;
    return (state: unknown) => void evaluate(state).catch(() => {});
  },
  // Its errors for bad input are those of toDot; everything after that is done by Graphviz.
  "inspect.toSvg": (_, [program, options]) => api.inspect.toDot(program as never, options as never),
};

/** The group of the direct exports of `mod.ts`. */
const TOP = "the top level";

/** The name of the first parameter of a method: its receiver. */
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
    // A method that calls a free function has the parameters of that function after the first.
    const free = api[key === "at" ? "index" : key as keyof typeof api] as unknown;
    const isFree = type as unknown === api.Tensor && typeof free === "function" &&
      typeof value === "function" && /\bf\(this,/.test(String(value));
    const parameters = value === undefined
      ? []
      : isFree
      ? parametersOf(free as AnyFunction).slice(1)
      : parametersOf(member);
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
    const special = bounded[name];
    const call = (args: readonly unknown[]) =>
      special === undefined ? f(...args) : special(f, args);
    return [{ name, group, parameters: parametersOf(f), call }];
  });
}

/** Every public function, method, getter and constructor. */
export const targets: readonly Target[] = targetsIn(api, TOP);

/** The library's public error classes: all errors that a call may throw. */
export const ownErrors: readonly AnyClass[] = [api, api.testing].flatMap((exports) =>
  Object.values(exports).filter((value): value is AnyClass =>
    isClass(value) && value.prototype instanceof Error
  )
);

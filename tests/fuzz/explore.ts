/**
 * Calls of a function, and of the functions in its results: transformed functions, pullbacks, the
 * parts of layers and of optimisers.
 *
 * @module
 */
import fc from "fast-check";
import * as api from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { callChecked, Violation } from "./contract.ts";
import type { Outcome } from "./contract.ts";
import { Draw } from "./draw.ts";
import { parametersOf } from "./surface.ts";
import type { Target } from "./surface.ts";
import { anything, argument, argumentList, makeScene } from "./values.ts";
import type { Scene } from "./values.ts";

/** Longer lists in results are skipped: some arguments claim to be endless. */
const LONGEST = 100;

/** Whether to print each call before it is made, which shows where a run hangs or crashes. */
const isVerbose = Deno.args.includes("--verbose");

type AnyFunction = (...args: readonly unknown[]) => unknown;

/**
 * Makes one call of `target`, and calls the functions in its result; throws a `Violation` that shows the call.
 *
 * @returns Whether it ended in a result.
 */
export function explore(target: Target, options: readonly string[], draw: Draw): boolean {
  const scene = makeScene(draw, target.parameters, options);
  const args = argumentList(scene, target.parameters);
  const isTraced = draw.chance(20);
  const outcome = isTraced
    ? call(target.name, underTransform(target.call, draw), args)
    : call(target.name, target.call, args);
  if (outcome.kind === "error") return false;
  if (!isTraced) exploreResult(target.name, outcome.value, scene, 2);
  return true;
}

function call(
  name: string,
  f: (args: readonly unknown[]) => unknown,
  args: unknown[],
): Outcome {
  if (isVerbose) console.log(`${name}(${args.map(show).join(", ")})`);
  try {
    return callChecked(f, args);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new Violation(`${name}(${args.map(show).join(", ")}): ${error.message}`);
  }
}

function show(value: unknown): string {
  return Deno.inspect(value, { depth: 4, iterableLimit: 8, strAbbreviateSize: 100 })
    .replaceAll(/\s+/g, " ").slice(0, 300);
}

/** Calls the functions in a result with new arguments. */
function exploreResult(name: string, result: unknown, scene: Scene, depth: number): void {
  if (depth === 0) return;
  if (typeof result === "function") {
    const f = result as AnyFunction;
    const parameters = parametersOf(f);
    const inner: Scene = { ...scene, options: ["train", "key"] };
    const args = argumentList(inner, parameters.map((p) => p === "...args" ? "...primals" : p));
    const outcome = call(`${name}(...)`, (list) => f(...list), args);
    if (outcome.kind === "result") exploreResult(`${name}(...)`, outcome.value, scene, depth - 1);
    for (const [key, member] of Object.entries(f)) {
      if (typeof member !== "function") continue;
      const own = scene.draw.chance(50) ? args : argumentList(inner, parameters);
      call(`${name}(...).${key}`, (list) => member(...list), own);
    }
    return;
  }
  if (typeof result !== "object" || result === null || result instanceof api.Tensor) return;
  if (result instanceof Iterator) {
    for (let i = 0; i < 3; i++) call(`${name}(...).next`, () => result.next(), []);
    return;
  }
  if (isLayer(result)) return exploreLayer(name, result, scene);
  if (isOptimizer(result)) return exploreOptimizer(name, result, scene);
  if (!Array.isArray(result) || result.length > LONGEST) return;
  // A function is often returned together with values like its arguments: cotangents.
  for (const part of result) {
    if (typeof part !== "function") continue;
    const like = scene.draw.chance(70) ? [result[0]] : argumentList(scene, ["cotangent"]);
    call(`${name}(...)[1]`, (list) => part(...list), like);
  }
}

interface AnyLayer {
  readonly init: AnyFunction;
  readonly apply: AnyFunction;
}

function isLayer(value: object): value is AnyLayer {
  return "init" in value && typeof value.init === "function" &&
    "apply" in value && typeof value.apply === "function";
}

function exploreLayer(name: string, layer: AnyLayer, scene: Scene): void {
  const { draw, n } = scene;
  const made = call(`${name}(...).init`, ([key]) => layer.init(key), argumentList(scene, ["key"]));
  const given: readonly unknown[] = made.kind === "result" ? made.value as [] : [{}, {}];
  const inner: Scene = { ...scene, options: ["train", "key"] };
  const shape = draw.pick([[n, n], [2, n, 4, 4], [n], [n, n, 3], scene.shape]);
  const x = draw.chance(70)
    ? draw.pick([api.ones(shape), api.zeros(shape, { dtype: "int32" }), api.full(shape, NaN)])
    : argument(scene, "x");
  const args = [...given, x, argument(inner, "context")];
  if (!scene.isCalm && draw.chance(50)) args[draw.integer(0, 3)] = anything(scene);
  call(`${name}(...).apply`, (list) => layer.apply(...list), args);
}

interface AnyOptimizer {
  readonly init: AnyFunction;
  readonly update: AnyFunction;
}

function isOptimizer(value: object): value is AnyOptimizer {
  return "init" in value && typeof value.init === "function" &&
    "update" in value && typeof value.update === "function";
}

function exploreOptimizer(name: string, optimizer: AnyOptimizer, scene: Scene): void {
  const { draw } = scene;
  const params = argumentList(scene, ["params"]);
  const made = call(`${name}(...).init`, (list) => optimizer.init(...list), params);
  const state = made.kind === "result" ? made.value : null;
  const args = [argument(scene, "grads"), state, params[0], argument(scene, "extras")];
  if (!scene.isCalm && draw.chance(50)) args[draw.integer(0, 2)] = anything(scene);
  const updated = call(`${name}(...).update`, (list) => optimizer.update(...list), args);
  if (updated.kind === "error" || !draw.chance(50)) return;
  const [, next] = updated.value as [unknown, unknown];
  const again = [args[0], next, args[2], args[3]];
  call(`${name}(...).update`, (list) => optimizer.update(...list), again);
}

/** `f` with the tensors among its arguments traced by a transform. */
function underTransform(f: (args: readonly unknown[]) => unknown, draw: Draw) {
  const transform = draw.pick(TRANSFORMS);
  return (args: readonly unknown[]): unknown => {
    const places = args.flatMap((arg, i) => arg instanceof api.Tensor ? [i] : []);
    const inner = (...tensors: Tensor[]): unknown => {
      const full = [...args];
      places.forEach((place, i) => full[place] = tensors[i]);
      return onlyTensors(f(full));
    };
    return transform(inner as Traced, places.map((place) => args[place] as Tensor));
  };
}

/** The tensors in a result, since a transformed function may return nothing else. */
function onlyTensors(result: unknown): unknown {
  if (result instanceof api.Tensor) return result;
  if (!Array.isArray(result) || result.length > LONGEST) return [];
  return result.filter((part) => part instanceof api.Tensor);
}

/** The sum of all elements, in a form that has a gradient. */
function total(result: unknown): Tensor {
  const parts = Array.isArray(result) ? result as Tensor[] : [result as Tensor];
  return parts.map((part) => api.sum(api.astype(part, "float64"))).reduce(
    (a, b) => api.add(a, b),
    api.tensor(0, { dtype: "float64" }),
  );
}

type Traced = (...tensors: Tensor[]) => Tensor;

const TRANSFORMS: readonly ((f: Traced, tensors: readonly Tensor[]) => unknown)[] = [
  (f, tensors) => api.jvp(f, [...tensors], tensors.map(() => null)),
  (f, tensors) => api.vmap(f, 0, 0, { axisSize: 2 })(...tensors.map((x) => api.stack([x, x]))),
  (f, tensors) => api.vmap(f, 0, -1, { axisSize: 2 })(...tensors.map((x) => api.stack([x, x]))),
  (f, tensors) => api.makeProgram(f)(...tensors),
  (f, tensors) => api.noGrad(f)(...tensors),
  (f, tensors) => {
    const isFloat = (x: Tensor) => x.dtype === "float32" || x.dtype === "float64";
    const argnums = tensors.flatMap((x, i) => isFloat(x) ? [i] : []);
    return api.grad((...xs: Tensor[]) => total(f(...xs)), { argnums })(...tensors);
  },
  (f, tensors) => {
    const [out, pullback] = api.vjp(f, ...tensors);
    return pullback(out);
  },
  (f, tensors) => {
    const [, push] = api.linearize(f, ...tensors);
    return push(...tensors.map((x) => api.zerosLike(x)));
  },
];

/** Arguments for `seed`, outside a property. */
function drawsFor(seed: number, numRuns: number): Draw[] {
  return fc.sample(fc.gen(), { seed, numRuns }).map((generate) => new Draw(generate));
}

/** The names of a function's options, from its error message for a wrong name. */
export function discoverOptions(target: Target): string[] {
  const found = new Set<string>();
  for (const draw of drawsFor(1, 30)) {
    const scene = makeScene(draw, target.parameters, []);
    const args = target.parameters.map((name) => argument(scene, name));
    target.parameters.forEach((name, i) => {
      if (!/^(options|context|given|second|third|fourth)$/.test(name)) return;
      try {
        target.call(args.with(i, { "?": 1 }));
      } catch (error) {
        const names = String(error).match(/the options are ([\w, ]+)$/);
        names?.[1].split(", ").forEach((option) => found.add(option));
      }
    });
  }
  return [...found];
}

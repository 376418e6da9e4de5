/**
 * Calls every public function with arbitrary arguments. The seed, the number of calls of each function,
 * a single function, and printing each call before it is made can be chosen:
 * `deno test tests/fuzz_test.ts -- --seed=7 --runs=1000 --only=conv --verbose`.
 *
 * @module
 */
import fc from "fast-check";
import { grad, ShapeError, tensor, zeros } from "../mod.ts";
import type { Tensor } from "../mod.ts";
import { internalError } from "../src/base/errors.ts";
import { Concrete } from "../src/core/tensor.ts";
import { currentTrace } from "../src/core/trace.ts";
import { callChecked, Violation } from "./fuzz/contract.ts";
import { Draw } from "./fuzz/draw.ts";
import { discoverOptions, explore } from "./fuzz/explore.ts";
import { withSmallMemory } from "./fuzz/small_memory.ts";
import { targets } from "./fuzz/surface.ts";
import type { Target } from "./fuzz/surface.ts";
import { assert, assertStrictEquals, assertThrows, fail } from "./support/std.ts";
import { partOf } from "./support/part.ts";

/** The value of `--name=text`. */
function flag(name: string): string | undefined {
  const given = Deno.args.find((arg) => arg.startsWith(`--${name}=`));
  return given?.slice(name.length + 3);
}

const seed = Number(flag("seed") ?? 1);
const numRuns = Number(flag("runs") ?? partOf(80));
const only = flag("only");

/** The elements of the largest array that can be allocated: arguments are small. */
const MEMORY = 2 ** 17;

/** The number of calls of which at least one should have returned a result. */
const ENOUGH = 2000;

/** The fault of a function, or `null`. */
function faultOf(target: Target): string | null {
  const options = discoverOptions(target);
  let results = 0;
  const property = fc.property(fc.gen(), (generate) => {
    if (explore(target, options, new Draw(generate))) results++;
  });
  for (let runs = numRuns;; runs *= 5) {
    const details = fc.check(property, { seed, numRuns: runs, endOnFailure: true });
    if (details.failed) return (details.errorInstance as Error).message;
    if (results > 0) return null;
    if (runs >= ENOUGH) break;
  }
  return `${target.name}: no arguments made it give a result, so that its inside was not reached; ` +
    `tell tests/fuzz/values.ts what fits ${target.parameters.join(", ")}`;
}

const chosen = targets.filter(({ name }) => only === undefined || name === only);

for (const [group, members] of Map.groupBy(chosen, (target) => target.group)) {
  Deno.test(`functions of ${group} end in results or in the library's own errors`, () => {
    const faults = withSmallMemory(MEMORY, () => members.map(faultOf)).filter((x) => x !== null);
    if (faults.length > 0) fail(`${faults.join("\n\n")}\n(seed ${seed})`);
  });
}

Deno.test("the functions to call are found in all namespaces and classes", () => {
  const names = new Set(targets.map(({ name }) => name));
  const some = ["add", "Tensor.add", "grad", "nn.linear", "nn.initializers.normal", "optim.sgd"];
  for (const name of [...some, "random.normal", "tree.map", "models.mlp", "testing.checkGrads"]) {
    assert(names.has(name), `${name} is missing`);
  }
});

Deno.test("a broken promise is noticed", () => {
  const evaluation = currentTrace();
  const shared = Float32Array.of(1, 2);
  const traced = (): Tensor => {
    let inner: Tensor = zeros([]);
    grad((x) => (inner = x))(1);
    return inner;
  };
  const broken: readonly (readonly [f: (arg: never) => unknown, arg: unknown, fault: string])[] = [
    [
      (none: null) => (none as unknown as Tensor).shape,
      null,
      "it ended in an error that is not the library's",
    ],
    [() => new Array(-1), 1, "it ended in an error that is not the library's"],
    [
      () => {
        throw internalError("Broken");
      },
      1,
      "it ended in an error that is not the library's",
    ],
    [
      () => {
        throw new ShapeError("cannot do this");
      },
      1,
      "its error says:\ncannot do this",
    ],
    [(list: number[]) => list.push(1), [1, 2], "it changed an argument"],
    [(object: { a: number }) => object.a = 2, { a: [] }, "it changed an argument"],
    [
      (x: Float32Array) => x.fill(-0),
      new Float32Array(2),
      "it changed the elements of an argument",
    ],
    [(x: Concrete) => x.elements.fill(7), zeros([2]), "it changed the elements of an argument"],
    [() => traced(), 1, "a result is a traced value"],
    [(x: Float32Array) => new Concrete("float32", [2], x), shared, "a result shares"],
    [(x: Concrete) => x.elements, tensor([1, 2]), "it gave away the elements of a tensor"],
    [() => new Concrete("float32", [3], shared), 1, "a result of 3 elements holds 2"],
    [() => new Concrete("float64", [2], shared), 1, "a result of dtype float64 is held in"],
    [() => new Concrete("bool", [1], Uint8Array.of(2)), 1, "a result of dtype bool has"],
    [() => [{ a: new Concrete("int32", [-0], new Int32Array(0)) }], 1, "a result has the shape"],
  ];
  for (const [f, arg, fault] of broken) {
    const error = assertThrows(() => callChecked(([x]) => f(x as never), [arg]), Violation);
    assert(error.message.startsWith(fault), `${fault}: ${error.message}`);
  }
  assertStrictEquals(currentTrace(), evaluation);
});

import cases from "../fixtures/numpy_statistics.json" with { type: "json" };
import * as api from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import { assert, assertEquals } from "../support/std.ts";
import type { Written } from "./fixture.ts";

// Statistics, searches, sets, segments and positions; `numpy_statistics.py` beside the values says where they
// are from.

interface Case {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly expected: readonly Written[];
  readonly smooth: boolean;
}

const { assertTensorsClose, checkGrads } = api.testing;
const functions = api as unknown as Record<string, (...args: readonly unknown[]) => unknown>;

const WORDS: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, "-inf": -Infinity };

function numbers(written: Written): unknown {
  if (Array.isArray(written)) return written.map(numbers);
  return typeof written === "string" ? WORDS[written] : written;
}

const DTYPES = { f: "float64", i: "int32", b: "bool" } as const;

/** Replaces what stands for a tensor, wherever it is in an argument. */
function read(value: unknown, made: (x: Tensor) => unknown): unknown {
  if (Array.isArray(value)) return value.map((part) => read(part, made));
  if (value === null || typeof value !== "object") return value;
  const [[kind, content], ...rest] = [...Object.entries(value), [""]];
  if (kind in DTYPES && rest.length === 1) {
    const dtype = DTYPES[kind as keyof typeof DTYPES];
    return made(api.tensor(numbers(content as Written) as number[], { dtype }));
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, read(part, made)]));
}

/** The tensors of a case, and the function of them that it calls. */
function parse({ name, args }: Case) {
  const tensors: Tensor[] = [];
  read(args, (x) => tensors.push(x));
  const run = (...given: readonly Tensor[]): Tensor[] => {
    let next = 0;
    const filled = read(args, () => given[next++]) as unknown[];
    return api.tree.leaves(functions[name](...filled) as Tensor[]) as Tensor[];
  };
  return { tensors, run };
}

/** The option that a function asks for where the number of its results is not known, or `null`. */
function missingOption(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    assert(error instanceof api.TraceError, String(error));
    const option = error.message.match(/option (\w+)$/);
    assert(option !== null, error.message);
    return option[1];
  }
}

const close = { rtol: 1e-12, atol: 1e-12 };

for (const [name, group] of Map.groupBy(cases as readonly Case[], ({ name }) => name)) {
  Deno.test(`${name} has the field's values, compiled and mapped too, and their derivatives`, () => {
    for (const given of group) {
      const { tensors, run } = parse(given);
      const results = run(...tensors);
      assertEquals(results.length, given.expected.length);
      results.forEach((result, i) => {
        const expected = api.tensor(numbers(given.expected[i]) as number[], { dtype: "float64" });
        assertEquals(result.shape, expected.shape, `${name} ${JSON.stringify(given.args)}`);
        assertTensorsClose(result.astype("float64"), expected, close);
      });
      const option = missingOption(() => {
        const compiled = api.jit(run)(...tensors);
        results.forEach((result, i) => {
          assertEquals(compiled[i].dtype, result.dtype);
          assertTensorsClose(compiled[i], result, close);
        });
      });
      if (option === null) {
        const others = tensors.map((x) => x.dtype === "float64" ? x.mul(0.5) : x);
        const both = tensors.map((x, i) => api.stack([x, others[i]]));
        const mapped = api.vmap(run)(...both) as Tensor[];
        [tensors, others].forEach((example, at) =>
          run(...example).forEach((result, i) => {
            assertTensorsClose(mapped[i].at(at), result, close);
          })
        );
      }
      const floats = tensors.filter(({ dtype }) => dtype === "float64");
      if (!given.smooth || floats.length === 0) continue;
      checkGrads((...moved: readonly Tensor[]) => {
        let next = 0;
        const all = tensors.map((x) => x.dtype === "float64" ? moved[next++] : x);
        return run(...all).filter(({ dtype }) => dtype === "float64");
      }, floats);
    }
  });
}

Deno.test("variances without NaN of infinities are NaN, as NumPy's", () => {
  const x = api.tensor([[Infinity, NaN], [-Infinity, 1], [1, NaN]], { dtype: "float64" });
  for (const f of [api.nanvar, api.nanstd]) {
    const of = (x: Tensor) => f(x, 1);
    for (const way of [of, api.jit(of), api.vmap((row: Tensor) => f(row))]) {
      assertTensorsClose(way(x), [NaN, NaN, 0]);
    }
  }
});

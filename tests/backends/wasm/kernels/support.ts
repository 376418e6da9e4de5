/**
 * Runs kernels alone over typed arrays, and holds them to the rules that all kernels follow: nothing
 * outside the results and the workspaces is written, the order of the chunks changes no bit, and
 * nothing depends on what stood in the results, the workspaces, or behind the buffers.
 *
 * @module
 */
import { allocateStored as allocate, byteSize, isHalf } from "../../../../src/base/dtype.ts";
import type { Dtype, Elements } from "../../../../src/base/dtype.ts";
import { decodeHalves, encodeHalves } from "../../../../src/base/half.ts";
import { makeBuilder, PAGE } from "../../../../src/backends/wasm/kernels/builder.ts";
import { type Builder, type Kernel, SLACK } from "../../../../src/backends/wasm/kernels/kernel.ts";
import type { Tile } from "../../../../src/backends/wasm/kernels/kernel.ts";
import { assert, assertEquals } from "../../../support/std.ts";
import { borrowMemories, firstDifference, makeMemories } from "../memories.ts";
import "./written_twice.ts";

/** A buffer that a kernel writes. */
export interface Output {
  /** The element type. */
  readonly dtype: Dtype;
  /** The number of elements. */
  readonly length: number;
  /** What stands in it at first, where the kernel reads it too; left out, rubbish. */
  readonly initial?: Elements;
}

/** A kernel in a memory of its own, ready to run once. */
export interface LoadedKernel {
  /** The kernel. */
  readonly kernel: Kernel;
  /** The size of its module in bytes. */
  readonly moduleBytes: number;
  /** Makes it ready to run again: every byte that it may not rely on is `poison` then. */
  prepare(poison: number): void;
  /** Runs all stages; `order` gives the numbers of the chunks in the order to do them in. */
  run(order?: (chunks: number) => readonly number[]): void;
  /** What stands in the outputs now. */
  results(): Elements[];
  /** Fails if anything but outputs and workspaces has changed. */
  check(): void;
}

/** Where a buffer stands. */
interface Place {
  readonly at: number;
  readonly bytes: number;
}

/** Elements held as a dtype that may be narrower, and the same numbers in what they were in. */
export function heldAs(held: Dtype, elements: Elements): { stored: Elements; numbers: Elements } {
  const stored = allocate(held, elements.length);
  stored.set(isHalf(held) ? encodeHalves(elements, held) : elements);
  const numbers = elements.slice();
  numbers.set(isHalf(held) ? decodeHalves(stored, held) : stored);
  return { stored, numbers };
}

/** The tile of products that kernels get, unless a test says otherwise. */
const TILE: Tile = { rows: 6, vectors: 2, depth: 64 };

/** A builder of modules with a memory of their own. */
export function testBuilder(tile: Tile = TILE): Builder {
  return makeBuilder({ tile, shared: false, maximumPages: 65536 });
}

function bytesOf(elements: Elements): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Fails unless each stage is as `Stage` says. */
function checkStages({ stages, workspaces }: Kernel, buffers: number): void {
  for (const { name, run, operands, chunks, rows } of stages) {
    assert(name !== "", "a stage has no name");
    assertEquals(
      run.signature,
      { parameters: Array.from([...operands, 0], () => "i32" as const), result: "none" },
      `the signature of ${name}`,
    );
    for (const operand of operands) {
      assert(operand >= 0 && operand < buffers + workspaces.length, `${name} takes ${operand}`);
    }
    if (rows !== undefined) {
      assertEquals(chunks, Math.ceil(rows.count / rows.perChunk), `the chunks of ${name}`);
    }
  }
}

/** How a kernel is loaded. */
interface LoadOptions {
  /** The tile of products. */
  readonly tile?: Tile;
  /** What gives memories of so many pages. */
  readonly memories?: typeof makeMemories;
}

/**
 * Compiles a kernel and sets up its buffers. Every byte that it may not rely on is 0xff.
 *
 * @param make Writes the kernel.
 * @param inputs The first buffers.
 * @param outputs The buffers after them.
 */
export function loadKernel(
  make: (builder: Builder) => Kernel,
  inputs: readonly Elements[],
  outputs: readonly Output[],
  { tile = TILE, memories = makeMemories }: LoadOptions = {},
): LoadedKernel {
  const builder = testBuilder(tile);
  const kernel = builder.once(make);
  const { stages, workspaces } = kernel;
  checkStages(kernel, inputs.length + outputs.length);
  stages.forEach(({ run }, i) => builder.module.export(`${i}`, run));
  const bytes = builder.module.build();

  const sizes = [
    ...inputs.map(({ byteLength }) => byteLength),
    ...outputs.map(({ dtype, length }) => length * byteSize(dtype)),
    ...workspaces,
  ];
  const places: Place[] = [];
  let end = 64;
  for (const size of sizes) {
    places.push({ at: end, bytes: size });
    end = roundUp(end + size + SLACK, 64);
  }
  const pages = roundUp(end, PAGE) / PAGE;
  const { host, content, scratch } = memories(pages);
  const initial = [...inputs, ...outputs.map((output) => output.initial)];
  const before = new Uint8Array(content.length);
  const prepare = (poison: number): void => {
    scratch.fill(poison);
    before.fill(poison);
    initial.forEach((elements, i) => {
      if (elements !== undefined) before.set(bytesOf(elements), places[i].at);
    });
    content.set(before);
  };
  prepare(0xff);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host });
  const functions = stages.map((_, i) => exports[i] as (...operands: number[]) => void);

  return {
    kernel,
    moduleBytes: bytes.length,
    prepare,
    run(order) {
      stages.forEach(({ operands, chunks }, i) => {
        const addresses = operands.map((operand) => places[operand].at);
        if (order === undefined) {
          for (let chunk = 0; chunk < chunks; chunk++) functions[i](...addresses, chunk);
        } else for (const chunk of order(chunks)) functions[i](...addresses, chunk);
      });
    },
    results: () =>
      outputs.map(({ dtype, length }, i) => {
        const { at, bytes } = places[inputs.length + i];
        const result = allocate(dtype, length);
        bytesOf(result).set(content.subarray(at, at + bytes));
        return result;
      }),
    check() {
      const after = content.slice();
      for (const { at, bytes } of places.slice(inputs.length)) {
        after.set(before.subarray(at, at + bytes), at);
      }
      const wrong = firstDifference(after, before);
      if (wrong < 0) return;
      const buffer = places.findLastIndex(({ at }) => at <= wrong);
      throw new Error(
        buffer < 0
          ? `wrote before the first buffer, at ${wrong}`
          : `wrote at byte ${wrong - places[buffer].at} of buffer ${buffer}, ` +
            `which is ${places[buffer].bytes} long`,
      );
    },
  };
}

/** The numbers of all chunks in an order that is neither theirs nor its reverse. */
function shuffled(chunks: number): number[] {
  const order = Array.from({ length: chunks }, (_, i) => i);
  let state = chunks;
  for (let i = chunks - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/**
 * The outputs of a kernel. It runs twice, with its chunks in order and shuffled, among different
 * rubbish: the bits must be the same.
 *
 * @param make Writes the kernel: `(builder) => emitSomething(builder, ...)`.
 * @param inputs Its first buffers.
 * @param outputs The buffers after these, which alone may be written.
 * @param tile The tile of products.
 */
export function runKernel(
  make: (builder: Builder) => Kernel,
  inputs: readonly Elements[],
  outputs: readonly Output[],
  tile: Tile = TILE,
): Elements[] {
  const loaded = loadKernel(make, inputs, outputs, { tile, memories: borrowMemories });
  loaded.run();
  loaded.check();
  const results = loaded.results();
  loaded.prepare(0x7f);
  loaded.run(shuffled);
  loaded.check();
  assertEquals(
    loaded.results().map(bytesOf),
    results.map(bytesOf),
    "the results depend on the order of the chunks or on rubbish",
  );
  return results;
}

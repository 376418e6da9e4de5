/**
 * The kernel of threefry2x32, the block function of random bits: many counters at once.
 *
 * Source: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy
 * as 1, 2, 3", 2011.
 *
 * @module
 */
import { range, sizeOf } from "../../../base/shape.ts";
import { PARITY, ROTATIONS, ROUNDS } from "../../../numeric/threefry.ts";
import type { Code } from "../assembler/code.ts";
import type { Expression, Local } from "../assembler/expression.ts";
import type { Memory } from "../assembler/memory.ts";
import type { FunctionReference } from "../assembler/module.ts";
import { i32, i32x4, v128 } from "../assembler/operations.ts";
import { smaller, times, VECTOR } from "./addresses.ts";
import type { Buffer, Builder, Kernel } from "./kernel.ts";
import { chunkEnd, type Partition, partition } from "./partition.ts";

/** Bytes of a word. */
const WORD = 4;

/** The number of vectors of counters that are mixed in parallel, to hide latencies. */
const VECTORS = 8;

/** Bytes of counters in a round of the main loop, and in a round for the last few counters. */
const BLOCK = VECTORS * VECTOR;
const SMALL_BLOCK = 4 * VECTOR;

/** The time that a block takes, in nanoseconds. */
const BLOCK_TIME = 85;

/** Operations on the two words of a counter. */
const WORD_OPERATIONS = 5 * ROUNDS + 15;

type Vector = Expression<"v128">;
type Kept = Local<"v128">;

function addresses(count: number): readonly "i32"[] {
  return range(count).map(() => "i32");
}

/** The kernel of `threefry2x32`: two words of the key and two of the counter to two random words. */
export function emitThreefry2x32(
  builder: Builder,
  inputs: readonly Buffer[],
  _params: null,
  _outputs: readonly Buffer[],
): Kernel {
  const size = sizeOf(inputs[0].shape);
  const bytes = size * WORD;
  const parts = partition(Math.ceil(bytes / BLOCK), BLOCK_TIME);
  const run = emitChunk(builder, bytes, parts);
  const rows = { count: size, perChunk: parts.perChunk * BLOCK / WORD };
  const stage = { name: "threefry2x32", run, operands: range(6), chunks: parts.chunks, rows };
  const operations = size * WORD_OPERATIONS;
  return { stages: [stage], workspaces: [], operations, bytes: 6 * bytes };
}

function emitChunk(builder: Builder, bytes: number, parts: Partition): FunctionReference {
  return builder.module.function("threefry2x32", addresses(7), "none", (code, ...parameters) => {
    const operands = parameters.slice(0, -1);
    const chunk = parameters[operands.length];
    const from = code.let(times(chunk, parts.perChunk * BLOCK));
    const end = code.let(smaller(times(chunkEnd(parts, chunk), BLOCK), i32.const(bytes)));
    if (bytes >= BLOCK) {
      const rest = i32.and(end, i32.const(BLOCK - 1));
      const whole = code.let(i32.sub(end, rest));
      code.do(builder.once(mix, BLOCK).call(...operands, from, whole));
      code.set(from, whole);
    }
    if (bytes % BLOCK !== 0) code.do(builder.once(mix, SMALL_BLOCK).call(...operands, from, end));
  });
}

/** Two words of many counters. */
interface Words {
  readonly first: Kept;
  readonly second: Kept;
}

/** The bits of all lanes rotated left. */
function rotate(x: Kept, by: number): Vector {
  return v128.or(i32x4.shl(x, i32.const(by)), i32x4.shrU(x, i32.const(32 - by)));
}

/** Mixes counters with their keys, all vectors in lockstep. */
function mixWords(code: Code, keys: readonly (readonly Kept[])[], words: readonly Words[]): void {
  words.forEach(({ first, second }, v) => {
    code.set(first, i32x4.add(first, keys[v][0]));
    code.set(second, i32x4.add(second, keys[v][1]));
  });
  for (let round = 0; round < ROUNDS; round++) {
    const by = ROTATIONS[round % ROTATIONS.length];
    for (const { first, second } of words) code.set(first, i32x4.add(first, second));
    for (const { first, second } of words) {
      code.set(second, v128.xor(rotate(second, by), first));
    }
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    const number = i32x4.const(injection);
    words.forEach(({ first, second }, v) => {
      code.set(first, i32x4.add(first, keys[v][injection % 3]));
      const key = keys[v][(injection + 1) % 3];
      code.set(second, i32x4.add(i32x4.add(second, key), number));
    });
  }
}

type Mix = FunctionReference<readonly "i32"[], "none">;

/**
 * A function of the addresses of the words of the keys, of the counters and of both results, and of
 * the first byte to fill and the end, with a fixed number of bytes per round. It processes only
 * whole blocks, except for small blocks: the last of these is read beyond its end, which the slack
 * permits.
 */
function mix(builder: Builder, block: number): Mix {
  return emitMix(builder, block);
}

function emitMix({ memory, module, scratch }: Builder, block: number): Mix {
  return module.function("threefry2x32 words", addresses(8), "none", (code, ...parameters) => {
    const [k0, k1, x0, x1, out0, out1, from, end] = parameters;
    const vectors = range(block / VECTOR);
    code.for({ from, below: end, step: block }, (at) => {
      const load = (address: Expression<"i32">, v: number) =>
        code.let(v128.load(i32.add(address, at), { offset: v * VECTOR }));
      const keys = vectors.map((v) => {
        const [first, second] = [load(k0, v), load(k1, v)];
        const parity = v128.xor(v128.xor(first, second), i32x4.const(PARITY));
        return [first, second, code.let(parity)];
      });
      const words = vectors.map((v) => ({ first: load(x0, v), second: load(x1, v) }));
      mixWords(code, keys, words);
      const outputs = [
        { to: out0, results: words.map(({ first }) => first) },
        { to: out1, results: words.map(({ second }) => second) },
      ];
      for (const { to, results } of outputs) {
        const address = code.let(i32.add(to, at));
        const write = (target: Expression<"i32">, memory?: Memory) =>
          results.forEach((result, v) =>
            code.do(v128.store(target, result, { offset: v * VECTOR, memory }))
          );
        if (block === BLOCK) write(address);
        else {
          const length = code.let(smaller(i32.sub(end, at), i32.const(block)));
          write(i32.const(0), scratch);
          code.do(memory.copy(address, i32.const(0), length, scratch));
        }
      }
    });
  });
}

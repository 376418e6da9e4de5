/**
 * Blocks of the linear memory: their addresses, the growth of the memory for them, and the choice of blocks
 * that move out when memory is needed. A block is freed when the object that it belongs to is collected.
 * While a program runs (`withPins`), the blocks that it uses are not moved. Every block starts at a multiple
 * of 64, with `SLACK` readable bytes after its elements.
 *
 * @module
 */
import type { MemoryUsage } from "../../backend.ts";
import { describeValue } from "../../../base/dtype.ts";
import { argumentError, internalError, memoryError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import { PAGE } from "../kernels/builder.ts";
import { SLACK } from "../kernels/kernel.ts";
import { FIRST_ADDRESS, growTo, largestSize, MAX_MEMORY, memorySize } from "./linear_memory.ts";
import { FreeRanges } from "./ranges.ts";
import { Window } from "./recipes.ts";
import { RESERVED_BYTES } from "../threads/threads.ts";

/** The alignment of blocks in bytes. */
const ALIGNMENT = 64;

/**
 * `deno run -A bench/training_loop.ts` prints the memory and the times of a loop that reads its values late
 * or never.
 *
 * Above the first limit, unused blocks move out before the memory grows. The limit doubles, up to the second
 * one, each time a block that had moved out is used again. So programs that need their values soon keep
 * them, and a loop whose values are never read stays small.
 */
const FIRST_LIMIT = 2 ** 28;
const LAST_LIMIT = 2 ** 30;

/** Part of the linear memory. */
export abstract class Block {
  /** Its address; 0 while it is not in memory. */
  address = 0;
  /** Its length in bytes, including the slack. */
  bytes = 0;
  /**
   * How many times the running program has requested its address; the block is not moved while this is not
   * 0.
   */
  pins = 0;
  /** Whether it was evicted to make room for other blocks. */
  madeRoom = false;

  /** Whether its bytes are the elements of a tensor. */
  abstract readonly isTensor: boolean;

  /** Called when the running program requests its address. */
  use(): void {}

  /** Saves the block's bytes so that it can leave the memory. */
  abstract save(): void;

  /** Called when the block leaves the memory. */
  abstract leave(): void;
}

/** The working memory of a program; its content is undefined between runs. */
class Arena extends Block {
  readonly isTensor = false;

  override save(): void {}

  override leave(): void {}
}

/** Limits of the linear memory. */
export interface MemoryOptions {
  /** The maximum number of bytes for tensors and compiled programs in linear memory. */
  readonly limit?: number;
}

/** Bytes at the start that do not count: the scratch memory of threads, if it is in this memory. */
const UNCOUNTED = FIRST_ADDRESS - RESERVED_BYTES;

/** The end address of a range of this many bytes. */
function addressOfLimit(bytes: number): number {
  return Math.min(bytes + UNCOUNTED, MAX_MEMORY);
}

const ranges = new FreeRanges();
/** The end of the memory that is managed by `ranges` and blocks. */
let end = FIRST_ADDRESS;
/** Up to this address, the memory grows instead of evicting blocks. */
let softLimit = addressOfLimit(FIRST_LIMIT);
/** The maximum of the soft limit. */
let highestSoft = addressOfLimit(LAST_LIMIT);
/** The memory never grows above this address. */
let hardLimit = MAX_MEMORY;
let held = 0;
let peak = 0;

/** The blocks that may move out, least recently used first. */
const blocks = new Set<Block>();
/** Storages whose slots are in memory, and owners of arenas in memory. */
const registry = new FinalizationRegistry<Block>(remove);
const arenas = new WeakMap<object, Arena>();
/** Blocks that can be recomputed quickly: they move out first. */
export const droppable: Window<Block> = new Window();

/** The number of active calls of `withPins`. */
let depth = 0;
/** The blocks that have pins. */
const pinned: Block[] = [];
/** The lengths of blocks owned by the running program alone, by address. */
export const loose: Map<number, number> = new Map();
/** Donated tensors whose blocks have not been taken yet. */
export const donations: Map<object, number> = new Map();

/**
 * Runs `f`, a whole program. Blocks whose addresses it requests are not moved during the run. Memory that it
 * has allocated and that was not adopted is freed at the end. A nested program, such as a step of a loop or
 * a callback, releases its own blocks when it ends.
 */
export function withPins<T>(f: () => T): T {
  const isInner = depth > 0;
  const pins = isInner ? pinned.map((block) => block.pins) : [];
  const others = isInner ? new Set(loose.keys()) : null;
  depth++;
  try {
    return f();
  } finally {
    depth--;
    for (let i = 0; i < pinned.length; i++) pinned[i].pins = pins[i] ?? 0;
    pinned.length = pins.length;
    for (const [address, bytes] of loose) {
      if (others?.has(address)) continue;
      loose.delete(address);
      release(address, bytes);
    }
    for (const [x, address] of donations) if (!loose.has(address)) donations.delete(x);
  }
}

/** Whether a program is running. */
export function isRunning(): boolean {
  return depth > 0;
}

/** Pins the block until the end, and makes it the most recently used. */
export function pin(block: Block): void {
  if (block.pins++ > 0) return;
  pinned.push(block);
  blocks.delete(block);
  blocks.add(block);
  block.use();
}

/** Throws unless a program is running. */
export function checkRunning(what: string): void {
  if (depth === 0) throw internalError(`${what} is only for programs that run`);
}

/** The length of a block for this many bytes. */
export function blockBytes(bytes: number): number {
  return Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
}

/** Allocates a range; `what` describes its use in errors. */
export function allocate(bytes: number, what: () => string): number {
  const address = find(bytes);
  if (address < 0) {
    const allowed = Math.min(hardLimit, largestSize()) - UNCOUNTED;
    throw memoryError(
      `Cannot make room for ${what()} in linear memory: it takes ${bytes} bytes, ` +
        `${bytesInUse()} are held by what is running, ${allowed} are allowed; work on less at once` +
        (hardLimit < MAX_MEMORY ? " or raise memoryLimit with configure" : ""),
    );
  }
  held += bytes;
  peak = Math.max(peak, held);
  return address;
}

/**
 * A free range; otherwise newly grown memory, then the memory of unused blocks, then growth above the soft
 * limit; -1 if all fail.
 */
function find(bytes: number): number {
  const address = ranges.take(bytes);
  if (address >= 0) return address;
  if (extend(bytes, softLimit)) return ranges.take(bytes);
  // A request that can never fit must not evict any block.
  if (bytes + bytesInUse() > hardLimit - FIRST_ADDRESS) return -1;
  for (const block of idle()) {
    if (!evict(block)) continue;
    block.madeRoom = true;
    const address = ranges.take(bytes);
    if (address >= 0) return address;
    if (extend(bytes, softLimit)) return ranges.take(bytes);
  }
  return extend(bytes, hardLimit) ? ranges.take(bytes) : -1;
}

/** The blocks that may leave: first the ones to drop, then the least recently used ones. */
function* idle(): Generator<Block> {
  for (const list of [droppable, blocks]) {
    for (const block of list) if (block.pins === 0) yield block;
  }
}

function bytesInUse(): number {
  let bytes = 0;
  for (const block of pinned) if (block.address !== 0) bytes += block.bytes;
  for (const length of loose.values()) bytes += length;
  return bytes;
}

/** Extends the last free range to `bytes` bytes, unless that exceeds `limit`. */
function extend(bytes: number, limit: number): boolean {
  const needed = end - ranges.before(end) + bytes;
  if (needed > limit || !growTo(needed, limit)) return false;
  const next = Math.min(memorySize(), limit);
  if (next > end) ranges.release(end, next);
  end = Math.max(end, next);
  return true;
}

/** Frees a range. */
export function release(address: number, bytes: number): void {
  ranges.release(address, address + bytes);
  held -= bytes;
}

/** Allocates memory for the block; it is freed when `owner` is collected. */
export function place(block: Block, bytes: number, owner: object, what: () => string): void {
  settle(block, allocate(bytes, what), bytes, owner);
}

/** The same for a range that the block takes over. */
export function settle(block: Block, address: number, bytes: number, owner: object): void {
  if (block.madeRoom) {
    block.madeRoom = false;
    const doubled = addressOfLimit(2 * (softLimit - UNCOUNTED));
    softLimit = Math.max(softLimit, Math.min(doubled, highestSoft));
  }
  block.address = address;
  block.bytes = bytes;
  blocks.add(block);
  registry.register(owner, block, block);
}

/** Removes the block from the tables; its memory stays allocated. */
export function detach(block: Block): void {
  block.leave();
  blocks.delete(block);
  registry.unregister(block);
  block.address = 0;
}

/** Frees the block's memory. */
export function remove(block: Block): void {
  const { address, bytes } = block;
  if (address === 0) return;
  detach(block);
  release(address, bytes);
}

/** Moves the block out or drops it; returns whether there was room for it on the heap. */
export function evict(block: Block): boolean {
  try {
    block.save();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
  remove(block);
  return true;
}

/**
 * The working memory of the program `owner`: at least `bytes` bytes, kept from run to run while there is
 * room. If the address has changed since the last run, the content is lost; it may also be lost at the same
 * address.
 */
export function arena(owner: object, bytes: number): number {
  checkRunning("arena");
  let own = arenas.get(owner);
  if (own === undefined) arenas.set(owner, own = new Arena());
  if (own.address !== 0 && own.bytes < blockBytes(bytes)) {
    if (own.pins > 0) throw internalError("Cannot enlarge an arena while its program runs");
    remove(own);
  }
  if (own.address === 0) {
    place(own, blockBytes(bytes), owner, () => "the intermediate results of a jitted function");
  }
  pin(own);
  return own.address;
}

/** Frees the working memory of the program `owner`, which must not be running. */
export function dropArena(owner: object): void {
  const own = arenas.get(owner);
  if (own !== undefined) remove(own);
}

/**
 * Limits the linear memory, in which compiled programs work. At the limit, unused tensors move to the heap
 * instead of growing the memory; a program that needs more at once fails with a clear error.
 *
 * Without a limit, tensors move out from 256 MiB on, or from up to 1 GiB if they are used again, and a
 * program may use up to 4 GiB. The memory never shrinks: set the limit before the first compiled program
 * runs.
 *
 * @throws {ArgumentError} unless the limit is an integer from 64 KiB to 4 GiB less 64 KiB.
 */
export function configureMemory(options: MemoryOptions): void {
  const what = "Cannot configure the memory";
  const { limit } = readOptions(what, options, ["limit"]);
  if (depth > 0) throw argumentError(`${what} while a program runs`);
  if (
    limit !== undefined && !(Number.isInteger(limit) && limit >= PAGE && limit <= MAX_MEMORY)
  ) {
    throw argumentError(
      `${what}: memoryLimit must be an integer from ${PAGE} to ${MAX_MEMORY}, got ${
        describeValue(limit)
      }`,
    );
  }
  const most = limit === undefined ? MAX_MEMORY : Math.floor(limit / PAGE) * PAGE;
  const soft = limit === undefined ? FIRST_LIMIT : most;
  if (!limitTo(addressOfLimit(soft), addressOfLimit(most))) {
    throw memoryError(`${what}: there is no room on the heap for what has to move out`);
  }
  highestSoft = addressOfLimit(limit === undefined ? LAST_LIMIT : most);
  droppable.reset();
}

/** Moves out all blocks beyond the hard limit and sets both limits, if there is room on the heap. */
function limitTo(soft: number, hard: number): boolean {
  for (const block of idle()) {
    if (block.address + block.bytes > hard && !evict(block)) return false;
  }
  softLimit = soft;
  hardLimit = hard;
  ranges.cut(hardLimit);
  end = Math.min(end, hardLimit);
  return true;
}

/** Runs `f` without limits, in a memory that holds only blocks in use. */
export function beyondLimits<T>(f: () => T): T {
  const [soft, hard] = [softLimit, hardLimit];
  softLimit = hardLimit = MAX_MEMORY;
  for (const block of idle()) evict(block);
  try {
    return f();
  } finally {
    limitTo(soft, hard);
  }
}

/** Keeps more of the droppable blocks: one was needed after it had been dropped. */
export function widenWindow(): void {
  droppable.widen(softLimit);
}

/** The usage of the linear memory. */
export function memoryUsage(): MemoryUsage {
  let residents = 0;
  for (const block of blocks) if (block.isTensor) residents++;
  const { bytes, size } = droppable;
  return { held, peak, limit: softLimit - UNCOUNTED, residents, droppable: bytes, window: size };
}

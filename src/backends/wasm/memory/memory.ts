/**
 * The elements of tensors in linear memory. A tensor that a compiled program uses moves in, and moves
 * out to the heap when room is needed for others: so a bounded memory serves loops of any length,
 * also those in which the garbage collector never tells what is dead.
 * Results that are quickly computed again are dropped instead (see `recipes.ts`).
 *
 * A block is freed when the storage that it belongs to is collected. The tables here hold blocks,
 * never storages, and forget a block that has moved out: the copy on the heap then dies with the
 * storage in any loop.
 *
 * While a program runs (`withPins`), the blocks that it uses stay where they are. Every block starts
 * at a multiple of 64, with `SLACK` readable bytes behind its elements.
 *
 * @module
 */
import type { MemoryUsage } from "../../backend.ts";
import { byteSize, describeValue } from "../../../base/dtype.ts";
import type { Dtype, Elements } from "../../../base/dtype.ts";
import { argumentError, internalError, MemoryError, memoryError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import { showType, sizeOf } from "../../../base/shape.ts";
import { Concrete, isSplat } from "../../../core/tensor.ts";
import type { Type } from "../../../core/tensor.ts";
import { type Resident, Storage } from "../../../core/storage.ts";
import { PAGE } from "../kernels/builder.ts";
import { SLACK } from "../kernels/kernel.ts";
import {
  FIRST_ADDRESS,
  growTo,
  largestSize,
  MAX_MEMORY,
  memorySize,
  sliceOf,
  viewOf,
  wholeMemory,
} from "./linear_memory.ts";
import { FreeRanges } from "./ranges.ts";
import { Recipe, type Rerun, Window } from "./recipes.ts";
import { RESERVED_BYTES } from "../threads/threads.ts";

export { linearMemory } from "./linear_memory.ts";

/** Tensors of fewer bytes stay on the heap: copying them costs less than keeping track of them. */
export const RESIDENT_BYTES = 65536;

/** What blocks start at multiples of. */
const ALIGNMENT = 64;

/**
 * Up to so many bytes, a tensor that is needed both in linear memory and on the heap is kept in both.
 * A larger one is moved, so that the large ones take their memory once.
 */
const KEPT_TWICE = 2 ** 20;

/**
 * From here on, the unused moves out before the memory grows; from twice as much, up to the second, once
 * something that had moved out is used again. So programs that need their values soon keep them, and a
 * loop whose values nobody asks for again stays small.
 */
const FIRST_LIMIT = 2 ** 28;
const LAST_LIMIT = 2 ** 30;

/** Part of the linear memory. */
abstract class Block {
  /** Where it is; 0 while it is nowhere. */
  address = 0;
  /** Its length, with the slack. */
  bytes = 0;
  /** How often the running program has asked for its address; it stays while this is not 0. */
  pins = 0;
  /** Whether it had to make room for others. */
  madeRoom = false;

  /** Makes the block's bytes dispensable. */
  abstract save(): void;

  /** What happens when the block leaves the memory. */
  abstract leave(): void;
}

/** The elements of a tensor that is or was in linear memory. */
class Slot extends Block implements Resident {
  /** The copy on the heap; there is one while the slot is not in memory, unless it was dropped. */
  heap: Elements | null = null;
  /** How to compute the elements again, as long as the slot is in memory. */
  recipe: Recipe | null = null;
  /** The same once the elements were dropped, until they are there again. */
  dropped: Recipe | null = null;
  /** Slots in memory in whose recipes this one is an argument. */
  dependents: Set<Slot> | null = null;
  readonly dtype: Dtype;
  readonly length: number;

  constructor(dtype: Dtype, length: number) {
    super();
    this.dtype = dtype;
    this.length = length;
  }

  peek<T>(f: (elements: Elements) => T, storage: Storage): T {
    restore(this, storage);
    return f(this.heap ?? viewOf(this.dtype, this.address, this.length));
  }

  elements(storage: Storage): Elements {
    restore(this, storage);
    const elements = this.#copy();
    if (this.address !== 0 && this.bytes > KEPT_TWICE && this.pins === 0) evict(this);
    return elements;
  }

  override save(): void {
    if (this.recipe === null || this.heap !== null) this.#copy();
    else {
      this.recipe.keep();
      this.dropped = this.recipe;
    }
  }

  override leave(): void {
    this.forget();
    if (this.dependents !== null) { for (const slot of this.dependents) slot.forget(); }
  }

  /** From now on, the elements are copied before they leave the memory. */
  forget(): void {
    if (this.recipe === null) return;
    for (const storage of this.recipe.storages) slotOf(storage)?.dependents?.delete(this);
    this.recipe = null;
    droppable.delete(this);
  }

  #copy(): Elements {
    try {
      return this.heap ??= sliceOf(this.dtype, this.address, this.length);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw memoryError(
        `Cannot move ${this.length} elements of ${this.dtype} out of the linear memory: ` +
          `there is no room for ${this.length * byteSize(this.dtype)} bytes on the heap`,
      );
    }
  }
}

/** What a program works in; its bytes mean nothing between two runs. */
class Arena extends Block {
  override save(): void {}

  override leave(): void {}
}

/** A block that belongs to the caller. */
export interface TakenBlock {
  /** Where it starts. */
  readonly address: number;
  /** How many bytes of elements it has room for. */
  readonly bytes: number;
}

/** A tensor and where its elements are. */
export interface Placed {
  /** The tensor. */
  readonly tensor: Concrete;
  /** Where its elements start. */
  readonly address: number;
}

/** Limits of the linear memory. */
export interface MemoryOptions {
  /** The most bytes that tensors and compiled programs may take in linear memory. */
  readonly limit?: number;
}

/** Bytes at the start that do not count: the scratch of threads, where it lies in this memory. */
const UNCOUNTED = FIRST_ADDRESS - RESERVED_BYTES;

/** The address up to which so many bytes reach. */
function addressOfLimit(bytes: number): number {
  return Math.min(bytes + UNCOUNTED, MAX_MEMORY);
}

const ranges = new FreeRanges();
/** The end of what `ranges` and blocks share. */
let end = FIRST_ADDRESS;
/** Up to here the memory grows rather than evicts. */
let softLimit = addressOfLimit(FIRST_LIMIT);
/** How far that may rise. */
let highestSoft = addressOfLimit(LAST_LIMIT);
/** It never grows beyond. */
let hardLimit = MAX_MEMORY;
let held = 0;
let peak = 0;

/** The blocks that may move out, the least recently used first. */
const blocks = new Set<Block>();
/** Storages whose slots are in memory, and owners of arenas that are. */
const registry = new FinalizationRegistry<Block>(remove);
const arenas = new WeakMap<object, Arena>();
/** The slots in memory that have recipes. */
const droppable = new Window<Slot>();

/** How many calls of `withPins` are running. */
let depth = 0;
/** What has pins. */
const pinned: Block[] = [];
/** Blocks that belong to the running program alone, by address: their lengths. */
const loose = new Map<number, number>();
/** Donated tensors whose blocks have not been taken yet. */
const donations = new Map<Concrete, number>();

/**
 * Runs `f`, a whole program, during which no block moves that it has asked for. What it has taken and
 * not adopted is freed in the end. A program that runs within another one, as a step of a loop does
 * or a callback, releases what it asked for when it ends itself.
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

/** Keeps the block in its place until the end, and makes it the most recently used. */
function pin(block: Block): void {
  if (block.pins++ > 0) return;
  pinned.push(block);
  blocks.delete(block);
  blocks.add(block);
  if (block instanceof Slot && block.recipe !== null) droppable.touch(block);
}

function checkRunning(what: string): void {
  if (depth === 0) throw internalError(`${what} is only for programs that run`);
}

/** The bytes of a block for a tensor. */
function bytesFor({ dtype, shape }: Type): number {
  return blockBytes(sizeOf(shape) * byteSize(dtype));
}

function blockBytes(bytes: number): number {
  return Math.ceil((bytes + SLACK) / ALIGNMENT) * ALIGNMENT;
}

/** Whether tensors of this type move into linear memory, unless they are splats. */
export function isLarge({ dtype, shape }: Type): boolean {
  return sizeOf(shape) * byteSize(dtype) >= RESIDENT_BYTES;
}

/** A range of so many bytes; `what` names their use in errors. */
function allocate(bytes: number, what: () => string): number {
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

/** What is free, else new, else of others that are not in use, else new beyond the soft limit; or -1. */
function find(bytes: number): number {
  const address = ranges.take(bytes);
  if (address >= 0) return address;
  if (extend(bytes, softLimit)) return ranges.take(bytes);
  // What can never fit drives nobody out.
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

/** What nobody needs to stay: first what is just dropped, then the least recently used. */
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

/** Makes the last free range `bytes` long, unless that goes beyond `limit`. */
function extend(bytes: number, limit: number): boolean {
  const needed = end - ranges.before(end) + bytes;
  if (needed > limit || !growTo(needed, limit)) return false;
  const next = Math.min(memorySize(), limit);
  if (next > end) ranges.release(end, next);
  end = Math.max(end, next);
  return true;
}

/** Frees a range. */
function release(address: number, bytes: number): void {
  ranges.release(address, address + bytes);
  held -= bytes;
}

/** Puts the block into memory; it is freed when `owner` is collected. */
function place(block: Block, bytes: number, owner: object, what: () => string): void {
  settle(block, allocate(bytes, what), bytes, owner);
}

function settle(block: Block, address: number, bytes: number, owner: object): void {
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

/** Takes the block out of the tables; its bytes are still held. */
function detach(block: Block): void {
  block.leave();
  blocks.delete(block);
  registry.unregister(block);
  block.address = 0;
}

/** Frees the block's place. */
function remove(block: Block): void {
  const { address, bytes } = block;
  if (address === 0) return;
  detach(block);
  release(address, bytes);
}

/** Moves the block out or drops it; gives whether there was room for it on the heap. */
function evict(block: Block): boolean {
  try {
    block.save();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
  remove(block);
  return true;
}

/** The storage's slot, if it ever was in memory. */
function slotOf(storage: Storage): Slot | null {
  return storage.resident as Slot | null;
}

/**
 * Where the elements of `x` are in linear memory, all of them, until the end of `withPins`. A large
 * tensor moves in and stays. Others are copied to a place of their own, at each call.
 */
export function addressOf(x: Concrete): number {
  checkRunning("addressOf");
  const { storage } = x;
  let slot = slotOf(storage);
  if (slot === null) {
    if (isSplat(x) || !isLarge(x)) return temporaryCopy(x);
    slot = new Slot(x.dtype, storage.length);
  }
  restore(slot, storage);
  if (slot.address === 0) moveIn(storage, slot, x);
  pin(slot);
  return slot.address;
}

function moveIn(storage: Storage, slot: Slot, type: Type): void {
  const { elements } = storage;
  place(slot, bytesFor(type), storage, () => showType(type));
  viewOf(slot.dtype, slot.address, slot.length).set(elements);
  slot.heap = slot.bytes <= KEPT_TWICE ? elements : null;
  if (storage.resident === null) storage.moveTo(slot);
}

function temporaryCopy(x: Concrete): number {
  const bytes = bytesFor(x);
  const address = allocate(bytes, () => showType(x));
  loose.set(address, bytes);
  copyIn(x, address);
  return address;
}

/**
 * A tensor in linear memory whose elements are not written yet: they are whatever was there. One that
 * is to get a recipe may take the place of others that have one.
 */
export function newResident(type: Type, isDroppable = false): Placed {
  const bytes = bytesFor(type);
  if (isDroppable) makeRoomInWindow(bytes);
  return resultAt(type, allocate(bytes, () => showType(type)), bytes);
}

/** A tensor whose elements are in the block at `address`, which came from `takeBlock`. */
export function adopt(type: Type, address: number): Concrete {
  const bytes = loose.get(address);
  if (bytes === undefined || bytes < bytesFor(type)) {
    throw internalError(`Cannot adopt a block for ${showType(type)}`);
  }
  loose.delete(address);
  return resultAt(type, address, bytes).tensor;
}

function resultAt({ dtype, shape }: Type, address: number, bytes: number): Placed {
  const slot = new Slot(dtype, sizeOf(shape));
  const storage = new Storage(slot, slot.length);
  settle(slot, address, bytes, storage);
  if (depth > 0) pin(slot);
  return { tensor: new Concrete(dtype, shape, storage), address };
}

function makeRoomInWindow(bytes: number): void {
  for (const slot of droppable) {
    if (droppable.hasRoom(bytes)) return;
    if (slot.pins === 0) evict(slot);
  }
}

/**
 * Notes that `x`, a result in memory of its own, may be dropped, since `rerun` computes the same
 * elements from `args` again. That must not take much longer than to copy them.
 */
export function giveRecipe(x: Concrete, args: readonly Concrete[], rerun: Rerun): void {
  const slot = slotOf(x.storage)!;
  const ingredients = args.flatMap(({ storage }) => slotOf(storage) ?? []);
  // An argument that is used again and again is worth keeping; one that is used once may be dropped
  // itself, so that half of a chain of results can be.
  let isFirstUse = false;
  for (const { recipe } of ingredients) {
    if (recipe === null || recipe.isUsed) continue;
    recipe.isUsed = true;
    isFirstUse = true;
  }
  if (isFirstUse) return;
  for (const ingredient of ingredients) {
    ingredient.forget();
    (ingredient.dependents ??= new Set()).add(slot);
  }
  slot.recipe = new Recipe(rerun, args);
  droppable.add(slot);
}

/** Computes again what was dropped of these tensors. */
export function restoreAll(tensors: readonly Concrete[]): void {
  for (const x of tensors) {
    if (!isLarge(x)) continue;
    const { storage } = x;
    const slot = slotOf(storage);
    if (slot !== null) restore(slot, storage);
  }
}

/** Computes the elements of a slot again, if they were dropped. */
function restore(slot: Slot, storage: Storage): void {
  const recipe = slot.dropped;
  if (recipe === null) return;
  const limits = { soft: softLimit, hard: hardLimit };
  try {
    take(slot, storage, follow(recipe, slot));
  } finally {
    if (softLimit > highestSoft) limitTo(limits.soft, limits.hard);
  }
  recipe.discard();
  droppable.widen(softLimit);
}

/** Gives the slot the block of a tensor that nobody else has. */
function take(slot: Slot, storage: Storage, { storage: other }: Concrete): void {
  const made = slotOf(other)!;
  const { address, bytes } = made;
  detach(made);
  settle(slot, address, bytes, storage);
  slot.dropped = null;
}

/** Follows a recipe, beyond all limits if need be: what was a value before must stay one. */
function follow(recipe: Recipe, { dtype, length }: Slot): Concrete {
  try {
    return withPins(() => recipe.follow());
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
  }
  // There was room the first time: perhaps under another limit, perhaps without holes.
  softLimit = hardLimit = MAX_MEMORY;
  for (const block of idle()) evict(block);
  try {
    return withPins(() => recipe.follow());
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    throw memoryError(
      `Cannot compute ${length} elements of ${dtype} again that were dropped to make room: ` +
        error.message,
    );
  }
}

/**
 * Where the program `owner` works: at least `bytes` bytes, kept from run to run while there is room.
 * At another address than the last time, nothing of what was written is there; it may also have been
 * lost at the same address.
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

/** Frees the memory that the program `owner` works in, which is not running. */
export function dropArena(owner: object): void {
  const own = arenas.get(owner);
  if (own !== undefined) remove(own);
}

/**
 * Whether `takeBlock` will give the block of `x` once `x` is donated: it is in memory, the running
 * program has asked for its address once at most, and no other tensor has its elements.
 */
export function givesBlock({ storage }: Concrete): boolean {
  const slot = slotOf(storage);
  return storage.sharers === 1 && slot !== null && slot.address !== 0 && slot.pins <= 1;
}

/**
 * Marks `x` as used up, as the argument `name` of the running program: using it afterwards is an
 * error. Tensors that share its elements (reshaped ones) stay usable. Nothing happens if `x` was
 * donated before.
 *
 * To be called last before the program runs, when nothing that can fail is left to do.
 */
export function donate(x: Concrete, name: string): void {
  const storage = x.giveUp(name);
  const slot = storage && slotOf(storage);
  if (slot === null || slot.address === 0) return;
  const { address, bytes } = slot;
  detach(slot);
  if (depth === 0) return release(address, bytes);
  loose.set(address, bytes);
  // A block whose address was asked for twice is read as another argument too.
  if (slot.pins <= 1) donations.set(x, address);
}

/**
 * The block of a tensor donated to the running program, once; `null` if it has none, or if another
 * tensor or another argument has the same elements. What is not adopted is freed in the end.
 */
export function takeBlock(x: Concrete): TakenBlock | null {
  const address = donations.get(x);
  if (address === undefined) return null;
  donations.delete(x);
  return { address, bytes: loose.get(address)! - SLACK };
}

/** Writes all elements of `x` from `address` on, a multiple of their size. */
export function copyIn(x: Concrete, address: number): void {
  const start = address / byteSize(x.dtype);
  const memory = wholeMemory(x.dtype);
  x.peek((elements) => {
    if (isSplat(x)) memory.fill(elements[0], start, start + x.size);
    else memory.set(elements, start);
  });
}

/** A tensor on the heap with the elements from `address` on, a multiple of their size. */
export function copyOut({ dtype, shape }: Type, address: number): Concrete {
  return new Concrete(dtype, shape, sliceOf(dtype, address, sizeOf(shape)));
}

/**
 * Limits the linear memory, in which compiled programs work: what is not in use moves out to the
 * heap rather than to go beyond, and a program that needs more at once fails with a clear error.
 *
 * Without a limit, tensors move out from 256 MiB on, or from up to 1 GiB where they are used again, and a
 * program may use up to 4 GiB. The memory
 * never shrinks: set the limit before the first compiled program runs.
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

/** Moves out what lies beyond the hard limit and sets both limits, if there is room on the heap. */
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

/** How much of the linear memory is in use. */
export function memoryUsage(): MemoryUsage {
  let residents = 0;
  for (const block of blocks) if (block instanceof Slot) residents++;
  const { bytes, size } = droppable;
  return { held, peak, limit: softLimit - UNCOUNTED, residents, droppable: bytes, window: size };
}

/**
 * The elements of tensors in linear memory. A tensor that a compiled program uses moves in, and moves out to
 * the heap when room is needed for others (see `blocks.ts`). So a bounded memory is enough for loops of any
 * length, even if garbage is never collected in them. Results that can be recomputed quickly are dropped
 * instead (see `recipes.ts`).
 *
 * The tables hold blocks, never storages, and remove a block that has moved out: the copy on the heap can
 * then be collected with the storage in any loop.
 *
 * @module
 */
import { byteSize } from "../../../base/dtype.ts";
import type { Dtype, Elements } from "../../../base/dtype.ts";
import { internalError, MemoryError, memoryError } from "../../../base/errors.ts";
import { bytesOf, showType, sizeOf } from "../../../base/shape.ts";
import { Concrete, isSplat } from "../../../core/tensor.ts";
import type { Type } from "../../../core/tensor.ts";
import { type Resident, Storage } from "../../../core/storage.ts";
import { span } from "../../../core/timeline.ts";
import { SLACK } from "../kernels/kernel.ts";
import {
  allocate,
  beyondLimits,
  Block,
  blockBytes,
  checkRunning,
  detach,
  donations,
  droppable,
  evict,
  isRunning,
  loose,
  pin,
  place,
  release,
  remove,
  settle,
  widenWindow,
  withPins,
} from "./blocks.ts";
import { sliceOf, viewOf, wholeMemory } from "./linear_memory.ts";
import { Recipe, type Rerun } from "./recipes.ts";

/**
 * Tensors with fewer bytes stay on the heap: copying them costs little, and tracking them has a cost, too.
 * It is an estimate: on an AMD EPYC (Zen 3) with Deno 2.9.6, the group "resident" of `deno bench
 * bench/thresholds_bench.ts` shows about the same time on both sides of this size.
 */
export const RESIDENT_BYTES = 65536;

/**
 * Up to this size in bytes, a tensor that is needed both in linear memory and on the heap is kept in both. A
 * larger one is moved, so large tensors are stored only once.
 */
const KEPT_TWICE = 2 ** 20;

/** The elements of a tensor that is or was in linear memory. */
class Slot extends Block implements Resident {
  /** The copy on the heap; it exists while the slot is not in memory, unless the elements were dropped. */
  heap: Elements | null = null;
  /** How to recompute the elements, while the slot is in memory. */
  recipe: Recipe | null = null;
  /** How to recompute the elements after they were dropped, until they are restored. */
  dropped: Recipe | null = null;
  /** Slots in memory whose recipes have this one as an argument. */
  dependents: Set<Slot> | null = null;
  override readonly isTensor = true;
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

  override use(): void {
    if (this.recipe !== null) droppable.touch(this);
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

  /** Removes the recipe: from now on, the elements are copied before they leave the memory. */
  forget(): void {
    if (this.recipe === null) return;
    for (const storage of this.recipe.storages) slotOf(storage)?.dependents?.delete(this);
    this.recipe = null;
    droppable.delete(this);
  }

  #copy(): Elements {
    if (this.heap !== null) return this.heap;
    const bytes = this.length * byteSize(this.dtype);
    try {
      return this.heap = span(
        { kind: "copy", name: "linear memory to heap", bytes },
        () => sliceOf(this.dtype, this.address, this.length),
      );
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw memoryError(
        `Cannot move ${this.length} elements of ${this.dtype} out of the linear memory: ` +
          `there is no room for ${bytes} bytes on the heap`,
      );
    }
  }
}

/** A block owned by the caller. */
export interface TakenBlock {
  /** Its start address. */
  readonly address: number;
  /** Its capacity in bytes of elements. */
  readonly bytes: number;
}

/** A tensor and the address of its elements. */
export interface Placed {
  /** The tensor. */
  readonly tensor: Concrete;
  /** The address of its elements. */
  readonly address: number;
}

/** The size of a block for a tensor in bytes. */
function bytesFor(type: Type): number {
  return blockBytes(bytesOf(type));
}

/** Whether tensors of this type move into linear memory, unless they are splats. */
export function isLarge(type: Type): boolean {
  return bytesOf(type) >= RESIDENT_BYTES;
}

/** The slots of storages whose elements are owned by another backend: the slots are copies. */
const copies = new WeakMap<Storage, Slot>();

/** The storage's slot, if it was ever in memory. */
function slotOf(storage: Storage): Slot | null {
  const { resident } = storage;
  return resident === null || resident instanceof Slot ? resident : copies.get(storage) ?? null;
}

/**
 * The address of all elements of `x` in linear memory, valid until the end of `withPins`. A large tensor
 * moves in and stays. Smaller ones are copied into temporary memory by each call.
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
  const move = (elements: Elements): void => {
    place(slot, bytesFor(type), storage, () => showType(type));
    viewOf(slot.dtype, slot.address, slot.length).set(elements);
  };
  const { resident } = storage;
  if (resident !== null && resident !== slot) {
    storage.peek(move);
    copies.set(storage, slot);
    return;
  }
  const { elements } = storage;
  move(elements);
  slot.heap = slot.bytes <= KEPT_TWICE ? elements : null;
  if (resident === null) storage.moveTo(slot);
}

function temporaryCopy(x: Concrete): number {
  const bytes = bytesFor(x);
  const address = allocate(bytes, () => showType(x));
  loose.set(address, bytes);
  copyIn(x, address);
  return address;
}

/**
 * A tensor in linear memory with uninitialised elements. If it will get a recipe, it may take the memory of
 * other tensors with recipes.
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
  if (isRunning()) pin(slot);
  return { tensor: new Concrete(dtype, shape, storage), address };
}

function makeRoomInWindow(bytes: number): void {
  for (const block of droppable) {
    if (droppable.hasRoom(bytes)) return;
    if (block.pins === 0) evict(block);
  }
}

/**
 * Records that each of `results`, which have their own memory, may be dropped, since `rerun` recomputes the
 * same elements from `args`. That must not take much longer than copying them.
 */
export function giveRecipes(
  results: readonly Concrete[],
  args: readonly Concrete[],
  rerun: Rerun,
): void {
  const slots = results.map(({ storage }) => slotOf(storage)!);
  const ingredients = args.flatMap(({ storage }) => slotOf(storage) ?? []);
  // An argument that is used repeatedly is worth keeping. One that is used once may be dropped itself, so
  // half of the results in a chain can be dropped.
  let isFirstUse = false;
  for (const { recipe } of ingredients) {
    if (recipe === null || recipe.isUsed) continue;
    recipe.isUsed = true;
    isFirstUse = true;
  }
  if (isFirstUse) return;
  for (const ingredient of ingredients) {
    ingredient.forget();
    for (const slot of slots) (ingredient.dependents ??= new Set()).add(slot);
  }
  slots.forEach((slot, i) => {
    slot.recipe = new Recipe(rerun, i, args);
    droppable.add(slot);
  });
}

/** Recomputes the dropped elements of these tensors. */
export function restoreAll(tensors: readonly Concrete[]): void {
  for (const x of tensors) {
    if (!isLarge(x)) continue;
    const { storage } = x;
    const slot = slotOf(storage);
    if (slot !== null) restore(slot, storage);
  }
}

/**
 * Recomputes the elements of a slot if they were dropped, beyond all limits if necessary: a value that
 * existed must stay available.
 */
function restore(slot: Slot, storage: Storage): void {
  const recipe = slot.dropped;
  if (recipe === null) return;
  const follow = (): void => {
    const made = withPins(() => recipe.follow()).map(({ storage }) => slotOf(storage)!);
    made.forEach((one, i) => i === recipe.place ? take(slot, storage, one) : remove(one));
  };
  try {
    follow();
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    // There was room the first time: perhaps under another limit, or with less fragmentation.
    beyondLimits(() => followOrExplain(follow, slot));
  }
  recipe.discard();
  widenWindow();
}

function followOrExplain(follow: () => void, { dtype, length }: Slot): void {
  try {
    follow();
  } catch (error) {
    if (!(error instanceof MemoryError)) throw error;
    throw memoryError(
      `Cannot compute ${length} elements of ${dtype} again that were dropped to make room: ` +
        error.message,
    );
  }
}

/** Moves the block of another slot, which has no other references, to the slot. */
function take(slot: Slot, storage: Storage, made: Slot): void {
  const { address, bytes } = made;
  detach(made);
  settle(slot, address, bytes, storage);
  slot.dropped = null;
}

/**
 * Whether `takeBlock` will return the block of `x` once `x` is donated: it is in memory, the running program
 * has requested its address at most once, and no other tensor has its elements.
 */
export function givesBlock({ storage }: Concrete): boolean {
  const slot = slotOf(storage);
  return storage.sharers === 1 && slot !== null && slot.address !== 0 && slot.pins <= 1;
}

/**
 * Marks `x` as used, as the argument `name` of the running program: using it afterwards is an error. Tensors
 * that share its elements (reshaped ones) remain usable. Nothing happens if `x` was donated before.
 *
 * Must be called last before the program runs, after all code that can fail.
 */
export function donate(x: Concrete, name: string): void {
  const storage = x.giveUp(name);
  const slot = storage && slotOf(storage);
  if (slot === null || slot.address === 0) return;
  const { address, bytes } = slot;
  detach(slot);
  if (!isRunning()) return release(address, bytes);
  loose.set(address, bytes);
  // A block whose address was requested twice is also read as another argument.
  if (slot.pins <= 1) donations.set(x, address);
}

/**
 * The block of a tensor donated to the running program, returned once; `null` if it has none, or if another
 * tensor or another argument has the same elements. Blocks that are not adopted are freed at the end.
 */
export function takeBlock(x: Concrete): TakenBlock | null {
  const address = donations.get(x);
  if (address === undefined) return null;
  donations.delete(x);
  return { address, bytes: loose.get(address)! - SLACK };
}

/** Writes all elements of `x` from `address`, a multiple of their size. */
export function copyIn(x: Concrete, address: number): void {
  const start = address / byteSize(x.dtype);
  x.peekStored((elements) => {
    // Not earlier: recomputing dropped elements may make the memory grow.
    const memory = wholeMemory(x.dtype);
    if (isSplat(x)) memory.fill(elements[0], start, start + x.size);
    else memory.set(elements, start);
  });
}

/** A tensor on the heap with the elements from `address`, a multiple of their size. */
export function copyOut({ dtype, shape }: Type, address: number): Concrete {
  return new Concrete(dtype, shape, sliceOf(dtype, address, sizeOf(shape)));
}

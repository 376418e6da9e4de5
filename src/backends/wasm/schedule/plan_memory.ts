/**
 * Plans the memory of a program before it runs, from the lifetimes of its buffers.
 *
 * @module
 */
import { sizeOf } from "../../../base/shape.ts";
import { SLACK } from "../kernels/kernel.ts";
import type { Access } from "../../../lowering/nest.ts";
import type { Lowered, NestTask } from "../../../lowering/tasks.ts";
import { arrange, type Life } from "../../../lowering/arrange.ts";
import type { HostStep, Schedule, Step } from "./steps.ts";
import { isLocal, readsOf, readsWhereItWrites, writesOf } from "../../../lowering/tasks.ts";

/** The location of an area. */
export type Place =
  /** At a fixed offset in the program's arena. */
  | { readonly kind: "arena"; readonly offset: number }
  /** In the argument with this number. */
  | { readonly kind: "argument"; readonly index: number }
  /** In the new tensor with this number. */
  | { readonly kind: "result"; readonly index: number };

/** A small argument that is copied into the arena before a run. */
export interface Upload {
  /** The argument's number. */
  readonly source: number;
  /** Its offset in the arena. */
  readonly offset: number;
}

/** A tensor that the program creates. */
export interface Output {
  /** The buffer. */
  readonly buffer: number;
  /** Its offset in the arena, from which it is copied, or null if it has its own memory. */
  readonly offset: number | null;
  /** The donated argument whose memory it takes over. */
  readonly argument: number | null;
}

/** The plan of a program's memory. */
export interface MemoryPlan {
  /** The location of each area; null for unused ones. */
  readonly places: readonly (Place | null)[];
  /** The size of the arena in bytes. */
  readonly arena: number;
  /** The arguments to copy in. */
  readonly uploads: readonly Upload[];
  /** The tensors to create. */
  readonly outputs: readonly Output[];
}

/** Inputs of the plan apart from the schedule. */
export interface PlanOptions {
  /** The size in bytes from which tensors have their own memory. */
  readonly large: number;
  /** Which arguments are donated. */
  readonly isDonated: readonly boolean[];
  /** The number of bytes at the start of the arena that are already in use. */
  readonly reserved: number;
  /** Whether a result, given by its buffer, may take over a donated argument; if omitted, any may. */
  readonly mayTakeOver?: (argument: number, buffer: number) => boolean;
}

/** The parts of a schedule that matter for memory. */
type Timeline = Pick<Schedule, "areas" | "steps">;

/** Plans the memory of a scheduled program. */
export function planMemory(
  lowered: Lowered,
  { areas, steps }: Schedule,
  { large, isDonated, reserved, mayTakeOver = () => true }: PlanOptions,
): MemoryPlan {
  const schedule = { areas, steps: steps.flatMap(callsApart) };
  const lives = findLives(schedule, areas.length);
  const places: (Place | null)[] = areas.map(() => null);
  const uploads: { source: number; offset: number }[] = [];
  const outputs: Output[] = [];
  const inArena: number[] = [];

  lowered.buffers.forEach(({ source }, area) => {
    if (source === null || lives[area] === null) return;
    if (areas[area] >= large) {
      places[area] = { kind: "argument", index: source };
    } else {
      lives[area]!.first = -1;
      inArena.push(area);
    }
  });

  const results = new Set<number>();
  for (const result of lowered.results) {
    if ("buffer" in result && lowered.buffers[result.buffer].source === null) {
      results.add(result.buffer);
    }
  }
  const taken = new Set<number>();
  const passed = new Set(lowered.results.map((r) => "buffer" in r ? r.buffer : -1));
  const donors = lowered.buffers.flatMap(({ source }, area) =>
    source !== null && isDonated[source] && areas[area] >= large && !passed.has(area) ? [area] : []
  );
  const argumentAreas = new Map(donors.map((area) => [lowered.buffers[area].source, area]));
  const reuse = findReuse(lowered, schedule, lives);
  for (const area of results) {
    if (areas[area] < large) {
      const life = lives[area] ??= { first: 0, last: 0 };
      life.last = Infinity;
      inArena.push(area);
      continue;
    }
    const donor = donors.find((one) =>
      !taken.has(one) && areas[one] === areas[area] &&
      mayTakeOver(lowered.buffers[one].source as number, area) && reuse(one, area)
    );
    if (donor !== undefined) {
      taken.add(donor);
      const argument = lowered.buffers[donor].source as number;
      places[area] = { kind: "argument", index: argument };
      outputs.push({ buffer: area, offset: null, argument });
    } else {
      places[area] = { kind: "result", index: outputs.length };
      outputs.push({ buffer: area, offset: null, argument: null });
    }
  }
  const staged = new Set(inArena);
  const successors = findSuccessors(lowered, schedule, lives, (area) => {
    const isOwn = (lowered.buffers[area]?.source ?? null) === null;
    return isOwn && places[area] === null && !staged.has(area);
  }, (area, first) => {
    if (staged.has(area)) return false;
    const place = places[area];
    // If the first buffer is in an argument, the whole chain is written over it.
    return place?.kind !== "argument" || reuse(argumentAreas.get(place.index)!, first);
  });
  for (let area = 0; area < areas.length; area++) {
    if (lives[area] === null || places[area] !== null || staged.has(area)) continue;
    if (!successors.has(area)) inArena.push(area);
  }
  const { offsets, end } = arrange(
    inArena,
    areas.map(roomFor),
    lives,
    schedule.steps.length,
    reserved,
  );
  for (const area of inArena) {
    const offset = offsets.get(area)!;
    places[area] = { kind: "arena", offset };
    const source = lowered.buffers[area]?.source ?? null;
    if (source !== null) uploads.push({ source, offset });
    if (results.has(area)) outputs.push({ buffer: area, offset, argument: null });
  }
  for (const [area, successor] of successors) places[area] = places[successor];
  return { places, arena: end, uploads, outputs };
}

/** Calls of a step on one thread run in order and need not be in memory at the same time. */
function callsApart(step: Schedule["steps"][number]): readonly (Step | HostStep)[] {
  if ("task" in step || step.chunks > 1) return [step];
  return step.calls.map((call) => ({ ...step, calls: [call] }));
}

/** The lifetime of each area; null for unused ones. */
function findLives({ steps }: Timeline, count: number): (Life | null)[] {
  const lives: (Life | null)[] = new Array(count).fill(null);
  steps.forEach((step, i) => {
    for (const area of areasOf(step)) {
      const life = lives[area];
      if (life === null) lives[area] = { first: i, last: i };
      else life.last = i;
    }
  });
  return lives;
}

function areasOf(step: Schedule["steps"][number]): readonly number[] {
  if ("task" in step) return [...step.task.inputs, ...step.task.outputs];
  return step.calls.flatMap(({ slots }) => slots);
}

/**
 * For each temporary buffer that other buffers overwrite, the last buffer in its chain. A buffer may be
 * overwritten within a nest or a kernel that reads each element for the last time before it writes the
 * element at the same index. `mayGive` tests whether a buffer is temporary, and `mayTake` whether nothing
 * else uses its location before the first buffer of the chain is written.
 */
function findSuccessors(
  lowered: Lowered,
  schedule: Timeline,
  lives: readonly (Life | null)[],
  mayGive: (area: number) => boolean,
  mayTake: (area: number, first: number) => boolean,
): ReadonlyMap<number, number> {
  const { areas, steps } = schedule;
  const reuse = findReuse(lowered, schedule, lives);
  const next = new Map<number, number>();
  /** The first buffer in the chain of each buffer that is written over another one. */
  const firsts = new Map<number, number>();
  steps.forEach((step, i) => {
    for (const { nest, inPlace } of "calls" in step ? step.calls : []) {
      for (const to of nest === null ? inPlace.map(([, area]) => area) : writesOf(nest)) {
        if (firsts.has(to) || lives[to]?.first !== i) continue;
        const read = nest === null ? inPlace.map(([area]) => area) : readsOf(nest);
        const from = read.find((area) =>
          area !== to && !next.has(area) && mayGive(area) && areas[area] === areas[to] &&
          lives[area]?.last === i && reuse(area, to) && mayTake(to, firsts.get(area) ?? area)
        );
        if (from === undefined) continue;
        next.set(from, to);
        firsts.set(to, firsts.get(from) ?? from);
      }
    }
  });
  const last = (area: number): number => {
    for (let to = next.get(area); to !== undefined; to = next.get(area)) area = to;
    return area;
  };
  const lines = new Map([...next.keys()].map((area) => [area, last(area)]));
  for (const [area, to] of lines) {
    lives[to]!.first = Math.min(lives[to]!.first, lives[area]!.first);
  }
  return lines;
}

/** Whether a buffer may take over the memory of another one. */
function findReuse(
  lowered: Lowered,
  { steps }: Timeline,
  lives: readonly (Life | null)[],
): (from: number, to: number) => boolean {
  return (from, to) => {
    const [old, young] = [lives[from], lives[to]];
    if (young === null) return false;
    if (old === null || old.last < young.first) return true;
    if (old.last !== young.first) return false;
    const step = steps[young.first];
    return "calls" in step && overwrites(lowered, step, from, to);
  };
}

/**
 * Whether each element of `from` is read for the last time within a step just before the element of `to` at
 * the same index is written.
 */
function overwrites(lowered: Lowered, step: Step, from: number, to: number): boolean {
  const writer = step.calls.findIndex(({ slots }) => slots.includes(to));
  return step.calls.every(({ nest, slots, rows, inPlace }, i) => {
    if (!slots.includes(from)) return true;
    if (i === writer && inPlace.some((pair) => pair[0] === from && pair[1] === to)) {
      return slots.filter((slot) => slot === from).length === 1;
    }
    if (i > writer || (nest === null && i === writer)) return false;
    if (nest !== null && i === writer) return readsWhereItWrites(nest, from, to);
    // In earlier calls, chunks must access only their own rows.
    if (step.chunks === 1) return true;
    if (step.rows === null) return false;
    if (nest === null) return rows.includes(from);
    const size = sizeOf(lowered.buffers[from].shape);
    return accessesOf(nest, from).every((access) =>
      isLocal(nest.nest, access, step.rows!.count, size)
    );
  });
}

/** The accesses of a nest to a buffer. */
function accessesOf({ nest, buffers }: NestTask, buffer: number): Access[] {
  const loads = nest.nodes.flatMap((node) => node.kind === "load" ? [node.from] : []);
  const all = [...loads, ...nest.stores.map(({ to }) => to)];
  return all.filter((access) => buffers[access.buffer] === buffer);
}

function roomFor(bytes: number): number {
  return Math.ceil((bytes + SLACK) / 64) * 64;
}

/**
 * Commands as submissions: loops go round while passes are written down, each with the words that it is to
 * read and write in that round.
 *
 * @module
 */
import { type GpuBuffer, type GpuCommands, type GpuComputePass, USAGE } from "./api.ts";
import { type Command, type Dispatch, dispatchesOf, resolve, type Until } from "./commands.ts";
import type { Pipeline, Range, Session } from "./session.ts";
import { basesBytes } from "./wgsl/module.ts";

/** Passes of one submission, at most: a device that computes for seconds is taken for lost. */
const MOST_PASSES = 1024;

/** Rounds of a loop of unknown length between two questions whether it goes on, at most. */
const MOST_ROUNDS = 64;

/** How many different bases passes have at a time, and the bytes of those of one. */
const MOST_SLOTS = 4096;
const SLOT_BYTES = 256;

/** Whether there is a loop in commands of which nobody knows how many rounds it takes at most. */
export function isOpen(commands: readonly Command[]): boolean {
  return commands.some((one) =>
    one.kind !== "dispatch" && (one.kind === "until" && one.most === null || isOpen(one.body))
  );
}

/** How many passes commands are, those of loops counted for all rounds. */
function countPasses(commands: readonly Command[]): number {
  return commands.reduce((sum, one) => {
    if (one.kind === "dispatch") return sum + 1;
    const rounds = one.kind === "repeat" ? one.length : one.most ?? Infinity;
    return sum + (one.body.length === 0 ? 0 : rounds * countPasses(one.body));
  }, 0);
}

/** The bases of the passes of one program: written once as long as all of them have room. */
export class Bases {
  readonly #session: Session;
  readonly #buffer: GpuBuffer;
  /** Bytes of the bases of one pass. */
  readonly #stride: number;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #slots = new Map<string, number>();
  /** How many have been written to the device. */
  #written = 0;
  /** What passes bind. */
  readonly group: object;

  constructor(session: Session, commands: readonly Command[]) {
    const operands = Math.max(...dispatchesOf(commands).map(({ views }) => views.length));
    this.#session = session;
    this.#stride = Math.ceil(basesBytes(operands) / SLOT_BYTES) * SLOT_BYTES;
    const size = Math.min(MOST_SLOTS, countPasses(commands)) * this.#stride;
    this.#words = new Uint32Array(size / 4);
    this.#buffer = session.newBuffer(size, USAGE.uniform | USAGE.copyDst);
    this.group = session.basesOf(this.#buffer, this.#stride);
  }

  /** Where these bases are, in bytes; `null` where there is no room until all that was recorded is submitted. */
  offsetOf(bases: readonly number[]): number | null {
    const key = bases.join();
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#slots.size;
      if (slot * this.#stride === this.#words.byteLength) return null;
      this.#slots.set(key, slot);
      const first = slot * this.#stride / 4;
      this.#words.fill(0, first, first + this.#stride / 4);
      this.#words.set(bases, first);
    }
    return slot * this.#stride;
  }

  /** Writes what is new to the device. */
  write(): void {
    const { size } = this.#slots;
    if (size === this.#written) return;
    const words = this.#stride / 4;
    this.#session.device.queue.writeBuffer(
      this.#buffer,
      this.#written * this.#stride,
      this.#words.subarray(this.#written * words, size * words),
    );
    this.#written = size;
  }

  /** Makes room for others. */
  clear(): void {
    this.#slots.clear();
    this.#written = 0;
  }
}

/** What a recorder needs to know of the program. */
export interface Recording {
  readonly session: Session;
  readonly pipelineOf: (dispatch: Dispatch) => Pipeline;
  /** Where each memory is. */
  readonly rangeOf: (memory: number) => Range;
  /** The bases of a pass whose operands do not move. */
  readonly fixedBases: (operands: number) => object;
  /** Those of all others. */
  readonly bases: () => Bases;
  /** The table of counts. */
  readonly table: GpuBuffer | null;
  /** The first word of a memory, once everything that was submitted is done. */
  readonly read: (memory: number) => number;
}

/** Writes commands down and submits them. */
export class Recorder {
  readonly #recording: Recording;
  readonly #groups = new Map<Dispatch, Map<string, object>>();
  #commands: GpuCommands | null = null;
  #pass: GpuComputePass | null = null;
  #count = 0;
  #usesBases = false;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** What is written outside of passes goes here. */
  get commands(): GpuCommands {
    this.#pass?.end();
    this.#pass = null;
    return this.#commands ??= this.#recording.session.device.createCommandEncoder();
  }

  /** Submits what was recorded. */
  submit(): void {
    if (this.#commands === null) return;
    if (this.#usesBases) this.#recording.bases().write();
    this.#usesBases = false;
    this.#recording.session.device.queue.submit([this.commands.finish()]);
    this.#commands = null;
    this.#count = 0;
  }

  /** Records commands, given the rounds of the loops around them. */
  record(commands: readonly Command[], rounds: number[] = []): void {
    for (const command of commands) {
      switch (command.kind) {
        case "dispatch":
          this.#dispatch(command, rounds);
          break;
        case "repeat":
          for (let round = 0; round < command.length; round++) {
            rounds[command.loop] = round;
            this.record(command.body, rounds);
          }
          break;
        case "until":
          this.#until(command, rounds);
      }
    }
  }

  /** Records ever more rounds of a loop, and asks whether it goes on; where nobody can wait, as many as there can be. */
  #until({ loop, body, state, most }: Until, rounds: number[]): void {
    const last = most ?? Infinity;
    let end = this.#recording.session.readsAtOnce ? 1 : last;
    for (let round = 0; round < last; end = Math.min(last, end + Math.min(end, MOST_ROUNDS))) {
      for (; round < end; round++) {
        rounds[loop] = round;
        this.record(body, rounds);
      }
      if (end === last) return;
      this.submit();
      if (this.#recording.read(state) === 0) return;
    }
  }

  #dispatch(dispatch: Dispatch, rounds: readonly number[]): void {
    const { session, pipelineOf, rangeOf, fixedBases, bases, table } = this.#recording;
    const { views, workgroups, entry } = dispatch;
    const words = views.map((view) => resolve(view, rounds));
    const moves = words.some(({ base }) => base !== 0);
    let offset = 0;
    if (moves) {
      const own = words.map(({ base }) => base);
      let found = bases().offsetOf(own);
      if (found === null) {
        this.submit();
        bases().clear();
        found = bases().offsetOf(own);
      }
      offset = found!;
      this.#usesBases = true;
    }
    if (this.#count++ === MOST_PASSES) this.submit();
    const pipeline = pipelineOf(dispatch);
    const pass = this.#pass ??= this.commands.beginComputePass();
    const key = words.map(({ memory }) => memory).join();
    let groups = this.#groups.get(dispatch);
    if (groups === undefined) this.#groups.set(dispatch, groups = new Map());
    let group = groups.get(key);
    if (group === undefined) {
      group = session.groupOf(pipeline, words.map(({ memory }) => rangeOf(memory)));
      groups.set(key, group);
    }
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, group);
    pass.setBindGroup(1, moves ? bases().group : fixedBases(views.length), [offset]);
    if (entry === null) pass.dispatchWorkgroups(...workgroups);
    else pass.dispatchWorkgroupsIndirect(table!, 12 * entry);
  }
}

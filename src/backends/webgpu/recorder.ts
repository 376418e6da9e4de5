/**
 * Records commands into submissions: loops are unrolled while passes are recorded, and each pass gets the
 * words that it reads and writes in its round.
 *
 * @module
 */
import { type GpuBuffer, type GpuCommands, type GpuComputePass, USAGE } from "./api.ts";
import { type Command, type Dispatch, dispatchesOf, resolve, type Until } from "./commands.ts";
import type { Pipeline, Range, Session } from "./session.ts";
import type { PassTimes } from "./timing.ts";
import { basesBytes } from "./wgsl/module.ts";

/** The maximum number of passes of one submission: a device that computes for seconds is treated as lost. */
const MOST_PASSES = 1024;

/** The maximum number of rounds of a loop of unknown length between two tests whether it continues. */
const MOST_ROUNDS = 64;

/** The maximum number of different bases of passes at a time, and the size of those of one pass in bytes. */
const MOST_SLOTS = 4096;
const SLOT_BYTES = 256;

/** Whether commands contain a loop without a known maximum number of rounds. */
export function isOpen(commands: readonly Command[]): boolean {
  return commands.some((one) =>
    one.kind !== "dispatch" && (one.kind === "until" && one.most === null || isOpen(one.body))
  );
}

/** The number of passes of commands, including all rounds of loops. */
function countPasses(commands: readonly Command[]): number {
  return commands.reduce((sum, one) => {
    if (one.kind === "dispatch") return sum + 1;
    const rounds = one.kind === "repeat" ? one.length : one.most ?? Infinity;
    return sum + (one.body.length === 0 ? 0 : rounds * countPasses(one.body));
  }, 0);
}

/** The bases of the passes of one program: written once as long as there is room for all of them. */
export class Bases {
  readonly #session: Session;
  readonly #buffer: GpuBuffer;
  /** The size of the bases of one pass in bytes. */
  readonly #stride: number;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #slots = new Map<string, number>();
  /** The number of bases that have been written to the device. */
  #written = 0;
  /** The bind group for passes. */
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

  /**
   * The offset of these bases in bytes; `null` if there is no room until all recorded passes are submitted.
   */
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

  /** Writes new bases to the device. */
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

  /** Removes all bases to make room for others. */
  clear(): void {
    this.#slots.clear();
    this.#written = 0;
  }
}

/** Information about the program for a recorder. */
export interface Recording {
  readonly session: Session;
  readonly pipelineOf: (dispatch: Dispatch) => Pipeline;
  /** The location of each memory. */
  readonly rangeOf: (memory: number) => Range;
  /** The bases of a pass whose operands have fixed locations. */
  readonly fixedBases: (operands: number) => object;
  /** The bases of all other passes. */
  readonly bases: () => Bases;
  /** The table of counts. */
  readonly table: GpuBuffer | null;
  /** Measures the passes, if they are measured. */
  readonly times: PassTimes | null;
  /** The first word of a memory, once all submitted work is done. */
  readonly read: (memory: number) => number;
}

/** Records commands and submits them. */
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

  /** The encoder for commands outside passes. */
  get commands(): GpuCommands {
    this.#pass?.end();
    this.#pass = null;
    return this.#commands ??= this.#recording.session.device.createCommandEncoder();
  }

  /** Submits the recorded commands. */
  submit(): void {
    if (this.#commands === null) return;
    if (this.#usesBases) this.#recording.bases().write();
    this.#usesBases = false;
    const { session, times } = this.#recording;
    if (times !== null) times.submit(this.commands);
    else session.device.queue.submit([this.commands.finish()]);
    this.#commands = null;
    this.#count = 0;
  }

  /** Records commands for the given rounds of the enclosing loops. */
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

  /**
   * Records more and more rounds of a loop, and tests whether it continues; where the runtime cannot wait,
   * records the maximum number of rounds.
   */
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
    const { session, pipelineOf, rangeOf, fixedBases, bases, table, times } = this.#recording;
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
    const pass = times?.begin(this.commands, dispatch) ??
      (this.#pass ??= this.commands.beginComputePass());
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
    if (times === null) return;
    pass.end();
    if (times.isFull) this.submit();
  }
}

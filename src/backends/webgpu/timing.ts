/**
 * The times of passes, for profiles: by the device's clock where it has one, otherwise from the submission of
 * each pass to its end.
 *
 * @module
 */
import type { Part } from "../../core/timeline.ts";
import { type GpuBuffer, type GpuCommands, type GpuComputePass, USAGE } from "./api.ts";
import type { Dispatch } from "./commands.ts";
import { readNow } from "./reading.ts";
import type { Session } from "./session.ts";

/** The beginning of error messages. */
const TIMING = "Cannot measure the time of a pass";

/** The maximum number of passes that are measured in one submission, each by two timestamps of 8 bytes. */
const MOST_TIMED = 1024;
const TIME_BYTES = 8;

/** How long the clock is compared with the processor's, in milliseconds. */
const COMPARED = 20;

/** How passes of a device are measured. */
interface Clock {
  /** The timestamps; `null` if the device has none. */
  readonly queries: object | null;
  /** The buffer that is read to wait for passes, and contains the timestamps. */
  readonly buffer: GpuBuffer;
  /** Nanoseconds per tick of the timestamps. */
  readonly tick: number;
}

const clocks = new WeakMap<Session, Clock>();

function clockOf(session: Session): Clock {
  let clock = clocks.get(session);
  if (clock === undefined) clocks.set(session, clock = openClock(session));
  return clock;
}

function openClock(session: Session): Clock {
  const { device } = session;
  const usage = USAGE.queryResolve | USAGE.copySrc;
  const buffer = session.newBuffer(2 * MOST_TIMED * TIME_BYTES, usage);
  const none: Clock = { queries: null, buffer, tick: 1 };
  if (!device.features.has("timestamp-query") || device.createQuerySet === undefined) return none;
  const queries = device.createQuerySet({ type: "timestamp", count: 2 * MOST_TIMED });
  const clock = { ...none, queries };
  // WebGPU has nanoseconds, but some runtimes return the ticks of the device.
  const [ticks, start] = readClock(session, clock);
  while (performance.now() < start + COMPARED);
  const [later, end] = readClock(session, clock);
  const tick = 1e6 * (end - start) / Number(later - ticks);
  if (!(tick > 0 && tick < Infinity)) return none;
  return Math.abs(tick - 1) < 0.25 ? clock : { ...clock, tick };
}

/** The time at the end of an empty pass by the device's clock, and by the processor's once it is known. */
function readClock(session: Session, clock: Clock): readonly [ticks: bigint, milliseconds: number] {
  const commands = session.device.createCommandEncoder();
  begin(commands, clock, 0).end();
  return [submit(session, commands, clock, 1)[1], performance.now()];
}

/** Begins a pass, with timestamps if there are any. */
function begin(commands: GpuCommands, { queries }: Clock, pass: number): GpuComputePass {
  if (queries === null) return commands.beginComputePass();
  const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [2 * pass, 2 * pass + 1];
  return commands.beginComputePass({
    timestampWrites: { querySet: queries, beginningOfPassWriteIndex, endOfPassWriteIndex },
  });
}

/** Submits passes and waits for them; returns the beginning and the end of each, in ticks. */
function submit(
  session: Session,
  commands: GpuCommands,
  { queries, buffer }: Clock,
  passes: number,
): BigUint64Array {
  if (queries !== null) commands.resolveQuerySet(queries, 0, 2 * passes, buffer, 0);
  session.device.queue.submit([commands.finish()]);
  const size = 2 * passes * TIME_BYTES;
  return new BigUint64Array(readNow(session, [{ buffer, start: 0, size }], TIMING)[0]);
}

/** Measures the passes of a run. The runtime must be able to wait for the device. */
export class PassTimes {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #recorded: Dispatch[] = [];
  readonly #totals = new Map<Dispatch, { runs: number; duration: number }>();

  constructor(session: Session) {
    this.#session = session;
    this.#clock = clockOf(session);
  }

  /** Begins a measured pass. */
  begin(commands: GpuCommands, dispatch: Dispatch): GpuComputePass {
    return begin(commands, this.#clock, this.#recorded.push(dispatch) - 1);
  }

  /** Whether the recorded passes must be submitted before another one can be measured. */
  get isFull(): boolean {
    return this.#recorded.length === (this.#clock.queries === null ? 1 : MOST_TIMED);
  }

  /** Submits commands and waits until their passes are done. */
  submit(commands: GpuCommands): void {
    const { queries, tick } = this.#clock;
    const passes = this.#recorded.splice(0);
    if (passes.length === 0) return this.#session.device.queue.submit([commands.finish()]);
    const start = performance.now();
    const ticks = submit(this.#session, commands, this.#clock, passes.length);
    const duration = performance.now() - start;
    passes.forEach((pass, i) => {
      const measured = Number(ticks[2 * i + 1] - ticks[2 * i]) * tick / 1e6;
      this.#add(pass, queries === null ? duration : measured);
    });
  }

  #add(pass: Dispatch, milliseconds: number): void {
    const total = this.#totals.get(pass) ?? { runs: 0, duration: 0 };
    total.runs++;
    total.duration += Math.max(0, milliseconds);
    this.#totals.set(pass, total);
  }

  /** The measured passes, in the order of their first runs. */
  get parts(): readonly Part[] {
    return [...this.#totals].map(([{ label }, { runs, duration }]) => {
      const { name, operations = 0, bytes } = label;
      const work = { operations: operations * runs, bytes: bytes * runs };
      return { kind: "kernel", name, ...work, runs, duration, parts: [] };
    });
  }
}

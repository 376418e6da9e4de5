/**
 * Timers in generated code: a clock of the host is read before and after a call, and times are added up in
 * memory. Calls that run often are sampled, since reading the clock may take longer than they do.
 *
 * @module
 */
import type { Code } from "../assembler/code.ts";
import type { Expression, Global } from "../assembler/expression.ts";
import type { FunctionReference, Module } from "../assembler/module.ts";
import { f64, i32, i64 } from "../assembler/operations.ts";

/** The number of first runs that are all measured. */
const FIRST = 256;

/** After these, one of so many is measured and counts for all of them: a prime, since loops are periodic. */
const EVERY = 61;

/** The size of a timer in memory: the number of runs, then their nanoseconds as a 64-bit integer. */
const TIMER_BYTES = 16;
const TIME_OFFSET = 8;

/** The number of the timer that measures the time of reading the clock, and how often it does. */
const IDLE = 0;
const IDLE_RUNS = 128;
const IDLE_TIMES = 4;

/** The measured runs of one timer. */
export interface Timed {
  readonly runs: number;
  readonly milliseconds: number;
}

/** The timers of a module, which imports `host.clock`: a function that returns milliseconds. */
export class Timers {
  readonly #module: Module;
  readonly #clock: FunctionReference<readonly [], "f64">;
  readonly #begin: FunctionReference<readonly ["i32"], "i32">;
  readonly #end: FunctionReference<readonly ["i32", "f64", "i32"], "none">;
  #count = 1;
  /** The address of the timers, to be set before a run in each thread's instance. */
  readonly base: Global<"i32">;

  constructor(module: Module) {
    this.#module = module;
    this.#clock = module.importFunction("host", "clock", [], "f64");
    this.base = module.global("i32", i32.const(0));
    this.#begin = this.#emitBegin();
    this.#end = this.#emitEnd();
  }

  /** The size of all timers in bytes, 0 if none was made; they must be zero before a run. */
  get bytes(): number {
    return this.#count === 1 ? 0 : this.#count * TIMER_BYTES;
  }

  /** Makes a timer and returns its number. */
  make(): number {
    return this.#count++;
  }

  /** Writes code with the time that it takes added to a timer. */
  write(code: Code, timer: number, body: () => void): void {
    const at = code.let(i32.add(this.base, i32.const(timer * TIMER_BYTES)));
    const weight = code.let(this.#begin.call(at));
    const start = code.local("f64");
    code.if(weight, () => code.set(start, this.#clock.call()));
    body();
    code.if(weight, () => code.do(this.#end.call(at, start, weight)));
  }

  /**
   * Exports a list of steps that measures the time of reading the clock; timers are `offset` bytes behind its
   * first argument.
   */
  exportIdle(name: string, offset: number): void {
    const parameters = ["i32", "i32", "i32"] as const;
    const run = this.#module.function(name, parameters, "none", (code, table) => {
      code.set(this.base, i32.add(table, i32.const(offset)));
      code.for({ below: IDLE_RUNS }, () => this.write(code, IDLE, () => {}));
    });
    this.#module.export(name, run);
  }

  /** Counts a run, and returns for how many runs its time counts: 0 if it is not measured. */
  #emitBegin(): FunctionReference<readonly ["i32"], "i32"> {
    return this.#module.function("begin timer", ["i32"], "i32", (code, at) => {
      const run = code.let(i32.atomicRmwAdd(at, i32.const(1)));
      code.if(i32.ltU(run, i32.const(FIRST)), () => code.return(i32.const(1)));
      code.if(i32.remU(run, i32.const(EVERY)), () => code.return(i32.const(0)));
      return i32.const(EVERY);
    });
  }

  #emitEnd(): FunctionReference<readonly ["i32", "f64", "i32"], "none"> {
    const parameters = ["i32", "f64", "i32"] as const;
    return this.#module.function("end timer", parameters, "none", (code, at, start, weight) => {
      const time: Expression<"f64"> = f64.sub(this.#clock.call(), start);
      const nanoseconds = f64.mul(f64.mul(time, f64.const(1e6)), f64.convertI32U(weight));
      code.drop(i64.atomicRmwAdd(at, i64.truncSatF64U(nanoseconds), { offset: TIME_OFFSET }));
    });
  }
}

/** The timer with this number, of those at the start of `words`. */
function readTimer(words: Uint32Array, timer: number): Timed {
  const first = timer * TIMER_BYTES / 4;
  const time = first + TIME_OFFSET / 4;
  const milliseconds = (words[time] + 2 ** 32 * words[time + 1]) / 1e6;
  return { runs: words[first], milliseconds };
}

/**
 * A function that reads the timers at the start of `words()`, all of which are set to zero. The time of reading the
 * clock is subtracted: the shortest of some calls of `runIdle`, which runs what `exportIdle` has exported.
 */
export function startTimers(
  words: () => Uint32Array,
  runIdle: () => void,
): (timer: number) => Timed {
  let reading = Infinity;
  for (let i = 0; i < IDLE_TIMES; i++) {
    words().fill(0);
    runIdle();
    const { runs, milliseconds } = readTimer(words(), IDLE);
    reading = Math.min(reading, milliseconds / runs);
  }
  words().fill(0);
  return (timer) => {
    const { runs, milliseconds } = readTimer(words(), timer);
    return { runs, milliseconds: Math.max(0, milliseconds - runs * reading) };
  };
}

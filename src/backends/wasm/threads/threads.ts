/**
 * Runs programs on all cores. The main thread opens a gate in shared memory. Workers that are awake enter
 * and take chunks, and the main thread does the remaining ones.
 *
 * Only workers that have entered count: a worker that is still starting, or has died, is never waited for.
 * Workers are started by the first run that needs them and never keep a script from ending.
 *
 * @module
 */
import { describeValue } from "../../../base/dtype.ts";
import { argumentError, internalError } from "../../../base/errors.ts";
import { readOptions } from "../../../base/options.ts";
import { canSleep, engine } from "../engine.ts";
import { makeScratch, PAGE } from "../kernels/builder.ts";
import { SCRATCH_BYTES } from "../kernels/kernel.ts";
import { control } from "../schedule/emit_steps.ts";
import type { ProgramMessage } from "./worker.ts";
import { type Crew, findWorkers } from "./workers.ts";

/**
 * Bytes at the start of the linear memory for communication between threads: no buffer may be located there.
 */
export const RESERVED_BYTES = 4096;

/** The maximum number of threads that can run a program, limited by the bits of the gate. */
const MOST_THREADS = 256;

/** The default number of threads, if there are as many cores. */
const USUAL_THREADS = 8;

/** The number of threads with scratch memory, where that is part of the only memory. */
function scratchPlaces(): number {
  return engine().sharedMemory ? USUAL_THREADS : 1;
}

/**
 * The size of the scratch memory of threads in the linear memory, in bytes; it follows the reserved bytes.
 */
export function scratchBytes(): number {
  return engine().severalMemories ? 0 : scratchPlaces() * SCRATCH_BYTES;
}

/** The start of a thread's scratch memory, if it is in the linear memory. */
function scratchPlace(thread: number): number {
  return RESERVED_BYTES + thread * SCRATCH_BYTES;
}

// Estimates: waking a worker takes some microseconds. Compare the groups "shared" of
// `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.

/** How long a worker stays awake after a run, in milliseconds: another run often follows soon. */
const AWAKE = 0.1;

/** How long the main thread waits for a worker that it starts, in milliseconds, approximately. */
const START = 30;

/** The longest time that a worker sleeps before it checks whether it should end, in milliseconds. */
const ASLEEP = 500;

/** The number of dropped programs after which a worker frees their code. */
const COLLECTED_FROM = 64;

/** How many times the main thread checks whether the last workers are done before it sleeps. */
const SPINS = 5000;

/** The address of the control block; no buffer has address zero. */
const CONTROL = 64;

/** The index of the 32-bit word at an address of the control block. */
function controlWord(offset: number): number {
  return (CONTROL + offset) / 4;
}

/** Indices of 32-bit words: those that all threads watch are in separate cache lines. */
const words = {
  gate: 256,
  sleepers: 272,
  left: 288,
  failed: 304,
  program: 305,
  function: 306,
  table: 307,
  textLength: 308,
} as const;

/** The address of the error message of a failed worker. */
const TEXT = 2048;

/** Options for running programs on threads. */
export interface ThreadOptions {
  /**
   * The number of threads that run a program, including the main thread: 1 to 256. Engines without multiple
   * memories use at most 8. With 1, no worker is ever started.
   */
  readonly threads?: number;
}

let threads: number | undefined;
/** Whether the number was set explicitly. */
let isConfigured = false;

/**
 * Sets the number of threads that run compiled programs, from the next large one on. By default, there are
 * as many threads as the machine has cores, but at most 8. They are started one by one, as long as the work
 * makes up for the start. Results are bitwise the same for any number of threads.
 */
export function configureThreads(options: ThreadOptions): void {
  const { threads: number } = readOptions("Cannot configure threads", options, ["threads"]);
  if (number === undefined) return;
  if (!Number.isInteger(number) || number < 1 || number > MOST_THREADS) {
    throw argumentError(
      `Cannot configure threads: threads must be an integer from 1 to ${MOST_THREADS}, got ${
        describeValue(number)
      }`,
    );
  }
  threads = number;
  isConfigured = true;
}

/** The number of threads that run compiled programs, if they are available. */
export function threadCount(): number {
  threads ??= Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, USUAL_THREADS);
  return engine().severalMemories ? threads : Math.min(threads, scratchPlaces());
}

/** The number of threads that run compiled programs here: one if memory cannot be shared with workers. */
export function usableThreads(): number {
  return engine().sharedMemory && findWorkers() !== undefined ? threadCount() : 1;
}

/** An exported function of the module. */
type StepsFunction = (table: number, control: number, threads: number) => void;

let mainScratch: WebAssembly.Memory | number | undefined;

/** The scratch memory of the main thread. */
function scratchOfMain(): WebAssembly.Memory | number {
  return mainScratch ??= makeScratch(scratchPlace(0));
}

/** The workers that share a memory. */
class Pool {
  readonly #words: Int32Array;
  /** The started workers. */
  readonly workers: Crew[] = [];
  /** For each worker, the programs that were sent to it and have been dropped since. */
  readonly #dropped: number[][] = [];
  /** Milliseconds of work that one more worker could have shared, since the last one was started. */
  spent = 0;
  #broken = false;
  #run = 0;
  readonly #canSleep = canSleep();

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, RESERVED_BYTES / 4);
    Atomics.store(this.#words, words.gate, 0);
  }

  /** Whether there are fewer workers than `count` and more can be started. */
  lacks(count: number): boolean {
    return this.workers.length < count && !this.#broken;
  }

  /** Sends a program to the workers from number `first` on. */
  teach(program: number, module: WebAssembly.Module, first: number): void {
    for (let i = first; i < this.workers.length; i++) {
      const message: ProgramMessage = { program, module, dropped: this.#dropped[i] ?? [] };
      this.workers[i].postMessage(message);
      this.#dropped[i] = [];
    }
  }

  /** Makes the first `count` workers drop a program when they receive the next one. */
  drop(program: number, count: number): void {
    for (let i = 0; i < count; i++) (this.#dropped[i] ??= []).push(program);
  }

  /** Starts one more worker. */
  start(memory: WebAssembly.Memory): void {
    try {
      this.workers.push(this.#makeWorker(memory));
      this.spent = 0;
    } catch {
      // No workers here, or no more: programs run with the existing ones.
      this.#broken = true;
    }
  }

  #makeWorker(memory: WebAssembly.Memory): Crew {
    const start = findWorkers();
    if (start === undefined) throw internalError("Cannot start a worker: there are none");
    return start({
      memory,
      scratch: engine().severalMemories ? null : scratchPlace(this.workers.length + 1),
      scratchPages: SCRATCH_BYTES / PAGE,
      control: CONTROL,
      done: controlWord(control.done),
      words,
      text: TEXT,
      textBytes: RESERVED_BYTES - TEXT,
      collectedFrom: COLLECTED_FROM,
      awake: AWAKE,
      asleep: ASLEEP,
    });
  }

  /** Runs a function on this thread and on up to `workers` workers. */
  run(run: StepsFunction, workers: number, program: number, index: number, table: number): void {
    const shared = this.#words;
    for (const offset of [control.taken, control.done, control.sleepers]) {
      Atomics.store(shared, controlWord(offset), 0);
    }
    Atomics.store(shared, words.left, 0);
    Atomics.store(shared, words.failed, 0);
    Atomics.store(shared, words.program, program);
    Atomics.store(shared, words.function, index);
    Atomics.store(shared, words.table, table);
    this.#run = (this.#run + 1) & 0x7fff;
    const closed = this.#run << 16;
    Atomics.store(shared, words.gate, closed | workers << 8);
    if (Atomics.load(shared, words.sleepers) > 0) Atomics.notify(shared, words.gate, workers);
    let error: unknown;
    try {
      run(table, CONTROL, this.#canSleep ? workers + 1 : -workers - 1);
    } catch (thrown) {
      error = thrown;
      Atomics.or(shared, controlWord(control.done), -(2 ** 31));
      Atomics.notify(shared, controlWord(control.done));
    }
    this.#leave(closed);
    if (Atomics.load(shared, words.failed) > 0) error ??= this.#readFailure();
    if (error !== undefined) throw error;
  }

  /** Closes the gate and waits until all workers that entered have left. */
  #leave(closed: number): void {
    const shared = this.#words;
    const entered = Atomics.exchange(shared, words.gate, closed) & 0xff;
    for (let spins = 0;; spins++) {
      const left = Atomics.load(shared, words.left);
      if (left === entered) return;
      if (spins >= SPINS && this.#canSleep) Atomics.wait(shared, words.left, left);
    }
  }

  /** The error message of the first worker that failed. */
  #readFailure(): string {
    const bytes = new Uint8Array(this.#words.buffer, TEXT, this.#words[words.textLength]);
    // Text can only be decoded from memory that is not shared.
    return new TextDecoder().decode(bytes.slice());
  }
}

const pools = new WeakMap<WebAssembly.Memory, Pool>();

/** Ends the workers of memories that are not used any more. It must not reference anything else. */
const forgottenMemories = new FinalizationRegistry<readonly Crew[]>((workers) => {
  for (const worker of workers) worker.terminate();
});

/** The pool of a memory; none if the memory cannot be shared. */
function poolOf(memory: WebAssembly.Memory): Pool | undefined {
  const known = pools.get(memory);
  if (known !== undefined) return known;
  const { buffer } = memory;
  if (!engine().sharedMemory || !(buffer instanceof SharedArrayBuffer)) return undefined;
  const pool = new Pool(buffer);
  pools.set(memory, pool);
  forgottenMemories.register(memory, pool.workers);
  return pool;
}

let programs = 0;

/** The code of an executable, until it is dropped. */
interface Code {
  readonly module: WebAssembly.Module;
  readonly functions: ReadonlyMap<string, { readonly run: StepsFunction; readonly index: number }>;
}

/** A compiled module whose functions are lists of steps: see `emitSteps`. */
export class Executable {
  readonly #program = programs++;
  readonly #memory: WebAssembly.Memory;
  readonly #pool: Pool | undefined;
  #code: Code | null;
  /** The number of workers that the program was sent to. */
  #told = 0;

  /**
   * Compiles a module and instantiates it on the main thread.
   *
   * @param bytes The module; it imports `host.memory` and `host.scratch`, and `host.clock` if it has timers.
   * @param memory The memory of all buffers; its first `RESERVED_BYTES` belong to the runtime.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#pool = poolOf(memory);
    const module = new WebAssembly.Module(bytes);
    const scratch = scratchOfMain();
    const clock = (): number => performance.now();
    const { exports } = new WebAssembly.Instance(module, { host: { memory, scratch, clock } });
    const functions = WebAssembly.Module.exports(module).flatMap(({ name, kind }, index) =>
      kind === "function" ? [[name, { run: exports[name] as StepsFunction, index }] as const] : []
    );
    this.#code = { module, functions: new Map(functions) };
  }

  /**
   * Runs a list of steps to its end.
   *
   * @param name The name of its export.
   * @param table The address of the table of addresses.
   * @param parallel Whether it is worth running on all threads.
   */
  run(name: string, table: number, parallel: boolean): void {
    const found = this.#code?.functions.get(name);
    if (found === undefined) throw internalError(`Cannot run ${name}: there is no such function`);
    const { run, index } = found;
    const wanted = threadCount() - 1;
    const pool = parallel && wanted > 0 ? this.#pool : undefined;
    if (pool !== undefined) this.#prepareWorkers(pool, wanted);
    const workers = Math.min(wanted, pool?.workers.length ?? 0);
    const begin = pool?.lacks(wanted) ? performance.now() : undefined;
    try {
      if (pool === undefined || workers === 0) run(table, CONTROL, 1);
      else pool.run(run, workers, this.#program, index, table);
    } catch (error) {
      throw internalError(`Cannot finish ${name}: ${error}`);
    }
    if (pool !== undefined && begin !== undefined) pool.spent += performance.now() - begin;
  }

  /** Starts workers if that pays off, and sends the program to all workers. */
  #prepareWorkers(pool: Pool, wanted: number): void {
    while (pool.lacks(wanted) && (isConfigured || pool.spent > START)) pool.start(this.#memory);
    const count = pool.workers.length;
    if (this.#told === count) return;
    // Any worker may enter, even if there are more than needed.
    pool.teach(this.#program, this.#code!.module, this.#told);
    this.#told = count;
  }

  /** Releases the code, here and in all workers: it cannot run any more. */
  drop(): void {
    this.#code = null;
    this.#pool?.drop(this.#program, this.#told);
    this.#told = 0;
  }
}

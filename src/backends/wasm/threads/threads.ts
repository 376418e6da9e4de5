/**
 * Programs that run on all cores: the main thread opens a gate in shared memory, workers that are
 * awake step in and take chunks, and the main thread does whatever they leave.
 *
 * Only workers that have stepped in count: one that is still starting, or has died, is never waited
 * for. Workers are started by the first run that wants them and never keep a script from ending.
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

/** Bytes at the start of the linear memory that threads speak through: no buffer may lie there. */
export const RESERVED_BYTES = 4096;

/** The most threads that can run a program: what the gate has room for. */
const MOST_THREADS = 256;

/** How many threads there are where nothing else is said, if there are as many cores. */
const USUAL_THREADS = 8;

/** The threads that have a place for their scratch where it lies in the one memory that there is. */
function scratchPlaces(): number {
  return engine().sharedMemory ? USUAL_THREADS : 1;
}

/** Bytes of the linear memory, behind those of the runtime, that are the scratch of its threads. */
export function scratchBytes(): number {
  return engine().severalMemories ? 0 : scratchPlaces() * SCRATCH_BYTES;
}

/** Where the scratch of a thread begins, if it lies in the linear memory. */
function scratchPlace(thread: number): number {
  return RESERVED_BYTES + thread * SCRATCH_BYTES;
}

// Estimates: waking a worker takes some microseconds. Compare the groups "shared" of
// `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.

/** How long a worker stays awake after a run, in milliseconds: the next one often follows soon. */
const AWAKE = 0.1;

/** How long the main thread waits for a worker that it starts, about, in milliseconds. */
const START = 30;

/** How long a worker sleeps at most before it looks whether it should end, in milliseconds. */
const ASLEEP = 500;

/** From how many dropped programs on a worker frees their code. */
const COLLECTED_FROM = 64;

/** How often the main thread looks whether the last workers are done before it sleeps. */
const SPINS = 5000;

/** The address of the control block; null is nobody's address. */
const CONTROL = 64;

/** The index of the 32-bit word at an address of the control block. */
function controlWord(offset: number): number {
  return (CONTROL + offset) / 4;
}

/** Indices of 32-bit words: those that all threads watch stand on cache lines of their own. */
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

/** The address of what a failing worker has to say. */
const TEXT = 2048;

/** How programs are run on threads. */
export interface ThreadOptions {
  /**
   * How many threads run a program, the main thread included: 1 to 256, of which an engine without
   * several memories uses 8. With 1, no worker is ever started.
   */
  readonly threads?: number;
}

let threads: number | undefined;
/** Whether the number was asked for. */
let isConfigured = false;

/**
 * Chooses how many threads run compiled programs, from the next large one on. Left alone, there are
 * as many as the machine has cores, and 8 at most, started one by one as long as there is so much to
 * compute that starting them pays. Results are the same, bit for bit, for any number.
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

/** How many threads run compiled programs, if they can be had. */
export function threadCount(): number {
  threads ??= Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, USUAL_THREADS);
  return engine().severalMemories ? threads : Math.min(threads, scratchPlaces());
}

/** How many threads run compiled programs here: one, where memory cannot be shared with workers. */
export function usableThreads(): number {
  return engine().sharedMemory && findWorkers() !== undefined ? threadCount() : 1;
}

/** An exported function of the module. */
type StepsFunction = (table: number, control: number, threads: number) => void;

let mainScratch: WebAssembly.Memory | number | undefined;

/** The scratch of the main thread. */
function scratchOfMain(): WebAssembly.Memory | number {
  return mainScratch ??= makeScratch(scratchPlace(0));
}

/** The workers that share a memory. */
class Pool {
  readonly #words: Int32Array;
  /** Those that have been started. */
  readonly workers: Crew[] = [];
  /** For each worker, the programs that it knows and that do not run any more. */
  readonly #dropped: number[][] = [];
  /** Milliseconds spent on what another worker could have shared, since the last one was started. */
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

  /** Has the workers from number `first` on know a program. */
  teach(program: number, module: WebAssembly.Module, first: number): void {
    for (let i = first; i < this.workers.length; i++) {
      const message: ProgramMessage = { program, module, dropped: this.#dropped[i] ?? [] };
      this.workers[i].postMessage(message);
      this.#dropped[i] = [];
    }
  }

  /** Has the first `count` workers forget a program, as soon as they learn another one. */
  drop(program: number, count: number): void {
    for (let i = 0; i < count; i++) (this.#dropped[i] ??= []).push(program);
  }

  /** Starts one more worker. */
  start(memory: WebAssembly.Memory): void {
    try {
      this.workers.push(this.#makeWorker(memory));
      this.spent = 0;
    } catch {
      // No workers here, or no more: programs run with those that there are.
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

  /** Runs a function here and in up to `workers` workers. */
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

  /** Closes the gate and waits until all who came in have left. */
  #leave(closed: number): void {
    const shared = this.#words;
    const entered = Atomics.exchange(shared, words.gate, closed) & 0xff;
    for (let spins = 0;; spins++) {
      const left = Atomics.load(shared, words.left);
      if (left === entered) return;
      if (spins >= SPINS && this.#canSleep) Atomics.wait(shared, words.left, left);
    }
  }

  /** What the first worker that failed has left behind. */
  #readFailure(): string {
    const bytes = new Uint8Array(this.#words.buffer, TEXT, this.#words[words.textLength]);
    // Text is decoded from memory of one's own only.
    return new TextDecoder().decode(bytes.slice());
  }
}

const pools = new WeakMap<WebAssembly.Memory, Pool>();

/** Ends the workers of memories that nobody uses any more. They are all that may be held here. */
const forgottenMemories = new FinalizationRegistry<readonly Crew[]>((workers) => {
  for (const worker of workers) worker.terminate();
});

/** The pool of a memory; none, where it cannot be shared. */
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

/** The code of an executable, as long as it is there. */
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
  /** How many of the pool's workers have been told the program. */
  #told = 0;

  /**
   * Compiles a module and instantiates it on the main thread.
   *
   * @param bytes The module; it imports `host.memory` and `host.scratch`.
   * @param memory The memory of all buffers; its first `RESERVED_BYTES` belong to the runtime.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#pool = poolOf(memory);
    const module = new WebAssembly.Module(bytes);
    const scratch = scratchOfMain();
    const { exports } = new WebAssembly.Instance(module, { host: { memory, scratch } });
    const functions = WebAssembly.Module.exports(module).flatMap(({ name, kind }, index) =>
      kind === "function" ? [[name, { run: exports[name] as StepsFunction, index }] as const] : []
    );
    this.#code = { module, functions: new Map(functions) };
  }

  /**
   * Runs a list of steps to its end.
   *
   * @param name What it is exported as.
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

  /** Starts workers where they pay, and sees to it that all there are know the program. */
  #prepareWorkers(pool: Pool, wanted: number): void {
    while (pool.lacks(wanted) && (isConfigured || pool.spent > START)) pool.start(this.#memory);
    const count = pool.workers.length;
    if (this.#told === count) return;
    // Any of the workers may come, also where there are more than wanted.
    pool.teach(this.#program, this.#code!.module, this.#told);
    this.#told = count;
  }

  /** Lets go of the code, here and in all workers: it cannot run any more. */
  drop(): void {
    this.#code = null;
    this.#pool?.drop(this.#program, this.#told);
    this.#told = 0;
  }
}

/**
 * The code of a worker: waits for runs at the gate, takes part in them, and reports failures.
 *
 * @module
 */
/** The data that a worker is started with. */
export interface WorkerData {
  /** The memory of all buffers. */
  readonly memory: WebAssembly.Memory;
  /** The start of this worker's scratch memory in that memory; `null` if it has a separate memory. */
  readonly scratch: number | null;
  /** The size of a separate scratch memory in pages. */
  readonly scratchPages: number;
  /** The address of the control block of lists of steps. */
  readonly control: number;
  /** The offset in the control block of the number of chunks that are done. */
  readonly done: number;
  /** The words for communication between the main thread and the workers. */
  readonly words: Words;
  /** The address for the message of a failed worker, with room for `textBytes` bytes. */
  readonly text: number;
  /** The maximum length of that message in bytes. */
  readonly textBytes: number;
  /** The number of dropped programs after which garbage is collected. */
  readonly collectedFrom: number;
  /** How long a worker stays awake between runs, in milliseconds. */
  readonly awake: number;
  /** The longest time that it sleeps before it handles messages, in milliseconds. */
  readonly asleep: number;
}

/** The words for communication between the main thread and the workers: indices of 32-bit words. */
export interface Words {
  /**
   * The number of the run, 15 bits; how many workers may take part, 8 bits, 0 while the gate is closed; how
   * many have entered, 8 bits.
   */
  readonly gate: number;
  /** The number of workers that sleep until the gate changes. */
  readonly sleepers: number;
  /** The number of workers that have finished their part of the run. */
  readonly left: number;
  /** The number of workers that have failed in the run. */
  readonly failed: number;
  /** The length of the first error message in bytes. */
  readonly textLength: number;
  /** The number of the running program. */
  readonly program: number;
  /** The index of the export to run. */
  readonly function: number;
  /** The address of the table of addresses. */
  readonly table: number;
}

/** A message from the main thread: a program to add, and others to drop. */
export interface ProgramMessage {
  /** The number of the program. */
  readonly program: number;
  /** Its code. */
  readonly module: WebAssembly.Module;
  /** The numbers of programs that will not run any more. */
  readonly dropped: readonly number[];
}

/**
 * Runs in the worker, passed as text: it uses only its arguments and globals that every runtime has. It
 * stays in its loop, in which it detects a run immediately. It leaves the loop only to receive a program
 * that was not sent to it before and, from time to time, when there is no work. Only then does the worker's
 * event loop turn, in which messages arrive and a terminated worker ends.
 */
export function serve(
  data: WorkerData,
  onMessage: (listener: (message: ProgramMessage) => void) => void,
): void {
  const { memory, words, control, done, awake } = data;
  const shared = new Int32Array(memory.buffer, 0, data.text / 4);
  const scratch = data.scratch ?? new WebAssembly.Memory({ initial: data.scratchPages });
  const programs = new Map<number, readonly WebAssembly.ExportValue[]>();
  /** The number of programs dropped since code was last freed. */
  let unfreed = 0;
  let last = -1;
  let resting = false;

  function read(index: number): number {
    return Atomics.load(shared, index);
  }

  /** Whether the gate admits this worker: a run in which it has already taken part does not count. */
  function isOpen(gate: number): boolean {
    return ((gate >> 8) & 0xff) > (gate & 0xff) && gate >> 16 !== last;
  }

  /** The value of the gate once it is open; undefined after a long sleep. */
  function awaitGate(): number | undefined {
    const limit = performance.now() + awake;
    let gate = read(words.gate);
    for (let i = 1; !isOpen(gate); i++) {
      if (i % 64 === 0 && performance.now() > limit) {
        // A sleeper is counted before the gate is compared, so a thread that opens it before sees the
        // sleeper.
        Atomics.add(shared, words.sleepers, 1);
        const woken = Atomics.wait(shared, words.gate, gate, data.asleep);
        Atomics.sub(shared, words.sleepers, 1);
        // The event loop gets its turn even if the worker is woken again and again by other runs.
        const isLong = performance.now() - limit > data.asleep;
        if (woken === "timed-out" || isLong) return undefined;
      }
      gate = read(words.gate);
    }
    return gate;
  }

  /** A worker produces too little garbage to trigger a collection. */
  function collect(): void {
    try {
      // More than the address space: engines collect all garbage before they fail the allocation.
      new ArrayBuffer(2 ** 48);
    } catch {
      unfreed = 0;
    }
  }

  function learn({ program, module, dropped }: ProgramMessage): void {
    for (const one of dropped) programs.delete(one);
    unfreed += dropped.length;
    if (unfreed >= data.collectedFrom) collect();
    try {
      const clock = (): number => performance.now();
      const { exports } = new WebAssembly.Instance(module, { host: { memory, scratch, clock } });
      programs.set(program, WebAssembly.Module.exports(module).map(({ name }) => exports[name]));
    } catch {
      // Out of memory: this worker takes no part in runs of the program.
      programs.set(program, []);
    }
  }

  function takePart(): void {
    try {
      const run = programs.get(read(words.program))?.[read(words.function)];
      if (typeof run === "function") run(read(words.table), control, 2);
    } catch (error) {
      if (Atomics.add(shared, words.failed, 1) === 0) {
        const text = new TextEncoder().encode(String(error)).subarray(0, data.textBytes);
        new Uint8Array(memory.buffer).set(text, data.text);
        Atomics.store(shared, words.textLength, text.length);
      }
      Atomics.or(shared, done, -(2 ** 31));
      Atomics.notify(shared, done);
    }
  }

  /**
   * Takes part in runs until one needs a program that was not received yet, or none arrives for a long time.
   */
  function work(): void {
    resting = false;
    for (;;) {
      const gate = awaitGate();
      if (gate === undefined) {
        resting = true;
        setTimeout(() => resting && work(), 0);
        return;
      }
      if (!programs.has(read(words.program))) return;
      if (Atomics.compareExchange(shared, words.gate, gate, gate + 1) !== gate) continue;
      last = gate >> 16;
      takePart();
      Atomics.add(shared, words.left, 1);
      Atomics.notify(shared, words.left);
    }
  }

  onMessage((message) => {
    learn(message);
    work();
  });
}

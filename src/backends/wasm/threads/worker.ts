/**
 * What a worker does: waits for runs at the gate, takes part, and reports what fails.
 *
 * @module
 */
/** What a worker is started with. */
export interface WorkerData {
  /** The memory of all buffers. */
  readonly memory: WebAssembly.Memory;
  /** Where this worker's scratch begins in that memory; `null` where it is a memory of its own. */
  readonly scratch: number | null;
  /** The size of such a memory in pages. */
  readonly scratchPages: number;
  /** The address of the control block of lists of steps. */
  readonly control: number;
  /** The word in the control block that counts the chunks that are done. */
  readonly done: number;
  /** Where the words stand that main thread and workers speak through. */
  readonly words: Words;
  /** Where a failing worker leaves its message, for which there are `textBytes`. */
  readonly text: number;
  /** How long that message may be, in bytes. */
  readonly textBytes: number;
  /** From how many dropped programs on garbage is collected. */
  readonly collectedFrom: number;
  /** How long a worker stays awake between runs, in milliseconds. */
  readonly awake: number;
  /** How long it sleeps at most before it sees to messages, in milliseconds. */
  readonly asleep: number;
}

/** Where the words stand that main thread and workers speak through: indices of 32-bit words. */
export interface Words {
  /**
   * The number of the run, 15 bits; how many workers may take part, 8 bits, 0 while it is closed; how
   * many do, 8 bits.
   */
  readonly gate: number;
  /** How many workers sleep until the gate changes. */
  readonly sleepers: number;
  /** How many workers have done their part of the run. */
  readonly left: number;
  /** How many workers have failed in the run. */
  readonly failed: number;
  /** How long the message of the first of them is, in bytes. */
  readonly textLength: number;
  /** The number of the program that runs. */
  readonly program: number;
  /** Which of its exports. */
  readonly function: number;
  /** The address of the table of addresses. */
  readonly table: number;
}

/** What the main thread sends: a program to know, and others to forget. */
export interface ProgramMessage {
  /** The number of the program. */
  readonly program: number;
  /** Its code. */
  readonly module: WebAssembly.Module;
  /** The numbers of programs that do not run any more. */
  readonly dropped: readonly number[];
}

/**
 * Runs in the worker, as text: it uses nothing but its arguments and what every runtime has. It stays
 * in its loop, where it sees a run at once, and leaves it only to receive a program that it does not
 * know and, now and then, when there is nothing to do: only then does the worker's event loop turn,
 * in which messages arrive and a worker that has been terminated ends.
 */
export function serve(
  data: WorkerData,
  onMessage: (listener: (message: ProgramMessage) => void) => void,
): void {
  const { memory, words, control, done, awake } = data;
  const shared = new Int32Array(memory.buffer, 0, data.text / 4);
  const scratch = data.scratch ?? new WebAssembly.Memory({ initial: data.scratchPages });
  const programs = new Map<number, readonly WebAssembly.ExportValue[]>();
  /** How many programs were dropped since their code was freed. */
  let unfreed = 0;
  let last = -1;
  let resting = false;

  function read(index: number): number {
    return Atomics.load(shared, index);
  }

  /** Whether a gate lets this worker in: runs of which it has had its part do not count. */
  function isOpen(gate: number): boolean {
    return ((gate >> 8) & 0xff) > (gate & 0xff) && gate >> 16 !== last;
  }

  /** The gate once it is open; nothing after a long sleep. */
  function awaitGate(): number | undefined {
    const limit = performance.now() + awake;
    let gate = read(words.gate);
    for (let i = 1; !isOpen(gate); i++) {
      if (i % 64 === 0 && performance.now() > limit) {
        // Sleepers are counted before the gate is compared: whoever opens it first sees them then.
        Atomics.add(shared, words.sleepers, 1);
        const woken = Atomics.wait(shared, words.gate, gate, data.asleep);
        Atomics.sub(shared, words.sleepers, 1);
        // Also where others are woken again and again, the event loop has its turn.
        const isLong = performance.now() - limit > data.asleep;
        if (woken === "timed-out" || isLong) return undefined;
      }
      gate = read(words.gate);
    }
    return gate;
  }

  /** A worker makes no garbage of its own that would ever have it collected. */
  function collect(): void {
    try {
      // More than there is: engines collect all garbage before they refuse it.
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
      const { exports } = new WebAssembly.Instance(module, { host: { memory, scratch } });
      programs.set(program, WebAssembly.Module.exports(module).map(({ name }) => exports[name]));
    } catch {
      // Out of memory: this worker leaves all runs of the program to the others.
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

  /** Takes part in runs until one comes whose program is not known, or none for long. */
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

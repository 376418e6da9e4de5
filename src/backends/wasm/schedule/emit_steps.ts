/**
 * Lists of steps as one function that any number of threads run at the same time: each chunk is done by the
 * first thread that takes it, and no step begins before the previous one is done.
 *
 * Chunks are numbered over all steps. A thread takes the next number from a shared counter, waits until all
 * chunks of the earlier steps are done, according to a second counter, and does the chunk. Numbers are taken
 * in order and every taken chunk is finished, so at least one thread can always continue. Threads that never
 * start do not block the others.
 *
 * @module
 */
import { internalError } from "../../../base/errors.ts";
import type { Code } from "../assembler/code.ts";
import type { Effect, Expression, Global, Local } from "../assembler/expression.ts";
import type { FunctionReference, Table } from "../assembler/module.ts";
import { atomicNotify, atomicWait32, f32, f64, i32, i64 } from "../assembler/operations.ts";
import type { Builder, Given, OpenOrder, Order } from "../kernels/kernel.ts";

/** Work that is divided into chunks. */
export interface Step {
  /**
   * The calls for each chunk, in this order: functions of addresses and the chunk's number, with the slots
   * of their addresses.
   */
  readonly calls: readonly { readonly run: FunctionReference; readonly slots: readonly number[] }[];
  /** The number of chunks. */
  readonly chunks: number;
  /** The order that the chunks must keep, if any. */
  readonly order?: Order | null;
  /** Rounds whose number is not known in advance, and the slot that counts them, zero before a run. */
  readonly open?: { readonly order: OpenOrder; readonly counter: number } | null;
}

/**
 * Offsets of the counters in the control block, each in its own cache line. The block must be zero before a
 * run begins.
 */
export const control = {
  /** The number of chunks that have been taken. */
  taken: 0,
  /** The number of chunks that are done; negative once a thread has failed, after which no thread waits. */
  done: 64,
  /** The number of threads that sleep until `done` changes. */
  sleepers: 128,
  /** The size of the block in bytes. */
  bytes: 192,
} as const;

/**
 * How many times a thread checks whether it can continue before it sleeps: about the time that waking takes.
 * It is an estimate: compare the groups "shared" of `deno bench bench/thresholds_bench.ts -- 1` and `-- 2`.
 */
const SPINS = 20_000;

/** A number after the last chunk of every list. */
const BEHIND = i32.const(-1);

const signature = { parameters: ["i32", "i32"], result: "none" } as const;

type StepFunction = FunctionReference<typeof signature.parameters, "none">;

/** The size of each number passed to the program, in bytes. */
export const GIVEN_BYTES = 8;

/**
 * Adds a function, exported under `name`, with three integer parameters: the address of a table of
 * addresses, in which slot `s` is at `4 * s`; the address of a control block; and the number of threads that
 * run the function at the same time with these arguments. That number is negative on a thread that must not
 * sleep, such as the main thread of a web page. A single thread needs no control block. The numbers passed
 * to the program are in the table from byte `givenAt`, timers from byte `timersAt`.
 */
export function emitSteps(
  builder: Builder,
  name: string,
  steps: readonly Step[],
  givenAt: number = 0,
  timersAt: number = 0,
): void {
  const { module } = builder;
  const joined = joinSteps(steps);
  const functions = joined.map((step, i) => emitStep(builder, `${name} ${i}`, step));
  const run = emitRun(builder, name, module.table(functions));
  const parameters = ["i32", "i32", "i32"] as const;
  const awaitStep = builder.once(emitWait);
  const list = module.function(name, parameters, "none", (code, table, block, threads) => {
    for (const given of builder.allGiven) readGiven(code, given, table, givenAt);
    if (builder.timers !== null) {
      code.set(builder.timers.base, i32.add(table, i32.const(timersAt)));
    }
    const next = code.local("i32");
    const several = i32.ne(threads, i32.const(1));
    code.if(several, () => code.set(next, take(block)));
    let base = 0;
    // Chunks of rounds whose number is not known in advance are added.
    const more = joined.some(({ open }) => open) ? code.local("i32") : null;
    const number = (chunk: number): Expression<"i32"> =>
      more === null ? i32.const(chunk) : i32.add(more, i32.const(chunk));
    joined.forEach(({ chunks, order, open }, i) => {
      const end = open ? base : base + chunks;
      const index = i32.const(i);
      const origin = more === null ? number(base) : code.let(number(base));
      const below = number(end);
      const doPart = (from: Expression<"i32">, below: Expression<"i32">): void =>
        code.set(next, run.call(index, origin, from, below, next, table, block, threads));
      if (open) {
        const from = code.let(origin);
        emitOpenRounds(code, open.order, from, doPart, {
          several,
          isFailed: awaitStep.call(block, from, threads),
          counted: i32.load(table, { offset: 4 * open.counter }),
        });
        code.set(more!, i32.sub(from, i32.const(base)));
      } else if (order) emitRounds(code, order, code.let(origin), doPart);
      else doPart(origin, below);
      base = end;
    });
    if (base >= 2 ** 31) throw internalError(`Cannot number ${base} chunks`);
  });
  module.export(name, list);
}

/** Copies a number of this run into this thread's instance of the module. */
function readGiven(
  code: Code,
  { index, variable }: Given,
  table: Local<"i32">,
  givenAt: number,
): void {
  const place = { offset: givenAt + GIVEN_BYTES * index };
  if (variable.type === "f32") code.set(variable as Global<"f32">, f32.load(table, place));
  else if (variable.type === "f64") code.set(variable as Global<"f64">, f64.load(table, place));
  else code.set(variable as Global<"i32">, i32.load(table, place));
}

/** Does the parts of all rounds, each starting with the current number in `from`. */
function emitRounds(
  code: Code,
  { rounds, parts }: Order,
  from: Local<"i32">,
  doPart: (from: Expression<"i32">, below: Expression<"i32">) => void,
): void {
  code.for({ below: rounds }, () => {
    for (const part of parts) {
      if (typeof part !== "number") emitRounds(code, part, from, doPart);
      else {
        const below = i32.add(from, i32.const(part));
        doPart(from, below);
        code.set(from, below);
      }
    }
  });
}

/** Repeats rounds until the counter is less than the number of rounds begun, then does the final chunk. */
function emitOpenRounds(
  code: Code,
  { asked, done }: OpenOrder,
  from: Local<"i32">,
  doPart: (from: Expression<"i32">, below: Expression<"i32">) => void,
  { several, isFailed, counted }: Readonly<
    Record<"several" | "isFailed" | "counted", Expression<"i32">>
  >,
): void {
  const round = code.local("i32");
  code.block((exit) => {
    code.loop((again) => {
      emitRounds(code, { rounds: 1, parts: asked }, from, doPart);
      code.if(several, () => {
        // The counter is valid once all earlier chunks are done.
        code.branchIf(exit, isFailed);
        // Numbers are limited: threads need hours to reach the limit.
        code.if(i32.gtU(from, i32.const(2 ** 30)), () => code.unreachable());
      });
      code.branchIf(exit, i32.leU(counted, round));
      emitRounds(code, { rounds: 1, parts: done }, from, doPart);
      code.set(round, i32.add(round, i32.const(1)));
      code.branch(again);
    });
  });
  emitRounds(code, { rounds: 1, parts: [1] }, from, doPart);
}

/** Consecutive steps of one chunk each become one step: no thread has to wait between them. */
function joinSteps(steps: readonly Step[]): Step[] {
  const joined: (Step & { readonly calls: Step["calls"][number][] })[] = [];
  for (const { calls, chunks, order = null, open = null } of steps) {
    if (chunks === 0 || calls.length === 0) continue;
    const last = joined.at(-1);
    if (last?.chunks === 1 && chunks === 1) last.calls.push(...calls);
    else joined.push({ calls: [...calls], chunks, order, open });
  }
  return joined;
}

/** A function of the table of addresses and the chunk's number. */
function emitStep({ module }: Builder, name: string, { calls, open }: Step): StepFunction {
  const { parameters, result } = signature;
  return module.function(name, parameters, result, (code, table, chunk) => {
    for (const { run, slots } of calls) {
      const addresses = slots.map((slot) => i32.load(table, { offset: 4 * slot }));
      if (open) addresses.push(i32.add(table, i32.const(4 * open.counter)));
      // Typed by the contract of stages; `do` rejects calls that return a result.
      code.do(run.call(...addresses, chunk) as Effect);
    }
  });
}

/** Takes the number of a chunk. */
function take(block: Expression<"i32">): Expression<"i32"> {
  return i32.atomicRmwAdd(block, i32.const(1), { offset: control.taken });
}

/**
 * A function that does this thread's share of a part of a step. Its parameters are the step's index in the
 * table of functions and its first chunk, the part's first chunk and its end, the chunk that the thread has
 * taken, which may be of a later step, and the arguments of the list. It returns the chunk that the thread
 * has taken at the end.
 */
function emitRun(
  builder: Builder,
  name: string,
  functions: Table,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"], "i32"> {
  const { module } = builder;
  const awaitStep = builder.once(emitWait);
  return module.function(
    `${name} step`,
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    "i32",
    (code, index, origin, from, below, first, table, block, threads) => {
      code.if(i32.eq(threads, i32.const(1)), () => {
        code.for({ from: i32.sub(from, origin), below: i32.sub(below, origin) }, (chunk) => {
          code.do(functions.call(signature, index, table, chunk));
        });
        code.return(first);
      });
      const chunk = code.let(first);
      code.if(i32.geU(chunk, below), () => code.return(chunk));
      code.if(awaitStep.call(block, from, threads), () => code.return(BEHIND));
      code.loop((again) => {
        code.do(functions.call(signature, index, table, i32.sub(chunk, origin)));
        const before = i32.atomicRmwAdd(block, i32.const(1), { offset: control.done });
        code.if(i32.eq(i32.add(before, i32.const(1)), below), () => {
          code.if(i32.atomicLoad(block, { offset: control.sleepers }), () => {
            code.drop(atomicNotify(block, i32.const(-1), { offset: control.done }));
          });
        });
        code.set(chunk, take(block));
        code.branchIf(again, i32.ltU(chunk, below));
      });
      return chunk;
    },
  );
}

/**
 * A function of the control block, a number, and the number of threads, negative if this thread must not
 * sleep. It returns as soon as that many chunks are done: 1 if a thread has failed, otherwise 0.
 */
function emitWait({ module }: Builder): FunctionReference<readonly ["i32", "i32", "i32"], "i32"> {
  const parameters = ["i32", "i32", "i32"] as const;
  return module.function("wait for chunks", parameters, "i32", (code, block, number, threads) => {
    const done = code.local("i32");
    const rounds = code.local("i32");
    code.loop((again) => {
      code.set(done, i32.atomicLoad(block, { offset: control.done }));
      code.if(i32.ltS(done, i32.const(0)), () => code.return(i32.const(1)));
      code.if(i32.geS(done, number), () => code.return(i32.const(0)));
      code.set(rounds, i32.add(rounds, i32.const(1)));
      code.branchIf(again, i32.ltU(rounds, i32.const(SPINS)));
      code.branchIf(again, i32.ltS(threads, i32.const(0)));
      // A thread that finishes a step increments `done` before it checks for sleepers. A thread that goes to
      // sleep is counted before the wait instruction checks `done`. So at least one of the two sees the
      // other.
      code.drop(i32.atomicRmwAdd(block, i32.const(1), { offset: control.sleepers }));
      code.drop(atomicWait32(block, done, i64.const(-1), { offset: control.done }));
      code.drop(i32.atomicRmwSub(block, i32.const(1), { offset: control.sleepers }));
      code.branch(again);
    });
    return i32.const(0);
  });
}

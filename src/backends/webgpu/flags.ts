/**
 * The flags in which programs of a device report indices that are out of range. The words of many runs are
 * in one buffer, a board, so one read covers all of them. A board is read only when a result is read or the
 * board is full.
 *
 * @module
 */
import { Check, type Flag } from "../checks.ts";
import { type GpuBuffer, type GpuCommands, USAGE } from "./api.ts";
import { type Part, readLater, readNow } from "./reading.ts";
import type { Session } from "./session.ts";

/** The number of words of a board. */
const WORDS = 1024;

/** The beginning of error messages about checks. */
const DOING = "Cannot tell whether indices were inside of their axes";

/** The maximum number of checks that a value carries before they are joined. */
const MOST = 16;

/** The flags of many runs. */
export class Board {
  readonly buffer: GpuBuffer;
  /** The number of words used by runs, and of those that have been read. */
  used = 0;
  readonly words: number[] = [];

  constructor(buffer: GpuBuffer) {
    this.buffer = buffer;
  }

  /** The part that must be read; null if all words are known. */
  get part(): Part | null {
    const start = this.words.length;
    if (start === this.used) return null;
    return { buffer: this.buffer, start: 4 * start, size: 4 * (this.used - start) };
  }

  /** Stores the words read from a part. */
  learn({ start }: Part, bytes: ArrayBuffer): void {
    new Uint32Array(bytes).forEach((word, i) => this.words[start / 4 + i] = word);
  }
}

/** The flag of one run. */
class RunFlag implements Flag {
  readonly board: Board;
  readonly #flags: Flags;
  readonly #first: number;
  readonly #end: number;

  constructor(flags: Flags, board: Board, first: number, end: number) {
    this.#flags = flags;
    this.board = board;
    this.#first = first;
    this.#end = end;
  }

  peek(): boolean | null {
    if (this.board.words.length < this.#end) return null;
    return this.board.words.slice(this.#first, this.#end).some((word) => word !== 0);
  }

  read(into: Uint8Array): void {
    if (this.peek() === null) this.#flags.readBoard(this.board);
    into[0] = this.peek() ? 1 : 0;
  }

  arrive(): Promise<void> {
    return this.peek() === null ? this.#flags.fetchBoard(this.board) : Promise.resolve();
  }

  delete(): void {}
}

/** The checks of several runs as one check. */
class JoinedFlag implements Flag {
  readonly checks: readonly Check[];

  constructor(checks: readonly Check[]) {
    this.checks = checks;
  }

  peek(): boolean | null {
    return this.checks.every((check) => check.isDone) ? false : null;
  }

  read(into: Uint8Array): void {
    into[0] = 0;
    for (const check of this.checks) {
      try {
        check.verify();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        into[0] = 1;
      }
    }
  }

  async arrive(): Promise<void> {
    for (const check of this.checks) await check.arrive();
  }

  delete(): void {}
}

/** The single checks among these whose result is not known. */
function openOf(checks: Iterable<Check>): Set<Check> {
  const open = new Set<Check>();
  for (const check of checks) {
    if (check.isDone) continue;
    const { flag } = check;
    // Joined checks contain single ones.
    if (flag instanceof JoinedFlag) {
      for (const one of flag.checks) if (!one.isDone) open.add(one);
    } else open.add(check);
  }
  return open;
}

/** The joined checks of a value computed from several values, limited in number. */
export function joinFlags(lists: readonly (readonly Check[])[]): readonly Check[] {
  if (lists.every((list) => list.length === 0)) return [];
  const all = [...new Set(lists.flat())].filter((check) => !check.isDone);
  if (all.length <= MOST) return all;
  return [new Check(new JoinedFlag([...openOf(all)]))];
}

/** The boards of a session. */
export class Flags {
  readonly #session: Session;
  readonly #free: GpuBuffer[] = [];
  #board: Board | null = null;
  /** The active read: there is one at a time. */
  #fetching: Promise<void> = Promise.resolve();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Copies words to a board; returns the check of the run that writes them. */
  keep(
    commands: GpuCommands,
    words: readonly { readonly buffer: GpuBuffer; readonly offset: number }[],
  ): Check {
    let board = this.#board;
    if (board === null || board.used + words.length > WORDS) {
      if (board !== null) this.#finish(board);
      board = this.#board = new Board(
        this.#free.pop() ??
          this.#session.newBuffer(
            4 * Math.max(WORDS, words.length),
            USAGE.copySrc | USAGE.copyDst,
          ),
      );
    }
    const first = board.used;
    for (const { buffer, offset } of words) {
      commands.copyBufferToBuffer(buffer, offset, board.buffer, 4 * board.used++, 4);
    }
    return new Check(new RunFlag(this, board, first, board.used));
  }

  /** The boards that must be read before these checks can be verified without waiting. */
  boardsOf(checks: Iterable<Check>): readonly Board[] {
    const boards = new Set<Board>();
    for (const { flag } of openOf(checks)) {
      if (flag instanceof RunFlag && flag.peek() === null) boards.add(flag.board);
    }
    return [...boards];
  }

  /** Reads a board synchronously. */
  readBoard(board: Board): void {
    const { part } = board;
    if (part !== null) board.learn(part, readNow(this.#session, [part], DOING)[0]);
  }

  /** Reads a board after the reads that are already active. */
  fetchBoard(board: Board): Promise<void> {
    const next = this.#fetching.then(async () => {
      const { part } = board;
      if (part === null) return;
      const [bytes] = await readLater(this.#session, [part], DOING);
      board.learn(part, bytes);
    });
    this.#fetching = next.catch(() => {});
    return next;
  }

  /** Reads a full board, so its buffer can be freed. */
  #finish(board: Board): void {
    const free = () => this.#free.push(board.buffer);
    if (this.#session.readsAtOnce) {
      this.readBoard(board);
      free();
    } else this.fetchBoard(board).then(free, () => {});
  }
}

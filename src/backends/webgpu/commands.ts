/**
 * The commands for a device: passes, loops around them, and the locations of operands, which may change with
 * the rounds of loops.
 *
 * @module
 */
import type { Pass } from "./wgsl/kernel.ts";

/**
 * The location of an operand of a pass. The memory and the position in it may depend on the rounds of loops.
 */
export type View =
  /** All of a memory. */
  | { readonly kind: "memory"; readonly memory: number }
  /** The element of a sequence for the current round of a loop: the words from `first + round * step`. */
  | {
    readonly kind: "element";
    readonly of: View;
    readonly loop: number;
    readonly first: number;
    readonly step: number;
  }
  /**
   * Two alternating locations: `turns[(r + ahead) % 2]` in round `r`; `start` in the first round, if there
   * is one.
   */
  | {
    readonly kind: "turn";
    readonly loop: number;
    readonly turns: readonly [View, View];
    readonly ahead: 0 | 1;
    readonly start: View | null;
  };

/** The resolved location of an operand: words of a memory from `base`. */
export interface Words {
  readonly memory: number;
  readonly base: number;
}

/** The location of an operand for the given round of each loop. */
export function resolve(view: View, rounds: readonly number[]): Words {
  switch (view.kind) {
    case "memory":
      return { memory: view.memory, base: 0 };
    case "element": {
      const { memory, base } = resolve(view.of, rounds);
      return { memory, base: base + view.first + rounds[view.loop] * view.step };
    }
    case "turn": {
      const round = rounds[view.loop];
      if (round === 0 && view.start !== null) return resolve(view.start, rounds);
      return resolve(view.turns[(round + view.ahead) % 2], rounds);
    }
  }
}

/** All memories in which an operand may be. */
export function memoriesOf(view: View): readonly number[] {
  switch (view.kind) {
    case "memory":
      return [view.memory];
    case "element":
      return memoriesOf(view.of);
    case "turn":
      return [...view.turns, ...(view.start === null ? [] : [view.start])].flatMap(memoriesOf);
  }
}

/** What a pass does, for profiles. */
export interface Label {
  /** The operations. */
  readonly name: string;
  /** Arithmetic operations, if they are known for this pass alone. */
  readonly operations?: number;
  /** The size of its operands in bytes. */
  readonly bytes: number;
}

/** A pass and its operands. */
export interface Dispatch extends Pick<Pass, "code" | "workgroups"> {
  /** The discriminant. */
  readonly kind: "dispatch";
  /** The bound operands. */
  readonly views: readonly View[];
  /** Its index in the table of counts, which the device fills in, if it may have nothing to do. */
  readonly entry: number | null;
  /** What it does. */
  readonly label: Label;
}

/** A loop with a fixed number of rounds. */
export interface Repeat {
  /** The discriminant. */
  readonly kind: "repeat";
  /** The loop's number. */
  readonly loop: number;
  /** The number of rounds. */
  readonly length: number;
  /** The commands of each round. */
  readonly body: readonly Command[];
}

/** A loop whose rounds do nothing once the first word of a memory is 0. */
export interface Until {
  /** The discriminant. */
  readonly kind: "until";
  /** The loop's number. */
  readonly loop: number;
  /** The memory. */
  readonly state: number;
  /** The maximum number of rounds, if it is known. */
  readonly most: number | null;
  /** The commands of each round. */
  readonly body: readonly Command[];
}

/** A command. */
export type Command = Dispatch | Repeat | Until;

/** The passes of commands; passes in loops are listed once. */
export function dispatchesOf(commands: readonly Command[]): readonly Dispatch[] {
  return commands.flatMap((one) => one.kind === "dispatch" ? [one] : dispatchesOf(one.body));
}

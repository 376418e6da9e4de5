/**
 * What a device is told to do: passes, loops around them, and where passes find their operands while
 * loops go round.
 *
 * @module
 */
import type { Pass } from "./wgsl/kernel.ts";

/** What an operand of a pass is. The memory, and where in it, may follow from the rounds of loops. */
export type View =
  /** All of a memory. */
  | { readonly kind: "memory"; readonly memory: number }
  /** The element of a sequence for the round of a loop: words `first + round * step` and behind. */
  | {
    readonly kind: "element";
    readonly of: View;
    readonly loop: number;
    readonly first: number;
    readonly step: number;
  }
  /** Two places in turn: round `r` has `turns[(r + ahead) % 2]`; the first round `start`, where there is one. */
  | {
    readonly kind: "turn";
    readonly loop: number;
    readonly turns: readonly [View, View];
    readonly ahead: 0 | 1;
    readonly start: View | null;
  };

/** Where an operand is: words of a memory from `base` on. */
export interface Words {
  readonly memory: number;
  readonly base: number;
}

/** Where an operand is, given the round of each loop. */
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

/** Every memory that an operand may be in. */
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

/** A pass and its operands. */
export interface Dispatch extends Pick<Pass, "code" | "workgroups"> {
  /** Names this kind. */
  readonly kind: "dispatch";
  /** What is bound. */
  readonly views: readonly View[];
  /** Its place in the table of counts that the device itself fills in, where it may have nothing to do. */
  readonly entry: number | null;
}

/** A loop of so many rounds. */
export interface Repeat {
  /** Names this kind. */
  readonly kind: "repeat";
  /** The loop's number. */
  readonly loop: number;
  /** The number of rounds. */
  readonly length: number;
  /** What is done in each. */
  readonly body: readonly Command[];
}

/** A loop whose rounds have nothing to do once the first word of a memory is 0. */
export interface Until {
  /** Names this kind. */
  readonly kind: "until";
  /** The loop's number. */
  readonly loop: number;
  /** The memory. */
  readonly state: number;
  /** The most rounds that it can take, where that is known. */
  readonly most: number | null;
  /** What is done in each round. */
  readonly body: readonly Command[];
}

/** Something to do. */
export type Command = Dispatch | Repeat | Until;

/** The passes of commands, those of loops once. */
export function dispatchesOf(commands: readonly Command[]): readonly Dispatch[] {
  return commands.flatMap((one) => one.kind === "dispatch" ? [one] : dispatchesOf(one.body));
}

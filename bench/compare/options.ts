/**
 * The options of `run.ts`.
 *
 * @module
 */

/** The options of the command line. */
export interface Options {
  /** Leaves out the longest works. */
  readonly quick: boolean;
  /** Prints measurements instead of tables. */
  readonly json: boolean;
  /** Parts of the names or groups of works; all works if empty. */
  readonly only: readonly string[];
  /** Parts of the names of contenders; all contenders if empty. */
  readonly contenders: readonly string[];
  /** Numbers of threads. */
  readonly threads: readonly number[];
  /** The number of rounds. */
  readonly rounds: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  /** The timeout of an answer, in seconds. */
  readonly limit: number;
  /** The Python to use. */
  readonly python: string;
}

/** Reads the command line; reports mistakes and exits. */
export function readOptions(args: readonly string[]): Options {
  const given = new Map<string, string>();
  const flags = ["--quick", "--json"];
  const names = [
    "--only",
    "--contenders",
    "--threads",
    "--rounds",
    "--seconds",
    "--limit",
    "--python",
  ];
  for (let i = 0; i < args.length; i++) {
    if (flags.includes(args[i])) given.set(args[i], "");
    else if (names.includes(args[i]) && i + 1 < args.length) given.set(args[i], args[++i]);
    else fail(`Unknown option ${args[i]}: expected ${[...flags, ...names].join(", ")}`);
  }
  const list = (name: string) => given.get(name)?.toLowerCase().split(",") ?? [];
  function number(name: string, otherwise: number): number {
    const value = Number(given.get(name) ?? otherwise);
    return value > 0 ? value : fail(`Expected a positive number after ${name}`);
  }
  const quick = given.has("--quick");
  const threads = (given.get("--threads") ?? "1,2").split(",").map(Number);
  if (!threads.every((n) => Number.isInteger(n) && n > 0)) fail("Expected counts after --threads");
  return {
    quick,
    json: given.has("--json"),
    only: list("--only"),
    contenders: list("--contenders"),
    threads,
    rounds: number("--rounds", quick ? 2 : 5),
    seconds: number("--seconds", quick ? 0.1 : 0.3),
    limit: number("--limit", 120),
    python: given.get("--python") ?? "python3",
  };
}

function fail(message: string): never {
  console.error(message);
  Deno.exit(1);
}

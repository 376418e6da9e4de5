/**
 * Measurements as tables.
 *
 * @module
 */
import { cpus } from "node:os";
import { contenders, FLAGS, JACOBI, ON_XLA, WITH_FLAGS } from "./contenders.ts";
import type { Options } from "./options.ts";
import { median } from "./statistics.ts";
import { works } from "./works.ts";

/** The measurements of a work by one contender with one number of threads. */
export interface Cell {
  /** The name of the contender. */
  readonly contender: string;
  /** The number of threads. */
  readonly threads: number;
  /** The name of the work. */
  readonly work: string;
  /** One for each round. */
  readonly medians: number[];
  /** The time of the first call. */
  first?: number | undefined;
  /** The result of the first call, if it is a number. */
  result?: number | undefined;
  /** The reason why there is no measurement. */
  missing?: string;
}

/** All measurements. */
export interface Report {
  /** One for each work, contender and number of threads. */
  readonly cells: readonly Cell[];
  /** Versions of libraries and runtimes. */
  readonly versions: Readonly<Record<string, string>>;
  /** Notes for the reader. */
  readonly notes: readonly string[];
}

/** The reasons for gaps: each reason once per contender. */
function explainGaps(cells: readonly Cell[]): string[] {
  const gaps = new Map<string, Set<string>>();
  for (const { contender, work, missing } of cells) {
    if (missing === undefined) continue;
    const reason = `${contender}: ${missing}`;
    gaps.set(reason, (gaps.get(reason) ?? new Set()).add(work));
  }
  return [...gaps].map(([reason, works]) =>
    `${reason} (${works.size === 1 ? [...works][0] : `${works.size} works`})`
  );
}

/** The works whose results differ, with these results. */
function explainDifferences(cells: readonly Cell[]): string[] {
  return [...new Set(cells.map(({ work }) => work))].flatMap((work) => {
    const known = cells.filter((cell) => cell.work === work && cell.result !== undefined);
    const results = known.map(({ result }) => result!);
    const [least, most] = [Math.min(...results), Math.max(...results)];
    if (!(most - least > 1e-5 * Math.abs(most))) return [];
    const shown = known.map(({ contender, result }) => `${contender} ${result}`);
    return [`${work}: results differ: ${shown.join(", ")}`];
  });
}

/** Milliseconds with three digits. */
export function formatTime(time: number | undefined): string {
  if (time === undefined) return "-";
  return time >= 100 ? time.toFixed(0) : time.toPrecision(3);
}

/** A ratio with two or three digits. */
export function formatRatio(ratio: number): string {
  return ratio >= 10 ? ratio.toFixed(0) : ratio >= 1 ? ratio.toFixed(2) : ratio.toPrecision(2);
}

/** The cells of a row. */
export type Row = readonly string[];

/** A Markdown table with its columns aligned. */
export function formatTable(head: Row, rows: readonly Row[]): string {
  const widths = head.map((cell, i) =>
    Math.max(3, cell.length, ...rows.map((row) => row[i].length))
  );
  const line = (row: Row) =>
    `| ${
      row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(" | ")
    } |`;
  const rule = `| ${
    widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** The tables of a report. */
export function formatReport({ cells, versions, notes }: Report, options: Options): string {
  const names = contenders.map(({ name }) => name).filter((name) =>
    cells.some(({ contender, medians }) => contender === name && medians.length > 0)
  );
  const measured = works.map(({ name }) => name).filter((name) =>
    cells.some(({ work }) => work === name)
  );
  function find(work: string, contender: string, threads: number): Cell | undefined {
    return cells.find((cell) =>
      cell.work === work && cell.contender === contender && cell.threads === threads
    );
  }
  function timeOf(cell: Cell | undefined): number | undefined {
    return cell === undefined || cell.medians.length === 0 ? undefined : median(cell.medians);
  }
  /** One figure for each number of threads that was measured. */
  function times(
    work: string,
    contender: string,
    of: (cell: Cell | undefined) => number | undefined,
  ): string {
    const all = options.threads.map((threads) => of(find(work, contender, threads)));
    return all.every((time) => time === undefined) ? "-" : all.map(formatTime).join(" / ");
  }
  function best(work: string, contender: string): number {
    const all = options.threads.map((threads) => timeOf(find(work, contender, threads)));
    return Math.min(...all.map((time) => time ?? Infinity));
  }
  const own = names.filter((name) => [JACOBI, WITH_FLAGS, ON_XLA].includes(name));
  const peers = own.length === 0 ? [] : names.filter((name) => !own.includes(name));
  function ratios(work: string, peer: string): string {
    const all = own.map((name) => best(work, name) / best(work, peer));
    return all.every((ratio) => ratio > 0 && Number.isFinite(ratio))
      ? all.map(formatRatio).join(" / ")
      : "-";
  }
  const rows = measured.map((work) => [
    work,
    ...names.map((name) => times(work, name, timeOf)),
    ...peers.map((peer) => ratios(work, peer)),
  ]);
  const compilers = names.filter((name) =>
    contenders.some((contender) => contender.name === name && contender.compiles)
  );
  const firsts = measured.map((work) => [
    work,
    ...compilers.map((name) => times(work, name, (cell) => cell?.first)),
  ]);
  const processor = cpus()[0]?.model ?? "an unknown processor";
  const threads = options.threads.join(" / ");
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${processor}, ` +
    `${navigator.hardwareConcurrency} processors, ${Deno.build.os} ${Deno.build.arch}.`,
    `Versions: ${
      Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")
    }.`,
    `Command: \`deno run -A bench/compare/run.ts${Deno.args.map((arg) => ` ${arg}`).join("")}\`.`,
    "",
    `Medians in milliseconds with ${threads} threads. Ratios are the best time of Jacobi ` +
    `(${own.length > 1 ? "without / with the flags" : "as it is run here"}) over the best of the ` +
    `peer: below 1, Jacobi is faster. The flags are \`DENO_V8_FLAGS=${FLAGS}\`.`,
    "",
    formatTable(["work", ...names, ...peers.map((peer) => `over ${peer}`)], rows),
    "",
    `First calls in milliseconds (tracing, compiling and running once) with ${threads} threads:`,
    "",
    formatTable(["work", ...compilers], firsts),
    "",
    ...[...notes, ...explainGaps(cells), ...explainDifferences(cells)].map((note) => `- ${note}`),
  ].join("\n");
}

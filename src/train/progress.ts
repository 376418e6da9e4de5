/**
 * Progress, shown on a terminal, in a notebook, or as lines.
 *
 * @module
 */
import type { Numbers } from "./sums.ts";

/**
 * How far training is.
 *
 * @category Training
 */
export interface ProgressReport {
  /** How many steps were taken. */
  readonly step: number;
  /** How many there will be, or `null` where that is not known. */
  readonly total: number | null;
  /** The number of the epoch of the last step. */
  readonly epoch: number;
  /** The metrics that were measured last, those of an evaluation as `evaluation.loss`. */
  readonly metrics: { readonly [name: string]: number };
  /** How long training took so far. */
  readonly seconds: number;
  /** What calls: a step, of which not all are reported, a measurement, or the end. */
  readonly kind: "step" | "measurement" | "end";
}

/**
 * A function that shows progress.
 *
 * @category Training
 */
export type Progress = (report: ProgressReport) => void;

/** A number in at most so many characters that it can be read. */
function show(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** What is known, as one line. */
function lineOf({ step, total, epoch, metrics, seconds }: ProgressReport): string {
  const of = total === null ? "" : `/${total}`;
  return [
    `step ${step}${of}`,
    `epoch ${epoch + 1}`,
    ...Object.entries(metrics).map(([name, value]) => `${name} ${show(value)}`),
    `${seconds.toFixed(1)} s`,
  ].join(", ");
}

/** One line for each measurement. */
function showLines(report: ProgressReport): void {
  if (report.kind === "measurement") console.log(lineOf(report));
}

/** What is used of `cli-progress`, by Andries-Jan Koenraads and others. */
interface Bars {
  readonly SingleBar: new (options: object) => {
    start(total: number, value: number, payload: object): void;
    update(value: number, payload: object): void;
    stop(): void;
  };
}

/** The name is put together, so that only those who ask for a bar download the package. */
const PACKAGE = ["cli", "progress"].join("-");

/** What is used of the runtimes. */
interface Runtime {
  readonly process?: { readonly stderr?: { readonly isTTY?: boolean } };
  readonly Deno?: {
    readonly jupyter?: { broadcast(type: string, content: object): Promise<void> };
  };
}

const runtime = globalThis as Runtime;

/** A bar on the terminal. */
async function openBar(): Promise<Progress> {
  const specifier = "Deno" in globalThis ? `npm:${PACKAGE}@^3` : PACKAGE;
  const { default: bars } = await import(specifier) as { readonly default: Bars };
  const bar = new bars.SingleBar({
    format: "{bar} {text}",
    stream: runtime.process!.stderr,
    hideCursor: true,
    fps: 10,
  });
  let isStarted = false;
  return (report) => {
    // Where the end is not known, the bar stays empty and the text counts.
    if (!isStarted) bar.start(report.total ?? 1, 0, { text: "" });
    isStarted = true;
    bar.update(report.total === null ? 0 : report.step, { text: lineOf(report) });
    if (report.kind === "end") bar.stop();
  };
}

/** How often the display of a notebook changes, in milliseconds. */
const PAUSE = 200;

/** A display in a notebook, which is updated. */
function openDisplay(jupyter: NonNullable<NonNullable<Runtime["Deno"]>["jupyter"]>): Progress {
  const id = crypto.randomUUID();
  let shown = -Infinity;
  let sent: Promise<unknown> = Promise.resolve();
  return (report) => {
    const now = performance.now();
    if (report.kind === "step" && now - shown < PAUSE) return;
    const isFirst = shown === -Infinity;
    shown = now;
    const line = lineOf(report);
    const bar = report.total === null
      ? ""
      : `<progress value="${report.step}" max="${report.total}" style="width: 20em"></progress> `;
    const text = line.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);
    const content = {
      data: { "text/plain": line, "text/html": `${bar}<code>${text}</code>` },
      metadata: {},
      transient: { display_id: id },
    };
    const type = isFirst ? "display_data" : "update_display_data";
    sent = sent.then(() => jupyter.broadcast(type, content)).catch(() => {});
  };
}

function findJupyter(): NonNullable<Runtime["Deno"]>["jupyter"] {
  try {
    return runtime.Deno?.jupyter;
  } catch {
    // Outside of notebooks, Deno has it only to say so.
    return undefined;
  }
}

/** What shows progress best here. */
export async function openProgress(): Promise<Progress> {
  const jupyter = findJupyter();
  if (jupyter !== undefined) return openDisplay(jupyter);
  if (runtime.process?.stderr?.isTTY !== true) return showLines;
  // Without the package, as without a network, lines do.
  return await openBar().catch(() => showLines);
}

/** Metrics and those of an evaluation, by one name each. */
export function joinMetrics(metrics: Numbers, evaluation: Numbers | undefined): Numbers {
  return Object.fromEntries([
    ...Object.entries(metrics),
    ...Object.entries(evaluation ?? {}).map(([name, value]) => [`evaluation.${name}`, value]),
  ]);
}

/**
 * Runs the same works in Jacobi and its peers and prints tables of medians and ratios.
 *
 *     deno run -A bench/compare/run.ts
 *     deno run -A bench/compare/run.ts --quick --only matmul --threads 1
 *
 * Every contender is a process of its own for each group of works and each number of threads. They
 * measure in turn, one at a time, over several rounds, so that disturbances of the machine affect all
 * of them. A figure in a table is the median of the rounds' medians. Contenders that cannot run here are
 * left out with a note: jax-js, TensorFlow.js, fft.js and pffft come from npm, PyTorch, JAX and NumPy
 * with the Python that `--python` names.
 *
 * Options:
 * - `--quick`: shorter and fewer measurements, without the longest works
 * - `--only TEXT`: works whose name or group contains the text; separate several with commas
 * - `--contenders TEXT`: contenders whose name contains one of the texts, with commas
 * - `--threads LIST`: numbers of threads, `1,2` by default
 * - `--rounds N`, `--seconds N`: the number of rounds, and the seconds of each measurement
 * - `--limit N`: the timeout of an answer in seconds; 120 by default
 * - `--python PATH`: the Python to use; `python3` by default
 * - `--json`: the measurements as lines of JSON instead of tables
 *
 * @module
 */
import { type Contender, contenders } from "./contenders.ts";
import { type Options, readOptions } from "./options.ts";
import { Process } from "./process.ts";
import { type Cell, formatReport, formatTime, type Report } from "./report.ts";
import { median } from "./statistics.ts";
import { type Work, works } from "./works.ts";

/** Measures everything that the options select. */
async function measureAll(options: Options): Promise<Report> {
  const chosen = works.filter(({ name, group, long }) =>
    !(options.quick && long) &&
    (options.only.length === 0 ||
      options.only.some((text) => `${group} ${name}`.toLowerCase().includes(text)))
  );
  const rivals = contenders.filter(({ name }) =>
    options.contenders.length === 0 ||
    options.contenders.some((text) => name.toLowerCase().includes(text))
  );
  const cells: Cell[] = [];
  const versions: Record<string, string> = {};
  const notes = new Set<string>();
  const unavailable = new Set<string>();

  async function start(contender: Contender, threads: number): Promise<Process | null> {
    const process = new Process(contender, threads, options);
    const hello = await process.hello();
    if ("fails" in hello) {
      notes.add(`${contender.name} with ${threads} thread(s) did not start: ${hello.fails}`);
      await process.stop();
      return null;
    }
    if ("unavailable" in hello) {
      unavailable.add(`${contender.name} ${threads}`);
      notes.add(`${contender.name} with ${threads} thread(s): ${hello.unavailable}`);
      await process.stop();
      return null;
    }
    Object.assign(versions, hello.versions);
    for (const note of hello.notes ?? []) notes.add(note);
    return process;
  }

  for (const group of new Set(chosen.map(({ group }) => group))) {
    const processes: Process[] = [];
    for (const contender of rivals) {
      if (contender.groups?.includes(group) === false) continue;
      for (const threads of options.threads) {
        if (unavailable.has(`${contender.name} ${threads}`)) continue;
        const process = await start(contender, threads);
        if (process !== null) processes.push(process);
      }
    }
    for (const work of chosen.filter((work) => work.group === group)) {
      await measureWork(work, processes, options, cells);
      // Stopped processes are started again for the next work.
      for (const [i, process] of processes.entries()) {
        if (!process.ended) continue;
        const again = await start(process.contender, process.threads);
        if (again !== null) processes[i] = again;
      }
    }
    for (const process of processes) await process.stop();
  }
  return { cells, versions, notes: [...notes] };
}

async function measureWork(
  work: Work,
  processes: readonly Process[],
  { rounds, seconds }: Options,
  cells: Cell[],
): Promise<void> {
  const own = processes.map(({ contender, threads }): Cell => ({
    contender: contender.name,
    threads,
    work: work.name,
    medians: [],
  }));
  cells.push(...own);
  for (let round = 0; round < rounds; round++) {
    for (const [i, process] of processes.entries()) {
      const cell = own[i];
      // Measurements of several seconds vary little, and are not repeated.
      if (cell.missing !== undefined || (cell.medians[0] ?? 0) > 5000) continue;
      const answer = await process.measure({ work, seconds });
      if ("missing" in answer) cell.missing = answer.missing;
      else {
        cell.medians.push(answer.median_ms);
        cell.first ??= answer.first_ms;
        cell.result ??= answer.result;
      }
    }
  }
  const times = own.map(({ contender, threads, medians, missing }) =>
    `${contender} ${threads}: ${missing ?? formatTime(median(medians))}`
  );
  console.error(`${work.name}: ${times.join("; ")}`);
}

const options = readOptions(Deno.args);
const report = await measureAll(options);
if (options.json) { for (const cell of report.cells) console.log(JSON.stringify(cell)); }
else console.log(formatReport(report, options));

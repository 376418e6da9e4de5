/**
 * Contenders as processes that make one measurement at a time.
 *
 * @module
 */
import type { Contender } from "./contenders.ts";
import type { Options } from "./options.ts";
import type { Answer, Hello, Request } from "./protocol.ts";

const here = new URL(".", import.meta.url);

/** A contender's process, for a number of threads. */
export class Process {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";
  #complaints = "";
  #ended = false;
  readonly contender: Contender;
  readonly threads: number;
  readonly options: Options;

  /** Starts it. */
  constructor(contender: Contender, threads: number, options: Options) {
    this.contender = contender;
    this.threads = threads;
    this.options = options;
    const { file, environment } = contender;
    const path = decodeURIComponent(new URL(file, here).pathname);
    const [program, args] = file.endsWith(".py")
      ? [options.python, [path]]
      : [Deno.execPath(), ["run", "-A", "--no-lock", "--quiet", path]];
    this.#child = new Deno.Command(program, {
      args: [...args, `${threads}`],
      // XLA takes its number of threads from `NPROC`.
      env: { PYTHONDONTWRITEBYTECODE: "1", ...environment, NPROC: `${threads}` },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
    this.#listen();
  }

  /** Keeps the end of the process's standard error. */
  async #listen(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#complaints = (this.#complaints + text).slice(-2000);
    }
  }

  /** The reason why the process has failed, if it printed one. */
  get #reason(): string {
    // deno-lint-ignore no-control-regex
    const lines = this.#complaints.replace(/\x1b\[\d*m/g, "").trim().split("\n");
    const line = lines.findLast((line) => /error: /i.test(line)) ??
      lines.findLast((line) => /error/i.test(line));
    return line?.trim() ?? "it says nothing";
  }

  /** The next line that holds an object; `null` if there is none. */
  async #read(): Promise<unknown> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        try {
          const value: unknown = JSON.parse(line);
          if (typeof value === "object" && value !== null) return value;
        } catch {
          // Other output of libraries is ignored.
        }
        continue;
      }
      const { done, value } = await this.#lines.read();
      if (done) return null;
      this.#rest += value;
    }
  }

  /** The next line; `null` if the process ends or times out, in which case it is stopped. */
  async #readInTime(): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), 1000 * this.options.limit);
    });
    const line = await Promise.race([this.#read(), timeout]);
    clearTimeout(timer);
    if (line === null) await this.stop();
    return line;
  }

  /** The first message of the process. */
  async hello(): Promise<Hello | { readonly fails: string }> {
    return await this.#readInTime() as Hello | null ?? { fails: this.#reason };
  }

  /** Measures a work. */
  async measure(request: Request): Promise<Answer> {
    const work = request.work.name;
    if (this.#ended) return { work, missing: "the process has ended" };
    const line = `${JSON.stringify(request)}\n`;
    await this.#input.write(new TextEncoder().encode(line)).catch(() => {});
    const answer = await this.#readInTime() as Answer | null;
    return answer ?? { work, missing: `no answer in ${this.options.limit} s (${this.#reason})` };
  }

  /** Whether it has been stopped. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the process; kills it if it does not exit by itself. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#input.close().catch(() => {});
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), 1000);
    await this.#lines.cancel().catch(() => {});
    await this.#child.status;
    clearTimeout(kill);
  }
}

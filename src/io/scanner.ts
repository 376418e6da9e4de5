/**
 * Text that is read from front to back.
 *
 * @module
 */

/** A text, and how far it has been read. */
export class Scanner {
  /** The text. */
  readonly text: string;
  /** Where what has not been read begins. */
  at = 0;
  readonly #blank: RegExp;

  /** At the beginning of `text`; `blank`, a sticky pattern, matches text between tokens. */
  constructor(text: string, blank: RegExp) {
    this.text = text;
    this.#blank = blank;
  }

  /** Consumes and returns the match of a sticky pattern here; `undefined` if there is none. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  /** Passes blanks. */
  skip(): void {
    this.take(this.#blank);
  }

  /** Whether `sign` comes next, after blanks; if so, consumes it. */
  pass(sign: string): boolean {
    this.skip();
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }
}

/**
 * A machine for Python's pickles that runs no code of theirs: every name in a pickle is looked up by its host,
 * which refuses unknown names, and is called as a function of this library.
 *
 * The instructions are documented in Python's `pickletools` module; those of protocols 1 to 5 are
 * read. Protocol 0 has no way of referring to storages.
 *
 * @module
 */
import { PickleInput } from "./pickle_input.ts";
import type { Fail } from "./pickle_input.ts";

/** A list or a set. */
export class PickledList {
  /** Its items. */
  readonly items: unknown[];

  /** A list of these items. */
  constructor(items: unknown[]) {
    this.items = items;
  }
}

/** A tuple. */
export class PickledTuple {
  /** Its items. */
  readonly items: readonly unknown[];

  /** A tuple of these items. */
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** A dictionary, with or without an order. */
export class PickledDict {
  /** Its values by their keys, which may be any pickled value. */
  readonly entries: Map<unknown, unknown> = new Map();
}

/** Resolves names and references. */
export interface PickleHost {
  /** Makes the error for a fault, which is described in words. */
  readonly fail: Fail;
  /** The meaning of the name `${module}.${name}`; throws if it is unknown. */
  global(module: string, name: string): unknown;
  /** The result of calling `callable`, which `global` gave. */
  call(callable: unknown, args: readonly unknown[]): unknown;
  /** Whether `value` accepts this state, which is then ignored. */
  acceptsState(value: unknown, state: unknown): boolean;
  /** The object that the reference `id` denotes. */
  load(id: unknown): unknown;
}

/** Marks the place on the stack where a group begins. */
const MARK = Symbol("mark");

/** A pickle's object, and where it ends. */
export interface Unpickled {
  /** The object. */
  readonly value: unknown;
  /** The position after the pickle. */
  readonly end: number;
}

/** Reads the pickle that begins at position `start`. */
export function unpickle(bytes: Uint8Array, start: number, host: PickleHost): Unpickled {
  const input = new PickleInput(bytes, start, host.fail);
  const machine = new Machine(input, host);
  return { value: machine.run(), end: input.position };
}

class Machine {
  readonly #input: PickleInput;
  readonly #host: PickleHost;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(input: PickleInput, host: PickleHost) {
    this.#input = input;
    this.#host = host;
  }

  run(): unknown {
    while (true) {
      const place = this.#input.position;
      const code = this.#input.unsigned(1);
      // Most instructions are characters, named by pickletools as in the comments.
      if (code === 0x2e) return this.#pop();
      if (!this.#step(code)) {
        const shown = `0x${code.toString(16).padStart(2, "0")}`;
        throw this.#host.fail(
          `its pickle has the instruction ${shown} at byte ${place}, which is none or not supported`,
        );
      }
    }
  }

  #broken(): Error {
    return this.#host.fail("its pickle is broken");
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw this.#broken();
    const value = this.#stack.pop();
    if (value === MARK) throw this.#broken();
    return value;
  }

  #top(): unknown {
    if (this.#stack.length === 0 || this.#stack.at(-1) === MARK) throw this.#broken();
    return this.#stack.at(-1);
  }

  /** Takes everything back to the last mark. */
  #popGroup(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#broken();
    return this.#stack.splice(mark).slice(1);
  }

  #popMany(count: number): unknown[] {
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.#pop());
    return items;
  }

  #popText(): string {
    const text = this.#pop();
    if (typeof text !== "string") throw this.#broken();
    return text;
  }

  #push(value: unknown): true {
    this.#stack.push(value);
    return true;
  }

  #remember(place: number): true {
    this.#memo.set(place, this.#top());
    return true;
  }

  #recall(place: number): true {
    if (!this.#memo.has(place)) throw this.#broken();
    return this.#push(this.#memo.get(place));
  }

  #append(items: readonly unknown[]): true {
    const list = this.#top();
    if (!(list instanceof PickledList)) throw this.#broken();
    for (const item of items) list.items.push(item);
    return true;
  }

  #setItems(dict: unknown, parts: readonly unknown[]): true {
    if (!(dict instanceof PickledDict) || parts.length % 2 !== 0) throw this.#broken();
    for (let i = 0; i < parts.length; i += 2) dict.entries.set(parts[i], parts[i + 1]);
    return true;
  }

  #makeDict(parts: readonly unknown[]): PickledDict {
    const dict = new PickledDict();
    this.#setItems(dict, parts);
    return dict;
  }

  #reduce(): true {
    const args = this.#pop();
    const callable = this.#pop();
    if (!(args instanceof PickledTuple)) throw this.#broken();
    return this.#push(this.#host.call(callable, args.items));
  }

  #build(): true {
    const state = this.#pop();
    if (this.#host.acceptsState(this.#top(), state)) return true;
    throw this.#host.fail("its pickle sets attributes that are not supported");
  }

  /** Does one instruction; false when there is no such. */
  #step(code: number): boolean {
    const input = this.#input;
    switch (code) {
      case 0x80: // PROTO
        if (input.unsigned(1) > 5) throw this.#host.fail("its pickle is of a protocol beyond 5");
        return true;
      case 0x95: // FRAME
        input.unsigned(8);
        return true;
      case 0x28: // MARK
        return this.#push(MARK);
      case 0x30: // POP
        if (this.#stack.length === 0) throw this.#broken();
        this.#stack.pop();
        return true;
      case 0x31: // POP_MARK
        this.#popGroup();
        return true;
      case 0x32: // DUP
        return this.#push(this.#top());
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4a: // BININT
        return this.#push(input.signed());
      case 0x4b: // BININT1
        return this.#push(input.unsigned(1));
      case 0x4d: // BININT2
        return this.#push(input.unsigned(2));
      case 0x8a: // LONG1
        return this.#push(input.long(input.unsigned(1)));
      case 0x8b: // LONG4
        return this.#push(input.long(input.signed()));
      case 0x49: // INT
        return this.#push(this.#readInteger());
      case 0x4c: // LONG
        return this.#push(input.decimal());
      case 0x47: // BINFLOAT
        return this.#push(input.float());
      case 0x55: // SHORT_BINSTRING
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(input.text(input.unsigned(1)));
      case 0x54: // BINSTRING
      case 0x58: // BINUNICODE
        return this.#push(input.text(input.unsigned(4)));
      case 0x8d: // BINUNICODE8
        return this.#push(input.text(input.unsigned(8)));
      case 0x43: // SHORT_BINBYTES
        return this.#push(input.bytes(input.unsigned(1)).slice());
      case 0x42: // BINBYTES
        return this.#push(input.bytes(input.unsigned(4)).slice());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#push(input.bytes(input.unsigned(8)).slice());
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        return this.#push(new PickledList([]));
      case 0x6c: // LIST
      case 0x91: // FROZENSET
        return this.#push(new PickledList(this.#popGroup()));
      case 0x61: { // APPEND
        const item = this.#pop();
        return this.#append([item]);
      }
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return this.#append(this.#popGroup());
      case 0x29: // EMPTY_TUPLE
        return this.#push(new PickledTuple([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(new PickledTuple(this.#popMany(code - 0x84)));
      case 0x74: // TUPLE
        return this.#push(new PickledTuple(this.#popGroup()));
      case 0x7d: // EMPTY_DICT
        return this.#push(new PickledDict());
      case 0x64: // DICT
        return this.#push(this.#makeDict(this.#popGroup()));
      case 0x73: { // SETITEM
        const parts = this.#popMany(2);
        return this.#setItems(this.#top(), parts);
      }
      case 0x75: { // SETITEMS
        const parts = this.#popGroup();
        return this.#setItems(this.#top(), parts);
      }
      case 0x68: // BINGET
        return this.#recall(input.unsigned(1));
      case 0x6a: // LONG_BINGET
        return this.#recall(input.unsigned(4));
      case 0x71: // BINPUT
        return this.#remember(input.unsigned(1));
      case 0x72: // LONG_BINPUT
        return this.#remember(input.unsigned(4));
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x63: { // GLOBAL
        const module = input.line();
        return this.#push(this.#host.global(module, input.line()));
      }
      case 0x93: { // STACK_GLOBAL
        const name = this.#popText();
        return this.#push(this.#host.global(this.#popText(), name));
      }
      case 0x69: { // INST
        const module = input.line();
        const callable = this.#host.global(module, input.line());
        return this.#push(this.#host.call(callable, this.#popGroup()));
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#reduce();
      case 0x62: // BUILD
        return this.#build();
      case 0x51: // BINPERSID
        return this.#push(this.#host.load(this.#pop()));
      default:
        return false;
    }
  }

  /** An integer in decimal, or a boolean of the first protocols. */
  #readInteger(): boolean | number | bigint {
    const place = this.#input.position;
    const value = this.#input.decimal();
    const isBoolean = this.#input.position - place === 3 && (value === 0 || value === 1);
    // Booleans have a zero before them, which integers do not: "01" is true.
    return isBoolean ? value === 1 : value;
  }
}

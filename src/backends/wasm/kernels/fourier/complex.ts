/**
 * Arithmetic on vectors of complex numbers, with separate real and imaginary parts.
 *
 * @module
 */
import { byteSize, type FloatDtype } from "../../../../base/dtype.ts";
import { range } from "../../../../base/shape.ts";
import { rootOfUnity } from "../../../../numeric/fft/roots.ts";
import type { Code } from "../../assembler/code.ts";
import { type Effect, type Expression, Local } from "../../assembler/expression.ts";
import type { Access } from "../../assembler/families.ts";
import type { Memory } from "../../assembler/memory.ts";
import { f32x4, f64x2, i8x16, v128 } from "../../assembler/operations.ts";
import { type Pointer, VECTOR } from "../addresses.ts";

/** A vector that is kept in a variable. */
export type Kept = Local<"v128">;

type Vector = Expression<"v128">;

/** Complex numbers, one in each lane. */
export interface Complex {
  readonly re: Kept;
  readonly im: Kept;
}

/** The location of numbers: two addresses, and an offset in bytes from each. */
export interface Place {
  readonly re: Pointer;
  readonly im: Pointer;
  /** Whether imaginary parts are stored after the real ones, all of them from `re` on. */
  readonly arePairs?: boolean;
  readonly offset?: number;
  readonly memory?: Memory | undefined;
}

/** Writes code on vectors of a dtype. */
export class Numbers {
  readonly code: Code;
  readonly dtype: FloatDtype;
  /** Bytes of a number. */
  readonly size: number;
  /** Numbers of a vector. */
  readonly lanes: number;
  readonly #ops: typeof f32x4 | typeof f64x2;

  readonly #constants = new Map<number, Kept>();

  /** With a single lane, the same number is read into all lanes of a vector, and one of them is written. */
  constructor(code: Code, dtype: FloatDtype, lanes: number = VECTOR / byteSize(dtype)) {
    this.code = code;
    this.dtype = dtype;
    this.size = byteSize(dtype);
    this.lanes = lanes;
    this.#ops = dtype === "float32" ? f32x4 : f64x2;
  }

  load({ re, im, offset = 0, memory, arePairs = false }: Place): Complex {
    if (!arePairs) {
      return this.#keep(
        this.loadWhole(re, offset, memory),
        this.loadWhole(im, offset, memory),
      );
    }
    const { code } = this;
    const [a, b] = [0, VECTOR].map((more) =>
      code.let(this.loadWhole(re, 2 * offset + more, memory))
    );
    const every = (first: number): Vector => this.#pick(a, b, (lane) => 2 * lane + first);
    return this.#keep(every(0), every(1));
  }

  store({ re, im, offset = 0, memory, arePairs = false }: Place, x: Complex): void {
    const { code, size, lanes } = this;
    const place = { offset, memory, align: size };
    if (arePairs) {
      for (const half of [0, 1]) {
        const pairs = this.#pick(x.re, x.im, (lane) => {
          const i = lane + half * lanes;
          return Math.floor(i / 2) + i % 2 * lanes;
        });
        code.do(v128.store(re, pairs, { ...place, offset: 2 * offset + half * VECTOR }));
      }
    } else if (lanes === 1) {
      code.do(this.storeLane(re, x.re, 0, place), this.storeLane(im, x.im, 0, place));
    } else code.do(v128.store(re, x.re, place), v128.store(im, x.im, place));
  }

  /** Lanes of two vectors, numbered through both. */
  #pick(x: Vector, y: Vector, laneOf: (lane: number) => number): Vector {
    const { size } = this;
    return i8x16.shuffle(
      x,
      y,
      range(VECTOR).map((byte) => laneOf(Math.floor(byte / size)) * size + byte % size),
    );
  }

  /** The numbers of a vector in reverse order. */
  reverse(x: Complex): Complex {
    if (this.lanes === 1) return x;
    const last = this.lanes - 1;
    return this.#keep(
      this.#pick(x.re, x.re, (lane) => last - lane),
      this.#pick(x.im, x.im, (lane) => last - lane),
    );
  }

  /** The vector at an address. */
  loadWhole(address: Pointer, offset: number, memory?: Memory): Vector {
    const place = { offset, memory, align: this.size };
    if (this.lanes > 1) return v128.load(address, place);
    return this.size === 4 ? v128.load32Splat(address, place) : v128.load64Splat(address, place);
  }

  /** Numbers from an address on, each broadcast to a separate vector. */
  loadSplats(table: Pointer, offset: number, count: number): Kept[] {
    const { code, lanes } = this;
    const vectors = range(Math.ceil(count / lanes)).map((i) =>
      code.let(this.loadWhole(table, offset + i * VECTOR))
    );
    return range(count).map((i) => {
      const [from, first] = [vectors[Math.floor(i / lanes)], i % lanes];
      return code.let(this.#pick(from, from, () => first));
    });
  }

  /** The vector with one lane read from an address. */
  loadLane(address: Pointer, vector: Vector, lane: number, place: Access = {}): Vector {
    const load = this.size === 4 ? v128.load32Lane : v128.load64Lane;
    return load(address, vector, lane, place);
  }

  /** Writes one lane to an address. */
  storeLane(address: Pointer, vector: Vector, lane: number, place: Access = {}): Effect {
    const store = this.size === 4 ? v128.store32Lane : v128.store64Lane;
    return store(address, vector, lane, place);
  }

  #keep(re: Vector, im: Vector): Complex {
    const { code } = this;
    return { re: code.let(re), im: code.let(im) };
  }

  add(x: Complex, y: Complex): Complex {
    return this.#keep(this.#ops.add(x.re, y.re), this.#ops.add(x.im, y.im));
  }

  sub(x: Complex, y: Complex): Complex {
    return this.#keep(this.#ops.sub(x.re, y.re), this.#ops.sub(x.im, y.im));
  }

  /** `x + i y`. */
  addTurned(x: Complex, y: Complex): Complex {
    return this.#keep(this.#ops.sub(x.re, y.im), this.#ops.add(x.im, y.re));
  }

  /** `x - i y`. */
  subTurned(x: Complex, y: Complex): Complex {
    return this.#keep(this.#ops.add(x.re, y.im), this.#ops.sub(x.im, y.re));
  }

  /** `x (c + i s)`. */
  mul(x: Complex, c: Vector, s: Vector): Complex {
    const { mul, relaxedMadd, relaxedNmadd } = this.#ops;
    // Each factor is written twice.
    const [cos, sin] = [this.#kept(c), this.#kept(s)];
    return this.#keep(
      relaxedNmadd(x.im, sin, mul(x.re, cos)),
      relaxedMadd(x.im, cos, mul(x.re, sin)),
    );
  }

  #kept(x: Vector): Kept {
    return x instanceof Local ? x : this.code.let(x);
  }

  /**
   * Keeps the factors of transforms of `n` in variables, so that they are not computed in each
   * round of a loop.
   */
  prepare(n: number): void {
    const values = n % 2 === 1
      ? range((n - 1) / 2).flatMap((j) => rootOfUnity(j + 1, n)).map(Math.abs)
      : [
        ...n >= 8 ? [Math.SQRT1_2] : [],
        ...n >= 16 ? [Math.tan(Math.PI / 8), Math.cos(Math.PI / 8)] : [],
      ];
    for (const value of values) this.#constants.set(value, this.code.let(this.#ops.const(value)));
  }

  #constant(value: number): Vector {
    return this.#constants.get(value) ?? this.#ops.const(value);
  }

  /** `x + factor y`, for a real number. */
  addScaled(x: Complex, y: Complex, factor: number): Complex {
    return this.#keep(this.#addTimes(x.re, y.re, factor), this.#addTimes(x.im, y.im, factor));
  }

  /** `x + i factor y`, for a real number. */
  addScaledTurned(x: Complex, y: Complex, factor: number): Complex {
    return this.#keep(this.#addTimes(x.re, y.im, -factor), this.#addTimes(x.im, y.re, factor));
  }

  /** `x + factor y`, for one part. */
  #addTimes(x: Vector, y: Vector, factor: number): Vector {
    const { add, sub, relaxedMadd, relaxedNmadd } = this.#ops;
    if (Math.abs(factor) === 1) return (factor > 0 ? add : sub)(x, y);
    return (factor > 0 ? relaxedMadd : relaxedNmadd)(y, this.#constant(Math.abs(factor)), x);
  }

  /** `factor x`, for a real number. */
  scale(x: Complex, factor: number): Complex {
    const { mul } = this.#ops;
    const k = this.#constant(factor);
    return this.#keep(mul(x.re, k), mul(x.im, k));
  }

  /** `x + factor y`, for a number in every lane. */
  addScaledBy(x: Complex, y: Complex, factor: Kept): Complex {
    const { relaxedMadd } = this.#ops;
    return this.#keep(relaxedMadd(y.re, factor, x.re), relaxedMadd(y.im, factor, x.im));
  }

  zero(): Complex {
    return this.#keep(this.#ops.const(0), this.#ops.const(0));
  }

  set(target: Complex, x: Complex): void {
    this.code.set(target.re, x.re);
    this.code.set(target.im, x.im);
  }

  /** `s / 2 + t` and the conjugate of `s / 2 - t`, for `s = x + conj y` and `t = -i (x - conj y) (c - i s)`. */
  joinHalves(x: Complex, y: Complex, c: Vector, s: Vector): readonly [Complex, Complex] {
    const { code } = this;
    const { add, sub, mul, relaxedMadd, relaxedNmadd } = this.#ops;
    const [cos, sin] = [this.#kept(c), this.#kept(s)];
    const [half, other] = [0.5, -0.5].map((factor) => this.#ops.const(factor));
    const [re, im] = [code.let(sub(x.re, y.re)), code.let(add(x.im, y.im))];
    const [turnedRe, turnedIm] = [
      code.let(relaxedNmadd(re, sin, mul(im, cos))),
      code.let(relaxedMadd(im, sin, mul(re, cos))),
    ];
    const [sum, difference] = [code.let(add(x.re, y.re)), code.let(sub(x.im, y.im))];
    return [
      this.#keep(relaxedMadd(sum, half, turnedRe), sub(mul(difference, half), turnedIm)),
      this.#keep(sub(mul(sum, half), turnedRe), sub(mul(difference, other), turnedIm)),
    ];
  }

  /** A square of vectors transposed. */
  transpose(rows: readonly Complex[]): Complex[] {
    const re = this.#transposed(rows.map((row) => row.re));
    const im = this.#transposed(rows.map((row) => row.im));
    return re.map((one, i) => ({ re: one, im: im[i] }));
  }

  #transposed(rows: readonly Kept[]): Kept[] {
    const { code, size } = this;
    const pick = (x: Vector, y: Vector, width: number, first: number): Kept =>
      code.let(i8x16.shuffle(
        x,
        y,
        range(VECTOR).map((byte) => {
          const unit = Math.floor(byte / width);
          return (unit % 2) * VECTOR + (first + Math.floor(unit / 2)) * width + byte % width;
        }),
      ));
    if (size === 8) return [pick(rows[0], rows[1], 8, 0), pick(rows[0], rows[1], 8, 1)];
    const [a, b, c, d] = rows;
    const low = [pick(a, b, 4, 0), pick(c, d, 4, 0)] as const;
    const high = [pick(a, b, 4, 2), pick(c, d, 4, 2)] as const;
    return [pick(...low, 8, 0), pick(...low, 8, 1), pick(...high, 8, 0), pick(...high, 8, 1)];
  }

  /**
   * Transforms `n` numbers: 2, 4, 8, 16, or a small odd number of them. They are read when needed,
   * and results are written as soon as they are computed.
   */
  transform(
    n: number,
    read: (j: number) => Complex,
    write: (k: number, x: Complex) => void,
  ): void {
    if (n % 2 === 1) return this.#odd(range(n).map(read)).forEach((x, k) => write(k, x));
    const half = n / 2;
    const [even, odd] = [0, 1].map((first) => {
      const out: Complex[] = [];
      this.transform(half, (j) => read(2 * j + first), (k, x) => out[k] = x);
      return out;
    });
    for (const k of range(half)) {
      const [x, y] = this.#join(even[k], odd[k], k, n);
      write(k, x);
      write(k + half, y);
    }
  }

  /** `x ± y e^(-2πi k / n)`, for `n` from 2 to 16. */
  #join(x: Complex, y: Complex, k: number, n: number): readonly [Complex, Complex] {
    const eighths = 8 * k / n;
    if (eighths === 0) return [this.add(x, y), this.sub(x, y)];
    if (eighths === 2) return [this.subTurned(x, y), this.addTurned(x, y)];
    // y (1 - i tan), rotated by quarter turns, and then times a cosine that is not small.
    const quarters = Math.round(eighths / 2);
    const angle = Math.PI / 4 * (eighths - 2 * quarters);
    const tan = Math.abs(eighths % 2) === 1 ? Math.sign(angle) : Math.tan(angle);
    const part = this.addScaledTurned(y, y, -tan);
    const cos = tan * tan === 1 ? Math.SQRT1_2 : Math.cos(angle);
    if (quarters === 0) return [this.addScaled(x, part, cos), this.addScaled(x, part, -cos)];
    if (quarters === 2) return [this.addScaled(x, part, -cos), this.addScaled(x, part, cos)];
    return [this.addScaledTurned(x, part, -cos), this.addScaledTurned(x, part, cos)];
  }

  #odd(x: readonly Complex[]): Complex[] {
    const n = x.length;
    const places = range((n - 1) / 2).map((i) => i + 1);
    const sums = places.map((j) => this.add(x[j], x[n - j]));
    const differences = places.map((j) => this.sub(x[j], x[n - j]));
    const total = sums.reduce((sum, one) => this.add(sum, one), x[0]);
    const out: Complex[] = [total];
    for (const k of places) {
      const [cos, sin] = [0, 1].map((part) => places.map((j) => rootOfUnity((j * k) % n, n)[part]));
      const even = sums.reduce((sum, one, j) => this.addScaled(sum, one, cos[j]), x[0]);
      const odd = differences.slice(1).reduce(
        (sum, one, j) => this.addScaled(sum, one, sin[j + 1]),
        this.scale(differences[0], sin[0]),
      );
      out[k] = this.subTurned(even, odd);
      out[n - k] = this.addTurned(even, odd);
    }
    return out;
  }
}

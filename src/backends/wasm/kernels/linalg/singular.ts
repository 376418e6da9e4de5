/**
 * Implicit QR steps on bidiagonal matrices, which record their rotations of left and of right
 * vectors.
 *
 * Source: G. Golub and W. Kahan, "Calculating the singular values and pseudo-inverse of a matrix",
 * 1965; G. Golub and C. Reinsch, "Singular value decomposition and least squares solutions", 1970.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import type { Expression, Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, i32, select } from "../../assembler/operations.ts";
import { advance, type Pointer } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, offsetBy } from "./blocks.ts";
import { keepIteration, state as places } from "./spectrum.ts";
import { hypotenuse, TURN, turnBytes, writeHead } from "./turns.ts";

/** The relative precision of sums and differences of doubles. */
const EPSILON = 2 ** -52;

/** Below this, an element of a matrix whose largest element is about 1 is negligible. */
const TINY = 2 ** -400;

/**
 * The maximum number of steps for each singular value, far more than are ever needed. The limit
 * applies to all values together: in a graded matrix the first value takes more than its share, and
 * the values after it have then nearly converged.
 */
const MOST_STEPS = 60;

/** The variables of the iteration. */
interface State {
  /** The diagonal. */
  readonly s: Pointer;
  /** The off-diagonal. */
  readonly e: Pointer;
  /** The end of the rotations of left vectors. */
  readonly left: Local<"i32">;
  /** The end of the rotations of right vectors. */
  readonly right: Local<"i32">;
  /** The first row of the current block. */
  readonly start: Local<"i32">;
  /** The end of the current block. */
  readonly end: Local<"i32">;
}

function load(base: Pointer, index: Pointer, shift = 0): Expression<"f64"> {
  return f64.load(advance(offsetBy(base, index, DOUBLE), shift * DOUBLE));
}

function store(base: Pointer, index: Pointer, value: Expression<"f64">, shift = 0) {
  return f64.store(advance(offsetBy(base, index, DOUBLE), shift * DOUBLE), value);
}

/** Runs `body` for numbers from one down to another, until it branches to the end. */
function downTo(
  code: Code,
  from: Pointer,
  to: Pointer,
  body: (i: Local<"i32">, leave: () => void) => void,
): void {
  const i = code.let(from);
  code.block((exit) => {
    code.loop((again) => {
      code.branchIf(exit, i32.ltS(i, to));
      body(i, () => code.branch(exit));
      code.set(i, i32.sub(i, i32.const(1)));
      code.branch(again);
    });
  });
}

/** Whether a magnitude is negligible compared with others. */
function isNothing(value: Expression<"f64">, beside: Expression<"f64">): Expression<"i32"> {
  const limit = f64.add(f64.const(TINY), f64.mul(f64.const(EPSILON), beside));
  return f64.le(f64.abs(value), limit);
}

/**
 * Continues to make a bidiagonal matrix diagonal, with elements that may be negative, as long as
 * there is space for rotations: a function of its diagonal, of its off-diagonal, of the addresses
 * for the rotations of left and of right vectors, and of the state. If a value is not found, there
 * is no result.
 *
 * Sources and details are those of `src/numeric/linalg/svd.ts`.
 */
export function emitIterateQr(
  builder: Builder,
  n: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32", "i32"], "none"> {
  return builder.module.function(
    "linalg singular values",
    ["i32", "i32", "i32", "i32", "i32"],
    "none",
    (
      code,
      s,
      e,
      leftTurns,
      rightTurns,
      known,
    ) => {
      const [left, right] = [code.let(leftTurns), code.let(rightTurns)];
      const most = turnBytes(n) - (2 * n + 8) * TURN;
      const [leftFull, rightFull] = [left, right].map((from) => code.let(advance(from, most)));
      const [start, end] = [
        code.local("i32"),
        code.let(i32.load(known, { offset: places.resume })),
      ];
      const state = { s, e, left, right, start, end };
      const steps = code.let(i32.load(known, { offset: places.steps }));
      const isUnfinished = code.let(i32.const(0));
      const zero = code.local("i32");
      code.block((done) => {
        code.loop((again) => {
          code.branchIf(done, i32.eqz(end));
          findStart(code, state);
          const last = code.let(i32.sub(end, i32.const(1)));
          code.if(i32.eq(start, last), () => {
            code.set(end, last);
            code.branch(again);
          });
          const isFull = i32.or(i32.gtU(left, leftFull), i32.gtU(right, rightFull));
          code.if(isFull, () => {
            code.set(isUnfinished, i32.const(1));
            code.branch(done);
          });
          findZero(code, state, zero);
          code.if(i32.eq(zero, last), () => {
            clearColumn(code, state);
            code.branch(again);
          });
          code.if(i32.geS(zero, i32.const(0)), () => {
            clearRow(code, state, zero);
            code.branch(again);
          });
          code.if(i32.eq(steps, i32.const(MOST_STEPS * n)), () => {
            code.do(f64.store(known, f64.const(NaN), { offset: places.scale }));
            code.set(end, i32.const(0));
            code.branch(done);
          });
          code.set(steps, i32.add(steps, i32.const(1)));
          stepQr(code, state, last);
          code.branch(again);
        });
      });
      code.do(i32.store(known, left, { offset: places.end }));
      code.do(i32.store(known, right, { offset: places.otherEnd }));
      keepIteration(code, known, { resume: end, steps, isUnfinished });
    },
  );
}

/** Finds the first row of the last block that does not split. */
function findStart(code: Code, { s, e, start, end }: State): void {
  code.set(start, i32.const(0));
  downTo(code, i32.sub(end, i32.const(2)), i32.const(0), (k, leave) => {
    const beside = f64.add(f64.abs(load(s, k)), f64.abs(load(s, k, 1)));
    code.if(isNothing(load(e, k), beside), () => {
      code.do(store(e, k, f64.const(0)));
      code.set(start, i32.add(k, i32.const(1)));
      leave();
    });
  });
}

/**
 * Finds the last row of the block whose diagonal element is negligible compared with its
 * neighbours, or -1.
 */
function findZero(code: Code, { s, e, start, end }: State, zero: Local<"i32">): void {
  code.set(zero, i32.const(-1));
  const beside = code.local("f64");
  downTo(code, i32.sub(end, i32.const(1)), start, (k, leave) => {
    code.set(beside, f64.const(0));
    code.if(i32.ltU(i32.add(k, i32.const(1)), end), () => code.set(beside, f64.abs(load(e, k))));
    code.if(i32.gtU(k, start), () => code.set(beside, f64.add(beside, f64.abs(load(e, k, -1)))));
    code.if(isNothing(load(s, k), beside), () => {
      code.do(store(s, k, f64.const(0)));
      code.set(zero, k);
      leave();
    });
  });
}

/** The rotation that maps two numbers to their length and 0. */
function turnTo(code: Code, x: Local<"f64">, y: Local<"f64">) {
  const length = hypotenuse(code, x, y);
  const isZero = code.let(f64.eq(length, f64.const(0)));
  return {
    length,
    c: code.let(select(isZero, f64.const(1), f64.div(x, length))),
    s: code.let(select(isZero, f64.const(0), f64.div(y, length))),
  };
}

type Turn = ReturnType<typeof turnTo>;

function writeTurn(code: Code, cursor: Local<"i32">, { c, s }: Turn): void {
  code.set(cursor, advance(cursor, TURN));
  code.do(f64.store(cursor, c), f64.store(cursor, s, { offset: DOUBLE }));
}

/** Writes a single rotation of rows `i` and `k`. */
function writeSingle(
  code: Code,
  cursor: Local<"i32">,
  i: Pointer,
  k: Pointer,
  turn: Turn,
): void {
  writeHead(code, cursor, i, i32.const(1), i32.sub(k, i));
  writeTurn(code, cursor, turn);
  code.set(cursor, advance(cursor, TURN));
}

/** Eliminates the element above a last diagonal element of zero from its column. */
function clearColumn(code: Code, { s, e, right, start, end }: State): void {
  const f = code.let(load(e, end, -2));
  code.do(store(e, end, f64.const(0), -2));
  downTo(code, i32.sub(end, i32.const(2)), start, (j) => {
    const turn = turnTo(code, code.let(load(s, j)), f);
    code.do(store(s, j, turn.length));
    code.if(i32.gtU(j, start), () => {
      const before = code.let(load(e, j, -1));
      code.set(f, f64.neg(f64.mul(turn.s, before)));
      code.do(store(e, j, f64.mul(turn.c, before), -1));
    });
    writeSingle(code, right, j, i32.sub(end, i32.const(1)), turn);
  });
}

/** Eliminates the element next to a diagonal element of zero, in row `zero`, from its row. */
function clearRow(code: Code, { s, e, left, end }: State, zero: Pointer): void {
  const f = code.let(load(e, zero));
  code.do(store(e, zero, f64.const(0)));
  code.for({ from: i32.add(zero, i32.const(1)), below: end }, (j) => {
    const turn = turnTo(code, code.let(load(s, j)), f);
    code.do(store(s, j, turn.length));
    const beside = code.let(load(e, j));
    code.set(f, f64.neg(f64.mul(turn.s, beside)));
    code.do(store(e, j, f64.mul(turn.c, beside)));
    writeSingle(code, left, j, zero, turn);
  });
}

/** One implicit QR step with the shift from the last two rows and columns. */
function stepQr(code: Code, state: State, last: Local<"i32">): void {
  const { s, e, left, right, start } = state;
  const values = [
    load(s, last),
    load(s, last, -1),
    load(e, last, -1),
    load(s, start),
    load(e, start),
  ]
    .map((value) => code.let(value));
  const scale = code.let(
    values.map((value): Expression<"f64"> => f64.abs(value)).reduce((x, y) => f64.max(x, y)),
  );
  const [p, q, r, head, beside] = values.map((value) => code.let(f64.div(value, scale)));
  const squares = f64.add(f64.mul(f64.add(q, p), f64.sub(q, p)), f64.mul(r, r));
  const b = code.let(f64.mul(squares, f64.const(0.5)));
  const product = code.let(f64.mul(p, r));
  const square = code.let(f64.mul(product, product));
  const root = f64.sqrt(f64.add(f64.mul(b, b), square));
  const sum = code.let(f64.add(b, select(f64.lt(b, f64.const(0)), f64.neg(root), root)));
  const isZero = f64.eq(sum, f64.const(0));
  const shift = select(isZero, f64.const(0), f64.div(square, sum));
  const f = code.let(f64.add(f64.mul(f64.add(head, p), f64.sub(head, p)), shift));
  const g = code.let(f64.mul(head, beside));
  const [leftHead, rightHead] = [code.let(left), code.let(right)];
  code.for({ from: start, below: last }, (j) => {
    const first = turnTo(code, f, g);
    code.if(i32.gtU(j, start), () => code.do(store(e, j, first.length, -1)));
    const [own, other] = [code.let(load(s, j)), code.let(load(e, j))];
    code.set(f, f64.add(f64.mul(first.c, own), f64.mul(first.s, other)));
    const rest = code.let(f64.sub(f64.mul(first.c, other), f64.mul(first.s, own)));
    const next = code.let(load(s, j, 1));
    code.set(g, f64.mul(first.s, next));
    const turned = code.let(f64.mul(next, first.c));
    writeTurn(code, right, first);
    const second = turnTo(code, f, g);
    code.do(store(s, j, second.length));
    code.set(f, f64.add(f64.mul(second.c, rest), f64.mul(second.s, turned)));
    code.do(store(s, j, f64.sub(f64.mul(second.c, turned), f64.mul(second.s, rest)), 1));
    code.do(store(e, j, rest));
    const after = code.let(load(e, j, 1));
    code.set(g, f64.mul(second.s, after));
    code.do(store(e, j, f64.mul(after, second.c), 1));
    writeTurn(code, left, second);
  });
  code.do(store(e, last, f, -1));
  const count = i32.sub(last, start);
  for (const [from, cursor] of [[leftHead, left], [rightHead, right]]) {
    writeHead(code, from, start, count, i32.const(1));
    code.set(cursor, advance(cursor, TURN));
  }
}

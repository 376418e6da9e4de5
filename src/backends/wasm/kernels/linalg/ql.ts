/**
 * Implicit QL steps on tridiagonal matrices, which record their rotations.
 *
 * Source: A. Dubrulle, R. S. Martin and J. H. Wilkinson, "The implicit QL algorithm", 1968.
 *
 * @module
 */
import type { Code } from "../../assembler/code.ts";
import type { Local } from "../../assembler/expression.ts";
import type { FunctionReference } from "../../assembler/module.ts";
import { f64, i32, select } from "../../assembler/operations.ts";
import { advance, type Pointer } from "../addresses.ts";
import type { Builder } from "../kernel.ts";
import { DOUBLE, offsetBy } from "./blocks.ts";
import { keepIteration, state } from "./spectrum.ts";
import { hypotenuse, TURN, turnBytes, writeHead } from "./turns.ts";

/** The relative precision of sums and differences of doubles. */
const EPSILON = 2 ** -52;

/** Below this, an element of a matrix whose largest element is about 1 is negligible. */
const TINY = 2 ** -400;

/** The maximum number of steps for each eigenvalue, far more than are ever needed. */
const MOST_STEPS = 90;

/** The ratio of the ends of a block from which it is graded. */
const GRADED = 64;

/**
 * The number of unsuccessful steps after which the order of a block is reversed. If that does not
 * help either, as in a block that is small at both ends, elements that are negligible compared with
 * the whole matrix are set to 0: the reduction to tridiagonal form has left them no more accuracy
 * than that.
 */
const PATIENCE = 15;

/** The matrix of the iteration. */
interface Block {
  readonly d: Pointer;
  readonly e: Pointer;
  /** The address for the next entry. */
  readonly cursor: Local<"i32">;
}

function at(base: Pointer, index: Pointer, shift = 0): Pointer {
  return advance(offsetBy(base, index, DOUBLE), shift * DOUBLE);
}

/**
 * Continues to make a tridiagonal matrix diagonal, as long as there is space for rotations: a
 * function of its diagonal, of its off-diagonal, of the address for the rotations, and of the
 * state. If an eigenvalue is not found, there is no result.
 *
 * Sources and details are those of `src/numeric/linalg/eigh.ts`.
 */
export function emitIterateQl(
  builder: Builder,
  n: number,
): FunctionReference<readonly ["i32", "i32", "i32", "i32"], "none"> {
  return builder.module.function("ql", ["i32", "i32", "i32", "i32"], "none", (
    code,
    d,
    e,
    turns,
    known,
  ) => {
    const cursor = code.let(turns);
    const block = { d, e, cursor };
    const full = code.let(advance(turns, turnBytes(n) - (n + 4) * TURN));
    const magnitude = (base: Pointer, index: Pointer, shift = 0) =>
      f64.abs(f64.load(at(base, index, shift)));
    const steps = code.let(i32.load(known, { offset: state.steps }));
    const leave = (resume: Pointer, isUnfinished: number) => {
      code.do(i32.store(known, cursor, { offset: state.end }));
      keepIteration(code, known, { resume, steps, isUnfinished: i32.const(isUnfinished) });
    };
    const first = i32.load(known, { offset: state.resume });
    code.for({ from: first, below: n }, (l) => {
      code.block((found) => {
        code.loop((again) => {
          const m = code.let(l);
          const isLost = code.let(i32.gtU(steps, i32.const(PATIENCE)));
          code.block((apart) => {
            code.loop((next) => {
              code.branchIf(apart, i32.geU(m, i32.const(n - 1)));
              const own = f64.add(magnitude(d, m), magnitude(d, m, 1));
              const beside = select(isLost, f64.const(1), own);
              const limit = f64.max(f64.mul(f64.const(EPSILON), beside), f64.const(TINY));
              code.branchIf(apart, f64.le(magnitude(e, m), limit));
              code.set(m, i32.add(m, i32.const(1)));
              code.branch(next);
            });
          });
          code.branchIf(found, i32.eq(m, l));
          code.if(i32.gtU(cursor, full), () => {
            leave(l, 1);
            code.return();
          });
          code.if(i32.eq(steps, i32.const(MOST_STEPS)), () => {
            code.do(f64.store(known, f64.const(NaN), { offset: state.scale }));
            leave(i32.const(n), 0);
            code.return();
          });
          const head = f64.add(magnitude(d, l), magnitude(e, l));
          const tail = f64.add(magnitude(d, m), magnitude(e, m, -1));
          const isGraded = f64.gt(head, f64.mul(f64.const(GRADED), tail));
          const isLate = i32.eqz(i32.remU(steps, i32.const(PATIENCE)));
          code.if(select(i32.eqz(steps), isGraded, isLate), () => reverse(code, block, l, m));
          step(code, block, l, m);
          code.set(steps, i32.add(steps, i32.const(1)));
          code.branch(again);
        });
      });
      code.set(steps, i32.const(0));
    });
    leave(i32.const(n), 0);
  });
}

/** Reverses the order of rows and columns `l` to `m`. */
function reverse(code: Code, { d, e, cursor }: Block, l: Pointer, m: Pointer): void {
  const flip = (from: Pointer, to: Pointer) => {
    const [p, q] = [code.let(from), code.let(to)];
    code.block((exit) => {
      code.loop((again) => {
        code.branchIf(exit, i32.geU(p, q));
        const kept = code.let(f64.load(p));
        code.do(f64.store(p, f64.load(q)), f64.store(q, kept));
        code.set(p, advance(p, DOUBLE));
        code.set(q, advance(q, -DOUBLE));
        code.branch(again);
      });
    });
  };
  flip(at(d, l), at(d, m));
  flip(at(e, l), at(e, m, -1));
  writeHead(code, cursor, l, m, i32.const(0));
  code.set(cursor, advance(cursor, TURN));
}

/** One implicit QL step on rows `l` to `m`, with Wilkinson's shift. */
function step(code: Code, { d, e, cursor }: Block, l: Pointer, m: Pointer): void {
  const first = code.let(f64.load(at(d, l)));
  const beside = code.let(f64.load(at(e, l)));
  const gap = f64.sub(f64.load(at(d, l, 1)), first);
  const ratio = code.let(f64.div(gap, f64.mul(f64.const(2), beside)));
  const root = f64.copysign(hypotenuse(code, ratio, f64.const(1)), ratio);
  const shift = f64.div(beside, f64.add(ratio, root));
  const g = code.let(f64.add(f64.sub(f64.load(at(d, m)), first), shift));
  const [c, s, p] = [1, 1, 0].map((value) => code.let(f64.const(value)));
  const head = code.let(cursor);
  const i = code.let(m);
  code.block((apart) => {
    code.loop((again) => {
      code.set(i, i32.sub(i, i32.const(1)));
      const own = code.let(f64.load(at(e, i)));
      const f = code.let(f64.mul(s, own));
      const b = code.let(f64.mul(c, own));
      const r = hypotenuse(code, f, g);
      code.do(f64.store(at(e, i, 1), r));
      code.if(f64.lt(r, f64.const(TINY * TINY)), () => {
        // The matrix splits here.
        const place = at(d, i, 1);
        code.do(f64.store(place, f64.sub(f64.load(place), p)));
        code.branch(apart);
      });
      code.set(s, f64.div(f, r));
      code.set(c, f64.div(g, r));
      const next = code.let(f64.sub(f64.load(at(d, i, 1)), p));
      const twice = f64.mul(f64.mul(f64.const(2), c), b);
      const t = code.let(f64.add(f64.mul(f64.sub(f64.load(at(d, i)), next), s), twice));
      code.set(p, f64.mul(s, t));
      code.do(f64.store(at(d, i, 1), f64.add(next, p)));
      code.set(g, f64.sub(f64.mul(c, t), b));
      code.set(cursor, advance(cursor, TURN));
      code.do(f64.store(cursor, c), f64.store(cursor, s, { offset: DOUBLE }));
      code.branchIf(again, i32.gtU(i, l));
    });
    code.do(f64.store(at(d, l), f64.sub(f64.load(at(d, l)), p)));
    code.do(f64.store(at(e, l), g));
  });
  code.do(f64.store(at(e, m), f64.const(0)));
  const count = i32.shrU(i32.sub(cursor, head), i32.const(Math.log2(TURN)));
  writeHead(code, head, m, count, i32.const(-1));
  code.set(cursor, advance(cursor, TURN));
}

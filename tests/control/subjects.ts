/**
 * Functions with every form of control flow, and the same in plain JavaScript.
 *
 * @module
 */
import {
  associativeScan,
  checkpoint,
  cond,
  foriLoop,
  map,
  matmul,
  scan,
  stack,
  switchCase,
  tensor,
  whileLoop,
} from "../../mod.ts";
import type { Tensor } from "../../mod.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { between, fromValues, integers } from "../laws/values.ts";

type Shape = readonly number[];

/** A function written with control flow, and with plain JavaScript. */
export interface Subject {
  readonly f: Flat;
  readonly plain: Flat;
  readonly make: Maker;
}

function floatsOf(dtype: "float32" | "float64", shapes: readonly Shape[]): Maker {
  return (random) =>
    shapes.map((shape) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return fromValues(between(-1.2, 1.2)(random, size), dtype, shape);
    });
}

/** One integer argument before floats. */
function behindIndex(low: number, high: number, rest: Maker): Maker {
  return (random) => [fromValues(integers(low, high)(random, 1), "int32", []), ...rest(random)];
}

/** A step with a constant, an integer counter, and results of several kinds. */
function step(w: Tensor, [h, n]: [Tensor, Tensor], x: Tensor): [[Tensor, Tensor], Tensor[]] {
  const next = h.mul(w).add(x).sin();
  return [[next, n.add(1)], [next.mul(n).sum(), x.square(), h]];
}

function loop(w: Tensor, h: Tensor, xs: Tensor, reverse: boolean): readonly Tensor[] {
  let carry: [Tensor, Tensor] = [h, tensor(0, { dtype: "int32" })];
  const rows: Tensor[][] = [];
  const order = Array.from({ length: xs.shape[0] }, (_, i) => i);
  if (reverse) order.reverse();
  for (const i of order) {
    const [next, y] = step(w, carry, xs.at(i));
    carry = next;
    rows[i] = y;
  }
  return [...carry, ...rows[0].map((_, k) => stack(rows.map((row) => row[k])))];
}

function loopAsScan(w: Tensor, h: Tensor, xs: Tensor, reverse: boolean): readonly Tensor[] {
  const init: [Tensor, Tensor] = [h, tensor(0, { dtype: "int32" })];
  const [carry, ys] = scan((carry, x) => step(w, carry, x), init, xs, { reverse });
  return [...carry, ...ys];
}

/** The number of steps is an argument, at most 18. */
function boundedLoop([n, w, x]: readonly Tensor[], checkpoint: boolean): readonly Tensor[] {
  return whileLoop(
    ([i]: [Tensor, Tensor]) => i.less(n),
    ([i, y]: [Tensor, Tensor]): [Tensor, Tensor] => [i.add(1), y.mul(w).add(i).sin()],
    [tensor(0, { dtype: "int32" }), x] as [Tensor, Tensor],
    { maxSteps: 18, checkpoint },
  );
}

function plainLoop([n, w, x]: readonly Tensor[]): readonly Tensor[] {
  const steps = Math.min(n.item(), 18);
  let y = x;
  for (let i = 0; i < steps; i++) y = y.mul(w).add(i).sin();
  return [tensor(steps, { dtype: "int32" }), y];
}

/** Functions with control flow, on floats of this dtype. */
export function subjectsOf(dtype: "float32" | "float64"): Readonly<Record<string, Subject>> {
  const floats = (...shapes: Shape[]) => floatsOf(dtype, shapes);
  const indexed = (low: number, high: number, ...shapes: Shape[]) =>
    behindIndex(low, high, floatsOf(dtype, shapes));
  return {
    "scan": {
      f: ([w, h, xs]) => loopAsScan(w, h, xs, false),
      plain: ([w, h, xs]) => loop(w, h, xs, false),
      make: floats([3], [3], [4, 3]),
    },
    "scan in reverse": {
      f: ([w, h, xs]) => loopAsScan(w, h, xs, true),
      plain: ([w, h, xs]) => loop(w, h, xs, true),
      make: floats([2], [2], [3, 2]),
    },
    "scan of one step": {
      f: ([w, h, xs]) => loopAsScan(w, h, xs, false),
      plain: ([w, h, xs]) => loop(w, h, xs, false),
      make: floats([2], [2], [1, 2]),
    },
    "scan of no steps": {
      f: ([h, xs]) => {
        const [last, ys] = scan((h, x) => [h.mul(x), h.sin()], h, xs);
        return [last, ys];
      },
      plain: ([h, xs]) => [h, xs],
      make: floats([2], [0, 2]),
    },
    "scan that only counts steps": {
      f: ([x]) => {
        const [y] = scan((y, _) => [y.mul(x).cos(), null], x, null, { length: 3 });
        return [y];
      },
      plain: ([x]) => [x.mul(x).cos().mul(x).cos().mul(x).cos()],
      make: floats([2]),
    },
    "scan that carries what does not move, then does": {
      f: ([x]) => {
        const start: [Tensor, Tensor] = [tensor(1, { dtype }), tensor(2, { dtype })];
        const [[a, b]] = scan(([a, b], x) => [[b, a.mul(x).exp()], null], start, x);
        return [a, b];
      },
      plain: ([x]) => {
        let [a, b] = [tensor(1, { dtype }), tensor(2, { dtype })];
        for (let i = 0; i < 3; i++) [a, b] = [b, a.mul(x.at(i)).exp()];
        return [a, b];
      },
      make: floats([3]),
    },
    "scan within scan": {
      f: ([h, xs]) => {
        const [last, ys] = scan(
          (h, row) => {
            const [total, parts] = scan((t, x) => [t.mul(h).add(x).tanh(), t.mul(x)], h, row);
            return [total, parts.sum()];
          },
          h,
          xs,
        );
        return [last, ys];
      },
      plain: ([h, xs]) => {
        const ys: Tensor[] = [];
        for (let i = 0; i < 2; i++) {
          let t = h;
          const parts: Tensor[] = [];
          for (let j = 0; j < 3; j++) {
            const x = xs.at(i, j);
            parts.push(t.mul(x));
            t = t.mul(h).add(x).tanh();
          }
          ys.push(parts[0].add(parts[1]).add(parts[2]));
          h = t;
        }
        return [h, stack(ys)];
      },
      make: floats([], [2, 3]),
    },
    "scan over products": {
      f: ([w, h, xs]) => {
        const [last, ys] = scan(
          (h, x) => {
            const next = matmul(h, w).add(x).tanh();
            return [next, next];
          },
          h,
          xs,
        );
        return [last, ys];
      },
      plain: ([w, h, xs]) => {
        const ys: Tensor[] = [];
        for (let i = 0; i < 3; i++) ys.push(h = matmul(h, w).add(xs.at(i)).tanh());
        return [h, stack(ys)];
      },
      make: floats([2, 2], [2], [3, 2]),
    },
    "map": {
      f: ([w, xs]) => [map((x) => x.mul(w).sin().sum(), xs)],
      plain: ([w, xs]) => [stack([0, 1, 2].map((i) => xs.at(i).mul(w).sin().sum()))],
      make: floats([2], [3, 2]),
    },
    "foriLoop": {
      f: ([x]) => [foriLoop(1, 4, (i, y) => y.mul(x).add(i).sin(), x)],
      plain: ([x]) => [[1, 2, 3].reduce((y, i) => y.mul(x).add(i).sin(), x)],
      make: floats([2]),
    },
    "whileLoop with a bound": {
      f: (args) => boundedLoop(args, false),
      plain: plainLoop,
      make: indexed(0, 21, [2], [2]),
    },
    "whileLoop with a bound, checkpointed": {
      f: (args) => boundedLoop(args, true),
      plain: plainLoop,
      make: indexed(0, 21, [2], [2]),
    },
    "cond": {
      f: ([n, x, y]) =>
        cond(
          n.greater(1),
          (x, y) => [x.mul(y).sin(), x.square().sum(), n],
          (x, _y) => [x.exp(), tensor(2, { dtype }), n.add(1)],
          x,
          y,
        ),
      plain: ([n, x, y]) =>
        n.item() > 1
          ? [x.mul(y).sin(), x.square().sum(), n]
          : [x.exp(), tensor(2, { dtype }), n.add(1)],
      make: indexed(0, 3, [2], [2]),
    },
    "cond on what moves": {
      f: ([x, y]) => [cond(x.sum().greater(0), () => x.mul(y), () => y.square())],
      plain: ([x, y]) => [x.sum().item() > 0 ? x.mul(y) : y.square()],
      make: floats([2], [2]),
    },
    "switchCase": {
      f: ([n, x, y]) => [
        switchCase(n, [(x) => x.sin(), (x) => x.mul(y).mul(x), (x) => x, () => y.mul(0)], x),
      ],
      plain: ([n, x, y]) => {
        const i = Math.min(Math.max(n.item(), 0), 3);
        return [[() => x.sin(), () => x.mul(y).mul(x), () => x, () => y.mul(0)][i]()];
      },
      make: indexed(-1, 5, [2], [2]),
    },
    "cond within scan": {
      f: ([h, xs]) => {
        const [last, ys] = scan(
          (h, x) => {
            const next = cond(x.greater(0), (h) => h.mul(x).sin(), (h) => h.square().sub(x), h);
            return [next, next.exp()];
          },
          h,
          xs,
        );
        return [last, ys];
      },
      plain: ([h, xs]) => {
        const ys: Tensor[] = [];
        for (let i = 0; i < 4; i++) {
          const x = xs.at(i);
          h = x.greater(0).item<boolean>() ? h.mul(x).sin() : h.square().sub(x);
          ys.push(h.exp());
        }
        return [h, stack(ys)];
      },
      make: floats([], [4]),
    },
    "scan within cond": {
      f: ([n, x]) => [
        cond(
          n.greater(0),
          (x) => scan((h, x) => [h.mul(x).cos(), null], tensor(1, { dtype }), x)[0],
          (x) => x.sum(),
          x,
        ),
      ],
      plain: ([n, x]) => [
        n.item() > 0
          ? [0, 1, 2].reduce((h, i) => h.mul(x.at(i)).cos(), tensor(1, { dtype }))
          : x.sum(),
      ],
      make: indexed(-1, 2, [3]),
    },
    "associativeScan": {
      f: ([a, b]) => [
        ...associativeScan(([a, b], [c, d]) => [a.mul(c), b.mul(c).add(d)], [a, b]),
        associativeScan((x, y) => x.mul(y), a, { axis: 1, reverse: true }),
      ],
      plain: ([a, b]) => {
        let [p, y] = [a.at(0), b.at(0)];
        const [ps, ys] = [[p], [y]];
        for (let i = 1; i < 5; i++) {
          [p, y] = [p.mul(a.at(i)), y.mul(a.at(i)).add(b.at(i))];
          ps.push(p);
          ys.push(y);
        }
        const [c, d] = [a.at(null, 0), a.at(null, 1)];
        return [stack(ps), stack(ys), stack([c.mul(d), d], 1)];
      },
      make: floats([5, 2], [5, 2]),
    },
    "checkpoint": {
      f: ([w, x]) => {
        const block = checkpoint((x: Tensor) => [matmul(x, w).sin(), x.exp()]);
        const [y, z] = block(x);
        return [...block(y.mul(z)), z];
      },
      plain: ([w, x]) => {
        const block = (x: Tensor) => [matmul(x, w).sin(), x.exp()];
        const [y, z] = block(x);
        return [...block(y.mul(z)), z];
      },
      make: floats([2, 2], [2]),
    },
    "checkpoint that keeps products": {
      f: ([w, x]) => [
        checkpoint((x: Tensor) => matmul(x.sin(), w).tanh().mul(x), { policy: "products" })(x),
      ],
      plain: ([w, x]) => [matmul(x.sin(), w).tanh().mul(x)],
      make: floats([2, 2], [2]),
    },
    "checkpoint within scan, and scan within checkpoint": {
      f: ([h, xs]) => {
        const chunk = checkpoint((h: Tensor, xs: Tensor) =>
          scan(checkpoint((h: Tensor, x: Tensor) => [h.mul(x).sin(), null]), h, xs)[0]
        );
        const [last] = scan((h, xs) => [chunk(h, xs), null], h, xs);
        return [last];
      },
      plain: ([h, xs]) => {
        for (let i = 0; i < 2; i++) {
          for (let j = 0; j < 2; j++) h = h.mul(xs.at(i, j)).sin();
        }
        return [h];
      },
      make: floats([], [2, 2]),
    },
  };
}

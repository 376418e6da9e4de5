import {
  allGather,
  allToAll,
  arange,
  axisIndex,
  checkpoint,
  cond,
  cos,
  customJvp,
  customVjp,
  exp,
  foriLoop,
  grad,
  jit,
  jvp,
  pmax,
  pmean,
  pmin,
  ppermute,
  psum,
  psumScatter,
  scan,
  sin,
  tensor,
  vjp,
  vmap,
  where,
} from "../../mod.ts";
import type { AnyFunction, Concrete, Tensor } from "../../mod.ts";
import { flatten } from "../../src/core/tree.ts";
import { assertNear } from "../laws/assertions.ts";
import {
  checkBatch,
  checkFirstOrder,
  checkJit,
  checkNestedBatch,
  checkPrograms,
  checkSame,
  checkSecondOrder,
} from "../laws/laws.ts";
import type { Flat, Maker } from "../laws/laws.ts";
import { distinct, fromValues, makeRandom, real, seedOf } from "../laws/values.ts";
import type { Domain, Random } from "../laws/values.ts";

// A collective has no meaning alone: the laws hold for functions of whole batches, whose examples work
// together, compiled outside of the named axis and inside.

const [I, J] = ["i", "j"];

/** A function of one example. */
type Example = (x: Tensor, y: Tensor) => Tensor;

/** Functions of two vectors of an example, `x` with all examples' values and `y` shared by them. */
const subjects: Record<string, Example> = {
  "psum": (x, y) => psum(x.mul(y), I).sin().mul(x),
  "psum of what all share": (x, y) => psum(y.square(), I).mul(x),
  "pmean": (x, y) => x.sub(pmean(x, I)).square().mul(y),
  "allGather": (x, y) => allGather(x.mul(y), I).at(1).mul(x).add(allGather(y, I).sum()),
  "allGather along the last axis": (x, y) => allGather(x, I, { axis: -1 }).sin().sum(1).mul(y),
  "allGather in tiles": (x, y) => allGather(x.mul(y), I, { tiled: true }).square().sum().mul(x),
  "ppermute": (x, y) => ppermute(x.square(), I, [[0, 2], [1, 0], [2, 1]]).mul(y),
  "ppermute with gaps": (x, y) => ppermute(x.square().mul(y), I, [[0, 1], [2, 0]]).add(x),
  "ppermute of what all share": (x, y) => ppermute(y.square(), I, [[0, 1], [2, 0]]).mul(x),
  "psumScatter": (x, y) => psumScatter(x.mul(y), I).sin().mul(x).add(psumScatter(y.square(), I)),
  "psumScatter in tiles": (x, y) =>
    psumScatter(allGather(x, I).mul(y), I, { axis: 1, tiled: true }).square().sum(1).mul(x),
  "allToAll": (x, y) => allToAll(x.mul(y), I, 0, 0).sin().mul(x).add(allToAll(y.square(), I, 0, 0)),
  "allToAll from one axis to another": (x, y) => {
    const products = x.reshape([3, 1]).mul(y).reshape([3, 3]);
    return allToAll(products, I, 0, 1).sin().mul(allToAll(products, I, 1, 0)).sum(1).mul(y);
  },
  "allToAll in tiles": (x, y) => {
    const products = x.reshape([3, 1]).mul(y).reshape([3, 3]);
    const [down, across] = [[0, 1], [1, 1]].map(([split, concat]) =>
      allToAll(products, I, split, concat, { tiled: true })
    );
    return down.square().sum().add(across.sin().mul(products).sum(1)).mul(x);
  },
  "axisIndex": (x, y) => x.mul(axisIndex(I)).add(psum(axisIndex(I).mul(y), I)),
  "a collective within scan": (x, y) =>
    scan(
      (carry, v) => {
        const next = sin(carry.add(pmean(v.mul(carry), I)));
        return [next, next.mul(axisIndex(I))];
      },
      y.at(0),
      x,
    )[1] as Tensor,
  "a collective within a branch": (x, y) =>
    cond(y.sum().greater(0), (x) => psum(x.square(), I), (x) => sin(x).mul(axisIndex(I)), x),
  "a collective for some": (x, y) => where(axisIndex(I).equal(1), psum(x.mul(x), I), sin(x)).mul(y),
  "a collective within a loop": (x, y) =>
    foriLoop(0, 3, (i, v) => sin(psum(v.mul(x), I).add(i)), y),
  "a collective within checkpoint": (x, y) =>
    checkpoint((x: Tensor) => psum(sin(x), I).mul(x))(x).mul(y),
  "a collective within a reverse rule": (x, y) => {
    const f = customVjp(
      (x: Tensor) => psum(x.square(), I),
      (x: Tensor) => [psum(x.square(), I), x],
      (x: Tensor, ct: Tensor) => [psum(ct, I).mul(x).mul(2)],
    );
    return f(x.mul(y)).sin().add(f(y)).mul(x);
  },
  "a collective within a forward rule": (x, y) => {
    const f = customJvp(
      (x: Tensor) => psum(sin(x), I),
      ([x]: [Tensor], [dx]: [Tensor]) => [psum(sin(x), I), psum(cos(x).mul(dx), I)],
    );
    return f(x.mul(y)).square().add(f(y)).mul(x);
  },
  "a collective of one axis within another": (x, y) =>
    vmap((v) => psum(v.mul(x), J).mul(psum(v, I)).add(axisIndex([J, I])), 0, 0, { axisName: J })(
      y,
    ).sum(1),
  "gathering, and its transpose, within another vmap": (x, y) => {
    const products = x.reshape([3, 1, 1]).mul(y.reshape([1, 3, 1])).add(tensor([0, 1]));
    const gradients = [0, 1, 2].flatMap((mapped) =>
      [0, 1, 2].map((axis) => {
        const f = (m: Tensor) => {
          const all = allGather(m, I, { axis });
          return all.mul(sin(arange(all.size).reshape(all.shape))).square().sum();
        };
        return vmap(grad(f), mapped, mapped)(products);
      })
    );
    return gradients.reduce((a, b) => a.mul(0.5).add(b)).mul(products).sum([1, 2]);
  },
  "exchanging within another vmap": (x, y) => {
    const products = x.reshape([3, 1, 1]).mul(y.reshape([1, 3, 1])).add(tensor([0, 1, 2]));
    const gradients = [0, 1, 2].flatMap((mapped) =>
      [[0, 0], [0, 1], [1, 0], [1, 1]].map(([split, concat]) => {
        const f = (m: Tensor) => {
          const all = allToAll(m, I, split, concat);
          return all.mul(sin(arange(9).reshape([3, 3]))).square().sum();
        };
        return vmap(grad(f), mapped, mapped)(products);
      })
    );
    return gradients.reduce((a, b) => a.mul(0.5).add(b)).mul(products).sum([1, 2]);
  },
  "collectives over two axes": (x, y) =>
    vmap((v) => exp(v).div(psum(exp(v.mul(cos(v))), [I, J])), 0, 0, { axisName: J })(x).mul(y),
};

/** Extremes, whose derivatives are those of their values where no two are near. */
const extremes: typeof subjects = {
  "pmax": (x, y) => pmax(x, I).mul(y).mul(x),
  "pmin": (x, y) => pmin(x, I).mul(y).sin(),
};

/**
 * Derivatives taken of one example's function are those of all examples together: what is taken
 * inside of the named axis equals what is taken outside, cotangents of shared arguments added up.
 */
function checkInside(f: Example, make: Maker, random: Random, law: string): void {
  const options = { axisName: I };
  const [x, y] = make(random);
  const [dx, dy] = make(random);
  const [ct] = make(random);
  const whole = (x: Tensor, y: Tensor) => vmap(f, [0, null], 0, options)(x, y);
  const pull = (g: Example) => (x: Tensor, y: Tensor, ct: Tensor) => vjp(g, x, y)[1](ct);
  const push = (g: Example) => (x: Tensor, y: Tensor, dx: Tensor, dy: Tensor) =>
    jvp(g, [x, y], [dx, dy]);
  const curve = (g: Example) => (x: Tensor, y: Tensor, ct: Tensor, dx: Tensor) =>
    jvp((x: Tensor) => pull(g)(x, y, ct)[0], [x], [dx])[1];
  const turn = (g: Example) => (x: Tensor, y: Tensor, ct: Tensor, dx: Tensor) =>
    vjp((x: Tensor) => push(g)(x, y, dx, y)[1], x)[1](ct)[0];
  const check = (form: string, g: Example, wrap: <F extends AnyFunction>(h: F) => F): void => {
    const near = (actual: unknown, expected: unknown, what: string) =>
      assertNear(
        flatten<Concrete>(actual).leaves,
        flatten<Concrete>(expected).leaves,
        1e-11,
        `${law}, inside, ${form}: ${what}`,
      );
    const [back, shared] = vmap(wrap(pull(g)), [0, null, 0], 0, options)(x, y, ct);
    near([back, shared.sum(0)], pull(whole)(x, y, ct), "vjp");
    near(
      vmap(wrap(push(g)), [0, null, 0, null], 0, options)(x, y, dx, dy),
      push(whole)(x, y, dx, dy),
      "jvp",
    );
    near(
      vmap(wrap(curve(g)), [0, null, 0, 0], 0, options)(x, y, ct, dx),
      curve(whole)(x, y, ct, dx),
      "jvp of vjp",
    );
    near(
      vmap(wrap(turn(g)), [0, null, 0, 0], 0, options)(x, y, ct, dx),
      turn(whole)(x, y, ct, dx),
      "vjp of jvp",
    );
  };
  check("eager", f, (h) => h);
  check("of jit", jit(f), (h) => h);
  check("within jit", f, (h) => jit(h) as unknown as typeof h);
  check("of jit within jit", jit(f), (h) => jit(h) as unknown as typeof h);
}

function checkLaws(name: string, f: Example, domain: Domain): void {
  const random = makeRandom(seedOf(name));
  const make: Maker = (random) => [
    fromValues(domain(random, 9), "float64", [3, 3]),
    fromValues(real(random, 3), "float64", [3]),
  ];
  const mapped = (g: typeof f): Flat => ([x, y]) => [
    vmap(g, [0, null], 0, { axisName: I })(x, y),
    vmap((x: Tensor, y: Tensor) => psum(g(x, y), I), [1, null], null, { axisName: I })(x, y),
  ];
  const flat = mapped(f);
  checkFirstOrder(flat, make(random), random, name);
  checkSecondOrder(flat, make(random), random, name);
  checkBatch(flat, make, random, 1e-12, name);
  checkNestedBatch(flat, make, random, 1e-12, name);
  checkPrograms(flat, make, random, name);
  checkJit(flat, make, random, name);
  checkInside(f, make, random, name);
  checkSame(mapped(jit(f)), flat, make, random, `${name}, jit inside`);
}

for (const [name, f] of Object.entries(subjects)) {
  Deno.test(`${name} obeys the laws of primitives`, () => checkLaws(name, f, real));
}

for (const [name, f] of Object.entries(extremes)) {
  Deno.test(`${name} obeys the laws of primitives`, () => checkLaws(name, f, distinct));
}

/**
 * Results that are in range although squares and sums on the way to them are not: a function of
 * scaled arguments is the scaled function of the arguments, to the second derivative.
 */
import type { Dtype } from "../../src/base/dtype.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import {
  avgPool,
  broadcastTo,
  full,
  index,
  mean,
  norm,
  stack,
  std,
  tensor,
  variance,
  zerosLike,
} from "../../src/functions/mod.ts";
import { jit } from "../../src/jit.ts";
import { det, norm as linalgNorm } from "../../src/linalg.ts";
import * as nn from "../../src/nn/mod.ts";
import * as optim from "../../src/optim/mod.ts";
import { assertTensorsClose } from "../../src/testing/mod.ts";
import { grad, hessian, jacfwd, jvp, vmap } from "../../src/transforms/mod.ts";
import { assert } from "../support/std.ts";

/** A function of `[2, 3]` with `f(c x) = c^degree f(x)`. */
interface Case {
  readonly f: (x: Tensor) => Tensor;
  readonly degree: number;
}

/** A layer without parameters, as a function whose result is weighted and added up. */
function layer(apply: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => apply(x).mul(tensor([[1, -2, 3], [0.5, 4, -1]], { dtype: x.dtype })).sum();
}

const cases: Readonly<Record<string, Case>> = {
  mean: { f: (x) => mean(x), degree: 1 },
  "mean of columns": { f: (x) => mean(x, 0).mul([1, -2, 3]).sum(), degree: 1 },
  variance: { f: (x) => variance(x, 1).sum(), degree: 2 },
  "unbiased variance of columns": {
    f: (x) => variance(x, 0, { correction: 1 }).sum(),
    degree: 2,
  },
  std: { f: (x) => std(x, 1).sum(), degree: 1 },
  "unbiased std of columns": {
    // Of two elements, it has no second derivative.
    f: (x) => std(x.reshape([3, 2]), 0, { correction: 1 }).sum(),
    degree: 1,
  },
  ...Object.fromEntries(
    [1, 2, 3, 0.5, -1, -2.5, 5, Infinity, -Infinity].flatMap((ord) => [
      [`norm ${ord}`, { f: (x: Tensor) => norm(x, null, { ord }), degree: 1 }],
      [`norm ${ord} of rows`, { f: (x: Tensor) => norm(x, 1, { ord }).sum(), degree: 1 }],
    ]),
  ),
  ...Object.fromEntries(
    (["fro", "nuc", 1, -1, 2, -2, Infinity, -Infinity] as const).map((ord) => [
      `linalg.norm ${ord}`,
      { f: (x: Tensor) => linalgNorm(x, null, { ord }), degree: 1 },
    ]),
  ),
  mseLoss: { f: (x) => nn.mseLoss(x.at(0), x.at(1)), degree: 2 },
  globalNorm: { f: (x) => optim.globalNorm({ a: x.at(0), b: x.at(1) }), degree: 1 },
  "atan2": { f: (x) => x.at(0).atan2(x.at(1)).sum(), degree: 0 },
  layerNorm: {
    f: layer((x) => nn.layerNorm(3, { eps: 0, elementwiseAffine: false }).apply({}, {}, x)[0]),
    degree: 0,
  },
  batchNorm: {
    f: layer((x) => {
      const norm = nn.batchNorm(2, { eps: 0, affine: false, dtype: x.dtype as "float64" });
      const batch = x.swapaxes(0, 1);
      const [params, state] = norm.init(tensor(new Uint32Array([0, 0])));
      return norm.apply(params, state, batch, { train: true })[0].swapaxes(0, 1);
    }),
    degree: 0,
  },
  groupNorm: {
    f: layer((x) => nn.groupNorm(1, 3, { eps: 0, affine: false }).apply({}, {}, x)[0]),
    degree: 0,
  },
  cosineSimilarity: {
    f: (x) => nn.cosineSimilarity(index(x, [0, 1]), index(x, [1, 2]), { eps: 0 }).sum(),
    degree: 0,
  },
};

/** Exponents of two at which squares, or sums of squares, leave the range; results do not. */
const EXPONENTS: Readonly<Record<"float32" | "float64", readonly number[]>> = {
  float32: [-100, -74, -66, -40, 40, 62, 66, 90],
  float64: [-900, -540, -520, -300, 300, 510, 520, 900],
};

const RANGE = { float32: [-126, 127], float64: [-1022, 1023] } as const;

const near = [[0.75, -1.25, 2], [1.5, 0.375, -3]];

for (const dtype of ["float32", "float64"] satisfies Dtype[]) {
  for (const [name, { f, degree }] of Object.entries(cases)) {
    Deno.test(`${name} of huge and of tiny ${dtype} values is scaled, and so are its derivatives`, () => {
      const x = tensor(near, { dtype });
      const relative = dtype === "float32" ? 2e-5 : 1e-12;
      const [value, slope, curve] = [f(x), grad(f)(x), hessian(f)(x) as Tensor];
      const [least, most] = RANGE[dtype];
      const fits = (power: number): boolean => power > least + 12 && power < most - 12;
      // A loss may be multiplied by a large or small number after that: so are its derivatives.
      const factors = dtype === "float32" ? [-40, 40] : [-300, 300];
      const multiplied = factors.map((factor) => {
        const g = grad((x: Tensor) => f(x).mul(2 ** factor));
        return { factor, ways: [g, jit(g)] };
      });
      const compiled = [jit(f), jit(grad(f)), jit(hessian(f))] as const;
      for (const exponent of EXPONENTS[dtype]) {
        const scaled = x.mul(2 ** exponent);
        const check = (
          actual: Tensor,
          expected: Tensor,
          power: number,
          what: string,
          factor = 0,
        ): void => {
          if (!fits(power * exponent + factor)) return;
          const size = Math.max(...expected.data().map(Math.abs)) || 1;
          const unscaled = actual.astype("float64").mul(2 ** (-power * exponent - factor));
          const options = { rtol: relative, atol: relative * size };
          assertTensorsClose(unscaled, expected.astype("float64"), {
            ...options,
            message: `${what} at 2^${exponent}`,
          });
        };
        check(f(scaled), value, degree, "value");
        check(compiled[0](scaled), value, degree, "compiled value");
        check(vmap(f)(stack([x, scaled])).at(1), value, degree, "mapped value");
        check(grad(f)(scaled), slope, degree - 1, "gradient");
        check(compiled[1](scaled), slope, degree - 1, "compiled gradient");
        check(vmap(grad(f))(stack([scaled, x])).at(0), slope, degree - 1, "mapped gradient");
        check(jacfwd(f)(scaled) as Tensor, slope, degree - 1, "forward derivative");
        for (const { factor, ways } of multiplied) {
          for (const g of ways) check(g(scaled), slope, degree - 1, `times 2^${factor}`, factor);
        }
        check(hessian(f)(scaled) as Tensor, curve, degree - 2, "second derivative");
        check(compiled[2](scaled) as Tensor, curve, degree - 2, "compiled second derivative");
      }
    });
  }

  Deno.test(`rows of any size stand beside each other in ${dtype}, at every length`, () => {
    const powers = EXPONENTS[dtype];
    for (const length of [1, 3, 4, 17, 300, 5000]) {
      const values = Array.from({ length }, (_, i) => 1 + (i * 7 % 11) / 8);
      const row = tensor(values, { dtype });
      const x = stack(powers.map((power) => row.mul(2 ** power)));
      const scale = tensor(powers.map((power) => 2 ** power), { dtype });
      const tolerance = { rtol: dtype === "float32" ? 1e-5 : 1e-12, atol: 0 };
      for (const [f, axis] of [[norm, 1], [std, 1], [mean, 1]] as const) {
        const expected = f(row).mul(scale);
        assertTensorsClose(f(x, axis), expected, tolerance);
        assertTensorsClose(jit((x: Tensor) => f(x, axis))(x), expected, tolerance);
        assertTensorsClose(jit((x: Tensor) => f(x.swapaxes(0, 1), 0))(x), expected, tolerance);
      }
    }
  });
}

Deno.test("means and norms of the largest and the smallest numbers", () => {
  const most = 3.4028234663852886e38;
  assertTensorsClose(mean(tensor([most, most, most])), most, { rtol: 1e-6 });
  assertTensorsClose(mean(tensor([most, most, -most, -most])), 0, { atol: 0 });
  const wide = tensor([1.7e308, 1.7e308, -1.6e308], { dtype: "float64" });
  assertTensorsClose(mean(wide), 6e307, { rtol: 1e-12, atol: 0 });
  assertTensorsClose(norm(tensor([2 ** -149])), 2 ** -149, { rtol: 0, atol: 0 });
  assertTensorsClose(norm(tensor([most])), most, { rtol: 1e-6 });
  const tiny = tensor([5e-324], { dtype: "float64" });
  assertTensorsClose(norm(tiny), 5e-324, { rtol: 0, atol: 0 });
  assertTensorsClose(mean(tensor([1, Infinity, -Infinity])), NaN);
  assertTensorsClose(norm(tensor([1, -Infinity])), Infinity);
  const long = tensor([1e36]).broadcastTo([100000]).add(tensor([1e36]));
  for (const f of [mean, jit((x: Tensor) => mean(x))]) {
    assertTensorsClose(f(long), 2e36, { rtol: 1e-6 });
  }
});

Deno.test("deviations hold in every binade where squares leave the range", () => {
  for (const [dtype, half] of [["float32", 64], ["float64", 512]] as const) {
    const powers = Array.from({ length: 17 }, (_, i) => 2 ** (half - 8 + i));
    const rows = tensor(powers.map((power) => [1.75 * power, -1.75 * power]), { dtype });
    for (const rest of [0, 1.5]) {
      const deviations = (x: Tensor) => std(x, 1, { correction: rest });
      const expected = norm(rows.div(2), 1).div(Math.sqrt(2 - rest)).mul(2);
      for (const f of [deviations, jit(deviations)]) {
        assertTensorsClose(f(rows), expected, { rtol: dtype === "float32" ? 1e-6 : 1e-14 });
      }
    }
  }
});

Deno.test("a mean of squares is in range where they are not", () => {
  for (const [dtype, size] of [["float32", 2 ** 64], ["float64", 2 ** 512]] as const) {
    const x = tensor([size, 0, 0, 0, 0, 0, 0, 0], { dtype });
    for (const f of [nn.mseLoss, jit((x: Tensor, y: Tensor) => nn.mseLoss(x, y))]) {
      assertTensorsClose(f(x, x.mul(0)).div(size), size / 8, { rtol: 0, atol: 0 });
      assertTensorsClose(grad((x: Tensor) => f(x, x.mul(0)))(x).at(0), size / 4, { rtol: 1e-6 });
    }
  }
});

Deno.test("long reductions to few results are scaled where they must be", () => {
  const exact = { rtol: 0, atol: 0 };
  for (const [dtype, exponent] of [["float32", 90], ["float64", 900]] as const) {
    const sizes = tensor([2 ** exponent, 1, 2 ** -exponent], { dtype });
    const rows = broadcastTo(sizes.reshape([3, 1]), [3, 2 ** 18]);
    const norms = jit((x: Tensor) => norm(x, 1));
    assertTensorsClose(norms(rows), sizes.mul(2 ** 9), exact);
    assertTensorsClose(norms(rows.mul(2)), sizes.mul(2 ** 10), exact);
    for (const size of [2 ** exponent, 1, 2 ** -exponent]) {
      const all = full([2 ** 20], size, { dtype });
      assertTensorsClose(
        jit((x: Tensor) => norm(x))(all),
        full([], size * 2 ** 10, { dtype }),
        exact,
      );
      const most = dtype === "float32" ? 2 ** 127 : 2 ** 1023;
      const scaled = jit((x: Tensor, c: Tensor) => mean(x.mul(c)))(
        all,
        tensor(most / size, { dtype }),
      );
      if (size >= 1) assertTensorsClose(scaled, full([], most, { dtype }), exact);
    }
  }
});

Deno.test("gradients are clipped by a norm whose square is out of range", () => {
  const clip = optim.clipByGlobalNorm(1);
  for (const [dtype, size] of [["float32", 1e20], ["float64", 1e200]] as const) {
    const f = (g: Tensor): Tensor => clip.update(g, clip.init(g), g)[0] as Tensor;
    const g = tensor([3 * size, 4 * size], { dtype });
    for (const update of [f, jit(f)]) assertTensorsClose(update(g), [0.6, 0.8], { rtol: 1e-6 });
    assertTensorsClose(grad((g: Tensor) => f(g).sum())(g).mul(size), [0.032, -0.024], {
      rtol: 1e-5,
    });
  }
});

Deno.test("deviations may be out of range themselves", () => {
  for (const [dtype, most] of [["float32", 3.4e38], ["float64", 1.7e308]] as const) {
    const row = [most, most, -most];
    const rtol = dtype === "float32" ? 1e-6 : 1e-12;
    const layer = nn.layerNorm(3, { elementwiseAffine: false, dtype });
    const group = nn.groupNorm(1, 1, { affine: false, dtype });
    const normal = [0.5 ** 0.5, 0.5 ** 0.5, -(2 ** 0.5)];
    const near = tensor([1, 1, -1], { dtype });
    const slope = (f: (x: Tensor) => Tensor) => grad((x: Tensor) => f(x).mul([1, 2, 4]).sum());
    for (const wrap of [(f: (x: Tensor) => Tensor) => f, (f: (x: Tensor) => Tensor) => jit(f)]) {
      const deviation = wrap((x) => std(x));
      const layered = wrap((x) => layer.apply({}, {}, x)[0]);
      const grouped = wrap((x) => group.apply({}, {}, x.reshape([1, 1, 3]))[0]);
      const x = tensor(row, { dtype });
      assertTensorsClose(deviation(x), tensor(most / 3 * 8 ** 0.5, { dtype }), { rtol });
      assertTensorsClose(deviation(tensor([most, -most], { dtype })), tensor(most, { dtype }), {
        rtol,
      });
      assertTensorsClose(layered(x), tensor(normal, { dtype }), { rtol });
      assertTensorsClose(grouped(x), tensor([[normal]], { dtype }), { rtol });
      assertTensorsClose(wrap(slope(std))(x), slope(std)(near), {
        rtol: 10 * rtol,
        atol: 10 * rtol,
      });
    }
  }
});

Deno.test("normalisations do not suffer from the rounding of the mean", () => {
  const layer = nn.layerNorm(2, { eps: 0, elementwiseAffine: false });
  for (const f of [layer.apply, jit(layer.apply)]) {
    const run = (x: Tensor): Tensor => f({}, {}, x)[0] as Tensor;
    assertTensorsClose(run(tensor([[1e8, 1e8 + 8], [5, 5]])), [[-1, 1], [0, 0]], { rtol: 1e-6 });
    const wide = tensor([[1e17, 1e17 + 16]], { dtype: "float64" });
    assertTensorsClose(run(wide), tensor([[-1, 1]], { dtype: "float64" }), { rtol: 1e-12 });
  }
});

Deno.test("the cosine of vectors of any length, and of none", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const sizes = dtype === "float32" ? [2 ** 100, 2 ** -100, 1] : [2 ** 900, 2 ** -900, 1];
    const x = tensor([[3, 4, 0], [0, 0, 0]], { dtype });
    const y = tensor([[4, 3, 0], [1, 2, 3]], { dtype });
    const f = (x: Tensor, y: Tensor): Tensor => nn.cosineSimilarity(x, y, { eps: 0 });
    for (const a of sizes) {
      for (const b of sizes) {
        for (const g of [f, jit(f)]) {
          const expected = tensor([0.96, 0], { dtype });
          assertTensorsClose(g(x.mul(a), y.mul(b)), expected, { rtol: 1e-6 });
        }
      }
    }
  }
});

Deno.test("the variance does not suffer from the rounding of the mean", () => {
  for (const f of [variance, jit((x: Tensor) => variance(x))]) {
    assertTensorsClose(f(tensor([1e8, 1e8 + 8])), 16, { rtol: 1e-6 });
    assertTensorsClose(f(tensor([1e8, 1e8 + 8, 1e8 + 16, 1e8])), 44, { rtol: 1e-6 });
    const wide = tensor([1e17, 1e17 + 16], { dtype: "float64" });
    assertTensorsClose(f(wide), 64, { rtol: 1e-12 });
    assertTensorsClose(grad((x: Tensor) => f(x))(wide), [-8, 8], { rtol: 1e-12 });
    assertTensorsClose(hessian((x: Tensor) => f(x))(wide) as Tensor, [[0.5, -0.5], [-0.5, 0.5]]);
  }
  assertTensorsClose(std(tensor([1e8, 1e8 + 8])), 4, { rtol: 1e-6 });
});

Deno.test("the inverse hyperbolic functions and angles have slopes far out", () => {
  for (const f of [(t: Tensor) => t.exp().asinh(), (t: Tensor) => t.exp().acosh()]) {
    for (const [dtype, at] of [["float32", [5, 50, 80]], ["float64", [5, 400, 700]]] as const) {
      const x = tensor(at, { dtype });
      const slope = grad((x: Tensor) => f(x).sum());
      // The slope of e^t / √(e^2t ± 1) is 1 to within e^-2t.
      for (const g of [slope, jit(slope), vmap(grad(f))]) {
        assertTensorsClose(g(x), [1, 1, 1], { rtol: 5e-5 });
      }
    }
  }
  for (const radius of [1e-37, 1e-23, 1, 1e25, 1e37]) {
    const angle = (t: Tensor) => t.sin().mul(radius).atan2(t.cos().mul(radius));
    for (const f of [angle, jit(angle)]) {
      assertTensorsClose(grad(f)(tensor(0.7)), 1, { rtol: 1e-5 });
      assertTensorsClose(grad(grad(f))(tensor(0.7)), 0, { atol: 1e-5 });
    }
  }
});

Deno.test("determinants in range are found where products of some pivots are not", () => {
  for (const [dtype, size] of [["float32", 2 ** 100], ["float64", 2 ** 700]] as const) {
    const a = tensor([[1, 2, 0, 0], [3, 5, 0, 0], [0, 0, 2, 1], [0, 0, 7, 3]], { dtype });
    const scales = tensor([size, size, 1 / size, 1 / size], { dtype }).reshape([4, 1]);
    const scaled = a.mul(scales);
    const tolerance = { rtol: dtype === "float32" ? 1e-4 : 1e-11, atol: 0 };
    for (const f of [det, jit((a: Tensor) => det(a))]) {
      assertTensorsClose(f(scaled), 1, tolerance);
      const slope = grad((a: Tensor) => f(a))(scaled);
      const expected = grad((a: Tensor) => det(a))(a).mul(tensor(1, { dtype }).div(scales));
      const own = { rtol: tolerance.rtol, atol: 1e-3 / size };
      assertTensorsClose(index(slope, [0, 2]), index(expected, [0, 2]), own);
      assertTensorsClose(index(slope, [2, 4], [2, 4]), index(expected, [2, 4], [2, 4]), tolerance);
    }
  }
  assertTensorsClose(det([[0, 2], [0, 1e30]]), 0, { atol: 0 });
});

/** Factors whose product is in range although that of some of them is not, and the product. */
const factors: readonly (readonly [list: readonly number[], product: number])[] = [
  [[1e200, 1e200, 1e-200, 1e-200], 1],
  [[1e-200, 1e-200, 1e200, 1e200], 1],
  [[-1e200, 1e200, 3e-200, 1e-200], -3],
  // Between the steps lie subnormal numbers.
  [[1e-160, 1, 1e-160, 1, 1e160, 1, 1e160], 1],
  [[1.7e308, 1.7e308, 1e-308, 1e-308, 0.5], 1.445],
  [[1e-310, 1e-10, 1e300], 1e-20],
  [[1e300, 1e300, -0], -0],
  [[Infinity, 1e-200, 1e-200], Infinity],
  [[1e-200, 1e-200, 0, Infinity], NaN],
  [[1e200, NaN, 1e200], NaN],
  [[1e-200, 1e-200], 0],
  [[1e200, -1e200], -Infinity],
  [[5e-324, 2 ** 1000], 5e-324 * 2 ** 1000],
];

Deno.test("products in range are found where those of some factors are not", () => {
  const prod = (x: Tensor): Tensor => x.prod(-1);
  for (const [list, product] of factors) {
    const x = tensor(list, { dtype: "float64" });
    const tolerance = { rtol: 1e-13, atol: 0 };
    for (const f of [prod, jit(prod)]) {
      assertTensorsClose(f(x), product, tolerance);
      assertTensorsClose(
        f(stack([x, full([list.length], 2, { dtype: "float64" })])).at(0),
        product,
      );
      assertTensorsClose(vmap(f)(stack([x, x])).at(1), product, tolerance);
      assertTensorsClose(f(stack([x, x], 1).swapaxes(0, 1)).at(0), product, tolerance);
    }
  }
  for (const length of [6, 100, 3000]) {
    for (const [dtype, sizes] of [["float64", [1.5, 1e200]], ["float32", [1.5, 1e30]]] as const) {
      for (const size of sizes) {
        // Powers that are exact whatever the dtype.
        const binary = 2 ** Math.round(Math.log2(size)) * 1.5;
        const list = Array.from({ length }, (_, i) => i < length / 2 ? binary : 1 / binary);
        const x = tensor([...list, -3], { dtype });
        const rtol = dtype === "float32" ? 1e-3 : 1e-11;
        for (const f of [prod, jit(prod)]) {
          assertTensorsClose(f(x), -3, { rtol });
          const slope = grad(f)(x);
          assertTensorsClose(slope.at(0), -3 / binary, { rtol, atol: 0 });
          assertTensorsClose(slope.at(length), 1, { rtol, atol: 0 });
        }
      }
    }
  }
});

Deno.test("derivatives of products are in range where they are so themselves", () => {
  const prod = (x: Tensor): Tensor => x.prod();
  for (const [dtype, exponent] of [["float32", 55], ["float64", 500]] as const) {
    const scaled = (...list: readonly (readonly [number, number])[]): Tensor =>
      tensor(list.map(([value, power]) => value * 2 ** (power * exponent)), { dtype });
    const cases: readonly (readonly [x: Tensor, slope: Tensor])[] = [
      [scaled([3, 1], [5, 1], [7, -1]), scaled([35, 0], [21, 0], [15, 2])],
      [scaled([3, 1], [5, 1], [7, 1]), scaled([35, 2], [21, 2], [15, 2])],
      [scaled([3, -1], [5, -1], [7, -1]), scaled([35, -2], [21, -2], [15, -2])],
      [
        scaled([3, 1.5], [5, 1.5], [7, -1.5], [1, -1.5]),
        scaled([35, -1.5], [21, -1.5], [15, 1.5], [105, 1.5]),
      ],
      [scaled([3, 1.5], [0, 0], [7, -1.5]), scaled([0, 0], [21, 0], [0, 0])],
    ];
    const tolerance = { rtol: 1e-6, atol: 0 };
    for (const [x, slope] of cases) {
      for (const f of [prod, jit(prod)]) {
        for (const derivative of [grad(f), jit(grad(f)), jacfwd(f)]) {
          assertTensorsClose(derivative(x), slope, tolerance);
        }
        assertTensorsClose(vmap(grad(f))(stack([x, x])).at(1), slope, tolerance);
      }
    }
    const x = scaled([3, 1.5], [5, 0.25], [7, -1.5], [2, -0.25]);
    const curve = [
      [[0, 0], [14, -1.75], [10, 0], [35, -1.25]],
      [[14, -1.75], [0, 0], [6, 1.25], [21, 0]],
      [[10, 0], [6, 1.25], [0, 0], [15, 1.75]],
      [[35, -1.25], [21, 0], [15, 1.75], [0, 0]],
    ].map((row) => scaled(...row as [number, number][]));
    for (const second of [hessian(prod), jit(hessian(prod))]) {
      assertTensorsClose(second(x) as Tensor, stack(curve), tolerance);
    }
  }
});

/** How a function is run, each with its gradient and its forward derivative. */
type Scalar = (x: Tensor) => Tensor;
const runs: readonly ((f: Scalar) => Scalar)[] = [(f) => f, jit];

/** The value of a function and its derivatives in both modes, eager, compiled and mapped. */
function checkScalar(f: Scalar, x: Tensor, value: number, slope: unknown): void {
  const close = { rtol: x.dtype === "float32" ? 1e-5 : 1e-13, atol: 0 };
  for (const run of runs) {
    assertTensorsClose(run(f)(x), value, close);
    assertTensorsClose(run(vmap(f))(stack([x, x])).at(1), value, close);
    for (const derive of [grad, jacfwd] as (typeof grad)[]) {
      assertTensorsClose(run(derive(f))(x), slope as number[], close);
    }
    assertTensorsClose(run(vmap(grad(f)))(stack([x, x])).at(1), slope as number[], close);
  }
}

const LARGE = { float32: 3e38, float64: 1.5e308 } as const;

for (const dtype of ["float32", "float64"] as const) {
  const most = LARGE[dtype];

  Deno.test(`a mean over windows of the largest ${dtype} values is one of them`, () => {
    const options = [
      {},
      { stride: 1 },
      { padding: 1, countIncludePad: false },
      { stride: 1, padding: 1, countIncludePad: false },
      { stride: 3, padding: 1, countIncludePad: false, ceilMode: true },
    ];
    for (const sign of [1, -1]) {
      const x = full([1, 2, 4, 4], sign * most, { dtype });
      for (const option of options) {
        const pool = (x: Tensor) => avgPool(x, 2, option);
        for (const f of [pool, jit(pool)]) {
          const expected = full(pool(x).shape, sign * most, { dtype });
          assertTensorsClose(f(x), expected, { rtol: 1e-6 });
          assertTensorsClose(vmap(f)(stack([x, x])), stack([expected, expected]), { rtol: 1e-6 });
          // Neither is what is small lost beside that, nor are derivatives scaled.
          const small = x.mul(2 ** -120).div(most).mul(sign);
          assertTensorsClose(f(small), pool(small.mul(2 ** 120)).mul(2 ** -120), { atol: 0 });
          const slope = (x: Tensor) => grad((x: Tensor) => f(x).sum())(x);
          assertTensorsClose(slope(x), slope(small), { rtol: 1e-6, atol: 0 });
          assertTensorsClose(
            jacfwd((x: Tensor) => f(x).sum())(x) as Tensor,
            slope(small),
            { rtol: 1e-6, atol: 0 },
          );
        }
      }
      const least = full([1, 1, 4, 4], dtype === "float32" ? 2 ** -149 : 5e-324, { dtype });
      for (const option of options.slice(0, 2)) {
        const pool = jit((x: Tensor) => avgPool(x, 2, option));
        assertTensorsClose(pool(least), full(pool(least).shape, least.at(0, 0, 0, 0), { dtype }), {
          rtol: 0,
          atol: 0,
        });
      }
    }
  });

  Deno.test(`huberLoss holds for differences of ${dtype} beyond the largest, and for any delta`, () => {
    const x = tensor([most, -most], { dtype });
    for (const delta of [0.1, 1e-3]) {
      const loss = (x: Tensor) => nn.huberLoss(x, x.neg().mul(0).sub(x), { delta });
      checkScalar((x) => loss(x.at([0, 1])), x, 2 * delta * most, [2 * delta, 0]);
      checkScalar((x) => nn.huberLoss(x, [-most, most], { delta }), x, 2 * delta * most, [
        delta / 2,
        -delta / 2,
      ]);
    }
    const root = dtype === "float32" ? 2 ** 64 : 2 ** 512;
    const near = tensor([root, 0], { dtype });
    const wide = (x: Tensor) =>
      nn.huberLoss(x, [0, 0], { delta: 2 * root, reduction: "none" }).at(0);
    checkScalar(wide, near, root / 2 * root, [root, 0]);
    // Such a delta is infinite in float32.
    const square = (x: Tensor) => nn.huberLoss(x, [0, 1], { delta: 1e300, reduction: "sum" });
    checkScalar(square, tensor([3, 1], { dtype }), 4.5, [3, 0]);
    const curve = hessian(square)(tensor([3, 1], { dtype })) as Tensor;
    assertTensorsClose(curve, [[1, 0], [0, 1]]);
  });

  Deno.test(`rows of equal ${dtype} elements are standardized to zeros, whatever epsilon is`, () => {
    for (const size of [1, 1e20, most]) {
      for (const eps of [0, 1e-70, 1e-80, 1e-300]) {
        const x = full([2, 3], size, { dtype });
        const layers: Record<string, (x: Tensor) => Tensor> = {
          layerNorm: (x) => nn.layerNorm(3, { eps, elementwiseAffine: false }).apply({}, {}, x)[0],
          groupNorm: (x) => nn.groupNorm(1, 3, { eps, affine: false }).apply({}, {}, x)[0],
        };
        for (const f of Object.values(layers)) {
          for (const g of [f, jit(f), (x: Tensor) => vmap(f)(stack([x, x])).at(1)]) {
            assertTensorsClose(g(x), zerosLike(x), { atol: 0 });
            assertTensorsClose(grad((x: Tensor) => g(x).sum())(x), zerosLike(x), { atol: 0 });
            assertTensorsClose(jvp(g, [x], [x])[1], zerosLike(x), { atol: 0 });
          }
        }
      }
    }
    // A cotangent that is the same for all elements moves none of them.
    const tiny = tensor([1e-30, 2e-30, 4e-30], { dtype });
    const layer = nn.layerNorm(3, { eps: 0, elementwiseAffine: false });
    const total = (x: Tensor) => layer.apply({}, {}, x)[0].mul(1e12).sum();
    for (const g of [grad(total), jit(grad(total))]) {
      const slope = g(tiny).data();
      assert(slope.every(Number.isFinite), String(slope));
    }
  });
}

import {
  abs,
  angle,
  ArgumentError,
  checkpoint,
  complex,
  concatenate,
  cond,
  conj,
  conv,
  cumprod,
  cumsum,
  customJvp,
  customVjp,
  dot,
  DtypeError,
  einsum,
  equal,
  evalShape,
  exp,
  exp2,
  expm1,
  grad,
  hessian,
  imag,
  isfinite,
  isinf,
  isnan,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  linearTranspose,
  makeProgram,
  map,
  matmul,
  mean,
  mul,
  norm,
  pmax,
  polar,
  pow,
  prod,
  psum,
  real,
  scan,
  set,
  sort,
  square,
  std,
  sum,
  tensor,
  tree,
  valueAndGrad,
  variance,
  vjp,
  vmap,
  where,
  whileLoop,
  zeros,
} from "../../mod.ts";
import * as jacobi from "../../mod.ts";
import type { ComplexNumber, Tensor } from "../../mod.ts";
import { assertTensorsClose, checkGrads } from "../../src/testing/mod.ts";
import fixture from "../fixtures/complex.json" with { type: "json" };
import { assertRefused } from "../support/errors.ts";
import { assert, assertEquals, assertThrows } from "../support/std.ts";

type Written = number | string;
type Parts = readonly (readonly Written[])[];
type Unary = (x: Tensor) => Tensor;

const functions = jacobi as unknown as Readonly<Record<string, (...args: Tensor[]) => Tensor>>;

function numbers(written: readonly Written[]): Float64Array {
  return Float64Array.from(
    written,
    (one) => one === "nan" ? NaN : Number(String(one).replace("inf", "Infinity")),
  );
}

function written([re, im]: Parts): Tensor {
  return complex(numbers(re), numbers(im));
}

/** Both parts as lists. */
function partsOf(z: Tensor): [number[], number[]] {
  return [Array.from(real(z).data()), Array.from(imag(z).data())];
}

/** How far apart two complex numbers are, relative to the second, in units of the last place. */
function distance(a: readonly number[], b: readonly number[]): number {
  const size = Math.max(Math.hypot(...b), 2 ** -1000);
  return Math.hypot(a[0] - b[0], a[1] - b[1]) / size / 2 ** -52;
}

const plain = written(fixture.plain as Parts);
const other = written(fixture.other as Parts);
const direction = written(fixture.direction as Parts);
const close = { rtol: 1e-12, atol: 1e-13 };

/** Where a function gives other results than NumPy on purpose, or where C leaves signs open. */
const DIFFERENT: Readonly<Record<string, string>> = {
  expm1: "NumPy is wrong at infinities",
  log1p: "mpmath has no signs of zeros",
  log2: "NumPy adds a NaN part where the other one is infinite",
  square: "products of infinities",
  reciprocal: "NumPy has NaN for infinite and zero divisors",
  sign: "of corners at infinity",
};

for (const name of Object.keys(fixture.values)) {
  const values = (fixture.values as unknown as Record<string, Parts>)[name];
  Deno.test(`${name} of complex numbers is NumPy's, also at zeros, infinities and branch cuts`, () => {
    const z = written(fixture.z as Parts);
    const [x, y] = partsOf(z);
    const expected = values.map(numbers);
    const f: Unary = functions[name];
    for (const out of [f(z), jit(f)(z)]) {
      const got = partsOf(out);
      x.forEach((_, i) => {
        const [a, b] = [0, 1].map((part) => [got[part][i], expected[part][i]]);
        const place = `${name}(${x[i]}, ${y[i]}) is ${a[1]}, ${b[1]}, not ${a[0]}, ${b[0]}`;
        const all = [x[i], y[i], a[1], b[1]];
        if (all.every(Number.isFinite)) {
          assert(distance([a[0], b[0]], [a[1], b[1]]) < 4, place);
          // The sign of a zero part, where the number is no product of others.
          if (!(name in DIFFERENT)) {
            for (const [one, two] of [a, b]) if (two === 0) assert(Object.is(one, two), place);
          }
        } else if (Number.isNaN(x[i]) || Number.isNaN(y[i])) {
          // An infinite part may decide by itself.
          const isOpen = [a[0], b[0], x[i], y[i]].some((one) => Math.abs(one) === Infinity);
          assert(isOpen || Number.isNaN(a[0]) || Number.isNaN(b[0]), place);
        } else if (!(name in DIFFERENT)) {
          for (const [one, two] of [a, b]) {
            const isSame = Number.isFinite(two)
              ? Math.abs(one - two) < 1e-12 * Math.max(1, Math.abs(two))
              : Number.isNaN(two) || Math.abs(one) === Math.abs(two);
            assert(isSame, place);
          }
        }
      });
    }
  });

  Deno.test(`the derivatives of ${name} of complex numbers are JAX's`, () => {
    const f: Unary = functions[name];
    const [, tangent] = jvp(f, [plain], [direction]);
    const tangents = (fixture.tangents as unknown as Record<string, Parts>)[name];
    if (tangents !== undefined) {
      const expected = written(tangents);
      assertTensorsClose(tangent, name === "abs" ? real(expected) : expected, close);
    }
    const cotangents = (fixture.cotangents as unknown as Record<string, Parts>)[name];
    if (cotangents !== undefined) {
      const [, pullback] = vjp(f, plain);
      assertTensorsClose(pullback(direction)[0], written(cotangents), close);
    }
    checkGrads((z: Tensor) => f(z), [plain], { order: 2 });
  });
}

Deno.test("arithmetic of two complex numbers is NumPy's, its derivatives hold in both parts", () => {
  for (const [name, expected] of Object.entries(fixture.binary)) {
    const f = functions[name];
    assertTensorsClose(f(plain, other), written(expected as Parts), { rtol: 1e-14, atol: 1e-15 });
    assertTensorsClose(jit(f)(plain, other), f(plain, other), { rtol: 1e-14, atol: 1e-15 });
    assertTensorsClose(vmap(f)(plain, other), f(plain, other), { rtol: 1e-14, atol: 1e-15 });
    checkGrads(f, [plain, other], { order: 2 });
  }
});

Deno.test("powers of 0 are 0, or nothing at all; positive bases turn by the exponent alone", () => {
  const powers = (bases: readonly number[], exponents: readonly number[][]) => {
    const part = (k: number) => Float64Array.from(exponents, (one) => one[k]);
    const x = complex(Float64Array.from(bases), new Float64Array(bases.length));
    const y = complex(part(0), part(1));
    const out = partsOf(pow(x, y));
    assertEquals(partsOf(jit(pow)(x, y)), out);
    return bases.map((_, i) => [out[0][i], out[1][i]]);
  };
  for (const zero of [0, -0]) {
    const exponents = [[1, 2], [1, -1000], [0.5, 1e-200], [0, 2], [-1, 1e-200], [1, Infinity], [
      0,
      0,
    ]];
    const nothing = [NaN, NaN];
    assertEquals(
      powers(exponents.map(() => zero), exponents),
      [[0, 0], [0, 0], [0, 0], nothing, nothing, nothing, [1, 0]],
    );
  }
  const I = Infinity;
  assertEquals(
    powers([2, 2, 0.5, 2], [[I, 0], [-I, 0], [-I, 0], [I, 1]]),
    [[I, 0], [0, 0], [I, 0], [I, I]],
  );
});

Deno.test("gradients of real functions of complex numbers are JAX's", () => {
  const cases: Readonly<Record<string, Unary>> = {
    absSquared: (z) => sum(square(abs(z))),
    abs: (z) => sum(abs(z)),
    real: (z) => sum(square(real(z))),
    imag: (z) => sum(pow(imag(z), 3)),
    angle: (z) => sum(angle(z)),
    realOfExp: (z) => sum(real(exp(mul(z, z)))),
    conj: (z) => sum(real(mul(conj(z), jacobi.sin(z)))),
  };
  for (const [name, f] of Object.entries(cases)) {
    const expected = written((fixture.gradients as unknown as Record<string, Parts>)[name]);
    assertTensorsClose(grad(f)(plain), expected, close);
    assertTensorsClose(jit(grad(f))(plain), expected, close);
    assertTensorsClose(valueAndGrad(f)(plain)[1], expected, close);
  }
});

Deno.test("the gradient of a holomorphic function is its derivative", () => {
  const f = (z: Tensor) => sum(exp(z.mul(z)));
  const expected = exp(plain.mul(plain)).mul(plain).mul(2);
  assertTensorsClose(grad(f, { holomorphic: true })(plain), expected, close);
  const block = jacrev((z: Tensor) => z.mul(z), { holomorphic: true })(plain) as Tensor;
  assertTensorsClose(
    block,
    jacfwd((z: Tensor) => z.mul(z), { holomorphic: true })(plain) as Tensor,
    close,
  );
  assertTensorsClose(jacobi.diagonal(block), plain.mul(2), close);
});

Deno.test("jacobians have complex blocks for complex results of real arguments, and the other way", () => {
  const x = tensor([0.3, -0.7], { dtype: "float64" });
  const f = (x: Tensor) => exp(complex(x, x.mul(2)));
  const slope = mul(f(x), { re: 1, im: 2 });
  for (const jacobian of [jacfwd, jacrev]) {
    assertTensorsClose(jacobi.diagonal(jacobian(f)(x) as Tensor), slope, close);
  }
  const g = (z: Tensor) => square(abs(z));
  assertTensorsClose(jacobi.diagonal(jacrev(g)(plain) as Tensor), conj(plain).mul(2), close);
  const h = (x: Tensor) => sum(square(abs(f(x))));
  assertTensorsClose(hessian(h)(x), jacobi.diag(exp(x.mul(2)).mul(4)), close);
});

Deno.test("logsumexp of complex numbers is the logarithm of the sum, without overflow", () => {
  const z = complex([[1, -2], [700, 709.5]], [[3, 0.5], [2, 2.5]]).astype("complex128");
  const direct = jacobi.log(sum(exp(z), 1));
  const rows = (z: Tensor) => jacobi.logsumexp(z, 1);
  for (const f of [rows, jit(rows)]) {
    assertTensorsClose(f(z).at(0), direct.at(0), { rtol: 1e-14 });
    assertTensorsClose(f(z.add(5000)), rows(z).add(5000), { rtol: 1e-12 });
    assertTensorsClose(f(z.sub(5000)), rows(z).sub(5000), { rtol: 1e-12 });
  }
  const none = complex([-Infinity, -Infinity], [0, 0]);
  assertEquals(jacobi.logsumexp(none).item<ComplexNumber>(), { re: -Infinity, im: 0 });
  checkGrads((z: Tensor) => jacobi.logsumexp(z, 0), [z.at([0, 1])], { order: 2 });
  const p = exp(z.at(0).sub(jacobi.logsumexp(z.at(0))));
  assertTensorsClose(grad((z: Tensor) => jacobi.logsumexp(z), { holomorphic: true })(z.at(0)), p);
});

Deno.test("complex numbers pad complex tensors, and no others", () => {
  const z = complex([1, 2], [3, -1]);
  const value = { re: 5, im: -6 };
  const expected = complex([5, 1, 2, 5], [-6, 3, -1, -6]);
  const padded = (z: Tensor) => jacobi.pad(z, 1, { value });
  for (const f of [padded, jit(padded)]) assertTensorsClose(f(z), expected);
  assertTensorsClose(vmap(padded)(z.reshape([1, 2])).at(0), expected);
  assertTensorsClose(
    grad((z: Tensor) => sum(real(padded(z).mul(value))))(z),
    complex([5, 5], [-6, -6]),
  );
  assertRefused(
    () => padded(real(z)),
    DtypeError,
    "Cannot pad float32[2]: float32 does not hold complex numbers; choose a complex dtype",
  );
});

Deno.test("errors name what a complex result or argument needs", () => {
  const z = complex([1, 2], 1);
  const message = (f: () => unknown) => (assertThrows(f) as Error).message;
  assertEquals(
    message(() => grad((z: Tensor) => sum(z))(z)),
    "Cannot take grad of a function that returns complex64[]: expected a real scalar; " +
      "take real, imag or abs of it, or pass holomorphic if the function is",
  );
  assertEquals(
    message(() => jacrev((z: Tensor) => z)(z)),
    "Cannot take jacrev of a complex function of complex arguments: " +
      "pass holomorphic if the function is, or take real and imag of both",
  );
  assertEquals(
    message(() => jacobi.less(z, z)),
    "Cannot apply less to complex64[2] and complex64[2]: expected real numbers; " +
      "take real(x), imag(x) or abs(x)",
  );
  const advice = ": expected real numbers; take real(x), imag(x) or abs(x)";
  const bytes = tensor([1, 2], { dtype: "int8" });
  for (
    const name of [
      "less",
      "lessEqual",
      "greater",
      "greaterEqual",
      "maximum",
      "minimum",
      "mod",
      "atan2",
    ]
  ) {
    const refusal = `Cannot apply ${name} to int8[2] and complex64[2]${advice}`;
    assertRefused(() => functions[name](bytes, z), DtypeError, refusal);
    assertRefused(() => jit(functions[name])(bytes, z), DtypeError, refusal);
  }
  assertRefused(
    () => jacobi.clip(bytes, 0, z),
    DtypeError,
    `Cannot apply clip to int8[2] and float32[] and complex64[2]${advice}`,
  );
  const unary = { ...functions, ...jacobi.nn } as unknown as typeof functions;
  for (
    const name of [
      ...["floor", "ceil", "trunc", "erf", "erfc", "erfinv", "lgamma"],
      ...["max", "min", "argmax", "argmin", "digamma", "relu", "leakyRelu", "elu"],
      ...["gelu", "silu", "softplus", "hardtanh", "mish", "softmax", "logSoftmax"],
    ]
  ) {
    const refusal = `Cannot apply ${name} to complex64[2]${advice}`;
    assertRefused(() => unary[name](z), DtypeError, refusal);
    assertRefused(() => jit(unary[name])(z), DtypeError, refusal);
  }
  assertRefused(
    () => hessian((z: Tensor) => sum(square(abs(z))))(z),
    DtypeError,
    "Cannot take hessian of a real function by complex64[2]: expected real arguments; " +
      "pass real and imaginary parts by themselves: " +
      "hessian((re, im) => f(complex(re, im)), { argnums: [0, 1] })",
  );
  assertRefused(
    () => hessian((z: Tensor) => z)(z),
    DtypeError,
    "Cannot take hessian of a complex function of complex arguments: " +
      "pass holomorphic if the function is, or take real and imag of both",
  );
  const parts = hessian((re, im) => sum(square(abs(complex(re, im)))), { argnums: [0, 1] });
  const [[twice, none]] = parts(real(z), imag(z));
  assertTensorsClose(twice, [[2, 0], [0, 2]]);
  assertTensorsClose(none, zeros([2, 2]));
  assertEquals(
    message(() => z.astype("float32")),
    "Cannot convert complex64[2] to float32: the imaginary parts would be lost; " +
      "take real(x), imag(x) or abs(x)",
  );
  assertEquals(
    message(() => complex(z, 1)),
    "Cannot make complex numbers of complex64[2]: expected real numbers; take real(x) or imag(x)",
  );
  assertEquals(
    message(() => tensor([{ re: 1, im: 2 }], { dtype: "float32" })),
    "Cannot make a tensor: float32 does not hold complex numbers; choose a complex dtype",
  );
  for (const name of ["max", "argmax", "floor", "erf", "lgamma"]) {
    assertThrows(() => functions[name](z), TypeError);
  }
  for (const name of ["maximum", "mod", "atan2"]) {
    assertThrows(() => functions[name](z, z), TypeError);
  }
  assertThrows(() => vmap((z: Tensor) => pmax(z, "i"), 0, 0, { axisName: "i" })(z), TypeError);
});

Deno.test("complex tensors are shown while they are traced, and when they were donated", () => {
  const shown: string[] = [];
  const show = (z: Tensor) => {
    shown.push(Deno.inspect(z));
    return z;
  };
  const z = complex([1, 2], 3);
  jit(show)(z);
  jit((x: Tensor) => show(complex(1, x)))(tensor(2));
  grad((z: Tensor) => sum(abs(show(z))))(z);
  assertEquals(shown, [
    "complex(Traced(float32[2], jit), Traced(float32[2], jit))",
    "complex(tensor(1.), Traced(float32[], jit))",
    String(z),
  ]);
  const twice = jit(({ z }: { z: Tensor }) => z.mul(2), { donateArgnums: 0 });
  twice({ z });
  assertEquals(Deno.inspect(z), "tensor(<donated>, complex64[2])");
  for (const [part, f] of [["real", real], ["imaginary", imag]] as const) {
    assertRefused(
      () => f(z).data(),
      ArgumentError,
      `Cannot use float32[2]: it was donated as the ${part} parts of complex64[2], args[0].z of ` +
        "an anonymous function (call 1); use what that call returned, or keep a copy from before " +
        "it: copy(x), tree.map(copy, params)",
    );
  }
});

Deno.test("complex tensors are made of parts, of numbers and of reals, and read back", () => {
  const z = complex([1, -0], [2, 3]);
  assertEquals([z.dtype, z.shape, z.size, z.ndim], ["complex64", [2], 2, 1]);
  assertEquals(z.toArray(), [{ re: 1, im: 2 }, { re: -0, im: 3 }]);
  assertEquals(z.data(), new Float32Array([1, 2, -0, 3]));
  assertEquals(tensor(z.toArray()).data(), z.data());
  assertEquals(complex(3, 4).item<ComplexNumber>(), { re: 3, im: 4 });
  assertEquals(
    String(complex([1, -2.5], [-1, 2])),
    "tensor([ 1.0000-1.0000i, -2.5000+2.0000i], dtype=complex64)",
  );
  assertEquals(
    tensor([1, { re: 2, im: 3 }], { dtype: "complex128" }).data(),
    new Float64Array([1, 0, 2, 3]),
  );
  assertEquals(zeros([2], { dtype: "complex64" }).dtype, "complex64");
  assertEquals(tensor([1, 2]).astype("complex64").data(), new Float32Array([1, 0, 2, 0]));
  assertEquals(complex(tensor([1], { dtype: "float64" }), 2).dtype, "complex128");
  assertEquals(JSON.stringify(z), '[{"re":1,"im":2},{"re":0,"im":3}]');
});

Deno.test("complex and real operands meet in the wider complex dtype", () => {
  const z = complex([1, 2], 3);
  const dtypes = (x: Tensor) =>
    [mul(z, x), mul(x, z), where(true, x, z), concatenate([x, z], 0)].map((y) => y.dtype);
  const of = (dtype: "float64" | "float32" | "int32" | "bool") => tensor([1, 1]).astype(dtype);
  for (const dtype of ["float32", "int32", "bool"] as const) {
    assertEquals(dtypes(of(dtype)), ["complex64", "complex64", "complex64", "complex64"]);
  }
  assertEquals(dtypes(of("float64")), ["complex128", "complex128", "complex128", "complex128"]);
  assertEquals(mul(z, 2.5).dtype, "complex64");
  assertEquals(mul(z, { re: 0, im: 1 }).data(), new Float32Array([-3, 1, -3, 2]));
  // A real operand stays real: no part of a product is infinity times zero.
  assertEquals(mul(Infinity, complex(1, 2)).data(), new Float32Array([Infinity, Infinity]));
});

Deno.test("reductions and running results of complex numbers", () => {
  const z = written(fixture.plain as Parts);
  const list = z.toArray() as ComplexNumber[];
  const times = (a: ComplexNumber, b: ComplexNumber) => ({
    re: a.re * b.re - a.im * b.im,
    im: a.re * b.im + a.im * b.re,
  });
  const product = list.reduce(times);
  const products: ComplexNumber[] = [];
  list.reduce((all, one) => (products.push(times(all, one)), products[products.length - 1]), {
    re: 1,
    im: 0,
  });
  const [x, y] = [real(z), imag(z)];
  assertTensorsClose(sum(z), complex(sum(x), sum(y)), close);
  assertTensorsClose(mean(z), complex(mean(x), mean(y)), close);
  assertTensorsClose(prod(z), tensor(product, { dtype: "complex128" }), close);
  assertTensorsClose(cumsum(z, 0), complex(cumsum(x, 0), cumsum(y, 0)), close);
  assertTensorsClose(cumprod(z, 0), tensor(products, { dtype: "complex128" }), close);
  assertTensorsClose(variance(z), variance(x).add(variance(y)), close);
  assertTensorsClose(square(std(z)), variance(z), close);
  assertTensorsClose(norm(z), jacobi.sqrt(sum(square(abs(z)))), close);
  assertTensorsClose(norm(z, 0, { ord: 3 }), norm(abs(z), 0, { ord: 3 }), close);
  assertTensorsClose(dot(z, conj(z)), complex(sum(square(abs(z))), 0), close);
  for (const f of [sum, mean, prod, variance, std, norm]) {
    checkGrads((z: Tensor) => f(z), [z], { order: 2 });
  }
  for (const f of [cumsum, cumprod]) checkGrads((z: Tensor) => f(z, 0), [z]);
  assertEquals(prod(complex(zeros([0]), 0)).toArray(), { re: 1, im: 0 });
});

Deno.test("sorting is by real parts, then by imaginary ones, NaN behind all", () => {
  assertEquals(
    sort(written(fixture.unsorted as Parts)).data(),
    written(fixture.sorted as Parts).data(),
  );
  const z = complex([NaN, 1, 2, 1, 1], [0, NaN, 0, 5, -5]);
  assertEquals(jacobi.argsort(z).toArray(), [4, 3, 2, 1, 0]);
  assertEquals(jacobi.argsort(z, 0, { descending: true }).toArray(), [0, 1, 2, 3, 4]);
});

Deno.test("products of matrices, contractions and convolutions of complex numbers", () => {
  const a = complex(
    tensor([[1, 2], [3, 4]], { dtype: "float64" }),
    tensor([[0, -1], [1, 2]], { dtype: "float64" }),
  );
  const x = complex(tensor([1, -1], { dtype: "float64" }), tensor([2, 0.5], { dtype: "float64" }));
  const [re, im] = [real, imag];
  const expected = complex(
    matmul(re(a), re(x)).sub(matmul(im(a), im(x))),
    matmul(re(a), im(x)).add(matmul(im(a), re(x))),
  );
  assertTensorsClose(matmul(a, x), expected, close);
  assertTensorsClose(einsum("ij,j->i", a, x), expected, close);
  assertTensorsClose(matmul(a, re(x)), complex(matmul(re(a), re(x)), matmul(im(a), re(x))), close);
  checkGrads(matmul, [a, x], { order: 2 });
  const image = complex(jacobi.arange(5), jacobi.arange(5).mul(-1)).reshape([1, 1, 5]);
  const filter = complex([1, 2], [0, 1]).reshape([1, 1, 2]);
  const direct = [0, 1, 2, 3].map((i) => sum(image.at(0, 0, [i, i + 2]).mul(filter.at(0, 0))));
  assertTensorsClose(conv(image, filter).reshape([4]), jacobi.stack(direct));
});

Deno.test("tests, indexing and updates of complex numbers", () => {
  const z = complex([1, NaN, Infinity, 0], [0, 1, 2, -Infinity]);
  assertEquals(isnan(z).toArray(), [false, true, false, false]);
  assertEquals(isinf(z).toArray(), [false, false, true, true]);
  assertEquals(isfinite(z).toArray(), [true, false, false, false]);
  assertEquals(equal(complex([1, 1], [2, 3]), { re: 1, im: 2 }).toArray(), [true, false]);
  assertEquals(
    set(complex([1, 2], 0), [0], { re: 5, im: 6 }).data(),
    new Float32Array([5, 6, 2, 0]),
  );
  assertEquals(complex([1, 2, 3], [4, 5, 6]).at([1, null]).data(), new Float32Array([2, 5, 3, 6]));
  assertEquals([...complex([1, 2], 3)].map((one) => one.item<ComplexNumber>().re), [1, 2]);
  assertEquals(polar(1, [0, Math.PI / 2]).dtype, "complex64");
});

Deno.test("transforms and control flow follow complex numbers", () => {
  const f = (z: Tensor) => exp(z).mul(z);
  const [value, push] = linearize(f, plain);
  assertTensorsClose(value, f(plain), close);
  assertTensorsClose(push(direction), jvp(f, [plain], [direction])[1], close);
  const [pulled] = linearTranspose((z: Tensor) => z.mul(other), plain)(direction);
  assertTensorsClose(pulled, direction.mul(other), close);
  const [transposed] = linearTranspose((z: Tensor) => z.div(other), plain)(direction);
  assertTensorsClose(transposed, direction.div(other), close);
  const one = complex(tensor(1, { dtype: "float64" }), 0);
  const [last, all] = scan((c: Tensor, z: Tensor) => [c.mul(z), c], one, plain);
  assertTensorsClose(last, prod(plain), close);
  assertTensorsClose(all.at(1), plain.at(0), close);
  const doubled = whileLoop(
    (z: Tensor) => jacobi.less(abs(z), 100),
    (z: Tensor) => z.mul(z),
    complex(1.5, 1),
  );
  assert(abs(doubled).item() >= 100);
  const chosen = jit((p: Tensor, z: Tensor) => cond(p, (z) => z.mul(2), (z) => conj(z), z));
  assertTensorsClose(chosen(tensor(false), plain), conj(plain), close);
  assertTensorsClose(map((z: Tensor) => f(z), plain), f(plain), close);
  assertTensorsClose(
    vmap((z: Tensor) => psum(z, "i"), 0, 0, { axisName: "i" })(plain).at(0),
    sum(plain),
    close,
  );
  const loss = (z: Tensor) => sum(square(abs(checkpoint(f)(z))));
  assertTensorsClose(grad(loss)(plain), grad((z: Tensor) => sum(square(abs(f(z)))))(plain), close);
  checkGrads((z: Tensor) => scan((c: Tensor, z: Tensor) => [c.mul(z), c], one, z)[0], [plain]);
});

Deno.test("rules of one's own see cotangents in the convention of pullbacks", () => {
  const square1 = customVjp(
    (z: Tensor) => z.mul(z),
    (z: Tensor) => [z.mul(z), z],
    (z: Tensor, cotangent: Tensor) => [cotangent.mul(z).mul(2)],
  );
  const square2 = customJvp((z: Tensor) => z.mul(z), ([z], [dz]) => [z.mul(z), z.mul(dz).mul(2)]);
  const [, expected] = vjp((z: Tensor) => z.mul(z), plain);
  for (const f of [square1, square2]) {
    assertTensorsClose(vjp(f, plain)[1](direction)[0], expected(direction)[0], close);
  }
});

Deno.test("programs hold real numbers, trees take complex tensors as leaves", () => {
  const z = complex([1, 2], 3);
  assertEquals(
    String(makeProgram((z: Tensor) => z.add(1))(z)),
    [
      "program(a: float32[2], b: float32[2]) {",
      "  c: float32[2] = add(a, 1)",
      "  return (c, b)",
      "}",
    ].join("\n"),
  );
  assertEquals(String(evalShape((z: Tensor) => expm1(z))(z)), "complex64[2]");
  assertEquals(tree.leaves({ z }), [z]);
  assertTensorsClose(tree.map((x: Tensor) => x.mul(x), { z }).z, z.mul(z));
  assertEquals(tree.parameterCount({ z }), 2);
  const { message, transfer } = tree.toTransfer({ z });
  const received = tree.fromTransfer<{ z: Tensor }>(structuredClone(message, { transfer }));
  assertEquals(received.z.data(), z.data());
});

Deno.test("types of complex tensors are traced as pairs, and evenly spaced numbers lie on a line", () => {
  const type = new jacobi.TensorType("complex128", [2, 3]);
  assertEquals(
    String(evalShape((z: Tensor) => [abs(z), exp(z)])(type)),
    "float64[2,3],complex128[2,3]",
  );
  assertEquals(makeProgram((z: Tensor) => abs(z))(type).binders.length, 2);
  const line = jacobi.linspace({ re: 0, im: 1 }, complex(1, 3), 3);
  assertEquals(line.dtype, "complex64");
  assertEquals(line.data(), new Float32Array([0, 1, 0.5, 2, 1, 3]));
});

Deno.test("messages call complex tensors and numbers by what they are", () => {
  const z = complex([1, 2], 3);
  assertRefused(
    () => jacobi.scan((sum: Tensor, x: Tensor) => [sum.add(x), x], tensor(0), z),
    jacobi.TreeError,
    "Cannot scan: a step must return a carry like the one it gets; " +
      "expected a leaf at the root, got a complex tensor",
  );
  assertRefused(
    () => tensor([{ re: 1 }] as unknown as number[]),
    jacobi.ArgumentError,
    "Cannot make a tensor: expected a number or boolean at [0], got object; " +
      "a complex number is { re, im }, both of them numbers",
  );
});

Deno.test("exp2 of infinite numbers is NumPy's", () => {
  for (const [re, size] of [[Infinity, Infinity], [-Infinity, 0]]) {
    for (const im of [0, 1, -3, Infinity, NaN]) {
      const y = exp2(complex(tensor(re, { dtype: "float64" }), im));
      assertTensorsClose(y, exp(complex(tensor(re, { dtype: "float64" }), im * Math.LN2)));
      assertEquals(Math.abs(real(y).item()), size);
    }
  }
});

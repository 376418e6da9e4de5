/**
 * Rules of Fourier transforms, by the operation of the dialect on complex numbers.
 *
 * @module
 */
import type { FourierParams, RealParams } from "../primitives/fourier.ts";
import type { Builder } from "./builder.ts";
import type { Context } from "./rule.ts";
import type { Kind, Value } from "./writer.ts";

type Args = readonly Value[];

/** Complex numbers with these parts. */
function complex(b: Builder, re: Value, im: Value): Value {
  const dtype: Kind = re.dtype === "float32" ? "complex64" : "complex128";
  return b.short("stablehlo.complex", [re, im], "", { dtype, shape: re.shape });
}

/** Their parts. */
function parts(b: Builder, z: Value): [re: Value, im: Value] {
  const type = { dtype: z.dtype === "complex64" ? "float32" : "float64", shape: z.shape } as const;
  return [b.short("stablehlo.real", [z], "", type), b.short("stablehlo.imag", [z], "", type)];
}

/** A transform along the last axis; `length` is that of the real or complex numbers. */
function fft(b: Builder, x: Value, kind: "FFT" | "RFFT" | "IRFFT", length: number): Value {
  const shape = [...x.shape.slice(0, -1), kind === "RFFT" ? Math.floor(length / 2) + 1 : length];
  const dtype: Kind = kind === "FFT"
    ? x.dtype
    : kind === "RFFT"
    ? (x.dtype === "float32" ? "complex64" : "complex128")
    : (x.dtype === "complex64" ? "float32" : "float64");
  return b.short("stablehlo.fft", [x], `type = ${kind}, length = [${length}]`, { dtype, shape });
}

/** The transform with the other sign is that of the exchanged parts. */
function fourier(b: Builder, [re, im]: Args, { params }: Context<FourierParams>): Args {
  const length = re.shape[re.shape.length - 1];
  if (!params.inverse) return parts(b, fft(b, complex(b, re, im), "FFT", length));
  return parts(b, fft(b, complex(b, im, re), "FFT", length)).reverse();
}

function fourierOfReal(b: Builder, [x]: Args): Args {
  return parts(b, fft(b, x, "RFFT", x.shape[x.shape.length - 1]));
}

/** The inverse counts all numbers except the first and the middle one twice, and divides by the length. */
function realOfFourier(
  b: Builder,
  [re, im]: Args,
  { params: { length } }: Context<RealParams>,
): Args {
  const place = b.iota({ dtype: "int32", shape: re.shape }, re.shape.length - 1);
  const isFirst = b.compare("EQ", place, 0);
  const isAlone = length % 2 === 1 ? isFirst : b.or(isFirst, b.compare("EQ", place, length / 2));
  const weight = b.select(isAlone, b.splat(length, re), b.splat(length / 2, re));
  return [fft(b, complex(b, b.mul(re, weight), b.mul(im, weight)), "IRFFT", length)];
}

/** The rules of transforms. */
export const transforms = { fourier, fourierOfReal, realOfFourier } as const;

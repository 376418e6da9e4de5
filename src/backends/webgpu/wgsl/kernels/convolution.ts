/**
 * Convolutions and their two adjoints as matrix products, one for each group of channels; windows are read
 * in place. Also the search for the largest elements of windows.
 *
 * @module
 */
import { sizeOf, stridesOf } from "../../../../base/shape.ts";
import type { ConvParams, WindowParams } from "../../../../primitives/window.ts";
import type { Kernel, Limits, Operand } from "../kernel.ts";
import { heldType, zeroOf } from "../module.ts";
import { keyFunction } from "./keys.ts";
import { at, coordinates, each } from "./passes.ts";
import { emitProduct } from "./product.ts";
import { boundedWalk, stridedWalk } from "./walks.ts";

/** The extents of a convolution. */
interface Extents {
  readonly images: number;
  readonly groups: number;
  /** Channels per group. */
  readonly ins: number;
  readonly outs: number;
  /** The numbers of input positions, of windows, and of positions in a window. */
  readonly inputs: number;
  readonly windows: number;
  readonly taps: number;
}

function extentsOf(
  { groups, input, output, kernel }: ConvParams,
  images: number,
  ins: number,
  outs: number,
): Extents {
  const [inputs, windows, taps] = [input, output, kernel].map(sizeOf);
  return { images, groups, ins, outs, inputs, windows, taps };
}

/**
 * Statements that declare `source`, the input position of position `tap` of window `window`, and run
 * `outside` if that is out of range.
 */
function windowPlace(
  { stride, dilation, padLow, input, kernel, output }: WindowParams,
  outside: string,
): string {
  const strides = stridesOf(input);
  const axes = input.map((length, axis) =>
    `let a${axis} = i32(w${axis} * ${stride[axis]}u + q${axis} * ${dilation[axis]}u) - ${
      padLow[axis]
    };
if (a${axis} < 0 || a${axis} >= ${length}) { ${outside} }`
  );
  const terms = input.map((_, axis) => `u32(a${axis}) * ${strides[axis]}u`);
  return `${coordinates("w", "window", output)}
${coordinates("q", "tap", kernel)}
${axes.join("\n")}
let source = ${terms.join(" + ") || "0u"};`;
}

/**
 * Statements that declare `source`, the window in which position `position` of the input is at `tap`, and
 * run `outside` if there is none.
 */
function windowOf(
  { stride, dilation, padLow, input, kernel, output }: WindowParams,
  outside: string,
): string {
  const strides = stridesOf(output);
  const axes = input.map((_, axis) =>
    `let a${axis} = i32(z${axis}) + ${padLow[axis]} - i32(q${axis} * ${dilation[axis]}u);
let v${axis} = u32(a${axis}) / ${stride[axis]}u;
if (a${axis} < 0 || v${axis} * ${stride[axis]}u != u32(a${axis}) || v${axis} >= ${
      output[axis]
    }u) { ${outside} }`
  );
  const terms = input.map((_, axis) => `v${axis} * ${strides[axis]}u`);
  return `${coordinates("z", "position", input)}
${coordinates("q", "tap", kernel)}
${axes.join("\n")}
let source = ${terms.join(" + ") || "0u"};`;
}

/** The kernel of `convolve`: `x` and `w` to `y`. */
export function emitConvolve(
  [x, w]: readonly Operand[],
  params: ConvParams,
  [y]: readonly Operand[],
  limits: Limits,
): Kernel {
  const { groups } = params;
  const { images, ins, outs, inputs, windows, taps } = extentsOf(
    params,
    x.shape[0],
    w.shape[1],
    w.shape[0] / groups,
  );
  const held = heldType(y.dtype);
  const length = ins * taps;
  return emitProduct({
    held,
    batch: groups,
    rows: outs,
    columns: images * windows,
    length,
    loops: [ins, ...params.kernel],
    skips: false,
    left: {
      operand: 1,
      held: heldType(w.dtype),
      read: `return ${held}(${at(0, `(t * ${outs}u + i) * ${length}u + p`)});`,
      along: true,
      walk: stridedWalk((i) => `(t * ${outs}u + ${i}) * ${length}u`, [
        taps,
        ...stridesOf(params.kernel),
      ]),
    },
    right: {
      operand: 0,
      held: heldType(x.dtype),
      read: `let image = j / ${windows}u;
let window = j % ${windows}u;
let channel = p / ${taps}u;
let tap = p % ${taps}u;
${windowPlace(params, `return ${zeroOf(held)};`)}
return ${held}(${at(1, `((image * ${groups}u + t) * ${ins}u + channel) * ${inputs}u + source`)});`,
      along: false,
      walk: boundedWalk(
        (name, j, base) =>
          `let window${name} = ${j} % ${windows}u;
${coordinates(`w${name}_`, `window${name}`, params.output)}
let o${name}_0 = ${base} + ((${j} / ${windows}u) * ${groups}u + t) * ${ins * inputs}u;`,
        inputs,
        params.input.map((end, axis) => (name, counter) => ({
          declare: `let a${name}_${axis} = u32(i32(w${name}_${axis} * ${
            params.stride[axis]
          }u + ${counter} * ${params.dilation[axis]}u) - ${params.padLow[axis]});`,
          coordinate: `a${name}_${axis}`,
          test: `(a${name}_${axis} < ${end}u)`,
          stride: stridesOf(params.input)[axis],
        })),
      ),
    },
    place: `(((j / ${windows}u) * ${groups}u + t) * ${outs}u + i) * ${windows}u + j % ${windows}u`,
  }, limits);
}

/** The kernel of `convolveInput`: `y` and `w` to `x`. */
export function emitConvolveInput(
  [y, w]: readonly Operand[],
  params: ConvParams,
  [x]: readonly Operand[],
  limits: Limits,
): Kernel {
  const { groups } = params;
  const { images, ins, outs, inputs, windows, taps } = extentsOf(
    params,
    y.shape[0],
    w.shape[1],
    w.shape[0] / groups,
  );
  const held = heldType(x.dtype);
  return emitProduct({
    held,
    batch: groups,
    rows: ins,
    columns: images * inputs,
    length: outs * taps,
    loops: [outs, ...params.kernel],
    skips: true,
    left: {
      operand: 1,
      held: heldType(w.dtype),
      read: `let source = ((t * ${outs}u + p / ${taps}u) * ${ins}u + i) * ${taps}u + p % ${taps}u;
return ${held}(${at(0, "source")});`,
      along: taps > 1,
      walk: stridedWalk((i) => `(t * ${outs * ins}u + ${i}) * ${taps}u`, [
        ins * taps,
        ...stridesOf(params.kernel),
      ]),
    },
    right: {
      operand: 0,
      held: heldType(y.dtype),
      read: `let image = j / ${inputs}u;
let position = j % ${inputs}u;
let channel = p / ${taps}u;
let tap = p % ${taps}u;
${windowOf(params, `return ${zeroOf(held)};`)}
return ${held}(${
        at(1, `((image * ${groups}u + t) * ${outs}u + channel) * ${windows}u + source`)
      });`,
      along: false,
      walk: boundedWalk(
        (name, j, base) =>
          `let position${name} = ${j} % ${inputs}u;
${coordinates(`z${name}_`, `position${name}`, params.input)}
let o${name}_0 = ${base} + ((${j} / ${inputs}u) * ${groups}u + t) * ${outs * windows}u;`,
        windows,
        params.output.map((end, axis) => (name, counter) => {
          const step = params.stride[axis];
          const [a, v] = [`a${name}_${axis}`, `v${name}_${axis}`];
          return {
            declare: `let ${a} = i32(z${name}_${axis}) + ${
              params.padLow[axis]
            } - i32(${counter} * ${params.dilation[axis]}u);
let ${v} = u32(${a})${step === 1 ? "" : ` / ${step}u`};`,
            coordinate: v,
            test: step === 1
              ? `(${v} < ${end}u)`
              : `(${a} >= 0) & (${v} * ${step}u == u32(${a})) & (${v} < ${end}u)`,
            stride: stridesOf(params.output)[axis],
          };
        }),
      ),
    },
    place: `(((j / ${inputs}u) * ${groups}u + t) * ${ins}u + i) * ${inputs}u + j % ${inputs}u`,
  }, limits);
}

/** The kernel of `convolveFilter`: `x` and `y` to `w`. */
export function emitConvolveFilter(
  [x, y]: readonly Operand[],
  params: ConvParams,
  [w]: readonly Operand[],
  limits: Limits,
): Kernel {
  const { groups } = params;
  const { images, ins, outs, inputs, windows, taps } = extentsOf(
    params,
    x.shape[0],
    x.shape[1] / groups,
    y.shape[1] / groups,
  );
  const held = heldType(w.dtype);
  return emitProduct({
    held,
    batch: groups,
    rows: outs,
    columns: ins * taps,
    length: images * windows,
    loops: [images, ...params.output],
    skips: false,
    left: {
      operand: 1,
      held: heldType(y.dtype),
      read: `let source = (((p / ${windows}u) * ${groups}u + t) * ${outs}u + i) * ${windows}u;
return ${held}(${at(0, `source + p % ${windows}u`)});`,
      along: true,
      walk: stridedWalk((i) => `(t * ${outs}u + ${i}) * ${windows}u`, [
        groups * outs * windows,
        ...stridesOf(params.output),
      ]),
    },
    right: {
      operand: 0,
      held: heldType(x.dtype),
      read: `let image = p / ${windows}u;
let window = p % ${windows}u;
let channel = j / ${taps}u;
let tap = j % ${taps}u;
${windowPlace(params, `return ${zeroOf(held)};`)}
return ${held}(${at(1, `((image * ${groups}u + t) * ${ins}u + channel) * ${inputs}u + source`)});`,
      along: true,
      walk: boundedWalk(
        (name, j, base) =>
          `let tap${name} = ${j} % ${taps}u;
${coordinates(`q${name}_`, `tap${name}`, params.kernel)}
let o${name}_0 = ${base} + (t * ${ins}u + ${j} / ${taps}u) * ${inputs}u;`,
        groups * ins * inputs,
        params.input.map((end, axis) => (name, counter) => ({
          declare: `let a${name}_${axis} = u32(i32(${counter} * ${
            params.stride[axis]
          }u + q${name}_${axis} * ${params.dilation[axis]}u) - ${params.padLow[axis]});`,
          coordinate: `a${name}_${axis}`,
          test: `(a${name}_${axis} < ${end}u)`,
          stride: stridesOf(params.input)[axis],
        })),
      ),
    },
    place: `(t * ${outs}u + i) * ${ins * taps}u + j`,
  }, limits);
}

/** The kernel of `argmaxWindow`. */
export function emitArgmaxWindow(
  [x]: readonly Operand[],
  params: WindowParams,
  [output]: readonly Operand[],
): Kernel {
  const [inputs, windows, taps] = [params.input, params.output, params.kernel].map(sizeOf);
  const size = sizeOf(output.shape);
  const operations = size * taps;
  if (size === 0) return { passes: [], scratch: [], operations };
  const search = `let base = (i / ${windows}u) * ${inputs}u;
let window = i % ${windows}u;
for (var tap = 0u; tap < ${taps}u; tap++) {
${windowPlace(params, "continue;")}
let key = key_of(${at(0, "base + source")});
if (best < 0 || key > most) {
best = i32(source);
most = key;
}
}`;
  const isEmpty = taps === 0 || inputs === 0;
  const body = `var best = -1;
var most = 0u;
${isEmpty ? "" : search}
${at(1, "i")} = best;`;
  const shared = keyFunction(heldType(x.dtype), "ascending");
  return {
    passes: [each([[0, "u32"], [1, "i32"]], size, body, { shared })],
    scratch: [],
    operations,
  };
}

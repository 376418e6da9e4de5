/**
 * Complex tensors: pairs of real ones. They never reach a trace: operations decompose them into their
 * parts, and so do the transforms, for which they are tree nodes with two leaves. Programs, and
 * everything that runs them, therefore hold real numbers only.
 *
 * @module
 */
import { complexDtype, partDtype } from "../base/dtype.ts";
import type { Elements, Unshared } from "../base/dtype.ts";
import { dtypeError, internalError, shapeError } from "../base/errors.ts";
import { showType } from "../base/shape.ts";
import type { Device } from "./device.ts";
import { formatTensor } from "./format.ts";
import type { ComplexNumber, NestedArray } from "./methods.ts";
import type { Primitive } from "./primitive.ts";
import type { Placement, Sharding } from "./sharding.ts";
import { Concrete, sameType, showDonated, Tensor, zerosOf } from "./tensor.ts";
import type { Type } from "./tensor.ts";
import { TensorType } from "./tensor_type.ts";
import { registerNode } from "./tree.ts";
import type { CustomNode, Structure } from "./tree.ts";

/** A tensor of complex numbers; it is concrete or traced, as its parts are. */
export class ComplexTensor extends Tensor {
  /** The real parts. */
  readonly re: Tensor;
  /** The imaginary parts, of the same dtype and shape. */
  readonly im: Tensor;

  /** The tensor of these parts, which are float32 or float64. */
  constructor(re: Tensor, im: Tensor) {
    super(complexDtype(re.dtype), re.shape);
    if (!sameType(re, im) || partDtype(this.dtype) !== re.dtype) {
      throw internalError(`A complex tensor of ${showType(re)} and ${showType(im)}`);
    }
    this.re = re;
    this.im = im;
  }

  /** Always throws: the elements are in two tensors. */
  override concrete(purpose: string): Concrete {
    throw dtypeError(`Cannot ${purpose} ${showType(this)}: take real(x) and imag(x) by themselves`);
  }

  override get device(): Device {
    return this.re.device;
  }

  override get sharding(): Sharding | null {
    return this.re.sharding;
  }

  override get placement(): Placement | null {
    return this.re.placement;
  }

  override item<Value extends number | boolean | ComplexNumber = number>(): Value {
    if (this.size !== 1) {
      throw shapeError(
        `Cannot take the item of ${showType(this)}: expected exactly one element, ` +
          `got ${this.size}; use toArray or data for more`,
      );
    }
    return { re: this.re.item(), im: this.im.item() } as ComplexNumber as Value;
  }

  override toArray(): NestedArray | ComplexNumber {
    const join = (re: unknown, im: unknown): unknown =>
      Array.isArray(re) ? re.map((part, i) => join(part, (im as unknown[])[i])) : { re, im };
    return join(this.re.toArray(), this.im.toArray()) as NestedArray | ComplexNumber;
  }

  override data<Values extends Elements = Unshared<Elements>>(): Values & Unshared<Values> {
    return interleave(this.re.data(), this.im.data()) as Values & Unshared<Values>;
  }

  override read<Values extends Elements = Unshared<Elements>>(): Promise<
    Values & Unshared<Values>
  > {
    return Promise.all([this.re.read(), this.im.read()])
      .then(([re, im]) => interleave(re, im) as Values & Unshared<Values>);
  }

  /** The numbers as text; both parts if the values are not known. */
  override toString(): string {
    let parts: readonly Concrete[];
    try {
      parts = [this.re, this.im].map((part) => part.concrete("print"));
    } catch {
      return `complex(${this.re}, ${this.im})`;
    }
    if (parts.some(({ storage }) => (storage.resident?.hidden ?? null) !== null)) {
      return `complex(${this.re}, ${this.im})`;
    }
    const [re, im] = parts;
    // Copied, since recomputing the dropped elements of `im` may reuse the memory of `re`.
    const { elements } = re;
    return im.peek((others) => formatTensor(elements, this, others));
  }

  protected override shown(): string {
    const isGone = [this.re, this.im].some((part) => part instanceof Concrete && part.isDonated);
    return isGone ? showDonated(this) : this.toString();
  }
}

/** The elements of both parts, alternating. */
function interleave(re: Elements, im: Elements): Elements {
  const out = re instanceof Float64Array
    ? new Float64Array(2 * re.length)
    : new Float32Array(2 * re.length);
  for (let i = 0; i < re.length; i++) {
    out[2 * i] = re[i];
    out[2 * i + 1] = im[i];
  }
  return out;
}

/** Both parts together, whatever represents them: types, `null` for none, or other values. */
function join([re, im]: readonly unknown[]): unknown {
  if (re instanceof Tensor && im instanceof Tensor) return new ComplexTensor(re, im);
  if (re instanceof TensorType) return new TensorType(complexDtype(re.dtype), re.shape);
  return re === null && im === null ? null : { re, im };
}

const COMPLEX_NODE: CustomNode = {
  type: ComplexTensor,
  title: "complex tensor",
  keys: ["re", "im"],
  flatten(value) {
    const { re, im } = value as ComplexTensor;
    return [[re, im], null];
  },
  unflatten: join,
  adapt(value) {
    if (value instanceof Tensor) return [value, zerosOf(value)];
    if (isComplexNumber(value)) return [value.re, value.im];
    return typeof value === "number" ? [value, 0] : null;
  },
};

registerNode(COMPLEX_NODE);

/** Whether a value is a complex number in the JavaScript representation. */
export function isComplexNumber(value: unknown): value is ComplexNumber {
  if (typeof value !== "object" || value === null || value instanceof Tensor) return false;
  const { re, im } = value as Partial<ComplexNumber>;
  return typeof re === "number" && typeof im === "number";
}

/** The representation of a complex tensor in a tree of types: two leaves, the types of its parts. */
export function typePair({ dtype, shape }: TensorType): unknown {
  const part = new TensorType(partDtype(dtype), shape);
  const pair: unknown = Object.create(ComplexTensor.prototype);
  return Object.assign(pair as object, { re: part, im: part });
}

/** For each leaf of a structure whether it holds imaginary parts; `null` where no leaf does. */
export function imaginaryLeaves(structure: Structure): readonly boolean[] | null {
  const flags: boolean[] = [];
  const visit = (node: Structure): void => {
    if (node.kind === "leaf") flags.push(false);
    else if (node.kind === "custom" && node.node === COMPLEX_NODE) flags.push(false, true);
    else if (node.kind !== "null") node.children.forEach(visit);
  };
  visit(structure);
  return flags.includes(true) ? flags : null;
}

/** Whether a structure is that of a single complex tensor. */
export function isComplexNode(structure: Structure): boolean {
  return structure.kind === "custom" && structure.node === COMPLEX_NODE;
}

/**
 * A structure with one leaf in place of each complex tensor, and the number of original leaves for each
 * leaf.
 */
export function withComplexLeaves(
  structure: Structure,
): { readonly structure: Structure; readonly counts: readonly number[] } {
  const counts: number[] = [];
  const visit = (node: Structure): Structure => {
    if (node.kind === "null") return node;
    if (node.kind === "leaf" || isComplexNode(node)) {
      counts.push(node.kind === "leaf" ? 1 : 2);
      return { kind: "leaf" };
    }
    return { ...node, children: node.children.map(visit) };
  };
  return { structure: visit(structure), counts };
}

/** Whether a value is a complex tensor: public functions on trees treat these as leaves. */
export function isComplexTensor(value: unknown): value is ComplexTensor {
  return value instanceof ComplexTensor;
}

/** The error for complex arguments of a function of real numbers, whose public name is `name`. */
export function realOnlyError(name: string, args: readonly Type[]): Error {
  return dtypeError(
    `Cannot apply ${name} to ${args.map(showType).join(" and ")}: expected real numbers; ` +
      `take real(x), imag(x) or abs(x)`,
  );
}

/** How a primitive is applied to arguments of which some are complex. */
export type ComplexBinder = (
  primitive: Primitive,
  args: readonly Tensor[],
  params: unknown,
) => readonly Tensor[];

let binder: ComplexBinder | null = null;

/**
 * Sets the implementation of operations on complex tensors; called once, by the module that defines the
 * rules.
 */
export function installComplexBinder(chosen: ComplexBinder): void {
  binder = chosen;
}

/** Applies a primitive to arguments of which some are complex. */
export function bindComplex(
  primitive: Primitive,
  args: readonly Tensor[],
  params: unknown,
): readonly Tensor[] {
  if (binder === null) throw internalError("complex numbers have no rules yet");
  return binder(primitive, args, params);
}

/** The real part of a tensor; a real tensor is returned unchanged. */
export function realPart(x: Tensor): Tensor {
  return x instanceof ComplexTensor ? x.re : x;
}

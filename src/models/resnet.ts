/**
 * Residual networks.
 *
 * @module
 */
import { readOptions } from "../base/options.ts";
import { described } from "../core/description.ts";
import type { Tensor } from "../core/tensor.ts";
import { add } from "../functions/mod.ts";
import {
  adaptiveAvgPool2d,
  batchNorm,
  compose,
  conv2d,
  flatten,
  initializers,
  linear,
  maxPool2d,
  relu,
  sequential,
} from "../nn/mod.ts";
import type {
  AffineParams,
  BatchNormState,
  Conv2dParams,
  Empty,
  Layer,
  LayerLike,
  LinearParams,
  ParameterOptions,
  Run,
} from "../nn/mod.ts";

/** Options of the residual networks. */
export interface ResNetOptions extends ParameterOptions {
  /** How many classes the last layer tells apart. Default 1000. */
  readonly classes?: number;
  /** Channels of the images. Default 3. */
  readonly channels?: number;
}

/** The trees of one block; a bottleneck has a third convolution. */
export interface BlockTree<Conv, Norm> {
  /** The first convolution. */
  readonly conv1: Conv;
  /** Its normalisation. */
  readonly bn1: Norm;
  /** The second convolution. */
  readonly conv2: Conv;
  /** Its normalisation. */
  readonly bn2: Norm;
  /** The third convolution, in bottlenecks. */
  readonly conv3?: Conv;
  /** Its normalisation. */
  readonly bn3?: Norm;
  /** The projection of the shortcut, where body and shortcut differ. */
  readonly downsample?: readonly [Conv, Norm];
}

/** The trees of a residual network; paths are torchvision's. */
export interface ResNetTree<Conv, Norm, Linear> {
  /** The first convolution, 7 by 7. */
  readonly conv1: Conv;
  /** The first normalisation. */
  readonly bn1: Norm;
  /** Blocks at a quarter of the image's size. */
  readonly layer1: readonly BlockTree<Conv, Norm>[];
  /** Blocks at an eighth. */
  readonly layer2: readonly BlockTree<Conv, Norm>[];
  /** Blocks at a sixteenth. */
  readonly layer3: readonly BlockTree<Conv, Norm>[];
  /** Blocks at a thirty-second. */
  readonly layer4: readonly BlockTree<Conv, Norm>[];
  /** The classifier. */
  readonly fc: Linear;
}

/** Parameters of a residual network. */
export type ResNetParams = ResNetTree<Conv2dParams, AffineParams, LinearParams>;

/** State of a residual network: the statistics of its batch normalisations. */
export type ResNetState = ResNetTree<Empty, BatchNormState, Empty>;

/** A residual network: from images `[batch, channels, height, width]` to logits `[batch, classes]`. */
export type ResNet = Layer<ResNetParams, ResNetState>;

/** A convolution without bias, initialised as in torchvision: He normal by fan-out. */
function convolution(
  inChannels: number,
  outChannels: number,
  size: number,
  stride: number,
  types: ParameterOptions,
): Layer<Conv2dParams, Empty> {
  return conv2d(inChannels, outChannels, size, {
    stride,
    padding: (size - 1) / 2,
    bias: false,
    ...types,
    weightInit: initializers.kaimingNormal({ mode: "out" }),
  });
}

/** How a block is made: from so many channels, of this width, with this stride. */
interface BlockKind {
  /** Output channels per unit of width. */
  readonly expansion: number;
  readonly make: (
    inChannels: number,
    width: number,
    stride: number,
    types: ParameterOptions,
  ) => LayerLike;
}

/** The projection that fits the shortcut to the body, where they differ. */
function projection(
  inChannels: number,
  outChannels: number,
  stride: number,
  types: ParameterOptions,
): Record<string, LayerLike> {
  if (stride === 1 && inChannels === outChannels) return {};
  return {
    downsample: sequential(
      convolution(inChannels, outChannels, 1, stride, types),
      batchNorm(outChannels, types),
    ),
  };
}

/**
 * A block of these parts. Its description shows the activation behind the part `lastBeforeRelu`, as
 * torchvision's does.
 */
function blockOf(
  name: string,
  lastBeforeRelu: string,
  parts: Record<string, LayerLike>,
  forward: (run: Run<string | number>, x: Tensor) => Tensor,
): LayerLike {
  const shown = Object.entries(parts).flatMap(([part, layer]) =>
    part === lastBeforeRelu ? [[part, layer], ["relu", relu]] : [[part, layer]]
  );
  return described({ name, parts: Object.fromEntries(shown) }, compose(parts, forward));
}

/** Two 3 by 3 convolutions. */
const basicBlock: BlockKind = {
  expansion: 1,
  make(inChannels, width, stride, types) {
    const parts: Record<string, LayerLike> = {
      conv1: convolution(inChannels, width, 3, stride, types),
      bn1: batchNorm(width, types),
      conv2: convolution(width, width, 3, 1, types),
      bn2: batchNorm(width, types),
      ...projection(inChannels, width, stride, types),
    };
    return blockOf("basicBlock", "bn1", parts, (run, x) => {
      const hidden = relu(run("bn1", run("conv1", x)));
      const shortcut = parts.downsample === undefined ? x : run("downsample", x);
      return relu(add(run("bn2", run("conv2", hidden)), shortcut));
    });
  },
};

/**
 * A 3 by 3 convolution between two of 1 by 1. The stride is in the middle one ("ResNet v1.5"), as in
 * torchvision.
 */
const bottleneck: BlockKind = {
  expansion: 4,
  make(inChannels, width, stride, types) {
    const outChannels = width * 4;
    const parts: Record<string, LayerLike> = {
      conv1: convolution(inChannels, width, 1, 1, types),
      bn1: batchNorm(width, types),
      conv2: convolution(width, width, 3, stride, types),
      bn2: batchNorm(width, types),
      conv3: convolution(width, outChannels, 1, 1, types),
      bn3: batchNorm(outChannels, types),
      ...projection(inChannels, outChannels, stride, types),
    };
    return blockOf("bottleneck", "bn3", parts, (run, x) => {
      const first = relu(run("bn1", run("conv1", x)));
      const second = relu(run("bn2", run("conv2", first)));
      const shortcut = parts.downsample === undefined ? x : run("downsample", x);
      return relu(add(run("bn3", run("conv3", second)), shortcut));
    });
  },
};

const WIDTHS = [64, 128, 256, 512];

function resnet(
  kind: BlockKind,
  depths: readonly number[],
  options: ResNetOptions | undefined,
): ResNet {
  const { classes = 1000, channels = 3, ...types } = readOptions(
    "Cannot make a residual network",
    options,
    ["classes", "channels", "dtype", "computeDtype"],
  );
  const parts: Record<string, LayerLike> = {
    conv1: convolution(channels, 64, 7, 2, types),
    bn1: batchNorm(64, types),
  };
  let inChannels = 64;
  depths.forEach((depth, i) => {
    const blocks: LayerLike[] = [];
    for (let block = 0; block < depth; block++) {
      const stride = i > 0 && block === 0 ? 2 : 1;
      blocks.push(kind.make(inChannels, WIDTHS[i], stride, types));
      inChannels = WIDTHS[i] * kind.expansion;
    }
    parts[`layer${i + 1}`] = sequential(...blocks);
  });
  parts.fc = linear(inChannels, classes, types);
  const maxPool = maxPool2d(3, { stride: 2, padding: 1 });
  const globalMean = adaptiveAvgPool2d(1);
  const toVectors = flatten();
  const plain = (layer: Layer<Empty, Empty>, x: Tensor): Tensor => layer.apply({}, {}, x)[0];
  const network = compose(parts, (run, x) => {
    let y = plain(maxPool, relu(run("bn1", run("conv1", x))));
    for (let i = 1; i <= depths.length; i++) y = run(`layer${i}`, y);
    return run("fc", plain(toVectors, plain(globalMean, y)));
  });
  const { conv1, bn1, fc, ...stages } = parts;
  const shown = { conv1, bn1, relu, maxpool: maxPool, ...stages, avgpool: globalMean, fc };
  return described({ name: "resnet", parts: shown }, network) as unknown as ResNet;
}

/**
 * ResNet-18 (He et al., "Deep residual learning for image recognition", 2015), as in torchvision:
 * 11,689,512 parameters for 1000 classes.
 *
 * @param options Classes, channels, dtypes.
 * @returns A layer from images `[batch, channels, height, width]` to logits `[batch, classes]`, whose
 * tree paths are the keys of torchvision's `state_dict`.
 *
 * @example Shapes of the parameters, without drawing them
 * ```ts
 * import { evalShape, models, random } from "@jacobi/jacobi";
 *
 * const [params] = evalShape(models.resnet18().init)(random.key(0)) as [models.ResNetParams];
 * const shape = String(params.layer1[0].conv1.weight);
 * if (shape !== "float32[64,64,3,3]") throw new Error(shape);
 * ```
 */
export function resnet18(options?: ResNetOptions): ResNet {
  return resnet(basicBlock, [2, 2, 2, 2], options);
}

/**
 * ResNet-34 (He et al., 2015), as in torchvision: 21,797,672 parameters for 1000 classes.
 *
 * @param options Classes, channels, dtypes.
 * @returns As `resnet18`.
 *
 * @example Ten classes
 * ```ts
 * import { evalShape, models, random } from "@jacobi/jacobi";
 *
 * const model = models.resnet34({ classes: 10 });
 * const [params] = evalShape(model.init)(random.key(0)) as [models.ResNetParams];
 * if (String(params.fc.weight) !== "float32[10,512]") throw new Error(String(params.fc.weight));
 * ```
 */
export function resnet34(options?: ResNetOptions): ResNet {
  return resnet(basicBlock, [3, 4, 6, 3], options);
}

/**
 * ResNet-50 (He et al., 2015), as in torchvision (the stride in the 3 by 3 convolution): 25,557,032
 * parameters for 1000 classes.
 *
 * @param options Classes, channels, dtypes.
 * @returns As `resnet18`.
 *
 * @example Ten classes
 * ```ts
 * import { evalShape, models, random } from "@jacobi/jacobi";
 *
 * const model = models.resnet50({ classes: 10 });
 * const [params] = evalShape(model.init)(random.key(0)) as [models.ResNetParams];
 * if (String(params.fc.weight) !== "float32[10,2048]") throw new Error(String(params.fc.weight));
 * ```
 */
export function resnet50(options?: ResNetOptions): ResNet {
  return resnet(bottleneck, [3, 4, 6, 3], options);
}

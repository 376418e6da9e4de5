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
  conv2d,
  flatten,
  initializers,
  linear,
  maxPool2d,
  module,
  relu,
  sequential,
} from "../nn/mod.ts";
import type {
  AffineParams,
  BatchNormState,
  Conv2dParams,
  Empty,
  Layer,
  LinearParams,
  ParameterOptions,
} from "../nn/mod.ts";

/**
 * Options of the residual networks.
 *
 * @category Ready-made models
 */
export interface ResNetOptions extends ParameterOptions {
  /** The number of classes. Default 1000. */
  readonly classes?: number;
  /** Channels of the images. Default 3. */
  readonly channels?: number;
}

/**
 * The trees of one block; a bottleneck has a third convolution.
 *
 * @category Ready-made models
 */
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

/**
 * The trees of a residual network; paths are torchvision's.
 *
 * @category Ready-made models
 */
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

/**
 * Parameters of a residual network.
 *
 * @category Ready-made models
 */
export type ResNetParams = ResNetTree<Conv2dParams, AffineParams, LinearParams>;

/**
 * State of a residual network: the statistics of its batch normalisations.
 *
 * @category Ready-made models
 */
export type ResNetState = ResNetTree<Empty, BatchNormState, Empty>;

/**
 * A residual network: from images `[batch, channels, height, width]` to logits `[batch, classes]`.
 *
 * @category Ready-made models
 */
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

/** A block of a residual network. */
type Block = Layer<BlockTree<Conv2dParams, AffineParams>, BlockTree<Empty, BatchNormState>>;

/** How a block is made: from so many channels, of this width, with this stride. */
interface BlockKind {
  /** Output channels per unit of width. */
  readonly expansion: number;
  readonly make: (
    inChannels: number,
    width: number,
    stride: number,
    types: ParameterOptions,
  ) => Block;
}

/** The projection that fits the shortcut to the body, where they differ. */
function projection(
  inChannels: number,
  outChannels: number,
  stride: number,
  types: ParameterOptions,
): { downsample?: Layer<[Conv2dParams, AffineParams], [Empty, BatchNormState]> } {
  if (stride === 1 && inChannels === outChannels) return {};
  return {
    downsample: sequential(
      convolution(inChannels, outChannels, 1, stride, types),
      batchNorm(outChannels, types),
    ),
  };
}

/** A block that is shown with an activation behind the part `lastBeforeRelu`, as torchvision's. */
function blockOf(name: string, lastBeforeRelu: string, block: Block): Block {
  const shown = Object.entries(block.description!.parts!).flatMap(([part, layer]) =>
    part === lastBeforeRelu ? [[part, layer], ["relu", relu]] : [[part, layer]]
  );
  return described({ name, parts: Object.fromEntries(shown) }, block);
}

/** Two 3 by 3 convolutions. */
const basicBlock: BlockKind = {
  expansion: 1,
  make(inChannels, width, stride, types) {
    const parts = {
      conv1: convolution(inChannels, width, 3, stride, types),
      bn1: batchNorm(width, types),
      conv2: convolution(width, width, 3, 1, types),
      bn2: batchNorm(width, types),
      ...projection(inChannels, width, stride, types),
    };
    const block = module(parts, ({ conv1, bn1, conv2, bn2, downsample = identity }, x) => {
      const hidden = relu(bn1(conv1(x)));
      return relu(add(bn2(conv2(hidden)), downsample(x)));
    });
    return blockOf("basicBlock", "bn1", block);
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
    const parts = {
      conv1: convolution(inChannels, width, 1, 1, types),
      bn1: batchNorm(width, types),
      conv2: convolution(width, width, 3, stride, types),
      bn2: batchNorm(width, types),
      conv3: convolution(width, outChannels, 1, 1, types),
      bn3: batchNorm(outChannels, types),
      ...projection(inChannels, outChannels, stride, types),
    };
    const block = module(
      parts,
      ({ conv1, bn1, conv2, bn2, conv3, bn3, downsample = identity }, x) => {
        const hidden = relu(bn2(conv2(relu(bn1(conv1(x))))));
        return relu(add(bn3(conv3(hidden)), downsample(x)));
      },
    );
    return blockOf("bottleneck", "bn3", block);
  },
};

function identity(x: Tensor): Tensor {
  return x;
}

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
  let inChannels = 64;
  const [layer1, layer2, layer3, layer4] = depths.map((depth, i) => {
    const blocks: Block[] = [];
    for (let block = 0; block < depth; block++) {
      const stride = i > 0 && block === 0 ? 2 : 1;
      blocks.push(kind.make(inChannels, WIDTHS[i], stride, types));
      inChannels = WIDTHS[i] * kind.expansion;
    }
    return sequential(...blocks);
  });
  const stages = { layer1, layer2, layer3, layer4 };
  const conv1 = convolution(channels, 64, 7, 2, types);
  const bn1 = batchNorm(64, types);
  const fc = linear(inChannels, classes, types);
  const maxpool = maxPool2d(3, { stride: 2, padding: 1 });
  const avgpool = adaptiveAvgPool2d(1);
  const plain = (layer: Layer<Empty, Empty>, x: Tensor): Tensor => layer.apply({}, {}, x)[0];
  const network = module({ conv1, bn1, ...stages, fc }, (parts, x) => {
    let y = plain(maxpool, relu(parts.bn1(parts.conv1(x))));
    y = parts.layer4(parts.layer3(parts.layer2(parts.layer1(y))));
    return parts.fc(plain(flatten(), plain(avgpool, y)));
  });
  const shown = { conv1, bn1, relu, maxpool, ...stages, avgpool, fc };
  return described({ name: "resnet", parts: shown }, network);
}

/**
 * ResNet-18 (He et al., "Deep residual learning for image recognition", 2015), as in torchvision:
 * 11,689,512 parameters for 1000 classes.
 *
 * @category Ready-made models
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
 * @category Ready-made models
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
 * @category Ready-made models
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

#!/usr/bin/python3
"""The network of visaged in plain PyTorch: the reference for the compute shaders.

DML-CSR (Zheng et al., "Decoupled Multi-task Learning with Cyclical Self-Regulation for Face Parsing", CVPR 2022,
section 3): a dilated ResNet of output stride 8, a dynamic dual graph convolution head and a small decoder. Modules have
the names of the official checkpoint, so that its tensors load by name. The edge branch is not included, because the
parser does not depend on it.

    reference.py MODEL.safetensors IMAGE --logits OUT.npy [--labels OUT.npy]

Shapes: a picture is uint8 height x width x RGB; the network's input 1 x 3 x H x W, channels in the model file's order;
logits are classes x H x W at the input size, labels uint8 at the size of the picture.
"""
import argparse
import json
import sys
from dataclasses import dataclass
from typing import NamedTuple, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import safetensors

EPS = 1e-5
SLOPE = 0.01
ENCODER_EPS = 1e-3  # of the norms of inverted residuals, as in the EfficientNets
STRIDES = (1, 2, 1, 1)  # of a ResNet's layers
DILATIONS = (1, 1, 1, 2)


class Layer(NamedTuple):
    """A sequence of blocks; the first has the stride. Channels: a ResNet's planes, or an inverted residual's outputs."""
    blocks: int
    channels: int
    stride: int = 1
    dilation: int = 1
    kernel: int = 3
    expansion: int = 1


class Level(NamedTuple):
    """One level of the pyramid decoder: channels of its result and of its projection of the encoder's map, size of its kernels."""
    channels: int
    lateral: int
    kernel: int


@dataclass(frozen=True)
class Arch:
    """The numbers that define one member of the family. decoder: widths of the official one, or Levels from deep to shallow."""
    block: str
    stem: Tuple[int, ...]
    layers: Tuple[Layer, ...]
    head: int
    decoder: tuple
    classes: int

    @property
    def widths(self):
        """Channels of the layers' outputs."""
        factor = 4 if self.block == "bottleneck" else 1
        return tuple(factor * layer.channels for layer in self.layers)

    @property
    def inverted(self):
        """Whether the encoder has inverted residuals."""
        return self.block == "inverted"

    @property
    def strides(self):
        """The ratio of the input's side to that of each layer's output."""
        found, stride = [], 2 if self.inverted else 4
        for layer in self.layers:
            stride *= layer.stride
            found.append(stride)
        return tuple(found)

    def last_at(self, stride):
        """The index of the deepest layer whose output has that stride."""
        return max(i for i, other in enumerate(self.strides) if other == stride)

    @property
    def taps(self):
        """The layers that the decoder reads beside the head's result, from deep to shallow."""
        if not self.inverted:
            return (0,)
        return tuple(self.last_at(self.strides[-1] >> i) for i in range(1, len(self.decoder) + 1))


def resnet(block, blocks, stem, planes, head, decoder, classes):
    """A dilated ResNet of output stride 8, as the paper has it."""
    return Arch(block, tuple(stem), tuple(map(Layer, blocks, planes, STRIDES, DILATIONS)), head, tuple(decoder), classes)


class Abn(nn.Module):
    """Batch norm and leaky ReLU as in InPlaceABN: the scale is |weight| + eps, so a negative weight does not flip signs."""
    momentum = 0.1

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        y = F.batch_norm(x, self.running_mean, self.running_var, self.weight.abs() + EPS, self.bias, self.training, self.momentum, EPS)
        return F.leaky_relu(y, SLOPE)


NORMS = (Abn, nn.BatchNorm1d, nn.BatchNorm2d)


class Layers:
    """Makes the layers of a network, with separate norms or with norms folded into the preceding convolutions."""

    def __init__(self, folded):
        self.folded = folded

    def conv(self, inputs, outputs, size=1, stride=1, dilation=1, groups=1, bias=False):
        """A convolution that keeps the size (up to the stride); once folded, one before a norm has a bias."""
        padding = dilation * (size // 2)
        return nn.Conv2d(inputs, outputs, size, stride, padding, dilation, groups, bias=bias or self.folded)

    def conv1d(self, channels):
        """A 1x1 convolution along a graph's nodes or states."""
        return nn.Conv1d(channels, channels, 1, bias=self.folded)

    def abn(self, channels):
        """InPlaceABN, or if folded, the activation that remains of it."""
        return nn.LeakyReLU(SLOPE) if self.folded else Abn(channels)

    def norm(self, channels):
        """Plain batch norm without activation (the graphs' bn_wg and bn_adj), or nothing."""
        return nn.Identity() if self.folded else nn.BatchNorm1d(channels, EPS)

    def conv_norm(self, inputs, outputs, size=1, stride=1, dilation=1, groups=1):
        """A convolution with a plain batch norm, as two modules."""
        norm = nn.Identity() if self.folded else nn.BatchNorm2d(outputs, ENCODER_EPS, momentum=0.03)
        return self.conv(inputs, outputs, size, stride, dilation, groups), norm

    def conv_abn(self, inputs, outputs, size=1, stride=1, groups=1, bias=False):
        """The pair of layers of which the decoder and the head consist, as two entries of a Sequential."""
        return [self.conv(inputs, outputs, size, stride, groups=groups, bias=bias), self.abn(outputs)]


class Block(nn.Module):
    """Shared by both residual blocks: the shortcut, and abn's leaky ReLU BEFORE the sum on both of its inputs."""
    expansion = 1

    def __init__(self, layers, inputs, planes, stride):
        super().__init__()
        outputs = planes * self.expansion
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(layers.conv(inputs, outputs, stride=stride), layers.abn(outputs))

    def shortcut(self, x):
        """The residual."""
        return x if self.downsample is None else self.downsample(x)


class Bottleneck(Block):
    """1x1, 3x3 (with the stride and the dilation), 1x1 to four times the planes."""
    expansion = 4

    def __init__(self, layers, inputs, layer, stride):
        planes = layer.channels
        super().__init__(layers, inputs, planes, stride)
        self.conv1, self.bn1 = layers.conv(inputs, planes), layers.abn(planes)
        self.conv2, self.bn2 = layers.conv(planes, planes, 3, stride, layer.dilation), layers.abn(planes)
        self.conv3, self.bn3 = layers.conv(planes, 4 * planes), layers.abn(4 * planes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class Basic(Block):
    """Two 3x3 convolutions, both dilated: the block of the small backbones."""

    def __init__(self, layers, inputs, layer, stride):
        planes, dilation = layer.channels, layer.dilation
        super().__init__(layers, inputs, planes, stride)
        self.conv1, self.bn1 = layers.conv(inputs, planes, 3, stride, dilation), layers.abn(planes)
        self.conv2, self.bn2 = layers.conv(planes, planes, 3, 1, dilation), layers.abn(planes)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class Inverted(nn.Module):
    """1x1 to `expansion` times the channels, depthwise (with the stride), 1x1 down without activation: MobileNetV2's block
    (Sandler et al., CVPR 2018)."""

    def __init__(self, layers, inputs, layer, stride):
        super().__init__()
        wide, self.conv1 = inputs * layer.expansion, None
        if layer.expansion > 1:
            self.conv1, self.bn1 = layers.conv_norm(inputs, wide)
        self.conv2, self.bn2 = layers.conv_norm(wide, wide, layer.kernel, stride, layer.dilation, wide)
        self.conv3, self.bn3 = layers.conv_norm(wide, layer.channels)
        self.residual = stride == 1 and inputs == layer.channels

    def forward(self, x):
        y = x if self.conv1 is None else F.relu6(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu6(self.bn2(self.conv2(y)))))
        return x + y if self.residual else y


BLOCKS = {"bottleneck": Bottleneck, "basic": Basic, "inverted": Inverted}


def up(x, size):
    """Bilinear upsample with aligned corners, the only kind in the network."""
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)


class LocalAttention(nn.Module):
    """Reasoning over the nodes of the downsampled map, where channels are the states (paper 3.2, spatial graph).

    K is n x C', Q is C' x n, V is n x C'; so A = softmax(Q V) is C' x C' regardless of the map's size.
    """

    def __init__(self, layers, channels):
        super().__init__()
        states = channels // 2
        self.node_k = layers.conv(channels, states, bias=True)
        self.node_v = layers.conv(channels, states, bias=True)
        self.node_q = layers.conv(channels, states, bias=True)
        self.conv_wg = layers.conv1d(states)
        self.bn_wg = layers.norm(states)
        self.out = nn.Sequential(*layers.conv_abn(states, channels, bias=True))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        k = self.node_k(x).flatten(2).transpose(1, 2)
        v = self.node_v(x).flatten(2).transpose(1, 2)
        q = self.node_q(x).flatten(2)
        a = torch.softmax(torch.bmm(q, v), dim=-1)
        y = self.bn_wg(self.conv_wg(torch.bmm(k, a).transpose(1, 2)))
        y = y.reshape(x.shape[0], -1, *x.shape[2:])
        return self.gamma * self.out(y) + x


class DualGcn(nn.Module):
    """Dynamic dual graph convolution: a spatial and a feature graph, both computed from the picture itself (paper 3.2)."""

    def __init__(self, layers, channels):
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.local = nn.Sequential(*sum((layers.conv_abn(channels, channels, 3, 2, channels) for _ in range(3)), []))
        self.gcn_local_attention = LocalAttention(layers, channels)
        self.phi, self.bn_phi = layers.conv(channels, half), layers.abn(half)
        self.theta, self.bn_theta = layers.conv(channels, quarter), layers.abn(quarter)
        self.conv_adj, self.bn_adj = layers.conv1d(quarter), layers.norm(quarter)
        self.conv_wg, self.bn_wg = layers.conv1d(half), layers.norm(half)
        self.conv3, self.bn3 = layers.conv(half, channels), layers.abn(channels)
        self.gamma1 = nn.Parameter(torch.zeros(1))
        self.final = nn.Sequential(*layers.conv_abn(2 * channels, channels))

    def spatial(self, x):
        """x * local' + x, where local' is the reasoned map at an eighth of the size."""
        local = up(self.gcn_local_attention(self.local(x)), x.shape[2:])
        return x * local + x

    def feature(self, x):
        """Project on C/4 states (Z is C/2 x C/4), mix them, update, re-project."""
        b = self.bn_theta(self.theta(x)).flatten(2)
        z = torch.bmm(self.bn_phi(self.phi(x)).flatten(2), b.transpose(1, 2))
        z = z + self.bn_adj(self.conv_adj(z.transpose(1, 2))).transpose(1, 2)
        z = self.bn_wg(self.conv_wg(z))
        y = torch.bmm(z, b).reshape(x.shape[0], -1, *x.shape[2:])
        return self.gamma1 * self.bn3(self.conv3(y)) + x

    def forward(self, x):
        return self.final(torch.cat([self.spatial(x), self.feature(x)], dim=1))


class Context(nn.Module):
    """The head on layer4's output: convolution, graphs, convolution, and one over all of it."""

    def __init__(self, layers, inputs, channels):
        super().__init__()
        self.conva = nn.Sequential(*layers.conv_abn(inputs, channels, 3))
        self.dualgcn = DualGcn(layers, channels)
        self.convb = nn.Sequential(*layers.conv_abn(channels, channels, 3))
        self.bottleneck = nn.Sequential(*layers.conv_abn(inputs + channels, channels, 3))

    def forward(self, x):
        return self.bottleneck(torch.cat([x, self.convb(self.dualgcn(self.conva(x)))], dim=1))


class Decoder(nn.Module):
    """Concatenates the head's result, at layer1's size, with layer1's own, and reduces them to one logit per class."""

    def __init__(self, layers, head, low, widths, classes):
        super().__init__()
        self.conv1 = nn.Sequential(*layers.conv_abn(head, widths[0]))
        self.conv2 = nn.Sequential(*layers.conv_abn(low, widths[1]))
        self.conv3 = nn.Sequential(*layers.conv_abn(sum(widths), widths[0]), *layers.conv_abn(widths[0], widths[0]))
        self.conv4 = layers.conv(widths[0], classes, bias=True)

    def forward(self, context, low):
        t = up(self.conv1(context), low.shape[2:])
        return self.conv4(self.conv3(torch.cat([t, self.conv2(low)], dim=1)))


class Fusion(nn.Module):
    """One level of the pyramid: upsamples its input to the size of the encoder's map, concatenates a projection of that map, and
    applies two depthwise separable convolutions."""

    def __init__(self, layers, inputs, low, level):
        super().__init__()
        wide = inputs + level.lateral
        self.conv1, self.bn1 = layers.conv(low, level.lateral), layers.abn(level.lateral)
        self.conv2, self.bn2 = layers.conv_norm(wide, wide, level.kernel, groups=wide)
        self.conv3, self.bn3 = layers.conv(wide, level.channels), layers.abn(level.channels)
        self.conv4, self.bn4 = layers.conv_norm(level.channels, level.channels, level.kernel, groups=level.channels)
        self.conv5, self.bn5 = layers.conv(level.channels, level.channels), layers.abn(level.channels)

    def forward(self, x, low):
        x = torch.cat([up(x, low.shape[2:]), self.bn1(self.conv1(low))], dim=1)
        x = self.bn3(self.conv3(self.bn2(self.conv2(x))))
        return self.bn5(self.conv5(self.bn4(self.conv4(x))))


class Pyramid(nn.Module):
    """The decoder of the inverted encoders: from the head's size to a quarter of the input in as many levels as necessary."""

    def __init__(self, layers, head, lows, levels, classes):
        super().__init__()
        self.conv1 = nn.Sequential(*layers.conv_abn(head, levels[0].channels))
        inputs = [levels[0].channels, *(level.channels for level in levels)]
        self.levels = nn.ModuleList(Fusion(layers, *row) for row in zip(inputs, lows, levels))
        self.conv4 = layers.conv(levels[-1].channels, classes, bias=True)

    def forward(self, context, *lows):
        x = self.conv1(context)
        for level, low in zip(self.levels, lows):
            x = level(x, low)
        return self.conv4(x)


class DmlCsr(nn.Module):
    """The whole network; forward gives the logits at a quarter of the input, before the last upsample."""

    def __init__(self, arch, folded=False):
        super().__init__()
        layers, widths = Layers(folded), arch.widths
        self.arch = arch
        for i, (inputs, outputs) in enumerate(zip((3, *arch.stem), arch.stem)):
            stride = 1 if i else 2
            pair = layers.conv_norm(inputs, outputs, 3, stride) if arch.inverted else layers.conv_abn(inputs, outputs, 3, stride)
            for name, module in zip(("conv", "bn"), pair):
                setattr(self, f"{name}{i + 1}", module)
        for i, (inputs, layer) in enumerate(zip((arch.stem[-1], *widths), arch.layers)):
            setattr(self, f"layer{i + 1}", _layer(layers, arch.block, inputs, widths[i], layer))
        self.context = Context(layers, widths[-1], arch.head)
        lows = [widths[tap] for tap in arch.taps]
        if arch.inverted:
            self.decoder = Pyramid(layers, arch.head, lows, arch.decoder, arch.classes)
        else:
            self.layer6 = Decoder(layers, arch.head, lows[0], arch.decoder, arch.classes)

    def stem(self, x):
        """The stem, which precedes the layers."""
        activation = F.relu6 if self.arch.inverted else F.relu
        for i in range(1, len(self.arch.stem) + 1):
            x = activation(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return x if self.arch.inverted else F.max_pool2d(x, 3, 2, 1)

    def layers(self, x, first, last):
        """The outputs of the layers after `first` up to `last`, where x is that of `first` (0: the stem)."""
        outputs = []
        for i in range(first, last):
            x = getattr(self, f"layer{i + 1}")(x)
            outputs.append(x)
        return outputs

    def features(self, x):
        """The outputs of all layers: decoder and edge branch read some of them."""
        return self.layers(self.stem(x), 0, len(self.arch.layers))

    def parse(self, features):
        """Logits from the outputs of all layers."""
        decoder = self.decoder if self.arch.inverted else self.layer6
        return decoder(self.context(features[-1]), *(features[tap] for tap in self.arch.taps))

    def forward(self, x):
        return self.parse(self.features(x))


def _layer(layers, kind, inputs, outputs, layer):
    block = BLOCKS[kind]
    rest = [block(layers, outputs, layer, 1) for _ in range(layer.blocks - 1)]
    return nn.Sequential(block(layers, inputs, layer, layer.stride), *rest)


@dataclass(frozen=True)
class Meta:
    """The metadata of a model file other than its arch. input is (height, width)."""
    name: str
    input: Tuple[int, int]
    channels: str
    mean: Tuple[float, float, float]
    std: Tuple[float, float, float]
    free_shape: bool = False  # the input takes the shape of the picture

    def fitted(self, height, width):
        """The input's (height, width) for a picture: if its shape is free, at most as large an area with the picture's ratio,
        up to 2 : 1, sides multiples of 16, the shorter one rounded."""
        if not self.free_shape:
            return self.input
        area, ratio = self.input[0] * self.input[1], min(2, max(height / width, width / height))
        shorter = 16 * max(1, int((area / ratio) ** 0.5 / 16 + 0.5))
        longer = area // shorter // 16 * 16
        return (longer, shorter) if width < height else (shorter, longer)


def described(value):
    """The Arch of a model file's metadata, parsed."""
    if value["block"] == "inverted":
        layers = tuple(Layer(blocks, channels, stride, dilation, kernel, expansion)
                       for kernel, stride, dilation, expansion, channels, blocks in value["layers"])
        return Arch("inverted", tuple(value["stem"]), layers, value["head"], tuple(Level(*row) for row in value["decoder"]),
                    len(value["classes"]))
    return resnet(value["block"], value["blocks"], value["stem"], value["planes"], value["head"], value["decoder"],
                  len(value["classes"]))


def load(path):
    """Return (folded network, Meta) of a model file."""
    tensors, metadata = safetensors.read(path)
    value = {key: json.loads(text) for key, text in metadata.items()}
    arch = described(value)
    model = DmlCsr(arch, folded=True).eval()
    model.load_state_dict({name: torch.from_numpy(array.astype(np.float32)) for name, array in tensors.items()})
    return model, Meta(value["name"], tuple(value["input"]), value["channels"], tuple(value["mean"]), tuple(value["std"]),
                       value.get("shape") == "free")


LEAD_SCALE = 32  # of shaders/glsl/picture-params.h


def _geometry(source, size):
    """Scale s and offset o of one axis, so that source = (v + 0.5) * s - 0.5 + o for the network's pixel v.

    The source's longer side, in units of the network's input, fills it; half-pixel centres, centred on both axes.
    source and size are (height, width).
    """
    scale = max(source[0] / size[0], source[1] / size[1])
    return scale, [(source[i] - size[i] * scale) / 2 for i in (0, 1)]


def _taps(count, scale, offset, limit):
    """The neighbours and their weights for each output pixel along one axis; outside the picture the weight is 0. A bilinear
    sample has two; an output pixel of more than two is the mean of several samples (up to 4), so that none is left out."""
    samples = min(max(int(np.ceil(scale / 2 - 0.001)), 1), 4)
    at = (np.arange(count * samples) + 0.5) * scale / samples - 0.5 + offset
    low = np.floor(at).astype(int)
    high_weight = at - low
    index = np.stack([low, low + 1])
    weight = np.stack([1 - high_weight, high_weight]) * ((index >= 0) & (index < limit)) / samples
    return tuple(a.reshape(2, count, samples).transpose(0, 2, 1).reshape(-1, count) for a in (index.clip(0, limit - 1), weight))


def preprocess(rgb, meta):
    """uint8 height x width x RGB -> float32 1 x 3 x H x W: to the input's frame, where neighbours outside the picture are 0;
    then / 255, the model's channel order, minus mean, divided by std."""
    source, size = rgb.shape[:2], meta.fitted(*rgb.shape[:2])
    scale, offset = _geometry(source, size)
    (y, wy), (x, wx) = (_taps(size[i], scale, offset[i], source[i]) for i in (0, 1))
    picture = rgb.astype(np.float64)
    picture = sum(picture[rows] * weight[:, None, None] for rows, weight in zip(y, wy))
    picture = sum(picture[:, columns] * weight[None, :, None] for columns, weight in zip(x, wx))
    if meta.channels == "BGR":
        picture = picture[:, :, ::-1]
    normal = (picture / 255 - np.array(meta.mean)) / np.array(meta.std)
    return torch.from_numpy(normal.transpose(2, 0, 1)[None].astype(np.float32))


def placed(full, width, height):
    """Logits at the input size (classes x H x W) -> labels at the picture's size, by the inverse of preprocess, 0 outside.

    Each pixel of the input votes for its class with its lead before the second one; a pixel of the picture takes the class with
    the most votes of its four neighbours, weighted bilinearly. A border between two labels is then where their leads are equal."""
    full = np.asarray(full)
    size = full.shape[1:]
    found = full.argmax(0)
    best = np.sort(full, 0)[-2:] if len(full) > 1 else np.stack([full[0] - 8, full[0]])
    lead = np.rint(np.minimum(LEAD_SCALE * (best[1] - best[0]), 255)) + 1
    scale, offset = _geometry((height, width), size)
    at = [(np.arange(n) + 0.5 - offset[i]) / scale for i, n in enumerate((height, width))]
    low = [np.floor(p - 0.5).astype(int) for p in at]
    far = [p - 0.5 - n for p, n in zip(at, low)]
    votes = np.zeros((len(full), height, width), np.float32)
    for dy, dx in np.ndindex(2, 2):
        rows, columns = ((n + d).clip(0, m - 1) for n, d, m in zip(low, (dy, dx), size))
        weight = np.outer(far[0] if dy else 1 - far[0], far[1] if dx else 1 - far[1]) * lead[rows][:, columns]
        label = found[rows][:, columns][None]
        np.put_along_axis(votes, label, np.take_along_axis(votes, label, 0) + weight, 0)
    inside = np.outer(*((p > 0) & (p < n) for p, n in zip(at, size)))
    return np.where(inside, votes.argmax(0), 0).astype(np.uint8)


@torch.no_grad()
def logits(model, x):
    """N x classes x h x w, before the last upsample (h is about H / 4)."""
    return model(x)


@torch.no_grad()
def labels(model, x):
    """N x H x W: the classes at the input's size."""
    return up(logits(model, x), x.shape[2:]).argmax(1)


def parse(model, meta, rgb):
    """uint8 height x width x RGB -> the classes at the picture's size: everything that the program does."""
    x = preprocess(rgb, meta)
    return placed(up(logits(model, x), x.shape[2:])[0].numpy(), rgb.shape[1], rgb.shape[0])


def main():
    from PIL import Image
    parser = argparse.ArgumentParser(description="Run a model file in PyTorch on the CPU.")
    parser.add_argument("model")
    parser.add_argument("image")
    parser.add_argument("--logits", required=True, help="float32 classes x H x W at the input size, .npy")
    parser.add_argument("--labels", help="uint8 at the picture's size, .npy")
    args = parser.parse_args()
    try:
        model, meta = load(args.model)
        rgb = np.asarray(Image.open(args.image).convert("RGB"))
    except (OSError, safetensors.Malformed, KeyError, ValueError, RuntimeError) as error:
        sys.exit(f"{parser.prog}: {str(error).splitlines()[0]}")
    x = preprocess(rgb, meta)
    full = up(logits(model, x), x.shape[2:])[0]
    np.save(args.logits, full.numpy())
    if args.labels:
        np.save(args.labels, placed(full.numpy(), rgb.shape[1], rgb.shape[0]))


if __name__ == "__main__":
    main()

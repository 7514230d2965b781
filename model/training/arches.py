"""The named members of the family of networks, the label sets, and the cost of a network."""
from dataclasses import replace

import torch
from torch import nn

from reference import Arch, DmlCsr, DualGcn, Layer, Level, resnet

INPUTS = {"bottleneck": 473, "basic": 256, "inverted": 256}

LABELS = {
    11: {"background": "#000000", "skin": "#e6b089", "left brow": "#8c510a", "right brow": "#bf812d",
         "left eye": "#2166ac", "right eye": "#67a9cf", "nose": "#f4a261", "upper lip": "#d6604d",
         "inner mouth": "#67001f", "lower lip": "#e7298a", "hair": "#542788"},
    19: {"background": "#000000", "skin": "#e6b089", "nose": "#f4a261", "eyeglasses": "#00e5ff", "left eye": "#2166ac",
         "right eye": "#67a9cf", "left brow": "#8c510a", "right brow": "#bf812d", "left ear": "#1b7837",
         "right ear": "#7fbf7b", "mouth": "#67001f", "upper lip": "#d6604d", "lower lip": "#e7298a", "hair": "#542788",
         "hat": "#ffd92f", "earring": "#ffffff", "necklace": "#b3de69", "neck": "#c9a0dc", "cloth": "#7f7f7f"},
}
LABELS[20] = {**LABELS[19], "body": "#a65628"}


# EfficientNet-Lite0's stages to a sixteenth of the size (Tan and Le, ICML 2019): blocks, channels, stride, dilation, kernel, expansion.
LITE0 = (Layer(1, 16), Layer(2, 24, 2, 1, 3, 6), Layer(2, 40, 2, 1, 5, 6), Layer(3, 80, 2, 1, 3, 6), Layer(3, 112, 1, 1, 5, 6))


def named(classes):
    """Name -> Arch with that many classes."""
    full = (64, 128, 256, 512)
    return {
        "resnet101": resnet("bottleneck", (3, 4, 23, 3), (64, 64, 128), full, 512, (256, 48), classes),
        "resnet50": resnet("bottleneck", (3, 4, 6, 3), (64, 64, 128), full, 512, (256, 48), classes),
        "resnet18": resnet("basic", (2, 2, 2, 2), (64, 64, 128), full, 128, (256, 48), classes),
        "small18": resnet("basic", (2, 2, 2, 2), (32, 32, 64), (32, 64, 128, 256), 64, (128, 48), classes),
        "edge": Arch("inverted", (32,), LITE0, 96, (Level(64, 48, 5), Level(64, 24, 5)), classes),
    }


def trials(classes):
    """Name -> Arch: the alternatives to `edge`. Each differs from it in one respect."""
    edge = named(classes)["edge"]
    dense = (*LITE0[:3], LITE0[3]._replace(stride=1, dilation=2), LITE0[4]._replace(dilation=2))
    return {
        "edge-head-64": replace(edge, head=64),
        "edge-head-128": replace(edge, head=128),
        "edge-stride-8": replace(edge, layers=dense, decoder=edge.decoder[1:]),
        "edge-short": replace(edge, layers=LITE0[:4]),
        "edge-thin": replace(edge, decoder=(Level(32, 24, 5), Level(32, 16, 5))),
    }


def normalisation(arch):
    """(mean, std) of the input values / 255, as used in the training of the encoder's ImageNet weights."""
    if arch.inverted:
        return (127 / 255,) * 3, (128 / 255,) * 3
    return (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def labels(count):
    """The label set with that many classes, as in a model file: that of the data sets, or numbered classes."""
    known = LABELS.get(count) or {f"class {i}": _colour(i) for i in range(count)}
    return [{"name": name, "color": color} for name, color in known.items()]


def _colour(i):
    """The i-th of 2^24 colours; the first ones are far apart (each channel takes every third bit, highest first)."""
    channels = [sum((i >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)]
    return "#{:02x}{:02x}{:02x}".format(*channels)


@torch.no_grad()
def macs(arch, height, width):
    """Multiply-accumulates per picture: the convolutions, and the products of the two graphs."""
    total = 0

    def convolution(module, _, output):
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    def graphs(module, inputs, _):
        nonlocal total
        channels, nodes = inputs[0].shape[1], inputs[0][0, 0].numel()
        total += 2 * (channels // 2) * (channels // 4) * nodes

    def attention(module, inputs, _):
        nonlocal total
        channels, nodes = inputs[0].shape[1], inputs[0][0, 0].numel()
        total += 2 * (channels // 2) ** 2 * nodes

    model = DmlCsr(arch, folded=True).eval()
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            module.register_forward_hook(convolution)
        elif isinstance(module, DualGcn):
            module.register_forward_hook(graphs)
            module.gcn_local_attention.register_forward_hook(attention)
    model(torch.zeros(1, 3, height, width))
    return total

#!/usr/bin/env python3
"""Prints the stored answers of the parser's self-test (model/answer.c): the small networks there, computed by PyTorch in
64 bits.

Nothing is shared with the C side but the recipe for weights and picture, and the names of the tensors.
With --sensitivity: what becomes of each answer when one tensor is halved, or one ReLU6 has no ceiling, the smallest effects
first: on all logits, and on those that are stored.
"""
import argparse
import zlib
from typing import Callable, NamedTuple, Tuple

import numpy as np
import torch
import torch.nn.functional as F

POINTS = 80
LATE = ("context.", "layer6.", "decoder.")
CLIPPED, AFTER = 3, 1 / 3  # gains before a ReLU6, so that its ceiling matters, and after it
fault = None
parts = []


class Small(NamedTuple):
    """One of the networks: its encoder returns the head's input, and the other maps that its decoder takes."""
    encoder: Callable
    decoder: Callable
    head: int
    height: int
    width: int
    channels: str
    mean: Tuple[float, float, float]
    std: Tuple[float, float, float]
    classes: int


def mix(x):
    x = x.astype(np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x7FEB352D) & mask
    x ^= x >> np.uint64(15)
    x = x * np.uint64(0x846CA68B) & mask
    x ^= x >> np.uint64(16)
    return x


def part(name):
    """Whether this part of the network is to be made wrong."""
    parts.append(name)
    return name == fault


def tensor(name, *shape, gain=1.0):
    count = int(np.prod(shape))
    index = (np.arange(count, dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()))) & np.uint64(0xFFFFFFFF)
    unit = ((mix(index) >> np.uint64(8)).astype(np.int64) - (1 << 23)) / np.float64(1 << 23)
    # So that no branch dominates another and the softmax is soft: products of maps are sums over many pixels.
    if ".phi." in name or ".theta." in name:
        gain = 1 / 16
    elif ".node_q." in name or ".node_v." in name:
        gain = 1 / 3
    if name.endswith(".weight"):
        values = unit.astype(np.float32) * np.float32(np.sqrt(4.0 * shape[0] / count) * gain)
    elif name.endswith(".bias"):
        values = unit.astype(np.float32) * np.float32((2.0 if name.startswith(LATE) else 0.5) * gain)
    else:
        values = np.full(count, 0.75, np.float32)
    return torch.from_numpy(values.reshape(shape)).double() * (0.5 if part(name) else 1.0)


def conv(x, name, out, kernel=1, stride=1, dilation=1, groups=1, gain=1.0):
    weight = tensor(name + ".weight", out, x.shape[1] // groups, kernel, kernel, gain=gain)
    bias = tensor(name + ".bias", out, gain=gain)
    return F.conv2d(x, weight, bias, stride, dilation * (kernel // 2), dilation, groups)


def depthwise(x, name, kernel, stride=1, dilation=1, gain=1.0):
    return conv(x, name, x.shape[1], kernel, stride, dilation, x.shape[1], gain)


def conv1d(x, name):
    weight = tensor(name + ".weight", x.shape[1], x.shape[1], 1)
    return F.conv1d(x, weight, tensor(name + ".bias", x.shape[1]))


def leaky(x):
    return F.leaky_relu(x, 0.01)


def relu6(x, name):
    return F.relu(x) if part(name + " without its ceiling") else F.relu6(x)


def up(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def bottleneck(x, name, planes, stride, dilation):
    y = F.relu(conv(x, name + "conv1", planes))
    y = F.relu(conv(y, name + "conv2", planes, 3, stride, dilation))
    y = leaky(conv(y, name + "conv3", 4 * planes))
    if stride != 1 or x.shape[1] != 4 * planes:
        x = leaky(conv(x, name + "downsample.0", 4 * planes, 1, stride))
    return F.relu(y + x)


def bottlenecks(x):
    for i, (out, stride) in enumerate(zip((8, 8, 16), (2, 1, 1))):
        x = F.relu(conv(x, f"conv{i + 1}", out, 3, stride))
    x = F.max_pool2d(x, 3, 2, 1)
    low = x = bottleneck(x, "layer1.0.", 8, 1, 1)
    x = bottleneck(x, "layer2.0.", 16, 2, 1)
    x = bottleneck(x, "layer3.0.", 32, 1, 1)
    x = bottleneck(x, "layer3.1.", 32, 1, 1)
    return bottleneck(x, "layer4.0.", 64, 1, 2), low


def inverted(x, name, kernel, stride, dilation, expansion, out):
    y = x
    if expansion > 1:
        y = relu6(conv(y, name + "conv1", expansion * x.shape[1], gain=CLIPPED), name + "conv1")
    y = relu6(depthwise(y, name + "conv2", kernel, stride, dilation, gain=CLIPPED), name + "conv2")
    y = conv(y, name + "conv3", out, gain=AFTER)
    return x + y if stride == 1 and x.shape[1] == out else y


def inverteds(x):
    x = relu6(conv(x, "conv1", 8, 3, 2, gain=CLIPPED), "conv1")
    high = x = inverted(x, "layer1.0.", 3, 1, 1, 1, 8)
    x = inverted(x, "layer2.0.", 3, 2, 1, 4, 16)
    low = x = inverted(x, "layer2.1.", 3, 1, 1, 4, 16)
    x = inverted(x, "layer3.0.", 5, 2, 1, 3, 24)
    x = inverted(x, "layer3.1.", 5, 1, 1, 3, 24)
    x = inverted(x, "layer4.0.", 5, 1, 2, 2, 24)
    return inverted(x, "layer4.1.", 5, 1, 2, 2, 24), low, high


def attention(x, name):
    n, c, h, w = x.shape
    inner = c // 2
    k = conv(x, name + "node_k", inner).view(n, inner, -1).transpose(1, 2)
    v = conv(x, name + "node_v", inner).view(n, inner, -1).transpose(1, 2)
    q = conv(x, name + "node_q", inner).view(n, inner, -1)
    a = F.softmax(torch.bmm(q, v), dim=-1)
    y = torch.bmm(k, a).transpose(1, 2)
    y = conv1d(y, name + "conv_wg").view(n, inner, h, w)
    y = leaky(conv(y, name + "out.0", c))
    return tensor(name + "gamma", 1) * y + x


def dualgcn(x, name):
    n, c, h, w = x.shape
    y = x
    for i in (0, 2, 4):
        y = leaky(depthwise(y, f"{name}local.{i}", 3, 2))
    y = up(attention(y, name + "gcn_local_attention."), (h, w))
    s = x * y + x

    phi = leaky(conv(x, name + "phi", c // 2)).view(n, c // 2, -1)
    theta = leaky(conv(x, name + "theta", c // 4)).view(n, c // 4, -1)
    z = torch.bmm(phi, theta.transpose(1, 2))
    z = z + conv1d(z.transpose(1, 2), name + "conv_adj").transpose(1, 2)
    z = conv1d(z, name + "conv_wg")
    y = torch.bmm(z, theta).view(n, c // 2, h, w)
    y = leaky(conv(y, name + "conv3", c))
    f = tensor(name + "gamma1", 1) * y + x
    return leaky(conv(torch.cat((s, f), 1), name + "final.0", c))


def context(x, head):
    y = leaky(conv(x, "context.conva.0", head, 3))
    y = dualgcn(y, "context.dualgcn.")
    y = leaky(conv(y, "context.convb.0", head, 3))
    return leaky(conv(torch.cat((x, y), 1), "context.bottleneck.0", head, 3))


def decoder(x, classes, low):
    x = up(leaky(conv(x, "layer6.conv1.0", 32)), low.shape[2:])
    low = leaky(conv(low, "layer6.conv2.0", 8))
    x = leaky(conv(torch.cat((x, low), 1), "layer6.conv3.0", 32))
    x = leaky(conv(x, "layer6.conv3.2", 32))
    return conv(x, "layer6.conv4", classes)


def level(x, low, name, out, lateral, kernel):
    x = torch.cat((up(x, low.shape[2:]), leaky(conv(low, name + "conv1", lateral))), 1)
    x = leaky(conv(depthwise(x, name + "conv2", kernel), name + "conv3", out))
    return leaky(conv(depthwise(x, name + "conv4", kernel), name + "conv5", out))


def pyramid(x, classes, low, high):
    x = leaky(conv(x, "decoder.conv1.0", 24))
    x = level(x, low, "decoder.levels.0.", 24, 8, 5)
    x = level(x, high, "decoder.levels.1.", 16, 8, 3)
    return conv(x, "decoder.conv4", classes)


NETWORKS = {
    "bottleneck": Small(bottlenecks, decoder, 128, 72, 96, "BGR", (0.5, 0.25, 0.75), (0.25, 0.5, 0.5), 5),
    "inverted": Small(inverteds, pyramid, 32, 66, 90, "RGB", (0.25, 0.5, 0.75), (0.5, 0.25, 0.5), 7),
}


def picture(height, width):
    """R, G, B bytes in that order: waves of different lengths."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((x * (3 + c) + y * (5 - c) + (x * y >> 3)) & 255).astype(np.float64)


def run(small):
    parts.clear()
    rgb = picture(small.height, small.width) / 255
    x = ((rgb[:, :, ::-1] if small.channels == "BGR" else rgb) - np.array(small.mean)) / np.array(small.std)
    x, *lows = small.encoder(torch.from_numpy(x.transpose(2, 0, 1).copy())[None])
    x = small.decoder(context(x, small.head), small.classes, *lows)
    return up(x, (small.height, small.width))[0]


def points(small, logits):
    n = torch.arange(POINTS)
    return logits[n % small.classes, n * 37 % small.height, n * 53 % small.width]


def sensitivity(small, right):
    """By the name of each part: the largest change of any logit, and of any stored one, relative to the largest logit."""
    global fault
    effect = {}
    for fault in list(parts):
        change = (run(small) - right).abs() / right.abs().max()
        effect[fault] = float(change.max()), float(points(small, change).max())
    fault = None
    return effect


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensitivity", action="store_true")
    args = parser.parse_args()
    for name, small in NETWORKS.items():
        logits = run(small)
        print(f"{name}, peak {float(logits.abs().max()):.3g}:")
        if args.sensitivity:
            for part_name, (all_of_them, stored) in sorted(sensitivity(small, logits).items(), key=lambda item: item[1]):
                print(f"{all_of_them:.2e} {stored:.2e} {part_name}")
            continue
        values = points(small, logits).tolist()
        for i in range(0, POINTS, 8):
            print(24 * " " + " ".join(f"{v:.6f}f," for v in values[i:i + 8]))


if __name__ == "__main__":
    main()

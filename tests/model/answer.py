#!/usr/bin/env python3
"""Prints the stored answer of the parser's self-test (model/answer.c): the small network there, computed by PyTorch in
64 bits.

Nothing is shared with the C side but the recipe for weights and picture, and the names of the tensors.
With --sensitivity: what becomes of the answer when one tensor is halved, the smallest effects first.
"""
import argparse
import zlib

import numpy as np
import torch
import torch.nn.functional as F

HEIGHT, WIDTH, CLASSES = 72, 96, 5
STEM, PLANES, HEAD, DECODER = (8, 8, 16), (8, 16, 32, 64), 128, (32, 8)
MEAN, STD = (0.5, 0.25, 0.75), (0.25, 0.5, 0.5)
POINTS = 80
halved = None
names = []


def mix(x):
    x = x.astype(np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x7FEB352D) & mask
    x ^= x >> np.uint64(15)
    x = x * np.uint64(0x846CA68B) & mask
    x ^= x >> np.uint64(16)
    return x


def tensor(name, *shape):
    count = int(np.prod(shape))
    index = (np.arange(count, dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()))) & np.uint64(0xFFFFFFFF)
    unit = ((mix(index) >> np.uint64(8)).astype(np.int64) - (1 << 23)) / np.float64(1 << 23)
    # So that no branch drowns another, and the softmax is soft: products of maps sum over many pixels.
    small = 1.0
    if ".phi." in name or ".theta." in name:
        small = 1 / 16
    elif ".node_q." in name or ".node_v." in name:
        small = 1 / 3
    if name.endswith(".weight"):
        values = unit.astype(np.float32) * np.float32(np.sqrt(4.0 * shape[0] / count) * small)
    elif name.endswith(".bias"):
        late = name.startswith(("context.", "layer6."))
        values = unit.astype(np.float32) * np.float32((2.0 if late else 0.5) * small)
    else:
        values = np.full(count, 0.75, np.float32)
    names.append(name)
    return torch.from_numpy(values.reshape(shape)).double() * (0.5 if name == halved else 1.0)


def conv(x, name, out, kernel=1, stride=1, dilation=1):
    weight = tensor(name + ".weight", out, x.shape[1], kernel, kernel)
    bias = tensor(name + ".bias", out)
    return F.conv2d(x, weight, bias, stride=stride, padding=dilation * (kernel // 2), dilation=dilation)


def conv1d(x, name):
    weight = tensor(name + ".weight", x.shape[1], x.shape[1], 1)
    return F.conv1d(x, weight, tensor(name + ".bias", x.shape[1]))


def leaky(x):
    return F.leaky_relu(x, 0.01)


def up(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def bottleneck(x, name, planes, stride, dilation):
    y = F.relu(conv(x, name + "conv1", planes))
    y = F.relu(conv(y, name + "conv2", planes, 3, stride, dilation))
    y = leaky(conv(y, name + "conv3", 4 * planes))
    if stride != 1 or x.shape[1] != 4 * planes:
        x = leaky(conv(x, name + "downsample.0", 4 * planes, 1, stride))
    return F.relu(y + x)


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
        weight = tensor(f"{name}local.{i}.weight", c, 1, 3, 3)
        y = leaky(F.conv2d(y, weight, tensor(f"{name}local.{i}.bias", c), stride=2, padding=1, groups=c))
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


def network(x):
    names.clear()
    for i, (out, stride) in enumerate(zip(STEM, (2, 1, 1))):
        x = F.relu(conv(x, f"conv{i + 1}", out, 3, stride))
    x = F.max_pool2d(x, 3, 2, 1)
    x2 = x = bottleneck(x, "layer1.0.", PLANES[0], 1, 1)
    x = bottleneck(x, "layer2.0.", PLANES[1], 2, 1)
    x = bottleneck(x, "layer3.0.", PLANES[2], 1, 1)
    x = bottleneck(x, "layer3.1.", PLANES[2], 1, 1)
    x = bottleneck(x, "layer4.0.", PLANES[3], 1, 2)
    a = leaky(conv(x, "context.conva.0", HEAD, 3))
    g = dualgcn(a, "context.dualgcn.")
    b = leaky(conv(g, "context.convb.0", HEAD, 3))
    x = leaky(conv(torch.cat((x, b), 1), "context.bottleneck.0", HEAD, 3))
    t = up(leaky(conv(x, "layer6.conv1.0", DECODER[0])), x2.shape[2:])
    low = leaky(conv(x2, "layer6.conv2.0", DECODER[1]))
    x = leaky(conv(torch.cat((t, low), 1), "layer6.conv3.0", DECODER[0]))
    x = leaky(conv(x, "layer6.conv3.2", DECODER[0]))
    return up(conv(x, "layer6.conv4", CLASSES), (HEIGHT, WIDTH))[0]


def picture():
    """R, G, B bytes in that order: waves of different lengths."""
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    return ((x * (3 + c) + y * (5 - c) + (x * y >> 3)) & 255).astype(np.float64)


def run():
    rgb = picture() / 255
    bgr = (rgb[:, :, ::-1] - np.array(MEAN)) / np.array(STD)
    return network(torch.from_numpy(bgr.transpose(2, 0, 1).copy())[None])


def main():
    global halved
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensitivity", action="store_true")
    args = parser.parse_args()
    logits = run()
    if args.sensitivity:
        peak = logits.abs().max()
        effect = {}
        for name in list(names):
            halved = name
            effect[name] = float((run() - logits).abs().max() / peak)
        for name in sorted(effect, key=effect.get):
            print(f"{effect[name]:.2e} {name}")
        return
    values = [float(logits[n % CLASSES, n * 37 % HEIGHT, n * 53 % WIDTH]) for n in range(POINTS)]
    for i in range(0, POINTS, 8):
        print("        " + " ".join(f"{v:.6f}f," for v in values[i:i + 8]))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Every operator by itself, over many shapes, against numpy and PyTorch in 64 bits.

Environment: GPU_OP (the program), VISAGED_DRIVER (lavapipe, swiftshader), VISAGED_BACKEND (subgroup, tiled), VISAGED_VALIDATE
(fewer cases, under the validation layers), VISAGED_LONG (larger ones too), VISAGED_OPS (only these operators).
"""
import errno
import os
import unittest
import zlib

import numpy as np
import torch
import torch.nn.functional as F

import cases
import drivers
from cases import Case, Map, bytes_near, near, rounded

DRIVER = os.environ.get("VISAGED_DRIVER", drivers.LAVAPIPE)
BACKEND = os.environ.get("VISAGED_BACKEND", "subgroup")
VALIDATE = bool(os.environ.get("VISAGED_VALIDATE"))
LONG = bool(os.environ.get("VISAGED_LONG"))

# What one case may cost, and whether it takes the whole list: the tiled back-end runs at 1 to 5 GFLOP/s on a CPU.
WHOLE_LIST = DRIVER == drivers.LAVAPIPE and BACKEND == "subgroup" and not VALIDATE
FLOP_MOST = 4e10 if WHOLE_LIST else 2e9 if LONG else 3e8

LINEAR, RELU, LEAKY, RELU6 = 0, 1, 2, 3
ACTIVATIONS = ["", " relu", " leaky", " relu6"]

# Of the largest number.  A direct sum of K products in 32 bits is off by about sqrt(K) 2^-24 of the terms' size, below 1e-6 of
# the largest result for every K here.  Winograd F(4x4,3x3) multiplies by up to 8 and cancels: 1e-4.  Stored as halves, results
# are off by 2^-11 of themselves, or 2^-10 where a driver's stores cut bits off; the sums in between have 32 bits.
DIRECT, WINOGRAD = 1e-5, 1e-4
HALF_EACH = 1.02 * 2 ** -10


def rng(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def act(x, activation):
    return {LINEAR: x, RELU: np.maximum(x, 0), LEAKY: np.where(x < 0, 0.01 * x, x), RELU6: np.clip(x, 0, 6)}[activation]


def to_torch(x):
    return torch.from_numpy(np.ascontiguousarray(x))[None]


def strided(n, stride):
    return (n - 1) // stride + 1


def pixel_bytes(width, height, r):
    return r.integers(0, 256, (height, width, 4), np.uint8)


# ---- convolution ----

def conv(cin, cout, kernel, stride, dilation, height, width, activation=LINEAR, scale=1.0, residual=None, relu=False,
         half=False, out_float=False, slices=False, concat=False, offset=0, sample=True, repeat=1, large=False, algorithm=None):
    """residual: None, "map" or "in place".  slices: in and out are slices of wider maps; concat: of the same one.  large: with
    weights beyond what a half holds, which become the largest.  algorithm: by name; None: the one that is chosen."""
    r = rng(cin, cout, kernel, stride, dilation, height, width, activation, residual, half)
    oh, ow = strided(height, stride), strided(width, stride)
    x = r.standard_normal((cin, height, width))
    w = (r.standard_normal((cout, cin, kernel, kernel)) / np.sqrt(cin * kernel * kernel)).astype(np.float32)
    b = (0.5 * r.standard_normal(cout)).astype(np.float32)
    before = r.standard_normal((cout, oh, ow))
    if activation == RELU6:
        w *= 4  # so that some results are cut
    if large:
        w[:2, 0, 0, 0] = 1e5, -65520
    out_half = half and not out_float
    first = 8 if slices else 0
    maps = {"in": Map(cin, height, width, x, half=half, first=first, beyond=12 if slices else 0, offset=offset)}
    out = Map(cout, oh, ow, before if residual == "in place" else None, get=True, half=out_half,
              first=16 if slices else 0, beyond=4 if slices else 0, offset=offset)
    if concat:
        wide = maps["in"]
        wide.beyond = out.padded() + 8
        out.first, out.beyond, out.share = wide.first + wide.padded() + 4, 4, "in"
    if residual == "map":
        maps["residual"] = Map(cout, oh, ow, before, half=out_half, first=first)
    maps["out"] = out

    def want():
        y = F.conv2d(to_torch(rounded(x, half)), torch.from_numpy(rounded(np.clip(w, -65504, 65504), half)), torch.from_numpy(b.astype(np.float64)),
                     stride=stride, dilation=dilation, padding=dilation * (kernel // 2))[0].numpy()
        y = scale * act(y, activation)
        if residual:
            y = y + rounded(before, out_half)
        return np.maximum(y, 0) if relu else y

    def check(outputs, answer):
        winograd = answer["algorithm"] == "subgroup-winograd"
        near(outputs[0], want(), WINOGRAD if winograd else DIRECT, each=HALF_EACH if half else 0)

    title = f"conv {kernel}x{kernel}"
    title += f" stride {stride}" if stride > 1 else ""
    title += f" dilation {dilation}" if dilation > 1 else ""
    title += f" {cin}->{cout} at {height}x{width}"
    title += ACTIVATIONS[activation]
    title += f" scale {scale}" if scale != 1 else ""
    title += f" residual {residual}" if residual else ""
    title += " relu after" if relu else ""
    title += " half" if half else ""
    title += " to float" if out_float else ""
    title += " large weights" if large else ""
    title += " slices" if slices else ""
    title += " in one buffer" if concat else ""
    title += f" offset {offset}" if offset else ""
    title += f" by {algorithm}" if algorithm else ""
    return Case("conv", title, check, maps,
                {"in": (cin + 3) // 4 * 4, "real_in": cin, "out": cout, "kernel": kernel, "stride": stride,
                 "dilation": dilation, "height": height, "width": width, "half": half, "activation": activation,
                 "depthwise": False, "scale": scale, "relu": relu, "in_place": residual == "in place",
                 "weights_offset": offset, "workspace_offset": offset} | ({"algorithm": algorithm} if algorithm else {}),
                [w, b], 2.0 * cin * cout * kernel ** 2 * oh * ow, repeat, sample,
                refused=bool(algorithm) and not can(algorithm, kernel, stride, dilation, half))


def can(algorithm, kernel, stride, dilation, half):
    """What the algorithm's `fits` should say here."""
    if algorithm.startswith("subgroup") and DRIVER != drivers.LAVAPIPE:
        return False
    return {"subgroup-winograd": kernel == 3 and stride == 1 and not half, "depthwise-block": dilation == 1}.get(algorithm, True)


def algorithm_cases():
    """Every row of the table, whether it would be chosen or not: on one device the back-ends mix."""
    for algorithm in ("subgroup-winograd", "subgroup", "tiled"):
        for n, shape in enumerate([(8, 12, 1, 1, 1, 7, 5), (20, 48, 3, 1, 1, 15, 15), (12, 40, 3, 1, 2, 33, 17), (12, 20, 3, 2, 1, 16, 16),
                                   (64, 36, 1, 2, 1, 13, 9), (36, 33, 3, 1, 1, 3, 70)]):
            yield conv(*shape, activation=LEAKY, residual=(None, "map", "in place")[n % 3], algorithm=algorithm)
            yield conv(*shape, activation=RELU, half=True, slices=True, algorithm=algorithm)
    for algorithm in ("depthwise-block", "depthwise-pixel"):
        for kind in [(3, 1, 1), (5, 2, 1), (3, 1, 2)]:
            for half in (False, True):
                yield depthwise(12, 15, 22, *kind, RELU6, half, True, 256, algorithm)


SIZES = [(1, 1), (2, 3), (7, 5), (15, 15), (16, 16), (33, 17)]


def conv_cases():
    pairs = [(3, 8), (8, 8), (8, 12), (12, 20), (20, 48), (48, 19), (64, 64), (64, 11)]
    kinds = [(1, 1, 1), (1, 2, 1), (3, 1, 1), (3, 2, 1), (3, 1, 2)]
    # The epilogues take turns over the shapes.
    epilogues = [dict(), dict(activation=RELU), dict(activation=LEAKY), dict(activation=LEAKY, residual="map", relu=True),
                 dict(activation=LEAKY, residual="in place", relu=True), dict(residual="map"), dict(scale=0.375),
                 dict(activation=LEAKY, scale=-1.25, residual="map"), dict(residual="in place", scale=0.5), dict(relu=True),
                 dict(slices=True, activation=LEAKY), dict(activation=RELU6), dict(activation=RELU6, scale=0.5, residual="map")]
    n = 0
    for kernel, stride, dilation in kinds:
        for cin, cout in pairs:
            for height, width in SIZES:
                yield conv(cin, cout, kernel, stride, dilation, height, width, **epilogues[n % len(epilogues)],
                           sample=n % 9 == 0)
                n += 1
    for n, epilogue in enumerate(epilogues):
        for kernel, stride, dilation in kinds:
            yield conv(32, 36, kernel, stride, dilation, 13, 21, **epilogue, sample=n % 3 == 0)
    # What the network has, and what is near a border of some tile.
    for shape in [(64, 64, 3, 1, 1, 60, 60), (64, 128, 3, 1, 1, 33, 47), (128, 128, 3, 1, 1, 32, 32), (256, 256, 3, 1, 1, 16, 16),
                  (256, 256, 3, 1, 1, 60, 60), (256, 256, 3, 1, 1, 23, 37), (512, 512, 3, 1, 1, 16, 16),
                  (512, 512, 3, 1, 1, 15, 17), (512, 512, 3, 1, 2, 15, 15), (512, 512, 3, 1, 2, 32, 32),
                  (256, 256, 3, 1, 2, 33, 31), (128, 128, 3, 2, 1, 60, 60), (128, 128, 3, 2, 1, 119, 119),
                  (132, 140, 3, 1, 1, 29, 31), (2048, 512, 3, 1, 1, 8, 8), (2560, 512, 3, 1, 1, 9, 7),
                  (256, 256, 1, 1, 1, 60, 60), (512, 1024, 1, 1, 1, 30, 30), (1024, 256, 1, 1, 1, 31, 33),
                  (512, 2048, 1, 1, 1, 9, 9), (2048, 512, 1, 1, 1, 8, 8), (256, 512, 1, 2, 1, 61, 61), (256, 19, 1, 1, 1, 60, 60),
                  (304, 256, 1, 1, 1, 33, 17), (3, 64, 3, 2, 1, 128, 128), (64, 64, 3, 1, 1, 4, 200), (128, 128, 3, 1, 1, 5, 3),
                  (256, 256, 3, 1, 1, 1, 1), (256, 256, 3, 1, 1, 4, 4), (512, 512, 1, 1, 1, 1, 1)]:
        yield conv(*shape, activation=LEAKY, residual="map" if shape[0] == shape[1] else None, relu=True,
                   sample=shape[0] < 300)
    for shape in [(64, 64, 3, 1, 1, 24, 24), (128, 128, 3, 1, 1, 17, 16), (256, 256, 3, 1, 1, 16, 20), (48, 48, 1, 1, 1, 20, 20),
                  (64, 64, 3, 1, 2, 20, 20), (512, 512, 3, 1, 1, 16, 16)]:
        for more in [dict(residual="in place", activation=LEAKY), dict(slices=True, residual="map", relu=True),
                     dict(concat=True, activation=LEAKY), dict(offset=768, activation=RELU), dict(repeat=3),
                     dict(scale=0.25, activation=LEAKY, residual="map")]:
            yield conv(*shape, **more, sample=shape[0] < 300)
    for shape in [(3, 8, 3, 2, 1, 33, 17), (8, 12, 1, 1, 1, 7, 5), (20, 48, 3, 1, 1, 15, 15), (64, 64, 3, 1, 1, 16, 16),
                  (64, 64, 1, 2, 1, 33, 17), (64, 64, 3, 1, 2, 33, 17), (256, 256, 3, 1, 1, 16, 16), (512, 512, 3, 1, 1, 16, 16),
                  (512, 512, 3, 1, 2, 15, 15), (256, 512, 1, 1, 1, 16, 16), (128, 128, 3, 2, 1, 30, 30)]:
        for more in [dict(activation=LEAKY), dict(activation=LEAKY, residual="in place", relu=True),
                     dict(slices=True, residual="map", scale=0.5)]:
            yield conv(*shape, half=True, **more, sample=shape[0] < 300)
    for shape in [(64, 19, 1, 1, 1, 15, 15), (128, 64, 1, 1, 1, 16, 16)]:
        yield conv(*shape, half=True, out_float=True)
    yield conv(8, 12, 1, 1, 1, 7, 5, half=True, out_float=True, large=True)
    yield conv(1024, 1024, 1, 1, 1, 48, 48, sample=False)  # 2.4 GMAC: cut where that takes long
    yield from (strange_conv(n) for n in range(400 if LONG else 60))


def strange_conv(n):
    """Numbers that the network has no use for, all mixed."""
    r = rng("strange", n)
    big = r.random() < 0.2
    pick = lambda *of: of[r.integers(len(of))]
    kernel = pick(1, 3, 3)
    return conv(pick(64, 96, 132, 256) if big else pick(3, 4, 8, 12, 20, 28, 48, 60, 64),
                pick(64, 100, 130, 256) if big else pick(1, 2, 3, 5, 8, 11, 24, 33, 40, 64),
                kernel, pick(1, 1, 2, 3, 4), pick(1, 2, 3, 4) if kernel == 3 else 1, int(r.integers(1, 41)), int(r.integers(1, 41)),
                activation=pick(LINEAR, RELU, LEAKY, RELU6), scale=pick(1.0, 0.5, -2.0), residual=pick(None, None, "map", "in place"),
                relu=bool(r.random() < 0.5), half=bool(r.random() < 0.3), slices=bool(r.random() < 0.3), offset=pick(0, 256, 1024),
                sample=n % 4 == 0)


# ---- the other operators of the network ----

def one_map(op, title, x, want, half=False, out_half=None, arrays=(), numbers=None, slices=False, name="in", relative=DIRECT,
            sample=True, repeat=1):
    out_half = half if out_half is None else out_half

    def check(outputs, answer):
        near(outputs[0], want(rounded(x, half)), relative, each=HALF_EACH if out_half else 0)

    shape = want(rounded(x, half)).shape
    maps = {name: Map(*x.shape, x, half=half, first=4 if slices else 0, beyond=8 if slices else 0, offset=256 if slices else 0),
            "out": Map(*shape, get=True, half=out_half, first=12 if slices else 0, beyond=4 if slices else 0,
                       offset=512 if slices else 0)}
    title += " half" if half else ""
    title += " slices" if slices else ""
    return Case(op, f"{op} {title}", check, maps, numbers or {}, list(arrays), repeat=repeat, sample=sample)


def depthwise(channels, height, width, kernel, stride, dilation, activation, half, slices, offset, algorithm=None):
    r = rng("depthwise", channels, height, width, kernel, stride, dilation)
    x = r.standard_normal((channels, height, width))
    w = r.standard_normal((channels, kernel, kernel)).astype(np.float32)
    b = r.standard_normal(channels).astype(np.float32)

    def want(x):
        y = F.conv2d(to_torch(x), torch.from_numpy(w.astype(np.float64))[:, None], torch.from_numpy(b.astype(np.float64)),
                     stride=stride, dilation=dilation, padding=dilation * (kernel // 2), groups=len(b))
        return act(y[0].numpy(), activation)

    title = f"{kernel}x{kernel} stride {stride} dilation {dilation} {channels} at {height}x{width}{ACTIVATIONS[activation]}"
    title += f" by {algorithm}" if algorithm else ""
    case = one_map("conv", "depthwise " + title, x, want, half=half, arrays=[w, b], slices=slices, sample=channels == 48 or bool(algorithm),
                   numbers={"in": channels, "real_in": channels, "out": channels, "kernel": kernel, "stride": stride,
                            "dilation": dilation, "height": height, "width": width, "half": half, "depthwise": True,
                            "activation": activation, "scale": 1.0, "relu": False, "in_place": False, "weights_offset": offset,
                            "workspace_offset": 0} | ({"algorithm": algorithm} if algorithm else {}))
    case.refused = bool(algorithm) and not can(algorithm, kernel, stride, dilation, half)
    return case


def depthwise_cases():
    kinds = [(3, 1, 1), (3, 2, 1), (5, 1, 1), (5, 2, 1), (3, 1, 2), (5, 1, 2), (5, 2, 3)]
    n = 0
    for channels in (8, 48, 512):
        for height, width in SIZES + [(60, 60), (32, 31)]:
            for kind in kinds if channels == 48 else kinds[:4]:
                yield depthwise(channels, height, width, *kind, (LEAKY, LINEAR, RELU, RELU6)[n % 4], n % 5 == 4, n % 4 == 3,
                                256 * (n % 3))
                n += 1


def maxpool_cases():
    for n, (channels, height, width) in enumerate([(8, 1, 1), (8, 2, 3), (12, 7, 5), (64, 16, 16), (64, 33, 17), (128, 60, 60),
                                                   (128, 119, 119), (4, 128, 3)]):
        for half in (False, True):
            x = rng("maxpool", n).standard_normal((channels, height, width)) - 3  # mostly negative: padding is not 0
            yield one_map("maxpool", f"{channels} at {height}x{width}", x,
                          lambda x: F.max_pool2d(to_torch(x), 3, 2, 1)[0].numpy(), half, slices=n % 2 == 1, repeat=2)


def up(x, height, width):
    return F.interpolate(to_torch(x), (height, width), mode="bilinear", align_corners=True)[0].numpy()


def upsample_cases():
    for n, (channels, h, w, height, width) in enumerate(
            [(8, 1, 1, 7, 5), (8, 2, 3, 2, 3), (12, 8, 8, 60, 60), (48, 15, 15, 33, 17), (256, 60, 60, 119, 119), (20, 16, 16, 7, 5),
             (8, 7, 5, 1, 1), (8, 1, 9, 4, 60), (64, 5, 4, 32, 32)]):
        for half in (False, True):
            x = rng("upsample", n).standard_normal((channels, h, w))
            yield one_map("upsample", f"{channels} from {h}x{w} to {height}x{width}", x,
                          lambda x, height=height, width=width: up(x, height, width), half, slices=n % 2 == 1, sample=channels < 200)


def gate_cases():
    for n, (channels, h, w, height, width) in enumerate(
            [(8, 1, 1, 7, 5), (12, 2, 3, 15, 15), (64, 8, 8, 60, 60), (512, 8, 8, 60, 60), (48, 3, 5, 33, 17), (8, 4, 4, 4, 4),
             (8, 1, 1, 1, 1)]):
        for half in (False, True):
            r = rng("gate", n)
            x, g = r.standard_normal((channels, height, width)), r.standard_normal((channels, h, w))

            def check(outputs, answer, x=x, g=g, height=height, width=width, half=half):
                a = rounded(x, half)
                near(outputs[0], a * up(rounded(g, half), height, width) + a, DIRECT, each=HALF_EACH if half else 0)

            s = n % 2
            yield Case("gate", f"gate {channels} from {h}x{w} to {height}x{width}" + (" half" if half else "") + (" slices" if s else ""),
                       check, {"x": Map(*x.shape, x, half=half, first=8 * s, beyond=4 * s), "gate": Map(*g.shape, g, half=half),
                               "out": Map(*x.shape, get=True, half=half, first=4 * s, beyond=8 * s)}, sample=channels < 100)


# ---- matrices ----

def gram_cases():
    for n, (ca, cb, height, width) in enumerate(
            [(4, 4, 2, 2), (8, 4, 1, 4), (64, 32, 8, 8), (256, 128, 15, 15), (256, 256, 8, 8), (256, 128, 32, 32), (256, 128, 60, 60),
             (20, 12, 33, 17), (128, 64, 5, 7), (12, 8, 1, 1)]):
        for half in (False, True):
            r = rng("gram", n)
            a, b = r.standard_normal((ca, height, width)) + 0.5, r.standard_normal((cb, height, width))

            def check(outputs, answer, a=a, b=b, half=half):
                x, y = rounded(a, half).reshape(len(a), -1), rounded(b, half).reshape(len(b), -1)
                near(outputs[0], (y @ x.T)[:, None, :], DIRECT)

            s = n % 2
            yield Case("gram", f"gram {ca} x {cb} over {height * width} pixels" + (" half" if half else "") + (" slices" if s else ""),
                       check, {"a": Map(*a.shape, a, half=half, first=4 * s, beyond=4 * s),
                               "b": Map(*b.shape, b, half=half, first=12 * s),
                               "out": Map(cb, 1, ca, get=True, first=4 * s)}, flop=2.0 * ca * cb * height * width, repeat=2,
                       sample=ca * cb * height * width < 5e6)


def softmax_cases():
    for n, (channels, pixels, size) in enumerate([(4, 1, 1), (8, 5, 1), (64, 64, 10), (256, 256, 1), (256, 256, 1000), (128, 33, 1e4),
                                                  (20, 7, 80), (1024, 3, 5)]):
        for in_place in (False, True):
            x = rng("softmax", n).standard_normal((channels, 1, pixels)) * size

            def check(outputs, answer, x=x):
                # 2e-6: the exponent of a 32-bit difference of some tens, rounded.
                near(outputs[0], torch.softmax(torch.from_numpy(rounded(x, False)), 0).numpy(), 2e-5)

            maps = {"in": Map(*x.shape, x)}
            maps["out"] = Map(*x.shape, get=True, share="in" if in_place else None)
            yield Case("softmax", f"softmax over {channels} of {pixels} pixels, values to {4 * size:g}"
                       + (" in place" if in_place else ""), check, maps, sample=n % 2 == 0)


def transpose_cases():
    for n, (channels, pixels) in enumerate([(4, 4), (8, 32), (32, 8), (128, 256), (256, 128), (256, 256), (12, 36), (20, 4), (4, 100)]):
        x = rng("transpose", n).standard_normal((channels, 1, pixels))
        yield one_map("transpose", f"{channels} x {pixels}", x, lambda x: x.transpose(2, 1, 0), slices=n % 3 == 2, relative=0)


def matmul_cases():
    for n, (m, k, height, width) in enumerate(
            [(4, 4, 1, 1), (8, 12, 2, 3), (64, 32, 8, 8), (256, 128, 16, 16), (256, 256, 8, 8), (256, 128, 60, 60), (20, 48, 33, 17),
             (128, 256, 1, 256), (32, 64, 15, 15), (256, 128, 7, 5)]):
        for half in (False, True):
            r = rng("matmul", n)
            w, x = r.standard_normal((m, 1, k)) / np.sqrt(k), r.standard_normal((k, height, width))

            def check(outputs, answer, w=w, x=x, half=half):
                near(outputs[0], np.einsum("mk,khw->mhw", rounded(w[:, 0], False), rounded(x, half)), DIRECT if not half else 2e-3,
                     each=HALF_EACH if half else 0)

            s = n % 2
            yield Case("matmul", f"matmul {m}x{k} over {height}x{width}" + (" half" if half else "") + (" slices" if s else ""), check,
                       {"matrix": Map(*w.shape, w), "x": Map(*x.shape, x, half=half, first=4 * s, beyond=4 * s),
                        "out": Map(m, height, width, get=True, half=half, first=8 * s, beyond=4 * s)},
                       {"workspace_offset": 256 * s}, flop=2.0 * m * k * height * width, repeat=2, sample=m * k * height * width < 5e6)


# ---- in and out of the network ----

def sample_bilinear(image, sx, sy):
    """image [h][w][c] at columns sx, rows sy; outside of it its edge."""
    h, w = image.shape[:2]
    x0, y0 = np.floor(sx).astype(int), np.floor(sy).astype(int)
    fx, fy = (sx - x0)[None, :, None], (sy - y0)[:, None, None]

    def tap(ys, xs):
        return image[np.clip(ys, 0, h - 1)][:, np.clip(xs, 0, w - 1)].astype(np.float64)

    top = tap(y0, x0) * (1 - fx) + tap(y0, x0 + 1) * fx
    bottom = tap(y0 + 1, x0) * (1 - fx) + tap(y0 + 1, x0 + 1) * fx
    return top * (1 - fy) + bottom * fy


def whole(width, height, net_width, net_height):
    """The rows that take the network's input to the picture which is centred in it."""
    scale = max(width / net_width, height / net_height)
    return [[scale, 0, (width - scale * net_width) / 2], [0, scale, (height - scale * net_height) / 2]]


FREE = [[0.7, 0, 11.3], [0, 0.7, -7.9]]
LARGE = [[3.5, 0, -60.25], [0, 3.5, 140]]
TURNED = [[0.9, -0.5, 20.1], [0.5, 0.9, -5.3]]
UPSIDE_DOWN = [[-1.3, 0.04, 90.7], [-0.02, -1.1, 61.2]]
SHEARED = [[0.6, 0.8, -10.5], [-0.3, 1.7, 8.25]]


def transformed(rows, x, y):
    """Where the rows, as 32-bit numbers, take the places (x, y)."""
    (a, b, c), (d, e, f) = np.float32(rows).astype(np.float64)
    return a * x + b * y + c, d * x + e * y + f


def sample_region(image, rows, width, height):
    """PyTorch's bilinear sampling of image [h][w][c], 0 outside, where the rows take each pixel's parts, then the mean of the parts:
    so many that each is two pixels of the image at most."""
    side = max(np.hypot(rows[0][0], rows[1][0]), np.hypot(rows[0][1], rows[1][1]))
    parts = min(max(int(np.ceil(side / 2 - 0.001)), 1), 4)
    y, x = (np.mgrid[:height * parts, :width * parts] + 0.5) / parts
    place = transformed(rows, x, y)
    grid = np.stack([2 * p / size - 1 for p, size in zip(place, image.shape[1::-1])], -1)
    sampled = F.grid_sample(to_torch(image.transpose(2, 0, 1).astype(np.float64)), torch.from_numpy(grid)[None], "bilinear", "zeros",
                            align_corners=False)
    return F.avg_pool2d(sampled, parts)[0].numpy().transpose(1, 2, 0)


def crop_cases():
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    for n, (width, height, net_width, net_height, rows) in enumerate(
            [(64, 64, 64, 64, None), (97, 61, 64, 64, None), (61, 97, 64, 64, None), (31, 17, 65, 65, None), (640, 480, 96, 96, None),
             (201, 137, 137, 201, None), (1, 1, 33, 33, None), (5, 300, 64, 48, None), (80, 60, 48, 64, FREE), (320, 240, 256, 256, None),
             (200, 150, 64, 64, LARGE), (97, 61, 64, 48, TURNED), (80, 60, 64, 64, UPSIDE_DOWN), (120, 90, 65, 33, SHEARED)]):
        for bgr in (False, True):
            half = bgr and n % 2 == 1
            image = pixel_bytes(width, height, rng("crop", n))
            region = rows or whole(width, height, net_width, net_height)

            def check(outputs, answer, image=image, region=region, size=(net_width, net_height), bgr=bgr, half=half):
                rgb = sample_region(image[..., :3], region, *size) / 255
                y = ((rgb[..., ::-1] if bgr else rgb) - mean) / std
                want = np.concatenate([y.transpose(2, 0, 1), np.zeros((1,) + y.shape[:2])])
                # A place in the source is off by up to 2^-24 of some hundreds, the picture is noise of the steepest kind.
                near(outputs[0], want, 3e-4, each=HALF_EACH if half else 0)

            yield Case("crop", f"crop {width}x{height} to {net_width}x{net_height}" + (f" free {n}" if rows else "")
                       + (" bgr" if bgr else "") + (" half" if half else ""), check,
                       {"out": Map(4, net_height, net_width, get=True, half=half, first=0)},
                       # The one that counts is behind others.
                       {"image": {"width": width, "height": height}, "regions": [FREE] * (n % 3) + [region],
                        "mean": mean, "std": std, "bgr": bgr}, [image], sample=width < 600)


def region_whole_cases():
    for width, height, net_width, net_height in [(640, 480, 473, 473), (480, 640, 473, 473), (100, 100, 256, 256), (1, 1, 33, 33),
                                                 (1920, 1080, 201, 137), (300, 300, 137, 201), (16384, 16384, 2048, 2048)]:
        def check(outputs, answer, rows=whole(width, height, net_width, net_height)):
            got = outputs[0].view(np.float32).astype(np.float64).reshape(4, 4)[:, :3]
            near(got[:2], np.array(rows), 1e-6)
            near(got[2:], np.linalg.inv(np.array(rows + [[0, 0, 1]]))[:2], 1e-6)

        yield Case("region_whole", f"region_whole {width}x{height} in {net_width}x{net_height}", check,
                   numbers={"width": width, "height": height, "net_width": net_width, "net_height": net_height})


def argmax_cases():
    for n, (classes, h, w, height, width) in enumerate(
            [(11, 5, 5, 33, 33), (19, 15, 15, 113, 113), (11, 1, 1, 7, 5), (19, 7, 5, 50, 34), (2, 33, 17, 33, 17), (64, 8, 8, 60, 60),
             (19, 60, 60, 473, 473), (11, 35, 26, 201, 137), (1, 3, 3, 9, 9)]):
        x = rng("argmax", n).standard_normal((classes, h, w))
        wide = np.concatenate([x, np.full((-classes % 4, h, w), 1e3)])  # what pads the classes must not win

        def check(outputs, answer, x=x, classes=classes, height=height, width=width):
            got = outputs[0].reshape(height, width)
            assert got.max() < classes, f"label {got.max()} of {classes} classes"
            y = up(rounded(x, False), height, width)
            lost = y.max(0) - np.take_along_axis(y, got[None].astype(int), 0)[0]
            assert lost.max() <= 1e-5 * np.abs(y).max(), f"chose a class {lost.max():.3g} below the best at {first_of(lost)}"

        yield Case("argmax", f"argmax {classes} classes from {h}x{w} to {height}x{width}", check, {"logits": Map(*wide.shape, wide)},
                   {"classes": classes, "out": {"width": width, "height": height}}, sample=n != 6)


def first_of(distance):
    return np.unravel_index(distance.argmax(), distance.shape)


def uncrop_cases():
    for n, (width, height, net_width, net_height, regions) in enumerate(
            [(64, 64, 64, 64, None), (97, 61, 64, 64, None), (61, 97, 65, 33, None), (31, 17, 65, 65, None), (640, 480, 96, 96, None),
             (1, 1, 33, 33, None), (5, 7, 64, 48, None), (80, 61, 48, 64, [FREE]), (321, 239, 256, 256, None),
             (200, 150, 64, 64, [LARGE]), (97, 61, 64, 48, [TURNED]), (80, 60, 64, 64, [UPSIDE_DOWN]), (120, 90, 65, 33, [SHEARED]),
             (97, 61, 33, 33, [whole(97, 61, 33, 33), TURNED]), (80, 61, 48, 64, [TURNED, FREE, SHEARED, UPSIDE_DOWN]),
             (5000, 3400, 33, 33, None)]):  # more than 65,535 groups of 64 invocations of 4 pixels
        regions = regions or [whole(width, height, net_width, net_height)]
        labels = rng("uncrop", n).integers(1, 19, (len(regions), net_height, net_width), np.uint8)
        size = net_width * net_height
        layers = np.pad(labels.reshape(len(regions), size), ((0, 0), (0, -size % 4)))

        def check(outputs, answer, labels=labels, regions=regions, width=width, height=height):
            h, w = labels.shape[1:]
            places = np.mgrid[:height, :width] + 0.5
            want, clear = np.zeros((height, width), np.uint8), np.ones((height, width), bool)
            for layer, rows in zip(labels, regions):
                x, y = transformed(np.linalg.inv(np.float32(rows + [[0, 0, 1]]).astype(np.float64))[:2], *places[::-1])
                inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
                found = layer[np.clip(np.floor(y).astype(int), 0, h - 1), np.clip(np.floor(x).astype(int), 0, w - 1)]
                want = np.where(inside, found, want)
                # On the border between two labels either may be taken.
                clear &= (np.abs(y - np.round(y)) > 1e-3) & (np.abs(x - np.round(x)) > 1e-3)
            bytes_near(outputs[0].reshape(height, width), want, 0, where=clear)

        yield Case("uncrop", f"uncrop {len(regions)} of {net_width}x{net_height} to {width}x{height}, {n}", check,
                   numbers={"in": {"width": net_width, "height": net_height}, "out": {"width": width, "height": height},
                            "regions": regions}, arrays=[layers])


# ---- pictures ----

RGB, BT601, BT709 = 0, 1, 2


def pixels(layout, width, height, pad=0, color=BT601, full=False):
    """A struct gpu_pixels, as a camera's driver would lay the frame out."""
    def part(offset, stride, step, shift_x=0, shift_y=0):
        return {"offset": offset, "stride": stride, "step": step, "shift_x": shift_x, "shift_y": shift_y}

    half_rows = (height + 1) // 2
    half_columns = (width + 1) // 2
    if layout in ("YUYV", "UYVY"):
        s = 4 * half_columns + pad
        y, u = (0, 1) if layout == "YUYV" else (1, 0)
        parts, size = [part(y, s, 2), part(u, s, 4, 1), part(u + 2, s, 4, 1)], s * height
    elif layout == "NV12":
        s = 2 * half_columns + pad
        parts, size = [part(0, s, 1), part(s * height, s, 2, 1, 1), part(s * height + 1, s, 2, 1, 1)], s * (height + half_rows)
    elif layout in ("YU12", "YV12"):
        s = width + pad
        c = (s + 1) // 2
        parts = [part(0, s, 1), part(s * height, c, 1, 1, 1), part(s * height + c * half_rows, c, 1, 1, 1)]
        size = s * height + 2 * c * half_rows
        if layout == "YV12":
            parts = [parts[0], parts[2], parts[1]]
    elif layout == "422P":
        s = width + pad
        c = (s + 1) // 2
        parts, size = [part(0, s, 1), part(s * height, c, 1, 1), part((s + c) * height, c, 1, 1)], (s + 2 * c) * height
    elif layout in ("RGB3", "BGR3", "BGR4"):
        step = int(layout[3])
        s = step * width + pad
        order = (0, 1, 2) if layout[0] == "R" else (2, 1, 0)
        parts, size, color = [part(o, s, step) for o in order], s * height, RGB
    elif layout == "GREY":
        s = width + pad
        parts, size = [part(0, s, 1), part(0, s, 0), part(0, s, 0)], s * height
    return {"width": width, "height": height, "color": color, "full_range": full, "component": parts, "size": size}


def luma_weights(color):
    return (0.299, 0.114) if color == BT601 else (0.2126, 0.0722)


def plane_index(p, i):
    c = p["component"][i]
    y, x = np.arange(p["height"])[:, None], np.arange(p["width"])[None]
    return c["offset"] + (y >> c["shift_y"]) * c["stride"] + (x >> c["shift_x"]) * c["step"]


def decode(p, data):
    """Bytes to R'G'B' 0..255 in floats."""
    planes = [data[plane_index(p, i)].astype(np.float64) if p["component"][i]["step"] else None for i in range(3)]
    if p["color"] == RGB:
        return np.stack(planes, -1)
    y = planes[0] / 255 if p["full_range"] else (planes[0] - 16) / 219
    cb, cr = ((0 if c is None else (c - 128) / (255 if p["full_range"] else 224)) for c in planes[1:])
    kr, kb = luma_weights(p["color"])
    r, b = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    g = (y - kr * r - kb * b) / (1 - kr - kb)
    return np.clip(np.stack([r, g, b], -1), 0, 1) * 255


def describe(layout, p, pad):
    return (f"{layout} {p['width']}x{p['height']}" + (f" padded by {pad}" if pad else "")
            + ("" if p["color"] == RGB else " BT.601" if p["color"] == BT601 else " BT.709") + (" full" if p["full_range"] else ""))


def unpack_cases():
    n = 0
    for layout in ("YUYV", "UYVY", "NV12", "YU12", "YV12", "422P", "RGB3", "BGR3", "BGR4", "GREY"):
        kinds = [(BT601, False), (BT601, True), (BT709, False), (BT709, True)]
        for color, full in [(RGB, False)] if layout in ("RGB3", "BGR3", "BGR4") else kinds:
            for width, height, pad in [(16, 8, 0), (34, 22, 0), (34, 6, 13), (640, 4, 32), (2, 2, 1), (72, 18, 0), (72, 18, 2)]:
                p = pixels(layout, width, height, pad, color, full)
                data = rng("unpack", n).integers(0, 256, p["size"], np.uint8)

                def check(outputs, answer, p=p, data=data):
                    got = outputs[0].reshape(p["height"], p["width"], 4)
                    bytes_near(got[..., :3], decode(p, data), 1)
                    assert (got[..., 3] == 255).all(), "alpha is not 255"

                yield Case("unpack", "unpack " + describe(layout, p, pad), check,
                           numbers={"pixels": p, "out": {"width": width, "height": height}}, arrays=[data], sample=n % 4 == 0)
                n += 1
    for layout in ("YUYV", "NV12", "422P", "RGB3", "GREY"):
        for width, height, to_width, to_height in [(64, 48, 32, 24), (32, 24, 64, 48), (64, 48, 80, 48), (64, 48, 48, 80), (30, 46, 101, 33),
                                                   (640, 480, 640, 360), (20, 20, 20, 20)]:
            p = pixels(layout, width, height, 6)
            data = smooth_frame(p, rng("unpack to", n))

            def check(outputs, answer, p=p, data=data, w=to_width, h=to_height):
                got = outputs[0].reshape(h, w, 4)
                sx, sy = (r[i] * (np.arange(k) + 0.5) - 0.5 + r[2] for i, (r, k) in enumerate(zip(whole(p["width"], p["height"], w, h), (w, h))))
                want = sample_bilinear(decode(p, data), sx, sy)
                far_x, far_y = (np.abs(s - (k - 1) / 2) - k / 2 for s, k in ((sx, p["width"]), (sy, p["height"])))
                inside = (far_x < -1e-3)[None, :] & (far_y < -1e-3)[:, None]
                outside = (far_x > 1e-3)[None, :] | (far_y > 1e-3)[:, None]
                bytes_near(got[..., :3], want, 3, where=inside[..., None])
                assert (got[outside][:, :3] == 0).all(), "what lies beside the picture is not black"
                assert (got[..., 3] == 255).all(), "alpha is not 255"

            yield Case("unpack", f"unpack {describe(layout, p, 6)} to {to_width}x{to_height}", check,
                       numbers={"pixels": p, "out": {"width": to_width, "height": to_height}}, arrays=[data], sample=n % 3 == 0)
            n += 1


def smooth_frame(p, r):
    """A frame whose components are waves, so that where chroma is taken between two samples matters little."""
    data = r.integers(0, 256, p["size"], np.uint8)
    for i in range(3):
        if p["component"][i]["step"]:
            y, x = np.arange(p["height"])[:, None], np.arange(p["width"])[None]
            a, b = r.uniform(0.02, 0.1, 2)
            data[plane_index(p, i)] = np.round(128 + 60 * np.sin(a * x + b * y + i)).astype(np.uint8)
    return data


def pack_cases():
    n = 0
    for layout in ("YU12", "YV12", "NV12", "422P", "YUYV", "UYVY", "RGB3", "BGR3", "BGR4", "GREY"):
        kinds = [(BT601, False), (BT601, True), (BT709, False), (BT709, True)]
        for color, full in [(RGB, False)] if layout in ("RGB3", "BGR3", "BGR4") else kinds:
            for width, height, pad in [(16, 8, 0), (34, 22, 0), (34, 6, 13), (640, 4, 32), (2, 2, 1), (6, 2, 3), (72, 18, 0), (72, 18, 2)]:
                p = pixels(layout, width, height, pad, color, full)
                image = pixel_bytes(width, height, rng("pack", n))

                def check(outputs, answer, p=p, image=image, layout=layout):
                    rgb = image[..., :3].astype(np.float64)
                    if p["color"] == RGB:
                        planes = [rgb[..., i] for i in range(3)]
                    else:
                        kr, kb = luma_weights(p["color"])
                        y = rgb @ [kr, 1 - kr - kb, kb]
                        planes = [y, (rgb[..., 2] - y) / (2 * (1 - kb)), (rgb[..., 0] - y) / (2 * (1 - kr))]
                        for i in (1, 2):  # the mean of those that share it
                            sx, sy = p["component"][i]["shift_x"], p["component"][i]["shift_y"]
                            m = planes[i].reshape(p["height"] >> sy, 1 << sy, p["width"] >> sx, 1 << sx).mean((1, 3))
                            planes[i] = m.repeat(1 << sy, 0).repeat(1 << sx, 1)
                        ky, kc = (1, 1) if p["full_range"] else (219 / 255, 224 / 255)
                        planes = [ky * planes[0] + (0 if p["full_range"] else 16), 128 + kc * planes[1], 128 + kc * planes[2]]
                    nobodys = np.ones(p["size"], bool)
                    for i in range(1 if layout == "GREY" else 3):
                        bytes_near(outputs[0][plane_index(p, i)], np.clip(planes[i], 0, 255), 1)
                        nobodys[plane_index(p, i)] = False
                    assert (outputs[0][nobodys] == 0).all(), "what lies between the rows is not 0"

                yield Case("pack", "pack " + describe(layout, p, pad), check,
                           numbers={"pixels": p, "in": {"width": width, "height": height}}, arrays=[image], sample=n % 4 == 0)
                n += 1


def blurred(image, labels, sigma):
    """A Gaussian over the background only, cut off where little is left of it; at the edges the picture goes on as it ends."""
    reach = int(np.ceil(2.5 * sigma))
    g = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    mask = (labels == 0).astype(np.float64)

    def both_ways(a):
        for axis in (0, 1):
            a = np.apply_along_axis(lambda v: np.convolve(np.pad(v, reach, "edge"), g, "valid"), axis, a)
        return a

    weight = both_ways(mask)
    rgb = np.stack([both_ways(mask * image[..., i]) for i in range(3)], -1) / np.maximum(weight, 1e-30)[..., None]
    return np.where((labels == 0)[..., None], rgb, image[..., :3])


def blob(width, height, r):
    y, x = np.mgrid[:height, :width]
    return np.where((x - 0.55 * width) ** 2 / (0.3 * width) ** 2 + (y - 0.5 * height) ** 2 / (0.35 * height) ** 2 < 1,
                    r.integers(1, 19, (height, width)), 0).astype(np.uint8)


def blur_cases():
    for n, (width, height, sigma) in enumerate([(40, 30, 2), (64, 48, 4), (97, 33, 7.5), (33, 97, 1), (200, 120, 12), (121, 90, 10), (160, 120, 20)]):
        for what in ("noise", "flat", "all background", "no background", "everywhere"):
            r = rng("blur", n, what)
            image = pixel_bytes(width, height, r)
            image[..., 3] = 255
            labels = blob(width, height, r)
            if what == "flat":  # green behind a red person: nothing red may come out
                image[..., :3] = np.where((labels == 0)[..., None], (10, 200, 60), (255, 0, 0))
            elif what == "all background":
                labels[:] = 0
            elif what == "no background":
                labels[:] = 1

            def check(outputs, answer, image=image, labels=labels * (what != "everywhere"), sigma=sigma, what=what):
                got = outputs[0].reshape(image.shape)
                person = labels != 0
                assert (got[person] == image[person]).all(), "what is not background has changed"
                if what == "flat":
                    bytes_near(got[..., :3], image[..., :3], 2)
                # What lies between the two passes, the background's weight too, has 8 bits.
                bytes_near(got[..., :3], blurred(image, labels, sigma), 3, mean=0.5)

            yield Case("blur", f"blur {width}x{height} sigma {sigma:g}, {what}", check,
                       numbers={name: {"width": width, "height": height} for name in ("in", "labels", "out")}
                       | {"sigma": float(sigma), "sigma_least": float(sigma) / (1 + n % 3 * 3), "everywhere": what == "everywhere"}, arrays=[image, labels], sample=width < 150)


def paint_cases():
    for n, (width, height) in enumerate([(1, 1), (3, 5), (16, 16), (33, 17), (320, 200)]):
        for in_place in (False, True):
            r = rng("paint", n)
            image = pixel_bytes(width, height, r)
            image[..., 3] = 255
            labels = r.integers(0, 256, (height, width), np.uint8)
            palette = r.integers(0, 256, (256, 4), np.uint8)
            palette[::3, 3] = 0
            palette[1, 3] = 255

            def check(outputs, answer, image=image, labels=labels, palette=palette):
                got = outputs[0].reshape(image.shape)
                color = palette[labels].astype(np.float64)
                a = color[..., 3:] / 255
                bytes_near(got[..., :3], image[..., :3] * (1 - a) + color[..., :3] * a, 1)
                assert (got[a[..., 0] == 0] == image[a[..., 0] == 0]).all(), "transparent, and yet it has changed"

            yield Case("paint", f"paint {width}x{height}" + (" in place" if in_place else ""), check,
                       numbers={name: {"width": width, "height": height} for name in ("in", "labels", "out")} | {"in_place": in_place},
                       arrays=[image, labels, palette])


def warp_cases():
    # Those that take pixels to pixels are exact.
    exact = {"as it is": (lambda w, h: [[1, 0, 0], [0, 1, 0]], lambda a: a),
             "mirrored": (lambda w, h: [[-1, 0, w], [0, 1, 0]], lambda a: a[:, ::-1]),
             "on its head": (lambda w, h: [[-1, 0, w], [0, -1, h]], lambda a: a[::-1, ::-1]),
             "turned": (lambda w, h: [[0, 1, 0], [-1, 0, h]], lambda a: np.rot90(a, -1))}
    for n, (width, height) in enumerate([(1, 1), (3, 5), (64, 48), (97, 33), (1920, 61)]):
        image = pixel_bytes(width, height, rng("warp", n))
        for name, (rows, moved) in exact.items():
            want = moved(image[..., :3])

            def check(outputs, answer, want=want):
                got = outputs[0].reshape(*want.shape[:2], 4)
                assert (got[..., :3] == want).all() and (got[..., 3] == 255).all()

            yield Case("warp", f"warp {width}x{height} {name}", check,
                       {}, {"image": {"width": width, "height": height}, "out": {"width": want.shape[1], "height": want.shape[0]},
                            "regions": [rows(width, height)]}, [image])
        for k, rows in enumerate((FREE, LARGE, TURNED, SHEARED)):
            def check(outputs, answer, image=image, rows=rows):
                bytes_near(outputs[0].reshape(40, 70, 4)[..., :3], sample_region(image[..., :3], rows, 70, 40), 1)

            yield Case("warp", f"warp {width}x{height} free {k}", check,
                       {}, {"image": {"width": width, "height": height}, "out": {"width": 70, "height": 40}, "regions": [rows]}, [image])


def copy_cases():
    for n, size in enumerate([4, 64, 1000, 4096, 1 << 20, (1 << 20) + 4, 12345676]):
        data = rng("copy", n).integers(0, 256, size, np.uint8)

        def check(outputs, answer, data=data):
            assert (outputs[0] == data).all(), "not the same bytes"

        yield Case("copy", f"copy {size} bytes", check, numbers={"size": size}, arrays=[data])


GROUPS = {"conv": conv_cases, "depthwise": depthwise_cases, "algorithm": algorithm_cases, "maxpool": maxpool_cases, "upsample": upsample_cases, "gate": gate_cases,
          "gram": gram_cases, "softmax": softmax_cases, "transpose": transpose_cases, "matmul": matmul_cases, "crop": crop_cases,
          "region_whole": region_whole_cases, "argmax": argmax_cases, "uncrop": uncrop_cases, "unpack": unpack_cases, "pack": pack_cases,
          "blur": blur_cases, "paint": paint_cases, "warp": warp_cases, "copy": copy_cases}


# ---- as unittests ----

class Group:
    """The cases of one operator, all run when the first of them is asked for."""

    def __init__(self, name):
        wanted = lambda c: c.flop <= FLOP_MOST and (WHOLE_LIST or LONG or c.sample)
        self.cases = [c for c in GROUPS[name]() if wanted(c)]
        self.results = self.skip = None

    def result(self, case):
        if self.results is None and not self.skip:
            try:
                env = drivers.environment(DRIVER, VALIDATE)
                self.results = dict(zip(map(id, self.cases), cases.run(os.environ["GPU_OP"], self.cases, env, BACKEND)))
            except (cases.Unsupported, drivers.Missing) as e:
                self.skip = str(e)
        if self.skip:
            raise unittest.SkipTest(self.skip)
        return self.results.pop(id(case))


class OperatorTest(unittest.TestCase):
    def __init__(self, group, case):
        super().__init__("answer")
        self.group, self.case, self.title = group, case, case.title

    def id(self):
        return self.title

    def answer(self):
        result = self.group.result(self.case)
        if isinstance(result, str):
            self.fail(result)
        record, outputs = result
        if self.case.refused:
            self.assertEqual(record["status"], -errno.ENOTSUP)
            return
        self.assertEqual(record["status"], 0, f"status {record['status']}: {os.strerror(-record['status'])}")
        self.assertTrue(record["intact"], "wrote outside of its output")
        self.case.check(outputs, record)
        self.assertEqual(record["new messages"], 0, "validation layers: " + record["messages"])


def load_tests(loader, tests, pattern):
    suite = unittest.TestSuite()
    for name in os.environ.get("VISAGED_OPS", "").replace(",", " ").split() or GROUPS:
        group = Group(name)
        suite.addTests(OperatorTest(group, case) for case in group.cases)
    return suite


if __name__ == "__main__":
    unittest.main()

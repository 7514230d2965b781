"""The operators on feature maps, against numpy and PyTorch in 64 bits."""
import errno

import numpy as np
import torch
import torch.nn.functional as F

import drivers
from cases import COOPERATIVE, DIRECT, DRIVER, HALF_EACH, LONG, PACKED, WINOGRAD, Case, Map, near, rng, rounded, to_torch, up

LINEAR, RELU, LEAKY, RELU6 = 0, 1, 2, 3
ACTIVATIONS = ["", " relu", " leaky", " relu6"]


def act(x, activation):
    return {LINEAR: x, RELU: np.maximum(x, 0), LEAKY: np.where(x < 0, 0.01 * x, x), RELU6: np.clip(x, 0, 6)}[activation]


def strided(n, stride):
    return (n - 1) // stride + 1


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
        relative = WINOGRAD if "winograd" in answer["algorithm"] else PACKED if "packed" in answer["algorithm"] else DIRECT
        near(outputs[0], want(), relative, each=HALF_EACH if half else 0)

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
                refused=refusal(algorithm, kernel, stride, dilation, half, cin) or (0 if residual or scale == 1 and not relu else errno.EINVAL))


def can(algorithm, kernel, stride, dilation, half, cin):
    """What the algorithm's `fits` should return here, for maps as small as those of algorithm_cases()."""
    if algorithm.startswith("subgroup") and DRIVER != drivers.LAVAPIPE:
        return False
    winograd = kernel == 3 and stride == 1 and not half
    groups = (cin + 3) // 4
    packed = half and DRIVER == drivers.LAVAPIPE
    return {"tiled-packed": packed, "tiled-packed-small": packed,
            "cooperative": half and COOPERATIVE, "subgroup-winograd": winograd, "tiled-winograd": winograd, "depthwise-block": dilation == 1,
            "subgroup-expand": kernel ** 2 * groups <= 36,
            "tiled-split": groups % 2 == 0 and groups // 2 * kernel ** 2 >= 16}.get(algorithm, True)


def refusal(algorithm, kernel, stride, dilation, half, cin):
    return errno.ENOTSUP if algorithm and not can(algorithm, kernel, stride, dilation, half, cin) else 0


def algorithm_cases():
    """Every row of the table, whether it would be chosen or not: on one device the back-ends mix."""
    for algorithm in ("subgroup-winograd", "subgroup-expand", "subgroup", "cooperative", "tiled-winograd", "tiled-packed", "tiled-packed-small", "tiled", "tiled-split", "tiled-small"):
        for n, shape in enumerate([(8, 12, 1, 1, 1, 7, 5), (20, 48, 3, 1, 1, 15, 15), (12, 40, 3, 1, 2, 33, 17), (12, 20, 3, 2, 1, 16, 16),
                                   (64, 36, 1, 2, 1, 13, 9), (36, 33, 3, 1, 1, 3, 70), (64, 24, 3, 1, 1, 13, 9), (672, 40, 1, 1, 1, 7, 9), (40, 261, 1, 1, 1, 9, 7), (3, 33, 3, 2, 1, 15, 22), (4, 16, 3, 1, 2, 9, 11), (144, 24, 1, 1, 1, 12, 11)]):
            yield conv(*shape, activation=LEAKY, residual=(None, "map", "in place")[n % 3], algorithm=algorithm)
            yield conv(*shape, activation=RELU, half=True, slices=True, algorithm=algorithm)
    for n, shape in enumerate([(128, 70, 1, 1, 1, 16, 16), (480, 80, 1, 1, 1, 14, 18), (24, 36, 3, 2, 1, 15, 17), (256, 19, 3, 1, 2, 9, 11)]):
        yield conv(*shape, activation=RELU6, scale=0.5, residual="map", half=n % 2 == 1, algorithm="tiled-split")
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
                 dict(activation=LEAKY, residual="in place", relu=True), dict(residual="map"), dict(scale=0.375, residual="map"),
                 dict(activation=LEAKY, scale=-1.25, residual="map"), dict(residual="in place", scale=0.5), dict(residual="map", relu=True),
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
    # Shapes of the network, and shapes near the edge of some tile.
    for shape in [(64, 64, 3, 1, 1, 60, 60), (64, 128, 3, 1, 1, 33, 47), (128, 128, 3, 1, 1, 32, 32), (256, 256, 3, 1, 1, 16, 16),
                  (256, 256, 3, 1, 1, 60, 60), (256, 256, 3, 1, 1, 23, 37), (512, 512, 3, 1, 1, 16, 16),
                  (512, 512, 3, 1, 1, 15, 17), (512, 512, 3, 1, 2, 15, 15), (512, 512, 3, 1, 2, 32, 32),
                  (256, 256, 3, 1, 2, 33, 31), (128, 128, 3, 2, 1, 60, 60), (128, 128, 3, 2, 1, 119, 119),
                  (132, 140, 3, 1, 1, 29, 31), (2048, 512, 3, 1, 1, 8, 8), (2560, 512, 3, 1, 1, 9, 7),
                  (256, 256, 1, 1, 1, 60, 60), (512, 1024, 1, 1, 1, 30, 30), (1024, 256, 1, 1, 1, 31, 33),
                  (512, 2048, 1, 1, 1, 9, 9), (2048, 512, 1, 1, 1, 8, 8), (256, 512, 1, 2, 1, 61, 61), (256, 19, 1, 1, 1, 60, 60),
                  (304, 256, 1, 1, 1, 33, 17), (3, 64, 3, 2, 1, 128, 128), (64, 64, 3, 1, 1, 4, 200), (128, 128, 3, 1, 1, 5, 3),
                  (256, 256, 3, 1, 1, 1, 1), (256, 256, 3, 1, 1, 4, 4), (512, 512, 1, 1, 1, 1, 1)]:
        yield conv(*shape, activation=LEAKY, residual="map" if shape[0] == shape[1] else None, relu=shape[0] == shape[1],
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
    yield conv(8, 12, 1, 1, 1, 7, 5, half=True, out_float=True, large=True, algorithm="tiled-small")  # products of halves would be infinite
    yield conv(8, 12, 1, 1, 1, 7, 5, scale=0.5)  # refused: there is no residual
    yield conv(8, 12, 1, 1, 1, 7, 5, relu=True)
    yield conv(1024, 1024, 1, 1, 1, 48, 48, sample=False)  # 2.4 GMAC: cut where that takes long
    yield from (strange_conv(n) for n in range(400 if LONG else 60))


def strange_conv(n):
    """Shapes that the network does not use, in random combinations."""
    r = rng("strange", n)
    big = r.random() < 0.2
    pick = lambda *of: of[r.integers(len(of))]
    kernel = pick(1, 3, 3)
    residual = pick(None, None, "map", "in place")
    return conv(pick(64, 96, 132, 256) if big else pick(3, 4, 8, 12, 20, 28, 48, 60, 64),
                pick(64, 100, 130, 256) if big else pick(1, 2, 3, 5, 8, 11, 24, 33, 40, 64),
                kernel, pick(1, 1, 2, 3, 4), pick(1, 2, 3, 4) if kernel == 3 else 1, int(r.integers(1, 41)), int(r.integers(1, 41)),
                activation=pick(LINEAR, RELU, LEAKY, RELU6), residual=residual,
                scale=pick(1.0, 0.5, -2.0) if residual else 1.0, relu=bool(residual and r.random() < 0.5), half=bool(r.random() < 0.3), slices=bool(r.random() < 0.3), offset=pick(0, 256, 1024),
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
    case.refused = refusal(algorithm, kernel, stride, dilation, half, channels)
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
                # 2e-6: the rounding error of a 32-bit difference of a few tens, which is an exponent.
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


GROUPS = {"conv": conv_cases, "depthwise": depthwise_cases, "algorithm": algorithm_cases, "maxpool": maxpool_cases,
          "upsample": upsample_cases, "gate": gate_cases, "gram": gram_cases, "softmax": softmax_cases,
          "transpose": transpose_cases, "matmul": matmul_cases}

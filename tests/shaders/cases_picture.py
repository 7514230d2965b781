"""The operators on pictures, masks and bytes, against numpy and PyTorch in 64 bits."""
import numpy as np
import torch.nn.functional as F

from cases import Case, bytes_near, pixel_bytes, rng, to_torch
from cases_view import sample_bilinear, whole

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
                        for i in (1, 2):  # the mean of the pixels that share it
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


def guided(image, mask):
    """He's fast guided filter with a guide of three colours, on cells of 8 pixels for each 640 of the longer side, each the mean
    of 4 x 4 of its pixels."""
    height, width = mask.shape
    side = 8 * max(1, (max(width, height) + 320) // 640)
    rows, columns = -(-height // side), -(-width // side)
    y, x = (np.minimum(np.arange(n)[:, None] * side + (np.arange(4) * side + side // 2) // 4, last - 1).ravel()
            for n, last in ((rows, height), (columns, width)))

    def cells(a):
        return a[y][:, x].reshape(rows, 4, columns, 4, -1).mean((1, 3))

    def boxes(a):
        return F.avg_pool2d(F.pad(to_torch(a.transpose(2, 0, 1)), [1] * 4, "replicate"), 3, 1)[0].numpy().transpose(1, 2, 0)

    def decided(a):
        return np.clip((a - 0.2) / 0.6, 0, 1)

    color, p = image[..., :3] / 255, decided(mask / 255)[..., None]
    mean, p_mean = boxes(cells(color)), boxes(cells(p))
    outer = boxes(cells((color[..., None] * color[..., None, :]).reshape(height, width, 9))).reshape(rows, columns, 3, 3)
    covariance = outer - mean[..., None] * mean[..., None, :] + 1e-4 * np.eye(3)
    a = np.linalg.solve(covariance, (boxes(cells(color * p)) - mean * p_mean)[..., None])[..., 0]
    a = boxes(np.concatenate([a, p_mean - (a * mean).sum(-1, keepdims=True)], -1))
    a = sample_bilinear(a, *((np.arange(n) + 0.5) / side - 0.5 for n in (width, height)))
    return 255 * decided((a[..., :3] * color).sum(-1) + a[..., 3])


def guide_cases():
    for n, (width, height) in enumerate([(1, 1), (3, 5), (64, 48), (97, 61), (61, 130), (320, 240), (403, 299), (640, 480), (1283, 721)]):
        y, x = np.mgrid[:height, :width] / max(width, height)
        for what in ("two colours", "greys", "noise", "flat", "nobody", "somebody"):
            r = rng("guide", n, what)
            inside = (x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.07
            wide = np.clip(0.5 + 8 * (0.3 - np.hypot(x - 0.47, y - 0.42)), 0, 1)  # as soft as the network's, and off the edge
            color = np.where(inside[..., None], (200, 140, 120), (60, 90, 160)) + r.normal(0, 3, (height, width, 3))
            if what == "greys":
                color = np.where(inside, 180, 90)[..., None] + 20 * np.sin(40 * x + 30 * y)[..., None] + np.zeros(3)
            elif what == "noise":
                color, wide = r.uniform(0, 255, (height, width, 3)), r.uniform(0, 1, (height, width))
            elif what == "flat":
                color = np.full_like(color, 77)
            elif what in ("nobody", "somebody"):
                wide = np.full((height, width), float(what == "somebody"))
            image = np.full((height, width, 4), 255, np.uint8)
            image[..., :3] = np.clip(color, 0, 255).round()
            mask = (255 * wide).round().astype(np.uint8)

            def check(outputs, answer, image=image, mask=mask, what=what):
                got = outputs[0].reshape(mask.shape)
                bytes_near(got, guided(image, mask), 2, mean=0.5)
                if what in ("nobody", "somebody"):
                    assert (got == mask).all(), "a mask without edges has got some"

            yield Case("guide", f"guide {width}x{height}, {what}", check,
                       numbers={name: {"width": width, "height": height} for name in ("image", "in", "out")},
                       arrays=[image, mask], sample=width < 400)


def blurred(image, alpha, sigma):
    """A Gaussian over the background only, cut off where little is left of it; at the edges the picture goes on as it ends. What
    the mean of the background in its cell leaves of a pixel is put before it. Also how much of the Gaussian is
    background."""
    height, width = alpha.shape
    reach, side = int(np.ceil(2.5 * sigma)), 2 ** max(0, int(np.log2(sigma / 2.5)))
    g = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    color, weight = image[..., :3] / 255, np.maximum(1 - 10 * alpha, 0)[..., None]

    def both_ways(a):
        for axis in (0, 1):
            a = np.apply_along_axis(lambda v: np.convolve(np.pad(v, reach, "edge"), g / g.sum(), "valid"), axis, a)
        return a

    def cells(a):
        a = np.pad(a, ((0, -height % side), (0, -width % side), (0, 0)), "edge")
        a = a.reshape(a.shape[0] // side, side, a.shape[1] // side, side, -1).mean((1, 3))
        return a.repeat(side, 0).repeat(side, 1)[:height, :width]

    behind = both_ways(weight)
    wide = np.where(behind > 0, both_ways(weight * color) / np.maximum(behind, 1e-30), color)
    near = (cells(weight * color) + wide / 32) / (cells(weight) + 1 / 32)
    rest = 1 - alpha[..., None]
    return 255 * (np.clip(color - rest * near, 0, 1 - rest) + rest * wide), behind[..., 0]


def blob(width, height):
    """Below 1 inside."""
    y, x = np.mgrid[:height, :width]
    return np.hypot((x - 0.55 * width) / (0.3 * width), (y - 0.5 * height) / (0.35 * height))


def blur_cases():
    for n, (width, height, sigma) in enumerate([(40, 30, 2), (64, 48, 4), (97, 33, 7.5), (33, 97, 1), (200, 120, 12), (121, 90, 10), (160, 120, 20)]):
        for what in ("noise", "flat", "soft", "all background", "no background"):
            r = rng("blur", n, what)
            image = pixel_bytes(width, height, r)
            image[..., 3] = 255
            mask = np.where(blob(width, height) < 1, 255, 0).astype(np.uint8)
            if what == "flat":  # green behind a red person: nothing red may come out
                image[..., :3] = np.where((mask == 0)[..., None], (10, 200, 60), (255, 0, 0))
            elif what == "soft":
                mask = np.clip(255 * (3 - 2.5 * blob(width, height)) + r.normal(0, 20, mask.shape), 0, 255).astype(np.uint8)
            elif what == "all background":
                mask[:] = 0
            elif what == "no background":
                mask[:] = 255

            def check(outputs, answer, image=image, mask=mask, sigma=sigma, what=what):
                got = outputs[0].reshape(image.shape)
                want, known = blurred(image, mask / 255, sigma)
                assert (got[mask == 255] == image[mask == 255]).all(), "what is not background has changed"
                if what == "flat":
                    bytes_near(got[..., :3], image[..., :3], 2)
                bytes_near(got[..., :3], want, 3, mean=0.5, where=((known > 0.01) | (mask == 255))[..., None])

            yield Case("blur", f"blur {width}x{height} sigma {sigma:g}, {what}", check,
                       numbers={name: {"width": width, "height": height} for name in ("in", "mask", "out")}
                       | {"sigma": float(sigma), "sigma_least": float(sigma) / (1 + n % 3 * 3)}, arrays=[image, mask], sample=width < 150)
    yield from halo_cases()


def halo_cases():
    """Somebody of one colour before another, with the edges of a picture, and a mask that is as soft as it may be there."""
    width, height = 160, 120
    for name, person, background in (("white before black", 255, 0), ("black before white", 0, 255), ("grey before white", 128, 255)):
        for reach in (1, 2, 4):
            distance = (blob(width, height) - 1) * 0.3 * width  # pixels, about
            edge = np.clip(0.5 - distance, 0, 1)
            image = np.full((height, width, 4), 255, np.uint8)
            image[..., :3] = np.round(edge * person + (1 - edge) * background)[..., None]
            mask = np.round(255 * np.clip(0.5 - distance / (2 * reach), 0, 1)).astype(np.uint8)

            def check(outputs, answer, image=image, distance=distance, background=background):
                got = outputs[0].reshape(image.shape)[..., :3].astype(int)
                assert np.abs(got[distance > 2] - background).max() <= 1, "a halo"
                assert np.abs(got[distance < -4] - image[distance < -4][:, :3]).max() <= 1, "the person has changed"

            yield Case("blur", f"blur {name}, mask {2 * reach} wide", check,
                       numbers={size: {"width": width, "height": height} for size in ("in", "mask", "out")}
                       | {"sigma": 3.0, "sigma_least": 3.0}, arrays=[image, mask])


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


def copy_cases():
    for n, size in enumerate([4, 64, 1000, 4096, 1 << 20, (1 << 20) + 4, 12345676]):
        data = rng("copy", n).integers(0, 256, size, np.uint8)

        def check(outputs, answer, data=data):
            assert (outputs[0] == data).all(), "not the same bytes"

        yield Case("copy", f"copy {size} bytes", check, numbers={"size": size}, arrays=[data])


GROUPS = {"unpack": unpack_cases, "pack": pack_cases, "guide": guide_cases, "blur": blur_cases, "paint": paint_cases, "copy": copy_cases}

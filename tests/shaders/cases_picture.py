"""The operators on pictures, labels and bytes, against numpy and PyTorch in 64 bits."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import HALF_EACH, Case, Map, bytes_near, near, rng, rounded, to_torch, up


def pixel_bytes(width, height, r):
    return r.integers(0, 256, (height, width, 4), np.uint8)


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
    """The places to which the rows, as 32-bit numbers, map (x, y)."""
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
                # A place in the source is off by up to 2^-24 of some hundreds of pixels, and noise is the steepest
                # picture there is.
                near(outputs[0], want, 3e-4, each=HALF_EACH if half else 0)

            yield Case("crop", f"crop {width}x{height} to {net_width}x{net_height}" + (f" free {n}" if rows else "")
                       + (" bgr" if bgr else "") + (" half" if half else ""), check,
                       {"out": Map(4, net_height, net_width, get=True, half=half, first=0)},
                       {"image": {"width": width, "height": height}, "region": region,
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


def answers_of(labels, masks, leads, last=0):
    """As the operators lay them out: four bytes each."""
    return np.stack(np.broadcast_arrays(labels, masks, leads, last), -1).astype(np.uint8)


def argmax_cases():
    for n, (classes, h, w, height, width) in enumerate(
            [(11, 5, 5, 33, 33), (19, 15, 15, 113, 113), (11, 1, 1, 7, 5), (19, 7, 5, 50, 34), (2, 33, 17, 33, 17), (64, 8, 8, 60, 60),
             (19, 60, 60, 473, 473), (11, 35, 26, 201, 137), (1, 3, 3, 9, 9)]):
        x = (rng("argmax", n).standard_normal((classes, h, w)) + rng("argmax offset", n).standard_normal((classes, 1, 1))) * (n + 1)
        wide = np.concatenate([x, np.full((-classes % 4, h, w), 1e3)])  # padding after the classes must not win

        def check(outputs, answer, x=x, classes=classes, height=height, width=width):
            got, mask, lead, rest = outputs[0].reshape(height, width, 4).transpose(2, 0, 1)
            assert got.max() < classes, f"label {got.max()} of {classes} classes"
            y = up(rounded(x, False), height, width)
            lost = y.max(0) - np.take_along_axis(y, got[None].astype(int), 0)[0]
            error = 1e-5 * np.abs(y).max()
            assert lost.max() <= error, f"chose a class {lost.max():.3g} below the best at {first_of(lost)}"
            if classes == 1:
                assert not mask.any() and (lead == 255).all()
                return
            ordered = np.sort(y, 0)
            bytes_near(mask, np.rint(255 / (1 + np.exp(y[0] - y[1:].max(0)))), 1)
            bytes_near(lead, np.rint(np.minimum(32 * (ordered[-1] - ordered[-2]), 255)), 1 + 64 * error)
            assert not rest.any()
            clear = lost + np.abs(y[0] - y[1:].max(0)) > error
            assert ((mask >= 128) == (got > 0))[clear].all(), "a mask contradicts its label"

        yield Case("argmax", f"argmax {classes} classes from {h}x{w} to {height}x{width}", check, {"logits": Map(*wide.shape, wide)},
                   {"classes": classes, "out": {"width": width, "height": height}}, sample=n != 6)


def first_of(distance):
    return np.unravel_index(distance.argmax(), distance.shape)


def presence(x, y, size, feather):
    """How much a view of that size counts at places among its answers; see struct gpu_view."""
    h, w = size
    return np.clip(np.minimum(np.minimum(x, w - x), np.minimum(y, h - y)) / feather, 0, 1)


def looked_up(answers, x, y):
    """Label, mask and lead at places among the answers; and by how much the label wins."""
    h, w = answers.shape[:2]
    x0, y0 = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    fx, fy = x - 0.5 - x0, y - 0.5 - y0
    mask, votes = 0, np.zeros((answers[..., 0].max() + 1,) + x.shape)
    for dy, dx in np.ndindex(2, 2):
        weight = (fx if dx else 1 - fx) * (fy if dy else 1 - fy)
        label, m, lead, _ = answers[np.clip(y0 + dy, 0, h - 1), np.clip(x0 + dx, 0, w - 1)].transpose(2, 0, 1).astype(np.float64)
        mask = mask + weight * m
        at = label.astype(int)[None]
        np.put_along_axis(votes, at, np.take_along_axis(votes, at, 0) + weight * (lead + 1), 0)
    ordered = np.sort(votes, 0)
    return votes.argmax(0), mask, np.maximum(2 * ordered[-1] - votes.sum(0), 0), ordered[-1] - ordered[-2]


def every(height):
    return 1 if height < 2000 else 50


def of_four(values):
    """The mean of each four pixels in a row of all of them, for each of the four; what pads the last ones is not known."""
    flat = np.append(values, np.zeros(-values.size % 4))
    return flat.reshape(-1, 4).mean(1).repeat(4)[:values.size].reshape(values.shape)


def whole_fours(height, width):
    return (np.arange(height * width) < height * width // 4 * 4).reshape(height, width)


def placed(answers, rows, feather, memory, kept, image, before):
    """What op_place() leaves in the map, before rounding, and where it is clear of ties; of a large picture some rows only."""
    height, width = image.shape[:2]
    step = every(height)
    py, px = np.mgrid[:height:step, :width] + 0.5

    def back(rows):
        return transformed(np.linalg.inv(np.float32(rows + [[0, 0, 1]]).astype(np.float64))[:2], px, py)

    size = answers.shape[:2]
    weight = presence(*back(rows), size, feather)
    for other in kept:
        weight = weight * (1 - presence(*back(other), size, 3))
    label, mask, lead, margin = looked_up(answers, *back(rows))
    old = before.astype(np.float64) if memory else np.zeros_like(before, np.float64)
    bright = image[..., :3] @ [0.299, 0.587, 0.114]
    motion = np.maximum(1 - memory, np.clip((of_four(np.abs(bright - old[..., 2])) - 8) / 12, 0, 1))[::step]
    bright, old = bright[::step], old[::step]
    sure = (mask / 127.5 - 1) ** 2
    follow = weight * np.maximum(motion, 0.15 + 0.85 * sure)
    same = label == old[..., 0]
    doubt = np.where(same, old[..., 3] * (1 - weight), old[..., 3] + weight * lead)
    needed = 48 * (1 - motion)
    change = ~same & (weight > 0) & (doubt >= needed)
    clear = whole_fours(height, width)[::step] & (margin > 1e-2) & ((np.abs(doubt - needed) > 1e-2) | same) & ((weight == 0) | (weight > 1e-3))
    seen = weight * np.maximum(motion, 0.25) if memory else np.ones_like(bright)
    want = [np.where(change, label, old[..., 0]), old[..., 1] + (mask - old[..., 1]) * follow,
            old[..., 2] + (bright - old[..., 2]) * seen, np.where(change, 0, np.minimum(doubt, 255))]
    return np.stack(want, -1), clear


def place_cases():
    for n, (width, height, net_width, net_height, rows, kept) in enumerate(
            [(64, 64, 64, 64, None, []), (97, 61, 64, 64, None, []), (61, 97, 65, 33, None, []), (31, 17, 65, 65, None, []),
             (640, 480, 96, 96, None, []), (1, 1, 33, 33, None, []), (5, 7, 64, 48, None, []), (80, 61, 48, 64, FREE, []),
             (321, 239, 256, 256, None, []), (200, 150, 64, 64, LARGE, []), (97, 61, 64, 48, TURNED, []),
             (80, 60, 64, 64, UPSIDE_DOWN, []), (120, 90, 65, 33, SHEARED, []), (97, 61, 33, 33, None, [TURNED]),
             (80, 61, 48, 64, None, [TURNED, FREE, SHEARED, UPSIDE_DOWN] * 2),
             (5000, 3400, 33, 33, None, [])]):  # more than 65,535 groups of 64 invocations of 4 pixels
        whole_view = rows is None
        rows = rows or whole(width, height, net_width, net_height)
        for memory in (1,) if width > 2000 else (0, 0.6, 1):
            r = rng("place", n)
            answers = answers_of(r.integers(0, 5, (net_height, net_width)), r.integers(0, 256, (net_height, net_width)),
                                 r.integers(0, 120, (net_height, net_width)))
            image = pixel_bytes(width, height, r)
            # Half of the pixels rest.
            bright = image[..., :3] @ [0.299, 0.587, 0.114] + r.choice([0, 4, 15, 25, 60], (height, 1))
            before = answers_of(r.integers(0, 5, (height, width)), r.integers(0, 256, (height, width)), np.clip(bright, 0, 255),
                                r.integers(0, 60, (height, width)))
            feather = 1e-3 if whole_view else 5

            def check(outputs, answer, how=(answers, rows, feather, memory, kept, image, before), before=before, height=height):
                want, clear = placed(*how)
                got = outputs[0].reshape(before.shape)[::every(height)]
                bytes_near(got[..., 0], want[..., 0], 0, where=clear)
                for part in range(1, 4):
                    bytes_near(got[..., part], np.floor(want[..., part] + (0.5 if part < 3 else 0)), 1, where=clear)

            yield Case("place", f"place {net_width}x{net_height} on {width}x{height}{f', memory {memory}'}, {n}", check,
                       numbers={"answers": {"width": net_width, "height": net_height}, "image": {"width": width, "height": height},
                                "map": {"width": width, "height": height}, "region": rows, "feather": feather, "memory": memory,
                                "kept": kept}, arrays=[answers, image, before], sample=width < 600)


def part_cases():
    for kind, part in (("labels", 0), ("mask", 1)):
        for n, (width, height) in enumerate([(64, 64), (97, 61), (1, 1), (3, 5), (5000, 3400)]):
            answers = pixel_bytes(width, height, rng("part", n))

            def check(outputs, answer, want=answers[..., part]):
                bytes_near(outputs[0].reshape(want.shape), want, 0)

            size = {"width": width, "height": height}
            yield Case(kind, f"{kind} {width}x{height}", check, numbers={"map": size, "out": size}, arrays=[answers], sample=width < 600)


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
        for what in ("noise", "flat", "soft", "all background", "no background", "everywhere"):
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
                want, known = blurred(image, mask / 255 * (what != "everywhere"), sigma)
                if what != "everywhere":
                    assert (got[mask == 255] == image[mask == 255]).all(), "what is not background has changed"
                if what == "flat":
                    bytes_near(got[..., :3], image[..., :3], 2)
                # What lies between the two passes, the background's weight too, has 8 bits.
                bytes_near(got[..., :3], want, 3, mean=0.5, where=((known > 0.01) | (mask == 255))[..., None])

            yield Case("blur", f"blur {width}x{height} sigma {sigma:g}, {what}", check,
                       numbers={name: {"width": width, "height": height} for name in ("in", "mask", "out")}
                       | {"sigma": float(sigma), "sigma_least": float(sigma) / (1 + n % 3 * 3), "everywhere": what == "everywhere"}, arrays=[image, mask], sample=width < 150)
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
                       | {"sigma": 3.0, "sigma_least": 3.0, "everywhere": False}, arrays=[image, mask])


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
                            "region": rows(width, height)}, [image])
        for k, rows in enumerate((FREE, LARGE, TURNED, SHEARED)):
            def check(outputs, answer, image=image, rows=rows):
                bytes_near(outputs[0].reshape(40, 70, 4)[..., :3], sample_region(image[..., :3], rows, 70, 40), 1)

            yield Case("warp", f"warp {width}x{height} free {k}", check,
                       {}, {"image": {"width": width, "height": height}, "out": {"width": 70, "height": 40}, "region": rows}, [image])


def copy_cases():
    for n, size in enumerate([4, 64, 1000, 4096, 1 << 20, (1 << 20) + 4, 12345676]):
        data = rng("copy", n).integers(0, 256, size, np.uint8)

        def check(outputs, answer, data=data):
            assert (outputs[0] == data).all(), "not the same bytes"

        yield Case("copy", f"copy {size} bytes", check, numbers={"size": size}, arrays=[data])


GROUPS = {"crop": crop_cases, "region_whole": region_whole_cases, "argmax": argmax_cases, "place": place_cases, "part": part_cases,
          "unpack": unpack_cases, "pack": pack_cases, "guide": guide_cases, "blur": blur_cases, "paint": paint_cases, "warp": warp_cases,
          "copy": copy_cases}

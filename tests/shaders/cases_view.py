"""The operators between pictures and the network: what it sees, and what becomes of its answers; against numpy and PyTorch in 64 bits."""
import numpy as np
import torch
import torch.nn.functional as F

from cases import HALF_EACH, Case, Map, bytes_near, near, pixel_bytes, rng, rounded, to_torch, up


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
    edge = np.minimum(np.minimum(x, w - x), np.minimum(y, h - y))
    return np.clip(edge / feather, 0, 1) if feather > 0 else ((edge >= 0) & (feather == 0)).astype(float)


def away(x, y):
    """A distance from a face, to which the body below it is near."""
    return np.hypot(x, np.where(y > 0, 0.4 * y, y))


def displaced(before, faces):
    """The map where its parts have moved to, and where that is clear: each four pixels together."""
    height, width = before.shape[:2]
    first = np.arange(0, height * width, 4)
    x, y = first % width + 2, first // width + 0.5
    total, by = np.full(len(first), 1 / 256), np.zeros((2, len(first)))
    for at_x, at_y, size, by_x, by_y in faces:
        weight = 1 / (away((x - at_x) / size, (y - at_y) / size) ** 4 + 1e-3)
        by += weight * np.array([[by_x], [by_y]])
        total += weight
    by /= total
    dx, dy = (np.rint(b).astype(int).repeat(4)[:height * width].reshape(height, width) for b in by)
    clear = (np.abs(by - np.floor(by) - 0.5) > 1e-3).all(0).repeat(4)[:height * width].reshape(height, width)
    py, px = np.mgrid[:height, :width]
    return before[np.clip(py - dy, 0, height - 1), np.clip(px - dx, 0, width - 1)], clear


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


def placed(answers, rows, feather, memory, kept, moved, image, before):
    """What op_place() leaves in the map, before rounding, and where it is clear of ties; of a large picture some rows only."""
    height, width = image.shape[:2]
    step = every(height)
    py, px = np.mgrid[:height:step, :width] + 0.5

    def back(rows):
        return transformed(np.linalg.inv(np.float32(rows + [[0, 0, 1]]).astype(np.float64))[:2], px, py)

    size = answers.shape[:2]
    near, counts, alike = np.full(px.shape, 1e9), np.zeros(px.shape), np.zeros(px.shape, bool)
    for other in kept:
        x, y = back(other)
        far = away(x - size[1] / 2, y - size[0] / 2)
        alike = np.where(np.abs(far - near) < 1e-3, True, alike & (far > near))
        counts = np.where(far < near, presence(x, y, size, 3), counts)
        near = np.minimum(far, near)
    x, y = back(rows)
    rest = np.clip((near - away(x - size[1] / 2, y - size[0] / 2)) / feather + 0.5, 0, 1) if feather else 1 - counts
    weight = presence(x, y, size, feather) * rest
    label, mask, lead, margin = looked_up(answers, *back(rows))
    before, sharp = displaced(before, moved) if moved else (before, np.ones((height, width), bool))
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
    clear = (whole_fours(height, width) & sharp)[::step] & ~alike & (margin > 1e-2) & ((np.abs(doubt - needed) > 1e-2) | same) & ((weight == 0) | (weight > 1e-3))
    seen = weight * np.maximum(motion, 0.25) if memory else np.ones_like(bright)
    want = [np.where(change, label, old[..., 0]), old[..., 1] + (mask - old[..., 1]) * follow,
            old[..., 2] + (bright - old[..., 2]) * seen, np.where(change, 0, np.minimum(doubt, 255))]
    return np.stack(want, -1), clear


def place_cases():
    for n, (width, height, net_width, net_height, rows, kept, moved) in enumerate(
            [(64, 64, 64, 64, None, [], []), (97, 61, 64, 64, None, [], []), (61, 97, 65, 33, None, [], []), (31, 17, 65, 65, None, [], []),
             (640, 480, 96, 96, None, [], []), (1, 1, 33, 33, None, [], []), (5, 7, 64, 48, None, [], []), (80, 61, 48, 64, FREE, [], []),
             (321, 239, 256, 256, None, [], []), (200, 150, 64, 64, LARGE, [], []), (97, 61, 64, 48, TURNED, [], []),
             (80, 60, 64, 64, UPSIDE_DOWN, [], []), (120, 90, 65, 33, SHEARED, [], []), (97, 61, 33, 33, None, [TURNED], []),
             (80, 61, 48, 64, None, [TURNED, FREE, SHEARED, UPSIDE_DOWN] * 2, []), (97, 61, 64, 48, TURNED, [FREE, UPSIDE_DOWN], []),
             (97, 61, 33, 33, None, [], [(30, 20, 12, 3, -2)]), (120, 90, 48, 64, FREE, [TURNED], [(30, 20, 9, -4, 1), (80, 45, 20, 5, 6)]),
             (64, 48, 64, 48, None, [], [(8 * i, 40 - 4 * i, 3 + i, 90 - 20 * i, i) for i in range(8)]),
             (5000, 3400, 33, 33, None, [], [])]):  # more than 65,535 groups of 64 invocations of 4 pixels
        whole_view = rows is None
        rows = rows or whole(width, height, net_width, net_height)
        for memory, feather in [(1, 0)] if width > 2000 else [(memory, 0 if whole_view else 5) for memory in (0, 0.6, 1)] + [(1, -1)]:
            r = rng("place", n)
            answers = answers_of(r.integers(0, 5, (net_height, net_width)), r.integers(0, 256, (net_height, net_width)),
                                 r.integers(0, 120, (net_height, net_width)))
            image = pixel_bytes(width, height, r)
            # Half of the pixels rest.
            bright = image[..., :3] @ [0.299, 0.587, 0.114] + r.choice([0, 4, 15, 25, 60], (height, 1))
            before = answers_of(r.integers(0, 5, (height, width)), r.integers(0, 256, (height, width)), np.clip(bright, 0, 255),
                                r.integers(0, 60, (height, width)))

            def check(outputs, answer, how=(answers, rows, feather, memory, kept, moved, image, before), before=before, height=height):
                want, clear = placed(*how)
                got = outputs[0].reshape(before.shape)[::every(height)]
                bytes_near(got[..., 0], want[..., 0], 0, where=clear)
                for part in range(1, 4):
                    bytes_near(got[..., part], np.floor(want[..., part] + (0.5 if part < 3 else 0)), 1, where=clear)

            yield Case("place", f"place {net_width}x{net_height} on {width}x{height}{f', memory {memory}'}{', nowhere' if feather < 0 else ''}, {n}", check,
                       numbers={"answers": {"width": net_width, "height": net_height}, "image": {"width": width, "height": height},
                                "map": {"width": width, "height": height}, "region": rows, "feather": feather, "memory": memory,
                                "kept": kept, **({"moved": moved} if moved else {})}, arrays=[answers, image, before], sample=width < 600)


def part_cases():
    for kind, part in (("labels", 0), ("mask", 1)):
        for n, (width, height) in enumerate([(64, 64), (97, 61), (1, 1), (3, 5), (5000, 3400)]):
            answers = pixel_bytes(width, height, rng("part", n))

            def check(outputs, answer, want=answers[..., part]):
                bytes_near(outputs[0].reshape(want.shape), want, 0)

            size = {"width": width, "height": height}
            yield Case(kind, f"{kind} {width}x{height}", check, numbers={"map": size, "out": size}, arrays=[answers], sample=width < 600)


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


GROUPS = {"crop": crop_cases, "region_whole": region_whole_cases, "argmax": argmax_cases, "place": place_cases, "part": part_cases,
          "warp": warp_cases}

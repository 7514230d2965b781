"""Training pictures: read once from the tar, then one random webcam-like frame after another.

The 848 pairs are tight, aligned portraits, and a camera's frame is not: the face is small, off centre, tilted, badly lit,
noisy, compressed, and the frame is padded with black to a square. So each sample is composed: one or two portraits (or
none), cut out or as they are, on a made-up background or one without faces, then filmed badly. All sizes are in pixels of
the 256 x 256 frame that the model runs on; training on a smaller window of it only crops.
"""
import hashlib
import io
import os
import tarfile

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

import arches

CLASSES = 19
NAMES = tuple(arches.LABELS[CLASSES])
SIDE = 256
BELOW = 128
PAIRS = ((4, 5), (6, 7), (8, 9))
COLOURABLE = (0, 14, 18)
IGNORE = 255
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
MIRROR = np.arange(256, dtype=np.uint8)
for _left, _right in PAIRS:
    MIRROR[[_left, _right]] = _right, _left


def held_out(name):
    """Whether a picture is for validation only: one in ten, by its name, so that it stays so."""
    return hashlib.md5(name.encode()).digest()[0] % 10 == 0


def members(path):
    """Yield (name without suffix, kind, bytes) of a tar of images/, masks/ and unlabelled/."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile():
                kind, name = member.name.split("/")[-2:]
                yield name.rsplit(".", 1)[0], kind, tar.extractfile(member).read()


def pairs(path, wanted):
    """Yield (name, RGB picture, label picture) of the labelled pictures whose name is wanted."""
    waiting = {}
    for name, kind, data in members(path):
        if kind == "unlabelled" or not wanted(name):
            continue
        pair = waiting.setdefault(name, {})
        pair[kind] = Image.open(io.BytesIO(data))
        if len(pair) == 2:
            del waiting[name]
            labels = Image.fromarray(sides_right(np.array(pair["masks"])))
            yield name, pair["images"].convert("RGB"), labels


def sides_right(labels):
    """Swap the sides of a truth that has them swapped: the subject's left is at the right of an upright portrait."""
    for left, right in PAIRS:
        x = [np.nonzero(labels == side)[1] for side in (left, right)]
        if len(x[0]) and len(x[1]) and x[0].mean() < x[1].mean():
            labels = np.where(np.isin(labels, (left, right)), MIRROR[labels], labels)
    return labels


def prepare(rgb, labels):
    """A portrait as it is kept in memory: SIDE wide, its last row drawn out below, for where a frame shows more body."""
    rgb = np.asarray(rgb.resize((SIDE, SIDE), Image.BOX))
    labels = np.asarray(labels.resize((SIDE, SIDE), Image.NEAREST))
    below = ((0, BELOW), (0, 0))
    return Image.fromarray(np.pad(rgb, below + ((0, 0),), "edge")), Image.fromarray(np.pad(labels, below, "edge"))


class Frames(torch.utils.data.IterableDataset):
    """Endless (3 x size x size float, size x size uint8 labels) from prepared portraits."""

    def __init__(self, portraits, scenes, size, seed):
        super().__init__()
        self.portraits, self.scenes, self.size, self.seed = portraits, scenes, size, seed

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        while True:
            rgb, labels = self.compose(rng)
            rgb, labels = letterbox(rng, film(rng, rgb), labels)
            normal = (rgb.astype(np.float32) / 255 - MEAN) / STD
            yield torch.from_numpy(normal.transpose(2, 0, 1).copy()), torch.from_numpy(labels)

    def compose(self, rng):
        """A frame as the scene is: background, then the portraits over it."""
        rgb = scene(rng, self.scenes, self.size) if self.scenes and rng.random() < 0.5 else room(rng, self.size)
        labels = np.zeros((self.size, self.size), np.uint8)
        largest = min(1.3, 1.6 * self.size / SIDE)
        scale = np.exp(rng.uniform(np.log(0.3), np.log(largest)))
        count = 0 if rng.random() < 0.04 else 2 if scale < 0.5 and rng.random() < 0.3 else 1
        for _ in range(count):
            rgb, labels = self.paste(rng, rgb, labels, scale)
        return rgb, labels

    def paste(self, rng, rgb, labels, scale):
        """Lay one portrait over the frame, cut out along its truth or with its own background."""
        face, truth = self.portraits[rng.integers(len(self.portraits))]
        if rng.random() < 0.4:
            face = recolour(rng, face, truth)
        mirrored = rng.random() < 0.5
        matrix = placement(rng, self.size, scale, mirrored)
        if rng.random() < 0.6:
            alpha = truth.point(lambda label: 255 if label else 0)
        else:
            alpha = Image.new("L", truth.size, 255)
        warp = lambda picture, how: np.asarray(picture.transform((self.size, self.size), Image.AFFINE, matrix, how))
        weight = warp(alpha, Image.BILINEAR)[..., None].astype(np.float32) / 255
        rgb = rgb * (1 - weight) + warp(face, Image.BILINEAR) * weight
        truth = warp(truth, Image.NEAREST)
        return rgb, np.where(weight[..., 0] >= 0.5, MIRROR[truth] if mirrored else truth, labels)


def placement(rng, size, scale, mirrored):
    """The affine map from a frame's pixel to a portrait's: rotation, slight shear of the scale, the face somewhere in it."""
    angle = np.deg2rad(np.clip(rng.normal(0, 18), -50, 50))
    stretch = np.exp(rng.normal(0, 0.06))
    sx, sy = scale * stretch * (-1 if mirrored else 1), scale / stretch
    forward = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([sx, sy])
    inverse = np.linalg.inv(forward)
    face = np.array([0.5, 0.53]) * SIDE
    target = size * (0.5 + rng.uniform(-0.32, 0.32, 2))
    (a, b), (d, e) = inverse
    c, f = face - inverse @ target
    return a, b, c, d, e, f


def recolour(rng, face, truth):
    """The portrait with other colours wherever nothing of a body is seen: an orange coat is no skin, a dark one no hair."""
    table = np.zeros(256, np.uint8)
    table[list(COLOURABLE)] = 255
    channels = face.split()
    other = Image.merge("RGB", [channels[i].point(tone(rng)) for i in rng.permutation(3)])
    return Image.composite(other, face, truth.point(list(table)))


def tone(rng):
    """A random straight line through the 256 values, up or down."""
    start, end = rng.uniform(-40, 295, 2)
    return [int(min(max(start + (end - start) * v / 255, 0), 255)) for v in range(256)]


def scenes(folder):
    """The pictures of a folder, none of which may show a face, for backgrounds."""
    return [Image.open(os.path.join(folder, name)).convert("RGB") for name in sorted(os.listdir(folder))]


def scene(rng, pictures, size):
    """A piece of a picture, turned and mirrored, at times in false colours."""
    picture = pictures[rng.integers(len(pictures))]
    part = min(picture.size) * rng.uniform(0.3, 1)
    x, y = (rng.uniform(0, side - part) for side in picture.size)
    picture = picture.resize((size, size), Image.BILINEAR, (x, y, x + part, y + part), reducing_gap=1)
    if rng.random() < 0.3:
        channels = picture.split()
        picture = Image.merge("RGB", [channels[i].point(tone(rng)) for i in rng.permutation(3)])
    return np.rot90(np.asarray(picture, np.float32)[:, ::rng.choice((-1, 1))], rng.integers(4))


def room(rng, size):
    """A made-up room: smooth colours, some of them with texture, boxes, discs and bars."""
    grid = int(rng.integers(2, 9))
    spread = rng.uniform(5, 70)
    colours = rng.uniform(0, 255, 3) + rng.normal(0, spread, (grid, grid, 1)) + rng.normal(0, spread / 2, (grid, grid, 3))
    picture = Image.fromarray(colours.clip(0, 255).astype(np.uint8)).resize((size, size), Image.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(0, 14)):
        x, y = rng.uniform(-0.2, 1, 2) * size
        w, h = rng.uniform(0.02, 0.6, 2) ** 1.5 * size
        colour = tuple(int(v) for v in (rng.uniform(0, 255) + rng.normal(0, 40, 3)).clip(0, 255))
        shape = (draw.rectangle, draw.ellipse, draw.line)[rng.integers(3)]
        shape((x, y, x + w, y + h), fill=colour)
    rgb = np.asarray(picture.filter(ImageFilter.BoxBlur(rng.uniform(0, 3))), np.float32)
    if rng.random() < 0.4:
        rgb = rgb + rng.normal(0, rng.uniform(3, 30), (size, size, 1)).astype(np.float32)
    return rgb


def film(rng, rgb):
    """A camera's view of the scene: light, white balance, saturation, blur, noise, compression."""
    rgb = rgb.clip(0, 255) / 255
    grey = rgb.mean(2, keepdims=True)
    rgb = grey + (rgb - grey) * (rng.uniform(0, 1.4) if rng.random() < 0.5 else 1)
    gain = np.exp(rng.normal(0, 0.22) + rng.normal(0, 0.1, 3)).astype(np.float32)
    if rng.random() < 0.25:
        ramp = np.linspace(*rng.uniform(0.5, 1.3, 2), rgb.shape[0], dtype=np.float32)
        rgb = rgb * (ramp[:, None, None] if rng.random() < 0.3 else ramp[None, :, None])
    rgb = (rgb.clip(1e-4, 1) ** np.float32(np.exp(rng.normal(0, 0.25)))) * gain + np.float32(rng.normal(0, 0.03))
    if rng.random() < 0.5:
        rgb = rgb + rng.standard_normal(rgb.shape, np.float32) * np.float32(rng.exponential(0.025))
    picture = Image.fromarray((rgb.clip(0, 1) * 255).astype(np.uint8))
    if rng.random() < 0.4:
        picture = picture.filter(ImageFilter.BoxBlur(rng.exponential(0.6)))
    if rng.random() < 0.5:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=int(rng.integers(25, 90)))
        picture = Image.open(stream)
    return np.asarray(picture)


def letterbox(rng, rgb, labels):
    """Black bars on two sides of some frames, as a camera's frame is padded to a square before the network."""
    if rng.random() < 0.4:
        bar = int(len(rgb) * rng.uniform(0.02, 0.22))
        rgb, labels = rgb.copy(), labels.copy()
        upright = rng.random() < 0.15
        for side in (slice(0, bar), slice(len(rgb) - bar, None)):
            where = (slice(None), side) if upright else side
            rgb[where], labels[where] = 0, 0
    return rgb, labels

"""Training frames: from portraits, one random webcam-like frame after another.

Pictures of the public sets are tight, aligned portraits, and a camera's frame is not: the face is small, off centre, tilted,
badly lit, noisy, compressed, and the frame is padded with black to a square. So each sample is composed: one or two portraits
(or none), cut out or as they are, on a made-up background or one without faces, then filmed badly. Scales are relative to
a portrait that fills the frame that the model runs on; a smaller window shows less of that frame, at the same scale.
"""
import io
import os
from typing import NamedTuple, Optional

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

import arches

CERTAIN = 255
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
COMMON = 0.3  # share of the portraits beyond which a class isn't rare
SMALLEST, LARGEST = 0.28, 1.35
COLOURABLE = ("background", "hat", "cloth")
MOVABLE = ("eyeglasses", "hat", "earring", "necklace")


class Portrait(NamedTuple):
    """A picture with its labels. Where a teacher labelled it, each pixel has a second class and the first one's share."""
    rgb: Image.Image
    labels: Image.Image
    second: Optional[Image.Image] = None
    share: Optional[Image.Image] = None


class Target(NamedTuple):
    """What a frame's pixels are, each uint8 H x W: a class (or datasets.IGNORE), a second one, and the first one's share of 255."""
    labels: np.ndarray
    second: np.ndarray
    share: np.ndarray


def prepare(side, rgb, labels, second=None, share=None):
    """A portrait as it is kept in memory, its longer side `side`."""
    size = tuple(max(1, round(length * side / max(rgb.size))) for length in rgb.size)
    maps = (map_ and map_.resize(size, Image.NEAREST) for map_ in (labels, second, share))
    return Portrait(rgb.resize(size, Image.BOX), *maps)


def present(portraits, classes):
    """portraits x classes: whether a portrait shows a class."""
    return np.array([np.array(p.labels.histogram()[:classes]) > 0 for p in portraits])


def repeats(shows):
    """How often each portrait is to be drawn: more if it shows a rare class (the repeat factor of LVIS, CVPR 2019)."""
    share = shows.mean(0).clip(1e-6)
    return (shows * np.sqrt(COMMON / share).clip(1)).max(1)


def mirror(classes):
    """uint8[256]: the labels of a mirrored picture."""
    names = list(arches.LABELS[classes])
    table = np.arange(256, dtype=np.uint8)
    for name in names:
        if name.startswith("left "):
            pair = [names.index(name), names.index(name.replace("left", "right"))]
            table[pair] = pair[::-1]
    return table


class Frames(torch.utils.data.IterableDataset):
    """Endless samples of (3 x size x size float picture, 3 x size x size uint8 target)."""

    def __init__(self, portraits, scenes, classes, side, size, seed):
        """side is that of the portraits and of the model's frame, size that of the window."""
        super().__init__()
        names = list(arches.LABELS[classes])
        self.portraits, self.scenes, self.side, self.size, self.seed = portraits, scenes, side, size, seed
        self.mirror = mirror(classes)
        shows = present(portraits, classes)
        chance = repeats(shows)
        self.chance = chance / chance.sum()
        self.cloth = names.index("cloth") if "cloth" in names else 0
        self.colourable = [names.index(name) for name in COLOURABLE if name in names]
        donors = {names.index(name): np.flatnonzero(shows[:, names.index(name)]) for name in MOVABLE if name in names}
        self.donors = [(label, which) for label, which in donors.items() if len(which)]

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        while True:
            rgb, target = self.compose(rng)
            rgb, target = letterbox(rng, film(rng, rgb), target)
            normal = (rgb.astype(np.float32) / 255 - MEAN) / STD
            yield torch.from_numpy(normal.transpose(2, 0, 1).copy()), torch.from_numpy(np.stack(target))

    def surroundings(self, rng):
        """What isn't a person: a piece of a picture, or made up."""
        return scene(rng, self.scenes, self.size) if self.scenes and rng.random() < 0.4 else room(rng, self.size)

    def compose(self, rng):
        """A frame as the scene is: background, then the portraits over it."""
        shape = (self.size, self.size)
        rgb = self.surroundings(rng)
        target = Target(*(np.full(shape, value, np.uint8) for value in (0, 0, CERTAIN)))
        largest = min(LARGEST, 1.6 * self.size / self.side)
        if rng.random() < 0.5:
            scale = rng.uniform(0.65, 1.15) * min(1, largest)
        else:
            scale = np.exp(rng.uniform(np.log(SMALLEST), np.log(largest)))
        count = 0 if rng.random() < 0.04 else 2 if scale < 0.5 and rng.random() < 0.3 else 1
        for _ in range(count):
            rgb, target = self.paste(rng, rgb, target, scale)
        return rgb, target

    def person(self, rng):
        """A portrait, at times with another's glasses, hat or jewels (portraits are aligned), at times in other colours."""
        portrait = self.portraits[rng.choice(len(self.portraits), p=self.chance)]
        if self.donors and rng.random() < 0.3:
            label, which = self.donors[rng.integers(len(self.donors))]
            portrait = dressed(portrait, self.portraits[rng.choice(which)], label)
        if rng.random() < 0.4:
            portrait = portrait._replace(rgb=recolour(rng, portrait, self.colourable))
        return portrait

    def clothe(self, rng, rgb, target, shape):
        """Clothes of any pattern in a shape, 0 to 1."""
        rgb = rgb * (1 - shape[..., None]) + self.surroundings(rng) * shape[..., None]
        inside = shape >= 0.5
        worn = (self.cloth, self.cloth, CERTAIN)
        return rgb, Target(*(np.where(inside, np.uint8(value), old) for value, old in zip(worn, target)))

    def paste(self, rng, rgb, target, scale):
        """Lay one portrait over the frame, cut out along its truth or with its own background."""
        portrait = self.person(rng)
        mirrored = rng.random() < 0.5
        matrix = placement(rng, portrait.rgb.size, self.size, scale, mirrored)
        if rng.random() < 0.65:
            rgb, target = self.clothe(rng, rgb, target, torso(rng, portrait.rgb.size, self.size, matrix))

        def warp(picture, how):
            return np.asarray(picture.transform((self.size, self.size), Image.AFFINE, matrix, how))

        cut = rng.random() < 0.5
        alpha = portrait.labels.point(lambda label: 255 if label or not cut else 0)
        weight = warp(alpha, Image.BILINEAR)[..., None].astype(np.float32) / 255
        rgb = rgb * (1 - weight) + warp(portrait.rgb, Image.BILINEAR) * weight
        inside = weight[..., 0] >= 0.5
        turn = self.mirror if mirrored else np.arange(256, dtype=np.uint8)
        maps = [turn[warp(portrait.labels, Image.NEAREST)]]
        if portrait.second is None:
            maps += [maps[0], np.full_like(maps[0], CERTAIN)]
        else:
            maps += [turn[warp(portrait.second, Image.NEAREST)], warp(portrait.share, Image.NEAREST)]
        return rgb, Target(*(np.where(inside, new, old) for new, old in zip(maps, target)))


def placement(rng, source, size, scale, mirrored):
    """The affine map from a frame's pixel to a portrait's: rotation, slight shear of the scale, the face somewhere in it."""
    angle = np.deg2rad(np.clip(rng.normal(0, 18), -55, 55))
    stretch = np.exp(rng.normal(0, 0.06))
    sx, sy = scale * stretch * (-1 if mirrored else 1), scale / stretch
    forward = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([sx, sy])
    inverse = np.linalg.inv(forward)
    face = np.array([0.5, 0.53]) * source
    target = size * (0.5 + rng.uniform(-0.32, 0.32, 2) * rng.choice((0.4, 1)))
    (a, b), (d, e) = inverse
    c, f = face - inverse @ target
    return a, b, c, d, e, f


def torso(rng, source, size, matrix):
    """float size x size, 0 to 1: shoulders and chest below where a portrait ends, in the frame that matrix places it in."""
    wide, low = rng.uniform(0, 0.45), rng.uniform(0.03, 0.3)
    left = np.array([(0.3, 0.92), (-wide, 0.92 + low), (-wide - rng.uniform(-0.1, 0.2), 3)])
    outline = np.concatenate([left, (left * (-1, 1) + (1, 0))[::-1]]) * source
    a, b, c, d, e, f = matrix
    points = (outline - (c, f)) @ np.linalg.inv([[a, b], [d, e]]).T
    shape = Image.new("L", (size, size))
    ImageDraw.Draw(shape).polygon([tuple(point) for point in points], fill=255)
    return np.asarray(shape.filter(ImageFilter.BoxBlur(1)), np.float32) / 255


def dressed(portrait, donor, label):
    """The portrait with what the donor wears; both have the same size where both are aligned, else nothing is moved."""
    if portrait.rgb.size != donor.rgb.size:
        return portrait
    worn = donor.labels.point(lambda other: 255 if other == label else 0)
    maps = {"labels": Image.composite(donor.labels, portrait.labels, worn)}
    if portrait.second is not None:
        maps["second"] = Image.composite(donor.labels, portrait.second, worn)
    return portrait._replace(rgb=Image.composite(donor.rgb, portrait.rgb, worn), **maps)


def recolour(rng, portrait, colourable):
    """Other colours wherever nothing of a body is seen: an orange coat is no skin, a dark one no hair."""
    table = np.zeros(256, np.uint8)
    table[colourable] = 255
    channels = portrait.rgb.split()
    other = Image.merge("RGB", [channels[i].point(tone(rng)) for i in rng.permutation(3)])
    return Image.composite(other, portrait.rgb, portrait.labels.point(list(table)))


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


def letterbox(rng, rgb, target):
    """Black bars on two sides of some frames, as a camera's frame is padded to a square before the network."""
    if rng.random() < 0.4:
        bar = int(len(rgb) * rng.uniform(0.02, 0.22))
        upright = rng.random() < 0.15
        rgb, target = rgb.copy(), Target(*(values.copy() for values in target))
        for side in (slice(0, bar), slice(len(rgb) - bar, None)):
            where = (slice(None), side) if upright else side
            rgb[where] = 0
            for values, value in zip(target, (0, 0, CERTAIN)):
                values[where] = value
    return rgb, target

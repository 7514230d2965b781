"""Backgrounds: pieces of pictures, and made-up rooms."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from people import tone


def scene(rng, pictures, size):
    """A mirrored piece of a picture, sometimes rotated or in false colours."""
    picture = pictures[rng.integers(len(pictures))]
    part = min(picture.size) * (rng.uniform(0.25, 1) if rng.random() < 0.6 else 1)
    x, y = (rng.uniform(0, side - part) for side in picture.size)
    picture = picture.resize((size, size), Image.BILINEAR, (x, y, x + part, y + part), reducing_gap=1)
    if rng.random() < 0.2:
        channels = picture.split()
        picture = Image.merge("RGB", [channels[i].point(tone(rng)) for i in rng.permutation(3)])
    turns = rng.integers(4) if rng.random() < 0.15 else 0
    return np.rot90(np.asarray(picture, np.float32)[:, ::rng.choice((-1, 1))], turns)


def room(rng, size):
    """A made-up room: smooth colours, some with texture, boxes, discs and bars."""
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


class Backdrops:
    """rooms: pictures of interiors; scenes: other pictures without people."""

    def __init__(self, rooms, scenes):
        self.rooms, self.scenes = rooms, scenes

    def draw(self, rng, size):
        """float32 size x size x 3, with values up to 255."""
        kind = rng.random()
        if self.rooms and kind < 0.6:
            return scene(rng, self.rooms, size)
        if self.scenes and kind < 0.8:
            return scene(rng, self.scenes, size)
        return room(rng, size)

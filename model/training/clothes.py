"""Drawn clothes below the end of a person's picture, so that no head floats."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def fabric(rng, size):
    """float32 size x size x 3: one colour with folds of light, sometimes striped, checked or woven. Never a piece of a picture,
    because a network that learns that anything may be clothes takes the street for clothes."""
    colour = rng.uniform(0, 255) + rng.normal(0, 40, 3)
    grid = int(rng.integers(2, 7))
    light = Image.fromarray(rng.normal(1, rng.uniform(0.03, 0.2), (grid, grid)).astype(np.float32))
    rgb = colour.clip(8, 247) * np.asarray(light.resize((size, size), Image.BICUBIC))[..., None]
    kind = rng.random()
    if kind < 0.35:
        other = rng.uniform(0, 255) + rng.normal(0, 40, 3)
        angle, period, part = rng.uniform(0, np.pi), size * rng.uniform(0.01, 0.12), rng.uniform(0.1, 0.6)
        y, x = np.mgrid[:size, :size]
        along = (x * np.cos(angle) + y * np.sin(angle)) / period % 1 < part
        across = (y * np.cos(angle) - x * np.sin(angle)) / period % 1 < part
        where = along if kind < 0.22 else along | across
        rgb = np.where(where[..., None], other.clip(8, 247) * (rgb / colour.clip(8, 247)), rgb)
    elif kind < 0.6:
        rgb = rgb + rng.normal(0, rng.uniform(3, 25), (size, size, 1))
    return rgb.astype(np.float32)


def torso(rng, person, size, matrix):
    """float size x size, 0 to 1: shoulders and chest below a picture that cuts off its person, in the frame in which `matrix`
    places it; None if nothing is cut off."""
    height = person.rgb.size[1]
    row = np.flatnonzero(np.asarray(person.alpha)[-2] > 128)
    if len(row) < 0.1 * person.head[2]:
        return None
    left, right, bottom = row[0], row[-1], height - 1.5
    grow = person.head[2] * rng.uniform(0.2, 1.1, 2)
    drop = person.head[2] * rng.uniform(0.1, 0.6)
    outline = np.array([(left, bottom), (left - 0.7 * grow[0], bottom + 0.4 * drop), (left - grow[0], bottom + drop),
                        (left - 1.1 * grow[0], 9 * height), (right + 1.1 * grow[1], 9 * height),
                        (right + grow[1], bottom + drop), (right + 0.7 * grow[1], bottom + 0.4 * drop), (right, bottom)])
    a, b, c, d, e, f = matrix
    points = (outline - (c, f)) @ np.linalg.inv([[a, b], [d, e]]).T
    shape = Image.new("L", (size, size))
    ImageDraw.Draw(shape).polygon([tuple(point) for point in points], fill=255)
    return np.asarray(shape.filter(ImageFilter.BoxBlur(1)), np.float32) / 255

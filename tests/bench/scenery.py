"""Rooms that are drawn, and the bundled portrait as somebody who stands in them: scenes whose truth is known exactly."""
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORTRAIT = f"{ROOT}/daemon/portrait.jpg"
# What daemon/faces takes a face's box from; and its parts, by their names in the default model.
FACE = ("skin", "nose", "left eye", "right eye", "left brow", "right brow", "mouth", "inner mouth", "upper lip", "lower lip")
EYES = ("left eye", "right eye")
LIPS = ("upper lip", "lower lip")


# ---- rooms ----

def colour(rng, low=40, high=220):
    return tuple(int(v) for v in rng.integers(low, high, 3))


def near(rng, rgb, spread=25):
    return tuple(int(np.clip(v + rng.integers(-spread, spread + 1), 0, 255)) for v in rgb)


def place(rng, size, low, high):
    """A box somewhere in the picture."""
    width, height = size
    w, h = (int(rng.uniform(low, high) * height) for _ in range(2))
    x, y = int(rng.uniform(-0.2 * w, width - 0.8 * w)), int(rng.uniform(-0.1 * h, height - 0.9 * h))
    return x, y, x + w, y + h


def window(rng, draw, size):
    x0, y0, x1, y1 = place(rng, size, 0.25, 0.6)
    draw.rectangle((x0, y0, x1, y1), fill=near(rng, (215, 225, 240)), outline=colour(rng), width=6)
    draw.line(((x0 + x1) // 2, y0, (x0 + x1) // 2, y1), fill=colour(rng, 150, 250), width=5)
    draw.line((x0, (y0 + y1) // 2, x1, (y0 + y1) // 2), fill=colour(rng, 150, 250), width=5)


def curtain(rng, draw, size):
    x0, y0, x1, _ = place(rng, size, 0.2, 0.5)
    base, period, phase = np.array(colour(rng)), rng.uniform(8, 40), rng.uniform(0, 6)
    for x in range(x0, x1):
        shade = 1 + 0.3 * np.sin(2 * np.pi * x / period + phase) + 0.1 * np.sin(x / 3)
        draw.line((x, y0, x + int(3 * np.sin(x / period)), size[1]), fill=tuple(int(v) for v in (base * shade).clip(0, 255)))


def shelf(rng, draw, size):
    x0, y0, x1, y1 = place(rng, size, 0.3, 0.7)
    draw.rectangle((x0, y0, x1, y1), fill=near(rng, (120, 85, 55), 40))
    rows = int(rng.integers(2, 5))
    for row in range(rows):
        foot, x = y0 + (row + 1) * (y1 - y0) // rows - 4, x0 + 4
        while x < x1 - 8:
            wide = int(rng.integers(4, 14))
            draw.rectangle((x, foot - int(rng.uniform(0.5, 0.9) * (y1 - y0) / rows), x + wide, foot), fill=colour(rng, 20, 235))
            x += wide + int(rng.integers(0, 3))


def lamp(rng, draw, size):
    x0, y0, x1, y1 = place(rng, size, 0.1, 0.25)
    middle = (x0 + x1) // 2
    draw.line((middle, y1, middle, size[1]), fill=colour(rng), width=4)
    draw.polygon(((x0, y1), (x0 + (x1 - x0) // 4, y0), (x1 - (x1 - x0) // 4, y0), (x1, y1)), fill=near(rng, (250, 225, 170), 20))
    draw.ellipse((middle - 8, y1 - 10, middle + 8, y1 + 8), fill=(255, 250, 230))


def poster(rng, draw, size):
    """With shapes; in some of them one may see a face."""
    x0, y0, x1, y1 = place(rng, size, 0.2, 0.5)
    draw.rectangle((x0, y0, x1, y1), fill=colour(rng, 60, 250), outline=colour(rng, 0, 90), width=4)
    w, h = x1 - x0, y1 - y0
    if rng.random() < 0.4:
        ink, x, y, r = colour(rng, 0, 120), (x0 + x1) // 2, (y0 + y1) // 2, min(w, h) // 3
        draw.ellipse((x - r, y - r, x + r, y + r), fill=near(rng, (240, 200, 120), 60), outline=ink, width=3)
        for side in (-1, 1):
            draw.ellipse((x + side * r // 3 - 3, y - r // 3 - 4, x + side * r // 3 + 3, y - r // 3 + 4), fill=ink)
        draw.arc((x - r // 2, y - r // 2, x + r // 2, y + r // 2), 20, 160, fill=ink, width=3)
        return
    for _ in range(int(rng.integers(2, 8))):
        a, b = sorted(rng.integers(0, max(w, 2), 2)), sorted(rng.integers(0, max(h, 2), 2))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x0 + a[0], y0 + b[0], x0 + a[1], y0 + b[1]), fill=colour(rng, 0, 255))


def wheel(rng, draw, size):
    x0, y0, x1, _ = place(rng, size, 0.15, 0.45)
    r = (x1 - x0) // 2
    x, y = x0 + r, y0 + r
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(30, 30, 32))
    draw.ellipse((x - 3 * r // 4, y - 3 * r // 4, x + 3 * r // 4, y + 3 * r // 4), fill=near(rng, (150, 150, 155)))
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(5, 12)), endpoint=False) + rng.uniform(0, 1):
        draw.line((x, y, x + int(0.7 * r * np.cos(angle)), y + int(0.7 * r * np.sin(angle))), fill=(70, 70, 75), width=5)
    draw.ellipse((x - r // 6, y - r // 6, x + r // 6, y + r // 6), fill=(90, 90, 95))


def plant(rng, draw, size):
    x0, y0, x1, y1 = place(rng, size, 0.2, 0.4)
    for _ in range(60):
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        dx, dy = rng.uniform(4, 18), rng.uniform(3, 9)
        draw.ellipse((x - dx, y - dy, x + dx, y + dy), fill=near(rng, (50, 105, 45), 40))
    draw.polygon(((x0 + 10, y1), (x1 - 10, y1), (x1 - 20, y1 + 60), (x0 + 20, y1 + 60)), fill=near(rng, (170, 95, 60), 30))


def seat(rng, draw, size):
    x0, y0, x1, y1 = place(rng, size, 0.25, 0.5)
    fill = near(rng, (150, 110, 85), 80)
    draw.rounded_rectangle((x0, y0, x1, y1), radius=25, fill=fill)
    draw.rounded_rectangle((x0 - 10, (y0 + y1) // 2, x1 + 10, y1 + 50), radius=15, fill=near(rng, fill, 15))


def clock(rng, draw, size):
    x0, y0, x1, _ = place(rng, size, 0.08, 0.2)
    r = (x1 - x0) // 2
    x, y = x0 + r, y0 + r
    draw.ellipse((x - r, y - r, x + r, y + r), fill=near(rng, (240, 235, 225), 15), outline=colour(rng, 0, 80), width=4)
    for angle, length in zip(rng.uniform(0, 6.3, 2), (0.5, 0.8)):
        draw.line((x, y, x + int(length * r * np.cos(angle)), y + int(length * r * np.sin(angle))), fill=(20, 20, 20), width=3)


THINGS = (window, curtain, shelf, lamp, poster, poster, wheel, plant, seat, clock)


def room(rng, size):
    """A drawn room without people, as an array of bytes."""
    width, height = size
    y, x = np.mgrid[:height, :width] / height
    wall = np.array(colour(rng, 90, 235)) * (1 - 0.25 * rng.random() * y - 0.3 * rng.random() * x / 1.5)[..., None]
    picture = Image.fromarray(wall.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    edge = int(rng.uniform(0.6, 0.9) * height)
    draw.polygon(((0, edge + int(rng.integers(0, 40))), (width, edge), (width, height), (0, height)), fill=near(rng, (130, 100, 75), 50))
    for _ in range(int(rng.integers(3, 9))):
        THINGS[rng.integers(len(THINGS))](rng, draw, size)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 2.0)))
    light = 1.1 - rng.uniform(0, 0.5) * ((x - rng.uniform(0, 1.3)) ** 2 + (y - rng.uniform(0, 1)) ** 2)
    return (np.asarray(picture) * light[..., None] + rng.normal(0, 3, (height, width, 1))).clip(0, 255).astype(np.uint8)


# ---- somebody ----

def parse(build, picture, folder, model=None):
    """The labels of a picture by visagectl, and the model's index of each class."""
    picture.save(f"{folder}/parsed.png")
    words = [f"{build}/daemon/visagectl", "parse", "--json", "-o", folder, f"{folder}/parsed.png"] + ([f"--model={model}"] if model else [])
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"visagectl parse failed:\n{done.stderr}")
    classes = json.loads(done.stdout.splitlines()[-1])["classes"]
    return np.asarray(Image.open(f"{folder}/parsed.labels.png")), {c["name"]: c["index"] for c in classes}


def without_holes(mask):
    """With all that it encloses."""
    outside = Image.fromarray(np.pad(mask, 1).astype(np.uint8)).copy()  # one that can be written
    ImageDraw.floodfill(outside, (0, 0), 2)
    return np.asarray(outside)[1:-1, 1:-1] != 2


def dilated(mask, by):
    return np.asarray(Image.fromarray(mask).filter(ImageFilter.MaxFilter(2 * by + 1))) > 0


def filled_over(rgb, mask, dark, ink=None):
    """With `ink`, or with what is above and below the mask in each column, smoothly; and a dark line, as of lashes or between lips."""
    out = rgb.astype(np.float32)
    line = np.zeros(mask.shape, np.float32)
    for x in np.nonzero(mask.any(0))[0]:
        rows = np.nonzero(mask[:, x])[0]
        top, bottom = rows[0] - 1, rows[-1] + 1
        share = ((np.arange(top + 1, bottom) - top) / (bottom - top))[:, None]
        out[top + 1:bottom, x] = out[top, x] * (1 - share) + out[bottom, x] * share if ink is None else ink
        line[(top + bottom) // 2, x] = 255
    smooth = Image.fromarray(out.round().clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))
    out[mask] = np.asarray(smooth)[mask]
    line = np.asarray(Image.fromarray(line.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8)))[..., None] / 255
    return (out * (1 - dark * line)).round().clip(0, 255).astype(np.uint8)


class Actor:
    """The portrait, cut out by its labels, in four states: eyes open or closed, mouth open or closed.

    What is parsed in a square around the face at its full size is taken for the truth there."""

    def __init__(self, build, folder, model=None):
        portrait = Image.open(PORTRAIT).convert("RGB")
        labels, index = parse(build, portrait, folder, model)
        self.index = index
        face = np.isin(labels, [index[n] for n in FACE if n in index])
        rows, columns = np.nonzero(face)
        middle = (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2
        side = 0.8 * max(np.ptp(rows), np.ptp(columns))
        box = [max(round(m - side), 0) for m in middle] + [min(round(m + side), n) for m, n in zip(middle, portrait.size)]
        closeup, _ = parse(build, portrait.crop(box).resize((512, 512), Image.LANCZOS), folder, model)
        truth = Image.fromarray(labels)
        truth.paste(Image.fromarray(closeup).resize((box[2] - box[0], box[3] - box[1]), Image.NEAREST), tuple(box[:2]))
        self.labels = np.asarray(truth)
        self.body = without_holes(self.labels != 0)
        self.rgb = {}
        rgb = np.asarray(portrait)
        for closed in (False, True):
            lids = filled_over(rgb, dilated(self.part(EYES), 3), 1) if closed else rgb
            self.rgb[closed, True] = lids
            self.rgb[closed, False] = filled_over(lids, dilated(self.part(("mouth", "inner mouth")), 1), 0.7, rgb[self.part(LIPS)].mean(0))
        rows, columns = np.nonzero(self.part(FACE))
        self.height = np.ptp(rows) + 1
        self.centre = (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2

    def part(self, names):
        return np.isin(self.labels, [self.index[n] for n in names if n in self.index])

    def draw(self, canvas, x, y, height, roll=0.0, tint=(1, 1, 1), mirrored=False, closed=False, mouth=True):
        """Onto `canvas`, floats of shape (height, width, 3), the face's centre at x, y.  Returns alpha and where the face is."""
        size = canvas.shape[1], canvas.shape[0]
        scale, angle = height / self.height, np.radians(roll)
        c, s, flip = np.cos(angle) / scale, np.sin(angle) / scale, -1 if mirrored else 1
        matrix = (flip * c, flip * s, self.centre[0] - flip * (c * x + s * y), -s, c, self.centre[1] + s * x - c * y)
        sharp = Image.fromarray(self.rgb[closed, mouth])
        body = Image.fromarray(self.body.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(0.7))
        if scale < 1:  # what is thinner than a pixel would alias
            blur = ImageFilter.GaussianBlur(0.4 / scale)
            sharp, body = sharp.filter(blur), body.filter(blur)
        rgb = np.asarray(sharp.transform(size, Image.AFFINE, matrix, Image.BICUBIC)).astype(np.float32)
        alpha = np.asarray(body.transform(size, Image.AFFINE, matrix, Image.BICUBIC)).astype(np.float32) / 255
        face = np.asarray(Image.fromarray(self.part(FACE)).convert("L").transform(size, Image.AFFINE, matrix, Image.NEAREST)) > 0
        canvas += alpha[..., None] * ((rgb * np.array(tint)).clip(0, 255) - canvas)
        return alpha, face

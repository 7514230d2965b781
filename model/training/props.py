"""Objects in front of a face: hands, a microphone, a cup, headphones, a mask. They are drawn, each with its label."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SKIN_TONES = np.array([[236, 200, 170], [210, 160, 125], [160, 110, 80], [95, 65, 48]])


def _colour(rng):
    return tuple(int(v) for v in (rng.uniform(0, 255) + rng.normal(0, 45, 3)).clip(0, 255))


def _turned(points, angle, centre, scale):
    c, s = np.cos(angle), np.sin(angle)
    return [tuple(p) for p in np.asarray(points) @ np.array([[c, s], [-s, c]]) * scale + centre]


def hand(rng, draws, centre, scale, skin):
    """A palm, a wrist, and fingers that are spread, closed or bent."""
    tone = tuple(int(v) for v in (skin + rng.normal(0, 12)).clip(0, 255))
    angle, spread, bent = rng.uniform(-np.pi, np.pi), rng.uniform(0, 0.3), rng.uniform(0.4, 1)
    limbs = [((0, 0.1), (0, 2.2), 0.62)]  # from, to, width: the wrist, then the fingers
    for i, length in enumerate((0.75, 0.9, 0.95, 0.85)):
        at, lean = (i - 1.5) * 0.24, (i - 1.5) * spread
        limbs.append(((at, -0.3), (at + np.sin(lean) * length, -0.3 - np.cos(lean) * length * bent), 0.2))
    limbs.append(((0.35, 0.2), (0.75, -0.25), 0.22))
    for picture, mask in draws:
        for start, end, width in [((0, -0.25), (0, 0.35), 0.95), *limbs]:
            (a, b), w = _turned((start, end), angle, centre, scale), width * scale
            for draw, fill in ((picture, tone), (mask, 255)):
                draw.line((a, b), fill=fill, width=max(1, int(w)))
                for x, y in (a, b):
                    draw.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), fill=fill)


def microphone(rng, draws, centre, scale, _):
    """A ball on a stick."""
    colour, angle, r = _colour(rng), rng.normal(0, 0.5), 0.3 * scale
    (end,) = _turned([(0, 3)], angle, centre, scale)
    x, y = centre
    for picture, mask in draws:
        for draw, fill in ((picture, colour), (mask, 255)):
            draw.line((x, y, *end), fill=fill, width=max(1, int(0.3 * scale)))
            draw.ellipse((x - r, y - 1.2 * r, x + r, y + 1.2 * r), fill=fill)


def cup(rng, draws, centre, scale, _):
    """A cup, a phone, a book: something with four corners."""
    wide, high, slant = rng.uniform(0.3, 0.9), rng.uniform(0.4, 1), rng.uniform(0, 0.15)
    corners = _turned([(-wide, -high), (wide, -high), (wide - slant, high), (-wide + slant, high)], rng.normal(0, 0.3), centre, scale)
    colour = _colour(rng)
    for picture, mask in draws:
        picture.polygon(corners, fill=colour)
        mask.polygon(corners, fill=255)


def headphones(rng, draws, centre, scale, _):
    """A bow over the head and a shell at each ear; centre is the face's, scale half its size."""
    colour, width = _colour(rng), max(2, int(rng.uniform(0.12, 0.25) * scale))
    x, y = centre
    r, shell = scale * rng.uniform(0.95, 1.1), scale * rng.uniform(0.25, 0.4)
    for picture, mask in draws:
        for draw, fill in ((picture, colour), (mask, 255)):
            draw.arc((x - r, y - 1.35 * r, x + r, y + r), 180, 360, fill=fill, width=width)
            for side in (-1, 1):
                draw.ellipse((x + side * r - shell * 0.6, y - shell, x + side * r + shell * 0.6, y + shell), fill=fill)


def mask(rng, draws, centre, scale, _):
    """Cloth over mouth and nose."""
    colour = _colour(rng)
    x, y = centre
    points = [(x - 0.85 * scale, y), (x, y - 0.2 * scale), (x + 0.85 * scale, y), (x + 0.6 * scale, y + 0.8 * scale),
              (x, y + 1.05 * scale), (x - 0.6 * scale, y + 0.8 * scale)]
    for picture, cover in draws:
        picture.polygon(points, fill=colour)
        cover.polygon(points, fill=255)


# The function that draws it, its label, its probability, and whether its position is fixed to the face.
PROPS = (
    (hand, "body", 0.45, False),
    (microphone, "background", 0.15, False),
    (cup, "background", 0.2, False),
    (headphones, "person", 0.15, True),
    (mask, "cloth", 0.05, True),
)


def add(rng, rgb, labels, names, head, skin):
    """Draw an object in front of the face at head = (x, y, size) of a frame, in place."""
    draw, label, _, fixed = PROPS[rng.choice(len(PROPS), p=[row[2] for row in PROPS])]
    x, y, size = head
    centre = np.array([x, y])
    if not fixed:
        centre = centre + size * rng.uniform(-0.7, 0.7, 2) + (0, 0.25 * size)
    scale = size / 2 * (1 if fixed else rng.uniform(0.5, 1.1))
    if skin is None:
        skin = SKIN_TONES[rng.integers(len(SKIN_TONES))]
    picture = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
    shape = Image.new("L", picture.size)
    draw(rng, [(ImageDraw.Draw(picture), ImageDraw.Draw(shape))], tuple(centre), scale, np.asarray(skin, float))
    weight = np.asarray(shape.filter(ImageFilter.BoxBlur(rng.uniform(0.3, 1.2))), np.float32)[..., None] / 255
    grid = rng.normal(1, 0.12, (4, 4)).astype(np.float32)
    light = np.asarray(Image.fromarray(grid).resize(picture.size, Image.BICUBIC))[..., None]
    drawn = np.asarray(picture, np.float32) * light + rng.normal(0, 4, rgb.shape).astype(np.float32)
    rgb[:] = rgb * (1 - weight) + drawn * weight
    labels[weight[..., 0] >= 0.5] = names.label(label)

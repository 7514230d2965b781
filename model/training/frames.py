"""Training frames: random pictures of people, as the network will see them.

There are two views: a camera's whole frame, in which a head may be a twentieth of the height, and a square region around one
face (its box x 1.3 to 2, shifted, tilted). Each sample is one of the two, or shows nobody. People are cut out of their pictures,
or taken with their background, placed in rooms, sometimes with something in front of the face, and passed through a bad camera.
"""
import numpy as np
import torch
from PIL import Image, ImageDraw

import clothes
import partial
import props
from film import film, letterbox
from people import Names, skin_colour

REGION, WHOLE = 0.45, 0.35  # shares of the views; the rest show nobody
FILMED = 0.8  # of all frames; the others keep the quality of their pictures
SMALLEST, LARGEST = 0.045, 0.55  # a face in the whole frame
CLOSE = 0.15  # of whole frames show one face that is too close for them: hair or chin are beyond an edge
STANDING = 0.5  # of whole frames that show somebody from head to foot, if any set does
# A whole frame's people: how many, how often, and how much smaller than LARGEST their faces are at least.
CROWDS = ((1, 0.45, 1), (2, 0.2, 1.6), (3, 0.1, 1.6), (4, 0.05, 1.6), (8, 0.2, 4))
SHARPEST = 2.5  # pixels of a picture per pixel of a frame: a camera's frame is reduced as much, without smoothing


class Frames(torch.utils.data.IterableDataset):
    """Endless samples of (uint8 size x size x RGB, uint8 size x size labels); labels are classes or codes of partial.py."""

    def __init__(self, crowds, shares, backdrops, classes, size, seed):
        """crowds: one people.Crowd for each set, drawn according to their shares."""
        super().__init__()
        self.crowds, self.shares = crowds, np.asarray(shares, float) / sum(shares)
        self.backdrops, self.names, self.size, self.seed = backdrops, Names.of(classes), size, seed
        self.standing = [crowd for crowd in crowds if crowd.seen_whole()]

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((*self.seed, worker.id if worker else 0))
        while True:
            rgb, labels = self.compose(rng)
            yield torch.from_numpy(rgb.copy()), torch.from_numpy(labels.copy())

    def compose(self, rng):
        """One frame, passed through the camera."""
        view = rng.random()
        if view < REGION:
            rgb, labels = self.region(rng)
        elif view < REGION + WHOLE:
            rgb, labels = self.whole(rng)
        else:
            rgb, labels = self.nobody(rng)
        rgb = film(rng, rgb) if rng.random() < FILMED else rgb.clip(0, 255).astype(np.uint8)
        if view >= REGION and rng.random() < 0.6:
            rgb, labels = letterbox(rng, rgb, labels)
        return rgb, labels

    # ---- views ----

    def nobody(self, rng):
        """A background, sometimes with objects that could be mistaken for parts of a person."""
        rgb, labels = self.blank(rng)
        if rng.random() < 0.3:
            where = rng.uniform(0.2, 0.8, 2) * self.size
            draw = (props.microphone, props.cup)[rng.integers(2)]
            picture = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))
            draw(rng, [(ImageDraw.Draw(picture), ImageDraw.Draw(Image.new("L", picture.size)))], tuple(where),
                 rng.uniform(0.05, 0.25) * self.size, None)
            rgb = np.asarray(picture, np.float32)
        return rgb, labels

    def region(self, rng):
        """A square around one face, sometimes with a second face in it or behind it."""
        rgb, labels = self.blank(rng)
        if rng.random() < 0.12:
            size = self.size / rng.uniform(1.6, 4)
            self.lay(rng, rgb, labels, self.person(rng), rng.uniform(0, 1, 2) * self.size, size)
        size = self.size / (rng.uniform(1.3, 2) if rng.random() < 0.8 else rng.uniform(1.05, 3))
        centre = self.size / 2 + rng.uniform(-0.25, 0.25, 2) * size
        angle = np.deg2rad(rng.normal(0, 10) if rng.random() < 0.85 else rng.uniform(-60, 60))
        self.lay(rng, rgb, labels, self.person(rng), centre, size, angle, rng.random() < 0.5)
        return rgb, labels

    def whole(self, rng):
        """People somewhere in a room, sometimes a distant crowd, a face that is too close, or an unchanged picture of full-length people."""
        rgb, labels = self.blank(rng)
        if rng.random() < CLOSE:
            centre = self.size * np.array([rng.uniform(0.3, 0.7), rng.uniform(0.25, 0.65)])
            self.lay(rng, rgb, labels, self.person(rng), centre, self.size * rng.uniform(LARGEST, 0.95), np.deg2rad(rng.normal(0, 6)))
            return rgb, labels
        count, _, smaller = CROWDS[rng.choice(len(CROWDS), p=[chance for _, chance, _ in CROWDS])]
        for i in range(count):
            if i == 0 and self.standing and rng.random() < STANDING:
                person = self.standing[rng.integers(len(self.standing))].draw(rng)
            else:
                person = self.person(rng)
            if i == 0 and person.full_length and rng.random() < 0.7:
                self.lay(rng, rgb, labels, person, *filling(rng, person, self.size), own=True)
                continue
            size = self.size * np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST / smaller)))
            centre = rng.uniform(0.12, 0.88), np.clip(rng.normal(0.38, 0.14), 0.1, 0.8)
            angle = np.deg2rad(rng.normal(0, 6) if rng.random() < 0.9 else rng.uniform(-30, 30))
            self.lay(rng, rgb, labels, person, self.size * np.array(centre), size, angle)
        return rgb, labels

    # ---- parts ----

    def blank(self, rng):
        return self.backdrops.draw(rng, self.size).copy(), np.zeros((self.size, self.size), np.uint8)

    def person(self, rng):
        return self.crowds[rng.choice(len(self.crowds), p=self.shares)].draw(rng)

    def lay(self, rng, rgb, labels, person, centre, size, angle=0.0, own=False):
        """Place a person in a frame, in place, with the face at a centre and of a size. own: with their own background; then
        everything beyond their picture is unknown."""
        mirrored = rng.random() < 0.5
        person = person.reduced(int(person.head[2] / size / rng.uniform(1, SHARPEST)))
        matrix = placement(rng, person.head, centre, size, angle, mirrored)

        def warp(picture, how):
            return np.asarray(picture.transform((self.size, self.size), Image.AFFINE, matrix, how))

        if own:
            inside = warp(Image.new("L", person.rgb.size, 255), Image.NEAREST) > 0
            labels[~inside] = partial.IGNORE
            weight = inside[..., None].astype(np.float32)
        else:
            self.clothe(rng, rgb, labels, person, matrix)
            weight = warp(person.alpha, Image.BILINEAR)[..., None].astype(np.float32) / 255
            inside = weight[..., 0] >= 0.3
        rgb[:] = rgb * (1 - weight) + warp(person.rgb, Image.BILINEAR) * weight
        turned = warp(person.labels, Image.NEAREST)
        turned = self.names.mirror[turned] if mirrored else turned
        labels[inside] = turned[inside]
        if not own:
            labels[inside & np.isin(turned, NOBODY)] = partial.IGNORE
        if person.face and rng.random() < 0.18:
            props.add(rng, rgb, labels, self.names, (*centre, size), skin_colour(person, self.names))

    def clothe(self, rng, rgb, labels, person, matrix):
        """Clothes below the end of a cut-out, if that is in the frame."""
        shape = clothes.torso(rng, person, self.size, matrix)
        if shape is None or not shape.any():
            return
        rgb[:] = rgb * (1 - shape[..., None]) + clothes.fabric(rng, self.size) * shape[..., None]
        labels[shape >= 0.5] = self.names.label("cloth") if "cloth" in self.names.index else 0


NOBODY = (0, partial.CODES["background or body"], partial.CODES["beside an 11-class face"])


def filling(rng, person, side):
    """(centre, size) of a head such that its picture fills most or all of the frame."""
    scale = side / min(person.rgb.size) * np.exp(rng.uniform(-0.25, 0.5))
    near = np.array(person.head[:2]) * scale
    far = side - (np.array(person.rgb.size) - person.head[:2]) * scale
    return far + (near - far) * rng.uniform(0, 1, 2), person.head[2] * scale


def placement(rng, head, centre, size, angle, mirrored):
    """The affine map from the pixels of a frame to those of a picture that puts the head at a centre, with a size and rotation."""
    x, y, own = head
    scale, stretch = size / own, np.exp(rng.normal(0, 0.05))
    forward = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
        [scale * stretch * (-1 if mirrored else 1), scale / stretch])
    inverse = np.linalg.inv(forward)
    (a, b), (d, e) = inverse
    c, f = np.array([x, y]) - inverse @ np.asarray(centre)
    return a, b, c, d, e, f

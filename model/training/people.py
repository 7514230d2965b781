"""The people from which training frames are composed: a picture, its labels, how to cut the person out, and where the head is."""
from typing import NamedTuple, Optional, Tuple

import numpy as np
from PIL import Image, ImageFilter

import arches
import partial

COMMON = 0.3  # share of the portraits beyond which a class isn't rare
MOVABLE = ("eyeglasses", "hat", "earring", "necklace")
COLOURABLE = ("background", "hat", "cloth")
LEAST_FACE = 40  # pixels
FULL_LENGTH = 0.22  # a face that is less of its picture's longer side is of somebody seen from farther away


class Person(NamedTuple):
    """head: (x, y, size) in pixels, where size is the longer side of the face's box. labels: classes and codes of partial.py."""
    rgb: Image.Image
    labels: Image.Image
    alpha: Image.Image  # 255: somebody, 128: perhaps
    head: Tuple[float, float, float]
    face: bool  # whether it is seen

    @property
    def full_length(self):
        """Whether it is so far away that the picture shows more than a bust."""
        return self.head[2] < FULL_LENGTH * max(self.rgb.size)

    def reduced(self, times):
        """The same, reduced by a factor; each pixel is the mean of those that it replaces."""
        if times < 2:
            return self
        rgb = self.rgb.reduce(times)
        return self._replace(rgb=rgb, labels=self.labels.resize(rgb.size, Image.NEAREST), alpha=self.alpha.reduce(times),
                             head=tuple(value / times for value in self.head))


class Names(NamedTuple):
    """What composition needs to know about a label set."""
    classes: int
    index: dict
    face: list
    mirror: np.ndarray

    @staticmethod
    def of(classes):
        names = {name: i for i, name in enumerate(arches.LABELS[classes])}
        return Names(classes, names, [names[name] for name in partial.FACE if name in names], mirror(classes))

    def label(self, name):
        """A class, or its substitute in a set without that class."""
        return self.index.get(name, partial.CODES.get(name, partial.IGNORE))


def mirror(classes):
    """uint8[256]: the labels of a mirrored picture."""
    names = list(arches.LABELS[classes])
    table = np.arange(256, dtype=np.uint8)
    for name in names:
        if name.startswith("left "):
            pair = [names.index(name), names.index(name.replace("left", "right"))]
            table[pair] = pair[::-1]
    return table


def box(where):
    """(left, top, right, bottom) of the true pixels, without the outermost per cent."""
    y, x = np.nonzero(where)
    (left, right), (top, bottom) = np.percentile(x, (1, 99)), np.percentile(y, (1, 99))
    return left, top, right + 1, bottom + 1


def head_of(labels, names):
    """((x, y, size), whether a face is visible)."""
    face, hair = np.isin(labels, names.face), labels == names.label("hair")
    least = 8.0  # hair is at least as wide as half a face is high
    if hair.sum() >= LEAST_FACE:
        left, top, right, bottom = box(hair)
        least = max(least, 0.5 * min(right - left, bottom - top))
    if face.sum() >= LEAST_FACE:
        left, top, right, bottom = box(face)
        return ((left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top, least)), True
    if hair.sum() >= LEAST_FACE:
        size = 1.6 * least
        return ((left + right) / 2, top + 0.6 * size, size), False
    height, width = labels.shape
    return (width / 2, 0.4 * height, 0.5 * min(labels.shape)), False


def prepare(longest, rgb, labels, names):
    """A picture with its labels for storage in memory, with its longer side at most `longest`; None if it shows nobody."""
    scale = min(1, longest / max(rgb.size))
    size = tuple(max(1, round(length * scale)) for length in rgb.size)
    rgb, labels = rgb.resize(size, Image.BOX), labels.resize(size, Image.NEAREST)
    truth = np.asarray(labels)
    nobody = np.isin(truth, (0, partial.CODES["background or body"], partial.CODES["beside an 11-class face"]))
    if nobody.all():
        return None
    alpha = np.where(nobody, 0, np.where(truth == partial.IGNORE, 128, 255)).astype(np.uint8)
    return Person(rgb, labels, Image.fromarray(alpha).filter(ImageFilter.BoxBlur(1)), *head_of(truth, names))


def repeats(people, classes):
    """How often to draw each: more often if it shows a rare class (the repeat factor of LVIS, CVPR 2019)."""
    shows = np.array([np.array(p.labels.histogram()[:classes]) > 0 for p in people])
    share = shows.mean(0).clip(1e-6)
    return (shows * np.sqrt(COMMON / share).clip(1, 4)).max(1).clip(0.5)


def dressed(person, donor, label):
    """The person with the accessories of the donor; both must be aligned portraits of one size, otherwise nothing changes."""
    if person.rgb.size != donor.rgb.size:
        return person
    worn = donor.labels.point(lambda other: 255 if other == label else 0)
    return person._replace(rgb=Image.composite(donor.rgb, person.rgb, worn),
                           labels=Image.composite(donor.labels, person.labels, worn),
                           alpha=Image.composite(worn, person.alpha, worn))


def tone(rng):
    """A random straight line through the 256 values, up or down."""
    start, end = rng.uniform(-40, 295, 2)
    return [int(min(max(start + (end - start) * v / 255, 0), 255)) for v in range(256)]


def recoloured(rng, person, names):
    """Change the colours wherever no part of a body is visible: an orange coat is not skin, a dark one not hair."""
    table = np.zeros(256, np.uint8)
    table[[names.index[name] for name in COLOURABLE if name in names.index]] = 255
    channels = person.rgb.split()
    other = Image.merge("RGB", [channels[i].point(tone(rng)) for i in rng.permutation(3)])
    return person._replace(rgb=Image.composite(other, person.rgb, person.labels.point(list(table))))


def skin_colour(person, names):
    """The median colour of a person's face, or None."""
    where = np.asarray(person.labels) == names.label("skin")
    return np.median(np.asarray(person.rgb)[where], 0) if where.sum() >= LEAST_FACE else None


class Crowd:
    """The people of one data set, drawn at random."""

    def __init__(self, people, names, aligned):
        """aligned: portraits that can lend each other their accessories."""
        self.people, self.names = people, names
        chance = repeats(people, names.classes)
        self.chance = chance / chance.sum()
        self.donors = []
        if aligned:
            histograms = np.array([p.labels.histogram()[:names.classes] for p in people]) > 0
            for name in MOVABLE:
                which = np.flatnonzero(histograms[:, names.index[name]]) if name in names.index else ()
                if len(which):
                    self.donors.append((names.index[name], which))

    def seen_whole(self):
        """Whether most are visible from head to foot."""
        return np.mean([person.full_length for person in self.people]) > 0.5

    def draw(self, rng) -> Optional[Person]:
        """A person, sometimes with another's glasses, hat or jewellery, sometimes in other colours."""
        person = self.people[rng.choice(len(self.people), p=self.chance)]
        if self.donors and rng.random() < 0.3:
            label, which = self.donors[rng.integers(len(self.donors))]
            person = dressed(person, self.people[rng.choice(which)], label)
        return recoloured(rng, person, self.names) if rng.random() < 0.3 else person

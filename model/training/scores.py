"""Measure a model on the validation split of each set: the figures of its card.

Each set is measured by what it labels: CelebAMask-HQ by all classes, people by person, hair and clothes, rooms by how much of them
is taken for a person. "whole": the picture as from a camera; "region": a square around the face, its box times 1.3 to 2, shifted
and rotated by up to 20 degrees. All use the geometry of the program (reference.preprocess).
"""
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import arches
import datasets
import frames
import metrics
import partial
import people
import reference
from backdrops import Backdrops

BOUNDARY = 2  # pixels
COARSE = 4
WIDTH, HEIGHT = 640, 480
FOUND_IOU, SCENES = 0.5, 100
STILL_SCENES, STILL_FRAMES, NOISE = 6, 8, 5.0  # for flicker; the noise in grey values


class Network:
    """A model file, from picture to labels."""

    def __init__(self, path):
        self.model, self.meta = reference.load(path)
        self.classes = self.model.arch.classes
        self.names = people.Names.of(self.classes)

    @torch.no_grad()
    def labels(self, rgb):
        """uint8 at the picture's size."""
        return reference.parse(self.model, self.meta, np.asarray(rgb))


# ---- of masks ----

def near(mask):
    """A mask grown by BOUNDARY pixels."""
    grown = torch.from_numpy(mask[None, None].astype(np.float32))
    return F.max_pool2d(grown, 2 * BOUNDARY + 1, 1, BOUNDARY)[0, 0].numpy() > 0


def outline(mask):
    """A mask's pixels that have a neighbour outside."""
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return mask & ~inner


def boundary_counts(truth, found):
    """int[4]: outline pixels of the prediction, those near the truth's outline, those of the truth, those near the prediction's."""
    rows, columns = np.flatnonzero((truth | found).any(1)), np.flatnonzero((truth | found).any(0))
    if not len(rows):
        return np.zeros(4, np.int64)
    there = tuple(slice(max(0, at[0] - BOUNDARY), at[-1] + BOUNDARY + 1) for at in (rows, columns))  # most parts are small
    true, guess = outline(truth)[there], outline(found)[there]
    return np.array([guess.sum(), (guess & near(true)).sum(), true.sum(), (true & near(guess)).sum()])


def boundary_f1(counts):
    """Boundary F1 from summed counts; NaN if there is no outline."""
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = counts[1] / counts[0], counts[3] / counts[2]
        return 2 * precision * recall / (precision + recall)


def mean(values):
    """The mean of the values that are numbers; NaN if none is."""
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")


def largest_piece(mask):
    """The largest connected part of a mask, ignoring gaps of less than COARSE pixels."""
    inside = F.max_pool2d(torch.from_numpy(mask[None, None].astype(np.float32)), COARSE, ceil_mode=True)[0, 0]
    ids = inside * torch.arange(1, inside.numel() + 1, dtype=torch.float32).view(inside.shape)
    while True:
        spread = F.max_pool2d(ids[None, None], 3, 1, 1)[0, 0] * inside
        if torch.equal(spread, ids):
            break
        ids = spread
    values, counts = ids[ids > 0].unique(return_counts=True)
    if not len(values):
        return mask
    largest = np.kron((ids == values[counts.argmax()]).numpy(), np.ones((COARSE, COARSE), bool))
    return mask & largest[:mask.shape[0], :mask.shape[1]]


def box_iou(a, b):
    """The IoU of two (left, top, right, bottom)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0, width) * max(0, height)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return both / (area(a) + area(b) - both)


# ---- views ----

def region(rng, rgb, labels, names):
    """A square around the face, as the network will get it, with its labels; IGNORE beyond the picture."""
    head, _ = people.head_of(np.asarray(labels), names)
    side = 256
    size = side / rng.uniform(1.3, 2)
    centre = side / 2 + rng.uniform(-0.15, 0.15, 2) * size
    matrix = frames.placement(rng, head, centre, size, np.deg2rad(rng.uniform(-20, 20)), False)
    turned = [picture.transform((side, side), Image.AFFINE, matrix, how, fillcolor=fill)
              for picture, how, fill in ((rgb, Image.BILINEAR, None), (labels, Image.NEAREST, partial.IGNORE))]
    return turned[0], np.asarray(turned[1])


# ---- of sets ----

class Portraits:
    """Measures every class of a fully labelled set."""

    def __init__(self, network, pictures):
        self.network, self.pictures = network, pictures
        self.classes = pictures.classes
        self.turn = datasets.mapping(network.classes, self.classes)

    def view(self, pairs):
        """Figures over (picture, truth)s."""
        matrix = np.zeros((self.classes, self.classes), np.int64)
        edges = np.zeros((self.classes, 4), np.int64)
        for rgb, truth in pairs:
            found = self.turn[self.network.labels(rgb)]
            known = truth < self.classes
            matrix += metrics.count(truth, found, matrix.shape)
            for label in range(1, self.classes):
                if (truth == label).any() or (found == label).any():
                    edges[label] += boundary_counts(truth == label, (found == label) & known)
        result = {"mean_f1": metrics.mean_f1(matrix), "miou": float(np.nanmean(metrics.iou(matrix))),
                  "boundary_f1": mean(boundary_f1(row) for row in edges[1:]),
                  "f1": dict(zip(datasets.NAMES[self.classes], metrics.f1(matrix).tolist())), "confusion": matrix.tolist()}
        if self.classes == 19:
            result["mean_f1_11"] = metrics.mean_f1(metrics.eleven(matrix))
        return result

    def figures(self):
        """Both views."""
        rng = np.random.default_rng(1)
        names = people.Names.of(self.classes)
        whole = ((rgb, np.asarray(labels)) for _, rgb, labels in self.pictures)
        regions = (region(rng, rgb, labels, names) for _, rgb, labels in self.pictures)
        return {"whole": self.view(whole), "region": self.view(regions)}


PARTS = {"person": lambda truth: truth > 0, "hair": lambda truth: truth == 2, "hat": lambda truth: truth == 3,
         "eyeglasses": lambda truth: truth == 4, "cloth": lambda truth: truth == 5}


def person_figures(network, pictures):
    """IoU and boundary F1 of each part in the set, over the pixels that distinguish it from the rest."""
    rows = {name: np.zeros(6, np.int64) for name in PARTS}  # intersection, union, boundary counts
    seen = dict.fromkeys(PARTS, 0)
    classes = network.names.index
    for _, rgb, labels in pictures:
        truth, found = np.asarray(labels), network.labels(rgb)
        known = truth != partial.IGNORE
        for name, of in PARTS.items():
            there = known & of(truth)
            sure = known & ~((truth == 8) & (name not in ("person", "hair")))  # such pixels do not distinguish clothes and accessories
            guess = sure & (found > 0 if name == "person" else found == classes[name])
            rows[name] += np.array([(guess & there).sum(), (guess | there).sum(), *boundary_counts(there, guess)])
            seen[name] += int(there.any())
    return {name: {"iou": row[0] / row[1], "f1": 2 * row[0] / (row[0] + row[1]), "boundary_f1": boundary_f1(row[2:])}
            for name, row in rows.items() if seen[name]}


def room_figures(network, pictures):
    """How much of pictures without people is labelled."""
    shares = [float((network.labels(rgb) > 0).mean()) for _, rgb, _ in pictures]
    return {"labelled": float(np.mean(shares)), "worst": max(shares), "clean": float(np.mean([s < 0.01 for s in shares]))}


# ---- of made-up scenes ----

def face_with_glasses(names):
    """The classes of a face, with the glasses on it, which would cut it into two pieces."""
    return [*names.face, names.label("eyeglasses")]


class Scenes:
    """People of a validation split in rooms of another, as a camera would see them."""

    def __init__(self, network, portraits, rooms):
        names = people.Names.of(20)
        self.network = network
        self.truth, self.guess = face_with_glasses(names), face_with_glasses(network.names)
        crowd = people.Crowd([people.prepare(640, rgb, labels, names) for _, rgb, labels in datasets.mapped(portraits, 20)],
                             names, False)
        backdrops = Backdrops([rgb for _, rgb, _ in rooms], [])
        self.frames = frames.Frames([crowd], [1], backdrops, 20, WIDTH, (0,))

    def scene(self, rng, part):
        """(RGB, labels), HEIGHT x WIDTH: one person, whose face has that part of the frame's height."""
        rgb, labels = self.frames.blank(rng)
        low = (WIDTH - HEIGHT) // 2
        size = part * HEIGHT
        centre = rng.uniform(0.2, 0.8) * WIDTH, low + HEIGHT * rng.uniform(0.2, 0.6)
        self.frames.lay(rng, rgb, labels, self.frames.person(rng), np.array(centre), size)
        return rgb[low:low + HEIGHT].clip(0, 255).astype(np.uint8), labels[low:low + HEIGHT]

    def found(self, part):
        """The share of faces that are found: the box of the largest predicted piece of face has an IoU of at least FOUND_IOU."""
        rng, hits, scenes = np.random.default_rng(2), 0, 0
        while scenes < SCENES:
            rgb, truth = self.scene(rng, part)
            face = np.isin(truth, self.truth)
            if face.sum() < 0.2 * (part * HEIGHT) ** 2:  # half of it is out of the frame, or covered
                continue
            scenes += 1
            guess = np.isin(self.network.labels(rgb), self.guess)
            if guess.any():
                hits += box_iou(people.box(face), people.box(largest_piece(guess))) >= FOUND_IOU
        return hits / scenes

    def flicker(self):
        """The share of the pixels whose label changes from one frame of a still, noisy scene to the next."""
        rng, changes = np.random.default_rng(3), []
        for _ in range(STILL_SCENES):
            rgb, _ = self.scene(rng, rng.uniform(0.2, 0.5))
            shots = [(rgb + rng.normal(0, NOISE, rgb.shape)).clip(0, 255).astype(np.uint8) for _ in range(STILL_FRAMES)]
            found = [self.network.labels(shot) for shot in shots]
            changes += [float((a != b).mean()) for a, b in zip(found, found[1:])]
        return float(np.mean(changes))


def measure(path, data, show=lambda text: None):
    """All figures of a model file as a dictionary, on the validation splits of the sets at the paths."""
    network = Network(path)
    if network.classes not in (19, 20):
        raise ValueError(f"{path}: has {network.classes} classes, not the 19 or 20 that are measured here")
    sets = {path.rstrip("/").rsplit("/", 1)[-1].removesuffix(".tar"): datasets.read(path, "val") for path in data}
    result = {"model": network.meta.name, "gmac": arches.macs(network.model.arch, *network.meta.input) / 1e9, "sets": {}}
    for name, pictures in sets.items():
        show(name)
        how = room_figures if pictures.empty else person_figures
        figures = Portraits(network, pictures).figures() if pictures.complete else how(network, pictures)
        result["sets"][name] = {"pictures": len(pictures), "kind": "portraits" if pictures.complete else
                                "rooms" if pictures.empty else "people", **figures}
    portraits = [pictures for pictures in sets.values() if pictures.complete]
    rooms = [pictures for pictures in sets.values() if pictures.empty]
    if portraits and rooms:
        show("scenes")
        scenes = Scenes(network, portraits[0], rooms[0])
        result["scenes"] = {"found": {str(part): scenes.found(part) for part in (0.2, 0.1, 0.05)}, "flicker": scenes.flicker()}
    return result

#!/usr/bin/python3
"""Add a network's labels for parts of faces to a data set, where it is confident and the set's own labels allow them.

    teacher.py MODEL.safetensors --data PATH --out DIR
    teacher.py CODE.py --weights FILE --data PATH --out DIR

A teacher is a model file of ours, or a Python file with a class Teacher(weights) whose probabilities(rgb) are classes x
height x width, in the order of the 19 classes, for a square RGB array. It gets a square around each picture's head. DIR
becomes a data set of images/ and codes/ that train.py takes in place of the original. Existing pictures are kept, so that the
command can be stopped and repeated. Pictures without truth (unlabelled/) get the labels of which the teacher is confident.
"""
import argparse
import importlib.util
import os
import sys

import numpy as np
import torch
from PIL import Image

import arches
import datasets
import partial
import reference
import safetensors

SURE = 0.6  # the usual teacher is never more confident than 0.9
CROP = 2.1  # side of the square, in heads
CLASSES = 20
NAMES = list(arches.LABELS[CLASSES])
HAIR, HAT, NECK, BODY, SKIN = (NAMES.index(name) for name in ("hair", "hat", "neck", "body", "skin"))
BARE, HAIR_OR_SKIN = partial.CODES["bare skin"], partial.CODES["hair or skin"]
FACE = [NAMES.index(name) for name in partial.FACE if name in NAMES]
LEAST_FACE = 200  # fewer pixels of a face count as none


class Ours:
    """A model file as a teacher."""

    def __init__(self, path):
        self.model, self.meta = reference.load(path)
        if self.model.arch.classes not in (19, 20):
            raise ValueError(f"{path}: {self.model.arch.classes} classes, not the 19 or 20 that are taught")

    @torch.no_grad()
    def probabilities(self, rgb):
        """At the input's size; so the picture is a square."""
        x = reference.preprocess(rgb, self.meta)
        return reference.up(self.model(x), x.shape[2:])[0].softmax(0).numpy()


def teacher(path, weights):
    """The teacher at a path."""
    if not path.endswith(".py"):
        return Ours(path)
    spec = importlib.util.spec_from_file_location("teacher_code", path)
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    if not hasattr(code, "Teacher"):
        raise ValueError(f"{path}: has no class Teacher")
    return code.Teacher(weights)


def head_square(labels):
    """(left, top, side) of a square around the head, located by hair and hat; the whole picture if there is neither."""
    height, width = labels.shape
    y, x = np.nonzero((labels == HAIR) | (labels == HAT))
    if len(x) < 30:
        return (width - min(width, height)) // 2, 0, min(width, height)
    top, low = np.percentile(y, (1, 99))
    near = y < top + 0.5 * (low - top) + 8
    left, right = np.percentile(x[near], (3, 97))
    person = np.nonzero((labels != 0).any(1))[0]
    tallest = 0.22 * (person[-1] - person[0]) if height > 1.2 * width else height
    head = min(max(1.25 * (right - left), 24), max(tallest, 24))
    side = int(CROP * head)
    return int((left + right) / 2 - side / 2), int(top + 0.6 * head - side / 2), side


def asked(knows, rgb, square):
    """The classes of which the teacher is confident (IGNORE elsewhere), in a square of a picture, at the square's size."""
    left, top, side = square
    crop = rgb.crop((left, top, left + side, top + side)).resize((448, 448), Image.BICUBIC)
    probabilities = torch.from_numpy(np.ascontiguousarray(knows.probabilities(np.asarray(crop))))[None]
    probabilities = torch.nn.functional.interpolate(probabilities, (side, side), mode="bilinear", align_corners=False)[0].numpy()
    found = probabilities.argmax(0).astype(np.uint8)
    found[probabilities.max(0) < SURE] = partial.IGNORE
    return found


def taught(labels, found, square, allows):
    """The labels with the teacher's classes where they allow them; hair that it labels as skin may be a beard."""
    left, top, side = square
    height, width = labels.shape
    whole = np.full(labels.shape, partial.IGNORE, np.uint8)
    y0, x0, y1, x1 = max(top, 0), max(left, 0), min(top + side, height), min(left + side, width)
    if y1 <= y0 or x1 <= x0:
        return labels
    whole[y0:y1, x0:x1] = found[y0 - top:y1 - top, x0 - left:x1 - left]
    if np.isin(whole, FACE).sum() < LEAST_FACE * (side / 448) ** 2:
        return labels  # a head from behind
    fits = (whole != partial.IGNORE) & (whole != 0) & allows[labels, whole.clip(0, CLASSES - 1)]
    result = np.where(fits, whole, labels)
    result[(labels == HAIR) & np.isin(whole, (SKIN, NECK))] = HAIR_OR_SKIN
    return below(result)


def below(labels):
    """Make bare skin more than a face's height below the chin a body's."""
    rows = np.nonzero(np.isin(labels, FACE).sum(1) > 2)[0]
    if len(rows):
        chin = rows[-1] + (rows[-1] - rows[0])
        part = labels[chin:]
        part[part == BARE] = BODY
    return labels


def pictures(path):
    """(name, RGB, labels) of a set's training and validation pictures, and of those without truth."""
    for split in ("train", "val"):
        yield from datasets.mapped(datasets.read(path, split), CLASSES)
    for name, rgb in datasets.unlabelled(path):
        yield name, rgb, Image.new("L", rgb.size, partial.IGNORE)


def teach(knows, path, out):
    """Write the taught set; returns the number of its pictures."""
    for folder in ("images", "codes"):
        os.makedirs(os.path.join(out, folder), exist_ok=True)
    allows, count = partial.allowed(CLASSES), 0
    for name, rgb, labels in pictures(path):
        target = os.path.join(out, "codes", f"{name}.png")
        if not os.path.exists(target):
            truth = np.array(labels)
            square = head_square(truth)
            truth = taught(truth, asked(knows, rgb, square), square, allows)
            rgb.save(os.path.join(out, "images", f"{name}.png"), compress_level=1)
            Image.fromarray(truth).save(target + ".new", "PNG")
            os.replace(target + ".new", target)
        count += 1
        if sys.stderr.isatty() or count % 100 == 0:
            print(f"\r{count} pictures", end="", file=sys.stderr, flush=True)
    return count


def main():
    parser = argparse.ArgumentParser(description="Teach a data set the parts of faces.")
    parser.add_argument("teacher", help="model file, or Python file with a class Teacher")
    parser.add_argument("--weights", help="for a Python file's Teacher")
    parser.add_argument("--data", required=True, help="a data set as datasets.py reads it")
    parser.add_argument("--out", required=True, metavar="DIR")
    args = parser.parse_args()
    try:
        count = teach(teacher(args.teacher, args.weights), args.data, args.out)
    except (OSError, KeyError, ValueError, safetensors.Malformed, datasets.Refused) as error:
        sys.exit(f"{parser.prog}: {error}")
    print(f"{args.out}: {count} pictures")


if __name__ == "__main__":
    main()

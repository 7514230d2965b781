#!/usr/bin/python3
"""Fail if a validation picture is also, or nearly, a training picture of any of the sets.

    leaks.py PATH...

Pictures are compared by the hash of a thumbnail (9 x 8 grey, brighter than its neighbour or not: 64 bits); two that differ in at
most 3 bits count as the same. This finds rescaled or recompressed pictures, but not another picture of the same person: sets whose
file names contain the person's name are split by that name (datasets.held_out).
"""
import argparse
import sys

import numpy as np
from PIL import Image

import datasets

ALIKE = 3  # bits
FLAT = 8  # a smaller range of grey values makes a thumbnail meaningless


def thumbnail_hash(rgb):
    """64 bits as a uint8 array; None for a uniform picture."""
    grey = np.asarray(rgb.convert("L").resize((9, 8), Image.BOX), int)
    if np.ptp(grey) < FLAT:
        return None
    return np.packbits(grey[:, 1:] > grey[:, :-1])


def hashes(paths, split):
    """([set and name], their hashes) for that split of all sets."""
    names, found = [], []
    for path in paths:
        for name, rgb, _ in datasets.read(path, split):
            bits = thumbnail_hash(rgb)
            if bits is not None:
                names.append(f"{path}: {name}")
                found.append(bits)
    return names, np.array(found, np.uint8).reshape(-1, 8)


def leaks(paths):
    """(validation picture, training picture) that are alike."""
    names, held_out = hashes(paths, "val")
    others, trained = hashes(paths, "train")
    pairs = []
    for name, bits in zip(names, held_out):
        distance = np.unpackbits(trained ^ bits, axis=1).sum(1)
        pairs += [(name, others[i]) for i in np.flatnonzero(distance <= ALIKE)]
    return pairs


def main():
    parser = argparse.ArgumentParser(description="Fail if validation pictures are also training pictures.")
    parser.add_argument("paths", nargs="+", metavar="PATH")
    args = parser.parse_args()
    try:
        pairs = leaks(args.paths)
    except datasets.Refused as refusal:
        sys.exit(f"leaks.py: {refusal}")
    for pair in pairs:
        print(" is ".join(pair))
    sys.exit(f"leaks.py: {len(pairs)} validation pictures are training pictures" if pairs else 0)


if __name__ == "__main__":
    main()

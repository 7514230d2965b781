#!/usr/bin/python3
"""Soft labels for pictures that have none, from a network that knows better; train.py --soft learns from them.

    teacher.py MODEL.safetensors --data PATH --out SOFT.npz
    teacher.py CODE.py --weights FILE --data PATH --out SOFT.npz

A teacher is a larger model file of ours, or a Python file with a class Teacher(weights) whose probabilities(rgb) are
classes x height x width, in our order, for an RGB array. For each picture in the data set's unlabelled/ three maps are kept:
the likeliest class, the next one, and the first one's share of the two, 255 being all.
"""
import argparse
import importlib.util
import sys

import numpy as np
import torch

import datasets
import reference
import safetensors

SIDE = 512


class Ours:
    """A model file as a teacher."""

    def __init__(self, path):
        self.model, self.meta = reference.load(path)

    @torch.no_grad()
    def probabilities(self, rgb):
        """At the input's size; so the picture is a square."""
        x = reference.preprocess(rgb, self.meta)
        return reference.up(self.model(x), x.shape[2:])[0].softmax(0).numpy()


def teacher(path, weights):
    """The teacher that a path is of."""
    if not path.endswith(".py"):
        return Ours(path)
    spec = importlib.util.spec_from_file_location("teacher_code", path)
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code.Teacher(weights)


def soft(probabilities):
    """uint8 3 x height x width: class, second class, share."""
    order = np.argsort(probabilities, 0)[::-1][:2]
    first, second = np.take_along_axis(probabilities, order, 0)
    return np.stack([*order, np.round(255 * first / (first + second))]).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description="Soft labels for pictures that have none.")
    parser.add_argument("teacher", help="model file, or Python file with a class Teacher")
    parser.add_argument("--weights", help="for a Python file's Teacher")
    parser.add_argument("--data", required=True, help="a data set with unlabelled pictures")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    try:
        knows = teacher(args.teacher, args.weights)
        found = {}
        for name, rgb in datasets.unlabelled(args.data):
            square = rgb.resize((SIDE, SIDE))
            probabilities = knows.probabilities(np.asarray(square))
            found[f"maps/{name}"] = soft(probabilities)
            if sys.stderr.isatty():
                print(f"\r{len(found)} pictures", end="", file=sys.stderr, flush=True)
        if not found:
            raise datasets.Refused(f"{args.data}: nothing in unlabelled/")
        np.savez_compressed(args.out, classes=len(probabilities), **found)
    except (OSError, KeyError, ValueError, safetensors.Malformed, datasets.Refused) as error:
        sys.exit(f"{parser.prog}: {error}")
    print(f"{args.out}: soft labels of {len(found)} pictures")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Scores of a model file in PyTorch: the independent reference for `visagectl eval`.

    evaluate.py MODEL.safetensors --data PATH [--split val] [--shrink 0.4]

--shrink puts each picture on a grey frame, as small as a face in a camera's picture. If model and set have different
classes, those of the 11-class sets are scored.
"""
import argparse
import sys

import numpy as np
from PIL import Image

import arches
import datasets
import metrics
import reference
import safetensors


def shrunk(pictures, scale):
    """Each picture in the middle of a grey frame 1 / scale times as large."""
    for name, rgb, labels in pictures:
        size = tuple(round(length / scale) for length in rgb.size)
        corner = tuple((outer - inner) // 2 for outer, inner in zip(size, rgb.size))
        frame, truth = Image.new("RGB", size, (118, 118, 118)), Image.new("L", size, 0)
        frame.paste(rgb, corner)
        truth.paste(labels, corner)
        yield name, frame, truth


def main():
    parser = argparse.ArgumentParser(description="Scores of a model file in PyTorch.")
    parser.add_argument("model")
    parser.add_argument("--data", required=True, help="a data set as datasets.py reads it")
    parser.add_argument("--split", choices=datasets.SPLITS, default="val")
    parser.add_argument("--shrink", type=float, default=1.0)
    args = parser.parse_args()
    try:
        model, meta = reference.load(args.model)
        pictures = datasets.read(args.data, args.split)
        if pictures.classes == datasets.PEOPLE:
            raise datasets.Refused(f"{args.data}: has no parts of faces: nothing to compare with")
        shape = pictures.classes, model.arch.classes
        known = datasets.mapped(pictures, pictures.classes)
        matrix = metrics.confusion(model, meta, shape, known if args.shrink == 1 else shrunk(known, args.shrink))
        if matrix.shape[0] != matrix.shape[1]:
            matrix = metrics.eleven(matrix)
    except (OSError, KeyError, ValueError, RuntimeError, safetensors.Malformed, datasets.Refused) as error:
        sys.exit(f"{parser.prog}: {error}")
    classes = len(matrix)
    for name, value, overlap in zip(arches.LABELS[classes], metrics.f1(matrix), metrics.iou(matrix)):
        print(f"{name:12} {value:.4f} {overlap:.4f}")
    print(f"mean F1      {metrics.mean_f1(matrix):.4f}")
    print(f"mIoU         {np.nanmean(metrics.iou(matrix)):.4f}")
    if classes == 19:
        matrix = metrics.eleven(matrix)
        print(f"11 classes   {metrics.mean_f1(matrix):.4f}")
    print(f"Helen        {metrics.helen_overall(matrix):.4f}")


if __name__ == "__main__":
    main()

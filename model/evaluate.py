#!/usr/bin/python3
"""F1 of a model file on the held-out pictures.

    evaluate.py MODEL.safetensors --data TAR

Per class, from the confusion matrix summed over all pictures at their own size: 2 * intersection / (predicted + truth).
The mean leaves the background out; the second mean is over the ten classes that the 11-class sets have.
"""
import argparse

import numpy as np

import data
import reference

ELEVEN = ("skin", "left brow", "right brow", "left eye", "right eye", "nose", "upper lip", "mouth", "lower lip", "hair")


def confusion(model, meta, pictures):
    """classes x classes: truth down, prediction across."""
    total = np.zeros((data.CLASSES, data.CLASSES), np.int64)
    for _, rgb, truth in pictures:
        found = reference.labels(model, reference.preprocess(np.asarray(rgb), meta))[0].numpy()
        truth = np.asarray(truth)
        found = reference.labels_to_source(found, truth.shape[1], truth.shape[0])
        known = truth != data.IGNORE
        pair = truth[known].astype(np.int64) * data.CLASSES + found[known]
        total += np.bincount(pair, minlength=data.CLASSES ** 2).reshape(total.shape)
    return total


def main():
    parser = argparse.ArgumentParser(description="F1 of a model file on the held-out pictures.")
    parser.add_argument("model")
    parser.add_argument("--data", required=True, help="tar with images/ and masks/")
    args = parser.parse_args()
    model, meta = reference.load(args.model)
    matrix = confusion(model, meta, data.pairs(args.data, data.held_out))
    f1 = dict(zip(data.NAMES, 2 * matrix.diagonal() / np.maximum(matrix.sum(0) + matrix.sum(1), 1)))
    for name, value in f1.items():
        print(f"{name:12} {value:.3f}")
    print(f"mean of {len(f1) - 1} without background: {np.mean(list(f1.values())[1:]):.3f}")
    print(f"mean of the {len(ELEVEN)} of the 11-class sets: {np.mean([f1[name] for name in ELEVEN]):.3f}")


if __name__ == "__main__":
    main()

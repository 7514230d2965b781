"""The field's scores, from one confusion matrix over a whole set: truth down, predictions across."""
import numpy as np

import datasets
import reference

HELEN = ((2, 3), (4, 5), (6,), (7, 8, 9))  # brows, eyes, nose and mouth of the 11: one class of Helen's "overall"


def count(truth, found, shape):
    """The matrix of one picture; truth that is not a class does not count."""
    known = truth < shape[0]
    pairs = truth[known].astype(np.int64) * shape[1] + found[known]
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def confusion(network, meta, shape, pictures):
    """Run a network over (name, RGB picture, label picture)s; compared at the pictures' own size. shape: how many classes
    the truth has, and the network. If one of them has a class more than the other's 19 (body), that is background."""
    turns = [np.arange(256, dtype=np.uint8)] * 2
    if set(shape) == {19, 20}:
        turns, shape = [datasets.mapping(classes, 19) for classes in shape], (19, 19)
    matrix = np.zeros(shape, np.int64)
    for _, rgb, truth in pictures:
        found = reference.parse(network, meta, np.asarray(rgb))
        matrix += count(turns[0][np.asarray(truth)], turns[1][found], shape)
    return matrix


def f1(matrix):
    """Per class 2 * intersection / (predicted + truth); NaN if both are empty."""
    with np.errstate(invalid="ignore"):
        return 2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))


def iou(matrix):
    """Per class intersection / union; NaN if both are empty."""
    with np.errstate(invalid="ignore"):
        return matrix.diagonal() / (matrix.sum(0) + matrix.sum(1) - matrix.diagonal())


def mean_f1(matrix):
    """The mean over the foreground classes."""
    return float(np.nanmean(f1(matrix)[1:]))


def eleven(matrix):
    """The matrix of the 11-class sets. They label what is behind glasses, so true glasses do not count there, and falsely
    predicted glasses are as wrong as background."""
    truths, found = (datasets.mapping(classes, 11)[:classes] for classes in matrix.shape)
    merged = np.zeros((11, 11), matrix.dtype)
    for truth, row in zip(truths, matrix):
        if truth != datasets.IGNORE:
            np.add.at(merged[truth], np.where(found == datasets.IGNORE, 0, found), row)
    return merged


def helen_overall(matrix):
    """F1 of the inner face as one class, from an 11-class matrix."""
    inner = np.zeros(len(matrix), bool)
    inner[np.concatenate(HELEN)] = True
    both = matrix[np.ix_(inner, inner)].sum()
    return float(2 * both / (matrix[inner].sum() + matrix[:, inner].sum()))

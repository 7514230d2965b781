"""The field's scores, from one confusion matrix over a whole set: truth down, predictions across."""
import numpy as np

import datasets
import reference

HELEN = ((2, 3), (4, 5), (6,), (7, 8, 9))  # brows, eyes, nose and mouth of the 11: one class of Helen's "overall"


def confusion(network, meta, classes, pictures):
    """Run a network over (name, RGB picture, label picture)s; compared at the pictures' own size."""
    matrix = np.zeros(classes ** 2, np.int64)
    for _, rgb, truth in pictures:
        truth = np.asarray(truth)
        found = reference.labels(network, reference.preprocess(np.asarray(rgb), meta))[0].numpy()
        found = reference.labels_to_source(found, truth.shape[1], truth.shape[0])
        known = truth != datasets.IGNORE
        matrix += np.bincount(truth[known].astype(np.int64) * classes + found[known], minlength=classes ** 2)
    return matrix.reshape(classes, classes)


def f1(matrix):
    """Per class 2 * intersection / (predicted + truth); NaN where there's neither."""
    with np.errstate(invalid="ignore"):
        return 2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))


def iou(matrix):
    """Per class intersection / union; NaN where there's neither."""
    with np.errstate(invalid="ignore"):
        return matrix.diagonal() / (matrix.sum(0) + matrix.sum(1) - matrix.diagonal())


def mean_f1(matrix):
    """Of the foreground's classes."""
    return float(np.nanmean(f1(matrix)[1:]))


def eleven(matrix):
    """The matrix of the 11-class sets. They label what is behind glasses: a truth of glasses doesn't count there, and
    glasses where there are none are as wrong as background."""
    table = datasets.mapping(len(matrix), 11)
    merged = np.zeros((11, 11), matrix.dtype)
    for truth, row in zip(table, matrix):
        if truth != datasets.IGNORE:
            np.add.at(merged[truth], np.where(table[:len(row)] == datasets.IGNORE, 0, table[:len(row)]), row)
    return merged


def helen_overall(matrix):
    """F1 of the inner face as one class, of an 11-class matrix."""
    inner = np.zeros(len(matrix), bool)
    inner[np.concatenate(HELEN)] = True
    both = matrix[np.ix_(inner, inner)].sum()
    return float(2 * both / (matrix[inner].sum() + matrix[:, inner].sum()))

"""Partial labels: what a pixel may be, where a data set doesn't know it exactly.

A label is a class (0 to the number of classes - 1), the code of a set of classes, or IGNORE. Sets differ in what they
know: one has hair and person, another clothes but no faces. The marginal loss (Shi et al., "Marginal loss and exclusion
loss for partially supervised multi-organ segmentation", Medical Image Analysis 2021) charges a pixel for the summed
probability of the classes that its label allows, so that ignorance is never trained as knowledge.
"""
import numpy as np

import arches

IGNORE = 255
FIRST = 100  # code of the first set

FACE = ("skin", "nose", "left eye", "right eye", "left brow", "right brow", "mouth", "inner mouth", "upper lip", "lower lip")
EARS = ("left ear", "right ear")
WORN = ("eyeglasses", "hat", "earring", "necklace", "cloth")

SETS = {
    "background or body": ("background", "body"),
    "hair or skin": ("hair", "skin"),
    "bare skin": (*FACE, *EARS, "neck", "body"),
    "person without hair": (*FACE, *EARS, *WORN, "neck", "body"),
    "person": (*FACE, *EARS, *WORN, "hair", "neck", "body"),
    "beside an 11-class face": ("background", *EARS, "hat", "earring", "necklace", "neck", "cloth", "body"),
}
OUTSIDE = (*EARS, "hat", "earring", "necklace", "neck", "cloth", "body")  # background to classes that have no such
CODES = {name: FIRST + i for i, name in enumerate(SETS)}


def allowed(classes):
    """bool 256 x classes: what each label allows; IGNORE, and a set that the classes have nothing of, allow everything. What a
    set has and the classes call background is background."""
    names = list(arches.LABELS[classes])
    table = np.ones((256, classes), bool)
    table[:classes] = np.eye(classes, dtype=bool)
    for name, code in CODES.items():
        row = np.isin(names, SETS[name])
        row[0] |= any(part in OUTSIDE and part not in names for part in SETS[name])
        if row.any():
            table[code] = row
    return table

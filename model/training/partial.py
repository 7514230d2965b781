"""Partial labels: the classes that a pixel may belong to if a data set does not label it exactly.

A label is a class (0 to the number of classes - 1), the code of a set of classes, or IGNORE. Sets differ in what they
label: one has hair and person, another clothes but no faces. The marginal loss (Shi et al., "Marginal loss and exclusion
loss for partially supervised multi-organ segmentation", Medical Image Analysis 2021) uses the summed probability of
the classes that a pixel's label allows, so that missing labels are never trained as knowledge.
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
    """bool 256 x classes: the classes that each label allows. IGNORE, and sets that contain none of the classes, allow everything.
    Members of a set that the classes count as background are background."""
    names = list(arches.LABELS[classes])
    table = np.ones((256, classes), bool)
    table[:classes] = np.eye(classes, dtype=bool)
    for name, code in CODES.items():
        row = np.isin(names, SETS[name])
        row[0] |= any(part in OUTSIDE and part not in names for part in SETS[name])
        if row.any():
            table[code] = row
    return table

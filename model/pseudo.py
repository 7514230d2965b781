"""Labels for the pictures without: a teacher's, where it is sure, computed once and kept in a file."""
import importlib.util
import io
import os

import numpy as np
from PIL import Image

import data

SURE = 0.7
SIDE = 448


def portraits(tar, teacher_code, teacher_weights, cache):
    """The unlabelled pictures, prepared; a pixel of which the teacher isn't sure is to be ignored."""
    pictures = {name: Image.open(io.BytesIO(bytes_)).convert("RGB")
                for name, kind, bytes_ in data.members(tar) if kind == "unlabelled"}
    if not os.path.exists(cache):
        teacher = _load(teacher_code).Teacher(teacher_weights)
        np.savez_compressed(cache, **{name: _label(teacher, rgb) for name, rgb in pictures.items()})
    with np.load(cache) as labels:
        return [data.prepare(rgb, Image.fromarray(labels[name])) for name, rgb in pictures.items()]


def _load(path):
    spec = importlib.util.spec_from_file_location("teacher", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _label(teacher, rgb):
    probabilities = teacher.probabilities(np.asarray(rgb.resize((SIDE, SIDE), Image.BOX)))
    return np.where(probabilities.max(0) >= SURE, probabilities.argmax(0), data.IGNORE).astype(np.uint8)

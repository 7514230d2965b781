"""Read the named tensors of a PyTorch checkpoint without executing code in it.

A checkpoint is a pickle, which can call anything. torch.load's weights_only (of 1.13) knows no floats, and a checkpoint
often holds a learning rate or a score beside the weights; its pickle_module is ignored (also of 1.13). So the two readers
under it are used, for zip files and for what came before them, with an unpickler that knows the few functions that make up
tensors; whatever else a file names becomes an inert object.
"""
import collections
import pickle
import types

import torch
from torch import serialization

KNOWN = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch", "Size"): torch.Size,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
}


class Refused(Exception):
    """The reason why no model file is made, in one line."""


class Inert:
    """Placeholder for an object of an unknown class, or the result of an unknown function."""

    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __init__(self, *_, **__):
        pass

    def __setstate__(self, _):
        pass


class Unpickler(pickle.Unpickler):
    """torch's readers derive from this class and add the storages."""

    def find_class(self, module, name):
        return KNOWN.get((module, name), Inert)


PICKLE = types.SimpleNamespace(__name__="inert", Unpickler=Unpickler, load=lambda file, **how: Unpickler(file, **how).load())


def _read(path):
    how = {"map_location": "cpu", "pickle_module": PICKLE, "encoding": "utf-8"}
    with open(path, "rb") as file:
        if not serialization._is_zipfile(file):
            return serialization._legacy_load(file, **how)
        with serialization._open_zipfile_reader(file) as archive:
            return serialization._load(archive, **how)


def described(entry):
    """The description that train.py wrote into a checkpoint; anything else under that name is foreign and left out."""
    if not isinstance(entry, dict):
        return {}
    side = entry.get("input")
    good = isinstance(side, list) and len(side) == 2 and all(isinstance(v, int) and 33 <= v <= 2048 for v in side)
    texts = {key: entry[key] for key in ("name", "channels", "license", "provenance") if isinstance(entry.get(key), str)}
    return {**texts, "input": side} if good else texts


def load(path):
    """Return (tensors by name, the checkpoint's description of itself) of a .pth file."""
    try:
        file = _read(path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    except Exception as error:  # the readers let any exception of their parts through
        raise Refused(f"{path}: not a PyTorch checkpoint ({' '.join(str(error).split())[:100]})") from error
    state = file.get("state_dict", file) if isinstance(file, dict) else None
    description = described(file.get("description")) if isinstance(file, dict) else {}
    if not isinstance(state, dict) or not state or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise Refused(f"{path}: a PyTorch file, but not of named tensors")
    return strip(state), description


def strip(state):
    """Remove the prefix of data-parallel training, the edge branch (not used at inference) and the counters."""
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return {name: tensor for name, tensor in state.items()
            if not name.startswith("edge_layer.") and not name.endswith(".num_batches_tracked")}

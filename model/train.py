#!/usr/bin/python3
"""Train DML-CSR: decoupled multi-task learning, then cyclical self-regulation (paper sections 3.3 and 3.4).

    train.py --data PATH... --out CHECKPOINT (--minutes M | --epochs N) [options]
    torchrun --nproc_per_node N train.py ...        the same on several GPUs

A run that is stopped, by ctrl-C or in any other way, goes on from its checkpoint when the same command is given again. The
checkpoint has the official names, so convert.py makes a model file of it; CHECKPOINT.log has a line of JSON for every 20
steps and every score, of which curves.py makes a picture.
"""
import argparse
import math
import os
import signal
import sys
import zipfile
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

import arches
import checkpoint
import datasets
import frames
import processes
import reference
import safetensors
import schedule
from run import Run
from trainee import unfold

HELD_OUT = 100  # pictures to score with, at most
TERMS = "non-commercial research only"  # of all the public sets that datasets.py reads
CALIBRATION = 32  # frames
FIRST = "conv1.weight"  # what sees the picture


class Material(NamedTuple):
    """What a run learns from."""
    portraits: list
    scenes: list
    held_out: list
    weights: torch.Tensor
    side: int
    description: dict


def class_weights(portraits, classes):
    """Rare classes weigh more, by the square root of their rarity, within a factor of 4."""
    counts = torch.zeros(classes)
    for portrait in portraits:
        counts += torch.tensor(portrait.labels.histogram()[:classes])
    weights = (counts.median() / counts.clamp(min=1)).sqrt().clamp(0.5, 4)
    return weights / weights.mean()


def softly_labelled(path, data, classes, side):
    """Portraits of the pictures without truth, labelled by teacher.py."""
    try:
        with np.load(path) as soft:
            if soft["classes"] != classes:
                raise datasets.Refused(f"{path}: labels of {soft['classes']} classes, not of {classes}")
            found = [frames.prepare(side, rgb, *(Image.fromarray(map_) for map_ in soft[f"maps/{name}"]))
                     for root in data for name, rgb in datasets.unlabelled(root) if f"maps/{name}" in soft]
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise datasets.Refused(f"{path}: no labels that teacher.py made") from error
    if not found:
        raise datasets.Refused(f"{path}: labels of none of the pictures in unlabelled/")
    return found


def validation(data, classes):
    """Some of the held-out pictures, of the first set that has any."""
    for path in data:
        try:
            pictures = datasets.read(path, "val")
        except datasets.Refused as error:
            if processes.rank() == 0:
                print(f"no scores from {error}", flush=True)
            continue
        return [item for item, _ in zip(datasets.mapped(pictures, classes), range(HELD_OUT))]
    return []


def gather(args, arch, side, device):
    """All that the arguments name, as Material."""
    sets = [datasets.read(path, "train") for path in args.data]
    portraits = [frames.prepare(side, rgb, labels)
                 for pictures in sets for _, rgb, labels in datasets.mapped(pictures, arch.classes)]
    weights = class_weights(portraits, arch.classes).to(device)
    names = " and ".join(dict.fromkeys(pictures.layout for pictures in sets))
    provenance = f"trained by model/train.py of visaged on {len(portraits)} pictures ({names})"
    if args.soft:
        soft = softly_labelled(args.soft, args.data, arch.classes, side)
        portraits += soft
        provenance += f" and {len(soft)} that a teacher labelled"
    if args.start:
        provenance += f", from {os.path.basename(args.start)}"
    scenes = frames.scenes(args.scenes) if args.scenes else []
    description = {"name": args.variant, "channels": "RGB", "license": TERMS, "provenance": provenance,
                   "input": [side, side]}
    return Material(portraits, scenes, validation(args.data, arch.classes), weights, side, description)


def turn(tensors):
    """Exchange red and blue for the first convolution."""
    if FIRST in tensors:
        tensors[FIRST] = tensors[FIRST].flip(1)


def begin(run, path):
    """Start from a model file, or from what fits of a checkpoint of official names (a backbone's, say). The frames are red,
    green, blue; the authors' weights want them the other way round."""
    if path.endswith(".safetensors"):
        arrays, metadata = safetensors.read(path)
        tensors = {name: torch.from_numpy(array.astype(np.float32)).to(run.device) for name, array in arrays.items()}
        if metadata.get("channels") == '"BGR"':  # the metadata's values are JSON
            turn(tensors)
        frame = iter(frames.Frames(run.material.portraits, run.material.scenes, run.arch.classes, run.material.side,
                                   run.material.side, (run.seed, 0)))
        pictures = torch.stack([next(frame)[0] for _ in range(CALIBRATION)])
        try:
            unfold(run.model, tensors, run.to_device(pictures))
        except ValueError as error:
            raise checkpoint.Refused(f"{path}: {error}") from error
        return
    own = run.model.state_dict()
    tensors, description = checkpoint.load(path)
    if description.get("channels", "BGR" if any(name.startswith("context.") for name in tensors) else "RGB") == "BGR":
        turn(tensors)
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    if not fitting:
        raise checkpoint.Refused(f"{path}: none of its {len(tensors)} tensors fits this network")
    run.model.load_state_dict(fitting, strict=False)
    run.show(f"{len(fitting)} of {len(own)} tensors from {path}", True)


def arguments():
    parser = argparse.ArgumentParser(description="Train DML-CSR.")
    parser.add_argument("--data", required=True, nargs="+", help="data sets as datasets.py reads them")
    parser.add_argument("--out", required=True, help="checkpoint to write, and to go on from")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="of the whole run")
    budget.add_argument("--epochs", type=float, help="passes over as many frames as there are pictures")
    parser.add_argument("--variant", choices=arches.named(19), default="edge", help="network (edge)")
    parser.add_argument("--input", type=int, help="side of the square that pictures are brought to (the variant's usual)")
    parser.add_argument("--classes", type=int, choices=arches.LABELS, default=19, help="label set (19)")
    parser.add_argument("--method", choices=schedule.METHODS, default="csr", help="how much of the paper's (csr: all)")
    parser.add_argument("--from", dest="start", metavar="FILE", help="model file or checkpoint to begin with")
    parser.add_argument("--soft", metavar="NPZ", help="teacher.py's labels for pictures without truth")
    parser.add_argument("--scenes", metavar="DIR", help="pictures without faces, for backgrounds")
    parser.add_argument("--rate", type=float, default=3e-3, help="base learning rate (0.003)")
    parser.add_argument("--batch", type=int, default=0, help="pictures a step, over all processes (8; on a GPU 28)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.input is not None and not 64 <= args.input <= 1024:
        parser.error("--input must be from 64 to 1024")
    for name, value in (("--minutes", args.minutes), ("--epochs", args.epochs), ("--rate", args.rate)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            parser.error(f"{name} must be more than 0")
    for name, value in (("--batch", args.batch), ("--seed", args.seed)):
        if value < 0:
            parser.error(f"{name} must not be less than 0")
    return args


def train(args):
    """Returns whether the run is done."""
    device = processes.start()
    torch.manual_seed(args.seed)
    arch = arches.named(args.classes)[args.variant]
    side = args.input or arches.INPUTS[arch.block]
    material = gather(args, arch, side, device)
    plan = schedule.Schedule(args.method, args.rate, args.batch or (28 if device.type == "cuda" else 8), side, device.type)
    budget = {"seconds": 60 * args.minutes} if args.minutes else {"pictures": args.epochs * len(material.portraits)}
    run = Run(args.out, arch, plan, budget, material, args.seed, device)
    if not run.load() and args.start:
        begin(run, args.start)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(run, "stop", True))
    return run.all()


def main():
    args = arguments()
    try:
        done = train(args)
    except (OSError, checkpoint.Refused, datasets.Refused, safetensors.Malformed) as error:
        sys.exit(f"train.py: {error}")
    if processes.rank() == 0:
        print("done" if done else f"stopped; the same command goes on from {args.out}")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Train DML-CSR: decoupled multi-task learning, then cyclical self-regulation (paper sections 3.3 and 3.4).

    train.py --data PATH... --out CHECKPOINT (--minutes M | --epochs N) [options]
    torchrun --nproc_per_node N train.py ...        the same on several GPUs

A run that was stopped, by ctrl-C or in any other way, resumes from its checkpoint when the same command is given again. The
checkpoint has the official names, so convert.py can make a model file from it. CHECKPOINT.log has a line of JSON for every
20 steps and every score, which curves.py plots.
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
import people
import processes
import reference
import safetensors
import schedule
from backdrops import Backdrops
from run import Run
from trainee import load_encoder, unfold

LONGEST = 1.6  # of the pictures in memory, relative to the side of the input
HELD_OUT = 100  # pictures to score with, at most
TERMS = "non-commercial research only"  # of all the public sets that datasets.py reads
CALIBRATION = 32  # frames
FIRST = "conv1.weight"  # the layer that reads the picture


class Material(NamedTuple):
    """The training material. frames: (side, seed) -> frames.Frames; people: the number of pictures they are composed from."""
    frames: callable
    people: int
    held_out: list
    held_out_classes: int
    weights: torch.Tensor
    side: int
    description: dict


def class_weights(people, classes):
    """Class weights: rare classes get more, by the square root of their rarity, up to a factor of 4."""
    counts = torch.zeros(classes)
    for person in people:
        counts += torch.tensor(person.labels.histogram()[:classes])
    seen = counts > 0
    weights = (counts[seen].median() / counts.clamp(min=1)).sqrt().clamp(0.5, 2)
    weights[~seen] = 1
    return weights / weights.mean()


def validation(sets):
    """Some of the held-out pictures, from the first fully labelled set that has any; and its classes."""
    for path in sets:
        try:
            pictures = datasets.read(path, "val")
        except datasets.Refused as error:
            if processes.rank() == 0:
                print(f"no scores from {error}", flush=True)
            continue
        if pictures.complete:
            return [item for item, _ in zip(datasets.mapped(pictures, pictures.classes), range(HELD_OUT))], pictures.classes
    return [], 0


def crowd(pictures, names, side):
    """The people of a set, in the form in which they are kept in memory."""
    longest = LONGEST * side
    found = (people.prepare(longest, rgb, labels, names) for _, rgb, labels in datasets.mapped(pictures, names.classes))
    found = [person for person in found if person]
    if not found:
        raise datasets.Refused(f"{pictures.files.path}: nobody in any of its pictures")
    return people.Crowd(found, names, pictures.complete)


def shares(sets, crowds):
    """The share of each crowd: by the root of its size; fully labelled ones make up one half."""
    root = np.array([len(some.people) ** 0.5 for some in crowds])
    whole = np.array([pictures.complete for pictures in sets])
    for part in (whole, ~whole):
        root[part] /= max(root[part].sum(), 1)
    return root


def gather(args, arch, side, device):
    """Load everything that the arguments name, as Material."""
    sets = [datasets.read(path, "train") for path in args.data]
    rooms = [rgb for pictures in sets if pictures.empty for _, rgb, _ in pictures]
    sets = [pictures for pictures in sets if not pictures.empty]
    if not sets:
        raise datasets.Refused("nobody in any of the sets")
    names = people.Names.of(arch.classes)
    crowds = [crowd(pictures, names, side) for pictures in sets]
    everybody = [person for some in crowds for person in some.people]
    layouts = " and ".join(dict.fromkeys(pictures.layout for pictures in sets))
    provenance = f"trained by model/training/train.py of visaged on {len(everybody)} pictures ({layouts})"
    if args.start:
        provenance += f", from {os.path.basename(args.start)}"
    behind = Backdrops(rooms, scenes(args.scenes) if args.scenes else [])
    description = {"name": args.variant, "channels": "RGB", "license": TERMS, "provenance": provenance,
                   "input": [side, side]}
    return Material(lambda size, seed: frames.Frames(crowds, shares(sets, crowds), behind, arch.classes, size, seed),
                    len(everybody), *validation(args.data), class_weights(everybody, arch.classes).to(device), side, description)


def scenes(folder):
    """The pictures of a folder, none of which may show a person, for backgrounds."""
    return [Image.open(os.path.join(folder, name)).convert("RGB") for name in sorted(os.listdir(folder))]


def turn(tensors):
    """Exchange red and blue for the first convolution."""
    if FIRST in tensors:
        tensors[FIRST] = tensors[FIRST].flip(1)


def begin(run, path):
    """Start from a model file, an encoder's ImageNet weights, or the matching tensors of a checkpoint with official names (such as
    that of a backbone). The frames are red, green, blue; the authors' weights expect the opposite order."""
    if path.endswith(".safetensors"):
        arrays, metadata = safetensors.read(path)
        tensors = {name: torch.from_numpy(array.astype(np.float32)).to(run.device) for name, array in arrays.items()}
        if metadata.get("channels") == '"BGR"':  # the metadata's values are JSON
            turn(tensors)
        frame = iter(run.material.frames(run.material.side, (run.seed, 0)))
        pictures = torch.stack([next(frame)[0] for _ in range(CALIBRATION)])
        try:
            unfold(run.model, tensors, run.to_device(pictures))
        except ValueError as error:
            raise checkpoint.Refused(f"{path}: {error}") from error
        run.average.load_state_dict(run.model.state_dict())
        return
    if path.endswith(".npz"):
        try:
            count = load_encoder(run.model, path)
        except (ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
            raise checkpoint.Refused(f"{path}: no layers with their norms as load_encoder() of trainee.py has them") from error
        if not count:
            raise checkpoint.Refused(f"{path}: none of its layers fits this network")
        run.average.load_state_dict(run.model.state_dict())
        run.show(f"{count} layers from {path}", True)
        return
    own = run.model.state_dict()
    tensors, description = checkpoint.load(path)
    if description.get("channels", "BGR" if any(name.startswith("context.") for name in tensors) else "RGB") == "BGR":
        turn(tensors)
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    if not fitting:
        raise checkpoint.Refused(f"{path}: none of its {len(tensors)} tensors fits this network")
    run.model.load_state_dict(fitting, strict=False)
    run.average.load_state_dict(run.model.state_dict())
    run.show(f"{len(fitting)} of {len(own)} tensors from {path}", True)


def arguments():
    parser = argparse.ArgumentParser(description="Train DML-CSR.")
    parser.add_argument("--data", required=True, nargs="+", help="data sets as datasets.py reads them")
    parser.add_argument("--out", required=True, help="checkpoint to write, and to go on from")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="of the whole run")
    budget.add_argument("--epochs", type=float, help="passes over as many frames as there are pictures")
    parser.add_argument("--variant", choices={**arches.named(20), **arches.trials(20)}, default="edge", help="network (edge)")
    parser.add_argument("--input", type=int, help="side of the square that pictures are brought to (the variant's usual)")
    parser.add_argument("--classes", type=int, choices=arches.LABELS, default=20, help="label set (20)")
    parser.add_argument("--method", choices=schedule.METHODS, default="parsing", help="how much of the paper's (parsing; csr: all)")
    parser.add_argument("--from", dest="start", metavar="FILE", help="model file, checkpoint or encoder's .npz to begin with")
    parser.add_argument("--freeze", type=int, default=0, metavar="N",
                        help="keep the stem and the first N layers as --from has them (0: train all)")
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
    for name, value in (("--batch", args.batch), ("--seed", args.seed), ("--freeze", args.freeze)):
        if value < 0:
            parser.error(f"{name} must not be less than 0")
    return args


def train(args):
    """Returns whether the run is complete."""
    device = processes.start()
    torch.manual_seed(args.seed)
    arch = {**arches.named(args.classes), **arches.trials(args.classes)}[args.variant]
    side = args.input or arches.INPUTS[arch.block]
    material = gather(args, arch, side, device)
    if args.freeze >= len(arch.layers):
        raise checkpoint.Refused(f"--freeze {args.freeze}: {args.variant} has {len(arch.layers)} layers, and the last must learn")
    plan = schedule.Schedule(args.method, args.rate, args.batch or (28 if device.type == "cuda" else 8), side, device.type,
                             args.freeze)
    budget = {"seconds": 60 * args.minutes} if args.minutes else {"pictures": args.epochs * material.people}
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

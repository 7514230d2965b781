#!/usr/bin/python3
"""Train the default model: decoupled multi-task learning (paper section 3.3) of the edge variant, on a CPU.

    train.py --data TAR --out CHECKPOINT --minutes N [--scenes FOLDER]
             [--teacher teacher.py MODEL.tflite]

The schedule follows the clock, not a count of steps: cosine over --minutes, the window growing from 128 to 192. The
checkpoint is written every few minutes and training goes on from it if it exists; convert.py makes a model file of it.
"""
import argparse
import math
import os
import time

import torch
from torch import nn

import data
import losses
import pseudo
from arches import EDGE
from reference import DmlCsr, Layers, up

WINDOWS = ((0.0, 128, 8), (0.72, 192, 4))
EDGE_WIDTH = 64
RATE = 3e-3
DECAY = 0.02
SAVE_EVERY = 180
DESCRIPTION = {
    "name": "edge",
    "channels": "RGB",
    "license": "non-commercial research only (trained on CelebAMask-HQ)",
    "provenance": "trained from scratch by model/train.py of visaged on CelebAMask-HQ pictures: 848, one in ten held out, "
                  "and 200 that a BiSeNetV2 trained on CelebAMask-HQ labelled; backgrounds from scikit-image's pictures",
}


class EdgeBranch(nn.Module):
    """The decoupled edge tasks on layer1 to layer3 (paper section 3.1): they train the encoder and are then dropped."""

    def __init__(self, widths, classes):
        super().__init__()
        layers = Layers(folded=False)
        for i, width in enumerate(widths[:3]):
            setattr(self, f"conv{i + 1}", nn.Sequential(*layers.conv_abn(width, EDGE_WIDTH)))
        self.conv4 = layers.conv(EDGE_WIDTH, classes, 3, bias=True)
        self.conv5 = layers.conv(3 * classes, classes, bias=True)
        self.conv5_b = layers.conv(3 * classes, 2, bias=True)

    def forward(self, features):
        """Category logits and binary logits, at layer1's size."""
        size = features[0].shape[2:]
        maps = [self.conv4(conv(x)) for conv, x in zip((self.conv1, self.conv2, self.conv3), features)]
        maps = torch.cat([maps[0], up(maps[1], size), up(maps[2], size)], dim=1)
        return self.conv5(maps), self.conv5_b(maps)


class Trainee(DmlCsr):
    """The network with its edge branch."""

    def __init__(self, arch):
        super().__init__(arch)
        self.edge_layer = EdgeBranch(arch.widths, arch.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        features = self.features(x)
        return (self.parse(features), *self.edge_layer(features))


def class_weights(portraits):
    """Rare classes weigh more, by the square root of their rarity, within a factor of 4."""
    counts = torch.zeros(data.CLASSES)
    for _, labels in portraits:
        counts += torch.tensor(labels.histogram()[:data.CLASSES])
    weights = (counts.median() / counts.clamp(min=1)).sqrt().clamp(0.5, 4)
    return weights / weights.mean()


def half(labels):
    """Labels at half the size, taken where an align-corners upsample to that size has its pixels."""
    count = labels.shape[1] // 2
    index = torch.linspace(0, labels.shape[1] - 1, count).round().long()
    return labels[:, index][:, :, index].long()


def step(model, optimiser, batch, weights):
    """One step; the losses are at half the input's size, which a CPU affords. Returns their parts."""
    pictures, labels = batch
    labels = half(labels)
    outputs = [up(logits, labels.shape[1:]) for logits in model(pictures)]
    loss, parts = losses.total(*outputs, labels, weights)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 10)
    optimiser.step()
    return parts


class Run:
    """A training run that can be left and taken up again."""

    def __init__(self, path, minutes):
        self.path, self.seconds = path, 60 * minutes
        self.model = Trainee(EDGE).train()
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=RATE, weight_decay=DECAY)
        self.steps, self.elapsed = 0, 0.0
        if os.path.exists(path):
            state = torch.load(path)
            self.model.load_state_dict(state["state_dict"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.steps, self.elapsed = state["steps"], state["elapsed"]

    def save(self):
        """Replace the checkpoint. "state_dict" is laid out as the official one; "description" is for convert.py."""
        torch.save({"state_dict": self.model.state_dict(), "description": DESCRIPTION, "steps": self.steps,
                    "optimiser": self.optimiser.state_dict(), "elapsed": self.elapsed}, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    @property
    def progress(self):
        """From 0 to 1."""
        return min(1.0, self.elapsed / self.seconds)

    def set_rate(self):
        """Cosine to nothing, after a short rise."""
        rate = RATE * min(1, (self.steps + 1) / 150) * 0.5 * (1 + math.cos(math.pi * self.progress))
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def window(self, portraits, scenes, weights, until, size, batch):
        """Train on frames of one size until that part of the run is over."""
        frames = data.Frames(portraits, scenes, size, self.steps)
        loader = iter(torch.utils.data.DataLoader(frames, batch, num_workers=1, prefetch_factor=3))
        saved, last = self.elapsed, time.monotonic()
        while self.progress < until:
            self.set_rate()
            parts = step(self.model, self.optimiser, next(loader), weights)
            now = time.monotonic()
            self.elapsed, last, self.steps = self.elapsed + now - last, now, self.steps + 1
            if self.steps % 20 == 0:
                text = " ".join(f"{name} {value.item():.3f}" for name, value in parts.items())
                print(f"{self.elapsed / 60:.1f} min, step {self.steps}, window {size}: {text}", flush=True)
            if self.elapsed - saved > SAVE_EVERY:
                self.save()
                saved = self.elapsed
        self.save()

    def all(self, portraits, scenes, weights):
        """The windows that are still to come, smallest first."""
        ends = [start for start, _, _ in WINDOWS[1:]] + [1.0]
        for (_, size, batch), until in zip(WINDOWS, ends):
            if self.progress < until:
                self.window(portraits, scenes, weights, until, size, batch)


def main():
    parser = argparse.ArgumentParser(description="Train the default model.")
    parser.add_argument("--data", required=True, help="tar with images/, masks/ and unlabelled/")
    parser.add_argument("--out", required=True, help="checkpoint to write, and to go on from")
    parser.add_argument("--minutes", type=float, required=True, help="wall time of the whole run")
    parser.add_argument("--scenes", help="folder of pictures without faces, for backgrounds")
    parser.add_argument("--teacher", nargs=2, metavar=("PY", "TFLITE"), help="labels the unlabelled pictures")
    args = parser.parse_args()
    torch.manual_seed(0)
    portraits = [data.prepare(rgb, labels) for _, rgb, labels in data.pairs(args.data, lambda n: not data.held_out(n))]
    weights = class_weights(portraits)
    if args.teacher:
        portraits += pseudo.portraits(args.data, *args.teacher, args.out + ".pseudo.npz")
    scenes = data.scenes(args.scenes) if args.scenes else []
    Run(args.out, args.minutes).all(portraits, scenes, weights)


if __name__ == "__main__":
    main()

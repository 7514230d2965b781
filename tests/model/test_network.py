#!/usr/bin/python3
"""The whole network, as `visagectl parse` runs it, against model/training/reference.py: random weights, logits and labels.

Environment: VISAGECTL (the program), VISAGED_DRIVER (lavapipe, swiftshader), VISAGED_BACKEND (subgroup, tiled), VISAGED_VALIDATE
(one small network under the validation layers), VISAGED_LONG (more), VISAGED_ACCURACY (the JSON file that takes what is
measured; docs/ has a table made from it).
"""
import dataclasses
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import numpy as np
from PIL import Image

import drivers

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PYTHON = "/usr/bin/python3"
DRIVER = os.environ.get("VISAGED_DRIVER", drivers.LAVAPIPE)
BACKEND = os.environ.get("VISAGED_BACKEND", "subgroup")
VALIDATE = bool(os.environ.get("VISAGED_VALIDATE"))
LONG = bool(os.environ.get("VISAGED_LONG"))
TIMEOUT = 900

# fp32: the first is relative to the largest |logit|, the second to all pixels.
LOGITS_NEAR, LABELS_EQUAL, LABELS_EQUAL_HALF = 1e-4, 0.9999, 0.995


@dataclasses.dataclass
class Network:
    """A model file of random weights and a picture for it; the reference's result is kept until its last use."""
    variant: str
    classes: int
    height: int
    width: int
    picture: tuple = None  # width and height; None: those of the network
    stored: str = "fp32"
    fitted: tuple = None  # height and width of the input for this picture, if its shape is free
    folder: str = None
    uses: int = 0

    def title(self):
        picture = f", picture {self.picture[0]}x{self.picture[1]}" if self.picture else ""
        return f"{self.variant}, {self.classes} classes, {self.height}x{self.width}{picture}" \
            + (", stored as fp16" if self.stored != "fp32" else "")

    def make(self):
        if self.folder:
            return
        folder = tempfile.mkdtemp(prefix="visaged-network-")
        try:
            picture(*(self.picture or (self.width, self.height))).save(os.path.join(folder, "picture.png"))
            command([PYTHON, f"{ROOT}/model/training/convert.py", "--random", self.variant, "--seed", "7", "--classes", str(self.classes),
                     "--dtype", self.stored, "--input", f"{self.height}x{self.width}", f"{folder}/model.safetensors",
                     *(["--free-shape"] if self.fitted else [])])
            command([PYTHON, f"{ROOT}/model/training/reference.py", f"{folder}/model.safetensors", f"{folder}/picture.png",
                     "--logits", f"{folder}/reference.npy"])
        except BaseException:
            shutil.rmtree(folder)
            raise
        self.folder = folder

    def used(self):
        self.uses -= 1
        if self.uses == 0 and self.folder:
            shutil.rmtree(self.folder)
            self.folder = None


def command(words, env=None, status=0):
    """Runs it; returns what it printed on stdout and stderr."""
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=TIMEOUT)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(words)}\nended with status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def picture(width, height):
    """The program's portrait, cropped to the given shape."""
    with Image.open(f"{ROOT}/daemon/portrait.jpg") as portrait:
        w, h = portrait.size
        scale = min(w / width, h / height)
        box = ((w - scale * width) / 2, (h - scale * height) / 2, (w + scale * width) / 2, (h + scale * height) / 2)
        return portrait.convert("RGB").resize((width, height), Image.BICUBIC, box)


def same(a, b):
    return float((a == b).mean())


def ties(logits, near):
    """Where the two largest differ by less than both may be wrong: either is right."""
    second, first = np.partition(logits, -2, axis=0)[-2:]
    return first - second < 2 * near


class NetworkTest(unittest.TestCase):
    def __init__(self, network, precision):
        super().__init__("compare")
        self.network, self.precision = network, precision
        self.title = f"{network.title()}, {precision}, {DRIVER} {BACKEND}"
        self.note = ""
        network.uses += 1

    def id(self):
        return self.title

    def tearDown(self):
        self.network.used()

    def parse(self):
        """Logits, labels and what visagectl printed."""
        folder = tempfile.mkdtemp(dir=self.network.folder)
        try:
            env = drivers.environment(DRIVER, VALIDATE)
        except drivers.Missing as e:
            self.skipTest(str(e))
        out, errors = command([os.environ["VISAGECTL"], "parse", "--model", f"{self.network.folder}/model.safetensors", "--json",
                               "--backend", BACKEND, "--logits", f"{folder}/logits.npy", f"--{self.precision}",
                               f"{self.network.folder}/picture.png", "-o", folder], env)
        if VALIDATE:
            self.assertNotIn("validation:", errors)
        return (np.load(f"{folder}/logits.npy"), np.array(Image.open(f"{folder}/picture.labels.png")), json.loads(out.splitlines()[-1]))

    def compare(self):
        network = self.network
        network.make()
        want = np.load(f"{network.folder}/reference.npy").astype(np.float64)
        want = want.reshape(want.shape[-3:])
        start = time.monotonic()
        got, labels, line = self.parse()
        seconds = time.monotonic() - start
        got = got.astype(np.float64)
        self.assertEqual(got.shape, (network.classes, *(network.fitted or (network.height, network.width))))
        self.assertEqual(got.shape, want.shape)
        self.assertTrue(np.isfinite(got).all(), "logits are not finite")
        largest = np.abs(want).max()
        self.assertGreater(largest, 1e-6, "the reference's logits are all zero: this compares nothing")
        distance = np.abs(got - want).max() / largest
        equal = (ties(want, LOGITS_NEAR * largest) | (got.argmax(0) == want.argmax(0))).mean()
        seen = len(np.unique(want.argmax(0)))
        self.note = f"max |d| {distance:.2e} of the largest |logit|, labels equal {100 * equal:.4f} %, {seen} classes seen, " \
                    f"{line.get('ms', 0):.0f} ms, {seconds:.1f} s in all"
        report({"network": network.variant, "classes": network.classes, "height": network.height, "width": network.width,
                "stored": network.stored, "picture": list(network.picture or (network.width, network.height)),
                "driver": DRIVER, "device": line.get("device"), "backend": BACKEND, "precision": self.precision,
                "max_error": distance, "labels_equal": equal, "classes_seen": seen, "ms": line.get("ms")})
        if self.precision == "fp32":
            self.assertLessEqual(distance, LOGITS_NEAR, self.note)
        self.assertGreaterEqual(equal, LABELS_EQUAL if self.precision == "fp32" else LABELS_EQUAL_HALF, self.note)
        # The labels are those of the logits, mapped back to the picture.
        width, height = network.picture or (network.width, network.height)
        self.assertEqual(labels.shape, (height, width))
        if not network.picture:
            self.assertGreaterEqual(same(labels, got.argmax(0)), LABELS_EQUAL, "labels.png is not the argmax of the logits")


def report(entry):
    path = os.environ.get("VISAGED_ACCURACY")
    if not path or VALIDATE:
        return
    key = ("network", "classes", "height", "width", "stored", "picture", "driver", "backend", "precision")
    entries = []
    if os.path.exists(path):
        with open(path) as file:
            entries = json.load(file)
    entries = [e for e in entries if any(e.get(k) != entry[k] for k in key)] + [entry]
    entries.sort(key=lambda e: [str(e.get(k)) for k in key])
    with open(path + ".new", "w") as file:
        json.dump(entries, file, indent=1)
    os.replace(path + ".new", path)


def plan():
    """(network, precisions) for this driver and back-end."""
    if VALIDATE:
        return [(Network("edge", 20, 65, 97), ["fp32", "fp16"]), (Network("small18", 11, 65, 97), ["fp32", "fp16"])]
    both = ["fp32", "fp16"]
    if DRIVER == drivers.LAVAPIPE and BACKEND == "subgroup":
        result = [(Network("resnet101", 19, 473, 473), both if LONG else ["fp32"]),
                  (Network("resnet101", 11, 201, 137), ["fp32"]),
                  (Network("resnet50", 19, 128, 128), ["fp32"]),
                  (Network("resnet18", 11, 473, 473, (640, 480)), both),
                  (Network("resnet18", 19, 137, 201, (131, 97)), ["fp32"]),
                  (Network("resnet18", 11, 128, 128, stored="fp16"), ["fp32"]),
                  (Network("small18", 19, 256, 256), both),
                  (Network("small18", 2, 33, 33), ["fp32"]),
                  (Network("small18", 11, 35, 250, (500, 70)), both),
                  (Network("edge", 20, 256, 256), both),
                  (Network("edge", 2, 33, 33), ["fp32"]),
                  (Network("edge", 11, 35, 250, (500, 70)), both),
                  (Network("edge", 20, 128, 128, (160, 90), fitted=(96, 160)), ["fp32"])]
        if LONG:
            result += [(Network("resnet101", 19, 256, 256, (320, 240)), both), (Network("resnet18", 19, 256, 256), ["fp32"]),
                       (Network("resnet101", 11, 473, 473), ["fp32"]), (Network("resnet50", 19, 256, 256), ["fp32"]),
                       (Network("resnet50", 19, 473, 473), both), (Network("resnet101", 19, 512, 320), ["fp32"])]
        return result
    result = [(Network("small18", 19, 96, 96), both),
              (Network("edge", 20, 96, 96), both),
              (Network("edge", 11, 33, 47, (47, 33)), ["fp32"]),
              (Network("resnet18", 11, 128, 128, (160, 120)), both if LONG else ["fp32"])]
    if LONG or DRIVER != drivers.LAVAPIPE:
        result += [(Network("resnet101" if LONG else "resnet50", 19, 128, 128), ["fp32"])]
    return result


def load_tests(loader, tests, pattern):
    return unittest.TestSuite(NetworkTest(network, precision) for network, precisions in plan() for precision in precisions)


if __name__ == "__main__":
    unittest.main()

"""A checkpoint in the release's layout, all the way: converted, in PyTorch, and on Vulkan.

Environment: VISAGECTL (the program).
"""
import os
import shutil
import subprocess
import tempfile
import unittest

import numpy as np
import torch
from PIL import Image

import drivers
import official

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training")
PYTHON = "/usr/bin/python3"
CLASSES, SIDE = 19, 65
NEAR = 1e-4  # relative to the largest |logit|
EQUAL, EQUAL_HALF = 0.999, 0.97  # of the pixels


def command(*words, env=None):
    """Runs it; returns what it printed."""
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}\nended with status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Official(unittest.TestCase):
    """The folder has release.pth, model.safetensors made of it, and photo.png; `wanted` are the photo's logits."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="visaged-official-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        blocks = np.random.default_rng(0).integers(0, 256, (5, 5, 5, 3), np.uint8)
        *others, rgb = blocks.repeat(SIDE // 5, 1).repeat(SIDE // 5, 2)
        Image.fromarray(rgb).save(cls.path("photo.png"))
        with torch.no_grad():
            network = official.Network(CLASSES, torch.cat([official.picture(other) for other in others]))
            cls.state = network.checkpoint()
            cls.wanted, cls.mirrored = (network.logits(official.picture(p))[0].numpy() for p in (rgb, rgb[:, :, ::-1]))
        torch.save(cls.state, cls.path("release.pth"))
        cls.said = command(PYTHON, f"{MODEL}/convert.py", cls.path("release.pth"), cls.path("model.safetensors"),
                           "--classes", str(CLASSES), "--input", str(SIDE))

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def same(self, logits):
        largest = np.abs(self.wanted).max()
        self.assertEqual(logits.shape, self.wanted.shape)
        self.note = f"max |d| {np.abs(logits - self.wanted).max() / largest:.2e} of the largest |logit|"
        self.assertLess(np.abs(logits - self.wanted).max() / largest, NEAR)
        self.assertGreater((logits.argmax(0) == self.wanted.argmax(0)).mean(), EQUAL)

    def test_says_something(self):
        """The comparison would notice errors: many classes win, red and blue differ, weights have both signs."""
        labels = self.wanted.argmax(0)
        self.assertGreater(len(np.unique(labels)), 3)
        self.assertGreater(np.abs(self.wanted - self.mirrored).max(), 100 * NEAR * np.abs(self.wanted).max())
        weights = torch.cat([t for name, t in self.state.items() if name.endswith("bn3.weight")])
        self.assertTrue(0.4 < (weights < 0).float().mean() < 0.6)

    def test_convert_is_silent(self):
        self.assertEqual(self.said, "")

    def test_reference(self):
        command(PYTHON, f"{MODEL}/reference.py", self.path("model.safetensors"), self.path("photo.png"), "--logits",
                self.path("reference.npy"))
        self.same(np.load(self.path("reference.npy")))

    def vulkan(self, precision):
        """Logits, and the labels that visagectl draws."""
        try:
            env = drivers.environment(drivers.LAVAPIPE)
        except drivers.Missing as error:
            self.skipTest(str(error))
        command(os.environ["VISAGECTL"], "parse", "--model", self.path("model.safetensors"), precision, "--logits",
                self.path("vulkan.npy"), self.path("photo.png"), "-o", self.folder, env=env)
        with Image.open(self.path("photo.labels.png")) as labels:
            return np.load(self.path("vulkan.npy")), np.array(labels)

    def test_vulkan(self):
        logits, labels = self.vulkan("--fp32")
        self.same(logits)
        self.assertGreater((labels == self.wanted.argmax(0)).mean(), EQUAL)

    def test_vulkan_fp16(self):
        _, labels = self.vulkan("--fp16")
        self.assertGreater((labels == self.wanted.argmax(0)).mean(), EQUAL_HALF)


if __name__ == "__main__":
    unittest.main()

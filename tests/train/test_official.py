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

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model")
PYTHON = "/usr/bin/python3"
CLASSES, SIDE = 19, 65
NEAR = 1e-4  # of the largest |logit|
EQUAL = 0.999  # of the pixels


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
        rgb = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8).repeat(13, 0).repeat(13, 1)
        Image.fromarray(rgb).save(cls.path("photo.png"))
        with torch.no_grad():
            network = official.Network(CLASSES, 1)
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
        """The comparison has teeth: many classes win, red and blue are not the same, weights are of both signs."""
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

    def test_vulkan(self):
        try:
            env = drivers.environment(drivers.LAVAPIPE)
        except drivers.Missing as error:
            self.skipTest(str(error))
        command(os.environ["VISAGECTL"], "parse", "--model", self.path("model.safetensors"), "--fp32", "--logits",
                self.path("vulkan.npy"), self.path("photo.png"), "-o", self.folder, env=env)
        self.same(np.load(self.path("vulkan.npy")))
        with Image.open(self.path("photo.labels.png")) as labels:
            self.assertGreater((np.array(labels) == self.wanted.argmax(0)).mean(), EQUAL)


if __name__ == "__main__":
    unittest.main()

"""model/train.py as a user runs it, on made-up faces: it learns, can be left, and what it writes becomes a model file."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
from PIL import Image, ImageDraw

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model")
sys.path.insert(0, MODEL)

import arches
import datasets
import reference

NAMES = list(arches.LABELS[19])
COLORS = list(arches.LABELS[19].values())
PICTURES = 24


def face(rng):
    """Ellipses in their classes' colours, somewhat tinted: (RGB, labels)."""
    rgb, labels = Image.new("RGB", (128, 128), "#303840"), Image.new("L", (128, 128))
    x, y = rng.uniform(-8, 8, 2)
    parts = (("hair", 24, 10, 104, 110), ("skin", 34, 26, 94, 112), ("neck", 48, 106, 80, 128), ("right eye", 42, 52, 58, 62),
             ("left eye", 70, 52, 86, 62), ("nose", 58, 60, 70, 82), ("upper lip", 50, 88, 78, 95), ("lower lip", 50, 94, 78, 101))
    for name, left, top, right, bottom in parts:
        box = (left + x, top + y, right + x, bottom + y)
        ImageDraw.Draw(rgb).ellipse(box, fill=COLORS[NAMES.index(name)])
        ImageDraw.Draw(labels).ellipse(box, fill=NAMES.index(name))
    noisy = np.asarray(rgb, np.float32) + rng.normal(0, 6, (128, 128, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), labels


def dataset(folder):
    rng = np.random.default_rng(1)
    for name in ("images", "masks", "unlabelled"):
        os.makedirs(os.path.join(folder, name))
    for i in range(PICTURES):
        rgb, labels = face(rng)
        rgb.save(os.path.join(folder, "images", f"{i}.png"))
        labels.save(os.path.join(folder, "masks", f"{i}.png"))
    for i in range(3):
        face(rng)[0].save(os.path.join(folder, "unlabelled", f"u{i}.png"))


class Train(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.data = os.path.join(cls.folder, "data")
        dataset(cls.data)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def python(self, script, *args, **how):
        return subprocess.run([sys.executable, os.path.join(MODEL, script), *map(str, args)], capture_output=True, text=True,
                              check=False, **how)

    def train(self, out, *args):
        return self.python("train.py", "--data", self.data, "--out", self.path(out), "--batch", 2, *args)

    def log(self, name):
        with open(self.path(name) + ".log", encoding="ascii") as file:
            return [json.loads(line) for line in file]

    def test_a_run_that_is_stopped_goes_on_learns_and_becomes_a_model(self):
        command = [sys.executable, os.path.join(MODEL, "train.py"), "--data", self.data, "--out", self.path("a.pt"), "--batch",
                   "2", "--epochs", "14", "--input", "128"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for _ in range(1200):
            if os.path.exists(self.path("a.pt.log")) or process.poll() is not None:
                break
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate()
        self.assertEqual((process.returncode, "goes on from" in said), (0, True), said)
        stopped = self.log("a.pt")[-1]["pictures"]
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((again.returncode, again.stdout.splitlines()[-1]), (0, "done"), again.stderr)
        log = self.log("a.pt")
        pictures = [entry["pictures"] for entry in log]
        self.assertEqual(pictures, sorted(pictures))
        self.assertGreater(min(p for p in pictures if p > stopped), stopped)
        self.assertGreater(log[-1]["mean_f1"], 0.3)
        self.assertEqual({entry["cycle"] for entry in log if "cycle" in entry} - {None, 0, 1, 2, 3}, set())
        self.assertEqual(sum("mean_f1" in entry for entry in log), 4, "a score for each cycle")
        made = self.python("convert.py", self.path("a.pt"), self.path("a.safetensors"), "--classes", 19, "--dtype", "fp16")
        self.assertEqual(made.returncode, 0, made.stderr)
        model, meta = reference.load(self.path("a.safetensors"))
        self.assertEqual((meta.name, meta.channels, meta.input), ("edge", "RGB", (128, 128)))
        rgb, labels = face(np.random.default_rng(99))
        found = reference.labels(model, reference.preprocess(np.asarray(rgb), meta))[0].numpy()
        found = reference.labels_to_source(found, *rgb.size)
        self.assertGreater((found == np.asarray(labels)).mean(), 0.5)
        from_it = self.train("b.pt", "--epochs", 0.2, "--from", self.path("a.safetensors"), "--method", "edges",
                             "--input", 96)
        self.assertEqual(from_it.returncode, 0, from_it.stderr)
        self.assertGreater(self.log("b.pt")[-1]["mean_f1"], 0.4 * self.log("a.pt")[-1]["mean_f1"])
        self.python("convert.py", self.path("b.pt"), self.path("b.safetensors"), "--classes", 19)
        self.assertEqual(reference.load(self.path("b.safetensors"))[1].input, (96, 96))
        soft = self.python("teacher.py", self.path("a.safetensors"), "--data", self.data, "--out", self.path("soft.npz"))
        self.assertEqual(soft.returncode, 0, soft.stderr)
        with np.load(self.path("soft.npz")) as maps:
            self.assertEqual(sorted(maps), ["classes", "maps/u0", "maps/u1", "maps/u2"])
            self.assertEqual(maps["classes"], 19)
            first, second, share = maps["maps/u1"]
            self.assertTrue((share >= 127).all() and (first != second).all() and first.max() < 19)
        taught = self.train("c.pt", "--epochs", 0.2, "--soft", self.path("soft.npz"), "--method", "parsing", "--input", 96)
        self.assertEqual(taught.returncode, 0, taught.stderr)
        for name, args, words in (("d.pt", ("--soft", self.path("soft.npz"), "--classes", 11), "19 classes, not of 11"),
                                  ("d.pt", ("--soft", self.path("a.pt")), "no labels that teacher.py made"),
                                  ("d.pt", ("--from", self.path("a.safetensors"), "--classes", 11), "does not fit"),
                                  ("d.pt", ("--from", self.path("a.safetensors"), "--variant", "resnet18"), "does not fit"),
                                  ("a.pt", ("--method", "edges"), "name another --out"),
                                  ("a.safetensors", (), "name another --out")):
            self.refused(self.train(name, "--epochs", 1, "--input", 128, *args), words)

    def refused(self, run, words):
        self.assertEqual((run.returncode, len(run.stderr.splitlines())), (1, 1), run.stderr)
        self.assertIn(words, run.stderr)

    def test_scores_are_of_the_first_set_that_has_pictures_for_them(self):
        sets = []
        for number, names in enumerate((("images", "masks"), ("images", "masks"))):
            folder = self.path(f"set{number}")
            shutil.copytree(self.data, folder)
            held = [i for i in range(PICTURES) if datasets.held_out(str(i))]
            self.assertTrue(held)
            for i in held if number == 0 else ():
                for name in names:
                    os.unlink(os.path.join(folder, name, f"{i}.png"))
            sets.append(folder)
        run = self.python("train.py", "--data", *sets, "--out", self.path("sets.pt"), "--batch", 2, "--epochs", 0.05, "--input", 64,
                          "--method", "parsing")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue([entry for entry in self.log("sets.pt") if "mean_f1" in entry], run.stdout)
        self.assertIn("set0", run.stdout)

    def test_two_processes(self):
        command = [sys.executable, os.path.join(MODEL, "train.py"), "--data", self.data, "--out", self.path("two.pt"), "--batch",
                   "4", "--epochs", "2", "--input", "96"]
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = str(free.getsockname()[1])
        # What torchrun sets; that of Debian's torch doesn't start with its Python.
        world = {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
        both = [subprocess.Popen(command, env={**os.environ, **world, "RANK": rank, "LOCAL_RANK": rank}, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) for rank in "01"]
        said = [process.communicate() for process in both]
        self.assertEqual([process.returncode for process in both], [0, 0], said)
        self.assertEqual([out.splitlines()[-1:] for out, _ in said], [["done"], []], "the first speaks for all")
        scores = [entry for entry in self.log("two.pt") if "mean_f1" in entry]
        self.assertEqual(len(scores), 4, "a score for each cycle")
        made = self.python("convert.py", self.path("two.pt"), self.path("two.safetensors"), "--classes", 19)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_ablation_has_a_table_and_a_picture(self):
        run = self.python("ablate.py", "--seeds", 0, "--epochs", 0.4, "--jobs", 2, "--out", self.path("ablation"), "--", "--data",
                          self.data, "--batch", 2, "--input", 96)
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = [line for line in run.stdout.splitlines() if line.startswith("| ")]
        self.assertEqual([row.split("|")[1].strip() for row in rows],
                         ["method", "---", "parsing alone", "+ decoupled edges", "+ self-regulation"])
        with Image.open(self.path("ablation/curves.png")) as picture:
            self.assertGreater(picture.width, 1000)

    def test_what_is_wrong_is_said_in_a_line(self):
        for args, words in ((("--data", self.path("none")), "No such file"), (("--data", self.folder), "layout"),
                            (("--data", self.data, "--from", self.path("none.safetensors")), "No such file")):
            run = self.python("train.py", *args, "--out", self.path("e.pt"), "--epochs", 1)
            self.assertEqual((run.returncode, len(run.stderr.splitlines()), words in run.stderr), (1, 1, True), run.stderr)
        for name, value in (("--minutes", 0), ("--epochs", "nan"), ("--epochs", -1), ("--rate", 0), ("--seed", -1), ("--batch", -5)):
            budget = () if name in ("--minutes", "--epochs") else ("--epochs", 1)
            run = self.python("train.py", "--data", self.data, "--out", self.path("e.pt"), *budget, name, value)
            self.assertEqual((run.returncode, name in run.stderr.splitlines()[-1]), (2, True), run.stderr)
        run = self.python("train.py", "--data", self.data, "--out", self.path("e.pt"))
        self.assertEqual(run.returncode, 2)
        self.assertIn("--minutes", run.stderr)

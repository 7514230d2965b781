"""model/training/train.py as a user runs it, on made-up faces: it learns, can be interrupted, and its result becomes a model file, with
which evaluate.py, teacher.py and compare.py run."""
import contextlib
import io
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
from unittest import mock

import numpy as np
import torch
from PIL import Image, ImageDraw

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training")
sys.path.insert(0, MODEL)

import arches
import compare
import datasets
import reference
import train
from reference import DmlCsr
from trainee import Trainee

NAMES = list(arches.LABELS[20])
COLORS = list(arches.LABELS[20].values())
PICTURES = 24
KINDS = datasets.NAMES[datasets.PEOPLE]


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


def people(folder):
    """Whole people, of whom hair, bare skin and clothes are known; a fifth of the height is the head."""
    rng = np.random.default_rng(2)
    for name in ("images", "labels"):
        os.makedirs(os.path.join(folder, name))
    for i in range(PICTURES):
        rgb, labels = Image.new("RGB", (96, 160), "#384030"), Image.new("L", (96, 160))
        x = rng.uniform(-16, 16)
        for kind, color, box in (("cloth", "cloth", (24, 50, 72, 160)), ("hair", "hair", (30, 14, 66, 48)),
                                 ("bare skin", "skin", (36, 20, 60, 50)),
                                 ("person without hair", "cloth", (28, 120, 68, 160)), ("bare skin", "skin", (14, 90, 26, 120))):
            box = (box[0] + x, box[1], box[2] + x, box[3])
            ImageDraw.Draw(rgb).ellipse(box, fill=COLORS[NAMES.index(color)])
            ImageDraw.Draw(labels).ellipse(box, fill=KINDS.index(kind))
        rgb.save(os.path.join(folder, "images", f"Ada_B_{i:04}.png" if i < 6 else f"{i}.png"))
        labels.save(os.path.join(folder, "labels", f"Ada_B_{i:04}.png" if i < 6 else f"{i}.png"))


def rooms(folder):
    """Pictures of nobody."""
    rng = np.random.default_rng(3)
    for name in ("images", "labels"):
        os.makedirs(os.path.join(folder, name))
    for i in range(4):
        blocks = rng.integers(0, 256, (4, 6, 3), np.uint8).repeat(24, 0).repeat(24, 1)
        Image.fromarray(blocks).save(os.path.join(folder, "images", f"room{i}.png"))


class Train(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Two threads would wait for each other for very long if something else keeps a processor busy.
        cls.enterClassContext(mock.patch.dict(os.environ, OMP_NUM_THREADS="1"))
        cls.folder = tempfile.mkdtemp()
        cls.data = os.path.join(cls.folder, "data")
        dataset(cls.data)
        people(os.path.join(cls.folder, "people"))
        rooms(os.path.join(cls.folder, "rooms"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def python(self, script, *args, **how):
        return subprocess.run([sys.executable, os.path.join(MODEL, script), *map(str, args)], capture_output=True, text=True,
                              check=False, **how)

    def train(self, out, *args, data=None):
        return self.python("train.py", "--data", *(data or [self.data]), "--out", self.path(out), "--batch", 2, *args)

    def log(self, name):
        with open(self.path(name) + ".log", encoding="ascii") as file:
            return [json.loads(line) for line in file]

    def test_a_run_that_is_stopped_goes_on_learns_and_becomes_a_model(self):
        command = [sys.executable, os.path.join(MODEL, "train.py"), "--data", self.data, "--out", self.path("a.pt"), "--batch",
                   "2", "--epochs", "18", "--input", "64", "--variant", "small18", "--method", "csr"]
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
        made = self.python("convert.py", self.path("a.pt"), self.path("a.safetensors"), "--classes", 20, "--dtype", "fp16")
        self.assertEqual(made.returncode, 0, made.stderr)
        model, meta = reference.load(self.path("a.safetensors"))
        self.assertEqual((meta.name, meta.channels, meta.input), ("small18", "RGB", (64, 64)))
        rgb, labels = face(np.random.default_rng(99))
        found = reference.parse(model, meta, np.asarray(rgb))
        self.assertGreater((found == np.asarray(labels)).mean(), 0.5)
        from_it = self.train("b.pt", "--epochs", 0.2, "--from", self.path("a.safetensors"), "--method", "edges",
                             "--input", 72, "--variant", "small18")
        self.assertEqual(from_it.returncode, 0, from_it.stderr)
        self.assertGreater(self.log("b.pt")[-1]["mean_f1"], 0.4 * self.log("a.pt")[-1]["mean_f1"])
        self.python("convert.py", self.path("b.pt"), self.path("b.safetensors"), "--classes", 20)
        self.assertEqual(reference.load(self.path("b.safetensors"))[1].input, (72, 72))
        taught = self.python("teacher.py", self.path("a.safetensors"), "--data", self.data, "--out", self.path("taught"))
        self.assertEqual((taught.returncode, f"{PICTURES + 3} pictures" in taught.stdout), (0, True), taught.stderr)
        again = self.train("c.pt", "--epochs", 0.1, "--method", "parsing", "--input", 64, data=[self.path("taught"), self.data])
        self.assertEqual(again.returncode, 0, again.stderr)
        for name, args, words in (("d.pt", ("--from", self.path("a.safetensors"), "--classes", 11), "does not fit"),
                                  ("d.pt", ("--from", self.path("a.safetensors"), "--variant", "edge"), "does not fit"),
                                  ("a.pt", ("--method", "edges"), "name another --out"),
                                  ("a.pt", ("--variant", "edge"), "name another --out"),
                                  ("a.safetensors", (), "name another --out")):
            self.refused(self.train(name, "--epochs", 1, "--input", 64, "--variant", "small18", *args), words)  # the last one counts
        scores = self.python("evaluate.py", self.path("a.safetensors"), "--data", self.data)
        self.assertEqual(scores.returncode, 0, scores.stderr)
        rows = {row[:12].strip(): float(row.split()[-1]) for row in scores.stdout.splitlines()}
        last = [entry for entry in log if "mean_f1" in entry][-1]
        self.assertAlmostEqual(rows["mean F1"], last["mean_f1"], delta=0.02)
        self.assertAlmostEqual(rows["11 classes"], last["eleven"], delta=0.02)
        self.refused(self.python("evaluate.py", self.path("a.safetensors"), "--data", self.path("people")), "no parts of faces")

    def refused(self, run, words):
        self.assertEqual((run.returncode, len(run.stderr.splitlines())), (1, 1), run.stderr)
        self.assertIn(words, run.stderr)

    def encoder(self):
        """A stand-in for ImageNet's weights, an .npz of all layers of the default encoder: He's initialisation, varied norms."""
        torch.manual_seed(5)
        arrays, model = {}, DmlCsr(arches.named(20)["edge"])
        names = [("stem", "conv1", "bn1")]
        blocks = [(i, j) for i, layer in enumerate(model.arch.layers, 1) for j in range(layer.blocks)]
        names += [(f"block.{n}.{part}", f"layer{i}.{j}.conv{k}", f"layer{i}.{j}.bn{k}") for n, (i, j) in enumerate(blocks)
                  for k, part in enumerate(("expand", "depthwise", "project"), 1) if n or part != "expand"]
        for name, conv, _ in names:
            weight = model.get_parameter(f"{conv}.weight")
            arrays[f"{name}.weight"] = torch.randn(weight.shape).mul((2 / weight[0].numel()) ** 0.5).numpy()
            count = len(weight)
            arrays[f"{name}.norm"] = np.array([[1], [0], [0], [1]], np.float32).repeat(count, 1)
        np.savez(self.path("lite.npz"), **arrays)
        return names, arrays

    def test_the_default_network_learns_of_sets_that_know_different_things(self):
        """Portraits, people and rooms; from an encoder; left, and gone on with; then a model file."""
        names, arrays = self.encoder()
        sets = [self.data, self.path("people"), self.path("rooms")]
        words = ("--method", "csr", "--input", 64, "--from", self.path("lite.npz"), "--epochs")
        begun = self.train("e.pt", *words, 1e-3, data=sets)
        self.assertEqual((begun.returncode, f"{len(names)} layers from" in begun.stdout), (0, True), begun.stderr)
        state = torch.load(self.path("e.pt"))
        self.assertEqual(state["steps"], 1)
        for name, conv, _ in names:
            if name.startswith(("stem", "block.1.")):
                changed = (state["model"][f"{conv}.weight"] - torch.from_numpy(arrays[f"{name}.weight"])).abs().max()
                self.assertLess(changed.item(), 0.01, f"{name} began with the file's weights")
        description = state["description"]
        self.assertIn("masks and people", description["provenance"])
        self.assertIn("lite.npz", description["provenance"])
        count = sum(len(datasets.read(path, "train")) for path in sets[:2])
        self.assertIn(f"on {count} pictures", description["provenance"])
        again = self.train("e.pt", *words, 1, data=sets)
        self.assertEqual((again.returncode, "layers from" in again.stdout), (0, False), again.stderr)
        later = torch.load(self.path("e.pt"))
        self.assertTrue(count <= later["pictures"] <= count + 2)
        self.assertEqual(later["cycles"], 4)
        for name, value in later["state_dict"].items():
            self.assertTrue(value.isfinite().all(), name)
        scored = [entry for entry in self.log("e.pt") if "mean_f1" in entry]
        self.assertEqual([len(entry["f1"]) for entry in scored], [19] * len(scored), "of the portraits, which are of 19 classes")
        made = self.python("convert.py", self.path("e.pt"), self.path("e.safetensors"), "--classes", 20)
        self.assertEqual(made.returncode, 0, made.stderr)
        model, meta = reference.load(self.path("e.safetensors"))
        self.assertEqual((meta.name, meta.channels, meta.input, model.arch), ("edge", "RGB", (64, 64), arches.named(20)["edge"]))
        trained = Trainee(model.arch).eval()
        trained.load_state_dict(later["state_dict"])
        x = torch.randn(1, 3, 64, 64)
        with torch.no_grad():
            want, got = trained(x).parsing, model(x)
        self.assertLess((want - got).abs().max().item(), 1e-4 * want.abs().max().item())

    def test_what_is_shipped_without_cycles_is_the_average(self):
        """Its weights are those of the average, not the last step's."""
        run = self.train("g.pt", "--epochs", 0.2, "--method", "edges", "--input", 64)
        self.assertEqual(run.returncode, 0, run.stderr)
        state = torch.load(self.path("g.pt"))
        shipped, average, model = (state[name] for name in ("state_dict", "average", "model"))
        self.assertTrue(all((shipped[name] == average[name]).all() for name in shipped))
        self.assertFalse((shipped["conv1.weight"] == model["conv1.weight"]).all())

    def test_sets_and_networks_of_other_classes(self):
        """What can be scored is what both know; a set of people alone has no scores."""
        for name, classes, sets, scored in (("h.pt", 11, [self.data], 11), ("i.pt", 19, [self.data, self.path("people")], 19),
                                            ("j.pt", 20, [self.path("people")], None)):
            run = self.train(name, "--epochs", 0.1, "--method", "parsing", "--input", 64, "--classes", classes, data=sets)
            self.assertEqual(run.returncode, 0, run.stderr)
            found = []
            if os.path.exists(self.path(name) + ".log"):
                found = [len(entry["f1"]) for entry in self.log(name) if "mean_f1" in entry]
            self.assertEqual(found, [scored] if scored else [])

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
                   "2", "--epochs", "1.5", "--input", "64", "--method", "csr"]
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
        made = self.python("convert.py", self.path("two.pt"), self.path("two.safetensors"), "--classes", 20)
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_methods_compared(self):
        run = self.python("compare.py", "method", "--seeds", 0, "--epochs", 0.4, "--jobs", 2, "--out", self.path("methods"), "--", "--data",
                          self.data, "--batch", 2, "--input", 64)
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = [line for line in run.stdout.splitlines() if line.startswith("| ")]
        self.assertEqual([row.split("|")[1].strip() for row in rows],
                         ["method", "---", "parsing alone", "+ decoupled edges", "+ self-regulation"])
        with Image.open(self.path("methods/curves.png")) as picture:
            self.assertGreater(picture.width, 1000)

    def test_networks_compared(self):
        """Their costs, and the table; they are trained as methods are."""
        names = list(compare.KINDS["network"].names)
        self.assertEqual(names, ["edge", *arches.trials(20)])
        columns = compare.costs(names)
        family = {**arches.named(20), **arches.trials(20)}
        self.assertEqual(columns["GMAC"], [f"{arches.macs(family[name], 256, 256) / 1e9:.2f}" for name in names])
        scores = {f"{name}-{seed}": {"mean_f1": 0.5 + seed / 10, "eleven": 0.7} for name in names for seed in (0, 1)}
        head, _, *rows = compare.table(compare.KINDS["network"], scores, (0, 1), columns).splitlines()
        self.assertEqual(head.split(" | ")[:3], ["| variant", "GMAC", "million parameters"])
        for name, row in zip(names, rows, strict=True):
            self.assertTrue(row.startswith(f"| {name} | ") and row.endswith("| 55.00 (50.00, 60.00) | 70.00 (70.00, 70.00) |"), row)

    def nobody(self):
        """A set of portraits without people."""
        for i in range(3):
            for kind in ("images", "masks"):
                os.makedirs(self.path(f"nobody/{kind}"), exist_ok=True)
                Image.new("RGB" if kind == "images" else "L", (64, 64)).save(self.path(f"nobody/{kind}/{i}.png"))
        return self.path("nobody")

    def test_what_is_wrong_is_said_in_a_line(self):
        for args, words in ((("--data", self.path("none")), "No such file"), (("--data", self.folder), "layout"),
                            (("--data", self.data, "--from", self.path("none.safetensors")), "No such file"),
                            (("--data", self.path("rooms")), "nobody in any of the sets"),
                            (("--data", self.nobody()), "nobody in any of its pictures"),
                            (("--data", self.data, "--from", __file__ + ".npz"), "No such file"),
                            (("--data", self.data, "--freeze", 5), "--freeze 5: edge has 5 layers")):
            run = self.python("train.py", *args, "--out", self.path("wrong.pt"), "--epochs", 1)
            self.assertEqual((run.returncode, len(run.stderr.splitlines()), words in run.stderr), (1, 1, True), run.stderr)
        for name, value in (("--minutes", 0), ("--epochs", "nan"), ("--epochs", -1), ("--rate", 0), ("--seed", -1), ("--batch", -5), ("--freeze", -1)):
            budget = () if name in ("--minutes", "--epochs") else ("--epochs", 1)
            self.assertIn(name, self.usage_error(*budget, name, value))
        self.assertIn("--minutes", self.usage_error())

    def usage_error(self, *args):
        """The last line; in this process, as another takes seconds to begin."""
        words = ["train.py", "--data", self.data, "--out", self.path("wrong.pt"), *map(str, args)]
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stderr(io.StringIO()) as said, \
                self.assertRaises(SystemExit) as end:
            train.arguments()
        self.assertEqual(end.exception.code, 2)
        return said.getvalue().splitlines()[-1]

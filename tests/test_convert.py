#!/usr/bin/python3
"""convert.py, reference.py and the file format: checkpoints in the official layout, made up here, in and out of them."""
import argparse
import collections
import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "model")
sys.path.insert(0, MODEL)

import arches
import convert
import reference
import safetensors
from reference import Arch, DmlCsr

BOTTLENECK = Arch("bottleneck", (1, 2, 1, 1), (8, 8, 16), (8, 8, 16, 16), 32, (16, 8), 5)
BASIC = Arch("basic", (2, 1, 1, 1), (8, 16, 16), (16, 16, 24, 32), 16, (16, 8), 3)


def random_state(arch, seed=0):
    """A checkpoint's tensors: every value random, ABN weights of both signs."""
    torch.manual_seed(seed)
    state = {}
    for name, tensor in DmlCsr(arch).state_dict().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = torch.rand(tensor.shape) + 0.5
        elif tensor.ndim > 1:
            state[name] = torch.randn(tensor.shape) / tensor[0].numel() ** 0.5
        else:
            state[name] = torch.randn(tensor.shape)
    return state


def official(state):
    """As the release saves it: data-parallel names, the edge branch with it."""
    edge = {"edge_layer.conv1.0.weight": torch.randn(4, 4, 1, 1), "edge_layer.conv5_b.bias": torch.randn(2)}
    named = collections.OrderedDict((f"module.{name}", tensor) for name, tensor in {**state, **edge}.items())
    return {"state_dict": named, "epoch": 200, "rate": 1e-3, "best": np.float64(86.1), "arguments": argparse.Namespace(a=1)}


class Code:
    """Pickles to a call that makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        torch.set_num_threads(1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def convert(self, *words):
        """Exit status and what is said on stderr, of convert.py run here."""
        said, arguments = io.StringIO(), sys.argv
        sys.argv = ["convert.py", *words]
        try:
            with contextlib.redirect_stderr(said):
                convert.convert(convert.arguments())
        except convert.Refused as refusal:
            return 1, str(refusal)
        except SystemExit as end:
            return end.code, said.getvalue()
        finally:
            sys.argv = arguments
        return 0, said.getvalue()

    def converted(self, arch, state, *words):
        """The path of a checkpoint's model file."""
        torch.save(state, self.path("official.pth"))
        status, said = self.convert(self.path("official.pth"), self.path("out"), "--classes", str(arch.classes), *words)
        self.assertEqual((status, said), (0, ""))
        return self.path("out")


class Folding(Files):
    def same(self, arch, wrap, near, *words):
        state = random_state(arch)
        model = DmlCsr(arch).eval()
        model.load_state_dict(state)
        folded, _ = reference.load(self.converted(arch, wrap(state), *words))
        x = torch.randn(1, 3, 65, 81)
        want, got = reference.logits(model, x), reference.logits(folded, x)
        self.assertEqual(want.shape, (1, arch.classes, 17, 21))
        self.assertGreater(want.std(), 1e-3)
        self.assertLess((want - got).abs().max() / want.abs().max(), near)

    def test_official_bottleneck(self):
        """module. and edge_layer. go, |w| + eps folds: the logits stay."""
        self.same(BOTTLENECK, official, 1e-4)

    def test_bare_basic(self):
        """A bare dict of tensors, the other block."""
        self.same(BASIC, lambda state: state, 1e-4)

    def test_state_dict_of_a_module(self):
        """As torch.save(model.state_dict()) and older releases leave it: parameters, and the format before zip files."""
        state = {name: torch.nn.Parameter(tensor, False) for name, tensor in random_state(BASIC).items()}
        torch.save(collections.OrderedDict(state), self.path("old.pth"), _use_new_zipfile_serialization=False)
        status, said = self.convert(self.path("old.pth"), self.path("out"), "--classes", "3")
        self.assertEqual((status, said), (0, ""))

    def test_fp16(self):
        """Weights as float16, biases and gammas as float32."""
        self.same(BASIC, official, 0.05, "--dtype", "fp16")
        tensors, _ = safetensors.read(self.path("out"))
        for name, array in tensors.items():
            self.assertEqual(array.dtype, np.float16 if name.endswith(".weight") else np.float32, name)

    def test_every_convolution_has_a_bias(self):
        tensors, _ = safetensors.read(self.converted(BOTTLENECK, official(random_state(BOTTLENECK))))
        for name, array in tensors.items():
            if name.endswith(".weight"):
                self.assertEqual(tensors[name.replace(".weight", ".bias")].shape, array.shape[:1], name)
        self.assertEqual(tensors["context.dualgcn.conv_adj.weight"].shape, (8, 8, 1))
        self.assertEqual(tensors["context.dualgcn.local.0.weight"].shape, (32, 1, 3, 3))
        self.assertEqual(tensors["context.dualgcn.gamma1"].shape, (1,))
        self.assertFalse([name for name in tensors if "bn" in name or "running" in name])

    def test_fp16_overflow(self):
        """A weight that float16 can't hold is refused, by name."""
        state = random_state(BASIC)
        state["layer6.conv4.weight"][0, 0] = 1e6
        torch.save(state, self.path("official.pth"))
        status, said = self.convert(self.path("official.pth"), self.path("out"), "--classes", "3", "--dtype", "fp16")
        self.assertEqual((status, "layer6.conv4.weight" in said), (1, True), said)


class Metadata(Files):
    def test_of_a_checkpoint(self):
        """Every value is JSON text; an official checkpoint is BGR and 473 x 473."""
        _, metadata = safetensors.read(self.converted(BOTTLENECK, official(random_state(BOTTLENECK))))
        values = {key: json.loads(value) for key, value in metadata.items()}
        classes = values.pop("classes")
        self.assertEqual([set(c) for c in classes], [{"name", "color"}] * 5)
        self.assertEqual(values, {
            "format": "visaged-1", "name": "dml-csr", "block": "bottleneck", "blocks": [1, 2, 1, 1], "stem": [8, 8, 16],
            "planes": [8, 8, 16, 16], "head": 32, "decoder": [16, 8], "input": [473, 473], "channels": "BGR",
            "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "license": "that of the checkpoint",
            "provenance": "converted from official.pth"})

    def test_of_our_own(self):
        """A checkpoint of train.py says what it is; basic networks take 256 x 256."""
        wrapped = {"state_dict": random_state(BASIC), "description": {"name": "edge", "channels": "RGB", "license": "L"}}
        _, metadata = safetensors.read(self.converted(BASIC, wrapped))
        self.assertEqual([json.loads(metadata[k]) for k in ("name", "channels", "license", "input")],
                         ["edge", "RGB", "L", [256, 256]])

    def test_anothers_description(self):
        """A stranger's entry of the same name counts for nothing; an input size of ours does."""
        for entry, side in (("words", 256), ([1, 2], 256), ({"name": 5, "input": [1, 9999]}, 256), ({"input": [96, 64]}, [96, 64])):
            _, metadata = safetensors.read(self.converted(BASIC, {"state_dict": random_state(BASIC), "description": entry}))
            self.assertEqual(json.loads(metadata["name"]), "dml-csr")
            self.assertEqual(json.loads(metadata["input"]), [side] * 2 if isinstance(side, int) else side)

    def test_label_sets(self):
        """Names and colours are all different, for any number of classes."""
        for count in (1, 2, 11, 19, 64):
            for key in ("name", "color"):
                self.assertEqual(len({label[key] for label in arches.labels(count)}), count)
        self.assertEqual([arches.labels(11)[i]["name"] for i in (0, 2, 10)], ["background", "left brow", "hair"])
        self.assertEqual([arches.labels(19)[i]["name"] for i in (2, 6, 18)], ["nose", "left brow", "cloth"])

    def test_layout(self):
        """The data starts at a multiple of 8, tensors lie in the header's order without gaps, to the end of the file."""
        path = self.converted(BASIC, random_state(BASIC), "--dtype", "fp16")
        with open(path, "rb") as file:
            data = file.read()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + length])
        self.assertEqual(length % 8, 0)
        end = 0
        for name, entry in header.items():
            if name != "__metadata__":
                self.assertEqual(entry["data_offsets"][0], end, name)
                end = entry["data_offsets"][1]
        self.assertEqual(8 + length + end, len(data))


class Refusals(Files):
    def refused(self, state, name, classes=5):
        """convert.py says one line with that name in it, and writes nothing."""
        torch.save(state, self.path("bad.pth"))
        status, said = self.convert(self.path("bad.pth"), self.path("out"), "--classes", str(classes))
        self.assertEqual(status, 1, said)
        self.assertIn(name, said)
        self.assertEqual(said.count("\n"), 0, said)
        self.assertFalse(os.path.exists(self.path("out")))

    def test_missing(self):
        for name in ("layer1.0.conv1.weight", "layer2.1.bn3.running_var", "context.dualgcn.gamma1", "layer6.conv4.bias",
                     "conv1.weight"):
            with self.subTest(name):
                state = random_state(BOTTLENECK)
                del state[name]
                self.refused(official(state), name)

    def test_extra(self):
        for name in ("layer1.0.conv9.weight", "fc.weight", "layer4.0.conv1.bias"):
            with self.subTest(name):
                self.refused(official({**random_state(BOTTLENECK), name: torch.zeros(4)}), name)

    def test_misshapen(self):
        for name, shape in (("context.dualgcn.phi.weight", (16, 32, 3, 3)), ("layer3.0.conv2.weight", (16, 8, 3, 3)),
                            ("bn1.weight", (16,)), ("conv1.weight", (8,)), ("conv2.weight", ())):
            with self.subTest(name):
                self.refused(official({**random_state(BOTTLENECK), name: torch.zeros(shape)}), name)

    def test_widths(self):
        """Widths that the program's shaders don't take."""
        self.refused(random_state(Arch("basic", (1, 1, 1, 1), (8, 8, 8), (8, 8, 8, 12), 16, (8, 8), 5)), "12")

    def test_values(self):
        state = random_state(BOTTLENECK)
        state["conv2.weight"][0, 0, 0, 0] = float("nan")
        self.refused(state, "conv2.weight")

    def test_classes(self):
        self.refused(official(random_state(BOTTLENECK)), "layer6.conv4.weight", classes=19)

    def test_blocks(self):
        self.refused({**random_state(BOTTLENECK), "layer3.99999999.conv1.weight": torch.zeros(1)}, "layer3")

    def test_not_tensors(self):
        for content in ([1, 2], {"state_dict": {"conv1.weight": 3}}, {}, torch.zeros(3), {"state_dict": 5}):
            with self.subTest(str(content)):
                self.refused(content, "bad.pth")

    def test_bad_files(self):
        """Missing, a folder, empty, noise, a cut checkpoint, code (which isn't run): one line and status 1."""
        torch.save(random_state(BASIC), self.path("cut"))
        os.truncate(self.path("cut"), 3000)
        for name, content in (("empty", b""), ("noise", bytes(range(256)) * 9), ("code", self.code())):
            with open(self.path(name), "wb") as file:
                file.write(content)
        torch.save({"state_dict": Code(self.path("ran"))}, self.path("code in a checkpoint"))
        for name in ("cut", "empty", "noise", "code", "code in a checkpoint", "not there", ""):
            with self.subTest(name):
                status, said = self.convert(self.path(name), self.path("out"), "--classes", "3")
                self.assertEqual((status, said.count("\n")), (1, 0), said)
                self.assertIn(self.path(name), said)
        self.assertFalse(os.path.exists(self.path("ran")))

    def code(self):
        return pickle.dumps(Code(self.path("ran")), 2)

    def test_bad_arguments(self):
        for words in ((), ("a",), ("a", "out"), ("a", "out", "--classes", "0"), ("a", "out", "--classes", "65"),
                      ("a", "out", "--classes", "three"), ("a", "out", "--classes", "3", "--input", "32"),
                      ("a", "out", "--classes", "3", "--input", "64x"), ("a", "out", "--classes", "3", "--dtype", "int8"),
                      ("a", "out", "--classes", "3", "--random", "edge"), ("out", "--classes", "3"),
                      ("out", "--classes", "3", "--random", "vgg"),
                      ("out", "--classes", "3", "--random", "edge", "--seed", "-1")):
            with self.subTest(words):
                self.assertEqual(self.convert(*words)[0], 2)

    def test_out_not_writable(self):
        torch.save(random_state(BASIC), self.path("good.pth"))
        status, said = self.convert(self.path("good.pth"), self.path("no/such"), "--classes", "3")
        self.assertEqual((status, "no/such" in said), (1, True))

    def test_command_line(self):
        """As a program: the line goes to stderr, without a traceback."""
        done = subprocess.run([sys.executable, os.path.join(MODEL, "convert.py"), "none.pth", "out", "--classes", "3"],
                              capture_output=True, text=True, cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr, "convert.py: none.pth: No such file or directory\n")


class Random(Files):
    def random(self, name, *words):
        status, said = self.convert("--random", "edge", self.path(name), "--input", "96x128", *words)
        self.assertEqual((status, said), (0, ""))
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_deterministic(self):
        """The same seed gives the same file, another one another."""
        words = ("--classes", "11", "--dtype", "fp16")
        first = self.random("a", *words, "--seed", "3")
        self.assertEqual(first, self.random("b", *words, "--seed", "3"))
        self.assertNotEqual(first, self.random("c", *words, "--seed", "4"))

    def test_logits_spread(self):
        """Several classes win, of logits neither tiny nor huge."""
        self.random("a", "--classes", "19", "--seed", "1")
        model, meta = reference.load(self.path("a"))
        self.assertEqual((meta.input, meta.channels), ((96, 128), "BGR"))
        picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        logits = reference.logits(model, reference.preprocess(picture, meta))
        self.assertTrue(0.1 < logits.std() < 1000)
        self.assertGreater(len(logits.argmax(1).unique()), 3)

    def test_sizes(self):
        """The parameter counts known for the family; the edge network's cost fits a small GPU."""
        known = arches.named(19)
        parameters = {name: sum(p.numel() for p in DmlCsr(known[name]).parameters()) for name in ("resnet18", "edge")}
        self.assertEqual(parameters["resnet18"], 13087093)
        self.assertLess(2 * parameters["edge"], 8e6)
        self.assertLess(arches.macs(arches.named(19)["edge"], 256, 256), 4.5e9)


class Geometry(unittest.TestCase):
    def meta(self, size, channels="RGB"):
        return reference.Meta("m", size, channels, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

    def test_same_size(self):
        """A picture of the input's size goes in as it is; BGR mirrors the channels, mean and std stay."""
        picture = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
        x = reference.preprocess(picture, self.meta((6, 6), "BGR"))[0].numpy()
        np.testing.assert_allclose(x, picture[:, :, ::-1].transpose(2, 0, 1) / 255, atol=1e-6)

    def test_letterbox(self):
        """A wide picture is centred, black above and below; each value is the mean of the 2 x 2 pixels under it."""
        picture = np.full((4, 16, 3), 255, np.uint8)
        picture[:, 8:] = 51
        x = reference.preprocess(picture, self.meta((8, 8)))[0, 0].numpy()
        np.testing.assert_allclose(x[:3], 0)
        np.testing.assert_allclose(x[5:], 0)
        np.testing.assert_allclose(x[3:5], [[1] * 4 + [0.2] * 4] * 2, atol=1e-6)

    def test_edge_is_black(self):
        """Between the last pixel and outside the value falls to 0: outside counts, as a black pixel."""
        x = reference.preprocess(np.full((2, 2, 3), 255, np.uint8), self.meta((8, 8)))[0, 0].numpy()
        np.testing.assert_allclose(x[4], [0.625, 0.875, 1, 1, 1, 1, 0.875, 0.625], atol=1e-6)

    def test_back(self):
        """Labels go back by the inverse map, nearest; what no label covers is 0."""
        labels = np.arange(64).reshape(8, 8)
        np.testing.assert_array_equal(reference.labels_to_source(labels, 8, 8), labels)
        wide = reference.labels_to_source(labels, 16, 4)
        np.testing.assert_array_equal(wide, labels[3:5].repeat(2, 0).repeat(2, 1))
        self.assertEqual(wide.dtype, np.uint8)


if __name__ == "__main__":
    unittest.main()

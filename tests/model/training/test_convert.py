#!/usr/bin/python3
"""convert.py, reference.py and the file format: checkpoints in the official layout, made up here, in and out of them."""
import argparse
import collections
import contextlib
import dataclasses
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

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training")
sys.path.insert(0, MODEL)

import arches
import convert
import reference
import safetensors
from reference import Arch, DmlCsr, Layer, Level, resnet
from trainee import Trainee

BOTTLENECK = resnet("bottleneck", (1, 2, 1, 1), (8, 8, 16), (8, 8, 16, 16), 32, (16, 8), 5)
BASIC = resnet("basic", (2, 1, 1, 1), (8, 16, 16), (16, 16, 24, 32), 16, (16, 8), 3)
INVERTED = Arch("inverted", (16,), arches.LITE0, 32, (Level(16, 8, 5), Level(24, 16, 3)), 4)  # the encoder must be a known one


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

    def test_inverted(self):
        """Plain norms fold with their own epsilon and sign, the decoder's depthwise ones too."""
        self.same(INVERTED, official, 1e-4)

    def test_trained_inverted(self):
        """A checkpoint of train.py: inferred, the edge branch dropped, the same logits at the size that it was trained for."""
        trained = Trainee(INVERTED).eval()
        trained.load_state_dict(random_state(INVERTED), strict=False)
        description = {"name": "edge", "channels": "RGB", "license": "L", "provenance": "P", "input": [96, 64]}
        model, meta = reference.load(self.converted(INVERTED, {"state_dict": trained.state_dict(), "description": description}))
        self.assertEqual((meta.input, meta.channels, meta.mean, meta.std), ((96, 64), "RGB", (127 / 255,) * 3, (128 / 255,) * 3))
        self.assertEqual(model.arch, INVERTED)
        with torch.no_grad():
            for size in ((96, 64), (65, 81)):
                x = torch.randn(2, 3, *size)
                want, got = trained(x).parsing, reference.logits(model, x)
                self.assertEqual(got.shape, (2, 4, -(-size[0] // 4), -(-size[1] // 4)))
                self.assertLess((want - got).abs().max() / want.abs().max(), 1e-4)

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

    def test_every_convolution_of_inverted_residuals_has_a_bias(self):
        tensors, _ = safetensors.read(self.converted(INVERTED, official(random_state(INVERTED))))
        for name, array in tensors.items():
            if name.endswith(".weight"):
                self.assertEqual(tensors[name.replace(".weight", ".bias")].shape, array.shape[:1], name)
        self.assertEqual(tensors["layer3.1.conv2.weight"].shape, (240, 1, 5, 5))
        self.assertEqual(tensors["decoder.levels.0.conv2.weight"].shape, (24, 1, 5, 5))
        self.assertEqual(tensors["decoder.levels.1.conv4.weight"].shape, (24, 1, 3, 3))
        self.assertFalse([name for name in tensors if "bn" in name or "running" in name or name.startswith("layer1.0.conv1")])

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
            "planes": [8, 8, 16, 16], "head": 32, "decoder": [16, 8], "input": [473, 473], "shape": "fixed", "channels": "BGR",
            "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "license": "that of the checkpoint",
            "provenance": "converted from official.pth"})

    def test_of_a_free_shape(self):
        path = self.converted(INVERTED, official(random_state(INVERTED)), "--input", "64", "--free-shape")
        self.assertEqual(json.loads(safetensors.read(path)[1]["shape"]), "free")
        fitted = reference.load(path)[1].fitted
        self.assertEqual([fitted(*size) for size in ((9, 9), (480, 640), (640, 480), (720, 1280), (1, 9))],
                         [(64, 64), (48, 80), (80, 48), (48, 80), (48, 80)])

    def test_of_inverted_residuals(self):
        """Layers as kernel, stride, dilation, expansion, channels, blocks; levels as channels, lateral, kernel."""
        _, metadata = safetensors.read(self.converted(INVERTED, official(random_state(INVERTED))))
        values = {key: json.loads(value) for key, value in metadata.items()}
        self.assertEqual(len(values.pop("classes")), 4)
        self.assertEqual(values, {
            "format": "visaged-1", "name": "dml-csr", "block": "inverted", "stem": [16], "head": 32,
            "layers": [[3, 1, 1, 1, 16, 1], [3, 2, 1, 6, 24, 2], [5, 2, 1, 6, 40, 2], [3, 2, 1, 6, 80, 3], [5, 1, 1, 6, 112, 3]],
            "decoder": [[16, 8, 5], [24, 16, 3]], "input": [256, 256], "shape": "fixed", "channels": "BGR", "mean": [127 / 255] * 3,
            "std": [128 / 255] * 3, "license": "that of the checkpoint", "provenance": "converted from official.pth"})

    def test_describes_the_arch(self):
        """Whatever the metadata is made of comes out of it again, also strides and dilations that no shape tells."""
        layers = Layer(2, 8, 2, 2, 5, 3), Layer(1, 32), Layer(4, 40, 2, 4, 3, 2)
        odd = Arch("inverted", (24,), layers, 48, (Level(8, 16, 5),), 7)
        named = [arch for classes in (2, 11, 20) for arch in arches.named(classes).values()]
        for arch in (BOTTLENECK, BASIC, INVERTED, odd, *named):
            description = {"name": "m", "channels": "RGB", "license": "L", "provenance": "P"}
            texts = convert.metadata(arch, (33, 64), False, description)
            self.assertEqual({type(text) for text in texts.values()}, {str})
            self.assertEqual(reference.described({key: json.loads(text) for key, text in texts.items()}), arch)

    def test_of_our_own(self):
        """A checkpoint of train.py says what it is; basic networks take 256 x 256."""
        for arch in (BASIC, INVERTED):
            wrapped = {"state_dict": random_state(arch), "description": {"name": "edge", "channels": "RGB", "license": "L"}}
            _, metadata = safetensors.read(self.converted(arch, wrapped))
            self.assertEqual([json.loads(metadata[k]) for k in ("name", "channels", "license", "input")],
                             ["edge", "RGB", "L", [256, 256]])

    def test_a_named_network_is_known(self):
        """By its shapes alone."""
        arch = arches.named(20)["edge"]
        _, metadata = safetensors.read(self.converted(arch, random_state(arch)))
        self.assertEqual(json.loads(metadata["name"]), "edge")

    def test_anothers_description(self):
        """A stranger's entry of the same name counts for nothing; an input size of ours does."""
        for entry, side in (("words", 256), ([1, 2], 256), ({"name": 5, "input": [1, 9999]}, 256), ({"input": [96, 64]}, [96, 64])):
            _, metadata = safetensors.read(self.converted(BASIC, {"state_dict": random_state(BASIC), "description": entry}))
            self.assertEqual(json.loads(metadata["name"]), "dml-csr")
            self.assertEqual(json.loads(metadata["input"]), [side] * 2 if isinstance(side, int) else side)

    def test_label_sets(self):
        """Names and colours are all different, for any number of classes."""
        for count in (1, 2, 11, 19, 20, 64):
            for key in ("name", "color"):
                self.assertEqual(len({label[key] for label in arches.labels(count)}), count)
        self.assertEqual([arches.labels(11)[i]["name"] for i in (0, 2, 10)], ["background", "left brow", "hair"])
        self.assertEqual([arches.labels(19)[i]["name"] for i in (2, 6, 18)], ["nose", "left brow", "cloth"])
        self.assertEqual(arches.labels(20)[:19], arches.labels(19))
        self.assertEqual(arches.labels(20)[19]["name"], "body")

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

    def test_free_shape_of_a_small_input(self):
        status, said = self.convert("--random", "edge", "--classes", "5", self.path("out"), "--input", "63", "--free-shape")
        self.assertEqual((status, os.path.exists(self.path("out"))), (1, False))
        self.assertIn("at least 4096 pixels", said)

    def test_missing(self):
        for name in ("layer1.0.conv1.weight", "layer2.1.bn3.running_var", "context.dualgcn.gamma1", "layer6.conv4.bias",
                     "conv1.weight"):
            with self.subTest(name):
                state = random_state(BOTTLENECK)
                del state[name]
                self.refused(official(state), name)
        for name in ("conv1.weight", "bn1.running_var", "layer1.0.conv2.weight", "layer2.1.bn3.weight", "layer5.0.conv3.weight",
                     "decoder.levels.1.conv2.weight", "decoder.levels.0.bn4.bias", "decoder.conv1.0.weight",
                     "decoder.conv4.bias"):
            with self.subTest(name):
                state = random_state(INVERTED)
                del state[name]
                self.refused(official(state), name, 4)

    def test_unknown_encoder(self):
        """Strides aren't told by shapes: only encoders that have a name are known."""
        layers = (*arches.LITE0[:4], arches.LITE0[4]._replace(channels=120))
        self.refused(random_state(dataclasses.replace(INVERTED, layers=layers)), "arches.py", 4)
        state = {name: tensor for name, tensor in random_state(INVERTED).items() if not name.startswith("layer3.1.")}
        self.refused(state, "arches.py", 4)

    def test_levels(self):
        """None, or more than the encoder's maps have sizes."""
        state = random_state(INVERTED)
        self.refused({name: tensor for name, tensor in state.items() if ".levels." not in name}, "levels", 4)
        more = {name.replace("levels.1", f"levels.{i}"): tensor for i in range(1, 6) for name, tensor in state.items()}
        self.refused(more, "levels", 4)
        self.refused({**state, "decoder.levels.99999999.conv1.weight": torch.zeros(8, 8, 1, 1)}, "levels", 4)

    def test_extra(self):
        for name in ("layer1.0.conv9.weight", "fc.weight", "layer4.0.conv1.bias"):
            with self.subTest(name):
                self.refused(official({**random_state(BOTTLENECK), name: torch.zeros(4)}), name)
        for name in ("layer1.0.conv1.weight", "context.conv9.weight", "conv2.weight", "decoder.levels.0.conv6.weight"):
            with self.subTest(name):
                self.refused(official({**random_state(INVERTED), name: torch.zeros(4)}), name, 4)

    def test_misshapen(self):
        for name, shape in (("context.dualgcn.phi.weight", (16, 32, 3, 3)), ("layer3.0.conv2.weight", (16, 8, 3, 3)),
                            ("bn1.weight", (16,)), ("conv1.weight", (8,)), ("conv2.weight", ())):
            with self.subTest(name):
                self.refused(official({**random_state(BOTTLENECK), name: torch.zeros(shape)}), name)
        for name, shape in (("layer2.0.conv2.weight", (96, 1)), ("layer2.1.conv2.weight", (144, 1, 5, 5)),
                            ("conv1.weight", (0, 3, 3, 3)),
                            ("decoder.levels.0.conv2.weight", ()), ("decoder.levels.1.conv4.weight", (24, 24, 3, 3)),
                            ("layer2.0.bn2.weight", (144,)), ("decoder.conv4.weight", (4, 8, 1, 1))):
            with self.subTest(name):
                self.refused(official({**random_state(INVERTED), name: torch.zeros(shape)}), name, 4)

    def test_widths(self):
        """Widths that the program's shaders don't take."""
        self.refused(random_state(resnet("basic", (1, 1, 1, 1), (8, 8, 8), (8, 8, 8, 12), 16, (8, 8), 5)), "12")
        self.refused(random_state(dataclasses.replace(INVERTED, decoder=(Level(16, 8, 3), Level(8, 20, 3)))), "20", 4)
        self.refused(random_state(dataclasses.replace(INVERTED, head=24)), "24", 4)

    def test_values(self):
        state = random_state(BOTTLENECK)
        state["conv2.weight"][0, 0, 0, 0] = float("nan")
        self.refused(state, "conv2.weight")

    def test_classes(self):
        self.refused(official(random_state(BOTTLENECK)), "the last convolution has 5 classes, not 19", classes=19)
        self.refused(official(random_state(INVERTED)), "the last convolution has 4 classes, not 20", classes=20)

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
        variant = () if "--random" in words else ("--random", "edge")
        status, said = self.convert(*variant, self.path(name), "--input", "96x128", *words)
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
        for variant in ("edge", "small18"):
            self.random("a", "--classes", "19", "--seed", "1", "--random", variant)
            model, meta = reference.load(self.path("a"))
            self.assertEqual((meta.name, meta.input, meta.channels), (variant, (96, 128), "BGR"))
            picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            logits = reference.logits(model, reference.preprocess(picture, meta))
            self.assertTrue(0.1 < logits.std() < 1000)
            self.assertGreater(len(logits.argmax(1).unique()), 3)

    def test_sizes(self):
        """The parameter counts known for the family; the small networks' cost fits a small GPU, the edge network's a CPU."""
        known = arches.named(19)
        parameters = {name: sum(p.numel() for p in DmlCsr(known[name]).parameters()) for name in ("resnet18", "small18", "edge")}
        self.assertEqual(parameters["resnet18"], 13087093)
        for name, size, macs in (("small18", 8e6, 4.5e9), ("edge", 2.5e6, 0.6e9)):
            self.assertLess(2 * parameters[name], size)
            self.assertLess(arches.macs(known[name], 256, 256), macs)


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

    def test_shrunk(self):
        """Every pixel counts, however many there are: of 4 x 4 the four in the middle are black."""
        picture = np.full((4, 4, 3), 255, np.uint8)
        picture[1:3, 1:3] = 0
        x = reference.preprocess(np.tile(picture, (5, 5, 1)), self.meta((5, 5)))[0, 0].numpy()
        np.testing.assert_allclose(x, 0.75, atol=1e-6)

    def test_edge_is_black(self):
        """Between the last pixel and outside the value falls to 0: outside counts, as a black pixel."""
        x = reference.preprocess(np.full((2, 2, 3), 255, np.uint8), self.meta((8, 8)))[0, 0].numpy()
        np.testing.assert_allclose(x[4], [0.625, 0.875, 1, 1, 1, 1, 0.875, 0.625], atol=1e-6)

    def test_back(self):
        """Labels go back by the inverse map; a border is where two classes lead equally."""
        labels = np.arange(64).reshape(8, 8)
        logits = np.eye(64)[labels].transpose(2, 0, 1)
        np.testing.assert_array_equal(reference.placed(logits, 8, 8), labels)
        wide = reference.placed(logits, 16, 4)
        np.testing.assert_array_equal(wide, labels[3:5].repeat(2, 0).repeat(2, 1))
        self.assertEqual(wide.dtype, np.uint8)
        # From 3 for one class in the first column to 1 for the other in the second: the border is at three quarters.
        np.testing.assert_array_equal(reference.placed(np.array([[[3., 0]] * 2, [[0, 1.]] * 2]), 8, 8)[4], [0] * 5 + [1] * 3)


if __name__ == "__main__":
    unittest.main()

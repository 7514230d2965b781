"""model/training/trainee.py: the edge branch, ImageNet's weights, model files read back, norms over several processes; model/training/train.py's
beginnings; model/training/schedule.py, metrics.py."""
import contextlib
import copy
import dataclasses
import io
import os
import pickle
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import distributed, nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training"))

import arches
import checkpoint
import convert
import datasets
import frames
import metrics
import people
import reference
import safetensors
import schedule
import train
import trainee
from backdrops import Backdrops
from reference import Arch, DmlCsr, Layer, Level, resnet
from trainee import Trainee

torch.set_num_threads(1)
CLASSES = 7
TINY = resnet("basic", (1, 1, 1, 1), (8, 8, 8), (8, 8, 16, 16), 16, (16, 8), CLASSES)
TINY_INVERTED = Arch("inverted", (8,), (Layer(1, 8), Layer(2, 8, 2, 1, 3, 2), Layer(1, 16, 2, 1, 5, 2), Layer(1, 16, 2, 1, 3, 3),
                                        Layer(2, 24, 1, 1, 5, 2)), 16, (Level(16, 8, 3), Level(8, 8, 5)), CLASSES)
BOTH = (TINY, TINY_INVERTED)


def lively(model, seed):
    """Norms and gammas that make a difference, as after training."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif "gamma" in name or tensor.ndim == 1 and tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.5 + 0.3)
    return model


class EdgeBranch(unittest.TestCase):
    def test_names_and_shapes_are_the_releases(self):
        model = Trainee(arches.named(19)["resnet101"])
        edge = {name: tuple(value.shape) for name, value in model.state_dict().items() if name.startswith("edge_layer.")}
        for i, width in enumerate((256, 512, 1024), 1):
            self.assertEqual(edge[f"edge_layer.conv{i}.0.weight"], (256, width, 1, 1))
            self.assertEqual(edge[f"edge_layer.conv{i}.1.weight"], (256,))
        self.assertEqual(edge["edge_layer.conv4.weight"], (19, 256, 3, 3))
        self.assertEqual(edge["edge_layer.conv5.weight"], (19, 57, 1, 1))
        self.assertEqual(edge["edge_layer.conv5_b.weight"], (2, 57, 1, 1))

    def test_of_inverted_residuals_it_reads_a_quarter_an_eighth_and_the_last(self):
        model = Trainee(arches.named(20)["edge"])
        self.assertEqual(model.edge_taps, (1, 2, 4))
        shapes = [model.edge_layer.conv1, model.edge_layer.conv2, model.edge_layer.conv3]
        self.assertEqual([tuple(conv[0].weight.shape) for conv in shapes], [(32, 24, 1, 1), (32, 40, 1, 1), (32, 112, 1, 1)])
        self.assertEqual(tuple(model.edge_layer.conv5_b.weight.shape), (2, 60, 1, 1))
        self.assertEqual([tuple(map_.shape) for map_ in lively(Trainee(TINY_INVERTED), 1).eval()(torch.randn(1, 3, 65, 49))],
                         [(1, CLASSES, 17, 13), (1, CLASSES, 17, 13), (1, 2, 17, 13)])

    def test_nothing_of_the_parser_depends_on_it(self):
        for arch in BOTH:
            model = lively(Trainee(arch), 1).eval()
            x = torch.randn(1, 3, 65, 49)
            before = model(x)
            for value in model.edge_layer.parameters():
                nn.init.normal_(value)
            self.assertTrue((model(x).parsing == before.parsing).all())
            self.assertFalse((model(x).binary == before.binary).all())

    def test_without_edge_tasks_only_their_outputs_are_missing(self):
        for arch in BOTH:
            model = lively(Trainee(arch), 1).eval()
            alone = Trainee(arch, decoupled=False).eval()
            alone.load_state_dict(model.state_dict())
            x = torch.randn(1, 3, 65, 49)
            found = alone(x)
            self.assertEqual((found.category, found.binary), (None, None))
            self.assertTrue((found.parsing == model(x).parsing).all())

    def test_edge_tasks_train_the_encoder_alone(self):
        for arch, encoder in ((TINY, ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "layer1", "layer2", "layer3")),
                              (TINY_INVERTED, ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "layer5"))):
            model = lively(Trainee(arch), 2)
            outputs = model(torch.randn(2, 3, 65, 49))
            (outputs.category.square().sum() + outputs.binary.square().sum()).backward()
            with_gradient = {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None}
            self.assertEqual(with_gradient, {*encoder, "edge_layer"})


class Frozen(unittest.TestCase):
    def test_a_step_leaves_what_is_frozen_as_it_is_and_changes_the_rest(self):
        for arch in BOTH:
            model = lively(Trainee(arch, frozen=2), 1).train()
            before = {name: tensor.clone() for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
            optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
            sum(map_.square().mean() for map_ in model(torch.randn(2, 3, 64, 64))).backward()
            optimiser.step()
            same = {name for name, tensor in before.items() if torch.equal(model.state_dict()[name], tensor)}
            stay = {name for name in before if name.startswith(("conv", "bn", "layer1.", "layer2."))}
            self.assertEqual(stay - same, set())
            self.assertEqual({name for name in same if name.startswith(("layer3.", "layer4.", "layer5.")) and "weight" in name}, set())

    def test_it_answers_as_the_whole_network_does(self):
        for arch in BOTH:
            model, frozen = lively(Trainee(arch), 2).eval(), Trainee(arch, frozen=2).eval()
            frozen.load_state_dict(model.state_dict())
            x = torch.randn(3, 3, 64, 48)
            for one, other in zip(model(x), frozen(x)):
                self.assertLess((one - other).abs().max().item(), 1e-5 * one.abs().max().item())

    def test_its_norms_use_their_statistics_while_the_rest_is_trained(self):
        model = lively(Trainee(TINY_INVERTED, frozen=2), 3)
        x = torch.randn(2, 3, 64, 64)
        self.assertTrue(torch.equal(model.train().features(x)[1], model.eval().features(x)[1]))
        self.assertFalse(torch.equal(model.train().features(x)[2], model.eval().features(x)[2]))


class Memory(unittest.TestCase):
    @unittest.skipUnless(os.path.exists("/proc/self/stat"), "no Linux")
    def test_what_is_freed_is_used_again(self):
        """Memory is not returned to the kernel: there are hardly any new page faults."""
        code = ("import resource, torch, processes; processes.start(); x = torch.zeros(1 << 22); y = x + 1; del y\n"
                "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
                "for _ in range(10): y = x + 1; del y\n"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)")
        run = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.path.dirname(trainee.__file__)},
                             capture_output=True, text=True, check=True)
        self.assertLess(int(run.stdout), 5 * 4096, "half of what ten tensors have")


class ModelFile(unittest.TestCase):
    def test_a_network_taken_back_answers_as_the_file_does(self):
        for arch in BOTH:
            torch.manual_seed(3)
            folded = convert.fold(lively(DmlCsr(arch), 3))
            want = DmlCsr(arch, folded=True).eval()
            want.load_state_dict(folded)
            x = torch.randn(4, 3, 64, 64)
            got = trainee.unfold(Trainee(arch), folded, x).eval()
            expected = want(x)
            self.assertLess((got(x).parsing - expected).abs().max().item(), 1e-4 * expected.abs().max().item())
            again = convert.fold(got)
            self.assertEqual(again.keys(), folded.keys())
            for name, tensor in folded.items():
                self.assertLess((again[name] - tensor).abs().max().item(), 1e-4 * max(1, tensor.abs().max().item()), name)

    def test_its_norms_then_normalise(self):
        for arch in BOTH:
            torch.manual_seed(4)
            x = torch.randn(8, 3, 64, 64)
            model = trainee.unfold(Trainee(arch), convert.fold(lively(DmlCsr(arch), 4)), x)
            plain = model.eval()(x).parsing
            trained = model.train()(x).parsing
            self.assertLess((plain - trained).abs().max().item(), 1e-2 * plain.abs().max().item())

    def test_another_networks_file_is_refused(self):
        folded = convert.fold(lively(DmlCsr(TINY_INVERTED), 3))
        for arch in (TINY, dataclasses.replace(TINY_INVERTED, classes=CLASSES + 1)):
            with self.assertRaisesRegex(ValueError, "does not fit"):
                trainee.unfold(Trainee(arch), folded, torch.randn(2, 3, 64, 64))


def lite(arch, seed, reach=None):
    """Arrays as an EfficientNet-Lite's .npz has them, for the first `reach` blocks of an arch and one that it hasn't."""
    rng = np.random.default_rng(seed)
    arrays = {}

    def add(name, *shape):
        arrays[f"{name}.weight"] = rng.normal(0, 0.5, shape).astype(np.float32)
        scale, shift, mean, variance = rng.normal(0, 1, (4, shape[0]))
        arrays[f"{name}.norm"] = np.stack([1 + 0.3 * scale, 0.5 * shift, 0.2 * mean, np.exp(0.3 * variance)]).astype(np.float32)

    add("stem", arch.stem[0], 3, 3, 3)
    inputs = arch.stem[0]
    blocks = [layer for layer in arch.layers for _ in range(layer.blocks)]
    for number, layer in enumerate(blocks[:reach]):
        wide = inputs * layer.expansion
        if layer.expansion > 1:
            add(f"block.{number}.expand", wide, inputs, 1, 1)
        add(f"block.{number}.depthwise", wide, 1, layer.kernel, layer.kernel)
        add(f"block.{number}.project", layer.channels, wide, 1, 1)
        inputs = layer.channels
    add("block.99.project", 8, 8, 1, 1)
    return arrays


class ImageNet(unittest.TestCase):
    """An encoder's weights out of an .npz."""

    def loaded(self, arrays, arch=TINY_INVERTED):
        model = lively(Trainee(arch), 6)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "encoder.npz")
            np.savez(path, **arrays)
            count = trainee.load_encoder(model, path)
        changed = {name for name, value in model.state_dict().items() if (value != before[name]).any()}
        return model.eval(), count, changed

    def test_values_land_in_their_layers(self):
        arrays = lite(TINY_INVERTED, 1)
        model, count, changed = self.loaded(arrays)
        state, landed = model.state_dict(), set()
        places = {"stem": ("conv1", "bn1")}
        for number, at in enumerate(("1.0", "2.0", "2.1", "3.0", "4.0", "5.0", "5.1")):
            for part, k in (("expand", 1), ("depthwise", 2), ("project", 3)):
                if f"block.{number}.{part}.weight" in arrays:
                    places[f"block.{number}.{part}"] = (f"layer{at}.conv{k}", f"layer{at}.bn{k}")
        for name, (conv, norm) in places.items():
            np.testing.assert_array_equal(state[f"{conv}.weight"].numpy(), arrays[f"{name}.weight"], name)
            got = [state[f"{norm}.{part}"].numpy() for part in ("weight", "bias", "running_mean", "running_var")]
            np.testing.assert_array_equal(got, arrays[f"{name}.norm"], name)
            landed |= {f"{conv}.weight", *(f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var"))}
        self.assertEqual((count, changed), (1 + 7 * 3 - 1, landed))

    def test_stem_and_first_blocks_compute_what_the_npz_says(self):
        arrays = lite(TINY_INVERTED, 2)
        model, _, _ = self.loaded(arrays)
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}

        def layer(x, name, active=True, **how):
            weight, (scale, shift, mean, variance) = tensors[f"{name}.weight"], tensors[f"{name}.norm"]
            y = F.conv2d(x, weight, padding=weight.shape[-1] // 2, **how)
            y = F.batch_norm(y, mean, variance, scale, shift, eps=1e-3)
            return F.relu6(y) if active else y

        x = torch.randn(2, 3, 33, 49)
        y = layer(x, "stem", stride=2)
        want = [layer(layer(y, "block.0.depthwise", groups=8), "block.0.project", False) + y]  # 8 channels in and out
        y = layer(layer(want[0], "block.1.expand"), "block.1.depthwise", stride=2, groups=16)
        y = layer(y, "block.1.project", False)
        inner = layer(layer(y, "block.2.expand"), "block.2.depthwise", groups=16)
        want.append(y + layer(inner, "block.2.project", False))
        y = layer(layer(want[1], "block.3.expand"), "block.3.depthwise", stride=2, groups=16)
        want.append(layer(y, "block.3.project", False))
        with torch.no_grad():
            for got, value in zip(model.features(x), want):
                self.assertEqual(got.shape, value.shape)
                self.assertLess((got - value).abs().max().item(), 1e-4 * value.abs().max().item())

    def test_layers_of_other_shapes_keep_theirs(self):
        arrays = lite(TINY_INVERTED, 3, 2)
        arrays["block.1.depthwise.weight"] = np.zeros((16, 1, 5, 5), np.float32)
        _, count, changed = self.loaded(arrays)
        self.assertEqual(count, 1 + 2 + 2)
        self.assertEqual({name.rpartition(".")[0] for name in changed},
                         {"conv1", "bn1", *(f"layer1.0.{part}" for part in ("conv2", "bn2", "conv3", "bn3")),
                          *(f"layer2.0.{part}" for part in ("conv1", "bn1", "conv3", "bn3"))})

    def test_the_default_networks_layers_are_lite0s(self):
        """All blocks up to a sixteenth: 1, 2, 2, 3 and 3 of them."""
        arch = arches.named(20)["edge"]
        arrays = lite(arch, 4)
        self.assertEqual(arrays["block.10.depthwise.weight"].shape, (672, 1, 5, 5))
        _, count, _ = self.loaded(arrays, arch)
        self.assertEqual(count, 1 + 2 + 10 * 3)


class Beginning(unittest.TestCase):
    """train.py --from, by the order of the channels that a file's network was trained with."""
    ARCH = dataclasses.replace(TINY, classes=11)

    def begun(self, path, arch=None):
        arch, self.said = arch or self.ARCH, []
        names = people.Names.of(11)
        person = people.prepare(64, Image.new("RGB", (64, 64), "#806040"), Image.new("L", (64, 64), 1), names)
        crowd = people.Crowd([person], names, True)
        make = lambda side, seed: frames.Frames([crowd], [1], Backdrops([], []), 11, side, seed)
        torch.manual_seed(8)
        model = Trainee(arch)
        run = types.SimpleNamespace(model=model, average=copy.deepcopy(model), arch=arch, seed=0, device=torch.device("cpu"),
                                    material=types.SimpleNamespace(frames=make, side=64),
                                    show=lambda *said: self.said.append(said),
                                    to_device=lambda x: x.permute(0, 3, 1, 2).float() / 128 - 1)
        train.begin(run, path)
        for (name, one), other in zip(model.state_dict().items(), run.average.state_dict().values()):
            self.assertTrue((one == other).all(), f"the average begins with {name}")
        return run.model.eval()

    def answers(self, model, wanted, order):
        x = torch.randn(2, 3, 64, 64)
        with torch.no_grad():
            want = wanted(x[:, order])
            self.assertLess((model(x).parsing - want).abs().max().item(), 1e-4 * want.abs().max().item())

    def test_a_model_file(self):
        folded = convert.fold(lively(DmlCsr(self.ARCH), 3))
        wanted = DmlCsr(self.ARCH, folded=True).eval()
        wanted.load_state_dict(folded)
        with tempfile.TemporaryDirectory() as folder:
            for channels, order in (("RGB", [0, 1, 2]), ("BGR", [2, 1, 0])):
                path = os.path.join(folder, f"{channels}.safetensors")
                safetensors.write(path, {name: tensor.numpy() for name, tensor in folded.items()}, {"channels": f'"{channels}"'})
                self.answers(self.begun(path), wanted, order)

    def test_a_checkpoint(self):
        """The authors' says nothing of itself, and has blue first; ours says what it has."""
        wanted = lively(DmlCsr(self.ARCH), 3).eval()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.pth")
            for description, order in (({}, [2, 1, 0]), ({"description": {"channels": "RGB"}}, [0, 1, 2])):
                torch.save({"state_dict": wanted.state_dict(), **description}, path)
                self.answers(self.begun(path), wanted, order)

    def test_an_encoder(self):
        arch = dataclasses.replace(TINY_INVERTED, classes=11)
        arrays = lite(arch, 5)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npz")
            np.savez(path, **arrays)
            model = self.begun(path, arch)
            np.testing.assert_array_equal(model.layer5[1].conv3.weight.detach().numpy(), arrays["block.6.project.weight"])
            self.assertEqual(self.said, [(f"21 layers from {path}", True)])
            np.savez(path, **{name: array for name, array in arrays.items() if name.startswith("block.99")})
            with self.assertRaisesRegex(checkpoint.Refused, "none of its layers fits"):
                self.begun(path, arch)

    def test_what_is_no_encoder_is_refused(self):
        arch = dataclasses.replace(TINY_INVERTED, classes=11)
        arrays = lite(arch, 5)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.npz")
            np.savez(path, **arrays)
            with open(path, "rb") as file:
                whole = file.read()
            for content in (b"", b"words", whole[:len(whole) // 2], pickle.dumps({"stem.weight": 1})):
                with open(path, "wb") as file:
                    file.write(content)
                with self.assertRaises(checkpoint.Refused) as caught:
                    self.begun(path, arch)
                self.assertIn(path, str(caught.exception))
            for name, value in (("stem.norm", None), ("stem.norm", np.zeros((4, 3), np.float32)), ("stem.weight", np.array("a"))):
                some = {key: array for key, array in {**arrays, name: value}.items() if array is not None}
                if name == "stem.weight":
                    some = {name: value}
                np.savez(path, **some)
                with self.assertRaises(checkpoint.Refused):
                    self.begun(path, arch)


class Weights(unittest.TestCase):
    """The weights and shares that train.py gives classes and sets."""

    def person(self, counts):
        labels = np.repeat([*counts], [*counts.values()]).astype(np.uint8)
        return types.SimpleNamespace(labels=Image.fromarray(labels[None]))

    def test_rare_classes_weigh_more(self):
        """By the root of the rarity beside the median, from a half to twice; what isn't there counts as usual."""
        both = [self.person({0: 6400, 1: 100, 2: 400, 255: 900}), self.person({3: 4, 4: 1600, 101: 50})]
        weights = train.class_weights(both, 7)
        want = np.array([0.5, 2, 1, 2, 0.5, 1, 1])
        np.testing.assert_allclose(weights.numpy(), want / want.mean(), rtol=1e-6)

    def test_known_sets_make_up_a_half(self):
        sets = [types.SimpleNamespace(complete=complete) for complete in (True, False, True, False)]
        crowds = [types.SimpleNamespace(people=[None] * count) for count in (900, 16, 100, 4)]
        np.testing.assert_allclose(train.shares(sets, crowds), [0.75, 4 / 6, 0.25, 2 / 6])
        np.testing.assert_allclose(train.shares(sets[:1], crowds[:1]), [1])

    def test_scores_need_a_set_that_knows_every_pixel(self):
        kinds = {"none": None, "people": False, "whole": True}

        def read(path, split):
            self.assertEqual(split, "val")
            if kinds[path] is None:
                raise datasets.Refused("without val")
            items = [(f"{path}{i}", Image.new("RGB", (2, 2)), Image.new("L", (2, 2), 3)) for i in range(130)]
            return Listed(items, 19, kinds[path])

        with mock.patch.object(datasets, "read", read), contextlib.redirect_stdout(io.StringIO()) as said:
            held, classes = train.validation(["none", "people", "whole"])
            self.assertEqual((len(held), held[0][0], classes), (train.HELD_OUT, "whole0", 19))
            self.assertEqual(train.validation(["none", "people"]), ([], 0))
        self.assertEqual(said.getvalue(), "no scores from without val\n" * 2)


class Listed(list):
    """Pictures as a datasets.Set is a sequence of them."""

    def __init__(self, items, classes, complete):
        super().__init__(items)
        self.classes, self.complete = classes, complete


def batches_of_two():
    return torch.randn(2, 3, 3, 65, 65, generator=torch.Generator().manual_seed(6))


def one_of_two(rank, folder, which):
    """A process with its half of a batch: gradients as DistributedDataParallel averages them, and statistics."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = trainee.share_norms(lively(Trainee(BOTH[int(which)]), 5))
    network = nn.parallel.DistributedDataParallel(model, broadcast_buffers=False)
    square(network(batches_of_two()[rank])).backward()
    if rank == 0:
        np.savez(os.path.join(folder, "found.npz"), **found(model))
    distributed.barrier()


def square(outputs):
    return sum(map_.square().mean() for map_ in outputs)


def found(model):
    tensors = {name: value.grad.numpy() for name, value in model.named_parameters()}
    return {**tensors, **{name: value.numpy() for name, value in model.named_buffers() if "running" in name}}


class SeveralProcesses(unittest.TestCase):
    def test_two_processes_are_one_with_both_batches(self):
        for which, arch in enumerate(BOTH):
            with self.subTest(arch.block):
                self.two_are_one(arch, str(which))

    def two_are_one(self, arch, which):
        torch.manual_seed(0)
        whole = lively(Trainee(arch), 5)
        square(whole(batches_of_two().flatten(0, 1))).backward()
        with tempfile.TemporaryDirectory() as folder:
            both = [subprocess.Popen([sys.executable, os.path.abspath(__file__), str(rank), folder, which]) for rank in (0, 1)]
            self.assertEqual([process.wait() for process in both], [0, 0])
            with np.load(os.path.join(folder, "found.npz")) as file:
                results = dict(file)
        want = found(whole)
        self.assertEqual(results.keys(), want.keys())
        for name, value in want.items():
            self.assertLess(np.abs(results[name] - value).max(), 1e-3 * max(1e-2, np.abs(value).max()), name)


class Schedule(unittest.TestCase):
    def plan(self, method="csr", device="cpu"):
        return schedule.Schedule(method, 0.01, 8, 256, device)

    def test_cycles_come_after_the_start_and_restart_the_rate(self):
        plan = self.plan()
        start, length = schedule.CSR_START, (1 - schedule.CSR_START) / schedule.CYCLES
        self.assertIsNone(plan.cycle(start - 1e-6))
        for cycle in range(schedule.CYCLES):
            first, last = start + cycle * length + 1e-6, start + (cycle + 1) * length - 1e-6
            self.assertEqual((plan.cycle(first), plan.cycle(last)), (cycle, cycle))
            self.assertAlmostEqual(plan.rate(first, 1000), 0.005, 3)
            self.assertLess(plan.rate(last, 1000), 1e-4)
        self.assertEqual(plan.cycle(1.0), schedule.CYCLES - 1)

    def test_without_self_regulation_the_rate_falls_to_nothing(self):
        rates = [self.plan("edges").rate(p / 100, 1000) for p in range(101)]
        self.assertEqual(rates, sorted(rates, reverse=True))
        self.assertEqual((rates[0], rates[-1]), (0.01, 0))
        self.assertIsNone(self.plan("edges").cycle(0.99))
        self.assertEqual([self.plan(m).decoupled for m in schedule.METHODS], [False, True, True])

    def test_the_last_window_is_the_whole_frame(self):
        self.assertEqual(self.plan().window(0), (160, 12))
        self.assertEqual(self.plan().window(0.3), (208, 8))
        self.assertEqual(self.plan().window(1.0), (256, 8))
        self.assertEqual(self.plan(device="cuda").window(0), (256, 8))
        self.assertEqual(schedule.Schedule("csr", 0.01, 8, 473, "cpu").window(1.0)[0], 473)


class Scores(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(3)
        self.truth = rng.integers(0, 19, 5000).astype(np.uint8)
        self.found = np.where(rng.random(5000) < 0.7, self.truth, rng.integers(0, 19, 5000)).astype(np.uint8)
        self.matrix = np.zeros((19, 19), np.int64)
        np.add.at(self.matrix, (self.truth, self.found), 1)

    def score(self, truth, found, label):
        return 2 * ((truth == label) & (found == label)).sum() / ((truth == label).sum() + (found == label).sum())

    def test_f1_and_iou(self):
        for label in range(19):
            self.assertAlmostEqual(metrics.f1(self.matrix)[label], self.score(self.truth, self.found, label))
            both, either = (op(self.truth == label, self.found == label).sum() for op in (np.logical_and, np.logical_or))
            self.assertAlmostEqual(metrics.iou(self.matrix)[label], both / either)

    def test_the_eleven_and_helens_overall(self):
        table = datasets.mapping(19, 11)
        truth, found = table[self.truth], table[self.found]
        known = truth != datasets.IGNORE
        truth, found = truth[known], np.where(found == datasets.IGNORE, 0, found)[known]
        eleven = metrics.eleven(self.matrix)
        want = [self.score(truth, found, label) for label in range(11)]
        self.assertTrue(np.allclose(metrics.f1(eleven), want))
        inner = [np.isin(labels, range(2, 10)) for labels in (truth, found)]
        self.assertAlmostEqual(metrics.helen_overall(eleven), self.score(*inner, True))

    def test_a_network_of_more_classes_than_the_set(self):
        """All that the set knows counts, its background too; as visagectl eval has it."""
        truth = datasets.mapping(19, 11)[self.truth]
        truth[truth == datasets.IGNORE] = 0
        matrix = np.zeros((11, 19), np.int64)
        np.add.at(matrix, (truth, self.found), 1)
        found = datasets.mapping(19, 11)[self.found]
        found[found == datasets.IGNORE] = 0
        want = [self.score(truth, found, label) for label in range(11)]
        self.assertTrue(np.allclose(metrics.f1(metrics.eleven(matrix)), want))

    def test_a_body_is_background_to_the_19(self):
        """Whichever of network and truth has the 20th class."""
        rng = np.random.default_rng(5)
        meta = reference.Meta("m", (16, 24), "RGB", (0, 0, 0), (1, 1, 1))
        for shape in ((19, 20), (20, 19), (20, 20), (19, 19), (11, 20)):
            truth, found = (rng.integers(0, count, (16, 24)).astype(np.uint8) for count in shape)
            truth[0, :3] = 255, 100, 101
            network = lambda x: F.one_hot(torch.from_numpy(found).long(), shape[1]).permute(2, 0, 1)[None].float()
            matrix = metrics.confusion(network, meta, shape, [("a", Image.new("RGB", (24, 16)), Image.fromarray(truth))])
            wanted = (19, 19) if set(shape) == {19, 20} else shape
            want = np.zeros(wanted, int)
            for a, b in zip(truth.flat, found.flat):
                if a < 100:
                    want[a if a < wanted[0] else 0, b if b < wanted[1] else 0] += 1
            np.testing.assert_array_equal(matrix, want)

    def test_a_class_that_is_nowhere_has_no_score(self):
        self.matrix[3], self.matrix[:, 3] = 0, 0
        self.assertTrue(np.isnan(metrics.f1(self.matrix)[3]))
        self.assertFalse(np.isnan(metrics.mean_f1(self.matrix)))


if __name__ == "__main__":
    one_of_two(int(sys.argv[1]), *sys.argv[2:])

"""model/trainee.py: the edge branch, model files taken back, norms over several processes; model/schedule.py, metrics.py."""
import dataclasses
import os
import subprocess
import sys
import tempfile
import types
import unittest

import numpy as np
import torch
from PIL import Image
from torch import distributed, nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model"))

import arches
import convert
import datasets
import frames
import metrics
import safetensors
import schedule
import train
import trainee
from reference import Arch, DmlCsr
from trainee import Trainee

CLASSES = 7
TINY = Arch("basic", (1, 1, 1, 1), (8, 8, 8), (8, 8, 16, 16), 16, (16, 8), CLASSES)


def lively(model, seed):
    """Norms and gammas that matter, as training makes them."""
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

    def test_nothing_of_the_parser_depends_on_it(self):
        model = lively(Trainee(TINY), 1).eval()
        x = torch.randn(1, 3, 65, 49)
        before = model(x).parsing
        for value in model.edge_layer.parameters():
            nn.init.normal_(value)
        self.assertTrue((model(x).parsing == before).all())

    def test_edge_tasks_train_the_encoder_alone(self):
        model = lively(Trainee(TINY), 2)
        outputs = model(torch.randn(2, 3, 65, 49))
        (outputs.category.square().sum() + outputs.binary.square().sum()).backward()
        with_gradient = {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None}
        self.assertEqual(with_gradient, {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "layer1", "layer2", "layer3",
                                         "edge_layer"})


class ModelFile(unittest.TestCase):
    def test_a_network_taken_back_answers_as_the_file_does(self):
        folded = convert.fold(lively(DmlCsr(TINY), 3))
        want = DmlCsr(TINY, folded=True).eval()
        want.load_state_dict(folded)
        x = torch.randn(4, 3, 64, 64)
        got = trainee.unfold(Trainee(TINY), folded, x).eval()
        expected = want(x)
        self.assertLess((got(x).parsing - expected).abs().max().item(), 1e-4 * expected.abs().max().item())
        again = convert.fold(got)
        for name, tensor in folded.items():
            self.assertLess((again[name] - tensor).abs().max().item(), 1e-4 * max(1, tensor.abs().max().item()), name)

    def test_its_norms_then_normalise(self):
        x = torch.randn(8, 3, 64, 64)
        model = trainee.unfold(Trainee(TINY), convert.fold(lively(DmlCsr(TINY), 4)), x)
        plain = model.eval()(x).parsing
        trained = model.train()(x).parsing
        self.assertLess((plain - trained).abs().max().item(), 1e-2 * plain.abs().max().item())


class Beginning(unittest.TestCase):
    """train.py --from, by the order of the channels that a file's network was trained with."""
    ARCH = dataclasses.replace(TINY, classes=11)

    def begun(self, path):
        portrait = frames.prepare(64, Image.new("RGB", (64, 64), "#806040"), Image.new("L", (64, 64), 1))
        run = types.SimpleNamespace(model=Trainee(self.ARCH), arch=self.ARCH, seed=0, device=torch.device("cpu"),
                                    material=types.SimpleNamespace(portraits=[portrait], scenes=[], side=64),
                                    to_device=lambda x: x, show=lambda *_: None)
        train.begin(run, path)
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


def batches_of_two():
    return torch.randn(2, 3, 3, 65, 65, generator=torch.Generator().manual_seed(6))


def one_of_two(rank, folder):
    """A process with its half of a batch: gradients as DistributedDataParallel averages them, and statistics."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = trainee.share_norms(lively(Trainee(TINY), 5))
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
        torch.manual_seed(0)
        whole = lively(Trainee(TINY), 5)
        square(whole(batches_of_two().flatten(0, 1))).backward()
        with tempfile.TemporaryDirectory() as folder:
            both = [subprocess.Popen([sys.executable, os.path.abspath(__file__), str(rank), folder]) for rank in (0, 1)]
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
        self.assertEqual(self.plan().window(0)[0], 128)
        self.assertEqual(self.plan().window(1.0)[0], 256)
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

    def test_a_class_that_is_nowhere_has_no_score(self):
        self.matrix[3], self.matrix[:, 3] = 0, 0
        self.assertTrue(np.isnan(metrics.f1(self.matrix)[3]))
        self.assertFalse(np.isnan(metrics.mean_f1(self.matrix)))


if __name__ == "__main__":
    one_of_two(int(sys.argv[1]), sys.argv[2])

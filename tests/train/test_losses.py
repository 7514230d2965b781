"""model/losses.py and model/csr.py against the formulas written out, pixel by pixel."""
import copy
import itertools
import os
import sys
import unittest

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model"))

import csr
import losses
from losses import IGNORE, Outputs, Soft, Truth
from reference import Arch
from trainee import Trainee

CLASSES, HEIGHT, WIDTH = 5, 12, 14
TINY = Arch("basic", (1, 1, 1, 1), (8, 8, 8), (8, 8, 8, 16), 16, (16, 8), CLASSES)


def labels_of(rng, ignored=0.1):
    """Patches of classes, some pixels unknown."""
    coarse = rng.integers(0, CLASSES, (2, HEIGHT // 3 + 1, WIDTH // 3 + 1))
    labels = coarse.repeat(3, 1).repeat(3, 2)[:, :HEIGHT, :WIDTH].copy()
    labels[rng.random(labels.shape) < ignored] = IGNORE
    return torch.from_numpy(labels)


def hard(labels):
    return Truth(labels, labels, torch.ones(labels.shape))


def logits_of(rng, channels=CLASSES):
    return torch.from_numpy(rng.normal(0, 2, (2, channels, HEIGHT, WIDTH)).astype(np.float32))


def outputs_of(rng):
    return Outputs(logits_of(rng), logits_of(rng), logits_of(rng, 2))


def slow_edges(labels):
    """Known pixels with two different known labels in the square of themselves and their eight neighbours."""
    edge = np.zeros(labels.shape, bool)
    for n, y, x in np.ndindex(*labels.shape):
        seen = set()
        for dy, dx in itertools.product((-1, 0, 1), repeat=2):
            if 0 <= y + dy < labels.shape[1] and 0 <= x + dx < labels.shape[2]:
                seen.add(int(labels[n, y + dy, x + dx]))
        edge[n, y, x] = labels[n, y, x] != IGNORE and len(seen - {IGNORE}) > 1
    return edge


def slow_cross_entropy(logits, labels, weights, where):
    """Weighted mean of -log p over the pixels where."""
    above = below = 0.0
    log_p = logits.double().log_softmax(1).numpy()
    for n, y, x in np.argwhere(where):
        label = labels[n, y, x]
        above -= weights[label] * log_p[n, label, y, x]
        below += weights[label]
    return above / max(below, 1)


class Losses(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(7)
        self.weights = torch.tensor([0.5, 1, 2, 1.5, 3])

    def test_edges_are_where_neighbours_differ(self):
        labels = labels_of(self.rng)
        self.assertTrue((losses.edges(labels).numpy() == slow_edges(labels.numpy())).all())
        self.assertFalse(losses.edges(torch.full((1, 4, 4), 3)).any())

    def test_parts_are_the_formulas(self):
        labels, outputs = labels_of(self.rng), outputs_of(self.rng)
        _, parts = losses.total(outputs, hard(labels), self.weights)
        array, edge = labels.numpy(), slow_edges(labels.numpy())
        known, plain = array != IGNORE, self.weights.numpy()
        category = np.where(edge, array, 0)
        balance = 1 - np.bincount(category[known], minlength=CLASSES) / known.sum()
        binary = 1 - np.bincount(edge[known].astype(int), minlength=2) / known.sum()
        want = {
            "binary": slow_cross_entropy(outputs.binary, edge.astype(int), binary, known),
            "category": slow_cross_entropy(outputs.category, category, balance, known),
            "binary attention": slow_cross_entropy(outputs.parsing, array, plain, edge),
            "category attention": slow_cross_entropy(outputs.parsing, array, plain, edge & (array > 0)),
        }
        for name, value in want.items():
            self.assertAlmostEqual(parts[name].item(), value, 4, name)

    def test_total_has_the_papers_weights(self):
        labels, outputs = labels_of(self.rng), outputs_of(self.rng)
        total, parts = losses.total(outputs, hard(labels), self.weights)
        want = (parts["parsing"] + parts["binary"] + 0.1 * parts["category"] + 4 * parts["binary attention"]
                + parts["category attention"])
        self.assertAlmostEqual(total.item(), want.item(), 5)

    def test_without_edge_tasks_only_parsing_counts(self):
        labels, outputs = labels_of(self.rng), outputs_of(self.rng)
        total, parts = losses.total(outputs, hard(labels), self.weights, decoupled=False)
        self.assertEqual(list(parts), ["parsing"])
        self.assertEqual(total.item(), parts["parsing"].item())

    def test_lovasz_of_a_decision_is_one_minus_iou(self):
        truth = labels_of(self.rng, 0)[0].flatten()
        found = torch.where(torch.from_numpy(self.rng.random(len(truth)) < 0.3), (truth + 1) % CLASSES, truth)
        loss = losses.lovasz_softmax(F.one_hot(found, CLASSES).float(), truth)
        ious = [((truth == c) & (found == c)).sum() / ((truth == c) | (found == c)).sum() for c in truth.unique()]
        self.assertAlmostEqual(loss.item(), 1 - torch.stack(ious).mean().item(), 5)

    def test_all_unknown_is_no_loss(self):
        outputs = Outputs(*(x.requires_grad_() for x in outputs_of(self.rng)))
        total, _ = losses.total(outputs, hard(torch.full((2, HEIGHT, WIDTH), IGNORE)), self.weights)
        total.backward()
        self.assertEqual(total.item(), 0)
        self.assertEqual(outputs.parsing.grad.abs().max().item(), 0)

    def test_a_teachers_two_classes_count_by_their_share(self):
        logits = logits_of(self.rng)
        labels, second = labels_of(self.rng), labels_of(self.rng, 0)
        share = torch.from_numpy(self.rng.uniform(0.5, 1, labels.shape).astype(np.float32))
        ones = torch.ones(CLASSES)
        found = losses.parsing_cross_entropy(logits, Truth(labels, second, share), ones, None, 0)
        log_p, want, count = logits.log_softmax(1), 0.0, 0
        for n, y, x in np.argwhere(labels.numpy() != IGNORE):
            part = share[n, y, x]
            want -= part * log_p[n, labels[n, y, x], y, x] + (1 - part) * log_p[n, second[n, y, x], y, x]
            count += 1
        self.assertAlmostEqual(found.item(), want.item() / count, 4)

    def test_a_teacher_without_doubt_is_plain_truth(self):
        logits, labels = logits_of(self.rng), labels_of(self.rng)
        nearly = torch.full(labels.shape, 1 - 1e-6)
        found = losses.parsing_cross_entropy(logits, Truth(labels, labels, nearly), self.weights, None, 0)
        plain = losses.parsing_cross_entropy(logits, hard(labels), self.weights, None, 0)
        self.assertAlmostEqual(found.item(), plain.item(), 4)

    def test_self_regulation_is_the_divergence_to_the_running_mean(self):
        labels, guide = labels_of(self.rng, 0), logits_of(self.rng).softmax(1)
        for cycle in (1, 2, 3):
            logits = logits_of(self.rng).requires_grad_()
            share = cycle / (cycle + 1)
            regulated = losses.regulated(logits, labels, torch.ones(CLASSES), guide, share)
            found, = torch.autograd.grad(regulated, logits)
            mean = share * guide + (1 - share) * F.one_hot(labels, CLASSES).permute(0, 3, 1, 2)
            divergence = F.kl_div(logits.log_softmax(1), mean, reduction="sum") / labels.numel()
            want, = torch.autograd.grad(divergence, logits)
            self.assertLess((found - want).abs().max().item(), 1e-7, f"cycle {cycle}")

    def test_self_regulation_softens_all_three_tasks(self):
        labels, outputs = labels_of(self.rng), outputs_of(self.rng)
        soft = Soft(Outputs(*(x.softmax(1) for x in outputs_of(self.rng))), 0.5)
        _, plain = losses.total(outputs, hard(labels), self.weights)
        _, softened = losses.total(outputs, hard(labels), self.weights, soft)
        changed = {name for name in plain if plain[name].item() != softened[name].item()}
        self.assertEqual(changed, {"parsing", "binary", "category"})


class SelfEnsemble(unittest.TestCase):
    def test_ensemble_is_the_mean_of_the_cycles_models(self):
        models = []
        for seed in range(4):
            torch.manual_seed(seed)
            models.append(Trainee(TINY))
        ensemble = None
        for cycle, model in enumerate(models):
            ensemble = csr.average(ensemble, model, cycle)
        for (name, value), *others in zip(ensemble.named_parameters(), *(m.parameters() for m in models)):
            self.assertLess((value - torch.stack(others).mean(0)).abs().max().item(), 1e-6, name)

    def test_the_models_are_left_alone(self):
        model = Trainee(TINY)
        before = copy.deepcopy(model.state_dict())
        ensemble = csr.average(csr.average(None, model, 0), Trainee(TINY), 1)
        self.assertIsNot(ensemble, model)
        self.assertTrue(all((before[name] == value).all() for name, value in model.state_dict().items()))

    def test_norms_statistics_are_those_of_all_batches(self):
        model = Trainee(TINY)
        batches = [torch.randn(2, 3, 64, 64) * 3 + 1 for _ in range(5)]
        csr.estimate_norms(model, batches)
        inputs = [model.conv1(x) for x in batches]
        mean = torch.stack([y.mean((0, 2, 3)) for y in inputs]).mean(0)
        variance = torch.stack([y.var((0, 2, 3)) for y in inputs]).mean(0)
        self.assertLess((model.bn1.running_mean - mean).abs().max().item(), 1e-4)
        self.assertLess(((model.bn1.running_var - variance) / variance).abs().max().item(), 1e-3)
        self.assertFalse(model.training)
        self.assertEqual(model.bn1.momentum, 0.1)

    def test_truths_share_falls_with_the_cycles(self):
        model = Trainee(TINY).eval()
        for cycle in (1, 2, 3):
            soft = csr.soft_targets(model, torch.randn(1, 3, 64, 64), cycle)
            self.assertEqual(soft.share, cycle / (cycle + 1))
            for map_ in soft.outputs:
                self.assertLess((map_.sum(1) - 1).abs().max().item(), 1e-5)

"""model/training/losses.py, partial.py and csr.py against the formulas written out, pixel by pixel."""
import copy
import itertools
import os
import sys
import unittest

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training"))

import arches
import csr
import losses
import partial
from losses import IGNORE, Outputs, Soft
from reference import Arch, Layer, Level, resnet
from trainee import Trainee

torch.set_num_threads(1)
CLASSES, HEIGHT, WIDTH = 5, 12, 14
SOME = {100: (0, 4), 101: (1, 2, 3), 102: (0, 1, 2, 3, 4), 103: (2,)}  # code -> the classes that it allows
ALLOWED = torch.ones(256, CLASSES, dtype=torch.bool)
ALLOWED[:CLASSES] = torch.eye(CLASSES, dtype=torch.bool)
for code, some in SOME.items():
    ALLOWED[code] = torch.tensor([label in some for label in range(CLASSES)])
TINY = resnet("basic", (1, 1, 1, 1), (8, 8, 8), (8, 8, 8, 16), 16, (16, 8), CLASSES)
TINY_INVERTED = Arch("inverted", (8,), (Layer(1, 8), Layer(1, 8, 2, 1, 3, 2), Layer(2, 16, 2, 1, 5, 2), Layer(1, 16, 2, 1, 3, 2)),
                     16, (Level(16, 8, 3), Level(8, 8, 3)), CLASSES)


def labels_of(rng, ignored=0.1, codes=0.0):
    """Patches of classes, some pixels unknown, some of which only a set of classes is known."""
    coarse = rng.integers(0, CLASSES, (2, HEIGHT // 3 + 1, WIDTH // 3 + 1))
    labels = coarse.repeat(3, 1).repeat(3, 2)[:, :HEIGHT, :WIDTH].copy()
    labels[rng.random(labels.shape) < ignored] = IGNORE
    where = rng.random(labels.shape) < codes
    labels[where] = rng.choice(list(SOME), where.sum())
    return torch.from_numpy(labels)


def logits_of(rng, channels=CLASSES):
    return torch.from_numpy(rng.normal(0, 2, (2, channels, HEIGHT, WIDTH)).astype(np.float32))


def outputs_of(rng):
    return Outputs(logits_of(rng), logits_of(rng), logits_of(rng, 2))


def around(labels, n, y, x):
    """The labels of a pixel and of its eight neighbours."""
    return {int(labels[n, y + dy, x + dx]) for dy, dx in itertools.product((-1, 0, 1), repeat=2)
            if 0 <= y + dy < labels.shape[1] and 0 <= x + dx < labels.shape[2]}


def slow_edges(labels):
    """Pixels of one class with two different classes in the square of themselves and their eight neighbours; and where all
    nine are of one class each, so that this is known."""
    edge, known = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    for n, y, x in np.ndindex(*labels.shape):
        seen = around(labels, n, y, x)
        classes = {label for label in seen if label < CLASSES}
        edge[n, y, x] = labels[n, y, x] < CLASSES and len(classes) > 1
        known[n, y, x] = classes == seen
    return edge, known


def slow_cross_entropy(logits, labels, weights, where):
    """Weighted mean of -log p over the pixels where."""
    above = below = 0.0
    log_p = logits.double().log_softmax(1).numpy()
    for n, y, x in np.argwhere(where):
        label = labels[n, y, x]
        above -= weights[label] * log_p[n, label, y, x]
        below += weights[label]
    return above / max(below, 1)


def slow_marginal(logits, labels, weights):
    """-log of the summed probability of what a pixel may be; of one class, by its weight."""
    p = np.exp(logits.numpy().astype(float))
    p /= p.sum(1, keepdims=True)
    loss = np.zeros(labels.shape)
    for n, y, x in np.ndindex(*labels.shape):
        label = int(labels[n, y, x])
        some = (label,) if label < CLASSES else SOME.get(label, range(CLASSES))
        loss[n, y, x] = -np.log(sum(p[n, c, y, x] for c in some)) * (weights[label] if label < CLASSES else 1)
    return loss


class PartialLabels(unittest.TestCase):
    def test_a_set_allows_its_classes(self):
        """By name, and in each label set; a part that a label set doesn't name is its background."""
        inside = (*partial.FACE, "eyeglasses", "hair")
        for classes in arches.LABELS:
            names, table = list(arches.LABELS[classes]), partial.allowed(classes)
            self.assertEqual((table.dtype, table.shape), (bool, (256, classes)))
            self.assertTrue((table[:classes] == np.eye(classes, dtype=bool)).all())
            self.assertTrue(table[partial.IGNORE].all() and table[classes:100].all() and table[120:].all())
            for name, code in partial.CODES.items():
                want = {part for part in partial.SETS[name] if part in names}
                if any(part not in names and part not in inside for part in partial.SETS[name]):
                    want.add("background")
                self.assertEqual({names[i] for i in np.flatnonzero(table[code])}, want, f"{name} of {classes}")

    def test_what_webcam_sets_know(self):
        names, table = list(arches.LABELS[20]), partial.allowed(20)
        allows = lambda name: {names[i] for i in np.flatnonzero(table[partial.CODES[name]])}
        self.assertEqual(allows("background or body"), {"background", "body"})
        self.assertEqual(allows("person"), set(names) - {"background"})
        self.assertEqual(allows("person without hair"), set(names) - {"background", "hair"})
        self.assertFalse(allows("bare skin") & {"background", "hair", "hat", "eyeglasses", "cloth"})
        self.assertFalse(allows("beside an 11-class face") & {"skin", "nose", "hair", "mouth", "left eye"})

    def test_codes_are_no_classes(self):
        codes = sorted(partial.CODES.values())
        self.assertEqual(codes, list(range(partial.FIRST, partial.FIRST + len(codes))))
        self.assertTrue(max(arches.LABELS) <= partial.FIRST and codes[-1] < partial.IGNORE)


class Marginal(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(11)
        self.weights = torch.tensor([0.5, 1, 2, 1.5, 3])

    def test_is_the_formula(self):
        logits, labels = logits_of(self.rng), labels_of(self.rng, 0.1, 0.5)
        self.assertEqual({*range(CLASSES), *SOME, IGNORE}, set(labels.unique().tolist()))
        found = losses.marginal(logits, labels, ALLOWED, self.weights).numpy()
        self.assertLess(np.abs(found - slow_marginal(logits, labels, self.weights.numpy())).max(), 1e-5)

    def test_of_single_classes_it_is_weighted_cross_entropy(self):
        logits, labels = logits_of(self.rng), labels_of(self.rng, 0)
        found = losses.marginal(logits, labels, ALLOWED, self.weights)
        want = F.cross_entropy(logits, labels, self.weights, reduction="none")
        self.assertTrue((found == want).all())

    def test_nothing_is_learnt_where_all_is_allowed(self):
        labels = labels_of(self.rng, 0, 0)
        labels[:, :4], labels[:, 4:8], labels[:, 8] = IGNORE, 102, 77
        logits = logits_of(self.rng).requires_grad_()
        loss = losses.marginal(logits, labels, ALLOWED, self.weights)
        loss.sum().backward()
        self.assertEqual(loss[:, :9].abs().max().item(), 0)
        self.assertEqual(logits.grad[:, :, :9].abs().max().item(), 0)
        self.assertTrue((logits.grad[:, :, 9:].abs().sum(1) > 0).all())

    def test_its_gradient_chooses_none_of_the_allowed(self):
        """Classes of a set keep their shares among each other: with equal logits they get equal gradients."""
        logits = torch.zeros(1, CLASSES, 1, 1, requires_grad=True)
        losses.marginal(logits, torch.full((1, 1, 1), 101), ALLOWED, self.weights).sum().backward()
        got = logits.grad.flatten()
        self.assertTrue(torch.allclose(got, torch.tensor([0.2, 0.2 - 1 / 3, 0.2 - 1 / 3, 0.2 - 1 / 3, 0.2])), got)

    def test_far_logits_stay_finite(self):
        logits = torch.tensor([300.0, -300, -300, -300, 0]).view(1, CLASSES, 1, 1).requires_grad_()
        loss = losses.marginal(logits, torch.full((1, 1, 1), 101), ALLOWED, self.weights)
        loss.sum().backward()
        self.assertAlmostEqual(loss.item(), 600 - np.log(3), 2)
        self.assertTrue(logits.grad.isfinite().all())

    def test_the_ensembles_prediction_is_kept_to_what_is_allowed(self):
        logits, labels = logits_of(self.rng), labels_of(self.rng, 0.1, 0.5)
        guide = logits_of(self.rng).softmax(1)
        found = losses.soft_marginal(logits, guide, labels, ALLOWED).numpy()
        log_p = logits.double().log_softmax(1).numpy()
        for n, y, x in np.ndindex(*labels.shape):
            label = int(labels[n, y, x])
            some = [label] if label < CLASSES else list(SOME.get(label, range(CLASSES)))
            share = guide[n, some, y, x].double().numpy()
            self.assertAlmostEqual(found[n, y, x], -(share / share.sum() * log_p[n, some, y, x]).sum(), 4)

    def test_a_prediction_without_anything_allowed_counts_nothing(self):
        guide = torch.zeros(1, CLASSES, 1, 1)
        guide[0, 0] = 1
        loss = losses.soft_marginal(torch.zeros(1, CLASSES, 1, 1), guide, torch.full((1, 1, 1), 103), ALLOWED)
        self.assertEqual(loss.item(), 0)


class Losses(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(7)
        self.weights = torch.tensor([0.5, 1, 2, 1.5, 3])

    def total(self, outputs, labels, *more, **named):
        return losses.total(outputs, labels, ALLOWED, self.weights, *more, **named)

    def test_edges_are_where_neighbours_differ(self):
        for ignored, codes in ((0, 0), (0.1, 0), (0.05, 0.1), (0, 1)):
            labels = labels_of(self.rng, ignored, codes)
            for found, want in zip(losses.edges(labels, CLASSES), slow_edges(labels.numpy())):
                self.assertTrue((found.numpy() == want).all(), (ignored, codes))
        self.assertFalse(losses.edges(torch.full((1, 4, 4), 3), CLASSES)[0].any())

    def test_a_neighbour_that_may_be_anything_is_no_edge_and_leaves_none_known(self):
        for unknown in (IGNORE, 100, 101):
            labels = torch.full((1, 5, 7), 2)
            labels[0, 2, 3] = unknown
            edge, known = losses.edges(labels, CLASSES)
            self.assertFalse(edge.any())
            self.assertEqual(sorted(map(tuple, np.argwhere(~known[0].numpy()))),
                             sorted(itertools.product((1, 2, 3), (2, 3, 4))))
            labels[0, :, 4:] = 1
            edge, _ = losses.edges(labels, CLASSES)
            self.assertTrue(edge[0, :2, 3:5].all() and edge[0, 2, 4] and not edge[0, 2, 3])

    def formulas(self, ignored, codes):
        labels, outputs = labels_of(self.rng, ignored, codes), outputs_of(self.rng)
        _, parts = self.total(outputs, labels)
        array, plain = labels.numpy(), self.weights.numpy()
        edge, known = slow_edges(array)
        self.assertTrue((edge & ~known).any() and (known & ~edge).any() and (known & edge).any())
        category = np.where(edge, array, 0)
        balance = 1 - np.bincount(category[known], minlength=CLASSES) / known.sum()
        binary = 1 - np.bincount(edge[known].astype(int), minlength=2) / known.sum()
        cross = slow_marginal(outputs.parsing, array, plain)
        hardest = np.sort(cross.flatten())[::-1][:cross.size // 8]
        exact = outputs.parsing.permute(0, 2, 3, 1)[labels < CLASSES].softmax(1)
        lovasz = losses.lovasz_softmax(exact, labels[labels < CLASSES]).item()
        want = {
            "binary": slow_cross_entropy(outputs.binary, edge.astype(int), binary, known),
            "category": slow_cross_entropy(outputs.category, category, balance, known),
            "binary attention": slow_cross_entropy(outputs.parsing, array, plain, edge),
            "category attention": slow_cross_entropy(outputs.parsing, array, plain, edge & (array > 0)),
            "parsing": (cross.mean() + 0.5 * hardest.mean() + lovasz) / 2,
        }
        self.assertEqual(set(parts), set(want))
        for name, value in want.items():
            self.assertAlmostEqual(parts[name].item(), value, 4, name)

    def test_parts_are_the_formulas(self):
        self.formulas(0.04, 0)

    def test_parts_are_the_formulas_of_partial_labels_too(self):
        self.formulas(0.02, 0.05)

    def test_total_has_the_papers_weights(self):
        labels, outputs = labels_of(self.rng, 0.1, 0.1), outputs_of(self.rng)
        total, parts = self.total(outputs, labels)
        want = (parts["parsing"] + parts["binary"] + 0.1 * parts["category"] + 4 * parts["binary attention"]
                + parts["category attention"])
        self.assertAlmostEqual(total.item(), want.item(), 5)

    def test_without_edge_tasks_only_parsing_counts(self):
        labels, outputs = labels_of(self.rng, 0.1, 0.1), Outputs(logits_of(self.rng), None, None)
        total, parts = self.total(outputs, labels, decoupled=False)
        self.assertEqual(list(parts), ["parsing"])
        self.assertEqual(total.item(), parts["parsing"].item())

    def test_lovasz_of_a_decision_is_one_minus_iou(self):
        truth = labels_of(self.rng, 0)[0].flatten()
        found = torch.where(torch.from_numpy(self.rng.random(len(truth)) < 0.3), (truth + 1) % CLASSES, truth)
        loss = losses.lovasz_softmax(F.one_hot(found, CLASSES).float(), truth)
        ious = [((truth == c) & (found == c)).sum() / ((truth == c) | (found == c)).sum() for c in truth.unique()]
        self.assertAlmostEqual(loss.item(), 1 - torch.stack(ious).mean().item(), 5)

    def test_lovasz_of_many_pixels_is_of_some_that_have_one_class(self):
        """All pixels have one of two logits: whichever are drawn, the loss is nearly that of all; unknown ones never count."""
        side = 200
        self.assertGreater(side * side // 2, losses.LOVASZ_PIXELS)
        labels = torch.from_numpy(self.rng.integers(0, 2, (1, side, side)))
        logits = torch.zeros(1, CLASSES, side, side)
        logits[:, 1] = torch.where(labels == 1, 1.0, -1.0)
        want = losses.lovasz_softmax(logits.permute(0, 2, 3, 1).reshape(-1, CLASSES).softmax(1), labels.flatten())
        wrong = torch.from_numpy(self.rng.random((1, side, side)) < 0.3)
        labels[wrong] = torch.from_numpy(self.rng.choice((IGNORE, 100, 101), wrong.sum().item()))
        logits[0, 4, wrong[0]] = 50
        torch.manual_seed(0)
        self.assertAlmostEqual(losses.lovasz(logits, labels).item(), want.item(), 2)

    def test_all_unknown_is_no_loss(self):
        for unknown in (IGNORE, 102):
            outputs = Outputs(*(x.requires_grad_() for x in outputs_of(self.rng)))
            soft = Soft(Outputs(*(x.softmax(1) for x in outputs_of(self.rng))), 0.5)
            for guide in (None, soft) if unknown == IGNORE else (None,):
                total, _ = self.total(outputs, torch.full((2, HEIGHT, WIDTH), unknown), guide)
                total.backward()
                self.assertEqual(total.item(), 0)
                for map_ in outputs:
                    self.assertEqual(0 if map_.grad is None else map_.grad.abs().max().item(), 0)

    def test_self_regulation_of_parsing_is_the_running_mean_of_both(self):
        """Except in the hardest pixels and Lovasz, which use the truth only."""
        logits, labels = logits_of(self.rng), labels_of(self.rng, 0.1, 0.2)
        guide = logits_of(self.rng).softmax(1)
        args = logits, labels, ALLOWED, self.weights
        hard = losses.marginal(*args)
        soft = losses.soft_marginal(logits, guide, labels, ALLOWED).masked_fill(labels == IGNORE, 0)
        plain = losses.parsing(*args, None, 0)
        for cycle in (1, 2, 3):
            share = cycle / (cycle + 1)
            found = losses.parsing(*args, guide, share)
            self.assertAlmostEqual((found - plain).item(), (share * (soft.mean() - hard.mean()) / 2).item(), 5)

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
        labels, outputs = labels_of(self.rng, 0.02, 0.05), outputs_of(self.rng)
        soft = Soft(Outputs(*(x.softmax(1) for x in outputs_of(self.rng))), 0.5)
        torch.manual_seed(0)
        _, plain = self.total(outputs, labels)
        _, softened = self.total(outputs, labels, soft)
        changed = {name for name in plain if plain[name].item() != softened[name].item()}
        self.assertEqual(changed, {"parsing", "binary", "category"})


class SelfEnsemble(unittest.TestCase):
    def test_ensemble_is_the_mean_of_the_cycles_models(self):
        for arch in (TINY, TINY_INVERTED):
            models = []
            for seed in range(4):
                torch.manual_seed(seed)
                models.append(Trainee(arch))
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
        for arch in (TINY, TINY_INVERTED):
            model = Trainee(arch)
            momentum = model.bn1.momentum
            batches = [torch.randn(2, 3, 64, 64) * 3 + 1 for _ in range(5)]
            csr.estimate_norms(model, batches)
            inputs = [model.conv1(x) for x in batches]
            mean = torch.stack([y.mean((0, 2, 3)) for y in inputs]).mean(0)
            variance = torch.stack([y.var((0, 2, 3)) for y in inputs]).mean(0)
            self.assertLess((model.bn1.running_mean - mean).abs().max().item(), 1e-4)
            self.assertLess(((model.bn1.running_var - variance) / variance).abs().max().item(), 1e-3)
            self.assertFalse(model.training)
            self.assertEqual(model.bn1.momentum, momentum)

    def test_truths_share_falls_with_the_cycles(self):
        model = Trainee(TINY).eval()
        for cycle in (1, 2, 3):
            soft = csr.soft_targets(model, torch.randn(1, 3, 64, 64), cycle)
            self.assertEqual(soft.share, cycle / (cycle + 1))
            for map_ in soft.outputs:
                self.assertLess((map_.sum(1) - 1).abs().max().item(), 1e-5)


class Average(unittest.TestCase):
    """The exponential average of the last steps' weights and statistics."""

    def models(self, count):
        found = []
        for seed in range(count):
            torch.manual_seed(seed)
            model = Trainee(TINY_INVERTED)
            for name, value in model.state_dict().items():
                if name.endswith(("running_mean", "running_var")):
                    value.copy_(torch.rand(value.shape))
            found.append(model)
        return found

    def test_follows_a_model(self):
        """w' = k w + (1 - k) w_model, with k = (1 + n) / (10 + n) at first, then 0.998; of parameters and statistics."""
        start, *models = self.models(4)
        for first in (0, 20000):
            average = copy.deepcopy(start)
            want = {name: value.double() for name, value in start.state_dict().items()}
            for steps, model in enumerate(models, first):
                csr.follow(average, model, steps)
                keep = min(0.998, (1 + steps) / (10 + steps))
                for name, value in model.state_dict().items():
                    want[name] = keep * want[name] + (1 - keep) * value.double()
            for name, value in average.state_dict().items():
                if value.is_floating_point():
                    self.assertLess((value - want[name]).abs().max().item(), 1e-5, name)

    def test_leaves_the_model_alone(self):
        average, model = self.models(2)
        before = copy.deepcopy(model.state_dict())
        csr.follow(average, model, 5)
        self.assertTrue(all((before[name] == value).all() for name, value in model.state_dict().items()))
        self.assertFalse(any(a.data_ptr() == b.data_ptr() for a, b in zip(average.parameters(), model.parameters())))

    def test_a_model_that_stays_is_reached(self):
        average, model = self.models(2)
        for steps in range(400):
            csr.follow(average, model, steps)
        for (name, a), b in zip(average.named_parameters(), model.parameters()):
            self.assertLess((a - b).abs().max().item(), 1e-3, name)


if __name__ == "__main__":
    unittest.main()

"""model/training/scores.py, leaks.py and card.py: measures of masks whose answers are known, and that a leak is found."""
import itertools
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training")
sys.path.insert(0, MODEL)

import arches
import card
import datasets
import leaks
import people
import scores

INDEX = {name: i for i, name in enumerate(arches.LABELS[20])}


def square(size, top, left, side):
    mask = np.zeros((size, size), bool)
    mask[top:top + side, left:left + side] = True
    return mask


class Answers:
    """Stands for a network: it gives the next of the answers."""

    def __init__(self, answers, classes=20):
        self.answers, self.classes, self.names = iter(answers), classes, people.Names.of(classes)

    def labels(self, _):
        return next(self.answers)


class Masks(unittest.TestCase):
    def test_boundary_is_exact_where_masks_are_the_same(self):
        mask = square(40, 10, 10, 12)
        self.assertEqual(scores.boundary_f1(scores.boundary_counts(mask, mask)), 1)

    def test_boundary_forgives_two_pixels_and_no_third(self):
        mask = square(60, 20, 20, 20)
        self.assertEqual(scores.boundary_f1(scores.boundary_counts(mask, np.roll(mask, 2, 1))), 1)
        counts = scores.boundary_counts(mask, np.roll(mask, 3, 1))
        # The columns are too far, the two rows reach each other but for their ends.
        self.assertLess(scores.boundary_f1(counts), 0.6)
        self.assertEqual(counts[0], 4 * 20 - 4)

    def test_boundary_of_nothing(self):
        nothing, mask = np.zeros((30, 30), bool), square(30, 5, 5, 10)
        self.assertTrue(np.isnan(scores.boundary_f1(scores.boundary_counts(nothing, nothing))))
        self.assertEqual(scores.boundary_counts(mask, nothing).tolist(), [0, 0, 36, 0])

    def test_largest_piece(self):
        large, small = square(64, 8, 8, 20), square(64, 44, 44, 8)
        self.assertTrue((scores.largest_piece(large | small) == large).all())
        self.assertFalse(scores.largest_piece(np.zeros((64, 64), bool)).any())

    def test_box_iou(self):
        self.assertAlmostEqual(scores.box_iou((0, 0, 10, 10), (5, 0, 15, 10)), 1 / 3)
        self.assertEqual(scores.box_iou((0, 0, 10, 10), (20, 20, 30, 30)), 0)


class Sets(unittest.TestCase):
    def test_rooms(self):
        half, clean = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
        half[:5] = INDEX["cloth"]
        figures = scores.room_figures(Answers([half, clean]), [("a", None, None)] * 2)
        self.assertEqual(figures, {"labelled": 0.25, "worst": 0.5, "clean": 0.5})

    def test_people_are_measured_in_what_is_known(self):
        """Unknown pixels don't count, nor hats on somebody of whom only the person is known; other classes are a person too."""
        truth = np.array([[0, 0, 255, 8, 8, 2, 2, 5]], np.uint8)
        found = np.array([[0, INDEX["skin"], INDEX["hat"], INDEX["hat"], INDEX["nose"], INDEX["hair"], 0, INDEX["cloth"]]], np.uint8)
        figures = scores.person_figures(Answers([found]), [("a", None, truth)])
        self.assertAlmostEqual(figures["person"]["iou"], 4 / 6)
        self.assertAlmostEqual(figures["hair"]["iou"], 1 / 2)
        self.assertEqual(figures["cloth"]["iou"], 1)
        self.assertNotIn("hat", figures, "no picture shows one")

    def test_a_body_is_no_error_on_portraits(self):
        truth = np.zeros((8, 8), np.uint8)
        truth[:4] = INDEX["hair"]
        found = np.where(truth == 0, INDEX["body"], truth).astype(np.uint8)

        class Pictures(list):
            classes = 19
        figures = scores.Portraits(Answers([found]), Pictures()).view([(None, truth)])
        self.assertEqual((figures["mean_f1"], figures["miou"], figures["boundary_f1"]), (1, 1, 1))


class Found(unittest.TestCase):
    def test_glasses_do_not_divide_a_face(self):
        labels = np.zeros((scores.HEIGHT, scores.WIDTH), np.uint8)
        labels[100:196, 200:270] = INDEX["skin"]
        labels[130:150, 200:270] = INDEX["eyeglasses"]
        scenes = scores.Scenes.__new__(scores.Scenes)  # without pictures
        scenes.network, scenes.scene = Answers(itertools.repeat(labels)), lambda rng, part: (None, labels)
        scenes.truth = scenes.guess = scores.face_with_glasses(people.Names.of(20))
        self.assertEqual(scenes.found(0.2), 1)
        scenes.network = Answers(itertools.repeat(np.where(labels == INDEX["skin"], 0, labels)))
        self.assertEqual(scenes.found(0.2), 0)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        names = (f"p{i}" for i in itertools.count())
        self.kept = list(itertools.islice((n for n in names if not datasets.held_out(n)), 3))
        names = (f"p{i}" for i in itertools.count())
        self.held_out = next(n for n in names if datasets.held_out(n))
        os.makedirs(f"{self.folder.name}/images")
        os.makedirs(f"{self.folder.name}/masks")
        for i, name in enumerate([*self.kept, self.held_out]):
            self.save(name, i)

    def save(self, name, seed, **how):
        blocks = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(blocks).save(f"{self.folder.name}/images/{name}.jpg", **how)
        Image.new("L", (72, 64), 13).save(f"{self.folder.name}/masks/{name}.png")

    def test_pictures_that_differ_are_no_leak(self):
        self.assertEqual(leaks.leaks([self.folder.name]), [])

    def test_a_picture_that_was_compressed_again_is_one(self):
        self.save(self.held_out, 1, quality=30)
        pair = (f"{self.folder.name}: {self.held_out}", f"{self.folder.name}: {self.kept[1]}")
        self.assertEqual(leaks.leaks([self.folder.name]), [pair])
        done = subprocess.run([sys.executable, f"{MODEL}/leaks.py", self.folder.name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.kept[1], done.stdout)
        done = subprocess.run([sys.executable, f"{MODEL}/card.py", f"{MODEL}/../default.safetensors", "--data", self.folder.name],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("also in training", done.stderr)

    def test_the_card_gets_the_tables(self):
        path = f"{self.folder.name}/CARD.md"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"before\n{card.BEGIN}\nold\n{card.END}\nafter\n")
        done = subprocess.run([sys.executable, f"{MODEL}/card.py", f"{MODEL}/../default.safetensors", "--data", self.folder.name,
                               "--card", path], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n") and "old" not in text)
        self.assertIn("| hair | ", text)


if __name__ == "__main__":
    unittest.main()

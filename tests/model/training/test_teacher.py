"""model/training/teacher.py: a teacher says only what a set's own labels leave open, and what it writes is a data set."""
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch
from PIL import Image

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training")
sys.path.insert(0, MODEL)

import arches
import convert
import datasets
import noise
import partial
import safetensors
import teacher
from reference import Arch, Level

torch.set_num_threads(1)
NAMES = list(arches.LABELS[20])
INDEX = {name: i for i, name in enumerate(NAMES)}
ALLOWS = partial.allowed(20)
CODES = partial.CODES
SIDE = 448  # of the teacher's input

# A teacher that knows colours: red 10 * n is class n, and it is sure if green is full.
CODE = """
import numpy as np

class Teacher:
    def __init__(self, weights):
        assert weights == "a file"

    def probabilities(self, rgb):
        assert rgb.shape == (448, 448, 3) and rgb.dtype == np.uint8
        label = ((rgb[..., 0] + 5) // 10).clip(0, 18)
        share = np.where(rgb[..., 1] > 128, 0.9, 0.5)
        found = np.eye(19, dtype=np.float32)[label] * share[..., None]
        return (found + (1 - share[..., None]) / 19).transpose(2, 0, 1).astype(np.float32)
"""


def patches(*rows, size=(SIDE, SIDE), rest=0):
    """Labels with rectangles: (label, top, bottom, left, right)."""
    labels = np.full(size, rest, np.uint8)
    for label, top, bottom, left, right in rows:
        labels[top:bottom, left:right] = label
    return labels


FACE = (INDEX["skin"], 100, 300, 150, 300)


class Taught(unittest.TestCase):
    """How labels change."""

    def taught(self, labels, found, square=(0, 0, SIDE)):
        before = labels.copy()
        result = teacher.taught(labels, found, square, ALLOWS)
        np.testing.assert_array_equal(labels, before)
        return result

    def test_each_label_becomes_what_it_allows_and_else_stays(self):
        """All pairs of a set's label and what the teacher takes it for, below a face."""
        pairs = [(label, found) for label in (*range(20), *CODES.values(), 255) for found in (*range(20), 255)]
        labels, found = patches(rest=255), patches(FACE)
        for i, (label, other) in enumerate(pairs):
            labels[301 + i // 400, i % 400], found[301 + i // 400, i % 400] = label, other
        result = self.taught(labels, found)
        for i, (label, other) in enumerate(pairs):
            got = result[301 + i // 400, i % 400]
            beard = label == INDEX["hair"] and other in (INDEX["skin"], INDEX["neck"])
            fits = other not in (0, 255) and (label == 255 or label == other or
                                              label >= partial.FIRST and NAMES[other] in partial.SETS[NAME_OF[label]])
            self.assertEqual(got, CODES["hair or skin"] if beard else other if fits else label, (label, other))

    def test_a_beard_may_be_hair_or_skin(self):
        hair, skin, neck, nose = (INDEX[name] for name in ("hair", "skin", "neck", "nose"))
        labels = patches((CODES["bare skin"], 100, 300, 150, 300), (hair, 260, 320, 150, 300))
        found = patches(FACE, (neck, 300, 320, 150, 300), (nose, 260, 264, 150, 300))
        result = self.taught(labels, found)
        self.assertTrue((result[264:320, 150:300] == CODES["hair or skin"]).all())
        self.assertTrue((result[260:264, 150:300] == hair).all())
        self.assertTrue((result[100:260, 150:300] == skin).all())

    def test_nobodys_background_stays(self):
        labels = patches((CODES["bare skin"], 100, 300, 150, 300))
        result = self.taught(labels, patches((INDEX["skin"], 0, SIDE, 0, SIDE)))
        self.assertTrue((result[labels == 0] == 0).all())
        self.assertTrue((result[labels != 0] == INDEX["skin"]).all())

    def test_a_head_from_behind_stays(self):
        """Where the teacher sees hardly any face, nothing it says counts, at any size of the square."""
        for side in (SIDE, 224, 896):
            size = (side, side)
            labels = patches(rest=CODES["person"], size=size)
            enough = int(teacher.LEAST_FACE * (side / SIDE) ** 2)
            for count, changed in ((enough - 1, False), (enough, True)):
                found = np.full(size, INDEX["hair"], np.uint8)
                found.ravel()[:count] = INDEX["nose"]
                self.assertEqual((self.taught(labels, found, (0, 0, side)) != labels).any(), changed)

    def test_only_the_square_is_taught(self):
        """Also one that is partly or wholly outside the picture."""
        labels = patches(rest=255, size=(300, 200))
        for left, top, side in ((20, 30, 100), (-50, -60, 150), (120, 250, 120)):
            found = np.random.default_rng(0).choice([INDEX["skin"], INDEX["nose"]], (side, side)).astype(np.uint8)
            result = self.taught(labels, found, (left, top, side))
            for y, x in np.ndindex(300, 200):
                inside = 0 <= y - top < side and 0 <= x - left < side
                if inside != (result[y, x] != 255) or inside and result[y, x] != found[y - top, x - left]:
                    self.fail((left, top, y, x))
        for away in ((200, 0, 50), (0, 300, 50), (-50, 0, 50), (0, -80, 80)):
            found = np.full((away[2], away[2]), INDEX["skin"], np.uint8)
            np.testing.assert_array_equal(self.taught(labels, found, away), labels)

    def test_bare_skin_far_below_a_face_is_a_bodys(self):
        """From a face's height below the chin on; the face's own rows have more than two of its pixels."""
        bare = CODES["bare skin"]
        labels = patches((INDEX["nose"], 100, 151, 50, 80), (bare, 151, 400, 0, 200), (INDEX["skin"], 390, 391, 3, 5))
        got = teacher.below(labels.copy())
        self.assertTrue((got[151:200, :200] == bare).all())
        self.assertTrue((got[200:390, :200] == INDEX["body"]).all())
        unchanged = got == labels
        self.assertTrue((labels[~unchanged] == bare).all())
        np.testing.assert_array_equal(teacher.below(patches((bare, 10, 400, 0, 200))), patches((bare, 10, 400, 0, 200)))

    def test_an_arm_becomes_a_body_of_what_was_taught(self):
        bare = CODES["bare skin"]
        labels = patches((bare, 50, 150, 150, 300), (bare, 300, 440, 20, 100))
        result = self.taught(labels, patches((INDEX["skin"], 50, 150, 150, 300)))
        self.assertTrue((result[300:440, 20:100] == INDEX["body"]).all())


NAME_OF = {code: name for name, code in CODES.items()}


class Square(unittest.TestCase):
    def test_is_about_the_hair(self):
        for hair in ("hair", "hat"):
            labels = patches((INDEX[hair], 100, 160, 200, 280), (INDEX["cloth"], 200, 440, 150, 330))
            left, top, side = teacher.head_square(labels)
            self.assertTrue(left < 200 and left + side > 280 and top < 100 and top + side > 180)
            self.assertAlmostEqual(left + side / 2, 240, delta=6)
            self.assertAlmostEqual(side, teacher.CROP * 1.25 * 76, delta=8)

    def test_long_hair_of_somebody_seen_whole_makes_no_large_head(self):
        labels = patches((INDEX["hair"], 20, 200, 60, 160), (INDEX["cloth"], 100, 420, 60, 160), size=(440, 220))
        _, _, side = teacher.head_square(labels)
        self.assertLess(side, teacher.CROP * 0.22 * 401)

    def test_is_the_whole_where_there_is_no_hair(self):
        self.assertEqual(teacher.head_square(patches(size=(100, 300))), (100, 0, 100))
        self.assertEqual(teacher.head_square(patches(size=(300, 100))), (0, 0, 100))


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(self.path("code.py"), "w", encoding="ascii") as file:
            file.write(CODE)

    def path(self, name):
        return os.path.join(self.folder, name)

    def teach(self, *words, path="data", code="code.py", out="out"):
        command = [sys.executable, os.path.join(MODEL, "teacher.py"), self.path(code), "--data", self.path(path)]
        return subprocess.run([*command, "--out", self.path(out), *words], capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def data(self):
        """People, one of them with a face of bare skin, and of unlabelled ones."""
        for folder in ("images", "labels", "unlabelled"):
            os.makedirs(self.path(f"data/{folder}"))
        people = {name: i for i, name in enumerate(datasets.NAMES[datasets.PEOPLE])}
        labels = patches((people["bare skin"], 40, 100, 30, 90), (people["hair"], 20, 40, 30, 90), size=(128, 128))
        sure = np.zeros((128, 128, 3), np.uint8)
        sure[..., 1] = 255
        sure[20:40, 30:90, 0] = 10 * INDEX["hair"]
        sure[40:100, 30:90, 0] = 10 * INDEX["skin"]
        sure[60:75, 50:70, 0] = 10 * INDEX["nose"]
        sure[80:100, 30:90, 1] = 0  # there it isn't sure
        for name in map(str, range(12)):
            Image.fromarray(sure).save(self.path(f"data/images/{name}.png"))
            Image.fromarray(labels).save(self.path(f"data/labels/{name}.png"))
        Image.fromarray(sure).save(self.path("data/unlabelled/u.png"))
        return sure, labels

    def test_what_it_writes_is_a_set(self):
        sure, labels = self.data()
        done = self.teach("--weights", "a file")
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", f"{self.path('out')}: 13 pictures\n"))
        splits = {split: datasets.read(self.path("out"), split) for split in ("train", "val")}
        self.assertEqual({items.layout for items in splits.values()}, {"taught"})
        items = [item for split in splits.values() for item in split]
        self.assertEqual(sorted(name for name, *_ in items), sorted([*map(str, range(12)), "u"]))
        for name, rgb, truth in items:
            np.testing.assert_array_equal(np.asarray(rgb), sure)
            found = np.asarray(truth)
            self.assertEqual([found[y, x] for y, x in ((30, 60), (50, 60), (67, 60), (90, 60))],
                             [INDEX["hair"], INDEX["skin"], INDEX["nose"], 255 if name == "u" else CODES["bare skin"]])
            if name != "u":
                self.assertTrue((found[labels == 0] == 0).all())
            else:
                self.assertEqual(found[5, 120], 255)

    def test_what_is_there_is_left_as_it_is(self):
        self.data()
        for folder in ("images", "codes"):
            os.makedirs(self.path(f"out/{folder}"))
        Image.new("L", (9, 9), 7).save(self.path("out/codes/3.png"))
        self.assertEqual(self.teach("--weights", "a file").returncode, 0)
        with Image.open(self.path("out/codes/3.png")) as kept:
            self.assertEqual(kept.size, (9, 9))
        self.assertEqual(len(os.listdir(self.path("out/codes"))), 13)

    def test_complete_labels_stay(self):
        """19 classes, which leave open only whether background is a body."""
        self.data()
        os.rename(self.path("data/labels"), self.path("data/masks"))
        self.assertEqual(self.teach("--weights", "a file").returncode, 0)
        table = datasets.mapping(19, 20)
        for split in ("train", "val"):
            pairs = zip(sorted_items(self.path("out"), split), sorted_items(self.path("data"), split))
            for (name, _, truth), (other, _, before) in pairs:
                if name != "u":
                    self.assertEqual(name, other)
                    np.testing.assert_array_equal(np.asarray(truth), table[np.asarray(before)])

    def model(self, classes):
        arch = Arch("inverted", (8,), arches.LITE0, 16, (Level(8, 8, 3), Level(8, 8, 3)), classes)
        description = {"name": "m", "channels": "RGB", "license": "L", "provenance": "P"}
        arrays = convert.stored(noise.weights(arch, (64, 64), 1), "fp32")
        safetensors.write(self.path(f"{classes}.safetensors"), arrays, convert.metadata(arch, (64, 64), False, description))
        return f"{classes}.safetensors"

    def test_a_model_file_is_a_teacher(self):
        for classes in (19, 20):
            knows = teacher.teacher(self.path(self.model(classes)), None)
            found = knows.probabilities(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8))
            self.assertEqual(found.shape, (classes, 64, 64))
            self.assertLess(np.abs(found.sum(0) - 1).max(), 1e-5)

    def test_what_is_asked_of_a_teacher(self):
        """Sure classes at the square's size; beyond the picture it sees black."""
        class Half:
            @staticmethod
            def probabilities(rgb):
                self.assertEqual((rgb.shape, rgb.dtype), ((SIDE, SIDE, 3), np.uint8))
                self.assertEqual(rgb[:200].max(), 0)
                found = torch.full((3, 8, 8), 0.05)
                found[2, :, :4], found[1, :, 4:] = 0.9, 0.5
                return found.numpy()

        found = teacher.asked(Half, Image.new("RGB", (60, 60), "white"), (0, -50, 100))
        self.assertEqual((found.shape, found.dtype), ((100, 100), np.uint8))
        self.assertTrue((found[:, :40] == 2).all() and (found[:, 60:] == 255).all())

    def test_refusals(self):
        """A line for each."""
        self.data()
        open(self.path("words.py"), "w").close()
        for code, path, words in ((self.model(11), "data", "11 classes"), ("none.safetensors", "data", "No such file"),
                                  ("code.py", "none", "No such file"), ("code.py", "data/images", "layout"),
                                  ("words.py", "data", "no class Teacher"), ("data/images/1.png", "data", "header")):
            done = self.teach("--weights", "a file", path=path, code=code)
            self.assertEqual((done.returncode, len(done.stderr.splitlines()), words in done.stderr), (1, 1, True), done.stderr)


def sorted_items(path, split):
    return sorted((item for item in datasets.read(path, split) if item[0] != "u"), key=lambda item: item[0])


if __name__ == "__main__":
    unittest.main()

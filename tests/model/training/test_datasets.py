"""model/training/datasets.py: every layout made up small, read back; what is damaged refused; export."""
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

import numpy as np
from PIL import Image

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training")
sys.path.insert(0, MODEL)

import arches
import datasets
import partial

WIDTH, HEIGHT = 24, 16
SIDES = {11: [(2, 3), (4, 5)], 19: [(4, 5), (6, 7), (8, 9)]}


def photo(seed, width=WIDTH, height=HEIGHT):
    """Smooth, so that JPEG keeps it nearly."""
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(seed + k + x / width + y / height) for k in range(3)], -1).astype(np.uint8)


def truth(seed, classes, width=WIDTH, height=HEIGHT):
    """Every class somewhere, a little to be ignored, the subject's left at the picture's right."""
    labels = np.random.default_rng(seed).integers(0, classes, (height, width)).astype(np.uint8)
    labels[np.isin(labels, SIDES[classes])] = 1
    for row, (left, right) in enumerate(SIDES[classes]):
        labels[4 + row, 2:5], labels[4 + row, -5:-2] = right, left
    labels[0, 0], labels[0, 1] = 255, classes - 1
    return labels


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "set")
        self.made = {}  # name -> (photo, truth)

    def path(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def text(self, name, *lines):
        with open(self.path(name), "w") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def picture(self, name, pixels, **how):
        Image.fromarray(pixels).save(self.path(name), **how)

    def pair(self, name, images, labels, classes, suffix="jpg"):
        """A picture and its labels as one PNG; remembered."""
        seed = len(self.made)
        self.made[name] = photo(seed), truth(seed, classes)
        self.picture(f"{images}/{name}.{suffix}", self.made[name][0], **({"quality": 95} if suffix == "jpg" else {}))
        self.picture(f"{labels}/{name}.png", self.made[name][1])

    def check(self, split, layout, classes, names, root=None):
        """That split has just these, as they were made."""
        items = datasets.read(root or self.root, split)
        self.assertEqual((items.layout, items.classes, len(items)), (layout, classes, len(names)))
        for (name, rgb, labels), wanted in zip(items, names):
            self.assertEqual((name, rgb.mode, labels.mode), (wanted, "RGB", "L"))
            self.assertEqual(rgb.size, labels.size)
            np.testing.assert_array_equal(np.array(labels), self.made[name][1])
            self.assertLess(np.abs(np.array(rgb).astype(int) - self.made[name][0]).max(), 12)
        return items

    def refused(self, split, *said, root=None):
        """One line with these words, whether reading the set finds it or one of its pictures."""
        with self.assertRaises(datasets.Refused) as caught:
            list(datasets.read(root or self.root, split))
        text = str(caught.exception)
        self.assertNotIn("\n", text)
        for word in (root or self.root, *said):
            self.assertIn(word, text)


class SplitFolders(Files):
    """LaPa, DML-CSR's arrangement of any set, CelebAMask-HQ as its scripts leave it."""

    def lapa(self, classes=11):
        for split, names in (("train", "ab"), ("val", "c"), ("test", "de")):
            for name in names:
                self.pair(name, f"{split}/images", f"{split}/labels", classes)

    def test_lapa(self):
        self.lapa()
        self.text("train/landmarks/a.txt", "106")
        for split, names in (("train", "ab"), ("val", "c"), ("test", "de")):
            self.check(split, "LaPa", 11, names)

    def test_dml_csr(self):
        """valid for val, edges beside them, lists that name the same; 11 or 19 by what the labels have."""
        for classes in (11, 19):
            with self.subTest(classes):
                for split, folder in (("train", "train"), ("val", "valid")):
                    self.pair(f"{split}{classes}", f"{folder}/images", f"{folder}/labels", classes)
                    self.picture(f"{folder}/edges/{split}{classes}.png", photo(0))
                    self.check(split, "split folders", classes, [f"{split}{classes}"])
                shutil.rmtree(self.root)

    def test_one_split(self):
        """Of those that don't come in one piece; another split is refused, with what there is."""
        self.pair("x", "test/images", "test/labels", 11)
        self.check("test", "split folders", 11, "x")
        self.refused("val", "only test")

    def test_merged(self):
        """512 x 512 labels and a picture of twice that: it is brought to them."""
        self.pair("0", "train_img", "train_label", 19)
        self.pair("1", "val_img", "val_label", 19)
        self.picture("val_img/1.jpg", self.made["1"][0].repeat(2, 0).repeat(2, 1), quality=95)
        self.check("train", "CelebAMask-HQ, merged", 19, "0")
        self.check("val", "CelebAMask-HQ, merged", 19, "1")

    def test_paletted_and_png(self):
        """A paletted label's index counts, not its colour; pictures may be PNGs; other files don't matter."""
        self.pair("x", "val/images", "val/labels", 11, "png")
        labels = Image.fromarray(self.made["x"][1])
        labels.putpalette(datasets.palette(19))
        labels.save(self.path("val/labels/x.png"))
        self.text("val/images/Thumbs.db", "")
        self.text("val/images/._x.png", "")
        items = self.check("val", "split folders", 11, "x")
        np.testing.assert_array_equal(np.array(items[0][1]), self.made["x"][0])

    def test_damage(self):
        self.lapa()
        colour, wide, high = photo(0), truth(0, 11, WIDTH + 1), truth(0, 19)
        high[3, 3], coded = 200, truth(0, 11)
        coded[3, 3] = 100  # one of partial.py's, which no set of others has
        for name, damage, said in (
                ("val/labels/c.png", os.remove, "val/images/c.jpg"),
                ("val/images/c.jpg", os.remove, "val/labels/c.png"),
                ("val/labels/c.png", lambda path: Image.fromarray(colour).save(path), "RGB"),
                ("val/labels/c.png", lambda path: Image.fromarray(wide).save(path), "25 x 16"),
                ("val/labels/c.png", lambda path: Image.fromarray(high).save(path), "class 200"),
                ("val/labels/c.png", lambda path: Image.fromarray(coded).save(path), "class 100"),
                ("val/images/c.jpg", lambda path: os.truncate(path, 400), "c.jpg: damaged"),
                ("val/images/c.jpg", lambda path: os.truncate(path, 0), "c.jpg: damaged"),
                ("val/images/c.jpg", lambda path: [os.remove(path), os.remove(self.path("val/labels/c.png"))],
                 "without a picture")):
            with self.subTest(said):
                damage(self.path(name))
                self.refused("val", said)
                shutil.rmtree(self.root)
                self.lapa()

    def test_truncated_anywhere(self):
        self.pair("x", "val/images", "val/labels", 11, "png")
        for name in ("val/images/x.png", "val/labels/x.png"):
            with open(self.path(name), "rb") as file:
                data = file.read()
            for length in range(0, len(data) - 21, 7):  # after that it has all its pixels
                with open(self.path(name), "wb") as file:
                    file.write(data[:length])
                self.refused("val", name)
            with open(self.path(name), "wb") as file:
                file.write(data)


class Helen(Files):
    def helen(self):
        for i, (name, text) in enumerate((("10_1", "exemplars"), ("20_1", "tuning"), ("30_2", "testing"))):
            self.text(f"{text}.txt", f"{i + 1} , {name}")
            labels = truth(i, 11)
            labels[labels == 255] = 0
            self.made[name] = photo(i), labels
            self.picture(f"images/{name}.jpg", self.made[name][0], quality=95)
            for label in range(11):
                # 0 to 99 where another class is the largest
                other = np.random.default_rng(label).integers(0, 100, labels.shape)
                self.picture(f"labels/{name}/{name}_lbl{label:02}.png",
                             np.where(labels == label, 100 + other, other).astype(np.uint8))

    def test_splits(self):
        self.helen()
        for split, name in (("train", "10_1"), ("val", "20_1"), ("test", "30_2")):
            self.check(split, "Helen", 11, [name])

    def test_lists_without_spaces(self):
        self.helen()
        self.text("tuning.txt", "7,20_1", "", "8,10_1 ")
        self.check("val", "Helen", 11, ["20_1", "10_1"])

    def test_damage(self):
        self.helen()
        self.picture("labels/20_1/20_1_lbl04.png", truth(0, 11, WIDTH, HEIGHT + 1))
        self.refused("val", "20_1_lbl04.png", "20_1_lbl00.png")
        os.remove(self.path("labels/20_1/20_1_lbl04.png"))
        self.refused("val", "20_1_lbl04.png", "No such file")
        os.remove(self.path("images/10_1.jpg"))
        self.refused("train", "images/10_1.jpg")
        self.text("testing.txt")
        self.refused("test", "without a picture")
        os.remove(self.path("testing.txt"))
        self.refused("test", "only train, val")


class CelebAMask(Files):
    def celeba(self, *numbers):
        self.text("CelebA-HQ-to-CelebA-mapping.txt", "idx     orig_idx      orig_file",
                  *(f"{n:<8}{origin:<14}{origin + 1:06}.jpg" for n, origin in numbers))
        for n, _ in numbers:
            labels = truth(n, 19)
            labels[labels == 255] = 0
            self.made[str(n)] = photo(n), labels
            self.picture(f"CelebA-HQ-img/{n}.jpg", self.made[str(n)][0].repeat(2, 0).repeat(2, 1), quality=95)
            for i, part in enumerate(datasets.PARTS):
                mask = np.where(labels == i + 1, 255, 0).astype(np.uint8)
                self.picture(f"CelebAMask-HQ-mask-anno/{n // 2000}/{n:05}_{part}.png", np.stack([mask] * 3, -1))

    def test_splits(self):
        """By CelebA's number, folders of 2,000, sorted as numbers; a picture of twice the labels' size."""
        self.celeba((10, 0), (9, 162770), (1999, 162771), (2000, 182637), (29999, 182638))
        self.check("train", "CelebAMask-HQ", 19, ["9", "10"])
        self.check("val", "CelebAMask-HQ", 19, ["1999", "2000"])
        self.check("test", "CelebAMask-HQ", 19, ["29999"])

    def test_overlap(self):
        """Later parts of the list lie over earlier ones: hair over brow and skin, a hat over hair."""
        self.celeba((0, 0))
        folder = "CelebAMask-HQ-mask-anno/0/00000"
        for part in datasets.PARTS:
            os.remove(self.path(f"{folder}_{part}.png"))
        for part, columns in (("hat", 3), ("hair", 6), ("l_brow", 9), ("skin", 12)):
            mask = np.zeros((HEIGHT, WIDTH), np.uint8)
            mask[:, :columns] = 255
            self.picture(f"{folder}_{part}.png", mask)
        row = [14] * 3 + [13] * 3 + [6] * 3 + [1] * 3 + [0] * 12
        self.made["0"] = self.made["0"][0], np.array([row] * HEIGHT, np.uint8)
        self.check("train", "CelebAMask-HQ", 19, "0")

    def test_left_stays(self):
        """l_eye is the left eye, wherever it lies."""
        self.celeba((0, 0))
        folder, mask = "CelebAMask-HQ-mask-anno/0/00000", np.zeros((HEIGHT, WIDTH), np.uint8)
        for part in datasets.PARTS:
            self.picture(f"{folder}_{part}.png", mask)
        for part, first in (("l_eye", 0), ("r_eye", 12)):
            eye = mask.copy()
            eye[:, first:first + 4] = 255
            self.picture(f"{folder}_{part}.png", eye)
        labels = np.array(datasets.read(self.root, "train")[0][2])
        self.assertEqual(labels[0].tolist(), [4] * 4 + [0] * 8 + [5] * 4 + [0] * 8)

    def test_damage(self):
        self.celeba((3, 0), (4, 170000))
        self.picture("CelebA-HQ-img/5.jpg", photo(0))
        self.refused("train", "5.jpg", "mapping.txt")
        os.remove(self.path("CelebA-HQ-img/5.jpg"))
        self.refused("test", "without a picture")
        for part in datasets.PARTS:
            os.remove(self.path(f"CelebAMask-HQ-mask-anno/0/00004_{part}.png"))
        self.refused("val", "no mask of picture 4")
        self.check("train", "CelebAMask-HQ", 19, "3")
        self.text("CelebA-HQ-to-CelebA-mapping.txt", "3 none")
        self.refused("train", "mapping.txt")
        os.remove(self.path("CelebA-HQ-to-CelebA-mapping.txt"))
        self.refused("train", "mapping.txt")


class Lists(Files):
    def test_lists(self):
        for name in "abc":
            self.pair(name, "images", "labels", 11)
        self.text("train_list.txt", "images/c.jpg labels/c.png", "images/a.jpg labels/a.png")
        self.text("test_list.txt", "images/b.jpg labels/b.png")
        self.check("train", "lists", 11, "ca")
        self.check("test", "lists", 11, "b")
        self.refused("val", "only train, test")
        self.text("valid_list.txt", "images/b.jpg")
        self.refused("val", "valid_list.txt", "images/b.jpg")
        self.text("valid_list.txt", "images/b.jpg labels/x.png")
        self.refused("val", "labels/x.png")


class Masks(Files):
    """images, masks and unlabelled, in a folder or in a tar."""

    def setUp(self):
        super().setUp()
        for name in map(str, range(20)):
            self.pair(name, "images", "masks", 19)
        self.picture("unlabelled/u.png", photo(7))
        self.val = [name for name in sorted(self.made) if datasets.held_out(name)]
        self.train = [name for name in sorted(self.made) if not datasets.held_out(name)]

    def tar(self, top, mode="w"):
        path = self.root + ".tar"
        with tarfile.open(path, mode) as tar:
            tar.add(self.root, top)
        return path

    def test_folder_and_tar(self):
        self.assertTrue(self.val and self.train)
        for root in (self.root, self.tar("faces"), self.tar("./some/faces"), self.tar(".")):
            with self.subTest(root):
                self.check("val", "masks", 19, self.val, root)
                self.check("train", "masks", 19, self.train, root)
                (name, rgb), = datasets.unlabelled(root)
                self.assertEqual(name, "u")
                np.testing.assert_array_equal(np.array(rgb), photo(7))
                self.refused("test", "only train, val", root=root)

    def test_held_out(self):
        """One in ten, by MD5: what a model was trained on must not change."""
        self.assertEqual([n for n in range(60) if datasets.held_out(str(n))], [2, 14, 21, 29, 48, 51])

    def test_nobody_is_in_both_splits(self):
        """A number after a name is one of the person's pictures; a number after a number is not."""
        people = [f"{first}_{last}" for first in ("Ada", "Grace", "Alan", "Edsger") for last in ("A", "Be", "Cee", "Dee", "Eff")]
        splits = {name: {datasets.held_out(f"{name}_{number:04}") for number in range(1, 20)} for name in people}
        self.assertEqual({len(found) for found in splits.values()}, {1})
        self.assertEqual({found.pop() for found in splits.values()}, {True, False})
        self.assertEqual({datasets.held_out(f"2019_{number}") for number in range(100)}, {True, False})
        self.assertEqual({datasets.held_out(f"img{number}") for number in range(100)}, {True, False})

    def test_sides(self):
        """A truth that has the sides swapped is put right, one that hasn't stays."""
        name = self.val[0]
        swapped = self.made[name][1].copy()
        for left, right in SIDES[19]:
            swapped[self.made[name][1] == left], swapped[self.made[name][1] == right] = right, left
        self.picture(f"masks/{name}.png", swapped)
        self.check("val", "masks", 19, self.val)

    def test_damage(self):
        path = self.tar("faces")
        os.truncate(path, os.path.getsize(path) // 2)
        self.refused("val", "tar", root=path)
        self.refused("val", "unpack it", root=self.tar("faces", "w:gz"))
        os.remove(self.path(f"masks/{self.val[0]}.png"))
        self.refused("val", f"images/{self.val[0]}.jpg")
        self.refused("val", f"images/{self.val[0]}.jpg", root=self.tar("faces"))


class WhoIsWhere(Files):
    """Sets of whole people, of rooms, and what teacher.py makes."""

    def people(self, labels="labels", high=9, names=("Ada_L_0001", "Ada_L_0002", *map(str, range(20)))):
        for i, name in enumerate(names):
            values = np.random.default_rng(i).integers(0, high, (HEIGHT, WIDTH)).astype(np.uint8)
            values[0, 0] = 255
            self.made[name] = photo(i), values
            self.picture(f"images/{name}.jpg", self.made[name][0], quality=95)
            self.picture(f"{labels}/{name}.png", values)
        self.splits = {"val": [n for n in sorted(names) if datasets.held_out(n)],
                       "train": [n for n in sorted(names) if not datasets.held_out(n)]}
        self.assertTrue(all(self.splits.values()))

    def test_people(self):
        self.people()
        for split, names in self.splits.items():
            items = self.check(split, "people", datasets.PEOPLE, names)
            self.assertEqual((items.empty, items.complete), (False, False))
        self.assertEqual(sum(name.startswith("Ada_L") for name in self.splits["train"]) % 2, 0)
        self.refused("test", "only train, val")

    def test_taught(self):
        """Codes are labels, as far as there are such."""
        self.people("codes", 20)
        name = self.splits["train"][0]
        codes = list(partial.CODES.values())
        self.made[name][1][1, :len(codes)] = codes
        self.picture(f"codes/{name}.png", self.made[name][1])
        for split, names in self.splits.items():
            items = self.check(split, "taught", 20, names)
            self.assertEqual((items.empty, items.complete), (False, False))
        for value in (20, 99, codes[-1] + 1, 254):
            labels = self.made[name][1].copy()
            labels[5, 5] = value
            self.picture(f"codes/{name}.png", labels)
            self.refused("train", f"codes/{name}.png", f"class {value}", "end at 19")

    def test_rooms(self):
        self.people()
        shutil.rmtree(self.path("labels"))
        self.refused("train", "layout")
        os.makedirs(self.path("labels"))
        for _, values in self.made.values():
            values[:] = 0
        for split, names in self.splits.items():
            items = self.check(split, "people", datasets.PEOPLE, names)
            self.assertEqual((items.empty, items.complete), (True, False))

    def test_damage(self):
        self.people()
        name = self.splits["train"][0]
        labels = self.made[name][1].copy()
        labels[5, 5] = 9
        self.picture(f"labels/{name}.png", labels)
        self.refused("train", f"labels/{name}.png", "class 9", "end at 8")
        os.remove(self.path(f"labels/{name}.png"))
        self.refused("train", f"images/{name}.jpg", "nothing of that name in labels")

    def test_other_sets_are_complete(self):
        self.pair("x", "train/images", "train/labels", 19)
        items = datasets.read(self.root, "train")
        self.assertEqual((items.empty, items.complete), (False, True))

    def test_mapped(self):
        self.people()
        table = datasets.mapping(datasets.PEOPLE, 20)
        for (name, rgb, labels), wanted in zip(datasets.mapped(datasets.read(self.root, "train"), 20), self.splits["train"]):
            self.assertEqual((name, rgb.mode), (wanted, "RGB"))
            np.testing.assert_array_equal(np.array(labels), table[self.made[name][1]])

    def test_command(self):
        """A summary, and an export that is the same set again."""
        self.people()
        said = self.run_it("--split", "train")
        rows = [line[:15].strip() for line in said.splitlines()]
        names = [name[:15].strip() for name in datasets.NAMES[datasets.PEOPLE]]
        self.assertEqual(rows, ["layout", "split", "pictures", "classes", *names, "to be ignored"])
        out = f"{self.root}-out"
        self.assertEqual(self.run_it("--split", "train", "--export", out), "")
        for name in self.splits["train"]:
            with Image.open(f"{out}/labels/{name}.png") as labels:
                np.testing.assert_array_equal(np.array(labels), self.made[name][1])

    def run_it(self, *words):
        command = [sys.executable, os.path.join(MODEL, "datasets.py"), self.root, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class Unknown(Files):
    def test_nothing_known(self):
        os.makedirs(self.root)
        self.refused("val", "layout")
        self.text("images/readme", "")
        self.refused("val", "layout")
        self.refused("val", "No such file", root=self.root + "/none")
        self.refused("val", "no folder", root=self.path("images/readme"))


class Mapping(unittest.TestCase):
    def named(self, source, target):
        """Name -> the other set's name, or that of partial.py's set. What is no class isn't known, codes stay."""
        table, names = datasets.mapping(source, target), dict(enumerate(datasets.NAMES[target]))
        self.assertEqual((table.dtype, table.shape), (np.uint8, (256,)))
        self.assertEqual(set(table[len(datasets.NAMES[source]):partial.FIRST]), {255})
        self.assertEqual(table[partial.FIRST:].tolist(), list(range(partial.FIRST, 256)))
        names.update({code: name for name, code in partial.CODES.items()})
        return {name: names.get(table[i]) for i, name in enumerate(datasets.NAMES[source])}

    def test_same(self):
        for classes in (11, 19, 20, datasets.PEOPLE):
            self.assertEqual(self.named(classes, classes), {name: name for name in datasets.NAMES[classes]})

    def test_to_11(self):
        same = ("background", "skin", "nose", "left eye", "right eye", "left brow", "right brow", "upper lip",
                "lower lip", "hair")
        behind = ("left ear", "right ear", "hat", "earring", "necklace", "neck", "cloth")
        want = {**{name: name for name in same}, **dict.fromkeys(behind, "background"), "mouth": "inner mouth",
                "eyeglasses": None}
        self.assertEqual(self.named(19, 11), want)
        self.assertEqual(self.named(20, 11), {**want, "body": "background"})

    def test_to_19(self):
        same = ("skin", "left brow", "right brow", "left eye", "right eye", "nose", "upper lip", "lower lip", "hair")
        want = {**{name: name for name in same}, "inner mouth": "mouth", "background": "beside an 11-class face"}
        self.assertEqual(self.named(11, 19), want)
        self.assertEqual(self.named(20, 19), {**{name: name for name in arches.LABELS[19]}, "body": "background"})

    def test_to_20(self):
        """What other sets call background may be a body: they don't know."""
        self.assertEqual(self.named(19, 20), {**{name: name for name in arches.LABELS[19]}, "background": "background or body"})
        self.assertEqual(self.named(11, 20), self.named(11, 19))

    def test_of_people(self):
        """Bare skin may be a face's or an arm's; what the classes have is that."""
        same = ("background", "hair", "hat", "eyeglasses", "cloth", "necklace", "earring")
        sets = ("bare skin", "person without hair")
        want = {name: name for name in same + sets}
        self.assertEqual(self.named(datasets.PEOPLE, 20), want)
        self.assertEqual(self.named(datasets.PEOPLE, 19), want)


class Command(Files):
    def run_it(self, *words):
        done = subprocess.run([sys.executable, os.path.join(MODEL, "datasets.py"), *words], capture_output=True,
                              text=True)
        return done.returncode, done.stdout, done.stderr

    def setUp(self):
        super().setUp()
        for name in ("one", "two.b"):
            self.pair(name, "test/images", "test/labels", 19)

    def test_summary(self):
        status, said, errors = self.run_it(self.root, "--split", "test")
        self.assertEqual((status, errors), (0, ""))
        rows = [line[:15].strip() for line in said.splitlines()]
        self.assertEqual(rows, ["layout", "split", "pictures", "classes", "left eye", *arches.LABELS[19],
                                "to be ignored"])
        self.assertIn("the subject's in 100 % of 2 pictures", said)
        shares = [float(line[15:].split()[0]) for line in said.splitlines()[5:]]
        self.assertAlmostEqual(sum(shares), 100, delta=0.1)

    def test_export(self):
        """Labels come back by index, pictures exactly as decoded; a folder that has something is left alone."""
        for classes in (19, 11):
            with self.subTest(classes):
                out, table = f"{self.root}-{classes}", datasets.mapping(19, classes)
                self.assertEqual(self.run_it(self.root, "--split", "test", "--export", out, "--classes", str(classes)),
                                 (0, "", ""))
                for name, rgb, labels in datasets.read(self.root, "test"):
                    files = (f"{out}/{kind}/{name}.png" for kind in ("labels", "images"))
                    with Image.open(next(files)) as got, Image.open(next(files)) as picture:
                        self.assertEqual((got.mode, picture.mode), ("P", "RGB"))
                        np.testing.assert_array_equal(np.array(got), table[np.array(labels)])
                        np.testing.assert_array_equal(np.array(picture), np.array(rgb))
                        colour = np.array(got.convert("RGB"))[np.array(got) == 1][0]
                        self.assertEqual("#%02x%02x%02x" % tuple(colour), arches.LABELS[classes]["skin"])
                self.assertEqual(sorted(os.listdir(f"{out}/images")), sorted(os.listdir(f"{out}/labels")))
                status, said, errors = self.run_it(self.root, "--split", "test", "--export", out)
                self.assertEqual((status, said, errors.count("\n"), "not empty" in errors), (1, "", 1, True))

    def test_refusals(self):
        for words in ((self.root, "--split", "val"), (self.root + "/none",),
                      (self.root, "--split", "test", "--export", "/dev/null/x")):
            status, said, errors = self.run_it(*words)
            self.assertEqual((status, said, errors.count("\n")), (1, "", 1), errors)
            self.assertTrue(errors.startswith("datasets.py: /"), errors)

    def test_progress_on_a_terminal(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True
        with contextlib.redirect_stderr(Terminal()) as said:
            self.assertEqual(len(list(datasets.watched(datasets.read(self.root, "test")))), 2)
        self.assertEqual(said.getvalue(), "\r1 of 2\r2 of 2\n")


if __name__ == "__main__":
    unittest.main()

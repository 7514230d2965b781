"""`visagectl eval` on software Vulkan against model/training/reference.py; its figures against formulas over pixels."""
import json
import os
import shutil
import sys
import unittest

import numpy as np
from PIL import Image

import drivers
import support
from support import new_folder, visagectl

sys.path.insert(0, os.path.join(support.ROOT, "model", "training"))
import arches  # noqa: E402
import reference  # noqa: E402

IGNORE = 255
EYEGLASSES = list(arches.LABELS[19]).index("eyeglasses")
ELEVEN = list(arches.LABELS[11])
PARTS = [name for name in ELEVEN if name not in ("background", "skin", "hair")]
POINT = 0.001  # a tenth of a point of F1, and the share of pixels that may differ


def evaluate(folder, *arguments, **keywords):
    """Runs it over a folder made by Case; returns the process and the JSON object."""
    done = visagectl("eval", f"--images={folder}/images", f"--labels={folder}/labels", "--json", *arguments, **keywords)
    return done, json.loads(done.stdout) if done.stdout else None


def folders():
    folder = new_folder()
    os.mkdir(f"{folder}/images")
    os.mkdir(f"{folder}/labels")
    return folder


def save_labels(path, labels, paletted):
    image = Image.fromarray(labels)
    if paletted:
        image = Image.fromarray(labels, "P")
        image.putpalette([i * 37 % 256 for i in range(768)])
    image.save(path)


def among_eleven(labels, classes):
    """Labels of the 11, 19 or 20 classes as those of the 11."""
    if classes == 11:
        return labels
    table = np.zeros(256, np.uint8)
    table[IGNORE] = IGNORE
    for i, name in enumerate(arches.LABELS[20]):
        name = "inner mouth" if name == "mouth" else name
        table[i] = ELEVEN.index(name) if name in ELEVEN else 0
    return table[labels]


class Reference:
    """How model/training/reference.py labels pictures."""

    def __init__(self, path):
        self.path = path
        self.network, self.meta = reference.load(self.path)

    def labels(self, path):
        with Image.open(path) as image:
            rgb = np.asarray(image.convert("RGB"))
        return reference.parse(self.network, self.meta, rgb)


class Case:
    """Pictures and labels in a folder, and all their known pixels as the reference has them: .truth, .found."""

    def __init__(self, model_classes, truth_classes, sizes, absent=(), model=support.model):
        self.reference = Reference(model(model_classes))
        self.model = self.reference.path
        self.model_classes, self.truth_classes = model_classes, truth_classes
        self.folder, rng = folders(), np.random.default_rng(1)
        truth, found = [], []
        for i, (width, height) in enumerate(sizes):
            path = f"{self.folder}/images/{i}.png" if i else f"{self.folder}/images/0.JPG"
            with Image.open(support.picture(f"eval-{width}x{height}.png", width, height)) as image:
                image.save(path, subsampling=0, quality=95)
            found.append(self.reference.labels(path))
            truth.append(self.truths(rng, found[-1], absent))
            save_labels(f"{self.folder}/labels/{i}.png", truth[-1], paletted=i % 2 == 0)
        self.truth, self.found = (np.concatenate([a.ravel() for a in arrays]) for arrays in (truth, found))
        known = self.truth != IGNORE
        self.truth, self.found = self.truth[known], self.found[known]

    def truths(self, rng, found, absent):
        """Half of it as found, where there is such a class, half at random; a tenth unknown."""
        labels = rng.choice([c for c in range(self.truth_classes) if c not in absent], found.shape).astype(np.uint8)
        kept = (rng.random(found.shape) < 0.5) & (found < self.truth_classes) & ~np.isin(found, absent)
        labels = np.where(kept, found, labels)
        return np.where(rng.random(found.shape) < 0.1, IGNORE, labels).astype(np.uint8)

    def eleven(self):
        """The pixels among the 11 classes; what is behind true eyeglasses nobody knows."""
        known = self.truth != EYEGLASSES if self.truth_classes == 19 else np.ones(self.truth.shape, bool)
        return (among_eleven(self.truth[known], self.truth_classes), among_eleven(self.found[known], self.model_classes))


def f1(truth, found):
    """Of two masks; None where both are empty."""
    both = truth.sum() + found.sum()
    return 2 * (truth & found).sum() / both if both else None


def iou(truth, found):
    return (truth & found).sum() / (truth | found).sum() if (truth | found).any() else None


def mean(values):
    values = [value for value in values if value is not None]
    return np.mean(values) if values else None


class Figures(unittest.TestCase):
    def near(self, got, wanted, what):
        if wanted is None:
            self.assertIsNone(got, what)
        else:
            self.assertLessEqual(abs(got - wanted), POINT, f"{what}: {got}, not {wanted}")

    def check(self, result, truth, found, names):
        """The object's figures on pixels of one label set."""
        self.assertEqual([(c["index"], c["name"]) for c in result["classes"]], list(enumerate(names)))
        for c in result["classes"]:
            here = truth == c["index"], found == c["index"]
            self.assertEqual(c["pixels"], here[0].sum())
            self.near(c["f1"], f1(*here), c["name"])
            self.near(c["iou"], iou(*here), c["name"])
        every = [(truth == i, found == i) for i in range(len(names))]
        self.near(result["mean_f1"], mean([f1(*one) for one in every[1:]]), "mean F1")
        self.near(result["miou"], mean([iou(*one) for one in every]), "mIoU")
        if "confusion" in result:
            matrix = np.zeros((len(names), len(names)), int)
            np.add.at(matrix, (truth, found), 1)
            differ = np.abs(np.array(result["confusion"]) - matrix).sum() / 2
            self.assertLessEqual(differ / truth.size, POINT)

    def check_eleven(self, result, case):
        truth, found = case.eleven()
        self.near(result["mean_f1_11"], mean([f1(truth == i, found == i) for i in range(1, 11)]), "11-class mean F1")
        parts = [ELEVEN.index(name) for name in PARTS]
        self.near(result["helen_overall"], f1(np.isin(truth, parts), np.isin(found, parts)), "Helen overall")

    def test_19_classes(self):
        case = Case(19, 19, [(64, 48), (120, 90), (65, 101)])
        self.assertGreater(np.unique(case.found).size, 3, "a random network gives several classes")
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check(result, case.truth, case.found, list(arches.LABELS[19]))
        self.check_eleven(result, case)
        self.assertEqual((result["pictures"], result["precision"]), (3, "fp32"))
        self.assertIn("llvmpipe", result["device"])
        self.assertGreater(result["ms_per_picture"], 0)

    def test_a_model_of_free_shape(self):
        """Its input takes the shape of one picture after the other."""
        case = Case(19, 19, [(90, 40), (80, 80), (91, 41), (40, 90)], model=support.free_model)
        self.assertEqual(len({case.reference.meta.fitted(height, width) for width, height in ((90, 40), (80, 80), (40, 90))}), 3)
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check(result, case.truth, case.found, list(arches.LABELS[19]))

    def test_11_classes(self):
        case = Case(11, 11, [(64, 48), (80, 80)])
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion", "--classes=11")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check(result, case.truth, case.found, ELEVEN)
        self.check_eleven(result, case)
        self.assertEqual(result["mean_f1_11"], result["mean_f1"])
        plain = evaluate(case.folder, f"--model={case.model}")[1]
        for one in (result, plain):
            del one["ms_per_picture"]
        del result["confusion"]
        self.assertEqual(result, plain)

    def test_a_19_class_model_on_11_class_truth(self):
        case = Case(19, 11, [(64, 48), (80, 80)])
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion", "--classes=11")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check(result, *case.eleven(), ELEVEN)
        self.check_eleven(result, case)

    def test_an_11_class_model_on_19_class_truth(self):
        case = Case(11, 19, [(64, 48), (80, 80)])
        self.assertTrue((case.truth == EYEGLASSES).any())
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion", "--classes=19")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check(result, *case.eleven(), ELEVEN)
        self.check_eleven(result, case)

    def test_a_20_class_model_on_19_class_truth(self):
        """A body is background there."""
        case = Case(20, 19, [(64, 48), (80, 80)])
        self.assertTrue((case.found == 19).any())
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion", "--classes=19")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.check(result, case.truth, np.where(case.found == 19, 0, case.found), list(arches.LABELS[19]))
        self.check_eleven(result, case)

    def test_other_classes(self):
        case = Case(5, 5, [(64, 48)], absent=(4,))
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion")
        self.assertEqual(done.returncode, 0)
        self.check(result, case.truth, case.found, [f"class {i}" for i in range(5)])
        self.assertEqual((result["mean_f1_11"], result["helen_overall"]), (None, None))
        done, _ = evaluate(case.folder, f"--model={case.model}", "--classes=11", "--gpu=nonsense")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn("compared by index", done.stderr.decode())  # it is found before a GPU is opened

    def test_classes_that_are_nowhere(self):
        """A truth of one class, that of most of the predictions: the others have a figure only where they are predicted."""
        case = Case(19, 19, [(8, 6)])  # so few pixels that some class is not among them
        often = np.bincount(case.found).argmax()
        Image.fromarray(np.full((6, 8), often, np.uint8)).save(f"{case.folder}/labels/0.png")
        found = case.reference.labels(f"{case.folder}/images/0.JPG").ravel()
        _, result = evaluate(case.folder, f"--model={case.model}")
        self.check(result, np.full(found.shape, often), found, list(arches.LABELS[19]))
        self.assertIn(None, [c["f1"] for c in result["classes"]])
        self.assertIn(0, [c["f1"] for c in result["classes"]])

    def test_fp16(self):
        case = Case(11, 11, [(64, 48)])
        _, result = evaluate(case.folder, f"--model={case.model}", "--fp16")
        self.assertEqual(result["precision"], "fp16")
        self.assertAlmostEqual(result["mean_f1"], mean([f1(case.truth == i, case.found == i) for i in range(1, 11)]), 1)

    def test_swiftshader(self):
        try:
            env = support.environment(drivers.SWIFTSHADER)
        except drivers.Missing as missing:
            self.skipTest(str(missing))
        case = Case(19, 19, [(40, 30)])
        done, result = evaluate(case.folder, f"--model={case.model}", "--confusion", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SwiftShader", result["device"])
        self.check(result, case.truth, case.found, list(arches.LABELS[19]))
        self.check_eleven(result, case)


class Table(unittest.TestCase):
    def test_table_and_json_agree(self):
        case = Case(19, 19, [(64, 48), (80, 80)], absent=(14, 16))
        arguments = ["eval", f"--images={case.folder}/images/", f"--labels={case.folder}/labels/", f"--model={case.model}"]
        _, result = evaluate(case.folder, f"--model={case.model}", "--confusion")
        done = visagectl(*arguments, "--confusion")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        classes, matrix, summary = done.stdout.decode().split("\n\n")
        percent = lambda value: "-" if value is None else f"{100 * value:.2f}"
        self.assertEqual([line.rsplit(None, 3) for line in classes.splitlines()[1:]],
                         [[c["name"], str(c["pixels"]), percent(c["f1"]), percent(c["iou"])] for c in result["classes"]])
        self.assertEqual(len({len(line) for line in classes.splitlines()}), 1, "aligned")
        self.check_matrix(matrix.splitlines()[1:], result)
        lines = dict(line.split("  ", 1) for line in summary.splitlines())
        lines = {name: value.strip() for name, value in lines.items()}
        for name, key in (("mean F1 %", "mean_f1"), ("mIoU %", "miou"), ("11-class mean F1 %", "mean_f1_11"),
                          ("Helen overall F1 %", "helen_overall")):
            self.assertEqual(lines[name], percent(result[key]))
        self.assertEqual([lines[n] for n in ("pictures", "model", "precision", "device")],
                         ["2", result["model"], "fp32", result["device"]])
        self.assertGreater(float(lines["median ms per picture"]), 0)
        self.assertNotIn("Confusion", visagectl(*arguments).stdout.decode())

    def check_matrix(self, lines, result):
        self.assertEqual(lines[0].split(), ["#", "TRUTH", *map(str, range(19))])
        self.assertEqual(len({len(line) for line in lines}), 1, "aligned")
        for i, (line, counts) in enumerate(zip(lines[1:], result["confusion"])):
            cells = line.rsplit(None, 19)
            self.assertEqual(cells[0].split(None, 1), [str(i), result["classes"][i]["name"]])
            self.assertEqual(cells[1:], [f"{100 * n / sum(counts):.1f}" if n else "." for n in counts])


class Errors(unittest.TestCase):
    def complaints(self, folder, *arguments):
        done, result = evaluate(folder, f"--model={support.model()}", *arguments)
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.decode().splitlines()
        for line in lines:
            self.assertTrue(line.startswith("visagectl: "), line)
        return result, lines

    def add(self, folder, name, width=64, height=48, label=0, suffix=".png"):
        shutil.copy(support.picture(f"eval-64x48{suffix}", 64, 48), f"{folder}/images/{name}{suffix}")
        Image.fromarray(np.full((height, width), label, np.uint8)).save(f"{folder}/labels/{name}.png")

    def test_what_is_wrong_is_passed_over(self):
        folder = folders()
        for name in ("a good", "b no labels", "c size", "d range", "e colours", "f damaged", "g no picture", "z good"):
            self.add(folder, name)
        self.add(folder, "c size", width=48, height=64)
        self.add(folder, "d range", label=11)
        self.add(folder, "z good", suffix=".jpg")
        os.remove(f"{folder}/labels/b no labels.png")
        Image.new("RGB", (64, 48)).save(f"{folder}/labels/e colours.png")
        os.truncate(f"{folder}/labels/f damaged.png", 60)
        with open(f"{folder}/images/g no picture.png", "w") as file:
            file.write("text")
        for name in ("notes.txt", ".hidden.png"):
            shutil.copy(f"{folder}/images/a good.png", f"{folder}/images/{name}")
        Image.new("L", (1, 1)).save(f"{folder}/labels/without picture.png")
        result, lines = self.complaints(folder)
        self.assertEqual(result["pictures"], 2)
        self.assertEqual(sum(c["pixels"] for c in result["classes"]), 2 * 64 * 48)
        wanted = (("b no labels", "no such file"), ("c size", "48x64, but the picture is 64x48"),
                  ("d range", "class 11 at 0,0, but there are 0 to 10"), ("e colours", "neither paletted nor 8-bit grey"),
                  ("f damaged", "damaged"), ("g no picture", "neither PNG nor JPEG"), ("z good", "the same labels as"))
        self.assertEqual(len(lines), len(wanted), lines)
        for line, (name, says) in zip(lines, wanted):
            self.assertIn(f"/{name}.png", line)
            self.assertIn(says, line)

    def test_wrong_classes(self):
        folder = folders()
        self.add(folder, "one", label=18)
        result, lines = self.complaints(folder)
        self.assertIsNone(result)
        self.assertIn("check --classes", lines[0])
        self.assertIn("no picture could be evaluated", lines[1])
        self.assertEqual(evaluate(folder, f"--model={support.model()}", "--classes=19")[0].returncode, 0)

    def test_nothing_to_compare(self):
        folder = folders()
        for says in ("there is no PNG or JPEG picture; check --images", "check --labels"):
            result, lines = self.complaints(folder)
            self.assertIsNone(result)
            self.assertEqual(len(lines), 1, lines)
            self.assertIn(says, lines[0])
            shutil.copy(support.picture("eval-64x48.png", 64, 48), f"{folder}/images/one.png")
            shutil.copy(support.picture("eval-64x48.png", 64, 48), f"{folder}/images/two.png")
        os.rmdir(f"{folder}/labels")
        self.assertIn("check --labels", self.complaints(folder)[1][0])
        shutil.rmtree(f"{folder}/images")
        self.assertIn("images: No such file", self.complaints(folder)[1][0])

    def test_only_ignored_pixels(self):
        folder = folders()
        self.add(folder, "one", label=IGNORE)
        done, result = evaluate(folder, f"--model={support.model()}")
        self.assertEqual(done.returncode, 0)
        self.assertEqual([result[key] for key in ("mean_f1", "miou", "mean_f1_11", "helen_overall")], [None] * 4)
        table = visagectl("eval", f"--images={folder}/images", f"--labels={folder}/labels", f"--model={support.model()}",
                          "--confusion")
        self.assertEqual(table.returncode, 0)
        self.assertNotIn(b"nan", table.stdout)

    def test_no_such_gpu_or_model(self):
        folder = folders()
        self.add(folder, "one")
        for argument, says in (("--gpu=nonsense", "visagectl gpus"), ("--model=/nonexistent", "/nonexistent")):
            result, lines = self.complaints(folder, argument)
            self.assertIsNone(result)
            self.assertIn(says, lines[0])


if __name__ == "__main__":
    unittest.main()

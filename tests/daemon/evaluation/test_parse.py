"""`visagectl parse` on software Vulkan."""
import json
import os
import re
import shutil
import unittest

import numpy as np
from PIL import Image

import support
from support import new_folder, picture, visagectl


def parse(*arguments, **keywords):
    done = visagectl("parse", f"--model={support.model()}", *arguments, **keywords)
    return done, [json.loads(line) for line in done.stdout.decode().splitlines()]


class Parse(unittest.TestCase):
    def test_two_pictures(self):
        out = os.path.join(new_folder(), "made", "for me")
        inputs = [picture("one.png", 120, 90), picture("two.jpg", 65, 101)]
        done, lines = parse(*inputs, "-o", out)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual([line["file"] for line in lines], inputs)
        self.assertEqual(sorted(os.listdir(out)), ["one.labels.png", "one.overlay.png", "two.labels.png", "two.overlay.png"])
        colours = support.palette()
        for line, path in zip(lines, inputs):
            with Image.open(path) as source, Image.open(line["labels"]) as labels, Image.open(line["overlay"]) as mixed:
                self.assertEqual((labels.mode, mixed.size), ("P", source.size))
                self.assertEqual((labels.size, [line["width"], line["height"]]), (source.size, list(source.size)))
                stored = np.array(labels.getpalette()[:colours.size], np.uint8).reshape(-1, 3)
                np.testing.assert_array_equal(stored, colours)
                index, rgb = np.array(labels), np.array(source.convert("RGB"))
                wanted = support.overlay(rgb, index, colours)
                slack = 1 if path.endswith(".png") else 8  # two JPEG decoders
                self.assertLessEqual(np.abs(np.array(mixed.convert("RGB")) - wanted).max(), slack)
            counts = {c["index"]: c["pixels"] for c in line["classes"]}
            self.assertEqual(counts, {i: int((index == i).sum()) for i in range(len(colours))})
            self.assertGreater(len(np.unique(index)), 1, "a random network gives more than one class")
            self.assertIn("llvmpipe", line["device"])
            self.assertGreater(line["ms"], 0)
            self.assertTrue(line["model"])

    def test_a_bad_file_is_passed_over(self):
        folder = new_folder()
        broken, text, good = f"{folder}/broken.png", f"{folder}/text.jpg", picture("one.png", 120, 90)
        with open(good, "rb") as source, open(broken, "wb") as file:
            file.write(source.read()[:2000])
        with open(text, "w") as file:
            file.write("no picture")
        done, lines = parse(broken, good, text, f"{folder}/missing.png", picture("two.jpg", 65, 101), "-o", folder)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([os.path.basename(line["file"]) for line in lines], ["one.png", "two.jpg"])
        complaints = done.stderr.decode().splitlines()
        self.assertEqual(len(complaints), 3, complaints)
        for complaint, name in zip(complaints, (broken, text, f"{folder}/missing.png")):
            self.assertTrue(complaint.startswith("visagectl: "), complaint)
            self.assertEqual(complaint.count(name), 1, complaint)
        self.assertFalse(os.path.exists(f"{folder}/broken.labels.png"))

    def test_no_gpu_is_opened_for_nothing(self):
        """Wrong arguments are reported first: here there is no GPU that could be opened."""
        folder, good = new_folder(), picture("one.png", 120, 90)
        env = {**support.environment(), "VK_ICD_FILENAMES": "/nonexistent.json", "VK_DRIVER_FILES": "/nonexistent.json"}
        with open(f"{folder}/text.jpg", "w") as file:
            file.write("no picture")
        for arguments, says in (([f"{folder}/missing.png", f"{folder}/text.jpg"], ["missing.png: no such file", "text.jpg: neither"]),
                                ([good, "--logits=/nonexistent/x.npy"], ["/nonexistent/x.npy: No such file or directory"]),
                                ([good, f"--logits={folder}"], [f"{folder}: Is a directory"])):
            done, _ = parse(*arguments, env=env, cwd=folder)
            err = done.stderr.decode()
            self.assertEqual(done.returncode, 1, err)
            self.assertEqual(len(err.splitlines()), len(says), err)
            for text in says:
                self.assertIn(text, err)
        self.assertEqual(os.listdir(folder), ["text.jpg"])

    def test_output_that_fails(self):
        """The results exist; that they could not be printed is an error all the same."""
        folder = new_folder()
        status, err = support.full("VISAGECTL", "parse", f"--model={support.model()}", picture("one.png", 120, 90), "-o", folder)
        self.assertEqual(status, 1)
        self.assertRegex(err, r"visagectl: standard output: (No space left on device|not all of it was written)\n")
        self.assertEqual(len(os.listdir(folder)), 2)

    def test_results_overwrite_no_other_results(self):
        folder = new_folder()
        os.mkdir(f"{folder}/a")
        shutil.copy(picture("one.png", 120, 90), f"{folder}/a/two.png")
        done, lines = parse(f"{folder}/a/two.png", picture("two.jpg", 65, 101), cwd=folder)
        self.assertEqual((done.returncode, len(lines)), (1, 1))
        self.assertIn("would overwrite those of", done.stderr.decode())
        with Image.open(f"{folder}/two.labels.png") as labels:
            self.assertEqual(labels.size, (120, 90))

    def test_results_overwrite_no_input(self):
        folder = new_folder()
        for name in ("x.png", "x.labels.png"):
            shutil.copy(picture("one.png", 120, 90), f"{folder}/{name}")
        done, lines = parse("x.png", "x.labels.png", cwd=folder)
        self.assertEqual((done.returncode, [line["file"] for line in lines]), (1, ["x.labels.png"]))
        with open(f"{folder}/x.labels.png", "rb") as kept, open(picture("one.png", 120, 90), "rb") as was:
            self.assertEqual(kept.read(), was.read())

    def test_names_that_are_no_text(self):
        folder = new_folder()
        name = b"\xff \n\"\xc3\xa4.png"
        shutil.copy(picture("one.png", 120, 90), os.path.join(os.fsencode(folder), name))
        done, lines = parse(name, cwd=folder)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(lines[0]["file"], "\ufffd \n\"ä.png")
        self.assertIn(name.replace(b".png", b".labels.png"), os.listdir(os.fsencode(folder)))

    def test_sizes(self):
        folder = new_folder()
        sizes = [(1, 1), (1, 50), (50, 1), (2, 3), (33, 64), (300, 301), (33, 64)]
        files = []
        for i, (width, height) in enumerate(sizes):
            files.append(f"{folder}/{i}.png")
            Image.new("RGB", (width, height), (90, 120, 200)).save(files[-1])
        done, lines = parse(*files, cwd=folder)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual([(line["width"], line["height"]) for line in lines], sizes)
        for line, (width, height) in zip(lines, sizes):
            self.assertEqual(sum(c["pixels"] for c in line["classes"]), width * height)
        self.assertEqual(lines[4]["classes"], lines[6]["classes"])

    def test_grey_and_transparent_pictures(self):
        folder = new_folder()
        with Image.open(picture("one.png", 120, 90)) as source:
            source.convert("L").save(f"{folder}/grey.png")
            source.convert("L").convert("RGB").save(f"{folder}/colour.png")
            source.convert("P").save(f"{folder}/palette.png")
            source.convert("RGBA").save(f"{folder}/alpha.png")
        done, lines = parse(*(f"{n}.png" for n in ("grey", "colour", "palette", "alpha")), cwd=folder)
        self.assertEqual((done.returncode, len(lines)), (0, 4))
        self.assertEqual(lines[0]["classes"], lines[1]["classes"])

    def test_logits(self):
        folder = new_folder()
        done, lines = parse(picture("one.png", 120, 90), f"--logits={folder}/x.npy", "-o", folder)
        self.assertEqual(done.returncode, 0)
        logits = np.load(f"{folder}/x.npy")
        self.assertEqual((logits.dtype, logits.shape), (np.float32, (11, 65, 65)))
        self.assertTrue(np.isfinite(logits).all())
        done, _ = parse(picture("one.png", 120, 90), "--logits=/nonexistent/x.npy", "-o", folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/x.npy: No such file", done.stderr.decode())

    def test_backends_agree(self):
        folder, labels = new_folder(), []
        for backend in ("subgroup", "tiled"):
            done, lines = parse(picture("one.png", 120, 90), "--backend", backend, "-o", f"{folder}/{backend}")
            self.assertEqual((done.returncode, lines[0]["backend"]), (0, backend), done.stderr)
            with Image.open(lines[0]["labels"]) as image:
                labels.append(np.array(image))
        self.assertGreater((labels[0] == labels[1]).mean(), 0.999)

    def test_back_ends_first_names_still_work(self):
        for old, backend in (("lane", "subgroup"), ("tile", "tiled")):
            done, lines = parse(picture("one.png", 120, 90), "--backend", old, "-o", new_folder())
            self.assertEqual((done.returncode, lines[0]["backend"]), (0, backend), done.stderr)

    def test_fp16(self):
        folder, labels = new_folder(), []
        for precision in ("--fp32", "--fp16"):
            done, lines = parse(picture("one.png", 120, 90), precision, "-o", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            with Image.open(lines[0]["labels"]) as image:
                labels.append(np.array(image))
        self.assertGreater((labels[0] == labels[1]).mean(), 0.98)

    def test_gpu_by_number_and_name(self):
        listed = json.loads(visagectl("gpus", "--json").stdout)
        digits = max(re.findall(r"\d+", listed[0]["name"]), key=int)  # of a name, as in "4090": there are not as many GPUs
        self.assertGreater(int(digits), len(listed))
        for name in ("0", "LLVM", digits):
            done, lines = parse(picture("one.png", 120, 90), f"--gpu={name}", "-o", new_folder())
            self.assertEqual((done.returncode, len(lines)), (0, 1))

    def test_no_such_gpu_or_model(self):
        done, _ = parse(picture("one.png", 120, 90), "--gpu=nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"visagectl gpus", done.stderr)
        done, _ = parse(picture("one.png", 120, 90), "--model=/nonexistent")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/nonexistent", done.stderr)

    def test_output_folder_cannot_be_made(self):
        done, _ = parse(picture("one.png", 120, 90), "-o", support.model() + "/x")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"Not a directory", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""model/frames.py: labels stay on their pixels, sides and rare classes are seen to, and frames are what they are said to be."""
import os
import sys
import unittest
from unittest import mock

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model"))

import arches
import datasets
import frames

SIDE = 96
NAMES = list(arches.LABELS[19])
COLORS = np.array([[int(color[i:i + 2], 16) for i in (1, 3, 5)] for color in arches.LABELS[19].values()], np.uint8)


def truth_of(labels):
    """A face of sorts: big patches, a left side and a right one."""
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[8:88, 16:80] = NAMES.index("skin")
    truth[30:42, 22:40], truth[30:42, 56:74] = NAMES.index("right eye"), NAMES.index("left eye")
    truth[88:, 30:66] = NAMES.index("neck")
    truth[88:, :30] = NAMES.index("cloth")
    for label, where in labels:
        truth[where] = label
    return truth


def portrait(labels=(), soft=False):
    """Each pixel has the colour of its class."""
    truth = truth_of(labels)
    rgb = Image.fromarray(COLORS[truth])
    maps = [Image.fromarray(truth)]
    if soft:
        maps += [Image.fromarray(np.full_like(truth, NAMES.index("hair"))), Image.fromarray(np.full_like(truth, 200))]
    return frames.prepare(SIDE, rgb, *maps)


HAT = (NAMES.index("hat"), np.s_[8:24, 16:80])


class Frames(unittest.TestCase):
    def samples(self, portraits, count, seed=0, size=SIDE, plain=True):
        """(uint8 picture, target) each; plain: nothing that changes colours, on black."""
        black = lambda rng, size: np.zeros((size, size, 3), np.float32)
        keep = {"room": frames.room} if not plain else {"film": lambda rng, rgb: rgb.clip(0, 255).astype(np.uint8), "room": black,
                "recolour": lambda rng, portrait, _: portrait.rgb}
        with mock.patch.multiple(frames, **keep):
            endless = iter(frames.Frames(portraits, [], 19, SIDE, size, (seed,)))
            for _ in range(count):
                picture, target = next(endless)
                rgb = picture.numpy().transpose(1, 2, 0) * frames.STD + frames.MEAN
                yield (rgb * 255).round().clip(0, 255).astype(np.uint8), target.numpy()

    def test_labels_are_where_their_colours_are(self):
        checked = 0
        for rgb, (labels, second, share) in self.samples([portrait()], 40):
            exact = (rgb[:, :, None] == COLORS).all(-1)
            known = exact.any(-1) & (labels != datasets.IGNORE)
            others = {NAMES.index(name) for name in ("left eye", "right eye", "cloth")}  # mirrored ones, and torsos
            for label in set(labels[known]) - others:
                self.assertGreater((exact.argmax(-1) == labels)[known & (labels == label)].mean(), 0.9, NAMES[label])
                checked += 1
            self.assertTrue((second == labels).all() and (share == frames.CERTAIN).all())
        self.assertGreater(checked, 80)

    def test_left_and_right_are_the_subjects_in_a_mirrored_frame_too(self):
        left, right = NAMES.index("left eye"), NAMES.index("right eye")
        kept = swapped = 0
        for rgb, (labels, _, _) in self.samples([portrait()], 60):
            both = [np.argwhere(labels == label) for label in (left, right)]
            if any(len(points) < 20 for points in both):
                continue
            skin = np.argwhere(labels == NAMES.index("skin")).mean(0)
            neck = np.argwhere(labels == NAMES.index("neck"))
            if len(neck) < 20:
                continue
            up, across = skin - neck.mean(0), both[0].mean(0) - both[1].mean(0)
            turn = up[1] * across[0] - up[0] * across[1]
            self.assertGreater(turn, 0, "the subject's left is at the viewer's right of an upright face")
            color = (rgb == COLORS[left]).all(-1)
            if (color & (labels == right)).sum() > 10:
                swapped += 1
            else:
                kept += 1
        self.assertGreater(min(kept, swapped), 5)

    def test_a_seed_makes_the_same_frames(self):
        one, again, other = (list(self.samples([portrait()], 5, seed, plain=False)) for seed in (1, 1, 2))
        self.assertTrue(all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(one, again)))
        self.assertFalse(all((a[0] == b[0]).all() for a, b in zip(one, other)))

    def test_some_frames_show_nobody_and_some_faces_are_small(self):
        share = np.array([(labels > 0).mean() for _, (labels, _, _) in self.samples([portrait()], 150)])
        self.assertGreater((share == 0).sum(), 0)
        self.assertGreater(((share > 0) & (share < 0.12)).sum(), 5)
        self.assertGreater((share > 0.5).sum(), 20)

    def test_below_a_portrait_are_clothes_at_times(self):
        cloth, neck = NAMES.index("cloth"), NAMES.index("neck")
        clothed = 0
        for _, (labels, _, _) in self.samples([portrait()], 80):
            points = {label: np.argwhere(labels == label) for label in (cloth, neck, NAMES.index("skin"))}
            if min(len(found) for found in points.values()) < 20:
                continue
            skin, throat, worn = (points[label].mean(0) for label in (NAMES.index("skin"), neck, cloth))
            self.assertGreater((throat - skin) @ (worn - skin), 0, "clothes are on the neck's side of the face")
            clothed += len(points[cloth]) > 3 * len(points[neck])
        self.assertGreater(clothed, 10)

    def test_a_torso_is_below_its_portrait(self):
        rng = np.random.default_rng(0)
        shape = frames.torso(rng, (SIDE, SIDE), 2 * SIDE, (1, 0, -SIDE / 2, 0, 1, 0))  # unscaled, half its width to the right
        self.assertEqual(shape[:round(0.88 * SIDE)].max(), 0)
        self.assertEqual(shape[round(1.5 * SIDE), SIDE], 1)
        self.assertGreater(shape[round(1.5 * SIDE)].mean(), 0.3)

    def test_rare_classes_are_drawn_more_often(self):
        portraits = [portrait()] * 24 + [portrait([HAT])]
        repeats = frames.repeats(frames.present(portraits, 19))
        self.assertTrue((repeats[:24] == 1).all())
        self.assertAlmostEqual(repeats[24], np.sqrt(frames.COMMON * 25))
        self.assertEqual(frames.repeats(frames.present(portraits[:24], 19)).max(), 1)

    def test_others_wear_a_portraits_hat(self):
        hat, plain = portrait([HAT]), portrait()
        worn = frames.dressed(plain, hat, HAT[0])
        self.assertTrue((np.array(worn.labels) == np.array(hat.labels)).all())
        self.assertTrue((np.array(worn.rgb) == np.array(hat.rgb)).all())
        self.assertTrue((np.array(plain.labels)[8:24, 16:80] == NAMES.index("skin")).all())

    def test_a_teachers_doubt_moves_with_the_picture(self):
        for _, (labels, second, share) in self.samples([portrait(soft=True)], 10):
            face = np.isin(labels, (NAMES.index("skin"),))
            self.assertTrue((second[face] == NAMES.index("hair")).all() and (share[face] == 200).all())

    def test_other_label_sets_have_their_own_sides(self):
        self.assertEqual(frames.mirror(19)[[4, 5, 6, 7, 8, 9, 1, 255]].tolist(), [5, 4, 7, 6, 9, 8, 1, 255])
        self.assertEqual(frames.mirror(11)[[2, 3, 4, 5, 6, 255]].tolist(), [3, 2, 5, 4, 6, 255])

    def test_pictures_that_are_no_squares(self):
        tall = frames.prepare(SIDE, Image.new("RGB", (50, 200)), Image.new("L", (50, 200), 1))
        self.assertEqual(tall.rgb.size, (24, SIDE))
        next(iter(frames.Frames([tall], [], 11, SIDE, SIDE, (0,))))

"""model/training/frames.py, people.py, clothes.py, props.py, film.py and backdrops.py: labels stay on their pixels, what
isn't known is never labelled, and frames are as documented."""
import os
import sys
import types
import unittest
from unittest import mock

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "model", "training"))

import arches
import backdrops
import clothes
import film
import frames
import partial
import people
import props

SIDE = 96
CLASSES = 20
NAMES = people.Names.of(CLASSES)
INDEX = NAMES.index
COLORS = np.array([[int(color[i:i + 2], 16) for i in (1, 3, 5)] for color in arches.LABELS[CLASSES].values()], np.uint8)
COLORS[0] = 16, 32, 48  # black is outside a picture
VALID = {*range(CLASSES), *partial.CODES.values(), partial.IGNORE}
UNKNOWN = partial.CODES["background or body"]


def truth_of(labels=()):
    """A crude face: big patches, a left side and a right one."""
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[8:88, 16:80] = INDEX["skin"]
    truth[30:42, 22:40], truth[30:42, 56:74] = INDEX["right eye"], INDEX["left eye"]
    truth[88:, 30:66] = INDEX["neck"]
    truth[88:, :30] = INDEX["cloth"]
    for label, where in labels:
        truth[where] = label
    return truth


def portrait(labels=()):
    """Each pixel has the colour of its class, black where that isn't known."""
    truth = truth_of(labels)
    rgb = np.append(COLORS, np.zeros((256 - CLASSES, 3), np.uint8), 0)[truth]
    return people.prepare(SIDE, Image.fromarray(rgb), Image.fromarray(truth), NAMES)


def crowd(*some):
    return people.Crowd(list(some), NAMES, True)


HAT = (INDEX["hat"], np.s_[8:24, 16:80])


class Plain:
    """A backdrop of one colour that no class has."""
    COLOR = 250, 251, 252

    def draw(self, _, size):
        return np.full((size, size, 3), self.COLOR, np.float32)


PLAIN = {"film": lambda rng, rgb: rgb.clip(0, 255).astype(np.uint8)}


class Composing(unittest.TestCase):
    def frames(self, *crowds, shares=None, size=SIDE, seed=0, behind=None):
        return frames.Frames(crowds or [crowd(portrait())], shares or [1] * max(1, len(crowds)), behind or Plain(), CLASSES, size,
                             (seed,))

    def samples(self, count, *crowds, **how):
        """(picture, labels), with nothing that changes colours, and nothing before the face."""
        with mock.patch.multiple(frames, **PLAIN), mock.patch.object(props, "add"), \
                mock.patch.object(people, "recoloured", lambda rng, person, names: person):
            endless = iter(self.frames(*crowds, **how))
            for _ in range(count):
                picture, labels = next(endless)
                yield picture.numpy(), labels.numpy()


class Frames(Composing):
    def test_bytes_of_the_size_that_is_asked_for(self):
        for size in (64, 96, 130):
            for picture, labels in self.samples(6, size=size):
                self.assertEqual((picture.dtype, picture.shape), (np.uint8, (size, size, 3)))
                self.assertEqual((labels.dtype, labels.shape), (np.uint8, (size, size)))

    def test_labels_are_where_their_colours_are(self):
        """All classes but the sides, which may be mirrored, and clothes, which may be drawn."""
        checked = 0
        for rgb, labels in self.samples(60):
            exact = (rgb[:, :, None] == COLORS).all(-1)
            known = exact.any(-1) & (labels < CLASSES)
            for label in set(labels[known]) - {INDEX[name] for name in ("left eye", "right eye", "cloth", "background")}:
                right = (exact.argmax(-1) == labels)[known & (labels == label)]
                if len(right) > 20:
                    self.assertGreater(right.mean(), 0.9, list(INDEX)[label])
                    checked += 1
        self.assertGreater(checked, 50)

    @mock.patch.object(frames, "CROWDS", ((1, 1, 1),))
    def test_left_and_right_are_the_subjects_in_a_mirrored_frame_too(self):
        left, right = INDEX["left eye"], INDEX["right eye"]
        kept = swapped = 0
        for rgb, labels in self.samples(100):
            both = [np.argwhere(labels == label) for label in (left, right)]
            skin, neck = (np.argwhere(labels == INDEX[name]) for name in ("skin", "neck"))
            if min(map(len, (*both, neck))) < 20 or len(neck) > len(skin) / 4:
                continue  # of two people, say
            up, across = skin.mean(0) - neck.mean(0), both[0].mean(0) - both[1].mean(0)
            self.assertGreater(up[1] * across[0] - up[0] * across[1], 0,
                               "the subject's left is at the viewer's right of an upright face")
            color = (rgb == COLORS[left]).all(-1)
            if (color & (labels == right)).sum() > 10:
                swapped += 1
            else:
                kept += 1
        self.assertGreater(min(kept, swapped), 5)

    def test_a_seed_makes_the_same_frames(self):
        behind = backdrops.Backdrops([], [])

        def first(seed):
            endless = iter(self.frames(seed=seed, behind=behind))
            return [next(endless) for _ in range(5)]

        one, again, other = map(first, (1, 1, 2))
        self.assertTrue(all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(one, again)))
        self.assertFalse(all((a[0] == b[0]).all() for a, b in zip(one, other)))

    def test_views_have_their_shares(self):
        made = []
        endless = self.frames()
        blank = np.zeros((SIDE, SIDE, 3), np.float32), np.zeros((SIDE, SIDE), np.uint8)
        for view in ("region", "whole", "nobody"):
            setattr(endless, view, lambda rng, view=view: (made.append(view), blank)[1])
        rng = np.random.default_rng(0)
        with mock.patch.multiple(frames, **PLAIN):
            for _ in range(2000):
                endless.compose(rng)
        for view, share in (("region", frames.REGION), ("whole", frames.WHOLE), ("nobody", 1 - frames.REGION - frames.WHOLE)):
            self.assertAlmostEqual(made.count(view) / 2000, share, delta=0.035)

    def test_frames_show_what_their_views_are_said_to(self):
        """Nobody; a large face in the middle; heads from a twentieth of the height on."""
        endless, rng = self.frames(), np.random.default_rng(3)
        with mock.patch.object(props, "add"):
            for _ in range(20):
                self.assertFalse(endless.nobody(rng)[1].any())
            middle = [(endless.region(rng)[1] != 0)[SIDE // 3:2 * SIDE // 3, SIDE // 3:2 * SIDE // 3].mean() for _ in range(20)]
            self.assertGreater(np.median(middle), 0.9)
            parts = np.array([(np.isin(endless.whole(rng)[1], NAMES.face)).mean() for _ in range(60)])
        self.assertGreater(((parts > 0.001) & (parts < 0.05)).sum(), 15)
        self.assertLess(np.median(parts), 0.15)
        self.assertLess(parts.max(), 0.7)

    def test_some_faces_are_cut_by_the_upper_edge(self):
        rng, endless = np.random.default_rng(0), self.frames()
        cut = [(endless.whole(rng)[1][0] == INDEX["skin"]).mean() > 0.5 for _ in range(200)]
        self.assertTrue(4 < sum(cut) < 40, sum(cut))

    def test_sets_are_drawn_by_their_shares(self):
        endless = self.frames(*(types.SimpleNamespace(draw=lambda rng, i=i: i, seen_whole=lambda: False) for i in range(3)), shares=[1, 0.5, 0.5])
        rng = np.random.default_rng(0)
        drawn = np.bincount([endless.person(rng) for _ in range(2000)]) / 2000
        self.assertLess(np.abs(drawn - (0.5, 0.25, 0.25)).max(), 0.04)

    def test_labels_are_classes_or_codes(self):
        """With everything at once: props, films, several sets, and pixels that sets don't know."""
        patches = [(code, np.s_[8 + 9 * i:17 + 9 * i, 70:96]) for i, code in enumerate(partial.CODES.values())]
        tall = np.zeros((240, 60), np.uint8)
        tall[20:32, 24:36], tall[32:, 15:45] = INDEX["skin"], partial.CODES["person without hair"]
        whole = people.prepare(240, Image.new("RGB", (60, 240), "#405060"), Image.fromarray(tall), NAMES)
        mixed = portrait([*patches, (partial.IGNORE, np.s_[80:, :])])
        endless = iter(self.frames(crowd(portrait([HAT])), crowd(mixed), crowd(whole), behind=backdrops.Backdrops([], [])))
        seen = set()
        for _ in range(80):
            rgb, labels = next(endless)
            self.assertEqual(str(rgb.dtype), "torch.uint8")
            seen |= set(np.unique(labels.numpy()))
        self.assertEqual(seen - VALID, set())
        self.assertTrue(seen >= {0, INDEX["skin"], INDEX["cloth"], INDEX["body"], partial.CODES["person"], partial.IGNORE})

    def test_black_bars_are_background(self):
        rng = np.random.default_rng(1)
        upright = level = 0
        for _ in range(40):
            rgb, labels = np.full((SIDE, SIDE, 3), 9, np.uint8), np.full((SIDE, SIDE), 7, np.uint8)
            barred, changed = film.letterbox(rng, rgb, labels)
            self.assertTrue((rgb == 9).all() and (labels == 7).all())
            black = (barred == 0).all(-1)
            self.assertTrue(((changed == 0) == black).all() and (changed[~black] == 7).all())
            self.assertTrue(black[0, 0] and black[-1, -1] and not black[SIDE // 2, SIDE // 2])
            upright += black[:, 0].all()
            level += black[0].all()
        self.assertTrue(level > upright > 0 and level + upright == 40)

    def test_other_label_sets_have_their_own_sides(self):
        for classes in (19, 20):
            table = people.mirror(classes)
            self.assertEqual(table[[4, 5, 6, 7, 8, 9, 1, 19, 100, 255]].tolist(), [5, 4, 7, 6, 9, 8, 1, 19, 100, 255])
        self.assertEqual(people.mirror(11)[[2, 3, 4, 5, 6, 255]].tolist(), [3, 2, 5, 4, 6, 255])

    def test_frames_of_the_smaller_label_sets(self):
        for classes in (11, 19):
            names = people.Names.of(classes)
            truth = np.zeros((SIDE, SIDE), np.uint8)
            truth[40:] = names.index["skin"]
            person = people.prepare(SIDE, Image.new("RGB", (SIDE, SIDE)), Image.fromarray(truth), names)
            some = people.Crowd([person], names, True)
            endless = iter(frames.Frames([some], [1], backdrops.Backdrops([], []), classes, 64, (0,)))
            seen = set(np.unique([next(endless)[1].numpy() for _ in range(30)]))
            self.assertEqual(seen - {*range(classes), *partial.CODES.values(), partial.IGNORE}, set())


class Laying(Composing):
    """One person in a frame."""

    def lay(self, person, *where, seed=0, own=False, **how):
        """(picture, labels) of 2 x SIDE, mirrored or not by the seed."""
        endless = self.frames(size=2 * SIDE)
        rgb, labels = endless.blank(None)
        with mock.patch.object(props, "add"):
            endless.lay(np.random.default_rng(seed), rgb, labels, person, *where, own=own, **how)
        return rgb, labels

    def seeds(self):
        """(seed, whether it mirrors) of some."""
        found = [(seed, np.random.default_rng(seed).random() < 0.5) for seed in range(8)]
        self.assertEqual(len({mirrored for _, mirrored in found}), 2)
        return found

    def test_a_head_comes_where_it_is_wanted_and_that_large(self):
        for seed, _ in self.seeds():
            for centre, size, angle in (((80, 90), 60, 0), ((100, 60), 40, 0.7), ((130, 120), 110, -0.4)):
                _, labels = self.lay(portrait(), centre, size, angle, seed=seed)
                y, x = np.nonzero(np.isin(labels, NAMES.face))
                self.assertLess(np.hypot(x.mean() - centre[0], y.mean() - centre[1]), 0.06 * size)
                wanted = size * (size * 64 / 80)  # the face is 64 x 80, the longer side counts
                self.assertAlmostEqual(len(x) / wanted, 1, delta=0.12)

    def test_mirrored_sides(self):
        for seed, mirrored in self.seeds():
            rgb, labels = self.lay(portrait(), (SIDE, SIDE), 80, seed=seed)
            left, right = (np.argwhere(labels == INDEX[name]) for name in ("left eye", "right eye"))
            self.assertGreater(left.mean(0)[1], right.mean(0)[1])
            y, x = left.mean(0).astype(int)
            self.assertEqual(tuple(rgb[y, x]), tuple(COLORS[INDEX["right eye" if mirrored else "left eye"]]))

    def test_a_cut_out_leaves_no_background_of_its_own(self):
        """What its set calls background, or doesn't know from a body, stays what the frame has there or is unknown."""
        for nobody in (0, UNKNOWN, partial.CODES["beside an 11-class face"]):
            person = portrait([(nobody, truth_of() == 0)])
            alpha = np.asarray(person.alpha)
            self.assertTrue(alpha[2:6, 2:-2].max() == 0 and alpha[20:80, 20:76].min() == 255)
            for seed, _ in self.seeds()[:4]:
                endless = self.frames(size=2 * SIDE)
                rgb, labels = endless.blank(None)
                labels[:] = INDEX["hat"]  # as if there were one of somebody behind
                with mock.patch.object(props, "add"), mock.patch.object(clothes, "torso", lambda *_: None):
                    endless.lay(np.random.default_rng(seed), rgb, labels, person, (SIDE, SIDE), 80)
                self.assertEqual(set(np.unique(labels)) & set(frames.NOBODY), set())
                self.assertTrue((labels[rgb[..., 0] == 250] == INDEX["hat"]).all())
                self.assertTrue((labels == INDEX["skin"]).sum() > 1000 and (labels == partial.IGNORE).sum() < 800)
                # What isn't of the person is not to be seen either, but for the soft rim.
                self.assertLess((np.abs(rgb - COLORS[0]).max(-1) < 8).sum(), 60)

    def test_an_own_picture_leaves_the_outside_unknown(self):
        for nobody in (0, UNKNOWN):
            person = portrait([(nobody, truth_of() == 0)])
            for seed, _ in self.seeds():
                rgb, labels = self.lay(person, (SIDE, SIDE), 60, seed=seed, own=True)
                outside = (rgb == Plain.COLOR).all(-1)
                self.assertTrue((labels[outside] == partial.IGNORE).all())
                self.assertFalse((labels[~outside] == partial.IGNORE).any())
                self.assertGreater(outside.mean(), 0.4)
                self.assertGreater((labels == nobody).sum(), 500)

    def test_an_own_picture_may_fill_the_frame(self):
        rng = np.random.default_rng(0)
        person = portrait()
        for _ in range(30):
            centre, size = frames.filling(rng, person, 2 * SIDE)
            scale = size / person.head[2]
            corners = [np.array(centre) + (np.array(corner) - person.head[:2]) * scale for corner in ((0, 0), (SIDE, SIDE))]
            for near, far in zip(*corners):
                if scale >= 2:  # the frame's side over the picture's
                    self.assertTrue(near <= 1e-6 and far >= 2 * SIDE - 1e-6)
                else:
                    self.assertTrue(near >= -1e-6 and far <= 2 * SIDE + 1e-6)

    def test_whole_people_are_taken_with_what_is_behind_them(self):
        """At times, if the face is a small part of the picture; never a portrait."""
        tall = np.zeros((240, 120), np.uint8)
        tall[20:50, 45:75], tall[50:, 30:90] = INDEX["skin"], INDEX["cloth"]
        small = people.prepare(240, Image.new("RGB", (120, 240), "#405060"), Image.fromarray(tall), NAMES)
        for person, wanted in ((small, True), (portrait(), False)):
            endless, rng, owned = self.frames(crowd(person)), np.random.default_rng(0), []
            endless.lay = lambda *_, own=False: owned.append(own)
            for _ in range(30):
                endless.whole(rng)
            self.assertEqual(any(owned), wanted)
            self.assertFalse(all(owned))

    def test_whole_frames_show_people_from_head_to_foot_however_few_their_set_has(self):
        tall = np.zeros((240, 120), np.uint8)
        tall[20:40, 50:70], tall[40:, 30:90] = INDEX["skin"], INDEX["hat"]
        standing = crowd(people.prepare(240, Image.new("RGB", (120, 240), "#405060"), Image.fromarray(tall), NAMES))
        self.assertTrue(standing.seen_whole() and not crowd(portrait()).seen_whole())
        endless, rng = self.frames(crowd(portrait()), standing, shares=[1, 0]), np.random.default_rng(0)
        shown = [(endless.whole(rng)[1] == INDEX["hat"]).any() for _ in range(100)]
        self.assertAlmostEqual(np.mean(shown), frames.STANDING, delta=0.12)

    def test_what_is_before_a_face_is_added_where_it_is(self):
        for person in (portrait(), portrait()._replace(face=False)):
            with mock.patch.object(props, "add") as add:
                endless = self.frames(size=2 * SIDE)
                for seed in range(40):
                    endless.lay(np.random.default_rng(seed), *endless.blank(None), person, (70, 80), 50)
            heads = [call.args[4] for call in add.call_args_list]
            self.assertEqual(set(heads), {(70, 80, 50)} if person.face else set())
            self.assertTrue(0 < len(heads) < 20 or not person.face)

    def test_below_a_portrait_are_clothes(self):
        """On the neck's side of the face, where the picture ends."""
        for seed, _ in self.seeds():
            for angle in (0, 0.5, -0.5):
                with mock.patch.object(clothes, "fabric", lambda _, size: np.full((size, size, 3), 199, np.float32)):
                    rgb, labels = self.lay(portrait(), (SIDE, SIDE), 50, angle, seed=seed)
                skin, throat, worn = (np.argwhere(labels == INDEX[name]).mean(0) for name in ("skin", "neck", "cloth"))
                self.assertGreater((throat - skin) @ (worn - skin), 0)
                drawn = (labels == INDEX["cloth"]) & (rgb == 199).all(-1)
                self.assertGreater(drawn.sum(), 300)

    def test_a_torso_is_below_its_portrait(self):
        rng = np.random.default_rng(0)
        unscaled = (1, 0, -SIDE / 2, 0, 1, 0)  # half its width to the right
        shape = clothes.torso(rng, portrait(), 2 * SIDE, unscaled)
        self.assertEqual(shape[:SIDE - 3].max(), 0)
        self.assertEqual(shape[round(1.5 * SIDE), SIDE], 1)
        self.assertGreater(shape[round(1.5 * SIDE)].mean(), 0.3)

    def test_fabric_is_of_few_colours(self):
        """No piece of any picture: what varies is light, or one pattern of two colours."""
        rng = np.random.default_rng(0)
        for _ in range(40):
            rgb = clothes.fabric(rng, SIDE)
            self.assertEqual((rgb.shape, rgb.dtype), ((SIDE, SIDE, 3), np.float32))
            smooth = rgb.reshape(SIDE // 8, 8, SIDE // 8, 8, 3).mean((1, 3)).reshape(-1, 3)
            spread = np.linalg.svd(smooth - smooth.mean(0), compute_uv=False)
            self.assertLess(spread[2], 0.2 * spread[0] + 10, "three colours at least")

    def test_who_is_not_cut_off_has_no_torso(self):
        inside = portrait([(0, np.s_[80:, :])])
        self.assertIsNone(clothes.torso(np.random.default_rng(0), inside, SIDE, (1, 0, 0, 0, 1, 0)))


class People(unittest.TestCase):
    def test_a_head_is_the_faces_box(self):
        (x, y, size), face = people.head_of(truth_of(), NAMES)
        self.assertTrue(face)
        np.testing.assert_allclose((x, y, size), (48, 48, 80), atol=1.5)
        wide = np.zeros((60, 100), np.uint8)
        wide[10:30, 40:80] = INDEX["nose"]
        wide[40, 90] = INDEX["skin"]  # a speck doesn't count
        (x, y, size), _ = people.head_of(wide, NAMES)
        np.testing.assert_allclose((x, y, size), (60, 20, 40), atol=1.5)

    def test_a_face_mostly_hidden_is_as_large_as_the_hair_says(self):
        labels = np.zeros((100, 100), np.uint8)
        labels[20:60, 30:70] = INDEX["hair"]
        labels[50:58, 45:55] = INDEX["skin"]
        (x, y, size), face = people.head_of(labels, NAMES)
        self.assertTrue(face)
        np.testing.assert_allclose((x, y, size), (50, 54, 20), atol=1)

    def test_a_head_from_behind_is_the_hairs(self):
        labels = np.zeros((100, 100), np.uint8)
        labels[20:60, 30:70] = INDEX["hair"]
        labels[60:, 20:80] = INDEX["cloth"]
        (x, y, size), face = people.head_of(labels, NAMES)
        self.assertFalse(face)
        np.testing.assert_allclose((x, y, size), (50, 39, 32), atol=1)

    def test_without_a_head_it_is_a_guess_within_the_picture(self):
        for shape in ((200, 50), (30, 90)):
            (x, y, size), face = people.head_of(np.full(shape, partial.CODES["person"], np.uint8), NAMES)
            self.assertFalse(face)
            self.assertTrue(0 < x < shape[1] and 0 < y < shape[0] and 0 < size <= min(shape))

    def test_codes_are_no_face(self):
        _, face = people.head_of(np.full((50, 50), partial.CODES["bare skin"], np.uint8), NAMES)
        self.assertFalse(face)

    def test_how_a_picture_is_kept(self):
        labels = truth_of([(partial.IGNORE, np.s_[8:30, 16:80]), (partial.CODES["person"], np.s_[88:, 30:66])])
        person = people.prepare(SIDE, Image.new("RGB", (SIDE, SIDE)), Image.fromarray(labels), NAMES)
        alpha = np.asarray(person.alpha)
        self.assertEqual((alpha[2, 48], alpha[18, 48], alpha[60, 48], alpha[92, 48]), (0, 128, 255, 255))
        np.testing.assert_array_equal(np.asarray(person.labels), labels)

    def test_pictures_that_are_no_squares(self):
        tall = people.prepare(SIDE, Image.new("RGB", (50, 200)), Image.new("L", (50, 200), 1), NAMES)
        self.assertEqual((tall.rgb.size, tall.labels.size, tall.alpha.size), ((24, SIDE),) * 3)
        next(iter(frames.Frames([crowd(tall)], [1], Plain(), CLASSES, SIDE, (0,))))
        small = people.prepare(SIDE, Image.new("RGB", (20, 30)), Image.new("L", (20, 30), 1), NAMES)
        self.assertEqual(small.rgb.size, (20, 30))

    def test_nobody_is_no_person(self):
        for label in frames.NOBODY:
            self.assertIsNone(people.prepare(SIDE, Image.new("RGB", (20, 20)), Image.new("L", (20, 20), label), NAMES))

    def test_rare_classes_are_drawn_more_often(self):
        """By the square root of their rarity compared with COMMON, four times at most."""
        plain, hatted = portrait(), portrait([HAT])
        repeats = people.repeats([plain] * 24 + [hatted], CLASSES)
        self.assertTrue((repeats[:24] == 1).all())
        self.assertAlmostEqual(repeats[24], np.sqrt(people.COMMON * 25))
        self.assertEqual(people.repeats([plain] * 24, CLASSES).max(), 1)
        self.assertAlmostEqual(people.repeats([plain] * 999 + [hatted], CLASSES)[-1], 4)
        some = people.Crowd([plain] * 9 + [hatted], NAMES, False)
        rng, share = np.random.default_rng(0), np.sqrt(people.COMMON * 10)
        with mock.patch.object(people, "recoloured", lambda rng, person, names: person):
            drawn = np.mean([some.draw(rng) is hatted for _ in range(1000)])
        self.assertAlmostEqual(drawn, share / (9 + share), delta=0.04)

    def test_who_shows_no_class_alone_is_drawn_too(self):
        unsure = portrait([(partial.CODES["person"], np.s_[:, :])])
        np.testing.assert_allclose(people.repeats([portrait(), unsure], CLASSES), [1, 0.5])

    def test_others_wear_a_portraits_hat(self):
        hat, plain = portrait([HAT]), portrait()
        worn = people.dressed(plain, hat, HAT[0])
        self.assertTrue((np.array(worn.labels) == np.array(hat.labels)).all())
        self.assertTrue((np.array(worn.rgb) == np.array(hat.rgb)).all())
        self.assertTrue((np.array(plain.labels)[8:24, 16:80] == INDEX["skin"]).all())

    def test_what_is_worn_beside_the_head_is_cut_out_with_it(self):
        above = (INDEX["hat"], np.s_[1:8, 30:60])
        worn = people.dressed(portrait(), portrait([above]), INDEX["hat"])
        self.assertTrue((np.asarray(worn.alpha)[above[1]] == 255).all())
        self.assertEqual(np.asarray(worn.alpha)[4, 5], 0)

    def test_pictures_of_other_sizes_lend_nothing(self):
        hat = portrait([HAT])
        small = people.prepare(40, hat.rgb, hat.labels, NAMES)
        self.assertIs(people.dressed(small, hat, HAT[0]), small)

    def test_only_portraits_lend_what_they_wear(self):
        pictures = [portrait(), portrait([HAT])]
        for aligned in (True, False):
            some, rng = people.Crowd(pictures, NAMES, aligned), np.random.default_rng(0)
            drawn = [some.draw(rng) for _ in range(60)]
            dressed = sum(all(person.labels is not own.labels for own in pictures) for person in drawn)
            self.assertEqual(dressed > 5, aligned)

    def test_other_colours_are_only_of_what_is_no_body(self):
        rng, changed = np.random.default_rng(0), 0
        person = portrait([(partial.CODES["person"], np.s_[40:60, 16:80]), (partial.CODES["bare skin"], np.s_[60:70, 16:80]),
                           (partial.IGNORE, np.s_[70:80, 16:80])])
        free = np.isin(np.asarray(person.labels), [INDEX[name] for name in ("background", "hat", "cloth")])
        for _ in range(10):
            other = people.recoloured(rng, person, NAMES)
            differs = (np.asarray(other.rgb) != np.asarray(person.rgb)).any(-1)
            self.assertFalse((differs & ~free).any())
            self.assertIs(other.labels, person.labels)
            changed += differs[free].mean() > 0.9
        self.assertGreater(changed, 5)

    def test_skin_colour(self):
        person = portrait()
        np.testing.assert_array_equal(people.skin_colour(person, NAMES), COLORS[INDEX["skin"]])
        self.assertIsNone(people.skin_colour(portrait([(INDEX["hair"], truth_of() == INDEX["skin"])]), NAMES))

    def test_labels_of_other_sets_of_classes(self):
        self.assertEqual([NAMES.label(name) for name in ("body", "person", "nothing")], [19, partial.CODES["person"], 255])
        self.assertEqual([people.Names.of(19).label(name) for name in ("body", "cloth")], [255, 18])
        self.assertEqual([people.Names.of(11).label(name) for name in ("cloth", "hair")], [255, 10])


class Props(unittest.TestCase):
    """What is drawn before a face gets its label, and nothing else does."""

    def added(self, which, seed, names=NAMES):
        rng = np.random.default_rng(seed)
        before = np.full((2 * SIDE, 2 * SIDE, 3), 128, np.float32)
        labels = np.full((2 * SIDE, 2 * SIDE), names.index["hair"], np.uint8)
        rgb = before.copy()
        draw, label, _, fixed = props.PROPS[which]
        with mock.patch.object(props, "PROPS", ((draw, label, 1.0, fixed),)):
            props.add(rng, rgb, labels, names, (SIDE, SIDE, 80), np.array([250, 20, 20]))
        return np.abs(rgb - before).max(-1), rgb, labels, names.label(label)

    def test_labels_are_where_something_is_drawn(self):
        for which, (draw, *_) in enumerate(props.PROPS):
            for seed in range(6):
                changed, _, labels, label = self.added(which, seed)
                where = labels == label
                self.assertTrue((labels[~where] == INDEX["hair"]).all())
                self.assertGreater(where.sum(), 60, draw.__name__)
                self.assertGreater((changed[where] > 0).mean(), 0.97, draw.__name__)
                self.assertLess((changed[~where] > 0).sum(), 0.12 * where.size)  # the soft rim
                far = np.asarray(Image.fromarray(where).filter(ImageFilter.MaxFilter(7)))
                self.assertEqual(changed[~far].max(initial=0), 0, draw.__name__)

    def test_a_hand_has_the_skins_colour(self):
        for seed in range(4):
            _, rgb, labels, label = self.added(0, seed)
            red, green, blue = np.median(rgb[labels == label], 0)
            self.assertTrue(red > 150 and green < 90 and blue < 90)
            self.assertEqual(label, INDEX["body"])

    def test_a_mask_hides_the_mouth_and_headphones_leave_it(self):
        """By where the face is: the mask below its middle, headphones at its sides."""
        for seed in range(4):
            _, _, labels, label = self.added([row[0] for row in props.PROPS].index(props.mask), seed)
            self.assertEqual((labels[SIDE + 15, SIDE], labels[SIDE - 30, SIDE]), (label, INDEX["hair"]))
            self.assertEqual(label, INDEX["cloth"])
            _, _, labels, label = self.added([row[0] for row in props.PROPS].index(props.headphones), seed)
            self.assertEqual(labels[SIDE, [SIDE - 40, SIDE + 40, SIDE]].tolist(), [label, label, INDEX["hair"]])
            self.assertEqual(label, partial.CODES["person"])

    def test_what_a_set_has_no_name_for_is_unknown(self):
        eleven = people.Names.of(11)
        _, _, labels, _ = self.added(0, 1, eleven)
        self.assertEqual(set(np.unique(labels)), {eleven.index["hair"], partial.IGNORE})

    def test_chances_add_up(self):
        self.assertAlmostEqual(sum(row[2] for row in props.PROPS), 1)
        for seed in range(30):
            rgb, labels = np.full((64, 64, 3), 100, np.float32), np.zeros((64, 64), np.uint8)
            props.add(np.random.default_rng(seed), rgb, labels, NAMES, (32, 32, 30), None)
            self.assertEqual(set(np.unique(labels)) - VALID, set())
            self.assertTrue(np.isfinite(rgb).all())

    def test_each_draws_in_the_picture_what_is_in_its_mask(self):
        for draw, *_ in props.PROPS:
            picture, shape = Image.new("RGB", (64, 64), (1, 2, 3)), Image.new("L", (64, 64))
            draws = [(ImageDraw.Draw(picture), ImageDraw.Draw(shape))]
            draw(np.random.default_rng(2), draws, (32.0, 32.0), 12.0, np.array([200.0, 150, 120]))
            drawn = (np.asarray(picture) != (1, 2, 3)).any(-1)
            self.assertTrue((drawn == (np.asarray(shape) > 0)).all() and drawn.any(), draw.__name__)


class Filming(unittest.TestCase):
    def test_bytes_of_the_same_size(self):
        for seed in range(40):
            rng = np.random.default_rng(seed)
            size = int(rng.integers(16, 120))
            out = film.film(rng, rng.uniform(-30, 300, (size, size, 3)).astype(np.float32))
            self.assertEqual((out.dtype, out.shape), (np.uint8, (size, size, 3)))

    def test_the_scene_stays_where_it_is(self):
        """Light left, dark right, however badly filmed; and films differ."""
        rgb = np.full((64, 64, 3), 30, np.float32)
        rgb[:, :32] = 200
        means = []
        for seed in range(30):
            out = film.film(np.random.default_rng(seed), rgb).astype(float)
            self.assertGreater(out[:, :28].mean(), out[:, 36:].mean())
            means.append(out.mean())
        self.assertGreater(np.std(means), 5)
        self.assertTrue((rgb[:, :32] == 200).all())


class Backdrops(unittest.TestCase):
    def test_floats_of_the_size(self):
        """Rooms, scenes and made-up ones, of pictures of any shape."""
        rooms = [Image.new("RGB", size, "#804020") for size in ((40, 90), (300, 50))]
        for behind in (backdrops.Backdrops([], []), backdrops.Backdrops(rooms, []), backdrops.Backdrops([], rooms),
                       backdrops.Backdrops(rooms[:1], rooms[1:])):
            rng = np.random.default_rng(0)
            for _ in range(20):
                drawn = behind.draw(rng, SIDE)
                self.assertEqual((drawn.dtype, drawn.shape), (np.float32, (SIDE, SIDE, 3)))

    def test_rooms_are_used_most(self):
        red, blue = Image.new("RGB", (50, 50), "#ff0000"), Image.new("RGB", (50, 50), "#0000ff")
        behind, rng = backdrops.Backdrops([red], [blue]), np.random.default_rng(0)
        with mock.patch.object(backdrops, "scene", lambda rng, pictures, size: pictures[0]), \
                mock.patch.object(backdrops, "room", lambda rng, size: None):
            drawn = [behind.draw(rng, 8) for _ in range(1000)]
        for kind, share in ((red, 0.6), (blue, 0.2), (None, 0.2)):
            self.assertAlmostEqual(sum(one is kind for one in drawn) / 1000, share, delta=0.05)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""A mask as vague as the network's, guided by the picture and then used to blur the background: nothing of the person's colour is left
around them.  (cases_picture.py does the same for blur alone, with masks that are drawn.)

Environment: GPU_OP (the program).
"""
import os
import unittest

import numpy as np

import cases
import drivers

WIDTH, HEIGHT = 640, 480
CELL = 2.3  # how large a pixel of the network's is there
COLORS = {"white before black": (255, 0), "black before white": (0, 255), "grey before white": (128, 255)}


def distance(waves):
    """In pixels, from the outline of somebody with a wavy one; negative inside."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    x, y = x - 0.55 * WIDTH, y - 0.5 * HEIGHT
    return np.hypot(x, y) - 0.33 * HEIGHT * (1 + waves * np.sin(9 * np.arctan2(y, x)))


def case(op, names, arrays, **more):
    numbers = {name: {"width": WIDTH, "height": HEIGHT} for name in names} | more
    return cases.Case(op, op, None, numbers=numbers, arrays=arrays)


class Halo(unittest.TestCase):
    def run_all(self, wanted):
        """The outputs of operators that have one each, of a picture's size."""
        try:
            results = cases.run(os.environ["GPU_OP"], wanted, drivers.environment(drivers.LAVAPIPE, False), "subgroup")
        except (cases.Unsupported, drivers.Missing) as e:
            self.skipTest(str(e))
        pictures = []
        for result in results:
            self.assertNotIsInstance(result, str, result)
            record, outputs = result
            self.assertEqual(record["status"], 0)
            self.assertTrue(record["intact"], "wrote outside of its output")
            pictures.append(outputs[0].reshape(HEIGHT, WIDTH, -1))
        return pictures

    def test_nothing_is_left(self):
        scenes = [(name, waves, shift, width) for name in COLORS for waves in (0, 0.06) for shift in (0, 2) for width in (2, 3)]
        pictures, masks = [], []
        for name, waves, shift, width in scenes:
            person, background = COLORS[name]
            edge = np.clip(0.5 - distance(waves), 0, 1)
            picture = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
            picture[..., :3] = np.round(edge * person + (1 - edge) * background)[..., None]
            pictures.append(picture)
            masks.append(np.round(255 * np.clip(0.5 - (distance(waves) - shift) / (width * CELL), 0, 1)).astype(np.uint8))
        guided = self.run_all([case("guide", ("image", "in", "out"), [p, m]) for p, m in zip(pictures, masks)])
        shown = self.run_all([case("blur", ("in", "mask", "out"), [p, m], sigma=HEIGHT / 40, sigma_least=HEIGHT / 160)
                              for p, m in zip(pictures, guided)])
        for (name, waves, shift, width), picture, mask, got in zip(scenes, pictures, guided, shown):
            with self.subTest(f"{name}, waves {waves}, mask {width} cells wide and {shift} pixels too large"):
                where = distance(waves)
                self.assertEqual(mask[where > 12].max(), 0, "the mask is too large")
                self.assertEqual(mask[where < -12].min(), 255, "the mask is too small")
                color = got[..., :3].astype(int)
                self.assertLessEqual(np.abs(color[where > 2] - COLORS[name][1]).max(), 1, "a halo")
                self.assertLessEqual(np.abs(color[where < -4] - picture[where < -4][:, :3]).max(), 1, "the person has changed")


if __name__ == "__main__":
    unittest.main()

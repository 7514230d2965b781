"""Every kernel through the compilers of real GPUs: none spills, each leaves room for several waves, none gets worse.

Environment: COMPILE_STATS (compile-stats.c), KERNELS (the folder of the SPIR-V).
"""
import json
import os
import unittest

import gpus
import kernels

HERE = os.path.dirname(os.path.abspath(__file__))
WAVES, WIDTH = 4, 16  # at least: waves per SIMD on AMD; SIMD width on Intel
WORSE = 1.1  # times the recorded figure, as slack


class Vendors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pipelines = kernels.pipelines(os.environ["KERNELS"])
        with open(os.path.join(HERE, "recorded.json"), encoding="ascii") as file:
            cls.recorded = json.load(file)

    def test_variants_are_of_kernels(self):
        self.assertLessEqual(set(kernels.VARIANTS), {kernel for kernel, _ in self.pipelines})
        self.assertGreater(len(self.pipelines), 20)

    def check(self, gpu):
        try:
            driver, found = gpus.compiled(os.environ["COMPILE_STATS"], gpu, self.pipelines.values())
        except gpus.Missing as missing:
            self.skipTest(str(missing))
        recorded = self.recorded.get(gpu.family, {})
        for (kernel, variant), now in zip(self.pipelines, found):
            name = f"{kernel} {variant}".strip()
            with self.subTest(name):
                self.assertEqual(now["spills"], 0, now)
                if gpu.vendor == "amd":
                    self.assertGreaterEqual(now["waves"], WAVES, now)
                else:
                    self.assertGreaterEqual(now["width"], WIDTH, now)
                if driver == recorded.get("driver"):  # figures of another version cannot be compared
                    self.worse(recorded["kernels"].get(name), now)

    def worse(self, then, now):
        self.assertIsNotNone(then, "no figures are recorded: tests/vendors/record adds them")
        for name in ("instructions", "cycles"):
            self.assertLessEqual(now[name], WORSE * then[name], f"{name}: {now} now, {then} recorded")


for one in gpus.GPUS:
    setattr(Vendors, f"test_{one.family}", lambda self, gpu=one: self.check(gpu))

if __name__ == "__main__":
    unittest.main()

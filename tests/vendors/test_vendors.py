"""Every kernel through the compilers of real GPUs: none but those of KNOWN uses memory for registers, each leaves room for several
waves, none gets worse.

Environment: COMPILE_STATS (compile-stats.c), KERNELS (the folder of the SPIR-V).
"""
import json
import os
import unittest

import gpus
import kernels

HERE = os.path.dirname(os.path.abspath(__file__))
WORSE = 1.1  # times the recorded figure, as slack

# What kernels keep in memory instead of registers at most: {(driver, kernel): {statistic: most}}. It should be nothing;
# docs/GPUS.md tells why it is not, and shaders/ops/winograd.c does not use it there.
KNOWN = {("Broadcom", "winograd_in"): {"spills": 45, "scratch": 2688}}


class Vendors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pipelines = kernels.pipelines(os.environ["KERNELS"])
        with open(os.path.join(HERE, "recorded.json"), encoding="ascii") as file:
            cls.recorded = json.load(file)

    def test_variants_are_of_kernels(self):
        self.assertLessEqual(set(kernels.VARIANTS) - set(kernels.EXTENSIONS), {kernel for kernel, _ in self.pipelines})
        self.assertGreater(len(self.pipelines), 20)

    def check(self, gpu):
        try:
            driver, found = gpus.compiled(os.environ["COMPILE_STATS"], gpu, self.pipelines.values())
        except gpus.Missing as missing:
            self.skipTest(str(missing))
        recorded = self.recorded.get(gpu.family, {}).get(driver, {})  # figures of another version cannot be compared
        complete = "conv_tiled 3x3" in recorded
        for (kernel, variant), now in zip(self.pipelines, found):
            if not now:
                continue
            name = f"{kernel} {variant}".strip()
            with self.subTest(name):
                known = KNOWN.get((gpu.driver, kernel), {})
                for memory in {"spills", "scratch"} & set(now):
                    self.assertLessEqual(now[memory], known.get(memory, 0), f"{memory}: {now}")
                least, bound = gpus.DRIVERS[gpu.driver].least
                self.assertGreaterEqual(now[least], bound, now)
                if complete or name in recorded:
                    self.worse(recorded.get(name), now)

    def worse(self, then, now):
        self.assertIsNotNone(then, "no figures are recorded: tests/vendors/record adds them")
        for name in {"instructions", "cycles", "bytes", "spills", "scratch"} & set(now):
            self.assertLessEqual(now[name], WORSE * then[name], f"{name}: {now[name]} now, {then[name]} recorded")
        if "waves" in now:
            self.assertGreaterEqual(WORSE * now["waves"], then["waves"], f"waves: {now['waves']} now, {then['waves']} recorded")


for one in gpus.GPUS:
    setattr(Vendors, f"test_{one.family}", lambda self, gpu=one: self.check(gpu))

if __name__ == "__main__":
    unittest.main()

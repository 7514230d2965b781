#!/usr/bin/python3
"""Which back-ends a device is given: what gpu_open() refuses, and what it takes."""
import os
import subprocess
import tempfile
import unittest

import numpy as np

import cases
import drivers


def gpu_open(driver, backend, device=None, **more):
    """(exit status, output)"""
    try:
        env = drivers.environment(driver) | more
    except drivers.Missing as e:
        raise unittest.SkipTest(str(e))
    with tempfile.NamedTemporaryFile() as results:
        done = subprocess.run([os.environ["GPU_OP"], "--backend", backend] + (["--device", device] if device else [])
                              + ["/dev/null", results.name], env=env, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


class Open(unittest.TestCase):
    def check(self, code, good):
        self.assertEqual(good[0], code, good[1])
        self.assertEqual(len(good[1].splitlines()), 1, f"more than one line: {good[1]}")

    def test_lavapipe_takes_both(self):
        for backend in ("subgroup", "tiled"):
            status, said = gpu_open(drivers.LAVAPIPE, backend)
            self.check(0, (status, said))
            self.assertIn("llvmpipe", said)
            self.assertIn(backend, said)

    def test_swiftshader_has_subgroups_of_4_and_is_refused_subgroup(self):
        self.check(77, gpu_open(drivers.SWIFTSHADER, "subgroup"))

    def test_swiftshader_takes_tiled(self):
        status, said = gpu_open(drivers.SWIFTSHADER, "tiled")
        self.check(0, (status, said))
        self.assertIn("SwiftShader", said)

    def test_lavapipe_with_128_bit_vectors_is_refused_subgroup(self):
        self.check(77, gpu_open(drivers.LAVAPIPE, "subgroup", LP_NATIVE_VECTOR_WIDTH="128"))

    def test_lavapipe_with_128_bit_vectors_takes_tiled(self):
        self.check(0, gpu_open(drivers.LAVAPIPE, "tiled", LP_NATIVE_VECTOR_WIDTH="128"))

    def test_device_by_name_and_number(self):
        for device in ("0", "llvm", "LLVMPIPE"):
            self.check(0, gpu_open(drivers.LAVAPIPE, "tiled", device))

    def test_unknown_device(self):
        for device in ("7777", "no such card", "/dev/dri/renderD999"):
            self.check(1, gpu_open(drivers.LAVAPIPE, "tiled", device))

    def test_no_driver_at_all(self):
        self.check(1, gpu_open(drivers.LAVAPIPE, "tiled", VK_ICD_FILENAMES="/nonexistent.json", VK_DRIVER_FILES="/nonexistent.json"))

    def test_validation_layers_notice_a_wrong_offset(self):
        """Their silence elsewhere only means something if they report an error here."""
        try:
            env = drivers.environment(drivers.LAVAPIPE, validate=True)
        except drivers.Missing as e:
            self.skipTest(str(e))
        x = cases.Map(8, 7, 5, np.zeros((8, 7, 5)), offset=20)
        case = cases.Case("maxpool", "", None, {"in": x, "out": cases.Map(8, 4, 3, get=True)})
        (answer, _), = cases.run(os.environ["GPU_OP"], [case], env, "tiled")
        self.assertGreater(answer["validation"], 0)
        self.assertIn("minStorageBufferOffsetAlignment", answer["messages"])


if __name__ == "__main__":
    unittest.main()

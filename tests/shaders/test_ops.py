#!/usr/bin/python3
"""Every operator by itself, over many shapes, against numpy and PyTorch in 64 bits.

Environment: GPU_OP (the program), VISAGED_DRIVER (lavapipe, swiftshader), VISAGED_BACKEND (subgroup, tiled), VISAGED_VALIDATE
(fewer cases, under the validation layers), VISAGED_LONG (larger ones too), VISAGED_OPS (only these operators).
"""
import os
import unittest

import cases
import cases_network
import cases_picture
import cases_view
import drivers
from cases import BACKEND, DRIVER, LONG, VALIDATE

# What one case may cost, and whether it takes the whole list: the tiled back-end runs at 1 to 5 GFLOP/s on a CPU.
WHOLE_LIST = DRIVER == drivers.LAVAPIPE and BACKEND == "subgroup" and not VALIDATE
FLOP_MOST = 4e10 if WHOLE_LIST else 2e9 if LONG else 3e8

GROUPS = cases_network.GROUPS | cases_view.GROUPS | cases_picture.GROUPS


class Group:
    """The cases of one operator, all run when the first of them is asked for."""

    def __init__(self, name):
        wanted = lambda c: c.flop <= FLOP_MOST and (WHOLE_LIST or LONG or c.sample)
        self.cases = [c for c in GROUPS[name]() if wanted(c)]
        self.results = self.skip = None

    def result(self, case):
        if self.results is None and not self.skip:
            try:
                env = drivers.environment(DRIVER, VALIDATE)
                self.results = dict(zip(map(id, self.cases), cases.run(os.environ["GPU_OP"], self.cases, env, BACKEND)))
            except (cases.Unsupported, drivers.Missing) as e:
                self.skip = str(e)
        if self.skip:
            raise unittest.SkipTest(self.skip)
        return self.results.pop(id(case))


class OperatorTest(unittest.TestCase):
    def __init__(self, group, case):
        super().__init__("answer")
        self.group, self.case, self.title = group, case, case.title

    def id(self):
        return self.title

    def answer(self):
        result = self.group.result(self.case)
        if isinstance(result, str):
            self.fail(result)
        record, outputs = result
        if self.case.refused:
            self.assertEqual(record["status"], -self.case.refused)
            return
        self.assertEqual(record["status"], 0, f"status {record['status']}: {os.strerror(-record['status'])}")
        self.assertTrue(record["intact"], "wrote outside of its output")
        self.case.check(outputs, record)
        self.assertEqual(record["new messages"], 0, "validation layers: " + record["messages"])


def load_tests(loader, tests, pattern):
    suite = unittest.TestSuite()
    for name in os.environ.get("VISAGED_OPS", "").replace(",", " ").split() or GROUPS:
        group = Group(name)
        suite.addTests(OperatorTest(group, case) for case in group.cases)
    return suite


if __name__ == "__main__":
    unittest.main()

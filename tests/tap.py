#!/usr/bin/python3
"""Runs the unittests of a Python file and prints TAP.

    tap.py FILE [unittest names]
"""
import importlib.util
import os
import sys
import traceback
import unittest


class Tap(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.printed = 0

    def line(self, good, test, directive="", details=""):
        self.printed += 1
        name = getattr(test, "title", None) or test.id().removeprefix("test.")
        print("ok" if good else "not ok", self.printed, "-", name.replace("#", "number ").replace("\n", " ")
              + (" # " + directive if directive else ""))
        for text in details.rstrip().splitlines():
            print("# " + text)
        sys.stdout.flush()

    def addSuccess(self, test):
        self.line(True, test, details=getattr(test, "note", ""))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line(True, test, "SKIP " + reason.replace("\n", " "))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        short = err[0] is AssertionError or issubclass(err[0], AssertionError)
        self.line(False, test, details=str(err[1]) if short else "".join(traceback.format_exception(*err)))

    def addError(self, test, err):
        super().addError(test, err)
        self.line(False, test, details="".join(traceback.format_exception(*err)))

    def addSubTest(self, test, subtest, err):
        if err:
            self.addFailure(subtest, err)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.line(False, test, "TODO " + str(err[1]).split("\n")[0])

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.line(False, test, details="unexpected success")


def main():
    os.nice(10)  # a guest that plays cameras beside us has one processor, and clocks that go on
    path = os.path.abspath(sys.argv[1])
    # The test's folder and those around it up to this one, where what tests of several components share lies.
    here, folders = os.path.dirname(os.path.abspath(__file__)), [os.path.dirname(path)]
    while folders[-1].startswith(here + os.sep):
        folders.append(os.path.dirname(folders[-1]))
    sys.path[:0] = folders
    sys.argv[1:2] = []
    spec = importlib.util.spec_from_file_location("test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["test"] = module
    spec.loader.exec_module(module)
    loader = unittest.TestLoader()
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    result = Tap()
    suite.run(result)
    print(f"1..{result.printed}")
    return 0 if result.wasSuccessful() and not loader.errors else 1


if __name__ == "__main__":
    sys.exit(main())

"""No two files call each other in a circle: what each object file defines and uses, from nm.

Environment: VISAGED_BUILD (the build folder).
"""
import glob
import graphlib
import os
import subprocess
import unittest

BUILD = os.environ["VISAGED_BUILD"]


def symbols(path):
    """(defined, used)"""
    lines = subprocess.run(["nm", "-g", path], check=True, capture_output=True, text=True).stdout.splitlines()
    words = [line.split() for line in lines]
    return {w[2] for w in words if len(w) == 3 and w[1] in "TDBRC"}, {w[1] for w in words if w[0] == "U"}


class Circles(unittest.TestCase):
    def test_there_is_none(self):
        files = {path[len(BUILD) + 1:]: symbols(path) for folder in ("daemon", "model", "shaders", "v4l2")
                 for path in glob.glob(f"{BUILD}/{folder}/**/*.c.o", recursive=True)}
        self.assertGreater(len(files), 100)
        owner = {symbol: name for name, (defined, _) in files.items() for symbol in defined}
        uses = {name: {owner[symbol] for symbol in used if symbol in owner} - {name} for name, (_, used) in files.items()}
        graphlib.TopologicalSorter(uses).prepare()  # CycleError has the circle


if __name__ == "__main__":
    unittest.main()

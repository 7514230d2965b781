"""No two files call each other in a circle: what each object file defines and uses, from nm.

Environment: VISAGED_BUILD (the build folder).
"""
import glob
import graphlib
import os
import subprocess
import unittest

BUILD = os.environ["VISAGED_BUILD"]


def symbols(paths):
    """Path -> (defined, used)"""
    found = {path: (set(), set()) for path in paths}
    lines = subprocess.run(["nm", "-gA", *paths], check=True, capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        path, _, rest = line.partition(":")
        *_, kind, symbol = rest.split()
        if kind in "TDBRC":
            found[path][0].add(symbol)
        elif kind == "U":
            found[path][1].add(symbol)
    return found


class Circles(unittest.TestCase):
    def test_there_is_none(self):
        paths = [path for folder in ("daemon", "model", "shaders", "v4l2")
                 for path in glob.glob(f"{BUILD}/{folder}/**/*.c.o", recursive=True)]
        files = {path[len(BUILD) + 1:]: found for path, found in symbols(paths).items()}
        self.assertGreater(len(files), 100)
        owner = {symbol: name for name, (defined, _) in files.items() for symbol in defined}
        uses = {name: {owner[symbol] for symbol in used if symbol in owner} - {name} for name, (_, used) in files.items()}
        graphlib.TopologicalSorter(uses).prepare()  # CycleError has the circle


if __name__ == "__main__":
    unittest.main()

"""The benchmarks run and their tables are complete; no time that they measure is checked.

Environment: VISAGED_BUILD (the build folder), PICTURES (bench-pictures).
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))


def run(*words):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2400)


class Benches(unittest.TestCase):
    def measured(self, name, *options, interpreter="/usr/bin/python3"):
        """What the benchmark writes as JSON."""
        with tempfile.TemporaryDirectory() as folder:
            done = run(interpreter, f"{HERE}/{name}", f"--json={folder}/rows", *options)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            with open(f"{folder}/rows", encoding="utf-8") as file:
                return json.load(file), done.stdout

    def test_pictures(self):
        done = run(os.environ["PICTURES"], "1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = [line.split() for line in done.stdout.splitlines()[2:]]
        names = {" ".join(row[:-3]) for row in rows}
        self.assertLessEqual({"unpack YUYV", "pack NV12", "guide", "overlay", "blur", "mirror"}, names)
        self.assertTrue(all(float(row[-2]) >= float(row[-1]) > 0 for row in rows), done.stdout)

    def test_steady(self):
        rows, _ = self.measured("steady", "--frames=8", "--rate=2")
        # These figures are not times: they are the same on every machine.
        self.assertLess(rows["visaged"]["flips"], rows["single pictures"]["flips"])
        self.assertLess(rows["visaged"]["dtssd"], rows["single pictures"]["dtssd"])
        self.assertEqual(rows["visaged"]["lag"], 0)

    def test_faces(self):
        with tempfile.TemporaryDirectory() as folder:
            rows, _ = self.measured("faces", "--frames=60", f"--picture={folder}/faces.png")
            self.assertGreater(os.path.getsize(f"{folder}/faces.png"), 10000)
        for share in (0.2, 0.1):
            whole, views = (row for row in rows if row["face"] == share)
            self.assertGreaterEqual(views["parts"], whole["parts"] + 2)
            self.assertGreater(views["f1"], whole["f1"] + 20)

    def test_scenes(self):
        """Nothing here depends on the machine either."""
        names = ["alone"] + (["hidden", "crossing", "leaving", "five", "turning", "light", "nobody"] if os.environ.get("VISAGED_LONG") else [])
        rows, _ = self.measured("scenes", *(f"--scene={name}" for name in names))
        self.assertEqual(list(rows), names)
        for name, row in rows.items():
            with self.subTest(name):
                self.assertEqual((row["presence"], row["flips"], row["switches"]), (100, 0, 0))
                self.assertGreaterEqual(row["box"] if name != "nobody" else 1, 0.85)
                self.assertGreaterEqual(row.get("labels", 1), {"leaving": 0.8, "hidden": 0.9, "five": 0.92}.get(name, 0.94))
                self.assertGreaterEqual(min(row.get("eyes", 1), row.get("mouth", 1)), 0.95)

    def test_rooms(self):
        rooms, _ = self.measured("rooms", "--frames=800", "--size=320x240")
        self.assertEqual((rooms["frames"], rooms["rooms"], rooms["frames_with_a_face"]), (800, 20, 0))
        self.assertLess(rooms["labelled"], 0.02)

    def test_daemon(self):
        rows, table = self.measured("daemon", "--seconds=1", "--effects=none,overlay", "--size=320x240", interpreter=sys.executable)
        self.assertEqual([row["effect"] for row in rows], ["none", "overlay"])
        for row in rows:
            for key in ("shown_s", "parsed_s", "parse_ms", "latency_ms", "cores", "loop", "start_s"):
                self.assertGreaterEqual(row[key], 0, key)
            latencies = [row["report"]["latency_ms"][key] for key in ("min", "p5", "median", "p95", "max")]
            self.assertEqual(latencies, sorted(latencies))
        self.assertEqual(len(re.findall(r"^(?:none|overlay)(?: +\d+\.\d+){9}$", table, re.MULTILINE)), 2, table)

    def test_daemon_says_why(self):
        done = run(sys.executable, f"{HERE}/daemon", "--seconds=1", "--effects=nonsense")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nonsense", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""visagectl bench: what it says about a network is true, and it leaves nothing behind.  Times are not asserted."""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import support
from support import visagectl

ALGORITHMS = {"subgroup-winograd", "subgroup-expand", "subgroup", "cooperative", "tiled-winograd", "tiled-packed", "tiled-packed-small", "tiled", "tiled-split", "tiled-small", "depthwise-block", "depthwise-pixel"}
WITHOUT_WEIGHTS = {"crop", "maxpool", "upsample", "gate", "gram", "softmax", "transpose", "matmul", "argmax"}
TIMES = ("median_ms", "min_ms", "max_ms")
COUNT = """
import sys
sys.path.insert(0, sys.argv[1])
import json, torch, reference
network, _ = reference.load(sys.argv[2])
counted = {}
def note(name, module):
    def hook(module, inputs, output):
        counted[name] = module.weight.numel() * output.shape[2:].numel() if output.dim() == 4 else module.weight.numel() * output.shape[-1]
    return hook
for name, module in network.named_modules():
    if isinstance(module, (torch.nn.Conv1d, torch.nn.Conv2d)):
        module.register_forward_hook(note(name, module))
with torch.no_grad():
    network(torch.zeros(1, 3, 65, 65))
print(json.dumps(counted))
"""


def bench(*arguments, **keywords):
    return visagectl("bench", f"--model={support.model()}", "--size=64x48", "--iterations=2", *arguments, **keywords)


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = support.new_folder()
        cls.environment = dict(support.environment(), TMPDIR=cls.temporary)
        cls.done = bench("--json", "--effect=blur", "--quick", env=cls.environment)
        cls.result = json.loads(cls.done.stdout)

    def times(self, row):
        low, middle, high = row["min_ms"], row["median_ms"], row["max_ms"]
        self.assertTrue(0 <= low <= middle <= high, row)

    def test_tells_what_was_measured(self):
        result = self.result
        self.assertEqual((self.done.returncode, self.done.stderr), (0, b""))
        self.assertIn("llvmpipe", result["device"])
        self.assertEqual(result["kind"], "cpu")
        self.assertIn("llvmpipe", result["driver"])
        self.assertIn(result["backend"], ("subgroup", "tiled"))
        self.assertEqual((result["precision"], result["input"], result["size"]), ("fp32", "65x65", "64x48"))
        self.assertIsInstance(result["model"], str)

    def test_times_the_network_and_a_frame(self):
        network, frame = self.result["network"], self.result["frame"]
        self.times(network)
        self.times(frame)
        self.assertIn(network["operators_timed_by"], ("device", "host"))
        self.assertGreater(network["cpu_ms"], 0)
        self.assertGreater(network["gflops"], 0)
        self.assertEqual(frame["effect"], "blur")
        self.assertEqual(list(frame["steps"]), ["upload", "unpack", "parse", "compose", "plain"])
        for step in frame["steps"].values():
            self.times(step)

    def test_times_every_operator(self):
        operators = self.result["operators"]
        for row in operators:
            self.times(row)
            self.assertGreater(row["bytes"], 0)
            self.assertEqual(bool(row["layer"]), row["kind"] in ("conv", "depthwise"), row)
            if row["layer"]:
                self.assertIn(row["algorithm"], ALGORITHMS)
                self.assertGreater(row["kernel"], 0)
            else:
                self.assertIn(row["kind"], WITHOUT_WEIGHTS)
                self.assertEqual((row["algorithm"], row["kernel"]), ("", 0))
        self.assertEqual([operators[i]["kind"] for i in (0, -1)], ["crop", "argmax"])
        self.assertEqual(operators[0]["out"], [4, 65, 65])
        self.assertAlmostEqual(sum(row["share"] for row in operators), 1, places=6)

    def test_counts_the_multiplications(self):
        operators = self.result["operators"]
        self.assertAlmostEqual(sum(row["mac"] for row in operators) / 1e9, self.result["network"]["gmac"], places=9)
        done = subprocess.run([sys.executable, "-c", COUNT, f"{support.ROOT}/model/training", support.model()], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=support.TIMEOUT)
        self.assertEqual({row["layer"]: row["mac"] for row in operators if row["layer"]}, json.loads(done.stdout))
        for row in operators:
            if row["kind"] == "gram":  # in and out of a product of two maps: [a][b], where a is the input
                self.assertEqual(row["mac"], row["in"][0] * row["out"][0] * row["in"][1] * row["in"][2])
            elif row["kind"] == "matmul":
                self.assertEqual(row["mac"], row["in"][1] * row["in"][2] * row["out"][0] * row["out"][1] * row["out"][2])
            elif not row["layer"]:
                self.assertEqual(row["mac"], 0)

    def test_tells_the_ceilings(self):
        self.assertEqual(list(self.result["ceiling"]), ["gflops", "gbytes_s"])
        for rate in self.result["ceiling"].values():
            self.assertGreater(rate, 0)

    def test_tells_the_memory(self):
        memory = self.result["memory"]
        self.assertGreater(memory["weights"], 0)
        self.assertGreater(memory["arena"], 0)
        self.assertGreater(memory["total"], memory["weights"] + memory["arena"])

    def test_starts_twice_with_a_cache_of_its_own(self):
        environment = dict(self.environment, XDG_CACHE_HOME=support.new_folder())
        done = bench("--json", "--fp16", "--iterations=1", env=environment, timeout=4 * support.TIMEOUT)
        result = json.loads(done.stdout)
        self.assertGreater(result["start"]["cold_s"], 0)
        self.assertGreater(result["start"]["warm_s"], 0)
        self.assertGreater(result["memory"]["peak_resident"], result["memory"]["total"])  # the device is the process
        self.assertEqual((result["precision"], result["frame"]["effect"]), ("fp16", "blur"))
        self.assertEqual(os.listdir(self.temporary), [])

    def test_leaves_the_start_out(self):
        self.assertIsNone(self.result["start"])
        self.assertEqual(self.result["memory"]["peak_resident"], 0)

    def test_prints_tables(self):
        done = bench("--quick")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = done.stdout.decode().splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("OPERATOR"))
        rows = lines[first + 1:first + 1 + len(self.result["operators"])]
        self.assertEqual([row.split()[0] for row in rows], [row["kind"] for row in self.result["operators"]])
        end = lines[first].index("MS") + 2  # a column of numbers
        for row in rows:
            self.assertRegex(row[:end], r"\d\.\d{3}$")
        for title in ("network", "frame", "memory"):
            self.assertTrue(any(line.startswith(title) for line in lines), title)

    def test_refuses_wrong_usage(self):
        for arguments, says in ((["--iterations=0"], "from 1 to 1000"), (["--iterations=ten"], "from 1 to 1000"),
                                (["--iterations=1001"], "from 1 to 1000"), (["--iterations=-1"], "from 1 to 1000"),
                                (["--size=63x48"], 'size cannot be "63x48": must be width x height'),
                                (["--effect=nonsense"], 'effect cannot be "nonsense": must be '),
                                (["--backend=fast"], "must be subgroup or tiled"),
                                (["--nonsense"], "unrecognized option"), (["picture.png"], 'unexpected argument "picture.png"')):
            done = visagectl("bench", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(says, done.stderr.decode())

    def test_names_what_is_missing(self):
        for arguments in (["--quick"], []):
            for what in ("--model=/nowhere/model.safetensors", "--gpu=nonsense"):
                done = visagectl("bench", f"--model={support.model()}", *arguments, what, env=self.environment)
                self.assertEqual((done.returncode, done.stdout), (1, b""), what)
                self.assertRegex(done.stderr.decode(), rf"^visagectl: .*{re.escape(what.split('=')[1])}")
        self.assertEqual(os.listdir(self.temporary), [])

    def begin(self, hangup):
        """A benchmark that times a start, and the process that starts."""
        before = signal.signal(signal.SIGHUP, hangup)
        process = subprocess.Popen([os.environ["VISAGECTL"], "bench", f"--model={support.model()}"], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        signal.signal(signal.SIGHUP, before)
        while not os.listdir(self.temporary) and process.poll() is None:
            time.sleep(0.01)
        child = []
        while not child and process.poll() is None:
            with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
                child = file.read().split()
        return process, int(child[0])

    def ends_by(self, process, child, number):
        process.send_signal(number)
        self.assertEqual(process.wait(support.TIMEOUT), -number)
        self.assertEqual(os.listdir(self.temporary), [])
        self.assertFalse(os.path.exists(f"/proc/{child}"))

    def test_leaves_nothing_when_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process, child = self.begin(signal.SIG_DFL)
            self.ends_by(process, child, number)

    def test_outlives_its_terminal_with_nohup(self):
        process, child = self.begin(signal.SIG_IGN)
        for pid in (process.pid, child):
            os.kill(pid, signal.SIGHUP)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        self.ends_by(process, child, signal.SIGTERM)


class Scripts(unittest.TestCase):
    def run_script(self, name, *arguments):
        return subprocess.run([f"{support.ROOT}/tests/bench/{name}", *arguments], env=support.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=4 * support.TIMEOUT)

    def test_compares_with_pytorch(self):
        path = os.path.join(support.folder(), "bench.json")
        done = self.run_script("bench", f"--model={support.model()}", "--rounds=2", "--repeat=1", "--visagectl", os.environ["VISAGECTL"],
                               "--json", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(path, encoding="utf-8") as file:
            row, = json.load(file)
        self.assertEqual((row["pytorch_device"], row["precision"], len(row["rounds"])), ("cpu", "fp32", 2))
        self.assertAlmostEqual(row["ratio"], row["visaged_ms"] / row["pytorch_ms"])
        self.assertIn(f"{row['ratio']:.2f}", done.stdout.splitlines()[-1])


if __name__ == "__main__":
    unittest.main()

"""visagectl's commands that talk to the daemon: what they print, return and wait for."""
import json
import os
import re
import resource
import select
import signal
import stat
import subprocess
import unittest

from gi.repository import GLib
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import mock_daemon
import support
from ctl import NOWHERE, Served, Terminal, ctl, environment, wait_for
from mock_daemon import MockDaemon, variant

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 600


class Status(Served):
    def test_screen(self):
        lines = self.good("status").splitlines()
        self.assertEqual(lines[0], "visaged 0.1.0: streaming, 2 readers, held by kiosk")
        faces, at = [line.strip() for line in lines[6:8]], len("  Virtual camera  ")
        self.assertRegex(faces[0], r"^id 3: for 2\.0 s, 50 x 62 % of the picture, seen -?\d+\.\d s ago, looked at alone -?\d+\.\d s ago$")
        self.assertRegex(faces[1], r"^id 7: for 0\.0 s, 12 x 25 % of the picture, seen -?\d+\.\d s ago, looked at alone never$")
        self.assertEqual([line.index("id ") for line in lines[6:8]], [at, at])
        del lines[6:8]
        rows = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in lines[2:11])
        self.assertEqual(rows, {
            "Camera": "usb-046d_C920-video-index0", "Virtual camera": "/dev/video10", "Readers": "2", "Faces": "2",
            "Effect": "overlay, opacity 0.5", "Mode": "smooth",
            "Speed": "30.0 frames per second shown, 14.5 parsed; 42 ms from capture to display", "GPU": "Some GPU",
            "Model": "/usr/share/visaged/default.safetensors"})
        columns = {re.match(r"  \S+(?: \S+)* +", line).end() for line in lines[2:11]}
        self.assertEqual(len(columns), 1, "the values stand below each other")
        self.assertEqual(lines[12], "  Frames since it started")
        counters = re.findall(r"(\w+) +(\d+)", "\n".join(lines[13:]))
        self.assertEqual({name: int(n) for name, n in counters}, self.daemon.properties["Counters"])
        ends = [[number.end() for number in re.finditer(r"\w+ +\d+", line)] for line in lines[13:]]
        for line in ends:
            self.assertEqual(line, ends[0][:len(line)], "and so do the counters")
        self.assertLessEqual(len(lines), 24)

    def test_nothing_there(self):
        self.daemon.properties.update(State="waiting", StateReason="", Camera="", Gpu="", Model="", FrameRate=0.0, Readers=0,
                                      FacesPresent=False, FaceCount=0, Faces=[], Effect="none", EffectOptions={}, Counters={})
        text = self.good("status")
        self.assertTrue(text.startswith("visaged 0.1.0: waiting\n"))
        for row in ("Camera +the first one found", "Readers +0", "Faces +0", "Effect +none", "Speed +-", "GPU +-", "Model +-"):
            self.assertRegex(text, rf"(?m)^  {row}$")

    def test_hostile_text(self):
        self.daemon.properties.update(StateReason="\x1b[2Jboo\nhoo", Camera="é" * 3000, Gpu="\x07")
        text = self.good("status")
        self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f]")
        self.assertIn("?[2Jboo?hoo", text)
        self.assertEqual(json.loads(self.good("status", "--json"))["camera"], "é" * 3000)

    def test_a_counter_that_is_new(self):
        self.daemon.properties["Counters"]["teleported"] = 5
        self.assertRegex(self.good("status"), r"teleported +5")

    def test_json(self):
        status = json.loads(self.good("status", "--json"))
        expected = {re.sub(r"(?<=.)([A-Z])", r"_\1", name).lower(): value for name, value in mock_daemon.defaults().items()}
        expected["effect_options"] = {"opacity": 0.5}
        expected["faces"] = [GLib.Variant("a{sv}", face).unpack() for face in expected["faces"]]
        self.assertEqual(status, expected)
        self.assertEqual(self.daemon.calls, [])

    def test_watch_on_a_terminal(self):
        with Terminal("status", "--watch", system=self.bus.address) as terminal:
            terminal.until(r"streaming.*reopened.*\x1b\[H\x1b\[J.*streaming.*reopened")
            self.daemon.properties["State"] = "paused"
            terminal.until(r"paused")
            self.daemon.stop()
            terminal.until(r"\x1b\[H\x1b\[Jvisaged is not running; try")
            self.daemon = MockDaemon(self.bus.address)
            self.addCleanup(self.daemon.stop)
            terminal.until(r"not running.*visaged 0.1.0: streaming")
            self.assertEqual(terminal.end(signal.SIGINT), -signal.SIGINT)

    def test_watch_in_a_pipe(self):
        with subprocess.Popen([os.environ["VISAGECTL"], "status", "--watch", "--json"], stdout=subprocess.PIPE,
                              env=environment(system=self.bus.address)) as child:
            for _ in range(2):
                self.assertEqual(json.loads(child.stdout.readline())["state"], "streaming")
            self.daemon.stop()
            while "error" not in (line := json.loads(child.stdout.readline())):
                self.assertEqual(line["state"], "streaming")
            self.assertIn("not running", line["error"])
            child.terminate()
            child.communicate()


class Lists(Served):
    def test_effects(self):
        self.daemon.properties["Effect"] = "blur"
        lines = self.good("effect").splitlines()
        effects = json.loads(self.good("effect", "--json"))
        names = [effect["name"] for effect in effects]
        self.assertEqual([line.split()[0] for line in lines], ["EFFECT"] + ["*" if name == "blur" else name for name in names])
        self.assertEqual(lines[0].index("EFFECT"), lines[1 + names.index("blur")].index("blur"))
        self.assertEqual([effect["name"] for effect in effects if effect["current"]], ["blur"])
        self.daemon.properties["Effect"] = "overlay+blur"
        self.assertEqual([line.split()[1] for line in self.good("effect").splitlines() if line.startswith("*")], ["overlay", "blur"])
        effects = json.loads(self.good("effect", "--json"))
        self.assertEqual([effect["name"] for effect in effects if effect["current"]], ["overlay", "blur"])

    def test_effects_have_their_options(self):
        lines = self.good("effect").splitlines()[1:]
        effects = json.loads(self.good("effect", "--json"))
        self.assertEqual([effect["name"] for effect in effects], [line[2:].split()[0] for line in lines])
        for line, effect in zip(lines, effects):
            self.assertIn(effect["shows"], line)
            for option in effect["options"]:
                self.assertEqual(option["type"], "number")
                self.assertIn("{name}={low:g}..{high:g} [{default:g}]".format(**option), line)

    def test_models(self):
        self.daemon.values["ListModels"] = [
            variant({"name": "default", "path": "/a/default.safetensors", "size": GLib.Variant("t", 12345678),
                     "default": True}),
            variant({"name": "large one", "path": "/b/large one.safetensors", "size": GLib.Variant("t", 2 * 10**9),
                     "default": False})]
        lines = self.good("models").splitlines()
        self.assertEqual(lines[1].split(), ["*", "default", "12.3", "MB", "/a/default.safetensors"])
        self.assertEqual(lines[0].index("FILE"), lines[1].index("/a/"))
        self.assertEqual(lines[0].index("FILE"), lines[2].index("/b/"))
        self.assertEqual(json.loads(self.good("models", "--json")), [
            {"name": "default", "path": "/a/default.safetensors", "size": 12345678, "default": True},
            {"name": "large one", "path": "/b/large one.safetensors", "size": 2 * 10**9, "default": False}])

    def test_models_without_the_daemon(self):
        self.daemon.stop()
        for system in (self.bus.address, NOWHERE):
            done = ctl("models", "--json", system=system)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            models = json.loads(done.stdout)
            self.assertIn("default", [model["name"] for model in models])
            for model in models:
                self.assertEqual(os.path.getsize(model["path"]), model["size"])
                self.assertEqual(model["default"], model["name"] == "default")


class Full(Served):
    """Standard output that takes nothing."""

    def test_commands(self):
        self.daemon.values["ListModels"] = [variant({"name": "a", "path": "/a", "size": 1, "default": True})]
        for arguments in (["status"], ["status", "--json"], ["status", "--watch"], ["metrics"], ["effect"], ["effect", "--json"],
                          ["models"], ["gpus"], ["doctor"], ["pause", "--help"]):
            status, err = support.full("VISAGECTL", *arguments, env=environment(system=self.bus.address))
            self.assertEqual(status, 1, arguments)
            self.assertRegex(err, r"visagectl: standard output: (No space left on device|not all of it was written)\n")

    def test_monitor(self):
        with open("/dev/full", "wb") as disk, subprocess.Popen([os.environ["VISAGECTL"], "monitor"], stdout=disk, stderr=subprocess.PIPE,
                                                               env=environment(system=self.bus.address)) as child:
            wait_for(lambda: self.daemon.pipes)
            os.write(self.daemon.pipes[0], json.dumps(RESULT).encode() + b"\n")
            self.assertEqual(child.wait(60), 1)
            self.assertRegex(child.stderr.read(), rb"^visagectl: standard output: [^\n]*\n$")


class Snapshot(Served):
    def setUp(self):
        super().setUp()
        fd = os.memfd_create("picture")
        os.write(fd, PNG)  # its position is at the end, which must not matter
        self.daemon.descriptors["Snapshot"] = fd
        self.addCleanup(os.close, fd)
        self.path = f"{support.new_folder()}/me.png"

    def read(self):
        with open(self.path, "rb") as file:
            return file.read()

    def test_to_a_file(self):
        for option in (["-o", self.path], [f"--output={self.path}"]):
            self.assertEqual(self.good("snapshot", *option), "")
            self.assertEqual(self.read(), PNG)

    def test_a_file_of_ones_own(self):
        """Not where a link leads, and not for others to read."""
        other = f"{os.path.dirname(self.path)}/other"
        with open(other, "wb") as file:
            file.write(b"other")
        os.symlink(other, self.path)
        for _ in range(2):
            self.good("snapshot", "-o", self.path)
            self.assertEqual(stat.S_IFMT(os.lstat(self.path).st_mode), stat.S_IFREG)
            self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), 0o600)
            self.assertEqual(self.read(), PNG)
            os.chmod(self.path, 0o644)
        with open(other, "rb") as file:
            self.assertEqual(file.read(), b"other")

    def test_full_disk(self):
        """The old picture stays, and no temporary file is left."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(PNG) // 2, len(PNG) // 2))
        with open(self.path, "wb") as file:
            file.write(b"old")
        done = subprocess.run([os.environ["VISAGECTL"], "snapshot", "-o", self.path], env=environment(system=self.bus.address),
                              capture_output=True, timeout=60, preexec_fn=limit)
        self.assertEqual((done.returncode, done.stderr.decode()), (1, f"visagectl: {self.path}: File too large\n"))
        self.assertEqual(self.read(), b"old")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["me.png"])

    def test_to_a_pipe(self):
        os.mkfifo(self.path)
        with subprocess.Popen(["cat", self.path], stdout=subprocess.PIPE) as child:
            self.good("snapshot", "-o", self.path)
            self.assertEqual(child.communicate(timeout=60)[0], PNG)

    def test_to_standard_output(self):
        for option in ([], ["-o", "-"]):
            done = self.ctl("snapshot", *option)
            self.assertEqual((done.returncode, done.stdout), (0, PNG))

    def test_not_to_a_terminal(self):
        with Terminal("snapshot", system=self.bus.address) as terminal:
            terminal.until("a terminal cannot show a PNG")
            self.assertEqual(terminal.end(), 2)

    def test_where_it_cannot_be_written(self):
        self.bad("/nonexistent/me.png: No such file or directory", "snapshot", "-o", "/nonexistent/me.png")
        if os.path.exists("/dev/full"):
            self.bad("/dev/full: No space left on device", "snapshot", "-o", "/dev/full")

    def test_no_picture(self):
        with open(self.path, "wb") as file:
            file.write(b"old")
        self.daemon.errors["Snapshot"] = ("org.visaged1.Error.NotStreaming", "there is no picture: idle")
        self.bad("there is no picture: idle", "snapshot", "-o", self.path)
        self.assertEqual(self.read(), b"old")

    def test_an_empty_one(self):
        fd = os.memfd_create("empty")
        self.addCleanup(os.close, fd)
        self.daemon.descriptors["Snapshot"] = fd
        self.bad("standard output: No data available", "snapshot")


RESULT = {"sequence": 17, "time_ns": 51234567890, "width": 640, "height": 480, "face": True,
          "classes": {"skin": 30720, "hair": 61440, "nose": 3072, "l_brow": 10, "r_brow": 11, "u_lip": 12, "l_lip": 1},
          "faces": [{"id": 3, "since_ns": 49234567890, "box": [0.25, 0.125, 0.5, 0.625], "upright": [0.5, 0.4375, 0.46875, 0.5625], "roll": -12.5,
                     "confidence": 0.93, "areas": {"skin": 30720}, "left_eye_open": False, "right_eye_open": None, "mouth_open": True,
                     "glasses": True, "hat": False, "cut": False},
                    {"id": 7, "since_ns": 51134567890, "box": [0.0, 0.5, 0.125, 0.25], "upright": [0.0625, 0.625, 0.125, 0.25],
                     "roll": 0.4, "confidence": 0.5, "areas": {}, "left_eye_open": None, "cut": True, "news": 1}],
          "parse_ms": 11.25, "dropped": 0}
FIRST = {"version": 2, "fields": list(RESULT), "face_fields": list(RESULT["faces"][0]), "dropped": 0}


class Monitor(Served):
    def pipe(self):
        """Where the test writes lines, once the command has subscribed."""
        wait_for(lambda: self.daemon.pipes)
        return self.daemon.pipes[0]

    def test_json(self):
        for arguments in (["monitor"], ["monitor", "--json"]):
            with subprocess.Popen([os.environ["VISAGECTL"], *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=environment(system=self.bus.address)) as child:
                pipe = self.pipe()
                os.write(pipe, json.dumps(FIRST).encode() + b"\n")
                self.assertEqual(json.loads(child.stdout.readline()), FIRST)
                for n in range(3):
                    os.write(pipe, json.dumps({**RESULT, "sequence": n}).encode() + b"\n")
                    self.assertEqual(json.loads(child.stdout.readline()), {**RESULT, "sequence": n})
                self.daemon.stop()
                out, err = child.communicate(timeout=60)
                self.assertEqual((child.returncode, out, err), (1, b"", b"visagectl: visaged has ended, or no longer permits this\n"))
            self.daemon = MockDaemon(self.bus.address)
            self.addCleanup(self.daemon.stop)

    def screen(self, terminal, pattern):
        """The last one, once the pattern is in it."""
        return terminal.until(rf"\x1b\[H\x1b\[J[^\x1b]*{pattern}[^\x1b]*\n").rpartition("\x1b[J")[2].splitlines()

    def test_on_a_terminal(self):
        with Terminal("monitor", system=self.bus.address) as terminal:
            pipe = self.pipe()
            for line in (FIRST, RESULT):
                os.write(pipe, json.dumps(line).encode() + b"\n")
            lines = self.screen(terminal, "cut by the edge")
            self.assertEqual(lines[:2], ["Frame 17, 640x480, parsed in 11.2 ms; 0 lost",
                                         "hair 20.0 %, skin 10.0 %, nose 1.0 %, u_lip 0.0 %, r_brow 0.0 %"])
            rows = [re.split(r" {2,}", line.strip()) for line in lines[3:]]
            self.assertEqual(rows, [["FACE", "FOR", "LEFT, TOP", "SIZE", "ROLL", "SURE", "SEEN"],
                                    ["3", "2.0 s", "25 %, 12 %", "50 x 62 %", "-12", "93 %", "left eye closed, mouth open, glasses"],
                                    ["7", "0.1 s", "0 %, 50 %", "12 x 25 %", "0", "50 %", "cut by the edge"]])
            ends = {line.index("%", line.index(" x ")) for line in lines[4:]}
            self.assertEqual(ends, {lines[3].index("SIZE") + 3}, "they stand below each other")
            os.write(pipe, json.dumps({**RESULT, "sequence": 1234567, "width": 1920, "height": 1080, "face": False, "faces": [],
                                       "classes": {}, "parse_ms": 1200, "dropped": 3}).encode() + b"\n")
            lines = self.screen(terminal, r"1920x1080[^\x1b]*FACE")
            self.assertEqual((lines[0], len(lines)), ("Frame 1234567, 1920x1080, parsed in 1200.0 ms; 3 lost", 4))
            self.daemon.stop()
            terminal.until("visagectl: visaged has ended, or no longer permits this\n")
            self.assertEqual(terminal.end(), 1)

    def test_hostile_names(self):
        with Terminal("monitor", system=self.bus.address) as terminal:
            os.write(self.pipe(), json.dumps({**RESULT, "classes": {"\x1b[31mred": 5}}).encode() + b"\n")
            self.assertIn("?[31mred 0.0 %", self.screen(terminal, "FACE")[1])

    def test_until_ctrl_c(self):
        with Terminal("monitor", system=self.bus.address) as terminal:
            os.write(self.pipe(), json.dumps(RESULT).encode() + b"\n")
            terminal.until("FACE")
            self.assertEqual(terminal.end(signal.SIGINT), -signal.SIGINT)

    def test_a_line_that_is_none(self):
        for line in (b"nonsense\n", b"{}\n", b'{"sequence":"x"}\n', b"\xff\n", b"[1]\n"):
            with Terminal("monitor", system=self.bus.address) as terminal:
                os.write(self.pipe(), line)
                terminal.until("invalid line")
                self.assertEqual(terminal.end(), 1)
            os.close(self.daemon.pipes.pop())


class Hold(Served):
    def test_while_a_command_runs(self):
        done = self.ctl("hold", "--why=a test", "sh", "-c", "echo out; echo err >&2; exit 3")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, b"out\n", b"err\n"))
        self.assertEqual(self.daemon.calls, [("Hold", ("a test",))])
        self.assertEqual(self.ctl("hold", "--", "true").returncode, 0)
        self.assertEqual(self.daemon.calls[-1], ("Hold", ("visagectl",)))
        self.assertEqual(self.ctl("hold", "sh", "-c", "kill -TERM $$").returncode, 128 + signal.SIGTERM)

    def test_where_children_are_not_waited_for(self):
        """Whoever ignores SIGCHLD hands that down."""
        done = subprocess.run([os.environ["VISAGECTL"], "hold", "sh", "-c", "exit 3"], env=environment(system=self.bus.address),
                              capture_output=True, timeout=30, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual((done.returncode, done.stderr), (3, b""))

    def test_no_such_command(self):
        done = self.ctl("hold", "/nonexistent/x")
        self.assertEqual((done.returncode, done.stderr), (127, b"visagectl: /nonexistent/x: No such file or directory\n"))
        self.assertEqual(self.ctl("hold", "/").returncode, 126)

    def test_it_waits_for_a_picture(self):
        self.daemon.properties["State"] = "idle"
        with subprocess.Popen([os.environ["VISAGECTL"], "hold", "echo", "now"], stdout=subprocess.PIPE,
                              env=environment(system=self.bus.address)) as child:
            self.assertEqual(select.select([child.stdout], [], [], 1)[0], [])
            self.daemon.properties["State"] = "streaming"
            self.assertEqual(child.communicate(timeout=60)[0], b"now\n")

    def test_there_will_be_none(self):
        for state in ("paused", "stopped"):
            self.daemon.properties.update(State=state, StateReason="by a client")
            self.bad(f"there is no picture: visaged is {state}, by a client", "hold", "echo", "x")
        self.daemon.properties.update(State="waiting", StateReason="no camera")
        self.bad("there is no picture: visaged is waiting, no camera", "hold", "echo", "x")

    def held(self):
        """Whether somebody has the other end of the pipe: otherwise a write fails."""
        try:
            os.write(self.daemon.pipes[-1], b"x")
        except BrokenPipeError:
            return False
        return True

    def pipes_of(self, child):
        links = [entry.path for entry in os.scandir(f"/proc/{child.pid}/fd")]
        return sum(os.path.islink(link) and os.readlink(link).startswith("pipe:") for link in links)

    def test_alone(self):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        with subprocess.Popen([os.environ["VISAGECTL"], "hold"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=environment(system=self.bus.address)) as child:
            wait_for(lambda: self.pipes_of(child) == 2)  # stderr and the hold, which has arrived
            os.close(self.daemon.descriptors.pop("last"))
            self.assertTrue(self.held())
            self.assertIsNone(child.poll())
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=60)
            self.assertEqual(child.returncode, -signal.SIGINT)
            wait_for(lambda: not self.held())  # the hold ends with its process

    def test_the_daemon_ends(self):
        with subprocess.Popen([os.environ["VISAGECTL"], "hold"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=environment(system=self.bus.address)) as child:
            wait_for(lambda: self.pipes_of(child) == 2)  # stderr and the hold, which has arrived
            self.daemon.stop()
            self.assertEqual(child.communicate(timeout=60)[1], b"visagectl: visaged has ended, or no longer permits this\n")
            self.assertEqual(child.returncode, 1)


class Metrics(Served):
    def families(self):
        text = self.good("metrics")
        self.assertTrue(text.endswith("\n# EOF\n"))
        return {family.name: family for family in text_string_to_metric_families(text)}

    def test_parses(self):
        families = self.families()
        counters = {"camera_reopened" if name == "reopened" else f"{name}_frames": n
                    for name, n in self.daemon.properties["Counters"].items()}
        for name, n in counters.items():
            family = families[f"visaged_{name}"]
            self.assertEqual((family.type, family.unit), ("counter", "frames" if name.endswith("frames") else ""))
            self.assertEqual([(sample.name, sample.value) for sample in family.samples], [(f"visaged_{name}_total", n)])
        for name, unit, value in (("frame_rate_hertz", "hertz", 29.97), ("parse_rate_hertz", "hertz", 14.5),
                                  ("latency_seconds", "seconds", 0.0415), ("readers", "", 2), ("face_present", "", 1),
                                  ("faces", "", 2)):
            family = families[f"visaged_{name}"]
            self.assertEqual((family.type, family.unit), ("gauge", unit))
            self.assertEqual([sample.value for sample in family.samples], [value])
        for family in families.values():
            self.assertTrue(family.documentation, family.name)

    def test_state(self):
        for state in ("starting", "idle", "streaming", "waiting", "paused", "stopped"):
            self.daemon.properties["State"] = state
            samples = self.families()["visaged_state"].samples
            self.assertEqual([sample.labels["visaged_state"] for sample in samples if sample.value == 1], [state])

    def test_the_guide_lists_them(self):
        with open(f"{support.ROOT}/docs/EDGE.md") as file:
            listed = set(re.findall(r"`(visaged_[a-z_]+)`", file.read()))
        self.assertEqual({sample.name for family in self.families().values() for sample in family.samples},
                         listed)

    def test_labels_are_escaped(self):
        name = 'a "GPU"\\with\nall'
        self.daemon.properties["Gpu"] = name
        sample, = self.families()["visaged"].samples
        self.assertEqual((sample.name, sample.value), ("visaged_info", 1))
        self.assertEqual((sample.labels["gpu"], sample.labels["version"]), (name, "0.1.0"))

    def test_no_face(self):
        self.daemon.properties.update(FacesPresent=False, LatencyMs=0.0)
        families = self.families()
        self.assertEqual(families["visaged_face_present"].samples[0].value, 0)
        self.assertEqual(families["visaged_latency_seconds"].samples[0].value, 0)

    def test_counters_of_another_version(self):
        self.daemon.properties["Counters"] = {"captured": 1, "teleported": 5}
        families = self.families()
        self.assertIn("visaged_captured_frames", families)
        self.assertNotIn("visaged_lost_frames", families)


class Doctor(Served):
    """Against this machine: what it has is not known here, but the form is.  The checks have a test of their own.  A driver
    that is there takes its time for the self-test, so that only one of these has one."""

    def environment(self, driver=False):
        env = environment(system=self.bus.address)
        if not driver:
            env["VK_ICD_FILENAMES"] = env["VK_DRIVER_FILES"] = "/nonexistent.json"
        return env

    def findings(self, driver=False):
        done = support.visagectl("doctor", "--json", env=self.environment(driver))
        self.assertEqual(done.stderr, b"")
        findings = json.loads(done.stdout)
        self.assertEqual(done.returncode, int(any(finding["severity"] == "problem" for finding in findings)))
        return {finding["check"]: finding for finding in findings}

    def test_form(self):
        findings = self.findings()
        self.assertEqual(len(findings), 19)
        for finding in findings.values():
            self.assertIn(finding["severity"], ("ok", "skipped", "warning", "problem"))
            self.assertTrue(finding["seen"])
            if finding["severity"] in ("ok", "skipped"):
                self.assertIsNone(finding["fix"])
            else:
                self.assertTrue(finding["fix"])
        done = support.visagectl("doctor", env=self.environment())
        lines = done.stdout.decode().splitlines()
        column = {line.index(finding["seen"]) for finding in findings.values() for line in lines
                  if line.startswith(f"{finding['severity']} ") and f" {finding['check']} " in line and finding["seen"] in line}
        self.assertEqual(len(column), 1, "what is seen stands below each other")
        column = column.pop()
        fixes = [line for line in lines if line.startswith(" ")]
        self.assertEqual({line[column:column + 3] for line in fixes}, {"-> "} if fixes else set())
        severities = [finding["severity"] for finding in findings.values()]
        self.assertRegex(lines[-1], rf"^{severities.count('problem')} problems?, {severities.count('warning')} warnings?(; .*)?$")

    def test_several_virtual_cameras(self):
        """What concerns a node is checked for each of them."""
        self.daemon.properties["VirtualCameras"] = ["/dev/video10", "y4m:/srv/film.y4m", "/dev/video4711"]
        done = support.visagectl("doctor", "--json", env=self.environment())
        nodes = {}
        for finding in json.loads(done.stdout):
            nodes.setdefault(finding["check"], []).append(finding["node"])
        both = {"exclusive_caps", "virtual camera", "producer", "colours", "PipeWire"}
        for check, of in nodes.items():
            self.assertEqual(of, ["/dev/video10", "/dev/video4711"] if check in both else [None], check)
        text = support.visagectl("doctor", env=self.environment()).stdout.decode()
        self.assertRegex(text, r"problem +virtual camera of video4711 +there is no /dev/video4711")

    def test_software_driver(self):
        self.daemon.properties["Gpu"] = ""
        findings = self.findings(driver=True)
        self.assertEqual(findings["GPU"]["severity"], "warning")
        self.assertIn("llvmpipe", findings["GPU"]["seen"])
        self.assertEqual(findings["self-test"]["severity"], "ok")
        self.assertEqual(findings["model"]["severity"], "ok")
        self.assertIn("streaming", findings["daemon"]["seen"])
        self.assertEqual(findings["daemon"]["severity"], "ok")

    def test_no_driver(self):
        findings = self.findings()
        self.assertEqual((findings["GPU"]["severity"], findings["self-test"]["severity"]), ("ok", "skipped"))
        self.assertIn("Some GPU, which visaged uses", findings["GPU"]["seen"])
        self.daemon.properties["Gpu"] = ""
        findings = self.findings()
        self.assertEqual((findings["GPU"]["severity"], findings["self-test"]["severity"]), ("problem", "skipped"))
        self.assertIn("mesa-vulkan-drivers", findings["GPU"]["fix"] + findings["GPU"]["seen"])

    def test_no_daemon(self):
        self.daemon.stop()
        daemon = self.findings()["daemon"]
        self.assertEqual(daemon["severity"], "problem")
        self.assertIn("not running", daemon["seen"])


if __name__ == "__main__":
    unittest.main()

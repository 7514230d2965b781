"""The command lines of both programs, without computing anything: help, versions, wrong usage, --check, lists."""
import json
import os
import signal
import subprocess
import time
import unittest

import support
from support import visagectl


def visaged(*arguments, **keywords):
    return support.run("VISAGED", *arguments, **keywords)


class Both(unittest.TestCase):
    def test_version(self):
        for program in ("VISAGED", "VISAGECTL"):
            done = support.run(program, "--version")
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, rb"^visage(d|ctl) \d+\.\d+\.\d+\n$")

    def test_help(self):
        for program, arguments in (("VISAGED", []), ("VISAGECTL", []), ("VISAGECTL", ["parse"]), ("VISAGECTL", ["eval"]), ("VISAGECTL", ["bench"]),
                                   ("VISAGECTL", ["gpus"]), ("VISAGECTL", ["cameras"])):
            done = support.run(program, *arguments, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
            self.assertIn(b"Usage: ", done.stdout)
            for line in done.stdout.decode().splitlines():
                self.assertLessEqual(len(line), 120)

    def test_help_in_other_words(self):
        self.assertEqual(visaged("-h").stdout, visaged("--help").stdout)
        self.assertEqual(visagectl("help").stdout, visagectl("--help").stdout)
        for command in ("parse", "status", "hold"):
            self.assertEqual(visagectl("help", command).stdout, visagectl(command, "--help").stdout)
        self.assertEqual(visagectl("help", "nonsense").returncode, 2)

    def test_output_that_fails(self):
        for program, *arguments in (("VISAGED", "--help"), ("VISAGED", "--version"), ("VISAGED", "--config=/dev/null", "--check"),
                                    ("VISAGECTL", "--help"), ("VISAGECTL", "help"), ("VISAGECTL", "--version"),
                                    ("VISAGECTL", "parse", "--help"), ("VISAGECTL", "gpus"), ("VISAGECTL", "gpus", "--json"),
                                    ("VISAGECTL", "cameras", "--json")):
            status, err = support.full(program, *arguments)
            self.assertEqual(status, 1, arguments)
            self.assertIn(f"{program.lower()}: standard output: No space left on device\n", err)

    def test_errors_tell_what_there_is(self):
        err = visagectl("nonsense").stderr.decode()
        self.assertIn('unknown command "nonsense"; the commands are status, start, ', err)
        self.assertIn(", parse, eval, bench\n", err)
        gpu = json.loads(visagectl("gpus", "--json").stdout)[0]["name"]
        models = [model["path"] for model in json.loads(visagectl("models", "--json").stdout)]
        for arguments, there in ((["--gpu=nonsense"], [gpu]), (["--model=nonsense"], models)):
            err = visagectl("parse", *arguments, support.picture("a.png", 64, 64)).stderr.decode()
            self.assertIn("nonsense", err)
            for name in there:
                self.assertIn(name, err)

    def test_wrong_usage(self):
        picture = support.picture("a.png", 64, 64)
        for arguments, says in (
                ([], "no command given"), (["nonsense"], 'unknown command "nonsense"'), (["parse"], "no picture given"),
                (["parse", "--nonsense", picture], "visagectl parse: unrecognized option"),
                (["parse", "--gpu"], "requires an argument"), (["parse", "-o", "", picture], "needs a directory"),
                (["parse", "--backend=fast", picture], "must be subgroup or tiled"),
                (["parse", "--logits=x.npy", picture, picture], "needs a single picture"),
                (["parse", f"--logits={picture}", picture], "would overwrite the picture"),
                (["eval"], "--images is missing"), (["eval", "--images=."], "--labels is missing"),
                (["eval", "--images=.", "--labels=.", picture], "unexpected argument"),
                (["eval", "--classes=12"], '--classes cannot be "12": must be 11, 19 or 20'),
                (["eval", "--backend=subgroup"], "visagectl eval: unrecognized option"),
                (["gpus", "nonsense"], 'unexpected argument "nonsense"'), (["gpus", "--nonsense"], "unrecognized option"),
                (["cameras", "--jsno"], "visagectl cameras: unrecognized option")):
            done = visagectl(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(says, done.stderr.decode())
            self.assertIn("--help", done.stderr.decode())

    def test_control_characters_are_not_printed(self):
        for arguments in (["\x1b[2J\x9b"], ["parse", "a\x1b[2J\x9b.png"], ["effect", "\x1b[2J"], ["parse", "--model=\x1b[2J", support.PORTRAIT]):
            done = visagectl(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertNotIn("\x1b", done.stderr.decode(), arguments)
            self.assertNotIn("\x9b", done.stderr.decode(), arguments)

    def test_visaged_wrong_usage(self):
        for arguments, says in (
                (["--nonsense"], "unrecognized option"), (["nonsense"], 'unexpected argument "nonsense"'),
                (["--virtual-camera=video10"], "must be a v4l2loopback node such as /dev/video10"),
                (["--size=1x1"], "--size cannot be \"1x1\": must be width x height"),
                (["--effect=sepia"], support.effects_allowed()), (["--frames=0"], "a whole number, at least 1"),
                (["--frames=-1"], "a whole number, at least 1"), (["--frames=99999999999999999999"], "a whole number, at least 1"),
                (["--frames=ten"], "a whole number, at least 1"), (["--camera"], "requires an argument")):
            done = visaged("--config=/dev/null", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertIn(says, done.stderr.decode())
            self.assertIn("--help", done.stderr.decode())

    def test_help_tells_every_key(self):
        text = visaged("--help").stdout.decode()
        for key in ("camera", "virtual-camera", "size", "rate", "model", "gpu", "precision", "effect", "mode", "config", "check",
                    "frames", "report", "sheet"):
            self.assertIn(f"  --{key}", text)


class Check(unittest.TestCase):
    def check(self, text, *arguments):
        path = os.path.join(support.new_folder(), "visaged.conf")
        with open(path, "w") as file:
            file.write(text)
        done = visaged("--check", f"--config={path}", *arguments)
        return done.returncode, done.stdout.decode().replace(path, "FILE"), done.stderr.decode().replace(path, "FILE")

    def test_good(self):
        self.assertEqual(self.check("[visaged]\ncamera = image:x.png\nsize = 1280x720\n"), (0, "FILE: OK, 1 file read\n", ""))
        self.assertEqual(self.check(""), (0, "FILE: OK, 1 file read\n", ""))

    def test_bad(self):
        status, out, err = self.check("[visaged]\nrate = 0\nfoo = 1\n")
        self.assertEqual((status, out), (78, ""))
        lines = err.splitlines()
        self.assertTrue(lines[0].startswith('FILE:2: rate cannot be "0": must be '), lines)
        self.assertTrue(lines[1].startswith('FILE:3: unknown key "foo"; the keys are camera, '), lines)

    def test_options_are_checked_too(self):
        self.assertEqual(self.check("", "--rate=0")[0], 2)
        self.assertEqual(self.check("[visaged]\nrate=1\n", "--rate=20")[0], 0)

    def test_drop_ins_count(self):
        path = os.path.join(support.new_folder(), "visaged.conf")
        os.mkdir(f"{path}.d")
        for name in (path, f"{path}.d/50-a.conf", f"{path}.d/60-b.conf", f"{path}.d/70-no"):
            with open(name, "w") as file:
                file.write("[visaged]\nrate = 20\n")
        done = visaged("--check", f"--config={path}")
        self.assertEqual((done.returncode, done.stdout.decode()), (0, f"{path}: OK, 3 files read\n"))

    def test_missing_file(self):
        done = visaged("--check", "--config=/nonexistent.conf")
        self.assertEqual(done.returncode, 78)
        self.assertEqual(done.stderr, b"/nonexistent.conf: No such file or directory\n")

    def test_a_bad_file_keeps_it_from_starting(self):
        path = os.path.join(support.new_folder(), "visaged.conf")
        with open(path, "w") as file:
            file.write("[visaged]\nmode = fast\n")
        done = visaged(f"--config={path}", timeout=10)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b":2: mode cannot be", done.stderr)


class Lists(unittest.TestCase):
    def test_gpus(self):
        done = visagectl("gpus", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        gpus = json.loads(done.stdout)
        self.assertEqual([gpu["index"] for gpu in gpus], list(range(len(gpus))))
        self.assertIn("llvmpipe", gpus[0]["name"])
        self.assertEqual(gpus[0]["kind"], "cpu")
        self.assertTrue(gpus[0]["usable"])
        table = visagectl("gpus").stdout.decode().splitlines()
        self.assertEqual(len(table), 1 + len(gpus))
        self.assertEqual(table[0].index("NAME"), table[1].index(gpus[0]["name"]))

    def test_no_gpu(self):
        env = support.environment()
        env["VK_ICD_FILENAMES"] = env["VK_DRIVER_FILES"] = "/nonexistent.json"
        done = visagectl("gpus", "--json", env=env)
        self.assertIn(done.returncode, (0, 1))
        self.assertIn(b"mesa-vulkan-drivers", done.stderr)
        if done.returncode == 0:
            self.assertEqual(json.loads(done.stdout), [])
        done = visagectl("parse", f"--model={support.model()}", support.picture("a.png", 64, 64), env=env)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"mesa-vulkan-drivers", done.stderr)

    def test_cameras(self):
        done = visagectl("cameras", "--json")
        self.assertEqual(done.returncode, 0)
        for camera in json.loads(done.stdout):
            self.assertTrue(camera["node"].startswith("/dev/video"))
            self.assertIsInstance(camera["formats"], list)
        self.assertEqual(visagectl("cameras").returncode, 0)


class Start(unittest.TestCase):
    """What can fail before anything is computed."""

    def start(self, *arguments):
        return support.visaged(f"--camera=image:{support.PORTRAIT}", *arguments, timeout=120)

    def test_no_sink(self):
        for sink in ("y4m:/nonexistent/x.y4m", "png:/nonexistent/%d.png"):
            done = self.start(f"--virtual-camera={sink}")
            self.assertEqual(done.returncode, 1)
            self.assertIn(sink.split(":")[-1].replace("%d.png", "").encode(), done.stderr)

    def test_what_is_written_at_the_end(self):
        """It is checked first: nothing is computed or written in vain."""
        path = f"{support.new_folder()}/x.y4m"
        for option in ("--report=/nonexistent/x.json", "--sheet=/nonexistent/x.png", f"--report={support.folder()}"):
            done = self.start(f"--virtual-camera=y4m:{path}", option, "--frames=1", f"--model={support.model()}")
            self.assertEqual(done.returncode, 1)
            self.assertIn(option.split("=")[1].encode() + b": ", done.stderr)
            self.assertNotIn(b"GPU", done.stderr)
            self.assertFalse(os.path.exists(path))

    def test_a_node_that_is_not_there_is_waited_for(self):
        with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", "--virtual-camera=/nonexistent/video9"],
                              env=support.environment(), stderr=subprocess.PIPE) as child:
            for line in child.stderr:
                if b"/nonexistent/video9" in line:
                    break
            self.assertIn(b"modprobe v4l2loopback", line)
            time.sleep(2.5)
            child.send_signal(signal.SIGTERM)
            self.assertEqual(child.wait(60), 0)
            self.assertEqual(child.stderr.read().count(b"video9"), 0, "it is said once")

    def test_no_gpu_of_that_name(self):
        done = self.start(f"--virtual-camera=y4m:{support.folder()}/x.y4m", f"--model={support.model()}", "--gpu=nonsense")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'"nonsense"', done.stderr)

    def test_no_model(self):
        done = self.start(f"--virtual-camera=y4m:{support.folder()}/x.y4m", "--model=/nonexistent.safetensors")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/nonexistent.safetensors", done.stderr)
        done = self.start(f"--virtual-camera=y4m:{support.folder()}/x.y4m", f"--model={support.PORTRAIT}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"portrait.jpg", done.stderr)

    def test_signal_while_the_gpu_opens(self):
        path = f"{support.folder()}/early.y4m"
        with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}",
                               f"--virtual-camera=y4m:{path}", f"--model={support.model()}"], env=support.environment(), stderr=subprocess.PIPE) as child:
            for line in child.stderr:
                if b"virtual camera: " in line:
                    break
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=60)
            self.assertEqual(child.returncode, 0)
        header, frames = support.read_y4m(path)
        self.assertGreaterEqual(len(frames), 0)


if __name__ == "__main__":
    unittest.main()

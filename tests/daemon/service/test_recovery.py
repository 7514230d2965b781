"""What visaged does when the GPU is lost and when the machine has slept; the faults are injected by preload.c.

Environment besides support.py's: VISAGED_PRELOAD (the library that preload.c makes).
"""
import atexit
import os
import signal
import subprocess
import threading
import time
import unittest

import numpy as np
from PIL import Image

import support
from message_bus import Bus, Client, Daemon, still
from support import new_folder, picture, read_y4m

SIZE = (64, 48)


class Running:
    """visaged, streaming into a file."""

    def __init__(self, *arguments, env=None):
        self.folder = new_folder()
        self.faults = {name: f"{self.folder}/{name}" for name in ("FAULT_GPU", "FAULT_BOOTTIME")}
        env = {**support.environment(), **self.faults, **(env or {}), "LD_PRELOAD": os.environ["VISAGED_PRELOAD"]}
        self.log = open(f"{self.folder}/log", "a+")
        self.process = subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{picture('r.png', *SIZE)}",
                                         f"--model={support.model()}", f"--virtual-camera=y4m:{self.folder}/out.y4m",
                                         f"--size={SIZE[0]}x{SIZE[1]}", f"--report={self.folder}/report.json", *arguments],
                                        env=env, stdin=subprocess.DEVNULL, stderr=self.log)
        atexit.register(self.process.kill)  # where a test fails

    def said(self):
        with open(f"{self.folder}/log") as file:
            return file.read()

    def until(self, text, count=1):
        for _ in range(2400):
            if self.said().count(text) >= count:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"never said {count} times: {text}\n{self.said()}")

    def until_picture(self):
        """Until the last complete frame in the file differs from the first, which is the placeholder."""
        bytes_a_frame = len("FRAME\n") + SIZE[0] * SIZE[1] * 3 // 2
        for _ in range(2400):
            with open(f"{self.folder}/out.y4m", "rb") as file:
                file.readline()
                frames = file.read()
            last = (len(frames) // bytes_a_frame - 1) * bytes_a_frame
            if last > 0 and frames[last:last + bytes_a_frame] != frames[:bytes_a_frame]:
                return
            time.sleep(0.1)
        raise AssertionError(f"there never was a picture\n{self.said()}")

    def inject(self, name):
        with open(self.faults[name], "w"):
            pass

    def end(self):
        """The exit status and the frames that a reader has seen."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        self.log.close()
        return status, read_y4m(f"{self.folder}/out.y4m")[1]


def runs(frames):
    """The distinct pictures in the order in which they were shown, and the length of each run."""
    found = []
    for frame in frames:
        if found and np.array_equal(found[-1][0], frame):
            found[-1][1] += 1
        else:
            found.append([frame, 1])
    return found


class Gpu(unittest.TestCase):
    def test_lost_and_opened_again(self):
        """A reader sees the picture, the placeholder, the picture."""
        seconds = sorted(self.lose() for _ in range(20 if os.environ.get("VISAGED_LONG") else 1))
        self.note = (f"lost {len(seconds)}, recovered {len(seconds)}: the first good frame after {seconds[len(seconds) // 2]:.2f} s "
                     f"(p50), {seconds[len(seconds) * 95 // 100]:.2f} s (p95)")

    def lose(self):
        """Seconds until the picture is back."""
        run = Running("--effect=none", "--mode=exact")
        run.until("r.png, RGB3")
        run.until_picture()
        run.inject("FAULT_GPU")
        run.until("the GPU failed: it is lost")
        begin = time.monotonic()
        run.until("r.png, RGB3", 2)
        run.until_picture()
        seconds = time.monotonic() - begin
        status, frames = run.end()
        self.assertEqual(status, 0, run.said())
        top = [frame[:36] for frame, _ in runs(frames)]  # without the placeholder's caption
        kinds = [frame for i, frame in enumerate(top) if not i or not np.array_equal(frame, top[i - 1])]
        self.assertEqual(len(kinds), 4, run.said())
        np.testing.assert_array_equal(kinds[0], kinds[2])
        np.testing.assert_array_equal(kinds[1], kinds[3])
        return seconds

    def test_lost_again_and_again(self):
        """Two tries; then the process exits, even if a driver hangs in its exit handlers."""
        run = Running(env={"FAULT_EXIT": "1"})
        for n in range(1, 4):
            run.until("r.png, RGB3", n)
            run.inject("FAULT_GPU")
            run.until("the GPU failed: it is lost", n)
        self.assertEqual(run.process.wait(120), 1, run.said())
        self.assertIn("giving up", run.said())
        run.log.close()


class SlowFiles(unittest.TestCase):
    """SetModel while the disk does not answer."""

    def setUp(self):
        self.slow = f"{new_folder()}/slow"
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        self.daemon = Daemon(self.bus, camera=still(), env={"LD_PRELOAD": os.environ["VISAGED_PRELOAD"], "FAULT_SLOW_FILES": self.slow})
        self.client = Client(self.bus)
        self.client.until_state("streaming")
        support.model(19)

    def switch(self, name):
        """Frames continue while the file is looked up, and the bus answers.  Returns the name of the call's error."""
        errors = []
        with open(self.slow, "w"):
            pass
        thread = threading.Thread(target=lambda: errors.append(Client(self.bus).error("SetModel", "(s)", name)[0]))
        thread.start()
        shown = self.client.get("Counters")["shown"]
        self.client.until(lambda: self.client.get("Counters")["shown"] > shown + 20)
        self.assertEqual((errors, self.client.get("Model"), self.client.get("State")), ([], support.model(), "streaming"))
        os.unlink(self.slow)
        thread.join()
        return errors[0]

    def test_frames_go_on(self):
        with open(f"{support.folder()}/broken.safetensors", "wb") as file:
            file.write(b"nothing")
        before = [self.client.get(name) for name in ("Model", "Effect", "EffectOptions", "Mode", "Camera")]
        for name, error in (("nonsense", "org.visaged1.Error.NoSuchModel"), ("broken", "org.visaged1.Error.Failed")):
            self.assertEqual(self.switch(name), error)
            self.assertEqual([self.client.get(name) for name in ("Model", "Effect", "EffectOptions", "Mode", "Camera")], before)
        self.assertIsNone(self.switch("model19"))
        self.assertTrue(self.client.get("Model").endswith("/model19.safetensors"))
        status, text = self.daemon.stop()
        self.assertEqual(status, 0, text)


class Commands(unittest.TestCase):
    def test_lost_by_a_command(self):
        """It ends, though the driver would hang."""
        picture_path, folder = picture("r.png", *SIZE), new_folder()
        os.makedirs(f"{folder}/labels")
        with Image.open(picture_path) as image:
            image.convert("L").point(lambda v: 0).save(f"{folder}/labels/r.png")
        os.makedirs(f"{folder}/images")
        os.link(picture_path, f"{folder}/images/r.png")
        env = {**support.environment(), "FAULT_GPU": f"{folder}/fault", "FAULT_EXIT": "1", "LD_PRELOAD": os.environ["VISAGED_PRELOAD"]}
        for arguments in (["parse", picture_path], ["eval", f"--images={folder}/images", f"--labels={folder}/labels"]):
            with open(f"{folder}/fault", "w"):
                pass
            done = support.visagectl(*arguments, f"--model={support.model()}", env=env, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (1, b""), arguments)
            self.assertFalse(os.path.exists(f"{folder}/fault"))
            self.assertNotEqual(done.stderr, b"")


class Sandbox(unittest.TestCase):
    def test_no_machine_code(self):
        """A driver that generates machine code cannot work: this is reported clearly, and not tried again."""
        env = {**support.environment(), "LD_PRELOAD": os.environ["VISAGED_PRELOAD"], "FAULT_NO_CODE": "1"}
        done = support.visaged(f"--model={support.model()}", f"--camera=image:{support.PORTRAIT}",
                               f"--virtual-camera=y4m:{new_folder()}/out.y4m", env=env)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"MemoryDenyWriteExecute=", done.stderr)
        done = support.visagectl("gpus", env=env)
        self.assertIn(b"MemoryDenyWriteExecute=", done.stdout)


class Sleep(unittest.TestCase):
    def test_camera_is_opened_again(self):
        run = Running()
        run.until("r.png, RGB3")
        run.until_picture()
        run.inject("FAULT_BOOTTIME")
        run.until("the machine was suspended for 3600 s")
        run.until("r.png, RGB3", 2)
        run.until_picture()
        status, frames = run.end()
        self.assertEqual(status, 0, run.said())
        self.assertEqual(run.said().count("suspended"), 1)
        self.assertFalse(np.array_equal(frames[-1], frames[0]), "the picture is back")


if __name__ == "__main__":
    unittest.main()

"""visaged measures which algorithms are the fastest, once, while it streams."""
import atexit
import glob
import os
import signal
import subprocess
import time
import unittest

import support
from support import new_folder, picture

SIZE = (64, 48)
OPENED, TUNED, NOT_TUNED = "programs recorded and warm", "the GPU is tuned", "the GPU could not be tuned"


class Running:
    """visaged, streaming to nobody, with a cache of its own."""

    def __init__(self, cache):
        self.path = f"{new_folder()}/log"
        with open(self.path, "w") as log:
            self.process = subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{picture('t.png', *SIZE)}",
                                             f"--model={support.model()}", "--virtual-camera=y4m:/dev/null",
                                             f"--size={SIZE[0]}x{SIZE[1]}"],
                                            env={**support.environment(), "CACHE_DIRECTORY": cache}, stdin=subprocess.DEVNULL, stderr=log)
        atexit.register(self.process.kill)  # where a test fails

    def said(self):
        with open(self.path) as file:
            return file.read()

    def until(self, *texts):
        """Waits until it has logged one of them; returns what it has logged."""
        for _ in range(6000):
            if any(text in self.said() for text in texts):
                return self.said()
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"never said: {texts}\n{self.said()}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(120)
        return status, self.said()


def choices(cache):
    path, = glob.glob(f"{cache}/choices-*")
    with open(path, "rb") as file:
        return path, file.read()


class Tuning(unittest.TestCase):
    def tuned(self, cache):
        """The file that a whole run leaves, and its contents."""
        run = Running(cache)
        self.assertIn(TUNED, run.until(TUNED, NOT_TUNED))
        status, said = run.end()
        self.assertEqual(status, 0, said)
        return choices(cache)

    def test_once(self):
        cache = new_folder()
        path, data = self.tuned(cache)
        lines = data[8:].decode().splitlines()
        self.assertGreater(len(lines), 1)
        for line in lines[1:]:
            key, name = line.split(" ")
            self.assertIn(name, key.split(":"))
        inode = os.stat(path).st_ino
        run = Running(cache)
        run.until(OPENED)
        time.sleep(25)  # twice the time after which it would begin; it writes the file first of all
        status, said = run.end()
        self.assertEqual(status, 0, said)
        self.assertNotIn("tuned", said)
        self.assertEqual(os.stat(path).st_ino, inode)

        # A damaged file is treated like a missing one.
        for damaged in (data[:len(data) // 2], os.urandom(1000)):
            with open(path, "wb") as file:
                file.write(damaged)
            _, again = self.tuned(cache)
            keys = [line.split(" ")[0] for line in again[8:].decode().splitlines()]
            self.assertEqual(keys, [line.split(" ")[0] for line in lines])

        # Where it cannot be written, there is no tuning.
        os.unlink(path)
        os.makedirs(f"{path}/full")
        run = Running(cache)
        run.until(NOT_TUNED)
        status, said = run.end()
        self.assertEqual(status, 0, said)
        self.assertNotIn(TUNED, said)


if __name__ == "__main__":
    unittest.main()

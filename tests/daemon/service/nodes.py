"""What the tests in the guest share: the daemon between real drivers, and the programs that read its virtual camera.

Environment besides support.py's: MODEL.
"""
import glob
import os
import re
import subprocess
import time

import numpy as np

import support

CAMERA, PLAYED, VIRTUAL = "/dev/video0", "/dev/video10", "/dev/video11"
SIZE = (320, 240)
RATE = 10
PATIENCE = 120  # seconds, if no figure is promised: the machine may be busy with other things


def until(what, condition, seconds=PATIENCE, every=0.05):
    """Waits for a condition; returns how many seconds that took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {seconds} s: {text}")
        time.sleep(every)
    return time.monotonic() - begin


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


# ---- the daemon ----

class Daemon:
    """visaged at work; its log is `said()`."""
    count = 0

    def __init__(self, camera, *arguments, size=SIZE, env=None):
        Daemon.count += 1
        self.path = f"{support.folder()}/visaged{Daemon.count}.log"
        with open(self.path, "w") as log:
            self.process = subprocess.Popen(
                [os.environ["VISAGED"], "--config=/dev/null", f"--model={os.environ['MODEL']}", f"--camera={camera}",
                 f"--virtual-camera={VIRTUAL}", f"--size={size[0]}x{size[1]}", f"--rate={RATE}", *arguments],
                env={**support.environment(), **(env or {})}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        until(self.said, lambda: "virtual camera: " in self.said())
        return self

    def __exit__(self, kind, error, _):
        if isinstance(error, AssertionError):
            error.args = (f"{error}\n{self.said()}",)
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(PATIENCE)
        if not kind and status != 0:
            raise AssertionError(f"exit status {status}\n{self.said()}")

    def said(self):
        return read(self.path)

    def wait_for(self, text, seconds=PATIENCE):
        return until(lambda: f"\"{text}\" in\n{self.said()}", lambda: text in self.said() or self.process.poll() is not None,
                     seconds)

    def holds(self, node):
        """Whether the process has this file open."""
        folder = f"/proc/{self.process.pid}/fd"
        for name in os.listdir(folder):
            try:
                if os.readlink(f"{folder}/{name}") == node:
                    return True
            except FileNotFoundError:
                pass
        return False

    def turns(self):
        """How often its threads except the first were scheduled: the driver's, and the one that waits for the GPU."""
        folder = f"/proc/{self.process.pid}/task"
        return sum(int(count) for thread in os.listdir(folder) if thread != str(self.process.pid)
                   for count in re.findall(r"ctxt_switches:\s+(\d+)", read(f"{folder}/{thread}/status")))

    def gpu_works(self, seconds):
        before = self.turns()
        time.sleep(seconds)
        return self.turns() != before


# ---- vivid ----

def plug(yes):
    """Plugs or unplugs the camera, if necessary."""
    if os.path.exists(CAMERA) == yes:
        return
    with open(f"/sys/bus/platform/drivers/vivid/{'bind' if yes else 'unbind'}", "w") as file:
        file.write("vivid.0")
    until(f"{CAMERA} there: {yes}", lambda: os.path.exists(CAMERA) == yes)


def control(**values):
    subprocess.run(["v4l2-ctl", "-d", CAMERA, "-c", ",".join(f"{name}={value}" for name, value in values.items())], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)


def holders(node):
    """The names of the processes that have it open."""
    names = []
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == node:
                names.append(read(f"/proc/{link.split('/')[2]}/comm").strip())
        except OSError:
            pass
    return names


# ---- pictures ----

def planes(frames, size=SIZE):
    """YU12 frames -> frames x height x width x 3, as floats."""
    width, height = size
    frames = np.asarray(frames)
    y = frames[:, :width * height].reshape(-1, height, width)
    chroma = frames[:, width * height:].reshape(-1, 2, height // 2, width // 2)
    chroma = np.repeat(np.repeat(chroma, 2, 2), 2, 3)
    return np.stack([y, chroma[:, 0], chroma[:, 1]], -1).astype(float)


def is_placeholder(frame):
    """A YU12 frame without colours: the pictures that these tests play are full of them."""
    chroma = frame[len(frame) * 2 // 3:].astype(int)
    return np.abs(chroma - 128).max() < 24


def composed(frames):
    return [frame for frame in frames if not is_placeholder(frame)]


# ---- readers ----

def v4l2_ctl(count, *arguments, node=VIRTUAL):
    """Reads frames with v4l2-ctl.  (the file, [(sequence number, bytes, time)], what it said)"""
    path = f"{support.folder()}/v4l2-ctl.raw"
    done = subprocess.run(["v4l2-ctl", "-d", node, *arguments, "--verbose", "--stream-mmap=4", f"--stream-count={count}",
                           f"--stream-to={path}"], stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * PATIENCE, text=True)
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise AssertionError(f"{said}\n{node} is held by {holders(node)}")
    lines = re.findall(r"cap dqbuf: +\d+ seq: +(\d+) bytesused: (\d+) ts: ([\d.]+)", said)
    return path, [(int(number), int(size), float(seconds)) for number, size, seconds in lines], said


class Ended(AssertionError):
    """A reader that should have gone on."""


class Ffmpeg:
    """ffmpeg in the background: the frames' bytes in one file, their times in another."""

    def __init__(self, name, size=SIZE):
        self.path = f"{support.folder()}/{name}"
        self.size = size[0] * size[1] * 3 // 2
        with open(f"{self.path}.log", "w") as log:
            self.process = subprocess.Popen(
                ["ffmpeg", "-hide_banner", "-nostats", "-v", "warning", "-copyts", "-f", "v4l2", "-i", VIRTUAL,
                 "-map", "0:v", "-c", "copy", "-flush_packets", "1", "-f", "rawvideo", "-y", f"{self.path}.raw",
                 "-map", "0:v", "-c", "copy", "-flush_packets", "1", "-f", "framecrc", "-y", f"{self.path}.crc"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        self.seconds = self.wait_frames(1)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for suffix in ("raw", "crc"):
            os.unlink(f"{self.path}.{suffix}")

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def bytes(self):
        return os.path.getsize(f"{self.path}.raw") if os.path.exists(f"{self.path}.raw") else 0

    def frames(self):
        data = np.fromfile(f"{self.path}.raw", np.uint8)
        return data[:len(data) // self.size * self.size].reshape(-1, self.size)

    def newest(self):
        """The last whole frame."""
        return np.fromfile(f"{self.path}.raw", np.uint8, self.size, offset=(self.bytes() // self.size - 1) * self.size)

    def wait(self, what, condition):
        seconds = until(lambda: f"{what} by ffmpeg\n{self.complaints()}", lambda: condition() or not self.alive())
        if not self.alive():
            raise Ended(self.complaints())
        return seconds

    def wait_frames(self, count):
        """For this many more."""
        wanted = self.bytes() + count * self.size
        return self.wait(f"{count} frames", lambda: self.bytes() >= wanted)

    def wait_newest(self, condition):
        return self.wait("the frame awaited", lambda: condition(self.newest()))

    def times(self):
        return [int(line.split(",")[2]) / 1e6 for line in read(f"{self.path}.crc").splitlines() if line and line[0] != "#"]

    def complaints(self):
        """The last of them."""
        return "\n".join(read(f"{self.path}.log").splitlines()[-5:])

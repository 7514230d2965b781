"""visaged between real drivers, in the guest: every reader gets the right pictures, whoever comes and goes.

Runs in the guest, by way of in_guest.py.  Measured figures are printed; promises of one or five seconds are
asserted with three times that, since the machine may be busy.

Environment besides support.py's and nodes.py's: VISAGED_PRELOAD (the library that preload.c makes).
"""
import contextlib
import os
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np
from PIL import Image

import browser
import nodes
import support
from nodes import CAMERA, PLAYED, SIZE, VIRTUAL, Daemon, Ffmpeg, composed, control, is_placeholder, planes, plug, until, v4l2_ctl

BUSY = 3  # times a promise


def setUpModule():
    """Compiles the shaders, which takes longest of all; the driver caches them."""
    done = support.visaged(f"--model={os.environ['MODEL']}", f"--camera=image:{support.PORTRAIT}", "--frames=1",
                           "--virtual-camera=y4m:/dev/null", "--size=320x240", timeout=2 * support.TIMEOUT)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode(errors="replace"))


# ---- bars ----

def bars():
    """Rows x columns x 3: full and three-quarter colours, greys, and some colours between."""
    corners = [((n & 2) // 2, (n & 4) // 4, n & 1) for n in range(7, -1, -1)]
    greys = [(n * 36,) * 3 for n in range(8)]
    others = [(230, 190, 170), (141, 85, 36), (60, 90, 200), (10, 60, 40), (250, 240, 20), (90, 20, 90), (128, 128, 100),
              (30, 200, 170)]
    return np.array([[(255 * r, 255 * g, 255 * b) for r, g, b in corners], [(191 * r, 191 * g, 191 * b) for r, g, b in corners],
                     greys, others], np.uint8)


def patches(rgb, rows=4, columns=8):
    """The mean colour of the middle of each field."""
    height, width = rgb.shape[0] // rows, rgb.shape[1] // columns
    fields = rgb.astype(float).reshape(rows, height, columns, width, 3)
    return fields[:, height // 4:-(height // 4), :, width // 4:-(width // 4)].mean((1, 3))


def bars_picture():
    path = f"{support.folder()}/bars.png"
    Image.fromarray(np.kron(bars(), np.ones((SIZE[1] // 4, SIZE[0] // 8, 1), np.uint8))).save(path)
    return path


class Case(unittest.TestCase):
    daemon = None

    def _formatMessage(self, message, standard):
        """With the log of the daemon that a class shares."""
        text = super()._formatMessage(message, standard)
        return f"{text}\n{self.daemon.said()}" if self.daemon else text

    def same_colours(self, got, wanted, by=3):
        worst = np.abs(got - wanted).max()
        self.note = f"{getattr(self, 'note', '')}worst colour off by {worst:.1f} of 255\n"
        self.assertLessEqual(worst, by, f"got\n{got.round(1)}\nwanted\n{wanted}")

    def go_forward(self, times):
        self.assertEqual(times, sorted(times))

    def tell(self, text):
        self.note = f"{getattr(self, 'note', '')}{text}\n"


class Readers(Case):
    """Programs that read, each for itself.  The camera is on all the time: see OnDemand for that."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon(f"image:{bars_picture()}", "--effect=none", "--always-on=yes"))
        until(cls.daemon.said, lambda: not is_placeholder(np.fromfile(v4l2_ctl(1)[0], np.uint8)))

    def test_v4l2_ctl(self):
        path, lines, said = v4l2_ctl(30)
        frames = np.fromfile(path, np.uint8).reshape(-1, SIZE[0] * SIZE[1] * 3 // 2)
        self.assertEqual((len(frames), len(lines)), (30, 30), said)
        self.assertEqual({size for _, size, _ in lines}, {SIZE[0] * SIZE[1] * 3 // 2})
        # The driver does not number the frames of a producer that streams: all are 0.
        numbers, times = [number for number, _, _ in lines], [seconds for _, _, seconds in lines]
        self.assertEqual(numbers, sorted(numbers))
        self.go_forward(times)
        self.assertLess(abs(times[-1] - time.clock_gettime(time.CLOCK_MONOTONIC)), nodes.PATIENCE)
        self.tell_rate(times)
        for frame in planes(composed(frames)[-2:]):
            self.same_colours(patches(support.to_rgb(frame)), bars())

    def test_ffmpeg(self):
        with Ffmpeg("reader") as reader:
            reader.wait_frames(40)
            times = reader.times()
        self.tell_rate(times)
        self.go_forward(times)

    def tell_rate(self, times):
        rate = (len(times) - 1) / (times[-1] - times[0])
        self.tell(f"{rate:.1f} frames/s of {nodes.RATE}")
        self.assertLess(rate, 2 * nodes.RATE)

    def test_ffmpeg_colours(self):
        path = f"{support.folder()}/rgb"
        done = subprocess.run(["ffmpeg", "-v", "error", "-f", "v4l2", "-i", VIRTUAL, "-frames:v", "10", "-sws_flags",
                               "accurate_rnd+full_chroma_int", "-pix_fmt", "rgb24", "-f", "rawvideo", "-y", path],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=nodes.PATIENCE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        frames = np.fromfile(path, np.uint8).reshape(-1, *SIZE[::-1], 3)
        self.same_colours(patches(frames[-1]), bars())

    @unittest.skipUnless(shutil.which("gst-launch-1.0"), "no GStreamer (gstreamer1.0-tools and its plugins)")
    def test_gstreamer(self):
        path = f"{support.folder()}/gstreamer"
        done = subprocess.run(["gst-launch-1.0", "-q", "v4l2src", f"device={VIRTUAL}", "num-buffers=30", "!",
                               f"video/x-raw,width={SIZE[0]},height={SIZE[1]}", "!", "videoconvert", "!",
                               "video/x-raw,format=RGB", "!", "filesink", f"location={path}"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * nodes.PATIENCE, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        frames = np.fromfile(path, np.uint8).reshape(-1, *SIZE[::-1], 3)
        self.assertEqual(len(frames), 30)
        # videoconvert is fast, not exact: its colours are up to 5 off even from a file of these bars.
        self.same_colours(patches(frames[-1]), bars(), by=6)

    @unittest.skipUnless(browser.PROGRAM, "no Chromium (chromium-headless-shell)")
    def test_chromium(self):
        """A page that asks for a camera gets this one, twice."""
        plug(False)
        self.addCleanup(plug, True)
        chromium = browser.Browser()
        self.addCleanup(chromium.close)
        for turn in ("first", "again"):
            about, picture = chromium.wait(lambda rgb: np.ptp(rgb.astype(int), -1).max() > 60)
            self.tell(f"{turn}: composed frame {chromium.seconds():.1f} s after Chromium's start")
            self.assertEqual(about, {"label": "visaged", "width": SIZE[0], "height": SIZE[1], "video": list(SIZE)})
            self.same_colours(patches(picture), bars())
            chromium.look_again()

    def two_readers(self, context):
        """In v4l2loopback 0.12.7 a reader that starts takes the other readers' buffers from them for a moment; one that asks for
        a frame in that moment gets EINVAL.  Then they start again: this test is about what comes after the start."""
        for turn in range(5):
            reader = context.enter_context(Ffmpeg(f"reader{turn}"))
            neighbour = context.enter_context(Ffmpeg(f"neighbour{turn}"))
            try:
                reader.wait_frames(3)
                return reader, neighbour
            except nodes.Ended as ended:
                self.assertIn("DQBUF", str(ended))
                self.tell("the start of a reader ended another")
        self.fail("whenever a reader starts another ends")

    def test_neighbours_that_stop_or_die(self):
        with contextlib.ExitStack() as context:
            reader, neighbour = self.two_readers(context)
            begin = len(reader.times())
            neighbour.signal(signal.SIGSTOP)
            seconds = reader.wait_frames(30)
            self.tell(f"{30 / seconds:.1f} frames/s beside a reader that stopped")
            neighbour.signal(signal.SIGCONT)
            neighbour.wait_frames(3)
            self.assertTrue(neighbour.alive(), neighbour.complaints())
            neighbour.signal(signal.SIGKILL)
            seconds = reader.wait_frames(30)
            self.tell(f"{30 / seconds:.1f} frames/s after a reader was killed")
            self.go_forward(reader.times()[begin:])
        self.assertEqual(len(v4l2_ctl(5)[1]), 5, "and one more")


class Leaving(Case):
    def test_a_reader_who_stays_keeps_no_picture(self):
        with Daemon(f"image:{bars_picture()}", "--effect=none", "--always-on=yes") as daemon, Ffmpeg("stays") as reader:
            reader.wait_newest(lambda frame: not is_placeholder(frame))
            daemon.process.terminate()
            self.assertEqual(daemon.process.wait(nodes.PATIENCE), 0)
            until("the placeholder, at last", lambda: is_placeholder(reader.newest()))


class Face(Case):
    def test_from_node_to_node(self):
        """What ffmpeg plays into one loopback node comes out composed on the other."""
        still, sheet = support.picture("still.png", *SIZE), f"{support.folder()}/sheet.png"
        with open(f"{support.folder()}/player.log", "w+") as log, \
                subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-loop", "1", "-framerate", "10", "-i", still, "-vf",
                                  "format=yuv420p", "-f", "v4l2", PLAYED], stdin=subprocess.DEVNULL, stderr=log) as player:
            with Daemon(PLAYED, "--mode=exact", "--effect=overlay", f"--sheet={sheet}") as daemon, Ffmpeg("face") as reader:
                reader.wait_newest(lambda frame: not is_placeholder(frame))
                reader.wait_frames(5)
                frames = reader.frames()
                self.assertIn("frames copied", daemon.said())  # a player would not wait for the GPU
                daemon.process.terminate()
                daemon.process.wait(nodes.PATIENCE)
            player.kill()
        with Image.open(sheet) as picture, Image.open(still) as source:
            sheet, source = np.array(picture.convert("RGB")).astype(float), np.array(source.convert("RGB"))
        self.assertLess(np.abs(sheet[:, :SIZE[0]] - source).mean(), 4)
        wanted = support.to_yuv(sheet[:, 2 * SIZE[0] + 16:])[..., 0]
        shown = composed(frames)
        self.assertGreaterEqual(len(shown), 5)
        for frame in planes(shown):
            self.assertLess(np.abs(frame[..., 0] - wanted).mean(), 1.5)


class Colours(Case):
    """vivid's bars in the colours that cameras have; the same bars in RGB, from vivid itself, are the answer."""
    SIZE = (320, 180)
    KINDS = {"SMPTE 170M, limited range": {"colorspace": 0, "y_cbcr_encoding": 1, "quantization": 2},
             "Rec. 709, limited range": {"colorspace": 1, "y_cbcr_encoding": 2, "quantization": 2},
             "sRGB, full range": {"colorspace": 2, "y_cbcr_encoding": 1, "quantization": 1}}

    def in_rgb(self, kind):
        control(**{**self.KINDS[kind], "quantization": 0})
        path, _, _ = v4l2_ctl(1, "--set-fmt-video=width={},height={},pixelformat=RGB3".format(*self.SIZE), node=CAMERA)
        rgb = patches(np.fromfile(path, np.uint8).reshape(*self.SIZE[::-1], 3), rows=1)
        self.assertGreater(np.ptp(rgb), 200, "they are colour bars")
        return rgb

    def test_colours(self):
        """Frames arrive, and settings are read again when the camera reports a change."""
        self.addCleanup(control, test_pattern=0, osd_text_mode=0, colorspace=2, y_cbcr_encoding=0, quantization=0)
        control(test_pattern=1, osd_text_mode=2)
        wanted = {kind: self.in_rgb(kind) for kind in self.KINDS}
        with Daemon(CAMERA, "--effect=none", "--always-on=yes", size=self.SIZE) as daemon:
            self.stays_on(daemon)
            daemon.wait_for("frames read in place")  # in vivid's memory, by every driver
            with Ffmpeg("colours", self.SIZE) as reader:
                for kind in self.KINDS:
                    opened = daemon.said().count("camera: vivid")
                    control(**self.KINDS[kind])
                    until(daemon.said, lambda: daemon.said().count("camera: vivid") > opened)
                    reader.wait_newest(lambda frame: not is_placeholder(frame))
                    reader.wait_frames(5)
                    self.tell(kind)
                    # Rounded to 8 bits twice, by vivid downwards.  The wrong matrix or range would be off by 15 and more.
                    self.same_colours(patches(support.to_rgb(planes([reader.newest()], self.SIZE)[0]), rows=1), wanted[kind],
                                      by=5)

    def stays_on(self, daemon):
        """With always-on and no reader."""
        daemon.wait_for("camera: vivid")
        end = time.monotonic() + 8
        while time.monotonic() < end:
            self.assertTrue(daemon.holds(CAMERA), daemon.said())
            time.sleep(0.1)


class LosingTheGpu(Case):
    """While it reads frames in vivid's memory."""

    def test_the_memory_is_given_up(self):
        fault = f"{support.folder()}/gpu-fault"
        env = {"LD_PRELOAD": os.environ["VISAGED_PRELOAD"], "FAULT_GPU": fault}
        with Daemon(CAMERA, "--effect=none", "--always-on=yes", env=env) as daemon, Ffmpeg("lost") as reader:
            buffers = None
            for losses in range(3):  # the third would be one too many
                until(daemon.said, lambda: daemon.said().count("frames read in place") > losses)
                reader.wait_newest(lambda frame: not is_placeholder(frame))
                mapped = nodes.read(f"/proc/{daemon.process.pid}/maps").count(CAMERA)
                self.assertEqual(mapped, buffers or mapped)
                self.assertGreater(mapped, 2)
                buffers = mapped
                if losses < 2:
                    with open(fault, "w"):
                        pass
                    until(daemon.said, lambda: daemon.said().count("it is lost") > losses)


class AnotherSize(Case):
    """The virtual camera fails and has another size when it is reopened (preload.c)."""
    SIZE = (160, 120)

    def test_frames_are_of_the_size_that_it_has(self):
        fault = f"{support.folder()}/fault"
        env = {"LD_PRELOAD": os.environ["VISAGED_PRELOAD"], "FAULT_OUTPUT": fault}
        with Daemon(f"image:{bars_picture()}", "--effect=none", "--always-on=yes", env=env) as daemon:
            with Ffmpeg("before") as reader:
                reader.wait_newest(lambda frame: not is_placeholder(frame))
            with open(fault, "w"):
                pass
            daemon.wait_for("{}x{}".format(*self.SIZE))
            self.assertIn("trying to open it again", daemon.said())
            with Ffmpeg("after", self.SIZE) as reader:
                reader.wait_newest(lambda frame: not is_placeholder(frame))
                reader.wait_frames(5)
                frames = reader.frames()[-2:]
            for frame in planes(frames, self.SIZE):
                self.same_colours(patches(support.to_rgb(frame)), bars())


class ComingAndGoing(Case):
    """Cameras and readers come and go; one daemon sees it all."""

    @classmethod
    def setUpClass(cls):
        plug(False)
        cls.addClassCleanup(plug, True)
        cls.daemon = cls.enterClassContext(Daemon(CAMERA))
        cls.daemon.wait_for("recorded and warm")

    def closes(self, after):
        seconds = until(lambda: f"camera closed\n{self.daemon.said()}", lambda: not self.daemon.holds(CAMERA))
        self.tell(f"camera closed {seconds:.1f} s after {after}")
        self.assertLess(seconds, BUSY * 5)

    def idles(self):
        """The GPU; frames in progress and the thread that closed the camera may finish a little later."""
        end = time.monotonic() + BUSY * 5
        while self.daemon.gpu_works(3):
            self.assertLess(time.monotonic(), end, "the GPU works without a reader")

    def read(self, count):
        """[(seconds from the reader's STREAMON, frame)]"""
        path, on, arrived = f"{support.folder()}/timed", None, []
        with subprocess.Popen(["stdbuf", "-oL", "v4l2-ctl", "-d", VIRTUAL, "--verbose", "--stream-mmap=4",
                               f"--stream-count={count}", f"--stream-to={path}"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as reader:
            for line in reader.stdout:
                if "VIDIOC_STREAMON returned 0" in line:
                    on = time.monotonic()
                if "cap dqbuf" in line:
                    arrived.append(time.monotonic() - on)
        return list(zip(arrived, np.fromfile(path, np.uint8).reshape(count, -1)))

    def form(self):
        return subprocess.run(["v4l2-ctl", "-d", VIRTUAL, "--get-fmt-video"], stdin=subprocess.DEVNULL, check=True,
                              capture_output=True, timeout=nodes.PATIENCE).stdout

    def test_a_reader_outlives_the_camera(self):
        plug(False)
        seconds, _ = self.read(1)[0]
        self.tell(f"first frame {seconds:.3f} s after STREAMON")
        self.assertLess(seconds, BUSY * 1)
        form = self.form()
        with Ffmpeg("throughout") as reader:
            reader.wait_newest(is_placeholder)
            self.daemon.wait_for("trying again")
            time.sleep(4)  # then it tries every ten seconds only, and has to hear of the camera
            for turn in ("first", "again"):
                plug(True)
                seconds = reader.wait_newest(lambda frame: not is_placeholder(frame))
                self.tell(f"camera there: composed after {seconds:.1f} s")
                self.assertLess(seconds, BUSY * 2)
                reader.wait_frames(5)
                plug(False)
                seconds = reader.wait_newest(is_placeholder)
                self.tell(f"camera gone: placeholder after {seconds:.1f} s")
            reader.wait_frames(5)
            times = reader.times()
            self.go_forward(times)
            self.tell(f"{len(times)} frames, {(len(times) - 1) / (times[-1] - times[0]):.1f}/s of {nodes.RATE}, "
                      f"longest gap {np.diff(times).max():.2f} s")
            self.assertLess(np.diff(times).max(), BUSY * 1)
        self.assertEqual(self.form(), form)

    def test_the_camera_is_open_while_there_are_readers(self):
        plug(True)
        for turn in range(2):
            with Ffmpeg("demand") as reader:
                reader.wait_newest(lambda frame: not is_placeholder(frame))
                self.assertTrue(self.daemon.holds(CAMERA))
                self.assertTrue(self.daemon.gpu_works(3))
                self.assertTrue(self.daemon.holds(CAMERA), "as long as the reader is there")
            self.closes("the last reader")
        self.idles()

    def test_a_frame_within_a_second(self):
        """From STREAMON to the first frame of the camera, which was closed."""
        plug(True)
        found = []
        for turn in range(5):
            self.closes("a reader before")
            found.append(next(seconds for seconds, frame in self.read(30) if not is_placeholder(frame)))
        self.tell("composed frame " + ", ".join(f"{seconds:.2f}" for seconds in found) + " s after STREAMON")
        self.assertLess(sorted(found)[2], BUSY * 1)

    def test_a_look_is_no_reader(self):
        plug(True)
        with Ffmpeg("before") as reader:
            reader.wait_newest(lambda frame: not is_placeholder(frame))
        with subprocess.Popen(["sh", "-c", f"while sleep 0.3; do v4l2-ctl -d {VIRTUAL} --info; done"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as looking:
            self.closes("the last reader, while others look")
            looking.kill()
        looks, end = 0, time.monotonic() + 5
        while time.monotonic() < end:
            subprocess.run(["v4l2-ctl", "-d", VIRTUAL, "--info"], check=True, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=nodes.PATIENCE)
            looks += 1
            self.assertFalse(self.daemon.holds(CAMERA), f"after {looks} looks")
        self.tell(f"{looks} looks")


if __name__ == "__main__":
    unittest.main()

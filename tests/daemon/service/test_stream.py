"""visaged on software Vulkan, with files in place of the camera and of the virtual camera."""
import json
import os
import signal
import socket
import subprocess
import time
import unittest

import numpy as np
from PIL import Image

import support
from support import new_folder, picture, read_y4m, to_rgb, visagectl, write_y4m


class Stream:
    """A finished run."""

    def __init__(self, camera, *arguments, sink=None, frames=None, size="160x120"):
        self.folder = new_folder()
        self.path = f"{self.folder}/out.y4m"
        report = f"{self.folder}/report.json"
        arguments = [f"--model={support.model()}", f"--camera={camera}", f"--virtual-camera={sink or 'y4m:' + self.path}",
                     f"--size={size}", f"--report={report}", *arguments]
        if frames:
            arguments.append(f"--frames={frames}")
        self.done = support.visaged(*arguments)
        self.err = self.done.stderr.decode()
        self.report = None
        if os.path.exists(report):
            with open(report) as file:
                self.report = json.load(file)

    def frames(self):
        """Those in the file, which are all that were shown."""
        header, frames = read_y4m(self.path)
        return frames


def labels_of(path, size):
    """What the network says about a picture of that size."""
    folder = new_folder()
    done = visagectl("parse", f"--model={support.model()}", path, "-o", folder)
    assert done.returncode == 0, done.stderr
    with Image.open(json.loads(done.stdout)["labels"]) as image:
        assert image.size == size
        return np.array(image)


SIZE = (160, 120)


class Effects(unittest.TestCase):
    def setUp(self):
        self.source = picture("still.png", *SIZE)
        with Image.open(self.source) as image:
            self.rgb = np.array(image.convert("RGB"))
        self.colours = support.palette()

    def stream(self, *arguments, frames=4):
        stream = Stream(f"image:{self.source}", *arguments, frames=frames)
        self.assertEqual(stream.done.returncode, 0, stream.err)
        shown = stream.frames()
        self.assertEqual(len(shown), frames, stream.err)
        self.assertEqual(stream.report["frames"]["shown"], frames)
        self.assertEqual(stream.report["frames"]["placeholder"], 0)
        self.assertGreaterEqual(stream.report["frames"]["parsed"], frames if "--mode=exact" in arguments else 1)
        return stream, shown

    def near(self, frame, rgb, mean):
        """Up to the half chroma resolution."""
        self.assertLess(np.abs(frame - support.to_yuv(np.asarray(rgb)))[..., 0].mean(), mean)
        self.assertLess(np.abs(to_rgb(frame) - rgb).mean(), 4 * mean + 4)

    def test_overlay(self):
        wanted = support.overlay(self.rgb, labels_of(self.source, SIZE), self.colours)
        for mode in ("smooth", "exact"):
            stream, shown = self.stream("--effect=overlay", f"--mode={mode}")
            for frame in shown:
                self.near(frame, wanted, 1.0)

    def test_labels(self):
        wanted = self.colours[labels_of(self.source, SIZE)]
        for mode in ("smooth", "exact"):
            stream, shown = self.stream("--effect=labels", f"--mode={mode}")
            for frame in shown:
                self.near(frame, wanted, 1.0)
        self.assertEqual({c["index"]: c["pixels"] for c in stream.report["classes"]},
                         {i: int(n) for i, n in enumerate(np.bincount(labels_of(self.source, SIZE).ravel(), minlength=11))})

    def test_none(self):
        for mode in ("smooth", "exact"):
            _, shown = self.stream("--effect=none", f"--mode={mode}")
            for frame in shown:
                self.near(frame, self.rgb, 1.0)

    def test_blur(self):
        labels = labels_of(self.source, SIZE)
        person, background = labels != 0, labels == 0
        self.assertTrue(background.any() and person.any())
        for mode in ("smooth", "exact"):
            _, shown = self.stream("--effect=blur", f"--mode={mode}")
            off = np.abs(shown[-1] - support.to_yuv(self.rgb))[..., 0]
            self.assertLess(off[person].mean(), 1.0)
            if background.mean() > 0.02:
                self.assertGreater(off[background].mean(), 1.0)

    def test_mirror(self):
        """Every pixel is what is shown without it, wherever it is in the chain."""
        for effect, mirrored in (("none", "mirror"), ("labels", "mirror+labels"), ("overlay+blur", "overlay+mirror+blur")):
            _, plain = self.stream(f"--effect={effect}", "--mode=exact", frames=1)
            _, shown = self.stream(f"--effect={mirrored}", "--mode=exact", frames=1)
            np.testing.assert_array_equal(shown[0], plain[0][:, ::-1], mirrored)
            self.assertFalse(np.array_equal(shown[0], plain[0]))


class NoRawFrame(unittest.TestCase):
    """Nothing but the placeholder comes out before the first labels."""

    def all_labels(self, frames):
        """With the effect labels, every pixel shown has the colour of a class."""
        colours = support.to_yuv(support.palette())[:, 0]
        for frame in frames:
            distance = np.abs(frame[..., 0][..., None] - colours).min(-1)
            self.assertLess(distance.max(), 1.6)

    def test_first_frame_is_the_placeholder(self):
        for mode in ("smooth", "exact"):
            path = f"{new_folder()}/out.y4m"
            with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}?move",
                                   f"--model={support.model()}", f"--virtual-camera=y4m:{path}", "--size=160x120",
                                   "--effect=labels", f"--mode={mode}"], env=support.environment(), stderr=subprocess.PIPE) as child:
                for line in child.stderr:
                    if b"camera: " in line and b"virtual" not in line:
                        break
                time.sleep(2)
                child.terminate()
                child.communicate(timeout=60)
                self.assertEqual(child.returncode, 0)
            _, frames = read_y4m(path)
            rgb = to_rgb(frames[0])
            self.assertLess(np.abs(rgb[:4, :4] - rgb[:4, -4:]).max(), 12, "a plain card")
            shown = [frame for frame in frames if not np.array_equal(frame[:40], frames[0][:40])]
            self.assertGreater(len(shown), 0)
            self.all_labels(shown)

    def test_not_even_the_placeholder(self):
        """The file has exactly that many frames, and no placeholder."""
        for mode in ("smooth", "exact"):
            stream = Stream(f"image:{support.PORTRAIT}?move", "--effect=labels", f"--mode={mode}", frames=10)
            self.assertEqual(stream.done.returncode, 0, stream.err)
            self.assertEqual(len(stream.frames()), 10)
            self.all_labels(stream.frames())

    def test_placeholder_is_there_at_once(self):
        """And before a GPU is open, repeatedly."""
        path = f"{support.folder()}/once.y4m"
        with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera={path}.missing", "--size=64x48",
                               f"--model={support.model()}", f"--virtual-camera=y4m:{path}", "--rate=50"],
                              env=support.environment(), stderr=subprocess.DEVNULL) as child:
            enough = time.monotonic() + 60
            while time.monotonic() < enough and (not os.path.exists(path) or os.path.getsize(path) < 80 * 64 * 48 * 1.5):
                time.sleep(0.1)
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(60), 0)
        _, frames = read_y4m(path)
        self.assertGreater(len(frames), 75)
        for frame in frames:
            np.testing.assert_array_equal(frame[:40], frames[0][:40])
        self.assertLessEqual(len({frame.tobytes() for frame in frames}), 2, "below the face: starting, camera unplugged")


class Cameras(unittest.TestCase):
    def test_y4m_once_ends_by_itself(self):
        path = f"{new_folder()}/in.y4m"
        write_y4m(path, [np.full((48, 64, 3), 20 * i, np.uint8) for i in range(12)], rate=10)
        for mode in ("smooth", "exact"):
            stream = Stream(f"y4m:{path}?once", "--effect=none", "--rate=10", f"--mode={mode}", size="64x48")
            self.assertEqual(stream.done.returncode, 0, stream.err)
            shown = stream.frames()
            counts = stream.report["frames"]
            self.assertGreaterEqual(len(shown), 1)
            self.assertEqual(counts["shown"], len(shown))
            self.assertLessEqual(counts["captured"], 12)
            self.assertEqual(counts["dropped"], counts["captured"] + counts["lost"] - counts["shown"])
            self.assertIn("frames captured", stream.err.splitlines()[-1])
            # In the order in which they were taken, up to the last one.
            means = [frame[..., 0].mean() for frame in shown]
            self.assertEqual(means, sorted(set(means)))
            self.assertAlmostEqual(means[-1], 20 * 11, delta=30)
            self.assertEqual(counts["shown"], counts["captured"] - counts["stale"])

    def test_sizes_that_differ(self):
        """Scaled to fit, black beside it."""
        path = f"{support.folder()}/white.y4m"
        write_y4m(path, [np.full((100, 100, 3), 255, np.uint8)])
        for size in ((160, 80), (80, 160), (320, 320), (32, 32)):
            stream = Stream(f"y4m:{path}", "--effect=none", "--mode=exact", frames=2, size=f"{size[0]}x{size[1]}")
            self.assertEqual(stream.done.returncode, 0, stream.err)
            luma = stream.frames()[-1][..., 0]
            self.assertEqual(luma.shape, size[::-1])
            side = min(size)
            self.assertLess(abs((luma > 125).sum() - side * side), 4 * side + 8)
            middle = luma[size[1] // 2 - 4:size[1] // 2 + 4, size[0] // 2 - 4:size[0] // 2 + 4]
            self.assertGreater(middle.min(), 230)
            if size[0] != size[1]:
                self.assertLess(luma[0, 0], 20)

    def test_y4m_formats(self):
        """The subsamplings that a y4m file can have."""
        with Image.open(picture("still.png", *SIZE)) as image:
            yuv = support.to_yuv(np.array(image.convert("RGB")))
        planes = [np.rint(yuv[..., c]).clip(0, 255) for c in range(3)]
        wide = [(p[:, 0::2] + p[:, 1::2]) / 2 for p in planes[1:]]
        both = [(p[0::2] + p[1::2]) / 2 for p in wide]
        for name, chroma in (("420jpeg", both), ("422", wide), ("mono", [])):
            path = f"{new_folder()}/in.y4m"
            with open(path, "wb") as file:
                file.write(f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F20:1 C{name}\nFRAME\n".encode())
                for plane in [planes[0], *chroma]:
                    file.write(np.rint(plane).astype(np.uint8).tobytes())
            stream = Stream(f"y4m:{path}", "--effect=none", "--mode=exact", frames=2)
            if name != "420jpeg" and stream.done.returncode and "C" + name in stream.err:
                continue  # v4l2/ may say that it does not read these
            self.assertEqual(stream.done.returncode, 0, stream.err)
            frame = stream.frames()[-1]
            self.assertLess(np.abs(frame[..., 0] - planes[0]).mean(), 1.0, name)
            if chroma:
                self.assertLess(np.abs(frame[..., 1] - planes[1]).mean(), 3.0, name)
                self.assertLess(np.abs(frame[..., 2] - planes[2]).mean(), 3.0, name)
            else:
                self.assertLess(np.abs(frame[..., 1:] - 128).max(), 1.6)

    def test_no_camera_is_tried_again(self):
        """The camera appears while visaged waits."""
        late, path = f"{new_folder()}/late.png", f"{support.folder()}/late.y4m"
        with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{late}", "--size=64x48",
                               f"--model={support.model()}", f"--virtual-camera=y4m:{path}", "--rate=10"],
                              env=support.environment(), stderr=subprocess.PIPE) as child:
            lines = []
            for line in child.stderr:
                lines.append(line.decode())
                if "trying again" in lines[-1]:
                    time.sleep(2.5)
                    Image.open(picture("still.png", *SIZE)).save(late + ".new", "PNG")
                    os.rename(late + ".new", late)
                if "the camera is available" in lines[-1]:
                    child.terminate()
            self.assertEqual(child.wait(60), 0)
        self.assertEqual(sum("trying again" in line for line in lines), 1, lines)
        self.assertTrue(any("the camera is available" in line for line in lines), lines)

    def test_a_run_that_ends_waits_for_no_file(self):
        """It would only write placeholders, for ever."""
        missing, film = f"{new_folder()}/missing", f"{new_folder()}/film.y4m"
        with open(film, "w") as file:
            file.write("YUV4MPEG2 W64")
        for camera, arguments in ((f"image:{missing}.png", ["--frames=3"]), (f"y4m:{film}", ["--frames=3"]),
                                  (f"y4m:{missing}.y4m?once", []), (film, ["--frames=3"])):
            folder = new_folder()
            done = support.visaged(f"--camera={camera}", *arguments, f"--virtual-camera=png:{folder}/%d.png",
                                   f"--model={support.model()}", timeout=60)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(camera.split(":")[-1].split("?")[0].encode(), done.stderr)
            self.assertNotIn(b"trying again", done.stderr)
            self.assertNotIn(b"GPU", done.stderr)  # it is found before one is opened
            self.assertEqual(os.listdir(folder), [])


class Service(unittest.TestCase):
    """What a service manager sees."""

    def test_notifications(self):
        path = os.path.join(new_folder(), "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(60)
            env = support.environment()
            env["NOTIFY_SOCKET"] = path
            with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}",
                                   f"--model={support.model()}", f"--virtual-camera=y4m:{path}.y4m", "--size=64x48",
                                   "--frames=3"], env=env, stderr=subprocess.DEVNULL) as child:
                said = []
                while not said or said[-1] != "STOPPING=1":
                    said.append(listener.recv(4096).decode().strip())
                self.assertEqual(child.wait(60), 0)
        self.assertEqual(said[0], "READY=1")
        self.assertTrue(said[1].startswith("STATUS=opening"), said)
        self.assertIn(" -> y4m:", said[-2])

    def test_watchdog(self):
        """The watchdog is fed as long as frames flow."""
        path = os.path.join(new_folder(), "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(60)
            env = {**support.environment(), "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000"}
            with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}",
                                   f"--model={support.model()}", f"--virtual-camera=y4m:{path}.y4m", "--size=64x48"],
                                  env=env, stderr=subprocess.DEVNULL) as child:
                try:
                    while " -> y4m:" not in listener.recv(4096).decode():
                        pass
                    pings = 0
                    while pings < 50:  # one in 0.2 s
                        pings += listener.recv(4096) == b"WATCHDOG=1"
                finally:
                    child.terminate()
                self.assertEqual(child.wait(60), 0)


class Ends(unittest.TestCase):
    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            path, report = f"{support.folder()}/{number}.y4m", f"{support.folder()}/{number}.json"
            with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}?move",
                                   f"--model={support.model()}", f"--virtual-camera=y4m:{path}", "--size=64x48",
                                   f"--report={report}"],
                                  env=support.environment(), stderr=subprocess.PIPE) as child:
                for line in child.stderr:
                    if b"camera: " in line and b"virtual" not in line:
                        break
                time.sleep(2)
                child.send_signal(number)
                child.communicate(timeout=60)
                self.assertEqual(child.returncode, 0)
            with open(report) as file:
                self.assertGreater(json.load(file)["frames"]["shown"], 5)
            read_y4m(path)

    def test_sheet_and_png_sink(self):
        folder = new_folder()
        source = picture("still.png", *SIZE)
        stream = Stream(f"image:{source}", "--mode=exact", f"--sheet={folder}/sheet.png", sink=f"png:{folder}/%03d.png",
                        frames=2)
        self.assertEqual(stream.done.returncode, 0, stream.err)
        with Image.open(f"{folder}/sheet.png") as sheet, Image.open(source) as image:
            sheet, rgb = np.array(sheet.convert("RGB")).astype(float), np.array(image.convert("RGB"))
        width, height = SIZE
        self.assertEqual(sheet.shape, (height, 3 * width + 16, 3))
        labels, colours = labels_of(source, SIZE), support.palette()
        self.assertLess(np.abs(sheet[:, :width] - rgb).mean(), 2)
        self.assertGreater((np.abs(sheet[:, width + 8:2 * width + 8] - colours[labels]).max(-1) == 0).mean(), 0.97)
        self.assertLess(np.abs(sheet[:, 2 * width + 16:] - support.overlay(rgb, labels, colours)).mean(), 4)
        pictures = [name for name in os.listdir(folder) if name[0].isdigit()]
        self.assertEqual(len(pictures), 2)

    def test_a_png_that_cannot_be_written(self):
        """Even the last one, whose error is known only after the end."""
        for number in (0, 2):
            folder = new_folder()
            os.mkdir(f"{folder}/{number}.png")
            stream = Stream(f"image:{picture('still.png', *SIZE)}", sink=f"png:{folder}/%d.png", frames=3)
            self.assertEqual(stream.done.returncode, 1)
            self.assertIn("error: ", stream.err)
            self.assertIn("directory", stream.err)
            self.assertEqual(sorted(os.listdir(folder)), [f"{i}.png" for i in range(number + 1)])

    def test_two_outputs(self):
        """They get the same frames; outputs on the command line replace those in the file."""
        folder = new_folder()
        with open(f"{folder}/visaged.conf", "w") as file:
            file.write(f"[visaged]\nvirtual-camera = y4m:{folder}/no.y4m\nvirtual-camera = y4m:{folder}/neither.y4m\n")
        stream = Stream(f"image:{support.PORTRAIT}?move", f"--virtual-camera=y4m:{folder}/other.y4m", f"--config={folder}/visaged.conf",
                        frames=6)
        self.assertEqual(stream.done.returncode, 0, stream.err)
        with open(stream.path, "rb") as one, open(f"{folder}/other.y4m", "rb") as other:
            self.assertEqual(one.read(), other.read())
        self.assertEqual(len(stream.frames()), 6)
        self.assertEqual(stream.report["frames"]["shown"], 6)
        self.assertEqual(len(stream.report["virtual_cameras"]), 2)
        self.assertIn(f"y4m:{folder}/other.y4m", stream.report["virtual_cameras"])
        self.assertEqual(stream.report["virtual_camera"], stream.report["virtual_cameras"][0])
        self.assertEqual(sorted(os.listdir(folder)), ["other.y4m", "visaged.conf"])

    def test_report(self):
        stream = Stream(f"image:{support.PORTRAIT}?move", frames=15)
        report = stream.report
        self.assertEqual((report["size"], report["backend"] in ("subgroup", "tiled")), ({"width": 160, "height": 120}, True))
        self.assertIn("llvmpipe", report["device"])
        self.assertEqual(report["model"]["file"], support.model())
        self.assertGreater(report["latency_ms"]["median"], 0)
        self.assertGreater(report["parse_ms"]["median"], 0)
        self.assertGreater(report["rates"]["shown"], 1)
        self.assertEqual(sum(c["pixels"] for c in report["classes"]), 160 * 120)

    def test_reader_of_standard_output_stops_reading(self):
        """A signal still ends it."""
        with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}",
                               f"--model={support.model()}", "--virtual-camera=y4m:-"],
                              env=support.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            self.assertTrue(child.stdout.read(1000).startswith(b"YUV4MPEG2 "))
            time.sleep(2)
            child.terminate()
            try:
                self.assertEqual(child.wait(20), 0)
            finally:
                child.kill()

    def test_reader_of_standard_output_goes_away(self):
        with subprocess.Popen([os.environ["VISAGED"], "--config=/dev/null", f"--camera=image:{support.PORTRAIT}",
                               f"--model={support.model()}", "--virtual-camera=y4m:-", "--size=64x48"],
                              env=support.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            self.assertTrue(child.stdout.read(1000).startswith(b"YUV4MPEG2 "))
            child.stdout.close()
            err = child.stderr.read()
            self.assertEqual(child.wait(60), 1)
        self.assertIn(b"error: ", err)


if __name__ == "__main__":
    unittest.main()

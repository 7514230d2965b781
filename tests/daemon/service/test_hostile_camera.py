"""A camera whose pictures take long to decode, such as a malicious USB device may send: the daemon keeps working.

Environment besides support.py's: VISAGED is mjpeg-camera.c.
"""
import io
import os
import unittest

from PIL import Image

import support
from message_bus import Bus, Client, Daemon

REPEATS = 48  # of about ten scans


def jpeg(progressive):
    file = io.BytesIO()
    with Image.open(support.PORTRAIT) as image:
        image.convert("RGB").resize((1280, 720)).save(file, "JPEG", quality=40, progressive=progressive)
    return file.getvalue()


def hostile():
    """All scans again and again, which decoders accept."""
    picture = jpeg(True)
    frame = picture.index(b"\xff\xc2")
    scans = frame + 2 + int.from_bytes(picture[frame + 2:frame + 4], "big")
    return picture[:scans] + REPEATS * picture[scans:-2] + picture[-2:]


class HostileCamera(unittest.TestCase):
    def setUp(self):
        self.picture = os.environ["CAMERA_PICTURE"] = f"{support.new_folder()}/picture.jpg"
        self.send(jpeg(False))
        self.bus = Bus()
        self.addCleanup(self.bus.close)
        self.daemon = Daemon(self.bus, camera="/dev/null")
        self.client = Client(self.bus)
        self.client.until_state("streaming")

    def send(self, data):
        """What the camera captures from now on."""
        with open(f"{self.picture}.new", "wb") as file:
            file.write(data)
        os.rename(f"{self.picture}.new", self.picture)

    def counter(self, name):
        return self.client.get("Counters")[name]

    def until_more(self, name, count):
        before = self.counter(name)
        self.client.until(lambda: self.counter(name) >= before + count)

    def test_the_daemon_goes_on(self):
        self.until_more("shown", 5)
        self.send(hostile())
        self.until_more("corrupt", 5)
        captured = self.counter("captured")
        for _ in range(200):
            self.client.get("State")
        self.assertLess(self.counter("captured") - captured, 200, "it answers more than it decodes")
        self.client.until(lambda: "no pictures" in self.client.get("StateReason"))
        self.until_more("placeholder", 20)
        self.client.call("SetMode", "(s)", "exact")
        self.send(jpeg(False))
        self.client.until_state("streaming")
        self.until_more("shown", 5)
        status, text = self.daemon.stop()
        self.assertEqual(status, 0, text)


if __name__ == "__main__":
    unittest.main()

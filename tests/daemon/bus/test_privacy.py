"""That nothing leaves visaged but what docs/PRIVACY.md lists.

Environment besides support.py's: VISAGED_BUS_XML (systemd/org.visaged1.xml).
"""
import json
import os
import re
import shutil
import subprocess
import time
import unittest
import xml.etree.ElementTree as ElementTree
import zlib

from PIL import Image
from gi.repository import GLib

import support
from message_bus import INTERFACE, NAME, OBJECT, PROPERTIES, SIZE, Bus, Client, Daemon, still

# Below the folder for caches and the one for the run.
WRITTEN = (r"home/cache/visaged/[^/]+", r"home/cache/mesa_shader_cache(_db)?(/.*)?", r"run/sink\.y4m", r"run/log")


def listed(heading):
    """The names in the first columns of a section's tables, a list for each table."""
    with open(f"{support.ROOT}/docs/PRIVACY.md") as file:
        section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", file.read(), re.M | re.S)[1]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.M)
    return [re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:])) for table in tables]


def below(folder, name):
    """Paths of what is below a folder, with the folder's name replaced."""
    return {os.path.join(name, os.path.relpath(os.path.join(path, file), folder)) for path, _, files in os.walk(folder)
            for file in files}


class Privacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bus = Bus()
        cls.addClassCleanup(cls.bus.close)
        cls.home = support.new_folder()
        for name in ("cache", "tmp"):
            os.mkdir(f"{cls.home}/{name}")
        cls.before = cls.files()
        cls.daemon = Daemon(cls.bus, camera=still(), env={"HOME": cls.home, "TMPDIR": f"{cls.home}/tmp",
                                                          "XDG_CACHE_HOME": f"{cls.home}/cache"})
        cls.client = Client(cls.bus)
        cls.client.until_state("streaming")

    @classmethod
    def files(cls):
        return below(cls.home, "home") | below(cls.bus.folder, "run")

    def interface(self):
        return ElementTree.parse(os.environ["VISAGED_BUS_XML"]).getroot().find("interface")

    def test_properties(self):
        public, protected = listed("On the bus")
        self.assertEqual(sorted(public + protected), sorted(p.get("name") for p in self.interface().iter("property")))
        all_of_them, = self.client.connection.call_sync(NAME, OBJECT, PROPERTIES, "GetAll", GLib.Variant("(s)", (INTERFACE,)), None, 0,
                                                        20000, None).unpack()
        self.assertEqual(sorted(all_of_them), sorted(public))

    def test_lines(self):
        fields, of_faces = listed("In a subscription")
        with os.fdopen(self.client.descriptor("Subscribe"), "r") as lines:
            first, *others = [json.loads(lines.readline()) for _ in range(3)]
        self.assertEqual(sorted(fields), sorted({*first, *first["fields"]}))
        self.assertEqual(sorted(of_faces), sorted(first["face_fields"]))
        for line in others:
            self.assertEqual(list(line), first["fields"])
            for face in line["faces"]:
                self.assertEqual(list(face), first["face_fields"])

    def test_descriptors(self):
        names, = listed("Descriptors")
        self.assertEqual(sorted(names), sorted(m.get("name") for m in self.interface().iter("method")
                                               if any(arg.get("type") == "h" for arg in m.iter("arg"))))
        hold = self.client.descriptor("Hold", "(s)", "a test")
        self.addCleanup(os.close, hold)
        with os.fdopen(self.client.descriptor("Subscribe"), "r") as lines:
            for _ in range(3):
                lines.readline()
        os.set_blocking(hold, False)
        self.assertRaises(BlockingIOError, os.read, hold, 1)  # there is nothing in it

    def open_for_writing(self):
        """Files on a disk."""
        found, of = set(), f"/proc/{self.daemon.process.pid}"
        for fd in os.listdir(f"{of}/fd"):
            try:
                path = os.readlink(f"{of}/fd/{fd}")
                with open(f"{of}/fdinfo/{fd}") as file:
                    flags = int(re.search(r"^flags:\s*(\w+)", file.read(), re.M)[1], 8)
            except FileNotFoundError:
                continue  # closed meanwhile
            if flags & os.O_ACCMODE and path.startswith("/") and not path.startswith(("/dev/", "/memfd:", "/proc/")):
                found.add(path)
        return found

    def test_z_files(self):
        """The last test: after all that a client can do."""
        os.close(self.client.descriptor("Snapshot"))
        self.client.call("SetEffect", "(sa{sv})", "blur", {})
        self.client.call("Pause")
        self.assertIn("run/paused", self.files())
        self.assertEqual(os.path.getsize(f"{self.bus.folder}/paused"), 0)
        self.client.call("Resume")
        self.client.until_state("streaming")
        allowed = {self.daemon.sink, f"{self.bus.folder}/log"}
        for path in self.open_for_writing() - allowed:
            self.assertTrue(path.startswith(f"{self.home}/cache/"), path)
        status, text = self.daemon.stop()
        self.assertEqual(status, 0, text)
        for path in self.files() - self.before:
            self.assertTrue(any(re.fullmatch(pattern, path) for pattern in WRITTEN), path)
        self.assertNotRegex(text, r"(?i)\bfaces?\b")
        self.no_picture()

    def no_picture(self):
        """Except in the sink: parts of rows, as captured and as shown, are looked for in all other files."""
        width, height = SIZE
        with open(self.daemon.sink, "rb") as file:
            file.readline()
            frames = iter(lambda: (file.readline(), file.read(width * height * 3 // 2))[1], b"")
            shown = max(frames, key=lambda frame: len(zlib.compress(frame, 1)))
        with Image.open(still().removeprefix("image:")) as image:
            captured = image.convert("RGB").tobytes()
        rows = [row for row in (picture[at:at + 64] for picture, step in ((shown, width), (captured, 3 * width))
                                for at in range(0, height * step, step)) if len(set(row)) > 16]
        self.assertGreater(len(rows), height)
        for folder in (self.home, self.bus.folder):
            for path, _, files in os.walk(folder):
                for name in files:
                    if name not in ("sink.y4m", "socket"):
                        with open(os.path.join(path, name), "rb") as file:
                            content = file.read()
                        self.assertFalse([row for row in rows if row in content], name)


class Dumps(unittest.TestCase):
    def test_the_program_has_none(self):
        """What belongs to a process without dumps is root's in /proc."""
        with Bus() as bus:
            program = shutil.copy(os.environ["VISAGED"], bus.folder)
            with subprocess.Popen(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "--config=/dev/null",
                                   "--camera=/dev/video999", "--virtual-camera=y4m:/dev/null"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, cwd="/", env={"PATH": "/usr/bin:/bin", "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
                                                                 "DBUS_STARTER_BUS_TYPE": "system"}) as child:
                try:
                    for _ in range(600):
                        # The program first: until it runs, all is root's, and then only for as long as it leaves dumps on.
                        if os.readlink(f"/proc/{child.pid}/exe") == program and os.stat(f"/proc/{child.pid}/fd").st_uid == 0:
                            break
                        self.assertIsNone(child.poll())
                        time.sleep(0.05)
                    self.assertEqual(os.stat(f"/proc/{child.pid}/fd").st_uid, 0)
                    self.assertEqual(os.readlink(f"/proc/{child.pid}/exe"), program)
                finally:
                    child.kill()

    def test_the_units_have_none(self):
        for folder in ("systemd", "systemd/user"):
            with open(f"{support.ROOT}/{folder}/visaged.service.in") as file:
                self.assertIn("\nLimitCORE=0\n", file.read(), folder)


if __name__ == "__main__":
    unittest.main()

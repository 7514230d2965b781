"""visagectl doctor with the real v4l2loopback and vivid, in the guest: what it says about a machine that is set
up correctly, one where another program feeds the node, one without the module, and one where it is loaded without its
options.

Environment besides support.py's: GUEST_RUN (tests/guest/run).
"""
import json
import os
import subprocess
import unittest

import mock_daemon
from support import new_folder

# In the guest: $1 the folder that is shared with us, $2 visagectl, $3 the mock daemon.  No GPU is looked for.
JOB = r"""
cd "$1" || exit
export LC_ALL=C.UTF-8 VK_DRIVER_FILES=/nonexistent.json VK_ICD_FILENAMES=/nonexistent.json
"$2" doctor --json >right.json
dbus-daemon --session --nofork --nopidfile --address=unix:path=/tmp/bus &
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/bus
while ! [ -e /tmp/bus ]; do sleep 0.1; done
DBUS_STARTER_ADDRESS=unix:path=/tmp/bus /usr/bin/python3 "$3" &
for try in $(seq 600); do "$2" status >/dev/null 2>&1 && break; sleep 0.1; done
ffmpeg -v error -re -f lavfi -i testsrc=size=160x120:rate=10 -pix_fmt yuv420p -f v4l2 /dev/video10 2>ffmpeg &
player=$!
for try in $(seq 600); do [ "$(cat /sys/class/video4linux/video10/format)" ] && break; sleep 0.1; done
"$2" doctor --json >other.json
kill -KILL $player
wait $player
unset DBUS_SYSTEM_BUS_ADDRESS
modprobe -r v4l2loopback
"$2" doctor --json >unloaded.json
modprobe v4l2loopback video_nr=3 max_buffers=2
"$2" doctor --json >badly.json
"""


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = new_folder()
        done = subprocess.run([os.environ["GUEST_RUN"], "--timeout", "400", "--rw", cls.folder, "--", "bash", "-c", JOB, "job",
                               cls.folder, os.environ["VISAGECTL"], mock_daemon.__file__],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=500)
        if done.returncode == 77:
            raise unittest.SkipTest(done.stderr.decode().strip())
        cls.out = (done.stdout + done.stderr).decode(errors="replace")

    def expect(self, case, expected):
        path = f"{self.folder}/{case}.json"
        self.assertTrue(os.path.exists(path) and os.path.getsize(path), self.out)
        with open(path) as file:
            findings = {finding["check"]: finding for finding in json.load(file)}
        for check, (severity, words) in expected.items():
            self.assertEqual(findings[check]["severity"], severity, findings[check])
            self.assertIn(words, findings[check]["seen"])
        return findings

    def test_right(self):
        self.expect("right", {"v4l2loopback": ("ok", "loaded"), "exclusive_caps": ("ok", "1"), "max_buffers": ("ok", "4"),
                              "virtual camera": ("ok", '/dev/video10, "visaged camera"'), "producer": ("ok", "no program writes to it"),
                              "camera": ("ok", '/dev/video0, "vivid"'), "camera users": ("ok", "nobody"),
                              "GPU": ("problem", "")})

    def test_another_producer(self):
        self.expect("other", {"producer": ("problem", "one of ffmpeg ("),
                              "colours": ("ok", "YU12 160x120, BT.601, limited range"),
                              "daemon": ("ok", "streaming")})

    def test_not_loaded(self):
        findings = self.expect("unloaded", {"v4l2loopback": ("problem", "not loaded"),
                                            "virtual camera": ("problem", "there is no"), "camera": ("ok", "vivid")})
        self.assertIn("modprobe v4l2loopback exclusive_caps=1", findings["v4l2loopback"]["fix"])

    def test_loaded_without_options(self):
        findings = self.expect("badly", {"v4l2loopback": ("ok", "loaded"), "exclusive_caps": ("problem", "0: "),
                                         "max_buffers": ("warning", "2: "),
                                         "virtual camera": ("problem", "there is no /dev/video10")})
        self.assertIn("/dev/video3", findings["virtual camera"]["fix"])


if __name__ == "__main__":
    unittest.main()

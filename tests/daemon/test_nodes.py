"""visaged between real drivers, in the guest: what ffmpeg plays into one v4l2loopback node comes out composed on another, and
vivid's test picture does.

Environment besides support.py's: GUEST_RUN (tests/guest/run).
"""
import os
import shutil
import subprocess
import unittest

import numpy as np
from PIL import Image

import support
from support import new_folder, picture

SIZE = (160, 120)
BYTES = SIZE[0] * SIZE[1] * 3 // 2

# In the guest: $1 the folder that is shared with us, $2 visaged, $3 its model.  /tmp is the guest's own.
JOB = r"""
cd "$1" || exit
export XDG_CACHE_HOME=/tmp/cache LC_ALL=C.UTF-8
watch() { # watch NAME: writes what a reader of the virtual camera sees
        ffmpeg -v error -f v4l2 -i /dev/video11 -f rawvideo -y "$1.yuv" 2>"$1.ffmpeg" &
        reader=$!
}
stream() { # stream NAME OPTION...
        name=$1; shift
        "$visaged" --config=/dev/null --model="$model" --virtual-camera=/dev/video11 --size=160x120 --rate=10 \
                --report="$name.json" --sheet="$name.png" "$@" 2>"$name.log" &
        daemon=$!
        sleep 2
        watch "$name"
        wait $daemon
        echo "$name $?" >>status
        kill -KILL $reader
        wait $reader
}
visaged=$2 model=$3
ffmpeg -v error -re -loop 1 -framerate 10 -i still.png -vf format=yuv420p -f v4l2 /dev/video10 &
player=$!
sleep 2
stream face --camera=/dev/video10 --mode=exact --frames=20
kill -KILL $player
stream vivid --camera=/dev/video0 --mode=smooth --effect=none --frames=20
"""


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = new_folder()
        shutil.copy(picture("still.png", *SIZE), f"{cls.folder}/still.png")
        done = subprocess.run([os.environ["GUEST_RUN"], "--timeout", "400", "--rw", cls.folder, "--", "bash", "-c", JOB, "job",
                               cls.folder, os.environ["VISAGED"], support.model()],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=500)
        if done.returncode == 77:
            raise unittest.SkipTest(done.stderr.decode().strip())
        cls.out = (done.stdout + done.stderr).decode(errors="replace")

    def seen(self, name):
        """(placeholder, the other frames that the reader saw)"""
        texts = {}
        for suffix in ("log", "ffmpeg"):
            path = f"{self.folder}/{name}.{suffix}"
            texts[suffix] = open(path, errors="replace").read() if os.path.exists(path) else "missing"
        self.said = "\n".join([self.out, *texts.values()])
        self.assertTrue(os.path.exists(f"{self.folder}/status"), self.said)
        with open(f"{self.folder}/status") as file:
            self.assertIn(f"{name} 0\n", file.read(), self.said)
        data = np.fromfile(f"{self.folder}/{name}.yuv", np.uint8)
        frames = data[:len(data) // BYTES * BYTES].reshape(-1, BYTES)
        self.assertGreater(len(frames), 0, self.said)
        return frames[0], [frame for frame in frames if not np.array_equal(frame, frames[0])]

    def luma(self, frame):
        return frame[:SIZE[0] * SIZE[1]].reshape(SIZE[::-1]).astype(float)

    def test_a_face_from_node_to_node(self):
        placeholder, frames = self.seen("face")
        self.assertLess(abs(self.luma(placeholder)[0, 0] - self.luma(placeholder)[0, -1]), 3, "first comes the placeholder")
        self.assertGreater(len(frames), 3, self.said)
        with Image.open(f"{self.folder}/face.png") as sheet:
            sheet = np.array(sheet.convert("RGB"))
        source, wanted = sheet[:, :SIZE[0]], support.to_yuv(sheet[:, 2 * SIZE[0] + 16:])[..., 0]
        with Image.open(f"{self.folder}/still.png") as still:
            self.assertLess(np.abs(source.astype(float) - np.array(still.convert("RGB"))).mean(), 4)
        for frame in frames:
            self.assertLess(np.abs(self.luma(frame) - wanted).mean(), 1.5)

    def test_vivid(self):
        _, frames = self.seen("vivid")
        self.assertGreater(len(frames), 3, self.said)
        self.assertGreater(np.ptp(self.luma(frames[-1])), 150, "colour bars")


if __name__ == "__main__":
    unittest.main()

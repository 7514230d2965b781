"""daemon/demo in this build folder, without a terminal and from another folder.

Environment besides support.py's: VISAGED_BUILD (the build folder).
"""
import glob
import os
import re
import subprocess
import unittest

from PIL import Image

import support


class Demo(unittest.TestCase):
    def test_demo(self):
        if not os.path.exists(f"{support.ROOT}/model/default.safetensors"):
            self.skipTest("there is no model/default.safetensors")
        if glob.glob("/sys/devices/virtual/video4linux/video*/max_openers"):
            self.skipTest("there is a v4l2loopback node, which the demo would feed")
        build = os.environ["VISAGED_BUILD"]
        env = support.environment()
        env["TMPDIR"] = scratch = support.new_folder()
        done = subprocess.run([f"{support.ROOT}/daemon/demo"], cwd="/", env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=800)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(os.listdir(scratch), [], "it cleans up")
        for line in (r"configuring +\d+\.\d s", r"compiling +\d+\.\d s", r"parsing 60 frames +\d+\.\d s", r"device +llvmpipe",
                     r"frames +\d+ captured, \d+ dropped, \d+ parsed, 60 shown", r"rates +\d+\.\d frames/s", r"latency +\d",
                     r"classes seen +\w.* \d+\.\d\d %", re.escape(f"{build}/demo.png")):
            self.assertRegex(done.stdout, line)
        self.assertNotIn("\033", done.stdout)
        with Image.open(f"{build}/demo.png") as image:
            self.assertEqual(image.size, (3 * 640 + 16, 480))


if __name__ == "__main__":
    unittest.main()

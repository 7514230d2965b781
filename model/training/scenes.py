#!/usr/bin/python3
"""Make a folder of pictures without faces, for train.py --scenes: photographs and art of Debian's desktop packages.

    scenes.py DIR

Downloads the packages with apt-get, installs nothing, and keeps the pictures at 900 pixels.
"""
import argparse
import glob
import os
import subprocess
import sys
import tempfile

from PIL import Image

SIDE = 900
# Package -> pictures, relative to its root. Checked by eye: none shows a face.
PICTURES = {
    "ukui-wallpapers": ["usr/share/backgrounds/*.[jp][pn]g"],
    "lomiri-wallpapers-16.04": ["usr/share/backgrounds/*.[jp][pn]g"],
    "lomiri-wallpapers-20.04": ["usr/share/backgrounds/*.[jp][pn]g"],
    "mate-backgrounds": ["usr/share/backgrounds/mate/nature/*.jpg", "usr/share/backgrounds/mate/abstract/*.[jp][pn]g"],
    "python3-skimage": [f"usr/lib/python3/dist-packages/skimage/data/{name}" for name in (
        "coffee.png", "clock_motion.png", "color.png", "gravel.png", "brick.png", "logo.png", "motorcycle_left.png", "text.png",
        "hubble_deep_field.jpg", "page.png", "grass.png", "rocket.jpg", "chelsea.png", "coins.png")],
}


def main():
    parser = argparse.ArgumentParser(description="Make a folder of pictures without faces.")
    parser.add_argument("out", metavar="DIR")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["apt-get", "download", *PICTURES], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            for package in glob.glob(os.path.join(folder, "*.deb")):
                subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"scenes.py: {error}; the packages come from Debian by apt-get")
        patterns = {pattern for some in PICTURES.values() for pattern in some}
        paths = sorted(path for pattern in patterns for path in glob.glob(os.path.join(folder, pattern)))
        for path in paths:
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((SIDE, SIDE))
            picture.save(os.path.join(args.out, os.path.splitext(os.path.basename(path))[0] + ".jpg"), quality=92)
    print(f"{args.out}: {len(paths)} pictures")


if __name__ == "__main__":
    main()

"""What the black-box tests of visaged and visagectl share.

Environment: VISAGED, VISAGECTL (the programs).
"""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import drivers  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PORTRAIT = f"{ROOT}/daemon/portrait.jpg"
TIMEOUT = 300

_folder = None


def folder():
    """A folder for this run, gone at its end."""
    global _folder
    if not _folder:
        _folder = tempfile.mkdtemp(prefix="visaged-test-")
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    return _folder


def new_folder():
    return tempfile.mkdtemp(dir=folder())


def environment(driver=drivers.LAVAPIPE):
    """Software Vulkan, none of this machine's configuration, and a cache of pipelines where the caller has it."""
    env = drivers.environment(driver)
    for name in ("CACHE_DIRECTORY", "NOTIFY_SOCKET", "JOURNAL_STREAM"):
        env.pop(name, None)
    env.setdefault("XDG_CACHE_HOME", folder())
    return env


def run(program, *arguments, cwd=None, env=None, timeout=TIMEOUT):
    """Runs VISAGED or VISAGECTL."""
    done = subprocess.run([os.environ[program], *arguments], cwd=cwd or folder(), env=env or environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    for sign in (b"Sanitizer", b"runtime error:", b"Assertion", b"validation:"):
        if sign in done.stderr:
            raise AssertionError(done.stderr.decode(errors="replace"))
    if done.returncode < 0:
        raise AssertionError(f"killed by signal {-done.returncode}: {done.stderr.decode(errors='replace')}")
    return done


def full(program, *arguments, env=None):
    """(status, stderr) of a program whose standard output is a full disk."""
    with open("/dev/full", "wb") as disk:
        done = subprocess.run([os.environ[program], *arguments], cwd=folder(), env=env or environment(), stdin=subprocess.DEVNULL,
                              stdout=disk, stderr=subprocess.PIPE, timeout=TIMEOUT)
    return done.returncode, done.stderr.decode()


def visagectl(*arguments, **keywords):
    return run("VISAGECTL", *arguments, **keywords)


def visaged(*arguments, **keywords):
    return run("VISAGED", "--config=/dev/null", *arguments, **keywords)


def effects():
    """The effects' rows, in their order."""
    return json.loads(visagectl("effect", "--json").stdout)


def effects_allowed():
    """How programs name them to those who want another."""
    *names, last = (effect["name"] for effect in effects())
    return f"must be {', '.join(names)} or {last}"


_models = {}


def model(classes=11, *words):
    """A small network with random weights: its labels are meaningless, but varied and always the same."""
    if (classes, words) not in _models:
        path = os.path.join(folder(), f"model{classes}{''.join(words)}.safetensors")
        subprocess.run(["/usr/bin/python3", f"{ROOT}/model/training/convert.py", "--random", "edge", "--seed", "3", "--classes",
                        str(classes), "--input", "65x65", *words, path], check=True, stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=TIMEOUT)
        _models[classes, words] = path
    return _models[classes, words]


def free_model(classes=11):
    """The same with an input that adapts to the shape of the picture."""
    return model(classes, "--free-shape")


def palette():
    """The model's colours, classes x 3."""
    with open(model(), "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    classes = json.loads(header["__metadata__"]["classes"])
    return np.array([[int(c["color"][i:i + 2], 16) for i in (1, 3, 5)] for c in classes], np.uint8)


def picture(name, width, height):
    """The portrait, cut and scaled, as a file in this run's folder."""
    path = os.path.join(folder(), name)
    if not os.path.exists(path):
        with Image.open(PORTRAIT) as portrait:
            side = min(portrait.width / width, portrait.height / height)
            portrait.convert("RGB").resize((width, height), Image.BICUBIC,
                                           (0, 0, side * width, side * height)).save(path, quality=95)
    return path


def overlay(rgb, labels, colours):
    """What visaged's overlay does, as floats."""
    rgb, mixed = rgb.astype(float), colours[labels].astype(float)
    alpha = np.where(labels == 0, 0.0, 128 / 255)[..., None]
    return rgb * (1 - alpha) + mixed * alpha


# ---- YUV4MPEG2 ----

def to_yuv(rgb):
    """BT.601, limited range, full chroma resolution."""
    rgb = rgb.astype(float)
    y = rgb @ (0.299, 0.587, 0.114)
    cb, cr = (rgb[..., 2] - y) / 1.772, (rgb[..., 0] - y) / 1.402
    return np.stack([16 + y * 219 / 255, 128 + cb * 224 / 255, 128 + cr * 224 / 255], -1)


def to_rgb(yuv):
    y, cb, cr = ((yuv[..., 0] - 16) * 255 / 219, (yuv[..., 1] - 128) * 255 / 224, (yuv[..., 2] - 128) * 255 / 224)
    return np.stack([y + 1.402 * cr, y - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587, y + 1.772 * cb], -1)


def _half(plane):
    return (plane[0::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 0::2] + plane[1::2, 1::2]) / 4


def write_y4m(path, frames, rate=30):
    """`frames`: RGB arrays of one even size."""
    height, width = frames[0].shape[:2]
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
        for rgb in frames:
            yuv = to_yuv(rgb)
            file.write(b"FRAME\n")
            for plane in (yuv[..., 0], _half(yuv[..., 1]), _half(yuv[..., 2])):
                file.write(np.clip(np.rint(plane), 0, 255).astype(np.uint8).tobytes())


def read_y4m(path):
    """(header, frames as float arrays height x width x 3 of Y'CbCr)."""
    with open(path, "rb") as file:
        header = file.readline().decode().split()
        assert header[0] == "YUV4MPEG2", header
        values = {word[0]: word[1:] for word in header[1:]}
        width, height = int(values["W"]), int(values["H"])
        frames = []
        while line := file.readline():
            assert line.startswith(b"FRAME"), line
            data = np.frombuffer(file.read(width * height * 3 // 2), np.uint8)
            assert data.size == width * height * 3 // 2, "half a frame"
            y = data[:width * height].reshape(height, width)
            chroma = data[width * height:].reshape(2, height // 2, width // 2)
            frames.append(np.stack([y, *np.repeat(np.repeat(chroma, 2, 1), 2, 2)], -1).astype(float))
    return values, frames

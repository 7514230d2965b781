"""Cases for gpu-op: how they are written down, run and compared."""
import dataclasses
import json
import os
import subprocess
import tempfile
import zlib

import numpy as np
import torch
import torch.nn.functional as F

import drivers

DRIVER = os.environ.get("VISAGED_DRIVER", drivers.LAVAPIPE)
BACKEND = os.environ.get("VISAGED_BACKEND", "subgroup")
VALIDATE = bool(os.environ.get("VISAGED_VALIDATE"))
COOPERATIVE = bool(os.environ.get("VISAGED_COOPERATIVE"))  # the driver is to have cooperative matrices
LONG = bool(os.environ.get("VISAGED_LONG"))

ROOM = 1024 ** 3  # bytes of a cases file; a group that needs more is run in several processes
TIMEOUT = 900  # seconds for one process


@dataclasses.dataclass
class Map:
    """A feature map of a case: its slice of a wider map, and the numbers in it (channels x height x width)."""
    channels: int
    height: int
    width: int
    data: np.ndarray = None
    get: bool = False
    half: bool = False
    first: int = 0
    beyond: int = 0  # channels of the wide map after this one
    offset: int = 0
    share: str = None  # lies in the buffer of that map

    def padded(self):
        return (self.channels + 3) // 4 * 4

    def describe(self):
        return {"channels": self.padded(), "real": self.channels, "height": self.height, "width": self.width,
                "half": self.half, "stride": self.first + self.padded() + self.beyond, "first": self.first,
                "offset": self.offset, "set": self.data is not None, "get": self.get, "share": self.share}

    def array(self):
        return np.ascontiguousarray(self.data, np.float16 if self.half else np.float32)


def rounded(array, half):
    """These numbers as an operator sees them, in 64-bit floats."""
    return array.astype(np.float16 if half else np.float32).astype(np.float64)


@dataclasses.dataclass
class Case:
    op: str
    title: str
    check: object  # called with the outputs (arrays) and gpu-op's answer; raises AssertionError
    maps: dict = dataclasses.field(default_factory=dict)
    numbers: dict = dataclasses.field(default_factory=dict)
    arrays: list = dataclasses.field(default_factory=list)  # after those of the maps
    flop: float = 0
    repeat: int = 1
    sample: bool = True  # belongs to the short list for slow drivers
    refused: int = 0  # an errno, which is the right answer

    def write(self, file):
        arrays = [m.array() for m in self.maps.values() if m.data is not None]
        arrays += [np.ascontiguousarray(a) for a in self.arrays]
        record = {"op": self.op, "repeat": self.repeat, "maps": {n: m.describe() for n, m in self.maps.items()},
                  "data": [a.nbytes for a in arrays], **self.numbers}
        file.write(json.dumps(record).encode() + b"\n")
        for a in arrays:
            file.write(a.tobytes())

    def outputs(self, buffers):
        """The raw outputs as arrays: maps by their shape, all else as bytes."""
        maps = [m for m in self.maps.values() if m.get]
        result = []
        for i, raw in enumerate(buffers):
            if i < len(maps):
                m = maps[i]
                result.append(np.frombuffer(raw, np.float16 if m.half else np.float32)
                              .reshape(m.channels, m.height, m.width).astype(np.float64))
            else:
                result.append(np.frombuffer(raw, np.uint8))
        return result


class Unsupported(Exception):
    """The device cannot run the back-end."""


def answers(file):
    """The records that are complete."""
    while True:
        line = file.readline()
        if not line.endswith(b"\n"):
            return
        record = json.loads(line)
        buffers = [file.read(n) for n in record["data"]]
        if [len(b) for b in buffers] != record["data"]:
            return
        yield record, buffers


def run(program, cases, env, backend):
    """Runs cases, a new process for the rest whenever one dies.  Returns for each (answer, outputs) or a str: what went wrong."""
    results, validation = [], 0
    while len(results) < len(cases):
        with tempfile.TemporaryDirectory(prefix="gpu-op-") as folder:
            path = os.path.join(folder, "cases")
            with open(path, "wb") as file:
                for case in cases[len(results):]:
                    case.write(file)
                    if file.tell() > ROOM:
                        break
            try:
                process = subprocess.run([program, "--backend", backend, path, path + ".results"], env=env, timeout=TIMEOUT,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                code, messages = process.returncode, process.stderr.decode(errors="replace")
            except subprocess.TimeoutExpired as e:
                code, messages = None, (e.stderr or b"").decode(errors="replace")
            if code == 77:
                raise Unsupported(messages.strip())
            validation = 0
            if os.path.exists(path + ".results"):
                with open(path + ".results", "rb") as file:
                    for record, buffers in answers(file):
                        case = cases[len(results)]
                        record["new messages"] = record["validation"] - validation
                        record["messages"] = messages
                        validation = record["validation"]
                        results.append((record, case.outputs(buffers)))
            if code != 0:
                how = f"ran longer than {TIMEOUT} s" if code is None else \
                    f"ended by signal {-code}" if code < 0 else f"exit status {code}"
                if len(results) == len(cases):  # all answered; died while closing
                    results[-1] = f"gpu-op: {how} after its last case\n{messages}"
                else:
                    results.append(f"gpu-op: {how} in this case\n{messages}")
    return results


# ---- comparing ----

def near(got, want, relative, note="", each=0.0):
    """All of `got` within `relative` of the largest |want|, plus `each` of the number itself."""
    assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
    bad = ~np.isfinite(got)
    if bad.any():
        raise AssertionError(f"{bad.sum()} of {bad.size} are not finite, the first at {first(bad)} {note}")
    largest = max(np.abs(want).max(), 1e-30)
    distance = np.abs(got - want)
    bound = relative * largest + each * np.abs(want)
    bad = distance > bound
    if bad.any():
        at = first(bad)
        raise AssertionError(f"max |d| is {distance.max() / largest:.2e} of the largest |want| ({largest:.4g}), allowed {relative:g}"
                             f"{f' + {each:g} of each' if each else ''}; {bad.sum()} of {bad.size} are off, the first at {at}: "
                             f"{got[at]:.7g}, not {want[at]:.7g} {note}")


def first(bad):
    return tuple(int(i) for i in np.argwhere(bad)[0])


def bytes_near(got, want, most, mean=None, where=None):
    """Bytes within `most` of each other (where `where`)."""
    distance = np.abs(got.astype(np.float64) - want.astype(np.float64))
    if where is not None:
        distance = np.where(where, distance, 0)
    bad = distance > most
    if bad.any():
        at = first(bad)
        raise AssertionError(f"{bad.sum()} of {bad.size} bytes are more than {most} off (at most {distance.max():.2f}), the first at "
                             f"{at}: {got[at]}, not {want[at]:.2f}")
    if mean is not None and distance.mean() > mean:
        raise AssertionError(f"off by {distance.mean():.3f} in the mean, allowed {mean}")


# ---- random numbers and tolerances ----

# Of the largest number.  A direct sum of K products in 32 bits is off by about sqrt(K) 2^-24 of the terms' size, below 1e-6 of
# the largest result for every K here.  Winograd F(4x4,3x3) multiplies by up to 8 and cancels: 1e-4.  With sums of four products as
# halves, each is off by about 2^-11 of itself, and the whole by no more.  Stored as halves, results
# are off by 2^-11 of themselves, or 2^-10 where a driver's stores cut bits off; the sums in between have 32 bits.
DIRECT, WINOGRAD, PACKED = 1e-5, 1e-4, 1e-3
HALF_EACH = 1.02 * 2 ** -10


def rng(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def pixel_bytes(width, height, r):
    return r.integers(0, 256, (height, width, 4), np.uint8)


def to_torch(x):
    return torch.from_numpy(np.ascontiguousarray(x))[None]


def up(x, height, width):
    return F.interpolate(to_torch(x), (height, width), mode="bilinear", align_corners=True)[0].numpy()

#!/usr/bin/python3
"""Makes the seeds: small inputs with which the fuzzers start.  They are in the repository, in seeds/.

    tests/fuzz/seeds.py

Everything is computed here; pictures are gradients.  JPEGs are compressed by libturbojpeg, the rest is written by hand.
"""
import ctypes
import json
import os
import shutil
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))

# The smallest network that a model file may have.  network() lists its tensors as model/network.c does.
METADATA = {
    "format": "visaged-1", "name": "seed", "block": "basic", "blocks": [1, 1, 1, 1], "stem": [8, 8, 8], "planes": [8, 8, 8, 8],
    "head": 16, "decoder": [8, 8], "input": [33, 33], "channels": "RGB", "mean": [0.5, 0.5, 0.5], "std": [1, 1, 1],
    "classes": [{"name": "background", "color": "#000000"}, {"name": "face", "color": "#ff8001"}],
    "license": "CC0-1.0", "provenance": "a seed",
}
INVERTED = {key: value for key, value in METADATA.items() if key not in ("blocks", "planes")} | {
    "block": "inverted", "stem": [8], "layers": [[3, 1, 1, 1, 8, 1], [3, 2, 1, 2, 16, 2], [5, 2, 1, 3, 24, 2], [5, 1, 2, 2, 24, 2]],
    "decoder": [[16, 8, 5], [8, 8, 3]],
}
DUALGCN = "context.dualgcn."
ATTENTION = DUALGCN + "gcn_local_attention."


def convolution(name, out, inputs, *kernel):
    return {name + ".weight": [out, inputs, *kernel], name + ".bias": [out]}


def network(m):
    expansion = 4 if m["block"] == "bottleneck" else 1
    tensors, width = {}, 3
    for i, out in enumerate(m["stem"]):
        tensors |= convolution(f"conv{i + 1}", out, width, 3, 3)
        width = out
    for layer, planes in enumerate(m["planes"], 1):
        out = planes * expansion
        for block in range(m["blocks"][layer - 1]):
            name = f"layer{layer}.{block}."
            if width != out or (layer == 2 and block == 0):
                tensors |= convolution(name + "downsample.0", out, width, 1, 1)
            if expansion == 1:
                tensors |= convolution(name + "conv1", planes, width, 3, 3) | convolution(name + "conv2", planes, planes, 3, 3)
            else:
                tensors |= convolution(name + "conv1", planes, width, 1, 1) | convolution(name + "conv2", planes, planes, 3, 3)
                tensors |= convolution(name + "conv3", out, planes, 1, 1)
            width = out
    head, top, low = m["head"], *m["decoder"]
    tensors |= convolution("context.conva.0", head, width, 3, 3)
    for i in (0, 2, 4):
        tensors |= convolution(f"{DUALGCN}local.{i}", head, 1, 3, 3)
    for part in "qvk":
        tensors |= convolution(ATTENTION + "node_" + part, head // 2, head, 1, 1)
    tensors |= convolution(ATTENTION + "conv_wg", head // 2, head // 2, 1) | {ATTENTION + "gamma": [1]}
    tensors |= convolution(ATTENTION + "out.0", head, head // 2, 1, 1)
    tensors |= convolution(DUALGCN + "phi", head // 2, head, 1, 1) | convolution(DUALGCN + "theta", head // 4, head, 1, 1)
    tensors |= convolution(DUALGCN + "conv_adj", head // 4, head // 4, 1) | convolution(DUALGCN + "conv_wg", head // 2, head // 2, 1)
    tensors |= convolution(DUALGCN + "conv3", head, head // 2, 1, 1) | {DUALGCN + "gamma1": [1]}
    tensors |= convolution(DUALGCN + "final.0", head, 2 * head, 1, 1) | convolution("context.convb.0", head, head, 3, 3)
    tensors |= convolution("context.bottleneck.0", head, width + head, 3, 3)
    tensors |= convolution("layer6.conv1.0", top, head, 1, 1)
    tensors |= convolution("layer6.conv2.0", low, m["planes"][0] * expansion, 1, 1)
    tensors |= convolution("layer6.conv3.0", top, top + low, 1, 1) | convolution("layer6.conv3.2", top, top, 1, 1)
    return tensors | convolution("layer6.conv4", len(m["classes"]), top, 1, 1)


def header(metadata, tensors, dtype="F16"):
    """(JSON text, bytes of data)"""
    entries, at = {}, 0
    if metadata is not None:
        entries["__metadata__"] = {k: json.dumps(v, separators=(",", ":")) for k, v in metadata.items()}
    for name, shape in tensors.items():
        size = {"F16": 2, "F32": 4}[dtype]
        for n in shape:
            size *= n
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return json.dumps(entries, separators=(",", ":")).encode(), at


def container(text, data):
    return struct.pack("<Q", len(text)) + text + data


def pattern(size):
    """Finite halves and floats of all kinds, and mostly zeros, which pack well."""
    data = bytearray(size)
    for i in range(0, min(size, 256) - 3, 4):
        data[i:i + 4] = struct.pack("<f", (i - 100) / 7) if i % 8 else b"\x01\x00\xff\x7b"
    return bytes(data)


def models():
    bottleneck = METADATA | {"block": "bottleneck", "blocks": [2, 1, 1, 1]}
    pair = {"a": [2, 3], "b": [1, 2, 2, 1], "gamma": []}
    files = {"whole": header(METADATA, network(METADATA)),
             "pair-f32": header(None, pair, "F32"), "pair-f16": header({"name": "pair"}, pair, "F16"),
             "metadata": header(METADATA, {}), "empty": (b"{}", 0)}
    for name, (text, size) in files.items():
        yield "model", name + ".safetensors", container(text, pattern(size))
    text, size = files["pair-f32"]
    yield "model", "cut.safetensors", container(text, pattern(size)[:-5])
    yield "model", "not-finite.safetensors", container(*[files["pair-f16"][0], b"\x00\x7c" * (files["pair-f16"][1] // 2)])

    files |= {"bottleneck": header(bottleneck, network(bottleneck)), "whole-f32": header(METADATA, network(METADATA), "F32"),
              "deep": header(METADATA | {"blocks": [3, 4, 23, 3], "block": "bottleneck", "planes": [64, 128, 256, 512],
                                         "stem": [64, 64, 128], "head": 512, "decoder": [256, 48], "input": [473, 473]}, {}),
              "inverted": header(INVERTED, {})}
    for name, (text, _) in files.items():
        yield "header", name + ".json", text


def gradient(width, height):
    return bytes(v for y in range(height) for x in range(width)
                 for v in (x * 255 // width, y * 255 // height, (x * 5 ^ y * 3) & 255))


class TurboJPEG:
    SAMPLINGS = {"444": 0, "422": 1, "420": 2, "grey": 3, "440": 4, "411": 5}
    RGB, PROGRESSIVE = 0, 16384

    def __init__(self):
        self.library = ctypes.CDLL("libturbojpeg.so.0")
        self.library.tjInitCompress.restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.library.tjInitCompress())

    def compress(self, width, height, sampling, quality=60, flags=0, restart=None):
        os.environ.pop("TJ_RESTART", None)
        if restart:
            os.environ["TJ_RESTART"] = restart
        out, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong()
        bad = self.library.tjCompress2(self.handle, gradient(width, height), width, 0, height, self.RGB, ctypes.byref(out),
                                       ctypes.byref(size), self.SAMPLINGS[sampling], quality, flags)
        assert not bad
        return ctypes.string_at(out, size.value)


def segments(jpeg):
    """[marker segment]... up to the first scan, and the rest"""
    found, at = [jpeg[:2]], 2
    while jpeg[at + 1] != 0xda:
        end = at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        found.append(jpeg[at:end])
        at = end
    return found, jpeg[at:]


def jpegs():
    turbo = TurboJPEG()
    for width, height in (48, 32), (36, 15):
        for sampling in turbo.SAMPLINGS:
            yield f"{sampling}-{width}x{height}.jpg", turbo.compress(width, height, sampling)
    yield "progressive.jpg", turbo.compress(48, 32, "420", flags=turbo.PROGRESSIVE)
    yield "progressive-odd.jpg", turbo.compress(36, 15, "422", flags=turbo.PROGRESSIVE)
    yield "restart.jpg", turbo.compress(48, 32, "422", restart="1")
    yield "other-size.jpg", turbo.compress(40, 24, "422")
    # as cameras send them: no Huffman tables, an APP0 of AVI, stray bytes before the end, zeros after it
    whole = turbo.compress(48, 32, "422")
    head, scan = segments(whole)
    bare = [s for s in head if s[1] not in (0xc4, 0xe0)]
    avi = b"\xff\xe0\x00\x10AVI1" + bytes(10)
    yield "no-tables.jpg", b"".join(bare) + scan
    yield "avi.jpg", bare[0] + avi + b"".join(head[1:]) + scan
    yield "stray.jpg", whole[:-2] + b"\x12\x34\x56\xff\xd9"
    yield "padded.jpg", whole + bytes(64)
    yield "cut.jpg", whole[:-40]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, samples, interlace=0, before=()):
    """`samples`: bits a pixel; every row, or every row of every pass, is a filter byte and then zeros and ones."""
    passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)] if interlace \
        else [(0, 1, 0, 1)]
    rows = b""
    for x0, dx, y0, dy in passes:
        w, h = (width - x0 + dx - 1) // dx, (height - y0 + dy - 1) // dy
        if w > 0:
            for y in range(h):
                rows += bytes([y % 5]) + bytes((i * 3 + y) & 1 for i in range((w * samples + 7) // 8))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)) + \
        b"".join(before) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pictures():
    palette = chunk(b"PLTE", bytes(range(48)))
    yield "grey8.png", png(7, 5, 8, 0, 8)
    yield "grey1.png", png(9, 3, 1, 0, 1, before=[chunk(b"tRNS", b"\0\1")])
    yield "grey16.png", png(3, 3, 16, 0, 16)
    yield "rgb8.png", png(5, 4, 8, 2, 24, before=[chunk(b"gAMA", struct.pack(">I", 45455))])
    yield "rgb16.png", png(3, 2, 16, 2, 48)
    yield "palette4.png", png(7, 5, 4, 3, 4, before=[palette, chunk(b"tRNS", b"\x80\x00\xff")])
    yield "palette8.png", png(4, 4, 8, 3, 8, before=[palette])
    yield "grey-alpha.png", png(4, 4, 8, 4, 16)
    yield "rgba8-interlaced.png", png(9, 9, 8, 6, 32, interlace=1)
    yield "palette1-interlaced.png", png(9, 9, 1, 3, 1, interlace=1, before=[palette])
    yield "wide.png", png(20000, 1, 1, 0, 1)
    turbo = TurboJPEG()
    yield "420.jpg", turbo.compress(21, 13, "420")
    yield "grey.jpg", turbo.compress(8, 8, "grey")
    yield "progressive.jpg", turbo.compress(21, 13, "444", flags=turbo.PROGRESSIVE)


CONFIGS = {
    "all": "# every key\n[visaged]\ncamera = image:face.png?move\nvirtual-camera = /dev/video10\nsize = 1280x720\n"
           "rate = 30000/1001\nmodel = /usr/share/visaged/default.safetensors\ngpu = llvmpipe\nprecision = fp16\n"
           "effect = blur\nmode = exact\n",
    "empty-values": "[visaged]\ncamera =\nmodel=\ngpu:\n; a comment\n",
    "mistakes": "size = 1x1\n[other]\nx = y\n[visaged]\nsize = 641x480\nrate = 0\nrate = 999\neffect = none\neffect = labels\n"
                "colour = red\nno value\n[unclosed\n",
    "continued": "[visaged]\r\ncamera = a\r\n  b\r\ngpu = x ; comment\r\n",
    "many": "[visaged]\n" + "unknown = 1\n" * 25,
    "long": "[visaged]\ngpu = " + "x" * 300 + "\nmode = exact\n",
    "nul": "\ufeff[visaged]\nmode = smooth\0\nmode = exact",
}

Y4MS = {
    "420": b"YUV4MPEG2 W4 H2 F30:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n" + (b"FRAME\n" + bytes(range(12))) * 3,
    "422": b"YUV4MPEG2 W2 H3 F30000:1001 C422\n" + (b"FRAME Ip\n" + bytes(12)) * 2,
    "mono": b"YUV4MPEG2 H3 W5 Cmono F0:0 It\nFRAME\n" + bytes(15),
    "cut": b"YUV4MPEG2 W4 H2 F1:1\n" + (b"FRAME\n" + bytes(12)) * 2 + b"FRAME\n" + bytes(5),
    "damaged": b"YUV4MPEG2 W4 H2 F1000:1\n" + (b"FRAME\n" + bytes(12)) * 2 + b"FROME\n" + bytes(12),
    "large": b"YUV4MPEG2 W16384 H16384 F25:1\nFRAME\n",
    "interlaced": b"YUV4MPEG2 W4 H2 Im A0:0 C444\nFRAME\n" + bytes(24),
}


def seeds():
    yield from models()
    for name, data in jpegs():
        yield "jpeg", name, data
    for name, data in pictures():
        yield "picture", name, data
    for name, text in CONFIGS.items():
        yield "config", name + ".conf", text.encode()
    for name, data in Y4MS.items():
        yield "y4m", name + ".y4m", data


def main():
    shutil.rmtree(os.path.join(HERE, "seeds"), ignore_errors=True)
    for target, name, data in seeds():
        folder = os.path.join(HERE, "seeds", target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()

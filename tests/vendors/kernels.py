"""The pipelines that are compiled: kernels that read storage buffers, as GPUs run them, and their constants."""
import glob
import os

# Kernel -> names of its variants, each with specialization constants by id: the formats of operands, and the kernel's
# own constants from FIRST_CONSTANT on (glsl/params.h, glsl/network-params.h).
CONVOLUTIONS = {"3x3": {8: 9, 9: 0, 10: 2, 11: 1}, "1x1": {8: 1, 9: 1, 10: 2, 11: 1},
                "1x1 and residual": {8: 1, 9: 1, 10: 2, 11: 1, 12: 1}, "3x3 fp16": {0: 1, 1: 1, 3: 1, 4: 1, 8: 9, 9: 0, 10: 2, 11: 1}}


def layout(*components):
    """The constants of a frame's layout (glsl/picture-params.h). A component: its step, first byte and plane, how many pixels share
    a sample each way (log2), whether its plane begins with it."""
    bits = (0, 3, 5, 7, 9, 11)
    return {8 + i: sum(value << bit for value, bit in zip(component, bits)) for i, component in enumerate(components)}


YUYV = layout((2, 0, 0, 0, 0, 1), (4, 1, 0, 1, 0, 0), (4, 3, 0, 1, 0, 0))
NV12 = layout((1, 0, 0, 0, 0, 1), (2, 0, 1, 1, 1, 1), (2, 1, 1, 1, 1, 0))
HALVES = {0: 1, 1: 1, 3: 1, 4: 1, 11: 1}
PACKED = COOPERATIVE = {"3x3": HALVES | {8: 9, 9: 0}, "1x1 and residual": HALVES | {8: 1, 9: 1, 12: 1}}
VARIANTS = {
    "conv_tiled": CONVOLUTIONS,
    "conv_packed": PACKED,
    "conv_packed_small": PACKED,
    "conv_cooperative": COOPERATIVE,
    "conv_cooperative_nv": COOPERATIVE,
    "conv_tiled_small": CONVOLUTIONS,
    "depthwise": {"3x3": {8: 3, 9: 1, 10: 2}, "5x5": {8: 5, 9: 1, 10: 2}, "5x5, stride 2": {8: 5, 9: 2, 10: 2},
                  "3x3, dilated": {8: 3, 9: 1}},
    "unpack": {"YUYV": YUYV, "NV12": NV12, "YUYV, any size": YUYV | {11: 1}, "NV12, scaled": NV12 | {11: 2}},
    "pack": {"YUYV": YUYV, "NV12": NV12},
    "pack_bytes": {"YUYV": YUYV, "NV12": NV12},
    "guide_apply": {"any size": {}, "whole": {8: 1}},
    "blur_spread": {"across": {}, "down": {8: 1}},
}


# What a kernel needs that not every GPU has: 16-bit arithmetic, or an extension by which it multiplies matrices. Debian 12's shader
# compiler does not know that of conv_cooperative.
EXTENSIONS = {"conv_packed": "f16", "conv_packed_small": "f16", "conv_cooperative": "khr", "conv_cooperative_nv": "nv"}


def pipelines(folder):
    """{(kernel, variant): line of compile-stats.c} of every kernel that was built into this folder."""
    result = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.buffers.spv"))):
        kernel = os.path.basename(path).removesuffix(".buffers.spv")
        for variant, constants in VARIANTS.get(kernel, {"": {}}).items():
            words = [path, "buffers", *(f"{key}={value}" for key, value in constants.items()), EXTENSIONS.get(kernel, "")]
            result[kernel, variant] = " ".join(words)
    return result

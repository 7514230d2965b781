#!/usr/bin/python3
"""Make a model file (format "visaged-1") from an official DML-CSR checkpoint, or from random weights for tests.

    convert.py CHECKPOINT OUT.safetensors --classes N [--dtype fp32|fp16] [--input HxW|N] [--free-shape]
    convert.py --random VARIANT --seed N --classes N OUT.safetensors [--dtype fp32|fp16] [--input HxW|N] [--free-shape]

The file has one weight and one bias per convolution: every batch norm is folded in the convolution before it. Names and
shapes are the checkpoint's: a 2-d convolution is out x in x height x width (depthwise: C x 1 x 3 x 3), one along a graph
out x in x 1, gamma and gamma1 have one value. Biases and gammas are always float32.
"""
import argparse
import json
import os
import re
import sys

import numpy as np
import torch

import arches
import noise
import safetensors
from checkpoint import Refused, load, strip
from reference import EPS, NORMS, Abn, Arch, DmlCsr, Layer, Level, resnet

BLOCKS_MAX = 64
FREE_MIN = 64 * 64  # pixels of an input whose shape is free
WIDTH_MAX = 4096


def infer(state):
    """Infer the Arch from a checkpoint's names and shapes; check() verifies it."""
    def width(name):
        if name not in state:
            raise Refused(f"{name} is missing")
        if state[name].ndim != 4:
            raise Refused(f"{name} has {state[name].ndim} dimensions, not 4")
        if not 1 <= state[name].shape[0] <= WIDTH_MAX:
            raise Refused(f"{name} has {state[name].shape[0]} outputs, not 1 to {WIDTH_MAX}")
        return state[name].shape[0]

    def blocks(layer):
        found = [int(m[1]) for m in (re.match(rf"layer{layer}\.(\d+)\.", name) for name in state) if m]
        if not found or max(found) >= BLOCKS_MAX:
            raise Refused(f"layer{layer} has {max(found) + 1 if found else 'no'} blocks")
        return max(found) + 1

    if "decoder.conv4.weight" in state:
        return inverted(width, blocks, state)
    kind = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    return resnet(kind, [blocks(i) for i in range(1, 5)], [width(f"conv{i}.weight") for i in range(1, 4)],
                  [width(f"layer{i}.0.conv1.weight") for i in range(1, 5)], width("context.conva.0.weight"),
                  (width("layer6.conv1.0.weight"), width("layer6.conv2.0.weight")), width("layer6.conv4.weight"))


def inverted(width, blocks, state):
    """The same for an encoder of inverted residuals. Shapes do not determine strides, which are taken from the named arch with
    the same layers."""
    def shape(name):
        width(name)
        return state[name].shape

    count = max((int(m[1]) for m in (re.match(r"layer(\d+)\.", name) for name in state) if m), default=0)
    inputs, layers = width("conv1.weight"), []
    for i in range(1, count + 1):
        wide, _, kernel, _ = shape(f"layer{i}.0.conv2.weight")
        layers.append(Layer(blocks(i), width(f"layer{i}.0.conv3.weight"), kernel=kernel, expansion=wide // inputs))
        inputs = layers[-1].channels
    known = next((arch.layers for arch in arches.named(1).values()
                  if arch.inverted and [layer._replace(stride=1, dilation=1) for layer in arch.layers] == layers), None)
    if not known:
        raise Refused("its encoder is none that arches.py names")
    levels = max((int(m[1]) + 1 for m in (re.match(r"decoder\.levels\.(\d+)\.", name) for name in state) if m), default=0)
    if not 1 <= levels <= sum(layer.stride == 2 for layer in known):
        raise Refused(f"decoder.levels are {levels}, more than the sizes of its encoder's maps, or none")
    decoder = tuple(Level(width(f"decoder.levels.{i}.conv3.weight"), width(f"decoder.levels.{i}.conv1.weight"),
                          shape(f"decoder.levels.{i}.conv2.weight")[2]) for i in range(levels))
    return Arch("inverted", (width("conv1.weight"),), known, width("context.conva.0.weight"), decoder,
                width("decoder.conv4.weight"))


def check(state, arch, classes):
    """Refuse a checkpoint that does not exactly match the arch and number of classes, or that the program cannot run."""
    if arch.classes != classes:
        raise Refused(f"the last convolution has {arch.classes} classes, not {classes}")
    decoder = [width for level in arch.decoder for width in level[:2]] if arch.inverted else arch.decoder
    widths = (*arch.stem, *(layer.channels for layer in arch.layers), *decoder)
    if any(w % 8 for w in widths) or arch.head % 16:
        raise Refused(f"widths {widths} must be multiples of 8 and the head's {arch.head} of 16")
    want = strip(DmlCsr(arch).state_dict())
    for name in want:
        if name not in state:
            raise Refused(f"{name} is missing")
        if state[name].shape != want[name].shape:
            raise Refused(f"{name} has shape {list(state[name].shape)}, not {list(want[name].shape)}")
    for name in state:
        if name not in want:
            raise Refused(f"{name} is not a tensor of this network")
        if not state[name].is_floating_point() or not state[name].isfinite().all():
            raise Refused(f"{name} holds values that are not finite numbers")


def convolution_before(norm):
    """The name of the convolution before a norm: bn_phi follows phi, bn_wg conv_wg, bn2 conv2, final.1 final.0."""
    path, _, last = norm.rpartition(".")
    if last.isdigit():
        before = str(int(last) - 1)
    elif last in ("bn_wg", "bn_adj"):
        before = last.replace("bn", "conv")
    else:
        before = last.replace("bn_", "").replace("bn", "conv")
    return f"{path}.{before}" if path else before


def fold(model):
    """The tensors of the folded network, in its order, from a network with norms (InPlaceABN: the scale is |w| + eps)."""
    state = {name: tensor.double() for name, tensor in model.state_dict().items()}
    for name, module in model.named_modules():
        if not isinstance(module, NORMS):
            continue
        conv = convolution_before(name)
        weight = state[f"{name}.weight"]
        scale = weight.abs() + EPS if isinstance(module, Abn) else weight
        scale = scale / (state[f"{name}.running_var"] + (EPS if isinstance(module, Abn) else module.eps)).sqrt()
        bias = state.get(f"{conv}.bias", 0) - state[f"{name}.running_mean"]
        state[f"{conv}.weight"] = state[f"{conv}.weight"] * scale.reshape(-1, *[1] * (state[f"{conv}.weight"].ndim - 1))
        state[f"{conv}.bias"] = state[f"{name}.bias"] + bias * scale
    return {name: state[name].float() for name in DmlCsr(model.arch, folded=True).state_dict()}


def converted(path, classes):
    """Return (Arch, folded tensors, the checkpoint's description of itself), or refuse it."""
    state, description = load(path)
    try:
        arch = infer(state)
        check(state, arch, classes)
    except Refused as error:
        raise Refused(f"{path}: {error}") from error
    model = DmlCsr(arch)
    model.load_state_dict(state, strict=False)  # check() was strict; only the counters are missing
    variant = next((name for name, known in arches.named(classes).items() if known == arch), "dml-csr")
    source = "".join(c if c.isprintable() else "?" for c in os.path.basename(path))
    return arch, fold(model), {"name": variant, "channels": "BGR", "license": "that of the checkpoint",
                               "provenance": f"converted from {source}", **description}


def stored(tensors, dtype):
    """The arrays of a file; refuses values that do not fit in dtype."""
    arrays = {}
    for name, tensor in tensors.items():
        array = tensor.numpy()
        if dtype == "fp16" and name.endswith(".weight"):
            with np.errstate(over="ignore"):
                array = array.astype(np.float16)
        if not np.isfinite(array).all():
            raise Refused(f"{name} has values beyond {dtype} once its norm is folded in")
        arrays[name] = array
    return arrays


def metadata(arch, size, free, description):
    """Every value is a string of JSON text. free: whether the input may take the shape of a picture."""
    mean, std = arches.normalisation(arch)
    if arch.inverted:
        encoder = {"layers": [(layer.kernel, layer.stride, layer.dilation, layer.expansion, layer.channels, layer.blocks)
                              for layer in arch.layers]}
    else:
        encoder = {"blocks": [layer.blocks for layer in arch.layers], "planes": [layer.channels for layer in arch.layers]}
    values = {"format": "visaged-1", "name": description["name"], "block": arch.block, **encoder, "stem": arch.stem,
              "head": arch.head, "decoder": arch.decoder, "input": size, "shape": "free" if free else "fixed", "channels": description["channels"], "mean": mean,
              "std": std, "classes": arches.labels(arch.classes), "license": description["license"],
              "provenance": description["provenance"]}
    return {key: json.dumps(value) for key, value in values.items()}


def size(text):
    """"473" or "480x640" (height x width) -> (height, width)."""
    match = re.fullmatch(r"(\d{1,4})(?:x(\d{1,4}))?", text)
    values = match and (int(match[1]), int(match[2] or match[1]))
    if not values or not all(33 <= v <= 2048 for v in values):
        raise argparse.ArgumentTypeError(f"{text!r} is not N or HxW from 33 to 2048")
    return values


def count(text):
    """A number of classes."""
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", nargs="?", help="official .pth file")
    parser.add_argument("out", help="model file to write")
    parser.add_argument("--random", choices=arches.named(1), help="random weights instead of a checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--classes", type=count, required=True)
    parser.add_argument("--dtype", choices=("fp32", "fp16"), default="fp32", help="of the weights")
    parser.add_argument("--input", type=size, help="HxW or N; by default 473, or 256 for the small networks")
    parser.add_argument("--free-shape", action="store_true",
                        help="the input takes the shape of the picture, with the same area; for networks that were trained on whole pictures")
    args = parser.parse_args()
    if bool(args.random) == bool(args.checkpoint):
        parser.error("give either a checkpoint or --random")
    if args.seed < 0:
        parser.error("--seed must not be negative")
    return args


def convert(args):
    if args.random:
        arch = arches.named(args.classes)[args.random]
        description = {"name": args.random, "channels": "BGR", "license": "none needed: random weights",
                       "provenance": f"random weights of seed {args.seed}"}
    else:
        arch, tensors, description = converted(args.checkpoint, args.classes)
    shape = args.input or description.get("input") or (arches.INPUTS[arch.block],) * 2
    if args.free_shape and shape[0] * shape[1] < FREE_MIN:
        raise Refused(f"--free-shape needs an input of at least {FREE_MIN} pixels")
    if args.random:
        tensors = noise.weights(arch, shape, args.seed)
    arrays = stored(tensors, args.dtype)
    try:
        safetensors.write(args.out, arrays, metadata(arch, shape, args.free_shape, description))
    except OSError as error:
        raise Refused(f"{args.out}: {error.strerror}") from error


if __name__ == "__main__":
    try:
        convert(arguments())
    except Refused as refusal:
        sys.exit(f"convert.py: {refusal}")

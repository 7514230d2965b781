"""The network for training: with the edge branch, with norms whose statistics several processes share, and restored from a
model file."""
import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import distributed, nn
from torch.distributed.nn.functional import all_reduce

from convert import convolution_before
from losses import Outputs
from reference import EPS, NORMS, SLOPE, Abn, DmlCsr, Layers, up

EDGE_WIDTHS = {"bottleneck": 256, "basic": 64, "inverted": 32}


class EdgeBranch(nn.Module):
    """The decoupled edge tasks on three of the encoder's maps (paper section 3.1): they help to train it and are then dropped."""

    def __init__(self, layers, widths, width, classes):
        """widths: channels of the three, from shallow to deep."""
        super().__init__()
        for i in range(len(widths)):
            setattr(self, f"conv{i + 1}", nn.Sequential(*layers.conv_abn(widths[i], width)))
        self.conv4 = layers.conv(width, classes, 3, bias=True)
        self.conv5 = layers.conv(len(widths) * classes, classes, bias=True)
        self.conv5_b = layers.conv(len(widths) * classes, 2, bias=True)

    def forward(self, features):
        """Category logits and binary logits, at the shallowest map's size."""
        size = features[0].shape[2:]
        maps = [self.conv4(getattr(self, f"conv{i + 1}")(x)) for i, x in enumerate(features)]
        maps = torch.cat([maps[0], *(up(map_, size) for map_ in maps[1:])], dim=1)
        return self.conv5(maps), self.conv5_b(maps)


class Trainee(DmlCsr):
    """DML-CSR with its edge branch; the tensors have the official checkpoint's names."""

    def __init__(self, arch, decoupled=True, frozen=0):
        """decoupled: with the edge tasks; otherwise their outputs are None. frozen: the number of first layers that are frozen,
        together with the stem; 0: none."""
        super().__init__(arch)
        self.decoupled, self.frozen = decoupled, frozen
        self.edge_taps = tuple(reversed((len(arch.layers) - 1, *arch.taps))) if arch.inverted else (0, 1, 2)
        self.edge_layer = EdgeBranch(Layers(folded=False), [arch.widths[tap] for tap in self.edge_taps],
                                     EDGE_WIDTHS[arch.block], arch.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(not self.stays(name))

    def stays(self, name):
        """Whether a module or anything in it is frozen."""
        layer = re.match(r"layer(\d+)(\.|$)", name)
        return self.frozen > 0 and (int(layer[1]) <= self.frozen if layer else bool(re.match(r"(conv|bn)\d", name)))

    def train(self, mode=True):
        """Frozen norms keep their statistics, too."""
        super().train(mode)
        for name, module in self.named_modules():
            if self.stays(name):
                module.eval()
        return self

    def features(self, x):
        """As in the base class. Frozen layers need no gradients, so they run picture by picture, whose maps then stay in a CPU's
        cache."""
        if not self.frozen:
            return super().features(x)
        with torch.no_grad():
            pictures = [self.layers(self.stem(picture), 0, self.frozen) for picture in x.split(1)]
            kept = [torch.cat(maps).contiguous(memory_format=torch.channels_last) for maps in zip(*pictures)]
        return kept + self.layers(kept[-1], self.frozen, len(self.arch.layers))

    def forward(self, x):
        """The three tasks' logits, at a quarter of the input's size."""
        features = self.features(x)
        if not self.decoupled:
            return Outputs(self.parse(features), None, None)
        return Outputs(self.parse(features), *self.edge_layer([features[tap] for tap in self.edge_taps]))


# ---- norms over several processes ----

def shared_norm(x, norm, scale):
    """Batch norm over the batches of all processes; torch's own supports neither Abn nor CPUs."""
    axes, channels = [0, *range(2, x.ndim)], x.shape[1]
    values = x.float()
    count = values.new_full((1,), x.numel() / channels)
    sums = all_reduce(torch.cat([values.sum(axes), values.square().sum(axes), count]))
    mean = sums[:channels] / sums[-1]
    variance = (sums[channels:-1] / sums[-1] - mean.square()).clamp(min=0)
    with torch.no_grad():
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * sums[-1] / (sums[-1] - 1), norm.momentum)
    gain = scale * (variance + getattr(norm, "eps", EPS)).rsqrt()
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (values * gain.view(shape) + (norm.bias - mean * gain).view(shape)).to(x.dtype)


class SharedAbn(Abn):
    """Abn over the batches of all processes."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        return F.leaky_relu(shared_norm(x, self, self.weight.abs() + EPS), SLOPE)


class SharedNorm1d(nn.BatchNorm1d):
    """The graphs' norm over the batches of all processes."""

    def forward(self, x):
        return shared_norm(x, self, self.weight) if self.training else super().forward(x)


class SharedNorm2d(nn.BatchNorm2d):
    """The same for an inverted residual."""

    def forward(self, x):
        return shared_norm(x, self, self.weight) if self.training else super().forward(x)


SHARED = {Abn: SharedAbn, nn.BatchNorm1d: SharedNorm1d, nn.BatchNorm2d: SharedNorm2d}


def share_norms(model):
    """Make a model's norms work over all processes, if there are several."""
    if distributed.is_initialized():
        for module in model.modules():
            module.__class__ = SHARED.get(type(module), type(module))
    return model


# ---- from ImageNet ----

@torch.no_grad()
def load_encoder(model, path):
    """Give an encoder of inverted residuals the weights of an EfficientNet-Lite: an .npz of NAME.weight and NAME.norm
    (scale, shift, mean, variance) for stem and block.N.expand, .depthwise, .project. Layers with other shapes keep theirs."""
    with np.load(path) as arrays:
        pairs = [("stem", "conv1", "bn1")]
        blocks = [(i + 1, j) for i, layer in enumerate(model.arch.layers) for j in range(layer.blocks)]
        for number, (i, j) in enumerate(blocks):
            for k, part in enumerate(("expand", "depthwise", "project")):
                pairs.append((f"block.{number}.{part}", f"layer{i}.{j}.conv{k + 1}", f"layer{i}.{j}.bn{k + 1}"))
        state, count = model.state_dict(), 0
        for source, conv, norm in pairs:
            name = f"{conv}.weight"
            if f"{source}.weight" not in arrays or name not in state or state[name].shape != arrays[f"{source}.weight"].shape:
                continue
            state[name].copy_(torch.from_numpy(arrays[f"{source}.weight"].astype(np.float32)))
            for part, values in zip(("weight", "bias", "running_mean", "running_var"), arrays[f"{source}.norm"]):
                state[f"{norm}.{part}"].copy_(torch.from_numpy(values))
            count += 1
    return count


# ---- from a model file ----

@torch.no_grad()
def unfold(model, tensors, pictures):
    """Give a Trainee the folded weights of a model file. The norms that had been folded become identities: each has the statistics
    of its input for these pictures, and a weight and bias that undo its normalisation."""
    norms = {name: module for name, module in model.named_modules()
             if isinstance(module, NORMS) and not name.startswith("edge_layer.")}
    folded = {f"{convolution_before(name)}.bias": name for name in norms}
    state = model.state_dict()
    strange = [name for name, tensor in tensors.items()
               if name not in folded and (name not in state or state[name].shape != tensor.shape)]
    strange += [name for name in folded if name not in tensors]
    if strange:
        raise ValueError(f"of another network or with other classes: {strange[0]} does not fit")
    for name, tensor in tensors.items():
        if name not in folded:
            state[name] = tensor
        elif name in state:
            state[name] = torch.zeros_like(state[name])  # it is in the norm
    model.load_state_dict(state)

    def undo(norm, bias):
        def hook(_, inputs):
            axes = [0, *range(2, inputs[0].ndim)]
            variance, mean = torch.var_mean(inputs[0], axes, unbiased=False)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            eps = getattr(norm, "eps", EPS)
            norm.weight.copy_((variance + eps).sqrt() - (EPS if isinstance(norm, Abn) else 0))
            norm.bias.copy_(bias + mean)
        return hook

    hooks = [norms[norm].register_forward_pre_hook(undo(norms[norm], tensors[bias])) for bias, norm in folded.items()]
    model.eval()(pictures)
    for hook in hooks:
        hook.remove()
    return model.train()

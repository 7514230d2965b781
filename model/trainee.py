"""The network as it is trained: with the edge branch, with norms whose statistics several processes share, and taken back
out of a model file."""
import torch
import torch.nn.functional as F
from torch import distributed, nn
from torch.distributed.nn.functional import all_reduce

from convert import convolution_before
from losses import Outputs
from reference import EPS, SLOPE, Abn, DmlCsr, Layers, up

EDGE_WIDTHS = {"bottleneck": 256, "basic": 64}


class EdgeBranch(nn.Module):
    """The decoupled edge tasks on layer1 to layer3 (paper section 3.1): they train the encoder and are then dropped."""

    def __init__(self, layers, widths, width, classes):
        super().__init__()
        for i in range(3):
            setattr(self, f"conv{i + 1}", nn.Sequential(*layers.conv_abn(widths[i], width)))
        self.conv4 = layers.conv(width, classes, 3, bias=True)
        self.conv5 = layers.conv(3 * classes, classes, bias=True)
        self.conv5_b = layers.conv(3 * classes, 2, bias=True)

    def forward(self, features):
        """Category logits and binary logits, at layer1's size."""
        size = features[0].shape[2:]
        maps = [self.conv4(conv(x)) for conv, x in zip((self.conv1, self.conv2, self.conv3), features)]
        maps = torch.cat([maps[0], up(maps[1], size), up(maps[2], size)], dim=1)
        return self.conv5(maps), self.conv5_b(maps)


class Trainee(DmlCsr):
    """DML-CSR with its edge branch; the tensors have the official checkpoint's names."""

    def __init__(self, arch):
        super().__init__(arch)
        self.edge_layer = EdgeBranch(Layers(folded=False), arch.widths, EDGE_WIDTHS[arch.block], arch.classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        """The three tasks' logits, at a quarter of the input's size."""
        features = self.features(x)
        return Outputs(self.parse(features), *self.edge_layer(features))


# ---- norms over several processes ----

def shared_norm(x, norm, scale):
    """Batch norm by the mean and variance of all processes' batches together; torch's own knows no Abn and no CPU."""
    axes, channels = [0, *range(2, x.ndim)], x.shape[1]
    values = x.float()
    count = values.new_full((1,), x.numel() / channels)
    sums = all_reduce(torch.cat([values.sum(axes), values.square().sum(axes), count]))
    mean = sums[:channels] / sums[-1]
    variance = (sums[channels:-1] / sums[-1] - mean.square()).clamp(min=0)
    with torch.no_grad():
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * sums[-1] / (sums[-1] - 1), norm.momentum)
    gain = scale * (variance + EPS).rsqrt()
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (values * gain.view(shape) + (norm.bias - mean * gain).view(shape)).to(x.dtype)


class SharedAbn(Abn):
    """Abn, the batch being that of all processes."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        return F.leaky_relu(shared_norm(x, self, self.weight.abs() + EPS), SLOPE)


class SharedNorm(nn.BatchNorm1d):
    """The graphs' norm, the batch being that of all processes."""

    def forward(self, x):
        return shared_norm(x, self, self.weight) if self.training else super().forward(x)


SHARED = {Abn: SharedAbn, nn.BatchNorm1d: SharedNorm}


def share_norms(model):
    """Let a model's norms work over all processes, if there are several."""
    if distributed.is_initialized():
        for module in model.modules():
            module.__class__ = SHARED.get(type(module), type(module))
    return model


# ---- out of a model file ----

@torch.no_grad()
def unfold(model, tensors, pictures):
    """Give a Trainee the folded weights of a model file. Norms that change nothing stand where they were folded in: each
    has the statistics of what comes in for these pictures, and a weight and bias that undo its normalising."""
    norms = {name: module for name, module in model.named_modules()
             if isinstance(module, (Abn, nn.BatchNorm1d)) and not name.startswith("edge_layer.")}
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
            state[name] = torch.zeros_like(state[name])  # the norm has it
    model.load_state_dict(state)

    def undo(norm, bias):
        def hook(_, inputs):
            axes = [0, *range(2, inputs[0].ndim)]
            variance, mean = torch.var_mean(inputs[0], axes, unbiased=False)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + EPS).sqrt() - (EPS if isinstance(norm, Abn) else 0))
            norm.bias.copy_(bias + mean)
        return hook

    hooks = [norms[norm].register_forward_pre_hook(undo(norms[norm], tensors[bias])) for bias, norm in folded.items()]
    model.eval()(pictures)
    for hook in hooks:
        hook.remove()
    return model.train()

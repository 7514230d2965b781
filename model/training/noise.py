"""Random weights for a folded network that compute something, to test arithmetic rather than faces."""
import numpy as np
import torch
from torch import nn

from reference import DmlCsr

LAST_OF_BRANCH = {"bottleneck": "conv3", "basic": "conv2", "inverted": "conv3"}


@torch.no_grad()
def weights(arch, size, seed):
    """State of a folded network: activations neither vanish nor explode, and the logits of a picture are well spread.

    He's initialisation; the last convolution of each residual branch scaled down, so that a sum of 23 blocks doesn't grow;
    the graphs' convolutions by the numbers of nodes and states that their products sum over. Gammas and biases aren't 0.
    """
    rng = np.random.default_rng(seed)
    model = DmlCsr(arch, folded=True).eval()
    stride = arch.strides[-1]
    nodes = -(-size[0] // stride) * -(-size[1] // stride)
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            gain, spread = _gain(arch, name, nodes)
            fan = module.weight[0].numel()
            module.weight.copy_(_normal(rng, module.weight.shape, gain * (2 / fan) ** 0.5))
            module.bias.copy_(_normal(rng, module.bias.shape, spread))
    model.context.dualgcn.gamma1.fill_(0.5)
    model.context.dualgcn.gcn_local_attention.gamma.fill_(0.5)
    _spread(model, size, rng)
    return model.state_dict()


def _normal(rng, shape, deviation):
    return torch.from_numpy(rng.normal(0, deviation, tuple(shape)).astype(np.float32))


def _gain(arch, name, nodes):
    """(factor on He's deviation, deviation of the bias) of a convolution."""
    if name.startswith("layer") and name.split(".")[2:] == [LAST_OF_BRANCH[arch.block]]:
        return 0.5 / arch.layers[int(name[5]) - 1].blocks ** 0.5, 0.1
    states = arch.head // 4
    return {
        "context.conva.0": (0.15, 0.1),
        "context.dualgcn.gcn_local_attention.node_q": (0.25 / max(nodes / 64, 1) ** 0.5, 0.02),
        "context.dualgcn.phi": (0.5, 0.1),
        "context.dualgcn.theta": (0.5, 0.1),
        "context.dualgcn.conv_adj": (0.5, 0.05 * nodes),
        "context.dualgcn.conv_wg": (1 / (nodes * states ** 0.5), 0.02),
    }.get(name, (1, 0.1))


def _spread(model, size, rng):
    """Give the logits of a made-up picture mean 0 and deviation 2 in each class, so that many classes win somewhere."""
    coarse = _normal(rng, (1, 3, 12, 12), 1)
    picture = nn.functional.interpolate(coarse, size=size, mode="bicubic") + _normal(rng, (1, 3, *size), 0.3)
    logits = model(picture)[0].flatten(1)
    last = (model.decoder if model.arch.inverted else model.layer6).conv4
    factor = 2 / logits.std(1)
    last.weight.mul_(factor[:, None, None, None])
    last.bias.sub_(logits.mean(1)).mul_(factor)

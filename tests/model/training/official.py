"""A checkpoint as the release of DML-CSR (CVPR 2022) saves it, and what its network computes, with random weights.

Written from the paper and the names of the tensors, without anything of model/, so that a mistake there isn't made here
again. One description serves for both: the first pass makes each tensor as it comes to it, the later ones use it.
Running statistics are those of its pictures, and residual branches weak, as after training; else 100 layers amplify any
error.
"""
import collections

import torch
import torch.nn.functional as F

EPS, SLOPE = 1e-5, 0.01
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def picture(rgb):
    """uint8 height x width x RGB, of the network's own size -> its input: B, G, R order, as OpenCV reads."""
    bgr = torch.tensor(rgb[:, :, ::-1].copy(), dtype=torch.float64) / 255
    return ((bgr - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)[None]


class Network:
    """ResNet-101 with the dual graph head, the decoder, and the edge branch that only training needs."""

    def __init__(self, classes, pictures):
        self.classes = classes
        self.random = torch.Generator().manual_seed(1)
        self.state = collections.OrderedDict()
        self.logits(pictures)

    def checkpoint(self):
        """What torch.save gets: the names that data-parallel training gives."""
        return collections.OrderedDict((f"module.{name}", tensor) for name, tensor in self.state.items())

    # ---- layers ----

    def get(self, name, make):
        """A tensor of the checkpoint, in double precision; make is called for it once."""
        if name not in self.state:
            self.state[name] = make().float()
        return self.state[name].double()

    def normal(self, *shape, deviation=1.0):
        return lambda: torch.randn(shape, generator=self.random) * deviation

    def conv(self, x, name, outputs, size=1, stride=1, dilation=1, groups=1, bias=False):
        inputs = x.shape[1] // groups
        shape = outputs, inputs, size, size
        weight = self.get(f"{name}.weight", self.normal(*shape, deviation=(inputs * size ** 2) ** -0.5))
        offset = self.get(f"{name}.bias", self.normal(outputs, deviation=0.1)) if bias else None
        return F.conv2d(x, weight, offset, stride, dilation * (size // 2), dilation, groups)

    def along_graph(self, x, name):
        """A 1x1 convolution over the second of three dimensions."""
        weight = self.get(f"{name}.weight", self.normal(x.shape[1], x.shape[1], 1, deviation=x.shape[1] ** -0.5))
        return torch.einsum("oi,bin->bon", weight[:, :, 0], x)

    def norm(self, x, name, scale, gain=1):
        """By the running statistics, a little off those of the first pass. Half of the weights are negative."""
        over, channels = [d for d in range(x.ndim) if d != 1], x.shape[1]
        mean = self.get(f"{name}.running_mean", lambda: x.mean(over) + 0.1 * x.std(over) * self.normal(channels)())
        var = self.get(f"{name}.running_var", lambda: (x.var(over) + x.var()) * (0.2 * self.normal(channels)()).exp())
        weight = self.get(f"{name}.weight", self.normal(channels, deviation=gain))
        bias = self.get(f"{name}.bias", self.normal(channels, deviation=0.2))
        self.state[f"{name}.num_batches_tracked"] = torch.tensor(123456)
        wide = [1, -1] + [1] * (x.ndim - 2)
        return (scale(weight) / (var + EPS).sqrt()).view(wide) * (x - mean.view(wide)) + bias.view(wide)

    def abn(self, x, name, gain=1):
        """InPlaceABN: the scale is |weight| + eps, then comes a leaky ReLU."""
        y = self.norm(x, name, lambda weight: weight.abs() + EPS, gain)
        return torch.where(y < 0, SLOPE * y, y)

    def conv_abn(self, x, name, outputs, at=0, **how):
        """Two entries of a Sequential."""
        return self.abn(self.conv(x, f"{name}.{at}", outputs, **how), f"{name}.{at + 1}")

    def plain(self, x, name):
        """Batch norm as it is."""
        return self.norm(x, name, lambda weight: weight)

    # ---- network ----

    def stem(self, x):
        for i, (outputs, stride) in enumerate(((64, 2), (64, 1), (128, 1)), 1):
            x = self.abn(self.conv(x, f"conv{i}", outputs, 3, stride), f"bn{i}").relu()
        return F.max_pool2d(x, 3, 2, 1)

    def bottleneck(self, x, name, planes, stride, dilation, first):
        y = self.abn(self.conv(x, f"{name}.conv1", planes), f"{name}.bn1").relu()
        y = self.abn(self.conv(y, f"{name}.conv2", planes, 3, stride, dilation), f"{name}.bn2").relu()
        y = self.abn(self.conv(y, f"{name}.conv3", 4 * planes), f"{name}.bn3", gain=0.2)
        return (y + (self.conv_abn(x, f"{name}.downsample", 4 * planes, stride=stride) if first else x)).relu()

    def backbone(self, x):
        """The outputs of layer1 to layer4."""
        outputs, x = [], self.stem(x)
        for i, (planes, blocks, stride, dilation) in enumerate(
                ((64, 3, 1, 1), (128, 4, 2, 1), (256, 23, 1, 1), (512, 3, 1, 2)), 1):
            for block in range(blocks):
                x = self.bottleneck(x, f"layer{i}.{block}", planes, 1 if block else stride, dilation, not block)
            outputs.append(x)
        return outputs

    def spatial_graph(self, x, name):
        n, _, h, w = x.shape
        k, v, q = (self.conv(x, f"{name}.node_{node}", 256, bias=True).flatten(2) for node in "kvq")
        attention = torch.softmax(torch.einsum("bin,bjn->bij", q, v), 2)
        y = torch.einsum("bin,bij->bjn", k, attention)
        y = self.plain(self.along_graph(y, f"{name}.conv_wg"), f"{name}.bn_wg").view(n, 256, h, w)
        gamma = self.get(f"{name}.gamma", lambda: torch.tensor([0.7]))
        return gamma * self.conv_abn(y, f"{name}.out", 512, bias=True) + x

    def dual_graph(self, x, name):
        local = x
        for at in (0, 2, 4):
            local = self.conv_abn(local, f"{name}.local", 512, at, size=3, stride=2, groups=512)
        local = up(self.spatial_graph(local, f"{name}.gcn_local_attention"), x)
        phi = self.abn(self.conv(x, f"{name}.phi", 256), f"{name}.bn_phi").flatten(2)
        b = self.abn(self.conv(x, f"{name}.theta", 128), f"{name}.bn_theta").flatten(2)
        z = torch.einsum("bcn,bsn->bcs", phi, b)
        mixed = self.plain(self.along_graph(z.transpose(1, 2), f"{name}.conv_adj"), f"{name}.bn_adj")
        z = self.plain(self.along_graph(z + mixed.transpose(1, 2), f"{name}.conv_wg"), f"{name}.bn_wg")
        y = torch.einsum("bcs,bsn->bcn", z, b).view(len(x), 256, *x.shape[2:])
        y = self.abn(self.conv(y, f"{name}.conv3", 512), f"{name}.bn3")
        feature = self.get(f"{name}.gamma1", lambda: torch.tensor([-0.6])) * y + x
        return self.conv_abn(torch.cat([x * local + x, feature], 1), f"{name}.final", 512)

    def head(self, x):
        y = self.conv_abn(x, "context.conva", 512, size=3)
        y = self.conv_abn(self.dual_graph(y, "context.dualgcn"), "context.convb", 512, size=3)
        return self.conv_abn(torch.cat([x, y], 1), "context.bottleneck", 512, size=3)

    def decoder(self, context, low):
        t = up(self.conv_abn(context, "layer6.conv1", 256), low)
        y = torch.cat([t, self.conv_abn(low, "layer6.conv2", 48)], 1)
        y = self.conv_abn(self.conv_abn(y, "layer6.conv3", 256), "layer6.conv3", 256, 2)
        return self.conv(y, "layer6.conv4", self.classes, bias=True)

    def edges(self, features):
        """Nothing of the logits depends on it; the checkpoint has it."""
        maps = [self.conv(self.conv_abn(x, f"edge_layer.conv{i}", 256), "edge_layer.conv4", self.classes, 3, bias=True)
                for i, x in enumerate(features, 1)]
        y = torch.cat([up(x, maps[0]) for x in maps], 1)
        outputs = {"conv5": self.classes, "conv5_b": 2}
        return [self.conv(y, f"edge_layer.{name}", count, bias=True) for name, count in outputs.items()]

    def logits(self, x):
        """N x classes x height x width, at the input's size."""
        features = self.backbone(x)
        self.edges(features[:3])
        return up(self.decoder(self.head(features[3]), features[0]), x)


def up(x, like):
    """Bilinear, corners on corners."""
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=True)

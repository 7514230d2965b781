"""The losses of decoupled multi-task learning (paper section 3.3 and the supplement's weights) and of self-regulation (3.4)."""
from typing import NamedTuple

import torch
import torch.nn.functional as F

from datasets import IGNORE

WEIGHTS = {"parsing": 1.0, "binary": 1.0, "category": 0.1, "binary attention": 4.0, "category attention": 1.0}


class Outputs(NamedTuple):
    """N x channels x H x W each: what the three tasks say, as logits or as probabilities."""
    parsing: torch.Tensor
    category: torch.Tensor
    binary: torch.Tensor


class Truth(NamedTuple):
    """N x H x W each. Only a teacher's labels have a second class, and a share of the first one below 1."""
    labels: torch.Tensor
    second: torch.Tensor
    share: torch.Tensor


class Soft(NamedTuple):
    """What the self-ensemble predicts (probabilities), and its share in the running mean with the truth."""
    outputs: Outputs
    share: float


def lovasz_softmax(probabilities, labels):
    """The Lovasz extension of 1 - IoU, averaged over the classes that the batch shows (Berman et al., CVPR 2018).

    probabilities: P x classes, labels: P, without ignored pixels. Per class, errors are sorted downwards and weighted by
    how much the IoU falls with each further wrong pixel.
    """
    losses = []
    for label in labels.unique():
        truth = (labels == label).float()
        errors, order = (truth - probabilities[:, label]).abs().sort(descending=True)
        truth = truth[order]
        intersection = truth.sum() - truth.cumsum(0)
        union = truth.sum() + (1 - truth).cumsum(0)
        jaccard = 1 - intersection / union
        slope = torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
        losses.append(errors @ slope)
    return torch.stack(losses).mean() if losses else probabilities.sum() * 0


def edges(labels):
    """N x H x W bool: pixels whose label differs from a neighbour's, dilated by one; an unknown neighbour is no other."""
    label = labels.float()[:, None]
    unknown = label == IGNORE
    highest = F.max_pool2d(label.masked_fill(unknown, -1), 3, 1, 1)
    lowest = -F.max_pool2d(-label, 3, 1, 1)
    return (highest != lowest)[:, 0] & ~unknown[:, 0]


def cross_entropy(logits, target, weights):
    """Weighted and without the ignored pixels: the sum over the pixels divided by that of the weights."""
    known = target != IGNORE
    weight = weights[target.clamp(max=len(weights) - 1)] * known
    cross = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="none")
    return cross.sum() / weight.sum().clamp(min=1)


def soft_cross_entropy(logits, probabilities, weights, where):
    """The same with a distribution for each pixel: the KL divergence to it, but for a constant."""
    weighted = probabilities * weights[:, None, None]
    cross = -(weighted * logits.log_softmax(1)).sum(1)
    return (cross * where).sum() / (weighted.sum(1) * where).sum().clamp(min=1)


def complement(target, classes):
    """Each class's weight in a balanced loss: the share of the pixels that are NOT of it."""
    counts = torch.bincount(target[target != IGNORE], minlength=classes).float()
    return 1 - counts / counts.sum().clamp(min=1)


def regulated(logits, target, weights, soft, share):
    """Cross-entropy with the running mean of the truth and of the ensemble's prediction; just the truth where there's none."""
    hard = cross_entropy(logits, target, weights)
    if soft is None:
        return hard
    return (1 - share) * hard + share * soft_cross_entropy(logits, soft, weights, target != IGNORE)


def parsing_cross_entropy(logits, truth, weights, soft, share):
    """A teacher's second class counts by its share; with truth, whose share is 1, this is plain."""
    if truth.share.min() == 1:
        return regulated(logits, truth.labels, weights, soft, share)
    known = truth.labels != IGNORE
    pair = torch.zeros_like(logits)
    pair.scatter_(1, (truth.labels * known)[:, None], truth.share[:, None])
    pair.scatter_add_(1, (truth.second * known)[:, None], 1 - truth.share[:, None])
    mixed = pair if soft is None else (1 - share) * pair + share * soft
    return soft_cross_entropy(logits, mixed, weights, known)


def total(outputs, truth, class_weights, soft=None, decoupled=True):
    """The sum of the losses, and its parts by name. All maps are at one size; without `decoupled`, parsing alone."""
    share = soft.share if soft else 0
    guides = soft.outputs if soft else Outputs(None, None, None)
    labels = truth.labels
    known = labels != IGNORE
    probabilities = outputs.parsing.softmax(1).permute(0, 2, 3, 1)[known]
    parts = {"parsing": 0.5 * parsing_cross_entropy(outputs.parsing, truth, class_weights, guides.parsing, share)
             + 0.5 * lovasz_softmax(probabilities, labels[known])}
    if decoupled:
        edge = edges(labels)
        binary = edge.long().masked_fill(~known, IGNORE)
        category = torch.where(edge | ~known, labels, torch.zeros_like(labels))
        only = lambda where: labels.masked_fill(~where, IGNORE)
        parts["binary"] = regulated(outputs.binary, binary, complement(binary, 2), guides.binary, share)
        parts["category"] = regulated(outputs.category, category, complement(category, outputs.category.shape[1]),
                                      guides.category, share)
        parts["binary attention"] = cross_entropy(outputs.parsing, only(edge), class_weights)
        parts["category attention"] = cross_entropy(outputs.parsing, only(edge & (labels > 0)), class_weights)
    return sum(WEIGHTS[name] * value for name, value in parts.items()), parts

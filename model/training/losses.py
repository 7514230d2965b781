"""The losses of decoupled multi-task learning (paper section 3.3 and the supplement's weights) and of self-regulation (3.4),
for labels that may be partial."""
from typing import NamedTuple, Optional

import torch
import torch.nn.functional as F

from partial import IGNORE

WEIGHTS = {"parsing": 1.0, "binary": 1.0, "category": 0.1, "binary attention": 4.0, "category attention": 1.0}
HARD, HARD_WEIGHT = 1 / 8, 0.5  # the share of the pixels that count again, and their weight
LOVASZ_PIXELS = 16384


class Outputs(NamedTuple):
    """N x channels x H x W each: the outputs of the three tasks, as logits or as probabilities."""
    parsing: torch.Tensor
    category: Optional[torch.Tensor]
    binary: Optional[torch.Tensor]


class Soft(NamedTuple):
    """The prediction of the self-ensemble (probabilities), and its share in the running mean with the truth."""
    outputs: Outputs
    share: float


def lovasz_softmax(probabilities, labels):
    """The Lovasz extension of 1 - IoU, averaged over the classes in the batch (Berman et al., CVPR 2018).

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


def lovasz(logits, labels):
    """The same for a random sample of the pixels with one class, because sorting all would take longer than the network."""
    flat = labels.flatten()
    where = (flat < logits.shape[1]).nonzero()[:, 0]
    if len(where) > LOVASZ_PIXELS:
        where = where[torch.randint(len(where), (LOVASZ_PIXELS,), device=where.device)]
    picked = logits.permute(0, 2, 3, 1).reshape(-1, logits.shape[1])[where]
    return lovasz_softmax(picked.softmax(1), flat[where])


def marginal(logits, labels, allowed, weights):
    """N x H x W: for a pixel with one class, the cross-entropy with that class's weight; for one with several, that of their
    summed probability; 0 if all are allowed. allowed: bool 256 x classes, as in partial.py."""
    classes = logits.shape[1]
    exact = torch.where(labels < classes, labels, torch.full_like(labels, IGNORE))
    cross = F.cross_entropy(logits, exact, weights, ignore_index=IGNORE, reduction="none")
    for code in labels[labels >= classes].unique().tolist():
        if code != IGNORE and not allowed[code].all():
            where = labels == code
            some = logits.permute(0, 2, 3, 1)[where]
            cross[where] = some.logsumexp(1) - some[:, allowed[code]].logsumexp(1)
    return cross


def soft_marginal(logits, probabilities, labels, allowed):
    """N x H x W: the KL divergence, up to a constant, to a prediction that is restricted to the classes that the labels allow."""
    kept = probabilities * allowed[labels].permute(0, 3, 1, 2)
    kept = kept / kept.sum(1, keepdim=True).clamp(min=1e-6)
    return -(kept * logits.log_softmax(1)).sum(1)


def edges(labels, classes):
    """Two N x H x W bool: pixels whose label differs from a neighbour's, dilated by one; and the pixels where this is known,
    because the labels of all neighbours are single classes."""
    label = labels.float()[:, None]
    unknown = label >= classes
    highest = F.max_pool2d(label.masked_fill(unknown, -1), 3, 1, 1)
    lowest = -F.max_pool2d(-label.masked_fill(unknown, IGNORE), 3, 1, 1)
    known = F.max_pool2d(unknown.float(), 3, 1, 1) == 0
    return (highest != lowest)[:, 0] & ~unknown[:, 0], known[:, 0]


def cross_entropy(logits, target, weights):
    """The weighted mean without ignored pixels: the sum over the pixels divided by that of the weights."""
    known = target != IGNORE
    weight = weights[target.clamp(max=len(weights) - 1)] * known
    cross = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="none")
    return cross.sum() / weight.sum().clamp(min=1)


def soft_cross_entropy(logits, probabilities, weights, where):
    """The same with a distribution for each pixel: the KL divergence to it, up to a constant."""
    weighted = probabilities * weights[:, None, None]
    cross = -(weighted * logits.log_softmax(1)).sum(1)
    return (cross * where).sum() / (weighted.sum(1) * where).sum().clamp(min=1)


def complement(target, classes):
    """Each class's weight in a balanced loss: the share of the pixels that are NOT of it."""
    counts = torch.bincount(target[target != IGNORE], minlength=classes).float()
    return 1 - counts / counts.sum().clamp(min=1)


def regulated(logits, target, weights, soft, share):
    """Cross-entropy with the running mean of the truth and the ensemble's prediction, or only the truth if there is none."""
    hard = cross_entropy(logits, target, weights)
    if soft is None:
        return hard
    return (1 - share) * hard + share * soft_cross_entropy(logits, soft, weights, target != IGNORE)


def parsing(logits, labels, allowed, weights, soft, share):
    """Marginal cross-entropy, the same once more for the hardest pixels, and Lovasz-softmax."""
    cross = marginal(logits, labels, allowed, weights)
    hardest = cross.flatten().topk(int(cross.numel() * HARD))[0].mean()
    if soft is not None:
        known = labels != IGNORE
        cross = (1 - share) * cross + share * soft_marginal(logits, soft, labels, allowed) * known
    return 0.5 * (cross.mean() + HARD_WEIGHT * hardest + lovasz(logits, labels))


def total(outputs, labels, allowed, class_weights, soft=None, decoupled=True):
    """The sum of the losses, and its parts by name. All maps have the same size; without `decoupled`, parsing alone."""
    share = soft.share if soft else 0
    guides = soft.outputs if soft else Outputs(None, None, None)
    parts = {"parsing": parsing(outputs.parsing, labels, allowed, class_weights, guides.parsing, share)}
    if decoupled:
        classes = outputs.parsing.shape[1]
        edge, known = edges(labels, classes)
        binary = edge.long().masked_fill(~known, IGNORE)
        category = torch.where(edge | ~known, labels, torch.zeros_like(labels)).masked_fill(~known, IGNORE)
        only = lambda where: labels.masked_fill(~where, IGNORE)
        parts["binary"] = regulated(outputs.binary, binary, complement(binary, 2), guides.binary, share)
        parts["category"] = regulated(outputs.category, category, complement(category, classes), guides.category, share)
        parts["binary attention"] = cross_entropy(outputs.parsing, only(edge), class_weights)
        parts["category attention"] = cross_entropy(outputs.parsing, only(edge & (labels > 0)), class_weights)
    return sum(WEIGHTS[name] * value for name, value in parts.items()), parts

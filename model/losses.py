"""The losses of decoupled multi-task learning (paper section 3.3 and the supplement's loss weights)."""
import torch
import torch.nn.functional as F

IGNORE = 255
WEIGHTS = {"parsing": 1.0, "binary": 1.0, "category": 0.1, "binary attention": 4.0, "category attention": 1.0}


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
    return torch.stack(losses).mean()


def edges(labels):
    """N x H x W bool: pixels whose label differs from a neighbour's, dilated by one."""
    label = labels.float()[:, None]
    differs = F.max_pool2d(label, 3, 1, 1) != -F.max_pool2d(-label, 3, 1, 1)
    return differs[:, 0] & (labels != IGNORE)


def balanced(logits, target):
    """Cross-entropy in which each class weighs the share of the pixels that are NOT of it."""
    counts = torch.bincount(target[target != IGNORE], minlength=logits.shape[1]).float()
    return F.cross_entropy(logits, target, 1 - counts / counts.sum(), ignore_index=IGNORE)


def total(parsing, category, binary, labels, class_weights):
    """The sum of the five losses. All logits N x C x H x W and labels N x H x W (int64) are at one size."""
    edge = edges(labels)
    cross = F.cross_entropy(parsing, labels, class_weights, ignore_index=IGNORE, reduction="none")
    known = labels != IGNORE
    weight = class_weights[labels.clamp(max=len(class_weights) - 1)] * known
    mean = lambda where: (cross * where).sum() / (weight * where).sum().clamp(min=1)
    probabilities = parsing.softmax(1).permute(0, 2, 3, 1)[known]
    parts = {
        "parsing": 0.5 * mean(known) + 0.5 * lovasz_softmax(probabilities, labels[known]),
        "binary": balanced(binary, edge.long().masked_fill(~known, IGNORE)),
        "category": balanced(category, torch.where(edge | ~known, labels, torch.zeros_like(labels))),
        "binary attention": mean(edge),
        "category attention": mean(edge & (labels > 0)),
    }
    return sum(WEIGHTS[name] * value for name, value in parts.items()), parts

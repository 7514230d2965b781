"""Cyclical self-regulation (paper section 3.4): a self-ensemble of the models at the ends of the cycles, whose predictions
soften the targets of the next cycle."""
import copy

import torch

from losses import Outputs, Soft
from reference import NORMS

DECAY = 0.998  # of the exponential average, per step
STATISTICS = 40  # batches for the statistics of the norms


def average(ensemble, model, cycle):
    """W_m = m / (m + 1) W_{m-1} + 1 / (m + 1) w_m, in place; cycle is m."""
    if ensemble is None:
        return copy.deepcopy(model)
    with torch.no_grad():
        for old, new in zip(ensemble.parameters(), model.parameters()):
            old.lerp_(new, 1 / (cycle + 1))
    return ensemble


@torch.no_grad()
def follow(average, model, steps):
    """The exponential average of a model's weights and statistics over its last steps, in place."""
    keep = min(DECAY, (1 + steps) / (10 + steps))
    ours, theirs = average.state_dict(), model.state_dict()
    pairs = [(ours[name], theirs[name]) for name in ours if ours[name].is_floating_point()]
    torch._foreach_mul_([a for a, _ in pairs], keep)
    torch._foreach_add_([a for a, _ in pairs], [b for _, b in pairs], alpha=1 - keep)


@torch.no_grad()
def estimate_norms(model, batches):
    """Re-estimate the statistics of the norms over plain batches, because averaged weights have different activations."""
    norms = [module for module in model.modules() if isinstance(module, NORMS)]
    kept = [norm.momentum for norm in norms]
    model.train()
    for count, pictures in enumerate(batches):
        for norm in norms:
            norm.momentum = 1 / (count + 1)
        model(pictures)
    for norm, momentum in zip(norms, kept):
        norm.momentum = momentum
    return model.eval()


@torch.no_grad()
def soft_targets(ensemble, pictures, cycle):
    """In cycle m, from the second on, the truth has weight 1 / (m + 1) and the ensemble's prediction m / (m + 1)."""
    return Soft(Outputs(*(logits.float().softmax(1) for logits in ensemble(pictures))), cycle / (cycle + 1))

"""Cyclical self-regulation (paper section 3.4): a self-ensemble of the models that the cycles end with, whose predictions
soften the next cycle's targets."""
import copy

import torch
from torch import nn

from losses import Outputs, Soft
from reference import Abn

STATISTICS = 40  # batches that the norms' statistics are made of


def average(ensemble, model, cycle):
    """W_m = m / (m + 1) W_{m-1} + 1 / (m + 1) w_m, in place; cycle is m."""
    if ensemble is None:
        return copy.deepcopy(model)
    with torch.no_grad():
        for old, new in zip(ensemble.parameters(), model.parameters()):
            old.lerp_(new, 1 / (cycle + 1))
    return ensemble


@torch.no_grad()
def estimate_norms(model, batches):
    """An average of weights has other activations than the models': the norms' statistics anew, over plain batches."""
    norms = [module for module in model.modules() if isinstance(module, (Abn, nn.BatchNorm1d))]
    kept = norms[0].momentum
    model.train()
    for count, pictures in enumerate(batches):
        for norm in norms:
            norm.momentum = 1 / (count + 1)
        model(pictures)
    for norm in norms:
        norm.momentum = kept
    return model.eval()


@torch.no_grad()
def soft_targets(ensemble, pictures, cycle):
    """In cycle m, from the second on, the truth counts 1 / (m + 1) and the ensemble's prediction m / (m + 1)."""
    return Soft(Outputs(*(logits.float().softmax(1) for logits in ensemble(pictures))), cycle / (cycle + 1))

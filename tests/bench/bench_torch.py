"""Times a model file's network in PyTorch on the CPU, in a process of its own."""
import json
import os
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model", "training"))
import reference  # noqa: E402

WARM_UP = 2


def careful(network):
    """What a careful user would do: no leaky ReLU where a ReLU follows, and in place elsewhere."""
    for module in network.modules():
        last = {reference.Bottleneck: "bn3", reference.Basic: "bn2"}.get(type(module))
        if last or isinstance(module, reference.DmlCsr):
            for name in {"bn1", "bn2", "bn3"} - {last}:
                if hasattr(module, name):
                    setattr(module, name, torch.nn.Identity())
        elif isinstance(module, torch.nn.LeakyReLU):
            module.inplace = True
    return network


@torch.no_grad()
def main(model, size, repeat, threads):
    torch.set_num_threads(int(threads))
    network, _ = reference.load(model)
    x = torch.randn(1, 3, int(size), int(size), generator=torch.Generator().manual_seed(1))
    want = network(x)
    network = careful(network)
    error = ((network(x) - want).abs().max() / want.abs().max()).item()
    if not error < 1e-5:
        sys.exit(f"the careful network differs from the reference by {error}")
    ms = []
    for _ in range(WARM_UP + int(repeat)):
        start = time.perf_counter()
        network(x)
        ms.append(1e3 * (time.perf_counter() - start))
    print(json.dumps(ms[WARM_UP:]))


if __name__ == "__main__":
    main(*sys.argv[1:])

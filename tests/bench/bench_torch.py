"""Times a model file's network in PyTorch, in a process of its own.

Arguments: model, WIDTHxHEIGHT, repetitions, threads, cpu|gpu, fp32|fp16.  "gpu" is CUDA if PyTorch has it, else the
CPU; fp16 is used on CUDA only.
"""
import json
import os
import statistics
import sys
import time

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "model", "training"))
import reference  # noqa: E402

WARM_UP = 2


def careful(network):
    """As a careful user would: no leaky ReLU if a ReLU follows, and in place otherwise."""
    for module in network.modules():
        last = {reference.Bottleneck: "bn3", reference.Basic: "bn2"}.get(type(module))
        if last or isinstance(module, reference.DmlCsr):
            for name in {"bn1", "bn2", "bn3"} - {last}:
                if hasattr(module, name):
                    setattr(module, name, torch.nn.Identity())
        elif isinstance(module, torch.nn.LeakyReLU):
            module.inplace = True
    return network


def place(wish, precision):
    """(device, type)"""
    if wish == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu"), torch.float32
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda"), torch.float16 if precision == "fp16" else torch.float32


def timed(network, x):
    """(ms, ms of processor time)"""
    start, cpu = time.perf_counter(), time.process_time()
    network(x)
    if x.is_cuda:
        torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - cpu)


@torch.no_grad()
def main(model, size, repeat, threads, wish, precision):
    torch.set_num_threads(int(threads))
    network, _ = reference.load(model)
    width, height = map(int, size.split("x"))
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    want = network(x)
    network = careful(network)
    error = ((network(x) - want).abs().max() / want.abs().max()).item()
    if not error < 1e-5:
        sys.exit(f"the careful network differs from the reference by {error}")
    device, dtype = place(wish, precision)
    if device.type == "cuda":
        network = network.to(device, dtype, memory_format=torch.channels_last)
        x = x.to(device, dtype, memory_format=torch.channels_last)
    runs = [timed(network, x) for _ in range(WARM_UP + int(repeat))][WARM_UP:]
    print(json.dumps({"device": torch.cuda.get_device_name() if x.is_cuda else "cpu", "median_ms": statistics.median(ms for ms, _ in runs),
                      "min_ms": min(ms for ms, _ in runs), "max_ms": max(ms for ms, _ in runs),
                      "cpu_ms": statistics.median(cpu for _, cpu in runs)}))


if __name__ == "__main__":
    main(*sys.argv[1:])

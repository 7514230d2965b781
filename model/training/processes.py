"""One process or several: torchrun starts the same command many times, and the rest of the code does not need to know."""
import ctypes
import os

import torch
from torch import distributed


M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # mallopt(3)


def keep_memory():
    """Make glibc keep freed memory: it would return large tensors to the kernel, and the page faults would take a fifth of each
    step on a CPU."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1), (M_ARENA_MAX, 1)):
            libc.mallopt(option, value)


def start():
    """Join the processes that torchrun has started, if any. Returns the device of this one."""
    local = int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    keep_memory()
    if "RANK" in os.environ:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    elif "OMP_NUM_THREADS" not in os.environ:  # torch counts too few cores on some virtual machines
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // count()))
    return device


def count():
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank():
    return distributed.get_rank() if distributed.is_initialized() else 0


def agreed(elapsed, stop, device):
    """Shared by all: the clock of the first process, and whether any of them is to stop."""
    if count() == 1:
        return elapsed, stop
    clock = torch.tensor([elapsed if rank() == 0 else 0.0], dtype=torch.float64, device=device)
    flag = torch.tensor([float(stop)], device=device)
    distributed.all_reduce(clock)
    distributed.all_reduce(flag)
    return clock.item(), flag.item() > 0

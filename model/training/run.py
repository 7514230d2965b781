"""A training run: steps, cycles, scores, its log and its checkpoint. It can be stopped and resumed at any moment."""
import copy
import json
import os
import sys
import time

import torch
from torch import nn

import arches
import checkpoint
import csr
import losses
import metrics
import partial
import processes
from losses import Outputs
from reference import Meta, up
from trainee import Trainee, share_norms

DECAY = 0.02
CLIP = 10
ENCODER_RATE = 0.4
SAVE_EVERY, SCORE_EVERY = 180, 900  # seconds
LOG_EVERY = 20  # steps
WORKERS = {"cpu": 1, "cuda": 12}
COUNTERS = ("steps", "elapsed", "pictures", "cycles")


def halved(target):
    """Maps at half the size, sampled where an upsample to that size with aligned corners has its pixels."""
    index = torch.linspace(0, target.shape[-1] - 1, target.shape[-1] // 2).round().long()
    return target[:, index][:, :, index]


def resized(outputs, size):
    """The tasks' maps at a size, in 32 bits."""
    return Outputs(*(map_ if map_ is None else up(map_.float(), size) for map_ in outputs))


def truth_of(labels, device):
    """A batch's labels. On a CPU the losses are at half the input's size; at full size they would take half of the time."""
    return (halved(labels) if device.type == "cpu" else labels).to(device, non_blocking=True).long()


def mixed_precision(device):
    """(autocast's arguments, whether the loss must be scaled): bfloat16 if the CPU supports it, else float16 on a GPU."""
    if device.type == "cuda":
        # is_bf16_supported() of PyTorch 2.4 and later is also true if it is emulated, which is slow.
        native = torch.version.hip or torch.cuda.get_device_capability(device)[0] >= 8
        dtype = torch.bfloat16 if native else torch.float16
        return {"device_type": "cuda", "dtype": dtype}, dtype == torch.float16
    with open("/proc/cpuinfo", encoding="ascii") as file:
        fast = any(flag in file.read() for flag in ("avx512_bf16", "amx_bf16"))
    return {"device_type": "cpu", "dtype": torch.bfloat16, "enabled": fast}, False


def worker_init(_):
    """Ignore signals to the processes of the terminal: they are for the run, which then ends its loaders."""
    os.setsid()


class Run:
    """budget: {"seconds": S} or {"pictures": N}. material: see train.py."""

    def __init__(self, path, arch, schedule, budget, material, seed, device):
        self.path, self.schedule, self.material, self.seed, self.device = path, schedule, material, seed, device
        (self.unit, self.budget), = budget.items()
        self.arch = arch
        self.model = share_norms(self.placed(Trainee(arch, schedule.decoupled, schedule.frozen))).train()
        self.ensemble = None
        self.average = copy.deepcopy(self.model).eval()
        self.optimiser = torch.optim.AdamW(self.groups(), lr=schedule.base_rate, weight_decay=DECAY)
        mean, std = (torch.tensor(values, device=device) * 255 for values in arches.normalisation(arch))
        self.normal = (mean.view(1, 3, 1, 1), std.view(1, 3, 1, 1))
        self.allowed = torch.from_numpy(partial.allowed(arch.classes)).to(device)
        self.autocast, scaled = mixed_precision(device)
        self.scaler = torch.cuda.amp.GradScaler(enabled=scaled)
        self.steps, self.elapsed, self.pictures, self.cycles = 0, 0.0, 0, 0
        self.stop = False
        self.marked = (0.0, 0)

    def placed(self, module):
        return module.to(self.device, memory_format=torch.channels_last)

    def groups(self):
        """The optimiser's groups: an encoder with ImageNet weights gets a lower rate than the rest."""
        parts = {True: [], False: []}
        for name, parameter in self.model.named_parameters():
            parts[self.arch.inverted and name.startswith(("conv1.", "bn1.", "layer"))].append(parameter)
        return [{"params": parts[False], "share": 1.0}, {"params": parts[True], "share": ENCODER_RATE}]

    # ---- its state ----

    @property
    def progress(self):
        """The progress, from 0 to 1."""
        return min(1.0, (self.elapsed if self.unit == "seconds" else self.pictures) / self.budget)

    @property
    def best(self):
        """The model to ship: the ensemble if there is one, else the average of the last steps."""
        return self.ensemble or self.average

    @property
    def kind(self):
        """The settings that must not change when a run is resumed."""
        return {"name": self.material.description["name"], "classes": self.arch.classes, "method": self.schedule.method,
                "side": self.material.side}

    def load(self):
        """Resume from the checkpoint; False if there is none."""
        if not os.path.exists(self.path):
            return False
        try:
            state = torch.load(self.path, map_location=self.device)
            kind = state["kind"]
        except Exception as error:  # the readers let any exception of their parts through
            raise checkpoint.Refused(f"{self.path}: no run that can be gone on with; name another --out") from error
        if kind != self.kind:
            raise checkpoint.Refused(f"{self.path}: a run with another --variant, --classes, --method or --input; name another --out")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        for name in COUNTERS:
            setattr(self, name, state[name])
        if self.cycles:
            self.ensemble = share_norms(self.placed(Trainee(self.arch))).eval()
            self.ensemble.load_state_dict(state["state_dict"])
        self.marked = (self.elapsed, self.pictures)
        return True

    def save(self):
        """Replace the checkpoint. "state_dict" is laid out as the official one; "description" is for convert.py."""
        if processes.rank():
            return
        torch.save({"kind": self.kind, "state_dict": self.best.state_dict(), "description": self.material.description,
                    "model": self.model.state_dict(), "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
                    "scaler": self.scaler.state_dict(), **{name: getattr(self, name) for name in COUNTERS}},
                   self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def log(self, **entry):
        """Append a line of JSON to the log next to the checkpoint."""
        if processes.rank():
            return
        with open(self.path + ".log", "a", encoding="ascii") as file:
            head = {"progress": round(self.progress, 4), "minutes": round(self.elapsed / 60, 2), "step": self.steps,
                    "pictures": self.pictures}
            file.write(json.dumps({**head, **entry}) + "\n")

    def show(self, text, lasting):
        """A line of progress, which replaces the last one on a terminal; elsewhere only permanent lines are printed."""
        terminal = sys.stdout.isatty()
        if processes.rank() == 0 and (terminal or lasting):
            print(("\r\033[K" if terminal else "") + f"{100 * self.progress:5.1f} %  {text}",
                  end="\n" if lasting else "", flush=True)

    # ---- its parts ----

    @staticmethod
    def own(batch):
        """This process's part of a batch."""
        return max(1, batch // processes.count())

    def batches(self, side, batch):
        """Endless frames, different for each process and each restart."""
        data = self.material.frames(side, (self.seed, self.steps, processes.rank()))
        return iter(torch.utils.data.DataLoader(data, self.own(batch), num_workers=WORKERS[self.device.type], prefetch_factor=4,
                                                pin_memory=self.device.type == "cuda", worker_init_fn=worker_init))

    def to_device(self, pictures):
        """N x side x side x RGB bytes -> the network's input."""
        pictures = pictures.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        mean, std = self.normal
        return (pictures.float() - mean).div_(std).contiguous(memory_format=torch.channels_last)

    def step(self, network, batch, cycle):
        """One step. Returns the losses' parts."""
        pictures, truth = self.to_device(batch[0]), truth_of(batch[1], self.device)
        size = truth.shape[1:]
        with torch.autocast(**self.autocast):
            outputs = network(pictures)
            soft = csr.soft_targets(self.ensemble, pictures, cycle) if cycle else None
        outputs = resized(outputs, size)
        if soft:
            soft = losses.Soft(resized(soft.outputs, size), soft.share)
        loss, parts = losses.total(outputs, truth, self.allowed, self.material.weights, soft, self.schedule.decoupled)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        csr.follow(self.average, self.model, self.steps)
        return parts

    def estimate_norms(self, batches):
        """Estimate the statistics of the norms of the model to ship."""
        csr.estimate_norms(self.best, (self.to_device(next(batches)[0]) for _ in range(csr.STATISTICS)))

    def end_cycle(self, batches):
        """Add the model at the end of a cycle to the ensemble."""
        self.ensemble = csr.average(self.ensemble, self.model, self.cycles)
        self.estimate_norms(batches)
        self.cycles += 1
        self.score()
        self.save()

    @torch.no_grad()
    def score(self):
        """F1 on the held-out pictures."""
        if processes.rank() or not self.material.held_out:
            return
        best, training = self.best, self.best.training
        best.eval()
        meta = Meta("", (self.material.side,) * 2, "RGB", *arches.normalisation(self.arch))
        matrix = metrics.confusion(lambda x: best(x.to(self.device)).parsing.float().cpu(), meta,
                                   (self.material.held_out_classes, self.arch.classes), self.material.held_out)
        if matrix.shape[0] != matrix.shape[1]:
            matrix = metrics.eleven(matrix)
        best.train(training)
        scores = {"mean_f1": metrics.mean_f1(matrix), "f1": metrics.f1(matrix).tolist()}
        text = f"mean F1 {100 * scores['mean_f1']:.1f} over {len(matrix) - 1} classes"
        if len(matrix) == 19:
            scores["eleven"] = metrics.mean_f1(metrics.eleven(matrix))
            text += f", {100 * scores['eleven']:.1f} over 10"
        self.log(**scores)
        self.show(text, True)

    def report(self, parts, side, cycle, rate):
        """Log a summary of the last steps."""
        speed = (self.pictures - self.marked[1]) / max(1e-9, self.elapsed - self.marked[0])
        self.marked = (self.elapsed, self.pictures)
        self.log(cycle=cycle, window=side, rate=rate, speed=speed, **{name: part.item() for name, part in parts.items()})
        left = (self.elapsed / 60) * (1 / max(self.progress, 1e-9) - 1)
        stage = "" if cycle is None else f"  cycle {cycle + 1}"
        self.show(f"window {side}{stage}  {speed:.1f} pictures/s  parsing {parts['parsing'].item():.3f}  "
                  f"{left:.0f} min left", False)

    # ---- the run ----

    def all(self):
        """Train until the budget is used up, or until self.stop. Returns whether the run is complete."""
        network = self.model
        if processes.count() > 1:
            network = nn.parallel.DistributedDataParallel(
                self.model, broadcast_buffers=False, find_unused_parameters=not self.schedule.decoupled)
        window, batches, saved, scored = None, None, self.elapsed, self.elapsed
        while self.progress < 1 and not self.stop:
            if self.schedule.window(self.progress) != window:
                window = self.schedule.window(self.progress)
                batches = self.batches(*window)
            self.advance(network, batches, window)
            if self.elapsed - saved > SAVE_EVERY:
                self.save()
                saved = self.elapsed
            if self.elapsed - scored > SCORE_EVERY and self.progress < 1:
                self.score()
                scored = self.elapsed
        if batches is not None and self.progress == 1 and not self.ensemble:
            self.estimate_norms(batches)
            self.score()
        self.save()
        return self.progress == 1

    def advance(self, network, batches, window):
        """One step, with logging, scoring and saving."""
        started = time.monotonic()
        regulated = self.schedule.cycle(self.progress) is not None
        cycle = self.cycles if regulated else None
        rate = self.schedule.rate(self.progress, self.steps)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        parts = self.step(network, next(batches), cycle)
        self.steps, self.pictures = self.steps + 1, self.pictures + self.own(window[1]) * processes.count()
        self.elapsed, self.stop = processes.agreed(self.elapsed + time.monotonic() - started, self.stop, self.device)
        if self.steps % LOG_EVERY == 0:
            self.report(parts, window[0], cycle, rate)
        if regulated and (self.progress == 1 or self.schedule.cycle(self.progress) > cycle):
            self.end_cycle(batches)

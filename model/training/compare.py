#!/usr/bin/python3
"""What a choice is worth: the parts of the method, or networks near to the default one, each trained alike.

    compare.py method|network --seeds 0 1 --epochs N --out FOLDER [--jobs J] -- ARGUMENTS OF train.py...

Each is trained with each seed, all with the same arguments and over as many pictures, J at a time with an equal part of the
processor's cores each. FOLDER keeps checkpoints and logs (what is done isn't done again) and gets a table, a picture of the
curves, and the scores as JSON.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent import futures
from typing import NamedTuple

import torch

import arches
from curves import entries
from reference import DmlCsr

HERE = os.path.dirname(os.path.abspath(__file__))
SCORES = {"mean_f1": "mean F1 of all classes", "eleven": "of the 11-class sets"}
TIMED = 15  # runs of each network


class Kind(NamedTuple):
    """A choice: train.py's option for it, and what its values are called in the table."""
    option: str
    names: dict


KINDS = {
    "method": Kind("--method", {"parsing": "parsing alone", "edges": "+ decoupled edges", "csr": "+ self-regulation"}),
    "network": Kind("--variant", {name: name for name in ("edge", *arches.trials(20))}),
}


def train(kind, value, seed, args):
    """One run; its last scores."""
    out = os.path.join(args.out, f"{value}-{seed}.pt")
    threads = str(max(1, (os.cpu_count() or 1) // args.jobs))
    command = [sys.executable, os.path.join(HERE, "train.py"), "--out", out, kind.option, value, "--seed", str(seed),
               "--epochs", str(args.epochs), *args.rest]
    with open(out + ".out", "ab") as log:
        run = subprocess.run(command, check=False, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": threads})
    if run.returncode:
        sys.exit(f"compare.py: train.py failed; {out}.out says why")
    scored = [entry for entry in entries(out + ".log") if "mean_f1" in entry]
    if not scored:
        sys.exit("compare.py: there is nothing to score with: no set has a validation split")
    print(f"{kind.names[value]}, seed {seed}: {100 * scored[-1]['mean_f1']:.2f}", flush=True)
    return {key: scored[-1][key] for key in SCORES if key in scored[-1]}


@torch.no_grad()
def costs(names):
    """Columns of a table: what each network takes for a picture of its usual size. Timed in turns, so that whatever else the
    machine does is shared by all."""
    family = {**arches.named(20), **arches.trials(20)}
    models = [DmlCsr(family[name], folded=True).eval() for name in names]
    sides = [arches.INPUTS[family[name].block] for name in names]
    times = [[] for _ in names]
    for _ in range(TIMED):
        for model, side, row in zip(models, sides, times):
            start = time.perf_counter()
            model(torch.zeros(1, 3, side, side))
            row.append(1000 * (time.perf_counter() - start))
    return {"GMAC": [f"{arches.macs(family[name], side, side) / 1e9:.2f}" for name, side in zip(names, sides)],
            "million parameters": [f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}" for model in models],
            "ms in PyTorch": [f"{statistics.median(row):.0f}" for row in times]}


def table(kind, results, seeds, columns):
    """Markdown: a line a value, its cost, then the mean over the seeds and each seed's."""
    heads = [*columns, *SCORES.values()]
    lines = [f"| {kind.option[2:]} | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]
    for i, (value, name) in enumerate(kind.names.items()):
        cells = [column[i] for column in columns.values()]
        for key in SCORES:
            values = [100 * results[f"{value}-{seed}"].get(key, float("nan")) for seed in seeds]
            cells.append(f"{statistics.mean(values):.2f} ({', '.join(f'{v:.2f}' for v in values)})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="What a choice is worth.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--epochs", type=float, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("rest", nargs="+", help="arguments of train.py, after --")
    args = parser.parse_args()
    kind = KINDS[args.kind]
    os.makedirs(args.out, exist_ok=True)
    runs = [(value, seed) for seed in args.seeds for value in kind.names]
    with futures.ThreadPoolExecutor(args.jobs) as pool:
        scores = list(pool.map(lambda run: train(kind, *run, args), runs))
    results = {f"{value}-{seed}": score for (value, seed), score in zip(runs, scores)}
    with open(os.path.join(args.out, f"{args.kind}.json"), "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)
    logs = [f"{name}={args.out}/{value}-{args.seeds[0]}.pt.log" for value, name in kind.names.items()]
    subprocess.run([sys.executable, os.path.join(HERE, "curves.py"), *logs, "--by", "pictures", "--out",
                    os.path.join(args.out, "curves.png")], check=True)
    print(table(kind, results, args.seeds, costs(list(kind.names)) if args.kind == "network" else {}))


if __name__ == "__main__":
    main()

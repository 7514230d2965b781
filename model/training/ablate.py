#!/usr/bin/python3
"""What the parts of the method are worth: parsing alone, with decoupled edges, and with self-regulation.

    ablate.py --seeds 0 1 --epochs N --out FOLDER [--jobs J] -- ARGUMENT OF train.py...

Each method is trained with each seed, all with the same arguments and over as many pictures, J at a time with an equal part
of the processor's cores each. FOLDER keeps checkpoints and logs (what is done isn't done again) and gets a table and a
picture of the curves.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent import futures

from curves import entries
from schedule import METHODS

HERE = os.path.dirname(os.path.abspath(__file__))
SCORES = {"mean_f1": "mean F1 of all classes", "eleven": "of the 11-class sets"}
NAMES = {"parsing": "parsing alone", "edges": "+ decoupled edges", "csr": "+ self-regulation"}


def train(method, seed, args):
    """One run; its last scores."""
    out = os.path.join(args.out, f"{method}-{seed}.pt")
    threads = str(max(1, (os.cpu_count() or 1) // args.jobs))
    command = [sys.executable, os.path.join(HERE, "train.py"), "--out", out, "--method", method, "--seed", str(seed),
               "--epochs", str(args.epochs), *args.rest]
    with open(out + ".out", "ab") as log:
        run = subprocess.run(command, check=False, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": threads})
    if run.returncode:
        sys.exit(f"ablate.py: train.py failed; {out}.out says why")
    scored = [entry for entry in entries(out + ".log") if "mean_f1" in entry]
    if not scored:
        sys.exit("ablate.py: there is nothing to score with: no set has a validation split")
    print(f"{NAMES[method]}, seed {seed}: {100 * scored[-1]['mean_f1']:.2f}", flush=True)
    return {key: scored[-1][key] for key in SCORES if key in scored[-1]}


def table(results, seeds):
    """Markdown: a line a method, mean over the seeds and each seed's."""
    lines = ["| method | " + " | ".join(SCORES.values()) + " |", "| --- |" + " --- |" * len(SCORES)]
    for method in METHODS:
        cells = []
        for key in SCORES:
            values = [100 * results[f"{method}-{seed}"].get(key, float("nan")) for seed in seeds]
            cells.append(f"{statistics.mean(values):.2f} ({', '.join(f'{v:.2f}' for v in values)})")
        lines.append(f"| {NAMES[method]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="What the parts of the method are worth.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--epochs", type=float, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("rest", nargs="+", help="arguments of train.py, after --")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    runs = [(method, seed) for seed in args.seeds for method in METHODS]
    with futures.ThreadPoolExecutor(args.jobs) as pool:
        scores = list(pool.map(lambda run: train(*run, args), runs))
    results = {f"{method}-{seed}": score for (method, seed), score in zip(runs, scores)}
    with open(os.path.join(args.out, "ablation.json"), "w", encoding="ascii") as file:
        json.dump(results, file, indent=1)
    logs = [f"{NAMES[method]}={args.out}/{method}-{args.seeds[0]}.pt.log" for method in METHODS]
    subprocess.run([sys.executable, os.path.join(HERE, "curves.py"), *logs, "--by", "pictures", "--out",
                    os.path.join(args.out, "curves.png")], check=True)
    print(table(results, args.seeds))


if __name__ == "__main__":
    main()

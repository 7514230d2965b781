#!/usr/bin/python3
"""Plot training logs: losses, scores and learning rate over the run.

    curves.py NAME=CHECKPOINT.log... --out PICTURE.png [--by minutes|pictures]
"""
import argparse
import json

import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  the choice of the backend comes first

LOSSES = ("parsing", "binary", "category", "binary attention", "category attention")
STYLES = ("-", "--", ":", "-.")
SMOOTH = 15


def entries(path):
    """The lines of a log; the last one of a killed run may be incomplete."""
    found = []
    with open(path, encoding="ascii") as file:
        for line in file:
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return found


def smooth(values):
    """The mean of each value and those just before it."""
    return [sum(values[max(0, i - SMOOTH + 1):i + 1]) / min(i + 1, SMOOTH) for i in range(len(values))]


def draw(axes, logs, by):
    """Plot the losses of the first log, and scores and rates of all logs."""
    losses, scores, rates = axes
    steps = [entry for entry in logs[0][1] if "parsing" in entry]
    for name in LOSSES:
        if steps and name in steps[0]:
            losses.semilogy([e[by] for e in steps], smooth([e[name] for e in steps]), label=name)
    for (name, log), style in zip(logs, STYLES * len(logs)):
        scored = [entry for entry in log if "mean_f1" in entry]
        for key, color, what in (("eleven", "tab:blue", "10 of the 11-class sets"), ("mean_f1", "tab:orange", "all")):
            points = [(e[by], 100 * e[key]) for e in scored if key in e]
            if points:
                scores.plot(*zip(*points), style, color=color, marker=".", label=f"{name}: {what}")
        rated = [entry for entry in log if "rate" in entry]
        rates.plot([e[by] for e in rated], [e["rate"] for e in rated], style, color="tab:gray", label=name)
    for axis, title in zip(axes, (f"losses ({logs[0][0]})", "mean F1 on held-out pictures, %", "learning rate")):
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(by)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)


def main():
    parser = argparse.ArgumentParser(description="A picture of training logs.")
    parser.add_argument("logs", nargs="+", metavar="NAME=LOG")
    parser.add_argument("--out", required=True)
    parser.add_argument("--by", choices=("minutes", "pictures"), default="minutes")
    args = parser.parse_args()
    for text in args.logs:
        if "=" not in text:
            parser.error(f"{text!r} is not NAME=LOG")
    figure, axes = pyplot.subplots(1, 3, figsize=(13, 3.8), dpi=100)
    draw(axes, [(name, entries(path)) for name, path in (text.split("=", 1) for text in args.logs)], args.by)
    figure.tight_layout()
    figure.savefig(args.out)


if __name__ == "__main__":
    main()

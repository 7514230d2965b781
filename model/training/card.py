#!/usr/bin/python3
"""Measure a model on the validation split of each set, and write the tables of its card.

    card.py MODEL.safetensors --data PATH... [--card CARD.md] [--json SCORES.json]

PATH are sets as datasets.py reads them, untaught: CelebAMask-HQ, people, rooms. The tables take the place of what is between the
lines "<!-- scores -->" and "<!-- end -->" of the card, or are printed. Nothing is written if a validation picture is also a
training picture (leaks.py).
"""
import argparse
import json
import os
import sys

import datasets
import leaks
import safetensors
import scores

BEGIN, END = "<!-- scores -->", "<!-- end -->"


def percent(value):
    return "-" if value is None or value != value else f"{100 * value:.1f}"


def table(head, rows):
    """A Markdown table, as lines."""
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *("| " + " | ".join(row) + " |" for row in rows), ""]


def portraits(name, figures):
    """The table of all classes, in both views."""
    whole, region = figures["whole"], figures["region"]
    rows = [(label, percent(whole["f1"][label]), percent(region["f1"][label])) for label in whole["f1"]]
    rows += [(f"**{title}**", f"**{percent(whole.get(key))}**", f"**{percent(region.get(key))}**") for title, key in (
        ("mean of all but the background", "mean_f1"), ("mean of the 11-class sets'", "mean_f1_11"), ("mIoU", "miou"),
        ("boundary F1 at 2 pixels", "boundary_f1"))]
    return [f"`{name}`, {figures['pictures']} pictures, F1:", "", *table(("class", "whole picture", "region"), rows)]


def confused(figures):
    """The most frequent confusion of each class, if it affects at least a twentieth of its pixels."""
    matrix, names = figures["whole"]["confusion"], list(figures["whole"]["f1"])
    rows = []
    for i, row in enumerate(matrix):
        share, j = max((count / max(sum(row), 1), j) for j, count in enumerate(row) if j != i)
        if share >= 0.05:
            rows.append((names[i], names[j], percent(share)))
    return ["Taken for another class, most often (of the class's pixels):", "", *table(("class", "taken for", "%"), rows)]


def everything(result):
    """The lines of the card."""
    lines, sets = [], result["sets"]
    for name, figures in sets.items():
        if figures["kind"] == "portraits":
            lines += portraits(name, figures) + confused(figures)
    rows = [(f"`{name}`", str(figures["pictures"]), part, *(percent(figures[part][key]) for key in ("iou", "f1", "boundary_f1")))
            for name, figures in sets.items() if figures["kind"] == "people" for part in scores.PARTS if part in figures]
    lines += table(("set", "pictures", "what", "IoU", "F1", "boundary F1"), rows)
    rows = [(f"`{name}`, nobody in {figures['pictures']} pictures: pixels that are labelled", percent(figures["labelled"]))
            for name, figures in sets.items() if figures["kind"] == "rooms"]
    rows += [(f"`{name}`: pictures with less than 1 % labelled", percent(figures["clean"]))
             for name, figures in sets.items() if figures["kind"] == "rooms"]
    if "scenes" in result:
        rows += [(f"a face {float(part):.0%} of the frame's height is found", percent(value))
                 for part, value in result["scenes"]["found"].items()]
        rows.append(("labels that change from frame to frame of a still, noisy scene", percent(result["scenes"]["flicker"])))
    return lines + table(("", "%"), rows)


def replaced(text, lines):
    """The text of a card with its tables replaced."""
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n" + "\n".join(lines) + END + rest.split(END, 1)[1]


def main():
    parser = argparse.ArgumentParser(description="Measure a model, and write the tables of its card.")
    parser.add_argument("model")
    parser.add_argument("--data", required=True, nargs="+")
    parser.add_argument("--card", help="Markdown file whose tables are replaced")
    parser.add_argument("--json", help="file for all figures")
    args = parser.parse_args()
    show = (lambda text: print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)) if sys.stderr.isatty() else lambda _: None
    try:
        pairs = leaks.leaks(args.data)
        if pairs:
            sys.exit(f"card.py: {pairs[0][0]} is also in training, as {pairs[0][1]} ({len(pairs)} such): leaks.py lists them")
        result = scores.measure(args.model, args.data, show)
        lines = everything(result)
        if args.json:
            with open(args.json, "w", encoding="ascii") as file:
                json.dump(result, file, indent=1)
        if not args.card:
            print("\n".join(lines))
            return
        with open(args.card, encoding="utf-8") as file:
            text = replaced(file.read(), lines)
        with open(args.card + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(args.card + ".new", args.card)
    except (OSError, KeyError, ValueError, IndexError, safetensors.Malformed, datasets.Refused) as error:
        sys.exit(f"card.py: {error}")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Sums what a test run reported, and ends with the line "N passed, N failed, N skipped".

    summary.py STAGES [build folder]...

STAGES has a line "passed|failed NAME LOG" (tabs between) for every stage of tests/run that is a test of its own: a build.  From
each build folder every result is taken that its test programs printed as TAP; a program that prints none counts as one.  A
program that fails as a whole (it crashed, hung, or ended early) counts as one failure besides what it had reported.  Fuzzers
tell how much they did, so their results are printed too.
Exit status: 0 when something passed and nothing failed.
"""
import json
import os
import re
import sys

RESULT = re.compile(r"(not )?ok\b(?:\s+\d+)?(?:\s+(?!#)(?:-\s*)?((?:[^#\\]|\\.)*?))?\s*(?:#\s*(skip|todo)\b\s*(.*))?$", re.IGNORECASE)
NOTHING = re.compile(r"1\.\.0\s*#\s*skip\b\s*(.*)", re.IGNORECASE)
GOOD, SKIPPED = {"OK", "EXPECTEDFAIL"}, {"SKIP", "IGNORED"}


def subtests(output):
    """[(name, "passed" | "failed" | "skipped", reason)]"""
    found = []
    for line in output.splitlines():
        m = RESULT.match(line)
        if m:
            bad, name, directive, reason = m.groups()
            directive = (directive or "").lower()
            found.append((name or f"{len(found) + 1}", "skipped" if directive == "skip" else
                          "failed" if bool(bad) != (directive == "todo") else "passed", reason))
    return found


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures, reasons, figures = [], {}, []

    def count(how, name, log, reason=None):
        counts[how] += 1
        if how == "failed":
            failures.append((name, log))
        elif how == "skipped":
            reasons.setdefault(reason or "no reason given", []).append(name)

    with open(sys.argv[1]) as file:
        for line in file:
            how, name, log = line.rstrip("\n").split("\t")
            count(how, name, log)
    for folder in sys.argv[2:]:
        log = os.path.join(folder, "meson-logs", "testlog.txt")
        try:
            with open(os.path.join(folder, "meson-logs", "testlog.json")) as file:
                programs = [json.loads(line) for line in file]
        except OSError as e:
            count("failed", f"no test has run: {e.strerror}", e.filename)
            continue
        for program in programs:
            name, result = program["name"], program["result"]
            found = subtests(program["stdout"])
            for subtest, how, reason in found:
                count(how, f"{name}: {subtest}", log, reason)
                if how == "passed" and ":fuzz / " in name:
                    figures.append(f"{name.split(' / ')[1]}: {subtest}")
            if result not in GOOD | SKIPPED and not any(how == "failed" for _, how, _ in found):
                count("failed", f"{name}: {result.lower()}", log)
            elif not found:
                none = NOTHING.search(program["stdout"])
                count("skipped" if result in SKIPPED else "passed", name, log, none and none.group(1))
    for line in figures:
        print(line)
    for reason, names in reasons.items():
        print(f"skipped {len(names)}: {reason}  ({names[0]}{', ...' if len(names) > 1 else ''})")
    for name, log in failures:
        print(f"FAILED {name}  ({log})")
    print(", ".join(f"{counts[how]} {how}" for how in ("passed", "failed", "skipped")))
    return 1 if failures or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())

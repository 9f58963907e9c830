#!/usr/bin/env python3
"""Follows the time of a step of mixtures, hidden Markov models and topics as their sizes grow.

    pip install -r benches/peers/requirements.txt
    python benches/peers/cost.py [--repeats 5] [--json FILE] [--svg FILE] [--from FILE]

One size is changed at a time; the others stay as in the rows `gmm_step`, `hmm_step` and `lda_gibbs` of
`peers.py`, with smaller data. The dashed line is proportional to the size. `--from` draws the numbers of
an earlier `--json` again. Two threads.
"""

import argparse
import atexit
import json
import sys
from pathlib import Path

import matplotlib
import peers

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

# Row: what it is, usual sizes by name, and the values that each takes in its turn.
ROWS = {
    "gmm_step": ("Gaussian mixture, full: EM step", {
        "rows": (50_000, [12_500, 25_000, 50_000, 100_000, 200_000]),
        "columns": (16, [4, 8, 16, 32, 64]),
        "components": (8, [2, 4, 8, 16, 32]),
    }),
    "hmm_step": ("Gaussian HMM, diagonal: EM step", {
        "steps": (50_000, [12_500, 25_000, 50_000, 100_000, 200_000]),
        "columns": (4, [1, 2, 4, 8, 16]),
        "states": (8, [2, 4, 8, 16, 32]),
    }),
    "lda_gibbs": ("LDA: Gibbs sweep", {
        "documents": (4_000, [500, 1_000, 2_000, 4_000, 8_000]),
        "topics": (20, [5, 10, 20, 40, 80]),
    }),
}  # fmt: skip


def point(row, sizes, args):
    """The shortest mean time of a step, in milliseconds: a machine that others use adds to it."""
    name = f"{row}:{','.join(map(str, sizes))}"
    side = {"ours": peers.Server([str(args.binary), "serve", name, "1"], 2)}
    return min(peers.measure(side, args.repeats, args.repeat_ms)["ours"]["ms"])


def sweep(args):
    """Times by row and size."""
    found, seen = {}, {}
    for row, (_, axes) in ROWS.items():
        found[row] = {}
        for axis, (_, values) in axes.items():
            found[row][axis] = []
            for value in values:
                sizes = tuple(value if name == axis else usual for name, (usual, _) in axes.items())
                if (row, sizes) not in seen:
                    seen[row, sizes] = point(row, sizes, args)
                    print(row, sizes, f"{seen[row, sizes]:.4g} ms", file=sys.stderr, flush=True)
                found[row][axis].append([value, seen[row, sizes]])
    return found


def draw(found, path):
    """A line a row of the table, a column a size."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "cost", "font.size": 9})
    figure, axes = pyplot.subplots(3, 3, figsize=(9.6, 7.6), layout="constrained")
    for line, (row, sweeps) in zip(axes, found.items()):
        for axis, (name, points) in zip(line, sweeps.items()):
            at, ms = zip(*points)
            axis.plot(at, ms, marker="o", markersize=3)
            # Through the middle point.
            middle = len(at) // 2
            axis.plot(at, [ms[middle] * a / at[middle] for a in at], "--", color="gray", linewidth=0.8)
            axis.set(xscale="log", yscale="log", xticks=at, xticklabels=at, xlabel=name)
            axis.minorticks_off()
            axis.grid(True, alpha=0.3)
        line[0].set_ylabel("ms")
        line[0].set_title(ROWS[row][0], loc="left")
        for axis in line[len(sweeps):]:
            axis.set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def table(found):
    """Markdown: milliseconds at each size, and the growth per doubling over the largest step."""
    lines = ["| | sizes | ms | last doubling |", "| --- | --- | --- | --- |"]
    for row, sweeps in found.items():
        for name, points in sweeps.items():
            at, ms = zip(*points)
            sizes = ", ".join(f"{a:,}" for a in at)
            times = ", ".join(f"{m:.3g}" for m in ms)
            lines.append(f"| {ROWS[row][0]}, {name} | {sizes} | {times} | {ms[-1] / ms[-2]:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="repeats of each size (default 5)")
    parser.add_argument("--repeat-ms", type=float, default=100, help="least time of a repeat (default 100)")
    parser.add_argument("--binary", type=Path, help="our program, where it is built already")
    parser.add_argument("--json", type=Path, help="writes the numbers to a file")
    parser.add_argument("--from", dest="source", type=Path, help="takes the numbers from a file")
    parser.add_argument("--svg", type=Path, help="draws them")
    args = parser.parse_args()
    atexit.register(peers.end_children)
    if args.source:
        found = json.loads(args.source.read_text())["sweeps"]
    else:
        args.binary = args.binary or peers.build()
        found = sweep(args)
        if args.json:
            args.json.write_text(json.dumps({"machine": peers.machine(2), "sweeps": found}, indent=1))
    if args.svg:
        draw(found, args.svg)
    print(table(found))


if __name__ == "__main__":
    main()

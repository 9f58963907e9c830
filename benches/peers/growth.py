#!/usr/bin/env python3
"""Follows time and memory of the convolutional VAE's training step as batch, picture and width grow.

    pip install -r benches/peers/requirements.txt
    python benches/peers/growth.py [--repeats 5] [--json FILE] [--svg FILE] [--from FILE]

One of the three is changed at a time; the others stay as in the row `conv_vae` of `peers.py`, whose
protocol, threads and measure of memory are used. A picture shows PyTorch and ours with one worker
and two. `--from` draws the numbers of an earlier `--json` again.
"""

import argparse
import atexit
import json
import signal
import statistics
import sys
from pathlib import Path

import matplotlib
import peers

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

START = {"batch": 64, "side": 28, "width": 32}
SWEEPS = {
    "batch": ("examples in a batch", [8, 16, 32, 64, 128, 256]),
    "side": ("pixels along a side", [8, 16, 28, 48, 64]),
    "width": ("channels of the first stage", [8, 16, 32, 64, 128]),
}
SIDES = {"torch": "PyTorch", "ours 1": "one worker", "ours 2": "two workers"}


def point(sizes, args):
    """Median time and peak memory of each side at some sizes."""
    row = "conv_vae:" + ",".join(str(sizes[name]) for name in START)
    sides = {"torch": peers.Server([sys.executable, str(peers.HERE / "torch_rows.py"), "serve", row], 2)}
    for workers in (1, 2):
        sides[f"ours {workers}"] = peers.Server([str(args.binary), "serve", row, str(workers)], 2)
    measured = peers.measure(sides, args.repeats, args.repeat_ms)
    return {name: {"ms": statistics.median(m["ms"]), "mb": m["mb"]} for name, m in measured.items()}


def sweep(args):
    """All points; a size that several sweeps share is measured once."""
    seen, found = {}, {}
    for name, (_, values) in SWEEPS.items():
        found[name] = []
        for value in values:
            sizes = {**START, name: value}
            key = tuple(sizes.values())
            if key not in seen:
                seen[key] = point(sizes, args)
                print(sizes, seen[key], file=sys.stderr, flush=True)
            found[name].append({"at": value, **seen[key]})
    return found


def draw(found, path):
    """Time above, memory below, a column a sweep."""
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 9})
    figure, axes = pyplot.subplots(2, len(SWEEPS), figsize=(9.6, 5.4), layout="constrained")
    for column, (name, points) in enumerate(found.items()):
        at = [p["at"] for p in points]
        for line, (kind, unit) in enumerate((("ms", "ms a step"), ("mb", "peak memory, MB"))):
            axis = axes[line][column]
            for side, label in SIDES.items():
                axis.plot(at, [p[side][kind] for p in points], marker="o", markersize=3, label=label)
            axis.set(xscale="log", yscale="log", xticks=at, xticklabels=at)
            axis.minorticks_off()
            axis.grid(True, alpha=0.3)
            if column == 0:
                axis.set_ylabel(unit)
            if line == 1:
                axis.set_xlabel(SWEEPS[name][0])
    axes[0][0].legend()
    figure.savefig(path, metadata={"Date": None})


def table(found):
    """Markdown: ratios of time and memory, of our faster side."""
    lines = ["| | at | PyTorch ms | one worker | two workers | ratio | PyTorch MB | ours MB |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, points in found.items():
        for p in points:
            best = min(("ours 1", "ours 2"), key=lambda side: p[side]["ms"])
            ms = " | ".join(f"{p[side]['ms']:.4g}" for side in SIDES)
            ratio = p[best]["ms"] / p["torch"]["ms"]
            lines.append(f"| {SWEEPS[name][0]} | {p['at']} | {ms} | {ratio:.2f} "
                         f"| {p['torch']['mb']:.0f} | {p[best]['mb']:.0f} |")  # fmt: skip
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="repeats a side (default 5)")
    parser.add_argument("--repeat-ms", type=float, default=200, help="least time of a repeat (default 200)")
    parser.add_argument("--binary", type=Path, help="our program, where it is built already")
    parser.add_argument("--json", type=Path, help="writes the numbers to a file")
    parser.add_argument("--from", dest="source", type=Path, help="takes the numbers from a file")
    parser.add_argument("--svg", type=Path, help="draws them")
    return parser.parse_args()


def main():
    args = arguments()
    atexit.register(peers.end_children)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
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

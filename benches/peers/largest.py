#!/usr/bin/env python3
"""The largest batch of a training step that fits a card, ours and PyTorch's.

    python benches/peers/largest.py --binary PATH/peers [--device cuda] [--sides "torch f32,ours cuda"]
        [--rows "diffusion_train:{},32,64=128;language_train:{},12,768=8"] [--limit 90] [--most 65536]

A row has `{}` in the place of the batch, and behind `=` where the search begins. The batch is doubled until a step fails,
and then the gap is halved until it is an eighth of the batch. Each try is a process of its own. A try that takes longer
than `--limit` seconds ends the search of that row: kernels may still be chosen, and that says nothing of memory.
"""

import argparse
import threading
from pathlib import Path

import cards

ROWS = "diffusion_train:{},32,64=128;language_train:{},12,768=8"
SIDES = "torch f32,torch bf16,ours cuda,ours wgpu"


class TooSlow(Exception):
    """A try that was stopped."""


def fits(row, side, args):
    """Whether the process takes two steps."""
    card = cards.Card(side, row, args)
    stopped = threading.Event()

    def stop():
        stopped.set()
        card.process.kill()

    timer = threading.Timer(args.limit, stop)
    timer.start()
    try:
        card.line("ready")
        card.repeat(2)
        return True
    except (RuntimeError, BrokenPipeError, ValueError, SystemExit):
        if stopped.is_set():
            raise TooSlow from None
        return False
    finally:
        timer.cancel()
        card.end()


def largest(row, first, side, args):
    """The largest batch that fits, and the smallest that does not; 0 and none where there is no such batch."""
    good, bad, batch = 0, None, first
    try:
        while batch <= args.most and (bad is None or bad - good > max(1, good // 8)):
            ok = fits(row.format(batch), side, args)
            print(f"  {side}, batch {batch}: {'fits' if ok else 'does not fit'}", flush=True)
            good, bad = (batch, bad) if ok else (good, batch)
            batch = 2 * good if bad is None else (good + bad) // 2
            if batch == 0:
                break
    except TooSlow:
        print(f"  {side}, batch {batch}: no step within {args.limit:g} s", flush=True)
    return good, bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--device", default="cuda", help="PyTorch's device")
    parser.add_argument("--rows", default=ROWS)
    parser.add_argument("--sides", default=SIDES)
    parser.add_argument("--limit", type=float, default=90.0)
    parser.add_argument("--most", type=int, default=65536)
    parser.add_argument("--log", help="a file for what the processes say")
    args = parser.parse_args()
    print(cards.machine())
    for entry in args.rows.split(";"):
        row, first = entry.rsplit("=", 1)
        print(row, flush=True)
        for side in args.sides.split(","):
            good, bad = largest(row, int(first), side, args)
            end = "not searched further" if bad is None else f"{bad} does not fit"
            print(f"{row} {side}: {good} ({end})", flush=True)


if __name__ == "__main__":
    main()

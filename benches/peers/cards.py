"""The rows that fill a card, both sides on it: `peers.py --device cuda`.

PyTorch runs four times: eager in f32, with TF32 in products and convolutions, compiled, and in bf16 by
autocast. Ours runs by `cuda` and by `wgpu` in f32, each where the program has it. A row that one side
cannot run (not enough memory, say) is left out for that side. Times are of runs that end when the card
has ended them; the first runs choose kernels and are not counted.
"""

import atexit
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import peers

SIZES = {
    "matmul:4096": "product of 4096x4096 matrices",
    "vae:4096": "VAE 784-400-20, batch 4,096: training step",
    "conv_vae:1024,32,64": "convolutional VAE 32x32, 64 and 128 channels, batch 1,024: training step",
    "dcgan:512,64": "DCGAN 28x28, batch 512: full iteration",
    "diffusion_train:128,32,64": "diffusion, U-Net 64-128-256 of 3x32x32, batch 128: training step",
    "diffusion_train:32,64,64": "the same network of 3x64x64, batch 32: training step",
    "diffusion_sample:64,32,64": "the same: 64 pictures of 3x32x32 in 50 steps",
    "language_train:8,12,768": "GPT of 124M parameters, 8 x 1,024 tokens: training step",
    "language_write:16,12,768": "the same: 16 texts of 128 tokens",
}
HOW = ["f32", "tf32", "compiled", "bf16"]
OURS = ["cuda", "wgpu"]


def command(side, row, args):
    """The process of a side, and what it needs in its environment."""
    kind, how = side.split()
    if kind == "torch":
        script = str(peers.HERE / "torch_rows.py")
        return [sys.executable, script, "serve", row, args.device, how], {}
    return [str(args.binary), "serve", row, "1"], {"PYROGEN_BENCH_DEVICE": how}


class Card(peers.Server):
    """A side on the card: a failure is an answer."""

    def __init__(self, side, row, args):
        line, extra = command(side, row, args)
        log = open(args.log, "a") if args.log else subprocess.DEVNULL
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log, "text": True}
        self.process = subprocess.Popen(line, env={**os.environ, **extra}, **pipes)
        peers.CHILDREN.append(self.process)
        self.runs = 1

    def line(self, expected=""):
        line = self.process.stdout.readline().strip()
        if not line.startswith(expected) or not line:
            raise RuntimeError(f"ended with {self.process.wait()}")
        return line

    def end(self):
        self.process.kill()
        self.process.wait()


def measured(server, args):
    """Times of a side, one after the other: two sides at once would share the card."""
    started = time.perf_counter()
    try:
        server.line("ready")
        server.warm_up(args.repeat_ms)
        warm = time.perf_counter() - started
        times = [server.repeat() for _ in range(args.repeats)]
        return {"ms": times, "median": statistics.median(times), "warm_s": warm}
    except (RuntimeError, BrokenPipeError, ValueError, SystemExit) as error:
        return {"failed": str(error)}
    finally:
        server.end()


def machine():
    if not shutil.which("nvidia-smi"):
        return "no card"
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True)
    return done.stdout.strip() or "no card"


def table(rows):
    """Milliseconds of each side, and ours by eager f32 and by TF32."""
    sides = [f"torch {how}" for how in HOW] + [f"ours {how}" for how in OURS]
    number = lambda found: f"{found['median']:.4g}" if "median" in found else "-"
    ratio = lambda a, b: f"{a['median'] / b['median']:.2f}" if "median" in a and "median" in b else "-"
    lines = [["row", *sides, "cuda by f32", "cuda by tf32", "wgpu by f32"]]
    for row, found in rows.items():
        of = lambda side: found.get(side, {})
        lines.append([SIZES.get(row, row), *(number(of(side)) for side in sides),
                      ratio(of("ours cuda"), of("torch f32")), ratio(of("ours cuda"), of("torch tf32")),
                      ratio(of("ours wgpu"), of("torch f32"))])  # fmt: skip
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def run(args):
    about = {"card": machine(), **peers.machine(os.cpu_count())}
    print(about, file=sys.stderr)
    sides = args.sides.split(",") if args.sides else [f"torch {h}" for h in HOW] + [f"ours {h}" for h in OURS]
    atexit.register(peers.end_children)
    work = [(row, side) for row in args.rows or SIZES for side in sides]
    rows = {}
    for row, side in work:
        # One process at a time: another one that starts or tunes would take from the card.
        found = measured(Card(side, row, args), args)
        rows.setdefault(row, {})[side] = found
        print(row, side, found, file=sys.stderr, flush=True)
        if args.json:
            Path(args.json).write_text(json.dumps({"machine": about, "rows": rows}, indent=1))
    print(table(rows))

#!/usr/bin/env python3
"""Times PyTorch and Pyrogen on the same work, in turn, in one run, and prints a table.

    pip install -r benches/peers/requirements.txt
    python benches/peers/peers.py [--rows a,b] [--repeats 7] [--json FILE] [--markdown]

Each side of each row is a process of its own that stays for the row: it warms up, then does one
repeat whenever it is asked. The sides are asked in turn. Both have two threads. A ratio is ours by
PyTorch's: below 1 we are faster. `ratio` divides the medians, `pairs` is the median of the ratios of
neighbouring repeats, which suffers less from a machine that is busy now and then, and `fastest`
divides the shortest times. On a machine that others use, PyTorch's threads wait for each other and
no ratio is worth much. Memory is the largest resident size of the process, for PyTorch without the
libraries for GPUs that its package on PyPI loads.
"""

import argparse
import atexit
import datetime
import json
import math
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHILDREN = []
ROOT = HERE.parent.parent

# Rows that our program serves under another name, and what each row is.
DISTRIBUTIONS = [f"{name}_{what}" for name in ("normal", "gamma", "categorical", "mvn") for what in ("log_prob", "sample")]
REGIMES = ["hmm_step", "hmm_viterbi", "hmm_score"]
OURS = {"adam_fused": "adam"} | {f"np_{row}": row for row in DISTRIBUTIONS}
OURS |= {f"rs_{row}": row for row in REGIMES}
WRITING = ["write_1", "write_16", "write_64", "prefill"]
OURS |= {f"hf_{row}": f"lm_{row}" for row in WRITING}
ABOUT = {
    "matmul": "product of 1024x1024 matrices",
    "vae": "VAE 784-400-20, batch 128: training step",
    "conv_vae": "convolutional VAE 28x28, batch 64: training step",
    "vq_vae": "VQ-VAE 28x28, 512 codes, batch 64: training step",
    "resblock_forward": "residual block 64x32x32, batch 16: forward",
    "resblock_train": "the same: training step",
    "dcgan": "DCGAN 28x28, batch 64: full iteration",
    "gan_discriminator": "DCGAN 28x28, batch 64: the discriminator's step",
    "gan_generator": "the same: the generator's step",
    "gan_sample_10k": "the same: 10,000 samples",
    "maf_train": "MAF of 16 numbers, 5 layers of 2 x 64, batch 1,024: training step (zuko)",
    "maf_sample": "the same: a batch of samples (zuko)",
    "nsf_train": "the same with splines of 8 bins: training step (zuko)",
    "nsf_sample": "the same: a batch of samples (zuko)",
    "glow_train": "Glow of 2 x 8 steps on 28x28, width 64, batch 64: training step",
    "glow_sample": "the same: 64 samples",
    "tarflow_train": "TarFlow of 4 blocks x 2 layers on 28x28, width 64, batch 32: training step",
    "tarflow_sample": "the same: 64 samples",
    "gpt_forward": "GPT 6x384, context 256, batch 12: forward",
    "gpt_train": "the same: training step",
    "seq2seq_train": "transformer 3+3x256, 64 pairs of 32 and 32 tokens: training step (torch.nn.Transformer)",
    "lstm_train": "LSTM 128 to 256, 64 steps, batch 32: training step",
    "decode_1": "256 tokens of the GPT with a cache, batch 1",
    "decode_16": "the same, batch 16",
    "lm_write_1": "the library's GPT of these sizes: 256 tokens, one text (PyTorch, static cache)",
    "lm_write_16": "the same: 16 texts (PyTorch, static cache)",
    "lm_write_64": "the same: 64 texts (PyTorch, static cache)",
    "lm_int8_1": "256 tokens, one text, ours with weights of eight bits (PyTorch in f32, static cache)",
    "lm_int8_16": "the same: 16 texts",
    "lm_prefill": "a prompt of 1,024 tokens (PyTorch)",
    "lm_pairs": "byte pairs of 8,000 tokens from 5 MB of text (tokenizers)",
    "adam": "Adam step of 10 million parameters (PyTorch's default loop)",
    "adam_fused": "the same (PyTorch with fused=True)",
    "sample_10k": "10,000 samples of the demo's model",
    "frechet": "Fréchet distance of two sets of 10,000 x 2,048",
    "unet_train": "U-Net 32-64-64 of 28x28, batch 64: training step",
    "unet_denoise_1": "the same: one denoising, batch 1",
    "unet_denoise_16": "the same, batch 16",
    "unet_sample": "the same: 16 samples in 50 steps",
    "normal_log_prob": "1M normal densities",
    "normal_sample": "1M normal draws",
    "gamma_log_prob": "1M gamma densities",
    "gamma_sample": "1M gamma draws",
    "categorical_log_prob": "1M log-probabilities of 16 categories",
    "categorical_sample": "1M draws of 16 categories",
    "mvn_log_prob": "1M densities of normal vectors of 64, one covariance",
    "mvn_sample": "the same: draws",
    "first_sample": "start of the process to the first sample",
    "gmm_step": "Gaussian mixture, 100,000 x 16, 8 full components: EM step (scikit-learn)",
    "gmm_fit": "the same: a whole fit from k-means (scikit-learn)",
    "hmm_step": "Gaussian HMM, 50,000 steps, 8 states, 4 columns: EM step (hmmlearn)",
    "hmm_viterbi": "the same: most probable path (hmmlearn)",
    "hmm_score": "the same: log-likelihood (hmmlearn)",
    "words_count": "chain of order 2 over 10 million words: counting (markovify)",
    "words_sentences": "the same: 10,000 sentences that do not copy (markovify)",
    "lda_gibbs": "LDA, 8,000 documents, 20 topics: Gibbs sweep (tomotopy, two workers)",
    "lda_collapsed": "the same, collapsed sampler on one core (tomotopy, two workers)",
    "lda_pass": "the same: pass of batch variational Bayes (scikit-learn)",
}

ABOUT |= {f"rs_{row}": f"{ABOUT[row].split(' (')[0]} (hmmlearn-rs)" for row in REGIMES}
ABOUT |= {f"hf_{row}": f"{ABOUT[f'lm_{row}'].split(' (')[0]} (transformers)" for row in WRITING}
ABOUT |= {f"np_{row}": f"{ABOUT[row]} (NumPy and SciPy, double precision)" for row in DISTRIBUTIONS}

# Rows whose peer is not PyTorch, by the start of their names.
OTHERS = {
    "gmm_": "mixture_rows.py",
    "hmm_": "markov_rows.py",
    "words_": "markov_rows.py",
    "lda_": "topic_rows.py",
    "lm_": "language_rows.py",
    "hf_": "language_rows.py",
    "np_": "numpy_rows.py",
}

# A peer in Rust: a program of its own beside this script.
HMMLEARN_RS = HERE / "hmmlearn_rs" / "Cargo.toml"


class Server:
    """A process that does one repeat whenever it is asked."""

    def __init__(self, command, threads):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads)
        )
        CHILDREN.append(self.process)
        self.line("ready")
        self.runs = 1

    def line(self, expected=""):
        line = self.process.stdout.readline().strip()
        if not line.startswith(expected) or not line:
            sys.exit(f"peers.py: {self.process.args} said {line!r}; it ended with {self.process.poll()}")
        return line

    def repeat(self, runs=None):
        print(f"run {runs or self.runs}", file=self.process.stdin, flush=True)
        milliseconds, value = self.line().split()
        if not math.isfinite(float(value)):
            sys.exit(f"peers.py: {self.process.args} computed {value}")
        return float(milliseconds)

    def warm_up(self, milliseconds):
        """At least two runs and a second of them; then as many runs a repeat as fill the time."""
        spent, last = 0.0, 0.0
        for i in range(200):
            last = self.repeat(1)
            spent += last
            if i >= 1 and spent >= 1000:
                break
        self.runs = max(1, min(1000, round(milliseconds / last)))

    def end(self):
        """The largest resident size, in MB; the process is gone afterwards."""
        memory = peak_memory(self.process.pid)
        self.process.stdin.close()
        self.process.wait()
        return memory


class Starter:
    """A command that is started anew for each repeat, until it says that it is ready."""

    def __init__(self, command, threads):
        self.command, self.environment, self.memory, self.runs = command, environment(threads), 0.0, 1

    def repeat(self):
        started = time.perf_counter()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(self.command, env=self.environment, **pipes)
        if process.stdout.readline().strip() != "ready":
            sys.exit(f"peers.py: {self.command} failed")
        milliseconds = (time.perf_counter() - started) * 1e3
        self.memory = max(self.memory, peak_memory(process.pid))
        process.communicate("\n")
        return milliseconds

    def warm_up(self, _):
        self.repeat()

    def end(self):
        return self.memory


def environment(threads):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


def peak_memory(pid):
    """The largest resident size of a process, in MB.

    The kernel's VmHWM: as ru_maxrss, without what the parent had before the program was loaded.
    """
    status = Path(f"/proc/{pid}/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1])
    return (peak - gpu_libraries(pid)) / 1024


def gpu_libraries(pid):
    """Resident KB of libraries for GPUs, which a build for CPUs does not load."""
    total, counted = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            counted = bool(re.search(r"/nvidia/|/lib[^/]*(cuda|nccl|cudnn)[^/]*\.so", line))
        elif counted and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


def measure(sides, repeats, repeat_ms):
    """Times of each side, taken in turn, and its memory."""
    for side in sides.values():
        side.warm_up(repeat_ms)
    times = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            times[name].append(side.repeat())
            time.sleep(0.02)  # threads that wait for work stop spinning
    return {name: {"ms": times[name], "runs": s.runs, "mb": s.end()} for name, s in sides.items()}


def sides_of(row, args, folder):
    """Makes the processes of a row, one a side."""
    torch_rows, binary = [sys.executable, str(HERE / "torch_rows.py")], str(args.binary)
    if row == "first_sample":
        weights, model = str(folder / "weights.pt"), str(folder / "model")
        subprocess.run([*torch_rows, "write-model", weights], check=True)
        subprocess.run([binary, "write-model", model], check=True)
        return {
            "torch": Starter([*torch_rows, "first-sample", weights], args.threads),
            "ours 1": Starter([binary, "first-sample", model], args.threads),
        }
    own = OURS.get(row, row)
    if row.startswith("rs_"):
        peer = ["cargo", "run", "--release", "--quiet", "--manifest-path", str(HMMLEARN_RS), "--", "serve", own]
    else:
        script = next((s for start, s in OTHERS.items() if row.startswith(start)), "torch_rows.py")
        peer = [sys.executable, str(HERE / script), "serve", row]
    workers = args.workers if f"{own} train" in args.known else [1]
    # Ours first: it writes the files that both sides of some rows read.
    ours = {f"ours {n}": Server([binary, "serve", own, str(n)], args.threads) for n in workers}
    sides = {"torch": Server(peer, args.threads)} | ours
    if args.before and any(line.split()[0] == own for line in args.known_before):
        for count in workers:
            sides[f"before {count}"] = Server([str(args.before), "serve", own, str(count)], args.threads)
    return sides


def summary(row, measured):
    """Medians and ratios of a row; `best` is our side with the smallest median."""
    medians = {name: statistics.median(side["ms"]) for name, side in measured.items()}
    ours = [name for name in measured if name.startswith("ours")]
    before = [name for name in measured if name.startswith("before")]
    best = min(ours, key=medians.get)
    pairs = {
        name: statistics.median(a / b for a, b in zip(measured[name]["ms"], measured["torch"]["ms"]))
        for name in ours
    }
    # Each side with the number of workers that is best for it, repeat by repeat.
    fastest = lambda names: [min(ms) for ms in zip(*(measured[n]["ms"] for n in names))]
    by_before = [a / b for a, b in zip(fastest(ours), fastest(before))] if before else None
    return {
        "row": row,
        "about": ABOUT[row],
        "medians_ms": medians,
        "best": best,
        "ratio": medians[best] / medians["torch"],
        "fastest": min(min(measured[n]["ms"]) for n in ours) / min(measured["torch"]["ms"]),
        "pairs": pairs[best],
        "all_pairs": pairs,
        "by_before": statistics.median(by_before) if by_before else None,
        "memory_mb": {name: side["mb"] for name, side in measured.items()},
        "measured": measured,
    }


def table(summaries, markdown):
    header = ["row", "PyTorch ms", "ours ms", "two workers ms", "best", "ratio", "pairs",
              "fastest", "PyTorch MB", "ours MB"]  # fmt: skip
    compared = any(s["by_before"] for s in summaries)
    if compared:
        header.append("by before")
    number = lambda x: "" if x is None else f"{x:.4g}"
    rows = []
    for s in summaries:
        ms, mb = s["medians_ms"], s["memory_mb"]
        rows.append(
            [s["about"] if markdown else s["row"], number(ms["torch"]), number(ms.get("ours 1")),
             number(ms.get("ours 2")), s["best"].removeprefix("ours "), f"{s['ratio']:.2f}",
             f"{s['pairs']:.2f}", f"{s['fastest']:.2f}", f"{mb['torch']:.0f}", f"{mb[s['best']]:.0f}"]  # fmt: skip
        )
        if compared:
            rows[-1].append(f"{s['by_before']:.2f}" if s["by_before"] else "")
    if markdown:
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    pad = lambda line: "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
    return "\n".join(pad(line) for line in [header, *rows])


def machine(threads):
    """Where and when a table was made."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((l.split(":")[1].strip() for l in cpuinfo.splitlines() if "model name" in l), "")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    version = "import torch; print(torch.__version__)"
    torch = subprocess.run([sys.executable, "-c", version], capture_output=True, text=True)
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": os.getloadavg()[0],
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "torch": torch.stdout.strip(),
    }


def build(features=()):
    """Builds our program; where it is."""
    command = ["cargo", "build", "--release", "-p", "pyrogen-bench", "--bin", "peers"]
    command += ["--features", ",".join(features)] if features else []
    subprocess.run(command, cwd=ROOT, check=True)
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    out = subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(out)["target_directory"]) / "release" / "peers"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="comma-separated; all where it is not given")
    parser.add_argument("--repeats", type=int, default=7, help="repeats a side (default 7)")
    parser.add_argument("--repeat-ms", type=float, default=400, help="least time of a repeat (default 400)")
    parser.add_argument("--workers", default="1,2", help="worker threads of our training rows (default 1,2)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")
    parser.add_argument("--binary", type=Path, help="our program, where it is built already")
    parser.add_argument("--before", type=Path, help="our program of an earlier commit, asked in turn as well")
    parser.add_argument("--json", type=Path, help="writes all times to a file")
    parser.add_argument("--markdown", action="store_true", help="prints the table for the documentation")
    parser.add_argument("--device", choices=["cuda"], help="the rows that fill a card, on it (cards.py)")
    parser.add_argument("--sides", help="with --device: `torch f32,ours cuda`, say; all where not given")
    parser.add_argument("--log", help="with --device: a file for what the sides print")
    args = parser.parse_args()
    if args.device:
        args.rows = args.rows.split(";") if args.rows else None
        return args
    args.rows = args.rows.split(",") if args.rows else list(ABOUT)
    if unknown := set(args.rows) - set(ABOUT):
        parser.error(f"no row is named {', '.join(unknown)}; there are {', '.join(ABOUT)}")
    args.workers = [int(n) for n in args.workers.split(",")]
    return args


def end_children():
    """Nothing goes on where this program is stopped."""
    for child in CHILDREN:
        if child.poll() is None:
            child.kill()


def main():
    args = arguments()
    atexit.register(end_children)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args.binary = args.binary or build(["wgpu", "cuda"] if args.device else [])
    if args.device:
        import cards

        return cards.run(args)
    listed = subprocess.run([args.binary, "list"], check=True, capture_output=True, text=True)
    args.known = set(listed.stdout.splitlines())
    if args.before:
        listed = subprocess.run([args.before, "list"], check=True, capture_output=True, text=True)
        args.known_before = listed.stdout.splitlines()
    about = machine(args.threads)
    print(", ".join(f"{k} {v}" for k, v in about.items()), file=sys.stderr)
    summaries = []
    with tempfile.TemporaryDirectory() as folder:
        for row in args.rows:
            measured = measure(sides_of(row, args, Path(folder)), args.repeats, args.repeat_ms)
            summaries.append(summary(row, measured))
            print(table(summaries[-1:], False).splitlines()[1], file=sys.stderr, flush=True)
            if args.json:  # after each row: a run that is cut off leaves what it has
                args.json.write_text(json.dumps({"machine": about, "rows": summaries}, indent=1))
    print(table(summaries, args.markdown))


if __name__ == "__main__":
    main()

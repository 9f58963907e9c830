"""Times an EM step and a whole fit beside scikit-learn's, in turn, on the same rows.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 threadpoolctl
    cargo build --release -p pyrogen-mixture --example speed
    python scripts/speed.py TARGET/release/examples/speed [--repeats 7]

Both have two threads. Rows: N = 100,000, d = 16, from k = 8 Gaussians with full covariances. A fit
begins with k-means on either side and ends at a gain of 1e-3 nats per row.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "2"))

import argparse
import re
import statistics
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture

N, D, K = 100_000, 16, 8


def rows():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(K, D)) * 2
    roots = rng.normal(size=(K, D, D)) * 0.25 + np.eye(D)
    labels = rng.integers(K, size=N)
    return means[labels] + np.einsum("nij,nj->ni", roots[labels], rng.normal(size=(N, D)))


def peak_mb(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


class Ours:
    def __init__(self, binary, mode, file):
        command = [binary, f"serve-{mode}", file, str(D), str(K)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready"

    def run(self):
        print("run", file=self.process.stdin, flush=True)
        return [float(v) for v in self.process.stdout.readline().split()]

    def end(self):
        memory = peak_mb(self.process.pid)
        self.process.stdin.close()
        self.process.wait()
        return memory


def step_of(x):
    model = GaussianMixture(K, init_params="k-means++", random_state=0, max_iter=1)
    model.fit(x)

    def run():
        started = time.perf_counter()
        log, r = model._e_step(x)
        model._m_step(x, r)
        return (time.perf_counter() - started) * 1e3, log

    return run


def fit_of(x):
    seed = iter(range(1000))

    def run():
        model = GaussianMixture(K, random_state=next(seed))
        started = time.perf_counter()
        model.fit(x)
        return (time.perf_counter() - started) * 1e3, model.lower_bound_

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    x = rows()
    with tempfile.NamedTemporaryFile(suffix=".f64") as file:
        x.tofile(file.name)
        for mode, theirs in (("step", step_of(x)), ("fit", fit_of(x))):
            ours = Ours(args.binary, mode, file.name)
            for run in (theirs, ours.run):
                run()
            times = [(theirs(), ours.run()) for _ in range(args.repeats if mode == "step" else max(3, args.repeats // 2))]
            sk, us = ([t[side][0] for t in times] for side in (0, 1))
            pairs = statistics.median(b / a for a, b in zip(sk, us))
            print(f"{mode}: scikit-learn {statistics.median(sk):.1f} ms, ours {statistics.median(us):.1f} ms, "
                  f"ratio {statistics.median(us) / statistics.median(sk):.3f}, pairs {pairs:.3f}, fastest {min(us) / min(sk):.3f}; "
                  f"nats per row {times[-1][0][1]:.4f} and {times[-1][1][1]:.4f}; ours {ours.end():.0f} MB, "
                  f"scikit-learn (process with all) {peak_mb(os.getpid()):.0f} MB, rows {x.nbytes / 2**20:.0f} MB")  # fmt: skip


main()

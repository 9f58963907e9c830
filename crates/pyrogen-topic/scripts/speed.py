"""Sweeps and passes beside tomotopy and scikit-learn, in turn, on two threads each.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 tomotopy==0.14.0
    cargo build --release -p pyrogen-topic --example sweeps
    python scripts/speed.py target/release/examples/sweeps

8,000 documents of 40 to 240 words, 8,000 words, 20 topics.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

THREADS, TOPICS, WORDS, DOCUMENTS = 2, 20, 8_000, 8_000
os.environ |= {"RAYON_NUM_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": "1"}

import numpy as np
import tomotopy
from joblib import Parallel
from scipy.sparse import csr_matrix
from sklearn.decomposition import LatentDirichletAllocation


def documents():
    rng = np.random.default_rng(1)
    phi = rng.random((TOPICS, WORDS)) ** 12 / (10 + np.arange(WORDS))
    phi /= phi.sum(1, keepdims=True)
    rows = []
    for d in range(DOCUMENTS):
        theta = rng.dirichlet(np.full(TOPICS, 0.1))
        rows.append(rng.multinomial(40 + d * 37 % 201, theta @ phi))
    return csr_matrix(np.array(rows, dtype=np.int32))


class Ours:
    def __init__(self, program, file, what):
        self.process = subprocess.Popen(
            [program, file, str(WORDS), str(TOPICS), what], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout.readline().strip() == "ready"

    def __call__(self):
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline().split()[0])


def timed(f):
    def run():
        started = time.perf_counter()
        f()
        return (time.perf_counter() - started) * 1e3

    return run


def gibbs_peer(x):
    model = tomotopy.LDAModel(k=TOPICS, alpha=0.1, eta=0.01, seed=1)
    model.optim_interval = 0
    for i in range(x.shape[0]):
        row = x[i]
        model.add_doc([str(w) for w, n in zip(row.indices, row.data) for _ in range(n)])
    return timed(lambda: model.train(1, workers=THREADS))


def variational_peer(x, parallel):
    x = x.astype(np.float64)
    model = LatentDirichletAllocation(TOPICS, n_jobs=THREADS, random_state=1)
    model._init_latent_vars(WORDS, dtype=np.float64)
    return timed(lambda: model._em_step(x, total_samples=DOCUMENTS, batch_update=True, parallel=parallel))


def row(name, ours, peer, warm, repeats):
    for _ in range(warm):
        ours(), peer()
    pairs = [(ours(), peer()) for _ in range(repeats)]
    a, b = (statistics.median(p) for p in zip(*pairs))
    ratio = statistics.median(o / p for o, p in pairs)
    print(f"{name}: {a:.1f} ms, peer {b:.1f} ms, ratio {ratio:.3f}", flush=True)


def main():
    x = documents()
    print(f"{x.sum()} words, {x.nnz} pairs")
    file = str(Path(tempfile.gettempdir()) / "pyrogen-topic-speed.ldac")
    with open(file, "w") as out:
        for i in range(x.shape[0]):
            r = x[i]
            print(r.nnz, *(f"{w}:{n}" for w, n in zip(r.indices, r.data)), file=out)
    program = sys.argv[1]
    peer = gibbs_peer(x)
    row("sweep, parallel", Ours(program, file, "parallel"), peer, 20, 31)
    row("sweep, collapsed", Ours(program, file, "collapsed"), peer, 20, 15)
    with Parallel(n_jobs=THREADS) as parallel:
        row("variational pass", Ours(program, file, "variational"), variational_peer(x, parallel), 3, 5)


main()

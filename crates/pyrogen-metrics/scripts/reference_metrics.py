"""Writes tests/fixtures/reference.json: what the field's own packages give.

    python scripts/reference_metrics.py

Packages: numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, torch 2.8.0, torchmetrics 1.9.0, prdc 0.2.
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
from prdc import compute_prdc
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel
from torchmetrics.image.kid import poly_mmd

torch.set_num_threads(1)
OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "reference.json"


def draw(rng, n, d, shift, spread):
    """Correlated normal features with a scale of their own for each column, to 6 decimals."""
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    scale = np.linspace(0.2, 2.0, d)
    return np.round(rng.normal(size=(n, d)) @ mix * scale * spread + shift, 6)


def frechet_scipy(x, y):
    """As in the reference code of Heusel et al.: sqrtm of the product of the covariances."""
    m, n = x.mean(0), y.mean(0)
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.real(scipy.linalg.sqrtm(s @ t))
    return {
        "mean_term": float((m - n) @ (m - n)),
        "covariance_term": float(np.trace(s) + np.trace(t) - 2 * np.trace(root)),
    }


def frechet_roots(x, y):
    """With fewer rows than columns sqrtm of the singular product loses digits; the trace of the
    root is the sum of the singular values of the product of the centred sets."""
    m, n = x.mean(0), y.mean(0)
    f, g = (x - m) / np.sqrt(len(x) - 1), (y - n) / np.sqrt(len(y) - 1)
    root = np.linalg.svd(f @ g.T, compute_uv=False).sum()
    return {
        "mean_term": float((m - n) @ (m - n)),
        "covariance_term": float((f**2).sum() + (g**2).sum() - 2 * root),
    }


def kid(x, y, rng, subsets=4, size=20):
    cases = []
    for _ in range(subsets):
        rows_x = rng.permutation(len(x))[:size]
        rows_y = rng.permutation(len(y))[:size]
        value = poly_mmd(torch.tensor(x[rows_x]), torch.tensor(y[rows_y]))
        cases.append({"real": rows_x.tolist(), "generated": rows_y.tolist(), "value": value.item()})
    return cases


def prdc(x, y, k):
    with contextlib.redirect_stdout(io.StringIO()):
        result = compute_prdc(real_features=x, fake_features=y, nearest_k=k)
    return {"k": k} | {name: float(value) for name, value in result.items()}


def mmd(x, y, bandwidths):
    def kernel(a, b):
        return np.mean([rbf_kernel(a, b, gamma=1 / (2 * s * s)) for s in bandwidths], axis=0)

    kxx, kyy, kxy = kernel(x, x), kernel(y, y), kernel(x, y)
    n, m = len(x), len(y)
    off_x, off_y = kxx.sum() - np.trace(kxx), kyy.sum() - np.trace(kyy)
    return {
        "bandwidths": [float(b) for b in bandwidths],
        "unbiased": float(off_x / (n * (n - 1)) + off_y / (m * (m - 1)) - 2 * kxy.mean()),
        "biased": float(kxx.mean() + kyy.mean() - 2 * kxy.mean()),
    }


def median(x):
    return float(np.median(euclidean_distances(x)[np.triu_indices(len(x), 1)]))


def case(name, rng, x, y, neighbours):
    medians = {"real": median(x), "pooled": median(np.vstack([x, y]))}
    rank = min(len(x), len(y)) - 1
    return {
        "name": name,
        "real": x.tolist(),
        "generated": y.tolist(),
        "frechet": frechet_roots(x, y) if rank < x.shape[1] else frechet_scipy(x, y),
        "frechet_sqrtm": frechet_scipy(x, y),
        "kid": kid(x, y, rng),
        "prdc": [prdc(x, y, k) for k in neighbours],
        "medians": medians,
        "mmd": [
            mmd(x, y, [medians["real"]]),
            mmd(x, y, [medians["pooled"]]),
            mmd(x, y, [0.5, 1.0, 4.0]),
        ],
    }


def main():
    rng = np.random.default_rng(7)
    cases = [
        case("plain", rng, draw(rng, 60, 5, 0.0, 1.0), draw(rng, 45, 5, 0.3, 1.2), [1, 3, 5]),
        # Fewer rows than columns: both covariances are singular.
        case("few", rng, draw(rng, 24, 40, 0.0, 1.0), draw(rng, 30, 40, 0.1, 0.8), [3, 5]),
        # More rows than a block, away from the origin.
        case("long", rng, draw(rng, 300, 3, 5.0, 1.0), draw(rng, 210, 3, 5.1, 1.0), [5]),
        # Whole numbers: many points at equal distances and many duplicates.
        case(
            "ties",
            rng,
            rng.integers(0, 4, (80, 2)).astype(float),
            rng.integers(1, 6, (70, 2)).astype(float),
            [1, 5, 20],
        ),
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

"""Writes tests/fixtures/tables.json: scores of two groups, and columns of tables.

    python scripts/reference_tables.py

Packages: numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1.
"""

import json
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp
from scipy.stats.contingency import association, crosstab
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "tables.json"


def auroc(positive, negative):
    labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    value = roc_auc_score(labels, np.r_[positive, negative])
    return {"positive": positive.tolist(), "negative": negative.tolist(), "value": float(value)}


def correlation_ratio(numbers, categories):
    groups = [numbers[categories == k] for k in np.unique(categories)]
    between = sum(len(g) * (g.mean() - numbers.mean()) ** 2 for g in groups)
    return float(np.sqrt(between / ((numbers - numbers.mean()) ** 2).sum()))


def table(rng, n, shift):
    x = np.round(rng.normal(size=n) + shift, 4)
    y = np.round(0.7 * x + rng.normal(size=n), 1)  # ties
    a = np.clip(np.round(x + rng.normal(size=n)), -1, 2).astype(int) + 1
    b = (a + rng.integers(0, 2, n)) % 3
    return x, y, a, b


def associations(x, y, a, b):
    counts = crosstab(a, b).count
    return {
        "pearson": float(np.corrcoef(x, y)[0, 1]),
        "cramers_v": float(association(counts, method="cramer")),
        "correlation_ratio": correlation_ratio(x, a),
    }


def variation(a, b):
    p, q = (np.bincount(v, minlength=5) / len(v) for v in (a, b))
    return float(0.5 * np.abs(p - q).sum())


def main():
    rng = np.random.default_rng(11)
    real, generated = table(rng, 70, 0.0), table(rng, 45, 0.4)
    points = [np.stack(t[:2], 1) for t in (real, generated)]
    nearest = NearestNeighbors(n_neighbors=1).fit(points[0]).kneighbors(points[1])[0][:, 0]
    out = {
        "auroc": [
            auroc(rng.normal(0.5, 1, 40), rng.normal(0, 1, 55)),
            auroc(rng.integers(0, 6, 30).astype(float), rng.integers(-1, 5, 20).astype(float)),
            auroc(np.array([1.0]), np.array([1.0, 0.0, 2.0])),
        ],
        "tables": [
            dict(zip("xyab", (v.tolist() for v in t))) | associations(*t)
            for t in (real, generated)
        ],
        "kolmogorov_smirnov": [
            float(ks_2samp(real[i], generated[i]).statistic) for i in range(2)
        ],
        "total_variation": [variation(real[i], generated[i]) for i in (2, 3)],
        "closest": nearest.tolist(),
    }
    OUT.write_text(json.dumps(out) + "\n")


main()

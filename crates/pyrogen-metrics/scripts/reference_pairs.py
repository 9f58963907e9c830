"""Column pair trends of two small tables, by SDMetrics 0.21.0.

Run: python scripts/reference_pairs.py > tests/fixtures/pairs.json
"""
import json
import warnings
import numpy as np
import pandas as pd
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)

def table(n, shift):
    x = rng.normal(size=n) + shift
    y = 0.6 * x + rng.normal(size=n)
    a = (x + rng.normal(size=n) > 0).astype(int) + (y > 1)
    b = rng.integers(0, 3, size=n)
    b = np.where(rng.random(n) < 0.4, a, b)
    return pd.DataFrame({"x": x.round(3), "y": y.round(3), "a": a, "b": b})

real, made = table(80, 0.0), table(60, 0.3)

def binned(name):
    edges = np.histogram_bin_edges(real[name])
    return np.digitize(real[name], edges), np.digitize(made[name], edges)

def pair(i, j):
    numbers = [c in "xy" for c in (i, j)]
    r, m = real[[i, j]].copy(), made[[i, j]].copy()
    if all(numbers):
        return CorrelationSimilarity.compute(r, m)
    for c, number in zip((i, j), numbers):
        if number:
            r[c], m[c] = binned(c)
    return ContingencySimilarity.compute(r, m)

names = list("xyab")
pairs = [[i, j, float(pair(names[i], names[j]))] for i in range(4) for j in range(i)]
as_lists = lambda t: {c: t[c].tolist() for c in names}
print(json.dumps({"real": as_lists(real), "generated": as_lists(made), "pairs": pairs}))

"""Writes tests/fixtures/axes.json: M-steps of the models with common axes, by numerical optimisation.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    python scripts/reference_axes.py

The axes are exp of a skew-symmetric matrix; shapes and volumes are fitted to them in closed form, and
the criterion is minimised by BFGS from forty random starts. Shares are those of
reference_mclust.R, whose fixture is read. mclust 6.0.0 itself stops VVE at a lower optimum.
"""

import json
from pathlib import Path

import numpy as np
from scipy.linalg import expm
from scipy.optimize import minimize
from sklearn.datasets import load_iris

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
x = load_iris().data
n, d = x.shape
z = np.array(json.loads((FIXTURES / "mclust.json").read_text())["z"]).reshape(n, 3)
weights = z.sum(0)
means = (z.T @ x) / weights[:, None]
scatter = [((x - m) * r[:, None]).T @ (x - m) for m, r in zip(means, z.T)]


def axes(parameters):
    skew = np.zeros((d, d))
    skew[np.triu_indices(d, 1)] = parameters
    return expm(skew - skew.T)


def variances(q, model):
    along = np.array([np.diag(q.T @ w @ q) for w in scatter])
    if model == "VVE":
        return along / weights[:, None]
    volumes = np.exp(np.log(along).mean(1))
    return along / volumes[:, None] * volumes.sum() / n


def criterion(parameters, model):
    return float((weights[:, None] * np.log(variances(axes(parameters), model))).sum())


def best(model):
    rng = np.random.default_rng(0)
    runs = [minimize(criterion, rng.normal(size=d * (d - 1) // 2), (model,), "BFGS", options={"gtol": 1e-9}) for _ in range(40)]
    run = min(runs, key=lambda r: r.fun)
    q = axes(run.x)
    sigma = [q @ np.diag(v) @ q.T for v in variances(q, model)]
    return {"model": model, "criterion": run.fun, "sigma": np.array(sigma).ravel().tolist()}


made_by = "scripts/reference_axes.py, scipy 1.17.1, numpy 2.4.6"
value = {"made_by": made_by, "msteps": [best("EVE"), best("VVE")]}
(FIXTURES / "axes.json").write_text(json.dumps(value) + "\n")

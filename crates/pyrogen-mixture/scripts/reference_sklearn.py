"""Writes tests/fixtures/{data,em,variational}.json: EM steps and variational steps of scikit-learn.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 torch==2.8.0
    pip install --no-deps pomegranate==1.1.2 apricot-select==0.6.1
    python scripts/reference_sklearn.py FAITHFUL.csv

FAITHFUL.csv is R's `faithful` (Azzalini and Bowman 1990): a header, then number, eruptions, waiting.
Iris is scikit-learn's copy of Fisher's (1936).
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
from scipy.special import betaln, gammaln
from sklearn.datasets import load_iris
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
STEPS = 6


def flat(a):
    return [float(v) for v in np.asarray(a, dtype=float).ravel()]


def write(name, value):
    (FIXTURES / f"{name}.json").write_text(json.dumps(value) + "\n")


def shares(n, k):
    """Soft shares without randomness."""
    i, j = np.arange(1, n + 1)[:, None], np.arange(1, k + 1)[None, :]
    z = 0.3 + 0.25 * np.sin(1.7 * i + 2.9 * j) + (i % k == j - 1)
    return z / z.sum(1, keepdims=True)


def em(x, k, kind, reg):
    model = GaussianMixture(k, covariance_type=kind, reg_covar=reg)
    model._initialize(x, shares(len(x), k))
    steps = []
    for _ in range(STEPS):
        start = [flat(model.weights_), flat(model.means_), flat(model.covariances_)]
        mean_log, log_r = model._e_step(x)
        model._m_step(x, log_r)
        steps.append({
            "before": start,
            "log_likelihood": float(mean_log * len(x)),
            "weights": flat(model.weights_),
            "means": flat(model.means_),
            "covariances": flat(model.covariances_),
        })  # fmt: skip
    return {"kind": kind, "components": k, "diagonal": reg, "steps": steps, "model": model}


def pomegranate(x, run):
    """The same steps from the same start; how far it ends from scikit-learn."""
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    kind = {"full": "full", "diag": "diag"}[run["kind"]]
    weights, means, covs = (np.array(v) for v in run["steps"][0]["before"])
    k, d = run["components"], x.shape[1]
    means = means.reshape(k, d)
    covs = covs.reshape((k, d, d) if kind == "full" else (k, d))
    torch.set_default_dtype(torch.float64)
    t = lambda a: torch.tensor(a, dtype=torch.float64)
    parts = [Normal(t(m), t(c), covariance_type=kind) for m, c in zip(means, covs)]
    model = GeneralMixtureModel(parts, priors=t(weights), max_iter=STEPS, tol=-1e300)
    model.fit(t(x))
    return {
        "kind": run["kind"],
        "weights": flat(model.priors.detach().numpy()),
        "means": flat([p.means.detach().numpy() for p in model.distributions]),
        "covariances": flat([p.covs.detach().numpy() for p in model.distributions]),
    }


def wishart_log_normaliser(dof, log_det_scale, d):
    """log of the integral of |L|^((dof - d - 1)/2) exp(-trace(W^-1 L)/2)."""
    j = np.arange(d)
    gamma = d * (d - 1) / 4 * np.log(np.pi) + gammaln(0.5 * (dof - j)).sum()
    return 0.5 * dof * log_det_scale + 0.5 * dof * d * np.log(2) + gamma


def variational(x, k, kind):
    n, d = x.shape
    model = BayesianGaussianMixture(
        n_components=k, covariance_type="full", reg_covar=0.0, weight_concentration_prior_type=kind,
        weight_concentration_prior=0.3, mean_precision_prior=0.5, degrees_of_freedom_prior=d + 1.5,
    )  # fmt: skip
    model._check_parameters(x)
    model._initialize(x, shares(n, k))
    dof0, beta0, alpha0 = model.degrees_of_freedom_prior_, model.mean_precision_prior_, 0.3
    # What scikit-learn leaves out of its bound: the prior's normalisers, and powers of 2 pi.
    log_w0 = -np.linalg.slogdet(model.covariance_prior_)[1]
    constant = -0.5 * n * d * np.log(2 * np.pi)
    constant += k * (0.5 * d * np.log(beta0) - wishart_log_normaliser(dof0, log_w0, d))
    constant += k * d * (d - 1) / 4 * np.log(np.pi)
    if kind == "dirichlet_process":
        constant -= k * betaln(1.0, alpha0)
    else:
        constant += gammaln(k * alpha0) - k * gammaln(alpha0)
    steps = []
    for _ in range(STEPS):
        _, log_r = model._e_step(x)
        model._m_step(x, log_r)
        bound = model._compute_lower_bound(log_r, 0.0)
        concentration = model.weight_concentration_
        steps.append({
            "bound": float(bound + constant),
            "sklearn_bound": float(bound),
            "concentration": flat(concentration),
            "mean_precision": flat(model.mean_precision_),
            "means": flat(model.means_),
            "degrees": flat(model.degrees_of_freedom_),
            "covariances": flat(model.covariances_),
        })  # fmt: skip
    return {"kind": kind, "components": k, "constant": float(constant), "steps": steps}


def main():
    iris = load_iris().data
    rows = list(csv.reader(open(sys.argv[1])))[1:]
    faithful = np.array([[float(r[1]), float(r[2])] for r in rows])
    versions = "scripts/reference_sklearn.py, scikit-learn 1.9.1, numpy 2.4.6, pomegranate 1.1.2"
    write("data", {"iris": flat(iris), "species": [int(v) for v in load_iris().target], "faithful": flat(faithful)})
    runs = [em(iris, 3, kind, 0.0) for kind in ("full", "tied", "diag", "spherical")]
    runs.append(em(iris, 3, "full", 1e-2))
    peers = [pomegranate(iris, run) for run in runs if run["kind"] in ("full", "diag") and run["diagonal"] == 0.0]
    for run, peer in zip([runs[0], runs[2]], peers):
        last = run["steps"][-1]
        far = {key: float(np.abs(np.array(last[key]) - np.array(peer[key])).max()) for key in ("weights", "means", "covariances")}
        print("pomegranate beside scikit-learn", run["kind"], far)
    for run in runs:
        del run["model"]
    write("em", {"made_by": versions, "shares": flat(shares(150, 3)), "runs": runs, "pomegranate": peers})
    kinds = ("dirichlet_process", "dirichlet_distribution")
    write("variational", {"made_by": versions, "runs": [variational(faithful, 4, kind) for kind in kinds], "shares": flat(shares(272, 4))})


main()

#!/usr/bin/env python3
"""Writes tests/all/fixtures/hmm.json: EM steps of hmmlearn from fixed starts.

    pip install hmmlearn==0.3.3 numpy==2.4.6
    python scripts/reference_markov.py

Every case holds data, a start and the parameters after each of some steps, and the log-likelihood
before each step. hmmlearn's priors are switched off or written out, so that both sides maximise the
same function.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from hmmlearn import hmm

OUT = Path(__file__).parent.parent / "tests/all/fixtures"
STEPS = 6
warnings.filterwarnings("ignore")


def listed(x):
    return np.asarray(x).tolist()


def run(model, x, lengths, parameters):
    """Parameters after each step and log-likelihoods before it."""
    model.n_iter, model.init_params, model.tol = 1, "", -np.inf
    steps = []
    for _ in range(STEPS):
        before = model.score(x, lengths)
        model.fit(x, lengths)
        steps.append({"before": before, **{p: listed(getattr(model, p + "_")) for p in ["startprob", "transmat", *parameters]}})
    return steps


def chain(rng, k, lengths, emit):
    a = rng.dirichlet(np.ones(k), k) * 0.4 + np.eye(k) * 0.6
    rows = []
    for n in lengths:
        z = rng.integers(k)
        for _ in range(n):
            rows.append(emit(z))
            z = rng.choice(k, p=a[z])
    return np.array(rows)


def case(model, x, lengths, parameters, start):
    for name, value in start.items():
        setattr(model, name + "_", np.array(value))
    steps = run(model, x, lengths, parameters)
    states = model.predict(x, lengths)
    posterior = model.predict_proba(x, lengths)
    return {
        "x": listed(x), "lengths": list(lengths), "start": {k: listed(v) for k, v in start.items()},
        "steps": steps, "viterbi": listed(states), "posterior": listed(posterior[:40]),
        "score": model.score(x, lengths),
    }  # fmt: skip


def gaussian(form):
    rng = np.random.default_rng(5)
    k, d, lengths = 3, 2, [60, 25, 35]
    centre = np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 4.0]])
    mix = np.array([[1.0, 0.0], [0.6, 0.8]])
    x = chain(rng, k, lengths, lambda z: centre[z] + mix @ rng.normal(size=d) * (0.7 + 0.3 * z))
    base = np.array([[1.5, 0.3], [0.3, 2.0]])
    covars = {
        "spherical": np.array([1.0, 1.5, 2.0]),
        "diag": np.array([[1.0, 1.5], [1.2, 0.9], [2.0, 1.0]]),
        "full": np.array([base, base * 0.8, base * 1.3]),
        "tied": base,
    }[form]
    model = hmm.GaussianHMM(k, form, covars_prior=0.0, covars_weight=1.0, implementation="log")
    model.n_features = d
    start = {
        "startprob": [0.5, 0.3, 0.2],
        "transmat": [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]],
        "means": centre + 0.5 * rng.normal(size=centre.shape),
    }
    for name, value in start.items():
        setattr(model, name + "_", np.array(value))
    model.covars_ = covars
    for name, value in start.items():
        start[name] = listed(value)
    steps = run(model, x, lengths, ["means", "covars"])
    if form == "spherical":
        # After a fit, hmmlearn gives the matrix of a state once a column.
        for step in steps:
            assert len(step["covars"]) == k * d and step["covars"][0] == step["covars"][1]
            step["covars"] = step["covars"][::d]
    return {
        "form": form, "x": listed(x), "lengths": lengths, "start": {**start, "covars": listed(covars)},
        "steps": steps, "viterbi": listed(model.predict(x, lengths)),
        "posterior": listed(model.predict_proba(x, lengths)[:40]), "score": model.score(x, lengths),
    }  # fmt: skip


def poisson():
    rng = np.random.default_rng(6)
    lengths = [50, 30]
    x = chain(rng, 2, lengths, lambda z: rng.poisson([3.0 + 9 * z, 8.0 - 5 * z]))
    model = hmm.PoissonHMM(2, lambdas_prior=0.0, lambdas_weight=0.0, implementation="log")
    model.n_features = 2
    return case(model, x, lengths, ["lambdas"], {
        "startprob": [0.6, 0.4], "transmat": [[0.8, 0.2], [0.3, 0.7]], "lambdas": [[4.0, 7.0], [10.0, 4.0]],
    })  # fmt: skip


def categorical():
    rng = np.random.default_rng(7)
    lengths = [70, 20, 30]
    p = np.array([[0.6, 0.2, 0.1, 0.1], [0.1, 0.1, 0.3, 0.5]])
    x = chain(rng, 2, lengths, lambda z: [rng.choice(4, p=p[z])])
    model = hmm.CategoricalHMM(2, implementation="scaling", n_features=4)
    return case(model, x, lengths, ["emissionprob"], {
        "startprob": [0.5, 0.5], "transmat": [[0.8, 0.2], [0.3, 0.7]],
        "emissionprob": [[0.4, 0.3, 0.2, 0.1], [0.2, 0.2, 0.3, 0.3]],
    })  # fmt: skip


def multinomial():
    rng = np.random.default_rng(8)
    lengths = [40, 20]
    p = np.array([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]])
    x = chain(rng, 2, lengths, lambda z: rng.multinomial(7, p[z]))
    model = hmm.MultinomialHMM(2, n_trials=7, implementation="log")
    model.n_features = 3
    return case(model, x, lengths, ["emissionprob"], {
        "startprob": [0.5, 0.5], "transmat": [[0.8, 0.2], [0.3, 0.7]],
        "emissionprob": [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]],
    })  # fmt: skip


def main():
    import hmmlearn

    out = {
        "packages": {"hmmlearn": hmmlearn.__version__, "numpy": np.__version__},
        "command": "python scripts/reference_markov.py",
        "gaussian": [gaussian(form) for form in ["spherical", "diag", "full", "tied"]],
        "poisson": poisson(), "categorical": categorical(), "multinomial": multinomial(),
    }  # fmt: skip
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "hmm.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()

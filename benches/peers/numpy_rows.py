"""The rows of distributions in NumPy and SciPy, one thread, in their own double precision.

    numpy_rows.py serve ROW      as torch_rows.py
"""

import sys

import numpy as np
from scipy import special, stats
from serve import serve

MILLION = 1_000_000
rng = np.random.default_rng(1)


def np_normal():
    return rng.normal(size=MILLION), np.exp(rng.normal(size=MILLION) / 2)


def np_normal_log_prob():
    loc, scale = np_normal()
    x = rng.normal(loc, scale)
    return lambda: stats.norm.logpdf(x, loc, scale)[0]


def np_normal_sample():
    loc, scale = np_normal()
    return lambda: rng.normal(loc, scale)[0]


def np_gamma():
    return rng.random(MILLION) * 5 + 0.5, rng.random(MILLION) + 0.5


def np_gamma_log_prob():
    shape, rate = np_gamma()
    x = rng.gamma(shape) / rate
    return lambda: stats.gamma.logpdf(x, shape, scale=1 / rate)[0]


def np_gamma_sample():
    shape, rate = np_gamma()
    return lambda: (rng.gamma(shape) / rate)[0]


def np_categorical_log_prob():
    logits, x = rng.normal(size=(MILLION, 16)), rng.integers(16, size=(MILLION, 1))
    return lambda: np.take_along_axis(special.log_softmax(logits, axis=1), x, 1)[0, 0]


def np_categorical_sample():
    logits = rng.normal(size=(MILLION, 16))
    return lambda: (logits + rng.gumbel(size=logits.shape)).argmax(1)[0]


def factor():
    return np.tril(rng.normal(size=(64, 64)) * 0.5 / 8, -1) + np.eye(64)


def np_mvn_log_prob():
    lower = factor()
    x = rng.normal(size=(MILLION, 64)) @ lower.T
    normal = stats.multivariate_normal(np.zeros(64), lower @ lower.T)
    return lambda: normal.logpdf(x)[0]


def np_mvn_sample():
    lower = factor()
    return lambda: (rng.normal(size=(MILLION, 64)) @ lower.T)[0, 0]


if __name__ == "__main__":
    serve(globals()[sys.argv[2]]())

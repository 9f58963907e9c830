"""Rows of the table whose peer is scikit-learn; served as torch_rows.py does.

    mixture_rows.py serve ROW

Sizes and data are those of `benches/src/mixture.rs`. A fit begins with k-means on either side and ends at
a gain of 0.001 nats a row, or after 100 steps.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.mixture import GaussianMixture
from serve import serve

ROWS, WIDTH, COMPONENTS = 100_000, 16, 8

warnings.filterwarnings("ignore")


def clusters():
    z = np.random.default_rng(1).normal(size=(ROWS, WIDTH))
    k, j = np.arange(ROWS)[:, None] % COMPONENTS, np.arange(WIDTH)[None, :]
    return z + 3 * np.sin((k + 1.0) * (j + 1.0))


def gmm_step():
    x = clusters()
    first = GaussianMixture(COMPONENTS, init_params="k-means++", random_state=0, max_iter=1).fit(x)

    def run():
        model = GaussianMixture(
            COMPONENTS,
            max_iter=1,
            weights_init=first.weights_,
            means_init=first.means_,
            precisions_init=first.precisions_,
            init_params="random_from_data",
            random_state=0,
        )
        # What `fit` does beside its step is left out: another pass at the end, and the start.
        model._initialize_parameters(x, np.random.RandomState(0))
        started = time.perf_counter()
        log_likelihood, log_shares = model._e_step(x)
        model._m_step(x, log_shares)
        run.seconds = time.perf_counter() - started
        return log_likelihood

    return run


def gmm_fit():
    x = clusters()
    state = iter(range(1 << 30))

    def run():
        model = GaussianMixture(COMPONENTS, random_state=next(state), tol=1e-3, max_iter=100)
        return model.fit(x).lower_bound_

    return run


if __name__ == "__main__":
    serve(globals()[sys.argv[2]]())

"""Rows of the table whose peers are hmmlearn and markovify; served as torch_rows.py does.

    markov_rows.py serve ROW

Sizes are those of `benches/src/markov.rs`. hmmlearn computes with `implementation="scaling"`, its fast
form. The rows of words read the text that our program writes into the system's temporary folder.
"""

import random
import sys
import tempfile
from pathlib import Path

from serve import serve

STATES, WIDTH, STEPS = 8, 4, 50_000


def regimes():
    import numpy as np
    from hmmlearn.hmm import GaussianHMM

    t, i = np.arange(STEPS)[:, None], np.arange(WIDTH)[None, :]
    x = np.random.default_rng(1).normal(size=(STEPS, WIDTH)) + (t // 50 * 5 + i * 3) % STATES

    def model():
        m = GaussianHMM(STATES, "diag", n_iter=1, init_params="", implementation="scaling")
        m.n_features = WIDTH
        m.startprob_ = np.full(STATES, 1 / STATES)
        m.transmat_ = np.full((STATES, STATES), 0.01) + np.eye(STATES) * 0.92
        m.means_ = (np.arange(STATES)[:, None] + 3.0 * np.arange(WIDTH)[None, :]) % STATES
        m.covars_ = np.full((STATES, WIDTH), 1.5)
        return m

    return x, model


def hmm_step():
    x, model = regimes()

    def run():
        m = model()
        m.fit(x)
        return m.monitor_.history[-1]

    return run


def hmm_viterbi():
    x, model = regimes()
    m = model()
    return lambda: m.decode(x)[0]


def hmm_score():
    x, model = regimes()
    m = model()
    return lambda: m.score(x)


def text():
    return (Path(tempfile.gettempdir()) / "pyrogen-bench-words.txt").read_text()


def words_count():
    import markovify

    source = text()
    return lambda: len(markovify.NewlineText(source, state_size=2, well_formed=False).chain.model)


def words_sentences():
    import markovify

    model = markovify.NewlineText(text(), state_size=2, well_formed=False)
    random.seed(1)
    return lambda: sum(model.make_sentence() is not None for _ in range(10_000))


if __name__ == "__main__":
    serve(globals()[sys.argv[2]]())

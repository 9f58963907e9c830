"""Rows of the table whose peers are tomotopy and scikit-learn; served as torch_rows.py does.

    topic_rows.py serve ROW

Both sides read the documents that our program writes into the system's temporary folder. tomotopy samples with two workers and fixed priors.
scikit-learn makes the fifth pass over all documents with two jobs and the same limits of a document's
updates.
"""

import sys
import tempfile
from pathlib import Path

from serve import serve

TOPICS, WORDS, THREADS = 20, 8_000, 2


def documents():
    path = Path(tempfile.gettempdir()) / "pyrogen-bench-documents.ldac"
    return [[tuple(map(int, p.split(":"))) for p in line.split(" ")[1:]] for line in path.read_text().splitlines()]


def lda_gibbs():
    import tomotopy

    model = tomotopy.LDAModel(k=TOPICS, alpha=0.1, eta=0.01, seed=1)
    model.optim_interval = 0
    for document in documents():
        model.add_doc([str(w) for w, n in document for _ in range(n)])
    model.train(20, workers=THREADS)

    def run():
        model.train(1, workers=THREADS)
        return model.ll_per_word

    return run


lda_collapsed = lda_gibbs


def lda_pass():
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import LatentDirichletAllocation

    all_documents = documents()
    starts = np.cumsum([0] + [len(d) for d in all_documents])
    words = [w for d in all_documents for w, _ in d]
    counts = np.array([n for d in all_documents for _, n in d], dtype=float)
    x = csr_matrix((counts, words, starts), shape=(len(all_documents), WORDS))
    model = LatentDirichletAllocation(TOPICS, max_iter=4, learning_method="batch", n_jobs=THREADS, random_state=1)
    model.fit(x)
    from joblib import Parallel

    before = model.components_.copy()
    expected = model.exp_dirichlet_component_.copy()
    parallel = Parallel(n_jobs=THREADS)
    parallel.__enter__()

    def run():
        model.components_, model.exp_dirichlet_component_ = before.copy(), expected.copy()
        model._em_step(x, total_samples=x.shape[0], batch_update=True, parallel=parallel)
        return model.components_[0, 0]

    return run


if __name__ == "__main__":
    serve(globals()[sys.argv[2]]())

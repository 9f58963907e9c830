"""Writes tests/fixtures/{variational,coherence,prepare}.json from scikit-learn and gensim.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 gensim==4.4.0
    python scripts/reference_topics.py
"""

import json
from pathlib import Path

import gensim
import numpy as np
import sklearn
from gensim.corpora import Dictionary
from gensim.models import CoherenceModel, LdaModel, ldamodel
from gensim.models.coherencemodel import SLIDING_WINDOW_SIZES
from gensim.topic_coherence.probability_estimation import unique_ids_from_segments
from gensim.topic_coherence.text_analysis import InvertedIndexAccumulator
from scipy.sparse import csr_matrix
from scipy.special import logsumexp, psi
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
MADE_BY = f"scripts/reference_topics.py, scikit-learn {sklearn.__version__}, gensim {gensim.__version__}, numpy {np.__version__}"


def flat(a):
    return [float(v) for v in np.asarray(a, dtype=float).ravel()]


def write(name, value):
    (FIXTURES / f"{name}.json").write_text(json.dumps({"made_by": MADE_BY} | value) + "\n")


def counts(rng, documents, words, topics):
    """Documents of unequal lengths, one of them empty."""
    phi = rng.dirichlet(np.full(words, 0.2), topics)
    rows = []
    for d in range(documents):
        theta = rng.dirichlet(np.full(topics, 0.3))
        rows.append(rng.multinomial(0 if d == 3 else rng.integers(1, 60), theta @ phi))
    return np.array(rows)


def variational(rng):
    x = counts(rng, 40, 30, 4)
    topics, (alpha, eta) = 5, (0.3, 0.07)
    lam = rng.gamma(2.0, 1.0, (topics, x.shape[1])) + 0.05
    model = LatentDirichletAllocation(
        topics, doc_topic_prior=alpha, topic_word_prior=eta, max_doc_update_iter=100, mean_change_tol=1e-3,
        total_samples=len(x),
    )  # fmt: skip

    def set_topics(lam):
        model.components_ = lam.copy()
        e = psi(lam) - psi(lam.sum(1))[:, None]
        model.exp_dirichlet_component_ = np.exp(e)

    model.n_features_in_ = x.shape[1]
    model._init_latent_vars(x.shape[1], dtype=np.float64)
    set_topics(lam)
    sparse = csr_matrix(x).astype(np.float64)
    gamma, stats = model._e_step(sparse, cal_sstats=True, random_init=False)
    bound = model._approx_bound(sparse, gamma, sub_sampling=False)
    after = eta + stats
    # Batch passes, each document from ones.
    passes = [flat(after)]
    for _ in range(2):
        set_topics(np.array(passes[-1]).reshape(lam.shape))
        _, stats = model._e_step(sparse, cal_sstats=True, random_init=False)
        passes.append(flat(eta + stats))
    # One update of a batch of ten of the forty documents.
    set_topics(lam)
    _, stats = model._e_step(sparse[:10], cal_sstats=True, random_init=False)
    rate = (10.0 + 1.0) ** -0.7
    online = (1 - rate) * lam + rate * (eta + 4.0 * stats)

    gensim_model = LdaModel(
        num_topics=topics, id2word={i: str(i) for i in range(x.shape[1])}, alpha=[alpha] * topics, eta=eta,
        dtype=np.float64, iterations=100, gamma_threshold=1e-3,
    )  # fmt: skip
    gensim_model.state.sstats = lam - eta
    gensim_model.sync_state()
    corpus = [[(int(w), float(n)) for w, n in enumerate(row) if n > 0] for row in x]
    # gensim 4.4.0's own logsumexp takes matrices alone, and `bound` hands it vectors.
    ldamodel.logsumexp = logsumexp
    gensim_bound = gensim_model.bound(corpus, gamma=gamma)
    write("variational", {
        "counts": flat(x), "words": x.shape[1], "topics": topics, "alpha": alpha, "eta": eta, "lambda": flat(lam),
        "gamma": flat(gamma), "bound": float(bound), "gensim_bound": float(gensim_bound), "passes": passes,
        "perplexity": float(model._perplexity_precomp_distr(sparse, gamma)), "online": flat(online),
    })  # fmt: skip
    print("gensim's bound minus scikit-learn's:", gensim_bound - bound)


class Windows(InvertedIndexAccumulator):
    """gensim 4.4.0 compares the number of a word that is not counted by identity, which arrays do not keep."""

    def analyze_text(self, window, doc_num=None):
        for word in set(window.tolist()) - {self._none_token}:
            self._inverted_index[word].add(self._num_docs)


def coherence(rng):
    words = [f"w{i}" for i in range(24)]
    texts = []
    for d in range(60):
        own = rng.permutation(24)[:9]
        n = int(rng.integers(1, 160)) if d % 7 else int(rng.integers(1, 9))
        common = rng.random(n) < 0.3
        texts.append([words[rng.integers(24) if c else own[rng.integers(9)]] for c in common])
    texts.append([])
    dictionary = Dictionary([words])
    ids = {w: i for i, w in enumerate(words)}
    topics = [[words[i] for i in rng.permutation(24)[:6]] for _ in range(4)]
    out, as_gensim = {}, {}
    for name in ("u_mass", "c_uci", "c_npmi", "c_v"):
        corpus = [dictionary.doc2bow(t) for t in texts]
        model = CoherenceModel(topics=topics, texts=texts, corpus=corpus, dictionary=dictionary, coherence=name, processes=1)
        as_gensim[name] = flat(model.get_coherence_per_topic())
        # gensim's WordOccurrenceAccumulator forgets a repeated word when its first place leaves the window; its
        # InvertedIndexAccumulator does not.
        if name != "u_mass":
            segments = model.measure.seg(model.topics)
            model._accumulator = Windows(unique_ids_from_segments(segments), dictionary)
            model._accumulator.accumulate(texts, SLIDING_WINDOW_SIZES[name])
        out[name] = flat(model.get_coherence_per_topic())
    write("coherence", {
        "texts": [[ids[w] for w in t] for t in texts], "topics": [[ids[w] for w in t] for t in topics], "words": 24,
        "coherence": out, "as_gensim": as_gensim,
    })  # fmt: skip
    print(out, as_gensim)


def prepare():
    texts = [
        "Taxes on tea and taxes on coffee were raised.",
        "Coffee grows in the hills; tea grows in the hills, too.",
        "The hills have eyes and the sea has waves.",
        "Waves of tea, waves of coffee: raise the taxes!",
        "",
        "Sea, sea, sea.",
    ]
    cases = []
    for options in [
        {"ngram_range": (1, 1), "min_df": 1, "max_df": 1.0},
        {"ngram_range": (1, 2), "min_df": 2, "max_df": 1.0},
        {"ngram_range": (1, 3), "min_df": 1, "max_df": 0.5},
        {"ngram_range": (1, 1), "min_df": 0.5, "max_df": 4},
        {"ngram_range": (1, 2), "min_df": 1, "max_df": 1.0, "max_features": 5},
    ]:
        vectorizer = CountVectorizer(stop_words=["the", "and", "of", "on", "in", "were", "too", "have", "has"], **options)
        x = vectorizer.fit_transform(texts)
        cases.append({
            "n_grams": options["ngram_range"][1], "min_documents": options["min_df"], "max_documents": options["max_df"],
            "max_words": options.get("max_features"), "words": list(vectorizer.get_feature_names_out()),
            "counts": flat(x.toarray()),
        })  # fmt: skip
    write("prepare", {"texts": texts, "stop": ["the", "and", "of", "on", "in", "were", "too", "have", "has"], "cases": cases})


rng = np.random.default_rng(7)
variational(rng)
coherence(rng)
prepare()

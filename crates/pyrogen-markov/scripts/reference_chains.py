#!/usr/bin/env python3
"""Writes tests/all/fixtures/chains.json: probabilities of smoothed chains.

    pip install nltk==3.10.4 numpy==2.4.6
    python scripts/reference_chains.py

Kneser-Ney with one discount and Witten-Bell: `alpha_gamma` of NLTK's smoothing classes for every
context of one symbol and more; below them, where NLTK stops at counts, the interpolation with 1 / V of
Chen and Goodman (1998) is written out. Modified Kneser-Ney: their equations over dictionaries.
"""

import json
import math
import random
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

import nltk
from nltk.lm import counter as nltk_counter
from nltk.lm.smoothing import KneserNey, WittenBell
from nltk.util import everygrams

OUT = Path(__file__).parent.parent / "tests/all/fixtures/chains.json"
SYMBOLS, ORDER = 4, 2


def stream(n, seed):
    """A text whose first symbols come again, so that they have something before them."""
    rng = random.Random(seed)
    text = [0, 1, 2]
    while len(text) < n:
        last = text[-1]
        text.append(rng.choices(range(SYMBOLS), [6 if s == (last + 1) % 3 else 1 + s % 2 for s in range(SYMBOLS)])[0])
    return text + [0, 1, 2, 0, 1]


class Vocabulary:
    pass


def smoothed(cls, text, unigram, **options):
    """p(w | h) for all contexts of ORDER symbols."""
    counts = nltk_counter.NgramCounter([list(everygrams([str(s) for s in text], max_len=ORDER + 1))])
    model = cls(Vocabulary(), counts, **options)

    def probability(word, context):
        if not context:
            return unigram(word)
        lower = probability(word, context[1:])
        if counts[context].N() == 0:
            return lower
        alpha, gamma = model.alpha_gamma(word, context)
        return alpha + gamma * lower

    return [
        [probability(str(w), tuple(map(str, h))) for w in range(SYMBOLS)] for h in product(range(SYMBOLS), repeat=ORDER)
    ]


def kneser_ney(text, discount):
    before = defaultdict(set)
    for a, b in zip(text, text[1:]):
        before[b].add(a)
    total = sum(map(len, before.values()))
    types = len(before)
    unigram = lambda w: max(len(before[int(w)]) - discount, 0) / total + discount * types / total / SYMBOLS
    return smoothed(KneserNey, text, unigram, discount=discount, order=ORDER + 1)


def witten_bell(text):
    counts = Counter(text)
    types, total = len(counts), len(text)
    return smoothed(WittenBell, text, lambda w: (counts[int(w)] + types / SYMBOLS) / (total + types))


def modified(sentences, symbols, order):
    """p(w | h) of interpolated modified Kneser-Ney over sentences, `<s>` and `</s>` as in KenLM."""
    begin, end = "<s>", "</s>"
    raw = Counter()
    for s in sentences:
        words = [begin, *s, end]
        for n in range(1, order + 2):
            for i in range(len(words) - n + 1):
                raw[tuple(words[i : i + n])] += 1
    adjusted = [Counter() for _ in range(order + 1)]
    left = defaultdict(set)
    for gram in raw:
        if len(gram) > 1:
            left[gram[1:]].add(gram[0])
    for gram, count in raw.items():
        n = len(gram) - 1
        if n == order or gram[0] == begin:
            adjusted[n][gram] = count
        else:
            adjusted[n][gram] = len(left[gram])
    adjusted[0].pop((begin,))
    discounts = []
    for counts in adjusted:
        n = Counter(counts.values())
        if all(n[i] for i in (1, 2, 3)):
            y = n[1] / (n[1] + 2 * n[2])
            d = [1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
        else:
            d = [0.5, 1.0, 1.5]
        if not all(0 <= v <= i + 1 for i, v in enumerate(d)):
            d = [0.5, 1.0, 1.5]
        discounts.append(d)
    outcomes = [*range(symbols), end]

    def probability(w, h):
        n = len(h)
        lower = probability(w, h[1:]) if n else 1 / len(outcomes)
        children = {v: adjusted[n][(*h, v)] for v in outcomes if adjusted[n][(*h, v)]}
        total = sum(children.values())
        if not total:
            return lower
        cut = lambda c: discounts[n][min(c, 3) - 1] if c else 0
        count = children.get(w, 0)
        return (count - cut(count)) / total + sum(map(cut, children.values())) / total * lower

    return discounts, probability, begin, end, outcomes


def sentences():
    rng = random.Random(11)
    out = []
    for _ in range(60):
        word, words = rng.randrange(6), []
        while rng.random() < 0.85:
            words.append(word)
            word = rng.choices(range(6), [5 if v == (word * 2 + 1) % 6 else 1 for v in range(6)])[0]
        out.append(words)
    return out


def main():
    text = stream(150, 3)
    s = sentences()
    discounts, probability, begin, end, outcomes = modified(s, 6, 2)
    held = [[0, 1, 3, 1, 3], [], [5, 5, 2], [4]]
    logs = []
    for words in held:
        logs.append([])
        history = [begin]
        for w in [*words, end]:
            # A context that begins with the beginning has no longer one.
            h = tuple(history[-2:])
            logs[-1].append(math.log(probability(w, h)))
            history.append(w)
    total = sum(probability(w, (1, 3)) for w in outcomes)
    assert abs(total - 1) < 1e-12, total
    out = {
        "packages": {"nltk": nltk.__version__}, "command": "python scripts/reference_chains.py",
        "symbols": SYMBOLS, "order": ORDER, "text": text,
        "kneser_ney": {"discount": 0.6, "table": kneser_ney(text, 0.6)}, "witten_bell": witten_bell(text),
        "modified": {"symbols": 6, "order": 2, "sentences": s, "discounts": discounts, "held": held, "logs": logs},
    }  # fmt: skip
    OUT.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()

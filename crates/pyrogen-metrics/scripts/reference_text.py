"""Writes tests/fixtures/text_*.json: what the field's own packages give for texts.

    python scripts/reference_text.py

Packages: sacrebleu 2.6.0, rouge-score 0.1.2, nltk 3.10.4, mauve-text 0.4.0 (with faiss-cpu 1.15.1),
numpy 2.4.6, scikit-learn 1.9.1.
"""

import importlib
import itertools
import json
import logging
import random
from pathlib import Path

import mauve
import numpy as np
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import meteor_score
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.metrics.bleu import _get_tokenizer
from sacrebleu.significance import PairedTest
from sacrebleu.tokenizers.tokenizer_ter import TercomTokenizer

logging.disable(logging.WARNING)
inside = importlib.import_module("mauve.compute_mauve")
OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures"
RNG = random.Random(7)

# Hypothesis, first reference, second reference (None: there is none).
LINES = [
    ("The cat sat on the mat.", "The cat is sitting on the mat.", "A cat sat on a mat ."),
    ("on the mat the cat sat", "the cat sat on the mat", "the cat was on the mat"),
    ("It costs $3.50, not 1,000.00 -- or 20-30%!", "It cost $3.50, not 1,000.00 - or 20-30 %.", None),
    ("He said: &quot;A &amp; B &lt; C&quot; <skipped>and left.", 'He said: "A & B < C" and left.', "He said"),
    ("", "An empty hypothesis has a reference.", "Yes."),
    ("A hypothesis without words to meet", "", "A hypothesis"),
    ("", "", ""),
    ("   \t ", "blank", None),
    ("Word", "word", "WORD"),
    ("one two", "one two three four five six seven", "two one"),
    ("Die Straße ist naß; İstanbul, ΟΔΟΣ und Ökologie...", "Die STRASSE ist nass; istanbul, οδος und Ökologie.", None),
    ("他说：“今天天气很好。”我们走吧！", "他说：“今天的天气不错。”我们去吧！", "今天天气很好，我们走。"),
    ("東京は１２３．４万人、カタカナとひらがな。", "東京の人口は１２３．４万人。カタカナとひらがな！", None),
    ("Привет, мир! Как дела?", "Привет, мир. Как твои дела?", "Здравствуй, мир!"),
    ("مرحبا بالعالم، كيف الحال؟ ١٢٣٫٤", "مرحبا يا عالم، كيف حالك؟ ١٢٣٫٤", None),
    ("नमस्ते दुनिया। आप कैसे हैं?", "नमस्ते संसार। आप कैसे हैं?", "नमस्ते दुनिया"),
    ("สวัสดีชาวโลก วันนี้อากาศดี", "สวัสดีโลก วันนี้อากาศดีมาก", None),
    ("I ❤️ 👩‍👩‍👧 and 🇩🇪 flags 😀😀!", "I ❤️ 👩‍👧 and 🇫🇷 flags 😀!", "I love flags 😀"),
    ("C'est l'été; «où» êtes-vous ? 5€ + 3£ = §7", "C'est l'été : « où » êtes-vous? 5 € + 3 £ = § 7", None),
    ("a\u00a0b\u3000c\u2009d\u200be\u001ff", "a b c d\u200be f", "a\u0085b"),
    ("(hi) [there] {you} ~tilde~ `tick` ^caret^ a_b a/b a\\b", "( hi ) [there] {you} ~tilde~ `tick`", None),
    ("...", ". . .", "…"),
    ("1.2.3,4 .5 6. ,7 8, a.b a,b -9 9-9 a-9 9-a", "1.2.3 ,4 .5 6 . ,7 8 , a.b a ,b - 9 9 -9", None),
    ("the the the the the the the", "the cat is on the mat", "there is a cat on the mat"),
    ("John's dog's toys' 's isn't", "John 's dog 's toys ' 's is n't", "Johns dogs toys isnt"),
    ("e\u0301te\u0301 vs été", "été vs e\u0301te\u0301", None),
    ("Kelvin \u212a \ufb01ne ﬁsh ½ ² Ⅷ ①", "kelvin K fine fish 1/2 2 VIII 1", None),
    ("㈱ ㌔ 〇 々 ー ・ 「引用」【括弧】。、", "㈱㌔ 〇々ー・「引用」【括弧】", "引用"),
    ("first line.\nsecond-\nline\n-third", "first line. second- line third", "first line.\nsecond line"),
]
WORDS = "the a cat dog sat on mat house , . and was big small red in with of to it".split()


def shuffled(length):
    """A line, and one with a run moved, words replaced, put in and left out."""
    line = [RNG.choice(WORDS) for _ in range(length)]
    other = line[:]
    for _ in range(3):
        a, b = sorted(RNG.sample(range(len(other) + 1), 2))
        run, rest = other[a:b], other[:a] + other[b:]
        at = RNG.randrange(len(rest) + 1)
        other = rest[:at] + run + rest[at:]
        other[RNG.randrange(len(other))] = RNG.choice(WORDS)
        other.insert(RNG.randrange(len(other) + 1), RNG.choice(WORDS))
        other.pop(RNG.randrange(len(other)))
    return " ".join(line), " ".join(other)


def lines():
    made = [(*shuffled(n), shuffled(n)[0]) for n in (3, 5, 8, 12, 20, 30, 45)]
    made.append((*shuffled(130), None))  # words beyond the beam and beyond a word of bits
    made.append((" ".join(RNG.choice(WORDS) for _ in range(90)), "the cat", None))
    made.append(("the cat", " ".join(RNG.choice(WORDS) for _ in range(90)), None))
    made.append((" ".join(f"w{i}" for i in range(70)), " ".join(f"w{(i + 35) % 70}" for i in range(70)), None))
    # Runs of few kinds of words, so that the number of tries is used up.
    made.append((" ".join(RNG.choice("ab") for _ in range(60)), " ".join(RNG.choice("ab") for _ in range(60)), None))
    made.append((" ".join(RNG.choice("abc") for _ in range(40)), " ".join(RNG.choice("abc") for _ in range(55)), None))
    return LINES + made


def scored(metric, hypotheses, references):
    """The corpus, every segment, and the signature up to the version."""
    corpus = metric.corpus_score(hypotheses, references).score
    signature = metric.get_signature()
    single = [
        metric.sentence_score(h, [r for r in refs if r is not None]).score
        for h, *refs in zip(hypotheses, *references)
    ]
    short, long = signature.format(short=True), str(signature)
    return {
        "corpus": corpus,
        "segments": single,
        "short": short.rsplit("|", 1)[0],
        "long": long.rsplit("|", 1)[0],
    }


def references_of(data, streams):
    """One stream, both with gaps, or both whole."""
    if streams == "one":
        return [[a for _, a, _ in data]]
    if streams == "gaps":
        return [[a for _, a, _ in data], [b for _, _, b in data]]
    return [[a for _, a, _ in data], [b if b is not None else a.upper() for _, a, b in data]]


def sacrebleu_cases(data):
    cases = []

    def add(name, make, options, streams="one", lines=len(data)):
        hypotheses, references = [h for h, _, _ in data[:lines]], references_of(data[:lines], streams)
        cases.append({"metric": name, "options": options, "streams": streams, "lines": lines,
                      **scored(make(**options), hypotheses, references)})  # fmt: skip

    for tokenize in ("13a", "intl", "char", "none"):
        for streams in ("one", "gaps", "both"):
            add("bleu", BLEU, {"tokenize": tokenize}, streams)
    for method, value in (("exp", None), ("floor", None), ("floor", 0.25), ("add-k", None), ("add-k", 2.5), ("none", None)):
        for effective in (False, True):
            add("bleu", BLEU, {"smooth_method": method, "smooth_value": value, "effective_order": effective})
    for order in (1, 2, 3, 6, 9):
        add("bleu", BLEU, {"max_ngram_order": order, "lowercase": order % 2 == 1}, "gaps")
    for order, word_order in ((6, 0), (6, 2), (4, 0), (1, 1), (9, 3)):
        add("chrf", CHRF, {"char_order": order, "word_order": word_order})
        add("chrf", CHRF, {"char_order": order, "word_order": word_order}, "gaps")
    for options in ({"beta": 1}, {"beta": 3}, {"lowercase": True}, {"whitespace": True}, {"eps_smoothing": True},
                    {"eps_smoothing": True, "word_order": 2, "whitespace": True}):  # fmt: skip
        add("chrf", CHRF, options, "both")
    names = ("normalized", "no_punct", "asian_support", "case_sensitive")
    for chosen in itertools.product((False, True), repeat=4):
        # The long lines take sacrebleu minutes.
        add("ter", TER, dict(zip(names, chosen)), "gaps" if sum(chosen) % 2 else "both", len(LINES))
    add("ter", TER, {})
    return cases


def rouge_cases(data):
    texts = [(h, [a] if b is None else [a, b]) for h, a, b in data]
    texts += [
        ("The police killed the gunman.\nHe was armed.", ["The gunman was shot.\nThe police killed him.\n\nHe was armed."]),
        ("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", ["w1 w2 w3 w4 w5"]),
        ("a b a\nb a c\n\na", ["a a\nb c a b\na"]),
        ("\n\n", ["a\nb"]),
        ("running runs ran easily flies\nhappiness", ["run runner runs easy fly\nhappy"]),
        ("\n".join(shuffled(20)[0] for _ in range(5)), ["\n".join(shuffled(20)[1] for _ in range(5))]),
    ]
    kinds = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    cases = []
    for stem in (False, True):
        scorer = RougeScorer(kinds, use_stemmer=stem)
        rows = []
        for hypothesis, references in texts:
            scores = scorer.score_multi(references, hypothesis)
            rows.append([list(map(float, scores[k])) for k in kinds])
        cases.append({"stem": stem, "scores": rows})
    return {"texts": texts, "cases": cases}


class NoSynonyms:
    def synsets(self, _):
        return []


def meteor_cases(data):
    rows = []
    for h, a, b in data:
        refs = [a.split()] + ([] if b is None else [b.split()])
        plain = meteor_score(refs, h.split(), wordnet=NoSynonyms())
        other = meteor_score(refs, h.split(), wordnet=NoSynonyms(), alpha=0.5, beta=1.5, gamma=0.3)
        rows.append([plain, other])
    return rows


def stems():
    words = """caresses ponies ties caress cats feed agreed disabled matting mating meeting milling messing
    plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed failing filing
    happy sky enjoy fly spied died dies flies flying say by relational conditional rational valenci hesitanci
    digitizer conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism
    decisiveness hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize
    electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable
    defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti
    homologous effective bowdlerize probate rate cease controll roll dying lying tying news innings outing
    cannings howe proceed exceed succeed archaeology geology theologi logi biologically fully hopefully
    possibly ugly abilities yyyy syzygy eeee aeiou bcdf ies ied ing eed ed s ss us is as was this thus
    oxen boxes taxing snowing playing toyed owed awed añadiendo étés naïvely running ran generalizations
    oscillators internationally nationalization skies ally really eventually usually ion action passion
    station mission union onion million ement cement element agreement""".split()
    words += ["".join(RNG.choice("aeiouyslmtnbdgcr") for _ in range(RNG.randrange(3, 12))) for _ in range(300)]
    words += [w + e for w in ("nat", "oper", "hop", "try", "all") for e in
              ("ational", "tional", "alli", "ization", "fulness", "iveness", "biliti", "ements", "ingly", "logi", "alize", "icate")]  # fmt: skip
    stemmer = PorterStemmer()
    return {word: stemmer.stem(word) for word in words}


def tokens(data):
    rows = []
    for h, a, _ in data[: len(LINES)]:
        for text in (h, a):
            text = text.rstrip()
            row = {name: _get_tokenizer(name)()(text).split() for name in ("13a", "intl", "char", "none")}
            rows.append({"text": text, **row})
    return rows


def systems():
    """Two systems of different quality on the same references, for intervals and tests."""
    references, good, bad = [], [], []
    for _ in range(120):
        line = [RNG.choice(WORDS) for _ in range(RNG.randrange(4, 14))]
        references.append(" ".join(line))
        for system, rate in ((good, 0.20), (bad, 0.27)):
            system.append(" ".join(RNG.choice(WORDS) if RNG.random() < rate else w for w in line))
    out = {"references": references, "good": good, "bad": bad, "cases": []}
    named = [("bad", bad), ("good", good)]
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF()), ("ter", TER())):
        case = {"metric": name}
        for test, samples in (("bs", 4000), ("ar", 10000)):
            _, result = PairedTest(named, {name: metric}, [references], test_type=test, n_samples=samples)()
            both = next(v for k, v in result.items() if k != "System")
            case[test] = {"p": both[1].p_value, "scores": [both[0].score, both[1].score]}
            if test == "bs":
                case["interval"] = {"mean": float(both[0].mean), "half_width": float(both[0].ci)}
        signature = metric.get_signature()
        score = metric.corpus_score(bad, [references], n_bootstrap=1000)
        case["short"] = metric.get_signature().format(short=True).rsplit("|", 1)[0]
        assert score and signature
        out["cases"].append(case)
    return out


def mauve_cases():
    rng = np.random.RandomState(3)
    counts = []
    for clusters in (2, 7, 40):
        for kind in range(3):
            p, q = rng.randint(0, 12, clusters), rng.randint(0, 12, clusters)
            p[0], q[-1] = p[0] + 1, q[-1] + 1
            if kind == 2:
                q = p * 3
            shares = p / p.sum(), q / q.sum()
            smooth = (p + 0.5) / (p + 0.5).sum(), (q + 0.5) / (q + 0.5).sum()
            row = {"p": p.tolist(), "q": q.tolist(), "values": []}
            for a, b in (shares, smooth):
                weights = np.linspace(1e-6, 1 - 1e-6, 25)
                x, y = inside.get_divergence_curve_for_multinomials(a, b, weights, 5).T
                i, j = np.argsort(x), np.argsort(y)
                auc = inside.compute_area_under_curve
                # Where both are equal every point is (1, 1) up to rounding, and the order is a matter of luck.
                area = 1.0 if np.allclose(a, b) else 0.5 * (auc(x[i], y[i]) + auc(y[j], x[j]))
                row["values"] += [float(area), float(inside.get_fronter_integral(a, b))]
            counts.append(row)
    # Five groups so far apart that every good clustering finds them.
    centres = np.eye(5, 6) * 8
    sample = lambda weights: np.concatenate(
        [np.round(centres[i] + 1 + rng.randn(n, 6) * 0.1, 3) for i, n in enumerate(weights)]
    )
    real, generated = sample((10, 20, 5, 15, 10)), sample((20, 10, 15, 5, 10))
    out = mauve.compute_mauve(p_features=generated, q_features=real, num_buckets=5, kmeans_num_redo=20)
    groups = {"real": real.tolist(), "generated": generated.tolist(),
              "values": [out.mauve, out.frontier_integral, out.mauve_star, out.frontier_integral_star]}  # fmt: skip
    return {"counts": counts, "groups": groups}


def self_bleu_case():
    texts = [" ".join(RNG.choice(WORDS) for _ in range(RNG.randrange(3, 12))) for _ in range(25)]
    texts += texts[:2]
    values = []
    for order in (2, 4):
        metric = BLEU(effective_order=True, max_ngram_order=order)
        scores = [metric.sentence_score(t, texts[:i] + texts[i + 1 :]).score for i, t in enumerate(texts)]
        values.append({"order": order, "value": sum(scores) / len(scores)})
    return {"texts": texts, "values": values}


def write(name, value):
    text = json.dumps(value, ensure_ascii=False)
    assert len(text.encode()) < 200_000, (name, len(text.encode()))
    (OUT / name).write_text(text + "\n")
    print(name, len(text.encode()))


def main():
    data = lines()
    write("text_sacrebleu.json", {"lines": data, "cases": sacrebleu_cases(data), "tokens": tokens(data)})
    rouge = rouge_cases(data)
    write("text_rouge.json", {"rouge": rouge, "meteor": meteor_cases(data), "stems": stems()})
    write("text_systems.json", {"systems": systems(), "mauve": mauve_cases(), "self_bleu": self_bleu_case()})


if __name__ == "__main__":
    main()

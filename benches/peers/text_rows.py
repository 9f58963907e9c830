"""The text rows in sacrebleu and rouge-score: `text_rows.py serve ROW`, as torch_rows.py.

The files are named by PYROGEN_BENCH_HYP and PYROGEN_BENCH_REF.
"""

import logging
import os
import sys
import time

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF, TER

logging.disable(logging.WARNING)


def lines(variable):
    with open(os.environ[variable], encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n") for line in file]


def corpus(make):
    def run(hypotheses, references):
        return make().corpus_score(hypotheses, [references]).score

    return run


def rouge(hypotheses, references):
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
    scores = [scorer.score(r, h)["rouge1"].fmeasure for h, r in zip(hypotheses, references)]
    return sum(scores) / len(scores)


ROWS = {"text_bleu": corpus(BLEU), "text_chrf": corpus(CHRF), "text_ter": corpus(TER), "text_rouge": rouge}


def clear():
    """sacrebleu keeps the last 65,536 tokenized lines: a repeat should find none of them."""
    import gc

    for found in gc.get_objects():
        if type(found).__name__ == "_lru_cache_wrapper" and "sacrebleu" in str(found.__module__):
            found.cache_clear()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "serve":
        sys.exit(__doc__)
    run = ROWS[sys.argv[2]]
    hypotheses, references = lines("PYROGEN_BENCH_HYP"), lines("PYROGEN_BENCH_REF")
    print("ready", flush=True)
    for request in sys.stdin:
        runs, spent = int(request.removeprefix("run ")), 0.0
        for _ in range(runs):
            clear()
            started = time.perf_counter()
            value = run(hypotheses, references)
            spent += time.perf_counter() - started
        print(spent * 1e3 / runs, value, flush=True)

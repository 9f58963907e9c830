"""Which tokens the logits processors of `transformers` leave, on random logits.

Packages: torch 2.8.0, transformers 5.23.
Command: python scripts/reference_warpers.py
Writes tests/fixtures/warpers.json: logits, tokens before, and for each processor the tokens that stay
(and the logits, where it changes them).
"""

import json
from pathlib import Path

import torch
import transformers
from transformers.generation import logits_process as lp

OUT = Path(__file__).parent.parent / "tests/fixtures/warpers.json"
generator = torch.Generator().manual_seed(7)
VOCABULARY = 60


def rounded(values):
    return [float(f"{v:.6g}") for v in values]


cases = []
for scale in [0.5, 1.0, 2.0, 4.0]:
    logits = torch.tensor([rounded((torch.randn(VOCABULARY, generator=generator) * scale).tolist())])
    before = torch.randint(0, 12, (1, 30), generator=generator)
    steps = []
    for k in [1, 5, 40]:
        steps.append(({"top_k": k}, lp.TopKLogitsWarper(k)))
    for p in [0.1, 0.5, 0.9, 0.99]:
        steps.append(({"top_p": p}, lp.TopPLogitsWarper(p)))
        steps.append(({"typical": p}, lp.TypicalLogitsWarper(p)))
    for p in [0.02, 0.1, 0.5]:
        steps.append(({"min_p": p}, lp.MinPLogitsWarper(p)))
    for e in [0.0005, 0.01, 0.1]:
        steps.append(({"eta": e}, lp.EtaLogitsWarper(e)))
    for t in [0.7, 1.5]:
        steps.append(({"temperature": t}, lp.TemperatureLogitsWarper(t)))
    for r in [0.8, 1.3]:
        steps.append(({"repetition": r}, lp.RepetitionPenaltyLogitsProcessor(r)))
    for n in [1, 2, 3]:
        steps.append(({"no_repeat": n}, lp.NoRepeatNGramLogitsProcessor(n)))
    results = []
    for step, warper in steps:
        out = warper(before, logits.clone())[0]
        left = [i for i in range(VOCABULARY) if torch.isfinite(out[i])]
        entry = {"step": step, "left": left}
        if next(iter(step)) in ("temperature", "repetition"):
            entry["logits"] = rounded(out.tolist())
        results.append(entry)
    cases.append({"logits": logits[0].tolist(), "before": before[0].tolist(), "results": results})
OUT.parent.mkdir(parents=True, exist_ok=True)
versions = {"torch": torch.__version__, "transformers": transformers.__version__}
OUT.write_text(json.dumps({"versions": versions, "cases": cases}))
print(OUT.stat().st_size, versions)

"""Contrastive search and beam search in diverse groups, by the formulas of their papers.

Packages: torch 2.8.0, transformers 5.23 (the networks alone: transformers 5 has neither search any more).
Command: python scripts/reference_decoding.py
Reads tests/fixtures/models.json and writes tests/fixtures/decoding.json: the tokens of each search. Every
sequence is computed anew from its first token; nothing is cached.

Contrastive search (Su et al. 2022, equation 5):
    token = argmax over the k most probable v of (1 - alpha) p(v) - alpha max_j cos(h(v), h(x_j)).
Diverse groups (Vijayakumar et al. 2018, algorithm 1, Hamming diversity): in each step the groups choose one
after the other the best continuations y by ln p(y) - diversity * (number of beams of earlier groups that go
on with the same token in this step).
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).parent.parent / "tests/fixtures"
START = END = 10
torch.set_num_threads(1)


def network(described):
    kind = described["name"]
    make = (GPT2LMHeadModel, GPT2Config) if kind.startswith("gpt2") else (LlamaForCausalLM, LlamaConfig)
    model = make[0](make[1](**described["config"])).double().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.tensor(described["weights"][name]["values"], dtype=torch.float64).reshape(p.shape))
    return model


@torch.no_grad()
def read(model, tokens):
    """ln p of the next token, and the features of every token."""
    out = model(torch.tensor([tokens]), output_hidden_states=True)
    return out.logits[0, -1].log_softmax(-1), out.hidden_states[-1][0]


def contrastive(model, prompt, alpha, k, most):
    tokens, written, nats, gap = [START] + prompt, [], 0.0, float("inf")
    while len(written) < most:
        log_p, before = read(model, tokens)
        allowed = log_p.clone()
        best = allowed.topk(k).indices.tolist()
        scores = []
        for v in best:
            _, features = read(model, tokens + [v])
            near = torch.cosine_similarity(features[-1:], before, dim=-1).max()
            scores.append(((1 - alpha) * log_p[v].exp() - alpha * near).item())
        order = sorted(range(k), key=lambda i: -scores[i])
        if k > 1:
            gap = min(gap, scores[order[0]] - scores[order[1]])
        token = best[order[0]]
        nats -= log_p[token].item()
        if token == END:
            return written, nats, "end", gap
        tokens.append(token)
        written.append(token)
    return written, nats, "length", gap


def diverse(model, prompt, beams, groups, diversity, length_penalty, least, most):
    """The candidates of every group, and all of them the best first."""
    width = beams // groups
    live = [[((), 0.0)] for _ in range(groups)]
    done = [[] for _ in range(groups)]
    rank = lambda nats, n: -nats / n ** length_penalty
    gap = float("inf")
    for step in range(1, most + 1):
        taken = {}
        for g in range(groups):
            found = []
            for written, nats in live[g]:
                log_p, _ = read(model, [START] + prompt + list(written))
                for v in range(11):
                    if v == END and step <= least:
                        continue
                    total = nats - log_p[v].item()
                    found.append((total + diversity * taken.get(v, 0), total, written + (v,)))
            found.sort()
            if len(found) > width:
                gap = min(gap, found[width][0] - found[width - 1][0])
            live[g] = []
            for i, (_, nats, written) in enumerate(found):
                if len(live[g]) == width:
                    break
                if written[-1] != END:
                    live[g].append((written, nats))
                elif i < width:
                    done[g].append((rank(nats, len(written)), nats, written, "end"))
            for written, _ in live[g]:
                taken[written[-1]] = taken.get(written[-1], 0) + 1
    out = []
    for g in range(groups):
        done[g] += [(rank(nats, len(written)), nats, written, "length") for written, nats in live[g]]
        done[g].sort(key=lambda c: -c[0])
        out += done[g][:width]
    out.sort(key=lambda c: -c[0])
    return out, gap


described = {m["name"]: m for m in json.loads((FIXTURES / "models.json").read_text())["models"]}
cases = {"contrastive": [], "diverse": []}
for name, context in [("gpt2", 8), ("llama", 16)]:
    model = network(described[name])
    for prompt in [[], [0, 1], [7, 3, 3]]:
        most = context - len(prompt) - 1
        for alpha, k in [(0.0, 3), (0.3, 4), (0.6, 5), (0.9, 8), (0.5, 1)]:
            written, nats, finish, gap = contrastive(model, prompt, alpha, k, most)
            if gap < 1e-4:
                continue  # The order hangs on rounding.
            cases["contrastive"].append({"model": name, "prompt": prompt, "alpha": alpha, "k": k, "most": most,
                                         "tokens": written, "nats": nats, "finish": finish})
        for beams, groups, diversity, penalty, least in [
                (6, 1, 0.0, 1.0, 0), (6, 2, 0.7, 1.0, 0), (6, 3, 0.4, 0.0, 2), (4, 4, 2.0, 1.5, 4)]:
            most = min(5, context - len(prompt) - 1)
            found, gap = diverse(model, prompt, beams, groups, diversity, penalty, min(least, most), most)
            if gap < 1e-5:
                continue
            cases["diverse"].append({
                "model": name, "prompt": prompt, "beams": beams, "groups": groups, "diversity": diversity,
                "length_penalty": penalty, "least": min(least, most), "most": most,
                "candidates": [{"rank": r, "nats": n, "tokens": list(t), "finish": f} for r, n, t, f in found]})
versions = {"torch": torch.__version__, "transformers": transformers.__version__}
out = FIXTURES / "decoding.json"
out.write_text(json.dumps({"versions": versions, **cases}))
print(out.stat().st_size, versions, {k: len(v) for k, v in cases.items()})
for c in cases["contrastive"]:
    print(c["model"], c["prompt"], c["alpha"], c["k"], c["tokens"], c["finish"])

"""Writes tests/fixtures/vq.json: loss terms, gradients and averages of VQ autoencoders in PyTorch.

Written from van den Oord et al. 2017 (eq. 3, appendix A.1), Zeghidour et al. 2021 (algorithm 1) and,
for codes that begin anew, Dhariwal et al. 2020. The weights, examples and noise are rounded to f32;
everything is computed in f64.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_vq.py
"""

import math

import torch
from torch import nn

from fixture import array, number, rounded, write

torch.set_num_threads(1)
torch.manual_seed(13)
torch.set_default_dtype(torch.float64)

BATCH = 5
MLP = {"mlp": {"hidden": [6], "activation": "tanh", "positions": 3}}
CONV = {"conv": {"channels": [3], "activation": "tanh"}}
BASE = {"codes": 4, "dim": 2, "levels": 1, "commitment": 0.25, "decoder": "bernoulli"}


def average(decay, restart):
    return {"average": {"decay": decay, "restart": restart}}


CONFIGS = {
    "gradient": {**BASE, "event": [6], "network": MLP, "learning": "gradient"},
    "gradient, residual": {
        **BASE,
        "event": [6],
        "network": MLP,
        "learning": "gradient",
        "levels": 3,
        "commitment": 0.5,
    },
    "average": {**BASE, "event": [1, 5, 4], "network": CONV, "learning": average(0.9, 0.0)},
    # More codes than are used, so that some begin anew.
    "average, restart, residual": {
        **BASE,
        "event": [6],
        "network": MLP,
        "learning": average(0.5, 0.4),
        "codes": 8,
        "levels": 2,
    },
}


class Vq:
    def __init__(self, config):
        self.config = config
        event, dim = config["event"], config["dim"]
        features = math.prod(event)
        network, options = next(iter(config["network"].items()))
        self.conv = network == "conv"
        if self.conv:
            channels = options["channels"][0]
            grid = [(s + 1) // 2 for s in event[1:]]
            self.grid, self.positions = grid, math.prod(grid)
            more = [int(s % 2 == 0) for s in event[1:]]
            self.named = {
                "encoder.stages.0": nn.Conv2d(event[0], channels, 3, 2, 1),
                "encoder.head": nn.Conv2d(channels, dim, 1),
                "decoder.head": nn.Conv2d(dim, channels, 3, 1, 1),
                "decoder.stages.0": nn.ConvTranspose2d(channels, event[0], 3, 2, 1, more),
            }
        else:
            hidden, self.positions = options["hidden"][0], options["positions"]
            self.named = {
                "encoder.layers.0": nn.Linear(features, hidden),
                "encoder.layers.1": nn.Linear(hidden, self.positions * dim),
                "decoder.layers.0": nn.Linear(self.positions * dim, hidden),
                "decoder.layers.1": nn.Linear(hidden, features),
            }
        for layer in self.named.values():
            for p in layer.parameters():
                p.data = rounded(2 * p.data)
        k, levels = config["codes"], config["levels"]
        codes = [rounded(torch.randn(k, dim) / (level + 1)) for level in range(levels)]
        self.averaged = config["learning"] != "gradient"
        self.usage = rounded(torch.softmax(torch.randn(self.positions * levels, k), 1))
        if self.averaged:
            self.counts = [rounded(0.5 + torch.rand(k)) for _ in codes]
            self.sums = [rounded(c * n[:, None]) for c, n in zip(codes, self.counts)]
        else:
            self.codes = [c.requires_grad_() for c in codes]

    def codebooks(self):
        if not self.averaged:
            return self.codes
        return [s / n[:, None] for s, n in zip(self.sums, self.counts)]

    def encode(self, x):
        n, dim = self.named, self.config["dim"]
        if not self.conv:
            return n["encoder.layers.1"](torch.tanh(n["encoder.layers.0"](x))).reshape(-1, dim)
        y = torch.tanh(n["encoder.stages.0"](x.reshape(-1, *self.config["event"])))
        return n["encoder.head"](y).permute(0, 2, 3, 1).reshape(-1, dim)

    def decode(self, z):
        n, dim = self.named, self.config["dim"]
        if not self.conv:
            z = z.reshape(BATCH, -1)
            return n["decoder.layers.1"](torch.tanh(n["decoder.layers.0"](z)))
        y = n["decoder.head"](z.reshape(BATCH, *self.grid, dim).permute(0, 3, 1, 2))
        return n["decoder.stages.0"](torch.tanh(y)).flatten(1)

    def terms(self, x, keys):
        z_e = self.encode(x)
        rest, z_q, codebook, commitment, perplexity = z_e, torch.zeros_like(z_e), 0.0, 0.0, 0.0
        self.seen = []
        for codes in self.codebooks():
            distances = ((rest[:, None] - codes[None]) ** 2).sum(2)
            index = distances.argmin(1)
            chosen = codes[index]
            codebook = codebook + ((rest.detach() - chosen) ** 2).sum() / BATCH
            commitment = commitment + ((rest - chosen.detach()) ** 2).sum() / BATCH
            share = torch.bincount(index, minlength=len(codes)) / len(index)
            perplexity += torch.exp(-torch.xlogy(share, share).sum()) / self.config["levels"]
            self.seen.append((rest.detach(), index))
            z_q = z_q + chosen.detach()
            rest = rest - chosen.detach()
        logits = self.decode(z_e + (z_q - z_e).detach())
        loss = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
        terms = {"reconstruction": loss.sum(1).mean()}
        total = terms["reconstruction"] + self.config["commitment"] * commitment
        if not self.averaged:
            terms["codebook"] = codebook
            total = total + codebook
        return {**terms, "commitment": commitment, "perplexity": perplexity}, total

    def update(self, keys):
        """The averages after the step, by name."""
        k, out = self.config["codes"], {}
        decay = 0.99
        order = keys.flatten().argsort()
        if self.averaged:
            decay, restart = self.config["learning"]["average"].values()
            for level, (x, index) in enumerate(self.seen):
                count = decay * self.counts[level]
                total = decay * self.sums[level]
                for v, i in zip(x, index):
                    count[i] += 1 - decay
                    total[i] += (1 - decay) * v
                equal = count.mean().item()
                self.restarted = 0
                for i in range(k):
                    if count[i] < restart * equal:
                        self.restarted += 1
                        count[i] = equal
                        total[i] = equal * x[order[i % len(x)]]
                out[f"codebooks.{level}.counts"] = array(count)
                out[f"codebooks.{level}.sums"] = array(total)
            assert (self.restarted > 0) == (restart > 0)
        usage = decay * self.usage
        for level, (_, index) in enumerate(self.seen):
            for n, i in enumerate(index):
                usage[level * self.positions + n % self.positions, i] += (1 - decay) / BATCH
        out["usage"] = array(usage)
        return out

    def parameters(self, grad=False):
        out = {}
        for name, layer in self.named.items():
            for part in ["weight", "bias"]:
                p = getattr(layer, part)
                p = p.grad if grad else p
                linear = isinstance(layer, nn.Linear) and part == "weight"
                out[f"{name}.{part}"] = array(p.T if linear else p)
        if not self.averaged:
            for level, codes in enumerate(self.codes):
                out[f"codebooks.{level}.codes"] = array(codes.grad if grad else codes)
        return out

    def averages(self):
        out = {"usage": array(self.usage)}
        if self.averaged:
            for level in range(self.config["levels"]):
                out[f"codebooks.{level}.counts"] = array(self.counts[level])
                out[f"codebooks.{level}.sums"] = array(self.sums[level])
        return out


def case(name, config):
    model = Vq(config)
    x = (torch.rand(BATCH, math.prod(config["event"])) < 0.5).to(torch.float64)
    draws = rounded(torch.randn(BATCH, model.positions))
    terms, total = model.terms(x, draws)
    total.backward()
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "draws": array(draws),
        "weights": {**model.parameters(), **model.averages()},
        "terms": {k: number(float(v)) for k, v in terms.items()},
        "total": number(total.item()),
        "gradients": model.parameters(grad=True),
        "averages": model.update(draws),
    }


write("vq", CONFIGS, case)

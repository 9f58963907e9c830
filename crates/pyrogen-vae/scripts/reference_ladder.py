"""Writes tests/fixtures/ladder.json: loss terms and gradients of ladder variational autoencoders.

Written from Sønderby et al. 2016, eq. 8 to 19, in the latents z themselves. The weights, examples
and noise are rounded to f32; everything is computed in f64.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_ladder.py
"""

import math

import torch
from torch import distributions as td
from torch import nn

from fixture import array, number, rounded, write

torch.set_num_threads(1)
torch.manual_seed(12)
torch.set_default_dtype(torch.float64)

BATCH = 4
MLP = {"mlp": {"hidden": [5], "activation": "tanh"}}
BASE = {
    "event": [2, 3],
    "network": MLP,
    "width": 4,
    "activation": "tanh",
    "decoder": "bernoulli",
    "beta": 1.0,
    "classes": None,
    "context": None,
}
CONFIGS = {
    "one layer": {**BASE, "latents": [2]},
    "two layers": {**BASE, "latents": [3, 2], "beta": 0.5},
    "three layers, conditional": {**BASE, "latents": [3, 2, 2], "classes": 3},
    "two layers, context": {**BASE, "latents": [3, 2], "classes": 2, "context": [3]},
}


def mlp(widths):
    return nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))


def apply(layers, x):
    for i, layer in enumerate(layers):
        x = layer(x if i == 0 else torch.tanh(x))
    return x


def normal(output):
    mean, raw = output.chunk(2, 1)
    return mean, (15 * torch.tanh(raw / 15)).exp()


class Ladder:
    def __init__(self, config):
        self.config = config
        latents, width, classes = config["latents"], config["width"], config["classes"] or 0
        features = math.prod(config["event"])
        seen = math.prod(config["context"] or [0])
        self.encoder = mlp([features + seen + classes, 5, width])
        self.decoder = mlp([latents[0] + classes + seen, 5, features])
        self.up = [mlp([width, width, width]) for _ in latents[1:]]
        self.heads = [nn.Linear(width, 2 * n) for n in latents]
        self.down = [mlp([b, width, 2 * a]) for a, b in zip(latents, latents[1:])]
        self.named = {
            **{f"encoder.layers.{i}": m for i, m in enumerate(self.encoder)},
            **{f"decoder.layers.{i}": m for i, m in enumerate(self.decoder)},
            **{f"heads.{i}": m for i, m in enumerate(self.heads)},
            **{f"up.{j}.layers.{i}": m for j, u in enumerate(self.up) for i, m in enumerate(u)},
            **{f"down.{j}.layers.{i}": m for j, d in enumerate(self.down) for i, m in enumerate(d)},
        }
        for layer in self.named.values():
            for p in layer.parameters():
                p.data = rounded(2 * p.data)

    def terms(self, x, context, onehot, draws):
        d = torch.tanh(apply(self.encoder, torch.cat([x, context, onehot], 1)))
        suggested = [normal(self.heads[0](d))]
        for up, head in zip(self.up, self.heads[1:]):
            d = torch.tanh(apply(up, d))
            suggested.append(normal(head(d)))
        z, terms, at = None, {}, 0
        for i in reversed(range(len(suggested))):
            mean, var = suggested[i]
            epsilon = draws[:, 0, at : at + mean.shape[1]]
            at += mean.shape[1]
            prior_mean, prior_var = torch.zeros_like(mean), torch.ones_like(var)
            if z is not None:
                prior_mean, prior_var = normal(apply(self.down[i], z))
                precision = 1 / var + 1 / prior_var
                mean = (mean / var + prior_mean / prior_var) / precision
                var = 1 / precision
            q, p = td.Normal(mean, var.sqrt()), td.Normal(prior_mean, prior_var.sqrt())
            # Standard noise moves the draw as far as it moves the relative latent.
            z = mean + var.sqrt() * epsilon
            terms[f"kl_{i + 1}"] = td.kl_divergence(q, p).sum(1).mean()
        kl = sum(terms.values())
        logits = apply(self.decoder, torch.cat([z, onehot, context], 1))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
        reconstruction = loss.sum(1).mean()
        total = reconstruction + self.config["beta"] * kl
        return {"reconstruction": reconstruction, "kl": kl, **terms}, total

    def parameters(self, grad=False):
        out = {}
        for name, layer in self.named.items():
            for part in ["weight", "bias"]:
                p = getattr(layer, part)
                p = p.grad if grad else p
                out[f"{name}.{part}"] = array(p.T if part == "weight" else p)
        return out


def case(name, config):
    model = Ladder(config)
    x = (torch.rand(BATCH, 6) < 0.5).to(torch.float64)
    classes = config["classes"] or 0
    labels = torch.randint(0, classes, (BATCH,)) if classes else None
    onehot = nn.functional.one_hot(labels, classes) if classes else torch.zeros(BATCH, 0)
    context = rounded(torch.rand(BATCH, math.prod(config["context"] or [0])))
    draws = rounded(torch.randn(BATCH, 1, sum(config["latents"])))
    terms, total = model.terms(x, context, onehot.to(torch.float64), draws)
    total.backward()
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": labels.tolist() if classes else None,
        "context": array(context) if config["context"] else None,
        "draws": array(draws),
        "weights": model.parameters(),
        "terms": {k: number(v.item()) for k, v in terms.items()},
        "total": number(total.item()),
        "gradients": model.parameters(grad=True),
    }


write("ladder", CONFIGS, case)

"""Writes tests/fixtures/vae.json: loss terms and gradients of variational autoencoders in PyTorch.

The weights, examples and noise are rounded to f32; everything is computed in f64, with PyTorch's
own distributions where it has them.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_vae.py
"""

import json
import math

import torch
from torch import distributions as td
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(11)
torch.set_default_dtype(torch.float64)

BATCH = 3
ACTIVATION = {"relu": torch.relu, "silu": nn.functional.silu, "tanh": torch.tanh}


def mlp(event, hidden, activation):
    return {"event": event, "network": {"mlp": {"hidden": hidden, "activation": activation}}}


def conv(event, channels, hidden):
    network = {"channels": channels, "hidden": hidden, "activation": "silu"}
    return {"event": event, "network": {"conv": network}}


def logistic(levels, scale):
    return {"discretised_logistic": {"levels": levels, "scale": scale}}


SMALL = mlp([2, 3], [5], "tanh")
CONFIGS = {
    "mlp, gaussian, predicted scale": {**SMALL, "decoder": {"gaussian": {"scale": "predicted"}}},
    "mlp, gaussian, fixed scale": {**SMALL, "decoder": {"gaussian": {"scale": {"fixed": 0.3}}}},
    "mlp, gaussian, shared scale": {**SMALL, "decoder": {"gaussian": {"scale": "shared"}}},
    "mlp, bernoulli": {**mlp([6], [6, 4], "relu"), "decoder": "bernoulli"},
    "mlp, discretised logistic": {**SMALL, "decoder": logistic(5, "per_feature")},
    "conv, discretised logistic": {
        **conv([2, 7, 5], [2, 3], [4]),
        "decoder": logistic(17, "shared"),
    },
    "conv, discretised logistic, predicted scale": {
        **conv([1, 6, 4], [2, 3], []),
        "decoder": logistic(256, "predicted"),
    },
    "mlp, conditional": {**SMALL, "decoder": "bernoulli", "classes": 3},
    "conv, conditional": {
        **conv([1, 5, 5], [3], [4]),
        "decoder": logistic(4, "per_feature"),
        "classes": 4,
    },
    "beta": {**SMALL, "decoder": {"gaussian": {"scale": "per_feature"}}, "beta": 0.25},
    "iwae": {**SMALL, "decoder": "bernoulli", "objective": {"iwae": {"samples": 5}}},
    "iwae, conditional": {
        **conv([1, 5, 4], [3], [4]),
        "decoder": logistic(9, "predicted"),
        "objective": {"iwae": {"samples": 3}},
        "classes": 2,
    },
}


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


def number(v):
    return float(f"{v:.9g}")


def array(x):
    return {"shape": list(x.shape), "values": [number(v) for v in x.detach().flatten().tolist()]}


def soft_bound(x, limit):
    return limit * torch.tanh(x / limit)


def half(size):
    return [(s + 1) // 2 for s in size]


class Vae:
    """Encoder and decoder as lists of named layers."""

    def __init__(self, config):
        self.config = config
        self.latents = config["latents"]
        event, classes = config["event"], config.get("classes") or 0
        self.features = math.prod(event)
        kind = config["decoder"] if isinstance(config["decoder"], str) else None
        name, options = (kind, {}) if kind else next(iter(config["decoder"].items()))
        self.kind, self.levels, self.scale = name, options.get("levels"), options.get("scale")
        maps = 2 if self.scale == "predicted" else 1
        network, c = next(iter(config["network"].items()))
        self.act = ACTIVATION[c["activation"]]
        self.layers = {}
        if network == "mlp":
            self.conv = 0
            encoder = [self.features + classes, *c["hidden"], 2 * self.latents]
            decoder = [self.latents + classes, *c["hidden"][::-1], maps * self.features]
            self.dense("encoder", encoder)
            self.dense("decoder", decoder)
        else:
            self.conv = len(c["channels"])
            channels = [event[0], *c["channels"]]
            sizes = [event[1:]]
            for i in range(self.conv):
                layer = nn.Conv2d(channels[i], channels[i + 1], 3, 2, 1)
                self.layers[f"encoder.stages.{i}"] = layer
                sizes.append(half(sizes[-1]))
            self.bottom = [channels[-1], *sizes[-1]]
            flat = math.prod(self.bottom)
            self.dense("encoder.head", [flat + classes, *c["hidden"], 2 * self.latents])
            self.dense("decoder.head", [self.latents + classes, *c["hidden"][::-1], flat])
            channels[0] *= maps
            for i in range(self.conv):
                j = self.conv - 1 - i
                more = [int(s % 2 == 0) for s in sizes[j]]
                layer = nn.ConvTranspose2d(channels[j + 1], channels[j], 3, 2, 1, more)
                self.layers[f"decoder.stages.{i}"] = layer
        for layer in self.layers.values():
            for p in layer.parameters():
                # Twice PyTorch's spread, so that no term is near zero.
                p.data = rounded(2 * p.data)
        self.own = {"shared": 1, "per_feature": self.features}.get(str(self.scale))
        if self.own:
            self.own = rounded(0.3 * torch.randn(self.own)).requires_grad_()

    def dense(self, name, widths):
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            self.layers[f"{name}.layers.{i}"] = nn.Linear(a, b)

    def apply_dense(self, name, x):
        found = [layer for key, layer in self.layers.items() if key.startswith(f"{name}.layers.")]
        for i, layer in enumerate(found):
            x = layer(x if i == 0 else self.act(x))
        return x

    def encode(self, x, onehot):
        if not self.conv:
            return self.apply_dense("encoder", torch.cat([x, onehot], 1))
        x = x.reshape(-1, *self.config["event"])
        for i in range(self.conv):
            x = self.act(self.layers[f"encoder.stages.{i}"](x))
        return self.apply_dense("encoder.head", torch.cat([x.flatten(1), onehot], 1))

    def decode(self, z, onehot):
        z = torch.cat([z, onehot], 1)
        if not self.conv:
            return self.apply_dense("decoder", z)
        x = self.apply_dense("decoder.head", z).reshape(-1, *self.bottom)
        for i in range(self.conv):
            x = self.layers[f"decoder.stages.{i}"](self.act(x))
        return x.flatten(1)

    def log_px(self, x, output):
        mean = output[:, : self.features]
        if self.kind == "bernoulli":
            return -nn.functional.binary_cross_entropy_with_logits(mean, x, reduction="none").sum(1)
        if isinstance(self.scale, dict):
            log_scale = torch.full_like(mean, math.log(self.scale["fixed"]))
        else:
            raw = output[:, self.features :] if self.scale == "predicted" else self.own
            log_scale = soft_bound(raw - 1, 10).expand_as(mean)
        if self.kind == "gaussian":
            return td.Normal(mean, log_scale.exp()).log_prob(x).sum(1)
        half_width = 0.5 / (self.levels - 1)
        cdf = lambda v: torch.sigmoid((v - mean) / log_scale.exp())
        upper = torch.where(x > 1 - half_width, torch.ones_like(x), cdf(x + half_width))
        lower = torch.where(x < half_width, torch.zeros_like(x), cdf(x - half_width))
        return (upper - lower).log().sum(1)

    def terms(self, x, onehot, epsilon):
        output = self.encode(x, onehot)
        q = td.Normal(
            output[:, : self.latents],
            (0.5 * soft_bound(output[:, self.latents :], 15)).exp(),
        )
        prior = td.Normal(torch.zeros_like(q.loc), torch.ones_like(q.loc))
        kl = td.kl_divergence(q, prior).sum(1)
        log_px, log_w = [], []
        for k in range(epsilon.shape[1]):
            z = q.loc + q.scale * epsilon[:, k]
            log_px.append(self.log_px(x, self.decode(z, onehot)))
            log_w.append(log_px[-1] + (prior.log_prob(z) - q.log_prob(z)).sum(1))
        terms = {"reconstruction": -torch.stack(log_px, 1).mean(), "kl": kl.mean()}
        if self.config["objective"] == "elbo":
            return terms, terms["reconstruction"] + self.config["beta"] * terms["kl"]
        bound = torch.logsumexp(torch.stack(log_w, 1), 1) - math.log(epsilon.shape[1])
        return {"iwae": -bound.mean(), **terms}, -bound.mean()

    def parameters(self, grad=False):
        out = {}
        for name, layer in self.layers.items():
            for part in ["weight", "bias"]:
                p = getattr(layer, part)
                p = p.grad if grad else p
                linear = isinstance(layer, nn.Linear) and part == "weight"
                out[f"{name}.{part}"] = array(p.T if linear else p)
        if self.own is not None:
            out["log_scale"] = array(self.own.grad if grad else self.own)
        return out


def examples(config):
    shape = (BATCH, math.prod(config["event"]))
    if config["decoder"] == "bernoulli":
        return (torch.rand(shape) < 0.5).to(torch.float64)
    if "gaussian" in config["decoder"]:
        return rounded(torch.randn(shape))
    top = config["decoder"]["discretised_logistic"]["levels"] - 1
    return rounded(torch.randint(0, top + 1, shape) / top)


def case(name, config):
    config = {"latents": 2, "beta": 1.0, "objective": "elbo", "classes": None, **config}
    model = Vae(config)
    x = examples(config)
    classes = config["classes"] or 0
    labels = torch.randint(0, classes, (BATCH,)) if classes else None
    onehot = nn.functional.one_hot(labels, classes) if classes else torch.zeros(BATCH, 0)
    samples = 1 if config["objective"] == "elbo" else config["objective"]["iwae"]["samples"]
    epsilon = rounded(torch.randn(BATCH, samples, config["latents"]))
    terms, total = model.terms(x, onehot.to(torch.float64), epsilon)
    total.backward()
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": labels.tolist() if classes else None,
        "epsilon": array(epsilon),
        "weights": model.parameters(),
        "terms": {k: number(v.item()) for k, v in terms.items()},
        "total": number(total.item()),
        "gradients": model.parameters(grad=True),
    }


result = {
    "torch": torch.__version__,
    "cases": [case(name, config) for name, config in CONFIGS.items()],
}
with open("tests/fixtures/vae.json", "w") as f:
    json.dump(result, f, separators=(",", ":"))
    f.write("\n")

"""Writes tests/fixtures/tarflow.json: noise, log-densities and every gradient of transformer flows of
pictures, by PyTorch's own layers (scaled dot-product attention, layer norm, GELU) from the equations of
Zhai et al. (2024).

Weights and pictures are rounded to f32; everything is computed in f64.

Packages: torch==2.8.0. Run in this crate's folder:

    python scripts/reference_tarflow.py
"""

import math
import sys

import torch
import torch.nn.functional as F

sys.path.append("../pyrogen-vae/scripts")
from fixture import array, number, rounded, write  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(29)
torch.set_default_dtype(torch.float64)

BATCH = 3
LOG_1000 = math.log(1000)


def made(config):
    """Weights by name, as the crate has them: matrices are [in, out]."""
    channels, height, width = config["event"]
    p, w = config["patch"], config["width"]
    d, tokens = channels * p * p, (height // p) * (width // p)
    hidden = w * config["expansion"]
    weights = {}

    def draw(name, shape, scale, shift=0.0):
        weights[name] = rounded(shift + scale * torch.randn(shape)).requires_grad_()

    def linear(name, d_in, d_out, scale=1.0):
        draw(f"{name}.weight", (d_in, d_out), scale / math.sqrt(d_in))
        draw(f"{name}.bias", (d_out,), 0.3 * scale)

    def norm(name):
        draw(f"{name}.gamma", (w,), 0.2, 1.0)
        draw(f"{name}.beta", (w,), 0.2)

    for b in range(config["blocks"]):
        block = f"blocks.{b}"
        linear(f"{block}.enter", d, w)
        draw(f"{block}.start", (config.get("classes") or 1, w), 1.0)
        draw(f"{block}.places", (tokens, w), 0.5)
        for k in range(config["layers"]):
            layer = f"{block}.layers.{k}"
            norm(f"{layer}.attention_norm")
            linear(f"{layer}.qkv", w, 3 * w)
            linear(f"{layer}.projection", w, w)
            norm(f"{layer}.feed_norm")
            linear(f"{layer}.wide", w, hidden)
            linear(f"{layer}.narrow", hidden, w)
        norm(f"{block}.norm")
        linear(f"{block}.leave", w, 2 * d, 0.4)
    return weights


def flow(config, weights, x, labels):
    channels, height, width = config["event"]
    p, w, heads = config["patch"], config["width"], config["heads"]
    rows = x.shape[0]

    def linear(name, x):
        return F.linear(x, weights[f"{name}.weight"].T, weights[f"{name}.bias"])

    def norm(name, x):
        return F.layer_norm(x, (w,), weights[f"{name}.gamma"], weights[f"{name}.beta"], 1e-5)

    def split(x):
        return x.unflatten(2, (heads, w // heads)).transpose(1, 2)

    middle = {"even": 0.5, "normal": 0.0}[config["pixels"]]
    pictures = x.reshape(rows, channels, height, width) - middle
    # PyTorch's own patches: channels, then rows and columns within the patch.
    z = F.unfold(pictures, p, stride=p).transpose(1, 2)
    log_det = torch.zeros(rows)
    for b in range(config["blocks"]):
        block = f"blocks.{b}"
        if b % 2:
            z = z.flip(1)
        start = weights[f"{block}.start"][labels if labels is not None else [0] * rows]
        h = torch.cat((start[:, None], linear(f"{block}.enter", z[:, :-1])), dim=1)
        h = h + weights[f"{block}.places"]
        for k in range(config["layers"]):
            layer = f"{block}.layers.{k}"
            qkv = linear(f"{layer}.qkv", norm(f"{layer}.attention_norm", h))
            q, k_, v = (split(part) for part in qkv.chunk(3, dim=2))
            attended = F.scaled_dot_product_attention(q, k_, v, is_causal=True)
            h = h + linear(f"{layer}.projection", attended.transpose(1, 2).flatten(2))
            wide = linear(f"{layer}.wide", norm(f"{layer}.feed_norm", h))
            h = h + linear(f"{layer}.narrow", F.gelu(wide))
        shift, raw = linear(f"{block}.leave", norm(f"{block}.norm", h)).chunk(2, dim=2)
        log_scale = raw / (1 + (raw / LOG_1000).abs())
        z = (z - shift) * (-log_scale).exp()
        log_det = log_det - log_scale.flatten(1).sum(1)
        if b % 2:
            z = z.flip(1)
    z = F.fold(z.transpose(1, 2), (height, width), p, stride=p).flatten(1)
    return z, log_det


def module_case(name, config):
    features = math.prod(config["event"])
    classes = config.get("classes")
    labels = [i % classes for i in range(BATCH)] if classes else None
    x = rounded(torch.rand(BATCH, features)).requires_grad_()
    weights = made(config)
    z, log_det = flow(config, weights, x, labels)
    log_prob = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1) + log_det
    gradients = torch.autograd.grad(-log_prob.mean(), [*weights.values(), x])
    print(name, number(log_prob.mean()))
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": labels,
        "context": None,
        "weights": {k: array(w) for k, w in weights.items()},
        "z": array(z),
        "log_prob": array(log_prob),
        "gradients": {k: array(g) for k, g in zip(weights, gradients)},
        "slope": array(gradients[-1]),
    }


BASE = {"blocks": 2, "layers": 1, "width": 8, "heads": 2, "expansion": 2, "pixels": "even"}

CONFIGS = {
    "patches of two": {**BASE, "event": [1, 4, 6], "patch": 2},
    "single pixels of colours, two layers": {
        **BASE,
        "event": [2, 2, 2],
        "patch": 1,
        "blocks": 1,
        "layers": 2,
        "pixels": "normal",
    },
    "conditional, three blocks": {
        **BASE,
        "event": [1, 2, 4],
        "patch": 2,
        "blocks": 3,
        "classes": 2,
    },
}

if __name__ == "__main__":
    write("tarflow", CONFIGS, module_case)

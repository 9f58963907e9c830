"""Writes tests/fixtures/dit.json: a diffusion transformer written from Peebles and Xie 2023, sections
3.1 and 3.2, with PyTorch in f64: output, and the gradient of every parameter.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_dit.py
"""

import json
import math

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(5)

PATCH, WIDTH, BLOCKS, HEADS, EXPANSION, CLASSES, TIME = 2, 8, 2, 2, 2, 3, 256
BATCH, D_IN, D_OUT, HEIGHT, LENGTH = 2, 2, 1, 6, 4


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


def array(x):
    return {
        "shape": list(x.shape),
        "values": [float(f"{v:.7g}") for v in x.detach().flatten().tolist()],
    }


weights = {}


def dense(name, i, o):
    weights[f"{name}.weight"] = torch.randn(i, o) / math.sqrt(i)
    weights[f"{name}.bias"] = 0.3 * torch.randn(o)


weights["enter.weight"] = torch.randn(WIDTH, D_IN, PATCH, PATCH) / 3
weights["enter.bias"] = 0.3 * torch.randn(WIDTH)
dense("time.first", TIME, WIDTH)
dense("time.second", WIDTH, WIDTH)
weights["time.classes"] = torch.randn(CLASSES, WIDTH)
for b in range(BLOCKS):
    dense(f"blocks.{b}.modulation", WIDTH, 6 * WIDTH)
    dense(f"blocks.{b}.qkv", WIDTH, 3 * WIDTH)
    dense(f"blocks.{b}.attended", WIDTH, WIDTH)
    dense(f"blocks.{b}.wide", WIDTH, EXPANSION * WIDTH)
    dense(f"blocks.{b}.narrow", EXPANSION * WIDTH, WIDTH)
dense("modulation", WIDTH, 2 * WIDTH)
dense("leave", WIDTH, D_OUT * PATCH * PATCH)
weights = {k: rounded(v).requires_grad_() for k, v in weights.items()}

layer = lambda name, x: x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]
silu = torch.nn.functional.silu
norm = lambda x: torch.nn.functional.layer_norm(x, (WIDTH,), eps=1e-6)
modulate = lambda x, shift, scale: norm(x) * (1 + scale[:, None]) + shift[:, None]


def sines(at, width):
    """Sines, then cosines."""
    phase = at[:, None] * 10000.0 ** (-torch.arange(width // 2) / (width // 2))
    return torch.cat([phase.sin(), phase.cos()], 1)


def attention(x, b):
    q, k, v = layer(f"blocks.{b}.qkv", x).chunk(3, 2)
    heads = lambda t: t.reshape(BATCH, -1, HEADS, WIDTH // HEADS).transpose(1, 2)
    q, k, v = heads(q), heads(k), heads(v)
    scores = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS), 3)
    return layer(f"blocks.{b}.attended", (scores @ v).transpose(1, 2).reshape(BATCH, -1, WIDTH))


def forward(x, time, labels):
    encoded = sines(time, TIME)
    encoded = torch.cat([encoded[:, TIME // 2 :], encoded[:, : TIME // 2]], 1)
    c = layer("time.second", silu(layer("time.first", encoded))) + weights["time.classes"][labels]
    c = silu(c)
    x = torch.nn.functional.conv2d(x, weights["enter.weight"], weights["enter.bias"], PATCH)
    tall, wide = x.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(tall), torch.arange(wide), indexing="ij")
    # As the authors have it: half of the features for the column, then half for the row.
    place = [sines(at.flatten().double(), WIDTH // 2) for at in (columns, rows)]
    x = x.flatten(2).transpose(1, 2) + torch.cat(place, 1)
    for b in range(BLOCKS):
        shift1, scale1, gate1, shift2, scale2, gate2 = layer(f"blocks.{b}.modulation", c).chunk(6, 1)
        x = x + gate1[:, None] * attention(modulate(x, shift1, scale1), b)
        h = layer(f"blocks.{b}.wide", modulate(x, shift2, scale2))
        x = x + gate2[:, None] * layer(f"blocks.{b}.narrow", torch.nn.functional.gelu(h))
    shift, scale = layer("modulation", c).chunk(2, 1)
    x = layer("leave", modulate(x, shift, scale))
    x = x.reshape(BATCH, tall, wide, PATCH, PATCH, D_OUT)
    return torch.einsum("nhwpqc->nchpwq", x).reshape(BATCH, D_OUT, tall * PATCH, wide * PATCH)


x = rounded(torch.randn(BATCH, D_IN, HEIGHT, LENGTH))
time, labels = torch.tensor([3.0, 62.0]), torch.tensor([2, 0])
y = forward(x, time, labels)
probe = rounded(torch.randn_like(y))
(y * probe).sum().backward()
result = {
    "torch": torch.__version__,
    "x": array(x),
    "time": array(time),
    "labels": labels.tolist(),
    "probe": array(probe),
    "output": array(y),
    "weights": {k: array(v) for k, v in weights.items()},
    "gradients": {k: array(v.grad) for k, v in weights.items()},
}
with open("tests/fixtures/dit.json", "w") as f:
    json.dump(result, f, separators=(",", ":"))
    f.write("\n")

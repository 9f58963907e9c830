"""Tiny Shakespeare with nanoGPT's CPU configuration in PyTorch, written by hand.

The model is GPT-2's architecture without biases: 4 layers, 4 heads, width 128, context 64, tied weights,
GELU; AdamW (0.9, 0.99), weight decay 0.1 of matrices, rate 1e-3 with 100 steps of warm-up and a cosine
to 1e-4, clipping at 1, batches of 12 windows, 2,000 steps. Characters are tokens, the last tenth of the
text is held out.

    python benches/peers/shakespeare.py TEXT [--threads 2] [--seed 1]

Prints the time of training and the held-out loss in nats a character, over windows that follow each
other (as nanoGPT measures, but over all of them).
"""

import argparse
import math
import time

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("text")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--steps", type=int, default=2000)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)

LAYERS, HEADS, WIDTH, CONTEXT, BATCH = 4, 4, 128, 64, 12
text = open(args.text, encoding="utf-8").read()
characters = sorted(set(text))
number = {c: i for i, c in enumerate(characters)}
tokens = torch.tensor([number[c] for c in text])
cut = int(len(tokens) * 0.9)
train, held = tokens[:cut], tokens[cut:]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH, bias=False) for _ in range(2)])
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.wide = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        n, t, w = x.shape
        q, k, v = (part.view(n, t, HEADS, w // HEADS).transpose(1, 2)
                   for part in self.qkv(self.norms[0](x)).split(w, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, w))
        return x + self.narrow(F.gelu(self.wide(self.norms[1](x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(len(characters), WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                last = name.endswith(("out.weight", "narrow.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * LAYERS) if last else 0.02)

    def forward(self, t):
        x = self.tokens(t) + self.places(torch.arange(t.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.T


model = Model()
groups = [
    {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
    {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))


def rate(step):
    if step < 100:
        return 1e-3 * (step + 1) / 101
    t = (step - 100) / (args.steps - 100)
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * t)) * 9e-4


def loss_of(x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


start = time.time()
for step in range(args.steps):
    for group in optimizer.param_groups:
        group["lr"] = rate(step)
    from_ = torch.randint(len(train) - CONTEXT, (BATCH,))
    x = torch.stack([train[i:i + CONTEXT] for i in from_])
    y = torch.stack([train[i + 1:i + 1 + CONTEXT] for i in from_])
    loss = loss_of(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
seconds = time.time() - start
with torch.no_grad():
    count = (len(held) - 1) // CONTEXT
    x = held[:count * CONTEXT].view(count, CONTEXT)
    y = held[1:count * CONTEXT + 1].view(count, CONTEXT)
    held_out = sum(loss_of(a, b).item() * len(a) for a, b in zip(x.split(64), y.split(64))) / count
parameters = sum(p.numel() for p in model.parameters())
print(f"{parameters} parameters, {args.steps} steps in {seconds:.1f} s, held out {held_out:.4f} nats")

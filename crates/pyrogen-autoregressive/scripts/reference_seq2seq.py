"""Encoders with decoders of PyTorch: logits, loss and every gradient, for tests/all/seq2seq.rs.

The classic ones are torch.nn's own layers; the modern one is written with the norms, the gated layers and the
rotation of transformers' Llama. Sources are padded on the right here, and masked. All is computed in
double precision. Weights and gradients are written under the names and in the layout of this crate.

    pip install torch==2.8.0 transformers==5.23.0
    python scripts/reference_seq2seq.py
"""

import json
import math
import pathlib

import torch
import transformers
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/fixtures/seq2seq.json"
WIDTH, HEADS, HIDDEN, SOURCES, TARGETS = 8, 2, 12, 9, 11
SOURCE_CONTEXT, CONTEXT = 7, 9
# Their ends are the last tokens; targets have a start before them, which is the end.
SOURCE_ROWS = [[3, 1, 4, 1, 8], [5, 2, 8]]
TARGET_ROWS = [[2, 7, 1], [8, 2, 8, 1, 8]]

torch.set_default_dtype(torch.float64)


def rounded(tensor, digits):
    return [round(v, digits) for v in tensor.detach().reshape(-1).tolist()]


def waves(count, width):
    place = torch.arange(count).unsqueeze(1)
    angle = place * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    table = torch.zeros(count, width)
    table[:, 0::2], table[:, 1::2] = angle.sin(), angle.cos()
    return table


def padded(rows, end):
    longest = max(len(row) for row in rows)
    tokens = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
    hidden = torch.tensor([[i >= len(row) for i in range(longest)] for row in rows])
    return tokens, hidden


class Classic(nn.Module):
    """torch.nn's layers, with the normalisation first."""

    def __init__(self, activation, learned, tied, shared):
        super().__init__()
        sizes = dict(d_model=WIDTH, nhead=HEADS, dim_feedforward=HIDDEN, dropout=0.0, activation=activation,
                     batch_first=True, norm_first=True)
        self.tokens = nn.Embedding(TARGETS, WIDTH)
        self.source_tokens = None if shared else nn.Embedding(SOURCES, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH) if learned else None
        self.source_places = nn.Embedding(SOURCE_CONTEXT, WIDTH) if learned else None
        self.encoder = nn.ModuleList(nn.TransformerEncoderLayer(**sizes) for _ in range(2))
        self.encoder_norm = nn.LayerNorm(WIDTH)
        self.decoder = nn.ModuleList(nn.TransformerDecoderLayer(**sizes) for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = None if tied else nn.Linear(WIDTH, TARGETS, bias=False)

    def embed(self, table, places, tokens):
        count = tokens.shape[1]
        if places is None:
            return table(tokens) * math.sqrt(WIDTH) + waves(count, WIDTH)
        return table(tokens) + places(torch.arange(count))

    def forward(self, source, hidden, target):
        s = self.embed(self.source_tokens or self.tokens, self.source_places, source)
        for layer in self.encoder:
            s = layer(s, src_key_padding_mask=hidden)
        s = self.encoder_norm(s)
        x = self.embed(self.tokens, self.places, target)
        count = target.shape[1]
        causal = torch.triu(torch.ones(count, count, dtype=torch.bool), 1)
        for layer in self.decoder:
            x = layer(x, s, tgt_mask=causal, memory_key_padding_mask=hidden)
        head = self.tokens.weight if self.head is None else self.head.weight
        return self.norm(x) @ head.T

    def ours(self, of):
        """Name, values: as this crate has them. `of` takes a parameter to its values or its gradient."""
        out = {"decoder.tokens": of(self.tokens.weight)}
        if self.source_tokens is not None:
            out["source_tokens"] = of(self.source_tokens.weight)
        if self.places is not None:
            out["decoder.places"], out["source_places"] = of(self.places.weight), of(self.source_places.weight)
        if self.head is not None:
            out["decoder.head"] = of(self.head.weight).T

        def put(name, layer):
            out[name + ".weight"], out[name + ".bias"] = of(layer.weight).T, of(layer.bias)

        def norm(name, layer):
            out[name + ".gamma"], out[name + ".beta"] = of(layer.weight), of(layer.bias)

        def block(name, layer, feed_norm):
            out[name + ".qkv.weight"] = of(layer.self_attn.in_proj_weight).T
            out[name + ".qkv.bias"] = of(layer.self_attn.in_proj_bias)
            put(name + ".projection", layer.self_attn.out_proj)
            norm(name + ".attention_norm", layer.norm1)
            norm(name + ".feed_norm", feed_norm)
            put(name + ".wide", layer.linear1)
            put(name + ".narrow", layer.linear2)

        for i, layer in enumerate(self.encoder):
            block(f"encoder.{i}", layer, layer.norm2)
        for i, layer in enumerate(self.decoder):
            block(f"decoder.blocks.{i}", layer, layer.norm3)
            weight, bias = of(layer.multihead_attn.in_proj_weight), of(layer.multihead_attn.in_proj_bias)
            cross = f"cross.{i}"
            out[cross + ".query.weight"], out[cross + ".query.bias"] = weight[:WIDTH].T, bias[:WIDTH]
            out[cross + ".source.weight"], out[cross + ".source.bias"] = weight[WIDTH:].T, bias[WIDTH:]
            put(cross + ".projection", layer.multihead_attn.out_proj)
            norm(cross + ".norm", layer.norm2)
        norm("encoder_norm", self.encoder_norm)
        norm("decoder.norm", self.norm)
        return out


class Attention(nn.Module):
    """Two heads of queries that share one of keys; both normalised, then turned where places are given."""

    def __init__(self):
        super().__init__()
        self.d = WIDTH // HEADS
        self.q = nn.Linear(WIDTH, WIDTH, bias=False)
        self.kv = nn.Linear(WIDTH, 2 * self.d, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.q_norm, self.k_norm = LlamaRMSNorm(self.d, 1e-5), LlamaRMSNorm(self.d, 1e-5)

    def forward(self, x, source, seen, rotary=None):
        rows, places, _ = x.shape
        q = self.q_norm(self.q(x).view(rows, places, HEADS, self.d)).transpose(1, 2)
        k, v = self.kv(source).view(rows, -1, 1, 2 * self.d).transpose(1, 2).split(self.d, dim=3)
        k = self.k_norm(k)
        if rotary is not None:
            q, k = apply_rotary_pos_emb(q, k, *rotary)
        k, v = (t.expand(-1, HEADS, -1, -1) for t in (k, v))
        y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        return self.out(y.transpose(1, 2).reshape(rows, places, WIDTH))


class Block(nn.Module):
    def __init__(self, cross):
        super().__init__()
        self.attention, self.norm = Attention(), LlamaRMSNorm(WIDTH, 1e-5)
        self.cross, self.cross_norm = (Attention(), LlamaRMSNorm(WIDTH, 1e-5)) if cross else (None, None)
        self.feed_norm = LlamaRMSNorm(WIDTH, 1e-5)
        self.gate, self.up = nn.Linear(WIDTH, HIDDEN, bias=False), nn.Linear(WIDTH, HIDDEN, bias=False)
        self.down = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x, seen, rotary, source=None, source_seen=None):
        y = self.norm(x)
        x = x + self.attention(y, y, seen, rotary)
        if self.cross is not None:
            x = x + self.cross(self.cross_norm(x), source, source_seen)
        y = self.feed_norm(x)
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y))


class Modern(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.source_tokens = nn.Embedding(TARGETS, WIDTH), nn.Embedding(SOURCES, WIDTH)
        self.encoder = nn.ModuleList([Block(False)])
        self.decoder = nn.ModuleList([Block(True), Block(True)])
        self.encoder_norm, self.norm = LlamaRMSNorm(WIDTH, 1e-5), LlamaRMSNorm(WIDTH, 1e-5)

    def rotary(self, count):
        d = WIDTH // HEADS
        angle = torch.arange(count).unsqueeze(1) * 10000.0 ** (-torch.arange(0, d, 2) / d)
        angle = torch.cat([angle, angle], dim=1).unsqueeze(0)
        return angle.cos(), angle.sin()

    def forward(self, source, hidden, target):
        s, seen = self.source_tokens(source), ~hidden[:, None, None, :]
        for block in self.encoder:
            s = block(s, seen, self.rotary(source.shape[1]))
        s = self.encoder_norm(s)
        x, count = self.tokens(target), target.shape[1]
        causal = torch.tril(torch.ones(count, count, dtype=torch.bool))
        for block in self.decoder:
            x = block(x, causal, self.rotary(count), s, seen)
        return self.norm(x) @ self.tokens.weight.T

    def ours(self, of):
        out = {"decoder.tokens": of(self.tokens.weight), "source_tokens": of(self.source_tokens.weight),
               "encoder_norm.gamma": of(self.encoder_norm.weight), "decoder.norm.gamma": of(self.norm.weight)}

        def block(name, block):
            a = block.attention
            out[name + ".qkv.weight"] = torch.cat([of(a.q.weight), of(a.kv.weight)]).T
            out[name + ".query_norm.gamma"], out[name + ".key_norm.gamma"] = of(a.q_norm.weight), of(a.k_norm.weight)
            out[name + ".projection.weight"] = of(a.out.weight).T
            out[name + ".attention_norm.gamma"], out[name + ".feed_norm.gamma"] = of(block.norm.weight), of(block.feed_norm.weight)
            out[name + ".wide.weight"] = torch.cat([of(block.gate.weight), of(block.up.weight)]).T
            out[name + ".narrow.weight"] = of(block.down.weight).T

        for i, layer in enumerate(self.encoder):
            block(f"encoder.{i}", layer)
        for i, layer in enumerate(self.decoder):
            block(f"decoder.blocks.{i}", layer)
            a, cross = layer.cross, f"cross.{i}"
            out[cross + ".norm.gamma"] = of(layer.cross_norm.weight)
            out[cross + ".query.weight"], out[cross + ".source.weight"] = of(a.q.weight).T, of(a.kv.weight).T
            out[cross + ".query_norm.gamma"], out[cross + ".key_norm.gamma"] = of(a.q_norm.weight), of(a.k_norm.weight)
            out[cross + ".projection.weight"] = of(a.out.weight).T
        return out


def describe(name, model, config, smoothing):
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in model.parameters():
            # Away from zeros and ones, so that no parameter is without a part.
            p.add_(torch.randn(p.shape, generator=generator) * 0.2)
            p.copy_(torch.tensor(rounded(p, 4)).reshape(p.shape))
    source, hidden = padded(SOURCE_ROWS, SOURCES - 1)
    end = TARGETS - 1
    inputs, _ = padded([[end] + row for row in TARGET_ROWS], end)
    predicted, behind = padded([row + [end] for row in TARGET_ROWS], end)
    logits = model(source, hidden, inputs)
    predicted = predicted.masked_fill(behind, -100)
    loss = nn.functional.cross_entropy(logits.reshape(-1, TARGETS), predicted.reshape(-1), label_smoothing=smoothing)
    loss.backward()
    values, grads = model.ours(lambda p: p.detach()), model.ours(lambda p: p.grad)
    weights = {n: {"shape": list(v.shape), "values": rounded(v, 4), "grad": rounded(grads[n], 7)} for n, v in values.items()}
    config = dict(source_vocabulary=SOURCES, vocabulary=TARGETS, source_context=SOURCE_CONTEXT, context=CONTEXT,
                  width=WIDTH, heads=HEADS, hidden=HIDDEN, label_smoothing=smoothing, **config)
    return {"name": name, "config": config, "logits": rounded(logits[~behind], 7), "loss": loss.item(), "weights": weights}


classic = dict(encoder_layers=2, layers=2, norm="layer", qk_norm=False, attention_bias=True, feed_bias=True)
torch.manual_seed(1)
models = [
    describe("classic", Classic("gelu", True, True, False), dict(classic, positions="learned", feed="gelu"), 0.0),
]
# One vocabulary for both.
SOURCES = TARGETS
models.append(describe("waves", Classic("relu", False, False, True),
                       dict(classic, positions="sinusoidal", feed="relu", tied=False, shared=True), 0.1))
SOURCES = 9
models.append(describe("modern", Modern(), dict(encoder_layers=1, layers=2, key_heads=1), 0.1))
versions = {"torch": torch.__version__, "transformers": transformers.__version__}
OUT.write_text(json.dumps({"versions": versions, "sources": SOURCE_ROWS, "targets": TARGET_ROWS, "models": models}))
print(OUT.stat().st_size, versions, [m["loss"] for m in models])

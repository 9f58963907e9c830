"""Flows of pictures in PyTorch, of the sizes of `benches/src/picture_flow.rs`: Glow (Kingma and Dhariwal 2018)
and TarFlow (Zhai et al. 2024), written with PyTorch's own layers.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

LOG_1000 = math.log(1000)


def bounded(p, most=LOG_1000):
    return p / (1 + (p / most).abs())


class ActNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.log_std = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x):
        return (x - self.mean) * (-self.log_std).exp(), -self.log_std.sum() * x[0, 0].numel()

    def inverse(self, y):
        return y * self.log_std.exp() + self.mean


class Mixing(nn.Module):
    """An invertible 1x1 convolution by LU."""

    def __init__(self, channels):
        super().__init__()
        p, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels))[0])
        diagonal = upper.diagonal()
        self.lower, self.upper = nn.Parameter(lower), nn.Parameter(upper)
        self.log_scale = nn.Parameter(diagonal.abs().log())
        eye = torch.eye(channels)
        for name, fixed in (("p", p), ("sign", diagonal.sign()), ("eye", eye)):
            self.register_buffer(name, fixed.clone())

    def weight(self):
        upper = self.upper.triu(1) + (self.sign * self.log_scale.exp()).diag()
        return self.p @ (self.lower.tril(-1) + self.eye) @ upper

    def forward(self, x):
        return F.conv2d(x, self.weight()[:, :, None, None]), self.log_scale.sum() * x[0, 0].numel()

    def inverse(self, y):
        return F.conv2d(y, torch.linalg.inv(self.weight())[:, :, None, None])


class Coupling(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(channels // 2, width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, width, 1), nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
        )
        with torch.no_grad():
            for w in self.network[4].parameters():
                w *= 1e-3

    def read(self, stays):
        shift, raw = self.network(stays).chunk(2, 1)
        return shift, F.logsigmoid(bounded(raw) + 2)

    def forward(self, x):
        stays, moves = x.chunk(2, 1)
        shift, log_scale = self.read(stays)
        moved = (moves - shift) * log_scale.exp()
        return torch.cat((stays, moved), 1), log_scale.flatten(1).sum(1)

    def inverse(self, y):
        stays, moved = y.chunk(2, 1)
        shift, log_scale = self.read(stays)
        return torch.cat((stays, moved * (-log_scale).exp() + shift), 1)


class Glow(nn.Module):
    def __init__(self, channels=1, levels=2, steps=8, width=64):
        super().__init__()
        self.levels, self.splits = nn.ModuleList(), nn.ModuleList()
        for i in range(levels):
            channels *= 4
            layers = ((ActNorm(channels), Mixing(channels), Coupling(channels, width)) for _ in range(steps))
            self.levels.append(nn.ModuleList(layer for step in layers for layer in step))
            if i + 1 < levels:
                channels //= 2
                self.splits.append(nn.Conv2d(channels, 2 * channels, 3, padding=1))

    def log_prob(self, x):
        log_det = torch.zeros(len(x))
        noise = []
        for i, level in enumerate(self.levels):
            x = F.pixel_unshuffle(x, 2)
            for layer in level:
                x, more = layer(x)
                log_det = log_det + more
            if i < len(self.splits):
                x, leaves = x.chunk(2, 1)
                mean, raw = self.splits[i](x).chunk(2, 1)
                log_std = bounded(raw)
                noise.append((leaves - mean) * (-log_std).exp())
                log_det = log_det - log_std.flatten(1).sum(1)
        noise.append(x)
        square = sum((z * z).flatten(1).sum(1) for z in noise)
        numbers = sum(z[0].numel() for z in noise)
        return log_det - 0.5 * square - 0.5 * numbers * math.log(2 * math.pi)

    def sample(self, n, side=28):
        last = len(self.levels) - 1
        side, channels = side >> (last + 1), self.levels[last][0].mean.shape[1]
        x = torch.randn(n, channels, side, side)
        for i in range(last, -1, -1):
            if i < last:
                mean, raw = self.splits[i](x).chunk(2, 1)
                x = torch.cat((x, torch.randn_like(mean) * bounded(raw).exp() + mean), 1)
            for layer in reversed(self.levels[i]):
                x = layer.inverse(x)
            x = F.pixel_shuffle(x, 2)
        return x


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, cache=None):
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(self.attention_norm(x)).chunk(3, 2)
        )
        if cache is not None:
            # Keys and values are written into memory that was taken at once.
            keys, values, place = cache
            keys[:, :, place], values[:, :, place] = k[:, :, 0], v[:, :, 0]
            k, v = keys[:, :, : place + 1], values[:, :, : place + 1]
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self.projection(attended.transpose(1, 2).flatten(2))
        return x + self.feed(self.feed_norm(x))


class Block(nn.Module):
    def __init__(self, tokens, d, width, layers, heads):
        super().__init__()
        self.heads, self.width = heads, width
        self.enter, self.leave = nn.Linear(d, width), nn.Linear(width, 2 * d)
        self.start = nn.Parameter(0.02 * torch.randn(1, width))
        self.places = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        with torch.no_grad():
            for w in self.leave.parameters():
                w *= 1e-3

    def read(self, h):
        shift, raw = self.leave(self.norm(h)).chunk(2, 2)
        return shift, bounded(raw)

    def forward(self, x):
        start = self.start.expand(len(x), 1, -1)
        h = torch.cat((start, self.enter(x[:, :-1])), 1) + self.places
        for layer in self.layers:
            h = layer(h)
        shift, log_scale = self.read(h)
        return (x - shift) * (-log_scale).exp(), -log_scale.flatten(1).sum(1)

    def inverse(self, y):
        rows, tokens, _ = y.shape
        shape = (rows, self.heads, tokens, self.width // self.heads)
        caches = [(torch.empty(shape), torch.empty(shape)) for _ in self.layers]
        found, h = [], self.start.expand(rows, 1, -1)
        for i in range(tokens):
            h = h + self.places[i]
            for layer, cache in zip(self.layers, caches):
                h = layer(h, (*cache, i))
            shift, log_scale = self.read(h)
            found.append(y[:, i : i + 1] * log_scale.exp() + shift)
            h = self.enter(found[-1])
        return torch.cat(found, 1)


class TarFlow(nn.Module):
    def __init__(self, side=28, patch=2, blocks=4, layers=2, width=64, heads=4):
        super().__init__()
        self.side, self.patch = side, patch
        tokens, d = (side // patch) ** 2, patch * patch
        self.blocks = nn.ModuleList(Block(tokens, d, width, layers, heads) for _ in range(blocks))

    def log_prob(self, x):
        z = F.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2)
        log_det = torch.zeros(len(x))
        for i, block in enumerate(self.blocks):
            z = z.flip(1) if i % 2 else z
            z, more = block(z)
            log_det = log_det + more
            z = z.flip(1) if i % 2 else z
        z = z.flatten(1)
        return log_det - 0.5 * (z * z).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)

    def sample(self, n):
        side = self.side // self.patch
        z = torch.randn(n, side * side, self.patch**2)
        for i in range(len(self.blocks) - 1, -1, -1):
            z = z.flip(1) if i % 2 else z
            z = self.blocks[i].inverse(z)
            z = z.flip(1) if i % 2 else z
        return F.pixel_shuffle(z.transpose(1, 2).unflatten(2, (side, side)), self.patch)

"""The rows of the table in PyTorch, written as its users write them.

    torch_rows.py serve ROW             says `ready`, then answers each `run N` on standard input with
                                        `MILLISECONDS VALUE`, the mean of N runs and the last result
    torch_rows.py serve conv_vae:BATCH,SIDE,WIDTH   the same row at other sizes
    torch_rows.py serve ROW DEVICE HOW  on another device (`cuda`); HOW is `f32`, `tf32`, `bf16`
                                        (autocast) or `compiled` (torch.compile, f32)
    torch_rows.py write-model FILE      writes the weights that `first-sample` reads
    torch_rows.py first-sample FILE     loads them, draws one picture, says `ready`

Sizes are those of `benches/src/*.rs`; what differs on purpose is said where it does.
"""

import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(2)

# The device of all rows, and what it computes with.
DEVICE, HOW = "cpu", "f32"


def prepare(device, how):
    """All rows' tensors on a device from now on."""
    global DEVICE, HOW
    DEVICE, HOW = device, how
    torch.set_default_device(device)
    torch.backends.cuda.matmul.allow_tf32 = how == "tf32"
    torch.backends.cudnn.allow_tf32 = how == "tf32"


def computed(f):
    """A function of a model and its inputs, as HOW says."""
    if HOW == "compiled":
        return torch.compile(f)
    if HOW == "bf16":
        return torch.autocast("cuda", torch.bfloat16)(f)
    return f


def trained(model, optimizer, loss_of):
    """A training step: forward, loss, backward, update."""
    return stepped(model, optimizer, computed(loss_of))


def stepped(model, optimizer, loss_of):
    """The same of a loss that says itself what of it is compiled."""

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def inferred(work):
    """Work without a graph; its result's first element."""
    work = computed(work)

    def run():
        with torch.inference_mode():
            return work().flatten()[0].item()

    return run


# The pieces of a network, forward and backward.


def piece(x, work):
    """The mean of `work()`, its gradient, and one element of `x.grad`."""

    work = computed(work)

    def run():
        x.grad = None
        work().mean().backward()
        return x.grad.flatten()[0].item()

    return run


def tracked(*shape):
    return torch.randn(*shape).requires_grad_()


def part_conv(batch, channels, side):
    x, kernel = tracked(batch, channels, side, side), tracked(channels, channels, 3, 3)
    return piece(kernel, lambda: F.conv2d(x, kernel, padding=1))


def part_group_norm(batch, channels, side):
    x, layer = tracked(batch, channels, side, side), nn.GroupNorm(min(8, channels), channels)
    return piece(x, lambda: layer(x))


def part_layer_norm(rows, width):
    x, layer = tracked(rows, width), nn.LayerNorm(width)
    return piece(x, lambda: layer(x))


def part_linear(rows, inside, outside):
    x, weights = tracked(rows, inside), tracked(inside, outside)
    return piece(weights, lambda: x @ weights)


def part_attention(batch, heads, length):
    x = tracked(batch, heads, length, 64)
    return piece(x, lambda: (x @ x.mT * 0.125).softmax(-1) @ x)


def part_entropy(rows, classes):
    logits, targets = tracked(rows, classes), torch.arange(rows) % classes
    return piece(logits, lambda: F.cross_entropy(logits, targets))


def part_half(n):
    a, b = (torch.randn(n, n, dtype=torch.bfloat16) for _ in range(2))
    return inferred(lambda: a @ b)


def matmul(n=1024):
    a, b = torch.randn(n, n), torch.randn(n, n)
    return inferred(lambda: a @ b)


# Normalizing flows, by zuko with its own defaults (networks of 2 x 64, ReLU, 8 bins).


def flow(name):
    import zuko

    return getattr(zuko.flows, name)(features=16, transforms=5)


def flow_train(name):
    model, x = flow(name), torch.rand(1024, 16)
    return trained(model, torch.optim.Adam(model.parameters()), lambda m: -m().log_prob(x).mean())


def flow_sample(name):
    model = flow(name)
    return inferred(lambda: model().sample((1024,)))


# Flows of pictures, written by hand: `picture_flows.py`.


def picture_flow_train(name, batch):
    import picture_flows

    model, x = getattr(picture_flows, name)(), torch.rand(batch, 1, 28, 28)
    return trained(model, torch.optim.Adam(model.parameters()), lambda m: -m.log_prob(x).mean())


def picture_flow_sample(name):
    import picture_flows

    model = getattr(picture_flows, name)()
    return inferred(lambda: model.sample(64))


# Variational autoencoders.


def bounded(x, limit):
    return limit * torch.tanh(x / limit)


class DenseVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))


class Maps(nn.Module):
    """Vectors to feature maps, with an activation before each stage."""

    def __init__(self, shape, stages):
        super().__init__()
        self.shape, self.stages = shape, nn.ModuleList(stages)

    def forward(self, x):
        x = x.view(-1, *self.shape)
        for stage in self.stages:
            x = stage(F.silu(x))
        return x.flatten(1)


class ConvVae(nn.Module):
    """`pyrogen-nn`'s convolutional encoder and decoder: 3x3 kernels of stride 2."""

    def __init__(self, side, latents=16, maps=1, width=32):
        super().__init__()
        self.side, low, twice, dense = side, side // 4, 2 * width, 8 * width
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            nn.Conv2d(1, width, 3, 2, 1), nn.SiLU(),
            nn.Conv2d(width, twice, 3, 2, 1), nn.SiLU(),
            nn.Flatten(),
            nn.Linear(twice * low * low, dense), nn.SiLU(), nn.Linear(dense, 2 * latents),
        )  # fmt: skip
        stages = [
            nn.ConvTranspose2d(twice, width, 3, 2, 1, output_padding=1),
            nn.ConvTranspose2d(width, maps, 3, 2, 1, output_padding=1),
        ]
        self.decoder = nn.Sequential(
            nn.Linear(latents, dense), nn.SiLU(), nn.Linear(dense, twice * low * low),
            Maps((twice, low, low), stages),
        )  # fmt: skip


def negative_elbo(model, x, bound):
    mean, log_var = model.encoder(x).chunk(2, 1)
    log_var = bound(log_var)
    z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
    logits = model.decoder(z)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
    return (reconstruction + kl) / len(x)


def vae(batch=128):
    model, x = DenseVae(), torch.rand(batch, 784)
    loss = lambda m: negative_elbo(m, x, lambda log_var: log_var)
    return trained(model, torch.optim.Adam(model.parameters()), loss)


def conv_vae(batch=64, side=28, width=32):
    model, x = ConvVae(side, width=width), torch.rand(batch, side * side)
    loss = lambda m: negative_elbo(m, x, lambda log_var: bounded(log_var, 15.0))
    return trained(model, torch.optim.Adam(model.parameters()), loss)


class VqVae(nn.Module):
    """Codes as moving averages, with unused ones begun anew, as in the usual implementations."""

    def __init__(self, side=28, codes=512, dim=64, decay=0.99, restart=0.03):
        super().__init__()
        self.decay, self.restart = decay, restart
        self.encoder = nn.Sequential(
            nn.Unflatten(1, (1, side, side)),
            nn.Conv2d(1, 32, 3, 2, 1), nn.SiLU(),
            nn.Conv2d(32, 64, 3, 2, 1), nn.SiLU(),
            nn.Conv2d(64, dim, 1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv2d(dim, 64, 3, 1, 1), nn.SiLU(),
            nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1), nn.SiLU(),
            nn.ConvTranspose2d(32, 1, 3, 2, 1, output_padding=1),
            nn.Flatten(),
        )  # fmt: skip
        self.register_buffer("counts", torch.ones(codes))
        self.register_buffer("sums", torch.randn(codes, dim) * 0.1)

    @torch.no_grad()
    def nearest(self, x):
        codes = self.sums / self.counts.clamp(min=1e-5)[:, None]
        index = (codes.square().sum(1) - 2 * x @ codes.t()).argmin(1)
        return codes[index], index

    @torch.no_grad()
    def follow(self, x, index):
        uses = F.one_hot(index, len(self.counts)).to(x.dtype)
        self.counts.lerp_(uses.sum(0), 1 - self.decay)
        self.sums.lerp_(uses.t() @ x, 1 - self.decay)
        equal = len(x) / len(self.counts)
        dead = self.counts < self.restart * equal
        fresh = x[torch.randperm(len(x))[: len(self.counts)]] * equal
        self.sums.copy_(torch.where(dead[:, None], fresh, self.sums))
        self.counts.masked_fill_(dead, equal)


def vq_loss(model, x):
    grid = model.encoder(x)
    vectors = grid.permute(0, 2, 3, 1).flatten(0, 2)
    codes, index = model.nearest(vectors)
    through = vectors + (codes - vectors).detach()
    batch, dim, height, width = grid.shape
    logits = model.decoder(through.view(batch, height, width, dim).permute(0, 3, 1, 2))
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    commitment = (vectors - codes).square().sum()
    model.follow(vectors.detach(), index)
    return (reconstruction + 0.25 * commitment) / batch


def vq_vae():
    model, x = VqVae(), torch.rand(64, 784)
    return trained(model, torch.optim.Adam(model.parameters()), lambda m: vq_loss(m, x))


def demo_samples(model, n):
    """Means of the discretised logistic decoder at draws from the prior, as `pyrogen sample`."""
    out = model.decoder(torch.randn(n, 16))
    mean, raw = out.chunk(2, 1)
    scale = bounded(raw - 1.0, 10.0).exp()
    return (F.softplus(mean / scale) - F.softplus((mean - 1.0) / scale)) * scale


def sample_10k():
    model = ConvVae(8, maps=2)
    return inferred(lambda: demo_samples(model, 10_000))


# Convolutional networks.


class ResBlock(nn.Module):
    def __init__(self, channels=64):
        super().__init__()
        layer = lambda: [nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, 1, 1)]
        self.layers = nn.Sequential(*layer(), *layer())

    def forward(self, x):
        return x + self.layers(x)


def resblock_forward():
    model, x = ResBlock(), torch.randn(16, 64, 32, 32)
    return inferred(lambda: model(x))


def resblock_train():
    model, x, target = ResBlock(), torch.randn(16, 64, 32, 32), torch.randn(16, 64, 32, 32)
    return trained(model, torch.optim.Adam(model.parameters()), lambda m: F.mse_loss(m(x), target))


def dcgan(batch=64, width=64):
    twice = 2 * width
    generator = nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)),
        nn.ConvTranspose2d(100, twice, 7, 1, 0), nn.BatchNorm2d(twice), nn.ReLU(),
        nn.ConvTranspose2d(twice, width, 4, 2, 1), nn.BatchNorm2d(width), nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    judge = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(width, twice, 4, 2, 1), nn.BatchNorm2d(twice), nn.LeakyReLU(0.2),
        nn.Conv2d(twice, 1, 7, 1, 0),
    )  # fmt: skip
    adam = lambda m: torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999))
    generator_step, judge_step = adam(generator), adam(judge)
    real = torch.rand(batch, 1, 28, 28) * 2 - 1
    make = computed(lambda: generator(torch.randn(batch, 100)))
    judged = computed(lambda fake: F.softplus(-judge(real)).mean() + F.softplus(judge(fake)).mean())
    fooled = computed(lambda fake: F.softplus(-judge(fake)).mean())

    def run():
        fake = make()
        judge_step.zero_grad(set_to_none=True)
        loss = judged(fake.detach())
        loss.backward()
        judge_step.step()
        # Without the discriminator's own gradients, which this step does not use.
        judge.requires_grad_(False)
        generator_step.zero_grad(set_to_none=True)
        fooled(fake).backward()
        generator_step.step()
        judge.requires_grad_(True)
        return loss.item()

    return run


class Dcgan:
    """The networks of `pyrogen-gan`, whose layers before a batch norm have no bias."""

    def __init__(self):
        self.generator = nn.Sequential(
            nn.Linear(100, 128 * 49, bias=False), nn.Unflatten(1, (128, 7, 7)),
            nn.BatchNorm2d(128), nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        self.judge = nn.Sequential(
            nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(128 * 49, 1),
        )  # fmt: skip


def gan_step(player):
    gan = Dcgan()
    own, other = (gan.judge, gan.generator)[:: 1 if player == "discriminator" else -1]
    other.requires_grad_(False)
    optimizer = torch.optim.Adam(own.parameters(), lr=2e-4, betas=(0.5, 0.999))
    x = torch.rand(64, 1, 28, 28)

    def run():
        optimizer.zero_grad(set_to_none=True)
        on_fake = gan.judge(gan.generator(torch.randn(64, 100)))
        if player == "discriminator":
            loss = F.softplus(-gan.judge(2 * x - 1)).mean() + F.softplus(on_fake).mean()
        else:
            loss = F.softplus(-on_fake).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def gan_sample_10k():
    generator = Dcgan().generator.eval()

    def work():
        return torch.cat([generator(torch.randn(250, 100)) / 2 + 0.5 for _ in range(40)])

    return inferred(work)


# Diffusion.


def unet():
    """The same network by diffusers."""
    from diffusers import UNet2DModel

    return UNet2DModel(
        sample_size=28, in_channels=1, out_channels=1, block_out_channels=(32, 64, 64),
        layers_per_block=1, down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3,
        norm_num_groups=8, attention_head_dim=None,
    )  # fmt: skip


def unet_train():
    model, x, target = unet(), torch.randn(64, 1, 28, 28), torch.randn(64, 1, 28, 28)
    times = torch.rand(64) * 1000
    loss = lambda m: F.mse_loss(m(x, times).sample, target)
    return trained(model, torch.optim.Adam(model.parameters()), loss)


def cleaned(model, x, sigma):
    """The example that the model expects; ours finds the time of a level in the same way."""
    a = 1 / (1 + sigma**2) ** 0.5
    return x - sigma * model(a * x, torch.full((len(x),), 500.0)).sample


def unet_denoise(batch):
    model, x = unet().eval(), torch.randn(batch, 1, 28, 28)
    return inferred(lambda: cleaned(model, x, 1.0))


def unet_sample():
    model = unet().eval()
    levels = torch.linspace(80 ** (1 / 7), 0.01 ** (1 / 7), 50).pow(7).tolist() + [0.0]

    def work():
        x = torch.randn(16, 1, 28, 28) * levels[0]
        for sigma, after in zip(levels, levels[1:]):
            x = x + (x - cleaned(model, x, sigma)) / sigma * (after - sigma)
        return x

    return inferred(work)


# Diffusion of colour pictures, at sizes that fill a card.


def wide_unet(side, width):
    """Three sizes of `width`, `2 width` and `4 width` channels, two blocks each, by diffusers."""
    from diffusers import UNet2DModel

    return UNet2DModel(
        sample_size=side, in_channels=3, out_channels=3, block_out_channels=(width, 2 * width, 4 * width),
        layers_per_block=2, down_block_types=("DownBlock2D",) * 3, up_block_types=("UpBlock2D",) * 3,
        norm_num_groups=8, attention_head_dim=None,
    )  # fmt: skip


def diffusion_train(batch, side, width):
    model, x = wide_unet(side, width), torch.rand(batch, 3, side, side) * 2 - 1
    betas = torch.linspace(1e-4, 0.02, 1000)
    kept = (1 - betas).cumprod(0)

    # Random numbers are drawn outside of what is compiled.
    compared = computed(lambda m, x, moment, noise: F.mse_loss(m(x, moment).sample, noise))

    def loss(m):
        moment = torch.randint(1000, (batch,), device=x.device)
        noise, share = torch.randn_like(x), kept[moment].view(-1, 1, 1, 1)
        return compared(m, share.sqrt() * x + (1 - share).sqrt() * noise, moment, noise)

    return stepped(model, torch.optim.Adam(model.parameters()), loss)


def diffusion_sample(n, side, width):
    model = wide_unet(side, width).eval()
    levels = torch.linspace(80 ** (1 / 7), 0.01 ** (1 / 7), 50).pow(7).tolist() + [0.0]
    step = computed(lambda x, sigma: cleaned(model, x, sigma))

    def work():
        x = torch.randn(n, 3, side, side) * levels[0]
        for sigma, after in zip(levels, levels[1:]):
            x = x + (x - step(x, torch.tensor(sigma))) / sigma * (after - sigma)
        return x

    def run():
        with torch.inference_mode():
            return work().flatten()[0].item()

    return run


# A language model of GPT-2's architecture: heads of 64 features, tied weights, a context of 1,024.

LARGE = 50_304


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, cache=None, position=0):
        batch, length, width = x.shape
        heads = lambda t: t.view(batch, length, width // 64, 64).transpose(1, 2)
        q, k, v = (heads(t) for t in self.qkv(self.norm1(x)).chunk(3, 2))
        if cache is not None:
            cache[0][:, :, position : position + 1] = k
            cache[1][:, :, position : position + 1] = v
            k, v = cache[0][:, :, : position + 1], cache[1][:, :, : position + 1]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self.projection(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x)), approximate="tanh"))


class Language(nn.Module):
    def __init__(self, layers, width):
        super().__init__()
        self.tokens, self.places = nn.Embedding(LARGE, width), nn.Embedding(1024, width)
        nn.init.normal_(self.tokens.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens, caches=None, position=0):
        x = self.tokens(tokens) + self.places(torch.arange(position, position + tokens.shape[1], device=tokens.device))
        for i, layer in enumerate(self.layers):
            x = layer(x, None if caches is None else caches[i], position)
        return F.linear(self.norm(x), self.tokens.weight)


def language_train(batch, layers, width):
    model = Language(layers, width)
    tokens, targets = (torch.randint(LARGE, (batch, 1024)) for _ in range(2))
    loss = lambda m: F.cross_entropy(m(tokens).view(-1, LARGE), targets.view(-1))
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    return trained(model, adamw, loss)


def language_write(texts, layers, width, length=128):
    model = Language(layers, width).eval()

    def run():
        room = lambda: torch.empty(texts, width // 64, length, 64)
        caches = [(room(), room()) for _ in range(layers)]
        tokens = torch.zeros(texts, 1, dtype=torch.long)
        with torch.inference_mode():
            for position in range(length):
                logits = model(tokens, caches, position)[:, -1]
                tokens = torch.multinomial(F.softmax(logits.float(), -1), 1)
            return tokens.sum().item()

    return run


# Sequences.

LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY = 6, 6, 384, 256, 65


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.projection = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x, cache=None, position=0):
        batch, length, _ = x.shape
        heads = lambda t: t.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)
        q, k, v = (heads(t) for t in self.qkv(self.norm1(x)).chunk(3, 2))
        if cache is not None:
            cache[0][:, :, position : position + 1] = k
            cache[1][:, :, position : position + 1] = v
            k, v = cache[0][:, :, : position + 1], cache[1][:, :, : position + 1]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=cache is None)
        x = x + self.projection(y.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.mlp(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens, caches=None, position=0):
        at = torch.arange(position, position + tokens.shape[1])
        x = self.tokens(tokens) + self.positions(at)
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i], position)
        return self.head(self.norm(x))


def gpt_forward():
    model, tokens = Gpt(), torch.randint(VOCABULARY, (12, CONTEXT))
    return inferred(lambda: model(tokens))


def gpt_train():
    model = Gpt()
    tokens, targets = (torch.randint(VOCABULARY, (12, CONTEXT)) for _ in range(2))
    loss = lambda m: F.cross_entropy(m(tokens).view(-1, VOCABULARY), targets.view(-1))
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    return trained(model, adamw, loss)


class Pairs(nn.Module):
    """torch.nn.Transformer with learned places and a last layer that is the embedding of targets."""

    def __init__(self, layers=3, heads=4, width=256, places=32, vocabulary=64):
        super().__init__()
        self.sources, self.targets = nn.Embedding(vocabulary, width), nn.Embedding(vocabulary, width)
        self.source_places, self.places = nn.Embedding(places, width), nn.Embedding(places, width)
        self.body = nn.Transformer(width, heads, layers, layers, 4 * width, dropout=0.0, activation="gelu",
                                   batch_first=True, norm_first=True)

    def forward(self, source, hidden, target):
        at = torch.arange(source.shape[1])
        causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        x = self.body(self.sources(source) + self.source_places(at), self.targets(target) + self.places(at),
                      tgt_mask=causal, tgt_is_causal=True, src_key_padding_mask=hidden, memory_key_padding_mask=hidden)
        return x @ self.targets.weight.T


def seq2seq_train():
    model = Pairs()
    source, target, predicted = (torch.randint(64, (64, 32)) for _ in range(3))
    # As trained in practice: rows may have padding.
    hidden = torch.zeros(64, 32, dtype=torch.bool)
    loss = lambda m: F.cross_entropy(m(source, hidden, target).view(-1, 64), predicted.view(-1))
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    return trained(model, adamw, loss)


def decode(batch):
    model = Gpt().eval()

    def work():
        # Room for all keys and values at once, filled in place.
        room = lambda: torch.empty(batch, HEADS, CONTEXT, WIDTH // HEADS)
        caches = [(room(), room()) for _ in range(LAYERS)]
        tokens = torch.zeros(batch, 1, dtype=torch.long)
        for position in range(CONTEXT):
            logits = model(tokens, caches, position)[:, -1]
            tokens = torch.multinomial(F.softmax(logits, -1), 1)
        return tokens

    return inferred(work)


def lstm_train():
    model = nn.LSTM(128, 256, batch_first=True)
    x, target = torch.randn(32, 64, 128), torch.rand(32, 64, 256)
    return trained(
        model, torch.optim.Adam(model.parameters()), lambda m: F.mse_loss(m(x)[0], target)
    )


# The rest.


def adam(**options):
    weights = [nn.Parameter(torch.randn(1000, 1000) * 0.02) for _ in range(10)]
    for w in weights:
        w.grad = torch.randn(1000, 1000)
    optimizer = torch.optim.Adam(weights, **options)

    def run():
        optimizer.step()
        return weights[0][0, 0].item()

    return run


def frechet():
    """What torchmetrics 1.9 computes (`image/fid.py`), sums in f64, 1,000 rows at a time, and the
    eigenvalues of the product."""
    real, generated = torch.randn(10_000, 2048), torch.randn(10_000, 2048) * 1.2 + 0.1

    def moments(x):
        total = torch.zeros(x.shape[1], dtype=torch.double)
        products = torch.zeros(x.shape[1], x.shape[1], dtype=torch.double)
        for part in x.split(1000):
            part = part.double()
            total += part.sum(0)
            products += part.t() @ part
        mean = total / len(x)
        return mean, (products - len(x) * mean.outer(mean)) / (len(x) - 1)

    def run():
        (mean1, cov1), (mean2, cov2) = moments(real), moments(generated)
        root = torch.linalg.eigvals(cov1 @ cov2).sqrt().real.sum()
        distance = (mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * root
        return distance.item()

    return run


# Distributions.

MILLION = 1_000_000


# Each gives a function that makes the distribution from what a network predicts: the work on parameters is
# done for each batch.


def normal():
    mean, log_var = torch.randn(MILLION), torch.randn(MILLION)
    return lambda: torch.distributions.Normal(mean, log_var.div(2).exp(), validate_args=False)


def gamma():
    shape, rate = torch.rand(MILLION) * 5 + 0.5, torch.rand(MILLION) + 0.5
    return lambda: torch.distributions.Gamma(shape, rate, validate_args=False)


def categorical():
    logits = torch.randn(MILLION, 16)
    return lambda: torch.distributions.Categorical(logits=logits, validate_args=False)


def vectors():
    mean = torch.zeros(MILLION, 64)
    lower = (torch.randn(64, 64) * 0.5 / 8).tril(-1) + torch.eye(64)
    return lambda: torch.distributions.MultivariateNormal(mean, scale_tril=lower, validate_args=False)


def log_prob(make):
    make = make()
    x = make().sample()
    return inferred(lambda: make().log_prob(x))


def draws(make):
    make = make()
    return inferred(lambda: make().sample())


ROWS = {
    "normal_log_prob": lambda: log_prob(normal),
    "normal_sample": lambda: draws(normal),
    "gamma_log_prob": lambda: log_prob(gamma),
    "gamma_sample": lambda: draws(gamma),
    "categorical_log_prob": lambda: log_prob(categorical),
    "categorical_sample": lambda: draws(categorical),
    "mvn_log_prob": lambda: log_prob(vectors),
    "mvn_sample": lambda: draws(vectors),
    "matmul": matmul,
    "vae": vae,
    "conv_vae": conv_vae,
    "vq_vae": vq_vae,
    "resblock_forward": resblock_forward,
    "resblock_train": resblock_train,
    "dcgan": dcgan,
    "gan_discriminator": lambda: gan_step("discriminator"),
    "gan_generator": lambda: gan_step("generator"),
    "gan_sample_10k": gan_sample_10k,
    "maf_train": lambda: flow_train("MAF"),
    "maf_sample": lambda: flow_sample("MAF"),
    "nsf_train": lambda: flow_train("NSF"),
    "nsf_sample": lambda: flow_sample("NSF"),
    "glow_train": lambda: picture_flow_train("Glow", 64),
    "glow_sample": lambda: picture_flow_sample("Glow"),
    "tarflow_train": lambda: picture_flow_train("TarFlow", 32),
    "tarflow_sample": lambda: picture_flow_sample("TarFlow"),
    "gpt_forward": gpt_forward,
    "gpt_train": gpt_train,
    "seq2seq_train": seq2seq_train,
    "lstm_train": lstm_train,
    "decode_1": lambda: decode(1),
    "decode_16": lambda: decode(16),
    "adam": adam,
    "adam_fused": lambda: adam(fused=True),
    "sample_10k": sample_10k,
    "frechet": frechet,
    "unet_train": unet_train,
    "unet_denoise_1": lambda: unet_denoise(1),
    "unet_denoise_16": lambda: unet_denoise(16),
    "unet_sample": unet_sample,
    "diffusion_train": diffusion_train,
    "diffusion_sample": diffusion_sample,
    "language_train": language_train,
    "language_write": language_write,
    "part_conv": part_conv,
    "part_group_norm": part_group_norm,
    "part_layer_norm": part_layer_norm,
    "part_linear": part_linear,
    "part_attention": part_attention,
    "part_entropy": part_entropy,
    "part_half": part_half,
}


def serve(row):
    name, _, sizes = row.partition(":")
    run = ROWS[name](*map(int, sizes.split(","))) if sizes else ROWS[name]()
    if HOW == "compiled":
        # What is built is on the device; `torch.compile` does not follow a default device.
        torch.set_default_device(None)
    print("ready", flush=True)
    for line in sys.stdin:
        runs = int(line.removeprefix("run "))
        started = time.perf_counter()
        for _ in range(runs):
            value = run()
            if DEVICE == "cuda":
                torch.cuda.synchronize()
        milliseconds = (time.perf_counter() - started) * 1e3 / runs
        print(milliseconds, value, flush=True)


def first_sample(file):
    model = ConvVae(8, maps=2)
    model.load_state_dict(torch.load(file, weights_only=True))
    inferred(lambda: demo_samples(model, 1))()
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    torch.manual_seed(1)
    match sys.argv[1:]:
        case ["serve", row]:
            serve(row)
        case ["serve", row, device, how]:
            prepare(device, how)
            serve(row)
        case ["write-model", file]:
            torch.save(ConvVae(8, maps=2).state_dict(), file)
        case ["first-sample", file]:
            first_sample(file)
        case _:
            sys.exit(__doc__)

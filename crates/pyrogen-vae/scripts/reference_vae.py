"""Writes tests/fixtures/vae.json and colours.json: loss terms and gradients of variational autoencoders in PyTorch.

The weights, examples and noise are rounded to f32; everything is computed in f64, with PyTorch's
own distributions where it has them.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_vae.py
"""

import math

import torch
from torch import distributions as td
from torch import nn

from fixture import array, number, rounded, write

torch.set_num_threads(1)
torch.manual_seed(11)
torch.set_default_dtype(torch.float64)

BATCH = 4
ACTIVATION = {"relu": torch.relu, "silu": nn.functional.silu, "tanh": torch.tanh}


def mlp(event, hidden, activation):
    return {"event": event, "network": {"mlp": {"hidden": hidden, "activation": activation}}}


def conv(event, channels, hidden):
    network = {"channels": channels, "hidden": hidden, "activation": "silu"}
    return {"event": event, "network": {"conv": network}}


def logistic(levels, scale):
    return {"discretised_logistic": {"levels": levels, "scale": scale}}


def beta_tc(estimator):
    return {"alpha": 0.5, "beta": 3.0, "gamma": 2.0, "examples": 50, "estimator": estimator}


SMALL = mlp([2, 3], [5], "tanh")
COLUMNS = ["number", {"category": 3}, "number", "number", {"category": 2}]
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
    # The threshold is between the divergences of the dimensions.
    "free bits": {
        **SMALL,
        "decoder": "bernoulli",
        "beta": 2.0,
        "latents": 3,
        "objective": {"free_bits": {"nats": 0.6}},
    },
    "capacity, below": {
        **SMALL,
        "decoder": "bernoulli",
        "objective": {"capacity": {"gamma": 3.0, "nats": 9.0}},
    },
    "capacity, above": {
        **SMALL,
        "decoder": "bernoulli",
        "objective": {"capacity": {"gamma": 3.0, "nats": 0.25}},
    },
    "beta-tc, weighted": {
        **SMALL,
        "decoder": "bernoulli",
        "latents": 3,
        "objective": {"beta_tc": beta_tc("weighted")},
    },
    "beta-tc, stratified": {
        **SMALL,
        "decoder": "bernoulli",
        "latents": 3,
        "objective": {"beta_tc": beta_tc("stratified")},
    },
    "factor": {
        **SMALL,
        "decoder": "bernoulli",
        "latents": 3,
        "objective": {
            "factor": {"gamma": 2.5, "discriminator": {"hidden": [5, 4], "activation": "tanh"}}
        },
    },
    "info, gaussian kernel": {
        **SMALL,
        "decoder": "bernoulli",
        "objective": {
            "info": {"alpha": 0.25, "lambda": 3.0, "kernel": {"gaussian": {"bandwidth": None}}}
        },
    },
    "info, gaussian kernel with a bandwidth": {
        **SMALL,
        "decoder": "bernoulli",
        "objective": {
            "info": {"alpha": 1.0, "lambda": 2.0, "kernel": {"gaussian": {"bandwidth": 0.7}}}
        },
    },
    "wae": {
        **SMALL,
        "decoder": {"gaussian": {"scale": {"fixed": 0.5}}},
        "objective": {
            "wae": {"lambda": 4.0, "kernel": {"inverse_multiquadratic": {"scales": [0.2, 1.0]}}}
        },
    },
    "vamp": {**SMALL, "decoder": "bernoulli", "prior": {"vamp": {"components": 4}}, "beta": 0.5},
    "vamp, iwae, gaussian": {
        **SMALL,
        "decoder": {"gaussian": {"scale": "shared"}},
        "prior": {"vamp": {"components": 3}},
        "objective": {"iwae": {"samples": 4}},
    },
    "mlp, logistic mixture": {
        **SMALL,
        "decoder": {"logistic_mixture": {"levels": 9, "components": 3}},
    },
    "conv, logistic mixture": {
        **conv([2, 4, 3], [3], [4]),
        "decoder": {"logistic_mixture": {"levels": 5, "components": 2}},
    },
    "mlp, categorical": {**SMALL, "decoder": {"categorical": {"levels": 4}}},
    "columns": {
        **mlp([8], [5], "tanh"),
        "decoder": {"columns": {"columns": COLUMNS}},
    },
    "mlp, context": {**SMALL, "decoder": "bernoulli", "context": [2, 2]},
    "mlp, context and classes": {
        **SMALL,
        "decoder": {"gaussian": {"scale": "predicted"}},
        "context": [3],
        "classes": 2,
        "objective": {"iwae": {"samples": 3}},
    },
    "conv, context": {
        **conv([1, 5, 4], [2, 3], [4]),
        "decoder": logistic(9, "predicted"),
        "context": [2, 5, 4],
    },
    "conv, context and classes": {
        **conv([2, 4, 3], [3], []),
        "decoder": "bernoulli",
        "context": [1, 4, 3],
        "classes": 3,
        "objective": {"iwae": {"samples": 2}},
    },
}


COLOURS = {
    "mlp, colour mixture": {
        **mlp([3, 2, 2], [5], "tanh"),
        "decoder": {"colour_mixture": {"levels": 9, "components": 2}},
    },
    "conv, colour mixture, context": {
        **conv([3, 4, 3], [3], [4]),
        "decoder": {"colour_mixture": {"levels": 5, "components": 3}},
        "context": [1, 4, 3],
    },
}


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
        context = config["context"] or []
        seen = math.prod(context) if context else 0
        kind = config["decoder"] if isinstance(config["decoder"], str) else None
        name, options = (kind, {}) if kind else next(iter(config["decoder"].items()))
        self.kind, self.levels, self.scale = name, options.get("levels"), options.get("scale")
        self.components = options.get("components")
        maps = {"logistic_mixture": 3 * (self.components or 0), "categorical": self.levels}
        maps = maps.get(name, 2 if self.scale == "predicted" else 1)
        outputs, channels_out = maps * self.features, maps * event[0]
        if name == "colour_mixture":
            channels_out = 10 * self.components
            outputs = channels_out * math.prod(event[1:])
        objective = config["objective"]
        self.objective = objective if isinstance(objective, str) else next(iter(objective))
        self.settings = {} if isinstance(objective, str) else objective[self.objective]
        width = self.latents * (1 if self.objective == "wae" else 2)
        network, c = next(iter(config["network"].items()))
        self.act = ACTIVATION[c["activation"]]
        self.layers = {}
        if network == "mlp":
            self.conv = 0
            encoder = [self.features + seen + classes, *c["hidden"], width]
            decoder = [self.latents + classes + seen, *c["hidden"][::-1], outputs]
            self.dense("encoder", encoder)
            self.dense("decoder", decoder)
        else:
            self.conv = len(c["channels"])
            channels = [event[0] + (context[0] if context else 0), *c["channels"]]
            sizes = [event[1:]]
            for i in range(self.conv):
                layer = nn.Conv2d(channels[i], channels[i + 1], 3, 2, 1)
                self.layers[f"encoder.stages.{i}"] = layer
                sizes.append(half(sizes[-1]))
            self.bottom = [channels[-1], *sizes[-1]]
            flat = math.prod(self.bottom)
            self.dense("encoder.head", [flat + classes, *c["hidden"], width])
            d_in = self.latents + classes + (flat if context else 0)
            self.dense("decoder.head", [d_in, *c["hidden"][::-1], flat])
            channels[0] = channels_out
            for i in range(self.conv):
                j = self.conv - 1 - i
                more = [int(s % 2 == 0) for s in sizes[j]]
                d_in = channels[j + 1] * (2 if context else 1)
                layer = nn.ConvTranspose2d(d_in, channels[j], 3, 2, 1, more)
                self.layers[f"decoder.stages.{i}"] = layer
            for i in range(self.conv if context else 0):
                d_in = context[0] if i == 0 else channels[i]
                self.layers[f"decoder.context.{i}"] = nn.Conv2d(d_in, channels[i + 1], 3, 2, 1)
        if self.objective == "factor":
            d = self.settings["discriminator"]
            self.dense("discriminator", [self.latents, *d["hidden"], 1])
        for layer in self.layers.values():
            for p in layer.parameters():
                # Twice PyTorch's spread, so that no term is near zero.
                p.data = rounded(2 * p.data)
        self.own = {"shared": 1, "per_feature": self.features}.get(str(self.scale))
        if self.kind == "columns":
            self.own = COLUMNS.count("number")
        if self.own:
            self.own = rounded(0.05 * torch.randn(self.own)).requires_grad_()
        self.pseudo = None
        if config["prior"] != "standard":
            shape = (config["prior"]["vamp"]["components"], self.features)
            # Some are outside [0, 1].
            self.pseudo = rounded(0.4 + 0.5 * torch.randn(shape)).requires_grad_()

    def dense(self, name, widths):
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            self.layers[f"{name}.layers.{i}"] = nn.Linear(a, b)

    def apply_dense(self, name, x):
        found = [layer for key, layer in self.layers.items() if key.startswith(f"{name}.layers.")]
        for i, layer in enumerate(found):
            x = layer(x if i == 0 else self.act(x))
        return x

    def encode(self, x, onehot):
        if self.config["context"]:
            x = torch.cat([x, self.context], 1)
        if not self.conv:
            return self.apply_dense("encoder", torch.cat([x, onehot], 1))
        x = x.reshape(len(x), -1, *self.config["event"][1:])
        for i in range(self.conv):
            x = self.act(self.layers[f"encoder.stages.{i}"](x))
        return self.apply_dense("encoder.head", torch.cat([x.flatten(1), onehot], 1))

    def decode(self, z, onehot):
        z = torch.cat([z, onehot], 1)
        if not self.conv:
            beside = [self.context] if self.config["context"] else []
            return self.apply_dense("decoder", torch.cat([z, *beside], 1))
        beside = []
        if self.config["context"]:
            maps = self.context.reshape(len(z), *self.config["context"])
            for i in range(self.conv):
                maps = self.act(self.layers[f"decoder.context.{i}"](maps))
                beside.append(maps)
            z = torch.cat([z, maps.flatten(1)], 1)
        x = self.apply_dense("decoder.head", z).reshape(-1, *self.bottom)
        for i in range(self.conv):
            x = torch.cat([self.act(x), *([beside.pop()] if beside else [])], 1)
            x = self.layers[f"decoder.stages.{i}"](x)
        return x.flatten(1)

    def own_log_scale(self):
        return soft_bound(10 * self.own - 1, 10)

    def log_px(self, x, output):
        if self.kind == "categorical":
            logits = output.reshape(len(x), self.levels, self.features).transpose(1, 2)
            return td.Categorical(logits=logits).log_prob((x * (self.levels - 1)).round()).sum(1)
        if self.kind == "logistic_mixture":
            return self.mixture_log_px(x, output)
        if self.kind == "colour_mixture":
            return self.colour_log_px(x, output)
        if self.kind == "columns":
            return self.columns_log_px(x, output)
        mean = output[:, : self.features]
        if self.kind == "bernoulli":
            return -nn.functional.binary_cross_entropy_with_logits(mean, x, reduction="none").sum(1)
        if isinstance(self.scale, dict):
            log_scale = torch.full_like(mean, math.log(self.scale["fixed"]))
        elif self.scale == "predicted":
            log_scale = soft_bound(output[:, self.features :] - 1, 10)
        else:
            log_scale = self.own_log_scale().expand_as(mean)
        if self.kind == "gaussian":
            return td.Normal(mean, log_scale.exp()).log_prob(x).sum(1)
        return self.logistic(x, mean, log_scale).sum(1)

    def logistic(self, x, mean, log_scale):
        """ln of the mass of each bin; in f64 the difference of two sigmoids may be 0."""
        half_width = 0.5 / (self.levels - 1)
        at = lambda v: (v - mean) / log_scale.exp()
        upper, lower = at(x + half_width), at(x - half_width)
        below, above = nn.functional.logsigmoid(upper), nn.functional.logsigmoid(-lower)
        middle = below + above + torch.log(-torch.expm1(lower - upper))
        return torch.where(
            x < half_width, below, torch.where(x > 1 - half_width, above, middle)
        )

    def mixture_log_px(self, x, output):
        k, f = self.components, self.features
        parts = output.reshape(len(x), 3, k, f)
        weights = torch.log_softmax(parts[:, 0], 1)
        start = ((torch.arange(k) + 0.5) / k).reshape(1, k, 1)
        mass = self.logistic(
            x[:, None].expand(-1, k, -1), parts[:, 1] + start, soft_bound(parts[:, 2] - 1, 10)
        )
        return torch.logsumexp(weights + mass, 1).sum(1)

    def colour_log_px(self, x, output):
        """Salimans et al. 2017, eq. 3, on [-1, 1] and pixel by pixel, as in the paper's code."""
        k, pixels = self.components, self.features // 3
        parts = output.reshape(len(x), 10, k, pixels)
        weights = torch.log_softmax(parts[:, 0], 1)
        start = ((torch.arange(k) + 0.5) / k).reshape(1, 1, k, 1)
        means = 2 * (parts[:, 1:4] + start) - 1
        log_scales = soft_bound(parts[:, 4:7] - 1, 10) + math.log(2)
        coeffs = torch.tanh(parts[:, 7:10])
        rgb = (2 * x - 1).reshape(len(x), 3, 1, pixels).expand(-1, -1, k, -1)
        m2 = means[:, 1] + coeffs[:, 0] * rgb[:, 0]
        m3 = means[:, 2] + coeffs[:, 1] * rgb[:, 0] + coeffs[:, 2] * rgb[:, 1]
        means = torch.stack([means[:, 0], m2, m3], 1)
        half = 1 / (self.levels - 1)
        at = lambda v: (v - means) / log_scales.exp()
        plus, minus = at(rgb + half), at(rgb - half)
        middle = torch.sigmoid(plus) - torch.sigmoid(minus)
        mass = torch.where(
            rgb < -1 + half,
            torch.sigmoid(plus),
            torch.where(rgb > 1 - half, torch.sigmoid(-minus), middle),
        )
        return torch.logsumexp(weights + mass.log().sum(1), 1).sum(1)

    def columns_log_px(self, x, output):
        total, at, number = 0.0, 0, 0
        for column in COLUMNS:
            if column == "number":
                scale = self.own_log_scale()[number].exp()
                total = total + td.Normal(output[:, at], scale).log_prob(x[:, at])
                at, number = at + 1, number + 1
            else:
                end = at + column["category"]
                law = td.OneHotCategorical(logits=output[:, at:end])
                total = total + law.log_prob(x[:, at:end])
                at = end
        return total

    def posterior(self, x, onehot):
        output = self.encode(x, onehot)
        mean = output[:, : self.latents]
        if self.objective == "wae":
            return td.Normal(mean, torch.full_like(mean, math.exp(-7.5)))
        return td.Normal(mean, (0.5 * soft_bound(output[:, self.latents :], 15)).exp())

    def log_pz(self, z):
        if self.pseudo is None:
            return td.Normal(0.0, 1.0).log_prob(z).sum(1)
        u = self.pseudo if self.kind == "gaussian" else nn.functional.hardtanh(self.pseudo, 0, 1)
        q = self.posterior(u, torch.zeros(len(u), 0))
        each = td.Normal(q.loc[None], q.scale[None]).log_prob(z[:, None]).sum(2)
        return torch.logsumexp(each, 1) - math.log(len(u))

    def terms(self, x, onehot, draws):
        samples = self.settings.get("samples", 1)
        q = self.posterior(x, onehot)
        log_px, log_ratio = [], []
        for k in range(samples):
            z = q.loc if self.objective == "wae" else q.loc + q.scale * draws[:, k]
            log_px.append(self.log_px(x, self.decode(z, onehot)))
            log_ratio.append(self.log_pz(z) - q.log_prob(z).sum(1))
        log_px, log_ratio = torch.stack(log_px, 1), torch.stack(log_ratio, 1)
        each = td.kl_divergence(q, td.Normal(torch.zeros_like(q.loc), torch.ones_like(q.loc)))
        kl = each.sum(1).mean() if self.pseudo is None else -log_ratio.mean()
        rec, s, beta = -log_px.mean(), self.settings, self.config["beta"]
        terms = {"reconstruction": rec}
        if self.objective == "elbo":
            return {**terms, "kl": kl}, rec + beta * kl
        if self.objective == "iwae":
            bound = torch.logsumexp(log_px + log_ratio, 1) - math.log(samples)
            return {**terms, "kl": kl, "iwae": -bound.mean()}, -bound.mean()
        if self.objective == "free_bits":
            free = torch.clamp(each.mean(0), min=s["nats"])
            assert 0 < (free > s["nats"]).sum() < self.latents
            return {**terms, "kl": free.sum(), "rate": kl}, rec + beta * free.sum()
        if self.objective == "capacity":
            gap = (kl - s["nats"]).abs()
            return {**terms, "kl": kl, "capacity": gap}, rec + s["gamma"] * gap
        if self.objective == "beta_tc":
            return self.beta_tc_terms(q, z, rec, kl)
        if self.objective == "factor":
            return self.factor_terms(z, rec, kl, draws[:, 1])
        mmd = self.mmd(z, draws[:, 1])
        if self.objective == "wae":
            return {**terms, "mmd": mmd}, rec + s["lambda"] * mmd
        total = rec + (1 - s["alpha"]) * kl + (s["alpha"] + s["lambda"] - 1) * mmd
        return {**terms, "kl": kl, "mmd": mmd}, total

    def beta_tc_terms(self, q, z, rec, kl):
        """Chen et al. 2018, eq. 2, with eq. 5 or appendix C.2 for ln q(z), one z at a time."""
        s, batch = self.settings, len(z)
        n = s["examples"]
        information, correlation, dimension = 0.0, 0.0, 0.0
        for i in range(batch):
            each = q.log_prob(z[i].expand_as(q.loc))
            if s["estimator"] == "weighted":
                w = torch.full((batch,), 1 / (n * batch))
            else:
                w = torch.full((batch,), 1 / (batch - 1))
                w[i] = 1 / n
                w[(i + 1) % batch] = (n - (batch - 1)) / (n * (batch - 1))
            log_q = (each.sum(1).exp() * w).sum().log()
            log_product = (each.exp() * w[:, None]).sum(0).log().sum()
            information += (each[i].sum() - log_q) / batch
            correlation += (log_q - log_product) / batch
            dimension += (log_product - td.Normal(0.0, 1.0).log_prob(z[i]).sum()) / batch
        terms = {
            "reconstruction": rec,
            "mutual_information": information,
            "total_correlation": correlation,
            "dimension_kl": dimension,
            "kl": kl,
        }
        total = rec + s["alpha"] * information + s["beta"] * correlation + s["gamma"] * dimension
        return terms, total

    def discriminate(self, z):
        activation, self.act = self.act, ACTIVATION[self.settings["discriminator"]["activation"]]
        d = self.apply_dense("discriminator", z)[:, 0]
        self.act = activation
        return d

    def factor_terms(self, z, rec, kl, keys):
        """Two losses; `total` is what each player minimises, added up (see `backward`)."""
        shuffled = torch.gather(z.detach(), 0, keys.argsort(0))
        tc = self.discriminate(z).mean()
        ones = torch.ones(len(z))
        bce = nn.functional.binary_cross_entropy_with_logits
        discriminator = 0.5 * (
            bce(self.discriminate(z.detach()), ones) + bce(self.discriminate(shuffled), 0 * ones)
        )
        terms = {
            "reconstruction": rec,
            "kl": kl,
            "total_correlation": tc,
            "discriminator": discriminator,
        }
        self.players = rec + kl + self.settings["gamma"] * tc, discriminator
        return terms, sum(self.players)

    def backward(self, total):
        """FactorVAE: the gradients of two optimisers, each for its own parameters."""
        if self.objective != "factor":
            return total.backward()
        own = {
            player: [
                p
                for name, layer in self.layers.items()
                for p in layer.parameters()
                if name.startswith("discriminator") == bool(player)
            ]
            for player in [0, 1]
        }
        for player in [0, 1]:
            grads = torch.autograd.grad(self.players[player], own[player], retain_graph=True)
            for p, g in zip(own[player], grads):
                p.grad = g

    def mmd(self, a, b):
        """Gretton et al. 2012, eq. 3, pair by pair."""
        name, options = next(iter(self.settings["kernel"].items()))
        d, n = self.latents, len(a)

        def k(x, y):
            square = ((x - y) ** 2).sum()
            if name == "gaussian":
                variance = options["bandwidth"] ** 2 if options["bandwidth"] else d
                return torch.exp(-square / (2 * variance))
            return sum(2 * d * s / (2 * d * s + square) for s in options["scales"])

        pairs = [(i, j) for i in range(n) for j in range(n)]
        within = sum(k(a[i], a[j]) + k(b[i], b[j]) for i, j in pairs if i != j)
        return within / (n * (n - 1)) - 2 * sum(k(a[i], b[j]) for i, j in pairs) / n**2

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
        if self.pseudo is not None:
            out["pseudo_inputs"] = array(self.pseudo.grad if grad else self.pseudo)
        return out


def examples(config):
    shape = (BATCH, math.prod(config["event"]))
    if config["decoder"] == "bernoulli":
        return (torch.rand(shape) < 0.5).to(torch.float64)
    if "gaussian" in config["decoder"]:
        return rounded(torch.randn(shape))
    if "columns" in config["decoder"]:
        parts = []
        for column in COLUMNS:
            if column == "number":
                parts.append(rounded(torch.randn(BATCH, 1)))
            else:
                k = column["category"]
                parts.append(nn.functional.one_hot(torch.randint(0, k, (BATCH,)), k))
        return torch.cat(parts, 1).to(torch.float64)
    top = next(iter(config["decoder"].values()))["levels"] - 1
    return rounded(torch.randint(0, top + 1, shape) / top)


def case(name, config):
    default = {"latents": 2, "prior": "standard", "beta": 1.0, "objective": "elbo"}
    config = {**default, "classes": None, "context": None, **config}
    model = Vae(config)
    x = examples(config)
    context = None
    if config["context"]:
        context = rounded(torch.rand(BATCH, math.prod(config["context"])))
        model.context = context
    classes = config["classes"] or 0
    labels = torch.randint(0, classes, (BATCH,)) if classes else None
    onehot = nn.functional.one_hot(labels, classes) if classes else torch.zeros(BATCH, 0)
    count = model.settings.get("samples", 1) + (model.objective in ["factor", "info", "wae"])
    draws = rounded(torch.randn(BATCH, count, config["latents"]))
    terms, total = model.terms(x, onehot.to(torch.float64), draws)
    model.backward(total)
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": labels.tolist() if classes else None,
        "context": None if context is None else array(context),
        "draws": array(draws),
        "weights": model.parameters(),
        "terms": {k: number(v.item()) for k, v in terms.items()},
        "total": number(total.item()),
        "gradients": model.parameters(grad=True),
    }


write("vae", CONFIGS, case)
write("colours", COLOURS, case)

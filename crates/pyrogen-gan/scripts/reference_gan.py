"""Writes tests/fixtures/gan.json and penalties.json (both players' loss terms, gradients and running
statistics) and spectral.json (a step of spectral normalisation) with PyTorch.

Written from the papers that the crate's documentation names. The weights, examples and draws are
rounded to f32; everything is computed in f64, the penalties by differentiating twice.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_gan.py
"""

import math
import sys

import torch
from torch.nn import functional as F

sys.path.append("../pyrogen-vae/scripts")
from fixture import array, number, rounded, write  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(17)
torch.set_default_dtype(torch.float64)

BATCH = 5
LEAKY = {"leaky_relu": {"slope": 0.2}}
PLAIN = {"spectral": False}


def mlp(activation=LEAKY):
    return {
        "mlp": {
            "generator": {"hidden": [5], "activation": "tanh"},
            "discriminator": {"hidden": [6, 4], "activation": activation},
        }
    }


def points(loss, regularise=PLAIN, activation=LEAKY, **more):
    base = {"event": [3], "latents": 2, "networks": mlp(activation), "output": "real"}
    return {**base, "loss": loss, "regularise": regularise, **more}


def pictures(networks, loss, regularise, event, **more):
    base = {"event": event, "latents": 3, "networks": networks, "loss": loss}
    return {**base, "regularise": regularise, **more}


def dcgan(norm):
    return {"dcgan": {"channels": [3, 4], "norm": norm}}


def resnet(activation):
    return {"resnet": {"channels": [3], "activation": activation}}


R1 = {"r1": {"weight": 2.0}}
GP = {"gradient": {"weight": 10.0}}
WASSERSTEIN = {"wasserstein": {"clip": None}}

CONFIGS = {
    "non-saturating": points("non_saturating", {**PLAIN, "label_smoothing": 0.1}),
    "minimax": points("minimax"),
    "least squares": points("least_squares", {**PLAIN, "label_smoothing": 0.2}),
    "hinge": points("hinge"),
    "wasserstein": points(WASSERSTEIN),
    "relativistic": points({"relativistic": "non_saturating"}, {**PLAIN, "label_smoothing": 0.1}),
    "relativistic least squares": points({"relativistic": "least_squares"}),
    "relativistic hinge": points({"relativistic": "hinge"}),
    "told, spectral": points(
        "non_saturating",
        {
            "spectral": True,
            "instance_noise": 0.3,
            "feature_matching": 2.0,
            "reconstruction": 0.5,
            "minibatch_deviation": True,
        },
        classes=3,
        context=[2],
    ),
    "dcgan, batch norm, auxiliary": pictures(
        dcgan(True),
        "least_squares",
        {**PLAIN, "minibatch_deviation": True},
        [1, 8, 4],
        classes=3,
        conditioning={"auxiliary": {"weight": 0.5}},
    ),
    "dcgan, spectral, projection, changes": pictures(
        dcgan(False),
        "hinge",
        {"spectral": True, "augment": ["colour", "translation", "cutout"]},
        [2, 8, 8],
        classes=2,
    ),
    "resnet": pictures(resnet("relu"), "hinge", {"spectral": True}, [2, 4, 4], classes=2),
    "unet": pictures(
        {"unet": {"channels": [4, 6], "patches": [3, 2]}},
        "least_squares",
        {"spectral": True, "reconstruction": 10.0},
        [1, 8, 8],
        classes=2,
        context=[2, 4, 4],
    ),
    "unet, diversity": pictures(
        {"unet": {"channels": [4], "patches": [3]}},
        "hinge",
        {**PLAIN, "diversity": 0.7},
        [1, 4, 4],
        context=[1, 4, 4],
    ),
    "penalty: R1, smooth": points("non_saturating", {**PLAIN, "penalty": R1}, "silu"),
    "penalty: R1, kinks": points("non_saturating", {**PLAIN, "penalty": R1}),
    "penalty: gradient, smooth": points(WASSERSTEIN, {**PLAIN, "penalty": GP}, "silu"),
    "penalty: gradient, kinks": points(WASSERSTEIN, {**PLAIN, "penalty": GP}),
    "penalty: R1, dcgan, kinks": pictures(
        dcgan(False), "non_saturating", {"spectral": True, "penalty": R1}, [1, 8, 8]
    ),
    "penalty: gradient, resnet, smooth, deviation": pictures(
        resnet("silu"),
        WASSERSTEIN,
        {**PLAIN, "penalty": GP, "minibatch_deviation": True},
        [1, 4, 4],
    ),
}

ACTIVATIONS = {"tanh": torch.tanh, "silu": F.silu, "relu": F.relu}


def act(activation, x):
    if isinstance(activation, dict):
        return F.leaky_relu(x, activation["leaky_relu"]["slope"])
    return ACTIVATIONS[activation](x)


class Weights:
    """Arrays by name, in Burn's layout; made where they are first asked for."""

    def __init__(self):
        self.params, self.states = {}, {}

    def get(self, name, *shape, scale=1.0, shift=0.0):
        if name not in self.params:
            value = rounded(shift + scale * torch.randn(*shape))
            self.params[name] = value.requires_grad_()
        return self.params[name]

    def state(self, name, value):
        return self.states.setdefault(name, rounded(value()))


class Gan:
    def __init__(self, config):
        self.config = config
        self.event = config["event"]
        self.latents = config["latents"]
        self.classes = config.get("classes") or 0
        self.context = config.get("context")
        self.kind, self.net = next(iter(config["networks"].items()))
        self.regularise = config["regularise"]
        self.w = Weights()
        self.training = True

    # Layers.

    def weight(self, name, out, *rest, spectral):
        """A weight [out, rest], divided by its largest singular value where asked."""
        w = self.w.get(f"{name}.weight", out, *rest, scale=1 / math.sqrt(math.prod(rest)))
        return self.normalised(name, w, spectral)

    def normalised(self, name, w, spectral):
        if not spectral:
            return w
        matrix = w.flatten(1)
        u = F.normalize(torch.randn(matrix.shape[0]), dim=0)
        for _ in range(3):  # near the singular vectors, as a model's are
            v = F.normalize(matrix.detach().T @ u, dim=0)
            u = F.normalize(matrix.detach() @ v, dim=0)
        u = self.w.state(f"{name}.norm.u", lambda: u)
        v = self.w.state(f"{name}.norm.v", lambda: v)
        return w / (u @ matrix @ v)

    def dense(self, name, x, out, spectral=False, bias=True):
        w = self.w.get(f"{name}.weight", x.shape[1], out, scale=1 / math.sqrt(x.shape[1]))
        w = self.normalised(name, w.T, spectral)
        b = self.w.get(f"{name}.bias", out, scale=0.3) if bias else None
        return F.linear(x, w, b)

    def conv(self, name, x, out, kernel, stride, padding, spectral=False, bias=True):
        w = self.weight(name, out, x.shape[1], kernel, kernel, spectral=spectral)
        b = self.w.get(f"{name}.bias", out, scale=0.3) if bias else None
        return F.conv2d(x, w, b, stride, padding)

    def conv_transpose(self, name, x, out, bias):
        w = self.w.get(f"{name}.weight", x.shape[1], out, 4, 4, scale=0.3)
        b = self.w.get(f"{name}.bias", out, scale=0.3) if bias else None
        return F.conv_transpose2d(x, w, b, 2, 1)

    def batch_norm(self, name, x, classes):
        rows, channels = max(classes, 1), x.shape[1]
        gamma = self.w.get(f"{name}.gamma", rows, channels, scale=0.3, shift=1.0)
        beta = self.w.get(f"{name}.beta", rows, channels, scale=0.3)
        mean = self.w.state(f"{name}.running_mean", lambda: torch.randn(channels))
        var = self.w.state(f"{name}.running_var", lambda: 0.5 + torch.rand(channels))
        moved = [mean.clone(), var.clone()]
        y = F.batch_norm(x, *moved, training=True, momentum=0.1, eps=1e-5)
        self.w.states[f"{name}.running_mean"], self.w.states[f"{name}.running_var"] = moved
        index = self.labels if classes else torch.zeros(len(x), dtype=torch.long)
        return y * gamma[index][:, :, None, None] + beta[index][:, :, None, None]

    def group_norm(self, name, x):
        channels = x.shape[1]
        fits = [g for g in (8, 4, 2) if channels % g == 0 and channels // g >= 4] + [1]
        gamma = self.w.get(f"{name}.gamma", channels, scale=0.3, shift=1.0)
        beta = self.w.get(f"{name}.beta", channels, scale=0.3)
        return F.group_norm(x, fits[0], gamma, beta, 1e-5)

    # Generators.

    def one_hot(self):
        return F.one_hot(self.labels, self.classes).to(torch.float64)

    def told(self, *more):
        """Context and class as channels."""
        height, width = self.event[1:]
        maps = self.given.reshape(BATCH, *self.context)
        maps = maps.repeat_interleave(height // maps.shape[2], 2)
        maps = maps.repeat_interleave(width // maps.shape[3], 3)
        numbers = ([self.one_hot()] if self.classes else []) + list(more)
        spread = [n[:, :, None, None].expand(-1, -1, height, width) for n in numbers]
        return torch.cat([maps, *spread], 1)

    def generate(self, z):
        p = "generator.net"
        if self.kind == "mlp":
            x = [z] + ([self.one_hot()] if self.classes else [])
            x = torch.cat(x + ([self.given] if self.context else []), 1)
            hidden, activation = self.net["generator"]["hidden"], self.net["generator"]["activation"]
            for i, width in enumerate(hidden):
                x = act(activation, self.dense(f"{p}.layers.{i}", x, width))
            x = self.dense(f"{p}.layers.{len(hidden)}", x, math.prod(self.event))
        elif self.kind == "dcgan":
            channels = self.net["channels"]
            stages = len(channels)
            size = [s >> stages for s in self.event[1:]]
            x = self.dense(f"{p}.dense", z, channels[-1] * math.prod(size), bias=False)
            x = x.reshape(BATCH, channels[-1], *size)
            for i, out in enumerate([*channels[-2::-1], self.event[0]]):
                x = F.relu(self.batch_norm(f"{p}.norms.{i}", x, self.classes))
                x = self.conv_transpose(f"{p}.stages.{i}", x, out, i + 1 == stages)
        elif self.kind == "resnet":
            channels, activation = self.net["channels"], self.net["activation"]
            size = [s >> len(channels) for s in self.event[1:]]
            x = self.dense(f"{p}.dense", z, channels[-1] * math.prod(size))
            x = x.reshape(BATCH, channels[-1], *size)
            for i, out in enumerate(channels[::-1]):
                b = f"{p}.blocks.{i}"
                h = act(activation, self.batch_norm(f"{b}.norms.0", x, self.classes))
                h = F.interpolate(h, scale_factor=2)
                h = self.conv(f"{b}.convs.0", h, out, 3, 1, 1, bias=False)
                h = act(activation, self.batch_norm(f"{b}.norms.1", h, self.classes))
                h = self.conv(f"{b}.convs.1", h, out, 3, 1, 1, bias=False)
                x = F.interpolate(x, scale_factor=2)
                x = h + self.conv(f"{b}.shortcut", x, out, 1, 1, 0, bias=False)
            x = act(activation, self.batch_norm(f"{p}.norm", x, self.classes))
            x = self.conv(f"{p}.last", x, self.event[0], 3, 1, 1)
        else:
            channels = self.net["channels"]
            first = x = self.told(z)
            seen = [first]
            for i, out in enumerate(channels):
                x = self.conv(f"{p}.down.{i}", x, out, 4, 2, 1, bias=False)
                x = F.leaky_relu(self.group_norm(f"{p}.down_norms.{i}", x), 0.2)
                seen.append(x)
            seen.pop()
            for i, out in enumerate([*channels[-2::-1], channels[0]]):
                x = self.conv_transpose(f"{p}.up.{i}", x, out, False)
                x = F.relu(self.group_norm(f"{p}.up_norms.{i}", x))
                x = torch.cat([x, seen.pop()], 1)
            x = self.conv(f"{p}.last", x, self.event[0], 3, 1, 1)
        x = x.flatten(1)
        return x if self.config.get("output") == "real" else torch.tanh(x)

    # Discriminators.

    def deviation(self, maps):
        if not self.regularise.get("minibatch_deviation"):
            return maps
        std = (maps.var(0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([maps, std.expand(len(maps), 1, *maps.shape[2:])], 1)

    def judge(self, x):
        """Logits, logits of classes, and features."""
        p, spectral = "discriminator.net", self.regularise["spectral"]
        if self.kind != "mlp":
            x = x.reshape(-1, *self.event)
        if self.kind == "mlp":
            if self.context:
                x = torch.cat([x, self.given], 1)
            for i, width in enumerate(self.net["discriminator"]["hidden"]):
                x = self.dense(f"{p}.layers.{i}", x, width, spectral)
                x = act(self.net["discriminator"]["activation"], x)
            x = x[:, :, None, None]
        elif self.kind == "dcgan":
            for i, out in enumerate(self.net["channels"]):
                norm = self.net["norm"] and i > 0
                x = self.conv(f"{p}.stages.{i}", x, out, 4, 2, 1, spectral, not norm)
                x = self.batch_norm(f"{p}.norms.{i - 1}", x, 0) if norm else x
                x = F.leaky_relu(x, 0.2)
        elif self.kind == "resnet":
            channels, activation = self.net["channels"], self.net["activation"]
            for i, out in enumerate([*channels, channels[-1]]):
                b, halves = f"{p}.blocks.{i}", i < len(channels)
                h = x if i == 0 else act(activation, x)
                h = act(activation, self.conv(f"{b}.convs.0", h, out, 3, 1, 1, spectral))
                h = self.conv(f"{b}.convs.1", h, out, 3, 1, 1, spectral)
                if halves:
                    h = F.avg_pool2d(h, 2)
                    x = F.avg_pool2d(self.conv(f"{b}.shortcut", x, out, 1, 1, 0, spectral), 2)
                x = h + x
            x = act(activation, x)
        else:
            x = torch.cat([x, self.told()], 1)
            for i, out in enumerate(self.net["patches"]):
                x = F.leaky_relu(self.conv(f"{p}.stages.{i}", x, out, 4, 2, 1, spectral), 0.2)
            last = self.conv(f"{p}.last", self.deviation(x), 1, 3, 1, 1, spectral)
            return last.flatten(1), None, x.flatten(1)
        features, maps = x.flatten(1), self.deviation(x)
        seen = maps.sum((2, 3)) if self.kind == "resnet" else maps.flatten(1)
        logits, classes = self.dense(f"{p}.head.logit", seen, 1, spectral), None
        if self.classes and "conditioning" not in self.config:
            h = f"{p}.head.projection"
            vectors = self.dense(h, self.one_hot(), seen.shape[1], spectral, False)
            logits = logits + (vectors * seen).sum(1, keepdim=True)
        elif self.classes:
            classes = self.dense(f"{p}.head.classifier", seen, self.classes, spectral)
        return logits, classes, features

    # Changes of pictures (Zhao et al. 2020, appendix; in plain loops).

    def changed(self, x, kind):
        if "augment" in self.regularise:
            x = self.augment(x.reshape(BATCH, *self.event), self.draws["changes"][kind]).flatten(1)
        if self.regularise.get("instance_noise"):
            x = x + self.regularise["instance_noise"] * self.draws["noise"][kind]
        return x

    def augment(self, x, numbers):
        _, height, width = self.event
        out = []
        for picture, n in zip(x, numbers.tolist()):
            y = picture + (n[0] - 0.5)
            mean = y.mean(0, keepdim=True)
            y = (y - mean) * (2 * n[1]) + mean
            y = (y - y.mean()) * (n[2] + 0.5) + y.mean()

            def moved(u, size):
                most = int(size / 8 + 0.5)
                return int(u * (2 * most + 1)) - most

            down, right = moved(n[3], height), moved(n[4], width)
            padded = F.pad(y, (width, width, height, height))
            y = padded[:, height - down : 2 * height - down, width - right : 2 * width - right]
            mask = torch.ones(height, width)

            def cut(u, size):
                side = int(size * 0.5 + 0.5)
                middle = int(u * (size + 1 - side % 2))
                return [min(max(middle + i - side // 2, 0), size - 1) for i in range(side)]

            for i in cut(n[5], height):
                for j in cut(n[6], width):
                    mask[i, j] = 0.0
            out.append(y * mask)
        return torch.stack(out)

    # Losses.

    def sides(self, a, b, form, smoothing):
        """What a discriminator minimises that wants a high and b low."""
        if form == "non_saturating":
            target = torch.full_like(a, 1 - smoothing)
            low = F.binary_cross_entropy_with_logits(b, torch.zeros_like(b))
            return F.binary_cross_entropy_with_logits(a, target) + low
        if form == "least_squares":
            return ((a - 1 + smoothing) ** 2).mean() + ((b + 1) ** 2).mean()
        return F.relu(1 - a).mean() + F.relu(1 + b).mean()

    def adversarial(self, player, r, f):
        loss, smoothing = self.config["loss"], self.regularise.get("label_smoothing", 0.0)
        if isinstance(loss, dict) and "relativistic" in loss:
            a, b = r - f.mean(), f - r.mean()
            if player == "generator":
                return self.sides(b, a, loss["relativistic"], 0.0)
            return self.sides(a, b, loss["relativistic"], smoothing)
        if isinstance(loss, dict):
            return f.mean() - r.mean() if player == "discriminator" else -f.mean()
        ones = torch.ones_like(f)
        if player == "discriminator":
            if loss == "least_squares":
                return ((r - 1 + smoothing) ** 2).mean() / 2 + (f**2).mean() / 2
            form = "hinge" if loss == "hinge" else "non_saturating"
            return self.sides(r, f, form, smoothing)
        if loss == "non_saturating":
            return F.binary_cross_entropy_with_logits(f, ones)
        if loss == "minimax":
            return -F.binary_cross_entropy_with_logits(f, 0 * ones)
        if loss == "least_squares":
            return ((f - 1) ** 2).mean() / 2
        return -f.mean()

    def slope_penalty(self, real, fake):
        kind, options = next(iter(self.regularise["penalty"].items()))
        t = self.draws.get("between")
        x = real if kind == "r1" else t * real + (1 - t) * fake
        x = x.detach().requires_grad_()
        (g,) = torch.autograd.grad(self.judge(x)[0].sum(), x, create_graph=True)
        length = (g**2).sum(1).sqrt()
        value = (length**2).mean() / 2 if kind == "r1" else ((length - 1) ** 2).mean()
        return value, options["weight"]

    def classified(self, logits):
        return F.cross_entropy(logits, self.labels), self.config["conditioning"]["auxiliary"]["weight"]

    def terms(self, player, x):
        real = x if self.config.get("output") == "real" else 2 * x - 1
        made = self.generate(self.draws["latents"])
        terms, total = {}, 0.0

        def add(name, value, weight):
            nonlocal total
            terms[name], total = value, total + weight * value

        if player == "discriminator":
            fake, real = self.changed(made.detach(), 1), self.changed(real, 0)
            (r, c, _), (f, _, _) = self.judge(real), self.judge(fake)
            add("adversarial", self.adversarial(player, r, f), 1)
            if "penalty" in self.regularise:
                add("penalty", *self.slope_penalty(real, fake))
            if c is not None:
                add("class", *self.classified(c))
            return {**terms, "real": r.mean(), "fake": f.mean()}, total
        f, c, features = self.judge(self.changed(made, 1))
        r, of_real = None, None
        relativistic = isinstance(self.config["loss"], dict) and "relativistic" in self.config["loss"]
        if relativistic or "feature_matching" in self.regularise:
            r, _, of_real = self.judge(self.changed(real, 0))
        add("adversarial", self.adversarial(player, r, f), 1)
        if c is not None:
            add("class", *self.classified(c))
        if "feature_matching" in self.regularise:
            apart = ((of_real.mean(0) - features.mean(0)) ** 2).mean()
            add("features", apart, self.regularise["feature_matching"])
        if "reconstruction" in self.regularise:
            add("reconstruction", (made - real).abs().mean(), self.regularise["reconstruction"])
        if "diversity" in self.regularise:
            z, other = self.draws["latents"], self.draws["apart"]
            ratio = (made - self.generate(other)).abs().mean() / (z - other).abs().mean()
            add("diversity", 1 / (ratio + 1e-5), self.regularise["diversity"])
        return terms, total


def draws(config):
    features = math.prod(config["event"])
    out = {"latents": rounded(torch.randn(BATCH, config["latents"]))}
    if "gradient" in config["regularise"].get("penalty", {}):
        out["between"] = rounded(torch.rand(BATCH, 1))
    if "diversity" in config["regularise"]:
        out["apart"] = rounded(torch.randn(BATCH, config["latents"]))
    if "instance_noise" in config["regularise"]:
        out["noise"] = [rounded(torch.randn(BATCH, features)) for _ in range(2)]
    if "augment" in config["regularise"]:
        out["changes"] = [rounded(torch.rand(BATCH, 7)) for _ in range(2)]
    return out


def arrays(tensors, prefix=""):
    return {k.removeprefix(prefix): array(v) for k, v in sorted(tensors.items()) if k.startswith(prefix)}


def case(name, config):
    model = Gan(config)
    x = rounded(torch.rand(BATCH, math.prod(config["event"])))
    model.labels = torch.arange(BATCH) % max(model.classes, 1)
    model.given = rounded(torch.rand(BATCH, math.prod(model.context))) if model.context else None
    model.draws = draws(config)
    with torch.no_grad():  # makes the weights
        model.judge(model.generate(model.draws["latents"]))
    # The running statistics before a step.
    first = {k: v.clone() for k, v in model.w.states.items()}
    first = {k: rounded(v) for k, v in first.items()}
    model.w.states = dict(first)
    weights = arrays({**model.w.params, **first})
    players = {}
    for player in ["discriminator", "generator"]:
        model.w.states = dict(first)
        terms, total = model.terms(player, x)
        own = {k: v for k, v in model.w.params.items() if k.startswith(player)}
        grads = torch.autograd.grad(total, list(own.values()), allow_unused=True)
        grads = {k: torch.zeros_like(own[k]) if g is None else g for k, g in zip(own, grads)}
        players[player] = {
            "terms": {k: number(v) for k, v in terms.items()},
            "total": number(total),
            "gradients": arrays(grads, f"{player}."),
            "averages": arrays({k: v for k, v in model.w.states.items() if "running" in k}),
        }
    flat = {k: [array(v) for v in d] if isinstance(d, list) else array(d) for k, d in model.draws.items()}
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": model.labels.tolist() if model.classes else None,
        "context": array(model.given) if model.context else None,
        "draws": flat,
        "weights": weights,
        **players,
    }


def spectral(name, shape):
    """PyTorch's own spectral normalisation: one step of the power iteration, then the weight."""
    layer = torch.nn.Linear(shape[1], shape[0], bias=False)
    layer.weight.data = rounded(torch.randn(shape))
    first = {"v": F.normalize(torch.randn(shape[1]), dim=0)}
    torch.nn.utils.spectral_norm(layer, eps=1e-12)
    layer.weight_u.copy_(rounded(layer.weight_u))
    first["u"] = layer.weight_u.clone()
    factor = rounded(torch.randn(shape))
    layer(torch.zeros(1, shape[1]))
    (layer.weight * factor).sum().backward()
    return {
        "name": name,
        "weight": array(layer.weight_orig),
        "first": arrays(first),
        "vectors": arrays({"u": layer.weight_u, "v": layer.weight_v}),
        "normalised": array(layer.weight),
        "factor": array(factor),
        "gradient": array(layer.weight_orig.grad),
    }


def held(name):
    return name.startswith("penalty: ")


write("gan", {k: v for k, v in CONFIGS.items() if not held(k)}, case)
write("penalties", {k: v for k, v in CONFIGS.items() if held(k)}, case)
write("spectral", {"wide": (3, 7), "tall": (6, 2)}, spectral)

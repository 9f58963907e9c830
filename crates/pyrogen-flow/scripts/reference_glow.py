"""Writes tests/fixtures/glow.json: noise, log-densities and every gradient of flows of pictures by the layers
of normflows, with means and scales of splits by PyTorch's convolutions.

Weights and pictures are rounded to f32; everything is computed in f64.

Packages: torch==2.8.0, normflows==1.7.3. Run in this crate's folder:

    python scripts/reference_glow.py
"""

import math
import sys

import torch
import torch.nn.functional as F
from normflows.flows import ActNorm, AffineCouplingBlock, Invertible1x1Conv, Squeeze
from torch import nn

sys.path.append("../pyrogen-vae/scripts")
from fixture import array, number, rounded, write  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(23)
torch.set_default_dtype(torch.float64)

BATCH = 3
LOG_1000 = math.log(1000)


def bounded(p, most):
    return p / (1 + abs(p / most))


class Network(nn.Module):
    """A coupling's network; normflows reads shifts and scales in turn."""

    def __init__(self, channels, width, classes):
        super().__init__()
        self.first = nn.Conv2d(channels // 2, width, 3, padding=1)
        self.middle = nn.Conv2d(width, width, 1)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        self.classes = nn.Parameter(torch.randn(classes, width)) if classes else None
        self.given = None

    def forward(self, x):
        hidden = self.first(x)
        if self.classes is not None:
            hidden = hidden + (self.given @ self.classes)[:, :, None, None]
        shift, raw = self.last(self.middle(hidden.relu()).relu()).chunk(2, dim=1)
        # Our flow shifts before it scales: y = (x - shift) sigmoid(raw + 2), as normflows' inverse.
        return torch.stack((shift, bounded(raw, LOG_1000)), dim=2).flatten(1, 2)


def module_case(name, config):
    channels, height, width = config["event"]
    classes = config.get("classes")
    x = rounded(torch.rand(BATCH, channels * height * width)).requires_grad_()
    labels = [i % classes for i in range(BATCH)] if classes else None
    given = F.one_hot(torch.tensor(labels), classes).double() if classes else None
    weights, fixed = {}, {}
    at = x.reshape(BATCH, channels, height, width) - 0.5
    parts, log_det = [], torch.zeros(BATCH)
    for i in range(config["levels"]):
        at, _ = Squeeze().inverse(at)
        c = at.shape[1]
        for k in range(config["steps"]):
            prefix = f"levels.{i}.steps.{k}"
            norm, mixing = ActNorm((c, 1, 1)), Invertible1x1Conv(c, use_lu=True)
            norm.data_dep_init_done = torch.tensor(1.0)
            network = Network(c, config["width"], classes)
            network.given = given
            coupling = AffineCouplingBlock(network, True, "sigmoid", "channel")
            with torch.no_grad():
                norm.t.copy_(rounded(0.3 * torch.randn_like(norm.t)))
                norm.s.copy_(rounded(0.3 * torch.randn_like(norm.s)))
                # The permutation and the signs are the crate's own and are read from it.
                mixing.P.copy_(torch.eye(c)[FIXED[c][k]["rows"]])
                mixing.sign_S.copy_(torch.tensor(FIXED[c][k]["signs"]))
                mixing.L.copy_(rounded(0.3 * torch.randn(c, c)))
                mixing.U.copy_(rounded(0.3 * torch.randn(c, c)))
                mixing.log_S.copy_(rounded(0.3 * torch.randn(c)))
                for w in network.parameters():
                    w.copy_(rounded(1.5 * w))
            at, more = norm.inverse(at)
            log_det = log_det + more
            at, more = mixing.inverse(at)
            log_det = log_det + more
            at, more = coupling.inverse(at)
            log_det = log_det + more
            weights[f"{prefix}.norm.mean"] = norm.t
            weights[f"{prefix}.norm.log_std"] = norm.s
            weights[f"{prefix}.mixing.lower"] = mixing.L
            weights[f"{prefix}.mixing.upper"] = mixing.U
            weights[f"{prefix}.mixing.log_scale"] = mixing.log_S
            for j, w in network.named_parameters():
                weights[f"{prefix}.coupling.{j}"] = w
        if i + 1 < config["levels"]:
            split = nn.Conv2d(c // 2, c, 3, padding=1)
            with torch.no_grad():
                for w in split.parameters():
                    w.copy_(rounded(w))
            stays, leaves = at.chunk(2, dim=1)
            mean, raw = split(stays).chunk(2, dim=1)
            log_std = bounded(raw, LOG_1000)
            parts.append(((leaves - mean) / log_std.exp()).flatten(1))
            log_det = log_det - log_std.flatten(1).sum(1)
            at = stays
            for j, w in split.named_parameters():
                weights[f"levels.{i}.split.network.{j}"] = w
    parts.append(at.flatten(1))
    z = torch.cat(parts, dim=1)
    log_prob = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1) + log_det
    gradients = torch.autograd.grad(-log_prob.mean(), [*weights.values(), x])
    print(name, number(log_prob.mean()))

    def stored(key, w):
        return array(w.flatten() if ".norm." in key else w)

    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": labels,
        "context": None,
        "weights": {k: stored(k, w) for k, w in weights.items()},
        "z": array(z),
        "log_prob": array(log_prob),
        "gradients": {k: stored(k, g) for k, g in zip(weights, gradients)},
        "slope": array(gradients[-1]),
    }


# As the crate's test `fixed_parts` has them: for each number of channels and each step the row of `L U` that
# each row is, and the signs.
FIXED = {
    4: [
        {"rows": [0, 1, 3, 2], "signs": [-1.0, -1, 1, -1]},
        {"rows": [1, 3, 2, 0], "signs": [-1.0, -1, 1, 1]},
    ],
    8: [{"rows": [5, 3, 6, 2, 0, 7, 4, 1], "signs": [-1.0, 1, -1, 1, 1, 1, 1, 1]}],
    16: [
        {
            "rows": [9, 12, 6, 8, 3, 0, 1, 4, 5, 13, 10, 2, 11, 14, 7, 15],
            "signs": [-1.0, -1, 1, -1, -1, -1, 1, 1, 1, -1, 1, -1, 1, -1, 1, -1],
        }
    ],
}

CONFIGS = {
    "one level": {"event": [1, 4, 4], "levels": 1, "steps": 2, "width": 5},
    "two levels": {"event": [1, 4, 8], "levels": 2, "steps": 1, "width": 5},
    "two levels of colours, conditional": {
        "event": [2, 4, 4],
        "levels": 2,
        "steps": 1,
        "width": 4,
        "classes": 2,
    },
}

if __name__ == "__main__":
    write("glow", CONFIGS, module_case)

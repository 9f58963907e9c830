"""Writes tests/fixtures/flow.json: noise, log-densities and every gradient of flows by zuko, whose spline
layers use the spline of nflows.

Weights, examples and conditions are rounded to f32; everything is computed in f64. Masked layers are
written with their hidden units in the order of their levels, as the crate stores them.

Packages: torch==2.8.0, zuko==1.6.0, nflows==0.14. Run in this crate's folder:

    python scripts/reference_flow.py
"""

import math
import sys

import torch
import zuko
from nflows.transforms.splines.rational_quadratic import unconstrained_rational_quadratic_spline
from torch.distributions import Transform, constraints
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.nn import MaskedLinear
from zuko.transforms import AdditiveTransform

sys.path.append("../pyrogen-vae/scripts")
from fixture import array, number, rounded, write  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(21)
torch.set_default_dtype(torch.float64)

BATCH = 6
ACTIVATIONS = {"tanh": torch.nn.Tanh, "silu": torch.nn.SiLU, "relu": torch.nn.ReLU}
# A parameter of 0 is a slope of 1 in the crate, and a slope of 1e-3 + ln 2 in nflows.
AT_ONE = math.log(math.expm1(1 - 1e-3))


LOG_1000 = math.log(1000)


def bounded(p, most):
    """The soft bound of zuko's own maps."""
    return p / (1 + abs(p / most))


class Spline(Transform):
    """nflows' spline as a transform of zuko's layers."""

    domain = codomain = constraints.real
    bijective, sign = True, +1

    def __init__(self, widths, heights, slopes, bound):
        super().__init__()
        slopes = bounded(slopes, 1000.0) + AT_ONE
        self.parameters = (bounded(widths, LOG_1000), bounded(heights, LOG_1000), slopes)
        self.bound = bound

    def call_and_ladj(self, x):
        return unconstrained_rational_quadratic_spline(x, *self.parameters, tail_bound=self.bound)

    def _call(self, x):
        return self.call_and_ladj(x)[0]

    def log_abs_det_jacobian(self, x, y):
        return self.call_and_ladj(x)[1]


def univariate(flow_map):
    if flow_map == "additive":
        return {"univariate": AdditiveTransform, "shapes": [()]}
    if flow_map == "affine":
        return {}
    spline = flow_map["spline"]
    bins, bound = spline["bins"], spline["bound"]
    return {
        "univariate": lambda w, h, d: Spline(w, h, d, bound),
        "shapes": [(bins,), (bins,), (bins - 1,)],
    }


def layer(config, i, condition):
    (kind, flow_map), = config["flow"].items()
    features = math.prod(config["event"])
    network = config["network"]
    options = {
        **univariate(flow_map),
        "hidden_features": network["hidden"],
        "activation": ACTIVATIONS[network["activation"]],
    }
    places = torch.arange(features)
    if kind == "coupling":
        return GeneralCouplingTransform(features, condition, mask=places % 2 == (i + 1) % 2, **options)
    order = places if i % 2 == 0 else places.flip(0)
    return MaskedAutoregressiveTransform(features, condition, order=order, **options)


def sort_units(hyper, features, condition):
    """Puts the hidden units of a masked network into the order of their levels, with their masks."""
    layers = [m for m in hyper if isinstance(m, MaskedLinear)]
    for before, after in zip(layers, layers[1:]):
        units = before.out_features
        first = 0 if condition else 1
        levels = torch.arange(units) % (features - first)
        order = torch.argsort(levels, stable=True)
        with torch.no_grad():
            before.weight.copy_(before.weight[order].clone())
            before.bias.copy_(before.bias[order].clone())
            before.mask = before.mask[order]
            after.weight.copy_(after.weight[:, order].clone())
            after.mask = after.mask[:, order]


def parameters(flow):
    for i, transform in enumerate(flow):
        linear = [m for m in transform.hyper if hasattr(m, "weight")]
        for j, m in enumerate(linear):
            yield f"layers.{i}.network.layers.{j}.weight", m.weight
            yield f"layers.{i}.network.layers.{j}.bias", m.bias


def case(name, config):
    features = math.prod(config["event"])
    context, classes = config.get("context"), config.get("classes")
    width = (math.prod(context) if context else 0) + (classes or 0)
    flow = [layer(config, i, width) for i in range(config["layers"])]
    for transform in flow:
        if isinstance(transform, MaskedAutoregressiveTransform):
            sort_units(transform.hyper, features, width)
    weights = dict(parameters(flow))
    with torch.no_grad():
        for w in weights.values():
            w.copy_(rounded(w * 1.5))
    # Some numbers lie outside of the splines.
    x = rounded(1.5 * torch.randn(BATCH, features)).requires_grad_()
    given = rounded(torch.randn(BATCH, math.prod(context))) if context else None
    labels = [i % classes for i in range(BATCH)] if classes else None
    parts = [given] if context else []
    if classes:
        parts.append(torch.nn.functional.one_hot(torch.tensor(labels), classes).double())
    condition = torch.cat(parts, dim=1) if parts else None

    log_scale = None
    if name.startswith("nice"):
        log_scale = rounded(0.3 * torch.randn(features)).requires_grad_()
        weights["log_scale"] = log_scale
    z, log_det = x, torch.zeros(BATCH)
    inverse = "inverse_autoregressive" in config["flow"]
    for transform in flow:
        given_transform = transform(condition)
        if inverse:
            out = given_transform.inv(z)
            log_det = log_det - given_transform.log_abs_det_jacobian(out, z)
        else:
            out, more = given_transform.call_and_ladj(z)
            log_det = log_det + more
        z = out
    if log_scale is not None:
        z, log_det = z * log_scale.exp(), log_det + log_scale.sum()
    log_prob = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1) + log_det
    gradients = torch.autograd.grad(-log_prob.mean(), [*weights.values(), x])
    print(name, number(log_prob.mean()))
    return {
        "name": name,
        "config": config,
        "x": array(x),
        "labels": labels,
        "context": array(given) if context else None,
        "weights": {k: array(w.T if w.dim() == 2 else w) for k, w in weights.items()},
        "z": array(z),
        "log_prob": array(log_prob),
        "gradients": {
            k: array(g.T if g.dim() == 2 else g) for k, g in zip(weights, gradients)
        },
        "slope": array(gradients[-1]),
    }


def flow(kind, flow_map, features, layers=2, hidden=(8, 7), activation="tanh", **more):
    return {
        "event": [features],
        "flow": {kind: flow_map},
        "layers": layers,
        "network": {"hidden": list(hidden), "activation": activation},
        **more,
    }


SPLINE = {"spline": {"bins": 5, "bound": 2.0}}
CONFIGS = {
    "nice": flow("coupling", "additive", 4),
    "realnvp, an odd number": flow("coupling", "affine", 5, layers=3),
    "realnvp, conditional": flow("coupling", "affine", 4, classes=3, context=[2]),
    "maf": flow("autoregressive", "affine", 4, layers=3, activation="relu"),
    "maf, conditional": flow("autoregressive", "affine", 3, classes=2, context=[2]),
    "maf, few units": flow("autoregressive", "affine", 6, hidden=(3,)),
    "iaf": flow("inverse_autoregressive", "affine", 3),
    "nsf": flow("autoregressive", SPLINE, 3, activation="silu"),
    "nsf, conditional": flow("autoregressive", SPLINE, 3, classes=2),
    "nsf by coupling": flow("coupling", SPLINE, 5),
    "nsf of the plane": flow("autoregressive", SPLINE, 2, layers=3),
}

assert zuko.__version__ == "1.6.0"
write("flow", CONFIGS, case)

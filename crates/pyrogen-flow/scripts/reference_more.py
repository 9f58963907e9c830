"""Writes tests/fixtures/more.json: noise, log-densities and every gradient of planar flows by normflows and
pyro, of radial flows and neural autoregressive flows by pyro, of continuous flows by zuko, and of Sylvester
flows from the paper's equations with the determinant of PyTorch's Jacobian (pyro 1.9.2 multiplies rows with
`S Q^T`, whose determinant is another than the one that it returns).

Weights, examples and conditions are rounded to f32; everything is computed in f64.

Packages: torch==2.8.0, zuko==1.6.0, nflows==0.14, normflows==1.7.3, pyro-ppl==1.9.2. Run in this crate's
folder:

    python scripts/reference_more.py
"""

import math
import sys

import normflows
import pyro
import torch
import torch.nn.functional as F
import zuko
from pyro.distributions.transforms import NeuralAutoregressive
from pyro.distributions.transforms.planar import ConditionedPlanar
from pyro.distributions.transforms.radial import ConditionedRadial
from torch.distributions import Transform, constraints
from zuko.flows.autoregressive import MaskedAutoregressiveTransform
from zuko.flows.continuous import FFJTransform

from reference_flow import ACTIVATIONS, BATCH, LOG_1000, bounded, parameters, sort_units

sys.path.append("../pyrogen-vae/scripts")
from fixture import array, number, rounded, write  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(22)

# A parameter of 0 is a slope of 1.
AT_ONE = math.log(math.expm1(1))


class Sigmoids(Transform):
    """pyro's map for each feature by itself."""

    domain = codomain = constraints.real
    bijective, sign = True, +1

    def __init__(self, slope, weight, shift):
        super().__init__()
        slope = bounded(slope, LOG_1000) + AT_ONE
        weight, shift = bounded(weight, LOG_1000), bounded(shift, 1000.0)
        all = [p.unsqueeze(-1) for p in (slope, weight, shift)]
        self.map = NeuralAutoregressive(lambda x: all, hidden_units=slope.shape[-1])

    def call_and_ladj(self, x):
        x = x.unsqueeze(-1)
        y = self.map._call(x)
        return y.squeeze(-1), self.map.log_abs_det_jacobian(x, y)

    def _call(self, x):
        return self.call_and_ladj(x)[0]

    def log_abs_det_jacobian(self, x, y):
        return self.call_and_ladj(x)[1]


def sylvester(p, features, m):
    """The map of one example by equations 13 to 15."""
    vectors, r, s, b = p.split([m * features, m * m, m * m, m])
    q = torch.eye(features)
    for v in vectors.reshape(m, features):
        q = q @ (torch.eye(features) - 2 * torch.outer(v, v) / (v @ v))
    q = q[:, :m]

    def triangular(p):
        p = p.reshape(m, m)
        return p.triu(1) + torch.diag(0.9995 * torch.tanh(p.diag()))

    r, s = triangular(r), triangular(s)
    return lambda x: x + q @ r @ torch.tanh(s @ q.T @ x + b)


class Layer:
    """A layer whose parameters are numbers, to which a network of the condition adds."""

    def __init__(self, config, condition):
        self.features = math.prod(config["event"])
        flow = config["flow"]
        self.kind = flow if isinstance(flow, str) else next(iter(flow))
        d = self.features
        self.m = min(d, flow["sylvester"]["directions"]) if self.kind == "sylvester" else 0
        width = {
            "planar": 2 * d + 1,
            "radial": d + 2,
            "sylvester": self.m * d + 2 * self.m**2 + self.m,
        }[self.kind]
        self.values = torch.randn(width).mul(0.7).requires_grad_()
        self.network = None
        if condition:
            hidden = config["network"]["hidden"]
            widths = [condition, *hidden, width]
            parts = []
            for a, b in zip(widths, widths[1:]):
                parts += [torch.nn.Linear(a, b), ACTIVATIONS[config["network"]["activation"]]()]
            self.network = torch.nn.Sequential(*parts[:-1])

    def weights(self, i):
        yield f"layers.{i}.parameters.values", self.values
        if self.network:
            linear = [m for m in self.network if hasattr(m, "weight")]
            for j, m in enumerate(linear):
                yield f"layers.{i}.parameters.network.layers.{j}.weight", m.weight
                yield f"layers.{i}.parameters.network.layers.{j}.bias", m.bias

    def __call__(self, x, condition):
        d, p = self.features, self.values.expand(len(x), -1)
        if self.network:
            p = p + self.network(condition)
        if self.kind == "sylvester":
            maps = [sylvester(row, d, self.m) for row in p]
            y = torch.stack([f(row) for f, row in zip(maps, x)])
            jacobians = [
                torch.autograd.functional.jacobian(f, row, create_graph=True)
                for f, row in zip(maps, x)
            ]
            return y, torch.stack([j.slogdet()[1] for j in jacobians])
        if self.kind == "planar":
            u, w, b = p.split([d, d, 1], dim=1)
            if self.network:
                layer = ConditionedPlanar((b, u, w))
            else:
                layer = normflows.flows.Planar((d,), u=u[:1], w=w[:1], b=b[0])
                # Not leaves: gradients go on to the values.
                del layer.u, layer.w, layer.b
                layer.u, layer.w, layer.b = u[:1], w[:1], b[0]
                return layer(x)
        else:
            centre, alpha, beta = p.split([d, 1, 1], dim=1)
            layer = ConditionedRadial((centre, alpha, beta))
        y = layer(x)
        return y, layer.log_abs_det_jacobian(x, y)


def transforms(config, width):
    """Layers as functions of examples and condition, with their weights."""
    features, flow, network = math.prod(config["event"]), config["flow"], config["network"]
    options = {
        "hidden_features": network["hidden"],
        "activation": ACTIVATIONS[network["activation"]],
    }
    layers, weights = [], {}
    for i in range(config["layers"]):
        if "autoregressive" in flow:
            units = flow["autoregressive"]["sigmoids"]["units"]
            places = torch.arange(features)
            order = places if i % 2 == 0 else places.flip(0)
            shapes = [(units,)] * 3
            layer = MaskedAutoregressiveTransform(
                features, width, order=order, univariate=Sigmoids, shapes=shapes, **options
            )
            sort_units(layer.hyper, features, width)
            layers.append(lambda x, c, layer=layer: layer(c).call_and_ladj(x))
            more = {
                k.replace("layers.0", f"layers.{i}", 1): w for k, w in parameters([layer])
            }
        elif "continuous" in flow:
            freqs = flow["continuous"]["frequencies"]
            layer = FFJTransform(features, width, freqs, atol=1e-10, rtol=1e-10, **options)
            layers.append(lambda x, c, layer=layer: layer(c).call_and_ladj(x))
            linear = [m for m in layer.ode if hasattr(m, "weight")]
            more = {}
            for j, m in enumerate(linear):
                more[f"layers.{i}.network.layers.{j}.weight"] = m.weight
                more[f"layers.{i}.network.layers.{j}.bias"] = m.bias
        else:
            layer = Layer(config, width)
            layers.append(layer)
            more = dict(layer.weights(i))
        weights.update(more)
    return layers, weights


def case(name, config):
    features = math.prod(config["event"])
    context, classes = config.get("context"), config.get("classes")
    width = (math.prod(context) if context else 0) + (classes or 0)
    layers, weights = transforms(config, width)
    loud = 1.5 if "naf" in name or "cnf" in name else 1.0
    with torch.no_grad():
        for w in weights.values():
            w.copy_(rounded(w * loud))
    x = rounded(1.5 * torch.randn(BATCH, features)).requires_grad_()
    given = rounded(torch.randn(BATCH, math.prod(context))) if context else None
    labels = [i % classes for i in range(BATCH)] if classes else None
    parts = [given] if context else []
    if classes:
        parts.append(F.one_hot(torch.tensor(labels), classes).double())
    condition = torch.cat(parts, dim=1) if parts else None
    z, log_det = x, torch.zeros(BATCH)
    for layer in layers:
        z, more = layer(z, condition)
        log_det = log_det + more
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


def flow(kind, features, layers=3, hidden=(8, 7), activation="tanh", **more):
    return {
        "event": [features],
        "flow": kind,
        "layers": layers,
        "network": {"hidden": list(hidden), "activation": activation},
        **more,
    }


NAF = {"autoregressive": {"sigmoids": {"units": 4}}}
CNF = {"continuous": {"steps": 24, "frequencies": 3}}
CONFIGS = {
    "planar": flow("planar", 4),
    "planar, conditional": flow("planar", 3, classes=2, context=[2]),
    "radial": flow("radial", 4),
    "radial, conditional": flow("radial", 3, classes=2),
    "sylvester": flow({"sylvester": {"directions": 2}}, 4),
    "sylvester, all directions": flow({"sylvester": {"directions": 8}}, 3, layers=2),
    "sylvester, conditional": flow({"sylvester": {"directions": 2}}, 3, layers=2, context=[2]),
    "naf": flow(NAF, 3, layers=2),
    "naf, conditional": flow(NAF, 3, layers=2, classes=2, activation="silu"),
    "cnf": flow(CNF, 3, layers=1, activation="silu"),
    "cnf, conditional": flow(CNF, 2, layers=1, classes=2),
}

assert zuko.__version__ == "1.6.0" and pyro.__version__ == "1.9.2"
write("more", CONFIGS, case)

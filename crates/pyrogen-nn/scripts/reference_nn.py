"""Writes tests/fixtures/nn.json: values and gradients of PyTorch's layers on fixed weights.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_nn.py
"""

import json

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(7)

ACTIVATIONS = [
    ("relu", nn.ReLU()),
    ({"leaky_relu": {"slope": 0.2}}, nn.LeakyReLU(0.2)),
    ({"elu": {"alpha": 0.5}}, nn.ELU(0.5)),
    ("silu", nn.SiLU()),
    ("gelu", nn.GELU()),
    ("tanh", nn.Tanh()),
]


def array(x):
    return {
        "shape": list(x.shape),
        "values": [float(f"{v:.9g}") for v in x.detach().flatten().tolist()],
    }


def weights(names, modules, grad=False):
    """Parameters by Burn's names; Burn keeps linear weights as [in, out]."""
    out = {}
    for name, module in zip(names, modules):
        for part in ["weight", "bias"]:
            p = getattr(module, part)
            p = p.grad if grad else p
            linear = isinstance(module, nn.Linear) and part == "weight"
            out[f"{name}.{part}"] = array(p.T if linear else p)
    return out


def activations():
    cases = []
    for config, f in ACTIVATIONS:
        x = torch.tensor([-100.0, -3.0, -0.5, 0.25, 2.0, 100.0], requires_grad=True)
        y = f(x)
        y.sum().backward()
        cases.append({"config": config, "x": array(x), "y": array(y), "dx": array(x.grad)})
    return cases


def run(f, inputs, names, modules):
    y = f(*inputs)
    probe = torch.randn_like(y)
    (y * probe).sum().backward()
    return {
        "inputs": [array(i) for i in inputs],
        "probe": array(probe),
        "output": array(y),
        "weights": weights(names, modules),
        "gradients": weights(names, modules, grad=True),
    }


def mlp():
    layers = [nn.Linear(3, 5), nn.Linear(5, 4), nn.Linear(4, 2)]
    f = lambda x: layers[2](torch.tanh(layers[1](torch.tanh(layers[0](x)))))
    return run(f, [torch.randn(3, 3)], [f"layers.{i}" for i in range(3)], layers)


def encoder(image, channels, extra):
    c, h, w = image
    a, b = channels
    stages = [nn.Conv2d(c, a, 3, 2, 1), nn.Conv2d(a, b, 3, 2, 1)]
    bh, bw = (h + 3) // 4, (w + 3) // 4
    head = [nn.Linear(b * bh * bw + extra, 5), nn.Linear(5, 3)]
    silu = nn.functional.silu

    def f(x, e):
        for stage in stages:
            x = silu(stage(x))
        return head[1](silu(head[0](torch.cat([x.flatten(1), e], 1))))

    names = ["stages.0", "stages.1", "head.layers.0", "head.layers.1"]
    return run(f, [torch.randn(2, *image), torch.randn(2, extra)], names, stages + head)


def decoder(image, channels):
    c, h, w = image
    a, b = channels
    half = lambda s: (s + 1) // 2
    more = lambda size: tuple(int(s % 2 == 0) for s in size)
    bottom = (b, half(half(h)), half(half(w)))
    head = [nn.Linear(3, 5), nn.Linear(5, bottom[0] * bottom[1] * bottom[2])]
    stages = [
        nn.ConvTranspose2d(b, a, 3, 2, 1, more((half(h), half(w)))),
        nn.ConvTranspose2d(a, c, 3, 2, 1, more((h, w))),
    ]
    silu = nn.functional.silu

    def f(z):
        x = head[1](silu(head[0](z))).reshape(-1, *bottom)
        for stage in stages:
            x = stage(silu(x))
        assert tuple(x.shape[1:]) == tuple(image)
        return x

    names = ["head.layers.0", "head.layers.1", "stages.0", "stages.1"]
    return run(f, [torch.randn(2, 3)], names, head + stages)


images = [((2, 7, 5), (3, 4)), ((1, 8, 6), (2, 3))]
result = {
    "torch": torch.__version__,
    "activations": activations(),
    "mlp": mlp(),
    "encoders": [
        {"image": i, "channels": c, **encoder(i, c, 2)} for i, c in images
    ],
    "decoders": [{"image": i, "channels": c, **decoder(i, c)} for i, c in images],
}
with open("tests/fixtures/nn.json", "w") as f:
    json.dump(result, f, separators=(",", ":"))
    f.write("\n")

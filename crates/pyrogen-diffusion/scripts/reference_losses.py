"""Writes tests/fixtures/losses.json: losses and every gradient for fixed weights, examples and draws,
written from the papers with PyTorch in f64.

Packages: torch==2.8.0, numpy>=2. Run in this crate's folder:

    python scripts/reference_losses.py
"""

import json
import math

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

WIDTH, BLOCKS, EVENT, CLASSES, BATCH = 6, 2, 3, 4, 5


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


def array(x):
    return {
        "shape": list(x.shape),
        "values": [float(f"{v:.9g}") for v in x.detach().flatten().tolist()],
    }


def weights(classes, context):
    """Parameters by Burn's names; matrices are [in, out]."""
    g = {}

    def dense(name, i, o):
        g[f"{name}.weight"] = torch.randn(i, o) / math.sqrt(i)
        g[f"{name}.bias"] = 0.3 * torch.randn(o)

    def norm(name):
        g[f"{name}.gamma"] = 1 + 0.2 * torch.randn(WIDTH)
        g[f"{name}.beta"] = 0.2 * torch.randn(WIDTH)

    dense("enter", EVENT + context, WIDTH)
    dense("time.first", WIDTH, WIDTH)
    dense("time.second", WIDTH, WIDTH)
    if classes:
        g["time.classes"] = torch.randn(classes, WIDTH)
    for b in range(BLOCKS):
        norm(f"blocks.{b}.norm")
        for name in ["first", "time", "second"]:
            dense(f"blocks.{b}.{name}", WIDTH, WIDTH)
    norm("norm")
    dense("leave", WIDTH, EVENT)
    return {f"network.body.{k}": rounded(v).requires_grad_() for k, v in g.items()}


def network(w, x, time, labels, fourier):
    p = lambda name: w[f"network.body.{name}"]
    dense = lambda name, x: x @ p(f"{name}.weight") + p(f"{name}.bias")
    silu = torch.nn.functional.silu

    def norm(name, x):
        y = torch.nn.functional.layer_norm(x, (WIDTH,), eps=1e-5)
        return y * p(f"{name}.gamma") + p(f"{name}.beta")

    half = WIDTH // 2
    if fourier:
        places = 0.5 + (torch.arange(half) + 0.5) / (2 * half)
        frequencies = 2 * math.pi * fourier * math.sqrt(2) * torch.erfinv(2 * places - 1)
        phase = time[:, None] * frequencies
        encoded = torch.cat([phase.sin(), phase.cos()], 1)
    else:
        phase = time[:, None] * 10000.0 ** (-torch.arange(half) / half)
        encoded = torch.cat([phase.cos(), phase.sin()], 1)
    t = dense("time.second", silu(dense("time.first", encoded)))
    if labels is not None:
        t = t + p("time.classes")[labels]
    t = silu(t)
    x = dense("enter", x)
    for b in range(BLOCKS):
        h = dense(f"blocks.{b}.first", norm(f"blocks.{b}.norm", x))
        h = silu(h + dense(f"blocks.{b}.time", t))
        x = x + dense(f"blocks.{b}.second", h)
    return dense("leave", silu(norm("norm", x)))


def alphas(steps):
    """Nichol and Dhariwal 2021, eq. 17."""
    abar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = [min(1 - abar((i + 1) / steps) / abar(i / steps), 0.999) for i in range(steps)]
    return torch.cumprod(1 - torch.tensor(betas), 0)


def diffusion(net, x, noise, moments, config):
    """Terms of the papers, in their own coordinates."""
    prediction, weighting = config["prediction"], config["weighting"]
    if "discrete" in config["process"]:
        abar = alphas(config["process"]["discrete"]["steps"])[moments.long()]
        time = moments / config["process"]["discrete"]["steps"]
        sigma = ((1 - abar) / abar).sqrt()
    else:
        sigma = moments
        abar = 1 / (1 + sigma**2)
        time = moments.log() / 4
    time = time * (1.0 if "fourier" in config["network"]["mlp"].get("time", {}) else 1000.0)
    a, s = abar.sqrt()[:, None], (1 - abar).sqrt()[:, None]
    snr = abar / (1 - abar)
    sig = sigma[:, None]
    if isinstance(prediction, dict):  # Karras et al. 2022, eq. 7 and 8: the error of the example
        d = prediction["edm"]["sigma_data"]
        skip, out = d**2 / (sig**2 + d**2), sig * d / (sig**2 + d**2).sqrt()
        y = x + sig * noise
        clean = skip * y + out * net(y / (sig**2 + d**2).sqrt(), time)
        example_error = ((clean - x) ** 2).mean(1)
        plain = (sigma**2 + d**2) / (sigma * d) ** 2
    else:
        z = a * x + s * noise
        answer = net(z, time)
        target = {"epsilon": noise, "example": x, "velocity": a * noise - s * x}[prediction]
        clean = {
            "epsilon": (z - s * answer) / a,
            "example": answer,
            "velocity": a * z - s * answer,
        }[prediction]
        example_error = ((clean - x) ** 2).mean(1)
        error = ((answer - target) ** 2).mean(1)
        if weighting == "plain":
            return error.mean()
        if "min_snr" in weighting:  # Hang et al. 2023, in the terms of each prediction
            low = snr.clamp(max=weighting["min_snr"]["gamma"])
            factor = {"epsilon": low / snr, "example": low, "velocity": low / (snr + 1)}[prediction]
            return (factor * error).mean()
    if weighting == "plain":
        return (plain * example_error).mean()
    if "min_snr" in weighting:
        return (snr.clamp(max=weighting["min_snr"]["gamma"]) * example_error).mean()
    d = weighting["edm"]["sigma_data"]
    return ((sigma**2 + d**2) / (sigma * d) ** 2 * example_error).mean()


def flow(net, x, noise, moments, config):
    t = moments[:, None]
    time = moments * (1.0 if "fourier" in config["network"]["mlp"].get("time", {}) else 1000.0)
    if config["path"] == "linear":
        y, velocity = (1 - t) * x + t * noise, noise - x
    else:
        c, s = torch.cos(math.pi / 2 * t), torch.sin(math.pi / 2 * t)
        y, velocity = c * x + s * noise, math.pi / 2 * (c * noise - s * x)
    return ((net(y, time) - velocity) ** 2).mean()


COSINE = {"cosine": {"offset": 0.008, "max_beta": 0.999}}
DISCRETE = {"discrete": {"steps": 1000, "schedule": COSINE, "zero_terminal_snr": False}}
SHORT = {"discrete": {"steps": 20, "schedule": COSINE, "zero_terminal_snr": False}}
EDM = {"edm": {"mean": -1.2, "std": 1.2, "sigma_min": 0.002, "sigma_max": 80.0}}
EDM_PREDICTION = {"edm": {"sigma_data": 0.5}}
MIN_SNR = {"min_snr": {"gamma": 5.0}}
EDM_WEIGHTING = {"edm": {"sigma_data": 0.5}}


def mlp(fourier=None):
    net = {"width": WIDTH, "blocks": BLOCKS}
    if fourier:
        net["time"] = {"fourier": {"scale": fourier}}
    return {"mlp": net}


def base(**more):
    return {"event": [EVENT], "network": mlp(), **more}


CASES = [
    base(process=DISCRETE, prediction="epsilon", weighting="plain"),
    base(process=DISCRETE, prediction="example", weighting="plain", classes=CLASSES),
    base(process=SHORT, prediction="velocity", weighting="plain"),
    base(process=DISCRETE, prediction="epsilon", weighting=MIN_SNR),
    base(process=DISCRETE, prediction="example", weighting=MIN_SNR),
    base(process=DISCRETE, prediction="velocity", weighting=MIN_SNR, context=[2]),
    base(process=EDM, prediction=EDM_PREDICTION, weighting="plain"),
    base(process=EDM, prediction=EDM_PREDICTION, weighting=EDM_WEIGHTING, network=mlp(0.5)),
    base(process=EDM, prediction=EDM_PREDICTION, weighting=MIN_SNR),
    base(process=EDM, prediction="velocity", weighting=EDM_WEIGHTING),
    base(process=SHORT, prediction=EDM_PREDICTION, weighting="plain"),
]
FLOWS = [
    base(path="linear", classes=CLASSES),
    base(path="variance_preserving", network=mlp(0.5)),
]


def case(config, loss):
    classes = config.get("classes")
    w = weights(classes and classes + 1, sum(config.get("context", [])))
    x, noise = rounded(torch.randn(BATCH, EVENT)), rounded(torch.randn(BATCH, EVENT))
    context = rounded(torch.randn(BATCH, 2)) if "context" in config else None
    if "path" in config:
        moments = rounded(torch.rand(BATCH))
    elif "edm" in config["process"]:
        moments = rounded(torch.exp(-1.2 + 1.2 * torch.randn(BATCH)))
    else:
        moments = torch.randint(0, config["process"]["discrete"]["steps"], (BATCH,)).double()
    labels = torch.randint(0, CLASSES, (BATCH,)) if classes else None
    dropped = [i == 1 for i in range(BATCH)] if classes else [False] * BATCH
    told = labels.clone() if classes else None
    if classes:
        told[1] = CLASSES  # the row that stands for no label
    fourier = config["network"]["mlp"].get("time", {}).get("fourier", {}).get("scale")

    def net(y, time):
        y = y if context is None else torch.cat([y, context], 1)
        return network(w, y, time, told, fourier)

    total = loss(net, x, noise, moments, config)
    total.backward()
    return {
        "config": config,
        "x": array(x),
        "noise": array(noise),
        "moments": moments.tolist(),
        "labels": labels.tolist() if classes else None,
        "context": None if context is None else array(context),
        "dropped": dropped,
        "weights": {k: array(v) for k, v in w.items()},
        "total": total.item(),
        "gradients": {k: array(v.grad) for k, v in w.items()},
    }


torch.manual_seed(3)
result = {
    "torch": torch.__version__,
    "diffusion": [case(c, diffusion) for c in CASES],
    "flow": [case(c, flow) for c in FLOWS],
}
with open("tests/fixtures/losses.json", "w") as f:
    json.dump(result, f, separators=(",", ":"))
    f.write("\n")

"""Rounds numbers for fixtures and writes the files; what the reference scripts share."""

import json

import torch


def rounded(x):
    return x.to(torch.float32).to(torch.float64)


def number(v):
    return float(f"{v:.9g}")


def array(x):
    return {"shape": list(x.shape), "values": [number(v) for v in x.detach().flatten().tolist()]}


def write(name, configs, case):
    """Writes tests/fixtures/NAME.json with a case for each config, in their order."""
    result = {
        "torch": torch.__version__,
        "cases": [case(label, config) for label, config in configs.items()],
    }
    with open(f"tests/fixtures/{name}.json", "w") as f:
        json.dump(result, f, separators=(",", ":"))
        f.write("\n")

"""Writes tests/fixtures/adam.json: twenty steps of PyTorch's Adam and AdamW in f64.

    pip install torch==2.8.0
    python crates/pyrogen-train/scripts/reference_adam.py
"""

import json
from pathlib import Path

import torch

STEPS = 20
START = [0.5, -1.25, 2.0, 0.0, -0.75, 3.5]


def gradient(step: int) -> list[float]:
    """Plain numbers that change sign, size and order of magnitude."""
    return [((7 * step + 5 * i) % 13 - 6) * 10.0 ** ((step + i) % 4 - 2) for i in range(len(START))]


def run(kind, **options) -> list[list[float]]:
    parameter = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = kind([parameter], **options)
    rows = []
    for step in range(1, STEPS + 1):
        parameter.grad = torch.tensor(gradient(step), dtype=torch.float64)
        optimizer.step()
        rows.append(parameter.detach().tolist())
    return rows


def case(name: str, kind, **options) -> dict:
    return {"name": name, **options, "parameters": run(kind, **options)}


def main() -> None:
    plain = {"lr": 0.01, "betas": [0.9, 0.999], "eps": 1e-8}
    other = {"lr": 0.02, "betas": [0.5, 0.9], "eps": 1e-3}
    cases = [
        case("adam", torch.optim.Adam, weight_decay=0.0, **plain),
        case("adam", torch.optim.Adam, weight_decay=0.1, **other),
        case("adam_w", torch.optim.AdamW, weight_decay=0.01, **plain),
        case("adam_w", torch.optim.AdamW, weight_decay=0.2, **other),
    ]
    fixture = {
        "torch": torch.__version__.split("+")[0],
        "start": START,
        "gradients": [gradient(step) for step in range(1, STEPS + 1)],
        "cases": cases,
    }
    path = Path(__file__).parent.parent / "tests/fixtures/adam.json"
    path.write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()

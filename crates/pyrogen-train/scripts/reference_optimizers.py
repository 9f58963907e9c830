"""Writes tests/fixtures/optimizers.json: twenty steps of SGD, RMSProp and Lion in f64.

SGD and RMSProp are PyTorch's. PyTorch has no Lion: it is written from algorithm 2 of Chen et al. 2023,
"Symbolic Discovery of Optimization Algorithms".

    pip install torch==2.8.0
    python crates/pyrogen-train/scripts/reference_optimizers.py
"""

import json
from pathlib import Path

import torch

from reference_adam import START, STEPS, case, gradient


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {})
        self.lr, self.betas, self.decay = lr, betas, weight_decay
        self.m = None

    @torch.no_grad()
    def step(self):
        (p,) = self.param_groups[0]["params"]
        b1, b2 = self.betas
        m = torch.zeros_like(p) if self.m is None else self.m
        c = b1 * m + (1 - b1) * p.grad
        p -= self.lr * (c.sign() + self.decay * p)
        self.m = b2 * m + (1 - b2) * p.grad


def named(name, kind, options, betas, eps=1e-8):
    """A case in the terms of our config: its betas stand for the options that the optimiser has."""
    made = case(name, kind, **options)
    return {
        "name": name,
        "lr": options["lr"],
        "betas": betas,
        "eps": eps,
        "weight_decay": options["weight_decay"],
        "parameters": made["parameters"],
    }


def sgd(lr, momentum, decay):
    options = {"lr": lr, "momentum": momentum, "weight_decay": decay}
    return named("sgd", torch.optim.SGD, options, [momentum, 0.999])


def rms_prop(lr, beta1, alpha, eps, decay):
    options = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": decay}
    return named("rms_prop", torch.optim.RMSprop, options, [beta1, alpha], eps)


def lion(lr, betas, decay):
    return named("lion", Lion, {"lr": lr, "betas": betas, "weight_decay": decay}, betas)


def main() -> None:
    cases = [
        sgd(0.001, 0.0, 0.0),
        sgd(0.001, 0.9, 0.0),
        sgd(0.001, 0.5, 0.1),
        # The default beta1, which RMSProp does not have.
        rms_prop(0.01, 0.9, 0.99, 1e-8, 0.0),
        rms_prop(0.002, 0.0, 0.9, 1e-3, 0.0),
        rms_prop(0.01, 0.9, 0.99, 1e-5, 0.1),
        lion(0.01, [0.9, 0.99], 0.0),
        lion(0.003, [0.5, 0.9], 0.2),
    ]
    fixture = {
        "torch": torch.__version__.split("+")[0],
        "start": START,
        "gradients": [gradient(step) for step in range(1, STEPS + 1)],
        "cases": cases,
    }
    path = Path(__file__).parent.parent / "tests/fixtures/optimizers.json"
    path.write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()

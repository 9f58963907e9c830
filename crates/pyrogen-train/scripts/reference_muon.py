"""Writes tests/fixtures/muon.json: five steps of Muon and AdamW in f64.

AdamW is PyTorch's. Muon is written from Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
networks" (torch.optim.Muon, which PyTorch has from 2.9 on, iterates in bfloat16). Weights are stored as
`[d_out, d_in]` here, as PyTorch has them; the fixture has them as `[d_in, d_out]`.

    pip install torch==2.8.0
    python crates/pyrogen-train/scripts/reference_muon.py
"""

import json
from pathlib import Path

import torch

STEPS = 5
torch.set_default_dtype(torch.float64)


def zeroth_power(g: torch.Tensor) -> torch.Tensor:
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    """Parameters are cut into `parts` along the outputs, each of which is a matrix of its own."""

    def __init__(self, parameters, parts, lr, momentum, weight_decay):
        super().__init__(parameters, {})
        self.parts, self.lr, self.momentum, self.decay = parts, lr, momentum, weight_decay

    @torch.no_grad()
    def step(self):
        for p in self.param_groups[0]["params"]:
            state = self.state[p]
            buffer = state.setdefault("buffer", torch.zeros_like(p))
            buffer.lerp_(p.grad, 1 - self.momentum)
            update = p.grad.lerp(buffer, self.momentum)
            p.mul_(1 - self.lr * self.decay)
            parts = self.parts or [p.shape[0]]
            for part, u in zip(p.split(parts), update.split(parts)):
                scale = max(1.0, u.shape[0] / u.shape[1]) ** 0.5
                part.sub_(self.lr * scale * zeroth_power(u))


def numbers(shape, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def case(into: int, out: int, parts: list[int], decay: float, momentum: float, seed: int) -> dict:
    weight = torch.nn.Parameter(numbers((out, into), seed))
    bias = torch.nn.Parameter(numbers((out,), seed + 1))
    start = {"weight": weight.T.flatten().tolist(), "bias": bias.tolist()}
    muon = Muon([weight], parts, 0.02, momentum, decay)
    adam = torch.optim.AdamW([bias], lr=0.003, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    steps = []
    for step in range(STEPS):
        weight.grad = numbers((out, into), seed + 10 + 2 * step) * 0.3**step
        bias.grad = numbers((out,), seed + 11 + 2 * step)
        grads = {"weight_grad": weight.grad.T.flatten().tolist(), "bias_grad": bias.grad.tolist()}
        muon.step()
        adam.step()
        after = {"weight": weight.detach().T.flatten().tolist(), "bias": bias.tolist()}
        steps.append({**grads, **after})
    settings = {"into": into, "out": out, "parts": parts, "decay": decay, "momentum": momentum}
    return {**settings, "start": start, "steps": steps}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


def main() -> None:
    cases = [
        case(6, 6, [], 0.0, 0.95, 100),
        case(9, 4, [], 0.1, 0.9, 200),
        case(4, 9, [], 0.0, 0.95, 300),
        case(6, 14, [8, 3, 3], 0.05, 0.95, 400),
        case(5, 20, [10, 10], 0.0, 0.5, 500),
    ]
    fixture = {"torch": torch.__version__.split("+")[0], "cases": rounded(cases)}
    path = Path(__file__).parent.parent / "tests/fixtures/muon.json"
    path.write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()

"""Writes tests/fixtures/restored.json: peak signal-to-noise ratio and structural similarity.

    python scripts/reference_restored.py

Packages: numpy 2.4.6, torch 2.8.0, torchmetrics 1.9.0.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

OUT = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "restored.json"


def case(rng, shape, noise, data_range):
    """Smooth pictures with noise on them; values are rounded so that both sides read the same."""
    n, c, h, w = shape
    rows, columns = np.mgrid[0:h, 0:w]
    phase = rng.uniform(0, 6, (n, c, 1, 1))
    smooth = 0.5 + 0.5 * np.sin(0.7 * rows + 0.4 * columns + phase)
    other = smooth + noise * rng.normal(size=shape)
    a, b = (np.float32(np.round(data_range * x, 3)) for x in (smooth, other))
    original, restored = (torch.tensor(x, dtype=torch.float64) for x in (a, b))
    ratio = peak_signal_noise_ratio(
        restored, original, data_range=data_range, dim=(1, 2, 3), reduction="none"
    )
    similarity = structural_similarity_index_measure(
        restored, original, data_range=data_range, reduction="none"
    )
    return {
        "shape": list(shape),
        "range": data_range,
        "original": a.flatten().tolist(),
        "restored": b.flatten().tolist(),
        "psnr": ratio.tolist(),
        "psnr_pooled": peak_signal_noise_ratio(restored, original, data_range=data_range).item(),
        "ssim": similarity.flatten().tolist(),
    }


def main():
    rng = np.random.default_rng(5)
    cases = [
        case(rng, (3, 1, 8, 8), 0.1, 1.0),
        case(rng, (2, 1, 16, 13), 0.4, 1.0),
        case(rng, (2, 3, 11, 6), 0.05, 255.0),
        case(rng, (1, 1, 28, 28), 1.0, 2.0),
    ]
    text = json.dumps(cases, separators=(",", ":")) + "\n"
    OUT.write_text(text)


main()

"""Trains the classifier behind `DigitsClassifier` and writes its weights and test fixture.

    python scripts/train_digits.py --data digits.csv

`digits.csv` holds the 1,797 handwritten digits of Alpaydin and Kaynak (1998), UCI Machine
Learning Repository, CC BY 4.0: one row an image, 64 grey levels from 0 to 16 and the class. The
same file ships with scikit-learn (`sklearn/datasets/data/digits.csv.gz`).

Packages: numpy 2.4.6, scikit-learn 1.9.1, torch 2.8.0, safetensors 0.8.0. One thread and a fixed
seed: the same packages on the same machine write the same bytes.

Writes, next to this folder:
    weights/digits-cnn-v1.safetensors     linear weights transposed to [in, out], Burn's layout
    tests/fixtures/digits_heldout.json    the held-out fifth, with features and logits of a part
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

SEED = 20240
EPOCHS = 60
BATCH = 64
COMPARED = 24  # images whose features and logits go to the fixture
CRATE = Path(__file__).resolve().parent.parent


class DigitsCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.hidden = nn.Linear(512, 64)
        self.output = nn.Linear(64, 10)

    def features(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return F.relu(self.hidden(x.flatten(1)))

    def forward(self, x):
        return self.output(F.dropout(self.features(x), 0.3, self.training))


def load(path):
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    pixels, labels = table[:, :64], table[:, 64]
    assert table.shape == (1797, 65) and pixels.min() == 0 and pixels.max() == 16
    return pixels, labels


def images(pixels):
    return torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16


def shifted(x, generator):
    """Moves each image by up to one pixel: the classifier should not hang on the exact place."""
    padded = F.pad(x, (1, 1, 1, 1))
    offsets = torch.randint(0, 3, (len(x), 2), generator=generator)
    return torch.stack([p[:, i : i + 8, j : j + 8] for p, (i, j) in zip(padded, offsets.tolist())])


def train(x, y):
    generator = torch.Generator().manual_seed(SEED)
    model = DigitsCnn()
    steps = EPOCHS * (-(-len(x) // BATCH))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=generator).split(BATCH):
            loss = F.cross_entropy(model(shifted(x[rows], generator)), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="digits.csv")
    pixels, labels = load(parser.parse_args().data)

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    train_rows, test_rows = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=SEED
    )
    model = train(images(pixels[train_rows]), torch.tensor(labels[train_rows]))

    with torch.no_grad():
        features = model.features(images(pixels[test_rows]))
        logits = model(images(pixels[test_rows]))
    correct = int((logits.argmax(1).numpy() == labels[test_rows]).sum())
    print(f"held out: {correct} of {len(test_rows)} correct ({correct / len(test_rows):.4f})")
    assert correct >= 0.97 * len(test_rows)

    weights = {}
    for name, value in model.state_dict().items():
        linear = name in ("hidden.weight", "output.weight")
        weights[name] = np.ascontiguousarray((value.T if linear else value).numpy())
    (CRATE / "weights").mkdir(exist_ok=True)
    save_file(weights, CRATE / "weights" / "digits-cnn-v1.safetensors")

    fixture = {
        "correct": correct,
        "labels": labels[test_rows].tolist(),
        "pixels": pixels[test_rows].tolist(),
        "features": [[float(f"{v:.8g}") for v in row] for row in features[:COMPARED].tolist()],
        "logits": [[float(f"{v:.8g}") for v in row] for row in logits[:COMPARED].tolist()],
    }
    path = CRATE / "tests" / "fixtures" / "digits_heldout.json"
    path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

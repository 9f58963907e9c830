"""Writes tests/fixtures/unet/NAME: tiny random UNet2DModel folders of diffusers, and in each an
io.json with inputs, outputs and the gradient of the input.

Packages: torch==2.8.0, diffusers==0.42.1, numpy>=2. Run in this crate's folder:

    python scripts/reference_unet.py
"""

import json

import torch
from diffusers import UNet2DModel

torch.set_num_threads(1)

CASES = {
    "plain": dict(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 12),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        attention_head_dim=4,
        num_class_embeds=3,
    ),
    "modulated": dict(
        sample_size=12,
        in_channels=2,
        out_channels=3,
        block_out_channels=(4, 8),
        layers_per_block=2,
        down_block_types=("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D"),
        norm_num_groups=2,
        attn_norm_num_groups=2,
        norm_eps=1e-6,
        attention_head_dim=None,
        resnet_time_scale_shift="scale_shift",
        downsample_padding=0,
        flip_sin_to_cos=False,
        freq_shift=1,
    ),
}


def array(x):
    return {
        "shape": list(x.shape),
        "values": [float(f"{v:.9g}") for v in x.detach().flatten().tolist()],
    }


for seed, (name, config) in enumerate(CASES.items()):
    torch.manual_seed(seed)
    model = UNet2DModel(**config)
    # Far from their starting values, so that no part is near zero or one.
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "norm" in n:
                p.add_(0.2 * torch.randn_like(p))
    folder = f"tests/fixtures/unet/{name}"
    model.save_pretrained(folder)
    size = config["sample_size"]
    x = torch.randn(2, config["in_channels"], size, size, requires_grad=True)
    time = torch.tensor([3, 870])
    labels = torch.tensor([2, 0]) if "num_class_embeds" in config else None
    y = model(x, time, class_labels=labels).sample
    probe = torch.randn_like(y)
    (y * probe).sum().backward()
    io = {
        "x": array(x),
        "time": array(time.float()),
        "labels": None if labels is None else labels.tolist(),
        "y": array(y),
        "probe": array(probe),
        "dx": array(x.grad),
    }
    with open(f"{folder}/io.json", "w") as f:
        json.dump(io, f, separators=(",", ":"))
        f.write("\n")

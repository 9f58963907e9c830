"""Adapters of `peft` for the tiny GPT-2 and Llama of tests/fixtures/models.json, and what they compute.

Packages: torch 2.8.0, transformers 5.23, peft 0.21.2, safetensors.
Command: python scripts/reference_adapters.py
Writes tests/fixtures/adapters.json: for each case the two files' contents (`adapter_config.json`, and the
tensors of `adapter_model.safetensors`), tokens, and the logits of the network with the adapter.

    PYROGEN_ADAPTERS=DIR cargo test -p pyrogen-autoregressive --test all adapters
    python scripts/reference_adapters.py --check DIR

The first line leaves in DIR the adapters that this library wrote, a folder a case; the second reads them with
`peft` and compares the logits.
"""

import json
import sys
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

FIXTURES = Path(__file__).parent.parent / "tests/fixtures"
CLOSE = 1e-5


def base(index):
    """A network of models.json with its weights."""
    given = json.loads((FIXTURES / "models.json").read_text())["models"][index]
    gpt2 = given["name"].startswith("gpt2")
    model = GPT2LMHeadModel(GPT2Config(**given["config"])) if gpt2 else LlamaForCausalLM(
        LlamaConfig(**given["config"]))
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.tensor(given["weights"][name]["values"]).reshape(p.shape))
    return model.eval(), given["tokens"]


CASES = {
    "gpt2": (0, dict(r=2, lora_alpha=3, target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)),
    "gpt2-attention": (0, dict(r=3, lora_alpha=8, target_modules=["c_attn"], fan_in_fan_out=True,
                               use_rslora=True)),
    "llama": (2, dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "llama-some": (2, dict(r=4, lora_alpha=4, target_modules=["q_proj", "v_proj", "up_proj"],
                           rank_pattern={"v_proj": 2}, alpha_pattern={"up_proj": 6})),
    "llama-one-layer": (2, dict(r=2, lora_alpha=2, target_modules=["o_proj", "down_proj"],
                                layers_to_transform=[1])),
}


def logits(model, tokens):
    with torch.no_grad():
        return [float(f"{v:.7g}") for v in model(torch.tensor(tokens)).logits.flatten().tolist()]


def case(name, index, options):
    model, tokens = base(index)
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **options))
    generator = torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for n, p in adapted.named_parameters():
            if "lora_" in n:
                p.copy_((torch.randn(p.shape, generator=generator) * 0.4).mul(1e4).round().div(1e4))
    adapted.eval()
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        config = json.loads((Path(folder) / "adapter_config.json").read_text())
        tensors = load_file(Path(folder) / "adapter_model.safetensors")
    config["target_modules"] = sorted(config["target_modules"]) if isinstance(
        config["target_modules"], list) else config["target_modules"]
    weights = {n: {"shape": list(t.shape), "values": [float(f"{v:.6g}") for v in t.flatten().tolist()]}
               for n, t in sorted(tensors.items())}
    return {"base": index, "config": config, "weights": weights, "tokens": tokens,
            "logits": logits(adapted, tokens)}


def check(folder):
    known = json.loads((FIXTURES / "adapters.json").read_text())["cases"]
    for name, (index, _) in CASES.items():
        model, tokens = base(index)
        adapted = peft.PeftModel.from_pretrained(model, folder / name).eval()
        pairs = zip(logits(adapted, tokens), known[name]["logits"], strict=True)
        off = max(abs(a - b) for a, b in pairs)
        print(name, off)
        assert off < CLOSE, name


if sys.argv[1:2] == ["--check"]:
    check(Path(sys.argv[2]))
else:
    cases = {name: case(name, *given) for name, given in CASES.items()}
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
    out = FIXTURES / "adapters.json"
    out.write_text(json.dumps({"versions": versions, "cases": cases}))
    print(out.stat().st_size, versions)

"""Logits, losses and gradients of tiny random GPT-2, Llama and GRU networks.

Packages: torch 2.8.0, transformers 5.23, numpy.
Command: python scripts/reference_models.py
Writes tests/fixtures/models.json: the weights of a network under their names in `transformers`, tokens,
logits, the mean cross entropy of the next token, and the gradient of every weight. Weights and gradients
have five significant digits, logits seven.
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers import Qwen3Config, Qwen3ForCausalLM

OUT = Path(__file__).parent.parent / "tests/fixtures/models.json"
torch.set_num_threads(1)


def rounded(tensor, digits):
    return [float(f"{v:.{digits}g}") for v in tensor.detach().flatten().tolist()]


def describe(name, model, config, vocabulary):
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in model.parameters():
            # Away from zeros and ones, so that no parameter is without a part.
            p.add_(torch.randn(p.shape, generator=generator) * 0.15)
            p.copy_(torch.tensor(rounded(p, 5)).reshape(p.shape))
    model.eval()
    tokens = torch.randint(0, vocabulary, (2, 7), generator=generator)
    logits = model(tokens[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, vocabulary), tokens[:, 1:].reshape(-1))
    loss.backward()
    weights = {n: {"shape": list(p.shape), "values": rounded(p, 5), "grad": rounded(p.grad, 5)}
               for n, p in model.named_parameters()}
    return {
        "name": name,
        "config": config,
        "tokens": tokens.tolist(),
        "logits": rounded(logits, 7),
        "loss": loss.item(),
        "weights": weights,
    }


def gpt2(tied):
    config = dict(vocab_size=11, n_positions=8, n_embd=8, n_layer=2, n_head=2, n_inner=None,
                  activation_function="gelu_new", resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
                  layer_norm_epsilon=1e-5, tie_word_embeddings=tied)
    torch.manual_seed(1)
    return describe("gpt2-tied" if tied else "gpt2", GPT2LMHeadModel(GPT2Config(**config)), config, 11)


def llama(name, **more):
    config = dict(vocab_size=11, hidden_size=8, intermediate_size=12, num_hidden_layers=2 if name == "llama" else 1,
                  num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=16,
                  rms_norm_eps=1e-6, rope_theta=100.0, tie_word_embeddings=False, **more)
    torch.manual_seed(2)
    if name == "qwen3":
        model = Qwen3ForCausalLM(Qwen3Config(**config, head_dim=4))
        config["head_dim"] = 4
    else:
        model = LlamaForCausalLM(LlamaConfig(**config))
    return describe(name, model, config, 11)


def gru():
    torch.manual_seed(3)
    layer = torch.nn.GRU(5, 4, batch_first=True)
    x = torch.randn(2, 6, 5)
    y, h = layer(x)
    (y * torch.arange(y.numel()).reshape(y.shape).cos()).sum().backward()
    weights = {n: {"shape": list(p.shape), "values": rounded(p, 8), "grad": rounded(p.grad, 5)}
               for n, p in layer.named_parameters()}
    return {"x": rounded(x, 8), "y": rounded(y, 7), "h": rounded(h, 7), "weights": weights}


models = [
    gpt2(True),
    gpt2(False),
    llama("llama"),
    llama("llama-bias", attention_bias=True, mlp_bias=True),
    llama("llama-linear", rope_scaling={"rope_type": "linear", "factor": 2.0}),
    llama("llama-3.1", rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                     "high_freq_factor": 4.0, "original_max_position_embeddings": 8}),
    llama("qwen3"),
]
OUT.parent.mkdir(parents=True, exist_ok=True)
versions = {"torch": torch.__version__, "transformers": transformers.__version__}
OUT.write_text(json.dumps({"versions": versions, "models": models, "gru": gru()}))
print(OUT.stat().st_size, versions, [m["loss"] for m in models])

"""Tiny random GGUF files, and what `transformers` computes and cuts with them.

Packages: gguf 0.19.0, torch 2.8.0, transformers 5.23, tokenizers, numpy.
Command: python scripts/reference_gguf.py
Writes tests/fixtures/llama.gguf and gpt2.gguf, whose tensors are of every type that is read (f32, f16, bf16,
q8_0, q4_0), and tests/fixtures/gguf.json: tokens and logits of the networks, and the tokens of some texts, as
`transformers` has them from the same files. Its reader takes the tensors apart with the package `gguf`.
"""

import json
from pathlib import Path

import gguf
import numpy
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer

FIXTURES = Path(__file__).parent.parent / "tests/fixtures"
TRAINING = json.loads((FIXTURES / "sentencepiece.json").read_text())["texts"][:4] * 3
TEXTS = ["The owl looked down", "eyes; the cat's 1,234 mice", " größer  naïve", "a\nb", "日本 🦀", "grand" * 3]
WIDTH, HIDDEN, LAYERS, HEADS, KEYS, CONTEXT = 32, 64, 2, 4, 2, 16
random = numpy.random.default_rng(7)


def add(writer, name, shape, kind, near=0.0, spread=0.3):
    data = (near + spread * random.standard_normal(shape)).astype(numpy.float32)
    if kind == Type.F32:
        writer.add_tensor(name, data)
    elif kind == Type.F16:
        writer.add_tensor(name, data.astype(numpy.float16))
    else:
        writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sentence_tokens():
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trained.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=len(special) + 100, special_tokens=special, show_progress=False))
    by_id = sorted(trained.get_vocab().items(), key=lambda item: item[1])
    pieces = [piece for piece, _ in by_id]
    # Characters have the lowest scores, pieces those of the order in which they were learnt.
    scores = [0.0] * len(special) + [-float(i) for i in range(len(pieces) - len(special))]
    kinds = [2, 3, 3] + [6] * 256 + [1] * (len(pieces) - len(special))
    return pieces, scores, kinds


def llama(path):
    writer = gguf.GGUFWriter(path, "llama")
    pieces, scores, kinds = sentence_tokens()
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(100.0)
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    keys = KEYS * WIDTH // HEADS
    add(writer, "token_embd.weight", (len(pieces), WIDTH), Type.Q8_0)
    for i in range(LAYERS):
        for norm in ["attn_norm", "ffn_norm"]:
            add(writer, f"blk.{i}.{norm}.weight", (WIDTH,), Type.F32, near=1.0, spread=0.2)
        add(writer, f"blk.{i}.attn_q.weight", (WIDTH, WIDTH), Type.Q8_0)
        add(writer, f"blk.{i}.attn_k.weight", (keys, WIDTH), Type.Q4_0)
        add(writer, f"blk.{i}.attn_v.weight", (keys, WIDTH), Type.F16)
        add(writer, f"blk.{i}.attn_output.weight", (WIDTH, WIDTH), Type.Q4_0)
        add(writer, f"blk.{i}.ffn_gate.weight", (HIDDEN, WIDTH), Type.Q4_0)
        add(writer, f"blk.{i}.ffn_up.weight", (HIDDEN, WIDTH), Type.BF16)
        add(writer, f"blk.{i}.ffn_down.weight", (WIDTH, HIDDEN), Type.Q8_0)
    add(writer, "output_norm.weight", (WIDTH,), Type.F32, near=1.0, spread=0.2)
    add(writer, "output.weight", (len(pieces), WIDTH), Type.Q4_0)
    finish(writer)


def gpt2(path):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(TRAINING, trainers.BpeTrainer(
        vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        special_tokens=["<|endoftext|>"]))
    pieces = [piece for piece, _ in sorted(trained.get_vocab().items(), key=lambda item: item[1])]
    merges = [" ".join(m) for m in json.loads(trained.to_str())["model"]["merges"]]
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(4 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(pieces)
    writer.add_token_merges(merges)
    writer.add_token_types([3] + [1] * (len(pieces) - 1))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    add(writer, "token_embd.weight", (len(pieces), WIDTH), Type.F16)
    add(writer, "position_embd.weight", (CONTEXT, WIDTH), Type.F32)
    for i in range(LAYERS):
        for norm in ["attn_norm", "ffn_norm"]:
            add(writer, f"blk.{i}.{norm}.weight", (WIDTH,), Type.F32, near=1.0, spread=0.2)
            add(writer, f"blk.{i}.{norm}.bias", (WIDTH,), Type.F32)
        for name, out, into in [("attn_qkv", 3 * WIDTH, WIDTH), ("attn_output", WIDTH, WIDTH),
                                ("ffn_up", 4 * WIDTH, WIDTH), ("ffn_down", WIDTH, 4 * WIDTH)]:
            add(writer, f"blk.{i}.{name}.weight", (out, into), Type.Q8_0)
            add(writer, f"blk.{i}.{name}.bias", (out,), Type.F32)
    add(writer, "output_norm.weight", (WIDTH,), Type.F32, near=1.0, spread=0.2)
    add(writer, "output_norm.bias", (WIDTH,), Type.F32)
    finish(writer)


def described(name):
    # Its reader leaves GPT-2's context out.
    more = {"n_positions": CONTEXT} if name.startswith("gpt2") else {}
    model = AutoModelForCausalLM.from_pretrained(FIXTURES, gguf_file=name, dtype=torch.float32, **more).eval()
    tokenizer = AutoTokenizer.from_pretrained(FIXTURES, gguf_file=name)
    tokens = torch.from_numpy(random.integers(3, model.config.vocab_size, (2, 6)))
    with torch.no_grad():
        logits = model(tokens).logits
    texts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    return {"tokens": tokens.tolist(), "logits": [float(f"{v:.6g}") for v in logits.flatten().tolist()],
            "texts": texts, "vocabulary": model.config.vocab_size}


def main():
    llama(FIXTURES / "llama.gguf")
    gpt2(FIXTURES / "gpt2.gguf")
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    data = {"versions": versions, "texts": TEXTS,
            "files": {name: described(name) for name in ["llama.gguf", "gpt2.gguf"]}}
    out = FIXTURES / "gguf.json"
    out.write_text(json.dumps(data, ensure_ascii=False))
    print([(FIXTURES / n).stat().st_size for n in ["llama.gguf", "gpt2.gguf", "gguf.json"]], versions)


main()

"""Rows of the table whose peers are hand-written PyTorch with a static cache, transformers and tokenizers.

    language_rows.py serve ROW

`lm_write_N` is `decode(N)` of torch_rows.py: room for all keys and values at once, filled in place. `hf_write_N`
is transformers' `generate` on a GPT-2 of the same sizes, with its cache. Both draw 256 tokens at temperature 1.
`lm_prefill` reads 1,024 tokens with fused attention and gives the logits behind the last; `hf_prefill` is the
same with transformers. `lm_pairs` is the trainer of `tokenizers` on the file that our program writes.
"""

import sys
import tempfile
from pathlib import Path

import torch
from serve import serve

TOKENS, VOCABULARY = 256, 65


def transformer():
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=VOCABULARY, n_positions=1024, n_embd=384, n_layer=6, n_head=6,
                        bos_token_id=0, eos_token_id=64)
    return GPT2LMHeadModel(config).eval()


def hf_write(texts):
    model = transformer()
    start = torch.zeros(texts, 1, dtype=torch.long)
    options = {"do_sample": True, "top_k": 0, "top_p": 1.0, "max_new_tokens": TOKENS, "min_new_tokens": TOKENS,
               "use_cache": True, "pad_token_id": 0, "attention_mask": torch.ones_like(start)}

    def run():
        with torch.inference_mode():
            return model.generate(start, **options).shape[1]

    return run


def lm_write(texts):
    import torch_rows

    work = torch_rows.decode(texts)
    return lambda: work()


def lm_prefill():
    import torch_rows

    torch_rows.CONTEXT = 1024
    model, tokens = torch_rows.Gpt().eval(), torch.arange(1024)[None] * 37 % VOCABULARY

    def run():
        with torch.inference_mode():
            at = torch.arange(1024)
            x = model.tokens(tokens) + model.positions(at)
            for block in model.blocks:
                x = block(x)
            return model.head(model.norm(x[:, -1]))[0, 0].item()

    return run


def hf_prefill():
    model, tokens = transformer(), torch.arange(1024)[None] * 37 % VOCABULARY

    def run():
        with torch.inference_mode():
            return model(tokens, use_cache=True, logits_to_keep=1).logits[0, -1, 0].item()

    return run


def lm_pairs():
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    text = (Path(tempfile.gettempdir()) / "pyrogen-bench-words.txt").read_text()

    def run():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=8_000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                      special_tokens=["<|endoftext|>"], show_progress=False)
        tokenizer.train_from_iterator([text], trainer)
        return tokenizer.get_vocab_size()

    return run


ROWS = {"lm_prefill": lm_prefill, "hf_prefill": hf_prefill, "lm_pairs": lm_pairs}
for count in (1, 16, 64):
    ROWS[f"lm_write_{count}"] = lambda count=count: lm_write(count)
    ROWS[f"hf_write_{count}"] = lambda count=count: hf_write(count)
    if count < 64:
        ROWS[f"lm_int8_{count}"] = ROWS[f"lm_write_{count}"]

if __name__ == "__main__":
    torch.manual_seed(1)
    serve(ROWS[sys.argv[2]]())

"""Byte pairs of Hugging Face's `tokenizers`: a trained tokenizer's file, and the tokens of some texts.

Packages: tokenizers (the version is in the fixture).
Command: python scripts/reference_bpe.py
Writes tests/fixtures/bpe.json: two tokenizers' files, one that cuts as GPT-2 and one as Llama 3, each
with the tokens of the texts; the text that they were trained on; and the merges in their order.
"""

import json
from pathlib import Path

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

OUT = Path(__file__).parent.parent / "tests/fixtures/bpe.json"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TRAINING = [
    "The owl looked down with his great round eyes; the cat looked up with her great green eyes.\n",
    "They'll say it's the cat's 1,234 mice, and we've counted 56789 of them in 2024!\n\n",
    "Die Eule schaute hinab, die Katze schaute hinauf: größer, höher, schöner.\n",
    "naïve café, Ἀθῆναι, 日本語のテキスト, हिन्दी पाठ, עִבְרִית, 🦀🦀 and ½ of Ⅻ.\n",
] * 3
TEXTS = TRAINING[:4] + [
    "", " ", "  ", "\n", "a", " a", "  a", "a  ", "a \n b", "\r\n\r\nx", "\t\ttab", "don't DON'T I'LL 'twas 'S",
    "x1y22z333w4444", "...!?\n\n--- (a) [b] {c}", "e\u0301 combined", "हिन्दी", "\u200b zero", "½Ⅻ²", "ⓐⓑ",
    "日本語 と English", "\u00a0nbsp\u3000wide", "a'b'sc", "''s", "'ſ", "tail   ", "   \n  x",
]


def built(pre):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        special_tokens=["<|endoftext|>"])
    tokenizer.train_from_iterator(TRAINING, trainer)
    return {
        "file": json.loads(tokenizer.to_str()),
        "tokens": [tokenizer.encode(text).ids for text in TEXTS],
    }


plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
cut = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated"),
    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
])
data = {
    "version": tokenizers.__version__,
    "training": TRAINING,
    "texts": TEXTS,
    "gpt2": built(plain),
    "llama3": built(cut),
}
OUT.write_text(json.dumps(data))
print(OUT.stat().st_size, data["version"])

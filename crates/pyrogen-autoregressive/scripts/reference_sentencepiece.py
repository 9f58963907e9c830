"""SentencePiece's kind of tokenizer as Hugging Face's `tokenizers` has it: files, and the tokens of some texts.

Packages: tokenizers (the version is in the fixture).
Command: python scripts/reference_sentencepiece.py
Writes tests/fixtures/sentencepiece.json: unigrams (without bytes and with them, with and without cuts before
words) and pairs of characters with bytes to fall back to, as Llama 2 has, each with the tokens of the texts and
what `decode` makes of them.
"""

import json
from pathlib import Path

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).parent.parent / "tests/fixtures/sentencepiece.json"
TRAINING = [
    "The owl looked down with his great round eyes; the cat looked up with her great green eyes.",
    "They'll say it's the cat's 1,234 mice, and we've counted 56789 of them in 2024!",
    "Die Eule schaute hinab, die Katze schaute hinauf: größer, höher, schöner.",
    "naïve café, and the owl's great grandmother counted the mice again and again.",
] * 3
TEXTS = TRAINING[:4] + [
    "", " ", "  ", "a", " a", "  a", "a  ", "a   b", "owl owl  owl", "the\nowl\tlooked", "xyz qqq", "日本語 owl 日本",
    "🦀", "e\u0301 combined", "größte Eulen", "eyeseyeseyes", "\u2581owl", "great" * 5, "naïve  日 naïve",
]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
SPACE = "\u2581"


def tokens(tokenizer):
    encoded = [tokenizer.encode(text).ids for text in TEXTS]
    return {"file": json.loads(tokenizer.to_str()), "tokens": encoded,
            "decoded": [tokenizer.decode(ids) for ids in encoded]}


def unigram(size, bytes_too, split, scheme, squeeze):
    tokenizer = Tokenizer(models.Unigram())
    if squeeze:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=scheme, split=split)
    special = ["<unk>", "</s>"] + (BYTES if bytes_too else [])
    trainer = trainers.UnigramTrainer(vocab_size=size + len(special), special_tokens=special, unk_token="<unk>",
                                      show_progress=False)
    tokenizer.train_from_iterator(TRAINING, trainer)
    if bytes_too:
        data = json.loads(tokenizer.to_str())
        data["model"]["byte_fallback"] = True
        # Byte pieces stand for bytes, and are no marks.
        data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
        tokenizer = Tokenizer.from_str(json.dumps(data))
        tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(),
                                               decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    else:
        tokenizer.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme=scheme)
    return tokens(tokenizer)


def pairs(old, bytes_too=True):
    """As Llama 2's file has it: before version 4.40 of transformers, and after it."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    special = ["<unk>", "<s>", "</s>"] + (BYTES if bytes_too else [])
    trainer = trainers.BpeTrainer(vocab_size=150 + len(special), special_tokens=special, show_progress=False)
    trained.train_from_iterator(TRAINING, trainer)
    data = json.loads(trained.to_str())
    vocab, merges = data["model"]["vocab"], [tuple(m) for m in data["model"]["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True,
                                     byte_fallback=bytes_too))
    if old:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="first", split=False)
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return tokens(tokenizer)


data = {
    "version": tokenizers.__version__,
    "texts": TEXTS,
    "unigram": unigram(150, False, True, "always", True),
    "unigram-bytes": unigram(120, True, True, "first", False),
    "unigram-whole": unigram(140, False, False, "always", False),
    "llama2-old": pairs(True),
    "llama2": pairs(False),
}
OUT.write_text(json.dumps(data, ensure_ascii=False))
print(OUT.stat().st_size, data["version"])
